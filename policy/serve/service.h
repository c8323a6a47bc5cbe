/*
 * service.h: what tlspactd answers, behind lib/conn.h.
 *
 * Two protocols over one map: Postfix's policy delegation for mail that
 * comes in, and socketmap for the way out.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "conn.h"
#include "decide.h"
#include "failing.h"
#include "logline.h"
#include "lookup.h"
#include "naming.h"
#include "ours.h"
#include "clock.h"

struct buf;

#define SERVICE_SOCKETMAP_MAX 10000 /* bytes of a request's payload */
#define SERVICE_ANSWER_MAX 100000   /* the same of an answer: Postfix's limit */

enum service_kind { SERVICE_SOCKETMAP, SERVICE_POLICY, SERVICE_KINDS };

enum service_answer {
	SERVICE_OK,
	SERVICE_NOTFOUND,
	SERVICE_TEMP, /* our map is damaged; cannot be, after all checks */
	SERVICE_PERM, /* no request of socketmap_table(5) */
	SERVICE_ANSWERS,
};

struct service {
	/* Set by the owner, and changed between requests only. */
	struct lookup lookup;
	struct clock clock;
	const struct failing *failing; /* NULL: not known */
	enum verdict outbound_failing;
	const char *contact;
	struct ours ours;     /* as far as it is known */
	bool tls_seen;	      /* somebody used TLS since then */
	struct naming naming; /* of whom the map does not name */

	/* Counters. */
	uint64_t answers[SERVICE_ANSWERS];
	uint64_t verdicts[VERDICT_COUNT];
	uint64_t let_in; /* warned because of a downgrade */

	struct logline_limit limit[VERDICT_COUNT];
};

/* Fill in a protocol; s outlives it. */
void service_protocol(
    struct service *s, enum service_kind kind, struct conn_protocol *p);

#endif
