/* t_smtpreply.c: replies as Postfix reads them, whole and in pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "mem.h"
#include "smtpreply.h"

static const struct test {
	const char *name;
	const char *in;
	enum smtpreply_status want;
	int code;
	unsigned lines;
	const char *last;
	size_t left; /* bytes behind the reply */
	bool starttls, requiretls;
} tests[] = {
    {.name = "one line",
	.in = "220 mx.example ESMTP\r\n",
	.want = SMTPREPLY_DONE,
	.code = 220,
	.lines = 1,
	.last = "mx.example ESMTP"},
    {.name = "code alone",
	.in = "250\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 1},
    {.name = "nothing yet", .in = "", .want = SMTPREPLY_MORE},
    {.name = "no line end yet", .in = "220 mx", .want = SMTPREPLY_MORE},
    {.name = "continued",
	.in = "250-mx.example\r\n250-STARTTLS\r\n250 HELP\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 3,
	.last = "HELP",
	.starttls = true},
    {.name = "continuation missing",
	.in = "250-mx.example\r\n250-STARTTLS\r\n",
	.want = SMTPREPLY_MORE,
	.code = 250,
	.lines = 2,
	.last = "STARTTLS",
	.starttls = true},
    {.name = "bytes behind",
	.in = "220 go ahead\r\n250 injected\r\n",
	.want = SMTPREPLY_DONE,
	.code = 220,
	.lines = 1,
	.last = "go ahead",
	.left = 14},
    {.name = "bare LF",
	.in = "250-mx\n250 STARTTLS\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 2,
	.last = "STARTTLS",
	.starttls = true},
    {.name = "CRs before the LF",
	.in = "220 mx\r\r\r\n",
	.want = SMTPREPLY_DONE,
	.code = 220,
	.lines = 1,
	.last = "mx"},
    {.name = "noise before, last code wins",
	.in = "hello\r\n220-a\r\n\r\n554 b\r\n",
	.want = SMTPREPLY_DONE,
	.code = 554,
	.lines = 4,
	.last = "b"},
    {.name = "four digits are no code",
	.in = "2200 mx\r\n220 mx\r\n",
	.want = SMTPREPLY_DONE,
	.code = 220,
	.lines = 2,
	.last = "mx"},
    {.name = "code run into text",
	.in = "220mx\r\n220 b\r\n",
	.want = SMTPREPLY_DONE,
	.code = 220,
	.lines = 2,
	.last = "b"},
    {.name = "control characters and broken UTF-8 are shown as ?",
	.in = "220 a\033[2Jb\tc\xff"
	      "d\xc2\x9b"
	      "e\xc3\xa9\r\n",
	.want = SMTPREPLY_DONE,
	.code = 220,
	.lines = 1,
	.last = "a?[2Jb?c?d?e\xc3\xa9"},
    {.name = "first line is the server's name, not a keyword",
	.in = "250-STARTTLS\r\n250 HELP\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 2,
	.last = "HELP"},
    {.name = "keyword with parameters, in any case",
	.in = "250-mx\r\n250 StartTLS=required x\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 2,
	.last = "StartTLS=required x",
	.starttls = true},
    {.name = "REQUIRETLS, in any case",
	.in = "250-mx\r\n250-REQUIRETLSX\r\n250 RequireTLS\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 3,
	.last = "RequireTLS",
	.requiretls = true},
    {.name = "REQUIRETLS elsewhere",
	.in = "250-REQUIRETLS\r\n250-XREQUIRETLS\r\n250-REQUIRETLSX\r\n"
	      "250 A REQUIRETLS\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 4,
	.last = "A REQUIRETLS"},
    {.name = "keyword after more blanks",
	.in = "250-mx\r\n250   STARTTLS\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 2,
	.last = "  STARTTLS",
	.starttls = true},
    {.name = "longer, shorter, elsewhere, tab behind: no keyword",
	.in = "250-mx\r\n250-STARTTLSX\r\n250-XSTARTTLS\r\n250-START\r\n"
	      "250-AUTH STARTTLS\r\n250-STARTTLS-A\r\n250--STARTTLS\r\n"
	      "250 STARTTLS\tx\r\n",
	.want = SMTPREPLY_DONE,
	.code = 250,
	.lines = 8,
	.last = "STARTTLS?x"},
};

static void
check(const struct test *t, const struct smtpreply *r,
    enum smtpreply_status got, size_t left)
{
	if (got != t->want || r->code != t->code || r->lines != t->lines ||
	    strcmp(r->last, t->last == NULL ? "" : t->last) != 0 ||
	    left != t->left || r->starttls != t->starttls ||
	    r->requiretls != t->requiretls)
		fail_msg("%s: status %d code %d lines %u last '%s' left %zu"
			 " starttls %d requiretls %d",
		    t->name, got, r->code, r->lines, r->last, left, r->starttls,
		    r->requiretls);
}

/* Each case as one piece, and cut in two at every place. */
static void
replies(void **state)
{
	const struct test *t;
	struct smtpreply *r = mem_zero(1, sizeof(*r));
	enum smtpreply_status st;
	size_t i, len, cut, used, more;

	(void)state;
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		t = &tests[i];
		len = strlen(t->in);
		for (cut = 0; cut <= len; cut++) {
			*r = (struct smtpreply){0};
			(void)smtpreply_feed(r, t->in, cut, &used);
			st = smtpreply_feed(r, t->in + used, len - used, &more);
			check(t, r, st, len - used - more);
		}
	}
	free(r);
}

