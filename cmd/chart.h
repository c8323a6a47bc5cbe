/*
 * chart.h: charts in SVG, for a page that a script may cut to fewer days.
 *
 * All of them name a class for a colour, and all have a title. What is drawn
 * over time has the class "time" and its days as x, from 0 on: to show fewer
 * days is to change its viewBox. The texts are escaped here.
 */
#ifndef CHART_H
#define CHART_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct buf;

struct chart_period {
	time_t from; /* first second of a day, UTC */
	uint32_t days;
};

/* Days of one column: by day, or by week if there are many. */
uint32_t chart_column(const struct chart_period *p);

/* What is written below: months, or days if there are few. */
void chart_axis(struct buf *out, const struct chart_period *p);

/* The shares of several things in a sum, a column for each day or week. */
struct chart_share {
	const char *name, *colour;
	const uint64_t *day; /* p->days of them */
};
void chart_shares(struct buf *out, const char *title,
    const struct chart_period *p, const struct chart_share *s, size_t n);

/* Times on one line; `row` is 0 above or 1 below, or 2 for all of it. */
struct chart_bar {
	time_t begin, end;
	unsigned row;
	const char *colour, *title;
};
void chart_bars(struct buf *out, const char *title,
    const struct chart_period *p, const struct chart_bar *bar, size_t n);

/*
 * Lines of days in one of several colours: day[line][day] is the number of one,
 * or 0. More lines are for the bars.
 */
#define CHART_NONE 0
void chart_strip(struct buf *out, const char *title,
    const struct chart_period *p, const uint8_t *const day[], size_t nlines,
    const char *const colour[], size_t ncolours, const struct chart_bar *bar,
    size_t nbars);

/* Shares without time, as a bar in a cell. */
void chart_small(struct buf *out, const char *title, const uint64_t *n,
    const char *const *colour, size_t len);

/* Columns of numbers; their titles are the caller's. */
struct chart_bin {
	unsigned n;
	const char *colour, *title;
};
void chart_bins(
    struct buf *out, const char *title, const struct chart_bin *bin, size_t n);

/* A square in that colour, for legends. */
void chart_chip(struct buf *out, const char *colour);

#endif
