/*
 * reportbrief.h: what of a report's lists is told in brief: the first ones, or
 * each.
 */
#ifndef REPORTBRIEF_H
#define REPORTBRIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report;
struct report_downgrade;
struct report_note;
struct report_recipient;

/* Arrays that are owned, of what is the report's. */
struct report_brief {
	/* As the answer names them. */
	const struct report_recipient **clear;
	/* Those first that are open, then the newest. */
	const struct report_downgrade **downgrade;
	/* What is so now is none, where the period is over. */
	const struct report_note **note;
	size_t nclear, ndowngrades, nnotes;
	size_t notes, now; /* that there are: such, and as of now */
	size_t left;	   /* of all lists, not told */
};

/* The caller releases *b. */
void report_brief_of(struct report_brief *b, const struct report *r, bool each);
void report_brief_release(struct report_brief *b);

/* Is it a partner, and not a domain of none? */
bool report_brief_partner(
    const struct report *r, const struct report_recipient *x);

/* How many mails moved under it, both ways; of these in the clear. */
uint64_t report_brief_moved(const struct report_downgrade *d, uint64_t *clear);

#endif
