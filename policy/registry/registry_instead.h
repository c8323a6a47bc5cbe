/*
 * registry_instead.h: what a registry would be, before it is written.
 */
#ifndef REGISTRY_INSTEAD_H
#define REGISTRY_INSTEAD_H

/*
 * From now on, where registry_load() meets the file `path`, as registry_file()
 * names it, read `copy`: a rehearsal of what is not written yet. Several files
 * may be; all is borrowed; a NULL path ends it. One thread only.
 */
void registry_instead(const char *path, const char *copy);

/* What is read for that file: itself, but for registry_instead(). */
const char *registry_instead_of(const char *path);

#endif
