/*
 * tlspact-log: the mail log -> what was encrypted, how, and what failed.
 *
 * It counts into the evidence what Postfix says of each delivery, for each
 * partner and both directions, and each line once: the evidence keeps how far
 * a log was read in the same transaction as what was read. Without the
 * ledger it prints.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "common.h"
#include "err.h"
#include "evidence_log.h"
#include "inforce.h"
#include "json.h"
#include "logpartner.h"
#include "logprefix.h"
#include "logreader.h"
#include "logrecord.h"
#include "logreport.h"
#include "logtally.h"
#include "meant.h"
#include "mem.h"
#include "num.h"
#include "options.h"
#include "process.h"
#include "quote.h"
#include "registry.h"
#include "registry_slip.h"
#include "say.h"
#include "settings.h"

struct run {
	struct options opt;
	bool explain, follow;
	time_t now;	     /* 0: the clock */
	time_t since, until; /* of report; 0: always */
	struct settings set;
	struct registry *registry;
	struct logpartner *who;
	struct evidence *evidence;
	struct logrecord *recorder;
	struct logtally *tally;
	struct logreader_stats stats;
	struct stat map; /* when the registry was read */
	uint64_t count[EVIDENCE_VERIFIED + 1];
	uint64_t attempts, faults;
	struct buf told;   /* --explain: what became clear by this line */
	struct err failed; /* of a write inside a callback */
	bool has_failed;
};

static volatile sig_atomic_t stop, reload;
static time_t fixed_now;

static void
on_signal(int sig)
{
	if (sig == SIGHUP)
		reload = 1;
	else
		stop = 1;
}

static time_t
the_time(void)
{
	return fixed_now != 0 ? fixed_now : time(NULL);
}

static time_t
pace(void)
{
	return time(NULL);
}

static const struct options_row rows[] = {
    {0, "follow", NULL, "go on reading as the log grows", OPTIONS_FLAG,
	.at = offsetof(struct run, follow)},
    {0, "explain", NULL,
	"say for each line what was understood; records nothing", OPTIONS_FLAG,
	.at = offsetof(struct run, explain)},
    {0, "now", "TIME", "infer years as if it were TIME", OPTIONS_TIME,
	.at = offsetof(struct run, now)},
    {0, "since", "DAY", "report what was from that day on", OPTIONS_SINCE,
	.at = offsetof(struct run, since)},
    {0, "until", "DAY", "report what was up to that day, included",
	OPTIONS_UNTIL, .at = offsetof(struct run, until)},
    OPTIONS_JSON("print each delivery, or the report; records nothing"),
    OPTIONS_SETTINGS,
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-log",
    .synopsis = "[-jv] [-C FILE] [-o NAME=VALUE]... [--follow]\n"
		" [--now TIME] [FILE... | -]\n"
		"--explain [-jv] [-C FILE] [-o NAME=VALUE]...\n"
		" [FILE... | -]\n"
		"report [-j] [-C FILE] [-o NAME=VALUE]... [--since DAY]\n"
		" [--until DAY] [PARTNER]\n",
    .about = "Read mail logs and record what was encrypted, and what failed.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .max = -1,
};

/* --- printing --------------------------------------------------------- */

static json_t *
json_fact(enum fact f)
{
	return f == FACT_UNKNOWN ? json_null() : json_boolean(f == FACT_YES);
}

static void
print_json(const struct attempt *a, const char *partner, const char *domain)
{
	char when[NUM_TIME_MAX];

	json_print_line(json_pack(
	    "{s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:i, s:s?, s:o, s:o, "
	    "s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}",
	    "schema", "tlspact.log.v1", "time", num_time_text(a->time, when),
	    "direction", evidence_direction_name(a->direction), "partner",
	    partner, "domain", json_text(domain), "queue_id",
	    json_span(a->queue_id), "host", json_span(a->host), "address",
	    json_span(a->address), "port", (int)a->port, "level",
	    a->encrypted == FACT_UNKNOWN ? NULL : evidence_seen_name(a->level),
	    "encrypted", json_fact(a->encrypted), "chain_trusted",
	    json_fact(a->chain_trusted), "name_matched",
	    json_fact(a->name_matched), "verified", a->verified, "reused",
	    a->reused, "protocol", json_span(a->protocol), "cipher",
	    json_span(a->cipher), "policy", json_span(a->policy), "result",
	    json_span(a->result), "dsn", json_span(a->dsn), "reason",
	    json_span(a->text), "fault",
	    a->fault == FAULT_OK ? NULL : fault_text(a->fault)));
}

