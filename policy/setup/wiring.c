#include "wiring.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "findings.h"
#include "sidemap.h"
#include "maincf.h"
#include "mapfacts.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "quote.h"
#include "receiver.h"
#include "strength.h"
#include "target.h"

#define PATIENCE 30 /* seconds to wait for tlspactd, at most */

/* --- Services under inspection -------------------------------------------- */

struct check {
	const struct postconf *c;
	const struct map_facts *map;
	readable_fn *readable;
	same_fn *same;
	opens_fn *opens;
	struct findings *out; /* its service is the one looked at */
	const char *root;     /* queue_directory, as that one has it */
	bool chrooted;
};

#define found(k, ...) findings_add((k)->out, __VA_ARGS__)

/* The value that the service sees; "" if there is no such parameter. */
static const char *
get(const struct check *k, const char *name)
{
	return postconf_text(k->c, k->out->service, name);
}

static bool
has(const struct check *k, const char *name, const char *value)
{
	return strcmp(get(k, name), value) == 0;
}

static bool
is_none(const struct check *k, const char *name)
{
	return has(k, name, "") || has(k, name, "none");
}

/* NAME is what it is: what follows from that; it should be `good`. */
static void
should_be(struct check *k, enum finding_kind kind, const char *name,
    const char *good, const char *what)
{
	const char *v = get(k, name);
	char *fix = mem_printf("postconf -e '%s = %s'", name, good);

	found(k, kind, name, fix, "%s is %s: %s", name,
	    *v == '\0' ? "empty" : v, what);
	free(fix);
}

/* The file that NAME has is missing: what follows from that. */
static void
need_file(struct check *k, const char *name, const char *path, const char *fix,
    const char *what)
{
	int why = k->readable(path, NULL);

	if (why != 0)
		found(k, FINDING_FAULT, name, fix, "%s: %s: %s", quotes(path).s,
		    strerror(why), what);
}

static unsigned
version_of(const struct check *k)
{
	unsigned is = 0;

	return target_parse_version(get(k, "mail_version"), &is) == NULL ? is
									 : 0;
}

static void
look_at(struct check *k, const struct postconf_service *s)
{
	const char *level = postconf_text(k->c, NULL, "compatibility_level");

	k->out->service = s->name;
	k->root = get(k, "queue_directory");
	/* master(5): the default is y while compatibility_level < 1. */
	k->chrooted = s->chroot == '-' ? *level == '0' || *level == '\0'
				       : s->chroot == 'y';
}

/*
 * A socket of ours that Postfix asks at is open to it? Root, who runs us, may
 * always. absolute: main.cf names it by its whole path.
 */
static void
check_open(
    struct check *k, const char *name, const char *setting, bool absolute)
{
	const char *path = maincf_socket_path(setting);
	const char *user = get(k, "mail_owner"), *service = k->out->service;
	char *words;

	if (path == NULL)
		return;
	words = maincf_service(setting, k->root);
	k->out->service = NULL; /* it is the same for all of them */
	if (k->opens(k->root, absolute ? path : words + strlen("unix:"),
		user) == EACCES)
		found(k, FINDING_FAULT, name,
		    "set socket_group = postfix in tlspact.conf "
		    "(SocketGroup= where systemd makes the socket), then "
		    "restart tlspactd",
		    "Postfix (user %s) may not open %s: %s", user,
		    quotes(path).s, strerror(EACCES));
	k->out->service = service;
	free(words);
}

/* --- Services that send --------------------------------------------------- */

/* Our socketmap is in front; cdb_at is the place of the map. */
static void
check_socketmap(struct check *k, struct span table, size_t cdb_at)
{
	if (k->chrooted && span_begins(table, "socketmap:unix:/"))
		found(k, FINDING_FAULT, "smtp_tls_policy_maps",
		    "name the socket relative to queue_directory, or put "
		    "proxy: in front",
		    "%.*s: the service is chrooted and cannot reach that "
		    "socket: all mail is deferred",
		    SPAN_ARG(table));
	else
		found(k, FINDING_NOTE, "smtp_tls_policy_maps",
		    "keep tlspactd running, or use the map: cdb: needs no "
		    "daemon",
		    "policies come from tlspactd (%.*s): while it is down, all "
		    "mail is deferred%s",
		    SPAN_ARG(table),
		    cdb_at > 0 ? ", since an error ends the search" : "");
	check_open(k, "socketmap_socket", k->map->socketmap_socket,
	    memmem(table.p, table.n, "unix:/", 6) != NULL);
}

