#include "freshmap.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "cdbmap.h"
#include "clock.h"
#include "err.h"
#include "filewatch.h"
#include "logline.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "program.h"
#include "quote.h"
#include "sdnotify.h"
#include "service.h"
#include "settings.h"
#include "strength.h"

#define COMPILE_SECONDS 600
#define LOAD_SLICE 200000      /* ns of work on a new map between requests */
#define COPY_STEP (256u << 10) /* bytes between two looks at the clock */
#define CHECK_STEP 64	       /* records, the same */
#define HUGE (2u << 20)	       /* bytes of a huge page */

/* --- A private copy, made in small steps ---------------------------------- */

/*
 * Whatever happens to the file, the copy stays as it was, cannot be written to
 * any more, and reading it never ends in SIGBUS. It lies on huge pages where
 * the kernel has them, without which half of the time of a lookup in a large
 * file goes into finding the page.
 */

/* Which file it is, and in which state. */
struct snapshot_id {
	uint64_t device, inode, size;
	int64_t mtime, mtime_ns, ctime, ctime_ns;
};

struct snapshot {
	int from;
	const char *path; /* of the file, for messages */
	struct snapshot_id id;
	char *block; /* what was mapped */
	size_t mapped;
	char *data; /* in block, where a huge page begins */
	size_t copied;
};

static void
identify(const struct stat *st, struct snapshot_id *id)
{
	*id = (struct snapshot_id){.device = st->st_dev,
	    .inode = st->st_ino,
	    .size = (uint64_t)st->st_size,
	    .mtime = st->st_mtim.tv_sec,
	    .mtime_ns = st->st_mtim.tv_nsec,
	    .ctime = st->st_ctim.tv_sec,
	    .ctime_ns = st->st_ctim.tv_nsec};
}

/* Is it that file, as it was? */
static bool
snapshot_is(const struct snapshot_id *a, const struct stat *st)
{
	struct snapshot_id b;

	identify(st, &b);
	return a->device == b.device && a->inode == b.inode &&
	       a->size == b.size && a->mtime == b.mtime &&
	       a->mtime_ns == b.mtime_ns && a->ctime == b.ctime &&
	       a->ctime_ns == b.ctime_ns;
}

/* Room for the file and one byte more, by which growth shows. */
static bool
make_room(struct snapshot *s)
{
	size_t want = (size_t)s->id.size + 1;

	s->mapped = want < HUGE ? want : want + HUGE;
	s->block = mmap(NULL, s->mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->block == MAP_FAILED) {
		s->block = NULL;
		return false;
	}
	s->data = s->block;
	if (want >= HUGE) {
		s->data += -(uintptr_t)s->block % HUGE;
		(void)madvise(s->data, want, MADV_HUGEPAGE);
	}
#ifdef PR_SET_VMA
	/* For those who look into /proc/PID/smaps. */
	(void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (uintptr_t)s->block,
	    s->mapped, (uintptr_t) "snapshot");
#endif
	return true;
}

static void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	if (s->from != -1)
		close(s->from);
	if (s->block != NULL)
		(void)munmap(s->block, s->mapped);
	free(s);
}

/* 66, 77, 65, or 71 if there is no memory. */
static struct snapshot *
snapshot_begin(const char *path, struct snapshot_id *id, struct err *e)
{
	struct snapshot *s = mem_zero(1, sizeof(*s));
	struct stat st;

	s->path = path;
	s->from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->from == -1 || fstat(s->from, &st) == -1) {
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
		snapshot_free(s);
		return NULL;
	}
	identify(&st, &s->id);
	*id = s->id;
	if (!S_ISREG(st.st_mode))
		err_set(e, EX_DATAERR, "%s is not a file", quotes(path).s);
	else if (s->id.size > UINT32_MAX)
		err_set(e, EX_DATAERR, "%s is too large", quotes(path).s);
	else if (!make_room(s))
		err_sys(
		    e, EX_OSERR, "no memory for a copy of %s", quotes(path).s);
	else
		return s;
	snapshot_free(s);
	return NULL;
}

static int
finish(struct snapshot *s, struct err *e)
{
	struct snapshot_id id;
	struct stat st;

	if (fstat(s->from, &st) == -1)
		return err_sys(
		    e, EX_IOERR, "cannot read %s", quotes(s->path).s);
	identify(&st, &id);
	/* Being renamed over or linked is well; being written is not. */
	if (s->copied != s->id.size || id.mtime != s->id.mtime ||
	    id.mtime_ns != s->id.mtime_ns)
		return err_set(e, EX_TEMPFAIL, "%s changed while it was read",
		    quotes(s->path).s);
	close(s->from);
	s->from = -1;
	(void)mprotect(s->block, s->mapped, PROT_READ);
	return 0;
}

