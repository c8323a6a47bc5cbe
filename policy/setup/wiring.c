#include "wiring.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cdbmap.h"
#include "inboundmap.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "quote.h"
#include "strength.h"
#include "target.h"
#include "wiring_ask.h"
#include "wiring_priv.h"

const char *const wiring_parameters[] = {
    "authorized_flush_users",
    "authorized_submit_users",
    "command_directory",
    "mail_owner",
    "mail_version",
    "maillog_file",
    "compatibility_level",
    "inet_interfaces",
    "queue_directory",
    "relayhost",
    "sender_dependent_relayhost_maps",
    "smtp_dns_support_level",
    "smtp_fallback_relay",
    "smtp_tls_CAfile",
    "smtp_tls_CApath",
    "smtp_tls_fingerprint_digest",
    "smtp_tls_loglevel",
    "smtp_tls_policy_maps",
    "smtp_tls_security_level",
    "smtp_tls_session_cache_database",
    "smtpd_client_restrictions",
    "smtpd_data_restrictions",
    "smtpd_delay_reject",
    "smtpd_end_of_data_restrictions",
    "smtpd_etrn_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_policy_service_default_action",
    "smtpd_policy_service_timeout",
    "smtpd_recipient_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_restriction_classes",
    "smtpd_sender_restrictions",
    "smtpd_tls_CAfile",
    "smtpd_tls_CApath",
    "smtpd_tls_ask_ccert",
    "smtpd_tls_cert_file",
    "smtpd_tls_chain_files",
    "smtpd_tls_dcert_file",
    "smtpd_tls_eccert_file",
    "smtpd_tls_fingerprint_digest",
    "smtpd_tls_loglevel",
    "smtpd_tls_received_header",
    "smtpd_tls_req_ccert",
    "smtpd_tls_security_level",
    "smtpd_upstream_proxy_protocol",
    "tls_append_default_CA",
    "tls_required_enable",
    "tls_trust_server_ccerts",
    INBOUNDMAP_CLASS,
    INBOUNDMAP_BOUNCE,
    "smtputf8_enable",
    "transport_maps",
    NULL,
};

static void
add_tafile(struct map_facts *f, const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < f->ntafiles; i++)
		if (strlen(f->tafile[i]) == len &&
		    memcmp(f->tafile[i], path, len) == 0)
			return;
	f->tafile = mem_grow(
	    f->tafile, f->ntafiles, &f->tafile_cap, sizeof(*f->tafile));
	f->tafile[f->ntafiles++] = mem_printf("%.*s", (int)len, path);
}

static void
read_row(struct map_facts *f, const char *text, size_t len)
{
	const char *p = text, *end = text + len, *word;
	bool files = false;
	enum level level;

	f->rows++;
	for (; p < end; p++) {
		word = p;
		while (p < end && *p != ' ')
			p++;
		if (p - word > 7 && memcmp(word, "tafile=", 7) == 0) {
			add_tafile(f, word + 7, (size_t)(p - word) - 7);
			files = true;
		}
	}
	if (len >= 4 && memcmp(text, "dane", 4) == 0)
		f->dane++;
	else if (strength_level(text, len, &level) && level == LEVEL_KEY)
		f->pinned++;
	else if (strength_level(text, len, &level) && level == LEVEL_SECURE &&
		 !files)
		f->system_ca++;
}

/* The inbound rule of the row `key`, from its record or from itself. */
static void
read_inbound(struct map_facts *f, struct cdbmap *map, const char *key,
    size_t klen, const char *text, size_t len)
{
	struct buf name = {0};
	struct maprecord rec;
	enum level level;
	const char *value;
	size_t vlen;

	buf_puts(&name, MAPRECORD_DOMAIN);
	buf_add(&name, key, klen);
	if (cdbmap_get(map, name.data, name.len, &value, &vlen) !=
		CDBMAP_FOUND ||
	    !maprecord_parse(&rec, value, vlen))
		maprecord_of_policy(&rec, text, len);
	buf_free(&name);
	if (rec.until == 0 && strength_level(text, len, &level)) {
		f->may += level == LEVEL_OPPORTUNISTIC && *text != 'd';
		f->encrypt += level == LEVEL_ENCRYPT;
	}
	f->inbound += rec.inbound != INBOUND_OFF;
	f->ask_name += rec.inbound != INBOUND_OFF && rec.verify == INBOUND_NAME;
	f->ask_key += rec.inbound != INBOUND_OFF && rec.verify == INBOUND_KEY;
	maprecord_release(&rec);
}