static void
check_order(struct check *k)
{
	struct span rest = maincf_text(get(k, "smtp_tls_policy_maps")), table,
		    first = {0};
	char *ours = maincf_table(k->map->path);
	struct buf fix = {0};
	size_t place = 0, at = 0;

	buf_printf(&fix, "postconf -e 'smtp_tls_policy_maps = %s", ours);
	while (postconf_word(&rest, &table)) {
		if (++place == 1)
			first = table;
		if (!maincf_is_table(table, ours))
			buf_printf(&fix, ", %.*s", SPAN_ARG(table));
		else if (at == 0)
			at = place;
	}
	buf_putc(&fix, '\'');
	if (maincf_is_socketmap(first, k->map->socketmap_socket, k->root))
		check_socketmap(k, first, at);
	else if (at == 0)
		found(k, FINDING_FAULT, "smtp_tls_policy_maps", fix.data,
		    "%s is not in smtp_tls_policy_maps: no partner rule is "
		    "obeyed",
		    ours);
	else if (at > 1)
		found(k, FINDING_FAULT, "smtp_tls_policy_maps", fix.data,
		    "%s comes as number %zu: an earlier table can answer "
		    "first, and an error in it defers mail",
		    ours, at);
	if (at != 0 && !maincf_has(k->c->tables, "cdb"))
		found(k, FINDING_FAULT, "smtp_tls_policy_maps",
		    "apt-get install postfix-cdb",
		    "this Postfix cannot read cdb: tables: every lookup "
		    "fails and all mail is deferred");
	buf_free(&fix);
	free(ours);
}

static bool
is_weaker(const char *row, const char *level)
{
	return strength_compare(level, strlen(level), row, strlen(row)) ==
	       CHANGE_WEAKER;
}

static void
check_level(struct check *k)
{
	const char *level = get(k, "smtp_tls_security_level");
	size_t weak = (is_weaker("may", level) ? k->map->may : 0) +
		      (is_weaker("encrypt", level) ? k->map->encrypt : 0);

	if (is_none(k, "smtp_tls_security_level"))
		should_be(k, FINDING_FAULT, "smtp_tls_security_level", "may",
		    "mail to everybody who has no row goes in clear text");
	else if (weak > 0)
		found(k, FINDING_NOTE, "smtp_tls_security_level",
		    "set opportunistic_level = main.cf, and see verify=none in "
		    "the registry; then tlspact-compile",
		    "smtp_tls_security_level is %s, and %zu row%s of the map "
		    "%s weaker: to these partners mail is sent with less than "
		    "to strangers",
		    level, weak, num_plural(weak), weak == 1 ? "is" : "are");
}

/* What tlspact judges certificates by is to be what Postfix goes by. */
static void
check_same_ca(struct check *k, const char *file, const char *fix)
{
	const struct map_facts *m = k->map;
	char *either;

	if (k->readable(file, NULL) != 0 || k->same(file, m->ca_file))
		return;
	either =
	    mem_printf("%s, or set ca_file = %s in tlspact.conf", fix, file);
	found(k, m->system_ca > 0 ? FINDING_FAULT : FINDING_NOTE,
	    "smtp_tls_CAfile", either,
	    "smtp_tls_CAfile is %s, and probes go by the CAs of %s: mail to "
	    "enforced partners can be held where a probe passes",
	    quotes(file).s, quotes(m->ca_file).s);
	free(either);
}

static void
check_ca(struct check *k)
{
	const char *file = get(k, "smtp_tls_CAfile");
	const char *path = get(k, "smtp_tls_CApath");
	char *fix =
	    mem_printf("postconf -e 'smtp_tls_CAfile = %s'", k->map->ca_file);

	if (*file != '\0') {
		need_file(k, "smtp_tls_CAfile", file, fix,
		    "Postfix switches TLS off, opportunistic mail goes in "
		    "clear text and enforced mail is held");
		check_same_ca(k, file, fix);
	} else if (*path != '\0')
		need_file(k, "smtp_tls_CApath", path, fix,
		    "no CA is trusted and mail to enforced partners is held");
	else if (!has(k, "tls_append_default_CA", "yes"))
		found(k,
		    k->map->system_ca > 0 || k->map->fault != NULL
			? FINDING_FAULT
			: FINDING_NOTE,
		    "smtp_tls_CAfile", fix,
		    "no CA is trusted (smtp_tls_CAfile and smtp_tls_CApath "
		    "are empty): mail to enforced partners is held");
	free(fix);
}

