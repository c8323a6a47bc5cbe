#include "notice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "json.h"
#include "num.h"
#include "quote.h"

static const struct {
	const char *word;
	enum drop_what what; /* the action that asks for it, if one does */
	const char *lead;    /* the first sentence; %s is the partner */
} kinds[] = {
    [NOTICE_HELD] = {"held", DROP_TELL_HELD,
	"Mail from us to %s is waiting, because TLS with the mail gateways "
	"fails.\n"},
    [NOTICE_LOWERED] = {"lowered", DROP_TELL_LOWERED,
	"TLS with the mail gateways of %s fails. So that mail keeps moving, we "
	"have lowered\nits security for a limited time.\n"},
    [NOTICE_RESTORED] = {"restored", DROP_TELL_RESTORED,
	"Mail from us to %s is protected again as agreed.\n"},
    [NOTICE_END_NEAR] = {"end-near", DROP_TELL_END_NEAR,
	"Security of mail from us to %s is lowered for a limited time,\nwhich "
	"is soon over.\n"},
    [NOTICE_EXPIRING] = {"expiring", 0,
	"A certificate of a mail gateway of %s expires within "},
    [NOTICE_FAULT_NEW] = {"fault-new", 0,
	"Our regular probe of the mail gateways of %s fails.\n"},
    [NOTICE_BY_TURNS] = {"by-turns", 0,
	"Our regular probe of the mail gateways of %s fails and passes by "
	"turns.\nPerhaps one of several machines behind an address is not as "
	"the others.\n"},
    [NOTICE_FAULT_GONE] = {"fault-gone", 0,
	"Our regular probe of the mail gateways of %s passes again.\n"},
    [NOTICE_COMMON] = {"mass", DROP_TELL_COMMON, ""},
    [NOTICE_COMMON_OVER] = {"mass-over", DROP_TELL_COMMON_OVER, ""},
    [NOTICE_MAP] = {"map", 0, ""},
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

/*
 * Append foreign text: controls, what reorders or hides text, and bytes that
 * are not UTF-8 (ascii: all beyond it) become \xHH; cut at max bytes.
 */
static void
put_foreign(struct buf *b, const char *s, size_t max, bool ascii)
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

/* The partner's name, or a word for it. */
static void
put_partner(struct buf *b, const struct notice *n, bool ascii)
{
	if (step_said(n->of.partner))
		put_foreign(b, n->of.partner, NOTICE_FIELD_MAX, ascii);
	else
		buf_puts(b, "a partner");
}

struct stamp {
	char s[NUM_TIME_MAX];
};

/* 2026-11-23 14:05 UTC */
static struct stamp
at(time_t t)
{
	struct stamp text;

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
		    level_name(n->of.to), at(n->of.until).s, fault);
		break;
	case NOTICE_RESTORED:
		buf_printf(b, "%s is back at %s%s", who, level_name(n->of.to),
		    n->of.still ? ", but the fault is still there" : "");
		break;
	case NOTICE_END_NEAR:
		buf_printf(
		    b, "%s: the downgrade ends %s", who, at(n->of.until).s);
		break;
	case NOTICE_EXPIRING:
		buf_puts(b, "certificate of ");
		if (n->ngateways > 0)
			put_foreign(b, n->gateway[0].host, 100, true);
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

	put_partner(&who, n, true);
	put_subject(&b, n, who.data);
	buf_free(&who);
	buf_puts(&line, "[tlspact] ");
	put_foreign(&line, b.data, NOTICE_SUBJECT_MAX - line.len, true);
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

	if (!notice_address_ok(n->contact) ||
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
	case NOTICE_MAP:
		break;
	}
	return false;
}

/* --- In words ----------------------------------------------------------------
 */

static const char *
meaning(enum level level)
{
	switch (level) {
	case LEVEL_SECURE:
		return "encrypted, to a gateway whose certificate is checked";
	case LEVEL_KEY:
		return "encrypted, and only to a gateway that holds a key we "
		       "know";
	case LEVEL_ENCRYPT:
		return "encrypted, but nobody checks to whom";
	case LEVEL_OPPORTUNISTIC:
		break;
	}
	return "encrypted where that is offered, else in the clear";
}

