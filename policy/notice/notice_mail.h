/*
 * notice_mail.h: a notice in words, and as a message for sendmail(1). Pure.
 */
#ifndef NOTICE_MAIL_H
#define NOTICE_MAIL_H

#include <stdbool.h>

#include "notice.h"

/*
 * The text, UTF-8, lines end in \n. ours: with a last part for our own
 * operator, marked as not to be forwarded; else as it is for the contact.
 * Common faults and the map are never for others. The caller frees.
 */
char *notice_body(const struct notice *n, bool ours);

/*
 * The whole message for sendmail(1): headers, empty line, body. NULL if the
 * recipient has no good address. From is said only if it is one. It asks
 * robots not to answer, so that nothing goes round in circles.
 */
char *notice_mail(
    const struct notice *n, const char *from, const char *to, bool ours);

#endif
