#include "around.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "err.h"
#include "findings.h"
#include "maincf.h"
#include "mapfacts.h"
#include "mem.h"
#include "mxdns.h"
#include "num.h"
#include "postconf.h"
#include "process.h"
#include "program.h"
#include "quote.h"
#include "registry.h"
#include "settings.h"

#define STALE 3600 /* seconds that a file may be behind the journal */

/* --- What the machine says ------------------------------------------------ */

/*
 * By a child that becomes an account, so that groups, access lists and folders
 * count as they will.
 */

/* Exists nowhere (RFC 2606): that is proven by the root, which is signed. */
#define NO_NAME "tlspact-check.example"

typedef int look_fn(const void *what); /* 0 to 254 */

struct look {
	look_fn *fn;
	const void *what;
};

static int
can_read(const void *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return errno;
	(void)close(fd);
	return 0;
}

static int
can_run(const void *path)
{
	return access(path, X_OK) == 0 ? 0 : errno;
}

static int
see_journal(const void *name)
{
	return (int)logjournal_look(name, NULL);
}

static int
look(int fd, void *arg)
{
	const struct look *l = arg;

	(void)fd;
	return l->fn(l->what);
}

/* What fn says as that account. */
static int
look_as(const struct around_user *u, look_fn *fn, const void *what)
{
	struct look l = {.fn = fn, .what = what};
	struct apart a;
	struct err e;

	if (*u->name == '\0')
		return fn(what);
	return apart_start(&a, u->name, look, &l, &e) == 0 &&
		       apart_end(&a, false, "", &e) == -1
		   ? e.code
		   : 0;
}

static void
look_at_file(struct around *a, const struct around_user *u, const char *what,
    const char *path)
{
	int error;

	if (*path == '\0' || u->missing ||
	    (error = look_as(u, can_read, path)) == 0)
		return;
	a->file = mem_grow(a->file, a->nfiles, &a->file_cap, sizeof(*a->file));
	a->file[a->nfiles++] = (struct around_file){.path = mem_dup(path),
	    .user = u->name,
	    .what = what,
	    .error = error};
}

/* The registry as we can read it; what is wrong in it compile says. */
static void
look_at_registry(
    struct around *a, const struct around_user *u, const struct settings *s)
{
	struct diags d = {0};
	struct err e;
	struct registry *r = registry_load(s->registry, 0, &d, &e);
	size_t i;

	if (r == NULL)
		look_at_file(a, u, "the registry", s->registry);
	for (i = 0; r != NULL && i < r->nfiles; i++)
		look_at_file(
		    a, u, "the registry", registry_file(r, (uint32_t)i));
	diag_free(&d);
	registry_free(r);
}

static int
lookup(const char *table, const char *key)
{
	const char *argv[] = {"postmap", "-q", key, table, NULL};
	struct err e;
	char *out = program_read(argv, 65536, 10000, &e);

	/* 1 without output: not there; it says why if the table is bad. */
	if (out == NULL)
		return strstr(e.text, "fatal") != NULL ? -1 : 0;
	free(out);
	return 1;
}

struct asked {
	struct around *a;
	struct event_base *base;
};

static void
on_answer(const struct mxdns_result *r, void *arg)
{
	struct asked *q = arg;

	q->a->dns = r->mx.secure		  ? AROUND_DNS_GOOD
		    : r->mx.kind == MXDNS_TIMEOUT ? AROUND_DNS_SILENT
						  : AROUND_DNS_HIDDEN;
	if (r->mx.why != NULL)
		q->a->dns_why = mem_dup(r->mx.why);
	(void)event_base_loopbreak(q->base);
}

