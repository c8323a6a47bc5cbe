/* t_sweep.c: many sessions at once, and the limits they keep. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>

#include "err.h"
#include "fakemx_run.h"
#include "starttls.h"
#include "sweep.h"

#define PATIENT_MS 60000

static char pem[] = "/tmp/t_sweep.XXXXXX";
static struct fakemx fake;
static struct event_base *base;

/* What the callbacks see. */
static struct {
	struct sweep *sweep;
	unsigned done[STARTTLS_LOCAL + 1];
	unsigned total;
	unsigned enough;     /* good ones, after which the loop ends; 0 never */
	size_t most_running; /* beside the one that reports */
	unsigned again;	     /* jobs to be added when none runs any more */
	struct starttls_ctx *ctx;
} seen;

static int
start_servers(void **state)
{
	static const char *const specs[] = {"127.0.0.1:0*8 good",
	    "127.0.7.1:0*8 silent", "127.0.8.1:0 nostarttls", NULL};

	(void)state;
	close(mkstemp(pem));
	fakemx_pem(pem, 0);
	fakemx_start(&fake, pem, specs);
	return 0;
}

static int
stop_servers(void **state)
{
	(void)state;
	fakemx_stop(&fake);
	unlink(pem);
	return 0;
}

static struct starttls_ctx *
open_ctx(unsigned step_ms)
{
	struct starttls_params p = {.helo = "probe.example",
	    .step_ms = step_ms,
	    .total_ms = PATIENT_MS};
	struct err err = {0};
	struct starttls_ctx *ctx = starttls_ctx_new(&p, &err);

	assert_non_null(ctx);
	return ctx;
}

static void add(const char *mode, size_t nth);

static void
on_result(const struct starttls_result *r, void *arg)
{
	(void)arg;
	seen.done[r->outcome]++;
	seen.total++;
	if (seen.done[STARTTLS_OK] == seen.enough && seen.enough > 0)
		event_base_loopbreak(base);
	if (sweep_running(seen.sweep) > seen.most_running)
		seen.most_running = sweep_running(seen.sweep);
	for (; seen.total == 40 && seen.again > 0; seen.again--)
		add("good", 0);
}

static void
add(const char *mode, size_t nth)
{
	size_t i;

	for (i = 0; i < fake.n; i++)
		if (strcmp(fake.at[i].mode, mode) == 0 && nth-- == 0)
			break;
	assert_true(i < fake.n);
	sweep_add(seen.sweep, seen.ctx, (struct sockaddr *)&fake.at[i].sa,
	    sizeof(fake.at[i].sa), "mx.example", on_result, NULL);
}

static void
open_sweep(const struct sweep_limits *limits, unsigned step_ms)
{
	memset(&seen, 0, sizeof(seen));
	base = event_base_new();
	seen.ctx = open_ctx(step_ms);
	seen.sweep = sweep_new(base, limits);
}

static void
close_sweep(void)
{
	sweep_free(seen.sweep);
	starttls_ctx_free(seen.ctx);
	event_base_free(base);
}

static void
all_are_done(void **state)
{
	const struct sweep_limits limits = {.parallel = 3};
	size_t i, fds = count_fds();

	(void)state;
	open_sweep(&limits, PATIENT_MS);
	for (i = 0; i < 40; i++)
		add(i % 5 == 4 ? "nostarttls" : "good", i % 5 == 4 ? 0 : i % 8);
	assert_int_equal(sweep_running(seen.sweep), 3);
	seen.again = 2;
	event_base_dispatch(base);
	assert_int_equal(seen.total, 42);
	assert_int_equal(seen.done[STARTTLS_OK], 34);
	assert_int_equal(seen.done[STARTTLS_NOT_OFFERED], 8);
	assert_in_range(seen.most_running, 0, 2);
	close_sweep();
	assert_int_equal(count_fds(), fds);
}

static void
one_address_is_not_crowded(void **state)
{
	const struct sweep_limits limits = {.parallel = 8};
	size_t i;

	(void)state;
	open_sweep(&limits, PATIENT_MS);
	for (i = 0; i < 16; i++)
		add("good", 3);
	assert_int_equal(sweep_running(seen.sweep), 1);
	event_base_dispatch(base);
	assert_int_equal(seen.done[STARTTLS_OK], 16);
	assert_int_equal(seen.most_running, 0);
	close_sweep();
}

/* Eight silent servers go first, and hold up none of the others. */
static void
silent_servers_do_not_delay(void **state)
{
	const struct sweep_limits limits = {.parallel = 10};
	size_t i;

	(void)state;
	open_sweep(&limits, PATIENT_MS);
	for (i = 0; i < 8; i++)
		add("silent", i);
	for (i = 0; i < 40; i++)
		add("good", i % 8);
	seen.enough = 40;
	event_base_dispatch(base);
	assert_int_equal(seen.total, 40);
	assert_int_equal(sweep_running(seen.sweep), 8);
	close_sweep();
}

