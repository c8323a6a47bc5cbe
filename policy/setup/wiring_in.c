/*
 * The services that take mail: is TLS offered, is the certificate there, and
 * is tlspactd asked at the right place?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mem.h"
#include "num.h"
#include "postconf.h"
#include "quote.h"
#include "target.h"
#include "inboundmap.h"
#include "wiring_ask.h"
#include "wiring_dead.h"
#include "wiring_priv.h"

#define PATIENCE 30 /* seconds to wait for tlspactd, at most */

static bool
is_yes(const struct client *k, const char *name)
{
	return strcmp(wiring_get(k, name), "yes") == 0;
}

static bool
list_guards(const struct client *k, const char *name)
{
	const char *rest = wiring_get(k, name);
	bool guards = false;
	char *word;

	while (*rest != '\0' && !guards) {
		word = wiring_first_word(rest, &rest);
		guards = asking_is_guard(word);
		free(word);
	}
	return guards;
}

/* What to put where: in front of the list that relaying does not hang on. */
static char *
fix_asking(const struct client *k)
{
	char *ours = wiring_ask(k->map, wiring_get(k, "queue_directory"),
		 wiring_version(k->c)),
	     *list, *fix;

	list = asking_add(
	    wiring_get(k, "smtpd_recipient_restrictions"), ours, false);
	fix =
	    mem_printf("postconf -e 'smtpd_recipient_restrictions = %s'", list);
	free(list);
	free(ours);
	return fix;
}

static void
check_place(struct client *k, const struct asking *a, const char *fix)
{
	bool recipient = strcmp(a->list, "smtpd_recipient_restrictions") == 0,
	     relay = strcmp(a->list, "smtpd_relay_restrictions") == 0;

	if (a->unreached)
		wiring_found(k, FINDING_FAULT, a->list, fix,
		    "check_policy_service stands behind an unconditional "
		    "permit, reject or defer: tlspactd is never asked");
	if ((relay && !a->guarded) ||
	    (recipient && !a->guarded &&
		!list_guards(k, "smtpd_relay_restrictions")))
		wiring_found(k, FINDING_FAULT, a->list,
		    "put it behind reject_unauth_destination",
		    "check_policy_service comes before "
		    "reject_unauth_destination: an OK of any policy server "
		    "there makes an open relay");
	if (strcmp(a->list, "smtpd_etrn_restrictions") == 0)
		wiring_found(k, FINDING_FAULT, a->list, fix,
		    "check_policy_service is asked about ETRN only, not about "
		    "mail");
	else if ((strcmp(a->list, "smtpd_client_restrictions") == 0 ||
		     strcmp(a->list, "smtpd_helo_restrictions") == 0) &&
		 !is_yes(k, "smtpd_delay_reject"))
		wiring_found(k, FINDING_FAULT, a->list, fix,
		    "check_policy_service is asked in %s before the sender is "
		    "known, since smtpd_delay_reject is no",
		    a->list);
}

/* Who is let in, and who is not, while nobody answers? */
static void
check_default(struct client *k, const struct asking *a)
{
	const char *action = a->action;
	char *list, *fix;

	if (action == NULL)
		action = wiring_get(k, "smtpd_policy_service_default_action");
	if (strcmp(action, INBOUNDMAP_CLASS) == 0) {
		wiring_check_dead(k, a->list);
		return;
	}
	if (!wiring_can_close(wiring_version(k->c))) {
		if (strncasecmp(action, "DUNNO", 5) == 0)
			return;
		list = asking_rewrite(wiring_get(k, a->list),
		    k->map->policy_socket, wiring_get(k, "queue_directory"),
		    "DUNNO");
	} else {
		list = asking_rewrite(wiring_get(k, a->list),
		    k->map->policy_socket, wiring_get(k, "queue_directory"),
		    INBOUNDMAP_CLASS);
	}
	fix = mem_printf("postconf -e '%s = %s'", a->list, list);
	if (strncasecmp(action, "DUNNO", 5) != 0)
		wiring_found(k, FINDING_FAULT, a->list, fix,
		    "while tlspactd is down all mail that comes in is answered "
		    "by %s",
		    *action == '\0' ? "451 4.3.5" : quotes(action).s);
	else if (k->map->inbound > 0)
		wiring_found(k, FINDING_FAULT, a->list, fix,
		    "while tlspactd is down the inbound rules of %zu domain%s "
		    "are not enforced: default_action is DUNNO",
		    k->map->inbound, k->map->inbound == 1 ? "" : "s");
	free(fix);
	free(list);
}

