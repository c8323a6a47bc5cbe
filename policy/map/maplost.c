#include "maplost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "author.h"
#include "digest.h"
#include "err.h"
#include "file.h"
#include "mapbuild.h"
#include "mapevent.h"
#include "mapgone.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "registry_keep.h"

#define HEAD "# Lost: " /* above each partner */

/* One copy, its text by lines; line i goes from at[i] to at[i + 1]. */
struct copy {
	struct registry *registry;
	const char *path;
	time_t left;
	char *text;
	const char **at;
	size_t n;
};

/* --- Text ----------------------------------------------------------------- */

static void
find_lines(struct copy *c, size_t len)
{
	const char *p = c->text, *end = c->text + len, *nl;
	size_t cap = 0;

	while (p < end) {
		c->at = mem_grow(c->at, c->n, &cap, sizeof(*c->at));
		c->at[c->n++] = p;
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl == NULL ? end : nl + 1;
	}
	c->at = mem_grow(c->at, c->n, &cap, sizeof(*c->at));
	c->at[c->n] = end;
}

/* What line i begins with, blanks aside. */
static char
first_of(const struct copy *c, size_t i)
{
	return c->at[i][strspn(c->at[i], " \t")];
}

/* A comment that was written for what is below it? */
static bool
is_remark(const struct copy *c, size_t i)
{
	return first_of(c, i) == '#' && strncmp(c->at[i], "#include", 8) != 0 &&
	       strncmp(c->at[i], HEAD, sizeof(HEAD) - 1) != 0;
}

/*
 * The statement that begins in line no, from 1, with what goes on with it
 * (lines.h), and the comment right above it, but for the copy's own first line.
 */
static void
put_statement(
    const struct copy *c, size_t no, const char *mark, struct buf *out)
{
	size_t first = no - 1, last = first, i;

	for (i = no; i < c->n && strchr(" \t#\n", *c->at[i]) != NULL; i++)
		if (first_of(c, i) != '\n' && first_of(c, i) != '#')
			last = i;
	while (first > 1 && is_remark(c, first - 1))
		first--;
	for (i = first; i <= last; i++) {
		buf_puts(out, mark);
		buf_add(out, c->at[i], (size_t)(c->at[i + 1] - c->at[i]));
	}
}

/* All `default` statements, for a registry that has none any more. */
static void
put_defaults(const struct copy *c, struct buf *out)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strncmp(c->at[i], "default", 7) == 0 &&
		    strchr(" \t\n", c->at[i][7]) != NULL)
			put_statement(c, i + 1, "", out);
}

static void
put_provider(struct maplost *m, const struct registry *r, const struct copy *c,
    uint32_t provider)
{
	const char *name, *have;
	const uint32_t known = m->providers.n;
	size_t i;

	if (provider == REGISTRY_NONE)
		return;
	(void)registry_provider(c->registry, provider, &name);
	for (i = 0; registry_provider(r, i, &have) != NULL; i++)
		if (strcmp(have, name) == 0)
			return;
	if (names_add(&m->providers, name, strlen(name)) == known)
		put_statement(c, registry_provider_line(c->registry, provider),
		    "", &m->text);
}

/* --- Partners ------------------------------------------------------------- */

static bool
is_wanted(const struct maplost_wanted *w, const struct registry *r, uint32_t p)
{
	bool wanted = w->n == 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (registry_find(r, w->name[i]) == p)
			wanted = w->found[i] = true;
	return wanted;
}

/* Why it cannot just be put back, or NULL; the caller frees that. */
static char *
why_not(const struct registry *r, const struct copy *c, const struct partner *p,
    bool named, time_t now)
{
	uint32_t i, d;

	for (i = 0; i < p->ndomains; i++) {
		d = registry_domain(
		    r, c->registry->domain[p->first_domain + i].name);
		if (d != REGISTRY_NONE)
			return mem_printf("%s is of %s now", r->domain[d].name,
			    r->partner[r->domain[d].partner].name);
	}
	return !named && c->left != 0 && c->left < now - MAPLOST_SPAN
		   ? mem_dup("gone for over 7 days")
		   : NULL;
}

/* "root for jo (tlspactctl edit)", who took it away by the record, or NULL. */
static char *
by_whom(const struct mapgone *gone, const char *name)
{
	const struct mapgone_change *c;
	char who[AUTHOR_TEXT];
	size_t i, k;

	for (i = 0; gone != NULL && i < gone->n; i++)
		for (c = &gone->v[i], k = 0;
		     k < c->n && !c->domains && !c->opened; k++) {
			if (strcmp(c->name[k], name) != 0)
				continue;
			quote_show(
			    who, sizeof(who), c->author, strlen(c->author));
			if (c->agreed == NULL)
				return mem_dup(who);
			return mem_printf("%s (%s)", who,
			    strcmp(c->agreed, MAPEVENT_EDIT) == 0
				? "tlspactctl edit"
				: "--accept-weaker");
		}
	return NULL;
}

