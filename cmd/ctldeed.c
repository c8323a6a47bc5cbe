#include "ctldeed.h"

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
#include "ctlprint.h"
#include "ctlrun.h"
#include "err.h"
#include "json.h"
#include "mapgone.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "step.h"

#define DOMAINS_SHOWN 4 /* in the question whether to lower them */

/* Where words for people go: with -j standard output is for the object. */
static FILE *
talk(const struct ctlrun *r)
{
	return r->opt.json ? stderr : stdout;
}

/* What became of waiting mail: how many were tried again; NULL: not known. */
static const size_t *
retry(struct ctlrun *r, struct ctl_facts *f, size_t *tried)
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

/* For -j: what is about to be done, and is not yet. An end of 0: none. */
static void
plan(struct ctlrun *r, const struct ctl_facts *f, enum direction of,
    enum level before, enum level after, time_t end)
{
	json_decref(r->answer);
	r->answer =
	    json_pack("{s:{s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:n, s:o, s:n}}",
		"change", "partner", f->name, "before", level_name(before),
		"after", level_name(after), "direction", direction_name(of),
		"until", json_time(end), "done", false, "written", false,
		"retried", "requiretls_waiting",
		f->requiretls < 0 ? json_null() : json_integer(f->requiretls),
		"outlook");
}

/* The closing words, or what the object has instead. */
static void
done(struct ctlrun *r, bool written, time_t end, const size_t *retried)
{
	json_t *change = json_object_get(r->answer, "change");
	struct buf words = {0};
	char when[CLOCK_MAX];

	(void)json_object_set_new(change, "done", json_true());
	(void)json_object_set_new(change, "written", json_boolean(written));
	(void)json_object_set_new(change, "until", json_time(end));
	if (retried != NULL)
		(void)json_object_set_new(
		    change, "retried", json_integer((json_int_t)*retried));
	if (r->opt.json)
		return;
	buf_printf(&words, "done: %s",
	    written ? "map written" : "the map says so already");
	if (retried != NULL)
		buf_printf(&words, ", %zu waiting mail%s retried", *retried,
		    num_plural(*retried));
	if (end != 0)
		buf_printf(&words, ". It ends by itself at %s",
		    ctlprint_end(end, r->c.now, when));
	common_tell(stdout, "%s.", words.data);
	buf_free(&words);
}

/* Write the map; `recorded` is what stands in the ledger already. */
static int
write_map(const struct ctlrun *r, const char *recorded, bool *written)
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
warn_requiretls(struct ctlrun *r, struct ctl_facts *f, enum level to)
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
warn(struct ctlrun *r, struct ctl_facts *f, enum level to)
{
	char when[CLOCK_MAX], now[CLOCK_MAX];
	const struct ctl_doubts d = ctl_doubts(&r->c, f);
	const struct step_gateway *g;
	enum level takes;
	struct step s;

	step_propose(f->step, f->n, ctl_facts_level(f), &s);
	if (s.helps && s.blocked > 0 && s.level < to)
		say("warning: by the last probe mail is still held at %s; it "
		    "takes %s",
		    level_name(to), level_name(s.level));
	else if ((g = ctl_unhelped(f, to, &takes)) != NULL)
		say("warning: %s helps no gateway: %s fails with %s, which "
		    "takes %s",
		    level_name(to), quotes(g->host).s, fault_text(g->fault),
		    level_name(takes));
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
		    clock_text(d.newest, CTLPRINT_DATED, when),
		    clock_text(r->c.now, CTLPRINT_DATED, now));
	warn_requiretls(r, f, to);
}

/* See what the gateways show now. 0, or an exit code. */
static int
look(struct ctlrun *r, struct ctl_facts *f)
{
	const bool told = f->ledger_fault != NULL || f->evidence_fault != NULL;
	struct err e;
	int code = ctl_probe(&r->c, f, &e);

	if (!told)
		ctlrun_tell_faults(f);
	if (code == EX_OK && *e.text != '\0')
		say("the gateways were not looked at now: %s", e.text);
	return code;
}

static void
put_look(const struct ctl_facts *f, time_t now, struct buf *out)
{
	char when[CLOCK_MAX];

	if (f->probed >= now)
		buf_puts(out, "probe: ");
	else
		buf_printf(
		    out, "probe of %s: ", clock_text(f->probed, now, when));
	step_describe(f->step, f->n, now, out);
}

