/*
 * ctlprint.h: facts about a partner (ctlfacts.h) in words, for all screens.
 */
#ifndef CTLPRINT_H
#define CTLPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "json.h"
#include "level.h"

#define CTL_SCHEMA "tlspact.ctl.v1"

struct buf;
struct ctl_facts;
struct evidence_failure;
struct ctl_moved;
struct waiting;

/* As `now` for a time that is to have its date. */
#define CTLPRINT_DATED ((time_t)0)

/* The text of an event of the record, its times as people have them. */
void ctlprint_event(const char *text, struct buf *out);

/*
 * One row of a screen of a partner, if there are words for it, which are not
 * quoted yet; they are used up. Behind the name, which begins with two blanks
 * but for that of a partner.
 */
#define CTLPRINT_LEAD 14 /* columns in front of a row's words */
void ctlprint_row(struct buf *out, const char *name, struct buf *words);

/* Rows of such a screen, as text that is not quoted yet; nothing if there is
 * nothing to tell: why it is lowered, the last failure, what waits. */
void ctlprint_why(const struct ctl_facts *f, time_t now, struct buf *out);
void ctlprint_failure(
    const struct evidence_failure *x, time_t now, struct buf *out);
void ctlprint_waiting(const struct ctl_facts *f, time_t now, struct buf *out);

/*
 * Mail that moved to them, or that none did, and when the last one went; and
 * what came from them.
 */
void ctlprint_mail(const struct ctl_facts *f, time_t now, struct buf *out);

/* That what fails is a new gateway; and what to do about that, at first. */
void ctlprint_move(const struct ctl_facts *f, time_t now, struct buf *out);
void ctlprint_ask_move(const struct ctl_facts *f, struct buf *out);

/* Of a partner that is opportunistic: what tells whether it need be; or, of one
 * that had more a day ago and can have it again (lost), how. */
void ctlprint_enforce(const char *name, bool lost, struct buf *out);

/* What lets mail move, where `level` and what the look found hold it. */
void ctlprint_lower(
    const struct ctl_facts *f, enum level level, struct buf *out);

/* Who has to mend it, and what has the words for them. */
void ctlprint_tell(const struct ctl_facts *f, struct buf *out);

/*
 * Mail from them that was refused: the last one, and how many; whose server has
 * to be mended; and what lets it in.
 */
void ctlprint_refused(const struct ctl_facts *f, time_t now, struct buf *out);
void ctlprint_tell_sender(const struct ctl_facts *f, struct buf *out);
void ctlprint_let_in(const struct ctl_facts *f, struct buf *out);

/* The same of one whose mail is let in, if it is not as agreed. */
void ctlprint_tell_let_in(const struct ctl_facts *f, struct buf *out);

/* What ends a downgrade, and what keeps it if its time is not up. */
void ctlprint_way_back(const struct ctl_facts *f, time_t now, struct buf *out);

/* What ends one that is not needed any more: explain_mended(). */
void ctlprint_mended(const struct ctl_facts *f, struct buf *out);

/* By which rule the last look is judged, where registry and map differ. */
void ctlprint_judged(const struct ctl_facts *f, time_t now, struct buf *out);

/* Whom to call about the partner, if it is in the registry; not quoted yet. */
void ctlprint_call(
    const struct ctl_facts *f, const char *operator_, struct buf *out);

/* What a queue holds for whom ("": that is clear); not quoted yet. */
void ctlprint_queue(
    const struct waiting *w, const char *who, time_t now, struct buf *out);
json_t *ctlprint_json_queue(const struct waiting *w);

/* When a downgrade ends: to the second, if that is near. Returns buf. */
char *ctlprint_end(time_t end, time_t now, char *buf);

/* A fault by its word, as JSON: "ok" is null. */
json_t *ctlprint_fault(const char *word);

#endif
