#include "ctldown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cdbmap.h"
#include "clock.h"
#include "ctlfacts.h"
#include "err.h"
#include "explain.h"
#include "mapbuild.h"
#include "maprecord.h"
#include "meant.h"
#include "mem.h"
#include "num.h"
#include "program.h"
#include "quote.h"
#include "timeslip.h"

#define PROBE_MS 120000 /* patience with tlspact-probe, at least */
#define PROBE_TALK (1024 * 1024)
#define COMMON_SINCE 3600 /* seconds: others that passed since, pass */
#define CLOCK_SLACK 60	  /* seconds ahead that are not worth a word */

/* --- Which step, until when ------------------------------------------- */

static int
read_span(const char *s, time_t now, time_t *end, struct err *e)
{
	uint64_t span;
	time_t clock;

	/* Seconds, as elsewhere, are what nobody means here. */
	if (num_unit(s) != '\0' && num_duration(s, UINT32_MAX, &span) == 0 &&
	    span > 0) {
		*end = now + (time_t)span;
		return 0;
	}
	if (clock_parse(s, now, &clock) == 0)
		return err_set(e, EX_USAGE,
		    "--for: %s is an end; say --until %s", quotes(s).s, s);
	return err_set(e, EX_USAGE, "--for: %s %s", quotes(s).s,
	    timeslip_ahead(s, "30m, 4h or 2d", true).s);
}

static int
read_end(const char *s, time_t now, time_t *end, struct err *e)
{
	char day[CLOCK_MAX];
	struct tm tm;
	uint64_t span;

	if (clock_parse(s, now, end) == 0)
		return 0;
	if (num_unit(s) != '\0' && num_duration(s, UINT32_MAX, &span) == 0)
		return err_set(e, EX_USAGE,
		    "--until: %s is how long; say --for %s", quotes(s).s, s);
	/* Examples that are ends: of tomorrow. */
	(void)strftime(day, sizeof(day), "%Y-%m-%d",
	    gmtime_r(&(time_t){now + CLOCK_DAY}, &tm));
	return err_set(e, EX_USAGE,
	    "--until: %s is no time such as 08:00, %sT08:00 or %sT07:00:00Z",
	    quotes(s).s, day, day);
}

int
ctl_end(const struct ctl *c, const struct ctl_lower *lower, time_t *end,
    struct err *e)
{
	char max[NUM_DURATION_MAX];
	int rv;

	if (lower->span != NULL && lower->until != NULL)
		return err_set(e, EX_USAGE,
		    "--for and --until are two ends: a downgrade has one");
	if (lower->span == NULL && lower->until == NULL)
		return err_set(e, EX_USAGE,
		    "a downgrade needs an end: --for 4h, or --until 17:30");
	if (lower->span != NULL)
		rv = read_span(lower->span, c->now, end, e);
	else
		rv = read_end(lower->until, c->now, end, e);
	if (rv != 0)
		return rv;
	if (*end <= c->now)
		return err_set(e, EX_USAGE, "the end has passed already");
	if ((uint64_t)(*end - c->now) > c->set.max_downgrade)
		return err_set(e, EX_USAGE,
		    "the end is further away than max_downgrade = %s allows; "
		    "take less, and extend it when the time comes",
		    num_duration_text(c->set.max_downgrade, max));
	return 0;
}

/* Was mail from them refused within a day, which no level of theirs helps? */
static bool
is_kept_out(const struct ctl_facts *f)
{
	return f->refusals > 0 && !f->encrypted_since && f->partner != NULL &&
	       f->partner->attributes->inbound == INBOUND_REQUIRE &&
	       f->lowered.id == 0;
}