static void
look_at_dns(struct around *a, const struct settings *s)
{
	struct mxdns_settings set = {
	    .resolver = *s->resolver == '\0' ? NULL : s->resolver,
	    .trust_anchor = s->trust_anchor,
	    .timeout_ms = AROUND_DNS_MS};
	struct asked q = {.a = a};
	struct mxdns *dns;
	struct err e;

	if (*s->trust_anchor == '\0')
		return;
	if ((q.base = event_base_new()) == NULL)
		return;
	if ((dns = mxdns_new(q.base, &set, &e)) == NULL) {
		a->dns = AROUND_DNS_SILENT;
		a->dns_why = mem_dup(e.text);
	} else {
		mxdns_lookup(dns, NO_NAME, 25, NULL, on_answer, &q);
		(void)event_base_dispatch(q.base);
	}
	mxdns_free(dns);
	event_base_free(q.base);
}

static void
look_at_log(struct around *a, const struct settings *s)
{
	bool journal = logjournal_is_name(s->mail_log);
	const char *name = journal ? s->mail_log : LOGJOURNAL;
	const struct around_user *u = &a->user[1];
	struct stat st;

	if (!journal && stat(s->mail_log, &st) == 0)
		a->log_written = st.st_mtime;
	if (!journal)
		a->log = look_as(u, can_read, s->mail_log);
	a->journal = (enum logjournal_look)look_as(u, see_journal, name);
	a->all = logjournal_look(name, &a->logged);
}

static void
look_as_users(
    struct around *a, const struct settings *s, const struct map_facts *map)
{
	const struct around_user *u = &a->user[0];
	size_t i;

	look_at_registry(a, u, s);
	if (strcmp(u->name, a->user[1].name) != 0)
		look_at_registry(a, &a->user[1], s);
	look_at_file(a, u, "the CA file", s->ca_file);
	for (i = 0; i < map->ntafiles; i++)
		look_at_file(a, u, "the CA file", map->tafile[i]);
	look_at_file(a, u, "the trust anchor", s->trust_anchor);
	if (!a->user[1].missing)
		look_at_log(a, s);
	if (u->missing)
		return;
	a->sendmail = look_as(u, can_run, s->sendmail);
	if (a->postqueue_path != NULL)
		a->postqueue = look_as(u, can_run, a->postqueue_path);
}

/* Starts processes; borrows from its arguments. */
static void
look_around(struct around *a, const struct settings *s,
    const struct postconf *c, const struct map_facts *map)
{
	const char *bin = postconf_get(c, NULL, "command_directory");
	size_t i;

	*a = (struct around){
	    .user = {{.setting = "service_user", .name = s->service_user},
		{.setting = "log_user", .name = s->log_user},
		{.setting = "probe_user", .name = s->probe_user}},
	    .mail_log = s->mail_log,
	    .sendmail_path = s->sendmail,
	    .resolver = s->resolver,
	    .lookup = lookup};
	if (bin != NULL)
		a->postqueue_path = mem_printf("%s/postqueue", bin);
	for (i = 0; i < AROUND_USERS; i++)
		a->user[i].missing = *a->user[i].name != '\0' &&
				     getpwnam(a->user[i].name) == NULL;
	a->unasked = geteuid() != 0;
	if (!a->unasked)
		look_as_users(a, s, map);
	look_at_dns(a, s);
	a->dane = map->dane;
	if (map->dane > 0 ||
	    strncmp(postconf_text(c, NULL, "smtp_tls_security_level"), "dane",
		4) == 0)
		a->unvouched = !mxdns_system_vouches();
}

static void
release(struct around *a)
{
	size_t i;

	for (i = 0; i < a->nfiles; i++)
		free(a->file[i].path);
	free(a->file);
	free(a->postqueue_path);
	free(a->dns_why);
}

/* --- And what follows ----------------------------------------------------- */

static const char *
name_of(const char *user)
{
	return *user == '\0' ? "this account" : user;
}

static const char *
reader(const struct around *a)
{
	return name_of(a->user[1].name);
}

