/*
 * The process: an event loop around the warden, and the programs that do
 * its work.
 */
#include "warden_run.h"

#include <errno.h>
#include <fcntl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "program.h"
#include "err.h"
#include "warden.h"
#include "flush.h"
#include "logline.h"
#include "mailout.h"
#include "mem.h"
#include "owned.h"
#include "process.h"
#include "registry.h"
#include "settings.h"
#include "starter.h"

#define TICK_US 250000
#define PROBES_MAX 8 /* at a time */
#define COMPILE_SECONDS 600
#define QUEUE_MAX (64u << 20) /* bytes of postqueue -j */
#define QUEUE_SECONDS 60
#define FLUSH_AGAIN 5	/* seconds: for what was on its way just then */
#define GUARD_WAIT 60	/* seconds between two starts, at most */
#define GUARD_STABLE 60 /* after so many seconds it counts as well */
#define START_AGAIN 10
#define PARTS_MAX 3 /* of a letter: two mails, one command */

struct probe {
	char partner[REGISTRY_NAME_MAX + 1];
	struct probe *next;
};

/* One letter is on its way at a time. */
struct letter {
	int64_t id;	     /* 0: none, or forgotten */
	unsigned done, left; /* bits of the parts that went out; how many run */
	char why[ERR_TEXT_MAX]; /* of the last part that failed */
};

struct part {
	struct run *run;
	unsigned bit;
};

struct run {
	const struct settings *set;
	const char *const *args;
	struct event_base *base;
	struct children *children;
	struct warden *warden;
	struct event *tick, *parent, *signal[3];
	struct starter *starter;
	const char **starts;   /* what it starts */
	struct probe *waiting; /* for those that the starter is asked for */
	int code;
	struct warden_flushes flushes;
	unsigned probing;		/* so many */
	bool sweeping, started, second; /* another one keeps the ledger */
	int lock;
	time_t start_next;
	struct letter letter;
	struct part part[PARTS_MAX];
};

static void
take(struct run *r, const struct warden_news *n)
{
	warden_take(r->warden, n, time(NULL));
}

/* --- Waiting mail -------------------------------------------------------- */

