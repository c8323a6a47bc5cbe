/*
 * Probes: every result is a row; the row of its gateway knows which results
 * matter most, so that questions about now cost nothing however many there
 * are.
 */
#include <string.h>
#include <sysexits.h>

#include "digest.h"
#include "err.h"
#include "ledger_impl.h"

/* The row of the chain, made if it is new; 0 if there is none. */
static int
add_chain(struct ledger *l, const char *pem, int64_t *id, struct err *e)
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
	s = db_sql(l->db, "SELECT id FROM chain WHERE sha256 = ?");
	db_text(s, hash);
	if ((rv = db_step(s, e)) == 1)
		*id = db_col_int(s, 0);
	db_done(s);
	if (rv != 0)
		return rv == 1 ? 0 : -1;
	s = db_sql(l->db, "INSERT INTO chain(sha256, pem) VALUES(?, ?)");
	db_text(s, hash);
	db_text_max(s, pem, LEDGER_CHAIN_MAX);
	if (db_run(s, e) == -1)
		return -1;
	*id = db_rowid(l->db);
	return 0;
}

/* The row of the gateway, made if it is new. */
static int
add_gateway(
    struct ledger *l, const struct ledger_probe *p, int64_t *id, struct err *e)
{
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db,
	    "SELECT id FROM gateway WHERE partner = ? AND nexthop = ?"
	    " AND host = ? AND address = ? AND port = ?");
	db_text(s, p->partner);
	db_text(s, p->nexthop);
	db_text(s, p->host);
	db_text(s, p->address);
	db_int(s, p->port);
	if ((rv = db_step(s, e)) == 1)
		*id = db_col_int(s, 0);
	db_done(s);
	if (rv != 0)
		return rv == 1 ? 0 : -1;
	s = db_sql(l->db,
	    "INSERT INTO gateway(partner, nexthop, host, address, port, last,"
	    " time, fault, since, run) VALUES(?, ?, ?, ?, ?, 0, -1, '', 0, 0)");
	db_text(s, p->partner);
	db_text(s, p->nexthop);
	db_text(s, p->host);
	db_text(s, p->address);
	db_int(s, p->port);
	if (db_run(s, e) == -1)
		return -1;
	*id = db_rowid(l->db);
	return 0;
}

/* A result older than the latest (two sweeps at once) changes nothing. */
static int
update_gateway(struct ledger *l, int64_t gateway, int64_t probe, int64_t chain,
    const struct ledger_probe *p, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(l->db,
	    "UPDATE gateway SET last = ?2, time = ?3,"
	    " since = CASE WHEN fault = ?4 THEN since ELSE ?3 END,"
	    " run = CASE WHEN fault = ?4 THEN run + 1 ELSE 1 END,"
	    " passed = CASE WHEN ?5 THEN ?2 ELSE passed END,"
	    " shown = CASE WHEN ?6 THEN ?2 ELSE shown END,"
	    " fault = ?4 WHERE id = ?1 AND time <= ?3");
	db_int(s, gateway);
	db_int(s, probe);
	db_int(s, p->time);
	db_text(s, p->fault);
	db_int(s, p->passed);
	db_int(s, chain != 0);
	return db_run(s, e);
}

