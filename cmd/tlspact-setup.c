/*
 * tlspact-setup: wire tlspact into Postfix: print the settings, check them,
 * put them there and take them back.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "around.h"
#include "buf.h"
#include "columns.h"
#include "common.h"
#include "err.h"
#include "evidence_own.h"
#include "file.h"
#include "json.h"
#include "mem.h"
#include "num.h"
#include "options.h"
#include "own.h"
#include "postconf.h"
#include "program.h"
#include "quote.h"
#include "rewire.h"
#include "say.h"
#include "settings.h"
#include "setupbundle.h"
#include "smtpclient.h"
#include "target.h"
#include "wired.h"

#define BUNDLE "tlspact-bundle.tar"

struct run {
	struct options opt;
	bool show, yes, undo, record, names;
	const char *output;
	json_t *answer; /* -j: what main() prints, see common_answer() */
	struct settings set;
};

static json_t *
json_lines(const struct rewire_lines *lines)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < lines->n; i++)
		json_array_append_new(
		    list, json_pack("{s:s, s:s}", "name", lines->v[i].name,
			      "value", lines->v[i].value));
	return json_pack("{s:o}", "lines", list);
}

static int
print(void *arg)
{
	struct run *run = arg;
	const struct settings *s = &run->set;
	struct rewire_lines lines = {0};
	struct map_facts map;
	struct postconf c = {0};
	struct target t;
	struct err e, why;
	size_t i;
	const char *dir = settings_postfix(s);
	bool known;

	if (settings_target(s, 0, &t, &e) == -1)
		return common_failed(&e);
	known = postconf_read(&c, dir, true, &e) == 0;
	/* For another machine, say, that has the Postfix. */
	if (!known && dir == NULL)
		say("warning: these lines do not know what main.cf has, such "
		    "as other tables: %s",
		    e.text);
	else if (!known) {
		postconf_release(&c);
		return common_failed(&e);
	}
	wired_map(s, &map, &why);
	rewire_want(known ? &c : NULL, &map, &t, &lines);
	for (i = 0; i < lines.n && !run->opt.json; i++)
		(void)printf("%s =%s%s\n", lines.v[i].name,
		    *lines.v[i].value == '\0' ? "" : " ", lines.v[i].value);
	if (run->opt.json)
		run->answer = json_lines(&lines);
	rewire_lines_release(&lines);
	map_facts_release(&map);
	postconf_release(&c);
	return EX_OK;
}

/* A fix is a command, or says in words what to do. */
static bool
is_command(const char *fix)
{
	return strncmp(fix, "postconf ", 9) == 0 && strchr(fix, '\'') != NULL;
}

static void
put_findings(struct buf *out, size_t width, const struct findings *f,
    const struct map_facts *map, const struct own *own, bool verbose)
{
	const struct finding *x;
	char *text;
	size_t i;

	for (i = 0; i < f->n; i++) {
		x = &f->v[i];
		text = mem_printf("%s: %s", x->where, x->what);
		columns_paragraph(out,
		    x->kind == FINDING_FAULT ? "FAULT " : "note  ", 6, text,
		    false, width);
		free(text);
		columns_paragraph(
		    out, "      fix: ", 11, x->fix, is_command(x->fix), width);
	}
	if (f->faults > 0)
		buf_printf(
		    out, "%zu fault%s\n", f->faults, num_plural(f->faults));
	else
		buf_printf(out, "no fault: Postfix obeys %s (%zu row%s)\n",
		    map->path, map->rows, num_plural(map->rows));
	if (verbose)
		buf_printf(out,
		    "rows that need the system CA %zu, pinned keys "
		    "%zu, DANE %zu; CA files of partners %zu\n",
		    map->system_ca, map->pinned, map->dane, map->ntafiles);
	for (i = 0; i < own->n && verbose; i++) {
		text = mem_printf("%s%s%s: %s", own->v[i].what,
		    *own->v[i].name == '\0' ? "" : " ", own->v[i].name,
		    own->v[i].text);
		columns_paragraph(out, own_state_names[own->v[i].state], 6,
		    text, false, width);
		free(text);
	}
}

