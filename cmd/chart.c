#include "chart.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "html.h"
#include "num.h"

#define WEEKLY 92 /* days: with more of them a column is a week */
#define FEW 62	  /* days: with fewer the axis names days */
#define LABELS 16

uint32_t
chart_column(const struct chart_period *p)
{
	return p->days > WEEKLY ? 7 : 1;
}

static bool
day_begins(const struct chart_period *p, uint32_t day, struct tm *tm)
{
	time_t t = p->from + (time_t)day * CLOCK_DAY;

	return gmtime_r(&t, tm) != NULL;
}

/* Is that day one with a label? */
static bool
is_labelled(const struct chart_period *p, uint32_t day)
{
	struct tm tm;

	if (!day_begins(p, day, &tm))
		return false;
	if (p->days <= FEW)
		return day % (p->days / 8 + 1) == 0;
	return tm.tm_mday == 1 &&
	       tm.tm_mon % (int)(p->days / (31 * LABELS) + 1) == 0;
}

void
chart_axis(struct buf *out, const struct chart_period *p)
{
	unsigned n = 0;
	struct tm tm;
	uint32_t day;
	char month[8];

	buf_puts(out, "<svg class=\"axis\" aria-hidden=\"true\">");
	for (day = 0; day < p->days; day++) {
		if (!is_labelled(p, day) || !day_begins(p, day, &tm) ||
		    strftime(month, sizeof(month), "%b", &tm) == 0)
			continue;
		/* One at the very end would stand beyond it. */
		if ((uint64_t)day * 100 / p->days > 92)
			break;
		buf_printf(out, "<text x=\"%.2f%%\" y=\"12\"%s>",
		    100.0 * day / p->days,
		    n++ % 2 == 0 ? "" : " class=\"odd\"");
		if (p->days <= FEW)
			buf_printf(out, "%d ", tm.tm_mday);
		html_printf(out, "%s</text>", month);
	}
	buf_puts(out, "</svg>");
}

/* Begin something drawn over time that is so high. */
static void
begin(struct buf *out, const char *class, const char *title, uint32_t width,
    unsigned height)
{
	html_printf(out,
	    "<svg class=\"%s\" role=img viewBox=\"0 0 %u %u\""
	    " preserveAspectRatio=none><title>%s</title>",
	    class, width, height, title);
}

static void
put_grid(struct buf *out, const struct chart_period *p, unsigned height)
{
	uint32_t day;

	buf_puts(out, "<path class=\"grid\" d=\"");
	for (day = 1; day < p->days; day++)
		if (is_labelled(p, day))
			buf_printf(out, "M%u 0v%u", day, height);
	buf_puts(out, "\"/>");
}

/* Of a column from that day on. */
static uint64_t
column_sum(const struct chart_share *s, uint32_t from, uint32_t to)
{
	uint64_t sum = 0;

	for (; from < to; from++)
		sum += s->day[from];
	return sum;
}

static uint32_t
column_end(const struct chart_period *p, uint32_t from)
{
	uint32_t to = from + chart_column(p);

	return to < p->days ? to : p->days;
}

/* What people are told of a column: the names with their shares. */
static void
put_column(struct buf *out, const struct chart_period *p, uint32_t from,
    const struct chart_share *s, size_t n, uint64_t all)
{
	uint32_t to = column_end(p, from);
	struct tm tm;
	char day[16] = "";
	uint64_t sum;
	size_t i;

	if (day_begins(p, from, &tm))
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	html_printf(out,
	    "<rect x=\"%u\" width=\"%u\" height=\"100\"><title>%s, %s mails",
	    from, to - from, day, num_count(all).s);
	for (i = 0; i < n; i++)
		if ((sum = column_sum(&s[i], from, to)) > 0) {
			html_printf(out, "\n%s ", s[i].name);
			buf_printf(
			    out, "%.1f %%", 100.0 * (double)sum / (double)all);
		}
	buf_puts(out, "</title></rect>");
}

/* The part of one of them, as steps above those before it. */
static void
put_share(struct buf *out, const struct chart_period *p,
    const struct chart_share *s, size_t which, size_t n)
{
	uint64_t below, own, all;
	uint32_t from, to;
	size_t i;

	html_printf(out, "<path class=\"%s\" d=\"", s[which].colour);
	for (from = 0; from < p->days; from = to) {
		to = column_end(p, from);
		below = all = 0;
		for (i = 0; i < n; i++) {
			own = column_sum(&s[i], from, to);
			all += own;
			below += i < which ? own : 0;
		}
		if ((own = column_sum(&s[which], from, to)) > 0)
			buf_printf(out, "M%u %.4gh%uv%.4gh-%uz", from,
			    100.0 * (double)(all - below - own) / (double)all,
			    to - from, 100.0 * (double)own / (double)all,
			    to - from);
	}
	buf_puts(out, "\"/>");
}

