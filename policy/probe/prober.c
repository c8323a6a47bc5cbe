#include "prober.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "buf.h"
#include "dname.h"
#include "err.h"
#include "judge.h"
#include "mem.h"
#include "mxdns.h"
#include "probeplan.h"
#include "probewire.h"
#include "quote.h"
#include "registry.h"
#include "smtpclient.h"
#include "starttls.h"
#include "sweep.h"

#define BURST 16 /* starts without a pause */
/* No more next-hops are asked for, so that memory does not grow with them, */
#define ASKING_MAX 128 /* while so many are under way, or rows wait for */
#define OPEN_MAX(set) (4 * (size_t)(set)->parallel + 256) /* sessions */

#define NOT_VOUCHED                                                           \
	"The resolver of this machine (/etc/resolv.conf) does not vouch for " \
	"DNSSEC, not even for the root zone (no AD bit). Postfix finds no "   \
	"TLSA record by it, and holds the mail."

#define NOT_LOOKED                                                   \
	"Postfix looks for no TLSA record, and holds the mail: see " \
	"smtp_dns_support_level (which should be dnssec), "          \
	"smtp_host_lookup (dns) and ignore_mx_lookup_error (no) in main.cf."

#define NO_FAMILY                                                     \
	"All addresses of the gateway are of a kind that Postfix is " \
	"not to use: see inet_protocols in main.cf."
#define NO_WAY                                                            \
	"This machine has no way to any address of the gateway: see its " \
	"routes."

/* A next-hop on its way through the DNS. */
struct ask {
	struct prober *prober;
	uint32_t target;
	unsigned texts; /* TXT records that are waited for */
	enum probewire_text mta_sts, tls_rpt;
};

/* A row that waits for a session. */
struct view {
	struct view *next;
	uint32_t row;
};

/* What sessions by one service have in common, a kind of TLS each. */
struct way {
	const struct smtpclient *client;
	struct starttls_ctx *ctx[SMTPCLIENT_KINDS];
};

/* One connection, for all views that would make the same. */
struct session {
	struct prober *prober;
	struct view *views;
};

struct prober {
	const struct prober_settings *set;
	struct event_base *base;
	struct bufferevent *out;
	struct mxdns *dns;
	struct sweep *sweep;
	struct way *way;
	size_t nways, ways_cap;
	struct ask *ask; /* by target */
	uint32_t *order; /* of targets */
	size_t next;	 /* of them, and those that DNS is asked for */
	unsigned under_way;
	uint32_t rows;
	bool vouched;	     /* Postfix can see what DNSSEC vouches for */
	size_t asking, open; /* next-hops, and rows that are not done */
	struct buf text;
};

/* --- What is said ------------------------------------------------------- */

static void
say_wire(struct prober *p, const struct probewire *w)
{
	buf_clear(&p->text);
	probewire_put(&p->text, w);
	(void)bufferevent_write(p->out, p->text.data, p->text.len);
}

static void
say_none(struct prober *p, uint32_t row, enum fault fault, const char *detail)
{
	struct probewire w = {
	    .kind = PROBEWIRE_NONE, .row = row, .fault = fault};

	(void)snprintf(w.detail, sizeof(w.detail), "%s", detail);
	say_wire(p, &w);
	p->open--;
}

/* What there is to say is said: that was all. */
static void
on_written(struct bufferevent *out, void *arg)
{
	struct prober *p = arg;

	(void)out;
	if (p->asking == 0 && p->open == 0)
		(void)event_base_loopbreak(p->base);
}

/* Nobody listens any more. */
static void
on_gone(struct bufferevent *out, short what, void *arg)
{
	struct prober *p = arg;

	(void)out;
	(void)what;
	(void)event_base_loopbreak(p->base);
}

static void ask_some(struct prober *p);

/* --- Sessions --------------------------------------------------------- */

static void
on_session(const struct starttls_result *r, void *arg)
{
	struct session *s = arg;
	struct prober *p = s->prober;
	struct probewire w = {.kind = PROBEWIRE_SEEN, .seen = *r};
	struct view *v;

	say_wire(p, &w);
	while ((v = s->views) != NULL) {
		s->views = v->next;
		w = (struct probewire){.kind = PROBEWIRE_JUDGE, .row = v->row};
		say_wire(p, &w);
		p->open--;
		free(v);
	}
	free(s);
	ask_some(p);
}

static struct way *
way_of(struct prober *p, const struct smtpclient *client)
{
	size_t i;

	for (i = 0; i < p->nways; i++)
		if (p->way[i].client == client)
			return &p->way[i];
	p->way = mem_grow(p->way, p->nways, &p->ways_cap, sizeof(*p->way));
	p->way[p->nways] = (struct way){.client = client};
	return &p->way[p->nways++];
}

