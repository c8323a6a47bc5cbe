#!/usr/bin/env bash
# What -h says of a program's options is what it takes, what its page tells,
# and what is completed at the prompt.

# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"
# shellcheck source=scripts/completions/tlspact.bash
. "$TOP/scripts/completions/tlspact.bash"

# options	the options in the text on standard input, a line each
options()
{
	grep -oE -e '(^|[^a-zA-Z0-9-])--?[a-zA-Z][a-z-]*' |
		sed 's/^[^-]//' | sort -u
}

# The synopsis and the heads of the list, of -h and of a page: [-jv] is two.
single()
{
	sed -E ':again; s/(^| |\[)-([a-zA-Z])([a-zA-Z]+)/\1-\2 -\3/; t again'
}

# complete_for PROGRAM [VERB]	what is offered for a dash
complete_for()
{
	COMP_WORDS=("$@" -)
	COMP_CWORD=$#
	_tlspact "$1" - "${!#}"
	printf '%s\n' "${COMPREPLY[@]}"
}

# strange PROGRAM OPTION...	those that the program does not know
strange()
{
	local program=$1 o

	for o in "${@:2}"; do
		case $o in
		-h | -V | --help | --version) continue ;;
		esac
		"$B/$program" "$o" 1 -h </dev/null 2>&1 |
			grep -E 'unrecognized|invalid|ambiguous'
	done
}

for page in "$TOP"/cmd/*.8; do
	program=$(basename "$page" .8)
	[ -x "$B/$program" ] || continue
	run "$B/$program" -h
	is "$program -h" "$rc $err" '0 '
	said=$(single <<<"$out" | options)
	mapfile -t list <<<"$said"
	is 'knows each option that it tells of' \
		"$(strange "$program" "${list[@]}")" ''
	# A page speaks of other programs' options, too: but not in these.
	text=$(MANWIDTH=500 mandoc -Tutf8 -O width=500 "$page" | col -bx |
		sed -e 's/‐/-/g' -e 's/−/-/g')
	told=$( (sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' <<<"$text"
		sed -nE 's/^ +(--?[a-zA-Z].*)/\1/p' <<<"$text") |
		single | options)
	is 'the page has no other one' \
		"$(comm -13 <(echo "$said") <(echo "$told"))" ''
	is 'and each of them' "$(comm -23 <(echo "$said") \
		<(single <<<"$text" | options))" ''
	verbs=('')
	[ "$program" != tlspactctl ] ||
		verbs=(status downgrade extend restore history onboard)
	offered=$(for verb in "${verbs[@]}"; do
		complete_for "$program" ${verbs[0]:+"$verb"}
	done | grep -e '^-' | sort -u)
	is 'and so has what completes them' "$offered" "$said"
done

# --- What is refused, with the exit code, before anything is read ----------

while read -r want program line; do
	read -ra words <<<"$line"
	run "$B/$program" "${words[@]}" </dev/null
	is "$program $line" "$rc" "$want"
	like 'with the usage' "$err" 'usage: tlspact'
done <<'EOT'
64 tlspact-compile --diff --text
64 tlspact-compile word
64 tlspact-log --now soon
64 tlspact-log --follow one two
64 tlspact-log --follow --explain
64 tlspact-probe
64 tlspact-probe --all word
64 tlspact-probe --as opportunistic word
64 tlspact-probe --rate 1000001 word
64 tlspact-probe --json --prometheus word
64 tlspact-probe --json --nagios word
3 tlspact-probe --nagios --json word
3 tlspact-probe --nagios --bogus
64 tlspact-report word
64 tlspact-report --format pdf
64 tlspact-report --json --format csv
64 tlspact-report --from soon
64 tlspact-report --what-if registry --check
64 tlspact-trace --partner
64 tlspact-trace --follow
64 tlspact-verify one
64 tlspact-verify one two three four
64 tlspact-verify --at soon one two
64 tlspact-verify --rehearse bundle one
64 tlspact-setup
64 tlspact-setup word
64 tlspact-setup -n print
64 tlspact-setup --yes check
64 tlspact-setup apply word
64 tlspactctl
64 tlspactctl word
64 tlspactctl status --yes
64 tlspactctl status one two
64 tlspactctl downgrade
64 tlspactctl downgrade one --check
64 tlspactctl extend one --flush
64 tlspactctl restore one --for 4h
64 tlspactctl restore one --flush --no-flush
64 tlspactctl history --check one
64 tlspactctl history --known 1:a
64 tlspactctl onboard
64 tlspactctl onboard one --yes
64 tlspactd word
64 tlspactd --json
EOT

done_testing
