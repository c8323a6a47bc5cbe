#include "logreader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "evidence_log.h"
#include "logfile.h"
#include "logjournal.h"
#include "logprefix.h"
#include "logtally.h"
#include "filewatch.h"
#include "mem.h"
#include "quote.h"

#define CLOCK_LINES 4096 /* lines between two looks at the clock */
#define WAIT_MS 1000
#define DIRTY_MS 100 /* while something is not written yet */
#define RETRY_MS 1000
#define GATHER_NS 10000000 /* a writer writes more than one line */
#define LOOK_S 10      /* between two looks whether the journal is the log */
#define WRITE_S 1      /* between two writes */
#define OVERTAKEN_S 60 /* by which a file is then newer */

/* How far a file or the journal was read; the evidence's row for it. */
struct place {
	uint64_t device, inode;
	uint64_t offset; /* of the journal: the entry's time, microseconds */
	time_t time;
	char first[DIGEST_HEX], tail[DIGEST_HEX];
	char *path; /* of the journal: the entry's cursor */
};

struct reader {
	const struct logreader *hook;
	struct logjoin join;
	struct logreader_stats *stats;
	struct logprefix_reader prefix;
	time_t line_now; /* at which lines are read, see look_at_clock() */
	struct place *place;
	size_t nplaces, place_cap;
	size_t from; /* which of them is read on from; SIZE_MAX: it is new */
	/* The file that is read. */
	struct logfile *file;
	uint64_t muted; /* lines that end here or before are known */
	struct logjournal *journal; /* that is read; then there is no file */
	char *journal_name;
	time_t since;	/* what is not younger was in the journal already */
	bool warm;	/* the state of processes is that of what was read */
	bool from_pipe; /* the last file was one */
	bool dirty;	/* the position is not written */
	time_t written;
	time_t now;
};

/* The line that was read last has been read before. */
static bool
is_known_line(const struct reader *r)
{
	if (r->journal != NULL)
		return r->journal->muted;
	return r->file != NULL && r->file->offset <= r->muted;
}

static void
attempt(const struct attempt *a, void *arg)
{
	struct reader *r = arg;

	if (!is_known_line(r) && a->time > r->since)
		r->hook->attempt(a, r->hook->arg);
}

/* --- positions -------------------------------------------------------- */

static struct place *
place_with(struct reader *r, uint64_t device, uint64_t inode, const char *first)
{
	size_t i;

	for (i = 0; i < r->nplaces; i++)
		if (r->place[i].device == device &&
		    r->place[i].inode == inode &&
		    strcmp(r->place[i].first, first) == 0)
			return &r->place[i];
	return NULL;
}

static bool
set_place(const struct evidence_position *given, void *arg)
{
	struct reader *r = arg;
	struct place *p =
	    place_with(r, given->device, given->inode, given->first);
	char *path = mem_dup(given->path);

	if (p == NULL) {
		r->place =
		    mem_grow(r->place, r->nplaces, &r->place_cap, sizeof(*p));
		p = &r->place[r->nplaces++];
		*p = (struct place){0};
	}
	free(p->path);
	p->device = given->device;
	p->inode = given->inode;
	p->offset = given->offset;
	p->time = given->time;
	p->path = path;
	(void)snprintf(p->first, sizeof(p->first), "%s", given->first);
	(void)snprintf(p->tail, sizeof(p->tail), "%s", given->tail);
	return true;
}

static void
free_places(struct reader *r)
{
	while (r->nplaces > 0)
		free(r->place[--r->nplaces].path);
}

/* True if the file was read up to that place; f is open, not yet read. */
static bool
was_read_to(const char *path, struct logfile *f, const struct place *p)
{
	char first[DIGEST_HEX], tail[DIGEST_HEX];
	struct logfile *own;
	struct err e;
	bool same;

	if (f->plain)
		return logfile_has(f, p->offset, p->tail);
	/* It has to be unpacked to there; standard input cannot be twice. */
	if (p->tail[0] == '\0' || strcmp(path, "-") == 0)
		return true;
	if ((own = logfile_open(path, &e)) == NULL)
		return false;
	same = logfile_seek(own, p->offset, false, &e) == 0 &&
	       own->offset == p->offset;
	if (same)
		same = logfile_marks(own, first, tail) &&
		       strcmp(tail, p->tail) == 0;
	logfile_close(own);
	return same;
}

