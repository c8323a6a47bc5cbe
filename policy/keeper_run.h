/*
 * keeper_run.h: the keeper as a process of its own, and who starts it.
 *
 * It is tlspactd again, in another role, so that the ledger's locks, probes
 * and mails never delay an answer to Postfix. It talks to the ledger and to
 * its children, and ends with its parent: its standard input is a pipe that
 * the parent alone holds open.
 */
#ifndef KEEPER_RUN_H
#define KEEPER_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct settings;

#define KEEPER_OPTION "--keeper"

/*
 * Be the keeper until a signal, or the end of the parent, ends it. args are
 * the options -C and -o, which its children get as well. Returns the exit
 * code.
 */
int keeper_run(
    const struct settings *set, const char *const *args, size_t nargs);

/* The one that a parent has started. Zeroed, there is none. */
struct keeper_guard {
	const char **argv; /* owned, not the texts */
	char *program;	   /* argv[0] */
	pid_t pid;	   /* 0: none runs */
	int pipe;	   /* its end tells the keeper to end */
	time_t started;
	time_t next;   /* not before, by a clock that never jumps */
	unsigned wait; /* seconds before the next try */
	bool on;
};

/* From now on keep one running, with these options. */
void keeper_guard_init(struct keeper_guard *g, const char *const *args,
    size_t nargs, bool foreground, bool verbose);

/* Start it, unless it runs or it is not the time. */
void keeper_guard_tick(struct keeper_guard *g, time_t now);

/* After SIGCHLD. */
void keeper_guard_reap(struct keeper_guard *g, time_t now);

/* Have it look at the registry and the map again. */
void keeper_guard_reload(const struct keeper_guard *g);

/* End it; it is not waited for. */
void keeper_guard_end(struct keeper_guard *g);

#endif
