#include "reportdaily.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "columns.h"
#include "daily.h"
#include "quote.h"
#include "reportformat.h"

#define LABEL 9 /* columns */
#define MORE 16 /* of "; and 99999 more" */

static void
put_line(struct buf *out, const char *label, const struct daily_list *l)
{
	size_t i, room, len, at = out->len, begin;
	struct buf text = {0};

	buf_printf(out, "%-*s", LABEL, label);
	begin = out->len;
	for (i = 0; i < l->n; i++) {
		buf_clear(&text);
		buf_puts(&text, "");
		quote_put(&text, l->v[i], strlen(l->v[i]));
		room = COLUMNS_KEPT - columns_width(out->data + at) -
		       (i + 1 < l->n ? MORE : 0);
		len = columns_width(text.data) + (i > 0 ? 2 : 0);
		if (len > room && out->len > begin)
			break;
		/* The first one may be wider than the line. */
		buf_puts(out, i > 0 ? "; " : "");
		columns_put(out, text.data,
		    len > room ? room : columns_width(text.data));
	}
	if (i < l->n)
		buf_printf(out, "; and %zu more", l->n - i);
	buf_putc(out, '\n');
	buf_free(&text);
}

static void
put_subject(struct buf *out, const struct daily *d)
{
	static const char *const words[DAILY_LINES] = {
	    "removed", "lowered", "failed", "ending", "waiting"};
	char host[256] = "";
	const char *sep = ": ";
	size_t i;

	(void)gethostname(host, sizeof(host) - 1);
	buf_printf(out, "Subject: tlspact %.30s", host);
	for (i = 0; i < DAILY_LINES; i++) {
		if (d->line[i].n == 0)
			continue;
		buf_printf(
		    out, "%s%" PRIu64 " %s", sep, d->line[i].of, words[i]);
		sep = ", ";
	}
	buf_puts(out, "\n\n");
}

static void
put_daily(const struct report *r, struct buf *out)
{
	static const char *const label[DAILY_LINES] = {
	    "removed", "lowered", "failed", "ends", "waits"};
	struct daily d;
	size_t i;

	daily_of(&d, r);
	if (d.next != NULL) {
		put_subject(out, &d);
		for (i = 0; i < DAILY_LINES; i++)
			if (d.line[i].n > 0)
				put_line(out, label[i], &d.line[i]);
		columns_paragraph(
		    out, "next", LABEL, d.next, true, COLUMNS_KEPT);
	}
	daily_release(&d);
}

const struct reportformat reportdaily = {"daily", put_daily, true, true, false};
