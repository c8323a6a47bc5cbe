#include "cdbmap.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

#define TABLES 2048 /* bytes of the 256 table pointers */

struct cdbmap {
	struct cdb cdb;
	int fd;
};

/*
 * The 256 tables must follow each other from the end of the data to the end
 * of the file; a truncated file or foreign bytes do not.
 */
static int
sound(const struct cdb *c, size_t size)
{
	unsigned char head[TABLES];
	size_t expect = 0, pos, slots;
	unsigned i;

	if (size < TABLES || cdb_read(c, head, TABLES, 0) != 0)
		return 0;
	for (i = 0; i < 256; i++) {
		pos = cdb_unpack(head + 8 * i);
		slots = cdb_unpack(head + 8 * i + 4);
		if (i == 0)
			expect = pos;
		if (pos < TABLES || pos != expect || slots > (size - pos) / 8)
			return 0;
		expect = pos + slots * 8;
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
	} else if (!S_ISREG(st.st_mode) || st.st_size < TABLES ||
		   st.st_size > UINT_MAX || cdb_init(&m->cdb, m->fd) == -1) {
		err_set(e, EX_DATAERR, "%s is not a cdb file", quotes(path).s);
	} else if (!sound(&m->cdb, (size_t)st.st_size)) {
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

enum cdbmap_answer
cdbmap_get(struct cdbmap *m, const char *key, size_t klen, const char **value,
    size_t *vlen)
{
	int rc;

	if (klen > UINT_MAX)
		return CDBMAP_NOTFOUND;
	rc = cdb_find(&m->cdb, key, (unsigned)klen);
	if (rc == 0)
		return CDBMAP_NOTFOUND;
	if (rc < 0 || (*value = cdb_getdata(&m->cdb)) == NULL)
		return CDBMAP_BROKEN;
	*vlen = cdb_datalen(&m->cdb);
	return CDBMAP_FOUND;
}

enum cdbmap_answer
cdbmap_next(struct cdbmap *m, unsigned *pos, const char **key, size_t *klen,
    const char **value, size_t *vlen)
{
	int rc;

	if (*pos == 0)
		cdb_seqinit(pos, &m->cdb);
	rc = cdb_seqnext(pos, &m->cdb);
	if (rc == 0)
		return CDBMAP_NOTFOUND;
	if (rc < 0 || (*key = cdb_getkey(&m->cdb)) == NULL ||
	    (*value = cdb_getdata(&m->cdb)) == NULL)
		return CDBMAP_BROKEN;
	*klen = cdb_keylen(&m->cdb);
	*vlen = cdb_datalen(&m->cdb);
	return CDBMAP_FOUND;
}

void
cdbmap_close(struct cdbmap *m)
{
	if (m == NULL)
		return;
	cdb_free(&m->cdb);
	close(m->fd);
	free(m);
}
