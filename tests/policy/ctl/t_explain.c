/* t_explain.c: whether a mail sent now would move, by what is known. */
#include "check.h"

#include "ctlfacts.h"
#include "ctlmx.h"
#include "explain.h"

#define GATEWAYS 3
#define OPP LEVEL_OPPORTUNISTIC
#define A(f)                                               \
	{                                                  \
		.nexthop = "a.example", .fault = FAULT_##f \
	}
#define KEYED(f)                                                        \
	{                                                               \
		.nexthop = "a.example", .fault = FAULT_##f, .key = "k", \
		.last_key = "k"                                         \
	}
/* It showed f, and a later look failed on our side. */
#define BLIND(f)                                                       \
	{                                                              \
		.nexthop = "a.example", .fault = FAULT_##f, .blind = 9 \
	}
/* It showed f, and a mail failed with later since. */
#define SINCE(f, later)                                                  \
	{                                                                \
		.nexthop = "a.example", .fault = FAULT_##f, .failed = 8, \
		.failed_with = FAULT_##later                             \
	}

static void
t_takes(void **state)
{
	static const struct {
		const char *name;
		struct step_gateway g;
		enum level full, level;
		bool takes;
	} rows[] = {
	    {"passes", A(OK), LEVEL_SECURE, LEVEL_SECURE, true},
	    {"our own rules only", A(WRONG_ISSUER), LEVEL_SECURE, LEVEL_SECURE,
		true},
	    {"fails", A(EXPIRED), LEVEL_SECURE, LEVEL_SECURE, false},
	    {"lowered enough", A(EXPIRED), LEVEL_SECURE, LEVEL_ENCRYPT, true},
	    {"another key", A(EXPIRED), LEVEL_SECURE, LEVEL_KEY, false},
	    {"the known key", KEYED(EXPIRED), LEVEL_SECURE, LEVEL_KEY, true},
	    {"no TLS at encrypt", A(NO_STARTTLS), LEVEL_SECURE, LEVEL_ENCRYPT,
		false},
	    {"no TLS at opportunistic", A(NO_STARTTLS), LEVEL_SECURE, OPP,
		true},
	    {"lowered further than it takes", KEYED(EXPIRED), LEVEL_SECURE, OPP,
		true},
	    {"not TLS", A(CONNECT_TIMEOUT), LEVEL_SECURE, OPP, false},
	    {"DANE's look-up", A(TLSA_FAILED), LEVEL_SECURE, LEVEL_ENCRYPT,
		true},
	    {"never higher", A(HANDSHAKE_FAILED), LEVEL_ENCRYPT, LEVEL_ENCRYPT,
		false},
	    {"the map is stricter", A(HANDSHAKE_FAILED), LEVEL_ENCRYPT,
		LEVEL_SECURE, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_int(rows[i].name,
		    explain_takes(&rows[i].g, rows[i].full, rows[i].level),
		    rows[i].takes);
}

static void
t_judge(void **state)
{
	static const struct {
		const char *name;
		struct explain_asked a; /* domain: a.example */
		struct step_gateway g[GATEWAYS];
		enum level full;
		enum explain_fate fate;
		enum explain_reason reason;
		size_t takes, holds;
		bool clear, borrowed;
		enum ctl_basis basis; /* of all */
		size_t doubts;
	} rows[] = {
	    {"the rule was changed since", {.level = LEVEL_SECURE},
		{A(OK), A(NAME_MISMATCH)}, LEVEL_SECURE, EXPLAIN_UNKNOWN,
		EXPLAIN_DOUBTS, 0, 0, false, false, CTL_BY_RULE_BEFORE, 2},
	    {"which is one of certificates", {.level = LEVEL_ENCRYPT},
		{A(NAME_MISMATCH)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 1, 0, false, false, CTL_BY_RULE_BEFORE, 0},
	    {"passes by what is not in force", {.level = LEVEL_SECURE}, {A(OK)},
		LEVEL_SECURE, EXPLAIN_UNKNOWN, EXPLAIN_DOUBTS, 0, 0, false,
		false, CTL_BY_REGISTRY, 1},
	    {"fails by that", {.level = LEVEL_SECURE}, {A(EXPIRED)},
		LEVEL_SECURE, EXPLAIN_WAITS, EXPLAIN_GATEWAYS, 0, 1, false,
		false, CTL_BY_REGISTRY, 0},
	    {"failed since by the log", {.level = LEVEL_SECURE},
		{SINCE(EXPIRED, EXPIRED)}, LEVEL_SECURE, EXPLAIN_WAITS,
		EXPLAIN_GATEWAYS, 0, 1, false, false, CTL_BY_MAP, 0},
	    {"not TLS since", {.level = LEVEL_SECURE},
		{SINCE(OK, CONNECT_TIMEOUT)}, LEVEL_SECURE, EXPLAIN_UNKNOWN,
		EXPLAIN_DOUBTS, 0, 0, false, false, CTL_BY_MAP, 1},
	    {"but another takes it", {.level = LEVEL_SECURE},
		{SINCE(OK, CONNECT_TIMEOUT), A(OK)}, LEVEL_SECURE,
		EXPLAIN_MOVES, EXPLAIN_GATEWAYS, 1, 0, false, false, CTL_BY_MAP,
		1},
	    {"our own look failed since", {.level = LEVEL_SECURE}, {BLIND(OK)},
		LEVEL_SECURE, EXPLAIN_UNKNOWN, EXPLAIN_OURS, 0, 0, false, false,
		CTL_BY_MAP, 1},
	    {"so who was not reached may be now", {.level = LEVEL_ENCRYPT},
		{BLIND(TIMEOUT)}, LEVEL_SECURE, EXPLAIN_UNKNOWN, EXPLAIN_OURS,
		0, 0, false, false, CTL_BY_MAP, 1},
	    {"but TLS that failed stays", {.level = LEVEL_SECURE},
		{BLIND(EXPIRED)}, LEVEL_SECURE, EXPLAIN_WAITS, EXPLAIN_GATEWAYS,
		0, 1, false, false, CTL_BY_MAP, 0},
	    {"and another was seen", {.level = LEVEL_SECURE},
		{A(OK), BLIND(OK)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 1, 0, false, false, CTL_BY_MAP, 1},
	    {"no TLS is asked for", {.level = OPP}, {BLIND(OK)}, OPP,
		EXPLAIN_MOVES, EXPLAIN_GATEWAYS, 1, 0, false, false, CTL_BY_MAP,
		0},
	    {"lowered since it failed", {.level = LEVEL_ENCRYPT},
		{SINCE(OK, EXPIRED)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 1, 0, false, false, CTL_BY_MAP, 0},
	    {"one of two takes it", {.level = LEVEL_SECURE},
		{A(OK), A(EXPIRED)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 1, 1, false, false, CTL_BY_MAP, 0},
	    {"none takes it", {.level = LEVEL_SECURE}, {A(TIMEOUT), A(EXPIRED)},
		LEVEL_SECURE, EXPLAIN_WAITS, EXPLAIN_GATEWAYS, 0, 2, false,
		false, CTL_BY_MAP, 0},
	    {"lowered", {.level = LEVEL_ENCRYPT}, {A(EXPIRED)}, LEVEL_SECURE,
		EXPLAIN_MOVES, EXPLAIN_GATEWAYS, 1, 0, false, false, CTL_BY_MAP,
		0},
	    {"not looked at", {.level = LEVEL_SECURE}, {{0}}, LEVEL_SECURE,
		EXPLAIN_UNKNOWN, EXPLAIN_NO_LOOK, 0, 0, false, false,
		CTL_BY_MAP, 0},
	    {"not looked at, and it does not matter", {.level = OPP}, {{0}},
		OPP, EXPLAIN_MOVES, EXPLAIN_ANY, 0, 0, false, false, CTL_BY_MAP,
		0},
	    {"in clear text", {.level = OPP}, {A(NO_STARTTLS)}, OPP,
		EXPLAIN_MOVES, EXPLAIN_GATEWAYS, 1, 0, true, false, CTL_BY_MAP,
		0},
	    {"perhaps not in clear text", {.level = OPP},
		{A(NO_STARTTLS), A(OK)}, OPP, EXPLAIN_MOVES, EXPLAIN_GATEWAYS,
		2, 0, false, false, CTL_BY_MAP, 0},
	    {"cannot be reached at all", {.level = OPP}, {A(CONNECT_TIMEOUT)},
		OPP, EXPLAIN_WAITS, EXPLAIN_GATEWAYS, 0, 1, false, false,
		CTL_BY_MAP, 0},
	    {"has no gateway", {.level = OPP}, {A(NO_MX)}, OPP,
		EXPLAIN_RETURNED, EXPLAIN_GATEWAYS, 0, 1, false, false,
		CTL_BY_MAP, 0},
	    {"which is enforced", {.level = LEVEL_SECURE}, {A(NO_MX)},
		LEVEL_SECURE, EXPLAIN_RETURNED, EXPLAIN_GATEWAYS, 0, 1, false,
		false, CTL_BY_MAP, 0},
	    {"has none since, by the log", {.level = LEVEL_SECURE},
		{SINCE(NO_MX, NO_MX)}, LEVEL_SECURE, EXPLAIN_RETURNED,
		EXPLAIN_GATEWAYS, 0, 1, false, false, CTL_BY_MAP, 0},
	    {"has none, and Postfix keeps it",
		{.level = LEVEL_SECURE, .keeps = true}, {A(NO_MX)},
		LEVEL_SECURE, EXPLAIN_WAITS, EXPLAIN_GATEWAYS, 0, 1, false,
		false, CTL_BY_MAP, 0},
	    {"has one that fails as well", {.level = LEVEL_SECURE},
		{A(NO_MX), A(TIMEOUT)}, LEVEL_SECURE, EXPLAIN_WAITS,
		EXPLAIN_GATEWAYS, 0, 2, false, false, CTL_BY_MAP, 0},
	    {"no map", {.level = OPP, .no_map = true}, {A(OK)}, LEVEL_SECURE,
		EXPLAIN_WAITS, EXPLAIN_NO_MAP, 1, 0, false, false, CTL_BY_MAP,
		0},
	    {"no map, which nobody asks",
		{.level = OPP,
		    .no_map = true,
		    .routed = true,
		    .command = "smtp"},
		{A(OK)}, LEVEL_SECURE, EXPLAIN_MOVES, EXPLAIN_GATEWAYS, 1, 0,
		false, false, CTL_BY_MAP, 0},
	    {"no such service", {.level = OPP, .routed = true}, {A(OK)},
		LEVEL_SECURE, EXPLAIN_WAITS, EXPLAIN_NO_SERVICE, 0, 0, false,
		false, CTL_BY_MAP, 0},
	    {"another program",
		{.level = OPP, .routed = true, .command = "local"}, {A(OK)},
		LEVEL_SECURE, EXPLAIN_ELSEWHERE, EXPLAIN_NO_SMTP, 0, 0, false,
		false, CTL_BY_MAP, 0},
	    {"looks at other domains",
		{.level = LEVEL_SECURE, .domain = "x.a.example"}, {A(OK)},
		LEVEL_SECURE, EXPLAIN_MOVES, EXPLAIN_GATEWAYS, 1, 0, false,
		true, CTL_BY_MAP, 0},
	    {"which tell nothing of a relay",
		{.level = LEVEL_SECURE, .nexthop = "[relay]"}, {A(OK)},
		LEVEL_SECURE, EXPLAIN_UNKNOWN, EXPLAIN_NO_LOOK, 0, 0, false,
		true, CTL_BY_MAP, 0},
	};
	struct evidence_gateway seen[GATEWAYS];
	struct step_gateway step[GATEWAYS];
	enum ctl_basis basis[GATEWAYS];
	struct explain_asked a;
	struct ctl_facts f;
	struct explain x;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memcpy(step, rows[i].g, sizeof(step));
		memset(seen, 0, sizeof(seen));
		f = (struct ctl_facts){.full = rows[i].full,
		    .step = step,
		    .basis = basis,
		    .gateway = seen};
		while (f.n < GATEWAYS && step[f.n].nexthop != NULL) {
			basis[f.n] = rows[i].basis;
			seen[f.n++].last.time = 7;
		}
		a = rows[i].a;
		a.facts = &f;
		if (a.domain == NULL)
			a.domain = "a.example";
		if (a.nexthop == NULL)
			a.nexthop = a.domain;
		explain_judge(&a, &x);
		check_int(rows[i].name, x.fate, rows[i].fate);
		check_int(rows[i].name, x.reason, rows[i].reason);
		check_int(rows[i].name, x.takes, rows[i].takes);
		check_int(rows[i].name, x.holds, rows[i].holds);
		check_int(rows[i].name, x.doubts, rows[i].doubts);
		check_int(rows[i].name, x.clear, rows[i].clear);
		check_int(rows[i].name, x.borrowed, rows[i].borrowed);
		check_int(rows[i].name, x.probed,
		    rows[i].takes + rows[i].holds + rows[i].doubts > 0 ? 7 : 0);
		explain_release(&x);
	}
}

/* DNS names others than were looked at, at 7, or the queue says more. */
static void
t_new_mx(void **state)
{
#define AT(h, f)                                                        \
	{                                                               \
		.nexthop = "a.example", .host = (h), .fault = FAULT_##f \
	}
#define NEW_FAILED(h, at, f)                                                 \
	{                                                                    \
		.nexthop = "a.example", .host = "mx1.a.example",             \
		.fault = FAULT_OK, .failed = (at), .failed_with = FAULT_##f, \
		.failed_host = (h)                                           \
	}
	static const struct {
		const char *name, *mx[3], *row;
		struct step_gateway g[2];
		enum level level;
		enum explain_fate fate;
		enum explain_reason reason;
		enum explain_new why;
		time_t changed, queued;
	} rows[] = {
	    {"the same", {"MX1.a.example"}, "secure match=mx1.a.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 0, 0, 0},
	    {"not known", {NULL}, "secure match=mx1.a.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 0, 0, 0},
	    {"one more", {"h9.b.example", "mx1.a.example"},
		"secure match=mx1.a.example", {AT("mx1.a.example", OK)},
		LEVEL_SECURE, EXPLAIN_MOVES, EXPLAIN_GATEWAYS,
		EXPLAIN_NEW_UNNAMED, 0, 0},
	    {"another, not in the row", {"h9.b.example"},
		"secure match=mx1.a.example:.c.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_WAITS,
		EXPLAIN_NEW_MX, EXPLAIN_NEW_UNNAMED, 0, 0},
	    {"in it by its domain", {"h9.b.example"},
		"secure match=mx1.a.example:.B.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_UNKNOWN,
		EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"in it by its name", {"h9.b.example"}, "secure match=H9.b.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_UNKNOWN,
		EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"any host's", {"h9.b.example"}, "verify match=hostname",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_UNKNOWN,
		EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"no names", {"h9.b.example"}, "dane-only",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_UNKNOWN,
		EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"none is asked for", {"h9.b.example"}, "encrypt",
		{AT("mx1.a.example", OK)}, LEVEL_ENCRYPT, EXPLAIN_UNKNOWN,
		EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"one of two may", {"h9.b.example", "h9.c.example"},
		"secure match=h9.c.example", {AT("mx1.a.example", OK)},
		LEVEL_SECURE, EXPLAIN_UNKNOWN, EXPLAIN_NEW_MX,
		EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"beside one that fails", {"h9.b.example", "mx1.a.example"},
		"secure match=.b.example", {AT("mx1.a.example", EXPIRED)},
		LEVEL_SECURE, EXPLAIN_UNKNOWN, EXPLAIN_NEW_MX,
		EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"none was there before", {"h9.b.example"},
		"secure match=.b.example", {AT("", NO_MX)}, LEVEL_SECURE,
		EXPLAIN_UNKNOWN, EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"a mail failed there", {"h9.b.example"}, "secure match=.b.example",
		{NEW_FAILED("h9.b.example", 8, NAME_MISMATCH)}, LEVEL_SECURE,
		EXPLAIN_WAITS, EXPLAIN_NEW_MX, EXPLAIN_NEW_FAILED, 0, 0},
	    {"by the rule before", {"h9.b.example"}, "secure match=.b.example",
		{NEW_FAILED("h9.b.example", 8, NAME_MISMATCH)}, LEVEL_SECURE,
		EXPLAIN_UNKNOWN, EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 9, 0},
	    {"lowered since", {"h9.b.example"}, "encrypt",
		{NEW_FAILED("h9.b.example", 8, NAME_MISMATCH)}, LEVEL_ENCRYPT,
		EXPLAIN_UNKNOWN, EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"at yet another one", {"h9.b.example"}, "secure match=.b.example",
		{NEW_FAILED("h8.b.example", 8, NAME_MISMATCH)}, LEVEL_SECURE,
		EXPLAIN_UNKNOWN, EXPLAIN_NEW_MX, EXPLAIN_NEW_UNKNOWN, 0, 0},
	    {"a mail waits since", {"h9.b.example"}, "secure match=.b.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_WAITS,
		EXPLAIN_NEW_MX, EXPLAIN_NEW_QUEUED, 0, 8},
	    {"and nothing is new", {"mx1.a.example"},
		"secure match=mx1.a.example", {AT("mx1.a.example", OK)},
		LEVEL_SECURE, EXPLAIN_UNKNOWN, EXPLAIN_QUEUE, 0, 0, 8},
	    {"before the look", {"mx1.a.example"}, "secure match=mx1.a.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 0, 0, 7},
	    {"before the rule", {"mx1.a.example"}, "secure match=mx1.a.example",
		{AT("mx1.a.example", OK)}, LEVEL_SECURE, EXPLAIN_MOVES,
		EXPLAIN_GATEWAYS, 0, 9, 8},
	};
	struct evidence_gateway seen[2];
	struct step_gateway step[2];
	struct explain_asked a;
	struct ctl_facts f;
	struct explain x;
	struct ctlmx mx;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memcpy(step, rows[i].g, sizeof(step));
		memset(seen, 0, sizeof(seen));
		seen[0].last.time = 7;
		f = (struct ctl_facts){.full = LEVEL_SECURE,
		    .step = step,
		    .gateway = seen,
		    .n = 1};
		mx = (struct ctlmx){.host = rows[i].mx};
		while (rows[i].mx[mx.n] != NULL)
			mx.n++;
		a = (struct explain_asked){.facts = &f,
		    .domain = "a.example",
		    .nexthop = "a.example",
		    .level = rows[i].level,
		    .mx = mx.n > 0 ? &mx : NULL,
		    .row = span_of(rows[i].row),
		    .changed = rows[i].changed,
		    .queued = rows[i].queued};
		explain_judge(&a, &x);
		check_int(rows[i].name, x.fate, rows[i].fate);
		check_int(rows[i].name, x.reason, rows[i].reason);
		check_int(rows[i].name, x.why, rows[i].why);
		explain_release(&x);
	}
}

/* Lowered to keys: who shows another one gets no mail, whatever it is worth. */
static void
t_pinned(void **state)
{
#define SHOWS(f, k)                                                    \
	{                                                              \
		.nexthop = "a.example", .fault = FAULT_##f, .key = (k) \
	}
	static const char *const keys[] = {"0A:BC", "0d:ef"};
	static const struct {
		const char *name;
		struct step_gateway g[2];
		enum level after;
		size_t nkeys;
		enum explain_fate now;
		bool mended;
	} rows[] = {
	    {"the pinned key", {SHOWS(OK, "0abc")}, LEVEL_KEY, 2, EXPLAIN_MOVES,
		true},
	    {"the other pinned key", {SHOWS(OK, "0DEF")}, LEVEL_KEY, 2,
		EXPLAIN_MOVES, true},
	    {"a new key", {SHOWS(OK, "ffff")}, LEVEL_KEY, 2, EXPLAIN_WAITS,
		true},
	    {"more of it", {SHOWS(OK, "0abcd")}, LEVEL_KEY, 2, EXPLAIN_WAITS,
		true},
	    {"less of it", {SHOWS(OK, "0ab")}, LEVEL_KEY, 2, EXPLAIN_WAITS,
		true},
	    {"a new key beside it", {SHOWS(OK, "ffff"), SHOWS(OK, "0abc")},
		LEVEL_KEY, 2, EXPLAIN_MOVES, true},
	    {"a key that is not known", {SHOWS(OK, "")}, LEVEL_KEY, 2,
		EXPLAIN_MOVES, true},
	    {"pins that are not known", {SHOWS(OK, "ffff")}, LEVEL_KEY, 0,
		EXPLAIN_MOVES, true},
	    {"below key", {SHOWS(OK, "ffff")}, LEVEL_ENCRYPT, 2, EXPLAIN_MOVES,
		true},
	    {"not mended", {SHOWS(EXPIRED, "ffff")}, LEVEL_KEY, 2,
		EXPLAIN_WAITS, false},
	    {"not lowered", {SHOWS(OK, "ffff")}, LEVEL_SECURE, 2, EXPLAIN_MOVES,
		false},
	};
	struct step_gateway g[2];
	struct ctl_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memcpy(g, rows[i].g, sizeof(g));
		f = (struct ctl_facts){.full = LEVEL_SECURE,
		    .step = g,
		    .n = 1 + (size_t)(g[1].nexthop != NULL),
		    .lowered = {.id = rows[i].after != LEVEL_SECURE,
			.after = rows[i].after,
			.keys = keys,
			.nkeys = rows[i].nkeys}};
		check_int(rows[i].name, explain_now(&f), rows[i].now);
		check_int(rows[i].name, explain_mended(&f), rows[i].mended);
	}
}

static void
t_nobody(void **state)
{
	const struct explain_asked a = {.domain = "b", .nexthop = "b"};
	struct explain x;

	(void)state;
	explain_judge(&a, &x);
	check_str("nobody's", explain_fate_names[x.fate], "moves");
	check_true("nobody's", x.gateway == NULL);
	explain_release(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_takes),
	    cmocka_unit_test(t_judge),
	    cmocka_unit_test(t_new_mx),
	    cmocka_unit_test(t_pinned),
	    cmocka_unit_test(t_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
