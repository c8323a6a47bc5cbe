#!/usr/bin/env bash
# A partner's mail is refused: it is let in for a time, and mail to them goes
# as agreed meanwhile. tlspactd is asked before, during and after.
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"
# shellcheck source=tests/lab/wait.sh
. "$(dirname "$0")/../../lab/wait.sh"
# shellcheck source=tests/lab/tlspactd.sh
. "$(dirname "$0")/../../lab/tlspactd.sh"
# Words are looked for here, wherever lines would end.
export COLUMNS=1000

# shellcheck disable=SC2034 # read by tlspactd.sh
MAP=$T/policy.cdb SOCKETS=$T/s

# ctl VERB [ARGUMENT...]
ctl()
{
	local options

	daemon_options
	run "$B/tlspactctl" "$1" "${options[@]}" -o resolver=127.0.0.1@1 \
		-o postfix_config="$T/postfix" "${@:2}"
}

# let_in PARTNER [OPTION...]
let_in()
{
	ctl downgrade "$1" --inbound --for 1h --reason 'their relay lost TLS' \
		--yes "${@:2}"
}

# asked SENDER [REGEX]	what tlspactd answers to mail, in clear text or over
#			$tls; with an expression, once it is like that, or
#			after 20 s
asked()
{
	timeout 60 python3 - "$SOCKETS/policy" "$@" <<-'PYTHON'
	import os, re, socket, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	end = time.monotonic() + 20
	while True:
	    s.sendall(("request=smtpd_access_policy\nprotocol_state=RCPT\n"
	        "client_name=unknown\nclient_address=192.0.2.1\nsender=%s\n"
	        "recipient=us@ours.example\nencryption_protocol=%s\n\n" %
	        (sys.argv[2], os.environ.get("tls", ""))).encode())
	    got = b""
	    while not got.endswith(b"\n\n"):
	        got += s.recv(4096)
	    got = got.decode().strip().removeprefix("action=")
	    if (len(sys.argv) < 4 or re.search(sys.argv[3], got) or
	            time.monotonic() > end):
	        break
	    time.sleep(0.1)
	print(got)
	PYTHON
}

# soon NAME SENDER REGEX	tlspactd's answer, once it has taken the map
soon() { like "$1" "$(asked "$2" "$3")" "$3"; }

# refused PARTNER WHY	its mail was, by the log: as tlspactd says it
# shellcheck disable=SC2317 # called through ok
refused()
{
	local options

	daemon_options
	mails=$((mails + 1))
	echo "$(date -u '+%Y-%m-%dT%H:%M:%S.000000+00:00') mx" \
		"postfix/smtpd[155]: NOQUEUE: reject: RCPT from" \
		"unknown[192.0.2.11]: 450 4.7.10 <us@ours.example>: Recipient" \
		"address rejected: Mail from $1.example is accepted $2;" \
		"from=<joe@$1.example> to=<us@ours.example> proto=ESMTP" \
		"helo=<h>" >"$T/mail.$mails"
	"$B/tlspact-log" "${options[@]}" "$T/mail.$mails" >/dev/null
}

# came_by_it PARTNER	a mail over TLS that was let in without its certificate
# shellcheck disable=SC2317 # called through ok
came_by_it()
{
	local options line

	daemon_options
	mails=$((mails + 1))
	for line in "smtpd[156]: Anonymous TLS connection established from \
unknown[192.0.2.11]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)" \
		"smtpd[156]: NOQUEUE: warn: RCPT from unknown[192.0.2.11]: \
<us@ours.example>: Recipient address tlspact: mail from $1.example: no client \
certificate; let in while a downgrade holds; from=<joe@$1.example> \
to=<us@ours.example> proto=ESMTP helo=<h>" \
		"smtpd[156]: AAAAB1: client=unknown[192.0.2.11]" \
		"smtpd[156]: disconnect from unknown[192.0.2.11]" \
		"qmgr[3]: AAAAB1: from=<joe@$1.example>, size=1, nrcpt=1 \
(queue active)"; do
		echo "$(date -u '+%Y-%m-%dT%H:%M:%S.000000+00:00') mx" \
			"postfix/$line"
	done >"$T/mail.$mails"
	"$B/tlspact-log" "${options[@]}" "$T/mail.$mails" >/dev/null
}
mails=0
by_cert='with your client certificate only, as agreed: another key'
by_tls='over TLS only, as agreed: your server did not use STARTTLS'

# json KEY	of the last answer with -j
json()
{
	python3 -c 'import functools, json, sys
print(functools.reduce(lambda o, k: o[int(k) if k.isdigit() else k],
    sys.argv[2].split("."), json.loads(sys.argv[1])))' "$out" "$1"
}

# row KEY	the policy in the live map
row()
{
	cdb -q "$MAP" "$1"
}

