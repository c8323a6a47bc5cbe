#include "probereport.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "num.h"
#include "probeplan.h"
#include "quote.h"
#include "registry.h"

#define REPEAT_WINDOW 64 /* rows looked back at for the same gateway */
#define SEEN_MAX 44	 /* columns of an observed value */
#define LETTER_WIDTH 72	 /* columns */

/* Columns of a terminal that s takes. */
static size_t
width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n++;
	return n;
}

/* The rows of one partner, or of one stranger; zeroed before the first. */
struct group {
	const char *name;
	size_t begin, end;
	size_t failed, unknown; /* of them, as in struct probereport_sum */
};

static bool
next_group(const struct probereport *r, struct group *g)
{
	size_t i = g->end;

	*g = (struct group){.begin = i, .end = i};
	if (i == r->n)
		return false;
	g->name = probereport_name(r->row[i]);
	for (; i < r->n && strcmp(probereport_name(r->row[i]), g->name) == 0;
	     i++) {
		g->failed += r->row[i]->fault != FAULT_OK;
		g->unknown += r->row[i]->fault == FAULT_LOCAL_ERROR;
	}
	g->end = i;
	return true;
}

/* As another row of the same group before it: the same gateway again. */
static bool
repeats(const struct probereport *r, const struct group *g, size_t i)
{
	const struct proberow *a = r->row[i], *b;
	size_t k = i - g->begin > REPEAT_WINDOW ? i - REPEAT_WINDOW : g->begin;

	for (; k < i && *a->seen.host != '\0'; k++) {
		b = r->row[k];
		if (a->seen.port == b->seen.port && a->fault == b->fault &&
		    a->passed == b->passed &&
		    strcmp(a->seen.address, b->seen.address) == 0 &&
		    strcmp(a->seen.host, b->seen.host) == 0)
			return true;
	}
	return false;
}

void
probereport_sum(const struct probereport *r, struct probereport_sum *out)
{
	struct group g = {0};
	size_t i;

	memset(out, 0, sizeof(*out));
	while (next_group(r, &g)) {
		out->partners++;
		out->partners_failed += g.failed > 0;
		out->failed += g.failed;
		out->unknown += g.unknown;
	}
	out->gateways = r->n;
	for (i = 0; i < r->n; i++) {
		const struct proberow *row = r->row[i];

		if (row->days_known &&
		    (!out->days_known || row->days_left < out->min_days)) {
			out->days_known = true;
			out->min_days = row->days_left;
		}
		out->warned +=
		    row->fault == FAULT_OK && (row->warning || row->turns.on);
	}
}

/* --- The table -------------------------------------------------------- */

enum { PARTNER, GATEWAY, ADDRESS, TLS, CIPHER, CERTIFICATE, VERDICT, COLUMNS };

static const char *
cell(const struct proberow *row, int column)
{
	switch (column) {
	case PARTNER:
		return row->target->name;
	case GATEWAY:
		return probereport_gateway(row);
	case ADDRESS:
		return row->seen.address[0] != '\0' ? row->seen.address : "-";
	case TLS:
		return row->tls ? row->seen.protocol : "-";
	case CIPHER:
		return row->tls ? row->seen.cipher : "-";
	case CERTIFICATE:
		return row->certificate;
	default:
		return row->fault != FAULT_OK ? "FAIL" : "pass";
	}
}

/* s in width columns, filled up or cut between characters. */
static void
put_cell(struct buf *out, const char *s, size_t width)
{
	size_t col = 0, n, all = width_of(s);
	size_t room = all > width ? width - 3 : width;

	for (; *s != '\0' && col < room; s += n, col++) {
		n = utf8_len(s, strlen(s));
		n = n == 0 ? 1 : n;
		buf_add(out, s, n);
	}
	if (all > width) {
		buf_puts(out, "...");
		col += 3;
	}
	for (; col < width + 2; col++)
		buf_putc(out, ' ');
}

