/*
 * t_starttls.c: what one look at a server reports, for every way in which
 * tests/tools/fakemx can go wrong.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>

#include <cmocka.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "err.h"
#include "fakemx_run.h"
#include "outcomes.h"
#include "starttls.h"

#define PATIENT_MS 60000 /* a limit that no passing test comes near */
#define HASTY_MS 2000	 /* for servers that are known not to answer */

static char pem[] = "/tmp/t_starttls.XXXXXX";
static char chain[] = "/tmp/t_starttls.XXXXXX";
static char huge[] = "/tmp/t_starttls.XXXXXX";
static struct fakemx fake;

enum { SEC_0 = 0, SEC_1 = 1 };

static const struct test {
	const char *mode;
	enum starttls_outcome outcome;
	enum starttls_phase phase;
	int code;
	const char *text; /* is part of it; NULL: it is empty */
	const char *sni;
	int level; /* security level of the client */
	int min_proto;
	bool hasty;
	bool tls;
	int proto; /* TLS 1.3 if tls and 0 */
	const char *kex;
	bool no_chain;
	bool injected;
	bool cert_asked;
	bool requiretls;
} tests[] = {
    {.mode = "requiretls",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.requiretls = true},
    {.mode = "clearrequiretls",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "good",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.kex = "X25519"},
    {.mode = "good",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.level = SEC_1,
	.min_proto = TLS1_2_VERSION,
	.sni = "mx.example",
	.tls = true},
    {.mode = "lower",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "params",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "noise",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "barelf",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "inject",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.injected = true},
    {.mode = "ehlotls4",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "askcert",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.cert_asked = true},
    {.mode = "tls10",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.proto = TLS1_VERSION},
    {.mode = "tls11",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.proto = TLS1_1_VERSION},
    {.mode = "tls12",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.proto = TLS1_2_VERSION},
    {.mode = "tls13",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.min_proto = TLS1_3_VERSION,
	.tls = true},
    {.mode = "rsakex",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true,
	.proto = TLS1_2_VERSION,
	.kex = ""},
    {.mode = "dh1024",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.level = SEC_1,
	.tls = true,
	.proto = TLS1_2_VERSION,
	.kex = "DHE (1024 bits)"},
    {.mode = "needsni",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.sni = "mx.example",
	.tls = true},

    {.mode = "tls10",
	.outcome = STARTTLS_PROTOCOL_TOO_OLD,
	.phase = STARTTLS_HANDSHAKE,
#if OPENSSL_VERSION_PREREQ(3, 5)
	/* It does not even offer what this level forbids. */
	.text = "protocol version",
	.no_chain = true,
#else
	.text = "legacy sigalg disallowed",
#endif
	.level = SEC_1},
    {.mode = "tls11",
	.outcome = STARTTLS_PROTOCOL_TOO_OLD,
	.phase = STARTTLS_HANDSHAKE,
	.text = "protocol version",
	.min_proto = TLS1_2_VERSION,
	.no_chain = true},
    {.mode = "tls12",
	.outcome = STARTTLS_PROTOCOL_TOO_OLD,
	.phase = STARTTLS_HANDSHAKE,
	.text = "protocol version",
	.min_proto = TLS1_3_VERSION,
	.no_chain = true},
    {.mode = "needsni",
	.outcome = STARTTLS_HANDSHAKE_FAILED,
	.phase = STARTTLS_HANDSHAKE,
	.text = "unrecognized name",
	.no_chain = true},
    {.mode = "anon",
	.outcome = STARTTLS_HANDSHAKE_FAILED,
	.phase = STARTTLS_HANDSHAKE,
	.text = "handshake failure",
	.no_chain = true},
    {.mode = "garbage",
	.outcome = STARTTLS_HANDSHAKE_FAILED,
	.phase = STARTTLS_HANDSHAKE,
	.text = "wrong version number",
	.no_chain = true},
    {.mode = "needcert12",
	.outcome = STARTTLS_CERT_WANTED,
	.phase = STARTTLS_HANDSHAKE,
	.text = "handshake failure",
	.cert_asked = true},
    {.mode = "needcert",
	.outcome = STARTTLS_CERT_WANTED,
	.phase = STARTTLS_EHLO_TLS,
	.text = "certificate required",
	.tls = true,
	.cert_asked = true},

    {.mode = "greet421",
	.outcome = STARTTLS_GREETING_REFUSED,
	.phase = STARTTLS_GREETING,
	.code = 421,
	.text = "4.3.2 closing down",
	.no_chain = true},
    {.mode = "greet450",
	.outcome = STARTTLS_GREETING_REFUSED,
	.phase = STARTTLS_GREETING,
	.code = 450,
	.text = "not now",
	.no_chain = true},
    {.mode = "greet554",
	.outcome = STARTTLS_GREETING_REFUSED,
	.phase = STARTTLS_GREETING,
	.code = 554,
	.text = "go away",
	.no_chain = true},
    {.mode = "greet521",
	.outcome = STARTTLS_GREETING_REFUSED,
	.phase = STARTTLS_GREETING,
	.code = 521,
	.text = "no mail here",
	.no_chain = true},
    {.mode = "ehlo4",
	.outcome = STARTTLS_NOT_OFFERED,
	.phase = STARTTLS_EHLO,
	.code = 250,
	.text = "ok",
	.no_chain = true},
    {.mode = "ehlo5",
	.outcome = STARTTLS_NOT_OFFERED,
	.phase = STARTTLS_EHLO,
	.code = 250,
	.text = "ok",
	.no_chain = true},
    {.mode = "nohelo",
	.outcome = STARTTLS_EHLO_REFUSED,
	.phase = STARTTLS_EHLO,
	.code = 502,
	.text = "what?",
	.no_chain = true},
    {.mode = "masked",
	.outcome = STARTTLS_MASKED,
	.phase = STARTTLS_EHLO,
	.code = 250,
	.text = "ok",
	.no_chain = true},
    {.mode = "masked220",
	.outcome = STARTTLS_OK,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "ehlotls421",
	.outcome = STARTTLS_EHLO_REFUSED,
	.phase = STARTTLS_EHLO_TLS,
	.code = 421,
	.text = "closing down",
	.tls = true},
    {.mode = "nostarttls",
	.outcome = STARTTLS_NOT_OFFERED,
	.phase = STARTTLS_EHLO,
	.code = 250,
	.text = "8BITMIME",
	.no_chain = true},
    {.mode = "token",
	.outcome = STARTTLS_NOT_OFFERED,
	.phase = STARTTLS_EHLO,
	.code = 250,
	.text = "8BITMIME",
	.no_chain = true},
    {.mode = "refuse454",
	.outcome = STARTTLS_REFUSED,
	.phase = STARTTLS_COMMAND,
	.code = 454,
	.text = "4.7.0 TLS not available",
	.no_chain = true},
    {.mode = "refuse554",
	.outcome = STARTTLS_REFUSED,
	.phase = STARTTLS_COMMAND,
	.code = 554,
	.text = "no TLS for you",
	.no_chain = true},

    {.mode = "drop",
	.outcome = STARTTLS_CLOSED,
	.phase = STARTTLS_GREETING,
	.no_chain = true},
    {.mode = "dropehlo",
	.outcome = STARTTLS_CLOSED,
	.phase = STARTTLS_EHLO,
	.no_chain = true},
    {.mode = "dropstarttls",
	.outcome = STARTTLS_CLOSED,
	.phase = STARTTLS_COMMAND,
	.no_chain = true},
    {.mode = "close",
	.outcome = STARTTLS_CLOSED,
	.phase = STARTTLS_HANDSHAKE,
	.no_chain = true},
    {.mode = "closetls",
	.outcome = STARTTLS_CLOSED,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},
    {.mode = "dropehlotls",
	.outcome = STARTTLS_CLOSED,
	.phase = STARTTLS_EHLO_TLS,
	.tls = true},

    {.mode = "endless",
	.outcome = STARTTLS_TOO_MUCH,
	.phase = STARTTLS_GREETING,
	.code = 220,
	.text = "and there is more",
	.no_chain = true},
    {.mode = "endlessline",
	.outcome = STARTTLS_TOO_MUCH,
	.phase = STARTTLS_GREETING,
	.no_chain = true},
    {.mode = "bigehlo",
	.outcome = STARTTLS_TOO_MUCH,
	.phase = STARTTLS_EHLO,
	.code = 250,
	.text = "XFILLER-12",
	.no_chain = true},

    {.mode = "blackhole",
	.outcome = STARTTLS_CONNECT_TIMEOUT,
	.phase = STARTTLS_CONNECT,
	.hasty = true,
	.no_chain = true},
    {.mode = "silent",
	.outcome = STARTTLS_TIMEOUT,
	.phase = STARTTLS_GREETING,
	.hasty = true,
	.no_chain = true},
    {.mode = "drip",
	.outcome = STARTTLS_TIMEOUT,
	.phase = STARTTLS_GREETING,
	.hasty = true,
	.no_chain = true},
    {.mode = "silentehlo",
	.outcome = STARTTLS_TIMEOUT,
	.phase = STARTTLS_EHLO,
	.hasty = true,
	.no_chain = true},
    {.mode = "silentstarttls",
	.outcome = STARTTLS_TIMEOUT,
	.phase = STARTTLS_COMMAND,
	.hasty = true,
	.no_chain = true},
    {.mode = "silenttls",
	.outcome = STARTTLS_TIMEOUT,
	.phase = STARTTLS_HANDSHAKE,
	.hasty = true,
	.no_chain = true},
    {.mode = "silentehlotls",
	.outcome = STARTTLS_TIMEOUT,
	.phase = STARTTLS_EHLO_TLS,
	.hasty = true,
	.tls = true},
};

