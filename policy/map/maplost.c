#include "maplost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "author.h"
#include "diag.h"
#include "digest.h"
#include "err.h"
#include "fdio.h"
#include "file.h"
#include "mapbuild.h"
#include "mapevent.h"
#include "mapgone.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "publish.h"
#include "quote.h"
#include "registry.h"
#include "registry_instead.h"
#include "registry_keep.h"
#include "registry_untaken.h"

#define HEAD "# Lost: " /* above each partner */

/* A file of a registry, by lines; line i goes from at[i] to at[i + 1]. */
struct maplost_file {
	char *text; /* NULL: not read yet */
	const char **at;
	size_t n;
};

/* Lines of a file of the registry that have to be another text. */
struct maplost_put {
	uint32_t file;
	size_t first, last;
	char *text;
};

struct copy {
	struct registry *registry;
	const char *path;
	time_t left;
	struct maplost_file file;
};

struct search {
	struct maplost *m;
	struct registry *r;
	size_t npartners;     /* of r before any was joined */
	struct names untaken; /* registry_untaken() */
	const struct maplost_wanted *wanted;
	const struct mapgone *gone;
	time_t now;
	struct err *e;
};

/* --- Text ----------------------------------------------------------------- */

static void
find_lines(struct maplost_file *f, size_t len)
{
	const char *p = f->text, *end = f->text + len, *nl;
	size_t cap = 0;

	while (p < end) {
		f->at = mem_grow(f->at, f->n, &cap, sizeof(*f->at));
		f->at[f->n++] = p;
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl == NULL ? end : nl + 1;
	}
	f->at = mem_grow(f->at, f->n, &cap, sizeof(*f->at));
	f->at[f->n] = end;
}

/* As r has it. 0, or -1 with *e set. */
static int
read_file(struct maplost_file *f, const struct registry *r, uint32_t source,
    struct stat *st, struct err *e)
{
	const char *path = registry_file(r, source);
	char hex[DIGEST_HEX];
	size_t len;

	f->text = file_slurp(path, REGISTRY_FILE_MAX, &len, st, e);
	if (f->text == NULL)
		return -1;
	find_lines(f, len);
	if (strcmp(digest_of(f->text, len, hex),
		registry_file_digest(r, source)) != 0)
		return err_set(e, EX_TEMPFAIL, "%s changed while it was read",
		    quotes(path).s);
	return 0;
}

static void
free_file(struct maplost_file *f)
{
	free(f->text);
	free(f->at);
}

/* What line i begins with, blanks aside. */
static char
first_of(const struct maplost_file *f, size_t i)
{
	return f->at[i][strspn(f->at[i], " \t")];
}

/* A comment that was written for what is below it? */
static bool
is_remark(const struct maplost_file *f, size_t i)
{
	return first_of(f, i) == '#' && strncmp(f->at[i], "#include", 8) != 0 &&
	       strncmp(f->at[i], HEAD, sizeof(HEAD) - 1) != 0;
}

/* The last line of the statement that begins in the line `first` (lines.h). */
static size_t
last_of(const struct maplost_file *f, size_t first)
{
	size_t last = first, i;

	for (i = first + 1; i < f->n && strchr(" \t#\n", *f->at[i]) != NULL;
	     i++)
		if (first_of(f, i) != '\n' && first_of(f, i) != '#')
			last = i;
	return last;
}

static void
put_lines(const struct maplost_file *f, size_t first, size_t last,
    const char *mark, struct buf *out)
{
	size_t i;

	for (i = first; i <= last; i++) {
		buf_puts(out, mark);
		buf_add(out, f->at[i], (size_t)(f->at[i + 1] - f->at[i]));
	}
}

/*
 * The statement that begins in line no, from 1, with what goes on with it, and
 * the comment right above it, but for the copy's own first line.
 */
static void
put_statement(
    const struct maplost_file *f, size_t no, const char *mark, struct buf *out)
{
	const size_t last = last_of(f, no - 1);
	size_t first = no - 1;

	while (first > 1 && is_remark(f, first - 1))
		first--;
	put_lines(f, first, last, mark, out);
}

