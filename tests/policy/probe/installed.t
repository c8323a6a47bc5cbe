#!/usr/bin/env bash
# The verdict of tlspact-probe is that of delivery, under main.cf as people
# have it: each folder of settings in maincf.d after `tlspact-setup apply`, and
# each gateway below, by mail that smtp(8) sends.
#
#	tests/policy/probe/installed.t [NAME...]	these settings alone
#	DIFFERENTIAL_TABLE=FILE		the table is written there
#
# What the probe says that it does not know, or does otherwise than Postfix, is
# counted apart: a client certificate that is asked for, and a level in main.cf
# at which mail to opportunistic partners is held.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

folder=$TOP/tests/policy/probe/maincf.d
if [ $# = 0 ]; then
	set -- "$folder"/*.cf
	set -- "${@##*/}"
	set -- "${@%.cf}"
fi

# --- Gateways ---------------------------------------------------------------

# Name, mode of fakemx, certificate, attributes of the partner.
shapes='
good         good       ec
rsa          good       rsa
tls12        tls12      ec
tls12-rsa    tls12      rsa
tls13        tls13      ec
tls11        tls11      rsa
rsakex       rsakex     rsa
rsakex-med   rsakex     rsa     ciphers=medium
cbc          cbc        rsa
cbc-ec       cbc        ec
dhe          dhe        rsa
aes128       aes128     ec
chacha       chacha     ec
camellia     camellia   rsa
ffdhe        ffdhe      ec
p521         p521       ec
x448         x448       ec
anon         anon       ec
nostarttls   nostarttls ec
noesmtp      noesmtp    ec
masked       masked     ec
refuse454    refuse454  ec
ehlo5        ehlo5      ec
expired      good       expired
other        good       other
self         good       self
needsni      needsni    ec
askcert      askcert    ec
needcert     needcert   ec
min13        tls12      ec      min-tls=TLSv1.3
min10        tls11      rsa     min-tls=TLSv1
min10-med    tls11      rsa     min-tls=TLSv1 ciphers=medium
encrypt      good       expired verify=none
encrypt-anon anon       ec      verify=none
pin          good       self    verify=key key=PIN-self
pin-other    good       ec      verify=key key=PIN-self
o-good       good       self    mode=opportunistic
o-rsa        tls12      rsa     mode=opportunistic
o-tls10      tls10      rsa     mode=opportunistic
o-tls11      tls11      rsa     mode=opportunistic
o-tls13      tls13      ec      mode=opportunistic
o-rsakex     rsakex     rsa     mode=opportunistic
o-cbc        cbc        rsa     mode=opportunistic
o-anon       anon       ec      mode=opportunistic
o-camellia   camellia   rsa     mode=opportunistic
o-clear      nostarttls -       mode=opportunistic
o-masked     masked     ec      mode=opportunistic
o-needsni    needsni    ec      mode=opportunistic
o-p521       p521       ec      mode=opportunistic
'
lab_ca ca || bail 'no CA'
lab_openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
	-out "$LAB/pki/key.key" || bail 'no key'
while read -ra words; do
	lab_cert "${words[@]}" || bail "no certificate ${words[*]}"
done <<-CERTS
	ec cn=*.lab.example
	rsa cn=*.lab.example key=key
	expired cn=*.lab.example from=20200101 to=20200201
	other cn=mx.other.example
	self cn=*.lab.example ca=self
	client cn=send.lab.example
CERTS
mkdir "$LAB/pki/hashed"
cp "$LAB/pki/ca.pem" "$LAB/pki/hashed"
openssl rehash "$LAB/pki/hashed" || bail 'no CApath'
chmod 644 "$LAB/pki/client.pem"

specs=() recipients=() n=0
while read -r name mode cert attributes; do
	[ -n "$name" ] || continue
	n=$((n + 1))
	specs+=("127.0.6.$n:25 $mode")
	[ "$cert" = - ] || specs[-1]+=" $LAB/pki/$cert.pem"
	recipients+=("joe@$name.example")
	lab_mx "$name.example" "$name.lab.example"
	lab_record "$name.lab.example. A 127.0.6.$n"
	[[ $attributes = *mode=* ]] || attributes+=' mode=enforced'
	echo "partner $name domain=$name.example gateway=$name.lab.example" \
		"contact=a@b.example ${attributes/PIN-self/$(lab_pin self)}" \
		>>"$T/registry"
done <<<"$shapes"
# Found in other ways.
lab_record 'alias.example. MX 10 cname.alias.example.'
lab_record 'cname.alias.example. CNAME good.lab.example.'
lab_record 'implicit.example. A 127.0.6.1'
lab_record 'numeric.example. MX 10 127.0.6.1.'
lab_record 'dual.example. MX 10 dual.lab.example.'
lab_record 'dual.lab.example. A 127.0.6.1'
lab_record 'dual.lab.example. AAAA 2001:db8::1'
for name in alias implicit numeric dual; do
	recipients+=("joe@$name.example")
	echo "partner $name domain=$name.example mode=enforced" \
		"gateway=good.lab.example contact=a@b.example" >>"$T/registry"
done
lab_dns || bail 'no DNS'
"$B/tools/fakemx" "${specs[@]}" >"$T/fakemx" 2>&1 &
wait_for 20 grep -q ready "$T/fakemx" || bail "fakemx: $(cat "$T/fakemx")"