/*
 * No --to: look at the gateways and propose. 0, or an exit code; *to is the
 * present level if nothing needs to be lowered.
 */
static int
propose(struct ctlrun *r, struct ctl_facts *f, enum level *to)
{
	struct buf words = {0};
	struct err e;
	int code;

	/* A look leaves a trace in the evidence, which a dry run does not. */
	if (!r->dry && (code = look(r, f)) != EX_OK)
		return code;
	if (f->n == 0) {
		say("nothing is known of the gateways of %s: say what to lower "
		    "to, --to key, encrypt or opportunistic",
		    f->name);
		return EX_UNAVAILABLE;
	}
	put_look(f, r->c.now, &words);
	common_tell(talk(r), "%s", words.data);
	buf_free(&words);
	if (ctl_helped(&r->c, f, &e) == -1 || ctl_propose(f, to, &e) == -1)
		return common_failed(&e);
	common_tell(talk(r), "smallest step that helps: %s", level_name(*to));
	return EX_OK;
}

/* What a human is told before the question, and of what it costs. */
static void
tell_price(struct ctlrun *r, struct ctl_facts *f, enum level to)
{
	if (!r->lower.inbound)
		common_tell(
		    talk(r), "%s: %s", level_name(to), step_given_up(to));
	if (!r->lower.inbound && to == LEVEL_KEY)
		common_tell(talk(r),
		    "if they renew it with another key, mail waits until you "
		    "restore %s",
		    f->name);
	if (r->lower.direction == DIRECTION_CERTIFICATE)
		common_tell(talk(r),
		    "mail FROM them needs TLS still, by any certificate or "
		    "none, and is logged");
	else if (f->partner->attributes->inbound != INBOUND_OFF)
		common_tell(talk(r),
		    "mail FROM them is accepted and logged meanwhile, whatever "
		    "it came by");
	if (r->lower.inbound)
		common_tell(
		    talk(r), "mail TO them stays at %s", level_name(f->full));
	else
		warn(r, f, to);
	if (f->lowered.direction)
		common_tell(talk(r),
		    "this takes the place of downgrade %lld, which lets in "
		    "mail from them %s",
		    (long long)f->lowered.id,
		    r->lower.inbound ? "over TLS" : "alone");
}

static int
ask_to_lower(struct ctlrun *r, struct ctl_facts *f, enum level to, time_t end)
{
	const struct domain *d = &r->registry->domain[f->partner->first_domain];
	uint32_t n = f->partner->ndomains, i;
	struct buf q = {0};
	char when[CLOCK_MAX];
	int code = EX_OK;

	tell_price(r, f, to);
	buf_puts(&q, r->lower.inbound ? "let in mail from " : "lower ");
	for (i = 0; i < n && i < DOMAINS_SHOWN; i++)
		buf_printf(&q, "%s%s", i == 0 ? "" : ", ", d[i].name);
	if (n > DOMAINS_SHOWN)
		buf_printf(&q, " and %u more", n - DOMAINS_SHOWN);
	if (r->lower.direction == DIRECTION_CERTIFICATE)
		buf_puts(&q, " over TLS without their certificate");
	else if (r->lower.inbound)
		buf_printf(&q, "%s without TLS",
		    f->partner->attributes->inbound_verify != INBOUND_NONE
			? " without a certificate, and also"
			: "");
	else
		buf_printf(&q, " from %s to %s", level_name(ctl_facts_level(f)),
		    level_name(to));
	buf_printf(&q, " until %s", ctlprint_end(end, r->c.now, when));
	if (r->dry) {
		common_tell(talk(r), "%s (dry run: nothing written)", q.data);
	} else {
		buf_putc(&q, '?');
		code = common_confirm(talk(r), r->yes, q.data);
	}
	buf_free(&q);
	return code;
}

