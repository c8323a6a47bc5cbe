/*
 * report.h: what is on record of a period, as a whole and by partner: facts
 * for auditors, and what wants attention.
 *
 * From registry, map, ledger and evidence alone; nothing is asked of the
 * network. What was not looked at is told as open, which is never good news.
 * There are no addresses of people's mail and no queue ids in it.
 *
 * Days are numbered from report.from_day, in UTC. Arrays by direction are
 * indexed by enum evidence_direction, those by what was seen by enum
 * evidence_seen. Texts are UTF-8, never NULL unless said, and as people or
 * peers wrote them: who prints escapes them. All lives until report_free().
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "arena.h"
#include "evidence_log.h"
#include "ledger_downgrade.h"
#include "level.h"
#include "names.h"
#include "strength.h"

struct err;
struct partner;
struct registry;
struct settings;

#define REPORT_DAYS 30 /* that a period has unless it is said */
#define REPORT_WAYS 2  /* directions */
#define REPORT_SEEN (EVIDENCE_VERIFIED + 1)

/*
 * "99.98 %", never rounded up: "100 %" is all of it. "-" of nothing. Returns
 * out.
 */
#define REPORT_PERCENT_MAX 32
char *report_percent(uint64_t part, uint64_t all, char out[REPORT_PERCENT_MAX]);

/* How an answer is to be taken; the word stands beside any colour. */
enum report_state {
	REPORT_OPEN, /* nobody knows: not looked at, not counted, no mail */
	REPORT_GOOD,
	REPORT_WATCH, /* to be looked at */
	REPORT_BAD,
};
const char *report_state_name(enum report_state s); /* "open", "good" ... */

/* --- Mail ------------------------------------------------------------- */

/* The level that mail was held to when it moved; the last: nobody knows. */
#define REPORT_RULE_UNKNOWN (LEVEL_SECURE + 1)
#define REPORT_RULES (REPORT_RULE_UNKNOWN + 1)

/*
 * Required: held to encrypt or more. Preferred: opportunistic. Kept: it had
 * what the rule of its time asks for; mail that comes in is asked for TLS
 * only. Failed: it had less, such as preferred mail in the clear.
 */
struct report_kept {
	uint64_t required_kept, required_failed;
	uint64_t preferred_kept, preferred_failed;
	uint64_t unknown; /* the rule of that time is not known */
};

/* Mail of one direction that was delivered: sent, or received. */
struct report_mail {
	uint64_t n[REPORT_RULES][REPORT_SEEN];
	struct report_kept kept; /* sums to the same */
	uint64_t lowered;	 /* of it, under a downgrade */
	uint64_t lowered_kept;	 /* of that, required still, and kept */
	uint64_t lowered_free;	 /* of that, required no more */
	uint64_t lowered_clear;	 /* of that, in the clear */
	uint64_t lowered_met;	 /* of lowered, as agreed even so */
	/* Not delivered: attempts that were deferred; mail that came back
	 * (bounced, expired); mail that was refused on its way in. */
	uint64_t deferred, returned, refused;
	const char *first, *last; /* days with mail, YYYY-MM-DD; "" */
};

/* All of it; by what protected it. */
uint64_t report_mails(const struct report_mail *m);
uint64_t report_seen(const struct report_mail *m, enum evidence_seen s);

/* Mail of a day, both ways. Sums over it are those of report_mail. */
struct report_day {
	uint32_t day;
	uint32_t n[REPORT_WAYS][REPORT_SEEN];
	uint32_t required[REPORT_WAYS]; /* of it, held to encrypt or more */
	uint32_t kept[REPORT_WAYS];	/* of these, kept */
	uint32_t lowered[REPORT_WAYS];	/* of it, under a downgrade */
};

/* Mail that had one protocol, cipher, key exchange or signature. */
struct report_use {
	const char *name; /* "": the log does not tell */
	uint64_t n;
	const char *last;	 /* day */
	uint64_t *day;		 /* by day; of the whole only, else NULL */
	enum report_state state; /* of an old protocol, say: REPORT_WATCH */
	const char *why;	 /* then, a phrase; "" */
};
struct report_uses {
	struct report_use *v; /* most first */
	size_t n, cap, near;
};

