/*
 * compileimport.h: tlspact-compile --import: what others write, printed as a
 * registry.
 */
#ifndef COMPILEIMPORT_H
#define COMPILEIMPORT_H

#include <stdbool.h>

/* Is there a format of that name? */
bool compileimport_format(const char *name);

/*
 * Print the file, the table of Postfix, or "-", standard input, as text of the
 * registry, or all about it as one object. Returns the exit code, everything
 * having been said.
 */
int compileimport(const char *format, const char *from, bool json);

#endif
