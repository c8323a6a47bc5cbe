#include "ctlhistory.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "buf.h"
#include "cdbmap.h"
#include "clock.h"
#include "columns.h"
#include "common.h"
#include "ctlended.h"
#include "ctlevent.h"
#include "ctlnobody.h"
#include "ctlprint.h"
#include "ctlrun.h"
#include "day.h"
#include "dname.h"
#include "err.h"
#include "json.h"
#include "ledger.h"
#include "ledger_downgrade.h"
#include "ledger_rename.h"
#include "mapevent.h"
#include "mapholds.h"
#include "meant.h"
#include "mem.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "registry_slip.h"
#include "say.h"
#include "span.h"
#include "timeslip.h"

#define CLOCK_TEXT 5 /* bytes of HH:MM */
#define NAME 14	     /* columns */

/* Who asks, and what was found so far. */
struct telling {
	struct ctlrun *run;
	const char *name; /* of the partner, as it is now; NULL: all */
	struct ledger_names names;
	uint32_t partner; /* the same in the registry, or REGISTRY_NONE */
	time_t until;	  /* the first second that is not meant */
	int64_t seq;	  /* of the event that is looked at */
	int64_t *open;	  /* numbers of downgrades that hold */
	size_t nopen, cap;
	size_t nheld; /* the first of those whose time is up */
	struct ctlended ended;
	json_t *list;
	size_t n;
	size_t begun, holding; /* of these, downgrades; and that go on */
	size_t hidden; /* maps with rows without a name, maybe of the partner */
	char *flaw;    /* the first that the record has, owned; or NULL */
	size_t width;  /* of lines; COLUMNS_ANY: one for each event */
};

/* --- Which events -------------------------------------------------------- */

/* The partner of that name, as it was at the event. */
static bool
is_name(const struct telling *t, struct span name)
{
	char text[REGISTRY_NAME_MAX + 1];

	if (name.n == 0 || name.n >= sizeof(text))
		return false;
	span_keep(text, sizeof(text), name);
	return strcmp(ledger_name_now(&t->names, text, t->seq, 0), t->name) ==
	       0;
}

/*
 * A row of the partner, by the event, or by the registry as it is now; of a
 * domain that nobody has any more, its row.
 */
static bool
is_theirs(const struct ctlevent_row *row, void *arg)
{
	const struct telling *t = arg;
	const struct registry *r = t->run->registry;
	char name[DNAME_NEXTHOP_MAX + 1];
	uint32_t i;

	if (is_name(t, row->partner) || is_name(t, row->partner_was))
		return true;
	if (t->partner == REGISTRY_NONE)
		return span_same(row->key, span_of(t->name));
	if (row->key.n >= sizeof(name))
		return false;
	span_keep(name, sizeof(name), row->key);
	i = registry_domain(r, name);
	return i != REGISTRY_NONE && r->domain[i].partner == t->partner;
}

/* The first words of all kinds there are. */
static const char *const families[] = {"clock", "day", "downgrade", "fault",
    "map", "mass", "onboard", "partner", "record", CTLHISTORY_WEAKER};

/* "downgrade" is also of the kind "downgrade-begin", and so on. */
static bool
is_of_kind(struct span name, struct span kind)
{
	return name.n >= kind.n && memcmp(name.p, kind.p, kind.n) == 0 &&
	       (name.n == kind.n || name.p[kind.n] == '-');
}

/* The first one of "a,b", and the rest, "" behind the last. */
static struct span
take_kind(const char **kinds)
{
	const struct span kind = {*kinds, strcspn(*kinds, ",")};

	*kinds += kind.n;
	*kinds += **kinds == ',';
	return kind;
}

static bool
is_of_kinds(const char *name, const char *kinds)
{
	while (*kinds != '\0')
		if (is_of_kind(span_of(name), take_kind(&kinds)))
			return true;
	return false;
}

static bool
has_weaker(const char *kinds)
{
	struct span kind;

	while (*kinds != '\0') {
		kind = take_kind(&kinds);
		if (span_is(kind, CTLHISTORY_WEAKER))
			return true;
	}
	return false;
}

