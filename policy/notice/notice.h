/*
 * notice.h: what people are told, whom, and when.
 *
 * A notice is data; here are its key and its subject, and beside it are its
 * text (notice_mail.h) and its JSON (notice_json.h). The text is written so
 * that the operator can forward it to the partner's postmaster: what is wrong,
 * what still works, since when, what was done, what to do. Whatever comes from
 * outside (host names, certificates, registry texts) is escaped and cut, so
 * that it cannot forge lines or headers. Pure.
 *
 * Whoever sends keeps the keys of what was sent: no key is sent twice. Keys
 * of what may come again (held, by turns, map) hold the day, so that it is told
 * at most once a day.
 */
#ifndef NOTICE_H
#define NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "attributes.h"
#include "drop.h"
#include "fault.h"
#include "level.h"
#include "num.h"

struct buf;

#define NOTICE_GATEWAYS_MAX 20 /* in the text; more are only counted */
#define NOTICE_PARTNERS_MAX 50 /* that fail at once, the same */
#define NOTICE_FIELD_MAX 256   /* bytes of one foreign text, then "..." */
#define NOTICE_TEXT_MAX 4000   /* bytes of a compiler's complaints */
#define NOTICE_LINE_MAX 900    /* bytes of one line of it (SMTP: 998) */
#define NOTICE_SUBJECT_MAX 160 /* bytes */
#define NOTICE_ADDRESS_MAX 254 /* bytes */

enum notice_kind {
	NOTICE_HELD,	  /* mail waits, and we do not lower */
	NOTICE_LOWERED,	  /* we lowered a partner */
	NOTICE_RESTORED,  /* a downgrade is over */
	NOTICE_END_NEAR,  /* ... soon, and the fault is still there */
	NOTICE_EXPIRING,  /* a certificate */
	NOTICE_FAULT_NEW, /* a probe fails that passed */
	NOTICE_BY_TURNS,  /* one does, and passes again, and fails */
	NOTICE_FAULT_GONE,
	NOTICE_COMMON, /* many partners at once: the fault is ours */
	NOTICE_COMMON_OVER,
	NOTICE_LOST, /* a map took many partners, and nobody agreed */
	NOTICE_MAP,  /* the map could not be compiled */
};

/* "held", "lowered", ... */
const char *notice_kind_text(enum notice_kind kind);

/* All is borrowed; NULL and 0 mean: not known, or not of this kind. */
struct notice {
	enum notice_kind kind;
	time_t at;
	/*
	 * As the action tells it, or as far as it would. why: COMMON of
	 * FAULT_NEW, BY_TURNS and FAULT_GONE as well. text: of MAP the
	 * complaints; of LOST what mapgone.h prints.
	 */
	struct drop_action of;
	const char *contact;	   /* as the registry says */
	uint32_t notify_contact;   /* the same; NOTIFY_* or seconds */
	const char *ticket;	   /* the same */
	const char *const *domain; /* of the partner */
	size_t ndomains;
	bool returns; /* LOWERED: Postfix returns what demands REQUIRETLS */
	const struct step_gateway *gateway;
	size_t ngateways;
	unsigned days;	 /* EXPIRING: 30, 14, 7 or 1; life_step() */
	const char *map; /* MAP: its path */
	time_t compiled; /* MAP: when the one in force was made */
};

/*
 * The notice that the action asks for; what it does not tell is for the caller
 * to add. False if it asks for none. Borrows from the action.
 */
bool notice_of_action(
    const struct drop_action *x, time_t now, struct notice *out);

/* The caller frees. */
char *notice_key(const struct notice *n);     /* one word, ASCII */
char *notice_subject(const struct notice *n); /* one line, ASCII */

/*
 * Fit for a header and for a command line: user@domain, or a local user;
 * no blanks, no quotes, no list, no leading '-'.
 */
bool notice_address_ok(const char *s);

/*
 * Shall the partner's contact be told, too? Only where notify-contact says so;
 * not of what is ours (many that fail at once, a common cause, the map, what
 * was done by hand), not of a date far off, and not through the very gateways
 * that cannot be mailed to: such a notice would only add a failure.
 */
bool notice_tell_contact(const struct notice *n);

/*
 * When: now (n->at), or later if notify-contact is a time, and this is of a
 * fault that has not lasted as long.
 */
time_t notice_contact_time(const struct notice *n);

/* Is it that a fault or a downgrade is over? */
bool notice_is_end(const struct notice *n);

/* --- For the rest of this room -------------------------------------------- */

/*
 * Append foreign text: controls, what reorders or hides text, and bytes that
 * are not UTF-8 (ascii: all beyond it) become \xHH; cut at max bytes.
 */
void notice_foreign(struct buf *b, const char *s, size_t max, bool ascii);

/* The partner's name, or a word for it. */
void notice_partner(struct buf *b, const struct notice *n, bool ascii);

/* 2026-11-23 14:05 UTC */
struct notice_stamp {
	char s[NUM_TIME_MAX];
};
struct notice_stamp notice_at(time_t t);

#endif
