#include "checkup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "checkup_own.h"
#include "clock.h"
#include "explain.h"
#include "life.h"
#include "mapgone.h"
#include "mapheir.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

#define PROBED 7200 /* seconds until a gateway is looked at again, at least */
#define NOT_LIVE "the registry, which is not in the map yet"
#define NAMED 3 /* partners that a line names */

const char *const checkup_state_names[] = {[CHECKUP_OK] = "ok",
    [CHECKUP_UNKNOWN] = "not known",
    [CHECKUP_WARNING] = "warning",
    [CHECKUP_CRITICAL] = "critical"};

void
checkup_add(struct checkup_list *l, enum checkup c, enum checkup_state state,
    const char *next, const char *fmt, ...)
{
	struct checkup_finding *x;
	va_list ap;

	l->v = mem_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	x = &l->v[l->n++];
	*x = (struct checkup_finding){.check = c,
	    .state = state,
	    .next = next == NULL ? NULL : mem_dup(next)};
	va_start(ap, fmt);
	x->text = mem_vprintf(fmt, ap);
	va_end(ap);
	l->count[state]++;
	if (state > l->state[c])
		l->state[c] = state;
}

/* The same about a partner; next is a program's words before its name. */
static void __attribute__((format(printf, 6, 7)))
add_of(struct checkup_list *l, enum checkup c, enum checkup_state state,
    const struct ctl_facts *p, const char *next, const char *fmt, ...)
{
	char *what, *command = mem_printf("%s %s", next, p->name);
	va_list ap;

	va_start(ap, fmt);
	what = mem_vprintf(fmt, ap);
	va_end(ap);
	checkup_add(l, c, state, command, "%s %s", p->name, what);
	l->v[l->n - 1].partner = p->name;
	free(what);
	free(command);
}

bool
checkup_is_quiet(const struct checkup_list *l, enum checkup c)
{
	size_t i;

	for (i = l->n; i > 0; i--)
		if (l->v[i - 1].check == c)
			return false;
	return true;
}

/* Of the last finding: the partners that it is about, all by name. */
static void
name_partners(struct checkup_list *l, const char *const *name, size_t n)
{
	l->v[l->n - 1].partners = name;
	l->v[l->n - 1].npartners = n;
}

/* --- Map, registry, guard ----------------------------------------------- */

/* Who was taken out of it within a day, and not brought back. */
static void
check_gone(const struct checkup_facts *f, struct checkup_list *l)
{
	struct buf text = {0}, next = {0};
	size_t i;

	for (i = 0; f->gone != NULL && i < f->gone->n; i++) {
		buf_clear(&text);
		buf_clear(&next);
		mapgone_print(&f->gone->v[i], f->now, &text);
		mapgone_next(&f->gone->v[i], &next);
		checkup_add(l, CHECKUP_MAP,
		    mapgone_alarms(&f->gone->v[i]) ? CHECKUP_CRITICAL
						   : CHECKUP_WARNING,
		    next.data, "%s", text.data);
		if (!f->gone->v[i].domains)
			name_partners(l, f->gone->v[i].name, f->gone->v[i].n);
	}
	buf_free(&text);
	buf_free(&next);
}

static void
check_map(const struct checkup_facts *f, struct checkup_list *l)
{
	/* What one partner waits for may be another's, or its own, loss. */
	const bool takes = f->lost > 0 || f->leaving != NULL;
	char when[CLOCK_MAX];
	const struct ctl_facts *p;
	struct buf how = {0};
	size_t i;

	if (f->map_fault != NULL) {
		checkup_add(l, CHECKUP_MAP,
		    f->map_hidden ? CHECKUP_UNKNOWN : CHECKUP_CRITICAL,
		    f->map_hidden ? NULL : "tlspact-compile", "%s%s",
		    f->map_fault,
		    f->map_hidden ? "" : ": Postfix defers all mail");
		return;
	}
	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		if (ctl_facts_sinks(p))
			add_of(l, CHECKUP_MAP, CHECKUP_CRITICAL, p,
			    MAPGONE_LOST,
			    "is weakened by the next compile: the map says %s, "
			    "the registry %s; if that was not meant, put it "
			    "back",
			    level_name(p->map_level), level_name(p->full));
		else if (ctl_facts_differs(p, f->now, &how))
			add_of(l, CHECKUP_MAP, CHECKUP_CRITICAL, p,
			    takes ? "tlspact-compile --diff; tlspactctl status"
				  : "tlspact-compile; tlspactctl status",
			    "is not in force: the map %s", how.data);
	}
	buf_free(&how);
	if (f->beside != NULL)
		checkup_add(l, CHECKUP_MAP, CHECKUP_WARNING, "tlspact-compile",
		    "%s was not made from this map: Postfix may let in what "
		    "it should not while tlspactd is down",
		    f->beside);
	check_gone(f, l);
	if (checkup_is_quiet(l, CHECKUP_MAP))
		checkup_add(l, CHECKUP_MAP, CHECKUP_OK, NULL,
		    "of %s: %zu domain%s, %zu enforced",
		    clock_text(f->header.time, f->now, when), f->header.domains,
		    num_plural(f->header.domains), f->header.enforced);
}