static json_t *
json_own(const struct own *own)
{
	json_t *list = json_array();
	const struct own_item *o;
	size_t i;

	for (i = 0; i < own->n; i++) {
		o = &own->v[i];
		json_array_append_new(list,
		    json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "what", o->what,
			"name", json_text(o->name), "state",
			own_state_names[o->state], "text", json_text(o->text),
			"begins", json_time(o->begins), "ends",
			json_time(o->ends)));
	}
	return list;
}

static json_t *
json_findings(const struct findings *f, const struct map_facts *map,
    const struct own *own)
{
	json_t *list = json_array();
	const struct finding *x;
	size_t i;

	for (i = 0; i < f->n; i++) {
		x = &f->v[i];
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:s}", "kind",
			x->kind == FINDING_FAULT ? "fault" : "note", "where",
			x->where, "what", x->what, "fix", x->fix));
	}
	return json_pack("{s:s, s:I, s:I, s:o, s:o}", "map", map->path, "rows",
	    (json_int_t)map->rows, "faults", (json_int_t)f->faults, "findings",
	    list, "own", json_own(own));
}

/* Is one of the first n about that setting? It is to be changed anyway. */
static bool
is_found(const struct findings *f, size_t n, const char *name)
{
	while (n-- > 0)
		if (strncmp(f->v[n].where, name, strlen(name)) == 0)
			return true;
	return false;
}

/* Where a probe is not what this Postfix does, by which service. */
static void
check_probes(const struct postconf *c, struct findings *f)
{
	const struct postconf_service *s;
	const char *name, *value;
	size_t at, i, n = f->n;
	bool first;

	for (i = 0; i < c->nservices; i++) {
		s = &c->service[i];
		first = strcmp(s->name, "smtp/unix") == 0;
		at = 0;
		while (
		    strcmp(s->command, "smtp") == 0 &&
		    (name = smtpclient_unlike(c, s->name, &at, &value)) != NULL)
			if ((first || postconf_overrides(c, s->name, name)) &&
			    !is_found(f, n, name))
				findings_add(f, FINDING_NOTE, name,
				    "send a mail where what tlspact-probe says "
				    "is in doubt",
				    "%s is %s%s%s: probes do as by default, so "
				    "that deliveries can turn out otherwise",
				    name, quotes(value).s, first ? "" : " of ",
				    first ? "" : s->name);
	}
}

/* For tlspact-report: our own side as of today. */
static int
record(const struct settings *s, const struct own *own)
{
	struct evidence_own *row = mem_zero(own->n + 1, sizeof(*row));
	struct evidence *v;
	struct err e;
	size_t i;
	int rv = -1;

	for (i = 0; i < own->n; i++)
		row[i] = (struct evidence_own){.what = own->v[i].what,
		    .name = own->v[i].name,
		    .state = own_state_names[own->v[i].state],
		    .text = own->v[i].text,
		    .begins = own->v[i].begins,
		    .ends = own->v[i].ends};
	v = evidence_open(s->evidence, s->ledger, EVIDENCE_WRITE, &e);
	if (v != NULL)
		rv = evidence_own_set(v, own->now, row, own->n, &e);
	evidence_close(v);
	free(row);
	return rv == -1 ? common_failed(&e) : EX_OK;
}

/* A Postfix, and what is around it. */
struct looked {
	struct wired w;
	struct own own;
};

/* 0, or -1 with *e set. The caller releases *l in either case. */
static int
look(struct looked *l, const struct settings *s, struct err *e)
{
	*l = (struct looked){0};
	if (wired_check(&l->w, s, e) == -1)
		return -1;
	check_probes(&l->w.c, &l->w.found);
	around_check(s, &l->w.c, &l->w.map, &l->w.found);
	own_look(&l->own, s, &l->w.c, time(NULL), &l->w.found);
	return 0;
}

