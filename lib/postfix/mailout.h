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
 * By what: the sendmail program, to these addresses, or a command for sh(1);
 * config (NULL or "": the default one) is the Postfix configuration folder of
 * the former.
 */
struct mailout {
	const char *sendmail; /* NULL: command */
	const char *config;
	const char *const *to;
	size_t nto;
	const char *command;
};

/*
 * Send the text: a message (headers, empty line, body), of which the envelope
 * has no sender, so that nothing comes back; to a command, with a line end.
 * All is borrowed for the call. 0, or -1 with *e set.
 */
int mailout_send(struct children *c, const struct mailout *m, const char *text,
    mailout_fn *fn, void *arg, struct err *e);

#endif