/* Whose history may be another name's, as nobody says that it is the same. */
static void
check_heirs(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct mapheir *h;
	char when[CLOCK_MAX];
	char *next;
	size_t i;

	for (i = 0; f->heirs != NULL && i < f->heirs->n; i++) {
		h = &f->heirs->v[i];
		next = mem_printf("tlspactctl edit %s", h->to);
		checkup_add(l, CHECKUP_REGISTRY, CHECKUP_WARNING, next,
		    "%s has %s since %s, which was %s's, who is gone: if %s is "
		    "the same partner, say former=%s, or its history is lost",
		    h->to, h->domain, clock_text(h->time, f->now, when),
		    h->from, h->to, h->from);
		l->v[l->n - 1].partner = h->to;
		free(next);
	}
}

static void
check_registry(const struct checkup_facts *f, struct checkup_list *l)
{
	time_t age =
	    f->registry_written == 0 ? 0 : f->now - f->registry_written;
	const char *what = f->leaving != NULL	    ? f->leaving
			   : f->guard_fault == NULL ? f->changes
						    : NULL;
	char when[CLOCK_MAX];

	if (f->registry_hidden)
		checkup_add(l, CHECKUP_REGISTRY, CHECKUP_UNKNOWN, NULL, "%s",
		    f->registry_fault);
	else if (f->registry_fault != NULL)
		checkup_add(l, CHECKUP_REGISTRY, CHECKUP_CRITICAL,
		    "tlspact-compile -n",
		    "refused, the last good map stays: %s%s", f->registry_fault,
		    f->registry_errors > 1 ? "; and more" : "");
	else if (f->map_fault != NULL)
		checkup_add(l, CHECKUP_REGISTRY, CHECKUP_UNKNOWN, NULL,
		    "without the map it is not known what is live");
	else if (strcmp(f->digest, f->header.registry) != 0 &&
		 f->guard_fault == NULL && f->changed == 0)
		checkup_add(l, CHECKUP_REGISTRY, CHECKUP_OK, NULL,
		    "written %s, newer than the map: nothing that is demanded "
		    "would change",
		    clock_text(f->registry_written, f->now, when));
	else if (strcmp(f->digest, f->header.registry) != 0)
		checkup_add(l, CHECKUP_REGISTRY,
		    age > COMPILED || age < 0 || f->leaving_many
			? CHECKUP_CRITICAL
			: CHECKUP_WARNING,
		    f->leaving != NULL		? MAPGONE_LOST
		    : f->refused || f->lost > 0 ? "tlspact-compile --diff"
						: "tlspact-compile",
		    "newer than the map: written %s, not live%s%s%s",
		    clock_text(f->registry_written, f->now, when),
		    what == NULL ? "" : ": ", what == NULL ? "" : what,
		    f->leaving == NULL ? "" : MAPGONE_SEE);
	else
		checkup_add(l, CHECKUP_REGISTRY, CHECKUP_OK, NULL,
		    "live, %zu partner%s", f->header.partners,
		    num_plural(f->header.partners));
	if (f->leaving != NULL)
		name_partners(l, f->leaver, f->nleavers);
	check_heirs(f, l);
}