static struct starttls_ctx *
open_ctx(int level, int min_proto, unsigned step_ms, unsigned total_ms)
{
	struct starttls_params p = {.helo = "probe.example",
	    .security_level = level,
	    .min_proto = min_proto,
	    .step_ms = step_ms,
	    .total_ms = total_ms};
	struct err err = {0};
	struct starttls_ctx *ctx = starttls_ctx_new(&p, &err);

	if (ctx == NULL)
		fail_msg("%s", err.text);
	return ctx;
}

static int
start_servers(void **state)
{
	/* The last two are told apart by their place, see addr_at. */
	static char with_chain[64], with_huge[64];
	static const char *specs[FAKEMX_MAX + 1];
	static char text[FAKEMX_MAX][64];
	size_t i, j, n = 0;

	(void)state;
	close(mkstemp(pem));
	close(mkstemp(chain));
	close(mkstemp(huge));
	fakemx_pem(pem, 0);
	fakemx_pem(chain, 99);
	fakemx_pem(huge, 299);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		for (j = 0; j < i; j++)
			if (strcmp(tests[i].mode, tests[j].mode) == 0)
				break;
		if (j < i)
			continue;
		(void)snprintf(
		    text[n], sizeof(text[n]), "127.0.0.1:0 %s", tests[i].mode);
		specs[n] = text[n];
		n++;
	}
	(void)snprintf(
	    with_chain, sizeof(with_chain), "127.0.0.1:0 good %s", chain);
	(void)snprintf(
	    with_huge, sizeof(with_huge), "127.0.0.1:0 good %s", huge);
	specs[n++] = with_chain;
	specs[n++] = with_huge;
	fakemx_start(&fake, pem, specs);
	return 0;
}