static int
add_probe(struct ledger *l, const struct ledger_probe *p, struct err *e)
{
	int64_t gateway, chain;
	struct db_stmt *s;

	if (add_gateway(l, p, &gateway, e) == -1 ||
	    add_chain(l, p->chain, &chain, e) == -1)
		return -1;
	s = db_sql(l->db,
	    "INSERT INTO probe(gateway, time, fault, protocol, cipher, kex,"
	    " not_after, key, detail, passed, chain)"
	    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	db_int(s, gateway);
	db_int(s, p->time);
	db_text(s, p->fault);
	db_text(s, p->protocol);
	db_text(s, p->cipher);
	db_text(s, p->kex);
	db_int(s, p->not_after);
	db_text(s, p->key);
	db_text(s, p->detail);
	db_int(s, p->passed);
	if (chain == 0)
		db_null(s);
	else
		db_int(s, chain);
	if (db_run(s, e) == -1)
		return -1;
	return update_gateway(l, gateway, db_rowid(l->db), chain, p, e);
}

int
ledger_probe_add(struct ledger *l, const struct ledger_probe *p, struct err *e)
{
	if (ledger_need_word("fault", p->fault, e) == -1 ||
	    ledger_need_hash("key", p->key, e) == -1 ||
	    ledger_need_time("time", p->time, e) == -1)
		return -1;
	if (p->port > 65535)
		return err_set(e, EX_DATAERR, "ledger: no port: %u", p->port);
	if (db_begin(l->db, false, e) == -1)
		return -1;
	return db_end(l->db, add_probe(l, p, e), e);
}

/* What get_probe() reads, in its order, and where from. */
#define PROBE_COLUMNS                                                          \
	"p.id, p.time, g.partner, g.nexthop, g.host, g.address, g.port,"       \
	" p.fault, p.protocol, p.cipher, p.kex, p.not_after, p.key, p.detail," \
	" p.passed"
#define PROBE_NCOLUMNS 15

static void
get_probe(struct db_stmt *s, struct ledger_probe *p)
{
	*p = (struct ledger_probe){
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
	    .passed = db_col_int(s, 14) != 0,
	};
}

int
ledger_gateways(struct ledger *l, const char *partner, time_t since,
    ledger_gateway_fn *fn, void *arg, struct err *e)
{
	struct ledger_gateway g;
	struct db_stmt *s;
	int rv;

	s = db_sql(l->db,
	    "SELECT " PROBE_COLUMNS ", g.since, g.run, q.time, q.key"
	    " FROM gateway g JOIN probe p ON p.id = g.last"
	    " LEFT JOIN probe q ON q.id = g.passed"
	    " WHERE (?1 IS NULL OR g.partner = ?1) AND g.time >= ?2"
	    " ORDER BY g.partner, g.nexthop, g.host, g.address, g.port");
	db_text_or_null(s, partner);
	db_int(s, since);
	while ((rv = db_step(s, e)) == 1) {
		get_probe(s, &g.last);
		g.since = db_col_int(s, PROBE_NCOLUMNS);
		g.run = (unsigned)db_col_int(s, PROBE_NCOLUMNS + 1);
		g.passed = db_col_int(s, PROBE_NCOLUMNS + 2);
		g.key = db_col_text(s, PROBE_NCOLUMNS + 3);
		if (!fn(&g, arg))
			break;
	}
	db_done(s);
	return rv == -1 ? -1 : 0;
}

/* The rows of s, whose last column is the chain if with_chain. */
static int
each_probe(struct db_stmt *s, bool with_chain, ledger_probe_fn *fn, void *arg,
    struct err *e)
{
	struct ledger_probe p;
	int rv;

	while ((rv = db_step(s, e)) == 1) {
		get_probe(s, &p);
		if (with_chain)
			p.chain = db_col_text(s, PROBE_NCOLUMNS);
		if (!fn(&p, arg))
			break;
	}
	db_done(s);
	return rv == -1 ? -1 : 0;
}

int
ledger_probes(struct ledger *l, const char *partner, time_t since,
    ledger_probe_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *s;

	s = db_sql(l->db,
	    "SELECT " PROBE_COLUMNS " FROM gateway g"
	    " JOIN probe p ON p.gateway = g.id"
	    " WHERE (?1 IS NULL OR g.partner = ?1) AND p.time >= ?2"
	    " ORDER BY p.time DESC, p.id DESC");
	db_text_or_null(s, partner);
	db_int(s, since);
	return each_probe(s, false, fn, arg, e);
}

int
ledger_chains(struct ledger *l, const char *partner, ledger_probe_fn *fn,
    void *arg, struct err *e)
{
	struct db_stmt *s;

	/* Beside max(), SQLite takes the columns of the row that has it. */
	s = db_sql(l->db,
	    "SELECT " PROBE_COLUMNS ", c.pem, max(p.time) FROM gateway g"
	    " JOIN probe p ON p.id = g.shown JOIN chain c ON c.id = p.chain"
	    " WHERE (?1 IS NULL OR g.partner = ?1)"
	    " GROUP BY g.partner, g.nexthop, g.host"
	    " ORDER BY g.partner, g.nexthop, g.host");
	db_text_or_null(s, partner);
	return each_probe(s, true, fn, arg, e);
}

int
ledger_passed_key(struct ledger *l, const char *partner, const char *host,
    char key[LEDGER_HASH], time_t *when, struct err *e)
{
	struct db_stmt *s;
	size_t len;
	int rv;

	key[0] = '\0';
	if (when != NULL)
		*when = 0;
	s = db_sql(l->db,
	    "SELECT p.key, p.time FROM gateway g JOIN probe p"
	    " ON p.id = g.passed WHERE g.partner = ? AND g.host = ?"
	    " AND p.key != '' ORDER BY p.time DESC, p.id DESC LIMIT 1");
	db_text(s, partner);
	db_text(s, host);
	if ((rv = db_step(s, e)) == 1) {
		len = strlen(db_col_text(s, 0));
		if (len == LEDGER_HASH - 1) {
			memcpy(key, db_col_text(s, 0), len + 1);
			if (when != NULL)
				*when = db_col_int(s, 1);
		}
	}
	db_done(s);
	return rv == -1 ? -1 : 0;
}
