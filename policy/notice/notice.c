#include "notice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "notice_text.h"
#include "num.h"

static const char *const kind_texts[] = {
    [NOTICE_HELD] = "held",
    [NOTICE_LOWERED] = "lowered",
    [NOTICE_RESTORED] = "restored",
    [NOTICE_END_NEAR] = "end-near",
    [NOTICE_EXPIRING] = "expiring",
    [NOTICE_FAULT_NEW] = "fault-new",
    [NOTICE_FAULT_GONE] = "fault-gone",
    [NOTICE_COMMON] = "mass",
    [NOTICE_COMMON_OVER] = "mass-over",
    [NOTICE_MAP] = "map",
};

const char *
notice_kind_text(enum notice_kind kind)
{
	return kind_texts[kind];
}

bool
notice_of_action(const struct drop_action *x, time_t now, struct notice *out)
{
	static const struct {
		enum drop_what what;
		enum notice_kind kind;
	} kinds[] = {{DROP_TELL_HELD, NOTICE_HELD},
	    {DROP_TELL_LOWERED, NOTICE_LOWERED},
	    {DROP_TELL_RESTORED, NOTICE_RESTORED},
	    {DROP_TELL_END_NEAR, NOTICE_END_NEAR},
	    {DROP_TELL_COMMON, NOTICE_COMMON},
	    {DROP_TELL_COMMON_OVER, NOTICE_COMMON_OVER}};
	size_t i = 0, n = sizeof(kinds) / sizeof(kinds[0]);

	while (i < n && kinds[i].what != x->what)
		i++;
	if (i == n)
		return false;
	*out = (struct notice){.kind = kinds[i].kind};
	if (x->what == DROP_TELL_COMMON || x->what == DROP_TELL_COMMON_OVER)
		out->begin = x->at;
	out->at = now;
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
		if (not_after - now <= (time_t)steps[i] * CLOCK_DAY)
			return steps[i];
	return 0;
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
	case NOTICE_COMMON:
	case NOTICE_COMMON_OVER:
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
	case NOTICE_COMMON:
		buf_printf(b, "%zu partners fail at once: is the fault ours?",
		    n->nnames);
		break;
	case NOTICE_COMMON_OVER:
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
	case NOTICE_COMMON:
	case NOTICE_COMMON_OVER:
	case NOTICE_MAP:
		break;
	}
	return false;
}

