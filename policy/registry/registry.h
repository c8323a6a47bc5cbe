/*
 * registry.h: the partner registry, tlspact-registry(5), as data.
 *
 * Loading reads files and says everything that is wrong with them; what
 * comes out is checked, complete (providers and defaults are filled in) and
 * is not changed any more.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "arena.h"
#include "dname.h"
#include "level.h"
#include "strmap.h"
#include "tlsversion.h"

struct diags;
struct err;

#define REGISTRY_FILE_MAX (1024u * 1024 * 1024) /* bytes of one file */
#define REGISTRY_NAME_MAX 63	 /* bytes of a partner's or provider's name */
#define REGISTRY_TEXT_MAX 1024	 /* bytes of note, ticket, contact, ... */
#define REGISTRY_LIST_MAX 100000 /* elements of a list */
#define REGISTRY_DEPTH_MAX 16	 /* includes inside includes */
#define REGISTRY_NONE UINT32_MAX

enum mode { MODE_OPPORTUNISTIC, MODE_ENFORCED };
enum verify { VERIFY_NAME, VERIFY_KEY, VERIFY_DANE, VERIFY_NONE };
enum common_name { COMMON_NAME_ANY, COMMON_NAME_GATEWAY };
enum ciphers { CIPHERS_MEDIUM, CIPHERS_HIGH };
enum inbound { INBOUND_OFF, INBOUND_WARN, INBOUND_REQUIRE };
enum inbound_verify { INBOUND_NONE, INBOUND_NAME, INBOUND_KEY };
enum inbound_action { ACTION_DEFER, ACTION_REJECT };
enum on_failure { ON_FAILURE_HOLD, ON_FAILURE_DROP };

/* A list of strings. */
struct strs {
	size_t n;
	const char *v[];
};

/*
 * What can be said of a partner, a provider, or by default. Partners that say
 * the same share one; what each mostly has of its own, gateways and contact,
 * then stands in struct partner and is NULL here.
 */
struct terms {
	uint32_t set;	 /* bit per attribute that was said */
	uint32_t source; /* of a partner: index into registry.source */
	uint8_t mode;	 /* enum mode, and so on below */
	uint8_t verify;
	uint8_t common_name;
	uint8_t min_tls; /* enum tls_version */
	uint8_t ciphers;
	uint8_t inbound;
	uint8_t inbound_verify;
	uint8_t inbound_action;
	uint8_t on_failure;
	uint8_t drop_to;	    /* enum level */
	uint32_t drop_count;	    /* failures ... */
	uint32_t drop_window;	    /* ... within seconds */
	uint32_t drop_for;	    /* seconds */
	const struct strs *gateway; /* names, .suffixes, and the three tokens */
	const struct strs *ca;	    /* absolute paths; empty: system */
	const struct strs *issuer;
	const struct strs *key; /* SPKI SHA-256: AA:BB:... */
	const char *contact;	/* NULL if not said, and so on below */
	const char *operator_;
	const char *ticket;
	const char *note;
	time_t review; /* first second of that day; 0 if not said */
};

/* There may be a million: kept small. */
struct partner {
	const char *name;
	const struct terms *terms;
	const struct strs *gateway;
	const char *contact; /* NULL if not said */
	uint32_t line;
	uint32_t provider; /* index, or REGISTRY_NONE */
	uint32_t first_domain;
	uint32_t ndomains : 30;
	uint32_t alabels : 1; /* a domain of its is internationalised */
	uint32_t at_home : 1; /* its gateways are below its first domains */
};

/* Domains that partner.at_home looks at. */
#define REGISTRY_NEAR 4

struct provider {
	const char *name;
	struct terms terms;
	uint32_t source;
	uint32_t line;
};

struct domain {
	const char *name; /* normal form, dname.h */
	uint32_t partner;
	uint32_t line;
};

/* A partner's word for its provider, until all providers are known. */
struct want {
	const char *name;
	uint32_t partner;
	uint32_t line;
};