static void
head(struct buf *b, const char *title)
{
	buf_printf(b, "\n%s\n", title);
}

/* The lines of s, each indented. */
static void
put_indented(struct buf *b, const char *s)
{
	size_t len;

	for (; *s != '\0'; s += len) {
		len = strcspn(s, "\n");
		buf_puts(b, "  ");
		buf_add(b, s, len);
		buf_putc(b, '\n');
		len += s[len] == '\n';
	}
}

static void
put_field(struct buf *b, const char *name, const char *value)
{
	if (!step_said(value))
		return;
	buf_printf(b, "    %-12s ", name);
	put_foreign(b, value, NOTICE_FIELD_MAX, false);
	buf_putc(b, '\n');
}

static void
put_host(struct buf *b, const struct step_gateway *g)
{
	const char *host = step_said(g->host) ? g->host : g->nexthop;

	buf_puts(b, "  ");
	put_foreign(b, host, NOTICE_FIELD_MAX, false);
	if (step_said(g->address)) {
		buf_puts(b, " [");
		put_foreign(b, g->address, 64, false);
		buf_putc(b, ']');
	}
}

static void
put_gateway(struct buf *b, const struct step_gateway *g)
{
	put_host(b, g);
	buf_printf(b, ": %s\n", fault_text(g->fault));
	if (g->turns.on) {
		buf_puts(b, "    ");
		turns_text(&g->turns, b);
		buf_putc(b, '\n');
	}
	if (g->fault != FAULT_OK)
		buf_printf(b, "    %s\n", fault_description(g->fault));
	if (g->not_after != 0)
		buf_printf(b, "    %-12s to %s\n", "valid", at(g->not_after).s);
	if (step_said(g->key) && step_said(g->last_key))
		put_field(b, "key",
		    strcmp(g->key, g->last_key) == 0
			? "the one that passed before"
			: "another than the one that passed before");
}

/* The gateways that pass, or those that do not. */
static size_t
put_gateways(struct buf *b, const struct notice *n, bool well)
{
	size_t i, k = 0;

	for (i = 0; i < n->ngateways; i++) {
		const struct step_gateway *g = &n->gateway[i];

		if ((g->fault == FAULT_OK && !g->turns.on) != well)
			continue;
		if (k++ >= NOTICE_GATEWAYS_MAX)
			continue;
		if (well && n->kind != NOTICE_EXPIRING) {
			put_host(b, g);
			buf_puts(b, " passes.\n");
		} else {
			put_gateway(b, g);
		}
	}
	if (k > NOTICE_GATEWAYS_MAX)
		buf_printf(b, "  and %zu more\n", k - NOTICE_GATEWAYS_MAX);
	return k;
}

static void
put_wrong(struct buf *b, const struct notice *n)
{
	head(b, "What is wrong");
	if (put_gateways(b, n, false) == 0 && n->of.fault != FAULT_OK)
		buf_printf(b, "  %s (%s)\n", fault_description(n->of.fault),
		    fault_text(n->of.fault));
	if (step_said(n->of.text)) {
		buf_puts(b, "  Seen: ");
		put_foreign(b, n->of.text, NOTICE_LINE_MAX, false);
		buf_putc(b, '\n');
	}
	if (n->of.since != 0) {
		head(b, "Since when");
		buf_printf(b, "  %s\n", at(n->of.since).s);
	}
}

