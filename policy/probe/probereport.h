/*
 * probereport.h: results of probes as text. Pure: rows in, text out.
 *
 * All text from strangers was made fit to be shown before it came here; what
 * an output needs beyond that (labels, JSON) is done here.
 */
#ifndef PROBEREPORT_H
#define PROBEREPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "probeplan.h"
#include "proberun.h"

struct buf;
struct json_t;
struct probemoved;
struct proberefused;

struct probereport {
	struct proberow *const *row;
	size_t n;
	const struct probeplan *plan;
	/* As the evidence remembers them: see proberecord_seen(). */
	const struct evidence_probe *seen;
	size_t nseen;
	time_t now;
	unsigned warn_days;
	bool colour;
	bool verbose;
	bool kept; /* judged by a copy, as the registry of now is not taken */
	size_t columns;		 /* of a line; COLUMNS_ANY: a row is one line */
	int code;		 /* the exit code that tells what was found */
	struct json_t *entry;	 /* JSON: taken over, its member; NULL: none */
	struct json_t *messages; /* JSON: taken over, what was said so far */
	/* Judged as enforced: the host that looked; else NULL. */
	const char *helo;
	const struct probemoved *moved; /* then: proberecord_moved() */
	size_t nmoved;
	const struct proberefused
	    *refused; /* the same: proberecord_refused() */
	size_t nrefused;
	/* Who signs a letter, if it is an address; else, or NULL, the host. */
	const char *operator_;
};

/*
 * A form in which the rows are told: appends it, and returns the exit code,
 * which is another than r->code where a form has its own.
 */
struct probeform {
	int (*put)(const struct probereport *r, struct buf *out);
};

/* The rows of one partner, or of one stranger; zeroed before the first. */
struct probereport_group {
	const char *name;
	size_t begin, end;
	size_t failed, unknown; /* of them, as in struct probereport_sum */
};

/* The next one; false: there are no more. */
bool probereport_group(
    const struct probereport *r, struct probereport_group *g);

/* Is row i the same gateway again as another one before it in its group? */
bool probereport_repeats(
    const struct probereport *r, const struct probereport_group *g, size_t i);

/* What the rows say as a whole. */
struct probereport_sum {
	size_t gateways; /* rows */
	size_t failed;
	size_t not_asked; /* neither failed nor passed: proberun.h */
	size_t warned;	  /* passed, with something to look at */
	size_t unknown;	  /* of failed: the fault is ours */
	size_t partners, partners_failed;
	bool days_known;
	long min_days; /* the shortest life left */
};
void probereport_sum(const struct probereport *r, struct probereport_sum *out);

/* The table for people, and below it what is wrong in sentences. */
extern const struct probeform probereport_table;

/* A JSON document, tlspact.probe.v1. */
extern const struct probeform probereport_json;

/* How a row is called: the partner, or the stranger's next-hop. */
static inline const char *
probereport_name(const struct proberow *row)
{
	return row->target->partner == NULL ? row->target->nexthop
					    : row->target->name;
}

/* The gateway, or the next-hop if there is none. */
static inline const char *
probereport_gateway(const struct proberow *row)
{
	return row->seen.host[0] != '\0' ? row->seen.host
					 : row->target->nexthop;
}

/* Append "mx1.acme.example [192.0.2.1]", without an address if it has none. */
void probereport_place(const struct proberow *row, struct buf *out);

/* One certificate that was judged, and all that was said of it. */
struct probereport_rules {
	const char *partner;
	const char *what; /* a file, or a gateway and its address */
	const char *nexthop, *gateway; /* that the rules stood for, or NULL */
	enum fault fault;
	const char *detail;	     /* of a fault before the certificate */
	const struct certverdict *v; /* NULL: there was no certificate */
	bool alone;	    /* a file was judged: nothing offered TLS */
	bool opportunistic; /* the partner's mode: rules not in force */
	bool planned;	    /* no gateway of the partner, as far as is known */
	const char *provider; /* whom it has its rules from, or NULL */
};

/* A table of the rules, and the verdict in words; columns as above. */
void probereport_rules(const struct probereport_rules *r, bool colour,
    size_t columns, struct buf *out);

/* The same as an object for JSON; the caller owns it. */
struct json_t *probereport_rules_json(const struct probereport_rules *r);

#endif
