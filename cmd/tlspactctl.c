/*
 * tlspactctl: the admin's hand: look at partners, lower one for a time,
 * restore it, and read what was done. Needs no daemon.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "ctl.h"
#include "diag.h"
#include "options.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

struct run {
	struct options opt;
	struct ctl c;
	struct ctl_lower lower;
	const char *known;
	bool check;
};

static int
status(void *arg)
{
	struct run *r = arg;

	return ctl_status(&r->c, r->lower.partner);
}

static int
downgrade(void *arg)
{
	struct run *r = arg;

	return ctl_downgrade(&r->c, &r->lower);
}

static int
extend(void *arg)
{
	struct run *r = arg;

	return ctl_extend(&r->c, &r->lower);
}

static int
restore(void *arg)
{
	struct run *r = arg;

	return ctl_restore(&r->c, r->lower.partner, r->lower.reason);
}

static int
history(void *arg)
{
	struct run *r = arg;

	return ctl_history(&r->c, r->lower.partner, r->check, r->known);
}

enum { STATUS, DOWNGRADE, EXTEND, RESTORE, HISTORY };

static const struct options_verb verbs[] = {
    [STATUS] = {"status", NULL, 0, 1, status},
    [DOWNGRADE] = {"downgrade", NULL, 1, 1, downgrade},
    [EXTEND] = {"extend", NULL, 1, 1, extend},
    [RESTORE] = {"restore", NULL, 1, 1, restore},
    [HISTORY] = {"history", NULL, 0, 1, history},
};

#define LOWER (OPTIONS_VERB(DOWNGRADE) | OPTIONS_VERB(EXTEND))
#define FLUSH (OPTIONS_VERB(DOWNGRADE) | OPTIONS_VERB(RESTORE))

static const struct options_row rows[] = {
    {0, "for", "TIME", "how long; it ends by itself", OPTIONS_WORD,
	.at = offsetof(struct run, lower.span),
	.show = "--for 4h, --until 17:30", .verbs = LOWER},
    {0, "until", "TIME", "", OPTIONS_WORD,
	.at = offsetof(struct run, lower.until), .verbs = LOWER},
    {0, "reason", "TEXT", "", OPTIONS_WORD,
	.at = offsetof(struct run, lower.reason), .verbs = LOWER | FLUSH},
    {0, "ticket", "TEXT", "", OPTIONS_WORD,
	.at = offsetof(struct run, lower.ticket),
	.verbs = OPTIONS_VERB(DOWNGRADE)},
    {0, "to", "LEVEL",
	"without it the gateways are looked at, and the smallest\n"
	"step that helps is proposed",
	OPTIONS_WORD, .at = offsetof(struct run, lower.to),
	.show = "--to LEVEL", .verbs = OPTIONS_VERB(DOWNGRADE)},
    {0, "yes", NULL, "do not ask", OPTIONS_FLAG,
	.at = offsetof(struct run, c.yes), .show = "--yes",
	.verbs = LOWER | FLUSH},
    {0, "flush", NULL, "whether waiting mail is tried again at once",
	OPTIONS_FLAG, .at = offsetof(struct run, c.flush),
	.show = "--no-flush, --flush", .verbs = FLUSH},
    {0, "no-flush", NULL, "", OPTIONS_FLAG,
	.at = offsetof(struct run, c.no_flush), .verbs = FLUSH},
    {0, "check", NULL, "", OPTIONS_FLAG, .at = offsetof(struct run, check),
	.verbs = OPTIONS_VERB(HISTORY)},
    {0, "known", "COUNT:HASH", "", OPTIONS_WORD,
	.at = offsetof(struct run, known), .verbs = OPTIONS_VERB(HISTORY)},
    {'n', "dry-run", NULL, "say what would be done", OPTIONS_FLAG,
	.at = offsetof(struct run, c.dry)},
    OPTIONS_POSTFIX("DIR",
	"configuration folder of Postfix (default: postfix_config\n"
	"of the settings, else its own)"),
    OPTIONS_SETTINGS,
    OPTIONS_JSON(NULL),
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspactctl",
    .synopsis =
	"status [PARTNER]\n"
	"downgrade PARTNER --for TIME | --until TIME --reason TEXT\n"
	" [--ticket TEXT] [--to key|encrypt|opportunistic] [--yes] "
	"[--no-flush]\n"
	"extend PARTNER --for TIME | --until TIME [--reason TEXT] [--yes]\n"
	"restore PARTNER [--reason TEXT] [--flush]\n"
	"history [PARTNER] | --check [--known COUNT:HASH]\n",
    .about = "PARTNER is a partner of the registry, or one of its domains.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .verb = verbs,
    .nverbs = sizeof(verbs) / sizeof(verbs[0]),
};

static void
read_options(int argc, char *argv[], struct run *r)
{
	options_read(&table, argc, argv, r);
	if ((r->check && r->opt.n > 0) || (r->known != NULL && !r->check) ||
	    (r->c.flush && r->c.no_flush))
		options_misused(&table, r);
	r->lower.partner = r->opt.n == 0 ? NULL : r->opt.arg[0];
	r->c.json = r->opt.json;
	r->c.verbose = r->opt.verbose;
	r->c.again = options_again(&r->opt);
}

int
main(int argc, char *argv[])
{
	struct run r = {.c.now = time(NULL)};
	int code;

	say_init(table.program);
	read_options(argc, argv, &r);
	author_get(&r.c.author);
	code = settings_read(&r.c.set, &r.opt.settings, &r.c.diags);
	if (code == EX_OK) {
		if (!r.check)
			ctl_load_registry(&r.c);
		code = verbs[r.opt.verb].run(&r);
	}
	code = say_flushed(code);
	diag_free(&r.c.diags);
	registry_free(r.c.registry);
	settings_free(&r.c.set);
	free(r.c.again);
	return code;
}
