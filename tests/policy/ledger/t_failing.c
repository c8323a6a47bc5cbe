/* t_failing.c: which next-hops fail, out of a ledger, by way of a child. */
#include "ledgerlab.h"

#include <event2/event.h>

#include "buf.h"
#include "failing.h"
#include "process.h"

static void
add(const char *partner, const char *nexthop, const char *host,
    const char *fault, time_t when)
{
	const struct evidence_probe p = {.time = when,
	    .partner = partner,
	    .nexthop = nexthop,
	    .host = host,
	    .address = "192.0.2.1",
	    .port = 25,
	    .fault = fault,
	    .judged =
		strcmp(fault, "ok") == 0 ? EVIDENCE_BY_CA : EVIDENCE_FAILED};

	if (evidence_probe_add(evi, &p, NULL, &err) == -1)
		fail_msg("%s", err.text);
}

static void
fill(void)
{
	add("a", "all.example", "mx1", "expired", T0);
	add("a", "all.example", "mx2", "no-starttls", T0 + 5);
	add("a", "some.example", "mx1", "expired", T0);
	add("a", "some.example", "mx2", "ok", T0);
	add("b", "down.example", "mx1", "connect-timeout", T0);
	add("b", "half.example", "mx1", "connect-timeout", T0);
	add("b", "half.example", "mx2", "name-mismatch", T0);
	add("b", "own.example", "mx1", "common-name-mismatch", T0);
	add("c", "mended.example", "mx1", "expired", T0);
	add("c", "mended.example", "mx1", "ok", T0 + 9);
	add("c", "old.example", "mx1", "expired", T0 - 9999);
	add("d", "[mx.example]:25", "mx1", "self-signed", T0);
	add("e", ".sub.example", "mx1", "expired", T0);
	add("f", "turns.example", "mx1", "expired", T0 - 2);
	add("f", "turns.example", "mx1", "ok", T0 - 1);
	add("f", "turns.example", "mx1", "expired", T0);
	add("g", "dane.example", "mx1", "tlsa-failed", T0);
	add("h", "moved.example", "mx1", "ok", T0 - 9);
	add("h", "moved.example", "mx2", "expired", T0);
	well("moved", evidence_looked(evi, "h", "moved.example", T0, &err));
}

static bool
has(const struct failing *f, const char *name)
{
	return failing_find(f, name, strlen(name)) != NULL;
}

static void
check(const char *text, size_t len)
{
	const struct failing_hop *hop;
	struct failing f = {0};

	failing_take(&f, text, len);
	hop = failing_find(&f, "all.example", 11);
	assert_non_null(hop);
	/* The one that decides, not the worst. */
	assert_string_equal(hop->fault, "expired");
	assert_int_equal(hop->since, T0 + 5);
	assert_true(has(&f, "half.example"));
	assert_true(has(&f, "[mx.example]:25"));
	assert_true(has(&f, ".sub.example"));
	assert_true(has(&f, "dane.example"));
	assert_true(has(&f, "moved.example"));
	assert_int_equal(f.n, 6);
	failing_take(&f, "", 0);
	assert_int_equal(f.n, 0);
}

static void
tells_who_fails(void **state)
{
	struct buf text = {0};

	(void)state;
	fill();
	assert_int_equal(failing_print(seen, file, T0 - 60, &text, &err), 0);
	check(text.data, text.len);
	buf_free(&text);
}

static void
no_ledger_nobody_fails(void **state)
{
	struct buf text = {0};

	(void)state;
	assert_int_equal(
	    failing_print("/nowhere/e.db", NULL, 0, &text, &err), 0);
	assert_int_equal(text.len, 0);
	buf_free(&text);
}

static void
bears_nonsense(void **state)
{
	static const char text[] = "\n1\n1 expired\nx y z\n7 expired a.b\n"
				   "7 expired a.b\n8 no end";
	struct failing f = {0};

	(void)state;
	failing_take(&f, text, sizeof(text) - 1);
	failing_take(&f, text, sizeof(text) - 1);
	assert_int_equal(f.n, 1);
	assert_true(has(&f, "a.b"));
	failing_take(&f, "", 0);
	assert_int_equal(f.n, 0);
}

static bool told;

static int
work(void *arg, struct buf *out, struct err *e)
{
	return failing_print(arg, NULL, T0 - 60, out, e);
}

static void
done(void *arg, const char *text, size_t len, const struct err *e)
{
	(void)arg;
	(void)e;
	assert_non_null(text);
	check(text, len);
	told = true;
}

static int
bad_work(void *arg, struct buf *out, struct err *e)
{
	(void)arg;
	buf_puts(out, "half a result");
	return err_set(e, 1, "it is broken");
}

static int
deadly_work(void *arg, struct buf *out, struct err *e)
{
	(void)arg;
	(void)out;
	(void)e;
	_exit(1);
}

static void
bad_done(void *arg, const char *text, size_t len, const struct err *e)
{
	(void)len;
	assert_null(text);
	assert_string_equal(e->text, arg);
	told = true;
}

static void
a_child_does_it(void **state)
{
	static char broken[] = "it is broken", died[] = "a child has failed";
	struct event_base *base = event_base_new();

	(void)state;
	fill();
	/* No handle goes through a fork. */
	evidence_close(evi);
	evi = NULL;
	assert_non_null(task_start(base, work, done, seen, &err));
	(void)event_base_dispatch(base);
	assert_true(told);
	told = false;
	assert_non_null(task_start(base, bad_work, bad_done, broken, &err));
	(void)event_base_dispatch(base);
	assert_true(told);
	told = false;
	assert_non_null(task_start(base, deadly_work, bad_done, died, &err));
	(void)event_base_dispatch(base);
	assert_true(told);
	task_cancel(task_start(base, work, done, seen, &err));
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(tells_who_fails, setup, teardown),
	    cmocka_unit_test(no_ledger_nobody_fails),
	    cmocka_unit_test(bears_nonsense),
	    cmocka_unit_test_setup_teardown(a_child_does_it, setup, teardown),
	};

	return cmocka_run_group_tests_name("failing", tests, NULL, NULL);
}
