#include "proberecord.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "arena.h"
#include "buf.h"
#include "clock.h"
#include "err.h"
#include "evidence_log.h"
#include "fault.h"
#include "judge.h"
#include "mem.h"
#include "probemoved.h"
#include "proberefused.h"
#include "probeplan.h"
#include "proberun.h"
#include "registry.h"
#include "starttls.h"
#include "x509.h"

#define GIVE_UP 3 /* failures in a row after which no more is tried */

struct proberecord {
	struct evidence *evidence; /* NULL: could not be opened */
	const char *ledger;
	bool write;
	int code;	 /* of the first failure */
	unsigned in_row; /* failures */
	size_t lost;
	char key[EVIDENCE_KEY];
	struct buf pem;
	struct arena arena;
	struct evidence_probe *seen;
	size_t nseen, cap;
	struct probemoved *moved;
	size_t nmoved, moved_cap;
	struct proberefused *refused;
	size_t nrefused, refused_cap;
	const struct registry *registry;
	time_t span;
};

/* True if it is the first one, which is worth telling. */
static bool
failed(struct proberecord *p, const struct err *e)
{
	p->in_row++;
	if (p->code != 0)
		return false;
	p->code = e->code;
	return true;
}

struct proberecord *
proberecord_open(const char *path, const char *ledger, enum evidence_mode mode,
    struct err *e)
{
	struct proberecord *p = mem_zero(1, sizeof(*p));

	e->code = 0;
	p->write = mode == EVIDENCE_WRITE;
	p->ledger = ledger;
	p->evidence = evidence_open(path, ledger, mode, e);
	if (p->evidence == NULL && p->write)
		(void)failed(p, e);
	else if (e->code == EX_NOINPUT)
		e->code = 0;
	return p;
}

/* The chain as PEM in p->pem, or "". */
static const char *
chain_text(struct proberecord *p, const struct starttls_result *s)
{
	buf_clear(&p->pem);
	if (s != NULL && s->chain != NULL)
		(void)x509_chain_pem(s->chain, &p->pem);
	return p->pem.len == 0 ? "" : p->pem.data;
}

/* What the look was judged by, and how the gateway was asked. */
static void
rule_of(const struct probetarget *t, char out[DIGEST_HEX])
{
	const struct judge_gateway g = {.attributes = t->attributes,
	    .gateway = t->gateway,
	    .level = t->own};
	const char *name = t->attributes->servername;
	struct digest *d = digest_new();

	judge_rule(&g, out);
	digest_add(d, out, DIGEST_HEX);
	digest_add(d, &t->attributes->ciphers, sizeof(t->attributes->ciphers));
	if (name != NULL)
		digest_add(d, name, strlen(name));
	digest_hex(d, out);
}

int
proberecord_add(struct proberecord *p, struct proberow *row,
    const struct starttls_result *s, struct err *e)
{
	struct evidence_probe probe = row->seen;
	char rule[DIGEST_HEX];

	if (!p->write || !row->target->listed || row->unknown)
		return 0;
	if (p->evidence == NULL || p->in_row >= GIVE_UP) {
		p->lost++;
		return 0;
	}
	probe.fault = fault_text(row->recorded);
	probe.chain = chain_text(p, s);
	rule_of(row->target, rule);
	probe.rule = rule;
	if (evidence_probe_add(p->evidence, &probe, &row->turns, e) == 0) {
		p->in_row = 0;
		return 0;
	}
	p->lost++;
	return failed(p, e) ? -1 : 0;
}

int
proberecord_told(struct proberecord *p, const struct probetarget *t,
    time_t began, struct err *e)
{
	if (!p->write || !t->listed || p->lost > 0 || p->evidence == NULL ||
	    evidence_looked(p->evidence, t->name, t->nexthop, began, e) == 0)
		return 0;
	return failed(p, e) ? -1 : 0;
}

const char *
proberecord_last_key(
    struct proberecord *p, const struct probetarget *t, const char *host)
{
	struct err e;

	if (p->evidence == NULL || t->partner == NULL ||
	    evidence_passed_key(p->evidence, t->name, host, p->key, &e) == -1 ||
	    p->key[0] == '\0')
		return NULL;
	return p->key;
}

