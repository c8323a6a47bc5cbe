#include "logjournal.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <systemd/sd-journal.h>

#include "err.h"
#include "mem.h"
#include "num.h"
#include "quote.h"

#define FLAGS (SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM)
#define MATCH_MAX 64
#define NAME_BYTES 255 /* of a host or a program */

bool
logjournal_is_name(const char *name)
{
	size_t n = sizeof(LOGJOURNAL) - 1;

	return strncmp(name, LOGJOURNAL, n) == 0 &&
	       (name[n] == '\0' || name[n] == ':');
}

static void
match(sd_journal *sd, const char *field, const char *value)
{
	char text[MATCH_MAX];

	(void)snprintf(text, sizeof(text), "%s=%s", field, value);
	(void)sd_journal_add_match(sd, text, 0);
}

/* Of root or Postfix, by that way; with the other matches of the term. */
static void
match_writers(sd_journal *sd, const char *transport)
{
	const struct passwd *pw = getpwnam("postfix");
	char uid[16];

	match(sd, "_TRANSPORT", transport);
	match(sd, "_UID", "0");
	if (pw != NULL) {
		(void)snprintf(uid, sizeof(uid), "%u", (unsigned)pw->pw_uid);
		match(sd, "_UID", uid);
	}
}

static sd_journal *
open_journal(const char *name, struct err *e)
{
	const char *dir = strchr(name, ':');
	sd_journal *sd = NULL;
	int rc;

	if (dir == NULL)
		rc = sd_journal_open(&sd, FLAGS);
	else
		rc = sd_journal_open_directory(&sd, dir + 1, 0);
	if (rc >= 0)
		return sd;
	errno = -rc;
	(void)err_sys(
	    e, err_code_input(-rc), "cannot read the %s", quotes(name).s);
	return NULL;
}

enum logjournal_look
logjournal_look(const char *name, time_t *last)
{
	/* Some of these live for long: journald could look at them. */
	static const char *const program[] = {
	    "master", "qmgr", "pickup", "cleanup", "smtp", "smtpd", "postlogd"};
	enum logjournal_look found = LOGJOURNAL_NONE;
	uint64_t usec;
	struct err e;
	sd_journal *sd = open_journal(name, &e);
	size_t i;

	if (sd == NULL)
		return LOGJOURNAL_NONE;
	if (sd_journal_seek_tail(sd) >= 0 && sd_journal_previous(sd) > 0)
		found = LOGJOURNAL_EMPTY;
	match_writers(sd, "syslog");
	match(sd, "_TRANSPORT", "stdout");
	for (i = 0; i < sizeof(program) / sizeof(*program); i++)
		match(sd, "_COMM", program[i]);
	if (found == LOGJOURNAL_EMPTY && sd_journal_seek_tail(sd) >= 0 &&
	    sd_journal_previous(sd) > 0)
		found = LOGJOURNAL_LINES;
	if (found == LOGJOURNAL_LINES && last != NULL &&
	    sd_journal_get_realtime_usec(sd, &usec) >= 0)
		*last = (time_t)(usec / 1000000);
	sd_journal_close(sd);
	return found;
}

/* --- places ----------------------------------------------------------- */

/*
 * The same entry may stand in another file, as when the journal moves from
 * /run to /var: then only the number of its file differs.
 */
static bool
is_at(struct logjournal *j, const char *cursor)
{
	const char *tail = strstr(cursor, ";b="), *own;
	char *now;
	bool same;

	if (sd_journal_test_cursor(j->sd, cursor) > 0)
		return true;
	if (tail == NULL || sd_journal_get_cursor(j->sd, &now) < 0)
		return false;
	own = strstr(now, ";b=");
	same = own != NULL && strcmp(own, tail) == 0;
	free(now);
	return same;
}

static void
go_to(struct logjournal *j, const struct logjournal_from *from)
{
	int n = 0;

	if (from->cursor == NULL && from->usec == 0) {
		(void)sd_journal_seek_head(j->sd);
	} else if (from->cursor == NULL && from->usec == UINT64_MAX) {
		(void)sd_journal_seek_tail(j->sd);
		n = sd_journal_previous_skip(j->sd, (uint64_t)from->rewind + 1);
		j->here = n > 0;
	} else if (from->cursor == NULL) {
		(void)sd_journal_seek_realtime_usec(j->sd, from->usec);
	} else if (sd_journal_seek_cursor(j->sd, from->cursor) < 0) {
		/* That one was read. */
		(void)sd_journal_seek_realtime_usec(j->sd, from->usec + 1);
		j->gone = true;
	} else {
		j->here = sd_journal_next(j->sd) > 0;
		j->gone = !j->here || !is_at(j, from->cursor);
		j->here = j->here && j->gone;
		if (!j->gone && from->rewind > 0)
			n = sd_journal_previous_skip(j->sd, from->rewind);
	}
	j->mute = n > 0 ? (uint64_t)n : 0;
}

