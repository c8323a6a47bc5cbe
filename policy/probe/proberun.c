#include "proberun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "process.h"
#include "arena.h"
#include "buf.h"
#include "err.h"
#include "judge.h"
#include "mem.h"
#include "netstring.h"
#include "num.h"
#include "dname.h"
#include "probeplan.h"
#include "probewire.h"
#include "quote.h"
#include "registry.h"
#include "smtpclient.h"

#define SILENCE_S 60 /* beyond what a session or the DNS may take */
#define CHUNK 65536
#define SHOWN_NAME 40 /* bytes of a foreign name in a table */
#define TARGET_ROWS (MXDNS_MAX_HOSTS * (MXDNS_MAX_ADDRS + 1))

/* What was said of a target. */
struct asked {
	bool done, unknown; /* of a row it is not known how it really is */
	time_t began;
	unsigned rows, ended;
	enum probewire_text mta_sts, tls_rpt;
};

struct proberun {
	struct proberun_settings set;
	struct apart prober;
	struct event *in, *silence;
	struct buf said;
	struct arena arena;    /* of rows and all that they say */
	struct proberow **row; /* in the order of their numbers, until over */
	size_t n, cap;
	struct asked *asked; /* for each target */
	size_t nasked, done, failed;
	struct probewire seen; /* the last session */
	bool has_seen, unused; /* there is one, of which no row was told */
	bool over;
	struct err why; /* code 0: it has done all */
};

/* --- Rows ----------------------------------------------------------------- */

static const char *
keep(struct proberun *p, const char *s)
{
	return arena_copy(&p->arena, s, strlen(s));
}

/* The same of a text that was put together, which is freed. */
static const char *
keep_buf(struct proberun *p, struct buf *b)
{
	const char *s = arena_copy(&p->arena, b->data, b->len);

	buf_free(b);
	return s;
}

/* What the evidence keeps of the way there, in its words. */
static const char *
dnssec_of(const struct proberun *p, const struct probewire *w)
{
	if (w->mx_dns == PROBEWIRE_DNS_NONE &&
	    w->host_dns == PROBEWIRE_DNS_NONE)
		return "";
	if (p->set.prober.trust_anchor == NULL)
		return "unchecked";
	return w->mx_dns == PROBEWIRE_DNS_INSECURE ||
		       w->host_dns == PROBEWIRE_DNS_INSECURE
		   ? "insecure"
		   : "secure";
}

static const char *
tlsa_of(const struct proberun *p, const struct probewire *w,
    const struct probetarget *t)
{
	if (*w->address == '\0' || !probeplan_wants_tlsa(t, p->set.prober.dane))
		return "";
	return w->ntlsa > 0		   ? "used"
	       : w->fault == FAULT_NO_TLSA ? "none"
					   : "failed";
}

static struct proberow *
row_new(struct proberun *p, const struct probewire *w,
    const struct probetarget *t, unsigned port)
{
	struct proberow *r = arena_alloc(&p->arena, sizeof(*r));
	unsigned char *data;
	size_t i;

	*r = (struct proberow){
	    .target = t,
	    .order = p->n,
	    .seen = {.partner = t->name,
		.nexthop = t->nexthop,
		.host = keep(p, w->host),
		.address = keep(p, w->address),
		.port = port,
		.protocol = "",
		.cipher = "",
		.kex = "",
		.requiretls = "",
		.dnssec = dnssec_of(p, w),
		.tlsa = tlsa_of(p, w, t),
		.key = "",
		.detail = "The look was broken off before its end."},
	    /* Until it is known to be well. */
	    .fault = FAULT_LOCAL_ERROR,
	    .mx_dns = w->mx_dns,
	    .host_dns = w->host_dns,
	    .sni = keep(p, w->sni),
	    .domain = keep(p, w->domain),
	    .ntlsa = w->ntlsa,
	    .tlsa_fault = w->fault,
	    .sig = "",
	    .subject = "",
	    .issuer = "",
	    .certificate = "-",
	};
	r->tlsa = arena_alloc(&p->arena, w->ntlsa * sizeof(*r->tlsa));
	for (i = 0; i < w->ntlsa; i++) {
		data = arena_alloc(&p->arena, w->tlsa[i].len);
		memcpy(data, w->tlsa[i].data, w->tlsa[i].len);
		r->tlsa[i] = w->tlsa[i];
		r->tlsa[i].data = data;
	}
	return r;
}

