/* Where tlspactd is asked, what main.cf lacks, and the lines that mend it. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "buf.h"
#include "maincf.h"
#include "mapfacts.h"
#include "postconf.h"
#include "receiver.h"
#include "rewire.h"
#include "target.h"
#include "findings.h"
#include "wiring.h"

#define ASK                                                         \
	"check_policy_service { unix:tlspact/policy, timeout=10s, " \
	"default_action=tlspact_dead }"
#define OPEN                                                        \
	"check_policy_service { unix:tlspact/policy, timeout=10s, " \
	"default_action=DUNNO }"
#define TABLE "cdb:/var/lib/tlspact/policy-inbound"
/* d: a dollar sign, or two in main.cf itself */
#define CLASS(d)                               \
	"check_sender_access unionmap:{" TABLE \
	", pipemap:{regexp:{{/@([^@]+)" d "/ =" d "1}}, " TABLE "}}"
#define BOUNCE(d) \
	"check_client_access pipemap:{regexp:{{/(.+)/ g=" d "1}}, " TABLE "}"
#define MAX_VALUES 40

static char *names[MAX_VALUES], *values[MAX_VALUES];
/* As postconf -x tells it; what is to be written is in the other form. */
static bool plain;
static struct postconf_service services[] = {
    {(char *)(uintptr_t) "smtp/inet", (char *)(uintptr_t) "smtpd", 'y'},
    {(char *)(uintptr_t) "127.0.0.1:submission/inet",
	(char *)(uintptr_t) "smtpd", 'y'},
    {(char *)(uintptr_t) "smtp/unix", (char *)(uintptr_t) "smtp", 'n'},
};
static const struct target target = {.version = TARGET_VERSION(3, 7),
    .sha256 = true};
static const struct map_facts facts = {.path = "/var/lib/tlspact/policy.cdb",
    .inbound_map = "/var/lib/tlspact/policy-inbound.cdb",
    .requiretls_map = "/var/lib/tlspact/policy-requiretls.cdb",
    .ca_file = "/ca.pem",
    .policy_socket = "/spool/tlspact/policy",
    .socketmap_socket = "/spool/tlspact/socketmap",
    .rows = 1,
    .system_ca = 1,
    .inbound = 1,
    .postfix = TARGET_VERSION(3, 7)};

/* A good configuration. */
static const char *const good[][2] = {
    {"mail_version", "3.7.11"},
    {"mail_owner", "postfix"},
    {"compatibility_level", "3.6"},
    {"queue_directory", "/spool"},
    {"smtp_tls_CAfile", "/ca.pem"},
    {"smtp_tls_fingerprint_digest", "sha256"},
    {"smtp_tls_loglevel", "1"},
    {"smtp_tls_policy_maps", "cdb:/var/lib/tlspact/policy"},
    {"smtp_tls_security_level", "may"},
    {"smtp_tls_session_cache_database", ""},
    {"smtpd_delay_reject", "yes"},
    {"smtpd_policy_service_timeout", "100s"},
    {"smtpd_policy_service_default_action",
	"451 4.3.5 Server configuration problem"},
    {"smtpd_recipient_restrictions", ASK},
    {"smtpd_relay_restrictions",
	"permit_mynetworks, reject_unauth_destination"},
    {"smtpd_restriction_classes", "mine, tlspact_dead, tlspact_bounce"},
    {"smtpd_tls_chain_files", "/server.pem"},
    {"smtpd_tls_fingerprint_digest", "sha256"},
    {"smtpd_tls_loglevel", "1"},
    {"smtpd_tls_received_header", "yes"},
    {"smtpd_tls_security_level", "may"},
    {"tlspact_dead", CLASS("$")},
    {"tlspact_bounce", BOUNCE("$")},
};

static struct postconf
conf_with(const char *name, const char *value)
{
	struct postconf c = {.name = names, .value = values};
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		names[i] = (char *)(uintptr_t)good[i][0];
		values[i] = (char *)(uintptr_t)good[i][1];
		if (plain && strcmp(names[i], "tlspact_dead") == 0)
			values[i] = (char *)(uintptr_t)CLASS("$$");
		if (plain && strcmp(names[i], "tlspact_bounce") == 0)
			values[i] = (char *)(uintptr_t)BOUNCE("$$");
		if (name != NULL && strcmp(name, names[i]) == 0) {
			values[i] = (char *)(uintptr_t)value;
			name = NULL;
		}
	}
	if (name != NULL) {
		names[i] = (char *)(uintptr_t)name;
		values[i++] = (char *)(uintptr_t)value;
	}
	c.n = i;
	c.service = services;
	c.nservices = COUNT(services);
	c.tables = (char *)(uintptr_t) "cdb\n";
	return c;
}

static int
readable(const char *path, const char *owner)
{
	(void)owner;
	return strstr(path, "missing") != NULL ? ENOENT : 0;
}

