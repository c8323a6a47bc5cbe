#include "notice_priv.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "num.h"
#include "quote.h"

#define DAY 86400

static const char *const kind_texts[] = {
    [NOTICE_HELD] = "held",
    [NOTICE_LOWERED] = "lowered",
    [NOTICE_RESTORED] = "restored",
    [NOTICE_END_NEAR] = "end-near",
    [NOTICE_EXPIRING] = "expiring",
    [NOTICE_FAULT_NEW] = "fault-new",
    [NOTICE_FAULT_GONE] = "fault-gone",
    [NOTICE_MASS] = "mass",
    [NOTICE_MASS_OVER] = "mass-over",
    [NOTICE_MAP] = "map",
};

const char *
notice_kind_text(enum notice_kind kind)
{
	return kind_texts[kind];
}

bool
notice_said(const char *s)
{
	return s != NULL && *s != '\0';
}

bool
notice_of_action(const struct drop_action *x, time_t now, struct notice *out)
{
	memset(out, 0, sizeof(*out));
	switch (x->what) {
	case DROP_TELL_HELD:
		out->kind = NOTICE_HELD;
		break;
	case DROP_TELL_LOWERED:
		out->kind = NOTICE_LOWERED;
		break;
	case DROP_TELL_RESTORED:
		out->kind = NOTICE_RESTORED;
		break;
	case DROP_TELL_END_NEAR:
		out->kind = NOTICE_END_NEAR;
		break;
	case DROP_TELL_MASS:
		out->kind = NOTICE_MASS;
		out->begin = x->at;
		break;
	case DROP_TELL_MASS_OVER:
		out->kind = NOTICE_MASS_OVER;
		out->begin = x->at;
		break;
	default:
		return false;
	}
	out->at = now;
	out->waiting = -1;
	out->partner = x->partner;
	out->fault = x->fault;
	out->from = x->from;
	out->to = x->to;
	out->why = x->why;
	out->automatic = x->automatic;
	out->still = x->still;
	out->id = x->id;
	out->since = x->since;
	if (x->begin != 0)
		out->begin = x->begin;
	out->end = x->until;
	out->failures = x->failures;
	out->text = x->text;
	out->name = x->name;
	out->nnames = x->nnames;
	return true;
}

unsigned
notice_expiring(time_t not_after, time_t now)
{
	static const unsigned steps[] = {1, 7, 14, 30};
	size_t i;

	if (not_after <= now)
		return 0;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (not_after - now <= (time_t)steps[i] * DAY)
			return steps[i];
	return 0;
}

void
notice_put(struct buf *b, const char *s, size_t max, bool ascii)
{
	size_t i, k, n, len = s == NULL ? 0 : strlen(s), start = b->len;
	bool odd;

	for (i = 0; i < len; i += n) {
		odd = quote_unsafe(s + i, len - i, &n);
		if (b->len - start + 12 + 3 > max) {
			buf_puts(b, "...");
			return;
		}
		if (!odd && (n == 1 || !ascii)) {
			buf_add(b, s + i, n);
			continue;
		}
		for (k = 0; k < n; k++)
			buf_printf(b, "\\x%02x", (unsigned char)s[i + k]);
	}
}

void
notice_put_partner(struct buf *b, const struct notice *n, bool ascii)
{
	if (notice_said(n->partner))
		notice_put(b, n->partner, NOTICE_FIELD_MAX, ascii);
	else
		buf_puts(b, "a partner");
}

