#include "recompile.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "child.h"
#include "err.h"
#include "mem.h"
#include "quote.h"

#define PROGRAM "/tlspact-compile"

void
recompile_argument(struct recompile *r, const char *arg)
{
	r->argv = mem_grow(r->argv, r->n, &r->cap, sizeof(*r->argv));
	r->argv[r->n++] = arg;
}

void
recompile_program(struct recompile *r, const char *command)
{
	static char path[PATH_MAX + sizeof(PROGRAM)];
	ssize_t n;

	recompile_argument(r, NULL);
	r->argv[0] = command;
	if (*command != '\0')
		return;
	n = readlink("/proc/self/exe", path, PATH_MAX);
	path[n < 0 ? 0 : n] = '\0';
	(void)strcpy(n <= 0 ? path : strrchr(path, '/'), PROGRAM);
	r->argv[0] = path;
}

int
recompile_start(struct recompile *r, time_t now, struct err *e)
{
	if (r->pid != 0 || now < r->next)
		return 0;
	r->next = now + RECOMPILE_AGAIN;
	r->pid = child_start(r->argv, e);
	if (r->pid != -1)
		return 1;
	r->pid = 0;
	r->failed++;
	return -1;
}

int
recompile_reap(struct recompile *r, struct err *e)
{
	int status;

	if (r->pid == 0 || waitpid(r->pid, &status, WNOHANG) != r->pid)
		return 0;
	r->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 1;
	r->failed++;
	return err_set(e, EX_UNAVAILABLE, "%s failed (%s %d)",
	    quotes(r->argv[0]).s, WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

void
recompile_release(struct recompile *r)
{
	free(r->argv);
	*r = (struct recompile){0};
}
