#!/usr/bin/env bash
# Our own side as tlspact-setup check tells it: certificates and their keys,
# protocols, what the DNS says of us; kept for reports.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/signedroot.sh
. "$TOP/tests/lab/signedroot.sh"

command -v postconf >/dev/null || skip_all 'no Postfix here'

# cert NAME DAYS [HOST]	NAME.key, NAME.crt and both in NAME.pem
cert()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days "$2" -subj "/O=Lab/CN=${3:-mx1.good.example}" \
		-addext "subjectAltName=DNS:${3:-mx1.good.example}" \
		-keyout "$T/$1.key" -out "$T/$1.crt" 2>/dev/null
	cat "$T/$1.key" "$T/$1.crt" >"$T/$1.pem"
}
cert good 90
cert other 90 mail.example
mkdir "$T/etc"
# main LINE...		main.cf
main()
{
	cat >"$T/etc/main.cf" <<-MAIN
	compatibility_level = 3.6
	myhostname = mx1.good.example
	queue_directory = $T/spool
	smtpd_tls_security_level = may
	smtpd_tls_chain_files = $T/good.pem
	MAIN
	printf '%s\n' "$@" >>"$T/etc/main.cf"
}
printf '%s\n' 'smtp inet n - y - - smtpd' \
	"submission inet n - y - - smtpd -o smtpd_tls_chain_files=$T/other.pem" \
	>"$T/etc/master.cf"
export COLUMNS=2000 MAIL_CONFIG=$T/etc
setup()
{
	"$B/tlspact-setup" -C /dev/null -o "map=$T/policy.cdb" \
		-o "ledger=$T/ledger.db" -o "evidence=$T/evidence.db" \
		-o service_user= -o log_user= -o probe_user= -o trust_anchor= \
		-c "$T/etc" "$@"
}
# own FILTER OPTION...	what is told of our own side
own()
{
	setup -j "${@:2}" check | jq -r ".own[] | $1" 2>&1
}
# found OPTION...	findings about it
found()
{
	setup -j "$@" check | jq -r '.findings[] |
		select(.what | test("certificate|TLSA")) |
		.kind + " " + .where + ": " + .what'
}
main
like 'the certificate' "$(own 'select(.what == "server certificate" and .state == "good") | .text')" \
	"CN mx1.good.example, DNS:mx1.good.example; issued by Lab, mx1.good.example; EC prime256v1; ends 20..-..-.., [89]. % of its life left; its key fits"
like 'that of a service, too' "$(own .name)" "other.pem"
like 'no certificate as a client' "$(own '.what + ": " + .text')" \
	'client certificate: none is shown'
like 'protocols' "$(own 'select(.what == "protocols") | .text')" \
	'security level may; protocols .*; ciphers medium'
is 'and nothing is wrong' "$(found)" ''
like 'the DNS was not asked' "$(own '.state + " " + .text')" \
	'open not looked at, nor MTA-STS and TLS reports'

main "smtpd_tls_chain_files = $T/other.key, $T/good.crt"
like 'the key of another' "$(found)" \
	'^fault smtpd_tls_chain_files: the certificate of "mx1.good.example" has the key of another'
main "smtpd_tls_chain_files = $T/good.crt, $T/good.key"
like 'the key behind it' "$(found)" 'fault .* has no private key'
main 'smtpd_tls_chain_files =' "smtpd_tls_cert_file = $T/good.crt" \
	"smtpd_tls_key_file = $T/good.key"
is 'as older ones name it' "$(found)" ''
main 'smtpd_tls_chain_files =' "smtpd_tls_cert_file = $T/good.crt"
like 'without its key' "$(found)" 'fault smtpd_tls_cert_file: .* no private key'
main "smtp_tls_chain_files = $T/good.key, $T/other.crt"
like 'as a client, too' "$(found)" 'fault smtp_tls_chain_files: .* key of another'
main "smtpd_tls_chain_files = $T/good.key"
like 'no certificate at all' "$(found)" 'there is no certificate in'
main 'myhostname = mx9.good.example'
like 'names' "$(found)" \
	'note smtpd_tls_chain_files.*: no server certificate is for "mx9.good.example"'
