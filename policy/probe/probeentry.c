#include "probeentry.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "arena.h"
#include "buf.h"
#include "columns.h"
#include "diag.h"
#include "dname.h"
#include "err.h"
#include "fault.h"
#include "json.h"
#include "judge.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "partnername.h"
#include "probeplan.h"
#include "probereport.h"
#include "proberun.h"
#include "quote.h"
#include "registry.h"
#include "starttls.h"
#include "tlsversion.h"
#include "x509.h"

#define OWN_NAMES 4	/* of a certificate that has not the gateway's */
#define LISTED_NAMES 8	/* gateways; of more that the domain holds, all */
#define LOOKED_NAMES 64 /* of one certificate */

/* A gateway at an address. */
struct seen {
	struct proberow *row;
	STACK_OF(X509) * chain; /* NULL: none */
};

struct probeentry {
	const struct registry *registry;
	struct judge *judge;
	const char *domain, *name;
	struct seen *seen;
	size_t n, cap;
	struct names gateway; /* host, or .suffix */
	struct names issuer, key;
	const char *provider; /* NULL: none fits */
	const struct attributes *provided;
	enum verify verify;
	enum tls_version floor;
	bool ca, dane; /* all certificates pass by these */
	enum probewire_text mta_sts, tls_rpt;
	struct names trouble; /* why it cannot be enforced, in sentences */
	struct buf text;
	struct arena arena;
};

/* --- What to look at ------------------------------------------------------ */

int
probeentry_plan(
    struct probeplan *p, const char *what, const char **domain, struct err *e)
{
	const char *at = strrchr(what, '@');
	struct nexthop n;
	uint32_t i = registry_partner(p->registry, what);
	char *text;

	if (i != REGISTRY_NONE &&
	    registry_domain(p->registry, what) == REGISTRY_NONE)
		return err_set(e, EX_USAGE,
		    "%s is a partner already (%s:%u): change it there; how it "
		    "is: tlspact-probe %s",
		    quotes(what).s,
		    partner_file(p->registry, &p->registry->partner[i]),
		    p->registry->partner[i].line, what);
	if (at != NULL && what[0] != '[')
		what = at + 1;
	if (probeplan_name(what, &n) == -1 ||
	    (n.len == 0 && strchr(n.name, '.') == NULL))
		return err_set(e, EX_USAGE, "%s is not a domain or an address",
		    quotes(what).s);
	if (!n.direct && n.port == 0)
		text = mem_dup(n.name);
	else if (n.port == 0)
		text = mem_printf("[%s]", n.name);
	else
		text = mem_printf(
		    n.direct ? "[%s]:%u" : "%s:%u", n.name, (unsigned)n.port);
	/* As one who is enforced, but by the oldest protocol. */
	p->stranger.min_tls = TLS_1_0;
	probeplan_stranger(p, text);
	p->target[0].level = LEVEL_SECURE;
	p->target[0].fresh = true;
	*domain = p->target[0].nexthop;
	free(text);
	return 0;
}

/* The first label, or all of the domain: of what a name may have. */
static const char *
make_name(struct probeentry *n, bool whole)
{
	char *s = arena_copy(&n->arena, n->domain, strlen(n->domain)), *p;

	for (p = s; *p == '[' || *p == '.'; p++)
		;
	s = p;
	s[strcspn(s, "]")] = '\0';
	if (!whole && !dname_is_address(s))
		s[strcspn(s, ".:")] = '\0';
	if (strlen(s) > REGISTRY_NAME_MAX)
		s[REGISTRY_NAME_MAX] = '\0';
	for (p = s; *p != '\0'; p++)
		if (*p == ':')
			*p = '-';
	return s;
}

struct probeentry *
probeentry_new(const struct probeplan *p, struct judge *j, const char *domain,
    const char *name, struct err *e)
{
	struct probeentry *n = mem_zero(1, sizeof(*n));
	struct attributes by_name = {.verify = VERIFY_NAME};
	struct judge_gateway g = {
	    .attributes = &by_name, .level = LEVEL_SECURE};

	n->registry = p->registry;
	n->judge = j;
	n->domain = domain;
	attributes_preset(&by_name);
	g.gateway = by_name.gateway;
	if (name == NULL) {
		name = make_name(n, false);
		if (registry_partner(p->registry, name) != REGISTRY_NONE)
			name = make_name(n, true);
	} else if (partnername_bad(name) != NULL) {
		(void)err_set(
		    e, EX_USAGE, "%s is no name for a partner", quotes(name).s);
		goto fail;
	}
	n->name = name;
	if (judge_load(j, &g, e) == 0)
		return n;
fail:
	probeentry_free(n);
	return NULL;
}

