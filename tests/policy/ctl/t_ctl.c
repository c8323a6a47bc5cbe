/* What tlspactctl proposes, and the times that people type. */
#include "check.h"

#include <stdlib.h>

#include "author.h"
#include "buf.h"
#include "clock.h"
#include "ctldown.h"
#include "ctlfacts.h"
#include "err.h"
#include "flush.h"
#include "mem.h"
#include "registry.h"
#include "step.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */
#define HOUR 3600
#define GATEWAYS 4
/* A gateway with another key than before, and with the one that passed. */
#define SEEN(a, b, c, d, e, f, g, h, i, j)                                    \
	{                                                                     \
		.nexthop = (a), .host = (b), .fault = (c), .key = (d),        \
		.last_key = (e), .since = (f), .time = (g), .not_after = (h), \
		.address = (i), .known = (j)                                  \
	}
#define G(nexthop, host, fault) \
	SEEN(nexthop, host, fault, "b", "a", 0, NOW, 0, "", true)
#define K(nexthop, host, fault) \
	SEEN(nexthop, host, fault, "a", "a", 0, NOW, 0, "", true)

static void
test_step(void **state)
{
	static const struct {
		const char *name;
		enum level now;
		struct step_gateway g[GATEWAYS];
		enum level want; /* LEVEL_SECURE: nothing helps */
		size_t blocked;
	} cases[] = {
	    {"nothing known", LEVEL_SECURE, {G(NULL, NULL, FAULT_OK)},
		LEVEL_SECURE, 0},
	    {"expired, known key", LEVEL_SECURE, {K("a", "mx1", FAULT_EXPIRED)},
		LEVEL_KEY, 1},
	    {"expired, new key", LEVEL_SECURE, {G("a", "mx1", FAULT_EXPIRED)},
		LEVEL_ENCRYPT, 1},
	    {"wrong name", LEVEL_SECURE, {K("a", "mx1", FAULT_NAME_MISMATCH)},
		LEVEL_KEY, 1},
	    {"wrong name, new key", LEVEL_SECURE,
		{G("a", "mx1", FAULT_NAME_MISMATCH)}, LEVEL_ENCRYPT, 1},
	    {"no STARTTLS", LEVEL_SECURE, {G("a", "mx1", FAULT_NO_STARTTLS)},
		LEVEL_OPPORTUNISTIC, 1},
	    {"not TLS", LEVEL_SECURE, {G("a", "mx1", FAULT_CONNECT_TIMEOUT)},
		LEVEL_SECURE, 1},
	    {"all pass", LEVEL_SECURE,
		{G("a", "mx1", FAULT_OK), G("a", "mx2", FAULT_WRONG_ISSUER)},
		LEVEL_SECURE, 0},
	    {"one gateway would take mail after less", LEVEL_SECURE,
		{G("a", "mx1", FAULT_NO_STARTTLS),
		    K("a", "mx2", FAULT_EXPIRED)},
		LEVEL_KEY, 1},
	    {"network beside TLS", LEVEL_SECURE,
		{G("a", "mx1", FAULT_CONNECT_REFUSED),
		    G("a", "mx2", FAULT_SELF_SIGNED)},
		LEVEL_ENCRYPT, 1},
	    {"mail moves through the other one", LEVEL_SECURE,
		{K("a", "mx1", FAULT_EXPIRED), G("a", "mx2", FAULT_OK)},
		LEVEL_KEY, 0},
	    {"a blocked domain decides, not one that moves", LEVEL_SECURE,
		{G("a", "mx1", FAULT_NO_STARTTLS), G("a", "mx2", FAULT_OK),
		    G("b", "mx3", FAULT_SELF_SIGNED)},
		LEVEL_ENCRYPT, 1},
	    {"of two blocked domains the weaker", LEVEL_SECURE,
		{K("a", "mx1", FAULT_EXPIRED),
		    G("b", "mx2", FAULT_NO_STARTTLS)},
		LEVEL_OPPORTUNISTIC, 2},
	    {"lowered already, and not enough", LEVEL_KEY,
		{G("a", "mx1", FAULT_UNTRUSTED_ISSUER)}, LEVEL_ENCRYPT, 1},
	    {"no lower than it is", LEVEL_ENCRYPT,
		{G("a", "mx1", FAULT_EXPIRED)}, LEVEL_SECURE, 1},
	};
	struct step s;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (n = 0; n < GATEWAYS && cases[i].g[n].nexthop != NULL; n++)
			;
		step_propose(cases[i].g, n, cases[i].now, &s);
		if (s.helps != (cases[i].want != LEVEL_SECURE) ||
		    (s.helps && s.level != cases[i].want) ||
		    s.blocked != cases[i].blocked ||
		    s.passing + s.failing + s.network != n)
			fail_msg("%s: %s, %zu blocked", cases[i].name,
			    s.helps ? level_name(s.level) : "no help",
			    s.blocked);
		if (!s.helps)
			assert_int_equal(s.level, cases[i].now);
	}
}

