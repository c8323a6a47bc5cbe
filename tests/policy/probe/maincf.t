#!/usr/bin/env bash
# A probe does as this Postfix does: what it takes from main.cf, and what it
# says that it does not do.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

command -v postconf >/dev/null || skip_all 'no postconf here'
lab_ca ca || bail 'no CA'
specs=()
n=0
# gateway NAME MODE [WORD...]: mx.NAME.example, and a partner for it
gateway()
{
	n=$((n + 1))
	lab_cert "$1" cn="mx.$1.example" || bail "$1"
	specs+=("127.0.5.$n:25 $2 $LAB/pki/$1.pem")
	lab_record "mx.$1.example. A 127.0.5.$n"
	lab_mx "$1.example" "mx.$1.example"
	echo "partner $1 domain=$1.example gateway=mx.$1.example" \
		"contact=a@$1.example ${*:3}" >>"$T/registry"
}
gateway good good mode=enforced
gateway masked masked mode=enforced
gateway sni needsni mode=enforced
gateway asked needsni mode=enforced servername=hostname
gateway next needsni mode=enforced servername=nexthop
gateway lax needsni mode=opportunistic servername=hostname
cat >>"$T/registry" <<-REGISTRY
	partner number domain=[127.0.5.$n] gateway=nexthop,mx.asked.example
	  mode=enforced verify=none servername=nexthop contact=a@b.example
REGISTRY
gateway old tls11 mode=opportunistic
gateway old12 tls12 mode=enforced
gateway dual good mode=enforced
gateway wrapped wrapped mode=enforced
gateway tlsa good mode=enforced verify=dane
gateway hosts good mode=enforced
sed -i '$d' "$LAB/dns/records"
sed -i '$d' "$LAB/dns/records"
lab_mx hosts.example mx.hosts.example
cp /etc/hosts "$T/hosts"
printf '127.0.5.%s mx.hosts.example\n127.0.5.%s hosts.example\n' $n $n \
	>>"$T/hosts"
mount --bind "$T/hosts" /etc/hosts || bail 'no hosts file'
cat >>"$T/registry" <<-REGISTRY
	partner tls domain=[mx.wrapped.example]:25 gateway=mx.wrapped.example
	  mode=enforced contact=a@b.example
	partner six domain=six.example mode=enforced contact=a@b.example
REGISTRY
lab_mx six.example mx.six.example
lab_record 'mx.six.example. AAAA 2001:db8::1'
lab_record 'mx.dual.example. AAAA 2001:db8::1'
lab_dns || bail 'no DNS'
"$B/tools/fakemx" -v "${specs[@]}" >"$T/fakemx" 2>"$T/fakemx.log" &
wait_for 20 grep -q ready "$T/fakemx" || bail "fakemx: $(cat "$T/fakemx")"

mkdir "$T/etc"
: >"$T/etc/master.cf"
# probe PARTNER LINE...: as main.cf with these lines has it; sets $rc, $out, $err
probe()
{
	printf '%s\n' 'compatibility_level = 3.6' \
		'myhostname = mta.site.example' "${@:2}" >"$T/etc/main.cf"
	MAIL_CONFIG=$T/etc run timeout 60 "$B/tlspact-probe" -C /dev/null \
		-o registry="$T/registry" -o ca_file="$LAB/pki/ca.pem" \
		-o ledger="$T/none.db" -o evidence="$T/none.db" \
		-o probe_user= -o log_user= -o trust_anchor= \
		-o probe_timeout=2 --no-record "$1"
}
# verdict: the last column of the only row
verdict() { sed -n '2s/.* \(pass\|FAIL .*\|not asked, .*\)$/\1/p' <<<"$out"; }

probe good
is 'defaults' "$(verdict)" pass
is 'and nothing to say' "$err" ''
like 'the name is that of Postfix' "$(cat "$T/fakemx.log")" \
	'EHLO mta\.site\.example'
probe good 'smtp_helo_name = helo.site.example'
like 'or what it says' "$(cat "$T/fakemx.log")" 'EHLO helo\.site\.example'

probe good 'smtp_discard_ehlo_keywords = chunking, STARTTLS'
is 'STARTTLS is not heard' "$(verdict)" 'FAIL no-starttls'

probe masked
is 'a masked greeting' "$(verdict)" 'FAIL no-starttls'
like 'and its cure' "$out" 'smtp_pix_workaround_maps'
probe masked 'smtp_pix_workarounds = delay_dotcrlf'
is 'is EHLO without the workaround' "$(verdict)" pass

