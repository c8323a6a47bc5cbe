/*
 * Reading the registry: files, what they include, and their statements. What
 * is wrong with the whole is found in registry_check.c.
 */
#include "registry.h"
#include "registry_instead.h"

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "arena.h"
#include "attr.h"
#include "buf.h"
#include "diag.h"
#include "digest.h"
#include "err.h"
#include "file.h"
#include "lines.h"
#include "mem.h"
#include "partnername.h"
#include "quote.h"
#include "registry_check.h"
#include "registry_own.h"
#include "registry_slip.h"

#define AHEAD 16  /* names that are prefetched */
#define FOREIGN 3 /* lines not understood, and none that is: another's file */

struct loading {
	struct registry *r;
	struct digest *digest;
	size_t files; /* read to their ends */
	bool follow;  /* includes */
};

/* A file that is being read. */
struct reading {
	struct loading *all;
	struct registry *r;
	uint32_t source;
	const char *file;
	unsigned depth;
	unsigned foreign; /* lines that are no statements */
	bool understood;  /* one was */
	/*
	 * Complaints about partners come before those about what is of
	 * effect beyond its line, and about included files.
	 */
	struct diags partners, others;
};

enum statement {
	STATEMENT_PARTNER,
	STATEMENT_PROVIDER,
	STATEMENT_DEFAULT,
	STATEMENT_INCLUDE
};

static const struct {
	const char *word;
	unsigned place; /* ATTRIBUTE_OF_* */
} statements[] = {
    [STATEMENT_PARTNER] = {"partner", ATTRIBUTE_OF_PARTNER},
    [STATEMENT_PROVIDER] = {"provider", ATTRIBUTE_OF_PROVIDER},
    [STATEMENT_DEFAULT] = {"default", ATTRIBUTE_OF_DEFAULT},
    [STATEMENT_INCLUDE] = {"include", 0},
};

/* The statement whose words are read. */
struct said {
	struct reading *in;
	enum statement what;
	unsigned line;
	struct diags *d;
	struct attributes *attributes;
	struct partner *partner; /* NULL: it is about another */
};

/* --- Words ---------------------------------------------------------------- */

/* `what "value" is ...` or `what "value": ...`, as the phrase wants it. */
static void
complain(struct diags *d, const char *file, unsigned line, const char *what,
    const char *value, const char *phrase)
{
	bool verb =
	    strncmp(phrase, "is ", 3) == 0 || strncmp(phrase, "has ", 4) == 0;

	diag_error(d, file, line, "%s %s%s %s", what, quotes(value).s,
	    verb ? "" : ":", phrase);
}

/* What follows the word of the statement; NULL after a complaint. */
static const char *
take_name(struct said *s, struct attrs *words, unsigned line)
{
	const char *bad, *word = statements[s->what].word;
	struct attr a = {.line = line};

	if (attr_next(words, &a) != ATTR_WORD) {
		diag_error(s->d, s->in->file, line, "%s has no name", word);
		return NULL;
	}
	if ((bad = partnername_bad(a.name)) == NULL)
		return a.name;
	complain(s->d, s->in->file, a.line, word, a.name, bad);
	return NULL;
}

static void
take_domain(struct said *st, const char *s, const struct attr *a)
{
	char buf[DNAME_NEXTHOP_MAX + ATTRIBUTE_PHRASE_MAX];
	struct registry *r = st->in->r;
	struct dname normal;
	const char *bad;

	if ((bad = dname_nexthop(s, buf, &normal)) != NULL) {
		bad = registry_slip_domain(s, bad, buf, sizeof(buf));
		complain(st->d, st->in->file, a->line, "domain", s, bad);
		return;
	}
	if (normal.s != s)
		s = arena_copy(&r->own->arena, normal.s, normal.len);
	r->domain = mem_grow(
	    r->domain, r->ndomains, &r->own->domain_cap, sizeof(*r->domain));
	r->domain[r->ndomains++] =
	    (struct domain){s, (uint32_t)r->npartners, a->line};
	st->partner->ndomains++;
}

static void
take_domains(struct said *s, struct attr *a)
{
	struct attr_list list = {a->value, a->len};
	size_t len;
	char *name;

	while ((name = attr_list_next(&list, &len)) != NULL)
		if (*name == '\0')
			diag_error(s->d, s->in->file, a->line,
			    "domain: an empty element in the list");
		else
			take_domain(s, name, a);
}