static struct starttls_ctx *
get_ctx(struct prober *p, const struct probetarget *t, struct err *e)
{
	char ciphers[SMTPCLIENT_CIPHERS];
	struct starttls_params params = {.step_ms = p->set->timeout_ms,
	    .total_ms = PROBER_SESSION_STEPS * p->set->timeout_ms};
	struct starttls_ctx **ctx =
	    &way_of(p, t->client)->ctx[smtpclient_params(t, NULL, NULL)];

	if (*ctx == NULL) {
		(void)smtpclient_params(t, ciphers, &params);
		*ctx = starttls_ctx_new(&params, e);
	}
	return *ctx;
}

/* The session that the row w needs, joined if there is one already. */
static void
start(struct prober *p, const struct probewire *w, uint32_t row,
    const struct mxdns_addr *addr)
{
	const struct sockaddr *sa = (const struct sockaddr *)&addr->sa;
	const char *sni = *w->sni == '\0' ? NULL : w->sni;
	struct starttls_ctx *ctx;
	struct session *s;
	struct view *v;
	struct err e = {0};

	ctx = get_ctx(p, &p->set->target[w->target], &e);
	if (ctx == NULL) {
		say_none(p, row, FAULT_LOCAL_ERROR, e.text);
		return;
	}
	if ((s = sweep_find(p->sweep, ctx, sa, addr->len, sni)) == NULL) {
		s = mem_zero(1, sizeof(*s));
		s->prober = p;
		sweep_add(p->sweep, ctx, sa, addr->len, sni, on_session, s);
	}
	v = mem_zero(1, sizeof(*v));
	v->row = row;
	v->next = s->views;
	s->views = v;
}

/* --- The way there ---------------------------------------------------- */

static enum probewire_dnssec
dnssec_of(const struct mxdns_answer *a)
{
	if (a->kind == MXDNS_NOT_ASKED)
		return PROBEWIRE_DNS_NONE;
	return a->secure ? PROBEWIRE_DNS_SECURE : PROBEWIRE_DNS_INSECURE;
}

/* A new row, whose number is returned. */
static uint32_t
say_row(struct prober *p, struct probewire *w, const struct mxdns_result *r,
    const struct mxdns_host *h)
{
	w->kind = PROBEWIRE_ROW;
	w->mx_dns = dnssec_of(&r->mx);
	if (r->mx.kind == MXDNS_FOUND && r->mx.canon != NULL)
		(void)snprintf(w->domain, sizeof(w->domain), "%s", r->mx.canon);
	if (h != NULL)
		quote_show(w->host, sizeof(w->host), h->name, strlen(h->name));
	say_wire(p, w);
	p->open++;
	return p->rows++;
}

static void
take_tlsa(struct probewire *w, const struct probetarget *t,
    const struct mxdns_result *r, const struct mxdns_host *h)
{
	size_t i;

	w->fault = judge_tlsa(
	    r, h, t->level == LEVEL_OPPORTUNISTIC && t->client->half_dane);
	if (w->fault != FAULT_OK)
		return;
	for (i = 0; i < h->ntlsa && i < MXDNS_MAX_TLSA; i++) {
		const struct mxdns_tlsa *x = &h->tlsa_rr[i];

		w->tlsa[w->ntlsa++] = (struct x509_tlsa){
		    x->usage, x->selector, x->matching, x->data, x->len};
	}
	/* As Postfix with dane. */
	(void)snprintf(w->sni, sizeof(w->sni), "%s",
	    h->tlsa_base == NULL ? "" : h->tlsa_base);
}

/*
 * What TLSA records do not say: servername= of the row, else
 * smtp_tls_servername. As Postfix, which sends an IPv4 address as well.
 */
static void
put_servername(struct probewire *w, const struct prober *p, const char *host,
    const char *nexthop)
{
	const struct probetarget *t = &p->set->target[w->target];
	const char *name = t->client->servername;

	if (t->level != LEVEL_OPPORTUNISTIC &&
	    t->attributes->servername != NULL)
		name = t->attributes->servername;
	if (t->domain != NULL)
		nexthop = t->domain;
	if (strcmp(name, "hostname") == 0)
		name = host;
	else if (strcmp(name, "nexthop") == 0)
		name = nexthop;
	if (nexthop_is_host(name))
		(void)snprintf(w->sni, sizeof(w->sni), "%s", name);
}

