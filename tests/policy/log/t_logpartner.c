/* t_logpartner.c: whose mail a line tells of, and what "Verified" meant. */
#include "check.h"

#include "diag.h"
#include "logjoin.h"
#include "logpartner.h"
#include "registry.h"

#define SPAN(s) ((struct span){(s), strlen(s)})
#define BEGIN 1795435200
#define END (BEGIN + 3600)

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
	    "	contact=a@b.example\n";
	struct diags d = {0};
	struct registry *r =
	    registry_parse("r", text, sizeof(text) - 1, BEGIN, &d);

	if (d.errors > 0)
		fail_msg("%s", d.v[0].text);
	diag_free(&d);
	return r;
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
	struct logpartner *w = logpartner_new(r);
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

/* From its first second up to its last: at the end it holds no more. */
static void
t_downgrade(void **state)
{
	static const struct {
		const char *name;
		time_t at;
		enum fact want;
	} rows[] = {
	    {"before", BEGIN - 1, FACT_YES},
	    {"at its begin", BEGIN, FACT_UNKNOWN},
	    {"in its last second", END - 1, FACT_UNKNOWN},
	    {"at its end", END, FACT_YES},
	};
	struct registry *r = make();
	struct logpartner *w = logpartner_new(r);
	char domain[DNAME_MAX + 1];
	struct attempt a;
	size_t i;

	(void)state;
	logpartner_downgrade(w, "acme", BEGIN, END);
	logpartner_downgrade(w, "nobody", BEGIN - 9, END + 9);
	for (i = 0; i < COUNT(rows); i++) {
		a = (struct attempt){.time = rows[i].at,
		    .direction = EVIDENCE_OUT,
		    .domain = SPAN("acme.example"),
		    .verified = true};
		check_str(rows[i].name, logpartner_find(w, &a, domain), "acme");
		check_int(rows[i].name, a.chain_trusted, rows[i].want);
		check_int(rows[i].name, a.name_matched, rows[i].want);
	}
	logpartner_free(w);
	registry_free(r);
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
	struct logpartner *w = logpartner_new(r);
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
	    cmocka_unit_test(t_find),
	    cmocka_unit_test(t_downgrade),
	    cmocka_unit_test(t_faults),
	};

	return cmocka_run_group_tests_name("logpartner", tests, NULL, NULL);
}
