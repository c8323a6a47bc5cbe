#!/usr/bin/env bash
# Mail that comes in while tlspactd is dead, hangs, or never had a map: real
# smtpd(8) is closed for enforced partners, and open for everybody else.
# shellcheck source=tests/lab/inbound.sh
. "$(dirname "$0")/../../lab/inbound.sh"

lab_ca ca || bail 'no CA'
lab_cert ours cn=mx.ours.example || bail 'no certificate'
# As an earlier version left it, but for the patience.
open='check_policy_service { unix:tlspact/policy, timeout=1s, try_limit=1,'
open+=' default_action=DUNNO }'
lab_gateway 192.0.2.25 mx.ours.example ours 'smtpd_peername_lookup=yes'
lab_mx ours.example mx.ours.example
lab_record 'mx1.acme.example. A 192.0.2.11'
lab_record '11.2.0.192.in-addr.arpa. PTR mx1.acme.example.'
lab_record 'mx1.stranger.example. A 192.0.2.14'
lab_record '14.2.0.192.in-addr.arpa. PTR mx1.stranger.example.'
cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example gateway=mx1.acme.example
        contact=a@acme.example
partner wide mode=enforced domain=wide.example,.wide.example
        contact=a@acme.example
partner below mode=enforced domain=.below.example contact=a@acme.example
partner hole domain=hole.wide.example
partner watched mode=enforced domain=watched.example inbound=warn
        contact=a@acme.example
partner strict mode=enforced domain=strict.example inbound-action=reject
        contact=a@acme.example
partner named mode=enforced domain=named.example gateway=mx1.named.example
        inbound-verify=name contact=a@acme.example
partner muc mode=enforced domain=münchen.example contact=a@acme.example
REGISTRY
run compile
is 'the registry compiles' "$rc" 0 || bail "$err"
lab_start || bail 'the lab does not start'

setup=("$B/tlspact-setup" -C /dev/null -c "$LAB/recv/etc" -o map="$MAP"
	-o policy_socket="unix:$SOCKETS/policy" -o postfix_version=3.7.11)
postconf -c "$LAB/recv/etc" -e 'smtpd_restriction_classes = mine' \
	'mine = permit' "smtpd_recipient_restrictions = $open" \
	'smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination'
run "${setup[@]}" apply --yes
is 'apply closes it' "$rc" 0 || bail "$err"
like 'and says so' "$out" "\+ tlspact_dead = check_sender_access unionmap:"
is 'classes of others stay' \
	"$(postconf -c "$LAB/recv/etc" -h smtpd_restriction_classes)" \
	'mine, tlspact_dead, tlspact_bounce'
like 'what else was said stays' \
	"$(postconf -c "$LAB/recv/etc" -h smtpd_recipient_restrictions)" \
	'timeout=1s, try_limit=1, default_action=tlspact_dead'
run "${setup[@]}" apply -n
like 'once is enough' "$out" '^0 lines'

# Until the greeting is the new one.
reloads=0
reload()
{
	reloads=$((reloads + 1))
	postconf -c "$LAB/recv/etc" -e "smtpd_banner = mx.ours.example $reloads"
	postfix -c "$LAB/recv/etc" reload >/dev/null 2>&1
	wait_for 20 greets || bail 'no reload'
}
# shellcheck disable=SC2317 # called through wait_for
greets()
{
	local line fd

	exec {fd}<>/dev/tcp/192.0.2.25/25 || return
	IFS= read -r -t 10 -u "$fd" line
	exec {fd}>&-
	[[ $line = *" $reloads"* ]]
}
reload

clear='^450 4\.7\.1 Session encryption is required$'
fine='^250 2\.1\.5 Ok$'
# closed HOW	all that must hold while nobody answers
closed()
{
	like "$1: an enforced partner in clear" "$(smtp joe@acme.example)" \
		"$clear"
	like "$1: not those below it" "$(smtp joe@a.acme.example)" "$fine"
	like "$1: but where the registry says so" \
		"$(smtp joe@a.b.wide.example)" "$clear"
	like "$1: an opportunistic one among them" \
		"$(smtp joe@hole.wide.example)" "$fine"
	like "$1: and what is below that" "$(smtp joe@a.hole.wide.example)" \
		"$clear"
	like "$1: only below" "$(smtp joe@a.below.example)" "$clear"
	like "$1: not the domain itself" "$(smtp joe@below.example)" "$fine"
	like "$1: over TLS" "$(smtp joe@acme.example tls)" "$fine"
	like "$1: a stranger" "$(smtp joe@stranger.example)" "$fine"
	like "$1: inbound=warn" "$(smtp joe@watched.example)" "$fine"
	like "$1: inbound-action=reject waits as well" \
		"$(smtp joe@strict.example)" "$clear"
	like "$1: a certificate that nobody can compare" \
		"$(smtp joe@named.example tls)" \
		'^450 4\.3\.0 .* with your client certificate only, as agreed: we'
	like "$1: U-label" "$(smtp joe@MÜNCHEN.example)" "$clear"
	like "$1: A-label" "$(smtp joe@xn--mnchen-3ya.example)" "$clear"
	like "$1: percent" "$(smtp joe%acme.example)" "$clear"
	like "$1: bang" "$(smtp 'acme.example!joe')" "$clear"
	like "$1: route" "$(smtp '@x.example:joe@acme.example')" "$clear"
	like "$1: quoted" "$(smtp '"a b@x"@acme.example')" "$clear"
	like "$1: no sender, a gateway of theirs" \
		"$(smtp '' client=192.0.2.11)" "$clear"
	like "$1: the same over TLS" "$(smtp '' tls client=192.0.2.11)" "$fine"
	like "$1: no sender, a stranger" "$(smtp '' client=192.0.2.14)" "$fine"
}

closed 'never started'
postconf -c "$LAB/recv/etc" -e 'parent_domain_matches_subdomains ='
reload
closed 'dotted parents'
postconf -c "$LAB/recv/etc" -X parent_domain_matches_subdomains
reload

# It hangs, and comes back.
daemon_start socket_mode=0666 || bail 'tlspactd does not start'
kill -STOP "$daemon"
like 'hangs: an enforced partner in clear' "$(smtp joe@acme.example)" "$clear"
like 'hangs: a stranger' "$(smtp joe@stranger.example)" "$fine"
kill -CONT "$daemon"
daemon_stop
daemon_start max_clients=1 || bail 'tlspactd does not start'
# The one client that it has room for is somebody else.
exec {held}< <(exec python3 -c "
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect('$SOCKETS/policy')
print('in', flush=True)
time.sleep(60)")
read -r -t 10 -u "$held" || bail 'no client'
like 'full: an enforced partner in clear' "$(smtp joe@acme.example)" "$clear"
like 'full: a stranger' "$(smtp joe@stranger.example)" "$fine"
exec {held}<&-
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
like 'killed: an enforced partner in clear' "$(smtp joe@acme.example)" "$clear"

# A partner comes, another goes, without a reload.
sed -i 's/acme\.example/newer.example/g' "$T/registry"
run compile --accept-weaker
is 'another registry' "$rc" 0 || diag "$err"
like 'a new partner' "$(smtp joe@newer.example)" "$clear"
like 'one that is none any more' "$(smtp joe@acme.example)" "$fine"
done_testing
