#include "compile.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "diag.h"
#include "dname.h"
#include "mem.h"
#include "ledger_downgrade.h"
#include "quote.h"
#include "strength.h"
#include "target.h"

#define NEAR 4 /* domains of a partner that its gateways are looked for in */

/* --- The text of a policy ------------------------------------------------- */

static void
put_list(struct buf *out, const char *name, const struct strs *list, char sep)
{
	size_t i;

	buf_puts(out, name);
	for (i = 0; i < list->n; i++) {
		if (i > 0)
			buf_putc(out, sep);
		buf_puts(out, list->v[i]);
	}
}

static void
put_protocols(
    struct buf *out, const struct attributes *t, const struct target *target)
{
	const enum tls_version floor = (enum tls_version)t->min_tls;
	unsigned v;

	if (t->protocols == NULL && floor == MIN_TLS_MAIN_CF)
		return;
	buf_puts(out, " protocols=");
	if (t->protocols != NULL) {
		buf_puts(out, t->protocols);
		return;
	}
	if (target->version >= TARGET_FLOOR) {
		buf_puts(out, ">=");
		buf_puts(out, tls_version_name(floor));
		return;
	}
	/* Before 3.6 a floor is said by what is left out. */
	for (v = 0; v < floor; v++) {
		buf_puts(out, v == 0 ? "!" : ":!");
		buf_puts(out, tls_version_name(v));
	}
}

static void
put_ciphers(struct buf *out, const struct attributes *t)
{
	if (t->ciphers != CIPHERS_MAIN_CF)
		buf_puts(out, t->ciphers == CIPHERS_HIGH ? " ciphers=high"
							 : " ciphers=medium");
}

/* What the partner said of that level's row, which has no floor of ours. */
static void
put_own(
    struct buf *out, const struct attributes *t, const struct target *target)
{
	if (t->protocols != NULL)
		put_protocols(out, t, target);
	if ((t->own & ATTRIBUTE_BIT(ATTRIBUTE_CIPHERS)) != 0)
		put_ciphers(out, t);
}

static void
put_secure(struct buf *out, const struct partner *p)
{
	const struct attributes *t = p->attributes;
	size_t i;

	if (t->verify == VERIFY_DANE) {
		buf_puts(out, "dane-only");
		return;
	}
	buf_puts(out, "secure");
	put_list(out, " match=", p->gateway, ':');
	for (i = 0; i < t->ca->n; i++) {
		buf_puts(out, " tafile=");
		buf_puts(out, t->ca->v[i]);
	}
}

/*
 * What a stranger gets, unless the settings say another level. A partner who
 * is lowered to this is to be reached at last: nothing that could hold mail,
 * but DANE where main.cf has it for all.
 */
static const char *
opportunistic(const struct partner *p, const struct target *target)
{
	const char *level = target->main_level;

	switch (p->attributes->mode) {
	case MODE_MAY:
		return "may";
	case MODE_DANE:
		return "dane";
	case MODE_NONE:
		return "none";
	default:
		break;
	}
	if (target->opportunistic != OPPORTUNISTIC_MAIN_CF)
		return target->opportunistic == OPPORTUNISTIC_DANE ? "dane"
								   : "may";
	if (p->attributes->mode == MODE_ENFORCED)
		return strcmp(level, "dane") == 0 ? "dane" : "may";
	return *level == '\0' || strcmp(level, "none") == 0 ? "may" : level;
}

/*
 * The name to be asked for, also where less than all is asked of the answer:
 * a gateway may hang up on who sends none. Not with `dane', where the TLSA
 * records say it.
 */
static bool
has_servername(const struct attributes *t)
{
	return t->servername != NULL &&
	       (t->mode == MODE_ENFORCED || t->mode == MODE_MAY);
}

static void
put_servername(const struct partner *p, enum level level, struct buf *out)
{
	const struct attributes *t = p->attributes;

	if (!has_servername(t) ||
	    (level == LEVEL_SECURE && t->verify == VERIFY_DANE))
		return;
	buf_puts(out, " servername=");
	buf_puts(out, t->servername);
}

