/* t_warden_flush.c: the mail of a partner that may go is tried again. */
#include "wardenlab.h"

#include <event2/event.h>
#include <sys/stat.h>

#include "program.h"
#include "warden_run.h"

/* postqueue(1) as Postfix has it, which tells what it was called with. */
static const char postqueue[] = "#!/bin/sh\n"
				"echo \"$*\" >>\"${0%/*}/asked\"\n"
				"test \"$1\" != -j || cat \"${0%/*}/queue\"\n";
static const char queue[] =
    "{\"queue_name\": \"deferred\", \"queue_id\": \"A1\", \"recipients\": "
    "[{\"address\": \"joe@acme.example\"}]}\n"
    "{\"queue_name\": \"deferred\", \"queue_id\": \"B2\", \"recipients\": "
    "[{\"address\": \"joe@globex.example\"}]}\n"
    "{\"queue_name\": \"deferred\", \"queue_id\": \"A3\", \"recipients\": "
    "[{\"address\": \"jane@acme.example\"}]}\n";

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct warden_flushes *f = arg;

	(void)fd;
	(void)what;
	if (f->first == NULL)
		(void)event_base_loopbreak(f->base);
}

/* All of theirs, and once more for what was on its way just then. */
static void
test_twice(void **state)
{
	const struct timeval look = {.tv_usec = 20000}, late = {.tv_sec = 60};
	char *bin = check_path(dir, "bin"), *program, *asked_of, text[256];
	char *old = mem_dup(getenv("PATH"));
	struct warden_flushes f = {.set = &set};
	struct event *ev;
	FILE *in;
	size_t n;

	(void)state;
	start(T0);
	assert_int_equal(mkdir(bin, 0700), 0);
	program = check_path(bin, "postqueue");
	check_puts(program, postqueue);
	assert_int_equal(chmod(program, 0700), 0);
	free(program);
	program = check_path(bin, "queue");
	check_puts(program, queue);
	free(program);
	program = mem_printf("%s:%s", bin, old);
	assert_int_equal(setenv("PATH", program, 1), 0);
	free(program);
	f.base = event_base_new();
	f.children = children_new(f.base);
	f.warden = k;
	ev = event_new(f.base, -1, EV_PERSIST, on_look, &f);
	(void)event_add(ev, &look);
	(void)event_base_loopexit(f.base, &late);
	warden_flush(&f, "acme");
	(void)event_base_dispatch(f.base);
	check_true("it ends", f.first == NULL);
	asked_of = check_path(bin, "asked");
	in = fopen(asked_of, "r");
	assert_non_null(in);
	n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	(void)fclose(in);
	check_str("asked", text, "-j\n-i A1\n-i A3\n-j\n-i A1\n-i A3\n");
	warden_flushes_end(&f);
	event_free(ev);
	children_free(f.children);
	event_base_free(f.base);
	(void)setenv("PATH", old, 1);
	free(asked_of);
	free(old);
	check_folder_end(bin);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WARDEN_TEST(test_twice),
	};

	return cmocka_run_group_tests_name("flush", tests, NULL, NULL);
}
