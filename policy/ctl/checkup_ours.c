/* checkup_ours.c: whether our own side works, and what it keeps is whole. */
#include <inttypes.h>

#include "checkup_own.h"
#include "clock.h"
#include "num.h"

#define LOG_BEHIND 900 /* seconds until a line of the log is to be read */
#define LOG_LOST 86400 /* after that much nobody reads it */
#define CLOCK_SLACK 60 /* of a record that seems to be to come */
#define MIB ((uint64_t)1 << 20)
#define ROOM_WARNING (512 * MIB)
#define ROOM_CRITICAL (64 * MIB)

/* --- Postfix, tlspactd, its warden --------------------------------------- */

static void
check_postfix(const struct checkup_facts *f, struct checkup_list *l)
{
	size_t i;

	if (f->postfix_fault != NULL)
		checkup_add(l, CHECKUP_POSTFIX, CHECKUP_UNKNOWN,
		    "tlspact-setup check", "%s", f->postfix_fault);
	else if (f->postfix_unasked != NULL)
		checkup_add(l, CHECKUP_POSTFIX, CHECKUP_UNKNOWN,
		    "tlspact-setup check", "%s", f->postfix_unasked);
	else if (f->npostfix == 0)
		checkup_add(
		    l, CHECKUP_POSTFIX, CHECKUP_OK, NULL, "wired to the map");
	for (i = 0; i < f->npostfix; i++)
		checkup_add(l, CHECKUP_POSTFIX, CHECKUP_CRITICAL,
		    "tlspact-setup check", "%s", f->postfix[i]);
}

static void
check_daemon(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_socket *s;
	bool answers = false;
	size_t i;

	for (i = 0; i < CHECKUP_SOCKETS; i++) {
		s = &f->socket[i];
		answers |= s->answer == CHECKUP_ANSWERS;
		if (s->answer == CHECKUP_SILENT)
			checkup_add(l, CHECKUP_DAEMON, CHECKUP_CRITICAL,
			    "systemctl status tlspactd",
			    "tlspactd does not answer: %s", s->why);
		else if (s->answer == CHECKUP_HIDDEN)
			checkup_add(l, CHECKUP_DAEMON, CHECKUP_UNKNOWN,
			    "run this as root or in the socket's group",
			    "no right to ask tlspactd: %s", s->why);
		/* Who answers nobody is told of already. */
		if (s->barred != NULL && s->answer != CHECKUP_SILENT)
			checkup_add(l, CHECKUP_DAEMON, CHECKUP_CRITICAL,
			    "set socket_group in tlspact.conf (SocketGroup= "
			    "where systemd makes the socket), then restart "
			    "tlspactd",
			    "%s%s%s%s",
			    s->answer == CHECKUP_ANSWERS ? "tlspactd answers "
							 : "",
			    s->answer == CHECKUP_ANSWERS ? f->asker : "",
			    s->answer == CHECKUP_ANSWERS ? ", but " : "",
			    s->barred);
	}
	if (checkup_is_quiet(l, CHECKUP_DAEMON))
		checkup_add(l, CHECKUP_DAEMON, CHECKUP_OK, NULL, "%s",
		    answers ? "tlspactd answers" : "none, by the settings");
}

static void
check_warden(const struct checkup_facts *f, struct checkup_list *l)
{
	if (f->warden == CHECKUP_ANSWERS)
		checkup_add(l, CHECKUP_WARDEN, CHECKUP_OK, NULL, "runs");
	else if (f->warden == CHECKUP_HIDDEN)
		checkup_add(l, CHECKUP_WARDEN, CHECKUP_UNKNOWN, NULL,
		    "whether one runs only root can tell");
	else
		checkup_add(l, CHECKUP_WARDEN,
		    f->drops ? CHECKUP_CRITICAL : CHECKUP_WARNING,
		    "systemctl status tlspactd-warden",
		    "none runs: nobody is told of faults, and nobody is "
		    "lowered or restored early%s",
		    f->drops ? ", though on-failure=drop is asked for" : "");
}

/* --- What is kept -------------------------------------------------------- */

static void
check_log(const struct checkup_facts *f, struct checkup_list *l)
{
	time_t end = f->log_written != 0 ? f->log_written : f->now;
	time_t behind = end - f->log_read;
	char span[CLOCK_MAX];

	if (f->evidence_fault != NULL)
		checkup_add(l, CHECKUP_LOG, CHECKUP_UNKNOWN, NULL, "%s",
		    f->evidence_fault);
	else if (f->log_read == 0)
		checkup_add(l, CHECKUP_LOG, CHECKUP_WARNING, "tlspact-log",
		    "the mail log was never read");
	else if (behind > LOG_BEHIND)
		checkup_add(l, CHECKUP_LOG,
		    behind > LOG_LOST ? CHECKUP_CRITICAL : CHECKUP_WARNING,
		    "systemctl status tlspact-log", "not read for %s%s",
		    clock_span(f->now - f->log_read, span),
		    f->log_written != 0 ? ", and written since" : "");
	else
		checkup_add(l, CHECKUP_LOG, CHECKUP_OK, NULL, "read %s ago",
		    clock_span(f->now - f->log_read, span));
}

