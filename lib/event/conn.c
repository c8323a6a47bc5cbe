#include "conn.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "logline.h"
#include "clock.h"
#include "mem.h"

#define SECOND UINT64_C(1000000000)

const struct conn_bucket conn_buckets[CONN_BUCKETS] = {
    {5000, "0.000005"},
    {10000, "0.00001"},
    {25000, "0.000025"},
    {50000, "0.00005"},
    {100000, "0.0001"},
    {250000, "0.00025"},
    {500000, "0.0005"},
    {1000000, "0.001"},
    {5000000, "0.005"},
    {20000000, "0.02"},
    {100000000, "0.1"},
    {1000000000, "1"},
    {UINT64_MAX, "+Inf"},
};

/* Bytes that wait; at is how far they have been used. */
struct held {
	char *data;
	size_t at, len;
};

struct conn {
	struct event ev;
	struct conns *all;
	struct conn_protocol *protocol;
	TAILQ_ENTRY(conn) link;
	TAILQ_ENTRY(conn) waiting; /* in the order of since */
	uint64_t since;		   /* 0: nothing is half done */
	struct held in, out;
	int fd;
	bool writing; /* ev waits for writing */
	bool ending;  /* close once all is written */
	max_align_t state[];
};

TAILQ_HEAD(conn_list, conn);

struct source {
	struct conn_source from;
	struct event *ev;
	struct conns *all;
};

struct conns {
	struct event_base *base;
	struct event tick;
	struct source source[CONN_LISTENERS];
	size_t nsources;
	bool paused; /* nobody is taken: there is no room */
	uint64_t accepted;
	struct logline_limit closed, crowded;
	size_t n, max;
	size_t held;
	uint64_t patience; /* nanoseconds */
	struct conn_list list, waiting;
	struct buf answers; /* of the client being served */
	bool draining;
	char bytes[CONN_REQUEST_MAX + CONN_READ];
};

/* There may be room again. */
static void
resume(struct conns *cs)
{
	size_t i;

	if (!cs->paused || cs->n >= cs->max)
		return;
	cs->paused = false;
	for (i = 0; i < cs->nsources; i++)
		(void)event_add(cs->source[i].ev, NULL);
}

/* Keep len bytes, which may be a part of what is kept already. */
static void
hold(struct conn *c, struct held *h, const char *data, size_t len)
{
	char *old = h->data;

	c->all->held -= h->len;
	*h = (struct held){0};
	if (len > 0) {
		h->data = mem_alloc(len);
		memcpy(h->data, data, len);
		h->len = len;
		c->all->held += len;
	}
	free(old);
}

static void
close_conn(struct conn *c)
{
	struct conns *cs = c->all;

	(void)event_del(&c->ev);
	close(c->fd);
	if (c->since != 0)
		TAILQ_REMOVE(&cs->waiting, c, waiting);
	TAILQ_REMOVE(&cs->list, c, link);
	cs->held -= c->in.len + c->out.len;
	if (c->protocol->closed != NULL)
		c->protocol->closed(c->protocol->arg, c->state);
	free(c->in.data);
	free(c->out.data);
	free(c);
	cs->n--;
	resume(cs);
}

static void
complain(const struct conn *c, const char *why)
{
	if (logline_may(&c->all->closed, "clients"))
		logline(LOGLINE_WARNING, "%s: client closed: %s",
		    c->protocol->name, why);
}

/* Something is half done since now, or nothing is. */
static void
set_waiting(struct conn *c, uint64_t since)
{
	if (c->since != 0)
		TAILQ_REMOVE(&c->all->waiting, c, waiting);
	c->since = since;
	if (since != 0)
		TAILQ_INSERT_TAIL(&c->all->waiting, c, waiting);
}

/* Too much is held: close whoever waits longest, but not c itself. */
static void
make_room(struct conn *c)
{
	struct conns *cs = c->all;
	struct conn *first;

	while (cs->held > CONN_HELD_MAX &&
	       (first = TAILQ_FIRST(&cs->waiting)) != NULL && first != c) {
		first->protocol->timeouts++;
		complain(first, "closed to make room: too many requests half "
				"sent or answers unread");
		close_conn(first);
	}
}

static void on_event(evutil_socket_t fd, short what, void *arg);

static void
watch(struct conn *c, bool writing)
{
	if (c->writing == writing)
		return;
	c->writing = writing;
	(void)event_del(&c->ev);
	(void)event_assign(&c->ev, c->all->base, c->fd,
	    (short)((writing ? EV_WRITE : EV_READ) | EV_PERSIST), on_event, c);
	(void)event_add(&c->ev, NULL);
}

