#include "ctlnobody.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "ledger.h"
#include "ledger_rename.h"
#include "mapevent.h"
#include "mapheir.h"
#include "meant.h"
#include "mem.h"
#include "quote.h"
#include "registry.h"
#include "registry_slip.h"
#include "settings.h"

struct asked {
	const char *name;
	struct ledger_names renames;
	struct mapheirs heirs;
	int64_t seq; /* of the event by which it left the map; 0: of none */
	time_t time;
	char *whose; /* it is a domain: that partner's */
	bool any;    /* it has events of its own */
};

/* A partner is called so now that had the other name in the event. */
static bool
is_asked(const struct asked *a, const struct ledger_event *ev, const char *name)
{
	return strcmp(ledger_name_now(&a->renames, name, 0, ev->time),
		   a->name) == 0;
}

static void
take(struct asked *a, const struct ledger_event *ev)
{
	a->seq = ev->seq;
	a->time = ev->time;
}

static void
take_row(const struct ledger_event *ev, const char *key, const char *is,
    const char *was, void *arg)
{
	struct asked *a = arg;

	if (is != NULL || was == NULL || a->seq != 0)
		return;
	if (is_asked(a, ev, was)) {
		take(a, ev);
	} else if (strcmp(key, a->name) == 0) {
		take(a, ev);
		a->whose = mem_dup(was);
	}
}

static void
take_other(const struct ledger_event *ev, const char *name, void *arg)
{
	struct asked *a = arg;

	if (a->seq == 0 && is_asked(a, ev, name))
		take(a, ev);
}

static bool
take_map(const struct ledger_event *ev, void *arg)
{
	struct asked *a = arg;
	struct mapevent_rest rest;

	mapevent_owners(ev, take_row, a);
	if (a->seq == 0)
		(void)mapevent_rest(ev, take_other, a, &rest);
	return a->seq == 0;
}

static bool
take_any(const struct ledger_event *ev, void *arg)
{
	(void)ev;
	((struct asked *)arg)->any = true;
	return false;
}

/* Who has its domain now, and may be the same one. */
static const struct mapheir *
heir_of(const struct mapheirs *h, const char *name)
{
	size_t i = h->n;

	while (i > 0 && strcmp(h->v[i - 1].from, name) != 0)
		i--;
	return i == 0 ? NULL : &h->v[i - 1];
}

static void
put_record(const struct asked *a, time_t now, struct buf *out)
{
	const struct mapheir *h = heir_of(&a->heirs, a->name);
	char when[CLOCK_MAX];

	if (h != NULL)
		buf_printf(out,
		    "%s is no partner since %s: %s is %s's now, tlspactctl "
		    "status %s; if that is the same partner, say former=%s in "
		    "the registry",
		    quotes(a->name).s, clock_text(h->time, now, when),
		    h->domain, h->to, h->to, a->name);
	else if (a->whose != NULL)
		buf_printf(out,
		    "%s is no partner's: it was %s's until %s (event %lld), "
		    "tlspactctl history %s",
		    quotes(a->name).s, a->whose, clock_text(a->time, now, when),
		    (long long)a->seq, a->name);
	else if (a->seq != 0)
		buf_printf(out,
		    "%s is no partner any more: it left the map at %s (event "
		    "%lld), tlspactctl history %s; to put it back: "
		    "tlspact-compile --lost %s",
		    quotes(a->name).s, clock_text(a->time, now, when),
		    (long long)a->seq, a->name, a->name);
	else if (a->any)
		buf_printf(out,
		    "%s is no partner any more, and what is on record of it "
		    "stays: tlspactctl history %s",
		    quotes(a->name).s, a->name);
}

/* By the record, if that can be read and knows the name; or one near to it. */
static void
ask_record(struct asked *a, const struct settings *s, const struct registry *r,
    time_t now, struct meant *near, struct buf *out)
{
	const struct ledger_event_query maps = {
	    .kind = MAPEVENT_KIND, .newest_first = true};
	const struct ledger_event_query own = {.partner = a->name, .limit = 1};
	struct ledger *l;
	struct err ignored;
	size_t i;

	if ((l = ledger_open(s->ledger, LEDGER_READ, &ignored)) == NULL)
		return;
	if (ledger_names_read(l, &a->renames, &ignored) == 0 &&
	    mapheirs_read(l, r, 0, &a->heirs, &ignored) == 0 &&
	    ledger_events(l, &own, take_any, a, &ignored) == 0 &&
	    ledger_events(l, &maps, take_map, a, &ignored) == 0)
		put_record(a, now, out);
	ledger_close(l);
	for (i = 0; i < a->renames.n; i++)
		meant_try(near, a->renames.v[i].from);
	for (i = 0; i < a->heirs.n; i++)
		meant_try(near, a->heirs.v[i].from);
}

/* any: or that nobody has the name; else NULL. */
static char *
tell(const struct settings *s, const struct registry *r, const char *name,
    time_t now, bool any)
{
	struct asked a = {.name = name};
	struct meant near = meant(name);
	struct buf out = {0};

	registry_near_try(r, &near);
	ask_record(&a, s, r, now, &near, &out);
	if (out.len == 0 && any)
		buf_printf(&out, "no partner has the name or the domain %s%s",
		    quotes(name).s,
		    near.name == NULL ? "; see tlspactctl status -v"
				      : meant_text(&near).s);
	mapheirs_release(&a.heirs);
	ledger_names_release(&a.renames);
	free(a.whose);
	return out.len == 0 ? NULL : buf_take(&out);
}

char *
ctlnobody(const struct settings *s, const struct registry *r, const char *name,
    time_t now)
{
	return tell(s, r, name, now, true);
}

char *
ctlnobody_was(const struct settings *s, const struct registry *r,
    const char *name, time_t now)
{
	return tell(s, r, name, now, false);
}
