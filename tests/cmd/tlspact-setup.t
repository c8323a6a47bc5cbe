#!/usr/bin/env bash
# The wiring of a Postfix: what is found wrong, put right, and taken back.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../lab/tap.sh"

command -v postconf >/dev/null || skip_all 'no Postfix here'

etc=$T/etc
mkdir "$etc" "$T/spool" "$T/spool/tlspact"
fresh()
{
	rm -f "$etc"/main.cf*
	cat >"$etc/main.cf" <<-MAIN
	compatibility_level = 3.6
	myhostname = test.example
	queue_directory = $T/spool
	smtp_tls_CAfile = $T/ca.pem
	smtp_tls_security_level = may
	smtp_tls_policy_maps = cdb:$T/policy
	smtp_tls_loglevel = 1
	smtputf8_enable = no
	smtpd_tls_security_level = may
	smtpd_tls_chain_files = $T/server.pem
	smtpd_tls_loglevel = 1
	smtpd_tls_received_header = yes
	smtpd_recipient_restrictions = check_policy_service { unix:tlspact/policy, timeout=10s, default_action=tlspact_dead }
	smtpd_restriction_classes = tlspact_dead, tlspact_bounce
	tlspact_dead = check_sender_access unionmap:{cdb:$T/policy-inbound, pipemap:{regexp:{{/@([^@]+)\$\$/ =\$\$1}}, cdb:$T/policy-inbound}}
	tlspact_bounce = check_client_access pipemap:{regexp:{{/(.+)/ g=\$\$1}}, cdb:$T/policy-inbound}
	MAIN
	# Postfix 3.10 and later let a message header undo what we do.
	[ -z "$(postconf -dh tls_required_enable 2>/dev/null)" ] ||
		echo 'tls_required_enable = no' >>"$etc/main.cf"
	[ -z "$(postconf -dh requiretls_enable 2>/dev/null)" ] ||
		echo 'requiretls_enable = no' >>"$etc/main.cf"
	cat >"$etc/master.cf" <<-'MASTER'
	smtp inet n - y - - smtpd
	submission inet n - y - - smtpd -o smtpd_recipient_restrictions=
	smtp unix - - n - - smtp
	MASTER
}
touch "$T/ca.pem" "$T/spool/tlspact/policy"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
	-subj /CN=test.example -addext subjectAltName=DNS:test.example \
	-keyout "$T/server.pem" -out "$T/server.crt" 2>/dev/null
cat "$T/server.crt" >>"$T/server.pem"
# One finding a line; its own width has a test of its own.
export COLUMNS=2000
chmod 644 "$T/ca.pem"
chmod 666 "$T/spool/tlspact/policy"
fresh
# Were the folder forgotten, it would not be this machine's Postfix that is
# asked and changed.
cp -r "$etc" "$T/default"
export MAIL_CONFIG=$T/default
# shellcheck disable=SC2317 # called through ok and run
registry()
{
	printf '%s\n' "$@" >"$T/registry"
	"$B/tlspact-compile" "${options[@]}" >/dev/null
}
options=(-C /dev/null -o "registry=$T/registry" -o "map=$T/policy.cdb"
	-o "ledger=$T/ledger.db" -o "ca_file=$T/ca.pem"
	-o "policy_socket=$T/spool/tlspact/policy"
	-o "socketmap_socket=$T/spool/tlspact/socketmap"
	-o "postfix_version=$(postconf -dh mail_version)"
	-o fingerprint_digest=sha256 -o service_user= -o trust_anchor=
	-o log_user= -o probe_user=
	-o "mail_log=$T/mail.log")
touch "$T/mail.log"
# shellcheck disable=SC2317 # called through ok and run
setup()
{
	"$B/tlspact-setup" "${options[@]}" -c "$etc" "$@"
}
acme='partner acme mode=enforced domain=acme.example contact=p@acme.example'
acme+=' gateway=mx1.acme.example'
ok 'a registry' registry "$acme"

run setup check
is 'a good configuration has no fault' "$rc $out" \
	"0 no fault: Postfix obeys $T/policy.cdb (1 row)" || diag "$err"

