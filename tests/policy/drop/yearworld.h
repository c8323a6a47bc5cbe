/*
 * yearworld.h: two hundred partners whose gateways break and get mended, and
 * attackers who answer in their place; the mail to them, the prober and the
 * ledger, for a simulated year.
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

#define EVIL 1000000 /* keys and places of attackers are above */
#define PLACES 16

/* How somebody gets between us and a partner. */
enum attack {
	ATTACK_NONE,
	ATTACK_DNS,	/* answers for the MX name, at a place of his own */
	ATTACK_NEW_MX,	/* adds an MX host */
	ATTACK_ADDRESS, /* has the gateway's address */
	ATTACK_STRIP,	/* takes STARTTLS out, on the way */
	ATTACK_RETIRED, /* has a key that the gateway used to have */
	ATTACK_STOLEN,	/* has the key that passed last */
	ATTACKS
};

struct gateway {
	char nexthop[32];
	char host[48];
	enum fault fault;
	unsigned key;	   /* it shows */
	unsigned last_key; /* that passed in a probe; 0: none */
	unsigned retired;  /* that passed before that one; 0: none */
	unsigned place;	   /* its address */
	unsigned passed[PLACES];
	size_t npassed;
	long since; /* clock */
	/* Who answers in its place. */
	enum attack attack;
	enum fault evil_fault;
	unsigned evil_key, evil_place;
};

struct row {
	struct drop_downgrade low;
	long began;   /* real */
	long allowed; /* seconds it may last */
	bool planned; /* a restart took it for one that is to begin */
	char keys[8][16];
	size_t nkeys;
};

struct seen_failure {
	struct drop_delivery f;
	long real;
};

struct peer {
	char name[16];
	struct drop_rules rules;
	bool gone;
	struct gateway gw[GATEWAYS + 1]; /* room for an attacker's */
	size_t ngw;
	enum attack attack;
	long attack_began, attack_ends; /* real */
	long ruled;			/* real: the registry was changed */
	struct seen_failure fail[FAILS];
	size_t nfails;
	struct step_gateway shown[GATEWAYS + 1]; /* the last report */
	struct drop_report report;
	char shown_key[GATEWAYS + 1][2][16];
	char shown_place[GATEWAYS + 1][16];
	long probed;	 /* real time of that; 0: none */
	bool ours;	 /* it met no fault but that of our CA file */
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
	bool hostile;	    /* attackers have put theirs into it */
	long broke;	    /* real */
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
	long next_attack; /* real */
	unsigned evil_keys, attacks[ATTACKS], hostile_cas;
	/* Mails that met an attacker: refused; his, in so many words. */
	unsigned refused, his, his_by_hand, his_by_ca, his_by_theft;
	unsigned strangers, common, on_lowered, chased;
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

/* The key and the address of whoever answers. */
static unsigned
key_of(const struct gateway *g)
{
	return g->attack != ATTACK_NONE ? g->evil_key : g->key;
}

static unsigned
place_of(const struct gateway *g)
{
	return g->attack != ATTACK_NONE ? g->evil_place : g->place;
}

static bool
place_passed(const struct gateway *g, unsigned place)
{
	size_t i;

	for (i = 0; i < g->npassed && i < PLACES; i++)
		if (g->passed[i] == place)
			return true;
	return false;
}

/* What the gateway shows to whoever looks now. */
static enum fault
fault_of(const struct year *y, const struct gateway *g)
{
	if (y->dns_down)
		return FAULT_DNS_FAILED;
	if (g->attack != ATTACK_NONE)
		return y->hostile && g->evil_fault == FAULT_SELF_SIGNED
			   ? FAULT_OK
			   : g->evil_fault;
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
		return p->row >= 0 && is_pinned(&y->row[p->row], key_of(g));
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
		g->place = 1 + (unsigned)k;
		g->passed[g->npassed++] = g->place;
	}
	p->attack_ends = NEVER;
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
		if (rnd(y, 10) == 0)
			g->place += GATEWAYS;
	}
	p->next_turn =
	    y->real + (is_broken ? about(y, 5 * HOUR) : about(y, 15 * DAY));
}

/* To be called whenever one of p's times has changed. */
static void
plan(struct year *y, const struct peer *p)
{
	long t = p->next_mail;

	t = p->next_turn < t ? p->next_turn : t;
	t = p->next_watch < t ? p->next_watch : t;
	t = p->attack_ends < t ? p->attack_ends : t;
	y->next[p - y->peer] = p->probe_at < t ? p->probe_at : t;
}

