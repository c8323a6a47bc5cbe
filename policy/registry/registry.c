/*
 * Reading the registry: files and what they include. A file is cut in
 * pieces, which fragment.c reads; here they are put together. What is wrong
 * with the whole is found in registry_check.c.
 */
#include "registry.h"

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "attr.h"
#include "buf.h"
#include "diag.h"
#include "digest.h"
#include "err.h"
#include "file.h"
#include "fragment.h"
#include "inorder.h"
#include "mem.h"
#include "quote.h"
#include "registry_check.h"
#include "textfile.h"
#include "thread.h"

#define LARGE (2 * 1024 * 1024) /* bytes of a file that is worth threads */

struct reading {
	struct registry *r;
	struct diags *d;
	struct digest *digest;
	size_t files; /* read to their ends */
	bool follow;  /* includes */
	bool texts;   /* are kept */
};

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

	strmap_init(&r->partners, partner_key);
	strmap_init(&r->domains, domain_key);
	strmap_init(&r->providers, provider_key);
	strmap_init(&r->sources, source_key);
	return r;
}

void
registry_free(struct registry *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->nsources; i++)
		free(r->source[i].path);
	free(r->source);
	free(r->partner);
	free(r->domain);
	free(r->provider);
	free(r->want);
	free(r->partner_hash);
	free(r->domain_hash);
	strmap_free(&r->partners);
	strmap_free(&r->domains);
	strmap_free(&r->providers);
	strmap_free(&r->sources);
	arena_free(&r->arena);
	free(r);
}

const char *
registry_file(const struct registry *r, uint32_t source)
{
	return r->source[source].path;
}

static void
take_provider(struct reading *in, uint32_t source, struct aside *st)
{
	struct registry *r = in->r;
	const char *file = registry_file(r, source), *name;
	struct provider p = {.source = source, .line = st->line};
	uint32_t have;
	size_t len;

	name = fragment_name(STATEMENT_PROVIDER, &st->words, file, st->line,
	    &r->arena, &len, in->d);
	if (name == NULL)
		return;
	p.name = name;
	fragment_terms(
	    &p.terms, STATEMENT_PROVIDER, &st->words, file, &r->arena, in->d);
	have = strmap_add(
	    &r->providers, r->provider, name, len, (uint32_t)r->nproviders);
	if (have != STRMAP_NONE) {
		diag_error(in->d, file, st->line,
		    "provider %s is there already (%s:%u)", quotes(name).s,
		    registry_file(r, r->provider[have].source),
		    r->provider[have].line);
		return;
	}
	r->provider =
	    mem_grow(r->provider, r->nproviders, &r->provider_cap, sizeof(p));
	r->provider[r->nproviders++] = p;
}

static int read_pieces(struct reading *in, struct textfile *file,
    uint32_t source, unsigned depth, struct err *e);

/* One file: its digest. Several: the digest over theirs, a line each. */
static void
add_digest(struct reading *in, const char *digest)
{
	if (in->files++ == 0)
		memcpy(in->r->digest, digest, DIGEST_HEX);
	digest_add(in->digest, digest, DIGEST_HEX - 1);
	digest_add(in->digest, "\n", 1);
}

/* Say that the file was met before: in a loop, or only twice. */
static void
met_again(struct reading *in, uint32_t have, const char *path, uint32_t parent,
    unsigned line)
{
	const struct registry *r = in->r;
	uint32_t up;

	for (up = parent; up != REGISTRY_NONE; up = r->source[up].parent)
		if (up == have) {
			diag_error(in->d, registry_file(r, parent), line,
			    "include loop: %s includes this file",
			    quotes(path).s);
			return;
		}
	diag_error(in->d, registry_file(r, parent), line,
	    "%s is included twice (first at %s:%u)", quotes(path).s,
	    registry_file(r, r->source[have].parent), r->source[have].line);
}

