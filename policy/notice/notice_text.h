/*
 * notice_text.h: what a notice says to people, in words.
 */
#ifndef NOTICE_TEXT_H
#define NOTICE_TEXT_H

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

/*
 * The text, UTF-8, lines end in \n. ours: with a last part for our own
 * operator, marked as not to be forwarded; else as it is for the contact.
 * Mass faults and the map are never for others.
 */
char *notice_body(const struct notice *n, bool ours);

#endif
