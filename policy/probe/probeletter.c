#include "probeletter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "columns.h"
#include "json.h"
#include "mem.h"
#include "num.h"
#include "probemoved.h"
#include "proberefused.h"
#include "probereport.h"
#include "quote.h"

#define LETTER_WIDTH 72 /* columns */

/* Append text that goes on behind `lead`, broken into lines. */
static void
put_wrapped(
    const char *head, const char *lead, const char *text, struct buf *out)
{
	buf_puts(out, head);
	columns_wrap(out, text, strlen(head), lead, LETTER_WIDTH);
	buf_putc(out, '\n');
}

/* Two sentences as an item of a list. */
static void
put_item(struct buf *out, const char *what, const char *advice)
{
	char *text = mem_printf("%s %s", what, advice);

	put_wrapped("    - ", "      ", text, out);
	free(text);
}

static void
put_facts(const struct proberow *row, struct buf *out)
{
	char when[NUM_TIME_MAX];
	struct buf b = {0};

	probereport_place(row, &b);
	if (row->seen.port != 25 && row->seen.address[0] != '\0')
		buf_printf(&b, " port %u", row->seen.port);
	if (row->fault == FAULT_OK)
		buf_puts(&b, ": ready");
	else
		buf_printf(&b, ": not ready (%s)", fault_text(row->fault));
	if (row->tls)
		buf_printf(&b, ", %s", row->seen.protocol);
	if (row->seen.not_after != 0)
		buf_printf(&b, ", certificate valid until %.10s",
		    num_time_text(row->seen.not_after, when));
	put_wrapped("  ", "    ", b.data, out);
	buf_free(&b);
}

/* What a gateway lacks, and what would mend it. */
struct missing {
	enum fault fault;
	const char *what, *remedy;
	char *text; /* perhaps what; to be freed */
};

/* Which CA was found, and which one was agreed. */
static char *
both_issuers(const struct proberow *row, const struct proberow_rule *rule)
{
	const struct partner *p = row->target->partner;
	const struct strs *agreed =
	    p == NULL || p->attributes == NULL ? NULL : p->attributes->issuer;
	struct buf b = {0};
	size_t i;

	buf_printf(&b, "%s It is of %s", fault_description(rule->fault),
	    rule->observed);
	for (i = 0; agreed != NULL && i < agreed->n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "; agreed is " : " or ",
		    quotes(agreed->v[i]).s);
	buf_putc(&b, '.');
	return buf_take(&b);
}

/* Sentences about CAs name our files and registry: they are said without. */
static void
put_sentence(const struct proberow *row, const struct proberow_rule *rule,
    struct missing *m)
{
	m->text = NULL;
	switch (rule->id) {
	case CERTRULE_ISSUER:
		m->what = m->text = both_issuers(row, rule);
		break;
	case CERTRULE_CA:
		m->what = m->text = mem_printf("%s It was issued by %s.",
		    fault_description(rule->fault), quotes(row->issuer).s);
		break;
	case CERTRULE_SELF_SIGNED:
		m->what = fault_description(rule->fault);
		break;
	default:
		m->what = rule->sentence;
	}
}

static size_t
missing_of(const struct proberow *row, struct missing out[CERTRULE_COUNT + 1])
{
	enum fault last = FAULT_OK;
	size_t i, n = 0;

	if (row->fault == FAULT_OK)
		return 0;
	for (i = 0; i < row->nrules; i++) {
		const struct proberow_rule *rule = &row->rule[i];

		if (rule->state != CERTRULE_FAIL || rule->fault == last ||
		    n == CERTRULE_COUNT)
			continue;
		last = rule->fault;
		out[n].fault = last;
		out[n].remedy = fault_remedy(last);
		put_sentence(row, rule, &out[n++]);
	}
	if (row->fault != row->cert_fault || !row->has_cert)
		out[n++] =
		    (struct missing){row->fault, fault_description(row->fault),
			fault_remedy(row->fault), NULL};
	return n;
}

/* Of one that is ready: does its certificate end soon? */
static bool
put_ending(const struct proberow *row, struct buf *out)
{
	size_t i;

	for (i = 0; i < row->nrules; i++)
		if (row->rule[i].id == CERTRULE_AHEAD) {
			put_item(out, row->rule[i].sentence,
			    "Put a new one in place before that, and tell us "
			    "first if its names or its CA are others.");
			return true;
		}
	return false;
}

