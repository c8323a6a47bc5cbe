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

/* --- The records ---------------------------------------------------------- */

/* What a field may be; texts up to LEG, of which it is the name. */
enum kind {
	WORD,
	TEXT, /* made fit to be shown */
	PATH, /* any bytes but NUL, as the file system has it */
	DAY,  /* not after today */
	PARTNER,
	ONCE_PARTNER, /* or "other": removed from the registry meanwhile */
	LEVEL,	      /* or "" */
	FAULT,	      /* but "ok" */
	ANY_FAULT,    /* or "" */
	MAYBE_HASH,   /* in hex, or "" */
	HASH,
	TLS, /* of a leg */
	LEG,
	TIME, /* not after now */
	HOUR,
	NUMBER,
};

struct field {
	const char *name; /* NULL: there are no more */
	size_t at, size;  /* in the row */
	enum kind kind;
	uint64_t limit; /* bytes of a text, NUL included; a number's largest */
};
#define FIELD(row, member, name, kind, limit)                                 \
	{                                                                     \
		name, offsetof(struct evidence_##row, member),                \
		    sizeof(((struct evidence_##row *)0)->member), kind, limit \
	}
#define COUNT(...) FIELD(count, __VA_ARGS__)
#define EXCHANGE(...) FIELD(exchange, __VA_ARGS__)
#define WAIT(...) FIELD(wait, __VA_ARGS__)
#define FAILURE(...) FIELD(failure, __VA_ARGS__)
#define POSITION(...) FIELD(position, __VA_ARGS__)
#define LEGS(...) FIELD(leg, __VA_ARGS__)

static const struct field count_fields[] = {
    COUNT(day, "day", DAY, DAY_SIZE),
    COUNT(partner, "partner", PARTNER, NAME_MAX_),
    COUNT(direction, "direction", NUMBER, EVIDENCE_OUT),
    COUNT(seen, "level", NUMBER, EVIDENCE_VERIFIED),
    COUNT(protocol, "protocol", WORD, WORD_MAX),
    COUNT(cipher, "cipher", WORD, WORD_MAX),
    COUNT(result, "result", WORD, WORD_MAX),
    COUNT(required, "rule", LEVEL, WORD_MAX),
    COUNT(downgrade, "downgrade", NUMBER, INT64_MAX),
    COUNT(proof, "proof", WORD, WORD_MAX),
    COUNT(fault, "fault", ANY_FAULT, WORD_MAX),
    COUNT(n, "number", NUMBER, UINT32_MAX),
    COUNT(last, "last", TIME, 0),
    {NULL, 0, 0, WORD, 0},
};

static const struct field exchange_fields[] = {
    EXCHANGE(day, "day", DAY, DAY_SIZE),
    EXCHANGE(partner, "partner", PARTNER, NAME_MAX_),
    EXCHANGE(direction, "direction", NUMBER, EVIDENCE_OUT),
    EXCHANGE(exchange, "exchange", WORD, WORD_MAX),
    EXCHANGE(signature, "signature", WORD, WORD_MAX),
    EXCHANGE(n, "number", NUMBER, UINT32_MAX),
    {NULL, 0, 0, WORD, 0},
};

static const struct field hour_fields[] = {
    FIELD(hour, hour, "hour", HOUR, 0),
    FIELD(hour, host, "host", WORD, NAME_MAX_),
    FIELD(hour, n, "number", NUMBER, UINT32_MAX),
    {NULL, 0, 0, WORD, 0},
};

static const struct field wait_fields[] = {
    WAIT(host, "host", WORD, NAME_MAX_),
    WAIT(queue_id, "queue id", WORD, WORD_MAX),
    WAIT(domain, "domain", WORD, NAME_MAX_),
    WAIT(partner, "partner", ONCE_PARTNER, NAME_MAX_),
    WAIT(fault, "fault", ANY_FAULT, WORD_MAX),
    WAIT(since, "since", TIME, 0),
    WAIT(until, "until", TIME, 0),
    WAIT(result, "result", WORD, WORD_MAX),
    {NULL, 0, 0, WORD, 0},
};

static const struct field failure_fields[] = {
    FAILURE(time, "time", TIME, 0),
    FAILURE(partner, "partner", PARTNER, NAME_MAX_),
    FAILURE(direction, "direction", NUMBER, EVIDENCE_OUT),
    FAILURE(fault, "fault", FAULT, WORD_MAX),
    FAILURE(domain, "domain", WORD, NAME_MAX_),
    FAILURE(host, "host", WORD, NAME_MAX_),
    FAILURE(address, "address", WORD, WORD_MAX),
    FAILURE(queue_id, "queue id", WORD, WORD_MAX),
    FAILURE(text, "text", TEXT, TEXT_MAX),
    {NULL, 0, 0, WORD, 0},
};

/* Then, if there is one, of `was` device, inode and offset. */
static const struct field position_fields[] = {
    POSITION(path, "path", PATH, PATH_MAX),
    POSITION(device, "device", NUMBER, UINT64_MAX),
    POSITION(inode, "inode", NUMBER, UINT64_MAX),
    POSITION(first, "first line", HASH, EVIDENCE_KEY),
    POSITION(offset, "offset", NUMBER, INT64_MAX),
    POSITION(tail, "tail", MAYBE_HASH, EVIDENCE_KEY),
    {NULL, 0, 0, WORD, 0},
};

static const struct field was_fields[] = {
    POSITION(device, "device", NUMBER, UINT64_MAX),
    POSITION(inode, "inode", NUMBER, UINT64_MAX),
    POSITION(offset, "old offset", NUMBER, INT64_MAX),
    {NULL, 0, 0, WORD, 0},
};

static const struct field leg_fields[] = {
    LEGS(mail, "mail", HASH, EVIDENCE_KEY),
    LEGS(time, "time", TIME, 0),
    LEGS(partner, "partner", PARTNER, NAME_MAX_),
    LEGS(leg, "leg", LEG, WORD_MAX),
    LEGS(tls, "tls", TLS, WORD_MAX),
    LEGS(protocol, "protocol", WORD, WORD_MAX),
    {NULL, 0, 0, WORD, 0},
};

/* The lists of a batch, and the letter that an item of one begins with. */
#define POSITIONS 5
static const struct list {
	const char *letter;
	const struct field *field;
	size_t size; /* of a row */
	size_t v, n; /* in the batch: the rows, their number */
} lists[LOGRECORD_LISTS] = {
#define LIST(letter, row)                                            \
	{                                                            \
		letter, row##_fields, sizeof(struct evidence_##row), \
		    offsetof(struct evidence_batch, row),            \
		    offsetof(struct evidence_batch, n##row##s)       \
	}
    LIST("C", count),
    LIST("X", exchange),
    LIST("H", hour),
    LIST("W", wait),
    LIST("F", failure),
    [POSITIONS] = LIST("P", position),
    LIST("L", leg),
};

/* --- What is said, by the reader ---------------------------------------- */

static void
put_fields(struct buf *b, const struct field *f, const void *row)
{
	const char *text;
	uint32_t small;
	uint64_t n;

	for (; f->name != NULL; f++) {
		const char *at = (const char *)row + f->at;

		if (f->kind < LEG) {
			memcpy(&text, at, sizeof(text));
			fields_put(b, text == NULL ? "" : text);
			continue;
		}
		memcpy(&small, at, sizeof(small));
		n = small;
		if (f->size == sizeof(n))
			memcpy(&n, at, sizeof(n));
		if (f->kind == LEG)
			fields_put(b, leg_name((enum leg)n));
		else
			fields_put_num(b, n);
	}
}

void
logrecord_put(struct buf *out, const struct evidence_batch *b)
{
	struct buf all = {0}, item = {0};
	const struct list *l;
	const char *row;
	size_t n;

	for (l = lists; l < lists + LOGRECORD_LISTS; l++) {
		memcpy(&row, (const char *)b + l->v, sizeof(row));
		memcpy(&n, (const char *)b + l->n, sizeof(n));
		for (; n > 0; n--, row += l->size) {
			fields_put(&item, l->letter);
			put_fields(&item, l->field, row);
			if (l == lists + POSITIONS &&
			    ((const struct evidence_position *)row)->was !=
				NULL)
				put_fields(&item, was_fields,
				    ((const struct evidence_position *)row)
					->was);
			netstring_put(&all, item.data, item.len, NULL, 0);
			buf_clear(&item);
		}
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

static bool
is_partner_name(struct taking *t, const char *text)
{
	return strcmp(text, "other") == 0 || strchr(text, '.') != NULL ||
	       t->known(text, t->arg);
}

static bool
is_day(const char *text)
{
	time_t unused;

	return strlen(text) == DAY_SIZE - 1 && num_time(text, &unused) == 0;
}

static bool
is_hash(const char *text)
{
	return strspn(text, "0123456789abcdef") == EVIDENCE_KEY - 1;
}

static bool
is_tls(const char *text)
{
	return strcmp(text, "encrypted") == 0 || strcmp(text, "clear") == 0 ||
	       strcmp(text, "unknown") == 0;
}

/* May a field of that kind be that? */
static bool
may_be(struct taking *t, enum kind kind, const char *text)
{
	enum fault fault = FAULT_OK;
	enum level level;
	enum leg leg;

	switch (kind) {
	case DAY:
		return is_day(text);
	case PARTNER:
		return is_partner_name(t, text);
	case LEVEL:
		return *text == '\0' || level_parse(text, &level) == 0;
	case FAULT:
		return fault_parse(text, &fault) == 0 && fault != FAULT_OK;
	case ANY_FAULT:
		return *text == '\0' || fault_parse(text, &fault) == 0;
	case MAYBE_HASH:
		return *text == '\0' || is_hash(text);
	case HASH:
		return is_hash(text);
	case TLS:
		return is_tls(text);
	case LEG:
		return leg_parse(text, &leg) == 0;
	default:
		return true;
	}
}

static const char *
take_text(struct taking *t, const struct field *f)
{
	char text[PATH_MAX], today[NUM_TIME_MAX];
	const char *path = "";
	size_t n = 0;

	text[0] = '\0';
	if (f->kind == PATH) {
		if (fields_take(&t->f, f->name, f->limit - 1, &path, &n) &&
		    memchr(path, '\0', n) != NULL)
			t->f.bad = f->name;
		return arena_copy(&t->w->arena, path, n);
	}
	if (f->kind == TEXT)
		fields_text(&t->f, f->name, f->limit, text);
	else
		fields_word(&t->f, f->name, f->limit, text);
	if (t->f.bad == NULL && !may_be(t, f->kind, text))
		t->f.bad = f->name;
	if (f->kind == ONCE_PARTNER && t->f.bad == NULL &&
	    !is_partner_name(t, text))
		return "other";
	if (f->kind == DAY) {
		num_time_text(t->now, today)[DAY_SIZE - 1] = '\0';
		if (strcmp(text, today) > 0)
			return arena_copy(&t->w->arena, today, DAY_SIZE - 1);
	}
	return arena_copy(&t->w->arena, text, strlen(text));
}

static uint64_t
take_number(struct taking *t, const struct field *f)
{
	enum leg leg = LEG_NONE;
	uint64_t n;

	if (f->kind == LEG) {
		(void)leg_parse(take_text(t, f), &leg);
		return leg;
	}
	if (f->kind == NUMBER)
		return fields_num(&t->f, f->name, f->limit);
	n = fields_num(&t->f, f->name, INT64_MAX);
	if (n > (uint64_t)t->now)
		n = (uint64_t)t->now;
	return f->kind == HOUR ? n - n % EVIDENCE_HOUR : n;
}

static void
take_fields(struct taking *t, const struct field *f, void *row)
{
	const char *text;
	uint32_t small;
	uint64_t n;

	for (; f->name != NULL; f++) {
		char *at = (char *)row + f->at;

		if (f->kind < LEG) {
			text = take_text(t, f);
			memcpy(at, &text, sizeof(text));
			continue;
		}
		n = take_number(t, f);
		small = (uint32_t)n;
		if (f->size == sizeof(n))
			memcpy(at, &n, sizeof(n));
		else
			memcpy(at, &small, sizeof(small));
	}
}

/* What only a position has. */
static void
take_position(struct taking *t, struct evidence_position *p)
{
	struct evidence_position *was;

	p->time = t->now;
	if (t->f.bad != NULL || t->f.n == 0)
		return;
	was = arena_alloc(&t->w->arena, sizeof(*was));
	*was = (struct evidence_position){.first = p->first};
	take_fields(t, was_fields, was);
	p->was = was;
}

static void
take_item(struct taking *t)
{
	struct logrecord_taken *w = t->w;
	char letter[2], *row;
	size_t i, n;

	fields_word(&t->f, "letter", sizeof(letter), letter);
	for (i = 0; i < LOGRECORD_LISTS; i++)
		if (strcmp(letter, lists[i].letter) == 0)
			break;
	if (i == LOGRECORD_LISTS) {
		t->f.bad = "letter";
		return;
	}
	memcpy(&n, (char *)&w->batch + lists[i].n, sizeof(n));
	w->v[i] = mem_grow(w->v[i], n, &w->cap[i], lists[i].size);
	row = (char *)w->v[i] + n * lists[i].size;
	memset(row, 0, lists[i].size);
	n++;
	memcpy((char *)&w->batch + lists[i].n, &n, sizeof(n));
	take_fields(t, lists[i].field, row);
	if (i == POSITIONS)
		take_position(t, (struct evidence_position *)(void *)row);
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
	size_t i;

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
	for (i = 0; i < LOGRECORD_LISTS; i++)
		memcpy(
		    (char *)&w->batch + lists[i].v, &w->v[i], sizeof(w->v[i]));
	return 0;
}

void
logrecord_release(struct logrecord_taken *w)
{
	size_t i;

	for (i = 0; i < LOGRECORD_LISTS; i++)
		free(w->v[i]);
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
