#include "proberun.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "err.h"
#include "judge.h"
#include "mem.h"
#include "mxdns.h"
#include "probeplan.h"
#include "proberow.h"
#include "registry.h"
#include "starttls.h"
#include "sweep.h"

#define SESSION_STEPS 3 /* a whole session may take so many timeouts */
#define BURST 16	/* starts without a pause */
#define BUCKETS 4096	/* of sessions under way; a power of two */
#define KEY_MAX 384

/* A next-hop on its way through the DNS. */
struct ask {
	struct proberun *run;
	const struct probetarget *target;
	struct ask *next; /* all asks, until the end */
};

/* What a target finds at an address. */
struct view {
	struct view *next;
	struct proberow *row;
	char *domain; /* for `nexthop` */
	enum fault tlsa_fault;
	struct x509_tlsa *tlsa; /* followed by the data */
	size_t ntlsa;
};

/* One connection, for all views that would make the same. */
struct session {
	struct session *next; /* in the bucket */
	struct proberun *run;
	struct view *views;
	char key[KEY_MAX];
};

struct proberun {
	struct proberun_settings set;
	struct event_base *base;
	struct mxdns *dns;
	struct sweep *sweep;
	struct event *idle;
	struct starttls_ctx *ctx[PROBEPLAN_KINDS];
	struct proberow **row;
	size_t n, cap;
	size_t asking;
	size_t done, failed;
	struct ask *asks;
	struct session *bucket[BUCKETS];
	bool sorted;
};

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct proberun *p = arg;

	(void)fd;
	(void)what;
	if (p->asking == 0 && p->done == p->n && p->set.done != NULL)
		p->set.done(p->set.arg);
}

static void
check_idle(struct proberun *p)
{
	if (p->asking == 0 && p->done == p->n)
		event_active(p->idle, EV_TIMEOUT, 0);
}

static void
finish_row(struct proberun *p, struct proberow *row,
    const struct starttls_result *s, const struct judgement *j)
{
	row->time = p->set.now();
	p->done++;
	if (row->fault != FAULT_OK)
		p->failed++;
	if (p->set.result != NULL)
		p->set.result(row, s, j, p->set.arg);
}

static struct proberow *
add_row(struct proberun *p, const struct ask *a, const char *host,
    const char *address, unsigned port)
{
	struct proberow *row = proberow_new(a->target, host, address, port);

	p->row = mem_grow(p->row, p->n, &p->cap, sizeof(*p->row));
	row->order = p->n;
	p->row[p->n++] = row;
	p->sorted = false;
	return row;
}

/* --- Sessions --------------------------------------------------------- */

static struct session **
bucket_of(struct proberun *p, const char *key)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return &p->bucket[(h ^ h >> 16) & (BUCKETS - 1)];
}

static void
free_view(struct view *v)
{
	free(v->domain);
	free(v->tlsa);
	free(v);
}

static void
judge_view(struct proberun *p, struct view *v, const struct starttls_result *r)
{
	const struct probetarget *t = v->row->target;
	struct judge_gateway g = {
	    .terms = t->terms,
	    .gateway = t->gateway,
	    .level = t->level,
	    .nexthop = v->domain,
	    .host = v->row->host,
	    .tlsa = v->tlsa,
	    .ntlsa = v->ntlsa,
	    .tlsa_fault = v->tlsa_fault,
	    .warn_days = p->set.warn_days,
	    .at = p->set.now(),
	};
	static struct judgement j; /* large */
	struct err e = {0};
	int rv;

	if (p->set.last_key != NULL)
		g.last_key = p->set.last_key(t, v->row->host, p->set.arg);
	rv = judge_session(p->set.judge, &g, r, &j, &e);
	proberow_take(v->row, r, &j);
	if (rv == -1)
		proberow_say(v->row, "%s", e.text);
	finish_row(p, v->row, r, &j);
}

static void
on_session(const struct starttls_result *r, void *arg)
{
	struct session *s = arg, **at;
	struct proberun *p = s->run;
	struct view *v;

	for (at = bucket_of(p, s->key); *at != s; at = &(*at)->next)
		;
	*at = s->next;
	while ((v = s->views) != NULL) {
		s->views = v->next;
		judge_view(p, v, r);
		free_view(v);
	}
	free(s);
	check_idle(p);
}