void
chart_shares(struct buf *out, const char *title, const struct chart_period *p,
    const struct chart_share *s, size_t n)
{
	uint64_t all;
	uint32_t from;
	size_t i;

	begin(out, "time", title, p->days, 100);
	buf_puts(out, "<g shape-rendering=\"crispEdges\">");
	for (i = 0; i < n; i++)
		put_share(out, p, s, i, n);
	buf_puts(out, "</g>");
	put_grid(out, p, 100);
	buf_puts(out, "<g class=\"hit\">");
	for (from = 0; from < p->days; from = column_end(p, from)) {
		for (all = 0, i = 0; i < n; i++)
			all += column_sum(&s[i], from, column_end(p, from));
		if (all > 0)
			put_column(out, p, from, s, n, all);
	}
	buf_puts(out, "</g></svg>");
	chart_axis(out, p);
}

/* Bars in lines of that height, the first one of which begins at y. */
static void
put_bars(struct buf *out, const struct chart_period *p,
    const struct chart_bar *bar, size_t n, double y, double height)
{
	double from, to;
	size_t i;

	if (n == 0)
		return;
	buf_puts(out, "<g class=\"bar\">");
	for (i = 0; i < n; i++) {
		from = (double)(bar[i].begin - p->from) / CLOCK_DAY;
		to = (double)(bar[i].end - p->from) / CLOCK_DAY;
		from = from < 0 ? 0 : from;
		to = to > p->days ? p->days : to;
		if (to <= from)
			continue;
		buf_printf(out,
		    "<rect x=\"%.2f\" y=\"%.3g\" width=\"%.2f\" "
		    "height=\"%.3g\"",
		    from, y + (bar[i].row == 1 ? height : 0), to - from,
		    bar[i].row == 2 ? 2 * height : height);
		html_printf(out, " class=\"%s\"><title>%s</title></rect>",
		    bar[i].colour, bar[i].title);
	}
	buf_puts(out, "</g>");
}

void
chart_bars(struct buf *out, const char *title, const struct chart_period *p,
    const struct chart_bar *bar, size_t n)
{
	begin(out, "time", title, p->days, 2);
	put_grid(out, p, 2);
	put_bars(out, p, bar, n, 0.15, 0.8);
	buf_puts(out, "</svg>");
}

/* The days of that colour in one line, what follows on each other as one. */
static void
put_line(struct buf *out, const struct chart_period *p, const uint8_t *day,
    uint8_t colour, size_t line)
{
	uint32_t from, to;

	for (from = 0; from < p->days; from = to) {
		for (to = from + 1; to < p->days && day[to] == day[from]; to++)
			;
		if (day[from] == colour)
			buf_printf(out, "M%u %zuh%uv1h-%uz", from, line,
			    to - from, to - from);
	}
}

void
chart_strip(struct buf *out, const char *title, const struct chart_period *p,
    const uint8_t *const day[], size_t nlines, const char *const colour[],
    size_t ncolours, const struct chart_bar *bar, size_t nbars)
{
	size_t from, line;
	uint8_t c;

	begin(out, "strip time", title, p->days, (unsigned)nlines + 1);
	for (c = 1; c < ncolours; c++) {
		from = out->len;
		buf_printf(out, "<path class=%s d=\"", colour[c]);
		line = out->len;
		for (size_t i = 0; i < nlines; i++)
			put_line(out, p, day[i], c, i);
		if (out->len > line)
			buf_puts(out, "\"/>");
		else
			out->data[out->len = from] = '\0';
	}
	put_bars(out, p, bar, nbars, (double)nlines + 0.1, 0.4);
	buf_puts(out, "</svg>");
}

void
chart_small(struct buf *out, const char *title, const uint64_t *n,
    const char *const *colour, size_t len)
{
	uint64_t all = 0;
	double x = 0, width, sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		all += n[i];
		/* One mail of a million is still there to be seen. */
#define SEEN(i) (n[i] == 0 ? 0 : 0.03 + (double)n[i] / (double)all)
	for (i = 0; i < len; i++)
		sum += SEEN(i);
	html_printf(out, "<svg class=small role=img><title>%s</title>", title);
	for (i = 0; i < len; i++, x += width) {
		width = sum > 0 ? 100 * SEEN(i) / sum : 0;
		if (width > 0)
			buf_printf(out,
			    "<rect class=%s x=%.3g%% width=%.3g%% />",
			    colour[i], x, width);
	}
	buf_puts(out, "</svg>");
}

void
chart_bins(
    struct buf *out, const char *title, const struct chart_bin *bin, size_t n)
{
	unsigned most = 1;
	double height;
	size_t i;

	for (i = 0; i < n; i++)
		most = bin[i].n > most ? bin[i].n : most;
	begin(out, "bins", title, (uint32_t)n, 100);
	for (i = 0; i < n; i++) {
		height = 100.0 * bin[i].n / most;
		if (bin[i].n > 0) {
			buf_printf(out,
			    "<rect x=\"%zu.1\" y=\"%.3g\" width=\".8\" "
			    "height=\"%.3g\"",
			    i, 100 - height, height);
			html_printf(out,
			    " class=\"%s\"><title>%s</title></rect>",
			    bin[i].colour, bin[i].title);
		}
	}
	buf_puts(out, "</svg>");
}

void
chart_chip(struct buf *out, const char *colour)
{
	html_printf(out,
	    "<svg class=\"chip\" viewBox=\"0 0 1 1\" aria-hidden=\"true\">"
	    "<rect class=\"%s\" width=\"1\" height=\"1\"/></svg>",
	    colour);
}
