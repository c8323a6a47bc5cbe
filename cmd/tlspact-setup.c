/*
 * tlspact-setup: wire tlspact into Postfix: print the settings, check them,
 * put them there and take them back.
 */
#include <errno.h>
#include <getopt.h>
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
#include "diag.h"
#include "err.h"
#include "json.h"
#include "mem.h"
#include "postconf.h"
#include "proc.h"
#include "quote.h"
#include "rewire.h"
#include "say.h"
#include "settings.h"
#include "target.h"
#include "wiring.h"

struct options {
	struct settings_options settings;
	bool json, verbose, show, yes, undo;
};

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: tlspact-setup [-jv] [-C FILE] [-o NAME=VALUE]... "
	    "[-c POSTFIX_DIR]\n"
	    "                     print | check | apply [-n] [--yes] | apply "
	    "--undo\n"
	    "       tlspact-setup -n [-C FILE] [-o NAME=VALUE]...\n"
	    "Wire tlspact into Postfix, for mail out and mail in.\n"
	    "  print            the main.cf lines\n"
	    "  check            name each fault of the real configuration, "
	    "with the fix\n"
	    "  apply            put the lines into main.cf, which is copied "
	    "before\n"
	    "      --undo       put that copy back\n"
	    "      --yes        do not ask\n"
	    "  -n, --settings, --dry-run  print the effective settings of "
	    "tlspact;\n"
	    "                   with apply: show what would change\n"
	    "  -c, --postfix POSTFIX_DIR  configuration folder of Postfix "
	    "(default:\n"
	    "                   postfix_config of the settings, else its own)\n"
	    "  -C, --config FILE    settings (default " SYSCONFDIR SETTINGS_FILE
	    ")\n"
	    "  -o, --option NAME=VALUE  override one setting\n"
	    "  -j, --json  -v, --verbose  -h, --help  -V, --version\n");
}