/* One direction of a partner, of all strangers, or of the whole. */
struct report_way {
	struct report_mail mail;
	struct report_uses protocol, cipher, exchange, signature;
	/* Verified mail by what: "ca" (and name), "key", "dane", "". */
	struct report_uses proof;
	/* Encrypted mail whose key no later theft opens, and the rest. */
	uint64_t secret, not_secret, secret_unknown;
	uint64_t quantum;    /* whose keys a quantum computer does not open */
	const char *weakest; /* protocol, "" if nothing was encrypted */
};

/* --- What failed ------------------------------------------------------ */

/* One class of failures of a partner ("": of others) and direction. */
struct report_failure {
	const char *partner;
	enum evidence_direction direction;
	const char *fault;	  /* word of fault.h */
	uint64_t n;		  /* failed attempts */
	const char *first, *last; /* days */
	/* Mail that was deferred for that and waits no more. */
	uint64_t mails, returned; /* returned: of these, came back */
	uint64_t seconds;	  /* that they waited, all together */
};

/* --- Gateways --------------------------------------------------------- */

struct report_cert {
	const char *subject, *issuer; /* CN, else organisation */
	time_t begins, ends;
	const char *key; /* "EC prime256v1", "RSA 2048" */
	const char *signature;
	bool server, client; /* may be used as such, by its purposes */
	bool self_issued;
};

/* A gateway as the last probe saw it. */
struct report_gateway {
	const char *partner, *nexthop, *host, *address;
	unsigned port;
	time_t time;	   /* of that look */
	const char *fault; /* at its level: "ok", or a word of fault.h */
	const char *would; /* the same if it were enforced; "": not known */
	time_t since;	   /* when that fault, or "ok", was first seen */
	time_t passed;	   /* last, 0: never */
	bool gone;	   /* evidence_looked() */
	time_t blind;	   /* as in evidence.h */
	enum evidence_judged by;
	const char *protocol, *cipher, *exchange;
	const char *key; /* SPKI SHA-256 */
	/* As in evidence.h; "": not known. */
	const char *requiretls, *dnssec, *tlsa;
	/* The chain that it showed last, leaf first; none: ncerts 0. */
	time_t shown;
	struct report_cert *cert;
	size_t ncerts;
	const char *issuer; /* of the leaf: "Org, CN" */
	/* Of the certificate of its chain that ends first; begins 0: its end
	 * stops no mail; ends 0: not known. */
	time_t begins, ends;
	const char *ends_who;
	int left; /* percent of its life that is left, 0 to 100; -1 unknown */
	enum report_state state;
	const char *word; /* for people: "passes", "certificate expired" */
};

/* What was seen to change at gateways in the period. */
enum report_what { REPORT_KEY, REPORT_ISSUER, REPORT_APPEARED, REPORT_GONE };
const char *report_what_name(enum report_what w);
struct report_seen_change {
	time_t time;
	const char *partner, *nexthop, *host;
	enum report_what what;
	const char *was, *is; /* keys or issuers, "" for the others */
};

/* --- What was decided -------------------------------------------------- */

struct report_downgrade {
	int64_t id;
	const char *partner;
	enum level before, after;
	enum direction direction; /* as in ledger_downgrade.h */
	time_t begin, end; /* end: as it was to be; it may have been closed */
	time_t closed;	   /* 0: nobody did */
	time_t over;	   /* when it ended or will: the earlier of both */
	bool open;	   /* at the time of the report */
	const char *reason, *ticket, *author, *sudo_user, *fault;
	const char *extended_by, *closed_by, *closed_why;
	bool automatic;
	/* Mail that moved under it. If not known, rows of its days are from
	 * before that was counted. */
	bool moved_known;
	uint64_t moved[REPORT_WAYS][REPORT_SEEN];
};

/* One demand that was changed, as recorded with the map that changed it. */
struct report_rule_change {
	time_t time;
	int64_t event;
	const char *partner; /* whose it is, or was; "" if nothing tells */
	const char *key;     /* domain, next-hop or client */
	enum change change;
	bool weakens;	   /* an Enforced one, by no downgrade */
	const char *cause; /* "registry", "settings", "downgrade", "end" */
	const char *was, *is;
	const char *author;
	const char *text; /* where a map is not as recorded: what is; "" */
	/* Rows that its event does not name and that were weakened too; of
	 * partners whom it has no row of. */
	uint64_t unnamed, unnamed_partners;
	uint64_t unnamed_gone; /* of these, in the registry no more */
	bool gone;     /* the row went, and its partner is not there now */
	bool at_least; /* there may be more of them */
};

