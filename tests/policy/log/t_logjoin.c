#include "check.h"

#include "buf.h"
#include "logjoin.h"
#include "logprefix.h"

#define NOW 1795435200 /* 2026-11-23 12:00:00 UTC */

/* What was told, a line each. */
static void
note(const struct attempt *a, void *arg)
{
	struct buf *out = arg;

	buf_printf(out, "%s %.*s %.*s %.*s[%.*s] %s %s %s %s %.*s %.*s %s\n",
	    evidence_direction_name(a->direction), SPAN_ARG(a->queue_id),
	    SPAN_ARG(a->domain), SPAN_ARG(a->host), SPAN_ARG(a->address),
	    evidence_seen_name(a->level), fact_name(a->encrypted),
	    fact_name(a->chain_trusted), fact_name(a->name_matched),
	    SPAN_ARG(a->protocol), SPAN_ARG(a->result), fault_text(a->fault));
}

static void
feed(struct logjoin *j, const char *line)
{
	static struct buf scratch;
	struct logprefix p;

	if (logprefix_parse((struct span){line, strlen(line)}, &scratch, &p) ==
	    0)
		(void)logjoin_line(j, &p);
	buf_free(&scratch);
}

#define T "Nov 23 11:50:36 gw "
#define TLS(who, host)                                                   \
	T "postfix/smtp[1]: " who " TLS connection established to " host \
	  ": TLSv1.3 with cipher X (1/1 bits)\n"
#define TO(qid, host, rest)                                                   \
	T "postfix/smtp[1]: " qid ": to=<a@b.example>, relay=" host ", " rest \
	  "\n"
#define SENT "delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (ok)"
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
		struct logjoin *j = logjoin_new(NOW, note, &out);
		char *copy = strdup(cases[i].log), *line, *next = copy;

		while ((line = strsep(&next, "\n")) != NULL)
			feed(j, line);
		logjoin_end(j);
		check_str(
		    cases[i].name, out.len == 0 ? "" : out.data, cases[i].want);
		logjoin_free(j);
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

/* What one process writes (and qmgr about its mail). */
static void
write_script(unsigned s)
{
	unsigned n, id = 0xA0000 + s * 16;

	for (n = 0; n < 3; n++, id++) {
		unsigned kind = (unsigned)random() % 4;

		if (s % 2 == 0) {
			if (kind != 0)
				say_line(s,
				    T "postfix/smtp[%u]: %s TLS connection "
				      "established to mx%u.b[1.1.1.%u]:25: "
				      "TLSv1.3 with cipher X (1/1 bits)",
				    s, kind == 1 ? "Trusted" : "Untrusted",
				    kind, kind);
			if (kind == 3)
				say_line(s,
				    T "postfix/smtp[%u]: %X: Server "
				      "certificate not verified",
				    s, id);
			say_line(s,
			    T "postfix/smtp[%u]: %X: to=<a@b%u.example>, "
			      "relay=mx%u.b[1.1.1.%u]:25, " SENT,
			    s, id, s, kind, kind);
			continue;
		}
		say_line(
		    s, T "postfix/smtpd[%u]: connect from h[2.2.2.%u]", s, s);
		if (kind != 0)
			say_line(s,
			    T "postfix/smtpd[%u]: Anonymous TLS connection "
			      "established from h[2.2.2.%u]: TLSv1.3 with "
			      "cipher X (1/1 bits)",
			    s, s);
		say_line(
		    s, T "postfix/smtpd[%u]: %X: client=h[2.2.2.%u]", s, id, s);
		say_line(s,
		    T "postfix/qmgr[9]: %X: from=<x@c%u.example>, size=1, "
		      "nrcpt=1 (queue active)",
		    id, s);
		say_line(s,
		    T "postfix/smtpd[%u]: disconnect from h[2.2.2.%u] "
		      "starttls=%d",
		    s, s, kind != 0);
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
	struct logjoin *j = logjoin_new(NOW, note, &out);
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
	logjoin_free(j);
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
	struct logjoin *j = logjoin_new(NOW, note, &out);
	char line[256], *nl;
	unsigned i;

	(void)state;
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
	logjoin_end(j);
	/* Each was told once, if not at the time then when it made room. */
	for (i = 0, nl = out.data; nl < out.data + out.len; nl++)
		i += *nl == '\n';
	assert_int_equal(i, 6 * LOGJOIN_PROCESSES_MAX);
	assert_true(logjoin_stats(j)->lines == 18ull * LOGJOIN_PROCESSES_MAX);
	logjoin_free(j);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_cases),
	    cmocka_unit_test(t_interleaved),
	    cmocka_unit_test(t_bounded),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
