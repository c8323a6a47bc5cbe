#include "sockbio.h"

#include <errno.h>
#include <sys/socket.h>

static bool
is_transient(int errnum)
{
	return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == EINTR;
}

static int
read_bytes(BIO *b, char *p, int len)
{
	struct sockbio *s = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	if (s->in >= s->max) {
		s->over = true;
		return -1;
	}
	n = recv(s->fd, p, (size_t)len, 0);
	if (n > 0)
		s->in += (size_t)n;
	else if (n == 0)
		s->eof = true;
	else if (is_transient(errno))
		BIO_set_retry_read(b);
	else if (s->errnum == 0)
		s->errnum = errno;
	return (int)n;
}

static int
write_bytes(BIO *b, const char *p, int len)
{
	struct sockbio *s = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	n = send(s->fd, p, (size_t)len, MSG_NOSIGNAL);
	if (n == -1 && is_transient(errno))
		BIO_set_retry_write(b);
	else if (n == -1 && s->errnum == 0)
		s->errnum = errno;
	return (int)n;
}

static long
control(BIO *b, int cmd, long num, void *ptr)
{
	const struct sockbio *s = BIO_get_data(b);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH: /* nothing is held back here */
		return 1;
	case BIO_CTRL_EOF:
		return s->eof;
	default:
		return 0;
	}
}

BIO_METHOD *
sockbio_method(void)
{
	BIO_METHOD *m;

	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sockbio");
	if (m == NULL)
		return NULL;
	if (!BIO_meth_set_read(m, read_bytes) ||
	    !BIO_meth_set_write(m, write_bytes) ||
	    !BIO_meth_set_ctrl(m, control)) {
		BIO_meth_free(m);
		return NULL;
	}
	return m;
}

BIO *
sockbio_new(const BIO_METHOD *method, struct sockbio *s)
{
	BIO *b = BIO_new(method);

	if (b == NULL)
		return NULL;
	BIO_set_data(b, s);
	BIO_set_init(b, 1);
	return b;
}
