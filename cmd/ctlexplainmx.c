#include "ctlexplainmx.h"

#include "buf.h"
#include "clock.h"
#include "ctlexplain.h"
#include "ctlrun.h"
#include "fault.h"
#include "quote.h"

void
ctlexplainmx_print(const struct ctlexplain *x, struct buf *out)
{
	const struct explain *fate = &x->fate;
	const struct step_gateway *g =
	    x->looked->n == 0 ? NULL : &x->looked->step[fate->failed];
	const time_t now = x->run->c.now;
	char when[CLOCK_MAX];

	if (fate->reason == EXPLAIN_NO_DOMAIN) {
		buf_printf(out, "%s %s", x->nexthop, x->mx.none);
		return;
	}
	if (fate->why == EXPLAIN_NEW_FAILED)
		buf_printf(out,
		    "the MX is now %s, where a mail failed at %s with %s",
		    fate->is_new, clock_text(g->failed, now, when),
		    fault_text(g->failed_with));
	else
		buf_printf(out,
		    "the MX is now %s, not looked at since the probe of %s",
		    fate->is_new, clock_text(fate->probed, now, when));
	if (fate->why == EXPLAIN_NEW_QUEUED)
		buf_printf(out, ", and a mail of %s waits: %s",
		    clock_text(x->queued, now, when),
		    quotes(x->queued_reason).s);
	if (fate->why == EXPLAIN_NEW_UNNAMED)
		buf_puts(out, ", and not in the row: it fails unless its "
			      "certificate has an agreed name");
}

json_t *
ctlexplainmx_json(const struct ctlexplain *x)
{
	json_t *list;
	size_t i;

	if (x->mx.n == 0)
		return json_null();
	list = json_array();
	for (i = 0; i < x->mx.n; i++)
		json_array_append_new(list, json_text(x->mx.host[i]));
	return list;
}
