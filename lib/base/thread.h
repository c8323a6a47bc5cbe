/*
 * thread.h: threads that help for a while.
 */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>

#define THREAD_MAX 4 /* more would mostly wait for each other */

/* How many are worth their while: 0 on a single processor, up to THREAD_MAX. */
unsigned thread_count(void);

/*
 * Start fn(arg) in a thread, which the caller joins. It gets no signals:
 * these are for the thread that expects them. 0, or -1 if there is none to
 * be had.
 */
int thread_start(pthread_t *thread, void *(*fn)(void *arg), void *arg);

#endif
