/*
 * tlspactctl: the admin's hand: look at partners, lower one for a time,
 * restore it, and read what was done. Needs no daemon.
 */
#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "columns.h"
#include "common.h"
#include "ctlcerts.h"
#include "checkprint.h"
#include "ctlcheck.h"
#include "ctldeed.h"
#include "ctledit.h"
#include "ctlexplain.h"
#include "ctlfacts.h"
#include "ctlhistory.h"
#include "ctllive.h"
#include "ctlprint.h"
#include "ctlstatus.h"
#include "ctlrun.h"
#include "ctltop.h"
#include "ctlwaiting.h"
#include "dname.h"
#include "err.h"
#include "explain.h"
#include "json.h"
#include "mapbuild.h"
#include "mapgone.h"
#include "mem.h"
#include "num.h"
#include "onboard.h"
#include "options.h"
#include "quote.h"
#include "registry.h"
#include "registry_keep.h"
#include "say.h"
#include "settings.h"

#define STEP 20	     /* columns before the text of a step of onboard */
#define ALL_SHOWN 24 /* partners of which a table shows even the quiet ones */

/* --- status ------------------------------------------------------------ */

/* The line below the table of all. */
static void
print_sum(const struct ctlrun *r, const struct ctl_facts *f, size_t n)
{
	size_t odd = 0, lowered = 0, unseen = 0, i;
	struct ctl_view v;

	for (i = 0; i < n; i++) {
		v = ctl_facts_view(&f[i], r->c.now);
		odd += v.odd;
		lowered += v.lowered;
		unseen += f[i].probed == 0;
	}
	if (n > 0 && (f->ledger_fault != NULL || f->evidence_fault != NULL))
		common_tell(stdout,
		    "%zu partner%s: %zu lowered; what fails is not known", n,
		    num_plural(n), lowered);
	else
		common_tell(stdout,
		    "%zu partner%s: %zu lowered, %zu to look at, %zu quiet%s; "
		    "%zu never probed",
		    n, num_plural(n), lowered, odd, n - odd,
		    n > ALL_SHOWN && !r->opt.verbose ? " (-v shows them)" : "",
		    unseen);
}

/* One line for all whom a fault of ours keeps from being known. */
static void
print_ours(const struct ctl_facts *f, size_t n, time_t now)
{
	struct buf words = {0};
	time_t at, last = 0;
	size_t many = 0, i;

	for (i = 0; i < n; i++) {
		at = ctlstatus_ours(&f[i], now);
		many += at != 0;
		last = at > last ? at : last;
	}
	if (many == 0)
		return;
	explain_ours_text(last, now, &words);
	common_tell(stdout,
	    "NOT KNOWN whether mail to %zu of them moves: %s; run "
	    "tlspact-probe --all",
	    many, words.data);
	buf_free(&words);
}

/* Who was taken out of the map lately: a table cannot show who is not there. */
static void
print_gone(const struct ctlrun *r)
{
	const struct mapgone *g = r->c.gone;
	struct buf text = {0};
	size_t i;

	for (i = 0; i < g->n; i++) {
		buf_clear(&text);
		mapgone_print(&g->v[i], r->c.now, &text);
		buf_puts(&text, mapgone_can_return(&g->v[i]) || g->v[i].opened
				    ? ": "
				    : "; see ");
		mapgone_next(&g->v[i], &text);
		common_tell(stdout, "%s", text.data);
	}
	buf_free(&text);
}

static void
print_table(const struct ctlrun *r, const struct ctl_facts *f, size_t n)
{
	const struct ctl_around *around = r->c.around;
	bool whole = r->opt.verbose || n <= ALL_SHOWN;
	struct buf out = {0};

	if (ctlstatus_table(f, n, whole, r->c.now, &out) > 0 || whole)
		(void)fputs(out.data, stdout);
	buf_free(&out);
	print_sum(r, f, n);
	print_ours(f, n, r->c.now);
	if (n > 0 && f->map_fault != NULL)
		common_tell(
		    stdout, "the map: %s; run tlspactctl check", f->map_fault);
	if (around->unread != NULL)
		common_tell(stdout,
		    "Postfix: mail goes by main.cf alone, as %s; "
		    "run tlspact-setup check",
		    around->unread);
	else if (around->past != NULL)
		common_tell(stdout,
		    "Postfix: NOT IN FORCE for some, run tlspact-setup check: "
		    "%s",
		    around->past);
	if (around->unasked != NULL)
		common_tell(stdout,
		    "Postfix: not known whether it goes by the map: %s",
		    around->unasked);
	if (around->behind != NULL)
		common_tell(stdout, "the registry is %s", around->behind);
	print_gone(r);
}

