/*
 * mapchange.h: in what two maps differ, as those see it of whom something is
 * demanded: the level, the inbound rule, and what holds after a downgrade.
 */
#ifndef MAPCHANGE_H
#define MAPCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "level.h"
#include "maprecord.h"
#include "strength.h"

struct buf;
struct cdbmap;

/* Why a row differs: what else differs tells. */
enum mapcause {
	MAPCAUSE_REGISTRY,
	MAPCAUSE_SETTINGS,  /* the same registry: settings, or Postfix's version
			     */
	MAPCAUSE_DOWNGRADE, /* it began, or has another end */
	MAPCAUSE_END,	    /* of a downgrade */
	MAPCAUSES
};

/* "registry", "settings", "downgrade", "end". */
const char *mapcause_name(enum mapcause c);

/* What one map demands under a key; borrowed from it. */
struct mapdemand {
	const char *row; /* NULL: there is none */
	size_t rowlen;
	const char *record; /* see maprecord.h; NULL: none */
	size_t recordlen;
};

struct mapchange {
	enum change change;
	enum mapcause cause;
	bool client; /* key is a client's name (" g:"), not a next-hop */
	/*
	 * Less is demanded, and not by a downgrade alone. Of a row that is
	 * lowered the demands after its end are compared.
	 */
	bool loses;
	const char *key; /* borrowed, not NUL-terminated */
	size_t keylen;
	struct mapdemand was, is;
};

struct mapchanges {
	struct mapchange *v; /* weaker first, then removed, changed, stronger,
				added; by key among those */
	size_t n, cap;
	size_t count[CHANGE_OTHER + 1]; /* by enum change */
	size_t cause[MAPCAUSES];
	size_t losses;
	size_t rows;			/* for Postfix, of the new map */
	size_t level[LEVEL_SECURE + 1]; /* of these, by enum level */
	bool damaged;			/* a map cannot be read whole */
	struct mapheader was, is;	/* zeroed if there is none */
};

/*
 * Compare two maps; was may be NULL, and what is added to it is then counted
 * but not kept. Both outlive out, which the caller releases.
 */
void mapchanges(struct mapchanges *out, struct cdbmap *was, struct cdbmap *is);
void mapchanges_release(struct mapchanges *c);

/* "secure", or "secure inbound off" and so on where that does not follow. */
void mapdemand_print(const struct mapdemand *d, bool client, struct buf *out);

#endif
