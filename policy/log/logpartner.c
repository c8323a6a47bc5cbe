#include "logpartner.h"

#include <stdio.h>
#include <stdlib.h>

#include "logjoin.h"
#include "mem.h"
#include "registry.h"

/* A gateway's name, and whose it is. */
struct gateway {
	const char *name;
	uint32_t partner;
};

struct downgrade {
	uint32_t partner;
	time_t begin, end;
};

struct logpartner {
	const struct registry *r;
	bool routes; /* the registry has next-hops that are hosts */
	struct gateway *gateway;
	size_t n, cap;
	struct strmap gateways;
	struct downgrade *downgrade;
	size_t ndowngrades, downgrade_cap;
};

static const char *
gateway_name(const void *array, uint32_t i)
{
	return ((const struct gateway *)array)[i].name;
}

static void
add_gateways(struct logpartner *w, uint32_t partner)
{
	const struct strs *list = w->r->partner[partner].gateway;
	size_t i;

	for (i = 0; list != NULL && i < list->n; i++) {
		/* Without a dot: "nexthop" and the other two tokens. */
		if (strchr(list->v[i], '.') == NULL)
			continue;
		w->gateway =
		    mem_grow(w->gateway, w->n, &w->cap, sizeof(*w->gateway));
		w->gateway[w->n] = (struct gateway){list->v[i], partner};
		(void)strmap_add(&w->gateways, w->gateway, list->v[i],
		    strlen(list->v[i]), (uint32_t)w->n);
		w->n++;
	}
}

struct logpartner *
logpartner_new(const struct registry *r)
{
	struct logpartner *w = mem_zero(1, sizeof(*w));
	size_t i;

	w->r = r;
	strmap_init(&w->gateways, gateway_name);
	if (r == NULL)
		return w;
	for (i = 0; i < r->ndomains && !w->routes; i++)
		w->routes = r->domain[i].name[0] == '[';
	for (i = 0; i < r->npartners; i++)
		add_gateways(w, (uint32_t)i);
	return w;
}

/*
 * To lower case and A-labels, into out of DNAME_MAX + 1 bytes. "" if it is
 * no name: addresses of the log are whatever somebody wrote.
 */
static void
normal(struct span s, char *out)
{
	char copy[4 * DNAME_MAX + 1], buf[DNAME_MAX + 1];
	struct dname name;
	bool plain = s.n <= DNAME_MAX;
	size_t i;

	out[0] = '\0';
	if (s.n == 0 || s.n >= sizeof(copy))
		return;
	for (i = 0; i < s.n && plain; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		else if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
			 c != '-' && c != '.')
			plain = false;
		out[i] = c;
	}
	if (plain) {
		out[s.n] = '\0';
		return;
	}
	out[0] = '\0';
	memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	if (memchr(s.p, '\0', s.n) == NULL &&
	    dname_gateway(copy, buf, &name) == NULL)
		(void)snprintf(out, DNAME_MAX + 1, "%s", name.s);
}

static uint32_t
by_name(const struct logpartner *w, const char *name)
{
	const struct registry *r = w->r;
	uint32_t i;

	i = registry_domain(r, name);
	return i == REGISTRY_NONE ? registry_above(r, name)
				  : r->domain[i].partner;
}

static uint32_t
by_gateway(const struct logpartner *w, const char *name)
{
	uint32_t i;

	for (; name != NULL; name = registry_up(name)) {
		i = strmap_find(&w->gateways, w->gateway, name, strlen(name));
		if (i != STRMAP_NONE)
			return w->gateway[i].partner;
	}
	return REGISTRY_NONE;
}

/* "[host]:port", and "[host]" for port 25. */
static uint32_t
by_route(const struct logpartner *w, const char *host, unsigned port)
{
	const struct registry *r = w->r;
	char key[DNAME_NEXTHOP_MAX + 1];
	uint32_t i;
	int n;

	n = snprintf(key, sizeof(key), "[%s]:%u", host, port);
	if (n < 0 || (size_t)n >= sizeof(key))
		return REGISTRY_NONE;
	i = registry_domain(r, key);
	if (i == REGISTRY_NONE && port == 25) {
		key[strlen(host) + 2] = '\0';
		i = registry_domain(r, key);
	}
	return i == REGISTRY_NONE ? i : r->domain[i].partner;
}