static const char *
parse_options(int argc, char *argv[], struct options *opt)
{
	enum { OPT_YES = 256, OPT_UNDO };
	static const struct option longs[] = {
	    {"yes", no_argument, NULL, OPT_YES},
	    {"undo", no_argument, NULL, OPT_UNDO},
	    {"dry-run", no_argument, NULL, 'n'},
	    {"config", required_argument, NULL, 'C'},
	    {"option", required_argument, NULL, 'o'},
	    {"postfix", required_argument, NULL, 'c'},
	    {"settings", no_argument, NULL, 'n'},
	    {"json", no_argument, NULL, 'j'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	bool apply;
	int ch;

	while ((ch = getopt_long(argc, argv, "C:o:c:njvhV", longs, NULL)) != -1)
		switch (ch) {
		case 'C':
			opt->settings.file = optarg;
			break;
		case 'o':
			settings_option(&opt->settings, optarg);
			break;
		case 'c':
			opt->settings.postfix = optarg;
			break;
		case 'n':
			opt->show = true;
			break;
		case OPT_YES:
			opt->yes = true;
			break;
		case OPT_UNDO:
			opt->undo = true;
			break;
		case 'j':
			opt->json = true;
			break;
		case 'v':
			opt->verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(say_flushed(EX_OK));
		case 'V':
			(void)printf("tlspact-setup %s\n", VERSION);
			exit(say_flushed(EX_OK));
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	apply = argc - optind == 1 && strcmp(argv[optind], "apply") == 0;
	if (argc - optind != (opt->show && !apply ? 0 : 1) ||
	    ((opt->yes || opt->undo) && !apply)) {
		usage(stderr);
		exit(EX_USAGE);
	}
	return argc == optind ? "" : argv[optind];
}

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

/* What the map asks for, as far as it can be read. */
static void
read_map(const struct settings *s, struct map_facts *map, struct err *why)
{
	struct cdbmap *m;

	*map = (struct map_facts){.path = s->map,
	    .inbound_map = s->inbound_map,
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
print(const struct settings *s)
{
	struct wiring_lines lines = {0};
	struct map_facts map;
	struct postconf c = {0};
	struct target t;
	struct err e, why;
	size_t i;
	const char *dir = settings_postfix(s);
	int rc = settings_target(s, 0, &t, &e);

	if (rc == 0 && dir != NULL)
		rc = postconf_read_plain(&c, dir, wiring_parameters, &e);
	if (rc == -1) {
		say_err(&e);
		postconf_release(&c);
		return e.code;
	}
	read_map(s, &map, &why);
	wiring_want(dir == NULL ? NULL : &c, &map, &t, &lines);
	for (i = 0; i < lines.n; i++)
		(void)printf("%s =%s%s\n", lines.v[i].name,
		    *lines.v[i].value == '\0' ? "" : " ", lines.v[i].value);
	wiring_lines_release(&lines);
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
		(void)printf(
		    "%zu fault%s\n", f->faults, f->faults == 1 ? "" : "s");
	else
		(void)printf("no fault: Postfix obeys %s (%zu row%s)\n",
		    map->path, map->rows, map->rows == 1 ? "" : "s");
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

static int
check(const struct settings *s, const struct options *opt)
{
	struct map_facts map;
	struct postconf c = {0};
	struct around around;
	struct findings f = {0};
	struct err e, why;
	int code;

	if (postconf_read(&c, settings_postfix(s), wiring_parameters, &e) ==
	    -1) {
		say_err(&e);
		postconf_release(&c);
		return e.code;
	}
	read_map(s, &map, &why);
	wiring_check(&c, &map, readable, &f);
	around_look(&around, s, &c, &map);
	around_check(&around, &c, &f);
	around_release(&around);
	if (opt->json)
		json_findings(&f, &map);
	else
		print_findings(&f, &map, opt->verbose);
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
	if ((out = proc_read(argv, 4096, 10000, e)) != NULL)
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

	if (rewire_undo(dir, was_edited, NULL, &edited, &e) == -1) {
		say_err(&e);
		return e.code;
	}
	if (edited > 0) {
		say("%zu line%s of %s/main.cf left to you; the others are as "
		    "they were; now: postfix -c %s reload",
		    edited, edited == 1 ? "" : "s", dir, dir);
		return EX_DATAERR;
	}
	(void)printf("what was put into %s/main.cf is out again; now: postfix "
		     "-c %s reload\n",
	    dir, dir);
	return EX_OK;
}

static bool
confirmed(void)
{
	char *line = NULL;
	size_t cap = 0;
	bool yes;

	(void)printf("change main.cf so? [y/N] ");
	(void)fflush(stdout);
	yes = getline(&line, &cap, stdin) != -1 &&
	      (line[0] == 'y' || line[0] == 'Y');
	free(line);
	if (!yes)
		say("nothing was changed");
	return yes;
}

static int
apply_lines(const char *dir, const struct wiring_lines *lines,
    const struct options *opt)
{
	struct buf diff = {0};
	struct err e;
	size_t n = rewire_diff(lines, &diff);

	if (n > 0)
		(void)fputs(diff.data, stdout);
	buf_free(&diff);
	if (n == 0 || opt->show) {
		(void)printf("%zu line%s of main.cf %s\n", n, n == 1 ? "" : "s",
		    n == 0 ? "need to change" : "would change");
		return EX_OK;
	}
	if (!opt->yes && isatty(STDIN_FILENO) == 0) {
		say("nobody is here to confirm it; --yes does without");
		return EX_USAGE;
	}
	if (!opt->yes && !confirmed())
		return 1;
	if (rewire_apply(dir, lines, &e) == -1) {
		say_err(&e);
		return e.code;
	}
	(void)printf("%zu line%s changed; the file of before is %s/"
		     "main.cf.before-tlspact\nnow: postfix -c %s reload; "
		     "to go back: tlspact-setup -c %s apply --undo\n",
	    n, n == 1 ? "" : "s", dir, dir, dir);
	return EX_OK;
}

static int
apply(const struct settings *s, const struct options *opt)
{
	struct wiring_lines lines = {0};
	struct map_facts map;
	struct postconf c = {0};
	struct target t;
	struct err e, why;
	char *dir = postfix_dir(s, &e);
	int code;

	if (dir != NULL && opt->undo) {
		code = undo(dir);
		free(dir);
		return code;
	}
	if (dir == NULL || settings_target(s, 0, &t, &e) == -1 ||
	    postconf_read_plain(&c, dir, wiring_parameters, &e) == -1) {
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
		wiring_want(&c, &map, &t, &lines);
		code = apply_lines(dir, &lines, opt);
		wiring_lines_release(&lines);
	}
	map_facts_release(&map);
	postconf_release(&c);
	free(dir);
	return code;
}

static int
show_settings(const struct settings *s)
{
	struct buf out = {0};

	conf_print(&s->conf, &out);
	(void)fputs(out.data, stdout);
	buf_free(&out);
	return EX_OK;
}

static int
act(const char *verb, struct settings *s, const struct options *opt)
{
	if (*verb == '\0')
		return show_settings(s);
	/* The way back needs no map. */
	if (*s->map != '/' && !opt->undo) {
		say("map: %s is not an absolute path, as main.cf needs one",
		    quotes(s->map).s);
		return EX_CONFIG;
	}
	if (strcmp(verb, "apply") == 0)
		return apply(s, opt);
	if (strcmp(verb, "print") == 0)
		return print(s);
	if (strcmp(verb, "check") == 0)
		return check(s, opt);
	usage(stderr);
	return EX_USAGE;
}

int
main(int argc, char *argv[])
{
	struct options opt = {0};
	struct settings s;
	struct diags d = {0};
	const char *verb;
	int code;

	say_init("tlspact-setup");
	verb = parse_options(argc, argv, &opt);
	code = settings_read(&s, &opt.settings, &d);
	if (code == EX_OK)
		code = act(verb, &s, &opt);
	code = say_flushed(code);
	diag_free(&d);
	settings_free(&s);
	return code;
}
