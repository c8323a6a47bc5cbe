#!/usr/bin/env bash
# Mail that demands REQUIRETLS (RFC 8689), sent by a real Postfix 3.11 that
# goes by our table; from a root that tests/tools/faultlogs makes.
root=${ROOTS:-/var/tmp/tlspact-roots}/forky
# shellcheck source=tests/lab/lab.sh
[ ! -e "$root/usr/sbin/postfix" ] || . "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
if [ ! -e "$root/usr/sbin/postfix" ]; then
	skip 'mail by Postfix 3.11' "no $root here"
done_testing
fi
# shellcheck source=tests/lab/root.sh
. "$(dirname "$0")/../../lab/root.sh"

# met NAME DOMAIN REGEX	by the log, what became of a mail there
n=0
met()
{
	local to=to$((n += 1))@$2 log=$LAB/root/var/log/postfix.log

	root_receive '' "$to" tls REQUIRETLS || bail 'no mail is taken'
	wait_for 20 grep -q "to=<$to>.* status=" "$log"
	like "$1" "$(grep "to=<$to>.* status=" "$log")" "$3"
}

# shellcheck disable=SC2317 # called through ok
compile()
{
	"$B/tlspact-compile" -C /dev/null -o registry="$T/registry" \
		-o ledger="$LAB/ledger.db" -o postfix_version=3.11 \
		-o fingerprint_digest=sha256 -o max_weakened=100% \
		-o map="$LAB/root/etc/postfix/policy.cdb" "$@"
}

{ lab_ca ca && lab_cert ours cn=send.lab.example; } || bail 'no CA'
i=1
for name in announces plain expired; do
	case $name in
	announces) mode=requiretls from=() ;;
	expired) mode=good from=(from=20200101 to=20200201) ;;
	*) mode=good from=() ;;
	esac
	lab_cert $name cn=mx.$name.example "${from[@]}" || bail $name
	echo "127.0.2.$i:25 $mode $LAB/pki/$name.pem" >>"$LAB/etc/fakemx"
	lab_record "mx.$name.example. A 127.0.2.$((i++))"
done
for name in enforce:announces loose:plain silent:plain a.loose:plain \
	b.a.loose:plain held:expired back:expired xn--mnchen-3ya:plain \
	low:expired lowback:expired stranger:plain; do
	lab_mx "${name%:*}.example" "mx.${name#*:}.example"
done
lab_dns || bail 'no name server'
root_furnish "$root" <<'MAIN' || bail 'no root'
smtp_tls_policy_maps = cdb:/etc/postfix/policy
smtp_requiretls_policy = cdb:/etc/postfix/policy-requiretls, enforce
transport_maps = inline:{hop.example=smtp:[mx.plain.example]:25,
    u.example=smtp:münchen.example}
MAIN
echo nameserver 127.0.0.1 >"$LAB/root/etc/resolv.conf"
"$B/tools/fakemx" <"$LAB/etc/fakemx" >"$LAB/fakemx" 2>&1 &
wait_for 20 grep -qs '^ready' "$LAB/fakemx" || bail "$(cat "$LAB/fakemx")"

cat >"$T/registry" <<'REGISTRY'
default mode=enforced
        gateway=mx.announces.example,mx.plain.example,mx.expired.example
partner enforce domain=enforce.example requiretls=enforce
partner loose domain=loose.example,.loose.example requiretls=opportunistic
partner silent domain=silent.example
partner held domain=held.example requiretls=opportunistic+starttls
partner back domain=back.example
partner hop domain=[mx.plain.example]:25 requiretls=disable
partner idn domain=münchen.example requiretls=opportunistic
partner low domain=low.example requiretls=opportunistic
partner lowback domain=lowback.example requiretls=enforce
REGISTRY
ok 'the registry compiles' compile || bail 'no map'
in_root postfix start >"$LAB/start" 2>&1 || bail "$(cat "$LAB/start")"

met 'enforce: the gateway announces it' enforce.example 'tls=secure/requiretls,.*status=sent'
met 'opportunistic: it need not' loose.example "requiretls:none.*status=sent"
met 'so for what is below' a.loose.example 'requiretls:none.*status=sent'
met 'at any depth' b.a.loose.example 'requiretls:none.*status=sent'
met 'no word: as main.cf has it' silent.example 'dsn=5\..*status=bounced'
met 'so for strangers' stranger.example 'dsn=5\..*status=bounced'
met 'a certificate at fault: held' held.example 'dsn=4\..*status=deferred'
met 'or returned, without a word' back.example 'dsn=5\..*status=bounced'
met 'a next-hop, without brackets' hop.example "tls=secure[ ,].*status=sent"
met 'an A-label' xn--mnchen-3ya.example 'requiretls:none.*status=sent'
met 'and the same as a U-label' u.example 'requiretls:none.*status=sent'

for name in low lowback; do
	ok "$name is lowered" "$B/tlspactctl" -C /dev/null \
		-o registry="$T/registry" -o ledger="$LAB/ledger.db" \
		-o postfix_version=3.11 -o fingerprint_digest=sha256 \
		-o evidence="$LAB/evidence.db" \
		-o map="$LAB/root/etc/postfix/policy.cdb" \
		downgrade $name --for 1h --to encrypt --reason test --yes \
		--no-flush
done
met 'lowered, and opportunistic' low.example 'tls=encrypt.*status=sent'
met 'lowered, and enforced' lowback.example 'dsn=5\..*status=bounced'

rm "$LAB/root/etc/postfix/policy-requiretls.cdb"
in_root postfix reload >/dev/null 2>&1
met 'no table, no mail' loose.example 'status=deferred'
ok 'the next compile makes it' compile
in_root postfix reload >/dev/null 2>&1
met 'and mail goes again' loose.example 'requiretls:none.*status=sent'
done_testing
