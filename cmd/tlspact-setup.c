/*
 * tlspact-setup: wire tlspact into Postfix: print the settings, check them,
 * put them there and take them back.
 */
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "around.h"
#include "buf.h"
#include "cdbmap.h"
#include "common.h"
#include "err.h"
#include "file.h"
#include "json.h"
#include "mem.h"
#include "num.h"
#include "options.h"
#include "postconf.h"
#include "program.h"
#include "quote.h"
#include "rewire.h"
#include "route.h"
#include "say.h"
#include "settings.h"
#include "smtpclient.h"
#include "target.h"
#include "mapfacts.h"
#include "findings.h"
#include "wiring.h"

#define CA_MAX ((size_t)16 << 20) /* bytes of a file of CAs */

struct run {
	struct options opt;
	bool show, yes, undo;
	struct settings set;
};

/* As readable_fn: by the bits of the file itself, since we may be root. */
static int
readable(const char *path, const char *owner)
{
	const struct passwd *pw;
	struct stat st;

	if (access(path, R_OK) == -1 || stat(path, &st) == -1)
		return errno;
	if (owner == NULL || (pw = getpwnam(owner)) == NULL ||
	    (st.st_mode & S_IROTH) != 0)
		return 0;
	if (st.st_uid == pw->pw_uid)
		return (st.st_mode & S_IRUSR) != 0 ? 0 : EACCES;
	if (st.st_gid == pw->pw_gid)
		return (st.st_mode & S_IRGRP) != 0 ? 0 : EACCES;
	return EACCES;
}

/* As same_fn: one file, or two with the same in them. */
static bool
same(const char *a, const char *b)
{
	struct err e;
	size_t n, k;
	char *one = file_slurp(a, CA_MAX, &n, NULL, &e);
	char *two = file_slurp(b, CA_MAX, &k, NULL, &e);
	bool is =
	    one != NULL && two != NULL && n == k && memcmp(one, two, n) == 0;

	free(one);
	free(two);
	return is;
}

/* What the map asks for, as far as it can be read. */
static void
read_map(const struct settings *s, struct map_facts *map, struct err *why)
{
	struct cdbmap *m;

	*map = (struct map_facts){.path = s->map,
	    .inbound_map = s->inbound_map,
	    .requiretls_map = s->requiretls_map,
	    .ca_file = s->ca_file,
	    .policy_socket = s->policy_socket,
	    .socketmap_socket = s->socketmap_socket};
	if ((m = cdbmap_open(s->map, why)) == NULL)
		map->fault = why->text;
	else
		map_facts_read(map, m, time(NULL));
	cdbmap_close(m);
}

static int
print(void *arg)
{
	const struct settings *s = &((struct run *)arg)->set;
	struct rewire_lines lines = {0};
	struct map_facts map;
	struct postconf c = {0};
	struct target t;
	struct err e, why;
	size_t i;
	const char *dir = settings_postfix(s);
	int rc = settings_target(s, 0, &t, &e);

	if (rc == 0 && dir != NULL)
		rc = postconf_read(&c, dir, true, &e);
	if (rc == -1) {
		say_err(&e);
		postconf_release(&c);
		return e.code;
	}
	read_map(s, &map, &why);
	rewire_want(dir == NULL ? NULL : &c, &map, &t, &lines);
	for (i = 0; i < lines.n; i++)
		(void)printf("%s =%s%s\n", lines.v[i].name,
		    *lines.v[i].value == '\0' ? "" : " ", lines.v[i].value);
	rewire_lines_release(&lines);
	map_facts_release(&map);
	postconf_release(&c);
	return EX_OK;
}

static void
print_findings(
    const struct findings *f, const struct map_facts *map, bool verbose)
{
	const struct finding *x;
	size_t i;

	for (i = 0; i < f->n; i++) {
		x = &f->v[i];
		(void)printf("%s %s: %s\n      fix: %s\n",
		    x->kind == FINDING_FAULT ? "FAULT" : "note ", x->where,
		    x->what, x->fix);
	}
	if (f->faults > 0)
		(void)printf("%zu fault%s\n", f->faults, num_plural(f->faults));
	else
		(void)printf("no fault: Postfix obeys %s (%zu row%s)\n",
		    map->path, map->rows, num_plural(map->rows));
	if (verbose)
		(void)printf("rows that need the system CA %zu, pinned keys "
			     "%zu, DANE %zu; CA files of partners %zu\n",
		    map->system_ca, map->pinned, map->dane, map->ntafiles);
}

static void
json_findings(const struct findings *f, const struct map_facts *map)
{
	json_t *list = json_array(), *root;
	const struct finding *x;
	size_t i;

	for (i = 0; i < f->n; i++) {
		x = &f->v[i];
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:s}", "kind",
			x->kind == FINDING_FAULT ? "fault" : "note", "where",
			x->where, "what", x->what, "fix", x->fix));
	}
	root = json_pack("{s:s, s:s, s:I, s:I, s:o}", "schema",
	    "tlspact.setup.v1", "map", map->path, "rows", (json_int_t)map->rows,
	    "faults", (json_int_t)f->faults, "findings", list);
	json_print(root);
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

