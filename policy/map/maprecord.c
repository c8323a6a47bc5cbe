#include "maprecord.h"

#include <inttypes.h>
#include <stdlib.h>

#include "arena.h"
#include "attr.h"
#include "buf.h"
#include "cdbmap.h"
#include "mem.h"
#include "num.h"
#include "ledger_downgrade.h"
#include "strength.h"
#include "target.h"

static const struct strs none = {0};

const char *const maprecord_inbound[] = {[INBOUND_OFF] = "off",
    [INBOUND_WARN] = "warn",
    [INBOUND_REQUIRE] = "require",
    NULL};
const char *const maprecord_verify[] = {[INBOUND_NONE] = "none",
    [INBOUND_NAME] = "name",
    [INBOUND_KEY] = "key",
    NULL};
static const char *const actions[] =
    {[ACTION_DEFER] = "defer", [ACTION_REJECT] = "reject", NULL};

const char *const maprecord_requiretls[] = {[REQUIRETLS_MAIN_CF] = "main.cf",
    [REQUIRETLS_DISABLE] = "disable",
    [REQUIRETLS_OPPORTUNISTIC] = "opportunistic",
    [REQUIRETLS_STARTTLS] = "opportunistic+starttls",
    [REQUIRETLS_ENFORCE] = "enforce",
    NULL};

enum kind {
	TEXT,
	COUNT,
	FORMAT,
	RELEASE,
	ID,
	TIME,
	EXPIRY, /* a time or "never" */
	DIGEST,
	LEVEL,
	CHOICE, /* of `choices`, into an enum */
	LIST
};

/* A word of a value, and the member that it fills. */
struct field {
	const char *name;
	size_t at;
	enum kind kind;
	const char *const *choices;
};

#define AT(type, name) #name, offsetof(type, name)

static bool
take_choice(const char *value, const char *const *choices, unsigned *out)
{
	unsigned i;

	for (i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], value) == 0) {
			*out = i;
			return true;
		}
	return false;
}

/* The list is made in *room; its elements point into the text. */
static void
take_list(char *value, const struct strs **out, char **room)
{
	struct attr_list left = {value, strlen(value)};
	struct strs *list = (struct strs *)(void *)*room;
	size_t len;
	char *s;

	if (*out != &none)
		return; /* the first one counts */
	list->n = 0;
	while ((s = attr_list_next(&left, &len)) != NULL)
		list->v[list->n++] = s;
	*room = (char *)&list->v[list->n];
	*out = list;
}

static bool
take(const struct field *f, char *value, char *to, char **room)
{
	uint64_t v = 0;

	switch (f->kind) {
	case TEXT:
		*(const char **)(void *)to = value;
		return true;
	case COUNT:
		if (num_parse(value, 0, UINT32_MAX, &v) == -1)
			return false;
		*(size_t *)(void *)to = (size_t)v;
		return true;
	case FORMAT:
		*(unsigned *)(void *)to = MAPHEADER_FORMAT;
		return num_parse(
			   value, MAPHEADER_FORMAT, MAPHEADER_FORMAT, &v) == 0;
	case RELEASE:
		return target_parse_version(value, (unsigned *)(void *)to) ==
		       NULL;
	case ID:
		if (num_parse(value, 0, INT64_MAX, &v) == -1)
			return false;
		*(int64_t *)(void *)to = (int64_t)v;
		return true;
	case EXPIRY:
		if (strcmp(value, "never") == 0)
			return true;
		/* fallthrough */
	case TIME:
		return num_time(value, (time_t *)(void *)to) == 0;
	case DIGEST:
		if (strncmp(value, "sha256:", 7) != 0 || strlen(value) != 71)
			return false;
		memcpy(to, value + 7, 65);
		return true;
	case LEVEL:
		return level_parse(value, (enum level *)(void *)to) == 0;
	case CHOICE:
		return take_choice(value, f->choices, (unsigned *)(void *)to);
	case LIST:
		take_list(value, (const struct strs **)(void *)to, room);
		return true;
	}
	return false;
}

