#include "probereport.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "columns.h"
#include "json.h"
#include "mem.h"
#include "num.h"
#include "probeletter.h"
#include "probeplan.h"
#include "quote.h"
#include "registry.h"

#define REPEAT_WINDOW 64 /* rows looked back at for the same gateway */
#define SEEN_MAX 44	 /* columns of an observed value */
#define PARTNER_MAX 20	 /* columns of a name where room is short */
#define LEAD "    "	 /* of what goes on on another line */
#define RULE_LEAD "                        " /* of words about a rule */

bool
probereport_group(const struct probereport *r, struct probereport_group *g)
{
	size_t i = g->end;

	*g = (struct probereport_group){.begin = i, .end = i};
	if (i == r->n)
		return false;
	g->name = probereport_name(r->row[i]);
	for (; i < r->n && strcmp(probereport_name(r->row[i]), g->name) == 0;
	     i++) {
		g->failed += proberow_fails(r->row[i]);
		g->unknown += r->row[i]->fault == FAULT_LOCAL_ERROR;
	}
	g->end = i;
	return true;
}

bool
probereport_repeats(
    const struct probereport *r, const struct probereport_group *g, size_t i)
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
	struct probereport_group g = {0};
	size_t i;

	memset(out, 0, sizeof(*out));
	while (probereport_group(r, &g)) {
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
		out->not_asked += proberow_not_asked(row);
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
		return proberow_fails(row)	? "FAIL"
		       : row->fault != FAULT_OK ? "not asked,"
						: "pass";
	}
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

/* "pass, ends soon", "FAIL expired", "not asked, no-starttls". */
static void
verdict_text(const struct proberow *row, struct buf *out)
{
	buf_puts(out, cell(row, VERDICT));
	if (row->fault != FAULT_OK)
		buf_printf(out, " %s", fault_text(row->fault));
	else if (ends_soon(row))
		buf_puts(out, ", ends soon");
	else if (row->warning)
		buf_puts(out, ", weak");
	if (row->turns.on)
		buf_puts(out, ", by turns");
}

static void
put_verdict(
    struct buf *out, const struct probereport *r, const struct proberow *row)
{
	const char *colour =
	    proberow_fails(row)					      ? "31"
	    : row->fault != FAULT_OK || row->warning || row->turns.on ? "33"
								      : "32";

	if (r->colour)
		buf_printf(out, "\033[%sm", colour);
	verdict_text(row, out);
	if (r->colour)
		buf_puts(out, "\033[m");
	buf_putc(out, '\n');
}

/* The columns of the first line of a row: those up to last, and the verdict. */
struct layout {
	size_t width[COLUMNS];
	int last;
	bool below; /* the others stand on a second line */
};

static const char *const head[COLUMNS] = {
    "partner", "gateway", "address", "tls", "cipher", "certificate", "verdict"};

static void
measure(const struct probereport *r, struct layout *l)
{
	struct buf verdict = {0};
	size_t i, w;
	int k;

	for (k = 0; k < COLUMNS; k++)
		l->width[k] = strlen(head[k]);
	for (i = 0; i < r->n; i++)
		for (k = 0; k < COLUMNS; k++) {
			buf_clear(&verdict);
			if (k == VERDICT)
				verdict_text(r->row[i], &verdict);
			w = columns_width(
			    k == VERDICT ? verdict.data : cell(r->row[i], k));
			l->width[k] = w > l->width[k] ? w : l->width[k];
		}
	buf_free(&verdict);
}

/* Columns of the first line. */
static size_t
line_width(const struct layout *l)
{
	size_t n = l->width[VERDICT];
	int k;

	for (k = 0; k <= l->last; k++)
		n += l->width[k] + 2;
	return n;
}

static void
lay_out(const struct probereport *r, struct layout *l)
{
	size_t all, least = strlen(head[GATEWAY]);

	*l = (struct layout){.last = CERTIFICATE};
	measure(r, l);
	if (r->columns == COLUMNS_ANY || line_width(l) <= r->columns)
		return;
	l->below = true;
	if (l->width[PARTNER] > PARTNER_MAX)
		l->width[PARTNER] = PARTNER_MAX;
	l->last = ADDRESS;
	if (line_width(l) > r->columns)
		l->last = GATEWAY;
	all = line_width(l);
	if (all <= r->columns)
		return;
	all -= r->columns;
	l->width[GATEWAY] =
	    l->width[GATEWAY] < least + all ? least : l->width[GATEWAY] - all;
}

