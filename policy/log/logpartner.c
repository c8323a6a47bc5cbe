#include "logpartner.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "err.h"
#include "ledger_downgrade.h"
#include "logjoin.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "registry.h"

/* A gateway's name, and whose it is. */
struct gateway {
	const char *name;
	uint32_t partner;
};

/* A downgrade of the ledger, and the next one of that partner. */
struct lowered {
	struct downgrade d;
	uint32_t next; /* or STRMAP_NONE */
};

/* What the map demands of a next-hop. */
struct rule {
	bool known;
	bool bare;	       /* the map has no row of that name */
	bool lowered;	       /* by a downgrade */
	enum direction let_in; /* by one of mail from them alone */
	enum level out, in;
	const char *proof; /* by what mail is verified; "" */
	int64_t downgrade; /* that it was lowered by, or 0 */
};

/* An event of the record that changed it; events are in order. */
struct step {
	time_t time;
	struct rule was, is;
	uint32_t before; /* of that next-hop, or STRMAP_NONE */
};

struct logpartner {
	const struct registry *r;
	bool routes; /* the registry has next-hops that are hosts */
	struct gateway *gateway;
	size_t n, cap;
	struct strmap gateways;
	/* Downgrades, and the first of each partner or STRMAP_NONE. */
	struct lowered *lowered;
	size_t nlowered, lowered_cap;
	uint32_t *first_lowered;
	/* Steps, and the last one of each next-hop that has one. */
	const char *map;
	struct names hops;
	uint32_t *last_step;
	size_t last_cap;
	struct step *step;
	size_t nsteps, step_cap;
	time_t last_map; /* of the record */
	/* In which anything may have changed that no event names. */
	struct blind {
		time_t from, to;
	} * blind;
	size_t nblind, blind_cap;
	struct arena text;
	bool told; /* the ledger could be read, or there is none */
};

static const char *
gateway_name(const void *array, uint32_t i)
{
	return ((const struct gateway *)array)[i].name;
}

static void
add_gateways(struct logpartner *w, uint32_t partner)
{
	const struct strs *list = w->r->partner[partner].gateway;
	size_t i;

	for (i = 0; list != NULL && i < list->n; i++) {
		/* Without a dot: "nexthop" and the other two tokens. */
		if (strchr(list->v[i], '.') == NULL)
			continue;
		w->gateway =
		    mem_grow(w->gateway, w->n, &w->cap, sizeof(*w->gateway));
		w->gateway[w->n] = (struct gateway){list->v[i], partner};
		(void)strmap_add(&w->gateways, w->gateway, list->v[i],
		    strlen(list->v[i]), (uint32_t)w->n);
		w->n++;
	}
}

/* --- what the record says was demanded ---------------------------------- */

/* As maps name it: "secure match=...", "may". */
static const char *
proof_of(const char *row)
{
	size_t n = row == NULL ? 0 : strcspn(row, " ");
	static const struct {
		const char *word, *proof;
	} known[] = {{"secure", "ca"}, {"verify", "ca"}, {"dane-only", "dane"},
	    {"dane", "dane"}, {"fingerprint", "key"}};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i].word) == n &&
		    memcmp(row, known[i].word, n) == 0)
			return known[i].proof;
	return "";
}

/* By inbound=, and a certificate that is asked for. */
static enum level
inbound_level(bool require, const char *by)
{
	if (!require)
		return LEVEL_OPPORTUNISTIC;
	return strcmp(by, "name") == 0	? LEVEL_SECURE
	       : strcmp(by, "key") == 0 ? LEVEL_KEY
					: LEVEL_ENCRYPT;
}

/*
 * "secure", "nothing", "key (full: secure), inbound require by name": what an
 * event says that the map demands, and the row; NULL: there is none.
 */
