/*
 * db.h: one SQLite file whose schema has a version.
 *
 * Several processes may read and write at once (WAL). A handle belongs to
 * one thread and must not be carried over fork(2). Texts are stored as
 * UTF-8 without NUL, and values only ever reach SQL by binding.
 *
 * Root opens all files as the account whose folder it is (owned.h).
 *
 * Exit codes in *e: 65 a damaged file or a text that may not be stored, 66
 * no such file, 69 a newer schema, 74 disk full or read or write error, 75
 * locked by others for too long, 77 not allowed.
 */
#ifndef DB_H
#define DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct db;
struct db_stmt;

#define DB_TEXT_MAX 65536	     /* bytes of a text, unless said */
#define DB_ROW_MAX (4 * 1024 * 1024) /* bytes of a row */
#define DB_PATIENCE_MS 5000	     /* how long to wait for a lock */

struct db_schema {
	const char *noun;	 /* what the file is, for messages */
	int32_t application_id;	 /* so that no foreign file is written */
	const char *const *step; /* step[n]: SQL from version n to n + 1 */
	int version;		 /* number of steps */
	const char *writers;	 /* who brings it up to date, for messages */
};

enum db_mode { DB_READ, DB_WRITE };

/*
 * Open the file; schema is borrowed for as long. DB_WRITE creates it with
 * mode 0640, to which that of an old one is cut, and takes
 * it to the schema's version in one transaction. DB_READ changes nothing:
 * 66 if the file is missing or still empty. One of an older version is copied,
 * and the copy brought up to date and read, which stays as it is whatever
 * others write; 65 if there is no room for that.
 *
 * Read permission on the file, its -wal and -shm is enough for DB_READ;
 * writers leave these two in place, with the mode of the file. If they are
 * not there and cannot be made, the file is read as one that nobody changes.
 */
struct db *db_open(const char *path, enum db_mode mode,
    const struct db_schema *schema, struct err *e);

/* NULL is allowed. What is not committed is rolled back. */
void db_close(struct db *d);

/* Is what was opened so that it never shows what others write from now on? */
bool db_is_still(const struct db *d);

/* How long to wait for a lock from now on. */
void db_patience(struct db *d, int ms);

/*
 * What stands in the file beside the schema (a trigger, an index), or not as
 * the schema makes it: then once as foreign and once as gone. `table` is the
 * one that it belongs to. fn returns false to stop. 0 or -1.
 */
typedef bool db_foreign_fn(const char *type, const char *name,
    const char *table, bool gone, void *arg);
int db_foreign(struct db *d, db_foreign_fn *fn, void *arg, struct err *e);

/*
 * Begin a transaction that may write (BEGIN IMMEDIATE). synced: db_end()
 * returns only when it is on disk; else a power cut may lose it, kill -9 not.
 */
int db_begin(struct db *d, bool synced, struct err *e);

/* Begin a transaction that reads one state of the file throughout. */
int db_begin_read(struct db *d, struct err *e);

/*
 * End it: roll back if rv is -1, else commit. Returns rv, or -1 with *e set
 * if the commit failed, when nothing was changed.
 */
int db_end(struct db *d, int rv, struct err *e);

/* What the call returns, done within a transaction; -1 if that cannot begin. */
#define db_within(d, synced, e, call) \
	(db_begin(d, synced, e) == -1 ? -1 : db_end(d, call, e))

/*
 * A statement, which must be a string literal: it is kept under its address.
 * Never NULL: what is wrong is told by the first db_step(). To be given back
 * by db_done(), or by what says that it does.
 */
struct db_stmt *db_sql(struct db *d, const char *sql);

/* A value for a parameter. */
struct db_value {
	enum { DB_IS_INT, DB_IS_TEXT, DB_IS_TEXT_OR_NULL } is;
	const char *text;
	size_t max; /* bytes; a longer text is refused */
	int64_t n;
};
#define DB_INT(i) ((struct db_value){DB_IS_INT, .n = (i)})
#define DB_TEXT_UP_TO(t, m) \
	((struct db_value){DB_IS_TEXT, .text = (t), .max = (m)})
/* NULL is stored as "". */
#define DB_TEXT(t) DB_TEXT_UP_TO(t, DB_TEXT_MAX)
/* NULL is SQL's NULL. */
#define DB_TEXT_OR_NULL(t) \
	((struct db_value){DB_IS_TEXT_OR_NULL, .text = (t), .max = DB_TEXT_MAX})

/* Bind the next parameters, n of them. Returns s. */
struct db_stmt *db_bind(struct db_stmt *s, const struct db_value *v, size_t n);

/* The statement with these values bound. */
#define db_query(d, sql, ...)                                     \
	db_bind(db_sql(d, sql), (struct db_value[]){__VA_ARGS__}, \
	    sizeof((struct db_value[]){__VA_ARGS__}) /            \
		sizeof(struct db_value))

/* 1: there is a row; 0: no more; -1: failed, *e set. */
int db_step(struct db_stmt *s, struct err *e);

/* Columns of the row, from 0; borrowed until the next step. Never NULL. */
const char *db_col_name(struct db_stmt *s, int i); /* NULL after the last */
const char *db_col_text(struct db_stmt *s, int i);
const char *db_col_bytes(struct db_stmt *s, int i, size_t *len);
int64_t db_col_int(struct db_stmt *s, int i);

/*
 * Members of a struct that are the columns of a row, from 0, or the next
 * parameters: const char *, or integers of 4 or 8 bytes; {0} after the last.
 */
struct db_member {
	size_t at;
	size_t size; /* SIZE_MAX: a text */
};
#define DB_MEMBER(type, member)                                    \
	{                                                          \
		offsetof(type, member), DB_SIZE(((type){}).member) \
	}
#define DB_SIZE(x) _Generic((x), const char * : SIZE_MAX, default : sizeof(x))
struct db_value db_member(const struct db_member *m, const void *row);
struct db_stmt *db_bind_row(
    struct db_stmt *s, const struct db_member *m, const void *row);
void db_row(struct db_stmt *s, const struct db_member *m, void *row);

/* As db_step(), and read the row. */
int db_next(
    struct db_stmt *s, const struct db_member *m, void *row, struct err *e);

/* Give the statement back. Returns -1 if the last step did (rv), else 0. */
int db_done(struct db_stmt *s, int rv);

/* Run a statement whose rows, if any, do not matter, and give it back. */
int db_run(struct db_stmt *s, struct err *e);
#define db_do(d, e, sql, ...) db_run(db_query(d, sql, __VA_ARGS__), e)

/*
 * The number in the first row, and give the statement back. 1; 0 if there is
 * no row, *n is 0 then; or -1.
 */
int db_number(struct db_stmt *s, int64_t *n, struct err *e);
#define db_ask(d, e, n, sql, ...) db_number(db_query(d, sql, __VA_ARGS__), n, e)

/* All of them, the same. *v is allocated. 0 or -1. */
int db_numbers(struct db_stmt *s, int64_t **v, size_t *n, struct err *e);

/* Run statements, a constant, whose rows do not matter. */
int db_exec(struct db *d, const char *sql, struct err *e);

/*
 * Let statements read another file, as "old", which is not locked by db_begin()
 * nor can be changed, until "DETACH old". Outside of transactions.
 */
int db_attach(struct db *d, const char *path, struct err *e);

/* Rows that the last INSERT, UPDATE or DELETE changed; its rowid. */
int64_t db_changes(struct db *d);
int64_t db_rowid(struct db *d);

#endif