mkdir "$T/postfix"
echo 'smtp inet n - n - - smtpd
smtp unix - - n - - smtp' >"$T/postfix/master.cf"
printf '%s\n' 'smtpd_tls_security_level = may' \
	'smtpd_tls_cert_file = none' 'default_transport = smtp' \
	"smtp_tls_policy_maps = cdb:$T/policy" \
	>"$T/postfix/main.cf"
cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example,.acme.example
        gateway=mx1.acme.example contact=a@b.example
partner globex mode=enforced domain=globex.example contact=a@b.example
partner inopp mode=opportunistic inbound=require domain=inopp.example
        contact=a@b.example
partner named mode=enforced inbound-verify=name domain=named.example
        gateway=mx1.named.example contact=a@b.example
partner watched mode=enforced inbound=warn domain=watched.example
        contact=a@b.example
REGISTRY
run compile
is 'the registry compiles' "$rc" 0 || bail "$err"
# Nobody compiles but who says so here.
daemon_start postfix_config="$T/postfix" compile_command=/bin/true || bail 'tlspactd does not start'
daemon_options

refused='^450 4\.7\.10 Mail from acme\.example is accepted over TLS only'
let='^WARN tlspact: mail from \.?acme\.example: no TLS; let in while a downgr'
like 'before: refused' "$(asked joe@acme.example)" "$refused"
full=$(row acme.example)
like 'and held to what was agreed' "$full" '^secure match=mx1'

let_in acme --to key
like 'two steps there are' "$rc $err" \
	'^64 .*--inbound --to: .key. is not encrypt .TLS, any certificate. or opportunistic'
let_in acme --to encrypt
like 'one where there is a certificate' "$rc $err" \
	'^1 .*mail from acme needs no certificate \(inbound-verify=none\): there is nothing to lower to encrypt; .*--to opportunistic'
let_in acme --to opportunistic -n
like 'by name the other one' "$rc $out" \
	'^0 .*let in mail from acme.example, .acme.example without TLS until'
unlike 'of which there is no choice' "$out" 'smallest'
let_in watched
like 'where all mail is let in, that is said' "$rc $err" \
	'^0 .*mail from watched is let in anyhow \(inbound=warn\)'
let_in acme -n
like 'a dry run asks for nothing' "$rc $out" \
	'^0 .*mail TO them stays at secure.*let in mail from acme.example, .acme'

# Of whom a certificate is demanded, that alone can be let go.
let_in named --to opportunistic -n
like 'of whom a certificate is demanded' "$rc $out" \
	'^0 .*let in mail from named.example without a certificate, and also without TLS until'
let_in named -n
like 'nothing on record: the smaller step' "$rc $out" \
	'^0 smallest step: encrypt; if their mail comes without TLS it takes --to opportunistic'
like 'and what that means' "$out" 'mail FROM them needs TLS still, by any certificate or none.*let in mail from named.example over TLS without their certificate until'
ok 'one is refused for TLS' refused named "$by_tls"
let_in named -n
like 'then it takes the other' "$rc $out" \
	'^0 smallest step that helps: opportunistic, as what was refused lacked TLS.*and also without TLS until'
ok 'one more for its certificate' refused named "$by_cert"
let_in named -n
like 'of both kinds: the smaller, and what it leaves' "$out" \
	'smallest step: encrypt; 1 of 2 mails refused within a day lacked TLS as agreed, for which it takes --to opportunistic'
sqlite3 "$T/evidence.db" "DELETE FROM failure WHERE fault = 'no-starttls'"
let_in named
like 'of the one kind' "$rc $out" \
	'^0 smallest step that helps: encrypt, as what was refused came over TLS.*done: map written'
# Mail without TLS is warned of nothing, and let in only if it is told.
tls=TLSv1.3 soon 'over TLS it is let in' joe@named.example \
	'^WARN tlspact: mail from named.example: .*certificate.*; let in while'
like 'and not without' "$(asked joe@named.example)" \
	'^450 4\.7\.10 Mail from named\.example is accepted over TLS only'
like 'nor over TLS below what was agreed' \
	"$(tls=TLSv1 asked joe@named.example)" '^450 .*older TLS version'
is 'nor while tlspactd is dead' "$(cdb -q "$T/policy-inbound.cdb" =named.example)" \
	reject_plaintext_session
ctl status named
like 'before any came' "$out" 'refused +.*no-certificate'
ok 'one comes by it alone' came_by_it named
ctl status named
unlike 'which is not as agreed' "$out" 'as agreed since'
like 'and counted' "$out" '1 mail that would be refused \(0 without TLS\)'
like 'status' "$out" 'lowered to no certificate inbound until '
like 'and its end' "$(tr -s ' \n' ' ' <<<"$out")" \
	'next their mail needs their certificate again at '
