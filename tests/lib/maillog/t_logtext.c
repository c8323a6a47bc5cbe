#include "check.h"

#include "logtext.h"

#define SPAN(s) ((struct span){(s), strlen(s)})

/* A copy as a string; a few live at once. */
static const char *
str(struct span s)
{
	static char ring[8][512];
	static unsigned next;
	char *out = ring[next++ % 8];

	(void)snprintf(out, sizeof(ring[0]), "%.*s", SPAN_ARG(s));
	return out;
}

static const struct {
	const char *text;
	bool want;
	enum logtext_trust trust;
	bool reused, inbound;
	const char *host, *address;
	unsigned port;
	const char *protocol, *cipher;
} sessions[] = {
    {"Verified TLS connection established to mx.a[1.2.3.4]:25: TLSv1.3 with "
     "cipher X (256/256 bits) key-exchange Y",
	true, LOGTEXT_VERIFIED, false, false, "mx.a", "1.2.3.4", 25, "TLSv1.3",
	"X"},
    {"Trusted TLS connection reused to mx.a[2001:db8::1]:2525: TLSv1.2 with "
     "cipher X (1/1 bits)",
	true, LOGTEXT_TRUSTED, true, false, "mx.a", "2001:db8::1", 2525,
	"TLSv1.2", "X"},
    {"Untrusted TLS connection established from mx.a[1.2.3.4] to sni.b: "
     "TLSv1.3 with cipher X (1/1 bits)",
	true, LOGTEXT_UNTRUSTED, false, true, "mx.a", "1.2.3.4", 0, "TLSv1.3",
	"X"},
    {"Anonymous TLS connection established from [1.2.3.4]:9: TLSv1 with "
     "cipher X (1/1 bits)",
	true, LOGTEXT_ANONYMOUS, false, true, "", "1.2.3.4", 9, "TLSv1", "X"},
    {"TLS connection established to mx.a: TLSv1 with cipher X (1/1 bits)", true,
	LOGTEXT_UNSAID, false, false, "mx.a", "", 0, "TLSv1", "X"},
    {"Verified TLS connection established to mx.a[1.2.3.4]:25", false, 0, 0, 0,
	"", "", 0, "", ""},
    {"Verified TLS connection established to mx.a[1.2.3.4", false, 0, 0, 0, "",
	"", 0, "", ""},
    {"Verified TLS connection established to mx.a[1.2.3.4]:25: with cipher",
	false, 0, 0, 0, "", "", 0, "", ""},
    {"Verified TLS connection broken to mx.a[1.2.3.4]:25: T with cipher X (",
	false, 0, 0, 0, "", "", 0, "", ""},
    {"Verified TLS ", false, 0, 0, 0, "", "", 0, "", ""},
    {"", false, 0, 0, 0, "", "", 0, "", ""},
};

static void
t_sessions(void **state)
{
	struct logtext_session s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sessions); i++) {
		const char *row = sessions[i].text;

		check_int(
		    row, logtext_session(SPAN(row), &s), sessions[i].want);
		if (!sessions[i].want)
			continue;
		check_int(row, s.trust, sessions[i].trust);
		check_int(row, s.reused, sessions[i].reused);
		check_int(row, s.inbound, sessions[i].inbound);
		check_str(row, str(s.peer.host), sessions[i].host);
		check_str(row, str(s.peer.address), sessions[i].address);
		check_int(row, s.peer.port, sessions[i].port);
		check_str(row, str(s.protocol), sessions[i].protocol);
		check_str(row, str(s.cipher), sessions[i].cipher);
	}
}

/* How keys are agreed, as Postfix names it or the cipher does. */
static void
t_exchanges(void **state)
{
#define SAID "Verified TLS connection established to h[1.2.3.4]:25: "
	static const struct {
		const char *text, *exchange, *signature;
	} rows[] = {
	    {SAID "TLSv1.3 with cipher X (256/256 bits) key-exchange "
		  "X25519MLKEM768 server-signature RSA-PSS (2048 bits) "
		  "server-digest SHA256",
		"X25519MLKEM768", "RSA-PSS (2048 bits)"},
	    {SAID "TLSv1.3 with cipher X (256/256 bits) key-exchange ECDHE "
		  "(P-256) server-signature ECDSA (P-256) server-digest SHA256 "
		  "client-signature RSA-PSS (2048 bits)",
		"ECDHE (P-256)", "ECDSA (P-256)"},
	    {SAID "TLSv1.3 with cipher X (256/256 bits) key-exchange X25519",
		"X25519", ""},
	    {SAID "TLSv1.3 with cipher X (256/256 bits)", "", ""},
	    {SAID "TLSv1.3 with cipher X (1/1 bits) key-exchange ECDHE (P",
		"ECDHE", ""},
	    {SAID "TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (1/1 bits)",
		"ECDHE", ""},
	    {SAID "TLSv1.2 with cipher DHE-RSA-AES256-SHA (1/1 bits)", "DHE",
		""},
	    {SAID "TLSv1.2 with cipher AES256-SHA (1/1 bits)", "RSA", ""},
	};
	struct logtext_session s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		check_true(
		    rows[i].text, logtext_session(SPAN(rows[i].text), &s));
		check_str(rows[i].text, str(s.exchange), rows[i].exchange);
		check_str(rows[i].text, str(s.signature), rows[i].signature);
	}
}

