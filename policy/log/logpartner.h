/*
 * logpartner.h: which partner a delivery of the mail log is of, and what was
 * demanded of that partner then.
 *
 * The order is that of smtp(8) in the compiled map: the name itself, then
 * each parent with its leading dot.
 */
#ifndef LOGPARTNER_H
#define LOGPARTNER_H

#include "dname.h"
#include "span.h"

struct attempt;
struct err;
struct logpartner;
struct registry;

/*
 * r may be NULL: then everybody is a stranger. The ledger at that path, which
 * need not exist, is read once: its events tell of each map that was at the
 * path `map` what it demanded, and since when. Borrowed are r and map. Never
 * NULL; e->code is not 0 if the ledger could not be read.
 */
struct logpartner *logpartner_new(const struct registry *r, const char *ledger,
    const char *map, struct err *e);

/*
 * The name of the partner, NULL: a stranger's. By the domain, of which domain
 * becomes the normal form ("" if it is no name); if that is nobody's, by the
 * next-hops of the registry that are hosts ("[host]:port"), since mail may be
 * routed to them. Inbound without a domain: by the name of the client, as a
 * domain or a gateway. What the log alone cannot say of a partner's mail is
 * then said in *a: the rule as it was at the time of *a, the weaker one if it
 * changed while that lasted, and what "Verified" meant under it.
 */
const char *logpartner_find(
    const struct logpartner *w, struct attempt *a, char domain[DNAME_MAX + 1]);

/* NULL is allowed. */
void logpartner_free(struct logpartner *w);

#endif
