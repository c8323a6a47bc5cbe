/*
 * checkup.h: all that can be wrong on this gateway, as one list. Pure: facts
 * in, findings out, each with the command that comes next.
 *
 * What could not be looked at is a finding of its own, never a good one.
 */
#ifndef CHECKUP_H
#define CHECKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "ctlfacts.h"
#include "ctlwaiting.h"
#include "maprecord.h"

enum checkup_state {
	CHECKUP_OK,
	CHECKUP_UNKNOWN,
	CHECKUP_WARNING,
	CHECKUP_CRITICAL
};
#define CHECKUP_STATES (CHECKUP_CRITICAL + 1)

/* "ok", "not known", "warning", "critical". */
extern const char *const checkup_state_names[];

/* What is looked at, in the order in which it is told. */
enum checkup {
	CHECKUP_MAP,	      /* it is there, and as registry and ledger ask */
	CHECKUP_REGISTRY,     /* it can be used, and the map is made of it */
	CHECKUP_GUARD,	      /* max_weakened would let it through */
	CHECKUP_LOWERED,      /* nobody is */
	CHECKUP_GATEWAYS,     /* of enforced partners: they pass */
	CHECKUP_CERTIFICATES, /* none of theirs, or of ours, ends soon */
	CHECKUP_PROBES,	      /* all were looked at lately */
	CHECKUP_QUEUE,	      /* no mail waits for TLS */
	CHECKUP_INBOUND,      /* no mail from a partner is refused */
	CHECKUP_POSTFIX,      /* it reads the map, both ways */
	CHECKUP_DAEMON,	      /* tlspactd answers */
	CHECKUP_WARDEN,	      /* one runs */
	CHECKUP_LOG,	      /* the mail log is read */
	CHECKUP_RECORD,	      /* the ledger is there and whole */
	CHECKUP_NOTICES,      /* people are told */
	CHECKUP_DISK,	      /* there is room */
	CHECKUP_CLOCK,	      /* it is not behind what is on record */
	CHECKUPS
};

/* "map", "registry" ... */
extern const char *const checkup_names[];

/* Is somebody there? */
enum checkup_answer {
	CHECKUP_UNUSED, /* the settings want none */
	CHECKUP_ANSWERS,
	CHECKUP_SILENT,
	CHECKUP_HIDDEN, /* we may not ask */
};

#define CHECKUP_SOCKETS 2
#define CHECKUP_FILES 2

struct mapgone;
struct mapheirs;

struct checkup_facts {
	time_t now;
	/* As ctl_facts_all() has them. */
	const struct ctl_facts *partner;
	size_t npartners;
	uint64_t probe_every; /* seconds; 0: others see to it */
	/* The registry: its first error, or why it cannot be read; NULL. */
	const char *registry_fault;
	bool registry_hidden; /* we may not read it */
	size_t registry_errors;
	bool kept;	    /* partners go by the copy of the last good one */
	const char *digest; /* as in the header of a map; NULL */
	time_t registry_written;      /* its file, last; 0: not known */
	bool drops;		      /* a partner has on-failure=drop */
	const struct mapheirs *heirs; /* who may lack a former=; or NULL */
	/* The map. */
	const char *map_fault; /* why it cannot be read; NULL */
	bool map_hidden;       /* we may not */
	struct mapheader header;
	const char *beside; /* a table beside it that is not of it; or NULL */
	const struct mapgone *gone; /* who was in it lately; NULL: not known */
	/* The guard: why that is not known, or NULL. */
	const char *guard_fault;
	bool refused; /* it would not let the registry through */
	size_t lost, allowed;
	const char *lost_rows; /* the first ones named */
	/* "5 partners would be gone: a, b, c and 2 more", or weaker, by the
	 * copy of what is in force; NULL: none would. Are these more Enforced
	 * ones than a few? */
	const char *leaving;
	const char **leaver; /* all of them */
	size_t nleavers;
	bool leaving_many;
	/* Rows that the registry would change, the first ones named. */
	size_t changed;
	const char *changes;
	struct ctl_waiting waiting;
	/* Postfix: why it cannot be asked; else its faults. */
	const char *postfix_fault;
	char **postfix;
	size_t npostfix;
	const char *postfix_unasked; /* where a table sends mail is not known */
	/* The certificates that it shows. */
	struct checkup_own {
		const char *what;  /* "server certificate" */
		const char *name;  /* of the file */
		const char *fault; /* instead of dates; NULL */
		bool bad;	   /* then: it is at fault, not we */
		time_t begins, ends;
	} * own;
	size_t nown;
	/* tlspactd and its warden. */
	const char *asker; /* who asks it: "root" */
	struct checkup_socket {
		enum checkup_answer answer;
		const char *why; /* unless it answers */
		/* Why Postfix, which asks there, cannot; or NULL. */
		const char *barred;
	} socket[CHECKUP_SOCKETS];
	enum checkup_answer warden;
	/* The log: read up to then; written last, 0: not known. */
	const char *evidence_fault;
	time_t log_read, log_written;
	/* The record. */
	const char *ledger_fault;
	bool no_ledger; /* there is none yet */
	int64_t events;
	size_t flaws;
	const char *flaw; /* the first */
	size_t notices;	  /* that wait and failed before */
	time_t newest;	  /* of all that is on record; 0: nothing is */
	/* Ledger and evidence. */
	struct checkup_file {
		const char *path;
		uint64_t size, room; /* bytes, with what is beside it */
		bool known;
	} file[CHECKUP_FILES];
};

struct checkup_finding {
	enum checkup check;
	enum checkup_state state;
	const char *partner; /* NULL: it is not about one */
	/* Then: those that it is about, of map, registry and guard. */
	const char *const *partners;
	size_t npartners;
	char *text;
	char *next; /* the next command; NULL: nothing is to be done */
};

struct checkup_list {
	struct checkup_finding *v; /* by check; of each at least one */
	size_t n, cap;
	enum checkup_state state[CHECKUPS]; /* the worst of each */
	size_t count[CHECKUP_STATES];
};

/* Texts of partners are borrowed from the facts. The caller releases out. */
void checkup_all(const struct checkup_facts *f, struct checkup_list *out);

/*
 * When the first certificate of a gateway of p ends that stops mail; 0: none is
 * known, or p has no agreement that it would break.
 */
time_t checkup_first_end(const struct ctl_facts *p, time_t now);

/* When the first of ours ends; 0: none has an end that is known. */
time_t checkup_own_end(const struct checkup_facts *f);

/* The worst of all. */
enum checkup_state checkup_worst(const struct checkup_list *l);

void checkup_release(struct checkup_list *l);

#endif
