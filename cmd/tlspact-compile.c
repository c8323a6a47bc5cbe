/*
 * tlspact-compile: registry and downgrades -> the map that Postfix reads.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "compile.h"
#include "diag.h"
#include "err.h"
#include "json.h"
#include "mapbuild.h"
#include "num.h"
#include "options.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "target.h"

struct run {
	struct options opt;
	bool dry, diff, text, accept_weaker;
	struct settings set;
	struct mapbuild map;
};

static const struct options_row rows[] = {
    {'n', "dry-run", NULL, "check and compare, write nothing", OPTIONS_FLAG,
	.at = offsetof(struct run, dry)},
    {0, "diff", NULL, "print each row that would change; writes nothing",
	OPTIONS_FLAG, .at = offsetof(struct run, diff)},
    {0, "text", NULL, "print the table as Postfix text; writes nothing",
	OPTIONS_FLAG, .at = offsetof(struct run, text)},
    {0, "accept-weaker", NULL, "write even if many enforced domains get weaker",
	OPTIONS_FLAG, .at = offsetof(struct run, accept_weaker)},
    OPTIONS_SETTINGS,
    OPTIONS_VERBOSE("print each row that changes"),
    OPTIONS_JSON(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-compile",
    .synopsis = "[-jnv] [-C FILE] [-o NAME=VALUE]... [--accept-weaker]\n"
		"--diff | --text [-jv] [-C FILE] [-o NAME=VALUE]...\n",
    .about = "Compile the partner registry into the map that Postfix reads.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
};

static void
read_options(int argc, char *argv[], struct run *run)
{
	options_read(&table, argc, argv, run);
	if (run->diff && run->text)
		options_misused(&table, run);
	if (run->diff || run->text)
		run->dry = true;
}

static void
print_diff(const struct run *run)
{
	const struct mapchange *x;
	size_t i;

	for (i = 0; i < run->map.changes.n; i++) {
		x = &run->map.changes.v[i];
		if (x->client || x->row == CHANGE_NONE)
			continue;
		say_to(stdout, "%-8s %.*s\n", change_name(x->row),
		    (int)x->keylen, x->key);
		if (x->was.row != NULL)
			say_to(stdout, "  was    %.*s\n", (int)x->was.rowlen,
			    x->was.row);
		if (x->is.row != NULL)
			(void)printf("  is     %s\n", x->is.row);
	}
}

static void
print_text(const struct maptable *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!maprow_is_record(&t->row[i]))
			(void)printf("%s\t%s\n", t->row[i].key, t->row[i].text);
}

static size_t
changed_rows(const struct mapchanges *c)
{
	size_t i, n = 0;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		n += c->row[i];
	return n;
}

static void
print_summary(const struct run *run)
{
	const struct compiled *c = &run->map.compiled;
	size_t n = changed_rows(&run->map.changes);
	char until[CLOCK_MAX];

	(void)printf("%zu domain%s of %zu partner%s: %zu enforced",
	    c->header.domains, num_plural(c->header.domains),
	    c->header.partners, num_plural(c->header.partners),
	    c->header.enforced);
	if (c->header.lowered > 0)
		(void)printf(" (%zu lowered until %s)", c->header.lowered,
		    clock_text(c->lowered_until, run->map.now, until));
	(void)printf(", %zu opportunistic; ", c->opportunistic);
	if (n == 0)
		(void)printf("no row changed");
	else
		(void)printf("%zu row%s %schanged", n, num_plural(n),
		    run->dry ? "would be " : "");
	if (run->map.diags.warnings > 0)
		(void)printf("; %zu warning%s", run->map.diags.warnings,
		    num_plural(run->map.diags.warnings));
	(void)printf("%s\n", run->dry ? " (nothing written)" : "");
}

static json_t *
json_diags(const struct diags *d, enum diag_kind kind)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (d->v[i].kind != kind)
			continue;
		json_array_append_new(list,
		    json_pack("{s:o, s:i, s:o}", "file",
			json_text(d->v[i].file), "line", (int)d->v[i].line,
			"message", json_text(d->v[i].text)));
	}
	return list;
}

static json_t *
json_rows(struct run *run)
{
	const struct partner *partner = run->map.registry->partner;
	const struct maptable *t = &run->map.compiled.table;
	json_t *list = json_array();
	const struct mapchange *x;
	const struct maprow *row;
	size_t i;

	for (i = 0; run->text && i < t->n; i++) {
		row = &t->row[i];
		if (maprow_is_record(row))
			continue;
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:s}", "key", row->key, "policy",
			row->text, "level", level_name((enum level)row->level),
			"partner", partner[row->partner].name));
	}
	for (i = 0; !run->text && i < run->map.changes.n; i++) {
		x = &run->map.changes.v[i];
		if (x->client || x->row == CHANGE_NONE)
			continue;
		json_array_append_new(
		    list, json_pack("{s:s, s:o, s:o, s:s?}", "change",
			      change_name(x->row), "key",
			      json_bytes(x->key, x->keylen), "was",
			      json_bytes(x->was.row, x->was.rowlen), "is",
			      x->is.row));
	}
	return list;
}

static void
print_json(struct run *run, int code)
{
	static const char *const raised[] = {[MAPBUILD_NOT_DUE] = "no",
	    [MAPBUILD_RAISED] = "due",
	    [MAPBUILD_SPARED] = "all",
	    [MAPBUILD_STUCK] = "failed"};
	const struct compiled *c = &run->map.compiled;
	json_t *changes = json_object(), *root;
	unsigned i;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		json_object_set_new(changes, change_name((enum change)i),
		    json_integer((json_int_t)run->map.changes.row[i]));
	root = json_pack("{s:s, s:s, s:i, s:b, s:I, s:I, s:I, s:I, s:I, s:o, "
			 "s:o, s:o}",
	    "schema", "tlspact.compile.v1", "map", run->set.map, "exit_code",
	    code, "written", run->map.written, "partners",
	    (json_int_t)c->header.partners, "domains",
	    (json_int_t)c->header.domains, "enforced",
	    (json_int_t)c->header.enforced, "opportunistic",
	    (json_int_t)c->opportunistic, "lowered",
	    (json_int_t)c->header.lowered, "changes", changes, "errors",
	    json_diags(&run->map.diags, DIAG_ERROR), "warnings",
	    json_diags(&run->map.diags, DIAG_WARNING));
	json_object_set_new(root, "expires", json_time(c->header.expires));
	json_object_set_new(
	    root, "raised", json_string(raised[run->map.raise]));
	json_object_set_new(root, "raised_rows",
	    json_integer((json_int_t)run->map.raised.rows));
	if (run->diff || run->text || run->opt.verbose)
		json_object_set_new(root, "rows", json_rows(run));
	json_print(root);
}

static int
run_compile(struct run *run, time_t now)
{
	struct mapbuild_options opt = {.dry = run->dry,
	    .list = run->diff || run->opt.verbose,
	    .verbose = run->opt.verbose,
	    .accept_weaker = run->accept_weaker};

	return mapbuild_run(&run->map, &run->set, &opt, now);
}

static void
print_result(struct run *run, int code)
{
	if (run->opt.json) {
		print_json(run, code);
		return;
	}
	if (code != EX_OK)
		return;
	if (run->text) {
		print_text(&run->map.compiled.table);
		return;
	}
	if (run->diff || run->opt.verbose)
		print_diff(run);
	print_summary(run);
}

int
main(int argc, char *argv[])
{
	struct run run = {0};
	time_t now = time(NULL);
	int code;

	say_init(table.program);
	read_options(argc, argv, &run);
	code = settings_read(&run.set, &run.opt.settings, &run.map.diags);
	if (code == EX_OK) {
		code = run_compile(&run, now);
		print_result(&run, code);
	}
	code = say_flushed(code);
	mapbuild_release(&run.map);
	settings_free(&run.set);
	return code;
}
