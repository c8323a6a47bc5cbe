/*
 * tlspactctl: the admin's hand: look at partners, lower one for a time,
 * restore it, and read what was done. Needs no daemon.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "ctl.h"
#include "diag.h"
#include "err.h"
#include "mem.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

enum verb { STATUS, DOWNGRADE, EXTEND, RESTORE, HISTORY, NVERBS };

enum {
	OPT_FOR = 256,
	OPT_UNTIL,
	OPT_REASON,
	OPT_TICKET,
	OPT_TO,
	OPT_YES,
	OPT_FLUSH,
	OPT_NO_FLUSH,
	OPT_CHECK,
	OPT_KNOWN
};

struct run {
	struct settings_options options;
	struct ctl c;
	struct ctl_lower lower;
	bool check;
	const char *known;
	enum verb verb;
};

static const struct option longs[] = {
    {"config", required_argument, NULL, 'C'},
    {"option", required_argument, NULL, 'o'},
    {"postfix", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"verbose", no_argument, NULL, 'v'},
    {"dry-run", no_argument, NULL, 'n'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"for", required_argument, NULL, OPT_FOR},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"reason", required_argument, NULL, OPT_REASON},
    {"ticket", required_argument, NULL, OPT_TICKET},
    {"to", required_argument, NULL, OPT_TO},
    {"yes", no_argument, NULL, OPT_YES},
    {"flush", no_argument, NULL, OPT_FLUSH},
    {"no-flush", no_argument, NULL, OPT_NO_FLUSH},
    {"check", no_argument, NULL, OPT_CHECK},
    {"known", required_argument, NULL, OPT_KNOWN},
    {NULL, 0, NULL, 0},
};

/* Which of the options above 255 a verb takes. */
#define BIT(opt) (1u << ((opt)-OPT_FOR))
static const struct {
	const char *name;
	unsigned takes;
	bool needs_partner;
} verbs[NVERBS] = {
    [STATUS] = {"status", 0, false},
    [DOWNGRADE] = {"downgrade",
	BIT(OPT_FOR) | BIT(OPT_UNTIL) | BIT(OPT_REASON) | BIT(OPT_TICKET) |
	    BIT(OPT_TO) | BIT(OPT_YES) | BIT(OPT_FLUSH) | BIT(OPT_NO_FLUSH),
	true},
    [EXTEND] = {"extend",
	BIT(OPT_FOR) | BIT(OPT_UNTIL) | BIT(OPT_REASON) | BIT(OPT_YES), true},
    [RESTORE] = {"restore",
	BIT(OPT_REASON) | BIT(OPT_YES) | BIT(OPT_FLUSH) | BIT(OPT_NO_FLUSH),
	true},
    [HISTORY] = {"history", BIT(OPT_CHECK) | BIT(OPT_KNOWN), false},
};

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: tlspactctl status [PARTNER]\n"
	    "       tlspactctl downgrade PARTNER --for TIME | --until TIME "
	    "--reason TEXT\n"
	    "                  [--ticket TEXT] [--to "
	    "key|encrypt|opportunistic] "
	    "[--yes] [--no-flush]\n"
	    "       tlspactctl extend PARTNER --for TIME | --until TIME "
	    "[--reason TEXT] [--yes]\n"
	    "       tlspactctl restore PARTNER [--reason TEXT] [--flush]\n"
	    "       tlspactctl history [PARTNER] | --check [--known "
	    "COUNT:HASH]\n"
	    "PARTNER is a partner of the registry, or one of its domains.\n"
	    "  --for 4h, --until 17:30  how long; it ends by itself\n"
	    "  --to LEVEL           without it the gateways are looked at, and "
	    "the smallest\n"
	    "                       step that helps is proposed\n"
	    "  --yes                do not ask\n"
	    "  --no-flush, --flush  whether waiting mail is tried again at "
	    "once\n"
	    "  -n, --dry-run        say what would be done\n"
	    "  -c, --postfix DIR    configuration folder of Postfix (default: "
	    "postfix_config\n"
	    "                       of the settings, else its own)\n"
	    "  -C, --config FILE    settings (default " SYSCONFDIR SETTINGS_FILE
	    ")\n"
	    "  -o, --option NAME=VALUE  override one setting\n"
	    "  -j, --json  -v, --verbose  -h, --help  -V, --version\n");
}