static int
stop_servers(void **state)
{
	(void)state;
	fakemx_stop(&fake);
	unlink(pem);
	unlink(chain);
	unlink(huge);
	return 0;
}

static int failures;

static void
complain(const struct test *t, const struct starttls_result *r)
{
	print_error("%s: %s in %s code %d text '%s' tls %d %s %s kex '%s'"
		    " chain %d injected %d asked %d errno %d\n",
	    t->mode, outcome_name(r->outcome), starttls_phase_names[r->phase],
	    r->code, r->text, r->tls, r->tls ? r->proto_name : "-", r->cipher,
	    r->kex, r->chain == NULL ? 0 : sk_X509_num(r->chain), r->injected,
	    r->cert_asked, r->errnum);
	failures++;
}

static void
compare(const struct starttls_result *r, void *arg)
{
	const struct test *t = arg;
	int proto = t->proto == 0 ? TLS1_3_VERSION : t->proto;
	bool text_ok = t->text == NULL ? r->text[0] == '\0'
				       : strstr(r->text, t->text) != NULL;

	if (r->outcome != t->outcome || r->phase != t->phase ||
	    r->code != t->code || !text_ok || r->tls != t->tls ||
	    (r->chain == NULL) != t->no_chain || r->injected != t->injected ||
	    r->cert_asked != t->cert_asked || r->requiretls != t->requiretls ||
	    (r->tls && r->proto != proto) ||
	    (t->kex != NULL && strcmp(r->kex, t->kex) != 0) ||
	    (r->chain != NULL && sk_X509_num(r->chain) != 1))
		complain(t, r);
	if (ERR_peek_error() != 0) {
		print_error("%s: OpenSSL's queue is not empty\n", t->mode);
		failures++;
	}
}

