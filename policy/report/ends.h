/*
 * ends.h: what ends or is due of what a report knows: downgrades,
 * certificates, reviews of agreements. Pure; borrows from the report.
 */
#ifndef ENDS_H
#define ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct report;

enum end_kind {
	END_DOWNGRADE,	 /* that is open */
	END_CERTIFICATE, /* of a gateway, if its end stops mail: what of its
			    chain ends first */
	END_OWN,	 /* the same of ours */
	END_REVIEW,	 /* of the agreement */
};

struct end {
	enum end_kind kind;
	time_t begins;	     /* of a certificate */
	time_t at;	     /* that may be over */
	const char *partner; /* "" of ours */
	const char *of;	     /* host, file; level that it is lowered to */
	int64_t id;	     /* of a downgrade */
};

struct ends {
	struct end *v; /* the next one first, each once */
	size_t n, cap;
};

void ends_of(const struct report *r, struct ends *out);

void ends_release(struct ends *e);

#endif
