/*
 * Mail of a partner that counts as another's, and for how long both pages say
 * so.
 */
#include "reportlab.h"

#include "ledger_rename.h"

/* What happens at noon of a day: a rename, a map with such rows, mail. */
struct happens {
	int day;
	const char *from, *to, *rows, *mail;
};

#define ROW(key, is, was)                                              \
	"{\"key\":\"" key "\",\"partner\":" is ",\"partner_was\":" was \
	",\"client\":false}"
#define MAP(n, key, is, was)                        \
	{                                           \
		.day = n, .rows = ROW(key, is, was) \
	}
#define A "\"a\""
#define B "\"b\""
#define C "\"c\""
#define BOTH "partner a domain=a.example\npartner b domain=b.example\n"
#define ALONE "partner a domain=a.example\n"
#define TO_B MAP(-5, "a.example", B, A)
#define TO_A MAP(-3, "a.example", A, B)
#define THREE(is, was)            \
	ROW("x.example", is, was) \
	"," ROW("y.example", is, was) "," ROW("a.example", is, was)

static const struct {
	const char *name;
	struct happens v[8];
	const char *registry;
	int first, last; /* days of the period; 0, 0: of ten up to T0 */
	const char *want;
} rows[] = {
    {"nothing", {{0}}, BOTH, 0, 0, ""},
    {"another's and back", {TO_B, TO_A}, BOTH, 0, 0,
	"a: a.example was b's from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted there | tlspact-report "
	"--partner b\n"
	"b: a.example was in it from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted here | \n"},
    {"in a period after it", {TO_B, TO_A}, BOTH, -2, 0, ""},
    {"in one before it", {TO_B, TO_A}, BOTH, -9, -6, ""},
    {"in one that ends within it", {TO_B, TO_A}, BOTH, -9, -5,
	"a: a.example was b's from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted there | tlspact-report "
	"--partner b\n"
	"b: a.example was in it from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted here | \n"},
    {"for good", {TO_B},
	"partner a domain=c.example\n"
	"partner b domain=a.example\n",
	0, 0,
	"b: a.example was a's until 2026-11-18T12:00:00Z; that mail is "
	"counted there | tlspact-report --partner a\n"
	"a: a.example was in it until 2026-11-18T12:00:00Z; that mail is "
	"counted here | \n"},
    {"not taken yet", {TO_B}, BOTH, 0, 0,
	"a: a.example was b's from 2026-11-18T12:00:00Z; that mail is counted "
	"there | tlspact-report --partner b\n"
	"b: a.example was in it from 2026-11-18T12:00:00Z; that mail is "
	"counted here | \n"},
    {"of one that is gone", {TO_B, TO_A}, ALONE, 0, 0,
	"a: a.example was b's, which is no partner, from 2026-11-18T12:00:00Z "
	"to 2026-11-20T12:00:00Z; that mail is counted there | former=b, if it "
	"is the same partner\n"},
    {"and was one beside it", {TO_B, TO_A, MAP(-1, "b.example", "null", B)},
	ALONE, 0, 0,
	"a: a.example was b's, which is no partner, from 2026-11-18T12:00:00Z "
	"to 2026-11-20T12:00:00Z; that mail is counted there | \n"},
    {"said by former=", {TO_B, TO_A}, "partner a former=b domain=a.example\n",
	0, 0, ""},
    {"and recorded", {TO_B, {.day = -3, .from = "b", .to = "a"}, TO_A}, ALONE,
	0, 0, ""},
    {"a rename that goes before its map",
	{{.day = -5, .from = "a", .to = "b"}, TO_B},
	"partner b "
	"domain=a.example\n",
	0, 0, ""},
    {"a merge that is told of the name",
	{{.day = -5, .from = "a", .to = "b"}, TO_B, TO_A}, BOTH, 0, 0,
	"a: what is on record of this name until 2026-11-20T12:00:00Z went on "
	"as b's | tlspact-report --partner b\n"
	"b: what is on record of a until 2026-11-20T12:00:00Z is in it | \n"},
    {"and again, without it",
	{{.day = -9, .from = "a", .to = "b"}, MAP(-9, "a.example", B, A),
	    MAP(-8, "a.example", A, B), TO_B, TO_A},
	BOTH, -7, 0,
	"a: a.example was b's from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted there | tlspact-report "
	"--partner b\n"
	"b: a.example was in it from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted here | \n"},
    {"three domains",
	{{.day = -5, .rows = THREE(B, A)}, {.day = -3, .rows = THREE(A, B)}},
	"partner a domain=x.example,a.example,y.example\n"
	"partner b domain=b.example\n",
	0, 0,
	"a: 3 domains, e.g. x.example, were b's from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted there | tlspact-report "
	"--partner b\n"
	"b: 3 domains, e.g. x.example, were in it from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted here | \n"},
    {"again and again",
	{MAP(-8, "a.example", B, A), MAP(-7, "a.example", A, B),
	    MAP(-6, "a.example", B, A), TO_A, MAP(-3, "a.example", B, A),
	    MAP(-2, "a.example", A, B), MAP(-1, "a.example", B, A),
	    MAP(0, "a.example", A, B)},
	BOTH, 0, 0,
	"a: a.example was b's at times from 2026-11-15T12:00:00Z to "
	"2026-11-23T12:00:00Z; that mail is counted there | tlspact-report "
	"--partner b\n"
	"b: a.example was in it at times from 2026-11-15T12:00:00Z to "
	"2026-11-23T12:00:00Z; that mail is counted here | \n"},
    {"a change that no row shows",
	{MAP(-7, "a.example", A, "null"), MAP(-3, "a.example", A, B)}, BOTH, 0,
	0,
	"a: a.example was b's until 2026-11-20T12:00:00Z; that mail is counted "
	"there | tlspact-report --partner b\n"
	"b: a.example was in it until 2026-11-20T12:00:00Z; that mail is "
	"counted here | \n"},
    {"which stays", {TO_B, MAP(-3, "a.example", C, C)},
	"partner c domain=a.example\n", 0, 0,
	"c: a.example was a's, which is no partner, until "
	"2026-11-18T12:00:00Z; that mail is counted there | former=a, if it "
	"is the same partner\n"
	"c: a.example was b's, which is no partner, from 2026-11-18T12:00:00Z; "
	"that mail is counted there | former=b, if it is the same partner\n"},
    {"nobody's meanwhile",
	{MAP(-5, "a.example", "null", A), MAP(-3, "a.example", A, "null")},
	BOTH, 0, 0, ""},
    {"older events tell of nobody",
	{TO_B, {.day = -4, .rows = "{\"key\":\"a.example\",\"client\":false}"},
	    TO_A},
	BOTH, -3, 0,
	"a: a.example was b's from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted there | tlspact-report "
	"--partner b\n"
	"b: a.example was in it from 2026-11-18T12:00:00Z to "
	"2026-11-20T12:00:00Z; that mail is counted here | \n"},
    {"a domain that nobody has any more",
	{TO_B, MAP(-3, "a.example", "null", B)},
	"partner a domain=c.example\n"
	"partner b domain=b.example\n",
	0, 0, ""},
    {"a name that is back, as no row tells",
	{{.day = -20, .from = "a", .to = "b"}}, BOTH, 0, 0,
	"a: what is on record of this name before went on as b's | "
	"tlspact-report --partner b\n"
	"b: what is on record of a before is in it | \n"},
    {"but its mail",
	{{.day = -20, .from = "a", .to = "b"},
	    {.day = -12, .mail = "2026-11-11"}},
	BOTH, 0, 0, ""},
    {"in the period",
	{{.day = -20, .from = "a", .to = "b"},
	    {.day = -5, .mail = "2026-11-18"}},
	BOTH, 0, 0,
	"a: what is on record of this name before went on as b's | "
	"tlspact-report --partner b\n"
	"b: what is on record of a before is in it | \n"},
    {"or a later change of its own",
	{{.day = -20, .from = "a", .to = "b"}, MAP(-12, "a.example", A, A)},
	BOTH, 0, 0, ""},
    {"a name that went to one that is gone",
	{{.day = -20, .from = "a", .to = "b"}}, ALONE, 0, 0,
	"a: what is on record of this name before went on as b's, which is no "
	"partner | former=b, if it is the same partner\n"},
    {"and was one beside it",
	{{.day = -5, .from = "a", .to = "b"}, TO_B, TO_A,
	    MAP(-1, "b.example", "null", B)},
	ALONE, 0, 0,
	"a: what is on record of this name until 2026-11-20T12:00:00Z went on "
	"as b's, which is no partner | \n"},
};

