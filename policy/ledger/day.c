#include "day.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "evidence.h"
#include "ledger.h"
#include "mem.h"
#include "num.h"
#include "settings.h"

#define SECONDS 86400
#define DAY_TEXT 16 /* bytes of YYYY-MM-DD, NUL included, and room */
#define BACK 31	    /* days that are told afterwards */
#define LOOK_BACK 7 /* days that are looked at again */
#define SEEN (EVIDENCE_VERIFIED + 1)

/* What there is of a day, in numbers and digests of all its rows. */
struct day {
	int64_t number; /* days since 1970-01-01 */
	uint64_t count[2][SEEN], failures, looks, passed;
	struct digest *g[3]; /* while reading */
	char hash[3][DIGEST_HEX];
};
enum { COUNTS, FAILURES, LOOKS };
static const char *const parts[] = {"counts", "failures", "looks"};

struct days {
	struct day *v;
	size_t n, cap;
	int64_t from, to; /* numbers; both included */
};

static const char *
day_text(int64_t number, char out[DAY_TEXT])
{
	char when[NUM_TIME_MAX];

	(void)snprintf(out, DAY_TEXT, "%.10s",
	    num_time_text((time_t)number * SECONDS, when));
	return out;
}

/* -1 if it is none. */
static int64_t
day_number(const char *text)
{
	char when[32];
	time_t t;

	if (text == NULL || strlen(text) != 10)
		return -1;
	(void)snprintf(when, sizeof(when), "%sT00:00:00Z", text);
	return num_time(when, &t) == -1 ? -1 : (int64_t)t / SECONDS;
}

/* The day of that number; NULL if it is not asked for. */
static struct day *
day_of(struct days *d, int64_t number)
{
	size_t i;

	if (number < d->from || number > d->to)
		return NULL;
	/* Rows come by day. */
	for (i = d->n; i > 0; i--)
		if (d->v[i - 1].number == number)
			return &d->v[i - 1];
	d->v = mem_grow(d->v, d->n, &d->cap, sizeof(*d->v));
	d->v[d->n] = (struct day){.number = number};
	for (i = 0; i < 3; i++)
		d->v[d->n].g[i] = digest_new();
	return &d->v[d->n++];
}

/* As in the chain of events: LENGTH:BYTES, so that no two rows are alike. */
static void
add(struct digest *g, const char *s)
{
	char head[24];
	size_t len = strlen(s);

	digest_add(g, head, (size_t)snprintf(head, sizeof(head), "%zu:", len));
	digest_add(g, s, len);
	digest_add(g, ",", 1);
}

static void
add_number(struct digest *g, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, n);
	add(g, text);
}

static bool
take_count(const struct evidence_count *c, void *arg)
{
	struct day *d = day_of(arg, day_number(c->day));

	if (d == NULL)
		return true;
	if ((unsigned)c->direction < 2 && (unsigned)c->seen < SEEN)
		d->count[c->direction][c->seen] += c->n;
	add(d->g[COUNTS], c->partner);
	add_number(d->g[COUNTS], c->direction);
	add_number(d->g[COUNTS], c->seen);
	add(d->g[COUNTS], c->protocol);
	add(d->g[COUNTS], c->cipher);
	add(d->g[COUNTS], c->result);
	add_number(d->g[COUNTS], (int64_t)c->n);
	return true;
}

static bool
take_failure(const struct evidence_failure *f, void *arg)
{
	struct day *d = day_of(arg, (int64_t)f->time / SECONDS);

	if (d == NULL)
		return true;
	d->failures++;
	add_number(d->g[FAILURES], f->time);
	add(d->g[FAILURES], f->partner);
	add_number(d->g[FAILURES], f->direction);
	add(d->g[FAILURES], f->fault);
	add(d->g[FAILURES], f->domain);
	add(d->g[FAILURES], f->host);
	add(d->g[FAILURES], f->address);
	add(d->g[FAILURES], f->queue_id);
	add(d->g[FAILURES], f->text);
	return true;
}

static bool
take_look(const struct evidence_probe *p, void *arg)
{
	struct day *d = day_of(arg, (int64_t)p->time / SECONDS);

	if (d == NULL)
		return true;
	d->looks += p->n;
	d->passed += p->judged == EVIDENCE_FAILED ? 0 : p->n;
	add_number(d->g[LOOKS], p->first);
	add_number(d->g[LOOKS], p->time);
	add_number(d->g[LOOKS], (int64_t)p->n);
	add(d->g[LOOKS], p->partner);
	add(d->g[LOOKS], p->nexthop);
	add(d->g[LOOKS], p->host);
	add(d->g[LOOKS], p->address);
	add_number(d->g[LOOKS], p->port);
	add(d->g[LOOKS], p->fault);
	add(d->g[LOOKS], p->protocol);
	add(d->g[LOOKS], p->cipher);
	add(d->g[LOOKS], p->kex);
	add_number(d->g[LOOKS], p->not_after);
	add(d->g[LOOKS], p->key);
	add(d->g[LOOKS], p->detail);
	add_number(d->g[LOOKS], p->judged);
	return true;
}

