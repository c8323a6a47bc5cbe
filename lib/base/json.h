/*
 * json.h: JSON as the programs print it, made with jansson.
 *
 * Values are made here, members are put together by json_pack() ("s:o" takes
 * one over). What is printed last is checked once, so that nobody has to
 * look at each value: JSON has to be UTF-8, and these make it so.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

#include "span.h"

struct buf;

/*
 * The len bytes at p; null if p is NULL. What is no UTF-8, and so no JSON, is
 * there as quote() shows it.
 */
json_t *json_bytes(const char *p, size_t len);

/* The same for a piece of text, and for a string; null if it is empty. */
json_t *json_span(struct span s);
json_t *json_text(const char *s);

/* A time, RFC 3339 in UTC; null for 0. */
json_t *json_time(time_t t);

/*
 * Each takes j over, and ends the program if that could not be made (NULL):
 * onto standard output, indented, what is unsafe to be shown as \uXXXX; the
 * same appended to a text; one line of ASCII on standard output; without a
 * blank, for the ledger (freed by the caller).
 */
void json_print(json_t *j);
void json_put(json_t *j, struct buf *out);
void json_print_line(json_t *j);
char *json_compact(json_t *j);

#endif
