/*
 * Notices: written into the ledger first, sent from there, so that each goes
 * out at least once, and no two of one key.
 */
#include "warden_priv.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "err.h"
#include "ledger.h"
#include "logline.h"
#include "mem.h"
#include "settings.h"

#define AGAIN_MIN 60   /* seconds until a notice that failed is tried again */
#define AGAIN_MAX 3600 /* the same after many tries */
#define TRIES_MAX 8    /* in about three hours; then a newer one may go */

/* Facts of the registry and of the ledger that the words need. */
static void
fill(struct warden *k, struct notice *n, struct warden_reports *r,
    struct arena *arena)
{
	const struct partner *p = warden_partner(k, n->partner);
	struct notice_gateway *g;
	const char **domain;
	struct err e;
	size_t i, m = 0;

	if (p != NULL) {
		n->contact = p->contact;
		n->ticket = p->terms->ticket;
		domain = arena_alloc(arena, p->ndomains * sizeof(*domain));
		for (i = 0; i < p->ndomains; i++)
			domain[i] =
			    k->registry->domain[p->first_domain + i].name;
		n->domain = domain;
		n->ndomains = p->ndomains;
	}
	if (n->ngateways > 0 || warden_reports(k, n->partner, 0, r, &e) == -1 ||
	    r->n != 1)
		return;
	g = arena_alloc(arena, r->ngateways * sizeof(*g));
	for (i = 0; i < r->ngateways; i++) {
		if (!r->gateway[i].met)
			continue;
		g[m++] = (struct notice_gateway){
		    .nexthop = r->gateway[i].seen.nexthop,
		    .host = r->gateway[i].seen.host,
		    .address = r->gateway[i].address,
		    .fault = r->gateway[i].seen.fault,
		    .key = r->gateway[i].seen.key,
		    .last_key = r->gateway[i].seen.last_key,
		    .not_after = r->gateway[i].not_after};
	}
	n->gateway = g;
	n->ngateways = m;
}

static void
add_mail(json_t *mails, const struct notice *n, const char *from,
    const char *to, bool ours)
{
	char *text = notice_mail(n, from, &to, 1, ours);
	json_t *m;

	if (text == NULL)
		return;
	m = json_pack("{s:[s], s:s}", "to", to, "text", text);
	if (m != NULL)
		(void)json_array_append_new(mails, m);
	free(text);
}

