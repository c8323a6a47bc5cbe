/*
 * flush.h: mail that waits in a Postfix queue, and having it tried again.
 *
 * postqueue -s SITE works only for domains of fast_flush_domains, which
 * destinations elsewhere are not by default (it ends with 69, "Flush service
 * is not configured"). So the queue is listed and each message that matters
 * is named to postqueue -i, which works for all of them, also when qmgr(8)
 * has given the destination up for a while.
 */
#ifndef FLUSH_H
#define FLUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct err;

#define FLUSH_MAX 500 /* messages named one by one; the rest waits its turn */

struct waiting {
	size_t messages; /* to the domains asked for, but not on hold */
	size_t held;	 /* on hold, which a retry does not touch */
	time_t oldest;	 /* when the first of them arrived; 0: none waits */
	char *reason;	 /* why that one waits, as Postfix says; or NULL */
	char **id;	 /* those that are deferred, FLUSH_MAX at most */
	size_t n, cap;
	size_t deferred; /* how many those are, beyond FLUSH_MAX too */
	time_t newest;	 /* when the last of these arrived; 0: there is none */
	char *newest_reason; /* why that one waits; or NULL */
	size_t strange;	     /* lines of the list that were not understood */
};

/*
 * True if mail to this domain (as in the envelope) is asked for; reason: why
 * it waits, as Postfix says, or NULL.
 */
typedef bool flush_match_fn(const char *domain, const char *reason, void *arg);

/* Read a list as `postqueue -j` prints it, into *w, which is overwritten. */
void flush_parse(
    struct waiting *w, const char *text, flush_match_fn *match, void *arg);

/*
 * List the queue of the Postfix in dir (NULL: the default one). 0, or -1
 * with *e set (69). The caller releases w in either case.
 */
int flush_list(struct waiting *w, const char *dir, flush_match_fn *match,
    void *arg, struct err *e);

/*
 * Have Postfix try the messages of w now. *tried is how many were named to
 * it. 0, or -1 with *e set (69) as soon as one cannot be.
 */
int flush_retry(
    const struct waiting *w, const char *dir, size_t *tried, struct err *e);

/*
 * How many messages of w's list of ids were sent with REQUIRETLS (RFC 8689),
 * as postcat(1) shows their queue files, which takes root. postqueue(1) does
 * not tell. 0, or -1 with *e set (69).
 */
int flush_requiretls(
    const struct waiting *w, const char *dir, size_t *n, struct err *e);

/*
 * The same of what `postcat -e` prints: the sixth number of the record
 * message_size are flags, of which 32 is REQUIRETLS.
 */
size_t flush_requiretls_parse(const char *text);

/*
 * When the first of w is returned to its sender, if it still waits, where
 * maximal_queue_lifetime is so; 0: none waits, or NULL or what is no time.
 */
time_t flush_returned(const struct waiting *w, const char *lifetime);

void flush_release(struct waiting *w);

/* One message, as somebody has its queue id; texts are owned. */
struct flush_mail {
	char *address; /* its first recipient that waits */
	char *reason;  /* why that one does, as Postfix says; or NULL */
	size_t others; /* recipients in other domains, which wait as well */
};

/*
 * Is it like a queue id, short (hex, capitals) or long, and like nothing that
 * people call a partner?
 */
bool flush_is_id(const char *s);

/*
 * Find the message of that id in the queue, or in such a list. 1, 0: it is
 * not there, or -1 with *e set (69). The caller releases m in each case.
 */
int flush_find(
    struct flush_mail *m, const char *dir, const char *id, struct err *e);
int flush_find_parse(struct flush_mail *m, const char *text, const char *id);

void flush_mail_release(struct flush_mail *m);

#endif
