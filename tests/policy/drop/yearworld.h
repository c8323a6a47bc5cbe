/*
 * yearworld.h: two hundred partners whose gateways break and get mended,
 * the mail to them, the prober and the ledger, for a simulated year.
 *
 * `real` is time that only goes on; the clock shows real + skew. Static, as
 * each test is one program.
 */
#ifndef YEARWORLD_H
#define YEARWORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drop.h"

#define YEAR_START 1795000000
#define PARTNERS 200
#define GATEWAYS 3  /* of a partner at most */
#define ROWS 400000 /* of downgrades in the ledger */
#define FAILS 64    /* kept of a partner, newest last */
#define HOUR 3600
#define DAY 86400
#define YEAR (365L * DAY)
#define NEVER INT64_MAX

struct gateway {
	char nexthop[32];
	char host[48];
	enum fault fault;
	unsigned key;	   /* it shows */
	unsigned last_key; /* that passed in a probe; 0: none */
	long since;	   /* clock */
	bool passed[256];  /* by key % 256 */
};

struct row {
	struct drop_lowering low;
	long began;   /* real */
	long allowed; /* seconds it may last */
	char keys[8][16];
	size_t nkeys;
};

struct seen_failure {
	struct drop_failure f;
	long real;
};

struct peer {
	char name[16];
	struct drop_rules rules;
	bool gone;
	struct gateway gw[GATEWAYS];
	size_t ngw;
	struct seen_failure fail[FAILS];
	size_t nfails;
	struct step_gateway shown[GATEWAYS]; /* the last report */
	struct drop_report report;
	char shown_key[GATEWAYS][2][16];
	long probed;	 /* real time of that; 0: none */
	long probe_at;	 /* real: a probe was asked for and begins */
	long next_mail;	 /* real */
	long next_turn;	 /* real: breaks, or is mended */
	long next_watch; /* real: the monitor's probe */
	long closed;	 /* real: end of the last downgrade */
	long row;	 /* open, or -1 */
	unsigned keys;	 /* ever made */
};

struct year {
	uint64_t prng;
	long real;
	long skew;
	struct peer peer[PARTNERS];
	long next[PARTNERS]; /* real: when something happens to each */
	unsigned nopen;	     /* downgrades */
	struct row *row;
	long nrows;
	bool bundle_broken; /* our CA file */
	bool dns_down;
	bool killed;	   /* before it was told what it had done */
	long next_trouble; /* real */
	long next_odd;	   /* real: restart, clock, hand, reload */
	long mass;	   /* clock; 0: none */
	long distrust;	   /* clock, from where it was set back */
	long last;	   /* clock at the last input */
	struct drop_settings settings;
	struct drop *d;
	struct drop_actions a;
	/* What came to pass, to see that the year was not idle. */
	unsigned drops, restores, early, held, masses, restarts, jumps, flushes,
	    second, shortened, pinned, by_hand;
};

static uint64_t
rnd(struct year *y, uint64_t n)
{
	uint64_t x = y->prng += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x ^ (x >> 31)) % n;
}

/* About that long, from nothing to twice as much. */
static long
about(struct year *y, long mean)
{
	long first = (long)rnd(y, (uint64_t)mean);

	/* One after the other: every compiler makes the same year. */
	return 1 + first + (long)rnd(y, (uint64_t)mean);
}

static time_t
clock_now(const struct year *y)
{
	return YEAR_START + y->real + y->skew;
}

/* What the gateway shows to whoever looks now. */
static enum fault
fault_of(const struct year *y, const struct gateway *g)
{
	if (y->dns_down)
		return FAULT_DNS_FAILED;
	if (!fault_is_tls(g->fault) && g->fault != FAULT_OK)
		return g->fault;
	if (y->bundle_broken && g->fault < FAULT_UNTRUSTED_ISSUER)
		return FAULT_UNTRUSTED_ISSUER;
	return g->fault;
}

/* The level of the map for a partner now. */
static enum level
level_of(const struct year *y, const struct peer *p)
{
	const struct row *r = p->row < 0 ? NULL : &y->row[p->row];
	time_t now = clock_now(y);

	if (r == NULL || r->low.begin > now || r->low.end <= now ||
	    r->low.level > p->rules.full)
		return p->rules.full;
	return r->low.level;
}

static bool
is_pinned(const struct row *r, unsigned key)
{
	char text[16];
	size_t i;

	(void)snprintf(text, sizeof(text), "%u", key);
	for (i = 0; i < r->nkeys; i++)
		if (strcmp(r->keys[i], text) == 0)
			return true;
	return false;
}

/* Would Postfix deliver to g? If not, *log is what it says. */
static bool
delivers(struct year *y, const struct peer *p, const struct gateway *g,
    enum fault *log)
{
	enum fault f = fault_of(y, g);
	enum level level = level_of(y, p);

	*log = f;
	if (f != FAULT_OK && !fault_is_tls(f))
		return false;
	if (level == LEVEL_SECURE) {
		/* Postfix often says no more than that. */
		if (f != FAULT_OK && rnd(y, 3) == 0 &&
		    fault_smallest_step(f, false) == LEVEL_ENCRYPT)
			*log = FAULT_UNTRUSTED_ISSUER;
		return f == FAULT_OK;
	}
	if (level == LEVEL_KEY) {
		if (fault_smallest_step(f, false) == LEVEL_OPPORTUNISTIC)
			return false;
		*log = FAULT_KEY_CHANGED;
		return p->row >= 0 && is_pinned(&y->row[p->row], g->key);
	}
	return level == LEVEL_OPPORTUNISTIC ||
	       fault_smallest_step(f, false) != LEVEL_OPPORTUNISTIC;
}