/* Is each of them one that there may be? If not, that was said. */
static bool
are_kinds(const char *kinds)
{
	const size_t n = sizeof(families) / sizeof(families[0]);
	char word[MEANT_MAX + 1];
	struct buf all = {0};
	struct span kind;
	struct meant m;
	size_t i;

	do {
		kind = take_kind(&kinds);
		for (i = 0; i < n; i++)
			if (is_of_kind(kind, span_of(families[i])))
				break;
	} while (i < n && *kinds != '\0');
	if (i < n)
		return true;
	span_keep(word, sizeof(word), kind);
	m = meant(word);
	for (i = 0; i < n; i++) {
		buf_printf(&all, "%s%s", i == 0 ? "" : ", ", families[i]);
		meant_try(&m, families[i]);
	}
	if (m.name != NULL)
		say("--kind: %s is no kind of event%s", quote(kind.p, kind.n).s,
		    meant_text(&m).s);
	else
		say("--kind: %s is no kind of event; there are %s",
		    quote(kind.p, kind.n).s, all.data);
	buf_free(&all);
	return false;
}

static void
add_open(struct telling *t, int64_t id)
{
	t->open = mem_grow(t->open, t->nopen, &t->cap, sizeof(*t->open));
	t->open[t->nopen++] = id;
}

static bool
take_open(const struct ledger_downgrade *d, void *arg)
{
	add_open(arg, d->id);
	return true;
}

/* Where that number stands among those that hold, or nopen. */
static size_t
find_open(const struct telling *t, int64_t id)
{
	size_t i = 0;

	while (i < t->nopen && t->open[i] != id)
		i++;
	return i;
}

/* Those that hold, as Postfix obeys the map, which nobody compiled since. */
static void
take_overdue(struct telling *t)
{
	const struct ctl *c = &t->run->c;
	struct cdbmap *map;
	struct arena arena = {0};
	struct downgrade *v;
	struct err e;
	size_t i, n;

	t->nheld = t->nopen;
	/* Where there is no map nothing is lowered. */
	if ((map = cdbmap_open(c->set.map, &e)) == NULL) {
		if (e.code != EX_NOINPUT)
			say("whether the map still has one whose time is up "
			    "is not known: %s",
			    e.text);
		return;
	}
	n = mapholds_in_map(map, &arena, &v);
	for (i = 0; i < n; i++)
		if (v[i].id != 0 && v[i].end <= c->now &&
		    find_open(t, v[i].id) == t->nopen)
			add_open(t, v[i].id);
	free(v);
	arena_free(&arena);
	cdbmap_close(map);
}

/* Is that downgrade over, and the map has it all the same? */
static bool
is_overdue(const struct telling *t, int64_t id)
{
	size_t i = find_open(t, id);

	return i >= t->nheld && i < t->nopen;
}

/* The number of the downgrade that the event is about; 0: of none. */
static int64_t
downgrade_of(const struct ledger_event *ev, const json_t *data)
{
	return strncmp(ev->kind, "downgrade-", 10) != 0
		   ? 0
		   : json_integer_value(json_object_get(data, "id"));
}

/* What the event says, for those who need it: most have nothing to add. */
static json_t *
data_of(const struct telling *t, const struct ledger_event *ev)
{
	return t->run->opt.json || strcmp(ev->kind, MAPEVENT_KIND) == 0 ||
		       strncmp(ev->kind, "downgrade-", 10) == 0
		   ? json_loads(ev->data, 0, NULL)
		   : NULL;
}

/* Did it make somebody weaker, or the partner that was asked for? */
static bool
is_weaker(struct telling *t, const struct ledger_event *ev, const json_t *data)
{
	return ctlevent_weakens(
	    ev, data, t->name == NULL ? NULL : is_theirs, t);
}

