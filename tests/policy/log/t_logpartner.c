/* t_logpartner.c: whose mail a line tells of, and what "Verified" meant. */
#include "ledgerlab.h"

#include "diag.h"
#include "logjoin.h"
#include "logpartner.h"
#include "registry.h"

#define SPAN(s) ((struct span){(s), strlen(s)})
#define BEGIN T0
#define END (BEGIN + 3600)
#define MAP "/m"

static struct registry *
make(void)
{
	static const char text[] =
	    "partner acme mode=enforced domain=acme.example,.acme.example\n"
	    "	gateway=mx.acme.example contact=a@b.example\n"
	    "partner routed mode=enforced domain=[mx.routed.example],"
	    "[mx.routed.example]:26\n"
	    "	gateway=mx.routed.example contact=a@b.example\n"
	    "partner dane mode=enforced verify=dane domain=dane.example\n"
	    "	contact=a@b.example\n"
	    "partner soft domain=soft.example\n"
	    "partner asks inbound=require domain=asks.example\n"
	    "partner wide mode=enforced domain=.wide.example\n"
	    "	gateway=mx.wide.example contact=a@b.example\n"
	    "partner sub mode=enforced domain=sub.wide.example\n"
	    "	gateway=mx.sub.example contact=a@b.example\n";
	struct diags d = {0};
	struct registry *r =
	    registry_parse("r", text, sizeof(text) - 1, BEGIN, &d);

	if (d.errors > 0)
		fail_msg("%s", d.v[0].text);
	diag_free(&d);
	return r;
}

static struct logpartner *
whose(const struct registry *r, const char *ledger)
{
	struct logpartner *w = logpartner_new(r, ledger, MAP, &err);

	check_int("ledger", err.code, EX_OK);
	return w;
}

static const struct {
	const char *name;
	enum evidence_direction direction;
	const char *domain, *host;
	unsigned port;
	const char *want; /* NULL: a stranger's */
} found[] = {
    {"a domain", EVIDENCE_OUT, "ACME.example", "x.example", 25, "acme"},
    {"below it", EVIDENCE_OUT, "a.b.acme.example", "", 0, "acme"},
    {"another", EVIDENCE_OUT, "xacme.example", "", 0, NULL},
    {"a route", EVIDENCE_OUT, "x.example", "mx.routed.example", 25, "routed"},
    {"its other port", EVIDENCE_OUT, "x.example", "mx.routed.example", 26,
	"routed"},
    {"not that port", EVIDENCE_OUT, "x.example", "mx.routed.example", 27, NULL},
    {"a gateway of theirs, out", EVIDENCE_OUT, "x.example", "mx.acme.example",
	25, NULL},
    {"a bounce by a gateway", EVIDENCE_IN, "", "mx.acme.example", 0, "acme"},
    {"a bounce by a stranger", EVIDENCE_IN, "", "mx.x.example", 0, NULL},
    {"a stranger's mail by it", EVIDENCE_IN, "x.example", "mx.acme.example", 0,
	NULL},
    {"a client without a name", EVIDENCE_IN, "", "unknown", 0, NULL},
};

static void
t_find(void **state)
{
	struct registry *r = make();
	struct logpartner *w = whose(r, "/none");
	char domain[DNAME_MAX + 1];
	struct attempt at;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(found); i++) {
		at = (struct attempt){.direction = found[i].direction,
		    .domain = SPAN(found[i].domain),
		    .host = SPAN(found[i].host),
		    .port = found[i].port};
		check_str(found[i].name, logpartner_find(w, &at, domain),
		    found[i].want);
	}
	logpartner_free(w);
	registry_free(r);
}

static void
lower(const char *partner, time_t begin, time_t end, enum level to,
    const char *domain)
{
	struct ledger_downgrade d = {.partner = partner,
	    .before = LEVEL_SECURE,
	    .after = to,
	    .begin = begin,
	    .end = end,
	    .reason = "x",
	    .author = "jo",
	    .domains = &domain,
	    .ndomains = domain != NULL};
	int64_t id;
	const char *key = KEY_A;

	if (to == LEVEL_KEY) {
		d.keys = &key;
		d.nkeys = 1;
	}
	well("lower", ledger_downgrade_begin(led, &d, begin, &id, &err));
}

/* A row as an event has it: one that is not there is null. */
static const char *
quoted(const char *row, char out[64])
{
	(void)snprintf(out, 64, row == NULL ? "null" : "\"%s\"", row);
	return out;
}

