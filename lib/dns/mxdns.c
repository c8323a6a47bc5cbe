#include "mxdns.h"

#include "arena.h"
#include "err.h"
#include "mem.h"
#include "mxdns_answer.h"
#include "nexthop.h"
#include "quote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>
#include <unbound.h>

#define CLASS_IN 1

/* One question under way. */
struct ask {
	struct ask *next, *prev; /* all of the resolver's */
	struct mxdns *dns;
	struct mxdns_query *query; /* NULL once nobody wants the answer */
	struct mxdns_host *host;   /* whose record; NULL for the MX */
	int type;
	int id;
};

struct mxdns_query {
	struct mxdns_query *next, *prev; /* all of the resolver's */
	struct mxdns *dns;
	struct event *timer; /* the time limit; at once if there is nothing */
	bool begun;	     /* to ask; the others wait their turn */
	bool want_tlsa;
	unsigned pending; /* questions under way */
	struct mxdns_answer root;
	struct nexthop where;
	struct mxdns_result res;
	struct arena mem;
	mxdns_cb *cb;
	void *arg;
};

struct mxdns {
	struct event_base *base;
	struct ub_ctx *ub;
	struct event *event;
	unsigned timeout_ms;
	bool anchored;	  /* there is a trust anchor */
	unsigned running; /* queries that have begun */
	size_t nask;
	struct ask *asks;
	struct mxdns_query *first, *last; /* in order of arrival */
};

static void begin_waiting(struct mxdns *d);

/* The list of questions, and the event that is set while it is not empty. */
static void
ask_free(struct ask *k)
{
	struct mxdns *d = k->dns;

	if (k->next != NULL)
		k->next->prev = k->prev;
	if (k->prev != NULL)
		k->prev->next = k->next;
	else
		d->asks = k->next;
	if (--d->nask == 0)
		(void)event_del(d->event);
	free(k);
}

static void on_answer(void *arg, int err, struct ub_result *r);

static struct mxdns_answer *
answer_of(struct mxdns_query *q, struct mxdns_host *h, int type)
{
	switch (type) {
	case MXDNS_TYPE_A:
		return &h->a;
	case MXDNS_TYPE_AAAA:
		return &h->aaaa;
	case MXDNS_TYPE_TLSA:
		return &h->tlsa;
	case MXDNS_TYPE_NS:
		return &q->root;
	default:
		return &q->res.mx;
	}
}

/* Ask. What cannot even be asked counts as answered badly. */
static void
ask(struct mxdns_query *q, struct mxdns_host *h, int type, const char *name)
{
	struct mxdns *d = q->dns;
	struct mxdns_answer *a = answer_of(q, h, type);
	struct ask *k = mem_zero(1, sizeof(*k));
	int rc;

	k->dns = d;
	k->query = q;
	k->host = h;
	k->type = type;
	k->next = d->asks;
	if (d->asks != NULL)
		d->asks->prev = k;
	d->asks = k;
	if (d->nask++ == 0)
		(void)event_add(d->event, NULL);
	rc =
	    ub_resolve_async(d->ub, name, type, CLASS_IN, k, on_answer, &k->id);
	if (rc != 0) {
		a->kind = MXDNS_BROKEN;
		a->why = mxdns_keep_text(&q->mem, ub_strerror(rc));
		ask_free(k);
		return;
	}
	a->kind = MXDNS_TIMEOUT; /* until there is an answer */
	q->pending++;
}

static void
query_free(struct mxdns_query *q)
{
	struct mxdns *d = q->dns;
	struct ask *k, *next;

	for (k = d->asks; k != NULL; k = next) {
		next = k->next;
		if (k->query != q)
			continue;
		/* If it cannot be called back, the answer will still come. */
		k->query = NULL;
		if (ub_cancel(d->ub, k->id) == 0)
			ask_free(k);
	}
	if (q->next != NULL)
		q->next->prev = q->prev;
	else
		d->last = q->prev;
	if (q->prev != NULL)
		q->prev->next = q->next;
	else
		d->first = q->next;
	if (q->begun)
		d->running--;
	event_free(q->timer);
	arena_free(&q->mem);
	free(q);
}

void
mxdns_cancel(struct mxdns_query *q)
{
	struct mxdns *d = q->dns;

	query_free(q);
	begin_waiting(d);
}