/*
 * The place of a file: the furthest, for a copy may have been read further.
 * Many logs may have the same first line. NULL: it is new.
 */
static struct place *
find_place(struct reader *r, const char *path, struct logfile *f)
{
	struct place *p, *best = NULL;
	char first[DIGEST_HEX];

	if (r->nplaces == 0 || !logfile_marks(f, first, NULL))
		return NULL;
	/* There is one: it is not NULL. */
	for (p = r->place; p < r->place + r->nplaces; p++)
		if (strcmp(p->first, first) == 0 &&
		    (best == NULL || p->offset > best->offset) &&
		    was_read_to(path, f, p))
			best = p;
	return best;
}

/* The same of a file that is not open. */
static struct place *
place_of(struct reader *r, const char *path)
{
	struct place *p = NULL;
	struct logfile *f;
	struct err e;

	if ((f = logfile_open(path, &e)) != NULL)
		p = find_place(r, path, f);
	logfile_close(f);
	return p;
}

/* In place of a first line: the journal's name. */
static void
journal_first(const char *name, char first[DIGEST_HEX])
{
	struct digest *g = digest_new();

	digest_add(g, name, strlen(name));
	digest_hex(g, first);
}

static struct place *
journal_place(struct reader *r, const char *name)
{
	char first[DIGEST_HEX];

	journal_first(name, first);
	return place_with(r, 0, 0, first);
}

/* What is to be saved, if anything was read that is new. */
static bool
here(struct reader *r, struct evidence_position *p, char first[DIGEST_HEX],
    char tail[DIGEST_HEX])
{
	p->first = first;
	p->tail = tail;
	tail[0] = '\0';
	if (r->journal != NULL) {
		p->path = logjournal_cursor(r->journal);
		p->offset = r->journal->usec;
		journal_first(r->journal_name, first);
		return p->path != NULL && !r->journal->muted;
	}
	/* Nothing of what is read again is new. */
	if (r->file == NULL || r->file->offset <= r->muted ||
	    !logfile_marks(r->file, first, tail))
		return false;
	p->path = r->file->path;
	p->device = (uint64_t)r->file->st.st_dev;
	p->inode = (uint64_t)r->file->st.st_ino;
	p->offset = r->file->offset;
	return true;
}

/* Where reading of the present file or journal, p, went on from. */
static struct evidence_position
start_of(struct reader *r, const struct evidence_position *p)
{
	struct evidence_position was = {.device = p->device, .inode = p->inode};
	/* If it is new, there may have been another with the same names. */
	const struct place *from =
	    r->from != SIZE_MAX ? &r->place[r->from]
				: place_with(r, p->device, p->inode, p->first);

	if (from != NULL) {
		was.device = from->device;
		was.inode = from->inode;
		was.offset = from->offset;
	}
	return was;
}

/* It was read up to p, also under the name that it had before. */
static void
move_on(struct reader *r, const struct evidence_position *p)
{
	struct place *from;

	(void)set_place(p, r);
	from = place_with(r, p->was->device, p->was->inode, p->first);
	if (from == NULL)
		from = place_with(r, p->device, p->inode, p->first);
	from->offset = p->offset;
	(void)snprintf(from->tail, sizeof(from->tail), "%s", p->tail);
	r->from = (size_t)(from - r->place);
}

static int
write_now(struct reader *r, struct err *e)
{
	struct evidence_position p = {.time = r->now}, was;
	char first[DIGEST_HEX], tail[DIGEST_HEX];
	bool is_new;

	r->written = r->hook->pace();
	if (r->hook->evidence == NULL)
		return 0;
	is_new = here(r, &p, first, tail);
	if (is_new) {
		was = start_of(r, &p);
		p.was = &was;
	}
	if (logtally_write(r->hook->tally, is_new ? &p : NULL, e) == -1)
		return -1;
	if (is_new)
		move_on(r, &p);
	r->dirty = false;
	return 0;
}

