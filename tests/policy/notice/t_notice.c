/* What people are told: when, in which words, and nothing forged in it. */
#include "notice_json.h"
#include "notice_mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#define T0 1795442400 /* 2026-11-23T14:00:00Z */
#define DAY 86400

static const char *const domains[] = {"acme.example", ".acme.example"};
static const char *const names[] = {"acme", "bex", "cog", "dot"};

static const struct step_gateway gateways[] = {
    {.nexthop = "acme.example",
	.host = "mx1.acme.example",
	.address = "192.0.2.1",
	.fault = FAULT_EXPIRED,
	.key = "aa",
	.last_key = "aa",
	.not_after = T0 - 3 * 3600},
    {.nexthop = "acme.example",
	.host = "mx2.acme.example",
	.fault = FAULT_OK,
	.key = "bb",
	.last_key = "bb"},
};

/* The first one passes, too. */
static const struct step_gateway turning[] = {
    {.nexthop = "acme.example",
	.host = "mx1.acme.example",
	.address = "192.0.2.1",
	.fault = FAULT_EXPIRED,
	.not_after = T0 - 3 * 3600,
	.turns = {true, 3, 8, FAULT_NO_STARTTLS}},
    {.nexthop = "acme.example", .host = "mx2.acme.example"},
};

static struct notice
sample(enum notice_kind kind)
{
	bool over = kind == NOTICE_RESTORED || kind == NOTICE_END_NEAR;

	return (struct notice){.kind = kind,
	    .at = T0,
	    .of.partner = "acme",
	    .contact = "postmaster@other.example",
	    .notify_contact = NOTIFY_YES,
	    .ticket = "4711",
	    .domain = domains,
	    .ndomains = 2,
	    .of.fault = FAULT_EXPIRED,
	    .of.from = over ? LEVEL_KEY : LEVEL_SECURE,
	    .of.to = over ? LEVEL_SECURE : LEVEL_KEY,
	    .of.why = kind == NOTICE_HELD	? DROP_WHY_POLICY
		      : kind == NOTICE_RESTORED ? DROP_WHY_END
		      : kind == NOTICE_BY_TURNS ? DROP_WHY_TURNS
						: DROP_WHY_NONE,
	    .of.automatic = true,
	    .of.id = 7,
	    .of.since = T0 - 600,
	    .of.begin = T0,
	    .of.until = T0 + 4 * 3600,
	    .of.failures = 3,
	    .of.text = "3 failed deliveries",
	    .gateway = kind == NOTICE_BY_TURNS ? turning : gateways,
	    .ngateways = 2,
	    .of.name = names,
	    .of.nnames = 4,
	    .days = 7,
	    .map = "/var/lib/tlspact/policy.cdb",
	    .compiled = T0 - DAY};
}

struct row {
	enum notice_kind kind;
	const char *key;
	const char *subject;
	const char *body[8];   /* each stands in it */
	const char *not_in[3]; /* none does */
};

