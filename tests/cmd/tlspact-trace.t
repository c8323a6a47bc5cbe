#!/usr/bin/env bash
# tlspact-trace: what it reads and prints, and its exit codes.

# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

cat >"$T/registry" <<'REGISTRY'
provider labs gateway=.labs.example
partner acme mode=enforced domain=acme.example,.acme.example provider=labs
  contact=postmaster@acme.example
partner globex mode=enforced domain=globex.example contact=p@globex.example
REGISTRY

# shellcheck disable=SC2317 # called through run
trace()
{
	"$B/tlspact-trace" -C /dev/null -o registry="$T/registry" \
		-o ledger="$T/ledger.db" -o evidence="$T/evidence.db" \
		-o log_user= "$@"
}

# mail FROM HOST PROTOCOL	its header, as mx.ours.example has it
mail()
{
	printf 'Received: from %s (%s [192.0.2.1])\n\tby mx.ours.example (Postfix) with %s id 1;\n\tSat, 28 Nov 2026 22:00:05 +0000\nFrom: <u@%s>\n\nReceived: from body by nobody with ESMTP\n' \
		"$2" "$2" "$3" "$1"
}

mail acme.example s1.labs.example ESMTPS >"$T/good"
mail acme.example s1.labs.example ESMTP >"$T/clear"
ours=(--ours mx.ours.example)

run trace "${ours[@]}" "$T/good"
is 'an encrypted mail' "$rc" 0
like 'of a partner, by its author' "$out" '1 hop, oldest first; partner acme'
like 'over its provider' "$out" 'to us +encrypted'
like 'of whose other side nothing is known' "$out" 'behind its provider +not seen'
unlike 'a body is no header' "$out" nobody
run trace "${ours[@]}" "$T/clear"
is 'one in the clear' "$rc" 1
like 'and it is said' "$out" ' CLEAR ESMTP'
run trace "${ours[@]}" <"$T/good"
is 'standard input' "$rc" 0
run trace "${ours[@]}" - <"$T/clear"
is 'by its name' "$rc" 1
like 'is called so' "$out" '^-: 1 hop'
run trace "${ours[@]}" "$T/good" "$T/clear"
like 'the sum of several' "$out" \
	'2 mails, 2 hops: 1 encrypted, 1 in the clear, 0 not said, 0 within'

run trace --ours .example "$T/good"
like 'a suffix names us, too' "$out" 'within ours +encrypted'
run trace --ours other.example "$T/good"
like 'not ours: claimed' "$out" claimed
unlike 'and no leg' "$out" 'to us'
run trace "${ours[@]}" --partner globex "$T/good"
like 'the partner that is named' "$out" 'partner globex'
unlike 'has not sent it' "$out" 'to us'
run trace "${ours[@]}" --partner globex --provider s1.labs.example "$T/good"
like 'unless over a provider that is named' "$out" 'to us'
run trace "${ours[@]}" --partner nobody "$T/good"
is 'nobody is no partner' "$rc" 66
like 'which is said' "$err" 'no partner "nobody"'
run trace "${ours[@]}" -v "$T/good"
like 'addresses' "$out" 'address 192.0.2.1, called itself s1.labs.example'

# --- Our hosts by main.cf --------------------------------------------------

mkdir "$T/etc"
printf 'compatibility_level = 3.6\nmyhostname = mx.ours.example\n' >"$T/etc/main.cf"
: >"$T/etc/master.cf"
if command -v postconf >/dev/null; then
	run trace -c "$T/etc" "$T/good"
	like 'main.cf knows us' "$out" 'to us +encrypted'
	echo 'myhostname = ours.example' >"$T/etc/main.cf"
	run trace -c "$T/etc" "$T/good"
	unlike 'a domain without a dot is not ours' "$out" 'to us'
else
	skip 'main.cf knows us' 'no Postfix here'
fi
run trace -c "$T/none" "$T/good"
like 'without one, we are told what to say' "$err" 'ours HOST'

# --- Files of each kind -----------------------------------------------------

for kind in clear good clear; do
	echo 'From u@acme.example Sat Nov 28 22:00:00 2026'
	sed 's/^From /&/' "$T/$kind"
	echo
