/* Results as text: table, JSON, monitoring, letters. */
#include "buf.h"
#include "mem.h"
#include "probemetrics.h"
#include "probeplan.h"
#include "probereport.h"
#include "registry.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define AT 1795392000 /* 2026-11-23 */
#define DAY 86400

static const struct partner acme = {.name = "acme"};
static const struct partner globex = {.name = "glob\"ex"};
static const struct probetarget targets[] = {
    {.partner = &acme, .name = "acme", .nexthop = "acme.example"},
    {.partner = &acme, .name = "acme", .nexthop = "acme.example.org"},
    {.partner = &globex, .name = "glob\"ex", .nexthop = "globex.example"},
    {.name = "-", .nexthop = "stranger.example"},
};

static struct proberow *
row(unsigned target, const char *host, const char *address, enum fault fault,
    long days)
{
	struct proberow *r = mem_zero(1, sizeof(*r));

	r->target = &targets[target];
	r->fault = fault;
	r->passed = fault == FAULT_OK;
	r->seen = (struct evidence_probe){
	    .partner = targets[target].name,
	    .nexthop = targets[target].nexthop,
	    .host = host,
	    .address = address,
	    .port = 25,
	    .time = AT,
	    .protocol = "",
	    .cipher = "",
	    .kex = "",
	    .requiretls = "",
	    .key = "",
	    .detail = fault == FAULT_OK ? "" : "It is bad.",
	};
	r->sni = r->sig = r->subject = r->issuer = "";
	r->certificate = "-";
	if (days == 0)
		return r;
	r->tls = r->has_cert = r->days_known = true;
	r->days_left = days;
	r->seen.not_after = AT + days * DAY;
	r->cert_fault = fault;
	r->seen.protocol = "TLSv1.3";
	r->seen.cipher = "CIPHER";
	r->certificate = "name ok";
	return r;
}

struct world {
	struct proberow *row[8];
	struct probereport r;
	struct buf out;
};

static void
world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->row[0] = row(0, "mx1.acme.example", "192.0.2.1", FAULT_OK, 41);
	w->row[1] = row(0, "mx2.acme.example", "192.0.2.2", FAULT_EXPIRED, -3);
	w->row[2] = row(1, "mx1.acme.example", "192.0.2.1", FAULT_OK, 41);
	w->row[3] = row(
	    2, "mx|.globex.example", "2001:db8::1", FAULT_CONNECT_TIMEOUT, 0);
	w->row[4] = row(3, "", "", FAULT_NO_MX, 0);
	w->r = (struct probereport){
	    .row = w->row, .n = 5, .now = AT, .warn_days = 14};
}

static void
done(struct world *w)
{
	size_t i;

	for (i = 0; i < 8; i++)
		free(w->row[i]);
	buf_free(&w->out);
}

static void
has(const struct world *w, const char *part)
{
	if (strstr(w->out.data, part) == NULL)
		fail_msg("no %s in\n%s", part, w->out.data);
}

static void
has_not(const struct world *w, const char *part)
{
	if (strstr(w->out.data, part) != NULL)
		fail_msg("%s in\n%s", part, w->out.data);
}

static void
test_sum(void **state)
{
	struct probereport_sum s;
	struct world w;

	(void)state;
	world(&w);
	probereport_sum(&w.r, &s);
	assert_int_equal(s.gateways, 5);
	assert_int_equal(s.failed, 3);
	assert_int_equal(s.unknown, 0);
	assert_int_equal(s.partners, 3);
	assert_int_equal(s.partners_failed, 3);
	assert_true(s.days_known);
	assert_int_equal(s.min_days, -3);
	done(&w);
}