/* The files of partners, which are read in the chroot, when root's rights are
 * gone. */
static void
check_tafiles(struct check *k)
{
	const char *owner = get(k, "mail_owner"), *file;
	size_t i;
	char *path;
	int why;

	for (i = 0; i < k->map->ntafiles; i++) {
		file = k->map->tafile[i];
		if ((why = k->readable(file, owner)) != 0)
			found(k, FINDING_FAULT, file,
			    "put the file back, or correct ca= in the "
			    "registry",
			    "CA file of a partner: %s", strerror(why));
		if (!k->chrooted)
			continue;
		path = mem_printf("%s%s", k->root, file);
		if ((why = k->readable(path, owner)) != 0)
			found(k, FINDING_FAULT, path,
			    "copy the CA file to that path, or take the "
			    "service out of the chroot (n in master.cf)",
			    "%s: %s: the service is chrooted and reads CA "
			    "files of partners (tafile=) inside %s",
			    path, strerror(why), k->root);
		free(path);
	}
}

/* --- EHLO and STARTTLS ---------------------------------------------------- */

#define HELD                                                            \
	"mail to enforced partners is held, and that to others leaves " \
	"in clear text"

static bool
is_starttls(struct span word)
{
	return word.n == 8 && strncasecmp(word.p, "starttls", 8) == 0;
}

/* A list of EHLO words; the fix leaves the others. */
static void
check_discard(struct check *k)
{
	static const char name[] = "smtp_discard_ehlo_keywords";
	struct span rest = maincf_text(get(k, name)), word;
	struct buf fix = {0};
	const char *comma = "";
	bool found = false;

	buf_printf(&fix, "postconf -e '%s =", name);
	while (postconf_word(&rest, &word)) {
		if (is_starttls(word)) {
			found = true;
			continue;
		}
		buf_printf(&fix, "%s %.*s", comma, SPAN_ARG(word));
		comma = ",";
	}
	buf_putc(&fix, '\'');
	if (found)
		found(k, FINDING_FAULT, name, fix.data,
		    "%s has starttls: " HELD, name);
	buf_free(&fix);
}

static void
check_ehlo(struct check *k)
{
	check_discard(k);
	if (has(k, "smtp_never_send_ehlo", "yes"))
		found(k, FINDING_FAULT, "smtp_never_send_ehlo",
		    "postconf -e 'smtp_never_send_ehlo = no'",
		    "smtp_never_send_ehlo is yes, and HELO knows no "
		    "STARTTLS: " HELD);
	else if (strcmp(get(k, "smtp_always_send_ehlo"), "no") == 0)
		found(k, FINDING_FAULT, "smtp_always_send_ehlo",
		    "postconf -e 'smtp_always_send_ehlo = yes'",
		    "smtp_always_send_ehlo is no: with gateways whose greeting "
		    "does not say ESMTP there is no STARTTLS, and " HELD);
}

/* --- Ciphers -------------------------------------------------------------- */

/* The list as Postfix makes it for a mandatory level of that grade. */
static char *
cipher_list(const struct check *k, const char *list)
{
	static const char *const excludes[] = {
	    "smtp_tls_exclude_ciphers", "smtp_tls_mandatory_exclude_ciphers"};
	struct buf out = {0};
	struct span rest, word, part;
	size_t i;

	buf_puts(&out, get(k, list));
	for (i = 0; i < 2; i++) {
		rest = maincf_text(get(k, excludes[i]));
		while (postconf_word(&rest, &word))
			while (word.n > 0) {
				part = span_cut(&word, ':');
				if (part.n > 0)
					buf_printf(
					    &out, ":!%.*s", SPAN_ARG(part));
			}
	}
	buf_puts(&out, ":!aNULL");
	return buf_take(&out);
}

/* Which kinds of certificates TLS 1.2 can have with the list. */
static void
list_serves(const char *list, bool *rsa, bool *ecdsa)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	STACK_OF(SSL_CIPHER) * all;
	const SSL_CIPHER *x;
	int i;

	*rsa = *ecdsa = ctx == NULL;
	if (ctx == NULL)
		return;
	if (SSL_CTX_set_cipher_list(ctx, list) == 1) {
		all = SSL_CTX_get_ciphers(ctx);
		for (i = 0; i < sk_SSL_CIPHER_num(all); i++) {
			x = sk_SSL_CIPHER_value(all, i);
			/* Older ones with keys of RSA alone are rare. */
			if (SSL_CIPHER_get_kx_nid(x) != NID_kx_ecdhe)
				continue;
			*rsa |= SSL_CIPHER_get_auth_nid(x) == NID_auth_rsa;
			*ecdsa |= SSL_CIPHER_get_auth_nid(x) == NID_auth_ecdsa;
		}
	}
	SSL_CTX_free(ctx);
}

