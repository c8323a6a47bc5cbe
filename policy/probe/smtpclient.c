#include "smtpclient.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "dname.h"
#include "err.h"
#include "file.h"
#include "mem.h"
#include "num.h"
#include "postmap.h"
#include "probeplan.h"
#include "span.h"
#include "starttls.h"
#include "tlsversion.h"

#define SERVICE "smtp/unix"
#define HOST_MAX 256 /* bytes of the name of this machine */
#define SEPARATORS " ,\t\r\n"
#define TIMEOUT_MAX 86400 /* seconds */

#define LEVEL "smtp_tls_security_level"

/* What the prober does as Postfix's defaults do, whatever main.cf says. */
static const struct {
	const char *name, *usual;
	const char *harmless; /* words that change no verdict */
} fixed[] = {
    {LEVEL, "", "none may dane encrypt"},
    {"ignore_mx_lookup_error", "no", ""},
    {"smtp_always_send_ehlo", "yes", ""},
    {"smtp_cname_overrides_servername", "no", ""},
    {"smtp_discard_ehlo_keyword_address_maps", "", ""},
    {"smtp_dns_reply_filter", "", ""},
    {"smtp_dns_resolver_options", "", ""},
    {"smtp_fallback_relay", "", ""},
    {"smtp_pix_workaround_maps", "", ""},
    {"smtp_reply_filter", "", ""},
    {"smtp_tls_block_early_mail_reply", "no", ""},
    {"smtp_tls_enable_rpk", "no", ""},
    {"smtp_tls_force_insecure_host_tlsa_lookup", "no", ""},
    {"smtp_tls_scert_verifydepth", "9", ""},
    {"smtp_tls_trust_anchor_file", "", ""},
    {"tls_config_file", "default", ""},
    {"tls_config_name", "", ""},
    {"tls_dane_digests", "sha512 sha256", ""},
    {"tls_disable_workarounds", "", ""},
    {"tls_legacy_public_key_fingerprints", "no", ""},
    {"tls_ssl_options", "",
	"NO_COMPRESSION NO_RENEGOTIATION NO_TICKET PRIORITIZE_CHACHA "
	"NO_ANTI_REPLAY"},
    {"tls_wildcard_matches_multiple_labels", "yes", ""},
};

/* The next word of a list. */
static bool
next_word(const char **list, struct span *word)
{
	struct span rest = span_of(*list);
	bool is = postconf_word(&rest, word);

	*list = rest.p;
	return is;
}

static bool
holds_span(const char *list, struct span what)
{
	struct span word;

	while (next_word(&list, &word))
		if (word.n == what.n &&
		    strncasecmp(word.p, what.p, what.n) == 0)
			return true;
	return false;
}

/* Does the list hold the word? */
static bool
holds(const char *list, const char *word)
{
	return holds_span(list, span_of(word));
}

/* The same words, each behind before. */
static void
put_words(struct buf *b, const char *before, const char *list)
{
	size_t n;

	for (; *(list += strspn(list, SEPARATORS ":")) != '\0'; list += n) {
		n = strcspn(list, SEPARATORS ":");
		buf_puts(b, before);
		buf_add(b, list, n);
	}
}

/* Those that this OpenSSL knows, as Postfix passes over the others. */
static char *
known_curves(const char *list)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct buf words = {0}, out = {0};
	char *word, *rest;

	buf_puts(&words, "");
	buf_puts(&out, "");
	put_words(&words, " ", list);
	for (rest = words.data; (word = strsep(&rest, " ")) != NULL;)
		if (*word != '\0' && ctx != NULL &&
		    SSL_CTX_set1_curves_list(ctx, word))
			buf_printf(&out, "%s%s", out.len > 0 ? ":" : "", word);
	SSL_CTX_free(ctx);
	buf_free(&words);
	return buf_take(&out);
}

/* Has a list another word than the harmless ones? */
static bool
has_more(const char *list, const char *harmless)
{
	struct span word;

	while (next_word(&list, &word))
		if (!holds_span(harmless, word))
			return true;
	return false;
}

