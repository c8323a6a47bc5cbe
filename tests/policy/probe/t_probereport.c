/* Results as text: table, JSON, monitoring, letters. */
#include "buf.h"
#include "columns.h"
#include "json.h"
#include "mem.h"
#include "probemetrics.h"
#include "probemoved.h"
#include "proberefused.h"
#include "probeplan.h"
#include "probeletter.h"
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

static const struct attributes chance = {.mode = MODE_OPPORTUNISTIC};
static const struct partner acme = {.name = "acme", .attributes = &chance};
static const struct partner globex = {.name = "glob\"ex",
    .attributes = &chance};
static const struct attributes enforced = {.mode = MODE_ENFORCED};
static const struct partner initech = {.name = "initech",
    .contact = "it@b.example",
    .attributes = &enforced};
static const struct probetarget targets[] = {
    {.partner = &acme,
	.name = "acme",
	.nexthop = "acme.example",
	.level = LEVEL_SECURE},
    {.partner = &acme,
	.name = "acme",
	.nexthop = "acme.example.org",
	.level = LEVEL_SECURE},
    {.partner = &globex,
	.name = "glob\"ex",
	.nexthop = "globex.example",
	.level = LEVEL_SECURE},
    {.name = "-", .nexthop = "stranger.example"},
    {.partner = &initech,
	.name = "initech",
	.nexthop = "initech.example",
	.level = LEVEL_SECURE},
    {.partner = &initech,
	.name = "initech",
	.nexthop = "initech.example",
	.level = LEVEL_OPPORTUNISTIC},
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
	probereport_table.put(&w.r, &w.out);
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
	probereport_table.put(&w.r, &w.out);
	has(&w, "\033[31mFAIL expired\033[m\n");
	has(&w, "\033[32mpass\033[m\n");
	assert_non_null(
	    strstr(strstr(w.out.data, "192.0.2.1 ") + 1, "192.0.2.1 "));
	done(&w);
}

/* Too long for a line: below it, and whole; wide characters break nothing. */
static void
test_narrow(void **state)
{
	static const char host[] = "mx1.a-gateway-with-a-name-of-sixty-"
				   "characters.acme.example";
	static const char want[] =
	    "partner               gateway                       verdict\n"
	    "a-partner-with-a-...  mx1.a-gateway-with-a-name...  FAIL "
	    "name-mismatch, "
	    "by turns\n"
	    "    a-partner-with-a-long-name,\n"
	    "    mx1.a-gateway-with-a-name-of-sixty-characters.acme.example, "
	    "192.0.2.1,\n"
	    "    TLSv1.3, CIPHER, CN "
	    "\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b, 41 days left\n";
	static const struct partner partner = {.name = "a"};
	static const struct probetarget target = {.partner = &partner,
	    .level = LEVEL_SECURE,
	    .name = "a-partner-with-a-long-name",
	    .nexthop = "acme.example"};
	struct world w;
	char *line;

	(void)state;
	world(&w);
	w.r.n = 1;
	w.r.columns = 80;
	w.row[0]->target = &target;
	w.row[0]->seen.host = host;
	w.row[0]->fault = FAULT_NAME_MISMATCH;
	w.row[0]->turns.on = true;
	w.row[0]->certificate =
	    "CN \xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b, 41 days left";
	probereport_table.put(&w.r, &w.out);
	if (strncmp(w.out.data, want, strlen(want)) != 0)
		fail_msg("is\n%s, not\n%s", w.out.data, want);
	for (line = strtok(w.out.data, "\n"); line != NULL;
	     line = strtok(NULL, "\n"))
		if (columns_width(line) > 80)
			fail_msg("too wide: %s", line);
	buf_clear(&w.out);
	w.r.columns = 300;
	probereport_table.put(&w.r, &w.out);
	has(&w, "41 days left  FAIL name-mismatch, by turns\n");
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
	probereport_table.put(&w.r, &w.out);
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
	probereport_table.put(&w.r, &w.out);
	has(&w, "pass, ends soon\n");
	rule.id = CERTRULE_KEY_SIZE;
	w.row[0]->days_left = 5;
	buf_clear(&w.out);
	probereport_table.put(&w.r, &w.out);
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
	assert_int_equal(probemetrics_nagios.put(&w.r, &w.out), 3);
	w.r.n = 0;
	buf_clear(&w.out);
	assert_int_equal(probemetrics_nagios.put(&w.r, &w.out), 3);
	buf_clear(&w.out);
	probereport_table.put(&w.r, &w.out);
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
	assert_int_equal(probemetrics_nagios.put(&w.r, &w.out), 2);
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
	assert_int_equal(probemetrics_nagios.put(&w.r, &w.out), 0);
	has(&w, "TLSPACT OK - 1 gateway of 1 partner passes | ");
	has(&w, " min_days_left=41;14:;0:\n");
	buf_clear(&w.out);
	w.row[0]->warning = true;
	assert_int_equal(probemetrics_nagios.put(&w.r, &w.out), 1);
	has(&w, "TLSPACT WARNING - ");
	has(&w, "41 days left");
	done(&w);
}

