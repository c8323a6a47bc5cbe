/*
 * tlspact-compile: registry and downgrades -> the map that Postfix reads.
 *
 * On any failure the live map stays as it is. The order matters: the lock is
 * taken before the registry is read, so that of two runs the later one has
 * seen the later registry.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "cdbmap.h"
#include "compile.h"
#include "diag.h"
#include "err.h"
#include "mapdiff.h"
#include "mapheader.h"
#include "mem.h"
#include "num.h"
#include "publish.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "target.h"
#include "terms.h"

#define LOCK_WAIT_MS 10000 /* patience with another tlspact-compile */

struct options {
	struct settings_options settings;
	bool json, verbose, dry, diff, text, accept_weaker;
};

struct run {
	struct options opt;
	struct settings set;
	struct diags diags;
	struct registry *registry;
	struct target target;
	struct compiled compiled;
	struct cdbmap *live;
	struct mapdiff diff;
	struct publish *publish;
	time_t now;
	bool written;
};

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: tlspact-compile [-jnv] [-C FILE] [-o NAME=VALUE]... "
	    "[--accept-weaker]\n"
	    "       tlspact-compile --diff | --text [-jv] [-C FILE] "
	    "[-o NAME=VALUE]...\n"
	    "Compile the partner registry into the map that Postfix reads.\n"
	    "  -n, --dry-run        check and compare, write nothing\n"
	    "      --diff           print each row that would change; writes "
	    "nothing\n"
	    "      --text           print the table as Postfix text; writes "
	    "nothing\n"
	    "      --accept-weaker  write even if many enforced domains get "
	    "weaker\n"
	    "  -C, --config FILE    settings (default " SYSCONFDIR SETTINGS_FILE
	    ")\n"
	    "  -o, --option NAME=VALUE  override one setting\n"
	    "  -v, --verbose        print each row that changes\n"
	    "  -j, --json  -h, --help  -V, --version\n");
}

/* Nothing may be lost on the way out: code, or what fits a full disk. */
static int
flushed(int code)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return code;
	say("cannot write to standard output: %s", strerror(errno));
	return code == EX_OK ? EX_IOERR : code;
}

static void
parse_options(int argc, char *argv[], struct options *opt)
{
	enum { OPT_DIFF = 256, OPT_TEXT, OPT_ACCEPT };
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'C'},
	    {"option", required_argument, NULL, 'o'},
	    {"json", no_argument, NULL, 'j'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {"dry-run", no_argument, NULL, 'n'},
	    {"diff", no_argument, NULL, OPT_DIFF},
	    {"text", no_argument, NULL, OPT_TEXT},
	    {"accept-weaker", no_argument, NULL, OPT_ACCEPT},
	    {NULL, 0, NULL, 0},
	};
	int ch;

	while ((ch = getopt_long(argc, argv, "C:o:jnvhV", longs, NULL)) != -1)
		switch (ch) {
		case 'C':
			opt->settings.file = optarg;
			break;
		case 'o':
			settings_option(&opt->settings, optarg);
			break;
		case 'j':
			opt->json = true;
			break;
		case 'n':
			opt->dry = true;
			break;
		case 'v':
			opt->verbose = true;
			break;
		case OPT_DIFF:
			opt->diff = opt->dry = true;
			break;
		case OPT_TEXT:
			opt->text = opt->dry = true;
			break;
		case OPT_ACCEPT:
			opt->accept_weaker = true;
			break;
		case 'h':
			usage(stdout);
			exit(flushed(EX_OK));
		case 'V':
			(void)printf("tlspact-compile %s\n", VERSION);
			exit(flushed(EX_OK));
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	if (optind != argc || (opt->diff && opt->text)) {
		usage(stderr);
		exit(EX_USAGE);
	}
}

static char *
clock_text(time_t t, char *buf, size_t size)
{
	struct tm now_tm, tm;
	time_t now = time(NULL);

	if (localtime_r(&t, &tm) == NULL || localtime_r(&now, &now_tm) == NULL)
		return num_time_text(t, buf);
	/* The date is left out for today. */
	if (tm.tm_yday == now_tm.tm_yday && tm.tm_year == now_tm.tm_year)
		(void)strftime(buf, size, "%H:%M", &tm);
	else
		(void)strftime(buf, size, "%Y-%m-%d %H:%M", &tm);
	return buf;
}

