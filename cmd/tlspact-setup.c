/*
 * tlspact-setup: wire the map into Postfix: print the settings, check them.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "cdbmap.h"
#include "diag.h"
#include "err.h"
#include "postconf.h"
#include "say.h"
#include "settings.h"
#include "target.h"
#include "wiring.h"

struct options {
	struct settings_options settings;
	const char *postfix; /* -c, or NULL */
	bool json, verbose, show;
};

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: tlspact-setup [-jv] [-C FILE] [-o NAME=VALUE]... "
	    "[-c POSTFIX_DIR] print\n"
	    "       tlspact-setup [-jv] [-C FILE] [-o NAME=VALUE]... "
	    "[-c POSTFIX_DIR] check\n"
	    "       tlspact-setup -n [-C FILE] [-o NAME=VALUE]...\n"
	    "Wire the map of tlspact into Postfix.\n"
	    "  print            the main.cf lines for the outbound side\n"
	    "  check            name each fault of the real configuration, "
	    "with the fix\n"
	    "  -n, --settings   print the effective settings of tlspact\n"
	    "  -c, --postfix POSTFIX_DIR  configuration folder of Postfix "
	    "(default: its own)\n"
	    "  -C, --config FILE    settings (default " SYSCONFDIR SETTINGS_FILE
	    ")\n"
	    "  -o, --option NAME=VALUE  override one setting\n"
	    "  -j, --json  -v, --verbose  -h, --help  -V, --version\n");
}

static const char *
parse_options(int argc, char *argv[], struct options *opt)
{
	static const struct option longs[] = {
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
			opt->postfix = optarg;
			break;
		case 'n':
			opt->show = true;
			break;
		case 'j':
			opt->json = true;
			break;
		case 'v':
			opt->verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(EX_OK);
		case 'V':
			(void)printf("tlspact-setup %s\n", VERSION);
			exit(EX_OK);
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	if (argc - optind != (opt->show ? 0 : 1)) {
		usage(stderr);
		exit(EX_USAGE);
	}
	return opt->show ? "" : argv[optind];
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

static int
print(const struct settings *s, const struct options *opt)
{
	struct postconf c = {0};
	struct buf out = {0};
	struct target t;
	struct err e;
	int rc = settings_target(s, false, &t, &e);

	if (rc == 0 && opt->postfix != NULL)
		rc = postconf_read(&c, opt->postfix, wiring_parameters, &e);
	if (rc == -1) {
		say_err(&e);
	} else {
		wiring_print(opt->postfix == NULL ? NULL : &c, s->map,
		    s->ca_file, &t, &out);
		(void)fputs(out.data, stdout);
	}
	buf_free(&out);
	postconf_release(&c);
	return rc == -1 ? e.code : EX_OK;
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
		(void)printf("no fault: Postfix obeys %s (%zu rows)\n",
		    map->path, map->rows);
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
	if (root == NULL)
		abort();
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(root);
}

static int
check(const struct settings *s, const struct options *opt)
{
	struct map_facts map = {.path = s->map, .ca_file = s->ca_file};
	struct postconf c = {0};
	struct findings f = {0};
	struct cdbmap *m;
	struct err e, why;
	int code;

	if (postconf_read(&c, opt->postfix, wiring_parameters, &e) == -1) {
		say_err(&e);
		postconf_release(&c);
		return e.code;
	}
	if ((m = cdbmap_open(s->map, &why)) == NULL)
		map.fault = why.text;
	else
		map_facts_read(&map, m);
	cdbmap_close(m);
	wiring_check(&c, &map, readable, &f);
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

static void
show_settings(const struct settings *s)
{
	struct buf out = {0};

	conf_print(&s->conf, &out);
	(void)fputs(out.data, stdout);
	buf_free(&out);
}

int
main(int argc, char *argv[])
{
	struct options opt = {0};
	struct settings s;
	struct diags d = {0};
	struct err e = {0};
	const char *verb;
	int code = EX_OK;

	say_init("tlspact-setup");
	verb = parse_options(argc, argv, &opt);
	if (settings_load(
		&s, &opt.settings, SYSCONFDIR SETTINGS_FILE, &d, &e) == -1) {
		say_diags(&d, true);
		if (d.errors == 0)
			say_err(&e);
		code = d.errors > 0 ? EX_CONFIG : e.code;
	} else if (opt.show) {
		show_settings(&s);
	} else if (strcmp(verb, "print") == 0) {
		code = print(&s, &opt);
	} else if (strcmp(verb, "check") == 0) {
		code = check(&s, &opt);
	} else {
		usage(stderr);
		code = EX_USAGE;
	}
	if (fflush(stdout) == EOF || ferror(stdout)) {
		say("cannot write to standard output: %s", strerror(errno));
		code = code == EX_OK ? EX_IOERR : code;
	}
	diag_free(&d);
	settings_free(&s);
	return code;
}
