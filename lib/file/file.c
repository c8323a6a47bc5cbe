#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "fdio.h"
#include "quote.h"

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The rest of what is open at fd; text gets as many bytes as there are. */
static int
read_all(int fd, const char *path, size_t max, const struct stat *before,
    struct buf *text, struct err *e)
{
	bool large = before->st_size > 0 && (size_t)before->st_size > max;
	struct stat after;

	if (!large)
		(void)buf_room(text, (size_t)before->st_size + 1);
	errno = 0;
	if (large || !fdio_read(fd, max, text)) {
		if (!large && errno != EFBIG)
			return err_sys(e, err_code_input(errno),
			    "cannot read %s", quotes(path).s);
		errno = EFBIG;
		return err_set(e, EX_DATAERR, "%s is larger than %zu bytes",
		    quotes(path).s, max);
	}
	if (fstat(fd, &after) == 0 &&
	    (!S_ISREG(before->st_mode) || same(before, &after)))
		return 0;
	return err_set(e, EX_TEMPFAIL,
	    "%s changed while it was read; try again", quotes(path).s);
}

char *
file_slurp(
    const char *path, size_t max, size_t *len, struct stat *st, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rv = -1;
	struct buf text = {0};
	struct stat before;

	if (fd == -1 || fstat(fd, &before) == -1)
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
	else
		rv = read_all(fd, path, max, &before, &text, e);
	if (fd != -1)
		close(fd);
	if (rv == -1) {
		buf_free(&text);
		return NULL;
	}
	if (st != NULL)
		*st = before;
	*len = text.len;
	return buf_take(&text);
}

bool
file_is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	       !S_ISDIR(st.st_mode);
}