/* A map that changes the row of one name, and perhaps of others. */
static void
map_of(const char *key, time_t when, const char *kind, const char *was,
    const char *was_row, const char *is, const char *is_row, unsigned changes)
{
	struct ledger_event ev = {.time = when, .kind = kind, .author = "x"};
	char data[1024], before[64], after[64];

	(void)snprintf(data, sizeof(data),
	    "{\"file\":\"" MAP "\",\"changes\":{\"weaker\":%u},\"rows\":[{"
	    "\"key\":\"%s\",\"client\":false,\"change\":\"weaker\","
	    "\"cause\":\"registry\",\"was\":\"%s\",\"is\":\"%s\","
	    "\"was_row\":%s,\"is_row\":%s}]}",
	    changes, key, was, is, quoted(was_row, before),
	    quoted(is_row, after));
	ev.data = data;
	well("event", ledger_event_add(led, &ev, &err));
}
#define map(...) map_of("acme.example", __VA_ARGS__)

struct ruled {
	const char *name, *domain;
	time_t at;
	enum evidence_direction direction;
	const char *required, *proof;
	int64_t downgrade;
	enum fact chain; /* of what is verified */
};

static void
check_rules(time_t lasted, const struct ruled *row, size_t n)
{
	struct registry *r = make();
	struct logpartner *w = whose(r, file);
	char domain[DNAME_MAX + 1];
	struct attempt a;

	for (; n-- > 0; row++) {
		a = (struct attempt){.time = row->at,
		    .lasted = lasted,
		    .direction = row->direction,
		    .domain = SPAN(row->domain),
		    .verified = true,
		    .proof = ""};
		(void)logpartner_find(w, &a, domain);
		check_str(row->name, a.required, row->required);
		check_str(row->name, a.proof, row->proof);
		check_int(row->name, a.downgrade, row->downgrade);
		check_int(row->name, a.chain_trusted, row->chain);
	}
	logpartner_free(w);
	registry_free(r);
}
#define OUT EVIDENCE_OUT
#define IN EVIDENCE_IN
/* Of mail that took so many seconds until then. */
#define RULED_FOR(lasted, ...)                             \
	check_rules(lasted, (struct ruled[]){__VA_ARGS__}, \
	    COUNT(((struct ruled[]){__VA_ARGS__})))
#define RULED(...) RULED_FOR(0, __VA_ARGS__)

/*
 * From its first second up to its end, in the second of which nobody knows
 * what came first; and for mail that was begun by then.
 */
static void
t_downgrade(void **state)
{
	(void)state;
	lower("nobody", BEGIN - 9, END + 9, LEVEL_ENCRYPT, NULL);
	lower("acme", BEGIN, END, LEVEL_KEY, "acme.example");
	RULED({"before", "acme.example", BEGIN - 1, OUT, "secure", "ca", 0,
		  FACT_YES},
	    {"at its begin", "acme.example", BEGIN, OUT, "key", "key", 2, 0},
	    {"in its last second", "acme.example", END - 1, OUT, "key", "key",
		2, 0},
	    {"in the second of its end", "acme.example", END, OUT, "key", "key",
		2, 0},
	    {"after its end", "acme.example", END + 1, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"at its end, of what it was not of", "a.acme.example", END, OUT,
		"secure", "ca", 0, FACT_YES},
	    {"a domain that it is not of", "a.acme.example", BEGIN, OUT,
		"secure", "ca", 0, FACT_YES},
	    {"what comes in is let in", "acme.example", BEGIN, IN,
		"opportunistic", "", 2, 0},
	    {"what comes in, before", "acme.example", BEGIN - 1, IN, "encrypt",
		"", 0, 0},
	    {"in the second of its end", "acme.example", END, IN,
		"opportunistic", "", 2, 0},
	    {"another", "dane.example", BEGIN, OUT, "secure", "dane", 0, 0},
	    {"a stranger", "x.example", BEGIN, OUT, "opportunistic", "", 0, 0});
	RULED_FOR(9,
	    {"begun before its begin", "acme.example", BEGIN, OUT, "key", "key",
		2, 0},
	    {"begun in the second of its end", "acme.example", END + 9, OUT,
		"key", "key", 2, 0},
	    {"begun after it", "acme.example", END + 10, OUT, "secure", "ca", 0,
		FACT_YES});
}