/* Fill *out from the words, which are cut in place. */
static bool
read_words(char *text, const struct field *f, size_t n, void *out, char *room)
{
	enum attr_kind kind;
	struct attrs words;
	struct attr a;
	size_t i;

	attr_init(&words, text, 1);
	while ((kind = attr_next(&words, &a)) != ATTR_END) {
		if (kind != ATTR_PAIR)
			return false;
		for (i = 0; i < n && strcmp(f[i].name, a.name) != 0; i++)
			;
		if (i < n &&
		    !take(&f[i], a.value, (char *)out + f[i].at, &room))
			return false;
	}
	return true;
}

#define READ_WORDS(text, fields, out, room) \
	read_words(text, fields, sizeof(fields) / sizeof(*(fields)), out, room)

/* --- The header ----------------------------------------------------------- */

void
mapheader_print(const struct mapheader *h, struct buf *out)
{
	char when[NUM_TIME_MAX], until[NUM_TIME_MAX];

	buf_printf(out,
	    "format=%u time=%s expires=%s postfix=%u.%u partners=%zu "
	    "domains=%zu enforced=%zu lowered=%zu registry=sha256:%s",
	    h->format, num_time_text(h->time, when),
	    h->expires == 0 ? "never" : num_time_text(h->expires, until),
	    h->postfix / 1000, h->postfix % 1000, h->partners, h->domains,
	    h->enforced, h->lowered, h->registry);
	if (h->requiretls > 0)
		buf_printf(out, " requiretls=%zu", h->requiretls);
}

bool
mapheader_parse(struct mapheader *h, const char *text, size_t len)
{
	static const struct field fields[] = {
	    {AT(struct mapheader, format), FORMAT, NULL},
	    {AT(struct mapheader, time), TIME, NULL},
	    {AT(struct mapheader, expires), EXPIRY, NULL},
	    {AT(struct mapheader, postfix), RELEASE, NULL},
	    {AT(struct mapheader, partners), COUNT, NULL},
	    {AT(struct mapheader, domains), COUNT, NULL},
	    {AT(struct mapheader, enforced), COUNT, NULL},
	    {AT(struct mapheader, lowered), COUNT, NULL},
	    {AT(struct mapheader, requiretls), COUNT, NULL},
	    {AT(struct mapheader, registry), DIGEST, NULL}};
	struct arena a = {0};
	bool ok;

	*h = (struct mapheader){0};
	ok = memchr(text, '\0', len) == NULL &&
	     READ_WORDS(arena_copy(&a, text, len), fields, h, NULL) &&
	     h->format == MAPHEADER_FORMAT;
	arena_free(&a);
	return ok;
}

bool
mapheader_get(struct mapheader *h, const struct cdbmap *m)
{
	const char *text;
	size_t len;

	if (cdbmap_get(m, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		&len) == CDBMAP_FOUND &&
	    mapheader_parse(h, text, len))
		return true;
	*h = (struct mapheader){0};
	return false;
}

/* --- Records -------------------------------------------------------------- */

/* Written for many partners, so without printf(3). */
static void
put(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, name);
	buf_puts(out, value);
}

static void
put_list(struct buf *out, const char *name, const struct strs *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		put(out, i == 0 ? name : ",", list->v[i]);
}

void
maprecord_print(const struct maprecord *r, struct buf *out)
{
	char when[NUM_TIME_MAX];

	put(out, "partner=", r->partner);
	if (r->more > 0)
		buf_printf(out, " more=%zu", r->more);
	put(out, " inbound=", maprecord_inbound[r->inbound]);
	if (r->verify != INBOUND_NONE)
		put(out, " verify=", maprecord_verify[r->verify]);
	if (r->action != ACTION_DEFER)
		put(out, " action=", actions[r->action]);
	put_list(out, " names=", r->names);
	put_list(out, " keys=", r->keys);
	if (r->requiretls != REQUIRETLS_MAIN_CF)
		put(out, " requiretls=", maprecord_requiretls[r->requiretls]);
	put(out, " level=", level_name(r->level));
	if (r->until != 0) {
		put(out, " until=", num_time_text(r->until, when));
		if (r->id != 0) {
			put(out, " begin=", num_time_text(r->begin, when));
			buf_printf(out, " id=%" PRId64, r->id);
		}
		if (r->direction)
			put(out, " direction=", direction_name(r->direction));
		put(out, " { full = ", r->full);
		buf_puts(out, " }");
	}
}