like 'and whom to tell' "$(tr -s ' \n' ' ' <<<"$out")" \
	'next tell a@b.example, if it is their server: .*192\.0\.2\.11. shows no client certificate'
ctl status -j named
is 'as JSON' "$(json partners.0.lowered.direction) $(json \
	partners.0.lowered_in_map.direction)" \
	'inbound-certificate inbound-certificate'
ctl check
like 'check' "$out" 'named.*is lowered to no certificate inbound until'
ctl explain named.example
like 'explain' "$out" 'mail FROM them needs no certificate until'
like 'what is refused still' "$out" 'without TLS REFUSED for now'
like 'and what is let in' "$out" \
	'over TLS without a client certificate accepted and logged: .*while it is lowered'
ctl history named
like 'history' "$out" 'mail from it is let in without certificate until '
like 'the map says so' "$(sqlite3 "$T/ledger.db" \
	"SELECT text FROM event WHERE kind = 'map' ORDER BY seq DESC LIMIT 1")" \
	'secure, inbound require by name -> secure, lowered inbound to TLS, inbound'
let_in named --to encrypt
like 'once is enough' "$rc $err" \
	'^1 .*mail from named is let in over TLS until [0-9: -]+ already; what comes without TLS too: --to opportunistic'
sleep 1
ok 'one comes without TLS' refused named "$by_tls"
ctl status named
like 'which is told, and the way' "$(tr -s ' \n' ' ' <<<"$out")" \
	'next tlspactctl downgrade named --inbound --to opportunistic --for 4h'
let_in named --to opportunistic
like 'the wider step takes its place' "$rc $out" \
	'^0 .*takes the place of downgrade [0-9]+, which lets in mail from them over TLS.*done: map written'
soon 'without TLS, too' joe@named.example '^WARN .*no TLS; let in while'
nok 'also where tlspactd is dead' \
	cdb -q "$T/policy-inbound.cdb" =named.example
let_in named --to encrypt
like 'there is no way back but restore' "$rc $err" \
	'^1 .*mail from named is let in until [0-9: -]+ already\. Another end'
ctl status named
like 'status then' "$(tr -s ' \n' ' ' <<<"$out")" \
	'lowered to no TLS inbound .*next their mail needs TLS and their certificate again at '
ctl restore named
like 'or will be' "$out" 'named that comes without TLS or their certificate is refused'
ctl history named
like 'which is on record' "$out" \
	'mail from it needs TLS and their certificate again'

let_in acme
like 'it begins' "$rc $out" '^0 .*done: map written\. It ends by itself'
unlike 'and looks at no gateway' "$out$err" 'probe'
soon 'during: let in' joe@acme.example "$let"
like 'mail from its sub-domains too' "$(asked joe@x.acme.example)" '^WARN '
like 'but of nobody else' "$(asked joe@globex.example)" '^450 4\.7\.10 '
ok 'and logged with its partner' daemon_logged \
	'inbound warn: no TLS, let in while .* partner=acme client=.*192\.0\.2\.1'
is 'mail to it goes as ever' "$(row acme.example)" "$full"

ctl status acme
like 'status' "$out" 'lowered to no TLS inbound until '
like 'what it let in' "$out" 'moved +let in since [0-9: -]+ by the log: 0 mails that would be refused \(0 without TLS\), of 0 from them'
like 'and who it was' "$out" 'their relay lost TLS, lowered by '
like 'how it ends' "$out" 'next +their mail needs TLS again at '
unlike 'whom to tell is not said of none' "$out" 'next +tell '
sqlite3 "$T/evidence.db" "INSERT INTO log_count VALUES('$(date -u +%F)',
	'acme', 0, 0, '', '', 'received', '', $(sqlite3 "$T/ledger.db" 'SELECT max(id) FROM downgrade'), '',
	'no-starttls', 2); DELETE FROM failure"
ctl status acme
like 'but of some that came' "$(tr -s ' \n' ' ' <<<"$out")" \
	'next tell a@b.example that their mail comes without TLS; for the words: tlspact-probe --as enforced acme'
ctl check
like 'check names it' "$(tr -s ' \n' ' ' <<<"$out")" \
	'ok inbound no mail from a partner is refused; let in by a downgrade: acme .2 mails.'
unlike 'of which no probe tells' "$out" 'still true|probes pass'
ctl status -j acme
is 'as JSON' "$(json partners.0.lowered_in_map.direction)" inbound
is 'and by the ledger' "$(json partners.0.lowered.direction)" inbound
ctl check
like 'check' "$out" 'acme.*is lowered to no TLS inbound until'
ctl explain acme.example
like 'explain' "$out" 'mail FROM them needs no TLS until'
ctl history acme
like 'history' "$out" 'mail from it is let in without TLS until .*their relay'
run "$B/tlspactctl" history "${options[@]}" --check
is 'the record is whole' "$rc" 0
like 'the map says why' "$(sqlite3 "$T/ledger.db" \
	"SELECT text FROM event WHERE kind = 'map' ORDER BY seq DESC LIMIT 1")" \
	'^downgrade: 2 weaker .*acme.example secure -> secure, lowered inbound'

