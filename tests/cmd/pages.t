#!/usr/bin/env bash
# What the pages promise of settings, and their examples, against the programs.

# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

# example PAGE N	the N-th displayed block of EXAMPLES, as it is typed
example()
{
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$TOP/cmd/$1" |
		awk -v want="$2" '/^\.Bd/ { on = ++n == want; next }
			/^\.Ed/ { on = 0 }
			on' | sed -e 's/\\e$/\\/' -e 's/\\&//g'
}

# --- tlspact.conf(5): each setting, its default, its bounds ------------------

# shellcheck disable=SC2317 # called through run
settings()
{
	"$B/tlspact-setup" -C /dev/null -n "$@"
}

# A line each: NAME DEFAULT BOUNDS, a tab between; "" is "empty".
sed -nE 's/^\.It Cm ([a-z_]+) Pq default: (.*)/\1\t\2/p' \
	"$TOP/cmd/tlspact.conf.5" |
	sed -E -e 's/\t(Li|Cm|Pa) /\t/' -e 's/; /\t/' >"$T/page"
"$B/tlspact-setup" -C /dev/null -n >"$T/program"

is 'the page has each setting, and no other one' \
	"$(cut -f 1 "$T/page" | sort)" "$(sed 's/ =.*//' "$T/program" | sort)"
while IFS=$'\t' read -r name preset bounds; do
	case $preset in
	empty) preset= ;;
	'beside the map, as Pa '*) preset=/var/lib/tlspact/${preset##* } ;;
	esac
	is "$name: the default" \
		"$(sed -n "s/^$name = *//p; s/^$name =\$//p" "$T/program")" \
		"$preset"
	run settings -o "$name=99999999999999999999"
	is "$name: the bounds" "$(sed -nE \
		's/.* is not a (number|time) from (.* to [0-9a-z]+).*/\2/p' \
		<<<"$err")" "${bounds/#to /0s to }"
done <"$T/page"

example tlspact.conf.5 1 >"$T/conf"
run "$B/tlspact-setup" -C "$T/conf" -n
is 'the example is taken' "$rc$err" 0
like 'and means what it says' "$out" 'map = /srv/mail/out/policy.cdb'

# --- tlspact-compile(8): errors are told as the example has them --------------

mkdir "$T/partners.d"
{
	printf '#\n%.0s' {1..12}
	echo 'include partners.d/eu.registry'
	echo 'partner one mode=enforced domain=a_b.example contact=x@x.example'
	printf '#\n%.0s' {15..21}
	echo 'partner two mode=enforced domain=acme.example contact=x@x.example'
} >"$T/registry"
printf '#\n#\n%s\n' \
	'partner acme mode=enforced domain=acme.example contact=x@x.example' \
	>"$T/partners.d/eu.registry"
run "$B/tlspact-compile" -C /dev/null -o registry="$T/registry" \
	-o map="$T/policy.cdb" -o ledger="$T/ledger.db" \
	-o evidence="$T/evidence.db" -o postfix_version=3.7 \
	-o fingerprint_digest=sha256
is 'errors, each at its place' \
	"$(head -n 2 <<<"${err//$T//etc/tlspact}")" \
	"$(example tlspact-compile.8 3 | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' \
		-e '}' | sed -n 2,3p)"

# --- Tables fit a terminal: troff(1) breaks no line of them ------------------

# tables PAGE	each as it is if lines have no end
tables()
{
	{
		printf '.%s\n' 'Dd now' 'Dt T 7' Os 'Sh NAME' 'Nm t' 'Nd t' \
			'Sh TABLES' 'Ss T'
		sed -n '/^\.Bl -column/,/^\.El/p' "$1"
	} | mandoc -Tutf8 -Owidth=500 2>/dev/null | col -bx | sed -e 1d -e '$d'
}
if command -v mandoc >/dev/null; then
	for page in "$TOP"/cmd/*.[1578]; do
		is "${page##*/}: its tables have 78 columns" \
			"$(tables "$page" | awk 'length > 78')" ''
	done
	like 'there are tables' "$(tables "$TOP/cmd/tlspact.7")" \
		' level +Postfix policy +what is demanded'
fi

# --- tlspact(7): a move to another outsourcer, step by step ------------------

# move STEP: the registry of it, from the page
move()
{
	sed -n '/^\.Ss A partner moves/,/^\.S[sh] Away/p' "$TOP/cmd/tlspact.7" |
		awk -v want="$1" '/^\.Bd/ { block = ""; on = 1; next }
			/^\.Ed/ { on = 0; if (block ~ /^provider/ && ++n == want)
				printf "%s", block }
			on { block = block $0 "\n" }'
}
# moved: compile it; what changed, and the row
moved()
{
	run "$B/tlspact-compile" -C /dev/null -o registry="$T/registry" \
		-o map="$T/move.cdb" -o ledger="$T/ledger.db" \
		-o evidence="$T/evidence.db" -o postfix_version=3.7 \
		-o fingerprint_digest=sha256 -o opportunistic_level=may \
		-o max_weakened=10 "$@"
}
move 2 | sed 's/provider=.*/gateway=mx1.acme.example,mx2.acme.example/' \
	>"$T/registry"
moved
is 'as it was' "$rc" 0
move 1 >"$T/registry"
moved --diff
like 'both names: weaker' "$rc $(tr -s '\n ' ' ' <<<"$out")" \
	'^0 weaker acme\.example .* is secure match=mx1\.acme\.example:mx2\.acme\.example:\.hoster\.example '
moved
is 'both names are taken' "$rc" 0
move 2 >"$T/registry"
moved --diff
like 'the provider alone: stronger' "$rc $(tr -s '\n ' ' ' <<<"$out")" \
	'^0 stronger acme\.example .* is secure match=\.hoster\.example '
moved
is 'it is taken' "$rc.${err:-}" 0.

# --- What cron runs has a path: its own is /usr/bin:/bin ---------------------

is 'a line for cron names our programs by their path' "$(sed -nE \
	's/^(\.Dl )?([0-9*]+ ){2}\* \* [*0-9]+ [a-z_]+ //p' "$TOP"/cmd/*.[578] |
	grep -E '(^|[^/a-z-])tlspact(ctl|d|-[a-z]+) ')" ''

done_testing