/* The queue is asked once, for all of them. */
static void
print_waiting(const struct ctlrun *r, const struct ctl_waiting *w)
{
	struct buf words = {0};

	if (w->fault != NULL)
		buf_printf(&words, "waiting mail is not known: %s", w->fault);
	else if (w->all.deferred > 0)
		ctlprint_queue(&w->all, w->who, r->c.now, &words);
	if (words.len > 0)
		common_tell(stdout, "%s%s",
		    w->fault == NULL ? "MAIL WAITS: " : "", words.data);
	buf_free(&words);
}

/* Of one partner only what is its own. */
static const char *
first_past(const struct ctlrun *r, const struct ctl_facts *f)
{
	if (r->lower.partner == NULL)
		return r->c.around->past;
	return f->past == NULL ? NULL : f->past->how;
}

/* As the findings of check have them; of one partner alone, if it is named. */
static json_t *
json_gone(const struct ctlrun *r, const struct mapgone *g, const char *partner)
{
	json_t *list = json_array(), *names;
	struct buf text = {0}, next = {0};
	size_t i, k;

	for (i = 0; i < g->n; i++) {
		if (partner != NULL &&
		    mapgone_find(&g->v[i], partner) == g->v[i].n)
			continue;
		buf_clear(&text);
		buf_clear(&next);
		mapgone_print(&g->v[i], r->c.now, &text);
		mapgone_next(&g->v[i], &next);
		names = json_array();
		for (k = 0; k < g->v[i].n && !g->v[i].domains; k++)
			json_array_append_new(
			    names, json_text(g->v[i].name[k]));
		json_array_append_new(list,
		    json_pack("{s:o, s:o, s:o}", "text", json_text(text.data),
			"partners", names, "next", json_text(next.data)));
	}
	buf_free(&text);
	buf_free(&next);
	return list;
}

static void
give_all(struct ctlrun *r, const struct ctl_facts *f, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, ctlstatus_json(&f[i], r->c.now));
	r->answer = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "map_fault",
	    json_text(n > 0 ? f->map_fault : NULL), "map_unread",
	    json_text(r->c.around->unread), "map_reading_not_known",
	    json_text(r->c.around->unasked), "map_passed_by",
	    json_text(first_past(r, f)), "registry_not_live",
	    json_text(r->c.around->behind), "partners", list);
}

/* What was read may be well, and what it says be not. */
static int
status_code(
    const struct ctlrun *r, const struct ctl_facts *f, size_t n, int code)
{
	struct ctl_view v;
	size_t i;

	if (code == EX_OK &&
	    (first_past(r, f) != NULL || (n > 0 && f->map_fault != NULL)))
		code = 1;
	if (code == EX_OK)
		code = r->registry_code;
	if (code == EX_OK && n > 0)
		code = f->evidence_code;
	for (i = 0; i < n && code == EX_OK; i++) {
		v = ctl_facts_view(&f[i], r->c.now);
		if (v.wrong || v.unread)
			code = 1;
	}
	return code;
}