static void
release_looked(struct looked *l)
{
	own_release(&l->own);
	wired_release(&l->w);
}

static int
check(void *arg)
{
	struct run *run = arg;
	struct buf out = {0};
	struct looked l;
	struct err e;
	int code, kept = EX_OK;

	if (look(&l, &run->set, &e) == -1) {
		release_looked(&l);
		return common_failed(&e);
	}
	if (run->opt.json) {
		run->answer = json_findings(&l.w.found, &l.w.map, &l.own);
	} else {
		put_findings(&out, columns_of(STDOUT_FILENO) - 1, &l.w.found,
		    &l.w.map, &l.own, run->opt.verbose);
		(void)fputs(out.data, stdout);
		buf_free(&out);
	}
	if (run->record)
		kept = record(&run->set, &l.own);
	code = kept != EX_OK ? kept : l.w.found.faults > 0 ? 1 : EX_OK;
	release_looked(&l);
	return code;
}

static int
bundle(void *arg)
{
	struct run *run = arg;
	const char *path = run->output == NULL ? BUNDLE : run->output;
	struct buf text = {0};
	struct looked l;
	struct err e;
	int code;

	if (look(&l, &run->set, &e) == -1)
		buf_printf(&text, "%s\n", e.text);
	else
		put_findings(
		    &text, COLUMNS_KEPT, &l.w.found, &l.w.map, &l.own, true);
	code = setupbundle_write(&run->set, path, run->names, text.data);
	if (code == EX_OK && run->opt.json)
		run->answer = json_pack("{s:s}", "file", path);
	else if (code == EX_OK)
		(void)printf("%s is written; look into it before you send it: "
			     "tar xf %s\n",
		    path, path);
	buf_free(&text);
	release_looked(&l);
	return code;
}

/* The folder of main.cf; the caller frees it. NULL with *e set. */
static char *
postfix_dir(const struct settings *s, struct err *e)
{
	const char *argv[] = {"postconf", "-h", "config_directory", NULL};
	char *out;

	if (settings_postfix(s) != NULL)
		return mem_dup(settings_postfix(s));
	if ((out = program_read(argv, 4096, 10000, e)) != NULL)
		out[strcspn(out, "\n")] = '\0';
	return out;
}

static void
was_edited(const char *name, const char *now, const char *put,
    const char *before, void *arg)
{
	(void)arg;
	if (now == NULL)
		say("%s, which apply set to %s, was taken out since", name,
		    quotes(put).s);
	else
		say("%s was edited since: it is %s, apply put %s", name,
		    quotes(now).s, quotes(put).s);
	if (before == NULL)
		say("      before, main.cf did not set it");
	else
		say("      before, it was %s", quotes(before).s);
}

/* For people; with -j standard output is for the object. */
static FILE *
talk(const struct run *run)
{
	return run->opt.json ? stderr : stdout;
}

/* What became of main.cf: lines changed, or -1 where they are put back. */
static void
tell_change(struct run *run, int lines, size_t left, const char *diff, bool did)
{
	json_decref(run->answer);
	run->answer = json_pack("{s:{s:b, s:o, s:I, s:o}}", "change", "done",
	    did, "lines", lines < 0 ? json_null() : json_integer(lines), "left",
	    (json_int_t)left, "diff", json_text(diff));
}

static int
undo(struct run *run, const char *dir)
{
	size_t edited;
	struct err e;

	if (rewire_undo(dir, was_edited, NULL, &edited, &e) == -1)
		return common_failed(&e);
	tell_change(run, -1, edited, NULL, true);
	if (edited > 0) {
		say("%zu line%s of %s/main.cf left to you; the others are as "
		    "they were; now: postfix -c %s reload",
		    edited, num_plural(edited), dir, dir);
		return EX_DATAERR;
	}
	(void)fprintf(talk(run),
	    "what was put into %s/main.cf is out again; now: postfix "
	    "-c %s reload\n",
	    dir, dir);
	return EX_OK;
}

