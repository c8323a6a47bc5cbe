#include "check.h"

#include "buf.h"
#include "logjoin.h"
#include "logprefix.h"
#include "logtext.h"

#define SPAN(s) ((struct span){(s), strlen(s)})
#define NOW 1795435200 /* 2026-11-23 12:00:00 UTC */

static struct logjoin_stats stats;

/* What was told, a line each. */
static void
note(const struct attempt *a, void *arg)
{
	struct buf *out = arg;

	buf_printf(out, "%s %.*s %.*s %.*s[%.*s] %s %s %s %s %.*s %.*s %s\n",
	    evidence_direction_name(a->direction), SPAN_ARG(a->queue_id),
	    SPAN_ARG(a->domain), SPAN_ARG(a->host), SPAN_ARG(a->address),
	    evidence_seen_name(a->level), fact_names[a->encrypted],
	    fact_names[a->chain_trusted], fact_names[a->name_matched],
	    SPAN_ARG(a->protocol), SPAN_ARG(a->result),
	    fault_text(a->lacks != FAULT_OK ? a->lacks : a->fault));
}

static void
feed(struct logjoin *j, const char *line)
{
	struct logprefix_reader reader = {.next = 0};
	struct span whole = {line, strlen(line)};
	struct logprefix p;

	if (logprefix_take(&reader, &whole, &p) >= LOGPREFIX_OTHER)
		(void)logjoin_line(j, &p, NOW);
	logprefix_release(&reader);
}

#define T "Nov 23 11:50:36 gw "
#define TLS(who, host)                                                   \
	T "postfix/smtp[1]: " who " TLS connection established to " host \
	  ": TLSv1.3 with cipher X (1/1 bits)\n"
#define TO(qid, host, rest)                                                   \
	T "postfix/smtp[1]: " qid ": to=<a@b.example>, relay=" host ", " rest \
	  "\n"
#define SENT "delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (ok)"
#define LATER "delay=1, delays=1/0/0/0, dsn=4.3.0, status=deferred (no)"
#define LATE(domain)                                                     \
	"out AAAAA1 " domain ".example mx1.b[1.1.1.1] clear no unknown " \
	"unknown  deferred ok\n"
#define ENDED(domain, how)                                                     \
	"out AAAAA1 " domain ".example [] clear unknown unknown unknown  " how \
	" ok\n"
#define HOST(host) "Nov 23 11:50:36 " host " postfix/"
#define IN(host, pid, qid) \
	HOST(host) "smtpd[" pid "]: " qid ": client=h[2.2.2.1]\n"
#define FROM_(host, qid, who)            \
	HOST(host)                       \
	"qmgr[9]: " qid ": from=<a@" who \
	".example>, size=1, nrcpt=1 (queue active)\n"
#define BYE(host) HOST(host) "smtpd[1]: disconnect from h[2.2.2.1]\n"
#define REPEATED(host, n) \
	"Nov 23 11:50:37 " host " last message repeated " n " times\n"
#define CAME_IN                                                          \
	T "postfix/smtpd[2]: Anonymous TLS connection established from " \
	  "h.c[2.2.2.2]: TLSv1.3 with cipher X (1/1 bits)\n"
#define WARNED(qid)                                                         \
	T "postfix/smtpd[2]: " qid ": warn: RCPT from h.c[2.2.2.2]: "       \
	  "<u@o.example>: Recipient address tlspact: mail from c.example: " \
	  "no client certificate; let in while a downgrade holds; "         \
	  "from=<x@c.example> to=<u@o.example> proto=ESMTP helo=<x>\n"
#define IN_(qid) T "postfix/smtpd[2]: " qid ": client=h.c[2.2.2.2]\n"
#define LEFT                                                              \
	T "postfix/smtpd[2]: disconnect from h.c[2.2.2.2]\n" T            \
	  "postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 " \
	  "(queue active)\n" T                                            \
	  "postfix/qmgr[3]: AAAAB2: from=<x@c.example>, size=1, nrcpt=1 " \
	  "(queue active)\n"
#define GOT(qid, lacks)                                                    \
	"in " qid " c.example h.c[2.2.2.2] encrypted yes unknown unknown " \
	"TLSv1.3 received " lacks "\n"
#define M1 "mx1.b[1.1.1.1]:25"
#define M2 "mx2.b[1.1.1.2]:25"

