#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include "db.h"
#include "err.h"

#define NOBODY 65534

static const char *const steps[] = {
    "CREATE TABLE a(id INTEGER PRIMARY KEY, t TEXT NOT NULL) STRICT;",
    "CREATE TABLE b(n INTEGER NOT NULL) STRICT; INSERT INTO b VALUES(7);",
    "UPDATE b SET n = n + 1;",
};

static const struct db_schema one = {"ledger", 0x7431, steps, 1, "w"};
static const struct db_schema three = {"ledger", 0x7431, steps, 3, "w"};
static const char *const unknown[] = {"CREATE TABLE a(id);", "no step"};
static const struct db_schema two = {"ledger", 0x7431, unknown, 2, "w"};
static const struct db_schema other = {"ledger", 0x7432, steps, 3, "w"};

static char *dir;

static int
setup(void **state)
{
	(void)state;
	dir = check_folder();
	/* The tests that become another user must get in. */
	return chmod(dir, 0755);
}

static int
teardown(void **state)
{
	(void)state;
	check_folder_end(dir);
	return 0;
}

static struct db *
must_open(const char *path, enum db_mode mode, const struct db_schema *schema)
{
	struct err e = {0};
	struct db *d = db_open(path, mode, schema, &e);

	if (d == NULL)
		fail_msg("%s: %d %s", path, e.code, e.text);
	return d;
}

static void
cannot_open(const char *row, const char *path, enum db_mode mode,
    const struct db_schema *schema, int code, const char *text)
{
	struct err e = {0};

	check_true(row, db_open(path, mode, schema, &e) == NULL);
	check_int(row, e.code, code);
	check_has(row, e.text, text);
}

static void
must_do(struct db *d, const char *sql)
{
	struct err e = {0};

	if (db_do(d, &e, sql) == -1)
		fail_msg("%s: %s", sql, e.text);
}

static int64_t
number(struct db *d, const char *sql)
{
	struct err e = {0};
	int64_t n;

	if (db_ask(d, &e, &n, sql) != 1)
		fail_msg("%s: %s", sql, e.text);
	return n;
}

static int
add(struct db *d, const char *text, struct err *e)
{
	return db_do(d, e, "INSERT INTO a(t) VALUES(?)", DB_TEXT(text));
}

static void
t_versions(void **state)
{
	char *path = check_path(dir, "v.db");
	struct err e = {0};
	struct stat st;
	struct db *d;

	(void)state;
	cannot_open("missing", path, DB_READ, &one, EX_NOINPUT, "v.db");
	check_int("no file", access(path, F_OK), -1);
	d = must_open(path, DB_WRITE, &one);
	must_do(d, "INSERT INTO a(t) VALUES('kept')");
	db_close(d);
	check_int("stat", stat(path, &st), 0);
	check_int("mode", st.st_mode & 07777, 0640);
	d = must_open(path, DB_READ, &three);
	check_int("older: a copy, of now", number(d, "SELECT n FROM b"), 8);
	check_int("with what it had", number(d, "SELECT count(*) FROM a"), 1);
	check_int("is read alone", add(d, "x", &e), -1);
	check_int("is read alone", e.code, EX_NOPERM);
	db_close(d);
	cannot_open("no copy", path, DB_READ, &two, EX_DATAERR,
	    "schema version 1, not yet 2: a program that writes to it must "
	    "open it once (w)");
	d = must_open(path, DB_READ, &one);
	check_int("it is as it was", number(d, "SELECT count(*) FROM a"), 1);
	db_close(d);
	d = must_open(path, DB_WRITE, &three);
	check_int("step 2 and 3 ran", number(d, "SELECT n FROM b"), 8);
	check_int("kept", number(d, "SELECT count(*) FROM a"), 1);
	db_close(d);
	d = must_open(path, DB_WRITE, &three);
	check_int("ran once", number(d, "SELECT n FROM b"), 8);
	db_close(d);
	cannot_open("newer", path, DB_WRITE, &one, EX_UNAVAILABLE,
	    "written by a newer tlspact");
	cannot_open("newer, read", path, DB_READ, &one, EX_UNAVAILABLE,
	    "written by a newer tlspact");
	cannot_open("another program's", path, DB_WRITE, &other, EX_DATAERR,
	    "another program's database");
	free(path);
}