static int
status_one(struct ctlrun *r)
{
	struct ctl_facts f;
	struct buf out = {0};
	struct mapgone gone = {0};
	int code;

	r->c.gone = &gone;
	code = ctlrun_facts(r, true, &f);
	r->c.gone = NULL;
	if (f.name == NULL) {
		ctl_facts_release(&f);
		mapgone_release(&gone);
		return code;
	}
	if (r->opt.json) {
		give_all(r, &f, 1);
		json_object_set_new(
		    r->answer, "gone", json_gone(r, &gone, f.name));
	} else {
		ctlstatus_one(&f, &gone, r->c.set.operator_, r->c.now, &out);
		(void)fputs(out.data, stdout);
	}
	buf_free(&out);
	if (r->registry != NULL && f.partner != NULL)
		common_tell_lost(&r->c.set, r->registry, f.partner, f.n == 0);
	code = status_code(r, &f, 1, code);
	ctl_facts_release(&f);
	mapgone_release(&gone);
	return code;
}

static int
status_all(struct ctlrun *r)
{
	struct ctl_waiting waiting;
	struct mapgone gone = {0};
	struct ctl_facts *f;
	size_t n, i;
	int code;

	r->c.gone = &gone;
	code = ctl_facts_all(&r->c, &f, &n);
	/* Partners of the registry have their faults in common. */
	for (i = 0; i < n; i++)
		if (i == 0 || f[i].partner == NULL)
			ctlrun_tell_faults(&f[i]);
	if (r->registry == NULL)
		say("without the registry only what the map has lowered is "
		    "known");
	ctl_waiting(&r->c, r->registry, &waiting);
	if (r->opt.json) {
		give_all(r, f, n);
		json_object_set_new(r->answer, "waiting",
		    waiting.fault != NULL ? json_null()
					  : ctlprint_json_queue(&waiting.all));
		json_object_set_new(
		    r->answer, "gone", json_gone(r, &gone, NULL));
	} else {
		print_table(r, f, n);
		print_waiting(r, &waiting);
	}
	ctl_waiting_release(&waiting);
	code = status_code(r, f, n, code);
	ctl_facts_free(f, n);
	mapgone_release(&gone);
	r->c.gone = NULL;
	return code;
}

/* For shells that complete: of the registry alone, a name a line. */
static int
status_names(const struct ctlrun *r)
{
	uint32_t i;

	if (r->registry == NULL)
		return r->registry_code;
	for (i = 0; i < r->registry->npartners; i++)
		(void)puts(r->registry->partner[i].name);
	return EX_OK;
}

static int
status(void *arg)
{
	struct ctlrun *r = arg;
	struct ctl_around around;
	int code;

	if (r->quiet)
		return status_names(r);
	wired_around(&r->c.set, &around);
	around.behind = r->c.kept && r->given.refused != NULL ? r->given.refused
							      : r->given.behind;
	around.takes = r->given.takes;
	r->c.around = &around;
	code = r->lower.partner != NULL ? status_one(r) : status_all(r);
	r->c.around = NULL;
	wired_around_release(&around);
	return code;
}

/* --- onboard ------------------------------------------------------------ */

static void
print_step(const struct onboard *o, const struct onboard_step *s)
{
	struct buf out = {0};
	char label[STEP + 1];

	(void)snprintf(label, sizeof(label), "%-5s%-15s",
	    s->state == ONBOARD_DONE   ? "ok"
	    : o->enforced && s->fails  ? "FAIL"
	    : s->state == ONBOARD_OPEN ? "OPEN"
				       : "-",
	    s->words);
	columns_paragraph(&out, label, STEP, s->text, false, COLUMNS_USUAL);
	(void)fputs(out.data, stdout);
	buf_free(&out);
}

static void
print_onboard(
    const struct ctl *c, const struct partner *p, const struct onboard *o)
{
	char *verdict = onboard_verdict(o);
	size_t i;

	common_tell(stdout, "%s: %s", p->name,
	    o->enforced ? verdict : "towards mode=enforced");
	free(verdict);
	for (i = 0; i < ONBOARD_STEPS; i++)
		print_step(o, &o->step[i]);
	if (o->enforced)
		return;
	if (o->open > 0)
		(void)printf("%zu step%s open.\n", o->open,
		    o->open == 1 ? " is" : "s are");
	else
		common_tell(stdout,
		    "Nothing is open. To enforce it, change at %s:%u",
		    partner_file(c->registry, p), p->line);
	if (o->open == 0)
		(void)printf("    partner %s  mode=opportunistic\n"
			     "to\n"
			     "    partner %s  mode=enforced\n",
		    p->name, p->name);
}

