#include "logreport.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "num.h"
#include "tlsversion.h"

#define WAITS_MAX 1000	   /* partners, domains and faults */
#define EXCHANGES_MAX 1000 /* names that peers chose; the rest is left out */

static const char *
keep(struct logreport *r, const char *text)
{
	return arena_copy(&r->text, text, strlen(text));
}

static struct logreport_row *
row_of(struct logreport *r, const char *month, const char *name,
    enum evidence_direction direction, const char *protocol)
{
	char *text =
	    mem_printf("%s\n%s\n%d\n%s", month, name, (int)direction, protocol);
	uint32_t at = names_add(&r->keys, text, strlen(text));

	free(text);
	if (at < r->n)
		return &r->row[at];
	r->row = mem_grow(r->row, r->n, &r->cap, sizeof(*r->row));
	r->row[r->n] = (struct logreport_row){.month = keep(r, month),
	    .name = keep(r, name),
	    .direction = direction,
	    .protocol = keep(r, protocol),
	    .last = ""};
	return &r->row[r->n++];
}

/* What RFC 8996 took out of use. */
static bool
is_old(const char *protocol)
{
	return strncmp(protocol, "SSLv", 4) == 0 ||
	       strcmp(protocol, "TLSv1") == 0 ||
	       strcmp(protocol, "TLSv1.1") == 0;
}

static void
add(struct logreport *r, struct logreport_row *row,
    const struct evidence_count *c)
{
	row->n[c->seen] += c->n;
	row->mails += c->n;
	/* The days come in order, but of one month only. */
	if (strcmp(row->last, c->day) < 0)
		row->last = keep(r, c->day);
}

/* Of partners: strangers have main.cf's. */
static void
add_rule(struct logreport *r, const struct evidence_count *c)
{
	char *text;
	uint32_t at;

	if (strchr(c->partner, '.') != NULL || strcmp(c->partner, "other") == 0)
		return;
	text = mem_printf("%s\n%d\n%s\n%" PRId64, c->partner, (int)c->direction,
	    c->required, c->downgrade);
	at = names_add(&r->rules, text, strlen(text));
	free(text);
	if (at == r->nrules) {
		r->rule = mem_grow(
		    r->rule, r->nrules, &r->rule_cap, sizeof(*r->rule));
		r->rule[r->nrules++] =
		    (struct logreport_rule){.name = keep(r, c->partner),
			.direction = c->direction,
			.required = keep(r, c->required),
			.downgrade = c->downgrade};
	}
	r->rule[at].n += c->n;
	if (evidence_kept(c))
		r->rule[at].kept += c->n;
}

static bool
take_waited(const struct evidence_waited *w, void *arg)
{
	struct logreport *r = arg;
	struct logreport_wait *own;
	size_t i;

	for (i = 0; i < r->nwaits; i++)
		if (strcmp(r->wait[i].name, w->partner) == 0 &&
		    strcmp(r->wait[i].fault, w->fault) == 0)
			break;
	if (i == WAITS_MAX)
		return true;
	if (i == r->nwaits) {
		r->wait = mem_grow(
		    r->wait, r->nwaits, &r->wait_cap, sizeof(*r->wait));
		r->wait[r->nwaits++] = (struct logreport_wait){
		    keep(r, w->partner), keep(r, w->fault), 0, 0};
	}
	own = &r->wait[i];
	own->n += w->n;
	own->seconds += w->seconds;
	return true;
}

static bool
take_hour(const struct evidence_hour *h, void *arg)
{
	struct logreport *r = arg;
	size_t i;

	for (i = 0; i < r->nhosts; i++)
		if (strcmp(r->host[i].name, h->host) == 0)
			break;
	if (i == r->nhosts) {
		r->host = mem_grow(
		    r->host, r->nhosts, &r->host_cap, sizeof(*r->host));
		r->host[r->nhosts++] = (struct logreport_host){
		    .name = keep(r, h->host), .first = h->hour};
	}
	r->host[i].last = h->hour;
	r->host[i].hours++;
	return true;
}