static bool
is_wanted(struct telling *t, const struct ledger_event *ev, const json_t *data)
{
	const char *kinds = t->run->kinds;
	const bool plain = kinds == NULL || is_of_kinds(ev->kind, kinds);

	if (!plain &&
	    (!has_weaker(kinds) || !ctlevent_weakens(ev, data, NULL, NULL)))
		return false;
	if (t->name != NULL && !is_name(t, span_of(ev->partner)) &&
	    !ctlevent_changes(ev, is_theirs, t)) {
		t->hidden += !t->run->open &&
			     strcmp(ev->kind, MAPEVENT_KIND) == 0 &&
			     mapevent_unnamed(data, true) > 0;
		return false;
	}
	if (!plain && !is_weaker(t, ev, data))
		return false;
	return !t->run->open || find_open(t, downgrade_of(ev, data)) < t->nopen;
}

/* --- One event ----------------------------------------------------------- */

/* Is a certificate agreed for mail from the partner, as far as is known? */
static bool
needs_certificate(const struct telling *t, const char *partner)
{
	const struct registry *r = t->run->registry;
	const uint32_t i =
	    r == NULL ? REGISTRY_NONE : registry_partner(r, partner);

	return i != REGISTRY_NONE &&
	       r->partner[i].attributes->inbound_verify != INBOUND_NONE;
}

/*
 * The text; of a map, where it leaves rows out, those of the partner that was
 * asked for, or all of them, else how many there are; of the end of a
 * downgrade, what it led to.
 */
static void
put_text(const struct telling *t, const struct ledger_event *ev,
    const json_t *data, const struct ctlended_one *ended, struct buf *out)
{
	struct buf rows = {0};
	size_t more, all;

	if (ended != NULL) {
		ctlended_put_back(&t->ended, ended,
		    needs_certificate(t, ended->partner), ev->text, &rows);
		ctlprint_event(rows.data, out);
	} else if (strcmp(ev->kind, MAPEVENT_KIND) == 0 &&
		   (t->name != NULL || t->run->opt.verbose) &&
		   ctlevent_rows(data, t->name == NULL ? NULL : is_theirs,
		       (void *)(uintptr_t)t, &rows)) {
		ctlprint_event(rows.data, out);
	} else {
		ctlprint_event(ev->text, out);
		if (strcmp(ev->kind, MAPEVENT_KIND) == 0 &&
		    (more = mapevent_untold(data, &all)) > 0)
			buf_printf(out,
			    "; %zu of %zu rows are named: tlspactctl history "
			    "-v",
			    all - more, all);
	}
	buf_free(&rows);
}

static bool
is_end(const struct ledger_event *ev)
{
	return strcmp(ev->kind, "downgrade-close") == 0 ||
	       strcmp(ev->kind, "downgrade-end") == 0;
}

/*
 * What the text does not say: the number of a downgrade, when it began where
 * it ends, its ticket; and what became of it.
 */
static void
put_downgrade(const struct telling *t, const struct ledger_event *ev,
    int64_t id, const char *ticket, struct buf *out)
{
	const struct ctlended_one *x = ctlended_find(&t->ended, id);
	char when[CLOCK_MAX];

	buf_printf(out, " (downgrade %" PRId64, id);
	if (x != NULL && is_end(ev))
		buf_printf(out, ", begun %s",
		    clock_text_seconds(x->begin, CTLPRINT_DATED, when));
	if (ticket != NULL && *ticket != '\0')
		buf_printf(out, ", ticket %s", ticket);
	buf_putc(out, ')');
	if (is_overdue(t, id)) {
		buf_puts(out, "; time is up, the map still has it");
	} else if (x != NULL && ctlevent_weakens(ev, NULL, NULL, NULL)) {
		buf_puts(out, "; ");
		ctlended_put(x, out);
	}
}

