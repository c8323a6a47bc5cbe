/*
 * ctlnobody.h: what is known of a name or a domain that is no partner's.
 */
#ifndef CTLNOBODY_H
#define CTLNOBODY_H

#include <time.h>

struct registry;
struct settings;

/*
 * In words, with the next command: whose its domain is since, when it left the
 * map, or which name is near to it. What the record does not tell is not
 * said. The caller frees it.
 */
char *ctlnobody(const struct settings *s, const struct registry *r,
    const char *name, time_t now);

/* The same, but NULL where the record tells nothing of it. */
char *ctlnobody_was(const struct settings *s, const struct registry *r,
    const char *name, time_t now);

#endif