/* The log of Postfix goes to a file that postlogd(8) makes. */
static void
check_maillog(struct findings *out, const struct around *a, const char *file)
{
	if (strcmp(file, a->mail_log) != 0)
		findings_add(out, FINDING_FAULT, "mail_log",
		    "set mail_log to the file in tlspact.conf",
		    "Postfix logs to %s (maillog_file), tlspact-log reads %s",
		    quotes(file).s, a->mail_log);
	else if (a->log == EACCES)
		findings_add(out, FINDING_FAULT, "maillog_file",
		    "from Postfix 3.9 on postconf -e "
		    "'maillog_file_permissions = 0644', then postfix "
		    "logrotate; before, log to syslog: postconf -X "
		    "maillog_file",
		    "%s may not read %s, so no failure is seen and nobody is "
		    "lowered; postlogd makes it for root alone",
		    reader(a), quotes(file).s);
}

static void
check_journal(struct findings *out, const struct around *a, const char *lacks)
{
	if (a->journal == LOGJOURNAL_LINES)
		return;
	if (a->all == LOGJOURNAL_LINES || a->journal != a->all)
		findings_add(out, FINDING_FAULT, "mail_log",
		    "add it to the group systemd-journal",
		    "%sthe journal has the lines of Postfix, and %s may not "
		    "read it",
		    lacks, reader(a));
	else
		findings_add(out, FINDING_FAULT, "mail_log",
		    "set mail_log to the log of Postfix in tlspact.conf",
		    "%sthe journal has no line of Postfix: no failure is "
		    "seen, and nobody is lowered",
		    lacks);
}

static void
check_log(struct findings *out, const struct around *a)
{
	const char *file = postconf_get(out->c, NULL, "maillog_file");
	char *lacks;

	if (file != NULL && *file == '/' && strncmp(file, "/dev/", 5) != 0) {
		check_maillog(out, a, file);
	} else if (logjournal_is_name(a->mail_log)) {
		check_journal(out, a, "");
	} else if (a->log == ENOENT) {
		lacks =
		    mem_printf("there is no %s, and ", quotes(a->mail_log).s);
		check_journal(out, a, lacks);
		free(lacks);
	} else if (a->log != 0) {
		findings_add(out, FINDING_FAULT, "mail_log",
		    "let it: Debian's files by the group adm",
		    "%s cannot read %s: %s", reader(a), quotes(a->mail_log).s,
		    strerror(a->log));
	} else if (a->journal == LOGJOURNAL_LINES &&
		   a->logged - a->log_written > STALE) {
		findings_add(out, FINDING_FAULT, "mail_log",
		    "set mail_log = journal in tlspact.conf",
		    "nobody writes to %s any more, Postfix logs to the "
		    "journal: no failure is seen, and nobody is lowered",
		    quotes(a->mail_log).s);
	}
}

/*
 * One word of a list of users, as string_list in postconf(5): 1 if it is
 * about user, 0 if not, -1 if that cannot be found out.
 */
static int
matches(const struct around *a, struct span word)
{
	const char *user = a->user[0].name;
	char *table;
	int is;

	if (span_begins(word, "static:"))
		return 1;
	if (*word.p == '/')
		return -1;
	if (span_chr(word, ':') == word.n)
		return span_same(word, maincf_text(user));
	table = mem_printf("%.*s", SPAN_ARG(word));
	is = a->lookup == NULL ? -1 : a->lookup(table, user);
	free(table);
	return is;
}

/* The first word that matches decides. In doubt it may. */
static bool
may(const struct around *a, const char *list)
{
	struct span rest = maincf_text(list), word;
	bool no = false;
	int is = 0;

	while (is == 0 && postconf_word(&rest, &word)) {
		for (no = false; span_begins(word, "!"); no = !no)
			word = span_skip(word, 1);
		is = word.n == 0 ? 0 : matches(a, word);
	}
	return is == -1 || (is == 1 && !no);
}