static void
print_wrapped(const char *label, size_t indent, const char *text)
{
	struct buf out = {0};

	columns_paragraph(
	    &out, label, indent, text, false, columns_of(STDOUT_FILENO));
	(void)fputs(out.data, stdout);
	buf_free(&out);
}

#define FIELD 14 /* columns in front of one */

static void
print_span(const char *name, struct span s)
{
	char label[FIELD + 1];

	(void)snprintf(label, sizeof(label), "  %-11s ", name);
	if (s.n > 0)
		print_wrapped(label, FIELD, quote(s.p, s.n).s);
}

static void
explain_attempt(struct buf *out, const struct attempt *a, const char *partner,
    const char *domain)
{
	const size_t width = columns_of(STDOUT_FILENO);
	char when[NUM_TIME_MAX];
	struct buf words = {0};

	buf_printf(&words, "%s %s %s, partner %s, domain %s",
	    num_time_text(a->time, when), evidence_direction_name(a->direction),
	    a->result.n > 0 ? quote(a->result.p, a->result.n).s : "-",
	    partner == NULL ? "none" : partner, domain[0] ? domain : "-");
	columns_paragraph(out, "  => ", 5, words.data, false, width);
	buf_printf(out,
	    "     level %s: encrypted %s, chain trusted %s, name "
	    "matched %s\n",
	    evidence_seen_name(a->level), fact_names[a->encrypted],
	    fact_names[a->chain_trusted], fact_names[a->name_matched]);
	buf_clear(&words);
	if (a->protocol.n > 0)
		buf_printf(out, "     %s with %s%s\n",
		    quote(a->protocol.p, a->protocol.n).s,
		    quote(a->cipher.p, a->cipher.n).s,
		    a->reused ? ", session reused" : "");
	if (a->fault != FAULT_OK)
		buf_printf(&words, "fault %s: %s", fault_text(a->fault),
		    fault_description(a->fault));
	if (words.len > 0)
		columns_paragraph(out, "", 5, words.data, false, width);
	buf_free(&words);
}

static void
print_told(struct run *run)
{
	if (run->told.len > 0)
		(void)fputs(run->told.data, stdout);
	buf_clear(&run->told);
}

static void
explain_line(
    struct span line, const struct logprefix *p, const char *what, void *arg)
{
	struct run *run = arg;

	print_wrapped("", 0, quote(line.p, line.n).s);
	if (p == NULL) {
		(void)printf("  not a log line of any known shape\n");
		return;
	}
	print_span("time", p->stamp);
	print_span("host", p->host);
	print_span("tag", p->tag);
	(void)printf("  %-11s %u\n", "pid", p->pid);
	print_span("text", p->text);
	(void)printf("  %-11s %s\n", "taken for",
	    what == NULL ? "nothing that matters here" : what);
	print_told(run);
}

/* --- what the reader calls -------------------------------------------- */

static void
take_attempt(const struct attempt *given, void *arg)
{
	struct run *run = arg;
	struct attempt a = *given;
	char domain[DNAME_MAX + 1];
	const char *partner = logpartner_find(run->who, &a, domain);

	run->attempts++;
	run->faults += a.fault != FAULT_OK;
	if (span_is(a.result, "sent") || span_is(a.result, "received"))
		run->count[a.level]++;
	if (run->opt.json) {
		print_json(&a, partner, domain);
	} else if (run->explain) {
		explain_attempt(&run->told, &a, partner, domain);
	} else if (!run->has_failed) {
		run->has_failed = logtally_add(run->tally, &a, partner, domain,
				      &run->failed) == -1;
		if (run->has_failed)
			stop = 1;
	}
}

static void
remark(const char *text, void *arg)
{
	(void)arg;
	say("%s", text);
}

/* 0, or the exit code, everything being said. */
static int
load_registry(struct run *run)
{
	struct logpartner *who;
	struct registry *r;
	struct err e;
	int code;

	memset(&run->map, 0, sizeof(run->map));
	(void)stat(run->set.map, &run->map);
	code = common_registry(run->set.registry, the_time(), NULL, &r);
	if (code != EX_OK)
		return code;
	who = logpartner_new(r, run->set.ledger, run->set.map, &e);
	if (e.code != EX_OK)
		say_err(&e);
	logpartner_free(run->who);
	registry_free(run->registry);
	run->who = who;
	run->registry = r;
	return EX_OK;
}

