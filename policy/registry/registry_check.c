#include "registry_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "diag.h"
#include "err.h"
#include "file.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "x509.h"

#define CONTACTS_NAMED 3 /* partners without one, each on its line */
#define CA_FILE_MAX (4 * 1024 * 1024) /* bytes */

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
check_ca_file(const struct registry *r, const struct partner *p,
    const char *path, struct diags *d)
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
	else if (x509_store_unread(anchors) > 0)
		diag_warning(d, partner_file(r, p), p->line,
		    "partner %s: CA file %s: OpenSSL cannot read %zu of the "
		    "keys in it; Postfix passes over them",
		    p->name, quotes(path).s, x509_store_unread(anchors));
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
check_ca(const struct registry *r, const struct partner *p, struct paths *seen,
    struct diags *d)
{
	const struct strs *ca = p->attributes->ca;
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

/* Of a domain or pattern; a leading dot is not counted. */
static unsigned
labels(const char *s)
{
	unsigned n = 1;

	if (*s == '.')
		s++;
	for (; *s != '\0'; s++)
		n += *s == '.';
	return n;
}

/* Lists that say more than was meant. */
static void
check_lists(const struct registry *r, const struct partner *p, struct diags *d)
{
	static const char *const forms[] = {
	    "Inc.", "Inc", "LLC", "Ltd.", "Ltd", "Limited", "S.A.", "Corp."};
	const struct strs *g = p->gateway, *s = p->attributes->issuer;
	size_t i, k;

	for (i = 0; i < g->n; i++)
		if (g->v[i][0] == '*')
			diag_warning(d, partner_file(r, p), p->line,
			    "partner %s: gateway %s is a certificate with that "
			    "very name; any name below it is %s",
			    p->name, quotes(g->v[i]).s, g->v[i] + 1);
		else if (g->v[i][0] == '.' && labels(g->v[i]) == 1)
			diag_warning(d, partner_file(r, p), p->line,
			    "partner %s: gateway %s is any name of a whole "
			    "top-level domain",
			    p->name, quotes(g->v[i]).s);
	for (i = 1; i < s->n; i++)
		for (k = 0; k < sizeof(forms) / sizeof(forms[0]); k++)
			if (strcasecmp(s->v[i], forms[k]) == 0)
				diag_warning(d, partner_file(r, p), p->line,
				    "partner %s: issuer %s is a pattern of its "
				    "own: a comma separates patterns (say "
				    "%.80s* instead)",
				    p->name, quotes(s->v[i]).s, s->v[i - 1]);
}

static void
check_partner(const struct registry *r, const struct partner *p, time_t now,
    struct diags *d)
{
	const struct attributes *t = p->attributes;
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
	if (t->protocols != NULL &&
	    (t->own & ATTRIBUTE_BIT(ATTRIBUTE_MIN_TLS)) != 0)
		diag_error(d, file, p->line,
		    "partner %s: min-tls= and protocols= say the same: leave "
		    "one out",
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
	if (t->review != 0 && t->review <= now)
		diag_warning(d, file, p->line,
		    "partner %s: its review was due on %.10s", p->name,
		    num_time_text(t->review, date));
}

/* Is there no name in the list but what Postfix makes of the next-hop? */
static bool
has_only_tokens(const struct strs *gateway)
{
	size_t i;

	for (i = 0; i < gateway->n; i++)
		if (!attribute_is_token(gateway->v[i]))
			return false;
	return true;
}

/*
 * Why the agreement of p can never hold for an address, or NULL: Postfix looks
 * for no TLSA records of one, and makes ".192.0.2.1" of it for dot-nexthop,
 * which no certificate can carry; an address beside it is wanted as well, not
 * instead.
 */
static const char *
not_for_addresses(const struct partner *p)
{
	size_t i;

	if (p->attributes->mode != MODE_ENFORCED)
		return NULL;
	if (p->attributes->verify == VERIFY_DANE)
		return "no TLSA record can be found, since the next-hop is an "
		       "address: say verify=name with the gateway= in its "
		       "certificate, or the next-hop by its name";
	if (p->attributes->verify != VERIFY_NAME ||
	    !has_only_tokens(p->gateway))
		return NULL;
	for (i = 0; i < p->gateway->n; i++)
		if (strcmp(p->gateway->v[i], "dot-nexthop") == 0)
			return "no certificate can match, since the next-hop "
			       "is an address: say gateway= with the name in "
			       "its certificate, or gateway=nexthop if that "
			       "carries the address";
	return NULL;
}

/* Names that partners once had, and who says so. */
struct formers {
	const char **v;
	const struct partner **of;
	size_t n, cap, of_cap;
	struct strmap map;
};

/*
 * A name that is another's now tells two partners' records apart no more; nor
 * can one partner have become two.
 */
static void
check_former(const struct registry *r, const struct partner *p,
    struct formers *seen, struct diags *d)
{
	const struct strs *former = p->attributes->former;
	const struct partner *q;
	uint32_t have;
	size_t i;