/* Part of a key: what is not a letter, digit or harmless sign becomes _. */
static void
put_word(struct buf *b, const char *s)
{
	size_t i;

	for (i = 0; s != NULL && s[i] != '\0' && i < NOTICE_FIELD_MAX; i++) {
		char c = s[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    (c >= 'A' && c <= 'Z') ||
			    (c != '\0' && strchr(".-[]", c) != NULL);

		buf_putc(b, good ? c : '_');
	}
}

static void
put_stamp(struct buf *b, time_t t)
{
	char time[NUM_TIME_MAX];

	buf_printf(b, ":%s", num_time_text(t, time));
}

static void
put_day(struct buf *b, time_t t)
{
	char time[NUM_TIME_MAX];

	buf_printf(b, ":%.10s", num_time_text(t, time));
}

/* FNV-1a: tells texts apart, no more. */
static uint64_t
mix(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; s != NULL && *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

char *
notice_key(const struct notice *n)
{
	struct buf b = {0};

	buf_puts(&b, kind_texts[n->kind]);
	if (notice_said(n->partner)) {
		buf_putc(&b, ':');
		put_word(&b, n->partner);
	}
	switch (n->kind) {
	case NOTICE_HELD:
		buf_printf(&b, ":%s:%s:%s", drop_why_text(n->why),
		    level_name(n->to), fault_text(n->fault));
		put_day(&b, n->at);
		break;
	case NOTICE_LOWERED:
	case NOTICE_RESTORED:
		buf_printf(&b, ":%" PRId64, n->id);
		break;
	case NOTICE_END_NEAR:
		buf_printf(&b, ":%" PRId64, n->id);
		put_stamp(&b, n->end);
		break;
	case NOTICE_EXPIRING:
		buf_putc(&b, ':');
		if (n->ngateways > 0) {
			put_word(&b, n->gateway[0].host);
			put_stamp(&b, n->gateway[0].not_after);
		}
		buf_printf(&b, ":%u", n->days);
		break;
	case NOTICE_FAULT_NEW:
	case NOTICE_FAULT_GONE:
		buf_printf(&b, ":%s", fault_text(n->fault));
		put_stamp(&b, n->since);
		break;
	case NOTICE_MASS:
	case NOTICE_MASS_OVER:
		put_stamp(&b, n->begin);
		break;
	case NOTICE_MAP:
		buf_printf(&b, ":%016" PRIx64, mix(n->text));
		put_day(&b, n->at);
		break;
	}
	return buf_take(&b);
}

/* Nobody else passes. */
static const char *
ours(const struct notice *n)
{
	return n->why == DROP_WHY_COMMON ? "; is the fault ours?" : "";
}

/* The subject, as long as it comes. */
static void
put_subject(struct buf *b, const struct notice *n)
{
	const char *fault = fault_text(n->fault);

	switch (n->kind) {
	case NOTICE_HELD:
		buf_puts(b, "mail to ");
		notice_put_partner(b, n, true);
		buf_printf(b, " is waiting: %s%s", fault, ours(n));
		break;
	case NOTICE_LOWERED:
		notice_put_partner(b, n, true);
		buf_printf(b, " lowered to %s until ", level_name(n->to));
		notice_put_time(b, n->end);
		buf_printf(b, ": %s", fault);
		break;
	case NOTICE_RESTORED:
		notice_put_partner(b, n, true);
		buf_printf(b, " is back at %s%s", level_name(n->to),
		    n->still ? ", but the fault is still there" : "");
		break;
	case NOTICE_END_NEAR:
		notice_put_partner(b, n, true);
		buf_puts(b, ": the downgrade ends ");
		notice_put_time(b, n->end);
		break;
	case NOTICE_EXPIRING:
		buf_puts(b, "certificate of ");
		if (n->ngateways > 0)
			notice_put(b, n->gateway[0].host, 100, true);
		buf_puts(b, " (");
		notice_put_partner(b, n, true);
		buf_printf(b, ") expires within %u day%s", n->days,
		    n->days == 1 ? "" : "s");
		break;
	case NOTICE_FAULT_NEW:
		notice_put_partner(b, n, true);
		buf_printf(b, " fails our probe: %s%s", fault, ours(n));
		break;
	case NOTICE_FAULT_GONE:
		notice_put_partner(b, n, true);
		buf_puts(b, " passes our probe again");
		break;
	case NOTICE_MASS:
		buf_printf(b, "%zu partners fail at once: is the fault ours?",
		    n->nnames);
		break;
	case NOTICE_MASS_OVER:
		buf_puts(b, "partners recover; downgrades are possible again");
		break;
	case NOTICE_MAP:
		buf_puts(
		    b, "the map was not compiled; the old one is in force");
		break;
	}
}

char *
notice_subject(const struct notice *n)
{
	struct buf b = {0}, line = {0};

	put_subject(&b, n);
	buf_puts(&line, "[tlspact] ");
	notice_put(&line, b.data, NOTICE_SUBJECT_MAX - line.len, true);
	buf_free(&b);
	return buf_take(&line);
}

bool
notice_address_ok(const char *s)
{
	const char *at;
	size_t i;

	if (!notice_said(s) || *s == '-' || strlen(s) > NOTICE_ADDRESS_MAX)
		return false;
	for (i = 0; s[i] != '\0'; i++)
		if (s[i] <= ' ' || s[i] > '~' ||
		    strchr("<>()[]\\,;:\"", s[i]) != NULL)
			return false;
	at = strchr(s, '@');
	return at == NULL ||
	       (at != s && at[1] != '\0' && at == strrchr(s, '@'));
}

/* Is the host or domain one of the partner's? */
static bool
is_partners(const struct notice *n, const char *name)
{
	size_t i, len = strlen(name), dlen;

	for (i = 0; i < n->ndomains; i++) {
		const char *d = n->domain[i];

		if (strcasecmp(d, name) == 0)
			return true;
		dlen = strlen(d);
		if (*d == '.' && len > dlen &&
		    strcasecmp(d, name + len - dlen) == 0)
			return true;
	}
	return false;
}

bool
notice_tell_contact(const struct notice *n)
{
	const char *at;

	if (!notice_address_ok(n->contact) ||
	    (at = strchr(n->contact, '@')) == NULL || n->why == DROP_WHY_COMMON)
		return false;
	switch (n->kind) {
	case NOTICE_HELD:
		/* What we cannot confirm is not theirs to look for. */
		return n->why != DROP_WHY_UNCONFIRMED &&
		       n->why != DROP_WHY_NO_PROBE && !is_partners(n, at + 1);
	case NOTICE_FAULT_NEW:
		return !fault_stops_mail(n->fault) || !is_partners(n, at + 1);
	case NOTICE_RESTORED:
		return n->automatic && (!n->still || !is_partners(n, at + 1));
	case NOTICE_LOWERED:
	case NOTICE_END_NEAR:
		return n->automatic;
	case NOTICE_EXPIRING:
		return n->days <= 14;
	case NOTICE_FAULT_GONE:
		return true;
	case NOTICE_MASS:
	case NOTICE_MASS_OVER:
	case NOTICE_MAP:
		break;
	}
	return false;
}

bool
notice_rate_take(struct notice_rate *r, enum notice_kind kind, unsigned hourly,
    time_t now, time_t *again)
{
	bool urgent = kind == NOTICE_MASS || kind == NOTICE_MAP;
	unsigned room = urgent ? 2 * hourly : hourly;

	/* A clock that went back must not silence us. */
	if (now < r->start || now - r->start >= 3600) {
		r->start = now;
		r->sent = 0;
	}
	if (r->sent >= room) {
		*again = r->start + 3600;
		return false;
	}
	r->sent++;
	return true;
}
