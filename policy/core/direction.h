/*
 * direction.h: which mail a downgrade is of. The more it lowers, the less the
 * number.
 */
#ifndef DIRECTION_H
#define DIRECTION_H

#include <stdbool.h>

#include "level.h"

enum direction {
	DIRECTION_BOTH,	       /* to them and from them */
	DIRECTION_INBOUND,     /* from them alone, whatever it comes by */
	DIRECTION_CERTIFICATE, /* the same over TLS, by any certificate */
};

/* "both", "inbound", "inbound-certificate", and NULL. */
extern const char *const direction_names[];

const char *direction_name(enum direction d);

/* The one of that name, 0; or -1. */
int direction_parse(const char *name, enum direction *out);

/* To what such a downgrade lowers, for people: the level, or "no TLS inbound",
 * "no certificate inbound". */
const char *direction_lowered_to(enum direction d, enum level after);

/* What mail from them does not need under it: "TLS", "certificate". */
const char *direction_waives(enum direction d);

/* What mail from them needs again after it: "TLS", "TLS and their certificate"
 * if one was agreed, "their certificate". */
const char *direction_needs(enum direction d, bool certificate);

#endif
