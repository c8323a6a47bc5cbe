/*
 * A simulated year: faults at random over 200 partners, attackers between us
 * and them and at our CA file, the clock jumps, the daemon is restarted, the
 * ledger cannot always be written; and at each step nothing may be lowered
 * but by the rules, and no mail reaches a key that was not judged, unless
 * drop-to says so in so many words.
 */
#include "drop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "yearworld.h"

#define SLACK 70 /* seconds: a tick, and clocks believed to be right */

static void do_actions(struct year *y, struct drop_actions *a);

static bool
lookup(void *ctx, const char *partner, struct drop_rules *out)
{
	const struct peer *p = peer_named(ctx, partner);

	*out = p->rules;
	return !p->gone;
}

static void
bad(const struct year *y, const struct peer *p, const char *what)
{
	fail_msg("%s, partner %s, second %ld of the year, clock %+ld", what,
	    p->name, y->real, y->skew);
}

/* Where all that is of the ledger says what a new machine must know. */
static void
start(struct year *y)
{
	static struct drop_delivery fails[PARTNERS * FAILS];
	static struct drop_downgrade rows[4096];
	static struct drop_report reports[PARTNERS];
	struct drop_facts f = {.failure = fails,
	    .downgrade = rows,
	    .report = reports,
	    .common = y->mass,
	    .last = y->last,
	    .distrust = y->distrust};
	size_t i, k;
	long r;

	for (i = 0; i < PARTNERS; i++) {
		struct peer *p = &y->peer[i];

		for (k = 0; k < p->nfails; k++)
			if (p->fail[k].real > y->real - DAY)
				fails[f.nfailures++] = p->fail[k].f;
		if (p->probed != 0)
			reports[f.nreports++] = p->report;
	}
	for (r = y->nrows; r-- > 0 && f.ndowngrades < 4096;) {
		struct row *x = &y->row[r];

		/* By hand, and the clock was set back behind it before. */
		x->planned |= x->low.closed == 0 && !x->low.automatic &&
			      x->low.begin > clock_now(y) &&
			      x->low.begin > y->last;
		if (y->row[r].low.closed == 0 ||
		    y->row[r].began > y->real - 2 * DAY)
			rows[f.ndowngrades++] = y->row[r].low;
		else if (y->row[r].began < y->real - 30 * DAY)
			break;
	}
	drop_free(y->d);
	y->d = drop_new(&y->settings, lookup, y, &f, clock_now(y), &y->a);
	y->restarts++;
	do_actions(y, &y->a);
}

/* Is there a failure of the family of f since the last downgrade? */
static unsigned
failures_like(const struct year *y, const struct peer *p, enum level family)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < p->nfails; i++)
		if (p->fail[i].real + SLACK >= p->closed &&
		    p->fail[i].real >=
			y->real - (long)p->rules.window - SLACK &&
		    (family == LEVEL_SECURE ||
			fault_smallest_step(p->fail[i].f.fault, false) ==
			    family))
			n++;
	return n;
}

/* Reckoned apart from the code under test: is the step just what is needed? */
static void
check_step(const struct year *y, const struct peer *p, enum level at,
    const struct drop_action *x)
{
	bool justified = false, mended = false;
	size_t i, k;

	for (i = 0; i < p->ngw; i++) {
		enum level best = LEVEL_OPPORTUNISTIC;
		bool reached = false, family = false;

		for (k = 0; k < p->ngw; k++) {
			const struct step_gateway *g = &p->shown[k];
			enum level step = LEVEL_SECURE;

			if (strcmp(g->nexthop, p->gw[i].nexthop) != 0 ||
			    (g->fault != FAULT_OK && !fault_is_tls(g->fault)))
				continue;
			if (g->fault != FAULT_OK) {
				step = fault_smallest_step(g->fault,
				    *g->key != '\0' &&
					strcmp(g->key, g->last_key) == 0);
				family |= failures_like(y, p,
					      fault_smallest_step(
						  g->fault, false)) > 0;
			}
			reached = true;
			best = step > best ? step : best;
		}
		if (!reached || best >= at)
			continue;
		justified |= best == x->to && family;
		mended |= best >= x->to;
	}
	if (!justified || !mended)
		bad(y, p, "not the smallest step");
}

