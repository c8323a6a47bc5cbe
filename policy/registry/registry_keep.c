#include "registry_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "diag.h"
#include "digest.h"
#include "err.h"
#include "fdio.h"
#include "file.h"
#include "mem.h"
#include "quote.h"
#include "registry.h"
#include "registry_own.h"

#define BLOCK 65536 /* bytes that are copied at once */
#define HEAD "# The registry as it was last compiled, digest "

/* Is it a line that goes on with the one before? */
static bool
goes_on(const char *line)
{
	return *line == ' ' || *line == '\t';
}

/*
 * Whole lines; an include, with the lines that go on with it, is a comment.
 * *include: they go on with one.
 */
static bool
write_lines(int fd, const char *text, size_t len, bool *include)
{
	const char *end = text + len, *line, *next, *from = text;

	for (line = text; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		next = next == NULL ? end : next + 1;
		if (!goes_on(line) && *line != '\n' && *line != '#')
			*include = strncmp(line, "include", 7) == 0 &&
				   strchr(" \t\n", line[7]) != NULL;
		if (!*include)
			continue;
		if (!fdio_write(fd, from, (size_t)(line - from)) ||
		    !fdio_write(fd, "#", 1))
			return false;
		from = line;
	}
	return fdio_write(fd, from, (size_t)(end - from));
}

/* All of a file, block by block, and its digest. 0, or -1 with *e set. */
static int
copy(int from, const char *path, int to, char hex[DIGEST_HEX], struct err *e)
{
	struct digest *g = digest_new();
	struct buf text = {0};
	bool include = false, ok = true;
	size_t all = 0, whole;
	const char *last;
	ssize_t n = 0;

	while (ok && all <= REGISTRY_FILE_MAX &&
	       (n = read(from, buf_room(&text, BLOCK), BLOCK)) > 0) {
		digest_add(g, text.data + text.len, (size_t)n);
		all += (size_t)n;
		text.len += (size_t)n;
		text.data[text.len] = '\0';
		last = memrchr(text.data, '\n', text.len);
		if (last == NULL)
			continue;
		whole = (size_t)(last + 1 - text.data);
		ok = write_lines(to, text.data, whole, &include);
		text.len -= whole;
		memmove(text.data, last + 1, text.len + 1);
	}
	if (ok && text.len > 0)
		ok = write_lines(to, text.data, text.len, &include) &&
		     fdio_write(to, "\n", 1);
	if (n == -1)
		(void)err_sys(
		    e, err_code_input(errno), "cannot read %s", quotes(path).s);
	else if (!ok)
		(void)err_sys(
		    e, err_code_output(errno), "cannot write the copy");
	buf_free(&text);
	digest_hex(g, hex);
	return n == -1 || !ok ? -1 : 0;
}

static int
copy_file(const struct registry *r, uint32_t i, int to, struct err *e)
{
	const char *path = registry_file(r, i);
	const int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char hex[DIGEST_HEX];
	int rv;

	if (from == -1)
		return err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
	rv = copy(from, path, to, hex, e);
	if (rv == 0 && strcmp(hex, registry_file_digest(r, i)) != 0)
		rv = err_set(e, EX_TEMPFAIL, "%s changed while it was read",
		    quotes(path).s);
	(void)close(from);
	return rv;
}

/* The digest in the first line; false: it is no such copy. */
static bool
read_head(const char *path, char digest[DIGEST_HEX])
{
	char line[sizeof(HEAD) + DIGEST_HEX];
	FILE *f = file_is_special(path) ? NULL : fopen(path, "re");
	bool ok;

	if (f == NULL)
		return false;
	ok = fgets(line, sizeof(line), f) != NULL &&
	     strncmp(line, HEAD, sizeof(HEAD) - 1) == 0 &&
	     strspn(line + sizeof(HEAD) - 1, "0123456789abcdef") ==
		 DIGEST_HEX - 1;
	(void)fclose(f);
	if (ok)
		(void)snprintf(digest, DIGEST_HEX, "%.*s", DIGEST_HEX - 1,
		    line + sizeof(HEAD) - 1);
	return ok;
}

bool
registry_is_kept(const struct registry *r, const char *path)
{
	char digest[DIGEST_HEX];

	return read_head(path, digest) && strcmp(digest, r->digest) == 0;
}

int
registry_keep(const struct registry *r, int fd, struct err *e)
{
	uint32_t i;

	if (dprintf(fd, HEAD "%s\n", r->digest) < 0)
		return err_sys(
		    e, err_code_output(errno), "cannot write the copy");
	for (i = 0; i < r->nfiles; i++)
		if (copy_file(r, i, fd, e) == -1)
			return -1;
	return 0;
}

struct registry *
registry_load_kept(const char *path, time_t now, struct err *e)
{
	char digest[DIGEST_HEX];
	struct diags d = {0};
	struct registry *r;

	if (!read_head(path, digest)) {
		(void)err_set(e, EX_NOINPUT, "%s is no copy of a registry",
		    quotes(path).s);
		return NULL;
	}
	r = registry_load(path, now, &d, e);
	if (r != NULL && d.errors > 0) {
		(void)err_set(e, EX_DATAERR, "%s has errors", quotes(path).s);
		registry_free(r);
		r = NULL;
	}
	diag_free(&d);
	if (r != NULL)
		memcpy(r->digest, digest, DIGEST_HEX);
	return r;
}

