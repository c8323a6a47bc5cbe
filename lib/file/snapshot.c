#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

#define HUGE (2u << 20) /* bytes of a huge page */

struct snapshot {
	int from;
	char *path; /* of the file, for messages */
	struct snapshot_id id;
	char *block; /* what was mapped */
	size_t mapped;
	char *data; /* in block, where a huge page begins */
	size_t copied;
};

static void
identify(const struct stat *st, struct snapshot_id *id)
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
snapshot_is(const struct snapshot_id *a, const struct stat *st)
{
	struct snapshot_id b;

	identify(st, &b);
	return a->device == b.device && a->inode == b.inode &&
	       a->size == b.size && a->mtime == b.mtime &&
	       a->mtime_ns == b.mtime_ns && a->ctime == b.ctime &&
	       a->ctime_ns == b.ctime_ns;
}

/* Room for the file and one byte more, by which growth shows. */
static bool
make_room(struct snapshot *s)
{
	size_t want = (size_t)s->id.size + 1;

	s->mapped = want < HUGE ? want : want + HUGE;
	s->block = mmap(NULL, s->mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->block == MAP_FAILED) {
		s->block = NULL;
		return false;
	}
	s->data = s->block;
	if (want >= HUGE) {
		s->data += -(uintptr_t)s->block % HUGE;
		(void)madvise(s->data, want, MADV_HUGEPAGE);
	}
#ifdef PR_SET_VMA
	/* For those who look into /proc/PID/smaps. */
	(void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, (uintptr_t)s->block,
	    s->mapped, (uintptr_t) "snapshot");
#endif
	return true;
}

struct snapshot *
snapshot_begin(
    const char *path, size_t max, struct snapshot_id *id, struct err *e)
{
	struct snapshot *s = mem_zero(1, sizeof(*s));
	struct stat st;

	s->path = mem_dup(path);
	s->from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->from == -1 || fstat(s->from, &st) == -1) {
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
		snapshot_free(s);
		return NULL;
	}
	identify(&st, &s->id);
	*id = s->id;
	if (!S_ISREG(st.st_mode))
		err_set(e, EX_DATAERR, "%s is not a file", quotes(path).s);
	else if (s->id.size > max)
		err_set(e, EX_DATAERR, "%s is too large", quotes(path).s);
	else if (!make_room(s))
		err_sys(
		    e, EX_OSERR, "no memory for a copy of %s", quotes(path).s);
	else
		return s;
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
	identify(&st, &id);
	/* Being renamed over or linked is well; being written is not. */
	if (s->copied != s->id.size || id.mtime != s->id.mtime ||
	    id.mtime_ns != s->id.mtime_ns)
		return err_set(e, EX_TEMPFAIL, "%s changed while it was read",
		    quotes(s->path).s);
	close(s->from);
	s->from = -1;
	(void)mprotect(s->block, s->mapped, PROT_READ);
	return 0;
}

int
snapshot_step(struct snapshot *s, size_t max, struct err *e)
{
	size_t left = (size_t)s->id.size + 1 - s->copied;
	ssize_t n;

	n = read(s->from, s->data + s->copied, max < left ? max : left);
	if (n == -1)
		return err_sys(
		    e, EX_IOERR, "cannot read %s", quotes(s->path).s);
	s->copied += (size_t)n;
	return n == 0 || s->copied > s->id.size ? finish(s, e) : 1;
}

const void *
snapshot_data(const struct snapshot *s, size_t *size)
{
	*size = s->copied;
	return s->data;
}

void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	if (s->from != -1)
		close(s->from);
	if (s->block != NULL)
		(void)munmap(s->block, s->mapped);
	free(s->path);
	free(s);
}
