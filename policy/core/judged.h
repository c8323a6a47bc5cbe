/*
 * judged.h: how a gateway passed, for those who judge it and those who keep
 * that.
 */
#ifndef JUDGED_H
#define JUDGED_H

/* A pin may come of all but the first two. */
enum evidence_judged {
	EVIDENCE_FAILED,  /* it did not */
	EVIDENCE_BY_NONE, /* nothing was asked of the certificate */
	EVIDENCE_BY_CA,	  /* an accepted CA and name */
	EVIDENCE_BY_DANE, /* TLSA records */
	EVIDENCE_BY_KEY,  /* a pin of the registry */
};

#endif
