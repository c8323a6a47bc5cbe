#include "day.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "clock.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "evidence_log.h"
#include "json.h"
#include "mem.h"
#include "num.h"
#include "settings.h"

#define BACK 31	    /* days that are told afterwards */
#define LOOK_BACK 7 /* days that are looked at again */

/* What of a row goes into the digest, in that order. */
#define COUNT(m) DB_MEMBER(struct evidence_count, m)
static const struct db_member count_row[] = {COUNT(partner), COUNT(direction),
    COUNT(seen), COUNT(protocol), COUNT(cipher), COUNT(result), COUNT(n), {0}};
/* What else is known of a count, but of old ones. */
static const struct db_member rule_row[] = {
    COUNT(required), COUNT(downgrade), COUNT(proof), COUNT(fault), {0}};
#define FAILURE(m) DB_MEMBER(struct evidence_failure, m)
static const struct db_member failure_row[] = {FAILURE(time), FAILURE(partner),
    FAILURE(direction), FAILURE(fault), FAILURE(domain), FAILURE(host),
    FAILURE(address), FAILURE(queue_id), FAILURE(text), {0}};
#define PROBE(m) DB_MEMBER(struct evidence_probe, m)
static const struct db_member probe_row[] = {PROBE(first), PROBE(time),
    PROBE(n), PROBE(partner), PROBE(nexthop), PROBE(host), PROBE(address),
    PROBE(port), PROBE(fault), PROBE(protocol), PROBE(cipher), PROBE(kex),
    PROBE(not_after), PROBE(key), PROBE(detail), PROBE(judged), {0}};
/* Further ones, where one is known: rows from before have none of them. */
static const struct db_member probe_more[] = {
    PROBE(requiretls), PROBE(dnssec), PROBE(tlsa), {0}};

/* What is told of a day: numbers, and a digest of all rows, of three parts. */
enum { COUNTS, FAILURES, LOOKS, PARTS };
#define SEEN (EVIDENCE_VERIFIED + 1)
enum { IN, OUT = IN + SEEN, FAILED = OUT + SEEN, PASSED, NOT_PASSED, NUMBERS };
static const struct {
	const char *name, *flaw;
	const struct db_member *row;
	unsigned from, to; /* its numbers; `to` not included */
} part[PARTS] = {
    [COUNTS] = {"counts", "its counts of the log", count_row, IN, FAILED},
    [FAILURES] = {"failures", "its failures", failure_row, FAILED, PASSED},
    [LOOKS] = {"looks", "its probes", probe_row, PASSED, NUMBERS},
};

struct day {
	int64_t number; /* days since 1970-01-01 */
	int64_t seq;	/* of the event that tells it */
	uint64_t n[NUMBERS];
	struct digest *g[PARTS]; /* while reading */
	char hash[PARTS][DIGEST_HEX];
};

struct days {
	struct day *v;
	size_t n, cap;
	int64_t from, to; /* numbers; both included */
};

static const char *
day_text(int64_t number, char out[NUM_TIME_MAX])
{
	num_time_text((time_t)number * CLOCK_DAY, out)[10] = '\0';
	return out;
}

/* -1 if it is none. */
static int64_t
day_number(const char *text)
{
	time_t t;

	return text == NULL || strlen(text) != 10 || num_time(text, &t) == -1
		   ? -1
		   : (int64_t)t / CLOCK_DAY;
}

/* The day of that number; NULL if it is not there. */
static struct day *
find(const struct days *d, int64_t number)
{
	size_t i;

	/* Rows come by day. */
	for (i = d->n; i > 0; i--)
		if (d->v[i - 1].number == number)
			return &d->v[i - 1];
	return NULL;
}

/* The same, made if it is new. NULL if it is not asked for. */
static struct day *
day_of(struct days *d, int64_t number)
{
	struct day *day = find(d, number);

	if (day != NULL || number < d->from || number > d->to)
		return day;
	d->v = mem_grow(d->v, d->n, &d->cap, sizeof(*d->v));
	d->v[d->n] = (struct day){.number = number};
	return &d->v[d->n++];
}

/* As in the chain of events: LENGTH:BYTES, so that no two rows are alike. */
static void
add_row(struct digest *g, const struct db_member *m, const void *row)
{
	char head[24], number[24];
	struct db_value v;
	size_t len;

	for (; m->size != 0; m++) {
		v = db_member(m, row);
		if (v.is == DB_IS_INT) {
			(void)snprintf(number, sizeof(number), "%" PRId64, v.n);
			v.text = number;
		}
		len = strlen(v.text);
		digest_add(
		    g, head, (size_t)snprintf(head, sizeof(head), "%zu:", len));
		digest_add(g, v.text, len);
		digest_add(g, ",", 1);
	}
}

