#include "compile.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "diag.h"
#include "dname.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "render.h"
#include "strength.h"
#include "target.h"

#define NEAR 4 /* domains of a partner that its gateways are looked for in */

/* A gateway's host name, and who is behind it. */
struct gateway {
	const char *name;
	uint32_t partner; /* the first */
	uint32_t more;
	uint8_t inbound, action;
	bool lowered; /* all of them */
};

struct gateways {
	struct gateway *v;
	size_t n, cap;
	struct strmap map;
};

struct compiling {
	size_t weak; /* partners who are worse off than strangers */
	const struct partner *weakest; /* the first of them */
	const struct registry *r;
	const struct target *target;
	struct compiled *c;
	struct diags *d;
	struct gateways gateways;
	struct buf text;
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
	k->c->by_partner = mem_zero(k->r->npartners, sizeof(*k->c->by_partner));
	for (n = 0; n < o->n; n++) {
		v = &o->v[n];
		i = registry_partner(k->r, v->partner);
		if (i == REGISTRY_NONE || v->end <= now)
			continue;
		next_change(k->c, v->begin, now);
		if (v->begin > now)
			continue;
		next_change(k->c, v->end, now);
		have = &k->c->by_partner[i];
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

/* A row like this one, but for what x says. */
static void
add_extra(struct compiled *c, struct row row, const struct extra *x)
{
	c->extra =
	    mem_grow(c->extra, c->nextras, &c->extra_cap, sizeof(*c->extra));
	c->extra[c->nextras] = *x;
	row.index = (uint32_t)c->nextras++;
	row.extra = true;
	add_row(c, &row);
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
	struct extra second = {.partner = dom->partner};

	if (!dname_unicode(dom->name, name, sizeof(name)))
		return;
	if (strstr(name, "\xc3\x9f") != NULL || /* sharp s */
	    strstr(name, "\xcf\x82") != NULL) { /* final sigma */
		diag_warning(k->d, partner_file(k->r, p), dom->line,
		    "domain %s: Postfix cannot look it up in this form; only "
		    "mail to %s is covered",
		    quotes(name).s, dom->name);
		return;
	}
	second.key = arena_copy(&k->c->arena, name, strlen(name));
	add_extra(k->c, *row, &second);
}

/* What Postfix does with a domain of an opportunistic partner. */
struct above {
	bool caught; /* without a row, by the row of an enforced parent */
	bool ruled;  /* without a record, by a rule for incoming mail */
};

static struct above
look_above(const struct registry *r, const char *name)
{
	struct above above = {0};
	bool nearest = true;
	const struct partner *up;
	uint32_t i;
	size_t at = 0;

	while (*name != '[' &&
	       (i = registry_parent(r, name, &at)) != REGISTRY_NONE) {
		up = &r->partner[r->domain[i].partner];
		above.ruled = above.ruled || up->terms->inbound != INBOUND_OFF;
		/* smtp(8) asks for ".parent" alone. */
		if (r->domain[i].name[0] != '.')
			continue;
		above.caught = above.caught ||
			       (nearest && up->terms->mode == MODE_ENFORCED);
		nearest = false;
	}
	return above;
}

/*
 * An opportunistic partner is treated as main.cf treats strangers: a row
 * would hide what main.cf has for them, such as DANE or another table.
 */
static bool
goes_without_rows(const struct compiling *k, const struct partner *p)
{
	return p->terms->mode != MODE_ENFORCED &&
	       k->target->opportunistic == OPPORTUNISTIC_MAIN_CF;
}

static const struct strs *
pins(const struct partner *p, const struct override *o)
{
	return o != NULL ? o->key : p->terms->key;
}

const char *
compiled_key(const struct compiled *c, const struct row *row)
{
	return row->extra ? c->extra[row->index].key
			  : c->registry->domain[row->index].name;
}

uint32_t
compiled_partner(const struct compiled *c, const struct row *row)
{
	return row->extra ? c->extra[row->index].partner
			  : c->registry->domain[row->index].partner;
}

const char *
compiled_text(struct compiled *c, const struct row *row)
{
	const uint32_t index = compiled_partner(c, row);
	const struct partner *p;
	const struct override *o;

	if (row->extra && c->extra[row->index].text != NULL)
		return c->extra[row->index].text;
	p = &c->registry->partner[index];
	o = row->lowered ? c->by_partner[index] : NULL;
	buf_clear(&c->text);
	/* compile() has found that it can be rendered. */
	if (render_policy(p, (enum level)row->level, pins(p, o), &c->target,
		&c->text) != NULL)
		abort();
	return c->text.data;
}

static void
put_record(struct compiling *k, const char *kind, const char *name,
    const struct maprecord *rec, uint32_t partner)
{
	struct extra x = {.partner = partner};

	buf_clear(&k->text);
	buf_puts(&k->text, kind);
	buf_puts(&k->text, name);
	x.key = arena_copy(&k->c->arena, k->text.data, k->text.len);
	buf_clear(&k->text);
	maprecord_print(rec, &k->text);
	x.text = arena_copy(&k->c->arena, k->text.data, k->text.len);
	add_extra(k->c, (struct row){.record = true}, &x);
	k->c->records++;
}

/* Does the inbound rule follow from the row alone? */
static bool
is_plain(const struct partner *p)
{
	const struct terms *t = p->terms;

	return t->inbound ==
		   (t->mode == MODE_ENFORCED ? INBOUND_REQUIRE : INBOUND_OFF) &&
	       (t->inbound == INBOUND_OFF ||
		   (t->inbound_verify == INBOUND_NONE &&
		       t->inbound_action == ACTION_DEFER));
}

static void
fill_record(struct maprecord *rec, const struct partner *p)
{
	static const struct strs none = {0};
	const struct terms *t = p->terms;

	*rec = (struct maprecord){.partner = p->name,
	    .inbound = (enum inbound)t->inbound,
	    .verify = (enum inbound_verify)t->inbound_verify,
	    .action = (enum inbound_action)t->inbound_action,
	    .names = &none,
	    .keys = &none,
	    .level = partner_level(p),
	    .full = ""};
	if (t->inbound_verify == INBOUND_NAME)
		rec->names = p->gateway;
	if (t->inbound_verify == INBOUND_KEY)
		rec->keys = t->key;
}

/* An opportunistic partner's row, where main.cf is strict with strangers. */
static bool
looks_enforced(const struct compiling *k, const struct partner *p)
{
	const char *text = k->target->main_level;
	enum level level;

	return goes_without_rows(k, p) &&
	       strength_level(text, strlen(text), &level) &&
	       level > LEVEL_OPPORTUNISTIC;
}

/* A downgrade covers what it was begun for: what came later stays full. */
static bool
is_covered(struct compiling *k, const struct partner *p,
    const struct override *o, const struct domain *dom)
{
	char end[NUM_TIME_MAX];

	if (o == NULL || override_covers(o, dom->name))
		return o != NULL;
	diag_warning(k->d, partner_file(k->r, p), dom->line,
	    "partner %s is lowered until %s, but not for %s, which came later "
	    "and stays at %s",
	    p->name, num_time_text(o->end, end), dom->name,
	    level_name(partner_level(p)));
	return false;
}

/* The records of the partner's rows, which are the last n of c. */
static void
add_records(struct compiling *k, const struct partner *p, uint32_t index,
    const struct override *o, size_t n)
{
	struct compiled *c = k->c;
	struct maprecord rec;
	struct buf full = {0};
	size_t i, first = c->n - n;
	const char *key;

	if (o == NULL && is_plain(p) && !looks_enforced(k, p))
		return;
	/* compile_partner() has found that it can be rendered. */
	if (o != NULL)
		(void)render_policy(
		    p, partner_level(p), p->terms->key, k->target, &full);
	for (i = first; i < first + n; i++) {
		fill_record(&rec, p);
		if (c->row[i].lowered) {
			rec.level = o->level;
			rec.until = o->end;
			rec.begin = o->begin;
			rec.id = o->id;
			rec.full = full.data;
		} else if (is_plain(p) && !looks_enforced(k, p)) {
			continue;
		}
		/* Nobody sends from a next-hop, but it too may be lowered. */
		key = compiled_key(c, &c->row[i]);
		if (key[0] != '[' || c->row[i].lowered)
			put_record(k, MAPRECORD_DOMAIN, key, &rec, index);
	}
	buf_free(&full);
}

static const char *
gateway_key(const void *array, uint32_t i)
{
	return ((const struct gateway *)array)[i].name;
}

/* Of several partners behind one gateway the strictest rule holds. */
static void
add_gateway(struct gateways *g, const char *name, const struct partner *p,
    uint32_t index, bool lowered)
{
	struct gateway *have;
	uint32_t i;

	g->v = mem_grow(g->v, g->n, &g->cap, sizeof(*g->v));
	g->v[g->n] = (struct gateway){.name = name,
	    .partner = index,
	    .inbound = p->terms->inbound,
	    .action = p->terms->inbound_action,
	    .lowered = lowered};
	i = strmap_add(&g->map, g->v, name, strlen(name), (uint32_t)g->n);
	if (i == STRMAP_NONE) {
		g->n++;
		return;
	}
	have = &g->v[i];
	if (have->partner == index)
		return;
	have->more++;
	if (p->terms->inbound > have->inbound)
		have->inbound = p->terms->inbound;
	if (p->terms->inbound_action > have->action)
		have->action = p->terms->inbound_action;
	have->lowered = have->lowered && lowered;
}

/*
 * A gateway below one of the partner's own domains needs no record: going up
 * from the client's name leads to the row of that domain.
 */
static bool
is_at_home(const struct registry *r, const struct partner *p, const char *name)
{
	size_t at = 0;
	uint32_t d;

	d = registry_domain(r, name);
	if (d == REGISTRY_NONE)
		d = registry_parent(r, name, &at);
	return d != REGISTRY_NONE && &r->partner[r->domain[d].partner] == p;
}

/* The same, found out without a look into the registry. */
static bool
is_near(const struct registry *r, const struct partner *p, const char *name)
{
	const struct domain *d = &r->domain[p->first_domain];
	size_t len = strlen(name), n;
	uint32_t i;

	for (i = 0; i < p->ndomains && i < NEAR; i++) {
		n = strlen(d[i].name);
		if (n <= len && strcmp(name + len - n, d[i].name) == 0 &&
		    (n == len || *d[i].name == '.' || name[len - n - 1] == '.'))
			return true;
	}
	return false;
}

/* Note the gateways of a partner that need records. */
static void
note_gateways(struct compiling *k, const struct partner *p, uint32_t index,
    const struct override *o)
{
	const struct strs *list = p->gateway;
	size_t i;

	if (p->terms->inbound == INBOUND_OFF)
		return;
	for (i = 0; i < list->n; i++)
		if (!attribute_is_token(list->v[i]) &&
		    !is_near(k->r, p, list->v[i]) &&
		    !is_at_home(k->r, p, list->v[i]))
			add_gateway(
			    &k->gateways, list->v[i], p, index, o != NULL);
}

static void
add_gateways(struct compiling *k)
{
	const struct gateways *g = &k->gateways;
	const struct override *o;
	const struct partner *p;
	struct maprecord rec;
	size_t i;

	for (i = 0; i < g->n; i++) {
		p = &k->r->partner[g->v[i].partner];
		o = k->c->by_partner == NULL
			? NULL
			: k->c->by_partner[g->v[i].partner];
		fill_record(&rec, p);
		rec.more = g->v[i].more;
		rec.inbound = (enum inbound)g->v[i].inbound;
		rec.action = (enum inbound_action)g->v[i].action;
		if (g->v[i].lowered && g->v[i].more == 0 && o != NULL) {
			rec.level = o->level;
			rec.until = o->end;
			rec.full = "-";
		} else if (g->v[i].lowered) {
			/* The others' ends differ: until the first one. */
			rec.level = LEVEL_ENCRYPT;
			rec.until = k->c->lowered_until;
			rec.full = "-";
		}
		put_record(
		    k, MAPRECORD_GATEWAY, g->v[i].name, &rec, g->v[i].partner);
	}
}

/*
 * The rows of a partner; those of an opportunistic one where one is needed.
 * Returns how many domains are lowered.
 */
static size_t
add_rows(struct compiling *k, const struct partner *p, const struct override *o,
    struct row row)
{
	const bool without = goes_without_rows(k, p);
	const struct domain *dom;
	size_t lowered = 0;
	uint32_t i;

	for (i = 0; i < p->ndomains; i++) {
		dom = &k->r->domain[p->first_domain + i];
		if (without && !look_above(k->r, dom->name).caught)
			continue;
		if (without && strcmp(k->target->main_level, "?") == 0) {
			diag_error(k->d, partner_file(k->r, p), dom->line,
			    "domain %s of opportunistic partner %s needs a row "
			    "below its enforced parent, at main.cf's "
			    "smtp_tls_security_level, which cannot be read "
			    "(opportunistic_level = may does without)",
			    quotes(dom->name).s, p->name);
			break;
		}
		row.index = p->first_domain + i;
		row.lowered = is_covered(k, p, o, dom);
		row.level =
		    (uint8_t)(row.lowered ? o->level : partner_level(p));
		lowered += row.lowered;
		add_row(k->c, &row);
		if (dname_has_alabel(dom->name) && dom->name[0] != '[')
			add_unicode(k, p, dom, &row);
	}
	return lowered;
}

/* The rules for incoming mail of domains that have no row, if need be. */
static void
add_rules(struct compiling *k, const struct partner *p, uint32_t index)
{
	const struct domain *dom;
	struct maprecord rec;
	struct above above;
	uint32_t i;

	for (i = 0; i < p->ndomains; i++) {
		dom = &k->r->domain[p->first_domain + i];
		above = look_above(k->r, dom->name);
		if (above.caught || dom->name[0] == '[' ||
		    (is_plain(p) && !above.ruled))
			continue;
		fill_record(&rec, p);
		put_record(k, MAPRECORD_DOMAIN, dom->name, &rec, index);
	}
}

/* Are rows of that level weaker than what main.cf has for strangers? */
static void
note_weak(struct compiling *k, const struct partner *p, enum level level)
{
	const char *main_level = k->target->main_level;

	if (level > LEVEL_ENCRYPT || *main_level == '\0' ||
	    goes_without_rows(k, p))
		return;
	buf_clear(&k->text);
	(void)render_policy(p, level, NULL, k->target, &k->text);
	if (strength_compare(main_level, strlen(main_level), k->text.data,
		k->text.len) == CHANGE_WEAKER &&
	    k->weak++ == 0)
		k->weakest = p;
}

static void
tell_weak(struct compiling *k)
{
	if (k->weak == 0)
		return;
	diag_warning(k->d, partner_file(k->r, k->weakest), k->weakest->line,
	    "the policy of partner %s (and of %zu others) is weaker than what "
	    "strangers get: main.cf has smtp_tls_security_level = %s",
	    k->weakest->name, k->weak - 1, k->target->main_level);
}

static void
compile_partner(struct compiling *k, uint32_t index)
{
	const struct partner *p = &k->r->partner[index];
	const struct override *o =
	    k->c->by_partner == NULL ? NULL : k->c->by_partner[index];
	struct compiled *c = k->c;
	struct row row = {0};
	size_t before = c->n, lowered = 0;
	const char *bad;

	row.enforced = p->terms->mode == MODE_ENFORCED;
	bad = render_fault(p, partner_level(p), p->terms->key, k->target);
	if (bad == NULL && o != NULL)
		bad = render_fault(p, o->level, o->key, k->target);
	if (bad != NULL) {
		diag_error(k->d, partner_file(k->r, p), p->line,
		    "partner %s: %s", p->name, bad);
		return;
	}
	if (o == NULL)
		note_weak(k, p, partner_level(p));
	lowered = add_rows(k, p, o, row);
	add_records(k, p, index, o, c->n - before);
	if (goes_without_rows(k, p))
		add_rules(k, p, index);
	note_gateways(k, p, index, lowered > 0 ? o : NULL);
	if (lowered > 0 && (c->lowered_until == 0 || o->end < c->lowered_until))
		c->lowered_until = o->end;
	c->domains += p->ndomains;
	if (row.enforced)
		c->enforced += p->ndomains;
	else
		c->opportunistic += p->ndomains;
	c->lowered += lowered;
}

void
compiled_add_record(struct compiled *c, const char *key, const char *text)
{
	struct extra x = {0};

	x.key = arena_copy(&c->arena, key, strlen(key));
	x.text = arena_copy(&c->arena, text, strlen(text));
	add_extra(c, (struct row){.record = true}, &x);
	c->records++;
}

void
compile(const struct registry *r, const struct overrides *o, time_t now,
    const struct target *target, struct compiled *c, struct diags *d)
{
	struct compiling k = {.r = r, .target = target, .c = c, .d = d};
	size_t i;

	*c = (struct compiled){
	    .partners = r->npartners, .registry = r, .target = *target};
	strmap_init(&k.gateways.map, gateway_key);
	sort_overrides(&k, o, now);
	c->row = mem_reserve(NULL, 0, r->ndomains, &c->cap, sizeof(*c->row));
	for (i = 0; i < r->npartners; i++)
		compile_partner(&k, (uint32_t)i);
	add_gateways(&k);
	tell_weak(&k);
	free(k.gateways.v);
	strmap_free(&k.gateways.map);
	buf_free(&k.text);
}

void
compiled_release(struct compiled *c)
{
	free(c->row);
	free(c->extra);
	free(c->by_partner);
	buf_free(&c->text);
	arena_free(&c->arena);
	*c = (struct compiled){0};
}