static struct rule
rule_said(const char *said, const char *row)
{
	static const char full_[] = " (full: ", in_[] = ", inbound ",
			  by_[] = " by ", let_[] = ", lowered inbound",
			  tls_[] = " to TLS";
	const char *let = strstr(said, let_);
	const char *full = strstr(said, full_), *in = strstr(said, in_), *by;
	struct rule r = {.lowered = full != NULL, .proof = proof_of(row)};
	char word[16];
	enum level level;

	if (let != NULL)
		r.let_in =
		    strncmp(let + sizeof(let_) - 1, tls_, sizeof(tls_) - 1) == 0
			? DIRECTION_CERTIFICATE
			: DIRECTION_INBOUND;
	if (strcmp(said, "nothing") == 0)
		return (struct rule){.known = true, .bare = true, .proof = ""};
	(void)snprintf(
	    word, sizeof(word), "%.*s", (int)strcspn(said, " ,"), said);
	r.known = level_parse(word, &r.out) == 0;
	level = r.out;
	if (full != NULL) {
		full += sizeof(full_) - 1;
		(void)snprintf(
		    word, sizeof(word), "%.*s", (int)strcspn(full, ")"), full);
		r.known = r.known && level_parse(word, &level) == 0;
	}
	r.in = inbound_level(level > LEVEL_OPPORTUNISTIC, "");
	if (in == NULL)
		return r;
	in += sizeof(in_) - 1;
	by = strstr(in, by_);
	r.in = inbound_level(strncmp(in, "require", 7) == 0,
	    by == NULL ? "" : by + sizeof(by_) - 1);
	return r;
}

/* What the registry asks for now. */
static struct rule
rule_now(const struct partner *p)
{
	static const char *const by[] = {[INBOUND_NONE] = "",
	    [INBOUND_NAME] = "name",
	    [INBOUND_KEY] = "key"};
	const struct attributes *t = p->attributes;
	enum level level = partner_level(p);

	return (struct rule){.known = true,
	    .out = level,
	    .in = inbound_level(
		t->inbound == INBOUND_REQUIRE, by[t->inbound_verify]),
	    .proof = level == LEVEL_KEY		? "key"
		     : level < LEVEL_KEY	? ""
		     : t->verify == VERIFY_DANE ? "dane"
						: "ca"};
}

static void
add_blind(struct logpartner *w, time_t from, time_t to)
{
	w->blind =
	    mem_grow(w->blind, w->nblind, &w->blind_cap, sizeof(*w->blind));
	w->blind[w->nblind++] = (struct blind){from, to};
}

static void
add_step(struct logpartner *w, time_t when, json_t *row)
{
	const char *hop, *was, *is;
	uint32_t nhops = w->hops.n, at;
	int client;

	if (json_unpack(row, "{s:s, s:b, s:s, s:s}", "key", &hop, "client",
		&client, "was", &was, "is", &is) == -1 ||
	    client)
		return;
	at = names_add(&w->hops, hop, strlen(hop));
	if (at == nhops) {
		w->last_step = mem_grow(
		    w->last_step, at, &w->last_cap, sizeof(*w->last_step));
		w->last_step[at] = STRMAP_NONE;
	}
	w->step = mem_grow(w->step, w->nsteps, &w->step_cap, sizeof(*w->step));
	w->step[w->nsteps] = (struct step){.time = when,
	    .was = rule_said(
		was, json_string_value(json_object_get(row, "was_row"))),
	    .is = rule_said(
		is, json_string_value(json_object_get(row, "is_row"))),
	    .before = w->last_step[at]};
	w->last_step[at] = (uint32_t)w->nsteps++;
}