static json_t *
json_onboard(const struct ctl *c, const struct partner *p,
    const struct onboard *o, bool recorded)
{
	json_t *steps = json_array();
	size_t i;

	for (i = 0; i < ONBOARD_STEPS; i++)
		if (json_array_append_new(steps,
			json_pack("{s:s, s:s, s:o}", "step", o->step[i].name,
			    "state", o->step[i].state_name, "text",
			    json_text(o->step[i].text))) == -1)
			abort();
	return json_pack("{s:{s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:s, s:i, "
			 "s:o}}",
	    "onboarding", "partner", p->name, "ready", o->ready, "enforced",
	    o->enforced, "recorded", recorded, "proven", (json_int_t)o->done,
	    "open", (json_int_t)o->open, "failing", (json_int_t)o->failing,
	    "file", partner_file(c->registry, p), "line", (int)p->line, "steps",
	    steps);
}

/* Who is to be a partner comes into the registry first. */
static void
tell_entry(const char *domain)
{
	char buf[DNAME_NEXTHOP_MAX + 1];
	struct dname plain;

	if (strchr(domain, '.') != NULL &&
	    dname_nexthop(domain, buf, &plain) == NULL)
		say("if it is to be one, tlspact-probe --entry %s prints what "
		    "goes into the registry first",
		    plain.s);
}

static int
onboard(void *arg)
{
	const struct partner *p;
	struct ctlrun *r = arg;
	struct onboard o;
	struct err e;
	char *past;
	bool recorded;
	uint32_t i;
	int code;

	if (r->registry == NULL)
		return r->registry_code;
	i = registry_find(r->registry, r->lower.partner);
	if (i == REGISTRY_NONE) {
		code = ctlrun_nobody(r);
		tell_entry(r->lower.partner);
		return code;
	}
	p = &r->registry->partner[i];
	past = wired_past(&r->c.set, r->registry, p);
	onboard_measure(&r->c, p, past, &o);
	free(past);
	code = o.ready ? EX_OK : 1;
	/* It took a while. */
	recorded = r->dry || onboard_record(&r->c, p, &o, time(NULL), &e) == 0;
	if (!recorded) {
		code = common_failed(&e);
		say("this is not on record");
	}
	if (r->opt.json)
		r->answer = json_onboard(&r->c, p, &o, recorded && !r->dry);
	else
		print_onboard(&r->c, p, &o);
	return code;
}

/* --- all --------------------------------------------------------------- */

enum {
	STATUS,
	EXPLAIN,
	DOWNGRADE,
	EXTEND,
	RESTORE,
	HISTORY,
	ONBOARD,
	CHECK,
	CERTIFICATES,
	EDIT,
	TOP
};

static const struct options_verb verbs[] = {
    [STATUS] = {"status", NULL, 0, 1, status},
    [EXPLAIN] = {"explain", NULL, 1, 1, ctlexplain},
    [DOWNGRADE] = {"downgrade", NULL, 1, 1, ctldeed_downgrade},
    [EXTEND] = {"extend", NULL, 1, 1, ctldeed_extend},
    [RESTORE] = {"restore", NULL, 1, 1, ctldeed_restore},
    [HISTORY] = {"history", NULL, 0, 1, ctlhistory},
    [ONBOARD] = {"onboard", NULL, 1, 1, onboard},
    [CHECK] = {"check", NULL, 0, 0, checkprint},
    [CERTIFICATES] = {"certificates", NULL, 0, 1, ctlcerts},
    [EDIT] = {"edit", NULL, 0, 1, ctledit},
    [TOP] = {"top", NULL, 0, 0, ctltop},
};

#define LOWER (OPTIONS_VERB(DOWNGRADE) | OPTIONS_VERB(EXTEND))
#define FLUSH (OPTIONS_VERB(DOWNGRADE) | OPTIONS_VERB(RESTORE))

