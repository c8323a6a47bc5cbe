/*
 * tlspact-report: what is on record of a period, for auditors and postmasters.
 *
 * The facts are policy/report's; here are the period, the partners and the
 * format.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "arena.h"
#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "common.h"
#include "err.h"
#include "file.h"
#include "json.h"
#include "ledger.h"
#include "mapowner.h"
#include "mem.h"
#include "num.h"
#include "options.h"
#include "quote.h"
#include "registry.h"
#include "report.h"
#include "reportdaily.h"
#include "reportformat.h"
#include "reporthtml.h"
#include "reportics.h"
#include "reporttable.h"
#include "reporttext.h"
#include "say.h"
#include "settings.h"
#include "timeslip.h"
#include "whatif.h"

#define DAILY_DAYS 2 /* whose mail a daily look judges, today included */

#define WHAT_IF "tlspact.report.what-if.v1"

struct run {
	struct options opt;
	time_t from, to, at; /* 0: not said; to is the last day */
	time_t over; /* of --since last-month: its last second; else 0 */
	const char *month;
	struct options_list partner;
	struct arena names; /* of partners who had others once; and options */
	const char *format, *output;
	const char *what_if; /* another registry */
	bool check, daily, brief;
	bool told; /* the object is in its place */
	struct settings set;
	struct registry *registry;
	struct report report;
};

static const struct options_row rows[] = {
    {0, "month", "MONTH", "that month alone: 2026-10, last or this",
	OPTIONS_WORD, .at = offsetof(struct run, month)},
    {0, "since", "DAY",
	"first day, UTC, or 2026-10, yesterday, 30d (default:\n"
	"29 days before the last one)",
	OPTIONS_SINCE, .at = offsetof(struct run, from),
	.value = offsetof(struct run, over), .show = "--since DAY, --from DAY"},
    {0, "until", "DAY", "last day (default: today)", OPTIONS_UNTIL,
	.at = offsetof(struct run, to), .show = "--until DAY, --to DAY"},
    {0, "from", "DAY", "", OPTIONS_SINCE, .at = offsetof(struct run, from),
	.value = offsetof(struct run, over)},
    {0, "to", "DAY", "", OPTIONS_UNTIL, .at = offsetof(struct run, to)},
    {0, "at", "TIME", "as of that time, not of now", OPTIONS_TIME,
	.at = offsetof(struct run, at)},
    {0, "partner", "NAME", "of that partner alone, as PARTNER; may be repeated",
	OPTIONS_LIST, .at = offsetof(struct run, partner)},
    {0, "check", NULL, "hold the evidence against the record as well",
	OPTIONS_FLAG, .at = offsetof(struct run, check)},
    {0, "what-if", "REGISTRY", "which mails would have waited under REGISTRY?",
	OPTIONS_WORD, .at = offsetof(struct run, what_if)},
    {0, "daily", NULL, "a short mail, if something wants somebody today",
	OPTIONS_FLAG, .at = offsetof(struct run, daily)},
    {0, "brief", NULL, "the answers alone, in few lines; -v: each name",
	OPTIONS_FLAG, .at = offsetof(struct run, brief)},
    {0, "format", "FORMAT", "text (default), csv, json, html or ics",
	OPTIONS_WORD, .at = offsetof(struct run, format)},
    {0, "output", "FILE", "write to FILE, which changes at once", OPTIONS_WORD,
	.at = offsetof(struct run, output)},
    OPTIONS_JSON("the same as --format json"),
    OPTIONS_SETTINGS,
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-report",
    .synopsis = "[-jv] [-C FILE] [-o NAME=VALUE]...\n"
		" [--month MONTH] [--since DAY] [--until DAY] [--at TIME]\n"
		" [--partner NAME]... [--check]\n"
		" [--format FORMAT | --brief | --daily] [--output FILE]\n"
		" [PARTNER]...\n"
		"--what-if REGISTRY [-jv] [-C FILE] [-o NAME=VALUE]...\n"
		" [--month MONTH] [--since DAY] [--until DAY] [--at TIME]\n"
		" [--output FILE]\n",
    .about = "Tell what is on record of a period: mail, gateways, decisions.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .max = -1,
};

/* --- What to tell of ---------------------------------------------------------
 */

static const struct reportformat *const formats[] = {
    &reporttext, &reporttable_csv, &reporttable_json, &reporthtml, &reportics};

