#include "mapguard.h"

#include "ledger_downgrade.h"
#include "maptable.h"

void
mapguard_ask(struct mapguard *g, const struct registry *r, struct cdbmap *live,
    const struct target *t, const char *max, time_t now)
{
	const struct downgrades none = {0};

	*g = (struct mapguard){0};
	compile(r, &none, now, t, &g->compiled, &g->diags);
	if (g->diags.errors > 0)
		return;
	mapchanges(&g->changes, live, &g->compiled.table, false);
	g->refused = mapchanges_too_much(&g->changes, max, &g->allowed);
}

void
mapguard_release(struct mapguard *g)
{
	mapchanges_release(&g->changes);
	maptable_release(&g->compiled.table);
	diag_free(&g->diags);
}