static bool
ends_soon(const struct proberow *row)
{
	size_t i;

	for (i = 0; i < row->nrules; i++)
		if (row->rule[i].id == CERTRULE_AHEAD)
			return true;
	return false;
}

static void
put_verdict(
    struct buf *out, const struct probereport *r, const struct proberow *row)
{
	const char *colour = row->fault != FAULT_OK	     ? "31"
			     : row->warning || row->turns.on ? "33"
							     : "32";

	if (r->colour)
		buf_printf(out, "\033[%sm", colour);
	buf_puts(out, cell(row, VERDICT));
	if (row->fault != FAULT_OK)
		buf_printf(out, " %s", fault_text(row->fault));
	else if (ends_soon(row))
		buf_puts(out, ", ends soon");
	else if (row->warning)
		buf_puts(out, ", weak");
	if (row->turns.on)
		buf_puts(out, ", by turns");
	if (r->colour)
		buf_puts(out, "\033[m");
	buf_putc(out, '\n');
}

static void
put_rows(const struct probereport *r, struct buf *out)
{
	static const char *const head[COLUMNS] = {"partner", "gateway",
	    "address", "tls", "cipher", "certificate", "verdict"};
	size_t width[COLUMNS], i, k, w;
	struct group g = {0};

	for (k = 0; k < COLUMNS; k++) {
		width[k] = strlen(head[k]);
		for (i = 0; i < r->n; i++) {
			w = width_of(cell(r->row[i], (int)k));
			width[k] = w > width[k] ? w : width[k];
		}
	}
	for (k = 0; k < VERDICT; k++)
		put_cell(out, head[k], width[k]);
	buf_printf(out, "%s\n", head[VERDICT]);
	while (next_group(r, &g))
		for (i = g.begin; i < g.end; i++) {
			if (!r->verbose && repeats(r, &g, i))
				continue;
			for (k = 0; k < VERDICT; k++)
				put_cell(
				    out, cell(r->row[i], (int)k), width[k]);
			put_verdict(out, r, r->row[i]);
		}
}

/* --- Below it --------------------------------------------------------- */

static const char *
dnssec(enum probewire_dnssec d)
{
	return d == PROBEWIRE_DNS_SECURE     ? "signed"
	       : d == PROBEWIRE_DNS_INSECURE ? "not signed"
					     : "not asked";
}

static void
put_more(const struct proberow *row, struct buf *out)
{
	size_t from = out->len;

	buf_printf(out, "    DNSSEC: MX %s, address %s", dnssec(row->mx_dns),
	    dnssec(row->host_dns));
	if (row->ntlsa > 0)
		buf_printf(out, ", %zu TLSA", row->ntlsa);
	if (row->sni[0] != '\0')
		buf_printf(out, "; SNI %s", row->sni);
	if (row->tls)
		buf_printf(out, "; key exchange %s, signature %s",
		    row->seen.kex[0] != '\0' ? row->seen.kex : "RSA",
		    row->sig[0] != '\0' ? row->sig : "-");
	if (row->seen.requiretls[0] != '\0')
		buf_printf(out, "; REQUIRETLS: %s", row->seen.requiretls);
	if (row->has_cert)
		buf_printf(out, "; CN \"%s\", issued by \"%s\", key %s",
		    row->subject, row->issuer, row->seen.key);
	buf_printf(out, "; %u ms\n", row->ms);
	quote_since(out, from);
}

static void
put_where(const struct proberow *row, struct buf *out)
{
	buf_printf(
	    out, "%s %s", probereport_name(row), probereport_gateway(row));
	if (row->seen.address[0] != '\0')
		buf_printf(out, "[%s]", row->seen.address);
	if (row->seen.port != 25 && row->seen.port != 0 &&
	    row->seen.address[0] != '\0')
		buf_printf(out, ":%u", row->seen.port);
}