/* Where mail moves, nothing is proposed, and that is said. */
static void
test_moves(void **state)
{
	struct step_gateway g[] = {
	    K("a", "mx1", FAULT_EXPIRED), G("a", "mx2", FAULT_OK)};
	struct attributes attributes = {.inbound = INBOUND_REQUIRE};
	const struct partner acme = {.attributes = &attributes};
	struct ctl_facts f = {
	    .name = "acme", .full = LEVEL_SECURE, .step = g, .n = 2};
	enum level to;
	struct err e;

	(void)state;
	assert_int_equal(ctl_propose(&f, &to, &e), -1);
	assert_int_equal(e.code, 0);
	assert_int_equal(to, LEVEL_SECURE);
	assert_non_null(strstr(e.text, "mail to acme moves through the"));
	assert_non_null(strstr(e.text, "The other would take it at --to key"));
	g[0].fault = FAULT_OK;
	assert_int_equal(ctl_propose(&f, &to, &e), -1);
	assert_int_equal(e.code, 0);
	assert_null(strstr(e.text, "--inbound"));
	f.partner = &acme;
	f.refusals = 1;
	assert_int_equal(ctl_propose(&f, &to, &e), -1);
	assert_int_equal(e.code, 0);
	assert_non_null(strstr(e.text,
	    "say --to; mail FROM them is refused: --inbound lets it in"));
	attributes.inbound = INBOUND_WARN;
	assert_int_equal(ctl_propose(&f, &to, &e), -1);
	assert_null(strstr(e.text, "--inbound"));
	f.encrypted_since = true;
	attributes.inbound = INBOUND_REQUIRE;
	assert_int_equal(ctl_propose(&f, &to, &e), -1);
	assert_null(strstr(e.text, "--inbound"));
	g[0].fault = FAULT_EXPIRED;
	g[1].fault = FAULT_CONNECT_REFUSED;
	assert_int_equal(ctl_propose(&f, &to, &e), 0);
	assert_int_equal(to, LEVEL_KEY);
	/* Nothing that could be done helps: that is no success. */
	g[0].fault = FAULT_CONNECT_REFUSED;
	assert_int_equal(ctl_propose(&f, &to, &e), -1);
	assert_int_equal(e.code, 1);
}

