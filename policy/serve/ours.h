/*
 * ours.h: what our own Postfix does with mail that comes in, which no
 * request says: does it offer TLS, and what does it append to a name?
 */
#ifndef OURS_H
#define OURS_H

#include <stdbool.h>
#include <stddef.h>

#include "dname.h"

struct buf;
struct err;
struct postconf;

struct ours {
	bool no_tls;  /* none is offered to those who send from outside */
	bool unasked; /* nobody is asked for a client certificate */
	bool asked;   /* everybody is; ours_parse() does not know */
	char mydomain[DNAME_MAX + 1]; /* appended to names; "": nothing is */
};

/*
 * From the configuration. A file of a certificate that is missing counts,
 * one that cannot be read does not: we have fewer rights than smtpd(8).
 */
void ours_take(struct ours *o, const struct postconf *c);

/*
 * Ask postconf(1) about the folder dir ("": the default one), and append
 * what ours_parse() reads. Waits. 0, or -1 with *e set (69, 66).
 */
int ours_print(const char *dir, struct buf *out, struct err *e);
void ours_parse(struct ours *o, const char *text, size_t len);

#endif
