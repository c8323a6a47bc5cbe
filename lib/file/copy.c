#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "file.h"
#include "mem.h"

#define COPY_MAX (16u * 1024 * 1024) /* bytes of a configuration file */

static int
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -1;
	}
	return 0;
}

int
copy_write(const char *to, const char *text, size_t len, const struct stat *st,
    struct err *e)
{
	char *temp = mem_printf("%s.new", to);
	int fd, rv = 0;

	(void)unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || write_all(fd, text, len) == -1 ||
	    fchown(fd, st->st_uid, st->st_gid) == -1 ||
	    fchmod(fd, st->st_mode & 0777) == -1 || fsync(fd) == -1 ||
	    rename(temp, to) == -1) {
		rv = err_sys(e, err_code_output(errno), "cannot write %s", to);
		if (fd != -1)
			(void)unlink(temp);
	}
	if (fd != -1)
		close(fd);
	free(temp);
	return rv;
}

int
copy_file(const char *from, const char *to, struct err *e)
{
	struct stat st;
	size_t len;
	char *text = file_slurp(from, COPY_MAX, &len, &st, e);
	int rv = text == NULL ? -1 : copy_write(to, text, len, &st, e);

	free(text);
	return rv;
}
