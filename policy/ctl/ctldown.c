/*
 * The verbs that change a downgrade.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "ctl.h"
#include "ctlact_priv.h"
#include "err.h"
#include "ledger_downgrade.h"
#include "mapbuild.h"
#include "mem.h"
#include "quote.h"
#include "registry.h"
#include "say.h"

#define DOMAINS_SHOWN 4

/* The row of the ledger that is open: one that is not believed, too. */
static int64_t
open_row(const struct ctl_facts *f)
{
	return f->lowered.id != 0 ? f->lowered.id : f->doubt_id;
}

/* The level in force, by registry and ledger. */
static enum level
present(const struct ctl_facts *f)
{
	return f->lowered.id != 0 ? f->lowered.after : f->full;
}

static void
put_domains(const struct registry *r, const struct partner *p, struct buf *out)
{
	uint32_t i;

	for (i = 0; i < p->ndomains && i < DOMAINS_SHOWN; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ",
		    r->domain[p->first_domain + i].name);
	if (p->ndomains > DOMAINS_SHOWN)
		buf_printf(out, " and %u more", p->ndomains - DOMAINS_SHOWN);
}

/* Say what the gateways showed last, and when that was. */
static void
tell_probe(const struct ctl *c, const struct ctl_facts *f)
{
	struct buf words = {0};
	char when[CLOCK_MAX];

	if (f->n == 0)
		return;
	step_describe(f->step, f->n, c->now, &words);
	if (f->probed >= c->now)
		say_to(ctl_talk(c), "probe: %s\n", words.data);
	else
		say_to(ctl_talk(c), "probe of %s: %s\n",
		    clock_text(f->probed, c->now, when), words.data);
	buf_free(&words);
}

/* No --to: look at the gateways and propose. 0, or an exit code. */
static int
propose(struct ctl *c, struct ctl_facts *f, enum level *to)
{
	struct step s;
	int code;

	/* A look leaves a trace in the ledger, which a dry run does not. */
	if (!c->dry && (code = ctl_probe(c, f)) != EX_OK)
		return code;
	if (f->n == 0) {
		say("nothing is known of the gateways of %s: say what to lower "
		    "to, --to key, encrypt or opportunistic",
		    f->name);
		return EX_UNAVAILABLE;
	}
	tell_probe(c, f);
	step_propose(f->step, f->n, present(f), &s);
	if (s.helps) {
		*to = s.level;
		(void)fprintf(ctl_talk(c), "smallest step that helps: %s\n",
		    level_name(*to));
		return EX_OK;
	}
	if (s.failing == 0 && s.network == 0)
		say("every gateway of %s passes: nothing needs to be lowered; "
		    "if it is meant, say --to",
		    f->name);
	else if (s.failing == 0)
		say("what fails is not TLS, so that no lower level helps");
	else
		say("no level below %s helps with that",
		    level_name(present(f)));
	return 1;
}

static int
choose(struct ctl *c, struct ctl_facts *f, const char *wanted, enum level *to)
{
	int code;

	if (wanted == NULL) {
		if ((code = propose(c, f, to)) != EX_OK)
			return code;
	} else if (level_parse(wanted, to) == -1 || *to == LEVEL_SECURE) {
		say("--to %s is not key, encrypt or opportunistic",
		    quotes(wanted).s);
		return EX_USAGE;
	}
	if (*to >= present(f)) {
		say("%s is at %s %s: %s is not weaker, and nothing is raised "
		    "here%s%s",
		    f->name, level_name(present(f)),
		    f->lowered.id != 0 ? "already" : "anyhow", level_name(*to),
		    f->lowered.id != 0 ? "; to go back: tlspactctl restore "
				       : "",
		    f->lowered.id != 0 ? f->name : "");
		return 1;
	}
	if (*to == LEVEL_KEY && f->nkeys == 0) {
		say("no key of the gateways of %s is known: none passed a "
		    "probe, or it shows another key now, which could be "
		    "anybody's. Left are --to encrypt and --to opportunistic",
		    f->name);
		return 1;
	}
	return EX_OK;
}

