#include "own.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "buf.h"
#include "dname.h"
#include "err.h"
#include "file.h"
#include "findings.h"
#include "life.h"
#include "maincf.h"
#include "mem.h"
#include "mxdns.h"
#include "num.h"
#include "postconf.h"
#include "quote.h"
#include "settings.h"
#include "tlsversion.h"
#include "x509.h"

#define SANS 8 /* names of a certificate that are told */
#define FILES_MAX 16
#define DOMAINS_MAX 8 /* of ours that the DNS is asked for */
#define TEXTS 2	      /* TXT records of each */

const char *const own_state_names[] = {"open", "good", "watch", "bad"};

/* Put one more; name is copied. */
static void __attribute__((format(printf, 5, 6)))
add(struct own *o, const char *what, const char *name, enum own_state state,
    const char *fmt, ...)
{
	va_list ap;

	o->v = mem_grow(o->v, o->n, &o->cap, sizeof(*o->v));
	va_start(ap, fmt);
	o->v[o->n++] = (struct own_item){.what = what,
	    .name = mem_dup(name),
	    .state = state,
	    .text = mem_vprintf(fmt, ap)};
	va_end(ap);
}

void
own_release(struct own *o)
{
	size_t i;

	for (i = 0; i < o->n; i++) {
		free(o->v[i].name);
		free(o->v[i].text);
	}
	free(o->v);
	for (i = 0; i < o->ncerts; i++) {
		keychain_release(&o->cert[i].k, 1);
		free(o->cert[i].where);
	}
}

/* --- Certificates --------------------------------------------------------- */

/* The parameters of one side of Postfix. */
static const struct side {
	const char *what, *program, *chain;
	const char *cert[3], *key[3];
} sides[] = {
    {"server certificate", "smtpd", "smtpd_tls_chain_files",
	{"smtpd_tls_cert_file", "smtpd_tls_eccert_file",
	    "smtpd_tls_dcert_file"},
	{"smtpd_tls_key_file", "smtpd_tls_eckey_file", "smtpd_tls_dkey_file"}},
    {"client certificate", "smtp", "smtp_tls_chain_files",
	{"smtp_tls_cert_file", "smtp_tls_eccert_file", "smtp_tls_dcert_file"},
	{"smtp_tls_key_file", "smtp_tls_eckey_file", "smtp_tls_dkey_file"}},
};

static bool
is_set(const char *value)
{
	return *value != '\0' && strcmp(value, "none") != 0;
}

/* What is told of a certificate: whose it is, its key, and how long it lasts.
 * The one of its chain that ends first is put into *begins and *ends. */
static void
put_chain(const struct keychain *k, time_t now, struct buf *out, time_t *begins,
    time_t *ends)
{
	struct x509_info leaf, x;
	char day[NUM_TIME_MAX];
	int i, share;

	x509_info(sk_X509_value(k->chain, 0), &leaf);
	*begins = leaf.dates_ok ? leaf.not_before : 0;
	*ends = leaf.dates_ok ? leaf.not_after : 0;
	for (i = 1; i < sk_X509_num(k->chain); i++) {
		x509_info(sk_X509_value(k->chain, i), &x);
		if (x.dates_ok && x.not_after < *ends) {
			*begins = x.not_before;
			*ends = x.not_after;
		}
	}
	buf_printf(
	    out, "CN %s", *leaf.subject_cn == '\0' ? "-" : leaf.subject_cn);
	if (leaf.sans > 0)
		buf_puts(out, ", ");
	x509_san_text(sk_X509_value(k->chain, 0), SANS, out);
	buf_printf(out, "; issued by %s%s%s; %s",
	    *leaf.issuer_org == '\0' ? "" : leaf.issuer_org,
	    *leaf.issuer_org == '\0' || *leaf.issuer_cn == '\0' ? "" : ", ",
	    *leaf.issuer_cn == '\0' ? "-" : leaf.issuer_cn, leaf.key_type);
	if (*leaf.group != '\0')
		buf_printf(out, " %s", leaf.group);
	else if (leaf.key_bits > 0)
		buf_printf(out, " %d", leaf.key_bits);
	if (*ends != 0)
		buf_printf(out, "; ends %.10s", num_time_text(*ends, day));
	share = life_share(*begins, *ends, now);
	if (share >= 0 && *ends > now)
		buf_printf(out, ", %d %% of its life left", share);
}

