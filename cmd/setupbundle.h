/*
 * setupbundle.h: what those who are to help need to know of this gateway, as a
 * tar file, without what is nobody's business.
 */
#ifndef SETUPBUNDLE_H
#define SETUPBUNDLE_H

#include <stdbool.h>

struct settings;

/*
 * Make the file, which must not be there yet. names: those of partners,
 * domains and hosts stay. check is what tlspact-setup check says. Returns the
 * exit code, all being said.
 */
int setupbundle_write(
    const struct settings *s, const char *path, bool names, const char *check);

#endif
