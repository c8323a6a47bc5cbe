#!/usr/bin/env bash
# A fault in one partner's statement, or no registry at all, keeps nobody from
# lowering another one, raising it again, or looking at it.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

cd "$T" || exit 1
mkdir state parts
settings=(-C /dev/null -o registry="$T/registry" -o ledger="$T/state/ledger.db"
	-o map="$T/state/policy.cdb" -o evidence="$T/state/evidence"
	-o postfix_version=3.7 -o fingerprint_digest=sha256
	-o opportunistic_level=may -o resolver=127.0.0.1@1)

compile()
{
	run "$B/tlspact-compile" "${settings[@]}"
}

ctl()
{
	run "$B/tlspactctl" "$1" "${settings[@]}" "${@:2}"
}

# tool PROGRAM ARGUMENT...
tool()
{
	run "$B/tlspact-$1" "${settings[@]}" -o probe_user= -o trust_anchor= \
		"${@:2}"
}

# the row of a domain in the live map
row()
{
	python3 - "$T/state/policy.cdb" "$1" <<-'PYTHON'
	import struct, sys
	data = open(sys.argv[1], "rb").read()
	end, pos = struct.unpack("<I", data[:4])[0], 2048
	while pos < end:
	    k, v = struct.unpack("<II", data[pos:pos + 8])
	    if data[pos + 8:pos + 8 + k] == sys.argv[2].encode():
	        print(data[pos + 8 + k:][:v].decode())
	    pos += 8 + k + v
	PYTHON
}

lower()
{
	ctl downgrade "$1" --for 1h --reason 'expired certificate' \
		--to encrypt --yes --no-flush
}