static void
take_provider_name(struct said *s, const struct attr *a)
{
	struct registry_own *own = s->in->r->own;

	own->want = mem_grow(
	    own->want, own->nwants, &own->want_cap, sizeof(*own->want));
	own->want[own->nwants++] =
	    (struct want){a->value, (uint32_t)s->in->r->npartners, a->line};
}

static void
take_attr(struct said *s, struct attr *a)
{
	char buf[DNAME_NEXTHOP_MAX + ATTRIBUTE_PHRASE_MAX];
	unsigned place;
	bool list;
	enum attribute t = attribute_find(a->name, &place, &list);
	struct attr_list rest = {a->value, a->len};
	const char *bad, *culprit, *file = s->in->file;

	if (t == ATTRIBUTE_COUNT) {
		if (registry_slip_name(s->d, file, a) == ATTRIBUTE_DOMAIN)
			s->attributes->set |= ATTRIBUTE_BIT(ATTRIBUTE_DOMAIN);
	} else if ((place & statements[s->what].place) == 0) {
		registry_slip_place(
		    s->d, file, a, statements[s->what].word, s->line);
	} else if (*a->value == '\0') {
		diag_error(
		    s->d, file, a->line, "attribute %s has no value", a->name);
	} else if ((s->attributes->set & ATTRIBUTE_BIT(t)) != 0 && !list) {
		diag_error(
		    s->d, file, a->line, "attribute %s is said twice", a->name);
	} else if (t == ATTRIBUTE_DOMAIN || t == ATTRIBUTE_PROVIDER) {
		s->attributes->set |= ATTRIBUTE_BIT(t);
		if (t == ATTRIBUTE_DOMAIN)
			take_domains(s, a);
		else
			take_provider_name(s, a);
	} else {
		while (rest.next != NULL)
			if ((bad = attribute_take(s->attributes, t, &rest,
				 &s->in->r->own->arena, buf, &culprit)) != NULL)
				complain(
				    s->d, file, a->line, a->name, culprit, bad);
	}
}

static void
take_attrs(struct said *s, struct attrs *words)
{
	struct attr a, before = {.name = NULL};
	enum attr_kind kind;

	for (;; before = a) {
		kind = attr_next(words, &a);
		if (kind == ATTR_WORD ||
		    (kind == ATTR_PAIR && registry_is_cut(words, &a)))
			kind =
			    registry_slip(s->d, s->in->file, words, &a, &before)
				? ATTR_PAIR
				: ATTR_WORD;
		switch (kind) {
		case ATTR_END:
			return;
		case ATTR_WORD:
			a = before;
			break;
		case ATTR_BAD:
			diag_error(s->d, s->in->file, a.line, "%s: %s",
			    quotes(a.name).s, a.fault);
			/* What follows is not read: no complaint about it. */
			s->attributes->set |= ATTRIBUTE_BIT(ATTRIBUTE_DOMAIN);
			return;
		case ATTR_PAIR:
			take_attr(s, &a);
			break;
		}
	}
}

/* --- Statements ----------------------------------------------------------- */

/* Who says the same as the one before shares it. */
static void
take_attributes(
    struct registry *r, struct partner *p, struct attributes *attributes)
{
	struct registry_own *own = r->own;

	p->gateway = attributes->gateway;
	p->contact = attributes->contact;
	attributes->gateway = NULL;
	attributes->contact = NULL;
	if (own->last == NULL ||
	    memcmp(own->last, attributes, sizeof(*attributes)) != 0)
		own->last =
		    memcpy(arena_alloc(&own->arena, sizeof(*attributes)),
			attributes, sizeof(*attributes));
	p->attributes = own->last;
}

static void
take_partner(struct reading *in, struct attrs *words, unsigned line)
{
	struct registry *r = in->r;
	struct attributes attributes;
	struct partner p = {.source = in->source,
	    .line = line,
	    .provider = REGISTRY_NONE,
	    .first_domain = (uint32_t)r->ndomains};
	struct said s = {.in = in,
	    .what = STATEMENT_PARTNER,
	    .line = line,
	    .d = &in->partners,
	    .attributes = &attributes,
	    .partner = &p};

	if ((p.name = take_name(&s, words, line)) == NULL)
		return;
	memset(&attributes, 0,
	    sizeof(attributes)); /* what is between members, too */
	take_attrs(&s, words);
	take_attributes(r, &p, &attributes);
	if ((attributes.set & ATTRIBUTE_BIT(ATTRIBUTE_DOMAIN)) == 0)
		diag_error(&in->partners, in->file, line,
		    "partner %s has no domain", p.name);
	r->partner =
	    mem_grow(r->partner, r->npartners, &r->own->partner_cap, sizeof(p));
	r->partner[r->npartners++] = p;
}

