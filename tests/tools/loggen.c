/*
 * loggen: a mail log as a busy gateway writes it, the same for a seed.
 *
 *	loggen LINES [SEED]
 *
 * 60 % of the messages come in, 40 % go out; many processes at once, whose
 * lines stand between each other; TLS for nine in ten, some failures, some
 * lines of others (dovecot, amavis). Partners are p0.example to p199.example.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BUSY 64 /* messages under way at once */
#define PARTNERS 200
#define STRANGERS 5000

struct message {
	unsigned step;
	unsigned id, pid, host;
	int inbound, tls, fails;
};

static uint64_t state;
static unsigned next_id = 0x1000;
static time_t now = 1795392000; /* 2026-11-23 00:00:00 UTC */

static unsigned
rnd(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 16) % n);
}

static void
begin(struct message *m)
{
	m->step = 0;
	m->id = next_id++;
	m->pid = 2000 + rnd(600);
	m->host = rnd(100) < 40 ? rnd(PARTNERS) : PARTNERS + rnd(STRANGERS);
	m->inbound = rnd(100) < 60;
	m->tls = rnd(100) < 90;
	m->fails = rnd(100) < 3;
}

static void
prefix(const char *tag, unsigned pid)
{
	static char stamp[32];
	static time_t at;
	struct tm tm;

	if (at != now) {
		gmtime_r(&now, &tm);
		strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
		at = now;
	}
	printf("%s gw1 %s[%u]: ", stamp, tag, pid);
}

static void
peer(const struct message *m)
{
	printf("mx1.p%u.example[198.18.%u.%u]", m->host, m->host / 250 % 250,
	    m->host % 250);
}

/* One line of a message coming in. False after the last one. */
static int
inbound(struct message *m)
{
	switch (m->step++) {
	case 0:
		prefix("postfix/smtpd", m->pid);
		printf("connect from ");
		peer(m);
		break;
	case 1:
		if (!m->tls)
			return inbound(m);
		prefix("postfix/smtpd", m->pid);
		printf("Anonymous TLS connection established from ");
		peer(m);
		printf(": TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
		       "bits) key-exchange X25519 server-signature RSA-PSS "
		       "(2048 bits) server-digest SHA256");
		break;
	case 2:
		prefix("postfix/smtpd", m->pid);
		printf("4H%09uzT1z1: client=", m->id);
		peer(m);
		break;
	case 3:
		prefix("postfix/cleanup", 1800 + m->pid % 40);
		printf("4H%09uzT1z1: message-id=<20261123.%u@p%u.example>",
		    m->id, m->id, m->host);
		break;
	case 4:
		prefix("postfix/qmgr", 901);
		printf("4H%09uzT1z1: from=<user%u@p%u.example>, size=%u, "
		       "nrcpt=1 (queue active)",
		    m->id, m->id % 90, m->host, 1000 + m->id % 90000);
		break;
	case 5:
		prefix("postfix/smtpd", m->pid);
		printf("disconnect from ");
		peer(m);
		printf(" ehlo=2 starttls=%d mail=1 rcpt=1 data=1 quit=1 "
		       "commands=7",
		    m->tls);
		break;
	case 6:
		prefix("postfix/lmtp", 1900 + m->pid % 30);
		printf("4H%09uzT1z1: to=<box%u@ours.example>, relay=10.0.0.5"
		       "[10.0.0.5]:24, delay=0.4, delays=0.2/0/0.01/0.2, "
		       "dsn=2.0.0, status=sent (250 2.0.0 Saved)",
		    m->id, m->id % 70);
		break;
	default:
		prefix("postfix/qmgr", 901);
		printf("4H%09uzT1z1: removed", m->id);
		return 0;
	}
	return 1;
}

static int
outbound(struct message *m)
{
	switch (m->step++) {
	case 0:
		prefix("postfix/qmgr", 901);
		printf("4H%09uzT1z1: from=<user%u@ours.example>, size=%u, "
		       "nrcpt=1 (queue active)",
		    m->id, m->id % 90, 1000 + m->id % 90000);
		break;
	case 1:
		if (!m->tls)
			return outbound(m);
		prefix("postfix/smtp", m->pid);
		printf("%s TLS connection established to ",
		    m->host < PARTNERS && !m->fails ? "Verified" : "Untrusted");
		peer(m);
		printf(":25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
		       "(256/256 bits) key-exchange X25519 server-signature "
		       "RSA-PSS (2048 bits) server-digest SHA256");
		break;
	case 2:
		prefix("postfix/smtp", m->pid);
		printf("4H%09uzT1z1: to=<user%u@p%u.example>, relay=", m->id,
		    m->id % 80, m->host);
		peer(m);
		printf(":25, delay=1.2, delays=0.1/0.01/0.6/0.5, ");
		if (m->fails)
			printf("dsn=4.7.5, status=deferred (Server certificate "
			       "not verified)");
		else
			printf("dsn=2.0.0, status=sent (250 2.0.0 Ok: queued "
			       "as 4Gx%u)",
			    m->id);
		break;
	default:
		if (m->id % 10 == 0) {
			prefix("dovecot: imap", 77);
			printf("Logged out in=%u out=%u", m->id % 800, m->id);
		} else {
			prefix("postfix/qmgr", 901);
			printf("4H%09uzT1z1: removed", m->id);
		}
		return 0;
	}
	return 1;
}

int
main(int argc, char *argv[])
{
	static struct message busy[BUSY];
	unsigned long i, lines = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	int more;

	state = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) *
		    UINT64_C(0x9e3779b97f4a7c15) +
		1;
	for (i = 0; i < BUSY; i++)
		begin(&busy[i]);
	for (i = 0; i < lines; i++) {
		struct message *m = &busy[rnd(BUSY)];

		more = m->inbound ? inbound(m) : outbound(m);
		(void)putchar('\n');
		if (!more)
			begin(m);
		if (rnd(200) == 0)
			now++;
	}
	return ferror(stdout) || fflush(stdout) != 0;
}