/* Who is lowered already: does another downgrade help? */
static void
test_helped(void **state)
{
	static const struct {
		const char *name;
		struct step_gateway g[2];
		enum level after, map;
		int rv;
		const char *text;
	} cases[] = {
	    {"not lowered", {K("a", "mx1", FAULT_EXPIRED)}, LEVEL_SECURE,
		LEVEL_SECURE, 0, ""},
	    {"it helps", {K("a", "mx1", FAULT_EXPIRED)}, LEVEL_KEY, LEVEL_KEY,
		-1,
		"acme is lowered to key until 01:00 already, and mail to it "
		"moves, by the probe. Another end: tlspactctl extend acme "
		"--for 4h; to end it now: tlspactctl restore acme"},
	    {"it helps one of two",
		{K("a", "mx1", FAULT_EXPIRED),
		    G("a", "mx2", FAULT_NO_STARTTLS)},
		LEVEL_KEY, LEVEL_KEY, -1, "already, and mail to it moves"},
	    {"it helps one next-hop",
		{K("a", "mx1", FAULT_EXPIRED),
		    G("b", "mx2", FAULT_NO_STARTTLS)},
		LEVEL_KEY, LEVEL_KEY, 0, ""},
	    {"not enough", {G("a", "mx1", FAULT_EXPIRED)}, LEVEL_KEY, LEVEL_KEY,
		0, ""},
	    {"mended", {K("a", "mx1", FAULT_OK)}, LEVEL_KEY, LEVEL_KEY, -1,
		"and mail to it would move without that"},
	    {"mended with another key", {G("a", "mx1", FAULT_OK)}, LEVEL_KEY,
		LEVEL_KEY, -1,
		"which holds its mail now: the gateways pass as agreed, with "
		"another key. Another end: tlspactctl extend acme --for 4h; to "
		"end it now: tlspactctl restore acme"},
	    {"not looked at", {{0}}, LEVEL_ENCRYPT, LEVEL_ENCRYPT, -1,
		"whether mail to it moves the probe does not tell"},
	    {"not in the map", {K("a", "mx1", FAULT_EXPIRED)}, LEVEL_KEY,
		LEVEL_SECURE, -1, "does not say so: tlspact-compile"},
	};
	static const char *const pin[] = {"A"};
	const struct ctl c = {.now = NOW};
	struct step_gateway g[2];
	struct ctl_facts f;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(g, cases[i].g, sizeof(g));
		f = (struct ctl_facts){.name = "acme",
		    .full = LEVEL_SECURE,
		    .step = g,
		    .n = (g[0].host != NULL) + (size_t)(g[1].host != NULL),
		    .lowered = {.id = cases[i].after != LEVEL_SECURE,
			.after = cases[i].after,
			.keys = pin,
			.nkeys = 1,
			.end = NOW + HOUR},
		    .in_map = true,
		    .map_level = cases[i].map};
		*e.text = '\0';
		check_int(cases[i].name, ctl_helped(&c, &f, &e), cases[i].rv);
		check_has(cases[i].name, e.text, cases[i].text);
		if (cases[i].rv == -1)
			check_int(cases[i].name, e.code, 1);
	}
}

/* Where mail moves a level can be too strong for the gateway that fails. */
static void
test_unhelped(void **state)
{
	struct step_gateway g[] = {G("a", "mx1", FAULT_OK),
	    G("a", "mx2", FAULT_NO_STARTTLS), G("a", "mx3", FAULT_OK)};
	struct ctl_facts f = {
	    .name = "acme", .full = LEVEL_SECURE, .step = g, .n = 3};
	enum level takes = LEVEL_SECURE;

	(void)state;
	assert_ptr_equal(ctl_unhelped(&f, LEVEL_ENCRYPT, &takes), &g[1]);
	assert_int_equal(takes, LEVEL_OPPORTUNISTIC);
	assert_null(ctl_unhelped(&f, LEVEL_OPPORTUNISTIC, &takes));
	/* Another one is helped. */
	g[2].fault = FAULT_EXPIRED;
	assert_null(ctl_unhelped(&f, LEVEL_ENCRYPT, &takes));
	assert_ptr_equal(ctl_unhelped(&f, LEVEL_KEY, &takes), &g[1]);
	/* No level helps against the network. */
	g[1].fault = g[2].fault = FAULT_CONNECT_REFUSED;
	assert_null(ctl_unhelped(&f, LEVEL_ENCRYPT, &takes));
	g[1].fault = FAULT_OK;
	assert_null(ctl_unhelped(&f, LEVEL_ENCRYPT, &takes));
}

