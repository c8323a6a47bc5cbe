/*
 * warden.h: the loop that lowers, restores and tells.
 *
 * Reads from the ledger what tlspact-log, tlspact-probe and people put
 * there, asks drop.h what to do about it, writes what was decided into the
 * ledger, and has others do the rest: probe, compile, flush, send. It never
 * waits for them; they answer by a call. Whatever is lost when it dies is
 * found again in the ledger when it starts.
 */
#ifndef WARDEN_H
#define WARDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct err;
struct warden;
struct registry;
struct partner;
struct settings;

#define WARDEN_AUTHOR "tlspactd" /* of what it writes into the ledger */
#define WARDEN_LETTER_MAILS 2

/* A message, ready for sendmail(1). */
struct warden_mail {
	const char *to;
	const char *text;
};

/* A notice on its way. */
struct warden_letter {
	int64_t id; /* of the ledger's notice */
	struct warden_mail mail[WARDEN_LETTER_MAILS];
	size_t nmails;
	const char *json; /* for notify_command */
};

/* Who does the work. All arguments are borrowed for the call. */
struct warden_calls {
	void *ctx;
	/* Look at the partner's gateways; the answer is WARDEN_PROBED. */
	void (*probe)(void *ctx, const char *partner);
	/* Look at all; the answer is what stands in the ledger. */
	void (*sweep)(void *ctx);
	/* Compile the map; the answer is WARDEN_COMPILED. */
	void (*compile)(void *ctx);
	/* Have Postfix retry the partner's mail. */
	void (*flush)(void *ctx, const char *partner);
	/* The answer is WARDEN_SENT. */
	void (*send)(void *ctx, const struct warden_letter *letter);
};

/* Both are borrowed. */
struct warden *warden_new(
    const struct settings *set, const struct warden_calls *calls);

/*
 * Open the ledger, read the registry, and go on where it was left. 0, or -1
 * with *e set: to be tried again.
 */
int warden_start(struct warden *k, time_t now, struct err *e);

/* Time has passed; to be called about four times a second. */
void warden_tick(struct warden *k, time_t now);

/* What others have done, mostly because they were called to. */
struct warden_news {
	enum warden_event {
		WARDEN_PROBED, /* the look at the partner's gateways is over */
		WARDEN_COMPILED, /* the map is, or why it is not */
		WARDEN_SENT,	 /* the letter is, or why it is not */
		WARDEN_CHANGED,	 /* the registry is read at the next tick */
	} what;
	const char *partner; /* PROBED */
	int64_t id;	     /* SENT: of the letter */
	const char *why;     /* COMPILED, SENT: NULL: all is well */
};

void warden_take(struct warden *k, const struct warden_news *n, time_t now);

/* Is mail to that domain the partner's, by the registry? */
bool warden_is_theirs(
    const struct warden *k, const char *partner, const char *domain);

/* NULL is allowed. */
void warden_free(struct warden *k);

#endif