/*
 * The map is replaced when a changed registry was compiled, and when a
 * downgrade begins or ends: then who is a partner may have changed.
 */
static void
tick(void *arg)
{
	struct run *run = arg;
	struct stat st = {0};

	if (run->opt.json)
		(void)fflush(stdout);
	(void)stat(run->set.map, &st);
	if (!reload && st.st_ino == run->map.st_ino &&
	    st.st_mtim.tv_sec == run->map.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == run->map.st_mtim.tv_nsec)
		return;
	reload = 0;
	if (load_registry(run) != EX_OK)
		say("going on with the registry as it was");
}

/* --- all -------------------------------------------------------------- */

/*
 * From here on the log is read: what was root's is given up, and what is found
 * goes to the recorder.
 */
static int
separate(struct run *run, bool record, struct err *e)
{
	const struct logrecord_settings set = {.evidence = run->set.evidence,
	    .ledger = run->set.ledger,
	    .registry = run->set.registry,
	    .now = the_time};

	if (record && (run->recorder = logrecord_start(&set, e)) == NULL)
		return -1;
	if (*run->set.log_user != '\0' &&
	    process_become(run->set.log_user, false, e) == -1)
		return -1;
	if (record && (run->evidence = evidence_open(run->set.evidence,
			   run->set.ledger, EVIDENCE_READ, e)) == NULL)
		return -1;
	return 0;
}

static int
prepare(struct run *run, bool record)
{
	struct err e;
	int code;

	if (separate(run, record, &e) == -1)
		return common_failed(&e);
	code = load_registry(run);
	if (code != EX_OK && record)
		return code;
	if (run->who == NULL) {
		say("going on without partners");
		run->who = logpartner_new(NULL, NULL, NULL, &e);
	}
	if (record)
		run->tally = logtally_new(run->evidence, run->recorder);
	return EX_OK;
}

static int
read_logs(struct run *run, int n, char *path[])
{
	bool piped = n == 1 && strcmp(path[0], "-") == 0;
	const struct logreader what = {.file = path,
	    .nfiles = (size_t)n,
	    .log = run->set.mail_log,
	    .follow = run->follow && !piped,
	    .evidence = run->evidence,
	    .tally = run->tally,
	    .stop = &stop,
	    .now = the_time,
	    .pace = pace,
	    .fixed = fixed_now != 0,
	    .attempt = take_attempt,
	    .line = run->explain ? explain_line : NULL,
	    .tick = tick,
	    .remark = remark,
	    .arg = run};
	struct err e = {0};

	if (logreader_run(&what, &run->stats, &e) == 0 && !run->has_failed)
		return EX_OK;
	return common_failed(run->has_failed ? &run->failed : &e);
}

static void
print_summary(const struct run *run)
{
	const struct logreader_stats *s = &run->stats;
	const struct logjoin_stats *j = &s->join;

	if (!run->opt.json && !run->explain) {
		(void)printf("%" PRIu64 " lines: %" PRIu64 " deliveries, "
			     "of which %" PRIu64 " verified, %" PRIu64
			     " with a trusted chain, %" PRIu64 " encrypted, "
			     "%" PRIu64 " in the clear; %" PRIu64 " faults\n",
		    s->lines, run->attempts, run->count[EVIDENCE_VERIFIED],
		    run->count[EVIDENCE_TRUSTED],
		    run->count[EVIDENCE_ENCRYPTED], run->count[EVIDENCE_CLEAR],
		    run->faults);
	}
	if (s->unparsed > 0 || s->too_long > 0 || run->opt.verbose)
		say("%" PRIu64 " lines are no log lines, %" PRIu64
		    " are too long, %" PRIu64 " have an impossible time",
		    s->unparsed, s->too_long, j->no_time);
	if (s->hidden > 0)
		say("warning: %" PRIu64 " line%s of Postfix, it seems, behind "
		    "a header that is not known: not counted",
		    s->hidden, num_plural(s->hidden));
	if (j->sessions_out == 0 && j->policies == 0 &&
	    run->count[EVIDENCE_CLEAR] > 0 && j->deliveries > 0)
		say("warning: not one line about TLS by smtp: with "
		    "smtp_tls_loglevel = 0 encrypted mail looks clear");
}

