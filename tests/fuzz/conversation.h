/*
 * conversation.h: for fuzzing, a client and a service in one process, with
 * the connection code of production between them.
 */
#ifndef CONVERSATION_H
#define CONVERSATION_H

#include <event2/event.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "conn.h"
#include "logline.h"
#include "memmap.h"
#include "service.h"

static const char *const conversation_rows[] = {"acme.example",
    "secure match=mx.acme.example protocols=>=TLSv1.2", ".acme.example",
    "secure match=mx.acme.example", "open.example", "may",
    "xn--mnchen-3ya.example", "secure match=a", "[mx.example]:25", "encrypt",
    "low.example", "encrypt", " d:low.example",
    "partner=low inbound=require level=encrypt until=2026-01-01T00:00:00Z "
    "{ full = secure match=mx.low.example }",
    "now.example", "may", " d:now.example",
    "partner=now inbound=require level=opportunistic "
    "until=9999-01-01T00:00:00Z { full = secure match=mx.now.example }",
    "name.example", "secure match=x", " d:name.example",
    "partner=n inbound=require verify=name action=reject "
    "names=nexthop,dot-nexthop,hostname,.b.example level=secure",
    "key.example", "secure match=x", " d:key.example",
    "partner=k inbound=require verify=key keys=AA:BB level=secure",
    "warn.example", "may", " d:warn.example",
    "partner=w inbound=warn level=opportunistic", " g:mx.provider.example",
    "partner=p inbound=warn level=secure", " g:.cloud.example",
    "partner=c inbound=require level=secure", NULL};

struct conversation {
	struct memmap map;
	struct service service;
	struct conn_protocol protocol;
	struct failing failing;
	struct event_base *base;
	struct conns *conns;
};

static inline void
conversation_start(struct conversation *c)
{
	static const char failing[] = "1 expired acme.example\n";

	logline_init("fuzz", LOGLINE_ERROR, true);
	(void)signal(SIGPIPE, SIG_IGN);
	memmap_make(&c->map, conversation_rows);
	c->service.lookup = (struct lookup){.map = c->map.map, .lowered = true};
	c->service.contact = "postmaster@ours.example";
	c->service.outbound_failing = VERDICT_WARN;
	clock_start(&c->service.clock);
	failing_take(&c->failing, failing, strlen(failing));
	c->service.failing = &c->failing;
	c->base = event_base_new();
	c->conns = conns_new(c->base, NULL, 0, 4, 10);
}

/* Take what there is to read; false if the other side has closed. */
static inline bool
conversation_read(int fd, struct buf *out)
{
	char *room = buf_room(out, 65536);
	ssize_t n;

	while ((n = recv(fd, room, 65536, MSG_DONTWAIT)) > 0) {
		out->len += (size_t)n;
		room = buf_room(out, 65536);
	}
	return n == -1 && errno == EAGAIN;
}

/* Send len bytes, step at a time, and collect all answers. */
static inline void
conversation_hold(struct conversation *c, const char *data, size_t len,
    size_t step, struct buf *out)
{
	size_t n, at = 0;
	bool open = true;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == -1)
		abort();
	conns_add(c->conns, fd[1], &c->protocol);
	while (open && at < len) {
		n = len - at < step ? len - at : step;
		if (send(fd[0], data + at, n, MSG_NOSIGNAL) == (ssize_t)n)
			at += n;
		(void)event_base_loop(c->base, EVLOOP_NONBLOCK);
		open = conversation_read(fd[0], out);
	}
	if (conns_sum(c->conns).held > CONN_REQUEST_MAX)
		abort();
	(void)shutdown(fd[0], SHUT_WR);
	while (conns_sum(c->conns).clients > 0) {
		(void)event_base_loop(c->base, EVLOOP_NONBLOCK);
		(void)conversation_read(fd[0], out);
	}
	(void)conversation_read(fd[0], out);
	close(fd[0]);
	if (conns_sum(c->conns).held != 0)
		abort();
}

/*
 * The first byte says into what pieces the rest is cut; the answers must be
 * those that it gets as a whole. They are left in out.
 */
static inline void
conversation_try(
    struct conversation *c, const uint8_t *data, size_t size, struct buf *out)
{
	static struct buf whole;

	buf_clear(&whole);
	buf_clear(out);
	(void)buf_room(&whole, 1);
	(void)buf_room(out, 1);
	conversation_hold(
	    c, (const char *)data + 1, size - 1, CONN_READ, &whole);
	conversation_hold(
	    c, (const char *)data + 1, size - 1, (size_t)data[0] % 61 + 1, out);
	if (whole.len != out->len ||
	    memcmp(whole.data, out->data, out->len) != 0)
		abort();
}

#endif
