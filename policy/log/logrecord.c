#include "logrecord.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "process.h"
#include "buf.h"
#include "diag.h"
#include "err.h"
#include "evidence.h"
#include "fdio.h"
#include "fields.h"
#include "logwire.h"
#include "mem.h"
#include "netstring.h"
#include "owned.h"
#include "registry.h"

#define CHUNK 65536
#define RELOAD_S 1

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

/* --- The recorder -------------------------------------------------------- */

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
	struct logwire w;
	int rv = logwire_parse(&w, text, len, r->set->now(), is_partner, r, e);

	if (rv == 0)
		rv = evidence_log_add(r->evidence, &w.batch, e);
	logwire_release(&w);
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
	       (text = take_record(fd, &said, LOGWIRE_MAX, &len)) != NULL)
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

	logwire_put(&all, b);
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