/* What is wrong with it, or to be looked at. */
static void
put_remark(
    const struct probereport *r, const struct proberow *row, struct buf *out)
{
	size_t k, from = out->len;

	put_where(row, out);
	if (row->fault != FAULT_OK)
		buf_printf(
		    out, ": %s: %s", fault_text(row->fault), row->seen.detail);
	else if (row->seen.detail[0] != '\0' && r->verbose)
		buf_printf(out, ": %s", row->seen.detail);
	for (k = 0; row->fault == FAULT_OK && k < row->nrules; k++)
		if (row->rule[k].state != CERTRULE_FAIL)
			buf_printf(out, ": %s", row->rule[k].sentence);
	if (row->fault != FAULT_OK && row->same_key == CERTRULE_KEY_SAME)
		buf_puts(out, " The key is the one that passed last.");
	if (row->turns.on)
		buf_puts(out, row->fault == FAULT_OK ? ": " : " It is so ");
	turns_text(&row->turns, out);
	buf_putc(out, '\n');
	quote_since(out, from);
	if (r->verbose)
		put_more(row, out);
}

static void
put_remarks(const struct probereport *r, struct buf *out)
{
	struct group g = {0};
	bool first = true;
	size_t i;

	while (next_group(r, &g))
		for (i = g.begin; i < g.end; i++) {
			const struct proberow *row = r->row[i];

			if (!r->verbose &&
			    ((row->fault == FAULT_OK && !row->warning &&
				 !row->turns.on) ||
				repeats(r, &g, i)))
				continue;
			if (first)
				buf_putc(out, '\n');
			first = false;
			put_remark(r, row, out);
		}
}

/* Does one address of the host of row i fail, and another one pass? */
static bool
is_split(const struct probereport *r, const struct group *g, size_t i)
{
	const struct proberow *a = r->row[i], *b;
	size_t k;

	for (k = g->begin; k < g->end; k++) {
		b = r->row[k];
		if ((a->fault != FAULT_OK) != (b->fault != FAULT_OK) &&
		    strcmp(a->seen.host, b->seen.host) == 0)
			return true;
	}
	return false;
}

/* Has row i been named for an earlier one? */
static bool
is_named(const struct probereport *r, const struct group *g, size_t i,
    bool by_address)
{
	const struct proberow *a = r->row[i], *b;
	size_t k;

	for (k = g->begin; k < i; k++) {
		b = r->row[k];
		if ((a->fault != FAULT_OK) == (b->fault != FAULT_OK) &&
		    strcmp(a->seen.host, b->seen.host) == 0 &&
		    (!by_address ||
			strcmp(a->seen.address, b->seen.address) == 0))
			return true;
	}
	return false;
}

/* Which gateways of a partner fail, or pass, and with what address if both. */
static void
put_hosts(const struct probereport *r, const struct group *g, bool failed,
    struct buf *out)
{
	const char *sep = "";
	bool split;
	size_t i;

	for (i = g->begin; i < g->end; i++) {
		split = is_split(r, g, i);
		if ((r->row[i]->fault != FAULT_OK) != failed ||
		    is_named(r, g, i, split))
			continue;
		buf_printf(out, "%s%s", sep, probereport_gateway(r->row[i]));
		if (split)
			buf_printf(out, "[%s]", r->row[i]->seen.address);
		sep = ", ";
	}
}

static void
put_partners(const struct probereport *r, struct buf *out)
{
	struct group g = {0};

	while (next_group(r, &g)) {
		if (g.failed == 0 || g.failed == g.end - g.begin ||
		    g.end - g.begin > REPEAT_WINDOW)
			continue;
		buf_printf(out, "%s fails at ", g.name);
		put_hosts(r, &g, true, out);
		buf_puts(out, "; passes at ");
		put_hosts(r, &g, false, out);
		buf_puts(out, ".\n");
	}
}

