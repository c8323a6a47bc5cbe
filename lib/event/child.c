#include "child.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
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
#include "mem.h"
#include "quote.h"

#define ERR_MAX 8192 /* bytes kept of what it complains */

extern char **environ;

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

/* in, out, errfd: -1 for nothing, nothing, and ours. */
static pid_t
spawn(const char *const argv[], int in, int out, int errfd, struct err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	int rc;

	(void)posix_spawn_file_actions_init(&files);
	if (in == -1)
		(void)posix_spawn_file_actions_addopen(
		    &files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	else
		(void)posix_spawn_file_actions_adddup2(
		    &files, in, STDIN_FILENO);
	if (out == -1)
		(void)posix_spawn_file_actions_addopen(
		    &files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	else
		(void)posix_spawn_file_actions_adddup2(
		    &files, out, STDOUT_FILENO);
	if (errfd != -1)
		(void)posix_spawn_file_actions_adddup2(
		    &files, errfd, STDERR_FILENO);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	(void)sigfillset(&set);
	(void)posix_spawnattr_setsigdefault(&attr, &set);
	(void)sigemptyset(&set);
	(void)posix_spawnattr_setsigmask(&attr, &set);
	/* argv is not changed: the interface is older than const. */
	rc = posix_spawnp(&pid, argv[0], &files, &attr,
	    (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	if (rc == 0)
		return pid;
	errno = rc;
	return err_sys(e, EX_UNAVAILABLE, "cannot run %s", quotes(argv[0]).s);
}

pid_t
child_start(const char *const argv[], struct err *e)
{
	return spawn(argv, -1, -1, -1, e);
}

pid_t
child_start_input(const char *const argv[], int in, struct err *e)
{
	return spawn(argv, in, -1, -1, e);
}

/* --- In an event loop ---------------------------------------------------- */

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

/* Take what there is. False at its end. */
static bool
take(int fd, struct buf *b, size_t max, bool *cut)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		size_t room = max - b->len;

		if ((size_t)n > room)
			*cut = true;
		buf_add(b, bytes, (size_t)n < room ? (size_t)n : room);
	}
	return n == -1 && (errno == EAGAIN || errno == EINTR);
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
	end.out = c->outbuf.data == NULL ? "" : c->outbuf.data;
	end.err = c->errbuf.data == NULL ? "" : c->errbuf.data;
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

/* A pipe of which our end (0: we read) does not block. */
static int
make_pipe(int p[2], int ours, struct err *e)
{
	if (pipe2(p, O_CLOEXEC) == 0 &&
	    fcntl(p[ours], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	return err_sys(e, EX_UNAVAILABLE, "no pipe for a program to run");
}

int
children_run(struct children *all, const struct child_work *w, struct err *e)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, errs[2] = {-1, -1}, i;
	struct timeval patience = {.tv_sec = w->seconds};
	struct child *c;
	pid_t pid = -1;

	if ((w->input == NULL || make_pipe(in, 1, e) == 0) &&
	    make_pipe(out, 0, e) == 0 && make_pipe(errs, 0, e) == 0)
		pid = spawn(w->argv, in[0], out[1], errs[1], e);
	for (i = 0; i < 3; i++) {
		int theirs = i == 0 ? in[0] : i == 1 ? out[1] : errs[1];
		int mine = i == 0 ? in[1] : i == 1 ? out[0] : errs[0];

		if (theirs != -1)
			close(theirs);
		if (pid == -1 && mine != -1)
			close(mine);
	}
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
		c->in = watch(c, in[1], EV_WRITE, on_in);
	}
	c->out = watch(c, out[0], EV_READ, on_out);
	c->err = watch(c, errs[0], EV_READ, on_err);
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

/* The last line of s, without its end. */
static struct quoted
last_line(const char *s)
{
	size_t n = strlen(s), start;

	while (n > 0 && s[n - 1] == '\n')
		n--;
	for (start = n; start > 0 && s[start - 1] != '\n'; start--)
		;
	return quote(s + start, n - start);
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
		    WEXITSTATUS(end->status),
		    *end->err == '\0' ? "it does not say why"
				      : last_line(end->err).s);
	return false;
}