static void
check_right(struct findings *out, const struct around *a, const char *list,
    const char *what)
{
	const char *v = postconf_get(out->c, NULL, list);
	const char *user = a->user[0].name;
	char *fix;

	if (v == NULL || *user == '\0' || may(a, v))
		return;
	fix = mem_printf(
	    "postconf -e '%s = %s%s%s'", list, user, *v == '\0' ? "" : ", ", v);
	findings_add(out, FINDING_FAULT, list, fix, "%s is %s: %s may not %s",
	    list, quotes(v).s, user, what);
	free(fix);
}

static void
check_warden(struct findings *out, const struct around *a)
{
	if (a->sendmail != 0)
		findings_add(out, FINDING_FAULT, "sendmail",
		    "correct sendmail in tlspact.conf, or let it",
		    "%s cannot run %s: %s; no notice is sent",
		    name_of(a->user[0].name), quotes(a->sendmail_path).s,
		    strerror(a->sendmail));
	if (a->postqueue != 0)
		findings_add(out, FINDING_FAULT, "command_directory",
		    "postfix set-permissions",
		    "%s cannot run %s: %s; mail that waits is not tried "
		    "again after a downgrade",
		    name_of(a->user[0].name), quotes(a->postqueue_path).s,
		    strerror(a->postqueue));
	check_right(out, a, "authorized_submit_users",
	    "send mail, so no notice is sent");
	check_right(out, a, "authorized_flush_users",
	    "flush the queue, so mail that waits is not tried again after a "
	    "downgrade");
}

static void
check_dns(struct findings *out, const struct around *a)
{
	if (a->dns != AROUND_DNS_HIDDEN && a->dns != AROUND_DNS_SILENT)
		return;
	findings_add(out, FINDING_FAULT,
	    *a->resolver == '\0' ? "/etc/resolv.conf" : "resolver",
	    "set resolver in tlspact.conf to one that validates, such as "
	    "unbound on this host; or trust_anchor to nothing, which does "
	    "without DANE",
	    "%s%s%s: probes cannot trust what they are told, and fail",
	    a->dns == AROUND_DNS_SILENT
		? "the resolver does not answer"
		: "the resolver does not prove what the signed root says",
	    a->dns_why == NULL ? "" : ", ",
	    a->dns_why == NULL ? "" : a->dns_why);
}

/* Postfix validates nothing itself: it believes what its resolver does. */
static void
check_vouching(struct findings *out, const struct around *a)
{
	char *rows;

	if (!a->unvouched)
		return;
	rows = mem_printf("for %zu row%s ", a->dane, num_plural(a->dane));
	findings_add(out, FINDING_FAULT, "/etc/resolv.conf",
	    "have it name a resolver that validates, such as unbound on this "
	    "host",
	    "the resolver that Postfix asks does not validate (it sets no AD "
	    "for the signed root): %sdane-only holds mail, and dane falls to "
	    "may",
	    a->dane > 0 ? rows : "");
	free(rows);
}

void
around_judge(
    const struct around *a, const struct postconf *c, struct findings *out)
{
	size_t i;

	out->c = c;
	for (i = 0; i < AROUND_USERS; i++)
		if (a->user[i].missing)
			findings_add(out, FINDING_FAULT, a->user[i].setting,
			    "systemd-sysusers tlspact.conf",
			    "there is no account %s: what runs as it cannot "
			    "start",
			    quotes(a->user[i].name).s);
	for (i = 0; i < a->nfiles; i++)
		findings_add(out, FINDING_FAULT, a->file[i].path,
		    "let it read the file and search its folders",
		    "%s cannot read %s %s: %s", name_of(a->file[i].user),
		    a->file[i].what, quotes(a->file[i].path).s,
		    strerror(a->file[i].error));
	if (!a->unasked && !a->user[1].missing)
		check_log(out, a);
	if (!a->unasked && !a->user[0].missing)
		check_warden(out, a);
	check_dns(out, a);
	check_vouching(out, a);
}

void
around_check(const struct settings *s, const struct postconf *c,
    const struct map_facts *map, struct findings *out)
{
	struct around a;

	look_around(&a, s, c, map);
	around_judge(&a, c, out);
	release(&a);
}