static void
check_guard(const struct checkup_facts *f, struct checkup_list *l)
{
	if (f->guard_fault != NULL)
		checkup_add(l, CHECKUP_GUARD, CHECKUP_UNKNOWN, NULL, "%s",
		    f->guard_fault);
	else if (f->refused)
		checkup_add(l, CHECKUP_GUARD, CHECKUP_CRITICAL,
		    f->leaving != NULL ? MAPGONE_LOST
				       : "tlspact-compile --diff",
		    "refuses the registry: %zu row%s of enforced domains would "
		    "be removed or weakened, max_weakened allows %zu: %s%s",
		    f->lost, num_plural(f->lost), f->allowed, f->lost_rows,
		    f->leaving != NULL ? MAPGONE_SEE : "");
	else
		checkup_add(l, CHECKUP_GUARD, CHECKUP_OK, NULL,
		    "nothing that it would refuse");
	if (f->refused && f->leaving != NULL)
		name_partners(l, f->leaver, f->nleavers);
}

/* --- Partners ----------------------------------------------------------- */

static void
check_lowered(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct ctl_facts *p;
	struct ctl_view v;
	char when[CLOCK_MAX];
	size_t i;

	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		v = ctl_facts_view(p, f->now);
		if (v.wrong)
			add_of(l, CHECKUP_LOWERED, CHECKUP_CRITICAL, p,
			    "tlspactctl restore", "IS STILL LOWERED to %s: %s",
			    ctl_facts_lowered_to(p),
			    p->low.end <= f->now ? "its time is up"
						 : "it is not in the registry");
		else if (v.lowered)
			add_of(l, CHECKUP_LOWERED, CHECKUP_WARNING, p,
			    "tlspactctl status",
			    "is lowered to %s until %s, by %s",
			    ctl_facts_lowered_to(p),
			    clock_text(v.end, f->now, when),
			    p->lowered.id != 0
				? p->lowered.author
				: "whom the ledger does not say");
		if (p->doubt != NULL)
			add_of(l, CHECKUP_LOWERED, CHECKUP_CRITICAL, p,
			    "tlspactctl history", "%s", p->doubt);
	}
	if (!checkup_is_quiet(l, CHECKUP_LOWERED))
		return;
	if (f->map_fault != NULL)
		checkup_add(l, CHECKUP_LOWERED, CHECKUP_UNKNOWN, NULL,
		    "the map cannot be read");
	else
		checkup_add(
		    l, CHECKUP_LOWERED, CHECKUP_OK, NULL, "nobody, by the map");
}

/* Has it an agreement that can be broken? Who is in no registry has none. */
static bool
is_bound(const struct ctl_facts *p, time_t now)
{
	return (p->partner != NULL || p->by_map) &&
	       ctl_facts_view(p, now).enforced;
}

/*
 * By what the worst of it is known: "probe of 12:28"; where a mail failed by
 * TLS since, the look passed: "by the log of 12:29".
 */
static const char *
known_by(const struct ctl_facts *p, time_t now, char out[CLOCK_MAX + 16])
{
	char when[CLOCK_MAX];
	time_t since, failed = 0;
	const enum fault worst = ctl_facts_worst(p, &since);
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->step[i].fault == worst && step_by_log(&p->step[i]) &&
		    p->step[i].failed > failed)
			failed = p->step[i].failed;
	(void)snprintf(out, CLOCK_MAX + 16, "%s of %s",
	    failed != 0 ? "by the log" : "probe",
	    clock_text(failed != 0 ? failed : p->probed, now, when));
	return out;
}

/* What was seen of enforced partners. */
struct seen {
	size_t partners; /* enforced */
	size_t unsure;	 /* of these: not judged by the rule in the map */
	size_t gateways; /* of these */
	size_t certificates;
	time_t first; /* end of one that stops mail; 0: none is known */
	/* Partners at whom our own last look failed, and the last of these. */
	size_t ours;
	time_t ours_at;
};

/* A fault of TLS is one that no failure of ours makes less. */
static bool
is_ours(const struct ctl_facts *p, struct seen *s)
{
	const time_t at = explain_ours(p, ctl_facts_judged(p));
	time_t since;

	if (at == 0 ||
	    (ctl_facts_waits(p) && fault_is_tls(ctl_facts_worst(p, &since))))
		return false;
	s->ours++;
	if (at > s->ours_at)
		s->ours_at = at;
	return true;
}

/* Is it lowered for mail to it, and until when, as it should be? */
static bool
is_lowered(const struct ctl_facts *p, time_t now, time_t *end)
{
	const struct ctl_view v = ctl_facts_view(p, now);

	*end = v.end;
	return v.lowered && !v.wrong && !ctl_facts_direction(p);
}