/* What is pinned: of each host the key that passed last, no other. */
static void
test_keys(void **state)
{
	static const struct {
		const char *name;
		struct step_gateway g[GATEWAYS];
		const char *want;
	} cases[] = {
	    {"fails with the key that passed",
		{SEEN(
		    "a", "mx1", FAULT_EXPIRED, "k2", "k2", 0, 0, 0, "", true)},
		" k2"},
	    {"a retired key is no key",
		{SEEN(
		    "a", "mx1", FAULT_EXPIRED, "k1", "k2", 0, 0, 0, "", true)},
		""},
	    {"passes: the key it shows, not the one before",
		{SEEN("a", "mx1", FAULT_OK, "k2", "k1", 0, 0, 0, "", true)},
		" k2"},
	    {"shows none now: what passed",
		{SEEN("a", "mx1", FAULT_CONNECT_TIMEOUT, "", "k1", 0, 0, 0, "",
		    true)},
		" k1"},
	    {"never passed",
		{SEEN("a", "mx1", FAULT_EXPIRED, "k1", "", 0, 0, 0, "", true)},
		""},
	    {"not said",
		{SEEN(
		    "a", "mx1", FAULT_EXPIRED, NULL, NULL, 0, 0, 0, "", true)},
		""},
	    {"each once",
		{SEEN("a", "mx1", FAULT_OK, "k1", "k1", 0, 0, 0, "", true),
		    SEEN("b", "mx1", FAULT_EXPIRED, "k1", "k1", 0, 0, 0, "",
			true),
		    SEEN("b", "mx2", FAULT_EXPIRED, "k3", "k3", 0, 0, 0, "",
			true)},
		" k1 k3"},
	};
	struct arena arena = {0};
	struct buf out = {0};
	const char *const *key;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (n = 0; n < GATEWAYS && cases[i].g[n].nexthop != NULL; n++)
			;
		n = step_keys(cases[i].g, n, &arena, &key);
		buf_clear(&out);
		buf_puts(&out, "");
		for (k = 0; k < n; k++)
			buf_printf(&out, " %s", key[k]);
		if (strcmp(out.data, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name, out.data);
	}
	buf_free(&out);
	arena_free(&arena);
}

/* Who might get the mail below key, and never passed. */
static void
test_strangers(void **state)
{
	static const struct {
		const char *name;
		struct step_gateway g[GATEWAYS];
		size_t want;
	} cases[] = {
#define AT(host, fault, address, known) \
	SEEN("a", host, fault, "", "", 0, 0, 0, address, known)
	    {"passed there", {AT("mx1", FAULT_SELF_SIGNED, "1", true)}, 0},
	    {"another place", {AT("mx1", FAULT_SELF_SIGNED, "2", false)}, 1},
	    {"no place said", {AT("mx1", FAULT_SELF_SIGNED, NULL, false)}, 1},
	    {"passes now", {AT("mx1", FAULT_OK, "2", false)}, 0},
	    {"passes but for our stricter rule",
		{AT("mx1", FAULT_WRONG_ISSUER, "2", false)}, 1},
	    {"another address of a known host answers",
		{AT("mx1", FAULT_SELF_SIGNED, "1", true),
		    AT("mx1", FAULT_SELF_SIGNED, "2", false)},
		1},
	    {"the same that does not answer",
		{AT("mx1", FAULT_SELF_SIGNED, "1", true),
		    AT("mx1", FAULT_CONNECT_FAILED, "2", false)},
		0},
	    {"a new host that does not answer",
		{AT("mx1", FAULT_SELF_SIGNED, "1", true),
		    AT("mx2", FAULT_CONNECT_FAILED, "1", false)},
		1},
	    {"the same place by another domain",
		{AT("mx1", FAULT_SELF_SIGNED, "1", true),
		    AT("mx1", FAULT_NO_STARTTLS, "1", false)},
		0},
	    {"no DNS: nobody", {AT("", FAULT_DNS_FAILED, "", false)}, 0},
	};
	const struct step_gateway *first = NULL;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (n = 0; n < GATEWAYS && cases[i].g[n].nexthop != NULL; n++)
			;
		if (step_strangers(cases[i].g, n, &first) != cases[i].want)
			fail_msg("%s", cases[i].name);
	}
}

