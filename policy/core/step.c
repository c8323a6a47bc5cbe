#include "step.h"

#include <ctype.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "clock.h"

#define HOSTS_SHOWN 6 /* of a partner with many gateways */
#define KEYS_MAX 64

bool
step_met(const struct step_gateway *g, size_t n, size_t i, time_t span)
{
	const struct step_gateway *x = &g[i], *o;
	const time_t met = x->blind > x->time ? x->blind : x->time;
	size_t j;

	if (x->gone)
		return false;
	for (j = 0; j < n; j++) {
		o = &g[j];
		if (strcmp(o->nexthop, x->nexthop) != 0) {
			if (o->time > met + STEP_LOOK)
				return false;
			continue;
		}
		if (o->time > met + span ||
		    (o->time > met && (*o->host == '\0') != (*x->host == '\0')))
			return false;
	}
	return true;
}

bool
step_same_key(const struct step_gateway *g)
{
	return step_said(g->key) && step_said(g->last_key) &&
	       strcmp(g->key, g->last_key) == 0;
}

/* The next digit; the end of the text: 0. */
static int
next_digit(const char **s)
{
	while (**s == ':')
		(*s)++;
	return **s == '\0' ? 0 : tolower((unsigned char)*(*s)++);
}

static bool
same_digits(const char *a, const char *b)
{
	int digit;

	do {
		digit = next_digit(&a);
		if (digit != next_digit(&b))
			return false;
	} while (digit != 0);
	return true;
}

bool
step_pinned(const struct step_gateway *g, const char *const *pin, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (same_digits(g->key, pin[i]))
			return true;
	return false;
}

bool
step_hop(const struct step_gateway *g, size_t n, size_t at, enum level under,
    bool no_key, struct step_hop *out)
{
	enum level level;
	size_t i;

	*out = (struct step_hop){.fault = FAULT_OK};
	for (i = 0; i < n; i++) {
		if (strcmp(g[i].nexthop, g[at].nexthop) != 0)
			continue;
		if (i < at)
			return false;
		if (!fault_stops_mail(g[i].fault)) {
			out->passes = true;
			continue;
		}
		level = fault_smallest_step(
		    g[i].fault, step_same_key(&g[i]) && !no_key);
		if (level >= under)
			continue;
		if (g[i].since > out->since)
			out->since = g[i].since;
		if (!out->helps || level > out->level) {
			out->level = level;
			out->fault = g[i].fault;
		}
		out->helps = true;
	}
	return true;
}

void
step_propose(
    const struct step_gateway *g, size_t n, enum level now, struct step *out)
{
	enum level need = LEVEL_SECURE, spare = LEVEL_SECURE;
	struct step_hop hop;
	size_t i;

	*out = (struct step){0};
	for (i = 0; i < n; i++) {
		if (!fault_stops_mail(g[i].fault))
			out->passing++;
		else if (fault_is_tls(g[i].fault))
			out->failing++;
		else
			out->network++;
		/* What is lowered already, or was never higher, is no help. */
		if (!step_hop(g, n, i, now, false, &hop))
			continue;
		out->blocked += !hop.passes;
		if (hop.helps && !hop.passes && hop.level < need)
			need = hop.level;
		if (hop.helps && hop.passes && hop.level < spare)
			spare = hop.level;
	}
	out->level = need != LEVEL_SECURE ? need : spare;
	out->helps = out->level != LEVEL_SECURE;
	if (!out->helps)
		out->level = now;
}

bool
step_waits(const struct step_gateway *g, size_t n, enum level full)
{
	struct step s;

	step_propose(g, n, full, &s);
	return n > 0 && full > LEVEL_OPPORTUNISTIC &&
	       (s.passing == 0 || s.blocked > 0);
}

enum fault
step_worst(const struct step_gateway *g, size_t n, time_t *since)
{
	enum fault worst = FAULT_OK, fault;
	size_t i;

	*since = 0;
	for (i = 0; i < n; i++) {
		fault = fault_worse(worst, g[i].fault);
		if (fault != worst)
			*since = g[i].since;
		worst = fault;
	}
	return worst;
}

size_t
step_keys(const struct step_gateway *g, size_t n, struct arena *arena,
    const char *const **out)
{
	size_t i, j, nkeys = 0, max = n < KEYS_MAX ? n : KEYS_MAX;
	const char **v = arena_alloc(arena, (max + 1) * sizeof(*v));

	for (i = 0; i < n && nkeys < max; i++) {
		const char *key = g[i].last_key;

		if (g[i].fault == FAULT_OK && step_said(g[i].key))
			key = g[i].key;
		else if (!step_said(key) ||
			 (step_said(g[i].key) && !step_same_key(&g[i])))
			continue;
		for (j = 0; j < nkeys && strcmp(v[j], key) != 0; j++)
			;
		if (j == nkeys)
			v[nkeys++] = arena_copy(arena, key, strlen(key));
	}
	*out = v;
	return nkeys;
}