/* The parameter that leaves them out: the first without which it is well. */
static const char *
culprit(const struct check *k, const char *list)
{
	bool rsa, ecdsa;

	list_serves(get(k, list), &rsa, &ecdsa);
	if (!rsa || !ecdsa)
		return list;
	return *get(k, "smtp_tls_mandatory_exclude_ciphers") != '\0'
		   ? "smtp_tls_mandatory_exclude_ciphers"
		   : "smtp_tls_exclude_ciphers";
}

static void
check_ciphers(struct check *k)
{
	/* The two grades that the rows of a map ask for. */
	static const char *const grades[] = {
	    "tls_medium_cipherlist", "tls_high_cipherlist"};
	bool rsa, ecdsa;
	const char *name;
	char *list, *fix;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (*get(k, grades[i]) == '\0')
			continue;
		list = cipher_list(k, grades[i]);
		list_serves(list, &rsa, &ecdsa);
		free(list);
		if (rsa && ecdsa)
			continue;
		name = culprit(k, grades[i]);
		fix = *name == 't' ? mem_printf("postconf -X %s", name)
				   : mem_printf("postconf -e '%s ='", name);
		found(k, FINDING_FAULT, name, fix,
		    "%s is %s: with gateways of TLS 1.2 and %s certificate no "
		    "handshake comes about, mail to enforced partners there is "
		    "held",
		    name, quotes(get(k, name)).s,
		    !rsa && !ecdsa ? "any"
		    : rsa	   ? "an ECDSA"
				   : "an RSA");
		free(fix);
	}
}

/* --- Mail that comes back ------------------------------------------------- */

/*
 * RFC 8689: what its sender marks so goes over verified TLS to servers that
 * announce the same, or back to him.
 */
static void
check_requiretls(struct check *k)
{
	static const char name[] = "smtp_requiretls_policy";
	struct span rest = maincf_text(get(k, name)), first;
	char *ours;

	/* Without a word for the next-hop it is enforced. */
	(void)postconf_word(&rest, &first);
	if (k->map->rows + k->map->requiretls == 0 ||
	    !has(k, "requiretls_enable", "yes"))
		return;
	if (k->map->requiretls > 0) {
		ours = maincf_table(k->map->requiretls_map);
		if (!maincf_is_table(first, ours))
			found(k, FINDING_FAULT, name,
			    "put it in front, as tlspact-setup apply does",
			    "%s does not begin with %s, so that what the "
			    "registry has for %zu domain%s is not obeyed",
			    name, ours, k->map->requiretls,
			    num_plural(k->map->requiretls));
		free(ours);
		return;
	}
	if (span_is(first, "opportunistic") || span_is(first, "disable"))
		return;
	found(k, FINDING_NOTE, "requiretls_enable",
	    "leave it, if senders are to have this; else say "
	    "default requiretls=opportunistic in the registry",
	    "requiretls_enable is yes: mail that its sender marks with "
	    "REQUIRETLS is returned, not held, while the TLS of an enforced "
	    "partner fails, and while it is lowered below key");
}

