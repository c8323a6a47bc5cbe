/*
 * diag.h: a list of complaints about text, each with its place.
 */
#ifndef DIAG_H
#define DIAG_H

#include <stddef.h>

enum diag_kind { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_kind kind;
	const char *file; /* borrowed: outlives the list */
	unsigned line;	  /* 0 if the place is the file as a whole */
	char *text;
};

struct diags {
	struct diag *v;
	size_t n;
	size_t cap;
	size_t errors; /* how many of each kind */
	size_t warnings;
};

/* Add one complaint. file is borrowed and must outlive d. */
void diag_error(struct diags *d, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void diag_warning(struct diags *d, const char *file, unsigned line,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Put the complaints of one file beside each other, by line; files stay in
 * the order in which they were first complained about.
 */
void diag_sort(struct diags *d);

/* Put all of `from` behind what is in d; from is empty afterwards. */
void diag_move(struct diags *d, struct diags *from);

/* Free the list; d is empty and ready afterwards. */
void diag_free(struct diags *d);

#endif
