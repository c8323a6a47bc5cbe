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
#include "clock.h"
#include "columns.h"
#include "common.h"
#include "ctlnobody.h"
#include "err.h"
#include "fdio.h"
#include "inforce.h"
#include "json.h"
#include "judge.h"
#include "evidence.h"
#include "life.h"
#include "mem.h"
#include "netstring.h"
#include "num.h"
#include "options.h"
#include "owned.h"
#include "probeentry.h"
#include "probeletter.h"
#include "probemetrics.h"
#include "probeplan.h"
#include "proberecord.h"
#include "probereport.h"
#include "proberun.h"
#include "process.h"
#include "publish.h"
#include "quote.h"
#include "registry.h"
#include "registry_slip.h"
#include "say.h"
#include "settings.h"
#include "smtpclient.h"
#include "step.h"

#define RATE 50		       /* connections a second, unless told */
#define PROGRESS_MS 200	       /* between two progress lines */
#define OUTPUT_WAIT_MS 10000   /* patience with another writer of --output */
#define OUTPUT_MAX (64u << 20) /* bytes of a result */
#define HEAP_SPARE (8 << 20)   /* bytes that stay with us */
#define SPARE_FILES 64	       /* descriptors beside those of sessions */

enum form { TABLE, JSON, NAGIOS, PROMETHEUS, ENFORCED };
static const struct probeform *const forms[] = {[TABLE] = &probereport_table,
    [JSON] = &probereport_json,
    [NAGIOS] = &probemetrics_nagios,
    [PROMETHEUS] = &probemetrics_prometheus,
    [ENFORCED] = &probeletter_enforce};

struct run {
	struct options opt;
	int form;     /* enum form */
	int enforced; /* 1: judge as if it were so */
	bool all, no_record, entry, wide;
	const char *output, *name;
	uint64_t rate, warn_days;
	struct settings set;
	struct registry *registry;
	struct probeplan plan;
	struct judge *judge;
	struct proberecord *record;
	const char *domain; /* of --entry */
	struct probeentry *made;
	struct event_base *base;
	struct proberun *probe;
	struct proberow *const *row;
	size_t nrows;
	struct smtpclients clients;
	struct apart writer; /* of --output */
	bool progress, broken_off, reported;
	bool kept;  /* registry is the copy of an earlier one */
	int no_cas; /* CAs cannot be read: why, an exit code */
};