static void
check_lower(
    const struct year *y, const struct peer *p, const struct drop_action *x)
{
	const struct row *r = p->row < 0 ? NULL : &y->row[p->row];
	enum level at = r == NULL ? p->rules.full : r->low.level;
	long last = 0;
	size_t i, k;

	if (p->gone || !p->rules.may_drop || x->to < p->rules.floor)
		bad(y, p, "below the floor, or not allowed");
	if (x->to >= at || (r != NULL && !r->low.automatic))
		bad(y, p, "not lower, or lowered by hand");
	if (x->until <= x->begin ||
	    x->until - x->begin > (time_t)p->rules.seconds ||
	    (r != NULL && x->until > r->low.end))
		bad(y, p, "for too long");
	if (failures_like(y, p, LEVEL_SECURE) < p->rules.count)
		bad(y, p, "too few failures");
	for (i = 0; i < p->nfails; i++)
		last = p->fail[i].real;
	if (p->probed == 0 || p->probed > y->real ||
	    y->real - p->probed > DROP_FRESH + SLACK || last == 0)
		bad(y, p, "no fresh probe");
	if (y->mass != 0)
		bad(y, p, "in a mass fault");
	check_step(y, p, at, x);
	if (x->to == LEVEL_KEY && x->nkeys == 0)
		bad(y, p, "nothing pinned");
	for (k = 0; k < x->nkeys; k++) {
		unsigned key = (unsigned)atoi(x->key[k]);
		bool passed = false;

		for (i = 0; i < p->ngw; i++)
			passed |= p->gw[i].last_key == key;
		if (!passed || x->to != LEVEL_KEY)
			bad(y, p, "a key pinned that did not pass last");
	}
	for (i = 0; x->to < LEVEL_KEY && i < p->ngw; i++)
		if (p->shown[i].fault != FAULT_OK &&
		    fault_is_tls(p->shown[i].fault) && !p->shown[i].known)
			bad(y, p, "below key, and a stranger answers");
	/* What passed less than `fresh` ago may have been before it broke. */
	if (y->bundle_broken && !y->hostile &&
	    y->real - y->broke > DROP_FRESH + SLACK)
		bad(y, p, "our CA file is broken");
	if (!y->bundle_broken && p->ours)
		bad(y, p, "our CA file was broken, and is mended");
}

/*
 * Mail to g has arrived: whose is it? What an attacker gets he may get by a
 * stolen key that was judged, by our CA file, by hand, or because drop-to
 * says so; and then, at a place that never passed, not for long.
 */
static void
check_mail(struct year *y, const struct peer *p, const struct gateway *g)
{
	const struct row *r = p->row < 0 ? NULL : &y->row[p->row];
	enum level level = level_of(y, p);

	if (level < LEVEL_KEY && r->low.automatic && level < p->rules.floor &&
	    y->real - p->ruled > 6 * SLACK)
		bad(y, p, "below the floor");
	if (g->attack == ATTACK_NONE)
		return;
	if (level == LEVEL_SECURE) {
		if (!y->hostile)
			bad(y, p, "an attacker passes");
		y->his_by_ca++;
	} else if (level == LEVEL_KEY) {
		/* By hand any key may have been pinned here. */
		if (r->low.automatic && g->attack != ATTACK_STOLEN &&
		    g->evil_key >= EVIL && !y->hostile &&
		    g->last_key != g->evil_key)
			bad(y, p, "a key that was never judged");
		y->his_by_theft++;
	} else if (!r->low.automatic) {
		y->his_by_hand++;
	} else {
		y->his++;
		if (!place_passed(g, g->evil_place) &&
		    y->real - p->attack_began > HOUR)
			bad(y, p, "a stranger has the mail for an hour");
	}
}

/* At most so many by us at once. */
static void
check_count(const struct year *y)
{
	unsigned n = 0, i;

	for (i = 0; i < PARTNERS; i++)
		n +=
		    y->peer[i].row >= 0 && y->row[y->peer[i].row].low.automatic;
	if (n > y->settings.max_partners)
		bad(y, &y->peer[0], "too many at once");
}

/* Nothing outlives its time. */
static void
check_ends(const struct year *y)
{
	unsigned i;

	for (i = 0; y->nopen > 0 && i < PARTNERS; i++) {
		const struct peer *p = &y->peer[i];

		if (p->row >= 0 && !y->row[p->row].planned &&
		    y->real - y->row[p->row].began >
			y->row[p->row].allowed + 6 * SLACK)
			bad(y, p, "not restored");
	}
}

static const struct drop_downgrade *
close_row(struct year *y, struct peer *p, enum drop_why why)
{
	struct row *r = &y->row[p->row];

	r->low.closed = clock_now(y);
	r->low.why = why;
	p->row = -1;
	y->nopen--;
	p->closed = y->real;
	return &r->low;
}

