/*
 * registry_untaken.h: partners whose statement has errors, so that a registry
 * does not have them.
 */
#ifndef REGISTRY_UNTAKEN_H
#define REGISTRY_UNTAKEN_H

struct names;
struct registry;

/*
 * The names that r, which nobody was joined to, has not, though one of its
 * files has a statement of theirs: by what begins a line, as of a file with
 * errors nothing else may be known. A file that cannot be read again has none.
 */
void registry_untaken(const struct registry *r, struct names *out);

#endif