static void
check_sender(struct check *k)
{
	const struct map_facts *m = k->map;
	const char *v;
	int why;

	check_order(k);
	check_level(k);
	check_ca(k);
	if (!has(k, "smtp_tls_fingerprint_digest", "sha256"))
		should_be(k, m->pinned > 0 ? FINDING_FAULT : FINDING_NOTE,
		    "smtp_tls_fingerprint_digest", "sha256",
		    "pinned keys (SHA-256) match nothing and their mail is "
		    "held");
	if (*(v = get(k, "smtp_tls_session_cache_database")) != '\0')
		found(k, FINDING_FAULT, "smtp_tls_session_cache_database",
		    "postconf -e 'smtp_tls_session_cache_database ='",
		    "the client's TLS session cache is on (%s): resumed "
		    "sessions are not matched against changed names",
		    v);
	if (m->dane > 0 && !has(k, "smtp_dns_support_level", "dnssec"))
		found(k, FINDING_FAULT, "smtp_dns_support_level",
		    "postconf -e 'smtp_dns_support_level = dnssec', with a "
		    "validating resolver on this host",
		    "%zu row%s for DANE, and smtp_dns_support_level is not "
		    "dnssec: dane-only mail is held, dane falls to may",
		    m->dane, m->dane == 1 ? " asks" : "s ask");
	/* Mail that cannot be delivered to a partner must not go elsewhere. */
	if (*(v = get(k, "smtp_fallback_relay")) != '\0')
		found(k, FINDING_FAULT, "smtp_fallback_relay",
		    "postconf -e 'smtp_fallback_relay ='",
		    "smtp_fallback_relay is %s: mail that an enforced partner "
		    "cannot get safely goes there, under the rules for that "
		    "host",
		    quotes(v).s);
	check_tafiles(k);
	check_ehlo(k);
	check_ciphers(k);
	check_requiretls(k);
	if (m->requiretls > 0 &&
	    (why = k->readable(m->requiretls_map, NULL)) != 0)
		found(k, FINDING_FAULT, m->requiretls_map,
		    "run tlspact-compile, which makes it",
		    "the table for mail that demands REQUIRETLS, which is held "
		    "without it: %s",
		    strerror(why));
	if (has(k, "smtp_tls_loglevel", "0"))
		should_be(k, FINDING_NOTE, "smtp_tls_loglevel", "1",
		    "the log does not show which mail was encrypted");
}

/* --- Services that take mail ---------------------------------------------- */

static bool
list_guards(const struct check *k, const char *name)
{
	struct span rest = maincf_text(get(k, name)), word;

	while (postconf_word(&rest, &word))
		if (asking_is_guard(word))
			return true;
	return false;
}

/* What to put where: in front of the list that relaying does not hang on. */
static char *
fix_asking(const struct check *k)
{
	char *ours =
	    asking_words(k->map->policy_socket, k->root, version_of(k));
	char *list =
	    asking_add(get(k, "smtpd_recipient_restrictions"), ours, false);
	char *fix =
	    mem_printf("postconf -e 'smtpd_recipient_restrictions = %s'", list);

	free(list);
	free(ours);
	return fix;
}

static void
check_place(struct check *k, const struct asking *a, const char *fix)
{
	bool recipient = strcmp(a->list, "smtpd_recipient_restrictions") == 0,
	     relay = strcmp(a->list, "smtpd_relay_restrictions") == 0;

	if (a->unreached)
		found(k, FINDING_FAULT, a->list, fix,
		    "check_policy_service stands behind an unconditional "
		    "permit, reject or defer: tlspactd is never asked");
	if ((relay && !a->guarded) ||
	    (recipient && !a->guarded &&
		!list_guards(k, "smtpd_relay_restrictions")))
		found(k, FINDING_FAULT, a->list,
		    "put it behind reject_unauth_destination",
		    "check_policy_service comes before "
		    "reject_unauth_destination: an OK of any policy server "
		    "there makes an open relay");
	if (strcmp(a->list, "smtpd_etrn_restrictions") == 0)
		found(k, FINDING_FAULT, a->list, fix,
		    "check_policy_service is asked about ETRN only, not about "
		    "mail");
	else if ((strcmp(a->list, "smtpd_client_restrictions") == 0 ||
		     strcmp(a->list, "smtpd_helo_restrictions") == 0) &&
		 !has(k, "smtpd_delay_reject", "yes"))
		found(k, FINDING_FAULT, a->list, fix,
		    "check_policy_service is asked in %s before the sender is "
		    "known, since smtpd_delay_reject is no",
		    a->list);
}

/* The list asks with our class as default_action: is all of it there? Behind
 * ours an admin may add to it. */
static void
check_dead(struct check *k, const char *list)
{
	struct dead_line is[DEAD_LINES], want[DEAD_LINES];
	const char *classes = get(k, DEAD_CLASSES);
	bool defined = true;
	struct buf fix = {0};
	size_t i;
	int why;

	dead_lines(classes, k->map->inbound_map, true, is);
	dead_lines(classes, k->map->inbound_map, false, want);
	buf_puts(&fix, "postconf -e");
	for (i = 0; i < DEAD_LINES; i++) {
		if (i > 0)
			defined = defined && maincf_has(classes, is[i].name) &&
				  strncmp(get(k, is[i].name), is[i].value,
				      strlen(is[i].value)) == 0;
		buf_printf(&fix, " '%s = %s'", want[i].name, want[i].value);
		free(is[i].value);
		free(want[i].value);
	}
	if (!defined)
		found(k, FINDING_FAULT, list, fix.data,
		    "default_action=%s, and that restriction class is not in "
		    "main.cf as tlspact-setup writes it: while tlspactd is "
		    "down mail is refused from everybody or let in",
		    SIDEMAP_CLASS);
	buf_free(&fix);
	if ((why = k->readable(k->map->inbound_map, NULL)) != 0)
		found(k, FINDING_FAULT, k->map->inbound_map,
		    "run tlspact-compile, which makes it",
		    "the table for mail that comes in while tlspactd is down: "
		    "%s",
		    strerror(why));
}

