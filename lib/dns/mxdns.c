#include "mxdns.h"

#include "arena.h"
#include "dname.h"
#include "dnstxt.h"
#include "err.h"
#include "mem.h"
#include "quote.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>
#include <unbound.h>

#define CLASS_IN 1
#define TYPE_A 1
#define TYPE_NS 2
#define TYPE_CNAME 5
#define TYPE_MX 15
#define TYPE_TXT 16
#define TYPE_AAAA 28
#define TYPE_TLSA 52
#define RCODE_NOERROR 0
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3
#define NATIVE_MS 10 /* between two looks at what getaddrinfo(3) does */
#define WHY_MAX 256  /* bytes of a shown reason */

/* One question under way. */
struct ask {
	LIST_ENTRY(ask) all; /* of the resolver */
	struct mxdns *dns;
	struct query *query;	 /* NULL once nobody wants the answer */
	struct mxdns_host *host; /* whose record; NULL for the MX */
	int type;
	int id;
};

/* The same of getaddrinfo(3), which has threads of its own. */
struct native {
	LIST_ENTRY(native) all;
	struct query *query;
	struct mxdns_host *host;
	struct gaicb cb;
	struct addrinfo hints;
	char name[DNAME_MAX + 1];
};

struct query {
	TAILQ_ENTRY(query) all; /* of the resolver */
	struct mxdns *dns;
	struct event *timer; /* the time limit; at once if there is nothing */
	bool begun;	     /* to ask; the others wait their turn */
	struct mxdns_how how;
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
	bool anchored;		   /* there is a trust anchor */
	unsigned running;	   /* queries that have begun */
	LIST_HEAD(asks, ask) asks; /* while there are any, event is set */
	LIST_HEAD(natives, native) natives; /* and this is, pending */
	struct event *pending;
	TAILQ_HEAD(queries, query) queries; /* in order of arrival */
};

/* --- Answers taken apart: no network here, all that is kept in the arena -- */

static const char *
keep(struct arena *mem, const char *s)
{
	return arena_copy(mem, s, strlen(s));
}

static const char *
keep_shown(struct arena *mem, const char *s)
{
	char text[WHY_MAX];

	quote_show(text, sizeof(text), s, strlen(s));
	return keep(mem, text);
}

/* What the answer is, apart from its records; err is libunbound's. */
static void
note_answer(struct arena *mem, struct mxdns_answer *a, int err,
    const struct ub_result *r)
{
	char text[32];

	memset(a, 0, sizeof(*a));
	if (err != 0 || r == NULL) {
		a->kind = err == UB_SERVFAIL ? MXDNS_SERVFAIL : MXDNS_BROKEN;
		a->why = keep(mem, ub_strerror(err));
		return;
	}
	a->secure = r->secure != 0;
	if (r->bogus) {
		a->kind = MXDNS_BOGUS;
		a->why =
		    keep_shown(mem, r->why_bogus == NULL ? "" : r->why_bogus);
	} else if (r->rcode == RCODE_NXDOMAIN || r->nxdomain)
		a->kind = MXDNS_NO_NAME;
	else if (r->rcode == RCODE_SERVFAIL)
		a->kind = MXDNS_SERVFAIL;
	else if (r->rcode != RCODE_NOERROR) {
		a->kind = MXDNS_BROKEN;
		(void)snprintf(text, sizeof(text), "DNS rcode %d", r->rcode);
		a->why = keep(mem, text);
	} else
		a->kind = r->havedata ? MXDNS_FOUND : MXDNS_NO_DATA;
}

/*
 * A name in wire form (no compression: libunbound has undone it) as text,
 * lower case, without the last dot. False if it is broken or no host name.
 */