static void
put_skipped(const struct probereport *r, struct buf *out)
{
	const struct probeplan *p = r->plan;
	size_t i;

	if (p == NULL || p->nskip == 0)
		return;
	buf_puts(out, "Not looked at: ");
	for (i = 0; i < p->nskip && (i < 3 || r->verbose); i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", p->skip[i].what);
	if (i < p->nskip)
		buf_printf(out, " and %zu more", p->nskip - i);
	buf_puts(out, " (sub-domains; name one to look at it).\n");
}

void
probereport_table(const struct probereport *r, struct buf *out)
{
	struct probereport_sum sum;

	probereport_sum(r, &sum);
	if (r->n > 0)
		put_rows(r, out);
	put_remarks(r, out);
	if (sum.partners > 1 || sum.failed > 0 || r->n == 0)
		buf_putc(out, '\n');
	put_partners(r, out);
	if (r->n == 0)
		buf_puts(out, "No gateway was looked at.\n");
	else if (sum.partners > 1)
		buf_printf(out,
		    "%zu of %zu partner%s pass%s; %zu of %zu look%s failed.\n",
		    sum.partners - sum.partners_failed, sum.partners,
		    num_plural(sum.partners), sum.partners == 1 ? "es" : "",
		    sum.failed, sum.gateways, num_plural(sum.gateways));
	put_skipped(r, out);
}

/* --- One certificate and every rule ----------------------------------------
 */

static const char *
state_word(const struct certrule_result *r)
{
	if (r->state == CERTRULE_FAIL)
		return "FAIL";
	if (r->warning)
		return "warning";
	return r->state == CERTRULE_PASS ? "pass" : "not asked";
}

static const char *
colour_of(const struct certrule_result *r)
{
	return r->state == CERTRULE_FAIL   ? "\033[31m"
	       : r->warning		   ? "\033[33m"
	       : r->state == CERTRULE_PASS ? "\033[32m"
					   : "";
}

static size_t
seen_width(const struct certverdict *v)
{
	size_t i, w, width = strlen("observed");

	for (i = 0; i < CERTRULE_COUNT; i++) {
		w = width_of(v->rule[i].observed);
		width = w > width ? w : width;
	}
	return width > SEEN_MAX ? SEEN_MAX : width;
}

static void
put_table(const struct certverdict *v, bool colour, struct buf *out)
{
	size_t i, width = seen_width(v);

	put_cell(out, "rule", 11);
	put_cell(out, "verdict", 9);
	put_cell(out, "observed", width);
	buf_puts(out, "in words\n");
	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		put_cell(out, certrule_text((enum certrule_id)i), 11);
		if (colour)
			buf_puts(out, colour_of(r));
		put_cell(out, state_word(r), 9);
		if (colour && *colour_of(r) != '\0')
			buf_puts(out, "\033[m");
		put_cell(
		    out, r->observed[0] != '\0' ? r->observed : "-", width);
		buf_printf(out, "%s\n", r->sentence);
	}
}

static void
put_step(const struct probereport_rules *r, struct buf *out)
{
	if (r->opportunistic)
		buf_puts(out, "The partner is opportunistic: mail moves "
			      "whatever these rules say.\n");
	else if (r->fault == FAULT_OK)
		return;
	else if (r->v != NULL && r->v->delivers && !fault_stops_mail(r->fault))
		buf_puts(out, "Postfix does not look at this and would go on "
			      "delivering; by the registry it is a failure.\n");
	else if (r->v != NULL && r->v->step < LEVEL_SECURE)
		buf_printf(out,
		    "Mail to this gateway is held. The smallest step that "
		    "gets it moving: %s.\n",
		    level_name(r->v->step));
	else
		buf_puts(out, "Mail to this gateway is held.\n");
}

void
probereport_rules(
    const struct probereport_rules *r, bool colour, struct buf *out)
{
	buf_printf(out, "%s: %s", r->partner, r->what);
	if (r->gateway != NULL)
		buf_printf(out, " as gateway %s", r->gateway);
	if (r->nexthop != NULL)
		buf_printf(out, " of %s", r->nexthop);
	buf_puts(out, "\n\n");
	if (r->v != NULL) {
		put_table(r->v, colour, out);
		buf_putc(out, '\n');
	}
	if (colour)
		buf_puts(out, r->fault == FAULT_OK ? "\033[32m" : "\033[31m");
	buf_puts(out, r->fault == FAULT_OK ? "pass" : "FAIL");
	if (r->fault != FAULT_OK)
		buf_printf(out, " %s", fault_text(r->fault));
	if (colour)
		buf_puts(out, "\033[m");
	buf_printf(out, ": %s\n",
	    r->detail != NULL && r->detail[0] != '\0' ? r->detail
	    : r->alone && r->fault == FAULT_OK
		? "Every rule accepts the certificate."
		: fault_description(r->fault));
	put_step(r, out);
}

