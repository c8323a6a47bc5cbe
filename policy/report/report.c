/*
 * Reading a report: the partners, and the mail of each; the other files of
 * this room read the rest.
 */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cdbmap.h"
#include "clock.h"
#include "err.h"
#include "mapowner.h"
#include "maprecord.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "reading.h"
#include "registry.h"
#include "registry_slip.h"
#include "reportgateway.h"
#include "reportrecord.h"
#include "reportsay.h"
#include "settings.h"
#include "tlsversion.h"

#define USES_MAX 100 /* names of one kind; the rest is one of them */
#define USES_REST "(others)"
#define OTHER "other" /* what the log reader calls the rest of strangers */

/* --- Words --------------------------------------------------------------- */

char *
report_percent(uint64_t part, uint64_t all, char out[REPORT_PERCENT_MAX])
{
	uint64_t hundredths;

	if (all == 0) {
		(void)snprintf(out, REPORT_PERCENT_MAX, "-");
	} else if (part >= all) {
		(void)snprintf(out, REPORT_PERCENT_MAX, "100 %%");
	} else {
		/* Never rounded up: 100 % is all of it, 0 % nothing. */
		hundredths = all > UINT64_MAX / 10000 ? part / (all / 10000 + 1)
						      : part * 10000 / all;
		if (hundredths == 0 && part > 0)
			hundredths = 1;
		(void)snprintf(out, REPORT_PERCENT_MAX,
		    "%" PRIu64 ".%02" PRIu64 " %%", hundredths / 100,
		    hundredths % 100);
	}
	return out;
}

static const char *
day_text(struct reading *g, time_t t)
{
	char text[NUM_TIME_MAX];
	uint32_t i;

	/* Before v is looked at, which moves. */
	i = names_add(&g->r->days, num_time_text(t, text), 10);
	return g->r->days.v[i];
}

/* --- Partners ----------------------------------------------------------- */

static void
add_registry(struct reading *g)
{
	const struct registry *registry = g->ask->registry;
	struct report_partner *to;
	size_t i;

	for (i = 0; registry != NULL && i < registry->npartners; i++) {
		to = reading_add(g, registry->partner[i].name);
		if (to == NULL)
			continue;
		to->p = &registry->partner[i];
		to->full = to->level = partner_level(to->p);
		g->r->nregistered++;
		g->r->nenforced += to->p->attributes->mode == MODE_ENFORCED;
	}
}

/* What the map says of each partner, by its first domain. */
static void
read_map(struct reading *g)
{
	struct report *r = g->r;
	struct report_partner *p;
	struct mapheader header;
	const char *key, *text;
	struct cdbmap *m;
	struct err e;
	size_t i, len;

	r->map_fault = "";
	if ((m = cdbmap_open(g->ask->set->map, &e)) == NULL) {
		r->map_fault = reading_keep(g, e.text);
		return;
	}
	(void)mapheader_get(&header, m);
	r->map_time = header.time;
	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->p == NULL || p->p->ndomains == 0)
			continue;
		key = g->ask->registry->domain[p->p->first_domain].name;
		/* An opportunistic partner may have no row. */
		p->level_known = true;
		p->level = LEVEL_OPPORTUNISTIC;
		if (cdbmap_get(m, key, strlen(key), &text, &len) ==
		    CDBMAP_FOUND)
			p->level_known = strength_level(text, len, &p->level);
	}
	cdbmap_close(m);
}

/* --- Uses ---------------------------------------------------------------- */

static struct report_use *
use_of(struct reading *g, struct report_uses *u, const char *name, bool by_day)
{
	size_t i;

	/* Rows that follow each other are alike. */
	if (u->n > 0 && strcmp(u->v[u->near].name, name) == 0)
		return &u->v[u->near];
	for (i = 0; i < u->n; i++)
		if (strcmp(u->v[i].name, name) == 0)
			return &u->v[u->near = i];
	if (u->n == USES_MAX - 1)
		name = USES_REST;
	else if (u->n == USES_MAX)
		return &u->v[USES_MAX - 1];
	u->v = mem_grow(u->v, u->n, &u->cap, sizeof(*u->v));
	u->v[u->n] = (struct report_use){
	    .name = reading_keep(g, name), .last = "", .why = ""};
	if (by_day)
		u->v[u->n].day = mem_zero(g->r->ndays, sizeof(uint64_t));
	return &u->v[u->near = u->n++];
}

