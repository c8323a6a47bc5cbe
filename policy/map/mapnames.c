#include "mapnames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "author.h"
#include "err.h"
#include "evidence.h"
#include "ledger_rename.h"
#include "mapbuild.h"
#include "mapowner.h"
#include "mem.h"
#include "names.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

/* Had the registry before a partner of that name, as far as the copy tells? */
static bool
was_partner(const struct mapbuild *b, const char *name)
{
	return b->before != NULL &&
	       registry_partner(b->before, name) != REGISTRY_NONE;
}

/* What is told of a rename that is due; written, but in a dry run. */
static int
rename_one(struct mapbuild *b, struct ledger *l, const char *from,
    const char *to, struct err *e)
{
	char who[AUTHOR_TEXT];
	struct author a;
	bool two;
	/* Most of the time it is not, and nobody need be locked out. */
	int rv = ledger_rename_due(l, from, e);

	author_get(&a);
	if (rv == 1 && !b->opt.dry)
		rv =
		    ledger_rename(l, from, to, author_text(&a, who), b->now, e);
	if (rv != 1)
		return rv;
	if (!b->opt.quiet || !b->opt.dry) {
		two = was_partner(b, to) && mapowners_are_two(l, from, to);
		say("%s is %s%s from now on: its record goes on under that "
		    "name%s%s%s",
		    from, b->opt.dry ? "to be " : "", to,
		    two ? ", with that of " : "", two ? to : "",
		    two ? ", and the two cannot be parted again" : "");
	}
	b->renamed = true;
	return 0;
}

static bool
is_unknown(const struct mapbuild *b, const char *name)
{
	return names_find(&b->unknown, name, strlen(name)) != STRMAP_NONE;
}

/* All names on record; false: there may be more, which cannot be read. */
static bool
read_names(const struct mapbuild *b, struct ledger *l, struct names *out)
{
	struct err e;
	struct evidence *v =
	    evidence_open(b->set->evidence, b->set->ledger, EVIDENCE_READ, &e);
	const bool all = v != NULL || e.code == EX_NOINPUT;
	const int rv = mapowners_names(l, v, out, &e);

	evidence_close(v);
	return all && rv == 0;
}

/*
 * A rename of nobody is more likely a typo, and would stand in the record for
 * ever. If something of that name is read later, the next run records it.
 */
static void
find_unknown(struct mapbuild *b, struct ledger *l, bool readable)
{
	const struct partner *p = b->registry->partner, *end;
	const struct strs *former;
	struct names known = {0};
	bool read = false;
	struct err ignored;
	size_t k;

	for (end = p + b->registry->npartners; p < end; p++) {
		former = p->attributes->former;
		for (k = 0; former != NULL && k < former->n; k++) {
			if (was_partner(b, former->v[k]) ||
			    (l != NULL && ledger_rename_due(
					      l, former->v[k], &ignored) != 1))
				continue;
			if (!read)
				readable = read_names(b, l, &known) && readable;
			read = true;
			if (names_find(&known, former->v[k],
				strlen(former->v[k])) != STRMAP_NONE)
				continue;
			(void)names_add(
			    &b->unknown, former->v[k], strlen(former->v[k]));
			if (readable && !b->opt.kept)
				diag_warning(&b->diags,
				    partner_file(b->registry, p), p->line,
				    "partner %s: nothing is on record of "
				    "former=%s",
				    p->name, former->v[k]);
		}
	}
	names_free(&known);
}

static void
check_former(struct mapbuild *b)
{
	struct ledger *l;
	struct err e;

	if (!b->any_former)
		return;
	l = ledger_open(b->set->ledger, LEDGER_READ, &e);
	find_unknown(b, l, l != NULL || e.code == EX_NOINPUT);
	ledger_close(l);
}

/* All that the registry says, until one fails. */
static int
rename_all(struct mapbuild *b, struct ledger *l, struct err *e)
{
	const struct partner *p = b->registry->partner;
	const struct strs *former;
	size_t i, k;

	for (i = 0; i < b->registry->npartners; i++) {
		former = p[i].attributes->former;
		for (k = 0; former != NULL && k < former->n; k++)
			if (!is_unknown(b, former->v[k]) &&
			    rename_one(b, l, former->v[k], p[i].name, e) == -1)
				return -1;
	}
	return 0;
}

static void
follow_names(struct mapbuild *b)
{
	struct evidence *v;
	struct ledger *l;
	struct err e;

	if (!b->any_former || b->holds.code != 0)
		return;
	l = ledger_open(
	    b->set->ledger, b->opt.dry ? LEDGER_READ : LEDGER_WRITE, &e);
	if (l == NULL ? e.code != EX_NOINPUT : rename_all(b, l, &e) == -1) {
		say_err(&e);
		say("a partner that was renamed keeps its old name in the "
		    "record until tlspact-compile can write it");
	}
	ledger_close(l);
	if (!b->renamed || b->opt.dry || access(b->set->evidence, F_OK) == -1)
		return;
	/* By opening it: evidence.h. */
	v = evidence_open(b->set->evidence, b->set->ledger, EVIDENCE_WRITE, &e);
	if (v == NULL)
		say_err(&e);
	evidence_close(v);
}

