/*
 * mailaddr.h: whose address a sender writes, as Postfix understands it.
 *
 * A policy service is asked with the address as it came, less quotes and
 * comments; trivial-rewrite(8) makes of it what is put into the queue.
 */
#ifndef MAILADDR_H
#define MAILADDR_H

#include <stddef.h>

#define MAILADDR_MAX 2

struct mailaddr_domain {
	const char *s; /* borrowed from the address, no NUL behind it */
	size_t len;
};

/*
 * The domains of which the address can become one, the likeliest first:
 *   @a,@b:joe@c	c: a route is stripped
 *   joe@c		c: the last '@' counts, quoted or not
 *   c!joe		c, by swap_bangpath: the first '!'
 *   joe%c		c, by allow_percent_hack: the last '%'
 * Both settings are taken to be on, as they are by default, and a local part
 * that needs quotes, which Postfix leaves alone, to need none: who writes
 * such an address means that domain. An address without a domain is of our
 * own, $myorigin. Returns how many there are; a domain is never empty, but
 * may be anything else, such as "[192.0.2.1]".
 */
size_t mailaddr_domains(
    const char *address, size_t len, struct mailaddr_domain v[MAILADDR_MAX]);

#endif
