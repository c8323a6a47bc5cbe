/*
 * around.h: does what tlspact's own programs need work on this machine: a log
 * that they may read, mail and flush, registry and CA files, a resolver?
 *
 * What they depend on is asked as the accounts that they run as.
 */
#ifndef AROUND_H
#define AROUND_H

#include <stdbool.h>
#include <stddef.h>

#include "logjournal.h"

struct findings;
struct map_facts;
struct postconf;
struct settings;

enum around_dns {
	AROUND_DNS_UNASKED, /* without a trust anchor */
	AROUND_DNS_GOOD,    /* what the signed root says is proven */
	AROUND_DNS_HIDDEN,  /* it is not: signatures are stripped, or wrong */
	AROUND_DNS_SILENT
};

#define AROUND_USERS 3

/* An account of the settings; its name is empty: who we are. */
struct around_user {
	const char *setting, *name;
	bool missing; /* there is none of that name */
};

/* A file, and why that account cannot open it (errno). */
struct around_file {
	char *path;
	const char *user;
	const char *what; /* "the registry", "the CA file" */
	int error;
};

struct around {
	/* service_user, log_user, probe_user. */
	struct around_user user[AROUND_USERS];
	bool unasked;	      /* we may not become them: nothing is known */
	const char *mail_log; /* of the settings */
	int log;	      /* errno as log_user opens it, or 0 */
	enum logjournal_look journal, all; /* for log_user, and for us */
	time_t log_written;		   /* the last write to the file */
	time_t logged;		 /* the last line of Postfix in the journal */
	int sendmail, postqueue; /* errno as service_user runs them, or 0 */
	const char *sendmail_path;
	char *postqueue_path;
	struct around_file *file; /* that cannot be read */
	size_t nfiles, file_cap;
	enum around_dns dns;
	char *dns_why; /* or NULL */
	const char *resolver;
	/* Postfix's own resolver, if that matters: it sets no AD. */
	bool unvouched;
	size_t dane; /* rows that need it */
	/* The value of a table for a key: 1 there is one, 0 none, -1 unknown */
	int (*lookup)(const char *table, const char *key);
};

/*
 * Ask the machine, and judge it; findings are added to out. Starts processes,
 * and for the resolver waits up to AROUND_DNS_MS.
 */
#define AROUND_DNS_MS 10000
void around_check(const struct settings *s, const struct postconf *c,
    const struct map_facts *map, struct findings *out);

/* The judgement alone, pure: for tests. */
void around_judge(
    const struct around *a, const struct postconf *c, struct findings *out);

#endif
