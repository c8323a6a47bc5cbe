/*
 * wiring_dead.h: the restriction classes for a tlspactd that does not answer.
 */
#ifndef WIRING_DEAD_H
#define WIRING_DEAD_H

#include <stdbool.h>

struct client;
struct map_facts;

#define DEAD_LINES 3

struct dead_lines {
	struct {
		const char *name;
		char *value;
	} line[DEAD_LINES];
};

/* Can that TARGET_VERSION of Postfix do it? */
bool wiring_can_close(unsigned version);

/* The lines of main.cf; classes is smtpd_restriction_classes as it is. */
void wiring_dead_want(
    const char *classes, const struct map_facts *map, struct dead_lines *out);

void wiring_dead_release(struct dead_lines *d);

/* The list asks with our class as default_action: is all of it there? */
void wiring_check_dead(struct client *k, const char *list);

#endif