/* A file of the registry. */
struct source {
	char *path;
	char id[44];	 /* device and inode */
	uint32_t parent; /* who includes it, or REGISTRY_NONE */
	uint32_t line;	 /* where */
};

struct registry {
	struct partner *partner;
	size_t npartners, partner_cap;
	struct domain *domain; /* those of a partner stand together */
	size_t ndomains, domain_cap;
	struct provider *provider;
	size_t nproviders, provider_cap;
	struct source *source;
	size_t nsources, source_cap;
	struct want *want;
	size_t nwants, want_cap;
	struct terms preset; /* the `default` statements */
	struct strmap partners, domains, providers, sources;
	uint32_t *partner_hash, *domain_hash; /* of the names, for these */
	size_t partner_hash_cap, domain_hash_cap;
	struct arena arena;
	/*
	 * SHA-256 in hex: of the file, or, where files are included, of the
	 * digests of all, each with a newline, in the order they end.
	 */
	char digest[65];
};

/*
 * Read the registry at path with all that it includes, at time now (for
 * overdue reviews). Complaints go to d, whose places borrow from the
 * registry: it must outlive d. Returns the registry, which is fit for use
 * only if d got no error; the caller frees it. NULL with *e set if the
 * first file cannot be read.
 */
struct registry *registry_load(
    const char *path, time_t now, struct diags *d, struct err *e);

/*
 * The same for who needs the rules alone: the partners' contact, operator,
 * ticket and note are then "" where they are said. They are what takes most
 * memory.
 */
struct registry *registry_load_rules(
    const char *path, time_t now, struct diags *d, struct err *e);

/* As registry_load(), for text in memory, which may not include files
 * (fuzzing). */
struct registry *registry_parse(const char *name, const char *text, size_t len,
    time_t now, struct diags *d);

/* Free r; NULL is well. */
void registry_free(struct registry *r);

/* The level of these terms if the mode is enforced. */
static inline enum level
terms_enforced_level(const struct terms *t)
{
	switch (t->verify) {
	case VERIFY_NONE:
		return LEVEL_ENCRYPT;
	case VERIFY_KEY:
		return LEVEL_KEY;
	default:
		return LEVEL_SECURE;
	}
}

/* The level that the partner has without any downgrade. */
static inline enum level
partner_level(const struct partner *p)
{
	return p->terms->mode == MODE_ENFORCED ? terms_enforced_level(p->terms)
					       : LEVEL_OPPORTUNISTIC;
}

/* A file of the registry, for messages. */
const char *registry_file(const struct registry *r, uint32_t source);

/* The one that the partner stands in. */
static inline const char *
partner_file(const struct registry *r, const struct partner *p)
{
	return registry_file(r, p->terms->source);
}

/* Index of the partner of that name or with that domain, or REGISTRY_NONE. */
uint32_t registry_find(const struct registry *r, const char *name_or_domain);

/*
 * The name that smtp(8) looks for when there is no row for this one: of
 * "x.a.b" that is ".a.b", of ".a.b" it is ".b"; NULL at the end.
 */
static inline const char *
registry_up(const char *name)
{
	return *name == '\0' ? NULL : strchr(name + 1, '.');
}

/*
 * Index of the partner with the nearest `.parent` of name, which is in normal
 * form, or REGISTRY_NONE.
 */
uint32_t registry_above(const struct registry *r, const char *name);

/*
 * Index of the partner whose rules mail to domain goes by, in any form: its
 * own, or the nearest above; or REGISTRY_NONE.
 */
uint32_t registry_covering(const struct registry *r, const char *domain);

/*
 * Index of the next domain up from name, from *at on (0 to begin with), or
 * REGISTRY_NONE: of "x.a.b" these are ".a.b", "a.b", ".b", "b"; of ".a.b"
 * also "a.b".
 */
uint32_t registry_parent(
    const struct registry *r, const char *name, size_t *at);

/*
 * The domains and next-hops of a partner (NULL: none), *n of them; the texts
 * are the registry's, the array is the caller's to free.
 */
const char **registry_domains(
    const struct registry *r, const struct partner *p, size_t *n);

#endif
