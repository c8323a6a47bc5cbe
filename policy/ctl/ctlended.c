#include "ctlended.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "ledger_downgrade.h"
#include "mem.h"

#define DATED ((time_t)0) /* as `now`: a time has its date */
#define BY_TIME "end"	  /* why, in the ledger */

bool
ctlended_take(const struct ledger_downgrade *d, void *ended)
{
	struct ctlended *x = ended;
	struct arena *a = &x->arena;
	const bool timed = d->closed == 0 && d->end <= x->now;
	const char *by = timed ? "tlspact" : d->closed_by,
		   *why = timed ? BY_TIME : d->closed_why;

	x->v = mem_grow(x->v, x->n, &x->cap, sizeof(*x->v));
	x->v[x->n++] = (struct ctlended_one){.id = d->id,
	    .partner = arena_copy(a, d->partner, strlen(d->partner)),
	    .before = d->before,
	    .direction = d->direction,
	    .begin = d->begin,
	    .end = d->end,
	    .over = timed ? d->end : d->closed,
	    .by = arena_copy(a, by, strlen(by)),
	    .why = arena_copy(a, why, strlen(why))};
	return true;
}

static int
newest_first(const void *key, const void *one)
{
	const int64_t id = *(const int64_t *)key;
	const struct ctlended_one *o = one;

	return id > o->id ? -1 : id < o->id;
}

const struct ctlended_one *
ctlended_find(const struct ctlended *x, int64_t id)
{
	return x->n == 0
		   ? NULL
		   : bsearch(&id, x->v, x->n, sizeof(*x->v), newest_first);
}

void
ctlended_put(const struct ctlended_one *o, struct buf *out)
{
	char when[CLOCK_MAX];

	if (o->over == 0)
		buf_printf(out, "holds until %s",
		    clock_text_seconds(o->end, DATED, when));
	else
		buf_printf(out, "ended %s by %s",
		    clock_text_seconds(o->over, DATED, when),
		    strcmp(o->why, BY_TIME) == 0 ? "its time" : o->by);
}

/* Was the partner lowered by another one when that one ended? */
static bool
was_followed(const struct ctlended *x, const struct ctlended_one *o)
{
	const struct ctlended_one *p;

	for (p = x->v; p < x->v + x->n; p++)
		if (p != o && p->begin <= o->over &&
		    (p->over == 0 || p->over > o->over) &&
		    strcmp(p->partner, o->partner) == 0)
			return true;
	return false;
}

void
ctlended_put_back(const struct ctlended *x, const struct ctlended_one *o,
    bool certificate, const char *text, struct buf *out)
{
	if (was_followed(x, o))
		buf_puts(out, "ended");
	else if (o->direction)
		buf_printf(out, "mail from it needs %s again",
		    direction_needs(o->direction, certificate));
	else
		buf_printf(out, "restored to %s", level_name(o->before));
	/* What restore writes when nobody says why. */
	if (strcmp(text, "restored") != 0)
		buf_printf(out, ": %s", text);
}

void
ctlended_release(struct ctlended *x)
{
	free(x->v);
	arena_free(&x->arena);
	*x = (struct ctlended){0};
}