static bool
take(const struct evidence_count *c, void *arg)
{
	struct logreport *r = arg;
	char month[] = "YYYY-MM";

	if (strcmp(c->result,
		c->direction == EVIDENCE_OUT ? "sent" : "received") != 0)
		return true;
	memcpy(month, c->day, sizeof(month) - 1);
	add(r, row_of(r, month, c->partner, c->direction, ""), c);
	add(r, row_of(r, month, "", c->direction, ""), c);
	add(r, row_of(r, "", c->partner, c->direction, ""), c);
	if (is_old(c->protocol))
		add(r, row_of(r, "", c->partner, c->direction, c->protocol), c);
	add_rule(r, c);
	return true;
}

/* Of few kinds: there are not many names of groups and signatures. */
static bool
take_exchange(const struct evidence_exchange *x, void *arg)
{
	struct logreport *r = arg;
	struct logreport_exchange *own;
	size_t i;

	for (i = 0; i < r->nexchanges; i++) {
		own = &r->exchange[i];
		if (own->direction == x->direction &&
		    strcmp(own->exchange, x->exchange) == 0 &&
		    strcmp(own->signature, x->signature) == 0) {
			own->n += x->n;
			return true;
		}
	}
	if (r->nexchanges == EXCHANGES_MAX)
		return true;
	r->exchange = mem_grow(
	    r->exchange, r->nexchanges, &r->exchange_cap, sizeof(*r->exchange));
	r->exchange[r->nexchanges++] =
	    (struct logreport_exchange){.direction = x->direction,
		.exchange = keep(r, x->exchange),
		.signature = keep(r, x->signature),
		.forward_secret = tls_exchange_forward_secret(x->exchange),
		.post_quantum = tls_exchange_post_quantum(x->exchange),
		.n = x->n};
	return true;
}

static int
compare_exchanges(const void *a, const void *b)
{
	const struct logreport_exchange *x = a, *y = b;
	int rv = (int)x->direction - (int)y->direction;

	if (rv == 0 && x->n != y->n)
		return x->n > y->n ? -1 : 1;
	if (rv == 0)
		rv = strcmp(x->exchange, y->exchange);
	return rv == 0 ? strcmp(x->signature, y->signature) : rv;
}

/* Month and name, month, name, protocol. */
static int
kind(const struct logreport_row *row)
{
	if (*row->protocol != '\0')
		return 3;
	if (*row->month == '\0')
		return 2;
	return *row->name == '\0';
}

static int
compare(const void *a, const void *b)
{
	const struct logreport_row *x = a, *y = b;
	int rv = kind(x) - kind(y);

	if (rv == 0)
		rv = strcmp(x->month, y->month);
	if (rv == 0)
		rv = (int)x->direction - (int)y->direction;
	if (rv == 0 && x->n[EVIDENCE_CLEAR] != y->n[EVIDENCE_CLEAR])
		rv = x->n[EVIDENCE_CLEAR] > y->n[EVIDENCE_CLEAR] ? -1 : 1;
	if (rv == 0)
		rv = strcmp(x->name, y->name);
	return rv == 0 ? strcmp(x->protocol, y->protocol) : rv;
}

int
logreport_read(struct logreport *r, struct evidence *v, const char *partner,
    const char *since, const char *until, struct err *e)
{
	time_t from, to;

	*r = (struct logreport){0};
	if (num_time(since, &from) == -1)
		from = 0;
	to = num_time(until, &to) == -1 ? 0 : to + CLOCK_DAY;
	if (evidence_counts(v, partner, since, until, take, r, e) == -1 ||
	    evidence_exchanges(v, partner, since, until, take_exchange, r, e) ==
		-1 ||
	    evidence_waited(v, partner, since, until, take_waited, r, e) ==
		-1 ||
	    evidence_hours(v, from, to, take_hour, r, e) == -1)
		return -1;
	if (r->n > 0)
		qsort(r->row, r->n, sizeof(*r->row), compare);
	if (r->nexchanges > 0)
		qsort(r->exchange, r->nexchanges, sizeof(*r->exchange),
		    compare_exchanges);
	return 0;
}

void
logreport_free(struct logreport *r)
{
	names_free(&r->keys);
	names_free(&r->rules);
	free(r->rule);
	free(r->wait);
	free(r->host);
	free(r->row);
	free(r->exchange);
	arena_free(&r->text);
}
