/*
 * publish.h: replace a file so that readers see the old or the new one
 * whole, whatever happens to us on the way.
 *
 * The new contents are written to a temporary file in the same directory,
 * synced, given the mode and owner of the old file, renamed over it, and the
 * directory is synced. A lock file beside it, NAME.lock, keeps two writers
 * apart; what a killed writer left behind is removed by the next one. On
 * every failure and on the signals that end a process, KILL and those of a
 * crash aside, the temporary file goes at once.
 *
 * Root does all of this as the account whose folder it is (owned.h).
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct publish;

/* Of a file that did not exist before; an old one's, but never more. */
#define PUBLISH_MODE 0644

/*
 * Take the lock for path, waiting up to wait_ms milliseconds for another
 * writer. A symbolic link is followed, so that its target is replaced.
 * Returns NULL with *e set: 75 if another writer keeps the lock, 73 or 77
 * if the directory cannot be written (by root: by the account whose folder or
 * link that is), 73 if there is something at path that is no regular file, or
 * a link to nothing.
 */
struct publish *publish_lock(const char *path, int wait_ms, struct err *e);

/*
 * Open the temporary file, another one after each commit. Returns a
 * descriptor, for reading and writing, that p owns, or -1 with *e set.
 */
int publish_open(struct publish *p, struct err *e);

/* The path of the temporary file, for messages; borrowed from p. */
const char *publish_temp(const struct publish *p);

/*
 * Sync, rename, sync the directory. 0, or -1 with *e set and the old file
 * still in place (but for a failed sync of the directory, when the new one
 * is in place and may be lost by a crash of the machine: the text says so).
 */
int publish_commit(struct publish *p, struct err *e);

/*
 * As publish_commit(), but to the file whose name is that of the target and
 * `suffix`, and with no bit of a mode that is not in `most`; the target is not
 * touched.
 */
int publish_commit_beside(
    struct publish *p, const char *suffix, mode_t most, struct err *e);

/*
 * Rename the file that publish_commit_beside() made over the target: this
 * takes no block of the disk. 0, or -1 with *e set, as publish_commit().
 */
int publish_take_beside(struct publish *p, const char *suffix, struct err *e);

/*
 * Give the file with that suffix another one besides, in place of what had it:
 * it is a link, which costs nothing, and its time is now. False: that cannot
 * be done.
 */
bool publish_link_beside(
    struct publish *p, const char *suffix, const char *another);

/* Give it that suffix instead, if it is there, in place of what had it. */
void publish_rename_beside(
    struct publish *p, const char *suffix, const char *another);

/* Remove PATH.SUFFIX, if it is there. */
void publish_remove_beside(struct publish *p, const char *suffix);

/* Give up what is not committed; the lock stays. */
void publish_abandon(struct publish *p);

/* Give up what is not committed, release the lock, free p. NULL is allowed. */
void publish_free(struct publish *p);

#endif