/* Its gateways fail by what was agreed, of which it was lowered. */
static void
add_lowered(const struct checkup_facts *f, const struct ctl_facts *p,
    time_t end, const char *what, struct checkup_list *l)
{
	const enum explain_fate fate = explain_now(p);
	char when[CLOCK_MAX];

	add_of(l, CHECKUP_GATEWAYS,
	    fate == EXPLAIN_MOVES   ? CHECKUP_WARNING
	    : fate == EXPLAIN_WAITS ? CHECKUP_CRITICAL
				    : CHECKUP_UNKNOWN,
	    p, fate == EXPLAIN_UNKNOWN ? "tlspact-probe" : "tlspactctl status",
	    "is lowered to %s until %s, %s; the fault: %s",
	    ctl_facts_lowered_to(p), clock_text(end, f->now, when),
	    fate == EXPLAIN_MOVES   ? "mail moves"
	    : fate == EXPLAIN_WAITS ? "AND MAIL STILL WAITS"
				    : "whether mail moves is not known",
	    what);
}

/* Has it mended what it was lowered for, with a key that is not pinned? */
static bool
is_shut_out(const struct ctl_facts *p, time_t now)
{
	time_t end;

	return is_lowered(p, now, &end) && explain_mended(p) &&
	       explain_now(p) == EXPLAIN_WAITS;
}

static void
put_passing(const struct step *s, size_t n, struct buf *out)
{
	if (s->passing == 0)
		buf_puts(out, "has no gateway that passes");
	else
		buf_printf(out, "passes at %zu of %zu gateways", s->passing, n);
}

static void
check_gateways_of(const struct checkup_facts *f, const struct ctl_facts *p,
    struct checkup_list *l)
{
	struct buf words = {0};
	const char *fault, *by = p->unsure ? " by " NOT_LIVE : "";
	char when[CLOCK_MAX], known[CLOCK_MAX + 16];
	struct step s;
	time_t since, end;
	size_t i;

	step_propose(p->step, p->n, ctl_facts_judged(p), &s);
	(void)clock_text(p->probed, f->now, when);
	(void)known_by(p, f->now, known);
	fault = fault_text(ctl_facts_worst(p, &since));
	if (ctl_facts_waits(p)) {
		if (!is_lowered(p, f->now, &end)) {
			put_passing(&s, p->n, &words);
			add_of(l, CHECKUP_GATEWAYS, CHECKUP_CRITICAL, p,
			    "tlspactctl status", "%s (%s)%s, %s", words.data,
			    fault, by, known);
			buf_free(&words);
			return;
		}
		buf_printf(&words, "%s at %zu of %zu gateways%s, %s", fault,
		    p->n - s.passing, p->n, by, known);
		add_lowered(f, p, end, words.data, l);
		buf_free(&words);
		return;
	}
	if (is_shut_out(p, f->now)) {
		add_of(l, CHECKUP_GATEWAYS, CHECKUP_CRITICAL, p,
		    "tlspactctl restore",
		    "passes with another key than the one that it is lowered "
		    "to: MAIL WAITS, probe of %s",
		    when);
		return;
	}
	if (!p->unsure && explain_doubted(p, ctl_facts_judged(p))) {
		add_of(l, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN, p, "tlspact-probe",
		    "may not pass: the rule was changed, or a mail failed, "
		    "after the probe of %s",
		    when);
		return;
	}
	if (s.passing < p->n) {
		put_passing(&s, p->n, &words);
		add_of(l, CHECKUP_GATEWAYS, CHECKUP_WARNING, p,
		    "tlspactctl status", "%s (%s)%s; mail moves, %s",
		    words.data, fault, by, known);
		buf_free(&words);
		return;
	}
	for (i = 0; i < p->n; i++) {
		if (!p->step[i].turns.on)
			continue;
		turns_text(&p->step[i].turns, &words);
		add_of(l, CHECKUP_GATEWAYS, CHECKUP_WARNING, p,
		    "tlspactctl status", "%s fails %s", p->step[i].host,
		    words.data);
		buf_free(&words);
		return;
	}
}

/* "ended 3 days ago", or "ends in 5 days". */
static void
put_end(struct buf *out, time_t end, time_t now)
{
	const long days = life_days(end, now);

	if (days < 0)
		buf_printf(out, "ended %ld day%s ago", -days,
		    num_plural((uint64_t)-days));
	else
		buf_printf(
		    out, "ends in %ld day%s", days, num_plural((uint64_t)days));
}

