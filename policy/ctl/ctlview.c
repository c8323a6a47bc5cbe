#include "ctlfacts.h"

#include "clock.h"
#include "compile.h"
#include "life.h"

/* Is mail from them to be let in, and the map does not say so? */
static bool
keeps_out(const struct ctl_facts *f)
{
	const struct downgrade o = {.direction = f->lowered.direction};

	return o.direction && f->low.rows == 0 &&
	       compile_lowers(&o, f->partner);
}

/* Does the map say another level, or end, than registry and ledger? */
static bool
differs(const struct ctl_facts *f)
{
	/* An opportunistic partner may have no row. */
	enum level level = f->in_map ? f->map_level : LEVEL_OPPORTUNISTIC;

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
