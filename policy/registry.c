/*
 * Reading the registry: files, statements, attributes. What is wrong with
 * the whole is found in registry_check.c.
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
#include "diag.h"
#include "digest.h"
#include "err.h"
#include "file.h"
#include "lines.h"
#include "mem.h"
#include "quote.h"
#include "registry_check.h"
#include "terms.h"
#include "textfile.h"

struct reading {
	struct registry *r;
	struct diags *d;
	struct digest *digest;
	size_t files; /* read to their ends */
	bool follow;  /* includes */
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

static const char *
bad_name(const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++) {
		char c = name[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9');

		if (!alnum && (i == 0 || strchr("._-", c) == NULL))
			return "a name is letters, digits, '.', '_' and '-', "
			       "and begins with a letter or digit";
	}
	return i > REGISTRY_NAME_MAX ? "is longer than 63 bytes" : NULL;
}

static void
take_domain(struct reading *in, struct partner *p, uint32_t index, char *s,
    const struct attr *a)
{
	struct registry *r = in->r;
	char buf[DNAME_NEXTHOP_MAX + TERM_PHRASE_MAX];
	const char *name, *bad;
	enum dname_kind kind;

	if ((bad = dname_nexthop(s, buf, &name, &kind)) != NULL) {
		complain(in->d, registry_file(r, p->source), a->line, "domain",
		    s, bad);
		return;
	}
	name = arena_copy(&r->arena, name, strlen(name));
	r->domain = mem_grow(
	    r->domain, r->ndomains, &r->domain_cap, sizeof(*r->domain));
	r->domain[r->ndomains++] = (struct domain){name, index, a->line};
	p->ndomains++;
}

static void
take_domains(
    struct reading *in, struct partner *p, uint32_t index, struct attr *a)
{
	char *list = a->value, *s;

	while ((s = attr_list_next(&list)) != NULL)
		if (*s == '\0')
			diag_error(in->d, registry_file(in->r, p->source),
			    a->line, "domain: an empty element in the list");
		else
			take_domain(in, p, index, s, a);
}

/* What the words of one statement belong to. */
struct statement {
	const char *word; /* "partner", "provider", "default" */
	unsigned place;	  /* TERM_OF_* */
	struct terms *terms;
	struct partner *partner; /* and its index, or NULL */
	uint32_t index;
	const char **provider; /* where the provider's name goes */
	unsigned *provider_line;
};

static void
take_attr(
    struct reading *in, const char *file, struct statement *st, struct attr *a)
{
	char buf[DNAME_NEXTHOP_MAX + TERM_PHRASE_MAX];
	enum term t = term_find(a->name);
	const char *bad, *culprit;
	char *value;

	if (t == TERM_COUNT) {
		diag_error(in->d, file, a->line, "unknown attribute %s",
		    quotes(a->name).s);
	} else if ((term_place(t) & st->place) == 0) {
		diag_error(in->d, file, a->line,
		    "attribute %s cannot be said in a %s statement", a->name,
		    st->word);
	} else if (*a->value == '\0') {
		diag_error(
		    in->d, file, a->line, "attribute %s has no value", a->name);
	} else if ((st->terms->set & TERM_BIT(t)) != 0 && !term_is_list(t)) {
		diag_error(in->d, file, a->line, "attribute %s is said twice",
		    a->name);
	} else if (t == TERM_DOMAIN) {
		st->terms->set |= TERM_BIT(t);
		take_domains(in, st->partner, st->index, a);
	} else if (t == TERM_PROVIDER) {
		st->terms->set |= TERM_BIT(t);
		*st->provider =
		    arena_copy(&in->r->arena, a->value, strlen(a->value));
		*st->provider_line = a->line;
	} else {
		for (value = a->value; value != NULL;)
			if ((bad = term_take(st->terms, t, &value,
				 &in->r->arena, buf, &culprit)) != NULL)
				complain(in->d, file, a->line, a->name, culprit,
				    bad);
	}
}

static void
take_attrs(struct reading *in, const char *file, struct statement *st,
    struct attrs *words)
{
	struct attr a;

