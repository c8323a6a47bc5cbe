/*
 * notice_priv.h: what the files of notice share.
 */
#ifndef NOTICE_PRIV_H
#define NOTICE_PRIV_H

#include "notice.h"

struct buf;

/* Is there something in s? */
bool notice_said(const char *s);

/*
 * Append foreign text: controls, what reorders or hides text, and bytes that
 * are not UTF-8 (ascii: all beyond it) become \xHH; cut at max bytes.
 */
void notice_put(struct buf *b, const char *s, size_t max, bool ascii);

/* The partner's name, or a word for it. */
void notice_put_partner(struct buf *b, const struct notice *n, bool ascii);

/* 2026-11-23 14:05 UTC */
void notice_put_time(struct buf *b, time_t t);

/* What mail of that level is, as a part of a sentence. */
const char *notice_meaning(enum level level);

/* What the partner's postmaster can do about it. */
const char *notice_advice(enum fault fault);

#endif