/* Read one file; complaints about it go to where it is included. */
static int
read_file(struct reading *in, const char *path, uint32_t parent, unsigned line,
    unsigned depth, struct err *e)
{
	struct registry *r = in->r;
	struct source s = {.parent = parent, .line = line};
	uint32_t index = (uint32_t)r->nsources, have;
	struct textfile *file;
	char digest[DIGEST_HEX];
	struct stat st;
	int rc;

	/* The first one may be a pipe: whoever names it means it. */
	if (parent != REGISTRY_NONE && file_is_special(path))
		return err_set(
		    e, EX_DATAERR, "%s is not a file", quotes(path).s);
	if ((file = textfile_open(path, REGISTRY_FILE_MAX, &st, e)) == NULL)
		return -1;
	(void)snprintf(s.id, sizeof(s.id), "%llx:%llx",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	have = strmap_add(&r->sources, r->source, s.id, strlen(s.id), index);
	if (have != STRMAP_NONE) {
		met_again(in, have, path, parent, line);
		textfile_close(file, NULL);
		return 0;
	}
	s.path = mem_dup(path);
	r->source = mem_grow(
	    r->source, r->nsources, &r->source_cap, sizeof(*r->source));
	r->source[r->nsources++] = s;
	rc = read_pieces(in, file, index, depth, e);
	textfile_close(file, digest);
	add_digest(in, digest);
	return rc;
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
include_file(struct reading *in, const char *path, uint32_t source,
    unsigned line, unsigned depth)
{
	struct err e;

	if (read_file(in, path, source, line, depth + 1, &e) == -1)
		diag_error(in->d, registry_file(in->r, source), line,
		    "include: %s", e.text);
}

static void
include_all(struct reading *in, const char *pattern, uint32_t source,
    unsigned line, unsigned depth)
{
	glob_t g;
	int rc = glob(pattern, 0, on_glob_error, &g);
	size_t i;

	if (rc == GLOB_ABORTED)
		diag_error(in->d, registry_file(in->r, source), line,
		    "include %s: folder %s: %s", quotes(pattern).s,
		    unread.path.s, strerror(unread.why));
	else if (rc != 0 && rc != GLOB_NOMATCH)
		diag_error(in->d, registry_file(in->r, source), line,
		    "include %s: cannot be read", quotes(pattern).s);
	for (i = 0; rc == 0 && i < g.gl_pathc; i++)
		include_file(in, g.gl_pathv[i], source, line, depth);
	globfree(&g);
}

static void
take_include(
    struct reading *in, uint32_t source, struct aside *st, unsigned depth)
{
	const char *file = registry_file(in->r, source);
	struct attr a, more;
	char *pattern;

	if (attr_next(&st->words, &a) != ATTR_WORD ||
	    attr_next(&st->words, &more) != ATTR_END) {
		diag_error(
		    in->d, file, st->line, "include takes one file pattern");
		return;
	}
	if (!in->follow || depth + 1 > REGISTRY_DEPTH_MAX) {
		diag_error(in->d, file, st->line,
		    "include %s: includes are nested too deeply",
		    quotes(a.name).s);
		return;
	}
	pattern = beside(file, a.name);
	if (strpbrk(a.name, WILD) == NULL)
		include_file(in, pattern, source, st->line, depth);
	else
		include_all(in, pattern, source, st->line, depth);
	free(pattern);
}

/* How far the parts of a fragment have been taken over. */
struct taken {
	size_t partners, domains, wants;
};

/* Take over the partners before `until`, with what is theirs. */
static void
take_partners(
    struct registry *r, const struct fragment *f, struct taken *t, size_t until)
{
	size_t domains =
	    until < f->npartners ? f->partner[until].first_domain : f->ndomains;
	/* What an index in the fragment is off. */
	uint32_t shift = (uint32_t)(r->npartners - t->partners);
	uint32_t domain_shift = (uint32_t)(r->ndomains - t->domains);
	size_t n = until - t->partners;

	r->partner = mem_reserve(
	    r->partner, r->npartners, n, &r->partner_cap, sizeof(*r->partner));
	r->partner_hash = mem_reserve(r->partner_hash, r->npartners, n,
	    &r->partner_hash_cap, sizeof(*r->partner_hash));
	for (; t->partners < until; t->partners++) {
		r->partner_hash[r->npartners] = f->partner_hash[t->partners];
		r->partner[r->npartners] = f->partner[t->partners];
		r->partner[r->npartners++].first_domain += domain_shift;
	}
	n = domains - t->domains;
	r->domain = mem_reserve(
	    r->domain, r->ndomains, n, &r->domain_cap, sizeof(*r->domain));
	r->domain_hash = mem_reserve(r->domain_hash, r->ndomains, n,
	    &r->domain_hash_cap, sizeof(*r->domain_hash));
	for (; t->domains < domains; t->domains++) {
		r->domain_hash[r->ndomains] = f->domain_hash[t->domains];
		r->domain[r->ndomains] = f->domain[t->domains];
		r->domain[r->ndomains++].partner += shift;
	}
	for (; t->wants < f->nwants && f->want[t->wants].partner < until;
	     t->wants++) {
		r->want = mem_grow(
		    r->want, r->nwants, &r->want_cap, sizeof(*r->want));
		r->want[r->nwants] = f->want[t->wants];
		r->want[r->nwants++].partner += shift;
	}
}

/* Put a fragment behind what was read before. */
static void
take_fragment(struct reading *in, struct fragment *f, unsigned depth)
{
	struct taken t = {0};
	struct aside *st;
	size_t i;

	diag_move(in->d, &f->diags);
	for (i = 0; i < f->nasides; i++) {
		st = &f->aside[i];
		take_partners(in->r, f, &t, st->partner);
		if (st->what == STATEMENT_PROVIDER)
			take_provider(in, f->source, st);
		else if (st->what == STATEMENT_DEFAULT)
			fragment_terms(&in->r->preset, STATEMENT_DEFAULT,
			    &st->words, f->file, &in->r->arena, in->d);
		else
			take_include(in, f->source, st, depth);
	}
	take_partners(in->r, f, &t, f->npartners);
}

/* A file whose pieces are read, for inorder_run(). */
struct pieces {
	struct reading *in;
	struct textfile *file;
	const char *name;
	uint32_t source;
	unsigned depth, threads;
	int rc; /* of textfile_next() */
	struct err err;
};

static bool
next_piece(void *arg, void *item)
{
	struct pieces *p = arg;
	struct fragment *f = item;

	p->rc = textfile_next(p->file, &f->piece, &p->err);
	return p->rc == 1;
}

static void
work_piece(void *arg, void *item)
{
	struct pieces *p = arg;
	struct fragment *f = item;

	f->file = p->name;
	f->source = p->source;
	f->arena = p->threads > 0 ? &f->own : &p->in->r->arena;
	f->texts = p->in->texts;
	fragment_read(f);
}

static bool
take_piece(void *arg, void *item)
{
	struct pieces *p = arg;
	struct fragment *f = item;

	take_fragment(p->in, f, p->depth);
	return !f->bad;
}

static void
drop_piece(void *arg, void *item)
{
	struct pieces *p = arg;
	struct fragment *f = item;

	arena_move(&p->in->r->arena, &f->own);
	fragment_free(f);
}

static int
read_pieces(struct reading *in, struct textfile *file, uint32_t source,
    unsigned depth, struct err *e)
{
	static const struct inorder how = {sizeof(struct fragment), next_piece,
	    work_piece, take_piece, drop_piece};
	struct pieces p = {.in = in,
	    .file = file,
	    .name = registry_file(in->r, source),
	    .source = source,
	    .depth = depth};

	if (textfile_size(file) > LARGE)
		p.threads = thread_count();
	inorder_run(&how, &p, p.threads);
	if (p.rc == -1)
		*e = p.err;
	return p.rc == -1 ? -1 : 0;
}

static struct registry *
load(const char *path, bool texts, time_t now, struct diags *d, struct err *e)
{
	struct reading in = {.r = registry_new(),
	    .d = d,
	    .digest = digest_new(),
	    .follow = true,
	    .texts = texts};
	char digest[DIGEST_HEX];
	int rc = read_file(&in, path, REGISTRY_NONE, 0, 0, e);

	digest_hex(in.digest, digest);
	if (in.files > 1)
		memcpy(in.r->digest, digest, DIGEST_HEX);
	if (rc == -1) {
		registry_free(in.r);
		return NULL;
	}
	registry_check(in.r, now, true, d);
	return in.r;
}

struct registry *
registry_load(const char *path, time_t now, struct diags *d, struct err *e)
{
	return load(path, true, now, d, e);
}

struct registry *
registry_load_rules(
    const char *path, time_t now, struct diags *d, struct err *e)
{
	return load(path, false, now, d, e);
}

struct registry *
registry_parse(
    const char *name, const char *text, size_t len, time_t now, struct diags *d)
{
	struct reading in = {.r = registry_new(), .d = d};
	struct registry *r = in.r;
	struct fragment f = {.source = 0,
	    .arena = &r->arena,
	    .texts = true,
	    .piece = {mem_alloc(len + 1), len, 1, len + 1}};

	r->source = mem_grow(
	    r->source, r->nsources, &r->source_cap, sizeof(*r->source));
	r->source[0] =
	    (struct source){.path = mem_dup(name), .parent = REGISTRY_NONE};
	r->nsources = 1;
	memcpy(f.piece.text, text, len);
	in.digest = digest_new();
	digest_add(in.digest, text, len);
	digest_hex(in.digest, r->digest);
	f.file = registry_file(r, 0);
	fragment_read(&f);
	take_fragment(&in, &f, 0);
	fragment_free(&f);
	registry_check(r, now, false, d);
	return r;
}

uint32_t
registry_parent(const struct registry *r, const char *name, size_t *at)
{
	const char *dot = *at == 0 && *name == '.'
			      ? name
			      : strchr(name + (*at == 0 ? 1 : *at), '.');
	uint32_t i;

	for (; dot != NULL; dot = strchr(dot + 1, '.')) {
		i = dot == name
			? STRMAP_NONE
			: strmap_find(&r->domains, r->domain, dot, strlen(dot));
		if (i == STRMAP_NONE)
			i = strmap_find(
			    &r->domains, r->domain, dot + 1, strlen(dot + 1));
		*at = (size_t)(dot - name) + 1;
		if (i != STRMAP_NONE)
			return i;
	}
	return REGISTRY_NONE;
}
