/*
 * tlspact-probe: look at partners' gateways as delivery would meet them.
 *
 * Every MX on every address: greeting, EHLO, STARTTLS, handshake, QUIT; never
 * a mail. The network is met by a process of its own (prober.h), and judged
 * here. Each result goes to the evidence as soon as it is there, so that
 * whatever ends this program early loses only what was under way.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "buf.h"
#include "common.h"
#include "err.h"
#include "fdio.h"
#include "judge.h"
#include "evidence.h"
#include "life.h"
#include "mem.h"
#include "netstring.h"
#include "num.h"
#include "options.h"
#include "owned.h"
#include "probemetrics.h"
#include "probeplan.h"
#include "proberecord.h"
#include "probereport.h"
#include "proberun.h"
#include "process.h"
#include "publish.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "smtpclient.h"

#define RATE 50		       /* connections a second, unless told */
#define PROGRESS_MS 200	       /* between two progress lines */
#define OUTPUT_WAIT_MS 10000   /* patience with another writer of --output */
#define OUTPUT_MAX (64u << 20) /* bytes of a result */
#define HEAP_SPARE (8 << 20)   /* bytes that stay with us */
#define SPARE_FILES 64	       /* descriptors beside those of sessions */

enum form { TABLE, JSON, NAGIOS, PROMETHEUS, ENFORCED };

struct run {
	struct options opt;
	int form; /* enum form */
	bool all, no_record;
	const char *output;
	uint64_t rate, warn_days;
	struct settings set;
	struct registry *registry;
	struct probeplan plan;
	struct judge *judge;
	struct proberecord *record;
	struct event_base *base;
	struct proberun *probe;
	struct proberow *const *row;
	size_t nrows;
	struct smtpclients clients;
	struct apart writer; /* of --output */
	bool progress, broken_off;
};

static const struct options_row rows[] = {
    {0, "all", NULL, "all partners", OPTIONS_FLAG,
	.at = offsetof(struct run, all)},
    {0, "as", "enforced", "could they be enforced today? what is missing?",
	OPTIONS_FORM, .at = offsetof(struct run, form), .value = ENFORCED,
	.only = "enforced"},
    {0, "nagios", NULL, "one line and an exit code for a monitoring plugin",
	OPTIONS_FORM, .at = offsetof(struct run, form), .value = NAGIOS},
    {0, "prometheus", NULL, "metrics as text", OPTIONS_FORM,
	.at = offsetof(struct run, form), .value = PROMETHEUS},
    {0, "output", "FILE", "write the result to FILE, at one stroke",
	OPTIONS_WORD, .at = offsetof(struct run, output)},
    {0, "no-record", NULL, "record nothing", OPTIONS_FLAG,
	.at = offsetof(struct run, no_record)},
    {0, "rate", "N", "connections a second (default 50; 0: any)",
	OPTIONS_NUMBER, .at = offsetof(struct run, rate), .value = 1000000},
    {0, "warn-days", "N", "warn of certificates that end so soon (default 14)",
	OPTIONS_NUMBER, .at = offsetof(struct run, warn_days), .value = 36500},
    OPTIONS_SETTINGS,
    OPTIONS_VERBOSE("say more of each gateway"),
    {'j', "json", NULL, NULL, OPTIONS_FORM, .at = offsetof(struct run, form),
	.value = JSON},
    OPTIONS_ABOUT,
};

/* 3 is what a monitoring system takes for "unknown". */
static int
misused(const void *run)
{
	return ((const struct run *)run)->form == NAGIOS ? 3 : EX_USAGE;
}

static const struct options_table table = {
    .program = "tlspact-probe",
    .synopsis = "[options] --all | PARTNER | DOMAIN | HOST...\n",
    .about = "Look at mail gateways, judge them by their partners' rules, "
	     "record it.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .max = -1,
    .misused = misused,
};

static time_t
wall_clock(void)
{
	return time(NULL);
}

/* --- What is to be done ----------------------------------------------- */

static int
load(struct run *run)
{
	int code = options_settings(&run->opt, &run->set);

	return code != EX_OK ? code
			     : common_registry(run->set.registry, wall_clock(),
				   "looked at", &run->registry);
}

static int
plan(struct run *run)
{
	struct err e = {0};
	int i;

	probeplan_init(&run->plan, run->registry, run->form == ENFORCED);
	if (run->all)
		probeplan_all(&run->plan);
	for (i = 0; i < run->opt.n; i++)
		if (probeplan_add(&run->plan, run->opt.arg[i], &e) == -1)
			return common_failed(&e);
	return EX_OK;
}

/* --- The sweep -------------------------------------------------------- */

static void
clear_progress(const struct run *run)
{
	if (run->progress)
		(void)fputs("\r\033[K", stderr);
}

static void
on_result(struct proberow *row, const struct starttls_result *s,
    const struct judgement *j, void *arg)
{
	struct run *run = arg;

	struct err e = {0};

	(void)j;
	if (proberecord_add(run->record, row, s, &e) == 0)
		return;
	clear_progress(run);
	say("results are not recorded: %s", e.text);
}

