#!/usr/bin/env bash
# What -h says of a program's options is what it takes, what its page tells,
# and what is completed at the prompt.

# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"
# shellcheck source=/dev/null # made by the build
. "$B/completions/tlspact.bash"

# What an awk program finds the options of a text with: add(), of $0, into
# word[1] to word[n], each once; [-jv] is two.
# shellcheck disable=SC2016 # of awk
words='function put(w) { if (!(w in seen)) { seen[w] = 1; word[++n] = w } }
	function add(  w, i) {
		while (match($0, /(^|[^a-zA-Z0-9-])--?[a-zA-Z][a-zA-Z-]*/)) {
			w = substr($0, RSTART, RLENGTH)
			$0 = substr($0, RSTART + RLENGTH)
			sub(/^[^-]/, "", w)
			if (w ~ /^--/)
				put(w)
			else for (i = 2; i <= length(w); i++)
				put("-" substr(w, i, 1))
		}
	}'

# options	those in the text on standard input, a line each
options()
{
	awk "$words"'{ add() } END { while (n) print word[n--] }' | sort -u
}

# ways		the options of each way to call the $program, a line each, as the
#		usage or the page on standard input has them
ways()
{
	awk -v name="$program" "$words"'
		function give(  i, j, w) {
			for (i = 2; i <= n; i++) {
				w = word[i]
				for (j = i; j > 1 && word[j - 1] > w; j--)
					word[j] = word[j - 1]
				word[j] = w
			}
			for (i = 1; i <= n; i++)
				printf "%s%s", word[i], i < n ? " " : ""
			if (said)
				print ""
			n = 0
			split("", seen)
		}
		said && /^[^ ]/ { exit }
		{ sub(/^usage:/, "") }
		$1 == name { give(); said = 1 }
		said { add() }
		END { give() }' | sort
}

