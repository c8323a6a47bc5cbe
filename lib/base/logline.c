#include "logline.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "quote.h"

#define LINE 2048 /* bytes; longer ones are cut */

static const char *name = "tlspact";
static enum logline_level least = LOGLINE_INFO;
static bool journal;

void
logline_init(const char *program, enum logline_level level, bool foreground)
{
	name = program;
	least = level;
	journal = !foreground && getenv("JOURNAL_STREAM") != NULL;
}

static void put(enum logline_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
put(enum logline_level level, const char *fmt, va_list ap)
{
	char text[LINE], line[LINE];
	size_t head, n;
	int len;

	len = vsnprintf(text, sizeof(text), fmt, ap);
	if (len < 0)
		return;
	n = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
	head =
	    (size_t)(journal ? snprintf(line, sizeof(line), "<%d>", (int)level)
			     : snprintf(line, sizeof(line), "%s: ", name));
	quote_show(line + head, sizeof(line) - 1 - head, text, n);
	n = strlen(line);
	line[n++] = '\n';
	/* One write: lines of two processes do not mix. */
	if (write(STDERR_FILENO, line, n) == -1)
		return;
}

void
logline(enum logline_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > least)
		return;
	va_start(ap, fmt);
	put(level, fmt, ap);
	va_end(ap);
}

bool
logline_may(struct logline_limit *l, const char *kind)
{
	uint64_t minute = clock_ns() / 60000000000;

	if (minute != l->minute) {
		if (l->dropped > 0)
			logline(LOGLINE_WARNING,
			    "%" PRIu64 " more lines about %s left out",
			    l->dropped, kind);
		*l = (struct logline_limit){.minute = minute};
	}
	if (l->lines < LOGLINE_BURST) {
		l->lines++;
		return true;
	}
	l->dropped++;
	return false;
}