static void
test_table(void **state)
{
	struct world w;

	(void)state;
	world(&w);
	probereport_table(&w.r, &w.out);
	has(&w, "partner  gateway             address      tls      cipher  "
		"certificate  verdict\n");
	has(&w, "acme     mx1.acme.example    192.0.2.1    TLSv1.3  CIPHER  "
		"name ok      pass\n");
	has(&w, "FAIL expired\n");
	has(&w, "-        stranger.example    -            -        -       "
		"-            FAIL no-mx\n");
	has(&w, "acme fails at mx2.acme.example; passes at "
		"mx1.acme.example.\n");
	has(&w, "0 of 3 partners pass; 3 of 5 looks failed.\n");
	has_not(&w, "\033");
	/* The gateway of two domains is one row, but not with -v. */
	assert_ptr_equal(
	    strstr(strstr(w.out.data, "192.0.2.1 ") + 1, "192.0.2.1 "), NULL);
	buf_clear(&w.out);
	w.r.colour = w.r.verbose = true;
	probereport_table(&w.r, &w.out);
	has(&w, "\033[31mFAIL expired\033[m\n");
	has(&w, "\033[32mpass\033[m\n");
	assert_non_null(
	    strstr(strstr(w.out.data, "192.0.2.1 ") + 1, "192.0.2.1 "));
	done(&w);
}

/* One name, two addresses: the name alone would contradict itself. */
static void
test_addresses(void **state)
{
	struct world w;

	(void)state;
	world(&w);
	free(w.row[2]);
	w.row[2] = row(1, "mx2.acme.example", "192.0.2.9", FAULT_OK, 41);
	probereport_table(&w.r, &w.out);
	has(&w, "acme fails at mx2.acme.example[192.0.2.2]; passes at "
		"mx1.acme.example, mx2.acme.example[192.0.2.9].\n");
	done(&w);
}

/* Whatever the days: a certificate for six of them may be weak, too. */
static void
test_warning(void **state)
{
	struct proberow_rule rule = {.id = CERTRULE_AHEAD, .sentence = ""};
	struct world w;

	(void)state;
	world(&w);
	w.r.n = 1;
	w.row[0]->warning = true;
	w.row[0]->rule = &rule;
	w.row[0]->nrules = 1;
	probereport_table(&w.r, &w.out);
	has(&w, "pass, ends soon\n");
	rule.id = CERTRULE_KEY_SIZE;
	w.row[0]->days_left = 5;
	buf_clear(&w.out);
	probereport_table(&w.r, &w.out);
	has(&w, "pass, weak\n");
	done(&w);
}

static void
test_unfinished(void **state)
{
	struct world w;

	(void)state;
	world(&w);
	/* What was not measured is not green. */
	w.row[5] = row(0, "mx3.acme.example", "", FAULT_LOCAL_ERROR, 0);
	w.r.row = w.row + 5;
	w.r.n = 1;
	assert_int_equal(probemetrics_nagios(&w.r, &w.out), 3);
	w.r.n = 0;
	buf_clear(&w.out);
	assert_int_equal(probemetrics_nagios(&w.r, &w.out), 3);
	buf_clear(&w.out);
	probereport_table(&w.r, &w.out);
	has(&w, "No gateway was looked at.\n");
	done(&w);
}

static void
test_nagios(void **state)
{
	struct world w;
	const char *nl;

	(void)state;
	world(&w);
	assert_int_equal(probemetrics_nagios(&w.r, &w.out), 2);
	has(&w, "TLSPACT CRITICAL - 3 of 5 gateways fail: "
		"acme/mx2.acme.example[192.0.2.2] expired, "
		"glob\"ex/mx?.globex.example[2001:db8::1] connect-timeout, "
		"stranger.example no-mx | gateways=5 failed=3;");
	nl = strchr(w.out.data, '\n');
	assert_non_null(nl);
	assert_int_equal(nl[1], '\0');
	assert_ptr_equal(strchr(w.out.data, '|'), strrchr(w.out.data, '|'));
	buf_clear(&w.out);
	w.r.n = 1;
	assert_int_equal(probemetrics_nagios(&w.r, &w.out), 0);
	has(&w, "TLSPACT OK - 1 gateway of 1 partner passes | ");
	has(&w, " min_days_left=41;14:;0:\n");
	buf_clear(&w.out);
	w.row[0]->warning = true;
	assert_int_equal(probemetrics_nagios(&w.r, &w.out), 1);
	has(&w, "TLSPACT WARNING - ");
	has(&w, "41 days left");
	done(&w);
}

