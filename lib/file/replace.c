#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

int
replace_file(const char *path, const char *text, size_t len, struct err *e)
{
	char *temp = mem_printf("%s.tmp", path);
	int fd, rv = 0;

	fd = open(
	    temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1 || write(fd, text, len) != (ssize_t)len ||
	    rename(temp, path) == -1) {
		rv = err_sys(e, err_code_output(errno), "cannot write %s",
		    quotes(path).s);
		if (fd != -1)
			(void)unlink(temp);
	}
	if (fd != -1)
		close(fd);
	free(temp);
	return rv;
}