/* Write if there is something new, and it is time to. */
static int
write_due(struct reader *r, struct err *e)
{
	time_t past = r->hook->pace() - r->written;

	/* Less than none: the clock was set back. */
	return r->dirty && (past >= WRITE_S || past < 0) ? write_now(r, e) : 0;
}

/* --- lines ------------------------------------------------------------ */

static void
take_line(struct reader *r, struct span line)
{
	bool known = is_known_line(r);
	struct logprefix p;
	enum logprefix_taken taken;
	const char *what = NULL;

	if (!known) {
		r->stats->lines++;
		r->stats->bytes += line.n + 1;
		r->dirty = true;
	}
	taken = logprefix_take(&r->prefix, &line, &p);
	if (taken == LOGPREFIX_PART)
		return;
	if (taken != LOGPREFIX_NONE)
		what = logjoin_line(&r->join, &p, r->line_now);
	if (known)
		return;
	if (taken != LOGPREFIX_POSTFIX)
		r->stats->hidden += p.hides;
	else if (r->hook->tally != NULL)
		logtally_hour(r->hook->tally, p.time, p.host);
	r->stats->unparsed += taken == LOGPREFIX_NONE;
	if (r->hook->line != NULL)
		r->hook->line(line, taken == LOGPREFIX_NONE ? NULL : &p, what,
		    r->hook->arg);
}

/*
 * No line is younger than the last write to its file, which tells the year
 * of those in old files.
 */
static void
look_at_clock(struct reader *r)
{
	struct stat st;

	r->now = r->hook->now();
	if (r->file != NULL && !r->from_pipe && !r->hook->fixed &&
	    fstat(r->file->fd, &st) == 0 && st.st_mtime < r->now)
		r->line_now = st.st_mtime;
	else
		r->line_now = r->now;
}

static enum logfile_status
next_line(struct reader *r, struct span *line, struct err *e)
{
	return r->journal != NULL ? logjournal_next(r->journal, line, e)
				  : logfile_next(r->file, line, e);
}

/*
 * Read on, up to the end that there is now. 0: more may come; 1: no more;
 * -1 with *e set.
 */
static int
read_on(struct reader *r, struct err *e)
{
	enum logfile_status status;
	struct span line;
	unsigned n = 0;

	for (;; n++) {
		if (n % CLOCK_LINES == 0) {
			if (n > 0 && *r->hook->stop)
				return 1;
			look_at_clock(r);
			if (write_due(r, e) == -1)
				return -1;
		}
		/* Perhaps since an earlier write failed. */
		if (r->hook->tally != NULL && logtally_full(r->hook->tally) &&
		    write_now(r, e) == -1)
			return -1;
		status = next_line(r, &line, e);
		if (status != LOGFILE_LINE)
			break;
		take_line(r, line);
	}
	return status == LOGFILE_ERROR ? -1 : status == LOGFILE_END;
}

static void
take_rest(struct reader *r)
{
	struct span line;

	if (logfile_rest(r->file, &line))
		take_line(r, line);
}

static void
close_file(struct reader *r)
{
	if (r->journal != NULL)
		r->stats->too_long += r->journal->too_long;
	logjournal_close(r->journal);
	r->journal = NULL;
	free(r->journal_name);
	r->journal_name = NULL;
	r->from = SIZE_MAX;
	if (r->file == NULL)
		return;
	r->stats->too_long += r->file->too_long;
	logfile_close(r->file);
	r->file = NULL;
	r->muted = 0;
}

/*
 * Open a file and go to where it was left. The first one is wound back, so
 * that what goes on there is known; what is read again is muted.
 */
