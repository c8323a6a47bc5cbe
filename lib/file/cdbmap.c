#include "cdbmap.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

#define HEAD 2048 /* bytes of the 256 table pointers */

struct cdbmap {
	struct cdb cdb;
	int fd; /* -1: the file is in the caller's memory */
};

struct cdbmap_writer {
	struct cdb_make make;
};

/*
 * The 256 tables must follow each other from the end of the data to the end
 * of the file; a truncated file or foreign bytes do not.
 */
static bool
sound(const unsigned char *data, size_t size)
{
	size_t expect, slots;
	unsigned i;

	if (size < HEAD || size > UINT_MAX)
		return false;
	expect = cdb_unpack(data);
	for (i = 0; i < 256; i++) {
		slots = cdb_unpack(data + 8 * i + 4);
		if (expect < HEAD || cdb_unpack(data + 8 * i) != expect ||
		    expect > size || slots > (size - expect) / 8)
			return false;
		expect += slots * 8;
	}
	return expect == size;
}

struct cdbmap *
cdbmap_open(const char *path, struct err *e)
{
	struct cdbmap *m = mem_zero(1, sizeof(*m));
	struct stat st;

	/* Not to wait for the writer of a pipe, which is no map. */
	m->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (m->fd == -1 || fstat(m->fd, &st) == -1) {
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
	} else if (!S_ISREG(st.st_mode) || st.st_size < HEAD ||
		   st.st_size > UINT_MAX || cdb_init(&m->cdb, m->fd) == -1) {
		err_set(e, EX_DATAERR, "%s is not a cdb file", quotes(path).s);
	} else if (!sound(cdb_get(&m->cdb, HEAD, 0), (size_t)st.st_size)) {
		cdb_free(&m->cdb);
		err_set(e, EX_DATAERR, "%s is damaged or not a cdb file",
		    quotes(path).s);
	} else {
		return m;
	}
	if (m->fd != -1)
		close(m->fd);
	free(m);
	return NULL;
}

struct cdbmap *
cdbmap_of(const void *data, size_t size)
{
	struct cdbmap *m;

	if (!sound(data, size))
		return NULL;
	m = mem_zero(1, sizeof(*m));
	m->fd = -1;
	/* What cdb_init() does with a file after it has mapped it. */
	m->cdb.cdb_fd = -1;
	m->cdb.cdb_mem = data;
	m->cdb.cdb_fsize = (unsigned)size;
	m->cdb.cdb_dend = cdb_unpack(data);
	return m;
}

uint32_t
cdbmap_hash(const char *key, size_t klen)
{
	return cdb_hash(key, (unsigned)klen);
}

enum cdbmap_answer
cdbmap_get(const struct cdbmap *m, const char *key, size_t klen,
    const char **value, size_t *vlen)
{
	struct cdb at = m->cdb; /* tinycdb keeps in it what was found */
	int rc;

	if (klen > UINT_MAX)
		return CDBMAP_NOTFOUND;
	rc = cdb_find(&at, key, (unsigned)klen);
	if (rc == 0)
		return CDBMAP_NOTFOUND;
	if (rc < 0 || (*value = cdb_getdata(&at)) == NULL)
		return CDBMAP_BROKEN;
	*vlen = cdb_datalen(&at);
	return CDBMAP_FOUND;
}

enum cdbmap_answer
cdbmap_next(const struct cdbmap *m, unsigned *pos, const char **key,
    size_t *klen, const char **value, size_t *vlen)
{
	struct cdb at = m->cdb;
	int rc;

	if (*pos == 0)
		cdb_seqinit(pos, &at);
	rc = cdb_seqnext(pos, &at);
	if (rc == 0)
		return CDBMAP_NOTFOUND;
	if (rc < 0 || (*key = cdb_getkey(&at)) == NULL ||
	    (*value = cdb_getdata(&at)) == NULL)
		return CDBMAP_BROKEN;
	*klen = cdb_keylen(&at);
	*vlen = cdb_datalen(&at);
	return CDBMAP_FOUND;
}

void
cdbmap_close(struct cdbmap *m)
{
	if (m == NULL)
		return;
	if (m->fd != -1) {
		cdb_free(&m->cdb);
		close(m->fd);
	}
	free(m);
}

struct cdbmap_writer *
cdbmap_create(int fd)
{
	struct cdbmap_writer *w = mem_alloc(sizeof(*w));

	/* It fails only where lseek(2) does; then the first write does, too. */
	(void)cdb_make_start(&w->make, fd);
	return w;
}

static int
failed(struct err *e)
{
	return err_sys(e, err_code_output(errno), "cannot write the map");
}

int
cdbmap_add(struct cdbmap_writer *w, const char *key, size_t klen,
    const char *value, size_t vlen, struct err *e)
{
	errno = ENOMEM; /* as tinycdb calls it */
	if (klen > UINT_MAX / 4 || vlen > UINT_MAX / 2 ||
	    cdb_make_add(
		&w->make, key, (unsigned)klen, value, (unsigned)vlen) == -1)
		return failed(e);
	return 0;
}

int
cdbmap_finish(struct cdbmap_writer *w, struct err *e)
{
	int rv = cdb_make_finish(&w->make) == -1 ? failed(e) : 0;

	free(w);
	return rv;
}

void
cdbmap_abandon(struct cdbmap_writer *w)
{
	/* Nothing else frees what tinycdb keeps of each record. */
	if (w != NULL)
		(void)cdb_make_finish(&w->make);
	free(w);
}