/* Who is let in, and who is not, while nobody answers? */
static void
check_default(struct check *k, const struct asking *a)
{
	struct span action =
	    a->action.p != NULL
		? a->action
		: maincf_text(get(k, "smtpd_policy_service_default_action"));
	bool open = action.n >= 5 && strncasecmp(action.p, "DUNNO", 5) == 0;
	bool closes = dead_can_close(version_of(k));
	char *list, *fix;

	if (span_is(action, SIDEMAP_CLASS)) {
		check_dead(k, a->list);
		return;
	}
	if (!closes && open)
		return;
	list = asking_rewrite(get(k, a->list), k->map->policy_socket, k->root,
	    closes ? SIDEMAP_CLASS : "DUNNO");
	fix = mem_printf("postconf -e '%s = %s'", a->list, list);
	if (!open)
		found(k, FINDING_FAULT, a->list, fix,
		    "while tlspactd is down all mail that comes in is answered "
		    "by %s",
		    action.n == 0 ? "451 4.3.5" : quote(action.p, action.n).s);
	else if (k->map->inbound > 0)
		found(k, FINDING_FAULT, a->list, fix,
		    "while tlspactd is down the inbound rules of %zu domain%s "
		    "are not enforced: default_action is DUNNO",
		    k->map->inbound, num_plural(k->map->inbound));
	free(fix);
	free(list);
}

static void
check_service(struct check *k, const struct asking *a)
{
	const char *path = maincf_socket_path(k->map->policy_socket);
	char *timeout = a->timeout.p == NULL
			    ? mem_dup(get(k, "smtpd_policy_service_timeout"))
			    : mem_printf("%.*s", SPAN_ARG(a->timeout));
	uint64_t seconds;
	int why;

	if (num_duration(timeout, UINT32_MAX, &seconds) == 0 &&
	    seconds > PATIENCE)
		found(k, FINDING_NOTE, a->list,
		    "check_policy_service { ..., timeout=10s, ... }",
		    "a tlspactd that hangs holds each client for %s", timeout);
	free(timeout);
	check_default(k, a);
	if (k->chrooted && span_begins(a->service, "unix:/"))
		found(k, FINDING_FAULT, a->list,
		    "name the socket relative to queue_directory, and have it "
		    "inside (policy_socket in tlspact.conf)",
		    "%.*s: the service is chrooted and cannot reach that "
		    "socket",
		    SPAN_ARG(a->service));
	if (path != NULL && (why = k->readable(path, NULL)) != 0)
		found(k, FINDING_NOTE, path,
		    "start tlspactd: systemctl enable --now tlspactd",
		    "the socket of tlspactd: %s", strerror(why));
	else
		check_open(k, "policy_socket", k->map->policy_socket,
		    span_begins(a->service, "unix:/"));
}

static void
check_asking(struct check *k)
{
	struct asking a;
	char *fix = fix_asking(k);

	receiver_asking(k->c, k->out->service, k->map->policy_socket, &a);
	if (a.list == NULL && k->map->inbound > 0) {
		found(k, FINDING_FAULT, "smtpd_recipient_restrictions", fix,
		    "tlspactd is not asked: the inbound rules of %zu domain%s "
		    "are not enforced",
		    k->map->inbound, num_plural(k->map->inbound));
	} else if (a.list != NULL) {
		check_place(k, &a, fix);
		check_service(k, &a);
	}
	free(fix);
}

static void
need_certificate(struct check *k, const char *name, const char *path)
{
	need_file(k, name, path, "put the file back, or correct the name",
	    "no TLS is offered to those who send");
}