# faulty NAME REGEX LINE...	main.cf with these lines at the end
faulty()
{
	local name=$1 regex=$2

	shift 2
	fresh
	printf '%s\n' "$@" >>"$etc/main.cf"
	run setup check
	is "$name" "$rc" 1
	like "$name, said" "$out" "FAULT [^:]*: $regex" || diag "$out"
}
policy='check_policy_service { unix:tlspact/policy, timeout=10s, default_action=tlspact_dead }'
faulty 'TLS is not offered' 'smtpd_tls_security_level is empty' \
	'smtpd_tls_security_level ='
faulty 'a fallback relay' 'smtp_fallback_relay is "\[mx.example\]"' \
	'smtp_fallback_relay = [mx.example]'
faulty 'a relay by sender' 'mail to acme.example leaves by smtp/unix to "b"' \
	'sender_dependent_relayhost_maps = inline:{a=b}'
faulty 'STARTTLS discarded' 'smtp_discard_ehlo_keywords has starttls' \
	'smtp_discard_ehlo_keywords = dsn, STARTTLS'
fix=$(sed -n 's/^      fix: //p' <<<"$out")
ok 'the fix' eval "$fix"
is 'leaves the other words' \
	"$(postconf -c "$etc" -h smtp_discard_ehlo_keywords)" dsn
run setup check
is 'and mends it' "$rc" 0 || diag "$out$err"
faulty 'no EHLO' 'smtp_never_send_ehlo is yes' 'smtp_never_send_ehlo = yes'
unlike 'which is said once' "$out" 'note  smtp_never_send_ehlo'
faulty 'EHLO for some' 'smtp_always_send_ehlo is no' \
	'smtp_always_send_ehlo = no'
faulty 'no ECDSA' 'smtp_tls_exclude_ciphers is "aECDSA"' \
	'smtp_tls_exclude_ciphers = aECDSA'
faulty 'no cipher at all' 'tls_medium_cipherlist is .* and any certificate' \
	'tls_medium_cipherlist = aNULL'
fresh
printf '%s\n' 'smtp_tls_scert_verifydepth = 3' 'smtp_pix_workaround_maps = cidr:/x' \
	>>"$etc/main.cf"
run setup check
is 'what probes do otherwise is no fault' "$rc" 0 || diag "$out"
like 'but a note' "$out" 'note  smtp_tls_scert_verifydepth: .* is "3": probes do'
like 'for each' "$out" 'note  smtp_pix_workaround_maps: '
unlike 'of those that are not the defaults' "$out" 'note  tls_medium_cipherlist'
cp "$T/ca.pem" "$T/copy.pem"
echo more >"$T/own-ca.pem"
faulty 'another CA file' 'smtp_tls_CAfile is .*, and probes go by the CAs' \
	"smtp_tls_CAfile = $T/own-ca.pem"
fresh
echo "smtp_tls_CAfile = $T/copy.pem" >>"$etc/main.cf"
run setup check
is 'a copy is as good' "$rc" 0 || diag "$out"
if [ -n "$(postconf -dh requiretls_enable 2>/dev/null)" ]; then
	fresh
	echo 'requiretls_enable = yes' >>"$etc/main.cf"
	run setup check
	like 'REQUIRETLS is noted' "$rc $out" '^0 .*note  requiretls_enable'
fi
fresh
echo 'smtputf8_enable = yes' >>"$etc/main.cf"
run setup check
is 'SMTPUTF8 without a fault' "$rc" 0
like 'SMTPUTF8 without tlspactd is noted' "$out" 'note  smtputf8_enable: '
faulty 'no certificate' 'there is no server certificate' \
	'smtpd_tls_chain_files ='
faulty 'a certificate that is not there' '.*No such file' \
	"smtpd_tls_chain_files = $T/other.pem"
faulty 'nobody asks tlspactd' 'tlspactd is not asked: the inbound rules of 1 ' \
	'smtpd_recipient_restrictions ='
faulty 'before the relay guard' 'check_policy_service comes before' \
	"smtpd_relay_restrictions = $policy, reject_unauth_destination"