cat >registry <<'REGISTRY'
default contact=x@ours.example
include parts/*.registry
	
partner globex mode=enforced domain=globex.example contact=x@ours.example
REGISTRY
sed -i '/^default/d' registry
echo 'partner acme mode=enforced domain=acme.example contact=x@ours.example' \
	>parts/acme.registry
full='secure match=nexthop:dot-nexthop protocols=>=TLSv1.2 ciphers=high'
low='encrypt protocols=>=TLSv1.2 ciphers=high'
compile
is 'a registry compiles' "$rc" 0
is 'its copy is for nobody else' "$(stat -c %a state/policy.cdb.registry)" 600
like 'in one piece' "$(cat state/policy.cdb.registry)" 'partner acme .*'
before=$(stat -c '%i %y' state/policy.cdb.registry)
compile
is 'and is not written again' "$(stat -c '%i %y' state/policy.cdb.registry)" \
	"$before"

## A typo, and an edit of somebody else beside it.
sed -i 's/^partner globex mode=enforced/partner globex mode=enforcd/' registry
echo 'partner acme mode=may domain=acme.example' >parts/acme.registry
compile
is 'the typo is refused' "$rc" 65
lower acme
is 'another partner is lowered' "$rc" 0
like 'and by what' "$err" 'goes by the one that was last compiled'
is 'in the map' "$(row acme.example)" "$low"
is 'the broken one is as it was' "$(row globex.example)" "$full"
ctl extend acme --for 2h --yes
is 'the downgrade is extended' "$rc" 0
compile
is 'the next run refuses it still' "$rc" 65
is 'and leaves the downgrade' "$(row acme.example)" "$low"
ctl status
like 'status has all' "$out" 'globex'
like 'with the one that is lowered' "$out" '1 lowered'
is 'and says that something is wrong' "$rc" 65
like 'in words' "$out" 'the registry is of no use, so that .* stays'
ctl restore acme
is 'it is restored' "$rc" 0
is 'to what was compiled, not to the edit' "$(row acme.example)" "$full"
lower globex
is 'the broken one, too' "$rc $(row globex.example)" "0 $low"
ctl restore globex
is 'and back' "$rc $(row globex.example)" "0 $full"

## No registry, then one that is mended.
mv registry away
lower acme
is 'without a registry' "$rc $(row acme.example)" "0 $low"
ctl restore acme
is 'and back without one' "$rc $(row acme.example)" "0 $full"
mv away registry
sed -i 's/enforcd/enforced/' registry
compile
is 'once it is mended the edit counts' "$rc $(row acme.example)" '0 may'
like 'also in the copy' "$(cat state/policy.cdb.registry)" 'mode=may'

## A registry that was cut short, which the guard refuses.
for i in 1 2 3 4 5; do
	echo "partner p$i mode=enforced domain=p$i.example contact=x@ours.example"
done >>registry
cp registry whole
compile
is 'more partners' "$rc" 0
sed -i '/^partner p[1-4]/d' registry
echo 'partner newco domain=newco.example contact=x@ours.example' >>registry
compile
is 'most are cut away: refused' "$rc" 65
for who in p5 p1; do
	lower $who
	is "$who is lowered all the same" "$rc $(row $who.example)" "0 $low"
	like 'and by what' "$err" 'REFUSED by max_weakened.*last compiled'
	like 'with what to do' "$err" 'tlspact-compile --diff'
done
ctl status
like 'status has those that were cut away' "$out" '^7 partners: 2 lowered|p4 +enforced.*7 partners'
like 'and why' "$out" 'the registry is REFUSED by max_weakened'
ctl status p2
like 'each is as it was' "$out" '^p2 +enforced'
ctl explain joe@p2.example
like 'explain has it as well' "$out" 'partner +p2, '
tool probe -j --no-record --all
is 'a sweep looks at those, and at who is new' \
	"$(jq -r '[.gateways[].partner] | unique | join(" ")' <<<"$out")" \
	'acme globex newco p1 p2 p3 p4 p5'
like 'which is said' "$err" 'registry is not taken .*last compiled'
tool probe p2
like 'one that was cut away is a partner' "$rc $out" '^1 .*p2.example'
tool report --partner p2 --from 2026-01-01 -j
is 'of which a report tells' "$rc $(jq -r '.partners[].mode' <<<"$out")" \
	'0 enforced'
ctl history p2
is 'and the record' "$rc $(grep -c ' map ' <<<"$out")" '0 1'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-subj /CN=ours -keyout key.pem -out ca.pem 2>/dev/null
tool verify -v --rehearse ca.pem
like 'a new bundle is held against all' "$out" 'not known: (.*p[1-4]){4}'
ctl extend p1 --for 2h --yes
is 'it is extended' "$rc $(row p1.example)" "0 $low"
compile
is 'what is refused ends nothing' "$rc $(row p1.example)" "65 $low"
for who in p5 p1; do
	ctl restore $who
	is 'it is restored' "$rc $(row $who.example)" "0 $full"
done

## One that cannot be compiled is no other.
sed 's/^partner p5/& requiretls=may/' whole >registry
compile
is 'a word that this Postfix does not know: refused' "$rc" 65
tool report --daily
like 'the daily mail tells of it' "$rc $out" \
	'^1 .*the registry as it stands is not taken'
lower p1
is 'another is lowered' "$rc $(row p1.example)" "0 $low"
ctl restore p1
is 'and restored' "$rc $(row p1.example)" "0 $full"
cp whole registry

## A partner that leaves takes its downgrade along, in the record too.
lower p1
lower p2
sed -i '/^partner p1/d; s/domain=p2.example/domain=other.example/' registry
run "$B/tlspact-compile" "${settings[@]}" -n
is 'a dry run' "$rc" 1
like 'tells of the end' "$out" 'the downgrade of p1 to encrypt would end: .*'
tool probe --no-record p1
like 'until it is compiled, who left is a partner' "$rc $out" '^1 .*p1.example'
like 'which is said' "$err" 'no more in the registry, but in force .*: p1$'
ctl history --open
like 'which has not come' "$out" 'p1.*'
run "$B/tlspact-compile" "${settings[@]}" -j
is 'for programs' "$(jq -c '.ended[] | [.partner, .level, .why]' <<<"$out")" \
	'["p1","encrypt","the partner left the registry"]
["p2","encrypt","its domains left the registry"]'
ctl history --open
unlike 'nothing is open' "$out" 'p[12] '
tool probe --no-record p1
is 'and then no more' "$rc" 66
like 'which is said' "$err" '"p1" is no partner any more: it left the map at [0-9: -]+ \(event [0-9]+\), tlspactctl history p1'
tool probe --no-record p99
like 'of one that never was it is not' "$rc $err" '^66 .*"p99" is neither a partner nor a domain or host'
ctl history p1
like 'the record has the end' "$out" 'left the registry'
ctl history --check
is 'and is whole' "$rc" 0
cp whole registry
compile
run "$B/tlspact-compile" "${settings[@]}" -q
unlike 'who wants it quiet hears of nothing' "$err" protected
ctl downgrade p4 --inbound --for 1h --reason test --yes
is 'mail from one is let in' "$rc" 0
sed -i '/^partner p4/d' registry
run "$B/tlspact-compile" "${settings[@]}" -n
like 'which would end as what it was' "$out" \
	'the downgrade of p4 to no TLS inbound would end: .*'
run "$B/tlspact-compile" "${settings[@]}" -q
like 'but of what is lost, as an error' "$err" \
	'1 row removed: p4.example \(.*\), no longer protected$'
unlike 'and there alone' "$out" protected
cp whole registry
compile
ctl restore p4
compile
is 'they come back' "$rc $(row p1.example)" "0 $full"
is 'at full strength' "$(row p2.example)" "$full"
unlike 'with no word of an end' "$out" 'downgrade'

## So does one of which no more is asked.
lower p3
sed -i '/^partner p3/s/mode=enforced/mode=opportunistic/' registry
run "$B/tlspact-compile" "${settings[@]}" -j
is 'a partner is made opportunistic' "$rc" 0
is 'its downgrade ends' "$(jq -c '.ended[] | [.partner, .level, .why]' \
	<<<"$out")" '["p3","encrypt","the registry asks for no more than that"]'
ctl history p3
like 'on record' "$out" 'downgrade-close .*the registry asks for no more than that'
ctl restore p3
like 'so that there is nothing to restore' "$rc $err" '^0 .*p3 is not lowered'
cp whole registry
compile
is 'enforced again, it is not lowered' "$(row p3.example)" "$full"

rm state/policy.cdb.registry
sed -i 's/enforced/enforcd/' registry
lower acme
is 'without a copy nothing is lowered' "$rc" 65

done_testing