static bool
same(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || strcmp(a, "/link.pem") == 0;
}

static const char *closed; /* the socket that Postfix may not open */

static int
opens(const char *root, const char *path, const char *user)
{
	assert_string_equal(root, "/spool");
	assert_string_equal(user, "postfix");
	return closed != NULL && strcmp(path, closed) == 0 ? EACCES : 0;
}

static void
test_inbound(void **state)
{
	static const struct {
		const char *name, *parameter, *value;
		const char *fault; /* NULL: none */
		const char *note;  /* NULL: none */
	} cases[] = {
	    {"good", NULL, NULL, NULL, NULL},
	    {"none", "smtpd_tls_security_level", "none", "no TLS is offered",
		NULL},
	    {"encrypt", "smtpd_tls_security_level", "encrypt", NULL,
		"refused from everybody"},
	    {"no chain", "smtpd_tls_chain_files", "",
		"there is no server certificate", NULL},
	    {"a missing chain", "smtpd_tls_chain_files",
		"/server.pem, /missing.pem", "no TLS is offered to those",
		NULL},
	    {"not asked", "smtpd_recipient_restrictions", "permit_mynetworks",
		"tlspactd is not asked", NULL},
	    {"another policy server", "smtpd_recipient_restrictions",
		"check_policy_service unix:private/policy-spf",
		"tlspactd is not asked", NULL},
	    {"behind others", "smtpd_recipient_restrictions",
		"check_policy_service unix:private/policy-spf, " ASK, NULL,
		NULL},
	    {"in the sender list", "smtpd_recipient_restrictions", "",
		"tlspactd is not asked", NULL},
	    {"after permit_mynetworks", "smtpd_recipient_restrictions",
		"permit_mynetworks," ASK, NULL, NULL},
	    {"after permit", "smtpd_recipient_restrictions", "permit, " ASK,
		"stands behind an unconditional", NULL},
	    {"before the guard", "smtpd_relay_restrictions",
		ASK ", reject_unauth_destination", "comes before", NULL},
	    {"behind the guard", "smtpd_relay_restrictions",
		"reject_unauth_destination, " ASK, NULL, NULL},
	    {"no guard", "smtpd_relay_restrictions", "", "comes before", NULL},
	    {"slow and closed", "smtpd_recipient_restrictions",
		"check_policy_service unix:tlspact/policy",
		"while tlspactd is down", "holds each client for 100s"},
	    {"outside", "smtpd_recipient_restrictions",
		"check_policy_service { unix:/spool/tlspact/policy, "
		"timeout=5s, default_action=tlspact_dead }",
		"cannot reach that socket", NULL},
	    {"open while it is down", "smtpd_recipient_restrictions", OPEN,
		"while tlspactd is down the inbound rules of 1 domain", NULL},
	    {"no classes", "smtpd_restriction_classes", "tlspact_bounce",
		"is not in main.cf as tlspact-setup writes it", NULL},
	    {"another class", "tlspact_dead",
		"check_sender_access cdb:/var/lib/tlspact/policy-inbound",
		"is not in main.cf as tlspact-setup writes it", NULL},
	    {"a class with more", "tlspact_dead", CLASS("$") ", reject_x", NULL,
		NULL},
	    {"no bounces", "tlspact_bounce", "permit",
		"is not in main.cf as tlspact-setup writes it", NULL},
	    {"at DATA", "smtpd_data_restrictions", ASK, NULL, NULL},
	    {"at ETRN", "smtpd_etrn_restrictions", ASK, NULL, NULL},
	    {"no log", "smtpd_tls_loglevel", "0", NULL,
		"smtpd_tls_loglevel is 0"},
	    {"no header", "smtpd_tls_received_header", "no", NULL,
		"do not say what they came by"},
	    {"md5 without pins", "smtpd_tls_fingerprint_digest", "md5", NULL,
		NULL},
	    {"socketmap", "smtp_tls_policy_maps",
		"socketmap:unix:/spool/tlspact/socketmap:x", NULL,
		"all mail is deferred"},
	    {"debug", "smtp_tls_policy_maps",
		"debug:cdb:/var/lib/tlspact/policy", NULL, NULL},
	    {"debug by proxymap", "smtp_tls_policy_maps",
		"debug:proxy:cdb:/var/lib/tlspact/policy", NULL, NULL},
	    {"debug of another", "smtp_tls_policy_maps",
		"debug:cdb:/var/lib/tlspact/other", "no partner rule is obeyed",
		NULL},
	    {"another socketmap", "smtp_tls_policy_maps",
		"socketmap:unix:tlspact/other:x", "no partner rule is obeyed",
		NULL},
	};
	struct findings f;
	struct postconf c;
	const char *fault, *note;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		c = conf_with(cases[i].parameter, cases[i].value);
		wiring_check(&c, &facts, readable, same, opens, &f);
		fault = note = NULL;
		for (k = 0; k < f.n; k++)
			if (f.v[k].kind == FINDING_FAULT)
				fault = f.v[k].what;
			else
				note = f.v[k].what;
		if (cases[i].fault == NULL)
			check_str(cases[i].name, fault, NULL);
		else
			check_has(cases[i].name, fault, cases[i].fault);
		if (cases[i].note == NULL)
			check_str(cases[i].name, note, NULL);
		else
			check_has(cases[i].name, note, cases[i].note);
		findings_release(&f);
	}
}