static const struct options_row rows[] = {
    {0, "for", "TIME", "how long; it ends by itself", OPTIONS_WORD,
	.at = offsetof(struct ctlrun, lower.span),
	.show = "--for 4h, --until 17:30", .verbs = LOWER},
    {0, "until", "TIME", "", OPTIONS_WORD,
	.at = offsetof(struct ctlrun, lower.until),
	.verbs = LOWER | OPTIONS_VERB(HISTORY)},
    {0, "reason", "TEXT", "", OPTIONS_WORD,
	.at = offsetof(struct ctlrun, lower.reason), .verbs = LOWER | FLUSH},
    {0, "ticket", "TEXT", "", OPTIONS_WORD,
	.at = offsetof(struct ctlrun, lower.ticket),
	.verbs = OPTIONS_VERB(DOWNGRADE)},
    {0, "to", "LEVEL",
	"without it the gateways are looked at, and the smallest\n"
	"step that helps is proposed",
	OPTIONS_WORD, .at = offsetof(struct ctlrun, lower.to),
	.show = "--to LEVEL", .verbs = OPTIONS_VERB(DOWNGRADE)},
    {0, "inbound", NULL,
	"mail from them alone: it is let in without their\n"
	"certificate, or TLS, until restore ends that",
	OPTIONS_FLAG, .at = offsetof(struct ctlrun, lower.inbound),
	.show = "--inbound",
	.verbs = OPTIONS_VERB(DOWNGRADE) | OPTIONS_VERB(RESTORE)},
    {0, "yes", NULL, "do not ask", OPTIONS_FLAG,
	.at = offsetof(struct ctlrun, yes), .show = "--yes",
	.verbs = LOWER | FLUSH},
    {0, "flush", NULL, "whether waiting mail is tried again at once",
	OPTIONS_FLAG, .at = offsetof(struct ctlrun, flush),
	.show = "--no-flush, --flush", .verbs = FLUSH},
    {0, "no-flush", NULL, "", OPTIONS_FLAG,
	.at = offsetof(struct ctlrun, no_flush), .verbs = FLUSH},
    {'q', "quiet", NULL, "only the names of all partners", OPTIONS_FLAG,
	.at = offsetof(struct ctlrun, quiet), .verbs = OPTIONS_VERB(STATUS)},
    {0, "since", "TIME",
	"events since then, a day or a time; --until: up to then", OPTIONS_WORD,
	.at = offsetof(struct ctlrun, since), .show = "--since TIME",
	.verbs = OPTIONS_VERB(HISTORY)},
    {0, "open", NULL, "only downgrades that hold", OPTIONS_FLAG,
	.at = offsetof(struct ctlrun, open), .verbs = OPTIONS_VERB(HISTORY)},
    {0, "kind", "KIND",
	"only events of these kinds, such as downgrade,map;\n"
	"weaker is all that made a partner weaker",
	OPTIONS_WORD, .at = offsetof(struct ctlrun, kinds),
	.show = "--kind KIND[,KIND]", .verbs = OPTIONS_VERB(HISTORY)},
    {0, "weaker", NULL, "the same as --kind weaker", OPTIONS_FLAG,
	.at = offsetof(struct ctlrun, weaker), .verbs = OPTIONS_VERB(HISTORY)},
    {0, "check", NULL, "", OPTIONS_FLAG, .at = offsetof(struct ctlrun, check),
	.verbs = OPTIONS_VERB(HISTORY)},
    {0, "known", "COUNT:HASH", "", OPTIONS_WORD,
	.at = offsetof(struct ctlrun, known), .verbs = OPTIONS_VERB(HISTORY)},
    {0, "nagios", NULL, "", OPTIONS_FORM, .at = offsetof(struct ctlrun, form),
	.value = CHECKPRINT_NAGIOS, .verbs = OPTIONS_VERB(CHECK)},
    {0, "prometheus", NULL, "", OPTIONS_FORM,
	.at = offsetof(struct ctlrun, form), .value = CHECKPRINT_PROMETHEUS,
	.verbs = OPTIONS_VERB(CHECK)},
    {0, "within", "TIME", "only certificates that end within 30d, 4w or 12h",
	OPTIONS_WORD, .at = offsetof(struct ctlrun, within),
	.verbs = OPTIONS_VERB(CERTIFICATES)},
    {'d', "delay", "SECONDS", "between two looks of top (5)", OPTIONS_NUMBER,
	.at = offsetof(struct ctlrun, seconds), .value = CTLTOP_SECONDS_MAX,
	.verbs = OPTIONS_VERB(TOP)},
    {'n', "dry-run", NULL, "say what would be done", OPTIONS_FLAG,
	.at = offsetof(struct ctlrun, dry),
	.verbs = LOWER | FLUSH | OPTIONS_VERB(ONBOARD) | OPTIONS_VERB(EDIT)},
    OPTIONS_POSTFIX("DIR",
	"configuration folder of Postfix (default: postfix_config\n"
	"of the settings, else its own)"),
    OPTIONS_SETTINGS,
    OPTIONS_JSON(NULL),
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

/* Times and levels without the option that they belong to. */
static const char *
stray(unsigned verb, const char *arg)
{
	bool lowers = (OPTIONS_VERB(verb) & LOWER) != 0;
	enum level level;
	uint64_t span;

	if (verb == DOWNGRADE && level_parse(arg, &level) == 0)
		return "to";
	/* Without a unit it is no time here. */
	if ((!lowers && verb != CERTIFICATES) ||
	    arg[strspn(arg, "0123456789")] == '\0' ||
	    num_duration(arg, UINT32_MAX, &span) == -1)
		return NULL;
	return lowers ? "for" : "within";
}

/* What people say for it. */
static const char *
synonym(const char *word)
{
	static const struct {
		const char *word, *verb;
	} words[] = {{"add", "tlspact-probe --entry DOMAIN"},
	    {"allow", "downgrade"}, {"cert", "certificates"},
	    {"certs", "certificates"}, {"close", "restore"},
	    {"compile", "tlspact-compile"}, {"end", "restore"},
	    {"gateways", "status"},
	    {"import", "tlspact-compile --import FORMAT FILE"},
	    {"log", "history, or tlspact-log"}, {"lower", "downgrade"},
	    {"probe", "tlspact-probe"}, {"prolong", "extend"},
	    {"queue", "explain"}, {"raise", "restore"},
	    {"rename", "former=OLD-NAME in tlspactctl edit"},
	    {"report", "tlspact-report"}, {"setup", "tlspact-setup"},
	    {"show", "status"}, {"stop", "restore"}, {"trace", "tlspact-trace"},
	    {"undo", "restore"}, {"upgrade", "restore"},
	    {"verify", "tlspact-verify"}, {"why", "explain"}};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0)
			return words[i].verb;
	return NULL;
}

