#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

#define CHUNK 65536

struct snapshot {
	int from, to;
	char *path;    /* of the file, for messages */
	char copy[32]; /* /proc/self/fd/N */
	struct snapshot_id id;
	uint64_t copied;
	char chunk[CHUNK];
};

void
snapshot_identify(const struct stat *st, struct snapshot_id *id)
{
	*id = (struct snapshot_id){.device = st->st_dev,
	    .inode = st->st_ino,
	    .size = (uint64_t)st->st_size,
	    .mtime = st->st_mtim.tv_sec,
	    .mtime_ns = st->st_mtim.tv_nsec,
	    .ctime = st->st_ctim.tv_sec,
	    .ctime_ns = st->st_ctim.tv_nsec};
}

bool
snapshot_same(const struct snapshot_id *a, const struct snapshot_id *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->mtime == b->mtime &&
	       a->mtime_ns == b->mtime_ns && a->ctime == b->ctime &&
	       a->ctime_ns == b->ctime_ns;
}

struct snapshot *
snapshot_begin(const char *path, struct snapshot_id *id, struct err *e)
{
	struct snapshot *s = mem_alloc(sizeof(*s));
	struct stat st;

	s->path = mem_dup(path);
	s->copied = 0;
	s->to = -1;
	s->from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->from == -1 || fstat(s->from, &st) == -1) {
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
		goto failed;
	}
	snapshot_identify(&st, &s->id);
	*id = s->id;
	if (!S_ISREG(st.st_mode)) {
		err_set(e, EX_DATAERR, "%s is not a file", quotes(path).s);
		goto failed;
	}
	s->to = memfd_create("policy.cdb", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->to == -1) {
		err_sys(
		    e, EX_OSERR, "no memory for a copy of %s", quotes(path).s);
		goto failed;
	}
	(void)snprintf(s->copy, sizeof(s->copy), "/proc/self/fd/%d", s->to);
	return s;
failed:
	snapshot_free(s);
	return NULL;
}

static int
finish(struct snapshot *s, struct err *e)
{
	struct snapshot_id id;
	struct stat st;

	if (fstat(s->from, &st) == -1)
		return err_sys(
		    e, EX_IOERR, "cannot read %s", quotes(s->path).s);
	snapshot_identify(&st, &id);
	/* Being renamed over or linked is well; being written is not. */
	if (s->copied != s->id.size || id.mtime != s->id.mtime ||
	    id.mtime_ns != s->id.mtime_ns)
		return err_set(e, EX_TEMPFAIL, "%s changed while it was read",
		    quotes(s->path).s);
	if (fcntl(s->to, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1)
		return err_sys(e, EX_OSERR, "cannot seal the copy of %s",
		    quotes(s->path).s);
	return 0;
}

int
snapshot_step(struct snapshot *s, size_t max, struct err *e)
{
	ssize_t n;

	for (; max > 0; max -= max < (size_t)n ? max : (size_t)n) {
		n = read(s->from, s->chunk, CHUNK);
		if (n == -1)
			return err_sys(
			    e, EX_IOERR, "cannot read %s", quotes(s->path).s);
		s->copied += (uint64_t)n;
		/* A file that grows as fast as it is read would never end. */
		if (n == 0 || s->copied > s->id.size)
			return finish(s, e);
		if (write(s->to, s->chunk, (size_t)n) != n)
			return err_sys(e, EX_OSERR,
			    "no memory for a copy of %s", quotes(s->path).s);
	}
	return 1;
}

const char *
snapshot_path(const struct snapshot *s)
{
	return s->copy;
}

void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	if (s->from != -1)
		close(s->from);
	if (s->to != -1)
		close(s->to);
	free(s->path);
	free(s);
}