static void
put_works(struct buf *b, const struct notice *n)
{
	size_t well;

	head(b, "What still works");
	switch (n->kind) {
	case NOTICE_LOWERED:
	case NOTICE_END_NEAR:
		buf_printf(b, "  Mail moves: %s.\n",
		    meaning(n->kind == NOTICE_LOWERED ? n->of.to : n->of.from));
		break;
	case NOTICE_HELD:
		buf_puts(b, "  Nothing is lost: the mail waits in our "
			    "queue, and is tried again and again.\n");
		break;
	default:
		break;
	}
	well = put_gateways(b, n, true);
	if (n->of.why == DROP_WHY_TURNS)
		buf_puts(
		    b, "  What fails goes through when it is tried again.\n");
	else if (well == 0 && n->ngateways > 0)
		buf_puts(b, "  No gateway passes.\n");
}

static void
put_ours(struct buf *b)
{
	head(b, "What to look at on our side");
	buf_puts(b,
	    "  the CA file (ca_file in tlspact.conf; try tlspact-verify)\n"
	    "  this machine's clock (timedatectl)\n"
	    "  the resolver, where DNS fails (resolver in tlspact.conf)\n"
	    "  the way out: a firewall or proxy that touches STARTTLS\n"
	    "  OpenSSL or Postfix, if updated today\n");
}

static void
put_advice(struct buf *b, const struct notice *n)
{
	if (n->of.why == DROP_WHY_COMMON)
		put_ours(b);
	if (n->of.fault == FAULT_OK || n->of.why == DROP_WHY_COMMON)
		return;
	head(b, "What to do at the partner's side");
	put_indented(b, fault_advice(n->of.fault));
}

/* Why mail is held, and why a downgrade is over. */
static const struct {
	const char *held, *restored;
} reasons[] = {
    [DROP_WHY_NONE] = {"Security is not lowered.", "It is over."},
    [DROP_WHY_POLICY] = {"The agreement says that mail has to wait in this "
			 "case.",
	NULL},
    [DROP_WHY_FLOOR] = {"What would be needed is below what the agreement "
			"allows.",
	NULL},
    [DROP_WHY_A_DAY] = {"We have let mail through often enough today.", NULL},
    [DROP_WHY_MANUAL] = {"Security was already lowered by hand; that is not "
			 "enough.",
	NULL},
    [DROP_WHY_OFF] = {"Lowering security automatically is switched off here.",
	NULL},
    [DROP_WHY_UNCONFIRMED] = {"Our own probe does not see the fault that the "
			      "deliveries reached.",
	NULL},
    [DROP_WHY_NOT_TLS] = {"Our own probe cannot reach the gateways, which is "
			  "no reason to lower\nsecurity.",
	NULL},
    [DROP_WHY_NO_PROBE] = {"There is no result of a probe of our own.", NULL},
    [DROP_WHY_COMMON] = {"No other partner that is judged in the same way "
			 "passes, or is known to.\nSo the cause may be common, "
			 "and be ours: nobody is lowered for that.",
	NULL},
    [DROP_WHY_TURNS] = {"Its gateways pass our probe and fail it by turns, so "
			"mail gets through when\nit is tried again.",
	NULL},
    [DROP_WHY_STRANGER] = {"A mail server answers in the gateways' place that "
			   "never passed a probe of\nours, at its address. "
			   "Below `key` the mail would be given to it.",
	"A mail server answers that never passed a probe of ours."},
    [DROP_WHY_END] = {NULL, "Its time was up."},
    [DROP_WHY_PASSED] = {NULL, "The gateways passed two probes in a row."},
    [DROP_WHY_RULES] = {NULL, "The agreement no longer allows it."},
    [DROP_WHY_HAND] = {NULL, "It was ended by hand."},
    [DROP_WHY_CLOCK] = {NULL, "Our clock was set back behind its beginning."},
};

