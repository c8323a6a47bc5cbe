#include "db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "clock.h"
#include "err.h"
#include "mem.h"
#include "owned.h"
#include "quote.h"

#define OPEN_POLL_MS 20 /* between two tries to open */
#define FILE_MODE 0640

struct db {
	sqlite3 *sql;
	char *path;
	struct owned at; /* in whose name files are opened */
	const struct db_schema *schema;
	bool synced; /* the present PRAGMA synchronous is FULL */
	bool still;  /* a copy, or taken for a file that nobody changes */
	struct db_stmt **kept;
	size_t nkept, cap;
};

struct db_stmt {
	struct db *db;
	sqlite3_stmt *s;
	const char *sql;
	int next;     /* parameter */
	bool busy;    /* between db_sql() and db_done() */
	bool kept;    /* in db.kept */
	int rc;	      /* of preparing and binding */
	char *refuse; /* why a text may not be stored */
};

/* The file, or a folder on its way, is closed to us. */
static int
shut_out(const char *noun, const char *path, struct err *e)
{
	return err_set(e, EX_NOPERM,
	    "cannot use %s %s: %s; run this as root, or in the group of its "
	    "folder",
	    noun, quotes(path).s, strerror(EACCES));
}

static int
db_fail(struct db *d, int rc, struct err *e)
{
	struct quoted q = quotes(d->path);
	const char *path = q.s;
	int sys = sqlite3_system_errno(d->sql);

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		abort();
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, EX_TEMPFAIL,
		    "%s %s is in use by another process; try again",
		    d->schema->noun, path);
	case SQLITE_FULL:
		return err_set(e, EX_IOERR,
		    "cannot write %s %s: no space left on its disk",
		    d->schema->noun, path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(e, EX_DATAERR, "%s %s is damaged: %s",
		    d->schema->noun, path, sqlite3_errmsg(d->sql));
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_set(e, EX_NOPERM, "not allowed to write %s %s",
		    d->schema->noun, path);
	case SQLITE_TOOBIG:
		return err_set(e, EX_DATAERR, "%s %s: a text is too long",
		    d->schema->noun, path);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (sys == 0)
			break;
		if (sys == EACCES)
			return shut_out(d->schema->noun, d->path, e);
		errno = sys;
		return err_sys(e,
		    (rc & 0xff) == SQLITE_IOERR ? EX_IOERR
						: err_code_input(sys),
		    "cannot use %s %s", d->schema->noun, path);
	default:
		break;
	}
	return err_set(e, (rc & 0xff) == SQLITE_IOERR ? EX_IOERR : EX_SOFTWARE,
	    "%s %s: %s", d->schema->noun, path, sqlite3_errmsg(d->sql));
}

int
db_exec(struct db *d, const char *sql, struct err *e)
{
	int rc;

	if (owned_enter(&d->at, e) == -1)
		return -1;
	rc = sqlite3_exec(d->sql, sql, NULL, NULL, NULL);
	owned_leave(&d->at);
	return rc == SQLITE_OK ? 0 : db_fail(d, rc, e);
}

static void
stmt_free(struct db_stmt *s)
{
	(void)sqlite3_finalize(s->s);
	free(s->refuse);
	free(s);
}

static void
forget_statements(struct db *d)
{
	size_t i;

	for (i = 0; i < d->nkept; i++)
		stmt_free(d->kept[i]);
	free(d->kept);
	d->kept = NULL;
	d->nkept = d->cap = 0;
}

void
db_close(struct db *d)
{
	struct err e;

	if (d == NULL)
		return;
	forget_statements(d);
	/* The last writer copies the log back into the file. */
	(void)owned_enter(&d->at, &e);
	(void)sqlite3_close_v2(d->sql);
	owned_leave(&d->at);
	owned_release(&d->at);
	free(d->path);
	free(d);
}

void
db_patience(struct db *d, int ms)
{
	(void)sqlite3_busy_timeout(d->sql, ms);
}

