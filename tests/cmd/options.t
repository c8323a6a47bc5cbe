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
		verbs=(status downgrade extend restore history)
	offered=$(for verb in "${verbs[@]}"; do
		complete_for "$program" ${verbs[0]:+"$verb"}
	done | grep -e '^-' | sort -u)
	is 'and so has what completes them' "$offered" "$said"
done

done_testing
