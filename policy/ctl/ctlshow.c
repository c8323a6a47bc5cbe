/*
 * The verbs that only look: status and history.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buf.h"
#include "clock.h"
#include "ctl.h"
#include "ctlstatus.h"
#include "day.h"
#include "err.h"
#include "json.h"
#include "ledger_check.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "say.h"

#define ALL_SHOWN 24 /* partners of which a table shows even the quiet ones */

/* The line below the table of all. */
static void
print_sum(const struct ctl *c, const struct ctl_facts *f, size_t n)
{
	size_t odd = 0, lowered = 0, unseen = 0, i;

	for (i = 0; i < n; i++) {
		odd += ctlstatus_odd(&f[i]);
		lowered += ctlstatus_lowered(&f[i]);
		unseen += f[i].probed == 0;
	}
	(void)printf("%zu partner%s: ", n, n == 1 ? "" : "s");
	if (n > 0 && f->ledger_fault != NULL)
		(void)printf("%zu lowered; what fails is not known\n", lowered);
	else if (n > 0 && f->evidence_fault != NULL)
		(void)printf("%zu lowered; what fails is not known\n", lowered);
	else
		(void)printf("%zu lowered, %zu to look at, %zu quiet%s; %zu "
			     "never probed\n",
		    lowered, odd, n - odd,
		    n > ALL_SHOWN && !c->verbose ? " (-v shows them)" : "",
		    unseen);
}

static void
print_table(const struct ctl *c, const struct ctl_facts *f, size_t n)
{
	bool whole = c->verbose || n <= ALL_SHOWN;
	struct buf out = {0};
	size_t shown = 0, i;

	ctlstatus_head(&out);
	for (i = 0; i < n; i++)
		if (whole || ctlstatus_odd(&f[i])) {
			ctlstatus_line(&f[i], c->now, &out);
			shown++;
		}
	if (whole || shown > 0)
		(void)fputs(out.data, stdout);
	buf_free(&out);
	print_sum(c, f, n);
}

static void
print_all_json(const struct ctl *c, const struct ctl_facts *f, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, ctlstatus_json(&f[i], c->now));
	json_print(
	    json_pack("{s:s, s:o}", "schema", CTL_SCHEMA, "partners", list));
}

/* What was read may be well, and what it says be not. */
static int
status_code(const struct ctl *c, const struct ctl_facts *f, size_t n, int code)
{
	size_t i;

	if (code == EX_OK)
		code = c->registry_code;
	if (code == EX_OK && n > 0)
		code = f->evidence_code;
	for (i = 0; i < n && code == EX_OK; i++)
		if (ctlstatus_wrong(&f[i], c->now))
			code = 1;
	return code;
}

static int
status_one(struct ctl *c, const char *name)
{
	struct ctl_facts f;
	struct buf out = {0};
	int code = ctl_facts_get(c, name, true, &f);

	if (f.name == NULL) {
		ctl_facts_release(&f);
		return code;
	}
	if (c->json) {
		json_print(json_pack("{s:s, s:[o]}", "schema", CTL_SCHEMA,
		    "partners", ctlstatus_json(&f, c->now)));
	} else {
		ctlstatus_print(&f, c->now, &out);
		(void)fputs(out.data, stdout);
	}
	buf_free(&out);
	code = status_code(c, &f, 1, code);
	ctl_facts_release(&f);
	return code;
}

static int
status_all(struct ctl *c)
{
	struct ctl_facts *f;
	size_t n;
	int code = ctl_facts_all(c, &f, &n);

	if (c->registry == NULL)
		say("without the registry only what the map has lowered is "
		    "known");
	if (c->json)
		print_all_json(c, f, n);
	else
		print_table(c, f, n);
	code = status_code(c, f, n, code);
	ctl_facts_free(f, n);
	return code;
}

int
ctl_status(struct ctl *c, const char *partner)
{
	return partner != NULL ? status_one(c, partner) : status_all(c);
}

struct telling {
	struct ctl *c;
	json_t *list;
	size_t n;
};

static bool
tell_event(const struct ledger_event *ev, void *arg)
{
	struct telling *t = arg;
	char when[NUM_TIME_MAX];
	json_t *data;

	t->n++;
	if (!t->c->json) {
		say_to(stdout, "%5" PRId64 "  %s  %-17s %-14s %s: %s\n",
		    ev->seq, num_time_text(ev->time, when), ev->kind,
		    *ev->partner == '\0' ? "-" : ev->partner, ev->author,
		    ev->text);
		return true;
	}
	data = *ev->data == '\0' ? json_null() : json_loads(ev->data, 0, NULL);
	if (data == NULL)
		data = json_string(ev->data);
	json_array_append_new(t->list,
	    json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "seq",
		(json_int_t)ev->seq, "time", num_time_text(ev->time, when),
		"kind", ev->kind, "partner", ev->partner, "author", ev->author,
		"text", ev->text, "data", data, "hash", ev->hash));
	return true;
}