static void
t_foreign(void **state)
{
	char *path = check_path(dir, "foreign.db"), big[4096];
	sqlite3 *raw;
	struct db *d;
	int fd;

	(void)state;
	/* No application id, but somebody's tables. */
	assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
	sqlite3_exec(raw, "CREATE TABLE x(y)", NULL, NULL, NULL);
	sqlite3_close(raw);
	cannot_open("no id", path, DB_WRITE, &one, EX_DATAERR, "another");
	memset(big, 'x', sizeof(big));
	check_write(path, big, sizeof(big));
	cannot_open("junk", path, DB_WRITE, &one, EX_DATAERR, "damaged");
	cannot_open("junk, read", path, DB_READ, &one, EX_DATAERR, "damaged");
	assert_int_equal(truncate(path, 0), 0);
	cannot_open("empty", path, DB_READ, &one, EX_NOINPUT, "still empty");
	d = must_open(path, DB_WRITE, &one);
	db_close(d);
	/* Its first page is there, the rest is not. */
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, big, 4096, 4096), 4096);
	close(fd);
	d = db_open(path, DB_WRITE, &one, &(struct err){0});
	if (d != NULL) {
		struct err e = {0};

		check_int("page", add(d, "x", &e), -1);
		check_int("page", e.code, EX_DATAERR);
		db_close(d);
	}
	free(path);
	path = check_path(dir, "no/such/dir.db");
	cannot_open(
	    "no folder", path, DB_WRITE, &one, EX_CANTCREAT, "cannot create");
	free(path);
	path = check_path(dir, ".");
	cannot_open("a folder", path, DB_READ, &one, EX_NOINPUT, "no file");
	free(path);
}

/* Names that SQLite would take for something else. */
static void
t_names(void **state)
{
	static const char *const name[] = {
	    "file:x?mode=memory", ":memory:", "a?b#c%20d", "-x", " "};
	char cwd[4096];
	struct db *d;
	size_t i;

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(dir), 0);
	for (i = 0; i < COUNT(name); i++) {
		d = must_open(name[i], DB_WRITE, &one);
		must_do(d, "INSERT INTO a(t) VALUES('x')");
		db_close(d);
		check_int(name[i], access(name[i], F_OK), 0);
		d = must_open(name[i], DB_READ, &one);
		check_int(name[i], number(d, "SELECT count(*) FROM a"), 1);
		db_close(d);
	}
	assert_int_equal(chdir(cwd), 0);
}

static void
t_texts(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *bad;
	} cases[] = {
	    {"empty", "", NULL},
	    {"quotes", "'); DROP TABLE a; --", NULL},
	    {"UTF-8", "\xc3\xa9\xf0\x9f\x98\x80", NULL},
	    {"control characters", "\x01\x1b[2J\n", NULL},
	    {"Latin-1", "caf\xe9", "is not UTF-8"},
	    {"a surrogate", "\xed\xa0\x80", "is not UTF-8"},
	};
	char *path = check_path(dir, "t.db");
	struct db *d = must_open(path, DB_WRITE, &one);
	char *big = malloc(DB_TEXT_MAX + 2);
	struct err e = {0};
	struct db_stmt *s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		check_int(cases[i].name, add(d, cases[i].text, &e),
		    cases[i].bad == NULL ? 0 : -1);
		if (cases[i].bad != NULL) {
			check_int(cases[i].name, e.code, EX_DATAERR);
			check_has(cases[i].name, e.text, cases[i].bad);
			continue;
		}
		s = db_sql(d, "SELECT t FROM a WHERE id = last_insert_rowid()");
		check_int(cases[i].name, db_step(s, &e), 1);
		check_str(cases[i].name, db_col_text(s, 0), cases[i].text);
		(void)db_done(s, 0);
	}
	memset(big, 'x', DB_TEXT_MAX + 1);
	big[DB_TEXT_MAX + 1] = '\0';
	check_int("too long", add(d, big, &e), -1);
	check_has("too long", e.text, "too long");
	check_int("just", add(d, big + 1, &e), 0);
	check_int("NULL is empty", add(d, NULL, &e), 0);
	check_int("rows", number(d, "SELECT count(*) FROM a"), 6);
	check_int("no such table", db_do(d, &e, "SELECT * FROM zz"), -1);
	check_int("our own mistake", e.code, EX_SOFTWARE);
	free(big);
	db_close(d);
	free(path);
}

