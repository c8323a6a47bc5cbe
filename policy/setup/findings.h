/*
 * findings.h: what is wrong with a Postfix, and the fix of each.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

struct postconf;

enum finding_kind {
	FINDING_FAULT, /* mail is not protected, or not delivered */
	FINDING_NOTE,  /* worth knowing */
};

struct finding {
	enum finding_kind kind;
	char *where; /* parameter, service or file */
	char *what;
	char *fix;
};

struct findings {
	const struct postconf *c;
	const char *service; /* that is looked at; NULL: none alone */
	struct finding *v;
	size_t n, cap;
	size_t faults;
	/* The first table that could not be asked where it sends mail: what of
	 * that finding; NULL: there is none. */
	const char *unasked;
};

/*
 * Add a finding; if it is there already, of another service, that one's name.
 * A fix "postconf -e 'NAME = VALUE'" for what the service has an -o option
 * of its own for becomes one by postconf -P.
 */
void findings_add(struct findings *f, enum finding_kind kind, const char *where,
    const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

void findings_release(struct findings *f);

#endif
