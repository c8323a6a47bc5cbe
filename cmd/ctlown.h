/*
 * ctlown.h: the certificates that Postfix shows others, as their files are now.
 */
#ifndef CTLOWN_H
#define CTLOWN_H

#include "checkup.h"
#include "findings.h"
#include "own.h"

struct postconf;

struct ctlown {
	struct own own;
	struct findings found;
	struct checkup_own *v; /* each file once; texts are of own */
	size_t n;
};

/* Look, as the account that we are. The caller releases *o, before c. */
void ctlown_look(struct ctlown *o, const struct postconf *c, time_t now);

/* It may be zero. */
void ctlown_release(struct ctlown *o);

#endif