/* Each event says what was before it, and what was since. */
static void
t_record(void **state)
{
	(void)state;
	map(T0, "map", "nothing", NULL, "encrypt", "encrypt", 1);
	map(T0 + 100, "map", "encrypt", "encrypt", "secure",
	    "secure match=mx.acme.example", 1);
	lower("acme", T0 + 200, T0 + 300, LEVEL_ENCRYPT, "acme.example");
	map(T0 + 201, "map", "secure", "secure match=mx.acme.example",
	    "encrypt (full: secure)", "encrypt", 1);
	map(T0 + 330, "map", "encrypt (full: secure)", "encrypt", "secure",
	    "secure match=mx.acme.example", 1);
	map(T0 + 350, "map", "secure", "secure match=mx.acme.example",
	    "secure, lowered inbound", "secure match=mx.acme.example", 1);
	map(T0 + 360, "map", "secure, lowered inbound",
	    "secure match=mx.acme.example", "secure",
	    "secure match=mx.acme.example", 1);
	map(T0 + 370, "map", "secure", "secure match=mx.acme.example",
	    "secure, lowered inbound to TLS, inbound require by name",
	    "secure match=mx.acme.example", 1);
	map(T0 + 380, "map",
	    "secure, lowered inbound to TLS, inbound require by name",
	    "secure match=mx.acme.example", "secure",
	    "secure match=mx.acme.example", 1);
	map(T0 + 400, "map", "secure", "secure match=mx.acme.example",
	    "opportunistic, inbound require by name", "may", 3);
	map(T0 + 500, "map", "opportunistic, inbound require by name", "may",
	    "secure, inbound off", "dane-only", 1);
	map(T0 + 600, "map", "secure, inbound off", "dane-only", "key",
	    "fingerprint match=AA", 1);
	map(T0 + 601, "map-failed", "", "", "", "", 0);
	RULED({"before there was a map", "acme.example", T0 - 1, OUT,
		  "opportunistic", "", 0, 0},
	    {"in its second", "acme.example", T0, OUT, "opportunistic", "", 0,
		0},
	    {"from the next second on", "acme.example", T0 + 1, OUT, "encrypt",
		"", 0, 0},
	    {"the last before it", "acme.example", T0 + 99, OUT, "encrypt", "",
		0, 0},
	    {"in", "acme.example", T0 + 99, IN, "encrypt", "", 0, 0},
	    {"stronger", "acme.example", T0 + 101, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"begun, but not in the map", "acme.example", T0 + 200, OUT,
		"secure", "ca", 0, FACT_YES},
	    {"lowered", "acme.example", T0 + 201, OUT, "encrypt", "", 1, 0},
	    {"over, but still in the map", "acme.example", T0 + 329, OUT,
		"encrypt", "", 1, 0},
	    {"in the second in which it was raised", "acme.example", T0 + 330,
		OUT, "encrypt", "", 1, 0},
	    {"raised", "acme.example", T0 + 331, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"of mail from them alone", "acme.example", T0 + 351, OUT, "secure",
		"ca", 0, FACT_YES},
	    {"which is let in", "acme.example", T0 + 351, IN, "opportunistic",
		"", 1, 0},
	    {"or over TLS alone", "acme.example", T0 + 371, IN, "encrypt", "",
		1, 0},
	    {"and no more", "acme.example", T0 + 361, IN, "encrypt", "", 0, 0},
	    {"below it nothing was named", "a.acme.example", T0 + 330, OUT, "",
		"", 0, 0},
	    {"opportunistic", "acme.example", T0 + 400, OUT, "opportunistic",
		"", 0, 0},
	    {"in by name", "acme.example", T0 + 401, IN, "secure", "", 0, 0},
	    {"by DANE", "acme.example", T0 + 501, OUT, "secure", "dane", 0, 0},
	    {"in off", "acme.example", T0 + 500, IN, "opportunistic", "", 0, 0},
	    {"what failed", "acme.example", T0 + 600, OUT, "", "", 0, 0});
	RULED_FOR(3,
	    {"begun when it was weaker", "acme.example", T0 + 103, OUT,
		"encrypt", "", 0, 0},
	    {"begun since", "acme.example", T0 + 104, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"begun before it was raised", "acme.example", T0 + 333, OUT,
		"encrypt", "", 1, 0});
	RULED_FOR(150, {"all through it", "acme.example", T0 + 340, OUT,
			   "encrypt", "", 1, 0});
}

#define ROW "secure match=mx.soft.example"
#define SOFT(when, ...) map_of("soft.example", (when), "map", __VA_ARGS__, 1)

