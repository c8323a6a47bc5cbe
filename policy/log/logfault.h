/*
 * logfault.h: the words of Postfix as a class of fault. Pure.
 */
#ifndef LOGFAULT_H
#define LOGFAULT_H

#include "fault.h"
#include "span.h"

/* What follows "certificate verification failed for PEER: ". */
enum fault logfault_verify(struct span why);

/*
 * The text behind a delivery's status, or behind `QUEUEID: `. FAULT_OK if
 * it is about neither TLS nor the way to the gateway, such as a reply to
 * RCPT. *vague (may be NULL) is set if an earlier line of the same process
 * may know better: "Server certificate not verified" has many causes.
 */
enum fault logfault_reason(struct span text, bool *vague);

/* What was unusable, see logtext_unusable(). */
enum fault logfault_unusable(struct span what);

/* OpenSSL's words in "warning: TLS library problem: ...". */
enum fault logfault_library(struct span text);

struct logtext_refusal;

/* FAULT_NO_STARTTLS if smtpd refused because there was no TLS, or OK. */
enum fault logfault_refusal(const struct logtext_refusal *r);

#endif