/* " (412 domains, compiled 09:14)", or nothing if it cannot be told. */
static void
describe_live(const struct run *run, struct buf *out)
{
	struct mapheader h;
	struct cdbmap *live;
	struct err e;
	const char *text;
	size_t len;
	char when[64];

	if ((live = cdbmap_open(run->set.map, &e)) == NULL)
		return;
	if (cdbmap_get(live, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, &text,
		&len) == CDBMAP_FOUND &&
	    mapheader_parse(&h, text, len))
		buf_printf(out, " (%zu domains, compiled %s)", h.domains,
		    clock_text(h.time, when, sizeof(when)));
	cdbmap_close(live);
}

/* The last line of a run that failed; code for return. */
static int
left_alone(const struct run *run, const char *why, int code)
{
	struct buf live = {0};

	describe_live(run, &live);
	if (access(run->set.map, F_OK) == 0)
		say("%s; %s left as it was%s", why, run->set.map,
		    live.data == NULL ? "" : live.data);
	else
		say("%s; no map written", why);
	buf_free(&live);
	return code;
}

static bool
pins_keys(const struct registry *r)
{
	size_t i;

	for (i = 0; i < r->npartners; i++)
		if (partner_level(&r->partner[i]) == LEVEL_KEY)
			return true;
	return false;
}

/* Read, check and render. 0, or the exit code, everything being said. */
static int
build(struct run *run)
{
	struct overrides none = {0};
	char why[64];
	struct err e;

	run->registry =
	    registry_load(run->set.registry, run->now, &run->diags, &e);
	if (run->registry == NULL) {
		say_err(&e);
		return left_alone(run, "the registry cannot be read", e.code);
	}
	if (settings_target(
		&run->set, pins_keys(run->registry), &run->target, &e) == -1) {
		say_err(&e);
		return left_alone(run, "nothing compiled", e.code);
	}
	/* Both kinds of complaint in one go, unless rows cannot be trusted. */
	if (run->diags.errors == 0)
		compile(run->registry, &none, run->now, &run->target,
		    &run->compiled, &run->diags);
	diag_sort(&run->diags);
	say_diags(&run->diags, run->opt.verbose);
	if (run->diags.errors == 0)
		return EX_OK;
	(void)snprintf(why, sizeof(why), "%zu error%s", run->diags.errors,
	    run->diags.errors == 1 ? "" : "s");
	return left_alone(run, why, EX_DATAERR);
}

static int
compare(struct run *run)
{
	struct err e;
	size_t allowed;

	run->live = cdbmap_open(run->set.map, &e);
	if (run->live == NULL && e.code != EX_NOINPUT) {
		/* Postfix cannot read it either: anything is better. */
		say_err(&e);
		if (e.code != EX_DATAERR)
			return e.code;
		say("the live map is of no use and will be replaced");
	}
	mapdiff(&run->diff, run->live, &run->compiled,
	    run->opt.diff || run->opt.verbose);
	if (!mapdiff_too_much(&run->diff, run->set.max_weakened, &allowed) ||
	    run->opt.accept_weaker)
		return EX_OK;
	say("%zu of %zu rows of enforced domains %s removed or weakened; "
	    "max_weakened = %s allows %zu%s",
	    run->diff.lost, run->diff.live_enforced,
	    run->opt.dry ? "are" : "would be", run->set.max_weakened, allowed,
	    run->diff.emptied ? ", and a registry without partners none" : "");
	if (run->opt.dry) {
		say("without --accept-weaker this would be refused");
		return EX_OK;
	}
	say("see tlspact-compile --diff; if it is meant, run "
	    "tlspact-compile --accept-weaker");
	return left_alone(run, "refused", EX_DATAERR);
}

