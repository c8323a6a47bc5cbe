#include "mailout.h"

#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "err.h"
#include "mem.h"

/* One on its way. */
struct sent {
	const char *name;
	mailout_fn *fn;
	void *arg;
};

static void
on_end(const struct child_end *end, void *arg)
{
	struct sent *m = arg;
	struct err e;

	m->fn(child_well(end, m->name, &e) ? NULL : e.text, m->arg);
	free(m);
}

static int
run(struct children *c, const char *const *argv, const char *name,
    const char *input, mailout_fn *fn, void *arg, struct err *e)
{
	struct sent *m = mem_zero(1, sizeof(*m));
	struct child_work w = {.argv = argv,
	    .input = input,
	    .inlen = strlen(input),
	    .seconds = MAILOUT_SECONDS,
	    .fn = on_end,
	    .arg = m,
	    .own = true};

	*m = (struct sent){.name = name, .fn = fn, .arg = arg};
	if (children_run(c, &w, e) == 0)
		return 0;
	free(m);
	return -1;
}

static int
run_sendmail(struct children *c, const struct mailout *m, const char *text,
    mailout_fn *fn, void *arg, struct err *e)
{
	const char **argv = mem_zero(m->nto + 9, sizeof(*argv));
	size_t n = 0, i;
	int rv;

	argv[n++] = m->sendmail;
	if (m->config != NULL && *m->config != '\0') {
		argv[n++] = "-C";
		argv[n++] = m->config;
	}
	argv[n++] = "-i";
	argv[n++] = "-f";
	argv[n++] = "<>";
	argv[n++] = "--";
	for (i = 0; i < m->nto; i++)
		argv[n++] = m->to[i];
	rv = run(c, argv, "sendmail", text, fn, arg, e);
	free(argv);
	return rv;
}

static int
run_command(struct children *c, const char *command, const char *text,
    mailout_fn *fn, void *arg, struct err *e)
{
	const char *argv[] = {"/bin/sh", "-c", command, NULL};
	char *line = mem_printf("%s\n", text);
	int rv = run(c, argv, "notify_command", line, fn, arg, e);

	free(line);
	return rv;
}

int
mailout_send(struct children *c, const struct mailout *m, const char *text,
    mailout_fn *fn, void *arg, struct err *e)
{
	return m->sendmail != NULL
		   ? run_sendmail(c, m, text, fn, arg, e)
		   : run_command(c, m->command, text, fn, arg, e);
}