/* What the row would say of protocols that the Postfix does not know. */
static const char *
protocol_fault(
    const struct attributes *t, enum level level, const struct target *target)
{
	const char *list = t->protocols;

	if (level == LEVEL_OPPORTUNISTIC && t->mode != MODE_MAY &&
	    t->mode != MODE_DANE)
		return NULL;
	if (list != NULL && strpbrk(list, "<>") != NULL &&
	    target->version < TARGET_FLOOR)
		return "protocols= with > or < needs Postfix 3.6 or later";
	if (list != NULL && strcasestr(list, "TLSv1.3") != NULL &&
	    target->version < TARGET_TLS_1_3)
		return "protocols= with TLSv1.3 needs Postfix 3.4 or later";
	if (list == NULL && level > LEVEL_OPPORTUNISTIC &&
	    t->min_tls == TLS_1_3 && target->version < TARGET_TLS_1_3)
		return "min-tls=TLSv1.3 needs Postfix 3.4 or later";
	return NULL;
}

/* What makes it impossible to hold the partner at level; NULL: nothing. */
static const char *
fault(const struct partner *p, enum level level, const struct strs *key,
    const struct target *target)
{
	const struct attributes *t = p->attributes;

	if (has_servername(t) && target->version < TARGET_SERVERNAME)
		return "servername= needs Postfix 3.4 or later";
	if (t->requiretls != REQUIRETLS_MAIN_CF &&
	    target->version < TARGET_REQUIRETLS)
		return "requiretls= needs Postfix 3.11 or later";
	if (level == LEVEL_OPPORTUNISTIC)
		return protocol_fault(t, level, target);
	if (level == LEVEL_SECURE && t->verify != VERIFY_DANE &&
	    p->gateway->n == 0)
		return "no gateway name to match";
	if (level == LEVEL_KEY && (key == NULL || key->n == 0))
		return "no key to pin";
	/* The pins are SHA-256; any other digest defers all mail. */
	if (level == LEVEL_KEY && !target->sha256)
		return "a pinned key needs smtp_tls_fingerprint_digest = "
		       "sha256 in main.cf (and fingerprint_digest = sha256 "
		       "here)";
	return protocol_fault(t, level, target);
}

const char *
render_policy(const struct partner *p, enum level level, const struct strs *key,
    const struct target *target, struct buf *out)
{
	const struct attributes *t = p->attributes;
	const char *bad = fault(p, level, key, target);

	if (bad != NULL)
		return bad;
	switch (level) {
	case LEVEL_OPPORTUNISTIC:
		buf_puts(out, opportunistic(p, target));
		put_servername(p, level, out);
		if (t->mode == MODE_MAY || t->mode == MODE_DANE)
			put_own(out, t, target);
		return NULL;
	case LEVEL_ENCRYPT:
		buf_puts(out, "encrypt");
		break;
	case LEVEL_KEY:
		buf_puts(out, "fingerprint");
		put_list(out, " match=", key, '|');
		break;
	case LEVEL_SECURE:
		put_secure(out, p);
		break;
	}
	put_servername(p, level, out);
	put_protocols(out, t, target);
	put_ciphers(out, t);
	return NULL;
}

/* --- The rows ------------------------------------------------------------- */

/* A gateway's host name, and who is behind it. */
struct gateway {
	const char *name;
	uint32_t partner; /* the first */
	uint32_t more;
	uint8_t inbound, action;
	bool lowered;	/* all of them */
	bool needs_tls; /* then: but of one mail over TLS alone is let in */
};

struct compiling {
	size_t weak; /* partners who are worse off than strangers */
	const struct partner *weakest; /* the first of them */
	const struct registry *r;
	const struct target *target;
	struct compiled *c;
	struct diags *d;
	const struct downgrade **by_partner; /* what holds; NULL: nothing */
	struct gateway *gateway;
	size_t ngateways, gateway_cap;
	struct strmap gateways;
	struct buf key, text;
	/* The partner that is compiled now. */
	const struct partner *p;
	uint32_t index;
	const struct downgrade *o;	  /* that lowers it, or NULL */
	bool covers;			  /* any of its domains */
	const char *full_text, *low_text; /* the policies, in the arena */
	uint32_t *ruled; /* domains without a row, but with a record */
	size_t nruled, ruled_cap;
};

static void
next_change(struct mapheader *h, time_t t, time_t now)
{
	if (t > now && (h->expires == 0 || t < h->expires))
		h->expires = t;
}

/* The level of the partner's rows while it holds. */
static enum level
lowered_level(const struct downgrade *o, const struct partner *p)
{
	return o->direction ? partner_level(p) : o->level;
}