struct flush {
	struct warden_flushes *all;
	char partner[REGISTRY_NAME_MAX + 1];
	struct waiting waiting;
	size_t at; /* the next one of waiting */
	bool second;
	struct event *timer;
	struct flush *next;
};

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
	static const struct timeval soon = {.tv_sec = FLUSH_AGAIN};
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
is_theirs(const char *domain, const char *reason, void *arg)
{
	const struct flush *f = arg;

	(void)reason;
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

/* --- Probes -------------------------------------------------------------- */

/* As many as may be asked for at a time. */
static void
probe_next(struct run *r)
{
	struct probe *p;

	while (r->probing < PROBES_MAX && (p = r->waiting) != NULL) {
		r->waiting = p->next;
		r->probing++;
		starter_ask(r->starter, p->partner);
		free(p);
	}
}

/* The starter tells of one, or that it is gone: then we must begin anew. */
static void
on_started(const char *what, const struct err *e, void *arg)
{
	struct run *r = arg;
	bool all = what != NULL && strcmp(what, STARTER_ALL) == 0;
	bool one = what != NULL && !all;

	/* 1: a gateway fails, which is what we want to know. */
	if (e != NULL && e->code != 1)
		logline(LOGLINE_ERROR, "%s%s%s", one ? what : "",
		    one ? ": " : "", e->text);
	if (all) {
		r->sweeping = false;
	} else if (one) {
		r->probing--;
		take(r, &(struct warden_news){
			    .what = WARDEN_PROBED, .partner = what});
		probe_next(r);
	} else {
		r->code = e->code;
		(void)event_base_loopbreak(r->base);
	}
}

static void
do_probe(void *ctx, const char *partner)
{
	struct run *r = ctx;
	struct probe *p = mem_zero(1, sizeof(*p)), **at;

	(void)strncpy(p->partner, partner, REGISTRY_NAME_MAX);
	for (at = &r->waiting; *at != NULL; at = &(*at)->next)
		;
	*at = p;
	probe_next(r);
}

static void
do_sweep(void *ctx)
{
	struct run *r = ctx;

	if (r->sweeping)
		return;
	r->sweeping = true;
	starter_ask(r->starter, STARTER_ALL);
}

/* --- The map ------------------------------------------------------------- */

static void
on_compiled(const struct child_end *end, void *arg)
{
	struct run *r = arg;
	struct err e = {.text = ""};
	bool well = child_well(end, "tlspact-compile", &e);

	take(r, &(struct warden_news){
		    WARDEN_COMPILED, .why = well		? NULL
					    : *end->err == '\0' ? e.text
								: end->err});
}

static void
do_compile(void *ctx)
{
	struct run *r = ctx;
	const char **argv =
	    program_argv(*r->set->compile_command != '\0'
			     ? mem_dup(r->set->compile_command)
			     : program_beside("tlspact-compile"),
		NULL, r->args);
	struct child_work w = {.argv = argv,
	    .seconds = COMPILE_SECONDS,
	    .fn = on_compiled,
	    .arg = r};
	struct err e;

	if (children_run(r->children, &w, &e) == -1)
		take(r, &(struct warden_news){
			    .what = WARDEN_COMPILED, .why = e.text});
	program_argv_free(argv);
}

static void
do_flush(void *ctx, const char *partner)
{
	struct run *r = ctx;

	warden_flush(&r->flushes, partner);
}

/* --- Letters ------------------------------------------------------------- */

static void
part_over(struct run *r)
{
	struct letter *l = &r->letter;
	char *why;

	if (--l->left > 0)
		return;
	why = *l->why == '\0' ? NULL : mem_dup(l->why);
	*l->why = '\0';
	take(r, &(struct warden_news){
		    .what = WARDEN_SENT, .id = l->id, .why = why});
	free(why);
}

static void
on_part(const char *why, void *arg)
{
	struct part *p = arg;
	struct letter *l = &p->run->letter;

	if (why == NULL)
		l->done |= p->bit;
	else
		(void)snprintf(l->why, sizeof(l->why), "%s", why);
	part_over(p->run);
}

/* What went out before the letter failed is not sent again. */
static void
do_send(void *ctx, const struct warden_letter *letter)
{
	struct run *r = ctx;
	struct letter *l = &r->letter;
	struct err e;
	size_t i;

	if (l->id != letter->id)
		*l = (struct letter){.id = letter->id};
	l->left = 1;
	for (i = 0; i < PARTS_MAX; i++) {
		struct part *p = &r->part[i];
		int rv = 0;

		*p = (struct part){.run = r, .bit = 1u << i};
		if ((l->done & p->bit) != 0)
			continue;
		l->left++;
		if (i < letter->nmails)
			rv = mailout_send(r->children,
			    &(struct mailout){.sendmail = r->set->sendmail,
				.config = r->set->postfix_config,
				.to = &letter->mail[i].to,
				.nto = 1},
			    letter->mail[i].text, on_part, p, &e);
		else if (i == PARTS_MAX - 1 &&
			 *r->set->notify_command != '\0' &&
			 letter->json != NULL)
			rv = mailout_send(r->children,
			    &(struct mailout){
				.command = r->set->notify_command},
			    letter->json, on_part, p, &e);
		else
			l->left--;
		if (rv == -1)
			on_part(e.text, p);
	}
	part_over(r);
}

/* --- Life ---------------------------------------------------------------- */

/* One warden a ledger. */
static bool
locked(struct run *r)
{
	struct owned at;
	struct err e;

	if (r->lock == -1) {
		if (owned_find(&at, r->set->ledger, true, &e) == 0) {
			r->lock = owned_lock_file(&at, ".warden", &e);
			owned_release(&at);
		}
		if (r->lock == -1)
			logline(LOGLINE_ERROR, "%s", e.text);
	}
	return r->lock != -1 && flock(r->lock, LOCK_EX | LOCK_NB) == 0;
}

static void
start_warden(struct run *r, time_t now)
{
	struct err e;

	if (now < r->start_next && r->start_next - now <= START_AGAIN)
		return;
	if (!locked(r)) {
		if (r->lock != -1 && !r->second)
			logline(LOGLINE_INFO,
			    "another warden keeps %s; this one waits for its "
			    "end",
			    r->set->ledger);
		r->second = r->lock != -1;
		r->start_next = now + 1;
		return;
	}
	if (warden_start(r->warden, now, &e) == 0) {
		r->started = true;
		logline(LOGLINE_INFO, "keeping %s", r->set->ledger);
		return;
	}
	r->start_next = now + START_AGAIN;
	logline(LOGLINE_ERROR,
	    "%s; nothing is lowered or restored until that is mended; next "
	    "try in %d s",
	    e.text, START_AGAIN);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	if (r->started)
		warden_tick(r->warden, time(NULL));
	else
		start_warden(r, time(NULL));
}

static void
on_parent(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;
	char byte;

	(void)what;
	if (read(fd, &byte, 1) == 0)
		(void)event_base_loopbreak(r->base);
}

static void
on_end(evutil_socket_t sig, short what, void *arg)
{
	struct run *r = arg;

	(void)sig;
	(void)what;
	(void)event_base_loopbreak(r->base);
}

static void
on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct run *r = arg;

	(void)sig;
	(void)what;
	take(r, &(struct warden_news){.what = WARDEN_CHANGED});
}