/* Postfix offers no TLS with such a key. */
static enum own_state
judge_key(struct own *o, const struct keychain *k, const char *param)
{
	static const char *const wrong[] = {
	    [KEYCHAIN_NONE] = "has no private key",
	    [KEYCHAIN_SHUT] = "has a damaged key, or one with a pass phrase",
	    [KEYCHAIN_OTHER] = "has the key of another certificate",
	};
	struct x509_info leaf;

	if (k->key == KEYCHAIN_FITS)
		return OWN_GOOD;
	x509_info(sk_X509_value(k->chain, 0), &leaf);
	findings_add(o->found, FINDING_FAULT, param,
	    strstr(param, "chain") != NULL
		? "put its own key right before it, without a pass phrase"
		: "name its own key, without a pass phrase",
	    "the certificate of %s %s: TLS fails with it",
	    quotes(leaf.subject_cn).s, wrong[k->key]);
	return OWN_BAD;
}

static enum own_state
judge_dates(struct own *o, const char *param, time_t begins, time_t ends)
{
	static const char fix[] = "renew it now, then postfix reload";
	char day[NUM_TIME_MAX];
	long days = life_days(ends, o->now);

	if (ends == 0)
		return OWN_OPEN;
	if (ends <= o->now || begins > o->now) {
		findings_add(o->found, FINDING_FAULT, param, fix,
		    ends <= o->now
			? "our certificate ended on %.10s: who verifies it "
			  "sends nothing"
			: "our certificate is not valid before %.10s",
		    num_time_text(ends <= o->now ? ends : begins, day));
		return OWN_BAD;
	}
	if (!life_ends_soon(begins, ends, o->now, LIFE_WARN_DAYS))
		return OWN_GOOD;
	findings_add(o->found, FINDING_NOTE, param, fix,
	    "our certificate ends in %ld day%s, on %.10s", days,
	    num_plural((uint64_t)days), num_time_text(ends, day));
	return OWN_WATCH;
}

/* A certificate of ours, of that file. */
static void
take_cert(struct own *o, const struct side *side, const char *param,
    const char *file, struct keychain *k)
{
	enum own_state key = judge_key(o, k, param), dates;
	struct buf text = {0};
	time_t begins, ends;

	put_chain(k, o->now, &text, &begins, &ends);
	if (k->key == KEYCHAIN_FITS)
		buf_puts(&text, "; its key fits");
	dates = judge_dates(o, param, begins, ends);
	add(o, side->what, file, key == OWN_BAD ? OWN_BAD : dates, "%s",
	    text.data);
	o->v[o->n - 1].begins = begins;
	o->v[o->n - 1].ends = ends;
	buf_free(&text);
	if (side == &sides[0] && o->ncerts < OWN_CERTS_MAX)
		o->cert[o->ncerts++] =
		    (struct own_cert){.k = *k, .where = mem_dup(param)};
	else
		keychain_release(k, 1);
}

/* Free a text that may have a private key in it. */
static void
wipe(struct buf *text)
{
	if (text->data != NULL)
		explicit_bzero(text->data, text->len);
	buf_free(text);
}

/* Append the file; false if it cannot be read, which is put down. */
static bool
append(
    struct own *o, const struct side *side, const char *path, struct buf *out)
{
	struct err e;
	size_t len;
	char *text = file_slurp(path, X509_MAX_PEM, &len, NULL, &e);

	if (text == NULL) {
		add(o, side->what, path, OWN_OPEN, "not looked at: %s", e.text);
		return false;
	}
	buf_add(out, text, len);
	buf_putc(out, '\n');
	explicit_bzero(text, len);
	free(text);
	return true;
}

