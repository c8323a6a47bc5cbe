#include "reporttable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "common.h"
#include "json.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "report.h"
#include "reportbrief.h"
#include "reportformat.h"

#define WIDTH 32   /* fields of a line of CSV, without the first */
#define DAYS_OF 20 /* partners of whom each day is told */

/* --- Cells, and where they go -------------------------------------------- */

struct cell {
	enum { CELL_TEXT, CELL_NUMBER, CELL_COUNT, CELL_TIME, CELL_YES } is;
	const char *text;
	int64_t n;
};
#define T(s) ((struct cell){CELL_TEXT, (s), 0})
#define N(i) ((struct cell){CELL_NUMBER, NULL, (int64_t)(i)})
/* -1: nobody knows, or it is not asked for. */
#define C(i) ((struct cell){CELL_COUNT, NULL, (i)})
#define W(t) ((struct cell){CELL_TIME, NULL, (t)})
/* -1: nobody knows. */
#define Y(b) ((struct cell){CELL_YES, NULL, (b)})

struct tables {
	const struct report *r;
	struct buf *csv;  /* or NULL */
	json_t *json;	  /* the same */
	const char *last; /* table that was begun last */
};

static void
put_field(struct buf *out, const char *s)
{
	bool formula = *s != '\0' && strchr("=+-@\t\r", *s) != NULL;
	struct buf text = {0};
	const char *p;

	quote_put(&text, s, strlen(s));
	if (text.len > 0 && !formula && strpbrk(text.data, ",\"") == NULL) {
		buf_add(out, text.data, text.len);
	} else if (text.len > 0) {
		buf_puts(out, formula ? "\"'" : "\"");
		for (p = text.data; *p != '\0'; p++) {
			if (*p == '"')
				buf_putc(out, '"');
			buf_putc(out, *p);
		}
		buf_putc(out, '"');
	}
	buf_free(&text);
}

static void
put_cell(struct buf *out, const struct cell *c)
{
	char when[NUM_TIME_MAX];

	if (c->is == CELL_TEXT)
		put_field(out, c->text == NULL ? "" : c->text);
	else if (c->is == CELL_NUMBER || (c->is == CELL_COUNT && c->n >= 0))
		buf_printf(out, "%" PRId64, c->n);
	else if (c->is == CELL_COUNT)
		return;
	else if (c->is == CELL_YES)
		buf_puts(out, c->n < 0 ? "" : c->n != 0 ? "yes" : "no");
	else if (c->n != 0)
		buf_puts(out, num_time_text((time_t)c->n, when));
}

static json_t *
json_cell(const struct cell *c)
{
	if (c->is == CELL_TEXT)
		return c->text == NULL ? json_null() : json_text(c->text);
	if (c->is == CELL_COUNT && c->n < 0)
		return json_null();
	if (c->is == CELL_NUMBER || c->is == CELL_COUNT)
		return json_integer((json_int_t)c->n);
	if (c->is == CELL_YES)
		return c->n < 0 ? json_null() : json_boolean(c->n != 0);
	return json_time((time_t)c->n);
}

/* The next name of a list with blanks between them; false at its end. */
static bool
next_name(const char **list, char name[32])
{
	size_t n;

	*list += strspn(*list, " ");
	n = strcspn(*list, " ");
	if (n == 0 || n >= 32)
		return false;
	memcpy(name, *list, n);
	name[n] = '\0';
	*list += n;
	return true;
}

static void
put_line(struct buf *out, const char *first, const char *names,
    const struct cell *c, size_t n)
{
	char name[32];
	size_t i;

	put_field(out, first);
	for (i = 0; i < n; i++) {
		buf_putc(out, ',');
		if (names == NULL)
			put_cell(out, &c[i]);
		else if (next_name(&names, name))
			put_field(out, name);
	}
	for (; i < WIDTH; i++)
		buf_putc(out, ',');
	buf_puts(out, "\r\n");
}

