/* Children of an event loop: input, output, patience, and their end. */
#include "check.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "program.h"
#include "err.h"
#include "mailout.h"
#include "mem.h"

static struct event_base *base;
static struct children *all;
static struct child_end last;
static char out[64], complaint[64], why[256];
static int ends;

static void
on_end(const struct child_end *end, void *arg)
{
	(void)arg;
	last = *end;
	(void)snprintf(out, sizeof(out), "%s", end->out);
	(void)snprintf(complaint, sizeof(complaint), "%s", end->err);
	ends++;
	if (children_count(all) == 0)
		(void)event_base_loopbreak(base);
}

static int
begin(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	all = children_new(base);
	ends = 0;
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	children_free(all);
	event_base_free(base);
	libevent_global_shutdown();
	return 0;
}

static void
run(const char *command, const char *input, size_t inlen, int seconds)
{
	const char *argv[] = {"sh", "-c", command, NULL};
	struct child_work w = {.argv = argv,
	    .input = input,
	    .inlen = inlen,
	    .out_max = 8,
	    .seconds = seconds,
	    .fn = on_end};
	struct err e;

	if (children_run(all, &w, &e) == -1)
		fail_msg("%s: %s", command, e.text);
	(void)event_base_dispatch(base);
}

static void
test_ends(void **state)
{
	static const struct {
		const char *name, *command, *out, *err, *why;
		bool cut;
	} rows[] = {
	    {"well", "echo hi", "hi\n", "", NULL, false},
	    {"no input", "cat", "", "", NULL, false},
	    {"too much", "echo 0123456789", "01234567", "", NULL, true},
	    {"fails", "echo a >&2; echo b >&2; exit 3", "", "a\nb\n",
		"x failed with status 3: \"b\"", false},
	    {"silent", "exit 1", "", "",
		"x failed with status 1: it does not say why", false},
	    {"just as much", "printf 01234567", "01234567", "", NULL, false},
	    {"one more", "printf 012345678", "01234567", "", NULL, true},
	    {"killed", "kill -TERM $$", "", "", "x died by signal 15", false},
	};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		run(rows[i].command, NULL, 0, 20);
		check_str(rows[i].name, out, rows[i].out);
		check_str(rows[i].name, complaint, rows[i].err);
		check_int(rows[i].name, last.cut, rows[i].cut);
		last.out = out;
		last.err = complaint;
		e.text[0] = '\0';
		check_int(rows[i].name, child_well(&last, "x", &e),
		    rows[i].why == NULL);
		if (rows[i].why != NULL)
			check_str(rows[i].name, e.text, rows[i].why);
	}
	check_int("each once", ends, COUNT(rows));
}

/* A child of the program's own goes on, with the pipe. */
static void
test_goes_on(void **state)
{
	int pid;

	(void)state;
	run("sleep 60 & echo $!", NULL, 0, 20);
	pid = atoi(out);
	assert_true(pid > 1);
	check_int("it was waited for", kill(pid, SIGKILL), 0);
	check_true("not late", !last.late);
	check_int("well", last.status, 0);
}

static void
test_input(void **state)
{
	size_t n = 1000000;
	char *big = mem_zero(1, n);

	(void)state;
	memset(big, 'x', n);
	run("wc -c", big, n, 20);
	check_str("all of it", out, "1000000\n");
	run("exit 0", big, n, 20);
	check_int("not read", last.status, 0);
	run("cat", "", 0, 20);
	check_str("nothing", out, "");
	free(big);
}

static void
test_late(void **state)
{
	struct err e;

	(void)state;
	run("exec yes", NULL, 0, 1);
	check_true("late, though it never falls silent", last.late);
	run("exec sleep 30", NULL, 0, 1);
	check_true("late", last.late);
	last.err = "";
	check_true("not well", !child_well(&last, "x", &e));
	check_str("why", e.text, "x took too long");
}

static void
test_missing(void **state)
{
	const char *argv[] = {"/nowhere/program", NULL};
	struct child_work w = {.argv = argv, .seconds = 1, .fn = on_end};
	const char *preload = getenv("LD_PRELOAD");
	struct err e;

	(void)state;
	/* Under valgrind posix_spawn(3) succeeds, and the child exits 127. */
	if (preload != NULL && strstr(preload, "vgpreload") != NULL)
		skip();
	check_int("not there", children_run(all, &w, &e), -1);
	check_has("why", e.text, "/nowhere/program");
	check_int("nothing runs", (long)children_count(all), 0);
}

/* Those that still run at the end are ended, and what they own is freed. */
static void
test_unfinished(void **state)
{
	const char *argv[] = {"sleep", "30", NULL};
	struct child_work w = {.argv = argv,
	    .seconds = 60,
	    .fn = on_end,
	    .arg = mem_dup("mine"),
	    .own = true};
	struct err e;

	(void)state;
	check_int("starts", children_run(all, &w, &e), 0);
	check_int("runs", (long)children_count(all), 1);
}

static void
on_sent(const char *reason, void *arg)
{
	(void)arg;
	(void)snprintf(why, sizeof(why), "%s", reason == NULL ? "" : reason);
	(void)event_base_loopbreak(base);
}

static void
test_mailout(void **state)
{
	static const char *const to[] = {"a@b.example", "-x@b.example"};
	char *dir = check_folder(), *path = check_path(dir, "sendmail");
	char *got = check_path(dir, "got"), *script;
	char text[256] = "";
	struct err e;
	FILE *f;

	(void)state;
	script = mem_printf("#!/bin/sh\n(echo \"$@\"; cat) >%s\n", got);
	check_puts(path, script);
	(void)chmod(path, 0755);
	check_int("starts",
	    mailout_send(all,
		&(struct mailout){
		    .sendmail = path, .config = "/etc/x", .to = to, .nto = 2},
		"Subject: x\n\nhi\n", on_sent, NULL, &e),
	    0);
	(void)event_base_dispatch(base);
	check_str("well", why, "");
	f = fopen(got, "r");
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	check_str("arguments and message", text,
	    "-C /etc/x -i -f <> -- a@b.example -x@b.example\n"
	    "Subject: x\n\nhi\n");
	check_int("a command",
	    mailout_send(all, &(struct mailout){.command = "grep -q '\"a\":1'"},
		"{\"a\":1}", on_sent, NULL, &e),
	    0);
	(void)event_base_dispatch(base);
	check_str("it got its line", why, "");
	check_int("one that fails",
	    mailout_send(all,
		&(struct mailout){.command = "echo no >&2; exit 1"}, "{}",
		on_sent, NULL, &e),
	    0);
	(void)event_base_dispatch(base);
	check_has("why", why, "notify_command failed with status 1: \"no\"");
	free(script);
	free(got);
	free(path);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_ends, begin, finish),
	    cmocka_unit_test_setup_teardown(test_goes_on, begin, finish),
	    cmocka_unit_test_setup_teardown(test_input, begin, finish),
	    cmocka_unit_test_setup_teardown(test_late, begin, finish),
	    cmocka_unit_test_setup_teardown(test_missing, begin, finish),
	    cmocka_unit_test_setup_teardown(test_unfinished, begin, finish),
	    cmocka_unit_test_setup_teardown(test_mailout, begin, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