/* Was not one line of the files that were named one of a log? */
static bool
is_no_log(const struct run *run)
{
	const struct logreader_stats *s = &run->stats;

	return run->opt.n > 0 && !run->follow && s->unparsed > 0 &&
	       s->unparsed == s->lines;
}

/* --- tlspact-log report ------------------------------------------------ */

#define STRANGERS_MAX 25 /* shown to people, in one direction */
#define NAME 24		 /* columns */
#define NUMBER 10	 /* columns, with the blank before it */
#define OLD "OLD PROTOCOLS"

static uint64_t
hours_between(const struct logreport_host *h)
{
	return (uint64_t)(h->last - h->first) / EVIDENCE_HOUR + 1;
}

static json_t *
json_rules(const struct logreport *r)
{
	const struct logreport_rule *rule;
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < r->nrules; i++) {
		rule = &r->rule[i];
		json_array_append_new(
		    all, json_pack("{s:s, s:s, s:o, s:o, s:I, s:o}", "name",
			     rule->name, "direction",
			     evidence_direction_name(rule->direction),
			     "required", json_text(rule->required), "downgrade",
			     rule->downgrade == 0
				 ? json_null()
				 : json_integer((json_int_t)rule->downgrade),
			     "mails", (json_int_t)rule->n, "kept",
			     *rule->required == '\0'
				 ? json_null()
				 : json_integer((json_int_t)rule->kept)));
	}
	return all;
}

static json_t *
json_waits(const struct logreport *r)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < r->nwaits; i++)
		json_array_append_new(all,
		    json_pack("{s:o, s:s, s:I, s:I}", "name",
			json_text(r->wait[i].name), "fault", r->wait[i].fault,
			"messages", (json_int_t)r->wait[i].n, "seconds",
			(json_int_t)r->wait[i].seconds));
	return all;
}

static json_t *
json_hosts(const struct logreport *r)
{
	char first[NUM_TIME_MAX], last[NUM_TIME_MAX];
	const struct logreport_host *h;
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < r->nhosts; i++) {
		h = &r->host[i];
		json_array_append_new(
		    all, json_pack("{s:o, s:s, s:s, s:I, s:I}", "host",
			     json_text(h->name), "first_hour",
			     num_time_text(h->first, first), "last_hour",
			     num_time_text(h->last, last), "hours",
			     (json_int_t)h->hours, "without_a_line",
			     (json_int_t)(hours_between(h) - h->hours)));
	}
	return all;
}

static json_t *
json_report(const struct logreport *r)
{
	json_t *sums = json_array(), *exchanges = json_array(), *j;
	const struct logreport_exchange *x;
	const struct logreport_row *row;
	size_t i;

	for (i = 0; i < r->n; i++) {
		row = &r->row[i];
		/* All others are sums of these. */
		if (*row->name == '\0' ||
		    (*row->month == '\0' && *row->protocol == '\0'))
			continue;
		j = json_pack("{s:o, s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I}",
		    "month", json_text(row->month), "name", row->name,
		    "direction", evidence_direction_name(row->direction),
		    "old_protocol", json_text(row->protocol), "last", row->last,
		    "verified", (json_int_t)row->n[EVIDENCE_VERIFIED],
		    "trusted", (json_int_t)row->n[EVIDENCE_TRUSTED],
		    "encrypted", (json_int_t)row->n[EVIDENCE_ENCRYPTED],
		    "clear", (json_int_t)row->n[EVIDENCE_CLEAR]);
		if (j == NULL || json_array_append_new(sums, j) == -1)
			abort();
	}
	for (i = 0; i < r->nexchanges; i++) {
		x = &r->exchange[i];
		j = json_pack("{s:s, s:s, s:o, s:b, s:b, s:I}", "direction",
		    evidence_direction_name(x->direction), "key_exchange",
		    x->exchange, "signature", json_text(x->signature),
		    "forward_secret", x->forward_secret, "post_quantum",
		    x->post_quantum, "mails", (json_int_t)x->n);
		if (j == NULL || json_array_append_new(exchanges, j) == -1)
			abort();
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "mails", sums,
	    "key_exchanges", exchanges, "rules", json_rules(r), "waited",
	    json_waits(r), "hosts", json_hosts(r));
}

