/*
 * evidence.h: what was seen of gateways and of the mail log, kept on disk.
 *
 * One SQLite file, apart from the ledger (ledger.h), in a folder of its own:
 * who writes what was seen need not be able to write what was decided. It
 * holds probe results, the chains that were shown, and what the mail log
 * proved (evidence_log.h).
 *
 * As for the ledger: several processes may write at once; a handle belongs to
 * one thread, and does not go through fork(2). What reads takes NULL for
 * evidence in which there is nothing. Functions return 0, or -1 with
 * *e set, with the codes of ledger.h. `now` is the caller's. Every change is
 * one transaction, safe from kill -9 once the function returns; the last ones
 * may be lost in a power cut. Text given is borrowed for the call, NULL stands
 * for "". Text handed to a callback lives until it returns, and is never NULL.
 * A callback returns false to stop, which is not an error; it may read through
 * the same handle, but not write.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "judged.h"
#include "level.h"
#include "turns.h"

struct db;
struct err;
struct step_gateway;

/* Opaque but to evidence.c and those that read the file beside it. */
struct evidence {
	struct db *db;
	bool as_written;
};

#define EVIDENCE_KEY 65		   /* bytes of a SHA-256 in hex, NUL included */
#define EVIDENCE_CHAIN_MAX 1048576 /* bytes of a chain in PEM */

enum evidence_mode { EVIDENCE_READ, EVIDENCE_WRITE };

/*
 * Open the evidence. EVIDENCE_WRITE makes the file (0640; the directory must
 * be there) and brings an old schema up to date; EVIDENCE_READ changes nothing,
 * reads a copy that is brought up to date instead (db.h), and fails with 66 if
 * there is no file, which callers may take for empty evidence. Reading needs
 * read permission only, as for the ledger.
 *
 * Once evidence stood in the ledger, whose path is `ledger` (NULL: there is
 * none). The first writer takes it over from there, which needs the
 * right to write both: copied in one transaction, then dropped from the ledger
 * in another, so that it may be killed at any point. Until that was done,
 * EVIDENCE_READ fails with 65.
 *
 * A writer also follows the renames of that ledger, as far as it may read it:
 * what was seen of a partner is read under the name that it has now.
 */
struct evidence *evidence_open(const char *path, const char *ledger,
    enum evidence_mode mode, struct err *e);

/* NULL is allowed. */
void evidence_close(struct evidence *v);

/* Is it open so that it never shows what others write from now on (db.h)? */
bool evidence_is_still(const struct evidence *v);

/*
 * From now on read counts, failures and probes with the names of partners under
 * which they were written. v may be NULL.
 */
void evidence_as_written(struct evidence *v);

/*
 * What is read until evidence_end() is of one state, whatever others write.
 * That returns rv, or -1 with *e set.
 */
int evidence_begin(struct evidence *v, struct err *e);
int evidence_end(struct evidence *v, int rv, struct err *e);

/* How long a call may wait for other writers, from now on; 5 s unless said. */
void evidence_patience(struct evidence *v, int ms);

/*
 * The time of the newest probe or failure, 0 if there is none. If it lies
 * ahead, the clock was set back since, or once went ahead.
 */
int evidence_newest(struct evidence *v, time_t *when, struct err *e);

/* --- Probes ----------------------------------------------------------- */

/*
 * One look at one gateway: a partner's next-hop, host, address and port. Looks
 * in a row with the same result are kept as one, up to midnight UTC, so that
 * each day is counted; `detail` is no part of the result: the last one stays.
 */
struct evidence_probe {
	int64_t id; /* 0 when adding; of each look it is one more */
	time_t time;
	/* Reading: of as many looks in a row this is the last. */
	uint64_t n;
	time_t first; /* of them */
	const char *partner;
	const char *nexthop; /* the domain asked for, as in the map */
	const char *host;    /* "" if the look-up failed before there was one */
	const char *address; /* the same */
	unsigned port;	     /* 0 to 65535 */
	const char *fault;   /* a word of fault.h */
	const char *protocol; /* "TLSv1.3", and so on; "" if not reached */
	const char *cipher;
	const char *kex;
	/* "" in each: not known. REQUIRETLS inside TLS: "yes", "no". */
	const char *requiretls;
	/*
	 * Of the names of MX and gateway, what DNSSEC says of them: "secure",
	 * "insecure" (one of them is not signed), "unchecked" (nobody looked).
	 */
	const char *dnssec;
	/*
	 * TLSA records: "used" (the certificate was held against them), "none"
	 * (that DNSSEC vouches for), "failed" (it could not be found out).
	 */
	const char *tlsa;
	time_t begins;	   /* of what ends first; 0: its end stops no mail */
	time_t not_after;  /* the earliest in the chain; 0: not known */
	const char *key;   /* SPKI SHA-256, 64 hex digits; "" if not known */
	const char *chain; /* PEM, leaf first; "". Reading: only where said */
	const char *detail;
	enum evidence_judged judged; /* all that the registry asks for holds */
	/* Adding: the rule that the look was judged by, a word; "": not known
	 */
	const char *rule;
};

