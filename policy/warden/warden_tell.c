#include "warden_tell.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "clock.h"
#include "err.h"
#include "ledger.h"
#include "life.h"
#include "logline.h"
#include "mem.h"
#include "notice_json.h"
#include "notice_mail.h"
#include "settings.h"

#define AGAIN_MIN 60	  /* seconds until a notice that failed is retried */
#define AGAIN_MAX 3600	  /* the same after many tries */
#define TRIES_MAX 8	  /* in about three hours; then a newer one may go */
#define NOT_TLS_RUN 3	  /* results in a row until such a fault is told */
#define GONE_RUN 3	  /* the same until it is gone that probes alone saw */
#define LOOKS_MAX 3	  /* asked for, to see whether it is there each time */
#define EXPIRY_EVERY 3600 /* seconds between looks at all certificates */
#define EVENTS_DAYS 90	  /* as long as we remember a fault that was told */
#define SWEEP 60	  /* seconds by which results of one may differ */
#define HOURLY 20	  /* notices sent in an hour */
#define GROUP 10	  /* seconds in which new faults are one event */

/* That of the partner, whom people may have been told of by another name. */
static struct warden_fault *
fault_of(struct warden_tell *w, const char *partner)
{
	struct warden_fault *f = warden_list_find(&w->faults, partner);
	size_t i;

	if (f != NULL)
		return f;
	for (i = 0; i < w->faults.n; i++) {
		f = warden_list_at(&w->faults, i);
		if (strcmp(warden_facts_name(w->facts, f->partner), partner) !=
		    0)
			continue;
		(void)snprintf(f->partner, sizeof(f->partner), "%s", partner);
		return f;
	}
	return NULL;
}

static struct warden_fault *
told(struct warden_tell *w, const char *partner, enum fault fault, time_t since,
    bool turns)
{
	struct warden_fault *f = warden_list_add(&w->faults, partner);

	if (f == NULL)
		return NULL;
	f->fault = fault;
	f->since = since;
	f->found = 0;
	f->turns = turns;
	return f;
}

static void
note(struct warden_tell *w, const struct warden_fault *f, time_t now)
{
	warden_facts_event(w->facts, f->turns ? "fault-turns" : "fault-new",
	    f->partner, fault_text(f->fault), f->since, now);
}

static void
note_held(struct warden_tell *w, const struct drop_action *held, time_t now)
{
	struct warden_fault *f = fault_of(w, held->partner);
	bool turns = held->why == DROP_WHY_TURNS;
	bool known = f != NULL && f->turns == turns;

	/* What our probe does not see will not be seen to go, either. */
	if (held->why == DROP_WHY_UNCONFIRMED ||
	    held->why == DROP_WHY_NO_PROBE || held->fault == FAULT_OK)
		return;
	f = told(w, held->partner, held->fault, held->since, turns);
	if (f == NULL)
		return;
	f->held = true;
	f->common = held->why == DROP_WHY_COMMON;
	if (!known)
		note(w, f, now);
}

/*
 * A downgrade is over: does mail wait from now on? By what was seen last, as
 * whoever restores is told, and not by what we went by until now; but a fault
 * of ours tells nothing of theirs.
 */
static void
look_again(struct notice *n, const struct partner *p)
{
	enum fault fault;
	time_t since;
	size_t i;

	if (n->kind != NOTICE_RESTORED || n->of.inbound || p == NULL ||
	    n->ngateways == 0)
		return;
	for (i = 0; i < n->ngateways; i++)
		if (n->gateway[i].blind != 0)
			return;
	n->of.still = step_waits(n->gateway, n->ngateways, partner_level(p));
	fault = step_worst(n->gateway, n->ngateways, &since);
	if (!n->of.still || fault == n->of.fault)
		return;
	n->of.fault = fault;
	n->of.since = since;
	n->of.text = "";
}

/* Facts of the registry and of the ledger that the words need. */
static void
fill(struct warden_tell *w, struct notice *n, struct warden_reports *r,
    const char ***domains)
{
	const struct partner *p = warden_facts_partner(w->facts, n->of.partner);
	struct err e;

	if (p != NULL) {
		n->contact = p->contact;
		n->notify_contact = p->attributes->notify_contact;
		n->ticket = p->attributes->ticket;
		n->domain = *domains =
		    registry_domains(w->facts->registry, p, &n->ndomains);
	}
	if (n->ngateways == 0 &&
	    warden_reports(w->facts, n->of.partner, 0, r, &e) == 0 &&
	    r->n == 1) {
		n->gateway = r->v->gateway;
		n->ngateways = r->v->n;
	}
	look_again(n, p);
}

