/*
 * ctlwaiting.h: the mail in the queue that waits for partners.
 */
#ifndef CTLWAITING_H
#define CTLWAITING_H

#include "flush.h"

struct ctl;
struct registry;

/*
 * What waits for partners of a registry, all of them together, and of that
 * what waits for TLS. Of each: the first partners, as "acme, globex and 2
 * more"; and the names of those whose mail waits for TLS, which are the
 * registry's.
 */
struct ctl_waiting {
	char *fault; /* why that is not known; or NULL */
	struct waiting all, tls;
	char *who, *tls_who;
	const char **tls_of; /* owned */
	size_t ntls;
};

/* r may be NULL, which is a fault. The caller releases out, before r. */
void ctl_waiting(
    const struct ctl *c, const struct registry *r, struct ctl_waiting *out);
void ctl_waiting_release(struct ctl_waiting *w);

#endif