/* Rows that are lowered for longer than the map itself says. */
static void
read_over(struct map_facts *f, struct cdbmap *map, time_t now)
{
	struct mapraise how = {.now = now};
	struct arena a = {0};
	struct override *v;

	how.nholds = mapraise_lowered(map, &a, &v);
	how.hold = v;
	mapraise_look(map, &how, &f->over);
	free(v);
	arena_free(&a);
}

void
map_facts_read(struct map_facts *f, struct cdbmap *map, time_t now)
{
	const char *key, *value;
	struct mapheader h;
	enum cdbmap_answer a;
	size_t klen, vlen;
	unsigned pos = 0;

	while ((a = cdbmap_next(map, &pos, &key, &klen, &value, &vlen)) ==
	       CDBMAP_FOUND) {
		if (klen == sizeof(MAPHEADER_KEY) - 1 &&
		    memcmp(key, MAPHEADER_KEY, klen) == 0 &&
		    mapheader_parse(&h, value, vlen))
			f->postfix = h.postfix;
		if (klen == 0 || key[0] == ' ')
			continue;
		read_row(f, value, vlen);
		if (key[0] != '[')
			read_inbound(f, map, key, klen, value, vlen);
	}
	f->damaged = a == CDBMAP_BROKEN;
	read_over(f, map, now);
}

void
map_facts_release(struct map_facts *f)
{
	size_t i;

	for (i = 0; i < f->ntafiles; i++)
		free(f->tafile[i]);
	free(f->tafile);
	*f = (struct map_facts){0};
}

void
findings_release(struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->v[i].where);
		free(f->v[i].what);
		free(f->v[i].fix);
	}
	free(f->v);
	*f = (struct findings){0};
}

const char *
wiring_get(const struct client *k, const char *name)
{
	const char *v = postconf_get(k->c, k->service, name);

	return v == NULL ? "" : v;
}

/* The fix, told to the Postfix that was looked at. The caller frees it. */
static char *
fix_there(const struct postconf *c, const char *fix)
{
	static const char begin[] = "postconf ";
	size_t n = sizeof(begin) - 1;

	if (c->dir == NULL || strncmp(fix, begin, n) != 0)
		return mem_dup(fix);
	return mem_printf("%s-c %s %s", begin, c->dir, fix + n);
}

/*
 * postconf -e never reaches an -o option of master.cf, and what is right for
 * one service may open another: such a fix is for postconf -P.
 */
static char *
fix_for(const struct client *k, const char *fix)
{
	static const char begin[] = "postconf -e '";
	const char *name = fix + sizeof(begin) - 1, *equals, *value, *end;
	char *param, *text, *bare, *out = NULL;

	if (k->service == NULL || strncmp(fix, begin, sizeof(begin) - 1) != 0 ||
	    (equals = strstr(name, " =")) == NULL ||
	    (end = strchr(equals, '\'')) == NULL)
		return mem_dup(fix);
	param = mem_printf("%.*s", (int)(equals - name), name);
	if (postconf_overrides(k->c, k->service, param)) {
		value = equals + 2 + (equals[2] == ' ');
		text = mem_printf("%.*s", (int)(end - value), value);
		bare = asking_without_blanks(text);
		out = mem_printf("postconf -P '%s/%s=%s'%s", k->service, param,
		    bare, end + 1);
		free(bare);
		free(text);
	}
	free(param);
	return out == NULL ? mem_dup(fix) : out;
}

/* The same of another service: name this one, too. */
static bool
is_joined(const struct client *k, struct finding *f, const struct finding *new)
{
	size_t n = strlen(f->where);
	char *where;

	if (strcmp(f->what, new->what) != 0 || strcmp(f->fix, new->fix) != 0)
		return false;
	if (k->service == NULL || f->where[n - 1] != ')')
		return true; /* main.cf alone led to it */
	where = mem_printf("%.*s, %s)", (int)n - 1, f->where, k->service);
	free(f->where);
	f->where = where;
	return true;
}

/* Add a finding, or a service to one that is there. */
void
wiring_found(struct client *k, enum finding_kind kind, const char *where,
    const char *fix, const char *fmt, ...)
{
	struct findings *out = k->out;
	struct finding f = {.kind = kind};
	va_list ap;
	char *mend;
	size_t i;

	va_start(ap, fmt);
	if (vasprintf(&f.what, fmt, ap) < 0)
		abort();
	va_end(ap);
	mend = fix_for(k, fix);
	f.fix = fix_there(k->c, mend);
	free(mend);
	for (i = 0; i < out->n; i++)
		if (is_joined(k, &out->v[i], &f)) {
			free(f.what);
			free(f.fix);
			return;
		}
	f.where = k->service == NULL ? mem_dup(where)
				     : mem_printf("%s (%s)", where, k->service);
	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	out->v[out->n++] = f;
	out->faults += kind == FINDING_FAULT;
}

