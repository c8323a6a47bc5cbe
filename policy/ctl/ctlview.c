#include "ctlfacts.h"

#include <inttypes.h>

#include "buf.h"
#include "clock.h"
#include "compile.h"
#include "direction.h"
#include "life.h"

/* Is mail from them to be let in, and the map does not say so? */
static bool
keeps_out(const struct ctl_facts *f)
{
	const struct downgrade o = {.direction = f->lowered.direction};

	return o.direction && f->low.rows == 0 &&
	       compile_lowers(&o, f->partner);
}

/* An opportunistic partner may have no row. */
static enum level
in_map(const struct ctl_facts *f)
{
	return f->in_map ? f->map_level : LEVEL_OPPORTUNISTIC;
}

/* Does the map say another level, or end, than registry and ledger? */
static bool
differs(const struct ctl_facts *f)
{
	const enum level level = in_map(f);

	if (f->map_fault != NULL || f->partner == NULL)
		return false;
	/* Each lowered row has a record in the map itself. */
	if (f->ledger_fault != NULL)
		return f->low.rows == 0 && level != f->full;
	return level != ctl_facts_level(f) || keeps_out(f) ||
	       (f->low.rows > 0 &&
		   (f->low.end != f->lowered.end ||
		       f->low.direction != f->lowered.direction));
}

/* The levels are the same: what it is that the map has otherwise. */
static void
put_difference(const struct ctl_facts *f, time_t now, struct buf *out)
{
	const struct ctl_low *low = &f->low;
	char is[CLOCK_MAX], planned[CLOCK_MAX];

	if (low->rows == 0)
		buf_printf(out,
		    "keeps out what downgrade %" PRId64 " lets in: mail from "
		    "it without %s",
		    f->lowered.id,
		    direction_needs(f->lowered.direction, false));
	else if (f->lowered.id == 0 && low->direction)
		buf_printf(out,
		    "lets in mail from it without %s, by a downgrade %s",
		    direction_needs(low->direction, false),
		    low->end <= now    ? "that is over"
		    : f->doubt == NULL ? "that is not open in the ledger"
				       : "that is not believed");
	else if (low->direction != f->lowered.direction)
		buf_printf(out, "lowers it to %s, the ledger to %s",
		    direction_lowered_to(low->direction, low->level),
		    direction_lowered_to(
			f->lowered.direction, f->lowered.after));
	else if (f->lowered.id == 0)
		buf_printf(out, "lowers it until %s, the ledger no more",
		    clock_text(low->end, now, is));
	else
		buf_printf(out, "lowers it until %s, the ledger until %s",
		    clock_text(low->end, now, is),
		    clock_text(f->lowered.end, now, planned));
}

bool
ctl_facts_differs(const struct ctl_facts *f, time_t now, struct buf *out)
{
	buf_clear(out);
	if (!differs(f))
		return false;
	if (f->ledger_fault == NULL && in_map(f) == ctl_facts_level(f))
		put_difference(f, now, out);
	else
		buf_printf(out, "says %s, registry and ledger %s",
		    f->in_map ? level_name(f->map_level) : "nothing",
		    level_name(ctl_facts_level(f)));
	return true;
}

/* Does mail from them come without what was agreed, as far as is known? */
static bool
is_refused(const struct ctl_facts *f, const struct ctl_view *v, time_t now)
{
	/* What is let in over TLS is refused without it. */
	const bool open =
	    v->lowered && (ctl_facts_direction(f) != DIRECTION_CERTIFICATE ||
			      f->refused.time < f->lowered.begin ||
			      ctl_facts_over_tls(&f->refused));

	return f->partner != NULL &&
	       f->partner->attributes->inbound == INBOUND_REQUIRE && !open &&
	       !f->encrypted_since && f->refused.time > now - CLOCK_DAY;
}

static bool
is_odd(const struct ctl_facts *f, const struct ctl_view *v)
{
	struct step s;
	size_t i;

	if (f->lowered.id != 0 || v->low || v->differs || v->unread ||
	    v->past || f->map_fault != NULL || f->doubt != NULL)
		return true;
	/* Lowered, without a record in the map that says so. */
	if (f->ledger_fault != NULL && f->in_map && f->map_level < f->full)
		return true;
	if (v->refused)
		return true;
	step_propose(f->step, f->n, f->full, &s);
	for (i = 0; i < f->n; i++)
		s.failing += f->step[i].turns.on;
	return v->enforced && (s.failing > 0 || s.network > 0);
}

struct ctl_view
ctl_facts_view(const struct ctl_facts *f, time_t now)
{
	struct ctl_view v = {.low = f->low.rows > 0,
	    .enforced = f->partner != NULL
			    ? f->partner->attributes->mode == MODE_ENFORCED
			    : !f->by_map || f->judged > LEVEL_OPPORTUNISTIC,
	    .differs = differs(f)};
	const struct evidence_probe *p;
	time_t first = 0;
	size_t i;

	v.unread = v.enforced && f->around != NULL && f->around->unread != NULL;
	v.past = f->past != NULL;
	v.aside = f->partner != NULL && f->npast > 0 &&
		  f->past_domains >= f->partner->ndomains;
	v.lowered = v.low || (f->map_fault != NULL && f->lowered.id != 0);
	v.end = v.low ? f->low.end : f->lowered.end;
	v.wrong = v.low && (f->low.end <= now ||
			       (f->partner == NULL && !f->unregistered));
	v.refused = is_refused(f, &v, now);
	v.odd = is_odd(f, &v);
	for (i = 0; i < f->n + f->silent; i++) {
		p = &f->gateway[i].last;
		if (p->not_after != 0 && (first == 0 || p->not_after < first))
			first = p->not_after;
		v.soon |= life_ends_soon(
		    p->begins, p->not_after, now, LIFE_WARN_DAYS);
	}
	v.dated = first != 0;
	v.days = life_days(first, now);
	return v;
}
