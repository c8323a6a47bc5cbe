# shellcheck shell=bash
# mail.sh: send through the lab, and see what became of it; see lab.sh.

# One SMTP command, none for the greeting; the last line of the reply is in
# $lab_reply, and must begin with the code.
lab_smtp()
{
	[ -z "$2" ] || printf '%s\r\n' "$2" >&"$lab_fd" || return
	while IFS= read -r -t 30 -u "$lab_fd" lab_reply; do
		[[ $lab_reply == ???-* ]] || break
	done
	[[ $lab_reply == "$1"* ]] && return
	echo "lab: ${2:-greeting}: ${lab_reply:-no answer}" >&2
	return 1
}

# lab_send RECIPIENT	prints the queue id in the sending instance
lab_send()
{
	local utf8='' lab_fd lab_reply=''

	[[ $1 != *[!\ -~]* ]] || utf8=' SMTPUTF8'
	exec {lab_fd}<>/dev/tcp/127.0.0.1/25 || return
	lab_smtp 220 '' && lab_smtp 250 'EHLO client.lab.example' &&
		lab_smtp 250 "MAIL FROM:<us@lab.example>$utf8" &&
		lab_smtp 250 "RCPT TO:<$1>" && lab_smtp 354 DATA &&
		lab_smtp 250 $'Subject: lab\r\n\r\nHello.\r\n.' || return
	lab_reply=${lab_reply##* }
	echo "${lab_reply%$'\r'}"
	lab_smtp 221 QUIT
	exec {lab_fd}>&-
}

# Prints one field of the Nth attempt to deliver a message: status, reason,
# session or fault. 1 if there was none yet.
#
# The lines about TLS have no queue id: they belong to the next delivery of
# the same process to the same host.
lab_attempt()
{
	awk -v qid="$1" -v nth="$2" -v want="$3" '
	function forget() {
		delete peer[pid]
		delete tls[pid]
		delete fault[pid]
	}
	match($0, /\/(smtp|error|bounce)\[[0-9]+\]: /) {
		pid = substr($0, RSTART, RLENGTH)
		text = substr($0, RSTART + RLENGTH)
		split(text, word, " ")
		if (text ~ /^[A-Z][a-z]+ TLS connection established to /) {
			peer[pid] = tolower(word[6])
			sub(/:$/, "", peer[pid])
			tls[pid] = word[1] " " word[7] " " word[10]
			next
		}
		if (text ~ /^(server )?certificate verification failed for /) {
			fault[pid] = text
			sub(/.*\]:[0-9]+: (num=[0-9]+:)?/, "", fault[pid])
			next
		}
		if (text !~ /^[0-9A-Za-z]+: to=<.*, status=[a-z]+ \(/)
			next
		if (index(text, qid ": to=<") != 1 || ++seen != nth) {
			forget()
			next
		}
		relay = text
		sub(/.*>, relay=/, "", relay)
		sub(/, .*/, "", relay)
		mine = tolower(relay) == peer[pid]
		value["status"] = value["reason"] = text
		gsub(/.*, status=| \(.*/, "", value["status"])
		sub(/.*, status=[a-z]+ \(/, "", value["reason"])
		sub(/\)$/, "", value["reason"])
		value["session"] = mine ? tls[pid] : "none"
		value["fault"] = fault[pid]
		print value[want]
		found = 1
		exit
	}
	END { exit !found }' "$LAB/send/log"
}

lab_after_attempt()
{
	if wait_for 30 lab_attempt "$1" "$2" "$3" >/dev/null; then
		lab_attempt "$1" "$2" "$3"
		return
	fi
	echo "lab: no attempt ${2} to deliver $1" >&2
	return 1
}

# These wait for the Nth attempt to deliver, the first unless given.
#
# lab_status QUEUE-ID [N]	how it ended: sent, deferred, bounced
# lab_reason QUEUE-ID [N]	the reply, or why not
# lab_session QUEUE-ID [N]	what the sender saw: `Verified TLSv1.3 CIPHER`
#				(or Trusted, Untrusted, Anonymous), or `none`
# lab_fault QUEUE-ID [N]	what it said of the certificate, if anything
lab_status() { lab_after_attempt "$1" "${2:-1}" status; }
lab_reason() { lab_after_attempt "$1" "${2:-1}" reason; }
lab_session() { lab_after_attempt "$1" "${2:-1}" session; }
lab_fault() { lab_after_attempt "$1" "${2:-1}" fault; }

# lab_retry QUEUE-ID	tries a waiting message now
lab_retry()
{
	postqueue -c "$LAB/send/etc" -i "$1"
}

lab_maildir_file()
{
	grep -rlE "with (UTF8)?E?SMTPS? id $1\$" "$LAB/mail/in/new" 2>/dev/null
}

# lab_received QUEUE-ID [N]	the Received line of the receiving side,
#				unfolded; nothing if the message is not there.
#				After an attempt that sent it, waits for it.
lab_received()
{
	local file status

	status=$(lab_status "$@") || return
	if [ "$status" = sent ] &&
		! wait_for 30 lab_maildir_file "$1" >/dev/null; then
		echo "lab: $1 was sent and did not arrive" >&2
		return 1
	fi
	file=$(lab_maildir_file "$1") || return 0
	awk '/^[^ \t]/ && n { exit }
		/^Received:/ { n = 1 }
		n { sub(/^[ \t]+/, " "); printf "%s", $0 }
		END { print "" }' "$file"
}

# lab_outcome QUEUE-ID [N]	what became of it, if both sides agree:
#				`verified TLSv1.3`, `encrypted TLSv1.3`,
#				`clear`, `held: REASON`; else `odd: ...`
lab_outcome()
{
	local status session received how protocol cipher reason

	status=$(lab_status "$@") || return
	session=$(lab_session "$@") || return
	received=$(lab_received "$@") || return
	read -r how protocol cipher <<<"$session"
	if [ "$status" = deferred ] && [ -z "$received" ]; then
		reason=$(lab_fault "$@")
		[ -n "$reason" ] || reason=$(lab_reason "$@")
		echo "held: ${reason% by host *}"
	elif [ "$status" != sent ]; then
		echo "odd: $status: $(lab_reason "$@"); received: $received"
	elif [[ $how = none && $received =~ ' with '(UTF8SMTP|ESMTP)' id ' ]]; then
		echo clear
	elif [[ $received =~ ' with '(UTF8|E)'SMTPS id ' &&
		$received == *"(using $protocol with cipher $cipher ("* ]]; then
		case $how in
		Verified) echo "verified $protocol" ;;
		*) echo "encrypted $protocol" ;;
		esac
	else
		echo "odd: sent: $session; received: $received"
	fi
}
