/*
 * registry_own.h: what a registry is made of, for those who make one:
 * registry.c, and registry_keep.c, which joins two.
 */
#ifndef REGISTRY_OWN_H
#define REGISTRY_OWN_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "attributes.h"
#include "digest.h"
#include "strmap.h"

struct provider {
	const char *name;
	struct attributes attributes;
	uint32_t source;
	uint32_t line;
};

/* A partner's word for its provider, until all providers are known. */
struct want {
	const char *name;
	uint32_t partner;
	uint32_t line;
};

/* A file of the registry. What it says stays where it stands in the text. */
struct source {
	char *path;
	char *text;
	char id[44]; /* device and inode */
	char digest[DIGEST_HEX];
	uint32_t parent; /* who includes it, or REGISTRY_NONE */
	uint32_t line;	 /* where */
};

struct registry_own {
	size_t partner_cap, domain_cap;
	struct provider *provider;
	size_t nproviders, provider_cap;
	struct source *source;
	size_t source_cap;
	struct want *want;
	size_t nwants, want_cap;
	const struct attributes *last; /* of the partner before */
	struct strmap partners, domains, providers, sources;
	struct arena arena;
	struct registry *joined; /* whose partners these are, too; or NULL */
};

#endif
