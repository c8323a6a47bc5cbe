/*
 * task.h: work that may take a while, done by a copy of ourselves.
 *
 * For an event loop that must not wait: a child is forked, does the work,
 * and writes what it found to a pipe; the loop is told when all is there.
 */
#ifndef TASK_H
#define TASK_H

#include <stddef.h>

struct buf;
struct err;
struct event_base;
struct task;

#define TASK_MAX (16u << 20) /* bytes of a result */

/* In the child: append the result to out. 0, or -1: it has failed. */
typedef int task_work(void *arg, struct buf *out, struct err *e);

/*
 * In the parent, once: the result, or NULL with *e set. The task is gone
 * when it returns.
 */
typedef void task_done(
    void *arg, const char *text, size_t len, const struct err *e);

/* NULL with *e set if it cannot be started. */
struct task *task_start(struct event_base *base, task_work *work,
    task_done *done, void *arg, struct err *e);

/* End it, nobody is told. NULL is well. */
void task_cancel(struct task *t);

#endif
