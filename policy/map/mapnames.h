/*
 * mapnames.h: a step of mapbuild.c: partners who have another name than in the
 * record or in the registry before, and say so by former=, or might.
 */
#ifndef MAPNAMES_H
#define MAPNAMES_H

struct mapbuild;

/*
 * Downgrades of the ledger hold by the names of the registry. Who may have
 * another name now and does not say so is warned of, and so is a former= that
 * nothing is on record of.
 */
void mapnames_take(struct mapbuild *b);

/*
 * The registry is accepted: the record follows it, and has who may have another
 * name, so that it can be told later. What cannot be written now is by the next
 * run: the downgrades hold all the same, for so far only the map knows of the
 * new name.
 */
void mapnames_follow(struct mapbuild *b);

#endif