/* A line of a table, whose columns have these names; "": of the whole. */
static void
put(struct tables *t, const char *table, const char *names,
    const struct cell *c, size_t n)
{
	char name[32];
	json_t *o, *list;
	size_t i;

	if (t->csv != NULL) {
		if (t->last != table)
			put_line(t->csv, "table", names, c, n);
		put_line(t->csv, *table == '\0' ? "report" : table, NULL, c, n);
		t->last = table;
		return;
	}
	o = *table == '\0' ? json_incref(t->json) : json_object();
	for (i = 0; i < n && next_name(&names, name); i++)
		json_object_set_new(o, name, json_cell(&c[i]));
	if (*table == '\0') {
		json_decref(o);
		return;
	}
	if ((list = json_object_get(t->json, table)) == NULL) {
		list = json_array();
		json_object_set_new(t->json, table, list);
	}
	json_array_append_new(list, o);
}
#define PUT(t, table, names, ...)                                \
	put(t, table, names, (const struct cell[]){__VA_ARGS__}, \
	    sizeof((const struct cell[]){__VA_ARGS__}) / sizeof(struct cell))

/* --- The tables ----------------------------------------------------------- */

static void
put_report(struct tables *t)
{
	const struct report *r = t->r;

	PUT(t, "",
	    "from to time going_on version registry map_time map_fault keep"
	    " partner_count enforced_count hours hours_read hours_known "
	    "rule_unknown"
	    " rules_not_named events head whole flaws_found"
	    " evidence_checked"
	    " verify",
	    T(r->from_day), T(r->to_day), W(r->now), Y(r->going_on),
	    T(r->version), T(r->registry_digest), W(r->map_time),
	    T(r->map_fault), N(r->keep), N(r->nregistered), N(r->nenforced),
	    N(r->hours), N(r->hours_read), Y(r->hours_known),
	    N(r->rule_unknown), N(r->rules_more), N(r->head.count),
	    T(r->head.hash), Y(r->head.count == 0 ? -1 : r->flaws == 0),
	    N(r->flaws), Y(r->evidence_checked), T(r->verify));
}

/* Of the period alone: without those that are as of now. */
static void
put_answers(struct tables *t, bool period)
{
	const struct report *r = t->r;
	const struct report_answer *a;
	struct cell c[WIDTH];
	struct buf names = {0};
	size_t i, n;
	int k;

	buf_puts(&names, "state question answer detail now about");
	for (k = 0; k < REPORT_NUMBERS; k++)
		buf_printf(&names, " %s", report_number_name(k));
	for (i = 0; i < r->nanswers; i++) {
		a = &r->answer[i];
		if (period && a->now)
			continue;
		n = 0;
		c[n++] = T(report_state_name(a->state));
		c[n++] = T(a->question);
		c[n++] = T(a->answer);
		c[n++] = T(a->detail);
		c[n++] = Y(a->now);
		c[n++] = T(a->about);
		for (k = 0; k < REPORT_NUMBERS; k++)
			c[n++] = C(a->number[k]);
		put(t, "answers", names.data, c, n);
	}
	buf_free(&names);
}

static void
put_note(struct tables *t, const struct report_note *n)
{
	PUT(t, "attention", "state partner text next turn now",
	    T(report_state_name(n->state)), T(n->partner), T(n->text),
	    T(n->next), T(report_turn_name(n->turn)), Y(n->now));
}

static void
put_uses(struct tables *t, const char *name, enum evidence_direction way,
    const char *kind, const struct report_uses *u)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		PUT(t, "uses",
		    "partner direction kind name mails last state why", T(name),
		    T(evidence_direction_name(way)), T(kind), T(u->v[i].name),
		    N(u->v[i].n), T(u->v[i].last),
		    T(report_state_name(u->v[i].state)), T(u->v[i].why));
}

static void
put_mail(struct tables *t, const char *name, enum evidence_direction way,
    const struct report_way *w)
{
	const struct report_mail *m = &w->mail;
	const struct report_kept *k = &m->kept;

	PUT(t, "mail",
	    "partner direction mails verified trusted encrypted clear"
	    " required_kept required_failed preferred_kept preferred_failed"
	    " rule_unknown lowered deferred returned refused first last"
	    " forward_secret not_forward_secret secrecy_unknown post_quantum"
	    " weakest",
	    T(name), T(evidence_direction_name(way)), N(report_mails(m)),
	    N(report_seen(m, EVIDENCE_VERIFIED)),
	    N(report_seen(m, EVIDENCE_TRUSTED)),
	    N(report_seen(m, EVIDENCE_ENCRYPTED)),
	    N(report_seen(m, EVIDENCE_CLEAR)), N(k->required_kept),
	    N(k->required_failed), N(k->preferred_kept), N(k->preferred_failed),
	    N(k->unknown), N(m->lowered), N(m->deferred), N(m->returned),
	    N(m->refused), T(m->first), T(m->last), N(w->secret),
	    N(w->not_secret), N(w->secret_unknown), N(w->quantum),
	    T(w->weakest));
}

