/*
 * What a human is told before the question whether to lower.
 */
#include <string.h>

#include "ctl.h"
#include "ctlact_priv.h"
#include "err.h"
#include "evidence.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "target.h"

#define COMMON_SINCE 3600 /* seconds: others that passed since, pass */
#define CLOCK_SLACK 60	  /* seconds ahead that are not worth a word */

/* A step that the last look says is of no use. */
static void
warn_useless(const struct ctl_facts *f, enum level now, enum level to)
{
	struct step s;

	step_propose(f->step, f->n, now, &s);
	if (s.helps && s.blocked > 0 && s.level < to)
		say("warning: by the last probe mail is still held at %s; it "
		    "takes %s",
		    level_name(to), level_name(s.level));
}

/* Below key mail goes to whoever answers: is one there that never passed? */
static void
warn_stranger(const struct ctl_facts *f, enum level to)
{
	const struct step_gateway *g = NULL;
	size_t n = step_strangers(f->step, f->n, &g);

	if (to >= LEVEL_KEY)
		return;
	if (f->n == 0)
		say("warning: nothing is known of the gateways of %s; whoever "
		    "answers for them now gets the mail",
		    f->name);
	else if (n == 1)
		say("warning: %s [%s] never passed a probe at this address, "
		    "and would get the mail",
		    quotes(g->host).s, g->address);
	else if (n > 1)
		say("warning: %s [%s] and %zu more never passed a probe at "
		    "their address, and would get the mail",
		    quotes(g->host).s, g->address, n - 1);
}

struct others {
	const char *name;
	bool passes;
};

static bool
take_other(const struct evidence_gateway *g, void *arg)
{
	struct others *o = arg;

	o->passes = strcmp(g->last.fault, "ok") == 0 &&
		    strcmp(g->last.partner, o->name) != 0;
	return !o->passes;
}

/* Where nobody passes, the fault may be ours, and lowering one mends none. */
static void
warn_common(const struct ctl *c, const struct ctl_facts *f)
{
	struct others o = {.name = f->name};
	struct evidence *v;
	struct err e;
	uint32_t i, n = 0;

	for (i = 0; i < c->registry->npartners && n < 2; i++)
		n += partner_level(&c->registry->partner[i]) >
		     LEVEL_OPPORTUNISTIC;
	if (n < 2)
		return;
	v = evidence_open(c->set.evidence, c->set.ledger, EVIDENCE_READ, &e);
	if (evidence_gateways(
		v, NULL, c->now - COMMON_SINCE, take_other, &o, &e) == -1)
		o.passes = false;
	evidence_close(v);
	if (!o.passes)
		say("warning: no other partner passed a probe within the last "
		    "hour, so that the fault may be ours (CA file, clock, "
		    "resolver): tlspact-probe --all");
}

/*
 * Postfix 3.11 and later returns mail that demands REQUIRETLS to its sender
 * at once where no certificate is checked; at `key` it goes.
 */
static void
warn_requiretls(struct ctl *c, struct ctl_facts *f, enum level to)
{
	const struct waiting *w = &f->waiting;
	struct target target;
	struct err e;
	size_t n = 0;

	if (to >= LEVEL_KEY || settings_target(&c->set, 0, &target, &e) == -1 ||
	    target.version < TARGET_REQUIRETLS)
		return;
	flush_release(&f->waiting);
	ctl_facts_queue(c, f);
	if (f->waiting_fault == NULL &&
	    flush_requiretls(w, settings_postfix(&c->set), &n, &e) == 0)
		f->requiretls = (long)n;
	if (f->requiretls == 0 && w->messages == w->n)
		say("warning: below key mail that demands REQUIRETLS is "
		    "returned to its sender at once; none waits now");
	else if (f->requiretls > 0)
		say("warning: %zu of %zu waiting mails demand REQUIRETLS: "
		    "below key they are RETURNED TO THEIR SENDERS at once, "
		    "and so are new ones",
		    n, w->n);
	else
		say("warning: below key mail that demands REQUIRETLS is "
		    "returned to its sender at once; how many of those that "
		    "wait do, is not known");
}

/* The compile says the same of the ledger. */
static void
warn_clock(const struct ctl *c)
{
	char when[NUM_TIME_MAX], now[NUM_TIME_MAX];
	struct evidence *v;
	time_t newest;
	struct err e;

	v = evidence_open(c->set.evidence, c->set.ledger, EVIDENCE_READ, &e);
	if (evidence_newest(v, &newest, &e) == 0 &&
	    newest > c->now + CLOCK_SLACK)
		say("warning: the evidence has an entry of %s, and the clock "
		    "says %s: it was set back, or one is wrong",
		    num_time_text(newest, when), num_time_text(c->now, now));
	evidence_close(v);
}

void
ctl_warn(struct ctl *c, struct ctl_facts *f, enum level now, enum level to)
{
	warn_useless(f, now, to);
	warn_stranger(f, to);
	warn_common(c, f);
	warn_clock(c);
	warn_requiretls(c, f, to);
}

void
ctl_warn_longer(struct ctl *c, struct ctl_facts *f)
{
	warn_stranger(f, f->lowered.after);
	warn_requiretls(c, f, f->lowered.after);
}