/* What keeps smtp(8) from the TLS that it could have. */
static void
test_sending(void **state)
{
	static const struct {
		const char *name, *value;
		const char *what; /* of the only finding; NULL: none */
		const char *fix;
		bool note;
	} cases[] = {
	    {"smtp_discard_ehlo_keywords", "", NULL, NULL, false},
	    {"smtp_discard_ehlo_keywords", "dsn, pipelining", NULL, NULL,
		false},
	    {"smtp_discard_ehlo_keywords", "dsn, STARTTLS silent-discard",
		"has starttls: mail to enforced partners is held",
		"'smtp_discard_ehlo_keywords = dsn, silent-discard'", false},
	    {"smtp_never_send_ehlo", "yes", "HELO knows no STARTTLS",
		"smtp_never_send_ehlo = no", false},
	    {"smtp_always_send_ehlo", "no", "does not say ESMTP",
		"smtp_always_send_ehlo = yes", false},
	    {"smtp_tls_exclude_ciphers", "RC4, 3DES:aNULL", NULL, NULL, false},
	    {"smtp_tls_exclude_ciphers", "aECDSA",
		"smtp_tls_exclude_ciphers is \"aECDSA\": with gateways of "
		"TLS 1.2 and an ECDSA certificate",
		"'smtp_tls_exclude_ciphers ='", false},
	    {"smtp_tls_mandatory_exclude_ciphers", "DSS ECDHE",
		"TLS 1.2 and any certificate",
		"'smtp_tls_mandatory_exclude_ciphers ='", false},
	    {"tls_medium_cipherlist", "aRSA+kEECDH+HIGH",
		"tls_medium_cipherlist is \"aRSA+kEECDH+HIGH\"",
		"postconf -X tls_medium_cipherlist", false},
	    {"tls_medium_cipherlist", "no such list",
		"TLS 1.2 and any certificate",
		"postconf -X tls_medium_cipherlist", false},
	    {"smtp_tls_CAfile", "/own.pem", "probes go by the CAs of",
		"set ca_file = /own.pem in tlspact.conf", false},
	    {"smtp_tls_CAfile", "/link.pem", NULL, NULL, false},
	    {"requiretls_enable", "no", NULL, NULL, false},
	    {"requiretls_enable", "yes", "is returned, not held",
		"opportunistic", true},
	};
	struct postconf c;
	struct findings f;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		c = conf_with(cases[i].name, cases[i].value);
		for (n = 0; n < 2; n++) {
			static const char *const lists[] = {
			    "tls_medium_cipherlist", "tls_high_cipherlist"};

			if (strcmp(lists[n], cases[i].name) == 0)
				continue;
			names[c.n] = (char *)(uintptr_t)lists[n];
			values[c.n++] = (char *)(uintptr_t) "HIGH:MEDIUM";
		}
		wiring_check(&c, &facts, readable, same, opens, &f);
		check_int(cases[i].value, f.n, cases[i].what != NULL);
		check_int(cases[i].value, f.faults,
		    cases[i].what != NULL && !cases[i].note);
		if (f.n > 0 && cases[i].what != NULL) {
			check_has(cases[i].name, f.v[0].what, cases[i].what);
			check_has(cases[i].name, f.v[0].fix, cases[i].fix);
		}
		findings_release(&f);
	}
}

static void
test_client_certificates(void **state)
{
	struct map_facts asks = facts;
	struct postconf c = conf_with("smtpd_tls_ask_ccert", "no");
	struct findings f;

	(void)state;
	asks.ask_name = 1;
	wiring_check(&c, &asks, readable, same, opens, &f);
	assert_int_equal(f.faults, 2); /* not asked, and no CA */
	findings_release(&f);
	c = conf_with("smtpd_tls_fingerprint_digest", "md5");
	/* A bare key has no name, and is a key. */
	names[c.n] = (char *)(uintptr_t) "smtpd_tls_enable_rpk";
	values[c.n++] = (char *)(uintptr_t) "yes";
	wiring_check(&c, &asks, readable, same, opens, &f);
	assert_int_equal(f.faults, 3); /* nor asked, nor a CA */
	check_has("rpk", f.v[0].fix, "smtpd_tls_ask_ccert = yes");
	check_has("rpk", f.v[1].fix, "'smtpd_tls_enable_rpk = no'");
	findings_release(&f);
	asks.ask_name = 0;
	asks.ask_key = 1;
	wiring_check(&c, &asks, readable, same, opens, &f);
	assert_int_equal(f.faults, 2); /* not asked, and the digest */
	findings_release(&f);
}

