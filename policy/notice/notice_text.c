#include "notice_text.h"

#include <string.h>

#include "buf.h"
#include "num.h"
#include "quote.h"

bool
notice_said(const char *s)
{
	return s != NULL && *s != '\0';
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

void
notice_put_time(struct buf *b, time_t t)
{
	char time[NUM_TIME_MAX];

	num_time_text(t, time);
	time[10] = ' ';
	buf_printf(b, "%.16s UTC", time);
}

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
	if (!notice_said(value))
		return;
	buf_printf(b, "    %-12s ", name);
	notice_put(b, value, NOTICE_FIELD_MAX, false);
	buf_putc(b, '\n');
}

static void
put_end(struct buf *b, const struct step_gateway *g)
{
	if (g->not_after == 0)
		return;
	buf_printf(b, "    %-12s to ", "valid");
	notice_put_time(b, g->not_after);
	buf_putc(b, '\n');
}

static void
put_host(struct buf *b, const struct step_gateway *g)
{
	const char *host = notice_said(g->host) ? g->host : g->nexthop;

	buf_puts(b, "  ");
	notice_put(b, host, NOTICE_FIELD_MAX, false);
	if (notice_said(g->address)) {
		buf_puts(b, " [");
		notice_put(b, g->address, 64, false);
		buf_putc(b, ']');
	}
}

static void
put_gateway(struct buf *b, const struct step_gateway *g)
{
	put_host(b, g);
	buf_printf(b, ": %s\n", fault_text(g->fault));
	if (g->fault != FAULT_OK)
		buf_printf(b, "    %s\n", fault_description(g->fault));
	put_end(b, g);
	if (notice_said(g->key) && notice_said(g->last_key))
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

		if ((g->fault == FAULT_OK) != well)
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
	if (put_gateways(b, n, false) == 0 && n->fault != FAULT_OK)
		buf_printf(b, "  %s (%s)\n", fault_description(n->fault),
		    fault_text(n->fault));
	if (notice_said(n->text)) {
		buf_puts(b, "  Seen: ");
		notice_put(b, n->text, NOTICE_LINE_MAX, false);
		buf_putc(b, '\n');
	}
	if (n->since != 0) {
		head(b, "Since when");
		buf_puts(b, "  ");
		notice_put_time(b, n->since);
		buf_putc(b, '\n');
	}
}

