#include "trace.h"

#include <stdlib.h>
#include <strings.h>

#include "mails.h"
#include "mem.h"
#include "registry.h"

/* --- Whose a host is ----------------------------------------------------- */

/* Is host the name, or below it if it begins with a dot, or if below is set? */
static bool
is_host(struct span host, const char *name, bool below)
{
	size_t n = strlen(name);

	if (host.n == n && strncasecmp(host.p, name, n) == 0)
		return *name != '.';
	if (host.n <= n || strncasecmp(host.p + host.n - n, name, n) != 0)
		return false;
	return *name == '.' || (below && host.p[host.n - n - 1] == '.');
}

static bool
is_one_of(struct span host, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_host(host, list[i], false))
			return true;
	return false;
}

/* A gateway list has tokens, too, which have no dot. */
static bool
is_gateway(struct span host, const struct strs *list)
{
	size_t i;

	for (i = 0; list != NULL && i < list->n; i++)
		if (strchr(list->v[i], '.') != NULL &&
		    is_host(host, list->v[i], false))
			return true;
	return false;
}

/* Hosts of the partner's domains are its own, and so is "[host]". */
static bool
is_in_domains(
    struct span host, const struct registry *r, const struct partner *p)
{
	struct nexthop to;
	const char *d;
	uint32_t i;
	bool bare;

	for (i = p->first_domain; i < p->first_domain + p->ndomains; i++) {
		d = r->domain[i].name;
		bare = dname_is_nexthop(d) && nexthop_parse(d, &to) == 0;
		if (is_host(host, bare ? to.name : d, !bare))
			return true;
	}
	return false;
}

static enum trace_party
party_of(const struct trace_ask *ask, struct span host)
{
	const struct partner *p = ask->partner;
	const struct attributes *provided;
	const char *name;

	if (host.n == 0)
		return TRACE_OTHER;
	if (host.p[host.n - 1] == '.')
		host.n--;
	if (is_one_of(host, ask->ours, ask->nours))
		return TRACE_OURS;
	if (p == NULL)
		return TRACE_OTHER;
	provided = registry_provider(ask->registry, p->provider, &name);
	if (is_one_of(host, ask->provider, ask->nprovider) ||
	    (provided != NULL && is_gateway(host, provided->gateway)))
		return TRACE_PROVIDER;
	return is_in_domains(host, ask->registry, p) ||
		       is_gateway(host, p->gateway)
		   ? TRACE_PARTNER
		   : TRACE_OTHER;
}

/* --- Whose a mail says it is --------------------------------------------- */

/* Behind the last @ of the last address in angles, or of the whole. */
static struct span
domain_of(struct span s)
{
	const char *at = s.n == 0 ? NULL : memrchr(s.p, '@', s.n);
	size_t n = 0;

	if (at == NULL)
		return (struct span){NULL, 0};
	s = span_skip(s, (size_t)(at + 1 - s.p));
	while (n < s.n && s.p[n] != '>' && s.p[n] != ' ' && s.p[n] != '\t' &&
	       s.p[n] != ',' && s.p[n] != '(')
		n++;
	s.n = n;
	return s;
}

static const struct partner *
by_address(const struct registry *r, struct span address)
{
	struct span domain = domain_of(address);
	char name[DNAME_MAX + 1];
	uint32_t i;

	if (domain.n == 0 || domain.n > DNAME_MAX)
		return NULL;
	span_keep(name, sizeof(name), domain);
	i = registry_covering(r, name);
	return i == REGISTRY_NONE ? NULL : &r->partner[i];
}

static const struct partner *
partner_of(const struct registry *r, const struct mail *m)
{
	const struct partner *p = by_address(r, m->sender);

	return p != NULL ? p : by_address(r, m->author);
}

/* --- One hop after the other --------------------------------------------- */

static enum leg
leg_of(const struct trace_hop *h)
{
	static const enum leg leg[][TRACE_PROVIDER + 1] = {
	    [TRACE_OTHER] = {LEG_NONE, LEG_NONE, LEG_NONE, LEG_NONE},
	    [TRACE_OURS] = {LEG_NONE, LEG_IN_OURS, LEG_FROM_US, LEG_FROM_US},
	    [TRACE_PARTNER] = {LEG_NONE, LEG_TO_US, LEG_IN_PARTNER,
		LEG_TO_PROVIDER},
	    [TRACE_PROVIDER] = {LEG_NONE, LEG_TO_US, LEG_FROM_PROVIDER,
		LEG_IN_PROVIDER},
	};

	/* Whom we had it from, we say only if we know. */
	if (!h->believed || h->field.tls == RECEIVED_LOCAL ||
	    (h->by == TRACE_OURS && !h->sure))
		return LEG_NONE;
	return leg[h->from][h->by];
}