int
db_begin(struct db *d, bool synced, struct err *e)
{
	if (synced != d->synced) {
		if (db_exec(d,
			synced ? "PRAGMA synchronous=FULL"
			       : "PRAGMA synchronous=NORMAL",
			e) == -1)
			return -1;
		d->synced = synced;
	}
	return db_exec(d, "BEGIN IMMEDIATE", e);
}

int
db_begin_read(struct db *d, struct err *e)
{
	return db_exec(d, "BEGIN", e);
}

int
db_end(struct db *d, int rv, struct err *e)
{
	if (rv != -1 && db_exec(d, "COMMIT", e) == -1)
		rv = -1;
	/* A full disk may have ended it already. */
	if (rv == -1 && !sqlite3_get_autocommit(d->sql)) {
		struct err ignored;

		(void)db_exec(d, "ROLLBACK", &ignored);
	}
	return rv;
}

/* Reads the schema, for which files may be opened. */
static void
prepare(struct db_stmt *s)
{
	struct err e;

	s->rc = SQLITE_PERM;
	if (owned_enter(&s->db->at, &e) == -1)
		return;
	s->rc = sqlite3_prepare_v3(
	    s->db->sql, s->sql, -1, SQLITE_PREPARE_PERSISTENT, &s->s, NULL);
	owned_leave(&s->db->at);
}

struct db_stmt *
db_sql(struct db *d, const char *sql)
{
	struct db_stmt *s = NULL;
	size_t i;

	for (i = 0; i < d->nkept; i++)
		if (d->kept[i]->sql == sql)
			s = d->kept[i];
	if (s == NULL || s->busy) {
		struct db_stmt *fresh = mem_zero(1, sizeof(*fresh));

		fresh->db = d;
		fresh->sql = sql;
		prepare(fresh);
		/* A second use at once is not kept, nor one that failed. */
		fresh->kept = s == NULL && fresh->rc == SQLITE_OK;
		if (fresh->kept) {
			d->kept = mem_grow(
			    d->kept, d->nkept, &d->cap, sizeof(d->kept[0]));
			d->kept[d->nkept++] = fresh;
		}
		s = fresh;
	}
	s->busy = true;
	s->next = 1;
	return s;
}

static void
bind_text(struct db_stmt *s, const char *text, size_t max)
{
	size_t i, n, len;

	if (text == NULL)
		text = "";
	len = strlen(text);
	if (len > max && s->refuse == NULL)
		s->refuse = mem_printf(
		    "a text of %zu bytes is too long (%zu are allowed): %s",
		    len, max, quotes(text).s);
	for (i = 0; i < len && s->refuse == NULL; i += n)
		if ((n = utf8_len(text + i, len - i)) == 0)
			s->refuse =
			    mem_printf("%s is not UTF-8", quotes(text).s);
	if (s->refuse == NULL && s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_text(
		    s->s, s->next, text, (int)len, SQLITE_TRANSIENT);
}

struct db_stmt *
db_bind(struct db_stmt *s, const struct db_value *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++, s->next++) {
		if (v[i].is == DB_IS_TEXT_OR_NULL && v[i].text == NULL)
			continue; /* as it is if nothing is bound */
		if (v[i].is != DB_IS_INT)
			bind_text(s, v[i].text, v[i].max);
		else if (s->rc == SQLITE_OK)
			s->rc = sqlite3_bind_int64(s->s, s->next, v[i].n);
	}
	return s;
}

struct db_value
db_member(const struct db_member *m, const void *row)
{
	const char *p = (const char *)row + m->at;
	struct db_value v = DB_TEXT(NULL);
	uint32_t n;

	if (m->size == SIZE_MAX) {
		memcpy(&v.text, p, sizeof(v.text));
		return v;
	}
	v = DB_INT(0);
	if (m->size == sizeof(v.n)) {
		memcpy(&v.n, p, sizeof(v.n));
	} else {
		memcpy(&n, p, sizeof(n));
		v.n = n;
	}
	return v;
}

struct db_stmt *
db_bind_row(struct db_stmt *s, const struct db_member *m, const void *row)
{
	struct db_value v;

	for (; m->size != 0; m++) {
		v = db_member(m, row);
		(void)db_bind(s, &v, 1);
	}
	return s;
}