static void
check_service(struct client *k, const struct asking *a)
{
	const char *path = wiring_socket_path(k->map->policy_socket);
	const char *timeout = a->timeout;
	uint64_t seconds;
	int why;

	if (timeout == NULL)
		timeout = wiring_get(k, "smtpd_policy_service_timeout");
	if (num_duration(timeout, UINT32_MAX, &seconds) == 0 &&
	    seconds > PATIENCE)
		wiring_found(k, FINDING_NOTE, a->list,
		    "check_policy_service { ..., timeout=10s, ... }",
		    "a tlspactd that hangs holds each client for %s", timeout);
	check_default(k, a);
	if (strncmp(a->service, "unix:/", 6) == 0 && k->chrooted)
		wiring_found(k, FINDING_FAULT, a->list,
		    "name the socket relative to queue_directory, and have it "
		    "inside (policy_socket in tlspact.conf)",
		    "%s: the service is chrooted and cannot reach that socket",
		    a->service);
	if (path != NULL && (why = k->readable(path, NULL)) != 0)
		wiring_found(k, FINDING_NOTE, path,
		    "start tlspactd: systemctl enable --now tlspactd",
		    "the socket of tlspactd: %s", strerror(why));
}

static void
check_asking(struct client *k)
{
	struct asking a = {0};
	char *fix = fix_asking(k);
	size_t i;

	for (i = 0; wiring_lists[i] != NULL && a.list == NULL; i++)
		if (asking_find(wiring_get(k, wiring_lists[i]),
			k->map->policy_socket, wiring_get(k, "queue_directory"),
			&a))
			a.list = wiring_lists[i];
	if (a.list == NULL && k->map->inbound > 0) {
		wiring_found(k, FINDING_FAULT, "smtpd_recipient_restrictions",
		    fix,
		    "tlspactd is not asked: the inbound rules of %zu domain%s "
		    "are not enforced",
		    k->map->inbound, k->map->inbound == 1 ? "" : "s");
	} else if (a.list != NULL) {
		check_place(k, &a, fix);
		check_service(k, &a);
	}
	asking_release(&a);
	free(fix);
}

static void
check_chain(struct client *k)
{
	static const char *const older[] = {"smtpd_tls_cert_file",
	    "smtpd_tls_eccert_file", "smtpd_tls_dcert_file", NULL};
	const char *rest = wiring_get(k, "smtpd_tls_chain_files"), *file;
	bool any = false;
	char *path;
	size_t i;
	int why;

	for (; *rest != '\0'; any = true) {
		path = wiring_first_word(rest, &rest);
		if ((why = k->readable(path, NULL)) != 0)
			wiring_found(k, FINDING_FAULT, "smtpd_tls_chain_files",
			    "put the file back, or correct the name",
			    "%s: %s: no TLS is offered to those who send",
			    quotes(path).s, strerror(why));
		free(path);
	}
	for (i = 0; !any && older[i] != NULL; i++) {
		file = wiring_get(k, older[i]);
		if (*file == '\0' || strcmp(file, "none") == 0)
			continue;
		if ((why = k->readable(file, NULL)) != 0)
			wiring_found(k, FINDING_FAULT, older[i],
			    "put the file back, or correct the name",
			    "%s: %s: no TLS is offered to those who send",
			    quotes(file).s, strerror(why));
		any = true;
		break;
	}
	if (!any)
		wiring_found(k, FINDING_FAULT, "smtpd_tls_chain_files",
		    "postconf -e 'smtpd_tls_chain_files = "
		    "/etc/postfix/key-and-chain.pem'",
		    "there is no server certificate: no TLS is offered to "
		    "those who send");
}

static void
check_offer(struct client *k)
{
	const char *level = wiring_get(k, "smtpd_tls_security_level");

	if (*level == '\0' || strcmp(level, "none") == 0) {
		wiring_found(k,
		    k->map->inbound > 0 ? FINDING_FAULT : FINDING_NOTE,
		    "smtpd_tls_security_level",
		    "postconf -e 'smtpd_tls_security_level = may'",
		    "smtpd_tls_security_level is %s: no TLS is offered, so "
		    "that mail from enforced partners would be refused",
		    *level == '\0' ? "empty" : level);
		return;
	}
	if (strcmp(level, "may") != 0)
		wiring_found(k, FINDING_NOTE, "smtpd_tls_security_level",
		    "postconf -e 'smtpd_tls_security_level = may'",
		    "smtpd_tls_security_level is %s: mail without TLS is "
		    "refused from everybody, not only from partners",
		    level);
	check_chain(k);
	if (strcmp(wiring_get(k, "smtpd_tls_loglevel"), "0") == 0)
		wiring_found(k, FINDING_NOTE, "smtpd_tls_loglevel",
		    "postconf -e 'smtpd_tls_loglevel = 1'",
		    "smtpd_tls_loglevel is 0: the log does not show which mail "
		    "came encrypted");
	if (!is_yes(k, "smtpd_tls_received_header"))
		wiring_found(k, FINDING_NOTE, "smtpd_tls_received_header",
		    "postconf -e 'smtpd_tls_received_header = yes'",
		    "smtpd_tls_received_header is no: messages do not say what "
		    "they came by");
}