static int
lower_to(struct ctlrun *r, struct ctl_facts *f, enum level to)
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
	if ((code = ctl_rehearse(c, f, &r->lower, to, end)) != EX_OK) {
		say("nothing was lowered: the map could not be written as the "
		    "registry and the ledger are now; see tlspact-compile -n");
		return code;
	}
	plan(r, f, r->lower.direction, ctl_facts_level(f), to, end);
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
	if (f->low.rows == 0 || f->low.level != to ||
	    f->low.direction != r->lower.direction) {
		say("%s IS NOT LOWERED to %s, though that is on record: the "
		    "map does not say so%s%s",
		    f->name, direction_lowered_to(r->lower.direction, to),
		    f->map_fault == NULL ? "" : ": ",
		    f->map_fault == NULL ? "" : f->map_fault);
		return 1;
	}
	/* Nothing waits for what is let in. */
	if (!r->no_flush && !r->lower.inbound)
		retried = retry(r, f, &tried);
	done(r, written, f->low.end, retried);
	return EX_OK;
}

/* By what the step was chosen, of whom a certificate is demanded. */
static void
tell_let_in(const struct ctlrun *r, const struct ctl_facts *f)
{
	const size_t clear = f->refusals - f->refused_tls;

	if (r->lower.direction == DIRECTION_INBOUND)
		common_tell(talk(r),
		    "smallest step that helps: opportunistic, as what was "
		    "refused lacked TLS as agreed");
	else if (f->refused_tls > 0 && clear > 0)
		common_tell(talk(r),
		    "smallest step: encrypt; %zu of %zu mails refused within a "
		    "day lacked TLS as agreed, for which it takes --to "
		    "opportunistic",
		    clear, f->refusals);
	else if (f->refused_tls > 0)
		common_tell(talk(r),
		    "smallest step that helps: encrypt, as what was refused "
		    "came over TLS");
	else
		common_tell(talk(r),
		    "smallest step: encrypt; if their mail comes without TLS "
		    "it takes --to opportunistic");
}

static int
let_in(struct ctlrun *r, struct ctl_facts *f)
{
	struct err e;

	if (ctl_may_let_in(&r->c, f, r->lower.to, &r->lower.direction, &e) ==
	    -1)
		return common_failed(&e);
	if (r->lower.to == NULL &&
	    f->partner->attributes->inbound_verify != INBOUND_NONE)
		tell_let_in(r, f);
	return lower_to(r, f, f->full);
}

static int
choose_and_lower(struct ctlrun *r, struct ctl_facts *f)
{
	enum level to;
	struct err e;
	int code;

	if (f->partner == NULL) {
		say("%s is not in the registry: it has no policy to lower",
		    f->name);
		return EX_NOINPUT;
	}
	if (r->lower.inbound)
		return let_in(r, f);
	if (f->full == LEVEL_OPPORTUNISTIC) {
		say("%s is opportunistic: its mail moves in any case, there is "
		    "nothing to do",
		    f->name);
		return EX_OK;
	}
	if (r->lower.to == NULL &&
	    ((code = propose(r, f, &to)) != EX_OK || to == ctl_facts_level(f)))
		return code;
	if (ctl_may(&r->c, f, r->lower.to, &to, &e) == -1)
		return common_failed(&e);
	return lower_to(r, f, to);
}