static void
test_describe(void **state)
{
	static const struct step_gateway g[] = {
	    SEEN("a", "mx1.a", FAULT_EXPIRED, "k", "k", NOW - HOUR, NOW,
		NOW - 2 * HOUR, "", true),
	    SEEN("a", "mx2.a", FAULT_OK, "k", "k", 0, NOW, 0, "", true),
	    SEEN("b", "mx2.a", FAULT_OK, "k", "k", 0, NOW, 0, "", true),
	    SEEN("b", "mx3.b", FAULT_NO_STARTTLS, "", "", NOW - HOUR, NOW, 0,
		"", true),
	    SEEN("c", "", FAULT_DNS_FAILED, "", "", NOW, NOW, 0, "", true),
	};
	struct buf out = {0};

	(void)state;
	step_describe(g, sizeof(g) / sizeof(g[0]), NOW, &out);
	assert_string_equal(out.data,
	    "mx1.a expired since 2026-11-22 22:00, key unchanged; "
	    "mx2.a passes; mx3.b no-starttls since 2026-11-22 23:00; "
	    "c: dns-failed");
	buf_free(&out);
	assert_non_null(strstr(step_given_up(LEVEL_KEY), "AND authenticated"));
	assert_non_null(strstr(step_given_up(LEVEL_ENCRYPT), "in between"));
	assert_non_null(
	    strstr(step_given_up(LEVEL_OPPORTUNISTIC), "CLEAR TEXT"));
}

static void
test_clock(void **state)
{
	static const struct {
		time_t seconds;
		const char *want;
	} spans[] = {{0, "0 s"}, {-5, "0 s"}, {59, "59 s"}, {60, "1 min"},
	    {61, "1 min 1 s"}, {600, "10 min"}, {3599, "59 min"}, {3600, "1 h"},
	    {7920, "2 h 12 min"}, {86400, "1 d"}, {90000, "1 d 1 h"}};
	static const struct {
		const char *text;
		time_t want; /* after NOW; -1: refused */
	} times[] = {{"00:00", 86400}, {"00:01", 60}, {"17:30", 63000},
	    {"24:00", -1}, {"7:30", -1}, {"17:30x", -1}, {"", -1},
	    {"2026-11-24 08:00", 115200}, {"2026-11-24T08:00", 115200},
	    {"2026-11-24T08:00:00+01:00", 111600}, {"2026-11-31 08:00", -1},
	    {"2026-11-24", 86400}, {"2026-11-24 8:00", -1}, {"tomorrow", -1}};
	char buf[CLOCK_MAX];
	time_t t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		assert_string_equal(
		    clock_span(spans[i].seconds, buf), spans[i].want);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		t = NOW - 1;
		if (clock_parse(times[i].text, NOW, &t) !=
			(times[i].want == -1 ? -1 : 0) ||
		    t != NOW + times[i].want)
			fail_msg(
			    "%s: %lld", times[i].text, (long long)(t - NOW));
	}
	assert_string_equal(clock_text(NOW + 60, NOW, buf), "00:01");
	assert_string_equal(clock_text(NOW - 60, NOW, buf), "2026-11-22 23:59");
	assert_string_equal(clock_text_seconds(NOW + 61, NOW, buf), "00:01:01");
}

static bool
is_acme(const char *domain, const char *reason, void *arg)
{
	(void)reason;
	(void)arg;
	return strcmp(domain, "acme.example") == 0;
}

#define TO(address) "\"recipients\": [{\"address\": \"" address "\""
#define M(queue, id, address)                                 \
	"{\"queue_name\": \"" queue "\", \"queue_id\": \"" id \
	"\", \"arrival_time\": 1795391000, " TO(address) "}]}\n"

