#include "check.h"

#include <signal.h>
#include <sysexits.h>

#include "err.h"
#include "program.h"

#define SH(script)                       \
	{                                \
		"sh", "-c", script, NULL \
	}

/* Runs under valgrind may be slow; only what must time out waits long. */
static const struct {
	const char *name;
	const char *argv[4];
	size_t max;
	int ms;
	const char *want; /* output; NULL: an error ... */
	const char *bad;  /* ... that says this */
} cases[] = {
    {"output", SH("echo a; echo b"), 100, 60000, "a\nb\n", NULL},
    {"no output", SH(":"), 100, 60000, "", NULL},
    {"no input", SH("cat; echo end"), 100, 60000, "end\n", NULL},
    {"complaints of one that ends well", SH("echo x >&2; echo a"), 100, 60000,
	"a\n", NULL},
    {"a path", {"/bin/echo", "hi", NULL}, 100, 60000, "hi\n", NULL},
    {"as much as may be", SH("printf 12345"), 5, 60000, "12345", NULL},
    {"too much", SH("printf 123456"), 5, 60000, NULL,
	"sh took too long or said too much"},
    {"without end", SH("exec yes"), 5, 60000, NULL,
	"sh took too long or said too much"},
    {"it fails", SH("echo one >&2; echo two >&2; exit 3"), 100, 60000, NULL,
	"sh failed: \"two\""},
    {"it fails and is silent", SH("exit 1"), 100, 60000, NULL,
	"sh failed: it does not say why"},
    {"it is killed", SH("kill -9 $$"), 100, 60000, NULL, "sh failed"},
    {"control characters are quoted", SH("printf 'a\\033b' >&2; exit 1"), 100,
	60000, NULL, "\"a\\x1bb\""},
    {"much complaint", SH("yes complaint | head -n 100000 >&2; exit 1"), 100,
	60000, NULL, "sh failed"},
    {"too slow", SH("exec sleep 60"), 100, 100, NULL,
	"sh took too long or said too much"},
    {"not installed", {"tlspact-no-such-program", NULL}, 100, 60000, NULL,
	"tlspact-no-such-program is not installed"},
    {"no such path", {"/nonexistent/x", NULL}, 100, 60000, NULL,
	"/nonexistent/x"}, /* valgrind's posix_spawn says less than errno */
};

static void
t_run(void **state)
{
	struct err e;
	char *got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		memset(&e, 0, sizeof(e));
		got =
		    program_read(cases[i].argv, cases[i].max, cases[i].ms, &e);
		check_str(cases[i].name, got, cases[i].want);
		if (cases[i].want == NULL) {
			check_has(cases[i].name, e.text, cases[i].bad);
			check_int(cases[i].name, e.code, EX_UNAVAILABLE);
		}
		free(got);
	}
}

/* More than a pipe holds, to one who reads it, and to one who does not. */
static void
t_ask(void **state)
{
	static const struct {
		const char *name, *argv[4];
		const char *want; /* NULL: an error */
	} rows[] = {
	    {"it reads", SH("wc -c"), "200000\n"},
	    {"it reads and writes", SH("tr x y | tail -c 3"), "yyy"},
	    {"it does not read", SH("echo a"), "a\n"},
	    {"it closes its input", SH("exec <&-; sleep 0.1; echo a"), "a\n"},
	    {"nothing is found", SH("grep y"), ""},
	    {"it fails without a word", SH("cat >/dev/null; exit 2"), NULL},
	    {"it fails with one", SH("echo no >&2; exit 1"), NULL},
	};
	const size_t n = 200000;
	char *input = malloc(n + 1), *got;
	struct err e;
	size_t i;

	(void)state;
	assert_non_null(input);
	memset(input, 'x', n);
	input[n] = '\0';
	for (i = 0; i < COUNT(rows); i++) {
		got = program_ask(rows[i].argv, input, 1000, 60000, &e);
		check_str(rows[i].name, got, rows[i].want);
		free(got);
	}
	free(input);
}

/* Without PATH, or with one that lacks sbin, programs are found there. */
static void
t_path(void **state)
{
	const char *argv[] = {"nologin", NULL}, *sh[] = SH("echo $PATH");
	char *keep = strdup(getenv("PATH")), *got;
	struct err e = {0};

	(void)state;
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	got = program_read(argv, 1000, 60000, &e);
	assert_null(got);
	/* It ran: nologin always fails, and says its piece on stdout. */
	check_has("nologin", e.text, "nologin failed");
	assert_int_equal(unsetenv("PATH"), 0);
	sh[0] = "/bin/sh";
	got = program_read(sh, 1000, 60000, &e);
	assert_non_null(got);
	free(got);
	assert_int_equal(setenv("PATH", keep, 1), 0);
	free(keep);
}

/* SIGPIPE is ignored by us and back to normal in what we run. */
static void
t_sigpipe(void **state)
{
	const char *argv[] = SH("trap '' USR1; kill -PIPE $$; echo still here");
	struct err e = {0};

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_null(program_read(argv, 100, 60000, &e));
	(void)signal(SIGPIPE, SIG_DFL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_run),
	    cmocka_unit_test(t_ask),
	    cmocka_unit_test(t_path),
	    cmocka_unit_test(t_sigpipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
