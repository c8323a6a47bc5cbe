/*
 * filewatch.h: learn at once that a file changed or was replaced.
 *
 * By inotify(7) where it works, else (network file systems, no more watches)
 * by looking from time to time: who waits must look once in a while, too.
 */
#ifndef FILEWATCH_H
#define FILEWATCH_H

#include <stdbool.h>

/* Read by all; changed by filewatch.c alone. */
struct filewatch {
	int fd; /* readable when something happened; -1: look by yourself */
	/* The rest is its own. */
	char *path;
	int file, also; /* watches */
};

/* Watch the folder of path, where a new file may take its place. */
struct filewatch *filewatch_new(const char *path);

/*
 * Watch also what is written to the file that is at path now, as a log is;
 * to be called again when another may be there. So too `also`, another name
 * under which it was moved (NULL: none).
 */
void filewatch_inside(struct filewatch *w, const char *also);

/*
 * Empty the descriptor. True if the file at path was replaced, deleted, or
 * closed after it was written to, or may have been.
 */
bool filewatch_read(struct filewatch *w);

/* NULL is allowed. */
void filewatch_free(struct filewatch *w);

#endif