static void
test_waiting(void **state)
{
	static const char list[] = M("deferred", "A1", "joe@acme.example") /* */
	    M("deferred", "B2", "joe@other.example")			   /* */
	    M("active", "C3", "joe@acme.example")			   /* */
	    M("hold", "D4", "joe@acme.example")				   /* */
	    M("deferred", "-f", "joe@acme.example") /* no argument for us */
	    "\n[]\n{\n"
	    "{\"queue_name\": \"deferred\", \"queue_id\": \"E5\", "
	    "\"arrival_time\": 1795390000, \"recipients\": ["
	    "{\"address\": \"a@other.example\", \"delay_reason\": \"no\"}, "
	    "{\"address\": \"a@acme.example\", \"delay_reason\": \"why\"}]}";
	struct waiting w;

	(void)state;
	flush_parse(&w, list, is_acme, NULL);
	assert_int_equal(w.messages, 3);
	assert_int_equal(w.held, 1);
	assert_int_equal(w.strange, 3);
	assert_int_equal(w.deferred, 2);
	assert_int_equal(w.n, 2);
	assert_string_equal(w.id[0], "A1");
	assert_string_equal(w.id[1], "E5");
	assert_int_equal(w.oldest, 1795390000);
	assert_string_equal(w.reason, "why");
	flush_release(&w);
	flush_parse(&w, "", is_acme, NULL);
	assert_int_equal(w.messages, 0);
	flush_release(&w);
}

static void
test_returned(void **state)
{
	static const struct {
		const char *name, *lifetime;
		time_t oldest, want;
	} cases[] = {
	    {"the default", "5d", NOW, NOW + 5 * 24 * HOUR},
	    {"hours", "4h", NOW, NOW + 4 * HOUR},
	    {"days without a unit", "2", NOW, NOW + 48 * HOUR},
	    {"at once", "0", NOW, NOW},
	    {"none waits", "5d", 0, 0},
	    {"not asked", NULL, NOW, 0},
	    {"not set", "", NOW, 0},
	    {"no time", "5 days", NOW, 0},
	    {"too long", "999999999", NOW, 0},
	};
	struct waiting w = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w.oldest = cases[i].oldest;
		check_int(cases[i].name,
		    (long)flush_returned(&w, cases[i].lifetime),
		    (long)cases[i].want);
	}
}

#define WAITS(id, arrived, reason)                                          \
	"{\"queue_name\": \"deferred\", \"queue_id\": \"" id                \
	"\", \"arrival_time\": " arrived ", " TO("joe@acme.example") reason \
	    "}]}\n"
#define WHY(reason) ", \"delay_reason\": \"" reason "\""

/* The reason that is told beside the age is that mail's. */
static void
test_oldest(void **state)
{
	static const struct {
		const char *name, *list, *want, *newest;
	} cases[] = {
	    {"the oldest is the last",
		WAITS("A1", "1795391000", WHY("new"))
		    WAITS("B2", "1795390000", WHY("old")),
		"old", "new"},
	    {"the oldest is the first",
		WAITS("B2", "1795390000", WHY("old"))
		    WAITS("A1", "1795391000", WHY("new")),
		"old", "new"},
	    {"the oldest has no reason",
		WAITS("A1", "1795391000", WHY("new"))
		    WAITS("B2", "1795390000", ""),
		"none", "new"},
	    {"nor has the newest",
		WAITS("A1", "1795391000", "")
		    WAITS("B2", "1795390000", WHY("old")),
		"old", "none"},
	};
	struct waiting w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		flush_parse(&w, cases[i].list, is_acme, NULL);
		assert_int_equal(w.messages, 2);
		check_str(cases[i].name, w.reason == NULL ? "none" : w.reason,
		    cases[i].want);
		assert_int_equal(w.newest, 1795391000);
		check_str(cases[i].name,
		    w.newest_reason == NULL ? "none" : w.newest_reason,
		    cases[i].newest);
		flush_release(&w);
	}
}