static void
check_order(struct client *k)
{
	const char *list = wiring_get(k, "smtp_tls_policy_maps"), *rest = list;
	char *ours = wiring_table_of(k->map->path), *table;
	struct buf fix = {0};
	size_t place = 0, at = 0;
	char *first = NULL;
	bool live = false;

	buf_printf(&fix, "postconf -e 'smtp_tls_policy_maps = %s", ours);
	while (*rest != '\0') {
		table = wiring_first_word(rest, &rest);
		place++;
		if (!wiring_is_our_table(table, ours))
			buf_printf(&fix, ", %s", table);
		else if (at == 0)
			at = place;
		if (place == 1) {
			free(first);
			first = mem_dup(table);
			live = wiring_is_our_socketmap(k, table);
		}
		free(table);
	}
	buf_putc(&fix, '\'');
	if (live)
		wiring_check_socketmap(k, first, at);
	else if (at == 0)
		wiring_found(k, FINDING_FAULT, "smtp_tls_policy_maps", fix.data,
		    "%s is not in smtp_tls_policy_maps: no partner rule is "
		    "obeyed",
		    ours);
	else if (at > 1)
		wiring_found(k, FINDING_FAULT, "smtp_tls_policy_maps", fix.data,
		    "%s comes as number %zu: an earlier table can answer "
		    "first, and an error in it defers mail",
		    ours, at);
	if (at != 0 && !postconf_has_table(k->c, "cdb"))
		wiring_found(k, FINDING_FAULT, "smtp_tls_policy_maps",
		    "apt-get install postfix-cdb",
		    "this Postfix cannot read cdb: tables: every lookup "
		    "fails and all mail is deferred");
	buf_free(&fix);
	free(first);
	free(ours);
}

static bool
is_weaker(const char *row, const char *level)
{
	return strength_compare(level, strlen(level), row, strlen(row)) ==
	       CHANGE_WEAKER;
}

static void
check_level(struct client *k)
{
	const char *level = wiring_get(k, "smtp_tls_security_level");
	size_t weak = 0;

	if (is_weaker("may", level))
		weak += k->map->may;
	if (is_weaker("encrypt", level))
		weak += k->map->encrypt;

	if (*level == '\0' || strcmp(level, "none") == 0)
		wiring_found(k, FINDING_FAULT, "smtp_tls_security_level",
		    "postconf -e 'smtp_tls_security_level = may'",
		    "smtp_tls_security_level is %s: mail to everybody who "
		    "has no row goes in clear text",
		    *level == '\0' ? "empty" : level);
	else if (weak > 0)
		wiring_found(k, FINDING_NOTE, "smtp_tls_security_level",
		    "set opportunistic_level = main.cf, and see verify=none in "
		    "the registry; then tlspact-compile",
		    "smtp_tls_security_level is %s, and %zu row%s of the map "
		    "%s weaker: to these partners mail is sent with less than "
		    "to strangers",
		    level, weak, weak == 1 ? "" : "s",
		    weak == 1 ? "is" : "are");
}

static void
check_ca(struct client *k)
{
	const char *file = wiring_get(k, "smtp_tls_CAfile");
	const char *path = wiring_get(k, "smtp_tls_CApath");
	struct buf fix = {0};
	int why;

	buf_printf(&fix, "postconf -e 'smtp_tls_CAfile = %s'", k->map->ca_file);
	if (*file == '\0' && *path == '\0') {
		if (strcmp(wiring_get(k, "tls_append_default_CA"), "yes") == 0)
			goto out;
		wiring_found(k,
		    k->map->system_ca > 0 || k->map->fault != NULL
			? FINDING_FAULT
			: FINDING_NOTE,
		    "smtp_tls_CAfile", fix.data,
		    "no CA is trusted (smtp_tls_CAfile and smtp_tls_CApath "
		    "are empty): mail to enforced partners is held");
		goto out;
	}
	if (*file != '\0' && (why = k->readable(file, NULL)) != 0)
		wiring_found(k, FINDING_FAULT, "smtp_tls_CAfile", fix.data,
		    "%s: %s: Postfix switches TLS off, opportunistic mail "
		    "goes in clear text and enforced mail is held",
		    quotes(file).s, strerror(why));
	if (*file == '\0' && (why = k->readable(path, NULL)) != 0)
		wiring_found(k, FINDING_FAULT, "smtp_tls_CApath", fix.data,
		    "%s: %s: no CA is trusted and mail to enforced partners "
		    "is held",
		    quotes(path).s, strerror(why));
out:
	buf_free(&fix);
}