static void
take_provider(struct reading *in, struct attrs *words, unsigned line)
{
	struct registry_own *own = in->r->own;
	struct provider p = {.source = in->source, .line = line}, *q;
	struct said s = {.in = in,
	    .what = STATEMENT_PROVIDER,
	    .line = line,
	    .d = &in->others,
	    .attributes = &p.attributes};
	uint32_t have;

	if ((p.name = take_name(&s, words, line)) == NULL)
		return;
	take_attrs(&s, words);
	have = strmap_add(&own->providers, own->provider, p.name,
	    strlen(p.name), (uint32_t)own->nproviders);
	if (have != STRMAP_NONE) {
		q = &own->provider[have];
		diag_error(&in->others, in->file, line,
		    "provider %s is there already (%s:%u)", quotes(p.name).s,
		    registry_file(in->r, q->source), q->line);
		return;
	}
	own->provider = mem_grow(
	    own->provider, own->nproviders, &own->provider_cap, sizeof(p));
	own->provider[own->nproviders++] = p;
}

static void
take_default(struct reading *in, struct attrs *words, unsigned line)
{
	struct said s = {.in = in,
	    .what = STATEMENT_DEFAULT,
	    .line = line,
	    .d = &in->others,
	    .attributes = &in->r->preset};

	take_attrs(&s, words);
}

/* --- Includes ------------------------------------------------------------- */

static int read_file(struct loading *all, const char *path, uint32_t parent,
    unsigned line, unsigned depth, struct diags *d, struct err *e);

/* Say that the file was met before: in a loop, or only twice. */
static void
met_again(struct registry *r, uint32_t have, const char *path, uint32_t parent,
    unsigned line, struct diags *d)
{
	const struct source *source = r->own->source;
	uint32_t up;

	for (up = parent; up != REGISTRY_NONE; up = source[up].parent)
		if (up == have) {
			diag_error(d, registry_file(r, parent), line,
			    "include loop: %s includes this file",
			    quotes(path).s);
			return;
		}
	diag_error(d, registry_file(r, parent), line,
	    "%s is included twice (first at %s:%u)", quotes(path).s,
	    registry_file(r, source[have].parent), source[have].line);
}

#define WILD "*?[" /* what makes a pattern of a path, glob(7) */

/*
 * The path or pattern, relative to the folder of the file that says it. The
 * folder's own name is no pattern.
 */
static char *
beside(const char *file, const char *pattern)
{
	bool wild = strpbrk(pattern, WILD) != NULL;
	struct buf escaped = {0};
	const char *folder;
	char *copy, *path;

	if (*pattern == '/')
		return mem_dup(pattern);
	copy = mem_dup(file);
	for (folder = dirname(copy); *folder != '\0'; folder++) {
		if (wild && strchr(WILD "\\", *folder) != NULL)
			buf_putc(&escaped, '\\');
		buf_putc(&escaped, *folder);
	}
	free(copy);
	buf_printf(&escaped, "/%s", pattern);
	path = buf_take(&escaped);
	if (strncmp(path, "./", 2) == 0)
		memmove(path, path + 2, strlen(path) - 1);
	return path;
}

/* The folder that glob(3) could not look into; it hands nothing through. */
static _Thread_local struct {
	struct quoted path;
	int why;
} unread;

/* Left to itself, glob(3) takes such a folder for an empty one. */
static int
on_glob_error(const char *path, int why)
{
	unread.path = quotes(path);
	unread.why = why;
	return why != ENOENT && why != ENOTDIR;
}

static void
include_file(struct reading *in, const char *path, unsigned line)
{
	struct err e;

	if (read_file(in->all, path, in->source, line, in->depth + 1,
		&in->others, &e) == -1)
		diag_error(&in->others, in->file, line, "include: %s", e.text);
}

/* The lock beside a file (publish.h), or a new one that is not in place yet. */
static bool
is_passed_over(const char *path)
{
	const char *end = strrchr(path, '.');

	return end != NULL &&
	       (strcmp(end, ".lock") == 0 || strcmp(end, ".tmp") == 0);
}

