#include "probereport.h"

#include <string.h>

#include "buf.h"
#include "num.h"
#include "probeplan.h"
#include "quote.h"

#define REPEAT_WINDOW 64 /* rows looked back at for the same gateway */

const char *
probereport_name(const struct proberow *row)
{
	return row->target->partner == NULL ? row->target->nexthop
					    : row->target->name;
}

const char *
probereport_gateway(const struct proberow *row)
{
	return row->host[0] != '\0' ? row->host : row->target->nexthop;
}

size_t
probereport_group(const struct probereport *r, size_t i)
{
	const char *name = probereport_name(r->row[i]);

	for (i++; i < r->n; i++)
		if (strcmp(probereport_name(r->row[i]), name) != 0)
			break;
	return i;
}

bool
probereport_repeats(const struct probereport *r, size_t begin, size_t i)
{
	const struct proberow *a = r->row[i], *b;
	size_t k = i - begin > REPEAT_WINDOW ? i - REPEAT_WINDOW : begin;

	if (a->host[0] == '\0')
		return false;
	for (; k < i; k++) {
		b = r->row[k];
		if (a->port == b->port && a->fault == b->fault &&
		    a->passed == b->passed &&
		    strcmp(a->address, b->address) == 0 &&
		    strcmp(a->host, b->host) == 0)
			return true;
	}
	return false;
}

size_t
probereport_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n++;
	return n;
}

void
probereport_sum(const struct probereport *r, struct probereport_sum *out)
{
	size_t i, end;
	bool bad;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < r->n; i = end) {
		end = probereport_group(r, i);
		out->partners++;
		for (bad = false; i < end; i++) {
			const struct proberow *row = r->row[i];

			out->gateways++;
			if (row->days_known &&
			    (!out->days_known ||
				row->days_left < out->min_days)) {
				out->days_known = true;
				out->min_days = row->days_left;
			}
			if (row->fault == FAULT_OK) {
				out->warned += row->warning;
				continue;
			}
			bad = true;
			out->failed++;
			if (row->fault == FAULT_LOCAL_ERROR)
				out->unknown++;
		}
		out->partners_failed += bad;
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
		return row->address[0] != '\0' ? row->address : "-";
	case TLS:
		return row->tls ? row->protocol : "-";
	case CIPHER:
		return row->tls ? row->cipher : "-";
	case CERTIFICATE:
		return row->certificate;
	default:
		return row->fault != FAULT_OK ? "FAIL" : "pass";
	}
}

static void
pad(struct buf *out, const char *text, size_t width)
{
	size_t n = probereport_width(text);

	buf_puts(out, text);
	for (; n < width + 2; n++)
		buf_putc(out, ' ');
}

static void
put_verdict(
    struct buf *out, const struct probereport *r, const struct proberow *row)
{
	const char *colour = row->fault != FAULT_OK ? "31"
			     : row->warning	    ? "33"
						    : "32";

	if (r->colour)
		buf_printf(out, "\033[%sm", colour);
	buf_puts(out, cell(row, VERDICT));
	if (row->fault != FAULT_OK)
		buf_printf(out, " %s", fault_text(row->fault));
	else if (row->warning && row->days_known &&
		 row->days_left < (long)r->warn_days)
		buf_puts(out, ", ends soon");
	else if (row->warning)
		buf_puts(out, ", weak");
	if (r->colour)
		buf_puts(out, "\033[m");
	buf_putc(out, '\n');
}

static void
put_rows(const struct probereport *r, struct buf *out)
{
	static const char *const head[COLUMNS] = {"partner", "gateway",
	    "address", "tls", "cipher", "certificate", "verdict"};
	size_t width[COLUMNS], i, k, w, begin = 0, end = 0;

	for (k = 0; k < COLUMNS; k++) {
		width[k] = strlen(head[k]);
		for (i = 0; i < r->n; i++) {
			w = probereport_width(cell(r->row[i], (int)k));
			width[k] = w > width[k] ? w : width[k];
		}
	}
	for (k = 0; k < VERDICT; k++)
		pad(out, head[k], width[k]);
	buf_printf(out, "%s\n", head[VERDICT]);
	for (i = 0; i < r->n; i++) {
		if (i == end) {
			begin = i;
			end = probereport_group(r, i);
		}
		if (!r->verbose && probereport_repeats(r, begin, i))
			continue;
		for (k = 0; k < VERDICT; k++)
			pad(out, cell(r->row[i], (int)k), width[k]);
		put_verdict(out, r, r->row[i]);
	}
}

/* --- Below it --------------------------------------------------------- */