static struct row *
open_row(struct year *y, struct peer *p, enum level level, long seconds,
    bool automatic)
{
	struct row *r = &y->row[y->nrows];

	assert_true(y->nrows < ROWS);
	if (p->row >= 0)
		close_row(y, p, DROP_WHY_NONE);
	memset(r, 0, sizeof(*r));
	r->low = (struct drop_downgrade){.id = y->nrows + 1,
	    .partner = p->name,
	    .level = level,
	    .begin = clock_now(y),
	    .end = clock_now(y) + seconds,
	    .automatic = automatic};
	r->began = y->real;
	r->allowed = seconds;
	p->closed = y->real;
	p->row = y->nrows++;
	y->nopen++;
	return r;
}

static void
do_lower(struct year *y, const struct drop_action *x, struct drop_actions *more)
{
	struct peer *p = peer_named(y, x->partner);
	struct row *r;
	size_t k;

	check_lower(y, p, x);
	if (rnd(y, 50) == 0) {
		drop_refused(y->d, p->name, clock_now(y));
		return;
	}
	y->drops++;
	y->second += p->row >= 0;
	y->pinned += x->nkeys > 0;
	r = open_row(y, p, x->to, x->until - x->begin, true);
	r->low.fault = x->fault;
	for (k = 0; k < x->nkeys && k < 8; k++, r->nkeys++)
		(void)snprintf(r->keys[k], sizeof(r->keys[k]), "%s", x->key[k]);
	check_count(y);
	if (rnd(y, 20) == 0)
		y->killed = true;
	else
		drop_downgrade(y->d, &r->low, clock_now(y), more);
}

static void
do_restore(
    struct year *y, const struct drop_action *x, struct drop_actions *more)
{
	struct peer *p = peer_named(y, x->partner);

	if (rnd(y, 50) == 0) {
		drop_refused(y->d, p->name, clock_now(y));
		return;
	}
	if (p->row < 0 || y->row[p->row].low.id != x->id)
		bad(y, p, "restored what is not lowered");
	if (!y->row[p->row].low.automatic && x->why != DROP_WHY_END)
		bad(y, p, "touched what was done by hand");
	y->restores++;
	y->early += x->why == DROP_WHY_PASSED;
	y->chased += x->why == DROP_WHY_STRANGER;
	drop_downgrade(y->d, close_row(y, p, x->why), clock_now(y), more);
}

static void
do_action(
    struct year *y, const struct drop_action *x, struct drop_actions *more)
{
	struct peer *p = *x->partner == '\0' ? NULL : peer_named(y, x->partner);

	switch (x->what) {
	case DROP_PROBE:
		/* Some get lost. */
		if (p->probe_at == NEVER && rnd(y, 20) != 0)
			p->probe_at = y->real + (long)rnd(y, 10);
		plan(y, p);
		break;
	case DROP_LOWER:
		do_lower(y, x, more);
		break;
	case DROP_RESTORE:
		do_restore(y, x, more);
		break;
	case DROP_SHORTEN:
		y->shortened++;
		if (p->row < 0 || x->until > y->row[p->row].low.end)
			bad(y, p, "shortened to a later end");
		y->row[p->row].low.end = x->until;
		drop_downgrade(y->d, &y->row[p->row].low, clock_now(y), more);
		break;
	case DROP_TELL_HELD:
		y->held++;
		y->strangers += x->why == DROP_WHY_STRANGER;
		y->common += x->why == DROP_WHY_COMMON;
		break;
	case DROP_TELL_COMMON:
		y->masses++;
		y->mass = x->begin;
		break;
	case DROP_KEEP_CLOCK:
		y->distrust = x->at > y->distrust ? x->at : y->distrust;
		break;
	case DROP_TELL_COMMON_OVER:
		y->mass = 0;
		break;
	case DROP_FLUSH:
		y->flushes++;
		p->next_mail = y->real + 1;
		plan(y, p);
		break;
	default:
		break;
	}
}

static void
do_actions(struct year *y, struct drop_actions *a)
{
	struct drop_actions more = {0};
	size_t i;

	y->last = clock_now(y);
	for (i = 0; i < a->n && !y->killed; i++)
		do_action(y, &a->v[i], &more);
	drop_actions_free(a);
	if (y->killed) {
		drop_actions_free(&more);
		y->killed = false;
		start(y);
		return;
	}
	if (more.n > 0)
		do_actions(y, &more);
	drop_actions_free(&more);
}

