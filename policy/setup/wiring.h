/*
 * wiring.h: is Postfix set up so that the map is obeyed, both ways?
 *
 * Pure: what postconf(1), the map and the file system say comes in, faults
 * with their fixes come out.
 */
#ifndef WIRING_H
#define WIRING_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "mapraise.h"

struct buf;
struct cdbmap;
struct postconf;
struct target;

/* Parameters to be asked of postconf_read(), NULL-terminated. */
extern const char *const wiring_parameters[];

/* What the rows of a map ask of Postfix. */
struct map_facts {
	const char *path;	      /* of the map, as in the settings */
	const char *inbound_map;      /* and the table beside it */
	const char *ca_file;	      /* of the settings: what to propose */
	const char *policy_socket;    /* of the settings, and so is */
	const char *socketmap_socket; /* this */
	const char *fault;	      /* why it cannot be read, or NULL */
	size_t rows;
	size_t system_ca; /* secure rows that need smtp_tls_CAfile */
	size_t pinned;
	size_t dane;
	size_t may;	  /* `may` and `none`, but by no downgrade */
	size_t encrypt;	  /* the same of `encrypt` */
	size_t inbound;	  /* rows with a rule for mail from the domain */
	size_t ask_name;  /* of these, with a demand for a client's name */
	size_t ask_key;	  /* or for its key */
	unsigned postfix; /* TARGET_VERSION it was made for, 0: not said */
	char **tafile;	  /* each file once; owned */
	size_t ntafiles, tafile_cap;
	bool damaged;
	struct mapraised over; /* downgrades: over their end, and not yet */
};

/* Read the facts from a map, as of now; path, ca_file, the sockets and fault
 * are the caller's. */
void map_facts_read(struct map_facts *f, struct cdbmap *map, time_t now);

void map_facts_release(struct map_facts *f);

enum finding_kind {
	FINDING_FAULT, /* mail is not protected, or not delivered */
	FINDING_NOTE,  /* worth knowing */
};

struct finding {
	enum finding_kind kind;
	char *where; /* parameter, service or file */
	char *what;
	char *fix;
};

struct findings {
	struct finding *v;
	size_t n, cap;
	size_t faults;
};

/*
 * Tells why a file cannot be read: 0, or an errno. With owner, the name of
 * a user, it is that user who wants to read it, else root.
 */
typedef int readable_fn(const char *path, const char *owner);

/*
 * Judge the configuration; readable is asked for CA files, inside and
 * outside the chroot. The caller releases out.
 */
void wiring_check(const struct postconf *c, const struct map_facts *map,
    readable_fn *readable, struct findings *out);

void findings_release(struct findings *f);

/* One line of main.cf that wires tlspact in. */
struct wiring_line {
	const char *name;
	char *value;	  /* as it should be */
	const char *have; /* as it is, or NULL; borrowed */
	bool differs;
};

struct wiring_lines {
	struct wiring_line *v;
	size_t n, cap;
};

/*
 * The lines for both directions. c may be NULL (nothing is known); else what
 * is there and good enough is kept, and our entries go in front of lists.
 * The caller releases out.
 */
void wiring_want(const struct postconf *c, const struct map_facts *map,
    const struct target *target, struct wiring_lines *out);

void wiring_lines_release(struct wiring_lines *w);

#endif