static void
days_free(struct days *d)
{
	free(d->v);
	*d = (struct days){0};
}

/* All days from d->from to d->to of which there is anything. */
static int
read_days(struct evidence *v, struct days *d, struct err *e)
{
	char from[DAY_TEXT], to[DAY_TEXT];
	size_t i, k;
	int rv;

	rv = evidence_counts(v, NULL, day_text(d->from, from),
	    day_text(d->to, to), take_count, d, e);
	if (rv == 0)
		rv = evidence_failures(
		    v, NULL, (time_t)d->from * SECONDS, take_failure, d, e);
	if (rv == 0)
		rv = evidence_probes(
		    v, NULL, (time_t)d->from * SECONDS, take_look, d, e);
	for (i = 0; i < d->n; i++)
		for (k = 0; k < 3; k++)
			digest_hex(d->v[i].g[k], d->v[i].hash[k]);
	return rv;
}

/* What was read of it; zeroed, with the digests of nothing, if nothing was. */
static struct day
find(const struct days *d, int64_t number)
{
	struct day none = {.number = number};
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->v[i].number == number)
			return d->v[i];
	for (i = 0; i < 3; i++)
		digest_hex(digest_new(), none.hash[i]);
	return none;
}

static json_t *
json_counts(const uint64_t n[SEEN])
{
	json_t *o = json_object();
	unsigned i;

	for (i = 0; i < SEEN; i++)
		json_object_set_new(
		    o, evidence_seen_name(i), json_integer((json_int_t)n[i]));
	return o;
}

static json_t *
json_day(const struct day *d, time_t pruned)
{
	char day[DAY_TEXT], when[NUM_TIME_MAX];
	json_t *o;

	o = json_pack("{s:s, s:s, s:{s:o, s:o, s:s}, s:{s:I, s:s}, "
		      "s:{s:I, s:I, s:s}}",
	    "day", day_text(d->number, day), "pruned_before",
	    num_time_text(pruned, when), parts[COUNTS], "in",
	    json_counts(d->count[EVIDENCE_IN]), "out",
	    json_counts(d->count[EVIDENCE_OUT]), "sha256", d->hash[COUNTS],
	    parts[FAILURES], "n", (json_int_t)d->failures, "sha256",
	    d->hash[FAILURES], parts[LOOKS], "n", (json_int_t)d->looks,
	    "passed", (json_int_t)d->passed, "sha256", d->hash[LOOKS]);
	if (o == NULL)
		abort();
	return o;
}

static uint64_t
number(const json_t *o, const char *a, const char *b, const char *c)
{
	o = json_object_get(json_object_get(o, a), b);
	if (c != NULL)
		o = json_object_get(o, c);
	return (uint64_t)json_integer_value(o);
}

/* What an event says of its day. */
static void
parse_day(const json_t *o, struct day *d)
{
	const char *s;
	unsigned i;

	*d = (struct day){
	    .number = day_number(json_string_value(json_object_get(o, "day"))),
	    .failures = number(o, parts[FAILURES], "n", NULL),
	    .looks = number(o, parts[LOOKS], "n", NULL),
	    .passed = number(o, parts[LOOKS], "passed", NULL)};
	for (i = 0; i < SEEN; i++) {
		d->count[EVIDENCE_IN][i] =
		    number(o, parts[COUNTS], "in", evidence_seen_name(i));
		d->count[EVIDENCE_OUT][i] =
		    number(o, parts[COUNTS], "out", evidence_seen_name(i));
	}
	for (i = 0; i < 3; i++) {
		s = json_string_value(
		    json_object_get(json_object_get(o, parts[i]), "sha256"));
		(void)snprintf(
		    d->hash[i], DIGEST_HEX, "%s", s == NULL ? "" : s);
	}
}

enum verdict { SAME, MORE, CHANGED };