static void
put_days(struct buf *b, const struct certverdict *v)
{
	if (!v->days_known)
		return;
	if (v->days_left < 0)
		buf_printf(b, "expired %ld day%s ago", -v->days_left,
		    num_plural((uint64_t)-v->days_left));
	else
		buf_printf(b, "%ld day%s left", v->days_left,
		    num_plural((uint64_t)v->days_left));
}

/* A name that a stranger chose, for a narrow column. */
static void
put_foreign(struct buf *b, const char *name)
{
	size_t i, n;

	for (i = 0; name[i] != '\0'; i += n) {
		n = utf8_len(name + i, strlen(name + i));
		n = n == 0 ? 1 : n;
		if (i + n > SHOWN_NAME) {
			buf_puts(b, "...");
			return;
		}
		buf_add(b, name + i, n);
	}
	if (i == 0)
		buf_puts(b, "(none)");
}

/* The most telling fact, and how long the certificate lives. */
static const char *
certificate_words(struct proberun *p, const struct certverdict *v)
{
	const struct certrule_result *rule = v->rule;
	struct buf b = {0};

	if (rule[CERTRULE_NAME].state == CERTRULE_FAIL ||
	    rule[CERTRULE_COMMON_NAME].state == CERTRULE_FAIL) {
		buf_puts(&b, "CN ");
		put_foreign(&b, v->leaf.subject_cn);
	} else if (rule[CERTRULE_VALIDITY].fault == FAULT_EXPIRED &&
		   v->days_known && v->days_left < 0)
		;
	else if (v->fault == FAULT_SELF_SIGNED)
		buf_puts(&b, "self-signed");
	else if (rule[CERTRULE_CA].state == CERTRULE_FAIL ||
		 rule[CERTRULE_ISSUER].state == CERTRULE_FAIL) {
		buf_puts(&b, "by ");
		put_foreign(&b, v->leaf.issuer_cn);
	} else if (v->fault != FAULT_OK)
		buf_puts(&b, fault_text(v->fault));
	else if (rule[CERTRULE_COMMON_NAME].state == CERTRULE_PASS)
		buf_puts(&b, "CN ok");
	else if (rule[CERTRULE_NAME].state == CERTRULE_PASS)
		buf_puts(&b, "name ok");
	else if (rule[CERTRULE_PIN].state == CERTRULE_PASS)
		buf_puts(&b, "key ok");
	else if (rule[CERTRULE_TLSA].state == CERTRULE_PASS)
		buf_puts(&b, "TLSA ok");
	else
		buf_puts(&b, "any");
	if (b.len > 0 && v->days_known)
		buf_puts(&b, ", ");
	put_days(&b, v);
	if (b.len == 0)
		buf_puts(&b, "unreadable dates");
	return keep_buf(p, &b);
}

static void
take_rules(struct proberun *p, struct proberow *r, const struct certverdict *v)
{
	struct proberow_rule rule[CERTRULE_COUNT];
	const struct certrule_result *res;
	int i;

	for (i = 0; i < CERTRULE_COUNT; i++) {
		res = &v->rule[i];
		if (res->state == CERTRULE_FAIL || res->warning)
			rule[r->nrules++] =
			    (struct proberow_rule){.id = (enum certrule_id)i,
				.state = res->state,
				.fault = res->fault,
				.observed = keep(p, res->observed),
				.sentence = keep(p, res->sentence)};
	}
	r->rule = arena_alloc(&p->arena, r->nrules * sizeof(*rule));
	if (r->nrules > 0)
		memcpy(r->rule, rule, r->nrules * sizeof(*rule));
}

static void
take_certificate(
    struct proberun *p, struct proberow *r, const struct certverdict *v)
{
	r->has_cert = true;
	r->cert_fault = v->fault;
	r->warning = v->warning;
	r->days_known = v->days_known;
	r->days_left = v->days_left;
	r->seen.begins = v->begins;
	r->seen.not_after = v->days_known ? v->ends : 0;
	r->same_key = v->key;
	r->seen.key = keep(p, v->leaf.spki_sha256);
	r->subject = keep(p, v->leaf.subject_cn);
	r->issuer = keep(p, v->leaf.issuer_cn);
	r->certificate = certificate_words(p, v);
	take_rules(p, r, v);
}

