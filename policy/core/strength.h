/*
 * strength.h: which of two Postfix policies is the weaker one.
 */
#ifndef STRENGTH_H
#define STRENGTH_H

#include <stdbool.h>
#include <stddef.h>

#include "level.h"
#include "span.h"

struct buf;

enum change {
	CHANGE_NONE, /* the same bytes */
	CHANGE_ADDED,
	CHANGE_REMOVED,
	CHANGE_WEAKER,
	CHANGE_STRONGER,
	CHANGE_OTHER, /* neither, or both in different ways */
};

/* "none", "added", "removed", "weaker", "stronger", "changed". */
const char *change_name(enum change c);

/* Of a rank, where less is weaker. */
static inline enum change
change_of_rank(int was, int is)
{
	return was == is  ? CHANGE_NONE
	       : is < was ? CHANGE_WEAKER
			  : CHANGE_STRONGER;
}

/*
 * Two changes of one thing summed up. What got weaker is not made good by
 * what is only different, such as another name; whether by what got stronger,
 * `mixed` says: CHANGE_WEAKER or CHANGE_OTHER.
 */
enum change change_sum(enum change a, enum change b, enum change mixed);

/*
 * Compare two policy texts, each of the given length. The level decides, where
 * verify is secure with match=hostname, unless it says match= itself; at the
 * same level a lower protocol floor, a lower cipher grade, more names
 * (a .suffix above a name is more, and `hostname` is all) or pins, or the loss
 * of a trust anchor file is weaker, unless something got stronger. A text that
 * cannot be understood, or that is held, makes CHANGE_OTHER.
 */
enum change strength_compare(
    const char *was, size_t waslen, const char *is, size_t islen);

/*
 * Does Postfix do the same by both texts, by its defaults? The same words in
 * another order, a list in another order or in several match=, the names that
 * `secure' and `verify' stand for, the one for the other with the same names,
 * the same protocols in other words. False if that is not plain.
 */
bool strength_same(
    const char *was, size_t waslen, const char *is, size_t islen);

/*
 * Does Postfix hold all mail for it, by its level or a word that no version
 * takes? False if that is not plain.
 */
bool strength_held(const char *text, size_t len);

/*
 * The level of a policy text; false if it is no policy. secure, verify and
 * dane-only are LEVEL_SECURE; dane, may and none are LEVEL_OPPORTUNISTIC.
 */
bool strength_level(const char *text, size_t len, enum level *out);

/*
 * Append the words of a policy text that the other one has not, a blank between
 * them: "match=mx1.a.example". In a word of more than STRENGTH_WORD bytes "..."
 * stands for what both lists of names have.
 */
#define STRENGTH_WORD 64
void strength_words(struct span text, struct span other, struct buf *out);

#endif
