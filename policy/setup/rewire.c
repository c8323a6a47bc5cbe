#include "rewire.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "copy.h"
#include "err.h"
#include "mem.h"
#include "proc.h"
#include "wiring.h"

#define POSTCONF_MS 30000

struct paths {
	char *main, *before, *after;
};

static void
paths_make(struct paths *p, const char *dir)
{
	p->main = mem_printf("%s/main.cf", dir);
	p->before = mem_printf("%s/main.cf.before-tlspact", dir);
	p->after = mem_printf("%s/main.cf.after-tlspact", dir);
}

static void
paths_free(struct paths *p)
{
	free(p->main);
	free(p->before);
	free(p->after);
}

size_t
rewire_diff(const struct wiring_lines *w, struct buf *out)
{
	const struct wiring_line *x;
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		x = &w->v[i];
		if (!x->differs)
			continue;
		if (x->have != NULL)
			buf_printf(out, "- %s = %s\n", x->name, x->have);
		buf_printf(out, "+ %s = %s\n", x->name, x->value);
		n++;
	}
	return n;
}

/* One postconf -e for all: it writes main.cf whole, or not at all. */
static int
edit(const char *dir, const struct wiring_lines *w, struct err *e)
{
	char **argv = mem_zero(w->n + 5, sizeof(*argv)), *out;
	size_t i, n = 0;

	argv[n++] = mem_dup("postconf");
	argv[n++] = mem_dup("-c");
	argv[n++] = mem_dup(dir);
	argv[n++] = mem_dup("-e");
	for (i = 0; i < w->n; i++)
		if (w->v[i].differs)
			argv[n++] =
			    mem_printf("%s = %s", w->v[i].name, w->v[i].value);
	out = proc_read((const char *const *)argv, 65536, POSTCONF_MS, e);
	for (i = 0; i < n; i++)
		free(argv[i]);
	free(argv);
	free(out);
	return out == NULL ? -1 : 0;
}

int
rewire_apply(const char *dir, const struct wiring_lines *w, struct err *e)
{
	struct paths p;
	struct err ignored;
	int rv = -1;

	paths_make(&p, dir);
	/* Applied twice, the way back still leads to before the first time. */
	if ((access(p.before, F_OK) == -1 ||
		copy_same(p.main, p.after, &ignored) != 1) &&
	    copy_file(p.main, p.before, e) == -1)
		goto out;
	if (edit(dir, w, e) == 0 && copy_file(p.main, p.after, e) == 0)
		rv = 0;
out:
	paths_free(&p);
	return rv;
}

int
rewire_undo(const char *dir, struct err *e)
{
	struct paths p;
	int rv = -1, same;

	paths_make(&p, dir);
	if (access(p.before, F_OK) == -1) {
		err_set(e, EX_NOINPUT,
		    "there is no %s: nothing was applied, or it was undone",
		    p.before);
		goto out;
	}
	if ((same = copy_same(p.main, p.after, e)) == -1)
		goto out;
	if (same == 0) {
		err_set(e, EX_DATAERR,
		    "%s was changed since; see `diff %s %s' and undo it by "
		    "hand",
		    p.main, p.before, p.main);
		goto out;
	}
	if (copy_file(p.before, p.main, e) == -1)
		goto out;
	(void)unlink(p.before);
	(void)unlink(p.after);
	rv = 0;
out:
	paths_free(&p);
	return rv;
}