/* What the server said when it went wrong. */
static void
say_session(
    const struct proberow *r, const struct starttls_result *s, struct buf *b)
{
	buf_puts(b, fault_description(r->fault));
	if (s->outcome == STARTTLS_MASKED)
		buf_puts(b,
		    " Its greeting is masked by a firewall, so Postfix says "
		    "HELO and never asks for STARTTLS: "
		    "smtp_pix_workaround_maps in main.cf can make an exception "
		    "of it.");
	else if (s->code != 0 && s->outcome != STARTTLS_NOT_OFFERED)
		buf_printf(b, " It said: %d %s", s->code, s->text);
	else if (s->code == 0 && s->text[0] != '\0')
		buf_printf(b, " OpenSSL says: %s.", s->text);
	else if (s->errnum != 0 && s->outcome != STARTTLS_CONNECT_REFUSED)
		buf_printf(b, " (%s)", strerror(s->errnum));
	if (s->phase > STARTTLS_CONNECT && s->code == 0)
		buf_printf(
		    b, " (at the %s step)", starttls_phase_names[s->phase]);
}

static const char *
detail_of(struct proberun *p, const struct proberow *r,
    const struct starttls_result *s)
{
	struct buf b = {0};
	size_t i;

	if (s->outcome != STARTTLS_OK)
		say_session(r, s, &b);
	else if (r->fault == FAULT_NO_CERTIFICATE || r->fault == FAULT_INJECTED)
		buf_puts(&b, fault_description(r->fault));
	for (i = 0; i < r->nrules; i++)
		if (r->rule[i].state == CERTRULE_FAIL)
			buf_printf(&b, "%s%s", b.len > 0 ? " " : "",
			    r->rule[i].sentence);
	if (s->injected)
		buf_printf(&b,
		    "%s%zu bytes of plain text stood behind the reply to "
		    "STARTTLS and were thrown away.",
		    b.len > 0 ? " " : "", s->injected_bytes);
	buf_puts(&b, "");
	return keep_buf(p, &b);
}

/* Take what a session showed and how it was judged. */
static void
take_session(struct proberun *p, struct proberow *r,
    const struct starttls_result *s, const struct judgement *j)
{
	r->fault = j->fault;
	r->passed = j->passed;
	r->seen.judged = judge_passed_by(j);
	r->tls = s->tls;
	r->ms = s->total_ms;
	r->injected = s->injected;
	if (s->tls) {
		r->seen.protocol = s->proto_name;
		r->seen.cipher = keep(p, s->cipher);
		r->seen.kex = keep(p, s->kex);
		r->sig = keep(p, s->sig);
		if (s->chain == NULL)
			r->certificate = "none";
	}
	if (s->outcome == STARTTLS_OK)
		r->seen.requiretls = s->requiretls ? "yes" : "no";
	if (j->has_cert)
		take_certificate(p, r, &j->v);
	r->seen.detail = detail_of(p, r, s);
}

/* --- Verdicts ------------------------------------------------------------ */

/* Is that all of it? */
static void
end_target(struct proberun *p, const struct probetarget *t)
{
	const struct asked *a = &p->asked[t - p->set.prober.target];

	if (a->done && a->rows > 0 && a->ended == a->rows && !a->unknown &&
	    p->set.told != NULL)
		p->set.told(t, a->began, p->set.arg);
}

bool
proberow_not_asked(const struct proberow *row)
{
	const struct probetarget *t = row->target;
	const bool must = t->client != NULL && t->client->must &&
			  t->attributes->mode == MODE_OPPORTUNISTIC;

	return t->partner != NULL && t->level == LEVEL_OPPORTUNISTIC &&
	       row->ntlsa == 0 && !must && fault_is_tls(row->fault);
}

bool
proberow_fails(const struct proberow *row)
{
	return row->fault != FAULT_OK && !proberow_not_asked(row);
}

static void
finish_row(struct proberun *p, struct proberow *row,
    const struct starttls_result *s, const struct judgement *j)
{
	struct asked *a = &p->asked[row->target - p->set.prober.target];

	row->done = true;
	a->ended++;
	/* Where something of ours failed, it may have missed any of them. */
	a->unknown |= row->unknown || row->fault == FAULT_LOCAL_ERROR;
	row->seen.time = p->set.now();
	p->done++;
	if (proberow_fails(row))
		p->failed++;
	if (p->set.result != NULL)
		p->set.result(row, s, j, p->set.arg);
	end_target(p, row->target);
}

