#include "probereport.h"

#include <string.h>

#include "buf.h"
#include "probeplan.h"

#define NAGIOS_SHOWN 5 /* failures named in the line */
#define DAY 86400

/* --- Nagios ----------------------------------------------------------- */

enum { OK, WARNING, CRITICAL, UNKNOWN };

/* The line is cut at `|` and at line ends by those who read it. */
static void
put_word(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		buf_putc(out, *s == '|' || (unsigned char)*s < ' ' ? '?' : *s);
}

static void
nagios_where(struct buf *out, const struct proberow *row)
{
	put_word(out, probereport_name(row));
	if (strcmp(probereport_name(row), probereport_gateway(row)) != 0) {
		buf_putc(out, '/');
		put_word(out, probereport_gateway(row));
	}
	if (row->address[0] != '\0') {
		buf_putc(out, '[');
		put_word(out, row->address);
		buf_putc(out, ']');
	}
}

static void
nagios_list(const struct probereport *r, bool failed, struct buf *out)
{
	size_t i, shown = 0, more = 0;

	for (i = 0; i < r->n; i++) {
		const struct proberow *row = r->row[i];

		if (failed ? row->fault == FAULT_OK
			   : row->fault != FAULT_OK || !row->warning)
			continue;
		if (shown == NAGIOS_SHOWN) {
			more++;
			continue;
		}
		buf_puts(out, shown++ == 0 ? ": " : ", ");
		nagios_where(out, row);
		if (failed)
			buf_printf(out, " %s", fault_text(row->fault));
		else if (row->days_known)
			buf_printf(out, " %ld days left", row->days_left);
	}
	if (more > 0)
		buf_printf(out, ", %zu more", more);
}

int
probereport_nagios(const struct probereport *r, struct buf *out)
{
	static const char *const word[] = {
	    [OK] = "OK",
	    [WARNING] = "WARNING",
	    [CRITICAL] = "CRITICAL",
	    [UNKNOWN] = "UNKNOWN",
	};
	struct probereport_sum sum;
	int state;

	probereport_sum(r, &sum);
	state = sum.gateways == 0	   ? UNKNOWN
		: sum.failed > sum.unknown ? CRITICAL
		: sum.unknown > 0	   ? UNKNOWN
		: sum.warned > 0	   ? WARNING
					   : OK;
	buf_printf(out, "TLSPACT %s - ", word[state]);
	if (sum.gateways == 0)
		buf_puts(out, "no gateway was looked at");
	else if (sum.failed > 0) {
		buf_printf(
		    out, "%zu of %zu gateways fail", sum.failed, sum.gateways);
		nagios_list(r, true, out);
	} else {
		buf_printf(out, "%zu gateway%s of %zu partner%s pass%s",
		    sum.gateways, sum.gateways == 1 ? "" : "s", sum.partners,
		    sum.partners == 1 ? "" : "s",
		    sum.gateways == 1 ? "es" : "");
		nagios_list(r, false, out);
	}
	buf_printf(out,
	    " | gateways=%zu failed=%zu;0;0;0;%zu warned=%zu "
	    "partners=%zu partners_failed=%zu",
	    sum.gateways, sum.failed, sum.gateways, sum.warned, sum.partners,
	    sum.partners_failed);
	if (sum.days_known)
		buf_printf(out, " min_days_left=%ld;%u:;0:", sum.min_days,
		    r->warn_days);
	buf_putc(out, '\n');
	return state;
}

/* --- Prometheus ------------------------------------------------------- */

static void
put_label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			buf_putc(out, '\\');
		if (*value == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, *value);
	}
	buf_putc(out, '"');
}

static void
put_labels(struct buf *out, const char *partner, const char *nexthop,
    const char *host, const char *address, unsigned port)
{
	put_label(out, "partner", partner);
	buf_putc(out, ',');
	put_label(out, "nexthop", nexthop);
	buf_putc(out, ',');
	put_label(out, "gateway", host);
	buf_putc(out, ',');
	put_label(out, "address", address);
	buf_printf(out, ",port=\"%u\"", port);
}

static void
row_labels(struct buf *out, const char *metric, const struct proberow *row)
{
	buf_printf(out, "%s{", metric);
	put_labels(out, row->target->name, row->target->nexthop, row->host,
	    row->address, row->port);
}

static void
head(struct buf *out, const char *metric, const char *help)
{
	buf_printf(
	    out, "# HELP %s %s\n# TYPE %s gauge\n", metric, help, metric);
}

