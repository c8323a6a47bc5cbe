/* What tlspact's own programs lack around them, and the words for it. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "around.h"
#include "mem.h"
#include "postconf.h"
#include "findings.h"

#define GOOD                                                             \
	{                                                                \
		.user = {{"service_user", "tlspact", false},             \
		    {"log_user", "_tlslog", false},                      \
		    {"probe_user", "_tlsprobe", false}},                 \
		.mail_log = "/mail.log", .sendmail_path = "/sendmail",   \
		.resolver = "", .dns = AROUND_DNS_GOOD, .lookup = lookup \
	}

static int
lookup(const char *table, const char *key)
{
	assert_string_equal(key, "tlspact");
	return strcmp(table, "hash:/has") == 0	  ? 1
	       : strcmp(table, "hash:/none") == 0 ? 0
						  : -1;
}

/* The findings as "where: what", a line each; the caller frees it. */
static char *
found(const struct around *a, const char *name, const char *value)
{
	char *names[] = {(char *)(uintptr_t)name},
	     *values[] = {(char *)(uintptr_t)value};
	struct postconf c = {
	    .name = names, .value = values, .n = name == NULL ? 0 : 1};
	struct findings f = {0};
	char *text = mem_dup(""), *next;
	size_t i;

	around_judge(a, &c, &f);
	for (i = 0; i < f.n; i++) {
		assert_true(*f.v[i].fix != '\0');
		next =
		    mem_printf("%s%s: %s\n", text, f.v[i].where, f.v[i].what);
		free(text);
		text = next;
	}
	assert_int_equal(f.faults, f.n);
	findings_release(&f);
	return text;
}

static void
expect(const struct around *a, const char *name, const char *value,
    const char *want)
{
	char *is = found(a, name, value);

	if (*want == '\0' ? *is != '\0' : strstr(is, want) == NULL)
		fail_msg("%s = %s: \"%s\", want \"%s\"",
		    name == NULL ? "" : name, value == NULL ? "" : value, is,
		    want);
	free(is);
}

static void
test_logs(void **state)
{
	static const struct {
		const char *mail_log, *maillog_file;
		int log;
		enum logjournal_look journal, all;
		time_t written, logged;
		const char *want;
	} t[] = {
	    {"/mail.log", NULL, 0, LOGJOURNAL_NONE, LOGJOURNAL_NONE, 0, 0, ""},
	    {"/mail.log", NULL, 0, LOGJOURNAL_LINES, LOGJOURNAL_LINES, 9000,
		9100, ""},
	    {"/mail.log", NULL, 0, LOGJOURNAL_LINES, LOGJOURNAL_LINES, 9000,
		12601, "nobody writes to \"/mail.log\" any more"},
	    {"/mail.log", NULL, EACCES, LOGJOURNAL_LINES, LOGJOURNAL_LINES, 0,
		0, "mail_log: _tlslog cannot read \"/mail.log\": Permission"},
	    {"/mail.log", NULL, ENOENT, LOGJOURNAL_LINES, LOGJOURNAL_LINES, 0,
		0, ""},
	    {"/mail.log", NULL, ENOENT, LOGJOURNAL_EMPTY, LOGJOURNAL_EMPTY, 0,
		0,
		"there is no \"/mail.log\", and the journal has no line of "
		"Postfix"},
	    {"/mail.log", NULL, ENOENT, LOGJOURNAL_NONE, LOGJOURNAL_NONE, 0, 0,
		"the journal has no line of Postfix"},
	    {"/mail.log", NULL, ENOENT, LOGJOURNAL_NONE, LOGJOURNAL_LINES, 0, 0,
		"and _tlslog may not read it"},
	    {"journal", NULL, 0, LOGJOURNAL_LINES, LOGJOURNAL_LINES, 0, 0, ""},
	    {"journal", NULL, 0, LOGJOURNAL_EMPTY, LOGJOURNAL_EMPTY, 0, 0,
		"mail_log: the journal has no line of Postfix"},
	    {"journal", NULL, 0, LOGJOURNAL_NONE, LOGJOURNAL_LINES, 0, 0,
		"mail_log: the journal has the lines of Postfix, and _tlslog "
		"may not read it"},
	    {"/mail.log", "/postfix.log", 0, LOGJOURNAL_LINES, LOGJOURNAL_LINES,
		0, 0,
		"mail_log: Postfix logs to \"/postfix.log\" (maillog_file), "
		"tlspact-log reads /mail.log"},
	    {"/mail.log", "/mail.log", 0, LOGJOURNAL_LINES, LOGJOURNAL_LINES, 0,
		9000, ""},
	    {"/mail.log", "/mail.log", EACCES, LOGJOURNAL_LINES,
		LOGJOURNAL_LINES, 0, 0,
		"maillog_file: _tlslog may not read \"/mail.log\""},
	    {"journal", "/dev/stdout", 0, LOGJOURNAL_LINES, LOGJOURNAL_LINES, 0,
		0, ""},
	};
	struct around a = GOOD;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		a.mail_log = t[i].mail_log;
		a.log = t[i].log;
		a.journal = t[i].journal;
		a.all = t[i].all;
		a.log_written = t[i].written;
		a.logged = t[i].logged;
		expect(&a, "maillog_file",
		    t[i].maillog_file == NULL ? "" : t[i].maillog_file,
		    t[i].want);
	}
}

