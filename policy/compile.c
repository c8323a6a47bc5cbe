#include "compile.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "diag.h"
#include "dname.h"
#include "mem.h"
#include "quote.h"
#include "render.h"
#include "target.h"

struct compiling {
	const struct registry *r;
	const struct target *target;
	struct compiled *c;
	struct diags *d;
	struct buf text;
	const char *last; /* the text rendered last: neighbours often agree */
	const struct override **by_partner; /* NULL if there are none */
};

static void
next_change(struct compiled *c, time_t t, time_t now)
{
	if (t > now && (c->expires == 0 || t < c->expires))
		c->expires = t;
}

/* The weakest override that holds now, for each partner. */
static void
sort_overrides(struct compiling *k, const struct overrides *o, time_t now)
{
	const struct override *v, **have;
	uint32_t i;
	size_t n;

	if (o->n == 0)
		return;
	k->by_partner = mem_zero(k->r->npartners, sizeof(*k->by_partner));
	for (n = 0; n < o->n; n++) {
		v = &o->v[n];
		i = strmap_find(&k->r->partners, k->r->partner, v->partner,
		    strlen(v->partner));
		if (i == STRMAP_NONE || v->end <= now)
			continue;
		next_change(k->c, v->begin, now);
		if (v->begin > now)
			continue;
		next_change(k->c, v->end, now);
		have = &k->by_partner[i];
		if (v->level < partner_level(&k->r->partner[i]) &&
		    (*have == NULL || v->level < (*have)->level))
			*have = v;
	}
}

static void
add_row(struct compiled *c, const struct row *row)
{
	c->row = mem_grow(c->row, c->n, &c->cap, sizeof(*c->row));
	c->row[c->n++] = *row;
}

/*
 * Mail with internationalised addresses asks for the U-label form, and
 * Postfix converts neither way: without a row of its own such mail would
 * pass by the policy. Postfix folds case first, which turns sharp s and
 * final sigma into other letters, so such a row could never be found.
 */
static void
add_unicode(struct compiling *k, const struct partner *p,
    const struct domain *dom, const struct row *row)
{
	char name[4 * DNAME_MAX + 2];
	struct row second = *row;

	if (!dname_unicode(dom->name, name, sizeof(name)))
		return;
	if (strstr(name, "\xc3\x9f") != NULL || /* sharp s */
	    strstr(name, "\xcf\x82") != NULL) { /* final sigma */
		diag_warning(k->d, registry_file(k->r, p->source), dom->line,
		    "domain %s: Postfix cannot look it up in this form; only "
		    "mail to %s is covered",
		    quotes(name).s, dom->name);
		return;
	}
	second.key = arena_copy(&k->c->arena, name, strlen(name));
	add_row(k->c, &second);
}

static const char *
render(struct compiling *k, const struct partner *p, enum level level,
    const struct override *o)
{
	const struct strs *key = o != NULL ? o->key : p->terms.key;
	const char *bad;

	buf_clear(&k->text);
	bad = render_policy(p, level, key, k->target, &k->text);
	if (bad != NULL) {
		diag_error(k->d, registry_file(k->r, p->source), p->line,
		    "partner %s: %s", p->name, bad);
		return NULL;
	}
	if (k->last == NULL || strcmp(k->last, k->text.data) != 0)
		k->last = arena_copy(&k->c->arena, k->text.data, k->text.len);
	return k->last;
}

static void
compile_partner(struct compiling *k, uint32_t index)
{
	const struct partner *p = &k->r->partner[index];
	const struct override *o =
	    k->by_partner == NULL ? NULL : k->by_partner[index];
	struct compiled *c = k->c;
	const struct domain *dom;
	struct row row = {.partner = index};
	uint32_t i;

	row.level = (uint8_t)(o != NULL ? o->level : partner_level(p));
	row.lowered = o != NULL;
	row.enforced = p->terms.mode == MODE_ENFORCED;
	if ((row.text = render(k, p, (enum level)row.level, o)) == NULL)
		return;
	if (o != NULL && (c->lowered_until == 0 || o->end < c->lowered_until))
		c->lowered_until = o->end;
	for (i = 0; i < p->ndomains; i++) {
		dom = &k->r->domain[p->first_domain + i];
		row.key = dom->name;
		add_row(c, &row);
		if (dname_has_alabel(dom->name) && dom->name[0] != '[')
			add_unicode(k, p, dom, &row);
	}
	c->domains += p->ndomains;
	if (row.enforced)
		c->enforced += p->ndomains;
	else
		c->opportunistic += p->ndomains;
	if (row.lowered)
		c->lowered += p->ndomains;
}

void
compile(const struct registry *r, const struct overrides *o, time_t now,
    const struct target *target, struct compiled *c, struct diags *d)
{
	struct compiling k = {.r = r, .target = target, .c = c, .d = d};
	size_t i;

	*c = (struct compiled){.partners = r->npartners};
	sort_overrides(&k, o, now);
	for (i = 0; i < r->npartners; i++)
		compile_partner(&k, (uint32_t)i);
	free(k.by_partner);
	buf_free(&k.text);
}

void
compiled_release(struct compiled *c)
{
	free(c->row);
	arena_free(&c->arena);
	*c = (struct compiled){0};
}
