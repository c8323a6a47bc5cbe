#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "quote.h"

static const char *name = "tlspact";

/*
 * A closed descriptor from 0 to 2 would be given to the next file that is
 * opened, such as the lock, and words meant for a reader would end in there.
 * Whoever uses one of them still gets the error of a closed one.
 */
static void
fill_standard(void)
{
	int fd, got;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		/* The lowest free one is given, so it is this one. */
		got =
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
		if (got != fd)
			exit(EX_OSERR);
	}
}

void
say_init(const char *program)
{
	name = program;
	fill_standard();
}

static void vsay_to(FILE *to, const char *before, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* In one piece: lines of several threads and processes do not mix. */
static void
vsay_to(FILE *to, const char *before, const char *fmt, va_list ap)
{
	struct buf b = {0};
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) == -1)
		abort();
	buf_puts(&b, before == NULL ? "" : before);
	buf_puts(&b, before == NULL ? "" : ": ");
	buf_puts(&b, text);
	if (before != NULL)
		buf_putc(&b, '\n');
	quote_since(&b, 0);
	(void)fwrite(b.data, 1, b.len, to);
	buf_free(&b);
	free(text);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	va_start(ap, fmt);
	vsay_to(stderr, name, fmt, ap);
	va_end(ap);
}

void
say_to(FILE *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay_to(to, NULL, fmt, ap);
	va_end(ap);
}

static void
placed(const char *file, unsigned line, const char *kind, const char *text)
{
	if (line != 0)
		say_to(stderr, "%s:%u: %s%s\n", file, line, kind, text);
	else
		say_to(stderr, "%s: %s%s\n", file, kind, text);
}

void
say_err(const struct err *e)
{
	if (e->file == NULL)
		say("%s", e->text);
	else
		placed(e->file, e->line, "", e->text);
}

void
say_diags(const struct diags *d, bool all)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (!all && d->errors > 0 && d->v[i].kind == DIAG_WARNING)
			continue;
		placed(d->v[i].file == NULL ? name : d->v[i].file, d->v[i].line,
		    d->v[i].kind == DIAG_WARNING ? "warning: " : "",
		    d->v[i].text);
	}
}

int
say_flushed(int code)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return code;
	say("cannot write to standard output: %s", strerror(errno));
	return code == EX_OK ? EX_IOERR : code;
}