static const struct row rows[] = {
    {.kind = NOTICE_HELD,
	.key = "held:acme:policy:key:expired:2026-11-23",
	.subject = "[tlspact] mail to acme is waiting: expired",
	.body = {"Mail from us to acme is waiting",
	    "mx1.acme.example [192.0.2.1]: expired",
	    "valid        to 2026-11-23 11:00 UTC", "2026-11-23 13:50 UTC",
	    "mx2.acme.example passes.", "Renew the certificate",
	    "Nothing is lost",
	    "tlspactctl downgrade acme --to key --for 4h --reason "
	    "\"expired\""}},
    {.kind = NOTICE_LOWERED,
	.key = "lowered:acme:7",
	.subject = "[tlspact] acme lowered to key until 2026-11-23 18:00 UTC: "
		   "expired",
	.body = {"from secure to key", "It ends by itself 2026-11-23 18:00 UTC",
	    "only to a gateway that holds a key we know",
	    "tlspactctl restore acme", "the one that passed before"}},
    {.kind = NOTICE_RESTORED,
	.key = "restored:acme:7",
	.subject = "[tlspact] acme is back at secure",
	.body = {"protected again as agreed", "Its time was up."},
	.not_in = {"mail will wait"}},
    {.kind = NOTICE_END_NEAR,
	.key = "end-near:acme:7:2026-11-23T18:00:00Z",
	.subject = "[tlspact] acme: the downgrade ends 2026-11-23 18:00 UTC",
	.body = {"tlspactctl extend acme", "from then on mail will wait"}},
    {.kind = NOTICE_EXPIRING,
	.key = "expiring:acme:mx1.acme.example:2026-11-23T11:00:00Z:7",
	.subject = "[tlspact] certificate of mx1.acme.example (acme) expires "
		   "within 7 days",
	.body = {"expires within 7 days", "The certificate", "Renew"}},
    {.kind = NOTICE_FAULT_NEW,
	.key = "fault-new:acme:expired:2026-11-23T13:50:00Z",
	.subject = "[tlspact] acme fails our probe: expired",
	.body = {"What is wrong", "mx1.acme.example [192.0.2.1]: expired"}},
    {.kind = NOTICE_BY_TURNS,
	.key = "by-turns:acme:expired:2026-11-23",
	.subject = "[tlspact] acme fails our probe: expired, by turns",
	.body = {"fails and passes by turns",
	    "mx1.acme.example [192.0.2.1]: expired\n"
	    "    by turns: 3 of the last 8 looks no-starttls\n",
	    "mx2.acme.example passes", "goes through when it is tried again"},
	.not_in = {"No gateway passes"}},
    {.kind = NOTICE_FAULT_GONE,
	.key = "fault-gone:acme:expired:2026-11-23T13:50:00Z",
	.subject = "[tlspact] acme passes our probe again",
	.body = {"passes again"},
	.not_in = {"What is wrong", "What to do"}},
    {.kind = NOTICE_COMMON,
	.key = "mass:acme:2026-11-23T14:00:00Z",
	.subject = "[tlspact] 4 partners fail at once: is the fault ours?",
	.body = {"TLS with 4 partners fails at once", "ca_file", "  bex\n",
	    "tlspactctl downgrade PARTNER"}},
    {.kind = NOTICE_COMMON_OVER,
	.key = "mass-over:acme:2026-11-23T14:00:00Z",
	.subject = "[tlspact] partners recover; downgrades are possible again",
	.body = {"2026-11-23 14:00 UTC is over"}},
    {.kind = NOTICE_LOST,
	.key = "lost:acme:2026-11-23T13:50:00Z",
	.subject = "[tlspact] many partners lost protection: was that meant?",
	.body = {"nobody was asked about", "  3 failed deliveries"},
	.not_in = {"mx1"}},
    {.kind = NOTICE_MAP,
	.key = "map:acme:b6e00a4d75f30bd5:2026-11-23",
	.subject = "[tlspact] the map was not compiled; the old one is in "
		   "force",
	.body = {"/var/lib/tlspact/policy.cdb", "2026-11-22 14:00 UTC",
	    "3 failed deliveries"}},
};

static void
check_row(const struct row *row)
{
	struct notice n = sample(row->kind);
	char *key = notice_key(&n), *subject = notice_subject(&n);
	char *body = notice_body(&n, true);
	size_t i;

	if (row->kind == NOTICE_MAP)
		assert_int_equal(strlen(key), strlen(row->key));
	else
		assert_string_equal(key, row->key);
	assert_string_equal(subject, row->subject);
	for (i = 0; i < 8 && row->body[i] != NULL; i++)
		if (strstr(body, row->body[i]) == NULL)
			fail_msg("%s: no \"%s\" in:\n%s",
			    notice_kind_text(row->kind), row->body[i], body);
	for (i = 0; i < 3 && row->not_in[i] != NULL; i++)
		if (strstr(body, row->not_in[i]) != NULL)
			fail_msg("%s: \"%s\" in:\n%s",
			    notice_kind_text(row->kind), row->not_in[i], body);
	if (getenv("NOTICE_SHOW") != NULL)
		(void)printf("=== %s\n%s\n", subject, body);
	free(body);
	free(subject);
	free(key);
}

