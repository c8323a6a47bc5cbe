/*
 * mailaddr.h: whose address a sender writes, as Postfix understands it.
 *
 * A policy service is asked with the address as it came, less quotes and
 * comments; trivial-rewrite(8) makes of it what is put into the queue.
 */
#ifndef MAILADDR_H
#define MAILADDR_H

#include <stddef.h>

#include "span.h"

#define MAILADDR_MAX 2

/*
 * The domains of which the address can become one, the likeliest first:
 *   @a,@b:joe@c	c: a route is stripped
 *   joe@c		c: the last '@' counts, quoted or not
 *   c!joe		c, by swap_bangpath: the first '!'
 *   joe%c		c, by allow_percent_hack: the last '%'
 * Both settings are taken to be on, as they are by default, and a local part
 * that needs quotes, which Postfix leaves alone, to need none: who writes
 * such an address means that domain. An address without a domain is of our
 * own, $myorigin. Returns how many there are, which borrow from the address; a
 * domain is never empty, but may be anything else, such as "[192.0.2.1]".
 */
size_t mailaddr_domains(struct span address, struct span v[MAILADDR_MAX]);

#endif
