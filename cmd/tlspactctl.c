/*
 * tlspactctl: the admin's hand: look at partners, lower one for a time,
 * restore it, and read what was done. Needs no daemon.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "common.h"
#include "ctldown.h"
#include "ctlfacts.h"
#include "ctlonboard.h"
#include "ctlprint.h"
#include "day.h"
#include "err.h"
#include "json.h"
#include "ledger_check.h"
#include "mem.h"
#include "num.h"
#include "options.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

#define ALL_SHOWN 24 /* partners of which a table shows even the quiet ones */
#define DOMAINS_SHOWN 4

struct run {
	struct options opt;
	struct ctl c;
	struct ctl_lower lower;
	bool yes, dry, flush, no_flush, check;
	const char *known;
	struct registry *registry;
	int registry_code; /* why there is none, all having been said */
	/* history */
	json_t *list;
	size_t n;
};

/* Where words for people go: with -j standard output is for the object. */
static FILE *
talk(const struct run *r)
{
	return r->opt.json ? stderr : stdout;
}

static void
tell_faults(const struct ctl_facts *f)
{
	if (f->ledger_fault != NULL)
		say("%s", f->ledger_fault);
	if (f->evidence_fault != NULL)
		say("%s", f->evidence_fault);
}

/* The facts about the partner that was named; f->name is NULL without one. */
static int
gather(const struct run *r, bool waiting, struct ctl_facts *f)
{
	int code = ctl_facts_get(&r->c, r->lower.partner, waiting, f);

	tell_faults(f);
	if (f->name == NULL && r->registry == NULL)
		return r->registry_code;
	if (f->name == NULL)
		say("no partner has the name or the domain %s; see tlspactctl "
		    "status",
		    quotes(r->lower.partner).s);
	return code;
}

/* --- status ------------------------------------------------------------ */

/* The line below the table of all. */
static void
print_sum(const struct run *r, const struct ctl_facts *f, size_t n)
{
	size_t odd = 0, lowered = 0, unseen = 0, i;
	struct ctl_view v;

	for (i = 0; i < n; i++) {
		v = ctl_facts_view(&f[i], r->c.now);
		odd += v.odd;
		lowered += v.lowered;
		unseen += f[i].probed == 0;
	}
	(void)printf("%zu partner%s: ", n, num_plural(n));
	if (n > 0 && (f->ledger_fault != NULL || f->evidence_fault != NULL))
		(void)printf("%zu lowered; what fails is not known\n", lowered);
	else
		(void)printf("%zu lowered, %zu to look at, %zu quiet%s; %zu "
			     "never probed\n",
		    lowered, odd, n - odd,
		    n > ALL_SHOWN && !r->opt.verbose ? " (-v shows them)" : "",
		    unseen);
}

static void
print_table(const struct run *r, const struct ctl_facts *f, size_t n)
{
	bool whole = r->opt.verbose || n <= ALL_SHOWN;
	struct buf out = {0};

	if (ctlprint_table(f, n, whole, r->c.now, &out) > 0 || whole)
		(void)fputs(out.data, stdout);
	buf_free(&out);
	print_sum(r, f, n);
}

static void
print_all_json(const struct run *r, const struct ctl_facts *f, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, ctlprint_json(&f[i], r->c.now));
	json_print(
	    json_pack("{s:s, s:o}", "schema", CTL_SCHEMA, "partners", list));
}

/* What was read may be well, and what it says be not. */
static int
status_code(const struct run *r, const struct ctl_facts *f, size_t n, int code)
{
	size_t i;

	if (code == EX_OK)
		code = r->registry_code;
	if (code == EX_OK && n > 0)
		code = f->evidence_code;
	for (i = 0; i < n && code == EX_OK; i++)
		if (ctl_facts_view(&f[i], r->c.now).wrong)
			code = 1;
	return code;
}

static int
status_one(struct run *r)
{
	struct ctl_facts f;
	struct buf out = {0};
	int code = gather(r, true, &f);

	if (f.name == NULL) {
		ctl_facts_release(&f);
		return code;
	}
	if (r->opt.json) {
		print_all_json(r, &f, 1);
	} else {
		ctlprint_one(&f, r->c.now, &out);
		(void)fputs(out.data, stdout);
	}
	buf_free(&out);
	code = status_code(r, &f, 1, code);
	ctl_facts_release(&f);
	return code;
}

