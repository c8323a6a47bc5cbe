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
#include <stdatomic.h>
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
#define WRITEBACK (8u * 1024 * 1024) /* bytes between two hints to the disk */

struct record {
	uint32_t hash, pos;
};

/* The records of one hash table, in the order in which they came. */
struct table {
	struct record *v;
	size_t n, cap;
};

struct cdbmap_writer {
	int fd;
	unsigned pos;	 /* where the next byte goes */
	unsigned hinted; /* bytes the kernel was asked to write already */
	size_t used;	 /* bytes in block, which end at pos */
	unsigned char block[BLOCK];
	struct table table[TABLES];
	_Atomic unsigned written; /* bytes of the file */
};

struct cdbmap_writer *
cdbmap_create(int fd)
{
	struct cdbmap_writer *w = mem_zero(1, sizeof(*w));

	w->fd = fd;
	w->pos = HEAD;
	return w;
}

static int
write_at(int fd, const unsigned char *p, size_t len, off_t at)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, at);
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
flush_block(struct cdbmap_writer *w)
{
	if (write_at(w->fd, w->block, w->used, (off_t)(w->pos - w->used)) == -1)
		return -1;
	w->used = 0;
	atomic_store_explicit(&w->written, w->pos, memory_order_relaxed);
	return 0;
}

static int
put(struct cdbmap_writer *w, const void *p, size_t len)
{
	const unsigned char *from = p;
	size_t n;

	while (len > 0) {
		if (w->used == BLOCK && flush_block(w) == -1)
			return -1;
		n = len < BLOCK - w->used ? len : BLOCK - w->used;
		memcpy(w->block + w->used, from, n);
		w->used += n;
		w->pos += (unsigned)n;
		from += n;
		len -= n;
	}
	return 0;
}

static int
put_record(struct cdbmap_writer *w, const char *key, size_t klen,
    const char *value, size_t vlen)
{
	unsigned char head[8], *to;

	cdb_pack((unsigned)klen, head);
	cdb_pack((unsigned)vlen, head + 4);
	if (8 + klen + vlen > BLOCK - w->used)
		return put(w, head, sizeof(head)) == -1 ||
			       put(w, key, klen) == -1 ||
			       put(w, value, vlen) == -1
			   ? -1
			   : 0;
	to = w->block + w->used;
	memcpy(to, head, sizeof(head));
	memcpy(to + 8, key, klen);
	memcpy(to + 8 + klen, value, vlen);
	w->used += 8 + klen + vlen;
	w->pos += (unsigned)(8 + klen + vlen);
	return 0;
}

int
cdbmap_add(struct cdbmap_writer *w, const char *key, size_t klen,
    const char *value, size_t vlen, struct err *e)
{
	const size_t left = UINT_MAX - w->pos;
	struct record rec = {.pos = w->pos};
	struct table *t;

	errno = ENOMEM; /* as tinycdb calls it */
	if (klen > left || vlen > left - klen || left - klen - vlen < 8)
		return err_sys(
		    e, err_code_output(errno), "cannot write the map");
	rec.hash = cdb_hash(key, (unsigned)klen);
	t = &w->table[rec.hash % TABLES];
	t->v = mem_grow(t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = rec;
	if (put_record(w, key, klen, value, vlen) == -1)
		return err_sys(
		    e, err_code_output(errno), "cannot write the map");
	return 0;
}

void
cdbmap_writeback(struct cdbmap_writer *w)
{
	unsigned written =
	    atomic_load_explicit(&w->written, memory_order_relaxed);

	if (written - w->hinted < WRITEBACK)
		return;
	(void)sync_file_range(w->fd, (off64_t)w->hinted,
	    (off64_t)(written - w->hinted), SYNC_FILE_RANGE_WRITE);
	w->hinted = written;
}

/*
 * Twice as many slots as records; where one is taken, the next that is free.
 * A slot of zeros is free, and records are never at position 0.
 */
static int
put_table(struct cdbmap_writer *w, const struct table *t, struct record *slot)
{
	size_t n = t->n * 2, i, k;

	memset(slot, 0, n * sizeof(*slot));
	for (i = 0; i < t->n; i++) {
		k = (t->v[i].hash >> 8) % n;
		while (slot[k].pos != 0)
			k = k + 1 == n ? 0 : k + 1;
		/* As they are written. */
		slot[k].hash = htole32(t->v[i].hash);
		slot[k].pos = htole32(t->v[i].pos);
	}
	return put(w, slot, n * sizeof(*slot));
}

static int
put_tables(struct cdbmap_writer *w)
{
	unsigned char head[HEAD];
	size_t i, records = 0, most = 0;
	struct record *slot;
	int rc = 0;

	for (i = 0; i < TABLES; i++) {
		records += w->table[i].n;
		if (w->table[i].n > most)
			most = w->table[i].n;
	}
	if (records > (UINT_MAX - w->pos) / 16) {
		errno = ENOMEM;
		return -1;
	}
	slot = mem_alloc(2 * most * sizeof(*slot));
	for (i = 0; i < TABLES && rc == 0; i++) {
		cdb_pack(w->pos, head + 8 * i);
		cdb_pack((unsigned)w->table[i].n * 2, head + 8 * i + 4);
		rc = put_table(w, &w->table[i], slot);
	}
	free(slot);
	if (rc == -1 || flush_block(w) == -1)
		return -1;
	return write_at(w->fd, head, sizeof(head), 0);
}

int
cdbmap_finish(struct cdbmap_writer *w, struct err *e)
{
	int rv = 0;

	if (put_tables(w) == -1)
		rv = err_sys(e, err_code_output(errno), "cannot write the map");
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
	free(w);
}