int
ctl_propose(const struct ctl_facts *f, enum level *to, struct err *e)
{
	struct step s;

	step_propose(f->step, f->n, ctl_facts_level(f), &s);
	*to = s.level;
	if (s.helps && s.blocked > 0)
		return 0;
	*to = ctl_facts_level(f);
	if (s.helps)
		return err_set(e, EX_OK,
		    "mail to %s moves through the gateways that pass: nothing "
		    "needs to be lowered. The other%s would take it at --to "
		    "%s, if that is meant",
		    f->name, s.failing == 1 ? "" : "s", level_name(s.level));
	if (s.failing == 0 && s.network == 0)
		return err_set(e, EX_OK,
		    "every gateway of %s passes: nothing needs to be lowered; "
		    "if it is meant, say --to%s",
		    f->name,
		    is_kept_out(f)
			? "; mail FROM them is refused: --inbound lets it in"
			: "");
	if (s.failing == 0)
		return err_set(e, 1,
		    "what fails is not TLS, so that no lower level helps");
	return err_set(e, 1, "no level below %s helps with that",
	    level_name(ctl_facts_level(f)));
}

/* Refused, as one is in force: `also` is what else that does. */
static int
refuse(const struct ctl *c, const struct ctl_facts *f, const char *also,
    struct err *e)
{
	const struct ledger_downgrade *x = &f->lowered;
	char end[CLOCK_MAX];

	return err_set(e, 1,
	    "%s%s is %s%s until %s already%s. Another end: tlspactctl extend "
	    "%s --for 4h; to end it now: tlspactctl restore %s",
	    x->direction ? "mail from " : "", f->name,
	    !x->direction			    ? "lowered to "
	    : x->direction == DIRECTION_CERTIFICATE ? "let in over TLS"
						    : "let in",
	    x->direction ? "" : level_name(x->after),
	    clock_text(x->end, c->now, end), also, f->name, f->name);
}

int
ctl_helped(const struct ctl *c, const struct ctl_facts *f, struct err *e)
{
	const enum level level = ctl_facts_level(f);
	const enum explain_fate fate = explain_at(f, level);

	if (level == f->full || (fate == EXPLAIN_WAITS && !explain_mended(f)))
		return 0;
	if (!f->in_map || f->map_level != level)
		return err_set(e, 1,
		    "%s is lowered to %s by the record, but the map, which "
		    "Postfix reads, does not say so: tlspact-compile",
		    f->name, level_name(level));
	if (fate == EXPLAIN_WAITS)
		return refuse(c, f,
		    ", which holds its mail now: the gateways pass as agreed, "
		    "with another key",
		    e);
	if (fate != EXPLAIN_MOVES)
		return refuse(c, f,
		    "; whether mail to it moves the probe does not tell", e);
	if (explain_mended(f))
		return refuse(c, f,
		    ", and mail to it would move without that, by the probe",
		    e);
	return refuse(c, f, ", and mail to it moves, by the probe", e);
}

/* Was all that is on record refused for TLS, and came no other since? */
static bool
lacks_tls(const struct ctl_facts *f)
{
	if (f->refused.time == 0 || f->encrypted_since)
		return false;
	return f->refusals > 0 ? f->refused_tls == 0
			       : !ctl_facts_over_tls(&f->refused);
}

/* As --to says; or the least that helps what was refused. */
static enum direction
which_to_let_in(const struct ctl_facts *f, const char *to)
{
	if (to != NULL)
		return strcmp(to, level_name(LEVEL_ENCRYPT)) == 0
			   ? DIRECTION_CERTIFICATE
			   : DIRECTION_INBOUND;
	return f->partner->attributes->inbound_verify == INBOUND_NONE ||
		       lacks_tls(f)
		   ? DIRECTION_INBOUND
		   : DIRECTION_CERTIFICATE;
}

int
ctl_may_let_in(const struct ctl *c, const struct ctl_facts *f, const char *to,
    enum direction *out, struct err *e)
{
	const enum direction now = f->lowered.direction;
	const enum direction of = *out = which_to_let_in(f, to);

	if (f->partner->attributes->inbound != INBOUND_REQUIRE)
		return err_set(e, EX_OK,
		    "mail from %s is let in anyhow (inbound=%s): there is "
		    "nothing to lower",
		    f->name,
		    f->partner->attributes->inbound == INBOUND_OFF ? "off"
								   : "warn");
	if (of == DIRECTION_CERTIFICATE &&
	    f->partner->attributes->inbound_verify == INBOUND_NONE)
		return err_set(e, 1,
		    "mail from %s needs no certificate (inbound-verify=none): "
		    "there is nothing to lower to encrypt; to let it in "
		    "without TLS: --to opportunistic",
		    f->name);
	if (f->lowered.id != 0 && now <= of)
		return refuse(c, f,
		    now == DIRECTION_BOTH
			? ", and mail from them is let in as long"
		    : now == DIRECTION_CERTIFICATE
			? "; what comes without TLS too: --to opportunistic"
			: "",
		    e);
	return 0;
}

