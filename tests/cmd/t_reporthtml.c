#include "check.h"

#include <jansson.h>

#include "buf.h"
#include "diag.h"
#include "registry.h"
#include "report.h"
#include "reportformat.h"
#include "reporthtml.h"

#define EVIL "</script><script>x()</script>\"' onload='x()\n\xe2\x80\xae&lt;"
#define DAY 86400
#define FROM 1764547200 /* 2025-12-01 */

static struct buf out;

static void
texts(struct report *r)
{
	size_t i;

	r->from = FROM;
	r->ndays = 3;
	r->to = FROM + 3 * DAY;
	r->now = r->to;
	r->from_day = "2025-12-01";
	r->to_day = "2025-12-03";
	r->version = r->registry_digest = r->map_fault = "";
	r->verify = r->unrecorded = "";
	for (i = 0; i < REPORT_FACTS; i++)
		r->fact[i] = (struct report_fact){"", REPORT_OPEN, "", ""};
}

/* What the script is given, as JSON; the caller frees it. */
static json_t *
data(void)
{
	const char *begin = strstr(out.data, "id=\"data\">"), *end;
	json_t *j;

	assert_non_null(begin);
	begin += strlen("id=\"data\">");
	end = strstr(begin, "</script>");
	assert_non_null(end);
	j = json_loadb(begin, (size_t)(end - begin), 0, NULL);
	assert_non_null(j);
	return j;
}

static void
t_empty(void **state)
{
	struct report r = {0};
	json_t *j;

	(void)state;
	texts(&r);
	reporthtml.put(&r, &out);
	check_has("partners", out.data, "There are no partners.");
	check_has(
	    "timeline", out.data, "No downgrade and no fault is on record.");
	j = data();
	check_int(
	    "partners", json_array_size(json_object_get(j, "partners")), 0);
	check_int("days", json_integer_value(json_object_get(j, "days")), 3);
	json_decref(j);
	buf_clear(&out);
}

/* Every text that others write, by all of the ways in which it gets there. */
static struct report_day evil_day[] = {
    {.day = 0, .n = {{0}, {40, 0, 0, 7}}, .required = {0, 7}, .kept = {0, 7}}};
static struct report_downgrade d = {.partner = EVIL,
    .before = LEVEL_SECURE,
    .begin = FROM,
    .end = FROM + DAY,
    .over = FROM + DAY,
    .reason = EVIL,
    .ticket = EVIL,
    .author = EVIL,
    .sudo_user = EVIL "2",
    .fault = EVIL,
    .extended_by = EVIL,
    .closed = FROM + DAY,
    .closed_by = EVIL,
    .closed_why = EVIL};
static struct report_rule_change c = {.time = FROM,
    .partner = EVIL,
    .key = EVIL,
    .cause = EVIL,
    .was = EVIL,
    .is = EVIL,
    .author = EVIL,
    .text = EVIL};
static struct report_seen_change v = {.time = FROM,
    .partner = EVIL,
    .nexthop = EVIL,
    .host = EVIL,
    .was = EVIL,
    .is = EVIL};
static struct report_fault f = {EVIL, FROM, 0, EVIL};
static struct report_note n = {.partner = EVIL, .text = EVIL, .next = EVIL};
static struct report_answer a = {EVIL, EVIL, EVIL, REPORT_BAD, true, EVIL, {0}};
static struct report_domain o = {.name = EVIL, .last = EVIL};
static struct report_host h = {.name = EVIL};
static struct report_failure x = {.partner = EVIL,
    .fault = EVIL,
    .first = EVIL,
    .last = EVIL};
static struct report_cert chain[] = {
    {.subject = EVIL, .issuer = EVIL, .key = EVIL},
    {.subject = EVIL, .issuer = EVIL, .key = EVIL}};
static struct report_notice told = {.partner = EVIL,
    .kind = EVIL,
    .subject = EVIL};
static struct report_use use = {.name = EVIL,
    .n = 1,
    .last = EVIL,
    .state = REPORT_BAD,
    .why = EVIL};
#define USES                      \
	{                         \
		.v = &use, .n = 1 \
	}
#define WAY                                                         \
	{                                                           \
		.protocol = USES, .cipher = USES, .exchange = USES, \
		.signature = USES, .proof = USES, .secret = 1,      \
		.weakest = EVIL, .mail.deferred = 1                 \
	}
static struct report_leg leg = {.partner = EVIL, .leg = EVIL, .clear = 1};
static struct report_onboard step = {.partner = EVIL,
    .text = EVIL,
    .refusal = EVIL};
static struct report_gateway g = {.dnssec = EVIL,
    .tlsa = EVIL,
    .cert = chain,
    .ncerts = 2,
    .partner = EVIL,
    .nexthop = EVIL,
    .host = EVIL,
    .address = EVIL,
    .fault = EVIL,
    .protocol = EVIL,
    .exchange = EVIL,
    .issuer = EVIL,
    .ends = FROM + DAY,
    .ends_who = EVIL "2",
    .word = EVIL};
