/*
 * reportformat.h: a form in which a report (report.h) is told. Each is a file
 * of its own.
 */
#ifndef REPORTFORMAT_H
#define REPORTFORMAT_H

#include <stdbool.h>

struct buf;
struct report;

struct reportformat {
	const char *name; /* as --format has it */
	void (*put)(const struct report *r, struct buf *out); /* append it */
	bool people; /* read it, not programs */
	bool brief;  /* report_ask.brief will do */
	bool local;  /* report_ask.local: its times are */
};

#endif
