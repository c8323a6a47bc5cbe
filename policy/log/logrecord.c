#include "logrecord.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "process.h"
#include "buf.h"
#include "diag.h"
#include "err.h"
#include "fault.h"
#include "fdio.h"
#include "mem.h"
#include "netstring.h"
#include "num.h"
#include "owned.h"
#include "registry.h"

#define CHUNK 65536
#define RELOAD_S 1
#define NAME_MAX_ 256 /* bytes of a name, NUL included */
#define WORD_MAX 65
#define TEXT_MAX 1001
#define DAY_SIZE 11

struct logrecord {
	struct logrecord_settings set;
	struct apart child;
	struct buf said;
};

/* The recorder's own. */
struct recorder {
	const struct logrecord_settings *set;
	struct registry *registry;
	time_t loaded;
	struct evidence *evidence;
};

/* --- What is said, by the reader ---------------------------------------- */

static void
put_item(struct buf *out, struct buf *item)
{
	netstring_put(out, item->data, item->len, NULL, 0);
	buf_clear(item);
}

static void
put(struct buf *b, const char *text)
{
	fields_put(b, text == NULL ? "" : text);
}

static void
put_count(struct buf *b, const struct evidence_count *c)
{
	put(b, "C");
	put(b, c->day);
	put(b, c->partner);
	fields_put_num(b, c->direction);
	fields_put_num(b, c->seen);
	put(b, c->protocol);
	put(b, c->cipher);
	put(b, c->result);
	put(b, c->required);
	fields_put_num(b, (uint64_t)c->downgrade);
	put(b, c->proof);
	put(b, c->fault);
	fields_put_num(b, c->n);
}

static void
put_exchange(struct buf *b, const struct evidence_exchange *x)
{
	put(b, "X");
	put(b, x->day);
	put(b, x->partner);
	fields_put_num(b, x->direction);
	put(b, x->exchange);
	put(b, x->signature);
	fields_put_num(b, x->n);
}

static void
put_hour(struct buf *b, const struct evidence_hour *h)
{
	put(b, "H");
	fields_put_num(b, (uint64_t)h->hour);
	put(b, h->host);
	fields_put_num(b, h->n);
}

static void
put_wait(struct buf *b, const struct evidence_wait *w)
{
	put(b, "W");
	put(b, w->host);
	put(b, w->queue_id);
	put(b, w->domain);
	put(b, w->partner);
	put(b, w->fault);
	fields_put_num(b, (uint64_t)w->since);
	fields_put_num(b, (uint64_t)w->until);
	put(b, w->result);
}

static void
put_failure(struct buf *b, const struct evidence_failure *f)
{
	put(b, "F");
	fields_put_num(b, (uint64_t)f->time);
	put(b, f->partner);
	fields_put_num(b, f->direction);
	put(b, f->fault);
	put(b, f->domain);
	put(b, f->host);
	put(b, f->address);
	put(b, f->queue_id);
	put(b, f->text);
}

static void
put_position(struct buf *b, const struct evidence_position *p)
{
	put(b, "P");
	put(b, p->path);
	fields_put_num(b, p->device);
	fields_put_num(b, p->inode);
	put(b, p->first);
	fields_put_num(b, p->offset);
	put(b, p->tail);
	if (p->was == NULL)
		return;
	fields_put_num(b, p->was->device);
	fields_put_num(b, p->was->inode);
	fields_put_num(b, p->was->offset);
}

static void
put_leg(struct buf *b, const struct evidence_leg *l)
{
	put(b, "L");
	put(b, l->mail);
	fields_put_num(b, (uint64_t)l->time);
	put(b, l->partner);
	put(b, leg_name(l->leg));
	put(b, l->tls);
	put(b, l->protocol);
}

