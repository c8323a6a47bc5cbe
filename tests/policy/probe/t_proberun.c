/*
 * A prober in hostile hands: whatever it says, no gateway passes that does not
 * show a certificate that our rules accept, and what may not be said ends it.
 */
#include "check.h"

#include <event2/event.h>
#include <signal.h>
#include <sysexits.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "fdio.h"
#include "judge.h"
#include "mkcert.h"
#include "netstring.h"
#include "probeplan.h"
#include "proberun.h"
#include "probewire.h"
#include "registry.h"

#define NOW 1795000000

/* Hands out one text, then sleeps or ends. */
static struct {
	const char *text;
	size_t len;
	bool forever, sleeps;
	int status;
} said;

static int
say(int fd, void *arg)
{
	(void)arg;
	do
		if (!fdio_write(fd, said.text, said.len))
			return 3;
	while (said.forever);
	if (said.sleeps)
		(void)pause();
	if (said.status < 0)
		(void)raise(-said.status);
	return said.status;
}

static struct registry *registry;
static struct probeplan plan;
static char *dir;

static time_t
now(void)
{
	return NOW;
}

static struct event_base *base;
static unsigned passed, results, told;
static struct evidence_probe last; /* its fixed words only */

static void
on_result(struct proberow *row, const struct starttls_result *s,
    const struct judgement *j, void *arg)
{
	(void)s;
	(void)j;
	(void)arg;
	results++;
	passed += row->passed;
	last = row->seen;
}

static void
on_told(const struct probetarget *t, time_t began, void *arg)
{
	(void)arg;
	check_str("told of", t->nexthop, plan.target[0].nexthop);
	check_int("since when", began, NOW);
	told++;
}

static void
on_done(void *arg)
{
	(void)arg;
	(void)event_base_loopbreak(base);
}

/* Let it speak: 0, or the code, and the text in *e. */
static int
listen_to(const char *ca, struct err *e)
{
	struct judge *judge = judge_new(ca);
	const struct proberun_settings set = {
	    .prober = {.port = 25,
		.timeout_ms = 1000,
		.target = plan.target,
		.n = plan.n},
	    .user = "",
	    .work = say,
	    .judge = judge,
	    .now = now,
	    .result = on_result,
	    .told = on_told,
	    .done = on_done,
	};
	struct proberun *p = proberun_start(&set, e);
	int rv;

	assert_non_null(p);
	passed = results = told = 0;
	base = event_base_new();
	proberun_listen(p, base);
	(void)event_base_dispatch(base);
	e->text[0] = '\0';
	rv = proberun_end(p, NULL, NULL, e);
	proberun_free(p);
	event_base_free(base);
	judge_free(judge);
	return rv == 0 ? 0 : e->code;
}

/* A record of fields, to the end mark "!"; each is a string. */
#define SAY(b, ...) say_fields(b, (const char *const[]){__VA_ARGS__, NULL})
static void
say_fields(struct buf *b, const char *const *field)
{
	struct buf one = {0};

	for (; *field != NULL; field++)
		netstring_put(&one, *field, strlen(*field), NULL, 0);
	netstring_put(b, one.data, one.len, NULL, 0);
	buf_free(&one);
}

#define ROW "R", "0", "mx.a.example", "192.0.2.1", "0", "0", "", "", "ok"
#define SEEN                                                                  \
	"S", "0", "5", "0", "0", "", "0", "0", "1", "TLSv1.3", "X", "Y", "Z", \
	    "7"