static const struct options_row rows[] = {
    {0, "all", NULL, "all partners", OPTIONS_FLAG,
	.at = offsetof(struct run, all)},
    {0, "as", "enforced", "could they be enforced today? what is missing?",
	OPTIONS_FORM, .at = offsetof(struct run, enforced), .value = 1,
	.only = "enforced"},
    {0, "entry", NULL, "print a statement for the registry, of what is seen",
	OPTIONS_FLAG, .at = offsetof(struct run, entry)},
    {0, "name", "NAME", "with --entry: what the partner is called",
	OPTIONS_WORD, .at = offsetof(struct run, name)},
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
    {0, "wide", NULL, "a line for each gateway, however long", OPTIONS_FLAG,
	.at = offsetof(struct run, wide)},
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

/* It looks at what a partner has, not at what it is to have. */
static const char *
elsewhere(const char *option)
{
	return strncmp(option, "host", strcspn(option, "=")) == 0
		   ? "tlspact-verify PARTNER --host HOST"
		   : NULL;
}

static const struct options_table table = {
    .program = "tlspact-probe",
    .synopsis = "[options] --all | PARTNER | DOMAIN | HOST...\n"
		"[options] --entry [--name NAME] DOMAIN | ADDRESS\n",
    .about = "Look at mail gateways, judge them by their partners' rules, "
	     "record it.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .max = -1,
    .misused = misused,
    .elsewhere = elsewhere,
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
			     : common_registry_kept(&run->set, wall_clock(),
				   "looked at", &run->registry, &run->kept);
}

/* It is none that can be looked at: perhaps it was, which the record tells. */
static int
tell_nobody(const struct run *run, const char *what, const struct err *e)
{
	char *was =
	    e->code != EX_NOINPUT
		? NULL
		: ctlnobody_was(&run->set, run->registry, what, wall_clock());

	if (was == NULL)
		return common_failed(e);
	say("%s", was);
	free(was);
	return e->code;
}

/* A stranger's domain is looked at, and may be a partner's with a slip. */
static void
tell_near(const struct run *run)
{
	const struct probetarget *t;
	const char *near;
	size_t i;

	for (i = 0; i < run->plan.n; i++) {
		t = &run->plan.target[i];
		if (t->partner != NULL)
			continue;
		near = registry_near_domain(run->registry, t->nexthop);
		if (near != NULL)
			say("%s is no partner's; did you mean %s?",
			    quotes(t->nexthop).s, near);
	}
}

static int
plan(struct run *run)
{
	struct err e = {0};
	int i, rv = 0;
	char *now;

	probeplan_init(&run->plan, run->registry, run->enforced);
	if (run->entry)
		return probeentry_plan(
			   &run->plan, run->opt.arg[0], &run->domain, &e) == -1
			   ? common_failed(&e)
			   : EX_OK;
	if (run->all)
		probeplan_all(&run->plan);
	for (i = 0; i < run->opt.n && rv == 0; i++) {
		run->opt.arg[i] = common_address(run->opt.arg[i], NULL);
		now = common_renamed(&run->set, run->registry, run->opt.arg[i]);
		rv = probeplan_add(
		    &run->plan, now != NULL ? now : run->opt.arg[i], &e);
		free(now);
	}
	if (rv == 0)
		tell_near(run);
	return rv == -1 ? tell_nobody(run, run->opt.arg[i - 1], &e) : EX_OK;
}

/* Does mail wait for what fails, or would it, were the registry compiled? */
static void
take_map(struct run *run)
{
	struct probetarget *t = run->plan.target;
	struct inforce_row *row = mem_zero(run->plan.n + 1, sizeof(*row));
	size_t i, n = 0;

	for (i = 0; i < run->plan.n; i++)
		if (t[i].partner != NULL)
			row[n++] = (struct inforce_row){
			    .partner = t[i].partner, .nexthop = t[i].nexthop};
	inforce_levels(run->registry, &run->set, wall_clock(), row, n);
	for (i = n = 0; i < run->plan.n; i++)
		if (t[i].partner != NULL)
			t[i].held = row[n++].level;
	free(row);
}

/* --- The sweep -------------------------------------------------------- */

static void
clear_progress(const struct run *run)
{
	if (run->progress)
		(void)fputs("\r\033[K", stderr);
}

/* rv of the record: -1 is told. */
static void
recorded(const struct run *run, int rv, const struct err *e)
{
	if (rv == 0)
		return;
	clear_progress(run);
	say("results are not recorded: %s", e->text);
}

static void
on_result(struct proberow *row, const struct starttls_result *s,
    const struct judgement *j, void *arg)
{
	struct run *run = arg;
	struct err e = {0};

	(void)j;
	if (run->made != NULL)
		probeentry_add(run->made, row, s);
	recorded(run, proberecord_add(run->record, row, s, &e), &e);
}

static void
on_told(const struct probetarget *t, time_t began, void *arg)
{
	struct run *run = arg;
	struct err e = {0};

	recorded(run, proberecord_told(run->record, t, began, &e), &e);
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

/* CAs that cannot be read are our fault, and no gateway's. */
static void
load_cas(struct run *run)
{
	struct err e;
	size_t i;

	for (i = 0; i < run->plan.n && run->no_cas == 0; i++) {
		const struct probetarget *t = &run->plan.target[i];
		const struct judge_gateway g = {.attributes = t->attributes,
		    .gateway = t->gateway,
		    .level = t->level};

		if (judge_load(run->judge, &g, &e) == 0)
			continue;
		run->no_cas = e.code;
		say("%s: nothing is known of the gateways that are judged by "
		    "it",
		    e.text);
	}
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
	    .told = on_told,
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
	if (!run->entry)
		load_cas(run);
	if (run->entry && (run->made = probeentry_new(&run->plan, run->judge,
			       run->domain, run->name, &e)) == NULL) {
		free(slow);
		return common_failed(&e);
	}
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
	if (e.code != 0 && !run->entry)
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
	    .kept = run->kept,
	    .helo = run->enforced ? run->clients.v[0]->helo : NULL,
	    .operator_ = run->set.operator_,
	    .columns = run->wide ? COLUMNS_ANY : columns_of(STDOUT_FILENO),
	    .colour = run->output == NULL && columns_colour(STDOUT_FILENO)};
	struct probereport_sum sum;
	const char *text = NULL;
	struct buf b = {0};
	struct err e = {0};
	int code, written;

	run->reported = true;
	probereport_sum(&r, &sum);
	r.code = run->no_cas != 0 ? run->no_cas : sum.failed > 0 ? 1 : EX_OK;
	if (run->made != NULL)
		r.code = probeentry_make(run->made, run->probe, r.now, &text,
			     run->form == JSON ? &r.entry : NULL)
			     ? EX_OK
			     : 1;
	if (run->form == JSON)
		r.messages = common_messages();
	if (run->form == PROMETHEUS &&
	    proberecord_seen(run->record, run->registry, r.now,
		step_span(run->set.probe_timeout), &r.seen, &r.nseen, &e) == -1)
		say_err(&e);
	if (run->enforced && proberecord_moved(run->record, r.row, r.n,
				 &r.moved, &r.nmoved, &e) == -1)
		say_err(&e);
	if (run->enforced &&
	    proberecord_refused(run->record, r.row, r.n, r.now - CLOCK_DAY,
		&r.refused, &r.nrefused, &e) == -1)
		say_err(&e);
	if (run->form == TABLE && text != NULL) {
		buf_puts(&b, text);
		code = r.code;
	} else
		code = forms[run->form]->put(&r, &b);
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
	if (run->enforced)
		take_map(run);
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

/* --entry is about one domain, and for people or as JSON. */
static bool
entry_is_well(const struct run *run)
{
	if (!run->entry)
		return run->name == NULL;
	return run->opt.n == 1 && !run->enforced &&
	       (run->form == TABLE || run->form == JSON);
}

/* Nothing was looked at, and why: for those who read only standard output. */
static void
tell_unreported(const struct run *run, int code)
{
	if (run->form == NAGIOS)
		(void)printf("TLSPACT UNKNOWN - tlspact-probe failed with "
			     "exit code %d\n",
		    code);
	else if (run->form == JSON && run->output == NULL)
		common_answer("tlspact.probe.v1", wall_clock(), code,
		    json_pack("{s:i, s:i, s:i, s:i, s:[], s:[], s:[]}",
			"looked_at", 0, "failed", 0, "not_asked", 0, "warned",
			0, "partners", "not_looked_at", "gateways"));
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
	if (run.entry && run.opt.n == 0)
		options_misused(
		    &table, &run, "--entry: say which domain or address");
	if (run.all == (run.opt.n > 0))
		options_misused(&table, &run, "%s",
		    run.all ? "--all leaves no room for names"
			    : "say whom to look at: a partner, or --all");
	if (!entry_is_well(&run))
		options_misused(&table, &run, "%s",
		    !run.entry ? "--name goes with --entry"
			       : "--entry takes one domain or address, and of "
				 "the forms only --json");
	if (run.enforced && run.form != TABLE && run.form != JSON)
		options_misused(&table, &run,
		    "--as: another form was asked for as well; it goes with "
		    "--json only");
	if (run.enforced && run.form == TABLE)
		run.form = ENFORCED;
	run.no_record |= run.entry;
	(void)signal(SIGPIPE, SIG_IGN);
	run.progress = columns_colour(STDERR_FILENO);
	if (run.form == JSON)
		say_keep();
	code = run_probe(&run);
	if (run.form == NAGIOS ? code > 3 : !run.reported)
		tell_unreported(&run, code);
	if (run.form == NAGIOS && code > 3)
		code = 3;
	probeentry_free(run.made);
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