static bool
name_text(const char *p, int len, char out[DNAME_MAX + 1])
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = len < 0 ? 0 : (size_t)len, i = 0, at = 0, j;

	while (i < n && u[i] != 0) {
		if (u[i] > 63 || i + 1 + u[i] >= n || at + u[i] + 1 > DNAME_MAX)
			return false;
		if (at > 0)
			out[at++] = '.';
		for (j = 1; j <= u[i]; j++)
			out[at++] = (char)tolower(u[i + j]);
		i += 1 + (size_t)u[i];
	}
	out[at] = '\0';
	/* A NUL in a label would make two names of one. */
	return i + 1 == n && strlen(out) == at;
}

/* The name a CNAME led to, lower case and without last dot, or NULL. */
static const char *
canon_name(struct arena *mem, const struct ub_result *r)
{
	char name[DNAME_MAX + 2];
	size_t len, i;

	if (r->canonname == NULL ||
	    (len = strlen(r->canonname)) >= sizeof(name))
		return NULL;
	for (i = 0; i <= len; i++)
		name[i] = (char)tolower((unsigned char)r->canonname[i]);
	if (len > 0 && name[len - 1] == '.')
		name[len - 1] = '\0';
	if (!nexthop_is_host(name) || strcasecmp(name, r->qname) == 0)
		return NULL;
	return keep(mem, name);
}

static void
add_addr(struct arena *mem, struct mxdns_host *h, const void *sa, socklen_t len)
{
	if (h->addr == NULL)
		h->addr = arena_alloc(mem, MXDNS_MAX_ADDRS * sizeof(*h->addr));
	memset(&h->addr[h->naddr], 0, sizeof(h->addr[0]));
	memcpy(&h->addr[h->naddr].sa, sa, len);
	h->addr[h->naddr++].len = len;
}

/* IPv4 first, then by number: servers shuffle, and tables should not. */
static int
compare_addrs(const void *a, const void *b)
{
	const struct mxdns_addr *x = a, *y = b;

	if (x->sa.ss_family != y->sa.ss_family)
		return x->sa.ss_family == AF_INET ? -1 : 1;
	/* All but the address is the same in both. */
	return memcmp(&x->sa, &y->sa, sizeof(x->sa));
}

static void
note_addrs(struct arena *mem, struct mxdns_host *h, uint16_t port, int type,
    const struct ub_result *r)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	size_t before = h->naddr;
	int i;

	v4.sin_port = v6.sin6_port = htons(port);
	for (i = 0; r->data[i] != NULL; i++) {
		if (h->naddr - before == MXDNS_MAX_ADDRS / 2)
			break;
		if (type == TYPE_A && r->len[i] == 4) {
			memcpy(&v4.sin_addr, r->data[i], 4);
			add_addr(mem, h, &v4, sizeof(v4));
		} else if (type == TYPE_AAAA && r->len[i] == 16) {
			memcpy(&v6.sin6_addr, r->data[i], 16);
			add_addr(mem, h, &v6, sizeof(v6));
		}
	}
	if (h->naddr > 1)
		qsort(h->addr, h->naddr, sizeof(h->addr[0]), compare_addrs);
}

static void
note_tlsa(struct arena *mem, struct mxdns_host *h, const struct ub_result *r)
{
	struct mxdns_tlsa *t;
	int i;

	h->tlsa_rr = arena_alloc(mem, MXDNS_MAX_TLSA * sizeof(*h->tlsa_rr));
	for (i = 0; r->data[i] != NULL && h->ntlsa < MXDNS_MAX_TLSA; i++) {
		const unsigned char *u = (const unsigned char *)r->data[i];

		if (r->len[i] < 3 || r->len[i] - 3 > MXDNS_MAX_TLSA_LEN)
			continue;
		t = &h->tlsa_rr[h->ntlsa++];
		t->usage = u[0];
		t->selector = u[1];
		t->matching = u[2];
		t->len = (size_t)r->len[i] - 3;
		t->data = (uint8_t *)arena_copy(mem, r->data[i] + 3, t->len);
	}
}

/*
 * A new host in its place in r, or NULL if there are enough better ones.
 * Moves the others: pointers to hosts are good only after the last call.
 */