done >"$T/mbox"
run trace "${ours[@]}" "$T/mbox"
is 'an mbox' "$rc" 1
like 'each mail of it' "$out" $'mbox, mail 3: 1 hop.*\n3 mails'
mkdir -p "$T/maildir/cur" "$T/maildir/new"
cp "$T/good" "$T/maildir/new/1"
cp "$T/good" "$T/maildir/cur/2:2,S"
run trace "${ours[@]}" "$T/maildir"
is 'a Maildir' "$rc" 0
like 'both its folders' "$out" 'cur/2.*new/1.*2 mails'
run trace "${ours[@]}" "$T"
is 'another folder' "$rc" 65
like 'is none' "$err" 'no Maildir'
run trace "${ours[@]}" "$T/missing" "$T/good"
is 'a missing file' "$rc" 66
like 'does not keep others from being read' "$out" 'good: 1 hop'
run trace "${ours[@]}" </dev/null
is 'no mail' "$rc" 65
printf 'Subject: none\n\nReceived: from a by b with ESMTPS\n' >"$T/no-hop"
run trace "${ours[@]}" "$T/no-hop"
is 'of a mail without hops nothing is known' "$rc" 65
like 'and that is said' "$err" 'no Received field'

# --- JSON -------------------------------------------------------------------

run trace "${ours[@]}" -j "$T/mbox"
is 'a line each, and one of all' "$(wc -l <<<"$out")" 4
is 'with time, exit code, messages and sums' "$(tail -n 1 <<<"$out" |
	jq -c '[.schema, .exit_code, .messages, .sum.mails, .sum.clear,
	(.time | fromdate > 1700000000)]')" \
	"[\"tlspact.trace.v1\",$rc,[],3,$(head -n 3 <<<"$out" |
		jq -s '[.[].hops[] | select(.tls == "clear")] | length'),true]"
is 'of JSON' "$(jq -r '"\(.schema) \(.mail) \(.partner) \(.legs["to-us"]) \(.hops[0].from_party) \(.hops[0].time)"' <<<"$out" | head -n 1)" \
	'tlspact.trace.v1 1 acme clear provider 2026-11-28T22:00:05Z'
run trace "${ours[@]}" -j - </dev/null
is 'also of no mail' "$rc $(jq -c '[.exit_code, .messages[0], .sum.mails]' <<<"$out")" \
	'65 [65,"there is no mail",0]'

# --- What strangers write ---------------------------------------------------

printf 'Received: from \033[31mx\xff (a\033]0;b [192.0.2.1]) by mx.ours.example with ESMTPS (\n' \
	>"$T/hostile"
run trace "${ours[@]}" -v "$T/hostile"
unlike 'reaches no terminal' "$out" $'\033'
like 'a broken field says nothing' "$out" 'not said'
run trace "${ours[@]}" -j "$T/hostile"
is 'and is JSON all the same' "$(head -n 1 <<<"$out" | jq .hops[0].understood)" false
{
	echo 'Received: from a.example'
	yes '	(folded)' | head -n 10000
	echo '	by b.example with ESMTPS'
} >"$T/folded"
run trace "${ours[@]}" "$T/folded"
like '10,000 folded lines' "$out" 'a.example -> b.example.*encrypted ESMTPS'
yes 'Received: from a.example by b.example with ESMTPS' | head -n 5000 >"$T/hops"
run trace "${ours[@]}" "$T/hops"
like '5,000 hops: as many as there is room for' "$out" ': 4096 hops.*not all of it'
like 'which is said' "$err" 'warning: 1 mail with more'

# --- Recording --------------------------------------------------------------

legs='select partner, leg, tls, n from leg order by 1, 2, 3'
run trace "${ours[@]}" --record "$T/mbox"
is 'recorded' "$rc" 1
is 'each mail once' "$(sqlite3 "$T/evidence.db" "$legs" | xargs)" \
	'acme|to-us|clear|1 acme|to-us|encrypted|1'
run trace "${ours[@]}" --record "$T/mbox"
is 'ever' "$(sqlite3 "$T/evidence.db" 'select sum(n) from leg')" 2
mail stranger.example x.example ESMTPS >"$T/stranger"
run trace "${ours[@]}" --record "$T/stranger"
is 'but nothing of strangers' \
	"$(sqlite3 "$T/evidence.db" 'select sum(n) from leg')" 2
echo 'partner' >"$T/registry"
run trace "${ours[@]}" --record "$T/good"
is 'nothing without a registry' "$rc" 65
run trace "${ours[@]}" "$T/good"
is 'but looked at all the same' "$rc" 0

done_testing