static void
add_mail(json_t *mails, const struct notice *n, const char *from,
    const char *to, bool ours)
{
	char *text = notice_mail(n, from, to, ours);
	json_t *m;

	if (text == NULL)
		return;
	m = json_pack("{s:[s], s:s}", "to", to, "text", text);
	if (m != NULL)
		(void)json_array_append_new(mails, m);
	free(text);
}

/* Who is told on our side. */
static const char *
operator_of(const struct warden_tell *w, const struct notice *n)
{
	const struct partner *p =
	    n->of.partner == NULL
		? NULL
		: warden_facts_partner(w->facts, n->of.partner);

	return p != NULL && p->attributes->operator_ != NULL
		   ? p->attributes->operator_
		   : w->facts->set->operator_;
}

/*
 * Where the contact is told of faults that last, letters to it are a queue of
 * their own, so that the operator's do not wait behind them.
 */
static bool
is_queued(const struct notice *n)
{
	return n->notify_contact != NOTIFY_NO &&
	       n->notify_contact != NOTIFY_YES && n->kind != NOTICE_EXPIRING;
}

/* No partner's name: it has blanks. The caller frees. */
static char *
queue_of(const char *partner)
{
	return mem_printf("contact of %s", partner);
}

/* What waits is of no use any more. */
static void
withdraw(struct warden_tell *w, const char *partner)
{
	char *queue = queue_of(partner);
	struct err e;

	if (ledger_notice_withdraw(w->facts->ledger, queue, w->sending, &e) ==
	    -1)
		warden_complain("the ledger cannot be written", e.text);
	free(queue);
}

/* Who was not told of the beginning is not told of the end. */
static void
end_queue(struct warden_tell *w, struct notice *n)
{
	time_t since = n->of.since != 0 ? n->of.since : n->of.begin;
	char *queue = queue_of(n->of.partner);
	struct err e;

	withdraw(w, n->of.partner);
	if (ledger_notice_told(
		w->facts->ledger, queue, since, w->sending, &e) != 1)
		n->notify_contact = NOTIFY_NO;
	free(queue);
}

static void
add_queued(
    struct warden_tell *w, const struct notice *n, const char *key, time_t now)
{
	struct ledger_notice row = {
	    .created = now, .not_before = notice_contact_time(n)};
	char *own = mem_printf("contact/%s", key), *data;
	char *queue = queue_of(n->of.partner);
	json_t *mails = json_array(), *root;
	struct err e;

	add_mail(mails, n, operator_of(w, n), n->contact, false);
	root = json_pack("{s:s, s:s, s:s, s:b, s:o}", "kind",
	    notice_kind_text(n->kind), "partner", queue, "contact_of",
	    n->of.partner, "waits", row.not_before > now, "mail", mails);
	data = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
	row.key = own;
	row.data = data;
	if (data != NULL && ledger_notice_add(w->facts->ledger, &row, &e) == -1)
		warden_complain(own, e.text);
	json_decref(root);
	free(data);
	free(queue);
	free(own);
}

/* All that it takes to send it, whatever becomes of the registry. */
static char *
data_of(struct warden_tell *w, const struct notice *n)
{
	const char *operator_ = operator_of(w, n);
	json_t *mails = json_array(), *root;
	char *json = notice_json(n), *text;

	/* A name alone gets its domain from Postfix, myorigin. */
	add_mail(mails, n, operator_, operator_, true);
	if (notice_tell_contact(n) && !is_queued(n))
		add_mail(mails, n, operator_, n->contact, false);
	root = json_pack("{s:s, s:s, s:s*, s:o}", "kind",
	    notice_kind_text(n->kind), "notice", json, "partner", n->of.partner,
	    "mail", mails);
	text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
	if (text != NULL && strlen(text) > LEDGER_TEXT_MAX) {
		/* The words without the mails are better than nothing. */
		free(text);
		(void)json_array_clear(mails);
		text = json_dumps(root, JSON_COMPACT);
	}
	json_decref(root);
	free(json);
	return text;
}

/*
 * Of a downgrade: was that said of it, perhaps under a name that the partner
 * had once? Its number is in the key, behind the name.
 */
