/*
 * ledgerlab.h: what the tests of the ledger share.
 */
#ifndef LEDGERLAB_H
#define LEDGERLAB_H

#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "err.h"
#include "evidence_log.h"
#include "ledger.h"
#include "ledger_downgrade.h"

#define T0 1795435200 /* 2026-11-23T12:00:00Z */
#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2"

static char *dir;
static char *file; /* of the ledger */
static struct ledger *led;
static char *seen; /* of the evidence */
static struct evidence *evi;
static struct err err;

static inline struct ledger *
must_open(const char *path, enum ledger_mode mode)
{
	struct ledger *l = ledger_open(path, mode, &err);

	if (l == NULL)
		fail_msg("%s: %d %s", path, err.code, err.text);
	return l;
}

static inline struct evidence *
must_see(enum evidence_mode mode)
{
	struct evidence *v = evidence_open(seen, file, mode, &err);

	if (v == NULL)
		fail_msg("%s: %d %s", seen, err.code, err.text);
	return v;
}

static inline int
setup(void **state)
{
	(void)state;
	dir = check_folder();
	file = check_path(dir, "ledger.db");
	led = must_open(file, LEDGER_WRITE);
	seen = check_path(dir, "evidence.db");
	evi = must_see(EVIDENCE_WRITE);
	err = (struct err){0};
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	ledger_close(led);
	led = NULL;
	evidence_close(evi);
	evi = NULL;
	free(file);
	free(seen);
	check_folder_end(dir);
	return 0;
}

/* rv is 0, or the test fails and says why. */
#define well(row, call)                                                        \
	do {                                                                   \
		if ((call) != 0)                                               \
			fail_msg(                                              \
			    "[%s] %s: %d %s", row, #call, err.code, err.text); \
	} while (0)

/* Lines of text that the callbacks below gather. */
struct gathered {
	char text[8192];
	size_t n;
	size_t stop_at; /* after as many; 0: never */
};

static inline bool __attribute__((format(printf, 2, 3)))
gather(struct gathered *g, const char *fmt, ...)
{
	size_t len = strlen(g->text);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(g->text + len, sizeof(g->text) - len, fmt, ap);
	va_end(ap);
	g->n++;
	return g->n != g->stop_at;
}

static inline int
gather_row(void *arg, int n, char **col, char **name)
{
	int i;

	(void)name;
	for (i = 0; i < n; i++)
		(void)gather(arg, "%s%s", col[i], i + 1 < n ? " " : "\n");
	return 0;
}

/* What somebody with sqlite3(1) does, and sees: a line a row. */
static inline void
ask_by_hand(const char *path, const char *sql, struct gathered *g)
{
	char *text = NULL;
	sqlite3 *raw;

	if (sqlite3_open(path, &raw) != SQLITE_OK ||
	    sqlite3_busy_timeout(raw, 5000) != SQLITE_OK ||
	    sqlite3_exec(raw, sql, g == NULL ? NULL : gather_row, g, &text) !=
		SQLITE_OK)
		fail_msg("%s: %s", sql, text);
	sqlite3_close(raw);
}

static inline void
by_hand_in(const char *path, const char *sql)
{
	ask_by_hand(path, sql, NULL);
}

static inline void
by_hand(const char *sql)
{
	by_hand_in(file, sql);
}

#define PEM_A "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define PEM_B "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"

static inline int
probe(const char *partner, const char *host, time_t t, const char *fault,
    const char *key, const char *chain)
{
	struct evidence_probe p = {
	    .time = t,
	    .partner = partner,
	    .nexthop = "acme.example",
	    .host = host,
	    .address = "192.0.2.1",
	    .port = 25,
	    .fault = fault,
	    .protocol = "TLSv1.3",
	    .cipher = "TLS_AES_256_GCM_SHA384",
	    .kex = "X25519",
	    .not_after = T0 + 86400,
	    .key = key,
	    .chain = chain,
	    .judged =
		strcmp(fault, "ok") == 0 ? EVIDENCE_BY_CA : EVIDENCE_FAILED,
	};

	return evidence_probe_add(evi, &p, NULL, &err);
}

static const struct ledger_downgrade lowering = {
    .partner = "acme",
    .before = LEVEL_SECURE,
    .after = LEVEL_ENCRYPT,
    .begin = T0,
    .end = T0 + 3600,
    .reason = "expired certificate",
    .ticket = "4711",
    .author = "root",
    .sudo_user = "jo",
    .cause = LEDGER_MANUAL,
    .fault = "expired",
};

/* Begin it; its number. */
static inline int64_t
begun(const struct ledger_downgrade *d, time_t now)
{
	int64_t id;

	well("begin", ledger_downgrade_begin(led, d, now, &id, &err));
	return id;
}

static inline void
pin(struct ledger_downgrade *d)
{
	static const char *const keys[] = {KEY_A};

	d->after = LEVEL_KEY;
	d->keys = keys;
	d->nkeys = 1;
}

static inline bool
show_flaw(const struct ledger_flaw *f, void *arg)
{
	return gather(arg, "%s\n", f->text);
}

static inline int
add_event(const char *kind, const char *partner, const char *data, time_t t)
{
	return ledger_event_add(led,
	    &(struct ledger_event){.time = t,
		.kind = kind,
		.partner = partner,
		.author = "test",
		.text = "t",
		.data = data},
	    &err);
}

static inline void
check_finds(const char *row, const struct ledger_head *known, const char *sql,
    const char *want)
{
	struct gathered g = {0};
	struct ledger_head head;
	size_t flaws;

	if (sql != NULL)
		by_hand(sql);
	well(row, ledger_check(led, known, show_flaw, &g, &head, &flaws, &err));
	check_str(row, g.text, want);
	check_int(row, flaws, g.n);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