static void
add_use(struct reading *g, struct report_uses *u, const char *name,
    uint32_t day, uint64_t n, bool by_day)
{
	struct report_use *use = use_of(g, u, name, by_day);

	use->n += n;
	use->last = g->r->days.v[day];
	if (by_day)
		use->day[day] += n;
}

static int
more_first(const void *a, const void *b)
{
	const struct report_use *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
sort_uses(struct report_uses *u)
{
	if (u->n > 0)
		qsort(u->v, u->n, sizeof(*u->v), more_first);
}

static void
free_uses(struct report_uses *u)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		free(u->v[i].day);
	free(u->v);
}

static void
free_way(struct report_way *w)
{
	free_uses(&w->protocol);
	free_uses(&w->cipher);
	free_uses(&w->exchange);
	free_uses(&w->signature);
	free_uses(&w->proof);
}

/* --- Mail ----------------------------------------------------------------- */

/* One row of the counts, taken apart. */
struct row {
	const struct evidence_count *c;
	uint32_t day;
	bool delivered, kept, required, met;
	unsigned rule;
};

static void
add_kept(struct report_kept *k, const struct row *row)
{
	if (row->rule == REPORT_RULE_UNKNOWN)
		k->unknown += row->c->n;
	else if (row->required)
		*(row->kept ? &k->required_kept : &k->required_failed) +=
		    row->c->n;
	else
		*(row->kept ? &k->preferred_kept : &k->preferred_failed) +=
		    row->c->n;
}

static void
add_mail(struct report_mail *m, const struct row *row, const char *day)
{
	const struct evidence_count *c = row->c;

	if (!row->delivered) {
		if (strcmp(c->result, "deferred") == 0)
			m->deferred += c->n;
		else if (strcmp(c->result, "bounced") == 0 ||
			 strcmp(c->result, "expired") == 0)
			m->returned += c->n;
		else if (strcmp(c->result, "rejected") == 0)
			m->refused += c->n;
		return;
	}
	m->n[row->rule][c->seen] += c->n;
	add_kept(&m->kept, row);
	if (c->downgrade != 0) {
		m->lowered += c->n;
		if (!row->required)
			m->lowered_free += c->n;
		if (!row->required && c->seen == EVIDENCE_CLEAR)
			m->lowered_clear += c->n;
		if (row->required && row->kept)
			m->lowered_kept += c->n;
		if (row->met)
			m->lowered_met += c->n;
	}
	if (*m->first == '\0')
		m->first = day;
	m->last = day;
}

static void
add_way(
    struct reading *g, struct report_way *w, const struct row *row, bool by_day)
{
	const struct evidence_count *c = row->c;

	add_mail(&w->mail, row, g->r->days.v[row->day]);
	if (!row->delivered || c->seen == EVIDENCE_CLEAR)
		return;
	add_use(g, &w->protocol, c->protocol, row->day, c->n, by_day);
	add_use(g, &w->cipher, c->cipher, row->day, c->n, by_day);
	if (c->seen == EVIDENCE_VERIFIED)
		add_use(g, &w->proof, c->proof, row->day, c->n, by_day);
}

static uint32_t
add32(uint32_t a, uint64_t b)
{
	return b > UINT32_MAX - a ? UINT32_MAX : a + (uint32_t)b;
}

static void
add_day(struct report_day *d, const struct row *row)
{
	const struct evidence_count *c = row->c;

	d->n[c->direction][c->seen] = add32(d->n[c->direction][c->seen], c->n);
	if (row->required)
		d->required[c->direction] =
		    add32(d->required[c->direction], c->n);
	if (row->required && row->kept)
		d->kept[c->direction] = add32(d->kept[c->direction], c->n);
	if (c->downgrade != 0)
		d->lowered[c->direction] =
		    add32(d->lowered[c->direction], c->n);
}

/* Rows come by day. */
static struct report_day *
day_of(struct report_partner *p, uint32_t day)
{
	if (p->ndays == 0 || p->day[p->ndays - 1].day != day) {
		p->day =
		    mem_grow(p->day, p->ndays, &p->day_cap, sizeof(*p->day));
		p->day[p->ndays++] = (struct report_day){.day = day};
	}
	return &p->day[p->ndays - 1];
}

