/*
 * Probes: as many equal results in a row of a gateway and a day are one row;
 * the row of the gateway knows which of them matter most, so that questions
 * about now cost nothing however many there are.
 */
#include <string.h>
#include <sysexits.h>

#include "digest.h"
#include "err.h"
#include "evidence_impl.h"

/* The row of the chain, made if it is new; 0 if there is none. */
static int
add_chain(struct evidence *v, const char *pem, int64_t *id, struct err *e)
{
	struct digest *g;
	struct db_stmt *s;
	char hash[DIGEST_HEX];
	int rv;

	*id = 0;
	if (pem == NULL || *pem == '\0')
		return 0;
	g = digest_new();
	digest_add(g, pem, strlen(pem));
	digest_hex(g, hash);
	s = db_sql(v->db, "SELECT id FROM chain WHERE sha256 = ?");
	db_text(s, hash);
	if ((rv = db_step(s, e)) == 1)
		*id = db_col_int(s, 0);
	(void)db_done(s, 0);
	if (rv != 0)
		return rv == 1 ? 0 : -1;
	s = db_sql(v->db, "INSERT INTO chain(sha256, pem) VALUES(?, ?)");
	db_text(s, hash);
	db_text_max(s, pem, EVIDENCE_CHAIN_MAX);
	if (db_run(s, e) == -1)
		return -1;
	*id = db_rowid(v->db);
	return 0;
}

/* The row of the gateway, made if it is new. */
static int
add_gateway(struct evidence *v, const struct evidence_probe *p, int64_t *id,
    struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(v->db,
	    "SELECT id FROM gateway WHERE partner = ? AND nexthop = ?"
	    " AND host = ? AND address = ? AND port = ?");
	db_text(s, p->partner);
	db_text(s, p->nexthop);
	db_text(s, p->host);
	db_text(s, p->address);
	db_int(s, p->port);
	if ((rv = db_step(s, e)) == 1)
		*id = db_col_int(s, 0);
	(void)db_done(s, 0);
	if (rv != 0)
		return rv == 1 ? 0 : -1;
	s = db_sql(v->db,
	    "INSERT INTO gateway(partner, nexthop, host, address, port, last,"
	    " time, fault, since, run) VALUES(?, ?, ?, ?, ?, 0, -1, '', 0, 0)");
	db_text(s, p->partner);
	db_text(s, p->nexthop);
	db_text(s, p->host);
	db_text(s, p->address);
	db_int(s, p->port);
	if (db_run(s, e) == -1)
		return -1;
	*id = db_rowid(v->db);
	return 0;
}

static const char *const judged_name[] = {
    [EVIDENCE_FAILED] = "",
    [EVIDENCE_BY_NONE] = "none",
    [EVIDENCE_BY_CA] = "ca",
    [EVIDENCE_BY_DANE] = "dane",
    [EVIDENCE_BY_KEY] = "key",
};
#define JUDGED (sizeof(judged_name) / sizeof(judged_name[0]))

/* All that makes a result, as add_result() asks. */
static struct db_stmt *
with_result(struct evidence *v, const char *sql, const struct evidence_probe *p,
    int64_t chain)
{
	struct db_stmt *s = db_sql(v->db, sql);

	db_text(s, p->fault);
	db_text(s, p->protocol);
	db_text(s, p->cipher);
	db_text(s, p->kex);
	db_int(s, p->not_after);
	db_text(s, p->key);
	db_int(s, chain);
	db_text(s, judged_name[p->judged]);
	return s;
}