static int
open_at_place(struct reader *r, const char *path, struct err *e)
{
	struct place *p;
	uint64_t from = 0;

	close_file(r);
	if ((r->file = logfile_open(path, e)) == NULL)
		return -1;
	r->from_pipe = r->file->pipe;
	if ((p = find_place(r, path, r->file)) == NULL) {
		r->warm = true;
		return 0;
	}
	r->from = (size_t)(p - r->place);
	r->muted = p->offset;
	if (r->warm)
		return logfile_seek(r->file, p->offset, false, e);
	r->warm = true;
	if (p->offset > LOGREADER_REWIND)
		from = p->offset - LOGREADER_REWIND;
	return logfile_seek(r->file, from, true, e);
}

static int
read_file(struct reader *r, const char *path, struct err *e)
{
	int rc;

	if (open_at_place(r, path, e) == -1)
		return -1;
	while ((rc = read_on(r, e)) == 0 && r->from_pipe && !*r->hook->stop)
		if (write_due(r, e) == -1)
			return -1;
	/* A file that may still grow is read on from there the next time. */
	if (rc != -1 && !*r->hook->stop &&
	    (r->hook->evidence == NULL || !r->file->plain))
		take_rest(r);
	if (rc == -1) {
		struct err ignored;

		(void)write_now(r, &ignored);
		return -1;
	}
	rc = write_now(r, e);
	close_file(r);
	return rc;
}

/* --- a log that is rotated -------------------------------------------- */

/* When the log at path, or a file that it was rotated to, was read last. */
static time_t
last_read(const struct reader *r, const char *path)
{
	time_t last = 0;
	size_t i, n = strlen(path);

	for (i = 0; i < r->nplaces; i++)
		if (strncmp(r->place[i].path, path, n) == 0 &&
		    r->place[i].time > last)
			last = r->place[i].time;
	return last;
}

static bool
has_data(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* Read the end of the file before the first one, for what goes on there. */
static int
warm_up(struct reader *r, const char *before, uint64_t want, struct err *e)
{
	uint64_t size;
	int rv = 0;

	close_file(r);
	if ((r->file = logfile_open(before, e)) == NULL)
		return -1;
	r->from_pipe = false;
	r->muted = UINT64_MAX;
	size = (uint64_t)r->file->st.st_size;
	if (r->file->plain)
		rv = logfile_seek(
		    r->file, size > want ? size - want : 0, true, e);
	if (rv == 0 && read_on(r, e) == -1)
		rv = -1;
	close_file(r);
	/* The file itself is wound back all the same. */
	return rv;
}

/* The newest of the n files that the evidence knows, or n. */
static size_t
newest_known(struct reader *r, char *const *v, size_t n)
{
	size_t i;

	for (i = n; i > 0; i--)
		if (place_of(r, v[i - 1]) != NULL)
			return i - 1;
	return n;
}

/* Read the rotated files from the one with index i on. */
static int
read_rotated(struct reader *r, char *const *v, size_t i, size_t n, bool live,
    struct err *e)
{
	for (; i < n; i++) {
		if (open_at_place(r, v[i], e) == -1 || read_on(r, e) == -1)
			return -1;
		if ((i + 1 == n && !live) || *r->hook->stop)
			break;
		take_rest(r);
		if (write_now(r, e) == -1)
			return -1;
	}
	return 0;
}

/*
 * Read all that was not read, oldest first. The last file stays open: that
 * is path, or the newest rotated one as long as path is empty, because its
 * writer may not know yet.
 */
static int
catch_up(struct reader *r, const char *path, struct err *e)
{
	char **old = NULL;
	bool live = has_data(path);
	struct place *p = live ? place_of(r, path) : NULL;
	size_t n = 0, from;
	int rv = 0;

	if (r->nplaces > 0)
		n = logfile_rotated(path, &old);
	from = p != NULL ? n : newest_known(r, old, n);
	if (live && p == NULL && from == n && last_read(r, path) > 0)
		r->hook->remark("no rotated file goes on where reading ended; "
				"what was logged in between is not counted",
		    r->hook->arg);
	if (p == NULL && from < n)
		p = place_of(r, old[from]);
	/* A file that ends just before what is read first: its sessions. */
	if (!r->warm && p != NULL && from > 0 && p->offset < LOGREADER_REWIND)
		rv = warm_up(r, old[from - 1], LOGREADER_REWIND - p->offset, e);
	if (rv == 0)
		rv = read_rotated(r, old, from, n, live, e);
	if (rv == 0 && (live || r->file == NULL) && !*r->hook->stop &&
	    (open_at_place(r, path, e) == -1 || read_on(r, e) == -1))
		rv = -1;
	free(old);
	return rv == 0 ? write_now(r, e) : -1;
}

/* --- the journal ------------------------------------------------------ */

static bool
has_file(const char *path)
{
	char **old = NULL;
	size_t n;

	if (access(path, F_OK) == 0 || errno != ENOENT)
		return true;
	n = logfile_rotated(path, &old);
	free(old);
	return n > 0;
}

/* True if Postfix logs to the file, and no longer to the journal. */
static bool
is_overtaken(const char *path, time_t last)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtime > last + OVERTAKEN_S;
}