int
db_step(struct db_stmt *s, struct err *e)
{
	int rc = s->rc;

	if (s->refuse != NULL)
		return err_set(e, EX_DATAERR, "%s %s: %s", s->db->schema->noun,
		    quotes(s->db->path).s, s->refuse);
	if (rc == SQLITE_OK) {
		bool on = sqlite3_stmt_busy(s->s) != 0;

		/* By the first step all files are open. */
		if (!on && owned_enter(&s->db->at, e) == -1)
			return -1;
		rc = sqlite3_step(s->s);
		if (!on)
			owned_leave(&s->db->at);
	}
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(s->db, rc, e);
}

const char *
db_col_name(struct db_stmt *s, int i)
{
	return sqlite3_column_name(s->s, i);
}

const char *
db_col_bytes(struct db_stmt *s, int i, size_t *len)
{
	const char *text = (const char *)sqlite3_column_text(s->s, i);

	*len = text == NULL ? 0 : (size_t)sqlite3_column_bytes(s->s, i);
	return text == NULL ? "" : text;
}

const char *
db_col_text(struct db_stmt *s, int i)
{
	const char *text = (const char *)sqlite3_column_text(s->s, i);

	return text == NULL ? "" : text;
}

int64_t
db_col_int(struct db_stmt *s, int i)
{
	return sqlite3_column_int64(s->s, i);
}

void
db_row(struct db_stmt *s, const struct db_member *m, void *row)
{
	const char *text;
	uint32_t small;
	int64_t n;
	int i;

	for (i = 0; m[i].size != 0; i++) {
		char *p = (char *)row + m[i].at;

		if (m[i].size == SIZE_MAX) {
			text = db_col_text(s, i);
			memcpy(p, &text, sizeof(text));
			continue;
		}
		n = db_col_int(s, i);
		small = (uint32_t)n;
		if (m[i].size == sizeof(n))
			memcpy(p, &n, sizeof(n));
		else
			memcpy(p, &small, sizeof(small));
	}
}

int
db_next(struct db_stmt *s, const struct db_member *m, void *row, struct err *e)
{
	int rv = db_step(s, e);

	if (rv == 1)
		db_row(s, m, row);
	return rv;
}

int
db_done(struct db_stmt *s, int rv)
{
	if (s->kept) {
		(void)sqlite3_reset(s->s);
		(void)sqlite3_clear_bindings(s->s);
		free(s->refuse);
		s->refuse = NULL;
		s->rc = SQLITE_OK;
		s->busy = false;
	} else {
		stmt_free(s);
	}
	return rv == -1 ? -1 : 0;
}

int
db_run(struct db_stmt *s, struct err *e)
{
	int rv;

	while ((rv = db_step(s, e)) == 1)
		;
	return db_done(s, rv);
}

int
db_number(struct db_stmt *s, int64_t *n, struct err *e)
{
	int rv = db_step(s, e);

	*n = rv == 1 ? db_col_int(s, 0) : 0;
	(void)db_done(s, rv);
	return rv;
}

int
db_numbers(struct db_stmt *s, int64_t **v, size_t *n, struct err *e)
{
	size_t cap = 0;
	int rv;

	*v = NULL;
	*n = 0;
	while ((rv = db_step(s, e)) == 1) {
		*v = mem_grow(*v, *n, &cap, sizeof(**v));
		(*v)[(*n)++] = db_col_int(s, 0);
	}
	return db_done(s, rv);
}

int64_t
db_changes(struct db *d)
{
	return sqlite3_changes64(d->sql);
}

int64_t
db_rowid(struct db *d)
{
	return sqlite3_last_insert_rowid(d->sql);
}

/* The file and those beside it are for owner and group, to read at most. */
static void
tighten(const struct owned *at)
{
	static const char *const suffix[] = {"", "-wal", "-shm"};
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		char *name = mem_printf("%s%s", at->name, suffix[i]);

		if (fstatat(at->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && (st.st_mode & 07777 & ~FILE_MODE))
			(void)!fchmodat(
			    at->dir, name, st.st_mode & FILE_MODE, 0);
		free(name);
	}
}