static int
apply_lines(const char *dir, const struct rewire_lines *lines, struct run *run)
{
	struct buf diff = {0};
	struct err e;
	size_t n = rewire_diff(lines, &diff);
	int code;

	if (n > 0)
		(void)fputs(diff.data, talk(run));
	tell_change(run, (int)n, 0, diff.data, false);
	buf_free(&diff);
	if (n == 0 || run->show) {
		(void)fprintf(talk(run), "%zu line%s of main.cf %s\n", n,
		    num_plural(n), n == 0 ? "need to change" : "would change");
		return EX_OK;
	}
	code = common_confirm(talk(run), run->yes, "change main.cf so?");
	if (code != EX_OK)
		return code;
	if (rewire_apply(dir, lines, &e) == -1)
		return common_failed(&e);
	json_object_set_new(
	    json_object_get(run->answer, "change"), "done", json_true());
	(void)fprintf(talk(run),
	    "%zu line%s changed; the file of before is %s/"
	    "main.cf.before-tlspact\nnow: postfix -c %s reload; "
	    "to go back: tlspact-setup -c %s apply --undo\n",
	    n, num_plural(n), dir, dir, dir);
	return EX_OK;
}

static int
apply(void *arg)
{
	struct run *run = arg;
	const struct settings *s = &run->set;
	struct rewire_lines lines = {0};
	struct map_facts map;
	struct postconf c = {0};
	struct target t;
	struct err e, why;
	char *dir = postfix_dir(s, &e);
	int code;

	if (dir != NULL && run->undo) {
		code = undo(run, dir);
		free(dir);
		return code;
	}
	if (dir == NULL || settings_target(s, 0, &t, &e) == -1 ||
	    postconf_read(&c, dir, true, &e) == -1) {
		say_err(&e);
		postconf_release(&c);
		free(dir);
		return e.code;
	}
	wired_map(s, &map, &why);
	if (map.fault != NULL) {
		/* A table that is not there defers all mail that leaves. */
		say("%s; run tlspact-compile first, nothing was changed",
		    map.fault);
		code = EX_NOINPUT;
	} else {
		rewire_want(&c, &map, &t, &lines);
		code = apply_lines(dir, &lines, run);
		rewire_lines_release(&lines);
	}
	map_facts_release(&map);
	postconf_release(&c);
	free(dir);
	return code;
}

static int
show_settings(void *arg)
{
	struct run *run = arg;
	struct buf out = {0};
	char *rest, *line, *value;
	json_t *all = json_object();

	conf_print(&run->set.conf, &out);
	if (!run->opt.json)
		(void)fputs(out.data, stdout);
	for (rest = out.data; (line = strsep(&rest, "\n")) != NULL;)
		if ((value = strstr(line, " =")) != NULL) {
			*value = '\0';
			value += strlen(" =");
			json_object_set_new(
			    all, line, json_string(value + (*value == ' ')));
		}
	run->answer = json_pack("{s:o}", "settings", all);
	buf_free(&out);
	return EX_OK;
}

enum { SETTINGS, PRINT, CHECK, APPLY, SUPPORT };

static const struct options_verb verbs[] = {
    [SETTINGS] = {"", NULL, 0, 0, show_settings},
    [PRINT] = {"print", "the main.cf lines", 0, 0, print},
    [CHECK] = {"check",
	"name each fault of the real configuration, with the fix", 0, 0, check},
    [APPLY] = {"apply", "put the lines into main.cf, which is copied before", 0,
	0, apply},
    [SUPPORT] = {"bundle", "write a tar file for those who are to help", 0, 0,
	bundle},
};

