#include "proberefused.h"

#include <string.h>

#include "arena.h"
#include "evidence_log.h"

struct looking {
	struct proberefused *r;
	struct arena *arena;
};

static const char *
keep(struct looking *k, const char *s)
{
	return arena_copy(k->arena, s, strlen(s));
}

static bool
take(const struct evidence_failure *x, void *arg)
{
	struct looking *k = arg;

	if (x->direction != EVIDENCE_IN)
		return true;
	k->r->at = x->time;
	k->r->fault = keep(k, x->fault);
	k->r->host = keep(k, x->host);
	k->r->address = keep(k, x->address);
	return true;
}

static bool
take_received(const char *partner, time_t last, void *arg)
{
	struct proberefused *r = arg;

	(void)partner;
	if (last > r->at)
		r->at = 0;
	return true;
}

int
proberefused_find(struct proberefused *r, struct evidence *v, time_t since,
    struct arena *a, struct err *e)
{
	struct looking k = {.r = r, .arena = a};

	r->at = 0;
	if (evidence_last_failures(v, r->partner, since, take, &k, e) == -1)
		return -1;
	return r->at == 0
		   ? 0
		   : evidence_received(v, r->partner, take_received, r, e);
}
