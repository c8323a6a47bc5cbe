/*
 * fakepeer.h: SMTP servers of our own, with certificates made on the spot: one
 * that is good and some with a fault each, to see what a client makes of them.
 *
 * They run apart (process.h) on loopback, take mail and throw it away. Keys
 * never leave that process.
 */
#ifndef FAKEPEER_H
#define FAKEPEER_H

#include <stdint.h>

#include "x509.h"

struct err;

enum fakepeer {
	FAKEPEER_GOOD, /* the name asked for, from our CA */
	FAKEPEER_WRONG_NAME,
	FAKEPEER_EXPIRED,
	FAKEPEER_UNKNOWN_CA,
	FAKEPEER_NO_STARTTLS,
	FAKEPEER_CONTROL, /* as good as the first: for a policy of its own */
	FAKEPEER_KINDS
};

#define FAKEPEER_PEM_MAX 4096

/* What the servers say when they listen. */
struct fakepeers {
	uint16_t port[FAKEPEER_KINDS]; /* of 127.0.0.1 */
	char ca[FAKEPEER_PEM_MAX];     /* the good one's CA, in PEM */
	char pin[X509_HEX_MAX];	       /* sha256 of the control's key */
};

/* For apart_start(): arg is the name, a const char *. Ends with fd. */
int fakepeer_main(int fd, void *arg);

/* Read from our end what they say. 0, or -1 with *e set (69). */
int fakepeer_ready(int fd, struct fakepeers *p, struct err *e);

#endif
