/*
 * notice_json.h: a notice for programs. Pure.
 */
#ifndef NOTICE_JSON_H
#define NOTICE_JSON_H

#include "notice.h"

/* One line, no \n behind it. The caller frees. */
char *notice_json(const struct notice *n);

#endif