/* The change for people: "weaker", or, of nothing else, "new gateway names". */
const char *report_change_words(const struct report_rule_change *x);

/* A fault of a partner, as tlspactd recorded it. */
struct report_fault {
	const char *partner;
	time_t begin, end; /* end 0: it goes on */
	const char *word;  /* of fault.h */
};

/* A leg between us, a partner and its provider, as traced mails tell. */
struct report_leg {
	const char *partner;
	const char *leg;		    /* leg_name() */
	uint64_t encrypted, clear, unknown; /* mails */
	time_t last;
};

/* Mail of a partner ("": of others) that was deferred, and waits. */
struct report_wait {
	const char *partner;
	uint64_t mails;
	time_t since; /* the longest */
};

/* Our own side, as tlspact-setup(8) check --record saw it last. */
struct report_own {
	const char *what, *name, *text;
	enum report_state state;
	time_t begins, ends; /* of a certificate; else 0 */
};

/* The last look at the steps towards mode=enforced, tlspactctl(8) onboard. */
struct report_onboard {
	time_t time;
	const char *partner;
	const char *text;    /* "ready for mode=enforced", ... */
	const char *refusal; /* of a wrong server: "done", "open", "spared" */
};

/* Somebody was told something. */
struct report_notice {
	time_t time; /* when it was sent; 0: it waits */
	time_t created;
	const char *partner; /* or "" */
	const char *kind, *subject;
};

/* --- Partners ---------------------------------------------------------- */

/* Could it be enforced today? */
enum report_ready {
	REPORT_IS_ENFORCED,
	REPORT_READY,
	REPORT_NOT_READY,
};
enum report_turn { REPORT_NOBODY, REPORT_OURS, REPORT_THEIRS, REPORT_TIME };
const char *report_turn_name(enum report_turn t); /* "", "ours", "theirs" .. */

/* Mail of a domain of a partner that is counted as of none. */
struct report_before {
	uint64_t mails, clear; /* clear: that went out */
	const char *domain;
	bool more; /* domains than that */
};

struct report_partner {
	const char *name;
	const struct partner *p; /* NULL: not in the registry (now) */
	time_t gone;		 /* then: when its last row went; 0: unknown */
	enum level full;	 /* its level without a downgrade, now */
	enum level level;	 /* in force by the map, now */
	bool level_known;	 /* false: the map does not tell */
	struct report_way way[REPORT_WAYS];
	struct report_day *day; /* with mail, by day */
	size_t ndays, day_cap;
	/* Slices of the report's arrays. */
	const struct report_gateway *gateway;
	size_t ngateways;
	const struct report_failure *failure;
	size_t nfailures;
	size_t ndowngrades;  /* in the period */
	time_t looked_since; /* first look that is kept; 0: none */
	int64_t unknown_day; /* last with mail whose rule is not known; -1 */
	struct report_before before;
	/* By what its gateways' names are known: "agreed", "DNSSEC", "". */
	const char *names;
	enum report_ready ready;
	const char *missing; /* if not ready: the one thing, a sentence */
	enum report_turn turn;
	const char *line; /* if ready: the registry's line to change to */
	enum report_state state;
	/* One phrase beside it: "kept", "no mail". What gateways show now is
	 * left out of both where the period is over. */
	const char *verdict;
};

/* A domain that is no partner's. */
struct report_domain {
	const char *name;
	uint64_t n[REPORT_WAYS][REPORT_SEEN];
	const char *last; /* day with clear mail */
};

/* Of those to whom mail went in the clear, so many an answer names. */
#define REPORT_PARTNERS_NAMED 5
#define REPORT_DOMAINS_NAMED 3

/* To whom mail went in the clear. */
struct report_recipient {
	const char *name;
	uint64_t n;
	bool held, lowered; /* some of it: to TLS, or under a downgrade */
};

/* --- The whole ---------------------------------------------------------- */