static void
include_all(struct reading *in, const char *pattern, unsigned line)
{
	glob_t g;
	int rc = glob(pattern, 0, on_glob_error, &g);
	size_t i;

	if (rc == GLOB_ABORTED)
		diag_error(&in->others, in->file, line,
		    "include %s: folder %s: %s", quotes(pattern).s,
		    unread.path.s, strerror(unread.why));
	else if (rc != 0 && rc != GLOB_NOMATCH)
		diag_error(&in->others, in->file, line,
		    "include %s: cannot be read", quotes(pattern).s);
	for (i = 0; rc == 0 && i < g.gl_pathc; i++)
		if (!is_passed_over(g.gl_pathv[i]))
			include_file(in, g.gl_pathv[i], line);
	globfree(&g);
}

static void
take_include(struct reading *in, struct attrs *words, unsigned line)
{
	struct attr a, more;
	char *pattern;

	if (attr_next(words, &a) != ATTR_WORD ||
	    attr_next(words, &more) != ATTR_END) {
		diag_error(&in->others, in->file, line,
		    "include takes one file pattern");
		return;
	}
	if (!in->all->follow || in->depth + 1 > REGISTRY_DEPTH_MAX) {
		diag_error(&in->others, in->file, line,
		    "include %s: includes are nested too deeply",
		    quotes(a.name).s);
		return;
	}
	pattern = beside(in->file, a.name);
	if (strpbrk(a.name, WILD) == NULL)
		include_file(in, pattern, line);
	else
		include_all(in, pattern, line);
	free(pattern);
}

/* --- Files ---------------------------------------------------------------- */

static void
take_line(struct reading *in, struct line *line)
{
	struct attrs words;
	struct attr a;
	unsigned what;

	if (registry_slip_begin(&in->partners, in->file, line))
		return;
	attr_init(&words, line->text, line->no);
	if (attr_next(&words, &a) != ATTR_WORD) {
		registry_slip_pair(&in->partners, in->file, line->no, a.name);
		in->foreign++;
		return;
	}
	for (what = 0; what <= STATEMENT_INCLUDE; what++)
		if (strcmp(a.name, statements[what].word) == 0)
			break;
	if (what <= STATEMENT_INCLUDE)
		in->understood = true;
	else
		in->foreign++;
	switch (what) {
	case STATEMENT_PARTNER:
		take_partner(in, &words, line->no);
		break;
	case STATEMENT_PROVIDER:
		take_provider(in, &words, line->no);
		break;
	case STATEMENT_DEFAULT:
		take_default(in, &words, line->no);
		break;
	case STATEMENT_INCLUDE:
		take_include(in, &words, line->no);
		break;
	default:
		registry_slip_word(&in->partners, in->file, line->no, a.name);
	}
}

static const char *
bad_byte_text(char c)
{
	return c == '\r' ? "a carriage return: the file has DOS line ends "
			   "(tr -d '\\r' removes them)"
	       : (unsigned char)c < 0x20 || c == 0x7f
		   ? "a control character is not allowed"
		   : "the file is not UTF-8";
}

static void
take_lines(struct reading *in, char *text, size_t len)
{
	struct lines lines;
	struct line line;
	long bad = lines_bad_byte(text, len);

	if (bad != -1) {
		diag_error(&in->partners, in->file,
		    lines_number(text, (size_t)bad), "%s: %s",
		    quote(text + bad, 1).s, bad_byte_text(text[bad]));
		return;
	}
	lines_init(&lines, text, len);
	while (lines_next(&lines, &line)) {
		if (!in->understood && in->foreign == FOREIGN) {
			diag_error(&in->partners, in->file, line.no,
			    "not read from here on: no line is of a registry");
			break;
		}
		take_line(in, &line);
	}
}