static bool
was_told(const struct warden_tell *w, enum notice_kind kind, const char *key,
    const char *partner)
{
	const char *word = notice_kind_text(kind);
	char *any;
	struct err e;
	int rv;

	if (kind != NOTICE_LOWERED && kind != NOTICE_RESTORED &&
	    kind != NOTICE_END_NEAR)
		return false;
	any = mem_printf(
	    "%s:*%s", word, key + strlen(word) + 1 + strlen(partner));
	rv = ledger_notice_like(w->facts->ledger, any, &e);
	free(any);
	return rv == 1;
}

void
warden_tell(struct warden_tell *w, struct notice *n, time_t now)
{
	struct warden_reports r = {0};
	const char **domains = NULL;
	char *key, *subject, *data;
	struct err e;

	key = notice_key(n);
	if (was_told(w, n->kind, key, n->of.partner)) {
		free(key);
		return;
	}
	free(key);
	if (n->kind == NOTICE_HELD)
		note_held(w, &n->of, now);
	if (n->of.partner != NULL && *n->of.partner != '\0')
		fill(w, n, &r, &domains);
	if (is_queued(n) && notice_is_end(n))
		end_queue(w, n);
	key = notice_key(n);
	if (is_queued(n) && notice_tell_contact(n))
		add_queued(w, n, key, now);
	subject = notice_subject(n);
	data = data_of(w, n);
	if (data != NULL) {
		struct ledger_notice row = {.key = key,
		    .created = now,
		    .not_before = now,
		    .data = data};

		switch (ledger_notice_add(w->facts->ledger, &row, &e)) {
		case 0:
			logline(LOGLINE_INFO, "notice: %s", subject);
			w->send_next = 0;
			break;
		case -1:
			warden_complain(subject, e.text);
			break;
		}
	}
	free(data);
	free(subject);
	free(key);
	warden_reports_release(&r);
	free(domains);
}

/* --- Sending ------------------------------------------------------------- */

/* Our own fault: it overtakes what is told of partners. */
static bool
is_urgent(json_t *root)
{
	const char *kind = json_string_value(json_object_get(root, "kind"));

	return kind != NULL &&
	       (strcmp(kind, notice_kind_text(NOTICE_COMMON)) == 0 ||
		   strcmp(kind, notice_kind_text(NOTICE_LOST)) == 0 ||
		   strcmp(kind, notice_kind_text(NOTICE_MAP)) == 0);
}

struct due {
	bool only_urgent;
	int64_t id; /* 0: none */
	unsigned tries;
	json_t *root;
};

static bool
first_due(const struct ledger_notice *n, void *arg)
{
	struct due *d = arg;

	json_decref(d->root);
	d->root = json_loads(n->data, 0, NULL);
	if (d->only_urgent && !is_urgent(d->root))
		return true;
	d->id = n->id;
	d->tries = n->tries;
	return false;
}

/* Only there the certificate counts. */
static bool
is_enforced(const struct warden_tell *w, const char *partner)
{
	const struct partner *p = warden_facts_partner(w->facts, partner);

	return p != NULL && partner_level(p) > LEVEL_ENCRYPT;
}

static bool
is_lowered(const struct warden_tell *w, const char *partner)
{
	return warden_list_find(&w->facts->open, partner) != NULL;
}

/* A letter to a contact: has the fault lasted, and is it still to be told? */
static bool
is_wanted(struct warden_tell *w, json_t *root)
{
	const char *name =
	    json_string_value(json_object_get(root, "contact_of"));
	const char *to = json_string_value(json_array_get(
	    json_object_get(
		json_array_get(json_object_get(root, "mail"), 0), "to"),
	    0));
	const struct partner *p;
	const struct warden_fault *f;

	if (name == NULL)
		return true;
	name = warden_facts_name(w->facts, name);
	p = warden_facts_partner(w->facts, name);
	if (p == NULL || p->contact == NULL || to == NULL ||
	    strcmp(p->contact, to) != 0 ||
	    p->attributes->notify_contact == NOTIFY_NO)
		return false;
	if (!json_is_true(json_object_get(root, "waits")))
		return true;
	f = fault_of(w, name);
	return is_enforced(w, name) && !w->facts->common &&
	       (f == NULL ? is_lowered(w, name) : !f->common);
}