/*
 * Copy up to max bytes more. 1: there is more to do; 0: the copy is whole;
 * -1 with *e set: it failed, or the file changed meanwhile (75).
 */
static int
snapshot_step(struct snapshot *s, size_t max, struct err *e)
{
	size_t left = (size_t)s->id.size + 1 - s->copied;
	ssize_t n;

	n = read(s->from, s->data + s->copied, max < left ? max : left);
	if (n == -1)
		return err_sys(
		    e, EX_IOERR, "cannot read %s", quotes(s->path).s);
	s->copied += (size_t)n;
	return n == 0 || s->copied > s->id.size ? finish(s, e) : 1;
}

/* --- The map that is served, and the next one ----------------------------- */

enum taking {
	TAKING_IDLE,	/* nothing to do */
	TAKING_BUSY,	/* call go_on() again soon */
	TAKING_NEW,	/* another map is served from now on */
	TAKING_REFUSED, /* the file is no good, *e says why: said once */
};

/* A map in memory. */
struct image {
	struct snapshot *copy;
	struct freshmap_served it;
};

struct livemap {
	const char *path;
	struct image now;
	struct snapshot_id tried; /* the last file looked into */
	bool gone;		  /* the file is missing, and that was said */

	/* What is being taken over. */
	struct image next;
	bool copied;
	unsigned pos;
	bool has_header;
};

static void
drop(struct image *i)
{
	cdbmap_close(i->it.map);
	snapshot_free(i->copy);
	free(i->it.filter);
	*i = (struct image){0};
}

static enum taking
refuse(struct livemap *lm)
{
	drop(&lm->next);
	lm->now.it.current = false;
	return TAKING_REFUSED;
}

/*
 * Has the file changed? If so (or if again is set, whatever it looks like)
 * begin to take it over. A file that was refused is not tried again before
 * it changes.
 */
