/*
 * logrotated.h: the older files of a log that is rotated.
 */
#ifndef LOGROTATED_H
#define LOGROTATED_H

#include <stddef.h>
#include <time.h>

#define LOGROTATED_MAX 1000 /* files; the newest are kept */

struct logrotated {
	char *path;
	struct timespec mtime;
};

/*
 * The files beside path that are named after it: NAME.1, NAME.2.gz,
 * NAME-20261123, NAME-20261123.zst. Oldest first, by the time of the last
 * write. Returns their number; the caller frees by logrotated_free.
 */
size_t logrotated_list(const char *path, struct logrotated **out);

void logrotated_free(struct logrotated *v, size_t n);

#endif
