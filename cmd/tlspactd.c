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
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "acceptor.h"
#include "buf.h"
#include "conn.h"
#include "diag.h"
#include "err.h"
#include "filewatch.h"
#include "keeper_run.h"
#include "listener.h"
#include "livemap.h"
#include "logline.h"
#include "mapheader.h"
#include "mem.h"
#include "num.h"
#include "process.h"
#include "quote.h"
#include "recompile.h"
#include "replace.h"
#include "say.h"
#include "sdnotify.h"
#include "service.h"
#include "settings.h"
#include "steady.h"

#define LOAD_SLICE 200000 /* ns of work on a new map between requests */
#define SPARE_FILES 64	  /* descriptors beside those of clients */
#define DRAIN_SECONDS 5	  /* patience at the end with half-sent requests */

enum { SOCKETMAP, POLICY, SERVICES };

struct options {
	struct settings_options settings;
	struct recompile *recompile; /* is given the same -C and -o */
	bool foreground, verbose, keeper;
};

struct daemon {
	struct options opt;
	struct settings set;
	struct diags diags;
	struct event_base *base;
	struct service service;
	struct conn_protocol protocol[SERVICES];
	bool serving[SERVICES];
	struct acceptors acceptors;
	struct conns *conns;
	struct livemap *map;
	struct event *loading;
	struct event *tick;
	struct event *watching;
	struct event *signal[4];
	int files; /* watched for a new map; -1 */
	struct recompile recompile;
	struct keeper_guard keeper;
	struct logline_limit complaints;
	time_t metrics_next, watchdog_next, drain_end;
	uint64_t watchdog;
	uint64_t maps_loaded, maps_refused;
	bool draining; /* told to end */
};

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: tlspactd [-dv] [-C FILE] [-o NAME=VALUE]...\n"
	    "Answer Postfix about mail from and to partners.\n"
	    "  -d, --debug          log for a person at a terminal\n"
	    "  -C, --config FILE    settings (default " SYSCONFDIR SETTINGS_FILE
	    ")\n"
	    "  -o, --option NAME=VALUE  override one setting\n"
	    "  -v, --verbose  -h, --help  -V, --version\n");
}