probe sni
is 'no server name' "$(verdict)" 'FAIL handshake-failed'
probe sni 'smtp_tls_servername = hostname'
is 'the name of the gateway' "$(verdict)" pass
# sni_sent: what the gateway was asked for last
sni_sent() { grep -a ', SNI ' "$T/fakemx.log" | sed -n '$s/.* //p'; }
probe asked
is 'servername= of the registry' "$(verdict).$(sni_sent)" pass.mx.asked.example
probe asked 'smtp_tls_servername = other.example'
is 'goes before main.cf' "$(sni_sent)" mx.asked.example
probe next
is 'the next-hop' "$(verdict).$(sni_sent)" pass.next.example
probe number
is 'which may be an address' "$(verdict).$(sni_sent)" pass.127.0.5.6
probe lax
is 'not of opportunistic partners' "$(verdict)" 'not asked, handshake-failed'
run timeout 60 "$B/tlspact-verify" -C /dev/null -o registry="$T/registry" \
	-o ca_file="$LAB/pki/ca.pem" -o probe_user= -o trust_anchor= \
	-o probe_timeout=2 next --host mx.next.example
is 'tlspact-verify asks for it, too' "$rc.$(sni_sent)" 0.next.example

probe old 'smtp_tls_protocols = >=TLSv1.2'
is 'protocols for opportunistic partners' "$(verdict)" \
	'not asked, protocol-too-old'

probe old 'smtp_tls_protocols = !SSLv2, !SSLv3 !TLSv1,!TLSv1.1'
is 'as most people write it' "$(verdict)" 'not asked, protocol-too-old'
probe old 'smtp_tls_security_level = encrypt' \
	'smtp_tls_mandatory_protocols = >=TLSv1.2'
is 'those of a mandatory level' "$(verdict)" 'FAIL protocol-too-old'
probe old 'smtp_tls_security_level = verify'
like 'which may ask for a certificate' "$err" \
	'smtp_tls_security_level = verify: Postfix does otherwise'
probe old 'smtp_tls_ciphers = high' 'tls_high_cipherlist = ECDHE+AESGCM'
is 'ciphers for opportunistic partners' "$(verdict)" \
	'not asked, handshake-failed'

probe good 'smtp_tls_mandatory_exclude_ciphers = aRSA, aECDSA, TLSv1.2' \
	'tls_eecdh_auto_curves = nonsense prime256v1'
is 'ciphers and curves, one of them unknown' "$(verdict)" pass

# 2001:db8::1 leads nowhere here, as on a machine without IPv6.
probe dual
is 'what leads nowhere is not looked at' "$(verdict)" pass
is 'and no row' "$(grep -c '^dual ' <<<"$out")" 1
probe six
is 'if it is all there is, that is ours' "$(verdict)" 'FAIL local-error'
like 'and why' "$out" 'has no way to any address'
probe dual 'inet_protocols = ipv4'
is 'nor what Postfix does not use' "$(verdict)" pass

# The name server of the lab knows no DNSSEC.
probe tlsa
is 'TLSA records that Postfix does not look for' "$(verdict)" \
	'FAIL local-error'
like 'and why' "$out" 'smtp_dns_support_level'
probe tlsa 'smtp_dns_support_level = dnssec'
is 'TLSA records that Postfix cannot trust' "$(verdict)" 'FAIL local-error'
like 'and why' "$out" 'does not vouch for DNSSEC'
probe good 'smtp_tls_wrappermode = yes'
is 'TLS from the start, to who waits for STARTTLS' "$(verdict)" \
	'FAIL handshake-failed'
probe wrapped
is 'and the other way round' "$(verdict)" 'FAIL timeout'
probe wrapped 'smtp_tls_wrappermode = yes'
is 'TLS from the start' "$(verdict)" pass
probe good 'smtp_bind_address = 127.0.0.9'
is 'from another address' "$(verdict)" pass
like 'of ours' "$(cat "$T/fakemx.log")" '127\.0\.0\.9'
probe good 'smtp_bind_address = 192.0.2.77'
is 'from any, if that is not ours' "$(verdict)" pass
probe good 'smtp_bind_address = 192.0.2.77' 'smtp_bind_address_enforce = yes'
is 'or not at all' "$(verdict)" 'FAIL local-error'
: >"$T/fakemx.log"
ip addr add 192.0.2.8/32 dev lo
probe good 'inet_interfaces = 192.0.2.8'
is 'from the only interface' "$(verdict)" pass
like 'which is that' "$(tr -d '\0' <"$T/fakemx.log")" '192\.0\.2\.8'
probe good 'smtp_never_send_ehlo = yes'
is 'HELO knows no STARTTLS' "$(verdict)" 'FAIL no-starttls'
probe good 'tls_high_cipherlist = eNULL' 'smtp_tls_mandatory_protocols = TLSv1.2'
is 'TLS 1.3 does without that list' "$(verdict)" pass
probe old12 'tls_high_cipherlist = AES128-SHA256'
is 'a list of ciphers that the gateway has not' "$(verdict)" \
	'FAIL handshake-failed'
