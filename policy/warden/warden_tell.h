/*
 * warden_tell.h: what people are told by the warden.
 *
 * Notices are written into the ledger first and sent from there, so that each
 * goes out at least once, and no two of one key. That a probe found a fault,
 * that it comes and goes, or that it is gone, is an event of the ledger
 * ("fault-new", "fault-turns", "fault-gone"), so that the end is told also
 * after a restart.
 */
#ifndef WARDEN_TELL_H
#define WARDEN_TELL_H

#include "notice.h"
#include "warden.h"
#include "warden_facts.h"
#include "warden_list.h"

/* A partner whose fault people were told of, or are about to be. */
struct warden_fault {
	char partner[REGISTRY_NAME_MAX + 1];
	enum fault fault;
	time_t since;
	time_t found;	/* not told yet: since when we know; 0: told */
	bool fails;	/* the last look, of one not told yet */
	bool turns;	/* by turns with passing */
	bool common;	/* it was told as perhaps our own */
	bool held;	/* it was told as why mail waits */
	unsigned asked; /* looks, to see whether it is there each time */
};

struct warden_tell {
	struct warden_facts *facts;
	const struct warden_calls *calls;
	struct warden_list faults; /* of struct warden_fault; owned */
	time_t expiry_next;	   /* when to look at all certificates */
	int64_t sending;	   /* 0: none */
	unsigned sending_tries;
	time_t send_next;
	time_t hour;   /* since then ... */
	unsigned sent; /* ... so many */
};

/*
 * Read which faults were told. At first w is zero, but for its facts and calls
 * (borrowed).
 */
void warden_tell_start(struct warden_tell *w, time_t now);

/*
 * Write a notice, to which what the registry and probes say is added. That a
 * partner is held tells of its fault as well.
 */
void warden_tell(struct warden_tell *w, struct notice *n, time_t now);

/* It went out; or why not. */
void warden_tell_sent(
    struct warden_tell *w, int64_t id, const char *why, time_t now);

/*
 * Probes have reached these; asked: mail fails, and there are notices of that.
 * True: only another look, now, would show what there is to tell.
 */
bool warden_tell_report(
    struct warden_tell *w, const struct drop_report *r, bool asked, time_t now);

/*
 * Tell what was found a while ago, and of certificates that expire; send what
 * is due, one at a time.
 */
void warden_tell_tick(struct warden_tell *w, time_t now);

#endif