/*
 * Make the file, if there is none, before SQLite does: it would give it the
 * umask's mode. A file that is there is not opened: closing it would drop the
 * locks that this process holds on it (fcntl(2)).
 */
static int
make_file(const struct owned *at, const char *noun, struct err *e)
{
	int fd, rv = 0;

	if (at->linked) {
		tighten(at);
		return 0;
	}
	fd = openat(at->dir, at->name,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd == -1 && errno == EEXIST) {
		tighten(at);
		return 0;
	}
	if (fd == -1)
		return err_sys(e, err_code_output(errno), "cannot create %s %s",
		    noun, quotes(at->path).s);
	if (fchmod(fd, FILE_MODE) == -1)
		rv = err_sys(e, err_code_output(errno),
		    "cannot set the mode of %s %s", noun, quotes(at->path).s);
	(void)close(fd);
	return rv;
}

/* Is it ours, and of a version that we know? *version is what it has. */
static int
judge_version(struct db *d, int64_t *version, struct err *e)
{
	const char *noun = d->schema->noun;
	int64_t id, objects;

	if (db_ask(d, e, &id, "PRAGMA application_id") == -1 ||
	    db_ask(d, e, version, "PRAGMA user_version") == -1 ||
	    db_ask(d, e, &objects, "SELECT count(*) FROM sqlite_schema") == -1)
		return -1;
	if (id != d->schema->application_id && (id != 0 || objects != 0))
		return err_set(e, EX_DATAERR,
		    "%s is no %s of tlspact but another program's database",
		    quotes(d->path).s, noun);
	if (*version > d->schema->version)
		return err_set(e, EX_UNAVAILABLE,
		    "%s %s has schema version %lld, this program knows up to "
		    "%d: it was written by a newer tlspact",
		    noun, quotes(d->path).s, (long long)*version,
		    d->schema->version);
	return 0;
}

/* The same, all of it about one moment: others may be making the schema. */
static int
check_version(struct db *d, int64_t *version, struct err *e)
{
	if (db_begin_read(d, e) == -1)
		return -1;
	return db_end(d, judge_version(d, version, e), e);
}

static int
migrate(struct db *d, struct err *e)
{
	int64_t version;
	int rv = 0;
	char *sql;

	if (db_begin(d, true, e) == -1)
		return -1;
	/* Another process may have done it while we waited. */
	rv = judge_version(d, &version, e);
	for (; rv == 0 && version < d->schema->version; version++)
		rv = db_exec(d, d->schema->step[version], e);
	if (rv == 0) {
		sql = mem_printf("PRAGMA application_id=%ld;"
				 "PRAGMA user_version=%d",
		    (long)d->schema->application_id, d->schema->version);
		rv = db_exec(d, sql, e);
		free(sql);
	}
	return db_end(d, rv, e);
}

static int
set_up_writer(struct db *d, struct err *e)
{
	int64_t version;
	int yes = 1;

	if (check_version(d, &version, e) == -1)
		return -1;
	/* Readers without write permission need the -wal and the -shm. */
	(void)sqlite3_file_control(
	    d->sql, "main", SQLITE_FCNTL_PERSIST_WAL, &yes);
	if (db_exec(d,
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
		"PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=4194304",
		e) == -1)
		return -1;
	return version == d->schema->version ? 0 : migrate(d, e);
}

/* What stands in the file is data: no code of its own is run. */
static void
run_none(sqlite3 *sql)
{
	int off = 0;

	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, &off);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &off);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &off);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, &off);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_LENGTH, DB_ROW_MAX);
}

/* Go on with a copy of our own, in memory or a file that has no name. */
static int
read_copy(struct db *d, struct err *e)
{
	sqlite3_backup *b = NULL;
	sqlite3 *copy = NULL;

	if (sqlite3_open_v2("", &copy,
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
		NULL) == SQLITE_OK &&
	    (b = sqlite3_backup_init(copy, "main", d->sql, "main")) != NULL)
		(void)sqlite3_backup_step(b, -1);
	if (b == NULL || sqlite3_backup_finish(b) != SQLITE_OK) {
		(void)sqlite3_close_v2(copy);
		return -1;
	}
	forget_statements(d);
	(void)sqlite3_close_v2(d->sql);
	d->sql = copy;
	d->still = true;
	run_none(copy);
	if (migrate(d, e) == -1)
		return -1;
	return db_exec(d, "PRAGMA query_only=ON", e);
}

