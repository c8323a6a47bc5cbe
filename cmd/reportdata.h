/*
 * reportdata.h: the data of the script in the HTML page of a report.
 */
#ifndef REPORTDATA_H
#define REPORTDATA_H

#include "reportpage.h"

extern const struct page_slot reportdata_slot[];

#endif
