/*
 * The process: an event loop around the warden, and the programs that do
 * its work.
 */
#include "warden_run.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
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
#include "warden_flush.h"
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
#define SWEEP_SECONDS 7200
#define START_AGAIN 10
#define PARTS_MAX 3 /* of a letter: two mails, one command */

struct probe {
	struct run *run;
	char partner[REGISTRY_NAME_MAX + 1];
	struct probe *next; /* that waits */
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
	size_t nargs;
	struct event_base *base;
	struct children *children;
	struct warden *warden;
	struct event *tick, *parent, *signal[3];
	struct probe *probes; /* that wait */
	struct starter *starter;
	const char **starts; /* what it starts */
	char *starts_path;
	struct probe *asked; /* of the starter */
	int code;
	struct warden_flushes flushes;
	unsigned probing;
	bool sweeping, started;
	int lock;
	time_t start_next;
	struct letter letter;
	struct part part[PARTS_MAX];
};

/* --- Programs of ours ---------------------------------------------------- */

/* NAME OPTIONS... LAST, beside this program. The caller frees both. */
static const char **
command(const struct run *r, const char *name, const char *last, char **path)
{
	const char **argv = mem_zero(r->nargs + 3, sizeof(*argv));
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len < 0 ? 0 : len] = '\0';
	*path = len <= 0 ? mem_dup(name)
			 : mem_printf("%.*s/%s",
			       (int)(strrchr(self, '/') - self), self, name);
	argv[0] = *path;
	memcpy(argv + 1, r->args, r->nargs * sizeof(*argv));
	argv[1 + r->nargs] = last;
	return argv;
}

static int
start_program(struct run *r, const char *name, const char *last, int seconds,
    child_fn *fn, void *arg, bool own, struct err *e)
{
	struct child_work w = {
	    .seconds = seconds, .fn = fn, .arg = arg, .own = own};
	char *path;
	const char **argv = command(r, name, last, &path);
	int rv;

	w.argv = argv;
	rv = children_run(r->children, &w, e);
	free(argv);
	free(path);
	return rv;
}

/* --- Probes -------------------------------------------------------------- */

static void probe_next(struct run *r);

static int
probe_seconds(const struct settings *s)
{
	return (int)s->probe_timeout * 4 + 60;
}

/* why: NULL if it went well, all gateways being so. */
static void
probed(struct probe *p, const struct err *why)
{
	struct run *r = p->run;

	/* 1: a gateway fails, which is what we want to know. */
	if (why != NULL && why->code != 1)
		logline(LOGLINE_ERROR, "%s: %s", p->partner, why->text);
	r->probing--;
	warden_probed(r->warden, p->partner, time(NULL));
	free(p);
	probe_next(r);
}

static void
on_probed(const struct child_end *end, void *arg)
{
	struct err e;

	probed(arg, child_well(end, "tlspact-probe", &e) ? NULL : &e);
}

static void
swept(struct run *r, const struct err *why)
{
	r->sweeping = false;
	if (why != NULL && why->code != 1)
		logline(LOGLINE_ERROR, "%s", why->text);
}

/* The starter tells of one, or that it is gone: then we must begin anew. */
static void
on_started(const char *what, const struct err *e, void *arg)
{
	struct run *r = arg;
	struct probe **at, *p;

	if (what == NULL) {
		logline(LOGLINE_ERROR, "%s", e->text);
		r->code = e->code;
		(void)event_base_loopbreak(r->base);
		return;
	}
	if (strcmp(what, STARTER_ALL) == 0) {
		swept(r, e);
		return;
	}
	for (at = &r->asked; (p = *at) != NULL; at = &p->next)
		if (strcmp(p->partner, what) == 0) {
			*at = p->next;
			probed(p, e);
			return;
		}
}

static void
probe_next(struct run *r)
{
	struct probe *p;
	struct err e;

	while (r->probing < PROBES_MAX && (p = r->probes) != NULL) {
		r->probes = p->next;
		if (r->starter != NULL) {
			r->probing++;
			p->next = r->asked;
			r->asked = p;
			starter_ask(r->starter, p->partner);
			continue;
		}
		if (start_program(r, "tlspact-probe", p->partner,
			probe_seconds(r->set), on_probed, p, true, &e) == 0) {
			r->probing++;
			continue;
		}
		logline(LOGLINE_ERROR, "%s", e.text);
		warden_probed(r->warden, p->partner, time(NULL));
		free(p);
	}
}