/* Another map was put in place, or was to be. */
static void
add_map(struct logpartner *w, time_t when, const json_t *data)
{
	json_t *rows = json_object_get(data, "rows"), *n;
	json_int_t changes = 0;
	const char *name;
	size_t i;

	json_object_foreach(json_object_get(data, "changes"), name, n)
	    changes += json_integer_value(n);
	if (changes > (json_int_t)json_array_size(rows))
		add_blind(w, when, when);
	w->last_map = when;
	for (i = 0; i < json_array_size(rows); i++)
		add_step(w, when, json_array_get(rows, i));
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	struct logpartner *w = arg;
	const char *file;
	json_t *data;

	if (strncmp(ev->kind, "map", 3) != 0)
		return true;
	data = json_loads(ev->data, 0, NULL);
	file = json_string_value(json_object_get(data, "file"));
	if (file != NULL && strcmp(file, w->map) == 0) {
		if (strcmp(ev->kind, "map") == 0)
			add_map(w, ev->time, data);
		/* It was never there, or another one came by hand. */
		else
			add_blind(w, w->last_map, ev->time);
	}
	json_decref(data);
	return true;
}

static bool
take_downgrade(const struct ledger_downgrade *d, void *arg)
{
	struct logpartner *w = arg;
	uint32_t partner = registry_partner(w->r, d->partner);
	struct strs *domains = NULL;
	size_t i;

	if (partner == REGISTRY_NONE)
		return true;
	if (d->ndomains > 0) {
		domains = arena_alloc(&w->text,
		    sizeof(*domains) + d->ndomains * sizeof(domains->v[0]));
		domains->n = d->ndomains;
		for (i = 0; i < d->ndomains; i++)
			domains->v[i] = arena_copy(
			    &w->text, d->domains[i], strlen(d->domains[i]));
	}
	w->lowered = mem_grow(
	    w->lowered, w->nlowered, &w->lowered_cap, sizeof(*w->lowered));
	/* They come newest first. */
	w->lowered[w->nlowered] = (struct lowered){
	    .d = {.level = d->after,
		.direction = d->direction,
		.begin = d->begin,
		.end =
		    d->closed != 0 && d->closed < d->end ? d->closed : d->end,
		.domains = domains,
		.id = d->id},
	    .next = w->first_lowered[partner]};
	w->first_lowered[partner] = (uint32_t)w->nlowered++;
	return true;
}

struct logpartner *
logpartner_new(const struct registry *r, const char *ledger, const char *map,
    struct err *e)
{
	const struct ledger_event_query all = {0};
	struct logpartner *w = mem_zero(1, sizeof(*w));
	struct ledger *l;
	size_t i;

	w->r = r;
	w->map = map;
	e->code = EX_OK;
	strmap_init(&w->gateways, gateway_name);
	if (r == NULL)
		return w;
	for (i = 0; i < r->ndomains && !w->routes; i++)
		w->routes = dname_is_nexthop(r->domain[i].name);
	w->first_lowered =
	    mem_alloc((r->npartners + 1) * sizeof(*w->first_lowered));
	for (i = 0; i < r->npartners; i++) {
		w->first_lowered[i] = STRMAP_NONE;
		add_gateways(w, (uint32_t)i);
	}
	l = ledger_open(ledger, LEDGER_READ, e);
	w->told = l != NULL || e->code == EX_NOINPUT;
	if (l != NULL &&
	    (ledger_downgrades(l, NULL, 0, take_downgrade, w, e) == -1 ||
		ledger_events(l, &all, take_event, w, e) == -1))
		w->told = false;
	if (w->told)
		e->code = EX_OK;
	ledger_close(l);
	return w;
}

/* Did anything change after `from`, up to `to`, that no event names? */
static bool
is_blind(const struct logpartner *w, time_t from, time_t to)
{
	size_t i;

	for (i = 0; i < w->nblind; i++)
		if (w->blind[i].to > from && w->blind[i].from <= to)
			return true;
	return false;
}

/* The last downgrade of the next-hop's partner that began by then, or NULL. */
static const struct downgrade *
lowered_by(const struct logpartner *w, const struct domain *hop, time_t when)
{
	const struct downgrade *last = NULL, *d;
	uint32_t i = w->first_lowered[hop->partner];

	for (; i != STRMAP_NONE; i = w->lowered[i].next) {
		d = &w->lowered[i].d;
		if (d->begin <= when && downgrade_covers(d, hop->name))
			last = d;
	}
	return last;
}

