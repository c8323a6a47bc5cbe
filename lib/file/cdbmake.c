/*
 * Writing a constant database (https://cr.yp.to/cdb/cdb.txt) over tinycdb's
 * hash and integers; the result is what its cdb_make_add() and
 * cdb_make_finish() write, to the byte. These write 4 KB at a time, which
 * for a large map takes as long as all the rest of a compile.
 */
#include <cdb.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cdbmap.h"
#include "err.h"
#include "mem.h"

#define TABLES 256
#define HEAD (TABLES * 8u)	     /* bytes: a position and a size for each */
#define BLOCK (64u * 1024)	     /* bytes written at once */
#define WRITEBACK (2u * 1024 * 1024) /* bytes between two hints to the disk */

/* As it stands in the file, little-endian. */
struct slot {
	uint32_t hash, pos;
};

/* The records of one hash table, in the order in which they came. */
struct table {
	struct cdbmap_record *v;
	size_t n, cap;
};

struct cdbmap_writer {
	int fd;
	unsigned pos;		   /* where the next byte goes */
	unsigned hinted;	   /* bytes the kernel was asked to write */
	struct cdbmap_batch small; /* records that came one by one */
	struct table table[TABLES];
};

void
cdbmap_batch_begin(struct cdbmap_batch *b, const char *key, size_t klen)
{
	unsigned char head[8] = {0};

	b->record = mem_grow(b->record, b->n, &b->cap, sizeof(*b->record));
	b->record[b->n].hash = cdb_hash(key, (unsigned)klen);
	b->record[b->n++].at = (uint32_t)b->bytes.len;
	cdb_pack((unsigned)klen, head);
	buf_add(&b->bytes, head, sizeof(head));
	buf_add(&b->bytes, key, klen);
}

void
cdbmap_batch_end(struct cdbmap_batch *b)
{
	unsigned char *head =
	    (unsigned char *)b->bytes.data + b->record[b->n - 1].at;
	const unsigned char *end =
	    (unsigned char *)b->bytes.data + b->bytes.len;

	cdb_pack((unsigned)(end - (head + 8 + cdb_unpack(head))), head + 4);
}

void
cdbmap_batch_clear(struct cdbmap_batch *b)
{
	buf_clear(&b->bytes);
	b->n = 0;
}

void
cdbmap_batch_free(struct cdbmap_batch *b)
{
	buf_free(&b->bytes);
	free(b->record);
	*b = (struct cdbmap_batch){0};
}

struct cdbmap_writer *
cdbmap_create(int fd)
{
	struct cdbmap_writer *w = mem_zero(1, sizeof(*w));

	w->fd = fd;
	w->pos = HEAD;
	return w;
}

void
cdbmap_expect(struct cdbmap_writer *w, size_t records)
{
	size_t each = records / TABLES, i;
	struct table *t;

	/* Hashes spread them evenly, but not quite. */
	each += each / 16;
	for (i = 0; i < TABLES; i++) {
		t = &w->table[i];
		t->v = mem_reserve(t->v, t->n, each, &t->cap, sizeof(*t->v));
	}
}

static int
write_at(int fd, const void *bytes, size_t len, off_t at)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len < BLOCK ? len : BLOCK, at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

static int
put(struct cdbmap_writer *w, const void *p, size_t len)
{
	if (len > UINT_MAX - w->pos) {
		errno = ENOMEM; /* as tinycdb calls it */
		return -1;
	}
	if (write_at(w->fd, p, len, (off_t)w->pos) == -1)
		return -1;
	w->pos += (unsigned)len;
	/* Let the disk work while we do: the final sync is then short. */
	if (w->pos - w->hinted >= WRITEBACK) {
		(void)sync_file_range(w->fd, (off64_t)w->hinted,
		    (off64_t)(w->pos - w->hinted), SYNC_FILE_RANGE_WRITE);
		w->hinted = w->pos;
	}
	return 0;
}

static int
put_batch(struct cdbmap_writer *w, const struct cdbmap_batch *b)
{
	struct cdbmap_record rec;
	struct table *t;
	size_t i;

	for (i = 0; i < b->n; i++) {
		rec = b->record[i];
		rec.at += w->pos;
		t = &w->table[rec.hash % TABLES];
		t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
		t->v[t->n++] = rec;
	}
	return put(w, b->bytes.data, b->bytes.len);
}

static int
put_small(struct cdbmap_writer *w)
{
	int rc = put_batch(w, &w->small);

	cdbmap_batch_clear(&w->small);
	return rc;
}

static int
failed(struct err *e)
{
	return err_sys(e, err_code_output(errno), "cannot write the map");
}

int
cdbmap_add_batch(
    struct cdbmap_writer *w, const struct cdbmap_batch *b, struct err *e)
{
	if (put_small(w) == -1 || put_batch(w, b) == -1)
		return failed(e);
	return 0;
}

int
cdbmap_add(struct cdbmap_writer *w, const char *key, size_t klen,
    const char *value, size_t vlen, struct err *e)
{
	errno = ENOMEM;
	if (klen > UINT_MAX / 4 || vlen > UINT_MAX / 2)
		return failed(e);
	cdbmap_batch_begin(&w->small, key, klen);
	buf_add(&w->small.bytes, value, vlen);
	cdbmap_batch_end(&w->small);
	if (w->small.bytes.len >= BLOCK && put_small(w) == -1)
		return failed(e);
	return 0;
}

/*
 * Twice as many slots as records; where one is taken, the next that is free.
 * A slot of zeros is free, and records are never at position 0.
 */
static int
put_table(struct cdbmap_writer *w, const struct table *t, struct slot *slot)
{
	unsigned n = 2 * (unsigned)t->n, k;
	size_t i;

	memset(slot, 0, n * sizeof(*slot));
	for (i = 0; i < t->n; i++) {
		k = (t->v[i].hash >> 8) % n;
		while (slot[k].pos != 0)
			k = k + 1 == n ? 0 : k + 1;
		slot[k].hash = htole32(t->v[i].hash);
		slot[k].pos = htole32(t->v[i].at);
	}
	return put(w, slot, n * sizeof(*slot));
}

static int
put_tables(struct cdbmap_writer *w)
{
	unsigned char head[HEAD];
	struct slot *slot;
	size_t i, most = 0;
	int rc = 0;

	for (i = 0; i < TABLES; i++)
		if (w->table[i].n > most)
			most = w->table[i].n;
	slot = mem_alloc(2 * most * sizeof(*slot));
	for (i = 0; i < TABLES && rc == 0; i++) {
		cdb_pack(w->pos, head + 8 * i);
		cdb_pack((unsigned)w->table[i].n * 2, head + 8 * i + 4);
		rc = put_table(w, &w->table[i], slot);
	}
	free(slot);
	return rc == -1 ? -1 : write_at(w->fd, head, sizeof(head), 0);
}

int
cdbmap_finish(struct cdbmap_writer *w, struct err *e)
{
	int rv = 0;

	if (put_small(w) == -1 || put_tables(w) == -1)
		rv = failed(e);
	cdbmap_abandon(w);
	return rv;
}

void
cdbmap_abandon(struct cdbmap_writer *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < TABLES; i++)
		free(w->table[i].v);
	cdbmap_batch_free(&w->small);
	free(w);
}