static void
put_did(struct buf *b, const struct notice *n)
{
	head(b, "What we did");
	switch (n->kind) {
	case NOTICE_HELD:
		buf_puts(b, "  Nothing yet.\n");
		put_indented(b, reasons[n->of.why].held);
		break;
	case NOTICE_LOWERED:
		buf_printf(b,
		    "  Lowered security from %s to %s.\n"
		    "  It ends by itself %s, or earlier when all is well.\n",
		    level_name(n->of.from), level_name(n->of.to),
		    at(n->of.until).s);
		if (n->returns)
			buf_puts(b,
			    "  Mail that demands REQUIRETLS is returned "
			    "to its sender meanwhile, as is what\n  "
			    "waits of it.\n");
		break;
	case NOTICE_RESTORED:
		buf_printf(b, "  Back from %s to %s. %s\n",
		    level_name(n->of.from), level_name(n->of.to),
		    reasons[n->of.why].restored);
		if (n->of.still)
			buf_puts(b, "  The fault was still there when we "
				    "looked last: mail will wait.\n");
		break;
	case NOTICE_END_NEAR:
		buf_printf(b,
		    "  Security is lowered to %s since %s.\n"
		    "  That ends %s; from then on mail will wait.\n",
		    level_name(n->of.from), at(n->of.begin).s,
		    at(n->of.until).s);
		break;
	default:
		buf_puts(b, "  Nothing yet.\n");
		break;
	}
}

/* The part that is not to be forwarded. */
static void
put_operator(struct buf *b, const struct notice *n)
{
	struct buf name = {0};

	put_partner(&name, n, false);
	buf_puts(b, "\n-- \nFor our own operator; leave it out when you "
		    "forward this.\n");
	put_field(b, "ticket", n->ticket);
	put_field(b, "contact", n->contact);
	if (step_said(n->contact) && !notice_tell_contact(n))
		buf_puts(b, "    (was not told by us)\n");
	buf_printf(b, "    tlspactctl status %s\n", name.data);
	switch (n->kind) {
	case NOTICE_HELD:
		if (n->of.why == DROP_WHY_COMMON)
			buf_puts(b, "    tlspact-probe --all\n");
		else if (n->of.to < n->of.from &&
			 n->of.why != DROP_WHY_STRANGER)
			buf_printf(b,
			    "    To let mail through (%s):\n"
			    "    tlspactctl downgrade %s --to %s --for 4h "
			    "--reason \"%s\"\n",
			    meaning(n->of.to), name.data, level_name(n->of.to),
			    fault_text(n->of.fault));
		else
			buf_printf(b, "    tlspact-probe %s\n", name.data);
		break;
	case NOTICE_END_NEAR:
		buf_printf(b, "    tlspactctl extend %s --for 4h\n", name.data);
		break;
	case NOTICE_LOWERED:
		buf_printf(b, "    tlspactctl restore %s\n", name.data);
		break;
	default:
		break;
	}
	buf_free(&name);
}

static void
put_lead(struct buf *b, const struct notice *n)
{
	const char *lead = kinds[n->kind].lead, *name = strstr(lead, "%s");

	buf_add(b, lead, (size_t)(name - lead));
	put_partner(b, n, false);
	buf_puts(b, name + 2);
	if (n->kind == NOTICE_HELD && n->of.failures > 0)
		buf_printf(b, "%u deliver%s failed of late.\n", n->of.failures,
		    n->of.failures == 1 ? "y" : "ies");
	if (n->kind == NOTICE_EXPIRING)
		buf_printf(b,
		    "%u day%s.\nFrom then on mail from us to it will wait.\n",
		    n->days, num_plural(n->days));
}

static void
put_common(struct buf *b, const struct notice *n)
{
	size_t i;

	if (n->kind == NOTICE_COMMON_OVER) {
		buf_printf(b,
		    "The mass fault that began %s is over: few enough partners "
		    "fail.\nTheir faults are looked at one by one again.\n",
		    at(n->of.begin).s);
		return;
	}
	buf_printf(b,
	    "TLS with %zu partners fails at once. That is hardly the fault of "
	    "all of them,\nso nobody was lowered by tlspactd, and nobody will "
	    "be until it is over.\n",
	    n->of.nnames);
	if (n->of.fault != FAULT_OK)
		buf_printf(b, "The fault seen is: %s. %s\n",
		    fault_text(n->of.fault), fault_description(n->of.fault));
	put_ours(b);
	head(b, "The partners");
	for (i = 0; i < n->of.nnames && i < NOTICE_PARTNERS_MAX; i++) {
		buf_puts(b, "  ");
		put_foreign(b, n->of.name[i], NOTICE_FIELD_MAX, false);
		buf_putc(b, '\n');
	}
	if (i < n->of.nnames)
		buf_printf(b, "  and %zu more\n", n->of.nnames - i);
	buf_puts(b, "\nTo let the mail of one through by hand:\n"
		    "  tlspactctl downgrade PARTNER --for 4h --reason TEXT\n");
}