/* CAs of the web make certificates for servers only. */
static void
check_purpose(struct client *k)
{
	const char *file = wiring_get(k, "smtpd_tls_CAfile");
	bool can = wiring_version(k->c) >= TARGET_VERSION(3, 12);

	if ((strcmp(file, k->map->ca_file) != 0 &&
		!is_yes(k, "tls_append_default_CA")) ||
	    is_yes(k, "tls_trust_server_ccerts"))
		return;
	wiring_found(k, FINDING_NOTE, "smtpd_tls_CAfile",
	    can ? "postconf -e 'tls_trust_server_ccerts = yes', or agree with "
		  "partners on their keys (inbound-verify=key)"
		: "agree with partners on their keys (inbound-verify=key), or "
		  "have Postfix 3.12 and tls_trust_server_ccerts",
	    "inbound-verify=name by public CAs: they make no certificates for "
	    "clients any more (since mid 2026), and Postfix refuses those for "
	    "servers: such partners are refused as soon as they renew");
}

static void
check_ccert(struct client *k)
{
	const struct map_facts *m = k->map;
	const char *file = wiring_get(k, "smtpd_tls_CAfile");
	const char *digest = wiring_get(k, "smtpd_tls_fingerprint_digest");
	char *fix;
	int why;

	if (m->ask_name + m->ask_key == 0)
		return;
	if (!is_yes(k, "smtpd_tls_ask_ccert") &&
	    !is_yes(k, "smtpd_tls_req_ccert"))
		wiring_found(k, FINDING_FAULT, "smtpd_tls_ask_ccert",
		    "postconf -e 'smtpd_tls_ask_ccert = yes'",
		    "inbound-verify of %zu domain%s needs client "
		    "certificates, which nobody is asked for: their mail is "
		    "refused",
		    m->ask_name + m->ask_key,
		    m->ask_name + m->ask_key == 1 ? "" : "s");
	if (m->ask_key > 0 && strcmp(digest, "sha256") != 0)
		wiring_found(k, FINDING_FAULT, "smtpd_tls_fingerprint_digest",
		    "postconf -e 'smtpd_tls_fingerprint_digest = sha256'",
		    "smtpd_tls_fingerprint_digest is %s: the keys of "
		    "inbound-verify=key (SHA-256) match nothing",
		    *digest == '\0' ? "empty" : digest);
	if (m->ask_name == 0)
		return;
	fix = mem_printf("postconf -e 'smtpd_tls_CAfile = %s'", m->ca_file);
	if (*file == '\0' && *wiring_get(k, "smtpd_tls_CApath") == '\0' &&
	    !is_yes(k, "tls_append_default_CA"))
		wiring_found(k, FINDING_FAULT, "smtpd_tls_CAfile", fix,
		    "no CA is trusted for client certificates, so that no name "
		    "in one counts: inbound-verify=name refuses their mail");
	else if (*file != '\0' && (why = k->readable(file, NULL)) != 0)
		wiring_found(k, FINDING_FAULT, "smtpd_tls_CAfile", fix,
		    "%s: %s: Postfix offers no TLS to those who send",
		    quotes(file).s, strerror(why));
	free(fix);
	check_purpose(k);
}

/* Ports at which our own users send are no business of partners. */
static bool
is_submission(const char *service)
{
	static const char *const names[] = {"submission/inet",
	    "submissions/inet", "smtps/inet", "587/inet", "465/inet", NULL};
	size_t i, n = strlen(service), m;

	for (i = 0; names[i] != NULL; i++) {
		m = strlen(names[i]);
		if (n >= m && strcmp(service + n - m, names[i]) == 0 &&
		    (n == m || service[n - m - 1] == ':'))
			return true;
	}
	return false;
}

/*
 * A filter hands mail back there: who sent it, and how, was asked where it
 * came in. Behind a proxy it comes from outside all the same.
 */
static bool
is_reinjection(const struct client *k)
{
	const char *inside = wiring_get(k, "inet_interfaces");
	const char *colon = strrchr(k->service, ':');
	char *host;
	bool is;

	if (*wiring_get(k, "smtpd_upstream_proxy_protocol") != '\0')
		return false;
	if (colon == NULL)
		return strcmp(inside, "loopback-only") == 0;
	host = *k->service == '['
		   ? mem_printf("%.*s", (int)strcspn(k->service + 1, "]"),
			 k->service + 1)
		   : mem_printf("%.*s", (int)(colon - k->service), k->service);
	is = wiring_is_loopback(host);
	free(host);
	return is;
}

void
wiring_check_inbound(struct client *k)
{
	const struct postconf *c = k->c;
	size_t i;

	if (k->map->policy_socket == NULL)
		return;
	if (*k->map->policy_socket == '\0' && k->map->inbound > 0)
		wiring_found(k, FINDING_FAULT, "policy_socket",
		    "set it in tlspact.conf, then tlspact-setup apply",
		    "policy_socket is empty, so that tlspactd answers nobody: "
		    "the inbound rules of %zu domain%s are not enforced",
		    k->map->inbound, k->map->inbound == 1 ? "" : "s");
	for (i = 0; i < c->nservices; i++) {
		if (strcmp(c->service[i].command, "smtpd") != 0 ||
		    is_submission(c->service[i].name))
			continue;
		k->service = c->service[i].name;
		if (is_reinjection(k))
			continue;
		k->chrooted = wiring_is_chrooted(c, c->service[i].chroot);
		check_offer(k);
		check_ccert(k);
		if (*k->map->policy_socket != '\0')
			check_asking(k);
	}
	k->service = NULL;
}
