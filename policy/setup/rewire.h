/*
 * rewire.h: change main.cf, with a way back.
 *
 * Beside main.cf stay two copies: main.cf.before-tlspact, as it was, and
 * main.cf.after-tlspact, as it became. The way back is only taken while
 * main.cf still is the latter: edits made since are nobody's to lose.
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

/* Put main.cf.before-tlspact back. 0, or -1 with *e set. */
int rewire_undo(const char *dir, struct err *e);

#endif