static void
make_peer(struct year *y, struct peer *p, unsigned i)
{
	static const enum level floors[] = {
	    LEVEL_ENCRYPT, LEVEL_ENCRYPT, LEVEL_KEY, LEVEL_OPPORTUNISTIC};
	struct gateway *g;
	size_t k;

	(void)snprintf(p->name, sizeof(p->name), "p%u", i % PARTNERS);
	p->rules.full = LEVEL_SECURE;
	p->rules.floor = floors[rnd(y, 4)];
	p->rules.may_drop = rnd(y, 4) != 0;
	p->rules.count = (uint16_t)(1 + rnd(y, 5));
	p->rules.window = (uint32_t)(600 + rnd(y, 3600));
	p->rules.seconds = (uint32_t)(1800 + rnd(y, 8 * HOUR));
	p->ngw = 1 + rnd(y, GATEWAYS);
	p->row = -1;
	for (k = 0; k < p->ngw; k++) {
		g = &p->gw[k];
		(void)snprintf(g->nexthop, sizeof(g->nexthop), "%s.example",
		    k == 2 ? "other" : p->name);
		(void)snprintf(
		    g->host, sizeof(g->host), "mx%zu.%s", k, g->nexthop);
		g->key = ++p->keys;
		g->last_key = g->key;
		g->passed[g->key % 256] = true;
	}
	p->next_mail = about(y, 3 * HOUR);
	p->next_turn = about(y, 30 * DAY);
	p->next_watch = about(y, 6 * HOUR);
	p->closed = -DAY;
}

/* Something breaks at a partner, or all is mended. */
static void
turn(struct year *y, struct peer *p)
{
	static const enum fault faults[] = {FAULT_EXPIRED, FAULT_EXPIRED,
	    FAULT_EXPIRED, FAULT_NAME_MISMATCH, FAULT_SELF_SIGNED,
	    FAULT_UNTRUSTED_ISSUER, FAULT_NO_STARTTLS, FAULT_HANDSHAKE_FAILED,
	    FAULT_CONNECT_REFUSED, FAULT_CONNECT_TIMEOUT, FAULT_TIMEOUT,
	    FAULT_GREETING_REFUSED};
	bool was_broken = false, mended, is_broken = false;
	enum fault f = faults[rnd(y, sizeof(faults) / sizeof(faults[0]))];
	size_t k;

	for (k = 0; k < p->ngw; k++)
		was_broken |= p->gw[k].fault != FAULT_OK;
	mended = was_broken && rnd(y, 3) != 0;
	for (k = 0; k < p->ngw; k++) {
		struct gateway *g = &p->gw[k];

		g->fault = FAULT_OK;
		/* Now and then it gets worse, or does not get well. */
		if (mended || rnd(y, 6) == 0)
			continue;
		is_broken = true;
		g->fault = rnd(y, 4) == 0 ? faults[rnd(y, 8)] : f;
		if (rnd(y, 3) == 0)
			g->key = ++p->keys;
	}
	p->next_turn =
	    y->real + (is_broken ? about(y, 5 * HOUR) : about(y, 15 * DAY));
}

/* A probe of p, as it is now; what it showed stays with p. */
static void
take_probe(struct year *y, struct peer *p)
{
	size_t k;

	for (k = 0; k < p->ngw; k++) {
		struct gateway *g = &p->gw[k];
		enum fault f = fault_of(y, g);
		bool shows = fault_smallest_step(f, false) >= LEVEL_ENCRYPT &&
			     (f == FAULT_OK || fault_is_tls(f));

		p->shown_key[k][0][0] = p->shown_key[k][1][0] = '\0';
		if (shows)
			(void)snprintf(p->shown_key[k][0],
			    sizeof(p->shown_key[k][0]), "%u", g->key);
		if (g->last_key != 0)
			(void)snprintf(p->shown_key[k][1],
			    sizeof(p->shown_key[k][1]), "%u", g->last_key);
		if (p->shown[k].fault != f || p->probed == 0)
			g->since = clock_now(y);
		p->shown[k] = (struct step_gateway){.nexthop = g->nexthop,
		    .host = g->host,
		    .fault = f,
		    .key = p->shown_key[k][0],
		    .last_key = p->shown_key[k][1],
		    .known = g->last_key != 0,
		    .since = g->since};
		if (f == FAULT_OK) {
			g->last_key = g->key;
			g->passed[g->key % 256] = true;
		}
	}
	p->report = (struct drop_report){.partner = p->name,
	    .time = clock_now(y),
	    .gateway = p->shown,
	    .n = p->ngw};
	p->probed = y->real;
}

/* To be called whenever one of p's times has changed. */
static void
plan(struct year *y, const struct peer *p)
{
	long t = p->next_mail;

	t = p->next_turn < t ? p->next_turn : t;
	t = p->next_watch < t ? p->next_watch : t;
	y->next[p - y->peer] = p->probe_at < t ? p->probe_at : t;
}

static struct peer *
peer_named(struct year *y, const char *name)
{
	return &y->peer[(unsigned)atoi(name + 1) % PARTNERS];
}

#endif