time_t
checkup_own_end(const struct checkup_facts *f)
{
	const struct checkup_own *x;
	time_t first = 0;

	for (x = f->own; f->nown > 0 && x < f->own + f->nown; x++)
		if (x->ends != 0 && (first == 0 || x->ends < first))
			first = x->ends;
	return first;
}

/* "; ours in 60 days", if one of ours has an end that is known. */
static void
put_own(const struct checkup_facts *f, struct buf *out)
{
	const time_t first = checkup_own_end(f);
	long days;

	if (first == 0)
		return;
	days = life_days(first, f->now);
	buf_printf(
	    out, "; ours in %ld day%s", days, num_plural((uint64_t)days));
}

static void
check_certificates_of(const struct checkup_facts *f, const struct ctl_facts *p,
    struct checkup_list *l)
{
	const struct evidence_probe *x, *first = NULL;
	enum checkup_state state = CHECKUP_WARNING;
	struct buf ends = {0};
	const char *so = "";
	long days;
	time_t end;
	size_t i;

	for (i = 0; i < p->n + p->silent; i++) {
		x = &p->gateway[i].last;
		if (life_ends_soon(
			x->begins, x->not_after, f->now, LIFE_WARN_DAYS) &&
		    (first == NULL || x->not_after < first->not_after))
			first = x;
	}
	if (first == NULL)
		return;
	days = life_days(first->not_after, f->now);
	if (days < 0 || life_step(first->begins, first->not_after, f->now) == 1)
		state = CHECKUP_CRITICAL;
	/* All that it is lowered to goes without dates. */
	if (is_lowered(p, f->now, &end)) {
		state = CHECKUP_WARNING;
		so = ", which stops no mail while it is lowered";
	}
	put_end(&ends, first->not_after, f->now);
	add_of(l, CHECKUP_CERTIFICATES, state, p, "tlspactctl certificates",
	    "%s: the certificate %s%s", first->host, ends.data, so);
	buf_free(&ends);
}

/* Those that Postfix shows others. */
static void
check_own(const struct checkup_facts *f, struct checkup_list *l)
{
	static const char next[] = "renew it, then postfix reload";
	const struct checkup_own *x;
	struct buf end = {0};
	bool now;
	size_t i;

	for (i = 0; i < f->nown; i++) {
		x = &f->own[i];
		if (x->fault != NULL) {
			checkup_add(l, CHECKUP_CERTIFICATES,
			    x->bad ? CHECKUP_CRITICAL : CHECKUP_UNKNOWN,
			    "tlspact-setup check -v", "our %s %s: %s", x->what,
			    x->name, x->fault);
			continue;
		}
		if (!life_ends_soon(x->begins, x->ends, f->now, LIFE_WARN_DAYS))
			continue;
		now = x->ends <= f->now ||
		      life_step(x->begins, x->ends, f->now) == 1;
		buf_clear(&end);
		put_end(&end, x->ends, f->now);
		checkup_add(l, CHECKUP_CERTIFICATES,
		    now ? CHECKUP_CRITICAL : CHECKUP_WARNING, next,
		    "our %s %s %s", x->what, x->name, end.data);
	}
	buf_free(&end);
}

/* Partners, the first ones by name. */
struct named {
	struct buf who;
	size_t n;
};

static void
add_named(struct named *x, const char *name)
{
	if (x->n++ < NAMED)
		buf_printf(&x->who, "%s%s", x->n == 1 ? "" : ", ", name);
}

static void
put_named(const struct named *x, struct buf *out)
{
	buf_puts(out, x->who.data);
	if (x->n > NAMED)
		buf_printf(out, " and %zu more", x->n - NAMED);
}

static void
tell_unseen(const struct named *late, const struct named *never, time_t span,
    struct checkup_list *l)
{
	struct buf words = {0};
	char text[CLOCK_MAX];

	if (late->n > 0) {
		buf_printf(&words,
		    "not looked at for more than %s: ", clock_span(span, text));
		put_named(late, &words);
	}
	if (never->n > 0) {
		buf_printf(
		    &words, "%snever looked at: ", late->n > 0 ? "; " : "");
		put_named(never, &words);
	}
	checkup_add(l, CHECKUP_PROBES, CHECKUP_WARNING, "tlspact-probe --all",
	    "%s", words.data);
	buf_free(&words);
}

