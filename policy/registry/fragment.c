#include "fragment.h"

#include <stdlib.h>
#include <string.h>

#include "dname.h"
#include "lines.h"
#include "mem.h"
#include "quote.h"
#include "terms.h"

static const struct {
	const char *word;
	unsigned place; /* TERM_OF_* */
} statements[] = {
    [STATEMENT_PARTNER] = {"partner", TERM_OF_PARTNER},
    [STATEMENT_PROVIDER] = {"provider", TERM_OF_PROVIDER},
    [STATEMENT_DEFAULT] = {"default", TERM_OF_DEFAULT},
    [STATEMENT_INCLUDE] = {"include", 0},
};

/* The statement whose words are read. */
struct reading {
	enum statement what;
	const char *file;
	struct diags *d;
	struct arena *arena;
	struct terms *terms;
	bool texts; /* to be kept */
	/* Of a partner. */
	struct fragment *f;
	struct partner *partner;
	const char *provider;
	unsigned provider_line;
};

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

/* What a name may hold: anywhere, and only behind its first byte. */
#define IN_NAME 1
#define INSIDE_NAME 2

static const unsigned char name_byte[256] = {['a' ... 'z'] = IN_NAME,
    ['A' ... 'Z'] = IN_NAME,
    ['0' ... '9'] = IN_NAME,
    ['.'] = INSIDE_NAME,
    ['_'] = INSIDE_NAME,
    ['-'] = INSIDE_NAME};

static const char *
bad_name(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;

	if (name_byte[*p] == IN_NAME)
		while (name_byte[*p] != 0)
			p++;
	if (*p != '\0')
		return "a name is letters, digits, '.', '_' and '-', "
		       "and begins with a letter or digit";
	return (const char *)p - name > REGISTRY_NAME_MAX
		   ? "is longer than 63 bytes"
		   : NULL;
}

static void
take_domain(struct reading *in, char *s, const struct attr *a)
{
	struct fragment *f = in->f;
	char buf[DNAME_NEXTHOP_MAX + TERM_PHRASE_MAX];
	const char *name, *bad;
	struct dname normal;

	if ((bad = dname_nexthop(s, buf, &normal)) != NULL) {
		complain(in->d, in->file, a->line, "domain", s, bad);
		return;
	}
	name = arena_copy(in->arena, normal.s, normal.len);
	f->domain = mem_grow(
	    f->domain, f->ndomains, &f->domain_cap, sizeof(*f->domain));
	f->domain_hash = mem_grow(f->domain_hash, f->ndomains,
	    &f->domain_hash_cap, sizeof(*f->domain_hash));
	f->domain_hash[f->ndomains] = strmap_hash(name, normal.len);
	f->domain[f->ndomains++] =
	    (struct domain){name, (uint32_t)f->npartners, a->line};
	in->partner->ndomains++;
	in->partner->alabels |= normal.alabel;
}

static void
take_domains(struct reading *in, struct attr *a)
{
	struct attr_list list = {a->value, a->len};
	size_t len;
	char *s;

	while ((s = attr_list_next(&list, &len)) != NULL)
		if (*s == '\0')
			diag_error(in->d, in->file, a->line,
			    "domain: an empty element in the list");
		else
			take_domain(in, s, a);
}

static void
take_attr(struct reading *in, struct attr *a)
{
	char buf[DNAME_NEXTHOP_MAX + TERM_PHRASE_MAX];
	enum term t = term_find(a->name, a->name_len);
	struct attr_list rest = {a->value, a->len};
	const char *bad, *culprit;

	if (t == TERM_COUNT) {
		diag_error(in->d, in->file, a->line, "unknown attribute %s",
		    quotes(a->name).s);
	} else if ((term_place(t) & statements[in->what].place) == 0) {
		diag_error(in->d, in->file, a->line,
		    "attribute %s cannot be said in a %s statement", a->name,
		    statements[in->what].word);
	} else if (*a->value == '\0') {
		diag_error(in->d, in->file, a->line,
		    "attribute %s has no value", a->name);
	} else if ((in->terms->set & TERM_BIT(t)) != 0 && !term_is_list(t)) {
		diag_error(in->d, in->file, a->line,
		    "attribute %s is said twice", a->name);
	} else if (t == TERM_DOMAIN) {
		in->terms->set |= TERM_BIT(t);
		take_domains(in, a);
	} else if (t == TERM_PROVIDER) {
		in->terms->set |= TERM_BIT(t);
		in->provider = arena_copy(in->arena, a->value, a->len);
		in->provider_line = a->line;
	} else {
		while (rest.next != NULL)
			if ((bad = term_take(in->terms, t, &rest, in->arena,
				 in->texts, buf, &culprit)) != NULL)
				complain(in->d, in->file, a->line, a->name,
				    culprit, bad);
	}
}

