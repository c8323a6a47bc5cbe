#include "recompile.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "program.h"
#include "err.h"
#include "mem.h"
#include "quote.h"

void
recompile_argument(struct recompile *r, const char *arg)
{
	r->argv = mem_grow(r->argv, r->n, &r->cap, sizeof(*r->argv));
	r->argv[r->n++] = arg;
}

void
recompile_program(struct recompile *r, const char *command)
{
	recompile_argument(r, NULL);
	r->program = *command == '\0' ? program_beside("tlspact-compile")
				      : mem_dup(command);
	r->argv[0] = r->program;
}

int
recompile_start(struct recompile *r, time_t now, struct err *e)
{
	if (r->pid != 0 || now < r->next)
		return 0;
	r->next = now + RECOMPILE_AGAIN;
	r->pid = program_start(r->argv, -1, -1, -1, e);
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
	free(r->program);
	free(r->argv);
	*r = (struct recompile){0};
}