/* What wakes nobody: another gateway passes, or nothing was agreed. */
static void
test_nagios_calm(void **state)
{
	static const struct {
		unsigned target;
		enum fault fault, other;
		int code;
		const char *has;
	} rows[] = {
	    {0, FAULT_EXPIRED, FAULT_OK, 1,
		"WARNING - 1 of 2 gateways fail, others take the mail: "},
	    {0, FAULT_EXPIRED, FAULT_NO_STARTTLS, 2, "CRITICAL - 2 of 2 "},
	    {0, FAULT_LOCAL_ERROR, FAULT_OK, 3, "UNKNOWN - 1 of 2 "},
	    {5, FAULT_NO_STARTTLS, FAULT_NO_STARTTLS, 0,
		"OK - 2 gateways of 1 partner pass, 2 without good TLS"},
	    {5, FAULT_NO_STARTTLS, FAULT_NO_STARTTLS, 0, " failed=0;"},
	    {5, FAULT_NO_STARTTLS, FAULT_NO_STARTTLS, 0,
		" partners_failed=0\n"},
	    {5, FAULT_CONNECT_TIMEOUT, FAULT_CONNECT_TIMEOUT, 2, "CRITICAL"},
	    {3, FAULT_NO_STARTTLS, FAULT_NO_STARTTLS, 2, "CRITICAL"},
	};
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world(&w);
		w.row[5] =
		    row(rows[i].target, "a", "192.0.2.1", rows[i].fault, 0);
		w.row[6] =
		    row(rows[i].target, "b", "192.0.2.2", rows[i].other, 0);
		w.r.row = w.row + 5;
		w.r.n = 2;
		assert_int_equal(
		    probemetrics_nagios.put(&w.r, &w.out), rows[i].code);
		has(&w, rows[i].has);
		done(&w);
	}
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
	probemetrics_prometheus.put(&w.r, &w.out);
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
	w.r.code = 1;
	w.r.messages = json_pack("[s]", "said");
	probereport_json.put(&w.r, &w.out);
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
	struct proberow_rule soon = {.id = CERTRULE_AHEAD,
	    .sentence = "The certificate expires in 5 days."};
	struct world w;

	(void)state;
	world(&w);
	w.r.helo = "us.example";
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "acme: no, cannot be enforced today\n");
	has(&w, "To: postmaster@acme.example\nSubject: TLS of your mail "
		"gateways\n\nDear postmaster,\n\nWe would like to ");
	has(&w, "from\nus.example:\n");
	has(&w, "goes on as before.\n\nThe postmaster of us.example\n");
	has(&w, "  mx1.acme.example [192.0.2.1]: ready");
	has(&w, "  mx2.acme.example [192.0.2.2]: not ready (expired)");
	buf_clear(&w.out);
	w.r.n = 1;
	w.r.helo = "us.example";
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "acme: yes, could be enforced today: tlspactctl "
		"onboard acme\n");
	has(&w, "Nothing is missing on your side.");
	w.row[0]->rule = &soon;
	w.row[0]->nrules = 1;
	buf_clear(&w.out);
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "    - The certificate expires in 5 days. Put a new one");
	has(&w, "Nothing else is missing on your side.");
	w.row[0]->nrules = 0;
	w.r.operator_ = "postmaster";
	buf_clear(&w.out);
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "\n\nThe postmaster of us.example\n");
	w.r.operator_ = "postmaster@ours.example";
	buf_clear(&w.out);
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "\n\nThe postmaster, postmaster@ours.example\n");
	assert_null(strstr(w.out.data, "postmaster of us"));
	done(&w);
}

