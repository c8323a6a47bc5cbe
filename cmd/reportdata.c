/*
 * The mail of each day, by partner, for the script of the page.
 *
 * {"from":"2026-01-01","days":365,"now":..,"partners":[["name","columns"],..]}
 *
 * Columns are separated by blanks; empty ones at the end are left out. In the
 * order of `column` below each has the numbers of all days from the first one
 * on, until nothing follows: five bits in each character of base64url, the
 * lowest first, and the sixth says that the number goes on. "!" and a number
 * are as many days with 0. "*": the same as the sum of that direction.
 */
#include <stdbool.h>

#include "buf.h"
#include "html.h"
#include "mem.h"
#include "reportpage.h"

/* Mail as seen, both ways; then what is not required, failed, lowered. */
#define COLUMNS (REPORT_WAYS * (REPORT_SEEN + 3))
#define RUN 3 /* zeroes that are shorter as a run */

static void
put_number(struct buf *out, uint64_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_";

	for (; n > 31; n >>= 5)
		buf_putc(out, digit[32 | (n & 31)]);
	buf_putc(out, digit[n]);
}

static void
put_zeroes(struct buf *out, uint32_t n)
{
	if (n >= RUN) {
		buf_putc(out, '!');
		put_number(out, n);
		return;
	}
	while (n-- > 0)
		put_number(out, 0);
}

static uint32_t
sum(const struct report_day *d, unsigned way)
{
	uint32_t all = 0;
	unsigned s;

	for (s = 0; s < REPORT_SEEN; s++)
		all += d->n[way][s];
	return all;
}

static uint32_t
column(const struct report_day *d, unsigned which)
{
	unsigned way = which % REPORT_WAYS, what = which / REPORT_WAYS;

	if (what < REPORT_SEEN)
		return d->n[way][what];
	switch (what - REPORT_SEEN) {
	case 0:
		return sum(d, way) - d->required[way];
	case 1:
		return d->required[way] - d->kept[way];
	default:
		return d->lowered[way];
	}
}

static void
put_column(struct buf *out, const struct report_partner *p, unsigned which)
{
	uint32_t next = 0, n;
	bool all = which / REPORT_WAYS >= REPORT_SEEN, some = false;
	size_t i;

	for (i = 0; i < p->ndays && all; i++) {
		n = column(&p->day[i], which);
		some = some || n > 0;
		all = n == sum(&p->day[i], which % REPORT_WAYS);
	}
	if (all && some) {
		buf_putc(out, '*');
		return;
	}
	for (i = 0; i < p->ndays; i++) {
		if ((n = column(&p->day[i], which)) == 0)
			continue;
		put_zeroes(out, p->day[i].day - next);
		put_number(out, n);
		next = p->day[i].day + 1;
	}
}

static void
put_partner(struct buf *out, const struct report_partner *p)
{
	unsigned which;

	buf_putc(out, '[');
	html_json(out, p->name);
	buf_puts(out, ",\"");
	for (which = 0; which < COLUMNS; which++) {
		put_column(out, p, which);
		buf_putc(out, ' ');
	}
	while (out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	buf_puts(out, "\"]");
}

void
reportdata_put(struct buf *out, const struct report *r)
{
	size_t i;

	buf_puts(out, "{\"from\":");
	html_json(out, r->from_day);
	buf_printf(out, ",\"days\":%u,\"partners\":[", r->ndays);
	for (i = 0; i < r->npartners; i++) {
		if (i > 0)
			buf_puts(out, ",\n");
		put_partner(out, &r->partner[i]);
	}
	buf_puts(out, "]}");
}
