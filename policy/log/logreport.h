/*
 * logreport.h: what the mail log proved, summed up for people: how much mail
 * went in the clear, whose and when, and who still comes with old protocols.
 *
 * Of what was sent or received; mail that was refused or waits is no mail yet.
 */
#ifndef LOGREPORT_H
#define LOGREPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "evidence_log.h"
#include "names.h"

/* Mail of one month, direction and partner or domain. */
struct logreport_row {
	const char *month; /* YYYY-MM, UTC; "": all of them */
	const char *name;  /* a partner; a stranger's domain, with a dot */
	enum evidence_direction direction;
	const char *protocol; /* an old one, or "": all of them */
	const char *last;     /* day */
	uint64_t n[EVIDENCE_VERIFIED + 1], mails; /* all of these */
};

/* Mail of a direction whose keys were agreed and signed so. */
struct logreport_exchange {
	enum evidence_direction direction;
	const char *exchange, *signature;
	bool forward_secret; /* the key of the certificate opens none of it */
	bool post_quantum;   /* nor does a quantum computer, later */
	uint64_t n;
};

/* Mail of a partner under a rule as it was then. */
struct logreport_rule {
	const char *name;
	enum evidence_direction direction;
	const char *required; /* a level; "": not known */
	int64_t downgrade;    /* that it was under, or 0 */
	uint64_t n, kept;
};

/* Mail to a partner or domain that waited for one fault, and no longer does. */
struct logreport_wait {
	const char *name, *fault;
	uint64_t n, seconds;
};

/* What a host logged, from its first hour to its last. */
struct logreport_host {
	const char *name;
	time_t first, last;
	uint64_t hours; /* with a line, of these */
};

struct logreport {
	struct logreport_row *row;
	size_t n, cap;
	struct logreport_exchange *exchange; /* most first */
	size_t nexchanges, exchange_cap;
	struct logreport_rule *rule;
	size_t nrules, rule_cap;
	struct logreport_wait *wait;
	size_t nwaits, wait_cap;
	struct logreport_host *host;
	size_t nhosts, host_cap;
	struct names keys, rules; /* what tells the rows apart */
	struct arena text;
};

/*
 * Sum up the days `since` to `until`, both included ("": open), of one partner
 * or all (NULL):
 * rows by month and name; by month alone (the name is ""); by name alone; and
 * by name and old protocol. In that order, by month, direction, and what is
 * clear. Beside them the rules of partners, what waited, and the hours of all
 * hosts. 0, or -1 with *e set; to be freed either way.
 */
int logreport_read(struct logreport *r, struct evidence *v, const char *partner,
    const char *since, const char *until, struct err *e);

void logreport_free(struct logreport *r);

#endif
