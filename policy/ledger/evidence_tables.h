/*
 * evidence_tables.h: the tables of what the mail log proved, which a step of
 * the ledger and one of the evidence have in common. Released: never changed.
 */
#ifndef EVIDENCE_TABLES_H
#define EVIDENCE_TABLES_H

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

#endif
