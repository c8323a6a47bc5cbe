#include "sweep.h"

#include "clock.h"
#include "mem.h"
#include "strmap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

struct job {
	struct job *next; /* at the host */
	struct sweep *sweep;
	struct host *host;
	struct starttls_ctx *ctx;
	struct starttls *session; /* once it runs */
	starttls_cb *cb;
	void *arg;
	struct sockaddr_in6 addr; /* or the shorter sockaddr_in */
	socklen_t addrlen;
	char *sni; /* or NULL */
};

/* What is to be done at one address, whatever the port; the first runs. */
struct host {
	struct host *ready_next;
	bool ready; /* is in the ready queue */
	bool running;
	struct job *head, **tail;
	char name[INET6_ADDRSTRLEN];
};

struct sweep {
	struct event_base *base;
	struct event *timer;
	bool timer_set;
	struct sweep_limits limits;
	uint64_t next_us; /* when the next start is due */
	size_t running;
	struct host **host;
	size_t n, cap;
	struct strmap hosts; /* by name */
	struct host *ready, **ready_tail;
};

static void pump(struct sweep *w);

static const char *
host_name(const void *array, uint32_t i)
{
	return ((struct host *const *)array)[i]->name;
}

/* The address without port; IPv4 as itself also where IPv6 wraps it. */
static void
put_name(char name[INET6_ADDRSTRLEN], const struct sockaddr *addr)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6;

	if (addr->sa_family == AF_INET6) {
		memcpy(&v6, addr, sizeof(v6));
		(void)inet_ntop(
		    AF_INET6, &v6.sin6_addr, name, INET6_ADDRSTRLEN);
		if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			return;
		memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], 4);
	} else
		memcpy(&v4, addr, sizeof(v4));
	(void)inet_ntop(AF_INET, &v4.sin_addr, name, INET6_ADDRSTRLEN);
}

static struct host *
find_host(const struct sweep *w, const struct sockaddr *addr)
{
	char name[INET6_ADDRSTRLEN];
	uint32_t i;

	put_name(name, addr);
	i = strmap_find(&w->hosts, w->host, name, strlen(name));
	return i == STRMAP_NONE ? NULL : w->host[i];
}

static struct host *
add_host(struct sweep *w, const struct sockaddr *addr)
{
	struct host *h = mem_zero(1, sizeof(*h));

	put_name(h->name, addr);
	h->tail = &h->head;
	w->host = mem_grow(w->host, w->n, &w->cap, sizeof(struct host *));
	w->host[w->n] = h;
	(void)strmap_add(
	    &w->hosts, w->host, h->name, strlen(h->name), (uint32_t)w->n++);
	return h;
}

/* Put h last in the ready queue, if something can start there. */
static void
host_ready(struct sweep *w, struct host *h)
{
	if (h->ready || h->running || h->head == NULL)
		return;
	h->ready = true;
	h->ready_next = NULL;
	*w->ready_tail = h;
	w->ready_tail = &h->ready_next;
}

static void
job_free(struct job *j)
{
	free(j->sni);
	free(j);
}

static void
on_done(const struct starttls_result *r, void *arg)
{
	struct job *j = arg;
	struct sweep *w = j->sweep;
	struct host *h = j->host;

	h->running = false;
	w->running--;
	if ((h->head = j->next) == NULL)
		h->tail = &h->head;
	host_ready(w, h);
	j->cb(r, j->arg);
	job_free(j);
	pump(w);
}

/*
 * May one start now? next_us runs ahead of the clock by one gap for each
 * start; it may be ahead by burst of them. If not, the timer is set.
 */
static bool
may_start(struct sweep *w)
{
	const struct sweep_limits *l = &w->limits;
	uint64_t now, gap, ahead;
	struct timeval tv;

	if (l->per_second == 0 && l->jitter_ms == 0)
		return true;
	now = clock_ns() / 1000;
	gap = l->per_second == 0 ? 0 : 1000000 / l->per_second;
	ahead = gap * (l->burst > 1 ? l->burst - 1 : 0);
	if (w->next_us > now + ahead) {
		ahead = w->next_us - now - ahead;
		tv.tv_sec = (time_t)(ahead / 1000000);
		tv.tv_usec = (suseconds_t)(ahead % 1000000);
		(void)event_add(w->timer, &tv);
		w->timer_set = true;
		return false;
	}
	if (w->next_us < now)
		w->next_us = now;
	w->next_us += gap;
	if (l->jitter_ms > 0)
		w->next_us +=
		    arc4random_uniform(l->jitter_ms + 1) * (uint64_t)1000;
	return true;
}

/* Start what the limits allow. */
static void
pump(struct sweep *w)
{
	struct host *h;
	struct job *j;

	while ((h = w->ready) != NULL && w->running < w->limits.parallel &&
	       !w->timer_set && may_start(w)) {
		if ((w->ready = h->ready_next) == NULL)
			w->ready_tail = &w->ready;
		h->ready = false;
		h->running = true;
		w->running++;
		j = h->head;
		j->session = starttls_start(w->base, j->ctx,
		    (const struct sockaddr *)&j->addr, j->addrlen, j->sni,
		    on_done, j);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sweep *w = arg;

	(void)fd;
	(void)what;
	w->timer_set = false;
	pump(w);
}

struct sweep *
sweep_new(struct event_base *base, const struct sweep_limits *limits)
{
	struct sweep *w = mem_zero(1, sizeof(*w));

	w->base = base;
	w->limits = *limits;
	if (w->limits.parallel == 0)
		w->limits.parallel = 1;
	strmap_init(&w->hosts, host_name);
	w->ready_tail = &w->ready;
	w->timer = event_new(base, -1, 0, on_timer, w);
	return w;
}

void
sweep_add(struct sweep *w, struct starttls_ctx *ctx,
    const struct sockaddr *addr, socklen_t addrlen, const char *sni,
    starttls_cb *cb, void *arg)
{
	struct host *h = find_host(w, addr);
	struct job *j = mem_zero(1, sizeof(*j));

	if (h == NULL)
		h = add_host(w, addr);
	j->sweep = w;
	j->host = h;
	j->ctx = ctx;
	j->cb = cb;
	j->arg = arg;
	j->addrlen = addrlen > sizeof(j->addr) ? sizeof(j->addr) : addrlen;
	memcpy(&j->addr, addr, j->addrlen);
	if (sni != NULL)
		j->sni = mem_dup(sni);
	*h->tail = j;
	h->tail = &j->next;
	host_ready(w, h);
	pump(w);
}

void *
sweep_find(const struct sweep *w, const struct starttls_ctx *ctx,
    const struct sockaddr *addr, socklen_t addrlen, const char *sni)
{
	const struct host *h = find_host(w, addr);
	const struct job *j;

	for (j = h == NULL ? NULL : h->head; j != NULL; j = j->next)
		if (j->ctx == ctx && j->addrlen == addrlen &&
		    memcmp(&j->addr, addr, addrlen) == 0 &&
		    strcmp(j->sni == NULL ? "" : j->sni,
			sni == NULL ? "" : sni) == 0)
			return j->arg;
	return NULL;
}

size_t
sweep_running(const struct sweep *w)
{
	return w->running;
}

void
sweep_free(struct sweep *w)
{
	struct job *j;
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->n; i++) {
		if (w->host[i]->running)
			starttls_cancel(w->host[i]->head->session);
		while ((j = w->host[i]->head) != NULL) {
			w->host[i]->head = j->next;
			job_free(j);
		}
		free(w->host[i]);
	}
	free(w->host);
	strmap_free(&w->hosts);
	event_free(w->timer);
	free(w);
}