	for (i = 0; former != NULL && i < former->n; i++) {
		have = registry_partner(r, former->v[i]);
		if (have != REGISTRY_NONE) {
			q = &r->partner[have];
			diag_error(d, partner_file(r, p), p->line,
			    "partner %s: former %s is a partner now (%s:%u)",
			    p->name, quotes(former->v[i]).s, partner_file(r, q),
			    q->line);
			continue;
		}
		have = strmap_add(&seen->map, seen->v, former->v[i],
		    strlen(former->v[i]), (uint32_t)seen->n);
		if (have != STRMAP_NONE) {
			q = seen->of[have];
			diag_error(d, partner_file(r, p), p->line,
			    "partner %s: former %s is said of partner %s "
			    "already (%s:%u)",
			    p->name, quotes(former->v[i]).s, q->name,
			    partner_file(r, q), q->line);
			continue;
		}
		seen->v =
		    mem_grow(seen->v, seen->n, &seen->cap, sizeof(*seen->v));
		seen->of = mem_grow(
		    seen->of, seen->n, &seen->of_cap, sizeof(*seen->of));
		seen->of[seen->n] = p;
		seen->v[seen->n++] = former->v[i];
	}
}

static void
check_addresses(
    const struct registry *r, const struct partner *p, struct diags *d)
{
	const char *why = not_for_addresses(p);
	const struct domain *dom;
	struct nexthop n;
	size_t i;

	for (i = 0; why != NULL && i < p->ndomains; i++) {
		dom = &r->domain[p->first_domain + i];
		if (dom->name[0] == '[' && nexthop_parse(dom->name, &n) == 0 &&
		    n.len > 0)
			diag_error(d, partner_file(r, p), dom->line,
			    "domain %s of partner %s: %s", quotes(dom->name).s,
			    p->name, why);
	}
}

/* Of a comma for a dot, two of these are left. */
static void
check_single(const struct registry *r, struct diags *d)
{
	const struct domain *dom;
	const struct partner *p;
	size_t i;

	for (i = 0; i < r->ndomains; i++) {
		dom = &r->domain[i];
		p = &r->partner[dom->partner];
		if (strchr(dom->name + 1, '.') != NULL ||
		    dname_is_nexthop(dom->name))
			continue;
		diag_warning(d, partner_file(r, p), dom->line,
		    "domain %s of partner %s is %s (a comma separates domains)",
		    quotes(dom->name).s, p->name,
		    dom->name[0] == '.' ? "a whole top-level domain"
					: "one word without a dot");
	}
}

static void
check_parents(const struct registry *r, struct diags *d)
{
	unsigned fewest = UINT32_MAX, n;
	const struct partner *p, *up;
	const struct domain *dom;
	enum level level;
	uint32_t parent;
	size_t i, at;

	for (i = 0; i < r->ndomains; i++) {
		n = labels(r->domain[i].name);
		if (!dname_is_nexthop(r->domain[i].name) && n < fewest)
			fewest = n;
	}
	for (i = 0; i < r->ndomains; i++) {
		dom = &r->domain[i];
		p = &r->partner[dom->partner];
		level = partner_level(p);
		if (level == LEVEL_SECURE || dname_is_nexthop(dom->name) ||
		    (labels(dom->name) <= fewest && dom->name[0] != '.'))
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

/*
 * Postfix looks for the .parents of a next-hop, too, so that a word on
 * REQUIRETLS holds for those below who have none.
 */
static void
check_requiretls(
    const struct registry *r, const struct partner *p, struct diags *d)
{
	const struct partner *up;
	const struct domain *dom;
	uint32_t i, parent;
	size_t at;

	for (i = 0; i < p->ndomains; i++) {
		dom = &r->domain[p->first_domain + i];
		at = 0;
		while (!dname_is_nexthop(dom->name) &&
		       (parent = registry_parent(r, dom->name, &at)) !=
			   REGISTRY_NONE) {
			up = &r->partner[r->domain[parent].partner];
			if (r->domain[parent].name[0] != '.' ||
			    up->attributes->requiretls == REQUIRETLS_MAIN_CF)
				continue;
			diag_warning(d, partner_file(r, p), dom->line,
			    "domain %s of partner %s says nothing of "
			    "requiretls, so that what its parent %s of "
			    "partner %s says holds for it",
			    quotes(dom->name).s, p->name,
			    quotes(r->domain[parent].name).s, up->name);
			break;
		}
	}
}

/* Many of them, as after an import, would hide all else. */
static void
check_contacts(const struct registry *r, struct diags *d)
{
	const struct partner *p, *first = NULL;
	size_t i, n = 0;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->attributes->mode != MODE_ENFORCED || p->contact != NULL)
			continue;
		first = n++ == 0 ? p : first;
	}
	if (n > CONTACTS_NAMED)
		diag_warning(d, partner_file(r, first), first->line,
		    "partner %s and %zu more are enforced and have no contact",
		    first->name, n - 1);
	for (i = 0; n <= CONTACTS_NAMED && i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->attributes->mode == MODE_ENFORCED && p->contact == NULL)
			diag_warning(d, partner_file(r, p), p->line,
			    "partner %s is enforced and has no contact",
			    p->name);
	}
}

void
registry_check(
    const struct registry *r, time_t now, bool files, struct diags *d)
{
	struct paths seen = {0};
	struct formers former = {0};
	const struct partner *p;
	bool all_secure = true, word = false;
	size_t i;

	strmap_init(&seen.map, path_key);
	strmap_init(&former.map, path_key);
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		check_partner(r, p, now, d);
		check_addresses(r, p, d);
		check_former(r, p, &former, d);
		check_lists(r, p, d);
		if (files)
			check_ca(r, p, &seen, d);
		all_secure = all_secure && partner_level(p) == LEVEL_SECURE;
		word = word || p->attributes->requiretls != REQUIRETLS_MAIN_CF;
	}
	for (i = 0; word && i < r->npartners; i++)
		if (r->partner[i].attributes->requiretls == REQUIRETLS_MAIN_CF)
			check_requiretls(r, &r->partner[i], d);
	check_contacts(r, d);
	check_single(r, d);
	/* Otherwise nobody can be weaker than anybody. */
	if (!all_secure)
		check_parents(r, d);
	free(seen.v);
	strmap_free(&seen.map);
	free(former.v);
	free(former.of);
	strmap_free(&former.map);
}