/* Has g's host passed, at its address or (anywhere) at another? */
static bool
place_known(const struct step_gateway *list, size_t n,
    const struct step_gateway *g, bool anywhere)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((list[i].known || list[i].fault == FAULT_OK) &&
		    strcmp(list[i].host, g->host) == 0 &&
		    (anywhere ||
			(step_said(g->address) && step_said(list[i].address) &&
			    strcmp(list[i].address, g->address) == 0)))
			return true;
	return false;
}

size_t
step_strangers(
    const struct step_gateway *g, size_t n, const struct step_gateway **first)
{
	size_t i, strangers = 0;

	for (i = 0; i < n; i++) {
		bool reached =
		    g[i].fault == FAULT_OK || fault_is_tls(g[i].fault);

		if (*g[i].host == '\0' || g[i].known ||
		    g[i].fault == FAULT_OK ||
		    place_known(g, n, &g[i], !reached))
			continue;
		if (strangers++ == 0 && first != NULL)
			*first = &g[i];
	}
	return strangers;
}

const char *
step_given_up(enum level to)
{
	switch (to) {
	case LEVEL_KEY:
		return "mail stays encrypted AND authenticated by the known "
		       "key; name, issuer and expiry of the certificate are "
		       "ignored";
	case LEVEL_ENCRYPT:
		return "mail stays encrypted, but whoever answers may show any "
		       "certificate: somebody in between could read it";
	case LEVEL_OPPORTUNISTIC:
		return "mail is encrypted only if the gateway offers it: it "
		       "MAY GO IN CLEAR TEXT, readable on the way";
	case LEVEL_SECURE:
		break;
	}
	return "nothing is given up";
}

time_t
step_since(const struct step_gateway *g)
{
	return g->fault == FAULT_EXPIRED && g->not_after != 0 &&
		       g->not_after <= g->time
		   ? g->not_after
		   : g->since;
}

/* What the look found: since when, and with which key. */
static void
describe_fault(const struct step_gateway *g, time_t now, struct buf *out)
{
	const time_t since = step_since(g);
	char when[CLOCK_MAX];

	if (since != 0 && (since < g->time || since == g->not_after))
		buf_printf(out, " since %s", clock_text(since, now, when));
	if (fault_smallest_step(g->fault, true) != LEVEL_KEY)
		return;
	if (step_said(g->last_key))
		buf_puts(out,
		    step_same_key(g) ? ", key unchanged" : ", another key");
	else /* which may well pass for others */
		buf_printf(out, ", no key ever passed for %s", g->nexthop);
}

static void
describe_look(const struct step_gateway *g, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	if (*g->host != '\0')
		buf_printf(out, "%s ", g->host);
	else
		buf_printf(out, "%s: ", g->nexthop);
	buf_puts(out, g->fault == FAULT_OK ? "passes" : fault_text(g->fault));
	if (step_by_log(g)) {
		buf_printf(out, " at %s, by the log",
		    clock_text(g->failed, now, when));
		return;
	}
	if (g->fault != FAULT_OK)
		describe_fault(g, now, out);
	if (g->failed != 0)
		buf_printf(out, "; since then a mail failed%s%s with %s at %s",
		    g->failed_host == NULL ? "" : " at ",
		    g->failed_host == NULL ? "" : g->failed_host,
		    fault_text(g->failed_with),
		    clock_text(g->failed, now, when));
}

static void
describe_one(const struct step_gateway *g, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	describe_look(g, now, out);
	if (g->blind != 0)
		buf_printf(out, "; our own look failed at %s",
		    clock_text(g->blind, now, when));
}

void
step_describe(
    const struct step_gateway *g, size_t n, time_t now, struct buf *out)
{
	struct buf one = {0}, seen = {0};
	size_t i, shown = 0, more = 0;

	/* The same host behind several domains or addresses says it once. */
	buf_puts(&seen, "; ");
	for (i = 0; i < n; i++) {
		buf_clear(&one);
		buf_puts(&one, "; ");
		describe_one(&g[i], now, &one);
		if (g[i].turns.on) {
			buf_puts(&one, ", ");
			turns_text(&g[i].turns, &one);
		}
		buf_puts(&one, "; ");
		if (strstr(seen.data, one.data) != NULL)
			continue;
		if (shown++ >= HOSTS_SHOWN) {
			more++;
			continue;
		}
		buf_add(&seen, one.data + 2, one.len - 2);
	}
	if (seen.len > 4)
		buf_add(out, seen.data + 2, seen.len - 4);
	if (more > 0)
		buf_printf(out, "; and %zu more", more);
	buf_free(&one);
	buf_free(&seen);
}