static struct mxdns_host *
add_host(
    struct arena *mem, struct mxdns_result *r, const char *name, unsigned pref)
{
	struct mxdns_host *h;
	size_t i;

	if (r->host == NULL)
		r->host = arena_alloc(mem, MXDNS_MAX_HOSTS * sizeof(*r->host));
	for (i = r->nhost; i > 0; i--) {
		h = &r->host[i - 1];
		if (h->pref < pref ||
		    (h->pref == pref && strcmp(h->name, name) <= 0))
			break;
		/* The last one makes room for a better one. */
		if (i < MXDNS_MAX_HOSTS)
			r->host[i] = *h;
	}
	if (r->nhost < MXDNS_MAX_HOSTS)
		r->nhost++;
	if (i == MXDNS_MAX_HOSTS)
		return NULL;
	h = &r->host[i];
	memset(h, 0, sizeof(*h));
	h->name = keep(mem, name);
	h->pref = pref;
	return h;
}

/* OK if there is any host to ask for. */
static enum mxdns_status
note_mx(struct arena *mem, struct mxdns_result *res, const struct ub_result *r)
{
	char name[DNAME_MAX + 1];
	bool null_mx = false, whole;
	unsigned pref;
	int i;

	for (i = 0; r->data[i] != NULL; i++) {
		const unsigned char *u = (const unsigned char *)r->data[i];

		if (r->len[i] < 3)
			continue;
		pref = (unsigned)u[0] << 8 | u[1];
		whole = name_text(r->data[i] + 2, r->len[i] - 2, name);
		if (whole && name[0] == '\0') {
			null_mx = true;
			continue;
		}
		/* The host stays in the list: delivery would trip over it. */
		if (!whole ||
		    (!nexthop_is_host(name) && !dname_is_address(name)))
			(void)snprintf(name, sizeof(name), "(bad name)");
		(void)add_host(mem, res, name, pref);
	}
	if (res->nhost > 0)
		return MXDNS_OK;
	return null_mx ? MXDNS_NULL_MX : MXDNS_NO_ADDRESS;
}

/* The record of that version: several are none, to those who read them. */
static void
note_text(struct arena *mem, struct mxdns_result *res,
    const struct ub_result *r, const char *version)
{
	char text[DNSTXT_MAX];
	size_t n = dnstxt_find(r->data, r->len, version, text);

	if (n == 1) {
		res->text = keep(mem, text);
	} else if (n == 0) {
		res->mx.kind = MXDNS_NO_DATA;
	} else {
		res->mx.kind = MXDNS_BROKEN;
		res->mx.why = "several records of one version";
	}
}

/* --- Questions ------------------------------------------------------------ */

static void begin_waiting(struct mxdns *d);

static void
ask_free(struct ask *k)
{
	struct mxdns *d = k->dns;

	LIST_REMOVE(k, all);
	if (LIST_EMPTY(&d->asks))
		(void)event_del(d->event);
	free(k);
}

static void on_answer(void *arg, int err, struct ub_result *r);

static struct mxdns_answer *
answer_of(struct query *q, struct mxdns_host *h, int type)
{
	switch (type) {
	case TYPE_A:
		return &h->a;
	case TYPE_AAAA:
		return &h->aaaa;
	case TYPE_TLSA:
		return &h->tlsa;
	case TYPE_CNAME:
		return &h->alias;
	case TYPE_NS:
		return &q->root;
	default:
		return &q->res.mx;
	}
}