/* One mail, to one of the next-hops. */
static void
mail(struct year *y, struct peer *p)
{
	const char *nexthop = p->gw[rnd(y, p->ngw)].nexthop;
	enum fault log = FAULT_OK, f;
	time_t now = clock_now(y);
	struct seen_failure *s;
	size_t k;

	p->next_mail = y->real + about(y, 3 * HOUR);
	/* The attacker's own MX host stands last here, and first in DNS. */
	for (k = p->ngw; k-- > 0;) {
		struct drop_delivery good = {now, p->name, nexthop, FAULT_OK};

		if (strcmp(p->gw[k].nexthop, nexthop) != 0)
			continue;
		if (delivers(y, p, &p->gw[k], &f)) {
			check_mail(y, p, &p->gw[k]);
			drop_delivery(y->d, &good, now, &y->a);
			do_actions(y, &y->a);
			return;
		}
		log = f;
		y->refused += p->gw[k].attack != ATTACK_NONE;
	}
	p->next_mail = y->real + 60 + about(y, 20 * 60);
	if (p->nfails == FAILS)
		memmove(p->fail, p->fail + 1, --p->nfails * sizeof(*p->fail));
	s = &p->fail[p->nfails++];
	*s = (struct seen_failure){
	    .f = {.time = now,
		.partner = p->name,
		.nexthop = rnd(y, 4) == 0 ? NULL : nexthop,
		.fault = log},
	    .real = y->real};
	drop_delivery(y->d, &s->f, now, &y->a);
	do_actions(y, &y->a);
}

static void
probe(struct year *y, struct peer *p)
{
	p->probe_at = NEVER;
	take_probe(y, p);
	drop_probe(y->d, &p->report, clock_now(y), &y->a);
	do_actions(y, &y->a);
}

static void
by_hand(struct year *y, struct peer *p)
{
	enum level level;
	struct row *r;

	if (p->gone)
		return;
	y->by_hand++;
	if (p->row >= 0 && rnd(y, 2) == 0) {
		drop_downgrade(
		    y->d, close_row(y, p, DROP_WHY_HAND), clock_now(y), &y->a);
	} else {
		level = (enum level)rnd(y, 3);
		r = open_row(y, p, level, 60 + (long)rnd(y, DAY), false);
		drop_downgrade(y->d, &r->low, clock_now(y), &y->a);
	}
	do_actions(y, &y->a);
}

/* Things that happen to the machine. */
static void
odd(struct year *y)
{
	struct peer *p = &y->peer[rnd(y, PARTNERS)];
	long by = (long)rnd(y, 3) == 0 ? (long)rnd(y, 20 * DAY)
				       : (long)rnd(y, 3 * HOUR);

	y->next_odd = y->real + about(y, 8 * HOUR);
	switch (rnd(y, 6)) {
	case 0:
		y->jumps++;
		y->skew += rnd(y, 2) == 0 ? by : -by;
		if (labs(y->skew) > 100 * DAY)
			y->skew = 0;
		break;
	case 1:
		by_hand(y, p);
		return;
	case 2:
		p->rules.may_drop = rnd(y, 4) != 0;
		p->rules.floor = (enum level)rnd(y, 3);
		p->rules.count = (uint16_t)(1 + rnd(y, 5));
		p->gone = rnd(y, 8) == 0;
		p->ruled = y->real;
		drop_reload(y->d, &y->settings, clock_now(y), &y->a);
		do_actions(y, &y->a);
		return;
	default:
		break;
	}
	if (rnd(y, 2) == 0)
		start(y);
}

static struct peer *victim(struct year *y);

/* Our own CA bundle is broken, or our DNS; or that is mended. */
static void
trouble(struct year *y)
{
	int i;
	bool was = y->bundle_broken || y->dns_down;

	y->bundle_broken = y->dns_down = y->hostile = false;
	if (!was && rnd(y, 2) == 0) {
		y->bundle_broken = true;
		y->hostile = rnd(y, 2) == 0;
		y->hostile_cas += y->hostile;
		y->broke = y->real;
	} else if (!was) {
		y->dns_down = true;
	}
	/* Whoever has come so far makes use of it. */
	for (i = 0; i < 5 && y->hostile; i++)
		attack(y, victim(y));
	y->next_trouble =
	    y->real + (was ? about(y, 15 * DAY) : about(y, 6 * HOUR));
}

static long
soonest(const struct year *y, long tick)
{
	long t = tick;
	size_t i;

	t = y->next_trouble < t ? y->next_trouble : t;
	t = y->next_odd < t ? y->next_odd : t;
	t = y->next_attack < t ? y->next_attack : t;
	for (i = 0; i < PARTNERS; i++)
		t = y->next[i] < t ? y->next[i] : t;
	return t < y->real ? y->real : t;
}

