#include "reading.h"

time_t
report_over(const struct ledger_downgrade *d)
{
	return d->closed != 0 && d->closed < d->end ? d->closed : d->end;
}
