/*
 * registry_slip.h: words of a statement that cannot be meant as they stand,
 * and what is to be written instead.
 */
#ifndef REGISTRY_SLIP_H
#define REGISTRY_SLIP_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "attributes.h"

struct diags;
struct line;
struct registry;

/* Does a blank behind the attribute cut its value short; or is it a comment? */
bool registry_is_cut(const struct attrs *words, const struct attr *a);

/*
 * Complain to d, once, about a word without '=', or an attribute that is cut
 * short, and pass over the words that belong to it; behind a '#', over all up
 * to the end of the line. `before` is the attribute in front, as it was read;
 * its name is NULL if there is none. True: `a` is now an attribute that is to
 * be taken.
 */
bool registry_slip(struct diags *d, const char *file, struct attrs *words,
    struct attr *a, const struct attr *before);

/*
 * Complain about the first word of a line, which begins no statement, or the
 * first pair. The file may be anybody's: of others' words little is shown.
 */
void registry_slip_word(
    struct diags *d, const char *file, unsigned line, const char *word);
void registry_slip_pair(
    struct diags *d, const char *file, unsigned line, const char *name);

/* Complain if what stands first in a line begins nothing; true: it did. */
bool registry_slip_begin(
    struct diags *d, const char *file, const struct line *line);

/* Complain about an attribute that the statement of that line cannot say. */
void registry_slip_place(struct diags *d, const char *file,
    const struct attr *a, const char *statement, unsigned line);

/*
 * Complain about an attribute that is none. Returns the one that was likely
 * meant, or ATTRIBUTE_COUNT.
 */
enum attribute registry_slip_name(
    struct diags *d, const char *file, const struct attr *a);

/* Of a domain that is none: what is bad, or what to say instead, in buf. */
const char *registry_slip_domain(
    const char *s, const char *bad, char *buf, size_t size);

/* "; did you mean NAME?" of the provider that is nearest, or "". */
struct meant_text registry_slip_provider(
    const struct registry *r, const char *name);

/*
 * "; did you mean NAME?" of the partner or domain of r (NULL: there is none)
 * that is nearest to a name that is neither; or "".
 */
struct meant_text registry_near(const struct registry *r, const char *name);

/* The domain alone, where one is asked for; NULL: none is near. */
const char *registry_near_domain(const struct registry *r, const char *name);

/* Compare with all of them, where there are other names besides. */
void registry_near_try(const struct registry *r, struct meant *m);

#endif
