/*
 * t_logcuts.c: real lines, cut and spliced anywhere, each in memory of just its
 * size: what is told of them must fit the evidence, and lie in the line.
 */
#include "check.h"

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "logjoin.h"
#include "logpartner.h"
#include "logprefix.h"
#include "logtold.h"
#include "registry.h"

#define ROUNDS 100 /* over all logs */
#define LINES_MAX 4096
#define NOW 1795435200

static char *line[LINES_MAX];
static size_t nlines;
static volatile size_t sink;
static uint64_t told;

static void
read_lines(void)
{
	static const char *const log[] = {"faults-3.10", "faults-3.11",
	    "faults-3.5", "faults-3.7", "postfix-2.11", "postfix-2.3",
	    "postfix-3.11", "postfix-3.7", "shapes"};
	char path[64], *text = NULL;
	size_t size = 0, i;
	ssize_t n;
	FILE *f;

	for (i = 0; i < COUNT(log); i++) {
		(void)snprintf(
		    path, sizeof(path), "tests/golden/%s.log", log[i]);
		f = fopen(path, "r");
		assert_non_null(f);
		while ((n = getline(&text, &size, f)) > 0 && nlines < LINES_MAX)
			line[nlines++] = strndup(text, (size_t)n - 1);
		(void)fclose(f);
	}
	free(text);
	assert_true(nlines > 500);
}

static void
take(const struct attempt *a, void *arg)
{
	told++;
	sink += logtold_check(a, arg);
}

/* A line as it may come after a full disk, a lost packet, or two writers. */
static void
damage(struct buf *b)
{
	const char *first = line[(size_t)random() % nlines], *second;
	size_t n = strlen(first), at = (size_t)random() % (n + 1), to;

	buf_clear(b);
	switch (random() % 6) {
	case 0: /* whole */
		buf_puts(b, first);
		break;
	case 1: /* its beginning, and perhaps the end of another */
		buf_add(b, first, at);
		second = line[(size_t)random() % nlines];
		buf_puts(b, second + (size_t)random() % (strlen(second) + 1));
		break;
	case 2: /* without its middle */
		to = at + (size_t)random() % (n - at + 1);
		buf_add(b, first, at);
		buf_puts(b, first + to);
		break;
	case 3: /* its end */
		buf_puts(b, first + at);
		break;
	case 4: /* with another byte */
		buf_puts(b, first);
		if (at < n)
			b->data[at] = (char)random();
		break;
	default: /* a part of one, as a container's */
		buf_printf(b, "2026-11-03T11:50:36Z std%s %c ",
		    random() % 2 == 0 ? "out" : "err",
		    random() % 2 == 0 ? 'P' : 'F');
		buf_add(b, first, at);
	}
}

static void
t_cuts(void **state)
{
	struct logprefix_reader reader = {.next = 0};
	struct logjoin_stats stats = {0};
	static const char text[] =
	    "partner acme mode=enforced domain=acme.example,.acme.example "
	    "gateway=mx1.acme.example contact=p@acme.example\n"
	    "partner routed mode=opportunistic domain=[192.0.2.1]:2525\n";
	struct diags d = {0};
	struct registry *r =
	    registry_parse("r", text, sizeof(text) - 1, NOW, &d);
	struct err e;
	struct logpartner *who = logpartner_new(r, "/none", "", &e);
	struct logjoin own = {.told = {take, who, &stats}}, *j = &own;
	struct buf damaged = {0};
	struct logprefix p;
	struct span s;
	char *exact;
	size_t i;

	(void)state;
	read_lines();
	srandom(11);
	for (i = 0; i < ROUNDS * nlines; i++) {
		damage(&damaged);
		exact = malloc(damaged.len + (damaged.len == 0));
		assert_non_null(exact);
		memcpy(exact, damaged.data == NULL ? "" : damaged.data,
		    damaged.len);
		s = (struct span){exact, damaged.len};
		if (logprefix_take(&reader, &s, &p) >= LOGPREFIX_OTHER)
			(void)logjoin_line(j, &p, NOW);
		free(exact);
	}
	logjoin_end(j, true);
	assert_true(told > 500);
	logpartner_free(who);
	registry_free(r);
	diag_free(&d);
	logprefix_release(&reader);
	buf_free(&damaged);
	while (nlines > 0)
		free(line[--nlines]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_cuts),
	};

	return cmocka_run_group_tests_name("logcuts", tests, NULL, NULL);
}
