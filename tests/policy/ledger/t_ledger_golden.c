/* Ledgers that earlier releases wrote stay whole for ever. */
#include "ledgerlab.h"

#include <stdlib.h>

/* Each release adds one that it wrote itself; none is ever changed. */
static const struct {
	const char *name;
	struct ledger_head head; /* as that release's own check told it */
	const char *flaws;
} golden[] = {
    {"tests/golden/ledger-3-history.sql",
	{13, "e3c75cd851507f37d723b141e188bd77bdcad87f433e80f489ef7a960e7be6f"
	     "7"},
	""},
    {"tests/golden/ledger-5-history.sql",
	{28, "5cf89a72b6c3a8230167f18fbc3362ff1dc335695c98bbce2e28b8b77573c15"
	     "6"},
	"event 25 found: downgrade 5 was edited by hand: author is \"eve\", "
	"and event 22 says \"root\"\n"},
};

static char *
slurp(const char *name)
{
	FILE *f = fopen(name, "r");
	size_t size = 0;
	char *text = NULL;

	if (f == NULL || getdelim(&text, &size, EOF, f) == -1)
		fail_msg("%s: %s", name, strerror(errno));
	(void)fclose(f);
	return text;
}

#define EVENTS 64 /* that a golden ledger may have */

struct events {
	char *v[EVENTS];
	size_t n;
};

static void
events_free(struct events *v)
{
	while (v->n > 0)
		free(v->v[--v->n]);
}

/* Columns as SQL has them. */
static int
raw_event(void *arg, int n, char **col, char **name)
{
	struct events *v = arg;

	(void)name;
	if (n != 8 || v->n == EVENTS)
		return 1;
	if (asprintf(&v->v[v->n++], "%s|%s|%s|%s|%s|%s|%s|%s", col[0], col[1],
		col[2], col[3], col[4], col[5], col[6], col[7]) == -1)
		abort();
	return 0;
}

static bool
told_event(const struct ledger_event *ev, void *arg)
{
	struct events *v = arg;

	if (v->n == EVENTS ||
	    asprintf(&v->v[v->n++], "%lld|%lld|%s|%s|%s|%s|%s|%s",
		(long long)ev->seq, (long long)ev->time, ev->kind, ev->partner,
		ev->author, ev->text, ev->data, ev->hash) == -1)
		abort();
	return true;
}

/* What stands in the file before any of our code has seen it. */
static void
read_raw(struct events *v)
{
	sqlite3 *raw;

	assert_int_equal(sqlite3_open(file, &raw), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(raw,
		"SELECT seq, time, kind, partner, author, text, data, hash"
		" FROM event ORDER BY seq",
		raw_event, v, NULL),
	    SQLITE_OK);
	sqlite3_close(raw);
}

static void
t_golden(void **state)
{
	const struct ledger_event_query all = {0};
	struct events before, after;
	size_t i, k;
	char *sql;

	(void)state;
	for (i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		before = after = (struct events){0};
		ledger_close(led);
		led = NULL;
		free(file);
		file = check_path(dir, "golden.db");
		(void)unlink(file);
		sql = slurp(golden[i].name);
		by_hand(sql);
		free(sql);
		read_raw(&before);
		check_int(golden[i].name, before.n, golden[i].head.count);
		led = must_open(file, LEDGER_WRITE);
		check_finds(
		    golden[i].name, &golden[i].head, NULL, golden[i].flaws);
		well(golden[i].name,
		    ledger_events(led, &all, told_event, &after, &err));
		check_int(golden[i].name, after.n, before.n);
		for (k = 0; k < after.n; k++)
			check_str(golden[i].name, after.v[k], before.v[k]);
		/* And goes on. */
		well(golden[i].name,
		    ledger_downgrade_settle(led, T0 + 90 * 86400, &err));
		check_finds(
		    golden[i].name, &golden[i].head, NULL, golden[i].flaws);
		events_free(&before);
		events_free(&after);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