/* The rule with the number of the downgrade, if it was lowered by one. */
static struct rule
numbered(struct rule r, const struct downgrade *d)
{
	r.downgrade = (r.lowered || r.let_in) && d != NULL ? d->id : 0;
	return r;
}

static struct rule rule_at(
    const struct logpartner *w, const struct domain *hop, time_t when);

/* Of a name without a row: by the nearest ".parent", as smtp(8) asks. */
static struct rule
rule_above(const struct logpartner *w, const struct domain *hop, time_t when)
{
	const struct registry *r = w->r;
	size_t at = 0;
	uint32_t i;

	while (!dname_is_nexthop(hop->name) &&
	       (i = registry_parent(r, hop->name, &at)) != REGISTRY_NONE)
		if (r->domain[i].name[0] == '.')
			return rule_at(w, &r->domain[i], when);
	return (struct rule){.known = true, .proof = ""};
}

/* What is asked of mail that one of mail from them alone lets in. */
static enum level
let_in_level(enum direction d)
{
	return d == DIRECTION_CERTIFICATE ? LEVEL_ENCRYPT : LEVEL_OPPORTUNISTIC;
}

/* As it is now, but for the downgrade of that time. */
static struct rule
rule_since(const struct partner *p, const struct downgrade *d, time_t when)
{
	struct rule r = rule_now(p);
	bool low = d != NULL && when < d->end;

	if (low && r.in > let_in_level(d->direction))
		r.let_in = d->direction;
	r.lowered = low && !d->direction && d->level < r.out;
	if (r.lowered) {
		r.out = d->level;
		r.proof = r.out == LEVEL_KEY ? "key" : "";
	}
	return numbered(r, d);
}

/* As it was before that event, the next one after `when`. */
static struct rule
rule_before(const struct logpartner *w, const struct domain *hop,
    const struct step *s, time_t when)
{
	return s->was.bare ? rule_above(w, hop, when)
			   : numbered(s->was, lowered_by(w, hop, when));
}

/*
 * What was demanded of a next-hop at that time: by the event before it, or as
 * it was before the one after it; if the record has none, as it is now. Not
 * known where anything else may have changed in between.
 */
static struct rule
rule_at(const struct logpartner *w, const struct domain *hop, time_t when)
{
	const struct rule unknown = {.proof = ""};
	const struct partner *p = &w->r->partner[hop->partner];
	uint32_t at = names_find(&w->hops, hop->name, strlen(hop->name)), i;
	const struct downgrade *d = lowered_by(w, hop, when);
	const struct step *after = NULL, *s;

	i = at == STRMAP_NONE ? at : w->last_step[at];
	for (; i != STRMAP_NONE; i = s->before) {
		s = &w->step[i];
		if (s->time <= when)
			break;
		after = s;
	}
	if (i != STRMAP_NONE && !is_blind(w, w->step[i].time, when)) {
		s = &w->step[i];
		if (!s->is.bare)
			return numbered(s->is, d);
		/* A rule for mail from them needs no row: no event has it. */
		return after == NULL && partner_level(p) == LEVEL_OPPORTUNISTIC
			   ? rule_since(p, d, when)
			   : rule_above(w, hop, when);
	}
	if (after != NULL && !is_blind(w, when, after->time - 1))
		return rule_before(w, hop, after, when);
	if (after != NULL || i != STRMAP_NONE || !w->told ||
	    is_blind(w, when, INT64_MAX))
		return unknown;
	return rule_since(p, d, when);
}

/* While any downgrade holds, mail from them is let in (decide_inbound()). */
static enum level
demanded(const struct rule *r, enum evidence_direction direction)
{
	if (direction == EVIDENCE_OUT)
		return r->out;
	if (r->lowered)
		return LEVEL_OPPORTUNISTIC;
	return r->let_in && let_in_level(r->let_in) < r->in
		   ? let_in_level(r->let_in)
		   : r->in;
}

