/*
 * process.h: what a service asks of the kernel for itself.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct err;

/*
 * If we are root, become user for good, with that user's groups. 0, or -1
 * with *e set (78: there is no such user).
 */
int process_become(const char *user, struct err *e);

/*
 * The same, and keep the groups that whoever started us gave, but for root's:
 * those of a unit's SupplementaryGroups.
 */
int process_become_here(const char *user, struct err *e);

/* The id of a group. 0, or -1 with *e set (78: there is none). */
int process_group(const char *name, gid_t *gid, struct err *e);

/* Try to be allowed to open so many files; returns how many may be. */
uint64_t process_files(uint64_t want);

#endif
