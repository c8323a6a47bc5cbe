/*
 * The schema, as in ledger_schema.c.
 */
#include "evidence_impl.h"
#include "evidence_tables.h"

/*
 * A result is what looks have in common; a row of probe is as many looks of a
 * gateway in a row, of one day, with the same result: `first` to `time`.
 * gateway.last, .passed, .vouched and .shown are rows of probe: the latest,
 * the last that passed, the last that passed by more than being encrypted, the
 * last that showed a chain. They are kept right by evidence_probe.c, not by
 * foreign keys, whose indexes would cost each probe.
 */
static const char probes[] =
    "CREATE TABLE state("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " looks INTEGER NOT NULL," /* so many were added */
    " taken INTEGER NOT NULL"  /* evidence_take.c */
    ") STRICT;"
    "INSERT INTO state VALUES(1, 0, 0);"
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
    " vouched INTEGER,"
    " shown INTEGER,"
    " UNIQUE(partner, nexthop, host, address, port)"
    ") STRICT;"
    "CREATE TABLE result("
    " id INTEGER PRIMARY KEY,"
    " fault TEXT NOT NULL,"
    " protocol TEXT NOT NULL,"
    " cipher TEXT NOT NULL,"
    " kex TEXT NOT NULL,"
    " not_after INTEGER NOT NULL,"
    " key TEXT NOT NULL,"
    " chain INTEGER NOT NULL," /* 0: none */
    " judged TEXT NOT NULL,"   /* ca, dane, key, none, or '': failed */
    " UNIQUE(key, chain, fault, judged, not_after, protocol, cipher, kex)"
    ") STRICT;"
    "CREATE TABLE probe("
    " id INTEGER PRIMARY KEY,"
    " gateway INTEGER NOT NULL REFERENCES gateway(id),"
    " result INTEGER NOT NULL,"
    " first INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " n INTEGER NOT NULL,"
    " look INTEGER NOT NULL," /* number of the last look */
    " detail TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX probe_time ON probe(time);";

static const char logged[] = EVIDENCE_LOG_TABLES;

static const char *const step[] = {probes, logged};

const struct db_schema evidence_schema = {
    .noun = "evidence",
    .application_id = 0x746c6576, /* "tlev" */
    .step = step,
    .version = sizeof(step) / sizeof(step[0]),
    .writers = EVIDENCE_WRITERS,
};