/* A row's name and direction. */
static void
print_row_head(const char *name, const char *direction)
{
	struct buf out = {0};

	columns_name(&out, name, NAME, columns_of(STDOUT_FILENO));
	(void)printf("%s%-3s", out.data, direction);
	buf_free(&out);
}

/* What stands behind the numbers of such a row, broken where it is wide. */
static void
print_row_words(size_t numbers, const struct buf *words)
{
	const size_t at = NAME + 3 + numbers * NUMBER + 2;
	char *lead = mem_printf("%*s", (int)at, "");
	struct buf out = {0};

	columns_wrap(&out, words->data, at, lead, columns_of(STDOUT_FILENO));
	(void)printf("%s\n", out.data);
	buf_free(&out);
	free(lead);
}

static void
print_report_row(const struct logreport_row *row)
{
	print_row_head(*row->name == '\0' ? row->month : row->name,
	    evidence_direction_name(row->direction));
	if (*row->protocol != '\0') {
		(void)printf(" %9" PRIu64 "  %s, last %s\n", row->mails,
		    row->protocol, row->last);
		return;
	}
	(void)printf(" %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
		     " %9" PRIu64 "\n",
	    row->mails, row->n[EVIDENCE_VERIFIED], row->n[EVIDENCE_TRUSTED],
	    row->n[EVIDENCE_ENCRYPTED], row->n[EVIDENCE_CLEAR]);
}

static void
print_report_head(const char *what)
{
	(void)printf("%s%-*s%-3s %9s", strcmp(what, "MONTH") == 0 ? "" : "\n",
	    NAME, what, "", "MAILS");
	if (strcmp(what, OLD) == 0)
		(void)printf("  PROTOCOL\n");
	else
		(void)printf(" %9s %9s %9s %9s\n", "VERIFIED", "TRUSTED",
		    "ENCRYPTED", "CLEAR");
}

static void
print_exchanges(const struct logreport *r)
{
	const struct logreport_exchange *x;
	struct buf words = {0};
	size_t i;

	if (r->nexchanges > 0)
		(void)printf("\n%-*s%-3s %9s  SIGNATURE\n", NAME,
		    "KEY EXCHANGE", "", "MAILS");
	for (i = 0; i < r->nexchanges; i++) {
		x = &r->exchange[i];
		print_row_head(
		    x->exchange, evidence_direction_name(x->direction));
		(void)printf(" %9" PRIu64 "  ", x->n);
		quote_put(&words, x->signature, strlen(x->signature));
		buf_printf(&words, "%s%s%s", *x->signature == '\0' ? "-" : "",
		    x->forward_secret ? "" : "; no forward secrecy",
		    x->post_quantum ? "; post-quantum" : "");
		print_row_words(1, &words);
		buf_clear(&words);
	}
	buf_free(&words);
}

static void
print_rules(const struct logreport *r)
{
	const struct logreport_rule *rule;
	bool known, lowered = false;
	struct buf words = {0};
	char kept[24];
	size_t i;

	if (r->nrules > 0)
		(void)printf("\n%-*s%-3s %9s %9s  REQUIRED\n", NAME, "PARTNER",
		    "", "MAILS", "KEPT");
	for (i = 0; i < r->nrules; i++) {
		rule = &r->rule[i];
		(void)snprintf(kept, sizeof(kept), "%" PRIu64, rule->kept);
		known = *rule->required != '\0';
		print_row_head(
		    rule->name, evidence_direction_name(rule->direction));
		(void)printf(
		    " %9" PRIu64 " %9s  ", rule->n, known ? kept : "-");
		buf_puts(&words, known ? rule->required : "not known");
		if (rule->downgrade != 0)
			buf_printf(&words, ", under downgrade %" PRId64,
			    rule->downgrade);
		print_row_words(2, &words);
		buf_clear(&words);
		lowered = lowered || rule->downgrade != 0;
	}
	if (lowered)
		(void)printf("(what moved in the second of a change is under "
			     "the weaker rule)\n");
	buf_free(&words);
}

