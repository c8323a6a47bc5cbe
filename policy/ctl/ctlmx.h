/*
 * ctlmx.h: the gateways that DNS names for a next-hop at this moment. A probe
 * tells of those that it met, and the partner may have moved since.
 */
#ifndef CTLMX_H
#define CTLMX_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct settings;

struct ctlmx {
	const char *const *host; /* by preference */
	size_t n;		 /* 0: not known, or nobody asked */
	/* Nothing takes its mail: it "is not in DNS", for people; or NULL. */
	const char *none;
};

/*
 * Ask DNS, which takes two seconds at most. What cannot be found out, and a
 * next-hop that is a host itself, is not known. Texts go into a.
 */
void ctlmx_ask(const struct settings *set, const char *nexthop, struct arena *a,
    struct ctlmx *out);

/* Does it name that host? */
bool ctlmx_has(const struct ctlmx *mx, const char *host);

#endif