/* --- Two of them ---------------------------------------------------------- */

static const char *
former_key(const void *array, uint32_t i)
{
	return ((const char *const *)array)[i];
}

/* Former names of all partners. */
struct formers {
	const char **v;
	size_t n, cap;
	struct strmap map;
};

static void
find_formers(const struct registry *r, struct formers *f)
{
	const struct strs *former;
	size_t i, k;

	strmap_init(&f->map, former_key);
	for (i = 0; i < r->npartners; i++) {
		former = r->partner[i].attributes->former;
		for (k = 0; former != NULL && k < former->n; k++) {
			f->v = mem_grow(f->v, f->n, &f->cap, sizeof(*f->v));
			f->v[f->n] = former->v[k];
			(void)strmap_add(&f->map, f->v, f->v[f->n],
			    strlen(f->v[f->n]), (uint32_t)f->n);
			f->n++;
		}
	}
}

/* Does r have the partner, if by another name? */
static bool
has_partner(
    const struct registry *r, const struct formers *f, const struct partner *p)
{
	const struct strs *former = p->attributes->former;
	size_t i;

	if (registry_partner(r, p->name) != REGISTRY_NONE ||
	    strmap_find(&f->map, f->v, p->name, strlen(p->name)) != STRMAP_NONE)
		return true;
	for (i = 0; former != NULL && i < former->n; i++)
		if (registry_partner(r, former->v[i]) != REGISTRY_NONE)
			return true;
	return false;
}

bool *
registry_missing(const struct registry *r, const struct registry *other)
{
	bool *missing = mem_zero(other->npartners + 1, sizeof(*missing));
	struct formers formers = {0};
	size_t i;

	find_formers(r, &formers);
	for (i = 0; i < other->npartners; i++)
		missing[i] = !has_partner(r, &formers, &other->partner[i]);
	strmap_free(&formers.map);
	free(formers.v);
	return missing;
}

bool
registry_lacks(const struct registry *r, const struct registry *other)
{
	bool *missing = registry_missing(r, other);
	size_t i = 0;
	bool lacks;

	while (i < other->npartners && !missing[i])
		i++;
	lacks = i < other->npartners;
	free(missing);
	return lacks;
}

bool
registry_weaker(const struct partner *is, const struct partner *was)
{
	const struct attributes *a = was->attributes, *b = is->attributes;

	return partner_level(is) < partner_level(was) ||
	       b->inbound < a->inbound ||
	       (a->inbound != INBOUND_OFF &&
		   b->inbound_verify < a->inbound_verify);
}

bool
registry_sinks(const struct registry *r, const struct registry *other)
{
	uint32_t i, k;

	for (i = 0; i < other->npartners; i++) {
		k = registry_partner(r, other->partner[i].name);
		if (k != REGISTRY_NONE &&
		    registry_weaker(&r->partner[k], &other->partner[i]))
			return true;
	}
	return false;
}

static void
join_partner(struct registry *r, const struct registry *other,
    const struct partner *p, uint32_t files)
{
	struct registry_own *own = r->own;
	const uint32_t at = (uint32_t)r->npartners;
	struct partner joined = *p;
	struct domain d;
	uint32_t i;

	joined.first_domain = (uint32_t)r->ndomains;
	joined.ndomains = 0;
	joined.source += files;
	joined.provider = REGISTRY_NONE;
	for (i = 0; i < p->ndomains; i++) {
		d = other->domain[p->first_domain + i];
		if (registry_domain(r, d.name) != REGISTRY_NONE)
			continue;
		d.partner = at;
		r->domain = mem_grow(
		    r->domain, r->ndomains, &own->domain_cap, sizeof(d));
		r->domain[r->ndomains] = d;
		(void)strmap_add(&own->domains, r->domain, d.name,
		    strlen(d.name), (uint32_t)r->ndomains++);
		joined.ndomains++;
	}
	if (joined.ndomains == 0)
		return;
	r->partner = mem_grow(
	    r->partner, r->npartners, &own->partner_cap, sizeof(joined));
	r->partner[r->npartners++] = joined;
	(void)strmap_add(
	    &own->partners, r->partner, joined.name, strlen(joined.name), at);
}

size_t
registry_join(struct registry *r, struct registry *other)
{
	const size_t first = r->npartners;
	const uint32_t files = (uint32_t)r->nfiles;
	struct registry_own *own = r->own;
	bool *missing = registry_missing(r, other);
	struct source *s;
	size_t i;

	for (i = 0; i < other->nfiles; i++) {
		own->source = mem_grow(own->source, r->nfiles, &own->source_cap,
		    sizeof(*own->source));
		s = &own->source[r->nfiles++];
		*s = other->own->source[i];
		s->path = mem_dup(s->path);
		s->text = NULL;
	}
	for (i = 0; i < other->npartners; i++)
		if (missing[i])
			join_partner(r, other, &other->partner[i], files);
	free(missing);
	other->own->joined = own->joined;
	own->joined = other;
	return first;
}