/*
 * A look as if the partner were enforced is no news of what his mail meets: a
 * handshake may fail that asks for more, and TLSA records were not asked for.
 */
static void
judge_own(struct proberun *p, struct proberow *row, struct judge_gateway *g)
{
	const struct starttls_result *r = &p->seen.seen;
	static struct judgement j; /* large */
	struct err e;

	row->recorded = row->fault;
	if (row->target->own == g->level)
		return;
	row->unknown = g->dane || (r->outcome != STARTTLS_OK &&
				      r->phase == STARTTLS_HANDSHAKE);
	g->level = row->target->own;
	(void)judge_session(p->set.judge, g, r, &j, &e);
	row->recorded = j.fault;
}

static void
judge_row(struct proberun *p, struct proberow *row)
{
	const struct probetarget *t = row->target;
	const struct starttls_result *r = &p->seen.seen;
	struct nexthop where = {.name = ""};
	struct judge_gateway g = {
	    .attributes = t->attributes,
	    .gateway = t->gateway,
	    .level = t->level,
	    .host = row->seen.host,
	    .tlsa = row->tlsa,
	    .ntlsa = row->ntlsa,
	    .tlsa_fault = row->tlsa_fault,
	    .tlsa_base = row->ntlsa > 0 ? row->sni : NULL,
	    .expanded = row->domain,
	    .dane = p->set.prober.dane,
	    .warn_days = p->set.warn_days,
	    .at = p->set.now(),
	};
	static struct judgement j; /* large */
	struct err e = {0};
	int rv;

	(void)nexthop_parse(t->nexthop, &where);
	g.nexthop = t->domain != NULL ? t->domain : where.name;
	if (p->set.last_key != NULL)
		g.last_key = p->set.last_key(t, row->seen.host, p->set.arg);
	rv = judge_session(p->set.judge, &g, r, &j, &e);
	take_session(p, row, r, &j);
	judge_own(p, row, &g);
	if (rv == -1)
		row->seen.detail = keep(p, e.text);
	finish_row(p, row, r, &j);
}

/* --- What the prober says ------------------------------------------------ */

static int
refuse(struct err *e, const char *why)
{
	return err_set(e, EX_DATAERR, "%s", why);
}

/* Where a next-hop names a host or an address, there is no other. */
static bool
leads_there(const struct nexthop *where, const struct probewire *w)
{
	if (!where->direct || *w->host == '\0')
		return true;
	return strcmp(w->host, where->name) == 0 &&
	       (where->len == 0 || *w->address == '\0' ||
		   strcmp(w->address, where->name) == 0);
}

static int
take_row(struct proberun *p, const struct probewire *w, struct err *e)
{
	const struct prober_settings *s = &p->set.prober;
	const struct probetarget *t;
	struct nexthop where = {.name = ""};

	if (w->target >= s->n || p->asked[w->target].done)
		return refuse(e, "it tells of a target that was not asked for");
	if (p->asked[w->target].rows++ == TARGET_ROWS || p->n == PROBEWIRE_ROWS)
		return refuse(e, "it tells of too many gateways");
	t = &s->target[w->target];
	if (p->asked[w->target].rows == 1)
		p->asked[w->target].began = p->set.now();
	(void)nexthop_parse(t->nexthop, &where);
	if (!leads_there(&where, w))
		return refuse(e, "its gateway is another than the next-hop");
	if (!probeplan_wants_tlsa(t, s->dane) &&
	    (w->ntlsa > 0 || w->fault != FAULT_OK))
		return refuse(e, "it tells of TLSA records that do not matter");
	p->row = mem_grow(p->row, p->n, &p->cap, sizeof(struct proberow *));
	p->row[p->n] = row_new(p, w, t, where.port != 0 ? where.port : s->port);
	p->n++;
	return 0;
}

/* A row that waits for its end, or NULL. */
static struct proberow *
waiting(struct proberun *p, uint32_t row, struct err *e)
{
	if (row < p->n && !p->row[row]->done)
		return p->row[row];
	(void)refuse(e, "it tells of a gateway that it did not find");
	return NULL;
}

static int
take_none(struct proberun *p, const struct probewire *w, struct err *e)
{
	struct proberow *row = waiting(p, w->row, e);

	if (row == NULL)
		return -1;
	row->fault = row->recorded = w->fault;
	row->seen.detail = keep(p, w->detail);
	finish_row(p, row, NULL, NULL);
	return 0;
}