/* --- JSON ----------------------------------------------------------------- */

static json_t *
dnssec_json(enum probewire_dnssec d)
{
	return d == PROBEWIRE_DNS_NONE
		   ? json_null()
		   : json_boolean(d == PROBEWIRE_DNS_SECURE);
}

static json_t *
rules(const struct proberow *row)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < row->nrules; i++) {
		const struct proberow_rule *r = &row->rule[i];

		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:b, s:o, s:o}", "rule",
			      certrule_text(r->id), "verdict",
			      certrule_state_text(r->state), "warning",
			      r->state != CERTRULE_FAIL, "observed",
			      json_text(r->observed), "sentence",
			      json_text(r->sentence)));
	}
	return list;
}

static json_t *
certificate(const struct proberow *row)
{
	if (!row->has_cert)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "fault",
	    fault_text(row->cert_fault), "subject_cn", json_text(row->subject),
	    "issuer_cn", json_text(row->issuer), "not_after",
	    json_time(row->seen.not_after), "days_left",
	    row->days_known ? json_integer(row->days_left) : json_null(),
	    "key_sha256", json_text(row->seen.key), "key_since_last_pass",
	    row->same_key == CERTRULE_KEY_SAME	? "same"
	    : row->same_key == CERTRULE_KEY_NEW ? "new"
						: "unknown",
	    "rules", rules(row));
}

static json_t *
gateway(const struct proberow *row)
{
	json_t *g;

	g = json_pack("{s:o, s:s, s:o, s:o, s:i, s:o, s:s, s:s, s:b, s:b, "
		      "s:b}",
	    "partner",
	    row->target->partner == NULL ? json_null()
					 : json_text(row->target->name),
	    "nexthop", row->target->nexthop, "gateway",
	    json_text(row->seen.host), "address", json_text(row->seen.address),
	    "port", (int)row->seen.port, "time", json_time(row->seen.time),
	    "level", level_name(row->target->level), "fault",
	    fault_text(row->fault), "passed", row->fault == FAULT_OK,
	    "would_pass_enforced", row->passed, "warning", row->warning);
	if (g == NULL)
		abort();
	json_object_set_new(g, "by_turns", turns_json(&row->turns));
	json_object_set_new(g, "detail", json_text(row->seen.detail));
	json_object_set_new(g, "mx_dnssec", dnssec_json(row->mx_dns));
	json_object_set_new(g, "address_dnssec", dnssec_json(row->host_dns));
	json_object_set_new(g, "tlsa_records", json_integer((int)row->ntlsa));
	json_object_set_new(g, "sni", json_text(row->sni));
	json_object_set_new(g, "protocol", json_text(row->seen.protocol));
	json_object_set_new(g, "cipher", json_text(row->seen.cipher));
	json_object_set_new(g, "key_exchange", json_text(row->seen.kex));
	json_object_set_new(g, "server_signature", json_text(row->sig));
	json_object_set_new(g, "requiretls",
	    row->seen.requiretls[0] == '\0'
		? json_null()
		: json_boolean(row->seen.requiretls[0] == 'y'));
	json_object_set_new(g, "injected", json_boolean(row->injected));
	json_object_set_new(g, "milliseconds", json_integer((int)row->ms));
	json_object_set_new(g, "certificate", certificate(row));
	return g;
}

static json_t *
partners(const struct probereport *r)
{
	json_t *list = json_array();
	struct group g = {0};

	while (next_group(r, &g))
		json_array_append_new(list,
		    json_pack("{s:o, s:b, s:i, s:i}", "partner",
			json_text(g.name), "passed", g.failed == 0, "gateways",
			(int)(g.end - g.begin), "failed", (int)g.failed));
	return list;
}