static void
test_rights(void **state)
{
	static const struct {
		const char *list;
		bool may;
	} t[] = {
	    {"static:anyone", true},
	    {"", false},
	    {"root", false},
	    {"root, tlspact", true},
	    {"root,tlspact jane", true},
	    {"!tlspact, static:all", false},
	    {"!!tlspact", true},
	    {"!jane, static:all", true},
	    {"tlspact, !static:all", true},
	    {"!static:all, tlspact", false},
	    {"hash:/none", false},
	    {"hash:/none, hash:/has", true},
	    {"!hash:/has, static:all", false},
	    {"hash:/unknown", true},
	    {"/etc/users", true},
	};
	struct around a = GOOD;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		expect(&a, "authorized_submit_users", t[i].list,
		    t[i].may ? "" : "tlspact may not send mail");
		expect(&a, "authorized_flush_users", t[i].list,
		    t[i].may ? "" : "tlspact may not flush the queue");
	}
	a.user[0].name = "";
	expect(&a, "authorized_flush_users", "root", "");
}

static void
test_others(void **state)
{
	struct around_file file = {.path = (char *)(uintptr_t) "/registry",
	    .user = "tlspact",
	    .what = "the registry",
	    .error = EACCES};
	struct around a = GOOD;

	(void)state;
	expect(&a, NULL, NULL, "");
	a.file = &file;
	a.nfiles = 1;
	expect(&a, NULL, NULL,
	    "/registry: tlspact cannot read the registry \"/registry\": "
	    "Permission denied");
	a.nfiles = 0;
	a.sendmail = EACCES;
	a.unasked = true;
	expect(&a, NULL, NULL, "");
	a.unasked = false;
	expect(&a, NULL, NULL, "sendmail: tlspact cannot run \"/sendmail\"");
	a.sendmail = 0;
	a.postqueue = ENOENT;
	a.postqueue_path = (char *)(uintptr_t) "/postqueue";
	expect(&a, NULL, NULL, "tlspact cannot run \"/postqueue\": No such");
	a.postqueue = 0;
	a.user[2].missing = true;
	expect(&a, NULL, NULL, "probe_user: there is no account \"_tlsprobe\"");
	a.user[2].missing = false;
	a.dns = AROUND_DNS_HIDDEN;
	a.dns_why = (char *)(uintptr_t) "no signatures";
	expect(&a, NULL, NULL,
	    "/etc/resolv.conf: the resolver does not prove what the signed "
	    "root says, no signatures");
	a.dns = AROUND_DNS_SILENT;
	a.resolver = "192.0.2.1";
	expect(&a, NULL, NULL, "resolver: the resolver does not answer");
	a.dns = AROUND_DNS_UNASKED;
	expect(&a, NULL, NULL, "");
}

/* DANE is what the resolver of Postfix vouches for. */
static void
test_vouching(void **state)
{
	struct around a = GOOD;

	(void)state;
	a.dane = 2;
	expect(&a, NULL, NULL, "");
	a.unvouched = true;
	expect(&a, NULL, NULL, "sets no AD for the signed root): for 2 rows ");
	a.dane = 0;
	expect(&a, NULL, NULL, "for the signed root): dane-only holds mail");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vouching),
	    cmocka_unit_test(test_logs),
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
