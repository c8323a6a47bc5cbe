#include "certs.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "certlook.h"
#include "checkup.h"
#include "ctlfacts.h"
#include "err.h"
#include "evidence_own.h"
#include "fault.h"
#include "life.h"
#include "mem.h"
#include "names.h"
#include "registry.h"
#include "step.h"

#define CHAIN 10 /* certificates of a chain that are looked into */

struct reading {
	struct certs *out;
	struct names row; /* "partner\nhost": the index of the row */
};

const char *const cert_state_names[] = {[CERT_UNSEEN] = "unseen",
    [CERT_OK] = "ok",
    [CERT_SOON] = "soon",
    [CERT_FAILS] = "fails",
    [CERT_ENDED] = "ended"};

static struct cert_row *
add(struct certs *c, const char *partner, const char *gateway)
{
	c->v = mem_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n] = (struct cert_row){
	    .partner = partner, .gateway = gateway, .issuer = "", .fault = ""};
	return &c->v[c->n++];
}

/* The key of a row, for names.h. */
static void
put_key(struct buf *key, const char *partner, const char *host)
{
	buf_clear(key);
	buf_printf(key, "%s\n%s", partner, host);
}

static void
take_partner(struct reading *r, const struct ctl_facts *f, time_t now)
{
	const bool enforced = ctl_facts_view(f, now).enforced;
	const char *contact = f->partner == NULL ? NULL : f->partner->contact;
	const struct evidence_probe *p;
	struct buf key = {0};
	struct cert_row *row;
	uint32_t at;
	size_t i;

	/* Rows and names are numbered alike. */
	put_key(&key, f->name, "");
	if (f->n + f->silent == 0 &&
	    names_find(&r->row, key.data, key.len) == STRMAP_NONE) {
		(void)names_add(&r->row, key.data, key.len);
		row = add(r->out, f->name, "");
		row->contact = contact;
		row->enforced = enforced;
		row->level = f->full;
	}
	for (i = 0; i < f->n + f->silent; i++) {
		p = &f->gateway[i].last;
		/* Of a DNS that is silent the gateways tell more. */
		if (*p->host == '\0' && f->silent > 0)
			continue;
		put_key(&key, f->name, p->host);
		at = names_find(&r->row, key.data, key.len);
		if (at == STRMAP_NONE) {
			(void)names_add(&r->row, key.data, key.len);
			row = add(r->out, f->name, p->host);
			row->contact = contact;
			row->enforced = enforced;
			row->level = f->full;
		} else {
			row = &r->out->v[at];
		}
		if (p->time > row->seen)
			row->seen = p->time;
		if (*row->fault == '\0' || strcmp(row->fault, "ok") == 0) {
			row->fault = p->fault;
			row->failed = i < f->n && step_by_log(&f->step[i])
					  ? f->step[i].failed
					  : 0;
		}
		if (p->not_after == 0 ||
		    (row->ends != 0 && row->ends <= p->not_after))
			continue;
		row->ends = p->not_after;
		row->begins = p->begins;
	}
	buf_free(&key);
}

static bool
take_chain(const struct evidence_probe *p, void *arg)
{
	struct reading *r = arg;
	struct certlook look[CHAIN];
	struct buf key = {0};
	struct cert_row *row;
	uint32_t at;
	size_t n, i;

	put_key(&key, p->partner, p->host);
	at = names_find(&r->row, key.data, key.len);
	buf_free(&key);
	if (at == STRMAP_NONE)
		return true;
	row = &r->out->v[at];
	n = certlook_pem(p->chain, strlen(p->chain), look, CHAIN);
	if (n > 0 && *row->issuer == '\0') {
		row->issuer = arena_copy(
		    &r->out->arena, look[0].issuer, strlen(look[0].issuer));
		row->issuer_cn = look[0].issuer_cn;
	}
	/* The last look may have met nobody, or found no fault to date. */
	if (row->ends == 0) {
		row->ends = p->not_after;
		row->begins = p->begins;
	}
	for (i = 0; i < n && row->begins == 0; i++)
		if (look[i].ends == row->ends)
			row->begins = look[i].begins;
	return true;
}

/* Those of ours: texts are copied. */
struct reading_ours {
	struct certs *out;
	const struct certs_ours *ours;
	size_t seen; /* by the record */
};

static struct cert_row *
add_ours(struct certs *c, const char *what, const char *name)
{
	struct cert_row *row =
	    add(c, "(ours)", arena_copy(&c->arena, name, strlen(name)));

	row->ours = arena_copy(&c->arena, what, strlen(what));
	row->level = LEVEL_SECURE;
	return row;
}

static struct cert_row *
add_read(struct certs *c, const char *what, const char *name, time_t begins,
    time_t ends)
{
	struct cert_row *row = add_ours(c, what, name);

	row->fault = "ok";
	row->begins = begins;
	row->ends = ends;
	return row;
}