faulty 'no relay guard but ours' 'check_policy_service comes before' \
	'smtpd_relay_restrictions =' \
	"smtpd_recipient_restrictions = $policy, reject_unauth_destination"
faulty 'behind a permit' 'check_policy_service stands behind' \
	"smtpd_recipient_restrictions = permit, $policy"
faulty 'ETRN is no mail' 'check_policy_service is asked about ETRN only' \
	'smtpd_recipient_restrictions =' \
	"smtpd_etrn_restrictions = $policy"
faulty 'open while it is down' 'while tlspactd is down the inbound rules of 1' \
	"smtpd_recipient_restrictions = ${policy/tlspact_dead/DUNNO}"
faulty 'no class' 'default_action=tlspact_dead, and that restriction class' \
	'smtpd_restriction_classes ='
fix=$(sed -n 's/^      fix: //p' <<<"$out")
ok 'the fix' eval "$fix"
run setup check
is 'mends it, run as it stands' "$rc" 0 || diag "$out$err"
mv "$T/policy-inbound.cdb" "$T/away.cdb"
faulty 'no inbound table' 'the table for mail that comes in while tlspactd is'
mv "$T/away.cdb" "$T/policy-inbound.cdb"
faulty 'no default action' 'while tlspactd is down all mail' \
	'smtpd_recipient_restrictions = check_policy_service unix:tlspact/policy'
faulty 'a socket outside of the chroot' '.*cannot reach that socket' \
	"smtpd_recipient_restrictions = check_policy_service { unix:$T/spool/tlspact/policy, default_action=tlspact_dead }"

if [ "$(id -u)" = 0 ]; then
	chmod 600 "$T/spool/tlspact/policy"
	faulty 'a socket that root alone may open' \
		'Postfix \(user postfix\) may not open .*/tlspact/policy": Perm'
	chmod 666 "$T/spool/tlspact/policy"
fi

# Services of master.cf with restrictions of their own.
fresh
cat >>"$etc/master.cf" <<'MASTER'
127.0.0.1:10025 inet n - y - - smtpd
	-o smtpd_recipient_restrictions=permit_mynetworks,reject
	-o mynetworks=127.0.0.0/8
MASTER
run setup check
is 'where a filter hands mail back nothing is asked' "$rc" 0 || diag "$out"
cat >>"$etc/master.cf" <<'MASTER'
2525 inet n - y - - smtpd
	-o smtpd_recipient_restrictions=permit_mynetworks,reject
2526 inet n - y - - smtpd
	-o smtpd_recipient_restrictions=permit_mynetworks,reject
MASTER
main=$(cksum "$etc/main.cf")
run setup check
is 'elsewhere it is' "$rc" 1
for port in 2525 2526; do
	like "at $port" "$out" "FAULT smtpd_recipient_restrictions \($port/inet\)"
done
grep -o 'postconf .*-P.*' <<<"$out" >"$T/fixes"
is 'with a fix each' "$(wc -l <"$T/fixes")" 2 || diag "$out"
ok 'the fixes' bash -e "$T/fixes"
run setup check
is 'mend them, run as they stand' "$rc" 0 || diag "$out$err"
is 'main.cf is as it was' "$(cksum "$etc/main.cf")" "$main"
is 'and so is what a filter needs' \
	"$(postconf -c "$etc" -Ph 127.0.0.1:10025/inet/smtpd_recipient_restrictions)" \
	'permit_mynetworks,reject'