static void
parse_options(int argc, char *argv[], struct options *opt)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'C'},
	    {"option", required_argument, NULL, 'o'},
	    {"debug", no_argument, NULL, 'd'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"keeper", no_argument, NULL, 'k'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int ch;

	recompile_argument(opt->recompile, NULL);
	while ((ch = getopt_long(argc, argv, "C:o:dvhV", longs, NULL)) != -1)
		switch (ch) {
		case 'C':
			opt->settings.file = optarg;
			recompile_argument(opt->recompile, "-C");
			recompile_argument(opt->recompile, optarg);
			break;
		case 'o':
			settings_option(&opt->settings, optarg);
			recompile_argument(opt->recompile, "-o");
			recompile_argument(opt->recompile, optarg);
			break;
		case 'd':
			opt->foreground = true;
			break;
		case 'v':
			opt->verbose = true;
			break;
		case 'k':
			opt->keeper = true;
			break;
		case 'h':
			usage(stdout);
			exit(EX_OK);
		case 'V':
			(void)printf("tlspactd %s\n", VERSION);
			exit(EX_OK);
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	if (optind != argc) {
		usage(stderr);
		exit(EX_USAGE);
	}
}

static time_t
seconds(void)
{
	return (time_t)(latency_now() / 1000000000);
}

/* --- The map ------------------------------------------------------------ */

static bool
is_expired(const struct daemon *d)
{
	const struct mapheader *h = livemap_header(d->map);

	return h->expires != 0 && steady_now(&d->service.clock) >= h->expires;
}

static void
tell_status(const struct daemon *d)
{
	const struct mapheader *h = livemap_header(d->map);
	char when[NUM_TIME_MAX];

	sdnotify("STATUS=%zu domains, %zu enforced, %zu lowered, compiled %s%s",
	    h->domains, h->enforced, h->lowered, num_time_text(h->time, when),
	    livemap_current(d->map) ? "" : "; the map on disk is no good");
}

static void
serve_map(struct daemon *d)
{
	static struct mapheader before;
	const struct mapheader *h = livemap_header(d->map);
	char when[NUM_TIME_MAX], end[NUM_TIME_MAX];

	/* The same one again leaves the clock alone. */
	if (d->maps_loaded == 0 || h->time != before.time)
		steady_start(&d->service.clock);
	before = *h;
	d->maps_loaded++;
	d->service.lookup = (struct lookup){.map = livemap_map(d->map),
	    .filter = livemap_filter(d->map),
	    .lowered = h->lowered > 0};
	d->recompile.next = 0;
	logline(LOGLINE_INFO,
	    "serving %zu domains, %zu enforced, %zu lowered, compiled %s; "
	    "next change %s",
	    h->domains, h->enforced, h->lowered, num_time_text(h->time, when),
	    h->expires == 0 ? "never" : num_time_text(h->expires, end));
	tell_status(d);
}

static void
map_event(struct daemon *d, enum livemap_event ev, const struct err *e)
{
	static const struct timeval at_once;
	char when[NUM_TIME_MAX];

	switch (ev) {
	case LIVEMAP_IDLE:
		break;
	case LIVEMAP_BUSY:
		(void)event_add(d->loading, &at_once);
		break;
	case LIVEMAP_NEW:
		serve_map(d);
		break;
	case LIVEMAP_REFUSED:
		d->maps_refused++;
		if (livemap_map(d->map) == NULL) {
			logline(LOGLINE_ERROR, "%s; run tlspact-compile first",
			    e->text);
			break;
		}
		logline(LOGLINE_ERROR, "%s; still serving the map compiled %s",
		    e->text, num_time_text(livemap_header(d->map)->time, when));
		tell_status(d);
		break;
	}
}

static void
look_at_map(struct daemon *d, bool again)
{
	struct err e;

	map_event(d, livemap_look(d->map, again, &e), &e);
}

static void
on_loading(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct err e;

	(void)fd;
	(void)what;
	map_event(d, livemap_step(d->map, LOAD_SLICE, &e), &e);
}

/* At the start there is nothing else to do. 0, or the exit code. */
static int
load_first(struct daemon *d)
{
	enum livemap_event ev;
	struct err e = {.code = EX_TEMPFAIL};

	d->map = livemap_new(d->set.map);
	ev = livemap_look(d->map, true, &e);
	while (ev == LIVEMAP_BUSY)
		ev = livemap_step(d->map, LOAD_SLICE, &e);
	if (ev == LIVEMAP_IDLE) /* it changed just then */
		ev = LIVEMAP_REFUSED;
	map_event(d, ev, &e);
	return ev == LIVEMAP_NEW ? EX_OK : e.code;
}

static void
on_file(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (filewatch_read(fd, d->set.map))
		look_at_map(d, false);
}

/* --- The compiler ------------------------------------------------------- */

static void
complain_of_compiler(const struct daemon *d, const struct err *e)
{
	logline(LOGLINE_ERROR,
	    "%s; %s keeps the downgrade, here it ends on time; next try in "
	    "%d s",
	    e->text, d->set.map, RECOMPILE_AGAIN);
}

static void
compile_if_due(struct daemon *d, time_t now)
{
	struct err e;

	if (!is_expired(d))
		return;
	switch (recompile_start(&d->recompile, now, &e)) {
	case 1:
		logline(LOGLINE_INFO, "a downgrade begins or ends: running %s",
		    d->recompile.argv[0]);
		break;
	case -1:
		complain_of_compiler(d, &e);
		break;
	}
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct err e;

	(void)sig;
	(void)what;
	if (recompile_reap(&d->recompile, &e) == -1)
		complain_of_compiler(d, &e);
	keeper_guard_reap(&d->keeper, seconds());
	look_at_map(d, false);
}

/* --- Clients ------------------------------------------------------------ */

static void
on_complaint(void *arg, const struct conn_protocol *p, const char *why)
{
	struct daemon *d = arg;

	if (logline_may(&d->complaints, "clients"))
		logline(LOGLINE_WARNING, "%s: client closed: %s", p->name, why);
}

static void
on_room(void *arg)
{
	struct daemon *d = arg;

	acceptors_resume(&d->acceptors);
}

/* --- Time --------------------------------------------------------------- */

static void
write_metrics(struct daemon *d)
{
	struct service_facts f = {
	    .socketmap = d->serving[SOCKETMAP] ? &d->protocol[SOCKETMAP] : NULL,
	    .policy = d->serving[POLICY] ? &d->protocol[POLICY] : NULL,
	    .header = livemap_header(d->map),
	    .current = livemap_current(d->map),
	    .clients = conns_count(d->conns),
	    .held = conns_held(d->conns),
	    .accepted = d->acceptors.accepted,
	    .maps_loaded = d->maps_loaded,
	    .maps_refused = d->maps_refused,
	    .compiles_failed = d->recompile.failed,
	    .now = time(NULL),
	    .expired = is_expired(d)};
	static bool said;
	struct buf text = {0};
	struct err e;

	service_metrics(&d->service, &f, &text);
	if (replace_file(d->set.metrics_file, text.data, text.len, &e) == 0)
		said = false;
	else if (!said) {
		said = true;
		logline(LOGLINE_ERROR, "%s", e.text);
	}
	buf_free(&text);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	time_t now = seconds();

	(void)fd;
	(void)what;
	conns_tick(d->conns);
	if (d->draining) {
		if (conns_count(d->conns) == 0 || now >= d->drain_end)
			(void)event_base_loopbreak(d->base);
		return;
	}
	acceptors_resume(&d->acceptors);
	look_at_map(d, false);
	compile_if_due(d, now);
	keeper_guard_tick(&d->keeper, now);
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
	(void)sig;
	(void)what;
	logline(LOGLINE_INFO, "told to look at the map again");
	look_at_map(arg, true);
	keeper_guard_reload(&((struct daemon *)arg)->keeper);
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
	keeper_guard_end(&d->keeper);
	acceptors_close(&d->acceptors);
	d->draining = true;
	d->drain_end = seconds() + DRAIN_SECONDS;
	conns_drain(d->conns);
	if (conns_count(d->conns) == 0)
		(void)event_base_loopbreak(d->base);
}

/* --- Start -------------------------------------------------------------- */

static int
open_listeners(struct daemon *d, struct err *e)
{
	const char *address[] = {[SOCKETMAP] = d->set.socketmap_socket,
	    [POLICY] = d->set.policy_socket};
	static const char *const name[] = {
	    [SOCKETMAP] = "socketmap", [POLICY] = "policy"};
	struct listener_file file = {.group = (gid_t)-1,
	    .mode = (mode_t)strtoul(d->set.socket_mode, NULL, 8)};
	const struct group *gr;
	struct listener l;
	int i, n = 0;

	if (*d->set.socket_group != '\0') {
		gr = getgrnam(d->set.socket_group);
		if (gr == NULL)
			return err_set(e, EX_CONFIG,
			    "there is no group %s (socket_group)",
			    quotes(d->set.socket_group).s);
		file.group = gr->gr_gid;
	}
	for (i = 0; i < SERVICES; i++) {
		if (*address[i] == '\0')
			continue;
		if (!listener_inherit(&l, address[i], name[i]) &&
		    listener_open(&l, address[i], &file, e) == -1)
			return -1;
		acceptors_add(&d->acceptors, &l, &d->protocol[i]);
		d->serving[i] = true;
		logline(LOGLINE_INFO, "%s: listening on %s%s", name[i],
		    address[i], l.inherited ? ", handed over by systemd" : "");
		n++;
	}
	if (n == 0)
		return err_set(e, EX_CONFIG,
		    "policy_socket and socketmap_socket are both empty");
	return 0;
}

static void
start_loop(struct daemon *d)
{
	static const struct timeval second = {.tv_sec = 1};
	const struct conns_owner owner = {
	    .arg = d, .complain = on_complaint, .room = on_room};
	const struct {
		int sig;
		event_callback_fn fn;
	} signals[] = {{SIGHUP, on_reload}, {SIGTERM, on_end}, {SIGINT, on_end},
	    {SIGCHLD, on_child}};
	size_t i;

	d->conns = conns_new(
	    d->base, d->set.max_clients, d->set.client_timeout, &owner);
	acceptors_start(&d->acceptors, d->base, d->conns);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		d->signal[i] =
		    evsignal_new(d->base, signals[i].sig, signals[i].fn, d);
		(void)event_add(d->signal[i], NULL);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	(void)event_add(d->tick, &second);
	/* Without it a change is seen by the next tick. */
	d->files = filewatch_open(d->set.map);
	if (d->files != -1) {
		d->watching = event_new(
		    d->base, d->files, EV_READ | EV_PERSIST, on_file, d);
		(void)event_add(d->watching, NULL);
	}
}

/* 0, or the exit code, everything being said. */
static int
start(struct daemon *d)
{
	struct event_config *cfg;
	struct err e = {0};
	int code;

	d->set.max_clients = process_clients(d->set.max_clients, SPARE_FILES);
	recompile_program(&d->recompile, d->set.compile_command);
	if (d->set.keeper == 1)
		keeper_guard_init(&d->keeper, d->recompile.argv + 1,
		    d->recompile.n - 2, d->opt.foreground, d->opt.verbose);
	if (open_listeners(d, &e) == -1 ||
	    (*d->set.service_user != '\0' &&
		process_become(d->set.service_user, &e) == -1)) {
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
	d->loading = evtimer_new(d->base, on_loading, d);
	service_socketmap(&d->service, &d->protocol[SOCKETMAP]);
	service_policy(&d->service, &d->protocol[POLICY]);
	d->service.contact = d->set.operator_;
	d->service.outbound_failing = (enum verdict)d->set.outbound_failing;
	if ((code = load_first(d)) != EX_OK)
		return code;
	start_loop(d);
	d->watchdog = sdnotify_watchdog();
	sdnotify("READY=1");
	return EX_OK;
}

static void
release(struct daemon *d)
{
	struct event *const other[] = {d->tick, d->watching, d->loading};
	size_t i;

	acceptors_close(&d->acceptors);
	for (i = 0; i < sizeof(d->signal) / sizeof(d->signal[0]); i++)
		if (d->signal[i] != NULL)
			event_free(d->signal[i]);
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (other[i] != NULL)
			event_free(other[i]);
	if (d->files != -1)
		close(d->files);
	conns_free(d->conns);
	livemap_free(d->map);
	if (d->base != NULL)
		event_base_free(d->base);
	libevent_global_shutdown();
	keeper_guard_end(&d->keeper);
	recompile_release(&d->recompile);
	diag_free(&d->diags);
	settings_free(&d->set);
}

int
main(int argc, char *argv[])
{
	static const enum logline_level levels[] = {
	    [LOG_LEVEL_ERROR] = LOGLINE_ERROR,
	    [LOG_LEVEL_INFO] = LOGLINE_INFO,
	    [LOG_LEVEL_DEBUG] = LOGLINE_DEBUG};
	static struct daemon d = {.files = -1, .opt.recompile = &d.recompile};
	struct err e = {0};
	int code;

	say_init("tlspactd");
	parse_options(argc, argv, &d.opt);
	if (settings_load(&d.set, &d.opt.settings, SYSCONFDIR SETTINGS_FILE,
		&d.diags, &e) == -1) {
		say_diags(&d.diags, true);
		if (d.diags.errors == 0)
			say_err(&e);
		code = d.diags.errors > 0 ? EX_CONFIG : e.code;
	} else {
		logline_init(d.opt.keeper ? "tlspactd keeper" : "tlspactd",
		    d.opt.verbose ? LOGLINE_DEBUG : levels[d.set.log_level],
		    d.opt.foreground);
		if (d.opt.keeper)
			code = keeper_run(
			    &d.set, d.recompile.argv + 1, d.recompile.n - 1);
		else if ((code = start(&d)) == EX_OK)
			(void)event_base_dispatch(d.base);
	}
	release(&d);
	return code;
}
