/*
 * ctldown.h: what tlspactctl(8) decides and does about a downgrade. Each deed
 * is ledger, then map, then mail.
 *
 * Functions that can fail return 0, or -1 with *e set, whose code is the exit
 * code: 1 for a well-formed "no".
 */
#ifndef CTLDOWN_H
#define CTLDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "direction.h"
#include "level.h"

struct ctl;
struct ctl_facts;
struct err;
struct step_gateway;

/* What is asked for; NULL where it was not said. */
struct ctl_lower {
	const char *partner;
	const char *span;  /* --for */
	const char *until; /* --until */
	const char *reason;
	const char *ticket;
	const char *to;
	bool inbound; /* mail from them alone */
	/* What the downgrade is of, where that is decided: ctl_may_let_in(). */
	enum direction direction;
};

/* The end that is asked for. */
int ctl_end(const struct ctl *c, const struct ctl_lower *lower, time_t *end,
    struct err *e);

/*
 * The smallest step that helps, by what the gateways showed last. If none is
 * needed, -1 with code 0, and *to is the present level.
 */
int ctl_propose(const struct ctl_facts *f, enum level *to, struct err *e);

/*
 * Is it lowered already, so that mail to it moves, or may? Then -1: another
 * downgrade is not what comes next, and *e says what is.
 */
int ctl_helped(const struct ctl *c, const struct ctl_facts *f, struct err *e);

/*
 * May mail from them be let in, and be that news? *out is what of it: as `to`,
 * encrypt or opportunistic, says; NULL: the least that helps what was refused,
 * by what that came by. For mail to them nothing changes, so nothing about
 * their gateways is asked. Code 0: there is nothing to do, as all of it is let
 * in.
 */
int ctl_may_let_in(const struct ctl *c, const struct ctl_facts *f,
    const char *to, enum direction *out, struct err *e);

/* May one go to *to, or to the level of that name, from the present one? */
int ctl_may(const struct ctl *c, const struct ctl_facts *f, const char *name,
    enum level *to, struct err *e);

/*
 * If `to` helps none of the gateways that fail by TLS at the present level: the
 * first of them that a weaker one would help, which is *takes; else NULL.
 */
const struct step_gateway *ctl_unhelped(
    const struct ctl_facts *f, enum level to, enum level *takes);

/*
 * Look at the gateways now, if tlspact-probe is there, and take from the
 * evidence what it found. If it did not look, *e says why, with code 0; it is
 * "" otherwise. Returns the exit code of ctl_facts_kept().
 */
int ctl_probe(const struct ctl *c, struct ctl_facts *f, struct err *e);

/* What may be wrong with us, by the evidence. */
struct ctl_doubts {
	bool alone; /* no other partner passes, though there is one */
	bool ahead; /* an entry of `newest` is ahead of the clock */
	time_t newest;
};
struct ctl_doubts ctl_doubts(const struct ctl *c, const struct ctl_facts *f);

/*
 * Postfix 3.11 and later returns mail that demands REQUIRETLS to its sender
 * at once where no certificate is checked; at `key` it goes. If that holds,
 * which the registry may have changed, true, and f->waiting and f->requiretls
 * tell of such mail.
 */
bool ctl_requiretls(const struct ctl *c, struct ctl_facts *f, enum level to);

/*
 * The compile that would follow, with nothing written; 0, or its exit code,
 * all being said.
 */
int ctl_rehearse(const struct ctl *c, const struct ctl_facts *f,
    const struct ctl_lower *lower, enum level to, time_t end);

/* Record that the downgrade begins; for mail from them `to` is f->full. */
int ctl_begin(const struct ctl *c, const struct ctl_facts *f,
    const struct ctl_lower *lower, enum level to, time_t end, struct err *e);

/* Record that it has another end; 0: that it is over. */
int ctl_change(const struct ctl *c, const struct ctl_facts *f,
    const char *reason, time_t end, struct err *e);

/*
 * Write the map by the ledger; but if f is not NULL, without any downgrade of
 * its partner. 0, or an exit code, all being said.
 */
int ctl_write_map(
    const struct ctl *c, const struct ctl_facts *f, bool *written);

/*
 * If the map has ended a downgrade that the ledger has not been told of, tell
 * it now: else that one stands in the way of another.
 */
void ctl_settle(const struct ctl *c);

/* Have waiting mail tried again; *tried counts it, also after a failure. */
int ctl_retry(
    const struct ctl *c, struct ctl_facts *f, size_t *tried, struct err *e);

#endif