void
logrecord_put(struct buf *out, const struct evidence_batch *b)
{
	struct buf all = {0}, item = {0};
	size_t i;

	for (i = 0; i < b->ncounts; i++) {
		put_count(&item, &b->count[i]);
		put_item(&all, &item);
	}
	for (i = 0; i < b->nexchanges; i++) {
		put_exchange(&item, &b->exchange[i]);
		put_item(&all, &item);
	}
	for (i = 0; i < b->nhours; i++) {
		put_hour(&item, &b->hour[i]);
		put_item(&all, &item);
	}
	for (i = 0; i < b->nwaits; i++) {
		put_wait(&item, &b->wait[i]);
		put_item(&all, &item);
	}
	for (i = 0; i < b->nfailures; i++) {
		put_failure(&item, &b->failure[i]);
		put_item(&all, &item);
	}
	for (i = 0; i < b->npositions; i++) {
		put_position(&item, &b->position[i]);
		put_item(&all, &item);
	}
	for (i = 0; i < b->nlegs; i++) {
		put_leg(&item, &b->leg[i]);
		put_item(&all, &item);
	}
	netstring_put(out, all.data == NULL ? "" : all.data, all.len, NULL, 0);
	buf_free(&all);
	buf_free(&item);
}

/* --- What is taken, by the recorder -------------------------------------- */

struct taking {
	struct logrecord_taken *w;
	struct fields f;
	time_t now;
	bool (*known)(const char *name, void *arg);
	void *arg;
};

static const char *
word(struct taking *t, const char *name, size_t max)
{
	char text[TEXT_MAX];

	fields_word(&t->f, name, max, text);
	return arena_copy(&t->w->arena, text, strlen(text));
}

static const char *
partner(struct taking *t)
{
	const char *name = word(t, "partner", NAME_MAX_);

	if (t->f.bad == NULL && strcmp(name, "other") != 0 &&
	    strchr(name, '.') == NULL && !t->known(name, t->arg))
		t->f.bad = "partner";
	return name;
}

static enum evidence_direction
direction(struct taking *t)
{
	return (enum evidence_direction)fields_num(
	    &t->f, "direction", EVIDENCE_OUT);
}

/* A time, not after now. */
static time_t
when(struct taking *t, const char *name)
{
	uint64_t given = fields_num(&t->f, name, INT64_MAX);

	return given > (uint64_t)t->now ? t->now : (time_t)given;
}

/* A word of fault.h; "" is none. */
static const char *
fault_word(struct taking *t, bool ok)
{
	const char *text = word(t, "fault", WORD_MAX);
	enum fault fault;

	if (t->f.bad == NULL && !(ok && *text == '\0') &&
	    (fault_parse(text, &fault) == -1 || (!ok && fault == FAULT_OK)))
		t->f.bad = "fault";
	return text;
}

/* A level, or "". */
static const char *
level_word(struct taking *t)
{
	const char *text = word(t, "rule", WORD_MAX);
	enum level unused;

	if (t->f.bad == NULL && *text != '\0' &&
	    level_parse(text, &unused) == -1)
		t->f.bad = "rule";
	return text;
}

/* A day, not after today. */
static const char *
day(struct taking *t)
{
	const char *text = word(t, "day", DAY_SIZE);
	char today[NUM_TIME_MAX];
	time_t unused;

	if (t->f.bad == NULL &&
	    (strlen(text) != DAY_SIZE - 1 || num_time(text, &unused) == -1))
		t->f.bad = "day";
	num_time_text(t->now, today)[DAY_SIZE - 1] = '\0';
	return strcmp(text, today) > 0
		   ? arena_copy(&t->w->arena, today, strlen(today))
		   : text;
}

static void
take_count(struct taking *t)
{
	struct logrecord_taken *w = t->w;
	struct evidence_count c = {.day = day(t)};

	c.partner = partner(t);
	c.direction = direction(t);
	c.seen =
	    (enum evidence_seen)fields_num(&t->f, "level", EVIDENCE_VERIFIED);
	c.protocol = word(t, "protocol", WORD_MAX);
	c.cipher = word(t, "cipher", WORD_MAX);
	c.result = word(t, "result", WORD_MAX);
	c.required = level_word(t);
	c.downgrade = (int64_t)fields_num(&t->f, "downgrade", INT64_MAX);
	c.proof = word(t, "proof", WORD_MAX);
	c.fault = fault_word(t, true);
	c.n = fields_num(&t->f, "number", UINT32_MAX);
	w->count =
	    mem_grow(w->count, w->batch.ncounts, &w->count_cap, sizeof(c));
	w->count[w->batch.ncounts++] = c;
}