static void
print_waits(const struct logreport *r)
{
	const struct logreport_wait *w;
	char span[CLOCK_MAX];
	size_t i;

	if (r->nwaits > 0)
		(void)printf("\n%-*s%-3s %9s  ALTOGETHER, FOR\n", NAME,
		    "WAITED", "", "MESSAGES");
	for (i = 0; i < r->nwaits; i++) {
		w = &r->wait[i];
		print_row_head(w->name, "");
		(void)printf(" %9" PRIu64 "  %s, %s\n", w->n,
		    clock_span((time_t)w->seconds, span),
		    strcmp(w->fault, "ok") == 0 ? "another reason" : w->fault);
	}
}

static void
print_hosts(const struct logreport *r)
{
	char first[NUM_TIME_MAX], last[NUM_TIME_MAX];
	const struct logreport_host *h;
	size_t i;

	if (r->nhosts > 0)
		(void)printf("\n%-*s%-3s %9s  WITHOUT A LINE, FROM, TO (UTC)\n",
		    NAME, "LOG OF HOST", "", "HOURS");
	for (i = 0; i < r->nhosts; i++) {
		h = &r->host[i];
		(void)num_time_text(h->first, first);
		(void)num_time_text(h->last, last);
		print_row_head(*h->name == '\0' ? "-" : h->name, "");
		(void)printf(" %9" PRIu64 "  %" PRIu64
			     ", %.10s %.5s, %.10s %.5s\n",
		    h->hours, hours_between(h) - h->hours, first, first + 11,
		    last, last + 11);
	}
}

static void
print_report(const struct logreport *r)
{
	const struct logreport_row *row;
	size_t strangers = 0, more = 0, i;
	const char *section = "", *now;

	for (i = 0; i < r->n; i++) {
		row = &r->row[i];
		if (*row->month != '\0' && *row->name != '\0')
			continue;
		now = *row->protocol != '\0' ? OLD
		      : *row->month == '\0'  ? "PARTNER OR DOMAIN"
					     : "MONTH";
		if (strcmp(section, now) != 0)
			print_report_head(now);
		section = now;
		if (i > 0 && row[-1].direction != row->direction)
			strangers = 0;
		if (*row->month == '\0' && *row->protocol == '\0' &&
		    strchr(row->name, '.') != NULL &&
		    strangers++ >= STRANGERS_MAX) {
			more++;
			continue;
		}
		print_report_row(row);
	}
	print_exchanges(r);
	print_rules(r);
	print_waits(r);
	print_hosts(r);
	if (more > 0)
		(void)printf(
		    "\n-j prints %zu domain%s more.\n", more, num_plural(more));
	(void)printf("\nUnder encrypt, what left in the clear would have "
		     "waited; under secure, what was\nnot verified might "
		     "have.\n");
}

/* The day of the time, "": of none. */
static void
day_text(time_t t, char day[NUM_TIME_MAX])
{
	*day = '\0';
	if (t != 0)
		num_time_text(t, day)[sizeof("YYYY-MM-DD") - 1] = '\0';
}

/*
 * NULL, or where nothing is counted under that name another one under which it
 * may be: that which a partner has now, or his whose domain it is; the caller
 * frees it. Of one who has no record it is said where that may be.
 */
static char *
other_name(const struct run *run, const char *name, bool counted)
{
	const struct partner *p;
	struct inforce in;
	struct err ignored;
	char *now = NULL;
	uint32_t i;

	/* A stranger's domain has a dot. */
	if (name == NULL || (counted && strchr(name, '.') == NULL))
		return NULL;
	inforce_read(&in, &run->set, time(NULL), &ignored);
	if (!counted)
		now = common_renamed(&run->set, in.registry, name);
	if (now == NULL && in.registry != NULL &&
	    (i = registry_meant(in.registry, name)) != REGISTRY_NONE) {
		p = &in.registry->partner[i];
		if (!counted)
			common_tell_lost(&run->set, in.registry, p, true);
		if (strcmp(p->name, name) != 0 && !counted)
			now = mem_dup(p->name);
		if (now != NULL)
			say("%s is %s's: all of %s", name, now, now);
		else if (strcmp(p->name, name) != 0)
			say("%s is %s's, and this is of a time when it was "
			    "not: for the rest tlspact-log report %s",
			    name, p->name, p->name);
	}
	registry_free(in.registry);
	free(in.why);
	return now;
}

/* A name of which nothing is counted may be a partner's with a slip. */
static struct meant_text
near_name(const struct run *run, const char *name)
{
	struct meant_text near = {""};
	struct inforce in;
	struct err ignored;

	inforce_read(&in, &run->set, time(NULL), &ignored);
	if (in.registry != NULL &&
	    registry_meant(in.registry, name) == REGISTRY_NONE)
		near = registry_near(in.registry, name);
	registry_free(in.registry);
	free(in.why);
	return near;
}