/* A key among those of a partner's gateways. */
struct any_key {
	struct proberecord *p;
	const char *key;
	time_t vouched;
};

static bool
on_vouched(const struct evidence_gateway *g, void *arg)
{
	struct any_key *a = arg;
	const bool same = strcmp(g->key, a->key) == 0;

	if (strlen(g->key) != EVIDENCE_KEY - 1 ||
	    (!same && g->vouched <= a->vouched))
		return true;
	a->vouched = g->vouched;
	memcpy(a->p->key, g->key, EVIDENCE_KEY);
	return !same;
}

const char *
proberecord_any_key(struct proberecord *p, const char *partner, const char *key)
{
	struct any_key a = {.p = p, .key = key};
	struct err e;

	p->key[0] = '\0';
	if (p->evidence == NULL ||
	    evidence_gateways(p->evidence, partner, 0, on_vouched, &a, &e) ==
		-1 ||
	    p->key[0] == '\0')
		return NULL;
	return p->key;
}

/* Targets by next-hop, for which a name is enough here. */
struct slow {
	const struct probetarget *target;
	struct strmap map;
	bool *slow;
};

static const char *
target_name(const void *array, uint32_t i)
{
	return ((const struct probetarget *)array)[i].nexthop;
}

static bool
on_last(const struct evidence_gateway *g, void *arg)
{
	struct slow *s = arg;
	enum fault fault;
	uint32_t i;

	if (fault_parse(g->last.fault, &fault) == -1 ||
	    (fault != FAULT_TIMEOUT && fault != FAULT_CONNECT_TIMEOUT))
		return true;
	i = strmap_find(
	    &s->map, s->target, g->last.nexthop, strlen(g->last.nexthop));
	if (i != STRMAP_NONE)
		s->slow[i] = true;
	return true;
}

void
proberecord_slow(const char *path, const char *ledger,
    const struct probetarget *t, size_t n, bool *slow)
{
	struct slow s = {.target = t, .slow = slow};
	struct evidence *v;
	struct err e;
	size_t i;

	if ((v = evidence_open(path, ledger, EVIDENCE_READ, &e)) == NULL)
		return;
	strmap_init(&s.map, target_name);
	for (i = 0; i < n; i++)
		(void)strmap_add(
		    &s.map, t, t[i].nexthop, strlen(t[i].nexthop), (uint32_t)i);
	(void)evidence_gateways(v, NULL, 0, on_last, &s, &e);
	strmap_free(&s.map);
	evidence_close(v);
}

static const char *
keep(struct proberecord *p, const char *s)
{
	return arena_copy(&p->arena, s, strlen(s));
}

static bool
on_gateway(const struct evidence_gateway *g, void *arg)
{
	struct proberecord *p = arg;

	if (evidence_gone(g, p->span) ||
	    !registry_has(p->registry, g->last.partner, g->last.nexthop))
		return true;
	p->seen = mem_grow(p->seen, p->nseen, &p->cap, sizeof(*p->seen));
	p->seen[p->nseen++] = (struct evidence_probe){
	    .partner = keep(p, g->last.partner),
	    .nexthop = keep(p, g->last.nexthop),
	    .host = keep(p, g->last.host),
	    .address = keep(p, g->last.address),
	    .port = g->last.port,
	    .time = g->last.time,
	    .begins = g->last.begins,
	    .not_after = g->last.not_after,
	};
	return true;
}

/* A gateway whose last result showed no certificate: the one before. */
static bool
on_chain(const struct evidence_probe *c, void *arg)
{
	struct proberecord *p = arg;
	struct evidence_probe *s;
	size_t i;

	for (i = 0; i < p->nseen; i++) {
		s = &p->seen[i];
		if (s->not_after == 0 && strcmp(s->host, c->host) == 0 &&
		    strcmp(s->nexthop, c->nexthop) == 0 &&
		    strcmp(s->partner, c->partner) == 0) {
			s->begins = c->begins;
			s->not_after = c->not_after;
		}
	}
	return true;
}

