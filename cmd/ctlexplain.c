#include "ctlexplain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "cdbmap.h"
#include "ctlevent.h"
#include "ctlexplainprint.h"
#include "ctlmove.h"
#include "ctlnobody.h"
#include "ctlrun.h"
#include "flush.h"
#include "ledger.h"
#include "ledger_rename.h"
#include "listener.h"
#include "logsmtp.h"
#include "lookup.h"
#include "maincf.h"
#include "mapfacts.h"
#include "mapgone.h"
#include "mapowner.h"
#include "mem.h"
#include "ours.h"
#include "policyproto.h"
#include "postconf.h"
#include "postmap.h"
#include "quote.h"
#include "receiver.h"
#include "registry_slip.h"
#include "say.h"
#include "sidemap.h"
#include "strength.h"

#define ANSWER_MS 2000 /* for tlspactd */

/* --- Whose it is --------------------------------------------------------- */

/* A partner stands for its first domain that is one. */
static const char *
first_domain(const struct registry *r, const struct partner *p)
{
	const struct domain *d = &r->domain[p->first_domain];
	uint32_t i;

	for (i = 0; i < p->ndomains; i++)
		if (*d[i].name != '.')
			return d[i].name;
	return d->name + 1;
}

/*
 * A user has the queue id of a mail: its recipient is who is asked about. NULL:
 * there is none, as *code tells and was said.
 */
static const char *
find_mail(const struct ctlrun *r, struct ctlexplain *x, int *code)
{
	const char *id = r->lower.partner;
	struct err e;
	char *at;
	int rv;

	rv = flush_find(&x->mail, settings_postfix(&r->c.set), id, &e);
	if (rv == 1) {
		at = strrchr(x->mail.address, '@');
		*at = '\0';
		x->mailbox = x->mail.address;
		x->queue_id = id;
		return at + 1;
	}
	*code = rv == 0 ? EX_NOINPUT : e.code;
	if (rv == 0)
		say("no mail waits with the queue id %s, and no partner has "
		    "that name%s; what became of it: grep %s in the mail log",
		    quotes(id).s, registry_near(r->registry, id).s, id);
	else
		say("%s", e.text);
	return NULL;
}