/* Of one kind of table after the other: CSV begins each once. */
static void
put_ways(
    struct tables *t, const char *name, const struct report_way *way, bool uses)
{
	unsigned i;

	for (i = 0; i < REPORT_WAYS; i++) {
		const enum evidence_direction d = (enum evidence_direction)i;

		if (!uses) {
			put_mail(t, name, d, &way[i]);
			continue;
		}
		put_uses(t, name, d, "protocol", &way[i].protocol);
		put_uses(t, name, d, "cipher", &way[i].cipher);
		put_uses(t, name, d, "key exchange", &way[i].exchange);
		put_uses(t, name, d, "signature", &way[i].signature);
		put_uses(t, name, d, "proof", &way[i].proof);
	}
}

static void
put_all_ways(struct tables *t, bool uses)
{
	const struct report *r = t->r;
	size_t i;

	put_ways(t, "(all)", r->all, uses);
	put_ways(t, "(others)", r->others, uses);
	for (i = 0; i < r->npartners; i++)
		put_ways(t, r->partner[i].name, r->partner[i].way, uses);
}

static const char *
rule_name(unsigned rule)
{
	return rule >= REPORT_RULE_UNKNOWN ? "not known"
					   : level_name((enum level)rule);
}

/* By rule, so that it can be told what was demanded of which mail. */
static void
put_rules_of_mail(struct tables *t, const char *name,
    const struct report_way way[REPORT_WAYS])
{
	const uint64_t *n;
	unsigned i, rule;

	for (i = 0; i < REPORT_WAYS; i++)
		for (rule = 0; rule < REPORT_RULES; rule++) {
			n = way[i].mail.n[rule];
			if (n[0] + n[1] + n[2] + n[3] == 0)
				continue;
			PUT(t, "mail_by_rule",
			    "partner direction rule verified trusted encrypted"
			    " clear",
			    T(name), T(evidence_direction_name(i)),
			    T(rule_name(rule)), N(n[EVIDENCE_VERIFIED]),
			    N(n[EVIDENCE_TRUSTED]), N(n[EVIDENCE_ENCRYPTED]),
			    N(n[EVIDENCE_CLEAR]));
		}
}

static void
put_days(
    struct tables *t, const char *name, const struct report_day *d, size_t n)
{
	unsigned w;
	size_t i;

	for (i = 0; i < n; i++)
		for (w = 0; w < REPORT_WAYS; w++)
			PUT(t, "days",
			    "day partner direction verified trusted encrypted"
			    " clear required kept lowered",
			    T(t->r->days.v[d[i].day]), T(name),
			    T(evidence_direction_name(w)),
			    N(d[i].n[w][EVIDENCE_VERIFIED]),
			    N(d[i].n[w][EVIDENCE_TRUSTED]),
			    N(d[i].n[w][EVIDENCE_ENCRYPTED]),
			    N(d[i].n[w][EVIDENCE_CLEAR]), N(d[i].required[w]),
			    N(d[i].kept[w]), N(d[i].lowered[w]));
}

static void
put_partners(struct tables *t)
{
	static const char *const ready[] = {"", "yes", "no"};
	const struct report_partner *p;
	const struct attributes *a;
	size_t i;

	for (i = 0; i < t->r->npartners; i++) {
		p = &t->r->partner[i];
		a = p->p == NULL ? NULL : p->p->attributes;
		PUT(t, "partners",
		    "name state verdict mode agreed in_force contact operator"
		    " ticket review names_known downgrades gateways"
		    " could_be_enforced missing turn line gone",
		    T(p->name), T(report_state_name(p->state)), T(p->verdict),
		    T(a == NULL			   ? "gone"
			: a->mode == MODE_ENFORCED ? "enforced"
						   : "opportunistic"),
		    T(a == NULL ? "" : level_name(p->full)),
		    T(p->level_known ? level_name(p->level) : ""),
		    T(a == NULL ? "" : p->p->contact),
		    T(a == NULL ? "" : a->operator_),
		    T(a == NULL ? "" : a->ticket), W(a == NULL ? 0 : a->review),
		    T(p->names), N(p->ndowngrades), N(p->ngateways),
		    T(ready[p->ready]), T(p->missing),
		    T(report_turn_name(p->turn)), T(p->line), W(p->gone));
	}
}

