#include "ends.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "registry.h"
#include "report.h"

static void
add(struct ends *out, struct end e)
{
	out->v = mem_grow(out->v, out->n, &out->cap, sizeof(*out->v));
	out->v[out->n++] = e;
}

/* Of several addresses of a host with the same end it is told once. */
static int
compare(const void *a, const void *b)
{
	const struct end *x = a, *y = b;
	int rv = 0;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	if ((rv = strcmp(x->partner, y->partner)) == 0)
		rv = strcmp(x->of, y->of);
	return rv != 0 ? rv : (x->id > y->id) - (x->id < y->id);
}

static void
sort(struct ends *out)
{
	size_t i, n = 0;

	if (out->n == 0)
		return;
	qsort(out->v, out->n, sizeof(*out->v), compare);
	for (i = 0; i < out->n; i++)
		if (n == 0 || compare(&out->v[n - 1], &out->v[i]) != 0)
			out->v[n++] = out->v[i];
	out->n = n;
}

void
ends_of(const struct report *r, struct ends *out)
{
	const struct report_gateway *w;
	const struct partner *p;
	size_t i;

	*out = (struct ends){0};
	for (i = 0; i < r->ndowngrades; i++)
		if (r->downgrade[i].open)
			add(out,
			    (struct end){END_DOWNGRADE, 0, r->downgrade[i].end,
				r->downgrade[i].partner,
				direction_lowered_to(r->downgrade[i].direction,
				    r->downgrade[i].after),
				r->downgrade[i].id});
	for (i = 0; i < r->ngateways; i++) {
		w = &r->gateway[i];
		if (w->ends != 0 && w->begins != 0)
			add(out,
			    (struct end){END_CERTIFICATE, w->begins, w->ends,
				w->partner,
				*w->host == '\0' ? w->nexthop : w->host, 0});
	}
	for (i = 0; i < r->nown; i++)
		if (r->own[i].ends != 0)
			add(out, (struct end){END_OWN, r->own[i].begins,
				     r->own[i].ends, "", r->own[i].name, 0});
	for (i = 0; i < r->npartners; i++) {
		p = r->partner[i].p;
		if (p != NULL && p->attributes->review != 0)
			add(out,
			    (struct end){END_REVIEW, 0, p->attributes->review,
				r->partner[i].name, "", 0});
	}
	sort(out);
}

void
ends_release(struct ends *e)
{
	free(e->v);
}