static void
put_works(struct buf *b, const struct notice *n)
{
	head(b, "What still works");
	switch (n->kind) {
	case NOTICE_LOWERED:
	case NOTICE_END_NEAR:
		buf_printf(b, "  Mail moves: %s.\n",
		    meaning(n->kind == NOTICE_LOWERED ? n->to : n->from));
		break;
	case NOTICE_HELD:
		buf_puts(b, "  Nothing is lost: the mail waits in our "
			    "queue, and is tried again and again.\n");
		break;
	default:
		break;
	}
	if (put_gateways(b, n, true) == 0 && n->ngateways > 0)
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
	if (n->why == DROP_WHY_COMMON)
		put_ours(b);
	if (n->fault == FAULT_OK || n->why == DROP_WHY_COMMON)
		return;
	head(b, "What to do at the partner's side");
	put_indented(b, fault_advice(n->fault));
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
		put_indented(b, reasons[n->why].held);
		break;
	case NOTICE_LOWERED:
		buf_printf(b, "  Lowered security from %s to %s.\n",
		    level_name(n->from), level_name(n->to));
		buf_puts(b, "  It ends by itself ");
		notice_put_time(b, n->end);
		buf_puts(b, ", or earlier when all is well.\n");
		if (n->returns)
			buf_puts(b,
			    "  Mail that demands REQUIRETLS is returned "
			    "to its sender meanwhile, as is what\n  "
			    "waits of it.\n");
		break;
	case NOTICE_RESTORED:
		buf_printf(b, "  Back from %s to %s. %s\n", level_name(n->from),
		    level_name(n->to), reasons[n->why].restored);
		if (n->still)
			buf_puts(b, "  The fault was still there when we "
				    "looked last: mail will wait.\n");
		break;
	case NOTICE_END_NEAR:
		buf_printf(b, "  Security is lowered to %s since ",
		    level_name(n->from));
		notice_put_time(b, n->begin);
		buf_puts(b, ".\n  That ends ");
		notice_put_time(b, n->end);
		buf_puts(b, "; from then on mail will wait.\n");
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

	notice_put_partner(&name, n, false);
	buf_puts(b, "\n-- \nFor our own operator; leave it out when you "
		    "forward this.\n");
	if (notice_said(n->ticket))
		put_field(b, "ticket", n->ticket);
	if (notice_said(n->contact))
		put_field(b, "contact", n->contact);
	if (notice_said(n->contact) && !notice_tell_contact(n))
		buf_puts(b, "    (was not told by us)\n");
	buf_printf(b, "    tlspactctl status %s\n", name.data);
	switch (n->kind) {
	case NOTICE_HELD:
		if (n->why == DROP_WHY_COMMON)
			buf_puts(b, "    tlspact-probe --all\n");
		else if (n->to < n->from && n->why != DROP_WHY_STRANGER)
			buf_printf(b,
			    "    To let mail through (%s):\n"
			    "    tlspactctl downgrade %s --to %s --for 4h "
			    "--reason \"%s\"\n",
			    meaning(n->to), name.data, level_name(n->to),
			    fault_text(n->fault));
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

/* The first sentence; %s is the partner. */
static const char *const leads[] = {
    [NOTICE_HELD] = "Mail from us to %s is waiting, because TLS with the mail "
		    "gateways fails.\n",
    [NOTICE_LOWERED] = "TLS with the mail gateways of %s fails. So that mail "
		       "keeps moving, we have lowered\n"
		       "its security for a limited time.\n",
    [NOTICE_RESTORED] = "Mail from us to %s is protected again as agreed.\n",
    [NOTICE_END_NEAR] = "Security of mail from us to %s is lowered for a "
			"limited time,\nwhich is soon over.\n",
    [NOTICE_EXPIRING] = "A certificate of a mail gateway of %s expires within ",
    [NOTICE_FAULT_NEW] =
	"Our regular probe of the mail gateways of %s fails.\n",
    [NOTICE_FAULT_GONE] =
	"Our regular probe of the mail gateways of %s passes again.\n",
};

static void
put_lead(struct buf *b, const struct notice *n)
{
	const char *lead = leads[n->kind], *name = strstr(lead, "%s");

	buf_add(b, lead, (size_t)(name - lead));
	notice_put_partner(b, n, false);
	buf_puts(b, name + 2);
	if (n->kind == NOTICE_HELD && n->failures > 0)
		buf_printf(b, "%u deliver%s failed of late.\n", n->failures,
		    n->failures == 1 ? "y" : "ies");
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
		buf_puts(b, "The mass fault that began ");
		notice_put_time(b, n->begin);
		buf_puts(b, " is over: few enough partners fail.\nTheir "
			    "faults are looked at one by one again.\n");
		return;
	}
	buf_printf(b,
	    "TLS with %zu partners fails at once. That is hardly the fault of "
	    "all of them,\nso nobody was lowered by tlspactd, and nobody will "
	    "be until it is over.\n",
	    n->nnames);
	if (n->fault != FAULT_OK)
		buf_printf(b, "The fault seen is: %s. %s\n",
		    fault_text(n->fault), fault_description(n->fault));
	put_ours(b);
	head(b, "The partners");
	for (i = 0; i < n->nnames && i < NOTICE_PARTNERS_MAX; i++) {
		buf_puts(b, "  ");
		notice_put(b, n->name[i], NOTICE_FIELD_MAX, false);
		buf_putc(b, '\n');
	}
	if (i < n->nnames)
		buf_printf(b, "  and %zu more\n", n->nnames - i);
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
		notice_put(b, line.data, NOTICE_LINE_MAX, false);
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
	if (notice_said(n->map)) {
		buf_puts(b, ":\n  ");
		notice_put(b, n->map, NOTICE_FIELD_MAX, false);
	}
	buf_puts(b, "\nThe last good one stays in force");
	if (n->compiled != 0) {
		buf_puts(b, "; it is of ");
		notice_put_time(b, n->compiled);
	}
	buf_puts(b, ".\nUntil this is mended no change of the registry takes "
		    "effect.\n");
	if (notice_said(n->text)) {
		head(b, "What is wrong");
		put_lines(b, n->text);
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
		if (n->still) {
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