static bool
same_gateway(const struct probereport_seen *s, const struct proberow *row)
{
	return s->port == row->port && strcmp(s->address, row->address) == 0 &&
	       strcmp(s->host, row->host) == 0 &&
	       strcmp(s->nexthop, row->target->nexthop) == 0 &&
	       strcmp(s->partner, row->target->name) == 0;
}

/* The evidence's memory of the gateway of row, or NULL. */
static const struct probereport_seen *
remembered(const struct probereport *r, const struct proberow *row)
{
	size_t i;

	for (i = 0; i < r->nseen; i++)
		if (same_gateway(&r->seen[i], row))
			return &r->seen[i];
	return NULL;
}

static bool
was_looked_at(const struct probereport *r, const struct probereport_seen *s)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (same_gateway(s, r->row[i]))
			return true;
	return false;
}

static time_t
end_of(const struct probereport *r, const struct proberow *row)
{
	const struct probereport_seen *s;

	if (row->has_cert)
		return row->not_after;
	return (s = remembered(r, row)) == NULL ? 0 : s->not_after;
}

static double
days(time_t end, time_t now)
{
	return ((double)end - (double)now) / DAY;
}

/* The end of life of every certificate that is known, however long ago. */
static void
put_ends(const struct probereport *r, struct buf *out, const char *metric,
    bool in_days)
{
	const struct probereport_seen *s;
	size_t i;
	time_t end;

	for (i = 0; i < r->n; i++) {
		if ((end = end_of(r, r->row[i])) == 0)
			continue;
		row_labels(out, metric, r->row[i]);
		if (in_days)
			buf_printf(out, "} %.2f\n", days(end, r->now));
		else
			buf_printf(out, "} %lld\n", (long long)end);
	}
	for (i = 0; i < r->nseen; i++) {
		s = &r->seen[i];
		if (s->not_after == 0 || was_looked_at(r, s))
			continue;
		buf_printf(out, "%s{", metric);
		put_labels(
		    out, s->partner, s->nexthop, s->host, s->address, s->port);
		if (in_days)
			buf_printf(out, "} %.2f\n", days(s->not_after, r->now));
		else
			buf_printf(out, "} %lld\n", (long long)s->not_after);
	}
}

static void
put_times(const struct probereport *r, struct buf *out, const char *metric)
{
	const struct probereport_seen *s;
	size_t i;

	for (i = 0; i < r->n; i++) {
		row_labels(out, metric, r->row[i]);
		buf_printf(out, "} %lld\n", (long long)r->row[i]->time);
	}
	for (i = 0; i < r->nseen; i++) {
		s = &r->seen[i];
		if (was_looked_at(r, s))
			continue;
		buf_printf(out, "%s{", metric);
		put_labels(
		    out, s->partner, s->nexthop, s->host, s->address, s->port);
		buf_printf(out, "} %lld\n", (long long)s->time);
	}
}

void
probereport_prometheus(const struct probereport *r, struct buf *out)
{
	const char *m = "tlspact_gateway_up";
	struct probereport_sum sum;
	size_t i;

	probereport_sum(r, &sum);
	head(out, m, "1 if the gateway passed at this look, else 0.");
	for (i = 0; i < r->n; i++) {
		row_labels(out, m, r->row[i]);
		buf_printf(out, "} %d\n", r->row[i]->fault == FAULT_OK);
	}
	m = "tlspact_gateway_fault";
	head(out, m, "1 with the fault class as a label; ok is one of them.");
	for (i = 0; i < r->n; i++) {
		row_labels(out, m, r->row[i]);
		buf_printf(
		    out, ",fault=\"%s\"} 1\n", fault_text(r->row[i]->fault));
	}
	m = "tlspact_gateway_certificate_not_after_seconds";
	head(out, m, "End of life of the certificate seen last, UNIX time.");
	put_ends(r, out, m, false);
	m = "tlspact_gateway_certificate_days_left";
	head(out, m, "Days until then; negative once it has expired.");
	put_ends(r, out, m, true);
	m = "tlspact_gateway_probe_time_seconds";
	head(out, m, "When the gateway was looked at last, UNIX time.");
	put_times(r, out, m);
	m = "tlspact_probe_gateways";
	head(out, m, "Gateways looked at by this run.");
	buf_printf(out, "%s %zu\n", m, sum.gateways);
	m = "tlspact_probe_failed";
	head(out, m, "Gateways that failed in this run.");
	buf_printf(out, "%s %zu\n", m, sum.failed);
	m = "tlspact_probe_time_seconds";
	head(out, m, "When this run ended, UNIX time.");
	buf_printf(out, "%s %lld\n", m, (long long)r->now);
}
