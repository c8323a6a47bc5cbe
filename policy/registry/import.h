/*
 * import.h: policies as others write them -> text of the registry: each row a
 * statement, with what could not be carried over as comments above it, or in
 * its place; an empty line between one row and the next.
 *
 * Whatever a row holds, what comes out is a registry without errors: a
 * statement that would be one becomes a comment. tlspact-compile(8), "Import",
 * has the formats and what becomes of each.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "buf.h"
#include "span.h"
#include "strmap.h"

struct registry;

/* What is imported, and what came of it. Zeroed, but for file, to begin. */
struct import {
	const char *file; /* for places; borrowed */
	/* The registry of now, to tell what it has already; or NULL. */
	const struct registry *have;
	bool listed;	/* by postmap(1): its lines have no order to tell */
	struct buf out; /* the registry's text */
	size_t rows;	/* that were read */
	size_t partly;	/* of these, carried over in part */
	size_t left;	/* and not at all */
	size_t had;	/* that are of partners of `have` */
	size_t unread;	/* carried over, with a CA file that is not there */
	/* What became of each, in the order in which they were read. */
	struct import_row {
		unsigned line;	     /* 0: lines do not count */
		const char *domain;  /* as it stands there */
		const char *partner; /* NULL: none, or said before */
		const char *notes;   /* why, one a line */
		bool partly, left;
	} * row;
	/* Private: names and domains that are taken. */
	struct import_domain {
		const char *name, *words;
		unsigned line;
	} * domain;
	const char **name;
	size_t ndomains, domain_cap, nnames, name_cap, row_cap;
	struct strmap domains, names;
	struct arena arena;
	/* The last statement, which may get one domain more. */
	struct buf pending;
	const char *pending_name, *pending_words, *pending_domain;
};

struct err;

struct import_format {
	const char *name;
	/* As import_text(), which ends what this leaves. */
	int (*read)(struct import *im, char *text, size_t len, struct err *e);
};

struct importrow {
	struct import *of;
	unsigned line;	     /* where it stands, 0 if lines do not count */
	struct buf domain;   /* a list, as the registry has it */
	struct buf name;     /* of the partner; empty: after its domain */
	struct buf words;    /* one a line */
	struct buf notes;    /* the same, for comments */
	const char *partner; /* NULL so far: none */
	bool partly, left;
};

/* Start a row for that domain or next-hop. The caller ends it. */
void importrow_begin(
    struct importrow *r, struct import *of, unsigned line, struct span domain);

/* Say attribute name=value; what cannot stand in one word is lost. */
void importrow_word(struct importrow *r, const char *name, struct span value);

/* The same for a text, which may have blanks. */
void importrow_text(struct importrow *r, const char *name, struct span value);

/* A comment; lost: something of the row is not carried over by it. */
void importrow_note(struct importrow *r, bool lost, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* None of the row is carried over, and why. The last reason counts. */
void importrow_leave(struct importrow *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Write it out, and free what r has. */
void importrow_end(struct importrow *r);

/* s without blanks and carriage returns around it. */
struct span import_trimmed(struct span s);

/* A comment that belongs to no row. */
void import_comment(struct import *im, const char *text);

/* The last one is followed by NULL. */
extern const struct import_format *const import_formats[];

/*
 * Read the len bytes at text, which are cut in place and have room for one
 * more, in the format of that index. im->file is set. 0; or -1 with *e set
 * (65) if it is no such text at all.
 */
int import_text(
    struct import *im, unsigned format, char *text, size_t len, struct err *e);

/* Free what im has. */
void import_release(struct import *im);

#endif