/* The level of those without a row; what says it before Postfix 2.3, too. */
static const char *
level_of(const struct postconf *p, const char *service)
{
	const char *level = postconf_get(p, service, LEVEL);

	if (level == NULL || *level != '\0')
		return level;
	if (strcmp(postconf_text(p, service, "smtp_enforce_tls"), "yes") == 0)
		return "encrypt";
	return strcmp(postconf_text(p, service, "smtp_use_tls"), "yes") == 0
		   ? "may"
		   : level;
}

const char *
smtpclient_unlike(const struct postconf *p, const char *service, size_t *at,
    const char **value)
{
	for (; *at < sizeof(fixed) / sizeof(fixed[0]); ++*at) {
		*value = strcmp(fixed[*at].name, LEVEL) == 0
			     ? level_of(p, service)
			     : postconf_get(p, service, fixed[*at].name);
		if (*value == NULL || strcmp(*value, fixed[*at].usual) == 0 ||
		    (*fixed[*at].harmless != '\0' &&
			!has_more(*value, fixed[*at].harmless)))
			continue;
		return fixed[(*at)++].name;
	}
	return NULL;
}

/* --- One service ---------------------------------------------------------- */

/* Which value of it is asked for: that of the service, before main.cf. */
struct asked {
	const struct postconf *p;
	const char *service;
};

static const char *
text(const struct asked *a, const char *name)
{
	return postconf_text(a->p, a->service, name);
}

static char *
excluded(const struct asked *a, const char *more)
{
	struct buf b = {0};

	buf_puts(&b, "");
	put_words(&b, ":!", text(a, "smtp_tls_exclude_ciphers"));
	if (more != NULL)
		put_words(&b, ":!", text(a, more));
	return buf_take(&b);
}

static char *
curves(const struct asked *a)
{
	struct buf b = {0};
	char *known;

	buf_printf(&b, "%s %s", text(a, "tls_eecdh_auto_curves"),
	    text(a, "tls_ffdhe_auto_groups"));
	known = known_curves(b.data);
	buf_free(&b);
	return known;
}

/* A list of ciphers of main.cf, or usual if there is none. */
static char *
cipher_list(const struct asked *a, const char *name, const char *usual)
{
	const char *list = text(a, name);

	return mem_dup(*list == '\0' ? usual : list);
}

/* The parameters of that name, with "mandatory_" in it or without. */
static struct smtpclient_usual
usual_of(const struct asked *a, bool mandatory)
{
	const char *list = text(a,
	    mandatory ? "smtp_tls_mandatory_protocols" : "smtp_tls_protocols");
	struct smtpclient_usual u = {
	    .high = strcasecmp(text(a, mandatory ? "smtp_tls_mandatory_ciphers"
						 : "smtp_tls_ciphers"),
			"high") == 0};

	if (!tls_version_range(list, strlen(list), &u.lowest, &u.highest))
		u.highest = TLS_VERSIONS - 1;
	if (u.lowest < TLS_1_0)
		u.lowest = TLS_1_0;
	if (u.highest < TLS_1_0)
		u.highest = TLS_1_0;
	return u;
}

/*
 * TLS to opportunistic partners. Rows say `may`; without one it is the level
 * of main.cf, which can be a mandatory one, with settings of its own.
 */
static void
read_usual(struct smtpclient *c, const struct asked *a, bool rows)
{
	const char *level = level_of(a->p, a->service);
	bool mandatory = !rows && level != NULL && *level != '\0' &&
			 !holds("none may dane", level);

	c->exclude = excluded(
	    a, mandatory ? "smtp_tls_mandatory_exclude_ciphers" : NULL);
	c->must = mandatory;
	c->may = usual_of(a, mandatory);
	c->mandatory = usual_of(a, true);
}

static unsigned
patience(const struct asked *a, const char *name)
{
	uint64_t seconds = 0;

	if (num_duration(text(a, name), TIMEOUT_MAX, &seconds) == -1)
		return 0;
	return (unsigned)seconds * 1000;
}

