#!/usr/bin/env bash
# tlspactctl edit: the registry in an editor that is a script, at a terminal
# that is script(1).
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

terminal || skip_all 'no terminal to be had'

mkdir "$T/partners.d" "$T/tmp"
export TMPDIR=$T/tmp
cat >"$T/registry" <<'REGISTRY'
include partners.d/*.registry
partner acme mode=enforced domain=acme.example gateway=mx1.acme.example
	contact=p@acme.example
REGISTRY
cat >"$T/partners.d/eu.registry" <<'REGISTRY'
# Of the office in the EU
partner globex mode=enforced domain=globex.example gateway=mx1.globex.example
	contact=p@globex.example
REGISTRY
chmod 640 "$T/partners.d/eu.registry"
cp "$T/partners.d/eu.registry" "$T/eu"
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o "evidence=$T/evidence.db"
	-o postfix_version=3.7.11 -o fingerprint_digest=sha256)
ok 'the registry compiles' "$B/tlspact-compile" "${options[@]}" ||
	bail 'nothing to test'

# An editor that writes down how it was called, and runs the next of its lines.
cat >"$T/vi" <<'VI'
#!/bin/sh
echo "$*" >>"$DIR/called"
for file; do :; done
n=$(wc -l <"$DIR/called")
eval "$(sed -n "${n}p" "$DIR/script")"
VI
chmod 755 "$T/vi"
export DIR=$T
# edit ANSWERS [ARG...]	the lines of $T/script are what the editor does
# shellcheck disable=SC2317 # called through run
edit()
{
	local answers=$1

	shift
	rm -f "$T/called"
	# shellcheck disable=SC2059 # \n in it
	printf "$answers" | VISUAL="$T/vi -x" script -qec \
		"stty cols ${cols:-1000}; ${before:-}$B/tlspactctl edit ${options[*]} $*" /dev/null
}

run "$B/tlspactctl" edit "${options[@]}" </dev/null
is 'no terminal' "$rc" 64
run "$B/tlspactctl" edit -j "${options[@]}" </dev/null
is 'nor an object of it' "$rc" 64
echo : >"$T/script"
run edit '' globex
is 'nothing changed' "$rc" 0
like 'is said' "$out" 'eu.registry: nothing was changed'
like 'the editor has its options, the line and a copy' "$(<"$T/called")" \
	"^-x \+2 $T/tmp/tlspact-edit\.[^/]+/eu.registry$"
run edit '' nobody
is 'no such partner' "$rc" 66

cat >"$T/script" <<'SCRIPT'
sed -i 's/mode=enforced/mode=enforcd/' "$file"
sed -i 's/mode=enforcd/mode=opportunistic/' "$file"
SCRIPT
run edit 'w\ne\nq\n' globex.example
is 'given up' "$rc" 1
like 'an error is told by its place' "$out" 'eu.registry:2: .*enforcd'
like 'and cannot be written' "$out" 'again, \[q\]uit\? .*\[e\]dit again, \[q\]uit'
like 'which who asks for it is told' "$out" 'a text with errors is not written, .*eu.registry and what.Postfix reads are as they were'
like 'what gets weaker is shown' "$out" 'weaker +globex.example: secure -> opportunistic, now (by|without TLS: main.cf has no) smtp_tls_security_level'
like 'and counted' "$out" '1 enforced row REMOVED OR WEAKENED'
echo "sed -i 's/mode=enforced/mode=opportunistic/' \"\$file\"" >"$T/script"
run edit 'q\n' globex -o max_weakened=0
like 'what would be refused is told in front of the question' \
	"$(tr -d '\r' <<<"$out")" $'\n1 enforced row REMOVED OR WEAKENED, more than max_weakened = 0 allows: tlspact-compile will refuse it\n\\[e\\]dit'
ok 'nothing was written' cmp "$T/eu" "$T/partners.d/eu.registry"
is 'no copy is left' "$(ls -A "$T/tmp")" ''

echo "sed -i 's/mx1.globex/mx2.globex/' \"\$file\"" >"$T/script"
run edit '' globex -n
is 'a dry run' "$rc" 0
ok 'writes nothing' cmp "$T/eu" "$T/partners.d/eu.registry"
cols=80 run edit '' globex -n
like 'a change that is wider than the terminal' "$out" 'changed  globex.example: .*match=mx1'
is 'is broken' "$(tr -d '\r' <<<"$out" | grep -v "$T" | grep -c '.\{81\}')" 0
run edit 'w\n' globex
is 'written' "$rc" 0 || diag "$out"
like 'and told' "$out" 'changed +globex.example: .*done: .*eu.registry written, and the map'
like 'with the next command' "$(tr -d '\r' <<<"$out")" \
	$'and the map\nnext: tlspact-probe globex(\n|$)'
is 'that somebody agreed is on record' "$("$B/tlspactctl" history -j \
	"${options[@]}" | jq -rs '[.. | .agreed? // empty] | last')" edit
like 'it is in the file' "$(<"$T/partners.d/eu.registry")" 'gateway=mx2.globex.example'
is 'which keeps its mode' "$(stat -c %a "$T/partners.d/eu.registry")" 640
like 'and in the map' "$(postmap -q globex.example "cdb:$T/policy" 2>/dev/null || strings "$T/policy.cdb")" 'match=mx2.globex.example'

# Who comes, who goes, and mail from them.
cat >"$T/more" <<'MORE'
partner clear domain=clear.example
partner tyrell mode=enforced domain=tyrell.example gateway=mx.tyrell.example
MORE
cat >"$T/script" <<'SCRIPT'
cat "$DIR/more" >>"$file"
SCRIPT
run edit 'w\n' globex
is 'two are added' "$rc" 0
like 'who has no row is named' "$(tr -d '\r' <<<"$out")" \
	$'\ncomes into the registry: clear\n'
like 'so is what becomes of mail from who has' "$(tr -d '\r' <<<"$out")" \
	$'added +tyrell.example: .*\nmail from tyrell will be refused without TLS\n.*\nnext: tlspact-probe tyrell(\n|$)'
echo "sed -i '/^partner clear/d' \"\$file\"" >"$T/script"
run edit 'w\n' globex
like 'who goes is, too' "$(tr -d '\r' <<<"$out")" \
	$'(^|\n)nothing that is demanded changes\nleaves the registry: clear\n'
unlike 'and nobody else' "$out" 'mail from'
sed -i '/^partner tyrell/d' "$T/partners.d/eu.registry"
"$B/tlspact-compile" -q "${options[@]}" >"$T/out" 2>&1

# A new name may be meant for the same partner.
echo "sed -i 's/partner globex/partner globax/' \"\$file\"" >"$T/script"
run edit '' globex -n
like 'what is warned of is told before' "$out" 'eu.registry:2: warning: partner globax: globex.example was globex.s: say former=globex,'

# Others.
cp "$T/partners.d/eu.registry" "$T/eu"
cat >"$T/script" <<'SCRIPT'
echo '# mine' >>"$file"; echo '# theirs' >>"$DIR/partners.d/eu.registry"
SCRIPT
run edit 'w\n' globex
is 'changed by others meanwhile' "$rc" 75
like 'is told, and where the text is' "$out" 'was changed by others meanwhile'
is 'theirs stays' "$(tail -n 1 "$T/partners.d/eu.registry")" '# theirs'
is 'mine is kept' "$(tail -n 1 "$T"/tmp/tlspact-edit.*/eu.registry)" '# mine'
rm -r "$T/tmp"/*

# A disk that is full, told by a limit that the editor does not have.
cp "$T/partners.d/eu.registry" "$T/eu"
cat >"$T/script" <<'SCRIPT'
ulimit -S -f unlimited; printf '#%4000s\n' mine >>"$file"
SCRIPT
before="trap '' XFSZ; ulimit -S -f 2; exec "
run edit 'w\n' globex
before=
is 'it cannot be written' "$rc" 74 || diag "$out"
ok 'and is as it was' cmp "$T/eu" "$T/partners.d/eu.registry"
like 'where the text is, is told' "$out" "your text is $T/tmp/tlspact-edit"
like 'and there it is' "$(tail -n 1 "$T"/tmp/tlspact-edit.*/eu.registry)" ' mine$'
rm -r "$T/tmp"/*
cat >"$T/script" <<'SCRIPT'
script -qec "stty cols 1000; $B/tlspactctl edit $OPTIONS globex" /dev/null </dev/null >"$DIR/second"; echo $? >>"$DIR/second"
SCRIPT
export B OPTIONS="${options[*]}"
SUDO_USER=jo run edit '' globex
like 'a second one is told who is at it' "$(<"$T/second")" 'eu.registry is being edited by jo \(process [0-9]+\): nothing was changed'
is 'and ends so' "$(tail -n 1 "$T/second")" 75

# A registry that is broken can be mended.
echo 'partner' >>"$T/registry"
echo "sed -i '\$d' \"\$file\"" >"$T/script"
run edit 'w\n' acme
is 'mended' "$rc" 0
like 'the map says so already' "$out" 'registry written, the map says so already'
echo 'exit 3' >"$T/script"
run edit '' acme
is 'an editor that fails' "$rc" 69
done_testing
