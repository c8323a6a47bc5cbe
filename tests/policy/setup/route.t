#!/usr/bin/env bash
# Where mail to an enforced partner really goes: what tlspact-setup check says
# of a main.cf, and what this machine's Postfix does with it.
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/../../lab/lab.sh"
# shellcheck source=tests/lab/tap.sh
. "$(dirname "$0")/../../lab/tap.sh"

command -v postconf >/dev/null || skip_all 'no Postfix here'
lab_ca ca
lab_partner acme cert
lab_partner bolt cert
lab_partner relay none
options=(-C /dev/null -o "registry=$T/registry" -o "map=$LAB/policy.cdb"
	-o "ledger=$T/ledger.db" -o "evidence=$T/evidence"
	-o "ca_file=$LAB/pki/ca.pem" -o postfix_version=3.7
	-o fingerprint_digest=sha256 -o service_user= -o log_user=
	-o probe_user= -o trust_anchor= -o policy_socket=
	-o opportunistic_level=may)
cat >"$T/registry" <<'REGISTRY'
partner acme mode=enforced domain=acme.example contact=p@acme.example
	gateway=mx1.acme.example
partner bolt mode=enforced domain=bolt.example,.bolt.example
	contact=p@bolt.example gateway=mx1.bolt.example
partner soft mode=opportunistic domain=soft.example
	contact=p@soft.example
REGISTRY
ok 'a map' "$B/tlspact-compile" "${options[@]}"
ok 'the lab' lab_start
etc=$LAB/send/etc
cp "$etc/main.cf" "$T/main.cf"
cp "$etc/master.cf" "$T/master.cf"

# The faults and notes about ways: "where: what"
found()
{
	"$B/tlspact-setup" "${options[@]}" -c "$etc" check -j >"$T/found"
	[ $? -le 1 ] || echo 'the check has failed'
	jq -r '.findings[] | select(.what | test("^mail to|smtp_delivery|reply_filter|queue_lifetime|starttls"; "i"))
		| (.kind + " " + .where + ": " + .what)' "$T/found"
}
# as_was	the configuration of the beginning
as_was()
{
	cp "$T/main.cf" "$T/master.cf" "$etc"
}
# really OUTCOME [RECIPIENT]	what becomes of mail
really()
{
	local qid

	postfix -c "$etc" reload >/dev/null 2>&1
	sleep 1
	qid=$(lab_send "${2:-joe@acme.example}")
	like "$what: really $1" "$(lab_outcome "$qid")" "^$1"
	postsuper -c "$etc" -d ALL >/dev/null 2>&1
}
# says REGEX	what the check finds
says()
{
	like "$what: said" "$(found)" "$1"
}

what='nothing set'
is "$what" "$(found)" ''
really verified

what='default_transport to a relay'
as_was
postconf -c "$etc" -e 'default_transport = smtp:[mx1.relay.example]'
says 'fault default_transport: mail to .*acme.example.* leaves by smtp/unix to "\[mx1.relay.example\]" at may, as there is no row for that, not at secure'
really clear

what='relayhost'
as_was
postconf -c "$etc" -e 'relayhost = [mx1.relay.example]'
says 'fault relayhost: mail to .* leaves by smtp/unix to .* at may'
unlike "$what: opportunistic partners are none of it" "$(found)" soft
really clear

what='transport_maps past the relay'
postconf -c "$etc" -e \
	'transport_maps = inline:{acme.example=smtp:, {bolt.example=smtp:}, {.bolt.example=smtp:}}'
is "$what" "$(found)" ''
really verified

what='a relay that has a row'
as_was
postconf -c "$etc" -e 'transport_maps = inline:{acme.example=smtp:bolt.example}'
is "$what" "$(found)" ''

what='and in capitals'
postconf -c "$etc" -e 'transport_maps = inline:{acme.example=smtp:X.Bolt.Example}'
is "$what" "$(found)" ''

what='transport_maps to a relay'
as_was
postconf -c "$etc" -e \
	'transport_maps = inline:{acme.example=smtp:[mx1.relay.example]}'
says 'fault transport_maps: mail to acme.example leaves by smtp/unix to'
really clear

what='transport_maps of all'
as_was
postconf -c "$etc" -e \
	'transport_maps = inline:{*=smtp:[mx1.relay.example]}'