/* What answers count; which of it, and of what, depends on the question. */
enum report_number {
	REPORT_N_MAILS,
	REPORT_N_KEPT,
	REPORT_N_LOWERED,
	REPORT_N_FAILED,
	REPORT_N_RULE_UNKNOWN,
	REPORT_N_CLEAR,
	REPORT_N_NOT_HELD,
	REPORT_N_PARTNERS,
	REPORT_N_DOMAINS,
	REPORT_N_OTHERS,
	REPORT_N_DOWNGRADES,
	REPORT_N_OPEN,
	REPORT_N_WEAKENED,
	REPORT_N_GATEWAYS,
	REPORT_N_GOOD,
	REPORT_N_WATCH,
	REPORT_N_BAD,
	REPORT_N_UNSEEN,
	REPORT_N_READY,
	REPORT_N_HOURS,
	REPORT_N_HOURS_READ,
	REPORT_N_EVENTS,
	REPORT_N_FLAWS,
	REPORT_NUMBERS
};
const char *report_number_name(enum report_number n); /* "mails" ... */

/* A question that is answered first. */
struct report_answer {
	const char *question, *answer, *detail; /* detail may be "" */
	enum report_state state;
	bool now;	   /* of the time of the report, whatever the period */
	const char *about; /* the question in a word that stays: "clear" */
	int64_t number[REPORT_NUMBERS]; /* -1: not asked for, or not known */
};

/* What needs attention, the worst first. */
struct report_note {
	enum report_state state;
	const char *partner;	 /* or "" */
	const char *text, *next; /* next: what to do, may be "" */
	enum report_turn turn;
	bool now; /* as of an answer */
};

/*
 * What is on record of a name of today that went on under another one; or mail
 * of domains of today that were another partner's.
 */
struct report_handed {
	const char *from,
	    *to;	    /* whose name or domain it is; counted as whose */
	const char *domain; /* "": all of the name; else the first of them */
	size_t domains;
	time_t begin, end; /* 0: not known; of a name no begin is told */
	time_t over;	   /* of a name: it was back by then, or 0 */
	bool times;	   /* several times between begin and end */
	bool leads;	   /* `to` is a partner as well */
	bool apart;	   /* it was one beside `from`, later: not the same */
};

/* Hours of which the log says nothing. */
struct report_gap {
	time_t begin, end;
};

/* Gaps of one length from the same time of day on: quiet nights, say. */
struct report_quiet {
	time_t begin, end; /* the first one */
	time_t last;	   /* when the last one begins */
	int at;		   /* of each: seconds since midnight */
	uint64_t n;
};

/* Did it come on each day, from the first to the last one? */
bool report_each_day(const struct report_quiet *q);

/* A host whose log was read. */
struct report_host {
	const char *name;   /* "": the lines have none */
	time_t first, last; /* hours, in the period */
	uint64_t hours;
	enum report_state state; /* open: nothing of it came lately */
};

/* One of the 26 facts that auditors ask for. */
#define REPORT_FACTS 26
struct report_fact {
	const char *title;
	enum report_state state; /* good: shown; watch: in part; open: not */
	const char *where;	 /* part of the report that shows it, "" */
	const char *text;	 /* what is missing, or why; "" */
};

struct report {
	/* The period: first second, first one after it (UTC days), now. */
	time_t from, to, now;
	uint32_t ndays;
	const char *from_day, *to_day;	       /* YYYY-MM-DD, both included */
	bool going_on;			       /* its last day is not over */
	const char *version, *registry_digest; /* "" if not known */
	const struct registry *registry;       /* as asked for; may be NULL */
	time_t map_time;		       /* 0: there is no map */
	const char *map_fault;		       /* why it tells nothing, "" */
	uint64_t keep; /* seconds for which single rows are kept; 0: ever */

	struct report_answer *answer;
	size_t nanswers;
	/* Of those about what is agreed, of what went in the clear and who was
	 * lowered: the worst state, and all in a line. */
	enum report_state state;
	const char *summary;
	/* Partners, those first whose mail was held to TLS, or lowered, then
	 * domains of no partner; of each the most first. Others: see
	 * REPORT_N_OTHERS. */
	struct report_recipient *clear;
	size_t nclear, clear_partners;
	uint64_t clear_others;
	struct report_note *note;
	size_t nnotes, note_cap;