static const struct attributes t = {.ticket = EVIL,
    .note = EVIL,
    .operator_ = EVIL};
static const struct partner entry = {.attributes = &t, .contact = EVIL};
static const struct registry registry = {0};
static struct report_partner evil_partner = {.name = EVIL,
    .way = {WAY, WAY},
    .p = &entry,
    .day = evil_day,
    .ndays = 1,
    .gateway = &g,
    .ngateways = 1,
    .failure = &x,
    .nfailures = 1,
    .ndowngrades = 1,
    .names = EVIL,
    .ready = REPORT_READY,
    .missing = EVIL,
    .line = EVIL,
    .verdict = EVIL};
static struct report evil = {.partner = &evil_partner,
    .npartners = 1,
    .all = {WAY, WAY},
    .leg = &leg,
    .nlegs = 1,
    .onboard = &step,
    .nonboards = 1,
    .notice = &told,
    .nnotices = 1,
    .downgrade = &d,
    .ndowngrades = 1,
    .rule = &c,
    .nrules = 1,
    .seen_change = &v,
    .nseen_changes = 1,
    .fault = &f,
    .nfaults = 1,
    .note = &n,
    .nnotes = 1,
    .answer = &a,
    .nanswers = 1,
    .domain = &o,
    .ndomains = 1,
    .host = &h,
    .nhosts = 1,
    .failure = &x,
    .nfailures = 1,
    .gateway = &g,
    .ngateways = 1};

static void
t_hostile(void **state)
{
	const char *at;
	unsigned scripts = 0;
	json_t *j;

	(void)state;
	buf_clear(&out);
	texts(&evil);
	evil.registry = &registry;
	evil.map_fault = evil.verify = evil.registry_digest = EVIL;
	reporthtml.put(&evil, &out);
	/* Nothing of it is markup, no attribute is ended, no line. */
	check_true("element", strstr(out.data, "<script>x()") == NULL);
	/* The data is no markup, and may hold them. */
	at = strstr(out.data, "id=\"data\">");
	check_true("attribute",
	    memmem(out.data, (size_t)(at - out.data), "' onload", 8) == NULL);
	check_has("a leg in clear", out.data, "<span class=\"s bad\">in clear");
	check_true("direction", strstr(out.data, "\xe2\x80\xae") == NULL);
	check_has("shown", out.data, "&lt;script&gt;x()&lt;/script&gt;");
	for (at = out.data; (at = strstr(at, "<script")) != NULL; at++)
		scripts++;
	check_int("the data and ours", scripts, 2);
	j = data();
	check_str("name",
	    json_string_value(json_array_get(
		json_array_get(json_object_get(j, "partners"), 0), 0)),
	    "</script><script>x()</script>\"' onload='x()\\x0a"
	    "\\xe2\\x80\\xae&lt;");
	json_decref(j);
	buf_clear(&out);
}

/* The form that reportdata.c tells, which page.js reads. */
static void
t_data(void **state)
{
	static struct report_day day[] = {{.day = 0,
					      .n = {{0, 3}, {0, 0, 0, 40}},
					      .required = {0, 40},
					      .kept = {0, 39}},
	    {.day = 2,
		.n = {{0, 1}, {0, 0, 0, 1025}},
		.required = {0, 1025},
		.kept = {0, 1025},
		.lowered = {0, 2}},
	    {.day = 9, .n = {{0, 1}}}};
	struct report_partner p = {.name = "a",
	    .day = day,
	    .ndays = 3,
	    .names = "",
	    .missing = "",
	    .line = "",
	    .verdict = ""};
	struct report r = {.partner = &p, .npartners = 1};
	json_t *j;

	(void)state;
	buf_clear(&out);
	texts(&r);
	r.ndays = 10;
	r.head.count = 1;
	reporthtml.put(&r, &out);
	check_has("its page", out.data, "<h1>a, <span");
	check_has("a look that was not taken", out.data, "report --check");
	j = data();
	/* Encrypted in: 3, 0, 1, six times 0, 1, of which a week later -3, 0, 0
	 * more. Verified out: 40, 0, 1025; then -40, 0, -1025. All that came in
	 * was asked for nothing, one mail out failed. */
	check_str("columns",
	    json_string_value(json_array_get(
		json_array_get(json_object_get(j, "partners"), 0), 1)),
	    "  (#$!')     u#}y3!'v##~y3 *   $!)%  ##&!)'");
	json_decref(j);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_empty),
	    cmocka_unit_test(t_hostile),
	    cmocka_unit_test(t_data),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&out);
	return failed;
}