static struct starttls_ctx *
get_ctx(struct proberun *p, unsigned kind, struct err *e)
{
	struct starttls_params params = {
	    .helo = p->set.helo,
	    .step_ms = p->set.timeout_ms,
	    .total_ms = SESSION_STEPS * p->set.timeout_ms,
	};

	if (p->ctx[kind] == NULL) {
		probeplan_params(kind, &params);
		p->ctx[kind] = starttls_ctx_new(&params, e);
	}
	return p->ctx[kind];
}

/* The session that v would make, joined if there is one already. */
static void
start(struct proberun *p, struct view *v, const struct mxdns_addr *addr)
{
	unsigned kind = probeplan_kind(v->row->target);
	struct session *s, **bucket;
	struct starttls_ctx *ctx;
	struct err e = {0};
	char key[KEY_MAX];

	if ((ctx = get_ctx(p, kind, &e)) == NULL) {
		v->row->fault = FAULT_LOCAL_ERROR;
		proberow_say(v->row, "%s", e.text);
		finish_row(p, v->row, NULL, NULL);
		free_view(v);
		return;
	}
	(void)snprintf(key, sizeof(key), "%s %u %u %s", v->row->address,
	    v->row->port, kind, v->row->sni == NULL ? "" : v->row->sni);
	bucket = bucket_of(p, key);
	for (s = *bucket; s != NULL && strcmp(s->key, key) != 0; s = s->next)
		;
	if (s == NULL) {
		s = mem_zero(1, sizeof(*s));
		s->run = p;
		memcpy(s->key, key, sizeof(s->key));
		s->next = *bucket;
		*bucket = s;
		sweep_add(p->sweep, ctx, (const struct sockaddr *)&addr->sa,
		    addr->len, v->row->sni, on_session, s);
	}
	v->next = s->views;
	s->views = v;
}

/* --- The way there ---------------------------------------------------- */

static void
copy_tlsa(struct view *v, const struct mxdns_host *h)
{
	size_t i, total = 0;
	unsigned char *data;

	for (i = 0; i < h->ntlsa; i++)
		total += h->tlsa_rr[i].len;
	v->tlsa = mem_zero(1, h->ntlsa * sizeof(*v->tlsa) + total + 1);
	v->ntlsa = h->ntlsa;
	data = (unsigned char *)(v->tlsa + h->ntlsa);
	for (i = 0; i < h->ntlsa; i++) {
		const struct mxdns_tlsa *t = &h->tlsa_rr[i];

		memcpy(data, t->data, t->len);
		v->tlsa[i] = (struct x509_tlsa){
		    t->usage, t->selector, t->matching, data, t->len};
		data += t->len;
	}
}

static bool
wants_tlsa(const struct proberun *p, const struct probetarget *t)
{
	if (t->level == LEVEL_OPPORTUNISTIC)
		return p->set.dane || t->terms->verify == VERIFY_DANE;
	return t->level == LEVEL_SECURE && t->terms->verify == VERIFY_DANE;
}

static enum proberow_dnssec
dnssec_of(const struct mxdns_answer *a)
{
	if (a->kind == MXDNS_NOT_ASKED)
		return PROBEROW_DNS_NONE;
	return a->secure ? PROBEROW_DNS_SECURE : PROBEROW_DNS_INSECURE;
}

