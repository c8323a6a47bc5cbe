/*
 * logwatch.h: wait until a file may have changed.
 *
 * By inotify(7) where it works, else (network file systems, no more
 * watches) by looking once in a while: a wait never lasts longer than its
 * timeout, so nothing is missed either way.
 */
#ifndef LOGWATCH_H
#define LOGWATCH_H

struct logwatch;

/* Never NULL. */
struct logwatch *logwatch_new(const char *path);

/*
 * The file may have been replaced since: watch the one there is now, and
 * also another name, under which it was moved (NULL: none).
 */
void logwatch_again(struct logwatch *w, const char *also);

/* Wait for a change, a signal, or timeout_ms. */
void logwatch_wait(struct logwatch *w, int timeout_ms);

/* NULL is well. */
void logwatch_free(struct logwatch *w);

#endif
