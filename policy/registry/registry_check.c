#include "registry_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "err.h"
#include "file.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "terms.h"
#include "thread.h"
#include "x509.h"

#define CA_FILE_MAX (4 * 1024 * 1024) /* bytes */
#define MANY 20000		      /* partners that are worth a thread */

static void
find_providers(struct registry *r, struct diags *d)
{
	struct partner *p;
	struct want *w;
	size_t i;

	for (i = 0; i < r->nwants; i++) {
		w = &r->want[i];
		p = &r->partner[w->partner];
		p->provider = strmap_find(
		    &r->providers, r->provider, w->name, strlen(w->name));
		if (p->provider == STRMAP_NONE)
			diag_error(d, partner_file(r, p), w->line,
			    "partner %s: unknown provider %s", p->name,
			    quotes(w->name).s);
	}
}

/* A name may belong to one partner, a domain too. */
static void
same_partner(struct registry *r, uint32_t index, uint32_t have, struct diags *d)
{
	const struct partner *p = &r->partner[index], *q = &r->partner[have];

	diag_error(d, partner_file(r, p), p->line,
	    "partner %s is there already (%s:%u)", quotes(p->name).s,
	    partner_file(r, q), q->line);
}

static void
same_domain(struct registry *r, uint32_t index, uint32_t have, struct diags *d)
{
	const struct domain *dom = &r->domain[index], *first = &r->domain[have];
	const struct partner *p = &r->partner[dom->partner];
	const struct partner *q = &r->partner[first->partner];

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

/* A table of names to be filled, and what is wrong with it. */
struct table {
	struct registry *r;
	struct strmap *map;
	const void *array;
	const uint32_t *hash;
	size_t n;
	void (*same)(
	    struct registry *r, uint32_t index, uint32_t have, struct diags *d);
	struct diags diags;
};

/*
 * All names at once: the tables are far larger than the processor's cache,
 * so that strmap_add_all() can have several lookups under way.
 */
static void *
fill_table(void *arg)
{
	struct table *t = arg;
	uint32_t i = 0, have;

	while ((have = strmap_add_all(t->map, t->array, t->hash, t->n, &i)) !=
	       STRMAP_NONE)
		t->same(t->r, i++, have, &t->diags);
	return NULL;
}

static void
find_duplicates(struct registry *r, struct diags *d)
{
	struct table partners = {.r = r,
	    .map = &r->partners,
	    .array = r->partner,
	    .hash = r->partner_hash,
	    .n = r->npartners,
	    .same = same_partner};
	struct table domains = {.r = r,
	    .map = &r->domains,
	    .array = r->domain,
	    .hash = r->domain_hash,
	    .n = r->ndomains,
	    .same = same_domain};
	pthread_t thread;
	bool beside = r->npartners >= MANY && thread_count() > 0 &&
		      thread_start(&thread, fill_table, &domains) == 0;

	fill_table(&partners);
	if (beside)
		pthread_join(thread, NULL);
	else
		fill_table(&domains);
	diag_move(d, &partners.diags);
	diag_move(d, &domains.diags);
	free(r->partner_hash);
	free(r->domain_hash);
	r->partner_hash = r->domain_hash = NULL;
}

/* A set of paths that were found readable, so that each is tried once. */
struct paths {
	const char **v;
	size_t n, cap;
	struct strmap map;
};

static const char *
path_key(const void *array, uint32_t i)
{
	return ((const char *const *)array)[i];
}

/*
 * Postfix defers all mail for a trust anchor file that holds no anchor or one
 * that it cannot read.
 */
static void
check_ca_file(struct registry *r, const struct partner *p, const char *path,
    struct diags *d)
{
	struct x509_store *anchors = NULL;
	const char *bad = NULL;
	struct err e;
	size_t len;
	char *pem = NULL;

	errno = 0;
	if (file_is_special(path))
		bad = "not a file";
	else if ((pem = file_slurp(path, CA_FILE_MAX, &len, NULL, &e)) == NULL)
		bad = errno != 0 ? strerror(errno) : e.text;
	else if ((anchors = x509_store_parse(
		      X509_ANCHORS, pem, len, path, &e)) == NULL)
		diag_error(d, partner_file(r, p), p->line,
		    "partner %s: CA file %s", p->name, e.text);
	if (bad != NULL)
		diag_error(d, partner_file(r, p), p->line,
		    "partner %s: CA file %s: %s", p->name, quotes(path).s, bad);
	x509_store_free(anchors);
	free(pem);
}

/* `system` beside files: alone it is gone already. */
static bool
names_system(const struct strs *ca)
{
	size_t i;

	for (i = 0; i < ca->n; i++)
		if (strcmp(ca->v[i], "system") == 0)
			return true;
	return false;
}

static void
check_ca(struct registry *r, const struct partner *p, struct paths *seen,
    struct diags *d)
{
	const struct strs *ca = p->terms->ca;
	size_t i;

	if (names_system(ca))
		return;
	for (i = 0; i < ca->n; i++) {
		if (strmap_add(&seen->map, seen->v, ca->v[i], strlen(ca->v[i]),
			(uint32_t)seen->n) != STRMAP_NONE)
			continue;
		seen->v =
		    mem_grow(seen->v, seen->n, &seen->cap, sizeof(*seen->v));
		seen->v[seen->n++] = ca->v[i];
		check_ca_file(r, p, ca->v[i], d);
	}
}

/* Terms with all that they inherit, for partners that share them. */
struct settled {
	const struct terms *said;
	uint32_t provider;
	struct terms *full;
	const struct strs *gateway;
};

#define SETTLED 8 /* that are remembered */

/* Which of the recent ones is the partner's; the last if none is. */
static size_t
find_settled(const struct settled *recent, const struct partner *p)
{
	size_t i;

	for (i = 0; i < SETTLED - 1; i++)
		if (recent[i].said == p->terms &&
		    recent[i].provider == p->provider)
			break;
	return i;
}

/* Fill in what the partner does not say itself. */
static void
settle(struct registry *r, struct partner *p, struct settled *recent)
{
	size_t i = find_settled(recent, p);
	struct settled s = recent[i];

	if (s.said != p->terms || s.provider != p->provider) {
		s.said = p->terms;
		s.provider = p->provider;
		s.full = arena_alloc(&r->arena, sizeof(*s.full));
		*s.full = *p->terms;
		if (p->provider != REGISTRY_NONE)
			terms_inherit(s.full, &r->provider[p->provider].terms);
		terms_inherit(s.full, &r->preset);
		terms_preset(s.full);
		s.gateway = s.full->gateway;
		s.full->gateway = NULL;
	}
	/* To the front: the one not met for longest falls out. */
	memmove(recent + 1, recent, i * sizeof(s));
	recent[0] = s;
	p->terms = s.full;
	if (p->gateway == NULL)
		p->gateway = s.gateway;
}

static void
check_partner(
    struct registry *r, struct partner *p, time_t now, struct diags *d)
{
	const struct terms *t = p->terms;
	const char *file = partner_file(r, p);
	char date[NUM_TIME_MAX];

	if (names_system(t->ca))
		diag_error(d, file, p->line,
		    "partner %s: ca=system cannot stand beside files: Postfix "
		    "trusts the files alone",
		    p->name);
	if (t->mode == MODE_ENFORCED && t->verify == VERIFY_KEY &&
	    t->key->n == 0)
		diag_error(d, file, p->line,
		    "partner %s: verify=key needs key=, the SHA-256 of a "
		    "public key",
		    p->name);
	if (t->inbound_verify == INBOUND_KEY && t->key->n == 0)
		diag_error(d, file, p->line,
		    "partner %s: inbound-verify=key needs key=", p->name);
	if (t->inbound_verify == INBOUND_NAME && t->inbound != INBOUND_OFF &&
	    t->ca->n == 0)
		diag_warning(d, file, p->line,
		    "partner %s: inbound-verify=name: public CAs make no "
		    "certificates for clients any more (since mid 2026), and "
		    "renewed ones are refused; agree on the key "
		    "(inbound-verify=key)",
		    p->name);
	if (t->mode == MODE_ENFORCED && p->contact == NULL)
		diag_warning(d, file, p->line,
		    "partner %s is enforced and has no contact", p->name);
	if (t->review != 0 && t->review <= now)
		diag_warning(d, file, p->line,
		    "partner %s: its review was due on %.10s", p->name,
		    num_time_text(t->review, date));
}

static void
check_parents(struct registry *r, struct diags *d)
{
	unsigned fewest = UINT32_MAX, n;
	const struct partner *p, *up;
	const struct domain *dom;
	enum level level;
	uint32_t parent;
	size_t i, at;

	for (i = 0; i < r->ndomains; i++) {
		n = dname_labels(r->domain[i].name);
		if (r->domain[i].name[0] != '[' && n < fewest)
			fewest = n;
	}
	for (i = 0; i < r->ndomains; i++) {
		dom = &r->domain[i];
		p = &r->partner[dom->partner];
		level = partner_level(p);
		if (level == LEVEL_SECURE || dom->name[0] == '[' ||
		    (dname_labels(dom->name) <= fewest && dom->name[0] != '.'))
			continue;
		at = 0;
		while ((parent = registry_parent(r, dom->name, &at)) !=
		       REGISTRY_NONE) {
			up = &r->partner[r->domain[parent].partner];
			if (partner_level(up) <= level)
				continue;
			diag_warning(d, partner_file(r, p), dom->line,
			    "domain %s of partner %s is weaker (%s) than its "
			    "parent %s of partner %s (%s)",
			    quotes(dom->name).s, p->name, level_name(level),
			    quotes(r->domain[parent].name).s, up->name,
			    level_name(partner_level(up)));
			break;
		}
	}
}

void
registry_check(struct registry *r, time_t now, bool files, struct diags *d)
{
	struct settled recent[SETTLED] = {{0}};
	struct paths seen = {0};
	struct partner *p;
	bool all_secure = true;
	size_t i;

	strmap_init(&seen.map, path_key);
	find_duplicates(r, d);
	find_providers(r, d);
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		settle(r, p, recent);
		check_partner(r, p, now, d);
		if (files)
			check_ca(r, p, &seen, d);
		all_secure = all_secure && partner_level(p) == LEVEL_SECURE;
	}
	/* Otherwise nobody can be weaker than anybody. */
	if (!all_secure)
		check_parents(r, d);
	free(seen.v);
	strmap_free(&seen.map);
}