# Each form of the sockets.
for form in "unix:$T/spool/tlspact/policy" inet:127.0.0.1:10999 \
	inet:localhost:10999 'inet:[::1]:10999' "inet:[::]:10999"; do
	fresh
	postconf -c "$etc" -X smtpd_recipient_restrictions
	sockets=(-o policy_socket="$form"
		-o socketmap_socket="${form/policy/socketmap}")
	run setup "${sockets[@]}" check
	is "$form: not asked yet" "$rc" 1
	run setup "${sockets[@]}" apply --yes
	is "$form: applied" "$rc" 0 || diag "$err"
	run setup "${sockets[@]}" check
	is "$form: no fault is left" "$rc" 0 || diag "$out"
	case $form in
	unix:*) ask=unix:tlspact/policy ;;
	*::\]:*) ask=inet:127.0.0.1:10999 ;;
	*) ask=$form ;;
	esac
	run setup "${sockets[@]}" print
	like "$form: printed" "$out" \
		"check_policy_service \{ ${ask//[/\\[}, timeout=10s"
	socketmap=${ask/policy/socketmap}
	postconf -c "$etc" -e "smtp_tls_policy_maps=socketmap:$socketmap:x"
	run setup "${sockets[@]}" check
	is "$form: as a socketmap" "$rc" 0 || diag "$out"
done
fresh
run setup -o policy_socket= check
like 'no policy_socket' "$rc $out" '^1 .*policy_socket is empty, so that'
run setup -o policy_socket= print
unlike 'is asked by nobody' "$out" check_policy_service

fresh
echo "smtpd_recipient_restrictions = reject_unauth_destination, $policy" \
	>>"$etc/main.cf"
echo 'smtpd_relay_restrictions =' >>"$etc/main.cf"
run setup check
is 'behind the guard in the same list is well' "$rc" 0 || diag "$out"
fresh
echo 'smtpd_tls_security_level = encrypt' >>"$etc/main.cf"
run setup check
is 'encrypt is no fault' "$rc" 0
like 'but a note' "$out" 'note .*from everybody, not only from partners'

ok 'client names are asked for' registry "$acme inbound-verify=name"
faulty 'client certificates' 'inbound-verify of 1 domain needs client' \
	'smtpd_tls_ask_ccert = no'
faulty 'a CA for them' 'no CA is trusted for client certificates' \
	'smtpd_tls_ask_ccert = yes'
ok 'the registry as before' registry "$acme"

for verb in print check apply; do
	run setup -o map=policy.cdb "$verb"
	is "$verb: no relative path in main.cf" "$rc" 78
	like "$verb: and says so" "$err" 'map: "policy.cdb" is not an absolute'
done

# Rows that are weaker than what strangers get.
registry "$acme" 'partner open domain=open.example'
fresh
echo 'smtp_tls_security_level = dane' >>"$etc/main.cf"
run setup check
unlike 'an opportunistic partner is no weaker than a stranger' "$out" \
	'with less than to strangers'
"$B/tlspact-compile" "${options[@]}" -o opportunistic_level=may >/dev/null
run setup check
like 'one whose level is set so is' "$out" \
	'smtp_tls_security_level is dane, and 1 row of the map is weaker'
registry "$acme"

# A socketmap in place of the map.
fresh
echo 'smtp_tls_policy_maps = socketmap:unix:tlspact/socketmap:policy' \
	>>"$etc/main.cf"
run setup check
is 'the socketmap of tlspactd serves as well' "$rc" 0 || diag "$out"
like 'with a note' "$out" 'while it is down, all mail is deferred'

# The setting names the folder as well as -c, which wins.
# shellcheck disable=SC2317 # called through run
by_setting()
{
	"$B/tlspact-setup" "${options[@]}" -o "postfix_config=$etc" "$@"
}
fresh
cp -r "$etc" "$T/well"
echo 'smtp_tls_security_level = none' >>"$etc/main.cf"
run by_setting check
is 'check looks where the setting says' "$rc" 1
like 'and mends that Postfix, no other' "$out" \
	"fix: postconf -c $etc -e 'smtp_tls_security_level = may'"
run by_setting -c "$T/well" check
is '-c wins' "$rc" 0 || diag "$out"
echo "smtp_tls_policy_maps = inline:{x=may}" >>"$etc/main.cf"
run by_setting print
like 'print keeps what is there' "$out" "cdb:$T/policy, inline:"
run by_setting -c "$T/well" print
unlike 'or in the other folder' "$out" 'inline:'
while IFS='|' read -r list want; do
	sed -i '/^smtpd_recipient_restrictions/d' "$etc/main.cf"
	echo "smtpd_recipient_restrictions = $list" >>"$etc/main.cf"
	run by_setting print
	is "print parts words as they are: $list" "$(sed -nE \
		's/^smtpd_recipient_restrictions = check[^}]*\}, //p' \
		<<<"$out")" "$want"
