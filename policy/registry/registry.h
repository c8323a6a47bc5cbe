/*
 * registry.h: the partner registry, tlspact-registry(5), as data.
 *
 * Loading reads files and says everything that is wrong with them; what
 * comes out is checked, complete (providers and defaults are filled in) and
 * is not changed any more.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "attributes.h"
#include "dname.h"
#include "level.h"
#include "partnername.h"
#include "strmap.h"

struct diags;
struct err;

#define REGISTRY_FILE_MAX (1024u * 1024 * 1024) /* bytes of one file */
#define REGISTRY_DEPTH_MAX 16			/* includes inside includes */
#define REGISTRY_NONE STRMAP_NONE

/* There may be a million: kept small. */
struct partner {
	const char *name;
	const struct attributes
	    *attributes;	    /* perhaps of others, too; without ... */
	const struct strs *gateway; /* ... these two */
	const char *contact;	    /* NULL if not said */
	uint32_t source;	    /* the file, for registry_file() */
	uint32_t line;
	uint32_t provider; /* index, or REGISTRY_NONE */
	uint32_t first_domain;
	uint32_t ndomains;
};

struct domain {
	const char *name; /* normal form, dname.h */
	uint32_t partner;
	uint32_t line;
};

struct registry {
	struct partner *partner;
	size_t npartners;
	struct domain *domain; /* those of a partner stand together */
	size_t ndomains;
	size_t nfiles;		  /* for registry_file() */
	struct attributes preset; /* the `default` statements */
	/*
	 * SHA-256 in hex: of the file, or, where files are included, of the
	 * digests of all, each with a newline, in the order they end.
	 */
	char digest[65];
	struct registry_own *own; /* what registry.c needs beside that */
};

/*
 * Read the registry at path with all that it includes, at time now (for
 * overdue reviews). Complaints go to d, whose places borrow from the
 * registry: it must outlive d. Returns the registry, which is fit for use
 * only if d got no error; the caller frees it. NULL with *e set if the
 * first file cannot be read.
 */
struct registry *registry_load(
    const char *path, time_t now, struct diags *d, struct err *e);

/* As registry_load(), for text in memory, which may not include files
 * (fuzzing). */
struct registry *registry_parse(const char *name, const char *text, size_t len,
    time_t now, struct diags *d);

/* Free r; NULL is allowed. */
void registry_free(struct registry *r);

/* The level that the partner has without any downgrade. */
static inline enum level
partner_level(const struct partner *p)
{
	return p->attributes->mode == MODE_ENFORCED
		   ? attributes_enforced_level(p->attributes)
		   : LEVEL_OPPORTUNISTIC;
}

/*
 * What is said of the provider with that index, as a partner has it, and its
 * *name; what is not said is NULL, or not in `set`. NULL, and so is *name:
 * there is none.
 */
const struct attributes *registry_provider(
    const struct registry *r, size_t i, const char **name);

/* The line, of its file, that it begins in; there is one with that index. */
unsigned registry_provider_line(const struct registry *r, size_t i);

/* A file of the registry, for messages. */
const char *registry_file(const struct registry *r, uint32_t source);

/* SHA-256 of that file, in hex. */
const char *registry_file_digest(const struct registry *r, uint32_t source);

/* The one that the partner stands in. */
static inline const char *
partner_file(const struct registry *r, const struct partner *p)
{
	return registry_file(r, p->source);
}

/* Index of the partner of that name, or REGISTRY_NONE. */
uint32_t registry_partner(const struct registry *r, const char *name);

/* Index of the partner that had that name once, by former=; the same. */
uint32_t registry_former(const struct registry *r, const char *name);

/* Has it a partner that has the name, or had it? */
static inline bool
registry_leads(const struct registry *r, const char *name)
{
	return registry_partner(r, name) != REGISTRY_NONE ||
	       registry_former(r, name) != REGISTRY_NONE;
}

/* Index of the domain, which is in normal form, or REGISTRY_NONE. */
uint32_t registry_domain(const struct registry *r, const char *name);

/* Is the domain, which is in normal form, that partner's (now)? */
bool registry_has(
    const struct registry *r, const char *partner, const char *domain);

/*
 * Index of the partner of that name or with that domain, in any form, or
 * REGISTRY_NONE.
 */
uint32_t registry_find(const struct registry *r, const char *name_or_domain);

/*
 * The name that smtp(8) looks for when there is no row for this one: of
 * "x.a.b" that is ".a.b", of ".a.b" it is ".b"; NULL at the end.
 */
static inline const char *
registry_up(const char *name)
{
	return *name == '\0' ? NULL : strchr(name + 1, '.');
}

/*
 * Index of the partner with the nearest `.parent` of name, which is in normal
 * form, or REGISTRY_NONE.
 */
uint32_t registry_above(const struct registry *r, const char *name);

/*
 * Index of the partner whose rules mail to domain goes by, in any form: its
 * own, or the nearest above; or REGISTRY_NONE.
 */
uint32_t registry_covering(const struct registry *r, const char *domain);

/*
 * Index of the partner that people mean: registry_find(), or else
 * registry_covering(). REGISTRY_NONE: none.
 */
uint32_t registry_meant(const struct registry *r, const char *name);

/*
 * Index of the next domain up from name, from *at on (0 to begin with), or
 * REGISTRY_NONE: of "x.a.b" these are ".a.b", "a.b", ".b", "b"; of ".a.b"
 * also "a.b".
 */
uint32_t registry_parent(
    const struct registry *r, const char *name, size_t *at);

/*
 * The domains and next-hops of a partner (NULL: none), *n of them; the texts
 * are the registry's, the array is the caller's to free.
 */
const char **registry_domains(
    const struct registry *r, const struct partner *p, size_t *n);

#endif
