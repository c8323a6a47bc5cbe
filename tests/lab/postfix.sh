# shellcheck shell=bash
# postfix.sh: the two Postfix instances of the lab; see lab.sh.

# lab_gateway ADDRESS[:PORT] HOST CERT|none [SETTING=VALUE...]
#			a gateway of a partner, with its certificate or without
#			STARTTLS, its A record, and settings of its own
lab_gateway()
{
	local address=$1 host=$2 cert=$3 setting tls='-o smtpd_tls_security_level=none'

	shift 3
	if [ "$cert" != none ]; then
		tls='-o smtpd_tls_security_level=may'
		tls+=" -o smtpd_tls_chain_files=$LAB/pki/$cert.pem"
	fi
	for setting; do
		tls+=" -o { $setting }"
	done
	[[ $address = *:* ]] || address+=:25
	echo "$address inet n - n - - smtpd -o myhostname=$host $tls" \
		>>"$LAB/etc/gateways"
	lab_record "$host. A ${address%:*}"
}

# lab_partner NAME cert|none [CERT-OPTION...]
#			the gateway mx1.NAME.example on the next address from
#			127.0.1.1 on, and the domain NAME.example it serves
lab_partners=0
lab_partner()
{
	local name=$1 cert=$2

	lab_partners=$((lab_partners + 1))
	if [ "$cert" != none ]; then
		cert=$name
		lab_cert "$name" cn="mx1.$name.example" "${@:3}" || return 1
	fi
	lab_gateway 127.0.1.$lab_partners "mx1.$name.example" "$cert"
	lab_mx "$name.example" "mx1.$name.example"
}

# The folders and files of one instance; more main.cf lines on stdin.
lab_instance()
{
	local name=$1 dir=$LAB/$1

	mkdir -p "$dir/etc" "$dir/spool" "$dir/data"
	chown postfix "$dir/data"
	{
		cat <<-MAIN
		compatibility_level = 3.6
		multi_instance_name = postfix-$name
		multi_instance_enable = yes
		queue_directory = $dir/spool
		data_directory = $dir/data
		command_directory = $(postconf -dh command_directory)
		daemon_directory = $(postconf -dh daemon_directory)
		maillog_file = $dir/log
		maillog_file_prefixes = $LAB
		myhostname = $name.lab.example
		mydestination =
		mynetworks = 127.0.0.0/8
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		alias_maps =
		alias_database =
		local_recipient_maps =
		smtpd_relay_restrictions = permit_mynetworks, reject
		smtpd_peername_lookup = no
		smtputf8_enable = yes
		MAIN
		cat
	} >"$dir/etc/main.cf"
	cat >"$dir/etc/master.cf" <<-'MASTER'
	pickup unix n - n 60 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	tlsmgr unix - - n 1000? 1 tlsmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	verify unix - - n - 1 verify
	flush unix n - n 1000? 0 flush
	proxymap unix - - n - - proxymap
	smtp unix - - n - - smtp
	relay unix - - n - - smtp
	showq unix n - n - - showq
	error unix - - n - - error
	retry unix - - n - - error
	discard unix - - n - - discard
	virtual unix - n n - - virtual
	anvil unix - - n - 1 anvil
	scache unix - - n - 1 scache
	tlsproxy unix - - n - 0 tlsproxy
	postlog unix-dgram n - n - 1 postlogd
	MASTER
}

lab_postfix_start()
{
	: >"$LAB/$1/log"
	postfix -c "$LAB/$1/etc" start >"$LAB/$1/start" 2>&1 && return
	echo "lab: the Postfix instance $1 does not start:" >&2
	cat "$LAB/$1/start" "$LAB/$1/log" >&2
	return 1
}

# lab_start [SETTING=VALUE...]
#			starts DNS and both instances; settings are for send,
#			whose map is $LAB/policy.cdb and whose CA is ca
lab_start()
{
	local nobody recv send setting

	nobody=$(id -u nobody)
	chown nobody "$LAB/mail"
	lab_instance recv <<-MAIN
	virtual_mailbox_domains = static:all
	virtual_mailbox_maps = static:in/
	virtual_mailbox_base = $LAB/mail
	virtual_uid_maps = static:$nobody
	virtual_gid_maps = static:$nobody
	smtpd_tls_loglevel = 1
	smtpd_tls_received_header = yes
	MAIN
	cat "$LAB/etc/gateways" >>"$LAB/recv/etc/master.cf"
	# A destination that fails stays in use: tests mend it and try again.
	lab_instance send <<-MAIN
	smtp_tls_policy_maps = cdb:$LAB/policy
	smtp_tls_security_level = may
	smtp_tls_CAfile = $LAB/pki/ca.pem
	smtp_tls_loglevel = 1
	smtp_tls_session_cache_database =
	default_destination_concurrency_failed_cohort_limit = 0
	minimal_backoff_time = 300s
	MAIN
	echo '127.0.0.1:25 inet n - n - - smtpd' >>"$LAB/send/etc/master.cf"
	for setting; do
		postconf -c "$LAB/send/etc" -e "$setting" || return
	done
	lab_postfix_start recv &
	recv=$!
	lab_postfix_start send &
	send=$!
	lab_dns && wait $recv && wait $send
}
