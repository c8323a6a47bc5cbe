#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

#define PIECE (512u * 1024)	 /* bytes that make a piece */
#define AHEAD (4u * 1024 * 1024) /* larger files get a thread */
#define SLOTS 3

struct slot {
	char *buf;
	size_t cap;
	size_t used; /* bytes in buf */
	size_t len;  /* of these, the piece */
	unsigned line;
	long bad;
	int rc; /* 1 a piece, 0 the end, -1 an error */
};

/* Slots are filled and taken in turn: SLOTS at most lie between. */
struct textfile {
	int fd;
	char *path;
	struct stat st;
	size_t max;
	struct digest *digest;
	struct err err;
	/* Of who fills. */
	size_t total;
	unsigned line;
	bool end;
	struct buf carry; /* begins the next piece */
	struct slot slot[SLOTS];
	size_t filled, taken; /* counts, not indexes */
	bool holding;	      /* the caller still has the slot of `taken` */
	bool threaded, stop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static void *read_ahead(void *arg);

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
		if (t->st.st_size > AHEAD) {
			pthread_mutex_init(&t->lock, NULL);
			pthread_cond_init(&t->changed, NULL);
			t->threaded = pthread_create(
					  &t->thread, NULL, read_ahead, t) == 0;
		}
		return t;
	}
	textfile_close(t, NULL);
	return NULL;
}

/* Bytes up to the last place where a logical line begins; 0 if none. */
static size_t
whole_lines(const struct slot *s)
{
	const char *p = s->buf + s->used;

	while ((p = memrchr(s->buf, '\n', (size_t)(p - s->buf))) != NULL)
		if (p + 1 < s->buf + s->used && p[1] != ' ' && p[1] != '\t' &&
		    p[1] != '#' && p[1] != '\n')
			return (size_t)(p + 1 - s->buf);
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

static void
make_room(struct slot *s, size_t free_bytes)
{
	size_t want = s->used + free_bytes + 1;

	if (want <= s->cap)
		return;
	if (want > PIECE && want <= PIECE + PIECE / 4)
		want = PIECE + PIECE / 4;
	s->cap = want > s->cap * 2 ? want : s->cap * 2;
	s->buf = realloc(s->buf, s->cap);
	if (s->buf == NULL)
		abort();
}

/* Read until want bytes are in the slot, or the file ends. */
static int
read_more(struct textfile *t, struct slot *s, size_t want)
{
	ssize_t n;

	make_room(s, want > s->used ? want - s->used : 1);
	while (s->used < want && !t->end) {
		n = read(t->fd, s->buf + s->used, want - s->used);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(&t->err, err_code_input(errno),
			    "cannot read %s", quotes(t->path).s);
		digest_add(t->digest, s->buf + s->used, (size_t)n);
		s->used += (size_t)n;
		t->total += (size_t)n;
		t->end = n == 0;
		if (t->total > t->max)
			return err_set(&t->err, EX_DATAERR,
			    "%s is larger than %zu bytes", quotes(t->path).s,
			    t->max);
	}
	/* At the end, or behind what was the end. */
	return t->end || t->total > (size_t)t->st.st_size
		   ? check_unchanged(t, &t->err)
		   : 0;
}

static unsigned
count_lines(const char *p, size_t len)
{
	const char *end = p + len;
	unsigned n = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* Of small files there may be very many: no more room than they need. */
static size_t
first_size(const struct textfile *t)
{
	size_t size = (size_t)t->st.st_size;

	return S_ISREG(t->st.st_mode) && size > 0 && size < PIECE ? size + 1
								  : PIECE;
}

/* Make the next piece; sets s->rc. */
static void
fill(struct textfile *t, struct slot *s)
{
	size_t want = first_size(t);

	s->used = s->len = 0;
	s->rc = 0;
	if (t->end && t->carry.len == 0)
		return;
	make_room(s, t->carry.len);
	if (t->carry.len > 0)
		memcpy(s->buf, t->carry.data, t->carry.len);
	s->used = t->carry.len;
	/* A logical line longer than a piece: read on until it ends. */
	for (; s->len == 0; want = s->used * 2) {
		if ((s->rc = read_more(t, s, want)) == -1)
			return;
		s->len = t->end ? s->used : whole_lines(s);
		if (t->end)
			break;
	}
	/* Kept apart: the caller's NUL will fall on its first byte. */
	buf_clear(&t->carry);
	buf_add(&t->carry, s->buf + s->len, s->used - s->len);
	s->rc = s->len > 0;
	s->line = t->line;
	s->bad = lines_bad_byte(s->buf, s->len);
	t->line += count_lines(s->buf, s->len);
}

static void *
read_ahead(void *arg)
{
	struct textfile *t = arg;
	struct slot *s;
	bool stop;

	do {
		pthread_mutex_lock(&t->lock);
		while (!t->stop && t->filled - t->taken >= SLOTS)
			pthread_cond_wait(&t->changed, &t->lock);
		s = &t->slot[t->filled % SLOTS];
		stop = t->stop;
		pthread_mutex_unlock(&t->lock);
		if (stop)
			return NULL;
		fill(t, s);
		pthread_mutex_lock(&t->lock);
		t->filled++;
		pthread_cond_signal(&t->changed);
		pthread_mutex_unlock(&t->lock);
	} while (s->rc == 1);
	return NULL;
}

/* The slot that is next in turn, once it is filled. */
static struct slot *
take(struct textfile *t)
{
	struct slot *s = &t->slot[t->taken % SLOTS];

	if (!t->threaded) {
		fill(t, s);
		return s;
	}
	pthread_mutex_lock(&t->lock);
	while (t->filled == t->taken)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
	return s;
}

/* Give the slot that the caller had back. */
static void
give_back(struct textfile *t)
{
	if (!t->holding)
		return;
	t->holding = false;
	if (!t->threaded) {
		t->taken++;
		return;
	}
	pthread_mutex_lock(&t->lock);
	t->taken++;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

int
textfile_next(struct textfile *t, struct textfile_piece *piece, struct err *e)
{
	struct slot *s;

	give_back(t);
	s = take(t);
	if (s->rc == -1)
		*e = t->err;
	if (s->rc != 1)
		return s->rc;
	t->holding = true;
	*piece = (struct textfile_piece){s->buf, s->len, s->line, s->bad};
	return 1;
}

void
textfile_close(struct textfile *t, char *digest)
{
	char unused[DIGEST_HEX];
	size_t i;

	if (t == NULL)
		return;
	if (t->threaded) {
		pthread_mutex_lock(&t->lock);
		t->stop = true;
		pthread_cond_signal(&t->changed);
		pthread_mutex_unlock(&t->lock);
		pthread_join(t->thread, NULL);
		pthread_mutex_destroy(&t->lock);
		pthread_cond_destroy(&t->changed);
	}
	digest_hex(t->digest, digest == NULL ? unused : digest);
	if (t->fd != -1)
		close(t->fd);
	for (i = 0; i < SLOTS; i++)
		free(t->slot[i].buf);
	buf_free(&t->carry);
	free(t->path);
	free(t);
}
