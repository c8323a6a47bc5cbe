/*
 * mails.h: the Received fields of the mails in a file, mbox or Maildir.
 */
#ifndef MAILS_H
#define MAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct err;

#define MAILS_FIELD_MAX (1u << 20)  /* bytes of a field; the rest is cut */
#define MAILS_HOPS_MAX 4096	    /* Received fields of a mail */
#define MAILS_HEADER_MAX (8u << 20) /* bytes of those together */

/* One mail. All of it is valid until the callback returns. */
struct mail {
	const char *path; /* the file it is in; "-" */
	uint64_t number;  /* in that, from 1 */
	/* Newest first, as they stand there; folds are blanks. */
	const struct span *received;
	size_t n;
	bool cut; /* there are more, or longer ones, than fit */
	/* Value of the first Return-Path and From; empty: none. */
	struct span sender, author;
};

/* A callback returns false to stop, which is not an error. */
typedef bool mails_fn(const struct mail *m, void *arg);

/*
 * Call fn for each mail at path: of a Maildir's cur and new, by name, then of
 * an mbox, which is what begins with "From ", or the one of any other file, or
 * of standard input ("-"). In an mbox a line "From ... HH:MM..." behind an
 * empty one begins the next mail. Memory depends on the largest header alone,
 * and is bounded. Lines may end in LF or CRLF. 0, or -1 with *e set: it
 * cannot be read (66, 77, 74), or is a folder but no Maildir (65).
 */
int mails_read(const char *path, mails_fn *fn, void *arg, struct err *e);

#endif
