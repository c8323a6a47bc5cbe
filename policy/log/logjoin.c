#include "logjoin.h"

#include <stdlib.h>

#include "logprefix.h"
#include "logsmtp.h"
#include "logsmtpd.h"
#include "mem.h"

#define REPEATED_MAX 1000 /* from here on a number has no more digits */

struct logjoin {
	struct logtold told;
	struct logprefix_clock clock;
	time_t last_time; /* of a line that had one */
	struct logsmtp *out;
	struct logsmtpd *in;
};

struct logjoin *
logjoin_new(time_t now, struct logjoin_stats *stats, logjoin_fn *fn, void *arg)
{
	struct logjoin *j = mem_zero(1, sizeof(*j));

	j->told = (struct logtold){.fn = fn, .arg = arg, .stats = stats};
	logprefix_set_clock(&j->clock, now);
	j->out = logsmtp_new(&j->told);
	j->in = logsmtpd_new(&j->told);
	return j;
}

void
logjoin_set_time(struct logjoin *j, time_t now)
{
	logprefix_set_clock(&j->clock, now);
}

/* "message repeated 3 times: [ TEXT]" of rsyslog; how often, or 1. */
static unsigned
repeated(struct span *text)
{
	struct span s = *text;
	unsigned n = 0;

	if (!span_begins(s, "message repeated ") || s.p[s.n - 1] != ']')
		return 1;
	s = span_skip(s, sizeof("message repeated ") - 1);
	for (; s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' && n < REPEATED_MAX;
	     s = span_skip(s, 1))
		n = n * 10 + (unsigned)(s.p[0] - '0');
	if (!span_begins(s, " times: [ ") || n == 0)
		return 1;
	s = span_skip(s, sizeof(" times: [ ") - 1);
	s.n--;
	*text = s;
	return n;
}

/* If it has no time, that of the line before. */
static void
set_time(struct logjoin *j, struct logprefix *p)
{
	if (logprefix_time(&j->clock, p, &p->time) == 0) {
		j->last_time = p->time;
		return;
	}
	j->told.stats->no_time++;
	p->time = j->last_time != 0 ? j->last_time : j->clock.now;
}

const char *
logjoin_line(struct logjoin *j, struct logprefix *p)
{
	struct logprefix line;
	const char *what = NULL;
	unsigned n;

	j->told.stats->lines++;
	/* Postfix's own tags have a slash. */
	if (p->program.n == p->tag.n)
		return NULL;
	set_time(j, p);
	line = *p;
	for (n = repeated(&line.text); n > 0; n--) {
		what = logsmtpd_line(j->in, &line);
		if (what == NULL)
			what = logsmtp_line(j->out, &line);
	}
	j->told.stats->understood += what != NULL;
	return what;
}

void
logjoin_free(struct logjoin *j, bool ends)
{
	if (j == NULL)
		return;
	logsmtp_free(j->out);
	logsmtpd_free(j->in, ends);
	free(j);
}
