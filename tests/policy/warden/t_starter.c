/* t_starter.c: what the starter of probes starts, and what it never does. */
#include "check.h"

#include <event2/event.h>
#include <stdbool.h>
#include <sysexits.h>

#include "err.h"
#include "starter.h"

/* What was told of the last one. */
static struct {
	char what[64];
	int code;
	bool gone;
} told;

static void
on_told(const char *what, const struct err *e, void *arg)
{
	told.gone = what == NULL;
	(void)snprintf(
	    told.what, sizeof(told.what), "%s", what == NULL ? "" : what);
	told.code = e == NULL ? 0 : e->code;
	(void)event_base_loopbreak(arg);
}

static void
t_asked(void **state)
{
	static const struct {
		const char *what;
		bool taken;
	} rows[] = {
	    {"acme", true},
	    {STARTER_ALL, true},
	    {"-x", false},
	    {"--help", false},
	    {"", false},
	    {"a b", false},
	    {"../a", false},
	    {"a\"b", false},
	};
	/* As tlspact-probe that finds a fault; the name comes behind. */
	static const char *const argv[] = {"sh", "-c",
	    "test \"$0\" = acme -o \"$0\" = " STARTER_ALL " && exit 1; exit 70",
	    NULL};
	const struct timeval late = {.tv_sec = 20};
	struct event_base *base;
	struct starter *s;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memset(&told, 0, sizeof(told));
		told.code = -1;
		if ((s = starter_start(argv, 20, &e)) == NULL)
			fail_msg("%s", e.text);
		base = event_base_new();
		starter_listen(s, base, on_told, base);
		starter_ask(s, rows[i].what);
		(void)event_base_loopexit(base, &late);
		(void)event_base_dispatch(base);
		check_int(rows[i].what, told.gone, !rows[i].taken);
		check_str(
		    rows[i].what, told.what, rows[i].taken ? rows[i].what : "");
		check_int(rows[i].what, told.code,
		    rows[i].taken ? 1 : EX_UNAVAILABLE);
		starter_end(s);
		event_base_free(base);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_asked),
	};

	return cmocka_run_group_tests_name("starter", tests, NULL, NULL);
}