int
ctldeed_downgrade(void *run)
{
	struct ctlrun *r = run;
	struct ctl_facts f;
	struct err e;
	time_t end;
	int code;

	/* Before anything takes time, and again when it has. */
	if (ctl_end(&r->c, &r->lower, &end, &e) == -1)
		return common_failed(&e);
	if (r->lower.reason == NULL ||
	    r->lower.reason[strspn(r->lower.reason, " \t\n")] == '\0') {
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
	if ((code = ctlrun_facts(r, false, &f)) == EX_OK)
		code = f.evidence_code;
	if (code == EX_OK)
		code = choose_and_lower(r, &f);
	ctl_facts_release(&f);
	return code;
}

static int
extend_to(struct ctlrun *r, struct ctl_facts *f)
{
	const struct ledger_downgrade *now = &f->lowered;
	char when[CLOCK_MAX], was[CLOCK_MAX], *q;
	bool written;
	struct err e;
	time_t end;
	int code = EX_OK;

	if (now->id == 0) {
		say("%s is not lowered%s: there is nothing to extend; to lower "
		    "it: tlspactctl downgrade %s --for 4h --reason TEXT",
		    f->name, f->over.id != 0 ? ", its time was up" : "",
		    f->name);
		return 1;
	}
	if (ctl_end(&r->c, &r->lower, &end, &e) == -1)
		return common_failed(&e);
	if (end > now->end && !now->direction) {
		warn_stranger(f, now->after);
		warn_requiretls(r, f, now->after);
	}
	plan(r, f, now->direction, now->after, now->after, end);
	q = mem_printf("keep %s at %s until %s, not %s%s", f->name,
	    direction_lowered_to(now->direction, now->after),
	    clock_text_seconds(end, r->c.now, when),
	    clock_text_seconds(now->end, r->c.now, was), r->dry ? "" : "?");
	if (r->dry)
		common_tell(talk(r), "%s (dry run: nothing written)", q);
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
	done(r, written, end, NULL);
	return EX_OK;
}

int
ctldeed_extend(void *run)
{
	struct ctlrun *r = run;
	struct ctl_facts f;
	int code;

	if (!r->dry)
		ctl_settle(&r->c);
	if ((code = ctlrun_facts(r, false, &f)) == EX_OK)
		code = extend_to(r, &f);
	ctl_facts_release(&f);
	return code;
}

/* End it in the ledger. 0, or why that cannot be, which was said. */
static int
record_restore(const struct ctlrun *r, const struct ctl_facts *f)
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

/* What the look means for mail at the full level; not quoted yet. */
static void
put_outlook(const struct ctl_facts *f, time_t now, struct buf *out)
{
	struct step s;

	if (f->evidence_fault != NULL)
		buf_printf(out,
		    "whether mail to %s moves now is not known: the evidence "
		    "cannot be read; look with tlspact-probe %s",
		    f->name, f->name);
	else if (f->n == 0)
		buf_printf(out,
		    "whether mail to %s moves now is not known, as nobody "
		    "looked at its gateways: tlspact-probe %s",
		    f->name, f->name);
	if (f->n == 0)
		return;
	step_propose(f->step, f->n, f->full, &s);
	put_look(f, now, out);
	if (f->full == LEVEL_OPPORTUNISTIC)
		buf_puts(out, "; mail moves, as no TLS is asked for");
	else if (ctl_facts_waits(f))
		buf_printf(out,
		    "; MAIL WILL WAIT until they mend that. Look again: "
		    "tlspact-probe %s",
		    f->name);
	else
		buf_printf(out, "; mail moves%s",
		    s.passing == f->n ? "" : " through what passes");
}

/* Mail that would move now, and waits for its turn. */
static void
put_left(struct ctlrun *r, struct ctl_facts *f, struct buf *out)
{
	ctl_facts_queue(&r->c, f);
	if (f->waiting_fault != NULL || f->waiting.deferred == 0)
		return;
	buf_puts(out, ". Still waiting: ");
	ctlprint_queue(&f->waiting, "", r->c.now, out);
	buf_printf(out,
	    "; it goes in Postfix's own time, or now by tlspactctl restore %s "
	    "--flush",
	    f->name);
}

/*
 * A restore mends no gateway: what a look says of mail from now on. Who lets
 * nothing in without TLS says that.
 */
static void
tell_outlook(struct ctlrun *r, struct ctl_facts *f, bool inbound)
{
	json_t *change = json_object_get(r->answer, "change");
	struct buf words = {0};
	enum fault worst;
	time_t since;

	if (inbound && f->partner != NULL &&
	    f->partner->attributes->inbound == INBOUND_REQUIRE)
		buf_printf(&words,
		    "mail from %s that comes without TLS%s is refused; what "
		    "was let in stands in tlspact-log report %s",
		    f->name,
		    f->partner->attributes->inbound_verify != INBOUND_NONE
			? " or their certificate"
			: "",
		    f->name);
	else if (!inbound)
		put_outlook(f, r->c.now, &words);
	if (!inbound && !r->flush && !r->dry && f->partner != NULL &&
	    f->n > 0 && !ctl_facts_waits(f))
		put_left(r, f, &words);
	if (words.len > 0)
		common_tell(talk(r), "%s", words.data);
	buf_free(&words);
	if (inbound || f->n == 0)
		return;
	worst = ctl_facts_worst(f, &since);
	json_object_set_new(change, "outlook",
	    json_pack("{s:o, s:b, s:o, s:o}", "seen", json_time(f->probed),
		"mail_waits", ctl_facts_waits(f), "fault",
		ctlprint_fault(fault_text(worst)), "since",
		json_time(worst == FAULT_OK ? 0 : since)));
}

/* As the map tells it, which was read again. */
static int
tell_restored(struct ctlrun *r, struct ctl_facts *f, bool written, int code)
{
	enum level full = f->low.rows > 0 ? f->low.full : f->full;
	const bool inbound = ctl_facts_direction(f);
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
		    ctl_facts_lowered_to(f));
		return code == EX_OK ? EX_TEMPFAIL : code;
	}
	if (r->flush)
		retried = retry(r, f, &tried);
	if (!r->opt.json && inbound)
		common_tell(stdout,
		    "mail from %s is let in as agreed only, again", f->name);
	else if (!r->opt.json && full == LEVEL_OPPORTUNISTIC)
		common_tell(stdout,
		    "the downgrade of %s is over; the registry asks for no "
		    "more than opportunistic",
		    f->name);
	else if (!r->opt.json)
		common_tell(
		    stdout, "%s is back at %s", f->name, level_name(full));
	done(r, written, 0, retried);
	/* Now that it is strong again, and whatever becomes of the look. */
	if (!inbound && f->partner != NULL && f->full > LEVEL_OPPORTUNISTIC) {
		(void)fflush(stdout);
		(void)look(r, f);
	}
	tell_outlook(r, f, inbound);
	return code;
}

