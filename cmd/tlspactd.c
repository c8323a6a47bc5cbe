/*
 * tlspactd: answers smtpd(8) about mail that comes in, and smtp(8) about
 * mail that goes out.
 *
 * One thread, one map, and no decision of its own: what it says follows
 * from policy.cdb alone. Nothing here may wait: not for a client, not for
 * the disk, not for a map of any size.
 */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "conn.h"
#include "err.h"
#include "failing.h"
#include "file.h"
#include "freshmap.h"
#include "listener.h"
#include "logline.h"
#include "maprecord.h"
#include "mem.h"
#include "metrics.h"
#include "options.h"
#include "process.h"
#include "say.h"
#include "sdnotify.h"
#include "service.h"
#include "settings.h"
#include "warden_run.h"

#define SPARE_FILES 64	   /* descriptors beside those of clients */
#define FAILING_FRESH 7200 /* seconds a probe's result counts */
#define FAILING_AGAIN 30   /* seconds between two looks into the ledger */
#define OURS_AGAIN 600	   /* the same, at the configuration of Postfix */
#define DRAIN_SECONDS 5	   /* patience at the end with half-sent requests */

/* What children find out: who fails; what our own Postfix does. */
enum { FAILING, OURS, QUESTIONS };
struct question {
	struct task *task; /* NULL: it is not being asked */
	time_t next;
};

struct daemon {
	struct options opt;
	bool foreground, only_warden;
	struct settings set;
	struct event_base *base;
	struct service service;
	struct conn_protocol protocol[SERVICE_KINDS];
	bool serving[SERVICE_KINDS];
	struct listener listener[SERVICE_KINDS];
	struct conns *conns;
	struct freshmap map;
	const char **again; /* -C and -o, for others of ours */
	struct warden_guard warden;
	struct event *tick;
	struct event *signal[4];
	struct failing failing; /* see outbound_failing */
	struct question ask[QUESTIONS];
	struct logline_limit complaints;
	time_t metrics_next, watchdog_next, drain_end;
	uint64_t watchdog;
	bool draining; /* told to end */
};

static const struct options_row rows[] = {
    {'d', "debug", NULL, "log for a person at a terminal", OPTIONS_FLAG,
	.at = offsetof(struct daemon, foreground)},
    OPTIONS_SETTINGS,
    {0, "warden", NULL, "lower, restore and tell; answer nobody", OPTIONS_FLAG,
	.at = offsetof(struct daemon, only_warden)},
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspactd",
    .synopsis = "[-dv] [-C FILE] [-o NAME=VALUE]...\n"
		"--warden [-dv] [-C FILE] [-o NAME=VALUE]...\n",
    .about = "Answer Postfix about mail from and to partners.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
};

/* --- Time --------------------------------------------------------------- */

static time_t
seconds(void)
{
	return (time_t)(clock_ns() / 1000000000);
}

static void
write_metrics(struct daemon *d)
{
	const struct metrics_of f = {.service = &d->service,
	    .socketmap = d->serving[SERVICE_SOCKETMAP]
			     ? &d->protocol[SERVICE_SOCKETMAP]
			     : NULL,
	    .policy = d->serving[SERVICE_POLICY] ? &d->protocol[SERVICE_POLICY]
						 : NULL,
	    .conns = d->conns,
	    .map = &d->map};
	static bool said;
	struct buf text = {0};
	struct err e;

	metrics_print(&f, time(NULL), &text);
	if (file_replace(d->set.metrics_file, text.data, text.len, NULL, &e) ==
	    0)
		said = false;
	else if (!said) {
		said = true;
		logline(LOGLINE_ERROR, "%s", e.text);
	}
	buf_free(&text);
}

/* The ledger may be large, and its disk slow: a child looks into it. */
static int
look_for_failing(void *arg, struct buf *out, struct err *e)
{
	const struct daemon *d = arg;

	return failing_print(
	    d->set.evidence, d->set.ledger, time(NULL) - FAILING_FRESH, out, e);
}

static void
on_failing(void *arg, const char *text, size_t len, const struct err *e)
{
	struct daemon *d = arg;

	d->ask[FAILING].task = NULL;
	/* What was known is worth less with each minute: forget it. */
	failing_take(&d->failing, text == NULL ? "" : text, len);
	if (text == NULL && logline_may(&d->complaints, "the ledger"))
		logline(LOGLINE_ERROR, "outbound_failing: %s", e->text);
}

/* What our own Postfix offers can be changed at any time. */
static int
ask_postfix(void *arg, struct buf *out, struct err *e)
{
	const struct daemon *d = arg;

	return ours_print(d->set.postfix_config, out, e);
}

