/*
 * say.h: what a program tells on standard error.
 */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>
#include <stdio.h>

struct err;
struct diags;

/*
 * The name before every message; borrowed. First call of a program: it sees
 * to it that descriptors 0 to 2 are taken, whatever the caller closed.
 */
void say_init(const char *program);

/*
 * One line: "PROGRAM: text"; all that is unsafe in it becomes \xHH. On a
 * terminal it is broken at blanks where that ends.
 */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Keep the lines that are said from now on, for say_kept(): each without the
 * name and its newline, as they were shown; the first SAY_KEPT_MAX bytes.
 */
#define SAY_KEPT_MAX 65536
void say_keep(void);

/* What was kept, a newline behind each line; borrowed until more is said. */
const char *say_kept(void);

/*
 * The same on another stream, without the name; a newline at the end of the
 * text stays as it is, and there need not be one.
 */
void say_to(FILE *to, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One line for *e: "FILE:LINE: text" if it has a place, else as say(). */
void say_err(const struct err *e);

/*
 * A line each: "FILE:LINE: text"; warnings begin their text so. Where there
 * are errors, warnings are left out unless all is set: they are about what
 * was understood, and that is not what was meant.
 */
void say_diags(const struct diags *d, bool all);

/*
 * Write out what is left of standard output. If it cannot be written, that
 * is said, and code becomes 74 (EX_IOERR) unless it tells of a failure
 * already. Returns the code.
 */
int say_flushed(int code);

#endif