/*
 * All at once, but the hasty ones by themselves: their time must not go by
 * while the others are busy.
 */
static void
run_modes(bool hasty)
{
	const size_t n = sizeof(tests) / sizeof(tests[0]);
	struct event_base *base = event_base_new();
	size_t i, fds = count_fds();

	failures = 0;
	for (i = 0; i < n; i++) {
		const struct test *t = &tests[i];
		unsigned ms = hasty ? HASTY_MS : PATIENT_MS;
		struct starttls_ctx *ctx;
		union {
			const void *in;
			void *out;
		} arg = {.in = t};

		if (t->hasty != hasty)
			continue;
		ctx = open_ctx(t->level, t->min_proto, ms, PATIENT_MS);
		(void)starttls_start(base, ctx, fakemx_addr(&fake, t->mode),
		    sizeof(struct sockaddr_in), t->sni, compare, arg.out);
		starttls_ctx_free(ctx); /* the session keeps it */
	}
	event_base_dispatch(base);
	assert_int_equal(count_fds(), fds);
	event_base_free(base);
	assert_int_equal(failures, 0);
}

static void
every_mode(void **state)
{
	(void)state;
	run_modes(false);
}

static void
every_silence(void **state)
{
	(void)state;
	run_modes(true);
}

static void
keep(const struct starttls_result *r, void *arg)
{
	struct starttls_result *out = arg;

	*out = *r;
	if (r->chain != NULL)
		out->chain = X509_chain_up_ref(r->chain);
}

static struct starttls_result
look(const struct sockaddr *sa, socklen_t len, const char *sni,
    unsigned step_ms, unsigned total_ms)
{
	struct event_base *base = event_base_new();
	struct starttls_ctx *ctx = open_ctx(SEC_0, 0, step_ms, total_ms);
	struct starttls_result r = {.outcome = STARTTLS_OK, .total_ms = ~0u};

	(void)starttls_start(base, ctx, sa, len, sni, keep, &r);
	assert_int_equal(r.total_ms, ~0u); /* never called from inside */
	event_base_dispatch(base);
	assert_int_not_equal(r.total_ms, ~0u);
	starttls_ctx_free(ctx);
	event_base_free(base);
	return r;
}

static void
facts_of_a_good_server(void **state)
{
	struct starttls_result r;
	X509 *leaf;

	(void)state;
	r = look(fakemx_addr(&fake, "good"), sizeof(struct sockaddr_in), NULL,
	    PATIENT_MS, PATIENT_MS);
	assert_int_equal(r.outcome, STARTTLS_OK);
	assert_string_equal(r.proto_name, "TLSv1.3");
	assert_string_equal(r.cipher, "TLS_AES_256_GCM_SHA384");
	assert_string_equal(r.sig, "RSA-PSS");
	assert_int_equal(sk_X509_num(r.chain), 1);
	leaf = sk_X509_value(r.chain, 0);
	assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(leaf)), 4711);
	sk_X509_pop_free(r.chain, X509_free);
}