bool
compile_lowers(const struct downgrade *o, const struct partner *p)
{
	const struct attributes *a = p->attributes;

	if (!o->direction)
		return o->level < partner_level(p);
	return a->inbound != INBOUND_OFF &&
	       (o->direction != DIRECTION_CERTIFICATE ||
		   a->inbound_verify != INBOUND_NONE);
}

bool
compile_covers(const struct downgrade *o, const struct registry *r,
    const struct partner *p)
{
	uint32_t i;

	for (i = 0; i < p->ndomains; i++)
		if (downgrade_covers(o, r->domain[p->first_domain + i].name))
			return true;
	return false;
}

/* Does v lower the partner more than o? */
static bool
is_weaker(const struct downgrade *v, const struct downgrade *o,
    const struct partner *p)
{
	const enum level a = lowered_level(v, p), b = lowered_level(o, p);

	return a != b ? a < b : v->direction < o->direction;
}

/* The weakest downgrade that holds now, for each partner. */
static void
sort_downgrades(struct compiling *k, const struct downgrades *o, time_t now)
{
	struct mapheader *h = &k->c->header;
	const struct downgrade *v, **have;
	const struct partner *p;
	uint32_t i;
	size_t n;

	if (o->n == 0)
		return;
	k->by_partner = mem_zero(k->r->npartners, sizeof(*k->by_partner));
	for (n = 0; n < o->n; n++) {
		v = &o->v[n];
		i = registry_partner(k->r, v->partner);
		if (i == REGISTRY_NONE || v->end <= now)
			continue;
		next_change(h, v->begin, now);
		if (v->begin > now)
			continue;
		next_change(h, v->end, now);
		have = &k->by_partner[i];
		p = &k->r->partner[i];
		if (compile_lowers(v, p) &&
		    (*have == NULL || is_weaker(v, *have, p)))
			*have = v;
	}
}

static const struct downgrade *
downgrade_of(const struct compiling *k, uint32_t partner)
{
	return k->by_partner == NULL ? NULL : k->by_partner[partner];
}

static void
add_row(struct compiling *k, const char *key, bool covered)
{
	const bool lowered = covered && !k->o->direction;
	const char *text = lowered ? k->low_text : k->full_text;
	struct maptable *t = &k->c->table;
	uint32_t i = maptable_add(t, key, strlen(key), text, strlen(text));

	t->row[i].partner = k->index;
	t->row[i].covered = covered;
	t->row[i].lowered = lowered;
	t->row[i].level =
	    (uint8_t)(lowered ? k->o->level : partner_level(k->p));
}

/*
 * Mail with internationalised addresses asks for the U-label form, and
 * Postfix converts neither way: without a row of its own such mail would
 * pass by the policy. Postfix folds case first, which turns sharp s and
 * final sigma into other letters, so such a row could never be found.
 */
static void
add_unicode(struct compiling *k, const struct domain *dom, bool lowered)
{
	char name[4 * DNAME_MAX + 2];

	if (!dname_unicode(dom->name, name, sizeof(name)))
		return;
	if (strstr(name, "\xc3\x9f") != NULL || /* sharp s */
	    strstr(name, "\xcf\x82") != NULL) { /* final sigma */
		diag_warning(k->d, partner_file(k->r, k->p), dom->line,
		    "domain %s: Postfix cannot look it up in this form; only "
		    "mail to %s is covered",
		    quotes(name).s, dom->name);
		return;
	}
	add_row(k, arena_copy(&k->c->table.arena, name, strlen(name)), lowered);
}

/* What Postfix does with a domain of an opportunistic partner. */
struct above {
	bool caught; /* without a row, by the row of a parent */
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

