/*
 * recompile.h: run tlspact-compile when the map says that it is time.
 */
#ifndef RECOMPILE_H
#define RECOMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct err;

#define RECOMPILE_AGAIN 60 /* seconds between two tries */

struct recompile {
	const char **argv; /* owned, not the texts; argv[0] comes first */
	char *program;
	size_t n, cap;
	pid_t pid;   /* 0: none runs */
	time_t next; /* not before, by a clock that never jumps */
	uint64_t failed;
};

/* Add an argument; the first one, the program, may be NULL until found. */
void recompile_argument(struct recompile *r, const char *arg);

/*
 * Name the program: command, or tlspact-compile beside the one that runs
 * if command is empty. No arguments can be added behind that.
 */
void recompile_program(struct recompile *r, const char *command);

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

#endif