static void
hand_over(struct warden_tell *w, int64_t id, json_t *root)
{
	struct warden_letter l = {.id = id};
	struct warden_mail *m;
	json_t *mail;
	size_t i;

	l.json = json_string_value(json_object_get(root, "notice"));
	json_array_foreach(json_object_get(root, "mail"), i, mail)
	{
		if (l.nmails == WARDEN_LETTER_MAILS)
			break;
		m = &l.mail[l.nmails];
		m->text = json_string_value(json_object_get(mail, "text"));
		m->to = json_string_value(
		    json_array_get(json_object_get(mail, "to"), 0));
		l.nmails += m->text != NULL && notice_address_ok(m->to);
	}
	w->calls->send(w->calls->ctx, &l);
}

/* Notices wait, they are not dropped; what is urgent has as much room again. */
static void
send_next(struct warden_tell *w, time_t now)
{
	struct due d = {0};
	struct err e;

	if (w->sending != 0 || (now < w->send_next && w->send_next - now < 60))
		return;
	/* A clock that went back must not silence us. */
	if (now < w->hour || now - w->hour >= 3600) {
		w->hour = now;
		w->sent = 0;
	}
	d.only_urgent = w->sent >= HOURLY;
	w->send_next = now + (d.only_urgent ? AGAIN_MIN - 1 : 5);
	if (w->sent >= 2 * HOURLY)
		return;
	if (ledger_notices_due(w->facts->ledger, now, first_due, &d, &e) ==
	    -1) {
		warden_complain("the ledger cannot be read", e.text);
	} else if (d.id != 0 && !is_wanted(w, d.root)) {
		const char *name =
		    json_string_value(json_object_get(d.root, "contact_of"));

		logline(LOGLINE_INFO, "notice: the contact of %s is not told",
		    name);
		withdraw(w, name);
	} else if (d.id != 0) {
		w->sent++;
		w->sending = d.id;
		w->sending_tries = d.tries;
		w->send_next = 0;
		hand_over(w, d.id, d.root);
	}
	json_decref(d.root);
}

/* One that fails and fails must not silence what came after it for ever. */
static bool
falls_away(struct warden_tell *w, int64_t id)
{
	struct err e;

	if (w->sending_tries + 1 < TRIES_MAX ||
	    ledger_notice_overtaken(w->facts->ledger, id, &e) != 1)
		return false;
	logline(LOGLINE_ERROR,
	    "notice %lld is given up: a newer one of its partner waits",
	    (long long)id);
	return true;
}

void
warden_tell_sent(struct warden_tell *w, int64_t id, const char *why, time_t now)
{
	time_t wait = AGAIN_MIN;
	struct err e;
	unsigned i;
	int rv;

	w->sending = 0;
	for (i = 0; i < w->sending_tries && wait < AGAIN_MAX; i++)
		wait *= 2;
	if (why != NULL)
		warden_complain("a notice was not sent", why);
	if (why == NULL || falls_away(w, id))
		rv = ledger_notice_sent(w->facts->ledger, id, now, &e);
	else
		rv = ledger_notice_failed(w->facts->ledger, id, now + wait, &e);
	if (rv == -1) {
		/* It comes again; not at once. */
		w->send_next = now + AGAIN_MIN - 1;
		warden_complain("the ledger cannot be written", e.text);
	}
}

/* --- Faults that were told ----------------------------------------------- */

static bool
take_new(const struct ledger_event *ev, void *arg)
{
	struct warden_tell *w = arg;
	json_t *o = json_loads(ev->data, 0, NULL);
	enum fault fault;

	if (fault_parse(ev->text, &fault) == 0)
		(void)told(w, warden_facts_name(w->facts, ev->partner), fault,
		    (time_t)json_integer_value(json_object_get(o, "at")),
		    strcmp(ev->kind, "fault-turns") == 0);
	json_decref(o);
	return true;
}

static bool
take_event(const struct ledger_event *ev, void *arg)
{
	struct warden_tell *w = arg;
	struct warden_fault *f;

	if (strcmp(ev->kind, "fault-new") == 0 ||
	    strcmp(ev->kind, "fault-turns") == 0)
		return take_new(ev, arg);
	if (strcmp(ev->kind, "fault-gone") == 0 &&
	    (f = fault_of(w, warden_facts_name(w->facts, ev->partner))) != NULL)
		warden_list_remove(&w->faults, f);
	return true;
}

