#include "logtally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena.h"
#include "buf.h"
#include "clock.h"
#include "logrecord.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "quote.h"
#include "recent.h"

#define DAYS 4	      /* whose strangers are remembered at once */
#define WORD_MAX 64   /* bytes of a protocol, cipher or result */
#define TEXT_MAX 1000 /* bytes of a failure's text */
#define HOSTS_MAX 64  /* that have hours of their own; then OTHER */
#define OTHER "other"

/* The names of the strangers of one day and direction. */
struct strangers {
	char day[NUM_TIME_MAX]; /* "" if there is none */
	enum evidence_direction direction;
	struct names names;
};

/* A message that waits, for one domain. */
struct wait {
	char name[33 + LOGSESSION_HOST + 256]; /* queue id, host, domain */
	char partner[256];
	enum fault fault;
	time_t since;
};

struct logtally {
	struct evidence *evidence;
	struct logrecord *recorder; /* NULL: written here */
	/* Sums, and of each what tells it from the others. */
	struct evidence_count *count;
	size_t ncounts, count_cap;
	struct names counts;
	struct evidence_exchange *exchange;
	size_t nexchanges, exchange_cap;
	struct names exchanges;
	struct evidence_hour *hour;
	size_t nhours, hour_cap;
	struct names hosts;
	struct recent waits; /* as the evidence has them, and since */
	bool waits_known;
	struct evidence_wait *wait;
	size_t nwaits, wait_cap;
	struct evidence_failure *failure;
	size_t nfailures, failure_cap;
	struct arena text; /* of all of them */
	struct buf scratch;
	time_t day; /* that was converted last */
	char day_text[NUM_TIME_MAX];
	struct strangers *strangers;
	unsigned next_strangers; /* that make room */
};

struct logtally *
logtally_new(struct evidence *v, struct logrecord *r)
{
	struct logtally *t = mem_zero(1, sizeof(*t));

	t->evidence = v;
	t->recorder = r;
	t->day = -1;
	t->strangers = mem_zero(DAYS, sizeof(*t->strangers));
	recent_init(&t->waits, EVIDENCE_WAITS_MAX, sizeof(struct wait));
	return t;
}