/* A row of that part of a day, and what it adds to which number. */
static bool
take(struct days *d, int64_t number, unsigned p, const void *row,
    unsigned which, uint64_t n)
{
	struct day *day = day_of(d, number);

	if (day == NULL)
		return true;
	day->n[which] += n;
	if (day->g[p] == NULL)
		day->g[p] = digest_new();
	add_row(day->g[p], part[p].row, row);
	return true;
}

static bool
take_count(const struct evidence_count *c, void *arg)
{
	int64_t number = day_number(c->day);
	struct day *day;

	(void)take(arg, number, COUNTS, c,
	    (c->direction == EVIDENCE_IN ? IN : OUT) + c->seen, c->n);
	if (*c->fault != '\0' && (day = day_of(arg, number)) != NULL)
		add_row(day->g[COUNTS], rule_row, c);
	return true;
}

static bool
take_failure(const struct evidence_failure *f, void *arg)
{
	return take(arg, (int64_t)f->time / CLOCK_DAY, FAILURES, f, FAILED, 1);
}

static bool
take_look(const struct evidence_probe *p, void *arg)
{
	struct days *d = arg;
	int64_t number = (int64_t)p->time / CLOCK_DAY;
	struct day *day;

	(void)take(d, number, LOOKS, p,
	    p->judged == EVIDENCE_FAILED ? NOT_PASSED : PASSED, p->n);
	if ((*p->requiretls != '\0' || *p->dnssec != '\0' ||
		*p->tlsa != '\0') &&
	    (day = find(d, number)) != NULL)
		add_row(day->g[LOOKS], probe_more, p);
	return true;
}

static void
end_digests(struct day *d)
{
	unsigned i;

	for (i = 0; i < PARTS; i++)
		digest_hex(
		    d->g[i] == NULL ? digest_new() : d->g[i], d->hash[i]);
}

/* All days from d->from to d->to of which there is anything. */
static int
read_days(struct evidence *v, struct days *d, struct err *e)
{
	const time_t since = (time_t)d->from * CLOCK_DAY;
	char from[NUM_TIME_MAX], to[NUM_TIME_MAX];
	size_t i;

	if (evidence_counts(v, NULL, day_text(d->from, from),
		day_text(d->to, to), take_count, d, e) == -1 ||
	    evidence_failures(v, since, take_failure, d, e) == -1 ||
	    evidence_probes(v, NULL, since, take_look, d, e) == -1)
		return -1;
	for (i = 0; i < d->n; i++)
		end_digests(&d->v[i]);
	return 0;
}

/* What was read of it; zeroed, with the digests of nothing, if nothing was. */
static struct day
read_of(const struct days *d, int64_t number)
{
	const struct day *day = find(d, number);
	struct day none = {.number = number};

	if (day == NULL)
		end_digests(&none);
	return day == NULL ? none : *day;
}

static uint64_t
all_looks(const struct day *d)
{
	return d->n[PASSED] + d->n[NOT_PASSED];
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
	char day[NUM_TIME_MAX], when[NUM_TIME_MAX];

	return json_pack("{s:s, s:s, s:{s:o, s:o, s:s}, s:{s:I, s:s}, "
			 "s:{s:I, s:I, s:s}}",
	    "day", day_text(d->number, day), "pruned_before",
	    num_time_text(pruned, when), part[COUNTS].name, "in",
	    json_counts(d->n + IN), "out", json_counts(d->n + OUT), "sha256",
	    d->hash[COUNTS], part[FAILURES].name, "n", (json_int_t)d->n[FAILED],
	    "sha256", d->hash[FAILURES], part[LOOKS].name, "n",
	    (json_int_t)all_looks(d), "passed", (json_int_t)d->n[PASSED],
	    "sha256", d->hash[LOOKS]);
}

