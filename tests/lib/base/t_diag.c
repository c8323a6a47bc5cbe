#include "check.h"

#include "diag.h"

struct given {
	enum diag_kind kind;
	const char *file;
	unsigned line;
};

/* What goes in, and the order by index in which it is to come out. */
static const struct {
	const char *name;
	struct given given[8];
	size_t n;
	size_t want[8];
} cases[] = {
    {"nothing", {{0}}, 0, {0}},
    {"one", {{DIAG_ERROR, "a", 1}}, 1, {0}},
    {"by line", {{DIAG_ERROR, "a", 3}, {DIAG_ERROR, "a", 1}}, 2, {1, 0}},
    {"lines as numbers", {{DIAG_ERROR, "a", 10}, {DIAG_ERROR, "a", 9}}, 2,
	{1, 0}},
    {"the file as a whole comes first",
	{{DIAG_ERROR, "a", 2}, {DIAG_ERROR, "a", 0}}, 2, {1, 0}},
    {"files in order of appearance, not of name",
	{{DIAG_ERROR, "b", 9}, {DIAG_ERROR, "a", 1}, {DIAG_ERROR, "b", 1}}, 3,
	{2, 0, 1}},
    {"one line: as they came",
	{{DIAG_ERROR, "a", 1}, {DIAG_WARNING, "a", 1}, {DIAG_ERROR, "a", 1}}, 3,
	{0, 1, 2}},
    {"warnings between errors",
	{{DIAG_ERROR, "a", 5}, {DIAG_WARNING, "a", 2}, {DIAG_ERROR, "a", 1}}, 3,
	{2, 1, 0}},
    {"no file", {{DIAG_ERROR, "a", 5}, {DIAG_ERROR, NULL, 0}}, 2, {0, 1}},
    {"interleaved",
	{{DIAG_ERROR, "x", 2}, {DIAG_ERROR, "y", 2}, {DIAG_ERROR, "x", 1},
	    {DIAG_ERROR, "y", 1}, {DIAG_ERROR, "z", 1}, {DIAG_ERROR, "x", 3}},
	6, {2, 0, 5, 3, 1, 4}},
};

static void
t_sort(void **state)
{
	/* Equal names at different places are one file. */
	char names[8][4], text[8];
	struct diags d;
	size_t i, j, errors;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		d = (struct diags){0};
		errors = 0;
		for (j = 0; j < cases[i].n; j++) {
			const struct given *g = &cases[i].given[j];
			const char *file = g->file;

			if (file != NULL) {
				(void)strcpy(names[j], file);
				file = names[j];
			}
			if (g->kind == DIAG_ERROR)
				diag_error(&d, file, g->line, "#%zu", j);
			else
				diag_warning(&d, file, g->line, "#%zu", j);
			errors += g->kind == DIAG_ERROR;
		}
		diag_sort(&d);
		check_int(cases[i].name, d.n, cases[i].n);
		check_int(cases[i].name, d.errors, errors);
		check_int(cases[i].name, d.warnings, cases[i].n - errors);
		for (j = 0; j < d.n; j++) {
			(void)snprintf(
			    text, sizeof(text), "#%zu", cases[i].want[j]);
			check_str(cases[i].name, d.v[j].text, text);
		}
		diag_free(&d);
		check_int(cases[i].name, d.n, 0);
	}
}

static void
t_many(void **state)
{
	struct diags d = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 20000; i++)
		diag_error(&d, i % 2 ? "odd" : "even", (unsigned)(20000 - i),
		    "%zu", i);
	diag_sort(&d);
	for (i = 1; i < d.n; i++)
		assert_true(i == 10000 || d.v[i - 1].line < d.v[i].line);
	assert_string_equal(d.v[0].file, "even");
	assert_string_equal(d.v[10000].file, "odd");
	diag_free(&d);
	diag_free(&d);
}

static void
t_move(void **state)
{
	struct diags d = {0}, more = {0};

	(void)state;
	diag_move(&d, &more);
	assert_int_equal(d.n, 0);
	diag_error(&more, "a", 1, "one");
	diag_warning(&more, "a", 2, "two");
	diag_move(&d, &more);
	assert_int_equal(more.n, 0);
	diag_move(&d, &more);
	diag_error(&more, "b", 3, "three");
	diag_move(&d, &more);
	assert_int_equal(d.n, 3);
	assert_int_equal(d.errors, 2);
	assert_int_equal(d.warnings, 1);
	assert_string_equal(d.v[0].text, "one");
	assert_string_equal(d.v[2].text, "three");
	assert_int_equal(more.errors + more.warnings, 0);
	diag_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_sort),
	    cmocka_unit_test(t_many),
	    cmocka_unit_test(t_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