bool
notice_rate_take(
    struct notice_rate *r, enum notice_kind kind, time_t now, time_t *again)
{
	bool urgent = kind == NOTICE_COMMON || kind == NOTICE_MAP;
	unsigned room = urgent ? 2 * NOTICE_HOURLY : NOTICE_HOURLY;

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

/* --- For programs --------------------------------------------------------- */

/* Foreign text, in UTF-8 that jansson takes. */
static void
set_text(json_t *o, const char *name, const char *s, size_t max)
{
	struct buf b = {0};

	if (!notice_said(s))
		return;
	notice_put(&b, s, max, false);
	(void)json_object_set_new(o, name, json_string(b.data));
	buf_free(&b);
}

static void
set_time(json_t *o, const char *name, time_t t)
{
	char time[NUM_TIME_MAX];

	if (t != 0)
		(void)json_object_set_new(
		    o, name, json_string(num_time_text(t, time)));
}

static json_t *
gateways(const struct notice *n)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < n->ngateways && i < NOTICE_GATEWAYS_MAX; i++) {
		const struct step_gateway *g = &n->gateway[i];

		o = json_object();
		set_text(o, "nexthop", g->nexthop, NOTICE_FIELD_MAX);
		set_text(o, "host", g->host, NOTICE_FIELD_MAX);
		set_text(o, "address", g->address, NOTICE_FIELD_MAX);
		set_text(o, "fault", fault_text(g->fault), NOTICE_FIELD_MAX);
		set_text(o, "key", g->key, NOTICE_FIELD_MAX);
		set_text(o, "last_key", g->last_key, NOTICE_FIELD_MAX);
		set_time(o, "not_after", g->not_after);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *
texts(const char *const *v, size_t n)
{
	json_t *list = json_array();
	struct buf b = {0};
	size_t i;

	for (i = 0; i < n && i < NOTICE_PARTNERS_MAX; i++) {
		buf_clear(&b);
		buf_puts(&b, "");
		notice_put(&b, v[i], NOTICE_FIELD_MAX, false);
		(void)json_array_append_new(list, json_string(b.data));
	}
	buf_free(&b);
	return list;
}

static void
set_downgrade(json_t *o, const struct notice *n)
{
	if (n->id != 0)
		(void)json_object_set_new(
		    o, "downgrade", json_integer((json_int_t)n->id));
	switch (n->kind) {
	case NOTICE_HELD:
		if (n->to < n->from)
			set_text(o, "level_needed", level_name(n->to), 32);
		set_text(o, "level", level_name(n->from), 32);
		break;
	case NOTICE_LOWERED:
	case NOTICE_RESTORED:
	case NOTICE_END_NEAR:
		set_text(o, "level_before", level_name(n->from), 32);
		set_text(o, "level_after", level_name(n->to), 32);
		(void)json_object_set_new(
		    o, "automatic", json_boolean(n->automatic));
		(void)json_object_set_new(o, "still", json_boolean(n->still));
		if (n->kind == NOTICE_LOWERED)
			(void)json_object_set_new(
			    o, "requiretls_returned", json_boolean(n->returns));
		set_time(o, "begin", n->begin);
		set_time(o, "end", n->end);
		break;
	default:
		break;
	}
	if (n->why != DROP_WHY_NONE)
		set_text(o, "why", drop_why_text(n->why), 32);
}

char *
notice_json(const struct notice *n)
{
	char *key = notice_key(n), *subject = notice_subject(n);
	json_t *o = json_object();
	char *dump, *out;

	set_text(o, "schema", "tlspact.notice.v1", 64);
	set_text(o, "kind", notice_kind_text(n->kind), 32);
	set_text(o, "key", key, NOTICE_TEXT_MAX);
	set_text(o, "subject", subject, NOTICE_TEXT_MAX);
	set_time(o, "time", n->at);
	set_text(o, "partner", n->partner, NOTICE_FIELD_MAX);
	set_text(o, "contact", n->contact, NOTICE_FIELD_MAX);
	set_text(o, "ticket", n->ticket, NOTICE_FIELD_MAX);
	if (n->ndomains > 0)
		(void)json_object_set_new(
		    o, "domains", texts(n->domain, n->ndomains));
	if (n->fault != FAULT_OK) {
		set_text(o, "fault", fault_text(n->fault), 64);
		set_text(o, "description", fault_description(n->fault), 512);
	}
	set_downgrade(o, n);
	set_time(o, "since", n->since);
	if (n->failures > 0)
		(void)json_object_set_new(
		    o, "failures", json_integer(n->failures));
	set_text(o, "text", n->text, NOTICE_TEXT_MAX);
	if (n->ngateways > 0)
		(void)json_object_set_new(o, "gateways", gateways(n));
	if (n->nnames > 0)
		(void)json_object_set_new(
		    o, "partners", texts(n->name, n->nnames));
	if (n->kind == NOTICE_EXPIRING)
		(void)json_object_set_new(o, "days", json_integer(n->days));
	set_text(o, "map", n->map, NOTICE_FIELD_MAX);
	set_time(o, "compiled", n->compiled);
	dump = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	out = mem_dup(dump == NULL ? "{}" : dump);
	free(dump);
	json_decref(o);
	free(subject);
	free(key);
	return out;
}

/* --- For sendmail --------------------------------------------------------- */

/* The Date of RFC 5322; strftime would speak the operator's language. */
static void
put_date(struct buf *b, time_t t)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return;
	buf_printf(b, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

char *
notice_mail(const struct notice *n, const char *from, const char *to, bool ours)
{
	char *subject, *body, *key;
	struct buf b = {0};

	if (!notice_address_ok(to))
		return NULL;
	buf_printf(&b, "To: %s\n", to);
	if (notice_address_ok(from))
		buf_printf(&b, "From: %s\n", from);
	put_date(&b, n->at);
	subject = notice_subject(n);
	key = notice_key(n);
	body = notice_body(n, ours);
	buf_printf(&b,
	    "Subject: %s\n"
	    "Auto-Submitted: auto-generated\n"
	    "X-Tlspact-Kind: %s\n"
	    "X-Tlspact-Key: %.200s\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n"
	    "\n",
	    subject, notice_kind_text(n->kind), key);
	buf_puts(&b, body);
	free(body);
	free(key);
	free(subject);
	return buf_take(&b);
}
