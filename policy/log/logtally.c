#include "logtally.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "arena.h"
#include "err.h"
#include "logrecord.h"
#include "logstate.h"
#include "mem.h"
#include "quote.h"

/* One line may end a session of many messages. */
#define SUMS_ROOM (LOGTALLY_SUMS_MAX + LOGSTATE_WAITING + 64)
#define FAILURES_ROOM (LOGTALLY_FAILURES_MAX + 64)
#define SLOTS 131072 /* over twice as many */
#define DAYS 4	     /* whose strangers are remembered at once */
#define STRANGER_SLOTS 4096
#define WORD_MAX 64   /* bytes of a protocol, cipher or result */
#define TEXT_MAX 1000 /* bytes of a failure's text */
#define OTHER "other"

struct sum {
	uint64_t hash;
	uint64_t n;
	int32_t day; /* since 1970 */
	uint8_t direction, seen;
	const char *label, *protocol, *cipher, *result;
};

/* Strangers of one day and direction, as hashes of their names. */
struct strangers {
	int32_t day;
	uint8_t direction;
	bool used;
	uint64_t clock;
	size_t n;
	uint64_t slot[STRANGER_SLOTS];
};

struct logtally {
	struct evidence *evidence;
	struct logrecord *recorder; /* NULL: written here */
	struct sum *sum;
	uint32_t *slot; /* index + 1 */
	size_t nsums;
	struct evidence_failure failure[FAILURES_ROOM];
	size_t nfailures;
	struct arena text;
	struct strangers *strangers;
	uint64_t clock;
};

struct logtally *
logtally_new(struct evidence *v)
{
	struct logtally *t = mem_zero(1, sizeof(*t));

	t->evidence = v;
	t->sum = mem_zero(SUMS_ROOM, sizeof(*t->sum));
	t->slot = mem_zero(SLOTS, sizeof(*t->slot));
	t->strangers = mem_zero(DAYS, sizeof(*t->strangers));
	return t;
}

void
logtally_recorder(struct logtally *t, struct logrecord *r)
{
	t->recorder = r;
}