static int
write_rows(struct cdbmap_writer *w, const struct run *run, struct err *e)
{
	const struct compiled *c = &run->compiled;
	struct mapheader h = {.format = MAPHEADER_FORMAT,
	    .time = run->now,
	    .expires = c->expires,
	    .postfix = run->target.version,
	    .partners = c->partners,
	    .domains = c->domains,
	    .enforced = c->enforced,
	    .lowered = c->lowered};
	struct buf text = {0};
	size_t i;
	int rc;

	memcpy(h.registry, run->registry->digest, sizeof(h.registry));
	mapheader_print(&h, &text);
	rc = cdbmap_add(w, MAPHEADER_KEY, sizeof(MAPHEADER_KEY) - 1, text.data,
	    text.len, e);
	buf_free(&text);
	for (i = 0; rc == 0 && i < c->n; i++)
		rc = cdbmap_add(w, c->row[i].key, strlen(c->row[i].key),
		    c->row[i].text, strlen(c->row[i].text), e);
	return rc;
}

static int
write_map(struct run *run)
{
	struct cdbmap_writer *w;
	struct err e;
	int fd;

	if ((fd = publish_open(run->publish, &e)) == -1)
		goto failed;
	w = cdbmap_create(fd);
	if (write_rows(w, run, &e) == -1) {
		cdbmap_abandon(w);
		goto failed;
	}
	if (cdbmap_finish(w, &e) == -1 ||
	    publish_commit(run->publish, &e) == -1)
		goto failed;
	run->written = true;
	return EX_OK;
failed:
	say_err(&e);
	/* Gone before the words, which may never reach anybody. */
	publish_free(run->publish);
	run->publish = NULL;
	return left_alone(run, "the map cannot be written", e.code);
}

/* A new header alone is worth no write, but for the time of expiry. */
static bool
must_write(const struct run *run)
{
	return run->live == NULL || mapdiff_any(&run->diff) ||
	       !run->diff.has_header ||
	       run->diff.header.expires != run->compiled.expires;
}

static void
print_diff(const struct run *run)
{
	const struct difference *x;
	size_t i;

	for (i = 0; i < run->diff.n; i++) {
		x = &run->diff.v[i];
		(void)printf("%-8s %.*s\n", change_name(x->change),
		    (int)x->keylen, x->key);
		if (x->was != NULL)
			(void)printf("  was    %.*s\n", (int)x->waslen, x->was);
		if (x->is != NULL)
			(void)printf("  is     %s\n", x->is);
	}
}

static void
print_text(const struct compiled *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!c->row[i].record)
			(void)printf("%s\t%s\n", c->row[i].key, c->row[i].text);
}

static size_t
changed_rows(const struct mapdiff *d)
{
	size_t i, n = 0;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		n += d->count[i];
	return n;
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
print_summary(const struct run *run)
{
	const struct compiled *c = &run->compiled;
	size_t n = changed_rows(&run->diff);
	char until[64];

	(void)printf("%zu domain%s of %zu partner%s: %zu enforced", c->domains,
	    plural(c->domains), c->partners, plural(c->partners), c->enforced);
	if (c->lowered > 0)
		(void)printf(" (%zu lowered until %s)", c->lowered,
		    clock_text(c->lowered_until, until, sizeof(until)));
	(void)printf(", %zu opportunistic; ", c->opportunistic);
	if (n == 0)
		(void)printf("no row changed");
	else
		(void)printf("%zu row%s %schanged", n, plural(n),
		    run->opt.dry ? "would be " : "");
	if (run->diags.warnings > 0)
		(void)printf("; %zu warning%s", run->diags.warnings,
		    plural(run->diags.warnings));
	(void)printf("%s\n", run->opt.dry ? " (nothing written)" : "");
}

static json_t *
json_text(const char *s, size_t len)
{
	json_t *j = s == NULL ? json_null() : json_stringn(s, len);

	return j == NULL ? json_string(quote(s, len).s) : j;
}

static json_t *
json_diags(const struct diags *d, enum diag_kind kind)
{
	json_t *list = json_array();
	const char *file;
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (d->v[i].kind != kind)
			continue;
		/* A file's name may be no UTF-8, which JSON has to be. */
		file = d->v[i].file;
		json_array_append_new(
		    list, json_pack("{s:o, s:i, s:o}", "file",
			      json_text(file, file == NULL ? 0 : strlen(file)),
			      "line", (int)d->v[i].line, "message",
			      json_text(d->v[i].text, strlen(d->v[i].text))));
	}
	return list;
}

