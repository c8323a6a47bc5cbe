/*
 * The mail of each day, by partner, for the script of the page.
 *
 * {"from":"2026-01-01","days":365,"now":..,"partners":[["name","columns"],..]}
 *
 * Columns are separated by blanks; empty ones at the end are left out. In the
 * order of `column` below each has a number for each day from the first one on,
 * until all are 0: how much more mail there was than a week before, as week
 * days are alike. 0, 1, -1, 2, -2 ... are 0, 1, 2, 3, 4 ...; a number is
 * digits, the lowest first: value 80 or more says that it goes on, in nines.
 * "!" and a number are as many days with 0. "*": the same as the sum of that
 * direction.
 */
#include "reportdata.h"

#include <stdbool.h>

#include "buf.h"
#include "html.h"
#include "mem.h"
#include "reportpage.h"

/* Mail as seen, both ways; then what is not required, failed, lowered. */
#define COLUMNS (REPORT_WAYS * (REPORT_SEEN + 3))
#define RUN 3	/* zeroes that are shorter as a run */
#define WEEK 7	/* days */
#define ENDS 80 /* digits that end a number; the others go on */

static void
put_number(struct buf *out, uint64_t n)
{
	/* What JSON and HTML let stand in a string. */
	static const char digit[] =
	    "#$%&'()+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
	    "abcdefghijklmnopqrstuvwxyz{|}~";
	const uint64_t more = sizeof(digit) - 1 - ENDS;

	for (; n >= ENDS; n = (n - ENDS) / more)
		buf_putc(out, digit[ENDS + (n - ENDS) % more]);
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

/* Is that column the sum of its direction, and not nothing? */
static bool
is_all(const struct report_partner *p, unsigned which)
{
	bool some = false;
	uint32_t n;
	size_t i;

	if (which / REPORT_WAYS < REPORT_SEEN)
		return false;
	for (i = 0; i < p->ndays; i++) {
		n = column(&p->day[i], which);
		some = some || n > 0;
		if (n != sum(&p->day[i], which % REPORT_WAYS))
			return false;
	}
	return some;
}

static void
put_column(struct buf *out, const struct report_partner *p, unsigned which,
    uint32_t ndays)
{
	uint32_t week[WEEK] = {0}, day, zeroes = 0, n;
	int64_t more;
	size_t i = 0;

	if (is_all(p, which)) {
		buf_putc(out, '*');
		return;
	}
	for (day = 0; day < ndays; day++) {
		n = 0;
		if (i < p->ndays && p->day[i].day == day)
			n = column(&p->day[i++], which);
		more = (int64_t)n - week[day % WEEK];
		week[day % WEEK] = n;
		if (more == 0) {
			zeroes++;
			continue;
		}
		put_zeroes(out, zeroes);
		zeroes = 0;
		put_number(
		    out, (uint64_t)(more > 0 ? 2 * more - 1 : -2 * more));
	}
}

static void
put_partner(struct buf *out, const struct report_partner *p, uint32_t ndays)
{
	unsigned which;

	buf_putc(out, '[');
	html_json(out, p->name);
	buf_puts(out, ",\"");
	for (which = 0; which < COLUMNS; which++) {
		put_column(out, p, which, ndays);
		buf_putc(out, ' ');
	}
	while (out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	buf_puts(out, "\"]");
}

static void
put_data(struct buf *out, const struct report *r)
{
	size_t i;

	buf_puts(out, "{\"from\":");
	html_json(out, r->from_day);
	buf_printf(out, ",\"days\":%u,\"partners\":[", r->ndays);
	for (i = 0; i < r->npartners; i++) {
		if (i > 0)
			buf_puts(out, ",\n");
		put_partner(out, &r->partner[i], r->ndays);
	}
	buf_puts(out, "]}");
}

const struct page_slot reportdata_slot[] = {
    {"data", put_data},
    {NULL, NULL},
};