settings=(-C /dev/null -o registry="$T/registry" -o ca_file="$LAB/pki/ca.pem"
	-o map="$LAB/policy.cdb" -o ledger="$T/ledger.db" -o evidence="$T/none"
	-o service_user= -o probe_user= -o log_user= -o trust_anchor=
	-o policy_socket="$LAB/socket" -o probe_timeout=10)
ok 'the registry compiles' "$B/tlspact-compile" "${settings[@]}" \
	-o fingerprint_digest=sha256

# --- What Postfix does --------------------------------------------------------

# start NAME	an instance with these settings, wired
start()
{
	sed -e "s,/etc/ssl/certs/ca-certificates.crt,$LAB/pki/ca.pem," \
		-e "s,/etc/ssl/certs,$LAB/pki/hashed," \
		-e "s,/etc/ssl/mail/cert.pem,$LAB/pki/client.pem," \
		"$folder/$1.cf" | lab_instance "$1" || return
	# Later lines go before earlier ones, with a warning.
	sed -i '0,/^compatibility_level/{/^compatibility_level/d}' \
		"$LAB/$1/etc/main.cf"
	grep -q ^compatibility_level "$LAB/$1/etc/main.cf" ||
		echo 'compatibility_level = 3.6' >>"$LAB/$1/etc/main.cf"
	"$B/tlspact-setup" "${settings[@]}" -c "$LAB/$1/etc" apply --yes &&
		lab_postfix_start "$1" &&
		sendmail -C "$LAB/$1/etc" -f us@lab.example "${recipients[@]}" \
			<<<'Subject: lab'
}

# all_done NAME	every recipient has had an attempt
# shellcheck disable=SC2317 # called through wait_for
all_done()
{
	[ "$(grep -c ' to=<joe@.*, status=' "$LAB/$1/log")" -ge \
		${#recipients[@]} ]
}

# delivered NAME	a line each: partner, sent or not, TLS or clear
delivered()
{
	awk 'match($0, /\/(smtp|error)\[[0-9]+\]: /) {
		pid = substr($0, RSTART, RLENGTH)
		text = substr($0, RSTART + RLENGTH)
		if (text ~ /^[A-Z][a-z]+ TLS connection established to /)
			tls[pid] = 1
		if (!match(text, / to=<joe@[^.]*/))
			next
		name = substr(text, RSTART + 9, RLENGTH - 9)
		how = tls[pid] ? "tls" : "clear"
		delete tls[pid]
		if (text !~ / status=sent /)
			how = "held"
		print name, how
	}' "$LAB/$1/log" | sort
}

# probed NAME	a line each: partner, fault of the best of its gateways
probed()
{
	MAIL_CONFIG=$LAB/$1/etc timeout 120 "$B/tlspact-probe" "${settings[@]}" \
		--no-record --rate 0 -j --all 2>"$T/$1.err" >"$T/$1.json"
	jq -r '.gateways | group_by(.partner)[] | (map(select(.passed))[0] //
		.[0]) | "\(.partner) \(if .passed then "ok" else .fault end)"' \
		"$T/$1.json" | sort
}

table=$T/table
compared=0 wrong=0 apart=0 starting=()
declare -A attribute
while read -r name _ _ attributes; do
	[ -z "$name" ] || attribute[$name]=$attributes
done <<<"$shapes"

# compare SETTINGS PARTNER HELD|CLEAR|TLS FAULT
compare()
{
	local theirs=no ours=no verdict=same

	compared=$((compared + 1))
	[ "$3" != tls ] || theirs=yes
	[ "$4" != ok ] || ours=yes
	if [ $theirs != $ours ]; then
		verdict=DIFFERENT
		if [ "$4" = client-certificate ] ||
			[[ ${attribute[$2]:-} = *opportunistic* &&
				$(cat "$T/$1.err") = *smtp_tls_security_level* ]]; then
			verdict=said
			apart=$((apart + 1))
		fi
	fi
	printf '%-18s %-14s %-6s %-22s %s\n' "$@" $verdict >>"$table"
	[ $verdict = DIFFERENT ] || return 0
	wrong=$((wrong + 1))
	fail "$1, $2: mail is $3, the probe says $4"
	diag "$(grep -E "$2\\.(lab\\.)?example" "$LAB/$1/log" | tail -n 3)"
	diag "$(cut -c 1-100 "$T/$1.err")"
}

for name; do
	start "$name" >"$T/$name.start" 2>&1 ||
		echo "$name: $(cat "$T/$name.start")" >>"$T/bad" &
	starting+=($!)
done
wait "${starting[@]}"
[ ! -s "$T/bad" ] || bail "$(cat "$T/bad")"
for name; do
	wait_for 120 all_done "$name" || bail "$name: $(tail "$LAB/$name/log")"
	probed "$name" >"$T/$name.ours"
	delivered "$name" >"$T/$name.theirs"
	is "$name: each partner" "$(join "$T/$name.theirs" "$T/$name.ours" | wc -l)" \
		${#recipients[@]}
	while read -r partner how fault; do
		compare "$name" "$partner" "$how" "$fault"
	done < <(join "$T/$name.theirs" "$T/$name.ours")
done
diag "$compared combinations of $# main.cf and ${#recipients[@]} gateways;" \
	"$apart that the probe says it does not do as Postfix does"
is 'no other difference' $wrong 0
[ $# -lt 15 ] || ok 'at least 500 combinations' test $compared -ge 500
[ -z "${DIFFERENTIAL_TABLE:-}" ] || cp "$table" "$DIFFERENTIAL_TABLE"
done_testing
