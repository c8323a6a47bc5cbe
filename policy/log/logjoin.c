#include "logjoin.h"

#include "buf.h"

#define REPEATED_MAX 1000 /* from here on a number has no more digits */

/* In the order in which they are asked. */
static const struct logtaker *const takers[LOGJOIN_TAKERS] = {
    &logsmtpd, &logsmtp};

/* How often, behind "message repeated "; 0 if it is not said. */
static unsigned
times(struct span *s)
{
	unsigned n = 0;

	if (!span_begins(*s, "message repeated "))
		return 0;
	*s = span_skip(*s, sizeof("message repeated ") - 1);
	for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9' && n < REPEATED_MAX;
	     *s = span_skip(*s, 1))
		n = n * 10 + (unsigned)(s->p[0] - '0');
	return n;
}

/* "message repeated 3 times: [ TEXT]" of rsyslog; how often, or 1. */
static unsigned
repeated(struct span *text)
{
	struct span s = *text;
	unsigned n = times(&s);

	if (n == 0 || s.p[s.n - 1] != ']' || !span_begins(s, " times: [ "))
		return 1;
	s = span_skip(s, sizeof(" times: [ ") - 1);
	s.n--;
	*text = s;
	return n;
}

/* If it has no time, that of the line before. */
static void
set_time(struct logjoin *j, struct logprefix *p, time_t now)
{
	if (logprefix_time(&j->clock, p, now, &p->time) == 0) {
		j->last_time = p->time;
		return;
	}
	j->told.stats->no_time++;
	p->time = j->last_time != 0 ? j->last_time : now;
}

static const char *
take(struct logjoin *j, const struct logprefix *p, unsigned n)
{
	const char *what = NULL;

	size_t i;

	for (; n > 0; n--)
		for (i = 0, what = NULL; i < LOGJOIN_TAKERS && what == NULL;
		     i++)
			what = takers[i]->line(j->taker[i], p);
	return what;
}

/* It may be said to be repeated. All of it stands in one piece of memory. */
static void
keep(struct logjoin *j, const struct logprefix *p)
{
	struct logprefix *to = &j->last;
	const char *from = p->tag.p, *end = p->text.p + p->text.n;

	/* The host comes first, or (JSON) last, or there is none. */
	if (p->host.n > 0 && p->host.p < from)
		from = p->host.p;
	else if (p->host.n > 0 && p->host.p >= end)
		end = p->host.p + p->host.n;
	buf_clear(&j->text);
	buf_add(&j->text, from, (size_t)(end - from));
	*to = *p;
	to->tag.p = j->text.data + (p->tag.p - from);
	to->program.p = j->text.data + (p->program.p - from);
	to->text.p = j->text.data + (p->text.p - from);
	if (p->host.n > 0)
		to->host.p = j->text.data + (p->host.p - from);
}

/* "last message repeated 3 times" of other daemons: the line before it. */
static const char *
repeat(struct logjoin *j, const struct logprefix *p)
{
	struct span text = p->text;
	struct logprefix line = j->last;
	unsigned n = times(&text);

	j->last.tag.n = 0;
	if (line.tag.n == 0 || !span_same(line.host, p->host) ||
	    !span_is(text, " times"))
		return NULL;
	line.time = p->time;
	return take(j, &line, n);
}

const char *
logjoin_line(struct logjoin *j, struct logprefix *p, time_t now)
{
	const char *what = NULL;
	struct logprefix line;
	unsigned n;
	size_t i;

	for (i = 0; i < LOGJOIN_TAKERS && j->taker[i] == NULL; i++)
		j->taker[i] = takers[i]->start(&j->told);
	j->told.stats->lines++;
	if (span_is(p->tag, "last")) {
		set_time(j, p, now);
		what = repeat(j, p);
	} else if (p->program.n < p->tag.n) {
		/* Postfix's own tags have a slash. */
		set_time(j, p, now);
		line = *p;
		n = repeated(&line.text);
		what = take(j, &line, n);
	}
	if (what != NULL && p->program.n < p->tag.n)
		keep(j, &line);
	else
		j->last.tag.n = 0;
	j->told.stats->understood += what != NULL;
	return what;
}

void
logjoin_end(struct logjoin *j, bool ends)
{
	size_t i;

	for (i = 0; i < LOGJOIN_TAKERS && j->taker[i] != NULL; i++)
		takers[i]->end(j->taker[i], ends);
	buf_free(&j->text);
	*j = (struct logjoin){.told = j->told};
}
