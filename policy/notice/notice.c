#include "notice.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "digest.h"
#include "quote.h"

static const struct {
	const char *word;
	enum drop_what what; /* the action that asks for it, if one does */
} kinds[] = {
    [NOTICE_HELD] = {"held", DROP_TELL_HELD},
    [NOTICE_LOWERED] = {"lowered", DROP_TELL_LOWERED},
    [NOTICE_RESTORED] = {"restored", DROP_TELL_RESTORED},
    [NOTICE_END_NEAR] = {"end-near", DROP_TELL_END_NEAR},
    [NOTICE_EXPIRING] = {"expiring", 0},
    [NOTICE_FAULT_NEW] = {"fault-new", 0},
    [NOTICE_BY_TURNS] = {"by-turns", 0},
    [NOTICE_FAULT_GONE] = {"fault-gone", 0},
    [NOTICE_COMMON] = {"mass", DROP_TELL_COMMON},
    [NOTICE_COMMON_OVER] = {"mass-over", DROP_TELL_COMMON_OVER},
    [NOTICE_LOST] = {"lost", 0},
    [NOTICE_MAP] = {"map", 0},
};

const char *
notice_kind_text(enum notice_kind kind)
{
	return kinds[kind].word;
}

bool
notice_of_action(const struct drop_action *x, time_t now, struct notice *out)
{
	unsigned i = 0;

	while (i < NOTICE_MAP && kinds[i].what != x->what)
		i++;
	if (x->what < DROP_TELL_HELD || i == NOTICE_MAP)
		return false;
	*out =
	    (struct notice){.kind = (enum notice_kind)i, .at = now, .of = *x};
	return true;
}

void
notice_foreign(struct buf *b, const char *s, size_t max, bool ascii)
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
notice_partner(struct buf *b, const struct notice *n, bool ascii)
{
	if (step_said(n->of.partner))
		notice_foreign(b, n->of.partner, NOTICE_FIELD_MAX, ascii);
	else
		buf_puts(b, "a partner");
}

