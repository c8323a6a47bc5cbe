/*
 * ctlexplainprint.h: what was found out about an address, in words that fit
 * the terminal, and as JSON.
 */
#ifndef CTLEXPLAINPRINT_H
#define CTLEXPLAINPRINT_H

#include <jansson.h>

struct ctlexplain;

/* Print it, and NULL; or what common_answer() takes, if -j was given. */
json_t *ctlexplainprint(const struct ctlexplain *x);

#endif
