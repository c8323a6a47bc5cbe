/*
 * reportmail.h: the mail of a report, in its HTML page.
 */
#ifndef REPORTMAIL_H
#define REPORTMAIL_H

#include "reportpage.h"

extern const struct page_slot reportmail_slot[];

#endif