/* The same of all events, and who was behind sudo. */
static void
put_event(const struct telling *t, const struct ledger_event *ev,
    const json_t *data, struct buf *out)
{
	const char *sudo =
	    json_string_value(json_object_get(data, "sudo_user"));
	const char *ticket = json_string_value(json_object_get(data, "ticket"));
	const int64_t id = downgrade_of(ev, data);

	buf_puts(out, ev->author);
	if (strcmp(ev->kind, "downgrade-begin") == 0 && sudo != NULL &&
	    *sudo != '\0' && strcmp(sudo, ev->author) != 0)
		buf_printf(out, " (%s)", sudo);
	buf_puts(out, ": ");
	/* Where the map still has it nothing was restored. */
	put_text(t, ev, data,
	    is_end(ev) && !is_overdue(t, id) ? ctlended_find(&t->ended, id)
					     : NULL,
	    out);
	if (id != 0)
		put_downgrade(t, ev, id, ticket, out);
	quote_since(out, 0);
}

static void
print_event(
    const struct telling *t, const struct ledger_event *ev, const json_t *data)
{
	static const char lead[] = "       ";
	const char *name = *ev->partner == '\0' ? "-" : ev->partner;
	/* On a terminal a long name is a line of its own. */
	const bool below = t->width != COLUMNS_ANY && strlen(name) > NAME;
	struct buf line = {0}, words = {0};
	char when[CLOCK_MAX];

	buf_printf(&line, "%5" PRId64 "  %s  %-17s %-*s ", ev->seq,
	    clock_text_seconds(ev->time, CTLPRINT_DATED, when), ev->kind, NAME,
	    below ? "" : name);
	quote_since(&line, 0);
	put_event(t, ev, data, &words);
	if (t->width == COLUMNS_ANY) {
		buf_puts(&line, words.data);
	} else {
		while (line.data[line.len - 1] == ' ')
			line.data[--line.len] = '\0';
		if (below) {
			buf_printf(&line, "\n%s", lead);
			quote_put(&line, name, strlen(name));
		}
		buf_printf(&line, "\n%s", lead);
		columns_wrap(
		    &line, words.data, sizeof(lead) - 1, lead, t->width);
	}
	(void)printf("%s\n", line.data);
	buf_free(&line);
	buf_free(&words);
}

/* The event as JSON; its data, NULL for what is none, is used up. */
static json_t *
event_json(struct telling *t, const struct ledger_event *ev, json_t *data)
{
	const int64_t id = downgrade_of(ev, data);
	const bool overdue = is_overdue(t, id), weaker = is_weaker(t, ev, data);
	const struct ctlended_one *x =
	    overdue ? NULL : ctlended_find(&t->ended, id);
	char when[NUM_TIME_MAX];

	if (data == NULL)
		data = json_text(ev->data);
	return json_pack("{s:I, s:s, s:s, s:o, s:s, s:s, s:o, s:s, s:b, s:b,"
			 " s:o, s:o, s:o}",
	    "seq", (json_int_t)ev->seq, "time", num_time_text(ev->time, when),
	    "kind", ev->kind, "partner", json_text(ev->partner), "author",
	    ev->author, "text", ev->text, "data", data, "hash", ev->hash,
	    "overdue", overdue, "weaker", weaker, "ended",
	    json_time(x == NULL ? 0 : x->over), "ended_by",
	    json_text(x == NULL ? "" : x->by), "ended_why",
	    json_text(x == NULL ? "" : x->why));
}

/* Of those that began, whether they are over. */
static void
count_downgrade(
    struct telling *t, const struct ledger_event *ev, const json_t *data)
{
	const struct ctlended_one *x;

	if (strcmp(ev->kind, "downgrade-begin") != 0)
		return;
	x = ctlended_find(&t->ended, downgrade_of(ev, data));
	t->begun++;
	t->holding += x == NULL || x->over == 0 || is_overdue(t, x->id);
}

static bool
tell_event(const struct ledger_event *ev, void *arg)
{
	struct telling *t = arg;
	json_t *data;

	if (ev->time >= t->until)
		return true;
	t->seq = ev->seq;
	data = data_of(t, ev);
	if (!is_wanted(t, ev, data)) {
		json_decref(data);
		return true;
	}
	t->n++;
	count_downgrade(t, ev, data);
	if (!t->run->opt.json) {
		print_event(t, ev, data);
		json_decref(data);
		return true;
	}
	json_array_append_new(t->list, event_json(t, ev, data));
	return true;
}