/* The compile that would follow, with nothing written. */
static int
rehearse_map(
    struct ctl *c, const struct ctl_facts *f, enum level to, time_t end)
{
	struct mapbuild_options opt = {.dry = true, .quiet = true};
	struct override also = {
	    .partner = f->name, .level = to, .begin = c->now, .end = end};
	struct mapbuild b = {0};
	struct strs *keys = NULL;
	size_t i;
	int code;

	if (to == LEVEL_KEY) {
		keys = mem_alloc(sizeof(*keys) + f->nkeys * sizeof(keys->v[0]));
		keys->n = f->nkeys;
		for (i = 0; i < f->nkeys; i++)
			keys->v[i] = f->key[i];
		also.key = keys;
	}
	opt.also = &also;
	opt.without = f->name;
	code = mapbuild_run(&b, &c->set, &opt, c->now);
	mapbuild_release(&b);
	free(keys);
	if (code != EX_OK)
		say("nothing was lowered: the map could not be written as the "
		    "registry and the ledger are now");
	return code;
}

static int
begin(struct ctl *c, const struct ctl_facts *f, const struct ctl_lower *lower,
    enum level to, time_t end)
{
	struct ledger_downgrade d = {.partner = f->name,
	    .before = f->full,
	    .after = to,
	    .begin = time(NULL),
	    .end = end,
	    .reason = lower->reason,
	    .ticket = lower->ticket,
	    .author = c->author.login,
	    .sudo_user = c->author.sudo_user,
	    .cause = LEDGER_MANUAL,
	    .replaces = open_row(f)};
	enum fault worst = FAULT_OK;
	const char **domains;
	struct ledger *l;
	struct err e;
	int64_t id;
	size_t i;
	int rv;

	for (i = 0; i < f->n; i++)
		worst = fault_worse(worst, f->step[i].fault);
	d.fault = worst == FAULT_OK ? "" : fault_text(worst);
	if (to == LEVEL_KEY) {
		d.keys = f->key;
		d.nkeys = f->nkeys;
	}
	if ((l = ledger_open(c->set.ledger, LEDGER_WRITE, &e)) == NULL) {
		say_err(&e);
		say("nothing was lowered");
		return e.code;
	}
	d.domains = domains =
	    registry_domains(c->registry, f->partner, &d.ndomains);
	rv = ledger_downgrade_begin(l, &d, d.begin, &id, &e);
	free(domains);
	ledger_close(l);
	if (rv == 0)
		return EX_OK;
	say_err(&e);
	say("nothing was lowered");
	return e.code;
}

static int
ask_to_lower(struct ctl *c, struct ctl_facts *f, enum level to, time_t end)
{
	struct buf q = {0};
	char when[CLOCK_MAX];
	int code;

	(void)fprintf(
	    ctl_talk(c), "%s: %s\n", level_name(to), step_given_up(to));
	if (f->partner->terms->inbound != INBOUND_OFF)
		(void)fprintf(ctl_talk(c),
		    "mail FROM them is accepted and logged meanwhile, whatever "
		    "it came by\n");
	ctl_warn(c, f, present(f), to);
	buf_puts(&q, "lower ");
	put_domains(c->registry, f->partner, &q);
	buf_printf(&q, " from %s to %s until %s?", level_name(present(f)),
	    level_name(to),
	    end - c->now < 600 ? clock_text_seconds(end, c->now, when)
			       : clock_text(end, c->now, when));
	if (c->dry) {
		(void)fprintf(ctl_talk(c), "%.*s (dry run: nothing written)\n",
		    (int)q.len - 1, q.data);
		code = EX_OK;
	} else {
		code = ctl_confirm(c, q.data);
	}
	buf_free(&q);
	return code;
}

static int
lower_to(struct ctl *c, struct ctl_facts *f, const struct ctl_lower *lower,
    enum level to)
{
	bool written, known = false;
	size_t retried = 0;
	time_t end;
	int code;