static const char *
last_key(const struct probetarget *t, const char *host, void *arg)
{
	struct run *run = arg;

	return proberecord_last_key(run->record, t, host);
}

static void
on_done(void *arg)
{
	struct run *run = arg;

	(void)event_base_loopbreak(run->base);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct run *run = arg;

	(void)sig;
	(void)what;
	run->broken_off = true;
	(void)event_base_loopbreak(run->base);
}

static void
on_progress(evutil_socket_t fd, short what, void *arg)
{
	struct run *run = arg;
	size_t found, done, failed;

	(void)fd;
	(void)what;
	proberun_progress(run->probe, &found, &done, &failed);
	(void)fprintf(stderr, "\r%zu of %zu looked at, %zu failed\033[K", done,
	    found, failed);
	(void)fflush(stderr);
}

/* Room for all sessions; fewer at once if the system gives less. */
static unsigned
parallel(const struct settings *set)
{
	uint64_t want = set->probe_parallel + SPARE_FILES;
	uint64_t n = process_files(want);

	if (n >= want)
		return (unsigned)set->probe_parallel;
	return n > SPARE_FILES ? (unsigned)(n - SPARE_FILES) : 1;
}

static void
turn(struct run *run)
{
	static const struct timeval pause = {0, PROGRESS_MS * 1000};
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct event *sig[3], *progress;
	size_t i;

	for (i = 0; i < 3; i++) {
		sig[i] = evsignal_new(run->base, signals[i], on_signal, run);
		(void)event_add(sig[i], NULL);
	}
	progress = event_new(run->base, -1, EV_PERSIST, on_progress, run);
	if (run->progress)
		(void)event_add(progress, &pause);
	proberun_listen(run->probe, run->base);
	if (run->plan.n > 0)
		(void)event_base_dispatch(run->base);
	clear_progress(run);
	event_free(progress);
	for (i = 0; i < 3; i++)
		event_free(sig[i]);
}

/*
 * Certificates of strangers are judged by who owns the evidence, who has no
 * more to lose. Without a place for it, there is no such account.
 */
static int
step_down(struct run *run, struct err *e)
{
	struct owned at;
	int rv = 0;

	if (owned_find(&at, run->set.evidence, true, e) == 0) {
		rv = owned_become(&at, e);
		owned_release(&at);
	} else if (*run->set.probe_user != '\0')
		rv = process_become(run->set.probe_user, false, e);
	return rv;
}

/* The prober, before there is anything open that is none of its business. */
static int
start_prober(struct run *run)
{
	struct settings *s = &run->set;
	struct proberun_settings p = {
	    .user = s->probe_user,
	    .warn_days = (unsigned)run->warn_days,
	    .now = wall_clock,
	    .last_key = last_key,
	    .result = on_result,
	    .done = on_done,
	    .arg = run,
	};
	bool *slow = mem_zero(run->plan.n + 1, sizeof(*slow));
	struct err e = {0};

	common_prober(s, &run->clients, &run->plan, &p.prober);
	p.prober.parallel = parallel(s);
	p.prober.per_second = (unsigned)run->rate;
	p.prober.dane = settings_dane(s);
	p.prober.slow = slow;
	proberecord_slow(
	    s->evidence, s->ledger, run->plan.target, run->plan.n, slow);
	run->judge = p.judge = judge_new(s->ca_file);
	run->probe = proberun_start(&p, &e);
	free(slow);
	if (run->probe != NULL)
		return EX_OK;
	return common_failed(&e);
}

static int
sweep(struct run *run)
{
	struct settings *s = &run->set;
	struct err e = {0};
	int code = start_prober(run);

	if (code != EX_OK)
		return code;
	if ((run->base = event_base_new()) == NULL) {
		say("cannot make an event loop");
		return EX_OSERR;
	}
	run->record = proberecord_open(s->evidence, s->ledger,
	    run->no_record ? EVIDENCE_READ : EVIDENCE_WRITE, &e);
	if (e.code != 0)
		say("%s: %s",
		    run->no_record ? "nothing is known of earlier looks"
				   : "results are not recorded",
		    e.text);
	if (step_down(run, &e) == -1)
		return common_failed(&e);
	turn(run);
	if (proberun_end(run->probe, &run->row, &run->nrows, &e) == -1 &&
	    !run->broken_off)
		return common_failed(&e);
	return EX_OK;
}

/* --- The result ------------------------------------------------------- */

static int
write_file(const char *path, const char *text, size_t len, struct err *e)
{
	struct publish *p = publish_lock(path, OUTPUT_WAIT_MS, e);
	int fd, rv = -1;

	if (p == NULL)
		return -1;
	if ((fd = publish_open(p, e)) == -1)
		goto out;
	if (!fdio_write(fd, text, len)) {
		err_sys(e, EX_IOERR, "cannot write %s", publish_temp(p));
		goto out;
	}
	rv = publish_commit(p, e);
out:
	publish_free(p);
	return rv;
}