static void
take_attrs(struct reading *in, struct attrs *words)
{
	struct attr a;

	for (;;) {
		switch (attr_next(words, &a)) {
		case ATTR_END:
			return;
		case ATTR_WORD:
			diag_error(in->d, in->file, a.line,
			    "%s: missing '=' after the attribute's name",
			    quotes(a.name).s);
			break;
		case ATTR_BAD:
			diag_error(in->d, in->file, a.line, "%s: %s",
			    quotes(a.name).s, a.fault);
			/* What follows is not read: no complaint about it. */
			in->terms->set |= TERM_BIT(TERM_DOMAIN);
			return;
		case ATTR_PAIR:
			take_attr(in, &a);
			break;
		}
	}
}

void
fragment_terms(struct terms *terms, enum statement what, struct attrs *words,
    const char *file, struct arena *arena, struct diags *d)
{
	struct reading in = {.what = what,
	    .file = file,
	    .d = d,
	    .arena = arena,
	    .terms = terms,
	    .texts = true};

	take_attrs(&in, words);
}

const char *
fragment_name(enum statement what, struct attrs *words, const char *file,
    unsigned line, struct arena *arena, size_t *len, struct diags *d)
{
	struct attr a = {.line = line};
	const char *bad, *word = statements[what].word;

	if (attr_next(words, &a) != ATTR_WORD) {
		diag_error(d, file, line, "%s has no name", word);
		return NULL;
	}
	if ((bad = bad_name(a.name)) != NULL) {
		complain(d, file, a.line, word, a.name, bad);
		return NULL;
	}
	*len = a.name_len;
	return arena_copy(arena, a.name, a.name_len);
}

/* Is the name the domain, or below it? Suffixes stand for all below. */
static bool
is_below(const char *name, size_t len, const char *domain)
{
	size_t n = strlen(domain);

	return n <= len && memcmp(name + len - n, domain, n) == 0 &&
	       (n == len || *domain == '.' || name[len - n - 1] == '.');
}

static bool
is_at_home(const struct fragment *f, const struct partner *p)
{
	const struct strs *list = p->gateway;
	const char *name;
	size_t i, k, n = p->ndomains;

	if (n > REGISTRY_NEAR)
		n = REGISTRY_NEAR;
	for (i = 0; list != NULL && i < list->n; i++) {
		name = list->v[i];
		for (k = 0; k < n; k++)
			if (is_below(name, strlen(name),
				f->domain[p->first_domain + k].name))
				break;
		if (k == n && !term_is_token(name))
			return false;
	}
	return list != NULL;
}

