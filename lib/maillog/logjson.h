/*
 * logjson.h: a line of `journalctl -o json` (systemd's "Journal JSON
 * Format"), for logprefix.c.
 */
#ifndef LOGJSON_H
#define LOGJSON_H

#include "span.h"

struct buf;
struct logprefix;

#define LOGJSON_DEPTH_MAX 16 /* of arrays and objects inside each other */

/*
 * One object with at least SYSLOG_IDENTIFIER and MESSAGE; spans borrow from
 * the line and from scratch. 0, or -1 if it is no such thing.
 */
int logjson_parse(struct span line, struct buf *scratch, struct logprefix *out);

#endif