static void
start(struct run *r)
{
	static const struct timeval tick = {.tv_usec = TICK_US};
	const struct warden_calls calls = {.ctx = r,
	    .probe = do_probe,
	    .sweep = do_sweep,
	    .compile = do_compile,
	    .flush = do_flush,
	    .send = do_send};
	const int sigs[] = {SIGTERM, SIGINT, SIGHUP};
	struct stat st;
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN);
	r->children = children_new(r->base);
	r->warden = warden_new(r->set, &calls);
	r->flushes = (struct warden_flushes){.set = r->set,
	    .base = r->base,
	    .children = r->children,
	    .warden = r->warden};
	for (i = 0; i < 3; i++) {
		r->signal[i] = evsignal_new(r->base, sigs[i],
		    sigs[i] == SIGHUP ? on_reload : on_end, r);
		(void)event_add(r->signal[i], NULL);
	}
	r->tick = event_new(r->base, -1, EV_PERSIST, on_tick, r);
	(void)event_add(r->tick, &tick);
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISFIFO(st.st_mode)) {
		r->parent = event_new(
		    r->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_parent, r);
		(void)event_add(r->parent, NULL);
	}
	starter_listen(r->starter, r->base, on_started, r);
	start_warden(r, time(NULL));
}

static void
release(struct run *r)
{
	struct probe *p;
	size_t i;

	children_free(r->children);
	starter_end(r->starter);
	program_argv_free(r->starts);
	while ((p = r->waiting) != NULL) {
		r->waiting = p->next;
		free(p);
	}
	warden_flushes_end(&r->flushes);
	warden_free(r->warden);
	for (i = 0; i < 3; i++)
		event_free(r->signal[i]);
	event_free(r->tick);
	if (r->parent != NULL)
		event_free(r->parent);
	if (r->lock != -1)
		close(r->lock);
	event_base_free(r->base);
	libevent_global_shutdown();
}

/*
 * Leave somebody behind who may start probes, and become the account if we
 * are root.
 */
static int
step_down(struct run *r, struct err *e)
{
	r->starts =
	    program_argv(program_beside("tlspact-probe"), NULL, r->args);
	r->starter =
	    starter_start(r->starts, (int)r->set->probe_timeout * 4 + 60, e);
	if (r->starter == NULL)
		return -1;
	return *r->set->service_user == '\0'
		   ? 0
		   : process_become(r->set->service_user, true, e);
}

int
warden_run(const struct settings *set, const char *const *args)
{
	static struct run r;
	struct err e;

	r = (struct run){.set = set, .args = args, .lock = -1};
	if (step_down(&r, &e) == -1) {
		logline(LOGLINE_ERROR, "%s", e.text);
		return e.code;
	}
	r.base = event_base_new();
	if (r.base == NULL) {
		logline(LOGLINE_ERROR, "no event loop: %s", strerror(errno));
		return EX_OSERR;
	}
	start(&r);
	(void)event_base_dispatch(r.base);
	release(&r);
	return r.code;
}

/* --- The parent's side: keep one running --------------------------------- */

void
warden_guard_init(struct warden_guard *g, const char *const *args,
    bool foreground, bool verbose)
{
	const char *first[4] = {WARDEN_OPTION};
	size_t n = 1;

	if (foreground)
		first[n++] = "-d";
	if (verbose)
		first[n++] = "-v";
	g->argv = program_argv(program_beside(NULL), first, args);
	g->pipe = -1;
	g->wait = 1;
	g->on = true;
}

static void
let_go(struct warden_guard *g)
{
	if (g->pipe != -1)
		close(g->pipe);
	g->pipe = -1;
}

/* Has it ended? */
static void
reap(struct warden_guard *g, time_t now)
{
	int status;

	if (g->pid == 0 || waitpid(g->pid, &status, WNOHANG) != g->pid)
		return;
	g->pid = 0;
	let_go(g);
	if (!g->on)
		return;
	if (now - g->started >= GUARD_STABLE)
		g->wait = 1;
	g->next = now + (time_t)g->wait;
	logline(LOGLINE_ERROR,
	    "the warden ended (%s %d); the next one starts in %u s",
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
	    g->wait);
	g->wait = g->wait * 2 > GUARD_WAIT ? GUARD_WAIT : g->wait * 2;
}

void
warden_guard_tick(struct warden_guard *g, time_t now, bool changed)
{
	struct err e;
	int p[2];

	reap(g, now);
	if (changed && g->pid != 0)
		(void)kill(g->pid, SIGHUP);
	if (!g->on || g->pid != 0 || now < g->next)
		return;
	g->next = now + (time_t)g->wait;
	if (pipe2(p, O_CLOEXEC) == -1) {
		logline(LOGLINE_ERROR, "no pipe for the warden: %s",
		    strerror(errno));
		return;
	}
	g->pid = program_start(g->argv, p[0], -1, -1, &e);
	close(p[0]);
	g->pipe = p[1];
	if (g->pid != -1) {
		g->started = now;
		return;
	}
	g->pid = 0;
	let_go(g);
	logline(LOGLINE_ERROR, "%s", e.text);
}

void
warden_guard_end(struct warden_guard *g)
{
	if (g->argv == NULL)
		return;
	g->on = false;
	let_go(g);
	program_argv_free(g->argv);
	g->argv = NULL;
}