static void
no_certificate(
    struct own *o, const struct side *side, const char *param, const char *path)
{
	add(o, side->what, path, OWN_BAD, "there is no certificate in it");
	findings_add(o->found, FINDING_FAULT, param,
	    "put key and certificate chain there, in PEM",
	    "there is no certificate in %s: TLS fails with it", quotes(path).s);
}

/* All files are one text for Postfix. */
static void
look_at_list(struct own *o, const struct side *side, const char *list)
{
	struct span rest = maincf_text(list), word;
	struct keychain k[KEYCHAIN_MAX];
	struct buf text = {0};
	char *path, *shown = mem_dup(list);
	size_t n, i, files = 0;
	bool all = true;

	while (all && files++ < FILES_MAX && postconf_word(&rest, &word)) {
		path = mem_printf("%.*s", SPAN_ARG(word));
		all = append(o, side, path, &text);
		free(path);
	}
	n = all && text.len > 0
		? keychain_read(text.data, text.len, k, KEYCHAIN_MAX)
		: 0;
	if (all && n == 0)
		no_certificate(o, side, side->chain, shown);
	for (i = 0; i < n; i++)
		take_cert(o, side, side->chain, shown, &k[i]);
	free(shown);
	wipe(&text);
}

static void
look_at_pair(struct own *o, const struct side *side, const char *param,
    const char *file, const char *key_file)
{
	struct buf key = {0}, cert = {0};
	struct keychain k;

	if (append(o, side, file, &cert) && append(o, side, key_file, &key)) {
		if (keychain_pair(key.data, key.len, cert.data, cert.len, &k))
			take_cert(o, side, param, file, &k);
		else
			no_certificate(o, side, param, file);
	}
	wipe(&cert);
	wipe(&key);
}

/* Of main.cf (NULL), or of a service that has settings of its own. */
static void
look_at_side(struct own *o, const struct side *side, const char *service)
{
	const char *list = postconf_text(o->c, service, side->chain), *file;
	bool any = false;
	size_t i;

	o->found->service = service;
	if (is_set(list)) {
		look_at_list(o, side, list);
		any = true;
	}
	for (i = 0; i < 3 && !is_set(list); i++) {
		file = postconf_text(o->c, service, side->cert[i]);
		if (!is_set(file))
			continue;
		look_at_pair(o, side, side->cert[i], file,
		    postconf_text(o->c, service, side->key[i]));
		any = true;
	}
	if (!any && service == NULL)
		add(o, side->what, "", OWN_OPEN, "none is shown");
	o->found->service = NULL;
}

static bool
has_own(const struct own *o, const struct side *side, const char *service)
{
	size_t i;

	for (i = 0; i < 3; i++)
		if (postconf_overrides(o->c, service, side->cert[i]))
			return true;
	return postconf_overrides(o->c, service, side->chain);
}

static void
look_at_certificates(struct own *o)
{
	const struct postconf_service *s;
	size_t i, at;

	for (i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
		look_at_side(o, &sides[i], NULL);
		at = 0;
		while ((s = postconf_next(o->c, &at, sides[i].program)) != NULL)
			if (has_own(o, &sides[i], s->name))
				look_at_side(o, &sides[i], s->name);
	}
	if (*postconf_text(o->c, NULL, "tls_server_sni_maps") != '\0')
		add(o, sides[0].what, "tls_server_sni_maps", OWN_OPEN,
		    "not looked at: certificates by the name asked for");
}