let_in acme
like 'once is enough' "$rc $err" '^1 .*mail from acme is let in until [0-9: -]+ already\. Another end: tlspactctl extend acme .*restore acme'
ctl extend acme --for 2h -n
like 'a rehearsed end is no question' "$rc $out" \
	'^0 keep acme at no TLS inbound until [0-9: -]+, not [0-9: -]+ \(dry run: nothing written\)'
ctl extend acme --for 2h --yes -j
is 'extend' "$(json change.done) $(json change.direction)" 'True inbound'
ctl restore acme -n
like 'rehearsed' "$rc $out" '^0 mail from acme would be let in as agreed only [(]dry run'
ctl restore acme
like 'restore' "$rc $out" '^0 mail from acme is let in as agreed only, again'
like 'and what that means' "$out" 'mail from acme that comes without TLS is refused'
soon 'after: refused' joe@acme.example "$refused"
ctl status acme
like 'status says so' "$out" 'enforced at secure, nothing lowered'

let_in inopp
is 'an opportunistic partner without a row' "$rc" 0
run compile
like 'it is no enforced one that is lowered' "$out" \
	': 5 enforced, 1 opportunistic \(1 lowered until [0-9: -]+\); no row'
soon 'is let in' joe@inopp.example '^WARN '
ctl restore inopp
soon 'and refused again' joe@inopp.example '^450 '

# The other kind takes its place, and makes it needless.
let_in acme
ctl downgrade acme --to encrypt --for 1h --reason worse --yes --no-flush
like 'both directions take its place' "$rc $out" \
	'^0 .*takes the place of downgrade [0-9]+, which lets in'
ctl restore acme --inbound
like 'that is not what --inbound ends' "$rc $err" '^1 .*lowered to encrypt, which lets their mail in as well'
like 'mail to them is lowered' "$(row acme.example)" '^encrypt '
soon 'mail from them is let in' joe@acme.example "$let"
let_in acme
like 'and it would be needless' "$rc $err" \
	'^1 .*lowered to encrypt until .*, and mail from them is let in as long'
ctl restore acme

# The way back needs neither registry nor ledger.
let_in acme
soon 'let in again' joe@acme.example "$let"
mv "$T/registry" "$T/registry.away"
rm "$T/ledger.db"*
ctl restore acme
like 'without ledger and registry' "$out" 'mail from acme is let in as agreed'
soon 'refused' joe@acme.example "$refused"
is 'and the row is what it was' "$(mv "$T/registry.away" "$T/registry"
	row acme.example)" "$full"
# shellcheck disable=SC2119 # not its arguments
is 'with the mark that remembers' "$(compile >/dev/null 2>&1; ctl status acme
	grep -o 'nothing lowered' <<<"$out")" 'nothing lowered'

# It ends by itself, also where nobody compiles.
ctl downgrade acme --inbound --for 8s --reason short --yes
is 'a short one' "$rc" 0
soon 'and ends without anybody' joe@acme.example "$refused"
ctl status acme
like 'the record tells of it still' "$out" 'why +short, lowered by '
nok 'the map still had it' grep -q 'lowered=0' "$MAP"
ctl check
like 'check says what differs' "$(tr -s ' \n' ' ' <<<"$out")" \
	'map acme is not in force: the map lets in mail from it without TLS, by a downgrade that is over -> tlspact-compile; tlspactctl status acme'
run compile
is 'until the next compile' "$rc $(grep -ac 'direction=inbound' "$MAP")" '0 0'
daemon_stop
is 'tlspactd ends well' "$daemon_status" 0

# The operator is told of its end, as of any other.
let_in acme
is 'let in once more' "$rc" 0
daemon_start postfix_config="$T/postfix" warden=yes \
	"notify_command=cat >>$T/notices.json"
ok 'a warden watches' daemon_logged ' warden: keeping '
ctl restore acme
ok 'which tells the end' wait_for 30 grep -qs \
	'mail from acme needs TLS again' "$T/notices.json"
nok 'and no other one' grep -q 'acme is back' "$T/notices.json"
let_in named --to encrypt
let_in named --to opportunistic
is 'of two' "$rc" 0
sleep 3
ctl restore named
ok 'the one that was left' wait_for 30 grep -qs \
	'mail from named needs TLS and their certificate again' "$T/notices.json"
nok 'and not the one that gave way' grep -q 'needs their certificate' \
	"$T/notices.json"
daemon_stop
done_testing
