#include "mails.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "quote.h"

#define CHUNK 65536
#define AHEAD 512 /* so much of a line is there when it begins */

enum keep { KEEP_NOTHING, KEEP_RECEIVED, KEEP_SENDER, KEEP_AUTHOR };

/* Offsets into header, which moves as it grows. */
struct piece {
	size_t at, n;
};

struct reading {
	const char *path;
	mails_fn *fn;
	void *arg;
	int fd;
	char *chunk;
	size_t at, end; /* of what is left in it */
	bool eof, mbox;
	struct buf header;
	struct piece *hop;
	struct span *span;
	size_t n, cap;
	struct piece sender, author;
	enum keep keep;
	bool cut, stopped;
	uint64_t number;
};

/* --- Lines --------------------------------------------------------------- */

/* See to it that AHEAD bytes are there, or all that is left. */
static int
fill(struct reading *in, struct err *e)
{
	ssize_t n;

	while (!in->eof && in->end - in->at < AHEAD) {
		memmove(in->chunk, in->chunk + in->at, in->end - in->at);
		in->end -= in->at;
		in->at = 0;
		n = read(in->fd, in->chunk + in->end, CHUNK - in->end);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(
			    e, EX_IOERR, "cannot read %s", quotes(in->path).s);
		in->eof = n == 0;
		in->end += (size_t)n;
	}
	return 0;
}

static struct span
ahead(const struct reading *in)
{
	return (struct span){in->chunk + in->at, in->end - in->at};
}

/* What there is of the line, with its newline if that is there. */
static struct span
cut_piece(struct reading *in)
{
	struct span s = ahead(in);
	size_t n = span_chr(s, '\n');

	s.n = n < s.n ? n + 1 : s.n;
	in->at += s.n;
	return s;
}

static bool
is_whole(struct span piece)
{
	return piece.n > 0 && piece.p[piece.n - 1] == '\n';
}