static int
set_up_reader(struct db *d, struct err *e)
{
	struct err ignored;
	int64_t version;

	if (check_version(d, &version, e) == -1)
		return -1;
	if (version == 0)
		return err_set(e, EX_NOINPUT, "%s %s is still empty",
		    d->schema->noun, quotes(d->path).s);
	if (version < d->schema->version && read_copy(d, &ignored) == -1)
		return err_set(e, EX_DATAERR,
		    "%s %s has schema version %lld, not yet %d: a program "
		    "that writes to it must open it once (%s)",
		    d->schema->noun, quotes(d->path).s, (long long)version,
		    d->schema->version, d->schema->writers);
	return 0;
}

/* How it is spaced means nothing. */
#define SQL_TEXT                                                              \
	"replace(replace(replace(coalesce(sql, ''), ' ', ''), char(9), ''), " \
	"char(10), '')"

/* Tell of each object of a that b does not have; SQLite's own aside. */
static int
tell_missing(sqlite3 *a, sqlite3 *b, bool gone, db_foreign_fn *fn, void *arg)
{
	sqlite3_stmt *all = NULL, *same = NULL;
	int rc, i;

	rc = sqlite3_prepare_v2(a,
	    "SELECT type, name, tbl_name, " SQL_TEXT " FROM sqlite_schema"
	    " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
	    -1, &all, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(b,
		    "SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ?"
		    " AND tbl_name = ? AND " SQL_TEXT " = ?",
		    -1, &same, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(all)) == SQLITE_ROW) {
		for (i = 0; i < 4; i++)
			(void)sqlite3_bind_value(
			    same, i + 1, sqlite3_column_value(all, i));
		if ((rc = sqlite3_step(same)) == SQLITE_DONE &&
		    !fn((const char *)sqlite3_column_text(all, 0),
			(const char *)sqlite3_column_text(all, 1),
			(const char *)sqlite3_column_text(all, 2), gone, arg))
			break;
		if (rc != SQLITE_DONE && rc != SQLITE_ROW)
			break;
		rc = sqlite3_reset(same);
	}
	(void)sqlite3_finalize(all);
	(void)sqlite3_finalize(same);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int
db_foreign(struct db *d, db_foreign_fn *fn, void *arg, struct err *e)
{
	sqlite3 *model = NULL;
	int rc, i;

	rc = sqlite3_open_v2(":memory:", &model,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	for (i = 0; rc == SQLITE_OK && i < d->schema->version; i++)
		rc = sqlite3_exec(model, d->schema->step[i], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = tell_missing(d->sql, model, false, fn, arg);
	if (rc == SQLITE_OK)
		rc = tell_missing(model, d->sql, true, fn, arg);
	(void)sqlite3_close_v2(model);
	return rc == SQLITE_OK ? 0 : db_fail(d, rc, e);
}

/* So that no name is special to SQLite (":memory:", "file:x"). */
static char *
full_path(const char *path)
{
	return *path == '/' ? mem_dup(path) : mem_printf("./%s", path);
}

/*
 * The name as a URI, with the characters escaped that mean something; query is
 * a short word.
 */
static char *
as_uri(const char *path, const char *query)
{
	static const char hex[] = "0123456789ABCDEF";
	char *uri = mem_alloc(3 * strlen(path) + 64), *p;

	p = stpcpy(uri, "file:");
	for (; *path != '\0'; path++) {
		if (strchr("%?#", *path) == NULL) {
			*p++ = *path;
			continue;
		}
		*p++ = '%';
		*p++ = hex[(unsigned char)*path >> 4];
		*p++ = hex[*path & 15];
	}
	(void)strcpy(p, query);
	return uri;
}

bool
db_is_still(const struct db *d)
{
	return d->still;
}

int
db_attach(struct db *d, const char *path, struct err *e)
{
	char *full = full_path(path), *uri = as_uri(full, "?mode=ro");
	int rv = db_do(d, e, "ATTACH ? AS old", DB_TEXT(uri));

	free(uri);
	free(full);
	return rv;
}

static struct db *
open_once(const char *path, enum db_mode mode, const struct db_schema *schema,
    bool frozen, struct err *e)
{
	struct db *d = mem_zero(1, sizeof(*d));
	char *name;
	int rc;

	d->schema = schema;
	d->path = full_path(path);
	d->still = frozen;
	name = frozen ? as_uri(d->path, "?immutable=1") : mem_dup(d->path);
	rc = sqlite3_open_v2(name, &d->sql,
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI |
		(mode == DB_WRITE ? SQLITE_OPEN_READWRITE
				  : SQLITE_OPEN_READONLY),
	    NULL);
	free(name);
	if (rc != SQLITE_OK) {
		(void)db_fail(d, rc, e);
		goto fail;
	}
	run_none(d->sql);
	(void)sqlite3_busy_timeout(d->sql, DB_PATIENCE_MS);
	if ((mode == DB_WRITE ? set_up_writer(d, e) : set_up_reader(d, e)) == 0)
		return d;
fail:
	db_close(d);
	return NULL;
}

/* True if a reader may take the file for one that nobody changes. */
static bool
is_quiet(const char *path)
{
	char *wal = mem_printf("%s-wal", path);
	struct stat st;
	bool quiet;

	quiet = stat(wal, &st) == -1 ? errno == ENOENT : st.st_size == 0;
	free(wal);
	return quiet;
}

/* As the account whose folder it is. */
static struct db *
open_at(const struct owned *at, const char *path, enum db_mode mode,
    const struct db_schema *schema, struct err *e)
{
	struct timespec nap = {.tv_nsec = OPEN_POLL_MS * 1000000L};
	const uint64_t end = clock_ns() + DB_PATIENCE_MS * UINT64_C(1000000);
	struct stat st;
	struct db *d;

	if (mode == DB_WRITE && make_file(at, schema->noun, e) == -1)
		return NULL;
	if (stat(path, &st) == -1) {
		if (errno == EACCES)
			(void)shut_out(schema->noun, path, e);
		else
			(void)err_sys(e, err_code_input(errno),
			    "cannot open %s %s", schema->noun, quotes(path).s);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_set(e, EX_NOINPUT, "%s is no file", quotes(path).s);
		return NULL;
	}
	/*
	 * The change to WAL and the recovery after a crash do not wait for
	 * a lock by themselves; the rest does, for as long as we would.
	 */
	while ((d = open_once(path, mode, schema, false, e)) == NULL &&
	       e->code == EX_TEMPFAIL && clock_ns() < end)
		(void)nanosleep(&nap, NULL);
	if (d == NULL && mode == DB_READ &&
	    (e->code == EX_NOPERM || e->code == EX_NOINPUT ||
		e->code == EX_IOERR || e->code == EX_SOFTWARE) &&
	    st.st_size > 0 && eaccess(path, R_OK) == 0 && is_quiet(path))
		d = open_once(path, mode, schema, true, e);
	return d;
}

struct db *
db_open(const char *path, enum db_mode mode, const struct db_schema *schema,
    struct err *e)
{
	struct db *d = NULL;
	struct owned at;

	if (owned_find(&at, path, true, e) == -1) {
		if (errno == EACCES)
			(void)shut_out(schema->noun, path, e);
		else
			(void)err_sys(e,
			    mode == DB_WRITE ? err_code_output(errno)
					     : err_code_input(errno),
			    "cannot %s %s %s",
			    mode == DB_WRITE ? "create" : "open", schema->noun,
			    quotes(path).s);
		return NULL;
	}
	if (owned_enter(&at, e) == 0) {
		d = open_at(&at, path, mode, schema, e);
		owned_leave(&at);
	}
	if (d == NULL)
		owned_release(&at);
	else
		d->at = at;
	return d;
}
