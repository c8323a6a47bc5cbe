/*
 * reportpart.h: the partners of a report, in its HTML page.
 */
#ifndef REPORTPART_H
#define REPORTPART_H

#include "reportpage.h"

extern const struct page_slot reportpart_slot[];

#endif