/* May a client that wants that host name trust the certificate's names? */
static bool
is_for(const struct keychain *k, const char *host)
{
	return *host != '\0' &&
	       X509_check_host(sk_X509_value(k->chain, 0), host, 0,
		   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/* Is that host this one, by its name or by those of our certificates? */
static bool
is_ours(const struct own *o, const char *host)
{
	size_t i;

	if (strcasecmp(host, postconf_text(o->c, NULL, "myhostname")) == 0)
		return true;
	for (i = 0; i < o->ncerts; i++)
		if (is_for(&o->cert[i].k, host))
			return true;
	return false;
}

/* Who verifies a name goes by the MX, which is mostly this one. */
static void
look_at_names(struct own *o)
{
	const char *host = postconf_text(o->c, NULL, "myhostname");
	size_t i;

	for (i = 0; i < o->ncerts; i++)
		if (is_for(&o->cert[i].k, host))
			return;
	if (o->ncerts == 0 || *host == '\0')
		return;
	add(o, "names", host, OWN_WATCH,
	    "no server certificate has this host's name");
	findings_add(o->found, FINDING_NOTE, o->cert[0].where,
	    "have it issued for the names that MX records point to",
	    "no server certificate is for %s (myhostname): partners that "
	    "verify it send nothing, unless their MX has another name",
	    quotes(host).s);
}

/* --- Protocols ------------------------------------------------------------ */

static void
look_at_protocols(struct own *o)
{
	const char *level =
	    postconf_text(o->c, NULL, "smtpd_tls_security_level");
	bool must = strcmp(level, "encrypt") == 0;
	const char *protocols = postconf_text(o->c, NULL,
	    must ? "smtpd_tls_mandatory_protocols" : "smtpd_tls_protocols");
	const char *ciphers = postconf_text(o->c, NULL,
	    must ? "smtpd_tls_mandatory_ciphers" : "smtpd_tls_ciphers");
	enum tls_version lowest, highest;
	bool known =
	    tls_version_range(protocols, strlen(protocols), &lowest, &highest);

	add(o, "protocols", "smtpd",
	    !is_set(level)     ? OWN_BAD
	    : !known	       ? OWN_OPEN
	    : lowest < TLS_1_2 ? OWN_WATCH
			       : OWN_GOOD,
	    "security level %s; protocols %s; ciphers %s",
	    *level == '\0' ? "-" : level, *protocols == '\0' ? "-" : protocols,
	    *ciphers == '\0' ? "-" : ciphers);
}

/* --- TLSA ----------------------------------------------------------------- */

/* Records that a certificate of ours does not match; -1: none can be used. */
static int
unmatched(struct own *o, const struct mxdns_host *h, size_t *which)
{
	struct x509_tlsa rr[MXDNS_MAX_TLSA];
	const char *name[] = {
	    h->tlsa_base == NULL ? h->name : h->tlsa_base, h->name};
	const struct x509_ask ask = {.mode = X509_BY_TLSA,
	    .tlsa = rr,
	    .ntlsa = h->ntlsa,
	    .names = name,
	    .nnames = 2,
	    .at = o->now};
	struct x509_verdict v;
	struct err e;
	size_t i;

	for (i = 0; i < h->ntlsa && i < MXDNS_MAX_TLSA; i++)
		rr[i] = (struct x509_tlsa){.usage = h->tlsa_rr[i].usage,
		    .selector = h->tlsa_rr[i].selector,
		    .mtype = h->tlsa_rr[i].matching,
		    .data = h->tlsa_rr[i].data,
		    .len = h->tlsa_rr[i].len};
	for (i = 0; i < o->ncerts; i++) {
		if (x509_verify(o->cert[i].k.chain, &ask, &v, &e) == -1 ||
		    v.usable == 0)
			return -1;
		*which = i;
		if (!v.ok)
			return 1;
	}
	return 0;
}

void
own_judge_tlsa(struct own *o, const struct mxdns_host *h)
{
	size_t at = 0;
	int bad;

	if (h->tlsa.kind == MXDNS_NOT_ASKED) {
		add(o, "TLSA", h->name, OWN_WATCH,
		    "none: its address is not signed");
		return;
	}
	if (h->tlsa.kind == MXDNS_NO_DATA || h->tlsa.kind == MXDNS_NO_NAME) {
		add(o, "TLSA", h->name, OWN_WATCH, "none");
		return;
	}
	if (h->tlsa.kind == MXDNS_FOUND && !h->tlsa.secure) {
		add(o, "TLSA", h->name, OWN_WATCH,
		    "%zu that are not signed: nobody goes by them", h->ntlsa);
		return;
	}
	if (h->tlsa.kind != MXDNS_FOUND || o->ncerts == 0) {
		add(o, "TLSA", h->name, OWN_OPEN, "not known: %s",
		    o->ncerts == 0 ? "our certificate was not read"
				   : mxdns_kind_names[h->tlsa.kind]);
		return;
	}
	bad = unmatched(o, h, &at);
	add(o, "TLSA", h->name,
	    bad == 0  ? OWN_GOOD
	    : bad > 0 ? OWN_BAD
		      : OWN_WATCH,
	    bad == 0  ? "%zu, and each certificate matches"
	    : bad > 0 ? "%zu, and a certificate does not match"
		      : "%zu, and none of them can be used",
	    h->ntlsa);
	if (bad > 0)
		findings_add(o->found, FINDING_FAULT, o->cert[at].where,
		    "publish the record of the new key (postfix tls "
		    "output-tlsa), and keep the old key until its TTL is over",
		    "the TLSA records of %s do not match our certificate: who "
		    "goes by DANE sends nothing",
		    h->name);
}

/* --- What the DNS says ---------------------------------------------------
 */

/* Our domains, as far as main.cf names them itself. */
struct domains {
	char v[DOMAINS_MAX][DNAME_MAX + 1];
	size_t n;
};

struct asked {
	struct own *o;
	struct event_base *base;
	size_t waits;
	/* TXT records, told behind the hosts: TEXTS of each domain. */
	struct text {
		struct asked *in;
		enum mxdns_kind kind;
		char *text; /* NULL: none */
	} text[DOMAINS_MAX * TEXTS];
};

static const struct {
	const char *what, *label;
	struct mxdns_how how;
} texts[TEXTS] = {
    {"MTA-STS", "_mta-sts", {.text = "v=STSv1"}},
    {"TLS reports", "_smtp._tls", {.text = "v=TLSRPTv1"}},
};

static void
add_domain(struct domains *d, const struct own *o, const char *text)
{
	char buf[DNAME_MAX + 1];
	struct dname name;
	size_t i;

	if (strchr(text, '.') == NULL || d->n == DOMAINS_MAX ||
	    dname_is_address(text) || dname_host(text, buf, &name) != NULL ||
	    strncmp(name.s, "localhost.", 10) == 0 ||
	    strcasecmp(text, postconf_text(o->c, NULL, "myhostname")) == 0)
		return;
	for (i = 0; i < d->n; i++)
		if (strlen(d->v[i]) == name.len &&
		    memcmp(d->v[i], name.s, name.len) == 0)
			return;
	memcpy(d->v[d->n], name.s, name.len);
	d->v[d->n++][name.len] = '\0';
}

static void
find_domains(struct domains *d, const struct own *o)
{
	static const char *const lists[] = {"mydomain", "mydestination",
	    "relay_domains", "virtual_mailbox_domains",
	    "virtual_alias_domains"};
	struct span rest, word;
	char *text;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		rest = maincf_text(postconf_text(o->c, NULL, lists[i]));
		while (postconf_word(&rest, &word)) {
			text = mem_printf("%.*s", SPAN_ARG(word));
			add_domain(d, o, text);
			free(text);
		}
	}
}

static bool
is_told(const struct own *o, const char *host)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (strcmp(o->v[i].what, "TLSA") == 0 &&
		    strcmp(o->v[i].name, host) == 0)
			return true;
	return false;
}

