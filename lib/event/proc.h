/*
 * proc.h: run a program and take what it prints.
 */
#ifndef PROC_H
#define PROC_H

#include <stddef.h>

struct err;

/*
 * Run argv[0] (found in PATH, /usr/sbin and /sbin), with no input. Returns
 * its standard output, which the caller frees, NUL-terminated, of max bytes
 * or less, or NULL with *e set: not found or failed (69, with the last line
 * that it wrote to standard error), too much output or timeout (69).
 */
char *proc_read(
    const char *const argv[], size_t max, int timeout_ms, struct err *e);

#endif