/* The last event decides, and one by which there is no row is such a one. */
static void
t_removed(void **state)
{
	(void)state;
	SOFT(T0, "nothing", NULL, "secure", ROW);
	lower("soft", T0 + 100, T0 + 200, LEVEL_ENCRYPT, "soft.example");
	SOFT(T0 + 100, "secure", ROW, "encrypt (full: secure)", "encrypt");
	SOFT(T0 + 220, "encrypt (full: secure)", "encrypt", "secure", ROW);
	SOFT(T0 + 300, "secure", ROW, "nothing", NULL);
	SOFT(T0 + 400, "nothing", NULL, "secure", ROW);
	lower("soft", T0 + 450, T0 + 700, LEVEL_ENCRYPT, "soft.example");
	SOFT(T0 + 450, "secure", ROW, "encrypt (full: secure)", "encrypt");
	/* Closed, and the same map has it no more. */
	well(
	    "close", ledger_downgrade_close(led, 2, "jo", "x", T0 + 600, &err));
	SOFT(T0 + 600, "encrypt (full: secure)", "encrypt", "nothing", NULL);
	RULED({"before the first", "soft.example", T0 - 1, OUT, "opportunistic",
		  "", 0, 0},
	    {"added", "soft.example", T0 + 1, OUT, "secure", "ca", 0, FACT_YES},
	    {"before it was lowered", "soft.example", T0 + 99, OUT, "secure",
		"ca", 0, FACT_YES},
	    {"lowered", "soft.example", T0 + 199, OUT, "encrypt", "", 1, 0},
	    {"over, before the next map", "soft.example", T0 + 219, OUT,
		"encrypt", "", 1, 0},
	    {"raised", "soft.example", T0 + 221, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"the last before it was removed", "soft.example", T0 + 299, OUT,
		"secure", "ca", 0, FACT_YES},
	    {"in that second", "soft.example", T0 + 300, OUT, "opportunistic",
		"", 0, 0},
	    {"removed", "soft.example", T0 + 399, OUT, "opportunistic", "", 0,
		0},
	    {"in the second of its return", "soft.example", T0 + 400, OUT,
		"opportunistic", "", 0, 0},
	    {"back", "soft.example", T0 + 401, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"lowered again", "soft.example", T0 + 599, OUT, "encrypt", "", 2,
		0},
	    {"in the second in which it was removed lowered", "soft.example",
		T0 + 600, OUT, "opportunistic", "", 0, 0},
	    {"removed for good", "soft.example", T0 + 9999, OUT,
		"opportunistic", "", 0, 0});
	RULED({"in, before the first", "soft.example", T0 - 1, IN,
		  "opportunistic", "", 0, 0},
	    {"in, added", "soft.example", T0 + 1, IN, "encrypt", "", 0, 0},
	    {"in, lowered", "soft.example", T0 + 199, IN, "opportunistic", "",
		1, 0},
	    {"in, raised", "soft.example", T0 + 221, IN, "encrypt", "", 0, 0},
	    {"in, removed", "soft.example", T0 + 301, IN, "opportunistic", "",
		0, 0},
	    {"in, back", "soft.example", T0 + 401, IN, "encrypt", "", 0, 0},
	    {"in, removed for good", "soft.example", T0 + 9999, IN,
		"opportunistic", "", 0, 0});
	RULED_FOR(9,
	    {"begun before it was added", "soft.example", T0 + 9, OUT,
		"opportunistic", "", 0, 0},
	    {"begun since", "soft.example", T0 + 10, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"begun before it was removed", "soft.example", T0 + 305, OUT,
		"opportunistic", "", 0, 0},
	    {"begun before it was back", "soft.example", T0 + 409, OUT,
		"opportunistic", "", 0, 0});
}

