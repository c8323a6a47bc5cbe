#include "ctlpast.h"

#include <string.h>

#include "ctlfacts.h"
#include "registry.h"

/* The partner of a row, or of an address, or NULL. */
static const char *
owner_in(const struct registry *r, const char *key)
{
	const char *at = strrchr(key, '@');
	uint32_t i;

	if (at != NULL)
		i = registry_covering(r, at + 1);
	else if ((i = registry_domain(r, key)) != REGISTRY_NONE)
		i = r->domain[i].partner;
	return i == REGISTRY_NONE ? NULL : r->partner[i].name;
}

/* By what the map was made of. */
static const char *
owner(const struct ctl *c, const char *key)
{
	const char *name = c->live == NULL ? NULL : owner_in(c->live, key);

	return name != NULL || c->registry == NULL ? name
						   : owner_in(c->registry, key);
}

static struct ctl_facts *
facts_of(
    const struct ctl *c, const char *partner, struct ctl_facts *f, size_t n)
{
	uint32_t i = REGISTRY_NONE;

	if (partner == NULL)
		return NULL;
	if (n == 1)
		return strcmp(f->name, partner) == 0 ? f : NULL;
	if (c->registry != NULL)
		i = registry_partner(c->registry, partner);
	return i < n && strcmp(f[i].name, partner) == 0 ? &f[i] : NULL;
}

/* Ways of one domain stand together. */
static void
take(struct ctl_facts *f, const struct ctl_past *w, const struct ctl_past *last)
{
	if (f->past == NULL)
		f->past = w;
	if (last != NULL && strcmp(last->domain, w->domain) == 0)
		return;
	f->npast++;
	f->past_domains += !w->part;
}

void
ctlpast_take(const struct ctl *c, struct ctl_facts *f, size_t n)
{
	const struct ctl_past *w, *last = NULL, *all = NULL;
	struct ctl_facts *whose;
	size_t i;

	for (i = 0; c->around != NULL && i < c->around->nways; i++) {
		w = &c->around->way[i];
		if (w->domain == NULL) {
			all = all == NULL ? w : all;
			continue;
		}
		whose = facts_of(c, owner(c, w->domain), f, n);
		if (whose != NULL)
			take(whose, w, last);
		last = w;
	}
	for (i = 0; i < n && all != NULL; i++)
		if (f[i].past == NULL && f[i].full > LEVEL_OPPORTUNISTIC)
			f[i].past = all;
}