/* Becomes `other` if that asks for less. */
static void
weaken(struct rule *r, enum evidence_direction direction, struct rule other)
{
	if (r->known && other.known &&
	    demanded(&other, direction) < demanded(r, direction))
		*r = other;
}

/*
 * What was demanded of mail to a next-hop, or from it: the least of all that
 * held from when it was begun until its line. Within the second of a change
 * nobody knows which came first, so both held in it.
 */
static struct rule
rule_of(const struct logpartner *w, const struct domain *hop,
    const struct attempt *a)
{
	uint32_t at = names_find(&w->hops, hop->name, strlen(hop->name)), i;
	struct rule r = rule_at(w, hop, a->time);
	time_t from = a->time - a->lasted;
	const struct downgrade *d;
	const struct step *s;

	i = at == STRMAP_NONE ? at : w->last_step[at];
	for (; i != STRMAP_NONE && w->step[i].time >= from; i = s->before) {
		s = &w->step[i];
		if (s->time <= a->time)
			weaken(
			    &r, a->direction, rule_before(w, hop, s, s->time));
	}
	for (i = w->first_lowered[hop->partner]; i != STRMAP_NONE;
	     i = w->lowered[i].next) {
		d = &w->lowered[i].d;
		if (d->end >= from && d->end <= a->time)
			weaken(&r, a->direction, rule_at(w, hop, d->end - 1));
	}
	return r;
}

/* --- whose it is --------------------------------------------------------- */

/*
 * To lower case and A-labels, into out of DNAME_MAX + 1 bytes. "" if it is
 * no name: addresses of the log are whatever somebody wrote.
 */
static void
normal(struct span s, char *out)
{
	char copy[4 * DNAME_MAX + 1], buf[DNAME_MAX + 1];
	struct dname name;
	bool plain = s.n <= DNAME_MAX;
	size_t i;

	out[0] = '\0';
	if (s.n == 0 || s.n >= sizeof(copy))
		return;
	for (i = 0; i < s.n && plain; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		else if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
			 c != '-' && c != '.')
			plain = false;
		out[i] = c;
	}
	if (plain) {
		out[s.n] = '\0';
		return;
	}
	out[0] = '\0';
	memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	if (memchr(s.p, '\0', s.n) == NULL &&
	    dname_gateway(copy, buf, &name) == NULL)
		(void)snprintf(out, DNAME_MAX + 1, "%s", name.s);
}

/* Indices of next-hops of the registry, or REGISTRY_NONE, from here on. */
static uint32_t
by_name(const struct logpartner *w, const char *name)
{
	uint32_t i = REGISTRY_NONE;

	for (; i == REGISTRY_NONE && name != NULL; name = registry_up(name))
		i = registry_domain(w->r, name);
	return i;
}

static uint32_t
by_gateway(const struct logpartner *w, const char *name)
{
	uint32_t i;

	for (; name != NULL; name = registry_up(name)) {
		i = strmap_find(&w->gateways, w->gateway, name, strlen(name));
		if (i != STRMAP_NONE)
			return w->r->partner[w->gateway[i].partner]
			    .first_domain;
	}
	return REGISTRY_NONE;
}

/* "[host]:port", and "[host]" for port 25. */
static uint32_t
by_route(const struct logpartner *w, const char *host, unsigned port)
{
	const struct registry *r = w->r;
	char key[DNAME_NEXTHOP_MAX + 1];
	uint32_t i;
	int n;

	n = snprintf(key, sizeof(key), "[%s]:%u", host, port);
	if (n < 0 || (size_t)n >= sizeof(key))
		return REGISTRY_NONE;
	i = registry_domain(r, key);
	if (i == REGISTRY_NONE && port == 25) {
		key[strlen(host) + 2] = '\0';
		i = registry_domain(r, key);
	}
	return i;
}