/* "name = value" of the line of that name. */
static const char *
line(const struct rewire_lines *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->v[i].name, name) == 0)
			return w->v[i].value;
	return NULL;
}

/* Public CAs make certificates for servers only, which 3.12 can take. */
static void
test_purpose(void **state)
{
	static const struct {
		const char *name, *file, *version, *trust, *append;
		const char *fix; /* NULL: no note */
	} cases[] = {
	    {"their own CA", "/client-ca.pem", "3.7.11", "", "no", NULL},
	    {"public ones", "/ca.pem", "3.7.11", "", "no",
		"agree with partners on their keys"},
	    {"the library's", "/client-ca.pem", "3.7.11", "", "yes",
		"agree with partners on their keys"},
	    {"3.12", "/ca.pem", "3.12.0", "no", "no",
		"postconf -e 'tls_trust_server_ccerts = yes'"},
	    {"3.12, as it should be", "/ca.pem", "3.12.0", "yes", "no", NULL},
	};
	struct map_facts asks = facts;
	struct target newest = target;
	struct rewire_lines w;
	struct postconf c;
	struct findings f;
	size_t i, n;

	(void)state;
	asks.ask_name = 1;
	for (i = 0; i < COUNT(cases); i++) {
		c = conf_with("mail_version", cases[i].version);
		for (n = 0; n < 4; n++) {
			static const char *const more[] = {"smtpd_tls_CAfile",
			    "tls_trust_server_ccerts", "tls_append_default_CA",
			    "smtpd_tls_ask_ccert"};

			names[c.n] = (char *)(uintptr_t)more[n];
			values[c.n++] =
			    (char *)(uintptr_t)(n == 0	 ? cases[i].file
						: n == 1 ? cases[i].trust
						: n == 2 ? cases[i].append
							 : "yes");
		}
		wiring_check(&c, &asks, readable, same, opens, &f);
		check_int(cases[i].name, f.faults, 0);
		check_int(cases[i].name, f.n, cases[i].fix != NULL);
		if (cases[i].fix != NULL)
			check_has(cases[i].name, f.v[0].fix, cases[i].fix);
		findings_release(&f);
	}
	rewire_want(NULL, &asks, &newest, &w);
	assert_null(line(&w, "tls_trust_server_ccerts"));
	assert_null(line(&w, "smtpd_tls_enable_rpk"));
	rewire_lines_release(&w);
	newest.version = TARGET_VERSION(3, 12);
	rewire_want(NULL, &asks, &newest, &w);
	assert_string_equal(line(&w, "tls_trust_server_ccerts"), "yes");
	assert_string_equal(line(&w, "smtpd_tls_enable_rpk"), "no");
	rewire_lines_release(&w);
}

/* Who is never refused needs no warning; our table must be the first. */
static void
test_requiretls(void **state)
{
#define WORDS "cdb:/var/lib/tlspact/policy-requiretls"
	static const struct {
		size_t words; /* in the map */
		const char *policy, *enable, *what, *want;
	} cases[] = {
	    {0, "opportunistic", "yes", NULL, NULL},
	    {0, "enforce", "yes", "is returned, not held", NULL},
	    {0, "enforce", "no", NULL, NULL},
	    {2, "debug:" WORDS ", enforce", "yes", NULL, WORDS ", enforce"},
	    {2, "inline:{ {a = b}, {c = d} }, " WORDS, "yes",
		"has for 2 domains is not obeyed",
		WORDS ", inline:{ {a = b}, {c = d} }"},
	    {2, "enforce", "no", NULL, WORDS ", enforce"},
	};
	struct target newest = target;
	struct map_facts says = facts;
	struct rewire_lines w;
	struct postconf c;
	struct findings f;
	size_t i;

	(void)state;
	newest.version = TARGET_REQUIRETLS;
	for (i = 0; i < COUNT(cases); i++) {
		says.requiretls = cases[i].words;
		c = conf_with("requiretls_enable", cases[i].enable);
		names[c.n] = (char *)(uintptr_t) "smtp_requiretls_policy";
		values[c.n++] = (char *)(uintptr_t)cases[i].policy;
		wiring_check(&c, &says, readable, same, opens, &f);
		check_int(cases[i].policy, f.n, cases[i].what != NULL);
		check_int(cases[i].policy, f.faults,
		    cases[i].what != NULL && cases[i].words > 0);
		if (f.n > 0 && cases[i].what != NULL)
			check_has(cases[i].policy, f.v[0].what, cases[i].what);
		findings_release(&f);
		rewire_want(&c, &says, &newest, &w);
		check_str(cases[i].policy, line(&w, "smtp_requiretls_policy"),
		    cases[i].want);
		rewire_lines_release(&w);
	}
	/* Nothing is known of main.cf: Postfix's own is kept behind it. */
	rewire_want(NULL, &says, &newest, &w);
	check_has("preset", line(&w, "smtp_requiretls_policy"),
	    WORDS ", inline:{{${domain_to_ascii{$mydomain}}=opportunistic}");
	rewire_lines_release(&w);
	/* It is not there. */
	says.requiretls_map = "/missing.cdb";
	c = conf_with("requiretls_enable", "no");
	wiring_check(&c, &says, readable, same, opens, &f);
	assert_int_equal(f.faults, 1);
	check_has("gone", f.v[0].what, "is held without it");
	findings_release(&f);
}