/* The number of the result, made if it is new. */
static int
add_result(struct evidence *v, const struct evidence_probe *p, int64_t chain,
    int64_t *id, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = with_result(v,
	    "SELECT id FROM result WHERE fault = ? AND protocol = ?"
	    " AND cipher = ? AND kex = ? AND not_after = ? AND key = ?"
	    " AND chain = ? AND judged = ?",
	    p, chain);
	if ((rv = db_step(s, e)) == 1)
		*id = db_col_int(s, 0);
	(void)db_done(s, 0);
	if (rv != 0)
		return rv == 1 ? 0 : -1;
	s = with_result(v,
	    "INSERT INTO result(fault, protocol, cipher, kex, not_after, key,"
	    " chain, judged) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	    p, chain);
	if (db_run(s, e) == -1)
		return -1;
	*id = db_rowid(v->db);
	return 0;
}

/* Count this look. */
static int
next_look(struct evidence *v, int64_t *look, struct err *e)
{
	struct db_stmt *s;
	int rv;

	if (db_run(db_sql(v->db, "UPDATE state SET looks = looks + 1"), e) ==
	    -1)
		return -1;
	s = db_sql(v->db, "SELECT looks FROM state");
	rv = db_step(s, e);
	*look = rv == 1 ? db_col_int(s, 0) : 0;
	return db_done(s, rv);
}

/* One more of the latest row, if it is of that result and day; else *row 0. */
static int
extend(struct evidence *v, int64_t gateway, int64_t result, int64_t look,
    const struct evidence_probe *p, int64_t *row, struct err *e)
{
	struct db_stmt *s;
	int rv;

	*row = 0;
	s = db_sql(v->db,
	    "SELECT p.id FROM gateway g JOIN probe p ON p.id = g.last"
	    " WHERE g.id = ?1 AND p.result = ?2 AND p.first <= ?3"
	    " AND p.first / 86400 = ?3 / 86400");
	db_int(s, gateway);
	db_int(s, result);
	db_int(s, p->time);
	if ((rv = db_step(s, e)) == 1)
		*row = db_col_int(s, 0);
	(void)db_done(s, 0);
	if (rv != 1)
		return rv;
	s = db_sql(v->db,
	    "UPDATE probe SET n = n + 1, look = ?2, time = max(time, ?3),"
	    " detail = CASE WHEN time <= ?3 THEN ?4 ELSE detail END"
	    " WHERE id = ?1");
	db_int(s, *row);
	db_int(s, look);
	db_int(s, p->time);
	db_text(s, p->detail);
	return db_run(s, e);
}

static int
add_row(struct evidence *v, int64_t gateway, int64_t result, int64_t look,
    const struct evidence_probe *p, int64_t *row, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(v->db,
	    "INSERT INTO probe(gateway, result, first, time, n, look, detail)"
	    " VALUES(?1, ?2, ?3, ?3, 1, ?4, ?5)");
	db_int(s, gateway);
	db_int(s, result);
	db_int(s, p->time);
	db_int(s, look);
	db_text(s, p->detail);
	if (db_run(s, e) == -1)
		return -1;
	*row = db_rowid(v->db);
	return 0;
}

/* A result older than the latest (two sweeps at once) changes nothing. */
static int
update_gateway(struct evidence *v, int64_t gateway, int64_t row, int64_t chain,
    const struct evidence_probe *p, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(v->db,
	    "UPDATE gateway SET last = ?2, time = ?3,"
	    " since = CASE WHEN fault = ?4 THEN since ELSE ?3 END,"
	    " run = CASE WHEN fault = ?4 THEN run + 1 ELSE 1 END,"
	    " passed = CASE WHEN ?5 THEN ?2 ELSE passed END,"
	    " vouched = CASE WHEN ?6 THEN ?2 ELSE vouched END,"
	    " shown = CASE WHEN ?7 THEN ?2 ELSE shown END,"
	    " fault = ?4 WHERE id = ?1 AND time <= ?3");
	db_int(s, gateway);
	db_int(s, row);
	db_int(s, p->time);
	db_text(s, p->fault);
	db_int(s, p->judged != EVIDENCE_FAILED);
	db_int(s,
	    p->judged > EVIDENCE_BY_NONE && p->key != NULL && *p->key != '\0');
	db_int(s, chain != 0);
	return db_run(s, e);
}

static int
add_probe(struct evidence *v, const struct evidence_probe *p, struct err *e)
{
	int64_t gateway, chain, result, look, row;

	if (add_gateway(v, p, &gateway, e) == -1 ||
	    add_chain(v, p->chain, &chain, e) == -1 ||
	    add_result(v, p, chain, &result, e) == -1 ||
	    next_look(v, &look, e) == -1 ||
	    extend(v, gateway, result, look, p, &row, e) == -1 ||
	    (row == 0 && add_row(v, gateway, result, look, p, &row, e) == -1))
		return -1;
	return update_gateway(v, gateway, row, chain, p, e);
}

int
evidence_probe_add(
    struct evidence *v, const struct evidence_probe *p, struct err *e)
{
	if (ledger_need_word("fault", p->fault, e) == -1 ||
	    ledger_need_hash("key", p->key, e) == -1 ||
	    ledger_need_time("time", p->time, e) == -1)
		return -1;
	if ((unsigned)p->judged >= JUDGED)
		return err_set(e, EX_SOFTWARE, "evidence: judged by nothing");
	if (p->port > 65535)
		return err_set(e, EX_DATAERR, "evidence: no port: %u", p->port);
	if (db_begin(v->db, false, e) == -1)
		return -1;
	return db_end(v->db, add_probe(v, p, e), e);
}

/* What get_probe() reads, in its order, and where from. */
#define PROBE_COLUMNS                                                          \
	"p.look, p.time, g.partner, g.nexthop, g.host, g.address, g.port,"     \
	" r.fault, r.protocol, r.cipher, r.kex, r.not_after, r.key, p.detail," \
	" r.judged, p.n, p.first"
#define PROBE_NCOLUMNS 17
#define PROBE_RESULT " JOIN result r ON r.id = p.result"

static enum evidence_judged
judged_of(const char *name)
{
	size_t i;

	for (i = 0; i < JUDGED; i++)
		if (strcmp(name, judged_name[i]) == 0)
			return (enum evidence_judged)i;
	return EVIDENCE_FAILED;
}

static void
get_probe(struct db_stmt *s, struct evidence_probe *p)
{
	*p = (struct evidence_probe){
	    .id = db_col_int(s, 0),
	    .time = db_col_int(s, 1),
	    .partner = db_col_text(s, 2),
	    .nexthop = db_col_text(s, 3),
	    .host = db_col_text(s, 4),
	    .address = db_col_text(s, 5),
	    .port = (unsigned)db_col_int(s, 6),
	    .fault = db_col_text(s, 7),
	    .protocol = db_col_text(s, 8),
	    .cipher = db_col_text(s, 9),
	    .kex = db_col_text(s, 10),
	    .not_after = db_col_int(s, 11),
	    .key = db_col_text(s, 12),
	    .chain = "",
	    .detail = db_col_text(s, 13),
	    .judged = judged_of(db_col_text(s, 14)),
	    .n = (uint64_t)db_col_int(s, 15),
	    .first = db_col_int(s, 16),
	};
}

int
evidence_gateways(struct evidence *v, const char *partner, time_t since,
    evidence_gateway_fn *fn, void *arg, struct err *e)
{
	struct evidence_gateway g;
	struct db_stmt *s;
	int rv;

	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT " PROBE_COLUMNS ", g.since, g.run, q.time, w.time,"
	    " y.key"
	    " FROM gateway g JOIN probe p ON p.id = g.last" PROBE_RESULT
	    " LEFT JOIN probe q ON q.id = g.passed"
	    " LEFT JOIN probe w ON w.id = g.vouched"
	    " LEFT JOIN result y ON y.id = w.result"
	    " WHERE (?1 IS NULL OR g.partner = ?1) AND g.time >= ?2"
	    " ORDER BY g.partner, g.nexthop, g.host, g.address, g.port");
	db_text_or_null(s, partner);
	db_int(s, since);
	while ((rv = db_step(s, e)) == 1) {
		get_probe(s, &g.last);
		g.since = db_col_int(s, PROBE_NCOLUMNS);
		g.run = (unsigned)db_col_int(s, PROBE_NCOLUMNS + 1);
		g.passed = db_col_int(s, PROBE_NCOLUMNS + 2);
		g.vouched = db_col_int(s, PROBE_NCOLUMNS + 3);
		g.key = db_col_text(s, PROBE_NCOLUMNS + 4);
		if (!fn(&g, arg))
			break;
	}
	return db_done(s, rv);
}