static bool
is_same(const struct terms *a, const struct terms *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The same as was said before, or a copy for whoever says it again. */
static const struct terms *
share(struct fragment *f, const struct terms *t)
{
	const struct terms **recent = f->recent, *found;
	size_t i;

	for (i = 0; i < FRAGMENT_RECENT - 1 && recent[i] != NULL; i++)
		if (is_same(recent[i], t))
			break;
	found = recent[i];
	if (found == NULL || !is_same(found, t))
		found =
		    memcpy(arena_alloc(f->arena, sizeof(*t)), t, sizeof(*t));
	/* To the front: the one not said for longest falls out. */
	memmove(recent + 1, recent, i * sizeof(recent[0]));
	recent[0] = found;
	return found;
}

static void
take_partner(struct fragment *f, struct attrs *words, unsigned line)
{
	struct partner *p;
	struct terms terms;
	struct reading in = {.what = STATEMENT_PARTNER,
	    .file = f->file,
	    .d = &f->diags,
	    .arena = f->arena,
	    .texts = f->texts,
	    .f = f};
	size_t len;
	const char *name = fragment_name(
	    STATEMENT_PARTNER, words, f->file, line, f->arena, &len, &f->diags);

	if (name == NULL)
		return;
	f->partner = mem_grow(
	    f->partner, f->npartners, &f->partner_cap, sizeof(*f->partner));
	f->partner_hash = mem_grow(f->partner_hash, f->npartners,
	    &f->partner_hash_cap, sizeof(*f->partner_hash));
	f->partner_hash[f->npartners] = strmap_hash(name, len);
	p = &f->partner[f->npartners];
	*p = (struct partner){.name = name,
	    .line = line,
	    .provider = REGISTRY_NONE,
	    .first_domain = (uint32_t)f->ndomains};
	in.partner = p;
	/* Their bytes will be compared: the ones between members too. */
	memset(&terms, 0, sizeof(terms));
	terms.source = f->source;
	in.terms = &terms;
	take_attrs(&in, words);
	p->gateway = terms.gateway;
	p->contact = terms.contact;
	terms.gateway = NULL;
	terms.contact = NULL;
	p->terms = share(f, &terms);
	if (in.provider != NULL) {
		f->want = mem_grow(
		    f->want, f->nwants, &f->want_cap, sizeof(*f->want));
		f->want[f->nwants++] = (struct want){
		    in.provider, (uint32_t)f->npartners, in.provider_line};
	}
	p->at_home = is_at_home(f, p);
	if ((terms.set & TERM_BIT(TERM_DOMAIN)) == 0)
		diag_error(
		    &f->diags, f->file, line, "partner %s has no domain", name);
	f->npartners++;
}

static void
set_aside(struct fragment *f, enum statement what, const struct attrs *words,
    unsigned line)
{
	f->aside =
	    mem_grow(f->aside, f->nasides, &f->aside_cap, sizeof(*f->aside));
	f->aside[f->nasides++] =
	    (struct aside){what, f->npartners, *words, line};
}

static void
take_line(struct fragment *f, struct line *line)
{
	struct attrs words;
	struct attr a;
	unsigned what;

	if (line->text[0] == ' ' || line->text[0] == '\t') {
		diag_error(&f->diags, f->file, line->no,
		    "a line that starts with a blank continues nothing");
		return;
	}
	if (strncmp(line->text, "\xef\xbb\xbf", 3) == 0) {
		diag_error(&f->diags, f->file, line->no,
		    "a byte order mark (U+FEFF) is in front of the line: save "
		    "the file without it");
		return;
	}
	attr_init(&words, line->text, line->len, line->no);
	if (attr_next(&words, &a) != ATTR_WORD) {
		diag_error(&f->diags, f->file, line->no,
		    "%s: a line begins with partner, provider, default or "
		    "include",
		    quotes(a.name).s);
		return;
	}
	for (what = 0; what <= STATEMENT_INCLUDE; what++)
		if (attr_same(a.name, statements[what].word))
			break;
	if (what == STATEMENT_PARTNER)
		take_partner(f, &words, line->no);
	else if (what <= STATEMENT_INCLUDE)
		set_aside(f, (enum statement)what, &words, line->no);
	else
		diag_error(&f->diags, f->file, line->no,
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

void
fragment_read(struct fragment *f)
{
	const struct textfile_piece *piece = &f->piece;
	struct lines lines;
	struct line line;
	long bad;

	f->npartners = f->ndomains = f->nwants = f->nasides = 0;
	memset(f->recent, 0, sizeof(f->recent));
	diag_free(&f->diags);
	bad = lines_bad_byte(piece->text, piece->len);
	f->bad = bad != -1;
	if (f->bad) {
		diag_error(&f->diags, f->file,
		    piece->line + lines_count(piece->text, (size_t)bad),
		    "%s: %s", quote(piece->text + bad, 1).s,
		    bad_byte_text(piece->text[bad]));
		return;
	}
	lines_init(&lines, piece->text, piece->len, piece->line);
	while (lines_next(&lines, &line))
		take_line(f, &line);
}

void
fragment_free(struct fragment *f)
{
	textfile_piece_free(&f->piece);
	free(f->partner);
	free(f->partner_hash);
	free(f->domain);
	free(f->domain_hash);
	free(f->want);
	free(f->aside);
	diag_free(&f->diags);
	arena_free(&f->own);
	*f = (struct fragment){0};
}