/* As evidence has it, until the next call. */
static const char *
day_of(struct logtally *t, time_t when)
{
	if (when / CLOCK_DAY != t->day) {
		t->day = when / CLOCK_DAY;
		num_time_text(when, t->day_text)[10] = '\0';
	}
	return t->day_text;
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
admit(struct strangers *set, const char *name)
{
	size_t len = strlen(name);

	if (set->names.n == LOGTALLY_STRANGERS_MAX)
		return names_find(&set->names, name, len) != STRMAP_NONE;
	(void)names_add(&set->names, name, len);
	return true;
}

static bool
remember(const struct evidence_count *c, void *arg)
{
	struct strangers *set = arg;

	/* A partner's name takes a place only if it looks like a domain. */
	if (strcmp(c->day, set->day) == 0 && c->direction == set->direction &&
	    strchr(c->partner, '.') != NULL)
		(void)admit(set, c->partner);
	return true;
}

static void
forget(struct strangers *set)
{
	names_free(&set->names);
	*set = (struct strangers){.day = ""};
}

static struct strangers *
strangers_of(struct logtally *t, const char *day,
    enum evidence_direction direction, struct err *e)
{
	struct strangers *set = t->strangers;
	size_t i;

	for (i = 0; i < DAYS; i++, set++)
		if (set->direction == direction && strcmp(set->day, day) == 0)
			return set;
	set = &t->strangers[t->next_strangers++ % DAYS];
	forget(set);
	set->direction = direction;
	(void)memcpy(set->day, day, strlen(day) + 1);
	/* What is not written yet may hold names of that day, too. */
	for (i = 0; i < t->ncounts; i++)
		(void)remember(&t->count[i], set);
	if (evidence_counts(t->evidence, NULL, day, day, remember, set, e) ==
	    -1) {
		forget(set);
		return NULL;
	}
	return set;
}

/* --- sums ------------------------------------------------------------- */

static void
add_sum(struct logtally *t, const struct attempt *a, const char *day,
    const char *label)
{
	const char which[] = {
	    (char)('0' + a->direction), (char)('0' + a->level)};
	const char *required = a->required == NULL ? "" : a->required;
	const enum fault fault = a->lacks != FAULT_OK ? a->lacks : a->fault;
	const char *proof =
	    a->level == EVIDENCE_VERIFIED && a->proof != NULL ? a->proof : "";
	struct buf *key = &t->scratch;
	uint32_t at;

	buf_clear(key);
	buf_puts(key, day);
	buf_add(key, which, sizeof(which));
	buf_puts(key, label);
	buf_putc(key, '\n');
	buf_add(key, a->protocol.p, a->protocol.n);
	buf_putc(key, '\n');
	buf_add(key, a->cipher.p, a->cipher.n);
	buf_putc(key, '\n');
	buf_add(key, a->result.p, a->result.n);
	buf_putc(key, (char)(1 + fault));
	buf_puts(key, required);
	buf_puts(key, proof);
	if (a->downgrade != 0)
		buf_printf(key, "%" PRId64, a->downgrade);
	at = names_add(&t->counts, key->data, key->len);
	if (at < t->ncounts) {
		t->count[at].n++;
		if (a->time > t->count[at].last)
			t->count[at].last = a->time;
		return;
	}
	t->count =
	    mem_grow(t->count, t->ncounts, &t->count_cap, sizeof(*t->count));
	t->count[t->ncounts++] = (struct evidence_count){
	    .day = arena_copy(&t->text, day, strlen(day)),
	    .partner = arena_copy(&t->text, label, strlen(label)),
	    .direction = a->direction,
	    .seen = a->level,
	    .protocol = clean(t, a->protocol, WORD_MAX),
	    .cipher = clean(t, a->cipher, WORD_MAX),
	    .result = clean(t, a->result, WORD_MAX),
	    /* These are constants. */
	    .required = required,
	    .downgrade = a->downgrade,
	    .proof = proof,
	    .fault = fault_text(fault),
	    .last = a->time < 0 ? 0 : a->time,
	    .n = 1};
}

/* How the keys of an encrypted mail were agreed; strangers are one. */
static void
add_exchange(struct logtally *t, const struct attempt *a, const char *day,
    const char *partner)
{
	struct buf *key = &t->scratch;
	const char *label = partner == NULL ? OTHER : partner;
	uint32_t at;

	buf_clear(key);
	buf_puts(key, day);
	buf_putc(key, (char)('0' + a->direction));
	buf_puts(key, label);
	buf_putc(key, '\n');
	buf_add(key, a->exchange.p, a->exchange.n);
	buf_putc(key, '\n');
	buf_add(key, a->signature.p, a->signature.n);
	at = names_add(&t->exchanges, key->data, key->len);
	if (at < t->nexchanges) {
		t->exchange[at].n++;
		return;
	}
	t->exchange = mem_grow(
	    t->exchange, t->nexchanges, &t->exchange_cap, sizeof(*t->exchange));
	t->exchange[t->nexchanges++] = (struct evidence_exchange){
	    .day = arena_copy(&t->text, day, strlen(day)),
	    .partner = arena_copy(&t->text, label, strlen(label)),
	    .direction = a->direction,
	    .exchange = clean(t, a->exchange, WORD_MAX),
	    .signature = clean(t, a->signature, WORD_MAX),
	    .n = 1};
}

static void
add_failure(struct logtally *t, const struct attempt *a, const char *label,
    const char *domain)
{
	t->failure = mem_grow(
	    t->failure, t->nfailures, &t->failure_cap, sizeof(*t->failure));
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

/* --- hours ------------------------------------------------------------- */

void
logtally_hour(struct logtally *t, time_t when, struct span host)
{
	struct evidence_hour *h;
	uint32_t at;
	size_t i;

	if (when < 0)
		return;
	if (host.n > WORD_MAX)
		host.n = WORD_MAX;
	when -= when % EVIDENCE_HOUR;
	/* Most lines are of the hour and host of the one before. */
	for (i = t->nhours; i > 0; i--) {
		h = &t->hour[i - 1];
		if (h->hour == when && span_same(span_of(h->host), host)) {
			h->n++;
			return;
		}
	}
	if (t->hosts.n < HOSTS_MAX)
		at = names_add(&t->hosts, host.n == 0 ? "" : host.p, host.n);
	else
		at = names_find(&t->hosts, host.n == 0 ? "" : host.p, host.n);
	if (at == STRMAP_NONE && !span_is(host, OTHER)) {
		logtally_hour(t, when, span_of(OTHER));
		return;
	}
	t->hour = mem_grow(t->hour, t->nhours, &t->hour_cap, sizeof(*t->hour));
	t->hour[t->nhours++] = (struct evidence_hour){
	    .hour = when, .host = clean(t, host, WORD_MAX), .n = 1};
}

/* --- what waits ---------------------------------------------------------- */

static size_t
wait_name(char name[sizeof(((struct wait *)0)->name)], struct span id,
    struct span host, struct span domain)
{
	size_t n = logsession_message(id, host, name);

	name[n++] = ' ';
	span_keep(name + n, sizeof(((struct wait *)0)->name) - n, domain);
	return n + strlen(name + n);
}

static struct wait *
new_wait(struct logtally *t, const char *name)
{
	struct wait *w = recent_place(&t->waits);

	if (w->name[0] != '\0')
		recent_remove(&t->waits, w);
	(void)snprintf(w->name, sizeof(w->name), "%s", name);
	recent_add(&t->waits, w);
	return w;
}

static bool
take_wait(const struct evidence_wait *given, void *arg)
{
	struct logtally *t = arg;
	char name[sizeof(((struct wait *)0)->name)];
	size_t n = wait_name(name, span_of(given->queue_id),
	    span_of(given->host), span_of(given->domain));
	struct wait *w = recent_find(&t->waits, name, n);

	if (w == NULL)
		w = new_wait(t, name);
	(void)snprintf(w->partner, sizeof(w->partner), "%s", given->partner);
	if (fault_parse(given->fault, &w->fault) == -1)
		w->fault = FAULT_OK;
	w->since = given->since;
	return true;
}

static int
know_waits(struct logtally *t, struct err *e)
{
	if (t->waits_known)
		return 0;
	t->waits_known = true;
	return evidence_waits(t->evidence, take_wait, t, e);
}

/* What becomes of it: it waits, or (result) it waits no more. */
static void
add_wait(struct logtally *t, const struct wait *w, const struct attempt *a,
    const char *domain, const char *result)
{
	t->wait = mem_grow(t->wait, t->nwaits, &t->wait_cap, sizeof(*t->wait));
	t->wait[t->nwaits++] = (struct evidence_wait){
	    .host = clean(t, a->logger, LOGSESSION_HOST - 1),
	    .queue_id = clean(t, a->queue_id, 32),
	    .domain = arena_copy(&t->text, domain, strlen(domain)),
	    .partner = arena_copy(&t->text, w->partner, strlen(w->partner)),
	    .fault = fault_text(w->fault),
	    .since = w->since,
	    .until = result == NULL ? 0 : a->time,
	    .result = result == NULL ? "" : result};
}

static void
end_wait(struct logtally *t, struct wait *w, const struct attempt *a,
    const char *domain)
{
	add_wait(t, w, a, domain, clean(t, a->result, WORD_MAX));
	recent_remove(&t->waits, w);
}

/* The more of TLS it is, the sooner it is what the mail waits for. */
static int
rank(enum fault f)
{
	return f == FAULT_OK ? 0 : 1 + fault_is_tls(f);
}

/* A message to that partner was deferred, or became something else. */
static void
follow_wait(struct logtally *t, const struct attempt *a, const char *domain,
    const char *label, bool matters)
{
	char name[sizeof(((struct wait *)0)->name)];
	size_t n = wait_name(name, a->queue_id, a->logger, span_of(domain));
	struct wait *w = recent_find(&t->waits, name, n);

	if (!span_is(a->result, "deferred")) {
		if (w != NULL)
			end_wait(t, w, a, domain);
		return;
	}
	if (w == NULL ? !matters : rank(a->fault) <= rank(w->fault))
		return;
	if (w == NULL) {
		w = new_wait(t, name);
		(void)snprintf(w->partner, sizeof(w->partner), "%s", label);
	}
	w->fault = a->fault;
	w->since = a->time;
	add_wait(t, w, a, domain, NULL);
}

/* It ended for all domains, which the log that was read does not name. */
static bool
end_waits(struct logtally *t, const struct attempt *a, const char *day)
{
	char name[sizeof(((struct wait *)0)->name)];
	size_t n = wait_name(name, a->queue_id, a->logger, span_of(""));
	bool any = false;
	struct wait *w;
	uint32_t i;

	for (i = 0; i < EVIDENCE_WAITS_MAX; i++) {
		w = recent_at(&t->waits, i);
		if (strncmp(w->name, name, n) != 0)
			continue;
		any = true;
		add_sum(t, a, day, w->partner);
		end_wait(t, w, a, w->name + n);
	}
	return any;
}

int
logtally_add(struct logtally *t, const struct attempt *a, const char *partner,
    const char *domain, struct err *e)
{
	/* Times come from the log, and from this century. */
	const char *day = day_of(t, a->time < 0 ? 0 : a->time);
	struct strangers *set;
	const char *label = partner;

	if (label == NULL) {
		label = OTHER;
		/* With a dot, so that it cannot be taken for a partner. */
		if (strchr(domain, '.') != NULL) {
			set = strangers_of(t, day, a->direction, e);
			if (set == NULL)
				return -1;
			if (admit(set, domain))
				label = domain;
		}
	}
	if (a->direction == EVIDENCE_OUT && a->queue_id.n > 0 &&
	    !span_is(a->result, "skipped")) {
		if (know_waits(t, e) == -1)
			return -1;
		if (*domain == '\0' && span_is(a->result, "expired") &&
		    end_waits(t, a, day))
			return 0;
		follow_wait(t, a, domain, label,
		    partner != NULL || fault_is_tls(a->fault));
	}
	add_sum(t, a, day, label);
	if (a->exchange.n > 0 &&
	    (span_is(a->result, "sent") || span_is(a->result, "received")))
		add_exchange(t, a, day, partner);
	/* Of strangers only what TLS has to do with: the rest is theirs. */
	if (a->fault != FAULT_OK && (partner != NULL || fault_is_tls(a->fault)))
		add_failure(t, a, label, domain);
	return 0;
}

bool
logtally_full(const struct logtally *t)
{
	return t->ncounts + t->nexchanges + t->nwaits >= LOGTALLY_SUMS_MAX ||
	       t->nhours >= LOGTALLY_HOURS_MAX ||
	       t->nfailures >= LOGTALLY_FAILURES_MAX;
}

static void
clear(struct logtally *t)
{
	names_free(&t->counts);
	names_free(&t->exchanges);
	t->ncounts = t->nexchanges = t->nfailures = 0;
	t->nhours = t->nwaits = 0;
	arena_free(&t->text);
}

int
logtally_write(
    struct logtally *t, const struct evidence_position *position, struct err *e)
{
	const struct evidence_batch batch = {.count = t->count,
	    .ncounts = t->ncounts,
	    .exchange = t->exchange,
	    .nexchanges = t->nexchanges,
	    .hour = t->hour,
	    .nhours = t->nhours,
	    .wait = t->wait,
	    .nwaits = t->nwaits,
	    .failure = t->failure,
	    .nfailures = t->nfailures,
	    .position = position,
	    .npositions = position != NULL};
	int rv;

	if (position == NULL &&
	    t->ncounts + t->nhours + t->nwaits + t->nfailures == 0)
		return 0;
	rv = t->recorder != NULL ? logrecord_add(t->recorder, &batch, e)
				 : evidence_log_add(t->evidence, &batch, e);

	if (rv != 0)
		return -1;
	clear(t);
	return 0;
}

void
logtally_drop(struct logtally *t)
{
	size_t i;

	clear(t);
	/* Who has a name among strangers is not ours to say, either. */
	for (i = 0; i < DAYS; i++)
		forget(&t->strangers[i]);
	recent_free(&t->waits);
	recent_init(&t->waits, EVIDENCE_WAITS_MAX, sizeof(struct wait));
	t->waits_known = false;
}

void
logtally_free(struct logtally *t)
{
	if (t == NULL)
		return;
	logtally_drop(t);
	recent_free(&t->waits);
	names_free(&t->hosts);
	free(t->hour);
	free(t->wait);
	free(t->strangers);
	free(t->exchange);
	free(t->count);
	free(t->failure);
	buf_free(&t->scratch);
	free(t);
}