/* --- Is it whole? -------------------------------------------------------- */

static void
print_paragraph(const struct telling *t, const char *label, const char *text)
{
	struct buf out = {0};

	columns_paragraph(&out, label, strlen(label), text, false, t->width);
	(void)fputs(out.data, stdout);
	buf_free(&out);
}

static bool
tell_flaw(const struct ledger_flaw *x, void *arg)
{
	struct telling *t = arg;

	if (t->run->opt.json)
		json_array_append_new(
		    t->list, json_pack("{s:I, s:I, s:s}", "event",
				 (json_int_t)x->event, "downgrade",
				 (json_int_t)x->downgrade, "text", x->text));
	else
		print_paragraph(t, "FLAW  ", x->text);
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

/* Which days are not sealed, and why. */
static void
tell_unsealed(struct telling *t, const struct day_seals *s)
{
	struct buf words = {0};
	const char *sep = "; what is edited there does not show: ";

	buf_puts(&words, s->unsealed);
	if (s->missed > 0) {
		buf_printf(
		    &words, "%s%zu can get no seal any more", sep, s->missed);
		sep = ", ";
	}
	if (s->untold > 0) {
		buf_printf(&words,
		    "%s%zu get theirs by the next tlspact-compile", sep,
		    s->untold);
		sep = ", ";
	}
	if (s->late > 0)
		buf_printf(&words, "%sof %zu more was read since theirs", sep,
		    s->late);
	print_paragraph(t, "", words.data);
	buf_free(&words);
}

static int
check_whole(struct telling *t, struct ledger *l, const char *known)
{
	const struct ctl *c = &t->run->c;
	struct ledger_head head, was;
	char *words;
	struct err e;
	struct day_seals seals = {0};
	size_t flaws;

	if (known != NULL && parse_known(known, &was) == -1) {
		say("--known %s is not what --check printed (COUNT:HASH)",
		    quotes(known).s);
		return EX_USAGE;
	}
	if (ledger_check(l, known == NULL ? NULL : &was, tell_flaw, t, &head,
		&flaws, &e) == -1 ||
	    /* What the record says of the evidence, against that. */
	    day_check(l, &c->set, c->now, tell_flaw, t, &flaws, &seals, &e) ==
		-1)
		return common_failed(&e);
	if (seals.npruned > 0 && !t->run->opt.json) {
		words = mem_printf("of %zu day%s only the counts are compared: "
				   "probes and failures are not kept that long",
		    seals.npruned, num_plural(seals.npruned));
		print_paragraph(t, "", words);
		free(words);
	}
	if (seals.sealed < seals.days && !t->run->opt.json)
		tell_unsealed(t, &seals);
	if (t->run->opt.json)
		t->run->answer = json_pack(
		    "{s:{s:b, s:I, s:s, s:I, s:I, s:I, s:o}}", "record",
		    "whole", flaws == 0, "events", (json_int_t)head.count,
		    "head", head.hash, "days_pruned", (json_int_t)seals.npruned,
		    "days", (json_int_t)seals.days, "sealed_days",
		    (json_int_t)seals.sealed, "flaws", json_incref(t->list));
	else if (flaws == 0)
		(void)printf("whole: %" PRId64 " event%s%s, head%s%" PRId64
			     ":%s\n",
		    head.count, num_plural((uint64_t)head.count),
		    known == NULL ? "" : ", with the known head",
		    t->width == COLUMNS_ANY ? " " : "\n  ", head.count,
		    head.hash);
	if (flaws == 0 && known == NULL && !t->run->opt.json)
		print_paragraph(t, "",
		    "write that head down where nobody here can edit it; "
		    "later: --check --known HEAD");
	if (flaws > 0 && !t->run->opt.json)
		(void)printf("NOT WHOLE: %zu flaw%s in %" PRId64 " event%s\n",
		    flaws, num_plural(flaws), head.count,
		    num_plural((uint64_t)head.count));
	return flaws == 0 ? EX_OK : 1;
}

/* --- The list ------------------------------------------------------------ */

/*
 * So long ago, a day, month or year, whose last second is meant where it is an
 * end, a time, or the last HH:MM. 0, or -1, which was said.
 */
static int
read_time(
    const struct ctlrun *r, const char *option, const char *s, time_t *out)
{
	const bool is_end = strcmp(option, "until") == 0;
	time_t begin, end;

	if (clock_days(s, r->c.now, true, &begin, &end) == 0) {
		*out = is_end ? end : begin;
		return 0;
	}
	if (clock_ago(s, r->c.now, out) == 0)
		return 0;
	if (clock_parse(s, r->c.now, out) == -1) {
		say("--%s: %s %s", option, quotes(s).s,
		    timeslip_past(s, "; 17:30 or 2026-11-24T08:00").s);
		return -1;
	}
	if (strlen(s) <= CLOCK_TEXT && *out > r->c.now)
		*out -= CLOCK_DAY;
	return 0;
}

static bool
keep_first(const struct ledger_flaw *x, void *arg)
{
	struct telling *t = arg;

	if (t->flaw == NULL)
		t->flaw = mem_dup(x->text);
	return true;
}

/*
 * Whoever reads what somebody edited is to know it. It takes less time than to
 * print a long list; what the evidence says is left to --check.
 */
static int
tell_whole(struct telling *t, struct ledger *l, struct err *e)
{
	size_t flaws;

	if (ledger_check(l, NULL, keep_first, t, NULL, &flaws, e) == -1)
		return -1;
	if (flaws > 0)
		say("the record is NOT WHOLE: %s%s; run tlspactctl history "
		    "--check",
		    t->flaw, flaws == 1 ? "" : ", and there is more");
	if (t->run->opt.json)
		json_object_set_new(
		    t->run->answer, "whole", json_boolean(flaws == 0));
	return 0;
}

/* Rows of which the record has no name may be the partner's. */
static void
tell_hidden(const struct telling *t)
{
	if (t->hidden > 0)
		say("%zu map%s changed more rows than the record names: "
		    "whether those of %s are among them is not known; run "
		    "tlspactctl history --kind map",
		    t->hidden, num_plural(t->hidden), quotes(t->name).s);
}

/* Where nobody is lowered, what was is asked next. */
static void
tell_closed(const struct telling *t)
{
	common_tell(stdout,
	    "no downgrade%s%s is open now; past ones: tlspactctl history "
	    "%s%s--kind downgrade",
	    t->name == NULL ? "" : " of ", t->name == NULL ? "" : t->name,
	    t->name == NULL ? "" : t->name, t->name == NULL ? "" : " ");
}

/* The kind that is so called, where a partner is looked for; or NULL. */
static const char *
kind_called(const char *name)
{
	size_t i;

	if (strcmp(name, "exceptions") == 0)
		return CTLHISTORY_WEAKER;
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strcmp(name, families[i]) == 0)
			return families[i];
	return NULL;
}