static void
put_partner(struct maplost *m, const struct registry *r, const struct copy *c,
    const struct partner *p, char *by, char *why)
{
	const char *slash = strrchr(c->path, '/');
	char when[NUM_TIME_MAX];

	buf_printf(&m->text, "\n" HEAD "%s, %s%s%s%s; from %s%s%s\n", p->name,
	    c->left == 0 ? "not compiled yet" : "since ",
	    c->left == 0 ? "" : num_time_text(c->left, when),
	    by == NULL ? "" : " by ", by == NULL ? "" : by,
	    slash == NULL ? c->path : slash + 1,
	    why == NULL ? "" : "; not given back: ", why == NULL ? "" : why);
	if (why == NULL)
		put_provider(m, r, c, p->provider);
	put_statement(c, p->line, why == NULL ? "" : "#", &m->text);
	m->v = mem_grow(m->v, m->n, &m->cap, sizeof(*m->v));
	m->v[m->n++] =
	    (struct maplost_partner){.name = m->names.v[m->names.n - 1],
		.copy = c->path,
		.left = c->left,
		.by = by,
		.why = why};
	m->comments += why != NULL;
}

static void
take_copy(struct maplost *m, struct registry *r, const struct copy *c,
    const struct maplost_wanted *wanted, const struct mapgone *gone, time_t now)
{
	bool *missing = registry_missing(r, c->registry);
	const struct partner *p;
	uint32_t i, known;

	for (i = 0; i < c->registry->npartners; i++) {
		p = &c->registry->partner[i];
		known = m->names.n;
		if (!missing[i] || !is_wanted(wanted, c->registry, i) ||
		    names_add(&m->names, p->name, strlen(p->name)) != known)
			continue;
		if (m->n == 0 && r->preset.set == 0 &&
		    c->registry->preset.set != 0) {
			buf_puts(&m->text, "\n" HEAD "all defaults\n");
			put_defaults(c, &m->text);
		}
		put_partner(m, r, c, p,
		    c->left == 0 ? NULL : by_whom(gone, p->name),
		    why_not(r, c, p, wanted->n > 0, now));
	}
	free(missing);
}

/* --- Copies --------------------------------------------------------------- */

/* 0, and c->registry is NULL: it is not there, or of no use. */
static int
open_copy(struct copy *c, bool in_force, time_t now, struct err *e)
{
	char hex[DIGEST_HEX];
	struct err ignored;
	struct stat st;
	size_t len;

	if (access(c->path, R_OK) == -1)
		return errno == EACCES ? err_sys(e, EX_NOPERM, "cannot read %s",
					     quotes(c->path).s)
				       : 0;
	if ((c->registry = registry_load_kept(c->path, now, &ignored)) == NULL)
		return 0;
	c->text = file_slurp(c->path, REGISTRY_FILE_MAX, &len, &st, e);
	if (c->text == NULL)
		return -1;
	if (strcmp(digest_of(c->text, len, hex),
		registry_file_digest(c->registry, 0)) != 0)
		return err_set(e, EX_TEMPFAIL, "%s changed while it was read",
		    quotes(c->path).s);
	c->left = in_force ? 0 : st.st_mtime;
	find_lines(c, len);
	return 0;
}

static int
look_into(struct maplost *m, struct registry *r, unsigned age, const char *path,
    const struct maplost_wanted *wanted, const struct mapgone *gone, time_t now,
    struct err *e)
{
	const uint32_t i = names_add(&m->paths, path, strlen(path));
	struct copy c = {.path = m->paths.v[i]};
	int rv = open_copy(&c, age == 0, now, e);

	if (rv == 0 && c.registry != NULL) {
		take_copy(m, r, &c, wanted, gone, now);
		/* An older copy has them, too. */
		(void)registry_join(r, c.registry);
		c.registry = NULL;
	}
	registry_free(c.registry);
	free(c.text);
	free(c.at);
	return rv;
}

int
maplost_find(struct maplost *out, struct registry *r, const char *map,
    const struct maplost_wanted *wanted, const struct mapgone *gone, time_t now,
    struct err *e)
{
	unsigned age;
	char *path;
	int rv = 0;

	*out = (struct maplost){0};
	for (age = 0; age <= MAPBUILD_BEFORE && rv == 0; age++) {
		path = age == 0 ? mapbuild_kept(map)
				: mapbuild_kept_before(map, age);
		rv = look_into(out, r, age, path, wanted, gone, now, e);
		free(path);
	}
	return rv;
}

void
maplost_release(struct maplost *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->v[i].by);
		free(m->v[i].why);
	}
	free(m->v);
	buf_free(&m->text);
	names_free(&m->names);
	names_free(&m->paths);
	names_free(&m->providers);
	*m = (struct maplost){0};
}
