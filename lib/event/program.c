#include "program.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "clock.h"
#include "mem.h"
#include "quote.h"
#include "span.h"

#define ERR_MAX 8192 /* bytes kept of what it complains */

extern char **environ;

char *
program_beside(const char *name)
{
	char self[PATH_MAX], *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return mem_dup(name == NULL ? "/proc/self/exe" : name);
	self[n] = '\0';
	if (name == NULL)
		return mem_dup(self);
	path =
	    mem_printf("%.*s/%s", (int)(strrchr(self, '/') - self), self, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return mem_dup(name);
}

const char **
program_argv(
    char *program, const char *const *first, const char *const *options)
{
	const char *const *const lists[] = {first, options};
	size_t n = 1, cap = 0, i;
	const char **argv = mem_grow(NULL, 0, &cap, sizeof(*argv));
	const char *const *p;

	argv[0] = program;
	for (i = 0; i < 2; i++)
		for (p = lists[i]; p != NULL && *p != NULL; p++) {
			argv = mem_grow(argv, n, &cap, sizeof(*argv));
			argv[n++] = *p;
		}
	argv = mem_grow(argv, n, &cap, sizeof(*argv));
	argv[n] = NULL;
	return argv;
}

void
program_argv_free(const char **argv)
{
	if (argv != NULL)
		free((void *)(uintptr_t)argv[0]);
	free(argv);
}

/* In PATH, and where Debian keeps what a user's PATH lacks; or NULL. */
static char *
find(const char *name)
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

/* Its descriptor `theirs` is to be fd, or /dev/null if that is -1. */
static void
give(posix_spawn_file_actions_t *files, int fd, int theirs, int how)
{
	if (fd == -1)
		(void)posix_spawn_file_actions_addopen(
		    files, theirs, "/dev/null", how, 0);
	else
		(void)posix_spawn_file_actions_adddup2(files, fd, theirs);
}

pid_t
program_start(const char *const argv[], int in, int out, int err, struct err *e)
{
	char *path = find(argv[0]);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;

	if (path == NULL)
		return err_set(
		    e, EX_UNAVAILABLE, "%s is not installed", argv[0]);
	(void)posix_spawn_file_actions_init(&files);
	give(&files, in, STDIN_FILENO, O_RDONLY);
	give(&files, out, STDOUT_FILENO, O_WRONLY);
	if (err != -1)
		give(&files, err, STDERR_FILENO, O_WRONLY);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	(void)sigfillset(&set);
	(void)posix_spawnattr_setsigdefault(&attr, &set);
	(void)sigemptyset(&set);
	(void)posix_spawnattr_setsigmask(&attr, &set);
	/* argv is not changed: the interface is older than const. */
	errno = posix_spawn(
	    &pid, path, &files, &attr, (char *const *)(uintptr_t)argv, environ);
	if (errno != 0)
		pid =
		    err_sys(e, EX_UNAVAILABLE, "cannot run %s", quotes(path).s);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	free(path);
	return pid;
}

/*
 * Start it with pipes for its output, its complaints and, if it is to have
 * any, its input. ours: our ends of them, which do not block; -1: none.
 */
static pid_t
start_piped(
    const char *const argv[], bool has_input, int ours[3], struct err *e)
{
	int theirs[3] = {-1, -1, -1}, p[2], i;
	pid_t pid = -1;

	for (i = 0; i < 3; i++)
		ours[i] = -1;
	for (i = has_input ? 0 : 1; i < 3; i++) {
		if (pipe2(p, O_CLOEXEC) == -1) {
			err_sys(
			    e, EX_UNAVAILABLE, "no pipe for a program to run");
			goto out;
		}
		ours[i] = p[i == 0];
		theirs[i] = p[i != 0];
		(void)fcntl(ours[i], F_SETFL, O_NONBLOCK);
	}
	pid = program_start(argv, theirs[0], theirs[1], theirs[2], e);
out:
	for (i = 0; i < 3; i++) {
		if (theirs[i] != -1)
			close(theirs[i]);
		if (pid == -1 && ours[i] != -1)
			close(ours[i]);
	}
	return pid;
}

/*
 * Take what there is, but no more than a full pipe: one who writes without
 * end is not to hold us up. False at its end.
 */
static bool
take(int fd, struct buf *b, size_t max, bool *cut)
{
	char bytes[4096];
	ssize_t n = 1;
	int i;

	for (i = 0; i < 32 && (n = read(fd, bytes, sizeof(bytes))) > 0; i++) {
		size_t room = max - b->len;

		if ((size_t)n > room)
			*cut = true;
		buf_add(b, bytes, (size_t)n < room ? (size_t)n : room);
	}
	return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

/* The last line that it complained. */
static struct quoted
complaint(const char *err)
{
	size_t n = strlen(err), start;

	while (n > 0 && err[n - 1] == '\n')
		n--;
	for (start = n; start > 0 && err[start - 1] != '\n'; start--)
		;
	if (n == 0)
		return (struct quoted){"it does not say why"};
	return quote(err + start, n - start);
}

static const char *
text(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

/* --- And wait ------------------------------------------------------------ */

/* Write what is left of the input. False when that is no more to be done. */
static bool
feed(int fd, struct span *input)
{
	const ssize_t n = write(fd, input->p, input->n);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	*input = span_skip(*input, (size_t)n);
	return input->n > 0;
}

/*
 * Write all, and read both to their ends; they are closed then. False on
 * timeout or too much.
 */
static bool
drain(const int ours[3], struct span input, size_t max, int ms, struct buf *b,
    struct buf *errbuf)
{
	struct pollfd p[3] = {{.fd = ours[0], .events = POLLOUT},
	    {.fd = ours[1], .events = POLLIN},
	    {.fd = ours[2], .events = POLLIN}};
	uint64_t end = clock_ns() / 1000000 + (uint64_t)ms, now = 0;
	bool cut = false, cut_err, more;
	int i;

	while (!cut && (p[1].fd != -1 || p[2].fd != -1)) {
		now = clock_ns() / 1000000;
		if (now >= end ||
		    (poll(p, 3, (int)(end - now)) == -1 && errno != EINTR)) {
			cut = true;
			break;
		}
		for (i = 0; i < 3; i++) {
			if (p[i].fd == -1 || p[i].revents == 0)
				continue;
			more = i == 0 ? feed(p[0].fd, &input)
			       : i == 1
				   ? take(p[1].fd, b, max, &cut)
				   : take(p[2].fd, errbuf, ERR_MAX, &cut_err);
			if (more)
				continue;
			close(p[i].fd);
			p[i].fd = -1;
		}
	}
	for (i = 0; i < 3; i++)
		if (p[i].fd != -1)
			close(p[i].fd);
	return !cut;
}

/* As program_ask(), but that input may be NULL. */
static char *
run(const char *const argv[], const char *input, size_t max, int ms,
    struct err *e)
{
	struct buf out = {0}, err = {0};
	int ours[3], status = 0, rv = 0;
	pid_t pid = start_piped(argv, input != NULL, ours, e);

	if (pid == -1)
		return NULL;
	if (!drain(ours,
		(struct span){input, input == NULL ? 0 : strlen(input)}, max,
		ms, &out, &err)) {
		(void)kill(pid, SIGKILL);
		rv = err_set(e, EX_UNAVAILABLE,
		    "%s took too long or said too much", argv[0]);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	/* Nothing was found. */
	if (input != NULL && WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
	    out.len + err.len == 0)
		status = 0;
	if (rv == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		rv = err_set(e, EX_UNAVAILABLE, "%s failed: %s", argv[0],
		    complaint(text(&err)).s);
	buf_free(&err);
	if (rv == 0)
		return buf_take(&out);
	buf_free(&out);
	return NULL;
}

char *
program_read(
    const char *const argv[], size_t max, int timeout_ms, struct err *e)
{
	return run(argv, NULL, max, timeout_ms, e);
}

char *
program_ask(const char *const argv[], const char *input, size_t max,
    int timeout_ms, struct err *e)
{
	void (*was)(int) = signal(SIGPIPE, SIG_IGN);
	char *out = run(argv, input, max, timeout_ms, e);

	(void)signal(SIGPIPE, was);
	return out;
}

/* --- In an event loop ---------------------------------------------------- */

struct child {
	struct children *all;
	struct child *next;
	pid_t pid;
	struct event *in, *out, *err, *timer;
	char *input;
	size_t inlen, written;
	struct buf outbuf, errbuf;
	size_t out_max;
	bool late, cut;
	child_fn *fn;
	void *arg;
	bool own;
};

struct children {
	struct event_base *base;
	struct event *sigchld;
	struct child *first;
	size_t n;
};

static void
end_event(struct event **ev)
{
	if (*ev == NULL)
		return;
	if (event_get_fd(*ev) != -1)
		close(event_get_fd(*ev));
	event_free(*ev);
	*ev = NULL;
}

static void
release(struct child *c)
{
	end_event(&c->in);
	end_event(&c->out);
	end_event(&c->err);
	end_event(&c->timer);
	buf_free(&c->outbuf);
	buf_free(&c->errbuf);
	free(c->input);
	free(c);
}

static void
on_out(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)what;
	if (!take(fd, &c->outbuf, c->out_max, &c->cut))
		end_event(&c->out);
}

static void
on_err(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	bool cut;

	(void)what;
	if (!take(fd, &c->errbuf, ERR_MAX, &cut))
		end_event(&c->err);
}

static void
on_in(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	ssize_t n = write(fd, c->input + c->written, c->inlen - c->written);

	(void)what;
	if (n > 0)
		c->written += (size_t)n;
	/* It need not read all that it is given. */
	if (c->written == c->inlen ||
	    (n == -1 && errno != EAGAIN && errno != EINTR))
		end_event(&c->in);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	c->late = true;
	(void)kill(c->pid, SIGKILL);
}

static void
finish(struct child *c, int status)
{
	struct child_end end = {.status = status, .late = c->late};
	bool cut;

	/* What it left in the pipes; others may hold their other ends. */
	if (c->out != NULL)
		(void)take(
		    event_get_fd(c->out), &c->outbuf, c->out_max, &c->cut);
	if (c->err != NULL)
		(void)take(event_get_fd(c->err), &c->errbuf, ERR_MAX, &cut);
	end.cut = c->out_max > 0 && c->cut;
	end.out = text(&c->outbuf);
	end.err = text(&c->errbuf);
	c->fn(&end, c->arg);
	release(c);
}

static void
on_sigchld(evutil_socket_t sig, short what, void *arg)
{
	struct children *all = arg;
	struct child **at, *c, *done = NULL;
	int status;

	(void)sig;
	(void)what;
	for (at = &all->first; (c = *at) != NULL;) {
		if (waitpid(c->pid, &status, WNOHANG) != c->pid) {
			at = &c->next;
			continue;
		}
		/* fn may start others: first take out, then tell. */
		*at = c->next;
		c->next = done;
		c->pid = status;
		done = c;
		all->n--;
	}
	while ((c = done) != NULL) {
		done = c->next;
		finish(c, (int)c->pid);
	}
}

struct children *
children_new(struct event_base *base)
{
	struct children *all = mem_zero(1, sizeof(*all));

	all->base = base;
	all->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, all);
	(void)event_add(all->sigchld, NULL);
	return all;
}

static struct event *
watch(struct child *c, int fd, short what, event_callback_fn fn)
{
	struct event *ev =
	    event_new(c->all->base, fd, (short)(what | EV_PERSIST), fn, c);

	(void)event_add(ev, NULL);
	return ev;
}

int
children_run(struct children *all, const struct child_work *w, struct err *e)
{
	struct timeval patience = {.tv_sec = w->seconds};
	struct child *c;
	int ours[3];
	pid_t pid = start_piped(w->argv, w->input != NULL, ours, e);

	if (pid == -1)
		return -1;
	c = mem_zero(1, sizeof(*c));
	*c = (struct child){.all = all,
	    .next = all->first,
	    .pid = pid,
	    .out_max = w->out_max,
	    .fn = w->fn,
	    .arg = w->arg,
	    .own = w->own};
	all->first = c;
	all->n++;
	if (w->input != NULL) {
		c->input = mem_alloc(w->inlen + 1);
		memcpy(c->input, w->input, w->inlen);
		c->inlen = w->inlen;
		c->in = watch(c, ours[0], EV_WRITE, on_in);
	}
	c->out = watch(c, ours[1], EV_READ, on_out);
	c->err = watch(c, ours[2], EV_READ, on_err);
	c->timer = evtimer_new(all->base, on_late, c);
	(void)event_add(c->timer, &patience);
	return 0;
}

size_t
children_count(const struct children *all)
{
	return all->n;
}

void
children_free(struct children *all)
{
	struct child *c;

	if (all == NULL)
		return;
	while ((c = all->first) != NULL) {
		all->first = c->next;
		(void)kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
			;
		if (c->own)
			free(c->arg);
		release(c);
	}
	event_free(all->sigchld);
	free(all);
}

bool
child_well(const struct child_end *end, const char *name, struct err *e)
{
	if (end->late)
		(void)err_set(e, EX_UNAVAILABLE, "%s took too long", name);
	else if (WIFSIGNALED(end->status))
		(void)err_set(e, EX_UNAVAILABLE, "%s died by signal %d", name,
		    WTERMSIG(end->status));
	else if (WEXITSTATUS(end->status) == 0)
		return true;
	else
		(void)err_set(e, WEXITSTATUS(end->status),
		    "%s failed with status %d: %s", name,
		    WEXITSTATUS(end->status), complaint(end->err).s);
	return false;
}