/* An address, which IPv6 may have in brackets. */
static bool
take_address(struct smtpclient *c, struct span word)
{
	char name[INET6_ADDRSTRLEN];

	if (word.n > 2 && word.p[0] == '[' && word.p[word.n - 1] == ']')
		word = (struct span){word.p + 1, word.n - 2};
	span_keep(name, sizeof(name), word);
	if (inet_pton(AF_INET, name, &c->from4.sin_addr) == 1)
		c->from4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, name, &c->from6.sin6_addr) == 1)
		c->from6.sin6_family = AF_INET6;
	else
		return false;
	return true;
}

/*
 * smtp_bind_address, or the only address of its family in inet_interfaces, as
 * far as these are addresses; but never one of the loopback.
 */
static void
bind_addresses(struct smtpclient *c, const struct asked *a)
{
	const char *list = text(a, "inet_interfaces");
	struct smtpclient only = {0};
	struct span word;
	unsigned v4 = 0, v6 = 0;

	while (next_word(&list, &word)) {
		if (!take_address(&only, word))
			v4 = v6 = 2; /* what a name or `all` is is not known */
		else if (memchr(word.p, ':', word.n) != NULL)
			v6++;
		else
			v4++;
	}
	if (v4 == 1 && ntohl(only.from4.sin_addr.s_addr) >> 24 != 127)
		c->from4 = only.from4;
	if (v6 == 1 && !IN6_IS_ADDR_LOOPBACK(&only.from6.sin6_addr))
		c->from6 = only.from6;
	(void)take_address(c, span_of(text(a, "smtp_bind_address")));
	(void)take_address(c, span_of(text(a, "smtp_bind_address6")));
	c->from_needed =
	    strcmp(text(a, "smtp_bind_address_enforce"), "yes") == 0;
}

/* How names are looked up, see smtp_dns_support_level in postconf(5). */
static void
lookups(struct smtpclient *c, const struct asked *a)
{
	const char *level = text(a, "smtp_dns_support_level"),
		   *lookup = text(a, "smtp_host_lookup");

	if (*level == '\0')
		level = strcmp(text(a, "disable_dns_lookups"), "yes") == 0
			    ? "disabled"
			    : "enabled";
	c->mx = strcmp(level, "disabled") != 0;
	c->dns = c->mx && holds(lookup, "dns");
	c->native = !c->mx || holds(lookup, "native");
	c->dnssec = c->dns && strcmp(level, "dnssec") == 0 &&
		    strcmp(text(a, "ignore_mx_lookup_error"), "yes") != 0;
	c->half_dane =
	    strcmp(text(a, "smtp_tls_dane_insecure_mx_policy"), "dane") == 0;
}

/* What is known only where there is a Postfix. */
static void
as_postfix(struct smtpclient *c, const struct asked *a)
{
	const char *list = text(a, "inet_protocols");

	c->curves = curves(a);
	c->no_starttls =
	    holds(text(a, "smtp_discard_ehlo_keywords"), "starttls") ||
	    strcmp(text(a, "smtp_never_send_ehlo"), "yes") == 0;
	c->keep_esmtp =
	    !holds(text(a, "smtp_pix_workarounds"), "disable_esmtp");
	c->ipv4 = holds(list, "all") || holds(list, "ipv4");
	c->ipv6 = holds(list, "all") || holds(list, "ipv6");
	c->wrapped = strcmp(text(a, "smtp_tls_wrappermode"), "yes") == 0;
	c->connect_ms = patience(a, "smtp_connect_timeout");
	c->helo_ms = patience(a, "smtp_helo_timeout");
	c->starttls_ms = patience(a, "smtp_starttls_timeout");
	bind_addresses(c, a);
	lookups(c, a);
}

static void
put_unlike(struct smtpclients *cs, const char *service)
{
	bool first = strcmp(service, SERVICE) == 0;
	const char *name, *value,
	    *of = first ? "" : " of ", *whose = first ? "" : service,
	    *cas = postconf_text(&cs->conf, service, "smtp_tls_CAfile");
	size_t at = 0;

	if (*cas != '\0' && !file_is_same(cas, cs->ca_file))
		buf_printf(&cs->unlike,
		    "smtp_tls_CAfile = %s%s%s: this probe judges by %s "
		    "(ca_file)\n",
		    cas, of, whose, cs->ca_file);
	while (
	    (name = smtpclient_unlike(&cs->conf, service, &at, &value)) != NULL)
		buf_printf(&cs->unlike,
		    "%s = %s%s%s: Postfix does otherwise than this probe\n",
		    name, value, of, whose);
}