/* The rows of s, whose last column is the chain if with_chain. */
static int
each_probe(struct db_stmt *s, bool with_chain, evidence_probe_fn *fn, void *arg,
    struct err *e)
{
	struct evidence_probe p;
	int rv;

	while ((rv = db_step(s, e)) == 1) {
		get_probe(s, &p);
		if (with_chain)
			p.chain = db_col_text(s, PROBE_NCOLUMNS);
		if (!fn(&p, arg))
			break;
	}
	return db_done(s, rv);
}

int
evidence_probes(struct evidence *v, const char *partner, time_t since,
    evidence_probe_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *s;

	if (v == NULL)
		return 0;
	s = db_sql(v->db,
	    "SELECT " PROBE_COLUMNS " FROM gateway g"
	    " JOIN probe p ON p.gateway = g.id" PROBE_RESULT
	    " WHERE (?1 IS NULL OR g.partner = ?1) AND p.time >= ?2"
	    " ORDER BY p.time DESC, p.look DESC");
	db_text_or_null(s, partner);
	db_int(s, since);
	return each_probe(s, false, fn, arg, e);
}

int
evidence_chains(struct evidence *v, const char *partner, evidence_probe_fn *fn,
    void *arg, struct err *e)
{
	struct db_stmt *s;

	if (v == NULL)
		return 0;
	/* Beside max(), SQLite takes the columns of the row that has it. */
	s = db_sql(v->db,
	    "SELECT " PROBE_COLUMNS ", c.pem, max(p.time) FROM gateway g"
	    " JOIN probe p ON p.id = g.shown" PROBE_RESULT
	    " JOIN chain c ON c.id = r.chain"
	    " WHERE (?1 IS NULL OR g.partner = ?1)"
	    " GROUP BY g.partner, g.nexthop, g.host"
	    " ORDER BY g.partner, g.nexthop, g.host");
	db_text_or_null(s, partner);
	return each_probe(s, true, fn, arg, e);
}

int
evidence_passed_key(struct evidence *v, const char *partner, const char *host,
    char key[EVIDENCE_KEY], time_t *when, struct err *e)
{
	struct db_stmt *s;
	size_t len;
	int rv;

	key[0] = '\0';
	if (when != NULL)
		*when = 0;
	if (v == NULL)
		return 0;
	s = db_sql(v->db, "SELECT r.key, p.time FROM gateway g JOIN probe p"
			  " ON p.id = g.vouched" PROBE_RESULT
			  " WHERE g.partner = ? AND g.host = ?"
			  " ORDER BY p.time DESC, p.look DESC LIMIT 1");
	db_text(s, partner);
	db_text(s, host);
	if ((rv = db_step(s, e)) == 1) {
		len = strlen(db_col_text(s, 0));
		if (len == EVIDENCE_KEY - 1) {
			memcpy(key, db_col_text(s, 0), len + 1);
			if (when != NULL)
				*when = db_col_int(s, 1);
		}
	}
	return db_done(s, rv);
}
