#include "logproc.h"

#include <stdlib.h>

#include "logprefix.h"
#include "mem.h"

void
logprocs_init(struct logprocs *t)
{
	*t = (struct logprocs){0};
	t->v = mem_zero(LOGPROC_MAX, sizeof(*t->v));
	t->key = mem_zero(LOGPROC_MAX, sizeof(*t->key));
}

void
logprocs_free(struct logprocs *t)
{
	size_t i;

	for (i = 0; t->v != NULL && i < LOGPROC_MAX; i++)
		free(t->v[i].missed);
	free(t->v);
	free(t->key);
	t->v = NULL;
	t->key = NULL;
}

uint64_t
logproc_hash(uint64_t h, const char *s, size_t n)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t v;

	h = (h ^ n) * k;
	for (; n >= 8; s += 8, n -= 8) {
		memcpy(&v, s, 8);
		h = (h ^ v) * k;
		h ^= h >> 29;
	}
	v = 0;
	if (n > 0)
		memcpy(&v, s, n);
	h = (h ^ v) * k;
	h ^= h >> 32;
	return h == 0 ? 1 : h;
}

static uint64_t
key_of(const struct logprefix *p)
{
	uint64_t h = logproc_hash(p->pid, p->tag.p, p->tag.n);

	return logproc_hash(h, p->host.p, p->host.n);
}

/* Index of the first process of the place where the key belongs. */
static size_t
place(uint64_t key)
{
	/* The hash ends in a shift: its upper bits are the better ones. */
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
	       (LOGPROC_MAX / LOGPROC_WAYS) * LOGPROC_WAYS;
}

static struct logproc *
find(struct logprocs *t, uint64_t key)
{
	size_t i = place(key), end = i + LOGPROC_WAYS;

	for (; i < end; i++)
		if (t->key[i] == key) {
			t->v[i].used = ++t->clock;
			return &t->v[i];
		}
	return NULL;
}

struct logproc *
logprocs_find(struct logprocs *t, const struct logprefix *p)
{
	return find(t, key_of(p));
}

struct logproc *
logprocs_get(struct logprocs *t, const struct logprefix *p, uint32_t *evicted)
{
	uint64_t key = key_of(p);
	struct logproc *v = find(t, key);
	size_t i, oldest = place(key), end = oldest + LOGPROC_WAYS;

	*evicted = LOGPROC_NONE;
	if (v != NULL)
		return v;
	for (i = oldest + 1; i < end; i++)
		if (t->v[i].used < t->v[oldest].used)
			oldest = i;
	v = &t->v[oldest];
	if (t->key[oldest] != 0) {
		*evicted = v->waiting;
		free(v->missed);
		t->evicted++;
	}
	memset(v, 0, sizeof(*v));
	t->key[oldest] = key;
	v->used = ++t->clock;
	v->waiting = LOGPROC_NONE;
	return v;
}

void
logproc_peer_set(struct logproc_peer *to, const struct logtext_peer *p)
{
	to->nhost = (uint16_t)(p->host.n < sizeof(to->host) ? p->host.n
							    : sizeof(to->host));
	to->naddress =
	    logproc_keep(to->address, sizeof(to->address), p->address);
	to->port = (uint16_t)p->port;
	if (to->nhost > 0)
		memcpy(to->host, p->host.p, to->nhost);
}

struct logtext_peer
logproc_peer_get(const struct logproc_peer *p)
{
	return (struct logtext_peer){.host = {p->host, p->nhost},
	    .address = {p->address, p->naddress},
	    .port = p->port};
}

bool
logproc_peer_same(const struct logproc_peer *a, const struct logtext_peer *b)
{
	struct span host = b->host;

	if (host.n > sizeof(a->host))
		host.n = sizeof(a->host);
	if (a->nhost != host.n ||
	    (host.n > 0 && strncasecmp(a->host, host.p, host.n) != 0))
		return false;
	/* Old versions leave out the address, or the port. */
	if (a->naddress > 0 && b->address.n > 0 &&
	    !span_same(logproc_peer_get(a).address, b->address))
		return false;
	return a->port == 0 || b->port == 0 || a->port == b->port;
}

uint8_t
logproc_keep(char *to, size_t size, struct span s)
{
	if (s.n > size)
		s.n = size;
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return (uint8_t)s.n;
}
