/*
 * sidemap.h: the tables that Postfix reads beside the map, and that follow from
 * it alone.
 *
 * The inbound table lets Postfix refuse clear mail of enforced partners by
 * itself, while tlspactd does not answer. Postfix looks into it in two
 * restriction classes, tlspact-setup(8):
 *   SIDEMAP_CLASS   by the sender: first the whole address, of which a
 *                      regular expression makes "=domain", so that what is
 *                      found there is for the domain and not for those below
 *                      it; then its domain and the parents of that, as
 *                      "parent" or ".parent": which of them depends on
 *                      parent_domain_matches_subdomains, so both are there
 *   SIDEMAP_BOUNCE  by the client's name, "g=name", where there is no
 *                      sender (the key "<>")
 * Values are actions, access(5). The first hit ends the search, so that a
 * domain for which nothing is asked has a row, DUNNO, where a parent's would
 * catch it.
 *
 * The REQUIRETLS table is for smtp_requiretls_policy, postconf(5): what becomes
 * of mail whose sender demands REQUIRETLS (RFC 8689). Postfix asks for the
 * A-label next-hop without brackets and port, and for the .parents of it; a
 * domain and a [host] may so be one key, which has the stricter word. The table
 * is made once a partner has such a word, and kept up from then on; a downgrade
 * changes nothing in it.
 *
 * Two files cannot be renamed at once, so each table names in its header the
 * map from which it was made. It is put in place first; whoever compiles
 * next after a crash between the two finds that it does not belong to the
 * live map, and makes it anew from that. Meanwhile both are whole: each
 * holds what was or what is to be.
 */
#ifndef SIDEMAP_H
#define SIDEMAP_H

#include <stdbool.h>
#include <time.h>

struct err;
struct maptable;
struct settings;

#define SIDEMAP_CLASS "tlspact_dead"
#define SIDEMAP_BOUNCE "tlspact_bounce"

/*
 * Make the tables of the settings, or the spare beside the inbound one, from t:
 * that is what the file `map` holds, which may yet be to be renamed (the same
 * file then counts as the same map). With the spare of the map, mapbuild.h,
 * goes the spare of the table: when the one is renamed, so can be the other.
 * Downgrades that hold at now let in. 0, or -1 with *e set and the old table in
 * place (66, 65: of the map; 73 to 77: it cannot be written).
 */
int sidemap_publish(const struct settings *set, bool spare, const char *map,
    struct maptable *t, time_t now, struct err *e);

/* Remove the spare, if there is one. */
void sidemap_drop_spare(const struct settings *set);

/* Was the table at path made from the file that now is the map? */
bool sidemap_current(const char *path, const char *map);

/*
 * Have the tables be those of the live map: nothing is done where they are, the
 * spare is taken if that is, else they are made. 0, or -1 as above.
 */
int sidemap_follow(const struct settings *set, time_t now, struct err *e);

#endif