/* There is nothing of a name that nobody has: this may be a typo. */
static void
tell_stranger(const struct telling *t)
{
	const char *kind = kind_called(t->name);

	say("no event is on record for %s, and no partner has that "
	    "name or domain%s%s%s",
	    quotes(t->name).s,
	    kind == NULL ? registry_near(t->run->registry, t->name).s
			 : "; did you mean --kind ",
	    kind == NULL ? "" : kind, kind == NULL ? "" : "?");
}

/* Below all that made somebody weaker: how many, and whether it is over. */
static void
tell_sum(const struct telling *t)
{
	struct buf holding = {0};

	if (t->run->opt.json || t->run->kinds == NULL ||
	    !has_weaker(t->run->kinds))
		return;
	if (t->holding > 0)
		buf_printf(&holding, "%zu not ended", t->holding);
	say("%zu event%s; %zu downgrade%s began%s%s", t->n, num_plural(t->n),
	    t->begun, num_plural(t->begun), t->begun > 0 ? ", " : "",
	    t->begun == 0      ? ""
	    : holding.len == 0 ? "all ended"
			       : holding.data);
	buf_free(&holding);
}

/* The code of a list in which there is nothing. */
static int
tell_none(const struct telling *t)
{
	const struct ctlrun *r = t->run;
	const bool dated = r->since != NULL || r->lower.until != NULL,
		   narrow = dated || r->kinds != NULL;
	const bool stranger = t->name != NULL && r->registry != NULL &&
			      t->partner == REGISTRY_NONE && !narrow;

	/* One that left the registry has its events. */
	if (stranger) {
		tell_stranger(t);
		return EX_NOINPUT;
	}
	if (!r->opt.json && r->open && !narrow)
		tell_closed(t);
	else if (!r->opt.json)
		common_tell(stdout, "no %s%s%s is on record%s%s%s",
		    r->open ? "downgrade that holds" : "event",
		    r->kinds == NULL ? "" : " of the kind ",
		    r->kinds == NULL ? "" : r->kinds,
		    t->name == NULL ? "" : " for ",
		    t->name == NULL ? "" : t->name,
		    dated ? " in that time" : "");
	return EX_OK;
}