/* A compiler's complaints, line by line. */
static void
put_lines(struct buf *b, const char *s)
{
	size_t len, room = NOTICE_TEXT_MAX, start;
	struct buf line = {0};

	for (; *s != '\0'; s += len + (s[len] == '\n')) {
		len = strcspn(s, "\n");
		start = b->len;
		buf_clear(&line);
		buf_add(&line, s, len);
		buf_puts(b, "  ");
		put_foreign(b, line.data, NOTICE_LINE_MAX, false);
		buf_putc(b, '\n');
		if (b->len - start > room || room - (b->len - start) < 80) {
			buf_puts(b, "  ...\n");
			break;
		}
		room -= b->len - start;
	}
	buf_free(&line);
}

static void
put_map(struct buf *b, const struct notice *n)
{
	buf_puts(b, "The map for Postfix could not be compiled");
	if (step_said(n->map)) {
		buf_puts(b, ":\n  ");
		put_foreign(b, n->map, NOTICE_FIELD_MAX, false);
	}
	buf_puts(b, "\nThe last good one stays in force");
	if (n->compiled != 0)
		buf_printf(b, "; it is of %s", at(n->compiled).s);
	buf_puts(b, ".\nUntil this is mended no change of the registry takes "
		    "effect.\n");
	if (step_said(n->of.text)) {
		head(b, "What is wrong");
		put_lines(b, n->of.text);
	}
	head(b, "What to do");
	buf_puts(b, "  tlspact-compile -n    shows what is wrong, writes "
		    "nothing\n");
}

char *
notice_body(const struct notice *n, bool ours)
{
	struct buf b = {0};

	switch (n->kind) {
	case NOTICE_COMMON:
	case NOTICE_COMMON_OVER:
		put_common(&b, n);
		return buf_take(&b);
	case NOTICE_MAP:
		put_map(&b, n);
		return buf_take(&b);
	case NOTICE_EXPIRING:
		put_lead(&b, n);
		head(&b, "The certificate");
		(void)put_gateways(&b, n, true);
		(void)put_gateways(&b, n, false);
		head(&b, "What to do at the partner's side");
		put_indented(&b, fault_advice(FAULT_EXPIRED));
		break;
	case NOTICE_FAULT_GONE:
		put_lead(&b, n);
		put_works(&b, n);
		break;
	case NOTICE_RESTORED:
		put_lead(&b, n);
		put_did(&b, n);
		if (n->of.still) {
			put_wrong(&b, n);
			put_advice(&b, n);
		}
		break;
	default:
		put_lead(&b, n);
		put_wrong(&b, n);
		put_works(&b, n);
		put_did(&b, n);
		put_advice(&b, n);
		break;
	}
	if (ours)
		put_operator(&b, n);
	return buf_take(&b);
}

/* --- For programs --------------------------------------------------------- */

/* Foreign text, in UTF-8 that jansson takes; NULL if there is none. */
static json_t *
text(const char *s, size_t max)
{
	struct buf b = {0};
	json_t *j;

	if (!step_said(s))
		return NULL;
	put_foreign(&b, s, max, false);
	j = json_string(b.data);
	buf_free(&b);
	return j;
}

static json_t *
field(const char *s)
{
	return text(s, NOTICE_FIELD_MAX);
}

static json_t *
when(time_t t)
{
	return t == 0 ? NULL : json_time(t);
}

