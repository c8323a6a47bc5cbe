/*
 * turns.h: a gateway that passes and fails by turns, as one behind a balancer
 * with a bad node: of its last looks that got as far as TLS the same fault was
 * seen, then not, then again.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>

#include "fault.h"

struct buf;

#define TURNS_LOOKS 8 /* looks by which it is told */

struct turns {
	bool on;
	unsigned bad, looks; /* so many of so many; at most TURNS_LOOKS */
	enum fault fault;
};

/* "by turns: 3 of the last 8 looks no-starttls", if it does. */
void turns_text(const struct turns *t, struct buf *out);

/* The same as {fault, failed, looks}, or null; the caller owns it. */
struct json_t *turns_json(const struct turns *t);

#endif