	for (;;) {
		switch (attr_next(words, &a)) {
		case ATTR_END:
			return;
		case ATTR_WORD:
			diag_error(in->d, file, a.line,
			    "%s: missing '=' after the attribute's name",
			    quotes(a.name).s);
			break;
		case ATTR_BAD:
			diag_error(in->d, file, a.line, "%s: %s",
			    quotes(a.name).s, a.fault);
			/* What follows is not read: no complaint about it. */
			st->terms->set |= TERM_BIT(TERM_DOMAIN);
			return;
		case ATTR_PAIR:
			take_attr(in, file, st, &a);
			break;
		}
	}
}

/* The name behind `partner` or `provider`; NULL after a complaint. */
static const char *
take_name(struct reading *in, const char *file, const char *word,
    struct attrs *words, unsigned line)
{
	struct attr a = {.line = line};
	const char *bad;

	if (attr_next(words, &a) != ATTR_WORD) {
		diag_error(in->d, file, line, "%s has no name", word);
		return NULL;
	}
	if ((bad = bad_name(a.name)) != NULL) {
		complain(in->d, file, a.line, word, a.name, bad);
		return NULL;
	}
	return arena_copy(&in->r->arena, a.name, strlen(a.name));
}

static void
take_partner(
    struct reading *in, uint32_t source, struct attrs *words, unsigned line)
{
	struct registry *r = in->r;
	const char *file = registry_file(r, source), *name, *provider = NULL;
	uint32_t index = (uint32_t)r->npartners;
	unsigned provider_line = line;
	struct partner p = {.source = source,
	    .line = line,
	    .provider = REGISTRY_NONE,
	    .first_domain = (uint32_t)r->ndomains};
	struct statement st = {"partner", TERM_OF_PARTNER, &p.terms, &p, index,
	    &provider, &provider_line};

	if ((name = take_name(in, file, "partner", words, line)) == NULL)
		return;
	p.name = name;
	take_attrs(in, file, &st, words);
	r->partner = mem_grow(
	    r->partner, r->npartners, &r->partner_cap, sizeof(*r->partner));
	r->partner[r->npartners++] = p;
	if (provider != NULL)
		registry_want_provider(r, index, provider, provider_line);
	if ((p.terms.set & TERM_BIT(TERM_DOMAIN)) == 0)
		diag_error(in->d, file, line, "partner %s has no domain", name);
}

static void
take_provider(
    struct reading *in, uint32_t source, struct attrs *words, unsigned line)
{
	struct registry *r = in->r;
	const char *file = registry_file(r, source), *name;
	struct provider p = {.source = source, .line = line};
	struct statement st = {
	    .word = "provider", .place = TERM_OF_PROVIDER, .terms = &p.terms};
	uint32_t have;

	if ((name = take_name(in, file, "provider", words, line)) == NULL)
		return;
	p.name = name;
	take_attrs(in, file, &st, words);
	have = strmap_add(&r->providers, r->provider, name, strlen(name),
	    (uint32_t)r->nproviders);
	if (have != STRMAP_NONE) {
		diag_error(in->d, file, line,
		    "provider %s is there already (%s:%u)", quotes(name).s,
		    registry_file(r, r->provider[have].source),
		    r->provider[have].line);
		return;
	}
	r->provider =
	    mem_grow(r->provider, r->nproviders, &r->provider_cap, sizeof(p));
	r->provider[r->nproviders++] = p;
}

static bool read_text(struct reading *in, uint32_t source,
    const struct textfile_piece *piece, unsigned depth);

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
	struct textfile_piece piece;
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
	while ((rc = textfile_next(file, &piece, e)) == 1)
		if (!read_text(in, index, &piece, depth))
			break;
	textfile_close(file, digest);
	add_digest(in, digest);
	return rc == -1 ? -1 : 0;
}