/* Read the text of s, which becomes the registry's with all that s has. */
static void
take_text(struct loading *all, const struct source *s, size_t len,
    unsigned depth, struct diags *d)
{
	struct registry *r = all->r;
	struct registry_own *own = r->own;
	struct reading in = {.all = all,
	    .r = r,
	    .source = (uint32_t)r->nfiles,
	    .file = s->path,
	    .depth = depth};
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX];

	own->source =
	    mem_grow(own->source, r->nfiles, &own->source_cap, sizeof(*s));
	own->source[r->nfiles++] = *s;
	digest_add(digest, s->text, len);
	digest_hex(digest, hex);
	memcpy(own->source[in.source].digest, hex, DIGEST_HEX);
	take_lines(&in, s->text, len);
	diag_move(d, &in.partners);
	diag_move(d, &in.others);
	/* One file: its digest. Several: the digest over theirs, a line each.
	 */
	if (all->files++ == 0)
		memcpy(r->digest, hex, DIGEST_HEX);
	digest_add(all->digest, hex, DIGEST_HEX - 1);
	digest_add(all->digest, "\n", 1);
}

/* Read one file; complaints about it go to where it is included. */
static int
read_file(struct loading *all, const char *path, uint32_t parent, unsigned line,
    unsigned depth, struct diags *d, struct err *e)
{
	struct registry_own *own = all->r->own;
	struct source s = {.parent = parent, .line = line};
	const char *from = registry_instead_of(path);
	struct stat st;
	uint32_t have;
	size_t len;

	/* The first one may be a pipe: whoever names it means it. */
	if (parent != REGISTRY_NONE && file_is_special(path))
		return err_set(
		    e, EX_DATAERR, "%s is not a file", quotes(path).s);
	s.text = file_slurp(from, REGISTRY_FILE_MAX, &len, &st, e);
	if (s.text == NULL)
		return -1;
	(void)snprintf(s.id, sizeof(s.id), "%llx:%llx",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	have = strmap_add(&own->sources, own->source, s.id, strlen(s.id),
	    (uint32_t)all->r->nfiles);
	if (have != STRMAP_NONE) {
		met_again(all->r, have, path, parent, line, d);
		free(s.text);
		return 0;
	}
	s.path = mem_dup(path);
	take_text(all, &s, len, depth, d);
	return 0;
}

/* --- The whole ------------------------------------------------------------ */

static const char *
partner_key(const void *array, uint32_t i)
{
	return ((const struct partner *)array)[i].name;
}

static const char *
domain_key(const void *array, uint32_t i)
{
	return ((const struct domain *)array)[i].name;
}

static const char *
provider_key(const void *array, uint32_t i)
{
	return ((const struct provider *)array)[i].name;
}

static const char *
source_key(const void *array, uint32_t i)
{
	return ((const struct source *)array)[i].id;
}

static struct registry *
registry_new(void)
{
	struct registry *r = mem_zero(1, sizeof(*r));

	r->own = mem_zero(1, sizeof(*r->own));
	strmap_init(&r->own->partners, partner_key);
	strmap_init(&r->own->domains, domain_key);
	strmap_init(&r->own->providers, provider_key);
	strmap_init(&r->own->sources, source_key);
	return r;
}

void
registry_free(struct registry *r)
{
	struct registry_own *own;
	size_t i;

	if (r == NULL)
		return;
	own = r->own;
	for (i = 0; i < r->nfiles; i++) {
		free(own->source[i].path);
		free(own->source[i].text);
	}
	free(own->source);
	free(own->provider);
	free(own->want);
	strmap_free(&own->partners);
	strmap_free(&own->domains);
	strmap_free(&own->providers);
	strmap_free(&own->sources);
	arena_free(&own->arena);
	registry_free(own->joined);
	free(own);
	free(r->partner);
	free(r->domain);
	free(r);
}

static void
add_partner(struct registry *r, uint32_t i, struct diags *d)
{
	const struct partner *p = &r->partner[i], *q;
	uint32_t have = strmap_add(
	    &r->own->partners, r->partner, p->name, strlen(p->name), i);

	if (have == STRMAP_NONE)
		return;
	q = &r->partner[have];
	diag_error(d, partner_file(r, p), p->line,
	    "partner %s is there already (%s:%u)", quotes(p->name).s,
	    partner_file(r, q), q->line);
}

static void
add_domain(struct registry *r, uint32_t i, struct diags *d)
{
	const struct domain *dom = &r->domain[i], *first;
	const struct partner *p = &r->partner[dom->partner], *q;
	uint32_t have = strmap_add(
	    &r->own->domains, r->domain, dom->name, strlen(dom->name), i);

	if (have == STRMAP_NONE)
		return;
	first = &r->domain[have];
	q = &r->partner[first->partner];
	if (p == q)
		diag_error(d, partner_file(r, p), dom->line,
		    "domain %s is said twice (line %u)", quotes(dom->name).s,
		    first->line);
	else
		diag_error(d, partner_file(r, p), dom->line,
		    "domain %s belongs to partner %s already (%s:%u)",
		    quotes(dom->name).s, q->name, partner_file(r, q),
		    first->line);
}

/* A name may belong to one partner, and so may a domain. */
static void
add_names(struct registry *r, struct diags *d)
{
	struct registry_own *own = r->own;
	struct diags domains = {0};
	const struct partner *p;
	const char *name;
	uint32_t i, k;

	strmap_reserve(&own->partners, r->npartners);
	strmap_reserve(&own->domains, r->ndomains);
	for (i = 0; i < r->npartners; i++) {
		if (i + AHEAD < r->npartners) {
			p = &r->partner[i + AHEAD];
			strmap_prefetch(
			    &own->partners, p->name, strlen(p->name));
			name = p->ndomains == 0
				   ? ""
				   : r->domain[p->first_domain].name;
			strmap_prefetch(&own->domains, name, strlen(name));
		}
		add_partner(r, i, d);
		p = &r->partner[i];
		for (k = 0; k < p->ndomains; k++)
			add_domain(r, p->first_domain + k, &domains);
	}
	diag_move(d, &domains);
}

/* All of it, but the note, is said by the partner itself. */
static void
check_effect(const struct registry *r, const struct want *w, struct diags *d)
{
	const struct partner *p = &r->partner[w->partner];
	const uint32_t said = r->own->provider[p->provider].attributes.set &
			      ~ATTRIBUTE_BIT(ATTRIBUTE_NOTE);

	if (said != 0 && (said & ~p->attributes->set) == 0)
		diag_warning(d, partner_file(r, p), w->line,
		    "partner %s: provider=%s changes nothing: all that it says "
		    "is said here, too",
		    p->name, w->name);
}

static void
find_providers(struct registry *r, struct diags *d)
{
	const struct registry_own *own = r->own;
	struct partner *p;
	struct want *w;
	size_t i;

	for (i = 0; i < own->nwants; i++) {
		w = &own->want[i];
		p = &r->partner[w->partner];
		p->provider = strmap_find(
		    &own->providers, own->provider, w->name, strlen(w->name));
		if (p->provider == STRMAP_NONE)
			diag_error(d, partner_file(r, p), w->line,
			    "partner %s: unknown provider %s%s", p->name,
			    quotes(w->name).s,
			    registry_slip_provider(r, w->name).s);
		else
			check_effect(r, w, d);
	}
}

/* Fill in what the partners do not say themselves. */
static void
settle(struct registry *r)
{
	const struct registry_own *own = r->own;
	const struct attributes *said = NULL;
	uint32_t provider = REGISTRY_NONE;
	struct attributes *full = NULL;
	struct partner *p;
	size_t i;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->attributes != said || p->provider != provider) {
			said = p->attributes;
			provider = p->provider;
			full = arena_alloc(&r->own->arena, sizeof(*full));
			*full = *said;
			full->own = said->set;
			if (provider != REGISTRY_NONE)
				attributes_inherit(
				    full, &own->provider[provider].attributes);
			attributes_inherit(full, &r->preset);
			attributes_preset(full);
		}
		p->attributes = full;
		if (p->gateway == NULL)
			p->gateway = full->gateway;
	}
}

