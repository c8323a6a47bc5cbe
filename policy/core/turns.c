#include "turns.h"

#include <jansson.h>

#include "buf.h"

void
turns_text(const struct turns *t, struct buf *out)
{
	if (t->on)
		buf_printf(out, "by turns: %u of the last %u looks %s", t->bad,
		    t->looks, fault_text(t->fault));
}

struct json_t *
turns_json(const struct turns *t)
{
	return t->on
		   ? json_pack("{s:s, s:i, s:i}", "fault", fault_text(t->fault),
			 "failed", (int)t->bad, "looks", (int)t->looks)
		   : json_null();
}