static int
check(void *arg)
{
	const struct run *run = arg;
	const struct settings *s = &run->set;
	struct map_facts map;
	struct postconf c = {0};
	struct findings f = {0};
	struct cdbmap *rows;
	struct err e, why;
	int code;

	if (postconf_read(&c, settings_postfix(s), false, &e) == -1) {
		say_err(&e);
		postconf_release(&c);
		return e.code;
	}
	read_map(s, &map, &why);
	wiring_check(&c, &map, readable, same, &f);
	rows = cdbmap_open(s->map, &e);
	route_check(&c, &map, rows, &f);
	cdbmap_close(rows);
	check_probes(&c, &f);
	around_check(s, &c, &map, &f);
	if (run->opt.json)
		json_findings(&f, &map);
	else
		print_findings(&f, &map, run->opt.verbose);
	code = f.faults > 0 ? 1 : EX_OK;
	findings_release(&f);
	map_facts_release(&map);
	postconf_release(&c);
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

static int
undo(const char *dir)
{
	size_t edited;
	struct err e;

	if (rewire_undo(dir, was_edited, NULL, &edited, &e) == -1)
		return common_failed(&e);
	if (edited > 0) {
		say("%zu line%s of %s/main.cf left to you; the others are as "
		    "they were; now: postfix -c %s reload",
		    edited, num_plural(edited), dir, dir);
		return EX_DATAERR;
	}
	(void)printf("what was put into %s/main.cf is out again; now: postfix "
		     "-c %s reload\n",
	    dir, dir);
	return EX_OK;
}

static int
apply_lines(
    const char *dir, const struct rewire_lines *lines, const struct run *run)
{
	struct buf diff = {0};
	struct err e;
	size_t n = rewire_diff(lines, &diff);
	int code;

	if (n > 0)
		(void)fputs(diff.data, stdout);
	buf_free(&diff);
	if (n == 0 || run->show) {
		(void)printf("%zu line%s of main.cf %s\n", n, num_plural(n),
		    n == 0 ? "need to change" : "would change");
		return EX_OK;
	}
	code = common_confirm(stdout, run->yes, "change main.cf so?");
	if (code != EX_OK)
		return code;
	if (rewire_apply(dir, lines, &e) == -1)
		return common_failed(&e);
	(void)printf("%zu line%s changed; the file of before is %s/"
		     "main.cf.before-tlspact\nnow: postfix -c %s reload; "
		     "to go back: tlspact-setup -c %s apply --undo\n",
	    n, num_plural(n), dir, dir, dir);
	return EX_OK;
}

static int
apply(void *arg)
{
	const struct run *run = arg;
	const struct settings *s = &run->set;
	struct rewire_lines lines = {0};
	struct map_facts map;
	struct postconf c = {0};
	struct target t;
	struct err e, why;
	char *dir = postfix_dir(s, &e);
	int code;

	if (dir != NULL && run->undo) {
		code = undo(dir);
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
	read_map(s, &map, &why);
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
	const struct run *run = arg;
	struct buf out = {0};

	conf_print(&run->set.conf, &out);
	(void)fputs(out.data, stdout);
	buf_free(&out);
	return EX_OK;
}

enum { SETTINGS, PRINT, CHECK, APPLY };

static const struct options_verb verbs[] = {
    [SETTINGS] = {"", NULL, 0, 0, show_settings},
    [PRINT] = {"print", "the main.cf lines", 0, 0, print},
    [CHECK] = {"check",
	"name each fault of the real configuration, with the fix", 0, 0, check},
    [APPLY] = {"apply", "put the lines into main.cf, which is copied before", 0,
	0, apply},
};

static const struct options_row rows[] = {
    {0, "undo", NULL, "put that copy back", OPTIONS_FLAG,
	.at = offsetof(struct run, undo), .verbs = OPTIONS_VERB(APPLY)},
    {0, "yes", NULL, "do not ask", OPTIONS_FLAG,
	.at = offsetof(struct run, yes), .verbs = OPTIONS_VERB(APPLY)},
    {'n', "settings", NULL,
	"print the effective settings of tlspact;\n"
	"with apply: show what would change",
	OPTIONS_FLAG, .at = offsetof(struct run, show),
	.show = "-n, --settings, --dry-run",
	.verbs = OPTIONS_VERB(SETTINGS) | OPTIONS_VERB(APPLY)},
    {0, "dry-run", NULL, "", OPTIONS_FLAG, .at = offsetof(struct run, show),
	.verbs = OPTIONS_VERB(SETTINGS) | OPTIONS_VERB(APPLY)},
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
    .synopsis = "[-jv] [-C FILE] [-o NAME=VALUE]... [-c POSTFIX_DIR]\n"
		" print | check | apply [-n] [--yes] | apply --undo\n"
		"-n [-C FILE] [-o NAME=VALUE]...\n",
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
	if (run->opt.verb != SETTINGS && *run->set.map != '/' && !run->undo) {
		say("map: %s is not an absolute path, as main.cf needs one",
		    quotes(run->set.map).s);
		return EX_CONFIG;
	}
	return verbs[run->opt.verb].run(run);
}

int
main(int argc, char *argv[])
{
	struct run run = {0};
	int code;

	say_init(table.program);
	options_read(&table, argc, argv, &run);
	if (run.opt.verb == SETTINGS && !run.show)
		options_misused(&table, &run);
	code = options_settings(&run.opt, &run.set);
	if (code == EX_OK)
		code = act(&run);
	code = say_flushed(code);
	settings_free(&run.set);
	return code;
}