static void
finish(struct registry *r, time_t now, bool files, struct diags *d)
{
	add_names(r, d);
	find_providers(r, d);
	settle(r);
	registry_check(r, now, files, d);
}

struct registry *
registry_load(const char *path, time_t now, struct diags *d, struct err *e)
{
	struct loading all = {
	    .r = registry_new(), .digest = digest_new(), .follow = true};
	int rc = read_file(&all, path, REGISTRY_NONE, 0, 0, d, e);
	char digest[DIGEST_HEX];

	digest_hex(all.digest, digest);
	if (rc == -1) {
		registry_free(all.r);
		return NULL;
	}
	if (all.files > 1)
		memcpy(all.r->digest, digest, DIGEST_HEX);
	finish(all.r, now, true, d);
	return all.r;
}

struct registry *
registry_parse(
    const char *name, const char *text, size_t len, time_t now, struct diags *d)
{
	struct loading all = {.r = registry_new(), .digest = digest_new()};
	struct source s = {.path = mem_dup(name),
	    .text = mem_alloc(len + 1),
	    .parent = REGISTRY_NONE};
	char unused[DIGEST_HEX];

	memcpy(s.text, text, len);
	take_text(&all, &s, len, 0, d);
	digest_hex(all.digest, unused);
	finish(all.r, now, false, d);
	return all.r;
}