/*
 * Which of both: the journal if it is named. Else the file if there is one;
 * but once the journal was read that goes on, as long as Postfix logs there,
 * so that nothing is read from both.
 */
static const char *
choose_journal(struct reader *r, const char *path)
{
	struct place *p;
	time_t last = 0;
	bool lines, was_last;

	if (logjournal_is_name(path))
		return path;
	p = journal_place(r, LOGJOURNAL);
	was_last = p != NULL && p->time >= last_read(r, path);
	lines = (p != NULL || !has_file(path)) &&
		logjournal_look(LOGJOURNAL, &last) == LOGJOURNAL_LINES;
	if (lines &&
	    (!has_file(path) || (was_last && !is_overtaken(path, last))))
		return LOGJOURNAL;
	r->since = p == NULL ? 0 : p->time;
	if (lines && last < r->since)
		r->since = last;
	return NULL;
}

/* Open the journal where it was left; log is what mail_log names. */
static int
open_journal(struct reader *r, const char *name, const char *log, bool only_new,
    struct err *e)
{
	char text[ERR_TEXT_MAX];
	struct logjournal_from from = {.usec = 0};
	struct place *p;

	close_file(r);
	if (logjournal_look(name, NULL) == LOGJOURNAL_NONE)
		return err_set(e, EX_NOINPUT,
		    "%s: there is none, or this account may not read it", name);
	p = journal_place(r, name);
	if (p != NULL)
		from = (struct logjournal_from){
		    p->path, p->offset, LOGREADER_REWIND_LINES};
	else if (last_read(r, log) > 0)
		/* The second it was written in may have been read in part. */
		from.usec = (uint64_t)(last_read(r, log) + 1) * 1000000;
	else if (only_new)
		from = (struct logjournal_from){
		    NULL, UINT64_MAX, LOGREADER_REWIND_LINES};
	if ((r->journal = logjournal_open(name, &from, e)) == NULL)
		return -1;
	r->journal_name = mem_dup(name);
	r->from_pipe = false;
	r->since = 0;
	r->from = p == NULL ? SIZE_MAX : (size_t)(p - r->place);
	if (r->journal->gone)
		r->hook->remark("the journal has no longer what was read last; "
				"what was logged since and is gone is not "
				"counted",
		    r->hook->arg);
	r->warm = true;
	if (strcmp(name, log) == 0)
		return 0;
	(void)snprintf(text, sizeof(text),
	    "%s %s: reading the journal of systemd",
	    has_file(log) ? "not" : "there is no", quotes(log).s);
	r->hook->remark(text, r->hook->arg);
	return 0;
}

/* One round of following: what there is now, and a tick. */
static int
go_round(struct reader *r, struct err *e)
{
	if (read_on(r, e) == -1 || write_due(r, e) == -1)
		return -1;
	r->hook->tick(r->hook->arg);
	return 0;
}