static void
on_ours(void *arg, const char *text, size_t len, const struct err *e)
{
	struct daemon *d = arg;

	d->ask[OURS].task = NULL;
	if (text == NULL) {
		logline(LOGLINE_DEBUG, "postconf: %s", e->text);
		return;
	}
	ours_parse(&d->service.ours, text, len);
	d->service.tls_seen = false;
	if (d->service.ours.no_tls)
		logline(LOGLINE_WARNING,
		    "no smtpd of ours offers TLS (see tlspact-setup check): "
		    "mail of enforced partners waits");
}

/* Have a child find out what may take a while, now and then. */
static void
ask(struct daemon *d, time_t now)
{
	const struct {
		bool wanted;
		const char *name;
		task_work *work;
		task_done *done;
		time_t every;
	} questions[] = {[FAILING] = {d->set.outbound_failing != OUTBOUND_DUNNO,
			     "outbound_failing", look_for_failing, on_failing,
			     FAILING_AGAIN},
	    [OURS] = {d->serving[SERVICE_POLICY], "postconf", ask_postfix,
		on_ours, OURS_AGAIN}};
	struct err e;
	size_t i;

	for (i = 0; i < QUESTIONS; i++) {
		struct question *q = &d->ask[i];

		if (!questions[i].wanted || q->task != NULL || now < q->next)
			continue;
		q->next = now + questions[i].every;
		q->task = task_start(
		    d->base, questions[i].work, questions[i].done, d, &e);
		if (q->task == NULL)
			logline(
			    LOGLINE_ERROR, "%s: %s", questions[i].name, e.text);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	time_t now = seconds();

	(void)fd;
	(void)what;
	if (d->draining) {
		if (conns_sum(d->conns).clients == 0 || now >= d->drain_end)
			(void)event_base_loopbreak(d->base);
		return;
	}
	freshmap_tick(&d->map, now, false);
	warden_guard_tick(&d->warden, now, false);
	ask(d, now);
	if (*d->set.metrics_file != '\0' && now >= d->metrics_next) {
		d->metrics_next = now + (time_t)d->set.metrics_interval;
		write_metrics(d);
	}
	if (d->watchdog != 0 && now >= d->watchdog_next) {
		d->watchdog_next = now + (time_t)d->watchdog;
		sdnotify("WATCHDOG=1");
	}
}

static void
on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)sig;
	(void)what;
	logline(LOGLINE_INFO, "told to look at the map again");
	freshmap_tick(&d->map, seconds(), true);
	d->ask[OURS].next = 0;
	warden_guard_tick(&d->warden, seconds(), true);
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)sig;
	(void)what;
	if (d->draining)
		return;
	warden_guard_tick(&d->warden, seconds(), false);
}

/* Take nobody new, answer what is on its way, end. */
static void
on_end(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (d->draining) {
		(void)event_base_loopbreak(d->base);
		return;
	}
	logline(LOGLINE_INFO, "told to end by signal %d", (int)sig);
	sdnotify("STOPPING=1");
	warden_guard_end(&d->warden);
	d->draining = true;
	d->drain_end = seconds() + DRAIN_SECONDS;
	conns_drain(d->conns);
	if (conns_sum(d->conns).clients == 0)
		(void)event_base_loopbreak(d->base);
}

/* --- Start -------------------------------------------------------------- */

static int
open_listeners(struct daemon *d, struct err *e)
{
	const char *address[] = {[SERVICE_SOCKETMAP] = d->set.socketmap_socket,
	    [SERVICE_POLICY] = d->set.policy_socket};
	static const char *const name[] = {
	    [SERVICE_SOCKETMAP] = "socketmap", [SERVICE_POLICY] = "policy"};
	struct listener_file file = {.group = d->set.socket_group,
	    .user = d->set.service_user,
	    .mode = (mode_t)strtoul(d->set.socket_mode, NULL, 8)};
	struct listener *l;
	int i, n = 0;

	for (i = 0; i < SERVICE_KINDS; i++) {
		if (*address[i] == '\0')
			continue;
		l = &d->listener[i];
		if (listener_open(l, address[i], name[i], &file, e) == -1)
			return -1;
		d->serving[i] = true;
		if (l->made_directory)
			logline(LOGLINE_INFO, "%s: made the folder of %s",
			    name[i], address[i]);
		logline(LOGLINE_INFO, "%s: listening on %s%s", name[i],
		    address[i], l->inherited ? ", handed over by systemd" : "");
		n++;
	}
	if (n == 0)
		return err_set(e, EX_CONFIG,
		    "policy_socket and socketmap_socket are both empty");
	return 0;
}