static void
usage_exit(void)
{
	usage(stderr);
	exit(EX_USAGE);
}

static void
common_option(struct run *r, int ch)
{
	switch (ch) {
	case 'C':
		r->options.file = optarg;
		break;
	case 'o':
		settings_option(&r->options, optarg);
		break;
	case 'c':
		r->options.postfix = optarg;
		break;
	case 'j':
		r->c.json = true;
		break;
	case 'v':
		r->c.verbose = true;
		break;
	case 'n':
		r->c.dry = true;
		break;
	case 'h':
		usage(stdout);
		exit(say_flushed(EX_OK));
	case 'V':
		(void)printf("tlspactctl %s\n", VERSION);
		exit(say_flushed(EX_OK));
	default:
		usage_exit();
	}
}

static void
verb_option(struct run *r, int ch)
{
	switch (ch) {
	case OPT_FOR:
		r->lower.span = optarg;
		break;
	case OPT_UNTIL:
		r->lower.until = optarg;
		break;
	case OPT_REASON:
		r->lower.reason = optarg;
		break;
	case OPT_TICKET:
		r->lower.ticket = optarg;
		break;
	case OPT_TO:
		r->lower.to = optarg;
		break;
	case OPT_YES:
		r->c.yes = true;
		break;
	case OPT_FLUSH:
		r->c.flush = true;
		break;
	case OPT_NO_FLUSH:
		r->c.no_flush = true;
		break;
	case OPT_CHECK:
		r->check = true;
		break;
	default:
		r->known = optarg;
		break;
	}
}

static void
parse_options(int argc, char *argv[], struct run *r)
{
	unsigned seen = 0;
	int ch;

	while ((ch = getopt_long(argc, argv, "C:o:c:jvnhV", longs, NULL)) != -1)
		if (ch >= OPT_FOR) {
			seen |= BIT(ch);
			verb_option(r, ch);
		} else {
			common_option(r, ch);
		}
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 2)
		usage_exit();
	for (r->verb = STATUS; r->verb < NVERBS; r->verb++)
		if (strcmp(argv[0], verbs[r->verb].name) == 0)
			break;
	if (r->verb == NVERBS || (seen & ~verbs[r->verb].takes) != 0 ||
	    (verbs[r->verb].needs_partner && argc != 2) ||
	    (r->check && argc != 1) || (r->known != NULL && !r->check) ||
	    (r->c.flush && r->c.no_flush))
		usage_exit();
	r->lower.partner = argv[1];
}

static int
act(struct run *r)
{
	struct ctl *c = &r->c;

	if (!r->check)
		ctl_load_registry(c);
	switch (r->verb) {
	case STATUS:
		return ctl_status(c, r->lower.partner);
	case DOWNGRADE:
		return ctl_downgrade(c, &r->lower);
	case EXTEND:
		return ctl_extend(c, &r->lower);
	case RESTORE:
		return ctl_restore(c, r->lower.partner, r->lower.reason);
	case HISTORY:
	case NVERBS:
		break;
	}
	return ctl_history(c, r->lower.partner, r->check, r->known);
}

/* settings_load() forgets the options, which a child is to be given too. */
static void
keep_options(struct run *r)
{
	size_t i;

	r->c.config = r->options.file;
	r->c.noverrides = r->options.n;
	r->c.override = mem_zero(r->options.n + 1, sizeof(*r->c.override));
	for (i = 0; i < r->options.n; i++)
		r->c.override[i] = r->options.override[i];
}

int
main(int argc, char *argv[])
{
	struct run r = {.c.now = time(NULL)};
	int code;

	say_init("tlspactctl");
	parse_options(argc, argv, &r);
	keep_options(&r);
	author_get(&r.c.author);
	code = settings_read(&r.c.set, &r.options, &r.c.diags);
	if (code == EX_OK)
		code = act(&r);
	code = say_flushed(code);
	diag_free(&r.c.diags);
	registry_free(r.c.registry);
	settings_free(&r.c.set);
	free(r.c.override);
	return code;
}
