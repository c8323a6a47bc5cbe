#include "mapback.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "ledger_downgrade.h"
#include "mapholds.h"
#include "registry.h"
#include "registry_keep.h"

#define NAMED 3

struct back {
	time_t now;
	size_t *n;
	struct buf *out;
};

/* The newest one of a partner. */
static bool
take(const struct ledger_downgrade *d, void *arg)
{
	struct back *b = arg;
	char until[CLOCK_MAX];

	if (d->closed == 0 || d->end <= b->now ||
	    strcmp(d->closed_why, MAPHOLDS_LEFT) != 0)
		return false;
	if ((*b->n)++ < NAMED)
		buf_printf(b->out, "%s%s (to %s until %s)",
		    *b->n == 1 ? "" : ", ", d->partner,
		    direction_lowered_to(d->direction, d->after),
		    clock_text(d->end, b->now, until));
	return false;
}

int
mapback_print(struct ledger *l, const struct registry *r,
    const struct registry *before, time_t now, size_t *n, struct buf *out,
    struct err *e)
{
	struct back b = {.now = now, .n = n, .out = out};
	bool *is_new = registry_missing(before, r);
	uint32_t i;
	int rv = 0;

	*n = 0;
	for (i = 0; i < r->npartners && rv == 0; i++)
		if (is_new[i])
			rv = ledger_downgrades(
			    l, r->partner[i].name, 0, take, &b, e);
	if (*n > NAMED)
		buf_printf(out, " and %zu more", *n - NAMED);
	free(is_new);
	return rv;
}