/* Of no partner: the domain, or NULL for those that have no name here. */
static struct report_domain *
domain_of(struct reading *g, const char *name)
{
	struct report *r = g->r;
	uint32_t i;

	if (strchr(name, '.') == NULL)
		return NULL;
	i = names_add(&g->r->domains, name, strlen(name));
	if (i == r->ndomains) {
		r->domain = mem_grow(
		    r->domain, r->ndomains, &r->domain_cap, sizeof(*r->domain));
		r->domain[r->ndomains++] = (struct report_domain){
		    .name = g->r->domains.v[i], .last = ""};
	}
	return &r->domain[i];
}

static void
add_stranger(struct reading *g, const struct row *row)
{
	const struct evidence_count *c = row->c;
	struct report_domain *d;

	add_way(g, &g->r->others[c->direction], row, false);
	if (!row->delivered || (d = domain_of(g, c->partner)) == NULL)
		return;
	d->n[c->direction][c->seen] += c->n;
	if (c->seen == EVIDENCE_CLEAR)
		d->last = g->r->days.v[row->day];
}

static bool
is_delivered(const struct evidence_count *c)
{
	return strcmp(c->result,
		   c->direction == EVIDENCE_OUT ? "sent" : "received") == 0;
}

/*
 * Whose domain it is now. When that mail moved it was no partner's; but a
 * partner may be called as a domain is.
 */
static void
add_before(struct reading *g, const struct evidence_count *c)
{
	const struct registry *registry = g->ask->registry;
	struct report_partner *p;
	uint32_t i;

	if (registry == NULL || !is_delivered(c) ||
	    strchr(c->partner, '.') == NULL ||
	    registry_partner(registry, c->partner) != REGISTRY_NONE ||
	    (i = registry_covering(registry, c->partner)) == REGISTRY_NONE ||
	    (p = reading_partner(g, registry->partner[i].name)) == NULL)
		return;
	p->before.mails += c->n;
	if (c->direction == EVIDENCE_OUT && c->seen == EVIDENCE_CLEAR)
		p->before.clear += c->n;
	if (p->before.domain == NULL)
		p->before.domain = reading_keep(g, c->partner);
	else if (strcmp(p->before.domain, c->partner) != 0)
		p->before.more = true;
}

/* The number of the day of a row; rows of one day come together. */
static bool
find_day(struct reading *g, const char *text, uint32_t *day)
{
	if (g->last_day == STRMAP_NONE ||
	    strcmp(g->r->days.v[g->last_day], text) != 0)
		g->last_day = names_find(&g->r->days, text, strlen(text));
	*day = g->last_day;
	return *day < g->r->ndays;
}

/* By name; a stranger's has a dot, as a partner's that is gone may have. */
static struct report_partner *
whose(struct reading *g, const char *name)
{
	struct report_partner *p;

	/* Rows of one partner and day come together. */
	if (g->last_partner < g->r->npartners &&
	    strcmp(g->r->partner[g->last_partner].name, name) == 0)
		return &g->r->partner[g->last_partner];
	p = reading_partner(g, name);
	if (p == NULL && strchr(name, '.') == NULL && strcmp(name, OTHER) != 0)
		p = reading_add(g, name);
	if (p != NULL)
		g->last_partner = (size_t)(p - g->r->partner);
	return p;
}

static unsigned
rule_of(const char *required)
{
	enum level level;

	return level_parse(required, &level) == -1 ? REPORT_RULE_UNKNOWN
						   : (unsigned)level;
}

static struct report_failure *
failure_of(struct reading *g, const char *partner, enum evidence_direction way,
    const char *fault)
{
	struct report *r = g->r;
	char key[256];
	uint32_t i;
	int n;

	n = snprintf(key, sizeof(key), "%d %s %s", (int)way, fault, partner);
	if (n < 0 || (size_t)n >= sizeof(key))
		n = sizeof(key) - 1;
	i = names_add(&g->failures, key, (size_t)n);
	if (i < r->nfailures)
		return &r->failure[i];
	r->failure = mem_grow(
	    r->failure, r->nfailures, &r->failure_cap, sizeof(*r->failure));
	r->failure[r->nfailures++] = (struct report_failure){.partner = partner,
	    .direction = way,
	    .fault = reading_keep(g, fault),
	    .first = "",
	    .last = ""};
	return &r->failure[i];
}