static int
status(void *arg)
{
	struct run *r = arg;
	struct ctl_facts *f;
	size_t n, i;
	int code;

	if (r->lower.partner != NULL)
		return status_one(r);
	code = ctl_facts_all(&r->c, &f, &n);
	/* Partners of the registry have their faults in common. */
	for (i = 0; i < n; i++)
		if (i == 0 || f[i].partner == NULL)
			tell_faults(&f[i]);
	if (r->registry == NULL)
		say("without the registry only what the map has lowered is "
		    "known");
	if (r->opt.json)
		print_all_json(r, f, n);
	else
		print_table(r, f, n);
	code = status_code(r, f, n, code);
	ctl_facts_free(f, n);
	return code;
}

/* --- history ----------------------------------------------------------- */

static bool
tell_event(const struct ledger_event *ev, void *arg)
{
	struct run *r = arg;
	char when[NUM_TIME_MAX];
	json_t *data;

	r->n++;
	if (!r->opt.json) {
		say_to(stdout, "%5" PRId64 "  %s  %-17s %-14s %s: %s\n",
		    ev->seq, num_time_text(ev->time, when), ev->kind,
		    *ev->partner == '\0' ? "-" : ev->partner, ev->author,
		    ev->text);
		return true;
	}
	if ((data = json_loads(ev->data, 0, NULL)) == NULL)
		data = json_text(ev->data);
	json_array_append_new(r->list,
	    json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "seq",
		(json_int_t)ev->seq, "time", num_time_text(ev->time, when),
		"kind", ev->kind, "partner", ev->partner, "author", ev->author,
		"text", ev->text, "data", data, "hash", ev->hash));
	return true;
}

