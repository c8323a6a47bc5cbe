/*
 * keeper.h: the loop that lowers, restores and tells.
 *
 * Reads from the ledger what tlspact-log, tlspact-probe and people put
 * there, asks drop.h what to do about it, writes what was decided into the
 * ledger, and has others do the rest: probe, compile, flush, send. It never
 * waits for them; they answer by a call. Whatever is lost when it dies is
 * found again in the ledger when it starts.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct err;
struct keeper;
struct registry;
struct partner;
struct settings;

#define KEEPER_AUTHOR "tlspactd" /* of what it writes into the ledger */
#define KEEPER_LETTER_MAILS 2

/* A message, ready for sendmail(1). */
struct keeper_mail {
	const char *const *to;
	size_t nto;
	const char *text;
};

/* A notice on its way. */
struct keeper_letter {
	int64_t id; /* of the ledger's notice */
	struct keeper_mail mail[KEEPER_LETTER_MAILS];
	size_t nmails;
	const char *json; /* for notify_command */
};

/* Who does the work. All arguments are borrowed for the call. */
struct keeper_hands {
	void *ctx;
	/* Look at the partner's gateways; the answer is keeper_probed(). */
	void (*probe)(void *ctx, const char *partner);
	/* Look at all; the answer is what stands in the ledger. */
	void (*sweep)(void *ctx);
	/* Compile the map; the answer is keeper_compiled(). */
	void (*compile)(void *ctx);
	/* Have Postfix retry the partner's mail. */
	void (*flush)(void *ctx, const char *partner);
	/* The answer is keeper_sent(). */
	void (*send)(void *ctx, const struct keeper_letter *letter);
};

/* Both are borrowed. */
struct keeper *keeper_new(
    const struct settings *set, const struct keeper_hands *hands);

/*
 * Open the ledger, read the registry, and go on where it was left. 0, or -1
 * with *e set: to be tried again.
 */
int keeper_start(struct keeper *k, time_t now, struct err *e);

/* Time has passed; to be called about four times a second. */
void keeper_tick(struct keeper *k, time_t now);

/* Read the registry again, at the next tick. */
void keeper_reload(struct keeper *k);

/* The look at the gateways that was asked for is over. */
void keeper_probed(struct keeper *k, const char *partner, time_t now);

/* The map was compiled; or it was not, and the compiler said why. */
void keeper_compiled(struct keeper *k, bool well, const char *text, time_t now);

/* The letter went out; or why (not NULL) it did not. */
void keeper_sent(struct keeper *k, int64_t id, const char *why, time_t now);

/* Is mail to that domain the partner's, by the registry? */
bool keeper_is_theirs(
    const struct keeper *k, const char *partner, const char *domain);

/* NULL is well. */
void keeper_free(struct keeper *k);

#endif
