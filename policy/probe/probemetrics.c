#include "probemetrics.h"

#include <string.h>

#include "buf.h"
#include "clock.h"
#include "life.h"
#include "num.h"
#include "probereport.h"
#include "prometheus.h"

#define NAGIOS_SHOWN 5 /* failures named in the line */

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
	if (row->seen.address[0] != '\0') {
		buf_putc(out, '[');
		put_word(out, row->seen.address);
		buf_putc(out, ']');
	}
}

/* Does no gateway pass at some next-hop, as far as is known? */
static bool
stops(const struct probereport *r)
{
	size_t i, k, bad, unknown;

	for (i = 0; i < r->n; i = k) {
		bad = unknown = 0;
		for (k = i; k < r->n && r->row[k]->target == r->row[i]->target;
		     k++) {
			bad += proberow_fails(r->row[k]);
			unknown += r->row[k]->fault == FAULT_LOCAL_ERROR;
		}
		if (bad > unknown && bad == k - i)
			return true;
	}
	return false;
}

static void
nagios_list(const struct probereport *r, bool failed, struct buf *out)
{
	size_t i, shown = 0, more = 0;

	for (i = 0; i < r->n; i++) {
		const struct proberow *row = r->row[i];

		if (failed ? !proberow_fails(row)
			   : row->fault != FAULT_OK ||
				 (!row->warning && !row->turns.on))
			continue;
		if (shown == NAGIOS_SHOWN) {
			more++;
			continue;
		}
		buf_puts(out, shown++ == 0 ? ": " : ", ");
		nagios_where(out, row);
		if (failed)
			buf_printf(out, " %s", fault_text(row->fault));
		else if (row->turns.on)
			buf_printf(
			    out, " by turns %s", fault_text(row->turns.fault));
		else if (row->days_known)
			buf_printf(out, " %ld days left", row->days_left);
	}
	if (more > 0)
		buf_printf(out, ", %zu more", more);
}

static int
put_nagios(const struct probereport *r, struct buf *out)
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
	state = sum.gateways == 0			      ? UNKNOWN
		: stops(r)				      ? CRITICAL
		: sum.unknown > 0			      ? UNKNOWN
		: sum.failed > 0 || sum.warned > 0 || r->kept ? WARNING
							      : OK;
	buf_printf(out, "TLSPACT %s - ", word[state]);
	if (sum.gateways == 0)
		buf_puts(out, "no gateway was looked at");
	else if (sum.failed > 0) {
		buf_printf(out, "%zu of %zu gateways fail%s", sum.failed,
		    sum.gateways,
		    state == WARNING ? ", others take the mail" : "");
		nagios_list(r, true, out);
	} else {
		buf_printf(out, "%zu gateway%s of %zu partner%s pass%s",
		    sum.gateways, num_plural(sum.gateways), sum.partners,
		    num_plural(sum.partners), sum.gateways == 1 ? "es" : "");
		if (sum.not_asked > 0)
			buf_printf(out,
			    ", %zu without good TLS, which is not asked of "
			    "them",
			    sum.not_asked);
		nagios_list(r, false, out);
	}
	if (r->kept)
		buf_puts(out, ", by the registry last compiled: that of now is "
			      "not taken");
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

const struct probeform probemetrics_nagios = {put_nagios};

/* --- Prometheus ------------------------------------------------------- */

static void
put_gateway(struct buf *out, const char *metric, const struct evidence_probe *g)
{
	buf_printf(out, "%s{", metric);
	prometheus_label(out, "partner", g->partner);
	buf_putc(out, ',');
	prometheus_label(out, "nexthop", g->nexthop);
	buf_putc(out, ',');
	prometheus_label(out, "gateway", g->host);
	buf_putc(out, ',');
	prometheus_label(out, "address", g->address);
	buf_printf(out, ",port=\"%u\"", g->port);
}

static bool
same_gateway(const struct evidence_probe *a, const struct evidence_probe *b)
{
	return a->port == b->port && strcmp(a->address, b->address) == 0 &&
	       strcmp(a->host, b->host) == 0 &&
	       strcmp(a->nexthop, b->nexthop) == 0 &&
	       strcmp(a->partner, b->partner) == 0;
}

static bool
was_looked_at(const struct probereport *r, const struct evidence_probe *g)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (same_gateway(g, &r->row[i]->seen))
			return true;
	return false;
}