/* Ask. What cannot even be asked counts as answered badly. */
static void
ask(struct query *q, struct mxdns_host *h, int type, const char *name)
{
	struct mxdns *d = q->dns;
	struct mxdns_answer *a = answer_of(q, h, type);
	struct ask *k = mem_zero(1, sizeof(*k));
	int rc;

	k->dns = d;
	k->query = q;
	k->host = h;
	k->type = type;
	if (LIST_EMPTY(&d->asks))
		(void)event_add(d->event, NULL);
	LIST_INSERT_HEAD(&d->asks, k, all);
	rc =
	    ub_resolve_async(d->ub, name, type, CLASS_IN, k, on_answer, &k->id);
	if (rc != 0) {
		a->kind = MXDNS_BROKEN;
		a->why = keep(&q->mem, ub_strerror(rc));
		ask_free(k);
		return;
	}
	a->kind = MXDNS_TIMEOUT; /* until there is an answer */
	q->pending++;
}

/* False if it is under way and cannot be stopped. */
static bool
native_free(struct native *n)
{
	if (gai_cancel(&n->cb) != EAI_CANCELED &&
	    gai_error(&n->cb) == EAI_INPROGRESS)
		return false;
	if (n->cb.ar_result != NULL)
		freeaddrinfo(n->cb.ar_result);
	LIST_REMOVE(n, all);
	free(n);
	return true;
}

static void
query_free(struct query *q)
{
	struct mxdns *d = q->dns;
	struct native *n, *after;
	struct ask *k, *next;

	for (n = LIST_FIRST(&d->natives); n != NULL; n = after) {
		after = LIST_NEXT(n, all);
		if (n->query == q && !native_free(n))
			n->query = NULL;
	}

	for (k = LIST_FIRST(&d->asks); k != NULL; k = next) {
		next = LIST_NEXT(k, all);
		if (k->query != q)
			continue;
		/* If it cannot be called back, the answer will still come. */
		k->query = NULL;
		if (ub_cancel(d->ub, k->id) == 0)
			ask_free(k);
	}
	TAILQ_REMOVE(&d->queries, q, all);
	if (q->begun)
		d->running--;
	event_free(q->timer);
	arena_free(&q->mem);
	free(q);
}

static bool
is_failure(enum mxdns_kind k)
{
	return k == MXDNS_SERVFAIL || k == MXDNS_BOGUS || k == MXDNS_TIMEOUT ||
	       k == MXDNS_BROKEN;
}

static enum mxdns_status
judge_status(const struct query *q)
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
finish(struct query *q)
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
ask_tlsa(struct query *q, struct mxdns_host *h, const char *name)
{
	char owner[DNAME_MAX + 32];

	h->tlsa_base = name;
	(void)snprintf(owner, sizeof(owner), "_%u._tcp.%s", q->res.port, name);
	ask(q, h, TYPE_TLSA, owner);
}

/* Both address answers are there: is TLSA to be asked, and where? */
static void
addrs_done(struct query *q, struct mxdns_host *h)
{
	const char *canon = NULL;

	if (!q->how.tlsa || h->naddr == 0)
		return;
	if (h->a.kind == MXDNS_FOUND && h->a.secure)
		canon = h->a.canon == NULL ? h->name : h->a.canon;
	else if (h->aaaa.kind == MXDNS_FOUND && h->aaaa.secure)
		canon = h->aaaa.canon == NULL ? h->name : h->aaaa.canon;
	if (canon != NULL)
		ask_tlsa(q, h, canon);
	else if (h->a.canon != NULL || h->aaaa.canon != NULL)
		ask(q, h, TYPE_CNAME, h->name);
}

/* --- The machine's own way to addresses ----------------------------------- */

static const struct timeval native_pause = {0, NATIVE_MS * 1000};

static void answered(struct query *q);

static enum mxdns_kind
native_kind(int rc)
{
	switch (rc) {
	case 0:
		return MXDNS_FOUND;
	case EAI_NONAME:
		return MXDNS_NO_NAME;
	case EAI_NODATA:
		return MXDNS_NO_DATA;
	case EAI_AGAIN:
		return MXDNS_SERVFAIL;
	default:
		return MXDNS_BROKEN;
	}
}