static const char *
judged_by(enum evidence_judged by)
{
	static const char *const name[] = {"", "nothing", "ca", "dane", "key"};

	return name[by];
}

static const char *
fault_or_null(const char *word)
{
	return word == NULL || strcmp(word, "ok") == 0 ? NULL : word;
}

static void
put_gateways(struct tables *t)
{
	const struct report_gateway *w;
	const struct report_cert *c;
	size_t i, k;

	for (i = 0; i < t->r->ngateways; i++) {
		w = &t->r->gateway[i];
		PUT(t, "gateways",
		    "partner nexthop host address port state word seen fault"
		    " if_enforced since passed by protocol cipher key_exchange"
		    " key requiretls dnssec tlsa issuer not_before not_after"
		    " ends_first percent_left",
		    T(w->partner), T(w->nexthop), T(w->host), T(w->address),
		    N(w->port), T(report_state_name(w->state)), T(w->word),
		    W(w->time), T(fault_or_null(w->fault)), T(w->would),
		    W(w->since), W(w->passed), T(judged_by(w->by)),
		    T(w->protocol), T(w->cipher), T(w->exchange), T(w->key),
		    T(w->requiretls), T(w->dnssec), T(w->tlsa), T(w->issuer),
		    W(w->begins), W(w->ends), T(w->ends_who), N(w->left));
	}
	for (i = 0; i < t->r->ngateways; i++)
		for (k = 0; k < t->r->gateway[i].ncerts; k++) {
			w = &t->r->gateway[i];
			c = &w->cert[k];
			PUT(t, "certificates",
			    "partner host address place subject issuer"
			    " not_before not_after key signature for_servers "
			    "for_clients",
			    T(w->partner), T(w->host), T(w->address), N(k),
			    T(c->subject), T(c->issuer), W(c->begins),
			    W(c->ends), T(c->key), T(c->signature),
			    Y(c->server), Y(c->client));
		}
}

static void
put_changes(struct tables *t)
{
	const struct report_seen_change *c;
	const struct report_rule_change *x;
	size_t i;

	for (i = 0; i < t->r->nseen_changes; i++) {
		c = &t->r->seen_change[i];
		PUT(t, "changes", "time partner nexthop host what was is",
		    W(c->time), T(c->partner), T(c->nexthop), T(c->host),
		    T(report_what_name(c->what)), T(c->was), T(c->is));
	}
	for (i = 0; i < t->r->nrules; i++) {
		x = &t->r->rule[i];
		PUT(t, "rules",
		    "time event partner key change cause was is author text",
		    W(x->time), N(x->event), T(x->partner), T(x->key),
		    T(change_name(x->change)), T(x->cause), T(x->was), T(x->is),
		    T(x->author), T(x->text));
	}
}

/* In brief: of what moved under each its number alone. */
static void
put_lowered(struct tables *t, const struct report_downgrade *d)
{
	uint64_t clear, mails = report_brief_moved(d, &clear);

	PUT(t, "downgrades",
	    "id partner before after direction begin over open reason ticket"
	    " author sudo_user closed_by closed_why mails_known mails"
	    " mails_clear",
	    N(d->id), T(d->partner), T(level_name(d->before)),
	    T(level_name(d->after)), T(direction_name(d->direction)),
	    W(d->begin), W(d->over), Y(d->open), T(d->reason), T(d->ticket),
	    T(d->author), T(d->sudo_user), T(d->closed_by), T(d->closed_why),
	    Y(d->moved_known), N(mails), N(clear));
}