static void
check_chain(struct check *k)
{
	static const char *const older[] = {"smtpd_tls_cert_file",
	    "smtpd_tls_eccert_file", "smtpd_tls_dcert_file", NULL};
	struct span rest = maincf_text(get(k, "smtpd_tls_chain_files")), word;
	bool any = false;
	char *path;
	size_t i;

	for (; postconf_word(&rest, &word); any = true) {
		path = mem_printf("%.*s", SPAN_ARG(word));
		need_certificate(k, "smtpd_tls_chain_files", path);
		free(path);
	}
	for (i = 0; !any && older[i] != NULL; i++)
		if ((any = !is_none(k, older[i])))
			need_certificate(k, older[i], get(k, older[i]));
	if (!any)
		found(k, FINDING_FAULT, "smtpd_tls_chain_files",
		    "postconf -e 'smtpd_tls_chain_files = "
		    "/etc/postfix/key-and-chain.pem'",
		    "there is no server certificate: no TLS is offered to "
		    "those who send");
}

static void
check_offer(struct check *k)
{
	if (is_none(k, "smtpd_tls_security_level")) {
		should_be(k, k->map->inbound > 0 ? FINDING_FAULT : FINDING_NOTE,
		    "smtpd_tls_security_level", "may",
		    "no TLS is offered, so that mail from enforced partners "
		    "would be refused");
		return;
	}
	if (!has(k, "smtpd_tls_security_level", "may"))
		should_be(k, FINDING_NOTE, "smtpd_tls_security_level", "may",
		    "mail without TLS is refused from everybody, not only from "
		    "partners");
	check_chain(k);
	if (has(k, "smtpd_tls_loglevel", "0"))
		should_be(k, FINDING_NOTE, "smtpd_tls_loglevel", "1",
		    "the log does not show which mail came encrypted");
	if (!has(k, "smtpd_tls_received_header", "yes"))
		should_be(k, FINDING_NOTE, "smtpd_tls_received_header", "yes",
		    "messages do not say what they came by");
}

/* CAs of the web make certificates for servers only. */
static void
check_purpose(struct check *k)
{
	const char *file = get(k, "smtpd_tls_CAfile");
	bool can = version_of(k) >= TARGET_VERSION(3, 12);

	if ((strcmp(file, k->map->ca_file) != 0 &&
		!has(k, "tls_append_default_CA", "yes")) ||
	    has(k, "tls_trust_server_ccerts", "yes"))
		return;
	found(k, FINDING_NOTE, "smtpd_tls_CAfile",
	    can ? "postconf -e 'tls_trust_server_ccerts = yes', or agree with "
		  "partners on their keys (inbound-verify=key)"
		: "agree with partners on their keys (inbound-verify=key), or "
		  "have Postfix 3.12 and tls_trust_server_ccerts",
	    "inbound-verify=name by public CAs: they make no certificates for "
	    "clients any more (since mid 2026), and Postfix refuses those for "
	    "servers: such partners are refused as soon as they renew");
}

static void
check_ccert(struct check *k)
{
	const struct map_facts *m = k->map;
	const char *file = get(k, "smtpd_tls_CAfile");
	char *fix;

	if (m->ask_name + m->ask_key == 0)
		return;
	if (!has(k, "smtpd_tls_ask_ccert", "yes") &&
	    !has(k, "smtpd_tls_req_ccert", "yes"))
		found(k, FINDING_FAULT, "smtpd_tls_ask_ccert",
		    "postconf -e 'smtpd_tls_ask_ccert = yes'",
		    "inbound-verify of %zu domain%s needs client "
		    "certificates, which nobody is asked for: their mail is "
		    "refused",
		    m->ask_name + m->ask_key,
		    num_plural(m->ask_name + m->ask_key));
	if (m->ask_key > 0 && !has(k, "smtpd_tls_fingerprint_digest", "sha256"))
		should_be(k, FINDING_FAULT, "smtpd_tls_fingerprint_digest",
		    "sha256",
		    "the keys of inbound-verify=key (SHA-256) match nothing");
	if (m->ask_name == 0)
		return;
	if (has(k, "smtpd_tls_enable_rpk", "yes"))
		should_be(k, FINDING_FAULT, "smtpd_tls_enable_rpk", "no",
		    "a client may show a bare key in place of its certificate, "
		    "which has no name: inbound-verify=name refuses its mail");
	fix = mem_printf("postconf -e 'smtpd_tls_CAfile = %s'", m->ca_file);
	if (*file == '\0' && *get(k, "smtpd_tls_CApath") == '\0' &&
	    !has(k, "tls_append_default_CA", "yes"))
		found(k, FINDING_FAULT, "smtpd_tls_CAfile", fix,
		    "no CA is trusted for client certificates, so that no name "
		    "in one counts: inbound-verify=name refuses their mail");
	else if (*file != '\0')
		need_file(k, "smtpd_tls_CAfile", file, fix,
		    "Postfix offers no TLS to those who send");
	free(fix);
	check_purpose(k);
}