static const struct {
	const char *name;
	const char *field[3][16];
	const char *want; /* in the text */
} bad[] = {
    {"no such letter", {{"P", "0", "passed"}}, "letter"},
    {"passed", {{ROW}, {"J", "0", "passed"}}, "end"},
    {"ok without a session", {{ROW}, {"N", "0", "ok", ""}}, "fault"},
    {"no fault", {{ROW}, {"N", "0", "excellent", ""}}, "fault"},
    {"judged without a session", {{ROW}, {"J", "0"}}, "cannot reach"},
    {"no such row", {{SEEN}, {"J", "0"}}, "did not find"},
    {"no such target", {{"R", "9", "", "", "0", "0", "", "", "ok"}}, "target"},
    {"minus one", {{"R", "-1", "", "", "0", "0", "", "", "ok"}}, "target"},
    {"a number with more", {{"R", "0 ", "", "", "0", "0", "", "", "ok"}},
	"target"},
    {"a huge number",
	{{"R", "99999999999999999999", "", "", "0", "0", "", "", "ok"}},
	"target"},
    {"a host that is none",
	{{"R", "0", "a b", "192.0.2.1", "0", "0", "", "", "ok"}}, "host"},
    {"control characters",
	{{"R", "0", "a\033[2J", "192.0.2.1", "0", "0", "", "", "ok"}}, "host"},
    {"an address that is none",
	{{"R", "0", "mx.a.example", "192.0.2", "0", "0", "", "", "ok"}},
	"address"},
    {"DNSSEC of another kind",
	{{"R", "0", "mx.a.example", "192.0.2.1", "3", "0", "", "", "ok"}},
	"DNSSEC"},
    {"TLSA that nobody wants",
	{{"R", "0", "mx.a.example", "192.0.2.1", "0", "0", "", "", "ok",
	    "abcdef"}},
	"do not matter"},
    {"half a TLSA",
	{{"R", "0", "mx.a.example", "192.0.2.1", "0", "0", "", "", "ok", "ab"}},
	"TLSA"},
    {"no such domain",
	{{"R", "0", "mx.a.example", "192.0.2.1", "0", "0", "", "a b", "ok"}},
	"domain"},
    {"more than all", {{ROW}, {SEEN, "x"}}, "certificate"},
    {"OK without TLS",
	{{ROW}, {"S", "0", "5", "0", "0", "", "0", "0", "0", "", "X", "Y", "Z",
		    "7"}},
	"outcome"},
    {"an outcome that is none",
	{{"S", "99", "5", "0", "0", "", "0", "0", "0", "", "X", "Y", "Z", "7"}},
	"outcome"},
    {"TLS of another kind",
	{{"S", "0", "5", "0", "0", "", "0", "0", "0", "TLSv2", "X", "Y", "Z",
	    "7"}},
	"protocol"},
    {"REQUIRETLS of a session that had no end",
	{{"S", "6", "4", "0", "0", "", "0", "0", "1", "", "", "", "", "7"}},
	"REQUIRETLS"},
    {"a session with nobody", {{SEEN}, {SEEN}}, "nobody"},
    {"TXT records that nobody wants", {{"T", "0", "1", "1"}}, "not asked for"},
    {"TXT records of another kind", {{"T", "0", "3", "1"}}, "MTA-STS"},
    {"asked twice", {{"A", "0"}, {"A", "0"}}, "target"},
    {"a row too late", {{"A", "0"}, {ROW}}, "target"},
    {"another host than the next-hop",
	{{"R", "1", "mx.c.example", "192.0.2.1", "0", "0", "", "", "ok"}},
	"another than the next-hop"},
    {"seen where there is no address",
	{{"R", "0", "", "", "0", "0", "", "", "ok"}, {SEEN}, {"J", "0"}},
	"cannot reach"},
    {"told twice", {{ROW}, {"N", "0", "no-mx", ""}, {"N", "0", "no-mx", ""}},
	"did not find"},
};

static void
t_bad_words(void **state)
{
	struct err e = {0};
	struct buf b = {0};
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		buf_clear(&b);
		for (k = 0; k < 3 && bad[i].field[k][0] != NULL; k++)
			say_fields(&b, bad[i].field[k]);
		said.text = b.data;
		said.len = b.len;
		said.sleeps = true;
		check_int(bad[i].name, listen_to("", &e), EX_DATAERR);
		check_has(bad[i].name, e.text, bad[i].want);
		check_has(bad[i].name, e.text, "was stopped for what it said");
		check_int(bad[i].name, passed, 0);
	}
	buf_free(&b);
}