/* Who was not looked at for so long: named, and counted. */
static void
check_probes(const struct checkup_facts *f, struct checkup_list *l)
{
	time_t span = (time_t)f->probe_every * 2, newest = 0;
	struct named late = {0}, never = {0};
	const struct ctl_facts *p;
	char when[CLOCK_MAX];
	size_t i, all = 0;

	if (span < PROBED)
		span = PROBED;
	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		if (!is_bound(p, f->now))
			continue;
		all++;
		if (p->probed > newest)
			newest = p->probed;
		if (f->now - p->probed <= span)
			continue;
		add_named(p->probed == 0 ? &never : &late, p->name);
	}
	if (all == 0)
		checkup_add(
		    l, CHECKUP_PROBES, CHECKUP_OK, NULL, "nobody is enforced");
	else if (late.n + never.n == 0)
		checkup_add(l, CHECKUP_PROBES, CHECKUP_OK, NULL,
		    "all enforced partners, the last at %s",
		    clock_text(newest, f->now, when));
	else
		tell_unseen(&late, &never, span, l);
	buf_free(&late.who);
	buf_free(&never.who);
}

static void
tell_ours(
    const struct checkup_facts *f, const struct seen *s, struct checkup_list *l)
{
	struct buf words = {0};

	if (s->ours == 0)
		return;
	explain_ours_text(s->ours_at, f->now, &words);
	checkup_add(l, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN, "tlspact-probe --all",
	    "%s: whether mail moves is not known of %zu enforced partner%s, "
	    "whose gateways stay as last seen",
	    words.data, s->ours, num_plural(s->ours));
	buf_free(&words);
}

static void
tell_gateways(const struct seen *s, struct checkup_list *l)
{
	if (s->gateways == 0 && s->partners > 0)
		checkup_add(l, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN,
		    "tlspact-probe --all", "no gateway was ever looked at");
	else
		checkup_add(l, CHECKUP_GATEWAYS, CHECKUP_OK, NULL,
		    "all %zu of %zu enforced partner%s pass", s->gateways,
		    s->partners, num_plural(s->partners));
}

static void
tell_certificates(
    const struct checkup_facts *f, const struct seen *s, struct checkup_list *l)
{
	long days = life_days(s->first, f->now);
	struct buf text = {0};

	if (s->partners > 0 && s->certificates == 0)
		checkup_add(l, CHECKUP_CERTIFICATES, CHECKUP_UNKNOWN,
		    "tlspact-probe --all", "no certificate was ever seen");
	/* Of ours, too. */
	if (!checkup_is_quiet(l, CHECKUP_CERTIFICATES))
		return;
	if (s->partners == 0)
		buf_puts(&text, "nobody is enforced");
	else if (s->first == 0)
		buf_puts(&text, "none whose end would stop mail");
	else
		buf_printf(&text, "none ends soon; the first in %ld day%s",
		    days, num_plural((uint64_t)days));
	put_own(f, &text);
	checkup_add(l, CHECKUP_CERTIFICATES, CHECKUP_OK, NULL, "%s", text.data);
	buf_free(&text);
}

time_t
checkup_first_end(const struct ctl_facts *p, time_t now)
{
	const struct evidence_probe *x;
	time_t first = 0;
	size_t i;

	for (i = 0; is_bound(p, now) && i < p->n + p->silent; i++) {
		x = &p->gateway[i].last;
		/* An end that stops no mail has no beginning: life.h. */
		if (x->begins != 0 && (first == 0 || x->not_after < first))
			first = x->not_after;
	}
	return first;
}

static void
count_certificates(const struct ctl_facts *p, time_t now, struct seen *s)
{
	const time_t first = checkup_first_end(p, now);
	size_t i;

	for (i = 0; i < p->n + p->silent; i++)
		s->certificates += p->gateway[i].last.not_after != 0;
	if (first != 0 && (s->first == 0 || first < s->first))
		s->first = first;
}

