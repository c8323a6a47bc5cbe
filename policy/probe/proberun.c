#include "proberun.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>

#include "process.h"
#include "buf.h"
#include "err.h"
#include "judge.h"
#include "mem.h"
#include "netstring.h"
#include "dname.h"
#include "probeplan.h"
#include "proberow.h"
#include "probewire.h"
#include "registry.h"

#define SILENCE_S 60 /* beyond what a session or the DNS may take */
#define CHUNK 65536
#define TARGET_ROWS (MXDNS_MAX_HOSTS * (MXDNS_MAX_ADDRS + 1))

/* A row, and what it takes to judge what is seen there. */
struct view {
	struct proberow *row;
	enum fault tlsa_fault;
	struct x509_tlsa *tlsa; /* followed by the data */
	size_t ntlsa;
	bool done;
};

/* What was said of a target. */
struct asked {
	bool done;
	unsigned rows;
};

struct proberun {
	struct proberun_settings set;
	struct apart prober;
	struct event *in, *silence;
	struct buf said;
	struct view *view; /* in the order of their numbers */
	size_t n, view_cap;
	struct proberow **row;
	struct asked *asked; /* for each target */
	size_t nasked, done, failed;
	struct probewire seen; /* the last session */
	bool has_seen, unused; /* there is one, of which no row was told */
	bool over;
	struct err why; /* code 0: it has done all */
	bool sorted;
};

/* --- Verdicts ------------------------------------------------------------ */

static void
finish_row(struct proberun *p, struct view *v, const struct starttls_result *s,
    const struct judgement *j)
{
	v->done = true;
	v->row->time = p->set.now();
	p->done++;
	if (v->row->fault != FAULT_OK)
		p->failed++;
	if (p->set.result != NULL)
		p->set.result(v->row, s, j, p->set.arg);
}

static void
judge_view(struct proberun *p, struct view *v)
{
	const struct probetarget *t = v->row->target;
	const struct starttls_result *r = &p->seen.seen;
	struct nexthop where = {.name = ""};
	struct judge_gateway g = {
	    .terms = t->terms,
	    .gateway = t->gateway,
	    .level = t->level,
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

	(void)nexthop_parse(t->nexthop, &where);
	g.nexthop = t->domain != NULL ? t->domain : where.name;
	if (p->set.last_key != NULL)
		g.last_key = p->set.last_key(t, v->row->host, p->set.arg);
	rv = judge_session(p->set.judge, &g, r, &j, &e);
	proberow_take(v->row, r, &j);
	if (rv == -1)
		proberow_say(v->row, "%s", e.text);
	finish_row(p, v, r, &j);
}

/* --- What the prober says ------------------------------------------------ */

static int
refuse(struct err *e, const char *why)
{
	return err_set(e, EX_DATAERR, "%s", why);
}

static void
keep_tlsa(struct view *v, const struct probewire *w)
{
	size_t i, total = 0;
	unsigned char *data;

	for (i = 0; i < w->ntlsa; i++)
		total += w->tlsa[i].len;
	v->tlsa = mem_zero(1, w->ntlsa * sizeof(*v->tlsa) + total + 1);
	v->ntlsa = w->ntlsa;
	v->tlsa_fault = w->fault;
	data = (unsigned char *)(v->tlsa + w->ntlsa);
	for (i = 0; i < w->ntlsa; i++) {
		v->tlsa[i] = w->tlsa[i];
		v->tlsa[i].data = data;
		memcpy(data, w->tlsa[i].data, w->tlsa[i].len);
		data += w->tlsa[i].len;
	}
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
	struct view *v;

	if (w->target >= s->n || p->asked[w->target].done)
		return refuse(e, "it tells of a target that was not asked for");
	if (p->asked[w->target].rows++ == TARGET_ROWS || p->n == PROBEWIRE_ROWS)
		return refuse(e, "it tells of too many gateways");
	t = &s->target[w->target];
	(void)nexthop_parse(t->nexthop, &where);
	if (!leads_there(&where, w))
		return refuse(e, "its gateway is another than the next-hop");
	if (!prober_wants_tlsa(t, s->dane) &&
	    (w->ntlsa > 0 || w->fault != FAULT_OK))
		return refuse(e, "it tells of TLSA records that do not matter");
	p->view = mem_grow(p->view, p->n, &p->view_cap, sizeof(*p->view));
	v = &p->view[p->n];
	*v = (struct view){.row = proberow_new(t, w->host, w->address,
			       where.port != 0 ? where.port : s->port)};
	v->row->order = p->n++;
	v->row->mx_dns = w->mx_dns;
	v->row->host_dns = w->host_dns;
	v->row->tlsa = w->ntlsa;
	if (*w->sni != '\0')
		v->row->sni = mem_dup(w->sni);
	keep_tlsa(v, w);
	return 0;
}

/* A row that waits for its end, or NULL. */
static struct view *
waiting(struct proberun *p, uint32_t row, struct err *e)
{
	if (row < p->n && !p->view[row].done)
		return &p->view[row];
	(void)refuse(e, "it tells of a gateway that it did not find");
	return NULL;
}

static int
take_none(struct proberun *p, const struct probewire *w, struct err *e)
{
	struct view *v = waiting(p, w->row, e);

	if (v == NULL)
		return -1;
	v->row->fault = w->fault;
	proberow_say(v->row, "%s", w->detail);
	finish_row(p, v, NULL, NULL);
	return 0;
}

static int
take_judge(struct proberun *p, const struct probewire *w, struct err *e)
{
	struct view *v = waiting(p, w->row, e);

	if (v == NULL)
		return -1;
	if (!p->has_seen || *v->row->address == '\0')
		return refuse(e, "it tells of a gateway that it cannot reach");
	p->unused = false;
	judge_view(p, v);
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
take_asked(struct proberun *p, const struct probewire *w, struct err *e)
{
	if (w->target >= p->set.prober.n || p->asked[w->target].done)
		return refuse(e, "it tells of a target that was not asked for");
	p->asked[w->target].done = true;
	p->nasked++;
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
		const struct judge_gateway g = {.terms = t->terms,
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

int
proberun_end(struct proberun *p, struct err *e)
{
	struct err broken;

	if (!p->over) {
		(void)err_set(&broken, EX_TEMPFAIL, "broken off");
		p->set.done = NULL;
		over(p, &broken);
	}
	if (p->why.code == 0)
		return 0;
	*e = p->why;
	return -1;
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
	size_t i;

	if (p->row == NULL || !p->sorted) {
		free(p->row);
		p->row = mem_zero(p->n + 1, sizeof(*p->row));
		for (i = 0; i < p->n; i++)
			p->row[i] = p->view[i].row;
		if (p->n > 0)
			qsort(p->row, p->n, sizeof(*p->row), by_order);
	}
	p->sorted = p->over;
	*n = p->n;
	return p->row;
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
	size_t i;

	if (p == NULL)
		return;
	(void)apart_end(&p->prober, true, "the prober", &e);
	if (p->in != NULL)
		event_free(p->in);
	if (p->silence != NULL)
		event_free(p->silence);
	probewire_release(&p->seen);
	for (i = 0; i < p->n; i++) {
		proberow_free(p->view[i].row);
		free(p->view[i].tlsa);
	}
	free(p->view);
	free(p->row);
	free(p->asked);
	buf_free(&p->said);
	free(p);
}
