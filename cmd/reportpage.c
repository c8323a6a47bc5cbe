/*
 * What the parts of the page have in common.
 */
#include "reportpage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "html.h"
#include "mem.h"
#include "num.h"

const char *const page_colour[REPORT_SEEN] = {
    [EVIDENCE_CLEAR] = "c",
    [EVIDENCE_ENCRYPTED] = "e",
    [EVIDENCE_TRUSTED] = "t",
    [EVIDENCE_VERIFIED] = "v",
};

/* The first len bytes of a time in UTC, as people write it. */
static struct page_text
time_text(time_t t, size_t len)
{
	struct page_text text = {"-"};
	char full[NUM_TIME_MAX];

	if (t <= 0)
		return text;
	(void)num_time_text(t, full);
	full[len] = '\0';
	(void)snprintf(text.s, sizeof(text.s), "%s", full);
	if (len > 10)
		text.s[10] = ' ';
	return text;
}

struct page_text
page_day(time_t t)
{
	return time_text(t, sizeof("2026-03-02") - 1);
}

struct page_text
page_time(time_t t)
{
	return time_text(t, sizeof("2026-03-02 14:05") - 1);
}

struct page_text
page_share(uint64_t part, uint64_t whole)
{
	struct page_text text = {""};

	_Static_assert(sizeof(text.s) >= REPORT_PERCENT_MAX, "room");
	(void)report_percent(part, whole, text.s);
	return text;
}

void
page_state(struct buf *out, enum report_state s, const char *word)
{
	html_printf(
	    out, "<span class=\"s %s\">%s</span>", report_state_name(s), word);
}

void
page_table(struct buf *out, const char *label, const char *head)
{
	html_printf(out,
	    "<div class=\"wrap\" role=\"region\" tabindex=\"0\" "
	    "aria-label=\"%s\"><table%s><thead><tr>",
	    label, strcmp(head, PAGE_MAIL_HEAD) == 0 ? " class=m" : "");
	buf_puts(out, head);
	buf_puts(out, "</thead><tbody>\n");
}

void
page_table_end(struct buf *out)
{
	buf_puts(out, "</tbody></table></div>\n");
}

struct chart_period
page_period(const struct report *r)
{
	return (struct chart_period){.from = r->from, .days = r->ndays};
}

void
page_mail_row(struct buf *out, enum evidence_direction way,
    const uint64_t n[REPORT_SEEN], const struct report_kept *k)
{
	const uint64_t asked[] = {k->required_kept, k->required_failed,
	    k->preferred_kept, k->preferred_failed, k->unknown};
	uint64_t all = 0;
	size_t i;

	for (i = 0; i < REPORT_SEEN; i++)
		all += n[i];
	html_printf(out, "<tr><th scope=row>%s<td>%s",
	    way == EVIDENCE_OUT ? "Sent" : "Received", num_count(all).s);
	for (i = REPORT_SEEN; i-- > 0;)
		html_printf(out, "<td>%s", num_count(n[i]).s);
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		html_printf(out, "<td>%s", num_count(asked[i]).s);
	buf_putc(out, '\n');
}

void
page_line(struct buf *out, const struct report_partner *p)
{
	const char *line = p->line, *at;
	char *place;

	/* "file:1: partner ...": a file may have such a blank, no line has. */
	while ((at = strstr(line, ": ")) != NULL)
		line = at + 2;
	html_printf(out, "paste <code>%s</code>", line);
	if (line > p->line) {
		place = mem_printf("%.*s", (int)(line - 2 - p->line), p->line);
		html_printf(out, " <span class=note>at %s</span>", place);
		free(place);
	}
}

struct chart_bar
page_lowered(const struct report_downgrade *d, struct buf *title)
{
	buf_clear(title);
	buf_printf(title, "%s: lowered from %s to %s, %s to %s: %s", d->partner,
	    level_name(d->before), direction_lowered_to(d->direction, d->after),
	    page_time(d->begin).s, page_time(d->over).s, d->reason);
	return (struct chart_bar){.begin = d->begin,
	    .end = d->over,
	    .colour = d->after == LEVEL_OPPORTUNISTIC ? "c"
		      : d->after == LEVEL_ENCRYPT     ? "g"
						      : "t",
	    .title = title->data};
}

void
page_name(struct buf *out, const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->npartners; i++)
		if (strcmp(r->partner[i].name, name) == 0) {
			html_printf(out, "<a href=\"#p%zu\">%s</a>", i, name);
			return;
		}
	html_printf(out, "%s", *name == '\0' ? "others" : name);
}
