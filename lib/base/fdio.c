#include "fdio.h"

#include <errno.h>
#include <unistd.h>

#include "buf.h"

bool
fdio_write(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n) {
		n = write(fd, text, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return false;
	}
	return true;
}

bool
fdio_read(int fd, size_t max, struct buf *out)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || (size_t)n > max - out->len)
			return false;
		buf_add(out, bytes, (size_t)n);
	}
	return true;
}
