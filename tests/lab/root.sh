# shellcheck shell=bash
# root.sh: Postfix of another version, from a debootstrapped root, in the lab.
# Source it behind lab.sh. What is written there goes to memory.
#
#	root_furnish ROOT <<<'more of main.cf'
#	in_root postfix start
#	root_receive FROM TO clear|tls [PARAMETER...]

in_root() { chroot "$LAB/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

root_knows() { in_root postconf -dh "$1" 2>/dev/null | grep -q .; }

# Its smtpd(8) is at 192.0.2.1, and is sent mail from 192.0.2.2. Postfix's
# resolver is 127.0.0.53; certificates are those of the lab, ca and ours.
root_furnish()
{
	mkdir "$LAB/up" "$LAB/work" "$LAB/root"
	mount -t overlay overlay -o \
		"lowerdir=$1,upperdir=$LAB/up,workdir=$LAB/work" \
		"$LAB/root" && mount --rbind /dev "$LAB/root/dev" &&
		mount -t proc proc "$LAB/root/proc" || return
	printf 'nameserver 127.0.0.53\noptions trust-ad timeout:2\n' \
		>"$LAB/root/etc/resolv.conf"
	echo '127.0.0.1 localhost' >"$LAB/root/etc/hosts"
	# The master.cf of the lab, nothing of which is in a chroot.
	lab_instance send </dev/null
	cp "$LAB/send/etc/master.cf" "$LAB/pki/ca.pem" "$LAB/root/etc/postfix"
	install -m 600 "$LAB/pki/ours.pem" "$LAB/root/etc/postfix"
	echo 192.0.2.1:25 inet n - n - - smtpd \
		>>"$LAB/root/etc/postfix/master.cf"
	ip addr add 192.0.2.1/24 dev lo && ip addr add 192.0.2.2/24 dev lo
	{
		cat <<-'MAIN'
		compatibility_level = 2
		maillog_file = /var/log/postfix.log
		myhostname = send.lab.example
		mydestination =
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		alias_maps =
		smtp_tls_security_level = may
		smtp_tls_CAfile = /etc/postfix/ca.pem
		smtp_tls_fingerprint_digest = sha256
		smtp_tls_loglevel = 1
		smtp_tls_session_cache_database =
		smtp_dns_support_level = dnssec
		smtp_connect_timeout = 2s
		smtp_helo_timeout = 2s
		smtp_starttls_timeout = 2s
		smtpd_tls_chain_files = /etc/postfix/ours.pem
		smtpd_tls_loglevel = 1
		smtpd_tls_security_level = may
		smtpd_peername_lookup = no
		mynetworks = 192.0.2.0/24
		MAIN
		cat
	} >"$LAB/root/etc/postfix/main.cf"
}

# root_receive FROM TO clear|tls [PARAMETER...]	by smtpd(8)
root_receive()
{
	python3 - "$@" <<-'PYTHON'
	import smtplib, ssl, sys
	sender, to, how = sys.argv[1:4]
	c = smtplib.SMTP("192.0.2.1", 25, "client.example",
	                 source_address=("192.0.2.2", 0))
	c.ehlo()
	if how == "tls":
	    c.starttls(context=ssl._create_unverified_context())
	    c.ehlo()
	c.mail(sender, sys.argv[4:])
	c.rcpt(to)
	c.data("Subject: x\n\n")
	c.quit()
	PYTHON
}