static const struct options_table table = {
    .program = "tlspactctl",
    .synopsis = "status [PARTNER | --quiet]\n"
		"explain ADDRESS | DOMAIN | QUEUE-ID\n"
		"downgrade PARTNER --for TIME | --until TIME --reason TEXT\n"
		" [--ticket TEXT]\n"
		" [--inbound] [--to key|encrypt|opportunistic]\n"
		" [--yes] [--no-flush]\n"
		"extend PARTNER --for TIME | --until TIME [--reason TEXT]\n"
		" [--yes]\n"
		"restore PARTNER [--reason TEXT] [--inbound] [--flush]\n"
		"history [PARTNER] [--since TIME] [--until TIME] [--open]\n"
		" [--kind KIND[,KIND] | --weaker]\n"
		"history --check [--known COUNT:HASH]\n"
		"onboard PARTNER\n"
		"check [--nagios | --prometheus]\n"
		"certificates [PARTNER|GATEWAY|PROVIDER] [--within TIME]\n"
		"edit [PARTNER]\n"
		"top [--delay SECONDS]\n",
    .about = "PARTNER is a partner of the registry, one of its domains, or an\n"
	     "address there.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .verb = verbs,
    .nverbs = sizeof(verbs) / sizeof(verbs[0]),
    .stray = stray,
    .synonym = synonym,
};