static int
take_judge(struct proberun *p, const struct probewire *w, struct err *e)
{
	struct proberow *row = waiting(p, w->row, e);

	if (row == NULL)
		return -1;
	if (!p->has_seen || *row->seen.address == '\0')
		return refuse(e, "it tells of a gateway that it cannot reach");
	p->unused = false;
	judge_row(p, row);
	return 0;
}

/* The chain stays until the next one. */
static int
take_seen(struct proberun *p, struct probewire *w, struct err *e)
{
	if (p->unused)
		return refuse(e, "it tells of a session with nobody");
	probewire_release(&p->seen);
	p->seen = *w;
	w->seen.chain = NULL;
	p->has_seen = p->unused = true;
	return 0;
}

static int
take_texts(struct proberun *p, const struct probewire *w, struct err *e)
{
	if (w->target >= p->set.prober.n || p->asked[w->target].done ||
	    !p->set.prober.target[w->target].fresh)
		return refuse(e, "it tells of a target that was not asked for");
	p->asked[w->target].mta_sts = w->mta_sts;
	p->asked[w->target].tls_rpt = w->tls_rpt;
	return 0;
}

static int
take_asked(struct proberun *p, const struct probewire *w, struct err *e)
{
	if (w->target >= p->set.prober.n || p->asked[w->target].done)
		return refuse(e, "it tells of a target that was not asked for");
	p->asked[w->target].done = true;
	p->nasked++;
	end_target(p, &p->set.prober.target[w->target]);
	return 0;
}

static int
take_record(struct proberun *p, const char *text, size_t len, struct err *e)
{
	static struct probewire w; /* large */
	int rv = -1;

	if (probewire_parse(&w, text, len, e) == -1)
		return -1;
	switch (w.kind) {
	case PROBEWIRE_ROW:
		rv = take_row(p, &w, e);
		break;
	case PROBEWIRE_NONE:
		rv = take_none(p, &w, e);
		break;
	case PROBEWIRE_SEEN:
		rv = take_seen(p, &w, e);
		break;
	case PROBEWIRE_JUDGE:
		rv = take_judge(p, &w, e);
		break;
	case PROBEWIRE_TEXTS:
		rv = take_texts(p, &w, e);
		break;
	case PROBEWIRE_ASKED:
		rv = take_asked(p, &w, e);
		break;
	case PROBEWIRE_UNABLE:
		(void)err_set(
		    e, w.code == 0 ? EX_SOFTWARE : w.code, "%s", w.detail);
		break;
	}
	probewire_release(&w);
	return rv;
}

static bool
complete(const struct proberun *p)
{
	return p->nasked == p->set.prober.n && p->done == p->n;
}

/* why: NULL if it is what it ended with that counts. */
static void
over(struct proberun *p, const struct err *why)
{
	struct err e = {0};
	int rv;

	if (p->over)
		return;
	p->over = true;
	if (why != NULL)
		p->why = *why;
	if (p->in != NULL)
		(void)event_del(p->in);
	rv =
	    apart_end(&p->prober, why != NULL || complete(p), "the prober", &e);
	if (why == NULL && !complete(p)) {
		if (rv == 0)
			(void)err_set(&e, EX_UNAVAILABLE,
			    "the prober ended before it had looked at all");
		p->why = e;
	}
	if (p->set.done != NULL)
		p->set.done(p->set.arg);
}

/* Take the records that are there whole. */
static int
take_records(struct proberun *p, struct err *e)
{
	size_t at = 0, len, used;
	const char *text;

	while (at < p->said.len) {
		switch (netstring_take(p->said.data + at, p->said.len - at,
		    PROBEWIRE_MAX, &text, &len, &used)) {
		case NETSTRING_BAD:
			return refuse(e, "it is no record");
		case NETSTRING_MORE:
			used = 0;
			break;
		case NETSTRING_DONE:
			if (take_record(p, text, len, e) == -1)
				return -1;
			break;
		}
		if (used == 0)
			break;
		at += used;
	}
	memmove(p->said.data, p->said.data + at, p->said.len - at);
	p->said.len -= at;
	return 0;
}

static void
wait_on(struct proberun *p)
{
	const struct timeval patience = {
	    .tv_sec = SILENCE_S + (PROBER_SESSION_STEPS + 1) *
				      (time_t)p->set.prober.timeout_ms / 1000};

	(void)event_add(p->silence, &patience);
}

