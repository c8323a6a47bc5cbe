/*
 * The schema, a step for each version. A step that was released never
 * changes: what is new is a new step at the end.
 *
 * Words (faults, levels, kinds) are stored as text, times as seconds since
 * 1970, and STRICT tables keep other types out.
 */
#include "evidence_tables.h"
#include "ledger_impl.h"

/*
 * gateway.last, .passed and .shown are rows of probe: the latest, the last
 * that passed, the last that showed a chain. They are kept right by
 * evidence_probe.c, not by foreign keys, whose indexes would cost each probe.
 */
static const char probes[] =
    "CREATE TABLE chain("
    " id INTEGER PRIMARY KEY,"
    " sha256 TEXT NOT NULL UNIQUE,"
    " pem TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE gateway("
    " id INTEGER PRIMARY KEY,"
    " partner TEXT NOT NULL,"
    " nexthop TEXT NOT NULL,"
    " host TEXT NOT NULL,"
    " address TEXT NOT NULL,"
    " port INTEGER NOT NULL,"
    " last INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " fault TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " run INTEGER NOT NULL,"
    " passed INTEGER,"
    " shown INTEGER,"
    " UNIQUE(partner, nexthop, host, address, port)"
    ") STRICT;"
    "CREATE TABLE probe("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " gateway INTEGER NOT NULL REFERENCES gateway(id),"
    " time INTEGER NOT NULL,"
    " fault TEXT NOT NULL,"
    " protocol TEXT NOT NULL,"
    " cipher TEXT NOT NULL,"
    " kex TEXT NOT NULL,"
    " not_after INTEGER NOT NULL,"
    " key TEXT NOT NULL,"
    " chain INTEGER REFERENCES chain(id),"
    " detail TEXT NOT NULL,"
    " passed INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX probe_gateway ON probe(gateway, time);"
    "CREATE INDEX probe_time ON probe(time);"
    "CREATE INDEX probe_chain ON probe(chain) WHERE chain IS NOT NULL;";

static const char record[] =
    "CREATE TABLE downgrade("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " partner TEXT NOT NULL,"
    " before TEXT NOT NULL,"
    " after TEXT NOT NULL,"
    " begin INTEGER NOT NULL,"
    " end INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " ticket TEXT NOT NULL,"
    " author TEXT NOT NULL,"
    " sudo_user TEXT NOT NULL,"
    " cause TEXT NOT NULL,"
    " fault TEXT NOT NULL,"
    " keys TEXT NOT NULL,"
    " closed INTEGER NOT NULL DEFAULT 0,"
    " closed_by TEXT NOT NULL DEFAULT '',"
    " closed_why TEXT NOT NULL DEFAULT '',"
    " extended_by TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE UNIQUE INDEX downgrade_open ON downgrade(partner)"
    " WHERE closed = 0;"
    "CREATE INDEX downgrade_partner ON downgrade(partner, id);"
    "CREATE TABLE event("
    " seq INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " partner TEXT NOT NULL,"
    " author TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " data TEXT NOT NULL,"
    " downgrade INTEGER NOT NULL,"
    " prev TEXT NOT NULL,"
    " hash TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_partner ON event(partner, seq);"
    "CREATE INDEX event_downgrade ON event(downgrade, seq)"
    " WHERE downgrade > 0;"
    "CREATE TABLE head("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " count INTEGER NOT NULL,"
    " hash TEXT NOT NULL"
    ") STRICT;"
    "INSERT INTO head VALUES(1, 0, '');";

static const char evidence[] = EVIDENCE_LOG_TABLES
    "CREATE TABLE notice("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key TEXT NOT NULL UNIQUE,"
    " created INTEGER NOT NULL,"
    " not_before INTEGER NOT NULL,"
    " data TEXT NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0,"
    " sent INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    "CREATE INDEX notice_due ON notice(not_before) WHERE sent = 0;";

/* Names of the registry, one a line; "" in rows from before that. */
static const char domains[] =
    "ALTER TABLE downgrade ADD COLUMN domains TEXT NOT NULL DEFAULT '';";

/*
 * Evidence has a file of its own (evidence_take.c takes it there); a program of
 * the version before, still at work, shall not find these tables.
 */
static const char moved[] = "ALTER TABLE probe RENAME TO old_probe;"
			    "ALTER TABLE gateway RENAME TO old_gateway;"
			    "ALTER TABLE chain RENAME TO old_chain;"
			    "ALTER TABLE log_count RENAME TO old_log_count;"
			    "ALTER TABLE failure RENAME TO old_failure;"
			    "ALTER TABLE failure_sum RENAME TO old_failure_sum;"
			    "ALTER TABLE position RENAME TO old_position;";

static const char *const step[] = {probes, record, evidence, domains, moved};

const struct db_schema ledger_schema = {
    .noun = "ledger",
    .application_id = 0x746c7370, /* "tlsp" */
    .step = step,
    .version = sizeof(step) / sizeof(step[0]),
    .writers = "tlspact-compile, run by its owner or root",
};
