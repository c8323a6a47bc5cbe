/*
 * reportpage.h: what the parts of the HTML page of a report have in common.
 * The page itself is reporthtml.h.
 */
#ifndef REPORTPAGE_H
#define REPORTPAGE_H

#include "chart.h"
#include "report.h"

struct buf;

/*
 * What stands for @NAME@ in the template of the page. Each part of the page has
 * a list of them, which ends without a name.
 */
struct page_slot {
	const char *name;
	void (*put)(struct buf *out, const struct report *r);
};

/* Colours of mail by what protected it; the order of the legend. */
extern const char *const page_colour[REPORT_SEEN];

/* Use as page_day(t).s and page_time(t).s: "2026-03-02", "2026-03-02 14:05". */
struct page_text {
	char s[32];
};
#define PAGE_DATE 11 /* bytes of the second before its time of day */
struct page_text page_day(time_t t);
struct page_text page_time(time_t t);

/* report_percent(), in the same way. */
struct page_text page_share(uint64_t part, uint64_t whole);

/* The word of a state, with its mark; and of a phrase that stands for it. */
void page_state(struct buf *out, enum report_state s, const char *word);

/* A table, told to those who listen, that may be wider than the page. */
void page_table(struct buf *out, const char *label, const char *head);
void page_table_end(struct buf *out);

struct chart_period page_period(const struct report *r);

/*
 * The row of a direction: how much, what protected it, and whether that was
 * what was asked for; and the head of such a table.
 */
#define PAGE_MAIL_HEAD                                        \
	"<th>Mail<th>All<th>Verified<th>Trusted<th>Encrypted" \
	"<th>Clear<th>Required kept<th>Required failed"       \
	"<th>Preferred kept<th>Preferred failed<th>Rule not known"
void page_mail_row(struct buf *out, enum evidence_direction way,
    const uint64_t n[REPORT_SEEN], const struct report_kept *k);

/* The line that would enforce it, to be pasted, and where it stands. */
void page_line(struct buf *out, const struct report_partner *p);

/* A downgrade as a bar. */
struct chart_bar page_lowered(
    const struct report_downgrade *d, struct buf *title);

/* A partner's name, which leads to its section; "others" for "". */
void page_name(struct buf *out, const struct report *r, const char *name);

#endif