/* One that is enforced, with a contact, and long names. */
static void
test_letter_enforced(void **state)
{
	const char *line, *first;
	struct world w;
	json_t *list;

	(void)state;
	world(&w);
	w.row[5] = row(4, "a-gateway-with-a-name.that.is.long.initech.example",
	    "2001:db8:1234:5678::1", FAULT_EXPIRED, -3);
	w.row[6] = row(4, "mx2.initech.example", "192.0.2.2", FAULT_OK, 41);
	w.row[5]->cert_fault = FAULT_OK;
	w.r.row = w.row + 5;
	w.r.n = 2;
	w.r.helo = "a-host-of-ours.with.a.long.name.us.example";
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "initech: enforced, and 1 of 2 gateways fail\n");
	has(&w, "\nTo: it@b.example\n");
	for (line = w.out.data; *line != '\0'; line += *line == '\n') {
		first = line;
		line += strcspn(line, "\n");
		assert_in_range(line - first, 0, 80);
	}
	list = probeletter_json(&w.r);
	assert_int_equal(json_array_size(list), 1);
	buf_clear(&w.out);
	json_put(list, &w.out);
	has(&w, "\"enforced\": true");
	has(&w, "\"could_be\": \"no\"");
	has(&w, "\"fault\": \"expired\"");
	has(&w, "To: it@b.example\\nSubject: ");
	buf_clear(&w.out);
	w.r.row = w.row + 6;
	w.r.n = 1;
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "initech: enforced, and it can stay so\n");
	done(&w);
}

/* Who has another gateway is asked about that first; nobody else is. */
static void
test_letter_moved(void **state)
{
	static const struct probemoved moved = {.partner = "initech",
	    .nexthop = "initech.example",
	    .was = "mx1.initech.example",
	    .until = AT - DAY,
	    .is = "h9.hosting.example"};
	struct world w;

	(void)state;
	world(&w);
	w.row[5] = row(4, "h9.hosting.example", "192.0.2.9", FAULT_EXPIRED, 0);
	w.r.n = 6;
	w.r.helo = "us.example";
	w.r.moved = &moved;
	w.r.nmoved = 1;
	probeletter_enforce.put(&w.r, &w.out);
	has(&w,
	    "To: it@b.example\nSubject: TLS of your mail gateways: our "
	    "mail to you would wait\n\nDear postmaster,\n\nThe MX of "
	    "initech.example was mx1.initech.example until 2026-11-22, and\n"
	    "is h9.hosting.example now. Is that yours? ");
	has(&w, "To: postmaster@acme.example\nSubject: TLS of your mail "
		"gateways\n\nDear postmaster,\n\nWe would like to ");
	done(&w);
}

/* What we refuse from them is theirs to mend, whatever their gateways show. */
static void
test_letter_refused(void **state)
{
	static struct proberefused refused = {.partner = "initech",
	    .at = AT - 3600,
	    .fault = "no-certificate",
	    .host = "out.initech.example",
	    .address = "192.0.2.9"};
	struct world w;

	(void)state;
	world(&w);
	w.r.helo = "us.example";
	w.r.refused = &refused;
	w.r.nrefused = 1;
	w.row[5] = row(4, "mx1.initech.example", "192.0.2.9", FAULT_OK, 41);
	w.r.row += 5;
	w.r.n = 1;
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "initech: enforced, and it can stay so; but mail FROM them was "
		"refused\n");
	has(&w, "gateways: your mail to us was refused\n");
	has(&w, " as\nout.initech.example [192.0.2.9] showed no client "
		"certificate. Please");
	has(&w, "Our mail to you moves as agreed.");
	assert_null(strstr(w.out.data, "Nothing is missing"));
	refused.fault = "no-starttls";
	refused.host = "unknown";
	buf_clear(&w.out);
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, " as\n[192.0.2.9] sent it without TLS. Please");
	refused.fault = "protocol-too-old";
	buf_clear(&w.out);
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, " as\n[192.0.2.9] used an older TLS version than was agreed.");
	done(&w);
}

/* What came in by an exception alone is as much theirs to mend. */
static void
test_letter_let_in(void **state)
{
	static struct proberefused in = {.partner = "initech",
	    .let_in = 2,
	    .clear = true,
	    .first = "2026-11-20",
	    .day = "2026-11-22",
	    .until = AT + 3600};
	struct world w;

	(void)state;
	world(&w);
	w.r.helo = "us.example";
	w.r.refused = &in;
	w.r.nrefused = 1;
	w.row[5] = row(4, "mx1.initech.example", "192.0.2.9", FAULT_OK, 41);
	w.r.row += 5;
	w.r.n = 1;
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "initech: enforced, and it can stay so; but mail FROM them "
		"lacks TLS\n");
	has(&w, "gateways: your mail to us is not as agreed\n");
	has(&w,
	    "Your mail to us came without TLS, 2 mails from 2026-11-20 to "
	    "2026-11-22.\nIt was let in by an exception alone, which ends on");
	has(&w, "without that it is refused. Please have your servers use "
		"STARTTLS.");
	assert_null(strstr(w.out.data, "Nothing is missing"));
	in.clear = false;
	in.let_in = 1;
	in.first = in.day;
	in.until = AT - 3600;
	buf_clear(&w.out);
	probeletter_enforce.put(&w.r, &w.out);
	has(&w, "lacks their\n  certificate\n");
	has(&w, "without the client certificate that was agreed, 1\nmail on");
	has(&w, "which ended on");
	done(&w);
}