probe good 'inet_protocols = ipv6'
is 'no address that Postfix may use' "$(verdict)" 'FAIL local-error'
like 'and why' "$out" 'inet_protocols'

probe hosts
is 'a host that DNS has not' "$(verdict)" 'FAIL no-mx'
for lookup in native 'dns, native'; do
	probe hosts "smtp_host_lookup = $lookup"
	is "and the hosts file has: $lookup" "$(verdict).$err" pass.
done
probe hosts 'smtp_dns_support_level = disabled'
is 'without any DNS' "$(verdict)" pass
like 'the domain itself is the host' "$out" ' hosts\.example '

# Services of their own, that transport_maps leads to.
printf '%s\n' 'smtp unix - - n - - smtp' \
	'wrap unix - - n - - smtp' ' -o smtp_tls_wrappermode=yes' \
	' -o smtp_reply_filter=pcre:/x' >"$T/etc/master.cf"
cat >"$T/way" <<-'WAY'
	wrapped.example wrap:
	* smtp:
WAY
postmap hash:"$T/way"
probe wrapped "transport_maps = proxy:hash:$T/way"
is 'by its own service' "$(verdict)" pass
like 'whose otherwise is said' "$err" 'smtp_reply_filter.* of wrap/unix'
probe good "transport_maps = hash:$T/way"
is 'others by theirs' "$(verdict).$err" pass.
probe wrapped "transport_maps = hash:$T/none"
is 'a table that is not there' "$(verdict)" 'FAIL timeout'
like 'is told' "$err" 'transport_maps = hash:.*none: this probe'
probe wrapped 'transport_maps = inline:{ { good.example = smtp: }, { wrapped.example = wrap: } }'
is 'a table in braces is one' "$(verdict).${err//*smtp_reply_filter*/}" pass.
probe wrapped 'transport_maps = regexp:{{/^wrapped/ wrap:}}'
is 'of patterns as well' "$(verdict)" pass
probe wrapped 'default_transport = wrap'
is 'by default' "$(verdict)" pass
sed -i '2,$s/^ -o smtp_reply.*/& -o smtp_tls_CAfile=\/etc\/hosts/' "$T/etc/master.cf"
probe wrapped 'default_transport = wrap'
like 'the CAs of a service' "$err" \
	'smtp_tls_CAfile = /etc/hosts of wrap/unix: .*ca_file'
probe wrapped 'relay_domains = wrapped.example' 'relay_transport = wrap'
is 'a domain that is relayed to' "$(verdict)" pass
probe tls
is 'a next-hop in brackets, by smtp' "$(verdict)" 'FAIL timeout'
echo 'tls.example wrap:[mx.wrapped.example]:25' >>"$T/way"
postmap hash:"$T/way"
probe tls "transport_maps = hash:$T/way"
is 'and by the service that a value names with it' "$(verdict)" pass
: >"$T/etc/master.cf"

probe good 'smtp_discard_ehlo_keyword_address_maps = hash:/etc/postfix/no' \
	'smtp_pix_workaround_maps = hash:/etc/postfix/pix' \
	'smtp_tls_scert_verifydepth = 2' 'smtp_tcp_port = 26' \
	'tls_ssl_options = NO_TICKET, NO_COMPRESSION' \
	"smtp_tls_CAfile = /etc/hosts"
like 'what it does not do, it says' "$err" \
	'smtp_pix_workaround_maps = hash.*: Postfix does otherwise'
like 'all of it' "$err" 'smtp_tls_scert_verifydepth = 2'
like 'with the CAs' "$err" 'smtp_tls_CAfile = /etc/hosts: .*ca_file'
like 'and the port' "$err" 'smtp_tcp_port = 26'
is 'and no more' "$(grep -c . <<<"$err")" 5
for setting in 'smtp_always_send_ehlo = no' 'smtp_reply_filter = pcre:/x' \
	'smtp_tls_block_early_mail_reply = yes'; do
	probe good "$setting"
	like "$setting" "$err" "^tlspact-probe: $setting: Postfix does"
done
done_testing