static void
test_lines(void **state)
{
	static const struct {
		const char *parameter, *have, *want;
	} cases[] = {
	    {"smtpd_recipient_restrictions", "", ASK},
	    {"smtpd_recipient_restrictions", "reject_x", ASK ", reject_x"},
	    {"smtpd_recipient_restrictions", "reject_x, " ASK,
		"reject_x, " ASK},
	    {"smtpd_recipient_restrictions", "reject_x, " OPEN " , y",
		"reject_x, " ASK ", y"},
	    {"smtpd_recipient_restrictions",
		"check_policy_service unix:/spool/tlspact/policy",
		"check_policy_service { unix:/spool/tlspact/policy, "
		"default_action=tlspact_dead }"},
	    {"smtpd_recipient_restrictions",
		"check_policy_service unix:private/spf",
		ASK ", check_policy_service unix:private/spf"},
	    {"smtpd_restriction_classes", "", "tlspact_dead, tlspact_bounce"},
	    {"smtpd_restriction_classes", "a tlspact_bounce",
		"a tlspact_bounce, tlspact_dead"},
	    {"tlspact_dead", "permit", CLASS("$$")},
	    {"tlspact_bounce", "permit", BOUNCE("$$")},
	    {"smtp_tls_policy_maps", "inline:{ {a = b, c}, d=e } hash:/x",
		"cdb:/var/lib/tlspact/policy, inline:{ {a = b, c}, d=e }, "
		"hash:/x"},
	    {"smtp_tls_policy_maps", "proxy:cdb:/var/lib/tlspact/policy",
		"cdb:/var/lib/tlspact/policy"},
	    {"smtp_tls_security_level", "", "may"},
	    {"smtp_tls_security_level", "none", "may"},
	    {"smtp_tls_security_level", "dane", "dane"},
	    {"smtpd_tls_security_level", "encrypt", "encrypt"},
	    {"smtpd_tls_security_level", "", "may"},
	    {"smtp_tls_CAfile", "", "/ca.pem"},
	    {"smtp_tls_CAfile", "/mine.pem", "/mine.pem"},
	    {"smtp_tls_loglevel", "0", "1"},
	    {"smtp_tls_loglevel", "2", "2"},
	    {"smtp_tls_session_cache_database", "btree:x", ""},
	};
	struct rewire_lines w;
	struct postconf c;
	struct buf diff = {0};
	size_t i;

	(void)state;
	plain = true;
	for (i = 0; i < COUNT(cases); i++) {
		c = conf_with(cases[i].parameter, cases[i].have);
		rewire_want(&c, &facts, &target, &w);
		check_str(
		    cases[i].have, line(&w, cases[i].parameter), cases[i].want);
		rewire_lines_release(&w);
	}
	/* No guard but the one in the same list: behind it. */
	c = conf_with("smtpd_relay_restrictions", "");
	values[13] = (char *)(uintptr_t) "reject_unauth_destination, permit";
	assert_string_equal(names[13], "smtpd_recipient_restrictions");
	rewire_want(&c, &facts, &target, &w);
	assert_string_equal(line(&w, "smtpd_recipient_restrictions"),
	    "reject_unauth_destination, " ASK ", permit");
	assert_int_equal(rewire_diff(&w, &diff), 1);
	assert_string_equal(diff.data,
	    "- smtpd_recipient_restrictions = reject_unauth_destination, "
	    "permit\n+ smtpd_recipient_restrictions = "
	    "reject_unauth_destination, " ASK ", permit\n");
	rewire_lines_release(&w);
	buf_free(&diff);
	/* Nothing is known. */
	rewire_want(NULL, &facts, &target, &w);
	assert_string_equal(
	    line(&w, "smtp_tls_policy_maps"), "cdb:/var/lib/tlspact/policy");
	rewire_lines_release(&w);
	/* A good one needs no change. */
	c = conf_with(NULL, NULL);
	rewire_want(&c, &facts, &target, &w);
	assert_int_equal(rewire_diff(&w, &diff), 0);
	rewire_lines_release(&w);
	/* It stays where it is asked. */
	c = conf_with("smtpd_sender_restrictions", "x, " OPEN);
	values[13] = (char *)(uintptr_t) "";
	rewire_want(&c, &facts, &target, &w);
	assert_string_equal(line(&w, "smtpd_sender_restrictions"), "x, " ASK);
	assert_null(line(&w, "smtpd_recipient_restrictions"));
	rewire_lines_release(&w);
	buf_free(&diff);
	plain = false;
}