struct notice_stamp
notice_at(time_t t)
{
	struct notice_stamp text;

	(void)num_time_text(t, text.s);
	text.s[10] = ' ';
	memcpy(text.s + 16, " UTC", 5);
	return text;
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

/* Of a time as many characters as len: 10 are the day. */
static void
put_stamp(struct buf *b, time_t t, int len)
{
	char time[NUM_TIME_MAX];

	buf_printf(b, ":%.*s", len, num_time_text(t, time));
}

char *
notice_key(const struct notice *n)
{
	const char *text = n->of.text == NULL ? "" : n->of.text;
	char hash[DIGEST_HEX];
	struct buf b = {0};
	bool turns;

	buf_puts(&b, kinds[n->kind].word);
	if (step_said(n->of.partner)) {
		buf_putc(&b, ':');
		put_word(&b, n->of.partner);
	}
	switch (n->kind) {
	case NOTICE_HELD:
		buf_printf(&b, ":%s:%s:%s", drop_why_text(n->of.why),
		    level_name(n->of.to), fault_text(n->of.fault));
		put_stamp(&b, n->at, 10);
		break;
	case NOTICE_LOWERED:
	case NOTICE_RESTORED:
		buf_printf(&b, ":%" PRId64, n->of.id);
		break;
	case NOTICE_END_NEAR:
		buf_printf(&b, ":%" PRId64, n->of.id);
		put_stamp(&b, n->of.until, NUM_TIME_MAX);
		break;
	case NOTICE_EXPIRING:
		buf_putc(&b, ':');
		if (n->ngateways > 0) {
			put_word(&b, n->gateway[0].host);
			put_stamp(&b, n->gateway[0].not_after, NUM_TIME_MAX);
		}
		buf_printf(&b, ":%u", n->days);
		break;
	case NOTICE_BY_TURNS:
	case NOTICE_FAULT_NEW:
	case NOTICE_FAULT_GONE:
		turns = n->kind == NOTICE_BY_TURNS;
		buf_printf(&b, ":%s", fault_text(n->of.fault));
		put_stamp(
		    &b, turns ? n->at : n->of.since, turns ? 10 : NUM_TIME_MAX);
		break;
	case NOTICE_COMMON:
	case NOTICE_COMMON_OVER:
		put_stamp(&b, n->of.begin, NUM_TIME_MAX);
		break;
	case NOTICE_LOST:
		put_stamp(&b, n->of.since, NUM_TIME_MAX);
		break;
	case NOTICE_MAP:
		buf_printf(&b, ":%.16s", digest_of(text, strlen(text), hash));
		put_stamp(&b, n->at, 10);
		break;
	}
	return buf_take(&b);
}

/* Nobody else passes; or it does itself, at times. */
static const char *
ours(const struct notice *n)
{
	return n->of.why == DROP_WHY_COMMON  ? "; is the fault ours?"
	       : n->of.why == DROP_WHY_TURNS ? ", by turns"
					     : "";
}

/* The subject, as long as it comes; who is the partner. */
static void
put_subject(struct buf *b, const struct notice *n, const char *who)
{
	const char *fault = fault_text(n->of.fault);

	switch (n->kind) {
	case NOTICE_HELD:
		buf_printf(
		    b, "mail to %s is waiting: %s%s", who, fault, ours(n));
		break;
	case NOTICE_LOWERED:
		buf_printf(b, "%s lowered to %s until %s: %s", who,
		    level_name(n->of.to), notice_at(n->of.until).s, fault);
		break;
	case NOTICE_RESTORED:
		if (n->of.inbound)
			buf_printf(b, "mail from %s needs %s again", who,
			    direction_needs(n->of.inbound, n->of.certificate));
		else if (n->of.to > n->of.from)
			buf_printf(
			    b, "%s is back at %s", who, level_name(n->of.to));
		else
			buf_printf(b, "%s: the downgrade is over", who);
		if (n->of.still)
			buf_puts(b, ", but the fault is still there");
		break;
	case NOTICE_END_NEAR:
		buf_printf(b, "%s: the downgrade ends %s", who,
		    notice_at(n->of.until).s);
		break;
	case NOTICE_EXPIRING:
		buf_puts(b, "certificate of ");
		if (n->ngateways > 0)
			notice_foreign(b, n->gateway[0].host, 100, true);
		buf_printf(b, " (%s) expires within %u day%s", who, n->days,
		    num_plural(n->days));
		break;
	case NOTICE_FAULT_NEW:
	case NOTICE_BY_TURNS:
		buf_printf(b, "%s fails our probe: %s%s", who, fault, ours(n));
		break;
	case NOTICE_FAULT_GONE:
		buf_printf(b, "%s passes our probe again", who);
		break;
	case NOTICE_COMMON:
		buf_printf(b, "%zu partners fail at once: is the fault ours?",
		    n->of.nnames);
		break;
	case NOTICE_COMMON_OVER:
		buf_puts(b, "partners recover; downgrades are possible again");
		break;
	case NOTICE_LOST:
		buf_puts(b, "many partners lost protection: was that meant?");
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
	struct buf b = {0}, line = {0}, who = {0};

	notice_partner(&who, n, true);
	put_subject(&b, n, who.data);
	buf_free(&who);
	buf_puts(&line, "[tlspact] ");
	notice_foreign(&line, b.data, NOTICE_SUBJECT_MAX - line.len, true);
	buf_free(&b);
	return buf_take(&line);
}

bool
notice_address_ok(const char *s)
{
	const char *at;
	size_t i;

	if (!step_said(s) || *s == '-' || strlen(s) > NOTICE_ADDRESS_MAX)
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

	if (n->notify_contact == NOTIFY_NO || !notice_address_ok(n->contact) ||
	    (at = strchr(n->contact, '@')) == NULL ||
	    n->of.why == DROP_WHY_COMMON)
		return false;
	switch (n->kind) {
	case NOTICE_HELD:
		/* What we cannot confirm is not theirs to look for. */
		return n->of.why != DROP_WHY_UNCONFIRMED &&
		       n->of.why != DROP_WHY_NO_PROBE &&
		       !is_partners(n, at + 1);
	case NOTICE_FAULT_NEW:
		return !fault_stops_mail(n->of.fault) ||
		       !is_partners(n, at + 1);
	case NOTICE_RESTORED:
		return n->of.automatic &&
		       (!n->of.still || !is_partners(n, at + 1));
	case NOTICE_LOWERED:
	case NOTICE_END_NEAR:
		return n->of.automatic;
	case NOTICE_EXPIRING:
		return n->days <= 14;
	case NOTICE_BY_TURNS:
	case NOTICE_FAULT_GONE:
		return true;
	case NOTICE_COMMON:
	case NOTICE_COMMON_OVER:
	case NOTICE_LOST:
	case NOTICE_MAP:
		break;
	}
	return false;
}

bool
notice_is_end(const struct notice *n)
{
	return n->kind == NOTICE_FAULT_GONE ||
	       (n->kind == NOTICE_RESTORED &&
		   (!n->of.still || !n->of.automatic));
}

time_t
notice_contact_time(const struct notice *n)
{
	time_t since = n->of.since;

	/* An expiry is no fault yet, and told weeks before. */
	if (n->notify_contact == NOTIFY_NO || n->notify_contact == NOTIFY_YES ||
	    n->kind == NOTICE_EXPIRING || notice_is_end(n))
		return n->at;
	if (since == 0 || since > n->at)
		since = n->at;
	since += (time_t)n->notify_contact;
	return since > n->at ? since : n->at;
}
