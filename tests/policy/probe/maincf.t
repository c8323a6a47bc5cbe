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
gateway dual good mode=enforced
gateway wrapped wrapped mode=enforced
gateway tlsa good mode=enforced verify=dane
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
verdict() { sed -n '2s/.* \(pass\|FAIL .*\)$/\1/p' <<<"$out"; }

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
is 'not of opportunistic partners' "$(verdict)" 'FAIL handshake-failed'
run timeout 60 "$B/tlspact-verify" -C /dev/null -o registry="$T/registry" \
	-o ca_file="$LAB/pki/ca.pem" -o probe_user= -o trust_anchor= \
	-o probe_timeout=2 next --host mx.next.example
is 'tlspact-verify asks for it, too' "$rc.$(sni_sent)" 0.next.example

probe old 'smtp_tls_protocols = >=TLSv1.2'
is 'protocols for opportunistic partners' "$(verdict)" \
	'FAIL protocol-too-old'

probe old 'smtp_tls_protocols = !SSLv2, !SSLv3 !TLSv1,!TLSv1.1'
is 'as most people write it' "$(verdict)" 'FAIL protocol-too-old'
probe old 'smtp_tls_security_level = encrypt' \
	'smtp_tls_mandatory_protocols = >=TLSv1.2'
is 'those of a mandatory level' "$(verdict)" 'FAIL protocol-too-old'
probe old 'smtp_tls_security_level = verify'
like 'which may ask for a certificate' "$err" \
	'smtp_tls_security_level = verify: Postfix does otherwise'
probe old 'smtp_tls_ciphers = high' 'tls_high_cipherlist = ECDHE+AESGCM'
is 'ciphers for opportunistic partners' "$(verdict)" 'FAIL handshake-failed'

probe good 'smtp_tls_mandatory_exclude_ciphers = aRSA, aECDSA, TLSv1.2' \
	'tls_eecdh_auto_curves = nonsense prime256v1'
is 'ciphers and curves, one of them unknown' "$(verdict)" pass

# 2001:db8::1 leads nowhere here, as on a machine without IPv6.
probe dual
is 'what leads nowhere is not looked at' "$(verdict)" pass
is 'and no row' "$(grep -c '^dual ' <<<"$out")" 1
probe dual 'inet_protocols = ipv4'
is 'nor what Postfix does not use' "$(verdict)" pass

# The name server of the lab knows no DNSSEC.
probe tlsa
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
is 'from one that is not ours' "$(verdict)" 'FAIL local-error'

probe good 'smtp_host_lookup = native' \
	'smtp_pix_workaround_maps = hash:/etc/postfix/pix'
like 'what it does not do, it says' "$err" \
	'smtp_host_lookup = native: Postfix does otherwise'
like 'all of it' "$err" 'smtp_pix_workaround_maps = hash.*: Postfix'
for setting in 'smtp_always_send_ehlo = no' 'smtp_never_send_ehlo = yes' \
	'smtp_reply_filter = pcre:/x' 'smtp_tls_block_early_mail_reply = yes'; do
	probe good "$setting"
	like "$setting" "$err" "^tlspact-probe: $setting: Postfix does"
done
done_testing
