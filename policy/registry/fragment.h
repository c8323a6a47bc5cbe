/*
 * fragment.h: what one piece of a registry file says.
 *
 * Pieces are read independently of each other, many at a time; so a fragment
 * counts its partners and domains from 0. Statements that matter to what
 * follows are only set aside, for whoever puts the fragments together.
 */
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "attr.h"
#include "diag.h"
#include "registry.h"
#include "textfile.h"

enum statement {
	STATEMENT_PARTNER,
	STATEMENT_PROVIDER,
	STATEMENT_DEFAULT,
	STATEMENT_INCLUDE
};

/* A statement set aside: its words are not read yet. */
struct aside {
	enum statement what;
	size_t partner; /* it stands before this one of the fragment */
	struct attrs words;
	unsigned line;
};

/* Terms that are remembered: there are few kinds of partners. */
#define FRAGMENT_RECENT 8

struct fragment {
	/* For fragment_read(). */
	struct textfile_piece piece;
	const char *file; /* for complaints: outlives their list */
	uint32_t source;
	struct arena *arena; /* for names, texts and lists */
	bool texts;	     /* of partners are kept, terms.h */
	/* Its results. */
	struct partner *partner;
	size_t npartners, partner_cap;
	uint32_t *partner_hash; /* of their names, strmap.h */
	size_t partner_hash_cap;
	struct domain *domain;
	size_t ndomains, domain_cap;
	uint32_t *domain_hash;
	size_t domain_hash_cap;
	struct want *want;
	size_t nwants, want_cap;
	struct aside *aside;
	size_t nasides, aside_cap;
	struct diags diags;
	const struct terms *recent[FRAGMENT_RECENT]; /* to be shared, or NULL */
	bool bad;	  /* bytes that no registry holds: give the file up */
	struct arena own; /* for whoever has no other arena */
};

/* Read the piece; what f held before is forgotten, but its memory used. */
void fragment_read(struct fragment *f);

/* Free what f owns. */
void fragment_free(struct fragment *f);

/*
 * Read the words of a provider or default statement into terms. Complaints
 * go to d; texts that need memory of their own come from the arena.
 */
void fragment_terms(struct terms *terms, enum statement what,
    struct attrs *words, const char *file, struct arena *arena,
    struct diags *d);

/* The name behind `partner` or `provider`, and its length; NULL after a
 * complaint. */
const char *fragment_name(enum statement what, struct attrs *words,
    const char *file, unsigned line, struct arena *arena, size_t *len,
    struct diags *d);

#endif