static void
take_native(struct native *n)
{
	int rc = gai_error(&n->cb);
	struct mxdns_answer a = {.kind = native_kind(rc)};
	struct mxdns_host *h = n->host;
	const struct addrinfo *i;
	struct sockaddr_in6 sa; /* the larger one */
	uint16_t port = htons(n->query->res.port);

	if (rc != 0 && a.kind != MXDNS_NO_NAME)
		a.why = keep(&n->query->mem, gai_strerror(rc));
	h->a = h->aaaa = a;
	for (i = rc == 0 ? n->cb.ar_result : NULL;
	     i != NULL && h->naddr < MXDNS_MAX_ADDRS; i = i->ai_next)
		if (i->ai_addrlen <= sizeof(sa) &&
		    (i->ai_family == AF_INET || i->ai_family == AF_INET6)) {
			memcpy(&sa, i->ai_addr, i->ai_addrlen);
			sa.sin6_port = port; /* same place in both */
			add_addr(&n->query->mem, h, &sa, i->ai_addrlen);
		}
	if (h->naddr > 1)
		qsort(h->addr, h->naddr, sizeof(h->addr[0]), compare_addrs);
}

/* Take one that has ended; false: there is none. */
static bool
take_one_native(struct mxdns *d)
{
	struct native *n;
	struct query *q;

	LIST_FOREACH(n, &d->natives, all)
	if (gai_error(&n->cb) != EAI_INPROGRESS)
		break;
	if (n == NULL)
		return false;
	q = n->query;
	if (q != NULL)
		take_native(n);
	(void)native_free(n);
	if (q != NULL) {
		q->pending--;
		answered(q);
	}
	return true;
}

static void
on_native(evutil_socket_t fd, short what, void *arg)
{
	struct mxdns *d = arg;

	(void)fd;
	(void)what;
	while (take_one_native(d))
		;
	if (!LIST_EMPTY(&d->natives))
		(void)event_add(d->pending, &native_pause);
}

static void
ask_native(struct query *q, struct mxdns_host *h)
{
	struct mxdns *d = q->dns;
	struct native *n = mem_zero(1, sizeof(*n));
	struct gaicb *list[] = {&n->cb};

	n->query = q;
	n->host = h;
	n->hints.ai_socktype = SOCK_STREAM;
	(void)snprintf(n->name, sizeof(n->name), "%s", h->name);
	n->cb.ar_name = n->name;
	n->cb.ar_request = &n->hints;
	h->a.kind = h->aaaa.kind = MXDNS_TIMEOUT;
	LIST_INSERT_HEAD(&d->natives, n, all);
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
		h->a.kind = h->aaaa.kind = MXDNS_BROKEN;
		LIST_REMOVE(n, all);
		free(n);
		return;
	}
	q->pending++;
	(void)event_add(d->pending, &native_pause);
}

/* As Postfix: only where DNS knows of no such thing. */
static bool
is_absent(const struct mxdns_host *h)
{
	return (h->a.kind == MXDNS_NO_DATA || h->a.kind == MXDNS_NO_NAME) &&
	       (h->aaaa.kind == MXDNS_NO_DATA || h->aaaa.kind == MXDNS_NO_NAME);
}

/* --- One next-hop --------------------------------------------------------- */

/* An address for a name, also in an MX record: Postfix takes it as it is. */
static void
take_address(struct query *q, struct mxdns_host *h)
{
	struct sockaddr_in6 sa; /* the larger one */
	struct nexthop n;

	(void)nexthop_parse(h->name, &n);
	memcpy(&sa, &n.sa, sizeof(sa));
	sa.sin6_port = htons(q->res.port); /* same place in both */
	add_addr(&q->mem, h, &sa, n.len);
}

