#include "ctlown.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* A file that is shown as server and as client is told of once. */
static void
take(struct ctlown *o)
{
	const struct own_item *x;
	size_t i, j;

	o->v = mem_zero(o->own.n + 1, sizeof(*o->v));
	for (i = 0; i < o->own.n; i++) {
		x = &o->own.v[i];
		/* What is no file is none that is there, or names a table. */
		if (*x->name != '/')
			continue;
		for (j = 0; j < o->n; j++)
			if (strcmp(o->v[j].name, x->name) == 0 &&
			    o->v[j].ends == x->ends)
				break;
		if (j == o->n)
			o->v[o->n++] = (struct checkup_own){.what = x->what,
			    .name = x->name,
			    .begins = x->begins,
			    .ends = x->ends,
			    .fault = x->ends != 0 ? NULL : x->text,
			    .bad = x->state == OWN_BAD};
	}
}

void
ctlown_look(struct ctlown *o, const struct postconf *c, time_t now)
{
	*o = (struct ctlown){0};
	own_certificates(&o->own, c, now, &o->found);
	take(o);
}

void
ctlown_release(struct ctlown *o)
{
	own_release(&o->own);
	findings_release(&o->found);
	free(o->v);
	*o = (struct ctlown){0};
}