done <<-'LISTS'
a,,sleep 1,check_policy_service { inet:h:1, timeout=3s } b,|a, sleep 1, check_policy_service { inet:h:1, timeout=3s } b
check_client_access hash:/x permit|check_client_access hash:/x permit
LISTS
echo "smtp_tls_policy_maps = inline:{y=may}" >>"$T/default/main.cf"
run "$B/tlspact-setup" "${options[@]}" print
like 'print without a folder keeps those of the default one' "$out" \
	"cdb:$T/policy, inline:\{y=may"
run env MAIL_CONFIG="$T/none" "$B/tlspact-setup" "${options[@]}" print
like 'and says so if it cannot be asked' "$rc $err" \
	'^0 .*warning: these lines do not know what main.cf has'
ok 'apply writes there' by_setting apply --yes
run by_setting check
is 'and nothing is left to find' "$rc" 0 || diag "$out"
ok 'undo goes back there' by_setting apply --undo
ok 'so that the old line is back' grep -q '^smtp_tls_security_level = none' \
	"$etc/main.cf"
run by_setting -n -c "$T/well"
like 'the effective settings say which' "$out" "postfix_config = $T/well"

# apply, and the way back
cat >"$etc/main.cf" <<-MAIN
compatibility_level = 3.6
myhostname = test.example
queue_directory = $T/spool
# a comment stays
smtp_tls_policy_maps = inline:{x=may}
smtpd_recipient_restrictions = reject_unknown_recipient_domain
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = $T/server.pem
mydestination = \$myhostname
MAIN
chmod 640 "$etc/main.cf"
before=$(cksum <"$etc/main.cf")
run setup apply -n
is 'a dry run' "$rc" 0
like 'shows what would change' "$out" \
	"\+ smtp_tls_policy_maps = cdb:$T/policy, inline:\{x=may\}"
is 'and changes nothing' "$(cksum <"$etc/main.cf")" "$before"
run setup apply
is 'nobody to ask' "$rc" 64
is 'nothing changed' "$(cksum <"$etc/main.cf")" "$before"
run setup apply --yes
is 'applied' "$rc" 0 || diag "$err"
like 'the way back is said' "$out" "tlspact-setup -c $etc apply --undo"
unlike 'what is good enough stays' "$out" 'smtpd_tls_security_level'
run setup check
is 'no fault is left' "$rc" 0 || diag "$out"
like 'our entry is in front' \
	"$(postconf -c "$etc" -h smtpd_recipient_restrictions)" \
	'^check_policy_service \{ unix:tlspact/policy,.*\}, reject_unknown'
ok 'the comment is there' grep -q 'a comment stays' "$etc/main.cf"
run setup apply --yes
is 'applied again' "$rc $out" '0 0 lines of main.cf need to change'
run setup apply --undo
is 'undone' "$rc" 0 || diag "$err"
is 'main.cf is as it was' "$(cksum <"$etc/main.cf")" "$before"
is 'with its mode' "$(stat -c %a "$etc/main.cf")" 640
is 'and nothing is left over' "$(cd "$etc" && ls)" $'main.cf\nmaster.cf'

# What else was edited since is not ours.
# value NAME	as main.cf sets it, or nothing
value()
{
	postconf -c "$etc" -n "$1" 2>/dev/null
}
setup apply --yes >/dev/null || diag 'apply'
postconf -c "$etc" -e 'message_size_limit = 99'
echo '# by hand' >>"$etc/main.cf"
run setup apply --undo
is 'undone after another edit' "$rc" 0 || diag "$err"
is 'the map is out' "$(value smtp_tls_policy_maps)" \
	'smtp_tls_policy_maps = inline:{x=may}'
is 'and the policy service' "$(value smtpd_recipient_restrictions)" \
	'smtpd_recipient_restrictions = reject_unknown_recipient_domain'