# A life of which little is left, and one that is over.
mkdir "$T/ca" && : >"$T/ca/index"
cat >"$T/ca/conf" <<CONF
[ca]
default_ca = it
[it]
database = $T/ca/index
new_certs_dir = $T/ca
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
organizationName = optional
commonName = supplied
CONF
openssl req -new -key "$T/good.key" -subj /CN=mx1.good.example \
	-addext subjectAltName=DNS:mx1.good.example -out "$T/csr" 2>/dev/null
# lived FROM TO		a certificate from some days until others
lived()
{
	openssl ca -batch -config "$T/ca/conf" -in "$T/csr" \
		-cert "$T/good.crt" -keyfile "$T/good.key" -notext \
		-startdate "$(date -ud "$1" +%y%m%d000000Z)" \
		-enddate "$(date -ud "$2" +%y%m%d000000Z)" -out "$T/lived.crt" \
		2>/dev/null
	main "smtpd_tls_chain_files = $T/good.key, $T/lived.crt"
}
# ctl VERB OPTION...
ctl()
{
	"$B/tlspactctl" "$@" -C /dev/null -o "map=$T/policy.cdb" \
		-o "ledger=$T/ledger.db" -o "evidence=$T/evidence.db" \
		-o "registry=$T/registry" -o "postfix_config=$T/etc" \
		-o "policy_socket=$T/policy" -o "socketmap_socket=$T/socketmap" \
		-o "mail_log=$T/mail.log"
}
# checked	state and words of the check of certificates
checked()
{
	ctl check -j | jq -r '.checks[] | select(.check == "certificates") |
		"\(.state): \(.text)"'
}
echo 'partner soft domain=soft.example' >"$T/registry"
like 'tlspactctl check has it as well' "$(checked)" \
	'^ok: nobody is enforced; ours in (89|90) days$'
run ctl certificates --within 95d
like 'and so has certificates, of which nothing was recorded' "${out//$'\n'/ }" \
	' (89|90) +[0-9]+% ok +\(ours\) +[^ ]*/good\.pem +- \(server certificate\) .* 2 of ours: 0 ended, 2 end within 95d$'
all=$out
run ctl certificates ours --within 95d
is 'ours by that word' "$rc $out" "0 $all"
run ctl certificates "$(postconf -c "$T/etc" -h myhostname)" --within 95d
is 'and by our own name' "$rc $out" "0 $all"
run ctl certificates --within 30d
like 'none ends, and ours are among them' "$rc ${out//$'\n'/ }" \
	'^0 no certificate ends within 30d, of 2 of ours; the first ends '
lived '-80 days' '+10 days'
run ctl certificates --within 30d
like 'what ends soon is told' "$out" $' 9 +[0-9]+% soon +\\(ours\\) '
like 'and counted' "$out" $'\nours alone: 0 ended, 1 ends within 30d$'
like 'with its end' "$(checked)" \
	'^warning: our server certificate .*/lived\.crt ends in 9 days$'
like 'one that ends soon' "$(found)" \
	'note .*: our certificate ends in 9 days, on 20'
like 'is to be watched' "$(own .state)" watch
lived '-80 days' '-2 days'
like 'one that has ended' "$(found)" 'fault .*: our certificate ended on 20'
like 'and a number for Nagios' "$(ctl check --nagios)" $' own_days_left=-2;14:;0:[ \n]'
is 'which is critical in JSON' "$(ctl check -j |
	jq -c '[.min_days_left, .own_days_left]')" '[null,-2]'
is 'for Prometheus' "$(ctl check --prometheus |
	grep '^tlspact_check_own_cert')" 'tlspact_check_own_certificate_days_left -2'
like 'which is critical' "$(checked)" \
	'^critical: our server certificate .*/lived\.crt ended 2 days ago$'
main "smtpd_tls_chain_files = $T/none.pem"
like 'one that cannot be read is not known' "$(checked)" \
	'^not known: our server certificate .*/none\.pem: not looked at: '
unlike 'and has no number' "$(ctl check --nagios)" 'own_days_left=-'
run ctl certificates --within 95d
like 'which is not none that ends' "$out" \
	$'\nours: not known \\(not looked at: .*/none.pem.*\\): tlspact-setup check -v$'
is 'nor is it in JSON' "$(ctl certificates --within 95d -j |
	jq -c '[.certificates[] | select(.gateway // "" | endswith("none.pem")) |
	.ours, .state, .not_after]')" '["server certificate","unseen",null]'