static json_t *
skipped(const struct probereport *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; r->plan != NULL && i < r->plan->nskip; i++)
		json_array_append_new(
		    list, json_pack("{s:o, s:o}", "partner",
			      json_text(r->plan->skip[i].name), "domain",
			      json_text(r->plan->skip[i].what)));
	return list;
}

void
probereport_json(const struct probereport *r, int exit_code, struct buf *out)
{
	struct probereport_sum sum;
	json_t *root, *list = json_array();
	size_t i;

	probereport_sum(r, &sum);
	for (i = 0; i < r->n; i++)
		json_array_append_new(list, gateway(r->row[i]));
	root = json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o}",
	    "schema", "tlspact.probe.v1", "time", json_time(r->now),
	    "exit_code", exit_code, "looked_at", (int)sum.gateways, "failed",
	    (int)sum.failed, "warned", (int)sum.warned, "partners", partners(r),
	    "gateways", list, "not_looked_at", skipped(r));
	json_put(root, out);
}

static json_t *
all_rules(const struct certverdict *v)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:b, s:s, s:o, s:o}", "rule",
			      certrule_text((enum certrule_id)i), "verdict",
			      certrule_state_text(r->state), "warning",
			      r->warning, "fault", fault_text(r->fault),
			      "observed", json_text(r->observed), "sentence",
			      json_text(r->sentence)));
	}
	return list;
}

static json_t *
whole_certificate(const struct certverdict *v)
{
	const struct x509_info *x = &v->leaf;
	char from[NUM_TIME_MAX], to[NUM_TIME_MAX];

	num_time_text(x->not_before, from);
	num_time_text(x->not_after, to);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o}",
	    "subject_cn", json_text(x->subject_cn), "issuer_cn",
	    json_text(x->issuer_cn), "issuer_organization",
	    json_text(x->issuer_org), "not_before",
	    json_text(x->dates_ok ? from : ""), "not_after",
	    json_text(x->dates_ok ? to : ""), "cert_sha256",
	    json_text(x->cert_sha256), "key_sha256", json_text(x->spki_sha256),
	    "key_type", json_text(x->key_type), "key_bits", x->key_bits,
	    "signature", json_text(x->signature));
}

struct json_t *
probereport_rules_json(const struct probereport_rules *r)
{
	json_t *j;

	j = json_pack("{s:o, s:o, s:o, s:s, s:b, s:o}", "judged",
	    json_text(r->what), "nexthop", json_text(r->nexthop), "gateway",
	    json_text(r->gateway), "fault", fault_text(r->fault), "passed",
	    r->fault == FAULT_OK, "detail", json_text(r->detail));
	if (j == NULL)
		abort();
	if (r->v == NULL)
		return j;
	json_object_set_new(j, "delivers", json_boolean(r->v->delivers));
	json_object_set_new(j, "smallest_step",
	    r->v->step < LEVEL_SECURE ? json_text(level_name(r->v->step))
				      : json_null());
	json_object_set_new(j, "days_left",
	    r->v->days_known ? json_integer(r->v->days_left) : json_null());
	json_object_set_new(j, "rules", all_rules(r->v));
	json_object_set_new(j, "certificate", whole_certificate(r->v));
	return j;
}

/* --- Letters -------------------------------------------------------------- */

/* Two sentences as an item of a list, broken into lines. */
static void
put_item(struct buf *out, const char *what, const char *advice)
{
	const char *part[] = {what, advice};
	size_t col = 5, len, i;
	const char *s;

	buf_puts(out, "    -");
	for (i = 0; i < 2; i++)
		for (s = part[i]; *s != '\0'; s += len + (s[len] == ' ')) {
			len = strcspn(s, " ");
			if (col + 1 + len > LETTER_WIDTH && col > 6) {
				buf_puts(out, "\n     ");
				col = 5;
			}
			buf_putc(out, ' ');
			buf_add(out, s, len);
			col += 1 + len;
		}
	buf_putc(out, '\n');
}