/*
 * Write the answers gathered, and keep what the client does not take.
 * False if the client is gone.
 */
static bool
write_answers(struct conn *c)
{
	struct buf *b = &c->all->answers;
	ssize_t n = 0;

	if (b->len == 0)
		return true;
	n = send(c->fd, b->data, b->len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return false;
	if (n < 0)
		n = 0;
	if ((size_t)n < b->len)
		hold(c, &c->out, b->data + n, b->len - (size_t)n);
	buf_clear(b);
	return true;
}

/* n requests took that long together, and so each of them, seen outside. */
static void
count_latency(struct conn_latency *l, uint64_t nanoseconds, uint64_t n)
{
	unsigned i = 0;

	while (nanoseconds > conn_buckets[i].le)
		i++;
	l->count[i] += n;
	l->n += n;
	l->sum += nanoseconds * n;
}

/*
 * Take requests from the len bytes at data and answer them; what cannot be
 * taken yet is kept. Closes c or leaves it in good order.
 */
static void
serve(struct conn *c, const char *data, size_t len, uint64_t began)
{
	struct conns *cs = c->all;
	struct conn_protocol *p = c->protocol;
	struct conn_input in = {.data = data, .len = len};
	enum conn_take rc = CONN_TOOK;
	uint64_t took = 0, now;
	bool alive = true;

	buf_clear(&cs->answers);
	while (alive && in.len > 0 && c->out.len == 0) {
		rc = p->take(p->arg, c->state, &in, &cs->answers);
		if (rc != CONN_TOOK)
			break;
		took++;
		in.data += in.used;
		in.len -= in.used;
		if (cs->answers.len >= CONN_ANSWERS_MAX)
			alive = write_answers(c);
	}
	alive = alive && write_answers(c);
	now = clock_ns();
	if (took > 0)
		count_latency(&p->latency, now - began, took);
	if (rc == CONN_MORE && in.len >= p->request_max) {
		in.why = "a request that is too long";
		rc = CONN_BREACH;
	}
	if (alive && rc == CONN_BREACH) {
		p->breaches++;
		complain(c, in.why);
		/* The answers to what came before are still due. */
		in.len = 0;
		c->ending = true;
	}
	if (!alive ||
	    (c->out.len == 0 && in.len == 0 && (c->ending || cs->draining))) {
		close_conn(c);
		return;
	}
	if (in.len > 0 || c->in.len > 0)
		hold(c, &c->in, in.data, in.len);
	if (c->in.len == 0 && c->out.len == 0)
		set_waiting(c, 0);
	else if (took > 0 || c->since == 0)
		set_waiting(c, now);
	watch(c, c->out.len > 0);
	/* While all are being ended, nobody else may go under its feet. */
	if (!cs->draining)
		make_room(c);
}

static void
flush(struct conn *c)
{
	struct held *h = &c->out;
	uint64_t now = clock_ns();
	ssize_t n;
	char *in;
	size_t len;

	n = send(c->fd, h->data + h->at, h->len - h->at, MSG_NOSIGNAL);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		close_conn(c);
		return;
	}
	h->at += (size_t)n;
	set_waiting(c, now);
	if (h->at < h->len)
		return;
	hold(c, h, NULL, 0);
	if (c->ending) {
		close_conn(c);
		return;
	}
	/* Requests that came while the answers were stuck. */
	in = c->in.data;
	len = c->in.len;
	c->all->held -= len;
	c->in = (struct held){0};
	serve(c, in == NULL ? "" : in, len, now);
	free(in);
}

/* Read once and serve; false if there was nothing to read. */
static bool
read_and_serve(struct conn *c)
{
	struct conns *cs = c->all;
	uint64_t began = clock_ns();
	size_t have = c->in.len;
	ssize_t n;

	if (have > 0)
		memcpy(cs->bytes, c->in.data, have);
	n = recv(c->fd, cs->bytes + have, CONN_READ, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		close_conn(c);
		return true;
	}
	serve(c, cs->bytes, have + (size_t)n, began);
	return true;
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (what & EV_WRITE)
		flush(c);
	else
		(void)read_and_serve(c);
}

