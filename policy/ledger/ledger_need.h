/*
 * ledger_need.h: what may be stored, in ledger and evidence.
 */
#ifndef LEDGER_NEED_H
#define LEDGER_NEED_H

#include <time.h>

struct err;

/* 0 if s is a word (a-z, 0-9, '-'), else 65 in *e; what names it. */
int ledger_need_word(const char *what, const char *s, struct err *e);

/* "" or 64 lower-case hex digits, else 65. */
int ledger_need_hash(const char *what, const char *s, struct err *e);

/* 1970 to 9999, else 65. */
int ledger_need_time(const char *what, time_t t, struct err *e);

#endif
