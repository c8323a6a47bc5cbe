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

#include "buf.h"
#include "clock.h"
#include "common.h"
#include "err.h"
#include "file.h"
#include "mem.h"
#include "options.h"
#include "registry.h"
#include "report.h"
#include "reporthtml.h"
#include "reporttable.h"
#include "reporttext.h"
#include "reportwhatif.h"
#include "say.h"
#include "settings.h"
#include "whatif.h"

struct run {
	struct options opt;
	time_t from, to, at; /* 0: not said; to is the last day */
	struct options_list partner;
	const char *format, *output;
	const char *what_if; /* another registry */
	bool check;
	struct settings set;
	struct registry *registry;
	struct report report;
};

static const struct options_row rows[] = {
    {0, "from", "DAY", "first day, UTC (default: 29 days before the last one)",
	OPTIONS_TIME, .at = offsetof(struct run, from)},
    {0, "to", "DAY", "last day (default: today)", OPTIONS_TIME,
	.at = offsetof(struct run, to)},
    {0, "at", "TIME", "as of that time, not of now", OPTIONS_TIME,
	.at = offsetof(struct run, at)},
    {0, "partner", "NAME", "of that partner alone; may be repeated",
	OPTIONS_LIST, .at = offsetof(struct run, partner)},
    {0, "check", NULL, "hold the evidence against the record as well",
	OPTIONS_FLAG, .at = offsetof(struct run, check)},
    {0, "what-if", "REGISTRY", "which mails would have waited under REGISTRY?",
	OPTIONS_WORD, .at = offsetof(struct run, what_if)},
    {0, "format", "FORMAT", "text (default), csv, json or html", OPTIONS_WORD,
	.at = offsetof(struct run, format)},
    {0, "output", "FILE", "write to FILE, which changes at once", OPTIONS_WORD,
	.at = offsetof(struct run, output)},
    OPTIONS_JSON("the same as --format json"),
    OPTIONS_SETTINGS,
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-report",
    .synopsis = "[-jv] [-C FILE] [-o NAME=VALUE]... [--from DAY] [--to DAY]\n"
		" [--at TIME] [--partner NAME]... [--check]\n"
		" [--format FORMAT] [--output FILE]\n"
		"--what-if REGISTRY [-j] [-C FILE] [-o NAME=VALUE]...\n"
		" [--from DAY] [--to DAY] [--at TIME] [--output FILE]\n",
    .about = "Tell what is on record of a period: mail, gateways, decisions.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
};

/* --- What to tell of ---------------------------------------------------------
 */

static const struct format {
	const char *name;
	void (*put)(const struct report *r, struct buf *out);
	bool people; /* read it, not programs */
} formats[] = {
    {"text", reporttext_put, true},
    {"csv", reporttable_csv, false},
    {"json", reporttable_json, false},
    {"html", reporthtml_put, true},
};

static const struct format *
find_format(const struct run *run)
{
	const char *name = run->opt.json	 ? "json"
			   : run->format == NULL ? "text"
						 : run->format;
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0 &&
		    (!run->opt.json || run->format == NULL ||
			strcmp(run->format, name) == 0))
			return &formats[i];
	options_misused(&table, run);
}

static time_t
day_of(time_t t)
{
	return t - t % CLOCK_DAY;
}

/* 0, or the exit code, all being said. */
static int
find_period(struct run *run, struct report_ask *ask)
{
	ask->now = run->at != 0 ? run->at : time(NULL);
	ask->to = day_of(run->to != 0 ? run->to : ask->now) + CLOCK_DAY;
	ask->from = run->from != 0 ? day_of(run->from)
				   : ask->to - (time_t)REPORT_DAYS * CLOCK_DAY;
	if (ask->from < 0)
		ask->from = 0;
	if (ask->from < ask->to && ask->from <= ask->now)
		return EX_OK;
	say(ask->from <= ask->now ? "the period ends before it begins"
				  : "the period is to come");
	return EX_USAGE;
}

/* By their names in the registry; one that is gone has its own. */
static void
find_partners(struct run *run, struct report_ask *ask)
{
	uint32_t at;
	size_t i;

	for (i = 0; i < run->partner.n; i++) {
		at = registry_find(run->registry, run->partner.v[i]);
		if (at != REGISTRY_NONE)
			run->partner.v[i] = run->registry->partner[at].name;
	}
	ask->partner = run->partner.v;
	ask->npartners = run->partner.n;
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

/* 1 if a mail would have waited, or may have, or there is none to tell by. */
static int
what_if(struct run *run, const struct report_ask *ask)
{
	struct registry *would;
	struct buf out = {0};
	struct whatif w;
	struct err e;
	int code = common_registry(run->what_if, ask->now, "looked at", &would);
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
		(run->opt.json ? reportwhatif_json : reportwhatif_text)(
		    &w, &out);
		code = put(run, &out);
	}
	if (code == EX_OK && w.mails == 0)
		say("warning: there is no mail in this period to tell by");
	if (code == EX_OK && (w.waits + w.unknown > 0 || w.mails == 0))
		code = 1;
	buf_free(&out);
	whatif_free(&w);
	registry_free(would);
	return code;
}

static int
report(struct run *run, const struct format *format)
{
	struct report_ask ask = {.set = &run->set, .version = VERSION};
	struct buf out = {0};
	struct err e;
	int code;

	if ((code = options_settings(&run->opt, &run->set)) != EX_OK ||
	    (code = find_period(run, &ask)) != EX_OK ||
	    (code = common_registry(run->set.registry, ask.now, "reported",
		 &run->registry)) != EX_OK)
		return code;
	ask.registry = run->registry;
	ask.check = run->check;
	ask.grouped = format->people;
	if (run->what_if != NULL)
		return what_if(run, &ask);
	find_partners(run, &ask);
	if (report_read(&run->report, &ask, &e) == -1)
		return common_failed(&e);
	format->put(&run->report, &out);
	code = put(run, &out);
	buf_free(&out);
	return code;
}

int
main(int argc, char *argv[])
{
	struct run run = {0};
	int code;

	say_init(table.program);
	options_read(&table, argc, argv, &run);
	if (run.what_if != NULL &&
	    (run.partner.n > 0 || run.check || run.format != NULL))
		options_misused(&table, &run);
	code = report(&run, find_format(&run));
	report_free(&run.report);
	registry_free(run.registry);
	settings_free(&run.set);
	free(run.partner.v);
	return say_flushed(code);
}
