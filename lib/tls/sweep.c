#include "sweep.h"

#include "mem.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#define BUCKETS 1024 /* a power of two */

struct job {
	struct job *next; /* in the host's queue */
	struct job *run_next, *run_prev;
	struct sweep *sweep;
	struct host *host;
	struct starttls_ctx *ctx;
	struct starttls *session;
	starttls_cb *cb;
	void *arg;
	struct sockaddr_in6 addr; /* or the shorter sockaddr_in */
	socklen_t addrlen;
	bool has_sni;
	char sni[];
};

/* What is to be done at one address; gone when there is nothing more. */
struct host {
	struct host *next; /* in the bucket */
	struct host *ready_next;
	bool ready; /* is in the ready queue */
	unsigned running;
	struct job *head, **tail;
	unsigned char key[16];
};

struct sweep {
	struct event_base *base;
	struct event *timer;
	bool timer_set;
	struct sweep_limits limits;
	sweep_idle_cb *idle;
	void *arg;
	uint64_t next_us; /* when the next start is due */
	size_t waiting;
	size_t running;
	struct job *run; /* all that run */
	struct host *ready, **ready_tail;
	struct host *buckets[BUCKETS];
};

static void pump(struct sweep *w);

static uint64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The address without port; IPv4 as IPv6 writes it. */
static void
make_key(unsigned char key[16], const struct sockaddr *addr)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(key, 0, 16);
	if (addr->sa_family == AF_INET6) {
		memcpy(&v6, addr, sizeof(v6));
		memcpy(key, &v6.sin6_addr, 16);
	} else if (addr->sa_family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &v4.sin_addr, 4);
	}
}

static struct host **
bucket_of(struct sweep *w, const unsigned char key[16])
{
	uint32_t h = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < 16; i++)
		h = (h ^ key[i]) * 16777619u;
	return &w->buckets[(h ^ h >> 16) & (BUCKETS - 1)];
}

static struct host *
host_get(struct sweep *w, const struct sockaddr *addr)
{
	unsigned char key[16];
	struct host **bucket, *h;

	make_key(key, addr);
	bucket = bucket_of(w, key);
	for (h = *bucket; h != NULL; h = h->next)
		if (memcmp(h->key, key, sizeof(key)) == 0)
			return h;
	h = mem_zero(1, sizeof(*h));
	memcpy(h->key, key, sizeof(key));
	h->tail = &h->head;
	h->next = *bucket;
	*bucket = h;
	return h;
}

static void
host_drop_if_done(struct sweep *w, struct host *h)
{
	struct host **p;

	if (h->running > 0 || h->head != NULL)
		return;
	for (p = bucket_of(w, h->key); *p != h; p = &(*p)->next)
		;
	*p = h->next;
	free(h);
}

/* Put h last in the ready queue, if something can start there. */
static void
host_ready(struct sweep *w, struct host *h)
{
	if (h->ready || h->head == NULL || h->running >= w->limits.per_address)
		return;
	h->ready = true;
	h->ready_next = NULL;
	*w->ready_tail = h;
	w->ready_tail = &h->ready_next;
}

static struct job *
take_job(struct sweep *w)
{
	struct host *h = w->ready;
	struct job *j = h->head;

	w->ready = h->ready_next;
	if (w->ready == NULL)
		w->ready_tail = &w->ready;
	h->ready = false;
	h->head = j->next;
	if (h->head == NULL)
		h->tail = &h->head;
	h->running++;
	host_ready(w, h);
	w->waiting--;
	return j;
}

static void
link_running(struct sweep *w, struct job *j)
{
	j->run_prev = NULL;
	j->run_next = w->run;
	if (w->run != NULL)
		w->run->run_prev = j;
	w->run = j;
	w->running++;
}

static void
unlink_running(struct sweep *w, struct job *j)
{
	if (j->run_next != NULL)
		j->run_next->run_prev = j->run_prev;
	if (j->run_prev != NULL)
		j->run_prev->run_next = j->run_next;
	else
		w->run = j->run_next;
	w->running--;
}

static void
on_done(const struct starttls_result *r, void *arg)
{
	struct job *j = arg;
	struct sweep *w = j->sweep;

	unlink_running(w, j);
	j->host->running--;
	host_ready(w, j->host);
	host_drop_if_done(w, j->host);
	j->cb(r, j->arg);
	free(j);
	pump(w);
	if (w->running == 0 && w->waiting == 0 && w->idle != NULL)
		w->idle(w->arg); /* w may be gone now */
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
	now = now_us();
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
	struct job *j;

	while (w->ready != NULL && w->running < w->limits.parallel &&
	       !w->timer_set && may_start(w)) {
		j = take_job(w);
		link_running(w, j);
		j->session = starttls_start(w->base, j->ctx,
		    (const struct sockaddr *)&j->addr, j->addrlen,
		    j->has_sni ? j->sni : NULL, on_done, j);
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
sweep_new(struct event_base *base, const struct sweep_limits *limits,
    sweep_idle_cb *idle, void *arg)
{
	struct sweep *w = mem_zero(1, sizeof(*w));

	w->base = base;
	w->limits = *limits;
	if (w->limits.parallel == 0)
		w->limits.parallel = 1;
	if (w->limits.per_address == 0)
		w->limits.per_address = 1;
	w->idle = idle;
	w->arg = arg;
	w->ready_tail = &w->ready;
	w->timer = event_new(base, -1, 0, on_timer, w);
	return w;
}

void
sweep_add(struct sweep *w, struct starttls_ctx *ctx,
    const struct sockaddr *addr, socklen_t addrlen, const char *sni,
    starttls_cb *cb, void *arg)
{
	size_t len = sni == NULL ? 0 : strlen(sni);
	struct job *j = mem_zero(1, sizeof(*j) + len + 1);

	j->sweep = w;
	j->ctx = ctx;
	j->cb = cb;
	j->arg = arg;
	j->addrlen = addrlen > sizeof(j->addr) ? sizeof(j->addr) : addrlen;
	memcpy(&j->addr, addr, j->addrlen);
	j->has_sni = sni != NULL;
	if (sni != NULL)
		memcpy(j->sni, sni, len);
	j->host = host_get(w, addr);
	*j->host->tail = j;
	j->host->tail = &j->next;
	w->waiting++;
	host_ready(w, j->host);
	pump(w);
}

size_t
sweep_waiting(const struct sweep *w)
{
	return w->waiting;
}

size_t
sweep_running(const struct sweep *w)
{
	return w->running;
}

void
sweep_free(struct sweep *w)
{
	struct host *h;
	struct job *j;
	size_t i;

	if (w == NULL)
		return;
	while ((j = w->run) != NULL) {
		w->run = j->run_next;
		starttls_cancel(j->session);
		free(j);
	}
	for (i = 0; i < BUCKETS; i++)
		while ((h = w->buckets[i]) != NULL) {
			w->buckets[i] = h->next;
			while ((j = h->head) != NULL) {
				h->head = j->next;
				free(j);
			}
			free(h);
		}
	event_free(w->timer);
	free(w);
}
