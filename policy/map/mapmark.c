#include "mapmark.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "attr.h"
#include "buf.h"
#include "num.h"
#include "override.h"

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

static bool
take(struct mapmark *m, const char *name, const char *value, struct arena *a)
{
	if (strcmp(name, "begin") == 0)
		return num_time(value, &m->begin) == 0;
	if (strcmp(name, "at") == 0)
		return num_time(value, &m->at) == 0;
	if (strcmp(name, "by") == 0)
		m->by = arena_copy(a, value, strlen(value));
	return true; /* words of later versions are passed over */
}

bool
mapmark_parse(struct mapmark *m, const char *key, size_t klen, const char *text,
    size_t len, struct arena *a)
{
	const size_t skip = sizeof(MAPMARK_KEY) - 1;
	enum attr_kind kind;
	struct attrs words;
	struct attr w;
	char *s, *colon;
	uint64_t id;

	*m = (struct mapmark){.by = ""};
	if (klen <= skip || memcmp(key, MAPMARK_KEY, skip) != 0)
		return false;
	s = arena_copy(a, key + skip, klen - skip);
	if ((colon = strchr(s, ':')) == NULL || colon[1] == '\0')
		return false;
	*colon = '\0';
	if (num_parse(s, 0, INT64_MAX, &id) == -1)
		return false;
	m->id = (int64_t)id;
	m->partner = colon + 1;
	s = arena_copy(a, text, len);
	attr_init(&words, s, strlen(s), 1);
	while ((kind = attr_next(&words, &w)) != ATTR_END)
		if (kind != ATTR_PAIR || !take(m, w.name, w.value, a))
			return false;
	return m->at != 0;
}

bool
mapmark_is_of(const struct mapmark *m, const struct override *o)
{
	if (strcmp(m->partner, o->partner) != 0)
		return false;
	if (m->id == 0 || o->id == 0)
		return o->begin <= m->at;
	return m->id == o->id && (m->begin == 0 || m->begin == o->begin);
}