/* A queue for one slow address waits, and lets the others pass. */
static void
a_long_queue_delays_only_itself(void **state)
{
	const struct sweep_limits limits = {.parallel = 2};
	size_t i;

	(void)state;
	open_sweep(&limits, PATIENT_MS);
	for (i = 0; i < 2; i++)
		add("silent", 0);
	for (i = 0; i < 8; i++)
		add("good", i);
	seen.enough = 8;
	event_base_dispatch(base);
	assert_int_equal(seen.total, 8);
	assert_int_equal(sweep_running(seen.sweep), 1);
	close_sweep();
}

/* Who is silent for too long makes room for the next one. */
static void
silent_servers_end(void **state)
{
	const struct sweep_limits limits = {.parallel = 2};
	size_t i;

	(void)state;
	open_sweep(&limits, 100);
	for (i = 0; i < 6; i++)
		add("silent", i / 2);
	event_base_dispatch(base);
	assert_int_equal(seen.total, 6);
	assert_int_equal(seen.done[STARTTLS_TIMEOUT], 6);
	close_sweep();
}

/* What is queued or runs is found until it is done. */
static void
the_same_is_found(void **state)
{
	const struct sweep_limits limits = {.parallel = 1};
	const struct sockaddr *sa = (struct sockaddr *)&fake.at[0].sa;
	socklen_t len = sizeof(fake.at[0].sa);

	(void)state;
	open_sweep(&limits, PATIENT_MS);
	assert_null(sweep_find(seen.sweep, seen.ctx, sa, len, "a"));
	sweep_add(seen.sweep, seen.ctx, sa, len, "a", on_result, &seen);
	sweep_add(seen.sweep, seen.ctx, sa, len, NULL, on_result, &fake);
	assert_ptr_equal(sweep_find(seen.sweep, seen.ctx, sa, len, "a"), &seen);
	assert_ptr_equal(
	    sweep_find(seen.sweep, seen.ctx, sa, len, NULL), &fake);
	assert_null(sweep_find(seen.sweep, seen.ctx, sa, len, "b"));
	assert_null(sweep_find(seen.sweep, NULL, sa, len, "a"));
	event_base_dispatch(base);
	assert_null(sweep_find(seen.sweep, seen.ctx, sa, len, "a"));
	close_sweep();
}

static double
run_timed(const struct sweep_limits *limits, size_t jobs)
{
	struct timespec a, b;
	size_t i;

	clock_gettime(CLOCK_MONOTONIC, &a);
	open_sweep(limits, PATIENT_MS);
	for (i = 0; i < jobs; i++)
		add("nostarttls", 0);
	event_base_dispatch(base);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(seen.total, jobs);
	close_sweep();
	return (double)(b.tv_sec - a.tv_sec) +
	       (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

/* Never faster than asked for; how much slower is the machine's affair. */
static void
starts_are_paced(void **state)
{
	struct sweep_limits limits = {.parallel = 50, .per_second = 50};

	(void)state;
	assert_true(run_timed(&limits, 26) >= 25 * 0.02 - 0.001);
	limits.burst = 11;
	assert_true(run_timed(&limits, 26) >= 15 * 0.02 - 0.001);
}

static void
jitter_only(void **state)
{
	const struct sweep_limits limits = {.parallel = 5, .jitter_ms = 3};

	(void)state;
	(void)run_timed(&limits, 20);
}

static void
freed_in_the_middle(void **state)
{
	static const struct timeval soon = {0, 100000};
	const struct sweep_limits limits = {.parallel = 4};
	size_t i, fds = count_fds();

	(void)state;
	open_sweep(&limits, PATIENT_MS);
	for (i = 0; i < 24; i++)
		add("silent", i % 8);
	event_base_loopexit(base, &soon);
	event_base_dispatch(base);
	assert_int_equal(sweep_running(seen.sweep), 4);
	assert_int_equal(seen.total, 0);
	close_sweep();
	assert_int_equal(count_fds(), fds);
	sweep_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(all_are_done),
	    cmocka_unit_test(one_address_is_not_crowded),
	    cmocka_unit_test(silent_servers_do_not_delay),
	    cmocka_unit_test(a_long_queue_delays_only_itself),
	    cmocka_unit_test(silent_servers_end),
	    cmocka_unit_test(the_same_is_found),
	    cmocka_unit_test(starts_are_paced),
	    cmocka_unit_test(jitter_only),
	    cmocka_unit_test(freed_in_the_middle),
	};

	return cmocka_run_group_tests(all, start_servers, stop_servers) != 0;
}