static const struct options_row rows[] = {
    {0, "undo", NULL, "put that copy back", OPTIONS_FLAG,
	.at = offsetof(struct run, undo), .verbs = OPTIONS_VERB(APPLY)},
    {0, "record", NULL, "keep what it says of our own side, for reports",
	OPTIONS_FLAG, .at = offsetof(struct run, record),
	.verbs = OPTIONS_VERB(CHECK)},
    {0, "names", NULL, "leave the names of partners and domains in it",
	OPTIONS_FLAG, .at = offsetof(struct run, names),
	.verbs = OPTIONS_VERB(SUPPORT)},
    {0, "output", "FILE", "that file, which must be new (default\n" BUNDLE ")",
	OPTIONS_WORD, .at = offsetof(struct run, output),
	.verbs = OPTIONS_VERB(SUPPORT)},
    {0, "yes", NULL, "do not ask", OPTIONS_FLAG,
	.at = offsetof(struct run, yes), .verbs = OPTIONS_VERB(APPLY)},
    {'n', "dry-run", NULL, "show what would change", OPTIONS_FLAG,
	.at = offsetof(struct run, show),
	.verbs = OPTIONS_VERB(SETTINGS) | OPTIONS_VERB(APPLY)},
    {0, "settings", NULL, "print the effective settings of tlspact",
	OPTIONS_FLAG, .at = offsetof(struct run, show),
	.verbs = OPTIONS_VERB(SETTINGS)},
    OPTIONS_POSTFIX("POSTFIX_DIR",
	"configuration folder of Postfix (default:\n"
	"postfix_config of the settings, else its own)"),
    OPTIONS_SETTINGS,
    OPTIONS_JSON(NULL),
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-setup",
    .synopsis = "check [-jv] [-C FILE] [-c POSTFIX_DIR] [-o NAME=VALUE]...\n"
		" [--record]\n"
		"print [-j] [-C FILE] [-c POSTFIX_DIR] [-o NAME=VALUE]...\n"
		"apply [-jn] [-C FILE] [-c POSTFIX_DIR] [-o NAME=VALUE]...\n"
		" [--undo] [--yes]\n"
		"bundle [-j] [-C FILE] [-c POSTFIX_DIR] [-o NAME=VALUE]...\n"
		" [--names] [--output FILE]\n"
		"--settings [-j] [-C FILE] [-o NAME=VALUE]...\n",
    .about = "Wire tlspact into Postfix, for mail out and mail in.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .verb = verbs,
    .nverbs = sizeof(verbs) / sizeof(verbs[0]),
    .column = 19,
};

static int
act(struct run *run)
{
	/* The way back needs no map. */
	if (run->opt.verb != SETTINGS && run->opt.verb != SUPPORT &&
	    *run->set.map != '/' && !run->undo) {
		say("map: %s is not an absolute path, as main.cf needs one",
		    quotes(run->set.map).s);
		return EX_CONFIG;
	}
	return verbs[run->opt.verb].run(run);
}

/* The object of -j, whatever became of it. */
static void
give(struct run *run, int code)
{
	const char *verb = verbs[run->opt.verb].name;
	json_t *more = json_pack("{s:s}", "verb", *verb ? verb : "settings");

	if (run->answer != NULL)
		(void)json_object_update(more, run->answer);
	common_answer("tlspact.setup.v1", time(NULL), code, more);
}

int
main(int argc, char *argv[])
{
	struct run run = {0};
	int code;

	say_init(table.program);
	options_read(&table, argc, argv, &run);
	if (run.opt.verb == SETTINGS && !run.show)
		options_misused(&table, &run,
		    "say what to do: print, check, apply, bundle, or "
		    "--settings");
	if (run.opt.json)
		say_keep();
	code = options_settings(&run.opt, &run.set);
	if (code == EX_OK)
		code = act(&run);
	if (run.opt.json)
		give(&run, code);
	code = say_flushed(code);
	json_decref(run.answer);
	settings_free(&run.set);
	return code;
}