static bool
is_address(struct span s)
{
	return s.n > 0 && (span_chr(s, ':') < s.n || *s.p == '[');
}

/* A filter that the same host runs calls that "localhost". */
static bool
is_localhost(struct span s)
{
	return s.n >= 9 && strncasecmp(s.p, "localhost", 9) == 0 &&
	       (s.n == 9 || s.p[9] == '.');
}

/*
 * Who sent and who wrote. `giver` is the party that the field above names:
 * Google's hosts write a bare address for themselves. local: it had the mail
 * from its own host.
 */
static void
name_parties(struct trace_hop *h, const struct trace_ask *ask,
    enum trace_party giver, bool newest, bool local)
{
	const struct received *r = &h->field;

	h->by = party_of(ask, r->by);
	if (h->by == TRACE_OTHER && !newest &&
	    (is_address(r->by) || (local && is_localhost(r->by))))
		h->by = giver;
	h->from = party_of(ask, r->name);
	h->sure = h->from != TRACE_OTHER;
	if (h->sure || r->name.n > 0)
		return;
	h->from = party_of(ask, r->greeting);
	h->sure = h->from != TRACE_OTHER && h->from == h->by &&
		  (r->within || (!r->looked && r->near));
}

static void
add_leg(struct trace *t, const struct trace_hop *h, time_t newest)
{
	static const int strength[] = {[RECEIVED_CLEAR] = 0,
	    [RECEIVED_UNKNOWN] = 1,
	    [RECEIVED_ENCRYPTED] = 2,
	    [RECEIVED_LOCAL] = 3};
	struct trace_leg *l = &t->leg[h->leg];

	if (l->n++ > 0 && strength[h->field.tls] >= strength[l->tls])
		return;
	l->tls = h->field.tls;
	l->protocol = h->field.protocol;
	l->time = h->field.time != 0 ? h->field.time : newest;
}

/* Seconds from each hop to the next, where both say when. */
static void
measure(struct trace *t)
{
	time_t before = 0;
	size_t i;

	for (i = t->n; i-- > 0;) {
		struct trace_hop *h = &t->hop[i];

		h->timed = h->field.time != 0 && before != 0;
		if (h->timed)
			h->delay = h->field.time - before;
		if (h->field.time != 0)
			before = h->field.time;
	}
}

void
trace_mail(struct trace *t, const struct mail *m, const struct trace_ask *ask)
{
	enum trace_party giver = TRACE_OTHER;
	struct trace_ask whose = *ask;
	bool believed = true, local = false;
	struct trace_hop *h;
	size_t i;

	if (whose.partner == NULL && ask->registry != NULL)
		whose.partner = partner_of(ask->registry, m);
	*t = (struct trace){
	    .partner = whose.partner, .hop = t->hop, .cap = t->cap, .n = m->n};
	if (m->n > 0)
		t->hop = mem_reserve(t->hop, 0, m->n, &t->cap, sizeof(*t->hop));
	for (i = 0; i < m->n; i++) {
		h = &t->hop[i];
		*h = (struct trace_hop){.leg = LEG_NONE};
		received_parse(m->received[i], &h->field);
		t->count[h->field.tls]++;
		/* qmail's own note: whoever wrote it wrote the next, too. */
		if (h->field.by.n == 0 && !h->field.broken) {
			h->believed = believed && i > 0;
			continue;
		}
		name_parties(h, &whose, giver, i == 0, local);
		h->believed = believed = believed && !h->field.broken &&
					 h->by != TRACE_OTHER &&
					 (i == 0 || h->by == giver);
		h->leg = leg_of(h);
		if (h->leg != LEG_NONE)
			add_leg(t, h, t->hop[0].field.time);
		local = h->field.tls == RECEIVED_LOCAL;
		if (local) {
			giver = h->by;
		} else {
			giver = h->from;
			believed = believed && h->sure;
		}
	}
	measure(t);
}

void
trace_free(struct trace *t)
{
	free(t->hop);
	*t = (struct trace){.hop = NULL};
}
