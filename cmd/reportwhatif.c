#include "reportwhatif.h"

#include <string.h>

#include "buf.h"
#include "json.h"
#include "num.h"
#include "whatif.h"

#define SCHEMA "tlspact.report.what-if.v1"

void
reportwhatif_text(const struct whatif *w, struct buf *out)
{
	const struct whatif_partner *p;
	const char *between;
	size_t i;
	int f;

	buf_printf(out,
	    "%s mail%s of %s partner%s of %s would have waited; of %s it is "
	    "not "
	    "known\n",
	    num_count(w->waits).s, num_plural(w->waits),
	    num_count(w->waiting).s, num_plural(w->waiting),
	    num_count(w->mails).s, num_count(w->unknown).s);
	if (w->waits + w->unknown > 0)
		buf_printf(out, "\n%-24s %10s %10s %10s  %s\n", "PARTNER",
		    "MAILS", "WAIT", "NOT KNOWN", "WHY");
	for (i = 0; i < w->n; i++) {
		p = &w->v[i];
		if (p->waits + p->unknown == 0)
			continue;
		buf_printf(out, "%-24s %10s %10s %10s", p->name,
		    num_count(p->mails).s, num_count(p->waits).s,
		    num_count(p->unknown).s);
		between = "  ";
		for (f = 0; f < FAULT_COUNT; f++)
			if (p->why[f] > 0) {
				buf_printf(out, "%s%s", between,
				    fault_text((enum fault)f));
				between = ", ";
			}
		buf_putc(out, '\n');
	}
}

void
reportwhatif_json(const struct whatif *w, struct buf *out)
{
	json_t *list = json_array(), *why;
	const struct whatif_partner *p;
	size_t i;
	int f;

	for (i = 0; i < w->n; i++) {
		p = &w->v[i];
		why = json_object();
		for (f = 0; f < FAULT_COUNT; f++)
			if (p->why[f] > 0)
				json_object_set_new(why,
				    fault_text((enum fault)f),
				    json_integer((json_int_t)p->why[f]));
		json_array_append_new(
		    list, json_pack("{s:s, s:I, s:I, s:I, s:o}", "partner",
			      p->name, "mails", (json_int_t)p->mails,
			      "would_wait", (json_int_t)p->waits, "not_known",
			      (json_int_t)p->unknown, "why", why));
	}
	json_put(
	    json_pack("{s:s, s:I, s:I, s:I, s:o}", "schema", SCHEMA, "mails",
		(json_int_t)w->mails, "would_wait", (json_int_t)w->waits,
		"not_known", (json_int_t)w->unknown, "partners", list),
	    out);
}
