/*
 * mapwrite.h: a map, and the way back from it, onto the disk.
 */
#ifndef MAPWRITE_H
#define MAPWRITE_H

#include <stdbool.h>
#include <time.h>

struct cdbmap_writer;
struct compiled;
struct err;
struct mapheader;
struct publish;

#define MAPWRITE_SPARE ".full" /* behind the name of the map */

struct mapwrite {
	/* Add all records, with nothing lowered if full is set; 0 or -1. */
	int (*fill)(
	    struct cdbmap_writer *w, bool full, void *arg, struct err *e);
	/*
	 * Called before the file at path is put in place. -1 with *e set: it
	 * is not.
	 */
	int (*before)(const char *path, void *arg, struct err *e);
	void *arg;
	bool lowered; /* some rows are: the spare comes first */
	/* The table that goes with the map, inboundmap.h; NULL: later. */
	const char *inbound;
	time_t now; /* for it */
};

/*
 * Replace the map. Where rows are lowered, the same map with nothing lowered
 * is first written beside it: from then on the way back is a rename, which
 * takes no block of the disk. Where none is, there is no spare afterwards.
 * The inbound table is put in place first, and has a spare as well.
 * 0, or -1 with *e set and the old map in place; what was not finished is
 * gone from the disk.
 */
int mapwrite(struct publish *p, const struct mapwrite *m, struct err *e);

/* The spare alone. */
int mapwrite_spare(struct publish *p, const struct mapwrite *m, struct err *e);

/*
 * Is there a spare beside the map, a whole one with nothing lowered? With
 * live, only if it was written together with the map of that header.
 */
bool mapwrite_has_spare(const struct publish *p, const struct mapheader *live);

/* Rename the spare over the map. 0, or -1 with *e set: 66 if there is none. */
int mapwrite_take_spare(struct publish *p, struct err *e);

/* Remove the spare, if there is one. */
void mapwrite_drop_spare(struct publish *p);

/* Add the rows of c, compiled at `now`, and the header. 0, or -1. */
int mapwrite_rows(
    struct cdbmap_writer *w, struct compiled *c, time_t now, struct err *e);

#endif