/* A row from a struct, and back: texts and integers of both sizes. */
static void
t_members(void **state)
{
	struct row {
		uint64_t big;
		unsigned small;
		const char *text;
		int64_t less;
		const char *none;
	} out, in = {UINT64_MAX, UINT32_MAX, "a", INT64_MIN, NULL};
	static const struct db_member members[] = {DB_MEMBER(struct row, text),
	    DB_MEMBER(struct row, big), DB_MEMBER(struct row, small),
	    DB_MEMBER(struct row, less), DB_MEMBER(struct row, none), {0}};
	char *path = check_path(dir, "m.db");
	struct db *d = must_open(path, DB_WRITE, &one);
	struct err e = {0};
	struct db_stmt *s;
	int64_t n = 1;

	(void)state;
	s = db_bind_row(db_sql(d, "SELECT ?, ?, ?, ?, ?"), members, &in);
	check_int("row", db_next(s, members, &out, &e), 1);
	check_str("text", out.text, "a");
	check_true("big", out.big == UINT64_MAX);
	check_true("small", out.small == UINT32_MAX);
	check_true("less", out.less == INT64_MIN);
	check_str("NULL is empty", out.none, "");
	check_str("name", db_col_name(s, 4), "?");
	check_true("no more", db_col_name(s, 5) == NULL);
	check_int("last", db_done(s, db_next(s, members, &out, &e)), 0);
	check_int("no row",
	    db_ask(d, &e, &n, "SELECT ?1 WHERE ?2 NOTNULL", DB_INT(7),
		DB_TEXT_OR_NULL(NULL)),
	    0);
	check_int("no row", n, 0);
	check_int("row",
	    db_ask(d, &e, &n, "SELECT ?1 WHERE ?2 NOTNULL", DB_INT(7),
		DB_TEXT_OR_NULL("")),
	    1);
	check_int("row", n, 7);
	db_close(d);
	free(path);
}

static void
t_transactions(void **state)
{
	char *path = check_path(dir, "x.db");
	struct db *d = must_open(path, DB_WRITE, &one), *d2;
	struct db_stmt *s, *t;
	struct err e = {0};

	(void)state;
	check_int("begin", db_begin(d, true, &e), 0);
	check_int("add", add(d, "lost", &e), 0);
	check_int("roll back", db_end(d, -1, &e), -1);
	check_int("nothing", number(d, "SELECT count(*) FROM a"), 0);
	check_int("begin", db_begin(d, false, &e), 0);
	check_int("add", add(d, "1", &e) | add(d, "2", &e), 0);
	d2 = must_open(path, DB_WRITE, &one);
	check_int("not seen", number(d2, "SELECT count(*) FROM a"), 0);
	db_patience(d2, 50);
	check_int("locked", db_begin(d2, false, &e), -1);
	check_int("locked", e.code, EX_TEMPFAIL);
	check_has("locked", e.text, "in use by another process");
	check_int("commit", db_end(d, 1, &e), 1);
	check_int("seen", number(d2, "SELECT count(*) FROM a"), 2);
	/* The same statement twice at once, by one handle. */
	s = db_sql(d, "SELECT t FROM a ORDER BY id");
	check_int("outer", db_step(s, &e), 1);
	t = db_sql(d, "SELECT t FROM a ORDER BY id");
	check_int("inner", db_step(t, &e), 1);
	check_int("inner", db_step(t, &e), 1);
	check_str("inner", db_col_text(t, 0), "2");
	(void)db_done(t, 0);
	check_str("outer", db_col_text(s, 0), "1");
	(void)db_done(s, 0);
	/* One state of the file throughout. */
	check_int("read", db_begin_read(d2, &e), 0);
	check_int("read", number(d2, "SELECT count(*) FROM a"), 2);
	check_int("write", add(d, "3", &e), 0);
	check_int("still", number(d2, "SELECT count(*) FROM a"), 2);
	check_int("end", db_end(d2, 0, &e), 0);
	check_int("now", number(d2, "SELECT count(*) FROM a"), 3);
	db_close(d2);
	d2 = must_open(path, DB_READ, &one);
	check_int("read only", add(d2, "4", &e), -1);
	check_int("read only", e.code, EX_NOPERM);
	db_close(d2);
	db_close(d);
	free(path);
}

/* End a child: valgrind would call a leak what it has from its parent. */
static void __attribute__((noreturn)) leave(int code)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", code);
	(void)execl("/bin/sh", "sh", "-c", "exit $0", text, (char *)NULL);
	_exit(127);
}