void
conns_add(struct conns *cs, int fd, struct conn_protocol *p)
{
	struct conn *c;

	c = mem_zero(1, sizeof(*c) + p->state_size);
	c->all = cs;
	c->fd = fd;
	c->protocol = p;
	TAILQ_INSERT_TAIL(&cs->list, c, link);
	cs->n++;
	(void)event_assign(
	    &c->ev, cs->base, fd, EV_READ | EV_PERSIST, on_event, c);
	(void)event_add(&c->ev, NULL);
}

static void
pause_all(struct conns *cs, const char *why)
{
	size_t i;

	if (logline_may(&cs->crowded, "clients that wait"))
		logline(LOGLINE_WARNING, "%zu clients; others have to wait: %s",
		    cs->n, why);
	cs->paused = true;
	for (i = 0; i < cs->nsources; i++)
		(void)event_del(cs->source[i].ev);
}

/* The next client, or -1 with errno set (EAGAIN: nobody waits). */
static int
accept_from(const struct listener *l)
{
	const int on = 1;
	/* cppcheck-suppress nullPointer ; the address is not asked for */
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd != -1 && l->inet)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
take_clients(struct source *s)
{
	struct conns *cs = s->all;
	int n, fd;

	for (n = 0; n < CONN_BATCH; n++) {
		if (cs->n >= cs->max) {
			pause_all(cs, "max_clients are there");
			return;
		}
		fd = accept_from(&s->from.listener);
		if (fd == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				pause_all(cs, strerror(errno));
			return;
		}
		cs->accepted++;
		conns_add(cs, fd, s->from.protocol);
	}
}

static void
on_client(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_clients(arg);
}

/* Each second: close those that have been waited for too long. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct conns *cs = arg;
	uint64_t now = clock_ns();
	struct conn *c;

	(void)fd;
	(void)what;
	while ((c = TAILQ_FIRST(&cs->waiting)) != NULL &&
	       now - c->since > cs->patience) {
		c->protocol->timeouts++;
		complain(c, c->out.len > 0 ? "an answer was not read"
					   : "a request was not finished");
		close_conn(c);
	}
	resume(cs);
}

struct conns *
conns_new(struct event_base *base, const struct conn_source *from, size_t n,
    size_t max, uint64_t patience)
{
	static const struct timeval second = {.tv_sec = 1};
	struct conns *cs = mem_zero(1, sizeof(*cs));
	struct source *s;

	cs->base = base;
	cs->max = max;
	cs->patience = patience * SECOND;
	TAILQ_INIT(&cs->list);
	TAILQ_INIT(&cs->waiting);
	(void)event_assign(&cs->tick, base, -1, EV_PERSIST, on_tick, cs);
	(void)event_add(&cs->tick, &second);
	for (; cs->nsources < n; cs->nsources++) {
		s = &cs->source[cs->nsources];
		*s = (struct source){.from = from[cs->nsources], .all = cs};
		s->ev = event_new(base, s->from.listener.fd,
		    EV_READ | EV_PERSIST, on_client, s);
		(void)event_add(s->ev, NULL);
	}
	return cs;
}

/* Take nobody any more; before that, if so asked, those who wait. */
static void
close_sources(struct conns *cs, bool take)
{
	size_t i;

	/* Who waits in a queue of systemd's is for the next of us. */
	for (i = 0; take && i < cs->nsources; i++)
		if (!cs->source[i].from.listener.inherited)
			take_clients(&cs->source[i]);
	for (i = 0; i < cs->nsources; i++) {
		event_free(cs->source[i].ev);
		listener_close(&cs->source[i].from.listener);
	}
	cs->nsources = 0;
	cs->paused = false;
}

struct conns_sum
conns_sum(const struct conns *cs)
{
	return (struct conns_sum){
	    .clients = cs->n, .held = cs->held, .accepted = cs->accepted};
}

void
conns_drain(struct conns *cs)
{
	struct conn *c, *next;

	close_sources(cs, true);
	cs->draining = true;
	for (c = TAILQ_FIRST(&cs->list); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->since != 0)
			continue;
		/*
		 * From here on it cannot send; what it has sent is answered,
		 * so that it sees a clean end of file and asks again.
		 */
		(void)shutdown(c->fd, SHUT_RD);
		if (!read_and_serve(c))
			close_conn(c);
	}
}

void
conns_free(struct conns *cs)
{
	struct conn *c;

	if (cs == NULL)
		return;
	(void)event_del(&cs->tick);
	close_sources(cs, false);
	while ((c = TAILQ_FIRST(&cs->list)) != NULL)
		close_conn(c);
	buf_free(&cs->answers);
	free(cs);
}
