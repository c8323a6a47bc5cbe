/*
 * mapchange.h: in what a new map differs from the live one: row by row, for
 * people and for the guard against accidents; and as those see it of whom
 * something is demanded: the level, the inbound rule, and what holds after a
 * downgrade.
 */
#ifndef MAPCHANGE_H
#define MAPCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "level.h"
#include "maprecord.h"
#include "span.h"
#include "strength.h"

struct buf;
struct cdbmap;
struct maprow;
struct maptable;
struct registry;

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
	enum change row;    /* of the row's text alone */
	enum change change; /* of what is demanded */
	enum mapcause cause;
	bool same;   /* the row is another text, and Postfix does the same */
	bool client; /* key is a client's name (" g:"), not a next-hop */
	/*
	 * The live map is not one of ours: it says nothing of mail that comes
	 * in, and that is not compared.
	 */
	bool only_out;
	/*
	 * Less is demanded, and not by a downgrade alone. Of a row that is
	 * lowered the demands after its end are compared.
	 */
	bool loses;
	bool later; /* then: nothing is less while it is lowered */
	/*
	 * One of both is lowered, and what holds without that differs, though
	 * by its words alone: mapdemand_words() says them.
	 */
	bool in_full;
	bool lost; /* one of those that the guard counts */
	/* The live row protected nobody: why it is never asked for, or that all
	 * mail is held for it. */
	const char *unasked;
	bool held;
	/* Of a row that is gone: the new map's that decides, or NULL. */
	const struct maprow *above;
	const char *key; /* borrowed, not NUL-terminated */
	size_t keylen;
	struct mapdemand was, is;
};

struct mapchanges {
	struct mapchange *v; /* as in the new map; then what is gone */
	size_t n, cap;
	bool first; /* there is no map before */
	/* Rows for Postfix, by their texts. */
	size_t row[CHANGE_OTHER + 1]; /* that differ, by enum change */
	/* In the live map, over opportunistic, and of use: see mapchange. */
	size_t live_enforced;
	size_t lost;  /* of these, removed or weakened, but by no downgrade */
	bool emptied; /* the new map is of no partner at all */
	size_t rows;  /* in the new map */
	size_t level[LEVEL_SECURE + 1]; /* of these, by enum level */
	/* What is demanded, of next-hops and clients. */
	size_t count[CHANGE_OTHER + 1]; /* that differ, by enum change */
	size_t cause[MAPCAUSES];
	size_t losses;
	size_t records; /* of any kind that differ */
	bool damaged;	/* the live map cannot be read whole */
	bool any;	/* in place it would change more than the header */
	struct mapheader was, is; /* zeroed if there is none */
};

/*
 * Compare a map with the live one, was. If that is NULL, what is added is
 * counted, and kept only if `list` is set. Both outlive out, which the caller
 * releases.
 */
void mapchanges(
    struct mapchanges *out, struct cdbmap *was, struct maptable *is, bool list);
void mapchanges_release(struct mapchanges *c);

/*
 * The changes of what is demanded, n of them: weaker first, then removed,
 * changed, stronger, added; by key among those. The caller frees the array.
 */
const struct mapchange **mapchanges_ranked(
    const struct mapchanges *c, size_t *n);

/* The order of keys, for qsort(3) of such an array. */
int mapchange_by_key(const void *x, const void *y);

/*
 * The guard of max_weakened: `limit` is "N" or "N%", percent of the live
 * enforced rows but at least 2. True if more were lost than that, or if any
 * was lost to a registry without partners; *allowed is the number that may
 * be lost.
 */
bool mapchanges_too_much(
    const struct mapchanges *c, const char *limit, size_t *allowed);

/* "secure", or "secure inbound off" and so on where that does not follow. */
void mapdemand_print(const struct mapdemand *d, bool client, struct buf *out);

/*
 * Append what the demand has and another one that looks alike has not: words
 * of the row, such as "match=mx1.a.example", whom the inbound rule lets in, the
 * end of the downgrade. Nothing if it is only less. Where one of both
 * is lowered, of what holds without that.
 */
void mapdemand_words(
    const struct mapdemand *d, const struct mapdemand *other, struct buf *out);

/*
 * Append "secure -> encrypt", or, where both look alike, or are in full of the
 * same level, with what differs, cut to fit: "secure match=mx1.a.example ->
 * secure match=mx2.a.example"; or "secure to the same in other words".
 */
void mapchange_print(const struct mapchange *c, struct buf *out);

/* The same of what holds without a downgrade. */
void mapchange_print_full(const struct mapchange *c, struct buf *out);

/*
 * Is the row gone because its domain is that of an opportunistic partner now,
 * who is in r, the new map's registry?
 */
bool mapchange_stays(const struct mapchange *c, const struct registry *r);

/*
 * What mail goes by for whom the row is gone, *by being its key: the policy
 * above; or, where *by is empty, level, which is smtp_tls_security_level of
 * main.cf, or NULL if that is not known.
 */
struct span mapchange_now(
    const struct mapchange *c, const char *level, struct span *by);

/* Append that: "by .a.example: encrypt", "as before: ...". */
void mapchange_print_now(
    const struct mapchange *c, const char *level, struct buf *out);

#endif
