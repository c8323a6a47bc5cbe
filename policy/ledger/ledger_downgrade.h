/*
 * ledger_downgrade.h: partners that are held to less than was agreed, for a
 * time. What is common to all functions stands in ledger.h.
 */
#ifndef LEDGER_DOWNGRADE_H
#define LEDGER_DOWNGRADE_H

#include <string.h>

#include "arena.h"
#include "direction.h"
#include "ledger.h"
#include "level.h"

struct strs;

enum ledger_cause { LEDGER_MANUAL, LEDGER_AUTOMATIC };

/* "manual", "automatic". */
const char *ledger_cause_name(enum ledger_cause c);

/* What tlspactd warns of mail that would be refused, but for a downgrade: the
 * mail log has it, and is read for it. */
#define LEDGER_LET_IN "let in while a downgrade holds"

/* What it says of mail that came over TLS, and is refused all the same. */
#define LEDGER_BY_CERTIFICATE "with your client certificate"
#define LEDGER_OLD_TLS "used an older TLS version"

struct ledger_downgrade {
	int64_t id; /* 0 when adding */
	const char *partner;
	enum level before;
	enum level after; /* the same as before, but with BOTH */
	/* Unless it is DIRECTION_BOTH, mail to them goes as was agreed. */
	enum direction direction;
	time_t begin;
	time_t end; /* from this second on it does not hold */
	const char *reason;
	const char *ticket;
	const char *author;    /* login name, or the program */
	const char *sudo_user; /* who was behind it, "" */
	enum ledger_cause cause;
	const char *fault;	 /* word of fault.h, "" if not known */
	const char *const *keys; /* 64 hex digits each; for LEVEL_KEY */
	size_t nkeys;
	/*
	 * The partner's domains and next-hops, as the registry has them, when
	 * it began: later ones are not lowered. None: it was not said, as
	 * before there was such a list.
	 */
	const char *const *domains;
	size_t ndomains;
	/*
	 * Adding: the number of an open one of this partner that gives way,
	 * closed in the same transaction; 0: there must be none.
	 */
	int64_t replaces;
	/* Reading only: */
	const char *extended_by; /* author of the last extension, "" */
	time_t closed; /* when it was ended early, or found ended; 0: open */
	const char *closed_by;
	const char *closed_why; /* "end" if its time was up */
};

/* Of tlspactd, which ends it: nobody else has lowered, or extended it. */
static inline bool
ledger_is_automatic(const struct ledger_downgrade *d)
{
	return d->cause == LEDGER_AUTOMATIC &&
	       (*d->extended_by == '\0' ||
		   strcmp(d->extended_by, d->author) == 0);
}

/*
 * Begin one. LEDGER_REFUSED if one of that partner is open (also one that
 * begins later), other than d->replaces: e->text then says which, until
 * when, by whom and why. One of mail from them gives way to one that lets
 * in the same mail and more. Of two at once one wins. Ended ones are
 * settled first. *id is its number.
 */
int ledger_downgrade_begin(struct ledger *l, const struct ledger_downgrade *d,
    time_t now, int64_t *id, struct err *e);

/*
 * Give it another end, later or sooner, but after now. LEDGER_REFUSED if it
 * has ended or was closed; 66 if there is none of that number.
 */
int ledger_downgrade_extend(struct ledger *l, int64_t id, time_t end,
    const char *author, const char *reason, time_t now, struct err *e);

/* End it now. LEDGER_REFUSED if it has ended already; 66 as above. */
int ledger_downgrade_close(struct ledger *l, int64_t id, const char *author,
    const char *why, time_t now, struct err *e);

/*
 * For the rest of this room. Within a transaction: the open one of partner
 * `from` goes on as that of `to`, told by an event "downgrade-rename". It ends
 * if `to` has one that is open: there is one at most. 0 or -1.
 */
int ledger_downgrade_move(struct ledger *l, const char *from, const char *to,
    const char *author, time_t now, struct err *e);

/*
 * Close those whose time is up, an event each: by now, or by an event that
 * was written since it began or was extended. Name open ones that were edited
 * by hand. Once settled they stay ended even if the clock is set back. Cheap
 * when there is nothing to do.
 */
int ledger_downgrade_settle(struct ledger *l, time_t now, struct err *e);

/*
 * Downgrades of one partner or all (NULL), newest first: those that hold at
 * that time; with 0 every one, with LEDGER_OPEN those that nobody closed.
 * `partner` is what that partner is called now, ledger_rename.h.
 */
#define LEDGER_OPEN ((time_t)-1)
typedef bool ledger_downgrade_fn(const struct ledger_downgrade *d, void *arg);
int ledger_downgrades(struct ledger *l, const char *partner, time_t at,
    ledger_downgrade_fn *fn, void *arg, struct err *e);

/* One as the map is compiled with it. */
struct downgrade {
	const char *partner;
	enum level level;
	time_t begin;
	time_t end;		/* from this second on it does not hold */
	const struct strs *key; /* for LEVEL_KEY: the last key that passed */
	/* What it was begun for, sorted by strcmp(3); NULL: all. */
	const struct strs *domains;
	int64_t id; /* in the ledger; 0: not known */
	/* Unless BOTH, rows stay as they are, whatever the level. */
	enum direction direction;
};

struct downgrades {
	const struct downgrade *v;
	size_t n;
};

/* Is the domain or next-hop, as the registry has it, among its domains? */
bool downgrade_covers(const struct downgrade *o, const char *name);

/*
 * The open ones as compile() wants them, those to come included. A row is
 * believed only if the last event about it says the same, and if its end is
 * no more than max_downgrade seconds from its begin, or from when it was
 * extended: others could be anybody's. They are told in `doubt`.
 */
struct ledger_believed {
	struct ledger_open {
		struct downgrade d;
		struct ledger_downgrade row; /* the same, in its own words */
		/* NULL, or why not: only id and partner are known then. */
		const char *doubt;
	} * v;
	size_t n;
	struct arena arena;
};
int ledger_believed(struct ledger *l, time_t now, uint64_t max_downgrade,
    struct ledger_believed *out, struct err *e);
void ledger_believed_release(struct ledger_believed *o);

/*
 * Is the downgrade of that number and begin open, its time come or not? A
 * partner may have been renamed since: its name counts where begin is 0, and
 * with id 0, which is any of that partner begun by `by`. 1, 0, or -1; *found is
 * its number.
 */
int ledger_downgrade_is_open(struct ledger *l, const char *partner, int64_t id,
    time_t begin, time_t by, int64_t *found, struct err *e);

#endif