static void
add_failure(struct reading *g, const struct row *row, const char *partner)
{
	const struct evidence_count *c = row->c;
	struct report_failure *f;

	if (row->delivered || *c->fault == '\0' || strcmp(c->fault, "ok") == 0)
		return;
	f = failure_of(g, partner, c->direction, c->fault);
	f->n += c->n;
	f->last = g->r->days.v[row->day];
	if (*f->first == '\0')
		f->first = f->last;
}

/* Mail that moved while less was demanded of its partner. */
static void
add_moved(struct reading *g, const struct row *row)
{
	const struct evidence_count *c = row->c;
	struct report_downgrade *d = g->r->downgrade;
	size_t i;

	if (c->downgrade == 0 || !row->delivered)
		return;
	for (i = 0; i < g->r->ndowngrades; i++)
		if (d[i].id == c->downgrade)
			d[i].moved[c->direction][c->seen] += c->n;
}

static bool
take_waited(const struct evidence_waited *w, void *arg)
{
	struct reading *g = arg;
	const struct report_partner *p = whose(g, w->partner);
	struct report_failure *f;

	if ((p == NULL && g->ask->npartners > 0) || strcmp(w->fault, "ok") == 0)
		return true;
	f = failure_of(g, p == NULL ? "" : p->name, EVIDENCE_OUT, w->fault);
	f->mails += w->n;
	f->seconds += w->seconds;
	if (strcmp(w->result, "sent") != 0)
		f->returned += w->n;
	return true;
}

static bool
take_count(const struct evidence_count *c, void *arg)
{
	struct reading *g = arg;
	struct report_partner *p;
	struct row row = {
	    .c = c, .rule = rule_of(c->required), .delivered = is_delivered(c)};

	if (!find_day(g, c->day, &row.day))
		return true;
	p = whose(g, c->partner);
	if (p == NULL)
		add_before(g, c);
	if (p == NULL && g->ask->npartners > 0)
		return true;
	row.required =
	    row.rule >= LEVEL_ENCRYPT && row.rule != REPORT_RULE_UNKNOWN;
	row.kept = row.rule == LEVEL_OPPORTUNISTIC ? c->seen != EVIDENCE_CLEAR
						   : evidence_kept(c);
	row.met = reading_met(g, p, c);
	add_failure(g, &row, p == NULL ? "" : p->name);
	add_way(g, &g->r->all[c->direction], &row, true);
	if (row.delivered)
		add_day(&g->r->day[row.day], &row);
	if (p == NULL) {
		add_stranger(g, &row);
		return true;
	}
	add_way(g, &p->way[c->direction], &row, false);
	add_moved(g, &row);
	if (row.delivered)
		add_day(day_of(p, row.day), &row);
	if (row.delivered && row.rule == REPORT_RULE_UNKNOWN)
		p->unknown_day = row.day;
	return true;
}

static void
add_exchange(struct reading *g, struct report_way *w,
    const struct evidence_exchange *x, uint32_t day, bool by_day)
{
	add_use(g, &w->exchange, x->exchange, day, x->n, by_day);
	if (*x->signature != '\0')
		add_use(g, &w->signature, x->signature, day, x->n, by_day);
}

static bool
take_exchange(const struct evidence_exchange *x, void *arg)
{
	struct reading *g = arg;
	struct report_partner *p;
	uint32_t day;

	if (!find_day(g, x->day, &day))
		return true;
	p = whose(g, x->partner);
	if (p == NULL && g->ask->npartners > 0)
		return true;
	add_exchange(g, &g->r->all[x->direction], x, day, true);
	add_exchange(g,
	    p == NULL ? &g->r->others[x->direction] : &p->way[x->direction], x,
	    day, false);
	return true;
}

/* What we sent to them is ours to know; then what they sent. */
static int
worst_first(const void *a, const void *b)
{
	const struct report_domain *x = a, *y = b;
	uint64_t n, m;
	unsigned w;

	for (w = REPORT_WAYS; w-- > 0;) {
		n = x->n[w][EVIDENCE_CLEAR];
		m = y->n[w][EVIDENCE_CLEAR];
		if (n != m)
			return n > m ? -1 : 1;
	}
	return strcmp(x->name, y->name);
}

