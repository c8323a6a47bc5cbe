#include "evidence_changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "err.h"
#include "mem.h"

#define GATEWAYS_MAX 10000000 /* their numbers come of one table */

/* What a gateway showed last: a result, its key and chain. */
struct shown {
	int64_t result, chain;
	char key[EVIDENCE_KEY];
};

static int
load_shown(struct db *db, int64_t result, struct shown *out, struct err *e)
{
	struct db_stmt *s = db_query(
	    db, "SELECT key, chain FROM result WHERE id = ?", DB_INT(result));
	int rv = db_step(s, e);

	*out = (struct shown){.result = result};
	if (rv == 1) {
		(void)snprintf(
		    out->key, sizeof(out->key), "%s", db_col_text(s, 0));
		out->chain = db_col_int(s, 1);
	}
	return db_done(s, rv);
}

struct changes {
	struct shown *known; /* by number of the gateway */
	size_t n, cap;
	evidence_change_fn *fn;
	void *arg;
	bool stopped;
};

static int
tell_change(struct db *db, struct changes *c, int64_t gateway, time_t when,
    const struct shown *is, struct err *e)
{
	const struct shown *was = &c->known[gateway];
	struct db_stmt *s = db_query(db,
	    "SELECT g.partner, g.nexthop, g.host, g.address,"
	    " (SELECT pem FROM chain WHERE id = ?2),"
	    " (SELECT pem FROM chain WHERE id = ?3)"
	    " FROM gateway g WHERE g.id = ?1",
	    DB_INT(gateway), DB_INT(was->chain), DB_INT(is->chain));
	int rv = db_step(s, e);

	if (rv == 1)
		c->stopped = !c->fn(&(struct evidence_change){.time = when,
					.partner = db_col_text(s, 0),
					.nexthop = db_col_text(s, 1),
					.host = db_col_text(s, 2),
					.address = db_col_text(s, 3),
					.fresh = *was->key == '\0',
					.key_was = was->key,
					.key = is->key,
					.chain_was = db_col_text(s, 4),
					.chain = db_col_text(s, 5)},
		    c->arg);
	return db_done(s, rv);
}

static int
take_shown(struct db *db, struct changes *c, struct db_stmt *row, struct err *e)
{
	const int64_t gateway = db_col_int(row, 0), result = db_col_int(row, 1);
	struct shown is, *was;

	if (gateway < 0 || gateway > GATEWAYS_MAX)
		return err_set(e, EX_DATAERR,
		    "evidence: a gateway has the number %lld",
		    (long long)gateway);
	while (c->n <= (size_t)gateway) {
		c->known = mem_grow(c->known, c->n, &c->cap, sizeof(*c->known));
		c->known[c->n++] = (struct shown){.result = -1};
	}
	was = &c->known[gateway];
	if (was->result == result)
		return 0;
	if (load_shown(db, result, &is, e) == -1)
		return -1;
	if (*is.key == '\0' ||
	    (is.chain == was->chain && strcmp(is.key, was->key) == 0)) {
		was->result = result;
		return 0;
	}
	if (tell_change(db, c, gateway, db_col_int(row, 2), &is, e) == -1)
		return -1;
	*was = is;
	return 0;
}

int
evidence_changes(struct evidence *v, const char *partner, time_t until,
    evidence_change_fn *fn, void *arg, struct err *e)
{
	struct changes c = {.fn = fn, .arg = arg};
	struct db_stmt *s;
	int rv = 0;

	if (v == NULL)
		return 0;
	s = db_query(v->db,
	    "SELECT gateway, result, first FROM probe WHERE first < ?2 AND"
	    " (?1 IS NULL OR gateway IN"
	    " (SELECT id FROM gateway WHERE partner = ?1)) ORDER BY id",
	    DB_TEXT_OR_NULL(partner), DB_INT(until));
	while (!c.stopped && (rv = db_step(s, e)) == 1)
		if ((rv = take_shown(v->db, &c, s, e)) == -1)
			break;
	free(c.known);
	return db_done(s, rv);
}