int
proberecord_seen(struct proberecord *p, const struct registry *reg, time_t now,
    time_t span, const struct evidence_probe **seen, size_t *n, struct err *e)
{
	time_t since = now - (time_t)PROBERECORD_DAYS * CLOCK_DAY;
	int rv = 0;

	p->registry = reg;
	p->span = span;
	if (p->evidence != NULL &&
	    (evidence_gateways(p->evidence, NULL, since, on_gateway, p, e) ==
		    -1 ||
		evidence_chains(p->evidence, NULL, on_chain, p, e) == -1))
		rv = -1;
	*seen = p->seen;
	*n = p->nseen;
	return rv;
}

/* The rows of a look, of which target. */
struct there {
	struct proberow *const *row;
	size_t n;
	const struct probetarget *target;
};

static bool
is_there(const char *host, void *arg)
{
	const struct there *t = arg;
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->row[i]->target == t->target &&
		    strcasecmp(t->row[i]->seen.host, host) == 0)
			return true;
	return false;
}

int
proberecord_moved(struct proberecord *p, struct proberow *const *row, size_t n,
    const struct probemoved **moved, size_t *nmoved, struct err *e)
{
	struct there t = {.row = row, .n = n};
	struct probemoved m;
	size_t i;

	for (i = 0; i < n && p->evidence != NULL; i++) {
		if (row[i]->target == t.target ||
		    row[i]->target->partner == NULL ||
		    *row[i]->seen.host == '\0' || !fault_is_tls(row[i]->fault))
			continue;
		t.target = row[i]->target;
		m = (struct probemoved){.partner = t.target->name,
		    .nexthop = t.target->nexthop,
		    .is = row[i]->seen.host};
		if (probemoved_find(
			&m, p->evidence, is_there, &t, &p->arena, e) == -1)
			return -1;
		if (m.was == NULL)
			continue;
		p->moved = mem_grow(
		    p->moved, p->nmoved, &p->moved_cap, sizeof(*p->moved));
		p->moved[p->nmoved++] = m;
	}
	*moved = p->moved;
	*nmoved = p->nmoved;
	return 0;
}

static bool
is_required(const struct partner *p)
{
	return p->attributes != NULL &&
	       p->attributes->inbound == INBOUND_REQUIRE;
}

int
proberecord_refused(struct proberecord *p, struct proberow *const *row,
    size_t n, time_t since, const struct proberefused **refused,
    size_t *nrefused, struct err *e)
{
	const struct probetarget *last = NULL;
	struct proberefused r;
	size_t i;

	for (i = 0; i < n && p->evidence != NULL; i++) {
		if (row[i]->target->partner == NULL ||
		    (last != NULL && last->partner == row[i]->target->partner))
			continue;
		last = row[i]->target;
		r = (struct proberefused){.partner = last->name};
		if (proberefused_find(
			&r, p->evidence, p->ledger, since, &p->arena, e) == -1)
			return -1;
		/* What was let in is no matter where no rule is left. */
		if (r.at == 0 && !is_required(last->partner))
			r.let_in = 0;
		if (r.at == 0 && r.let_in == 0)
			continue;
		p->refused = mem_grow(p->refused, p->nrefused, &p->refused_cap,
		    sizeof(*p->refused));
		p->refused[p->nrefused++] = r;
	}
	*refused = p->refused;
	*nrefused = p->nrefused;
	return 0;
}

int
proberecord_end(struct proberecord *p, time_t now, uint64_t keep, size_t *lost,
    struct err *e)
{
	e->code = 0;
	*lost = p->lost;
	if (p->code != 0 || keep == 0 || !p->write || p->evidence == NULL)
		return p->code;
	if (keep < PROBERECORD_KEEP)
		keep = PROBERECORD_KEEP;
	return evidence_prune(p->evidence, now - (time_t)keep, e) == 0
		   ? 0
		   : e->code;
}

void
proberecord_close(struct proberecord *p)
{
	if (p == NULL)
		return;
	evidence_close(p->evidence);
	buf_free(&p->pem);
	arena_free(&p->arena);
	free(p->seen);
	free(p->moved);
	free(p->refused);
	free(p);
}
