#include "keeper.h"

#include <event2/event.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "filewatch.h"
#include "livemap.h"
#include "logline.h"
#include "maprecord.h"
#include "num.h"
#include "sdnotify.h"
#include "service.h"

#define LOAD_SLICE 200000 /* ns of work on a new map between requests */

const struct mapheader *
keeper_header(const struct keeper *k)
{
	return livemap_header(k->map);
}

bool
keeper_current(const struct keeper *k)
{
	return livemap_current(k->map);
}

bool
keeper_expired(const struct keeper *k)
{
	const struct mapheader *h = keeper_header(k);

	return h->expires != 0 && clock_now(&k->service->clock) >= h->expires;
}

static void
tell_status(const struct keeper *k)
{
	const struct mapheader *h = keeper_header(k);
	char when[NUM_TIME_MAX];

	sdnotify("STATUS=%zu domains, %zu enforced, %zu lowered, compiled %s%s",
	    h->domains, h->enforced, h->lowered, num_time_text(h->time, when),
	    keeper_current(k) ? "" : "; the map on disk is no good");
}

static void
serve(struct keeper *k)
{
	const struct mapheader *h = keeper_header(k);
	char when[NUM_TIME_MAX], end[NUM_TIME_MAX];

	/* The same one again leaves the clock alone. */
	if (k->loaded == 0 || h->time != k->compiled)
		clock_start(&k->service->clock);
	k->compiled = h->time;
	k->loaded++;
	k->service->lookup = (struct lookup){.map = livemap_map(k->map),
	    .filter = livemap_filter(k->map),
	    .lowered = h->lowered > 0};
	if (!keeper_expired(k))
		k->recompile.next = 0;
	logline(LOGLINE_INFO,
	    "serving %zu domains, %zu enforced, %zu lowered, compiled %s; "
	    "next change %s",
	    h->domains, h->enforced, h->lowered, num_time_text(h->time, when),
	    h->expires == 0 ? "never" : num_time_text(h->expires, end));
	tell_status(k);
}

static void
map_event(struct keeper *k, enum livemap_event ev, const struct err *e)
{
	static const struct timeval at_once;
	char when[NUM_TIME_MAX];

	switch (ev) {
	case LIVEMAP_IDLE:
		break;
	case LIVEMAP_BUSY:
		(void)event_add(k->loading, &at_once);
		break;
	case LIVEMAP_NEW:
		serve(k);
		break;
	case LIVEMAP_REFUSED:
		k->refused++;
		if (livemap_map(k->map) == NULL) {
			logline(LOGLINE_ERROR, "%s; run tlspact-compile first",
			    e->text);
			break;
		}
		logline(LOGLINE_ERROR, "%s; still serving the map compiled %s",
		    e->text, num_time_text(keeper_header(k)->time, when));
		tell_status(k);
		break;
	}
}

void
keeper_look(struct keeper *k, bool again)
{
	struct err e;

	map_event(k, livemap_look(k->map, again, &e), &e);
}

int
keeper_load(struct keeper *k, const char *path, struct service *s)
{
	enum livemap_event ev;
	struct err e = {.code = EX_TEMPFAIL, .text = "the map changes"};

	k->path = path;
	k->service = s;
	k->map = livemap_new(path);
	ev = livemap_look(k->map, true, &e);
	while (ev == LIVEMAP_BUSY)
		ev = livemap_step(k->map, LOAD_SLICE, &e);
	if (ev == LIVEMAP_IDLE) /* it was written to just then */
		ev = LIVEMAP_REFUSED;
	map_event(k, ev, &e);
	return ev == LIVEMAP_NEW ? EX_OK : e.code;
}

static void
on_loading(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct err e;

	(void)fd;
	(void)what;
	map_event(k, livemap_step(k->map, LOAD_SLICE, &e), &e);
}

static void
on_file(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)what;
	(void)fd;
	if (filewatch_read(k->files))
		keeper_look(k, false);
}

void
keeper_start(struct keeper *k, struct event_base *base)
{
	k->loading = evtimer_new(base, on_loading, k);
	/* Without it a change is seen by the next tick. */
	k->files = filewatch_new(k->path);
	if (filewatch_fd(k->files) == -1)
		return;
	k->watching = event_new(
	    base, filewatch_fd(k->files), EV_READ | EV_PERSIST, on_file, k);
	(void)event_add(k->watching, NULL);
}

static void
complain(const struct keeper *k, const struct err *e)
{
	logline(LOGLINE_ERROR,
	    "%s; what it did not raise stays lowered in %s, here it ends on "
	    "time; next try in %d s",
	    e->text, k->path, RECOMPILE_AGAIN);
}

void
keeper_tick(struct keeper *k, time_t now)
{
	struct err e;

	keeper_look(k, false);
	if (!keeper_expired(k))
		return;
	switch (recompile_start(&k->recompile, now, &e)) {
	case 1:
		logline(LOGLINE_INFO, "a downgrade begins or ends: running %s",
		    k->recompile.argv[0]);
		break;
	case -1:
		complain(k, &e);
		break;
	}
}

void
keeper_child(struct keeper *k)
{
	struct err e;

	if (recompile_reap(&k->recompile, &e) == -1)
		complain(k, &e);
	keeper_look(k, false);
}

void
keeper_release(struct keeper *k)
{
	if (k->watching != NULL)
		event_free(k->watching);
	if (k->loading != NULL)
		event_free(k->loading);
	filewatch_free(k->files);
	livemap_free(k->map);
	recompile_release(&k->recompile);
}
