/*
 * rewire.h: the lines that main.cf is to hold, and putting them in, with a
 * way back.
 *
 * Beside main.cf stay two files: main.cf.before-tlspact, as it was before
 * the first time, and main.cf.tlspact, the lines that were put in and what
 * stood there. The way back takes out these lines and no other: edits made
 * since are nobody's to lose.
 */
#ifndef REWIRE_H
#define REWIRE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct map_facts;
struct postconf;
struct target;

/* One line of main.cf that wires tlspact in. */
struct rewire_line {
	const char *name;
	char *value;	  /* as it should be */
	const char *have; /* as it is, or NULL; borrowed */
	bool differs;
};

struct rewire_lines {
	struct rewire_line *v;
	size_t n, cap;
};

/*
 * The lines for both directions. c may be NULL (nothing is known); else what
 * is there and good enough is kept, and our entries go in front of lists.
 * The caller releases out.
 */
void rewire_want(const struct postconf *c, const struct map_facts *map,
    const struct target *target, struct rewire_lines *out);

void rewire_lines_release(struct rewire_lines *w);

/* Append "- name = old" and "+ name = new" for each line that differs. */
size_t rewire_diff(const struct rewire_lines *w, struct buf *out);

/*
 * Set the lines that differ by postconf -e in the main.cf of dir. 0, or -1
 * with *e set; main.cf is then as it was.
 */
int rewire_apply(const char *dir, const struct rewire_lines *w, struct err *e);

/* A line that is not as it was put in: whoever edited it decides. */
typedef void rewire_edited_fn(const char *name, const char *now,
    const char *put, const char *before, void *arg);

/*
 * Take out what rewire_apply() put in, line by line: each is as it was
 * before, or gone. If nothing else was edited, main.cf is byte for byte what
 * it was. fn is told of each line that was edited since, which stays (now
 * and before are NULL where the line is not there); *edited counts them, and
 * what the way back needs is kept until there is none. 0, or -1 with *e set:
 * 66 if nothing was applied.
 */
int rewire_undo(const char *dir, rewire_edited_fn *fn, void *arg,
    size_t *edited, struct err *e);

#endif
