#include "proberefused.h"

#include <string.h>

#include "arena.h"
#include "clock.h"
#include "err.h"
#include "evidence_log.h"
#include "ledger_downgrade.h"
#include "num.h"

struct looking {
	struct proberefused *r;
	struct arena *arena;
	time_t received; /* the last that came as agreed; 0: none */
	int64_t id;	 /* of the downgrade that let in the last */
	time_t begin;	 /* of that downgrade; 0: not known */
};

static const char *
keep(struct looking *k, const char *s)
{
	return arena_copy(k->arena, s, strlen(s));
}

static bool
take(const struct evidence_failure *x, void *arg)
{
	struct looking *k = arg;

	if (x->direction != EVIDENCE_IN)
		return true;
	k->r->at = x->time;
	k->r->fault = keep(k, x->fault);
	k->r->host = keep(k, x->host);
	k->r->address = keep(k, x->address);
	return true;
}

static bool
take_received(const char *partner, time_t last, void *arg)
{
	struct looking *k = arg;

	(void)partner;
	k->received = last;
	return true;
}

/* They come by day. */
static bool
take_count(const struct evidence_count *x, void *arg)
{
	struct looking *k = arg;
	struct proberefused *r = k->r;

	if (!evidence_let_in(x))
		return true;
	if (r->let_in == 0)
		r->first = keep(k, x->day);
	if (r->let_in == 0 || strcmp(r->day, x->day) != 0) {
		r->day = keep(k, x->day);
		r->clear = false;
		k->id = 0;
	}
	r->clear |= x->seen == EVIDENCE_CLEAR;
	r->let_in += x->n;
	/* A later one of the same day has the greater number. */
	if (x->downgrade > k->id)
		k->id = x->downgrade;
	return true;
}

static bool
take_end(const struct ledger_downgrade *d, void *arg)
{
	struct looking *k = arg;

	if (d->id != k->id)
		return true;
	k->begin = d->begin;
	k->r->until = d->closed != 0 && d->closed < d->end ? d->closed : d->end;
	return false;
}

/* Came what was let in last after what was refused last? */
static bool
is_later(const struct looking *k)
{
	char refused[NUM_TIME_MAX];
	int by_day;

	num_time_text(k->r->at, refused)[10] = '\0';
	by_day = strcmp(k->r->day, refused);
	return by_day > 0 || (by_day == 0 && k->begin >= k->r->at);
}

/* Counts have days: what came as agreed on the same day does not tell. */
static int
find_let_in(struct looking *k, struct evidence *v, const char *path,
    time_t since, struct err *e)
{
	struct proberefused *r = k->r;
	char from[NUM_TIME_MAX], as_agreed[NUM_TIME_MAX];
	struct ledger *l;
	struct err ignored;

	num_time_text(since - (time_t)(PROBEREFUSED_DAYS - 1) * CLOCK_DAY,
	    from)[10] = '\0';
	if (evidence_counts(v, r->partner, from, "", take_count, k, e) == -1)
		return -1;
	num_time_text(k->received, as_agreed)[10] = '\0';
	if (r->let_in > 0 && strcmp(as_agreed, r->day) > 0)
		r->let_in = 0;
	if (r->let_in == 0 ||
	    (l = ledger_open(path, LEDGER_READ, &ignored)) == NULL)
		return 0;
	(void)ledger_downgrades(l, r->partner, 0, take_end, k, &ignored);
	ledger_close(l);
	return 0;
}

int
proberefused_find(struct proberefused *r, struct evidence *v,
    const char *ledger, time_t since, struct arena *a, struct err *e)
{
	struct looking k = {.r = r, .arena = a};

	r->at = r->until = 0;
	r->let_in = 0;
	if (evidence_last_failures(v, r->partner, since, take, &k, e) == -1 ||
	    evidence_received(v, r->partner, take_received, &k, e) == -1)
		return -1;
	if (k.received > r->at)
		r->at = 0;
	if (find_let_in(&k, v, ledger, since, e) == -1)
		return -1;
	/* The later of both is what they are told. */
	if (r->let_in > 0 && is_later(&k))
		r->at = 0;
	else if (r->at != 0)
		r->let_in = 0;
	return 0;
}
