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

#define DB_TEXT_MAX 65536 /* bytes of a text, but for db_text_max() */
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
 * 66 if the file is missing or still empty, 65 if its version is older.
 *
 * Read permission on the file, its -wal and -shm is enough for DB_READ;
 * writers leave these two in place, with the mode of the file. If they are
 * not there and cannot be made, the file is read as one that nobody changes.
 */
struct db *db_open(const char *path, enum db_mode mode,
    const struct db_schema *schema, struct err *e);

/* NULL is well. What is not committed is rolled back. */
void db_close(struct db *d);

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

/*
 * A statement, which must be a string literal: it is kept under its address.
 * Never NULL: what is wrong is told by the first db_step(). To be given back
 * by db_done() or db_run().
 */
struct db_stmt *db_sql(struct db *d, const char *sql);

/* Bind the next parameter. NULL is stored as "" by db_text(). */
void db_text(struct db_stmt *s, const char *text);
void db_text_max(struct db_stmt *s, const char *text, size_t max);
void db_int(struct db_stmt *s, int64_t n);
void db_null(struct db_stmt *s);
/* A text, or NULL as SQL's NULL. */
void db_text_or_null(struct db_stmt *s, const char *text);

/* 1: there is a row; 0: no more; -1: failed, *e set. */
int db_step(struct db_stmt *s, struct err *e);

/* Columns of the row, from 0; borrowed until the next step. Never NULL. */
const char *db_col_text(struct db_stmt *s, int i);
const char *db_col_bytes(struct db_stmt *s, int i, size_t *len);
int64_t db_col_int(struct db_stmt *s, int i);

/* Give the statement back. */
void db_done(struct db_stmt *s);

/* Run a statement whose rows, if any, do not matter, and give it back. */
int db_run(struct db_stmt *s, struct err *e);

/* Run statements, a constant, whose rows do not matter. */
int db_exec(struct db *d, const char *sql, struct err *e);

/*
 * Let statements read another file, as "old", which is not locked by db_begin()
 * nor can be changed; until db_detach(). Outside of transactions.
 */
int db_attach(struct db *d, const char *path, struct err *e);
int db_detach(struct db *d, struct err *e);

/* Rows that the last INSERT, UPDATE or DELETE changed; its rowid. */
int64_t db_changes(struct db *d);
int64_t db_rowid(struct db *d);

#endif
