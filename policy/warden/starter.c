#include "starter.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "process.h"
#include "buf.h"
#include "program.h"
#include "err.h"
#include "fdio.h"
#include "fields.h"
#include "mem.h"
#include "netstring.h"
#include "registry.h"

#define ALL_SECONDS 7200
#define RECORD_MAX (REGISTRY_NAME_MAX + 2 * ERR_TEXT_MAX)
#define CHUNK 4096
#define RUNNING_MAX 64

struct starter {
	const char *const *argv;
	int seconds;
	struct apart child;
	struct buf said;
	struct event *in;
	starter_fn *fn;
	void *arg;
};

/* Take what came; each record to take(). -1: there is no more to come. */
static int
take_records(int fd, struct buf *b,
    bool (*take)(const char *text, size_t len, void *arg), void *arg)
{
	size_t at = 0, len, used;
	const char *text;
	ssize_t n = read(fd, buf_room(b, CHUNK), CHUNK);

	if (n == -1 && errno == EINTR)
		return 0;
	if (n <= 0)
		return -1;
	b->len += (size_t)n;
	for (; at < b->len; at += used) {
		enum netstring_status s = netstring_take(
		    b->data + at, b->len - at, RECORD_MAX, &text, &len, &used);

		if (s == NETSTRING_MORE)
			break;
		if (s == NETSTRING_BAD || !take(text, len, arg))
			return -1;
	}
	memmove(b->data, b->data + at, b->len - at);
	b->len -= at;
	return 0;
}

static bool
put_record(int fd, const char *what, const struct err *e)
{
	struct buf b = {0}, all = {0};
	bool ok;

	fields_put(&b, what);
	if (e != NULL) {
		fields_put_num(&b, (uint64_t)e->code);
		fields_put(&b, e->text);
	}
	netstring_put(&all, b.data, b.len, NULL, 0);
	ok = fdio_write(fd, all.data, all.len);
	buf_free(&b);
	buf_free(&all);
	return ok;
}

/* --- The starter --------------------------------------------------------- */

struct work {
	const struct starter *set;
	struct event_base *base;
	struct children *children;
	int fd;
	struct buf said;
};

struct job {
	struct work *work;
	char what[REGISTRY_NAME_MAX + 1];
};

static void
on_end(const struct child_end *end, void *arg)
{
	struct job *j = arg;
	struct err e = {0};

	if (child_well(end, "tlspact-probe", &e))
		e = (struct err){0};
	if (!put_record(j->work->fd, j->what, &e))
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

static bool
take_request(const char *text, size_t len, void *arg)
{
	struct work *w = arg;
	struct job *j = mem_zero(1, sizeof(*j));
	struct fields f = {.p = text, .n = len};
	struct child_work run = {
	    .seconds = w->set->seconds, .fn = on_end, .arg = j, .own = true};
	const char **argv;
	size_t n = 0;
	struct err e;
	int rv;

	j->work = w;
	fields_word(&f, "what", sizeof(j->what), j->what);
	if (f.bad != NULL || f.n > 0 || !may_be_asked(j->what) ||
	    children_count(w->children) == RUNNING_MAX) {
		free(j);
		return false;
	}
	while (w->set->argv[n] != NULL)
		n++;
	argv = mem_zero(n + 2, sizeof(*argv));
	memcpy(argv, w->set->argv, n * sizeof(*argv));
	argv[n] = j->what;
	if (strcmp(j->what, STARTER_ALL) == 0)
		run.seconds = ALL_SECONDS;
	run.argv = argv;
	rv = children_run(w->children, &run, &e);
	free(argv);
	if (rv == -1) {
		(void)put_record(w->fd, j->what, &e);
		free(j);
	}
	return true;
}

static void
on_request(evutil_socket_t fd, short what, void *arg)
{
	struct work *w = arg;

	(void)what;
	if (take_records(fd, &w->said, take_request, w) == -1)
		(void)event_base_loopbreak(w->base);
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
	buf_free(&w.said);
	return EX_OK;
}

/* --- The warden's side --------------------------------------------------- */

static bool
take_answer(const char *text, size_t len, void *arg)
{
	struct starter *s = arg;
	struct fields f = {.p = text, .n = len};
	char what[REGISTRY_NAME_MAX + 1], why[ERR_TEXT_MAX];
	struct err e;
	int code;

	fields_word(&f, "what", sizeof(what), what);
	code = (int)fields_num(&f, "code", 255);
	fields_text(&f, "why", sizeof(why), why);
	if (f.bad != NULL || f.n > 0)
		return false;
	(void)err_set(&e, code, "%s", why);
	s->fn(what, code == 0 ? NULL : &e, s->arg);
	return true;
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct starter *s = arg;
	struct err e;

	(void)what;
	if (take_records(fd, &s->said, take_answer, s) == 0)
		return;
	(void)event_del(s->in);
	(void)err_set(&e, EX_UNAVAILABLE, "the starter of probes is gone");
	s->fn(NULL, &e, s->arg);
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
	/* If it is gone, the loop will know. */
	(void)put_record(s->child.fd, what, NULL);
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
	buf_free(&s->said);
	free(s);
}