int
ctl_may(const struct ctl *c, const struct ctl_facts *f, const char *name,
    enum level *level, struct err *e)
{
	struct meant m;
	enum level to;
	int i;

	if (name != NULL &&
	    (level_parse(name, level) == -1 || *level == LEVEL_SECURE)) {
		if (strcmp(name, "none") != 0 &&
		    level_of_postfix(name, strlen(name), &to) != -1 &&
		    to < LEVEL_SECURE)
			return err_set(e, EX_USAGE,
			    "--to: %s is Postfix's word; say %s",
			    quotes(name).s, level_name(to));
		m = meant(name);
		for (i = 0; i < LEVEL_SECURE; i++)
			meant_try(&m, level_name((enum level)i));
		return err_set(e, EX_USAGE,
		    "--to: %s is not key, encrypt or opportunistic%s",
		    quotes(name).s, meant_text(&m).s);
	}
	to = *level;
	if (to >= ctl_facts_level(f) && ctl_facts_level(f) < f->full)
		return refuse(c, f, ", and nothing is raised here", e);
	if (to >= ctl_facts_level(f))
		return err_set(e, 1, "%s is at %s anyhow: %s is not weaker",
		    f->name, level_name(ctl_facts_level(f)), level_name(to));
	if (to == LEVEL_KEY && f->nkeys == 0)
		return err_set(e, 1,
		    "no key of the gateways of %s is known: none passed a "
		    "probe, or it shows another key now, which could be "
		    "anybody's. Left are --to encrypt and --to opportunistic",
		    f->name);
	return 0;
}

const struct step_gateway *
ctl_unhelped(const struct ctl_facts *f, enum level to, enum level *takes)
{
	const enum level full = ctl_facts_judged(f), now = ctl_facts_level(f);
	const struct step_gateway *first = NULL, *g;
	enum level step;
	size_t i;

	for (i = 0; i < f->n; i++) {
		g = &f->step[i];
		if (explain_takes(g, full, now))
			continue;
		if (explain_takes(g, full, to))
			return NULL;
		step = fault_smallest_step(g->fault, step_same_key(g));
		if (first != NULL || step >= to)
			continue;
		first = g;
		*takes = step;
	}
	return first;
}

int
ctl_probe(const struct ctl *c, struct ctl_facts *f, struct err *e)
{
	char *path = program_beside("tlspact-probe"), *out;
	int ms = PROBE_MS, code;
	const char **argv;
	size_t n = 0;

	if (c->set.probe_timeout * 4000 > PROBE_MS)
		ms = (int)c->set.probe_timeout * 4000;
	while (c->again[n] != NULL)
		n++;
	argv = mem_zero(n + 3, sizeof(*argv));
	argv[0] = path;
	memcpy(argv + 1, c->again, n * sizeof(*argv));
	argv[n + 1] = f->name;
	/* It ends with 1 where a gateway fails: the ledger tells, not that. */
	out = program_read(argv, PROBE_TALK, ms, e);
	if (out != NULL)
		(void)err_set(e, 0, "tlspact-probe recorded nothing");
	free(out);
	free(path);
	free(argv);
	code = ctl_facts_kept(c, f, 1);
	if (f->probed >= c->now)
		*e->text = '\0';
	else if (f->blind >= c->now)
		(void)err_set(e, 0, "%s", f->blind_why);
	return code == EX_OK ? f->evidence_code : code;
}

/* --- What it may do ---------------------------------------------------- */

static bool
take_other(const struct evidence_gateway *g, void *arg)
{
	const char **name = arg;

	if (strcmp(g->last.fault, "ok") != 0 ||
	    strcmp(g->last.partner, *name) == 0)
		return true;
	*name = NULL;
	return false;
}

