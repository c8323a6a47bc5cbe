#include "starter.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "err.h"
#include "fdio.h"
#include "mem.h"
#include "process.h"
#include "program.h"
#include "registry.h"

#define ALL_SECONDS 7200
#define RUNNING_MAX 64

struct starter {
	const char *const *argv;
	int seconds;
	struct apart child;
	struct event *in;
	starter_fn *fn;
	void *arg;
};

/* Asked: what is to be probed. Answered: how that ended, code 0 is well. */
struct record {
	char what[REGISTRY_NAME_MAX + 1];
	struct err end;
};

/* False: there is none any more, or it is none of ours. */
static bool
take_record(int fd, struct record *r)
{
	ssize_t n;

	do
		n = recv(fd, r, sizeof(*r), MSG_WAITALL);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(*r) &&
	       memchr(r->what, '\0', sizeof(r->what)) != NULL &&
	       memchr(r->end.text, '\0', sizeof(r->end.text)) != NULL;
}

static bool
put_record(int fd, const struct record *r)
{
	return fdio_write(fd, (const char *)r, sizeof(*r));
}

/* --- The starter --------------------------------------------------------- */

struct work {
	const struct starter *set;
	struct event_base *base;
	struct children *children;
	int fd;
};

struct job {
	struct work *work;
	struct record record;
};

static void
on_end(const struct child_end *end, void *arg)
{
	struct job *j = arg;

	if (child_well(end, "tlspact-probe", &j->record.end))
		j->record.end = (struct err){0};
	if (!put_record(j->work->fd, &j->record))
		(void)event_base_loopbreak(j->work->base);
	free(j);
}

/* Neither an option nor anything but a name. */
static bool
may_be_asked(const char *what)
{
	return strcmp(what, STARTER_ALL) == 0 ||
	       (*what != '-' && *what != '\0' &&
		   strpbrk(what, " /[]\"'\\") == NULL);
}

static void
on_request(evutil_socket_t fd, short event, void *arg)
{
	struct work *w = arg;
	struct job *j = mem_zero(1, sizeof(*j));
	const char *what = j->record.what;
	struct child_work run = {
	    .seconds = w->set->seconds, .fn = on_end, .arg = j, .own = true};
	const char **argv;

	(void)event;
	if (!take_record(fd, &j->record) || !may_be_asked(what) ||
	    children_count(w->children) == RUNNING_MAX) {
		free(j);
		(void)event_base_loopbreak(w->base);
		return;
	}
	j->work = w;
	argv = program_argv(mem_dup(w->set->argv[0]), w->set->argv + 1,
	    (const char *const[]){what, NULL});
	if (strcmp(what, STARTER_ALL) == 0)
		run.seconds = ALL_SECONDS;
	run.argv = argv;
	if (children_run(w->children, &run, &j->record.end) == -1) {
		(void)put_record(w->fd, &j->record);
		free(j);
	}
	program_argv_free(argv);
}

static int
starter_main(int fd, void *arg)
{
	struct work w = {.set = arg, .fd = fd};
	struct event *in;

	if ((w.base = event_base_new()) == NULL)
		return EX_OSERR;
	w.children = children_new(w.base);
	in = event_new(w.base, fd, EV_READ | EV_PERSIST, on_request, &w);
	(void)event_add(in, NULL);
	(void)event_base_dispatch(w.base);
	children_free(w.children);
	return EX_OK;
}

/* --- The warden's side --------------------------------------------------- */

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct starter *s = arg;
	struct record r;

	(void)what;
	if (take_record(fd, &r)) {
		s->fn(r.what, r.end.code == 0 ? NULL : &r.end, s->arg);
		return;
	}
	(void)event_del(s->in);
	(void)err_set(&r.end, EX_UNAVAILABLE, "the starter of probes is gone");
	s->fn(NULL, &r.end, s->arg);
}

struct starter *
starter_start(const char *const *argv, int seconds, struct err *e)
{
	struct starter *s = mem_zero(1, sizeof(*s));

	s->argv = argv;
	s->seconds = seconds;
	if (apart_start(&s->child, "", starter_main, s, e) == 0)
		return s;
	starter_end(s);
	return NULL;
}

void
starter_listen(
    struct starter *s, struct event_base *base, starter_fn *fn, void *arg)
{
	s->fn = fn;
	s->arg = arg;
	s->in =
	    event_new(base, s->child.fd, EV_READ | EV_PERSIST, on_answer, s);
	(void)event_add(s->in, NULL);
}

void
starter_ask(struct starter *s, const char *what)
{
	struct record r = {0};

	(void)strncpy(r.what, what, REGISTRY_NAME_MAX);
	/* If it is gone, the loop will know. */
	(void)put_record(s->child.fd, &r);
}

void
starter_end(struct starter *s)
{
	struct err e;

	if (s == NULL)
		return;
	if (s->in != NULL)
		event_free(s->in);
	(void)apart_end(&s->child, false, "the starter", &e);
	free(s);
}