static void
do_probe(void *ctx, const char *partner)
{
	struct run *r = ctx;
	struct probe *p = mem_zero(1, sizeof(*p)), **at;

	p->run = r;
	(void)strncpy(p->partner, partner, REGISTRY_NAME_MAX);
	for (at = &r->probes; *at != NULL; at = &(*at)->next)
		;
	*at = p;
	probe_next(r);
}

static void
on_swept(const struct child_end *end, void *arg)
{
	struct err e;

	swept(arg, child_well(end, "tlspact-probe", &e) ? NULL : &e);
}

static void
do_sweep(void *ctx)
{
	struct run *r = ctx;
	struct err e;

	if (r->sweeping)
		return;
	if (r->starter != NULL) {
		r->sweeping = true;
		starter_ask(r->starter, STARTER_ALL);
		return;
	}
	if (start_program(r, "tlspact-probe", "--all", SWEEP_SECONDS, on_swept,
		r, false, &e) == 0)
		r->sweeping = true;
	else
		logline(LOGLINE_ERROR, "%s", e.text);
}

/* --- The map ------------------------------------------------------------- */

static void
on_compiled(const struct child_end *end, void *arg)
{
	struct run *r = arg;
	struct err e = {.text = ""};
	bool well = child_well(end, "tlspact-compile", &e);

	warden_compiled(
	    r->warden, well, *end->err == '\0' ? e.text : end->err, time(NULL));
}

static void
do_compile(void *ctx)
{
	struct run *r = ctx;
	struct err e;

	if (*r->set->compile_command != '\0') {
		const char **argv = mem_zero(r->nargs + 2, sizeof(*argv));
		struct child_work w = {.argv = argv,
		    .seconds = COMPILE_SECONDS,
		    .fn = on_compiled,
		    .arg = r};
		int rv;

		argv[0] = r->set->compile_command;
		memcpy(argv + 1, r->args, r->nargs * sizeof(*argv));
		rv = children_run(r->children, &w, &e);
		free(argv);
		if (rv == 0)
			return;
	} else if (start_program(r, "tlspact-compile", NULL, COMPILE_SECONDS,
		       on_compiled, r, false, &e) == 0) {
		return;
	}
	warden_compiled(r->warden, false, e.text, time(NULL));
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
	warden_sent(r->warden, l->id, why, time(NULL));
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
			rv = mailout_send(r->children, r->set->sendmail,
			    r->set->postfix_config, letter->mail[i].to,
			    letter->mail[i].nto, letter->mail[i].text, on_part,
			    p, &e);
		else if (i == PARTS_MAX - 1 &&
			 *r->set->notify_command != '\0' &&
			 letter->json != NULL)
			rv = mailout_tell(r->children, r->set->notify_command,
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
	warden_reload(r->warden);
}

/* Where Debian keeps postqueue, which a service's PATH may lack. */
static void
widen_path(void)
{
	const char *old = getenv("PATH");
	char *path;

	path = mem_printf("%s:/usr/sbin:/sbin", old == NULL ? "/usr/bin" : old);
	(void)setenv("PATH", path, 1);
	free(path);
}

static void
start(struct run *r)
{
	static const struct timeval tick = {.tv_usec = TICK_US};
	const struct warden_hands hands = {.ctx = r,
	    .probe = do_probe,
	    .sweep = do_sweep,
	    .compile = do_compile,
	    .flush = do_flush,
	    .send = do_send};
	const int sigs[] = {SIGTERM, SIGINT, SIGHUP};
	struct stat st;
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN);
	widen_path();
	r->children = children_new(r->base);
	r->warden = warden_new(r->set, &hands);
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
	if (r->starter != NULL)
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
	free(r->starts);
	free(r->starts_path);
	while ((p = r->asked) != NULL) {
		r->asked = p->next;
		free(p);
	}
	while ((p = r->probes) != NULL) {
		r->probes = p->next;
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

/* Root leaves somebody behind who may start probes, and becomes the account. */
static int
step_down(struct run *r, struct err *e)
{
	if (geteuid() != 0 || *r->set->service_user == '\0')
		return 0;
	r->starts = command(r, "tlspact-probe", NULL, &r->starts_path);
	r->starter = starter_start(r->starts, probe_seconds(r->set), e);
	return r->starter == NULL
		   ? -1
		   : process_become_here(r->set->service_user, e);
}

int
warden_run(const struct settings *set, const char *const *args, size_t nargs)
{
	static struct run r;
	struct err e;

	r = (struct run){.set = set, .args = args, .nargs = nargs, .lock = -1};
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