	/* The look at the gateways took its time. */
	c->now = time(NULL);
	if ((code = ctl_end(c, lower, &end)) != EX_OK ||
	    (code = rehearse_map(c, f, to, end)) != EX_OK ||
	    (code = ask_to_lower(c, f, to, end)) != EX_OK || c->dry ||
	    (code = begin(c, f, lower, to, end)) != EX_OK ||
	    (code = ctl_compile(c, "the downgrade", &written)) != EX_OK)
		return code;
	/* What is told is what Postfix reads. */
	ctl_facts_map(c, f, 1);
	if (f->low.rows == 0 || f->low.level != to) {
		say("%s IS NOT LOWERED to %s, though that is on record: the "
		    "map does not say so%s%s",
		    f->name, level_name(to), f->map_fault == NULL ? "" : ": ",
		    f->map_fault == NULL ? "" : f->map_fault);
		return 1;
	}
	if (!c->no_flush)
		retried = ctl_retry(c, f, &known);
	ctl_done(
	    c, f, "downgrade", written, f->low.end, known ? &retried : NULL);
	return EX_OK;
}

int
ctl_downgrade(struct ctl *c, const struct ctl_lower *lower)
{
	struct ctl_facts f;
	enum level to;
	time_t end;
	int code;

	/* Before anything takes time, and again when it has. */
	if ((code = ctl_end(c, lower, &end)) != EX_OK)
		return code;
	if (lower->reason == NULL || *lower->reason == '\0') {
		say("a downgrade needs a reason, for those who read it later: "
		    "--reason \"expired certificate\"");
		return EX_USAGE;
	}
	if (c->registry == NULL) {
		say("nothing was lowered: without a registry no map can be "
		    "written");
		return c->registry_code;
	}
	ctl_settle(c);
	code = ctl_facts_get(c, lower->partner, false, &f);
	if (code == EX_OK)
		code = f.evidence_code;
	if (code == EX_OK && f.partner == NULL) {
		say("%s is not in the registry: it has no policy to lower",
		    f.name);
		code = EX_NOINPUT;
	} else if (code == EX_OK && f.full == LEVEL_OPPORTUNISTIC) {
		say("%s is opportunistic: its mail moves in any case, there is "
		    "nothing to do",
		    f.name);
	} else if (code == EX_OK) {
		code = choose(c, &f, lower->to, &to);
		if (code == EX_OK)
			code = lower_to(c, &f, lower, to);
	}
	ctl_facts_release(&f);
	return code;
}

/* Change the ledger by one call; 0, or an exit code. */
static int
record(struct ctl *c, const struct ctl_facts *f, const char *reason,
    const time_t *end)
{
	char *author = ctl_author(c);
	struct ledger *l;
	struct err e;
	int rv = -1;

	l = ledger_open(c->set.ledger, LEDGER_WRITE, &e);
	if (l != NULL && open_row(f) == 0)
		rv = 0;
	else if (l != NULL && end != NULL)
		rv = ledger_downgrade_extend(
		    l, open_row(f), *end, author, reason, time(NULL), &e);
	else if (l != NULL)
		rv = ledger_downgrade_close(
		    l, open_row(f), author, reason, time(NULL), &e);
	ledger_close(l);
	free(author);
	/* What was to end has ended: all the better. */
	if (rv == 0 || (rv == LEDGER_REFUSED && end == NULL))
		return EX_OK;
	say_err(&e);
	return e.code;
}

static int
extend_to(struct ctl *c, struct ctl_facts *f, const struct ctl_lower *lower)
{
	char when[CLOCK_MAX], was[CLOCK_MAX], *q;
	time_t end;
	bool written;
	int code;

	if (f->lowered.id == 0) {
		say("%s is not lowered: there is nothing to extend", f->name);
		return 1;
	}
	if ((code = ctl_end(c, lower, &end)) != EX_OK)
		return code;
	if (end > f->lowered.end)
		ctl_warn_longer(c, f);
	q = mem_printf("keep %s at %s until %s, not %s?", f->name,
	    level_name(f->lowered.after), clock_text_seconds(end, c->now, when),
	    clock_text_seconds(f->lowered.end, c->now, was));
	if (c->dry)
		(void)fprintf(
		    ctl_talk(c), "%s (dry run: nothing written)\n", q);
	else if (end > f->lowered.end)
		code = ctl_confirm(c, q);
	free(q);
	if (code != EX_OK || c->dry ||
	    (code = record(c, f, lower->reason, &end)) != EX_OK ||
	    (code = ctl_compile(c, "the new end", &written)) != EX_OK)
		return code;
	ctl_facts_map(c, f, 1);
	if (f->low.rows == 0 || f->low.end != end) {
		say("the new end of %s is on record, but THE MAP HAS ANOTHER: "
		    "see tlspactctl status %s",
		    f->name, f->name);
		return 1;
	}
	ctl_done(c, f, "extend", written, end, NULL);
	return EX_OK;
}

