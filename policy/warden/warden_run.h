/*
 * warden_run.h: the warden as a process of its own, and who starts it.
 *
 * It is tlspactd again, in another role, so that the ledger's locks, probes
 * and mails never delay an answer to Postfix. It talks to the ledger and to
 * its children, and ends with its parent: its standard input is a pipe that
 * the parent alone holds open.
 */
#ifndef WARDEN_RUN_H
#define WARDEN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct children;
struct event_base;
struct flush;
struct settings;
struct warden;

#define WARDEN_OPTION "--warden"

/*
 * Be the warden until a signal, or the end of the parent, ends it. args are
 * the options -C and -o, ended by NULL, which its children get as well.
 * Returns the exit code.
 */
int warden_run(const struct settings *set, const char *const *args);

/* --- Waiting mail -------------------------------------------------------- */

/* All is borrowed; first is private. */
struct warden_flushes {
	const struct settings *set;
	struct event_base *base;
	struct children *children;
	struct warden *warden;
	struct flush *first;
};

/*
 * List the queue and name the partner's deferred messages to postqueue -i;
 * the same once more a few seconds later, for what was on its way.
 */
void warden_flush(struct warden_flushes *all, const char *partner);

/* Forget those under way, after their children. */
void warden_flushes_end(struct warden_flushes *all);

/* --- The parent's side --------------------------------------------------- */

/* The one that a parent has started. Zeroed, there is none. */
struct warden_guard {
	const char **argv; /* owned, and the first text */
	pid_t pid;	   /* 0: none runs */
	int pipe;	   /* its end tells the warden to end */
	time_t started;
	time_t next;   /* not before, by a clock that never jumps */
	unsigned wait; /* seconds before the next try */
	bool on;
};

/* From now on keep one running, with these options. */
void warden_guard_init(struct warden_guard *g, const char *const *args,
    bool foreground, bool verbose);

/*
 * Each second, and after SIGCHLD: see whether it has ended, and start it,
 * unless it runs or it is not the time. changed: have the one that runs look
 * at the registry and the map again.
 */
void warden_guard_tick(struct warden_guard *g, time_t now, bool changed);

/* End it; it is not waited for. */
void warden_guard_end(struct warden_guard *g);

#endif