static void
take_exchange(struct taking *t)
{
	struct logrecord_taken *w = t->w;
	struct evidence_exchange x = {.day = day(t)};

	x.partner = partner(t);
	x.direction = direction(t);
	x.exchange = word(t, "exchange", WORD_MAX);
	x.signature = word(t, "signature", WORD_MAX);
	x.n = fields_num(&t->f, "number", UINT32_MAX);
	w->exchange = mem_grow(
	    w->exchange, w->batch.nexchanges, &w->exchange_cap, sizeof(x));
	w->exchange[w->batch.nexchanges++] = x;
}

static void
take_hour(struct taking *t)
{
	struct logrecord_taken *w = t->w;
	struct evidence_hour h = {.hour = when(t, "hour")};

	h.hour -= h.hour % EVIDENCE_HOUR;
	h.host = word(t, "host", NAME_MAX_);
	h.n = fields_num(&t->f, "number", UINT32_MAX);
	w->hour = mem_grow(w->hour, w->batch.nhours, &w->hour_cap, sizeof(h));
	w->hour[w->batch.nhours++] = h;
}

static void
take_wait(struct taking *t)
{
	struct logrecord_taken *w = t->w;
	struct evidence_wait x = {.host = word(t, "host", NAME_MAX_)};

	x.queue_id = word(t, "queue id", WORD_MAX);
	x.domain = word(t, "domain", NAME_MAX_);
	/* It may have been removed from the registry meanwhile. */
	x.partner = word(t, "partner", NAME_MAX_);
	if (t->f.bad == NULL && strchr(x.partner, '.') == NULL &&
	    !t->known(x.partner, t->arg))
		x.partner = "other";
	x.fault = fault_word(t, true);
	x.since = when(t, "since");
	x.until = when(t, "until");
	x.result = word(t, "result", WORD_MAX);
	w->wait = mem_grow(w->wait, w->batch.nwaits, &w->wait_cap, sizeof(x));
	w->wait[w->batch.nwaits++] = x;
}

static void
take_failure(struct taking *t)
{
	struct logrecord_taken *w = t->w;
	struct evidence_failure f = {.time = when(t, "time")};
	char text[TEXT_MAX];

	f.partner = partner(t);
	f.direction = direction(t);
	f.fault = fault_word(t, false);
	f.domain = word(t, "domain", NAME_MAX_);
	f.host = word(t, "host", NAME_MAX_);
	f.address = word(t, "address", WORD_MAX);
	f.queue_id = word(t, "queue id", WORD_MAX);
	fields_text(&t->f, "text", sizeof(text), text);
	f.text = arena_copy(&w->arena, text, strlen(text));
	w->failure = mem_grow(
	    w->failure, w->batch.nfailures, &w->failure_cap, sizeof(f));
	w->failure[w->batch.nfailures++] = f;
}

/* Of a line, in hex, or "". */
static const char *
hash(struct taking *t, const char *name)
{
	const char *text = word(t, name, EVIDENCE_KEY);

	if (t->f.bad == NULL && *text != '\0' &&
	    strspn(text, "0123456789abcdef") != EVIDENCE_KEY - 1)
		t->f.bad = name;
	return text;
}

static void
take_position(struct taking *t)
{
	struct evidence_position *was;
	struct logrecord_taken *w = t->w;
	struct evidence_position p = {.time = t->now};
	const char *path = "";
	size_t n = 0;

	/* Any bytes but NUL, as the file system has it. */
	if (fields_take(&t->f, "path", PATH_MAX - 1, &path, &n) &&
	    memchr(path, '\0', n) != NULL)
		t->f.bad = "path";
	p.path = arena_copy(&w->arena, path, n);
	p.device = fields_num(&t->f, "device", UINT64_MAX);
	p.inode = fields_num(&t->f, "inode", UINT64_MAX);
	p.first = hash(t, "first line");
	p.offset = fields_num(&t->f, "offset", INT64_MAX);
	p.tail = hash(t, "tail");
	if (t->f.bad == NULL && *p.first == '\0')
		t->f.bad = "first line";
	if (t->f.bad == NULL && t->f.n > 0) {
		was = arena_alloc(&w->arena, sizeof(*was));
		*was = (struct evidence_position){.first = p.first};
		was->device = fields_num(&t->f, "device", UINT64_MAX);
		was->inode = fields_num(&t->f, "inode", UINT64_MAX);
		was->offset = fields_num(&t->f, "old offset", INT64_MAX);
		p.was = was;
	}
	w->position = mem_grow(
	    w->position, w->batch.npositions, &w->position_cap, sizeof(p));
	w->position[w->batch.npositions++] = p;
}