struct ctl_doubts
ctl_doubts(const struct ctl *c, const struct ctl_facts *f)
{
	struct ctl_doubts d = {0};
	const char *name = f->name;
	struct evidence *v;
	struct err e;
	uint32_t i, n = 0;

	v = evidence_open(c->set.evidence, c->set.ledger, EVIDENCE_READ, &e);
	for (i = 0; i < c->registry->npartners && n < 2; i++)
		n += partner_level(&c->registry->partner[i]) >
		     LEVEL_OPPORTUNISTIC;
	d.alone = n > 1 && (evidence_gateways(v, NULL, c->now - COMMON_SINCE,
				take_other, &name, &e) == -1 ||
			       name != NULL);
	d.ahead = evidence_newest(v, &d.newest, &e) == 0 &&
		  d.newest > c->now + CLOCK_SLACK;
	evidence_close(v);
	return d;
}

bool
ctl_requiretls(const struct ctl *c, struct ctl_facts *f, enum level to)
{
	struct target target;
	struct err e;
	size_t n;

	if (to >= LEVEL_KEY ||
	    (f->partner != NULL &&
		!attributes_returned(f->partner->attributes, to)) ||
	    settings_target(&c->set, 0, &target, &e) == -1 ||
	    target.version < TARGET_REQUIRETLS)
		return false;
	flush_release(&f->waiting);
	ctl_facts_queue(c, f);
	if (f->waiting_fault == NULL &&
	    flush_requiretls(&f->waiting, settings_postfix(&c->set), &n, &e) ==
		0)
		f->requiretls = (long)n;
	return true;
}

/* --- The ledger -------------------------------------------------------- */

/* The row that is open: one that is not believed, too. */
static int64_t
open_row(const struct ctl_facts *f)
{
	return f->lowered.id != 0 ? f->lowered.id : f->doubt_id;
}

int
ctl_begin(const struct ctl *c, const struct ctl_facts *f,
    const struct ctl_lower *lower, enum level to, time_t end, struct err *e)
{
	struct ledger_downgrade d = {.partner = f->name,
	    .before = f->full,
	    .after = to,
	    .direction = lower->direction,
	    .begin = time(NULL),
	    .end = end,
	    .reason = lower->reason,
	    .ticket = lower->ticket,
	    .author = c->author.login,
	    .sudo_user = c->author.sudo_user,
	    .cause = LEDGER_MANUAL,
	    .replaces = open_row(f)};
	enum fault worst;
	const char **domains;
	struct ledger *l;
	time_t since;
	int64_t id;
	int rv;

	/* What their servers show says nothing of how their mail comes. */
	worst = lower->inbound ? FAULT_OK : ctl_facts_worst(f, &since);
	d.fault = worst == FAULT_OK ? "" : fault_text(worst);
	if (to == LEVEL_KEY && !lower->inbound) {
		d.keys = f->key;
		d.nkeys = f->nkeys;
	}
	if ((l = ledger_open(c->set.ledger, LEDGER_WRITE, e)) == NULL)
		return -1;
	d.domains = domains =
	    registry_domains(c->registry, f->partner, &d.ndomains);
	rv = ledger_downgrade_begin(l, &d, d.begin, &id, e);
	free(domains);
	ledger_close(l);
	return rv == 0 ? 0 : -1;
}

/* The author, and behind sudo(8) the user as well, as one text; freed. */
static char *
author(const struct ctl *c)
{
	const struct author *a = &c->author;

	if (*a->sudo_user == '\0' || strcmp(a->login, a->sudo_user) == 0)
		return mem_dup(a->login);
	return mem_printf("%s (%s)", a->login, a->sudo_user);
}

int
ctl_change(const struct ctl *c, const struct ctl_facts *f, const char *reason,
    time_t end, struct err *e)
{
	const int64_t id = open_row(f);
	const time_t now = time(NULL);
	struct ledger *l;
	char *who;
	int rv = 0;

	if (end == 0 && access(c->set.ledger, F_OK) == -1 && errno == ENOENT)
		return err_set(
		    e, EX_NOINPUT, "there is no ledger %s", c->set.ledger);
	if ((l = ledger_open(c->set.ledger, LEDGER_WRITE, e)) == NULL)
		return -1;
	who = author(c);
	if (id != 0 && end != 0)
		rv = ledger_downgrade_extend(l, id, end, who, reason, now, e);
	else if (id != 0)
		rv = ledger_downgrade_close(l, id, who, reason, now, e);
	ledger_close(l);
	free(who);
	/* What was to end has ended: all the better. */
	return rv == 0 || (rv == LEDGER_REFUSED && end == 0) ? 0 : -1;
}

