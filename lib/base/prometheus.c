#include "prometheus.h"

#include <string.h>

#include "buf.h"
#include "quote.h"

void
prometheus_gauge(struct buf *out, const char *metric, const char *help)
{
	buf_printf(
	    out, "# HELP %s %s\n# TYPE %s gauge\n", metric, help, metric);
}

/* A scrape with one byte that is no UTF-8 in it would be refused whole. */
void
prometheus_label(struct buf *out, const char *name, const char *value)
{
	struct buf safe = {0};
	const char *p;

	buf_puts(&safe, "");
	quote_put(&safe, value, strlen(value));
	buf_printf(out, "%s=\"", name);
	for (p = safe.data; *p != '\0'; p++) {
		if (*p == '\\' || *p == '"')
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
	buf_putc(out, '"');
	buf_free(&safe);
}