/* The second line of a row: what is not, or not whole, on the first. */
static void
put_below(struct buf *out, const struct probereport *r, const struct layout *l,
    const struct proberow *row)
{
	struct buf text = {0};
	const char *s;
	int k;

	for (k = 0; k < VERDICT; k++) {
		s = cell(row, k);
		if (k <= l->last ? columns_width(s) > l->width[k]
				 : strcmp(s, "-") != 0)
			buf_printf(&text, "%s%s", text.len == 0 ? "" : ", ", s);
	}
	if (text.len > 0) {
		buf_puts(out, LEAD);
		columns_wrap(out, text.data, strlen(LEAD), LEAD, r->columns);
		buf_putc(out, '\n');
	}
	buf_free(&text);
}

static void
put_row(struct buf *out, const struct probereport *r, const struct layout *l,
    const struct proberow *row)
{
	int k;

	for (k = 0; k <= l->last; k++) {
		columns_put(
		    out, row == NULL ? head[k] : cell(row, k), l->width[k]);
		buf_puts(out, "  ");
	}
	if (row == NULL) {
		buf_printf(out, "%s\n", head[VERDICT]);
		return;
	}
	put_verdict(out, r, row);
	if (l->below)
		put_below(out, r, l, row);
}

static void
put_rows(const struct probereport *r, struct buf *out)
{
	struct probereport_group g = {0};
	struct layout l;
	size_t i;

	lay_out(r, &l);
	put_row(out, r, &l, NULL);
	while (probereport_group(r, &g))
		for (i = g.begin; i < g.end; i++)
			if (r->verbose || !probereport_repeats(r, &g, i))
				put_row(out, r, &l, r->row[i]);
}

/* --- Below it --------------------------------------------------------- */

/* Break the line that was put since `from`, if it is too long. */
static void
break_line(struct buf *out, size_t from, size_t columns)
{
	size_t in = strspn(out->data + from, " ");
	char *line;

	if (columns == COLUMNS_ANY)
		return;
	line = mem_dup(out->data + from + in);
	line[strcspn(line, "\n")] = '\0';
	out->len = from + in;
	columns_wrap(out, line, in, in > 0 ? LEAD "  " : LEAD, columns);
	buf_putc(out, '\n');
	free(line);
}

static const char *
dnssec(enum probewire_dnssec d)
{
	return d == PROBEWIRE_DNS_SECURE     ? "signed"
	       : d == PROBEWIRE_DNS_INSECURE ? "not signed"
					     : "not asked";
}

static void
put_more(
    const struct probereport *r, const struct proberow *row, struct buf *out)
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
	break_line(out, from, r->columns);
}

void
probereport_place(const struct proberow *row, struct buf *out)
{
	buf_puts(out, probereport_gateway(row));
	if (row->seen.address[0] != '\0')
		buf_printf(out, " [%s]", row->seen.address);
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
	break_line(out, from, r->columns);
	if (r->verbose)
		put_more(r, row, out);
}

static void
put_remarks(const struct probereport *r, struct buf *out)
{
	struct probereport_group g = {0};
	bool first = true;
	size_t i;

	while (probereport_group(r, &g))
		for (i = g.begin; i < g.end; i++) {
			const struct proberow *row = r->row[i];

			if (!r->verbose &&
			    ((row->fault == FAULT_OK && !row->warning &&
				 !row->turns.on) ||
				probereport_repeats(r, &g, i)))
				continue;
			if (first)
				buf_putc(out, '\n');
			first = false;
			put_remark(r, row, out);
		}
}

/* Does one address of the host of row i fail, and another one pass? */
static bool
is_split(
    const struct probereport *r, const struct probereport_group *g, size_t i)
{
	const struct proberow *a = r->row[i], *b;
	size_t k;

	for (k = g->begin; k < g->end; k++) {
		b = r->row[k];
		if (proberow_fails(a) != proberow_fails(b) &&
		    strcmp(a->seen.host, b->seen.host) == 0)
			return true;
	}
	return false;
}

/* Has row i been named for an earlier one? */
static bool
is_named(const struct probereport *r, const struct probereport_group *g,
    size_t i, bool by_address)
{
	const struct proberow *a = r->row[i], *b;
	size_t k;

	for (k = g->begin; k < i; k++) {
		b = r->row[k];
		if (proberow_fails(a) == proberow_fails(b) &&
		    strcmp(a->seen.host, b->seen.host) == 0 &&
		    (!by_address ||
			strcmp(a->seen.address, b->seen.address) == 0))
			return true;
	}
	return false;
}

