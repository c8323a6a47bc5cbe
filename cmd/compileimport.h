/*
 * compileimport.h: tlspact-compile --import: what others write, printed as a
 * registry.
 */
#ifndef COMPILEIMPORT_H
#define COMPILEIMPORT_H

#include <stdbool.h>

struct settings_options;

/* Is there a format of that name? */
bool compileimport_format(const char *name);

/*
 * Print the file, the table of Postfix, or "-", standard input, as text of the
 * registry, or all about it as one object. What the registry of the settings
 * has already is told, if that can be read. Returns the exit code, everything
 * having been said.
 */
int compileimport(const char *format, const char *from, bool json,
    struct settings_options *settings);

#endif
