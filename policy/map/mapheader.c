#include "mapheader.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "mem.h"
#include "num.h"
#include "target.h"

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
}

static bool
take_number(const char *value, size_t *to)
{
	uint64_t v;

	if (num_parse(value, 0, UINT32_MAX, &v) == -1)
		return false;
	*to = (size_t)v;
	return true;
}

static bool
take(struct mapheader *h, const char *name, const char *value)
{
	size_t v;

	if (strcmp(name, "format") == 0) {
		if (!take_number(value, &v))
			return false;
		h->format = (unsigned)v;
		return h->format == MAPHEADER_FORMAT;
	}
	if (strcmp(name, "time") == 0)
		return num_time(value, &h->time) == 0;
	if (strcmp(name, "expires") == 0)
		return strcmp(value, "never") == 0 ||
		       num_time(value, &h->expires) == 0;
	if (strcmp(name, "postfix") == 0)
		return target_parse_version(value, &h->postfix) == NULL;
	if (strcmp(name, "partners") == 0)
		return take_number(value, &h->partners);
	if (strcmp(name, "domains") == 0)
		return take_number(value, &h->domains);
	if (strcmp(name, "enforced") == 0)
		return take_number(value, &h->enforced);
	if (strcmp(name, "lowered") == 0)
		return take_number(value, &h->lowered);
	if (strcmp(name, "registry") == 0) {
		if (strncmp(value, "sha256:", 7) != 0 || strlen(value) != 71)
			return false;
		memcpy(h->registry, value + 7, 65);
	}
	return true; /* words of later versions are passed over */
}

bool
mapheader_parse(struct mapheader *h, const char *text, size_t len)
{
	char *copy = mem_alloc(len + 1);
	struct attrs words;
	struct attr a;
	enum attr_kind kind;
	bool ok = memchr(text, '\0', len) == NULL;

	*h = (struct mapheader){0};
	memcpy(copy, text, len);
	copy[len] = '\0';
	attr_init(&words, copy, strlen(copy), 1);
	while (ok && (kind = attr_next(&words, &a)) != ATTR_END)
		ok = kind == ATTR_PAIR && take(h, a.name, a.value);
	free(copy);
	return ok && h->format == MAPHEADER_FORMAT;
}