/* Which gateways of a partner fail, or pass, and with what address if both. */
static void
put_hosts(const struct probereport *r, const struct probereport_group *g,
    bool failed, struct buf *out)
{
	const char *sep = "";
	bool split;
	size_t i;

	for (i = g->begin; i < g->end; i++) {
		split = is_split(r, g, i);
		if (proberow_fails(r->row[i]) != failed ||
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
	struct probereport_group g = {0};
	size_t from;

	while (probereport_group(r, &g)) {
		if (g.failed == 0 || g.failed == g.end - g.begin ||
		    g.end - g.begin > REPEAT_WINDOW)
			continue;
		from = out->len;
		buf_printf(out, "%s fails at ", g.name);
		put_hosts(r, &g, true, out);
		buf_puts(out, "; passes at ");
		put_hosts(r, &g, false, out);
		buf_puts(out, ".\n");
		break_line(out, from, r->columns);
	}
}

static void
put_skipped(const struct probereport *r, struct buf *out)
{
	const struct probeplan *p = r->plan;
	size_t from = out->len, i;

	if (p == NULL || p->nskip == 0)
		return;
	buf_puts(out, "Not looked at: ");
	for (i = 0; i < p->nskip && (i < 3 || r->verbose); i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", p->skip[i].what);
	if (i < p->nskip)
		buf_printf(out, " and %zu more", p->nskip - i);
	buf_puts(
	    out, " (sub-domains: name one to look at it; or mode=none).\n");
	break_line(out, from, r->columns);
}

static int
put_report(const struct probereport *r, struct buf *out)
{
	struct probereport_sum sum;

	probereport_sum(r, &sum);
	if (r->n > 0)
		put_rows(r, out);
	put_remarks(r, out);
	if (sum.partners > 1 || sum.failed + sum.not_asked > 0 || r->n == 0)
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
	if (sum.not_asked > 0)
		buf_printf(out,
		    "%zu look%s without good TLS, which is not asked there.\n",
		    sum.not_asked, num_plural(sum.not_asked));
	put_skipped(r, out);
	return r->code;
}

const struct probeform probereport_table = {put_report};

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
		w = columns_width(v->rule[i].observed);
		width = w > width ? w : width;
	}
	return width > SEEN_MAX ? SEEN_MAX : width;
}

static void
put_rule(enum certrule_id id, const struct certrule_result *r, bool colour,
    struct buf *out)
{
	columns_put(out, certrule_words[id].word, 13);
	if (colour)
		buf_puts(out, colour_of(r));
	columns_put(out, state_word(r), 9);
	if (colour && *colour_of(r) != '\0')
		buf_puts(out, "\033[m");
	buf_puts(out, "  ");
}

static void
put_table(
    const struct certverdict *v, bool colour, size_t columns, struct buf *out)
{
	size_t width = seen_width(v);
	bool digest;
	int i;

	buf_puts(out, "rule         verdict    ");
	columns_put(out, "observed", columns == COLUMNS_ANY ? width + 2 : 10);
	buf_printf(out, "%sin words\n", columns == COLUMNS_ANY ? "" : "and ");
	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		put_rule((enum certrule_id)i, r, colour, out);
		if (columns == COLUMNS_ANY) {
			columns_put(out,
			    r->observed[0] != '\0' ? r->observed : "-", width);
			buf_printf(out, "  %s\n", r->sentence);
			continue;
		}
		/* A digest is one word, and wider than what is left. */
		digest =
		    strchr(r->observed, ' ') == NULL &&
		    strlen(RULE_LEAD) + columns_width(r->observed) > columns;
		if (r->observed[0] != '\0' && !digest) {
			columns_wrap(out, r->observed, strlen(RULE_LEAD),
			    RULE_LEAD, columns);
			buf_puts(out, "\n" RULE_LEAD);
		}
		columns_wrap(
		    out, r->sentence, strlen(RULE_LEAD), RULE_LEAD, columns);
		if (digest)
			buf_printf(out, "\n             %s", r->observed);
		buf_putc(out, '\n');
	}
}

/*
 * What of the registry the certificate does not meet: "gateway= and issuer=";
 * nothing where it is the certificate itself that is no good.
 */
static void
put_terms(const struct certverdict *v, struct buf *out)
{
	static const struct {
		enum certrule_id id;
		const char *term;
	} rests[] = {{CERTRULE_NAME, "gateway="}, {CERTRULE_CA, "ca="},
	    {CERTRULE_ISSUER, "issuer="}, {CERTRULE_PIN, "key="},
	    {CERTRULE_COMMON_NAME, "common-name="}};
	size_t i, n = 0;

	for (i = 0; i < sizeof(rests) / sizeof(rests[0]); i++)
		if (v->rule[rests[i].id].state == CERTRULE_FAIL)
			buf_printf(out, "%s%s", n++ == 0 ? "" : " and ",
			    rests[i].term);
}