# complete_for WORD...	what is offered in place of the last one
complete_for()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_tlspact "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
	[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

# verbs PROGRAM	a line each
verbs()
{
	"$B/$1" --completion | awk -F '\t' '$1 == "verb" { print $2 }'
}

# offered PROGRAM	each option that is completed, behind any verb
offered()
{
	local key

	# shellcheck disable=SC2154,SC2086 # of the completions; a word each
	for key in "${!_tlspact_options[@]}"; do
		[[ $key != "$1"/* ]] ||
			printf '%s\n' ${_tlspact_options[$key]}
	done | sort -u
}

for page in "$TOP"/cmd/*.8; do
	program=$(basename "$page" .8)
	[ -x "$B/$program" ] || continue
	run "$B/$program" -h
	is "$program -h" "$rc $err" '0 '
	is 'in 80 columns' "$(awk 'length > 80' <<<"$out")" ''
	said=$(options <<<"$out")
	# A page speaks of other programs' options, too: but not in these.
	text=$(MANWIDTH=500 mandoc -Tutf8 -O width=500 "$page" | col -bx |
		sed -e 's/‐/-/g' -e 's/−/-/g')
	told=$( (sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' <<<"$text"
		sed -nE 's/^ +(--?[a-zA-Z].*)/\1/p' <<<"$text") | options)
	is 'the page has no other one' \
		"$(comm -13 <(echo "$said") <(echo "$told"))" ''
	is 'and each of them' \
		"$(comm -23 <(echo "$said") <(options <<<"$text"))" ''
	is 'and so has what completes them' "$(offered "$program")" "$said"
	# A line for each way to call it; but for those with [options].
	[[ $out != *'[options]'* ]] || continue
	is 'the same ways to call it, with the same options' "$(ways <<<"$out")" \
		"$(sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' <<<"$text" |
			grep -v -- '-h | -V' | ways)"
done

# --- A verb has a usage of its own -----------------------------------------

# What the table gives to each verb is what its usage tells, and no more.
for program in tlspactctl tlspact-setup; do
	table=$("$B/$program" --completion)
	while read -r verb; do
		run "$B/$program" "$verb" -h
		is "$program $verb -h" "$rc $err" '0 '
		told=$(options <<<"$out")
		takes=$(awk -F '\t' -v verb="$verb" '
			$1 == "option" && ($5 == "-" || \
			    index("," $5 ",", "," verb ",")) {
				if ($2 != "-") print "-" $2
				print "--" $3
			}' <<<"$table" | sort -u)
		is 'tells each of its options, and no other one' \
			"$told" "$takes"
	done < <(verbs "$program")
done
# --- Completion ----------------------------------------------------------------

mkdir "$T/bin"
cat >"$T/bin/tlspactctl" <<'EOT'
#!/bin/sh
[ "$*" != 'status --quiet' ] || printf 'acme\nglobex\n'
EOT
cat >"$T/bin/tlspact-setup" <<'EOT'
#!/bin/sh
[ "$*" != --settings ] || printf 'ca_file = x\nmap = y\n'
EOT
chmod +x "$T"/bin/*
touch "$T/chain.pem"
while IFS='|' read -r line want; do
	read -ra words <<<"${line//_/ }"
	[ "${line: -1}" != _ ] || words+=('')
	is "completed: $line" "$(cd "$T" && PATH="$T/bin:$PATH" complete_for \
		"${words[@]}" | sort | paste -sd ' ')" "$want"
done <<'EOT'
tlspactctl_exte|extend
tlspactctl_extend_|acme globex
tlspactctl_extend_g|globex
tlspactctl_-C_x_extend_a|acme
tlspactctl_extend_acme_--for_|12h 1d 1h 30m 4h
tlspactctl_extend_acme_--for_=|12h 1d 1h 30m 4h
tlspactctl_downgrade_acme_--to_=_e|encrypt
tlspactctl_-o_map_=_ch|chain.pem
tlspactctl_downgrade_--to_|encrypt key opportunistic
tlspactctl_downgrade_--to_e|encrypt
tlspactctl_downgrade_--ticket_|
tlspactctl_downgrade_--no-|--no-flush
tlspactctl_extend_--no-|
tlspactctl_-C_|.err .out bin chain.pem
tlspactctl_-c_|bin
tlspactctl_-o_ca|ca_file=
tlspact-setup_--s|--settings
tlspact-setup_print_--s|
tlspact-setup_|apply bundle check print
tlspact-report_--format_|csv html ics json text
tlspact-report_--partner_a|acme
tlspact-report_a|acme
tlspact-probe_--as_|enforced
tlspact-probe_g|globex
tlspact-probe_--output_ch|chain.pem
tlspact-log_c|chain.pem
tlspact-log_re|report
tlspact-log_report_a|acme
tlspact-verify_acme_ch|chain.pem
/usr/local/sbin/tlspactctl_sta|status
EOT
# As it is typed at a terminal, with the Tab key behind it: what must be quoted,
# where a blank follows.
touch "$T/an other.pem"
mkdir "$T/dir" "$T/zsh"
ln -s "$B/completions/tlspact.zsh" "$T/zsh/_tlspactctl"
# at_terminal SHELL SETUP...
at_terminal()
{
	local shell=$1

	if ! command -v "$shell" >/dev/null; then
		skip "$shell completes" "no $shell here"
		return
	fi
	if ! terminal; then
		skip "$shell completes" 'no terminal can be made here'
		return
	fi
	is "$shell completes" "$(cd "$T" && PATH="$T/bin:$PATH" ZDOTDIR=$T \
		"$TOP/tests/tools/complete" "$@" <<'EOT' | tr ' ' _
tlspactctl exte
tlspactctl -C x exte
tlspactctl extend g
tlspactctl history acme --s
tlspactctl history --kind we
tlspactctl downgrade acme --to=en
tlspactctl -o ca_
tlspactctl -o map=ch
tlspactctl -C an
tlspactctl --config=an
tlspactctl -c di
tlspact-report --partner=g
EOT
	)" 'tlspactctl_extend_
tlspactctl_-C_x_extend_
tlspactctl_extend_globex_
tlspactctl_history_acme_--since_
tlspactctl_history_--kind_weaker_
tlspactctl_downgrade_acme_--to=encrypt_
tlspactctl_-o_ca_file=
tlspactctl_-o_map=chain.pem_
tlspactctl_-C_an\_other.pem_
tlspactctl_--config=an\_other.pem_
tlspactctl_-c_dir/
tlspact-report_--partner=globex_'
}
at_terminal bash ". '$B/completions/tlspact.bash'"
# compinit would read a thousand files: what the rest needs is asked for.
# shellcheck disable=SC2016 # of zsh
at_terminal zsh 'autoload -U +X compinit compaudit compdump compinstall' \
	'all=($fpath); fpath=('"'$T/zsh'"' ${(M)fpath:#*/Base})' \
	'compinit -C -D' 'fpath+=($all)' \
	'autoload -U _files _path_files _directories _list_files'
if command -v fish >/dev/null; then
	# shellcheck disable=SC2016 # of fish
	is 'fish completes' "$(cd "$T" && HOME=$T XDG_CONFIG_HOME=$T \
		XDG_DATA_HOME=$T PATH="$T/bin:$PATH" fish -c 'source $argv[1]
while read -l line
	string join -- " " = (complete -C "$line" | string replace -r "\t.*" "")
end' "$B/completions/tlspact.fish" <<'EOT'
tlspactctl exte
tlspactctl -C x exte
tlspactctl extend 
tlspactctl extend acme --n
tlspactctl downgrade acme --no
tlspactctl downgrade acme --to=en
tlspactctl -o ca
tlspactctl -C an
tlspactctl -c di
tlspact-report --partner=g
tlspact-setup --s
tlspact-log r
EOT
	)" '= extend
= extend
= acme globex
=
= --no-flush
= --to=encrypt
= ca_file=
= an other.pem
= dir/
= --partner=globex
= --settings
= report'
else
	skip 'fish completes' 'no fish here'
fi

# --- Usage of a verb -----------------------------------------------------------

run "$B/tlspactctl" extend -h
is 'the usage of a verb begins with it' "${out%% PARTNER*}" \
	'usage: tlspactctl extend'
unlike 'and is of no other one' "$out" 'downgrade|history'
run "$B/tlspactctl" certificates -h
like 'each of its options is explained' "$out" $'\n +--within TIME +only certificates that end '
run "$B/tlspactctl" -h extend
is 'wherever -h stands' "${out%% PARTNER*}" 'usage: tlspactctl extend'

# --- What is said of a mistake ----------------------------------------------

while IFS='|' read -r line want; do
	read -ra words <<<"$line"
	run "$B/${words[0]}" "${words[@]:1}" </dev/null
	is "$line" "${err%%$'\n'*}" "${words[0]}: $want"
done <<'EOT'
tlspactctl|say what to do: status, explain, downgrade, extend, restore, history, onboard, check, certificates, edit, top
tlspactctl help downgrad|"downgrad" is not a verb; did you mean downgrade?
tlspactctl check acme|"acme" is an argument too many: check takes none; say tlspactctl status acme
tlspactctl downgrade acme for 4h|"for" is an argument too many; say --for
tlspact-log raport|"raport" is not a file; did you mean report?
tlspact-verify acme. x -C /dev/null -o registry=/dev/null -o ledger=/dev/null/l -o evidence=/dev/null/e|"acme" is neither a partner nor a partner's domain
tlspactctl -C /dev/null -o registry=/dev/null explain joe@|"joe@": an address without a domain
tlspactctl -C /dev/null -o registry=/dev/null status @acme.example|no partner has the name or the domain "acme.example"; see tlspactctl status -v
tlspactctl -C /dev/null -o registry=/dev/null status ACME.EXAMPLE.|no partner has the name or the domain "ACME.EXAMPLE"; see tlspactctl status -v
tlspact-probe joe@acme -C /dev/null -o registry=/dev/null|"acme" is neither a partner nor a domain or host
tlspactctl status --yes|status takes no --yes; downgrade, extend and restore do
tlspactctl status a b|"b" is an argument too many: status takes one at a time
tlspactctl downgrade a 4h|"4h" is an argument too many; say --for 4h
tlspactctl extend a 4h|"4h" is an argument too many; say --for 4h
tlspactctl downgrade a key|"key" is an argument too many; say --to key
tlspactctl downgrade a b|"b" is an argument too many: downgrade takes one at a time
tlspactctl downgrade a 4|"4" is an argument too many: downgrade takes one at a time
tlspactctl certificates a 30d|"30d" is an argument too many; say --within 30d
tlspactctl extend|extend: say which PARTNER
tlspactctl onboard -n|onboard: say which PARTNER
tlspact-probe acme --host mx9.acme.example|"--host" is not an option; say tlspact-verify PARTNER --host HOST
tlspactctl explain|explain: say which ADDRESS
tlspactctl extend x --for|--for: its argument is missing: --for TIME
tlspactctl extend x --for --yes|--for: its argument is missing: --for TIME
tlspactctl status -o|-o: its argument is missing: -o NAME=VALUE
tlspactctl extend x --for 4 hours|"4 hours": a time is one word; say --for 4h
tlspactctl certificates --within 30 days|"30 days": a time is one word; say --within 30d
tlspactctl history --since 3 days ago|"3 days": a time is one word; say --since 3d
tlspact-report --since 30 days|"30 days": a time is one word; say --since 30d
tlspactctl extend x --until 2026-12-24 08:00|"2026-12-24 08:00": a time is one word; say --until 2026-12-24T08:00
tlspactctl downgrade x --for 4h --reason key lost|"lost" is an argument too many; a text with blanks is quoted: --reason "key lost"
tlspactctl downgrade --for 4h --reason key lost x|"lost" is an argument too many; a text with blanks is quoted: --reason "key lost"
tlspactctl acme.example status|"acme.example" is not a verb, which comes first; say tlspactctl status acme.example
tlspactctl acme.example|"acme.example" is not a verb; say tlspactctl status acme.example
tlspactctl status -json|"-json" lacks a dash; say --json
tlspactctl status –json|"–json" begins with a dash that is not "-"; options begin with that
tlspactctl history --month last|"--month" is not an option; say --since last-month --until last-month
tlspact-log report --year this|"--year" is not an option; say --since this-year --until this-year
tlspactctl history --last-month|"--last-month" is not an option; did you mean --since last-month?
tlspact-report --lat-month|"--lat-month" is not an option; did you mean --month last?
tlspact-report --last-year|"--last-year" is not an option; did you mean --since last-year?
tlspact-report --year 2026|"--year" is not an option; say --since 2026 --until 2026
tlspact-report --month|--month: its argument is missing: --month MONTH
tlspact-report --month 2026-13|--month: "2026-13" is no month; say 2026-10, last or this
tlspact-report --month 2026|--month: "2026" is no month; say 2026-10, last or this
tlspact-report --month last --until 2026-10|--month goes without --since and --until
tlspact-report --since 2026-10 --month 2026-10|--month goes without --since and --until
tlspact-report --since yesterdy|--since: "yesterdy" is no time; did you mean yesterday?
tlspact-report --since 2026-13|--since: "2026-13" is no time: say 30d (so long ago), 2026, 2026-11, 2026-11-30, today, yesterday, this-month, last-month, this-year or last-year
tlspact-report --until 1m|--until: "1m" would be minutes, not months; say 30d or last-month
tlspactctl extend x --f 4h|"--f" begins more than one option
tlspactctl extend x --forever|"--forever" is not an option
tlspactctl -x|"-x" is not an option
tlspactctl status --verbose=2|--verbose takes no argument
tlspactctl -o foo status|-o: "foo": missing '='
tlspactctl downgrade x --for 4 --reason y -o registry=/dev/null|--for: "4" has no unit, such as 30m, 4h or 2d
tlspact-probe --rate 1000001 x|--rate: "1000001" is not a number from 0 to 1000000
tlspact-probe --entry|--entry: say which domain or address
tlspact-probe --as enforce x|--as: "enforce": the only word is "enforced"
tlspact-probe --json --prometheus x|--prometheus: another form was asked for as well
tlspact-report --at soon|--at: "soon" is no time; YYYY-MM-DD and RFC 3339 are
EOT

# --- What is refused, with the exit code, before anything is read ----------

while read -r want program line; do
	read -ra words <<<"$line"
	run "$B/$program" "${words[@]}" </dev/null
	is "$program $line" "$rc" "$want"
	# On a terminal say() breaks it.
	like 'the reason in one line, in another who tells more' "$err" \
		"^$program: [^"$'\n'"]{7,170}"$'\n'"$program: see $program( [a-z]+)? -h\$"
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
64 tlspactctl check --nagios --json
64 tlspactctl check --json --prometheus
3 tlspact-probe --nagios --json word
3 tlspact-probe --nagios --bogus
64 tlspact-report --brief --daily
64 tlspact-report --format pdf
64 tlspact-report --json --format csv
64 tlspact-report --from soon
64 tlspact-report --since 30
64 tlspact-report --since 1m
64 tlspact-report --until 90m
64 tlspact-log report --until 4x
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
64 tlspactctl status -n
64 tlspactctl explain -n one
64 tlspactctl history -n
64 tlspactctl check -n
64 tlspactctl certificates -n
64 tlspactctl status one two
64 tlspactctl downgrade
64 tlspactctl downgrade one --check
64 tlspactctl extend one --flush
64 tlspactctl restore one --for 4h
64 tlspactctl restore one --flush --no-flush
64 tlspactctl history --check one
64 tlspactctl history --check --kind map
64 tlspactctl history --check --weaker
64 tlspactctl history --weaker --kind map
64 tlspactctl history --known 1:a
64 tlspactctl onboard
64 tlspactctl onboard one --yes
64 tlspactd word
64 tlspactd --json
EOT

# --- A mistake names what was meant ------------------------------------------

run "$B/tlspactctl" lower acme
for verb in '"lower" is not a verb' $(verbs tlspactctl); do
	like "a word that is no verb: $verb" "$err" "$verb"
done
like 'and the one that was meant' "$err" '; say downgrade'
run "$B/tlspactctl" add acme
like 'one that another program does' "$err" '; say tlspact-probe --entry DOMAIN'
run "$B/tlspactctl" import table
like 'so is this one' "$err" '; say tlspact-compile --import FORMAT FILE'
run "$B/tlspactctl" rename acme globex
like 'and what the registry does' "$err" '; say former=OLD-NAME in tlspactctl edit'
run "$B/tlspactctl" certs --within 30d
like 'a verb cut short' "$err" '; say certificates'
run "$B/tlspactctl" nonsense
unlike 'if there is one' "$err" 'say'
run "$B/tlspactctl" status ''
is 'an empty argument' "$rc ${err%%$'\n'*}" \
	'64 tlspactctl: an argument is empty: ""'
for words in help 'help status' '-C /dev/null help check'; do
	read -ra word <<<"$words"
	run "$B/tlspactctl" "${word[@]}"
	is "tlspactctl $words is -h" "$rc $err${out%% [sc]*}" \
		'0 usage: tlspactctl'
done
for word in report probe verify trace setup compile log; do
	run "$B/tlspactctl" "$word" acme
	like "tlspactctl $word names the program" "$rc $err" \
		"^64 .*; say .*tlspact-$word"
done
# Nobody may read by it what the program can.
printf '%s\n' root:secret: a:secret b:secret c:secret d:secret e:secret \
	f:secret >"$T/foreign"
run "$B/tlspactctl" -C "$T/foreign" status
is 'a settings file that is none' "$rc $(wc -l <<<"$err")" '78 6'
unlike 'little of it is shown' "$err" secret
run "$B/tlspactctl" -C /dev/null -o registry="$T/foreign" status
is 'nor a registry' "$(grep -c "^$T/foreign:" <<<"$err")" 4
unlike 'of which as little is' "$err" secret
for word in ledger evidence; do
	run "$B/tlspactctl" -C /dev/null -o registry=/dev/null \
		-o "$word=/nosuch/x.db" status
	like "a $word that is not there, though it was named" "$err" \
		"tlspactctl: $word \"/nosuch/x.db\" does not exist"
done
if [ "$(id -u)" = 0 ]; then
	mkdir "$T/shut"
	: >"$T/shut/l.db"
	chmod 755 "$T" "$T/shut"
	chmod 600 "$T/shut/l.db"
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$B/tlspactctl" -C /dev/null -o registry=/dev/null \
		-o ledger="$T/shut/l.db" history
	like 'who may read it' "$err" \
		'Permission denied; run this as root, or in the group of'
	chmod 700 "$T/shut"
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$B/tlspactctl" -C /dev/null -o registry=/dev/null \
		-o ledger="$T/shut/l.db" history
	like 'nor where its folder is closed' "$rc $err" \
		'^77 .*Permission denied; run this as root, or in the group of'
fi
echo "ledger = $T/no/l.db" >"$T/moved"
run "$B/tlspactctl" -C "$T/moved" -o registry=/dev/null check
like 'nor one in a folder that is not' "$err" 'ledger ".*/no/l.db" does not exist'
run "$B/tlspactctl" -C /dev/null -o registry=/dev/null status
unlike 'the first day is calm' "$err" 'does not exist'
run "$B/tlspactctl" stats
is 'a slip in a verb' "$rc ${err%%$'\n'*}" \
	'64 tlspactctl: "stats" is not a verb; did you mean status?'
run "$B/tlspactctl" status --jsno
is 'a slip in an option' "$rc ${err%%$'\n'*}" \
	'64 tlspactctl: "--jsno" is not an option; did you mean --json?'
run "$B/tlspact-setup"
for verb in $(verbs tlspact-setup) --settings; do
	like "tlspact-setup alone names $verb" "$err" "say what to do: .*$verb"
done
is '-n is a dry run wherever it is' "$(for page in "$TOP"/cmd/*.8; do
	"$B/$(basename "$page" .8)" --completion 2>/dev/null
done | awk -F '\t' '$1 == "option" && $2 == "n" { print $3 }' | sort -u)" \
	dry-run

done_testing
