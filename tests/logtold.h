/*
 * logtold.h: what is told of a delivery fits the evidence, and lies in memory
 * that is the line's.
 */
#ifndef LOGTOLD_H
#define LOGTOLD_H

#include <stdlib.h>
#include <string.h>

#include "logjoin.h"
#include "logpartner.h"

static inline unsigned
logtold_touch(struct span s)
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
	return sum;
}

/* Aborts if not; what is returned depends on every byte. */
static inline unsigned
logtold_check(const struct attempt *a, const struct logpartner *who)
{
	const struct span all[] = {a->domain, a->queue_id, a->host, a->address,
	    a->protocol, a->cipher, a->exchange, a->signature, a->policy,
	    a->result, a->dsn, a->text, a->logger};
	char domain[DNAME_MAX + 1];
	struct attempt own = *a;
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sum += logtold_touch(all[i]);
	if (a->time < 0 || a->time > 253402300799 ||
	    a->level > EVIDENCE_VERIFIED)
		abort();
	/* Nothing encrypted that is in the clear, and the other way round. */
	if ((a->level != EVIDENCE_CLEAR) != (a->encrypted == FACT_YES))
		abort();
	(void)logpartner_find(who, &own, domain);
	if (strlen(domain) > DNAME_MAX)
		abort();
	return sum;
}

#endif
