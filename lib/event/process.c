#include "process.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "fdio.h"
#include "mem.h"
#include "quote.h"

#define GROUPS_MAX 1024

#define NAP_MS 10
#define END_MS 20000 /* for what it may be about to write */
#define KILL_MS 2000

/* For good, with that user's groups, and with ours but for root's if kept. */
static bool
become(const struct passwd *pw, bool keep_groups)
{
	static gid_t had[GROUPS_MAX], now[GROUPS_MAX];
	int nhad = keep_groups ? getgroups(GROUPS_MAX, had) : 0, n, i;

	if (nhad == -1 || initgroups(pw->pw_name, pw->pw_gid) == -1 ||
	    (n = getgroups(GROUPS_MAX, now)) == -1)
		return false;
	for (i = 0; i < nhad && n < GROUPS_MAX; i++)
		if (had[i] != 0)
			now[n++] = had[i];
	return (nhad == 0 || setgroups((size_t)n, now) == 0) &&
	       setgid(pw->pw_gid) == 0 && setuid(pw->pw_uid) == 0;
}

/* Whom we can become; *pw is NULL if nobody. -1 with *e set: no such user. */
static int
find_user(const char *user, const struct passwd **pw, struct err *e)
{
	*pw = NULL;
	if (geteuid() != 0 || *user == '\0' || (*pw = getpwnam(user)) != NULL)
		return 0;
	return err_set(e, EX_CONFIG, "there is no user %s", quotes(user).s);
}

int
process_become(const char *user, bool keep_groups, struct err *e)
{
	const struct passwd *pw;

	if (find_user(user, &pw, e) == -1)
		return -1;
	if (pw != NULL && !become(pw, keep_groups))
		return err_sys(
		    e, EX_OSERR, "cannot become user %s", quotes(user).s);
	return 0;
}

uint64_t
process_files(uint64_t want)
{
	struct rlimit r, more;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return 0;
	if (r.rlim_cur >= want)
		return r.rlim_cur;
	more.rlim_cur = want;
	more.rlim_max = r.rlim_max < want ? want : r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return want;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	return r.rlim_cur;
}

/* --- Apart --------------------------------------------------------------- */

/* Nothing of ours is open; the end is fd 3. */
static bool
keep_only(int end)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 2) == -1 || (end != 3 && dup2(end, 3) == -1))
		return false;
	return fcntl(3, F_SETFD, FD_CLOEXEC) == 0 &&
	       close_range(4, ~0u, 0) == 0;
}

static void __attribute__((noreturn))
run(int end, pid_t parent, const struct passwd *pw, apart_work *work, void *arg)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
	size_t i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)signal(sigs[i], SIG_IGN);
	/* A handler of the parent's would write into a file of ours. */
	(void)signal(SIGCHLD, SIG_DFL);
	/* To change the user takes the death signal away: it comes last. */
	if (!keep_only(end) || (pw != NULL && !become(pw, false)) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(EX_NOPERM);
	_exit(work(3, arg));
}

int
apart_start(struct apart *a, const char *user, apart_work *work, void *arg,
    struct err *e)
{
	const struct passwd *pw;
	pid_t self = getpid();
	int ends[2];

	*a = (struct apart){.fd = -1};
	if (find_user(user, &pw, e) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return err_sys(e, EX_OSERR, "cannot make a pair of sockets");
	a->pid = fork();
	if (a->pid == 0)
		run(ends[1], self, pw, work, arg);
	close(ends[1]);
	a->fd = ends[0];
	if (a->pid != -1)
		return 0;
	close(ends[0]);
	*a = (struct apart){.fd = -1};
	return err_sys(e, EX_OSERR, "cannot start another process");
}

/* True if it has ended within ms milliseconds. */
static bool
ended(pid_t pid, int ms, int *status)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	pid_t rc;

	while ((rc = waitpid(pid, status, WNOHANG)) != pid) {
		if ((rc == -1 && errno != EINTR) || ms <= 0)
			return false;
		(void)nanosleep(&nap, NULL);
		ms -= NAP_MS;
	}
	return true;
}

int
apart_end(struct apart *a, bool now, const char *name, struct err *e)
{
	pid_t pid = a->pid;
	int status = 0;

	if (pid <= 0)
		return 0;
	if (now)
		(void)kill(pid, SIGKILL);
	close(a->fd);
	*a = (struct apart){.fd = -1};
	/*
	 * Who is another user by now cannot be killed by us, if we are no
	 * longer root; and need not care that nobody listens.
	 */
	if (!ended(pid, now ? KILL_MS : END_MS, &status)) {
		(void)kill(pid, SIGKILL);
		if (!ended(pid, KILL_MS, &status))
			return err_set(
			    e, EX_UNAVAILABLE, "%s does not end", name);
		now = true;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0 && !now)
		return err_set(e, WEXITSTATUS(status),
		    "%s failed with status %d", name, WEXITSTATUS(status));
	if (WIFSIGNALED(status) && !now)
		return err_set(e, EX_UNAVAILABLE, "%s died by signal %d", name,
		    WTERMSIG(status));
	return 0;
}

/* --- Tasks --------------------------------------------------------------- */

#define CHUNK 65536

/* The first byte of what the child writes. */
#define GOOD '+'
#define BAD '-'

struct task {
	struct event *ev;
	task_work *work;
	task_done *done;
	void *arg;
	struct buf got;
	struct apart child;
};

static int
do_task(int fd, void *arg)
{
	const struct task *t = arg;
	struct err e = {.code = EX_SOFTWARE};
	struct buf out = {0};

	buf_putc(&out, GOOD);
	if (t->work(t->arg, &out, &e) == -1) {
		buf_clear(&out);
		buf_putc(&out, BAD);
		buf_puts(&out, e.text);
	}
	return fdio_write(fd, out.data, out.len) ? 0 : 1;
}

void
task_cancel(struct task *t)
{
	struct err e;

	if (t == NULL)
		return;
	if (t->ev != NULL)
		event_free(t->ev);
	(void)apart_end(&t->child, true, "a task", &e);
	buf_free(&t->got);
	free(t);
}

static void
on_result(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;
	struct task ended;
	struct err e;
	ssize_t n;

	(void)what;
	n = read(fd, buf_room(&t->got, CHUNK), CHUNK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		t->got.len += (size_t)n;
		if (t->got.len <= TASK_MAX)
			return;
		t->got.len = 0;
	}
	ended = *t;
	t->got = (struct buf){0};
	task_cancel(t);
	if (ended.got.len > 0 && ended.got.data[0] == GOOD) {
		ended.done(
		    ended.arg, ended.got.data + 1, ended.got.len - 1, NULL);
	} else {
		if (ended.got.len > 0)
			err_set(&e, EX_UNAVAILABLE, "%.*s",
			    (int)ended.got.len - 1, ended.got.data + 1);
		else
			err_set(&e, EX_UNAVAILABLE, "a child has failed");
		ended.done(ended.arg, NULL, 0, &e);
	}
	buf_free(&ended.got);
}

struct task *
task_start(struct event_base *base, task_work *work, task_done *done, void *arg,
    struct err *e)
{
	struct task *t = mem_zero(1, sizeof(*t));

	*t = (struct task){.work = work, .done = done, .arg = arg};
	if (apart_start(&t->child, "", do_task, t, e) == -1) {
		task_cancel(t);
		return NULL;
	}
	t->ev =
	    event_new(base, t->child.fd, EV_READ | EV_PERSIST, on_result, t);
	(void)event_add(t->ev, NULL);
	return t;
}