static void
add_unread(struct certs *c, const char *what, const char *name, const char *why)
{
	struct cert_row *row = add_ours(c, what, name);

	row->unread = arena_copy(&c->arena, why, strlen(why));
}

/* Of the record only what was not read now. */
static bool
take_own(const struct evidence_own *o, void *arg)
{
	struct reading_ours *r = arg;
	struct certs *c = r->out;
	size_t i;

	if (o->ends == 0)
		return true;
	for (i = 0; i < r->ours->n; i++)
		if (r->ours->v[i].fault == NULL &&
		    strcmp(r->ours->v[i].name, o->name) == 0)
			return true;
	/* As server and as client it is told of once. */
	for (i = 0; i < c->n; i++)
		if (c->v[i].ours != NULL && c->v[i].ends == o->ends &&
		    strcmp(c->v[i].gateway, o->name) == 0)
			return true;
	add_read(c, o->what, o->name, o->begins, o->ends)->seen = o->time;
	r->seen++;
	return true;
}

static int
read_ours(struct evidence *v, time_t now, const struct certs_ours *ours,
    struct certs *out, struct err *e)
{
	struct reading_ours r = {.out = out, .ours = ours};
	bool unread = ours->fault != NULL;
	const struct checkup_own *x;

	for (x = ours->v; x < ours->v + ours->n; x++) {
		if (x->fault == NULL) {
			add_read(out, x->what, x->name, x->begins, x->ends)
			    ->seen = now;
		} else if (x->bad) {
			add_unread(out, x->what, x->name, x->fault);
			out->v[out->n - 1].bad = true;
		} else {
			unread = true;
		}
	}
	if (!unread)
		return 0;
	if (evidence_own_last(v, now + 1, take_own, &r, e) == -1)
		return -1;
	if (r.seen > 0)
		return 0;
	if (ours->fault != NULL)
		add_unread(out, "certificate", "", ours->fault);
	for (x = ours->v; x < ours->v + ours->n; x++)
		if (x->fault != NULL && !x->bad)
			add_unread(out, x->what, x->name, x->fault);
	return 0;
}

static void
judge(struct cert_row *row, time_t now)
{
	enum fault fault = FAULT_OK;

	(void)fault_parse(row->fault, &fault);
	/* What it shows now is another one, of which no date was seen. */
	if (fault == FAULT_EXPIRED && row->ends > now)
		row->begins = row->ends = 0;
	row->share = life_share(row->begins, row->ends, now);
	if (row->ends != 0)
		row->days = life_days(row->ends, now);
	if (fault == FAULT_EXPIRED || (row->ends != 0 && row->ends <= now))
		row->state = CERT_ENDED;
	else if (row->level != LEVEL_OPPORTUNISTIC && fault_is_tls(fault))
		row->state = CERT_FAILS;
	else if (row->ends == 0)
		row->state = row->bad ? CERT_FAILS : CERT_UNSEEN;
	else
		row->state =
		    life_ends_soon(row->begins, row->ends, now, LIFE_WARN_DAYS)
			? CERT_SOON
			: CERT_OK;
}

/* Those without a date: first what has ended, last what is not known. */
static int
rank(const struct cert_row *row)
{
	return row->ends != 0 ? 1 : row->state == CERT_ENDED ? 0 : 2;
}

static int
by_end(const void *x, const void *y)
{
	const struct cert_row *a = x, *b = y;
	int rv;

	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	if (a->ends != b->ends)
		return (a->ends > b->ends) - (a->ends < b->ends);
	rv = strcmp(a->partner, b->partner);
	return rv != 0 ? rv : strcmp(a->gateway, b->gateway);
}

int
certs_read(const struct ctl *c, const struct ctl_facts *f, size_t n,
    const struct certs_ours *ours, struct certs *out, struct err *e)
{
	struct reading r = {.out = out};
	const char *partner = n == 1 ? f->name : NULL;
	struct evidence *v;
	size_t i;
	int rv = -1;

	*out = (struct certs){0};
	for (i = 0; i < n; i++)
		take_partner(&r, &f[i], c->now);
	v = evidence_open(c->set.evidence, c->set.ledger, EVIDENCE_READ, e);
	if (v != NULL)
		rv = evidence_chains(v, partner, take_chain, &r, e);
	else if (e->code == EX_NOINPUT)
		rv = 0;
	/* Last, as rows and names are numbered alike. */
	if (rv == 0 && ours != NULL)
		rv = read_ours(v, c->now, ours, out, e);
	evidence_close(v);
	names_free(&r.row);
	for (i = 0; i < out->n; i++)
		judge(&out->v[i], c->now);
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), by_end);
	return rv;
}

bool
certs_demanded(const struct cert_row *row)
{
	return row->level == LEVEL_SECURE;
}

void
certs_release(struct certs *c)
{
	free(c->v);
	arena_free(&c->arena);
	*c = (struct certs){0};
}