is 'what was not set is not set' "$(value smtp_tls_CAfile)" ''
is 'the edit is there' "$(value message_size_limit)" 'message_size_limit = 99'
ok 'and the comment' grep -q '^# by hand' "$etc/main.cf"
is 'and no copy is left' "$(cd "$etc" && ls)" $'main.cf\nmaster.cf'

# A line of ours that was edited since is left, and the others go.
cp "$etc/main.cf" "$T/pristine"
setup apply --yes >/dev/null || diag 'apply'
cp "$etc/main.cf.before-tlspact" "$T/before"
postconf -c "$etc" -e 'smtp_tls_CAfile = /elsewhere/ca.pem'
postconf -c "$etc" -e 'message_size_limit = 100'
run setup -o "map=$T/policy.cdb" apply --yes
is 'applied a second time' "$rc" 0 || diag "$err"
ok 'the first copy is kept' cmp "$T/before" "$etc/main.cf.before-tlspact"
postconf -c "$etc" -e 'smtpd_recipient_restrictions = reject'
run setup apply --undo
is 'an edit of our line is not thrown away' "$rc" 65
like 'it is named, with what is there' "$err" \
	'smtpd_recipient_restrictions was edited since: it is "reject", apply put "check_policy_service'
like 'and what was' "$err" 'before, it was "reject_unknown_recipient_domain"'
is 'it stays' "$(value smtpd_recipient_restrictions)" \
	'smtpd_recipient_restrictions = reject'
is 'the others go' "$(value smtp_tls_policy_maps)" \
	'smtp_tls_policy_maps = inline:{x=may}'
ok 'what it needs is kept' test -e "$etc/main.cf.tlspact"
like 'nor is one that was good enough for the second time' "$err" \
	'smtp_tls_CAfile was edited since: it is "/elsewhere/ca.pem"'
postconf -c "$etc" -X smtp_tls_CAfile
postconf -c "$etc" -e \
	'smtpd_recipient_restrictions = reject_unknown_recipient_domain'
run setup apply --undo
is 'once it is put right by hand, all is undone' "$rc" 0 || diag "$err"
is 'and the edits in between are kept' "$(value message_size_limit)" \
	'message_size_limit = 100'
is 'and no copy is left' "$(cd "$etc" && ls)" $'main.cf\nmaster.cf'

# Nonsense in the file of lines
echo 'x' >"$etc/main.cf.tlspact"
run setup apply --undo
is 'a damaged file of lines is refused' "$rc" 65
like 'by its place' "$err" 'main.cf.tlspact:1: no line of ours: "x"'
echo '- myhostname = x' >"$etc/main.cf.tlspact"
run setup apply --undo
is 'and one that says half' "$rc" 65
rm "$etc/main.cf.tlspact"
cp "$T/pristine" "$etc/main.cf"
before=$(cksum <"$etc/main.cf")
run setup apply --undo
is 'undone twice' "$rc" 66

# A row that is lowered, and one that should not be any more.
fresh
ok 'a partner' registry 'partner acme mode=enforced contact=x' \
	'  domain=acme.example,.acme.example gateway=mx1.acme.example'
ok 'is lowered' "$B/tlspactctl" downgrade "${options[@]}" -c "$etc" acme \
	--for 15s --reason x --to encrypt --yes --no-flush
run setup check
is 'that alone is no fault' "$rc" 0 || diag "$out"
like 'but is noted' "$out" 'note .*policy.cdb: 2 rows are lowered, the first until '
# shellcheck disable=SC2317 # called through wait_for
is_over()
{
	run setup check
	[ "$rc" = 1 ]
}
ok 'its time comes' wait_for 30 is_over
like 'which is a fault' "$out" 'FAULT .*policy.cdb: 2 rows of acme lowered, and the time is up'
ok 'until somebody compiles' "$B/tlspact-compile" "${options[@]}"
run setup check
is 'and then no more' "$rc" 0
cp "$T/pristine" "$etc/main.cf"

rm "$T/policy.cdb"
run setup apply --yes
is 'without a map nothing is applied' "$rc" 66
is 'and nothing is changed' "$(cksum <"$etc/main.cf")" "$before"
done_testing