static void
check_receivers(struct check *k)
{
	const char *socket = k->map->policy_socket;
	const struct postconf_service *s;
	size_t at = 0;

	if (socket == NULL)
		return;
	if (*socket == '\0' && k->map->inbound > 0)
		found(k, FINDING_FAULT, "policy_socket",
		    "set it in tlspact.conf, then tlspact-setup apply",
		    "policy_socket is empty, so that tlspactd answers nobody: "
		    "the inbound rules of %zu domain%s are not enforced",
		    k->map->inbound, num_plural(k->map->inbound));
	while ((s = receiver_next(k->c, &at)) != NULL) {
		look_at(k, s);
		check_offer(k);
		check_ccert(k);
		if (*socket != '\0')
			check_asking(k);
	}
	k->out->service = NULL;
}

/* --- The whole of Postfix --------------------------------------------------
 */

/* A way for mail to leave without its row being asked for; see route.h. */
static void
check_spelling(struct check *k)
{
	if (has(k, "smtputf8_enable", "yes") &&
	    strstr(get(k, "smtp_tls_policy_maps"), "socketmap:") == NULL)
		found(k, FINDING_NOTE, "smtputf8_enable",
		    "postconf -e 'smtputf8_enable = no', or let tlspactd "
		    "answer (socketmap)",
		    "smtputf8_enable is yes: a sender who spells a partner's "
		    "domain in other letters that mean the same (full width, "
		    "decomposed) goes by its row");
}

/* Downgrades, as Postfix sees them. */
static void
check_over(struct check *k)
{
	char when[NUM_TIME_MAX];

	if (k->map->over.rows > 0)
		found(k, FINDING_FAULT, k->map->path,
		    "run tlspact-compile, and have it run each minute",
		    "%zu row%s of %s lowered, and the time is up: nobody runs "
		    "tlspact-compile, or it cannot write",
		    k->map->over.rows, num_plural(k->map->over.rows),
		    k->map->over.names);
	if (k->map->over.left > 0)
		found(k, FINDING_NOTE, k->map->path, "see tlspactctl status",
		    "%zu row%s lowered, the first until %s", k->map->over.left,
		    k->map->over.left == 1 ? " is" : "s are",
		    num_time_text(k->map->over.expires, when));
}

static void
check_main(struct check *k)
{
	const char *version = get(k, "mail_version"), *bad;
	unsigned is = 0;

	if (k->map->fault != NULL)
		found(k, FINDING_FAULT, k->map->path,
		    "run tlspact-compile; a missing table defers all mail",
		    "%s", k->map->fault);
	else if (k->map->damaged)
		found(k, FINDING_FAULT, k->map->path,
		    "remove it and run tlspact-compile",
		    "the map is damaged: lookups fail and mail is deferred");
	bad = target_parse_version(version, &is);
	if (bad != NULL)
		found(k, FINDING_FAULT, "mail_version", "upgrade Postfix",
		    "Postfix version %s %s", quotes(version).s, bad);
	else if (k->map->postfix > is)
		found(k, FINDING_FAULT, "mail_version",
		    "correct postfix_version in tlspact.conf and run "
		    "tlspact-compile",
		    "the map was made for Postfix %u.%u, this is %s: unknown "
		    "attributes would defer mail",
		    k->map->postfix / 1000, k->map->postfix % 1000, version);
	check_spelling(k);
	if (has(k, "tls_required_enable", "yes"))
		should_be(k, FINDING_FAULT, "tls_required_enable", "no",
		    "a message header (TLS-Required: no) switches the partner "
		    "rules off");
}

void
wiring_check(const struct postconf *c, const struct map_facts *map,
    readable_fn *readable, same_fn *same, opens_fn *opens, struct findings *out)
{
	struct check k = {.c = c,
	    .map = map,
	    .readable = readable,
	    .same = same,
	    .opens = opens,
	    .out = out};
	const struct postconf_service *s;
	bool any = false;
	size_t at = 0;

	*out = (struct findings){.c = c};
	check_main(&k);
	check_over(&k);
	while ((s = postconf_next(c, &at, "smtp")) != NULL) {
		any = true;
		look_at(&k, s);
		check_sender(&k);
	}
	out->service = NULL;
	if (!any)
		found(&k, FINDING_FAULT, "master.cf",
		    "give master.cf its smtp unix service back",
		    "no service in master.cf runs smtp: no mail goes out");
	check_receivers(&k);
}
