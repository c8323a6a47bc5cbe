/*
 * ledger.h: what was decided, kept on disk.
 *
 * One SQLite file holds downgrades (ledger_downgrade.h), the chained record of
 * events, and notices that wait; what was seen has another one, evidence.h.
 * Several processes may write at once; a handle belongs to one thread, and does
 * not go through fork(2). All that is above this interface knows no SQL, so
 * that another engine can stand here.
 *
 * Common to all functions:
 * - They return 0, or -1 with *e set. Codes: 65 a damaged file, or a value
 *   that may not be stored (NUL, bytes that are not UTF-8, a wrong form); 66
 *   there is no ledger; 69 written by a newer tlspact; 74 disk full or a read
 *   or write error; 75 another process held the lock for too long; 77 not
 *   allowed. Those that say so return LEDGER_REFUSED for a well-formed "no",
 *   also with *e set (code 1).
 * - `now` is the caller's clock; nothing here asks for the time.
 * - Every change is one transaction: wholly there or not at all. A change is
 *   safe from kill -9 once the function returns; downgrades and events are
 *   safe from a power cut as well.
 * - Text given is borrowed for the call; NULL stands for "". Text handed to
 *   a callback lives until it returns, and is never NULL unless said. A
 *   callback returns false to stop, which is not an error. It may read the
 *   ledger through the same handle, but not write.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct db;
struct err;

/* Opaque but to the rest of this room. */
struct ledger {
	struct db *db;
};

#define LEDGER_REFUSED 1
#define LEDGER_HASH 65		   /* bytes of a SHA-256 in hex, NUL included */
#define LEDGER_TEXT_MAX 65536	   /* bytes of any one text */
#define LEDGER_DOMAINS_MAX 1048576 /* bytes of a downgrade's domains */
#define LEDGER_TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z */

enum ledger_mode { LEDGER_READ, LEDGER_WRITE };

/*
 * Open the ledger. LEDGER_WRITE makes the file (0640; the directory must be
 * there) and brings an old schema up to date; LEDGER_READ changes nothing,
 * reads a copy that is brought up to date instead (db.h), and fails with 66 if
 * there is no file (callers may take that for an empty ledger).
 *
 * Reading needs read permission only, on the file, its -wal and its -shm:
 * writers leave the latter two in place when they close, with the owner and
 * mode of the file. A file without them (a copy, a backup) is read as one
 * that nobody changes.
 */
struct ledger *ledger_open(
    const char *path, enum ledger_mode mode, struct err *e);

/* NULL is allowed. */
void ledger_close(struct ledger *l);

/*
 * How long a call may wait for other writers, from now on; 5 s unless said.
 * For a loop that must go on answering.
 */
void ledger_patience(struct ledger *l, int ms);

/*
 * Remove notices that were sent before `before`. Downgrades and events stay for
 * ever.
 */
int ledger_prune(struct ledger *l, time_t before, struct err *e);

/* The time of the newest event, 0 if there is none. */
int ledger_newest(struct ledger *l, time_t *when, struct err *e);

/*
 * Evidence once stood in the ledger. 1: some still does; 0; or -1. What is
 * empty goes when a writer opens the ledger, all of it when it was copied.
 */
int ledger_has_evidence(struct ledger *l, struct err *e);

/* What may be stored, in the evidence as well: 0, or -1 with 65 in *e. */
int ledger_need_word(const char *what, const char *s, struct err *e);
int ledger_need_hash(
    const char *what, const char *s, struct err *e); /* or "" */
int ledger_need_time(const char *what, time_t t, struct err *e);

/* --- Events ----------------------------------------------------------- */

/*
 * Rows of a chain: each hash covers the row and the hash before it. Begin,
 * extension, end and rename of a downgrade write one themselves
 * ("downgrade-begin", "downgrade-extend", "downgrade-close", "downgrade-end",
 * "downgrade-rename"), with the whole row as data. If a row is not as its last
 * event says, somebody edited it: an event "record-edited" goes before, so that
 * no later one covers it up.
 */
struct ledger_event {
	int64_t seq; /* 1, 2, 3 ... without gaps; 0 when adding */
	time_t time;
	const char *kind; /* a word: a-z, 0-9, '-' */
	const char *partner;
	const char *author;
	const char *text; /* for people */
	const char *data; /* a JSON object, or "" */
	const char *hash; /* reading only */
};

int ledger_event_add(
    struct ledger *l, const struct ledger_event *ev, struct err *e);

