/*
 * words.h: lists of words, as a column of the ledger holds them: one text.
 * For this room alone.
 */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>

struct arena;
struct strs;

/* The words of text, which are of at least min bytes each; memory from a. */
const char *const *words_split(struct arena *a, const char *text,
    const char *between, size_t min, size_t *n);

/* The words, with `between` between them. The caller frees it; NULL if n is 0.
 */
char *words_join(const char *const *v, size_t n, const char *between);

/* A list in a's memory of the same words, which it borrows. */
struct strs *words_list(struct arena *a, const char *const *v, size_t n);

#endif