static void
test_words(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(rows[i].kind, i);
		check_row(&rows[i]);
	}
}

/* Nothing known but the kind: still whole sentences, and no crash. */
static void
test_bare(void **state)
{
	unsigned kind, fault;

	(void)state;
	for (kind = 0; kind <= NOTICE_MAP; kind++)
		for (fault = 0; fault < FAULT_COUNT; fault++) {
			struct notice n = {.kind = (enum notice_kind)kind,
			    .of.fault = (enum fault)fault};
			char *all[] = {notice_key(&n), notice_subject(&n),
			    notice_body(&n, true), notice_json(&n)};
			size_t i;

			for (i = 0; i < 4; i++) {
				assert_non_null(all[i]);
				assert_true(*all[i] != '\0');
				assert_null(strstr(all[i], "(null)"));
				free(all[i]);
			}
			assert_false(notice_tell_contact(&n));
		}
}

static const char *
text_of(json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? "" : s;
}

static void
test_json(void **state)
{
	unsigned kind;

	(void)state;
	for (kind = 0; kind <= NOTICE_MAP; kind++) {
		struct notice n = sample((enum notice_kind)kind);
		char *text = notice_json(&n), *key = notice_key(&n);
		json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *g;

		assert_non_null(o);
		assert_null(strchr(text, '\n'));
		assert_string_equal(text_of(o, "schema"), "tlspact.notice.v1");
		assert_string_equal(
		    text_of(o, "kind"), notice_kind_text(n.kind));
		assert_string_equal(text_of(o, "key"), key);
		assert_string_equal(text_of(o, "time"), "2026-11-23T14:00:00Z");
		assert_string_equal(text_of(o, "partner"), "acme");
		g = json_array_get(json_object_get(o, "gateways"), 0);
		assert_string_equal(text_of(g, "fault"), "expired");
		assert_string_equal(
		    text_of(g, "not_after"), "2026-11-23T11:00:00Z");
		if (n.kind == NOTICE_LOWERED) {
			assert_string_equal(text_of(o, "level_after"), "key");
			assert_int_equal(
			    json_integer_value(json_object_get(o, "downgrade")),
			    7);
		}
		json_decref(o);
		free(key);
		free(text);
	}
}

#define EVIL                                                        \
	"x\r\nBcc: all@evil.example\r\n\r\n\033[2J\xff\xe2\x80\xae" \
	"\xd8\x9c\xf3\xa0\x80\x81"                                  \
	"end"

/* Every foreign text at its worst. */
static struct notice
hostile(enum notice_kind kind, const struct step_gateway *g)
{
	static const char *const evil_names[] = {EVIL};
	struct notice n = sample(kind);

	n.of.partner = n.contact = n.ticket = n.of.text = n.map = EVIL;
	n.domain = n.of.name = evil_names;
	n.ndomains = n.of.nnames = 1;
	n.gateway = g;
	n.ngateways = 1;
	return n;
}

static void
check_clean(const char *s, bool lines)
{
	const unsigned char *u = (const unsigned char *)s;

	for (; *u != '\0'; u++)
		if ((*u < 0x20 && !(lines && *u == '\n')) || *u == 0x7f ||
		    *u == 0xff)
			fail_msg("byte %02x in: %s", *u, s);
	assert_null(strstr(s, "\xe2\x80\xae"));
	assert_null(strstr(s, "\xd8\x9c"));
	assert_null(strstr(s, "\xf3\xa0\x80\x81"));
	assert_null(strstr(s, "\nBcc:"));
}

