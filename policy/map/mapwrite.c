#include "mapwrite.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "cdbmap.h"
#include "compile.h"
#include "err.h"
#include "inboundmap.h"
#include "maprecord.h"
#include "publish.h"
#include "registry.h"

int
mapwrite_rows(
    struct cdbmap_writer *w, struct compiled *c, time_t now, struct err *e)
{
	struct mapheader h = {.format = MAPHEADER_FORMAT,
	    .time = now,
	    .expires = c->expires,
	    .postfix = c->target.version,
	    .partners = c->partners,
	    .domains = c->domains,
	    .enforced = c->enforced,
	    .lowered = c->lowered};
	struct buf header = {0};
	const char *key, *text;
	size_t i;
	int rc;

	memcpy(h.registry, c->registry->digest, sizeof(h.registry));
	mapheader_print(&h, &header);
	rc = cdbmap_add(w, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1,
	    header.data, header.len, e);
	buf_free(&header);
	for (i = 0; rc == 0 && i < c->n; i++) {
		key = compiled_key(c, &c->row[i]);
		text = compiled_text(c, &c->row[i]);
		rc = cdbmap_add(w, key, strlen(key), text, strlen(text), e);
	}
	return rc;
}

/* Open, fill, finish; not yet in place. */
static int
write_file(
    struct publish *p, const struct mapwrite *m, bool full, struct err *e)
{
	struct cdbmap_writer *w;
	int fd = publish_open(p, e);

	if (fd == -1)
		return -1;
	w = cdbmap_create(fd);
	if (m->fill(w, full, m->arg, e) == -1) {
		cdbmap_abandon(w);
		return -1;
	}
	return cdbmap_finish(w, e);
}

int
mapwrite_spare(struct publish *p, const struct mapwrite *m, struct err *e)
{
	int rv = write_file(p, m, true, e);

	if (rv == 0 && m->inbound != NULL)
		rv = inboundmap_spare(m->inbound, publish_temp(p), m->now, e);
	if (rv == 0)
		rv = publish_commit_beside(p, MAPWRITE_SPARE, e);
	if (rv == -1)
		publish_abandon(p);
	return rv;
}

int
mapwrite(struct publish *p, const struct mapwrite *m, struct err *e)
{
	int rv;

	if (m->lowered && mapwrite_spare(p, m, e) == -1)
		return -1;
	if ((rv = write_file(p, m, false, e)) == 0)
		rv = m->before(publish_temp(p), m->arg, e);
	if (rv == 0 && m->inbound != NULL)
		rv = inboundmap_publish(m->inbound, publish_temp(p), m->now, e);
	if (rv == 0)
		rv = publish_commit(p, e);
	if (rv == -1)
		publish_abandon(p);
	else if (!m->lowered)
		mapwrite_drop_spare(p);
	if (rv == 0 && !m->lowered && m->inbound != NULL)
		inboundmap_drop_spare(m->inbound);
	return rv;
}

bool
mapwrite_has_spare(const struct publish *p, const struct mapheader *live)
{
	char *path = publish_beside(p, MAPWRITE_SPARE);
	struct cdbmap *map;
	struct mapheader h;
	const char *text;
	size_t len;
	struct err e;
	bool ok;

	map = cdbmap_open(path, &e);
	ok = map != NULL &&
	     cdbmap_get(map, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		 &len) == CDBMAP_FOUND &&
	     mapheader_parse(&h, text, len) && h.lowered == 0 &&
	     (live == NULL || (h.time == live->time &&
				  strcmp(h.registry, live->registry) == 0));
	cdbmap_close(map);
	free(path);
	return ok;
}

int
mapwrite_take_spare(struct publish *p, struct err *e)
{
	if (mapwrite_has_spare(p, NULL))
		return publish_take_beside(p, MAPWRITE_SPARE, e);
	return err_set(
	    e, EX_NOINPUT, "there is no copy of the map with nothing lowered");
}

void
mapwrite_drop_spare(struct publish *p)
{
	publish_remove_beside(p, MAPWRITE_SPARE);
}
