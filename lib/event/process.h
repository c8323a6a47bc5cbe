/*
 * process.h: our own process: its account and its limits, and copies of it
 * that do apart what the others must not be held up or endangered by.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct err;
struct event_base;
struct task;

/*
 * If we are root, become user for good, with that user's groups; keep_groups:
 * and with those that whoever started us gave, but for root's, as a unit's
 * SupplementaryGroups are. 0, or -1 with *e set (78: there is no such user).
 */
int process_become(const char *user, bool keep_groups, struct err *e);

/* Try to be allowed to open so many files; returns how many may be. */
uint64_t process_files(uint64_t want);

struct apart {
	pid_t pid; /* 0: none */
	int fd;	   /* ours of the two ends; close-on-exec, blocking */
};

/* In the child, which ends with what it returns. fd is the other end. */
typedef int apart_work(int fd, void *arg);

/*
 * Fork. The child has the descriptor fd and no other; what it prints goes
 * nowhere. If we are root, and user is
 * not "", it becomes that user for good. It ignores the signals of a terminal
 * and of a service manager, and is to end when our end is closed; nobody but
 * root can make it, if it is another user. 0, or -1 with *e set (78: there
 * is no such user).
 */
int apart_start(struct apart *a, const char *user, apart_work *work, void *arg,
    struct err *e);

/*
 * Close our end and wait for it; now: it is killed first. 0 if it ended with
 * 0 or was killed by us, else -1 with *e set, whose code is its own, or 69 if
 * it died or does not end; name is what to call it. It is waited for, but not
 * for ever.
 */
int apart_end(struct apart *a, bool now, const char *name, struct err *e);

/*
 * A task is work of an event loop that must not wait: it is done apart, and
 * the loop is told when its result is there.
 */
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

/* End it, nobody is told. NULL is allowed. */
void task_cancel(struct task *t);

#endif
