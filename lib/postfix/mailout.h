/*
 * mailout.h: hand a message to people's programs: sendmail(1), or a command
 * of the admin's.
 */
#ifndef MAILOUT_H
#define MAILOUT_H

#include <stdbool.h>
#include <stddef.h>

struct children;
struct err;

#define MAILOUT_SECONDS 60 /* patience with either */

/* Called once, from the loop; why is NULL if all went well. */
typedef void mailout_fn(const char *why, void *arg);

/*
 * Send the message (headers, empty line, body) to these addresses by the
 * sendmail program; config (NULL or "": the default one) is the Postfix
 * configuration folder. The envelope has no sender, so that nothing comes
 * back. 0, or -1 with *e set.
 */
int mailout_send(struct children *c, const char *sendmail, const char *config,
    const char *const *to, size_t nto, const char *message, mailout_fn *fn,
    void *arg, struct err *e);

/* Run the command by sh(1) with text and a line end as its input. */
int mailout_tell(struct children *c, const char *command, const char *text,
    mailout_fn *fn, void *arg, struct err *e);

#endif