says 'fault transport_maps: mail to .*acme.example.* leaves by smtp/unix to'
really clear

what='transport_maps by a pattern'
as_was
echo '/@acme\.example$/ smtp:[mx1.relay.example]' >"$LAB/regexp"
postconf -c "$etc" -e "transport_maps = regexp:$LAB/regexp"
says 'fault transport_maps: mail to acme.example leaves by smtp/unix to'
really clear

what='a pattern of the domain alone, which nobody asks for'
as_was
echo '/^acme\.example$/ smtp:[mx1.relay.example]' >"$LAB/regexp"
postconf -c "$etc" -e "transport_maps = regexp:$LAB/regexp"
is "$what" "$(found)" ''
really verified

what='transport_maps of a mailbox'
as_was
postconf -c "$etc" -e \
	'transport_maps = inline:{{joe@acme.example=smtp:[mx1.relay.example]}, {jo@other.example=smtp:[mx1.relay.example]}}'
is "$what" "$(found)" 'fault transport_maps: mail to joe@acme.example leaves by smtp/unix to "[mx1.relay.example]" at may, as there is no row for that, not at secure'
really clear
really verified ann@acme.example
postconf -c "$etc" -e \
	'transport_maps = inline:{joe@x.bolt.example=smtp:[mx1.relay.example]}'
says 'fault transport_maps: mail to joe@x.bolt.example leaves by'
postconf -c "$etc" -e 'transport_maps = inline:{joe@acme.example=smtp:}'
is "$what, the same way" "$(found)" ''

what='a clone with options of its own'
as_was
{
	echo 'good unix - - n - - smtp -o syslog_name=postfix-send/good'
	echo 'slow unix - - n - - smtp -o smtp_tls_policy_maps='
} >>"$etc/master.cf"
postconf -c "$etc" -e \
	'transport_maps = inline:{acme.example=slow:, {bolt.example=good:}}'
says 'fault transport_maps: mail to acme.example leaves by slow/unix at may, as this service does not ask the map, not at secure'
really encrypted

what='a clone that is as good'
postconf -c "$etc" -e 'transport_maps = inline:{acme.example=good:}'
is "$what" "$(found)" ''

what='by sender'
as_was
postconf -c "$etc" -e \
	'sender_dependent_default_transport_maps = inline:{us@lab.example=smtp:[mx1.relay.example]}'
says 'fault sender_dependent_default_transport_maps: mail to .*acme.example.* leaves by smtp/unix to'
really clear

what='by sender to a relay'
as_was
postconf -c "$etc" -e \
	'sender_dependent_relayhost_maps = inline:{us@lab.example=[mx1.relay.example]}'
says 'fault sender_dependent_relayhost_maps: mail to .*acme.example.* leaves by smtp/unix to'
really clear

what='by sender, as good'
as_was
postconf -c "$etc" -e \
	'sender_dependent_default_transport_maps = inline:{us@lab.example=relay:}'
is "$what" "$(found)" ''
really verified

what='by sender, as before'
postconf -c "$etc" -e \
	'sender_dependent_default_transport_maps = inline:{us@lab.example=DUNNO}'
is "$what" "$(found)" ''

what='by sender, for others'
postconf -c "$etc" -e 'virtual_mailbox_domains = acme.example' \
	'sender_dependent_default_transport_maps = inline:{us@lab.example=smtp:[mx1.relay.example]}'
says 'fault sender_dependent_default_transport_maps: mail to bolt.example, .bolt.example leaves'

what='a domain of ours'
as_was
postconf -c "$etc" -e 'mydestination = acme.example'
says 'fault mydestination: mail to acme.example is to leave by local/unix, which master.cf does not have'
postconf -c "$etc" -e 'mydestination =' \
	'virtual_mailbox_domains = inline:{acme.example=1}'
says 'fault virtual_mailbox_domains: mail to acme.example goes to virtual/unix, which runs virtual'

what='a domain whose addresses become others'
as_was
postconf -c "$etc" -e 'virtual_alias_domains = acme.example' \
	'virtual_alias_maps = inline:{joe@acme.example=joe@bolt.example}'
is "$what" "$(found)" ''
really verified