static const char *
dnssec(enum proberow_dnssec d)
{
	return d == PROBEROW_DNS_SECURE	    ? "signed"
	       : d == PROBEROW_DNS_INSECURE ? "not signed"
					    : "not asked";
}

static void
put_more(const struct proberow *row, struct buf *out)
{
	size_t from = out->len;

	buf_printf(out, "    DNSSEC: MX %s, address %s", dnssec(row->mx_dns),
	    dnssec(row->host_dns));
	if (row->tlsa > 0)
		buf_printf(out, ", %zu TLSA", row->tlsa);
	if (row->sni != NULL)
		buf_printf(out, "; SNI %s", row->sni);
	if (row->tls)
		buf_printf(out, "; key exchange %s, signature %s",
		    row->kex[0] != '\0' ? row->kex : "RSA",
		    row->sig[0] != '\0' ? row->sig : "-");
	if (row->has_cert)
		buf_printf(out, "; CN \"%s\", issued by \"%s\", key %s",
		    row->subject, row->issuer, row->key);
	buf_printf(out, "; %u ms\n", row->ms);
	quote_since(out, from);
}

static void
put_where(const struct proberow *row, struct buf *out)
{
	buf_printf(
	    out, "%s %s", probereport_name(row), probereport_gateway(row));
	if (row->address[0] != '\0')
		buf_printf(out, "[%s]", row->address);
	if (row->port != 25 && row->port != 0 && row->address[0] != '\0')
		buf_printf(out, ":%u", row->port);
}

static void
put_remarks(const struct probereport *r, struct buf *out)
{
	size_t i, k, from, begin = 0, end = 0;
	bool first = true;

	for (i = 0; i < r->n; i++) {
		const struct proberow *row = r->row[i];

		if (i == end) {
			begin = i;
			end = probereport_group(r, i);
		}
		if (row->fault == FAULT_OK && !row->warning && !r->verbose)
			continue;
		if (!r->verbose && probereport_repeats(r, begin, i))
			continue;
		if (first)
			buf_putc(out, '\n');
		first = false;
		from = out->len;
		put_where(row, out);
		if (row->fault != FAULT_OK)
			buf_printf(out, ": %s: %s", fault_text(row->fault),
			    row->detail);
		else if (row->detail[0] != '\0' && r->verbose)
			buf_printf(out, ": %s", row->detail);
		for (k = 0; row->fault == FAULT_OK && k < row->nrules; k++)
			if (row->rule[k].state != CERTRULE_FAIL)
				buf_printf(out, ": %s", row->rule[k].sentence);
		if (row->fault != FAULT_OK &&
		    row->same_key == CERTRULE_KEY_SAME)
			buf_puts(out, " The key is the one that passed last.");
		buf_putc(out, '\n');
		quote_since(out, from);
		if (r->verbose)
			put_more(row, out);
	}
}

static bool
is_later_address(const struct probereport *r, size_t begin, size_t i)
{
	for (; begin < i; begin++)
		if (strcmp(r->row[begin]->host, r->row[i]->host) == 0 &&
		    (r->row[begin]->fault == FAULT_OK) ==
			(r->row[i]->fault == FAULT_OK))
			return true;
	return false;
}

/* Which gateways of a partner fail and which pass. */
static void
put_hosts(const struct probereport *r, size_t begin, size_t end, bool failed,
    struct buf *out)
{
	const char *sep = "";
	size_t i;

	for (i = begin; i < end; i++) {
		if ((r->row[i]->fault != FAULT_OK) != failed ||
		    is_later_address(r, begin, i))
			continue;
		buf_printf(out, "%s%s", sep, probereport_gateway(r->row[i]));
		sep = ", ";
	}
}

static void
put_partners(const struct probereport *r, struct buf *out)
{
	size_t i, k, end, bad;

	for (i = 0; i < r->n; i = end) {
		end = probereport_group(r, i);
		for (bad = 0, k = i; k < end; k++)
			bad += r->row[k]->fault != FAULT_OK;
		if (bad == 0 || bad == end - i || end - i > REPEAT_WINDOW)
			continue;
		buf_printf(out, "%s fails at ", probereport_name(r->row[i]));
		put_hosts(r, i, end, true, out);
		buf_puts(out, "; passes at ");
		put_hosts(r, i, end, false, out);
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

static const char *
s_of(size_t n)
{
	return n == 1 ? "" : "s";
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
		    s_of(sum.partners), sum.partners == 1 ? "es" : "",
		    sum.failed, sum.gateways, s_of(sum.gateways));
	put_skipped(r, out);
}
