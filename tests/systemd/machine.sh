# shellcheck shell=bash
# machine.sh: for the steps inside the machine; source it first.
#
# It brings the verdicts of tap.sh, ok, is, like ..., and from the lab pki.sh.
# What a step leaves, the next one finds: files, units, mail.
#
# partner NAME ADDRESS [CERT-OPTION...]	NAME.example and its gateway,
#				mx1.NAME.example, which is up from now on
# change NAME CERT-OPTION...	another certificate
# names				the name server learns of new partners
# post RECIPIENT		a mail from here; prints its queue id
# left ID, waits ID		it is delivered; it was tried, and waits
# session ID			how it was, as Verified TLSv1.3 CIPHER
# call FROM [tls]		a mail from outside to us; prints what is said
#				to it, and if it was not refused delivers it
# told REGEX			such a line is in jane's mail, who is postmaster
# letter REGEX			the headers of those mails of hers that have it
# policy NAME			what Postfix finds in the map
# active UNIT...		all are
# said UNIT REGEX [SINCE]	it wrote such lines to the journal; prints them
# drops NAME			tests: its certificate expires, it is lowered by
#				itself, its mail leaves; it renews, is restored
# counted NAME			deliveries to it that tlspact-log has counted
# counts NAME N			it is so many
# main_pid UNIT			its process, 0 if there is none

# shellcheck source=tests/lab/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lab/tap.sh"
LAB=/var/lib/lab
# shellcheck source=tests/lab/pki.sh
. "$TOP/tests/lab/pki.sh"
# shellcheck source=tests/lab/mail.sh
. "$TOP/tests/lab/mail.sh"
mkdir -p $LAB/pki

# What tlspact(7) says to enable, and what these start.
# shellcheck disable=SC2034 # for the steps
units=(tlspactd.socket tlspactd.service tlspactd-warden.service
	tlspact-compile.timer tlspact-probe.timer tlspact-setup.timer
	tlspact-log.service)

partner()
{
	local name=$1

	lab_cert "$name" cn="mx1.$name.example" "${@:3}" || return
	printf '%s\n' "ADDRESS=$2" MODE=good >$LAB/"$name.mx"
	printf '%s\n' "$name.example. MX 10 mx1.$name.example." \
		"mx1.$name.example. A $2" >>$LAB/records
	systemctl enable --quiet --now "mx@$name"
}

change()
{
	lab_cert "$1-new" cn="mx1.$1.example" "${@:2}" &&
		cp $LAB/pki/"$1-new.pem" $LAB/pki/"$1.pem" &&
		systemctl restart "mx@$1"
}

names()
{
	{
		echo "\$TTL 60"
		echo '. SOA ns.lab.example. root.lab.example. 1 60 60 60 1'
		echo '. NS ns.lab.example.'
		echo 'ns.lab.example. A 192.0.2.2'
		cat $LAB/records
	} >/etc/nsd/root.zone
	systemctl restart nsd && wait_for 10 getent ahostsv4 mx1.acme.example
}

# post RECIPIENT [HEADER...]
post()
{
	local id=$RANDOM$RANDOM@lab.example

	printf '%s\n' "Message-Id: <$id>" "${@:2}" '' Hello. | sendmail "$1" &&
		wait_for 10 queued "$id" >/dev/null && queued "$id"
}

# The mail log is what the journal has of it, with a syslog beside it or not;
# unless Postfix writes a file of its own.
mail_log()
{
	mkdir -p $LAB/send
	journalctl --boot --quiet --no-pager --output=short >$LAB/send/log
	cat /var/log/postfix.log >>$LAB/send/log 2>/dev/null
	return 0
}

queued()
{
	mail_log
	sed -n "s/.* \([0-9A-Za-z]*\): message-id=<$1>$/\1/p" $LAB/send/log |
		grep .
}

attempt()
{
	mail_log
	lab_attempt "$@"
}

# The last try, as long as there is one.
tried()
{
	local n=1 was='' now

	while now=$(attempt "$1" $n "$2"); do
		was=$now
		n=$((n + 1))
	done
	printf '%s\n' "$was" | grep .
}