/* What is known of one gateway. */
struct evidence_gateway {
	struct evidence_probe last; /* chain is "" */
	time_t since;	 /* when the present fault (or "ok") was first seen */
	unsigned run;	 /* results in a row with that fault, last included */
	time_t passed;	 /* time of the last result that passed, 0: never */
	time_t vouched;	 /* of the last that passed by CA, DANE or pin, 0 */
	const char *key; /* of that, "" */
	struct turns turns;
	time_t met; /* the last look that met a gateway at its next-hop, 0 */
	/*
	 * The looks since `last` that failed on our side, which tell nothing
	 * of it: the last one (0: none did), the first, and how many.
	 */
	time_t blind, blind_since;
	unsigned blind_run;
	bool gone; /* evidence_looked() */
};

/*
 * Add one result. What a gateway shows by turns it shows under one rule: under
 * another one looks are counted anew. *by_turns (NULL: nobody asks) gets what
 * its gateway shows by turns, as far as is known. One that failed on our side
 * (local-error) is kept beside what is known of the gateway, not instead of it.
 */
int evidence_probe_add(struct evidence *v, const struct evidence_probe *p,
    struct turns *by_turns, struct err *e);

/*
 * All that a look showed that began then is added, at one next-hop: gateways
 * there that it did not meet are gone, until one meets them. A look that met
 * none at all tells nothing of them.
 */
int evidence_looked(struct evidence *v, const char *partner,
    const char *nexthop, time_t began, struct err *e);

/*
 * A gateway for those who decide, with its texts; full is the partner's level.
 * last_key is the caller's to say: evidence_passed_key(). False if the fault's
 * word is not known.
 */
bool evidence_step(const struct evidence_gateway *g, enum level full,
    struct step_gateway *out);

/*
 * Has a later look at its next-hop met others, and not this one? The results
 * of one that was broken off are within `span` seconds, see step_span(). DNS
 * that does not answer tells nothing.
 */
bool evidence_gone(const struct evidence_gateway *g, time_t span);

/*
 * The latest result of every gateway, of one partner or all (NULL), leaving
 * out gateways not looked at since `since`. By partner, nexthop, host,
 * address, port.
 */
typedef bool evidence_gateway_fn(const struct evidence_gateway *g, void *arg);
int evidence_gateways(struct evidence *v, const char *partner, time_t since,
    evidence_gateway_fn *fn, void *arg, struct err *e);

typedef bool evidence_probe_fn(const struct evidence_probe *p, void *arg);

/*
 * The last results that failed on our side where nothing was seen since, of
 * one partner or all (NULL), also of gateways that were never seen.
 */
int evidence_blind(struct evidence *v, const char *partner,
    evidence_probe_fn *fn, void *arg, struct err *e);

/*
 * Results whose last look was at `since` or later, newest first, of one
 * partner or all (NULL).
 */
int evidence_probes(struct evidence *v, const char *partner, time_t since,
    evidence_probe_fn *fn, void *arg, struct err *e);

/*
 * The key that a partner's host showed, on whatever address, when it last
 * passed by CA and name, DANE or a pin; "" if it never did.
 */
int evidence_passed_key(struct evidence *v, const char *partner,
    const char *host, char key[EVIDENCE_KEY], struct err *e);

/*
 * The last chain seen of every (partner, nexthop, host), of one partner or
 * all (NULL): the result that showed it, with p->chain filled.
 */
int evidence_chains(struct evidence *v, const char *partner,
    evidence_probe_fn *fn, void *arg, struct err *e);

#endif