static const struct reportformat *
find_format(const struct run *run)
{
	const char *name = run->opt.json	 ? "json"
			   : run->format == NULL ? "text"
						 : run->format;
	size_t i;

	if (run->daily)
		return &reportdaily;
	if (run->brief && strcmp(name, "json") == 0)
		return &reporttable_brief;
	if (run->brief)
		return &reporttext_brief;
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i]->name, name) == 0 &&
		    (!run->opt.json || run->format == NULL ||
			strcmp(run->format, name) == 0))
			return formats[i];
	if (run->opt.json && run->format != NULL)
		options_misused(
		    &table, run, "--json and --format exclude each other");
	options_misused(&table, run,
	    "--format: %s is none of text, csv, json, html, ics",
	    quotes(name).s);
}

static time_t
day_of(time_t t)
{
	return t - t % CLOCK_DAY;
}

/* The days of a month as it was said; false: it is none. */
static bool
month_of(const char *said, time_t now, time_t *begin, time_t *end)
{
	static const char *const word[][2] = {
	    {"last", "last-month"}, {"this", "this-month"}};
	size_t i;

	for (i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		if (strcmp(said, word[i][0]) == 0 ||
		    strcmp(said, word[i][1]) == 0)
			return clock_days(word[i][1], now, false, begin, end) ==
			       0;
	return strlen(said) == strlen("2026-10") &&
	       clock_days(said, now, false, begin, end) == 0;
}

/* As if its first and its last day had been said. */
static void
take_month(struct run *run)
{
	time_t now = run->at != 0 ? run->at : time(NULL), begin, end;

	if (run->from != 0 || run->to != 0)
		options_misused(
		    &table, run, "--month goes without --since and --until");
	if (!month_of(run->month, now, &begin, &end))
		options_misused(&table, run,
		    "--month: %s is no month; say 2026-10, last or this",
		    quotes(run->month).s);
	run->from = begin;
	run->to = end - 1;
}

/* 0, or the exit code, all being said. */
static int
find_period(struct run *run, struct report_ask *ask)
{
	if (run->to == 0)
		run->to = run->over;
	ask->period = run->from != 0 || run->to != 0;
	ask->dated = run->at != 0;
	ask->now = ask->dated ? run->at : time(NULL);
	ask->to = day_of(run->to != 0 ? run->to : ask->now) + CLOCK_DAY;
	ask->from =
	    run->from != 0
		? day_of(run->from)
		: ask->to - (time_t)(run->daily ? DAILY_DAYS : REPORT_DAYS) *
				CLOCK_DAY;
	if (ask->from < 0)
		ask->from = 0;
	if (ask->from < ask->to && ask->from <= ask->now)
		return EX_OK;
	say(ask->from <= ask->now ? "the period ends before it begins"
				  : "the period is to come");
	return EX_USAGE;
}

/* By the record: the partner that is gone and had the domain; NULL: none. */
static const char *
had_domain(struct run *run, const char *domain)
{
	struct mapowners owners = {0};
	const struct mapowner *was = NULL;
	const char *name = NULL;
	struct ledger *l;
	struct err ignored;

	l = ledger_open(run->set.ledger, LEDGER_READ, &ignored);
	if (l != NULL && mapowners_read(l, true, &owners, &ignored) == 0)
		was = mapowners_of(&owners, domain);
	if (was != NULL) {
		name = arena_copy(&run->names, was->name, strlen(was->name));
		say("%s was %s's, by the record", quotes(domain).s, name);
	}
	mapowners_release(&owners);
	ledger_close(l);
	return name;
}

/* A day where a partner is named: `tlspact-report 2026-11`. */
static bool
is_day(const char *name)
{
	const char *day =
	    timeslip_day(name) == NULL ? name : timeslip_day(name);
	const time_t now = time(NULL);
	time_t begin, end;

	if (month_of(day, now, &begin, &end)) {
		say("there is no partner %s; if it is a month, say --month %s",
		    quotes(name).s,
		    strcmp(day, "last-month") == 0   ? "last"
		    : strcmp(day, "this-month") == 0 ? "this"
						     : day);
		return true;
	}
	if (clock_days(day, now, false, &begin, &end) == -1 &&
	    (strspn(name, "0123456789") != strlen("2026") || name[4] != '-'))
		return false;
	say("there is no partner %s; if it is a day or a month, say --since %s "
	    "--until %s",
	    quotes(name).s, day, day);
	return true;
}

/* By their names in the registry; one that is gone has the last it had. */
static int
find_partners(struct run *run, struct report_ask *ask)
{
	const char **name;
	uint32_t at;
	size_t i;
	char *now;
	const char *had;

	for (i = 0; i < run->partner.n; i++) {
		name = &run->partner.v[i];
		*name = common_address(
		    arena_copy(&run->names, *name, strlen(*name)), NULL);
		now = common_renamed(&run->set, run->registry, *name);
		if (now != NULL)
			*name = arena_copy(&run->names, now, strlen(now));
		free(now);
		at = registry_meant(run->registry, *name);
		if (at == REGISTRY_NONE) {
			if ((had = had_domain(run, *name)) != NULL)
				*name = had;
			else if (is_day(*name))
				return EX_USAGE;
			continue;
		}
		*name = run->registry->partner[at].name;
		common_tell_lost(&run->set, run->registry,
		    &run->registry->partner[at], true);
	}
	ask->partner = run->partner.v;
	ask->npartners = run->partner.n;
	return EX_OK;
}

/* To standard output, or to the file. 0, or the exit code. */
static int
put(struct run *run, const struct buf *out)
{
	struct err e;

	if (run->output == NULL)
		(void)fwrite(out->data, 1, out->len, stdout);
	else if (file_replace(run->output, out->data, out->len, NULL, &e) == -1)
		return common_failed(&e);
	else if (run->opt.verbose)
		say("%s is written: %zu bytes", run->output, out->len);
	return EX_OK;
}

#define WHY 59 /* columns before it */

static void
put_what_if(const struct whatif *w, struct buf *out)
{
	const struct whatif_partner *p;
	struct buf line = {0}, lead = {0};
	size_t i;
	int f;

	buf_printf(&lead, "%*s", WHY, "");
	buf_printf(&line,
	    "%s mail%s of %s partner%s of %s would have waited; of %s it is "
	    "not known",
	    num_count(w->waits).s, num_plural(w->waits),
	    num_count(w->waiting).s, num_plural(w->waiting),
	    num_count(w->mails).s, num_count(w->unknown).s);
	columns_paragraph(out, "", 0, line.data, false, COLUMNS_KEPT);
	if (w->waits + w->unknown > 0)
		buf_printf(out, "\n%-24s %10s %10s %10s  %s\n", "PARTNER",
		    "MAILS", "WAIT", "NOT KNOWN", "WHY");
	for (i = 0; i < w->n; i++) {
		p = &w->v[i];
		if (p->waits + p->unknown == 0)
			continue;
		columns_name(out, p->name, 24, COLUMNS_KEPT);
		buf_printf(out, " %10s %10s %10s", num_count(p->mails).s,
		    num_count(p->waits).s, num_count(p->unknown).s);
		buf_clear(&line);
		for (f = 0; f < FAULT_COUNT; f++)
			if (p->why[f] > 0)
				buf_printf(&line, "%s%s",
				    line.len > 0 ? ", " : "",
				    fault_text((enum fault)f));
		buf_puts(out, line.len > 0 ? "  " : "");
		columns_wrap(out, line.len > 0 ? line.data : "", WHY, lead.data,
		    COLUMNS_KEPT);
		buf_putc(out, '\n');
	}
	buf_free(&line);
	buf_free(&lead);
}

static json_t *
json_what_if(const struct whatif *w)
{
	json_t *list = json_array(), *why;
	const struct whatif_partner *p;
	size_t i;
	int f;

	for (i = 0; i < w->n; i++) {
		p = &w->v[i];
		why = json_object();
		for (f = 0; f < FAULT_COUNT; f++)
			if (p->why[f] > 0)
				json_object_set_new(why,
				    fault_text((enum fault)f),
				    json_integer((json_int_t)p->why[f]));
		json_array_append_new(
		    list, json_pack("{s:s, s:I, s:I, s:I, s:o}", "partner",
			      p->name, "mails", (json_int_t)p->mails,
			      "would_wait", (json_int_t)p->waits, "not_known",
			      (json_int_t)p->unknown, "why", why));
	}
	return json_pack("{s:I, s:I, s:I, s:o}", "mails", (json_int_t)w->mails,
	    "would_wait", (json_int_t)w->waits, "not_known",
	    (json_int_t)w->unknown, "partners", list);
}

/* 1 if a mail would have waited, or may have, or there is none to tell by. */
static int
what_if(struct run *run, const struct report_ask *ask)
{
	struct registry *would;
	struct buf out = {0};
	struct whatif w;
	struct err e;
	int no = 0,
	    code = common_registry(run->what_if, ask->now, "looked at", &would);
	const struct whatif_ask of = {.set = &run->set,
	    .was = run->registry,
	    .would = would,
	    .from = ask->from,
	    .to = ask->to};

	if (code != EX_OK)
		return code;
	if (whatif_read(&w, &of, &e) == -1) {
		code = common_failed(&e);
	} else {
		if (w.mails == 0)
			say("warning: there is no mail in this period to tell "
			    "by");
		no = w.waits + w.unknown > 0 || w.mails == 0;
		if (run->opt.json)
			json_put(common_object(
				     WHAT_IF, ask->now, no, json_what_if(&w)),
			    &out);
		else
			put_what_if(&w, &out);
		code = put(run, &out);
		run->told = true;
	}
	if (code == EX_OK)
		code = no;
	buf_free(&out);
	whatif_free(&w);
	registry_free(would);
	return code;
}

/* Append a blank and the word, fit for a shell. */
static void
put_word(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./=:,@+%";
	const char *p;

	if (*word != '\0' && word[strspn(word, plain)] == '\0') {
		buf_printf(out, " %s", word);
		return;
	}
	buf_puts(out, " '");
	for (p = word; *p != '\0'; p++)
		if (*p == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *p);
	buf_putc(out, '\'');
}

/* What was said and holds for commands that tell more, too. */
static void
put_options(const struct run *run, struct buf *out)
{
	const char **word = options_again(&run->opt);
	size_t i;

	for (i = 0; word[i] != NULL; i++)
		put_word(out, word[i]);
	free(word);
}

static int
report(struct run *run, const struct reportformat *format)
{
	struct report_ask ask = {.set = &run->set, .version = VERSION};
	struct buf out = {0}, options = {0};
	struct err e;
	bool kept;
	int code;

	put_options(run, &options);
	ask.options = arena_copy(
	    &run->names, options.len == 0 ? "" : options.data, options.len);
	buf_free(&options);
	if ((code = options_settings(&run->opt, &run->set)) != EX_OK ||
	    (code = find_period(run, &ask)) != EX_OK ||
	    (code = common_registry_kept(&run->set, ask.now, "reported",
		 &run->registry, &kept)) != EX_OK)
		return code;
	ask.registry = run->registry;
	ask.kept = kept;
	ask.check = run->check;
	ask.grouped = format->people;
	ask.brief = format->brief;
	ask.local = format->local;
	if (run->what_if != NULL)
		return what_if(run, &ask);
	if ((code = find_partners(run, &ask)) != EX_OK)
		return code;
	if (report_read(&run->report, &ask, &e) == -1)
		return common_failed(&e);
	run->report.all_named = run->opt.verbose;
	format->put(&run->report, &out);
	run->told = true;
	/* No news is good news, and no file. */
	if (!run->daily)
		code = put(run, &out);
	else if (out.len > 0 && (code = put(run, &out)) == EX_OK)
		code = 1;
	buf_free(&out);
	return code;
}

/* A partner may be said without --partner. */
static void
take_arguments(struct run *run)
{
	struct options_list *to = &run->partner;
	int i;

	for (i = 0; i < run->opt.n; i++) {
		to->v = mem_grow(to->v, to->n, &to->cap, sizeof(*to->v));
		to->v[to->n++] = run->opt.arg[i];
	}
}

int
main(int argc, char *argv[])
{
	const struct reportformat *format;
	const char *schema;
	struct run run = {0};
	bool json;
	int code;

	say_init(table.program);
	options_read(&table, argc, argv, &run);
	take_arguments(&run);
	if (run.what_if != NULL &&
	    (run.partner.n > 0 || run.check || run.format != NULL))
		options_misused(&table, &run,
		    "--what-if goes without --partner, --check and --format");
	if (run.daily &&
	    (run.what_if != NULL || run.format != NULL || run.opt.json))
		options_misused(&table, &run,
		    "--daily goes without --what-if, --format and -j");
	if (run.brief && (run.daily || run.what_if != NULL))
		options_misused(
		    &table, &run, "--brief goes without --daily and --what-if");
	if (run.brief && run.format != NULL)
		options_misused(&table, &run,
		    "--brief is text, or JSON by -j: --format alone has all "
		    "of it");
	if (run.output != NULL && *run.output == '\0')
		options_misused(
		    &table, &run, "--output: a name of a file is missing");
	if (run.month != NULL)
		take_month(&run);
	format = find_format(&run);
	json = run.opt.json || format == &reporttable_json;
	schema = run.what_if != NULL ? WHAT_IF
		 : run.brief	     ? REPORTTABLE_BRIEF_SCHEMA
				     : REPORTTABLE_SCHEMA;
	if (json)
		say_keep();
	code = report(&run, format);
	if (json && !run.told && run.output == NULL)
		common_answer(schema, time(NULL), code, NULL);
	report_free(&run.report);
	registry_free(run.registry);
	settings_free(&run.set);
	free(run.partner.v);
	arena_free(&run.names);
	return say_flushed(code);
}