/* Without a row a parent's one holds, and a rule for what comes in. */
static void
t_bare(void **state)
{
	(void)state;
	map_of("asks.example", T0, "map", "secure", ROW, "nothing", NULL, 1);
	map_of(".wide.example", T0, "map", "nothing", NULL, "secure", ROW, 1);
	map_of("sub.wide.example", T0 + 100, "map", "nothing", NULL, "encrypt",
	    "encrypt", 1);
	lower("asks", T0 + 200, T0 + 300, LEVEL_ENCRYPT, "asks.example");
	/* The registry has it again, and the map has it not. */
	map(T0 + 400, "map", "secure", ROW, "nothing", NULL, 1);
	RULED({"asked for without a row", "asks.example", T0 + 1, IN, "encrypt",
		  "", 0, 0},
	    {"but not out", "asks.example", T0 + 1, OUT, "opportunistic", "", 0,
		0},
	    {"which no downgrade lowers", "asks.example", T0 + 201, OUT,
		"opportunistic", "", 0, 0},
	    {"below a parent", "sub.wide.example", T0 + 99, OUT, "secure", "ca",
		0, FACT_YES},
	    {"that too, in", "sub.wide.example", T0 + 99, IN, "encrypt", "", 0,
		0},
	    {"before the parent's", "sub.wide.example", T0 - 1, OUT,
		"opportunistic", "", 0, 0},
	    {"by its own", "sub.wide.example", T0 + 101, OUT, "encrypt", "", 0,
		0},
	    {"the map is older than the registry", "acme.example", T0 + 401,
		OUT, "opportunistic", "", 0, 0},
	    {"in, too", "acme.example", T0 + 401, IN, "opportunistic", "", 0,
		0});
}

/* Where more changed than an event names, the others are not known. */
static void
t_blind(void **state)
{
	(void)state;
	map(T0 + 100, "map", "encrypt", "encrypt", "secure", "secure", 1);
	map(T0 + 200, "map-unrecorded", "", "", "", "", 0);
	map(T0 + 300, "map", "encrypt", "encrypt", "secure", "secure", 2);
	RULED(
	    {"before the first", "acme.example", T0, OUT, "encrypt", "", 0, 0},
	    {"before it was found", "acme.example", T0 + 199, OUT, "", "", 0,
		0},
	    {"after it: as the next one says", "acme.example", T0 + 200, OUT,
		"encrypt", "", 0, 0},
	    {"after the last", "acme.example", T0 + 301, OUT, "secure", "ca", 0,
		FACT_YES},
	    {"not named: before", "a.acme.example", T0 + 299, OUT, "", "", 0,
		0},
	    {"not named: since", "a.acme.example", T0 + 300, OUT, "secure",
		"ca", 0, FACT_YES});
}

/* A fault of the log as it is for that partner. */
static void
t_faults(void **state)
{
	static const struct {
		const char *name, *domain;
		enum fault given;
		enum fact chain, matched;
		enum fault want;
		enum fact want_matched;
	} rows[] = {
	    {"a CA of the partner's own file", "acme.example",
		FAULT_DANE_MISMATCH, FACT_NO, FACT_UNKNOWN,
		FAULT_UNTRUSTED_ISSUER, FACT_UNKNOWN},
	    {"TLSA records", "dane.example", FAULT_DANE_MISMATCH, FACT_NO,
		FACT_UNKNOWN, FAULT_DANE_MISMATCH, FACT_UNKNOWN},
	    {"a stranger's", "x.example", FAULT_DANE_MISMATCH, FACT_NO,
		FACT_UNKNOWN, FAULT_DANE_MISMATCH, FACT_UNKNOWN},
	    {"a chain is trusted, and nothing more is said", "acme.example",
		FAULT_NAME_MISMATCH, FACT_YES, FACT_UNKNOWN,
		FAULT_NAME_MISMATCH, FACT_NO},
	    {"the same with DANE", "dane.example", FAULT_NAME_MISMATCH,
		FACT_YES, FACT_UNKNOWN, FAULT_DANE_MISMATCH, FACT_UNKNOWN},
	    {"the name is said", "dane.example", FAULT_NAME_MISMATCH, FACT_YES,
		FACT_NO, FAULT_NAME_MISMATCH, FACT_NO},
	};
	struct registry *r = make();
	struct logpartner *w = whose(r, "/none");
	char domain[DNAME_MAX + 1];
	struct attempt a;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		a = (struct attempt){.time = BEGIN,
		    .direction = EVIDENCE_OUT,
		    .domain = SPAN(rows[i].domain),
		    .chain_trusted = rows[i].chain,
		    .name_matched = rows[i].matched,
		    .fault = rows[i].given};
		(void)logpartner_find(w, &a, domain);
		check_str(rows[i].name, fault_text(a.fault),
		    fault_text(rows[i].want));
		check_int(rows[i].name, a.name_matched, rows[i].want_matched);
	}
	logpartner_free(w);
	registry_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_find),
	    CASE(t_downgrade),
	    CASE(t_record),
	    CASE(t_removed),
	    CASE(t_bare),
	    CASE(t_blind),
	    CASE(t_faults),
	};

	return cmocka_run_group_tests_name("logpartner", tests, NULL, NULL);
}