/* 100 certificates are taken; what is over the limit is refused. */
static void
long_chains(void **state)
{
	struct starttls_result r;

	(void)state;
	r = look((struct sockaddr *)&fake.at[fake.n - 2].sa,
	    sizeof(struct sockaddr_in), NULL, PATIENT_MS, PATIENT_MS);
	assert_int_equal(r.outcome, STARTTLS_OK);
	assert_int_equal(sk_X509_num(r.chain), 100);
	sk_X509_pop_free(r.chain, X509_free);
	r = look((struct sockaddr *)&fake.at[fake.n - 1].sa,
	    sizeof(struct sockaddr_in), NULL, PATIENT_MS, PATIENT_MS);
	assert_int_equal(r.outcome, STARTTLS_HANDSHAKE_FAILED);
	assert_string_equal(r.text, "excessive message size");
	assert_null(r.chain);
}

/* Progress does not help a server beyond the overall limit. */
static void
overall_limit(void **state)
{
	struct starttls_result r;

	(void)state;
	r = look(fakemx_addr(&fake, "drip"), sizeof(struct sockaddr_in), NULL,
	    PATIENT_MS, 300);
	assert_int_equal(r.outcome, STARTTLS_TIMEOUT);
	assert_int_equal(r.phase, STARTTLS_GREETING);
	assert_in_range(r.total_ms, 250, PATIENT_MS - 1);
}

static void
nobody_listens(void **state)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	struct starttls_result r;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	/* Bound but not listening: nobody else can have the port. */
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	r = look((struct sockaddr *)&sa, len, NULL, PATIENT_MS, PATIENT_MS);
	assert_int_equal(r.outcome, STARTTLS_CONNECT_REFUSED);
	assert_int_equal(r.phase, STARTTLS_CONNECT);
	assert_int_equal(r.errnum, ECONNREFUSED);
	close(fd);
}

/* Faults that are known before there is a connection. */
static void
local_faults(void **state)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr odd = {.sa_family = AF_UNIX};
	struct starttls_result r;
	char sni[STARTTLS_MAX_SNI + 2];

	(void)state;
	memset(sni, 'a', sizeof(sni) - 1);
	sni[sizeof(sni) - 1] = '\0';
	r = look((struct sockaddr *)&sa, sizeof(sa), sni, 1000, 1000);
	assert_int_equal(r.outcome, STARTTLS_LOCAL);
	assert_int_equal(r.errnum, ENAMETOOLONG);
	r = look(&odd, 1, NULL, 1000, 1000);
	assert_true(r.outcome == STARTTLS_LOCAL ||
		    r.outcome == STARTTLS_CONNECT_FAILED);
	assert_int_not_equal(r.errnum, 0);
}

static void
never(const struct starttls_result *r, void *arg)
{
	(void)arg;
	fail_msg("called back: %s", outcome_name(r->outcome));
}

static void
take_phase(const struct starttls_result *r, void *arg)
{
	*(int *)arg = r->outcome == STARTTLS_TIMEOUT ||
			      r->outcome == STARTTLS_CONNECT_TIMEOUT
			  ? (int)r->phase
			  : -1;
}

