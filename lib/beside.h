/*
 * beside.h: do one thing in a thread while the caller does another.
 */
#ifndef BESIDE_H
#define BESIDE_H

#include <pthread.h>
#include <stdbool.h>

/* Something that is done, or may be. Not to be moved before its end. */
struct beside {
	pthread_t thread;
	bool runs;
	void (*work)(void *arg);
	void *arg;
};

/*
 * Have work(arg) done beside the caller. Where it is not worth a thread, on a
 * single processor, or if there is none to be had, it is done before this
 * returns.
 */
void beside_start(
    struct beside *b, void (*work)(void *arg), void *arg, bool worth);

/* Wait until it is done. */
void beside_end(struct beside *b);

#endif
