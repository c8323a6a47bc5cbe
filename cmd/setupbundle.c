#include "setupbundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "cdbmap.h"
#include "clock.h"
#include "common.h"
#include "conf.h"
#include "diag.h"
#include "err.h"
#include "file.h"
#include "ledger.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "program.h"
#include "redact.h"
#include "registry.h"
#include "report.h"
#include "say.h"
#include "settings.h"

#define EVENTS 200	     /* of the record, the last ones */
#define DAYS 7		     /* that its state is told of */
#define TEXT_MAX (256 << 10) /* bytes of what a program says */
#define FILE_MAX (16u << 20) /* of a file of the registry */
#define FILES_MAX 64

struct bundle {
	const struct settings *set;
	struct redact *redact;
	struct archive *tar;
	bool failed; /* a member was not written, or not all of it */
	time_t now;
	struct registry *registry; /* NULL: it cannot be used */
};

/* --- Its members -----------------------------------------------------------
 */

static void
put_member(struct bundle *b, const char *name, const struct buf *text)
{
	struct archive_entry *e = archive_entry_new();
	char *path = mem_printf("tlspact-bundle/%s", name);

	archive_entry_set_pathname(e, path);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_mtime(e, b->now, 0);
	archive_entry_set_size(e, (la_int64_t)text->len);
	if (archive_write_header(b->tar, e) != ARCHIVE_OK ||
	    archive_write_data(b->tar, text->data, text->len) !=
		(la_ssize_t)text->len)
		b->failed = true;
	archive_entry_free(e);
	free(path);
}

/* The same, all names in it being replaced. Empties the text. */
static void
put_text(struct bundle *b, const char *name, struct buf *raw)
{
	struct buf text = {0};

	buf_puts(raw, "");
	redact_text(b->redact, raw->data, &text);
	put_member(b, name, &text);
	buf_free(&text);
	buf_free(raw);
}

static void
put_about(struct bundle *b, bool names)
{
	struct buf text = {0};

	buf_printf(&text,
	    "A support bundle of tlspact.\n\nThere are no keys, no "
	    "passwords, no addresses of mail and no IP addresses\nin it; "
	    "contacts, notes, reasons and pins were taken out.\n%s",
	    names ? "Names of partners, domains and hosts are the real ones.\n"
		  : "Names of partners, their domains and hosts are others, "
		    "the same ones in each\nbundle of this machine.\n");
	put_member(b, "about.txt", &text);
	buf_free(&text);
}

static void
put_versions(struct bundle *b)
{
	char *postfix, *os = NULL;
	struct buf text = {0};
	struct utsname u;
	struct err e;
	size_t len;

	buf_printf(&text, "tlspact %s\n%s\nSQLite %s\njansson %s\n%s\n",
	    VERSION, OpenSSL_version(OPENSSL_VERSION), sqlite3_libversion(),
	    JANSSON_VERSION, archive_version_string());
	postfix =
	    postconf_ask(settings_postfix(b->set), "-h", "mail_version", &e);
	buf_printf(&text, "Postfix %s\n", postfix == NULL ? e.text : postfix);
	if (uname(&u) == 0)
		buf_printf(
		    &text, "%s %s %s\n", u.sysname, u.release, u.machine);
	os = file_slurp("/etc/os-release", 65536, &len, NULL, &e);
	if (os != NULL)
		buf_printf(&text, "%.*s\n", (int)strcspn(os, "\n"), os);
	put_text(b, "versions.txt", &text);
	free(postfix);
	free(os);
}