static void
look_at(struct ask *a, const struct mxdns_result *r, const struct mxdns_host *h,
    const struct mxdns_addr *addr)
{
	struct prober *p = a->prober;
	const struct probetarget *t = &p->set->target[a->target];
	const char *why_not = !t->client->dnssec ? NOT_LOOKED
			      : !p->vouched	 ? NOT_VOUCHED
						 : NULL;
	bool wanted = probeplan_wants_tlsa(t, p->set->dane);
	struct probewire w = {.target = a->target};
	uint32_t row;

	(void)getnameinfo((const struct sockaddr *)&addr->sa, addr->len,
	    w.address, sizeof(w.address), NULL, 0, NI_NUMERICHOST);
	w.host_dns =
	    dnssec_of(addr->sa.ss_family == AF_INET6 ? &h->aaaa : &h->a);
	if (wanted && why_not == NULL)
		take_tlsa(&w, t, r, h);
	else if (wanted)
		w.fault = FAULT_NO_TLSA;
	if (w.ntlsa == 0)
		put_servername(&w, p, h->name, r->domain);
	row = say_row(p, &w, r, h);
	if (t->level == LEVEL_SECURE && wanted && why_not != NULL && !t->fresh)
		say_none(p, row, FAULT_LOCAL_ERROR, why_not);
	else
		start(p, &w, row, addr);
}

static bool
is_of_ours(const struct smtpclient *c, const struct mxdns_addr *addr)
{
	return addr->sa.ss_family == AF_INET6 ? c->ipv6 : c->ipv4;
}

/* Has this machine a way there? A socket that sends nothing tells. */
static bool
has_way(const struct mxdns_addr *addr)
{
	const struct sockaddr *sa = (const struct sockaddr *)&addr->sa;
	int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool way;

	way = (fd != -1 && connect(fd, sa, addr->len) == 0) ||
	      (errno != ENETUNREACH && errno != EAFNOSUPPORT);
	if (fd != -1)
		(void)close(fd);
	return way;
}

/*
 * The addresses that Postfix would take: not of a family that it does not use,
 * nor where this machine has no way. That there is none left is our fault.
 */
static void
look_at_all(
    struct ask *a, const struct mxdns_result *r, const struct mxdns_host *h)
{
	struct prober *p = a->prober;
	const struct smtpclient *c = p->set->target[a->target].client;
	struct probewire w = {.target = a->target};
	size_t n = 0, nways = 0, i;

	for (i = 0; i < h->naddr; i++) {
		if (!is_of_ours(c, &h->addr[i]))
			continue;
		n++;
		if (has_way(&h->addr[i])) {
			look_at(a, r, h, &h->addr[i]);
			nways++;
		}
	}
	if (nways == 0 && h->naddr > 0)
		say_none(p, say_row(p, &w, r, h), FAULT_LOCAL_ERROR,
		    n == 0 ? NO_FAMILY : NO_WAY);
}

/* A target or host that has no address: one row for it. */
static void
no_way(struct ask *a, const struct mxdns_result *r, const struct mxdns_host *h,
    enum fault fault)
{
	const struct mxdns_answer *bad = &r->mx;
	struct probewire w = {.target = a->target};
	uint32_t row = say_row(a->prober, &w, r, h);
	struct buf text = {0};

	if (h != NULL)
		bad = h->a.kind > h->aaaa.kind ? &h->a : &h->aaaa;
	buf_printf(&text, "%s%s (%s: %s%s%s)", fault_description(fault),
	    r->no_root ? " Not even for the root zone has the resolver an "
			 "answer that DNSSEC vouches for: see resolver and "
			 "trust_anchor in tlspact.conf."
		       : "",
	    h == NULL ? mxdns_status_names[r->status] : "addresses",
	    mxdns_kind_names[bad->kind], bad->why == NULL ? "" : ", ",
	    bad->why == NULL ? "" : bad->why);
	say_none(a->prober, row, fault, text.data);
	buf_free(&text);
}

static void
end_ask(struct ask *a)
{
	struct prober *p = a->prober;
	struct probewire w = {.kind = PROBEWIRE_ASKED, .target = a->target};

	p->asking--;
	p->under_way--;
	say_wire(p, &w);
	ask_some(p);
}

static void
on_text(struct ask *a, const struct mxdns_result *r, enum probewire_text *text)
{
	struct probewire w = {.kind = PROBEWIRE_TEXTS, .target = a->target};

	if (r->text != NULL)
		*text = PROBEWIRE_TEXT_YES;
	else if (r->mx.kind == MXDNS_NO_DATA || r->mx.kind == MXDNS_NO_NAME)
		*text = PROBEWIRE_TEXT_NO;
	if (--a->texts > 0)
		return;
	w.mta_sts = a->mta_sts;
	w.tls_rpt = a->tls_rpt;
	say_wire(a->prober, &w);
	end_ask(a);
}

static void
on_mta_sts(const struct mxdns_result *r, void *arg)
{
	struct ask *a = arg;

	on_text(a, r, &a->mta_sts);
}

static void
on_tls_rpt(const struct mxdns_result *r, void *arg)
{
	struct ask *a = arg;

	on_text(a, r, &a->tls_rpt);
}

