/*
 * decide.h: may this mail come in? And should mail to a partner that fails
 * be taken at all? Pure: what was shown and what was agreed come in, a
 * verdict and its words come out.
 *
 * The words are for the postmaster on the other side. No byte that a
 * stranger has chosen is in them.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "lookup.h"

struct policyproto;

#define DECIDE_TEXT_MAX 448 /* bytes of an action; a reply line has 512 */

enum verdict { /* mildest first */
	VERDICT_DUNNO,
	VERDICT_WARN,
	VERDICT_DEFER,
	VERDICT_REJECT,
};

#define VERDICT_COUNT 4

/* "dunno", "warn", "defer", "reject". */
const char *verdict_name(enum verdict v);

/* What was agreed and does not hold. */
enum breach {
	BREACH_NONE,
	BREACH_CLEAR,	   /* no TLS */
	BREACH_PROTOCOL,   /* TLS, but too old */
	BREACH_NO_CERT,	   /* none was shown, or asked for */
	BREACH_UNTRUSTED,  /* a certificate of no CA that we accept */
	BREACH_NAME,	   /* of another name */
	BREACH_KEY,	   /* of another key */
	BREACH_NO_NAME,	   /* trusted, but without a common name */
	BREACH_OUR_DIGEST, /* we cannot compare keys: our mistake */
	BREACH_OUR_TLS,	   /* we offer none: our mistake */
	BREACH_OUTBOUND,   /* the recipient's partner fails now */
};

struct decision {
	enum verdict verdict;
	enum breach breach;
	const char *why; /* that, for the log: "no TLS", and so on */
	bool lowered;	 /* let in because of a downgrade */
	char action[DECIDE_TEXT_MAX]; /* as Postfix wants it: access(5) */
};

/* What the judge knows beside the request. */
struct decide_about {
	bool by_client; /* the rule is that of the client */
	bool no_tls;	/* we offer none: who sends in clear has no choice */
	bool unasked;	/* nor ask for a client certificate */
	bool asked;	/* or ask everybody, if that is known */
	const char *contact; /* who can be asked: an address, or "" */
};

/* Judge a request by the rule of its sender or its client. */
void decide_inbound(const struct lookup_rule *rule,
    const struct policyproto *req, const struct decide_about *about,
    struct decision *out);

/* What is known of a partner that fails now. */
struct decide_failing {
	const char *domain; /* the key of its row */
	const char *fault;  /* a phrase, or "" */
	time_t since;
};

/* The answer for mail to it; harsh is what the settings ask for. */
void decide_outbound(const struct decide_failing *f, enum verdict harsh,
    const char *contact, struct decision *out);

/* There is no rule; or it cannot be read, a temporary refusal. */
extern const struct decision decide_dunno, decide_broken;

#endif