/* Not records at all, or no end of them. */
static const struct {
	const char *name, *text;
	bool forever;
	int status, code;
	const char *want;
} streams[] = {
    {"nothing", "", false, 0, EX_UNAVAILABLE, "ended before"},
    {"a crash", "", false, -SIGKILL, EX_UNAVAILABLE, "died by signal 9"},
    {"an end of its own", "", false, 7, 7, "failed with status 7"},
    {"half a record", "1000:abc", false, 0, EX_UNAVAILABLE, "ended before"},
    {"no record", "GET / HTTP/1.0\r\n", false, 0, EX_DATAERR, "no record"},
    {"too long", "524289:", false, 0, EX_DATAERR, "no record"},
    {"longer than memory", "18446744073709551617:", false, 0, EX_DATAERR,
	"no record"},
    {"no comma", "1:ab", false, 0, EX_DATAERR, "no record"},
    {"an empty record", "0:,", false, 0, EX_DATAERR, "letter"},
    {"zeros for ever", "0", true, 0, EX_DATAERR, "no record"},
    {"sessions for ever",
	"77:1:S,1:0,1:5,1:0,1:0,0:,1:0,1:0,1:0,7:TLSv1.3,1:X,1:Y,1:Z,1:7,,",
	true, 0, EX_DATAERR, ""},
};

static void
t_streams(void **state)
{
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(streams); i++) {
		said.text = streams[i].text;
		said.len = strlen(said.text);
		said.forever = streams[i].forever;
		said.status = streams[i].status;
		said.sleeps = false;
		check_int(streams[i].name, listen_to("", &e), streams[i].code);
		check_has(streams[i].name, e.text, streams[i].want);
		check_int(streams[i].name, results, 0);
	}
	said.forever = false;
	said.status = 0;
}

/* NULs in every kind of field. */
static void
t_nul(void **state)
{
	static const char row[] =
	    "1:R,1:0,1:\0,9:192.0.2.1,1:0,1:0,0:,0:,2:ok,",
			  text[] = "1:U,2:70,3:a\0b,";
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	said.sleeps = true;
	netstring_put(&b, row, sizeof(row) - 1, NULL, 0);
	said.text = b.data;
	said.len = b.len;
	check_int("row", listen_to("", &e), EX_DATAERR);
	check_has("row", e.text, "host");
	buf_clear(&b);
	netstring_put(&b, text, sizeof(text) - 1, NULL, 0);
	said.text = b.data;
	said.len = b.len;
	check_int("text", listen_to("", &e), EX_DATAERR);
	check_has("text", e.text, "detail");
	buf_free(&b);
}

/* One that speaks as it should, of a gateway that shows that chain. */
static void
session(struct buf *b, X509 *cert)
{
	struct probewire w = {.kind = PROBEWIRE_SEEN,
	    .seen = {.phase = STARTTLS_EHLO_TLS,
		.tls = true,
		.requiretls = true,
		.proto_name = "TLSv1.3",
		.cipher = "TLS_AES_256_GCM_SHA384"}};

	buf_clear(b);
	SAY(b, ROW);
	if (cert != NULL) {
		w.seen.chain = sk_X509_new_null();
		(void)sk_X509_push(w.seen.chain, cert);
	}
	probewire_put(b, &w);
	sk_X509_free(w.seen.chain);
	SAY(b, "J", "0");
	SAY(b, "A", "0");
	SAY(b, "A", "1");
	said.text = b->data;
	said.len = b->len;
	said.sleeps = false;
}

