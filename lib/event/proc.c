#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "quote.h"

#define STDERR_KEEP 4096 /* bytes kept of what it complains */

extern char **environ;

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Find name in PATH and where Debian keeps what a user's PATH lacks. */
static char *
find_program(const char *name)
{
	const char *env = getenv("PATH");
	char *dirs, *dir, *save = NULL, *path = NULL;

	if (strchr(name, '/') != NULL)
		return mem_dup(name);
	dirs = mem_printf("%s:/usr/sbin:/sbin", env == NULL ? "/usr/bin" : env);
	for (dir = strtok_r(dirs, ":", &save); dir != NULL;
	     dir = strtok_r(NULL, ":", &save)) {
		path = mem_printf("%s/%s", dir, name);
		if (access(path, X_OK) == 0)
			break;
		free(path);
		path = NULL;
	}
	free(dirs);
	return path;
}

static pid_t
start(const char *path, const char *const argv[], int out, int errfd)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t dflt;
	pid_t pid = -1;
	int rc;

	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	sigemptyset(&dflt);
	sigaddset(&dflt, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &dflt);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, errfd, 2);
	rc = posix_spawn(
	    &pid, path, &fa, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	if (rc != 0) {
		errno = rc;
		return -1;
	}
	return pid;
}

/* Read both pipes to their ends. False on timeout or too much. */
static bool
drain(int out, int errfd, size_t max, long deadline, struct buf *b,
    struct buf *complaint)
{
	struct pollfd p[2] = {
	    {.fd = out, .events = POLLIN}, {.fd = errfd, .events = POLLIN}};
	char chunk[4096];
	ssize_t n;
	long left;
	int i;

	while (p[0].fd != -1 || p[1].fd != -1) {
		left = deadline - now_ms();
		if (left <= 0)
			return false;
		if (poll(p, 2, (int)left) == -1 && errno != EINTR)
			return false;
		for (i = 0; i < 2; i++) {
			if (p[i].fd == -1 || p[i].revents == 0)
				continue;
			n = read(p[i].fd, chunk, sizeof(chunk));
			if (n <= 0)
				p[i].fd = -1;
			else if (i == 0)
				buf_add(b, chunk, (size_t)n);
			else if (complaint->len < STDERR_KEEP)
				buf_add(complaint, chunk, (size_t)n);
			if (b->len > max)
				return false;
		}
	}
	return true;
}

/* The last line of text, without its line end. */
static char *
last_line(struct buf *b)
{
	char *s;

	while (b->len > 0 && b->data[b->len - 1] == '\n')
		b->data[--b->len] = '\0';
	s = b->len == 0 ? NULL : strrchr(b->data, '\n');
	return b->len == 0 ? NULL : s == NULL ? b->data : s + 1;
}

static int
finish(pid_t pid, const char *name, bool whole, struct buf *complaint,
    struct err *e)
{
	int status = 0;
	char *line;

	if (!whole)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!whole)
		return err_set(e, EX_UNAVAILABLE,
		    "%s took too long or said too much", name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	line = last_line(complaint);
	return err_set(e, EX_UNAVAILABLE, "%s failed: %s", name,
	    line == NULL ? "it does not say why" : quotes(line).s);
}

char *
proc_read(const char *const argv[], size_t max, int timeout_ms, struct err *e)
{
	int out[2] = {-1, -1}, errs[2] = {-1, -1};
	struct buf b = {0}, complaint = {0};
	char *path = find_program(argv[0]);
	pid_t pid = -1;
	int rv = -1, i;
	bool whole;

	if (path == NULL) {
		err_set(e, EX_UNAVAILABLE, "%s is not installed", argv[0]);
		goto out;
	}
	if (pipe2(out, O_CLOEXEC) == -1 || pipe2(errs, O_CLOEXEC) == -1 ||
	    (pid = start(path, argv, out[1], errs[1])) == -1) {
		err_sys(e, EX_UNAVAILABLE, "cannot run %s", path);
		goto out;
	}
	close(out[1]);
	close(errs[1]);
	out[1] = errs[1] = -1;
	whole =
	    drain(out[0], errs[0], max, now_ms() + timeout_ms, &b, &complaint);
	rv = finish(pid, argv[0], whole, &complaint, e);
out:
	for (i = 0; i < 2; i++) {
		if (out[i] != -1)
			close(out[i]);
		if (errs[i] != -1)
			close(errs[i]);
	}
	buf_free(&complaint);
	free(path);
	if (rv == 0)
		return buf_take(&b);
	buf_free(&b);
	return NULL;
}
