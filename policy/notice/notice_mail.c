#include "notice_mail.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "columns.h"
#include "num.h"

/* --- In words ------------------------------------------------------------- */

/* The first sentence; %s is the partner. */
static const char *const leads[] = {
    [NOTICE_HELD] =
	"Mail from us to %s is waiting, because TLS with the mail gateways "
	"fails.\n",
    [NOTICE_LOWERED] =
	"TLS with the mail gateways of %s fails. So that mail keeps moving, we "
	"have lowered\nits security for a limited time.\n",
    [NOTICE_RESTORED] = "Mail with %s is protected again as agreed.\n",
    [NOTICE_END_NEAR] =
	"Security of mail from us to %s is lowered for a limited time,\nwhich "
	"is soon over.\n",
    [NOTICE_EXPIRING] = "A certificate of a mail gateway of %s expires within ",
    [NOTICE_FAULT_NEW] =
	"Our regular probe of the mail gateways of %s fails.\n",
    [NOTICE_BY_TURNS] =
	"Our regular probe of the mail gateways of %s fails and passes by "
	"turns.\nPerhaps one of several machines behind an address is not as "
	"the others.\n",
    [NOTICE_FAULT_GONE] =
	"Our regular probe of the mail gateways of %s passes again.\n",
};

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
	notice_foreign(b, value, NOTICE_FIELD_MAX, false);
	buf_putc(b, '\n');
}

static void
put_host(struct buf *b, const struct step_gateway *g)
{
	const char *host = step_said(g->host) ? g->host : g->nexthop;

	buf_puts(b, "  ");
	notice_foreign(b, host, NOTICE_FIELD_MAX, false);
	if (step_said(g->address)) {
		buf_puts(b, " [");
		notice_foreign(b, g->address, 64, false);
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
		buf_printf(
		    b, "    %-12s to %s\n", "valid", notice_at(g->not_after).s);
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
	struct buf seen = {0};

	head(b, "What is wrong");
	if (put_gateways(b, n, false) == 0 && n->of.fault != FAULT_OK)
		buf_printf(b, "  %s (%s)\n", fault_description(n->of.fault),
		    fault_text(n->of.fault));
	if (step_said(n->of.text)) {
		notice_foreign(&seen, n->of.text, NOTICE_LINE_MAX, false);
		columns_paragraph(
		    b, "  Seen: ", 8, seen.data, false, COLUMNS_KEPT);
		buf_free(&seen);
	}
	if (n->of.since != 0) {
		head(b, "Since when");
		buf_printf(b, "  %s\n", notice_at(n->of.since).s);
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
	case NOTICE_LOWERED:
		buf_printf(b,
		    "  Lowered security from %s to %s.\n"
		    "  It ends by itself %s, or earlier when all is well.\n",
		    level_name(n->of.from), level_name(n->of.to),
		    notice_at(n->of.until).s);
		if (n->returns)
			buf_puts(b,
			    "  Mail that demands REQUIRETLS is returned "
			    "to its sender meanwhile, as is what\n  "
			    "waits of it.\n");
		break;
	case NOTICE_RESTORED:
		if (n->of.inbound)
			buf_puts(b, "  What let their mail in is over. ");
		else if (n->of.to <= n->of.from)
			buf_printf(b,
			    "  The downgrade is over; by the registry it is at "
			    "%s now. ",
			    level_name(n->of.to));
		else
			buf_printf(b, "  Back from %s to %s. ",
			    level_name(n->of.from), level_name(n->of.to));
		buf_printf(b, "%s\n", reasons[n->of.why].restored);
		if (n->of.still)
			buf_puts(b, "  The fault was still there when we "
				    "looked last: mail will wait.\n");
		break;
	case NOTICE_END_NEAR:
		buf_printf(b,
		    "  Security is lowered to %s since %s.\n"
		    "  That ends %s; from then on mail will wait.\n",
		    level_name(n->of.from), notice_at(n->of.begin).s,
		    notice_at(n->of.until).s);
		break;
	default:
		buf_puts(b, "  Nothing yet.\n");
		if (n->kind == NOTICE_HELD)
			put_indented(b, reasons[n->of.why].held);
		break;
	}
}

/* The part that is not to be forwarded. */
static void
put_operator(struct buf *b, const struct notice *n)
{
	struct buf name = {0};

	notice_partner(&name, n, false);
	buf_puts(b, "\n-- \nFor our own operator; leave it out when you "
		    "forward this.\n");
	put_field(b, "ticket", n->ticket);
	put_field(b, "contact", n->contact);
	if (step_said(n->contact) && !notice_tell_contact(n))
		buf_puts(b, "    (was not told by us)\n");
	else if (step_said(n->contact) && notice_contact_time(n) > n->at)
		buf_printf(b, "    (is told by us %s, if it lasts)\n",
		    notice_at(notice_contact_time(n)).s);
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
	const char *lead = leads[n->kind], *name = strstr(lead, "%s");

	buf_add(b, lead, (size_t)(name - lead));
	notice_partner(b, n, false);
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
		    notice_at(n->of.begin).s);
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
		notice_foreign(b, n->of.name[i], NOTICE_FIELD_MAX, false);
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
		notice_foreign(b, line.data, NOTICE_LINE_MAX, false);
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
		notice_foreign(b, n->map, NOTICE_FIELD_MAX, false);
	}
	buf_puts(b, "\nThe last good one stays in force");
	if (n->compiled != 0)
		buf_printf(b, "; it is of %s", notice_at(n->compiled).s);
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

static void
put_lost(struct buf *b, const struct notice *n)
{
	buf_puts(b,
	    "A change of the registry took effect that nobody was "
	    "asked about: what protects\nmail to many partners, or from "
	    "them, is less than it was.\n");
	if (step_said(n->of.text)) {
		head(b, "Who, and what to do");
		put_lines(b, n->of.text);
	}
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
	case NOTICE_LOST:
		put_lost(&b, n);
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
	    "Subject: %s\nAuto-Submitted: auto-generated\n"
	    "X-Tlspact-Kind: %s\n"
	    "X-Tlspact-Key: %.200s\n"
	    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\n",
	    subject, notice_kind_text(n->kind), key);
	buf_puts(&b, body);
	free(body);
	free(key);
	free(subject);
	return buf_take(&b);
}