void
warden_tell_start(struct warden_tell *w, time_t now)
{
	struct ledger_event_query q = {
	    .since = now - (time_t)EVENTS_DAYS * CLOCK_DAY};
	struct err e;

	w->faults.size = sizeof(struct warden_fault);
	w->faults.n = 0;
	if (ledger_events(w->facts->ledger, &q, take_event, w, &e) == -1)
		warden_complain("the ledger cannot be read", e.text);
}

/* --- Certificates -------------------------------------------------------- */

static void
expiring(struct warden_tell *w, const struct drop_report *r, time_t now)
{
	struct notice n = {.kind = NOTICE_EXPIRING,
	    .at = now,
	    .of.partner = r->partner,
	    .ngateways = 1};
	size_t i;

	if (!is_enforced(w, r->partner))
		return;
	for (i = 0; i < r->n; i++) {
		n.gateway = &r->gateway[i];
		n.days =
		    life_step(n.gateway->begins, n.gateway->not_after, now);
		/* A stranger's is his own affair: there is a fault to tell. */
		if (n.days != 0 && n.gateway->fault == FAULT_OK)
			warden_tell(w, &n, now);
	}
}

static void
check_all(struct warden_tell *w, time_t now)
{
	struct warden_reports r = {0};
	struct err e;
	size_t i;

	if (warden_reports(w->facts, NULL, now - 30 * CLOCK_DAY, &r, &e) == -1)
		warden_complain("the ledger cannot be read", e.text);
	for (i = 0; i < r.n; i++)
		expiring(w, &r.v[i], now);
	warden_reports_release(&r);
}

/* --- Faults -------------------------------------------------------------- */

/* What a report says of faults. */
struct sight {
	enum fault fault; /* the worst of what used to pass and does not */
	time_t since;
	bool turns; /* one comes and goes: */
	enum fault by_turns;
	bool all;     /* everything passes, ... */
	unsigned run; /* ... so many times in a row */
};

static struct sight
sight_of(const struct drop_report *r)
{
	struct sight s = {.all = true, .run = UINT_MAX};
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct step_gateway *g = &r->gateway[i];

		if (g->turns.on) {
			s.turns = true;
			s.by_turns = fault_worse(s.by_turns, g->turns.fault);
		}
		s.run = g->run < s.run ? g->run : s.run;
		s.all = s.all && g->fault == FAULT_OK;
		if (g->fault == FAULT_OK || g->passed == 0 ||
		    (!fault_is_tls(g->fault) && g->run < NOT_TLS_RUN))
			continue;
		if (fault_worse(s.fault, g->fault) != s.fault || s.since == 0)
			s.since = g->since;
		s.fault = fault_worse(s.fault, g->fault);
	}
	return s;
}

static void
tell_fault(struct warden_tell *w, struct warden_fault *f, enum notice_kind kind,
    time_t now)
{
	struct notice n = {.kind = kind,
	    .at = now,
	    .of.partner = f->partner,
	    .of.fault = f->fault,
	    .of.since = f->since,
	    .of.why = f->common			? DROP_WHY_COMMON
		      : kind == NOTICE_BY_TURNS ? DROP_WHY_TURNS
						: DROP_WHY_NONE};

	warden_tell(w, &n, now);
}

/* Of one that people were told of; true: look again. */
static bool
follow(struct warden_tell *w, struct warden_fault *f, const struct sight *s,
    time_t now)
{
	if (s->turns && !f->turns) {
		f->turns = true;
		f->fault = s->by_turns;
		note(w, f, now);
		if (!w->facts->common && !is_lowered(w, f->partner))
			tell_fault(w, f, NOTICE_BY_TURNS, now);
		return false;
	}
	/* It stays now: that is news. */
	if (!s->turns && f->turns && s->fault != FAULT_OK) {
		f->found = now;
		f->fails = true;
		f->turns = false;
		f->asked = LOOKS_MAX;
	}
	if (!s->all)
		return false;
	/* Mail that went shows it as well; else a pass may be one by turns. */
	if (s->run < (f->turns			? TURNS_LOOKS
			 : f->held || f->common ? 1
						: GONE_RUN))
		return !f->turns;
	warden_facts_event(w->facts, "fault-gone", f->partner,
	    fault_text(f->fault), f->since, now);
	if (!is_lowered(w, f->partner))
		tell_fault(w, f, NOTICE_FAULT_GONE, now);
	warden_list_remove(&w->faults, f);
	return false;
}