static void
check_seen(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct ctl_facts *p;
	struct seen s = {0};
	size_t i;

	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		/* Whoever takes what comes has nothing to break. */
		if (!is_bound(p, f->now))
			continue;
		if (!is_ours(p, &s))
			check_gateways_of(f, p, l);
		check_certificates_of(f, p, l);
		count_certificates(p, f->now, &s);
		s.partners++;
		s.unsure += p->n > 0 && p->unsure;
		s.gateways += p->n;
	}
	if (s.unsure > 0)
		checkup_add(l, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN,
		    "tlspact-compile --diff",
		    "%zu enforced partner%s judged by " NOT_LIVE "; the rule "
		    "in the map may say otherwise",
		    s.unsure, s.unsure == 1 ? " is" : "s are");
	tell_ours(f, &s, l);
	if (checkup_is_quiet(l, CHECKUP_GATEWAYS))
		tell_gateways(&s, l);
	tell_certificates(f, &s, l);
	check_probes(f, l);
}

/* Why what was seen of partners is not known; NULL: it is. */
static const char *
unseen(const struct checkup_facts *f)
{
	if (f->evidence_fault != NULL)
		return f->evidence_fault;
	return f->registry_fault == NULL || f->kept
		   ? NULL
		   : "the registry cannot be used";
}