static void
check_digest(struct client *k)
{
	const char *digest = wiring_get(k, "smtp_tls_fingerprint_digest");

	if (strcmp(digest, "sha256") == 0)
		return;
	wiring_found(k, k->map->pinned > 0 ? FINDING_FAULT : FINDING_NOTE,
	    "smtp_tls_fingerprint_digest",
	    "postconf -e 'smtp_tls_fingerprint_digest = sha256'",
	    "smtp_tls_fingerprint_digest is %s: pinned keys (SHA-256) match "
	    "nothing and their mail is held",
	    *digest == '\0' ? "empty" : digest);
}

static void
check_session_cache(struct client *k)
{
	const char *cache = wiring_get(k, "smtp_tls_session_cache_database");

	if (*cache != '\0')
		wiring_found(k, FINDING_FAULT,
		    "smtp_tls_session_cache_database",
		    "postconf -e 'smtp_tls_session_cache_database ='",
		    "the client's TLS session cache is on (%s): resumed "
		    "sessions are not matched against changed names",
		    cache);
}

static void
check_dane(struct client *k)
{
	if (k->map->dane > 0 &&
	    strcmp(wiring_get(k, "smtp_dns_support_level"), "dnssec") != 0)
		wiring_found(k, FINDING_FAULT, "smtp_dns_support_level",
		    "postconf -e 'smtp_dns_support_level = dnssec', with a "
		    "validating resolver on this host",
		    "%zu row%s for DANE, and smtp_dns_support_level is not "
		    "dnssec: dane-only mail is held, dane falls to may",
		    k->map->dane, k->map->dane == 1 ? " asks" : "s ask");
}

static void
check_chroot(struct client *k)
{
	const char *root = wiring_get(k, "queue_directory");
	/* Read anew for each delivery, when root's rights are gone. */
	const char *owner = wiring_get(k, "mail_owner");
	size_t i;
	char *path;
	int why;

	for (i = 0; i < k->map->ntafiles; i++) {
		why = k->readable(k->map->tafile[i], owner);
		if (why != 0)
			wiring_found(k, FINDING_FAULT, k->map->tafile[i],
			    "put the file back, or correct ca= in the "
			    "registry",
			    "CA file of a partner: %s", strerror(why));
		if (!k->chrooted)
			continue;
		path = mem_printf("%s%s", root, k->map->tafile[i]);
		why = k->readable(path, owner);
		if (why != 0)
			wiring_found(k, FINDING_FAULT, path,
			    "copy the CA file to that path, or take the "
			    "service out of the chroot (n in master.cf)",
			    "%s: %s: the service is chrooted and reads CA "
			    "files of partners (tafile=) inside %s",
			    path, strerror(why), root);
		free(path);
	}
}

static void
check_log(struct client *k)
{
	if (strcmp(wiring_get(k, "smtp_tls_loglevel"), "0") == 0)
		wiring_found(k, FINDING_NOTE, "smtp_tls_loglevel",
		    "postconf -e 'smtp_tls_loglevel = 1'",
		    "smtp_tls_loglevel is 0: the log does not show which "
		    "mail was encrypted");
}

/* Ways for mail to a partner to leave without its row being asked for. */
static void
check_bypass(struct client *k)
{
	static const char *const relays[] = {
	    "relayhost", "sender_dependent_relayhost_maps"};
	bool routed = *wiring_get(k, "transport_maps") != '\0';
	const char *v;
	size_t i;

	for (i = 0; i < 2; i++)
		if (*(v = wiring_get(k, relays[i])) != '\0')
			wiring_found(k, routed ? FINDING_NOTE : FINDING_FAULT,
			    relays[i],
			    "send partners' domains by transport_maps "
			    "(`smtp:domain'), or enforce on the relay",
			    "%s is %s: Postfix asks the map for that host, "
			    "not for the partner's domain",
			    relays[i], quotes(v).s);
	v = wiring_get(k, "smtputf8_enable");
	if (strcmp(v, "yes") == 0 &&
	    strstr(wiring_get(k, "smtp_tls_policy_maps"), "socketmap:") == NULL)
		wiring_found(k, FINDING_NOTE, "smtputf8_enable",
		    "postconf -e 'smtputf8_enable = no', or let tlspactd "
		    "answer (socketmap)",
		    "smtputf8_enable is yes: a sender who spells a partner's "
		    "domain in other letters that mean the same (full width, "
		    "decomposed) goes by its row");
}

