#include "around.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "postconf.h"
#include "quote.h"
#include "wiring_priv.h"

#define STALE 3600 /* seconds that a file may be behind the journal */

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
check_maillog(struct client *k, const struct around *a, const char *file)
{
	if (strcmp(file, a->mail_log) != 0)
		wiring_found(k, FINDING_FAULT, "mail_log",
		    "set mail_log to the file in tlspact.conf",
		    "Postfix logs to %s (maillog_file), tlspact-log reads %s",
		    quotes(file).s, a->mail_log);
	else if (a->log == EACCES)
		wiring_found(k, FINDING_FAULT, "maillog_file",
		    "from Postfix 3.9 on postconf -e "
		    "'maillog_file_permissions = 0644', then postfix "
		    "logrotate; before, log to syslog: postconf -X "
		    "maillog_file",
		    "%s may not read %s, so no failure is seen and nobody is "
		    "lowered; postlogd makes it for root alone",
		    reader(a), quotes(file).s);
}

static void
check_journal(struct client *k, const struct around *a, const char *lacks)
{
	if (a->journal == LOGJOURNAL_LINES)
		return;
	if (a->all == LOGJOURNAL_LINES || a->journal != a->all)
		wiring_found(k, FINDING_FAULT, "mail_log",
		    "add it to the group systemd-journal",
		    "%sthe journal has the lines of Postfix, and %s may not "
		    "read it",
		    lacks, reader(a));
	else
		wiring_found(k, FINDING_FAULT, "mail_log",
		    "set mail_log to the log of Postfix in tlspact.conf",
		    "%sthe journal has no line of Postfix: no failure is "
		    "seen, and nobody is lowered",
		    lacks);
}

static void
check_log(struct client *k, const struct around *a)
{
	const char *file = postconf_get(k->c, NULL, "maillog_file");
	char *lacks;

	if (file != NULL && *file == '/' && strncmp(file, "/dev/", 5) != 0) {
		check_maillog(k, a, file);
	} else if (logjournal_is_name(a->mail_log)) {
		check_journal(k, a, "");
	} else if (a->log == ENOENT) {
		lacks =
		    mem_printf("there is no %s, and ", quotes(a->mail_log).s);
		check_journal(k, a, lacks);
		free(lacks);
	} else if (a->log != 0) {
		wiring_found(k, FINDING_FAULT, "mail_log",
		    "let it: Debian's files by the group adm",
		    "%s cannot read %s: %s", reader(a), quotes(a->mail_log).s,
		    strerror(a->log));
	} else if (a->journal == LOGJOURNAL_LINES &&
		   a->logged - a->log_written > STALE) {
		wiring_found(k, FINDING_FAULT, "mail_log",
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
matches(const struct around *a, const char *word)
{
	if (strncmp(word, "static:", 7) == 0)
		return 1;
	if (*word == '/')
		return -1;
	if (strchr(word, ':') != NULL)
		return a->lookup == NULL ? -1
					 : a->lookup(word, a->user[0].name);
	return strcmp(word, a->user[0].name) == 0;
}

/* The first word that matches decides. In doubt it may. */
static bool
may(const struct around *a, const char *list)
{
	const char *rest = list, *p;
	int is = 0;
	bool no = false;
	char *word;

	while (is == 0 && *rest != '\0') {
		word = wiring_first_word(rest, &rest);
		no = false;
		for (p = word; *p == '!'; p++)
			no = !no;
		is = *p == '\0' ? 0 : matches(a, p);
		free(word);
	}
	return is == -1 || (is == 1 && !no);
}

static void
check_right(struct client *k, const struct around *a, const char *list,
    const char *what)
{
	const char *v = postconf_get(k->c, NULL, list);
	const char *user = a->user[0].name;
	char *fix;

	if (v == NULL || *user == '\0' || may(a, v))
		return;
	fix = mem_printf(
	    "postconf -e '%s = %s%s%s'", list, user, *v == '\0' ? "" : ", ", v);
	wiring_found(k, FINDING_FAULT, list, fix, "%s is %s: %s may not %s",
	    list, quotes(v).s, user, what);
	free(fix);
}

static void
check_warden(struct client *k, const struct around *a)
{
	if (a->sendmail != 0)
		wiring_found(k, FINDING_FAULT, "sendmail",
		    "correct sendmail in tlspact.conf, or let it",
		    "%s cannot run %s: %s; no notice is sent",
		    name_of(a->user[0].name), quotes(a->sendmail_path).s,
		    strerror(a->sendmail));
	if (a->postqueue != 0)
		wiring_found(k, FINDING_FAULT, "command_directory",
		    "postfix set-permissions",
		    "%s cannot run %s: %s; mail that waits is not tried "
		    "again after a downgrade",
		    name_of(a->user[0].name), quotes(a->postqueue_path).s,
		    strerror(a->postqueue));
	check_right(
	    k, a, "authorized_submit_users", "send mail, so no notice is sent");
	check_right(k, a, "authorized_flush_users",
	    "flush the queue, so mail that waits is not tried again after a "
	    "downgrade");
}

static void
check_dns(struct client *k, const struct around *a)
{
	if (a->dns != AROUND_DNS_HIDDEN && a->dns != AROUND_DNS_SILENT)
		return;
	wiring_found(k, FINDING_FAULT,
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

void
around_check(
    const struct around *a, const struct postconf *c, struct findings *out)
{
	struct client k = {.c = c, .out = out};
	size_t i;

	for (i = 0; i < AROUND_USERS; i++)
		if (a->user[i].missing)
			wiring_found(&k, FINDING_FAULT, a->user[i].setting,
			    "systemd-sysusers tlspact.conf",
			    "there is no account %s: what runs as it cannot "
			    "start",
			    quotes(a->user[i].name).s);
	for (i = 0; i < a->nfiles; i++)
		wiring_found(&k, FINDING_FAULT, a->file[i].path,
		    "let it read the file and search its folders",
		    "%s cannot read %s %s: %s", name_of(a->file[i].user),
		    a->file[i].what, quotes(a->file[i].path).s,
		    strerror(a->file[i].error));
	if (!a->unasked && !a->user[1].missing)
		check_log(&k, a);
	if (!a->unasked && !a->user[0].missing)
		check_warden(&k, a);
	check_dns(&k, a);
}