/* A queue id, or what is meant for one. */
static bool
is_like_id(const char *s)
{
	return flush_is_id(s) ||
	       (strlen(s) > 5 && strpbrk(s, "0123456789") != NULL &&
		   s[strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")] ==
		       '\0');
}

/* 0, or the exit code, which was said. */
static int
read_address(const struct ctlrun *r, struct ctlexplain *x)
{
	const char *name = r->lower.partner, *wrong;
	char buf[DNAME_NEXTHOP_MAX + 1];
	struct dname d;
	uint32_t i = REGISTRY_NONE;
	int code;

	x->mailbox = r->mailbox;
	if (r->mailbox != NULL && *name == '\0') {
		say("\"%s@\": an address without a domain", r->mailbox);
		return EX_USAGE;
	}
	if (r->mailbox == NULL && r->registry != NULL &&
	    registry_domain(r->registry, name) == REGISTRY_NONE)
		i = registry_partner(r->registry, name);
	if (i != REGISTRY_NONE)
		name = first_domain(r->registry, &r->registry->partner[i]);
	else if (r->mailbox == NULL && is_like_id(name)) {
		if ((name = find_mail(r, x, &code)) == NULL)
			return code;
	} else if (r->mailbox == NULL && strpbrk(name, ".[") == NULL)
		return r->registry == NULL ? r->registry_code
					   : ctlrun_nobody(r);
	if (*name == '.')
		name++;
	if ((wrong = dname_nexthop(name, buf, &d)) != NULL) {
		say("domain %s: %s", quotes(name).s, wrong);
		return EX_USAGE;
	}
	(void)snprintf(x->domain, sizeof(x->domain), "%s", d.s);
	return EX_OK;
}

/* --- The way ------------------------------------------------------------- */

/* Does tlspactd answer? Postfix knows what to do without. */
static void
find_daemon(struct ctlexplain *x, const struct postconf *c)
{
	const char *socket = x->run->c.set.policy_socket;
	const struct postconf_service *s;
	struct asking a = {0};
	size_t at = 0;
	int fd;

	if ((fd = listener_connect(socket, ANSWER_MS, &x->daemon_fault)) !=
	    -1) {
		close(fd);
		x->daemon_fault.code = 0;
		return;
	}
	/* That we may not ask says nothing of Postfix. */
	if (x->daemon_fault.code == EX_NOPERM) {
		x->daemon_fault.code = 0;
		return;
	}
	if ((s = receiver_next(c, &at)) != NULL)
		receiver_asking(c, s->name, socket, &a);
	x->action_general = a.action.p == NULL;
	x->action = x->action_general
			? mem_dup(postconf_text(c, s == NULL ? NULL : s->name,
			      "smtpd_policy_service_default_action"))
			: mem_printf("%.*s", SPAN_ARG(a.action));
}

/* Is mail for which DNS has no gateway kept, or sent elsewhere? */
static bool
is_kept(const struct postconf *c, const char *service)
{
	return strcmp(postconf_text(c, service, "soft_bounce"), "yes") == 0 ||
	       *postconf_text(c, service, "smtp_fallback_relay") != '\0';
}

/* Does smtp(8) ask for no MX? */
static bool
is_without_mx(const struct postconf *c, const char *service)
{
	return strcmp(postconf_text(c, service, "disable_dns_lookups"),
		   "yes") == 0 ||
	       strcmp(postconf_text(c, service, "smtp_dns_support_level"),
		   "disabled") == 0;
}

static void
find_way(struct ctlexplain *x, struct postconf *c, struct ours *ours)
{
	const struct settings *s = &x->run->c.set;
	struct map_facts facts = {
	    .path = s->map, .socketmap_socket = s->socketmap_socket};

	x->nexthop = x->domain;
	x->routed =
	    postconf_read(c, settings_postfix(s), false, &x->route_fault) == 0;
	if (!x->routed)
		return;
	x->notes.c = c;
	postmap_hurry();
	route_of(c, &facts, x->domain, x->mailbox, &x->notes, &x->way);
	x->keeps = is_kept(c, x->way.service);
	x->no_mx = is_without_mx(c, x->way.service);
	x->asks = receiver_asks(c, s->policy_socket);
	if (x->asks == RECEIVER_ASKS)
		find_daemon(x, c);
	ours_take(ours, c);
	if (*x->way.nexthop != '\0')
		x->nexthop = x->way.nexthop;
}

/* --- The map ------------------------------------------------------------- */

/* The level in force, by the row or without one. */
static void
find_level(struct ctlexplain *x)
{
	const char *main_cf = x->way.level;

	x->level = LEVEL_OPPORTUNISTIC;
	if (x->has_row && (!x->routed || x->way.asks))
		(void)strength_level(x->row.p, x->row.n, &x->level);
	else if (main_cf != NULL)
		(void)level_of_postfix(main_cf, strlen(main_cf), &x->level);
}

/* What Postfix finds of it while tlspactd is dead, if there is a rule. */
static enum ctlexplain_dead
dead_of(const struct settings *s, bool ruled, const struct lookup_rule *rule)
{
	if (!sidemap_current(s->inbound_map, s->map))
		return CTLEXPLAIN_DEAD_UNKNOWN;
	if (!ruled || rule->record.inbound != INBOUND_REQUIRE ||
	    !lookup_needs_tls(rule))
		return CTLEXPLAIN_DEAD_ACCEPTS;
	return lookup_needs_certificate(rule) ? CTLEXPLAIN_DEAD_REFUSES
					      : CTLEXPLAIN_DEAD_WANTS_TLS;
}

/* What tlspactd would answer about mail from the domain. */
static void
find_rule(struct ctlexplain *x, const struct cdbmap *map,
    const struct ours *ours, struct lookup_rule *rule)
{
	const struct lookup l = {.map = map, .lowered = true};
	const struct decide_about about = {.no_tls = ours->no_tls,
	    .unasked = ours->unasked,
	    .asked = ours->asked,
	    .contact = x->run->c.set.operator_};
	struct policyproto req;
	size_t i;

	x->ruled = lookup_domain(&l, x->domain, strlen(x->domain),
		       x->run->c.now, rule) == LOOKUP_FOUND;
	x->dead = dead_of(&x->run->c.set, x->ruled, rule);
	if (!x->ruled)
		return;
	for (i = 0; i < POLICYPROTO_COUNT; i++)
		req.v[i] = span_of("");
	decide_inbound(rule, &req, &about, &x->clear);
	req.v[POLICYPROTO_PROTOCOL] = span_of("TLSv1.3");
	req.v[POLICYPROTO_CIPHER] = span_of("TLS_AES_256_GCM_SHA384");
	decide_inbound(rule, &req, &about, &x->tls);
}

/* Does mail leave at less than was agreed, which no row in force explains? */
static bool
is_past(const struct ctlexplain *x)
{
	const struct ctl_facts *f = &x->facts;

	if (f->partner == NULL || x->way.command == NULL ||
	    x->level >= ctl_facts_level(f))
		return false;
	return !x->way.asks || (*x->map_fault.text == '\0' &&
				   strcasecmp(x->nexthop, x->domain) != 0);
}

/* --- The partner --------------------------------------------------------- */

/* Whose gateways the evidence has for a domain. */
struct owner {
	const char *domain;
	char name[REGISTRY_NAME_MAX + 1];
};

static bool
take_owner(const struct evidence_gateway *g, void *arg)
{
	struct owner *o = arg;

	if (strcasecmp(g->last.nexthop, o->domain) != 0)
		return true;
	(void)snprintf(o->name, sizeof(o->name), "%s", g->last.partner);
	return false;
}

static void
find_owner(const struct settings *s, struct owner *o)
{
	struct evidence *v;
	struct err e;

	v = evidence_open(s->evidence, s->ledger, EVIDENCE_READ, &e);
	(void)evidence_gateways(v, NULL, 0, take_owner, o, &e);
	evidence_close(v);
}

/* Without a registry the map tells whose row it is, or what was looked at. */
static void
facts_by_map(struct ctlexplain *x, const struct lookup_rule *rule)
{
	struct ctl_facts *f = &x->facts;
	const char *name = x->ruled ? rule->record.partner : "", *full;
	struct owner o = {.domain = x->ruled ? rule->key : x->domain};

	if (*name == '\0' && x->run->registry == NULL) {
		find_owner(&x->run->c.set, &o);
		name = o.name;
	}
	x->nobody = *name == '\0';
	if (x->nobody)
		name = x->domain;
	*f = (struct ctl_facts){.requiretls = -1};
	f->name = arena_copy(&f->arena, name, strlen(name));
	if (x->ruled) {
		full = rule->record.full;
		(void)strength_level(rule->policy, rule->policy_len, &f->full);
		if (rule->lowered && *full != '\0')
			(void)strength_level(full, strlen(full), &f->full);
	}
	ctl_facts_map(&x->run->c, f);
	(void)ctl_facts_kept(&x->run->c, f, 1);
}

/* What was counted of a domain before its partner was removed is with that. */
static void
find_former(struct ctlexplain *x)
{
	struct mapowners owners = {0};
	const struct mapowner *was;
	struct ledger *l;
	struct err ignored;

	if ((l = ledger_open(x->run->c.set.ledger, LEDGER_READ, &ignored)) ==
	    NULL)
		return;
	if (mapowners_read(l, true, &owners, &ignored) == 0 &&
	    (was = mapowners_of(&owners, x->domain)) != NULL && was->gone) {
		x->was =
		    arena_copy(&x->facts.arena, was->name, strlen(was->name));
		x->was_until = was->time;
	}
	mapowners_release(&owners);
	ledger_close(l);
}

/* How it is no partner's any more, as status tells it. */
static void
tell_left(struct ctlexplain *x)
{
	const struct ctlrun *r = x->run;
	const bool stays = x->was == NULL || registry_partner(r->registry,
						 x->was) != REGISTRY_NONE;
	char *text = ctlnobody_was(
	    &r->c.set, r->registry, stays ? x->domain : x->was, r->c.now);

	if (text != NULL)
		x->left = arena_copy(&x->facts.arena, text, strlen(text));
	free(text);
}

static bool
is_domain(const char *domain, const char *reason, void *arg)
{
	(void)reason;
	return strcasecmp(domain, arg) == 0;
}

static void
list_queue(struct ctlexplain *x)
{
	const struct ctl *c = &x->run->c;
	struct ctl_facts *f = &x->facts;
	struct err e;

	if (f->partner != NULL ||
	    (!x->nobody && c->live != NULL &&
		registry_partner(c->live, f->name) != REGISTRY_NONE)) {
		ctl_facts_queue(c, f);
		return;
	}
	f->waiting_asked = true;
	if (flush_list(&f->waiting, settings_postfix(&x->run->c.set), is_domain,
		x->domain, &e) == -1)
		f->waiting_fault =
		    arena_copy(&f->arena, e.text, strlen(e.text));
}

/* What waits for the domain says more than a look before, and than the log. */
static void
find_queued(struct ctlexplain *x)
{
	struct waiting w = {0};
	struct err ignored;

	if (x->facts.waiting.messages == 0 ||
	    flush_list(&w, settings_postfix(&x->run->c.set), is_domain,
		x->domain, &ignored) == -1 ||
	    w.newest_reason == NULL ||
	    strncmp(w.newest_reason, "REQUIRETLS", 10) == 0 ||
	    !logsmtp_holds_for_tls(w.newest_reason)) {
		flush_release(&w);
		return;
	}
	x->queued = w.newest;
	x->queued_reason = arena_copy(
	    &x->facts.arena, w.newest_reason, strlen(w.newest_reason));
	flush_release(&w);
}

/* When what waits goes back, which is qmgr(8)'s to say. */
static void
find_returned(struct ctlexplain *x, const struct postconf *c)
{
	if (x->routed)
		x->facts.returned = flush_returned(&x->facts.waiting,
		    postconf_text(c, NULL, "maximal_queue_lifetime"));
}

/* --- Who changed it ------------------------------------------------------ */

static bool
is_key(const struct ctlevent_row *row, void *arg)
{
	const struct ctlexplain *x = arg;

	return span_same(row->key, span_of(x->has_row ? x->key : x->domain));
}

/* Who was behind sudo(8), if the event tells of another than its author. */
static const char *
sudo_of(const struct ledger_event *ev, struct arena *a)
{
	json_t *data = json_loads(ev->data, 0, NULL);
	const char *sudo =
	    json_string_value(json_object_get(data, "sudo_user"));

	if (sudo != NULL && (*sudo == '\0' || strcmp(sudo, ev->author) == 0 ||
				strcmp(ev->kind, "downgrade-begin") != 0))
		sudo = NULL;
	if (sudo != NULL)
		sudo = arena_copy(a, sudo, strlen(sudo));
	json_decref(data);
	return sudo;
}

struct changes {
	struct ctlexplain *x;
	struct ledger_names names;
};

static bool
take_change(const struct ledger_event *ev, void *arg)
{
	const struct changes *all = arg;
	struct ctlexplain *x = all->x;
	struct ctlexplain_change *c = &x->change;
	struct arena *a = &x->facts.arena;
	bool lowers = strncmp(ev->kind, "downgrade-", 10) == 0;

	if (lowers
		? strcmp(ledger_name_now(&all->names, ev->partner, ev->seq, 0),
		      x->facts.name) != 0
		: !ctlevent_changes(ev, is_key, x))
		return true;
	if (ev->seq > c->seq)
		*c = (struct ctlexplain_change){.seq = ev->seq,
		    .time = ev->time,
		    .kind = arena_copy(a, ev->kind, strlen(ev->kind)),
		    .author = arena_copy(a, ev->author, strlen(ev->author)),
		    .sudo = sudo_of(ev, a),
		    .text = arena_copy(a, ev->text, strlen(ev->text))};
	return false;
}

static void
find_change(struct ctlexplain *x)
{
	struct ledger_event_query q = {.newest_first = true};
	struct changes all = {.x = x};
	struct err *e = &x->change_fault;
	struct ledger *l;
	size_t i;
	int rv;

	if ((l = ledger_open(x->run->c.set.ledger, LEDGER_READ, e)) == NULL)
		return;
	rv = ledger_names_read(l, &all.names, e);
	/* By the name of now, and by those that may have led to it. */
	for (i = 0; rv == 0 && !x->nobody && i <= all.names.n; i++) {
		q.partner = i == 0 ? x->facts.name : all.names.v[i - 1].from;
		rv = ledger_events(l, &q, take_change, &all, e);
	}
	if (rv == 0) {
		q = (struct ledger_event_query){
		    .kind = "map", .newest_first = true};
		(void)ledger_events(l, &q, take_change, &all, e);
	}
	ledger_names_release(&all.names);
	ledger_close(l);
}

/* --- All of it ----------------------------------------------------------- */

static void
find_partner(struct ctlexplain *x, const struct lookup_rule *rule)
{
	struct ctl_facts *f = &x->facts;
	const struct mapgone_change *change;
	const char *less;
	size_t from = 0;
	struct mapgone gone = {0};
	struct ctl c = x->run->c;

	c.gone = &gone;
	(void)ctl_facts_get(&c, x->domain, false, f);
	while (f->name != NULL &&
	       (change = mapgone_less(&gone, &from, f->name, &less)) != NULL)
		x->lost = x->lost || change->before != NULL;
	mapgone_release(&gone);
	/* Of a row alone the name of the partner is not known. */
	if (f->name == NULL ||
	    (x->run->registry == NULL && strcmp(f->name, x->domain) == 0)) {
		ctl_facts_release(f);
		facts_by_map(x, rule);
	}
	if (x->nobody && x->run->registry != NULL) {
		find_former(x);
		tell_left(x);
		if (x->left == NULL)
			x->near =
			    registry_near_domain(x->run->registry, x->domain);
	}
	list_queue(x);
	x->looked = f;
	if (strcasecmp(x->nexthop, x->domain) == 0)
		return;
	(void)ctl_facts_get(&x->run->c, x->nexthop, false, &x->hop);
	x->looked = &x->hop;
}

/* Is it worth asking where mail goes now? Where no look is held against that,
 * only to see whether it goes at all. */
static bool
is_by_mx(const struct ctlexplain *x)
{
	return !x->no_mx && !x->way.rewritten &&
	       (x->looked->n > 0 ? x->level > LEVEL_OPPORTUNISTIC
				 : x->routed) &&
	       (!x->routed || (x->way.command != NULL &&
				  strcmp(x->way.command, "smtp") == 0));
}

static void
judge(struct ctlexplain *x)
{
	struct ctl_facts *looked = x->looked == &x->hop ? &x->hop : &x->facts;
	const struct explain_asked a = {.facts = x->looked,
	    .domain = x->domain,
	    .nexthop = x->nexthop,
	    .routed = x->routed && !x->way.rewritten,
	    .command = x->way.command,
	    .asks = x->way.asks,
	    .keeps = x->keeps,
	    .no_map = *x->map_fault.text != '\0',
	    .level = x->level,
	    .mx = x->mx.n > 0 ? &x->mx : NULL,
	    .no_domain = x->mx.none != NULL,
	    .row = x->has_row ? x->row : span_of(""),
	    .changed = x->change.time,
	    .queued = x->queued};

	explain_judge(&a, &x->fate);
	if (x->fate.is_new != NULL)
		ctlmove_live(
		    &x->run->c, looked, x->nexthop, &x->mx, x->fate.is_new);
}

static int
code_of(const struct ctlexplain *x)
{
	switch (x->fate.fate) {
	case EXPLAIN_WAITS:
	case EXPLAIN_RETURNED:
		return 1;
	case EXPLAIN_UNKNOWN:
		return EX_TEMPFAIL;
	default:
		return EX_OK;
	}
}

int
ctlexplain(void *run)
{
	struct ctlrun *r = run;
	struct ctlexplain x = {.run = r};
	struct lookup_rule rule = {0};
	struct postconf c = {0};
	struct ours ours = {0};
	struct cdbmap *map;
	int code = read_address(run, &x);

	if (code != EX_OK) {
		flush_mail_release(&x.mail);
		return code;
	}
	find_way(&x, &c, &ours);
	if ((map = cdbmap_open(x.run->c.set.map, &x.map_fault)) != NULL) {
		(void)mapheader_get(&x.header, map);
		x.has_row = route_row(map, x.nexthop, x.key, &x.row);
		find_rule(&x, map, &ours, &rule);
	}
	find_level(&x);
	find_partner(&x, &rule);
	find_returned(&x, &c);
	x.past = is_past(&x);
	find_change(&x);
	find_queued(&x);
	if (is_by_mx(&x))
		ctlmx_ask(&r->c.set, x.nexthop, &x.facts.arena, &x.mx);
	judge(&x);
	r->answer = ctlexplainprint(&x);
	code = code_of(&x);
	explain_release(&x.fate);
	if (x.ruled)
		lookup_release(&rule);
	ctl_facts_release(&x.facts);
	ctl_facts_release(&x.hop);
	findings_release(&x.notes);
	flush_mail_release(&x.mail);
	free(x.action);
	cdbmap_close(map);
	postconf_release(&c);
	return code;
}