/* The pattern, relative to the folder of the file that says it. */
static char *
beside(const char *file, const char *pattern)
{
	char *copy, *path;

	if (*pattern == '/')
		return mem_dup(pattern);
	copy = mem_dup(file);
	path = mem_printf("%s/%s", dirname(copy), pattern);
	free(copy);
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
take_include(struct reading *in, uint32_t source, struct attrs *words,
    unsigned line, unsigned depth)
{
	const char *file = registry_file(in->r, source);
	struct attr a, more;
	char *pattern;

	if (attr_next(words, &a) != ATTR_WORD ||
	    attr_next(words, &more) != ATTR_END) {
		diag_error(in->d, file, line, "include takes one file pattern");
		return;
	}
	if (!in->follow || depth + 1 > REGISTRY_DEPTH_MAX) {
		diag_error(in->d, file, line,
		    "include %s: includes are nested too deeply",
		    quotes(a.name).s);
		return;
	}
	pattern = beside(file, a.name);
	if (strpbrk(a.name, "*?[") == NULL)
		include_file(in, pattern, source, line, depth);
	else
		include_all(in, pattern, source, line, depth);
	free(pattern);
}

static void
take_line(
    struct reading *in, uint32_t source, struct line *line, unsigned depth)
{
	const char *file = registry_file(in->r, source);
	struct statement preset = {.word = "default",
	    .place = TERM_OF_DEFAULT,
	    .terms = &in->r->preset};
	struct attrs words;
	struct attr a;

	if (*line->text == ' ' || *line->text == '\t') {
		diag_error(in->d, file, line->no,
		    "a line that starts with a blank continues nothing");
		return;
	}
	if (strncmp(line->text, "\xef\xbb\xbf", 3) == 0) {
		diag_error(in->d, file, line->no,
		    "a byte order mark (U+FEFF) is in front of the line: save "
		    "the file without it");
		return;
	}
	attr_init(&words, line->text, line->no);
	if (attr_next(&words, &a) != ATTR_WORD)
		diag_error(in->d, file, line->no,
		    "%s: a line begins with partner, provider, default or "
		    "include",
		    quotes(a.name).s);
	else if (strcmp(a.name, "partner") == 0)
		take_partner(in, source, &words, line->no);
	else if (strcmp(a.name, "provider") == 0)
		take_provider(in, source, &words, line->no);
	else if (strcmp(a.name, "default") == 0)
		take_attrs(in, file, &preset, &words);
	else if (strcmp(a.name, "include") == 0)
		take_include(in, source, &words, line->no, depth);
	else
		diag_error(in->d, file, line->no,
		    "unknown word %s: a line begins with partner, provider, "
		    "default or include",
		    quotes(a.name).s);
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

/* Read whole lines. False: give the file up. */
static bool
read_text(struct reading *in, uint32_t source,
    const struct textfile_piece *piece, unsigned depth)
{
	struct lines lines;
	struct line line;
	unsigned no = piece->line;
	long i;

	if (piece->bad != -1) {
		for (i = 0; i < piece->bad; i++)
			no += piece->text[i] == '\n';
		diag_error(in->d, registry_file(in->r, source), no, "%s: %s",
		    quote(piece->text + piece->bad, 1).s,
		    bad_byte_text(piece->text[piece->bad]));
		return false;
	}
	lines_init(&lines, piece->text, piece->len, no);
	while (lines_next(&lines, &line))
		take_line(in, source, &line, depth);
	return true;
}

struct registry *
registry_load(const char *path, time_t now, struct diags *d, struct err *e)
{
	struct reading in = {.r = registry_new(),
	    .d = d,
	    .digest = digest_new(),
	    .follow = true};
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
registry_parse(
    const char *name, const char *text, size_t len, time_t now, struct diags *d)
{
	struct reading in = {.r = registry_new(), .d = d};
	struct textfile_piece piece = {mem_alloc(len + 1), len, 1, -1};
	struct registry *r = in.r;

	r->source = mem_grow(
	    r->source, r->nsources, &r->source_cap, sizeof(*r->source));
	r->source[0] =
	    (struct source){.path = mem_dup(name), .parent = REGISTRY_NONE};
	r->nsources = 1;
	memcpy(piece.text, text, len);
	piece.bad = lines_bad_byte(text, len);
	in.digest = digest_new();
	digest_add(in.digest, text, len);
	digest_hex(in.digest, r->digest);
	(void)read_text(&in, 0, &piece, 0);
	free(piece.text);
	registry_check(r, now, false, d);
	return r;
}