/* The look that row is of, or, if that showed no certificate, the last one. */
static const struct evidence_probe *
shown(const struct probereport *r, const struct proberow *row)
{
	size_t i;

	if (!row->has_cert)
		for (i = 0; i < r->nseen; i++)
			if (same_gateway(&r->seen[i], &row->seen))
				return &r->seen[i];
	return &row->seen;
}

enum value { TIME, ENDS, DAYS_LEFT, ENDS_SOON };

static void
put_value(struct buf *out, const struct probereport *r, enum value what,
    const struct evidence_probe *g)
{
	if (what == TIME)
		buf_printf(out, "} %lld\n", (long long)g->time);
	else if (what == ENDS)
		buf_printf(out, "} %lld\n", (long long)g->not_after);
	else if (what == DAYS_LEFT)
		buf_printf(out, "} %.2f\n",
		    ((double)g->not_after - (double)r->now) / CLOCK_DAY);
	else
		buf_printf(out, "} %d\n",
		    life_ends_soon(
			g->begins, g->not_after, r->now, r->warn_days));
}

/* Of all, seen now or before; of an end, if one is known. */
static void
put_all(const struct probereport *r, struct buf *out, const char *metric,
    enum value what)
{
	const struct evidence_probe *g;
	size_t i;

	for (i = 0; i < r->n + r->nseen; i++) {
		if (i >= r->n)
			g = &r->seen[i - r->n];
		else if (what == TIME)
			g = &r->row[i]->seen;
		else
			g = shown(r, r->row[i]);
		if ((what != TIME && g->not_after == 0) ||
		    (i >= r->n && was_looked_at(r, g)))
			continue;
		put_gateway(out, metric, g);
		put_value(out, r, what, g);
	}
}

static int
put_prometheus(const struct probereport *r, struct buf *out)
{
	const char *m = "tlspact_gateway_up";
	struct probereport_sum sum;
	size_t i;

	probereport_sum(r, &sum);
	prometheus_gauge(
	    out, m, "1 if the gateway passed at this look, else 0.");
	for (i = 0; i < r->n; i++) {
		put_gateway(out, m, &r->row[i]->seen);
		buf_printf(out, "} %d\n", r->row[i]->fault == FAULT_OK);
	}
	m = "tlspact_gateway_fault";
	prometheus_gauge(
	    out, m, "1 with the fault class as a label; ok is one of them.");
	for (i = 0; i < r->n; i++) {
		put_gateway(out, m, &r->row[i]->seen);
		buf_printf(
		    out, ",fault=\"%s\"} 1\n", fault_text(r->row[i]->fault));
	}
	m = "tlspact_gateway_by_turns";
	prometheus_gauge(
	    out, m, "1 if it passes and fails by turns of late, else 0.");
	for (i = 0; i < r->n; i++) {
		put_gateway(out, m, &r->row[i]->seen);
		buf_printf(out, "} %d\n", r->row[i]->turns.on);
	}
	m = "tlspact_gateway_certificate_not_after_seconds";
	prometheus_gauge(
	    out, m, "End of life of the certificate seen last, UNIX time.");
	put_all(r, out, m, ENDS);
	m = "tlspact_gateway_certificate_days_left";
	prometheus_gauge(
	    out, m, "Days until then; negative once it has expired.");
	put_all(r, out, m, DAYS_LEFT);
	m = "tlspact_gateway_certificate_ends_soon";
	prometheus_gauge(
	    out, m, "1 if --warn-days and a share of its life say so, else 0.");
	put_all(r, out, m, ENDS_SOON);
	m = "tlspact_gateway_probe_time_seconds";
	prometheus_gauge(
	    out, m, "When the gateway was looked at last, UNIX time.");
	put_all(r, out, m, TIME);
	m = "tlspact_probe_gateways";
	prometheus_gauge(out, m, "Gateways looked at by this run.");
	buf_printf(out, "%s %zu\n", m, sum.gateways);
	m = "tlspact_probe_failed";
	prometheus_gauge(out, m, "Gateways that failed in this run.");
	buf_printf(out, "%s %zu\n", m, sum.failed);
	m = "tlspact_probe_time_seconds";
	prometheus_gauge(out, m, "When this run ended, UNIX time.");
	buf_printf(out, "%s %lld\n", m, (long long)r->now);
	return r->code;
}

const struct probeform probemetrics_prometheus = {put_prometheus};
