/*
 * common.h: what several of our programs do on their way.
 */
#ifndef COMMON_H
#define COMMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

struct err;
struct probeplan;
struct prober_settings;
struct smtpclients;
struct partner;
struct registry;
struct settings;

/* The lines that were said since say_keep(), a list. The caller's to free. */
json_t *common_messages(void);

/*
 * The object of a program that was asked for JSON: schema, time, exit code, the
 * lines that were said since say_keep(), and the members of `more`, which is
 * taken over; NULL: none. The caller's to free.
 */
json_t *common_object(const char *schema, time_t now, int code, json_t *more);

/* Print it. */
void common_answer(const char *schema, time_t now, int code, json_t *more);

/* Say it, and return its exit code. */
int common_failed(const struct err *e);

/*
 * Load the registry for use. 0, or the exit code, all being said; then *r is
 * NULL. If it has errors, nothing was `done` ("looked at"; NULL: that is not
 * said). The caller frees it.
 */
int common_registry(
    const char *path, time_t now, const char *done, struct registry **r);

/*
 * The same for who changes no rule: the partners in force, inforce.h, which is
 * said where it is not just the registry. *kept: not by its rules.
 */
int common_registry_kept(const struct settings *s, time_t now, const char *done,
    struct registry **r, bool *kept);

/*
 * The name of now, if the one that was given is no partner's and no domain of r
 * (NULL: there is none), but a partner had it once, by the record or by former=
 * of r; that is said. NULL: else. The caller frees it.
 */
char *common_renamed(
    const struct settings *s, const struct registry *r, const char *name);

/*
 * An address, also in "<>" as logs and letters have it, stands for its domain:
 * that is cut out of s, and *mailbox (NULL: not asked for) is what stood before
 * it. Of anything else it is s, and *mailbox as it was.
 */
char *common_address(char *s, const char **mailbox);

/*
 * Say so if what may be the record of partner p is under a name that leads to
 * nobody, mapowner.h: its own is another one since, or, with `domains`, one of
 * its domains was somebody's and it has no other record. So is what went on
 * under the name of another partner, and stays there.
 */
void common_tell_lost(const struct settings *s, const struct registry *r,
    const struct partner *p, bool domains);

/*
 * What settings and main.cf say of how the gateways of the plan are looked at,
 * into *p and the plan, which borrow *clients; the caller releases that. What
 * a prober does otherwise than Postfix is said.
 */
void common_prober(const struct settings *s, struct smtpclients *clients,
    struct probeplan *plan, struct prober_settings *p);

/*
 * A line of talk on `to`, broken at blanks where it is wider than what it is
 * read on, unless that is standard error; what is unsafe in it becomes \xHH.
 */
void common_tell(FILE *to, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Ask on `to`, unless yes is true already. 0; 1 if the answer is no; 64 if
 * there is nobody at the terminal to ask. Both are said.
 */
int common_confirm(FILE *to, bool yes, const char *question);

#endif
