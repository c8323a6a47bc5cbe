/*
 * What the mail log proved: counts, failures, and how far it was read, which
 * must never disagree; so they are written together.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"
#include "evidence_impl.h"
#include "mem.h"
#include "quote.h"

#define DAY_LEN 10 /* YYYY-MM-DD */

const char *
evidence_direction_name(enum evidence_direction d)
{
	return d == EVIDENCE_IN ? "in" : "out";
}

const char *
evidence_seen_name(enum evidence_seen s)
{
	switch (s) {
	case EVIDENCE_CLEAR:
		return "clear";
	case EVIDENCE_ENCRYPTED:
		return "encrypted";
	case EVIDENCE_TRUSTED:
		return "trusted";
	default:
		return "verified";
	}
}

static int
need_day(const char *day, struct err *e)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;

	if (day == NULL)
		day = "";
	for (i = 0; i < DAY_LEN; i++)
		if (form[i] == 'd' ? day[i] < '0' || day[i] > '9'
				   : day[i] != form[i])
			break;
	if (i < DAY_LEN || day[DAY_LEN] != '\0')
		return err_set(e, EX_DATAERR,
		    "evidence: %s is no day like 2026-11-23", quotes(day).s);
	return 0;
}

static int
add_count(struct evidence *v, const struct evidence_count *c, struct err *e)
{
	struct db_stmt *s;

	if (need_day(c->day, e) == -1)
		return -1;
	if (c->n > INT64_MAX)
		return err_set(e, EX_DATAERR, "evidence: a count is too large");
	s = db_sql(v->db,
	    "INSERT INTO log_count(day, partner, direction, seen, protocol,"
	    " cipher, result, n) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	db_text(s, c->day);
	db_text(s, c->partner);
	db_int(s, c->direction);
	db_int(s, c->seen);
	db_text(s, c->protocol);
	db_text(s, c->cipher);
	db_text(s, c->result);
	db_int(s, (int64_t)c->n);
	return db_run(s, e);
}

static int
add_failure(struct evidence *v, const struct evidence_failure *f, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_word("fault", f->fault, e) == -1 ||
	    ledger_need_time("time", f->time, e) == -1)
		return -1;
	s = db_sql(v->db,
	    "INSERT INTO failure(time, partner, direction, fault, domain, host,"
	    " address, queue_id, text) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
	db_int(s, f->time);
	db_text(s, f->partner);
	db_int(s, f->direction);
	db_text(s, f->fault);
	db_text(s, f->domain);
	db_text(s, f->host);
	db_text(s, f->address);
	db_text(s, f->queue_id);
	db_text(s, f->text);
	return db_run(s, e);
}

static int
add_position(
    struct evidence *v, const struct evidence_position *p, struct err *e)
{
	struct db_stmt *s;

	if (ledger_need_hash("first line", p->first, e) == -1 ||
	    ledger_need_time("time", p->time, e) == -1)
		return -1;
	s = db_sql(v->db,
	    "INSERT INTO position(device, inode, first, path, offset, time)"
	    " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
	    " path = excluded.path, offset = excluded.offset,"
	    " time = excluded.time");
	db_int(s, (int64_t)p->device);
	db_int(s, (int64_t)p->inode);
	db_text(s, p->first);
	db_text(s, p->path);
	db_int(s, (int64_t)p->offset);
	db_int(s, p->time);
	return db_run(s, e);
}

/* Turn all but the latest failures of the partner into sums. */
static int
bound_failures(struct evidence *v, const char *partner, struct err *e)
{
	struct db_stmt *s;
	int64_t when = 0, id = 0;
	int rv;

	s = db_sql(v->db, "SELECT time, id FROM failure WHERE partner = ?"
			  " ORDER BY time DESC, id DESC LIMIT 1 OFFSET ?");
	db_text(s, partner);
	db_int(s, EVIDENCE_FAILURES_MAX);
	if ((rv = db_step(s, e)) == 1) {
		when = db_col_int(s, 0);
		id = db_col_int(s, 1);
	}
	(void)db_done(s, 0);
	if (rv != 1)
		return rv;
	s = db_sql(v->db,
	    "INSERT INTO failure_sum(day, partner, direction, fault, n)"
	    " SELECT strftime('%Y-%m-%d', time, 'unixepoch'), partner,"
	    " direction, fault, count(*) FROM failure WHERE partner = ?"
	    " AND (time, id) <= (?, ?) GROUP BY 1, 2, 3, 4"
	    " ON CONFLICT DO UPDATE SET n = n + excluded.n");
	db_text(s, partner);
	db_int(s, when);
	db_int(s, id);
	if (db_run(s, e) == -1)
		return -1;
	s = db_sql(v->db,
	    "DELETE FROM failure WHERE partner = ? AND (time, id) <= (?, ?)");
	db_text(s, partner);
	db_int(s, when);
	db_int(s, id);
	return db_run(s, e);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
add_failures(struct evidence *v, const struct evidence_batch *b, struct err *e)
{
	const char **partner;
	size_t i;
	int rv = 0;

	if (b->nfailures == 0)
		return 0;
	partner = mem_zero(b->nfailures, sizeof(*partner));
	for (i = 0; rv == 0 && i < b->nfailures; i++) {
		partner[i] = b->failure[i].partner;
		if (partner[i] == NULL)
			partner[i] = "";
		rv = add_failure(v, &b->failure[i], e);
	}
	if (rv == 0)
		qsort(partner, b->nfailures, sizeof(*partner), by_name);
	for (i = 0; rv == 0 && i < b->nfailures; i++)
		if (i == 0 || strcmp(partner[i], partner[i - 1]) != 0)
			rv = bound_failures(v, partner[i], e);
	free(partner);
	return rv;
}

static int
add_batch(struct evidence *v, const struct evidence_batch *b, struct err *e)
{
	size_t i;

	for (i = 0; i < b->ncounts; i++)
		if (add_count(v, &b->count[i], e) == -1)
			return -1;
	if (add_failures(v, b, e) == -1)
		return -1;
	for (i = 0; i < b->npositions; i++)
		if (add_position(v, &b->position[i], e) == -1)
			return -1;
	return 0;
}

int
evidence_log_add(
    struct evidence *v, const struct evidence_batch *b, struct err *e)
{
	if (b->ncounts + b->nfailures + b->npositions == 0)
		return 0;
	if (db_begin(v->db, false, e) == -1)
		return -1;
	return db_end(v->db, add_batch(v, b, e), e);
}

int
evidence_counts(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_count_fn *fn, void *arg, struct err *e)
{
	struct evidence_count c;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT day, partner, direction, seen, protocol, cipher, result, n"
	    " FROM log_count WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"
	    " AND (?3 = '' OR day <= ?3) ORDER BY 1, 2, 3, 4, 5, 6, 7");
	db_text_or_null(s, partner);
	db_text(s, from);
	db_text(s, to);
	while ((rv = db_step(s, e)) == 1) {
		c = (struct evidence_count){
		    .day = db_col_text(s, 0),
		    .partner = db_col_text(s, 1),
		    .direction =
			db_col_int(s, 2) == 0 ? EVIDENCE_IN : EVIDENCE_OUT,
		    .seen = (enum evidence_seen)(db_col_int(s, 3) & 3),
		    .protocol = db_col_text(s, 4),
		    .cipher = db_col_text(s, 5),
		    .result = db_col_text(s, 6),
		    .n = (uint64_t)db_col_int(s, 7),
		};
		if (!fn(&c, arg))
			break;
	}
	return db_done(s, rv);
}

/* Bind since, the last parameter, and hand out the rows. */
static int
each_failure(struct db_stmt *s, time_t since, evidence_failure_fn *fn,
    void *arg, struct err *e)
{
	struct evidence_failure f;
	int rv;

	db_int(s, since);
	while ((rv = db_step(s, e)) == 1) {
		f = (struct evidence_failure){
		    .time = db_col_int(s, 0),
		    .partner = db_col_text(s, 1),
		    .direction =
			db_col_int(s, 2) == 0 ? EVIDENCE_IN : EVIDENCE_OUT,
		    .fault = db_col_text(s, 3),
		    .domain = db_col_text(s, 4),
		    .host = db_col_text(s, 5),
		    .address = db_col_text(s, 6),
		    .queue_id = db_col_text(s, 7),
		    .text = db_col_text(s, 8),
		    .id = db_col_int(s, 9),
		};
		if (!fn(&f, arg))
			break;
	}
	return db_done(s, rv);
}

#define FAILURE_COLUMNS                                              \
	"f.time, f.partner, f.direction, f.fault, f.domain, f.host," \
	" f.address, f.queue_id, f.text, "

/* Of one partner or all: each has an index of its own. */
static struct db_stmt *
of_partner(struct db *db, const char *partner, const char *all, const char *one)
{
	struct db_stmt *s = db_sql(db, partner == NULL ? all : one);

	db_text_or_null(s, partner);
	return s;
}

#define FAILURES(which)                                              \
	"SELECT " FAILURE_COLUMNS "f.id FROM failure f WHERE " which \
	" AND time >= ?2 ORDER BY time, id"

int
evidence_failures(struct evidence *v, const char *partner, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e)
{
	if (v == NULL)
		return 0;
	return each_failure(of_partner(v->db, partner, FAILURES("?1 IS NULL"),
				FAILURES("partner = ?1")),
	    since, fn, arg, e);
}

int
evidence_failures_after(struct evidence *v, int64_t after, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *s;

	if (v == NULL)
		return 0;
	s = db_sql(v->db, "SELECT " FAILURE_COLUMNS "f.id FROM failure f"
			  " WHERE f.id > ?1 AND +time >= ?2 ORDER BY f.id");
	db_int(s, after);
	return each_failure(s, since, fn, arg, e);
}

/*
 * The inner statement reads the index alone. Beside max(), SQLite takes the
 * columns of the row that has it.
 */
#define LAST_FAILURES(which)                                      \
	"SELECT " FAILURE_COLUMNS "max(f.id)"                     \
	" FROM (SELECT partner AS p, max(time) AS t FROM failure" \
	" WHERE " which " AND time >= ?2 GROUP BY partner)"       \
	" JOIN failure f ON f.partner = p AND f.time = t GROUP BY p"

int
evidence_last_failures(struct evidence *v, const char *partner, time_t since,
    evidence_failure_fn *fn, void *arg, struct err *e)
{
	if (v == NULL)
		return 0;
	return each_failure(
	    of_partner(v->db, partner, LAST_FAILURES("?1 IS NULL"),
		LAST_FAILURES("partner = ?1")),
	    since, fn, arg, e);
}

int
evidence_failure_sums(struct evidence *v, const char *partner, const char *from,
    const char *to, evidence_failure_sum_fn *fn, void *arg, struct err *e)
{
	struct evidence_failure_sum f;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT day, partner, direction, fault, n FROM failure_sum"
	    " WHERE (?1 IS NULL OR partner = ?1) AND day >= ?2"
	    " AND (?3 = '' OR day <= ?3) ORDER BY 1, 2, 3, 4");
	db_text_or_null(s, partner);
	db_text(s, from);
	db_text(s, to);
	while ((rv = db_step(s, e)) == 1) {
		f = (struct evidence_failure_sum){
		    .day = db_col_text(s, 0),
		    .partner = db_col_text(s, 1),
		    .direction =
			db_col_int(s, 2) == 0 ? EVIDENCE_IN : EVIDENCE_OUT,
		    .fault = db_col_text(s, 3),
		    .n = (uint64_t)db_col_int(s, 4),
		};
		if (!fn(&f, arg))
			break;
	}
	return db_done(s, rv);
}

int
evidence_positions(
    struct evidence *v, evidence_position_fn *fn, void *arg, struct err *e)
{
	struct evidence_position p;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT path, device, inode, first, offset, time FROM position"
	    " ORDER BY time DESC, path, inode");
	while ((rv = db_step(s, e)) == 1) {
		p = (struct evidence_position){
		    .path = db_col_text(s, 0),
		    .device = (uint64_t)db_col_int(s, 1),
		    .inode = (uint64_t)db_col_int(s, 2),
		    .first = db_col_text(s, 3),
		    .offset = (uint64_t)db_col_int(s, 4),
		    .time = db_col_int(s, 5),
		};
		if (!fn(&p, arg))
			break;
	}
	return db_done(s, rv);
}