static void
check_record(const struct checkup_facts *f, struct checkup_list *l)
{
	char when[CLOCK_MAX];

	if (f->ledger_fault != NULL) {
		checkup_add(l, CHECKUP_RECORD, CHECKUP_UNKNOWN,
		    "tlspactctl history --check", "%s", f->ledger_fault);
		checkup_add(l, CHECKUP_NOTICES, CHECKUP_UNKNOWN, NULL, "%s",
		    f->ledger_fault);
		return;
	}
	/* Each compile writes there. */
	if (f->no_ledger && f->header.time != 0 &&
	    f->now - f->header.time > COMPILED)
		checkup_add(l, CHECKUP_RECORD, CHECKUP_CRITICAL,
		    "restore it from a backup; else tlspact-compile",
		    "THE LEDGER IS GONE: the map is of %s, and neither that "
		    "nor any downgrade is on record",
		    clock_text(f->header.time, f->now, when));
	else if (f->no_ledger)
		checkup_add(l, CHECKUP_RECORD, CHECKUP_WARNING,
		    "tlspact-compile",
		    "there is no ledger: nothing is on record");
	else if (f->flaws > 0)
		checkup_add(l, CHECKUP_RECORD, CHECKUP_CRITICAL,
		    "tlspactctl history --check", "NOT WHOLE, %zu flaw%s: %s",
		    f->flaws, num_plural(f->flaws), f->flaw);
	else
		checkup_add(l, CHECKUP_RECORD, CHECKUP_OK, NULL,
		    "whole, %" PRId64 " event%s", f->events,
		    num_plural((uint64_t)f->events));
	if (f->notices > 0)
		checkup_add(l, CHECKUP_NOTICES, CHECKUP_WARNING,
		    "journalctl -u tlspactd-warden",
		    "%zu notice%s could not be sent and wait%s", f->notices,
		    num_plural(f->notices), f->notices == 1 ? "s" : "");
	else
		checkup_add(l, CHECKUP_NOTICES, CHECKUP_OK, NULL, "none waits");
}

static void
check_disk(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_file *x;
	uint64_t size = 0, room = UINT64_MAX;
	size_t i;

	for (i = 0; i < CHECKUP_FILES; i++) {
		x = &f->file[i];
		if (!x->known)
			continue;
		size += x->size;
		room = x->room < room ? x->room : room;
		if (x->room >= ROOM_WARNING)
			continue;
		checkup_add(l, CHECKUP_DISK,
		    x->room < ROOM_CRITICAL ? CHECKUP_CRITICAL
					    : CHECKUP_WARNING,
		    "df", "%" PRIu64 " MiB left for %s", x->room / MIB,
		    x->path);
	}
	if (!checkup_is_quiet(l, CHECKUP_DISK))
		return;
	if (room == UINT64_MAX)
		checkup_add(l, CHECKUP_DISK, CHECKUP_UNKNOWN, NULL,
		    "neither ledger nor evidence can be seen");
	else
		checkup_add(l, CHECKUP_DISK, CHECKUP_OK, NULL,
		    "ledger and evidence %" PRIu64 " MiB, %" PRIu64 " MiB left",
		    size / MIB, room / MIB);
}

static void
check_clock(const struct checkup_facts *f, struct checkup_list *l)
{
	char when[CLOCK_MAX];

	if (f->newest > f->now + CLOCK_SLACK)
		checkup_add(l, CHECKUP_CLOCK, CHECKUP_CRITICAL, "date",
		    "behind what is on record of %s: set back, or once ahead",
		    clock_text(f->newest, f->now, when));
	else if (f->ledger_fault != NULL && f->evidence_fault != NULL)
		checkup_add(l, CHECKUP_CLOCK, CHECKUP_UNKNOWN, NULL,
		    "there is nothing to hold it against");
	else
		checkup_add(l, CHECKUP_CLOCK, CHECKUP_OK, NULL,
		    "not behind what is on record");
}

void
checkup_ours(const struct checkup_facts *f, struct checkup_list *l)
{
	check_postfix(f, l);
	check_daemon(f, l);
	check_warden(f, l);
	check_log(f, l);
	check_record(f, l);
	check_disk(f, l);
	check_clock(f, l);
}
