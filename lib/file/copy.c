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
copy_file(const char *from, const char *to, struct err *e)
{
	char *text, *temp = mem_printf("%s.new", to);
	struct stat st;
	size_t len;
	int fd = -1, rv = -1;

	if ((text = file_slurp(from, COPY_MAX, &len, &st, e)) == NULL)
		goto out;
	(void)unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || write_all(fd, text, len) == -1 ||
	    fchown(fd, st.st_uid, st.st_gid) == -1 ||
	    fchmod(fd, st.st_mode & 07777) == -1 || fsync(fd) == -1 ||
	    rename(temp, to) == -1) {
		err_sys(e, err_code_output(errno), "cannot write %s", to);
		if (fd != -1)
			(void)unlink(temp);
		goto out;
	}
	rv = 0;
out:
	if (fd != -1)
		close(fd);
	free(text);
	free(temp);
	return rv;
}

int
copy_same(const char *a, const char *b, struct err *e)
{
	char *left, *right = NULL;
	size_t nleft, nright;
	int rv = -1;

	left = file_slurp(a, COPY_MAX, &nleft, NULL, e);
	if (left != NULL)
		right = file_slurp(b, COPY_MAX, &nright, NULL, e);
	if (right != NULL)
		rv = nleft == nright && memcmp(left, right, nleft) == 0;
	free(left);
	free(right);
	return rv;
}