static void
take_leg(struct taking *t)
{
	static const char *const tls[] = {"encrypted", "clear", "unknown"};
	struct logrecord_taken *w = t->w;
	struct evidence_leg l = {.mail = hash(t, "mail")};
	size_t i = 0;

	l.time = when(t, "time");
	l.partner = partner(t);
	if (leg_parse(word(t, "leg", WORD_MAX), &l.leg) == -1 &&
	    t->f.bad == NULL)
		t->f.bad = "leg";
	l.tls = word(t, "tls", WORD_MAX);
	while (i < 3 && strcmp(l.tls, tls[i]) != 0)
		i++;
	if (t->f.bad == NULL && (i == 3 || *l.mail == '\0'))
		t->f.bad = i == 3 ? "tls" : "mail";
	l.protocol = word(t, "protocol", WORD_MAX);
	w->leg = mem_grow(w->leg, w->batch.nlegs, &w->leg_cap, sizeof(l));
	w->leg[w->batch.nlegs++] = l;
}

static void
take_item(struct taking *t)
{
	char letter[2];

	fields_word(&t->f, "letter", sizeof(letter), letter);
	if (*letter == 'C')
		take_count(t);
	else if (*letter == 'X')
		take_exchange(t);
	else if (*letter == 'H')
		take_hour(t);
	else if (*letter == 'W')
		take_wait(t);
	else if (*letter == 'F')
		take_failure(t);
	else if (*letter == 'P')
		take_position(t);
	else if (*letter == 'L')
		take_leg(t);
	else
		t->f.bad = "letter";
	if (t->f.bad == NULL && t->f.n > 0)
		t->f.bad = "end";
}

int
logrecord_parse(struct logrecord_taken *w, const char *text, size_t len,
    time_t now, bool (*known)(const char *name, void *arg), void *arg,
    struct err *e)
{
	struct taking t = {.w = w, .now = now, .known = known, .arg = arg};
	struct fields all = {.p = text, .n = len};

	*w = (struct logrecord_taken){.arena = {0}};
	while (all.n > 0) {
		if (!fields_take(&all, "item", len, &t.f.p, &t.f.n))
			t.f.bad = all.bad;
		else
			take_item(&t);
		if (t.f.bad != NULL)
			return err_set(
			    e, EX_DATAERR, "its %s may not be so", t.f.bad);
	}
	w->batch.count = w->count;
	w->batch.exchange = w->exchange;
	w->batch.hour = w->hour;
	w->batch.wait = w->wait;
	w->batch.failure = w->failure;
	w->batch.position = w->position;
	w->batch.leg = w->leg;
	return 0;
}

void
logrecord_release(struct logrecord_taken *w)
{
	free(w->count);
	free(w->exchange);
	free(w->hour);
	free(w->wait);
	free(w->failure);
	free(w->position);
	free(w->leg);
	arena_free(&w->arena);
	*w = (struct logrecord_taken){.arena = {0}};
}

/* --- The recorder -------------------------------------------------------- */