/* Without what ends it. */
static struct span
chomp(struct span s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* "From SENDER ... HH:MM": what an mbox has before each mail. */
static bool
begins_mail(struct span s)
{
	size_t i;

	if (!span_begins(s, "From "))
		return false;
	s.n = span_chr(s, '\n');
	for (i = 6; i + 3 < s.n; i++)
		if (s.p[i] == ':' && s.p[i - 1] >= '0' && s.p[i - 1] <= '9' &&
		    s.p[i + 1] >= '0' && s.p[i + 1] <= '9')
			return true;
	return false;
}

/* --- One mail ------------------------------------------------------------ */

static enum keep
wanted(struct span line, size_t *name)
{
	static const struct {
		const char *name;
		enum keep keep;
	} field[] = {{"Received", KEEP_RECEIVED}, {"Return-Path", KEEP_SENDER},
	    {"From", KEEP_AUTHOR}};
	size_t n = span_chr(line, ':'), i;

	*name = n + 1;
	while (n > 0 && (line.p[n - 1] == ' ' || line.p[n - 1] == '\t'))
		n--;
	for (i = 0; n < line.n && i < sizeof(field) / sizeof(field[0]); i++)
		if (strlen(field[i].name) == n &&
		    strncasecmp(line.p, field[i].name, n) == 0)
			return field[i].keep;
	return KEEP_NOTHING;
}

/* The piece that the field which is being read is kept in. */
static struct piece *
kept(struct reading *in)
{
	return in->keep == KEEP_RECEIVED ? &in->hop[in->n - 1]
	       : in->keep == KEEP_SENDER ? &in->sender
					 : &in->author;
}

static void
add(struct reading *in, struct span s)
{
	struct piece *to = kept(in);

	if (s.n > MAILS_FIELD_MAX - to->n ||
	    s.n > MAILS_HEADER_MAX - in->header.len) {
		/* Half of a field may say what the whole does not. */
		to->n = 0;
		in->keep = KEEP_NOTHING;
		in->cut = true;
		return;
	}
	buf_add(&in->header, s.p, s.n);
	to->n += s.n;
}

static void
begin_field(struct reading *in, struct span line)
{
	size_t name;

	in->keep = wanted(line, &name);
	if ((in->keep == KEEP_SENDER && in->sender.n > 0) ||
	    (in->keep == KEEP_AUTHOR && in->author.n > 0))
		in->keep = KEEP_NOTHING;
	if (in->keep == KEEP_RECEIVED && in->n == MAILS_HOPS_MAX) {
		in->keep = KEEP_NOTHING;
		in->cut = true;
	}
	if (in->keep == KEEP_NOTHING)
		return;
	if (in->keep == KEEP_RECEIVED) {
		in->hop = mem_grow(in->hop, in->n, &in->cap, sizeof(*in->hop));
		in->n++;
	}
	*kept(in) = (struct piece){in->header.len, 0};
	add(in, span_skip(line, name));
}

/* Up to the empty line; false: there is no more of the file. */
static int
read_header(struct reading *in, struct err *e)
{
	bool begins = true;
	struct span s;

	in->keep = KEEP_NOTHING;
	while (fill(in, e) == 0) {
		s = cut_piece(in);
		if (s.n == 0 || (begins && chomp(s).n == 0))
			return 0;
		if (!begins || *s.p == ' ' || *s.p == '\t') {
			if (in->keep != KEEP_NOTHING) {
				if (begins)
					add(in, (struct span){" ", 1});
				add(in, chomp(s));
			}
		} else {
			begin_field(in, chomp(s));
		}
		begins = is_whole(s);
	}
	return -1;
}

/* Up to the line that begins the next mail, which is not read. */
static int
skip_body(struct reading *in, struct err *e)
{
	bool begins = true, empty = true;
	struct span s;

	while (fill(in, e) == 0) {
		if (in->at == in->end ||
		    (in->mbox && begins && empty && begins_mail(ahead(in))))
			return 0;
		s = cut_piece(in);
		empty = begins && is_whole(s) && chomp(s).n == 0;
		begins = is_whole(s);
	}
	return -1;
}

static struct span
span_at(const struct reading *in, struct piece p)
{
	if (p.n == 0)
		return (struct span){NULL, 0};
	return (struct span){in->header.data + p.at, p.n};
}

static void
tell(struct reading *in)
{
	struct mail m = {.path = in->path,
	    .number = ++in->number,
	    .n = in->n,
	    .cut = in->cut,
	    .sender = span_at(in, in->sender),
	    .author = span_at(in, in->author)};
	size_t i;

	free(in->span);
	in->span = mem_zero(in->n + 1, sizeof(*in->span));
	for (i = 0; i < in->n; i++)
		in->span[i] = span_at(in, in->hop[i]);
	m.received = in->span;
	in->stopped = !in->fn(&m, in->arg);
}

static int
read_mails(struct reading *in, struct err *e)
{
	in->at = in->end = 0;
	in->number = 0;
	in->eof = false;
	if (fill(in, e) == -1)
		return -1;
	/* An envelope line of pipe(8) is one, too. */
	in->mbox = span_begins(ahead(in), "From ");
	while (in->at < in->end && !in->stopped) {
		if (in->mbox)
			while (!is_whole(cut_piece(in)) && in->at < in->end)
				if (fill(in, e) == -1)
					return -1;
		buf_clear(&in->header);
		in->n = 0;
		in->cut = false;
		in->sender = in->author = (struct piece){0, 0};
		if (read_header(in, e) == -1)
			return -1;
		tell(in);
		if (!in->stopped && skip_body(in, e) == -1)
			return -1;
	}
	return 0;
}

/* --- Files and folders --------------------------------------------------- */

static int
read_file(struct reading *in, const char *path, int folder, struct err *e)
{
	struct stat st;
	int rv = -1;

	/* A mail of a Maildir is a file, whatever somebody put there. */
	in->fd = openat(folder, path,
	    O_RDONLY | O_CLOEXEC |
		(folder == AT_FDCWD ? 0 : O_NOFOLLOW | O_NONBLOCK));
	if (in->fd == -1 && folder != AT_FDCWD &&
	    (errno == ENOENT || errno == ELOOP))
		return 0;
	if (in->fd == -1)
		return err_sys(e, err_code_input(errno), "cannot open %s",
		    quotes(in->path).s);
	if (folder != AT_FDCWD &&
	    (fstat(in->fd, &st) == -1 || !S_ISREG(st.st_mode)))
		rv = 0;
	else
		rv = read_mails(in, e);
	(void)close(in->fd);
	return rv;
}

static int
is_visible(const struct dirent *d)
{
	return *d->d_name != '.';
}

/* The mails of one folder of the Maildir; 1: there is none. */
static int
read_folder(
    struct reading *in, const char *maildir, const char *sub, struct err *e)
{
	char *folder = mem_printf("%s/%s", maildir, sub), *path;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entry;
	int n, i, rv = 1;

	if (fd == -1 && errno != ENOENT)
		rv = err_sys(e, err_code_input(errno), "cannot open %s",
		    quotes(folder).s);
	if (fd != -1) {
		rv = 0;
		n = scandirat(fd, ".", &entry, is_visible, alphasort);
		if (n == -1)
			rv = err_sys(
			    e, EX_IOERR, "cannot read %s", quotes(folder).s);
		for (i = 0; i < n; i++) {
			in->path = path =
			    mem_printf("%s/%s", folder, entry[i]->d_name);
			if (rv == 0 && !in->stopped)
				rv = read_file(in, entry[i]->d_name, fd, e);
			free(path);
			free(entry[i]);
		}
		if (n != -1)
			free(entry);
		(void)close(fd);
	}
	free(folder);
	return rv;
}

static int
read_maildir(struct reading *in, const char *path, struct err *e)
{
	int cur = read_folder(in, path, "cur", e),
	    new = cur == -1 ? -1 : read_folder(in, path, "new", e);

	if (cur == 1 && new == 1)
		return err_set(e, EX_DATAERR,
		    "%s is a folder, but no Maildir: it has neither cur nor "
		    "new",
		    quotes(path).s);
	return cur == -1 || new == -1 ? -1 : 0;
}

int
mails_read(const char *path, mails_fn *fn, void *arg, struct err *e)
{
	struct reading in = {.path = path, .fn = fn, .arg = arg};
	struct stat st;
	int rv;

	in.chunk = mem_alloc(CHUNK);
	if (strcmp(path, "-") == 0)
		rv = read_mails(&in, e);
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		rv = read_maildir(&in, path, e);
	else
		rv = read_file(&in, path, AT_FDCWD, e);
	free(in.chunk);
	free(in.hop);
	free(in.span);
	buf_free(&in.header);
	return rv;
}
