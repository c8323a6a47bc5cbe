#include "mapfacts.h"

#include <stdlib.h>
#include <string.h>

#include "cdbmap.h"
#include "maprecord.h"
#include "mem.h"
#include "strength.h"

static void
add_tafile(struct map_facts *f, const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < f->ntafiles; i++)
		if (strlen(f->tafile[i]) == len &&
		    memcmp(f->tafile[i], path, len) == 0)
			return;
	f->tafile = mem_grow(
	    f->tafile, f->ntafiles, &f->tafile_cap, sizeof(*f->tafile));
	f->tafile[f->ntafiles++] = mem_printf("%.*s", (int)len, path);
}

static void
read_row(struct map_facts *f, const char *text, size_t len)
{
	const char *p = text, *end = text + len, *word;
	bool files = false;
	enum level level;

	f->rows++;
	for (; p < end; p++) {
		word = p;
		while (p < end && *p != ' ')
			p++;
		if (p - word > 7 && memcmp(word, "tafile=", 7) == 0) {
			add_tafile(f, word + 7, (size_t)(p - word) - 7);
			files = true;
		}
	}
	if (len >= 4 && memcmp(text, "dane", 4) == 0)
		f->dane++;
	else if (strength_level(text, len, &level)) {
		f->pinned += level == LEVEL_KEY;
		f->system_ca += level == LEVEL_SECURE && !files;
	}
}

/* The inbound rule of the row `key`, from its record or from itself. */
static void
read_inbound(struct map_facts *f, struct cdbmap *map, const char *key,
    size_t klen, const char *text, size_t len)
{
	struct maprecord rec;
	enum level level;

	if (!maprecord_get(&rec, map, key, klen))
		maprecord_of_policy(&rec, text, len);
	if (rec.until == 0 && strength_level(text, len, &level)) {
		f->may += level == LEVEL_OPPORTUNISTIC && *text != 'd';
		f->encrypt += level == LEVEL_ENCRYPT;
	}
	f->inbound += rec.inbound != INBOUND_OFF;
	f->ask_name += rec.inbound != INBOUND_OFF && rec.verify == INBOUND_NAME;
	f->ask_key += rec.inbound != INBOUND_OFF && rec.verify == INBOUND_KEY;
	maprecord_release(&rec);
}

/* Rows that are lowered for longer than the map itself says. */
static void
read_over(struct map_facts *f, struct cdbmap *map, time_t now)
{
	struct mapholds h = {0};

	h.n = mapholds_in_map(map, &h.arena, &h.v);
	mapholds_look(&h, now, map, &f->over);
	mapholds_release(&h);
}

void
map_facts_read(struct map_facts *f, struct cdbmap *map, time_t now)
{
	const char *key, *value;
	struct mapheader h;
	enum cdbmap_answer a;
	size_t klen, vlen;
	unsigned pos = 0;

	(void)mapheader_get(&h, map);
	f->postfix = h.postfix;
	f->requiretls = h.requiretls;
	while ((a = cdbmap_next(map, &pos, &key, &klen, &value, &vlen)) ==
	       CDBMAP_FOUND) {
		if (klen == 0 || key[0] == ' ')
			continue;
		read_row(f, value, vlen);
		if (!dname_is_nexthop_n(key, klen))
			read_inbound(f, map, key, klen, value, vlen);
	}
	f->damaged = a == CDBMAP_BROKEN;
	read_over(f, map, now);
}

void
map_facts_release(struct map_facts *f)
{
	size_t i;

	for (i = 0; i < f->ntafiles; i++)
		free(f->tafile[i]);
	free(f->tafile);
	*f = (struct map_facts){0};
}