/* 0, or the exit code, which was said; 1: nothing is counted. */
static int
read_report(struct run *run, struct logreport *r)
{
	const char *partner =
	    run->opt.n == 1 ? common_address(run->opt.arg[0], NULL) : NULL;
	char since[NUM_TIME_MAX], until[NUM_TIME_MAX];
	struct err e;
	char *now = NULL;
	int code, rv;

	if ((code = options_settings(&run->opt, &run->set)) != EX_OK)
		return code;
	day_text(run->since, since);
	day_text(run->until, until);
	run->evidence = evidence_open(
	    run->set.evidence, run->set.ledger, EVIDENCE_READ, &e);
	if (run->evidence == NULL)
		return common_failed(&e);
	rv = logreport_read(r, run->evidence, partner, since, until, &e);
	if (rv == 0)
		now = other_name(run, partner, r->n > 0);
	if (now != NULL) {
		logreport_free(r);
		rv = logreport_read(r, run->evidence, now, since, until, &e);
	}
	free(now);
	if (rv == -1)
		return common_failed(&e);
	if (r->n > 0)
		return EX_OK;
	say("nothing is counted%s%s%s", partner == NULL ? "" : " of ",
	    partner == NULL ? "" : quotes(partner).s,
	    partner == NULL ? "" : near_name(run, partner).s);
	return EXIT_FAILURE;
}

static int
report(struct run *run)
{
	struct logreport r = {.n = 0};
	int code;

	if (run->opt.json)
		say_keep();
	code = read_report(run, &r);
	if (run->opt.json)
		common_answer(
		    "tlspact.log.report.v1", time(NULL), code, json_report(&r));
	else if (code == EX_OK)
		print_report(&r);
	logreport_free(&r);
	evidence_close(run->evidence);
	settings_free(&run->set);
	return code;
}

/* `raport` is no file that anybody meant. */
static void
tell_slip(const struct run *run)
{
	struct meant m;

	if (run->opt.n == 0 || access(run->opt.arg[0], F_OK) == 0)
		return;
	m = meant(run->opt.arg[0]);
	meant_try(&m, "report");
	if (m.name != NULL && strcmp(run->opt.arg[0], m.name) != 0)
		options_misused(&table, run, "%s is not a file%s",
		    quotes(run->opt.arg[0]).s, meant_text(&m).s);
}

int
main(int argc, char *argv[])
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct run run = {0};
	bool reports;
	int code;

	say_init(table.program);
	options_read(&table, argc, argv, &run);
	tell_slip(&run);
	reports = run.opt.n > 0 && strcmp(run.opt.arg[0], "report") == 0;
	run.opt.arg += reports;
	run.opt.n -= reports;
	if (reports && (run.follow || run.explain || run.now != 0))
		options_misused(&table, &run,
		    "report takes no --follow, --explain and --now");
	if (reports && run.opt.n > 1)
		options_misused(
		    &table, &run, "report is of one partner, or all");
	if (!reports && (run.since != 0 || run.until != 0))
		options_misused(
		    &table, &run, "--since and --until go with report");
	if (run.follow && (run.explain || run.opt.n > 1))
		options_misused(&table, &run,
		    "--follow is of one file, and without --explain");
	if (reports)
		return say_flushed(report(&run));
	fixed_now = run.now;
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	code = options_settings(&run.opt, &run.set);
	if (code == EX_OK &&
	    (code = prepare(&run, !run.opt.json && !run.explain)) == EX_OK) {
		code = read_logs(&run, run.opt.n, run.opt.arg);
		print_told(&run);
		/* Of what could not be read nothing is counted, not 0. */
		if (code == EX_OK || run.stats.lines > 0)
			print_summary(&run);
		if (code == EX_OK && is_no_log(&run)) {
			say("not one line is one of a log: nothing is counted");
			code = EX_DATAERR;
		}
	}
	code = say_flushed(code);
	buf_free(&run.told);
	logtally_free(run.tally);
	evidence_close(run.evidence);
	logrecord_end(run.recorder);
	logpartner_free(run.who);
	registry_free(run.registry);
	settings_free(&run.set);
	return code;
}