/* Nothing of the day may get less, and what is as many must be the same. */
static enum verdict
compare(const struct day *was, const struct day *is, unsigned part)
{
	bool more = false, less = false;
	unsigned i, k;

	if (strcmp(was->hash[part], is->hash[part]) == 0)
		return SAME;
	if (part == FAILURES) {
		more = is->failures > was->failures;
		less = is->failures < was->failures;
	} else if (part == LOOKS) {
		more = is->looks > was->looks;
		less = is->looks < was->looks || is->passed < was->passed ||
		       is->looks - is->passed < was->looks - was->passed;
	}
	for (i = 0; part == COUNTS && i < 2; i++)
		for (k = 0; k < SEEN; k++) {
			more = more || is->count[i][k] > was->count[i][k];
			less = less || is->count[i][k] < was->count[i][k];
		}
	return more && !less ? MORE : CHANGED;
}

static uint64_t
all_counts(const struct day *d)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < SEEN; i++)
		n += d->count[EVIDENCE_IN][i] + d->count[EVIDENCE_OUT][i];
	return n;
}

static void
print_day(const struct day *d, struct buf *out)
{
	char day[DAY_TEXT];

	buf_printf(out,
	    "%s: %" PRIu64 " mail%s counted, %" PRIu64 " in clear; %" PRIu64
	    " failure%s; %" PRIu64 " look%s, %" PRIu64 " passed",
	    day_text(d->number, day), all_counts(d),
	    all_counts(d) == 1 ? "" : "s",
	    d->count[EVIDENCE_IN][EVIDENCE_CLEAR] +
		d->count[EVIDENCE_OUT][EVIDENCE_CLEAR],
	    d->failures, d->failures == 1 ? "" : "s", d->looks,
	    d->looks == 1 ? "" : "s", d->passed);
}

static int
append(struct ledger *l, const char *kind, const char *note,
    const struct day *d, time_t pruned, time_t now, struct err *e)
{
	struct ledger_event ev = {
	    .time = now, .kind = kind, .author = "tlspact"};
	json_t *data = json_day(d, pruned);
	char *dump = json_dumps(data, JSON_COMPACT);
	struct buf text = {0};
	int rv;

	print_day(d, &text);
	buf_puts(&text, note);
	ev.text = text.data;
	ev.data = dump;
	rv = ledger_event_add(l, &ev, e);
	buf_free(&text);
	free(dump);
	json_decref(data);
	return rv;
}

/* --- What the record says --------------------------------------------- */

/* The last event about each day, oldest day first. */
struct told {
	struct {
		struct day day;
		int64_t seq;
	} * v;
	size_t n, cap;
	int64_t first;	 /* only those that are not before this day */
	time_t pruned;	 /* as the events say */
	day_flaw_fn *fn; /* is told of each that changed */
	void *arg;
	size_t flaws;
};

static void
tell(struct told *t, int64_t event, const char *text)
{
	t->flaws++;
	if (t->fn != NULL)
		(void)t->fn(event, text, t->arg);
}

static bool
take_told(const struct ledger_event *ev, void *arg)
{
	struct told *t = arg;
	const char *when;
	struct day day;
	json_t *data;
	char *text;
	time_t pruned;
	size_t i;

	if (strcmp(ev->kind, DAY_EVENT) != 0 &&
	    strcmp(ev->kind, DAY_CHANGED) != 0)
		return true;
	data = json_loads(ev->data, 0, NULL);
	parse_day(data, &day);
	when = json_string_value(json_object_get(data, "pruned_before"));
	if (when != NULL && num_time(when, &pruned) == 0 && pruned > t->pruned)
		t->pruned = pruned;
	json_decref(data);
	if (strcmp(ev->kind, DAY_CHANGED) == 0) {
		text = mem_printf(
		    "event %" PRId64 " found: %s", ev->seq, ev->text);
		tell(t, ev->seq, text);
		free(text);
	}
	if (day.number < t->first)
		return true;
	for (i = t->n; i > 0 && t->v[i - 1].day.number != day.number; i--)
		;
	if (i == 0) {
		t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
		i = ++t->n;
	}
	t->v[i - 1].day = day;
	t->v[i - 1].seq = ev->seq;
	return true;
}

static bool
take_last(const struct ledger_event *ev, void *arg)
{
	struct day day;
	json_t *data = json_loads(ev->data, 0, NULL);

	parse_day(data, &day);
	json_decref(data);
	*(int64_t *)arg = day.number;
	return false;
}

/* A day that is told of already: is it as it was? */
static int
look_again(struct ledger *l, const struct day *was, const struct day *is,
    time_t pruned, time_t now, struct err *e)
{
	enum verdict worst = SAME, v;
	unsigned i;

	for (i = 0; i < 3; i++) {
		if (i != COUNTS && (time_t)was->number * SECONDS < pruned)
			continue;
		v = compare(was, is, i);
		worst = v > worst ? v : worst;
	}
	if (worst == SAME)
		return 0;
	return append(l, worst == MORE ? DAY_EVENT : DAY_CHANGED,
	    worst == MORE ? "; more of it was read since"
			  : "; it was edited, or some of it removed",
	    is, pruned, now, e);
}