static const struct {
	const char *text;
	bool want;
	const char *id, *recipient, *host;
	unsigned conn_use;
	const char *tls, *dsn, *status, *reason;
} deliveries[] = {
    {"9C4D11: to=<a@b.c>, relay=h.i[1.2.3.4]:25, delay=1, delays=1/0/0/0, "
     "dsn=2.0.0, status=sent (250 ok)",
	true, "9C4D11", "a@b.c", "h.i", 0, "", "2.0.0", "sent", "250 ok"},
    {"4Rz1bq5Yz9zB1c: to=<a@b.c>, orig_to=<d>, relay=h.i[::1]:25, conn_use=3, "
     "delay=1, delays=1/0/0/0, tls=may:none, dsn=2.0.0, status=sent (x (y))",
	true, "4Rz1bq5Yz9zB1c", "a@b.c", "h.i", 3, "may:none", "2.0.0", "sent",
	"x (y)"},
    /* Postfix 2.2 and before have no dsn. */
    {"9C4D11: to=<a@b.c>, relay=none, delay=1, status=deferred (why)", true,
	"9C4D11", "a@b.c", "", 0, "", "", "deferred", "why"},
    {"9C4D11: to=<\"x\\\">, relay=y[1.1.1.1]:1, \"@b.c>, relay=h.i[1.2.3.4]:25,"
     " delay=1, status=sent (ok)",
	true, "9C4D11", "\"x\\\">, relay=y[1.1.1.1]:1, \"@b.c", "h.i", 0, "",
	"", "sent", "ok"},
    {"9C4D11: to=<a@b.c>, relay=h.i[1.2.3.4]:25, delay=1, status=sent (a>, "
     "relay=q[6.6.6.6]:25, status=bounced (b))",
	true, "9C4D11", "a@b.c", "h.i", 0, "", "", "sent",
	"a>, relay=q[6.6.6.6]:25, status=bounced (b)"},
    {"9C4D11: to=<a@b.c>, relay=none, delay=1, status=", false, "", "", "", 0,
	"", "", "", ""},
    {"9C4D11: to=<a@b.c>, relay=none", false, "", "", "", 0, "", "", "", ""},
    {"9C4D11: to=<a@b.c", false, "", "", "", 0, "", "", "", ""},
    {"9C4D11: to=<\"a@b.c>, relay=x, status=sent (", false, "", "", "", 0, "",
	"", "", ""},
    {"warning: to=<a@b.c>, relay=none, status=sent (x)", false, "", "", "", 0,
	"", "", "", ""},
    {"9C4D: to=<a@b.c>, relay=none, status=sent (x)", false, "", "", "", 0, "",
	"", "", ""},
};

static void
t_deliveries(void **state)
{
	struct logtext_delivery d;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(deliveries); i++) {
		const char *row = deliveries[i].text;

		check_int(
		    row, logtext_delivery(SPAN(row), &d), deliveries[i].want);
		if (!deliveries[i].want)
			continue;
		check_str(row, str(d.queue_id), deliveries[i].id);
		check_str(row, str(d.recipient), deliveries[i].recipient);
		check_str(row, str(d.peer.host), deliveries[i].host);
		check_int(row, d.conn_use, deliveries[i].conn_use);
		check_str(row, str(d.tls), deliveries[i].tls);
		check_str(row, str(d.dsn), deliveries[i].dsn);
		check_str(row, str(d.status), deliveries[i].status);
		check_str(row, str(d.reason), deliveries[i].reason);
	}
}