static uint32_t
by_routes(const struct logpartner *w, const struct attempt *a)
{
	char host[DNAME_MAX + 1], address[64];
	uint32_t i = REGISTRY_NONE;

	normal(a->host, host);
	if (host[0] != '\0')
		i = by_route(w, host, a->port);
	if (i != REGISTRY_NONE || a->address.n >= sizeof(address))
		return i;
	(void)snprintf(address, sizeof(address), "%.*s", SPAN_ARG(a->address));
	return by_route(w, address, a->port);
}

/* domain is in normal form, or "". */
static uint32_t
find(const struct logpartner *w, const struct attempt *a, const char *domain)
{
	char host[DNAME_MAX + 1];
	uint32_t i = *domain == '\0' ? REGISTRY_NONE : by_name(w, domain);

	if (i != REGISTRY_NONE)
		return i;
	if (a->direction == EVIDENCE_OUT)
		return w->routes && a->host.n > 0 ? by_routes(w, a) : i;
	/* Bounces, and handshakes that failed, come from nobody's domain. */
	if (a->domain.n > 0 || span_is(a->host, "unknown"))
		return i;
	normal(a->host, host);
	if (host[0] == '\0')
		return i;
	i = by_gateway(w, host);
	return i == REGISTRY_NONE ? by_name(w, host) : i;
}

/*
 * What the log alone cannot say: where a name was demanded, "Verified" means a
 * trusted chain and a matching name; and with pinned keys an untrusted
 * certificate is one with another key. Without DANE, "no matching DANE TLSA
 * records" is said of a chain that does not lead to the CA of the partner's own
 * file, which Postfix takes for such a record.
 */
static void
refine(const struct logpartner *w, uint32_t hop, const struct rule *given,
    struct attempt *a)
{
	/* The chain is trusted, and what else was wrong is not said. */
	bool unnamed = a->fault == FAULT_NAME_MISMATCH &&
		       a->name_matched == FACT_UNKNOWN &&
		       a->chain_trusted == FACT_YES;
	struct rule r = *given;

	if (a->verified && a->policy.n == 0 && r.known) {
		a->proof = r.proof;
		if (strcmp(r.proof, "ca") == 0)
			a->chain_trusted = a->name_matched = FACT_YES;
	}
	if (a->fault != FAULT_UNTRUSTED_ISSUER &&
	    a->fault != FAULT_SELF_SIGNED && a->fault != FAULT_DANE_MISMATCH &&
	    !unnamed)
		return;
	if (!r.known)
		r = rule_now(&w->r->partner[w->r->domain[hop].partner]);
	if (r.out == LEVEL_KEY)
		a->fault = FAULT_KEY_CHANGED;
	else if (strcmp(r.proof, "dane") == 0)
		a->fault = FAULT_DANE_MISMATCH;
	else if (unnamed)
		a->name_matched = FACT_NO;
	else if (a->fault == FAULT_DANE_MISMATCH && r.out == LEVEL_SECURE)
		a->fault = FAULT_UNTRUSTED_ISSUER;
}

const char *
logpartner_find(
    const struct logpartner *w, struct attempt *a, char domain[DNAME_MAX + 1])
{
	struct rule r;
	uint32_t i;

	normal(a->domain, domain);
	a->required = level_name(LEVEL_OPPORTUNISTIC);
	a->downgrade = 0;
	if (w->r == NULL || (i = find(w, a, domain)) == REGISTRY_NONE)
		return NULL;
	r = rule_of(w, &w->r->domain[i], a);
	a->required = r.known ? level_name(demanded(&r, a->direction)) : "";
	if (a->direction == EVIDENCE_IN || r.lowered)
		a->downgrade = r.downgrade;
	if (a->direction == EVIDENCE_OUT)
		refine(w, i, &r, a);
	return w->r->partner[w->r->domain[i].partner].name;
}

void
logpartner_free(struct logpartner *w)
{
	if (w == NULL)
		return;
	strmap_free(&w->gateways);
	free(w->gateway);
	free(w->lowered);
	free(w->first_lowered);
	names_free(&w->hops);
	free(w->last_step);
	free(w->step);
	free(w->blind);
	arena_free(&w->text);
	free(w);
}