static void
clear(struct maprecord *r)
{
	*r = (struct maprecord){
	    .partner = "", .full = "", .names = &none, .keys = &none};
}

#define NO_INBOUND (INBOUND_REQUIRE + 1)

bool
maprecord_parse(struct maprecord *r, const char *text, size_t len)
{
	static const struct field fields[] = {
	    {AT(struct maprecord, partner), TEXT, NULL},
	    {AT(struct maprecord, more), COUNT, NULL},
	    {AT(struct maprecord, inbound), CHOICE, maprecord_inbound},
	    {AT(struct maprecord, verify), CHOICE, maprecord_verify},
	    {AT(struct maprecord, action), CHOICE, actions},
	    {AT(struct maprecord, names), LIST, NULL},
	    {AT(struct maprecord, keys), LIST, NULL},
	    {AT(struct maprecord, requiretls), CHOICE, maprecord_requiretls},
	    {AT(struct maprecord, level), LEVEL, NULL},
	    {AT(struct maprecord, until), TIME, NULL},
	    {AT(struct maprecord, begin), TIME, NULL},
	    {AT(struct maprecord, id), ID, NULL},
	    {"direction", offsetof(struct maprecord, direction), CHOICE,
		direction_names},
	    {AT(struct maprecord, full), TEXT, NULL}};
	size_t lists = 2 * (sizeof(struct strs) + sizeof(char *)), i;
	char *copy;

	clear(r);
	if (memchr(text, '\0', len) != NULL)
		return false;
	/* One block: the lists, and the text that they point into. */
	for (i = 0; i < len; i++)
		lists += text[i] == ',' ? sizeof(char *) : 0;
	r->memory = mem_alloc(lists + len + 1);
	copy = memcpy((char *)r->memory + lists, text, len);
	copy[len] = '\0';
	r->inbound = (enum inbound)NO_INBOUND;
	/* A downgrade must say what to go back to. */
	if (READ_WORDS(copy, fields, r, r->memory) &&
	    r->inbound != (enum inbound)NO_INBOUND &&
	    (r->until == 0) == (*r->full == '\0'))
		return true;
	maprecord_release(r);
	return false;
}

bool
maprecord_get(
    struct maprecord *r, const struct cdbmap *m, const char *key, size_t klen)
{
	struct buf name = {0};
	const char *text;
	size_t len;
	bool ok;

	buf_puts(&name, MAPRECORD_DOMAIN);
	buf_add(&name, key, klen);
	ok = cdbmap_get(m, name.data, name.len, &text, &len) == CDBMAP_FOUND &&
	     maprecord_parse(r, text, len);
	buf_free(&name);
	return ok;
}

void
maprecord_of_policy(struct maprecord *r, const char *policy, size_t len)
{
	clear(r);
	/* A row that is not understood protects somebody. */
	if (!strength_level(policy, len, &r->level))
		r->level = LEVEL_SECURE;
	r->inbound =
	    r->level > LEVEL_OPPORTUNISTIC ? INBOUND_REQUIRE : INBOUND_OFF;
}

void
maprecord_release(struct maprecord *r)
{
	free(r->memory);
	clear(r);
}

/* --- Marks ---------------------------------------------------------------- */

/* A name as one word. */
static void
put_word(struct buf *out, const char *s)
{
	const char *p;

	for (p = s; *p != '\0'; p++)
		buf_putc(out, strchr("={},", *p) != NULL || *p <= ' ' ||
				      (unsigned char)*p >= 0x7f
				  ? '_'
				  : *p);
	if (p == s)
		buf_putc(out, '-');
}

