/*
 * evidence_tables.h: SQL that a step of the ledger, where evidence once stood,
 * and one of the evidence have in common. Released: never changed.
 */
#ifndef EVIDENCE_TABLES_H
#define EVIDENCE_TABLES_H

#define EVIDENCE_CHAIN                  \
	"CREATE TABLE chain("           \
	" id INTEGER PRIMARY KEY,"      \
	" sha256 TEXT NOT NULL UNIQUE," \
	" pem TEXT NOT NULL"            \
	") STRICT;"

/* The first columns of gateway, and the last of its constraints. */
#define EVIDENCE_GATEWAY           \
	"CREATE TABLE gateway("    \
	" id INTEGER PRIMARY KEY," \
	" partner TEXT NOT NULL,"  \
	" nexthop TEXT NOT NULL,"  \
	" host TEXT NOT NULL,"     \
	" address TEXT NOT NULL,"  \
	" port INTEGER NOT NULL,"  \
	" last INTEGER NOT NULL,"  \
	" time INTEGER NOT NULL,"  \
	" fault TEXT NOT NULL,"    \
	" since INTEGER NOT NULL," \
	" run INTEGER NOT NULL,"   \
	" passed INTEGER,"
#define EVIDENCE_GATEWAY_END                             \
	" shown INTEGER,"                                \
	" UNIQUE(partner, nexthop, host, address, port)" \
	") STRICT;"

#define EVIDENCE_RESULT                \
	" fault TEXT NOT NULL,"        \
	" protocol TEXT NOT NULL,"     \
	" cipher TEXT NOT NULL,"       \
	" kex TEXT NOT NULL,"          \
	" not_after INTEGER NOT NULL," \
	" key TEXT NOT NULL,"

#define EVIDENCE_LOG_TABLES                                              \
	"CREATE TABLE log_count("                                        \
	" day TEXT NOT NULL,"                                            \
	" partner TEXT NOT NULL,"                                        \
	" direction INTEGER NOT NULL,"                                   \
	" seen INTEGER NOT NULL,"                                        \
	" protocol TEXT NOT NULL,"                                       \
	" cipher TEXT NOT NULL,"                                         \
	" result TEXT NOT NULL,"                                         \
	" n INTEGER NOT NULL,"                                           \
	" PRIMARY KEY(day, partner, direction, seen, protocol, cipher, " \
	"result)"                                                        \
	") STRICT, WITHOUT ROWID;"                                       \
	"CREATE TABLE failure("                                          \
	" id INTEGER PRIMARY KEY,"                                       \
	" time INTEGER NOT NULL,"                                        \
	" partner TEXT NOT NULL,"                                        \
	" direction INTEGER NOT NULL,"                                   \
	" fault TEXT NOT NULL,"                                          \
	" domain TEXT NOT NULL,"                                         \
	" host TEXT NOT NULL,"                                           \
	" address TEXT NOT NULL,"                                        \
	" queue_id TEXT NOT NULL,"                                       \
	" text TEXT NOT NULL"                                            \
	") STRICT;"                                                      \
	"CREATE INDEX failure_partner ON failure(partner, time);"        \
	"CREATE INDEX failure_time ON failure(time);"                    \
	"CREATE TABLE failure_sum("                                      \
	" day TEXT NOT NULL,"                                            \
	" partner TEXT NOT NULL,"                                        \
	" direction INTEGER NOT NULL,"                                   \
	" fault TEXT NOT NULL,"                                          \
	" n INTEGER NOT NULL,"                                           \
	" PRIMARY KEY(day, partner, direction, fault)"                   \
	") STRICT, WITHOUT ROWID;"                                       \
	"CREATE TABLE position("                                         \
	" device INTEGER NOT NULL,"                                      \
	" inode INTEGER NOT NULL,"                                       \
	" first TEXT NOT NULL,"                                          \
	" path TEXT NOT NULL,"                                           \
	" offset INTEGER NOT NULL,"                                      \
	" time INTEGER NOT NULL,"                                        \
	" PRIMARY KEY(device, inode, first)"                             \
	") STRICT, WITHOUT ROWID;"

/*
 * Drop what is left of them in the ledger, by the names that its last step
 * gave them. Two at once: the second finds nothing.
 */
#define EVIDENCE_DROP_OLD(db, e)                        \
	db_within(db, true, e,                          \
	    db_exec(db,                                 \
		"DROP TABLE IF EXISTS old_probe;"       \
		"DROP TABLE IF EXISTS old_gateway;"     \
		"DROP TABLE IF EXISTS old_chain;"       \
		"DROP TABLE IF EXISTS old_log_count;"   \
		"DROP TABLE IF EXISTS old_failure;"     \
		"DROP TABLE IF EXISTS old_failure_sum;" \
		"DROP TABLE IF EXISTS old_position",    \
		e))

#endif
