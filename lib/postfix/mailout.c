#include "mailout.h"

#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "err.h"
#include "mem.h"

struct mailout {
	const char *name;
	mailout_fn *fn;
	void *arg;
};

static void
on_end(const struct child_end *end, void *arg)
{
	struct mailout *m = arg;
	struct err e;

	m->fn(child_well(end, m->name, &e) ? NULL : e.text, m->arg);
	free(m);
}

static int
run(struct children *c, const char *const *argv, const char *name,
    const char *input, mailout_fn *fn, void *arg, struct err *e)
{
	struct mailout *m = mem_zero(1, sizeof(*m));
	struct child_work w = {.argv = argv,
	    .input = input,
	    .inlen = strlen(input),
	    .seconds = MAILOUT_SECONDS,
	    .fn = on_end,
	    .arg = m,
	    .own = true};

	*m = (struct mailout){.name = name, .fn = fn, .arg = arg};
	if (children_run(c, &w, e) == 0)
		return 0;
	free(m);
	return -1;
}

int
mailout_send(struct children *c, const char *sendmail, const char *config,
    const char *const *to, size_t nto, const char *message, mailout_fn *fn,
    void *arg, struct err *e)
{
	const char **argv = mem_zero(nto + 9, sizeof(*argv));
	size_t n = 0, i;
	int rv;

	argv[n++] = sendmail;
	if (config != NULL && *config != '\0') {
		argv[n++] = "-C";
		argv[n++] = config;
	}
	argv[n++] = "-i";
	argv[n++] = "-f";
	argv[n++] = "<>";
	argv[n++] = "--";
	for (i = 0; i < nto; i++)
		argv[n++] = to[i];
	rv = run(c, argv, "sendmail", message, fn, arg, e);
	free(argv);
	return rv;
}

int
mailout_tell(struct children *c, const char *command, const char *text,
    mailout_fn *fn, void *arg, struct err *e)
{
	const char *argv[] = {"/bin/sh", "-c", command, NULL};
	char *line = mem_printf("%s\n", text);
	int rv = run(c, argv, "notify_command", line, fn, arg, e);

	free(line);
	return rv;
}