static void
day_text(int32_t day, char *buf, size_t size)
{
	time_t when = (time_t)day * 86400;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(buf, size, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(buf, size, "1970-01-01");
}

/* What the evidence takes is UTF-8; what may not be shown is of no use. */
static const char *
clean(struct logtally *t, struct span s, size_t max)
{
	char *out;

	if (s.n > max)
		s.n = max;
	out = arena_alloc(&t->text, s.n + 1);
	quote_show(out, s.n + 1, s.n == 0 ? "" : s.p, s.n);
	return out;
}

/* --- strangers -------------------------------------------------------- */

/* True if the name is there, or there was room for it. */
static bool
admit(struct strangers *set, uint64_t hash)
{
	size_t i = (size_t)(hash % STRANGER_SLOTS);

	while (set->slot[i] != 0) {
		if (set->slot[i] == hash)
			return true;
		i = (i + 1) % STRANGER_SLOTS;
	}
	if (set->n >= LOGTALLY_STRANGERS_MAX)
		return false;
	set->slot[i] = hash;
	set->n++;
	return true;
}

static uint64_t
hash_name(const char *s)
{
	return logproc_hash(3, s, strlen(s));
}

static bool
remember(const struct evidence_count *c, void *arg)
{
	struct strangers *set = arg;

	/* A partner's name takes a place only if it looks like a domain. */
	if (c->direction == set->direction && strchr(c->partner, '.') != NULL)
		(void)admit(set, hash_name(c->partner));
	return true;
}

static struct strangers *
strangers_of(struct logtally *t, int32_t day, uint8_t direction, struct err *e)
{
	struct strangers *set = t->strangers, *oldest = set;
	char text[16];
	size_t i;

	for (i = 0; i < DAYS; i++) {
		set = &t->strangers[i];
		if (set->used && set->day == day &&
		    set->direction == direction) {
			set->clock = ++t->clock;
			return set;
		}
		if (set->clock < oldest->clock)
			oldest = set;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->used = true;
	oldest->day = day;
	oldest->direction = direction;
	oldest->clock = ++t->clock;
	day_text(day, text, sizeof(text));
	/* What is not written yet may hold names of that day, too. */
	for (i = 0; i < t->nsums; i++)
		if (t->sum[i].day == day && t->sum[i].direction == direction &&
		    strchr(t->sum[i].label, '.') != NULL)
			(void)admit(oldest, hash_name(t->sum[i].label));
	if (evidence_counts(
		t->evidence, NULL, text, text, remember, oldest, e) == -1)
		return NULL;
	return oldest;
}

/* --- sums ------------------------------------------------------------- */

static bool
same(const struct sum *s, const struct sum *key, const struct attempt *a)
{
	return s->hash == key->hash && s->day == key->day &&
	       s->direction == key->direction && s->seen == key->seen &&
	       strcmp(s->label, key->label) == 0 &&
	       span_same((struct span){s->protocol, strlen(s->protocol)},
		   a->protocol) &&
	       span_same(
		   (struct span){s->cipher, strlen(s->cipher)}, a->cipher) &&
	       span_same(
		   (struct span){s->result, strlen(s->result)}, a->result);
}

static void
add_sum(
    struct logtally *t, const struct attempt *a, int32_t day, const char *label)
{
	struct sum key = {.day = day,
	    .direction = (uint8_t)a->direction,
	    .seen = (uint8_t)a->level,
	    .label = label};
	uint64_t h = (uint64_t)day << 8 | key.seen << 1 | key.direction;
	struct sum *s;
	size_t i;

	h = logproc_hash(h, label, strlen(label));
	h = logproc_hash(h, a->protocol.p, a->protocol.n);
	h = logproc_hash(h, a->cipher.p, a->cipher.n);
	key.hash = logproc_hash(h, a->result.p, a->result.n);
	for (i = key.hash % SLOTS; t->slot[i] != 0; i = (i + 1) % SLOTS) {
		s = &t->sum[t->slot[i] - 1];
		if (same(s, &key, a)) {
			s->n++;
			return;
		}
	}
	s = &t->sum[t->nsums++];
	t->slot[i] = (uint32_t)t->nsums;
	*s = key;
	s->n = 1;
	s->label = arena_copy(&t->text, label, strlen(label));
	s->protocol = clean(t, a->protocol, WORD_MAX);
	s->cipher = clean(t, a->cipher, WORD_MAX);
	s->result = clean(t, a->result, WORD_MAX);
}

static void
add_failure(struct logtally *t, const struct attempt *a, const char *label,
    const char *domain)
{
	t->failure[t->nfailures++] = (struct evidence_failure){.time = a->time,
	    .partner = arena_copy(&t->text, label, strlen(label)),
	    .direction = a->direction,
	    .fault = fault_text(a->fault),
	    .domain = arena_copy(&t->text, domain, strlen(domain)),
	    .host = clean(t, a->host, 255),
	    .address = clean(t, a->address, 64),
	    .queue_id = clean(t, a->queue_id, 64),
	    .text = clean(t, a->text, TEXT_MAX)};
}

int
logtally_add(struct logtally *t, const struct attempt *a, const char *partner,
    const char *domain, struct err *e)
{
	/* Times come from the log, and from this century. */
	time_t when = a->time < 0 ? 0 : a->time;
	int32_t day = (int32_t)(when / 86400);
	struct strangers *set;
	const char *label = partner;

	if (label == NULL) {
		label = OTHER;
		/* With a dot, so that it cannot be taken for a partner. */
		if (strchr(domain, '.') != NULL) {
			set = strangers_of(t, day, (uint8_t)a->direction, e);
			if (set == NULL)
				return -1;
			if (admit(set, hash_name(domain)))
				label = domain;
		}
	}
	add_sum(t, a, day, label);
	/* Of strangers only what TLS has to do with: the rest is theirs. */
	if (a->fault != FAULT_OK && (partner != NULL || fault_is_tls(a->fault)))
		add_failure(t, a, label, domain);
	return 0;
}

bool
logtally_full(const struct logtally *t)
{
	return t->nsums >= LOGTALLY_SUMS_MAX ||
	       t->nfailures >= LOGTALLY_FAILURES_MAX;
}

bool
logtally_empty(const struct logtally *t)
{
	return t->nsums == 0 && t->nfailures == 0;
}

int
logtally_write(struct logtally *t, const struct evidence_position *position,
    size_t npositions, struct err *e)
{
	struct evidence_batch batch = {.failure = t->failure,
	    .nfailures = t->nfailures,
	    .position = position,
	    .npositions = npositions};
	struct evidence_count *count = NULL;
	char(*days)[16] = NULL;
	size_t i;
	int rv;

	if (t->nsums > 0) {
		count = mem_zero(t->nsums, sizeof(*count));
		days = mem_zero(t->nsums, sizeof(*days));
	}
	for (i = 0; i < t->nsums; i++) {
		const struct sum *s = &t->sum[i];

		day_text(s->day, days[i], sizeof(days[i]));
		count[i] = (struct evidence_count){.day = days[i],
		    .partner = s->label,
		    .direction = s->direction,
		    .seen = s->seen,
		    .protocol = s->protocol,
		    .cipher = s->cipher,
		    .result = s->result,
		    .n = s->n};
	}
	batch.count = count;
	batch.ncounts = t->nsums;
	rv = t->recorder != NULL ? logrecord_add(t->recorder, &batch, e)
				 : evidence_log_add(t->evidence, &batch, e);
	free(count);
	free(days);
	if (rv != 0)
		return -1;
	memset(t->slot, 0, SLOTS * sizeof(*t->slot));
	t->nsums = t->nfailures = 0;
	arena_free(&t->text);
	return 0;
}

void
logtally_free(struct logtally *t)
{
	if (t == NULL)
		return;
	arena_free(&t->text);
	free(t->sum);
	free(t->slot);
	free(t->strangers);
	free(t);
}
