#include "checkupend.h"

#include "buf.h"
#include "checkup.h"
#include "life.h"
#include "num.h"

void
checkup_put_end(struct buf *out, time_t end, time_t now)
{
	const long days = life_days(end, now);

	if (days < 0)
		buf_printf(out, "ended %ld day%s ago", -days,
		    num_plural((uint64_t)-days));
	else
		buf_printf(
		    out, "ends in %ld day%s", days, num_plural((uint64_t)days));
}

time_t
checkup_own_end(const struct checkup_facts *f)
{
	const struct checkup_own *x;
	time_t first = 0;

	for (x = f->own; f->nown > 0 && x < f->own + f->nown; x++)
		if (x->ends != 0 && (first == 0 || x->ends < first))
			first = x->ends;
	return first;
}

void
checkup_put_own(const struct checkup_facts *f, struct buf *out)
{
	const time_t first = checkup_own_end(f);
	long days;

	if (first == 0)
		return;
	days = life_days(first, f->now);
	buf_printf(
	    out, "; ours in %ld day%s", days, num_plural((uint64_t)days));
}