struct logjournal *
logjournal_open(
    const char *name, const struct logjournal_from *from, struct err *e)
{
	struct logjournal *j;
	sd_journal *sd = open_journal(name, e);

	if (sd == NULL)
		return NULL;
	j = mem_zero(1, sizeof(*j));
	j->sd = sd;
	/* Watched before it is read, so that no file is missed. */
	j->fd = sd_journal_get_fd(sd);
	(void)sd_journal_set_data_threshold(sd, LOGFILE_LINE_MAX + MATCH_MAX);
	match_writers(sd, "syslog");
	(void)sd_journal_add_disjunction(sd);
	match_writers(sd, "stdout");
	match(sd, "_COMM", "postlogd");
	go_to(j, from);
	return j;
}

const char *
logjournal_cursor(struct logjournal *j)
{
	char *now;

	if (j->moved && sd_journal_get_cursor(j->sd, &now) >= 0) {
		free(j->cursor);
		j->cursor = now;
		(void)sd_journal_get_realtime_usec(j->sd, &j->usec);
	}
	j->moved = false;
	return j->cursor;
}

/* --- lines ------------------------------------------------------------ */

/* The value of a field of the present entry; empty if it has none. */
static struct span
field(struct logjournal *j, const char *name)
{
	const void *data;
	size_t n, skip = strlen(name) + 1;

	if (sd_journal_get_data(j->sd, name, &data, &n) < 0 || n < skip)
		return (struct span){"", 0};
	return (struct span){(const char *)data + skip, n - skip};
}

static void
add(struct logjournal *j, const char *before, const char *name)
{
	struct span s = field(j, name);

	buf_puts(&j->text, before);
	buf_add(&j->text, s.p, s.n > NAME_BYTES ? NAME_BYTES : s.n);
}

/* Take the present entry; false if it has no line for us. */
static bool
take(struct logjournal *j, struct span *line)
{
	char when[NUM_TIME_MAX];
	uint64_t usec = 0;
	struct span s;

	buf_clear(&j->text);
	/* What postlogd(8) hands on is a whole line. */
	s = field(j, "_TRANSPORT");
	if (!span_is(s, "stdout")) {
		if (field(j, "SYSLOG_IDENTIFIER").n == 0)
			return false;
		(void)sd_journal_get_realtime_usec(j->sd, &usec);
		buf_puts(
		    &j->text, num_time_text((time_t)(usec / 1000000), when));
		add(j, " ", "_HOSTNAME");
		add(j, " ", "SYSLOG_IDENTIFIER");
		add(j, "[", "_PID");
		buf_puts(&j->text, "]: ");
	}
	s = field(j, "MESSAGE");
	if (s.n > LOGFILE_LINE_MAX) {
		j->too_long++;
		return false;
	}
	buf_add(&j->text, s.p, s.n);
	*line = (struct span){j->text.data, j->text.len};
	return line->n > 0;
}

enum logfile_status
logjournal_next(struct logjournal *j, struct span *line, struct err *e)
{
	int rc;

	for (;;) {
		rc = j->here ? 1 : sd_journal_next(j->sd);
		if (rc <= 0)
			break;
		j->here = false;
		j->moved = true;
		j->muted = j->mute > 0;
		if (j->muted)
			j->mute--;
		if (take(j, line))
			return LOGFILE_LINE;
	}
	if (rc == 0) {
		/* Now, for its file may be deleted while we wait. */
		(void)logjournal_cursor(j);
		return LOGFILE_AGAIN;
	}
	errno = -rc;
	(void)err_sys(e, EX_IOERR, "cannot read the journal");
	return LOGFILE_ERROR;
}

void
logjournal_wait(struct logjournal *j, int timeout_ms)
{
	struct pollfd p = {.fd = j->fd, .events = POLLIN};

	/* poll(2) ignores what is negative, and is then a sleep. */
	if (j->fd >= 0) {
		int events = sd_journal_get_events(j->sd);

		p.events = (short)(events < 0 ? POLLIN : events);
	}
	(void)poll(&p, 1, timeout_ms);
	(void)sd_journal_process(j->sd);
}

void
logjournal_close(struct logjournal *j)
{
	if (j == NULL)
		return;
	sd_journal_close(j->sd);
	buf_free(&j->text);
	free(j->cursor);
	free(j);
}