/* --- The map ----------------------------------------------------------- */

int
ctl_rehearse(const struct ctl *c, const struct ctl_facts *f,
    const struct ctl_lower *lower, enum level to, time_t end)
{
	struct downgrade also = {.partner = f->name,
	    .level = to,
	    .direction = lower->direction,
	    .begin = c->now,
	    .end = end};
	struct mapbuild_options opt = {.dry = true,
	    .quiet = true,
	    .kept = c->kept,
	    .also = &also,
	    .without = f->name};
	struct mapbuild b = {0};
	struct strs *keys = NULL;
	int code;

	if (to == LEVEL_KEY && !lower->inbound) {
		keys = mem_alloc(sizeof(*keys) + f->nkeys * sizeof(keys->v[0]));
		keys->n = f->nkeys;
		memcpy(keys->v, f->key, f->nkeys * sizeof(keys->v[0]));
		also.key = keys;
	}
	code = mapbuild_run(&b, &c->set, &opt, c->now);
	mapbuild_release(&b);
	free(keys);
	return code;
}

int
ctl_write_map(const struct ctl *c, const struct ctl_facts *f, bool *written)
{
	char *who = author(c);
	struct mapbuild_options opt = {.quiet = true,
	    .kept = c->kept,
	    .without = f == NULL ? NULL : f->name,
	    .by = f == NULL ? NULL : who};
	struct mapbuild b = {0};
	int code = mapbuild_run(&b, &c->set, &opt, time(NULL));

	*written = b.written || (f != NULL && (b.raise == MAPBUILD_RAISED ||
						  b.raise == MAPBUILD_SPARED));
	mapbuild_release(&b);
	free(who);
	return code;
}

void
ctl_settle(const struct ctl *c)
{
	struct err e;
	struct cdbmap *map = cdbmap_open(c->set.map, &e);
	const char *key, *value;
	size_t klen, vlen;
	struct arena a = {0};
	struct mapmark mark;
	bool found = false;
	unsigned pos = 0;

	while (
	    !found && map != NULL &&
	    cdbmap_next(map, &pos, &key, &klen, &value, &vlen) == CDBMAP_FOUND)
		found = mapmark_parse(&mark, key, klen, value, vlen, &a);
	arena_free(&a);
	cdbmap_close(map);
	if (found)
		(void)ctl_write_map(c, NULL, &found);
}

/* --- The mail ---------------------------------------------------------- */

static bool
has_id(const struct waiting *w, const char *id)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->id[i], id) == 0)
			return true;
	return false;
}

/* List and retry once; count those that are not among `before`. */
static int
retry_once(const struct ctl *c, struct ctl_facts *f,
    const struct waiting *before, size_t *tried, struct err *e)
{
	struct waiting *w = &f->waiting;
	size_t n, i;
	int rv;

	if (ctl_facts_list(c, f, e) == -1)
		return -1;
	rv = flush_retry(w, settings_postfix(&c->set), &n, e);
	for (i = 0; i < n; i++)
		*tried += !has_id(before, w->id[i]);
	return rv;
}

int
ctl_retry(
    const struct ctl *c, struct ctl_facts *f, size_t *tried, struct err *e)
{
	struct waiting *w = &f->waiting, first = {0};
	int rv;

	*tried = 0;
	flush_release(w);
	rv = retry_once(c, f, &first, tried, e);
	/* What was under way met the old policy, and waits from now on. */
	if (rv == 0 && w->messages > w->deferred && *tried < FLUSH_MAX) {
		first = *w;
		*w = (struct waiting){0};
		sleep(1);
		rv = retry_once(c, f, &first, tried, e);
		flush_release(&first);
	}
	return rv;
}