/*
 * By what name this machine greets others: wanted if it is not empty; else the
 * host's name, with its domain if that can be found out, which may ask the DNS.
 */
static char *
helo_name(const char *wanted)
{
	struct addrinfo hints = {
	    .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	char host[HOST_MAX] = "", *name;

	if (*wanted != '\0')
		return mem_dup(wanted);
	if (gethostname(host, sizeof(host) - 1) == -1 || host[0] == '\0')
		return mem_dup("localhost");
	if (strchr(host, '.') != NULL ||
	    getaddrinfo(host, NULL, &hints, &ai) != 0)
		return mem_dup(host);
	name = mem_dup(
	    ai->ai_canonname != NULL && strchr(ai->ai_canonname, '.') != NULL
		? ai->ai_canonname
		: host);
	freeaddrinfo(ai);
	return name;
}

/* The client of that service, read when it is first asked for. */
static const struct smtpclient *
client_of(struct smtpclients *cs, const char *service)
{
	const struct asked a = {&cs->conf, service};
	struct smtpclient *c;
	size_t i;

	for (i = 0; i < cs->n; i++)
		if (strcmp(cs->v[i]->service, service) == 0)
			return cs->v[i];
	c = mem_zero(1, sizeof(*c));
	*c = (struct smtpclient){.service = mem_dup(service),
	    .helo =
		helo_name(*cs->helo_name != '\0' ? cs->helo_name
						 : text(&a, "smtp_helo_name")),
	    .servername = mem_dup(text(&a, "smtp_tls_servername")),
	    .medium = cipher_list(
		&a, "tls_medium_cipherlist", STARTTLS_CIPHERS_MEDIUM),
	    .high =
		cipher_list(&a, "tls_high_cipherlist", STARTTLS_CIPHERS_HIGH),
	    .exclude_mandatory =
		excluded(&a, "smtp_tls_mandatory_exclude_ciphers"),
	    .ipv4 = true,
	    .ipv6 = true,
	    .mx = true,
	    .dns = true,
	    .dnssec = true};
	read_usual(c, &a, cs->rows);
	if (cs->known) {
		as_postfix(c, &a);
		put_unlike(cs, service);
	}
	cs->v = mem_grow(cs->v, cs->n, &cs->cap, sizeof(struct smtpclient *));
	cs->v[cs->n++] = c;
	return c;
}

/* --- Which service -------------------------------------------------------- */

/* What transport_maps says, of each table in its turn. */
struct ways {
	struct smtpclients *cs;
	struct postmap *v;
	size_t n, cap;
	bool bare; /* a parent is asked for without its dot */
};

static void
take_answers(struct ways *w, char *answers)
{
	w->v = mem_grow(w->v, w->n, &w->cap, sizeof(*w->v));
	postmap_take(&w->v[w->n++], answers);
}

static const char *
next_hop(const struct probetarget *t)
{
	return t->domain != NULL ? t->domain : t->nexthop;
}

/* The domain, and its parents as transport_maps is asked for them. */
static const char *
next_key(const struct ways *w, const char *domain, const char *key)
{
	if (key == NULL)
		return domain;
	if (dname_is_nexthop(domain) || (key = strchr(key + 1, '.')) == NULL)
		return NULL;
	return w->bare ? key + 1 : key;
}

/*
 * Ask all tables for all that may matter; and those that can be listed for all
 * that they have, since a next-hop in brackets stands in values only.
 */
static void
ask_tables(struct ways *w, const struct probeplan *plan)
{
	const char *list = postconf_text(&w->cs->conf, NULL, "transport_maps"),
		   *key;
	struct buf keys = {0};
	struct span word;
	struct err e;
	char *table, *answers;
	bool direct = false;
	size_t i;

	for (i = 0; i < plan->n; i++) {
		direct = direct || dname_is_nexthop(next_hop(&plan->target[i]));
		for (key = NULL; (key = next_key(w, next_hop(&plan->target[i]),
				      key)) != NULL;)
			buf_printf(&keys, "%s\n", key);
	}
	buf_puts(&keys, "*\n");
	while (next_word(&list, &word)) {
		table = mem_printf("%.*s", SPAN_ARG(word));
		answers = postmap_ask(w->cs->conf.dir, table, keys.data, &e);
		if (answers != NULL)
			take_answers(w, answers);
		else
			buf_printf(&w->cs->unlike,
			    "transport_maps = %s: this probe does not know "
			    "what it says: %s\n",
			    table, e.text);
		if (direct && answers != NULL &&
		    (answers = postmap_ask(w->cs->conf.dir, table, NULL, &e)) !=
			NULL)
			take_answers(w, answers);
		free(table);
	}
	buf_free(&keys);
}

static const char *
value_of(const struct ways *w, const char *key)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; value == NULL && i < w->n; i++)
		value = postmap_get(&w->v[i], key);
	return value;
}