static int
wait_ms(const struct reader *r)
{
	return r->dirty ? DIRTY_MS : WAIT_MS;
}

/* Until a file changes, a signal, or that time. */
static void
wait_for_file(struct filewatch *w, int ms)
{
	const struct timespec gather = {.tv_nsec = GATHER_NS};
	struct pollfd p = {.fd = w->fd, .events = POLLIN};

	/* poll(2) ignores -1, and is then a sleep. */
	if (poll(&p, 1, ms) != 1)
		return;
	(void)nanosleep(&gather, NULL);
	(void)filewatch_read(w);
}

/* Follow it until the end, or until Postfix logs to the file at path. */
static int
follow_journal(struct reader *r, const char *path, struct err *e)
{
	time_t looked = r->hook->pace(), now;

	while (!*r->hook->stop) {
		if (go_round(r, e) == -1)
			return -1;
		logjournal_wait(r->journal, wait_ms(r));
		now = r->hook->pace();
		if (now - looked < LOOK_S && now >= looked)
			continue;
		looked = now;
		if (access(path, F_OK) == 0 && choose_journal(r, path) == NULL)
			return write_now(r, e);
	}
	return 0;
}

/* The file at path is another one, with data, or ours was begun anew. */
static bool
rotated(struct reader *r, const char *path)
{
	const struct stat *mine = &r->file->st;
	struct stat st;

	if (!logfile_goes_on(r->file))
		return true;
	return stat(path, &st) == 0 && st.st_size > 0 &&
	       (st.st_ino != mine->st_ino || st.st_dev != mine->st_dev);
}

/* Follow the open file until it is rotated away. */
static int
follow_file(
    struct reader *r, const char *path, struct filewatch *w, struct err *e)
{
	bool last;

	filewatch_inside(w, r->file->path);
	while (!*r->hook->stop) {
		/* Asked before the last look, so that nothing is missed. */
		last = rotated(r, path);
		if (last && !logfile_goes_on(r->file))
			return write_now(r, e);
		if (go_round(r, e) == -1)
			return -1;
		if (last && !*r->hook->stop) {
			take_rest(r);
			return write_now(r, e);
		}
		wait_for_file(w, wait_ms(r));
	}
	return 0;
}

/* --- what to read ----------------------------------------------------- */

/* Without evidence: from the end, knowing what goes on there. */
static int
open_at_end(struct reader *r, const char *path, struct err *e)
{
	uint64_t from = 0;

	if ((r->file = logfile_open(path, e)) == NULL)
		return -1;
	r->muted = (uint64_t)r->file->st.st_size;
	if (r->muted > LOGREADER_REWIND)
		from = r->muted - LOGREADER_REWIND;
	r->warm = true;
	return logfile_seek(r->file, from, true, e);
}

/*
 * Open what there is, and read it to its present end; without evidence from
 * its start, or only what comes.
 */
static int
begin(struct reader *r, const char *path, bool only_new, struct err *e)
{
	const char *journal = choose_journal(r, path);

	only_new = only_new && r->hook->evidence == NULL;
	if (journal != NULL) {
		if (open_journal(r, journal, path, only_new, e) == -1)
			return -1;
		return read_on(r, e) == -1 ? -1 : write_now(r, e);
	}
	close_file(r);
	if (only_new && !r->warm && has_data(path))
		return open_at_end(r, path, e);
	return catch_up(r, path, e);
}

static int
read_log(struct reader *r, const char *path, struct err *e)
{
	int rv = begin(r, path, false, e);

	if (rv == 0)
		close_file(r);
	return rv;
}

/* Not there yet, not for us, or a lock: that may change. */
static bool
may_come(const struct reader *r, const struct err *e)
{
	return e->code == EX_NOINPUT || e->code == EX_TEMPFAIL ||
	       (e->code == EX_NOPERM && r->file == NULL && r->journal == NULL);
}

/*
 * After a write that failed: did somebody else go on from where we did? Then
 * what we counted since is counted, and it is begun anew. 1 if so, 0, or -1.
 */
