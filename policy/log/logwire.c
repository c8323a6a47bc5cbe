#include "logwire.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "err.h"
#include "fault.h"
#include "fields.h"
#include "mem.h"
#include "netstring.h"
#include "quote.h"

#define NAME_MAX_ 256 /* bytes of a name, NUL included */
#define WORD_MAX 65
#define TEXT_MAX 1001
#define DAY 86400

/* --- The reader's side --------------------------------------------------- */

static void
put_item(struct buf *out, struct buf *item)
{
	netstring_put(out, item->data, item->len, NULL, 0);
	buf_clear(item);
}

static void
put_count(struct buf *b, const struct evidence_count *c)
{
	fields_put(b, "C");
	fields_put(b, c->day);
	fields_put(b, c->partner);
	fields_put_num(b, c->direction);
	fields_put_num(b, c->seen);
	fields_put(b, c->protocol);
	fields_put(b, c->cipher);
	fields_put(b, c->result);
	fields_put_num(b, c->n);
}

static void
put_failure(struct buf *b, const struct evidence_failure *f)
{
	fields_put(b, "F");
	fields_put_num(b, (uint64_t)f->time);
	fields_put(b, f->partner);
	fields_put_num(b, f->direction);
	fields_put(b, f->fault);
	fields_put(b, f->domain);
	fields_put(b, f->host);
	fields_put(b, f->address);
	fields_put(b, f->queue_id);
	fields_put(b, f->text);
}

static void
put_position(struct buf *b, const struct evidence_position *p)
{
	fields_put(b, "P");
	fields_put(b, p->path);
	fields_put_num(b, p->device);
	fields_put_num(b, p->inode);
	fields_put(b, p->first);
	fields_put_num(b, p->offset);
}

void
logwire_put(struct buf *out, const struct evidence_batch *b)
{
	struct buf all = {0}, item = {0};
	size_t i;

	for (i = 0; i < b->ncounts; i++) {
		put_count(&item, &b->count[i]);
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
	netstring_put(out, all.data == NULL ? "" : all.data, all.len, NULL, 0);
	buf_free(&all);
	buf_free(&item);
}

/* --- The recorder's side ------------------------------------------------- */

struct taking {
	struct logwire *w;
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

/* A day, not after today. */
static const char *
day(struct taking *t)
{
	static const char form[] = "dddd-dd-dd";
	const char *text = word(t, "day", sizeof(form));
	char today[sizeof(form)];
	struct tm tm;
	size_t i;

	for (i = 0; i < sizeof(form) - 1 && t->f.bad == NULL; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9'
				   : text[i] != form[i])
			t->f.bad = "day";
	if (gmtime_r(&t->now, &tm) != NULL &&
	    strftime(today, sizeof(today), "%Y-%m-%d", &tm) > 0 &&
	    strcmp(text, today) > 0)
		return arena_copy(&t->w->arena, today, strlen(today));
	return text;
}

static void
take_count(struct taking *t)
{
	struct logwire *w = t->w;
	struct evidence_count c = {.day = day(t)};

	c.partner = partner(t);
	c.direction = direction(t);
	c.seen =
	    (enum evidence_seen)fields_num(&t->f, "level", EVIDENCE_VERIFIED);
	c.protocol = word(t, "protocol", WORD_MAX);
	c.cipher = word(t, "cipher", WORD_MAX);
	c.result = word(t, "result", WORD_MAX);
	c.n = fields_num(&t->f, "number", UINT32_MAX);
	w->count =
	    mem_grow(w->count, w->batch.ncounts, &w->count_cap, sizeof(c));
	w->count[w->batch.ncounts++] = c;
}

static void
take_failure(struct taking *t)
{
	struct logwire *w = t->w;
	struct evidence_failure f = {.text = ""};
	enum fault fault;
	uint64_t when = fields_num(&t->f, "time", INT64_MAX);
	char text[TEXT_MAX];

	f.time = when > (uint64_t)t->now ? t->now : (time_t)when;
	f.partner = partner(t);
	f.direction = direction(t);
	f.fault = word(t, "fault", WORD_MAX);
	if (t->f.bad == NULL &&
	    (fault_parse(f.fault, &fault) == -1 || fault == FAULT_OK))
		t->f.bad = "fault";
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

static void
take_position(struct taking *t)
{
	struct logwire *w = t->w;
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
	p.first = word(t, "first line", EVIDENCE_KEY);
	if (t->f.bad == NULL &&
	    strspn(p.first, "0123456789abcdef") != EVIDENCE_KEY - 1)
		t->f.bad = "first line";
	p.offset = fields_num(&t->f, "offset", INT64_MAX);
	w->position = mem_grow(
	    w->position, w->batch.npositions, &w->position_cap, sizeof(p));
	w->position[w->batch.npositions++] = p;
}

static void
take_item(struct taking *t)
{
	char letter[2];

	fields_word(&t->f, "letter", sizeof(letter), letter);
	if (*letter == 'C')
		take_count(t);
	else if (*letter == 'F')
		take_failure(t);
	else if (*letter == 'P')
		take_position(t);
	else
		t->f.bad = "letter";
	if (t->f.bad == NULL && t->f.n > 0)
		t->f.bad = "end";
}

int
logwire_parse(struct logwire *w, const char *text, size_t len, time_t now,
    bool (*known)(const char *name, void *arg), void *arg, struct err *e)
{
	struct taking t = {.w = w, .now = now, .known = known, .arg = arg};
	struct fields all = {.p = text, .n = len};

	*w = (struct logwire){.arena = {0}};
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
	w->batch.failure = w->failure;
	w->batch.position = w->position;
	return 0;
}

void
logwire_release(struct logwire *w)
{
	free(w->count);
	free(w->failure);
	free(w->position);
	arena_free(&w->arena);
	*w = (struct logwire){.arena = {0}};
}
