/*
 * child.h: start a program and go on; its end is told by SIGCHLD.
 */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

struct err;

/*
 * Start the program at the path argv[0], with no input, its output dropped,
 * and our standard error. Returns its process id, for waitpid(2), or -1
 * with *e set.
 */
pid_t child_start(const char *const argv[], struct err *e);

#endif
