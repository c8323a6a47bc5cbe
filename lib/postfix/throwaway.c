#include "throwaway.h"

#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "file.h"
#include "mem.h"
#include "postconf.h"
#include "program.h"
#include "quote.h"
#include "span.h"

#define TALK 1000000	   /* bytes that a program may say */
#define PATIENCE 60000	   /* ms, with each of them */
#define LOG_MAX (8u << 20) /* bytes of its log */
#define CA_MAX (16u << 20) /* bytes of the other one's CA file */
#define DOMAIN "tlspact-test.invalid"

struct throwaway {
	char *dir, *etc; /* the latter within the former */
	bool started;
};

/* --- Its files ------------------------------------------------------------ */

static int
put(const struct throwaway *t, const char *name, const char *text, size_t len,
    struct err *e)
{
	char *path = mem_printf("%s/%s", t->dir, name);
	int rv = file_replace(path, text, len, NULL, e);

	free(path);
	return rv;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

/*
 * What is not about how mail leaves over TLS, or leads elsewhere, has a value
 * of our own. %s is our folder.
 */
static const char *const settings[] = {
    "queue_directory=%s/spool",
    "data_directory=%s/data",
    "maillog_file=%s/log",
    "maillog_file_prefixes=%s",
    "transport_maps=texthash:%s/transport",
    "multi_instance_name=",
    "multi_instance_enable=no",
    "multi_instance_directories=",
    "inet_interfaces=loopback-only",
    "inet_protocols=ipv4",
    "authorized_submit_users=static:all",
    "mydestination=",
    "relayhost=",
    "default_transport=smtp",
    "relay_transport=smtp",
    "local_transport=error:none",
    "sender_dependent_relayhost_maps=",
    "sender_dependent_default_transport_maps=",
    "smtp_fallback_relay=",
    "smtp_bind_address=",
    "smtp_sasl_auth_enable=no",
    "smtp_tls_session_cache_database=",
    "smtp_generic_maps=",
    "smtp_header_checks=",
    "smtp_body_checks=",
    "alias_maps=",
    "virtual_alias_maps=",
    "virtual_alias_domains=",
    "virtual_mailbox_domains=",
    "relay_domains=",
    "canonical_maps=",
    "sender_canonical_maps=",
    "recipient_canonical_maps=",
    "relocated_maps=",
    "sender_bcc_maps=",
    "recipient_bcc_maps=",
    "always_bcc=",
    "header_checks=",
    "body_checks=",
    "content_filter=",
    "non_smtpd_milters=",
    "internal_mail_filter_classes=",
    "message_drop_headers=",
    "notify_classes=",
    /* Else postdrop(1) finds the queue of the other one. */
    "export_environment=TZ MAIL_CONFIG LANG",
    "import_environment=MAIL_CONFIG MAIL_DEBUG TZ LANG=C",
};

static const char services[] = "pickup unix n - n 1 1 pickup\n"
			       "cleanup unix n - n - 0 cleanup\n"
			       "qmgr unix n - n 300 1 qmgr\n"
			       "tlsmgr unix - - n 1000? 1 tlsmgr\n"
			       "rewrite unix - - n - - trivial-rewrite\n"
			       "bounce unix - - n - 0 bounce\n"
			       "defer unix - - n - 0 bounce\n"
			       "trace unix - - n - 0 bounce\n"
			       "proxymap unix - - n - - proxymap\n"
			       "error unix - - n - - error\n"
			       "retry unix - - n - - error\n"
			       "discard unix - - n - - discard\n"
			       "anvil unix - - n - 1 anvil\n"
			       "scache unix - - n - 1 scache\n"
			       "tlsproxy unix - - n - 0 tlsproxy\n"
			       "postlog unix-dgram n - n - 1 postlogd\n";

/* Run a program of Postfix on its configuration; args may be NULL. */
static int
command(const struct throwaway *t, const char *program, const char *what,
    const char *const *args, struct err *e)
{
	char *said =
	    postfix_read(program, t->etc, what, args, TALK, PATIENCE, e);

	free(said);
	return said == NULL ? -1 : 0;
}

/* postconf(1) says where it was; where it is now, the caller says. */
static void
forget_place(char *main_cf)
{
	static const char name[] = "config_directory =";
	char *at = main_cf, *end;

	if (strncmp(at, name, strlen(name)) != 0 &&
	    (at = strstr(main_cf, "\nconfig_directory =")) != NULL)
		at++;
	if (at != NULL && (end = strchr(at, '\n')) != NULL)
		memset(at, '\n', (size_t)(end - at));
}

/* main.cf and master.cf: the other one's, but for the above. */
static int
configure(const struct throwaway *t, const char *dir, struct err *e)
{
	static const char *const chroot[] = {"smtp/unix/chroot=n", NULL};
	const size_t n = sizeof(settings) / sizeof(settings[0]);
	const char *v[sizeof(settings) / sizeof(settings[0]) + 1] = {NULL};
	char *main_cf =
		 postfix_read("postconf", dir, "-n", NULL, TALK, PATIENCE, e),
	     *smtp = postfix_read("postconf", dir, "-M",
		 (const char *const[]){"smtp/unix", NULL}, TALK, PATIENCE, e),
	     *master = mem_printf("%s%s\n", services, smtp == NULL ? "" : smtp);
	size_t i;
	int rv = -1;

	for (i = 0; i < n; i++) {
		const char *at = strstr(settings[i], "%s");

		v[i] = at == NULL
			   ? mem_dup(settings[i])
			   : mem_printf("%.*s%s%s", (int)(at - settings[i]),
				 settings[i], t->dir, at + 2);
	}
	if (main_cf != NULL)
		forget_place(main_cf);
	if (main_cf != NULL && smtp != NULL &&
	    put(t, "etc/main.cf", main_cf, strlen(main_cf), e) == 0 &&
	    put(t, "etc/master.cf", master, strlen(master), e) == 0 &&
	    command(t, "postconf", "-e", v, e) == 0)
		rv = command(t, "postconf", "-F", chroot, e);
	for (i = 0; i < n; i++)
		free((char *)(uintptr_t)v[i]);
	free(main_cf);
	free(smtp);
	free(master);
	return rv;
}

/* Both the other one's CAs and ours. */
static int
put_cas(
    const struct throwaway *t, const char *path, const char *ca, struct err *e)
{
	struct buf all = {0};
	char *theirs;
	size_t len;
	int rv;

	/* One that cannot be read trusts nobody there either. */
	if (*path == '/' &&
	    (theirs = file_slurp(path, CA_MAX, &len, NULL, e)) != NULL) {
		buf_add(&all, theirs, len);
		buf_putc(&all, '\n');
		free(theirs);
	}
	buf_puts(&all, ca);
	rv = put(t, "ca.pem", all.data, all.len, e);
	if (rv == 0)
		rv = put(t, "own.pem", ca, strlen(ca), e);
	buf_free(&all);
	return rv;
}

/* A setting of smtp(8), where that has it: main.cf, and perhaps master.cf. */
static int
set_smtp(const struct throwaway *t, const struct postconf *other,
    const char *name, const char *value, struct err *e)
{
	char *main_cf = mem_printf("%s=%s", name, value),
	     *master = mem_printf("smtp/unix/%s=%s", name, value);
	int rv = command(
	    t, "postconf", "-e", (const char *const[]){main_cf, NULL}, e);

	if (rv == 0 && postconf_overrides(other, "smtp/unix", name))
		rv = command(t, "postconf", "-P",
		    (const char *const[]){master, NULL}, e);
	free(main_cf);
	free(master);
	return rv;
}

/* Without the "unix:" that may stand before a path. */
static const char *
socket_path(const char *s)
{
	return strncmp(s, "unix:", 5) == 0 ? s + 5 : s;
}

/* Is "socketmap:unix:PATH:NAME" asked at that socket, or inet: alike? */
static bool
is_socket(struct span table, const char *socket, const char *queue)
{
	const char *colon;
	char *at, *full;
	bool same;

	if (!span_begins(table, "socketmap:"))
		return false;
	table = span_skip(table, strlen("socketmap:"));
	if ((colon = memrchr(table.p, ':', table.n)) == NULL)
		return false;
	at = mem_printf("%.*s", (int)(colon - table.p), table.p);
	full = mem_printf("%s/%s", queue, socket_path(at));
	/* A path that does not begin at the root begins at the queue. */
	same = strcmp(socket_path(at), socket_path(socket)) == 0 ||
	       (strncmp(at, "unix:", 5) == 0 && *socket_path(at) != '/' &&
		   strcmp(full, socket_path(socket)) == 0);
	free(full);
	free(at);
	return same;
}

/* Is the table the one whose place we take, also behind proxy: or debug:? */
static bool
is_ours(
    struct span table, const struct throwaway_place *place, const char *queue)
{
	while (span_begins(table, "proxy:") || span_begins(table, "debug:"))
		table = span_skip(table, strlen("proxy:"));
	return (table.n == strlen(place->map) &&
		   memcmp(table.p, place->map, table.n) == 0) ||
	       is_socket(table, place->socket, queue);
}

/* The list of tables, with ours in that place; blanks become commas. */
static char *
our_maps(const struct throwaway *t, const struct postconf *other,
    const struct throwaway_place *place)
{
	char *copy = mem_dup(
		 postconf_text(other, "smtp/unix", "smtp_tls_policy_maps")),
	     *rest = copy, *word;
	const char *queue =
	    postconf_text(other, "smtp/unix", "queue_directory");
	struct buf out = {0};
	bool placed = false;

	buf_puts(&out, "");
	while ((word = strsep(&rest, ", \t\r\n")) != NULL) {
		bool ours =
		    *word != '\0' && is_ours(span_of(word), place, queue);

		/* A second one says the same, where it still can. */
		if (*word == '\0' || (ours && placed))
			continue;
		if (out.len > 0)
			buf_putc(&out, ',');
		if (ours)
			buf_printf(&out, "texthash:%s/policy", t->dir);
		else
			buf_puts(&out, word);
		placed = placed || ours;
	}
	free(copy);
	return buf_take(&out);
}

/* What it trusts, and where it asks for policies. */
static int
rewire(const struct throwaway *t, const char *dir,
    const struct throwaway_place *place, const char *ca, struct err *e)
{
	char *file = mem_printf("%s/ca.pem", t->dir), *maps = NULL;
	struct postconf other;
	int rv = postconf_read(&other, dir, false, e);

	if (rv == 0) {
		maps = our_maps(t, &other, place);
		rv = put_cas(t,
		    postconf_text(&other, "smtp/unix", "smtp_tls_CAfile"), ca,
		    e);
	}
	if (rv == 0)
		rv = set_smtp(t, &other, "smtp_tls_CAfile", file, e);
	if (rv == 0)
		rv = set_smtp(t, &other, "smtp_tls_policy_maps", maps, e);
	postconf_release(&other);
	free(maps);
	free(file);
	return rv;
}

static int
put_tables(const struct throwaway *t, const struct throwaway_mail *mail,
    size_t n, struct err *e)
{
	struct buf transport = {0}, policy = {0};
	const char *at, *p;
	size_t i;
	int rv;

	for (i = 0; i < n; i++) {
		buf_printf(&transport, "m%zu." DOMAIN " smtp:[127.0.0.1]:%u\n",
		    i, mail[i].port);
		buf_printf(&policy, "[127.0.0.1]:%u ", mail[i].port);
		for (p = mail[i].policy; (at = strstr(p, THROWAWAY_CA)) != NULL;
		     p = at + strlen(THROWAWAY_CA)) {
			buf_add(&policy, p, (size_t)(at - p));
			buf_printf(&policy, "%s/own.pem", t->dir);
		}
		buf_printf(&policy, "%s\n", p);
	}
	rv = put(t, "transport", transport.data, transport.len, e);
	if (rv == 0)
		rv = put(t, "policy", policy.data, policy.len, e);
	buf_free(&transport);
	buf_free(&policy);
	return rv;
}

/* --- Its life ------------------------------------------------------------- */

/* What Postfix does not make itself; its data is its owner's. */
static int
make_folders(const struct throwaway *t, struct err *e)
{
	char *spool = mem_printf("%s/spool", t->dir),
	     *data = mem_printf("%s/data", t->dir),
	     *name = postconf_ask(t->etc, "-hx", "mail_owner", e);
	const struct passwd *owner = name == NULL ? NULL : getpwnam(name);
	int rv = name == NULL ? -1 : 0;

	if (rv == 0 && owner == NULL)
		rv = err_set(
		    e, EX_OSFILE, "there is no user %s", quotes(name).s);
	else if (rv == 0 &&
		 (mkdir(spool, 0755) == -1 || mkdir(data, 0700) == -1 ||
		     chown(data, owner->pw_uid, owner->pw_gid) == -1))
		rv = err_sys(e, EX_CANTCREAT, "cannot make %s", quotes(data).s);
	free(spool);
	free(data);
	free(name);
	return rv;
}

static int
make(struct throwaway *t, const char *dir, const struct throwaway_place *place,
    const char *ca, const struct throwaway_mail *mail, size_t n, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *etc;

	t->dir = mem_printf("%s/tlspact-postfix.XXXXXX",
	    tmp == NULL || *tmp != '/' ? "/tmp" : tmp);
	if (mkdtemp(t->dir) == NULL) {
		(void)err_sys(
		    e, EX_CANTCREAT, "cannot make %s", quotes(t->dir).s);
		free(t->dir);
		t->dir = NULL;
		return -1;
	}
	etc = t->etc = mem_printf("%s/etc", t->dir);
	/* Its processes are of another user. Nothing in it is secret. */
	if (chmod(t->dir, 0755) == -1 || mkdir(etc, 0755) == -1)
		return err_sys(
		    e, EX_CANTCREAT, "cannot make %s", quotes(etc).s);
	if (configure(t, dir, e) == -1 || make_folders(t, e) == -1 ||
	    rewire(t, dir, place, ca, e) == -1 ||
	    put_tables(t, mail, n, e) == -1)
		return -1;
	t->started = true;
	return command(t, "postfix", "start", NULL, e);
}

static void
destroy(struct throwaway *t)
{
	struct err e;

	if (t->started)
		(void)command(t, "postfix", "stop", NULL, &e);
	if (t->dir != NULL)
		(void)nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(t->dir);
	free(t->etc);
}

/* Its processes are there a moment after it has started. */
static void
await_pickup(const struct throwaway *t)
{
	char *path = mem_printf("%s/spool/public/pickup", t->dir);
	int i;

	for (i = 0; i < 100 && access(path, F_OK) == -1; i++)
		(void)usleep(100000);
	free(path);
}

/* One message, which has as many ways. */
static int
send(const struct throwaway *t, size_t n, struct err *e)
{
	const char **argv = mem_zero(n + 6, sizeof(*argv));
	char **to = mem_zero(n, sizeof(*to)), *said;
	size_t i;

	argv[0] = "sendmail";
	argv[1] = "-C";
	argv[2] = t->etc;
	argv[3] = "-f";
	argv[4] = "";
	for (i = 0; i < n; i++)
		argv[i + 5] = to[i] = mem_printf("x@m%zu." DOMAIN, i);
	said = program_ask(argv, "Subject: test\n\ntest\n", TALK, PATIENCE, e);
	for (i = 0; i < n; i++)
		free(to[i]);
	free(to);
	free(argv);
	free(said);
	return said == NULL ? -1 : 0;
}

/* What the log says of each; true: of all. */
static bool
learn(const struct throwaway *t, struct throwaway_mail *mail, size_t n)
{
	char *path = mem_printf("%s/log", t->dir), to[64], *log, *at, *why,
	     *end;
	size_t known = 0, len, i;
	struct err e;

	log = file_slurp(path, LOG_MAX, &len, NULL, &e);
	for (i = 0; i < n && log != NULL; i++) {
		(void)snprintf(to, sizeof(to), ": to=<x@m%zu." DOMAIN ">, ", i);
		if ((at = strstr(log, to)) == NULL ||
		    (end = strchr(at, '\n')) == NULL ||
		    (why = strstr(at, ", status=")) == NULL || why > end)
			continue;
		why += strlen(", status=");
		mail[i].known = true;
		mail[i].sent = strncmp(why, "sent ", 5) == 0;
		span_keep(mail[i].reason, sizeof(mail[i].reason),
		    (struct span){why, (size_t)(end - why)});
		known++;
	}
	free(log);
	free(path);
	return known == n;
}

int
throwaway_run(const char *dir, const struct throwaway_place *place,
    const char *ca, struct throwaway_mail *mail, size_t n, int seconds,
    struct err *e)
{
	static const int later[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT};
	struct throwaway t = {0};
	sigset_t held, before;
	size_t k;
	int rv, i;

	if (geteuid() != 0)
		return err_set(e, EX_NOPERM, "a Postfix is started by root");
	(void)sigemptyset(&held);
	for (k = 0; k < sizeof(later) / sizeof(later[0]); k++)
		(void)sigaddset(&held, later[k]);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	rv = make(&t, dir, place, ca, mail, n, e);
	if (rv == 0) {
		await_pickup(&t);
		rv = send(&t, n, e);
	}
	for (i = 0; rv == 0 && !learn(&t, mail, n) && i < seconds * 10; i++)
		(void)usleep(100000);
	destroy(&t);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return rv;
}
