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

#include <time.h>

struct err;
struct mapchanges;
struct settings;

#define MAPEVENT_NAMED 50 /* rows that an event names */

/*
 * Hold the map in place against the last event about it, and tell what days
 * are over (day.h). A ledger that is not there is not made. 0, or -1 with *e
 * set if it cannot be told.
 */
int mapevent_look(const struct settings *set, time_t now, struct err *e);

/*
 * The map in the file `fresh` is about to be put in place. Append what that
 * changes, making the ledger if it is not there. 0, or -1 with *e set: no
 * event tells of it.
 */
int mapevent_announce(const struct settings *set, const struct mapchanges *c,
    const char *fresh, time_t now, struct err *e);

#endif