/* Apart: who judges what strangers say may not write where we may. */
static int
write_output(int fd, void *arg)
{
	const struct run *run = arg;
	struct buf b = {0};
	struct err e = {0};
	const char *text;
	size_t len, used;

	if (!fdio_read(fd, OUTPUT_MAX, &b) ||
	    netstring_take(b.data, b.len, OUTPUT_MAX, &text, &len, &used) !=
		NETSTRING_DONE)
		return EX_SOFTWARE;
	if (write_file(run->output, text, len, &e) == 0)
		return EX_OK;
	(void)fdio_write(fd, e.text, strlen(e.text));
	return e.code;
}

static int
hand_over(struct run *run, const struct buf *b)
{
	struct buf all = {0}, why = {0};
	struct err e = {0};
	int code = EX_OK;

	netstring_put(&all, b->data == NULL ? "" : b->data, b->len, NULL, 0);
	(void)fdio_write(run->writer.fd, all.data, all.len);
	(void)shutdown(run->writer.fd, SHUT_WR);
	(void)fdio_read(run->writer.fd, ERR_TEXT_MAX, &why);
	if (apart_end(&run->writer, false, "writing the result", &e) == -1) {
		say("%s", why.len > 0 ? why.data : e.text);
		code = e.code;
	}
	buf_free(&all);
	buf_free(&why);
	return code;
}

static int
put_out(struct run *run, const struct buf *b)
{
	if (run->output != NULL)
		return hand_over(run, b);
	if (b->len > 0)
		(void)fwrite(b->data, 1, b->len, stdout);
	return say_flushed(EX_OK);
}

static int
report(struct run *run)
{
	struct probereport r = {.row = run->row,
	    .n = run->nrows,
	    .plan = &run->plan,
	    .now = wall_clock(),
	    .warn_days = (unsigned)run->warn_days,
	    .verbose = run->opt.verbose,
	    .colour = run->output == NULL && isatty(STDOUT_FILENO) &&
		      getenv("NO_COLOR") == NULL};
	struct probereport_sum sum;
	struct buf b = {0};
	struct err e = {0};
	int code, written;

	probereport_sum(&r, &sum);
	code = sum.failed > 0 ? 1 : EX_OK;
	switch ((enum form)run->form) {
	case TABLE:
		probereport_table(&r, &b);
		break;
	case JSON:
		probereport_json(&r, code, &b);
		break;
	case NAGIOS:
		code = probemetrics_nagios(&r, &b);
		break;
	case PROMETHEUS:
		if (proberecord_seen(run->record, run->registry, r.now, &r.seen,
			&r.nseen, &e) == -1)
			say_err(&e);
		probemetrics_prometheus(&r, &b);
		break;
	case ENFORCED:
		probereport_enforce(&r, run->clients.v[0]->helo, &b);
		break;
	}
	written = put_out(run, &b);
	buf_free(&b);
	return written != EX_OK ? written : code;
}

static int
run_probe(struct run *run)
{
	int code, recorded;
	size_t lost;
	struct err e;

	if ((code = load(run)) != EX_OK || (code = plan(run)) != EX_OK)
		return code;
	if (run->output != NULL &&
	    apart_start(&run->writer, "", write_output, run, &e) == -1)
		return common_failed(&e);
	if ((code = sweep(run)) != EX_OK)
		return code;
	code = report(run);
	recorded = proberecord_end(
	    run->record, wall_clock(), run->set.keep, &lost, &e);
	if (lost > 0)
		say("%zu result%s not recorded", lost,
		    lost == 1 ? " was" : "s were");
	if (e.code != 0)
		say_err(&e);
	if (recorded != EX_OK && (run->form != NAGIOS || code == EX_OK))
		code = recorded;
	if (run->broken_off) {
		say("broken off; what was not finished is shown as failed");
		code = EX_TEMPFAIL;
	}
	return code;
}

int
main(int argc, char *argv[])
{
	struct run run = {.rate = RATE, .warn_days = LIFE_WARN_DAYS};
	int code;

	say_init(table.program);
	/* Else each result takes the end of the heap and gives it back. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_SPARE);
	options_read(&table, argc, argv, &run);
	if (run.all == (run.opt.n > 0))
		options_misused(&table, &run);
	(void)signal(SIGPIPE, SIG_IGN);
	run.progress = isatty(STDERR_FILENO);
	code = run_probe(&run);
	if (run.form == NAGIOS && code > 3) {
		/* The talk is on standard error; the plugin needs a line. */
		(void)printf("TLSPACT UNKNOWN - tlspact-probe failed with "
			     "exit code %d\n",
		    code);
		code = 3;
	}
	proberun_free(run.probe);
	(void)apart_end(&run.writer, true, "", &(struct err){0});
	if (run.base != NULL)
		event_base_free(run.base);
	proberecord_close(run.record);
	judge_free(run.judge);
	probeplan_release(&run.plan);
	registry_free(run.registry);
	settings_free(&run.set);
	smtpclients_release(&run.clients);
	return code;
}
