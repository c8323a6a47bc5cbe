#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include "process.h"
#include "buf.h"
#include "err.h"
#include "fdio.h"

/* What one is to do, and with what it is to end. */
static int
obey(int fd, void *arg)
{
	const int *what = arg;

	(void)fd;
	if (*what < 0)
		(void)raise(-*what);
	while (*what == 1000)
		(void)pause();
	return *what;
}

static const struct {
	const char *name;
	int what;
	bool now;
	int code;
	const char *want;
} ends[] = {
    {"well", 0, false, 0, ""},
    {"a status", 65, false, 65, "it failed with status 65"},
    {"a signal", -SIGKILL, false, EX_UNAVAILABLE, "it died by signal 9"},
    /* Those of a terminal are for us. */
    {"ignored", -SIGINT, false, 256 - SIGINT, "status 254"},
    {"killed", 1000, true, 0, ""},
};

static void
t_end(void **state)
{
	struct apart a;
	struct err e = {0};
	size_t i;
	int what, rv;

	(void)state;
	for (i = 0; i < COUNT(ends); i++) {
		what = ends[i].what;
		e.text[0] = '\0';
		assert_int_equal(apart_start(&a, "", obey, &what, &e), 0);
		rv = apart_end(&a, ends[i].now, "it", &e);
		check_int(ends[i].name, rv == 0 ? 0 : e.code, ends[i].code);
		check_has(ends[i].name, e.text, ends[i].want);
		assert_int_equal(apart_end(&a, true, "it", &e), 0);
	}
}

/* What it has open, as digits. */
static int
list(int fd, void *arg)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *f;
	struct rlimit most;

	(void)arg;
	/* valgrind has some of its own, above what is ours. */
	(void)getrlimit(RLIMIT_NOFILE, &most);
	while ((f = readdir(d)) != NULL)
		if (f->d_name[0] != '.' && atoi(f->d_name) != dirfd(d) &&
		    (rlim_t)atoi(f->d_name) < most.rlim_cur)
			(void)fdio_write(fd, f->d_name, strlen(f->d_name));
	(void)closedir(d);
	(void)printf("lost\n");
	return fflush(stdout);
}

static void
t_files(void **state)
{
	int ours = open("/etc/passwd", O_RDONLY), more = dup(ours);
	struct apart a;
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	assert_true(more > 3);
	assert_int_equal(apart_start(&a, "", list, NULL, &e), 0);
	assert_true(fdio_read(a.fd, 100, &b));
	assert_string_equal(b.data, "0123");
	assert_int_equal(apart_end(&a, false, "it", &e), 0);
	buf_free(&b);
	close(ours);
	close(more);
}

static void
on_child(int sig)
{
	(void)sig;
}

static int
tell_handler(int fd, void *arg)
{
	(void)fd;
	(void)arg;
	return signal(SIGCHLD, SIG_DFL) == SIG_DFL ? 0 : 1;
}

/* A handler of ours, libevent's, would write into what it has opened. */
static void
t_handler(void **state)
{
	struct apart a;
	struct err e = {0};

	(void)state;
	(void)signal(SIGCHLD, on_child);
	assert_int_equal(apart_start(&a, "", tell_handler, NULL, &e), 0);
	assert_int_equal(apart_end(&a, false, "it", &e), 0);
	(void)signal(SIGCHLD, SIG_DFL);
}

static int
tell_user(int fd, void *arg)
{
	char text[32];

	(void)arg;
	(void)snprintf(text, sizeof(text), "%d %d %d %d", (int)getuid(),
	    (int)geteuid(), (int)getegid(), setuid(0));
	return fdio_write(fd, text, strlen(text)) ? 0 : 1;
}

static void
t_user(void **state)
{
	struct apart a;
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(apart_start(&a, "nobody", tell_user, NULL, &e), 0);
	assert_true(fdio_read(a.fd, 100, &b));
	assert_string_equal(b.data, "65534 65534 65534 -1");
	assert_int_equal(apart_end(&a, false, "it", &e), 0);
	buf_free(&b);
	assert_int_equal(
	    apart_start(&a, "no-such-user", tell_user, NULL, &e), -1);
	assert_int_equal(e.code, EX_CONFIG);
}

/* One that another user cannot end holds nobody up. */
static void
t_stubborn(void **state)
{
	struct apart a;
	struct err e = {0};
	time_t begin = time(NULL);
	int what = 1000, status, pair[2];
	pid_t pid, stubborn = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(pair), 0);
	if ((pid = fork()) == 0) {
		if (apart_start(&a, "nobody", obey, &what, &e) == -1 ||
		    setuid(65533) == -1 ||
		    write(pair[1], &a.pid, sizeof(a.pid)) != sizeof(a.pid))
			_exit(1);
		_exit(apart_end(&a, true, "it", &e) == -1 &&
			      strcmp(e.text, "it does not end") == 0
			  ? 0
			  : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(
	    read(pair[0], &stubborn, sizeof(stubborn)), sizeof(stubborn));
	(void)kill(stubborn, SIGKILL);
	close(pair[0]);
	close(pair[1]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(time(NULL) - begin < 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_end),
	    cmocka_unit_test(t_files),
	    cmocka_unit_test(t_handler),
	    cmocka_unit_test(t_user),
	    cmocka_unit_test(t_stubborn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