/* One netstring of max bytes or less into b; its payload, or NULL. */
static const char *
take_record(int fd, struct buf *b, size_t max, size_t *len)
{
	const char *text;
	size_t used;
	ssize_t n;

	buf_clear(b);
	for (;;) {
		switch (
		    netstring_take(b->data, b->len, max, &text, len, &used)) {
		case NETSTRING_DONE:
			/* Each waits for the other: there is no more. */
			return used == b->len ? text : NULL;
		case NETSTRING_BAD:
			return NULL;
		case NETSTRING_MORE:
			break;
		}
		n = read(fd, buf_room(b, CHUNK), CHUNK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return NULL;
		b->len += (size_t)n;
	}
}

/* If it cannot be read now, the partners of before are the partners. */
static void
load(struct recorder *r, time_t now)
{
	struct diags d = {0};
	struct err e;
	struct registry *fresh = registry_load(r->set->registry, now, &d, &e);

	r->loaded = now;
	if (fresh != NULL && d.errors == 0) {
		registry_free(r->registry);
		r->registry = fresh;
	} else
		registry_free(fresh);
	diag_free(&d);
}

static bool
has(const struct registry *r, const char *name)
{
	return r != NULL && registry_partner(r, name) != REGISTRY_NONE;
}

static bool
is_partner(const char *name, void *arg)
{
	struct recorder *r = arg;
	time_t now = time(NULL);

	if (has(r->registry, name))
		return true;
	if (now - r->loaded < RELOAD_S && now >= r->loaded)
		return false;
	load(r, now);
	return has(r->registry, name);
}

static int
record(struct recorder *r, const char *text, size_t len, struct err *e)
{
	struct logrecord_taken w;
	int rv =
	    logrecord_parse(&w, text, len, r->set->now(), is_partner, r, e);

	if (rv == 0)
		rv = evidence_log_add(r->evidence, &w.batch, e);
	logrecord_release(&w);
	return rv;
}

static bool
answer(int fd, int rv, const struct err *e)
{
	struct buf b = {0}, all = {0};
	bool ok;

	fields_put_num(&b, rv == 0 ? 0 : (uint64_t)e->code);
	fields_put(&b, rv == 0 ? "" : e->text);
	netstring_put(&all, b.data, b.len, NULL, 0);
	ok = fdio_write(fd, all.data, all.len);
	buf_free(&b);
	buf_free(&all);
	return ok;
}

/* What needs root is done first: old evidence may be root's to move. */
static int
set_up(struct recorder *r, struct err *e)
{
	struct owned at;
	int rv;

	load(r, r->set->now());
	r->evidence =
	    evidence_open(r->set->evidence, r->set->ledger, EVIDENCE_WRITE, e);
	if (r->evidence == NULL ||
	    owned_find(&at, r->set->evidence, true, e) == -1)
		return -1;
	rv = owned_become(&at, e);
	owned_release(&at);
	return rv;
}

static int
recorder_main(int fd, void *arg)
{
	struct recorder r = {.set = &((struct logrecord *)arg)->set};
	struct buf said = {0};
	struct err e = {0};
	const char *text;
	size_t len;
	int rv = set_up(&r, &e);

	while (answer(fd, rv, &e) && r.evidence != NULL &&
	       (text = take_record(fd, &said, LOGRECORD_MAX, &len)) != NULL)
		rv = record(&r, text, len, &e);
	evidence_close(r.evidence);
	registry_free(r.registry);
	buf_free(&said);
	return EX_OK;
}

/* --- The reader's side --------------------------------------------------- */

static int
take_answer(struct logrecord *r, struct err *e)
{
	char text[ERR_TEXT_MAX] = "";
	struct fields f = {.p = NULL};
	int code = 0;

	f.p = take_record(r->child.fd, &r->said, 2 * ERR_TEXT_MAX, &f.n);
	if (f.p != NULL) {
		code = (int)fields_num(&f, "code", EX__MAX);
		fields_text(&f, "text", sizeof(text), text);
	}
	if (f.p == NULL || f.bad != NULL)
		return err_set(e, EX_UNAVAILABLE, "the recorder is gone");
	return code == 0 ? 0 : err_set(e, code, "%s", text);
}

struct logrecord *
logrecord_start(const struct logrecord_settings *set, struct err *e)
{
	struct logrecord *r = mem_zero(1, sizeof(*r));

	r->set = *set;
	if (apart_start(&r->child, "", recorder_main, r, e) == 0 &&
	    take_answer(r, e) == 0)
		return r;
	logrecord_end(r);
	return NULL;
}

int
logrecord_add(
    struct logrecord *r, const struct evidence_batch *b, struct err *e)
{
	struct buf all = {0};
	bool ok;

	logrecord_put(&all, b);
	ok = fdio_write(r->child.fd, all.data, all.len);
	buf_free(&all);
	if (!ok)
		return err_set(e, EX_UNAVAILABLE, "the recorder is gone");
	return take_answer(r, e);
}

void
logrecord_end(struct logrecord *r)
{
	struct err e;

	if (r == NULL)
		return;
	(void)apart_end(&r->child, false, "the recorder", &e);
	buf_free(&r->said);
	free(r);
}