static void
put_facts(const struct proberow *row, struct buf *out)
{
	char when[NUM_TIME_MAX];

	buf_printf(out, "  %s", probereport_gateway(row));
	if (row->seen.address[0] != '\0')
		buf_printf(out, " [%s]", row->seen.address);
	if (row->seen.port != 25 && row->seen.address[0] != '\0')
		buf_printf(out, " port %u", row->seen.port);
	if (row->fault == FAULT_OK)
		buf_puts(out, ": ready");
	else
		buf_printf(out, ": not ready (%s)", fault_text(row->fault));
	if (row->tls)
		buf_printf(out, ", %s", row->seen.protocol);
	if (row->seen.not_after != 0)
		buf_printf(out, ", certificate valid until %.10s",
		    num_time_text(row->seen.not_after, when));
	buf_putc(out, '\n');
}

/* Sentences about CAs name our files: those are said without them. */
static const char *
sentence(const struct proberow_rule *rule)
{
	switch (rule->id) {
	case CERTRULE_CA:
	case CERTRULE_SELF_SIGNED:
		return fault_description(rule->fault);
	default:
		return rule->sentence;
	}
}

static void
put_missing(const struct proberow *row, struct buf *out)
{
	enum fault last = FAULT_OK;
	size_t i;

	put_facts(row, out);
	if (row->fault == FAULT_OK)
		return;
	for (i = 0; i < row->nrules; i++) {
		const struct proberow_rule *rule = &row->rule[i];

		if (rule->state != CERTRULE_FAIL || rule->fault == last)
			continue;
		last = rule->fault;
		put_item(out, sentence(rule), fault_remedy(rule->fault));
	}
	if (row->fault != row->cert_fault || !row->has_cert)
		put_item(out, fault_description(row->fault),
		    fault_remedy(row->fault));
}

static void
put_mail(const struct probereport *r, const struct group *g, const char *from,
    struct buf *out)
{
	char when[NUM_TIME_MAX];
	size_t i;

	buf_printf(out, "To the postmaster of %s:\n\n",
	    r->row[g->begin]->target->nexthop);
	buf_printf(out,
	    "we would like to exchange mail with you over TLS only, and to\n"
	    "check the certificates of your mail gateways. On %.10s we "
	    "looked\nat them from %s:\n\n",
	    num_time_text(r->now, when), from);
	for (i = g->begin; i < g->end; i++)
		if (!repeats(r, g, i))
			put_missing(r->row[i], out);
	if (g->failed == 0)
		buf_puts(out,
		    "\nNothing is missing on your side. Please tell "
		    "us before the names or the CA\nof your gateways' "
		    "certificates change.\n");
	else
		buf_puts(out, "\nPlease tell us when this is done; until then "
			      "mail goes on as before.\n");
}

/* Nothing is known of some gateway: no letter, which would not be true. */
static void
put_ours(const struct probereport *r, const struct group *g, struct buf *out)
{
	size_t i;

	buf_puts(out, "not known, the fault is on our side\n\n");
	for (i = g->begin; i < g->end; i++)
		if (r->row[i]->fault == FAULT_LOCAL_ERROR)
			put_item(out, r->row[i]->target->nexthop,
			    r->row[i]->seen.detail);
}

void
probereport_enforce(
    const struct probereport *r, const char *from, struct buf *out)
{
	struct group g = {0};

	while (next_group(r, &g)) {
		buf_printf(out, "%s%s: ", g.begin == 0 ? "" : "\n", g.name);
		if (g.unknown > 0) {
			put_ours(r, &g, out);
			continue;
		}
		buf_puts(out, g.failed == 0
				  ? "yes, could be enforced today\n\n"
				  : "no, cannot be enforced today\n\n");
		put_mail(r, &g, from, out);
	}
	if (r->n == 0)
		buf_puts(out, "No gateway was looked at.\n");
}
