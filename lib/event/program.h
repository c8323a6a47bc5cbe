/*
 * program.h: find programs, start them, and learn what they say and how they
 * end.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct children;
struct err;
struct event_base;

/*
 * The path of the program of that name beside the one that runs; if there is
 * none the name, as PATH may know it. NULL: of the one that runs itself. The
 * caller frees it.
 */
char *program_beside(const char *name);

/*
 * PROGRAM FIRST... OPTIONS..., both lists ended by NULL, or NULL. The program
 * is owned from now on, the other texts are borrowed; for program_argv_free(),
 * which takes NULL.
 */
const char **program_argv(
    char *program, const char *const *first, const char *const *options);
void program_argv_free(const char **argv);

/*
 * Start argv[0]: a path, or found in PATH, /usr/sbin and /sbin. It gets our
 * environment, the signals as they are by default, and of our descriptors
 * that close on exec these three alone; -1 is no input, output that is
 * dropped, and our standard error. Returns its process id, for waitpid(2),
 * or -1 with *e set (69).
 */
pid_t program_start(
    const char *const argv[], int in, int out, int err, struct err *e);

/*
 * Run it with no input. Returns its standard output, which the caller frees,
 * NUL-terminated, of max bytes or less, or NULL with *e set: not found or
 * failed (69, with the last line that it wrote to standard error), too much
 * output or timeout (69).
 */
char *program_read(
    const char *const argv[], size_t max, int timeout_ms, struct err *e);

/*
 * The same with that input. To end with 1 and without a word, as postmap(1)
 * and grep(1) do where nothing is found, is no failure but an empty answer.
 */
char *program_ask(const char *const argv[], const char *input, size_t max,
    int timeout_ms, struct err *e);

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
	const char *const *argv; /* as for program_start() */
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

/* Ends those that run, whose fn is not called; NULL is allowed. */
void children_free(struct children *c);

/* True if it ended with 0 and in time; else the reason is put into *e. */
bool child_well(const struct child_end *end, const char *name, struct err *e);

#endif