static bool
is_default(const struct maplost_file *f, size_t i)
{
	return strncmp(f->at[i], "default", 7) == 0 &&
	       strchr(" \t\n", f->at[i][7]) != NULL;
}

/* For a registry that has none any more: all of them, once. */
static void
append_defaults(struct search *s, const struct copy *c)
{
	struct maplost *m = s->m;
	size_t i;

	if (s->r->preset.set != 0 || c->registry->preset.set == 0 ||
	    m->defaults)
		return;
	m->defaults = true;
	buf_puts(&m->append, "\n" HEAD "all defaults\n");
	for (i = 0; i < c->file.n; i++)
		if (is_default(&c->file, i))
			put_statement(&c->file, i + 1, "", &m->append);
}

static void
put_provider(struct search *s, const struct copy *c, uint32_t provider)
{
	const char *name, *have;
	const uint32_t known = s->m->providers.n;
	size_t i;

	if (provider == REGISTRY_NONE)
		return;
	(void)registry_provider(c->registry, provider, &name);
	for (i = 0; registry_provider(s->r, i, &have) != NULL; i++)
		if (strcmp(have, name) == 0)
			return;
	if (names_add(&s->m->providers, name, strlen(name)) == known)
		put_statement(&c->file,
		    registry_provider_line(c->registry, provider), "",
		    &s->m->append);
}

/* --- Who stays, with less ------------------------------------------------- */

/* With his statement of then, and the defaults of now: has he still less? */
static bool
by_default(
    const struct copy *c, const struct partner *was, const struct registry *r)
{
	struct attributes would = *was->attributes;
	struct partner p = *was;
	const char *name;
	const struct attributes *provider =
	    registry_provider(c->registry, was->provider, &name);

	would.set = would.own | (provider == NULL ? 0 : provider->set);
	if ((would.set & ATTRIBUTE_BIT(ATTRIBUTE_MODE)) == 0)
		would.mode = MODE_OPPORTUNISTIC;
	if ((would.set & ATTRIBUTE_BIT(ATTRIBUTE_VERIFY)) == 0)
		would.verify = VERIFY_NAME;
	if ((would.set & ATTRIBUTE_BIT(ATTRIBUTE_INBOUND_VERIFY)) == 0)
		would.inbound_verify = INBOUND_NONE;
	attributes_inherit(&would, &r->preset);
	attributes_preset(&would);
	p.attributes = &would;
	return registry_weaker(&p, was);
}

/* One of the registry's own files, read once. NULL with *e set. */
static const struct maplost_file *
own_file(struct search *s, uint32_t source)
{
	struct maplost *m = s->m;

	if (m->file[source].text == NULL &&
	    read_file(&m->file[source], s->r, source, NULL, s->e) == -1)
		return NULL;
	return &m->file[source];
}