/* By what the map holds it to, and what would get it moving. */
static void
test_letter_waits(void **state)
{
	static const struct {
		enum level held;
		enum fault fault;
		bool waits;
	} rows[] = {{LEVEL_SECURE, FAULT_EXPIRED, true},
	    {LEVEL_ENCRYPT, FAULT_EXPIRED, false},
	    {LEVEL_ENCRYPT, FAULT_NO_STARTTLS, true},
	    {LEVEL_OPPORTUNISTIC, FAULT_NO_STARTTLS, false},
	    {LEVEL_OPPORTUNISTIC, FAULT_EXPIRED, false},
	    {LEVEL_ENCRYPT, FAULT_CONNECT_TIMEOUT, true}};
	struct probetarget held = targets[4];
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world(&w);
		held.held = rows[i].held;
		w.row[5] =
		    row(4, "mx1.b.example", "192.0.2.9", rows[i].fault, 0);
		w.row[5]->target = &held;
		w.r.row = w.row + 5;
		w.r.n = 1;
		w.r.helo = "us.example";
		probeletter_enforce.put(&w.r, &w.out);
		has(&w, rows[i].waits ? ": our mail to you waits\n"
				      : ": our mail to you would wait\n");
		has(&w, rows[i].waits ? "passes: mail waits\n"
				      : "passes: mail would wait, but the");
		done(&w);
	}
}

/* Which CA it is, and which one it should be; but no file of ours. */
static void
test_letter_issuer(void **state)
{
	static const struct {
		enum certrule_id id;
		enum fault fault;
		const char *want;
	} cases[] = {
	    {CERTRULE_ISSUER, FAULT_WRONG_ISSUER,
		"of O=Cheap, CN=Cheap R1; agreed is \"Good CA*\" or \"Best\". "
		"Use"},
	    {CERTRULE_CA, FAULT_UNTRUSTED_ISSUER,
		"It was issued by \"Cheap R1\"."},
	    {CERTRULE_SELF_SIGNED, FAULT_SELF_SIGNED, "no CA vouches"},
	};
	struct strs *issuer =
	    mem_zero(1, sizeof(*issuer) + 2 * sizeof(issuer->v[0]));
	struct attributes agreed = {.mode = MODE_ENFORCED};
	struct partner partner = initech;
	struct probetarget target = targets[4];
	struct proberow_rule rule = {.state = CERTRULE_FAIL,
	    .observed = "O=Cheap, CN=Cheap R1",
	    .sentence = "/etc/ours"};
	struct world w;
	json_t *list;
	size_t i;

	(void)state;
	issuer->n = 2;
	issuer->v[0] = "Good CA*";
	issuer->v[1] = "Best";
	agreed.issuer = issuer;
	partner.attributes = &agreed;
	target.partner = &partner;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world(&w);
		w.row[5] =
		    row(4, "mx1.initech.example", "", cases[i].fault, 41);
		rule.id = cases[i].id;
		rule.fault = cases[i].fault;
		w.row[5]->target = &target;
		w.row[5]->issuer = "Cheap R1";
		w.row[5]->rule = &rule;
		w.row[5]->nrules = 1;
		w.r.row = w.row + 5;
		w.r.n = 1;
		w.r.helo = "us.example";
		probeletter_enforce.put(&w.r, &w.out);
		has(&w, cases[i].want);
		assert_null(strstr(w.out.data, "/etc/ours"));
		buf_clear(&w.out);
		list = probeletter_json(&w.r);
		json_put(list, &w.out);
		has(&w,
		    i == 0 ? "O=Cheap, CN=Cheap R1; agreed is" : "\"what\"");
		done(&w);
	}
	free(issuer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sum),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_narrow),
	    cmocka_unit_test(test_warning),
	    cmocka_unit_test(test_unfinished),
	    cmocka_unit_test(test_nagios),
	    cmocka_unit_test(test_nagios_calm),
	    cmocka_unit_test(test_prometheus),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_letter),
	    cmocka_unit_test(test_letter_enforced),
	    cmocka_unit_test(test_letter_moved),
	    cmocka_unit_test(test_letter_refused),
	    cmocka_unit_test(test_letter_let_in),
	    cmocka_unit_test(test_letter_waits),
	    cmocka_unit_test(test_letter_issuer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