/* --- One gateway ---------------------------------------------------------- */

static void
add_trouble(struct probeentry *n, const struct proberow *row, const char *why)
{
	struct buf b = {0};

	probereport_place(row, &b);
	buf_printf(&b, ": %s", why);
	quote_since(&b, 0);
	(void)names_add(&n->trouble, b.data, b.len);
	buf_free(&b);
}

/* A list of one. */
static const struct strs *
only(struct probeentry *n, const char *s)
{
	struct strs *list =
	    arena_alloc(&n->arena, sizeof(*list) + sizeof(list->v[0]));

	list->n = 1;
	list->v[0] = s;
	return list;
}

/* A name of the certificate into the list, if it can stand in match=. */
static bool
take_name(struct probeentry *n, const char *s, size_t len)
{
	char text[DNAME_MAX + 3], buf[DNAME_MAX + ATTRIBUTE_PHRASE_MAX];
	struct dname name;

	if (len > 2 && s[0] == '*' && s[1] == '.') {
		s++;
		len--;
	}
	if (len == 0 || len > DNAME_MAX + 1)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (dname_gateway(text, buf, &name) != NULL || dname_is_address(text) ||
	    strchr(name.s + 1, '.') == NULL)
		return false;
	(void)names_add(&n->gateway, name.s, strlen(name.s));
	return true;
}

/* The certificate has not the gateway's name: what it has, as far as that. */
static void
take_own_names(
    struct probeentry *n, const X509 *leaf, const struct x509_info *info)
{
	struct buf b = {0};
	size_t taken = 0;
	const char *p;

	x509_san_text(leaf, LOOKED_NAMES, &b);
	for (p = b.data; p != NULL && taken < OWN_NAMES;
	     p = strstr(p, ", "), p = p == NULL ? NULL : p + 2)
		if (strncmp(p, "DNS:", 4) == 0)
			taken += take_name(n, p + 4, strcspn(p + 4, ", "));
	if (b.len == 0)
		(void)take_name(n, info->subject_cn, strlen(info->subject_cn));
	buf_free(&b);
}

/* The CA's name as a pattern: what the registry cannot hold becomes `*`. */
static void
take_issuer(struct probeentry *n, const struct x509_info *info)
{
	const char *s =
	    info->issuer_org[0] != '\0' ? info->issuer_org : info->issuer_cn;
	struct buf b = {0};
	size_t letters = 0;

	for (; *s != '\0'; s++) {
		bool good = isalnum((unsigned char)*s) || (*s & 0x80) != 0;

		letters += good;
		if (good || strchr(" .-&'()/", *s) != NULL)
			buf_putc(&b, *s);
		else if (b.len == 0 || b.data[b.len - 1] != '*')
			buf_putc(&b, '*');
		/* One that was not fit to be shown: \xHH. */
		if (*s == '\\')
			s += strnlen(s + 1, 3);
	}
	if (letters > 1)
		(void)names_add(&n->issuer, b.data, b.len);
	buf_free(&b);
}

static int
judge_by(struct probeentry *n, const struct seen *s,
    const struct attributes *by, const struct strs *gateway, time_t now,
    struct judgement *out)
{
	struct nexthop where = {.name = ""};
	struct judge_gateway g = {.attributes = by,
	    .gateway = gateway,
	    .level = attributes_enforced_level(by),
	    .host = s->row->seen.host,
	    .tlsa = s->row->tlsa,
	    .ntlsa = s->row->ntlsa,
	    .tlsa_base = s->row->ntlsa > 0 ? s->row->sni : NULL,
	    .expanded = s->row->domain,
	    .at = now};
	struct err e;

	(void)nexthop_parse(n->domain, &where);
	g.nexthop = where.name;
	return judge_chain(n->judge, &g, s->chain, out, &e);
}