/* The number of the day that was told last, -1 if none was. 0 or -1. */
static int
last_told(struct ledger *l, int64_t *last, struct err *e)
{
	const struct ledger_event_query q = {
	    .kind = DAY_EVENT, .newest_first = true, .limit = 1};

	*last = -1;
	return ledger_events(l, &q, take_last, last, e);
}

int
day_close(struct ledger *l, struct evidence *v, time_t pruned, time_t now,
    struct err *e)
{
	const struct ledger_event_query all = {0};
	const int64_t yesterday = (int64_t)now / SECONDS - 1;
	int64_t last = -1, i;
	struct days d = {0};
	struct told t = {0};
	struct day day;
	size_t k;
	int rv;

	if ((rv = last_told(l, &last, e)) == -1 || last >= yesterday)
		return rv;
	d.to = yesterday;
	d.from = last == -1 ? yesterday : last + 1 - LOOK_BACK;
	if (d.from < yesterday - BACK)
		d.from = yesterday - BACK;
	t.first = d.from;
	rv = read_days(v, &d, e);
	if (rv == 0)
		rv = ledger_events(l, &all, take_told, &t, e);
	for (k = 0; rv == 0 && k < t.n; k++) {
		day = find(&d, t.v[k].day.number);
		rv = look_again(l, &t.v[k].day, &day, pruned, now, e);
	}
	for (i = d.from; rv == 0 && i <= yesterday; i++)
		/* Nothing is lost where there was nothing before. */
		if (i > last && (last != -1 || d.n > 0)) {
			day = find(&d, i);
			rv = append(l, DAY_EVENT, "", &day, pruned, now, e);
		}
	free(t.v);
	days_free(&d);
	return rv;
}

time_t
day_pruned(const struct settings *set, time_t now)
{
	return set->keep == 0 || (time_t)set->keep >= now
		   ? 0
		   : now - (time_t)set->keep;
}

int
day_run(struct ledger *l, const struct settings *set, time_t now, struct err *e)
{
	struct evidence *v;
	int64_t last;
	int rv;

	if ((rv = last_told(l, &last, e)) == -1 ||
	    last >= (int64_t)now / SECONDS - 1)
		return rv;
	v = evidence_open(set->evidence, set->ledger, EVIDENCE_READ, e);
	if (v == NULL && e->code != EX_NOINPUT)
		return -1;
	rv = day_close(l, v, day_pruned(set, now), now, e);
	evidence_close(v);
	return rv;
}

static void
check_day(struct told *t, size_t i, const struct days *d)
{
	static const char *const what[] = {
	    "its counts of the log", "its failures", "its probes"};
	const struct day *was = &t->v[i].day;
	struct day is = find(d, was->number);
	char day[DAY_TEXT], *text;
	unsigned part;

	for (part = 0; part < 3; part++) {
		if (part != COUNTS && (time_t)was->number * SECONDS < t->pruned)
			continue;
		if (compare(was, &is, part) != CHANGED)
			continue;
		text =
		    mem_printf("the evidence of %s is not what event %" PRId64
			       " says: %s were edited, or some removed",
			day_text(was->number, day), t->v[i].seq, what[part]);
		tell(t, t->v[i].seq, text);
		free(text);
	}
}

int
day_check(struct ledger *l, struct evidence *v, time_t pruned, day_flaw_fn *fn,
    void *arg, size_t *flaws, size_t *npruned, struct err *e)
{
	const struct ledger_event_query all = {0};
	struct told t = {.pruned = pruned, .fn = fn, .arg = arg};
	struct days d = {.from = INT64_MAX};
	size_t i;
	int rv;

	*flaws = *npruned = 0;
	rv = ledger_events(l, &all, take_told, &t, e);
	for (i = 0; i < t.n; i++) {
		if (t.v[i].day.number < d.from)
			d.from = t.v[i].day.number;
		if (t.v[i].day.number > d.to)
			d.to = t.v[i].day.number;
		*npruned += (time_t)t.v[i].day.number * SECONDS < t.pruned;
	}
	if (rv == 0 && t.n > 0)
		rv = read_days(v, &d, e);
	for (i = 0; rv == 0 && i < t.n; i++)
		check_day(&t, i, &d);
	*flaws = t.flaws;
	free(t.v);
	days_free(&d);
	return rv;
}