main "smtpd_tls_chain_files = $T/good.key"
run ctl certificates
like 'what has no certificate in it is told' "$out" \
	$'\nours: [^\n]*/good\.key: there is no certificate in it; see tlspact-setup check -v'
main

if [ "$(id -u)" = 0 ]; then
	chmod 600 "$T"/*.key "$T"/*.pem
fi
run setup check --record
is 'kept' "$rc" 1
like 'in the evidence' \
	"$(sqlite3 "$T/evidence.db" 'SELECT what, state FROM own' 2>&1)" \
	'server certificate|good'
run ctl certificates
like 'among the certificates' "$out" \
	$'\n[-0-9]{10} +(89|90) +[0-9]+% ok +\\(ours\\) +[^ ]*/good.pem +- \\(server certificate\\)\n'
like 'and in the sum' "$out" $'\n2 of ours: 0 ended, 0 end soon, 2 ok; 1 partner never looked at'
is 'in JSON as well' "$(ctl certificates -j | jq -c '[.certificates[] |
	select(.ours != null) | [.partner, .mode, .ours, .state]] | unique')" \
	'[[null,null,"server certificate","ok"]]'
unlike 'but not of one partner' "$(ctl certificates soft)" ours
sqlite3 "$T/evidence.db" 'UPDATE own SET time = time - 60'
unlike 'as it is now' "$(ctl certificates)" 'as seen'
mv "$T/good.pem" "$T/gone.pem"
like 'what cannot be read any more, as it was seen' "$(ctl certificates)" \
	'/good.pem +- \(server certificate, as seen [0-9: -]+\)'
mv "$T/gone.pem" "$T/good.pem"
secret=$(sed -n 2p "$T/good.key")
nok 'no byte of the key' grep -q "$secret" "$T/evidence.db"
COLUMNS='' run setup -v check
is 'fits 80 columns' \
	"$(awk 'length > 79 && !/postconf|\/.*\//' <<<"$out")" ''

# The DNS, by a name server with a signed root.
if ! command -v nsd >/dev/null; then
	skip 'the DNS' 'no nsd here'
	done_testing
fi
cat >"$T/insecure.zone" <<'ZONE'
$TTL 300
insecure. SOA ns. host. 1 3600 600 86400 300
insecure. NS ns.
us.insecure. MX 10 mx1.us.insecure.
mx1.us.insecure. A 192.0.2.1
_mta-sts.us.insecure. TXT "other"
_mta-sts.us.insecure. TXT "v=STSv1; " "id=20261101;"
_smtp._tls.us.insecure. TXT "v=TLSRPTv1; rua=mailto:a@us.insecure"
_smtp._tls.us.insecure. TXT "v=TLSRPTv1; rua=mailto:b@us.insecure"
ZONE
signed_root zone: ' name: insecure.' " zonefile: $T/insecure.zone"
dns=(-o "resolver=127.0.0.1@$port" -o trust_anchor="$TOP/tests/dns/root.ds")
# shellcheck disable=SC2317 # called through wait_for
answers() { [ -n "$(own 'select(.what == "TLSA" and .state == "bad")' "${dns[@]}")" ]; }
ok 'an answer' wait_for 20 answers
like 'TLSA of another key' "$(found "${dns[@]}")" \
	'fault smtpd_tls_chain_files: the TLSA records of mx1.good.example do not match'
all=$(own '.what + " " + .name + ": " + .state + " " + .text' "${dns[@]}")
like 'no MTA-STS' "$all" 'MTA-STS good.example: watch none'
like 'no TLS reports' "$all" 'TLS reports good.example: watch none'
main 'myhostname = mx1.us.insecure'
all=$(own '.what + " " + .name + ": " + .state + " " + .text' "${dns[@]}")
like 'MTA-STS' "$all" \
	'MTA-STS us.insecure: good v=STSv1; id=20261101;'
like 'two of TLS reports are none' "$all" \
	'TLS reports us.insecure: open not known: broken'
like 'a host that is not signed' "$all" \
	'TLSA mx1.us.insecure: watch none: its address is not signed'
main 'myhostname = elsewhere.test' 'mydestination = good.example' \
	"smtpd_tls_chain_files = $T/other.pem"
like 'the MX of others' \
	"$(own '.what + " " + .name + ": " + .text' "${dns[@]}")" \
	'MX good.example: mx1.good.example, which is not this host'
done_testing
