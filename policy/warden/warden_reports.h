/*
 * warden_reports.h: what probes showed of partners, from the evidence.
 */
#ifndef WARDEN_REPORTS_H
#define WARDEN_REPORTS_H

#include <stddef.h>
#include <time.h>

#include "arena.h"
#include "drop.h"

struct err;
struct warden_facts;

/* A report of each partner, with the gateways that the latest look met. */
struct warden_reports {
	struct drop_report *v;
	size_t n, cap;
	struct step_gateway *gateway; /* of all, one after the other */
	size_t ngateways, gateway_cap;
	struct arena arena;
};

/* Of one partner or all (NULL), leaving out results before `since`. */
int warden_reports(struct warden_facts *f, const char *partner, time_t since,
    struct warden_reports *out, struct err *e);
void warden_reports_release(struct warden_reports *r);

#endif
