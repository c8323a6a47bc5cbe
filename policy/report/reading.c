/*
 * What the parts of a report share while it is read.
 */
#include "reading.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "num.h"

const char *
report_number_name(enum report_number n)
{
	static const char *const name[] = {"mails", "kept", "lowered", "failed",
	    "rule_unknown", "clear", "not_held", "partners", "domains",
	    "others", "downgrades", "open", "weakened", "gateways", "good",
	    "watch", "bad", "unseen", "ready", "hours", "hours_read", "events",
	    "flaws"};

	return name[n];
}

const char *
reading_keep(struct reading *g, const char *s)
{
	return s == NULL || *s == '\0' ? ""
				       : arena_copy(&g->r->arena, s, strlen(s));
}

const char *
reading_printf(struct reading *g, const char *fmt, ...)
{
	const char *kept;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	kept = reading_keep(g, text);
	free(text);
	return kept;
}

struct num_count
reading_count(const struct reading *g, uint64_t n)
{
	struct num_count c;

	if (g->ask->grouped)
		return num_count(n);
	(void)snprintf(c.s, sizeof(c.s), "%" PRIu64, n);
	return c;
}

const char *
reading_time(struct reading *g, time_t t)
{
	char people[CLOCK_MAX], full[NUM_TIME_MAX];

	return reading_keep(g, g->ask->local ? clock_text(t, g->r->now, people)
					     : num_time_text(t, full));
}

const char *
reading_date(struct reading *g, time_t t)
{
	char people[CLOCK_MAX];

	/* Of no day near it. */
	return g->ask->local ? reading_keep(g, clock_text(t, 0, people))
			     : reading_time(g, t);
}

struct report_partner *
reading_partner(struct reading *g, const char *name)
{
	uint32_t i = names_find(&g->r->names, name, strlen(name));

	return i == STRMAP_NONE ? NULL : &g->r->partner[i];
}

void
reading_ways(struct report_way way[REPORT_WAYS])
{
	unsigned w;

	for (w = 0; w < REPORT_WAYS; w++) {
		way[w].mail.first = way[w].mail.last = "";
		way[w].weakest = "";
	}
}

/* Is it one of those asked for? */
static bool
is_asked(const struct reading *g, const char *name)
{
	size_t i;

	for (i = 0; i < g->ask->npartners; i++)
		if (strcmp(g->ask->partner[i], name) == 0)
			return true;
	return g->ask->npartners == 0;
}

struct report_partner *
reading_add(struct reading *g, const char *name)
{
	struct report *r = g->r;
	uint32_t i;

	if (!is_asked(g, name))
		return NULL;
	i = names_add(&g->r->names, name, strlen(name));
	if (i < r->npartners)
		return &r->partner[i];
	r->partner = mem_grow(
	    r->partner, r->npartners, &r->partner_cap, sizeof(*r->partner));
	r->partner[i] = (struct report_partner){.name = g->r->names.v[i],
	    .unknown_day = -1,
	    .names = "",
	    .missing = "",
	    .line = "",
	    .verdict = ""};
	reading_ways(r->partner[i].way);
	r->npartners++;
	return &r->partner[i];
}

uint64_t
reading_days_unread(const struct report *r, time_t from)
{
	uint64_t days = 0;
	time_t begin;
	size_t i;

	for (i = 0; r->hours_known && i < r->ngaps; i++) {
		begin = r->gap[i].begin > from ? r->gap[i].begin : from;
		if (r->gap[i].end > begin)
			days += (uint64_t)(r->gap[i].end - begin) / CLOCK_DAY;
	}
	return days;
}
