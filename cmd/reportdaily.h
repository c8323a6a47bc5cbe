/*
 * reportdaily.h: what of a report wants somebody today, as a short mail.
 */
#ifndef REPORTDAILY_H
#define REPORTDAILY_H

struct reportformat;

/*
 * A line "Subject:", an empty one, and at most five, of no more than 79
 * columns (a command with a long name in it may be longer); nothing if all is
 * well.
 */
extern const struct reportformat reportdaily;

#endif
