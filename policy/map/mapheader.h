/*
 * mapheader.h: the record of policy.cdb that describes the file.
 *
 * Keys that begin with a space can be no domain, so Postfix never asks for
 * them. The header's value is `name=value` words.
 */
#ifndef MAPHEADER_H
#define MAPHEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct buf;

#define MAPHEADER_KEY " header"
#define MAPHEADER_FORMAT 1

struct mapheader {
	unsigned format;
	time_t time;	  /* when it was compiled */
	time_t expires;	  /* next time at which a row changes; 0: never */
	unsigned postfix; /* TARGET_VERSION it was made for */
	size_t partners, domains, enforced;
	size_t lowered;	   /* domains under a downgrade: they have records */
	char registry[65]; /* SHA-256 of the registry's files, hex */
};

/* Append the value for the header record. */
void mapheader_print(const struct mapheader *h, struct buf *out);

/* Read it back; false if it is not one of a format that we know. */
bool mapheader_parse(struct mapheader *h, const char *text, size_t len);

#endif