is_sent() { [ "$(tried "$1" status)" = sent ]; }
left() { wait_for 30 is_sent "$1"; }
waits() { wait_for 30 tried "$1" status | tail -n 1 | grep -qx deferred; }
session() { tried "$1" session; }
told() { grep -Eq "$1" /var/mail/jane 2>/dev/null; }
letter()
{
	awk -v want="$1" '/^From / { head = "" }
		{ head = head $0 "\n" }
		/^$/ && head != "" { if (head ~ "\n" want) printf "%s", head
			head = "" }' /var/mail/jane
}
policy() { postmap -q "$1" cdb:/var/lib/tlspact/policy; }
is_lowered() { [[ $(policy "$1") == fingerprint* ]]; }
is_secure() { [[ $(policy "$1") == secure* ]]; }
active() { systemctl --quiet is-active "$@"; }
main_pid() { systemctl show --value --property MainPID "$1"; }

said()
{
	journalctl --boot --quiet --no-pager --output=cat --unit="$1" \
		--since="@${3:-0}" | grep -E "$2"
}
counted()
{
	sqlite3 /var/lib/tlspact-evidence/evidence.db "select ifnull(sum(n), 0)
		from log_count where partner = '$1' and result = 'sent'"
}
counts() { [ "$(counted "$1")" = "$2" ]; }
# The subjects of the mails about it, in the order in which jane has them.
subjects() { sed -n "s/^Subject: \[tlspact\] \($1 .*\)/\1/p" /var/mail/jane; }
in_order()
{
	[[ $(subjects "$1" | tail -n 2) =~ ^"$1 lowered to key".*$'\n'"$1 is back" ]]
}

drops()
{
	local name=$1 one two lowered="$1 lowered to key until"

	ok "the certificate of $name has expired" \
		change "$name" key="$name" from=20240101 to=20250101
	# A look of the same second, which passed, would be taken for later.
	sleep 2
	one=$(post "joe@$name.example")
	two=$(post "joe@$name.example")
	ok 'its mail waits' waits "$one"
	ok "$name is lowered to the key that it has" \
		wait_for 30 is_lowered "$name.example" || return
	ok 'the first mail is tried again and leaves' left "$one"
	like 'verified by the key' "$(session "$one")" '^Verified TLSv1'
	ok 'so does the second' left "$two"
	lowered="Subject: [[]tlspact[]] $lowered"
	ok 'our postmaster has a mail of it' wait_for 30 told "^$lowered"
	like 'from an address of ours' "$(letter "$lowered")" \
		$'\nFrom: postmaster@ours\\.example\n'
	ok "$name renews" change "$name" key="$name" \
		to="$(date -d '+90 days' +%Y%m%d)"
	ok 'and is restored' tlspactctl restore "$name" --reason renewed
	ok 'in the map, too' is_secure "$name.example"
	ok 'our postmaster has a mail of that, behind the other' \
		wait_for 30 in_order "$name" || diag "$(subjects "$name")"
}

# One command of SMTP to the coprocess; its reply goes to $reply.
say()
{
	[ -z "$1" ] || printf '%s\r\n' "$1" >&"${talk[1]}" || return
	while IFS= read -r -t 30 -u "${talk[0]}" reply; do
		[[ $reply == ???-* ]] || break
	done
	reply=${reply%$'\r'}
	[ -n "$reply" ]
}

call()
{
	local from=$1 reply='' talk_PID
	local clear='exec 3<>/dev/tcp/192.0.2.1/25; cat <&3 & cat >&3'
	local tls='exec openssl s_client -quiet -starttls smtp -connect 192.0.2.1:25'

	[ "${2:-}" = tls ] || tls=$clear
	coproc talk { ip netns exec outside bash -c "$tls" 2>/dev/null; }
	# s_client shows a part of the talk before TLS: go on behind it.
	[ "${2:-}" != tls ] || reply=250
	until [[ $reply == 220* || $reply == '250 2.0.0 Ok' ]]; do
		say "${reply:+NOOP}" || return
	done
	say 'EHLO client.lab.example' && say "MAIL FROM:<$from>" &&
		say 'RCPT TO:<jane@ours.example>' || return
	echo "$reply"
	if [[ $reply == 250* ]]; then
		say DATA && say "Subject: from $from"$'\r\n\r\nHello.\r\n.'
	fi
	say QUIT
	kill "$talk_PID" 2>/dev/null
	wait "$talk_PID" 2>/dev/null
}
