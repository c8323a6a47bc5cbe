#include "inforce.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "cdbmap.h"
#include "compile.h"
#include "diag.h"
#include "err.h"
#include "mapbuild.h"
#include "mapguard.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "registry_keep.h"
#include "settings.h"
#include "strength.h"
#include "target.h"

#define NAMED 3 /* partners */

/* What tlspact-compile would make of a registry. */
enum fate { UNKNOWN, REFUSED, TAKEN, NO_CHANGE };

static enum fate
fate_of(const struct registry *r, struct cdbmap *live,
    const struct settings *set, time_t now)
{
	const struct mapchanges *c;
	struct mapguard g;
	struct target t;
	struct err e;
	enum fate fate = REFUSED;

	if (settings_target(set, SETTINGS_DIGEST | SETTINGS_LEVEL, &t, &e) ==
	    -1)
		return UNKNOWN;
	mapguard_ask(&g, r, live, &t, set->max_weakened, now);
	c = &g.changes;
	if (g.diags.errors == 0 && !g.refused)
		fate = !c->first && !c->damaged &&
			       c->cause[MAPCAUSE_REGISTRY] == 0 &&
			       c->cause[MAPCAUSE_SETTINGS] == 0
			   ? NO_CHANGE
			   : TAKEN;
	mapguard_release(&g);
	return fate;
}

bool
inforce_same(const struct registry *r, const struct settings *set, time_t now)
{
	struct err e;
	struct cdbmap *live = cdbmap_open(set->map, &e);
	bool same = live != NULL && fate_of(r, live, set, now) == NO_CHANGE;

	cdbmap_close(live);
	return same;
}

/* "acme, globex, initech and 4 more": those from `first` on. */
static void
put_names(struct buf *out, const struct registry *r, size_t first)
{
	size_t i;

	for (i = first; i < r->npartners && i < first + NAMED; i++)
		buf_printf(
		    out, "%s%s", i == first ? "" : ", ", r->partner[i].name);
	if (i < r->npartners)
		buf_printf(out, " and %zu more", r->npartners - i);
}

/* Those who left the registry, and are in the map all the same. */
static void
add_leaving(struct inforce *out, struct registry *copy)
{
	const size_t first = registry_join(out->registry, copy);
	struct buf why = {0};

	if (first == out->registry->npartners)
		return;
	put_names(&why, out->registry, first);
	out->why = mem_printf("no more in the registry, but in force until "
			      "tlspact-compile has run: %s",
	    why.data);
	buf_free(&why);
}

/* The copy in place of what cannot be used, or would be refused. */
static void
take_copy(struct inforce *out, struct registry *copy, const char *path)
{
	struct registry *given = out->registry;

	if (copy != NULL) {
		out->registry = copy;
		out->kept = true;
		out->why = mem_printf("the registry is %s (tlspact-compile "
				      "-n); what follows goes by the one that "
				      "was last compiled (%s)",
		    given == NULL ? "at fault" : "not taken", quotes(path).s);
		if (given != NULL)
			(void)registry_join(copy, given);
	} else if (given != NULL)
		out->why = mem_printf("the registry is not taken "
				      "(tlspact-compile -n), and there is no "
				      "copy of the one before (%s): whom it "
				      "lacks is not known",
		    quotes(path).s);
}

void
inforce_find(struct inforce *out, struct registry *given,
    const struct settings *set, time_t now)
{
	struct registry *copy = NULL;
	struct mapheader h = {0};
	struct cdbmap *live;
	struct err e;
	char *path;
	bool refused = false;

	*out = (struct inforce){.registry = given};
	live = cdbmap_open(set->map, &e);
	if (live != NULL && !mapheader_get(&h, live))
		h = (struct mapheader){0};
	path = mapbuild_kept(set->map);
	/* Without a map nothing is in force. */
	if (given != NULL &&
	    (*h.registry == '\0' || strcmp(h.registry, given->digest) == 0))
		goto out;
	copy = registry_load_kept(path, now, &e);
	/* Where that is not known, it would be taken. */
	refused = given == NULL || fate_of(given, live, set, now) == REFUSED;
	if (refused) {
		take_copy(out, copy, path);
		copy = NULL;
	} else if (copy != NULL && strcmp(copy->digest, h.registry) == 0) {
		/* It may be newer than the map. */
		add_leaving(out, copy);
		copy = NULL;
	}
out:
	registry_free(copy);
	free(path);
	cdbmap_close(live);
}

