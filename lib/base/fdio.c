#include "fdio.h"

#include <errno.h>
#include <unistd.h>

#include "buf.h"

#define CHUNK 8192 /* bytes more, where there is no room */

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
	ssize_t n;

	for (;;) {
		if (out->cap - out->len < 2)
			(void)buf_room(out, CHUNK);
		n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n > 0 && (size_t)n > max - out->len) {
			errno = EFBIG;
			n = -1;
		}
		if (n == -1)
			return false;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (n == 0)
			return true;
	}
}