/* Is something missing, or soon? */
static bool
put_missing(const struct proberow *row, struct buf *out)
{
	struct missing m[CERTRULE_COUNT + 1];
	size_t i, n = missing_of(row, m);

	put_facts(row, out);
	for (i = 0; i < n; i++) {
		put_item(out, m[i].what, m[i].remedy);
		free(m[i].text);
	}
	return n > 0 || put_ending(row, out);
}

/* Is the partner enforced now, so that its mail waits for what fails? */
static bool
is_enforced(const struct probetarget *t)
{
	return t->partner != NULL && t->partner->attributes != NULL &&
	       t->partner->attributes->mode == MODE_ENFORCED;
}

/* Does mail wait for it, as the map has it? */
static bool
waits_for(const struct proberow *row)
{
	const enum level held = row->target->held;
	enum level step;

	if (row->fault == FAULT_OK || held == LEVEL_OPPORTUNISTIC)
		return false;
	step =
	    fault_smallest_step(row->fault, row->same_key == CERTRULE_KEY_SAME);
	return step == LEVEL_SECURE || held > step;
}

/* Does mail to an enforced partner wait for one of its gateways? */
static bool
waits(const struct probereport *r, const struct probereport_group *g)
{
	size_t i;

	for (i = g->begin; i < g->end; i++)
		if (is_enforced(r->row[i]->target) && waits_for(r->row[i]))
			return true;
	return false;
}

/* Who answers questions, else the host that looked. */
static void
put_signature(
    const struct probereport *r, const struct probetarget *t, struct buf *out)
{
	const char *who = r->operator_;

	if (t->partner != NULL && t->partner->attributes->operator_ != NULL)
		who = t->partner->attributes->operator_;
	/* A user here is no address there. */
	if (who != NULL && strchr(who, '@') != NULL)
		buf_printf(out, "\nThe postmaster, %s\n", who);
	else
		buf_printf(out, "\nThe postmaster of %s\n", r->helo);
}

/*
 * Did they move? Whoever forges their DNS takes our question as well, so it is
 * to be answered on another way.
 */
static void
put_question(const struct probereport *r, const struct probereport_group *g,
    struct buf *out)
{
	const struct probemoved *m;
	char when[NUM_TIME_MAX], *text;
	size_t i;

	for (i = 0; i < r->nmoved; i++) {
		m = &r->moved[i];
		if (strcmp(m->partner, r->row[g->begin]->target->name) != 0)
			continue;
		text = mem_printf("The MX of %s was %s until %.10s, and is %s "
				  "now. Is that yours? Please tell us by "
				  "telephone, or in another way that does not "
				  "depend on DNS, before we agree to it.",
		    m->nexthop, m->was, num_time_text(m->until, when), m->is);
		put_wrapped("", "", text, out);
		buf_putc(out, '\n');
		free(text);
	}
}

/* Mail of theirs that was refused, or NULL. */
static const struct proberefused *
refused_of(const struct probereport *r, const struct probereport_group *g)
{
	size_t i;

	for (i = 0; i < r->nrefused; i++)
		if (strcmp(r->refused[i].partner,
			r->row[g->begin]->target->name) == 0)
			return &r->refused[i];
	return NULL;
}

/* By an exception, which they are to know of before it ends. */
static void
put_let_in(const struct proberefused *x, time_t now, struct buf *out)
{
	char when[NUM_TIME_MAX];
	struct buf b = {0};

	buf_printf(&b, "Your mail to us came without %s, %" PRIu64 " mail%s ",
	    x->clear ? "TLS" : "the client certificate that was agreed",
	    x->let_in, num_plural(x->let_in));
	if (strcmp(x->first, x->day) != 0)
		buf_printf(&b, "from %s to %s", x->first, x->day);
	else
		buf_printf(&b, "on %s", x->day);
	buf_puts(&b, ". It was let in by an exception alone");
	if (x->until != 0)
		buf_printf(&b, ", which %s on %s",
		    x->until > now ? "ends" : "ended",
		    num_time_text(x->until, when));
	buf_printf(&b,
	    "; without that it is refused. Please have your servers "
	    "%s.",
	    x->clear ? "use STARTTLS" : "show that certificate");
	buf_putc(out, '\n');
	put_wrapped("", "", b.data, out);
	buf_free(&b);
}

