#include "reportics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "digest.h"
#include "ends.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "report.h"
#include "reportformat.h"

#define OCTETS 75 /* of a line, without its end */
#define UID 32	  /* hex digits of a digest */

/* A line, folded, between characters. */
static void
put_folded(struct buf *out, const char *line)
{
	size_t at = 0, n, room = OCTETS, len = strlen(line);

	while (at < len) {
		n = utf8_len(line + at, len - at);
		n = n == 0 ? 1 : n;
		if (n > room) {
			buf_puts(out, "\r\n ");
			room = OCTETS - 1;
		}
		buf_add(out, line + at, n);
		room -= n;
		at += n;
	}
	buf_puts(out, "\r\n");
}

static void __attribute__((format(printf, 2, 3)))
put(struct buf *out, const char *fmt, ...)
{
	va_list ap;
	char *line;

	va_start(ap, fmt);
	line = mem_vprintf(fmt, ap);
	va_end(ap);
	put_folded(out, line);
	free(line);
}

/* A value of type TEXT. */
static void
put_text(struct buf *out, const char *name, const char *raw)
{
	struct buf text = {0}, line = {0};
	const char *p;

	quote_put(&text, raw, strlen(raw));
	buf_printf(&line, "%s:", name);
	for (p = text.data; text.len > 0 && *p != '\0'; p++) {
		if (strchr("\\;,", *p) != NULL)
			buf_putc(&line, '\\');
		buf_putc(&line, *p);
	}
	put_folded(out, line.data);
	buf_free(&text);
	buf_free(&line);
}

struct stamp {
	char s[32];
};

/* "20261129T173000Z" */
static struct stamp
stamp(time_t t)
{
	char full[NUM_TIME_MAX];
	struct stamp x = {""};
	size_t i, n = 0;

	(void)num_time_text(t, full);
	for (i = 0; full[i] != '\0'; i++)
		if (full[i] != '-' && full[i] != ':')
			x.s[n++] = full[i];
	return x;
}

/*
 * The same of the same thing, whatever its time. Downgrades and what is ours
 * are those of this host.
 */
static void
put_uid(struct buf *out, const struct end *e, const char *host)
{
	bool here = e->kind == END_DOWNGRADE || e->kind == END_OWN;
	char hex[DIGEST_HEX];
	char *what =
	    mem_printf("%d\n%s\n%s\n%" PRId64 "\n%s", (int)e->kind, e->partner,
		e->kind == END_DOWNGRADE ? "" : e->of, e->id, here ? host : "");

	(void)digest_of(what, strlen(what), hex);
	put(out, "UID:%.*s@tlspact", UID, hex);
	free(what);
}

static void
put_event(struct buf *out, const struct end *e, time_t now, const char *host)
{
	static const char *const kind[] = {
	    "DOWNGRADE", "CERTIFICATE", "CERTIFICATE", "REVIEW"};
	char *text =
	    e->kind == END_DOWNGRADE
		? mem_printf("%s: downgrade to %s ends", e->partner, e->of)
	    : e->kind == END_CERTIFICATE
		? mem_printf("%s: certificate of %s ends", e->partner, e->of)
	    : e->kind == END_OWN
		? mem_printf("our certificate ends: %s on %s", e->of, host)
		: mem_printf("%s: review of the agreement", e->partner);

	put(out, "BEGIN:VEVENT");
	put_uid(out, e, host);
	put(out, "DTSTAMP:%s", stamp(now).s);
	if (e->kind == END_REVIEW)
		put(out, "DTSTART;VALUE=DATE:%.8s", stamp(e->at).s);
	else
		put(out, "DTSTART:%s", stamp(e->at).s);
	put_text(out, "SUMMARY", text);
	put(out, "CATEGORIES:%s", kind[e->kind]);
	put(out, "TRANSP:TRANSPARENT");
	put(out, "END:VEVENT");
	free(text);
}

static void
put_ics(const struct report *r, struct buf *out)
{
	char host[256] = "";
	struct ends ends;
	size_t i;

	(void)gethostname(host, sizeof(host) - 1);
	ends_of(r, &ends);
	put(out, "BEGIN:VCALENDAR");
	put(out, "VERSION:2.0");
	put(out, "PRODID:-//tlspact//tlspact-report %s//EN", r->version);
	put(out, "CALSCALE:GREGORIAN");
	put(out, "METHOD:PUBLISH");
	for (i = 0; i < ends.n; i++)
		put_event(out, &ends.v[i], r->now, host);
	put(out, "END:VCALENDAR");
	ends_release(&ends);
}

const struct reportformat reportics = {"ics", put_ics, false, true, false};