static void
t_words(void **state)
{
	struct logtext_peer peer;
	struct span s;

	(void)state;
	check_int("verification",
	    logtext_complaint(
		SPAN("CA certificate verification failed for h[1.1.1.1]:25: "
		     "certificate has expired"),
		&peer, &s),
	    LOGTEXT_VERIFY_FAILED);
	assert_string_equal(str(s), "certificate has expired");
	check_int("verification of 2.3",
	    logtext_complaint(
		SPAN("certificate verification failed for h:issuer X "
		     "certificate unavailable"),
		&peer, &s),
	    LOGTEXT_VERIFY_FAILED);
	assert_string_equal(str(peer.host), "h");
	check_int("of nobody",
	    logtext_complaint(
		SPAN("certificate verification failed for "), &peer, &s),
	    LOGTEXT_NO_COMPLAINT);
	check_int("SSL_accept",
	    logtext_complaint(
		SPAN("SSL_accept error from h[1.1.1.1]: lost connection"),
		&peer, &s),
	    LOGTEXT_SSL_ERROR);
	assert_string_equal(str(s), "lost connection");
	check_int("cut", logtext_complaint(SPAN("SSL_x"), &peer, &s),
	    LOGTEXT_NO_COMPLAINT);
	assert_int_equal(
	    logtext_starttls(SPAN("h[1] ehlo=2 starttls=1 quit=1")), 1);
	assert_int_equal(logtext_starttls(SPAN("h[1] starttls=0/1")), 0);
	assert_int_equal(logtext_starttls(SPAN("h[1] ehlo=1")), -1);
	assert_true(logtext_domain(SPAN("\"a@b\"@c.d"), &s));
	assert_string_equal(str(s), "c.d");
	assert_false(logtext_domain(SPAN("a@"), &s));
	assert_false(logtext_domain(SPAN(""), &s));
}

static struct logtext_delivery
delivery_with(const char *field)
{
	struct logtext_delivery d;
	char line[160];

	(void)snprintf(line, sizeof(line),
	    "3FABCD: to=<a@b.example>, relay=h[1.1.1.1]:25, delay=1, "
	    "%s, dsn=2.0.0, status=sent (ok)",
	    field);
	check_true(line, logtext_delivery(SPAN(line), &d));
	return d;
}

static enum logtext_policy
policy_of(const char *tls)
{
	char field[80];

	(void)snprintf(field, sizeof(field), "tls=%s", tls);
	return delivery_with(field).by;
}

/* Connecting and sending, each rounded up: no more than it can have been. */
static void
t_busy(void **state)
{
	static const struct {
		const char *delays;
		unsigned want;
	} rows[] = {
	    {"delays=9/9/0/0", 0},
	    {"delays=374/0.15/0.02/0", 1},
	    {"delays=1/0/1.2/0.01", 3},
	    {"delays=1/0/12/30", 44},
	};
	struct logtext_delivery d;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		d = delivery_with(rows[i].delays);
		check_true(rows[i].delays, d.timed);
		check_int(rows[i].delays, d.busy, rows[i].want);
	}
	check_true("not said", !delivery_with("tls=may").timed);
}

/* Every word that the tls= of 3.11 and 3.12 can have. */
static void
t_policies(void **state)
{
	static const char *const level[] = {"none", "may", "encrypt",
	    "fingerprint", "halfdane", "dane", "dane-only", "verify", "secure",
	    "unknown"};
	static const enum logtext_policy by[] = {LOGTEXT_CLEAR,
	    LOGTEXT_ENCRYPTED, LOGTEXT_ENCRYPTED, LOGTEXT_KEYED,
	    LOGTEXT_ENCRYPTED, LOGTEXT_DANE, LOGTEXT_DANE, LOGTEXT_NAMED,
	    LOGTEXT_NAMED, LOGTEXT_NO_POLICY};
	static const char *const wish[] = {"", "/requiretls",
	    "/requiretls:nocertmatch", "/requiretls:none", "/requiretls?",
	    "/!requiretls", "/!requiretls:nocertmatch",
	    "/!requiretls:nostarttls", "/!requiretls:noencryption",
	    "/!requiretls:none"};
	char text[64];
	size_t i, k, w;

	(void)state;
	for (i = 0; i < COUNT(level); i++)
		for (k = 0; k < COUNT(level); k++)
			for (w = 0; w < COUNT(wish); w++) {
				bool broken = w > 4;

				(void)snprintf(text, sizeof(text), "%s%s%s%s",
				    level[i], i == k ? "" : ":",
				    i == k ? "" : level[k], wish[w]);
				check_int(text, policy_of(text),
				    broken ? LOGTEXT_NO_POLICY : by[k]);
				(void)snprintf(text, sizeof(text), "!%s%s%s%s",
				    level[i], i == k ? "" : ":",
				    i == k ? "" : level[k], wish[w]);
				check_int(
				    text, policy_of(text), LOGTEXT_NO_POLICY);
				(void)snprintf(text, sizeof(text), "%s?%s",
				    level[i], wish[w]);
				check_int(
				    text, policy_of(text), LOGTEXT_NO_POLICY);
			}
	check_int("empty", policy_of(""), LOGTEXT_NO_POLICY);
	check_int("new", policy_of("safer"), LOGTEXT_NO_POLICY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_sessions),
	    cmocka_unit_test(t_exchanges),
	    cmocka_unit_test(t_deliveries),
	    cmocka_unit_test(t_words),
	    cmocka_unit_test(t_policies),
	    cmocka_unit_test(t_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