static void
take_certificate(struct probeentry *n, const struct seen *s, time_t now)
{
	static struct judgement j; /* large */
	struct attributes by_name = {.verify = VERIFY_NAME},
			  by_dane = {.verify = VERIFY_DANE};
	const char *host = s->row->seen.host;

	attributes_preset(&by_name);
	attributes_preset(&by_dane);
	if (judge_by(n, s, &by_name, only(n, host), now, &j) == -1)
		return;
	if (j.v.rule[CERTRULE_NAME].state != CERTRULE_PASS ||
	    !take_name(n, host, strlen(host)))
		take_own_names(n, sk_X509_value(s->chain, 0), &j.v.leaf);
	if (j.v.rule[CERTRULE_CA].state == CERTRULE_PASS &&
	    j.v.rule[CERTRULE_SELF_SIGNED].state != CERTRULE_FAIL)
		take_issuer(n, &j.v.leaf);
	else
		n->ca = false;
	(void)names_add(
	    &n->key, j.v.leaf.spki_sha256, strlen(j.v.leaf.spki_sha256));
	n->dane = n->dane && s->row->ntlsa > 0 &&
		  judge_by(n, s, &by_dane, only(n, host), now, &j) == 0 &&
		  j.fault == FAULT_OK;
}

void
probeentry_add(
    struct probeentry *n, struct proberow *row, const struct starttls_result *s)
{
	n->seen = mem_grow(n->seen, n->n, &n->cap, sizeof(*n->seen));
	n->seen[n->n++] = (struct seen){.row = row,
	    .chain = s == NULL || s->chain == NULL
			 ? NULL
			 : X509_chain_up_ref(s->chain)};
}

static void
take_seen(struct probeentry *n, const struct seen *s, time_t now)
{
	const struct proberow *row = s->row;
	int version;

	if (!row->tls || row->injected || s->chain == NULL) {
		n->dane = false;
		add_trouble(n, row, row->seen.detail);
		return;
	}
	version =
	    tls_version_find(row->seen.protocol, strlen(row->seen.protocol));
	if (version != -1 && (enum tls_version)version < n->floor)
		n->floor = (enum tls_version)version;
	take_certificate(n, s, now);
}

/* --- The statement -------------------------------------------------------- */