static bool
is_failure(enum mxdns_kind k)
{
	return k == MXDNS_SERVFAIL || k == MXDNS_BOGUS || k == MXDNS_TIMEOUT ||
	       k == MXDNS_BROKEN;
}

static enum mxdns_status
judge_status(const struct mxdns_query *q)
{
	const struct mxdns_result *r = &q->res;
	bool failed = is_failure(r->mx.kind), gone = r->nhost == 1;
	size_t i;

	for (i = 0; i < r->nhost; i++) {
		const struct mxdns_host *h = &r->host[i];

		if (h->naddr > 0)
			return MXDNS_OK;
		if (is_failure(h->a.kind) || is_failure(h->aaaa.kind))
			failed = true;
		if (h->a.kind != MXDNS_NO_NAME)
			gone = false;
	}
	if (failed)
		return MXDNS_FAILED;
	if (r->mx.kind == MXDNS_NO_NAME || (q->where.direct && gone))
		return MXDNS_NO_DOMAIN;
	return MXDNS_NO_ADDRESS;
}

static void
finish(struct mxdns_query *q)
{
	struct mxdns *d = q->dns;

	if (q->res.status == MXDNS_OK)
		q->res.status = judge_status(q);
	q->cb(&q->res, q->arg);
	query_free(q);
	begin_waiting(d);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	finish(arg);
}

static void
ask_tlsa(struct mxdns_query *q, struct mxdns_host *h, const char *name)
{
	char owner[NEXTHOP_MAX_NAME + 32];

	h->tlsa_base = name;
	(void)snprintf(owner, sizeof(owner), "_%u._tcp.%s", q->res.port, name);
	ask(q, h, MXDNS_TYPE_TLSA, owner);
}

/* Both address answers are there: is TLSA to be asked, and where? */
static void
addrs_done(struct mxdns_query *q, struct mxdns_host *h)
{
	const char *canon = NULL;

	if (!q->want_tlsa || h->naddr == 0)
		return;
	if (h->a.kind == MXDNS_FOUND && h->a.secure)
		canon = h->a.canon == NULL ? h->name : h->a.canon;
	else if (h->aaaa.kind == MXDNS_FOUND && h->aaaa.secure)
		canon = h->aaaa.canon == NULL ? h->name : h->aaaa.canon;
	if (canon != NULL)
		ask_tlsa(q, h, canon);
}

static void
ask_addrs(struct mxdns_query *q, struct mxdns_host *h)
{
	if (!nexthop_is_host(h->name)) {
		h->a.kind = h->aaaa.kind = MXDNS_BROKEN;
		h->a.why = h->aaaa.why = "not a host name";
		return;
	}
	ask(q, h, MXDNS_TYPE_A, h->name);
	ask(q, h, MXDNS_TYPE_AAAA, h->name);
}

static void
add_implicit(struct mxdns_query *q)
{
	q->res.implicit = !q->where.direct;
	ask_addrs(q, mxdns_add_host(&q->mem, &q->res, q->res.domain, 0));
}

static void
got_mx(struct mxdns_query *q, const struct ub_result *r)
{
	size_t i;

	q->res.status = mxdns_note_mx(&q->mem, &q->res, r);
	for (i = 0; i < q->res.nhost; i++)
		ask_addrs(q, &q->res.host[i]);
}

/* An answer that somebody waits for. */
static void
take_answer(struct mxdns_query *q, const struct ask *k, int err,
    const struct ub_result *r)
{
	struct mxdns_host *h = k->host;
	struct mxdns_answer *a = answer_of(q, h, k->type);

	mxdns_note_answer(&q->mem, a, err, r);
	if (a->kind == MXDNS_FOUND)
		a->canon = mxdns_canon(&q->mem, r);
	switch (k->type) {
	case MXDNS_TYPE_MX:
		if (a->kind == MXDNS_FOUND)
			got_mx(q, r);
		else if (a->kind == MXDNS_NO_DATA)
			add_implicit(q);
		break;
	case MXDNS_TYPE_NS:
		q->res.no_root = a->kind == MXDNS_BOGUS ||
				 a->kind == MXDNS_SERVFAIL ||
				 (q->dns->anchored && !a->secure);
		break;
	case MXDNS_TYPE_TLSA:
		if (a->kind == MXDNS_FOUND)
			mxdns_note_tlsa(&q->mem, h, r);
		else if ((a->kind == MXDNS_NO_DATA ||
			     a->kind == MXDNS_NO_NAME) &&
			 strcmp(h->tlsa_base, h->name) != 0)
			ask_tlsa(q, h, h->name);
		break;
	default:
		if (a->kind == MXDNS_FOUND)
			mxdns_note_addrs(&q->mem, h, q->res.port, k->type, r);
		if (h->a.kind != MXDNS_TIMEOUT && h->aaaa.kind != MXDNS_TIMEOUT)
			addrs_done(q, h);
		break;
	}
}

