/*
 * logpartner.h: which partner a delivery of the mail log is of.
 *
 * The order is that of smtp(8) in the compiled map: the name itself, then
 * each parent with its leading dot.
 */
#ifndef LOGPARTNER_H
#define LOGPARTNER_H

#include <stdint.h>
#include <time.h>

#include "dname.h"
#include "span.h"

struct attempt;
struct logpartner;
struct registry;

/* r may be NULL: then everybody is a stranger. It is borrowed. */
struct logpartner *logpartner_new(const struct registry *r);

/*
 * A downgrade held for that partner. "Verified" in the log means that the
 * policy of the moment was satisfied, so this decides what it was.
 */
void logpartner_downgrade(
    struct logpartner *w, const char *partner, time_t begin, time_t end);

/*
 * The name of the partner, NULL: a stranger's. By the domain, of which domain
 * becomes the normal form ("" if it is no name); if that is nobody's, by the
 * next-hops of the registry that are hosts ("[host]:port"), since mail may be
 * routed to them. Inbound without a domain: by the name of the client, as a
 * domain or a gateway. What the log alone cannot say of a partner's mail is
 * then said in *a.
 */
const char *logpartner_find(
    const struct logpartner *w, struct attempt *a, char domain[DNAME_MAX + 1]);

/* NULL is allowed. */
void logpartner_free(struct logpartner *w);

#endif