static uint64_t
number(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

/* What an event says of its day, and of what was pruned: 0 if nothing. */
static void
parse_day(const struct ledger_event *ev, struct day *d, time_t *pruned)
{
	json_t *o = json_loads(ev->data, 0, NULL), *of[PARTS], *in, *out;
	const char *s;
	unsigned i;

	for (i = 0; i < PARTS; i++)
		of[i] = json_object_get(o, part[i].name);
	*d = (struct day){.seq = ev->seq,
	    .number = day_number(json_string_value(json_object_get(o, "day"))),
	    .n = {[FAILED] = number(of[FAILURES], "n"),
		[PASSED] = number(of[LOOKS], "passed")}};
	d->n[NOT_PASSED] = number(of[LOOKS], "n") - d->n[PASSED];
	in = json_object_get(of[COUNTS], "in");
	out = json_object_get(of[COUNTS], "out");
	for (i = 0; i < SEEN; i++) {
		d->n[IN + i] = number(in, evidence_seen_name(i));
		d->n[OUT + i] = number(out, evidence_seen_name(i));
	}
	for (i = 0; i < PARTS; i++) {
		s = json_string_value(json_object_get(of[i], "sha256"));
		(void)snprintf(
		    d->hash[i], DIGEST_HEX, "%s", s == NULL ? "" : s);
	}
	s = json_string_value(json_object_get(o, "pruned_before"));
	if (s == NULL || num_time(s, pruned) == -1)
		*pruned = 0;
	json_decref(o);
}

enum verdict { SAME, MORE, CHANGED };

/*
 * A part of a day: nothing may get less, and what is as many must be the same.
 * Only counts are compared of a day that began before `pruned`.
 */
static enum verdict
compare(const struct day *was, const struct day *is, unsigned p, time_t pruned)
{
	bool more = false, less = false;
	unsigned i;

	if ((p != COUNTS && (time_t)was->number * CLOCK_DAY < pruned) ||
	    strcmp(was->hash[p], is->hash[p]) == 0)
		return SAME;
	for (i = part[p].from; i < part[p].to; i++) {
		more = more || is->n[i] > was->n[i];
		less = less || is->n[i] < was->n[i];
	}
	return more && !less ? MORE : CHANGED;
}

static void
print_day(const struct day *d, struct buf *out)
{
	char day[NUM_TIME_MAX];
	uint64_t mails = 0;
	unsigned i;

	for (i = part[COUNTS].from; i < part[COUNTS].to; i++)
		mails += d->n[i];
	buf_printf(out,
	    "%s: %" PRIu64 " mail%s counted, %" PRIu64 " in clear; %" PRIu64
	    " failure%s; %" PRIu64 " look%s, %" PRIu64 " passed",
	    day_text(d->number, day), mails, num_plural(mails),
	    d->n[IN + EVIDENCE_CLEAR] + d->n[OUT + EVIDENCE_CLEAR],
	    d->n[FAILED], num_plural(d->n[FAILED]), all_looks(d),
	    num_plural(all_looks(d)), d->n[PASSED]);
}

static int
append(struct ledger *l, const char *kind, const char *note,
    const struct day *d, time_t pruned, time_t now, struct err *e)
{
	struct ledger_event ev = {
	    .time = now, .kind = kind, .author = "tlspact"};
	char *data = json_compact(json_day(d, pruned));
	struct buf text = {0};
	int rv;

	print_day(d, &text);
	buf_puts(&text, note);
	ev.text = text.data;
	ev.data = data;
	rv = ledger_event_add(l, &ev, e);
	buf_free(&text);
	free(data);
	return rv;
}

/* --- What the record says --------------------------------------------- */

/* The last event about each day, oldest day first. */
struct told {
	struct days days;
	time_t pruned;	    /* as the events say */
	ledger_flaw_fn *fn; /* is told of each that changed */
	void *arg;
	size_t flaws;
};

static void __attribute__((format(printf, 3, 4)))
flaw(struct told *t, int64_t event, const char *fmt, ...)
{
	char text[LEDGER_FLAW_MAX];
	va_list ap;

	t->flaws++;
	if (t->fn == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)t->fn(
	    &(struct ledger_flaw){.event = event, .text = text}, t->arg);
}

static bool
take_told(const struct ledger_event *ev, void *arg)
{
	bool changed = strcmp(ev->kind, DAY_CHANGED) == 0;
	struct told *t = arg;
	struct day day, *was;
	time_t pruned;

	if (!changed && strcmp(ev->kind, DAY_EVENT) != 0)
		return true;
	parse_day(ev, &day, &pruned);
	if (pruned > t->pruned)
		t->pruned = pruned;
	if (changed)
		flaw(t, ev->seq, "event %" PRId64 " found: %s", ev->seq,
		    ev->text);
	if ((was = day_of(&t->days, day.number)) != NULL)
		*was = day;
	return true;
}

static bool
take_last(const struct ledger_event *ev, void *arg)
{
	struct day day;
	time_t pruned;

	parse_day(ev, &day, &pruned);
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

	for (i = 0; i < PARTS; i++) {
		v = compare(was, is, i, pruned);
		worst = v > worst ? v : worst;
	}
	if (worst == SAME)
		return 0;
	return append(l, worst == MORE ? DAY_EVENT : DAY_CHANGED,
	    worst == MORE ? "; more of it was read since"
			  : "; it was edited, or some of it removed",
	    is, pruned, now, e);
}

/* Append what is due; last was told last (-1: none was). */
static int
tell(struct ledger *l, struct evidence *v, int64_t last, time_t pruned,
    time_t now, struct err *e)
{
	const struct ledger_event_query all = {0};
	struct days d = {.to = (int64_t)now / CLOCK_DAY - 1};
	struct told t = {.days = {.to = INT64_MAX}};
	struct day day;
	int64_t i;
	size_t k;
	int rv;

	d.from = last == -1 ? d.to : last + 1 - LOOK_BACK;
	if (d.from < d.to - BACK)
		d.from = d.to - BACK;
	t.days.from = d.from;
	rv = read_days(v, &d, e);
	if (rv == 0)
		rv = ledger_events(l, &all, take_told, &t, e);
	for (k = 0; rv == 0 && k < t.days.n; k++) {
		day = read_of(&d, t.days.v[k].number);
		rv = look_again(l, &t.days.v[k], &day, pruned, now, e);
	}
	for (i = d.from; rv == 0 && i <= d.to; i++)
		/* Nothing is lost where there was nothing before. */
		if (i > last && (last != -1 || d.n > 0)) {
			day = read_of(&d, i);
			rv = append(l, DAY_EVENT, "", &day, pruned, now, e);
		}
	free(t.days.v);
	free(d.v);
	return rv;
}

/* Before that time evidence may be gone, as the settings say; 0: never. */
static time_t
pruned_before(const struct settings *set, time_t now)
{
	return set->keep == 0 || (time_t)set->keep >= now
		   ? 0
		   : now - (time_t)set->keep;
}

int
day_run(struct ledger *l, const struct settings *set, time_t now, struct err *e)
{
	const struct ledger_event_query q = {
	    .kind = DAY_EVENT, .newest_first = true, .limit = 1};
	struct evidence *v;
	int64_t last = -1;
	int rv;

	if (ledger_events(l, &q, take_last, &last, e) == -1)
		return -1;
	if (last >= (int64_t)now / CLOCK_DAY - 1)
		return 0;
	v = evidence_open(set->evidence, set->ledger, EVIDENCE_READ, e);
	if (v == NULL && e->code != EX_NOINPUT)
		return -1;
	evidence_as_written(v);
	rv = tell(l, v, last, pruned_before(set, now), now, e);
	evidence_close(v);
	return rv;
}

static void
check_day(struct told *t, const struct day *was, const struct days *d)
{
	struct day is = read_of(d, was->number);
	char day[NUM_TIME_MAX];
	unsigned p;

	for (p = 0; p < PARTS; p++)
		if (compare(was, &is, p, t->pruned) == CHANGED)
			flaw(t, was->seq,
			    "the evidence of %s is not what event %" PRId64
			    " says: %s were edited, or some removed",
			    day_text(was->number, day), was->seq, part[p].flaw);
}

/* Does an event tell all that there is of that day? */
static bool
is_sealed(const struct told *t, const struct days *d, int64_t number)
{
	const struct day *was = find(&t->days, number);
	struct day is;
	unsigned p;

	if (was == NULL)
		return false;
	is = read_of(d, number);
	for (p = 0; p < PARTS; p++)
		if (compare(was, &is, p, t->pruned) == MORE)
			return false;
	return true;
}

/* With the first days in a row that are not sealed; more: others. */
static void
say_unsealed(const struct told *t, struct day_seals *s, int64_t gap, size_t run)
{
	const size_t more = s->days - s->sealed - run;
	char from[NUM_TIME_MAX], to[NUM_TIME_MAX], all[80], others[40] = "";

	if (s->days == 0) {
		(void)snprintf(s->unsealed, sizeof(s->unsealed),
		    "there is no sealed day of the evidence to hold against "
		    "it");
		return;
	}
	(void)snprintf(all, sizeof(all),
	    t->flaws > 0 ? "%zu of %zu days of the evidence are sealed"
			 : "the evidence is as it says on %zu of %zu days",
	    s->sealed, s->days);
	if (more > 0)
		(void)snprintf(others, sizeof(others), " and %zu more", more);
	(void)snprintf(s->unsealed, sizeof(s->unsealed),
	    "%s; the others are not%s: %s%s%s%s", all,
	    t->flaws > 0 ? "" : " sealed", day_text(gap, from),
	    run > 1 ? " to " : "",
	    run > 1 ? day_text(gap + (int64_t)run - 1, to) : "", others);
}

/* Why it is not; told: the last day of which an event tells, as day_run(). */
static void
count_why(const struct told *t, int64_t number, int64_t told, int64_t yesterday,
    struct day_seals *s)
{
	if (find(&t->days, number) != NULL)
		s->late++;
	else if (told == -1 || number <= told - LOOK_BACK ||
		 number <= yesterday - BACK)
		s->missed++;
	else
		s->untold++;
}

/* What was never told, or came after it was, is not held against anything. */
static void
count_sealed(
    const struct told *t, const struct days *d, time_t now, struct day_seals *s)
{
	const struct days *of[] = {&t->days, d};
	const int64_t yesterday = (int64_t)now / CLOCK_DAY - 1;
	int64_t first = INT64_MAX, last = -1, told = -1, i, gap = -1;
	size_t k, n, run = 0;

	for (k = 0; k < 2; k++)
		for (n = 0; n < of[k]->n; n++) {
			i = of[k]->v[n].number;
			first = i < first ? i : first;
			last = i > last ? i : last;
			told = k == 0 && i > told ? i : told;
		}
	last = last > yesterday ? yesterday : last;
	if (first < (int64_t)s->from / CLOCK_DAY)
		first = (int64_t)s->from / CLOCK_DAY;
	if (s->to != 0 && last >= (int64_t)s->to / CLOCK_DAY)
		last = (int64_t)s->to / CLOCK_DAY - 1;
	for (i = first; i <= last; i++) {
		s->days++;
		if (is_sealed(t, d, i)) {
			s->sealed++;
			continue;
		}
		count_why(t, i, told, yesterday, s);
		gap = gap == -1 ? i : gap;
		run += gap + (int64_t)run == i;
	}
	/* The next run tells it. */
	if (s->days - s->sealed == 1 && gap == yesterday)
		s->days--;
	if (s->days == 0 || s->sealed < s->days)
		say_unsealed(t, s, gap, run);
}

/* Compare all days that were told of with what is there. */
static int
check(struct told *t, struct evidence *v, time_t now, struct day_seals *s,
    struct err *e)
{
	struct days d = {.to = (int64_t)now / CLOCK_DAY};
	size_t i;
	int rv;

	for (i = 0; i < t->days.n; i++)
		if (t->days.v[i].number > d.to)
			d.to = t->days.v[i].number;
	rv = read_days(v, &d, e);
	for (i = 0; rv == 0 && i < t->days.n; i++)
		check_day(t, &t->days.v[i], &d);
	if (rv == 0)
		count_sealed(t, &d, now, s);
	free(d.v);
	return rv;
}

int
day_check(struct ledger *l, const struct settings *set, time_t now,
    ledger_flaw_fn *fn, void *arg, size_t *flaws, struct day_seals *s,
    struct err *e)
{
	const struct ledger_event_query all = {0};
	struct told t = {.days = {.to = INT64_MAX},
	    .pruned = pruned_before(set, now),
	    .fn = fn,
	    .arg = arg};
	struct evidence *v;
	size_t i;
	int rv;

	*s = (struct day_seals){.from = s->from, .to = s->to};
	v = evidence_open(set->evidence, set->ledger, EVIDENCE_READ, e);
	if (v == NULL && e->code != EX_NOINPUT)
		return -1;
	evidence_as_written(v);
	rv = ledger_events(l, &all, take_told, &t, e);
	if (rv == 0)
		rv = check(&t, v, now, s, e);
	for (i = 0; i < t.days.n; i++)
		s->npruned += (time_t)t.days.v[i].number * CLOCK_DAY < t.pruned;
	*flaws += t.flaws;
	free(t.days.v);
	evidence_close(v);
	return rv;
}