static void
answered(struct asked *q)
{
	if (--q->waits == 0)
		(void)event_base_loopbreak(q->base);
}

/* Of the hosts that take mail of a domain, those that are ours. */
static void
on_answer(const struct mxdns_result *r, void *arg)
{
	struct asked *q = arg;
	size_t i, ours = 0;

	for (i = 0; i < r->nhost; i++) {
		if (!is_ours(q->o, r->host[i].name))
			continue;
		ours++;
		if (!is_told(q->o, r->host[i].name))
			own_judge_tlsa(q->o, &r->host[i]);
	}
	if (r->status != MXDNS_OK)
		add(q->o, "MX", r->domain, OWN_OPEN, "not known: %s",
		    mxdns_status_names[r->status]);
	else if (ours == 0)
		add(q->o, "MX", r->domain, OWN_OPEN,
		    "%s, which is not this host: not looked at",
		    r->host[0].name);
	answered(q);
}

static void
on_text(const struct mxdns_result *r, void *arg)
{
	struct text *t = arg;

	t->kind = r->mx.kind;
	t->text = r->text == NULL ? NULL : mem_dup(r->text);
	answered(t->in);
}

static void
ask_text(struct mxdns *dns, struct asked *q, const char *domain, size_t i)
{
	char *name = mem_printf("%s.%s", texts[i % TEXTS].label, domain);

	q->text[i] = (struct text){.in = q};
	mxdns_lookup(
	    dns, name, 25, &texts[i % TEXTS].how, on_text, &q->text[i]);
	free(name);
}

