/*
 * probewire.h: what the prober says to the recorder, in fixed words.
 *
 * The prober talks to strangers and may by now be one of them. So nothing that
 * it says is a verdict: it names targets by number, and hands over what the
 * network showed. A record is a netstring of netstrings, the first of which is
 * a letter; every field has a type and a bound.
 */
#ifndef PROBEWIRE_H
#define PROBEWIRE_H

#include <stddef.h>
#include <stdint.h>

#include "dname.h"
#include "fault.h"
#include "mxdns.h"
#include "starttls.h"
#include "x509.h"

struct buf;
struct err;

#define PROBEWIRE_MAX 524288 /* bytes of a record */
#define PROBEWIRE_DETAIL 2048
#define PROBEWIRE_ROWS 1000000 /* of all targets */

enum probewire_dnssec {
	PROBEWIRE_DNS_NONE, /* no look-up was needed */
	PROBEWIRE_DNS_INSECURE,
	PROBEWIRE_DNS_SECURE
};

/* Is there such a TXT record? */
enum probewire_text {
	PROBEWIRE_TEXT_UNKNOWN,
	PROBEWIRE_TEXT_NO,
	PROBEWIRE_TEXT_YES
};

enum probewire_kind {
	PROBEWIRE_ROW,	  /* a gateway of a target; rows count from 0 */
	PROBEWIRE_NONE,	  /* row: there is no way to it: fault, detail */
	PROBEWIRE_SEEN,	  /* what a session showed */
	PROBEWIRE_JUDGE,  /* row: that is what it showed */
	PROBEWIRE_TEXTS,  /* target: its TXT records */
	PROBEWIRE_ASKED,  /* target: there are no more rows of it */
	PROBEWIRE_UNABLE, /* it cannot look at all: code, detail */
};

/* What is not of its kind is zero. */
struct probewire {
	enum probewire_kind kind;
	uint32_t target, row;
	/* PROBEWIRE_ROW */
	char host[DNAME_MAX + 1]; /* a name, an address, or "" */
	char address[64];	  /* or "" */
	enum probewire_dnssec mx_dns, host_dns;
	char sni[DNAME_MAX + 1];
	char
	    domain[DNAME_MAX + 1]; /* that the next-hop is an alias of, or "" */
	enum fault fault;	   /* PROBEWIRE_ROW: of the TLSA records */
	struct x509_tlsa tlsa[MXDNS_MAX_TLSA]; /* data borrows from the text */
	size_t ntlsa;
	enum probewire_text mta_sts, tls_rpt; /* of MTA-STS, of TLS reports */
	int code;			      /* of sysexits(3) */
	/* PROBEWIRE_NONE, PROBEWIRE_UNABLE */
	char detail[PROBEWIRE_DETAIL]; /* fit to be shown */
	/* PROBEWIRE_SEEN: of it what proberun.h and judge.h need. */
	struct starttls_result seen;
};

/* Append the record to out. */
void probewire_put(struct buf *out, const struct probewire *w);

/*
 * Parse the payload of a record, len bytes at text. 0, and *w is to be
 * released; or -1 with *e set, which names the field that is wrong.
 */
int probewire_parse(
    struct probewire *w, const char *text, size_t len, struct err *e);

/* Let go of the chain. */
void probewire_release(struct probewire *w);

#endif
