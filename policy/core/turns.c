#include "turns.h"

#include <jansson.h>

#include "buf.h"

struct turns
turns_of(unsigned history, unsigned looks, enum fault fault)
{
	struct turns t = {.looks = looks, .fault = fault};
	unsigned i, runs = 0;
	bool bad, before = false;

	for (i = 0; i < looks && i < TURNS_LOOKS; i++, before = bad) {
		bad = (history >> i & 1) != 0;
		t.bad += bad;
		runs += bad && !before;
	}
	t.on = runs > 1;
	return t;
}

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