static void
take_text(
    struct own *o, const char *what, const char *domain, const struct text *t)
{
	if (t->text != NULL)
		add(o, what, domain, OWN_GOOD, "%s", t->text);
	else if (t->kind == MXDNS_NO_DATA || t->kind == MXDNS_NO_NAME)
		add(o, what, domain, OWN_WATCH, "none");
	else
		add(o, what, domain, OWN_OPEN, "not known: %s",
		    mxdns_kind_names[t->kind]);
}

static int
ask_dns(struct own *o, const struct mxdns_settings *set,
    const struct domains *d, struct err *e)
{
	const struct mxdns_how how = {.tlsa = true};
	struct asked q = {.o = o, .waits = d->n * (1 + TEXTS)};
	struct mxdns *dns;
	size_t i;

	if ((q.base = event_base_new()) == NULL)
		abort();
	if ((dns = mxdns_new(q.base, set, e)) == NULL) {
		event_base_free(q.base);
		return -1;
	}
	for (i = 0; i < d->n; i++)
		mxdns_lookup(dns, d->v[i], 25, &how, on_answer, &q);
	for (i = 0; i < d->n * TEXTS; i++)
		ask_text(dns, &q, d->v[i / TEXTS], i);
	(void)event_base_dispatch(q.base);
	mxdns_free(dns);
	event_base_free(q.base);
	for (i = 0; i < d->n * TEXTS; i++) {
		take_text(
		    o, texts[i % TEXTS].what, d->v[i / TEXTS], &q.text[i]);
		free(q.text[i].text);
	}
	return 0;
}

/* Ask, when the certificates are known. */
static void
look_at_dns(struct own *o, const struct settings *s)
{
	const struct mxdns_settings set = {
	    .resolver = *s->resolver == '\0' ? NULL : s->resolver,
	    .trust_anchor = s->trust_anchor,
	    .timeout_ms = OWN_DNS_MS};
	struct domains d = {.n = 0};
	struct err e;

	find_domains(&d, o);
	if (*s->trust_anchor == '\0')
		add(o, "TLSA", "", OWN_OPEN,
		    "not looked at, nor MTA-STS and TLS reports: there is no "
		    "trust_anchor");
	else if (d.n == 0)
		add(o, "TLSA", "", OWN_OPEN,
		    "not looked at: main.cf names no domain of ours");
	else if (ask_dns(o, &set, &d, &e) == -1)
		add(o, "TLSA", "", OWN_OPEN, "not known: %s", e.text);
}

void
own_certificates(
    struct own *o, const struct postconf *c, time_t now, struct findings *found)
{
	*o = (struct own){.c = c, .now = now, .found = found};
	found->c = c;
	look_at_certificates(o);
}

void
own_look(struct own *o, const struct settings *s, const struct postconf *c,
    time_t now, struct findings *found)
{
	own_certificates(o, c, now, found);
	look_at_names(o);
	look_at_protocols(o);
	look_at_dns(o, s);
}
