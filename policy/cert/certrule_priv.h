/*
 * certrule_priv.h: one judgement at work; shared by certrule*.c only.
 */
#ifndef CERTRULE_PRIV_H
#define CERTRULE_PRIV_H

#include "certrule.h"

struct certrule_job {
	STACK_OF(X509) * chain;
	X509 *leaf;
	const struct certrules *r;
	struct certverdict *out;
	struct x509_verdict v;		/* what Postfix would find */
	char *name[CERTRULE_MAX_NAMES]; /* references, tokens resolved */
	size_t nnames;
};

/* Answer every rule from what is in j. */
void certrule_each(struct certrule_job *j);

#endif
