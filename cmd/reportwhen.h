/*
 * reportwhen.h: what happened when, in the HTML page of a report.
 */
#ifndef REPORTWHEN_H
#define REPORTWHEN_H

#include "reportpage.h"

extern const struct page_slot reportwhen_slot[];

#endif