static int
was_overtaken(struct reader *r, struct err *e)
{
	struct evidence_position p = {0}, was;
	char first[DIGEST_HEX], tail[DIGEST_HEX];
	const struct place *now;

	if (r->hook->evidence == NULL || !here(r, &p, first, tail))
		return 0;
	was = start_of(r, &p);
	free_places(r);
	r->from = SIZE_MAX;
	if (evidence_positions(r->hook->evidence, set_place, r, e) == -1)
		return -1;
	now = place_with(r, was.device, was.inode, first);
	if (now != NULL && now->offset == was.offset)
		r->from = (size_t)(now - r->place);
	if (now == NULL || now->offset == was.offset)
		return 0;
	logtally_drop(r->hook->tally);
	r->dirty = r->warm = false;
	close_file(r);
	/* It will see again what it has seen. */
	logjoin_end(&r->join, false);
	return 1;
}

/* Say why it is waited for, once a cause. */
static void
say_why(struct reader *r, struct err *e)
{
	char text[ERR_TEXT_MAX + 64];

	(void)snprintf(text, sizeof(text), "%s%s", e->text,
	    e->code == EX_NOPERM
		? "; waiting until it may be read (tlspact-setup check)"
		: "");
	r->hook->remark(text, r->hook->arg);
}

static int
follow(struct reader *r, const char *path, struct err *e)
{
	struct filewatch *w = filewatch_new(path);
	struct err unused;
	struct stat st;
	bool said = false;
	int rv = 0;

	filewatch_inside(w, NULL);
	/* It will never be a log. */
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		rv =
		    err_set(e, EX_NOINPUT, "%s is a directory", quotes(path).s);
	while (rv == 0 && !*r->hook->stop) {
		if (r->journal != NULL)
			rv = follow_journal(r, path, e);
		else if (r->file != NULL)
			rv = follow_file(r, path, w, e);
		if (rv == 0 && !*r->hook->stop)
			rv = begin(r, path, true, e);
		if (rv == 0) {
			said = false;
		} else if (may_come(r, e)) {
			if (!said)
				say_why(r, e);
			said = was_overtaken(r, &unused) != 1;
			rv = 0;
			r->hook->tick(r->hook->arg);
			wait_for_file(w, RETRY_MS);
		}
	}
	filewatch_free(w);
	return rv;
}

/* --- all -------------------------------------------------------------- */

/* All was read: tell what waits, write what is not written. */
static int
finish(struct reader *r, struct err *e)
{
	/* The end of a pipe, or of what nobody reads again. */
	bool ends = r->hook->evidence == NULL || r->from_pipe;

	if (ends)
		close_file(r);
	logjoin_end(&r->join, ends);
	return write_now(r, e);
}

static int
read_all(struct reader *r, struct err *e)
{
	const struct logreader *h = r->hook;
	int rv = 0;
	size_t i;

	if (h->evidence != NULL &&
	    evidence_positions(h->evidence, set_place, r, e) == -1)
		return -1;
	if (h->follow)
		rv = follow(r, h->nfiles == 0 ? h->log : h->file[0], e);
	else if (h->nfiles == 0)
		rv = read_log(r, h->log, e);
	else
		for (i = 0; i < h->nfiles && rv == 0 && !*h->stop; i++)
			rv = read_file(r, h->file[i], e);
	return rv == 0 ? finish(r, e) : -1;
}

int
logreader_run(
    const struct logreader *what, struct logreader_stats *stats, struct err *e)
{
	struct reader r = {.hook = what,
	    .join.told = {attempt, &r, &stats->join},
	    .stats = stats,
	    .now = what->now(),
	    .written = what->pace()};
	int rv;

	*stats = (struct logreader_stats){.lines = 0};
	rv = read_all(&r, e);
	close_file(&r);
	logjoin_end(&r.join, false);
	logprefix_release(&r.prefix);
	free_places(&r);
	free(r.place);
	return rv;
}