static bool
tell_flaw(const struct ledger_flaw *x, void *arg)
{
	struct run *r = arg;

	if (r->opt.json)
		json_array_append_new(
		    r->list, json_pack("{s:I, s:I, s:s}", "event",
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
check_whole(struct run *r, struct ledger *l, const char *known)
{
	struct ledger_head head, was;
	struct err e;
	size_t flaws, pruned;

	if (known != NULL && parse_known(known, &was) == -1) {
		say("--known %s is not what --check printed (COUNT:HASH)",
		    quotes(known).s);
		return EX_USAGE;
	}
	if (ledger_check(l, known == NULL ? NULL : &was, tell_flaw, r, &head,
		&flaws, &e) == -1 ||
	    /* What the record says of the evidence, against that. */
	    day_check(l, &r->c.set, r->c.now, tell_flaw, r, &flaws, &pruned,
		&e) == -1)
		return common_failed(&e);
	if (pruned > 0 && !r->opt.json)
		(void)printf("of %zu day%s only the counts are compared: "
			     "probes and failures are not kept that long\n",
		    pruned, num_plural(pruned));
	if (r->opt.json)
		json_print(json_pack("{s:s, s:b, s:I, s:s, s:I, s:o}", "schema",
		    CTL_SCHEMA, "whole", flaws == 0, "events",
		    (json_int_t)head.count, "head", head.hash, "days_pruned",
		    (json_int_t)pruned, "flaws", json_incref(r->list)));
	else if (flaws == 0)
		(void)printf("whole: %" PRId64 " event%s, head %" PRId64
			     ":%s\n",
		    head.count, num_plural((uint64_t)head.count), head.count,
		    head.hash);
	else
		(void)printf("NOT WHOLE: %zu flaw%s in %" PRId64 " event%s\n",
		    flaws, num_plural(flaws), head.count,
		    num_plural((uint64_t)head.count));
	return flaws == 0 ? EX_OK : 1;
}

static int
list_events(struct run *r, struct ledger *l, const char *partner)
{
	struct ledger_event_query q = {.partner = partner};
	struct err e;
	uint32_t i;

	if (partner != NULL && r->registry != NULL &&
	    (i = registry_find(r->registry, partner)) != REGISTRY_NONE)
		q.partner = r->registry->partner[i].name;
	if (ledger_events(l, &q, tell_event, r, &e) == -1)
		return common_failed(&e);
	if (r->opt.json)
		json_print(json_pack("{s:s, s:o}", "schema", CTL_SCHEMA,
		    "events", json_incref(r->list)));
	else if (r->n == 0)
		say_to(stdout, "no event is on record%s%s\n",
		    partner == NULL ? "" : " for ",
		    partner == NULL ? "" : partner);
	return EX_OK;
}

static int
history(void *arg)
{
	struct run *r = arg;
	struct ledger *l;
	struct err e;
	int code;

	if ((l = ledger_open(r->c.set.ledger, LEDGER_READ, &e)) == NULL)
		return common_failed(&e);
	r->list = json_array();
	code = r->check ? check_whole(r, l, r->known)
			: list_events(r, l, r->lower.partner);
	ledger_close(l);
	json_decref(r->list);
	return code;
}

/* --- downgrade, extend, restore ----------------------------------------- */

/* What became of waiting mail: how many were tried again; NULL: not known. */
static const size_t *
retry(struct run *r, struct ctl_facts *f, size_t *tried)
{
	const char *dir = settings_postfix(&r->c.set);
	const char *opt = dir == NULL ? "" : " -c ";
	const struct waiting *w = &f->waiting;
	struct err e;

	if (f->partner == NULL)
		return NULL;
	if (dir == NULL)
		dir = "";
	if (ctl_retry(&r->c, f, tried, &e) == -1) {
		say("warning: waiting mail is not tried again now: %s; "
		    "Postfix does so in its own time, or by postqueue%s%s -f",
		    e.text, opt, dir);
		return NULL;
	}
	if (w->deferred > w->n)
		say("warning: %zu more waiting mails go in Postfix's own time, "
		    "or by postqueue%s%s -f",
		    w->deferred - w->n, opt, dir);
	return tried;
}

/* The closing words, or the object, of a deed. */
static void
done(const struct run *r, const struct ctl_facts *f, const char *verb,
    bool written, time_t end, const size_t *retried)
{
	char when[CLOCK_MAX];

	if (r->opt.json) {
		json_print(json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}",
		    "schema", CTL_SCHEMA, "verb", verb, "partner", f->name,
		    "written", written, "end", json_time(end), "retried",
		    retried == NULL ? json_null()
				    : json_integer((json_int_t)*retried),
		    "requiretls_waiting",
		    f->requiretls < 0 ? json_null()
				      : json_integer(f->requiretls)));
		return;
	}
	(void)printf(
	    "done: %s", written ? "map written" : "the map says so already");
	if (retried != NULL)
		(void)printf(", %zu waiting mail%s retried", *retried,
		    num_plural(*retried));
	if (end != 0)
		(void)printf(". It ends by itself at %s",
		    ctlprint_end(end, r->c.now, when));
	(void)printf(".\n");
}

/* Write the map; `recorded` is what stands in the ledger already. */
static int
write_map(const struct run *r, const char *recorded, bool *written)
{
	int code = ctl_write_map(&r->c, NULL, written);

	if (code != EX_OK)
		say("%s IS RECORDED, BUT POSTFIX DOES NOT KNOW: the map was "
		    "not brought up to date. Mend what is said above and run "
		    "tlspact-compile",
		    recorded);
	return code;
}

/* Below key mail goes to whoever answers: is one there that never passed? */
static void
warn_stranger(const struct ctl_facts *f, enum level to)
{
	const struct step_gateway *g = NULL;
	size_t n = step_strangers(f->step, f->n, &g);

	if (to >= LEVEL_KEY)
		return;
	if (f->n == 0)
		say("warning: nothing is known of the gateways of %s; whoever "
		    "answers for them now gets the mail",
		    f->name);
	else if (n == 1)
		say("warning: %s [%s] never passed a probe at this address, "
		    "and would get the mail",
		    quotes(g->host).s, g->address);
	else if (n > 1)
		say("warning: %s [%s] and %zu more never passed a probe at "
		    "their address, and would get the mail",
		    quotes(g->host).s, g->address, n - 1);
}

static void
warn_requiretls(struct run *r, struct ctl_facts *f, enum level to)
{
	if (!ctl_requiretls(&r->c, f, to))
		return;
	if (f->requiretls == 0 && f->waiting.messages == f->waiting.n)
		say("warning: below key mail that demands REQUIRETLS is "
		    "returned to its sender at once; none waits now");
	else if (f->requiretls > 0)
		say("warning: %ld of %zu waiting mails demand REQUIRETLS: "
		    "below key they are RETURNED TO THEIR SENDERS at once, "
		    "and so are new ones",
		    f->requiretls, f->waiting.n);
	else
		say("warning: below key mail that demands REQUIRETLS is "
		    "returned to its sender at once; how many of those that "
		    "wait do, is not known");
}

/* What a human is told before the question whether to lower. */
static void
warn(struct run *r, struct ctl_facts *f, enum level to)
{
	char when[NUM_TIME_MAX], now[NUM_TIME_MAX];
	const struct ctl_doubts d = ctl_doubts(&r->c, f);
	struct step s;

	step_propose(f->step, f->n, ctl_facts_level(f), &s);
	if (s.helps && s.blocked > 0 && s.level < to)
		say("warning: by the last probe mail is still held at %s; it "
		    "takes %s",
		    level_name(to), level_name(s.level));
	warn_stranger(f, to);
	/* Where nobody passes, lowering one mends none. */
	if (d.alone)
		say("warning: no other partner passed a probe within the last "
		    "hour, so that the fault may be ours (CA file, clock, "
		    "resolver): tlspact-probe --all");
	/* The compile says the same of the ledger. */
	if (d.ahead)
		say("warning: the evidence has an entry of %s, and the clock "
		    "says %s: it was set back, or one is wrong",
		    num_time_text(d.newest, when),
		    num_time_text(r->c.now, now));
	warn_requiretls(r, f, to);
}

/* No --to: look at the gateways and propose. 0, or an exit code. */
static int
propose(struct run *r, struct ctl_facts *f, enum level *to)
{
	struct buf words = {0};
	char when[CLOCK_MAX];
	struct err e;
	int code;

	/* A look leaves a trace in the evidence, which a dry run does not. */
	if (!r->dry) {
		code = ctl_probe(&r->c, f, &e);
		tell_faults(f);
		if (code != EX_OK)
			return code;
		if (*e.text != '\0')
			say("the gateways were not looked at now: %s", e.text);
	}
	if (f->n == 0) {
		say("nothing is known of the gateways of %s: say what to lower "
		    "to, --to key, encrypt or opportunistic",
		    f->name);
		return EX_UNAVAILABLE;
	}
	step_describe(f->step, f->n, r->c.now, &words);
	if (f->probed >= r->c.now)
		say_to(talk(r), "probe: %s\n", words.data);
	else
		say_to(talk(r), "probe of %s: %s\n",
		    clock_text(f->probed, r->c.now, when), words.data);
	buf_free(&words);
	if (ctl_propose(f, to, &e) == -1)
		return common_failed(&e);
	(void)fprintf(
	    talk(r), "smallest step that helps: %s\n", level_name(*to));
	return EX_OK;
}

static int
ask_to_lower(struct run *r, struct ctl_facts *f, enum level to, time_t end)
{
	const struct domain *d = &r->registry->domain[f->partner->first_domain];
	uint32_t n = f->partner->ndomains, i;
	struct buf q = {0};
	char when[CLOCK_MAX];
	int code = EX_OK;

	(void)fprintf(talk(r), "%s: %s\n", level_name(to), step_given_up(to));
	if (f->partner->attributes->inbound != INBOUND_OFF)
		(void)fprintf(talk(r),
		    "mail FROM them is accepted and logged meanwhile, whatever "
		    "it came by\n");
	warn(r, f, to);
	buf_puts(&q, "lower ");
	for (i = 0; i < n && i < DOMAINS_SHOWN; i++)
		buf_printf(&q, "%s%s", i == 0 ? "" : ", ", d[i].name);
	if (n > DOMAINS_SHOWN)
		buf_printf(&q, " and %u more", n - DOMAINS_SHOWN);
	buf_printf(&q, " from %s to %s until %s",
	    level_name(ctl_facts_level(f)), level_name(to),
	    ctlprint_end(end, r->c.now, when));
	if (r->dry) {
		(void)fprintf(
		    talk(r), "%s (dry run: nothing written)\n", q.data);
	} else {
		buf_putc(&q, '?');
		code = common_confirm(talk(r), r->yes, q.data);
	}
	buf_free(&q);
	return code;
}

static int
lower_to(struct run *r, struct ctl_facts *f, enum level to)
{
	struct ctl *c = &r->c;
	const size_t *retried = NULL;
	struct err e;
	size_t tried;
	bool written;
	time_t end;
	int code;

	/* The look at the gateways took its time. */
	c->now = time(NULL);
	if (ctl_end(c, &r->lower, &end, &e) == -1)
		return common_failed(&e);
	if ((code = ctl_rehearse(c, f, to, end)) != EX_OK) {
		say("nothing was lowered: the map could not be written as the "
		    "registry and the ledger are now");
		return code;
	}
	if ((code = ask_to_lower(r, f, to, end)) != EX_OK || r->dry)
		return code;
	if (ctl_begin(c, f, &r->lower, to, end, &e) == -1) {
		say_err(&e);
		say("nothing was lowered");
		return e.code;
	}
	if ((code = write_map(r, "the downgrade", &written)) != EX_OK)
		return code;
	/* What is told is what Postfix reads. */
	ctl_facts_map(c, f);
	if (f->low.rows == 0 || f->low.level != to) {
		say("%s IS NOT LOWERED to %s, though that is on record: the "
		    "map does not say so%s%s",
		    f->name, level_name(to), f->map_fault == NULL ? "" : ": ",
		    f->map_fault == NULL ? "" : f->map_fault);
		return 1;
	}
	if (!r->no_flush)
		retried = retry(r, f, &tried);
	done(r, f, "downgrade", written, f->low.end, retried);
	return EX_OK;
}

static int
choose_and_lower(struct run *r, struct ctl_facts *f)
{
	enum level to;
	struct err e;
	int code;

	if (f->partner == NULL) {
		say("%s is not in the registry: it has no policy to lower",
		    f->name);
		return EX_NOINPUT;
	}
	if (f->full == LEVEL_OPPORTUNISTIC) {
		say("%s is opportunistic: its mail moves in any case, there is "
		    "nothing to do",
		    f->name);
		return EX_OK;
	}
	if (r->lower.to == NULL && (code = propose(r, f, &to)) != EX_OK)
		return code;
	if (ctl_may(f, r->lower.to, &to, &e) == -1)
		return common_failed(&e);
	return lower_to(r, f, to);
}

static int
downgrade(void *arg)
{
	struct run *r = arg;
	struct ctl_facts f;
	struct err e;
	time_t end;
	int code;

	/* Before anything takes time, and again when it has. */
	if (ctl_end(&r->c, &r->lower, &end, &e) == -1)
		return common_failed(&e);
	if (r->lower.reason == NULL || *r->lower.reason == '\0') {
		say("a downgrade needs a reason, for those who read it later: "
		    "--reason \"expired certificate\"");
		return EX_USAGE;
	}
	if (r->registry == NULL) {
		say("nothing was lowered: without a registry no map can be "
		    "written");
		return r->registry_code;
	}
	if (!r->dry)
		ctl_settle(&r->c);
	if ((code = gather(r, false, &f)) == EX_OK)
		code = f.evidence_code;
	if (code == EX_OK)
		code = choose_and_lower(r, &f);
	ctl_facts_release(&f);
	return code;
}

static int
extend_to(struct run *r, struct ctl_facts *f)
{
	const struct ledger_downgrade *now = &f->lowered;
	char when[CLOCK_MAX], was[CLOCK_MAX], *q;
	bool written;
	struct err e;
	time_t end;
	int code = EX_OK;

	if (now->id == 0) {
		say("%s is not lowered: there is nothing to extend", f->name);
		return 1;
	}
	if (ctl_end(&r->c, &r->lower, &end, &e) == -1)
		return common_failed(&e);
	if (end > now->end) {
		warn_stranger(f, now->after);
		warn_requiretls(r, f, now->after);
	}
	q = mem_printf("keep %s at %s until %s, not %s?", f->name,
	    level_name(now->after), clock_text_seconds(end, r->c.now, when),
	    clock_text_seconds(now->end, r->c.now, was));
	if (r->dry)
		(void)fprintf(talk(r), "%s (dry run: nothing written)\n", q);
	else if (end > now->end)
		code = common_confirm(talk(r), r->yes, q);
	free(q);
	if (code != EX_OK || r->dry)
		return code;
	if (ctl_change(&r->c, f, r->lower.reason, end, &e) == -1)
		return common_failed(&e);
	if ((code = write_map(r, "the new end", &written)) != EX_OK)
		return code;
	ctl_facts_map(&r->c, f);
	if (f->low.rows == 0 || f->low.end != end) {
		say("the new end of %s is on record, but THE MAP HAS ANOTHER: "
		    "see tlspactctl status %s",
		    f->name, f->name);
		return 1;
	}
	done(r, f, "extend", written, end, NULL);
	return EX_OK;
}

static int
extend(void *arg)
{
	struct run *r = arg;
	struct ctl_facts f;
	int code;

	if (!r->dry)
		ctl_settle(&r->c);
	if ((code = gather(r, false, &f)) == EX_OK)
		code = extend_to(r, &f);
	ctl_facts_release(&f);
	return code;
}

/* End it in the ledger. 0, or why that cannot be, which was said. */
static int
record_restore(const struct run *r, const struct ctl_facts *f)
{
	const char *why =
	    r->lower.reason == NULL ? "restored" : r->lower.reason;
	int code = EX_OK;
	struct err e;

	if (f->ledger_fault != NULL)
		code = EX_DATAERR;
	else if (ctl_change(&r->c, f, why, 0, &e) == -1)
		code = common_failed(&e);
	if (code != EX_OK)
		say("the restore of %s is not on record: the map remembers it "
		    "until the ledger can be told",
		    f->name);
	return code;
}

/* As the map tells it, which was read again. */
static int
tell_restored(struct run *r, struct ctl_facts *f, bool written, int code)
{
	enum level full = f->low.rows > 0 ? f->low.full : f->full;
	const size_t *retried = NULL;
	size_t tried;

	ctl_facts_map(&r->c, f);
	if (f->map_fault != NULL) {
		say("whether %s is back at %s is not known: %s", f->name,
		    level_name(full), f->map_fault);
		return code == EX_OK ? EX_NOINPUT : code;
	}
	if (f->low.rows > 0) {
		say("%s IS STILL LOWERED to %s: Postfix was not told", f->name,
		    level_name(f->low.level));
		return code == EX_OK ? EX_TEMPFAIL : code;
	}
	if (r->flush)
		retried = retry(r, f, &tried);
	if (!r->opt.json)
		(void)printf("%s is back at %s\n", f->name, level_name(full));
	done(r, f, "restore", written, 0, retried);
	return code;
}

/* known: the exit code of the facts. */
static int
restore_it(struct run *r, struct ctl_facts *f, int known)
{
	bool written, lowered = f->low.rows > 0;
	int recorded, code;

	/* A map that is lower than the ledger knows of is mended as well. */
	if (f->lowered.id == 0 && f->doubt_id == 0 && !lowered &&
	    (!f->in_map || f->map_level >= f->full || f->partner == NULL)) {
		say("%s is not lowered: there is nothing to restore%s", f->name,
		    f->ledger_fault == NULL ? ""
					    : ", as far as the map can tell");
		return known;
	}
	if (r->dry) {
		(void)fprintf(talk(r),
		    "%s would go back to %s (dry run: nothing written)\n",
		    f->name, level_name(lowered ? f->low.full : f->full));
		return EX_OK;
	}
	recorded = record_restore(r, f);
	if (recorded != EX_OK && known != EX_OK)
		recorded = known;
	code = ctl_write_map(&r->c, f, &written);
	return tell_restored(
	    r, f, written, recorded != EX_OK ? recorded : code);
}

static int
restore(void *arg)
{
	struct run *r = arg;
	struct ctl_facts f;
	int code = gather(r, false, &f);

	/* What cannot be read keeps nobody lowered. */
	if (f.name != NULL)
		code = restore_it(r, &f, code);
	ctl_facts_release(&f);
	return code;
}

/* --- onboard ------------------------------------------------------------ */

static int
onboard(void *arg)
{
	struct run *r = arg;
	uint32_t i;

	if (r->registry == NULL)
		return r->registry_code;
	i = registry_find(r->registry, r->lower.partner);
	if (i == REGISTRY_NONE) {
		say("no partner has the name or the domain %s; see tlspactctl "
		    "status",
		    quotes(r->lower.partner).s);
		return EX_NOINPUT;
	}
	return ctlonboard(&r->c, &r->registry->partner[i], r->opt.json, r->dry);
}

/* --- all --------------------------------------------------------------- */

enum { STATUS, DOWNGRADE, EXTEND, RESTORE, HISTORY, ONBOARD };

static const struct options_verb verbs[] = {
    [STATUS] = {"status", NULL, 0, 1, status},
    [DOWNGRADE] = {"downgrade", NULL, 1, 1, downgrade},
    [EXTEND] = {"extend", NULL, 1, 1, extend},
    [RESTORE] = {"restore", NULL, 1, 1, restore},
    [HISTORY] = {"history", NULL, 0, 1, history},
    [ONBOARD] = {"onboard", NULL, 1, 1, onboard},
};

#define LOWER (OPTIONS_VERB(DOWNGRADE) | OPTIONS_VERB(EXTEND))
#define FLUSH (OPTIONS_VERB(DOWNGRADE) | OPTIONS_VERB(RESTORE))

static const struct options_row rows[] = {
    {0, "for", "TIME", "how long; it ends by itself", OPTIONS_WORD,
	.at = offsetof(struct run, lower.span),
	.show = "--for 4h, --until 17:30", .verbs = LOWER},
    {0, "until", "TIME", "", OPTIONS_WORD,
	.at = offsetof(struct run, lower.until), .verbs = LOWER},
    {0, "reason", "TEXT", "", OPTIONS_WORD,
	.at = offsetof(struct run, lower.reason), .verbs = LOWER | FLUSH},
    {0, "ticket", "TEXT", "", OPTIONS_WORD,
	.at = offsetof(struct run, lower.ticket),
	.verbs = OPTIONS_VERB(DOWNGRADE)},
    {0, "to", "LEVEL",
	"without it the gateways are looked at, and the smallest\n"
	"step that helps is proposed",
	OPTIONS_WORD, .at = offsetof(struct run, lower.to),
	.show = "--to LEVEL", .verbs = OPTIONS_VERB(DOWNGRADE)},
    {0, "yes", NULL, "do not ask", OPTIONS_FLAG,
	.at = offsetof(struct run, yes), .show = "--yes",
	.verbs = LOWER | FLUSH},
    {0, "flush", NULL, "whether waiting mail is tried again at once",
	OPTIONS_FLAG, .at = offsetof(struct run, flush),
	.show = "--no-flush, --flush", .verbs = FLUSH},
    {0, "no-flush", NULL, "", OPTIONS_FLAG,
	.at = offsetof(struct run, no_flush), .verbs = FLUSH},
    {0, "check", NULL, "", OPTIONS_FLAG, .at = offsetof(struct run, check),
	.verbs = OPTIONS_VERB(HISTORY)},
    {0, "known", "COUNT:HASH", "", OPTIONS_WORD,
	.at = offsetof(struct run, known), .verbs = OPTIONS_VERB(HISTORY)},
    {'n', "dry-run", NULL, "say what would be done", OPTIONS_FLAG,
	.at = offsetof(struct run, dry)},
    OPTIONS_POSTFIX("DIR",
	"configuration folder of Postfix (default: postfix_config\n"
	"of the settings, else its own)"),
    OPTIONS_SETTINGS,
    OPTIONS_JSON(NULL),
    OPTIONS_VERBOSE(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspactctl",
    .synopsis =
	"status [PARTNER]\n"
	"downgrade PARTNER --for TIME | --until TIME --reason TEXT\n"
	" [--ticket TEXT] [--to key|encrypt|opportunistic] [--yes] "
	"[--no-flush]\n"
	"extend PARTNER --for TIME | --until TIME [--reason TEXT] [--yes]\n"
	"restore PARTNER [--reason TEXT] [--flush]\n"
	"history [PARTNER] | --check [--known COUNT:HASH]\n"
	"onboard PARTNER\n",
    .about = "PARTNER is a partner of the registry, or one of its domains.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .verb = verbs,
    .nverbs = sizeof(verbs) / sizeof(verbs[0]),
};

static void
read_options(int argc, char *argv[], struct run *r)
{
	options_read(&table, argc, argv, r);
	if ((r->check && r->opt.n > 0) || (r->known != NULL && !r->check) ||
	    (r->flush && r->no_flush))
		options_misused(&table, r);
	r->lower.partner = r->opt.n == 0 ? NULL : r->opt.arg[0];
	r->c.again = options_again(&r->opt);
}

int
main(int argc, char *argv[])
{
	struct run r = {.c.now = time(NULL)};
	int code;

	say_init(table.program);
	read_options(argc, argv, &r);
	author_get(&r.c.author);
	code = options_settings(&r.opt, &r.c.set);
	if (code == EX_OK) {
		if (!r.check)
			r.registry_code = common_registry(
			    r.c.set.registry, r.c.now, NULL, &r.registry);
		r.c.registry = r.registry;
		code = verbs[r.opt.verb].run(&r);
	}
	code = say_flushed(code);
	registry_free(r.registry);
	settings_free(&r.c.set);
	free(r.c.again);
	return code;
}