static void
read_options(int argc, char *argv[], struct ctlrun *r)
{
	enum level to;

	options_read(&table, argc, argv, r);
	if (r->weaker && r->kinds != NULL)
		options_misused(&table, r,
		    "--weaker is a kind, too: --kind %s,%s", r->kinds,
		    CTLHISTORY_WEAKER);
	if (r->weaker)
		r->kinds = CTLHISTORY_WEAKER;
	if (r->check && r->opt.n > 0)
		options_misused(&table, r,
		    "--check is of the whole record, not of one partner");
	if (r->check && (r->since != NULL || r->lower.until != NULL ||
			    r->open || r->kinds != NULL))
		options_misused(&table, r,
		    "--check is of the whole record, not of a part of it");
	if (r->known != NULL && !r->check)
		options_misused(&table, r, "--known goes with --check");
	if (r->flush && r->no_flush)
		options_misused(
		    &table, r, "--flush and --no-flush exclude each other");
	if (r->lower.inbound && r->lower.to != NULL &&
	    (level_parse(r->lower.to, &to) == -1 || to > LEVEL_ENCRYPT))
		options_misused(&table, r,
		    "--inbound --to: %s is not encrypt (TLS, any certificate) "
		    "or opportunistic (also without TLS)",
		    quotes(r->lower.to).s);
	if (r->quiet && (r->opt.n > 0 || r->opt.json))
		options_misused(
		    &table, r, "--quiet is of all partners, and for shells");
	if (r->form != 0 && r->opt.json)
		options_misused(
		    &table, r, "--json: another form was asked for as well");
	if (r->opt.verb == TOP && r->opt.json)
		options_misused(
		    &table, r, "top is for people: no --json; check has it");
	if (r->opt.verb == EDIT && r->opt.json)
		options_misused(&table, r, "edit is for people: no --json");
	if (r->opt.n > 0)
		r->lower.partner = common_address(r->opt.arg[0], &r->mailbox);
	r->c.again = options_again(&r->opt);
}

/* The object of -j, whatever became of it: no result is null. */
static void
give(struct ctlrun *r, int code)
{
	static const char *const result[] = {[STATUS] = "partners",
	    [DOWNGRADE] = "change",
	    [EXTEND] = "change",
	    [RESTORE] = "change",
	    [HISTORY] = "events",
	    [ONBOARD] = "onboarding",
	    [EXPLAIN] = "explanation",
	    [CHECK] = "checks",
	    [CERTIFICATES] = "certificates",
	    [EDIT] = "edit",
	    [TOP] = "checks"};
	const char *key = r->check ? "record" : result[r->opt.verb];
	json_t *more =
	    json_pack("{s:s, s:n}", "verb", verbs[r->opt.verb].name, key);

	if (r->answer != NULL)
		(void)json_object_update(more, r->answer);
	json_decref(r->answer);
	common_answer(CTL_SCHEMA, r->c.now, code, more);
}

/* Those that go by what is in force, and not by what somebody wrote since. */
static bool
is_of_map(const struct ctlrun *r)
{
	return r->opt.verb == DOWNGRADE || r->opt.verb == EXTEND ||
	       r->opt.verb == RESTORE || r->opt.verb == STATUS ||
	       r->opt.verb == EXPLAIN;
}

/* Those that only tell of partners, whoever is one. */
static bool
is_told(const struct ctlrun *r)
{
	return r->opt.verb == HISTORY || r->opt.verb == CERTIFICATES;
}

/*
 * A registry that is at fault, or gone, or that tlspact-compile does not take,
 * keeps nobody from lowering or looking at a partner: the map was made of one
 * that was well.
 */
