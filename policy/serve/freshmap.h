/*
 * freshmap.h: the map that is served, kept fresh on an event loop.
 *
 * Sees that the file was replaced, takes over the new one in small steps,
 * and runs tlspact-compile when a downgrade ends, so that Postfix sees it
 * end as well.
 */
#ifndef FRESHMAP_H
#define FRESHMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct err;
struct event;
struct event_base;
struct livemap;
struct service;

#define RECOMPILE_AGAIN 60 /* seconds between two tries */

struct recompile {
	const char **argv; /* owned, not the texts */
	char *program;
	pid_t pid;   /* 0: none runs */
	time_t next; /* not before, by a clock that never jumps */
	uint64_t failed;
};

/*
 * Name the program: command, or tlspact-compile beside the one that runs
 * if command is empty; and the options that it gets, NULL-terminated, of
 * which the texts are borrowed.
 */
void recompile_init(
    struct recompile *r, const char *command, const char *const *options);

/*
 * Start it, unless it runs already or was tried less than RECOMPILE_AGAIN
 * seconds ago. 1: started; 0: not the time; -1 with *e set.
 */
int recompile_start(struct recompile *r, time_t now, struct err *e);

/*
 * After SIGCHLD. 1: it has done its work; 0: it was not ours; -1 with *e
 * set: it failed.
 */
int recompile_reap(struct recompile *r, struct err *e);

void recompile_release(struct recompile *r);

struct freshmap {
	const char *path; /* borrowed */
	struct service *service;
	struct livemap *map; /* its header is that of the map that is served */
	struct recompile recompile;
	struct event *loading, *watching;
	struct filewatch *files; /* NULL before freshmap_start() */
	time_t compiled;	 /* the map that is served */
	uint64_t loaded, refused;
};

/*
 * Load the map at path for s, whose lookup and clock are set then and with
 * each new map, and watch for new ones on base. Waits. 0, or the exit code,
 * everything being logged.
 */
int freshmap_start(struct freshmap *f, const char *path, struct service *s,
    struct event_base *base);

/* Each second, and after SIGCHLD: now is of a clock that never jumps. */
void freshmap_tick(struct freshmap *f, time_t now);

/* Has the file changed? again: take it over, whatever it looks like. */
void freshmap_look(struct freshmap *f, bool again);

/* Has something in the map ended or begun that it does not know of? */
bool freshmap_expired(const struct freshmap *f);

/* One that was never loaded is well too. */
void freshmap_release(struct freshmap *f);

#endif
