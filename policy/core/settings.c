#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "diag.h"
#include "dname.h"
#include "err.h"
#include "file.h"
#include "listener.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "quote.h"
#include "say.h"
#include "strength.h"
#include "target.h"

static const char *const opportunistic_choices[] = {
    [OPPORTUNISTIC_MAIN_CF] = "main.cf",
    [OPPORTUNISTIC_MAY] = "may",
    [OPPORTUNISTIC_DANE] = "dane",
    NULL};
static const char *const log_choices[] = {[LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL};

static const char *const warden_choices[] = {"no", "yes", NULL};
static const char *const failing_choices[] = {[OUTBOUND_DUNNO] = "dunno",
    [OUTBOUND_WARN] = "warn",
    [OUTBOUND_DEFER] = "defer",
    [OUTBOUND_REJECT] = "reject",
    NULL};

int
limit_parse(const char *s, struct limit *out)
{
	size_t len = strlen(s);
	char *copy = mem_dup(s);
	int rv;

	out->percent = len > 0 && s[len - 1] == '%';
	if (out->percent)
		copy[len - 1] = '\0';
	rv = num_parse(copy, 0, out->percent ? 100 : UINT32_MAX, &out->n);
	free(copy);
	return rv;
}

static const char *
check_limit(const char *value)
{
	struct limit limit;

	return limit_parse(value, &limit) == 0
		   ? NULL
		   : "is neither a number nor 0% to 100%";
}

static const char *
check_path(const char *value)
{
	return *value == '\0' ? "is empty" : NULL;
}

/* What goes into one word of a header or a command. */
static const char *
check_word(const char *value)
{
	return value[strcspn(value, " \t")] != '\0' ? "holds a blank" : NULL;
}

static const char *
check_operator(const char *value)
{
	return *value == '\0' ? "is empty: nobody would be told"
			      : check_word(value);
}

/* As libunbound takes it: an address, and a port behind "@". */
static const char *
check_resolver(const char *value)
{
	size_t n = strcspn(value, "@");
	char *address = mem_printf("%.*s", (int)n, value);
	bool good = dname_is_address(address);
	uint64_t port;

	free(address);
	if (*value == '\0')
		return NULL;
	if (!good)
		return "is not an address such as 192.0.2.53, 192.0.2.53@5353 "
		       "or 2001:db8::53";
	if (value[n] == '@' && num_parse(value + n + 1, 1, 65535, &port) == -1)
		return "has behind @ no port from 1 to 65535";
	return NULL;
}

static const char *
check_map(const char *value)
{
	size_t n = strlen(value);

	if (strpbrk(value, " \t,{}") != NULL)
		return "holds a blank, a comma or a brace: main.cf could not "
		       "name it";
	/* Postfix adds the suffix to the name that main.cf gives. */
	return n > 4 && strcmp(value + n - 4, ".cdb") == 0 &&
		       value[n - 5] != '/'
		   ? NULL
		   : "does not end in NAME.cdb, which Postfix's cdb: needs";
}

static const char *
check_beside(const char *value)
{
	return *value == '\0' ? NULL : check_map(value);
}

static const char *
check_version(const char *value)
{
	unsigned v;

	return *value == '\0' ? NULL : target_parse_version(value, &v);
}

static const char *
check_socket(const char *value)
{
	return *value == '\0' ? NULL : listener_check(value);
}

static const char *
check_mode(const char *value)
{
	return strlen(value) == 4 && *value == '0' &&
		       strspn(value, "01234567") == 4
		   ? NULL
		   : "is not a mode such as 0660";
}

static const char *
check_absolute(const char *value)
{
	return *value == '\0' || *value == '/' ? NULL : "does not begin with /";
}

static const char *
check_program(const char *value)
{
	return *value == '/' ? NULL : "does not begin with /";
}

#define ITEM(member, name, type, preset, min, max, choices, check)          \
	{                                                                   \
		name, type, offsetof(struct settings, member), preset, min, \
		    max, choices, check                                     \
	}
#define TEXT(name, preset, check) \
	ITEM(name, #name, CONF_TEXT, preset, 0, 0, NULL, check)
#define NUMBER(name, preset, min, max) \
	ITEM(name, #name, CONF_NUMBER, preset, min, max, NULL, NULL)
#define TIME(name, preset, min, max) \
	ITEM(name, #name, CONF_DURATION, preset, min, max, NULL, NULL)
#define CHOICE(name, preset, choices) \
	ITEM(name, #name, CONF_CHOICE, preset, 0, 0, choices, NULL)

/* clang-format off */
static const struct conf_item items[] = {
    TEXT(registry, SYSCONFDIR "/tlspact/registry", check_path),
    TEXT(ledger, "/var/lib/tlspact/ledger.db", check_path),
    TEXT(evidence, "/var/lib/tlspact-evidence/evidence.db", check_path),
    TEXT(map, "/var/lib/tlspact/policy.cdb", check_map),
    TEXT(inbound_map, "", check_beside),
    TEXT(requiretls_map, "", check_beside),
    TEXT(ca_file, "/etc/ssl/certs/ca-certificates.crt", check_path),
    TEXT(postfix_version, "", check_version),
    TEXT(fingerprint_digest, "", NULL),
    CHOICE(opportunistic_level, "main.cf", opportunistic_choices),
    TIME(max_downgrade, "7d", 60, 365 * CLOCK_DAY),
    TEXT(policy_socket, "/var/spool/postfix/tlspact/policy", check_socket),
    TEXT(socketmap_socket, "/var/spool/postfix/tlspact/socketmap",
	check_socket),
    TEXT(mail_log, "/var/log/mail.log", check_path),
    ITEM(operator_, "operator", CONF_TEXT, "postmaster", 0, 0, NULL,
	check_operator),
    TEXT(notify_command, "", NULL),
    TEXT(sendmail, "/usr/sbin/sendmail", check_program),
    TEXT(postfix_config, "", check_absolute),
    TEXT(resolver, "", check_resolver),
    TEXT(trust_anchor, "/usr/share/dns/root.key", NULL),
    NUMBER(smtp_port, "25", 1, 65535),
    TEXT(helo_name, "", check_word),
    TIME(probe_timeout, "30s", 1, 600),
    NUMBER(probe_parallel, "32", 1, 4096),
    TEXT(max_weakened, "10%", check_limit),
    NUMBER(drop_max_partners, "3", 0, 1000000),
    CHOICE(warden, "yes", warden_choices),
    TIME(probe_every, "0", 0, 7 * CLOCK_DAY),
    TIME(keep, "400d", 0, 3650 * CLOCK_DAY),
    CHOICE(log_level, "info", log_choices),
    CHOICE(outbound_failing, "dunno", failing_choices),
    TEXT(service_user, "tlspact", NULL),
    TEXT(probe_user, "_tlsprobe", NULL),
    TEXT(log_user, "_tlslog", NULL),
    TEXT(socket_group, "postfix", NULL),
    TEXT(socket_mode, "0660", check_mode),
    NUMBER(max_clients, "10000", 1, 1000000),
    TIME(client_timeout, "30s", 1, 3600),
    TEXT(metrics_file, "", check_absolute),
    TIME(metrics_interval, "15s", 1, 3600),
    TEXT(compile_command, "", check_absolute),
};
/* clang-format on */

void
settings_option(struct settings_options *o, const char *assignment)
{
	o->override =
	    mem_grow(o->override, o->n, &o->cap, sizeof(*o->override));
	o->override[o->n++] = assignment;
}

/* Two maps in one folder have tables of their own beside them. */
static void
name_beside(const struct settings *s, char **table, const char *what)
{
	if (**table != '\0')
		return;
	free(*table);
	*table =
	    mem_printf("%.*s-%s.cdb", (int)strlen(s->map) - 4, s->map, what);
}

/* Not there: defaults do. All else that cannot be read is a fault. */
static bool
is_missing(const char *file)
{
	return access(file, F_OK) == -1 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

int
settings_load(struct settings *s, struct settings_options *o,
    const char *fallback, struct diags *d, struct err *e)
{
	const char *file = o->file != NULL ? o->file : fallback;
	struct conf_source from = {.file = file,
	    .option = "-o",
	    .override = o->override,
	    .noverrides = o->n};
	int rv = 0;

	memset(s, 0, sizeof(*s));
	s->conf = (struct conf){items, sizeof(items) / sizeof(items[0]), s};
	from.text = file_slurp(file, CONF_FILE_MAX, &from.len, NULL, e);
	if (from.text == NULL && (o->file != NULL || !is_missing(file)))
		rv = -1;
	conf_read(&s->conf, &from, d);
	free(from.text);
	free(o->override);
	o->override = NULL;
	if (o->postfix != NULL) {
		free(s->postfix_config);
		s->postfix_config = mem_dup(o->postfix);
	}
	name_beside(s, &s->inbound_map, "inbound");
	name_beside(s, &s->requiretls_map, "requiretls");
	return d->errors > 0 ? -1 : rv;
}

int
settings_read(struct settings *s, struct settings_options *o, struct diags *d)
{
	struct err e;

	if (settings_load(s, o, SYSCONFDIR SETTINGS_FILE, d, &e) == 0)
		return EX_OK;
	say_diags(d, true);
	if (d->errors > 0)
		return EX_CONFIG;
	say_err(&e);
	return e.code;
}

void
settings_free(struct settings *s)
{
	conf_free(&s->conf);
}

const char *
settings_postfix(const struct settings *s)
{
	return *s->postfix_config == '\0' ? NULL : s->postfix_config;
}

void
settings_level(const struct settings *s, struct target *t)
{
	struct err e;
	char *level = postconf_ask(
	    settings_postfix(s), "-xh", "smtp_tls_security_level", &e);

	target_take_level(t, level);
	free(level);
}

int
settings_target(
    const struct settings *s, unsigned need, struct target *t, struct err *e)
{
	char *version = NULL, *digest = NULL;
	const char *v = s->postfix_version, *dg = s->fingerprint_digest, *bad;
	int rv = -1;

	t->opportunistic = (enum opportunistic)s->opportunistic_level;
	*t->main_level = '\0';
	/* The version is compiled in: -d needs no main.cf. */
	if (*v == '\0' && (v = version = postconf_ask(
			       NULL, "-dh", "mail_version", e)) == NULL)
		goto out;
	if ((bad = target_parse_version(v, &t->version)) != NULL) {
		err_set(
		    e, EX_CONFIG, "postfix_version %s %s", quotes(v).s, bad);
		goto out;
	}
	if ((need & SETTINGS_DIGEST) && *dg == '\0' &&
	    (dg = digest = postconf_ask(settings_postfix(s), "-xh",
		 "smtp_tls_fingerprint_digest", e)) == NULL)
		goto out;
	t->sha256 = strcmp(dg, "sha256") == 0;
	if (need & SETTINGS_LEVEL)
		settings_level(s, t);
	rv = 0;
out:
	if (rv == -1 && e->code == EX_UNAVAILABLE) {
		size_t n = strlen(e->text);

		(void)strncat(e->text,
		    "; set postfix_version and fingerprint_digest to do "
		    "without it",
		    sizeof(e->text) - n - 1);
	}
	free(version);
	free(digest);
	return rv;
}

bool
settings_dane(const struct settings *s)
{
	struct target t;

	if (s->opportunistic_level != OPPORTUNISTIC_MAIN_CF)
		return s->opportunistic_level == OPPORTUNISTIC_DANE;
	settings_level(s, &t);
	return strcmp(t.main_level, "dane") == 0;
}