/* What a user quotes of a mail. */
static void
test_queue_id(void **state)
{
	static const struct {
		const char *id;
		bool is;
	} ids[] = {{"25EFA813", true}, {"3Pt2mN2VXxznjll", true},
	    {"ACME", false}, {"acme", false}, {"globexcorporation", false},
	    {"25efa813", false}, {"zebra2000-post", false},
	    {"zebra20000", false}, {"", false}};
	static const char list[] = M("deferred", "A12345",
	    "x@b.example") "not JSON A12346\n"
			   "{\"queue_name\": \"deferred\", \"queue_id\": "
			   "\"A12346\", "
			   "\"recipients\": [{\"address\": \"no-domain\"}, "
			   "{\"address\": \"joe@acme.example\", "
			   "\"delay_reason\": \"no\"}, "
			   "{\"address\": \"jo@ACME.example\"}, "
			   "{\"address\": \"jo@globex.example\"}]}\n"
			   "{\"queue_name\": \"hold\", \"queue_id\": "
			   "\"A12347\", "
			   "\"recipients\": []}";
	struct flush_mail m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		check_int(ids[i].id, flush_is_id(ids[i].id), ids[i].is);
	check_int("there", flush_find_parse(&m, list, "A12346"), 1);
	check_str("there", m.address, "joe@acme.example");
	check_str("there", m.reason, "no");
	check_int("there", (long)m.others, 1);
	flush_mail_release(&m);
	check_int("the first", flush_find_parse(&m, list, "A12345"), 1);
	check_str("the first", m.address, "x@b.example");
	flush_mail_release(&m);
	check_int("for nobody", flush_find_parse(&m, list, "A12347"), 0);
	check_int("in part", flush_find_parse(&m, list, "A1234"), 0);
	check_int("not there", flush_find_parse(&m, list, "B00000"), 0);
	flush_mail_release(&m);
}

static void
test_requiretls(void **state)
{
#define SIZES "message_size:             331             190"
	static const struct {
		const char *name, *text;
		size_t want;
	} cases[] = {
	    {"nothing", "", 0},
	    {"one of two",
		"*** ENVELOPE RECORDS deferred/4/4A ***\n" SIZES
		"               1               0             331              "
		"32\n"
		"message_arrival_time: Mon Nov 23 12:00:00 2026\n" SIZES
		" 1 0 331 0\n",
		1},
	    {"beside others", SIZES " 1 0 331 34\n" SIZES " 1 0 331 31\n", 1},
	    {"before Postfix 2.9", SIZES " 1 0\n", 0},
	    {"of a sender that says so", "sender: message_size: 1 1 1 1 1 32\n",
		0},
	    {"cut", SIZES " 1 0 331", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (flush_requiretls_parse(cases[i].text) != cases[i].want)
			fail_msg("%s", cases[i].name);
}

static void
test_many_waiting(void **state)
{
	struct buf list = {0};
	struct waiting w;
	int i;

	(void)state;
	for (i = 0; i < FLUSH_MAX + 7; i++)
		buf_puts(&list, M("deferred", "A1", "joe@acme.example"));
	flush_parse(&w, list.data, is_acme, NULL);
	assert_int_equal(w.messages, FLUSH_MAX + 7);
	assert_int_equal(w.deferred, FLUSH_MAX + 7);
	assert_int_equal(w.n, FLUSH_MAX);
	flush_release(&w);
	buf_free(&list);
}

static void
test_author(void **state)
{
	struct author a;

	(void)state;
	assert_int_equal(setenv("SUDO_USER", "jo\n<b>\xff", 1), 0);
	author_get(&a);
	assert_string_equal(a.sudo_user, "jo?<b>?");
	assert_true(*a.login != '\0');
	assert_int_equal(unsetenv("SUDO_USER"), 0);
	author_get(&a);
	assert_string_equal(a.sudo_user, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_step),
	    cmocka_unit_test(test_moves),
	    cmocka_unit_test(test_helped),
	    cmocka_unit_test(test_unhelped),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_strangers),
	    cmocka_unit_test(test_describe),
	    cmocka_unit_test(test_clock),
	    cmocka_unit_test(test_waiting),
	    cmocka_unit_test(test_returned),
	    cmocka_unit_test(test_oldest),
	    cmocka_unit_test(test_queue_id),
	    cmocka_unit_test(test_requiretls),
	    cmocka_unit_test(test_many_waiting),
	    cmocka_unit_test(test_author),
	};

	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	/* Words are looked for here, wherever lines would end. */
	assert_int_equal(setenv("COLUMNS", "1000", 1), 0);
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
