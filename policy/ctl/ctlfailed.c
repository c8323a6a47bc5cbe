#include "ctlfailed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctlfacts.h"
#include "mem.h"

/* Did the mail go to one of the next-hops that were looked at? */
static bool
is_looked_at(const struct ctl_facts *f, const char *domain)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcasecmp(f->step[i].nexthop, domain) == 0)
			return true;
	return false;
}

/* Was none of the gateways that were looked at there by that name? */
static bool
is_new(const struct ctl_facts *f, const struct evidence_failure *x)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcasecmp(f->step[i].nexthop, x->domain) == 0 &&
		    strcasecmp(f->step[i].host, x->host) == 0)
			return false;
	return is_looked_at(f, x->domain);
}

/*
 * Of a sub-domain any next-hop will do, if the mail got that far: a name that
 * nobody has says nothing of those that were looked at.
 */
static bool
met(const struct ctl_facts *f, size_t i, const struct evidence_failure *x)
{
	const struct evidence_probe *p = &f->gateway[i].last;

	/* Without a host none was found: that holds against all of it. */
	return x->time > p->time &&
	       (*x->host == '\0' || strcasecmp(x->host, p->host) == 0) &&
	       (*x->address == '\0' || *p->address == '\0' ||
		   strcmp(x->address, p->address) == 0) &&
	       (strcasecmp(x->domain, p->nexthop) == 0 ||
		   (*x->host != '\0' && !is_looked_at(f, x->domain)));
}

/* Without TLS at a gateway that is new: the MX record may be another one. */
static bool
met_new(const struct ctl_facts *f, size_t i, const struct evidence_failure *x,
    enum fault fault)
{
	return x->time > f->gateway[i].last.time && *x->host != '\0' &&
	       strcasecmp(f->step[i].nexthop, x->domain) == 0 &&
	       fault_is_tls(fault) && fault_stops_mail(fault) && is_new(f, x);
}

static void
fail(struct ctl_facts *f, size_t i, const struct evidence_failure *x,
    enum fault fault, struct arena *a)
{
	struct evidence_gateway *g = &f->gateway[i];
	struct step_gateway *s = &f->step[i];
	char *text;

	text = mem_printf("%s by the look before", fault_text(s->fault));
	g->last.detail = arena_copy(a, text, strlen(text));
	free(text);
	g->last.fault = fault_text(fault);
	g->last.judged = EVIDENCE_FAILED;
	s->fault = fault;
	s->since = g->since = x->time;
	s->turns.on = g->turns.on = false;
	/* Which one was shown, no log tells. */
	s->key = "";
	f->basis[i] = CTL_BY_MAP;
}

/* Is it worse than what was seen, so that this does not hold any more? */
static bool
outweighs(const struct ctl_facts *f, size_t i, const struct evidence_failure *x,
    enum fault fault)
{
	const enum fault seen = f->step[i].fault;

	return x->time > f->changed && fault_is_tls(fault) &&
	       fault_stops_mail(fault) && fault != seen &&
	       fault_worse(seen, fault) == fault;
}

void
ctlfailed_take(struct ctl_facts *f, const struct evidence_failure *x,
    struct ctl_facts *first)
{
	enum fault fault;
	bool other;
	size_t i;

	if (x->direction != EVIDENCE_OUT ||
	    fault_parse(x->fault, &fault) == -1 || fault == FAULT_OK)
		return;
	for (i = 0; i < f->n; i++) {
		other = met_new(f, i, x, fault);
		if (!other && !met(f, i, x))
			continue;
		if (!other && *x->host != '\0' && outweighs(f, i, x, fault))
			fail(f, i, x, fault, &first->arena);
		else if (step_by_log(&f->step[i]) || fault == f->step[i].fault)
			continue; /* which says more, or no less */
		f->step[i].failed = x->time;
		f->step[i].failed_with = fault;
		f->step[i].failed_before = *x->host == '\0';
		f->step[i].failed_host =
		    other ? arena_copy(&first->arena, x->host, strlen(x->host))
			  : NULL;
	}
}