static void
limit_clients(struct daemon *d)
{
	uint64_t want = d->set.max_clients + SPARE_FILES;
	uint64_t n = process_files(want);

	if (n >= want)
		return;
	d->set.max_clients = n > 2 * SPARE_FILES ? n - SPARE_FILES : 1;
	logline(LOGLINE_WARNING,
	    "no more than %" PRIu64 " files may be open: max_clients is "
	    "%" PRIu64,
	    n, d->set.max_clients);
}

static void
start_loop(struct daemon *d)
{
	static const struct timeval second = {.tv_sec = 1};
	const struct {
		int sig;
		event_callback_fn fn;
	} signals[] = {{SIGHUP, on_reload}, {SIGTERM, on_end}, {SIGINT, on_end},
	    {SIGCHLD, on_child}};
	struct conn_source from[SERVICE_KINDS];
	size_t i, n = 0;

	for (i = 0; i < SERVICE_KINDS; i++)
		if (d->serving[i])
			from[n++] = (struct conn_source){
			    d->listener[i], &d->protocol[i]};
	d->conns = conns_new(
	    d->base, from, n, d->set.max_clients, d->set.client_timeout);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		d->signal[i] =
		    evsignal_new(d->base, signals[i].sig, signals[i].fn, d);
		(void)event_add(d->signal[i], NULL);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	(void)event_add(d->tick, &second);
}

/* 0, or the exit code, everything being said. */
static int
start(struct daemon *d)
{
	struct event_config *cfg;
	struct err e = {0};
	int code, i;

	limit_clients(d);
	if (d->set.warden == 1)
		warden_guard_init(
		    &d->warden, d->again, d->foreground, d->opt.verbose);
	if (open_listeners(d, &e) == -1 ||
	    (*d->set.service_user != '\0' &&
		process_become(d->set.service_user, false, &e) == -1)) {
		logline(LOGLINE_ERROR, "%s", e.text);
		return e.code;
	}
	cfg = event_config_new();
	(void)event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	d->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	if (d->base == NULL) {
		logline(LOGLINE_ERROR, "no event loop: %s", strerror(errno));
		return EX_OSERR;
	}
	for (i = 0; i < SERVICE_KINDS; i++)
		service_protocol(
		    &d->service, (enum service_kind)i, &d->protocol[i]);
	d->service.failing = &d->failing;
	d->service.contact = d->set.operator_;
	d->service.naming.base = d->base;
	d->service.naming.registry = d->set.registry;
	d->service.outbound_failing = (enum verdict)d->set.outbound_failing;
	code = freshmap_start(&d->map, &d->set, d->again, &d->service, d->base);
	if (code != EX_OK)
		return code;
	start_loop(d);
	ask(d, seconds());
	d->watchdog = sdnotify_watchdog();
	sdnotify("READY=1");
	return EX_OK;
}

static void
release(struct daemon *d)
{
	size_t i;

	for (i = 0; d->conns == NULL && i < SERVICE_KINDS; i++)
		if (d->serving[i])
			listener_close(&d->listener[i]);
	for (i = 0; i < sizeof(d->signal) / sizeof(d->signal[0]); i++)
		if (d->signal[i] != NULL)
			event_free(d->signal[i]);
	if (d->tick != NULL)
		event_free(d->tick);
	conns_free(d->conns);
	naming_release(&d->service.naming);
	task_cancel(d->ask[FAILING].task);
	task_cancel(d->ask[OURS].task);
	failing_take(&d->failing, "", 0);
	freshmap_release(&d->map);
	free(d->again);
	warden_guard_end(&d->warden);
	if (d->base != NULL)
		event_base_free(d->base);
	libevent_global_shutdown();
	settings_free(&d->set);
}

int
main(int argc, char *argv[])
{
	static const enum logline_level levels[] = {
	    [LOG_LEVEL_ERROR] = LOGLINE_ERROR,
	    [LOG_LEVEL_INFO] = LOGLINE_INFO,
	    [LOG_LEVEL_DEBUG] = LOGLINE_DEBUG};
	static struct daemon d;
	int code;

	say_init(table.program);
	options_read(&table, argc, argv, &d);
	d.again = options_again(&d.opt);
	code = options_settings(&d.opt, &d.set);
	if (code == EX_OK) {
		logline_init(d.only_warden ? "tlspactd warden" : "tlspactd",
		    d.opt.verbose ? LOGLINE_DEBUG : levels[d.set.log_level],
		    d.foreground);
		if (d.only_warden)
			code = warden_run(&d.set, d.again);
		else if ((code = start(&d)) == EX_OK)
			(void)event_base_dispatch(d.base);
	}
	release(&d);
	return code;
}