/* One of those that take_weaker() looks at: what it is put back for. */
static bool
is_protection(const char *word, size_t len)
{
	static const char *const names[] = {
	    "mode=", "verify=", "inbound=", "inbound-verify="};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (len >= strlen(names[i]) &&
		    strncmp(word, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The words of the statement from line `at` on, comments aside. */
static void
put_words(const struct maplost_file *f, size_t at, struct buf *out)
{
	const size_t last = last_of(f, at);
	const char *p, *end;
	size_t i, len;

	if (out->len == 0)
		buf_puts(out, " ");
	for (i = at; i <= last; i++)
		for (p = f->at[i], end = f->at[i + 1];
		     first_of(f, i) != '#' && p < end; p += len) {
			p += strspn(p, " \t\n");
			len = p < end ? strcspn(p, " \t\n") : 0;
			if (len == 0)
				break;
			if (!is_protection(p, len)) {
				buf_add(out, p, len);
				buf_puts(out, " ");
			}
		}
}

/* Those that the other has not, both as put_words() has them; or "nothing". */
static void
put_rest(
    const char *words, const char *other, const char *what, struct buf *out)
{
	const size_t from = out->len;
	const char *p = words, *end;
	char *word;

	for (; (end = strchr(p + 1, ' ')) != NULL; p = end) {
		word = mem_printf("%.*s", (int)(end - p) + 1, p);
		if (strstr(other, word) == NULL) {
			buf_puts(out, out->len == from ? what : " ");
			buf_add(out, p + 1, (size_t)(end - p) - 1);
		}
		free(word);
	}
	if (out->len == from)
		buf_puts(out, "nothing");
}

/* Of both, which are freed: "contact=new -> contact=old"; or NULL. */
static char *
undone(struct buf *is, struct buf *was, const char *what)
{
	struct buf out = {0};

	put_rest(is->data, was->data, what, &out);
	buf_puts(&out, " -> ");
	put_rest(was->data, is->data, what, &out);
	buf_free(is);
	buf_free(was);
	if (strcmp(out.data, "nothing -> nothing") == 0)
		buf_free(&out);
	return out.data == NULL ? NULL : buf_take(&out);
}

/* What else is put back with the line; or NULL. */
static char *
undone_line(
    const struct maplost_file *f, size_t at, const struct copy *c, size_t no)
{
	struct buf is = {0}, was = {0};

	put_words(f, at, &is);
	put_words(&c->file, no, &was);
	return undone(&is, &was, "");
}

static void
put_default_words(const struct maplost_file *f, struct buf *out)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (is_default(f, i))
			put_words(f, i, out);
}

/* The same of all defaults, whose files were read. */
static char *
undone_defaults(const struct maplost *m, const struct copy *c)
{
	struct buf is = {0}, was = {0};
	size_t i;

	for (i = 0; i < m->nfiles; i++)
		put_default_words(&m->file[i], &is);
	put_default_words(&c->file, &was);
	return undone(&is, &was, "default ");
}

/*
 * The statement in the line `at` of a file is to be that of the line `no` of
 * the copy, both from 0, if it is not so already.
 */
static void
replace(struct search *s, uint32_t source, size_t at, const struct copy *c,
    size_t no)
{
	const struct maplost_file *f = &s->m->file[source];
	struct maplost_put put = {source, at, last_of(f, at), NULL};
	struct buf was = {0}, is = {0};

	put_lines(&c->file, no, last_of(&c->file, no), "", &was);
	put_lines(f, at, put.last, "", &is);
	if (strcmp(was.data, is.data) != 0) {
		put.text = buf_take(&was);
		s->m->put = mem_grow(
		    s->m->put, s->m->nput, &s->m->put_cap, sizeof(*s->m->put));
		s->m->put[s->m->nput++] = put;
	}
	buf_free(&was);
	buf_free(&is);
}

/*
 * The defaults, once, one for one, in the order of the files. 0, or -1 with *e
 * set; *why: they cannot be told which is which.
 */
static int
replace_defaults(struct search *s, const struct copy *c, bool dry, char **why)
{
	const struct maplost_file *f;
	size_t i, no = 0;
	uint32_t k;

	for (k = 0; k < s->m->nfiles; k++) {
		if ((f = own_file(s, k)) == NULL)
			return -1;
		for (i = 0; i < f->n; i++) {
			if (!is_default(f, i))
				continue;
			while (no < c->file.n && !is_default(&c->file, no))
				no++;
			if (no == c->file.n)
				*why = mem_dup("there are more defaults now");
			if (*why != NULL)
				return 0;
			if (!dry)
				replace(s, k, i, c, no);
			no++;
		}
	}
	while (no < c->file.n && !is_default(&c->file, no))
		no++;
	if (no < c->file.n)
		*why = mem_dup("there were more defaults");
	return 0;
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

static bool
is_old(const struct search *s, const struct copy *c)
{
	return s->wanted->n == 0 && c->left != 0 &&
	       c->left < s->now - MAPLOST_SPAN;
}

/* Why it cannot just be put back, or NULL; the caller frees that. */
static char *
why_not(const struct search *s, const struct copy *c, const struct partner *p)
{
	const struct registry *r = s->r;
	const char *whose;
	uint32_t i, d;

	for (i = 0; i < p->ndomains; i++) {
		d = registry_domain(
		    r, c->registry->domain[p->first_domain + i].name);
		if (d == REGISTRY_NONE)
			continue;
		whose = r->partner[r->domain[d].partner].name;
		if (strcmp(whose, p->name) != 0)
			return mem_printf(
			    "%s is of %s now", r->domain[d].name, whose);
	}
	return is_old(s, c) ? mem_dup("gone for over 7 days") : NULL;
}

/* "root for jo (tlspactctl edit)", by the record, or NULL. */
static char *
by_whom(const struct mapgone *gone, const char *name, bool stays)
{
	const struct mapgone_change *c;
	char who[AUTHOR_TEXT];
	size_t i;

	for (i = 0; gone != NULL && i < gone->n; i++) {
		c = &gone->v[i];
		if ((c->opened || c->weaker) != stays ||
		    mapgone_find(c, name) == c->n)
			continue;
		quote_show(who, sizeof(who), c->author, strlen(c->author));
		if (c->agreed == NULL)
			return mem_dup(who);
		return mem_printf("%s (%s)", who,
		    strcmp(c->agreed, MAPEVENT_EDIT) == 0 ? "tlspactctl edit"
							  : "--accept-weaker");
	}
	return NULL;
}

/* His name was added to those of m. */
static struct maplost_partner *
add_partner(
    struct search *s, const struct copy *c, const struct partner *p, bool stays)
{
	struct maplost *m = s->m;

	m->v = mem_grow(m->v, m->n, &m->cap, sizeof(*m->v));
	m->v[m->n] =
	    (struct maplost_partner){.name = m->names.v[m->names.n - 1],
		.copy = c->path,
		.left = c->left,
		.by = c->left == 0 ? NULL : by_whom(s->gone, p->name, stays),
		.why = why_not(s, c, p)};
	return &m->v[m->n++];
}

static void
put_head(const struct maplost_partner *p, struct buf *out)
{
	const char *slash = strrchr(p->copy, '/');
	char when[NUM_TIME_MAX];

	buf_printf(out, "\n" HEAD "%s%s%s, %s%s%s%s; from %s", p->name,
	    p->less == NULL ? "" : ", ", p->less == NULL ? "" : p->less,
	    p->left == 0 ? "not compiled yet" : "since ",
	    p->left == 0 ? "" : num_time_text(p->left, when),
	    p->by == NULL ? "" : " by ", p->by == NULL ? "" : p->by,
	    slash == NULL ? p->copy : slash + 1);
	if (p->place != NULL)
		buf_printf(out, "; to replace that of %s%s%s", p->place,
		    p->undone == NULL ? "" : ", with ",
		    p->undone == NULL ? "" : p->undone);
	if (p->why != NULL)
		buf_printf(out, "; not given back: %s", p->why);
	buf_puts(out, "\n");
}

/* What was appended since then, to the text as well. */
static void
put_appended(struct maplost *m, size_t from)
{
	if (m->append.len > from)
		buf_add(&m->text, m->append.data + from, m->append.len - from);
}

/* What stands in `append` is in the text as well. */
static void
take_missing(struct search *s, const struct copy *c, const struct partner *p)
{
	struct maplost *m = s->m;
	const struct maplost_partner *x = add_partner(s, c, p, false);
	const size_t from = m->append.len;

	append_defaults(s, c);
	if (x->why == NULL) {
		put_head(x, &m->append);
		put_provider(s, c, p->provider);
		put_statement(&c->file, p->line, "", &m->append);
	}
	put_appended(m, from);
	if (x->why == NULL)
		return;
	put_head(x, &m->text);
	put_statement(&c->file, p->line, "#", &m->text);
	m->comments++;
}

/*
 * The defaults of then, unless there is a reason not to: *why. 0, or -1 with
 * *e set.
 */
static int
take_defaults(struct search *s, const struct copy *c, char **why)
{
	struct maplost *m = s->m;

	if (*why == NULL && replace_defaults(s, c, true, why) == -1)
		return -1;
	if (*why == NULL && s->wanted->n > 0)
		*why = mem_dup("it has it from the defaults, which are for "
			       "all: tlspact-compile --lost --write without a "
			       "name puts them back");
	if (*why != NULL || m->defaults)
		return 0;
	m->defaults = true;
	m->undone = undone_defaults(m, c);
	return replace_defaults(s, c, false, why);
}

/* What else is undone by his statement, and by the defaults. */
static void
put_undone(const struct maplost *m, struct maplost_partner *x, char *own,
    bool defaults)
{
	const char *all = defaults ? m->undone : NULL;

	x->undone = own;
	x->undone_own = own == NULL ? 0 : strlen(own);
	if (all == NULL)
		return;
	x->undone = own == NULL ? mem_dup(all) : mem_printf("%s; %s", own, all);
	free(own);
}

/* 0, or -1 with *e set. */
static int
take_weaker(struct search *s, const struct copy *c, const struct partner *p,
    const struct partner *is, const char *less)
{
	struct maplost *m = s->m;
	struct maplost_partner *x = add_partner(s, c, p, true);
	const bool by = by_default(c, p, s->r),
		   defaults = by && s->r->preset.set != 0;
	const size_t from = m->append.len;
	const struct maplost_file *f = own_file(s, is->source);
	size_t i;

	x->less = mem_dup(less);
	x->place =
	    mem_printf("%s:%u", registry_file(s->r, is->source), is->line);
	if (f == NULL || (defaults && take_defaults(s, c, &x->why) == -1))
		return -1;
	if (x->why == NULL) {
		if (by)
			append_defaults(s, c);
		put_provider(s, c, p->provider);
		put_appended(m, from);
		put_undone(m, x, undone_line(f, is->line - 1, c, p->line - 1),
		    defaults);
		replace(s, is->source, is->line - 1, c, p->line - 1);
	}
	put_head(x, &m->text);
	for (i = 0; i < c->file.n && defaults; i++)
		if (is_default(&c->file, i))
			put_lines(
			    &c->file, i, last_of(&c->file, i), "#", &m->text);
	put_statement(&c->file, p->line, "#", &m->text);
	m->comments += x->why != NULL;
	return 0;
}

/* Is he one of r, and what has he less? */
static const struct partner *
find_less(const struct search *s, const struct partner *was, struct buf *less)
{
	const uint32_t i = registry_partner(s->r, was->name);

	if (i == REGISTRY_NONE || i >= s->npartners ||
	    !registry_weaker(&s->r->partner[i], was))
		return NULL;
	buf_clear(less);
	maprecord_print_less(&s->r->partner[i], was, less);
	return &s->r->partner[i];
}

static int
take_copy(struct search *s, const struct copy *c)
{
	bool *missing = registry_missing(s->r, c->registry);
	struct buf less = {0};
	const struct partner *p, *is;
	uint32_t i, known;
	int rv = 0;

	for (i = 0; i < c->registry->npartners && rv == 0; i++) {
		p = &c->registry->partner[i];
		is = missing[i] ? NULL : find_less(s, p, &less);
		known = s->m->names.n;
		/* Of what is long ago, less was agreed. */
		if ((is == NULL && !missing[i]) ||
		    (missing[i] && names_find(&s->untaken, p->name,
				       strlen(p->name)) != STRMAP_NONE) ||
		    !is_wanted(s->wanted, c->registry, i) ||
		    (is != NULL && is_old(s, c)) ||
		    names_add(&s->m->names, p->name, strlen(p->name)) != known)
			continue;
		if (is == NULL)
			take_missing(s, c, p);
		else
			rv = take_weaker(s, c, p, is, less.data);
	}
	buf_free(&less);
	free(missing);
	return rv;
}

/* --- Copies --------------------------------------------------------------- */

/* 0, and c->registry is NULL: it is not there, or of no use. */
static int
open_copy(struct copy *c, bool in_force, time_t now, struct err *e)
{
	struct err ignored;
	struct stat st;

	if (access(c->path, R_OK) == -1)
		return errno == EACCES ? err_sys(e, EX_NOPERM, "cannot read %s",
					     quotes(c->path).s)
				       : 0;
	if ((c->registry = registry_load_kept(c->path, now, &ignored)) == NULL)
		return 0;
	if (read_file(&c->file, c->registry, 0, &st, e) == -1)
		return -1;
	c->left = in_force ? 0 : st.st_mtime;
	return 0;
}

static int
look_into(struct search *s, unsigned age, const char *path)
{
	const uint32_t i = names_add(&s->m->paths, path, strlen(path));
	struct copy c = {.path = s->m->paths.v[i]};
	int rv = open_copy(&c, age == 0, s->now, s->e);

	if (rv == 0 && c.registry != NULL) {
		rv = take_copy(s, &c);
		/* An older copy has them, too. */
		(void)registry_join(s->r, c.registry);
		c.registry = NULL;
	}
	registry_free(c.registry);
	free_file(&c.file);
	return rv;
}

int
maplost_find(struct maplost *out, struct registry *r, const char *map,
    const struct maplost_wanted *wanted, const struct mapgone *gone, time_t now,
    struct err *e)
{
	struct search s = {.m = out,
	    .r = r,
	    .npartners = r->npartners,
	    .wanted = wanted,
	    .gone = gone,
	    .now = now,
	    .e = e};
	unsigned age;
	char *path;
	int rv = 0;

	*out = (struct maplost){0};
	out->nfiles = r->nfiles;
	out->file = mem_zero(r->nfiles + 1, sizeof(*out->file));
	registry_untaken(r, &s.untaken);
	for (age = 0; age <= MAPBUILD_BEFORE && rv == 0; age++) {
		path = age == 0 ? mapbuild_kept(map)
				: mapbuild_kept_before(map, age);
		rv = look_into(&s, age, path);
		free(path);
	}
	names_free(&s.untaken);
	return rv;
}

void
maplost_release(struct maplost *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		free(m->v[i].by);
		free(m->v[i].why);
		free(m->v[i].less);
		free(m->v[i].place);
		free(m->v[i].undone);
	}
	for (i = 0; i < m->nput; i++)
		free(m->put[i].text);
	for (i = 0; i < m->nfiles; i++)
		free_file(&m->file[i]);
	free(m->v);
	free(m->undone);
	free(m->put);
	free(m->file);
	buf_free(&m->text);
	buf_free(&m->append);
	names_free(&m->names);
	names_free(&m->paths);
	names_free(&m->providers);
	*m = (struct maplost){0};
}

/* --- Written -------------------------------------------------------------- */

static bool
is_touched(const struct maplost *m, uint32_t file)
{
	bool touched = file == 0 && m->append.len > 0;
	size_t i;

	for (i = 0; i < m->nput; i++)
		touched = touched || m->put[i].file == file;
	return touched;
}

static int
by_place(const void *a, const void *b)
{
	const struct maplost_put *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* The file as it shall be. */
static void
put_file(const struct maplost *m, uint32_t file, struct buf *out)
{
	const struct maplost_file *f = &m->file[file];
	size_t i = 0, k = 0;

	while (k < m->nput && m->put[k].file < file)
		k++;
	while (i < f->n) {
		if (k == m->nput || m->put[k].file != file ||
		    m->put[k].first != i) {
			put_lines(f, i, i, "", out);
			i++;
			continue;
		}
		buf_puts(out, m->put[k].text);
		i = m->put[k++].last + 1;
	}
	if (file == 0 && m->append.len > 0) {
		if (out->len > 0 && out->data[out->len - 1] != '\n')
			buf_putc(out, '\n');
		buf_add(out, m->append.data, m->append.len);
	}
}

/* A file that is put back: locked, its text, and that as a file of no folder.
 */
struct rewrite {
	struct publish *publish; /* NULL: it is not touched */
	struct buf text;
	int fd;
	char *path;
};

/* While it is still what r was made of. 0, or -1 with *e set. */
static int
prepare(const struct maplost *m, const struct registry *r, uint32_t file,
    struct rewrite *t, struct err *e)
{
	struct maplost_file now = {0};
	int rv;

	if ((t->publish = publish_lock(registry_file(r, file), 0, e)) == NULL)
		return -1;
	rv = read_file(&now, r, file, NULL, e);
	free_file(&now);
	if (rv == -1)
		return -1;
	put_file(m, file, &t->text);
	t->fd = memfd_create("registry", MFD_CLOEXEC);
	if (t->fd == -1 || !fdio_write(t->fd, t->text.data, t->text.len))
		return err_sys(e, EX_OSERR, "cannot keep a copy of %s",
		    quotes(registry_file(r, file)).s);
	/* A pattern of an include may match what lies beside the file. */
	t->path = mem_printf("/proc/self/fd/%d", t->fd);
	return 0;
}

/* All of them as a whole. */
static int
rehearse(const struct registry *r, const struct rewrite *t, size_t n,
    time_t now, struct err *e)
{
	struct diags d = {0};
	struct registry *would;
	uint32_t i;
	size_t k = 0;
	int rv = 0;

	for (i = 0; i < n; i++)
		if (t[i].path != NULL)
			registry_instead(registry_file(r, i), t[i].path);
	would = registry_load(registry_file(r, 0), now, &d, e);
	registry_instead(NULL, NULL);
	if (would == NULL)
		rv = -1;
	while (d.errors > 0 && d.v[k].kind != DIAG_ERROR)
		k++;
	if (rv == 0 && d.errors > 0)
		rv = err_set(e, EX_DATAERR,
		    "the registry would have errors, so that nothing is put "
		    "back: %s:%u: %s",
		    d.v[k].file, d.v[k].line, d.v[k].text);
	diag_free(&d);
	registry_free(would);
	return rv;
}

static int
commit(struct rewrite *t, struct err *e)
{
	int fd;

	if (t->publish == NULL)
		return 0;
	if ((fd = publish_open(t->publish, e)) == -1)
		return -1;
	if (!fdio_write(fd, t->text.data, t->text.len))
		return err_sys(e, err_code_output(errno), "cannot write %s",
		    quotes(publish_temp(t->publish)).s);
	return publish_commit(t->publish, e);
}

/*
 * One of them could not be written, by *e: the first n are what r was made of
 * again. If they cannot be, *e says which.
 */
static void
take_back(const struct maplost *m, const struct registry *r, struct rewrite *t,
    uint32_t n, struct err *e)
{
	const struct err why = *e;
	struct buf left = {0};
	struct err ignored;
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct maplost_file now = {0};
		const struct maplost_file *was = &m->file[i];
		const bool whole = t[i].publish == NULL ||
				   read_file(&now, r, i, NULL, &ignored) == 0;

		free_file(&now);
		if (whole)
			continue;
		publish_abandon(t[i].publish);
		buf_clear(&t[i].text);
		buf_add(&t[i].text, was->text,
		    (size_t)(was->at[was->n] - was->text));
		if (commit(&t[i], &ignored) == -1)
			buf_printf(&left, "%s%s", left.len == 0 ? "" : ", ",
			    quotes(registry_file(r, i)).s);
	}
	if (left.len > 0)
		err_set(e, why.code, "%s; but this is written already: %s",
		    why.text, left.data);
	else
		err_set(
		    e, why.code, "%s; so that nothing is put back", why.text);
	buf_free(&left);
}

int
maplost_write(struct maplost *m, struct registry *r, time_t now, struct err *e)
{
	struct search s = {.m = m, .r = r, .e = e};
	struct rewrite *t = mem_zero(m->nfiles + 1, sizeof(*t));
	uint32_t i;
	int rv = own_file(&s, 0) == NULL ? -1 : 0;

	if (m->nput > 0)
		qsort(m->put, m->nput, sizeof(*m->put), by_place);
	for (i = 0; i < m->nfiles; i++)
		t[i].fd = -1;
	for (i = 0; i < m->nfiles && rv == 0; i++)
		if (is_touched(m, i))
			rv = prepare(m, r, i, &t[i], e);
	if (rv == 0)
		rv = rehearse(r, t, m->nfiles, now, e);
	/* Each of them takes nothing from anybody, if we are killed here. */
	for (i = 0; i < m->nfiles && rv == 0; i++)
		if ((rv = commit(&t[i], e)) == -1)
			take_back(m, r, t, i + 1, e);
	for (i = 0; i < m->nfiles; i++) {
		publish_free(t[i].publish);
		buf_free(&t[i].text);
		if (t[i].fd != -1)
			(void)close(t[i].fd);
		free(t[i].path);
	}
	free(t);
	return rv;
}