/* Mail that cannot be delivered to a partner must not go elsewhere. */
static void
check_fallback(struct client *k)
{
	const char *v = wiring_get(k, "smtp_fallback_relay");

	if (*v != '\0')
		wiring_found(k, FINDING_FAULT, "smtp_fallback_relay",
		    "postconf -e 'smtp_fallback_relay ='",
		    "smtp_fallback_relay is %s: mail that an enforced partner "
		    "cannot get safely goes there, under the rules for that "
		    "host",
		    quotes(v).s);
}

unsigned
wiring_version(const struct postconf *c)
{
	const char *text = postconf_get(c, NULL, "mail_version");
	unsigned is = 0;

	return text != NULL && target_parse_version(text, &is) == NULL ? is : 0;
}

/* What holds for the whole of Postfix. */
/* Downgrades, as Postfix sees them. */
static void
check_over(struct client *k)
{
	char when[NUM_TIME_MAX];

	if (k->map->over.rows > 0)
		wiring_found(k, FINDING_FAULT, k->map->path,
		    "run tlspact-compile, and have it run each minute",
		    "%zu row%s of %s lowered, and the time is up: nobody runs "
		    "tlspact-compile, or it cannot write",
		    k->map->over.rows, k->map->over.rows == 1 ? "" : "s",
		    k->map->over.names);
	if (k->map->over.left > 0)
		wiring_found(k, FINDING_NOTE, k->map->path,
		    "see tlspactctl status",
		    "%zu row%s lowered, the first until %s", k->map->over.left,
		    k->map->over.left == 1 ? " is" : "s are",
		    num_time_text(k->map->over.expires, when));
}

static void
check_main(struct client *k)
{
	const char *version = wiring_get(k, "mail_version"), *bad;
	unsigned is = 0;

	if (k->map->fault != NULL)
		wiring_found(k, FINDING_FAULT, k->map->path,
		    "run tlspact-compile; a missing table defers all mail",
		    "%s", k->map->fault);
	else if (k->map->damaged)
		wiring_found(k, FINDING_FAULT, k->map->path,
		    "remove it and run tlspact-compile",
		    "the map is damaged: lookups fail and mail is deferred");
	bad = target_parse_version(version, &is);
	if (bad != NULL)
		wiring_found(k, FINDING_FAULT, "mail_version",
		    "upgrade Postfix", "Postfix version %s %s",
		    quotes(version).s, bad);
	else if (k->map->postfix > is)
		wiring_found(k, FINDING_FAULT, "mail_version",
		    "correct postfix_version in tlspact.conf and run "
		    "tlspact-compile",
		    "the map was made for Postfix %u.%u, this is %s: unknown "
		    "attributes would defer mail",
		    k->map->postfix / 1000, k->map->postfix % 1000, version);
	check_bypass(k);
	if (strcmp(wiring_get(k, "tls_required_enable"), "yes") == 0)
		wiring_found(k, FINDING_FAULT, "tls_required_enable",
		    "postconf -e 'tls_required_enable = no'",
		    "tls_required_enable is yes: a message header "
		    "(TLS-Required: no) switches the partner rules off");
}

bool
wiring_is_chrooted(const struct postconf *c, char column)
{
	const char *level = postconf_get(c, NULL, "compatibility_level");

	if (column != '-')
		return column == 'y';
	/* master(5): the default is y while compatibility_level < 1. */
	return level == NULL || *level == '0' || *level == '\0';
}

void
wiring_check(const struct postconf *c, const struct map_facts *map,
    readable_fn *readable, struct findings *out)
{
	struct client k = {
	    .c = c, .map = map, .readable = readable, .out = out};
	bool any = false;
	size_t i;

	*out = (struct findings){0};
	check_main(&k);
	check_over(&k);
	for (i = 0; i < c->nservices; i++) {
		if (strcmp(c->service[i].command, "smtp") != 0)
			continue;
		any = true;
		k.service = c->service[i].name;
		k.chrooted = wiring_is_chrooted(c, c->service[i].chroot);
		check_order(&k);
		check_level(&k);
		check_ca(&k);
		check_digest(&k);
		check_session_cache(&k);
		check_dane(&k);
		check_fallback(&k);
		check_chroot(&k);
		check_log(&k);
	}
	k.service = NULL;
	if (!any)
		wiring_found(&k, FINDING_FAULT, "master.cf",
		    "give master.cf its smtp unix service back",
		    "no service in master.cf runs smtp: no mail goes out");
	wiring_check_inbound(&k);
}
