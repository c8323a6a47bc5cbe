#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "quote.h"

#define NAP_MS 10
#define END_MS 20000 /* for what it may be about to write */
#define KILL_MS 2000

/* Nothing of ours is open, but for 0 if that is kept; the end is fd 3. */
static bool
keep_only(int end, bool keep_input)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || (!keep_input && dup2(null, 0) == -1) ||
	    dup2(null, 1) == -1 || dup2(null, 2) == -1 ||
	    (end != 3 && dup2(end, 3) == -1))
		return false;
	return fcntl(3, F_SETFD, FD_CLOEXEC) == 0 &&
	       close_range(4, ~0u, 0) == 0;
}

static bool
become(const struct passwd *pw)
{
	return pw == NULL ||
	       (initgroups(pw->pw_name, pw->pw_gid) == 0 &&
		   setgid(pw->pw_gid) == 0 && setuid(pw->pw_uid) == 0);
}

static void __attribute__((noreturn)) run(int end, pid_t parent,
    const struct passwd *pw, bool keep_input, apart_work *work, void *arg)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
	size_t i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)signal(sigs[i], SIG_IGN);
	/* To change the user takes the death signal away: it comes last. */
	if (!keep_only(end, keep_input) || !become(pw) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(EX_NOPERM);
	_exit(work(3, arg));
}

int
apart_start(struct apart *a, const char *user, bool keep_input,
    apart_work *work, void *arg, struct err *e)
{
	const struct passwd *pw = NULL;
	pid_t self = getpid();
	int ends[2];

	*a = (struct apart){.fd = -1};
	if (geteuid() == 0 && *user != '\0' && (pw = getpwnam(user)) == NULL)
		return err_set(
		    e, EX_CONFIG, "there is no user %s", quotes(user).s);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return err_sys(e, EX_OSERR, "cannot make a pair of sockets");
	a->pid = fork();
	if (a->pid == 0)
		run(ends[1], self, pw, keep_input, work, arg);
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