/* Versions, and the forms of the setting. */
static void
test_ask(void **state)
{
	static const struct {
		const char *socket;
		unsigned version;
		const char *ask;
	} cases[] = {
	    {"/spool/tlspact/policy", TARGET_VERSION(3, 7), ASK},
	    {"/spool/tlspact/policy", TARGET_VERSION(3, 6), OPEN},
	    {"/spool/tlspact/policy", TARGET_VERSION(2, 11),
		"check_policy_service unix:tlspact/policy"},
	    {"unix:/spool/tlspact/policy", TARGET_VERSION(3, 7), ASK},
	    {"/run/x", TARGET_VERSION(2, 11),
		"check_policy_service unix:/run/x"},
	    {"inet:127.0.0.1:10999", TARGET_VERSION(3, 10),
		"check_policy_service { inet:127.0.0.1:10999, timeout=10s, "
		"default_action=tlspact_dead }"},
	    {"inet:[::]:10999", TARGET_VERSION(2, 11),
		"check_policy_service inet:127.0.0.1:10999"},
	};
	char *ask;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		ask = asking_words(cases[i].socket, "/spool", cases[i].version);
		check_str(cases[i].socket, ask, cases[i].ask);
		free(ask);
	}
}

static void
test_services(void **state)
{
	static const struct {
		const char *service, *setting;
		bool is;
	} cases[] = {
	    {"unix:tlspact/policy", "/spool/tlspact/policy", true},
	    {"unix:/spool/tlspact/policy", "/spool/tlspact/policy", true},
	    {"unix:tlspact/policy", "unix:/spool/tlspact/policy", true},
	    {"unix:/spool/tlspact/policy", "unix:/spool/tlspact/policy", true},
	    {"unix:policy", "/spool/tlspact/policy", false},
	    {"unix:/run/policy", "unix:/run/policy", true},
	    {"inet:127.0.0.1:10999", "inet:127.0.0.1:10999", true},
	    {"inet:localhost:10999", "inet:127.0.0.1:10999", true},
	    {"inet:127.0.0.1:10999", "inet:localhost:10999", true},
	    {"inet:10999", "inet:127.0.0.1:10999", true},
	    {"inet:[::1]:10999", "inet:[::1]:10999", true},
	    {"inet:[::1]:10999", "inet:[::]:10999", true},
	    {"inet:192.0.2.1:10999", "inet:0.0.0.0:10999", true},
	    {"inet:127.0.0.1:10999", "inet:[::1]:10999", false},
	    {"inet:127.0.0.1:10998", "inet:127.0.0.1:10999", false},
	    {"inet:192.0.2.1:10999", "inet:127.0.0.1:10999", false},
	    {"unix:inet:127.0.0.1:10999", "inet:127.0.0.1:10999", false},
	    {"unix:", "", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		check_int(cases[i].service,
		    maincf_is_service(maincf_text(cases[i].service),
			cases[i].setting, "/spool"),
		    cases[i].is);
}

/* Whoever runs us may open a socket of ours; may Postfix? */
static void
test_closed(void **state)
{
	static const struct {
		const char *name, *parameter, *value;
		const char *closed; /* as Postfix would open it */
		const char *where;  /* NULL: that is no fault */
	} cases[] = {
	    {"policy", NULL, NULL, "tlspact/policy", "policy_socket"},
	    {"no socketmap asked", NULL, NULL, "tlspact/socketmap", NULL},
	    {"not asked", "smtpd_recipient_restrictions", "permit_mynetworks",
		"tlspact/policy", NULL},
	    {"socketmap", "smtp_tls_policy_maps",
		"socketmap:unix:tlspact/socketmap:x", "tlspact/socketmap",
		"socketmap_socket"},
	    {"by proxymap", "smtp_tls_policy_maps",
		"proxy:socketmap:unix:tlspact/socketmap:x", "tlspact/socketmap",
		"socketmap_socket"},
	    {"by its whole path", "smtp_tls_policy_maps",
		"socketmap:unix:/spool/tlspact/socketmap:x",
		"/spool/tlspact/socketmap", "socketmap_socket"},
	};
	const char *where;
	struct findings f;
	struct postconf c;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		closed = cases[i].closed;
		c = conf_with(cases[i].parameter, cases[i].value);
		wiring_check(&c, &facts, readable, same, opens, &f);
		where = NULL;
		for (k = 0; k < f.n; k++) {
			if (strstr(f.v[k].what, "Permission denied") == NULL)
				continue;
			assert_int_equal(f.v[k].kind, FINDING_FAULT);
			where = f.v[k].where;
			check_has(cases[i].name, f.v[k].what,
			    "Postfix (user postfix) may not open "
			    "\"/spool/tlspact/");
			check_has(cases[i].name, f.v[k].fix, "socket_group");
		}
		check_str(cases[i].name, where, cases[i].where);
		findings_release(&f);
	}
	closed = NULL;
}

/* A table of socketmap by either kind of socket. */
static void
test_socketmaps(void **state)
{
	static const struct {
		const char *setting, *table;
		bool is;
	} cases[] = {
	    {"inet:127.0.0.1:8461", "socketmap:inet:127.0.0.1:8461:policy",
		true},
	    {"inet:127.0.0.1:8461",
		"proxy:socketmap:inet:localhost:8461:policy", true},
	    {"inet:127.0.0.1:8461", "socketmap:inet:127.0.0.1:8462:policy",
		false},
	    {"unix:/spool/s", "socketmap:unix:s:x", true},
	    {"unix:/spool/s", "socketmap:unix:/spool/s:x", true},
	    {"", "socketmap:unix:s:x", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		check_int(cases[i].table,
		    maincf_is_socketmap(maincf_text(cases[i].table),
			cases[i].setting, "/spool"),
		    cases[i].is);
}

static void
check_several(struct postconf *c, struct findings *f)
{
	static struct postconf_service several[] = {
	    {(char *)(uintptr_t) "smtp/inet", (char *)(uintptr_t) "smtpd", 'n'},
	    {(char *)(uintptr_t) "127.0.0.1:10025/inet",
		(char *)(uintptr_t) "smtpd", 'n'},
	    {(char *)(uintptr_t) "[::1]:10026/inet",
		(char *)(uintptr_t) "smtpd", 'n'},
	    {(char *)(uintptr_t) "2525/inet", (char *)(uintptr_t) "smtpd", 'n'},
	    {(char *)(uintptr_t) "2526/inet", (char *)(uintptr_t) "smtpd", 'n'},
	    {(char *)(uintptr_t) "smtp/unix", (char *)(uintptr_t) "smtp", 'n'},
	};

	c->service = several;
	c->nservices = COUNT(several);
	wiring_check(c, &facts, readable, same, opens, f);
}

/* Services with options of their own, and those that are nobody's business. */
static void
test_master(void **state)
{
	struct postconf c;
	struct findings f;

	(void)state;
	c = conf_with("127.0.0.1:10025/inet/smtpd_recipient_restrictions",
	    "permit_mynetworks,reject");
	check_several(&c, &f);
	assert_int_equal(f.n, 0);
	findings_release(&f);

	/* Behind a proxy on this host mail comes from outside. */
	c = conf_with("127.0.0.1:10025/inet/smtpd_recipient_restrictions",
	    "permit_mynetworks, reject");
	names[c.n] = (char *)(uintptr_t) "smtpd_upstream_proxy_protocol";
	values[c.n++] = (char *)(uintptr_t) "haproxy";
	check_several(&c, &f);
	assert_int_equal(f.faults, 1);
	assert_string_equal(f.v[0].where,
	    "smtpd_recipient_restrictions (127.0.0.1:10025/inet)");
	assert_string_equal(f.v[0].fix,
	    "postconf -P '127.0.0.1:10025/inet/smtpd_recipient_restrictions="
	    "check_policy_service,{unix:tlspact/policy,timeout=10s,"
	    "default_action=tlspact_dead},permit_mynetworks,reject'");
	findings_release(&f);

	/* All services are named, and each is mended where it is set. */
	c = conf_with("smtpd_recipient_restrictions", "permit_mynetworks");
	names[c.n] =
	    (char *)(uintptr_t) "2526/inet/smtpd_recipient_restrictions";
	values[c.n++] = (char *)(uintptr_t) "";
	check_several(&c, &f);
	assert_int_equal(f.faults, 2);
	assert_string_equal(f.v[0].where,
	    "smtpd_recipient_restrictions (smtp/inet, 2525/inet)");
	assert_string_equal(f.v[0].fix,
	    "postconf -e 'smtpd_recipient_restrictions = " ASK
	    ", permit_mynetworks'");
	assert_string_equal(
	    f.v[1].where, "smtpd_recipient_restrictions (2526/inet)");
	assert_string_equal(f.v[1].fix,
	    "postconf -P '2526/inet/smtpd_recipient_restrictions="
	    "check_policy_service,{unix:tlspact/policy,timeout=10s,"
	    "default_action=tlspact_dead}'");
	findings_release(&f);
}

/* At which stage the sender is known depends on smtpd_delay_reject. */
static void
test_stages(void **state)
{
	static const struct {
		const char *list, *delay;
		const char *fault; /* NULL: none */
	} cases[] = {
	    {"smtpd_client_restrictions", "yes", NULL},
	    {"smtpd_helo_restrictions", "yes", NULL},
	    {"smtpd_sender_restrictions", "yes", NULL},
	    {"smtpd_client_restrictions", "no", "before the sender is known"},
	    {"smtpd_helo_restrictions", "no", "before the sender is known"},
	    {"smtpd_sender_restrictions", "no", NULL},
	    {"smtpd_data_restrictions", "no", NULL},
	    {"smtpd_end_of_data_restrictions", "no", NULL},
	    {"smtpd_etrn_restrictions", "yes", "about ETRN only"},
	};
	struct postconf c;
	struct findings f;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		c = conf_with("smtpd_delay_reject", cases[i].delay);
		for (n = 0; strcmp(names[n], "smtpd_recipient_restrictions");
		     n++)
			;
		values[n] = (char *)(uintptr_t) "";
		names[c.n] = (char *)(uintptr_t)cases[i].list;
		values[c.n++] = (char *)(uintptr_t)ASK;
		wiring_check(&c, &facts, readable, same, opens, &f);
		if (cases[i].fault == NULL)
			check_int(cases[i].list, f.n, 0);
		else
			check_has(cases[i].list, f.n == 0 ? "" : f.v[0].what,
			    cases[i].fault);
		findings_release(&f);
	}
}

static void
test_words(void **state)
{
	static const struct {
		const char *list, *first, *rest;
	} cases[] = {
	    {"", "", ""},
	    {" , a,b", "a", "b"},
	    {"a", "a", ""},
	    {"{ a, {b} c }, d", "{ a, {b} c }", "d"},
	    {"inline:{a=b, c} d", "inline:{a=b, c}", "d"},
	    {"{ never closed, a", "{ never closed, a", ""},
	    {"} a", "}", "a"},
	};
	struct span rest, word;
	char *sock;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		rest = maincf_text(cases[i].list);
		check_int(cases[i].list, postconf_word(&rest, &word),
		    *cases[i].first != '\0');
		check_true(cases[i].list,
		    span_same(word, maincf_text(cases[i].first)));
		check_true(
		    cases[i].list, span_same(rest, maincf_text(cases[i].rest)));
	}
	sock = maincf_service("/spool/a/b", "/spool/");
	assert_string_equal(sock, "unix:a/b");
	free(sock);
	sock = maincf_service("/spooler/b", "/spool");
	assert_string_equal(sock, "unix:/spooler/b");
	free(sock);
}

/* Do those who take mail from other hosts ask? */
static void
test_receivers(void **state)
{
	static const struct {
		const char *name, *value;
		enum receiver_asks asks;
	} cases[] = {
	    {NULL, NULL, RECEIVER_ASKS},
	    {"smtpd_recipient_restrictions", "permit_mynetworks",
		RECEIVER_ASKS_NOT},
	    {"smtpd_recipient_restrictions", "permit, " ASK, RECEIVER_ASKS_NOT},
	    {"inet_interfaces", "loopback-only", RECEIVER_NONE},
	};
	struct postconf c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		c = conf_with(cases[i].name, cases[i].value);
		check_int(cases[i].value,
		    receiver_asks(&c, facts.policy_socket), cases[i].asks);
	}
}