# Lists by file, as Postfix reads them.
what='a file of domains of ours'
as_was
printf '%s\n' '# remarks' 'other.example, bolt.example' \
	" # acme.example is none of ours" >"$LAB/domains"
postconf -c "$etc" -e "virtual_mailbox_domains = $LAB/domains"
is "$what" "$(found)" 'fault virtual_mailbox_domains: mail to bolt.example goes to virtual/unix, which runs virtual and knows no partner'
really verified
what='but for one'
echo "$LAB/domains" >"$LAB/more"
postconf -c "$etc" -e "virtual_mailbox_domains = !bolt.example $LAB/more"
is "$what" "$(found)" ''
what='a file of what is not ours'
postconf -c "$etc" -e \
	"virtual_mailbox_domains = !$LAB/more inline:{bolt.example=1}"
is "$what" "$(found)" ''
what='a domain in other letters'
postconf -c "$etc" -e 'virtual_mailbox_domains = Acme.EXAMPLE'
says 'fault virtual_mailbox_domains: mail to acme.example goes to virtual/unix'
what='a file that names itself'
echo "$LAB/more" >"$LAB/more"
postconf -c "$etc" -e "relay_domains = $LAB/more"
like "$what" "$("$B/tlspact-setup" "${options[@]}" -c "$etc" check)" \
	'note  relay_domains: where ".*more" sends mail is not known: files name'
what='a file that is not there'
postconf -c "$etc" -e "relay_domains = $LAB/nowhere"
like "$what" "$("$B/tlspact-setup" "${options[@]}" -c "$etc" check)" \
	'note  relay_domains: where ".*nowhere" sends mail is not known: .*No such'

what='relay_domains'
as_was
postconf -c "$etc" -e 'relay_domains = example' \
	'relay_transport = smtp:[mx1.relay.example]'
says 'fault relay_domains: mail to .*acme.example.* leaves by smtp/unix to'
really clear

what='relay_domains through a relay'
postconf -c "$etc" -e 'relay_domains = acme.example' 'relay_transport = relay' \
	'relayhost = [mx1.relay.example]' \
	'transport_maps = inline:{bolt.example=smtp:, .bolt.example=smtp:}'
says 'fault relayhost: mail to acme.example leaves by relay/unix to'
postconf -c "$etc" -e 'relay_domains = example' 'relayhost =' \
	'transport_maps =' 'relay_transport = smtp:[mx1.relay.example]'

what='relay_domains, of which parents are said'
postconf -c "$etc" -e 'parent_domain_matches_subdomains ='
is "$what" "$(found)" ''
really verified
postconf -c "$etc" -e 'relay_domains = .example'
says 'fault relay_domains: mail to .*acme.example.* leaves by smtp/unix to'
really clear
postconf -c "$etc" -e 'relay_domains = inline:{.example=1}'
says 'fault relay_domains: mail to .*acme.example.* leaves by smtp/unix to'

what='TLS from the start'
as_was
postconf -c "$etc" -e 'smtp_tls_wrappermode = yes'
says 'fault smtp_tls_wrappermode: mail to .*acme.example.* TLS from the start'
really held

what='TLS from the start, at the ports for that'
postconf -c "$etc" -e 'transport_maps = inline:{acme.example=smtp:acme.example:465, bolt.example=smtp:[mx1.bolt.example]:smtps, .bolt.example=smtp:[mx1.bolt.example]:25}'
like "$what" "$(found | grep wrappermode)" \
	'^fault smtp_tls_wrappermode: mail to \.bolt\.example leaves by [^,]*, which'

# Failures and replies that are taken for others.
what='4.7.x becomes 5.7.x'
as_was
# shellcheck disable=SC2016 # of regexp_table(5)
echo '/^4(\.7\..*)/ 5$1' >"$LAB/regexp"
postconf -c "$etc" -e "smtp_delivery_status_filter = regexp:$LAB/regexp" \
	'smtp_tls_CAfile =' 'smtp_tls_CApath = /nowhere'
says 'fault smtp_delivery_status_filter.*: .*regexp" makes "5.7.4 TLS is required.* bounces at once'
really 'odd: bounced'

