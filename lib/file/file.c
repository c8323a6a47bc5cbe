#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

#define FILE_FIRST 8192 /* bytes to begin with where the size is unknown */

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static char *
read_all(int fd, size_t size, size_t max, size_t *len)
{
	size_t cap = size == 0 ? FILE_FIRST : size + 2, n = 0;
	char *text = mem_alloc(cap);
	ssize_t got;

	for (;;) {
		got = read(fd, text + n, cap - 1 - n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
		if (n > max) {
			errno = EFBIG;
			got = -1;
			break;
		}
		if (n == cap - 1) {
			cap *= 2;
			text = realloc(text, cap);
			if (text == NULL)
				abort();
		}
	}
	if (got == -1) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*len = n;
	return text;
}

char *
file_slurp(
    const char *path, size_t max, size_t *len, struct stat *st, struct err *e)
{
	struct stat before, after;
	char *text = NULL;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1 || fstat(fd, &before) == -1) {
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
		goto out;
	}
	if (before.st_size > 0 && (size_t)before.st_size > max) {
		errno = EFBIG;
	} else {
		text = read_all(fd, (size_t)before.st_size, max, len);
	}
	if (text == NULL) {
		if (errno == EFBIG)
			err_set(e, EX_DATAERR, "%s is larger than %zu bytes",
			    quotes(path).s, max);
		else
			err_sys(e, err_code_input(errno), "cannot read %s",
			    quotes(path).s);
		goto out;
	}
	if (fstat(fd, &after) == -1 ||
	    (S_ISREG(before.st_mode) && !same(&before, &after))) {
		err_set(e, EX_TEMPFAIL,
		    "%s changed while it was read; try again", quotes(path).s);
		free(text);
		text = NULL;
	}
	if (st != NULL)
		*st = before;
out:
	if (fd != -1)
		close(fd);
	return text;
}

bool
file_is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	       !S_ISDIR(st.st_mode);
}