static void
happen(const char *name, const struct happens *h)
{
	char *data;

	if (h->from != NULL)
		check_int(name,
		    ledger_rename(
			led, h->from, h->to, "me", NOON(h->day), &err),
		    1);
	if (h->rows != NULL) {
		assert_int_not_equal(
		    asprintf(&data, "{\"rows\":[%s]}", h->rows), -1);
		well(name, add_event("map", "", data, NOON(h->day)));
		free(data);
	}
	if (h->mail != NULL)
		count(h->mail, "a", EVIDENCE_OUT, EVIDENCE_ENCRYPTED, "", 0, 1);
}

/* The notes of that kind, a line each. */
static const char *
handed(void)
{
	static struct gathered g;
	const struct report_note *n;
	size_t i;

	g = (struct gathered){0};
	for (i = 0; i < rep.nnotes; i++) {
		n = &rep.note[i];
		if (strstr(n->text, "that mail is counted") != NULL ||
		    strstr(n->text, "what is on record of") != NULL)
			(void)gather(
			    &g, "%s: %s | %s\n", n->partner, n->text, n->next);
	}
	return g.text;
}

static void
t_handed(void **state)
{
	const char *name;
	size_t i, k;

	for (i = 0; i < COUNT(rows); i++) {
		name = rows[i].name;
		if (i > 0)
			(void)setup(state);
		have_registry(rows[i].registry);
		for (k = 0; k < COUNT(rows[i].v); k++)
			happen(name, &rows[i].v[k]);
		/* Who writes the evidence follows the renames. */
		evidence_close(evi);
		evi = must_see(EVIDENCE_WRITE);
		well(name,
		    try_report(
			MIDNIGHT +
			    (rows[i].first == 0 ? -9 : rows[i].first) * DAY,
			MIDNIGHT + (rows[i].last + 1) * DAY, T0, NULL));
		check_str(name, handed(), rows[i].want);
		if (i + 1 < COUNT(rows))
			(void)report_teardown(state);
	}
}