/* What waits, since a gateway failed for a while, may be tried all the same. */
static void
not_lowered(struct ctlrun *r, struct ctl_facts *f)
{
	struct mapgone gone = {0};
	const char *less;
	size_t from = 0;
	const size_t *retried = NULL;
	size_t tried;

	if (r->flush && !r->dry)
		retried = retry(r, f, &tried);
	if (retried != NULL)
		say("%s is not lowered: nothing to restore; %zu waiting mail%s "
		    "retried",
		    f->name, tried, num_plural(tried));
	else
		say("%s is not lowered: there is nothing to restore%s", f->name,
		    f->ledger_fault == NULL ? ""
					    : ", as far as the map can tell");
	mapgone_look(&r->c.set, r->c.live != NULL ? r->c.live : r->c.registry,
	    r->c.now - MAPGONE_SPAN, &gone);
	if (mapgone_less(&gone, &from, f->name, &less) != NULL)
		say("the registry demands less of %s than it did, which is no "
		    "downgrade: " MAPGONE_LOST " %s",
		    f->name, f->name);
	mapgone_release(&gone);
}

/* known: the exit code of the facts. */
static int
restore_it(struct ctlrun *r, struct ctl_facts *f, int known)
{
	bool written, lowered = f->low.rows > 0;
	int recorded, code;

	if (r->lower.inbound && !ctl_facts_direction(f) &&
	    (lowered || f->lowered.id != 0)) {
		say("%s is lowered to %s, which lets their mail in as well; to "
		    "end that: tlspactctl restore %s",
		    f->name, ctl_facts_lowered_to(f), f->name);
		return 1;
	}
	/* A map that is lower than the ledger knows of is mended as well. */
	if (f->lowered.id == 0 && f->doubt_id == 0 && !lowered &&
	    (!f->in_map || f->map_level >= f->full || f->partner == NULL)) {
		not_lowered(r, f);
		return known;
	}
	plan(r, f, ctl_facts_direction(f),
	    lowered	? f->low.level
	    : f->in_map ? f->map_level
			: ctl_facts_level(f),
	    lowered ? f->low.full : f->full, 0);
	if (r->dry) {
		if (ctl_facts_direction(f))
			common_tell(talk(r),
			    "mail from %s would be let in as agreed only (dry "
			    "run: nothing written)",
			    f->name);
		else
			common_tell(talk(r),
			    "%s would go back to %s (dry run: nothing written)",
			    f->name,
			    level_name(lowered ? f->low.full : f->full));
		tell_outlook(r, f, ctl_facts_direction(f));
		return EX_OK;
	}
	recorded = record_restore(r, f);
	if (recorded != EX_OK && known != EX_OK)
		recorded = known;
	code = ctl_write_map(&r->c, f, &written);
	return tell_restored(
	    r, f, written, recorded != EX_OK ? recorded : code);
}

int
ctldeed_restore(void *run)
{
	struct ctlrun *r = run;
	struct ctl_facts f;
	int code = ctlrun_facts(r, false, &f);

	/* What cannot be read keeps nobody lowered. */
	if (f.name != NULL)
		code = restore_it(r, &f, code);
	ctl_facts_release(&f);
	return code;
}
