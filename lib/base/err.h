/*
 * err.h: why a library call failed, as a value.
 *
 * Functions that fail return -1 or NULL and fill a struct err. Only the
 * programs in cmd/ print it and exit.
 */
#ifndef ERR_H
#define ERR_H

#define ERR_TEXT_MAX 1024 /* bytes, longer texts are cut */

struct err {
	int code;	  /* exit code of <sysexits.h> that fits the fault */
	unsigned line;	  /* line number in file, 0 if none */
	const char *file; /* borrowed, or NULL */
	char text[ERR_TEXT_MAX];
};

/* Set code and text; file and line are cleared. Returns -1 for `return`. */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, and ": " with the text of errno added. errno is kept. */
int err_sys(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Sysexits code for a failed open(2) or stat(2) of input, by errno. */
int err_code_input(int errnum);

/* Sysexits code for a failed create or write of output, by errno. */
int err_code_output(int errnum);

#endif
