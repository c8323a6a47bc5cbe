/*
 * apart.h: what meets strangers is done apart, by a child that may do nothing
 * else: as another user, without any of our files.
 */
#ifndef APART_H
#define APART_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct apart {
	pid_t pid; /* 0: none */
	int fd;	   /* ours of the two ends; close-on-exec, blocking */
};

/* In the child, which ends with what it returns. fd is the other end. */
typedef int apart_work(int fd, void *arg);

/*
 * Fork. The child has the descriptor fd and no other, but for standard input
 * if that is kept; what it prints goes nowhere. If we are root, and user is
 * not "", it becomes that user for good. It ignores the signals of a terminal
 * and of a service manager, and is to end when our end is closed; nobody but
 * root can make it, if it is another user. 0, or -1 with *e set (78: there
 * is no such user).
 */
int apart_start(struct apart *a, const char *user, bool keep_input,
    apart_work *work, void *arg, struct err *e);

/*
 * Close our end and wait for it; now: it is killed first. 0 if it ended with
 * 0 or was killed by us, else -1 with *e set, whose code is its own, or 69 if
 * it died or does not end; name is what to call it. It is waited for, but not
 * for ever.
 */
int apart_end(struct apart *a, bool now, const char *name, struct err *e);

#endif