static void
look_at(struct ask *a, const struct mxdns_result *r, const struct mxdns_host *h,
    const struct mxdns_addr *addr)
{
	const struct probetarget *t = a->target;
	struct view *v = mem_zero(1, sizeof(*v));
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memcpy(&v4, &addr->sa, sizeof(v4));
	memcpy(&v6, &addr->sa, sizeof(v6));
	if (addr->sa.ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
	else
		(void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
	v->row = add_row(a->run, a, h->name, text,
	    ntohs(addr->sa.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port));
	v->row->mx_dns = dnssec_of(&r->mx);
	v->row->host_dns =
	    dnssec_of(addr->sa.ss_family == AF_INET6 ? &h->aaaa : &h->a);
	v->domain = mem_dup(t->domain != NULL ? t->domain : r->domain);
	if (wants_tlsa(a->run, t)) {
		v->tlsa_fault = judge_tlsa(r, h);
		if (v->tlsa_fault == FAULT_OK) {
			copy_tlsa(v, h);
			/* As Postfix with dane; else it sends none. */
			v->row->sni = mem_dup(h->tlsa_base);
		}
		v->row->tlsa = v->ntlsa;
	}
	start(a->run, v, addr);
}

/* A target or host that has no address: one row for it. */
static void
no_way(struct ask *a, const struct mxdns_result *r, const struct mxdns_host *h,
    enum fault fault)
{
	const struct mxdns_answer *bad = &r->mx;
	struct proberow *row;

	row = add_row(a->run, a, h == NULL ? "" : h->name, "", r->port);
	row->mx_dns = dnssec_of(&r->mx);
	row->fault = fault;
	if (h != NULL)
		bad = h->a.kind > h->aaaa.kind ? &h->a : &h->aaaa;
	proberow_say(row, "%s%s (%s: %s%s%s)", fault_description(fault),
	    r->no_root ? " Not even for the root zone has the resolver an "
			 "answer that DNSSEC vouches for: see resolver and "
			 "trust_anchor in tlspact.conf."
		       : "",
	    h == NULL ? mxdns_status_name(r->status) : "addresses",
	    mxdns_kind_name(bad->kind), bad->why == NULL ? "" : ", ",
	    bad->why == NULL ? "" : bad->why);
	finish_row(a->run, row, NULL, NULL);
}

static void
on_mx(const struct mxdns_result *r, void *arg)
{
	struct ask *a = arg;
	struct proberun *p = a->run;
	enum fault fault = judge_mx(r);
	size_t i, k;

	p->asking--;
	if (fault != FAULT_OK && r->nhost == 0)
		no_way(a, r, NULL, fault);
	for (i = 0; i < r->nhost; i++) {
		const struct mxdns_host *h = &r->host[i];

		if ((fault = judge_host(r, h)) != FAULT_OK)
			no_way(a, r, h, fault);
		for (k = 0; k < h->naddr; k++)
			look_at(a, r, h, &h->addr[k]);
	}
	check_idle(p);
}

void
proberun_add(struct proberun *p, const struct probetarget *t)
{
	struct ask *a = mem_zero(1, sizeof(*a));

	a->run = p;
	a->target = t;
	a->next = p->asks;
	p->asks = a;
	p->asking++;
	(void)mxdns_lookup(
	    p->dns, t->nexthop, p->set.port, wants_tlsa(p, t), on_mx, a);
}

struct proberun *
proberun_new(
    struct event_base *base, const struct proberun_settings *set, struct err *e)
{
	struct mxdns_settings dns = {.resolver = set->resolver,
	    .trust_anchor = set->trust_anchor,
	    .timeout_ms = set->timeout_ms};
	struct sweep_limits limits = {.parallel = set->parallel,
	    .per_address = 1,
	    .per_second = set->per_second,
	    .burst = BURST};
	struct proberun *p = mem_zero(1, sizeof(*p));

	if (set->per_second > 0)
		limits.jitter_ms = 500 / set->per_second;
	p->base = base;
	p->set = *set;
	p->idle = event_new(base, -1, 0, on_idle, p);
	p->sweep = sweep_new(base, &limits, NULL, NULL);
	if ((p->dns = mxdns_new(base, &dns, e)) == NULL ||
	    get_ctx(p, 0, e) == NULL) {
		proberun_free(p);
		return NULL;
	}
	return p;
}

static int
by_order(const void *a, const void *b)
{
	const struct proberow *const *x = a, *const *y = b;

	if ((*x)->target != (*y)->target)
		return (*x)->target < (*y)->target ? -1 : 1;
	return (*x)->order < (*y)->order ? -1 : 1;
}

struct proberow *const *
proberun_rows(struct proberun *p, size_t *n)
{
	if (!p->sorted && p->n > 0)
		qsort(p->row, p->n, sizeof(*p->row), by_order);
	p->sorted = true;
	*n = p->n;
	return p->row;
}

void
proberun_progress(
    const struct proberun *p, size_t *found, size_t *done, size_t *failed)
{
	*found = p->n + p->asking;
	*done = p->done;
	*failed = p->failed;
}

void
proberun_free(struct proberun *p)
{
	struct session *s;
	struct view *v;
	struct ask *a;
	size_t i;

	if (p == NULL)
		return;
	sweep_free(p->sweep);
	mxdns_free(p->dns);
	event_free(p->idle);
	for (i = 0; i < BUCKETS; i++)
		while ((s = p->bucket[i]) != NULL) {
			p->bucket[i] = s->next;
			while ((v = s->views) != NULL) {
				s->views = v->next;
				free_view(v);
			}
			free(s);
		}
	while ((a = p->asks) != NULL) {
		p->asks = a->next;
		free(a);
	}
	for (i = 0; i < PROBEPLAN_KINDS; i++)
		starttls_ctx_free(p->ctx[i]);
	for (i = 0; i < p->n; i++)
		proberow_free(p->row[i]);
	free(p->row);
	free(p);
}