static void
test_prometheus(void **state)
{
	static const struct evidence_probe seen[] = {
	    {.partner = "glob\"ex",
		.nexthop = "globex.example",
		.host = "mx|.globex.example",
		.address = "2001:db8::1",
		.port = 25,
		.time = AT - DAY,
		.not_after = AT - 2 * DAY},
	    {.partner = "acme",
		.nexthop = "acme.example",
		.host = "mx9.acme.example",
		.address = "192.0.2.9",
		.port = 25,
		.time = AT - DAY,
		.not_after = AT + DAY},
	    {.partner = "acme",
		.nexthop = "acme.example",
		.host = "mx8.acme.example",
		.address = "192.0.2.8",
		.port = 25,
		.time = AT - DAY},
	};
	struct world w;

	(void)state;
	world(&w);
	w.r.seen = seen;
	w.r.nseen = 3;
	probemetrics_prometheus(&w.r, &w.out);
	has(&w, "tlspact_gateway_up{partner=\"acme\",nexthop=\"acme.example\","
		"gateway=\"mx2.acme.example\",address=\"192.0.2.2\","
		"port=\"25\"} 0\n");
	has(&w, "partner=\"glob\\\"ex\"");
	has(&w, ",fault=\"expired\"} 1\n");
	/* Expired, not answering, and not looked at. */
	has(&w, "days_left{partner=\"acme\",nexthop=\"acme.example\","
		"gateway=\"mx2.acme.example\",address=\"192.0.2.2\","
		"port=\"25\"} -3.00\n");
	has(&w, "days_left{partner=\"glob\\\"ex\",nexthop=\"globex.example\","
		"gateway=\"mx|.globex.example\",address=\"2001:db8::1\","
		"port=\"25\"} -2.00\n");
	has(&w, "days_left{partner=\"acme\",nexthop=\"acme.example\","
		"gateway=\"mx9.acme.example\",address=\"192.0.2.9\","
		"port=\"25\"} 1.00\n");
	has(&w, "tlspact_probe_failed 3\n");
	done(&w);
}

static void
test_json(void **state)
{
	json_t *root, *list, *g;
	json_error_t e;
	struct world w;

	(void)state;
	world(&w);
	w.row[0]->subject = "caf\xc3\xa9";
	w.row[1]->subject = "bad \xff byte";
	probereport_json(&w.r, 1, &w.out);
	root = json_loads(w.out.data, JSON_REJECT_DUPLICATES, &e);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")),
	    "tlspact.probe.v1");
	list = json_object_get(root, "gateways");
	assert_int_equal(json_array_size(list), 5);
	g = json_array_get(list, 1);
	assert_string_equal(
	    json_string_value(json_object_get(g, "fault")), "expired");
	assert_int_equal(json_integer_value(json_object_get(
			     json_object_get(g, "certificate"), "days_left")),
	    -3);
	assert_true(
	    json_is_null(json_object_get(json_array_get(list, 4), "partner")));
	assert_int_equal(json_array_size(json_object_get(root, "partners")), 3);
	json_decref(root);
	done(&w);
}

static void
test_letter(void **state)
{
	struct world w;

	(void)state;
	world(&w);
	probereport_enforce(&w.r, "us.example", &w.out);
	has(&w, "acme: no, cannot be enforced today\n");
	has(&w, "To the postmaster of acme.example:\n");
	has(&w, "from us.example:\n");
	has(&w, "  mx1.acme.example [192.0.2.1]: ready");
	has(&w, "  mx2.acme.example [192.0.2.2]: not ready (expired)");
	buf_clear(&w.out);
	w.r.n = 1;
	probereport_enforce(&w.r, "us.example", &w.out);
	has(&w, "acme: yes, could be enforced today\n");
	has(&w, "Nothing is missing on your side.");
	done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sum),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_warning),
	    cmocka_unit_test(test_unfinished),
	    cmocka_unit_test(test_nagios),
	    cmocka_unit_test(test_prometheus),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