static void
test_hostile(void **state)
{
	const struct step_gateway g = {.nexthop = EVIL,
	    .host = EVIL,
	    .address = EVIL,
	    .fault = FAULT_SELF_SIGNED,
	    .key = EVIL,
	    .last_key = EVIL,
	    .not_after = T0};
	const char *const to = "operator@ours.example";
	unsigned kind;

	(void)state;
	for (kind = 0; kind <= NOTICE_MAP; kind++) {
		struct notice n = hostile((enum notice_kind)kind, &g);
		char *key = notice_key(&n), *subject = notice_subject(&n);
		char *body = notice_body(&n, true), *json = notice_json(&n);
		char *mail = notice_mail(&n, EVIL, to, true), *end;
		json_t *o = json_loads(json, 0, NULL);

		check_clean(key, false);
		check_clean(subject, false);
		check_clean(body, true);
		check_clean(json, false);
		assert_non_null(o);
		json_decref(o);
		/* The headers end where the body begins. */
		end = strstr(mail, "\n\n");
		assert_non_null(end);
		assert_string_equal(end + 2, body);
		assert_null(strstr(mail, "From:"));
		assert_false(notice_tell_contact(&n));
		free(mail);
		free(json);
		free(body);
		free(subject);
		free(key);
	}
}

/* However long the texts are, what comes out is bounded. */
static void
test_long(void **state)
{
	static char text[100001];
	static const char *many[5000];
	static struct step_gateway g[500];
	const char *const to = "operator@ours.example";
	unsigned kind, i;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (i = 100; i < sizeof(text) - 1; i += 100)
		text[i] = '\n';
	for (i = 0; i < 5000; i++)
		many[i] = text;
	for (i = 0; i < 500; i++)
		g[i] = (struct step_gateway){.nexthop = text,
		    .host = text,
		    .address = text,
		    .fault = i % 2 == 0 ? FAULT_OK : FAULT_EXPIRED,
		    .key = text,
		    .last_key = text,
		    .not_after = T0};
	for (kind = 0; kind <= NOTICE_MAP; kind++) {
		struct notice n = sample((enum notice_kind)kind);
		char *mail, *json, *line, *next, *end;

		n.of.partner = n.contact = n.ticket = n.of.text = n.map = text;
		n.domain = n.of.name = many;
		n.ndomains = n.of.nnames = 5000;
		n.gateway = g;
		n.ngateways = 500;
		mail = notice_mail(&n, NULL, to, true);
		json = notice_json(&n);
		assert_true(strlen(mail) < 100000 && strlen(json) < 200000);
		/* SMTP's line limit, and short headers. */
		end = strstr(mail, "\n\n");
		for (line = mail; *line != '\0'; line = next) {
			next = line + strcspn(line, "\n");
			if (line < end)
				assert_true(next - line < 300);
			if (next - line > 990)
				fail_msg("long line: %.100s", line);
			next += *next == '\n';
		}
		free(json);
		free(mail);
	}
}

static void
test_seen(void **state)
{
	struct notice n = sample(NOTICE_HELD);
	char *body;

	(void)state;
	n.of.text = "The server says: 454 4.7.0 TLS is not available now, as "
		    "its certificate cannot be read, nor can its key, since "
		    "this morning.";
	body = notice_body(&n, false);
	assert_non_null(strstr(body,
	    "\n  Seen: The server says: 454 4.7.0 TLS is not available now, as "
	    "its certificate\n        cannot be read, nor can its key, since "
	    "this morning.\n"));
	free(body);
}