/* postconf -P takes no blanks. */
static void
test_fix_of_option(void **state)
{
	char name[] = "a/inet/list", value[] = "x";
	char *option = name, *is = value;
	struct postconf c = {.name = &option, .value = &is, .n = 1};
	struct findings f = {.c = &c, .service = "a/inet"};

	(void)state;
	findings_add(&f, FINDING_FAULT, "list",
	    "postconf -e 'list =  a , b { c, d }  { { e } }f', then reload",
	    "%s", "what");
	assert_string_equal(f.v[0].fix,
	    "postconf -P 'a/inet/list=a,b,{c,d},{{e}}f', then reload");
	assert_string_equal(f.v[0].where, "list (a/inet)");
	findings_add(&f, FINDING_FAULT, "other", "postconf -e 'other = a b'",
	    "%s", "else");
	assert_string_equal(f.v[1].fix, "postconf -e 'other = a b'");
	assert_int_equal(f.faults, 2);
	findings_release(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inbound),
	    cmocka_unit_test(test_sending),
	    cmocka_unit_test(test_client_certificates),
	    cmocka_unit_test(test_purpose),
	    cmocka_unit_test(test_requiretls),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_ask),
	    cmocka_unit_test(test_services),
	    cmocka_unit_test(test_closed),
	    cmocka_unit_test(test_socketmaps),
	    cmocka_unit_test(test_master),
	    cmocka_unit_test(test_stages),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_receivers),
	    cmocka_unit_test(test_fix_of_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