/* Is name, or every name below it, below `.suffix`? */
static bool
is_below(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

static bool
all_below(const struct probeentry *n, const char *suffix)
{
	uint32_t i;

	for (i = 0; i < n->gateway.n; i++)
		if (!is_below(n->gateway.v[i], suffix))
			return false;
	return n->gateway.n > 0;
}

static bool
fits(const struct probeentry *n, const struct strs *gateway)
{
	uint32_t i;
	size_t k;

	for (i = 0; i < n->gateway.n; i++) {
		for (k = 0; gateway != NULL && k < gateway->n; k++)
			if (gateway->v[k][0] == '.'
				? is_below(n->gateway.v[i], gateway->v[k])
				: strcmp(n->gateway.v[i], gateway->v[k]) == 0)
				break;
		if (gateway == NULL || k == gateway->n)
			return false;
	}
	return n->gateway.n > 0;
}

static void
find_provider(struct probeentry *n)
{
	const struct attributes *a;
	const char *name;
	size_t i;

	for (i = 0; (a = registry_provider(n->registry, i, &name)) != NULL; i++)
		if (fits(n, a->gateway)) {
			n->provider = name;
			n->provided = a;
			return;
		}
}

/* `name=value` of the statement, on a line of its own. */
static void
put_pair(struct buf *out, const char *lead, const char *name, const char *value)
{
	if (strchr(value, ' ') != NULL)
		buf_printf(out, "%s{ %s = %s }\n", lead, name, value);
	else
		buf_printf(out, "%s%s=%s\n", lead, name, value);
}

static void
put_list(struct buf *out, const char *lead, const char *name,
    const struct names *value)
{
	uint32_t i;

	for (i = 0; i < value->n; i++)
		put_pair(out, lead, name, value->v[i]);
}

static void
put_gateways(const struct probeentry *n, struct buf *out)
{
	char *suffix = mem_printf(".%s", n->domain);

	if (n->gateway.n > LISTED_NAMES && all_below(n, suffix))
		put_pair(out, "\t", "gateway", suffix);
	else
		put_list(out, "\t", "gateway", &n->gateway);
	free(suffix);
}

/* plain: what is the provider's is not left to it. */
static void
put_statement(
    const struct probeentry *n, bool enforced, bool plain, struct buf *out)
{
	buf_printf(out, "partner %s\n\tmode=%s\n\tdomain=%s\n", n->name,
	    enforced ? "enforced" : "opportunistic", n->domain);
	if (n->verify == VERIFY_KEY) {
		buf_puts(out, "\tverify=key\n");
		put_list(out, "\t", "key", &n->key);
	} else if (n->verify == VERIFY_DANE)
		buf_puts(out, "\tverify=dane\n");
	else if (n->provider != NULL && !plain)
		put_pair(out, "\t", "provider", n->provider);
	else {
		put_gateways(n, out);
		put_list(out, "\t", "issuer", &n->issuer);
	}
	if (n->n > 0)
		buf_printf(out, "\tmin-tls=%s\n", tls_version_name(n->floor));
}

/* It was judged by the names of nobody, and passes by the statement. */
static void
pass(struct proberow *row)
{
	size_t i, n = 0;

	if (!row->has_cert || row->fault != row->cert_fault)
		return;
	for (i = 0; i < row->nrules; i++)
		if (row->rule[i].state != CERTRULE_FAIL)
			row->rule[n++] = row->rule[i];
	row->nrules = n;
	row->fault = row->cert_fault = FAULT_OK;
	row->passed = true;
	row->seen.detail = "";
}

/* Would each gateway pass by the statement? What would not is told. */
static void
try_statement(struct probeentry *n, time_t now)
{
	static struct judgement j; /* large */
	struct buf text = {0};
	struct diags d = {0};
	struct registry *r;
	struct attributes a;
	size_t i;
	int k;

	put_statement(n, true, true, &text);
	r = registry_parse("entry", text.data, text.len, now, &d);
	for (i = 0; i < d.n; i++)
		if (d.v[i].kind == DIAG_ERROR)
			(void)names_add(
			    &n->trouble, d.v[i].text, strlen(d.v[i].text));
	for (i = 0; d.errors == 0 && i < n->n; i++) {
		if (n->seen[i].chain == NULL)
			continue;
		a = *r->partner[0].attributes;
		if (n->provider != NULL && n->provided->ca != NULL)
			a.ca = n->provided->ca;
		if (n->provider != NULL && n->provided->issuer != NULL)
			a.issuer = n->provided->issuer;
		if (judge_by(n, &n->seen[i], &a, r->partner[0].gateway, now,
			&j) == 0 &&
		    j.fault == FAULT_OK) {
			pass(n->seen[i].row);
			continue;
		}
		for (k = 0; k < CERTRULE_COUNT; k++)
			if (j.v.rule[k].state == CERTRULE_FAIL)
				break;
		add_trouble(n, n->seen[i].row,
		    k < CERTRULE_COUNT ? j.v.rule[k].sentence
				       : fault_description(j.fault));
	}
	diag_free(&d);
	registry_free(r);
	buf_free(&text);
}

/* --- What is said of it --------------------------------------------------- */

/* A comment, broken into lines behind lead. */
static void __attribute__((format(printf, 3, 4)))
remark(struct buf *out, const char *lead, const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = mem_vprintf(fmt, ap);
	va_end(ap);
	quote_put(&b, s, strlen(s));
	buf_puts(out, lead);
	/* A tab counts for one there, and is eight. */
	columns_wrap(out, b.len == 0 ? "" : b.data, strlen(lead), lead,
	    COLUMNS_USUAL - (lead[0] == '\t' ? 8 : 1));
	buf_putc(out, '\n');
	buf_free(&b);
	free(s);
}

static void
put_gateway(struct buf *out, const struct seen *s)
{
	const struct proberow *row = s->row;
	char when[NUM_TIME_MAX];
	struct buf place = {0}, names = {0};

	probereport_place(row, &place);
	if (row->tls)
		remark(out, "# ", "%s: %s %s", place.data, row->seen.protocol,
		    row->seen.cipher);
	else
		remark(out, "# ", "%s: %s", place.data, fault_text(row->fault));
	buf_free(&place);
	if (!row->tls || s->chain == NULL)
		return;
	x509_san_text(sk_X509_value(s->chain, 0), LISTED_NAMES, &names);
	remark(out, "#     ", "certificate CN \"%s\"%s%s, issued by \"%s\"",
	    row->subject, names.len > 0 ? ", " : "",
	    names.len > 0 ? names.data : "", row->issuer);
	if (row->seen.not_after != 0)
		remark(out, "#     ", "valid until %.10s; key sha256 %s",
		    num_time_text(row->seen.not_after, when), row->seen.key);
	buf_free(&names);
}

static const char *
dnssec_words(const struct probeentry *n)
{
	bool insecure = false, secure = false;
	size_t i;

	for (i = 0; i < n->n; i++) {
		const struct proberow *row = n->seen[i].row;

		insecure = insecure || row->mx_dns == PROBEWIRE_DNS_INSECURE ||
			   row->host_dns == PROBEWIRE_DNS_INSECURE;
		secure = secure || row->host_dns == PROBEWIRE_DNS_SECURE;
	}
	return insecure ? "not signed, or not checked"
	       : secure ? "signed"
			: "not asked";
}

static const char *
text_words(enum probewire_text t)
{
	return t == PROBEWIRE_TEXT_YES	? "record there"
	       : t == PROBEWIRE_TEXT_NO ? "no record"
					: "not known";
}

static json_t *
text_json(enum probewire_text t)
{
	return t == PROBEWIRE_TEXT_UNKNOWN
		   ? json_null()
		   : json_boolean(t == PROBEWIRE_TEXT_YES);
}

static void
put_place(struct buf *out, const struct probeentry *n)
{
	uint32_t i = registry_domain(n->registry, n->domain);
	const struct partner *p;

	if (i != REGISTRY_NONE) {
		p = &n->registry->partner[n->registry->domain[i].partner];
		remark(out, "# ",
		    "Beware: %s belongs to partner %s already (%s:%u). Change "
		    "it there.",
		    n->domain, p->name, partner_file(n->registry, p), p->line);
	} else if (!dname_is_nexthop(n->domain) &&
		   (i = registry_above(n->registry, n->domain)) !=
		       REGISTRY_NONE)
		remark(out, "# ",
		    "So far the rules of partner %s hold for it, who has a "
		    "domain above.",
		    n->registry->partner[i].name);
	if (registry_partner(n->registry, n->name) != REGISTRY_NONE)
		remark(out, "# ",
		    "Beware: there is a partner %s already. Use another name.",
		    n->name);
}

static void
put_head(struct buf *out, const struct probeentry *n, time_t now)
{
	char when[NUM_TIME_MAX];
	size_t i;

	remark(out, "# ", "%s, as tlspact-probe --entry saw it at %s.",
	    n->domain, num_time_text(now, when));
	remark(out, "# ",
	    "Seen is not agreed: this may be what an attacker shows, who "
	    "answers in the partner's place. Have the partner confirm names, "
	    "CA and keys on another way than mail or DNS.");
	put_place(out, n);
	buf_puts(out, "#\n");
	for (i = 0; i < n->n; i++)
		put_gateway(out, &n->seen[i]);
	remark(out, "# ",
	    "DNSSEC: %s. TLSA records: %s. MTA-STS: %s. TLS reports: %s.",
	    dnssec_words(n),
	    n->dane ? "all gateways pass by them"
		    : "none by which all gateways pass",
	    text_words(n->mta_sts), text_words(n->tls_rpt));
	if (n->mta_sts == PROBEWIRE_TEXT_YES)
		remark(out, "# ", "The MTA-STS policy itself was not fetched.");
	for (i = 0; i < n->trouble.n; i++)
		remark(out, "# ", "%s%s",
		    i == 0 ? "Not to be enforced as it is. " : "",
		    n->trouble.v[i]);
	buf_puts(out, "#\n");
}

/* What else could be agreed, as comments inside of the statement. */
static void
put_others(struct buf *out, const struct probeentry *n)
{
	char *suffix = mem_printf(".%s", n->domain);

	remark(out, "\t# ",
	    "to be filled in: contact=postmaster@%s ticket= "
	    "review=",
	    n->domain);
	if (n->verify == VERIFY_NAME && n->gateway.n > 1 &&
	    n->gateway.n <= LISTED_NAMES && all_below(n, suffix))
		remark(out, "\t# ", "or, for any name below theirs: gateway=%s",
		    suffix);
	if (n->verify == VERIFY_DANE && n->ca && n->gateway.n > 0) {
		remark(out, "\t# ", "or by CA and name: in place of verify");
		put_list(out, "\t# ", "gateway", &n->gateway);
		put_list(out, "\t# ", "issuer", &n->issuer);
	}
	if (n->verify != VERIFY_KEY && n->key.n > 0) {
		remark(out, "\t# ",
		    "or by key, which rests on no CA: in place of the rest");
		put_pair(out, "\t# ", "verify", "key");
		put_list(out, "\t# ", "key", &n->key);
	}
	free(suffix);
}

/* --- All of it ------------------------------------------------------------ */

static bool
was_looked_at(const struct proberow *row)
{
	return row->tls || fault_is_tls(row->fault);
}

/* By MX record, as all else that is told of them. */
static int
by_order(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return (x->row->order > y->row->order) -
	       (x->row->order < y->row->order);
}

static json_t *
list_of(const struct names *t)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < t->n; i++)
		json_array_append_new(list, json_text(t->v[i]));
	return list;
}

