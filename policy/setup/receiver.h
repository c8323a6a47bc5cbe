/*
 * receiver.h: the services of master.cf that take mail from other hosts, and
 * whether they ask tlspactd about it. Pure.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <stddef.h>

struct asking;
struct postconf;
struct postconf_service;

/*
 * The next smtpd(8) that takes mail from other hosts, from *at = 0 on; NULL:
 * no more. Ports of submission and of filters that hand mail back are none.
 */
const struct postconf_service *receiver_next(
    const struct postconf *c, size_t *at);

/*
 * How that service asks at policy_socket: maincf.h. a->list is NULL if it does
 * not; it borrows of c.
 */
void receiver_asking(const struct postconf *c, const char *service,
    const char *socket, struct asking *a);

enum receiver_asks {
	RECEIVER_ASKS,	   /* each of them */
	RECEIVER_ASKS_NOT, /* one does not, or is never asked that far */
	RECEIVER_NONE,	   /* no service takes mail from other hosts */
};

enum receiver_asks receiver_asks(const struct postconf *c, const char *socket);

#endif