/* A downgrade is of no help to a move that is still to come. */
static void
put_planned(const struct probereport_rules *r, struct buf *out)
{
	struct buf terms = {0};

	if (r->v != NULL)
		put_terms(r->v, &terms);
	buf_printf(out,
	    "It is not known as a gateway of %s: mail to it would be held",
	    r->partner);
	if (terms.len == 0)
		buf_putc(out, '.');
	else {
		buf_printf(out,
		    " by the rules of the registry. If it is to be one, change "
		    "%s",
		    terms.data);
		if (r->provider != NULL)
			buf_printf(
			    out, ", or provider=, which is %s", r->provider);
		buf_puts(out, ".");
	}
	buf_putc(out, '\n');
	buf_free(&terms);
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
	else if (r->planned)
		put_planned(r, out);
	else if (r->v != NULL && r->v->step < LEVEL_SECURE)
		buf_printf(out,
		    "Mail to this gateway is held. The smallest step that "
		    "gets it moving: %s.\n",
		    level_name(r->v->step));
	else
		buf_puts(out, "Mail to this gateway is held.\n");
}

void
probereport_rules(const struct probereport_rules *r, bool colour,
    size_t columns, struct buf *out)
{
	const char *fault = r->fault == FAULT_OK ? "" : fault_text(r->fault);
	size_t from = out->len;

	buf_printf(out, "%s: %s", r->partner, r->what);
	if (r->gateway != NULL)
		buf_printf(out, " as gateway %s", r->gateway);
	if (r->nexthop != NULL)
		buf_printf(out, " of %s", r->nexthop);
	buf_putc(out, '\n');
	break_line(out, from, columns);
	buf_putc(out, '\n');
	if (r->v != NULL) {
		put_table(r->v, colour, columns, out);
		buf_putc(out, '\n');
	}
	if (colour)
		buf_puts(out, r->fault == FAULT_OK ? "\033[32m" : "\033[31m");
	buf_printf(out, "%s%s%s", r->fault == FAULT_OK ? "pass" : "FAIL",
	    *fault != '\0' ? " " : "", fault);
	if (colour)
		buf_puts(out, "\033[m");
	buf_puts(out, ": ");
	columns_wrap(out,
	    r->detail != NULL && r->detail[0] != '\0' ? r->detail
	    : r->alone && r->fault == FAULT_OK
		? "Every rule accepts the certificate."
		: fault_description(r->fault),
	    strlen("pass: ") + (*fault != '\0') + strlen(fault), LEAD, columns);
	buf_putc(out, '\n');
	from = out->len;
	put_step(r, out);
	if (out->len > from)
		break_line(out, from, columns);
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
			      certrule_words[r->id].word, "verdict",
			      certrule_state_texts[r->state], "warning",
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
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "fault",
	    fault_json(row->cert_fault), "subject_cn", json_text(row->subject),
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

	g = json_pack("{s:o, s:s, s:o, s:o, s:i, s:o, s:s, s:o, s:b, s:b, "
		      "s:b}",
	    "partner",
	    row->target->partner == NULL ? json_null()
					 : json_text(row->target->name),
	    "nexthop", row->target->nexthop, "gateway",
	    json_text(row->seen.host), "address", json_text(row->seen.address),
	    "port", (int)row->seen.port, "seen", json_time(row->seen.time),
	    "level", level_name(row->target->level), "fault",
	    fault_json(row->fault), "passed", row->fault == FAULT_OK,
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
	struct probereport_group g = {0};

	while (probereport_group(r, &g))
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

static int
put_json(const struct probereport *r, struct buf *out)
{
	struct probereport_sum sum;
	json_t *root, *list = json_array();
	size_t i;

	probereport_sum(r, &sum);
	for (i = 0; i < r->n; i++)
		json_array_append_new(list, gateway(r->row[i]));
	root = json_pack("{s:s, s:o, s:i, s:o, s:i, s:i, s:i, s:i, s:o, s:o, "
			 "s:o}",
	    "schema", "tlspact.probe.v1", "time", json_time(r->now),
	    "exit_code", r->code, "messages", r->messages, "looked_at",
	    (int)sum.gateways, "failed", (int)sum.failed, "not_asked",
	    (int)sum.not_asked, "warned", (int)sum.warned, "partners",
	    partners(r), "gateways", list, "not_looked_at", skipped(r));
	if (r->entry != NULL)
		json_object_set_new(root, "entry", r->entry);
	if (r->helo != NULL)
		json_object_set_new(root, "letters", probeletter_json(r));
	json_put(root, out);
	return r->code;
}

const struct probeform probereport_json = {put_json};

static json_t *
all_rules(const struct certverdict *v)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:b, s:o, s:o, s:o}", "rule",
			      certrule_words[i].word, "verdict",
			      certrule_state_texts[r->state], "warning",
			      r->warning, "fault", fault_json(r->fault),
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

	j = json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}", "judged",
	    json_text(r->what), "nexthop", json_text(r->nexthop), "gateway",
	    json_text(r->gateway), "fault", fault_json(r->fault), "passed",
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
