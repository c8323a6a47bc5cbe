/*
 * mapfacts.h: what the rows of a map ask of Postfix.
 */
#ifndef MAPFACTS_H
#define MAPFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "mapholds.h"

struct cdbmap;

struct map_facts {
	const char *path;	      /* of the map, as in the settings */
	const char *inbound_map;      /* and the table beside it */
	const char *requiretls_map;   /* and the other one */
	const char *ca_file;	      /* of the settings: what to propose */
	const char *policy_socket;    /* of the settings, and so is */
	const char *socketmap_socket; /* this */
	const char *fault;	      /* why it cannot be read, or NULL */
	size_t rows;
	size_t system_ca; /* secure rows that need smtp_tls_CAfile */
	size_t pinned;
	size_t dane;
	size_t may;	   /* `may` and `none`, but by no downgrade */
	size_t encrypt;	   /* the same of `encrypt` */
	size_t inbound;	   /* rows with a rule for mail from the domain */
	size_t ask_name;   /* of these, with a demand for a client's name */
	size_t ask_key;	   /* or for its key */
	size_t requiretls; /* domains with a word on REQUIRETLS */
	unsigned postfix;  /* TARGET_VERSION it was made for, 0: not said */
	char **tafile;	   /* each file once; owned */
	size_t ntafiles, tafile_cap;
	bool damaged;
	struct mapraised over; /* downgrades: over their end, and not yet */
};

/* Read the facts from a map, as of now; path, ca_file, the sockets and fault
 * are the caller's. */
void map_facts_read(struct map_facts *f, struct cdbmap *map, time_t now);

void map_facts_release(struct map_facts *f);

#endif
