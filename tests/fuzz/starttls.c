/*
 * reaches: lib/tls/starttls.c:got_reply lib/tls/starttls.c:take_reason
 *
 * A server that says the input: what is before the first 0x01 at once, the
 * rest when the client has begun its TLS handshake; then it hangs up. One
 * socket each over loopback, so this is a slow one.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "err.h"
#include "quote.h"
#include "starttls.h"

#define TURNS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct starttls_ctx *ctx;
static int listener = -1;
static struct sockaddr_in here = {.sin_family = AF_INET};

static struct server {
	int fd;
	const uint8_t *later;
	size_t later_len;
	struct event *in;
} server;

static void
set_up(void)
{
	struct starttls_params p = {
	    .helo = "fuzz.example", .step_ms = 60000, .total_ms = 60000};
	socklen_t len = sizeof(here);
	struct err err;

	if (listener != -1)
		return;
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&here, len) == -1 ||
	    getsockname(listener, (struct sockaddr *)&here, &len) == -1 ||
	    listen(listener, 16) == -1 ||
	    (ctx = starttls_ctx_new(&p, &err)) == NULL)
		abort();
	base = event_base_new();
}

static void
hang_up(void)
{
	static const struct linger now = {.l_onoff = 1};

	if (server.fd == -1)
		return;
	event_free(server.in);
	(void)setsockopt(server.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(server.fd);
	server.fd = -1;
}

static void
on_client(evutil_socket_t fd, short what, void *arg)
{
	char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)what;
	(void)arg;
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		hang_up();
		return;
	}
	/* A TLS handshake record begins with 22, which no command has. */
	if (server.later_len > 0 && memchr(buf, 22, (size_t)n) != NULL) {
		(void)!send(fd, server.later, server.later_len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		server.later_len = 0;
		(void)shutdown(fd, SHUT_WR);
	}
}

static void
check_text(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n)
		if ((unsigned char)*s < 0x20 || *s == 0x7f ||
		    (n = utf8_len(s, strlen(s))) == 0)
			abort();
}

static void
on_result(const struct starttls_result *r, void *arg)
{
	bool *done = arg;

	if (*done || r->outcome == STARTTLS_TIMEOUT ||
	    r->outcome == STARTTLS_LOCAL)
		abort();
	*done = true;
	check_text(r->text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut;
	size_t first;
	bool done = false;
	int turn;

	set_up();
	cut = size == 0 ? NULL : memchr(data, 1, size);
	first = cut == NULL ? size : (size_t)(cut - data);
	(void)starttls_start(base, ctx, (struct sockaddr *)&here, sizeof(here),
	    "mx.example", on_result, &done);
	server.fd = accept(listener, NULL, NULL);
	if (server.fd == -1)
		abort();
	server.later = cut == NULL ? NULL : cut + 1;
	server.later_len = cut == NULL ? 0 : size - first - 1;
	server.in =
	    event_new(base, server.fd, EV_READ | EV_PERSIST, on_client, NULL);
	event_add(server.in, NULL);
	if (first > 0)
		(void)!send(
		    server.fd, data, first, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (server.later_len == 0)
		(void)shutdown(server.fd, SHUT_WR);
	/* Loopback needs no time: who waits after some turns waits forever. */
	for (turn = 0; !done && turn < TURNS; turn++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (!done)
		hang_up();
	while (!done)
		event_base_loop(base, EVLOOP_ONCE);
	hang_up();
	return 0;
}
