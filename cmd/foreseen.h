/*
 * foreseen.h: whose mail a registry would stop that is not in force yet.
 */
#ifndef FORESEEN_H
#define FORESEEN_H

#include <stdbool.h>

struct mapbuild;

/*
 * Print, on standard output, of whom a gateway would fail by the registry of
 * b, which was built, as it was seen last; see ctllive.h. With `probe` the
 * files have that registry already, and what looks at the gateways anew is
 * named.
 */
void foreseen_print(const struct mapbuild *b, bool probe);

/*
 * Say the same on standard error, of the registry that has just been taken:
 * once, as the next run of mapbuild_run() finds the same one before.
 */
void foreseen_say(const struct mapbuild *b);

#endif
