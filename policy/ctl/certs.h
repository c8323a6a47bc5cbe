/*
 * certs.h: the certificates that partners' gateways showed last, by their end.
 */
#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "level.h"

struct checkup_own;
struct ctl;
struct ctl_facts;
struct err;

enum cert_state {
	CERT_UNSEEN, /* no certificate was shown */
	CERT_OK,
	CERT_SOON,  /* life.h */
	CERT_FAILS, /* for another reason than its end: see fault */
	CERT_ENDED  /* by its date, by the last look, or by the log since */
};
#define CERT_STATES (CERT_ENDED + 1)

/* "unseen", "ok", "soon", "fails", "ended". */
extern const char *const cert_state_names[];

/* A gateway of a partner, whatever its addresses and domains. */
struct cert_row {
	const char *partner;
	const char *contact; /* of the partner; NULL: none is known */
	/* "server certificate": it is ours, and the gateway the file. */
	const char *ours;    /* or NULL */
	const char *unread;  /* of ours: why it is not known; or NULL */
	bool bad;	     /* then: it is at fault, not we */
	const char *gateway; /* "": the partner was never looked at */
	const char *issuer;  /* of its own certificate; "": not known */
	size_t issuer_cn;    /* where the CN begins in it */
	const char *fault;   /* of the last look, as a word */
	/*
	 * Of what ends first in the chain; 0: not known, as of one that has
	 * ended if all dates that were seen are of another one.
	 */
	time_t begins, ends;
	time_t seen;   /* the last look */
	time_t failed; /* `fault` is of the log, later; 0: of the look */
	enum cert_state state;
	long days;     /* left; if ends is known */
	int share;     /* of its life that is left, percent; -1: not known */
	bool enforced; /* the partner's mode, and its level by the registry */
	enum level level;
};

/* Those that Postfix shows others, as their files are now: checkup.h. */
struct certs_ours {
	const struct checkup_own *v;
	size_t n;
	const char *fault; /* why Postfix cannot be asked for them; or NULL */
};

struct certs {
	struct cert_row *v;
	size_t n, cap;
	struct arena arena;
};

/*
 * Of the n partners of f (ctl_facts.h), as of c->now: sorted by end, those of
 * which none is known last, unless they have ended. 0, or -1 with *e set: the
 * evidence cannot be read. Names are borrowed from f; the caller releases out
 * in either case. `ours`, unless NULL: and these; where a file could not be
 * read, as it was seen last (evidence_own.h).
 */
int certs_read(const struct ctl *c, const struct ctl_facts *f, size_t n,
    const struct certs_ours *ours, struct certs *out, struct err *e);

/* Does the agreement ask for a valid one, so that its end may stop mail? */
bool certs_demanded(const struct cert_row *row);

void certs_release(struct certs *c);

#endif
