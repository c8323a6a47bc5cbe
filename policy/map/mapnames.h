/*
 * mapnames.h: a step of mapbuild.c: partners who have another name than in the
 * record or in the registry before, and say so by former=, or might.
 */
#ifndef MAPNAMES_H
#define MAPNAMES_H

struct mapbuild;

/* Warn of those who may have another name, and do not say so. */
void mapnames_warn(struct mapbuild *b);

/* Downgrades of the ledger hold by the names of the registry. */
void mapnames_holds(struct mapbuild *b);

/* Find the former= that nothing is on record of; after mapnames_holds(). */
void mapnames_check(struct mapbuild *b);

/*
 * The registry is accepted: the record follows it. What cannot be written now
 * is by the next run: the downgrades hold all the same, for so far only the map
 * knows of the new name.
 */
void mapnames_follow(struct mapbuild *b);

/* Record who may have another name now, so that it can be told later. */
void mapnames_heirs(struct mapbuild *b);

#endif