static void
test_mail(void **state)
{
	const char *const to = "operator@ours.example";
	struct notice n = sample(NOTICE_HELD);
	char *mail = notice_mail(&n, "tlspact@ours.example", to, false);
	static const char want[] =
	    "To: operator@ours.example\n"
	    "From: tlspact@ours.example\n"
	    "Date: Mon, 23 Nov 2026 14:00:00 +0000\n"
	    "Subject: [tlspact] mail to acme is waiting: expired\n"
	    "Auto-Submitted: auto-generated\n"
	    "X-Tlspact-Kind: held\n"
	    "X-Tlspact-Key: held:acme:policy:key:expired:2026-11-23\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n"
	    "\n";

	(void)state;
	assert_memory_equal(mail, want, strlen(want));
	assert_null(strstr(mail, "For our own operator"));
	assert_null(strstr(mail, "tlspactctl"));
	free(mail);
	assert_null(notice_mail(&n, NULL, "bad address", true));
	assert_null(notice_mail(&n, NULL, "-oQ/tmp", true));
}

static void
test_address(void **state)
{
	static const struct {
		const char *s;
		bool want;
	} addresses[] = {
	    {"postmaster", true},
	    {"jo.doe+tls@acme.example", true},
	    {NULL, false},
	    {"", false},
	    {"-f@x", false},
	    {"a b@x", false},
	    {"a@x, b@y", false},
	    {"a@x;b@y", false},
	    {"<a@x>", false},
	    {"\"a\"@x", false},
	    {"a@x\n", false},
	    {"a@b@c", false},
	    {"@x", false},
	    {"a@", false},
	    {"m\xc3\xbcller@x", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (notice_address_ok(addresses[i].s) != addresses[i].want)
			fail_msg("row %zu", i);
}

static void
test_contact(void **state)
{
	static const struct {
		enum notice_kind kind;
		const char *contact;
		enum drop_why why;
		enum fault fault;
		unsigned days;
		bool hand, still, want;
	} cases[] = {
	    {NOTICE_HELD, "p@other.example", .want = true},
	    /* That mail would wait with the others. */
	    {NOTICE_HELD, "p@acme.example", .want = false},
	    {NOTICE_HELD, "p@sub.ACME.example", .want = false},
	    {NOTICE_HELD, "p@notacme.example", .want = true},
	    {NOTICE_HELD, "p@other.example", .why = DROP_WHY_UNCONFIRMED},
	    {NOTICE_HELD, "p@other.example", .why = DROP_WHY_COMMON},
	    {NOTICE_HELD, "p@other.example", .why = DROP_WHY_STRANGER,
		.want = true},
	    {NOTICE_FAULT_NEW, "p@other.example", .fault = FAULT_EXPIRED,
		.why = DROP_WHY_COMMON},
	    {NOTICE_FAULT_GONE, "p@other.example", .why = DROP_WHY_COMMON},
	    {NOTICE_LOWERED, "p@acme.example", .want = true},
	    {NOTICE_LOWERED, "p@acme.example", .hand = true},
	    {NOTICE_LOWERED, "postmaster", .want = false},
	    {NOTICE_LOWERED, "call Jo, room 5", .want = false},
	    {NOTICE_RESTORED, "p@acme.example", .want = true},
	    {NOTICE_RESTORED, "p@acme.example", .still = true},
	    {NOTICE_RESTORED, "p@acme.example", .hand = true},
	    {NOTICE_EXPIRING, "p@acme.example", .days = 30},
	    {NOTICE_EXPIRING, "p@acme.example", .days = 14, .want = true},
	    {NOTICE_FAULT_NEW, "p@acme.example", .fault = FAULT_EXPIRED},
	    {NOTICE_FAULT_NEW, "p@acme.example", .fault = FAULT_WRONG_ISSUER,
		.want = true},
	    {NOTICE_FAULT_GONE, "p@acme.example", .want = true},
	    {NOTICE_COMMON, "p@other.example", .want = false},
	    {NOTICE_MAP, "p@other.example", .want = false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct notice n = sample(cases[i].kind);

		n.contact = cases[i].contact;
		n.of.why = cases[i].why;
		n.of.fault = cases[i].fault;
		n.days = cases[i].days;
		n.of.automatic = !cases[i].hand;
		n.of.still = cases[i].still;
		if (notice_tell_contact(&n) != cases[i].want)
			fail_msg("row %zu", i);
	}
}

/* notify-contact: of what begins, not before it has lasted so long. */
static void
test_contact_time(void **state)
{
	static const struct {
		enum notice_kind kind;
		uint32_t notify;
		time_t since; /* before now */
		bool still, told;
		time_t wait;
		const char *says; /* to the operator; NULL: nothing */
	} cases[] = {
	    {NOTICE_FAULT_NEW, NOTIFY_NO, 0, false, false, 0,
		"(was not told by us)"},
	    {NOTICE_FAULT_NEW, NOTIFY_YES, 0, false, true, 0, NULL},
	    {NOTICE_FAULT_NEW, 3600, 0, false, true, 3600, "(is told by us "},
	    {NOTICE_FAULT_NEW, 3600, 600, false, true, 3000, "(is told by us "},
	    {NOTICE_FAULT_NEW, 3600, 7200, false, true, 0, NULL},
	    {NOTICE_LOWERED, 3600, 600, false, true, 3000, "(is told by us "},
	    {NOTICE_HELD, 3600, 600, false, true, 3000, "(is told by us "},
	    {NOTICE_BY_TURNS, 3600, 600, false, true, 3000, "(is told by us "},
	    {NOTICE_RESTORED, 3600, 600, true, true, 3000, "(is told by us "},
	    {NOTICE_RESTORED, 3600, 600, false, true, 0, NULL},
	    {NOTICE_FAULT_GONE, 3600, 600, false, true, 0, NULL},
	    {NOTICE_EXPIRING, 3600, 600, false, true, 0, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct notice n = sample(cases[i].kind);
		char *body;

		n.of.fault = FAULT_WRONG_ISSUER;
		n.notify_contact = cases[i].notify;
		n.of.since = T0 - cases[i].since;
		n.of.still = cases[i].still;
		n.days = 7;
		body = notice_body(&n, true);
		if (notice_tell_contact(&n) != cases[i].told ||
		    notice_contact_time(&n) != T0 + cases[i].wait ||
		    (strstr(body, "told by us") != NULL) !=
			(cases[i].says != NULL) ||
		    (cases[i].says != NULL &&
			strstr(body, cases[i].says) == NULL))
			fail_msg("row %zu: %s", i, body);
		free(body);
	}
}

/* What may be ours is told as such, and nobody is told to mend it. */
static void
test_common(void **state)
{
	struct notice n = sample(NOTICE_HELD);
	char *subject, *body, *json;

	(void)state;
	n.of.why = DROP_WHY_COMMON;
	n.of.from = LEVEL_SECURE;
	n.of.to = LEVEL_KEY;
	subject = notice_subject(&n);
	body = notice_body(&n, true);
	json = notice_json(&n);
	assert_non_null(strstr(subject, "is the fault ours?"));
	assert_non_null(strstr(body, "What to look at on our side"));
	assert_non_null(strstr(body, "resolver"));
	assert_null(strstr(body, "at the partner's side"));
	assert_null(strstr(body, "tlspactctl downgrade"));
	assert_non_null(strstr(json, "\"why\":\"common-cause\""));
	free(subject);
	free(body);
	free(json);
	n.of.why = DROP_WHY_STRANGER;
	body = notice_body(&n, true);
	assert_non_null(strstr(body, "never passed a probe"));
	assert_non_null(strstr(body, "at the partner's side"));
	assert_null(strstr(body, "tlspactctl downgrade"));
	free(body);
	n.of.why = DROP_WHY_POLICY;
	body = notice_body(&n, true);
	assert_null(strstr(body, "on our side"));
	assert_non_null(strstr(body, "tlspactctl downgrade"));
	free(body);
	n = sample(NOTICE_LOWERED);
	body = notice_body(&n, false);
	assert_null(strstr(body, "REQUIRETLS"));
	free(body);
	n.returns = true;
	body = notice_body(&n, false);
	assert_non_null(strstr(body, "REQUIRETLS"));
	free(body);
	/* Mail from them was let in, and no more. */
	n = sample(NOTICE_RESTORED);
	n.of.inbound = true;
	body = notice_subject(&n);
	assert_string_equal(body, "[tlspact] mail from acme needs TLS again");
	free(body);
	body = notice_body(&n, true);
	assert_non_null(strstr(body, "Mail with acme is protected again"));
	assert_non_null(strstr(body, "let their mail in is over. Its time "));
	assert_null(strstr(body, "Back from"));
	free(body);
	body = notice_json(&n);
	assert_non_null(strstr(body, "\"direction\":\"inbound\""));
	free(body);
	n.of.certificate = true;
	body = notice_subject(&n);
	assert_string_equal(body, "[tlspact] mail from acme needs TLS and "
				  "their certificate again");
	free(body);
	n.of.inbound = DIRECTION_CERTIFICATE;
	body = notice_subject(&n);
	assert_string_equal(
	    body, "[tlspact] mail from acme needs their certificate again");
	free(body);
	body = notice_json(&n);
	assert_non_null(strstr(body, "\"direction\":\"inbound-certificate"));
	free(body);
	n = sample(NOTICE_RESTORED);
	n.of.why = DROP_WHY_STRANGER;
	body = notice_body(&n, false);
	assert_non_null(strstr(body, "never passed a probe"));
	free(body);
	/* It was made opportunistic meanwhile: nothing is back. */
	n.of.from = n.of.to = LEVEL_OPPORTUNISTIC;
	body = notice_body(&n, false);
	assert_null(strstr(body, "Back from"));
	assert_non_null(strstr(body, "by the registry it is at opportunistic"));
	free(body);
	/* An edit took it further down than the downgrade had. */
	n.of.from = LEVEL_ENCRYPT;
	body = notice_body(&n, false);
	assert_null(strstr(body, "Back from"));
	free(body);
	body = notice_subject(&n);
	assert_string_equal(body, "[tlspact] acme: the downgrade is over");
	free(body);
}

static void
test_of_action(void **state)
{
	static const struct {
		enum drop_what what;
		bool want;
		enum notice_kind kind;
	} whats[] = {
	    {DROP_PROBE, false, NOTICE_HELD},
	    {DROP_LOWER, false, NOTICE_HELD},
	    {DROP_RESTORE, false, NOTICE_HELD},
	    {DROP_SHORTEN, false, NOTICE_HELD},
	    {DROP_FLUSH, false, NOTICE_HELD},
	    {DROP_TELL_HELD, true, NOTICE_HELD},
	    {DROP_TELL_LOWERED, true, NOTICE_LOWERED},
	    {DROP_TELL_RESTORED, true, NOTICE_RESTORED},
	    {DROP_TELL_END_NEAR, true, NOTICE_END_NEAR},
	    {DROP_TELL_COMMON, true, NOTICE_COMMON},
	    {DROP_TELL_COMMON_OVER, true, NOTICE_COMMON_OVER},
	    {DROP_KEEP_CLOCK, false, NOTICE_HELD},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		struct drop_action x = {.what = whats[i].what,
		    .partner = "acme",
		    .id = 9,
		    .until = T0 + 5,
		    .at = T0 - 1,
		    .text = "why"};
		struct notice n;

		assert_int_equal(notice_of_action(&x, T0, &n), whats[i].want);
		if (!whats[i].want)
			continue;
		assert_int_equal(n.kind, whats[i].kind);
		assert_int_equal(n.at, T0);
		assert_int_equal(n.of.id, 9);
		assert_int_equal(n.of.until, T0 + 5);
		assert_string_equal(n.of.text, "why");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_bare),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_seen),
	    cmocka_unit_test(test_mail),
	    cmocka_unit_test(test_address),
	    cmocka_unit_test(test_contact),
	    cmocka_unit_test(test_contact_time),
	    cmocka_unit_test(test_common),
	    cmocka_unit_test(test_of_action),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
