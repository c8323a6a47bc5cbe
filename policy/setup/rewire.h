/*
 * rewire.h: change main.cf, with a way back.
 *
 * Beside main.cf stay two files: main.cf.before-tlspact, as it was before
 * the first time, and main.cf.tlspact, the lines that were put in and what
 * stood there. The way back takes out these lines and no other: edits made
 * since are nobody's to lose.
 */
#ifndef REWIRE_H
#define REWIRE_H

#include <stddef.h>

struct buf;
struct err;
struct wiring_lines;

/* Append "- name = old" and "+ name = new" for each line that differs. */
size_t rewire_diff(const struct wiring_lines *w, struct buf *out);

/*
 * Set the lines that differ by postconf -e in the main.cf of dir. 0, or -1
 * with *e set; main.cf is then as it was.
 */
int rewire_apply(const char *dir, const struct wiring_lines *w, struct err *e);

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