uint32_t
registry_find(const struct registry *r, const char *name)
{
	char buf[DNAME_NEXTHOP_MAX + TERM_PHRASE_MAX];
	struct dname normal;
	uint32_t i;

	i = strmap_find(&r->partners, r->partner, name, strlen(name));
	if (i != STRMAP_NONE)
		return i;
	if (dname_nexthop(name, buf, &normal) != NULL)
		return REGISTRY_NONE;
	i = strmap_find(&r->domains, r->domain, normal.s, normal.len);
	return i == STRMAP_NONE ? REGISTRY_NONE : r->domain[i].partner;
}

uint32_t
registry_above(const struct registry *r, const char *name)
{
	uint32_t i;

	while ((name = registry_up(name)) != NULL) {
		i = strmap_find(&r->domains, r->domain, name, strlen(name));
		if (i != STRMAP_NONE)
			return r->domain[i].partner;
	}
	return REGISTRY_NONE;
}

uint32_t
registry_covering(const struct registry *r, const char *domain)
{
	char buf[DNAME_MAX + TERM_PHRASE_MAX];
	struct dname name;
	uint32_t i;

	if (dname_host(domain, buf, &name) != NULL)
		return REGISTRY_NONE;
	i = registry_find(r, name.s);
	return i == REGISTRY_NONE ? registry_above(r, name.s) : i;
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
