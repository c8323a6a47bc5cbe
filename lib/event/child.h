/*
 * child.h: start a program and go on.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct children;
struct err;
struct event_base;

/*
 * Start the program at the path argv[0], with no input, its output dropped,
 * and our standard error. Returns its process id, for waitpid(2), or -1
 * with *e set.
 */
pid_t child_start(const char *const argv[], struct err *e);

/*
 * The same with the descriptor `in` as its input, which it alone gets of
 * those that close on exec.
 */
pid_t child_start_input(const char *const argv[], int in, struct err *e);

/* What became of one that an event loop has run. */
struct child_end {
	int status;	 /* of waitpid(2) */
	bool late;	 /* its time was up: we ended it */
	bool cut;	 /* it printed more than out_max */
	const char *out; /* NUL-terminated, "" if nothing */
	const char *err; /* the same, of standard error */
};

/* Called once, from the loop. */
typedef void child_fn(const struct child_end *end, void *arg);

struct child_work {
	const char *const *argv; /* argv[0]: a path, or found in PATH */
	const char *input;	 /* copied; NULL: none */
	size_t inlen;
	size_t out_max; /* bytes of standard output to keep; 0: none */
	int seconds;	/* patience; then it is killed */
	child_fn *fn;
	void *arg;
	bool own; /* arg is freed if it comes to an end without fn */
};

/* Those of one loop. They take SIGCHLD; SIGPIPE has to be ignored. */
struct children *children_new(struct event_base *base);

/* Start one. 0, or -1 with *e set; then fn is not called. */
int children_run(struct children *c, const struct child_work *w, struct err *e);

/* How many run. */
size_t children_count(const struct children *c);

/* Ends those that run, whose fn is not called; NULL is well. */
void children_free(struct children *c);

/* True if it ended with 0 and in time; else the reason is put into *e. */
bool child_well(const struct child_end *end, const char *name, struct err *e);

#endif