/* A phase with less patience of its own; and an address that is not ours. */
static void
own_limits(void **state)
{
	static const struct sockaddr_in stranger = {.sin_family = AF_INET,
	    .sin_addr.s_addr = 0x4d0200c0}; /* 192.0.2.77 */
	static const struct {
		const char *mode;
		unsigned connect_ms, helo_ms, starttls_ms;
		int phase;
	} rows[] = {
	    {"blackhole", 200, 0, 0, STARTTLS_CONNECT},
	    {"silent", 0, 200, 0, STARTTLS_GREETING},
	    {"silentehlo", 0, 200, 0, STARTTLS_EHLO},
	    {"silentstarttls", 0, 0, 200, STARTTLS_COMMAND},
	    {"silenttls", 0, 0, 200, STARTTLS_HANDSHAKE},
	    {"silentehlotls", 0, 200, 0, STARTTLS_EHLO_TLS},
	};
	struct starttls_params p = {.helo = "probe.example",
	    .step_ms = PATIENT_MS,
	    .total_ms = PATIENT_MS};
	struct event_base *base = event_base_new();
	struct starttls_ctx *ctx;
	struct err err;
	int phase;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p.connect_ms = rows[i].connect_ms;
		p.helo_ms = rows[i].helo_ms;
		p.starttls_ms = rows[i].starttls_ms;
		assert_non_null(ctx = starttls_ctx_new(&p, &err));
		(void)starttls_start(base, ctx,
		    fakemx_addr(&fake, rows[i].mode),
		    sizeof(struct sockaddr_in), NULL, take_phase, &phase);
		event_base_dispatch(base);
		starttls_ctx_free(ctx);
		if (phase != rows[i].phase)
			fail_msg("%s: %d", rows[i].mode, phase);
	}
	p.from4 = &stranger;
	p.connect_ms = p.starttls_ms = 0;
	p.helo_ms = 200;
	for (i = 0; i < 2; i++) {
		p.from_needed = i == 1;
		assert_non_null(ctx = starttls_ctx_new(&p, &err));
		(void)starttls_start(base, ctx, fakemx_addr(&fake, "silent"),
		    sizeof(struct sockaddr_in), NULL, take_phase, &phase);
		event_base_dispatch(base);
		starttls_ctx_free(ctx);
		assert_int_equal(phase, i == 1 ? -1 : STARTTLS_GREETING);
	}
	event_base_free(base);
}

static void
cancelled(void **state)
{
	static const struct timeval soon = {0, 200000};
	struct event_base *base = event_base_new();
	struct starttls_ctx *ctx = open_ctx(SEC_0, 0, PATIENT_MS, PATIENT_MS);
	size_t fds = count_fds();
	struct starttls *s[3];

	(void)state;
	s[0] = starttls_start(base, ctx, fakemx_addr(&fake, "silent"),
	    sizeof(struct sockaddr_in), NULL, never, NULL);
	starttls_cancel(s[0]);
	s[1] = starttls_start(base, ctx, fakemx_addr(&fake, "silenttls"),
	    sizeof(struct sockaddr_in), NULL, never, NULL);
	s[2] = starttls_start(base, ctx, fakemx_addr(&fake, "drip"),
	    sizeof(struct sockaddr_in), NULL, never, NULL);
	event_base_loopexit(base, &soon);
	event_base_dispatch(base);
	starttls_cancel(s[1]);
	starttls_cancel(s[2]);
	event_base_dispatch(base);
	assert_int_equal(count_fds(), fds);
	starttls_ctx_free(ctx);
	event_base_free(base);
}

static void
bad_params(void **state)
{
	static const struct {
		struct starttls_params p;
		const char *want;
	} bad[] = {
	    {{.step_ms = 1, .total_ms = 1}, "EHLO name (none)"},
	    {{.helo = "", .step_ms = 1, .total_ms = 1}, "EHLO name \"\""},
	    {{.helo = "a\r\nMAIL", .step_ms = 1, .total_ms = 1},
		"EHLO name \"a\\x0d\\x0aMAIL\""},
	    {{.helo = "a", .total_ms = 1}, "0 ms"},
	    {{.helo = "a", .step_ms = 1}, "0 ms"},
	    {{.helo = "a", .step_ms = 1, .total_ms = 1, .ciphers = "nonsense"},
		"cipher list \"nonsense\": no cipher match"},
	    {{.helo = "a", .step_ms = 1, .total_ms = 1, .min_proto = 0x7777},
		"protocol versions"},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_null(starttls_ctx_new(&bad[i].p, &err));
		if (strstr(err.text, bad[i].want) == NULL)
			fail_msg("%s: %s", bad[i].want, err.text);
		assert_int_equal(err.code, 64);
	}
	starttls_ctx_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(every_mode),
	    cmocka_unit_test(every_silence),
	    cmocka_unit_test(facts_of_a_good_server),
	    cmocka_unit_test(long_chains),
	    cmocka_unit_test(overall_limit),
	    cmocka_unit_test(own_limits),
	    cmocka_unit_test(nobody_listens),
	    cmocka_unit_test(local_faults),
	    cmocka_unit_test(cancelled),
	    cmocka_unit_test(bad_params),
	};

	return cmocka_run_group_tests(all, start_servers, stop_servers) != 0;
}