static void
note_pass(struct gateway *g)
{
	if (g->last_key != key_of(g))
		g->retired = g->last_key;
	g->last_key = key_of(g);
	if (!place_passed(g, place_of(g)))
		g->passed[g->npassed++ % PLACES] = place_of(g);
}

/* Somebody gets in between. */
static void
attack(struct year *y, struct peer *p)
{
	static const enum fault faults[] = {FAULT_SELF_SIGNED,
	    FAULT_SELF_SIGNED, FAULT_UNTRUSTED_ISSUER, FAULT_EXPIRED,
	    FAULT_NO_STARTTLS};
	enum attack kind =
	    (enum attack)(ATTACK_DNS + rnd(y, ATTACKS - ATTACK_DNS));
	unsigned place = EVIL + y->evil_keys, key = EVIL + ++y->evil_keys;
	enum fault fault = faults[rnd(y, sizeof(faults) / sizeof(faults[0]))];
	struct gateway *g;
	size_t k;

	if (kind == ATTACK_NEW_MX) {
		g = &p->gw[p->ngw++];
		*g = (struct gateway){.since = clock_now(y)};
		memcpy(g->nexthop, p->gw[0].nexthop, sizeof(g->nexthop));
		strcpy(g->host, "mx.evil.example");
	}
	for (k = 0; k < p->ngw; k++) {
		g = &p->gw[k];
		if (strcmp(g->nexthop, p->gw[0].nexthop) != 0 ||
		    (kind == ATTACK_NEW_MX && k + 1 < p->ngw))
			continue;
		g->attack = kind;
		g->evil_fault = fault;
		g->evil_key = key;
		g->evil_place = place;
		if (kind == ATTACK_ADDRESS || kind == ATTACK_STRIP)
			g->evil_place = g->place;
		if (kind == ATTACK_STRIP)
			g->evil_fault = FAULT_NO_STARTTLS;
		if (kind == ATTACK_RETIRED && g->retired != 0)
			g->evil_key = g->retired;
		if (kind == ATTACK_STOLEN)
			g->evil_key = g->last_key;
		if (kind == ATTACK_RETIRED || kind == ATTACK_STOLEN)
			g->evil_fault = FAULT_EXPIRED;
		if (kind == ATTACK_RETIRED && rnd(y, 2) == 0)
			g->evil_place = g->place;
	}
	p->attack = kind;
	p->attack_began = y->real;
	p->attack_ends = y->real + about(y, 8 * HOUR);
	y->attacks[kind]++;
	plan(y, p);
}

static void
attack_over(struct peer *p)
{
	size_t k;

	for (k = 0; k < p->ngw; k++)
		p->gw[k].attack = ATTACK_NONE;
	if (p->attack == ATTACK_NEW_MX)
		p->ngw--;
	p->attack = ATTACK_NONE;
	p->attack_ends = NEVER;
}

/* A probe of p, as it is now; what it showed stays with p. */
static void
take_probe(struct year *y, struct peer *p)
{
	size_t k;

	p->ours = y->bundle_broken;
	for (k = 0; k < p->ngw; k++) {
		struct gateway *g = &p->gw[k];
		enum fault f = fault_of(y, g);
		bool shows = fault_smallest_step(f, false) >= LEVEL_ENCRYPT &&
			     (f == FAULT_OK || fault_is_tls(f));

		p->ours &= g->fault == FAULT_OK && g->attack == ATTACK_NONE;
		p->shown_key[k][0][0] = p->shown_key[k][1][0] = '\0';
		if (shows)
			(void)snprintf(p->shown_key[k][0],
			    sizeof(p->shown_key[k][0]), "%u", key_of(g));
		(void)snprintf(p->shown_place[k], sizeof(p->shown_place[k]),
		    "%u", place_of(g));
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
		    .address = p->shown_place[k],
		    .known = place_passed(g, place_of(g)),
		    .since = g->since};
		if (f == FAULT_OK)
			note_pass(g);
	}
	p->report = (struct drop_report){.partner = p->name,
	    .time = clock_now(y),
	    .gateway = p->shown,
	    .n = p->ngw};
	p->probed = y->real;
}

static struct peer *
peer_named(struct year *y, const char *name)
{
	return &y->peer[(unsigned)atoi(name + 1) % PARTNERS];
}

#endif