static void
put_refused(const struct proberefused *x, struct buf *out)
{
	const bool clear = strcmp(x->fault, fault_text(FAULT_NO_STARTTLS)) == 0;
	char when[NUM_TIME_MAX];
	struct buf b = {0};

	buf_printf(&b, "Your mail to us was refused, last on %s, as ",
	    num_time_text(x->at, when));
	if (*x->host != '\0' && strcmp(x->host, "unknown") != 0)
		buf_printf(&b, "%s ", x->host);
	buf_printf(&b, "[%s] ", x->address);
	if (clear)
		buf_puts(&b, "sent it without TLS. Please have that server "
			     "use STARTTLS.");
	else if (strcmp(x->fault, fault_text(FAULT_PROTOCOL_TOO_OLD)) == 0)
		buf_puts(&b, "used an older TLS version than was agreed. "
			     "Please have that server use the newer one.");
	else if (strcmp(x->fault, fault_text(FAULT_NO_CERTIFICATE)) == 0)
		buf_puts(&b, "showed no client certificate. Please have that "
			     "server show the one that was agreed.");
	else
		buf_printf(&b,
		    "showed a client certificate that was not agreed (%s). "
		    "Please have that server show the one that was.",
		    x->fault);
	buf_putc(out, '\n');
	put_wrapped("", "", b.data, out);
	buf_free(&b);
}

static void
put_mail(const struct probereport *r, const struct probereport_group *g,
    struct buf *out)
{
	const struct probetarget *t = r->row[g->begin]->target;
	const struct proberefused *refused = refused_of(r, g);
	bool enforced = is_enforced(t), missing = false;
	const char *do_wait = waits(r, g) ? "waits" : "would wait";
	char when[NUM_TIME_MAX], *text;
	size_t i;

	if (t->partner != NULL && t->partner->contact != NULL)
		buf_printf(out, "To: %s\n", t->partner->contact);
	else
		buf_printf(out,
		    dname_is_nexthop(t->nexthop) ? "To: the postmaster of %s\n"
						 : "To: postmaster@%s\n",
		    t->nexthop);
	buf_printf(out, "Subject: TLS of your mail gateways%s%s\n\n",
	    enforced && g->failed > 0 ? ": our mail to you " : "",
	    enforced && g->failed > 0 ? do_wait
	    : refused == NULL	      ? ""
	    : refused->at != 0	      ? ": your mail to us was refused"
				      : ": your mail to us is not as agreed");
	buf_puts(out, "Dear postmaster,\n\n");
	put_question(r, g, out);
	text = mem_printf("%s check the certificates of your mail gateways. On "
			  "%.10s we looked at them from %s:",
	    enforced ? "As agreed, we exchange mail with you over TLS only, and"
		     : "We would like to exchange mail with you over TLS only, "
		       "and to",
	    num_time_text(r->now, when), r->helo);
	put_wrapped("", "", text, out);
	free(text);
	buf_putc(out, '\n');
	for (i = g->begin; i < g->end; i++)
		if (!probereport_repeats(r, g, i))
			missing |= put_missing(r->row[i], out);
	if (refused != NULL && refused->at == 0)
		put_let_in(refused, r->now, out);
	else if (refused != NULL)
		put_refused(refused, out);
	if (g->failed == 0 && refused != NULL)
		buf_puts(out,
		    "\nOur mail to you moves as agreed. Please tell us when "
		    "this is done.\n");
	else if (g->failed == 0)
		buf_puts(out,
		    missing ? "\nNothing else is missing on your side.\n"
			    : "\nNothing is missing on your side. Please tell "
			      "us before the names or the CA\nof your "
			      "gateways' certificates change.\n");
	else if (enforced)
		buf_printf(out,
		    "\nOur mail for gateways that are not ready "
		    "%s. Please tell us when this is\ndone.\n",
		    do_wait);
	else
		buf_puts(out, "\nPlease tell us when this is done; until then "
			      "mail goes on as before.\n");
	put_signature(r, t, out);
}

/* Nothing is known of some gateway: no letter, which would not be true. */
static void
put_ours(const struct probereport *r, const struct probereport_group *g,
    struct buf *out)
{
	size_t i;

