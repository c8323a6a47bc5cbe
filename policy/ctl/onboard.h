/*
 * onboard.h: the steps towards mode=enforced of a partner, each measured.
 */
#ifndef ONBOARD_H
#define ONBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct ctl;
struct err;
struct partner;

enum onboard_state {
	ONBOARD_DONE,
	ONBOARD_OPEN,
	ONBOARD_SPARED, /* does not apply, which the text says why */
};

enum onboard_id {
	ONBOARD_IPV4,	 /* the gateways pass as enforced */
	ONBOARD_IPV6,	 /* the same */
	ONBOARD_REFUSAL, /* our Postfix refuses peers that it should not like */
	ONBOARD_OUT,	 /* mail goes out encrypted */
	ONBOARD_IN,	 /* and comes in so */
	ONBOARD_BACK,	 /* also behind the provider */
	ONBOARD_CONTACT,
	ONBOARD_AGREEMENT,
	ONBOARD_REVIEW,
	ONBOARD_STEPS
};

#define ONBOARD_TEXT 512
#define ONBOARD_DAYS 30 /* of mail that are looked at */

struct onboard_step {
	const char *name;  /* "probe-ipv4", "refusal", ... */
	const char *words; /* the same for people */
	enum onboard_state state;
	const char *state_name; /* "done", "open", "spared" */
	bool unproven;		/* open as nothing shows it; nothing is wrong */
	bool fails;		/* open for another reason than that */
	char text[ONBOARD_TEXT]; /* what was found, or what to do */
};

struct onboard {
	struct onboard_step step[ONBOARD_STEPS];
	bool enforced;	   /* it is so already */
	size_t done, open; /* steps */
	size_t failing;	   /* of those that are open */
	/*
	 * It may be enforced, as no step is open; or, where it is, stay so, as
	 * none fails.
	 */
	bool ready;
};

/*
 * Measure all of them: looks at the gateways, and runs a Postfix of its own
 * (throwaway.h). Takes up to a minute. What cannot be measured is open. past:
 * why mail to the partner goes past its rows, or NULL.
 */
void onboard_measure(const struct ctl *c, const struct partner *p,
    const char *past, struct onboard *o);

/* The result in one line; the caller frees it. */
char *onboard_verdict(const struct onboard *o);

/*
 * Put the result on record, as an event "onboard" of that time. 0, or -1 with
 * *e set.
 */
int onboard_record(const struct ctl *c, const struct partner *p,
    const struct onboard *o, time_t when, struct err *e);

/*
 * The policy p has when enforced, as a test wants it whose servers are at an
 * address: tokens of match= become names of domain, tafile= the test's CA
 * (THROWAWAY_CA). *name is one that it takes. Both are the caller's to free.
 */
char *onboard_policy(const char *policy, const char *domain, char **name);

#endif
