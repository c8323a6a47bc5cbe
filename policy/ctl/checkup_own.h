/*
 * checkup_own.h: what the files of checkup.h share.
 */
#ifndef CHECKUP_OWN_H
#define CHECKUP_OWN_H

#include <stdbool.h>

#include "checkup.h"

#define COMPILED 300 /* seconds until a new registry is to be live */

/* Add a finding; next NULL: nothing is to be done. */
void __attribute__((format(printf, 5, 6)))
checkup_add(struct checkup_list *l, enum checkup c, enum checkup_state state,
    const char *next, const char *fmt, ...);

/* Was there nothing to tell of it so far? */
bool checkup_is_quiet(const struct checkup_list *l, enum checkup c);

/* Add what is to be told of our own side; see checkup.h. */
void checkup_ours(const struct checkup_facts *f, struct checkup_list *l);

#endif