static void
a_nul_hides_the_rest(void **state)
{
	static const char in[] = "250-mx\r\n250 STARTTLS\0x\r\n";
	struct smtpreply *r = mem_zero(1, sizeof(*r));
	size_t used;

	(void)state;
	assert_int_equal(
	    smtpreply_feed(r, in, sizeof(in) - 1, &used), SMTPREPLY_DONE);
	assert_int_equal(used, sizeof(in) - 1);
	assert_string_equal(r->last, "STARTTLS");
	assert_true(r->starttls);
	free(r);
}

static enum smtpreply_status
feed_many(struct smtpreply *r, const char *s, size_t times)
{
	enum smtpreply_status st = SMTPREPLY_MORE;
	size_t used;

	while (times-- > 0)
		st = smtpreply_feed(r, s, strlen(s), &used);
	return st;
}

static void
endless_lines_end(void **state)
{
	struct smtpreply *r = mem_zero(1, sizeof(*r));

	(void)state;
	assert_int_equal(
	    feed_many(r, "220-x\r\n", SMTPREPLY_MAX_LINES - 1), SMTPREPLY_MORE);
	assert_int_equal(feed_many(r, "220-x\r\n", 1), SMTPREPLY_TOO_MUCH);
	assert_int_equal(feed_many(r, "220 x\r\n", 1), SMTPREPLY_TOO_MUCH);
	assert_int_equal(r->lines, SMTPREPLY_MAX_LINES);
	free(r);
}

static void
last_line_allowed(void **state)
{
	struct smtpreply *r = mem_zero(1, sizeof(*r));

	(void)state;
	(void)feed_many(r, "220-x\r\n", SMTPREPLY_MAX_LINES - 1);
	assert_int_equal(feed_many(r, "220 x\r\n", 1), SMTPREPLY_DONE);
	free(r);
}

static void
an_endless_line_ends(void **state)
{
	struct smtpreply *r = mem_zero(1, sizeof(*r));

	(void)state;
	assert_int_equal(
	    feed_many(r, "aaaaaaaa", SMTPREPLY_MAX_BYTES / 8), SMTPREPLY_MORE);
	assert_int_equal(feed_many(r, "a", 1), SMTPREPLY_TOO_MUCH);
	free(r);
}

/* The excess of a long line is skipped, and the reply goes on. */
static void
a_long_line_is_cut(void **state)
{
	struct smtpreply *r = mem_zero(1, sizeof(*r));

	(void)state;
	(void)feed_many(r, "220 ", 1);
	(void)feed_many(r, "x", SMTPREPLY_MAX_LINE - 4);
	(void)feed_many(r, "y", 1);
	assert_int_equal(feed_many(r, "\r\n", 1), SMTPREPLY_DONE);
	assert_int_equal(r->code, 220);
	assert_int_equal(strlen(r->last), SMTPREPLY_TEXT_MAX - 1);
	free(r);
}

/* Postfix keeps 2048 bytes of a reply; a keyword behind them is unseen. */
static void
late_keyword_is_unseen(void **state)
{
	struct smtpreply *r = mem_zero(1, sizeof(*r));
	char line[128];

	(void)state;
	(void)snprintf(line, sizeof(line), "250-%.*s\r\n", 96,
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	(void)feed_many(r, line, 20); /* 20 * 100 + 19 */
	(void)feed_many(r, "250-STARTTLS\r\n", 1);
	assert_true(r->starttls);
	*r = (struct smtpreply){0};
	(void)feed_many(r, line, 21);
	(void)feed_many(r, "250-STARTTLS\r\n", 1);
	assert_false(r->starttls);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(replies),
	    cmocka_unit_test(a_nul_hides_the_rest),
	    cmocka_unit_test(endless_lines_end),
	    cmocka_unit_test(last_line_allowed),
	    cmocka_unit_test(an_endless_line_ends),
	    cmocka_unit_test(a_long_line_is_cut),
	    cmocka_unit_test(late_keyword_is_unseen),
	};

	return cmocka_run_group_tests(all, NULL, NULL) != 0;
}