/* Those that people were not told of yet. */
static size_t
count_new(const struct warden_tell *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->faults.n; i++)
		n += ((struct warden_fault *)warden_list_at(&w->faults, i))
			 ->found != 0;
	return n;
}

bool
warden_tell_report(
    struct warden_tell *w, const struct drop_report *r, bool asked, time_t now)
{
	struct warden_fault *f = fault_of(w, r->partner);
	struct sight s = sight_of(r);

	if (!is_enforced(w, r->partner))
		return false;
	expiring(w, r, now);
	if (f != NULL && f->found == 0)
		return follow(w, f, &s, now);
	if (f == NULL) {
		/* Where mail fails already, there is another notice of it. */
		if ((s.fault == FAULT_OK && !s.turns) || asked ||
		    w->facts->common || is_lowered(w, r->partner) ||
		    (f = warden_list_add(&w->faults, r->partner)) == NULL)
			return false;
		f->found = now;
		f->since = r->time;
	}
	f->fails = s.fault != FAULT_OK;
	f->turns = s.turns;
	if (f->fails)
		f->since = s.since;
	if (f->fails || f->turns)
		f->fault = f->turns ? s.by_turns : s.fault;
	/* Is it there each time? Where many fail, it surely is. */
	return !f->turns && fault_is_tls(f->fault) &&
	       count_new(w) <= w->facts->set->drop_max_partners &&
	       f->asked++ < LOOKS_MAX;
}

/*
 * Partners fail since then, and none that could tell whose fault it is
 * passes. With one partner there is nobody to tell.
 */
static bool
is_common(const struct warden_tell *w, time_t since)
{
	const struct registry *r = w->facts->registry;
	uint32_t i, n = 0;

	for (i = 0; i < r->npartners && n < 2; i++)
		n += partner_level(&r->partner[i]) > LEVEL_ENCRYPT;
	return n > 1 && !drop_passing(w->facts->drop, since - SWEEP);
}

static struct warden_fault *
fault_at(const struct warden_tell *w, size_t i)
{
	return warden_list_at(&w->faults, i);
}

/* Those found about the same time. */
static void
tell_new(struct warden_tell *w, time_t now)
{
	const char **name = mem_zero(w->faults.n + 1, sizeof(*name));
	struct notice many = {
	    .kind = NOTICE_COMMON, .at = now, .of.begin = now, .of.name = name};
	struct warden_fault *f;
	bool at_once, common;
	size_t i;

	/*
	 * One that was there once, and then never, is no news; nor is one for
	 * which the partner was lowered meanwhile.
	 */
	for (i = w->faults.n; i-- > 0;) {
		f = fault_at(w, i);
		if (f->found != 0 &&
		    ((!f->turns && !f->fails) || is_lowered(w, f->partner)))
			warden_list_remove(&w->faults, f);
	}
	for (i = 0; i < w->faults.n; i++) {
		if ((f = fault_at(w, i))->found == 0 || f->turns)
			continue;
		name[many.of.nnames++] = f->partner;
		many.of.fault = fault_worse(many.of.fault, f->fault);
		if (many.of.since == 0 || f->since < many.of.since)
			many.of.since = f->since;
	}
	common = many.of.nnames > 0 && is_common(w, many.of.since);
	at_once = many.of.nnames > w->facts->set->drop_max_partners ||
		  (common && many.of.nnames > 1);
	if (at_once && !w->facts->common)
		warden_tell(w, &many, now);
	for (i = 0; i < w->faults.n; i++) {
		if ((f = fault_at(w, i))->found == 0)
			continue;
		f->found = 0;
		f->common =
		    !f->turns && (common || f->fault == FAULT_LOCAL_ERROR);
		note(w, f, now);
		if (!w->facts->common && (f->turns || !at_once))
			tell_fault(w, f,
			    f->turns ? NOTICE_BY_TURNS : NOTICE_FAULT_NEW, now);
		f->common |= !f->turns && at_once;
	}
	free(name);
}

void
warden_tell_tick(struct warden_tell *w, time_t now)
{
	size_t i;

	if (now >= w->expiry_next || w->expiry_next - now > EXPIRY_EVERY) {
		w->expiry_next = now + EXPIRY_EVERY;
		check_all(w, now);
	}
	for (i = 0; i < w->faults.n; i++) {
		time_t found = fault_at(w, i)->found;

		if (found != 0 && (now - found >= GROUP || now < found)) {
			tell_new(w, now);
			break;
		}
	}
	send_next(w, now);
}