static void
check_partners(const struct checkup_facts *f, struct checkup_list *l)
{
	static const enum checkup seen[] = {
	    CHECKUP_GATEWAYS, CHECKUP_CERTIFICATES, CHECKUP_PROBES};
	size_t i;

	check_lowered(f, l);
	check_own(f, l);
	if (unseen(f) == NULL) {
		check_seen(f, l);
		return;
	}
	for (i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		checkup_add(l, seen[i], CHECKUP_UNKNOWN, NULL, "%s", unseen(f));
}

/* --- The queue ------------------------------------------------------------ */

/* Append "3 mails to acme", and for how long and why the oldest waits. */
static void
put_mails(struct buf *out, const struct waiting *w, const char *who,
    const char *for_what, time_t now)
{
	char age[CLOCK_MAX];

	buf_printf(out, "%zu mail%s to %s wait%s %s", w->messages,
	    num_plural(w->messages), who, w->messages == 1 ? "s" : "",
	    for_what);
	if (w->oldest != 0)
		buf_printf(out, ", the oldest for %s",
		    clock_span(now - w->oldest, age));
	if (w->reason != NULL)
		buf_printf(out, ": %s", quotes(w->reason).s);
}

/* Of those whose mail waits for TLS one that has a fault now, else the first.
 */
static const char *
at_fault(const struct checkup_facts *f)
{
	const struct ctl_waiting *w = &f->waiting;
	size_t i, k;

	for (i = 0; i < w->ntls; i++)
		for (k = 0; k < f->npartners; k++)
			if (strcmp(f->partner[k].name, w->tls_of[i]) == 0 &&
			    explain_now(&f->partner[k]) == EXPLAIN_WAITS)
				return w->tls_of[i];
	return w->tls_of[0];
}

/* What waits for anything else is Postfix's to see to; it is no fault here. */
static void
check_queue(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct ctl_waiting *w = &f->waiting;
	struct buf text = {0};
	char *next;

	if (w->fault != NULL) {
		checkup_add(l, CHECKUP_QUEUE, CHECKUP_UNKNOWN, NULL,
		    "what waits is not known: %s", w->fault);
		return;
	}
	if (w->ntls > 0) {
		put_mails(&text, &w->tls, w->tls_who, "for TLS", f->now);
		next = mem_printf("tlspactctl explain %s", at_fault(f));
		checkup_add(
		    l, CHECKUP_QUEUE, CHECKUP_CRITICAL, next, "%s", text.data);
		free(next);
	} else {
		buf_puts(&text, "no mail to a partner waits for TLS");
		if (w->all.deferred > 0) {
			buf_puts(&text, "; ");
			put_mails(&text, &w->all, w->who, "for something else",
			    f->now);
		}
		checkup_add(
		    l, CHECKUP_QUEUE, CHECKUP_OK, NULL, "%s", text.data);
	}
	buf_free(&text);
}

/* --- Mail from partners ----------------------------------------------------
 */

static void
add_refused(const struct checkup_facts *f, const struct ctl_facts *p,
    struct checkup_list *l)
{
	char *next = mem_printf("tlspactctl explain %s", p->name);
	struct buf many = {0};
	char when[CLOCK_MAX];

	/* The others may have had another fault. */
	buf_puts(&many, "");
	if (p->refusals > 1)
		buf_printf(&many, "%zu mails, the last with ", p->refusals);
	checkup_add(l, CHECKUP_INBOUND, CHECKUP_WARNING, next,
	    "mail from %s is refused: %s%s, %s", p->name, many.data,
	    p->refused.fault, clock_text(p->refused.time, f->now, when));
	l->v[l->n - 1].partner = p->name;
	buf_free(&many);
	free(next);
}

/* Whose mail is let in by a downgrade, of whom TLS was agreed. */
static void
put_let_in(const struct checkup_facts *f, struct buf *out)
{
	const struct ctl_facts *p;
	size_t i, n = 0;

	for (i = 0; i < f->npartners; i++) {
		p = &f->partner[i];
		if (!ctl_facts_view(p, f->now).lowered || p->partner == NULL ||
		    p->partner->attributes->inbound != INBOUND_REQUIRE ||
		    (!ctl_facts_direction(p) && p->moved.let_in == 0))
			continue;
		if (n++ >= NAMED)
			continue;
		buf_printf(out, "%s%s (%" PRIu64 " mail%s)",
		    n == 1 ? "; let in by a downgrade: " : ", ", p->name,
		    p->moved.let_in, num_plural(p->moved.let_in));
	}
	if (n > NAMED)
		buf_printf(out, " and %zu more", n - NAMED);
}

/* By the log of a day. */
static void
check_inbound(const struct checkup_facts *f, struct checkup_list *l)
{
	struct buf in = {0};
	size_t i;

	if (unseen(f) != NULL) {
		checkup_add(
		    l, CHECKUP_INBOUND, CHECKUP_UNKNOWN, NULL, "%s", unseen(f));
		return;
	}
	for (i = 0; i < f->npartners; i++)
		if (ctl_facts_view(&f->partner[i], f->now).refused)
			add_refused(f, &f->partner[i], l);
	put_let_in(f, &in);
	if (checkup_is_quiet(l, CHECKUP_INBOUND))
		checkup_add(l, CHECKUP_INBOUND, CHECKUP_OK, NULL,
		    "no mail from a partner is refused%s",
		    in.len == 0 ? "" : in.data);
	buf_free(&in);
}

const char *const checkup_names[] = {
    [CHECKUP_MAP] = "map",
    [CHECKUP_REGISTRY] = "registry",
    [CHECKUP_GUARD] = "guard",
    [CHECKUP_LOWERED] = "lowered",
    [CHECKUP_GATEWAYS] = "gateways",
    [CHECKUP_CERTIFICATES] = "certificates",
    [CHECKUP_PROBES] = "probes",
    [CHECKUP_QUEUE] = "queue",
    [CHECKUP_INBOUND] = "inbound",
    [CHECKUP_POSTFIX] = "postfix",
    [CHECKUP_DAEMON] = "daemon",
    [CHECKUP_WARDEN] = "warden",
    [CHECKUP_LOG] = "log",
    [CHECKUP_RECORD] = "record",
    [CHECKUP_NOTICES] = "notices",
    [CHECKUP_DISK] = "disk",
    [CHECKUP_CLOCK] = "clock",
};

/* --- All of it ----------------------------------------------------------- */

/* Of theirs: each tells of itself, and of those behind it that have none. */
static void (*const checks[])(
    const struct checkup_facts *f, struct checkup_list *l) = {
    [CHECKUP_MAP] = check_map,
    [CHECKUP_REGISTRY] = check_registry,
    [CHECKUP_GUARD] = check_guard,
    [CHECKUP_LOWERED] = check_partners,
    [CHECKUP_QUEUE] = check_queue,
    [CHECKUP_INBOUND] = check_inbound,
};

void
checkup_all(const struct checkup_facts *f, struct checkup_list *out)
{
	size_t i;

	*out = (struct checkup_list){0};
	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (checks[i] != NULL)
			checks[i](f, out);
	checkup_ours(f, out);
}

enum checkup_state
checkup_worst(const struct checkup_list *l)
{
	enum checkup_state worst = CHECKUP_OK;
	size_t i;

	for (i = 0; i < CHECKUPS; i++)
		if (l->state[i] > worst)
			worst = l->state[i];
	return worst;
}

void
checkup_release(struct checkup_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->v[i].text);
		free(l->v[i].next);
	}
	free(l->v);
	*l = (struct checkup_list){0};
}
