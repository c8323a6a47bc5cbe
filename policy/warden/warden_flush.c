#include "warden_flush.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "err.h"
#include "flush.h"
#include "warden.h"
#include "logline.h"
#include "mem.h"
#include "registry.h"
#include "settings.h"

#define QUEUE_MAX (64u << 20) /* bytes of postqueue -j */
#define QUEUE_SECONDS 60
#define AGAIN 5 /* seconds: for what was on its way just then */

struct flush {
	struct warden_flushes *all;
	char partner[REGISTRY_NAME_MAX + 1];
	struct waiting waiting;
	size_t at; /* the next one of waiting */
	bool second;
	struct event *timer;
	struct flush *next;
};

/* --- Waiting mail -------------------------------------------------------- */

static void flush_start(struct flush *f);

static void
flush_end(struct flush *f)
{
	struct flush **at;

	for (at = &f->all->first; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	if (f->timer != NULL)
		event_free(f->timer);
	flush_release(&f->waiting);
	free(f);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush_start(arg);
}

/* postqueue, with the configuration folder. */
static int
postqueue(struct flush *f, const char *what, const char *id, size_t max,
    child_fn *fn, struct err *e)
{
	const char *dir = f->all->set->postfix_config;
	const char *argv[6] = {"postqueue"};
	struct child_work w = {.argv = argv,
	    .out_max = max,
	    .seconds = QUEUE_SECONDS,
	    .fn = fn,
	    .arg = f};
	size_t n = 1;

	if (*dir != '\0') {
		argv[n++] = "-c";
		argv[n++] = dir;
	}
	argv[n++] = what;
	argv[n] = id;
	return children_run(f->all->children, &w, e);
}

static void
on_retried(const struct child_end *end, void *arg)
{
	static const struct timeval soon = {.tv_sec = AGAIN};
	struct flush *f = arg;
	struct err e;

	if (end != NULL && !child_well(end, "postqueue", &e))
		logline(LOGLINE_ERROR, "%s: %s", f->partner, e.text);
	if (f->at < f->waiting.n) {
		if (postqueue(f, "-i", f->waiting.id[f->at++], 0, on_retried,
			&e) == 0)
			return;
		logline(LOGLINE_ERROR, "%s: %s", f->partner, e.text);
	}
	if (f->waiting.n > 0)
		logline(LOGLINE_INFO, "%s: %zu of %zu waiting mails retried",
		    f->partner, f->at, f->waiting.messages);
	flush_release(&f->waiting);
	f->at = 0;
	if (f->second) {
		flush_end(f);
		return;
	}
	f->second = true;
	f->timer = evtimer_new(f->all->base, on_again, f);
	(void)event_add(f->timer, &soon);
}

static bool
is_theirs(const char *domain, void *arg)
{
	const struct flush *f = arg;

	return warden_is_theirs(f->all->warden, f->partner, domain);
}

static void
on_listed(const struct child_end *end, void *arg)
{
	struct flush *f = arg;
	struct err e;

	if (!child_well(end, "postqueue", &e))
		logline(LOGLINE_ERROR,
		    "%s: %s; waiting mail goes in Postfix's own time",
		    f->partner, e.text);
	else
		flush_parse(&f->waiting, end->out, is_theirs, f);
	f->at = 0;
	on_retried(NULL, f);
}

static void
flush_start(struct flush *f)
{
	struct err e;

	if (postqueue(f, "-j", NULL, QUEUE_MAX, on_listed, &e) == 0)
		return;
	logline(LOGLINE_ERROR, "%s: %s", f->partner, e.text);
	flush_end(f);
}

void
warden_flush(struct warden_flushes *all, const char *partner)
{
	struct flush *f = mem_zero(1, sizeof(*f));

	f->all = all;
	(void)strncpy(f->partner, partner, REGISTRY_NAME_MAX);
	f->next = all->first;
	all->first = f;
	flush_start(f);
}

void
warden_flushes_end(struct warden_flushes *all)
{
	while (all->first != NULL)
		flush_end(all->first);
}