static const struct {
	const char *name;
	const char *log;
	const char *want;
} cases[] = {
    {"two recipients, one session",
	TLS("Verified", M1) TO("AAAAA1", M1, SENT) TO("AAAAA1", M1, SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"
	"out AAAAA1 b.example mx1.b[1.1.1.1] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"},
    {"another message in the clear",
	TLS("Verified", M1) TO("AAAAA1", M1, SENT) TO("AAAAA2", M1, SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"
	"out AAAAA2 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"it expires, with what the message waits for",
	TO("AAAAA1", M1, LATER) TO("AAAAA1", M1, LATER) T
	"postfix/smtp[1]: AAAAA1: to=<x@c.example>, relay=" M1 ", " LATER "\n" T
	"postfix/smtp[1]: AAAAA1: to=<x@d.example>, relay=" M1 ", " LATER "\n" T
	"postfix/smtp[1]: AAAAA1: to=<x@d.example>, relay=" M1 ", " SENT "\n" T
	"postfix/qmgr[9]: AAAAA1: from=<a>, status=expired, returned to "
	"sender@x>, status=expired, returned to sender\n" T
	"postfix/qmgr[9]: AAAAA1: removed\n",
	LATE("b") LATE("b") LATE("c")
	    LATE("d") "out AAAAA1 d.example mx1.b[1.1.1.1] clear no unknown "
		      "unknown  sent "
		      "ok\n" ENDED("b", "expired") ENDED("c", "expired")},
    {"it is made to expire",
	TO("AAAAA1", M1, LATER) T
	"postfix/qmgr[9]: AAAAA1: from=<>, status=force-expired, "
	"returned to sender\n",
	LATE("b") ENDED("b", "expired")},
    {"a sender's own words do not expire it",
	TO("AAAAA1", M1, LATER) T
	"postfix/qmgr[9]: AAAAA1: from=<\"b>, status=expired, returned to "
	"sender\"@x>, size=1, nrcpt=1 (queue active)\n",
	LATE("b")},
    {"it is deleted by hand",
	TO("AAAAA1", M1, LATER) T "postfix/postsuper[7]: AAAAA1: removed\n" T
				  "postfix/postsuper[7]: AAAAA2: removed\n",
	LATE("b") ENDED("b", "deleted")},
    {"another host's expires",
	TO("AAAAA1", M1, LATER) "Nov 23 11:50:36 gw2 postfix/postsuper[7]: "
				"AAAAA1: removed\n",
	LATE("b")},
    {"two hosts with one queue id",
	IN("gw1", "1", "AAAAA1") IN("gw2", "1", "AAAAA1") FROM_("gw2", "AAAAA1",
	    "two") FROM_("gw1", "AAAAA1", "one") BYE("gw1") BYE("gw2"),
	"in AAAAA1 one.example h[2.2.2.1] clear no unknown unknown  received "
	"ok\n"
	"in AAAAA1 two.example h[2.2.2.1] clear no unknown unknown  received "
	"ok\n"},
    {"a host with one, and the other's own mail",
	FROM_("gw1", "AAAAA9", "x") IN("gw1", "1", "AAAAA1") FROM_(
	    "gw2", "AAAAA1", "own") BYE("gw1") FROM_("gw1", "AAAAA1", "one"),
	"in AAAAA1 one.example h[2.2.2.1] clear no unknown unknown  received "
	"ok\n"},
    {"services with names of their own",
	IN("mx-in", "1", "AAAAA1") FROM_("gw", "AAAAA1", "one") BYE("mx-in"),
	"in AAAAA1 one.example h[2.2.2.1] clear no unknown unknown  received "
	"ok\n"},
    {"last message repeated", TO("AAAAA1", M1, LATER) REPEATED("gw", "2"),
	LATE("b") LATE("b") LATE("b")},
    {"once only",
	TO("AAAAA1", M1, LATER) REPEATED("gw", "1") REPEATED("gw", "1"),
	LATE("b") LATE("b")},
    {"of a line in JSON",
	"{\"SYSLOG_IDENTIFIER\":\"postfix/smtp\",\"_HOSTNAME\":\"gw\","
	"\"MESSAGE\":\"AAAAA1: to=<a@b.example>, relay=" M1 ", " LATER
	"\"}\n" REPEATED("gw", "1"),
	LATE("b") LATE("b")},
    {"on another host", TO("AAAAA1", M1, LATER) REPEATED("gw2", "2"),
	LATE("b")},
    {"of another program",
	TO("AAAAA1", M1, LATER)
	    HOST("gw") "cleanup[3]: x\n" REPEATED("gw", "2"),
	LATE("b")},
    {"how often?", TO("AAAAA1", M1, LATER) REPEATED("gw", "x"), LATE("b")},
    {"a trusted chain, and what tlsproxy said of another session",
	HOST("gw") "tlsproxy[8]: certificate verification failed for " M1
		   ": num=10:certificate has expired\n" TLS("Trusted", M1)
		       TO("AAAAA1", M1,
			   "delay=1, delays=1/0/0/0, dsn=4.7.5, "
			   "status=deferred (Server "
			   "certificate not verified)"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] trusted yes yes unknown TLSv1.3 "
	"deferred name-mismatch\n"},
    {"another host in the clear", TLS("Verified", M1) TO("AAAAA1", M2, SENT),
	"out AAAAA1 b.example mx2.b[1.1.1.2] clear no unknown unknown  sent "
	"ok\n"},
    {"and back to the first one",
	TLS("Verified", M1) TO("AAAAA1", M2, SENT) TO("AAAAA1", M1, SENT),
	"out AAAAA1 b.example mx2.b[1.1.1.2] clear no unknown unknown  sent "
	"ok\n"
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"the same message five minutes later",
	TLS("Verified", M1)
	    TO("AAAAA1", M1, SENT) "Nov 23 11:55:37 gw postfix/smtp[1]: "
				   "AAAAA1: to=<c@b.example>, "
				   "relay=" M1 ", " SENT "\n",
	"out AAAAA1 b.example mx1.b[1.1.1.1] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"another port",
	TLS("Verified", M1) TO("AAAAA1", "mx1.b[1.1.1.1]:26", SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"a reply to RCPT ends no session",
	TLS("Trusted", M1) T
	"postfix/smtp[1]: AAAAA1: host mx1.b[1.1.1.1] said: 450 TLS is "
	"required (in reply to RCPT TO command)\n" TO("AAAAA1", M1, SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] trusted yes yes unknown TLSv1.3 "
	"sent ok\n"},
    {"a lost connection does",
	TLS("Trusted", M1) T
	"postfix/smtp[1]: AAAAA1: lost connection with mx1.b[1.1.1.1] while "
	"sending MAIL FROM\n" TO("AAAAA1", M1, SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"as does a failed connect",
	TLS("Trusted", M1) T "postfix/smtp[1]: connect to mx1.b[1.1.1.1]:25: "
			     "Connection refused\n" TO("AAAAA1", M1, SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"two gateways fail, of another message",
	TLS("Untrusted", M1) T
	"postfix/smtp[1]: AAAAA1: Server certificate not verified\n" TO(
	    "AAAAA2", M2, SENT),
	"out AAAAA2 b.example mx2.b[1.1.1.2] clear no unknown unknown  sent "
	"ok\n"},
    {"handshakes that fail at two gateways",
	T "postfix/smtp[1]: SSL_connect error to " M1 ": -1\n" T
	  "postfix/smtp[1]: AAAAA1: Cannot start TLS: handshake failure\n" T
	  "postfix/smtp[1]: SSL_connect error to " M2
	  ": lost connection\n" TO("AAAAA1", M2,
	      "delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Cannot "
	      "start TLS: handshake failure)"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear unknown unknown unknown  "
	"skipped handshake-failed\n"
	"out AAAAA1 b.example mx2.b[1.1.1.2] clear no unknown unknown  "
	"deferred handshake-failed\n"},
    {"LMTP, local and others are not told",
	T "postfix/lmtp[1]: AAAAA1: to=<a@b>, relay=h[1.1.1.9]:24, " SENT "\n" T
	  "postfix/local[1]: AAAAA1: to=<a@b>, relay=local, " SENT "\n" T
	  "smtp[1]: AAAAA1: to=<a@b>, relay=h[1.1.1.9]:24, " SENT "\n",
	""},
    {"a sender before its session ends, in the clear",
	T "postfix/smtpd[2]: connect from h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: AAAAB1: client=h.c[2.2.2.2]\n" T
	  "postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active)\n" T
	  "postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active)\n" T
	  "postfix/smtpd[2]: disconnect from h.c[2.2.2.2] ehlo=1 quit=1\n" T
	  "postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active)\n",
	"in AAAAB1 c.example h.c[2.2.2.2] clear no unknown unknown  received "
	"ok\n"},
    {"after it ended, encrypted by the count",
	T "postfix/smtpd[2]: connect from h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: AAAAB1: client=h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: AAAAB2: client=h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: disconnect from h.c[2.2.2.2] ehlo=2 "
	  "starttls=1\n" T
	  "postfix/qmgr[3]: AAAAB2: from=<>, size=1, nrcpt=1 (queue active)\n" T
	  "postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active)\n",
	"in AAAAB2  h.c[2.2.2.2] encrypted yes unknown unknown  received ok\n"
	"in AAAAB1 c.example h.c[2.2.2.2] encrypted yes unknown unknown  "
	"received ok\n"},
    {"a session of the client before",
	T "postfix/smtpd[2]: Anonymous TLS connection established from "
	  "h.c[2.2.2.2]: TLSv1.3 with cipher X (1/1 bits)\n" T
	  "postfix/smtpd[2]: AAAAB1: client=h.d[2.2.2.3]\n" T
	  "postfix/qmgr[3]: AAAAB1: from=<x@d.example>, size=1, nrcpt=1 (queue "
	  "active)\n",
	"in AAAAB1 d.example h.d[2.2.2.3] clear no unknown unknown  received "
	"ok\n"},
    {"let in by a downgrade alone, and the next that is not",
	CAME_IN WARNED("NOQUEUE") IN_("AAAAB1") IN_("AAAAB2") LEFT,
	GOT("AAAAB1", "no-certificate") GOT("AAAAB2", "ok")},
    {"let in by a downgrade alone, which is said later",
	CAME_IN IN_("AAAAB1") IN_("AAAAB2") WARNED("AAAAB1") LEFT,
	GOT("AAAAB1", "no-certificate") GOT("AAAAB2", "ok")},
    {"it was warned of, and did not come",
	CAME_IN WARNED("NOQUEUE") T
	"postfix/smtpd[2]: NOQUEUE: reject: RCPT from h.c[2.2.2.2]: 554 5.7.1 "
	"<x@o.example>: Relay access denied; from=<a@c.example> to=<x@o."
	"example> proto=ESMTP helo=<x>\n" IN_("AAAAB1") LEFT,
	GOT("AAAAB1", "ok")},
    {"another's words are no warning of ours",
	CAME_IN T "postfix/smtpd[2]: NOQUEUE: warn: RCPT from h.c[2.2.2.2]: "
		  "<x>: hello; from=<\"tlspact: mail from x: y; let in while a "
		  "downgrade holds\"@c.example> to=<u@o.example> proto=ESMTP "
		  "helo=<x>\n" IN_("AAAAB1") LEFT,
	GOT("AAAAB1", "ok")},
    {"refusals: whose, and for what",
	T
	"postfix/smtpd[2]: NOQUEUE: reject: RCPT from h.c[2.2.2.2]: 450 "
	"4.7.10 <u@o.example>: Recipient address rejected: Mail from; "
	"from=<joe%c.example> to=<u@o.example> proto=ESMTP helo=<x>\n" T
	"postfix/smtpd[2]: NOQUEUE: reject: RCPT from h.c[2.2.2.2]: 554 5.7.1 "
	"<x 450 4.7.10 y@o.example>: Relay access denied; from=<a@c.example> "
	"to=<\"x 450 4.7.10 y\"@o.example> proto=ESMTP helo=<x>\n" T
	"postfix/smtpd[2]: NOQUEUE: reject: RCPT from h.c[2.2.2.2]: 450 4.7.1 "
	"Session encryption is required; from=<\"; from=<x@d.example>\"@c."
	"example> to=<u@o.example> proto=ESMTP helo=<x>\n" T
	"postfix/smtpd[2]: NOQUEUE: reject: RCPT from h.c[2.2.2.2]: 450 4.3.0 "
	"<u@o.example>: Recipient address rejected: our server offers no "
	"TLS; from=<a@c.example> to=<u@o.example> proto=ESMTP helo=<x>\n",
	"in NOQUEUE c.example h.c[2.2.2.2] clear no unknown unknown  rejected "
	"no-starttls\n"
	"in NOQUEUE c.example h.c[2.2.2.2] clear no unknown unknown  rejected "
	"no-starttls\n"},
    {"refusals of what came over TLS, which no other line says",
	T
	"postfix/smtpd[2]: NOQUEUE: reject: RCPT from h.c[2.2.2.2]: 450 "
	"4.7.10 <u@o.example>: Recipient address rejected: Mail from c.example "
	"is accepted with your client certificate only, as agreed: your client "
	"certificate has another key; from=<a@c.example> to=<u@o.example> "
	"proto=ESMTP helo=<x>\n" T
	"postfix/smtpd[2]: NOQUEUE: reject: RCPT from h.c[2.2.2.2]: 450 "
	"4.7.10 <u@o.example>: Recipient address rejected: Mail from c.example "
	"is accepted over TLS only, as agreed: your server used an older TLS "
	"version than TLSv1.2; from=<a@c.example> to=<u@o.example> "
	"proto=ESMTP helo=<x>\n",
	"in NOQUEUE c.example h.c[2.2.2.2] clear no unknown unknown  rejected "
	"no-certificate\n"
	"in NOQUEUE c.example h.c[2.2.2.2] clear no unknown unknown  rejected "
	"protocol-too-old\n"},
    {"in the clear, then STARTTLS, then another in one session",
	T "postfix/smtpd[2]: connect from h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: AAAAB1: client=h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: Anonymous TLS connection established from "
	  "h.c[2.2.2.2]: TLSv1.3 with cipher X (1/1 bits)\n" T
	  "postfix/smtpd[2]: AAAAB2: client=h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: disconnect from h.c[2.2.2.2] ehlo=3 starttls=1\n" T
	  "postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active)\n" T
	  "postfix/qmgr[3]: AAAAB2: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active) \n",
	"in AAAAB1 c.example h.c[2.2.2.2] clear no unknown unknown  received "
	"ok\n"
	"in AAAAB2 c.example h.c[2.2.2.2] encrypted yes unknown unknown "
	"TLSv1.3 received ok\n"},
    {"a filter before the queue",
	T
	"postfix/smtpd[2]: connect from h.c[2.2.2.2]\n" T
	"postfix/smtpd[2]: NOQUEUE: client=h.c[2.2.2.2]\n" T
	"postfix/smtpd[2]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued "
	"as AAAAB1; from=<x@c.example> to=<u@o.example> proto=ESMTP "
	"helo=<x>\n" T
	"postfix/smtpd[9]: AAAAB1: client=localhost[127.0.0.1]\n" T
	"postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 (queue "
	"active)\n" T
	"postfix/smtpd[2]: disconnect from h.c[2.2.2.2] ehlo=2 starttls=1\n" T
	"postfix/smtpd[2]: connect from localhost[127.0.0.1]\n" T
	"postfix/smtpd[2]: NOQUEUE: client=localhost[127.0.0.1]\n" T
	"postfix/smtpd[2]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued "
	"as AAAAB3; from=<x@c.example> to=<u@o.example> proto=ESMTP "
	"helo=<x>\n",
	"in AAAAB1 c.example h.c[2.2.2.2] encrypted yes unknown unknown  "
	"received ok\n"},
    {"a filter that names no queue id",
	T "postfix/smtpd[2]: NOQUEUE: client=h.c[2.2.2.2]\n" T
	  "postfix/smtpd[2]: proxy-accept: END-OF-MESSAGE: 250 Ok; "
	  "from=<x@c.example> to=<u@o.example> proto=ESMTP helo=<x>\n" T
	  "postfix/smtpd[2]: disconnect from h.c[2.2.2.2] ehlo=1\n",
	"in NOQUEUE c.example h.c[2.2.2.2] clear no unknown unknown  received "
	"ok\n"},
    {"refused after a queue id was given",
	T
	"postfix/smtpd[2]: AAAAB1: client=h.c[2.2.2.2]\n" T
	"postfix/smtpd[2]: AAAAB1: reject: DATA from h.c[2.2.2.2]: 450 4.7.10 "
	"<DATA>: Data command rejected: x; from=<a@c.example> "
	"to=<u@o.example> proto=ESMTP helo=<x>\n",
	"in AAAAB1 c.example h.c[2.2.2.2] clear no unknown unknown  rejected "
	"no-starttls\n"},
    {"an end of data that takes its time",
	TLS("Verified", M1) "Nov 23 11:55:36 gw postfix/smtp[1]: AAAAA1: "
			    "to=<a@b.example>, relay=" M1
			    ", delay=300, delays=0.1/0/0.2/299, dsn=2.0.0, "
			    "status=sent (ok)\n",
	"out AAAAA1 b.example mx1.b[1.1.1.1] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"},
    {"a session from long before one that was short",
	TLS("Verified", M1) "Nov 23 11:58:36 gw postfix/smtp[1]: AAAAA1: "
			    "to=<a@b.example>, relay=" M1
			    ", delay=300, delays=299/0/0.2/0.1, dsn=2.0.0, "
			    "status=sent (ok)\n",
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"3.11: the policy was satisfied, but the sender's wish was not",
	TLS("Trusted", M1) TO("AAAAA1", M1,
	    "delay=1, delays=1/0/0/0, tls=secure/!requiretls:nocertmatch, "
	    "dsn=5.7.10, status=bounced (Sender requested REQUIRETLS, but no "
	    "matching server certificate was found. The last attempted server "
	    "was mx1.b[1.1.1.1])"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] trusted yes yes unknown TLSv1.3 "
	"bounced name-mismatch\n"},
    {"and without any TLS",
	TO("AAAAA1", M1,
	    "delay=1, delays=1/0/0/0, tls=dane/!requiretls:nostarttls, "
	    "dsn=5.7.30, status=bounced (Sender requested REQUIRETLS, but TLS "
	    "service was not offered by host mx1.b[1.1.1.1])"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  bounced "
	"no-starttls\n"},
    {"an expired certificate where the sender asks for TLS",
	T "postfix/smtp[1]: server certificate verification failed for " M1
	  ": certificate has expired\n" TLS("Untrusted", M1) TO("AAAAA1", M1,
	      "delay=1, delays=1/0/0/0, tls=!secure/!requiretls:nocertmatch, "
	      "dsn=5.7.10, status=bounced (Sender requested REQUIRETLS, but no "
	      "trusted server certificate was found. The last attempted "
	      "server was mx1.b[1.1.1.1])"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] encrypted yes no unknown TLSv1.3 "
	"bounced expired\n"},
    {"a remark about REQUIRETLS ends no session",
	TLS("Verified", M1) T
	"postfix/smtp[1]: AAAAA1: Sender requested REQUIRETLS, but REQUIRETLS "
	"support was not offered by host mx1.b[1.1.1.1]\n" T
	"postfix/smtp[1]: AAAAA1: Sender requested REQUIRETLS, but my "
	"configured TLS security level 'may' disables certificate matching. "
	"The last attempted server was mx1.b\n" TO("AAAAA1", M1, SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"},
    {"with connection reuse tlsproxy says why",
	T "postfix/tlsproxy[7]: CONNECT to [1.1.1.1]:25\n" T
	  "postfix/tlsproxy[7]: server certificate verification failed for " M1
	  ": num=62:hostname mismatch\n" TLS("Untrusted", M1) TO("AAAAA1", M1,
	      "delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server "
	      "certificate not verified)") T
	"postfix/tlsproxy[7]: SSL_connect error to " M2 ": -1\n" T
	"postfix/tlsproxy[7]: warning: TLS library problem: error:1:SSL "
	"routines::unsupported protocol:x\n" TO("AAAAA2", M2,
	    "delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Cannot "
	    "start TLS: handshake failure)"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] encrypted yes no unknown TLSv1.3 "
	"deferred name-mismatch\n"
	"out AAAAA2 b.example mx2.b[1.1.1.2] clear no unknown unknown  "
	"deferred protocol-too-old\n"},
    {"TLSA records that nobody can use are none, by whatever words follow",
	T "postfix/smtp[1]: warning: " M1 ": all TLSA records unusable\n" T
	  "postfix/smtp[1]: certificate verification failed for " M1
	  ": not trusted by local or TLSA policy\n" TLS("Untrusted", M1)
	      TO("AAAAA1", M1,
		  "delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server "
		  "certificate not verified)") T
	"postfix/smtp[1]: certificate verification failed for " M1
	": num=65:no matching DANE TLSA records\n" TLS("Untrusted", M1)
	    TO("AAAAA2", M1,
		"delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server "
		"certificate not verified)"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] encrypted yes no unknown TLSv1.3 "
	"deferred no-tlsa\n"
	"out AAAAA2 b.example mx1.b[1.1.1.1] encrypted yes no unknown TLSv1.3 "
	"deferred dane-mismatch\n"},
    {"and pins that are none, by tlsproxy, are our own fault",
	T "postfix/tlsproxy[7]: warning: " M1 ": all fingerprints unusable\n" T
	  "postfix/tlsproxy[7]: certificate verification failed for " M1
	  ": not trusted by local or TLSA policy\n" T
	  "postfix/tlsproxy[7]: Untrusted TLS connection established to " M1
	  ": TLSv1.3 with cipher X (1/1 bits)\n" TLS("Untrusted", M1)
	      TO("AAAAA1", M1,
		  "delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server "
		  "certificate not verified)") T
	"postfix/tlsproxy[7]: certificate verification failed for " M1
	": self-signed certificate\n" TLS("Untrusted", M1) TO("AAAAA2", M1,
	    "delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server "
	    "certificate not verified)"),
	"out AAAAA1 b.example mx1.b[1.1.1.1] encrypted yes no unknown TLSv1.3 "
	"deferred local-error\n"
	"out AAAAA2 b.example mx1.b[1.1.1.1] encrypted yes no unknown TLSv1.3 "
	"deferred self-signed\n"},
    {"up to 3.5 a wrong name is not said",
	TLS("Trusted", M1) TO("AAAAA1", M1,
	    "delay=1, delays=1/0/0/0, dsn=4.7.5, status=deferred (Server "
	    "certificate not verified)") T
	"postfix/error[4]: AAAAA2: to=<a@b.example>, relay=none, delay=1, "
	"delays=1/0/0/0, dsn=4.7.5, status=deferred (delivery temporarily "
	"suspended: Server certificate not verified)\n",
	"out AAAAA1 b.example mx1.b[1.1.1.1] trusted yes yes unknown TLSv1.3 "
	"deferred name-mismatch\n"
	"out AAAAA2 b.example [] clear unknown unknown unknown  deferred "
	"name-mismatch\n"},
    {"what an alias keeps of a recipient",
	T "postfix/smtp[1]: AAAAA1: to=<joe@b.example>, orig_to=<\">, "
	  "relay=" M1 ", delay=1, delays=0/0/0/0, dsn=4.7.5, status=deferred "
	  "(Server certificate not trusted)\"@ours.example>, relay=" M2
	  ", " SENT "\n",
	"out AAAAA1 b.example mx2.b[1.1.1.2] clear no unknown unknown  sent "
	"ok\n"},
    {"a gateway that greets with an error, and one that hangs up",
	T "postfix/smtp[1]: AAAAA1: host mx1.b[1.1.1.1] refused to talk to me: "
	  "421 no\n" TLS("Verified", M2) TO("AAAAA1", M2, SENT) T
	"postfix/smtp[1]: AAAAA2: lost connection with mx1.b[1.1.1.1] while "
	"receiving the initial server greeting\n" TLS("Verified", M2)
	    TO("AAAAA2", M2, SENT),
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear unknown unknown unknown  "
	"skipped greeting-refused\n"
	"out AAAAA1 b.example mx2.b[1.1.1.2] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"
	"out AAAAA2 b.example mx1.b[1.1.1.1] clear unknown unknown unknown  "
	"skipped connection-lost\n"
	"out AAAAA2 b.example mx2.b[1.1.1.2] verified yes unknown unknown "
	"TLSv1.3 sent ok\n"},
    {"rsyslog's repeated message",
	TO("AAAAA1", M1, SENT) T
	"postfix/smtp[1]: message repeated 2 times: [ AAAAA1: "
	"to=<a@b.example>, relay=" M1 ", " SENT "]\n" T
	"postfix/smtp[1]: message repeated 99999999999999 times: [ x]\n" T
	"postfix/smtp[1]: message repeated 2 times: [\n",
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"
	"out AAAAA1 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"addresses that verify(8) asks about",
	TLS("Verified", M1) TO("AAAAA1", M1,
	    "delay=1, delays=1/0/0/0, dsn=2.0.0, status=deliverable (ok)")
	    TO("AAAAA2", M1,
		"delay=1, delays=1/0/0/0, dsn=5.1.1, status=undeliverable "
		"(no)") TO("AAAAA3", M1, SENT),
	"out AAAAA3 b.example mx1.b[1.1.1.1] clear no unknown unknown  sent "
	"ok\n"},
    {"a content filter's way back",
	T "postfix/smtpd[2]: AAAAB1: client=localhost[127.0.0.1]\n" T
	  "postfix/qmgr[3]: AAAAB1: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active)\n" T
	  "postfix/smtpd[2]: AAAAB2: client=f[2.2.2.2], orig_client=h[3.3.3.3]"
	  "\n" T
	  "postfix/qmgr[3]: AAAAB2: from=<x@c.example>, size=1, nrcpt=1 (queue "
	  "active)\n",
	""},
};

static void
t_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct buf out = {0};
		struct logjoin own = {.told = {note, &out, &stats}}, *j = &own;
		char *copy = strdup(cases[i].log), *line, *next = copy;

		while ((line = strsep(&next, "\n")) != NULL)
			feed(j, line);
		logjoin_end(j, true);
		check_str(
		    cases[i].name, out.len == 0 ? "" : out.data, cases[i].want);
		buf_free(&out);
		free(copy);
	}
}

/* --- interleavings ---------------------------------------------------- */

#define SCRIPTS 40
#define STEPS 24

static char *script[SCRIPTS][STEPS];
static size_t length[SCRIPTS];

static void say_line(unsigned s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say_line(unsigned s, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	assert_true(length[s] < STEPS);
	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) > 0);
	va_end(ap);
	script[s][length[s]++] = text;
}

/*
 * What one process writes (and qmgr about its mail). Two hosts write into the
 * log: each process, and each queue id, is there twice.
 */
#define HOSTS 2
#define AT "Nov 23 11:50:36 gw%u "
static void
write_script(unsigned s)
{
	unsigned n, id = 0xA0000 + s / HOSTS * 16;
	unsigned host = s % HOSTS, pid = s / HOSTS;

	for (n = 0; n < 3; n++, id++) {
		unsigned kind = (unsigned)random() % 4;

		if (pid % 2 == 0) {
			if (kind != 0)
				say_line(s,
				    AT "postfix/smtp[%u]: %s TLS connection "
				       "established to mx%u.b[1.1.1.%u]:25: "
				       "TLSv1.3 with cipher X (1/1 bits)",
				    host, pid,
				    kind == 1 ? "Trusted" : "Untrusted", kind,
				    kind);
			if (kind == 3)
				say_line(s,
				    AT "postfix/smtp[%u]: %X: Server "
				       "certificate not verified",
				    host, pid, id);
			say_line(s,
			    AT "postfix/smtp[%u]: %X: to=<a@b%u.example>, "
			       "relay=mx%u.b[1.1.1.%u]:25, " SENT,
			    host, pid, id, s, kind, kind);
			continue;
		}
		say_line(s, AT "postfix/smtpd[%u]: connect from h[2.2.2.%u]",
		    host, pid, s);
		if (kind != 0)
			say_line(s,
			    AT "postfix/smtpd[%u]: Anonymous TLS connection "
			       "established from h[2.2.2.%u]: TLSv1.3 with "
			       "cipher X (1/1 bits)",
			    host, pid, s);
		say_line(s, AT "postfix/smtpd[%u]: %X: client=h[2.2.2.%u]",
		    host, pid, id, s);
		say_line(s,
		    AT "postfix/qmgr[9]: %X: from=<x@c%u.example>, size=1, "
		       "nrcpt=1 (queue active)",
		    host, id, s);
		say_line(s,
		    AT "postfix/smtpd[%u]: disconnect from h[2.2.2.%u] "
		       "starttls=%d",
		    host, pid, s, kind != 0);
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of out, sorted. */
static char *
sorted(struct buf *out)
{
	char *line[SCRIPTS * STEPS], *next = out->data;
	struct buf all = {0};
	size_t n = 0, i;

	while ((line[n] = strsep(&next, "\n")) != NULL && next != NULL)
		n++;
	qsort(line, n, sizeof(line[0]), by_text);
	for (i = 0; i < n; i++)
		buf_printf(&all, "%s\n", line[i]);
	buf_free(out);
	return buf_take(&all);
}

static char *
play(bool mixed)
{
	struct buf out = {0};
	struct logjoin own = {.told = {note, &out, &stats}}, *j = &own;
	size_t at[SCRIPTS] = {0}, left = 0;
	unsigned s = 0;

	for (s = 0; s < SCRIPTS; s++)
		left += length[s];
	for (s = 0; left > 0; left--) {
		if (mixed)
			s = (unsigned)random() % SCRIPTS;
		while (at[s] == length[s])
			s = (s + 1) % SCRIPTS;
		feed(j, script[s][at[s]++]);
	}
	logjoin_end(j, false);
	return sorted(&out);
}

static void
t_interleaved(void **state)
{
	char *want, *got;
	unsigned s, i;
	size_t n;

	(void)state;
	srandom(42);
	for (s = 0; s < SCRIPTS; s++)
		write_script(s);
	want = play(false);
	assert_true(strlen(want) > 1000);
	for (i = 0; i < 200; i++) {
		got = play(true);
		check_str("interleaved", got, want);
		free(got);
	}
	free(want);
	for (s = 0; s < SCRIPTS; s++)
		for (n = 0; n < length[s]; n++)
			free(script[s][n]);
}

/* Far more processes and messages than there is room for. */
static void
t_bounded(void **state)
{
	struct buf out = {0};
	struct logjoin own = {.told = {note, &out, &stats}}, *j = &own;
	char line[256], *nl;
	unsigned i;

	(void)state;
	stats = (struct logjoin_stats){.lines = 0};
	for (i = 0; i < 6 * LOGJOIN_PROCESSES_MAX; i++) {
		(void)snprintf(line, sizeof(line),
		    T "postfix/smtpd[%u]: %X: client=h[2.2.2.2]", i,
		    0xA0000 + i);
		feed(j, line);
		(void)snprintf(line, sizeof(line),
		    T "postfix/qmgr[9]: %X: from=<x@c.example>, size=1, "
		      "nrcpt=1 (queue active)",
		    0xA0000 + i);
		feed(j, line);
		(void)snprintf(line, sizeof(line),
		    T "postfix/smtp[%u]: %X: Cannot start TLS: x", i, i);
		feed(j, line);
	}
	logjoin_end(j, true);
	/* Each was told once, if not at the time then when it made room. */
	for (i = 0, nl = out.data; nl < out.data + out.len; nl++)
		i += *nl == '\n';
	assert_int_equal(i, 6 * LOGJOIN_PROCESSES_MAX);
	assert_true(stats.lines == 18ull * LOGJOIN_PROCESSES_MAX);
	buf_free(&out);
}

static const struct {
	const char *text;
	enum fault fault;
} reasons[] = {
    {"TLS is required, but was not offered by host h[1.2.3.4]",
	FAULT_NO_STARTTLS},
    {"TLS is required, but host h[1.2.3.4] refused to start TLS: 454 4.7.0 x",
	FAULT_STARTTLS_REFUSED},
    {"TLS is required, but our TLS engine is unavailable", FAULT_LOCAL_ERROR},
    {"TLS is required, but unavailable", FAULT_LOCAL_ERROR},
    {"Cannot start TLS: handshake failure", FAULT_HANDSHAKE_FAILED},
    {"5.7.5 Cannot start TLS: handshake failure", FAULT_HANDSHAKE_FAILED},
    {"Server certificate not verified", FAULT_UNTRUSTED_ISSUER},
    {"Server certificate not trusted", FAULT_UNTRUSTED_ISSUER},
    {"delivery temporarily suspended: Server certificate not verified",
	FAULT_UNTRUSTED_ISSUER},
    {"delivery temporarily suspended: delivery temporarily suspended: connect "
     "to h[1.2.3.4]:25: Connection refused",
	FAULT_CONNECT_REFUSED},
    {"connect to h[1.2.3.4]:25: Connection timed out", FAULT_CONNECT_TIMEOUT},
    {"connect to h[1.2.3.4]:25: No route to host", FAULT_CONNECT_FAILED},
    {"client TLS configuration problem", FAULT_LOCAL_ERROR},
    {"Sender requested REQUIRETLS, but no trusted server certificate was "
     "found. The last attempted server was h[1.2.3.4]",
	FAULT_UNTRUSTED_ISSUER},
    {"Sender requested REQUIRETLS, but host h[1.2.3.4] refused to start TLS: "
     "454 4.7.0 x",
	FAULT_STARTTLS_REFUSED},
    {"Sender requested REQUIRETLS, but my configured TLS security level 'may' "
     "disables certificate matching. The last attempted server was h",
	FAULT_LOCAL_ERROR},
    {"REQUIRETLS policy configuration error. The last attempted server was h",
	FAULT_LOCAL_ERROR},
    {"Sender requested REQUIRETLS, but no server was found that supports "
     "REQUIRETLS. The last attempted server was h[1.2.3.4]",
	FAULT_OK},
    {"TLSA lookup error for h:25", FAULT_TLSA_FAILED},
    {"no TLSA records found", FAULT_NO_TLSA},
    {"non DNSSEC destination", FAULT_NO_TLSA},
    {"TLSA records unusable", FAULT_NO_TLSA},
    {"lost connection with h[1.2.3.4] while performing the EHLO handshake",
	FAULT_CONNECTION_LOST},
    {"conversation with h[1.2.3.4] timed out while receiving the initial "
     "server greeting",
	FAULT_TIMEOUT},
    {"host h[1.2.3.4] refused to talk to me: 554 no", FAULT_GREETING_REFUSED},
    {"Host or domain name not found. Name service error for name=x type=MX: "
     "Host not found, try again",
	FAULT_DNS_FAILED},
    {"Domain x.y does not accept mail (nullMX)", FAULT_NO_MX},
    /* What the other side says proves nothing. */
    {"host h[1.2.3.4] said: 450 4.7.1 TLS is required, but was not offered",
	FAULT_OK},
    {"host h[1.2.3.4] said: 450 : h[1.2.3.4] refused to talk to me: ",
	FAULT_OK},
    {"250 2.0.0 Ok", FAULT_OK},
    {"", FAULT_OK},
};

static const struct {
	const char *text;
	enum fault fault;
} verify[] = {
    {"certificate has expired", FAULT_EXPIRED},
    {"num=10:certificate has expired", FAULT_EXPIRED},
    {"certificate not yet valid", FAULT_NOT_YET_VALID},
    {"num=9:certificate is not yet valid", FAULT_NOT_YET_VALID},
    {"self-signed certificate", FAULT_SELF_SIGNED},
    {"num=18:self signed certificate", FAULT_SELF_SIGNED},
    {"num=19:self signed certificate in certificate chain",
	FAULT_UNTRUSTED_ISSUER},
    {"untrusted issuer /CN=certificate has expired", FAULT_UNTRUSTED_ISSUER},
    {"issuer X certificate unavailable", FAULT_UNTRUSTED_ISSUER},
    {"not trusted by local or TLSA policy", FAULT_UNTRUSTED_ISSUER},
    {"not designated for use as a server certificate", FAULT_WRONG_PURPOSE},
    {"num=26:unsupported certificate purpose", FAULT_WRONG_PURPOSE},
    {"num=62:hostname mismatch", FAULT_NAME_MISMATCH},
    {"num=62:Hostname mismatch", FAULT_NAME_MISMATCH},
    {"num=64:IP address mismatch", FAULT_NAME_MISMATCH},
    {"num=65:no matching DANE TLSA records", FAULT_DANE_MISMATCH},
    {"num=66:EE certificate key too weak", FAULT_WEAK_KEY},
    {"num=68:CA signature digest algorithm too weak", FAULT_WEAK_SIGNATURE},
    {"certificate chain longer than limit(9)", FAULT_UNTRUSTED_ISSUER},
    {"", FAULT_UNTRUSTED_ISSUER},
};

static void
keep_fault(const struct attempt *a, void *arg)
{
	*(enum fault *)arg = a->fault;
}

#define PEER "h[1.2.3.4]:25"

/* The fault of a delivery that failed with that text, and after that line. */
static const char *
fault_of(const char *before, const char *text)
{
	enum fault fault = FAULT_COUNT;
	struct logjoin own = {.told = {keep_fault, &fault, &stats}}, *j = &own;
	char line[1024];

	if (before != NULL) {
		(void)snprintf(line, sizeof(line),
		    T
		    "postfix/smtp[1]: certificate verification failed for " PEER
		    ": %s",
		    before);
		feed(j, line);
	}
	(void)snprintf(line, sizeof(line),
	    T "postfix/smtp[1]: AAAAA1: to=<a@b.example>, relay=" PEER
	      ", delay=1, delays=0/0/0/0, dsn=4.7.5, status=deferred (%s)",
	    text);
	feed(j, line);
	logjoin_end(j, false);
	return fault_text(fault);
}

static void
t_faults(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(reasons); i++)
		check_str(reasons[i].text, fault_of(NULL, reasons[i].text),
		    fault_text(reasons[i].fault));
	for (i = 0; i < COUNT(verify); i++)
		check_str(verify[i].text,
		    fault_of(verify[i].text, "Server certificate not verified"),
		    fault_text(verify[i].fault));
}

#define FROM "RCPT from h[192.0.2.1]: "
#define ENDS " to=<us@ours.example> proto=ESMTP helo=<x>"
#define OURS "<us@ours.example>: Recipient address rejected: Mail from"

/* Only Postfix's own fields count, whatever a client writes. */
/* Told as one of TLS, for the domain of that sender. */
static bool
is_refused(const char *text)
{
	enum fault fault = FAULT_OK;
	struct logjoin own = {.told = {keep_fault, &fault, &stats}}, *j = &own;
	char line[1024];

	(void)snprintf(line, sizeof(line),
	    T "postfix/smtpd[1]: NOQUEUE: reject: %s", text);
	feed(j, line);
	logjoin_end(j, false);
	return fault == FAULT_NO_STARTTLS;
}

static void
t_refusals(void **state)
{
	static const struct {
		const char *text;
		bool tls;
		const char *dsn, *sender;
	} refused[] = {
	    {FROM "450 4.7.10 " OURS " acme; from=<joe@acme.example>" ENDS,
		true, "4.7.10", "joe@acme.example"},
	    {FROM "550 5.7.10 " OURS " a; b; from=<>" ENDS, true, "5.7.10", ""},
	    {FROM "450 4.7.1 Session encryption is required; "
		  "from=<joe@acme.example>" ENDS,
		true, "4.7.1", "joe@acme.example"},
	    {"MAIL from h[192.0.2.1]: 530 5.7.0 Must issue a STARTTLS command "
	     "first; from=<joe@acme.example> proto=ESMTP helo=<x>",
		true, "5.7.0", "joe@acme.example"},
	    {"CONNECT from h[192.0.2.1]: 530 5.7.0 Must issue a STARTTLS "
	     "command first; proto=SMTP",
		true, "5.7.0", ""},
	    {FROM "450 4.7.10 " OURS " a; from=<joe@acme.example>" ENDS
		  " sasl_username=<a b>",
		true, "4.7.10", ""},
	    /* Refused for something else. */
	    {FROM "554 5.7.1 <x 450 4.7.10 y@ours.example>: Relay access "
		  "denied; from=<a@b.example> to=<\"x 450 4.7.10 "
		  "y\"@ours.example> proto=ESMTP helo=<x>",
		false, "5.7.1", "a@b.example"},
	    {FROM
		"550 5.1.1 <Session encryption is required@ours.example>: "
		"Recipient address rejected: User unknown; from=<a@b.example> "
		"to=<\"Session encryption is required\"@ours.example> "
		"proto=ESMTP helo=<x>",
		false, "5.1.1", "a@b.example"},
	    {FROM "450 4.7.1 <x>: Helo command rejected: Host not found; "
		  "from=<a@b.example> to=<us@ours.example> proto=ESMTP "
		  "helo=<x?450?4.7.10?y>",
		false, "4.7.1", "a@b.example"},
	    {FROM "554 4.7.10; from=<a@b.example>" ENDS, true, "4.7.10",
		"a@b.example"},
	    {FROM "x 450 4.7.10 y; from=<a@b.example>" ENDS, false, "",
		"a@b.example"},
	    /* Whose is it? */
	    {FROM "450 4.7.10 <x; from=<joe@acme.example>@ours.example>: "
		  "Recipient address rejected: Mail from b; from=<a@b.example> "
		  "to=<\"x; from=<joe@acme.example>\"@ours.example> "
		  "proto=ESMTP helo=<x>",
		true, "4.7.10", "a@b.example"},
	    {FROM "450 4.7.10 <x; from=<joe@acme.example> to=<z> proto=ESMTP "
		  "helo=<q@ours.example>: Recipient address rejected: Mail; "
		  "from=<a@b.example> to=<\"x; from=<joe@acme.example> to=<z> "
		  "proto=ESMTP helo=<q\"@ours.example> proto=ESMTP helo=<x>",
		true, "4.7.10", "a@b.example"},
	    {FROM "450 4.7.10 <x; from=<joe@acme.example> to=<z> proto=ESMTP "
		  "helo=<q> sasl_y@ours.example>: Recipient address rejected: "
		  "Mail; from=<a@b.example> to=<\"x; from=<joe@acme.example> "
		  "to=<z> proto=ESMTP helo=<q> sasl_y\"@ours.example> "
		  "proto=ESMTP helo=<x>",
		true, "4.7.10", "a@b.example"},
	    {FROM "450 4.7.10 " OURS " b; from=<\"a; from=<joe@acme.example> "
		  "to=<z> proto=ESMTP helo=<q>\\\"\"@b.example>" ENDS,
		true, "4.7.10",
		"\"a; from=<joe@acme.example> to=<z> proto=ESMTP "
		"helo=<q>\\\"\"@b.example"},
	    {FROM "450 4.7.10 " OURS " b; from=<a@b.example> "
		  "to=<us@ours.example> proto=ESMTP "
		  "helo=<x;?from=?joe@acme.example?>",
		true, "4.7.10", "a@b.example"},
	    /* Not by a Postfix that we know: nobody's. */
	    {FROM "450 4.7.10 " OURS " b; from=<a@b.example> "
		  "to=<us@ours.example> proto=ESMTP helo=<x; "
		  "from=<joe@acme.example>> y",
		true, "4.7.10", ""},
	    {FROM "450 4.7.10 " OURS " b; from=<\"a", true, "4.7.10", ""},
	    {FROM "450 4.7.10 " OURS " b; from=<\"a\\", true, "4.7.10", ""},
	    {FROM "450", false, "", ""},
	    {FROM, false, "", ""},
	};
	struct logtext_refusal r;
	char got[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(refused); i++) {
		check_true(refused[i].text,
		    logtext_refusal(SPAN(refused[i].text), &r));
		check_int(refused[i].text, is_refused(refused[i].text),
		    refused[i].tls);
		(void)snprintf(got, sizeof(got), "%.*s", SPAN_ARG(r.dsn));
		check_str(refused[i].text, got, refused[i].dsn);
		(void)snprintf(got, sizeof(got), "%.*s", SPAN_ARG(r.sender));
		check_str(refused[i].text, got, refused[i].sender);
	}
	assert_false(logtext_refusal(SPAN("RCPT from h"), &r));
	assert_false(logtext_refusal(SPAN("RCPT h[1]: 450 4.7.10 x"), &r));
	assert_false(logtext_refusal(SPAN(""), &r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_cases),
	    cmocka_unit_test(t_interleaved),
	    cmocka_unit_test(t_bounded),
	    cmocka_unit_test(t_faults),
	    cmocka_unit_test(t_refusals),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
