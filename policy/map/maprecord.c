#include "maprecord.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "mem.h"
#include "num.h"
#include "strength.h"

static const struct strs none = {0};

static const char *const inbounds[] = {[INBOUND_OFF] = "off",
    [INBOUND_WARN] = "warn",
    [INBOUND_REQUIRE] = "require",
    NULL};
static const char *const verifies[] = {[INBOUND_NONE] = "none",
    [INBOUND_NAME] = "name",
    [INBOUND_KEY] = "key",
    NULL};
static const char *const actions[] =
    {[ACTION_DEFER] = "defer", [ACTION_REJECT] = "reject", NULL};

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
	put(out, " inbound=", inbounds[r->inbound]);
	if (r->verify != INBOUND_NONE)
		put(out, " verify=", verifies[r->verify]);
	if (r->action != ACTION_DEFER)
		put(out, " action=", actions[r->action]);
	put_list(out, " names=", r->names);
	put_list(out, " keys=", r->keys);
	put(out, " level=", level_name(r->level));
	if (r->until != 0) {
		put(out, " until=", num_time_text(r->until, when));
		if (r->id != 0) {
			put(out, " begin=", num_time_text(r->begin, when));
			buf_printf(out, " id=%" PRId64, r->id);
		}
		put(out, " { full = ", r->full);
		buf_puts(out, " }");
	}
}

static bool
take_choice(const char *value, const char *const *choices, int *out)
{
	int i;

	for (i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], value) == 0) {
			*out = i;
			return true;
		}
	return false;
}

/* The elements point into the record's text; the list is its own block. */
static bool
take_list(char *value, const struct strs **out)
{
	struct attr_list left = {value, strlen(value)};
	struct strs *list = mem_alloc(
	    sizeof(*list) + attr_list_count(&left) * sizeof(list->v[0]));
	size_t len;
	char *s;

	list->n = 0;
	while ((s = attr_list_next(&left, &len)) != NULL)
		list->v[list->n++] = s;
	*out = list;
	return true;
}

static bool
take(struct maprecord *r, const char *name, char *value)
{
	enum level level;
	uint64_t v;
	int i;

	if (strcmp(name, "partner") == 0) {
		r->partner = value;
	} else if (strcmp(name, "more") == 0) {
		if (num_parse(value, 0, UINT32_MAX, &v) == -1)
			return false;
		r->more = (size_t)v;
	} else if (strcmp(name, "inbound") == 0) {
		if (!take_choice(value, inbounds, &i))
			return false;
		r->inbound = (enum inbound)i;
	} else if (strcmp(name, "verify") == 0) {
		if (!take_choice(value, verifies, &i))
			return false;
		r->verify = (enum inbound_verify)i;
	} else if (strcmp(name, "action") == 0) {
		if (!take_choice(value, actions, &i))
			return false;
		r->action = (enum inbound_action)i;
	} else if (strcmp(name, "names") == 0 && r->names == &none) {
		return take_list(value, &r->names);
	} else if (strcmp(name, "keys") == 0 && r->keys == &none) {
		return take_list(value, &r->keys);
	} else if (strcmp(name, "level") == 0) {
		if (level_parse(value, &level) == -1)
			return false;
		r->level = level;
	} else if (strcmp(name, "until") == 0) {
		return num_time(value, &r->until) == 0;
	} else if (strcmp(name, "begin") == 0) {
		return num_time(value, &r->begin) == 0;
	} else if (strcmp(name, "id") == 0) {
		if (num_parse(value, 0, INT64_MAX, &v) == -1)
			return false;
		r->id = (int64_t)v;
	} else if (strcmp(name, "full") == 0) {
		r->full = value;
	}
	return true; /* words of later versions are passed over */
}

bool
maprecord_parse(struct maprecord *r, const char *text, size_t len)
{
	struct attrs words;
	struct attr a;
	enum attr_kind kind;
	bool ok = memchr(text, '\0', len) == NULL, inbound = false;

	*r = (struct maprecord){
	    .partner = "", .full = "", .names = &none, .keys = &none};
	r->memory = mem_alloc(len + 1);
	memcpy(r->memory, text, len);
	r->memory[len] = '\0';
	attr_init(&words, r->memory, strlen(r->memory), 1);
	while (ok && (kind = attr_next(&words, &a)) != ATTR_END) {
		ok = kind == ATTR_PAIR && take(r, a.name, a.value);
		inbound = inbound || (ok && strcmp(a.name, "inbound") == 0);
	}
	/* A downgrade must say what to go back to. */
	ok = ok && inbound && (r->until == 0) == (*r->full == '\0');
	if (!ok)
		maprecord_release(r);
	return ok;
}

void
maprecord_of_policy(struct maprecord *r, const char *policy, size_t len)
{
	*r = (struct maprecord){
	    .partner = "", .full = "", .names = &none, .keys = &none};
	/* A row that is not understood protects somebody. */
	if (!strength_level(policy, len, &r->level))
		r->level = LEVEL_SECURE;
	r->inbound =
	    r->level > LEVEL_OPPORTUNISTIC ? INBOUND_REQUIRE : INBOUND_OFF;
}

void
maprecord_release(struct maprecord *r)
{
	if (r->names != &none)
		free((void *)(uintptr_t)r->names);
	if (r->keys != &none)
		free((void *)(uintptr_t)r->keys);
	free(r->memory);
	*r = (struct maprecord){
	    .partner = "", .full = "", .names = &none, .keys = &none};
}