static void
ask_addrs(struct query *q, struct mxdns_host *h)
{
	if (dname_is_address(h->name)) {
		take_address(q, h);
		return;
	}
	if (!nexthop_is_host(h->name)) {
		h->a.kind = h->aaaa.kind = MXDNS_BROKEN;
		h->a.why = h->aaaa.why = "not a host name";
		return;
	}
	if (q->how.no_host) {
		ask_native(q, h);
		return;
	}
	ask(q, h, TYPE_A, h->name);
	ask(q, h, TYPE_AAAA, h->name);
}

static void
add_implicit(struct query *q)
{
	ask_addrs(q, add_host(&q->mem, &q->res, q->res.domain, 0));
}

static void
got_mx(struct query *q, const struct ub_result *r)
{
	size_t i;

	q->res.status = note_mx(&q->mem, &q->res, r);
	for (i = 0; i < q->res.nhost; i++)
		ask_addrs(q, &q->res.host[i]);
}

/* An answer that somebody waits for. */
static void
take_answer(
    struct query *q, const struct ask *k, int err, const struct ub_result *r)
{
	struct mxdns_host *h = k->host;
	struct mxdns_answer *a = answer_of(q, h, k->type);

	note_answer(&q->mem, a, err, r);
	if (a->kind == MXDNS_FOUND)
		a->canon = canon_name(&q->mem, r);
	switch (k->type) {
	case TYPE_MX:
		if (a->kind == MXDNS_FOUND)
			got_mx(q, r);
		else if (a->kind == MXDNS_NO_DATA)
			add_implicit(q);
		break;
	case TYPE_TXT:
		if (a->kind == MXDNS_FOUND)
			note_text(&q->mem, &q->res, r, q->how.text);
		break;
	case TYPE_NS:
		q->res.no_root = a->kind == MXDNS_BOGUS ||
				 a->kind == MXDNS_SERVFAIL ||
				 (q->dns->anchored && !a->secure);
		break;
	case TYPE_TLSA:
		if (a->kind == MXDNS_FOUND)
			note_tlsa(&q->mem, h, r);
		else if ((a->kind == MXDNS_NO_DATA ||
			     a->kind == MXDNS_NO_NAME) &&
			 strcmp(h->tlsa_base, h->name) != 0)
			ask_tlsa(q, h, h->name);
		break;
	case TYPE_CNAME:
		if (a->kind == MXDNS_FOUND && a->secure)
			ask_tlsa(q, h, h->name);
		break;
	default:
		if (a->kind == MXDNS_FOUND)
			note_addrs(&q->mem, h, q->res.port, k->type, r);
		if (h->a.kind == MXDNS_TIMEOUT || h->aaaa.kind == MXDNS_TIMEOUT)
			break;
		if (q->how.native && is_absent(h))
			ask_native(q, h);
		else
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
ask_root(struct query *q)
{
	bool doubt = is_doubtful(&q->res.mx);
	size_t i;

	for (i = 0; i < q->res.nhost; i++)
		doubt = doubt || is_doubtful(&q->res.host[i].a) ||
			is_doubtful(&q->res.host[i].aaaa) ||
			is_doubtful(&q->res.host[i].tlsa);
	if (doubt && q->root.kind == MXDNS_NOT_ASKED)
		ask(q, NULL, TYPE_NS, ".");
	return q->pending > 0;
}

static void
answered(struct query *q)
{
	if (q->pending == 0 && !ask_root(q))
		finish(q);
}

static void
on_answer(void *arg, int err, struct ub_result *r)
{
	struct ask *k = arg;
	struct query *q = k->query;

	if (q != NULL) {
		take_answer(q, k, err, r);
		q->pending--;
	}
	ask_free(k);
	ub_resolve_free(r);
	if (q != NULL)
		answered(q);
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
begin(struct query *q)
{
	struct mxdns *d = q->dns;
	struct timeval tv = {0, 0};

	q->begun = true;
	d->running++;
	if (q->res.status == MXDNS_BAD_NEXTHOP)
		;
	else if (q->how.text != NULL)
		ask(q, NULL, TYPE_TXT, q->res.domain);
	else if (q->where.direct || q->how.no_mx)
		add_implicit(q);
	else
		ask(q, NULL, TYPE_MX, q->res.domain);
	if (q->pending > 0) {
		tv.tv_sec = (time_t)(d->timeout_ms / 1000);
		tv.tv_usec = (suseconds_t)(d->timeout_ms % 1000 * 1000);
	}
	(void)event_add(q->timer, &tv);
}

static void
begin_waiting(struct mxdns *d)
{
	struct query *q;

	for (q = TAILQ_FIRST(&d->queries);
	     q != NULL && d->running < MXDNS_MAX_QUERIES;
	     q = TAILQ_NEXT(q, all))
		if (!q->begun)
			begin(q);
}

void
mxdns_lookup(struct mxdns *d, const char *nexthop, uint16_t port,
    const struct mxdns_how *how, mxdns_cb *cb, void *arg)
{
	struct query *q = mem_zero(1, sizeof(*q));

	q->dns = d;
	q->cb = cb;
	q->arg = arg;
	if (how != NULL)
		q->how = *how;
	q->timer = event_new(d->base, -1, 0, on_timer, q);
	q->res.nexthop = keep(&q->mem, nexthop);
	q->res.port = port;
	if (nexthop_parse(nexthop, &q->where) == -1)
		q->res.status = MXDNS_BAD_NEXTHOP;
	q->res.domain = keep(&q->mem, q->where.name);
	if (q->where.port != 0)
		q->res.port = q->where.port;
	TAILQ_INSERT_TAIL(&d->queries, q, all);
	begin_waiting(d);
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
	TAILQ_INIT(&d->queries);
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
	d->pending = evtimer_new(base, on_native, d);
	d->event =
	    event_new(base, ub_fd(d->ub), EV_READ | EV_PERSIST, on_readable, d);
	return d;
}

void
mxdns_free(struct mxdns *d)
{
	if (d == NULL)
		return;
	while (!TAILQ_EMPTY(&d->queries))
		query_free(TAILQ_FIRST(&d->queries));
	while (!LIST_EMPTY(&d->asks))
		ask_free(LIST_FIRST(&d->asks));
	for (struct native *n; (n = LIST_FIRST(&d->natives)) != NULL;) {
		const struct gaicb *list[] = {&n->cb};

		while (!native_free(n))
			(void)gai_suspend(list, 1, NULL);
	}
	event_free(d->pending);
	event_free(d->event);
	ub_ctx_delete(d->ub);
	free(d);
}

bool
mxdns_system_vouches(void)
{
	unsigned char answer[4096] = {0};
	struct __res_state st = {0};
	int n = -1;

	if (res_ninit(&st) == 0) {
		st.options |= RES_USE_DNSSEC | RES_TRUSTAD;
		st.retrans = 2;
		st.retry = 2;
		n = res_nquery(
		    &st, ".", CLASS_IN, TYPE_NS, answer, sizeof(answer));
		res_nclose(&st);
	}
	return n >= (int)sizeof(HEADER) && ((const HEADER *)answer)->ad;
}

const char *const mxdns_kind_names[] = {
    [MXDNS_NOT_ASKED] = "not-asked",
    [MXDNS_FOUND] = "found",
    [MXDNS_NO_DATA] = "no-data",
    [MXDNS_NO_NAME] = "no-name",
    [MXDNS_SERVFAIL] = "servfail",
    [MXDNS_BOGUS] = "bogus",
    [MXDNS_TIMEOUT] = "timeout",
    [MXDNS_BROKEN] = "broken",
};

const char *const mxdns_status_names[] = {
    [MXDNS_OK] = "ok",
    [MXDNS_NULL_MX] = "null-mx",
    [MXDNS_NO_DOMAIN] = "no-domain",
    [MXDNS_NO_ADDRESS] = "no-address",
    [MXDNS_FAILED] = "dns-failed",
    [MXDNS_BAD_NEXTHOP] = "bad-nexthop",
};