/* A value "channel:nexthop" that leads to a next-hop, of any key; or NULL. */
static const char *
leading(const struct ways *w, const char *nexthop)
{
	const char *value;
	size_t i, k, n;

	for (i = 0; i < w->n; i++)
		for (k = 0; k < w->v[i].n; k++) {
			value = w->v[i].v[k].value;
			n = strcspn(value, ":");
			if (value[n] == ':' &&
			    strcasecmp(value + n + 1, nexthop) == 0)
				return value;
		}
	return NULL;
}

/* The service by which what goes to that next-hop leaves, if it runs smtp. */
static char *
service_of(const struct ways *w, const char *nexthop)
{
	const struct postconf *p = &w->cs->conf;
	const char *value = NULL, *key = NULL,
		   *usual = postconf_text(p, NULL, "default_transport");
	char *service;
	size_t i;

	if (holds(postconf_text(p, NULL, "relay_domains"), nexthop))
		usual = postconf_text(p, NULL, "relay_transport");
	while (value == NULL && (key = next_key(w, nexthop, key)) != NULL)
		value = value_of(w, key);
	if (value == NULL)
		value = dname_is_nexthop(nexthop) ? leading(w, nexthop)
						  : value_of(w, "*");
	if (value == NULL || *value == ':' || *value == '\0')
		value = usual;
	service = mem_printf("%.*s/unix", (int)strcspn(value, ":"), value);
	for (i = 0; i < p->nservices; i++)
		if (strcmp(p->service[i].name, service) == 0 &&
		    strcmp(p->service[i].command, "smtp") == 0)
			return service;
	free(service);
	return mem_dup(SERVICE);
}

/* The one of main.cf alone that is not what we do. */
static void
put_unlike_port(struct smtpclients *cs)
{
	const char *port = postconf_text(&cs->conf, SERVICE, "smtp_tcp_port");

	if (*port != '\0' && strcmp(port, "smtp") != 0 &&
	    strcmp(port, "25") != 0)
		buf_printf(&cs->unlike,
		    "smtp_tcp_port = %s: this probe takes smtp_port of "
		    "tlspact.conf\n",
		    port);
}

void
smtpclients_read(struct smtpclients *cs, struct probeplan *plan,
    const char *helo_name, const char *ca_file, bool rows)
{
	struct ways w = {.cs = cs};
	struct err e;
	char *service;
	size_t i;

	*cs = (struct smtpclients){
	    .helo_name = helo_name, .ca_file = ca_file, .rows = rows};
	buf_puts(&cs->unlike, "");
	cs->known = postconf_read(&cs->conf, NULL, false, &e) == 0;
	(void)client_of(cs, SERVICE);
	if (cs->known) {
		put_unlike_port(cs);
		w.bare = holds(postconf_text(&cs->conf, NULL,
				   "parent_domain_matches_subdomains"),
		    "transport_maps");
		ask_tables(&w, plan);
	}
	for (i = 0; i < plan->n; i++) {
		service = service_of(&w, next_hop(&plan->target[i]));
		plan->target[i].client = client_of(cs, service);
		free(service);
	}
	for (i = 0; i < w.n; i++)
		postmap_release(&w.v[i]);
	free(w.v);
}