what='4.7.x stays'
as_was
# shellcheck disable=SC2016 # of regexp_table(5)
echo '/^4(\.4\..*)/ 5$1' >"$LAB/regexp"
postconf -c "$etc" -e "smtp_delivery_status_filter = regexp:$LAB/regexp"
is "$what" "$(found)" ''
unlike "$what, which is known" "$(jq -r '.findings[].what' "$T/found")" \
	'not known'

what='4.7.x in other words'
# shellcheck disable=SC2016 # of regexp_table(5)
echo '/^4(\.7\..*)/ 4$1, sorry' >"$LAB/regexp"
is "$what" "$(found)" ''

what='in a clone'
as_was
# shellcheck disable=SC2016 # of regexp_table(5)
echo '/^4(\.7\.5 Server.*)/ 5$1' >"$LAB/regexp"
echo "late unix - - n - - smtp -o smtp_delivery_status_filter=regexp:$LAB/regexp" \
	>>"$etc/master.cf"
says 'fault smtp_delivery_status_filter \(late/unix\): .* of "4.7.5 Server'

what='mail that never waits'
as_was
postconf -c "$etc" -e 'maximal_queue_lifetime = 0' \
	'smtp_tls_CAfile =' 'smtp_tls_CApath = /nowhere'
says 'fault maximal_queue_lifetime: .* bounces at once'

what='replies without STARTTLS'
as_was
# shellcheck disable=SC2016 # of regexp_table(5)
echo '/^(...[ -])STARTTLS/ ${1}X-NOTHING' >"$LAB/regexp"
postconf -c "$etc" -e "smtp_reply_filter = regexp:$LAB/regexp"
says 'fault smtp_reply_filter.*: .* makes "250-X-NOTHING" of "250-STARTTLS"'
really 'held: TLS is required'

what='a reply to STARTTLS taken for a refusal'
echo '/^220 .*TLS/ 454 no TLS' >"$LAB/regexp"
says 'fault smtp_reply_filter.*: .* makes "454 no TLS" of "220 2.0.0 Ready'
really 'held: TLS is required'

what='STARTTLS discarded for all'
as_was
postconf -c "$etc" -e \
	'smtp_discard_ehlo_keyword_address_maps = static:starttls'
says 'fault smtp_discard_ehlo_keyword_address_maps.*: .* is held'
really 'held: TLS is required'

what='STARTTLS discarded for an address'
as_was
postconf -c "$etc" -e \
	'smtp_discard_ehlo_keyword_address_maps = inline:{127.0.1.1=STARTTLS}'
says 'fault smtp_discard_ehlo_keyword_address_maps.*: .* is held'
really 'held: TLS is required'

what='another word discarded'
as_was
postconf -c "$etc" -e \
	'smtp_discard_ehlo_keyword_address_maps = inline:{127.0.1.1=dsn}'
is "$what" "$(found)" ''

what='STARTTLS discarded in main.cf'
as_was
postconf -c "$etc" -e 'smtp_discard_ehlo_keywords = starttls'
says 'fault smtp_discard_ehlo_keywords.*: '
really 'held: TLS is required'

what='a table that is not there'
as_was
postconf -c "$etc" -e "transport_maps = hash:$LAB/nowhere"
like "$what" "$("$B/tlspact-setup" "${options[@]}" -c "$etc" check)" \
	'note  transport_maps: where "hash:.*nowhere" sends mail is not known'

# DANE by a resolver that does not validate, and by one that says it does.
as_was
cat >>"$T/registry" <<'REGISTRY'
partner dane mode=enforced verify=dane domain=dane.example
	contact=p@dane.example
REGISTRY
ok 'a partner with DANE' "$B/tlspact-compile" "${options[@]}"
# unvouched	what is said of the resolver
unvouched()
{
	"$B/tlspact-setup" "${options[@]}" -c "$etc" check -j |
		jq -r '.findings[] | select(.what | test("validate")) | .where'
}
is 'a resolver without AD' "$(unvouched)" /etc/resolv.conf
"$B/tools/vouch" 127.0.0.2 127.0.0.1 >"$T/vouch" &
ok 'another resolver' wait_for 20 grep -q ready "$T/vouch"
echo 'nameserver 127.0.0.2' >/etc/resolv.conf
is 'with AD' "$(unvouched)" ''
done_testing