	struct report_way all[REPORT_WAYS];    /* the whole */
	struct report_way others[REPORT_WAYS]; /* of no partner's domains */
	struct report_day *day;		       /* the whole, ndays of them */
	struct report_partner *partner; /* as in the registry; gone ones */
	size_t npartners, partner_cap;
	size_t nregistered, nenforced; /* of them, in the registry */
	struct report_domain
	    *domain; /* with clear text, the worst sent first */
	size_t ndomains;

	struct report_gateway *gateway; /* by partner */
	size_t ngateways, gateway_cap;
	struct report_seen_change *seen_change; /* oldest first */
	size_t nseen_changes, seen_change_cap;
	struct report_failure *failure; /* by partner */
	size_t nfailures, failure_cap;
	struct report_downgrade *downgrade; /* that held in it, oldest first */
	size_t ndowngrades, downgrade_cap;
	struct report_rule_change *rule; /* oldest first */
	size_t nrules, rule_cap;
	uint64_t rules_more; /* changes that their events do not name */
	struct report_fault *fault;
	size_t nfaults, fault_cap;
	struct report_gap *gap;
	size_t ngaps, gap_cap;
	/* The same; first those of a day or more, then the most frequent. */
	struct report_quiet *quiet;
	size_t nquiets;
	struct report_leg *leg; /* by partner */
	size_t nlegs, leg_cap;
	struct report_handed *handed;
	size_t nhanded, handed_cap;
	struct report_wait *wait; /* the longest first */
	size_t nwaits, wait_cap;
	struct report_own *own;
	size_t nown, own_cap;
	time_t own_time; /* of that look; 0: there was none */
	bool own_old;	 /* more than two days before the end of the period */
	struct report_onboard *onboard;
	size_t nonboards, onboard_cap;
	struct report_host *host;
	size_t nhosts, host_cap;
	bool hours_known;	    /* hours read are on record */
	uint64_t hours, hours_read; /* of the period; of these, with log */
	uint64_t rule_unknown;	    /* mail whose rule is not known */
	struct report_notice
	    *notice; /* oldest first; sent ones go after `keep` */
	size_t nnotices, notice_cap;

	/* The record. */
	struct ledger_head head;
	time_t record_begins; /* its first event; 0: there is none */
	bool recorded;	      /* some of the period is after that */
	/* Why more may have been decided in the period than it tells; "". */
	const char *unrecorded;
	size_t flaws; /* of the record, and of the evidence if that was held
			 against it */
	bool evidence_checked;
	/* Why it need not all be as the record says, of the period; "". */
	const char *unsealed;
	const char **flaw; /* the first ones, REPORT_FLAWS_MAX at most */
	size_t nflaws;
	const char *verify;  /* the command that checks it later */
	const char *options; /* as asked; "" */
	/* Commands: that tells all of it; the answers, and with each of whom
	 * they name some. */
	const char *again, *answers, *each;
	bool all_named; /* the brief names all; whoever prints it sets this */

	struct report_fact fact[REPORT_FACTS];

	/* Private. */
	struct names names, days, domains;
	size_t domain_cap;
	struct arena arena;
};
#define REPORT_FLAWS_MAX 10

/* What is asked for. */
struct report_ask {
	const struct settings *set;
	/* Outlives the report. NULL: it cannot be used. */
	const struct registry *registry;
	time_t from, to; /* first seconds of days (UTC), `to` not included */
	const char *const *partner; /* only these; the whole is then theirs */
	size_t npartners;	    /* 0: all */
	bool period; /* was said, so another report must be of it, too */
	time_t now;
	const char *version; /* of the program */
	bool kept;	     /* the registry is the one that was taken last */
	bool check;	     /* hold the evidence against the record: slow */
	/* Sentences are for people: numbers are 12,300, and what is to be said
	 * of many partners is one note. */
	bool grouped;
	/* For a command that tells more: " -C FILE", fit for a shell, or
	 * NULL. */
	const char *options;
	bool dated; /* `now` was said, so another report must be of it */
	bool local; /* times in sentences are, and not RFC 3339; so are the
		     * times of day by which gaps are put together */
	/* What wants somebody: of the mail no more than is counted, of the
	 * gateways neither chains nor what changed there. */
	bool brief;
};

/*
 * Read it. What is not there yet is empty. 0, or -1 with *e set, with the
 * codes of ledger.h, or 66: there is no such partner. To be freed either way.
 */
int report_read(struct report *r, const struct report_ask *ask, struct err *e);

void report_free(struct report *r);

#endif
