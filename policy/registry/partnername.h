/*
 * partnername.h: what partners and providers may be called.
 */
#ifndef PARTNERNAME_H
#define PARTNERNAME_H

#define REGISTRY_NAME_MAX 63 /* bytes */

/* What is wrong with a name, as a phrase; NULL: it is good. */
const char *partnername_bad(const char *name);

#endif
