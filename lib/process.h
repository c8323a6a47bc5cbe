/*
 * process.h: what a service asks of the kernel for itself.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>

struct err;

/*
 * If we are root, become user for good, with that user's groups. 0, or -1
 * with *e set (78: there is no such user).
 */
int process_become(const char *user, struct err *e);

/* Try to be allowed to open so many files; returns how many may be. */
uint64_t process_files(uint64_t want);

/*
 * Room for so many clients and spare files besides: how many of the clients
 * there may be, which is told if it is less.
 */
uint64_t process_clients(uint64_t clients, uint64_t spare);

#endif
