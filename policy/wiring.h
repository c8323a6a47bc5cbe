/*
 * wiring.h: is Postfix set up so that the map is obeyed? Outbound side.
 *
 * Pure: what postconf(1), the map and the file system say comes in, faults
 * with their fixes come out.
 */
#ifndef WIRING_H
#define WIRING_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct cdbmap;
struct postconf;
struct target;

/* Parameters to be asked of postconf_read(), NULL-terminated. */
extern const char *const wiring_parameters[];

/* What the rows of a map ask of Postfix. */
struct map_facts {
	const char *path;    /* of the map, as in the settings */
	const char *ca_file; /* of the settings: what to propose */
	const char *fault;   /* why it cannot be read, or NULL */
	size_t rows;
	size_t system_ca; /* secure rows that need smtp_tls_CAfile */
	size_t pinned;
	size_t dane;
	unsigned postfix; /* TARGET_VERSION it was made for, 0: not said */
	char **tafile;	  /* each file once; owned */
	size_t ntafiles, tafile_cap;
	bool damaged;
};

/* Read the facts from a map; path, ca_file, fault are the caller's. */
void map_facts_read(struct map_facts *f, struct cdbmap *map);

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

/*
 * Append the main.cf lines that wire the map in. c may be NULL; else tables
 * that are in smtp_tls_policy_maps already are kept behind ours.
 */
void wiring_print(const struct postconf *c, const char *map_path,
    const char *ca_file, const struct target *target, struct buf *out);

#endif