void
mapmark_print(const struct mapmark *m, struct buf *key, struct buf *out)
{
	char begin[NUM_TIME_MAX], at[NUM_TIME_MAX];

	buf_printf(key, MAPMARK_KEY "%" PRId64 ":%s", m->id, m->partner);
	buf_printf(out, "begin=%s at=%s by=", num_time_text(m->begin, begin),
	    num_time_text(m->at, at));
	put_word(out, m->by);
}

bool
mapmark_parse(struct mapmark *m, const char *key, size_t klen, const char *text,
    size_t len, struct arena *a)
{
	static const struct field fields[] = {
	    {AT(struct mapmark, begin), TIME, NULL},
	    {AT(struct mapmark, at), TIME, NULL},
	    {AT(struct mapmark, by), TEXT, NULL}};
	static const struct field id = {AT(struct mapmark, id), ID, NULL};
	char *s, *colon;

	*m = (struct mapmark){.by = ""};
	if (!maprecord_is(key, klen, MAPMARK_KEY))
		return false;
	s = arena_copy(a, key + MAPRECORD_PREFIX, klen - MAPRECORD_PREFIX);
	if ((colon = strchr(s, ':')) == NULL || colon[1] == '\0')
		return false;
	*colon = '\0';
	m->partner = colon + 1;
	return take(&id, s, (char *)m + id.at, NULL) &&
	       READ_WORDS(arena_copy(a, text, len), fields, m, NULL) &&
	       m->at != 0;
}

bool
mapmark_is_of(const struct mapmark *m, const struct downgrade *o)
{
	/* The partner may have been renamed since. */
	if (m->id != 0 && o->id != 0 && m->begin != 0)
		return m->id == o->id && m->begin == o->begin;
	if (strcmp(m->partner, o->partner) != 0)
		return false;
	return m->id == 0 || o->id == 0 ? o->begin <= m->at : m->id == o->id;
}

/* --- Policy texts --------------------------------------------------------- */

struct mapmatch
mapmatch_of(const char *policy, size_t len)
{
	const char *end = policy + len, *p = policy, *next;

	while ((p = memchr(p, ' ', (size_t)(end - p))) != NULL)
		if (end - ++p >= 6 && memcmp(p, "match=", 6) == 0) {
			p += 6;
			next = memchr(p, ' ', (size_t)(end - p));
			return (struct mapmatch){p, next == NULL ? end : next};
		}
	return (struct mapmatch){0};
}

bool
mapmatch_next(struct mapmatch *m, char separator, const char **s, size_t *len)
{
	const char *end;

	while (m->p < m->end) {
		*s = m->p;
		end = memchr(*s, separator, (size_t)(m->end - *s));
		if (end == NULL)
			end = m->end;
		m->p = end + 1;
		*len = (size_t)(end - *s);
		if (*len > 0)
			return true;
	}
	return false;
}

void
maprecord_print_less(
    const struct partner *is, const struct partner *was, struct buf *out)
{
	const struct attributes *a = was->attributes, *b = is->attributes;
	const char *between = "";

	if (partner_level(is) < partner_level(was)) {
		buf_printf(out, "%s -> %s", level_name(partner_level(was)),
		    level_name(partner_level(is)));
		between = ", ";
	}
	/* Of one that is Enforced no more nothing else is worth a word. */
	if (b->mode != MODE_ENFORCED && *between != '\0')
		return;
	if (b->inbound < a->inbound)
		buf_printf(out, "%sinbound %s -> %s", between,
		    maprecord_inbound[a->inbound],
		    maprecord_inbound[b->inbound]);
	else if (a->inbound != INBOUND_OFF &&
		 b->inbound_verify < a->inbound_verify)
		buf_printf(out, "%sinbound-verify %s -> %s", between,
		    maprecord_verify[a->inbound_verify],
		    maprecord_verify[b->inbound_verify]);
}
