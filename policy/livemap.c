#include "livemap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "cdbmap.h"
#include "err.h"
#include "latency.h"
#include "maprecord.h"
#include "mem.h"
#include "quote.h"
#include "snapshot.h"
#include "strength.h"

#define COPY_STEP (256u << 10) /* bytes between two looks at the clock */
#define CHECK_STEP 64	       /* records, the same */

struct livemap {
	const char *path;
	struct cdbmap *map;
	struct mapheader header;
	struct snapshot_id tried; /* the last file looked into */
	bool current;
	bool gone; /* the file is missing, and that was said */

	/* What is being taken over. */
	struct snapshot *copying;
	struct cdbmap *next;
	struct mapheader next_header;
	unsigned pos;
	bool has_header;
};

struct livemap *
livemap_new(const char *path)
{
	struct livemap *lm = mem_zero(1, sizeof(*lm));

	lm->path = path;
	return lm;
}

static void
give_up(struct livemap *lm)
{
	snapshot_free(lm->copying);
	lm->copying = NULL;
	cdbmap_close(lm->next);
	lm->next = NULL;
}

static enum livemap_event
refuse(struct livemap *lm)
{
	give_up(lm);
	lm->current = false;
	return LIVEMAP_REFUSED;
}

enum livemap_event
livemap_look(struct livemap *lm, bool again, struct err *e)
{
	struct snapshot_id id;
	struct stat st;

	if (stat(lm->path, &st) == -1) {
		if (lm->gone && !again)
			return LIVEMAP_IDLE;
		lm->gone = true;
		err_sys(e, err_code_input(errno), "cannot open %s",
		    quotes(lm->path).s);
		return refuse(lm);
	}
	lm->gone = false;
	snapshot_identify(&st, &id);
	if (!again && snapshot_same(&id, &lm->tried))
		return lm->copying != NULL || lm->next != NULL ? LIVEMAP_BUSY
							       : LIVEMAP_IDLE;
	give_up(lm);
	lm->copying = snapshot_begin(lm->path, &lm->tried, e);
	return lm->copying == NULL ? refuse(lm) : LIVEMAP_BUSY;
}

static bool
has_control(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return true;
	return false;
}

static bool
begins(const char *key, size_t klen, const char *with)
{
	size_t n = strlen(with);

	return klen >= n && memcmp(key, with, n) == 0;
}

/* What Postfix and we would do with the record must be beyond doubt. */
static bool
is_good(struct livemap *lm, const char *key, size_t klen, const char *value,
    size_t vlen)
{
	struct maprecord r;
	enum level level;
	const char *found;
	size_t flen;

	if (klen == 0 || vlen == 0 || has_control(key, klen) ||
	    has_control(value, vlen))
		return false;
	/* It must also be found under its key, and itself, not another. */
	if (cdbmap_get(lm->next, key, klen, &found, &flen) != CDBMAP_FOUND ||
	    found != value)
		return false;
	if (key[0] != ' ')
		return strength_level(value, vlen, &level);
	if (klen == sizeof(MAPHEADER_KEY) - 1 &&
	    memcmp(key, MAPHEADER_KEY, klen) == 0) {
		lm->has_header = mapheader_parse(&lm->next_header, value, vlen);
		return lm->has_header;
	}
	if (begins(key, klen, MAPRECORD_DOMAIN) ||
	    begins(key, klen, MAPRECORD_GATEWAY)) {
		if (!maprecord_parse(&r, value, vlen))
			return false;
		maprecord_release(&r);
	}
	return true; /* keys of later versions are passed over */
}

static enum livemap_event
take_over(struct livemap *lm)
{
	struct cdbmap *old = lm->map;

	lm->map = lm->next;
	lm->next = NULL;
	lm->header = lm->next_header;
	lm->current = true;
	cdbmap_close(old);
	return LIVEMAP_NEW;
}

static enum livemap_event
copy_step(struct livemap *lm, struct err *e)
{
	int rc = snapshot_step(lm->copying, COPY_STEP, e);

	if (rc == 1)
		return LIVEMAP_BUSY;
	if (rc == -1) {
		/* Being written right now: to be looked at again. */
		if (e->code == EX_TEMPFAIL) {
			lm->tried = (struct snapshot_id){0};
			give_up(lm);
			return LIVEMAP_IDLE;
		}
		return refuse(lm);
	}
	lm->next = cdbmap_open(snapshot_path(lm->copying), e);
	snapshot_free(lm->copying);
	lm->copying = NULL;
	if (lm->next == NULL) {
		err_set(e, EX_DATAERR, "%s is damaged or not a cdb file",
		    quotes(lm->path).s);
		return refuse(lm);
	}
	lm->pos = 0;
	lm->has_header = false;
	return LIVEMAP_BUSY;
}

static enum livemap_event
check_step(struct livemap *lm, struct err *e)
{
	enum cdbmap_answer rc = CDBMAP_FOUND;
	const char *key, *value;
	size_t klen, vlen;
	unsigned i;

	for (i = 0; i < CHECK_STEP; i++) {
		rc =
		    cdbmap_next(lm->next, &lm->pos, &key, &klen, &value, &vlen);
		if (rc != CDBMAP_FOUND)
			break;
		if (is_good(lm, key, klen, value, vlen))
			continue;
		err_set(e, EX_DATAERR, "%s is damaged: the record of %s",
		    quotes(lm->path).s, quote(key, klen).s);
		return refuse(lm);
	}
	if (rc == CDBMAP_FOUND)
		return LIVEMAP_BUSY;
	if (rc == CDBMAP_NOTFOUND && lm->has_header)
		return take_over(lm);
	err_set(e, EX_DATAERR, "%s is damaged: %s", quotes(lm->path).s,
	    rc == CDBMAP_BROKEN ? "a record leaves the file"
				: "it has no header of tlspact-compile");
	return refuse(lm);
}

enum livemap_event
livemap_step(struct livemap *lm, uint64_t nanoseconds, struct err *e)
{
	uint64_t end = latency_now() + nanoseconds;
	enum livemap_event rc = LIVEMAP_BUSY;

	do {
		if (lm->copying != NULL)
			rc = copy_step(lm, e);
		else if (lm->next != NULL)
			rc = check_step(lm, e);
		else
			return LIVEMAP_IDLE;
	} while (rc == LIVEMAP_BUSY && latency_now() < end);
	return rc;
}

struct cdbmap *
livemap_map(const struct livemap *lm)
{
	return lm->map;
}

const struct mapheader *
livemap_header(const struct livemap *lm)
{
	return &lm->header;
}

bool
livemap_current(const struct livemap *lm)
{
	return lm->current;
}

void
livemap_free(struct livemap *lm)
{
	if (lm == NULL)
		return;
	give_up(lm);
	cdbmap_close(lm->map);
	free(lm);
}