static bool
is_doubtful(const struct mxdns_answer *a)
{
	return a->kind == MXDNS_BOGUS || a->kind == MXDNS_SERVFAIL;
}

/* Is the fault theirs, or ours? True if the root is being asked for that. */
static bool
ask_root(struct mxdns_query *q)
{
	bool doubt = is_doubtful(&q->res.mx);
	size_t i;

	for (i = 0; i < q->res.nhost; i++)
		doubt = doubt || is_doubtful(&q->res.host[i].a) ||
			is_doubtful(&q->res.host[i].aaaa) ||
			is_doubtful(&q->res.host[i].tlsa);
	if (doubt && q->root.kind == MXDNS_NOT_ASKED)
		ask(q, NULL, MXDNS_TYPE_NS, ".");
	return q->pending > 0;
}

static void
on_answer(void *arg, int err, struct ub_result *r)
{
	struct ask *k = arg;
	struct mxdns_query *q = k->query;

	if (q != NULL) {
		take_answer(q, k, err, r);
		q->pending--;
	}
	ask_free(k);
	ub_resolve_free(r);
	if (q != NULL && q->pending == 0 && !ask_root(q))
		finish(q);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct mxdns *d = arg;

	(void)fd;
	(void)what;
	(void)ub_process(d->ub);
}

static void
begin(struct mxdns_query *q)
{
	struct mxdns *d = q->dns;
	struct timeval tv = {0, 0};

	q->begun = true;
	d->running++;
	if (q->res.status == MXDNS_BAD_NEXTHOP)
		;
	else if (q->where.len > 0) {
		struct mxdns_host *h =
		    mxdns_add_host(&q->mem, &q->res, q->where.name, 0);
		struct sockaddr_in6 sa; /* the larger one */

		memcpy(&sa, &q->where.sa, sizeof(sa));
		sa.sin6_port = htons(q->res.port); /* same place in both */
		mxdns_add_addr(&q->mem, h, &sa, q->where.len);
	} else if (q->where.direct)
		add_implicit(q);
	else
		ask(q, NULL, MXDNS_TYPE_MX, q->res.domain);
	if (q->pending > 0) {
		tv.tv_sec = (time_t)(d->timeout_ms / 1000);
		tv.tv_usec = (suseconds_t)(d->timeout_ms % 1000 * 1000);
	}
	(void)event_add(q->timer, &tv);
}

static void
begin_waiting(struct mxdns *d)
{
	struct mxdns_query *q;

	for (q = d->first; q != NULL && d->running < MXDNS_MAX_QUERIES;
	     q = q->next)
		if (!q->begun)
			begin(q);
}

struct mxdns_query *
mxdns_lookup(struct mxdns *d, const char *nexthop, uint16_t port, bool tlsa,
    mxdns_cb *cb, void *arg)
{
	struct mxdns_query *q = mem_zero(1, sizeof(*q));

	q->dns = d;
	q->cb = cb;
	q->arg = arg;
	q->want_tlsa = tlsa;
	q->timer = event_new(d->base, -1, 0, on_timer, q);
	q->res.nexthop = mxdns_keep_text(&q->mem, nexthop);
	q->res.port = port;
	if (nexthop_parse(nexthop, &q->where) == -1)
		q->res.status = MXDNS_BAD_NEXTHOP;
	q->res.domain = mxdns_keep_text(&q->mem, q->where.name);
	if (q->where.port != 0)
		q->res.port = q->where.port;
	q->prev = d->last;
	if (d->last != NULL)
		d->last->next = q;
	else
		d->first = q;
	d->last = q;
	begin_waiting(d);
	return q;
}

