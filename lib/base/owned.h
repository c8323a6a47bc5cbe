/*
 * owned.h: files in a folder that may be another account's, written as that
 * account.
 *
 * Root that writes where an account with fewer rights may rename and link can
 * be led anywhere. So, as postmap(1) does, it becomes that account for as long
 * as it writes, and names a file by the open folder that it was found in. The
 * account is the first one other than root that owns something on the way: a
 * folder, or a symbolic link. Who is not root stays who he is.
 */
#ifndef OWNED_H
#define OWNED_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

struct owned {
	int dir;     /* the folder, open; -1: none */
	char *name;  /* of the file in it */
	char *path;  /* of the file, without the links that were followed */
	bool linked; /* the path given was a symbolic link */
	uid_t uid;   /* the account, 0 if all is root's or we are not root */
	gid_t gid;
};

/*
 * Find the folder of the file at path, which need not exist. If it is a
 * symbolic link and `follow`, that of its target, and so on. 0, or -1 with *e
 * set as for output (73, 77), and errno: the account cannot get there.
 */
int owned_find(struct owned *o, const char *path, bool follow, struct err *e);

/*
 * Become the account, until owned_leave(); its group is that of what it owns
 * on the way. Within another enter, nothing is done. 0, or -1 with *e set.
 */
int owned_enter(const struct owned *o, struct err *e);

/* Become root again, if this enter changed that. errno is kept. */
void owned_leave(const struct owned *o);

/* Become the account for good. 0, or -1 with *e set. */
int owned_become(const struct owned *o, struct err *e);

/* Close and free what o has; one that was zeroed or failed is well. */
void owned_release(struct owned *o);

/*
 * Open the lock file PATH.SUFFIX, made as the account with mode 0600 if it is
 * not there; a link is not followed. A descriptor, or -1 with *e set.
 */
int owned_lock_file(const struct owned *o, const char *suffix, struct err *e);

#endif