/* --- One target ----------------------------------------------------------- */

/* What the row says, or else main.cf. */
static struct smtpclient_usual
terms_of(const struct probetarget *t)
{
	const struct attributes *as = t->attributes;
	const bool may = t->level == LEVEL_OPPORTUNISTIC;
	const bool row = !may || as->mode == MODE_MAY || as->mode == MODE_DANE;
	struct smtpclient_usual u = may ? t->client->may : t->client->mandatory;
	enum tls_version lowest, highest;

	if (row && as->ciphers != CIPHERS_MAIN_CF &&
	    (!may || (as->own & ATTRIBUTE_BIT(ATTRIBUTE_CIPHERS)) != 0))
		u.high = as->ciphers == CIPHERS_HIGH;
	if (row && as->protocols != NULL &&
	    tls_version_range(
		as->protocols, strlen(as->protocols), &lowest, &highest)) {
		u.lowest = lowest < TLS_1_0 ? TLS_1_0 : lowest;
		u.highest = highest < TLS_1_0 ? TLS_1_0 : highest;
	} else if (!may && as->min_tls != MIN_TLS_MAIN_CF) {
		u.lowest = (enum tls_version)as->min_tls;
		u.highest = TLS_VERSIONS - 1;
	}
	return u;
}

/* Class of the level, grade, and versions, each of 4. */
static unsigned
kind_of(const struct probetarget *t, struct smtpclient_usual u)
{
	unsigned class = t->level == LEVEL_OPPORTUNISTIC ? 0
			 : t->level == LEVEL_ENCRYPT	 ? 1
							 : 2;

	return ((class * 2 + u.high) * 4 + (u.lowest - TLS_1_0)) * 4 +
	       (u.highest - TLS_1_0);
}

unsigned
smtpclient_params(const struct probetarget *t, char ciphers[SMTPCLIENT_CIPHERS],
    struct starttls_params *out)
{
	const struct smtpclient *c = t->client;
	const struct smtpclient_usual u = terms_of(t);
	bool may = t->level == LEVEL_OPPORTUNISTIC,
	     names = !may && t->level != LEVEL_ENCRYPT;

	if (out == NULL)
		return kind_of(t, u);
	(void)snprintf(ciphers, SMTPCLIENT_CIPHERS, "%s%s%s",
	    u.high ? c->high : c->medium,
	    may ? c->exclude : c->exclude_mandatory,
	    names ? STARTTLS_NO_ANON : STARTTLS_NO_NULL);
	out->ciphers = ciphers;
	out->min_proto = tls_version_number(u.lowest);
	out->max_proto =
	    u.highest == TLS_VERSIONS - 1 ? 0 : tls_version_number(u.highest);
	out->security_level = names ? 1 : 0;
	out->helo = c->helo;
	out->curves = c->curves;
	out->no_starttls = c->no_starttls;
	out->keep_esmtp = c->keep_esmtp;
	out->wrapped = c->wrapped;
	out->from4 = &c->from4;
	out->from6 = &c->from6;
	out->from_needed = c->from_needed;
	out->connect_ms = c->connect_ms;
	out->helo_ms = c->helo_ms;
	out->starttls_ms = c->starttls_ms;
	return kind_of(t, u);
}

void
smtpclients_release(struct smtpclients *cs)
{
	struct smtpclient *c;
	size_t i;

	for (i = 0; i < cs->n; i++) {
		c = cs->v[i];
		free(c->service);
		free(c->helo);
		free(c->servername);
		free(c->curves);
		free(c->medium);
		free(c->high);
		free(c->exclude);
		free(c->exclude_mandatory);
		free(c);
	}
	free(cs->v);
	buf_free(&cs->unlike);
	postconf_release(&cs->conf);
}