static json_t *
gateways(const struct notice *n)
{
	json_t *list = n->ngateways == 0 ? NULL : json_array();
	size_t i;

	for (i = 0; i < n->ngateways && i < NOTICE_GATEWAYS_MAX; i++) {
		const struct step_gateway *g = &n->gateway[i];

		(void)json_array_append_new(list,
		    json_pack("{s:o*, s:o*, s:o*, s:s, s:o*, s:o*, s:o*}",
			"nexthop", field(g->nexthop), "host", field(g->host),
			"address", field(g->address), "fault",
			fault_text(g->fault), "key", field(g->key), "last_key",
			field(g->last_key), "not_after", when(g->not_after)));
	}
	return list;
}

static json_t *
texts(const char *const *v, size_t n)
{
	json_t *list = n == 0 ? NULL : json_array();
	size_t i;

	for (i = 0; i < n && i < NOTICE_PARTNERS_MAX; i++)
		(void)json_array_append_new(
		    list, step_said(v[i]) ? field(v[i]) : json_string(""));
	return list;
}

/* What is said of levels and of a downgrade. */
static json_t *
downgrade(const struct notice *n)
{
	json_t *id = n->of.id == 0 ? NULL : json_integer(n->of.id);
	const char *from = level_name(n->of.from), *to = level_name(n->of.to);
	const char *why =
	    n->of.why == DROP_WHY_NONE ? NULL : drop_why_text(n->of.why);

	switch (n->kind) {
	case NOTICE_HELD:
		return json_pack("{s:o*, s:s*, s:s, s:s*}", "downgrade", id,
		    "level_needed", n->of.to < n->of.from ? to : NULL, "level",
		    from, "why", why);
	case NOTICE_LOWERED:
	case NOTICE_RESTORED:
	case NOTICE_END_NEAR:
		return json_pack(
		    "{s:o*, s:s, s:s, s:b, s:b, s:o*, s:o*, s:o*, s:s*}",
		    "downgrade", id, "level_before", from, "level_after", to,
		    "automatic", n->of.automatic, "still", n->of.still,
		    "requiretls_returned",
		    n->kind == NOTICE_LOWERED ? json_boolean(n->returns) : NULL,
		    "begin", when(n->of.begin), "end", when(n->of.until), "why",
		    why);
	default:
		return json_pack("{s:o*, s:s*}", "downgrade", id, "why", why);
	}
}

char *
notice_json(const struct notice *n)
{
	char *key = notice_key(n), *subject = notice_subject(n);
	bool fault = n->of.fault != FAULT_OK;
	json_t *o, *more;

	o = json_pack("{s:s, s:s, s:o, s:o, s:o*, s:o*, s:o*, s:o*, s:o*, s:s*,"
		      " s:s*}",
	    "schema", "tlspact.notice.v1", "kind", kinds[n->kind].word, "key",
	    text(key, NOTICE_TEXT_MAX), "subject",
	    text(subject, NOTICE_TEXT_MAX), "time", when(n->at), "partner",
	    field(n->of.partner), "contact", field(n->contact), "ticket",
	    field(n->ticket), "domains", texts(n->domain, n->ndomains), "fault",
	    fault ? fault_text(n->of.fault) : NULL, "description",
	    fault ? fault_description(n->of.fault) : NULL);
	more = downgrade(n);
	(void)json_object_update(o, more);
	json_decref(more);
	more = json_pack("{s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*}",
	    "since", when(n->of.since), "failures",
	    n->of.failures == 0 ? NULL : json_integer(n->of.failures), "text",
	    text(n->of.text, NOTICE_TEXT_MAX), "gateways", gateways(n),
	    "partners", texts(n->of.name, n->of.nnames), "days",
	    n->kind == NOTICE_EXPIRING ? json_integer(n->days) : NULL, "map",
	    field(n->map), "compiled", when(n->compiled));
	(void)json_object_update(o, more);
	json_decref(more);
	free(subject);
	free(key);
	return json_compact(o);
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
