/*
 * The parent's side: keep one running.
 */
#include "warden_run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"
#include "err.h"
#include "logline.h"
#include "mem.h"

#define WAIT_MAX 60 /* seconds between two starts, at most */
#define STABLE 60   /* after so many seconds it counts as well */

void
warden_guard_init(struct warden_guard *g, const char *const *args, size_t nargs,
    bool foreground, bool verbose)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t n = 0, i;

	path[len < 0 ? 0 : len] = '\0';
	g->argv = mem_zero(nargs + 5, sizeof(*g->argv));
	g->argv[n++] = g->program = mem_dup(len <= 0 ? "/proc/self/exe" : path);
	g->argv[n++] = WARDEN_OPTION;
	if (foreground)
		g->argv[n++] = "-d";
	if (verbose)
		g->argv[n++] = "-v";
	for (i = 0; i < nargs; i++)
		g->argv[n++] = args[i];
	g->pipe = -1;
	g->wait = 1;
	g->on = true;
}

static void
let_go(struct warden_guard *g)
{
	if (g->pipe != -1)
		close(g->pipe);
	g->pipe = -1;
}

void
warden_guard_tick(struct warden_guard *g, time_t now)
{
	struct err e;
	int p[2];

	if (!g->on || g->pid != 0 || now < g->next)
		return;
	g->next = now + (time_t)g->wait;
	if (pipe2(p, O_CLOEXEC) == -1) {
		logline(LOGLINE_ERROR, "no pipe for the warden: %s",
		    strerror(errno));
		return;
	}
	g->pid = program_start(g->argv, p[0], -1, -1, &e);
	close(p[0]);
	g->pipe = p[1];
	if (g->pid != -1) {
		g->started = now;
		return;
	}
	g->pid = 0;
	let_go(g);
	logline(LOGLINE_ERROR, "%s", e.text);
}

void
warden_guard_reap(struct warden_guard *g, time_t now)
{
	int status;

	if (g->pid == 0 || waitpid(g->pid, &status, WNOHANG) != g->pid)
		return;
	g->pid = 0;
	let_go(g);
	if (!g->on)
		return;
	if (now - g->started >= STABLE)
		g->wait = 1;
	g->next = now + (time_t)g->wait;
	logline(LOGLINE_ERROR,
	    "the warden ended (%s %d); the next one starts in %u s",
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
	    g->wait);
	g->wait = g->wait * 2 > WAIT_MAX ? WAIT_MAX : g->wait * 2;
}

void
warden_guard_reload(const struct warden_guard *g)
{
	if (g->pid != 0)
		(void)kill(g->pid, SIGHUP);
}

void
warden_guard_end(struct warden_guard *g)
{
	if (g->argv == NULL)
		return;
	g->on = false;
	let_go(g);
	free(g->program);
	free(g->argv);
	g->argv = NULL;
}