/* How many rows nobody sees in the file; 100 + code if it cannot. */
static int
as_nobody(const char *path, const struct db_schema *schema)
{
	struct err e = {0};
	struct db *d;
	int status, n;
	pid_t pid;

	if ((pid = fork()) == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
		    setresuid(NOBODY, NOBODY, NOBODY) == -1)
			leave(90);
		if ((d = db_open(path, DB_READ, schema, &e)) == NULL)
			leave(100 + e.code);
		n = (int)number(d, "SELECT count(*) FROM a");
		db_close(d);
		leave(n);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
set_mode(const char *path, const char *suffix, mode_t mode)
{
	char name[4200];

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (chown(name, (uid_t)-1, NOBODY) == -1 || chmod(name, mode) == -1)
		fail_msg("%s: %s", name, strerror(errno));
}

static void
t_read_only(void **state)
{
	char *path, *copy, *command = NULL;
	struct db *d;
	struct stat st;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	path = check_path(dir, "ro.db");
	copy = check_path(dir, "c.db");
	d = must_open(path, DB_WRITE, &one);
	must_do(d, "INSERT INTO a(t) VALUES('1')");
	set_mode(path, "", 0640);
	set_mode(path, "-wal", 0640);
	set_mode(path, "-shm", 0640);
	check_int("while a writer has it", as_nobody(path, &one), 1);
	must_do(d, "INSERT INTO a(t) VALUES('2')");
	check_int("the -wal is read", as_nobody(path, &one), 2);
	db_close(d);
	check_int("after it closed", as_nobody(path, &one), 2);
	check_int("older than we", as_nobody(path, &three), 2);
	/* Others than owner and group lose what somebody gave them. */
	set_mode(path, "", 07777);
	set_mode(path, "-shm", 0666);
	d = must_open(path, DB_WRITE, &one);
	must_do(d, "INSERT INTO a(t) VALUES('3')");
	check_int("opened again", as_nobody(path, &one), 3);
	check_int("stat", stat(path, &st), 0);
	check_int("mode", st.st_mode & 07777, 0640);
	db_close(d);
	if ((pid = fork()) == 0) {
		d = must_open(path, DB_WRITE, &one);
		must_do(d, "INSERT INTO a(t) VALUES('4')");
		leave(9); /* by exec: nothing is closed or tidied up */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	check_int("child", WEXITSTATUS(status), 9);
	check_int("after a writer died", as_nobody(path, &one), 4);
	d = must_open(path, DB_WRITE, &one);
	db_close(d);
	assert_true(asprintf(&command, "cp '%s' '%s'", path, copy) > 0);
	assert_int_equal(system(command), 0);
	set_mode(copy, "", 0644);
	check_int("a copy without -wal", as_nobody(copy, &one), 4);
	check_int("older than we", as_nobody(copy, &three), 4);
	set_mode(path, "", 0600);
	check_int("not allowed", as_nobody(path, &one), 100 + EX_NOPERM);
	/* What root makes belongs to whom the folder belongs to. */
	assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	free(path);
	path = check_path(dir, "own.db");
	d = must_open(path, DB_WRITE, &one);
	must_do(d, "INSERT INTO a(t) VALUES('1')");
	check_int("stat", stat(path, &st), 0);
	check_int("owner", st.st_uid, NOBODY);
	check_int("group", st.st_gid, NOBODY);
	check_int("its owner reads it", as_nobody(path, &one), 1);
	db_close(d);
	free(command);
	free(copy);
	free(path);
}

/* Many processes that make and migrate one file at the same moment. */
static void
t_race(void **state)
{
	char *path;
	struct err e = {0};
	struct db *d;
	int status, i, j;
	pid_t pid[8];

	(void)state;
	path = check_path(dir, "race.db");
	for (i = 0; i < (int)COUNT(pid); i++) {
		if ((pid[i] = fork()) != 0)
			continue;
		if ((d = db_open(path, DB_WRITE, &three, &e)) == NULL) {
			(void)fprintf(stderr, "# %d %s\n", e.code, e.text);
			leave(1);
		}
		for (j = 0; j < 20; j++)
			if (add(d, "x", &e) == -1)
				leave(2);
		db_close(d);
		leave(0);
	}
	for (i = 0; i < (int)COUNT(pid); i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		check_int("child", status, 0);
	}
	d = must_open(path, DB_READ, &three);
	check_int("rows", number(d, "SELECT count(*) FROM a"), 160);
	check_int("steps ran once", number(d, "SELECT n FROM b"), 8);
	db_close(d);
	free(path);
}

/* Somebody locks readers out, too: the wait has an end. */
static void
t_locked_out(void **state)
{
	char *path = check_path(dir, "locked.db");
	struct db *d = must_open(path, DB_WRITE, &one), *none;
	struct err e = {0};
	sqlite3 *raw;

	(void)state;
	db_close(d);
	assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
	assert_int_equal(sqlite3_exec(raw,
			     "PRAGMA locking_mode = exclusive; BEGIN IMMEDIATE;"
			     "INSERT INTO a(t) VALUES('x')",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	none = db_open(path, DB_WRITE, &one, &e);
	check_true("not opened", none == NULL);
	check_int("try again", e.code, EX_TEMPFAIL);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(t_versions, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_foreign, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_texts, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_members, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_transactions, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_read_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_race, setup, teardown),
	    cmocka_unit_test_setup_teardown(t_locked_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