/* All that it takes to send it, whatever becomes of the registry. */
static char *
data_of(struct warden *k, const struct notice *n)
{
	const struct partner *p =
	    n->partner == NULL ? NULL : warden_partner(k, n->partner);
	const char *operator_ = k->set->operator_;
	json_t *mails = json_array(), *root;
	char *json = notice_json(n), *text;

	if (p != NULL && p->terms->operator_ != NULL)
		operator_ = p->terms->operator_;
	/* A name alone gets its domain from Postfix, myorigin. */
	add_mail(mails, n, operator_, operator_, true);
	if (notice_tell_contact(n))
		add_mail(mails, n, operator_, n->contact, false);
	root = json_pack("{s:s, s:s, s:s*, s:o}", "kind",
	    notice_kind_text(n->kind), "notice", json, "partner", n->partner,
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

void
warden_tell(struct warden *k, struct notice *n, time_t now)
{
	struct warden_reports r = {0};
	struct arena arena = {0};
	char *key, *subject, *data;
	struct err e;

	if (n->partner != NULL && *n->partner != '\0')
		fill(k, n, &r, &arena);
	key = notice_key(n);
	subject = notice_subject(n);
	data = data_of(k, n);
	if (data != NULL) {
		struct ledger_notice row = {.key = key,
		    .created = now,
		    .not_before = now,
		    .data = data};

		switch (ledger_notice_add(k->ledger, &row, &e)) {
		case 0:
			logline(LOGLINE_INFO, "notice: %s", subject);
			k->send_next = 0;
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
	arena_free(&arena);
}

/* --- Sending ------------------------------------------------------------- */

/* The kind of that name; those that are not known are not urgent. */
static enum notice_kind
kind_of(const char *s)
{
	int i;

	for (i = 0; s != NULL && i <= NOTICE_MAP; i++)
		if (strcmp(notice_kind_text((enum notice_kind)i), s) == 0)
			return (enum notice_kind)i;
	return NOTICE_HELD;
}

struct due {
	int64_t id;
	unsigned tries;
	char *data;
};

static bool
first_due(const struct ledger_notice *n, void *arg)
{
	struct due *d = arg;

	d->id = n->id;
	d->tries = n->tries;
	d->data = mem_dup(n->data);
	return false;
}

static void
hand_over(struct warden *k, int64_t id, json_t *root)
{
	const char *to[WARDEN_LETTER_MAILS];
	struct warden_letter l = {.id = id};
	json_t *mail;
	size_t i;

	l.json = json_string_value(json_object_get(root, "notice"));
	json_array_foreach(json_object_get(root, "mail"), i, mail)
	{
		const char *text =
		    json_string_value(json_object_get(mail, "text"));

		if (l.nmails == WARDEN_LETTER_MAILS || text == NULL)
			break;
		to[l.nmails] = json_string_value(
		    json_array_get(json_object_get(mail, "to"), 0));
		if (!notice_address_ok(to[l.nmails]))
			continue;
		l.mail[l.nmails] = (struct warden_mail){
		    .to = &to[l.nmails], .nto = 1, .text = text};
		l.nmails++;
	}
	k->hands.send(k->hands.ctx, &l);
}

void
warden_send(struct warden *k, time_t now)
{
	struct due d = {0};
	json_t *root;
	struct err e;

	if (k->sending != 0 || (now < k->send_next && k->send_next - now < 60))
		return;
	k->send_next = now + 5;
	if (ledger_notices_due(k->ledger, now, first_due, &d, &e) == -1) {
		warden_complain("the ledger cannot be read", e.text);
		return;
	}
	if (d.data == NULL)
		return;
	root = json_loads(d.data, 0, NULL);
	if (notice_rate_take(&k->rate,
		kind_of(json_string_value(json_object_get(root, "kind"))),
		NOTICE_HOURLY, now, &k->send_next)) {
		k->sending = d.id;
		k->sending_tries = d.tries;
		k->send_next = 0;
		hand_over(k, d.id, root);
	} else if (k->send_next > now + 59) {
		k->send_next = now + 59;
	}
	json_decref(root);
	free(d.data);
}

/* One that fails and fails must not silence what came after it for ever. */
static bool
falls_away(struct warden *k, int64_t id)
{
	bool overtaken;
	struct err e;

	if (k->sending_tries + 1 < TRIES_MAX ||
	    ledger_notice_overtaken(k->ledger, id, &overtaken, &e) == -1 ||
	    !overtaken)
		return false;
	logline(LOGLINE_ERROR,
	    "notice %lld is given up: a newer one of its partner waits",
	    (long long)id);
	return true;
}

void
warden_sent(struct warden *k, int64_t id, const char *why, time_t now)
{
	time_t wait = AGAIN_MIN;
	struct err e;
	unsigned i;
	int rv;

	k->sending = 0;
	for (i = 0; i < k->sending_tries && wait < AGAIN_MAX; i++)
		wait *= 2;
	if (why != NULL)
		warden_complain("a notice was not sent", why);
	if (why == NULL || falls_away(k, id))
		rv = ledger_notice_sent(k->ledger, id, now, &e);
	else
		rv = ledger_notice_failed(k->ledger, id, now + wait, &e);
	if (rv == -1) {
		/* It comes again; not at once. */
		k->send_next = now + AGAIN_MIN - 1;
		warden_complain("the ledger cannot be written", e.text);
	}
}

void
warden_event(struct warden *k, const char *kind, const char *partner,
    const char *text, time_t at, time_t now)
{
	char data[40];
	struct ledger_event ev = {.time = now,
	    .kind = kind,
	    .partner = partner,
	    .author = WARDEN_AUTHOR,
	    .text = text,
	    .data = data};
	struct err e;

	(void)snprintf(data, sizeof(data), "{\"at\":%lld}", (long long)at);
	if (ledger_event_add(k->ledger, &ev, &e) != 0)
		warden_complain(kind, e.text);
}
