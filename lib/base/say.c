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
#include "columns.h"
#include "diag.h"
#include "err.h"
#include "mem.h"
#include "quote.h"

static const char *name = "tlspact";
static struct buf kept; /* see say_kept() */
static bool keeping;

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

void
say_keep(void)
{
	keeping = true;
}

const char *
say_kept(void)
{
	return kept.data == NULL ? "" : kept.data;
}

/*
 * Programs, and who searches a log, get a message as one line. What is not a
 * line is a question, and the answer goes behind its last blank.
 */
static void
put_line(FILE *to, struct buf *b)
{
	const size_t width = to == stderr && isatty(STDERR_FILENO) != 0
				 ? columns_of(STDERR_FILENO)
				 : COLUMNS_ANY;
	size_t len = strcspn(b->data, "\n");
	struct buf out = {0};
	char *line;

	while (len > 0 && b->data[len - 1] == ' ')
		len--;
	line = mem_printf("%.*s", (int)len, b->data);
	if (width == COLUMNS_ANY || columns_width(line) <= width) {
		(void)fwrite(b->data, 1, b->len, to);
	} else {
		columns_wrap(&out, line, 0, "  ", width);
		buf_puts(&out, b->data + len);
		(void)fwrite(out.data, 1, out.len, to);
	}
	buf_free(&out);
	free(line);
}

static void vsay_to(FILE *to, const char *before, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* In one piece: lines of several threads and processes do not mix. */
static void
vsay_to(FILE *to, const char *before, const char *fmt, va_list ap)
{
	struct buf b = {0};
	char *text = NULL;
	size_t from;

	if (vasprintf(&text, fmt, ap) == -1)
		abort();
	buf_puts(&b, before == NULL ? "" : before);
	buf_puts(&b, before == NULL ? "" : ": ");
	buf_puts(&b, text);
	if (before != NULL)
		buf_putc(&b, '\n');
	quote_since(&b, 0);
	put_line(to, &b);
	from = before == NULL ? 0 : strlen(before) + strlen(": ");
	/* What has no newline is a question. */
	if (keeping && to == stderr && b.len > from &&
	    b.data[b.len - 1] == '\n' && kept.len + b.len < SAY_KEPT_MAX)
		buf_add(&kept, b.data + from, b.len - from);
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

/* A place on the command line ("-o") has our name before it. */
static void
placed(const char *file, unsigned line, const char *kind, const char *text)
{
	if (*file == '-')
		say("%s: %s%s", file, kind, text);
	else if (line != 0)
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