/* RFC 8461, 3.1; RFC 8460, 3. */
static void
ask_texts(struct ask *a, const char *domain)
{
	static const struct mxdns_how sts = {.text = "v=STSv1"},
				      rpt = {.text = "v=TLSRPTv1"};
	struct prober *p = a->prober;
	char name[DNAME_MAX + 16];

	a->texts = 2;
	(void)snprintf(name, sizeof(name), "_mta-sts.%s", domain);
	mxdns_lookup(p->dns, name, p->set->port, &sts, on_mta_sts, a);
	(void)snprintf(name, sizeof(name), "_smtp._tls.%s", domain);
	mxdns_lookup(p->dns, name, p->set->port, &rpt, on_tls_rpt, a);
}

static void
on_mx(const struct mxdns_result *r, void *arg)
{
	struct ask *a = arg;
	struct prober *p = a->prober;
	enum fault fault = judge_way(r, NULL);
	size_t i;

	if (fault != FAULT_OK && r->nhost == 0)
		no_way(a, r, NULL, fault);
	for (i = 0; i < r->nhost; i++) {
		const struct mxdns_host *h = &r->host[i];

		if ((fault = judge_way(r, h)) != FAULT_OK)
			no_way(a, r, h, fault);
		look_at_all(a, r, h);
	}
	if (p->set->target[a->target].fresh && r->mx.kind != MXDNS_NOT_ASKED)
		ask_texts(a, r->domain);
	else
		end_ask(a);
}

/* --- All of it ---------------------------------------------------------- */

static void
ask(struct ask *a)
{
	const struct prober_settings *set = a->prober->set;
	const struct probetarget *t = &set->target[a->target];
	const struct mxdns_how how = {
	    .tlsa = t->client->dnssec && probeplan_wants_tlsa(t, set->dane),
	    .no_mx = !t->client->mx,
	    .no_host = !t->client->dns,
	    .native = t->client->native};

	mxdns_lookup(a->prober->dns, t->nexthop, set->port, &how, on_mx, a);
}

static void
ask_some(struct prober *p)
{
	const struct prober_settings *set = p->set;
	struct ask *a;

	while (p->next < set->n && p->under_way < ASKING_MAX &&
	       p->open < OPEN_MAX(set)) {
		a = &p->ask[p->order[p->next]];
		*a = (struct ask){.prober = p, .target = p->order[p->next++]};
		p->under_way++;
		ask(a);
	}
}

/* The slow ones first. */
static void
ask_all(struct prober *p)
{
	const struct prober_settings *set = p->set;
	size_t n = 0, i;
	int slow;

	p->asking = set->n;
	for (slow = 1; slow >= 0; slow--)
		for (i = 0; i < set->n; i++)
			if ((set->slow != NULL && set->slow[i]) == slow)
				p->order[n++] = (uint32_t)i;
	ask_some(p);
}

static int
set_up(struct prober *p, struct err *e)
{
	const struct prober_settings *set = p->set;
	struct mxdns_settings dns = {.resolver = set->resolver,
	    .trust_anchor = set->trust_anchor,
	    .timeout_ms = set->timeout_ms};
	struct sweep_limits limits = {.parallel = set->parallel,
	    .per_second = set->per_second,
	    .burst = BURST};
	bool tlsa = false;
	size_t i;

	if (set->per_second > 0)
		limits.jitter_ms = 500 / set->per_second;
	p->sweep = sweep_new(p->base, &limits);
	p->dns = mxdns_new(p->base, &dns, e);
	for (i = 0; i < set->n; i++)
		tlsa = tlsa || probeplan_wants_tlsa(&set->target[i], set->dane);
	p->vouched = !tlsa || mxdns_system_vouches();
	return p->dns == NULL || get_ctx(p, set->target, e) == NULL ? -1 : 0;
}

int
prober_main(int fd, void *arg)
{
	static struct prober p;
	struct probewire w = {.kind = PROBEWIRE_UNABLE};
	struct err e = {0};

	p = (struct prober){.set = arg};
	p.base = event_base_new();
	if (p.base == NULL || evutil_make_socket_nonblocking(fd) == -1)
		return EX_OSERR;
	p.out = bufferevent_socket_new(p.base, fd, 0);
	if (p.out == NULL)
		return EX_OSERR;
	bufferevent_setcb(p.out, NULL, on_written, on_gone, &p);
	(void)bufferevent_enable(p.out, EV_READ | EV_WRITE);
	p.ask = mem_zero(p.set->n + 1, sizeof(*p.ask));
	p.order = mem_zero(p.set->n + 1, sizeof(*p.order));
	if (set_up(&p, &e) == 0)
		ask_all(&p);
	else {
		w.code = e.code;
		(void)snprintf(w.detail, sizeof(w.detail), "%s", e.text);
		say_wire(&p, &w);
	}
	(void)event_base_dispatch(p.base);
	/* Nothing is freed: the process ends. */
	return EX_OK;
}
