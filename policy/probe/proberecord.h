/*
 * proberecord.h: probe results into the evidence, and what it remembers.
 */
#ifndef PROBERECORD_H
#define PROBERECORD_H

#include "evidence.h"

struct err;
struct probemoved;
struct proberefused;
struct proberecord;
struct proberow;
struct probetarget;
struct registry;
struct starttls_result;

#define PROBERECORD_DAYS 30 /* gateways not seen for longer are forgotten */

/*
 * Open the evidence, as evidence_open(). Never NULL: if that fails, e->code is
 * not 0, and the rest does nothing but count. With EVIDENCE_READ nothing is
 * added, and evidence that is not there is empty.
 */
struct proberecord *proberecord_open(const char *path, const char *ledger,
    enum evidence_mode mode, struct err *e);

/*
 * Add one result, by the rule that the partner has, and say what its gateway
 * shows by turns. Only next-hops that stand in the registry are kept: what was
 * looked at by another name would grow old there. s may be NULL. 0, or -1 with
 * *e set for the first failure only.
 */
int proberecord_add(struct proberecord *p, struct proberow *row,
    const struct starttls_result *s, struct err *e);

/*
 * All rows of the target were added, of a look that began then: gateways there
 * that it did not meet are gone. Not where one was lost. 0, or -1 as above.
 */
int proberecord_told(struct proberecord *p, const struct probetarget *t,
    time_t began, struct err *e);

/* The key that passed last, or NULL; good until the next call. */
const char *proberecord_last_key(
    struct proberecord *p, const struct probetarget *t, const char *host);

/*
 * The same of a partner whose gateway is not known: `key` (SPKI SHA-256) if any
 * of them last passed with that, else the one that passed last of all.
 */
const char *proberecord_any_key(
    struct proberecord *p, const char *partner, const char *key);

/*
 * Which of the n targets had a gateway that let us wait the last time, as the
 * evidence of proberecord_open() says: their slow[] is set. To begin with
 * these makes a sweep shorter. What cannot be read is not known.
 */
void proberecord_slow(const char *path, const char *ledger,
    const struct probetarget *t, size_t n, bool *slow);

/*
 * The gateways that the evidence has seen lately, of partners of reg and not
 * evidence_gone() within span: what names them, the time of the last look and
 * the end of the last certificate seen (0: none). They live until p is closed.
 * 0, or -1 with *e set.
 */
int proberecord_seen(struct proberecord *p, const struct registry *reg,
    time_t now, time_t span, const struct evidence_probe **seen, size_t *n,
    struct err *e);

/*
 * The rows whose gateway fails by TLS and is new at its next-hop, where another
 * one passed that is in no row: one for each next-hop, of registered partners.
 * They live until p is closed. 0, or -1 with *e set.
 */
int proberecord_moved(struct proberecord *p, struct proberow *const *row,
    size_t n, const struct probemoved **moved, size_t *nmoved, struct err *e);

/*
 * Whose mail to us was refused last, since then: one for each partner of the
 * rows. They live until p is closed. 0, or -1 with *e set.
 */
int proberecord_refused(struct proberecord *p, struct proberow *const *row,
    size_t n, time_t since, const struct proberefused **refused,
    size_t *nrefused, struct err *e);

/* What the warden and the reports ask for is never removed. */
#define PROBERECORD_KEEP (90u * 86400) /* seconds */

/*
 * There is nothing more to add: remove what evidence_prune() may, if it is
 * older than `keep` seconds before now, and not before PROBERECORD_KEEP; 0
 * keeps all. 0, or the exit code for results that were lost, *lost of them,
 * which was told already, or for what could not be removed: then e->code is
 * not 0.
 */
int proberecord_end(struct proberecord *p, time_t now, uint64_t keep,
    size_t *lost, struct err *e);

/* NULL is allowed. */
void proberecord_close(struct proberecord *p);

#endif