static enum taking
begin(struct livemap *lm, bool again, struct err *e)
{
	struct stat st;

	if (stat(lm->path, &st) == -1) {
		if (lm->gone && !again)
			return TAKING_IDLE;
		lm->gone = true;
		err_sys(e, err_code_input(errno), "cannot open %s",
		    quotes(lm->path).s);
		return refuse(lm);
	}
	lm->gone = false;
	if (!again && snapshot_is(&lm->tried, &st))
		return lm->next.copy != NULL ? TAKING_BUSY : TAKING_IDLE;
	drop(&lm->next);
	lm->copied = false;
	lm->next.copy = snapshot_begin(lm->path, &lm->tried, e);
	return lm->next.copy == NULL ? refuse(lm) : TAKING_BUSY;
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

/* What Postfix and we would do with the record must be beyond doubt. */
static bool
is_good(struct livemap *lm, const char *key, size_t klen, const char *value,
    size_t vlen)
{
	struct maprecord r;
	enum level level;
	const char *found;
	size_t flen;
	uint32_t h;

	if (klen == 0 || vlen == 0 || has_control(key, klen) ||
	    has_control(value, vlen))
		return false;
	/* It must also be found under its key, and itself, not another. */
	if (cdbmap_get(lm->next.it.map, key, klen, &found, &flen) !=
		CDBMAP_FOUND ||
	    found != value)
		return false;
	if (key[0] != ' ')
		return strength_level(value, vlen, &level);
	if (mapheader_is(key, klen)) {
		lm->has_header =
		    mapheader_parse(&lm->next.it.header, value, vlen);
		return lm->has_header;
	}
	if (maprecord_is(key, klen, MAPRECORD_DOMAIN) ||
	    maprecord_is(key, klen, MAPRECORD_GATEWAY)) {
		if (!maprecord_parse(&r, value, vlen))
			return false;
		maprecord_release(&r);
	}
	if (maprecord_is(key, klen, MAPRECORD_DOMAIN)) {
		h = cdbmap_hash(key, klen) % LOOKUP_FILTER;
		lm->next.it.filter[h / 64] |= UINT64_C(1) << h % 64;
	}
	return true; /* keys of later versions are passed over */
}

static enum taking
take_over(struct livemap *lm)
{
	drop(&lm->now);
	lm->now = lm->next;
	lm->next = (struct image){0};
	lm->now.it.current = true;
	return TAKING_NEW;
}

static enum taking
copy_step(struct livemap *lm, struct err *e)
{
	int rc = snapshot_step(lm->next.copy, COPY_STEP, e);

	if (rc == 1)
		return TAKING_BUSY;
	if (rc == -1) {
		/* Being written right now: to be looked at again. */
		if (e->code == EX_TEMPFAIL) {
			lm->tried = (struct snapshot_id){0};
			drop(&lm->next);
			return TAKING_IDLE;
		}
		return refuse(lm);
	}
	lm->next.it.map = cdbmap_of(lm->next.copy->data, lm->next.copy->copied);
	if (lm->next.it.map == NULL) {
		err_set(e, EX_DATAERR, "%s is damaged or not a cdb file",
		    quotes(lm->path).s);
		return refuse(lm);
	}
	lm->next.it.filter = mem_zero(LOOKUP_FILTER / 64, sizeof(uint64_t));
	lm->copied = true;
	lm->pos = 0;
	lm->has_header = false;
	return TAKING_BUSY;
}

static enum taking
check_step(struct livemap *lm, struct err *e)
{
	enum cdbmap_answer rc = CDBMAP_FOUND;
	const char *key, *value;
	size_t klen, vlen;
	unsigned i;

	for (i = 0; i < CHECK_STEP; i++) {
		rc = cdbmap_next(
		    lm->next.it.map, &lm->pos, &key, &klen, &value, &vlen);
		if (rc != CDBMAP_FOUND)
			break;
		if (is_good(lm, key, klen, value, vlen))
			continue;
		err_set(e, EX_DATAERR, "%s is damaged: the record of %s",
		    quotes(lm->path).s, quote(key, klen).s);
		return refuse(lm);
	}
	if (rc == CDBMAP_FOUND)
		return TAKING_BUSY;
	if (rc == CDBMAP_NOTFOUND && lm->has_header)
		return take_over(lm);
	err_set(e, EX_DATAERR, "%s is damaged: %s", quotes(lm->path).s,
	    rc == CDBMAP_BROKEN ? "a record leaves the file"
				: "it has no header of tlspact-compile");
	return refuse(lm);
}

/* Work for about so many nanoseconds. */
static enum taking
go_on(struct livemap *lm, uint64_t nanoseconds, struct err *e)
{
	uint64_t end = clock_ns() + nanoseconds;
	enum taking rc = TAKING_BUSY;

	do {
		if (lm->next.copy == NULL)
			return TAKING_IDLE;
		rc = lm->copied ? check_step(lm, e) : copy_step(lm, e);
	} while (rc == TAKING_BUSY && clock_ns() < end);
	return rc;
}

static void
livemap_free(struct livemap *lm)
{
	if (lm == NULL)
		return;
	drop(&lm->next);
	drop(&lm->now);
	free(lm);
}

/* --- On the loop ---------------------------------------------------------- */

bool
freshmap_expired(const struct freshmap *f)
{
	const struct mapheader *h = &f->served->header;

	return h->expires != 0 && clock_now(&f->service->clock) >= h->expires;
}

static void
tell_status(const struct freshmap *f)
{
	const struct mapheader *h = &f->served->header;
	char when[NUM_TIME_MAX];

	sdnotify("STATUS=%zu domains, %zu enforced, %zu lowered, compiled %s%s",
	    h->domains, h->enforced, h->lowered, num_time_text(h->time, when),
	    f->served->current ? "" : "; the map on disk is no good");
}

static void
serve(struct freshmap *f)
{
	const struct mapheader *h = &f->served->header;
	char when[NUM_TIME_MAX], end[NUM_TIME_MAX];

	/* The same one again leaves the clock alone. */
	if (f->loaded == 0 || h->time != f->compiled)
		clock_start(&f->service->clock);
	f->compiled = h->time;
	f->loaded++;
	f->service->lookup = (struct lookup){.map = f->served->map,
	    .filter = f->served->filter,
	    .lowered = h->lowered > 0};
	if (!freshmap_expired(f))
		f->compile_next = 0;
	logline(LOGLINE_INFO,
	    "serving %zu domains, %zu enforced, %zu lowered, compiled %s; "
	    "next change %s",
	    h->domains, h->enforced, h->lowered, num_time_text(h->time, when),
	    h->expires == 0 ? "never" : num_time_text(h->expires, end));
	tell_status(f);
}

static void
map_event(struct freshmap *f, enum taking ev, const struct err *e)
{
	static const struct timeval at_once;
	char when[NUM_TIME_MAX];

	switch (ev) {
	case TAKING_IDLE:
		break;
	case TAKING_BUSY:
		(void)event_add(f->loading, &at_once);
		break;
	case TAKING_NEW:
		serve(f);
		break;
	case TAKING_REFUSED:
		f->refused++;
		if (f->served->map == NULL) {
			logline(LOGLINE_ERROR, "%s; run tlspact-compile first",
			    e->text);
			break;
		}
		logline(LOGLINE_ERROR, "%s; still serving the map compiled %s",
		    e->text, num_time_text(f->served->header.time, when));
		tell_status(f);
		break;
	}
}

static void
look(struct freshmap *f, bool again)
{
	struct err e;

	map_event(f, begin(f->map, again, &e), &e);
}

static void
on_loading(evutil_socket_t fd, short what, void *arg)
{
	struct freshmap *f = arg;
	struct err e;

	(void)fd;
	(void)what;
	map_event(f, go_on(f->map, LOAD_SLICE, &e), &e);
}

static void
on_file(evutil_socket_t fd, short what, void *arg)
{
	struct freshmap *f = arg;

	(void)what;
	(void)fd;
	if (filewatch_read(f->files))
		look(f, false);
}

int
freshmap_start(struct freshmap *f, const struct settings *set,
    const char *const *options, struct service *s, struct event_base *base)
{
	enum taking ev;
	struct err e = {.code = EX_TEMPFAIL, .text = "the map changes"};

	f->path = set->map;
	f->service = s;
	f->compile = program_argv(*set->compile_command == '\0'
				      ? program_beside("tlspact-compile")
				      : mem_dup(set->compile_command),
	    NULL, options);
	f->children = children_new(base);
	f->map = mem_zero(1, sizeof(*f->map));
	f->map->path = f->path;
	f->served = &f->map->now.it;
	ev = begin(f->map, true, &e);
	while (ev == TAKING_BUSY)
		ev = go_on(f->map, LOAD_SLICE, &e);
	if (ev == TAKING_IDLE) /* it was written to just then */
		ev = TAKING_REFUSED;
	map_event(f, ev, &e);
	if (ev != TAKING_NEW)
		return e.code;
	f->loading = evtimer_new(base, on_loading, f);
	/* Without it a change is seen by the next tick. */
	f->files = filewatch_new(f->path);
	if (f->files->fd == -1)
		return EX_OK;
	f->watching =
	    event_new(base, f->files->fd, EV_READ | EV_PERSIST, on_file, f);
	(void)event_add(f->watching, NULL);
	return EX_OK;
}

static void
complain(struct freshmap *f, const char *what)
{
	f->compile_failed++;
	logline(LOGLINE_ERROR,
	    "%s; what it did not raise stays lowered in %s, here it ends on "
	    "time; next try in %d s",
	    what, f->path, FRESHMAP_AGAIN);
}

static void
on_compiled(const struct child_end *end, void *arg)
{
	struct freshmap *f = arg;
	bool by_signal = WIFSIGNALED(end->status);
	struct err e;

	f->compiling = false;
	if (!child_well(end, "tlspact-compile", &e)) {
		if (*end->err != '\0')
			logline(LOGLINE_ERROR, "%s", e.text);
		(void)err_set(&e, EX_UNAVAILABLE, "%s failed (%s %d)",
		    quotes(f->compile[0]).s, by_signal ? "signal" : "status",
		    by_signal ? WTERMSIG(end->status)
			      : WEXITSTATUS(end->status));
		complain(f, e.text);
	}
	look(f, false);
}

void
freshmap_tick(struct freshmap *f, time_t now, bool again)
{
	struct child_work w = {.argv = f->compile,
	    .seconds = COMPILE_SECONDS,
	    .fn = on_compiled,
	    .arg = f};
	struct err e;

	look(f, again);
	if (!freshmap_expired(f) || f->compiling || now < f->compile_next)
		return;
	f->compile_next = now + FRESHMAP_AGAIN;
	if (children_run(f->children, &w, &e) == -1) {
		complain(f, e.text);
		return;
	}
	f->compiling = true;
	logline(LOGLINE_INFO, "a downgrade begins or ends: running %s",
	    f->compile[0]);
}

void
freshmap_release(struct freshmap *f)
{
	if (f->watching != NULL)
		event_free(f->watching);
	if (f->loading != NULL)
		event_free(f->loading);
	filewatch_free(f->files);
	livemap_free(f->map);
	children_free(f->children);
	program_argv_free(f->compile);
}
