/*
 * certgroup.h: the rows of certs.h, where partners share a gateway as one.
 */
#ifndef CERTGROUP_H
#define CERTGROUP_H

#include "certs.h"

#define CERTGROUP_NAMED 2 /* partners of a group */

/* One host, one certificate, one state. */
struct certgroup {
	/*
	 * As the first of them, but seen and failed last; of several the
	 * partner is "60 partners: h01, h02 and 58 more".
	 */
	struct cert_row row;
	const char *named[CERTGROUP_NAMED];
	size_t partners;
};

struct certgroups {
	struct certgroup *v; /* in the order of the rows */
	size_t n;
	size_t gateways, partners; /* different ones, that were looked at */
	size_t ours, never;	   /* never: partners without a look */
	bool shared;		   /* a gateway has more than one partner */
	size_t count[CERT_STATES]; /* groups, but for those of never */
	struct arena arena;
};

/*
 * Of ours only what was read. Texts are borrowed from c; the caller releases
 * out before it.
 */
void certgroup_make(const struct certs *c, struct certgroups *out);
void certgroup_release(struct certgroups *g);

#endif
