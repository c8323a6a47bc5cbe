#include "latency.h"

#include <inttypes.h>

#include "buf.h"

static const struct {
	uint64_t le; /* nanoseconds */
	const char *text;
} buckets[LATENCY_BUCKETS] = {
    {5000, "0.000005"},
    {10000, "0.00001"},
    {25000, "0.000025"},
    {50000, "0.00005"},
    {100000, "0.0001"},
    {250000, "0.00025"},
    {500000, "0.0005"},
    {1000000, "0.001"},
    {5000000, "0.005"},
    {20000000, "0.02"},
    {100000000, "0.1"},
    {1000000000, "1"},
    {UINT64_MAX, "+Inf"},
};

void
latency_add(struct latency *l, uint64_t nanoseconds, uint64_t n)
{
	unsigned i = 0;

	while (nanoseconds > buckets[i].le)
		i++;
	l->count[i] += n;
	l->n += n;
	l->sum += nanoseconds * n;
}

void
latency_print(const struct latency *l, const char *name, const char *labels,
    struct buf *out)
{
	const char *comma = *labels == '\0' ? "" : ",";
	uint64_t total = 0;
	unsigned i;

	for (i = 0; i < LATENCY_BUCKETS; i++) {
		total += l->count[i];
		buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name,
		    labels, comma, buckets[i].text, total);
	}
	buf_printf(
	    out, "%s_sum{%s} %.9f\n", name, labels, (double)l->sum / 1e9);
	buf_printf(out, "%s_count{%s} %" PRIu64 "\n", name, labels, l->n);
}
