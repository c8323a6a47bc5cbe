/*
 * keeper.h: keeps the map that is served fresh, on an event loop.
 *
 * Sees that the file was replaced, takes over the new one in small steps,
 * and runs tlspact-compile when a downgrade ends, so that Postfix sees it
 * end as well.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "recompile.h"

struct event;
struct event_base;
struct filewatch;
struct livemap;
struct mapheader;
struct service;

struct keeper {
	const char *path; /* borrowed */
	struct service *service;
	struct livemap *map;
	struct recompile recompile;
	struct event *loading, *watching;
	struct filewatch *files; /* NULL before keeper_start() */
	time_t compiled;	 /* the map that is served */
	uint64_t loaded, refused;
};

/*
 * Load the map at path for s, whose lookup and clock are set then and with
 * each new map. Waits. 0, or the exit code, everything being logged.
 */
int keeper_load(struct keeper *k, const char *path, struct service *s);

/* Watch for new ones from now on. */
void keeper_start(struct keeper *k, struct event_base *base);

/* Each second: now is of a clock that never jumps. */
void keeper_tick(struct keeper *k, time_t now);

/* Has the file changed? again: take it over, whatever it looks like. */
void keeper_look(struct keeper *k, bool again);

/* After SIGCHLD. */
void keeper_child(struct keeper *k);

const struct mapheader *keeper_header(const struct keeper *k);

/* Is the map that is served the one on disk? */
bool keeper_current(const struct keeper *k);

/* Has something in the map ended or begun that it does not know of? */
bool keeper_expired(const struct keeper *k);

/* A keeper that never loaded is well too. */
void keeper_release(struct keeper *k);

#endif