/* Of one of both alone. */
static void
t_one(void **state)
{
	(void)state;
	have_registry(BOTH);
	happen("one", &(struct happens)TO_B);
	happen("one", &(struct happens)TO_A);
	well("a", try_report(MIDNIGHT - 9 * DAY, MIDNIGHT + DAY, T0, "a"));
	check_has("a", handed(), "a: a.example was b's from ");
	check_true("b", strstr(handed(), "\nb: ") == NULL);
	well("b", try_report(MIDNIGHT - 9 * DAY, MIDNIGHT + DAY, T0, "b"));
	check_has("b", handed(), "b: a.example was in it from ");
	have_registry(BOTH "partner c domain=c.example\n");
	well("c", try_report(MIDNIGHT - 9 * DAY, MIDNIGHT + DAY, T0, "c"));
	check_str("c", handed(), "");
}

/* A partner may be called as a domain is, its own or another one's. */
static void
t_named_as_domain(void **state)
{
	(void)state;
	have_registry("partner a.example mode=enforced domain=a.example\n"
		      "partner b.example mode=enforced domain=c.example\n"
		      "partner c mode=enforced domain=b.example\n");
	count("2026-11-23", "a.example", EVIDENCE_OUT, EVIDENCE_VERIFIED,
	    "secure", 0, 5);
	count("2026-11-23", "b.example", EVIDENCE_OUT, EVIDENCE_CLEAR, "secure",
	    0, 3);
	well("a", try_report(MIDNIGHT, MIDNIGHT + DAY, T0, "a.example"));
	check_int("counted once",
	    (int)rep.partner[0].way[EVIDENCE_OUT].mail.kept.required_kept, 5);
	check_int("as its own", (int)rep.partner[0].before.mails, 0);
	well("c", try_report(MIDNIGHT, MIDNIGHT + DAY, T0, "c"));
	check_int("not another's", (int)rep.partner[0].before.mails, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    REPORT_CASE(t_handed),
	    REPORT_CASE(t_one),
	    REPORT_CASE(t_named_as_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
