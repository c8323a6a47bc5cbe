/*
 * Downgrades that the ledger has ended: nobody is told that a partner is back
 * before the map, which Postfix reads, says so.
 */
#include "warden_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "arena.h"
#include "cdbmap.h"
#include "err.h"
#include "logline.h"
#include "mapraise.h"
#include "mem.h"
#include "settings.h"

#define LOOK_AGAIN 5 /* seconds until the map is read once more */

void
warden_back_add(
    struct warden *k, const char *partner, int64_t id, enum drop_why why)
{
	struct warden_back *x;
	size_t i;

	for (i = 0; i < k->nback; i++)
		if (k->back[i].id == id)
			return;
	k->back = mem_grow(k->back, k->nback, &k->back_cap, sizeof(*k->back));
	x = &k->back[k->nback];
	if (!warden_name(x->partner, partner))
		return;
	x->id = id;
	x->why = why;
	k->nback++;
	k->back_next = 0;
}

static bool
is_among(const struct override *v, size_t n, const struct warden_back *x)
{
	size_t i;

	/* Another downgrade of that partner is another story. */
	for (i = 0; i < n; i++)
		if (strcmp(v[i].partner, x->partner) == 0 &&
		    (v[i].id == 0 || v[i].id == x->id))
			return true;
	return false;
}

void
warden_back_tell(struct warden *k, time_t now)
{
	struct override *v = NULL;
	struct warden_back back;
	struct cdbmap *map;
	struct arena a = {0};
	size_t n = 0, i;
	struct err e;

	if (k->nback == 0 || (now < k->back_next && k->back_next - now < 60))
		return;
	k->back_next = now + LOOK_AGAIN;
	map = cdbmap_open(k->set->map, &e);
	/* A map that is not there lowers nobody; any other tells nothing. */
	if (map == NULL && e.code != EX_NOINPUT)
		return;
	if (map != NULL)
		n = mapraise_lowered(map, &a, &v);
	for (i = k->nback; i-- > 0;) {
		if (is_among(v, n, &k->back[i]))
			continue;
		back = k->back[i];
		k->back[i] = k->back[--k->nback];
		logline(LOGLINE_INFO, "%s: back at full strength: %s",
		    back.partner, drop_why_text(back.why));
		drop_ended(
		    k->drop, back.partner, back.id, back.why, now, &k->actions);
	}
	free(v);
	arena_free(&a);
	cdbmap_close(map);
}