/* Of those that had mail in the clear. */
static void
sort_domains(struct report *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->ndomains; i++)
		if (r->domain[i].n[EVIDENCE_IN][EVIDENCE_CLEAR] +
			r->domain[i].n[EVIDENCE_OUT][EVIDENCE_CLEAR] >
		    0)
			r->domain[n++] = r->domain[i];
	r->ndomains = n;
	if (n > 0)
		qsort(r->domain, n, sizeof(*r->domain), worst_first);
}

/* --- Old and weak -------------------------------------------------------- */

/* TR-02102-2 (2025-01), 3.4: groups for key agreement in TLS. */
static bool
is_in_tr_02102(const char *group)
{
	static const char *const name[] = {"P-256", "P-384", "P-521",
	    "secp256r1", "secp384r1", "secp521r1", "prime256v1", "brainpool",
	    "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"};
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (strcasestr(group, name[i]) != NULL)
			return true;
	return false;
}

static void
judge_use(struct report_use *u, enum report_state state, const char *why)
{
	if (state <= u->state)
		return;
	u->state = state;
	u->why = why;
}

/* Does no later theft of the server's key open it? -1: not known. */
static int
is_forward_secret(const char *cipher)
{
	/* OpenSSL's names (ciphers(1)) begin with how keys are agreed, or are
	 * those of TLS 1.3, which knows no other way. */
	static const char *const begin[] = {
	    "TLS_", "ECDHE-", "DHE-", "AECDH-", "ADH-"};
	size_t i;

	if (*cipher == '\0' || strcmp(cipher, USES_REST) == 0)
		return -1;
	for (i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (strncmp(cipher, begin[i], strlen(begin[i])) == 0)
			return 1;
	return 0;
}

/* What the names of ciphers and exchanges tell. */
static void
sum_secrecy(struct report_way *w)
{
	const struct report_use *u;
	size_t i;
	int secret;

	for (i = 0; i < w->cipher.n; i++) {
		u = &w->cipher.v[i];
		secret = is_forward_secret(u->name);
		*(secret == -1	  ? &w->secret_unknown
		    : secret == 1 ? &w->secret
				  : &w->not_secret) += u->n;
	}
	for (i = 0; i < w->exchange.n; i++) {
		u = &w->exchange.v[i];
		if (tls_exchange_post_quantum(u->name))
			w->quantum += u->n;
	}
}

static void
judge_way(struct report_way *w)
{
	int v, weakest = TLS_VERSIONS;
	struct report_use *u;
	size_t i;

	for (i = 0; i < w->protocol.n; i++) {
		u = &w->protocol.v[i];
		v = tls_version_find(u->name, strlen(u->name));
		if (v != -1 && v < weakest)
			w->weakest = tls_version_name(weakest = v);
		if (v >= TLS_1_2)
			judge_use(u, REPORT_GOOD, "");
		else if (v != -1)
			judge_use(u, REPORT_BAD, "out of use since RFC 8996");
	}
	for (i = 0; i < w->exchange.n; i++) {
		u = &w->exchange.v[i];
		if (!tls_exchange_forward_secret(u->name))
			judge_use(u, REPORT_BAD, "no forward secrecy");
		else if (*u->name != '\0')
			judge_use(u, REPORT_GOOD,
			    is_in_tr_02102(u->name)
				? ""
				: "sound, though not in TR-02102-2");
	}
	sum_secrecy(w);
	sort_uses(&w->protocol);
	sort_uses(&w->cipher);
	sort_uses(&w->exchange);
	sort_uses(&w->signature);
	sort_uses(&w->proof);
}

/* --- All of it ------------------------------------------------------------ */

const char *
report_state_name(enum report_state s)
{
	static const char *const name[] = {"open", "good", "watch"};

	return (unsigned)s < REPORT_BAD ? name[s] : "bad";
}

bool
report_each_day(const struct report_quiet *q)
{
	/* Where summer time begins or ends, a day is an hour off. */
	uint64_t days =
	    (uint64_t)(q->last - q->begin + CLOCK_DAY / 2) / CLOCK_DAY;

	return days + 1 == q->n;
}

const char *
report_turn_name(enum report_turn t)
{
	static const char *const name[] = {"", "ours", "theirs"};

	return (unsigned)t < REPORT_TIME ? name[t] : "time";
}

const char *
report_what_name(enum report_what w)
{
	static const char *const name[] = {"key", "issuer", "appeared"};

	return (unsigned)w < REPORT_GONE ? name[w] : "gone";
}

uint64_t
report_seen(const struct report_mail *m, enum evidence_seen s)
{
	uint64_t sum = 0;
	unsigned rule;

	for (rule = 0; rule < REPORT_RULES; rule++)
		sum += m->n[rule][s];
	return sum;
}

uint64_t
report_mails(const struct report_mail *m)
{
	uint64_t sum = 0;
	unsigned s;

	for (s = 0; s < REPORT_SEEN; s++)
		sum += report_seen(m, (enum evidence_seen)s);
	return sum;
}

/* The period, its days, and those of whom it tells. */
static void
begin(struct reading *g, struct report *r, const struct report_ask *ask)
{
	time_t to = ask->to, tomorrow = ask->now - ask->now % CLOCK_DAY;
	uint32_t i;

	*r = (struct report){.from = ask->from, .now = ask->now};
	*g = (struct reading){.r = r, .ask = ask, .last_day = STRMAP_NONE};
	tomorrow += CLOCK_DAY;
	/* Nothing is known of days to come. */
	if (to > tomorrow)
		to = tomorrow > r->from ? tomorrow : r->from + CLOCK_DAY;
	r->to = to;
	r->going_on = to > ask->now;
	r->ndays = (uint32_t)((to - r->from) / CLOCK_DAY);
	r->day = mem_zero(r->ndays + 1, sizeof(*r->day));
	for (i = 0; i < r->ndays; i++) {
		(void)day_text(g, r->from + (time_t)i * CLOCK_DAY);
		r->day[i].day = i;
	}
	r->from_day = reading_keep(g, g->r->days.v[0]);
	r->to_day = reading_keep(g, g->r->days.v[r->ndays - 1]);
	r->version = ask->version == NULL ? "" : ask->version;
	r->options = ask->options == NULL ? "" : ask->options;
	r->registry = ask->registry;
	r->registry_digest = ask->registry == NULL ? "" : ask->registry->digest;
	r->keep = ask->set->keep;
	reading_ways(r->all);
	reading_ways(r->others);
}

/* One that is gone is reported on, also where the period has nothing of it. */
static int
need_asked(struct reading *g, struct err *e)
{
	struct names known = {0};
	const char *name;
	size_t i;
	struct meant_text near;
	int rv = 0;

	for (i = 0; i < g->ask->npartners && rv == 0; i++) {
		name = g->ask->partner[i];
		if (reading_partner(g, name) != NULL)
			continue;
		near = registry_near(g->ask->registry, name);
		if (known.n == 0)
			rv = mapowners_names(g->ledger, g->evidence, &known, e);
		if (rv == 0 &&
		    names_find(&known, name, strlen(name)) == STRMAP_NONE)
			rv = err_set(e, EX_NOINPUT, "there is no partner %s%s",
			    quotes(name).s,
			    *near.s != '\0'
				? near.s
				: "; of a domain of no partner there is "
				  "tlspact-log report DOMAIN");
		else if (rv == 0)
			(void)reading_add(g, name);
	}
	names_free(&known);
	return rv;
}

static int
open_both(struct reading *g, struct err *e)
{
	const struct settings *set = g->ask->set;

	g->ledger = ledger_open(set->ledger, LEDGER_READ, e);
	if (g->ledger == NULL && e->code != EX_NOINPUT)
		return -1;
	g->evidence =
	    evidence_open(set->evidence, set->ledger, EVIDENCE_READ, e);
	return g->evidence == NULL && e->code != EX_NOINPUT ? -1 : 0;
}

static int
compare_failures(const void *a, const void *b)
{
	const struct report_failure *x = a, *y = b;
	int rv = strcmp(x->partner, y->partner);

	if (rv == 0)
		rv = (int)y->direction - (int)x->direction;
	if (rv == 0 && x->n != y->n)
		rv = x->n > y->n ? -1 : 1;
	return rv == 0 ? strcmp(x->fault, y->fault) : rv;
}

static void
end_failures(struct reading *g)
{
	struct report *r = g->r;
	struct report_partner *p;
	size_t i;

	if (r->nfailures > 0)
		qsort(r->failure, r->nfailures, sizeof(*r->failure),
		    compare_failures);
	for (i = 0; i < r->nfailures; i++) {
		p = reading_partner(g, r->failure[i].partner);
		if (p != NULL && p->nfailures++ == 0)
			p->failure = &r->failure[i];
	}
}

/* What moved under one is not known if a row of its days does not tell. */
static void
end_downgrades(struct reading *g)
{
	struct report_downgrade *d;
	size_t i;

	for (i = 0; i < g->r->ndowngrades; i++) {
		d = &g->r->downgrade[i];
		d->moved_known = reading_partner(g, d->partner)->unknown_day <
				 (d->begin < g->r->from
					 ? 0
					 : (d->begin - g->r->from) / CLOCK_DAY);
	}
}

static bool
take_before(const struct evidence_count *c, void *arg)
{
	add_before(arg, c);
	return true;
}

/* What is counted of the domains of one partner under their own names. */
static int
read_domains(struct reading *g, const char *one, struct err *e)
{
	const struct registry *registry = g->ask->registry;
	const uint32_t k =
	    registry == NULL ? REGISTRY_NONE : registry_partner(registry, one);
	const struct partner *p;
	uint32_t i;

	if (k == REGISTRY_NONE)
		return 0;
	p = &registry->partner[k];
	for (i = 0; i < p->ndomains; i++)
		if (evidence_counts(g->evidence,
			registry->domain[p->first_domain + i].name,
			g->r->from_day, g->r->to_day, take_before, g, e) == -1)
			return -1;
	return 0;
}

static int
read_mail(struct reading *g, struct err *e)
{
	struct report *r = g->r;
	const char *one = reading_one(g);
	unsigned w;
	size_t i;

	if (evidence_counts(g->evidence, one, r->from_day, r->to_day,
		take_count, g, e) == -1 ||
	    (one != NULL && read_domains(g, one, e) == -1))
		return -1;
	end_downgrades(g);
	if (g->ask->brief)
		return 0;
	if (evidence_exchanges(g->evidence, one, r->from_day, r->to_day,
		take_exchange, g, e) == -1 ||
	    evidence_waited(g->evidence, one, r->from_day, r->to_day,
		take_waited, g, e) == -1)
		return -1;
	for (w = 0; w < REPORT_WAYS; w++) {
		judge_way(&r->all[w]);
		judge_way(&r->others[w]);
		for (i = 0; i < r->npartners; i++)
			judge_way(&r->partner[i].way[w]);
		r->rule_unknown += r->all[w].mail.kept.unknown;
	}
	end_failures(g);
	return 0;
}

/* All from the evidence, of one state. */
static int
read_evidence(struct reading *g, struct err *e)
{
	if (need_asked(g, e) == -1 || read_mail(g, e) == -1 ||
	    reading_evidence(g, e) == -1)
		return -1;
	return reading_gateways(g, e);
}

static int
read_all(struct reading *g, struct err *e)
{
	int rv;

	if (open_both(g, e) == -1)
		return -1;
	add_registry(g);
	if (reading_downgrades(g, e) == -1 ||
	    evidence_begin(g->evidence, e) == -1)
		return -1;
	rv = evidence_end(g->evidence, read_evidence(g, e), e);
	if (rv == -1 || reading_record(g, e) == -1)
		return -1;
	read_map(g);
	reading_conclude(g);
	sort_domains(g->r);
	return 0;
}

int
report_read(struct report *r, const struct report_ask *ask, struct err *e)
{
	struct reading g;
	int rv;

	begin(&g, r, ask);
	rv = read_all(&g, e);
	ledger_close(g.ledger);
	evidence_close(g.evidence);
	names_free(&g.failures);
	return rv;
}

void
report_free(struct report *r)
{
	unsigned w;
	size_t i;

	for (w = 0; w < REPORT_WAYS; w++) {
		free_way(&r->all[w]);
		free_way(&r->others[w]);
		for (i = 0; i < r->npartners; i++)
			free_way(&r->partner[i].way[w]);
	}
	for (i = 0; i < r->npartners; i++)
		free(r->partner[i].day);
	free(r->answer);
	free(r->note);
	free(r->day);
	free(r->partner);
	free(r->domain);
	free(r->gateway);
	free(r->seen_change);
	free(r->failure);
	free(r->downgrade);
	free(r->rule);
	free(r->fault);
	free(r->gap);
	free(r->quiet);
	free(r->host);
	free(r->leg);
	free(r->handed);
	free(r->own);
	free(r->wait);
	free(r->onboard);
	free(r->notice);
	free(r->flaw);
	names_free(&r->names);
	names_free(&r->days);
	names_free(&r->domains);
	arena_free(&r->arena);
}