static void
put_downgrades(struct tables *t)
{
	const struct report_downgrade *d;
	const uint64_t *in, *out;
	size_t i;

	for (i = 0; i < t->r->ndowngrades; i++) {
		d = &t->r->downgrade[i];
		in = d->moved[EVIDENCE_IN];
		out = d->moved[EVIDENCE_OUT];
		PUT(t, "downgrades",
		    "id partner before after direction begin until over open "
		    "reason "
		    "ticket"
		    " author sudo_user automatic fault extended_by closed_by"
		    " closed_why mails_known out_verified out_trusted"
		    " out_encrypted out_clear in_verified in_trusted"
		    " in_encrypted in_clear",
		    N(d->id), T(d->partner), T(level_name(d->before)),
		    T(level_name(d->after)), T(direction_name(d->direction)),
		    W(d->begin), W(d->end), W(d->over), Y(d->open),
		    T(d->reason), T(d->ticket), T(d->author), T(d->sudo_user),
		    Y(d->automatic), T(d->fault), T(d->extended_by),
		    T(d->closed_by), T(d->closed_why), Y(d->moved_known),
		    N(out[EVIDENCE_VERIFIED]), N(out[EVIDENCE_TRUSTED]),
		    N(out[EVIDENCE_ENCRYPTED]), N(out[EVIDENCE_CLEAR]),
		    N(in[EVIDENCE_VERIFIED]), N(in[EVIDENCE_TRUSTED]),
		    N(in[EVIDENCE_ENCRYPTED]), N(in[EVIDENCE_CLEAR]));
	}
}

static void
put_failures(struct tables *t)
{
	const struct report_failure *f;
	const struct report_fault *x;
	size_t i;

	for (i = 0; i < t->r->nfailures; i++) {
		f = &t->r->failure[i];
		PUT(t, "failures",
		    "partner direction fault attempts first last mails_waited"
		    " of_these_returned seconds_waited",
		    T(*f->partner == '\0' ? "(others)" : f->partner),
		    T(evidence_direction_name(f->direction)), T(f->fault),
		    N(f->n), T(f->first), T(f->last), N(f->mails),
		    N(f->returned), N(f->seconds));
	}
	for (i = 0; i < t->r->nfaults; i++) {
		x = &t->r->fault[i];
		PUT(t, "faults", "partner fault begin end", T(x->partner),
		    T(x->word), W(x->begin), W(x->end));
	}
}

static void
put_rest(struct tables *t)
{
	const struct report *r = t->r;
	size_t i;

	for (i = 0; i < r->nlegs; i++)
		PUT(t, "legs", "partner leg encrypted clear unknown last",
		    T(r->leg[i].partner), T(r->leg[i].leg),
		    N(r->leg[i].encrypted), N(r->leg[i].clear),
		    N(r->leg[i].unknown), W(r->leg[i].last));
	for (i = 0; i < r->nonboards; i++)
		PUT(t, "onboarding", "time partner text wrong_server_refused",
		    W(r->onboard[i].time), T(r->onboard[i].partner),
		    T(r->onboard[i].text), T(r->onboard[i].refusal));
	for (i = 0; i < r->nwaits; i++)
		PUT(t, "waiting", "partner mails since",
		    T(*r->wait[i].partner == '\0' ? "(others)"
						  : r->wait[i].partner),
		    N(r->wait[i].mails), W(r->wait[i].since));
	for (i = 0; i < r->nown; i++)
		PUT(t, "ours", "looked what name state text begins ends",
		    W(r->own_time), T(r->own[i].what), T(r->own[i].name),
		    T(report_state_name(r->own[i].state)), T(r->own[i].text),
		    W(r->own[i].begins), W(r->own[i].ends));
	for (i = 0; i < r->nnotices; i++)
		PUT(t, "notices", "made sent partner kind subject",
		    W(r->notice[i].created), W(r->notice[i].time),
		    T(r->notice[i].partner), T(r->notice[i].kind),
		    T(r->notice[i].subject));
	for (i = 0; i < r->ndomains; i++)
		PUT(t, "domains", "domain out_clear in_clear last",
		    T(r->domain[i].name),
		    N(r->domain[i].n[EVIDENCE_OUT][EVIDENCE_CLEAR]),
		    N(r->domain[i].n[EVIDENCE_IN][EVIDENCE_CLEAR]),
		    T(r->domain[i].last));
	for (i = 0; i < r->nhosts; i++)
		PUT(t, "hosts", "host state hours first last",
		    T(r->host[i].name), T(report_state_name(r->host[i].state)),
		    N(r->host[i].hours), W(r->host[i].first),
		    W(r->host[i].last));
	for (i = 0; i < r->ngaps; i++)
		PUT(t, "gaps", "begin end", W(r->gap[i].begin),
		    W(r->gap[i].end));
	for (i = 0; i < r->nflaws; i++)
		PUT(t, "flaws", "text", T(r->flaw[i]));
	for (i = 0; i < REPORT_FACTS; i++)
		PUT(t, "facts", "number state title where text", N(i + 1),
		    T(report_state_name(r->fact[i].state)), T(r->fact[i].title),
		    T(r->fact[i].where), T(r->fact[i].text));
}