/* Attackers like those best that are lowered. */
static struct peer *
victim(struct year *y)
{
	struct peer *p = NULL;
	size_t i;

	for (i = 0; i < PARTNERS && rnd(y, 200) != 0; i++) {
		p = &y->peer[i];
		if (p->attack == ATTACK_NONE && p->row >= 0 &&
		    y->row[p->row].low.automatic &&
		    level_of(y, p) < LEVEL_KEY) {
			y->on_lowered++;
			return p;
		}
	}
	do
		p = &y->peer[rnd(y, PARTNERS)];
	while (p->attack != ATTACK_NONE);
	return p;
}

static void
step(struct year *y)
{
	size_t i;

	if (y->next_trouble <= y->real)
		trouble(y);
	for (i = 0; i < PARTNERS; i++) {
		struct peer *p = &y->peer[i];

		if (y->next[i] > y->real)
			continue;
		if (p->attack_ends <= y->real)
			attack_over(p);
		if (p->next_turn <= y->real)
			turn(y, p);
		if (p->next_mail <= y->real)
			mail(y, p);
		if (p->next_watch <= y->real) {
			p->next_watch = y->real + about(y, 6 * HOUR);
			probe(y, p);
		}
		if (p->probe_at <= y->real)
			probe(y, p);
		plan(y, p);
	}
	if (y->next_attack <= y->real) {
		y->next_attack = y->real + about(y, 6 * HOUR);
		attack(y, victim(y));
	}
	if (y->next_odd <= y->real)
		odd(y);
}

static void
live(struct year *y)
{
	while (y->real < YEAR) {
		y->real = soonest(y, y->real + 60);
		step(y);
		drop_tick(y->d, clock_now(y), &y->a);
		do_actions(y, &y->a);
		check_ends(y);
	}
}

static void
run_year(uint64_t seed)
{
	struct year *y = calloc(1, sizeof(*y));
	unsigned i;

	assert_non_null(y);
	y->row = calloc(ROWS, sizeof(*y->row));
	assert_non_null(y->row);
	y->prng = seed;
	y->settings = drop_preset;
	/* Three at once are few where so much breaks. */
	if (seed > 1)
		y->settings.max_partners = 12;
	for (i = 0; i < PARTNERS; i++) {
		make_peer(y, &y->peer[i], i);
		y->peer[i].probe_at = NEVER;
		plan(y, &y->peer[i]);
	}
	y->next_trouble = about(y, 15 * DAY);
	y->next_odd = about(y, 8 * HOUR);
	y->next_attack = about(y, 6 * HOUR);
	start(y);
	live(y);
	print_message("seed %u: %u drops (%u second steps, %u pins), %u "
		      "restores (%u early), %u held, %u mass faults, %u by "
		      "hand, %u restarts, %u clock jumps, %u shortened\n",
	    (unsigned)seed, y->drops, y->second, y->pinned, y->restores,
	    y->early, y->held, y->masses, y->by_hand, y->restarts, y->jumps,
	    y->shortened);
	print_message("  attacks:");
	for (i = ATTACK_DNS; i < ATTACKS; i++) {
		print_message(" %u", y->attacks[i]);
		assert_true(y->attacks[i] > 50);
	}
	print_message(
	    ", %u by our CA file; %u mails refused to them; theirs: "
	    "%u as drop-to says, %u by hand, %u by our CA file, %u "
	    "by a known key; held: %u "
	    "stranger, %u common cause; %u attacks on the lowered, %u chased\n",
	    y->hostile_cas, y->refused, y->his, y->his_by_hand, y->his_by_ca,
	    y->his_by_theft, y->strangers, y->common, y->on_lowered, y->chased);
	assert_true(y->hostile_cas > 0 && y->his_by_ca > 0);
	assert_true(y->refused > 1000 && y->his > 10 && y->his_by_theft > 10);
	assert_true(y->strangers > 10 && y->on_lowered > 10 && y->chased > 5);
	assert_true(y->drops > 50 && y->second > 0 && y->pinned > 10);
	assert_true(y->early > 10 && y->held > 100 && y->masses > 2);
	assert_true(y->restarts > 50 && y->jumps > 20 && y->shortened > 0);
	drop_free(y->d);
	drop_actions_free(&y->a);
	free(y->row);
	free(y);
}

static void
test_year(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 3; seed++)
		run_year(seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_year),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