static void
read_registry(struct ctlrun *r)
{
	struct registry *given;
	const char *refused;
	char *kept;
	struct err e;

	if (is_told(r)) {
		r->registry_code = common_registry_kept(
		    &r->c.set, r->c.now, NULL, &r->registry, &r->c.kept);
		r->c.registry = r->registry;
		return;
	}
	r->registry_code =
	    common_registry(r->c.set.registry, r->c.now, NULL, &r->registry);
	r->c.registry = given = r->registry;
	if (is_of_map(r))
		ctlcheck_registry(&r->c, &r->given);
	refused = r->given.refused;
	if (given != NULL && refused == NULL)
		return;
	kept = mapbuild_kept(r->c.set.map);
	r->registry = registry_load_kept(kept, r->c.now, &e);
	r->c.kept = r->registry != NULL;
	/* status has a line for it. */
	if (refused != NULL && r->opt.verb != STATUS)
		say("the registry as it is now: %s", refused);
	if (r->c.kept)
		say("the registry is %s; what follows goes by the one that was "
		    "last compiled (%s)",
		    given == NULL ? "at fault" : "not taken", quotes(kept).s);
	if (r->c.kept)
		registry_free(given);
	else
		r->registry = given;
	free(kept);
}

/* What a look says of mail that is sent now rests on the rule in the map. */
static int
run_verb(struct ctlrun *r)
{
	struct registry *live = NULL;
	int code;

	r->c.registry = r->registry;
	if (r->opt.verb == STATUS || r->opt.verb == EXPLAIN)
		live = ctllive_load(&r->c, r->given.map, &r->c.behind);
	r->c.live = live;
	code = verbs[r->opt.verb].run(r);
	registry_free(live);
	return code;
}

/* By a word of the command line: `-o ledger=FILE`? */
static bool
is_given(const struct ctlrun *r, const char *name)
{
	const size_t n = strlen(name);
	const char **arg;

	for (arg = r->c.again; *arg != NULL; arg++)
		if (strcmp(*arg, "-o") == 0 && strncmp(arg[1], name, n) == 0 &&
		    strchr(" =", arg[1][n]) != NULL)
			return true;
	return false;
}

/* By the settings: it is not where it is by itself. */
static bool
is_set(const struct ctlrun *r, const char *name, const char *path)
{
	const struct conf *c = &r->c.set.conf;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->item[i].name, name) == 0)
			return strcmp(c->item[i].preset, path) != 0;
	return false;
}

/*
 * A file that is not there holds nothing, as on the first day; but whoever
 * names one, or one in a folder that is not there, is likely mistaken.
 */
static void
tell_missing(const struct ctlrun *r, const char *name, const char *path)
{
	char *folder;
	bool lost;

	if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return;
	folder = mem_dup(path);
	lost = access(dirname(folder), F_OK) == -1 && is_set(r, name, path);
	free(folder);
	if (lost || is_given(r, name))
		say("%s %s does not exist: nothing is known by it", name,
		    quotes(path).s);
}

/*
 * If the name that was given is no partner's now, but one had it once, by the
 * record or by former= of the registry, say so and go on with the new one.
 */
static void
follow_rename(struct ctlrun *r)
{
	if (r->lower.partner == NULL || r->mailbox != NULL)
		return;
	r->renamed = common_renamed(&r->c.set, r->registry, r->lower.partner);
	if (r->renamed != NULL)
		r->lower.partner = r->renamed;
}

int
main(int argc, char *argv[])
{
	struct ctlrun r = {.c.now = time(NULL)};
	int code;

	say_init(table.program);
	read_options(argc, argv, &r);
	if (r.opt.json)
		say_keep();
	author_get(&r.c.author);
	code = options_settings(&r.opt, &r.c.set);
	if (code == EX_OK) {
		if (r.opt.verb == STATUS || r.opt.verb == CHECK) {
			tell_missing(&r, "ledger", r.c.set.ledger);
			tell_missing(&r, "evidence", r.c.set.evidence);
		}
		/* That one tells of the registry by itself. */
		if (!r.check && r.opt.verb != CHECK && r.opt.verb != TOP)
			read_registry(&r);
		follow_rename(&r);
		code = run_verb(&r);
	}
	if (r.opt.json)
		give(&r, code);
	else
		json_decref(r.answer);
	code = say_flushed(code);
	registry_free(r.registry);
	settings_free(&r.c.set);
	free(r.renamed);
	free(r.given.refused);
	free(r.given.behind);
	free(r.c.again);
	return code;
}