static int
check_readable(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return err_sys(err, err_code_input(errno),
		    "cannot read the trust anchor %s", quotes(path).s);
	(void)close(fd);
	return 0;
}

static int
fail_ub(struct err *err, const char *what, const char *value, int rc)
{
	return err_set(err, EX_CONFIG, "%s %s: %s", what, quotes(value).s,
	    ub_strerror(rc));
}

static int
set_up(struct ub_ctx *ub, const struct mxdns_settings *s, struct err *err)
{
	const char *where = s->resolver;
	int rc;

	(void)ub_ctx_debugout(ub, NULL);
	rc = where == NULL ? ub_ctx_resolvconf(ub, NULL)
			   : ub_ctx_set_fwd(ub, where);
	if (rc != 0)
		return fail_ub(err, "resolver",
		    where == NULL ? "/etc/resolv.conf" : where, rc);
	/* A resolver on this machine is the best there is. */
	if ((rc = ub_ctx_set_option(ub, "do-not-query-localhost:", "no")) != 0)
		return fail_ub(err, "option", "do-not-query-localhost", rc);
	if (s->trust_anchor != NULL) {
		if (check_readable(s->trust_anchor, err) == -1)
			return -1;
		if ((rc = ub_ctx_add_ta_file(ub, s->trust_anchor)) != 0)
			return fail_ub(
			    err, "trust anchor", s->trust_anchor, rc);
	}
	if ((rc = ub_ctx_async(ub, 1)) != 0)
		return fail_ub(err, "option", "async", rc);
	/*
	 * libunbound answers for test. by itself; what the resolver says
	 * about it is what delivery goes by. This also ends the settings:
	 * a bad trust anchor shows now.
	 */
	if ((rc = ub_ctx_zone_remove(ub, "test.")) != 0)
		return s->trust_anchor == NULL
			   ? err_set(err, EX_SOFTWARE, "libunbound: %s",
				 ub_strerror(rc))
			   : fail_ub(err, "trust anchor", s->trust_anchor, rc);
	return 0;
}

struct mxdns *
mxdns_new(
    struct event_base *base, const struct mxdns_settings *s, struct err *err)
{
	struct mxdns *d = mem_zero(1, sizeof(*d));

	d->base = base;
	d->timeout_ms = s->timeout_ms;
	d->anchored = s->trust_anchor != NULL;
	if ((d->ub = ub_ctx_create()) == NULL) {
		err_set(err, EX_SOFTWARE, "cannot start libunbound");
		free(d);
		return NULL;
	}
	if (set_up(d->ub, s, err) == -1) {
		ub_ctx_delete(d->ub);
		free(d);
		return NULL;
	}
	d->event =
	    event_new(base, ub_fd(d->ub), EV_READ | EV_PERSIST, on_readable, d);
	return d;
}

void
mxdns_free(struct mxdns *d)
{
	if (d == NULL)
		return;
	while (d->first != NULL)
		query_free(d->first);
	while (d->asks != NULL)
		ask_free(d->asks);
	event_free(d->event);
	ub_ctx_delete(d->ub);
	free(d);
}

const char *
mxdns_kind_name(enum mxdns_kind k)
{
	static const char *const names[] = {
	    [MXDNS_NOT_ASKED] = "not-asked",
	    [MXDNS_FOUND] = "found",
	    [MXDNS_NO_DATA] = "no-data",
	    [MXDNS_NO_NAME] = "no-name",
	    [MXDNS_SERVFAIL] = "servfail",
	    [MXDNS_BOGUS] = "bogus",
	    [MXDNS_TIMEOUT] = "timeout",
	    [MXDNS_BROKEN] = "broken",
	};

	return names[k];
}

const char *
mxdns_status_name(enum mxdns_status s)
{
	static const char *const names[] = {
	    [MXDNS_OK] = "ok",
	    [MXDNS_NULL_MX] = "null-mx",
	    [MXDNS_NO_DOMAIN] = "no-domain",
	    [MXDNS_NO_ADDRESS] = "no-address",
	    [MXDNS_FAILED] = "dns-failed",
	    [MXDNS_BAD_NEXTHOP] = "bad-nexthop",
	};

	return names[s];
}