/* Whose events they are to be. */
static void
find_partner(struct telling *t)
{
	const struct ctlrun *r = t->run;

	t->name = r->lower.partner;
	t->partner = REGISTRY_NONE;
	if (t->name != NULL && r->registry != NULL)
		t->partner = registry_find(r->registry, t->name);
	if (t->name != NULL && r->registry != NULL &&
	    t->partner == REGISTRY_NONE && r->mailbox != NULL)
		t->partner = registry_covering(r->registry, t->name);
	if (t->partner != REGISTRY_NONE)
		t->name = r->registry->partner[t->partner].name;
}

static int
list_events(struct telling *t, struct ledger *l)
{
	const struct ctlrun *r = t->run;
	struct ledger_event_query q = {0};
	struct err e;
	int code;

	t->until = LEDGER_TIME_MAX;
	if (r->kinds != NULL && !are_kinds(r->kinds))
		return EX_USAGE;
	if ((r->since != NULL &&
		read_time(r, "since", r->since, &q.since) == -1) ||
	    (r->lower.until != NULL &&
		read_time(r, "until", r->lower.until, &t->until) == -1))
		return EX_USAGE;
	if (ledger_names_read(l, &t->names, &e) == -1)
		return common_failed(&e);
	find_partner(t);
	if (r->open &&
	    ledger_downgrades(l, NULL, r->c.now, take_open, t, &e) == -1)
		return common_failed(&e);
	t->ended.now = r->c.now;
	if (ledger_downgrades(l, NULL, 0, ctlended_take, &t->ended, &e) == -1)
		return common_failed(&e);
	if (t->ended.n > 0)
		take_overdue(t);
	if (ledger_events(l, &q, tell_event, t, &e) == -1)
		return common_failed(&e);
	if (r->opt.json)
		t->run->answer =
		    json_pack("{s:o}", "events", json_incref(t->list));
	if (t->partner != REGISTRY_NONE)
		common_tell_lost(&r->c.set, r->registry,
		    &r->registry->partner[t->partner], true);
	code = t->n == 0 ? tell_none(t) : EX_OK;
	if (t->n > 0)
		tell_sum(t);
	tell_hidden(t);
	return tell_whole(t, l, &e) == -1 ? common_failed(&e) : code;
}

int
ctlhistory(void *run)
{
	struct ctlrun *r = run;
	struct telling t = {.run = r,
	    .width = isatty(STDOUT_FILENO) ? columns_of(STDOUT_FILENO)
					   : COLUMNS_ANY};
	struct ledger *l;
	struct err e;
	int code;

	if ((l = ledger_open(r->c.set.ledger, LEDGER_READ, &e)) == NULL)
		return common_failed(&e);
	t.list = json_array();
	code = r->check ? check_whole(&t, l, r->known) : list_events(&t, l);
	ledger_close(l);
	ledger_names_release(&t.names);
	json_decref(t.list);
	ctlended_release(&t.ended);
	free(t.open);
	free(t.flaw);
	return code;
}
