/*
 * received.h: one Received field of a mail (RFC 5321 section 4.4), taken
 * apart. Pure.
 *
 * Each MTA says in its own way how a hop was protected: by the word behind
 * `with` (RFC 3848), the tls clause (RFC 8314 section 4.3), or a comment. Only
 * what is said in one of the known ways is believed to be said. Names of hosts
 * and of comments are bytes that strangers chose: shown, never searched.
 */
#ifndef RECEIVED_H
#define RECEIVED_H

#include <stdbool.h>
#include <time.h>

#include "span.h"

enum received_tls {
	RECEIVED_UNKNOWN,   /* not said, or not in a way that is known */
	RECEIVED_CLEAR,	    /* a protocol without TLS (RFC 3848) */
	RECEIVED_ENCRYPTED, /* said in so many words */
	RECEIVED_LOCAL,	    /* inside one host: no network */
};

#define RECEIVED_PROTOCOL_MAX 8 /* "TLSv1.3" */

/* Its spans borrow from the field; empty: not said. */
struct received {
	struct span greeting; /* what the sending host called itself */
	struct span name;     /* what the receiving host found it to be */
	bool looked;	      /* it does look for that, even if in vain */
	struct span address;  /* IPv4 or IPv6, without brackets */
	bool within;	      /* that is a private or loopback address */
	bool near;	  /* its IPv6 /32 is that of the one who wrote this */
	struct span by;	  /* the host that wrote this */
	struct span with; /* the first word behind it: "ESMTPS" */
	enum received_tls tls;
	char protocol[RECEIVED_PROTOCOL_MAX]; /* in OpenSSL's words, or "" */
	struct span cipher;		      /* as written */
	time_t time;			      /* 0: none that is valid */
	bool broken; /* no such field, or one that contradicts itself */
};

/* Take apart the value of a field, folded or not. Whatever it is, *out is. */
void received_parse(struct span value, struct received *out);

/* "encrypted", "clear", "unknown", "local". */
extern const char *const received_tls_names[];

#endif