static uint32_t
by_routes(const struct logpartner *w, const struct attempt *a)
{
	char host[DNAME_MAX + 1], address[64];
	uint32_t i = REGISTRY_NONE;

	normal(a->host, host);
	if (host[0] != '\0')
		i = by_route(w, host, a->port);
	if (i != REGISTRY_NONE || a->address.n >= sizeof(address))
		return i;
	(void)snprintf(address, sizeof(address), "%.*s", SPAN_ARG(a->address));
	return by_route(w, address, a->port);
}

/* Index of the partner, or REGISTRY_NONE; domain is in normal form, or "". */
static uint32_t
find(const struct logpartner *w, const struct attempt *a, const char *domain)
{
	char host[DNAME_MAX + 1];
	uint32_t i = *domain == '\0' ? REGISTRY_NONE : by_name(w, domain);

	if (i != REGISTRY_NONE)
		return i;
	if (a->direction == EVIDENCE_OUT)
		return w->routes && a->host.n > 0 ? by_routes(w, a) : i;
	/* Bounces, and handshakes that failed, come from nobody's domain. */
	if (a->domain.n > 0 || span_is(a->host, "unknown"))
		return i;
	normal(a->host, host);
	if (host[0] == '\0')
		return i;
	i = by_gateway(w, host);
	return i == REGISTRY_NONE ? by_name(w, host) : i;
}

void
logpartner_downgrade(
    struct logpartner *w, const char *partner, time_t begin, time_t end)
{
	uint32_t i;

	if (w->r == NULL)
		return;
	i = registry_partner(w->r, partner);
	if (i == REGISTRY_NONE)
		return;
	w->downgrade = mem_grow(w->downgrade, w->ndowngrades, &w->downgrade_cap,
	    sizeof(*w->downgrade));
	w->downgrade[w->ndowngrades++] = (struct downgrade){i, begin, end};
}

static bool
was_downgraded(const struct logpartner *w, uint32_t partner, time_t when)
{
	const struct downgrade *d = w->downgrade;
	size_t i;

	for (i = 0; i < w->ndowngrades; i++, d++)
		if (d->partner == partner && d->begin <= when && when < d->end)
			return true;
	return false;
}

/*
 * What the log alone cannot say: at a partner with verify=name "Verified"
 * means a trusted chain and a matching name, unless a downgrade held; and
 * with pinned keys an untrusted certificate is one with another key. Without
 * DANE, "no matching DANE TLSA records" is said of a chain that does not lead
 * to the CA of the partner's own file, which Postfix takes for such a record.
 */
static void
refine(const struct logpartner *w, uint32_t partner, struct attempt *a)
{
	const struct partner *p = &w->r->partner[partner];
	/* The chain is trusted, and what else was wrong is not said. */
	bool downgraded, unnamed = a->fault == FAULT_NAME_MISMATCH &&
				   a->name_matched == FACT_UNKNOWN &&
				   a->chain_trusted == FACT_YES;

	if (a->direction != EVIDENCE_OUT ||
	    (!a->verified && a->fault == FAULT_OK))
		return;
	downgraded = was_downgraded(w, partner, a->time);
	if (a->verified && a->policy.n == 0 && !downgraded &&
	    partner_level(p) == LEVEL_SECURE &&
	    p->attributes->verify == VERIFY_NAME)
		a->chain_trusted = a->name_matched = FACT_YES;
	if (a->fault != FAULT_UNTRUSTED_ISSUER &&
	    a->fault != FAULT_SELF_SIGNED && a->fault != FAULT_DANE_MISMATCH &&
	    !unnamed)
		return;
	if (!downgraded && partner_level(p) == LEVEL_KEY)
		a->fault = FAULT_KEY_CHANGED;
	else if (p->attributes->verify == VERIFY_DANE)
		a->fault = FAULT_DANE_MISMATCH;
	else if (unnamed)
		a->name_matched = FACT_NO;
	else if (a->fault == FAULT_DANE_MISMATCH && !downgraded &&
		 partner_level(p) == LEVEL_SECURE)
		a->fault = FAULT_UNTRUSTED_ISSUER;
}

const char *
logpartner_find(
    const struct logpartner *w, struct attempt *a, char domain[DNAME_MAX + 1])
{
	uint32_t i;

	normal(a->domain, domain);
	if (w->r == NULL || (i = find(w, a, domain)) == REGISTRY_NONE)
		return NULL;
	refine(w, i, a);
	return w->r->partner[i].name;
}

void
logpartner_free(struct logpartner *w)
{
	if (w == NULL)
		return;
	strmap_free(&w->gateways);
	free(w->gateway);
	free(w->downgrade);
	free(w);
}
