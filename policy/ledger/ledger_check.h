/*
 * ledger_check.h: is the record whole? What is common to all functions stands
 * in ledger.h.
 */
#ifndef LEDGER_CHECK_H
#define LEDGER_CHECK_H

#include "ledger.h"

/* What is wrong with the record, one call of fn for each thing found. */
struct ledger_flaw {
	int64_t event;	   /* seq, 0 if it is not about one */
	int64_t downgrade; /* id, 0 the same */
	const char *text;  /* a sentence */
};
#define LEDGER_FLAW_MAX 1024 /* bytes of it, NUL included */
typedef bool ledger_flaw_fn(const struct ledger_flaw *f, void *arg);

/*
 * Walk the chain, hold every downgrade against its events and those against
 * one another, and look for triggers and the like. known (may be
 * NULL) is a head written down earlier: the only thing that finds a chain
 * forged anew from some row on. *head (may be NULL) gets the present one,
 * *flaws the number found; 0 is returned whatever that is.
 */
int ledger_check(struct ledger *l, const struct ledger_head *known,
    ledger_flaw_fn *fn, void *arg, struct ledger_head *head, size_t *flaws,
    struct err *e);

#endif
