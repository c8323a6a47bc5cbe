#include "metrics.h"

#include <inttypes.h>

#include "buf.h"
#include "conn.h"
#include "freshmap.h"
#include "maprecord.h"
#include "service.h"

static void
head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP tlspactd_%s %s\n# TYPE tlspactd_%s %s\n", name,
	    help, name, type);
}

static void
gauge(struct buf *out, const char *name, const char *help, int64_t v)
{
	head(out, name, "gauge", help);
	buf_printf(out, "tlspactd_%s %" PRId64 "\n", name, v);
}

static void
counter(struct buf *out, const char *name, const char *help, uint64_t v)
{
	head(out, name, "counter", help);
	buf_printf(out, "tlspactd_%s %" PRIu64 "\n", name, v);
}

static void
print_requests(
    const struct service *s, const struct metrics_of *f, struct buf *out)
{
	static const char *const words[] = {[SERVICE_OK] = "ok",
	    [SERVICE_NOTFOUND] = "notfound",
	    [SERVICE_TEMP] = "temp",
	    [SERVICE_PERM] = "perm"};
	unsigned i;

	head(out, "requests_total", "counter", "Requests by their answer.");
	for (i = 0; f->socketmap != NULL && i < SERVICE_ANSWERS; i++)
		buf_printf(out,
		    "tlspactd_requests_total{service=\"socketmap\","
		    "answer=\"%s\"} %" PRIu64 "\n",
		    words[i], s->answers[i]);
	for (i = 0; f->policy != NULL && i < VERDICT_COUNT; i++)
		buf_printf(out,
		    "tlspactd_requests_total{service=\"policy\","
		    "answer=\"%s\"} %" PRIu64 "\n",
		    verdict_name((enum verdict)i), s->verdicts[i]);
	counter(out, "let_in_total",
	    "Mails let in only because a downgrade holds.", s->let_in);
}

static void
labelled(struct buf *out, const char *name, const char *label, uint64_t n)
{
	buf_printf(out, "tlspactd_%s_total{%s} %" PRIu64 "\n", name, label, n);
}

/* The lines of a histogram. */
static void
print_latency(struct buf *out, const char *labels, const struct conn_latency *l)
{
	static const char name[] = "tlspactd_request_seconds";
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < CONN_BUCKETS; i++) {
		total += l->count[i];
		buf_printf(out, "%s_bucket{%s,le=\"%s\"} %" PRIu64 "\n", name,
		    labels, conn_buckets[i].text, total);
	}
	buf_printf(
	    out, "%s_sum{%s} %.9f\n", name, labels, (double)l->sum / 1e9);
	buf_printf(out, "%s_count{%s} %" PRIu64 "\n", name, labels, l->n);
}

static void
print_protocols(const struct metrics_of *f, struct buf *out)
{
	const struct conn_protocol *p[] = {f->socketmap, f->policy};
	static const char *const label[] = {
	    "service=\"socketmap\"", "service=\"policy\""};
	unsigned i;

	head(out, "request_seconds", "histogram",
	    "Time from reading a request to writing its answer.");
	for (i = 0; i < 2; i++)
		if (p[i] != NULL)
			print_latency(out, label[i], &p[i]->latency);
	head(out, "breaches_total", "counter",
	    "Clients closed because they broke the protocol.");
	for (i = 0; i < 2; i++)
		if (p[i] != NULL)
			labelled(out, "breaches", label[i], p[i]->breaches);
	head(out, "timeouts_total", "counter",
	    "Clients closed over a half-sent request or unread answer.");
	for (i = 0; i < 2; i++)
		if (p[i] != NULL)
			labelled(out, "timeouts", label[i], p[i]->timeouts);
}

void
metrics_print(const struct metrics_of *f, time_t now, struct buf *out)
{
	const struct conns_sum conns = conns_sum(f->conns);
	const struct freshmap *map = f->map;
	const struct mapheader *h = &map->served->header;

	print_requests(f->service, f, out);
	print_protocols(f, out);
	gauge(out, "connections", "Clients connected.", (int64_t)conns.clients);
	counter(out, "connections_total", "Clients that ever connected.",
	    conns.accepted);
	gauge(out, "held_bytes", "Bytes held for half-sent requests.",
	    (int64_t)conns.held);
	gauge(out, "map_compiled_seconds",
	    "When the map that is served was compiled, Unix time.", h->time);
	gauge(out, "map_age_seconds", "How long ago that was.", now - h->time);
	gauge(out, "map_current",
	    "1 if the map on disk is the one that is served, 0 if it is "
	    "missing or broken.",
	    map->served->current);
	gauge(out, "map_domains", "Domains in the map.", (int64_t)h->domains);
	gauge(out, "map_enforced_domains", "Those that are enforced.",
	    (int64_t)h->enforced);
	gauge(out, "map_lowered_domains", "Those under a downgrade that holds.",
	    freshmap_expired(map) ? 0 : (int64_t)h->lowered);
	gauge(out, "map_next_change_seconds",
	    "When the next downgrade begins or ends, Unix time; 0: none.",
	    h->expires);
	counter(out, "maps_loaded_total", "Maps taken over.", map->loaded);
	counter(
	    out, "maps_refused_total", "Maps that were no good.", map->refused);
	counter(out, "compiles_failed_total",
	    "Runs of tlspact-compile that failed.", map->compile_failed);
}