/* What to look for; zeroed: everything, oldest first. */
struct ledger_event_query {
	const char *partner; /* NULL: all */
	const char *kind;    /* NULL: all */
	time_t since;
	int64_t after; /* only seq > after: to go on where one stopped */
	bool newest_first;
	size_t limit; /* 0: none */
};
typedef bool ledger_event_fn(const struct ledger_event *ev, void *arg);
int ledger_events(struct ledger *l, const struct ledger_event_query *q,
    ledger_event_fn *fn, void *arg, struct err *e);

/*
 * For the rest of this room. Within a transaction: append an event, about the
 * downgrade of that number or about none (0).
 */
int ledger_event_append(struct ledger *l, const struct ledger_event *ev,
    int64_t downgrade, struct err *e);

/* The kind of events that tell of edits by hand. */
#define LEDGER_EDITED "record-edited"

/* The end of the chain, fit to be written down outside of this machine. */
struct ledger_head {
	int64_t count;		/* events; 0: none yet */
	char hash[LEDGER_HASH]; /* of the last one */
};
int ledger_head(struct ledger *l, struct ledger_head *out, struct err *e);

/* What is wrong with the record, one call of fn for each thing found. */
struct ledger_flaw {
	int64_t event;	   /* seq, 0 if it is not about one */
	int64_t downgrade; /* id, 0 the same */
	const char *text;  /* a sentence */
};
#define LEDGER_FLAW_MAX 1024 /* bytes of it, NUL included */
typedef bool ledger_flaw_fn(const struct ledger_flaw *f, void *arg);

/*
 * Walk the chain, hold every downgrade against its events and those against
 * one another, and look for triggers and the like. known (may be
 * NULL) is a head written down earlier: the only thing that finds a chain
 * forged anew from some row on. *head (may be NULL) gets the present one,
 * *flaws the number found; 0 is returned whatever that is.
 */
int ledger_check(struct ledger *l, const struct ledger_head *known,
    ledger_flaw_fn *fn, void *arg, struct ledger_head *head, size_t *flaws,
    struct err *e);

/* --- Notices ---------------------------------------------------------- */

/* Something to tell people, at least once. */
struct ledger_notice {
	int64_t id;	 /* 0 when adding */
	const char *key; /* one notice per key, sent or not */
	time_t created;
	time_t not_before;
	const char *data; /* a JSON object; its "partner" if there is one */
	unsigned tries;	  /* reading: failed so far */
	time_t sent;	  /* reading: 0: it waits */
};

/*
 * LEDGER_REFUSED if there is one of that key, sent or not. Those of one
 * partner never come due before an older one that waits: people must not
 * hear last what happened first.
 */
int ledger_notice_add(
    struct ledger *l, const struct ledger_notice *n, struct err *e);

/*
 * Is there one, sent or not, with such a key, in which '*' stands for any text?
 * 1, 0, or -1.
 */
int ledger_notice_like(struct ledger *l, const char *key, struct err *e);

/* Those due at now and not sent, the longest due first. */
typedef bool ledger_notice_fn(const struct ledger_notice *n, void *arg);
int ledger_notices_due(struct ledger *l, time_t now, ledger_notice_fn *fn,
    void *arg, struct err *e);

/* Those made from `since` on, oldest first; sent ones go by ledger_prune(). */
int ledger_notices_since(struct ledger *l, time_t since, ledger_notice_fn *fn,
    void *arg, struct err *e);

/* Does a later one of the same partner wait behind it? 1, 0, or -1. */
int ledger_notice_overtaken(struct ledger *l, int64_t id, struct err *e);

/*
 * For the rest of this room. Within a transaction: what was said of partner
 * `from`, or waits, is of `to`, in its key as well.
 */
int ledger_notice_move(
    struct ledger *l, const char *from, const char *to, struct err *e);

/*
 * Take back what waits of the partner, so that the keys are free again; the
 * one of id `but` is on its way and stays.
 */
int ledger_notice_withdraw(
    struct ledger *l, const char *partner, int64_t but, struct err *e);

/*
 * Was one of the partner sent that was made since then? 1, 0, or -1. That of id
 * `but`, on its way, counts.
 */
int ledger_notice_told(struct ledger *l, const char *partner, time_t since,
    int64_t but, struct err *e);

/*
 * It was sent, or it failed and is to be tried again at not_before; so are
 * then the later ones of its partner, not sooner.
 */
int ledger_notice_sent(struct ledger *l, int64_t id, time_t now, struct err *e);
int ledger_notice_failed(
    struct ledger *l, int64_t id, time_t not_before, struct err *e);

#endif