/* --- Finding -------------------------------------------------------------- */

const char *
registry_file(const struct registry *r, uint32_t source)
{
	return r->own->source[source].path;
}

const char *
registry_file_digest(const struct registry *r, uint32_t source)
{
	return r->own->source[source].digest;
}

const struct attributes *
registry_provider(const struct registry *r, size_t i, const char **name)
{
	const struct provider *p =
	    i < r->own->nproviders ? &r->own->provider[i] : NULL;

	*name = p == NULL ? NULL : p->name;
	return p == NULL ? NULL : &p->attributes;
}

unsigned
registry_provider_line(const struct registry *r, size_t i)
{
	return r->own->provider[i].line;
}

uint32_t
registry_former(const struct registry *r, const char *name)
{
	const struct strs *former;
	uint32_t i;
	size_t k;

	for (i = 0; i < r->npartners; i++) {
		former = r->partner[i].attributes->former;
		for (k = 0; former != NULL && k < former->n; k++)
			if (strcmp(former->v[k], name) == 0)
				return i;
	}
	return REGISTRY_NONE;
}

uint32_t
registry_partner(const struct registry *r, const char *name)
{
	return strmap_find(&r->own->partners, r->partner, name, strlen(name));
}

uint32_t
registry_domain(const struct registry *r, const char *name)
{
	return strmap_find(&r->own->domains, r->domain, name, strlen(name));
}

bool
registry_has(const struct registry *r, const char *partner, const char *domain)
{
	uint32_t i = registry_domain(r, domain);

	return i != REGISTRY_NONE &&
	       strcmp(r->partner[r->domain[i].partner].name, partner) == 0;
}

uint32_t
registry_find(const struct registry *r, const char *name)
{
	char buf[DNAME_NEXTHOP_MAX + ATTRIBUTE_PHRASE_MAX];
	struct dname normal;
	uint32_t i;

	i = registry_partner(r, name);
	if (i != REGISTRY_NONE)
		return i;
	if (dname_nexthop(name, buf, &normal) != NULL)
		return REGISTRY_NONE;
	i = registry_domain(r, normal.s);
	return i == REGISTRY_NONE ? i : r->domain[i].partner;
}

uint32_t
registry_above(const struct registry *r, const char *name)
{
	uint32_t i;

	while ((name = registry_up(name)) != NULL) {
		i = registry_domain(r, name);
		if (i != REGISTRY_NONE)
			return r->domain[i].partner;
	}
	return REGISTRY_NONE;
}

uint32_t
registry_covering(const struct registry *r, const char *domain)
{
	char buf[DNAME_MAX + ATTRIBUTE_PHRASE_MAX];
	struct dname name;
	uint32_t i;

	if (dname_host(domain, buf, &name) != NULL)
		return REGISTRY_NONE;
	i = registry_find(r, name.s);
	return i == REGISTRY_NONE ? registry_above(r, name.s) : i;
}

uint32_t
registry_meant(const struct registry *r, const char *name)
{
	const uint32_t i = registry_find(r, name);

	return i == REGISTRY_NONE ? registry_covering(r, name) : i;
}

const char **
registry_domains(const struct registry *r, const struct partner *p, size_t *n)
{
	const char **v;
	size_t i;

	*n = p == NULL ? 0 : p->ndomains;
	v = mem_zero(*n + 1, sizeof(*v));
	for (i = 0; i < *n; i++)
		v[i] = r->domain[p->first_domain + i].name;
	return v;
}

uint32_t
registry_parent(const struct registry *r, const char *name, size_t *at)
{
	const char *dot = *at == 0 && *name == '.'
			      ? name
			      : strchr(name + (*at == 0 ? 1 : *at), '.');
	uint32_t i;

	for (; dot != NULL; dot = strchr(dot + 1, '.')) {
		i = dot == name ? REGISTRY_NONE : registry_domain(r, dot);
		if (i == REGISTRY_NONE)
			i = registry_domain(r, dot + 1);
		*at = (size_t)(dot - name) + 1;
		if (i != REGISTRY_NONE)
			return i;
	}
	return REGISTRY_NONE;
}