static void
on_said(evutil_socket_t fd, short what, void *arg)
{
	struct proberun *p = arg;
	struct err e = {0}, why;
	ssize_t n;

	(void)what;
	n = read(fd, buf_room(&p->said, CHUNK), CHUNK);
	if (n == -1 && errno == EINTR)
		return;
	if (n <= 0) {
		over(p, NULL);
		return;
	}
	p->said.len += (size_t)n;
	wait_on(p);
	if (take_records(p, &e) == -1) {
		if (e.code == EX_DATAERR)
			(void)err_set(&why, EX_DATAERR,
			    "the prober was stopped for what it said: %s",
			    e.text);
		else
			why = e;
		over(p, &why);
	} else if (complete(p))
		over(p, NULL);
}

static void
on_silence(evutil_socket_t fd, short what, void *arg)
{
	struct proberun *p = arg;
	struct err e;

	(void)fd;
	(void)what;
	(void)err_set(&e, EX_UNAVAILABLE, "the prober fell silent");
	over(p, &e);
}

/* --- All of it ----------------------------------------------------------- */

/* All CA files now, while we are who may read them. */
static void
load_rules(const struct proberun_settings *set)
{
	struct err e;
	size_t i;

	for (i = 0; i < set->prober.n; i++) {
		const struct probetarget *t = &set->prober.target[i];
		const struct judge_gateway g = {.attributes = t->attributes,
		    .gateway = t->gateway,
		    .level = t->level};

		/* What fails is told with the verdict. */
		(void)judge_load(set->judge, &g, &e);
	}
}

struct proberun *
proberun_start(const struct proberun_settings *set, struct err *e)
{
	struct proberun *p = mem_zero(1, sizeof(*p));

	load_rules(set);
	p->set = *set;
	p->asked = mem_zero(set->prober.n + 1, sizeof(*p->asked));
	if (set->prober.n > 0 &&
	    apart_start(&p->prober, set->user,
		set->work == NULL ? prober_main : set->work, &p->set.prober,
		e) == -1) {
		proberun_free(p);
		return NULL;
	}
	return p;
}

void
proberun_listen(struct proberun *p, struct event_base *base)
{
	if (p->set.prober.n == 0) {
		p->over = true;
		return;
	}
	p->in = event_new(base, p->prober.fd, EV_READ | EV_PERSIST, on_said, p);
	(void)event_add(p->in, NULL);
	p->silence = evtimer_new(base, on_silence, p);
	wait_on(p);
}

static int
by_order(const void *a, const void *b)
{
	const struct proberow *const *x = a, *const *y = b;

	if ((*x)->target != (*y)->target)
		return (*x)->target < (*y)->target ? -1 : 1;
	return (*x)->order < (*y)->order ? -1 : 1;
}

int
proberun_end(
    struct proberun *p, struct proberow *const **row, size_t *n, struct err *e)
{
	struct err broken;

	if (!p->over) {
		(void)err_set(&broken, EX_TEMPFAIL, "broken off");
		p->set.done = NULL;
		over(p, &broken);
	}
	if (p->n > 0)
		qsort(p->row, p->n, sizeof(*p->row), by_order);
	if (row != NULL) {
		*row = p->row;
		*n = p->n;
	}
	if (p->why.code == 0)
		return 0;
	*e = p->why;
	return -1;
}

void
proberun_texts(const struct proberun *p, size_t target,
    enum probewire_text *mta_sts, enum probewire_text *tls_rpt)
{
	*mta_sts = p->asked[target].mta_sts;
	*tls_rpt = p->asked[target].tls_rpt;
}

void
proberun_progress(
    const struct proberun *p, size_t *found, size_t *done, size_t *failed)
{
	*found = p->n + p->set.prober.n - p->nasked;
	*done = p->done;
	*failed = p->failed;
}

void
proberun_free(struct proberun *p)
{
	struct err e;

	if (p == NULL)
		return;
	(void)apart_end(&p->prober, true, "the prober", &e);
	if (p->in != NULL)
		event_free(p->in);
	if (p->silence != NULL)
		event_free(p->silence);
	probewire_release(&p->seen);
	arena_free(&p->arena);
	free(p->row);
	free(p->asked);
	buf_free(&p->said);
	free(p);
}
