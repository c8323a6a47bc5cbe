/*
 * logparty.h: who a domain of the mail log belongs to.
 *
 * The order is that of smtp(8) in the compiled map: the name itself, then
 * each parent with its leading dot.
 */
#ifndef LOGPARTY_H
#define LOGPARTY_H

#include <stdint.h>
#include <time.h>

#include "dname.h"
#include "span.h"

struct attempt;
struct logparty;
struct registry;

struct logparty_answer {
	uint32_t partner; /* index into the registry, or REGISTRY_NONE */
	char domain[DNAME_MAX + 1]; /* normal form; "" if it is none */
};

/* r may be NULL: then everybody is a stranger. It is borrowed. */
struct logparty *logparty_new(const struct registry *r);

/*
 * By the domain; if it is nobody's, by the next-hops of the registry that
 * are hosts ("[host]:port"), since mail may be routed to them. Inbound
 * without a domain: by the name of the client, as a domain or a gateway.
 */
void logparty_find(const struct logparty *w, const struct attempt *a,
    struct logparty_answer *out);

/*
 * A downgrade held for that partner. "Verified" in the log means that the
 * policy of the moment was satisfied, so this decides what it was.
 */
void logparty_lowered(
    struct logparty *w, const char *partner, time_t begin, time_t end);

/*
 * What the log alone cannot say: at a partner with verify=name "Verified"
 * means a trusted chain and a matching name, unless a downgrade held; and
 * with pinned keys an untrusted certificate is one with another key.
 */
void logparty_refine(
    const struct logparty *w, uint32_t partner, struct attempt *a);

/* The name of a partner that logparty_find found. */
const char *logparty_name(const struct logparty *w, uint32_t partner);

/* NULL is well. */
void logparty_free(struct logparty *w);

#endif