void
inforce_read(
    struct inforce *out, const struct settings *set, time_t now, struct err *e)
{
	struct diags d = {0};
	struct registry *r = registry_load(set->registry, now, &d, e);
	size_t i;

	if (r != NULL)
		e->code = 0;
	if (r != NULL && d.errors > 0) {
		for (i = 0; d.v[i].kind != DIAG_ERROR; i++)
			;
		(void)err_set(e, EX_DATAERR, "%s:%u: %s (error 1 of %zu)",
		    d.v[i].file, d.v[i].line, d.v[i].text, d.errors);
	}
	diag_free(&d);
	if (e->code != 0) {
		registry_free(r);
		r = NULL;
	}
	inforce_find(out, r, set, now);
}

/* --- Row by row ----------------------------------------------------------- */

struct live {
	struct cdbmap *map;
	bool same; /* it is made of that very registry */
	bool rendered;
	struct target target; /* if rendered */
};

/* Is the text what p's own rule is in the map? */
static bool
is_rule_of(
    const struct live *m, const struct partner *p, const char *text, size_t len)
{
	struct buf own = {0};
	bool same = m->same;

	if (!same && m->rendered &&
	    render_policy(p, partner_level(p), p->attributes->key, &m->target,
		&own) == NULL)
		same = strength_same(text, len, own.data, own.len);
	buf_free(&own);
	return same;
}

/* The row of that key, as of now. False: there is none. */
static bool
row_level(const struct live *m, const struct partner *p, const char *key,
    time_t now, enum level *out)
{
	const size_t klen = strlen(key);
	struct maprecord rec = {.full = ""};
	const char *text, *full;
	size_t len, nfull;

	if (cdbmap_get(m->map, key, klen, &text, &len) != CDBMAP_FOUND)
		return false;
	(void)maprecord_get(&rec, m->map, key, klen);
	if (rec.full == NULL)
		rec.full = "";
	full = *rec.full != '\0' ? rec.full : text;
	nfull = *rec.full != '\0' ? strlen(rec.full) : len;
	/* What is lowered goes back by itself. */
	if (rec.until != 0 && rec.until <= now) {
		text = full;
		len = nfull;
	}
	if (!is_rule_of(m, p, full, nfull) || !strength_level(text, len, out))
		*out = LEVEL_OPPORTUNISTIC;
	maprecord_release(&rec);
	return true;
}

/* As smtp(8) goes up, from the name itself. */
static enum level
nexthop_level(const struct live *m, const struct partner *p,
    const char *nexthop, time_t now)
{
	enum level level = LEVEL_OPPORTUNISTIC;
	const char *key = nexthop;

	while (key != NULL && !row_level(m, p, key, now, &level))
		key = *nexthop == '[' ? NULL : strchr(key + 1, '.');
	return level;
}

void
inforce_levels(const struct registry *r, const struct settings *set, time_t now,
    struct inforce_row *row, size_t n)
{
	struct mapheader h = {0};
	struct live m = {0};
	struct err e = {0};
	size_t i;

	m.map = cdbmap_open(set->map, &e);
	m.same = m.map != NULL && mapheader_get(&h, m.map) &&
		 strcmp(h.registry, r->digest) == 0;
	m.rendered = m.map != NULL && !m.same &&
		     settings_target(set, 0, &m.target, &e) == 0;
	for (i = 0; i < n; i++)
		row[i].level =
		    m.map != NULL
			? nexthop_level(&m, row[i].partner, row[i].nexthop, now)
		    : e.code == EX_NOINPUT ? LEVEL_OPPORTUNISTIC
					   : partner_level(row[i].partner);
	cdbmap_close(m.map);
}
