/*
 * mapevent.h: each map that is put in place is an event of the ledger.
 *
 * The event is committed to disk first, with the digests of the map in place
 * and of the new one; then the new one is renamed. So no map gets there
 * unrecorded, wherever the process dies. If the rename does not come about,
 * the map in place is still the one before, and that is appended by whoever
 * looks next: what is recorded is corrected, never missing. Any other map
 * that is found in place was put there without us, and is recorded as well.
 *
 * Kinds of events, all with a JSON object as data ("file" is the map's path,
 * "before" and "after" SHA-256 digests of the whole file, "" if there is
 * none):
 *   map             a new map
 *   map-failed      the map of the last event is not in place, but the one
 *                   before it
 *   map-found       the first map that is seen, made before maps were recorded
 *   map-unrecorded  another map, or none, is in place than was recorded
 */
#ifndef MAPEVENT_H
#define MAPEVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "digest.h"

struct buf;
struct err;
struct ledger_event;
struct mapchanges;
struct registry;
struct settings;

#define MAPEVENT_KIND "map"		    /* of an event that names rows */
#define MAPEVENT_OPENED "opportunistic now" /* a row whose partner stays */
#define MAPEVENT_NAMED 50		    /* rows that an event names */

/*
 * Hold the map in place against the last event about it, and tell what days
 * are over (day.h). A ledger that is not there is not made. 0, or -1 with *e
 * set if it cannot be told.
 */
int mapevent_look(const struct settings *set, time_t now, struct err *e);

/* Of what the map is made, and the one before; NULL: that is not known. */
struct mapevent_made {
	const struct registry *is, *was;
	/* How somebody who saw what goes away agreed: MAPEVENT_EDIT and so on;
	 * NULL: nobody did. */
	const char *agreed;
};

#define MAPEVENT_EDIT "edit" /* tlspactctl edit, which shows it and asks */
#define MAPEVENT_ACCEPTED "accept-weaker"

/*
 * The map in the file `fresh` is about to be put in place. Append what that
 * changes, with the name of the partner beside each row, making the ledger if
 * it is not there. 0, or -1 with *e set: no event tells of it.
 */
int mapevent_announce(const struct settings *set, const struct mapchanges *c,
    const struct mapevent_made *of, const char *fresh, time_t now,
    struct err *e);

/*
 * What an event says was changed of mail to partners by anything else than a
 * downgrade, or its end: fn gets the key of each such row; or NULL once, where
 * any may have been, as the event does not name them all. Nothing is said of
 * other kinds.
 */
typedef void mapevent_changed_fn(const char *key, time_t at, void *arg);
void mapevent_changed(
    const struct ledger_event *ev, mapevent_changed_fn *fn, void *arg);

/*
 * Whose the rows are that an event names, whatever changed them: fn gets each
 * key, a domain or next-hop, with the names of the partners that have it now
 * and had it before the event, NULL for nobody. Older events name none, or only
 * who has a row.
 */
typedef void mapevent_owner_fn(const struct ledger_event *ev, const char *key,
    const char *is, const char *was, void *arg);
void mapevent_owners(
    const struct ledger_event *ev, mapevent_owner_fn *fn, void *arg);

/* The same of those alone by which an Enforced domain has less. */
void mapevent_losses(
    const struct ledger_event *ev, mapevent_owner_fn *fn, void *arg);

/* Is a row gone whose partner stays, with nothing demanded of it? */
bool mapevent_opens(const json_t *row);

/* Of the losses those by which nothing is demanded of one that stays. */
void mapevent_opened(
    const struct ledger_event *ev, mapevent_owner_fn *fn, void *arg);

/* The digest, digest.h, of the registry of which the map before was made.
 * False: the event does not tell. */
bool mapevent_registry_was(
    const struct ledger_event *ev, char digest[DIGEST_HEX]);

/* How somebody agreed to it, as in struct mapevent_made; or NULL. */
const char *mapevent_agreed(const struct ledger_event *ev);

/* The rows that an event does not name. */
struct mapevent_rest {
	uint64_t rows;
	bool counted;	   /* the rest is known; older events do not tell */
	uint64_t lost;	   /* enforced ones, removed or weakened */
	uint64_t losers;   /* whose these were, who have no row that is named */
	uint64_t partners; /* that lost something, and are not named either */
};

/*
 * Is there any? fn (NULL: none) gets the names of partners that lost something
 * by these rows alone, and not by a downgrade or its end: hundreds fit.
 */
typedef void mapevent_other_fn(
    const struct ledger_event *ev, const char *name, void *arg);
bool mapevent_rest(const struct ledger_event *ev, mapevent_other_fn *fn,
    void *arg, struct mapevent_rest *out);

/*
 * Of a row of an event: append what was demanded, or is, for people: "secure",
 * or, where both look alike, or are in full of the same level, with what
 * differs: "secure match=mx1.a.example". Events of older versions have the
 * rows alone.
 */
void mapevent_demand(const json_t *row, bool is, struct buf *out);

/*
 * Does the row of an Enforced domain demand less, and not by a downgrade or its
 * end? As mapchanges() judged it when the map was made: a lower level is less,
 * and so are an older protocol, and a suffix or `hostname' among the names. One
 * more gateway by its name is not told as that.
 */
bool mapevent_weakens(const json_t *row);

/*
 * Of the data of an event: how many rows its text does not name, of *all; how
 * many have no name there either, only a digest. anybody: those that may have
 * taken something from a partner whose name does not stand there either.
 */
size_t mapevent_untold(const json_t *data, size_t *all);
size_t mapevent_unnamed(const json_t *data, bool anybody);

#endif