static void
follow_heirs(struct mapbuild *b)
{
	char who[AUTHOR_TEXT];
	struct author a;
	struct ledger *l;
	struct err e;

	if (b->heirs.n == 0 || b->opt.dry || b->opt.kept || b->holds.code != 0)
		return;
	author_get(&a);
	l = ledger_open(b->set->ledger, LEDGER_WRITE, &e);
	if (l == NULL || mapheirs_record(l, &b->heirs, author_text(&a, who),
			     b->now, &e) == -1)
		say_err(&e);
	ledger_close(l);
}

static void
name_holds(struct mapbuild *b)
{
	const struct partner *p = b->registry->partner;
	const struct strs *former;
	size_t i, k;

	for (i = 0; i < b->registry->npartners; i++) {
		former = p[i].attributes->former;
		b->any_former = b->any_former || former != NULL;
		for (k = 0; former != NULL && k < former->n; k++)
			mapholds_rename(
			    &b->holds, former->v[k], p[i].name, b->now);
	}
}

/*
 * Partner p has a domain (NULL: its own name) that was in the record, or in the
 * registry before, under a name that leads to nobody.
 */
static void
warn_of_name(struct mapbuild *b, const struct partner *p, const char *domain,
    const char *name)
{
	const char *file = partner_file(b->registry, p);

	if (domain == NULL)
		diag_warning(&b->diags, file, p->line,
		    "partner %s: its record was handed on to %s, which is no "
		    "partner: say former=%s, if %s is the same partner",
		    p->name, name, name, p->name);
	else
		diag_warning(&b->diags, file, p->line,
		    "partner %s: %s was %s's: say former=%s, if %s is the same "
		    "partner",
		    p->name, domain, name, name, p->name);
}

/* Who has a domain of one that is gone may be the same, under another name. */
static void
warn_by_copy(struct mapbuild *b, bool *told)
{
	const struct mapheir *h;
	uint32_t p;
	size_t i;

	mapheirs_find(b->before, b->registry, &b->heirs);
	for (i = 0; i < b->heirs.n; i++) {
		h = &b->heirs.v[i];
		p = registry_partner(b->registry, h->to);
		warn_of_name(b, &b->registry->partner[p], h->domain, h->from);
		told[p] = true;
	}
}

/* Is a partner of that name news, as far as the copy tells? */
static bool
is_new(const struct mapbuild *b, const struct partner *p)
{
	return b->before != NULL &&
	       registry_partner(b->before, p->name) == REGISTRY_NONE;
}

/* What was handed on stays there. with: NULL is no such case. */
static void
warn_of_merge(struct mapbuild *b, const struct partner *p, const char *with)
{
	if (with != NULL)
		diag_warning(&b->diags, partner_file(b->registry, p), p->line,
		    "partner %s: what is on record of that name went on as "
		    "%s's, and stays there: its history, counts and known keys "
		    "begin anew",
		    p->name, with);
}

/*
 * The copy knows the registry before alone; the record, who was taken out long
 * ago. Domains are held against it as a name comes in, and once: that a name is
 * gone and its domain somebody else's may be as it should.
 */
static void
warn_by_record(struct mapbuild *b, const bool *told)
{
	const struct registry *r = b->registry;
	struct mapowners owners = {0};
	const char *domain, *name;
	struct ledger *l;
	struct err ignored;
	size_t i = 0;

	if ((l = ledger_open(b->set->ledger, LEDGER_READ, &ignored)) == NULL)
		return;
	while (i < r->npartners && (told[i] || !is_new(b, &r->partner[i])))
		i++;
	if (mapowners_read(l, i < r->npartners, &owners, &ignored) == 0)
		for (i = 0; i < r->npartners; i++) {
			name = told[i] ? NULL
				       : mapowners_lost(&owners, r,
					     &r->partner[i], false, &domain);
			if (name != NULL &&
			    (domain == NULL || is_new(b, &r->partner[i])))
				warn_of_name(b, &r->partner[i], domain, name);
			else if (!told[i] && is_new(b, &r->partner[i]))
				warn_of_merge(b, &r->partner[i],
				    mapowners_merged(
					&owners, r, &r->partner[i]));
		}
	mapowners_release(&owners);
	ledger_close(l);
}

static void
warn_of_names(struct mapbuild *b)
{
	bool *told = mem_zero(b->registry->npartners + 1, sizeof(*told));
	/* A timer, which wants no warnings each minute, comes here once. */
	const bool once = b->before != NULL && !b->opt.dry;
	const size_t begin = b->diags.n;
	struct diags news = {0};

	if (b->before != NULL)
		warn_by_copy(b, told);
	if (!b->opt.quiet && !b->opt.kept && (!b->opt.no_warnings || once))
		warn_by_record(b, told);
	if (b->diags.n > begin && !b->opt.quiet && b->opt.no_warnings && once) {
		news.v = b->diags.v + begin;
		news.n = b->diags.n - begin;
		say_diags(&news, false);
	}
	free(told);
}

void
mapnames_take(struct mapbuild *b)
{
	warn_of_names(b);
	name_holds(b);
	check_former(b);
}

void
mapnames_follow(struct mapbuild *b)
{
	follow_names(b);
	follow_heirs(b);
}
