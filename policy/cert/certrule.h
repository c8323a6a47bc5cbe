/*
 * certrule.h: a partner's certificate rules, applied to one chain.
 *
 * The verdict equals that of Postfix's delivery with the same CA, names and
 * level, with three documented exceptions, all of them stricter: the issuer
 * patterns, common-name=gateway, and that damaged or empty references match
 * nothing. Pure: data and a time in, verdict out.
 */
#ifndef CERTRULE_H
#define CERTRULE_H

#include "fault.h"
#include "x509.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum certrule_verify {
	CERTRULE_BY_NAME, /* CA and name: `secure` */
	CERTRULE_BY_KEY,  /* pinned keys: `fingerprint` */
	CERTRULE_BY_DANE, /* TLSA records: `dane-only` */
	CERTRULE_BY_NONE  /* `encrypt`: any certificate */
};

/* All is borrowed and optional; zero asks nothing, and a NULL list is empty. */
struct certrules {
	enum certrule_verify verify;
	/* host, .suffix, address, `nexthop`, `dot-nexthop`, `hostname` */
	const char *const *gateway;
	size_t ngateway;
	const char *nexthop;  /* A-labels, without brackets and port */
	const char *host;     /* of the MX, or the address text */
	const char *expanded; /* with BY_DANE: one more name of the next-hop */
	const struct x509_store *store;
	const char *ca_name; /* of store, for people; NULL: "the CA file" */
	const char *const *issuer; /* patterns; none: any issuer */
	size_t nissuer;
	bool cn_is_gateway;
	const char *const *pin; /* sha256 of key or certificate, hex, `:` */
	size_t npin;
	const char *last_key; /* SPKI sha256 that passed last, or NULL */
	const struct x509_tlsa *tlsa;
	size_t ntlsa;
	bool alone;	    /* from a file: no handshake has proved the key */
	unsigned warn_days; /* look-ahead, see certverdict.warning; 0: none */
	time_t at;
	bool local; /* times in words are, for people; else RFC 3339 */
};

enum certrule_id {
	CERTRULE_CA,	      /* leads to an accepted CA */
	CERTRULE_SELF_SIGNED, /* is not just signed by itself */
	CERTRULE_ISSUER,
	CERTRULE_VALIDITY,
	CERTRULE_AHEAD, /* will be valid for a while */
	CERTRULE_PURPOSE,
	CERTRULE_KEY_SIZE,
	CERTRULE_SIGNATURE,
	CERTRULE_NAME,
	CERTRULE_COMMON_NAME,
	CERTRULE_PIN,
	CERTRULE_TLSA,
	CERTRULE_LAST_KEY,
	CERTRULE_COUNT
};

enum certrule_state { CERTRULE_NOT_ASKED, CERTRULE_PASS, CERTRULE_FAIL };

#define CERTRULE_TEXT_MAX 768

struct certrule_result {
	enum certrule_state state;
	bool warning;			  /* does not decide, but look at it */
	enum fault fault;		  /* if it failed */
	char observed[CERTRULE_TEXT_MAX]; /* escaped, cut; may be "" */
	char sentence[CERTRULE_TEXT_MAX]; /* plain, one sentence */
};

enum certrule_key { CERTRULE_KEY_UNKNOWN, CERTRULE_KEY_SAME, CERTRULE_KEY_NEW };

struct certverdict {
	struct certrule_result rule[CERTRULE_COUNT];
	enum fault fault;      /* the worst of all; FAULT_OK: all well */
	bool delivers;	       /* Postfix would deliver, strict rules aside */
	bool warning;	       /* of any rule */
	enum certrule_key key; /* against last_key */
	enum level step;       /* lower than secure if that gets mail moving */
	bool days_known;       /* the end of life can be read */
	time_t begins;	/* of what ends first; 0: its end stops no mail */
	time_t ends;	/* the earliest in the chain, where that counts */
	long days_left; /* until then, whole days, negative after it */
	struct x509_info leaf;	  /* the certificate in words */
	char root[X509_TEXT_MAX]; /* CN of the CA its path ends at, or "" */
};

/*
 * Judge c by r. 0 with *out filled, or -1 with *err set if OpenSSL itself
 * failed, which says nothing about the certificate.
 */
int certrule_judge(STACK_OF(X509) * c, const struct certrules *r,
    struct certverdict *out, struct err *err);

/* Of each rule: its word, and its sentence if it is not asked, or passes. */
extern const struct certrule_words {
	const char *word; /* "ca", "name", "common-name", ... */
	const char *idle, *pass;
} certrule_words[CERTRULE_COUNT];

/* "pass", "fail", "not-asked". */
extern const char *const certrule_state_texts[];

#endif
