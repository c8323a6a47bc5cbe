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

/* Lists that say more than was meant. */
static void
check_lists(const struct registry *r, const struct partner *p, struct diags *d)
{
	static const char *const forms[] = {
	    "Inc.", "Inc", "LLC", "Ltd.", "Ltd", "Limited", "S.A.", "Corp."};
	const struct strs *g = p->gateway, *s = p->attributes->issuer;
	size_t i, k;

	for (i = 0; i < g->n; i++)
		if (g->v[i][0] == '.' && dname_labels(g->v[i]) == 1)
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
		while (dom->name[0] != '[' &&
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

void
registry_check(
    const struct registry *r, time_t now, bool files, struct diags *d)
{
	struct paths seen = {0};
	const struct partner *p;
	bool all_secure = true, word = false;
	size_t i;

	strmap_init(&seen.map, path_key);
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		check_partner(r, p, now, d);
		check_addresses(r, p, d);
		check_lists(r, p, d);
		if (files)
			check_ca(r, p, &seen, d);
		all_secure = all_secure && partner_level(p) == LEVEL_SECURE;
		word = word || p->attributes->requiretls != REQUIRETLS_MAIN_CF;
	}
	for (i = 0; word && i < r->npartners; i++)
		if (r->partner[i].attributes->requiretls == REQUIRETLS_MAIN_CF)
			check_requiretls(r, &r->partner[i], d);
	/* Otherwise nobody can be weaker than anybody. */
	if (!all_secure)
		check_parents(r, d);
	free(seen.v);
	strmap_free(&seen.map);
}