static bool
tell_flaw(const struct ledger_flaw *x, void *arg)
{
	struct telling *t = arg;

	if (t->c->json)
		json_array_append_new(
		    t->list, json_pack("{s:I, s:I, s:s}", "event",
				 (json_int_t)x->event, "downgrade",
				 (json_int_t)x->downgrade, "text", x->text));
	else
		say_to(stdout, "FLAW  %s\n", x->text);
	return true;
}

/* "12:HASH", written down from an earlier check. */
static int
parse_known(const char *s, struct ledger_head *out)
{
	const char *colon = strchr(s, ':');
	char count[24];
	uint64_t n;

	if (colon == NULL || colon - s >= (ptrdiff_t)sizeof(count) ||
	    strlen(colon + 1) != LEDGER_HASH - 1)
		return -1;
	memcpy(count, s, (size_t)(colon - s));
	count[colon - s] = '\0';
	if (num_parse(count, 0, INT64_MAX, &n) == -1)
		return -1;
	out->count = (int64_t)n;
	memcpy(out->hash, colon + 1, LEDGER_HASH);
	return 0;
}

static int
check_whole(struct telling *t, struct ledger *l, const char *known)
{
	struct ledger_head head, was;
	struct err e;
	size_t flaws, pruned;

	if (known != NULL && parse_known(known, &was) == -1) {
		say("--known %s is not what --check printed (COUNT:HASH)",
		    quotes(known).s);
		return EX_USAGE;
	}
	if (ledger_check(l, known == NULL ? NULL : &was, tell_flaw, t, &head,
		&flaws, &e) == -1 ||
	    /* What the record says of the evidence, against that. */
	    day_check(l, &t->c->set, t->c->now, tell_flaw, t, &flaws, &pruned,
		&e) == -1) {
		say_err(&e);
		return e.code;
	}
	if (pruned > 0 && !t->c->json)
		(void)printf("of %zu day%s only the counts are compared: "
			     "probes and failures are not kept that long\n",
		    pruned, pruned == 1 ? "" : "s");
	if (t->c->json)
		json_print(json_pack("{s:s, s:b, s:I, s:s, s:I, s:o}", "schema",
		    CTL_SCHEMA, "whole", flaws == 0, "events",
		    (json_int_t)head.count, "head", head.hash, "days_pruned",
		    (json_int_t)pruned, "flaws", json_incref(t->list)));
	else if (flaws == 0)
		(void)printf("whole: %" PRId64 " event%s, head %" PRId64
			     ":%s\n",
		    head.count, head.count == 1 ? "" : "s", head.count,
		    head.hash);
	else
		(void)printf("NOT WHOLE: %zu flaw%s in %" PRId64 " event%s\n",
		    flaws, flaws == 1 ? "" : "s", head.count,
		    head.count == 1 ? "" : "s");
	return flaws == 0 ? EX_OK : 1;
}

static int
list_events(struct telling *t, struct ledger *l, const char *partner)
{
	struct ledger_event_query q = {.partner = partner};
	struct err e;
	uint32_t i;

	if (partner != NULL && t->c->registry != NULL &&
	    (i = registry_find(t->c->registry, partner)) != REGISTRY_NONE)
		q.partner = t->c->registry->partner[i].name;
	if (ledger_events(l, &q, tell_event, t, &e) == -1) {
		say_err(&e);
		return e.code;
	}
	if (t->c->json)
		json_print(json_pack("{s:s, s:o}", "schema", CTL_SCHEMA,
		    "events", json_incref(t->list)));
	else if (t->n == 0)
		say_to(stdout, "no event is on record%s%s\n",
		    partner == NULL ? "" : " for ",
		    partner == NULL ? "" : partner);
	return EX_OK;
}

int
ctl_history(struct ctl *c, const char *partner, bool check, const char *known)
{
	struct telling t = {.c = c, .list = json_array()};
	struct ledger *l;
	struct err e;
	int code;

	if ((l = ledger_open(c->set.ledger, LEDGER_READ, &e)) == NULL) {
		say_err(&e);
		json_decref(t.list);
		return e.code;
	}
	code = check ? check_whole(&t, l, known) : list_events(&t, l, partner);
	ledger_close(l);
	json_decref(t.list);
	return code;
}