	buf_puts(out, "not known, the fault is on our side\n\n");
	for (i = g->begin; i < g->end; i++)
		if (r->row[i]->fault == FAULT_LOCAL_ERROR)
			put_item(out, r->row[i]->target->nexthop,
			    r->row[i]->seen.detail);
}

static void
put_verdict(const struct probereport *r, const struct probereport_group *g,
    struct buf *out)
{
	const struct probetarget *t = r->row[g->begin]->target;
	const struct proberefused *refused = refused_of(r, g);
	size_t n = g->end - g->begin;
	struct buf line = {0};

	buf_printf(&line, "%s: ", g->name);
	if (!is_enforced(t) && g->failed > 0)
		buf_puts(&line, "no, cannot be enforced today");
	else if (!is_enforced(t))
		buf_printf(&line, "yes, could be enforced today: %s %s",
		    t->partner == NULL ? "tlspact-probe --entry"
				       : "tlspactctl onboard",
		    g->name);
	else if (g->failed == 0)
		buf_printf(&line, "enforced, and it can stay so%s",
		    refused == NULL    ? ""
		    : refused->at != 0 ? "; but mail FROM them was refused"
		    : refused->clear
			? "; but mail FROM them lacks TLS"
			: "; but mail FROM them lacks their certificate");
	else if (g->failed < n)
		buf_printf(&line, "enforced, and %zu of %zu gateways fail",
		    g->failed, n);
	else if (waits(r, g))
		buf_puts(&line, "enforced, and no gateway passes: mail waits");
	else
		buf_puts(&line, "enforced, and no gateway passes: mail would "
				"wait, but the map in force lets it go");
	put_wrapped("", "  ", line.data, out);
	buf_putc(out, '\n');
	buf_free(&line);
}

static int
put_letters(const struct probereport *r, struct buf *out)
{
	struct probereport_group g = {0};

	while (probereport_group(r, &g)) {
		buf_puts(out, g.begin == 0 ? "" : "\n");
		if (g.unknown > 0) {
			buf_printf(out, "%s: ", g.name);
			put_ours(r, &g, out);
			continue;
		}
		put_verdict(r, &g, out);
		put_mail(r, &g, out);
	}
	if (r->n == 0)
		buf_puts(out, "No gateway was looked at.\n");
	return r->code;
}

const struct probeform probeletter_enforce = {put_letters};

static json_t *
missing_json(const struct probereport *r, const struct probereport_group *g)
{
	struct missing m[CERTRULE_COUNT + 1];
	json_t *list = json_array();
	size_t i, k, n;

	for (i = g->begin; i < g->end; i++) {
		const struct proberow *row = r->row[i];

		if (row->fault == FAULT_LOCAL_ERROR ||
		    probereport_repeats(r, g, i))
			continue;
		n = missing_of(row, m);
		for (k = 0; k < n; k++) {
			json_array_append_new(list,
			    json_pack("{s:o, s:o, s:o, s:o, s:o}", "gateway",
				json_text(probereport_gateway(row)), "address",
				json_text(row->seen.address), "fault",
				fault_json(m[k].fault), "what",
				json_text(m[k].what), "remedy",
				json_text(m[k].remedy)));
			free(m[k].text);
		}
	}
	return list;
}

struct json_t *
probeletter_json(const struct probereport *r)
{
	struct probereport_group g = {0};
	json_t *list = json_array();
	struct buf text = {0};

	while (probereport_group(r, &g)) {
		const struct proberefused *refused = refused_of(r, &g);

		buf_clear(&text);
		if (g.unknown == 0)
			put_mail(r, &g, &text);
		json_array_append_new(
		    list, json_pack("{s:o, s:b, s:b, s:b, s:I, s:s, s:o, s:o}",
			      "partner", json_text(g.name), "enforced",
			      is_enforced(r->row[g.begin]->target), "waits",
			      waits(r, &g), "refused",
			      refused != NULL && refused->at != 0, "let_in",
			      refused == NULL ? 0 : (json_int_t)refused->let_in,
			      "could_be",
			      g.unknown > 0   ? "unknown"
			      : g.failed == 0 ? "yes"
					      : "no",
			      "missing", missing_json(r, &g), "letter",
			      json_text(text.len == 0 ? NULL : text.data)));
	}
	buf_free(&text);
	return list;
}
