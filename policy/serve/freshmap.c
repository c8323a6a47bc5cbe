#include "freshmap.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "filewatch.h"
#include "livemap.h"
#include "logline.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "program.h"
#include "quote.h"
#include "sdnotify.h"
#include "service.h"
#include "settings.h"

#define COMPILE_SECONDS 600
#define LOAD_SLICE 200000 /* ns of work on a new map between requests */

bool
freshmap_expired(const struct freshmap *f)
{
	const struct mapheader *h = &livemap_served(f->map)->header;

	return h->expires != 0 && clock_now(&f->service->clock) >= h->expires;
}

static void
tell_status(const struct freshmap *f)
{
	const struct mapheader *h = &livemap_served(f->map)->header;
	char when[NUM_TIME_MAX];

	sdnotify("STATUS=%zu domains, %zu enforced, %zu lowered, compiled %s%s",
	    h->domains, h->enforced, h->lowered, num_time_text(h->time, when),
	    livemap_served(f->map)->current ? ""
					    : "; the map on disk is no good");
}

static void
serve(struct freshmap *f)
{
	const struct mapheader *h = &livemap_served(f->map)->header;
	char when[NUM_TIME_MAX], end[NUM_TIME_MAX];

	/* The same one again leaves the clock alone. */
	if (f->loaded == 0 || h->time != f->compiled)
		clock_start(&f->service->clock);
	f->compiled = h->time;
	f->loaded++;
	f->service->lookup = (struct lookup){.map = livemap_served(f->map)->map,
	    .filter = livemap_served(f->map)->filter,
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
map_event(struct freshmap *f, enum livemap_event ev, const struct err *e)
{
	static const struct timeval at_once;
	char when[NUM_TIME_MAX];

	switch (ev) {
	case LIVEMAP_IDLE:
		break;
	case LIVEMAP_BUSY:
		(void)event_add(f->loading, &at_once);
		break;
	case LIVEMAP_NEW:
		serve(f);
		break;
	case LIVEMAP_REFUSED:
		f->refused++;
		if (livemap_served(f->map)->map == NULL) {
			logline(LOGLINE_ERROR, "%s; run tlspact-compile first",
			    e->text);
			break;
		}
		logline(LOGLINE_ERROR, "%s; still serving the map compiled %s",
		    e->text,
		    num_time_text(livemap_served(f->map)->header.time, when));
		tell_status(f);
		break;
	}
}

void
freshmap_look(struct freshmap *f, bool again)
{
	struct err e;

	map_event(f, livemap_look(f->map, again, &e), &e);
}

static void
on_loading(evutil_socket_t fd, short what, void *arg)
{
	struct freshmap *f = arg;
	struct err e;

	(void)fd;
	(void)what;
	map_event(f, livemap_step(f->map, LOAD_SLICE, &e), &e);
}

static void
on_file(evutil_socket_t fd, short what, void *arg)
{
	struct freshmap *f = arg;

	(void)what;
	(void)fd;
	if (filewatch_read(f->files))
		freshmap_look(f, false);
}

int
freshmap_start(struct freshmap *f, const struct settings *set,
    const char *const *options, struct service *s, struct event_base *base)
{
	enum livemap_event ev;
	struct err e = {.code = EX_TEMPFAIL, .text = "the map changes"};

	f->path = set->map;
	f->service = s;
	f->compile = program_argv(*set->compile_command == '\0'
				      ? program_beside("tlspact-compile")
				      : mem_dup(set->compile_command),
	    NULL, options);
	f->children = children_new(base);
	f->map = livemap_new(f->path);
	ev = livemap_look(f->map, true, &e);
	while (ev == LIVEMAP_BUSY)
		ev = livemap_step(f->map, LOAD_SLICE, &e);
	if (ev == LIVEMAP_IDLE) /* it was written to just then */
		ev = LIVEMAP_REFUSED;
	map_event(f, ev, &e);
	if (ev != LIVEMAP_NEW)
		return e.code;
	f->loading = evtimer_new(base, on_loading, f);
	/* Without it a change is seen by the next tick. */
	f->files = filewatch_new(f->path);
	if (filewatch_fd(f->files) == -1)
		return EX_OK;
	f->watching = event_new(
	    base, filewatch_fd(f->files), EV_READ | EV_PERSIST, on_file, f);
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
	freshmap_look(f, false);
}

void
freshmap_tick(struct freshmap *f, time_t now)
{
	struct child_work w = {.argv = f->compile,
	    .seconds = COMPILE_SECONDS,
	    .fn = on_compiled,
	    .arg = f};
	struct err e;

	freshmap_look(f, false);
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
