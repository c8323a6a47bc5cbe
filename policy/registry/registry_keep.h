/*
 * registry_keep.h: a copy of the registry as it was when it was last taken:
 * what a partner is lowered by while somebody mends the registry.
 */
#ifndef REGISTRY_KEEP_H
#define REGISTRY_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct diags;
struct err;
struct partner;
struct registry;

/* Is the copy at path that of r? Only its first line is read. */
bool registry_is_kept(const struct registry *r, const char *path);

/*
 * Write the text of r's files to fd as one without includes. They are read
 * again. 0, or -1 with *e set if a file cannot be read, is not what it was
 * (75), or fd takes no more.
 */
int registry_keep(const struct registry *r, int fd, struct err *e);

/*
 * As registry_load(), for such a copy: its digest is that of the files it was
 * made of. NULL with *e set also if it is none, or has errors.
 */
struct registry *registry_load_kept(
    const char *path, time_t now, struct err *e);

/*
 * Which partners of `other`, by their index, has r not: by their names, nor
 * under another one, by a former=. The array is the caller's to free.
 */
bool *registry_missing(const struct registry *r, const struct registry *other);

/* Is there such a partner? */
bool registry_lacks(const struct registry *r, const struct registry *other);

/* Has a partner less than it had: a lower level, or a laxer inbound rule? */
bool registry_weaker(const struct partner *is, const struct partner *was);

/* Is there one that both have, by its name, and r with less? */
bool registry_sinks(const struct registry *r, const struct registry *other);

/*
 * Add to r the partners that `other` has beside it, with those domains of
 * theirs that are nobody's in r: not one whose name r has, also as a former
 * one, the other way round, too, nor one without such a domain. They are
 * complete, with no provider. Returns the first of them: r had so many. r takes
 * other over, which has no others itself; its digest stays.
 */
size_t registry_join(struct registry *r, struct registry *other);

#endif
