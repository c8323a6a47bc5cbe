/*
 * inboundmap.h: the table by which Postfix refuses clear mail of enforced
 * partners by itself, while tlspactd does not answer.
 *
 * It lies beside the map and follows from it alone. Postfix looks into it in
 * two restriction classes, tlspact-setup(8):
 *   INBOUNDMAP_CLASS   by the sender: first the whole address, of which a
 *                      regular expression makes "=domain", so that what is
 *                      found there is for the domain and not for those below
 *                      it; then its domain and the parents of that, as
 *                      "parent" or ".parent": which of them depends on
 *                      parent_domain_matches_subdomains, so both are there
 *   INBOUNDMAP_BOUNCE  by the client's name, "g=name", where there is no
 *                      sender (the key "<>")
 * Values are actions, access(5). The first hit ends the search, so that a
 * domain for which nothing is asked has a row, DUNNO, where a parent's would
 * catch it.
 *
 * Two files cannot be renamed at once, so the table names in its header the
 * file from which it was made. It is put in place first; whoever compiles
 * next after a crash between the two finds that it does not belong to the
 * live map, and makes it anew from that. Meanwhile both are whole: each
 * holds what was or what is to be.
 */
#ifndef INBOUNDMAP_H
#define INBOUNDMAP_H

#include <stdbool.h>
#include <time.h>

struct err;
struct maptable;

#define INBOUNDMAP_CLASS "tlspact_dead"
#define INBOUNDMAP_BOUNCE "tlspact_bounce"

/*
 * Make the table at path, or the spare beside it, from t: that is what the file
 * `map` holds, which may yet be to be renamed (the same file then counts as the
 * same map). With the spare of the map, mapbuild.h, goes the spare of the
 * table: when the one is renamed, so can be the other. Downgrades that hold at
 * now let in. 0, or -1 with *e set and the old table in place (66, 65: of the
 * map; 73 to 77: it cannot be written).
 */
int inboundmap_publish(const char *path, bool spare, const char *map,
    struct maptable *t, time_t now, struct err *e);

/* Remove the spare, if there is one. */
void inboundmap_drop_spare(const char *path);

/* Was the table at path made from the file that now is the map? */
bool inboundmap_current(const char *path, const char *map);

/*
 * Have the table be the one of the live map: nothing is done if it is, the
 * spare is taken if that is, else it is made. 0, or -1 as above.
 */
int inboundmap_follow(
    const char *path, const char *map, time_t now, struct err *e);

#endif