int
ctl_extend(struct ctl *c, const struct ctl_lower *lower)
{
	struct ctl_facts f;
	int code;

	ctl_settle(c);
	code = ctl_facts_get(c, lower->partner, false, &f);
	if (code == EX_OK)
		code = extend_to(c, &f, lower);
	ctl_facts_release(&f);
	return code;
}

/* End it in the ledger. 0, or why that cannot be, which was said. */
static int
record_restore(struct ctl *c, const struct ctl_facts *f, const char *reason)
{
	int code = EX_OK;
	struct err e;

	if (f->ledger_fault != NULL) {
		code = EX_DATAERR;
	} else if (access(c->set.ledger, F_OK) == -1 && errno == ENOENT) {
		(void)err_set(
		    &e, EX_NOINPUT, "there is no ledger %s", c->set.ledger);
		say_err(&e);
		code = e.code;
	} else {
		code = record(c, f, reason, NULL);
	}
	if (code != EX_OK)
		say("the restore of %s is not on record: the map remembers it "
		    "until the ledger can be told",
		    f->name);
	return code;
}

/* As the map tells it, which was read again. */
static int
tell_restored(struct ctl *c, struct ctl_facts *f, bool written, int code)
{
	enum level full = f->low.rows > 0 ? f->low.full : f->full;
	bool known = false;
	size_t retried = 0;

	ctl_facts_map(c, f, 1);
	if (f->map_fault != NULL) {
		say("whether %s is back at %s is not known: %s", f->name,
		    level_name(full), f->map_fault);
		return code == EX_OK ? EX_NOINPUT : code;
	}
	if (f->low.rows > 0) {
		say("%s IS STILL LOWERED to %s: Postfix was not told", f->name,
		    level_name(f->low.level));
		return code == EX_OK ? EX_TEMPFAIL : code;
	}
	if (c->flush)
		retried = ctl_retry(c, f, &known);
	if (!c->json)
		(void)printf("%s is back at %s\n", f->name, level_name(full));
	ctl_done(c, f, "restore", written, 0, known ? &retried : NULL);
	return code;
}

static int
restore(struct ctl *c, struct ctl_facts *f, const char *reason, int known)
{
	bool written, lowered = f->low.rows > 0;
	int recorded, code;

	/* A map that is lower than the ledger knows of is mended as well. */
	if (open_row(f) == 0 && !lowered &&
	    (!f->in_map || f->map_level >= f->full || f->partner == NULL)) {
		say("%s is not lowered: there is nothing to restore%s", f->name,
		    f->ledger_fault == NULL ? ""
					    : ", as far as the map can tell");
		return known;
	}
	if (c->dry) {
		(void)fprintf(ctl_talk(c),
		    "%s would go back to %s (dry run: nothing written)\n",
		    f->name, level_name(lowered ? f->low.full : f->full));
		return EX_OK;
	}
	recorded = record_restore(c, f, reason);
	if (recorded != EX_OK && known != EX_OK)
		recorded = known;
	code = ctl_raise(c, f, &written);
	return tell_restored(
	    c, f, written, recorded != EX_OK ? recorded : code);
}

int
ctl_restore(struct ctl *c, const char *partner, const char *reason)
{
	struct ctl_facts f;
	int code = ctl_facts_get(c, partner, false, &f);

	/* What cannot be read keeps nobody lowered. */
	if (f.name != NULL)
		code =
		    restore(c, &f, reason == NULL ? "restored" : reason, code);
	ctl_facts_release(&f);
	return code;
}
