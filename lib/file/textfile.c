#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "lines.h"
#include "mem.h"
#include "quote.h"

#define PIECE (256u * 1024) /* bytes that make a piece */

struct textfile {
	int fd;
	char *path;
	struct stat st;
	size_t max;
	struct digest *digest;
	size_t total; /* bytes read */
	unsigned line;
	bool end;
	struct buf carry; /* begins the next piece */
};

struct textfile *
textfile_open(const char *path, size_t max, struct stat *st, struct err *e)
{
	struct textfile *t = mem_zero(1, sizeof(*t));

	t->path = mem_dup(path);
	t->max = max;
	t->line = 1;
	t->digest = digest_new();
	t->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (t->fd == -1 || fstat(t->fd, &t->st) == -1) {
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
	} else if (t->st.st_size > 0 && (size_t)t->st.st_size > max) {
		err_set(e, EX_DATAERR, "%s is larger than %zu bytes",
		    quotes(path).s, max);
	} else {
		*st = t->st;
		return t;
	}
	textfile_close(t, NULL);
	return NULL;
}

size_t
textfile_size(const struct textfile *t)
{
	return S_ISREG(t->st.st_mode) ? (size_t)t->st.st_size : 0;
}

/* Bytes up to the last place where a logical line begins; 0 if none. */
static size_t
whole_lines(const struct textfile_piece *s)
{
	const char *end = s->text + s->len, *p = end;

	while ((p = memrchr(s->text, '\n', (size_t)(p - s->text))) != NULL)
		if (p + 1 < end && p[1] != ' ' && p[1] != '\t' && p[1] != '#' &&
		    p[1] != '\n')
			return (size_t)(p + 1 - s->text);
	return 0;
}

static int
check_unchanged(const struct textfile *t, struct err *e)
{
	struct stat now;

	if (!S_ISREG(t->st.st_mode) ||
	    (fstat(t->fd, &now) == 0 && now.st_size == t->st.st_size &&
		now.st_mtim.tv_sec == t->st.st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == t->st.st_mtim.tv_nsec))
		return 0;
	return err_set(e, EX_TEMPFAIL,
	    "%s changed while it was read; try again", quotes(t->path).s);
}

/* Room for len bytes and a NUL. */
static void
make_room(struct textfile_piece *s, size_t len)
{
	if (len < s->cap)
		return;
	/* What was carried makes most pieces a little longer than PIECE. */
	if (len > PIECE && len < PIECE + PIECE / 4)
		len = PIECE + PIECE / 4;
	s->cap = len + 1 > s->cap * 2 ? len + 1 : s->cap * 2;
	s->text = realloc(s->text, s->cap);
	if (s->text == NULL)
		abort();
}

/* Read until the piece has want bytes, or the file ends. */
static int
read_more(
    struct textfile *t, struct textfile_piece *s, size_t want, struct err *e)
{
	ssize_t n;

	make_room(s, want);
	while (s->len < want && !t->end) {
		n = read(t->fd, s->text + s->len, want - s->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, err_code_input(errno),
			    "cannot read %s", quotes(t->path).s);
		digest_add(t->digest, s->text + s->len, (size_t)n);
		s->len += (size_t)n;
		t->total += (size_t)n;
		t->end = n == 0;
		if (t->total > t->max)
			return err_set(e, EX_DATAERR,
			    "%s is larger than %zu bytes", quotes(t->path).s,
			    t->max);
	}
	/* At the end, or behind what was the end. */
	return t->end || t->total > (size_t)t->st.st_size
		   ? check_unchanged(t, e)
		   : 0;
}

/* Of small files there may be very many: no more room than they need. */
static size_t
first_size(const struct textfile *t)
{
	size_t size = textfile_size(t);

	return size > 0 && size < PIECE ? size + 1 : PIECE;
}

int
textfile_next(struct textfile *t, struct textfile_piece *s, struct err *e)
{
	size_t want = t->carry.len + first_size(t), all, whole;

	s->len = 0;
	if (t->end && t->carry.len == 0)
		return 0;
	make_room(s, t->carry.len);
	if (t->carry.len > 0)
		memcpy(s->text, t->carry.data, t->carry.len);
	s->len = t->carry.len;
	/* A logical line longer than a piece: read on until it ends. */
	for (whole = 0; whole == 0; want = s->len * 2) {
		if (read_more(t, s, want, e) == -1)
			return -1;
		whole = t->end ? s->len : whole_lines(s);
		if (t->end)
			break;
	}
	/* Kept apart: the caller's NUL will fall on its first byte. */
	all = s->len;
	s->len = whole;
	buf_clear(&t->carry);
	buf_add(&t->carry, s->text + s->len, all - s->len);
	s->line = t->line;
	t->line += lines_count(s->text, s->len);
	return s->len > 0;
}

void
textfile_piece_free(struct textfile_piece *piece)
{
	free(piece->text);
	*piece = (struct textfile_piece){0};
}

void
textfile_close(struct textfile *t, char *digest)
{
	char unused[DIGEST_HEX];

	if (t == NULL)
		return;
	digest_hex(t->digest, digest == NULL ? unused : digest);
	if (t->fd != -1)
		close(t->fd);
	buf_free(&t->carry);
	free(t->path);
	free(t);
}