	while (!dname_is_nexthop(name) &&
	       (i = registry_parent(r, name, &at)) != REGISTRY_NONE) {
		up = &r->partner[r->domain[i].partner];
		above.ruled =
		    above.ruled || up->attributes->inbound != INBOUND_OFF;
		/* smtp(8) asks for ".parent" alone. */
		if (r->domain[i].name[0] != '.')
			continue;
		above.caught =
		    above.caught ||
		    (nearest && up->attributes->mode != MODE_OPPORTUNISTIC);
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
	return p->attributes->mode == MODE_OPPORTUNISTIC &&
	       k->target->opportunistic == OPPORTUNISTIC_MAIN_CF;
}

static uint32_t
put_record(struct compiling *k, const char *kind, const char *name,
    const struct maprecord *rec, uint32_t partner)
{
	struct maptable *t = &k->c->table;
	uint32_t i;

	buf_clear(&k->key);
	buf_puts(&k->key, kind);
	buf_puts(&k->key, name);
	buf_clear(&k->text);
	maprecord_print(rec, &k->text);
	i = maptable_add(t, arena_copy(&t->arena, k->key.data, k->key.len),
	    k->key.len, arena_copy(&t->arena, k->text.data, k->text.len),
	    k->text.len);
	t->row[i].partner = partner;
	return i;
}

/* Does the row alone say all there is? */
static bool
is_plain(const struct partner *p)
{
	const struct attributes *t = p->attributes;

	return t->requiretls == REQUIRETLS_MAIN_CF &&
	       t->inbound ==
		   (t->mode == MODE_ENFORCED ? INBOUND_REQUIRE : INBOUND_OFF) &&
	       (t->inbound == INBOUND_OFF ||
		   (t->inbound_verify == INBOUND_NONE &&
		       t->inbound_action == ACTION_DEFER));
}

static void
fill_record(struct maprecord *rec, const struct partner *p)
{
	static const struct strs none = {0};
	const struct attributes *t = p->attributes;

	*rec = (struct maprecord){.partner = p->name,
	    .inbound = (enum inbound)t->inbound,
	    .verify = (enum inbound_verify)t->inbound_verify,
	    .action = (enum inbound_action)t->inbound_action,
	    .names = &none,
	    .keys = &none,
	    .requiretls = (enum requiretls)t->requiretls,
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
is_covered(struct compiling *k, const struct domain *dom)
{
	const struct downgrade *o = k->o;
	char end[CLOCK_MAX];

	if (o == NULL || downgrade_covers(o, dom->name))
		return o != NULL;
	/* One that lowers nothing any more is ended, and that is told. */
	if (!k->covers)
		return false;
	diag_warning(k->d, partner_file(k->r, k->p), dom->line,
	    "partner %s is lowered until %s, but not for %s, for which that "
	    "was not begun: it stays at %s",
	    k->p->name, clock_text(o->end, k->c->header.time, end), dom->name,
	    level_name(partner_level(k->p)));
	return false;
}

/* That the downgrade holds. */
static void
lower_record(const struct compiling *k, struct maprecord *rec)
{
	rec->level = lowered_level(k->o, k->p);
	rec->until = k->o->end;
	rec->begin = k->o->begin;
	rec->id = k->o->id;
	rec->direction = k->o->direction;
	rec->full = k->full_text;
}

/* The records of the partner's rows, which are those from first on. */
static void
add_records(struct compiling *k, size_t first)
{
	const bool plain = is_plain(k->p) && !looks_enforced(k, k->p);
	struct maptable *t = &k->c->table;
	const size_t end = t->n;
	struct maprecord rec;
	uint32_t record;
	size_t i;

	if (k->o == NULL && plain)
		return;
	for (i = first; i < end; i++) {
		fill_record(&rec, k->p);
		if (t->row[i].covered) {
			lower_record(k, &rec);
		} else if (plain) {
			continue;
		}
		/* Nobody sends from a next-hop, but it too may be lowered. */
		if (dname_is_nexthop(t->row[i].key) && !t->row[i].covered &&
		    rec.requiretls == REQUIRETLS_MAIN_CF)
			continue;
		record = put_record(
		    k, MAPRECORD_DOMAIN, t->row[i].key, &rec, k->index);
		t->row[i].record = record;
	}
}

static const char *
gateway_key(const void *array, uint32_t i)
{
	return ((const struct gateway *)array)[i].name;
}

/* Of several partners behind one gateway the strictest rule holds. */
static void
add_gateway(struct compiling *k, const char *name, bool lowered)
{
	const struct attributes *t = k->p->attributes;
	struct gateway *have;
	uint32_t i;

	k->gateway = mem_grow(
	    k->gateway, k->ngateways, &k->gateway_cap, sizeof(*k->gateway));
	k->gateway[k->ngateways] = (struct gateway){.name = name,
	    .partner = k->index,
	    .inbound = t->inbound,
	    .action = t->inbound_action,
	    .lowered = lowered,
	    .needs_tls = lowered && k->o->direction == DIRECTION_CERTIFICATE};
	i = strmap_add(&k->gateways, k->gateway, name, strlen(name),
	    (uint32_t)k->ngateways);
	if (i == STRMAP_NONE) {
		k->ngateways++;
		return;
	}
	have = &k->gateway[i];
	if (have->partner == k->index)
		return;
	have->more++;
	if (t->inbound > have->inbound)
		have->inbound = t->inbound;
	if (t->inbound_action > have->action)
		have->action = t->inbound_action;
	have->lowered = have->lowered && lowered;
	have->needs_tls |= k->gateway[k->ngateways].needs_tls;
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

/* Note the gateways of the partner that need records. */
static void
note_gateways(struct compiling *k, bool lowered)
{
	const struct strs *list = k->p->gateway;
	size_t i;

	if (k->p->attributes->inbound == INBOUND_OFF)
		return;
	for (i = 0; i < list->n; i++)
		if (!attribute_is_token(list->v[i]) && *list->v[i] != '*' &&
		    !is_near(k->r, k->p, list->v[i]) &&
		    !is_at_home(k->r, k->p, list->v[i]))
			add_gateway(k, list->v[i], lowered);
}

static void
add_gateways(struct compiling *k)
{
	const struct downgrade *o;
	const struct gateway *g;
	struct maprecord rec;
	size_t i;

	for (i = 0; i < k->ngateways; i++) {
		g = &k->gateway[i];
		o = downgrade_of(k, g->partner);
		fill_record(&rec, &k->r->partner[g->partner]);
		rec.requiretls = REQUIRETLS_MAIN_CF;
		rec.more = g->more;
		rec.inbound = (enum inbound)g->inbound;
		rec.action = (enum inbound_action)g->action;
		if (g->lowered) {
			/* The others' ends differ: until the first one. */
			rec.level =
			    g->more == 0
				? lowered_level(o, &k->r->partner[g->partner])
				: LEVEL_ENCRYPT;
			rec.until = g->more == 0 ? o->end : k->c->lowered_until;
			rec.full = "-";
			if (g->needs_tls)
				rec.direction = DIRECTION_CERTIFICATE;
		}
		(void)put_record(
		    k, MAPRECORD_GATEWAY, g->name, &rec, g->partner);
	}
}

/* Does an opportunistic partner's domain get a row? A record is noted. */
static bool
needs_row(struct compiling *k, uint32_t domain)
{
	const char *name = k->r->domain[domain].name;
	struct above above = look_above(k->r, name);

	if (above.caught || (is_plain(k->p) && !above.ruled) ||
	    (dname_is_nexthop(name) &&
		k->p->attributes->requiretls == REQUIRETLS_MAIN_CF))
		return above.caught;
	k->ruled =
	    mem_grow(k->ruled, k->nruled, &k->ruled_cap, sizeof(*k->ruled));
	k->ruled[k->nruled++] = domain;
	return false;
}

/*
 * The rows of the partner; those of an opportunistic one where one is needed.
 * Returns how many domains are lowered.
 */
static size_t
add_rows(struct compiling *k)
{
	const bool without = goes_without_rows(k, k->p);
	const uint32_t end = k->p->first_domain + k->p->ndomains;
	const struct domain *dom;
	size_t n = 0;
	uint32_t i;
	bool lowered;

	k->nruled = 0;
	for (i = k->p->first_domain; i < end; i++) {
		dom = &k->r->domain[i];
		if (without && !needs_row(k, i))
			continue;
		if (without && strcmp(k->target->main_level, "?") == 0) {
			diag_error(k->d, partner_file(k->r, k->p), dom->line,
			    "domain %s of opportunistic partner %s needs a row "
			    "below its enforced parent, at main.cf's "
			    "smtp_tls_security_level, which cannot be read "
			    "(opportunistic_level = may does without)",
			    quotes(dom->name).s, k->p->name);
			break;
		}
		lowered = is_covered(k, dom);
		n += lowered;
		add_row(k, dom->name, lowered);
		if (!dname_is_nexthop(dom->name))
			add_unicode(k, dom, lowered);
	}
	return n;
}

/*
 * The rules for incoming mail of domains that have no row. Returns how many
 * are lowered.
 */
static size_t
add_rules(struct compiling *k)
{
	const struct domain *dom;
	struct maprecord rec;
	size_t i, n = 0;

	for (i = 0; i < k->nruled; i++) {
		dom = &k->r->domain[k->ruled[i]];
		fill_record(&rec, k->p);
		if (is_covered(k, dom)) {
			lower_record(k, &rec);
			n++;
		}
		(void)put_record(
		    k, MAPRECORD_DOMAIN, dom->name, &rec, k->index);
	}
	return n;
}

/* Is the partner's row weaker than what main.cf has for strangers? */
static void
note_weak(struct compiling *k)
{
	const char *main_level = k->target->main_level;

	if (partner_level(k->p) > LEVEL_ENCRYPT || *main_level == '\0' ||
	    k->p->attributes->mode == MODE_NONE || goes_without_rows(k, k->p))
		return;
	if (strength_compare(main_level, strlen(main_level), k->full_text,
		strlen(k->full_text)) == CHANGE_WEAKER &&
	    k->weak++ == 0)
		k->weakest = k->p;
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

/* The partner's policy, once for all its rows; NULL, or what is wrong. */
static const char *
render(struct compiling *k, enum level level, const struct strs *key,
    const char **out)
{
	const char *bad;

	buf_clear(&k->text);
	bad = render_policy(k->p, level, key, k->target, &k->text);
	if (bad == NULL)
		*out =
		    arena_copy(&k->c->table.arena, k->text.data, k->text.len);
	return bad;
}

/* So many of its domains are lowered. */
static void
note_lowered(struct compiling *k, size_t n)
{
	struct compiled_low *low = k->p->attributes->mode == MODE_ENFORCED
				       ? &k->c->lowered
				       : &k->c->let_in;
	time_t end;

	if (n == 0)
		return;
	end = k->o->end;
	k->c->header.lowered += n;
	if (k->c->lowered_until == 0 || end < k->c->lowered_until)
		k->c->lowered_until = end;
	if (low->n == 0 || end < low->first)
		low->first = end;
	if (end > low->last)
		low->last = end;
	low->n += n;
}

static void
compile_partner(struct compiling *k, uint32_t index)
{
	const struct partner *p = &k->r->partner[index];
	struct compiled *c = k->c;
	size_t before = c->table.n, lowered;
	const char *bad;

	k->p = p;
	k->index = index;
	k->o = downgrade_of(k, index);
	k->covers = k->o != NULL && compile_covers(k->o, k->r, p);
	bad = render(k, partner_level(p), p->attributes->key, &k->full_text);
	if (bad == NULL && k->o != NULL && !k->o->direction)
		bad = render(k, k->o->level, k->o->key, &k->low_text);
	if (bad != NULL) {
		diag_error(k->d, partner_file(k->r, p), p->line,
		    "partner %s: %s", p->name, bad);
		return;
	}
	if (k->o == NULL)
		note_weak(k);
	lowered = add_rows(k);
	add_records(k, before);
	lowered += add_rules(k);
	note_gateways(k, lowered > 0);
	note_lowered(k, lowered);
	c->header.domains += p->ndomains;
	if (p->attributes->mode == MODE_ENFORCED)
		c->header.enforced += p->ndomains;
	else
		c->opportunistic += p->ndomains;
	if (p->attributes->requiretls != REQUIRETLS_MAIN_CF)
		c->header.requiretls += p->ndomains;
}

static void
put_header(struct compiling *k)
{
	struct maptable *t = &k->c->table;

	buf_clear(&k->text);
	mapheader_print(&k->c->header, &k->text);
	t->header = arena_copy(&t->arena, k->text.data, k->text.len);
	t->headerlen = k->text.len;
}

void
compile(const struct registry *r, const struct downgrades *o, time_t now,
    const struct target *target, struct compiled *c, struct diags *d)
{
	struct compiling k = {.r = r, .target = target, .c = c, .d = d};
	uint32_t i;

	*c = (struct compiled){.header = {.format = MAPHEADER_FORMAT,
				   .time = now,
				   .postfix = target->version,
				   .partners = r->npartners}};
	memcpy(c->header.registry, r->digest, sizeof(c->header.registry));
	strmap_init(&k.gateways, gateway_key);
	sort_downgrades(&k, o, now);
	c->table.row = mem_reserve(
	    NULL, 0, r->ndomains, &c->table.cap, sizeof(*c->table.row));
	for (i = 0; i < r->npartners; i++)
		compile_partner(&k, i);
	add_gateways(&k);
	tell_weak(&k);
	put_header(&k);
	free(k.by_partner);
	free(k.gateway);
	free(k.ruled);
	strmap_free(&k.gateways);
	buf_free(&k.key);
	buf_free(&k.text);
}