static void
put_all(struct tables *t)
{
	const struct report *r = t->r;
	size_t i;

	put_report(t);
	put_answers(t, false);
	for (i = 0; i < r->nnotes; i++)
		put_note(t, &r->note[i]);
	put_all_ways(t, false);
	put_rules_of_mail(t, "(all)", r->all);
	for (i = 0; i < r->npartners; i++)
		put_rules_of_mail(t, r->partner[i].name, r->partner[i].way);
	put_all_ways(t, true);
	put_days(t, "(all)", r->day, r->ndays);
	/* Of all partners these would be more than all of the rest. */
	for (i = 0; i < r->npartners && r->npartners <= DAYS_OF; i++)
		put_days(t, r->partner[i].name, r->partner[i].day,
		    r->partner[i].ndays);
	put_partners(t);
	put_gateways(t);
	put_changes(t);
	put_downgrades(t);
	put_failures(t);
	put_rest(t);
}

static void
put_csv(const struct report *r, struct buf *out)
{
	put_all(&(struct tables){.r = r, .csv = out});
}

/* Tables that stay empty are there, too. */
static void
put_object(struct tables *t, const char *schema, const char *const *name,
    size_t n, void (*put_tables)(struct tables *t), struct buf *out)
{
	size_t i;

	t->json = json_object();
	put_tables(t);
	for (i = 0; i < n; i++)
		if (json_object_get(t->json, name[i]) == NULL)
			json_object_set_new(t->json, name[i], json_array());
	json_put(common_object(schema, t->r->now, EX_OK, t->json), out);
}

static void
put_json(const struct report *r, struct buf *out)
{
	static const char *const name[] = {"answers", "attention", "mail",
	    "mail_by_rule", "uses", "days", "partners", "gateways",
	    "certificates", "changes", "rules", "downgrades", "failures",
	    "faults", "legs", "onboarding", "waiting", "ours", "notices",
	    "domains", "hosts", "gaps", "flaws", "facts"};

	put_object(&(struct tables){.r = r}, REPORTTABLE_SCHEMA, name,
	    sizeof(name) / sizeof(name[0]), put_all, out);
}

/* --- In brief --------------------------------------------------------------
 */

static void
put_brief_tables(struct tables *t)
{
	const struct report *r = t->r;
	struct report_brief b;
	size_t i;

	report_brief_of(&b, r, r->all_named);
	PUT(t, "",
	    "state summary from to going_on partner_count enforced_count"
	    " clear_count downgrade_count attention_count attention_now each"
	    " all",
	    T(report_state_name(r->state)), T(r->summary), T(r->from_day),
	    T(r->to_day), Y(r->going_on), N(r->nregistered), N(r->nenforced),
	    N(r->nclear), N(r->ndowngrades), N(b.notes), N(b.now), T(r->each),
	    T(r->again));
	put_answers(t, true);
	for (i = 0; i < b.nclear; i++)
		PUT(t, "clear", "name partner mails held_to_tls lowered",
		    T(b.clear[i]->name), Y(report_brief_partner(r, b.clear[i])),
		    N(b.clear[i]->n), Y(b.clear[i]->held),
		    Y(b.clear[i]->lowered));
	for (i = 0; i < b.ndowngrades; i++)
		put_lowered(t, b.downgrade[i]);
	for (i = 0; i < b.nnotes; i++)
		put_note(t, b.note[i]);
	report_brief_release(&b);
}

static void
put_brief(const struct report *r, struct buf *out)
{
	static const char *const name[] = {
	    "answers", "clear", "downgrades", "attention"};

	put_object(&(struct tables){.r = r}, REPORTTABLE_BRIEF_SCHEMA, name,
	    sizeof(name) / sizeof(name[0]), put_brief_tables, out);
}

const struct reportformat reporttable_csv = {
    "csv", put_csv, false, false, false};

const struct reportformat reporttable_json = {
    "json", put_json, false, false, false};

const struct reportformat reporttable_brief = {
    "json", put_brief, false, true, false};
