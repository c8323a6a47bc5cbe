/*
 * smtpreply.h: an SMTP server's replies (RFC 5321 section 4.2), read as the
 * bytes come in. Pure: no socket, no clock.
 *
 * What counts as a reply is what Postfix's smtp(8) takes for one (3.7,
 * smtp_chat.c), because a verdict about a server must equal delivery's: a
 * bare LF ends a line, a line without a code is noise and is passed over,
 * the code of the last line is the reply's code, the excess of an overlong
 * line is skipped, and EHLO keywords past the first 2048 bytes of text are
 * not seen. Unlike Postfix, a reply that does not end is given up.
 */
#ifndef SMTPREPLY_H
#define SMTPREPLY_H

#include <stdbool.h>
#include <stddef.h>

#define SMTPREPLY_MAX_LINE 2048	  /* bytes kept of a line; more is skipped */
#define SMTPREPLY_MAX_LINES 128	  /* more end the reply as too much */
#define SMTPREPLY_MAX_BYTES 65536 /* the same, everything counted */
#define SMTPREPLY_TEXT_MAX 256	  /* bytes of a shown text, NUL included */

enum smtpreply_status {
	SMTPREPLY_MORE,	   /* feed the next bytes */
	SMTPREPLY_DONE,	   /* a whole reply is here */
	SMTPREPLY_TOO_MUCH /* one of the limits was met: hang up */
};

/* A zeroed struct is ready for the next reply. */
struct smtpreply {
	int code;	/* 0 to 999, of the last line that had one */
	unsigned lines; /* whole lines seen, noise included */
	size_t bytes;	/* bytes taken, line ends included */
	/* As an EHLO reply, it offers STARTTLS; REQUIRETLS (RFC 8689). */
	bool starttls, requiretls;
	bool readable; /* not just asterisks, as firewalls make of it */
	/*
	 * The text after the code of the last line that had one, made fit to
	 * be shown: what is not printable UTF-8 is "?".
	 */
	char last[SMTPREPLY_TEXT_MAX];

	/* private */
	enum smtpreply_status status;
	size_t kept;	/* bytes of text Postfix would have kept */
	unsigned named; /* lines that had a word after the code */
	size_t len;
	char line[SMTPREPLY_MAX_LINE + 1];
};

/*
 * Take bytes from p, at most len. Stops behind the line that ends the reply:
 * *used, never more than len, says how many were taken, and what is left
 * belongs to whatever comes after the reply. Once the status is not
 * SMTPREPLY_MORE, nothing is taken any more.
 */
enum smtpreply_status smtpreply_feed(
    struct smtpreply *r, const char *p, size_t len, size_t *used);

#endif