/* A look is told of as soon as all its rows are, and not before. */
static void
t_told(void **state)
{
	static const struct {
		const char *name;
		const char *field[6][10];
		unsigned told;
	} rows[] = {
	    {"sessions last", {{ROW}, {"A", "0"}, {"N", "0", "no-mx", ""}}, 1},
	    {"names last", {{ROW}, {"N", "0", "no-mx", ""}, {"A", "0"}}, 1},
	    {"one of two",
		{{ROW}, {ROW}, {"A", "0"}, {"N", "1", "no-mx", ""}, {"A", "1"}},
		0},
	    {"both",
		{{ROW}, {ROW}, {"A", "0"}, {"N", "1", "no-mx", ""},
		    {"N", "0", "no-mx", ""}, {"A", "1"}},
		1},
	    {"not all names", {{ROW}, {"N", "0", "no-mx", ""}}, 0},
	    {"our own fault",
		{{ROW}, {"A", "0"}, {"N", "0", "local-error", ""}}, 0},
	    {"nothing", {{"A", "0"}, {"A", "1"}}, 0},
	};
	struct buf b = {0};
	struct err e = {0};
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		for (k = 0;
		     k < COUNT(rows[i].field) && rows[i].field[k][0] != NULL;
		     k++)
			say_fields(&b, rows[i].field[k]);
		said.text = b.data;
		said.len = b.len;
		said.sleeps = false;
		(void)listen_to("", &e);
		check_int(rows[i].name, told, rows[i].told);
	}
	buf_free(&b);
}

static void
t_only_what_is_shown(void **state)
{
	const struct mk root = {.cn = "Root", .ca = true},
			good = {.cn = "mx.a.example",
			    .san = "DNS:mx.a.example"},
			other = {
			    .cn = "mx.b.example", .san = "DNS:mx.b.example"};
	struct mk_cert ca = mk_cert(&root, NULL, NOW),
		       leaf = mk_cert(&good, &ca, NOW),
		       forged = mk_cert(&good, NULL, NOW),
		       misnamed = mk_cert(&other, &ca, NOW);
	char *pem = NULL;
	char *path = check_path(dir, "ca.pem");
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	mk_pem(ca.x, &pem);
	check_puts(path, pem);
	session(&b, leaf.x);
	check_int("good", listen_to(path, &e), 0);
	check_int("good", passed, 1);
	check_str("REQUIRETLS", last.requiretls, "yes");
	check_str("TLSA was not asked for", last.tlsa, "");
	check_str("no MX, no look-up", last.dnssec, "");
	session(&b, forged.x);
	check_int("nobody's", listen_to(path, &e), 0);
	check_int("nobody's", results, 1);
	check_int("nobody's", passed, 0);
	session(&b, misnamed.x);
	check_int("another's", listen_to(path, &e), 0);
	check_int("another's", passed, 0);
	session(&b, NULL);
	check_int("none", listen_to(path, &e), 0);
	check_int("none", passed, 0);
	/* Nobody who names it can have it end well. */
	session(&b, leaf.x);
	said.len -= 8;
	check_int("without its end", listen_to(path, &e), EX_UNAVAILABLE);
	mk_free(&ca);
	mk_free(&leaf);
	mk_free(&forged);
	mk_free(&misnamed);
	free(pem);
	buf_free(&b);
	free(path);
}

int
main(void)
{
	static const char text[] =
	    "partner a mode=enforced domain=a.example gateway=mx.a.example "
	    "contact=x\n"
	    "partner b mode=enforced domain=[mx.b.example] "
	    "gateway=mx.b.example "
	    "contact=x\n";
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_bad_words),
	    cmocka_unit_test(t_streams),
	    cmocka_unit_test(t_nul),
	    cmocka_unit_test(t_told),
	    cmocka_unit_test(t_only_what_is_shown),
	};
	struct diags d = {0};
	int rv;

	dir = check_folder();
	registry = registry_parse("r", text, sizeof(text) - 1, NOW, &d);
	probeplan_init(&plan, registry, false);
	probeplan_all(&plan);
	rv = cmocka_run_group_tests(tests, NULL, NULL);
	probeplan_release(&plan);
	registry_free(registry);
	diag_free(&d);
	check_folder_end(dir);
	return rv != 0;
}