/* Lines `name = value`, without those that may hold what is secret. */
static void
put_lines(struct bundle *b, const char *member, char *from,
    bool (*wanted)(const char *name))
{
	char *save = NULL, *line, *end;
	struct buf text = {0};

	for (line = strtok_r(from, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		end = line + strcspn(line, " =");
		if (*end == '\0')
			continue;
		*end = '\0';
		if (strcasestr(end + 1, "passw") != NULL ||
		    strstr(end + 1, "://") != NULL)
			buf_printf(&text, "%s = (removed)\n", line);
		else if (wanted(line))
			buf_printf(&text, "%s %s\n", line, end + 1);
	}
	put_text(b, member, &text);
}

static bool
is_setting(const char *name)
{
	return strcmp(name, "notify_command") != 0 &&
	       strcmp(name, "operator") != 0;
}

static bool
is_parameter(const char *name)
{
	static const char *const more[] = {"compatibility_level",
	    "config_directory", "inet_protocols", "mail_version",
	    "maillog_file", "queue_directory", "relayhost", "transport_maps",
	    "smtpd_recipient_restrictions", "smtpd_relay_restrictions",
	    "smtpd_restriction_classes", "smtputf8_enable", "tlspact_dead",
	    "tlspact_bounce"};
	size_t i;

	if (strstr(name, "sasl") != NULL)
		return false;
	for (i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (strcmp(name, more[i]) == 0)
			return true;
	return strstr(name, "tls") != NULL;
}

static void
put_postfix(struct bundle *b)
{
	const char *dir = settings_postfix(b->set);
	struct postconf c = {0};
	struct buf text = {0};
	struct err e;
	char *all =
	    postfix_read("postconf", dir, "-n", NULL, TEXT_MAX, 10000, &e);
	size_t i;

	if (all != NULL)
		put_lines(b, "main.cf.txt", all, is_parameter);
	free(all);
	if (postconf_read(&c, dir, true, &e) == 0)
		for (i = 0; i < c.nservices; i++)
			buf_printf(&text, "%s %c %s\n", c.service[i].name,
			    c.service[i].chroot, c.service[i].command);
	else
		buf_printf(&text, "%s\n", e.text);
	put_text(b, "master.cf.txt", &text);
	postconf_release(&c);
}

/* --- Registry, map, record ---------------------------------------------------
 */

static void
put_registry_file(struct bundle *b, const char *path, size_t which)
{
	struct buf text = {0};
	char member[32];
	struct err e;
	size_t len;
	char *raw = file_slurp(path, FILE_MAX, &len, NULL, &e);

	(void)snprintf(member, sizeof(member), "registry-%zu.txt", which);
	if (raw == NULL) {
		buf_printf(&text, "%s\n", e.text);
		put_text(b, member, &text);
		return;
	}
	buf_puts(&text, "");
	redact_registry(b->redact, raw, len, &text);
	put_member(b, member, &text);
	buf_free(&text);
	free(raw);
}

/* First of all, since it tells the names. */
static void
put_registry(struct bundle *b)
{
	struct diags d = {0};
	struct err e;
	size_t i;

	b->registry = registry_load(b->set->registry, b->now, &d, &e);
	diag_free(&d);
	if (b->registry == NULL)
		put_registry_file(b, b->set->registry, 0);
	for (i = 0;
	     b->registry != NULL && i < b->registry->nfiles && i < FILES_MAX;
	     i++)
		put_registry_file(
		    b, registry_file(b->registry, (uint32_t)i), i);
}

/* Domains that the registry has no more, or cannot tell, are in the map. */
static void
learn_map(struct bundle *b)
{
	const char *key, *value;
	size_t klen, vlen;
	struct err e;
	struct cdbmap *m = cdbmap_open(b->set->map, &e);
	unsigned pos = 0;

	while (m != NULL &&
	       cdbmap_next(m, &pos, &key, &klen, &value, &vlen) == CDBMAP_FOUND)
		if (klen > 0)
			redact_learn_host(b->redact, key + (*key == ' '),
			    klen - (*key == ' '));
	cdbmap_close(m);
}

static void
put_partner(struct bundle *b, const struct report *r,
    const struct report_partner *p, struct buf *out)
{
	const struct report_gateway *w;
	size_t i;

	redact_partner(b->redact, p->name, out);
	buf_printf(out, ": %s, asked for %s, in force %s; %zu downgrades\n",
	    report_state_name(p->state), level_name(p->full),
	    p->level_known ? level_name(p->level) : "not known",
	    p->ndowngrades);
	for (i = 0; i < p->ngateways; i++) {
		w = &p->gateway[i];
		buf_puts(out, "  ");
		redact_text(b->redact, w->host, out);
		buf_printf(out, " %s %s, looked at %ld s ago: %s, %s, %s\n",
		    report_state_name(w->state), w->fault,
		    (long)(r->now - w->time), w->protocol, w->cipher,
		    w->exchange);
	}
}

static void
put_status(struct bundle *b)
{
	const time_t today = b->now - b->now % CLOCK_DAY;
	struct report_ask ask = {.set = b->set,
	    .registry = b->registry,
	    .from = today - DAYS * (time_t)CLOCK_DAY,
	    .to = today + CLOCK_DAY,
	    .now = b->now,
	    .version = VERSION};
	char when[NUM_TIME_MAX];
	struct buf text = {0};
	struct report r = {0};
	struct err e;
	size_t i;

	if (report_read(&r, &ask, &e) == -1) {
		redact_text(b->redact, e.text, &text);
		buf_putc(&text, '\n');
	} else {
		buf_printf(&text, "map of %s %s\n",
		    r.map_time == 0 ? "-" : num_time_text(r.map_time, when),
		    r.map_fault);
		buf_printf(&text, "%" PRIu64 " of %" PRIu64 " hours have log\n",
		    r.hours_read, r.hours);
		buf_printf(&text, "record: %" PRId64 " events, %zu flaws\n",
		    r.head.count, r.flaws);
		for (i = 0; i < r.nanswers; i++)
			buf_printf(&text, "%s %s %s\n",
			    report_state_name(r.answer[i].state),
			    r.answer[i].question, r.answer[i].answer);
		for (i = 0; i < r.npartners; i++)
			put_partner(b, &r, &r.partner[i], &text);
	}
	put_member(b, "status.txt", &text);
	buf_free(&text);
	report_free(&r);
}

struct events {
	struct bundle *b;
	struct buf text;
};

/* What people wrote is not told. */
static bool
take_event(const struct ledger_event *ev, void *arg)
{
	struct events *to = arg;
	char when[NUM_TIME_MAX];

	buf_printf(&to->text, "%" PRId64 " %s %s ", ev->seq,
	    num_time_text(ev->time, when), ev->kind);
	redact_partner(to->b->redact, ev->partner, &to->text);
	buf_putc(&to->text, '\n');
	return true;
}

static void
put_events(struct bundle *b)
{
	const struct ledger_event_query q = {
	    .newest_first = true, .limit = EVENTS};
	struct events to = {.b = b};
	struct ledger *l;
	struct err e;

	buf_puts(&to.text, "");
	l = ledger_open(b->set->ledger, LEDGER_READ, &e);
	if (l == NULL || ledger_events(l, &q, take_event, &to, &e) == -1)
		redact_text(b->redact, e.text, &to.text);
	ledger_close(l);
	put_member(b, "events.txt", &to.text);
	buf_free(&to.text);
}

static void
put_units(struct bundle *b)
{
	static const char *const argv[] = {"systemctl", "show", "-p",
	    "Id,LoadState,ActiveState,SubState,Result,NRestarts,"
	    "UnitFileState",
	    "tlspactd.socket", "tlspactd.service", "tlspactd-warden.service",
	    "tlspact-compile.timer", "tlspact-compile.service",
	    "tlspact-probe.timer", "tlspact-probe.service",
	    "tlspact-setup.timer", "tlspact-log.service", NULL};
	struct buf text = {0};
	struct err e;
	char *said = program_read(argv, TEXT_MAX, 10000, &e);

	buf_puts(&text, said == NULL ? e.text : said);
	buf_putc(&text, '\n');
	put_text(b, "units.txt", &text);
	free(said);
}

/* --- The file ---------------------------------------------------------------
 */

/*
 * Of this machine, the same each time, and not in the bundle; else one that is
 * made up now.
 */
static char *
find_secret(void)
{
	unsigned char random[16];
	struct buf hex = {0};
	struct err e;
	size_t len, i;
	char *id = file_slurp("/etc/machine-id", 4096, &len, NULL, &e);

	if (id != NULL && len >= 32)
		return id;
	free(id);
	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	for (i = 0; i < sizeof(random); i++)
		buf_printf(&hex, "%02x", random[i]);
	return buf_take(&hex);
}

static void
put_all(struct bundle *b, bool names, const char *check)
{
	struct buf text = {0}, settings = {0};

	put_about(b, names);
	put_registry(b);
	learn_map(b);
	put_versions(b);
	conf_print(&b->set->conf, &settings);
	put_lines(b, "settings.txt", settings.data, is_setting);
	buf_free(&settings);
	put_postfix(b);
	buf_puts(&text, check);
	put_text(b, "check.txt", &text);
	put_status(b);
	put_events(b);
	put_units(b);
}

int
setupbundle_write(
    const struct settings *s, const char *path, bool names, const char *check)
{
	struct bundle b = {.set = s, .now = time(NULL)};
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char *secret;
	struct err e;
	bool well;

	if (fd == -1) {
		(void)err_sys(&e, EX_CANTCREAT, "cannot make %s", path);
		return common_failed(&e);
	}
	secret = names ? NULL : find_secret();
	b.redact = redact_new(secret);
	if ((b.tar = archive_write_new()) == NULL)
		abort();
	well = archive_write_set_format_ustar(b.tar) == ARCHIVE_OK &&
	       archive_write_open_fd(b.tar, fd) == ARCHIVE_OK;
	if (well)
		put_all(&b, names, check);
	well = archive_write_close(b.tar) == ARCHIVE_OK && well && !b.failed &&
	       fsync(fd) == 0;
	(void)archive_write_free(b.tar);
	(void)close(fd);
	redact_free(b.redact);
	registry_free(b.registry);
	free(secret);
	if (well)
		return EX_OK;
	(void)unlink(path);
	say("cannot write %s", path);
	return EX_IOERR;
}