static json_t *
entry_json(const struct probeentry *n)
{
	static const char *const verify[] = {[VERIFY_NAME] = "name",
	    [VERIFY_KEY] = "key",
	    [VERIFY_DANE] = "dane",
	    [VERIFY_NONE] = "none"};

	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:s, s:b, "
			 "s:o, s:o, s:o, s:o}",
	    "partner", n->name, "domain", n->domain, "mode",
	    n->trouble.n == 0 ? "enforced" : "opportunistic", "verify",
	    verify[n->verify], "provider", n->provider, "gateway",
	    list_of(&n->gateway), "issuer", list_of(&n->issuer), "key",
	    list_of(&n->key), "min_tls", tls_version_name(n->floor), "dane",
	    n->dane, "mta_sts", text_json(n->mta_sts), "tls_reporting",
	    text_json(n->tls_rpt), "missing", list_of(&n->trouble), "statement",
	    json_text(n->text.data));
}

bool
probeentry_make(struct probeentry *n, const struct proberun *run, time_t now,
    const char **text, struct json_t **json)
{
	bool whole = n->n > 0;
	size_t i;

	if (n->n > 0)
		qsort(n->seen, n->n, sizeof(*n->seen), by_order);
	n->ca = n->dane = n->n > 0;
	n->floor = TLS_1_2;
	proberun_texts(run, 0, &n->mta_sts, &n->tls_rpt);
	for (i = 0; i < n->n; i++) {
		whole = whole && was_looked_at(n->seen[i].row);
		take_seen(n, &n->seen[i], now);
	}
	if (n->dane)
		n->verify = VERIFY_DANE;
	else if (n->ca && n->gateway.n > 0)
		n->verify = VERIFY_NAME;
	else
		n->verify = n->key.n > 0 ? VERIFY_KEY : VERIFY_NAME;
	if (n->verify == VERIFY_NAME)
		find_provider(n);
	if (n->key.n > 0)
		try_statement(n, now);
	else if (n->trouble.n == 0)
		(void)names_add(&n->trouble, "No gateway was found.",
		    strlen("No gateway was found."));
	put_head(&n->text, n, now);
	put_statement(n, n->trouble.n == 0, false, &n->text);
	put_others(&n->text, n);
	*text = n->text.data;
	if (json != NULL)
		*json = entry_json(n);
	return whole;
}

void
probeentry_free(struct probeentry *n)
{
	size_t i;

	if (n == NULL)
		return;
	for (i = 0; i < n->n; i++)
		sk_X509_pop_free(n->seen[i].chain, X509_free);
	free(n->seen);
	names_free(&n->gateway);
	names_free(&n->issuer);
	names_free(&n->key);
	names_free(&n->trouble);
	buf_free(&n->text);
	arena_free(&n->arena);
	free(n);
}