static json_t *
json_rows(const struct run *run)
{
	json_t *list = json_array();
	const struct difference *x;
	const struct row *row;
	size_t i;

	for (i = 0; run->opt.text && i < run->compiled.n; i++) {
		row = &run->compiled.row[i];
		if (row->record)
			continue;
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:s}", "key", row->key, "policy",
			row->text, "level", level_name((enum level)row->level),
			"partner", run->registry->partner[row->partner].name));
	}
	for (i = 0; !run->opt.text && i < run->diff.n; i++) {
		x = &run->diff.v[i];
		json_array_append_new(
		    list, json_pack("{s:s, s:o, s:o, s:s?}", "change",
			      change_name(x->change), "key",
			      json_text(x->key, x->keylen), "was",
			      json_text(x->was, x->waslen), "is", x->is));
	}
	return list;
}

static void
print_json(const struct run *run, int code)
{
	const struct compiled *c = &run->compiled;
	json_t *changes = json_object(), *root;
	char until[NUM_TIME_MAX];
	unsigned i;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		json_object_set_new(changes, change_name((enum change)i),
		    json_integer((json_int_t)run->diff.count[i]));
	root = json_pack("{s:s, s:s, s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:o, "
			 "s:o, s:o}",
	    "schema", "tlspact.compile.v1", "map", run->set.map, "exit_code",
	    code, "written", run->written, "partners", (json_int_t)c->partners,
	    "domains", (json_int_t)c->domains, "enforced",
	    (json_int_t)c->enforced, "opportunistic",
	    (json_int_t)c->opportunistic, "lowered", (json_int_t)c->lowered,
	    "changes", changes, "errors", json_diags(&run->diags, DIAG_ERROR),
	    "warnings", json_diags(&run->diags, DIAG_WARNING));
	if (root == NULL)
		abort();
	json_object_set_new(root, "expires",
	    c->expires == 0 ? json_null()
			    : json_string(num_time_text(c->expires, until)));
	if (run->opt.diff || run->opt.text || run->opt.verbose)
		json_object_set_new(root, "rows", json_rows(run));
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(root);
}

static int
run_compile(struct run *run)
{
	struct err e;
	int code;

	if (!run->opt.dry && (run->publish = publish_lock(
				  run->set.map, LOCK_WAIT_MS, &e)) == NULL) {
		say_err(&e);
		return left_alone(run, "nothing compiled", e.code);
	}
	if ((code = build(run)) != EX_OK || (code = compare(run)) != EX_OK)
		return code;
	if (!run->opt.dry && must_write(run))
		return write_map(run);
	return EX_OK;
}

static void
print_result(const struct run *run, int code)
{
	if (run->opt.json) {
		print_json(run, code);
		return;
	}
	if (code != EX_OK)
		return;
	if (run->opt.text) {
		print_text(&run->compiled);
		return;
	}
	print_diff(run);
	print_summary(run);
}

int
main(int argc, char *argv[])
{
	struct run run = {.now = time(NULL)};
	struct err e = {0};
	int code;

	mem_tune();
	say_init("tlspact-compile");
	parse_options(argc, argv, &run.opt);
	if (settings_load(&run.set, &run.opt.settings, SYSCONFDIR SETTINGS_FILE,
		&run.diags, &e) == -1) {
		say_diags(&run.diags, true);
		if (run.diags.errors == 0)
			say_err(&e);
		code = run.diags.errors > 0 ? EX_CONFIG : e.code;
	} else {
		code = run_compile(&run);
		print_result(&run, code);
	}
	code = flushed(code);
	publish_free(run.publish);
	mapdiff_release(&run.diff);
	cdbmap_close(run.live);
	compiled_release(&run.compiled);
	diag_free(&run.diags);
	registry_free(run.registry);
	settings_free(&run.set);
	return code;
}
