/*
 * filewatch.h: learn at once that a file was replaced, inotify(7).
 */
#ifndef FILEWATCH_H
#define FILEWATCH_H

#include <stdbool.h>

/*
 * Watch the directory of path. Returns a descriptor that becomes readable
 * when something in it was replaced, written or deleted; or -1, when one
 * has to look from time to time.
 */
int filewatch_open(const char *path);

/* Empty the descriptor; true if it was about path, or may have been. */
bool filewatch_read(int fd, const char *path);

#endif
