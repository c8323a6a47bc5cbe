/*
 * tlspact-compile: registry and downgrades -> the map that Postfix reads.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "common.h"
#include "compile.h"
#include "compileimport.h"
#include "diag.h"
#include "err.h"
#include "foreseen.h"
#include "json.h"
#include "ledger.h"
#include "ledger_downgrade.h"
#include "mapback.h"
#include "mapbuild.h"
#include "mapevent.h"
#include "mapgone.h"
#include "maplost.h"
#include "mem.h"
#include "num.h"
#include "options.h"
#include "quote.h"
#include "registry.h"
#include "registry_keep.h"
#include "say.h"
#include "settings.h"
#include "span.h"
#include "target.h"

#define SCHEMA "tlspact.compile.v1"
#define SCHEMA_LOST "tlspact.lost.v1"
#define INDENT 9 /* columns before a key or a row of --diff */
#define NAMED 3	 /* rows that get weaker, by name */

struct run {
	struct options opt;
	bool dry, diff, text, accept_weaker, quiet, lost, write;
	bool asked; /* -n: is it well? */
	bool level_asked;
	const char *import;
	struct settings set;
	struct mapbuild map;
};

static const struct options_row rows[] = {
    {'n', "dry-run", NULL, "check and compare, write nothing", OPTIONS_FLAG,
	.at = offsetof(struct run, dry)},
    {0, "diff", NULL, "print each row that would change; writes nothing",
	OPTIONS_FLAG, .at = offsetof(struct run, diff)},
    {0, "text", NULL, "print the table as Postfix text; writes nothing",
	OPTIONS_FLAG, .at = offsetof(struct run, text)},
    {0, "accept-weaker", NULL, "write even if many enforced domains get weaker",
	OPTIONS_FLAG, .at = offsetof(struct run, accept_weaker)},
    {0, "import", "FORMAT", "print FILE or TYPE:NAME as text of the registry",
	OPTIONS_WORD, .at = offsetof(struct run, import)},
    {0, "lost", NULL, "print who left the registry or is weaker there",
	OPTIONS_FLAG, .at = offsetof(struct run, lost)},
    {0, "write", NULL, "with --lost: put them back, and compile", OPTIONS_FLAG,
	.at = offsetof(struct run, write)},
    OPTIONS_SETTINGS,
    {'q', "quiet", NULL, "tell no warnings, as timers want it", OPTIONS_FLAG,
	.at = offsetof(struct run, quiet)},
    OPTIONS_VERBOSE("print each row that changes"),
    OPTIONS_JSON(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-compile",
    .synopsis = "[-jnqv] [-C FILE] [-o NAME=VALUE]... [--accept-weaker]\n"
		"--diff | --text [-jqv] [-C FILE] [-o NAME=VALUE]...\n"
		"--lost [-j] [-C FILE] [-o NAME=VALUE]... [PARTNER]...\n"
		"--lost --write [-C FILE] [-o NAME=VALUE]... "
		"[PARTNER]...\n"
		"--import postfix | csv | json | destinations [-j] FILE\n",
    .about = "Compile the partner registry into the map that Postfix reads.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .max = -1,
};

static void
read_options(int argc, char *argv[], struct run *run)
{
	options_read(&table, argc, argv, run);
	if (run->diff && run->text)
		options_misused(
		    &table, run, "--diff and --text exclude each other");
	if (run->import != NULL &&
	    (run->diff || run->text || run->dry || run->accept_weaker))
		options_misused(&table, run,
		    "--import prints a registry; it compares and writes "
		    "nothing");
	if (run->import != NULL && run->opt.n == 0 &&
	    !compileimport_format(run->import))
		options_misused(&table, run,
		    "--import: the format is missing; for a table of Postfix: "
		    "tlspact-compile --import postfix %s",
		    quotes(run->import).s);
	if (run->lost && (run->import != NULL || run->diff || run->text ||
			     run->dry || run->accept_weaker))
		options_misused(
		    &table, run, "--lost goes alone, or with --write");
	if (run->write && !run->lost)
		options_misused(&table, run, "--write goes with --lost");
	if (!run->lost && (run->import != NULL) != (run->opt.n == 1))
		options_misused(&table, run, "%s",
		    run->import == NULL
			? "a file goes with --import, a partner with --lost"
			: "--import needs one file or table");
	run->asked = run->dry;
	if (run->diff || run->text)
		run->dry = true;
}

/*
 * smtp_tls_security_level, what is left to those whose row is gone; NULL if it
 * is not known. Who wants to see each row has it asked for.
 */
static const char *
main_level(struct run *run)
{
	struct target *t = &run->map.target;

	if (run->diff && !run->level_asked)
		settings_level(&run->set, t);
	run->level_asked = run->diff;
	return strcmp(t->main_level, "?") == 0 ||
		       (*t->main_level == '\0' && !run->level_asked)
		   ? NULL
		   : t->main_level;
}

/* A row of the map as it was or is, and below it what is left of it. */
static void
put_row(struct buf *out, const char *label, const char *row, size_t len)
{
	char *s = mem_printf("%.*s", (int)len, row);

	columns_paragraph(
	    out, label, INDENT, s, false, columns_of(STDOUT_FILENO));
	free(s);
}

/* What mail goes by for whom a row is gone; nothing if it is not. */
static void
print_now(struct run *run, const struct mapchange *x, struct buf *out)
{
	const bool main_cf = x->unasked == NULL && x->above == NULL;

	buf_clear(out);
	if (mapchange_stays(x, run->map.registry))
		buf_puts(out, "opportunistic: ");
	if (x->is.row == NULL)
		mapchange_print_now(x, main_cf ? main_level(run) : NULL, out);
}

/* What is demanded of their mail where that is not what the row demands. */
static void
put_rule(const struct mapdemand *d, struct buf *out)
{
	buf_clear(out);
	buf_puts(out, "");
	if (d->record != NULL)
		mapdemand_print(d, true, out);
}

/* Does no row for Postfix tell of it, only the record beside it? */
static bool
is_beside(const struct mapchange *x)
{
	return x->change != CHANGE_NONE && (x->client || x->row == CHANGE_NONE);
}

/* Is anything else demanded than the rows tell? */
static bool
has_rule(const struct mapchange *x)
{
	struct buf was = {0}, is = {0};
	bool differs;

	put_rule(&x->was, &was);
	put_rule(&x->is, &is);
	differs = strcmp(was.data, is.data) != 0;
	buf_free(&was);
	buf_free(&is);
	return is_beside(x) || differs;
}

static void
print_rule(const struct mapchange *x, struct buf *out)
{
	struct buf text = {0};

	mapchange_print(x, &text);
	put_row(out, "  rule", text.data, text.len);
	buf_free(&text);
}

static void
print_diff(struct run *run)
{
	static const char held[] = "(for which Postfix holds all mail)";
	const struct mapchange *x;
	struct buf out = {0}, now = {0};
	size_t i;

	for (i = 0; i < run->map.changes.n; i++) {
		x = &run->map.changes.v[i];
		if (is_beside(x)) {
			put_row(
			    &out, change_name(x->change), x->key, x->keylen);
			print_rule(x, &out);
		}
		if (x->client || x->row == CHANGE_NONE)
			continue;
		put_row(&out, x->same ? "same" : change_name(x->row), x->key,
		    x->keylen);
		if (x->was.row != NULL)
			put_row(&out, "  was", x->was.row, x->was.rowlen);
		if (x->held)
			put_row(&out, "", held, strlen(held));
		if (x->is.row != NULL)
			put_row(&out, "  is", x->is.row, strlen(x->is.row));
		if (has_rule(x))
			print_rule(x, &out);
		print_now(run, x, &now);
		if (now.len > 0)
			put_row(&out, "  now", now.data, now.len);
	}
	if (out.len > 0)
		(void)fputs(out.data, stdout);
	buf_free(&out);
	buf_free(&now);
}

static void
print_text(const struct maptable *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!maprow_is_record(&t->row[i]))
			(void)printf("%s\t%s\n", t->row[i].key, t->row[i].text);
}

static size_t
changed_rows(const struct mapchanges *c)
{
	size_t i, n = 0;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		n += c->row[i];
	return n;
}

/* Of mail from them, and with all that no row tells; of those listed. */
static size_t
changed_rules(const struct mapchanges *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		n += is_beside(&c->v[i]);
	return n;
}

/* Of those that are listed. */
static size_t
same_rows(const struct mapchanges *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		n += c->v[i].same;
	return n;
}

/* LEVEL_OPPORTUNISTIC where nothing is known. */
static enum level
level_of(struct span policy)
{
	enum level level;

	return policy.n > 0 && strength_level(policy.p, policy.n, &level)
		   ? level
		   : LEVEL_OPPORTUNISTIC;
}

/*
 * Is less demanded under that key, and not by a downgrade alone? *now is what
 * is left where a row is gone.
 */
static bool
is_loss(struct run *run, const struct mapchange *x, enum change kind,
    struct span *now)
{
	struct span by;

	if (x->change != kind)
		return false;
	if (kind != CHANGE_REMOVED || !x->lost)
		return kind != CHANGE_REMOVED && x->loses && !x->later;
	/* What stands above it may cover it from now on. */
	*now = mapchange_now(x, x->above == NULL ? main_level(run) : NULL, &by);
	return level_of(*now) == LEVEL_OPPORTUNISTIC ||
	       strength_compare(x->was.row, x->was.rowlen, now->p, now->n) ==
		   CHANGE_WEAKER;
}

/*
 * "1 row removed: a.example (key), no longer protected", or of weaker ones;
 * stays: of those whose partner became opportunistic, who are not gone. Who
 * wants no summary is told of that as of what goes wrong.
 */
static void
print_losses(struct run *run, enum change kind, bool stays)
{
	const bool gone = kind == CHANGE_REMOVED;
	const char *how = ", no longer protected";
	struct span now = {NULL, 0};
	struct buf names = {0};
	size_t all, i, n = 0;
	const struct mapchange **v = mapchanges_ranked(&run->map.changes, &all);

	for (i = 0; i < all; i++) {
		if (!is_loss(run, v[i], kind, &now) ||
		    mapchange_stays(v[i], run->map.registry) != stays)
			continue;
		if (level_of(now) > LEVEL_OPPORTUNISTIC)
			how = ", less protected";
		if (n++ >= NAMED)
			continue;
		buf_puts(&names, n == 1 ? "" : gone ? ", " : "; ");
		quote_put(&names, v[i]->key, v[i]->keylen);
		buf_puts(&names, gone ? " (" : " ");
		if (gone)
			mapdemand_print(&v[i]->was, v[i]->client, &names);
		else
			mapchange_print(v[i], &names);
		if (gone && level_of(now) > LEVEL_OPPORTUNISTIC)
			buf_printf(
			    &names, ", now %s", level_name(level_of(now)));
		buf_puts(&names, gone ? ")" : "");
	}
	if (n > NAMED)
		buf_printf(&names, " and %zu more", n - NAMED);
	if (n > 0)
		common_tell(run->quiet && !run->dry ? stderr : stdout,
		    "%zu row%s %s: %s%s", n, num_plural(n),
		    stays ? MAPEVENT_OPENED : change_name(kind), names.data,
		    gone ? how : "");
	buf_free(&names);
	free(v);
}

/* Of rows that are lowered, and so not weaker today. */
static void
print_later(const struct run *run)
{
	struct buf names = {0};
	size_t all, i, n = 0;
	const struct mapchange **v = mapchanges_ranked(&run->map.changes, &all);

	for (i = 0; i < all; i++) {
		if (!v[i]->later || n++ >= NAMED)
			continue;
		buf_puts(&names, n == 1 ? "" : "; ");
		quote_put(&names, v[i]->key, v[i]->keylen);
		buf_putc(&names, ' ');
		mapchange_print_full(v[i], &names);
	}
	if (n > NAMED)
		buf_printf(&names, " and %zu more", n - NAMED);
	if (n > 0)
		common_tell(run->quiet && !run->dry ? stderr : stdout,
		    "%zu row%s weaker once nothing is lowered: %s", n,
		    num_plural(n), names.data);
	buf_free(&names);
	free(v);
}

/* " (1 lowered until 17:30)", if any is. */
static void
put_lowered(
    const struct run *run, const struct compiled_low *low, struct buf *out)
{
	char first[CLOCK_MAX], last[CLOCK_MAX];

	if (low->n == 0)
		return;
	(void)clock_text(low->first, run->map.now, first);
	(void)clock_text(low->last, run->map.now, last);
	if (strcmp(first, last) == 0)
		buf_printf(out, " (%zu lowered until %s)", low->n, first);
	else
		buf_printf(out,
		    " (%zu lowered, the first until %s, the last until %s)",
		    low->n, first, last);
}

static void
print_summary(const struct run *run)
{
	const struct compiled *c = &run->map.compiled;
	size_t n = changed_rows(&run->map.changes);
	size_t same = same_rows(&run->map.changes);
	size_t rules = changed_rules(&run->map.changes);
	struct buf words = {0};

	buf_printf(&words, "%zu domain%s of %zu partner%s: %zu enforced",
	    c->header.domains, num_plural(c->header.domains),
	    c->header.partners, num_plural(c->header.partners),
	    c->header.enforced);
	put_lowered(run, &c->lowered, &words);
	buf_printf(&words, ", %zu opportunistic", c->opportunistic);
	put_lowered(run, &c->let_in, &words);
	buf_puts(&words, "; ");
	if (n == 0)
		buf_puts(&words, "no row changed");
	else
		buf_printf(&words, "%zu row%s %schanged", n, num_plural(n),
		    run->dry ? "would be " : "");
	if (same > 0)
		buf_printf(&words, ", %zu to the same in other words", same);
	if (rules > 0)
		buf_printf(&words, "; %zu rule%s changed that no row shows",
		    rules, num_plural(rules));
	if (run->map.diags.warnings > 0)
		buf_printf(&words, "; %zu warning%s", run->map.diags.warnings,
		    num_plural(run->map.diags.warnings));
	common_tell(
	    stdout, "%s%s", words.data, run->dry ? " (nothing written)" : "");
	buf_free(&words);
}

static void
print_left(const struct run *run)
{
	const struct mapleft *x = run->map.left;
	size_t i;

	for (i = 0; i < run->map.nleft; i++)
		(void)printf("the downgrade of %s to %s %s: %s\n", x[i].partner,
		    direction_lowered_to(x[i].direction, x[i].level),
		    run->dry ? "would end" : "ended", x[i].why);
}

/* Who comes back, and was lowered when he left; a thing of the record alone. */
static void
print_back(const struct run *run)
{
	const struct mapbuild *b = &run->map;
	struct ledger *l;
	struct buf names = {0};
	struct err ignored;
	size_t n = 0;

	if (b->before == NULL || !registry_lacks(b->before, b->registry) ||
	    (l = ledger_open(run->set.ledger, LEDGER_READ, &ignored)) == NULL)
		return;
	(void)mapback_print(
	    l, b->registry, b->before, b->now, &n, &names, &ignored);
	ledger_close(l);
	if (n > 0)
		common_tell(run->quiet && !run->dry ? stderr : stdout,
		    "%zu partner%s back at full strength, not lowered as "
		    "before: %s; to lower again: tlspactctl downgrade",
		    n, n == 1 ? " is" : "s are", names.data);
	buf_free(&names);
}

static json_t *
json_left(const struct run *run)
{
	const struct mapleft *x = run->map.left;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < run->map.nleft; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "partner", x[i].partner,
			"level", level_name(x[i].level), "why", x[i].why));
	return list;
}

static json_t *
json_diags(const struct diags *d, enum diag_kind kind)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (d->v[i].kind != kind)
			continue;
		json_array_append_new(list,
		    json_pack("{s:o, s:i, s:o}", "file",
			json_text(d->v[i].file), "line", (int)d->v[i].line,
			"message", json_text(d->v[i].text)));
	}
	return list;
}

static json_t *
json_rows(struct run *run)
{
	const struct partner *partner = run->map.registry->partner;
	const struct maptable *t = &run->map.compiled.table;
	json_t *list = json_array();
	const struct mapchange *x;
	const struct maprow *row;
	struct buf now = {0};
	size_t i;

	for (i = 0; run->text && i < t->n; i++) {
		row = &t->row[i];
		if (maprow_is_record(row))
			continue;
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:s}", "key", row->key, "policy",
			row->text, "level", level_name((enum level)row->level),
			"partner", partner[row->partner].name));
	}
	for (i = 0; !run->text && i < run->map.changes.n; i++) {
		x = &run->map.changes.v[i];
		if (x->client || x->row == CHANGE_NONE)
			continue;
		print_now(run, x, &now);
		json_array_append_new(list,
		    json_pack("{s:s, s:o, s:o, s:s?, s:b, s:b, s:b, s:s?}",
			"change", change_name(x->row), "key",
			json_bytes(x->key, x->keylen), "was",
			json_bytes(x->was.row, x->was.rowlen), "is", x->is.row,
			"same", x->same, "held", x->held, "unasked",
			x->unasked != NULL, "now",
			now.len == 0 ? NULL : now.data));
	}
	buf_free(&now);
	return list;
}

static json_t *
json_rules(const struct run *run)
{
	json_t *list = json_array();
	const struct mapchange *x;
	struct buf text = {0};
	size_t i;

	for (i = 0; i < run->map.changes.n; i++) {
		x = &run->map.changes.v[i];
		if (x->change == CHANGE_NONE || !has_rule(x))
			continue;
		buf_clear(&text);
		mapchange_print(x, &text);
		json_array_append_new(
		    list, json_pack("{s:s, s:o, s:b, s:o}", "change",
			      change_name(x->change), "key",
			      json_bytes(x->key, x->keylen), "client",
			      x->client, "rule", json_text(text.data)));
	}
	buf_free(&text);
	return list;
}

static void
print_json(struct run *run, time_t now, int code)
{
	static const char *const raised[] = {[MAPBUILD_NOT_DUE] = "no",
	    [MAPBUILD_RAISED] = "due",
	    [MAPBUILD_SPARED] = "all",
	    [MAPBUILD_STUCK] = "failed"};
	const struct compiled *c = &run->map.compiled;
	json_t *changes = json_object(), *root;
	unsigned i;

	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		json_object_set_new(changes, change_name((enum change)i),
		    json_integer((json_int_t)run->map.changes.row[i]));
	root = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
	    "map", run->set.map, "written", run->map.written, "partners",
	    (json_int_t)c->header.partners, "domains",
	    (json_int_t)c->header.domains, "enforced",
	    (json_int_t)c->header.enforced, "opportunistic",
	    (json_int_t)c->opportunistic, "lowered",
	    (json_int_t)c->header.lowered, "changes", changes, "errors",
	    json_diags(&run->map.diags, DIAG_ERROR), "warnings",
	    json_diags(&run->map.diags, DIAG_WARNING));
	json_object_set_new(root, "next_change", json_time(c->header.expires));
	json_object_set_new(
	    root, "raised", json_string(raised[run->map.raise]));
	json_object_set_new(root, "raised_rows",
	    json_integer((json_int_t)run->map.raised.rows));
	json_object_set_new(root, "ended", json_left(run));
	if (run->diff || run->text || run->opt.verbose)
		json_object_set_new(root, "rows", json_rows(run));
	if (run->diff || run->opt.verbose)
		json_object_set_new(root, "rules", json_rules(run));
	common_answer(SCHEMA, now, code, root);
}

/* Would an enforced domain be left without protection, and nobody said so? */
static bool
takes_away(struct run *run)
{
	const struct mapchange *x;
	bool taken = false;
	struct span now;
	size_t i;

	for (i = 0; i < run->map.changes.n && !run->accept_weaker; i++) {
		x = &run->map.changes.v[i];
		now = (struct span){x->is.row, x->is.rowlen};
		taken =
		    taken || (x->lost &&
				 (x->change == CHANGE_WEAKER ||
				     is_loss(run, x, CHANGE_REMOVED, &now)) &&
				 level_of(now) == LEVEL_OPPORTUNISTIC);
	}
	return taken && !run->map.changes.first;
}

static int
build(struct run *run, time_t now)
{
	struct mapbuild_options opt = {.dry = run->dry,
	    .list = run->diff || run->opt.verbose,
	    .verbose = run->opt.verbose,
	    .no_warnings = run->quiet,
	    .accept_weaker = run->accept_weaker,
	    .agreed = run->accept_weaker ? MAPEVENT_ACCEPTED : NULL};
	int code;

	code = mapbuild_run(&run->map, &run->set, &opt, now);
	return code == EX_OK && run->asked &&
		       (run->map.too_much || takes_away(run))
		   ? 1
		   : code;
}

static void
print_result(struct run *run, time_t now, int code)
{
	if (run->opt.json) {
		print_json(run, now, code);
		return;
	}
	/* Also where the record is what failed. */
	if (!run->map.stands)
		return;
	if (run->text) {
		print_text(&run->map.compiled.table);
		return;
	}
	if (run->diff || run->opt.verbose)
		print_diff(run);
	if (run->dry)
		foreseen_print(&run->map, true);
	/* In a list of all they may be far above. */
	print_losses(run, CHANGE_REMOVED, false);
	print_losses(run, CHANGE_REMOVED, true);
	print_losses(run, CHANGE_WEAKER, false);
	print_later(run);
	print_left(run);
	print_back(run);
	print_summary(run);
}

static int
run_compile(struct run *run, time_t now)
{
	const int code = build(run, now);

	if (code != EX_OK && run->map.stands && run->map.written)
		say("the map was written all the same");
	/* That may take a while, and stops nobody's downgrade. */
	mapbuild_unlock(&run->map);
	if (run->map.stands && !run->dry)
		foreseen_say(&run->map);
	print_result(run, now, code);
	return code;
}

/* --- Who is lost ---------------------------------------------------------- */

static json_t *
json_lost(const struct maplost *m)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < m->n; i++)
		json_array_append_new(
		    list, json_pack("{s:s, s:o, s:o, s:s?, s:s?, s:s?, s:o, "
				    "s:o}",
			      "partner", m->v[i].name, "copy",
			      json_text(m->v[i].copy), "since",
			      json_time(m->v[i].left), "by", m->v[i].by,
			      "not_given_back", m->v[i].why, "weaker",
			      m->v[i].less, "place", json_text(m->v[i].place),
			      "undone", json_text(m->v[i].undone)));
	return json_pack("{s:o, s:o}", "partners", list, "registry",
	    json_bytes(m->text.data, m->text.len));
}

/* "acme, bolt, cog and 27 more", of those that are given back, or are not. */
static size_t
put_lost(const struct maplost *m, bool back, struct buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < m->n; i++)
		if ((m->v[i].why == NULL) == back && n++ < NAMED)
			buf_printf(
			    out, "%s%s", n == 1 ? "" : ", ", m->v[i].name);
	if (n > NAMED)
		buf_printf(out, " and %zu more", n - NAMED);
	return n;
}

/* "30 partners are lost: acme, bolt, cog and 27 more", and what to do then. */
static void
tell_lost(const struct run *run, const struct maplost *m)
{
	struct buf out = {0};
	size_t back, i;

	buf_printf(&out, "%zu partner%s lost or weaker: ", m->n,
	    m->n == 1 ? " is" : "s are");
	back = put_lost(m, true, &out);
	if (m->comments > 0)
		buf_puts(&out,
		    back == 0 ? "not given back: " : "; not given back: ");
	(void)put_lost(m, false, &out);
	if (back > 0)
		buf_puts(&out, "; to put them back: tlspact-compile --lost "
			       "--write");
	for (i = 0; back > 0 && i < (size_t)run->opt.n; i++)
		buf_printf(&out, " %s", quotes(run->opt.arg[i]).s);
	say("%s", out.data);
	buf_free(&out);
}

/* A statement comes back whole: what was changed in it since is told. */
static void
tell_undone(const struct maplost *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (m->v[i].undone_own > 0)
			say("%s was changed otherwise, too, which is undone: "
			    "%.*s",
			    m->v[i].name, (int)m->v[i].undone_own,
			    m->v[i].undone);
	if (m->undone != NULL)
		say("the defaults were changed otherwise, too, which is "
		    "undone for all: %s",
		    m->undone);
}

/* Of few, who were named, the reason is told at once. */
static void
tell_kept(const struct run *run, const struct maplost *m)
{
	struct buf names = {0};
	const size_t n = put_lost(m, false, &names);
	size_t i;

	for (i = 0; i < m->n && run->opt.n > 0; i++)
		if (m->v[i].why != NULL)
			say("%s is not put back: %s", m->v[i].name,
			    m->v[i].why);
	if (n > 0 && run->opt.n == 0)
		say("%zu not put back: %s; to see why: tlspact-compile --lost",
		    n, names.data);
	buf_free(&names);
}

/* In the registry. 0, or 1 if there is nobody to put back. */
static int
write_lost(struct run *run, struct maplost *m, struct registry *r, time_t now)
{
	struct buf names = {0};
	struct err e;
	const size_t n = put_lost(m, true, &names);
	int code = n == 0 ? 1 : EX_OK;

	if (n > 0 && maplost_write(m, r, now, &e) == -1)
		code = common_failed(&e);
	else if (n > 0)
		common_tell(run->opt.json || run->quiet ? stderr : stdout,
		    "%zu partner%s back in the registry as before: %s", n,
		    n == 1 ? " is" : "s are", names.data);
	if (code == EX_OK)
		tell_undone(m);
	tell_kept(run, m);
	buf_free(&names);
	return code;
}

/* 0, or 1 if there is nothing to give back. */
static int
give_lost(struct run *run, const struct maplost_wanted *wanted,
    struct maplost *m, struct registry *r, time_t now)
{
	size_t i;

	for (i = 0; i < wanted->n; i++)
		if (!wanted->found[i])
			say("%s is not lost or weaker, or in no copy of the "
			    "registry",
			    quotes(wanted->name[i]).s);
	if (m->n == 0) {
		if (wanted->n == 0)
			say("nothing is lost");
		return 1;
	}
	if (run->write)
		return write_lost(run, m, r, now);
	if (!run->opt.json)
		(void)fputs(m->text.data, stdout);
	tell_lost(run, m);
	return EX_OK;
}

/* Without it nobody is known to be lost, and all may be. */
static int
unreadable(const struct run *run, const struct err *why)
{
	char *kept = mapbuild_kept(run->set.map);

	say("the registry cannot be read, so that it is not known who is lost");
	if (access(kept, R_OK) == 0)
		say("as it was last compiled it is in %s", quotes(kept).s);
	free(kept);
	return common_failed(why);
}

/* The registry may be at fault: by whom it names it counts all the same. */
static int
lost(struct run *run, time_t now)
{
	struct maplost_wanted wanted = {.name = run->opt.arg,
	    .n = (size_t)run->opt.n,
	    .found = mem_zero((size_t)run->opt.n + 1, sizeof(bool))};
	struct maplost m = {0};
	struct mapgone gone = {0};
	struct diags d = {0};
	struct err e = {0};
	struct registry *r = registry_load(run->set.registry, now, &d, &e);
	int code;

	if (d.errors > 0)
		say("the registry has %zu error%s (tlspact-compile -n)",
		    d.errors, num_plural(d.errors));
	diag_free(&d);
	mapgone_look(&run->set, r, now - MAPLOST_SPAN, &gone);
	if (r == NULL)
		code = unreadable(run, &e);
	else if (maplost_find(&m, r, run->set.map, &wanted, &gone, now, &e) ==
		 -1)
		code = common_failed(&e);
	else
		code = give_lost(run, &wanted, &m, r, now);
	if (run->opt.json && (!run->write || code != EX_OK))
		common_answer(run->write ? SCHEMA : SCHEMA_LOST, now, code,
		    run->write || code > 1 ? NULL : json_lost(&m));
	maplost_release(&m);
	mapgone_release(&gone);
	registry_free(r);
	free(wanted.found);
	return run->write && code == EX_OK ? run_compile(run, now) : code;
}

int
main(int argc, char *argv[])
{
	struct run run = {0};
	time_t now = time(NULL);
	int code;

	say_init(table.program);
	read_options(argc, argv, &run);
	if (run.opt.json)
		say_keep();
	if (run.import != NULL)
		return say_flushed(compileimport(run.import, run.opt.arg[0],
		    run.opt.json, &run.opt.settings));
	code = settings_read(&run.set, &run.opt.settings, &run.map.diags);
	if (code == EX_OK)
		code = run.lost ? lost(&run, now) : run_compile(&run, now);
	else if (run.opt.json)
		common_answer(run.lost && !run.write ? SCHEMA_LOST : SCHEMA,
		    now, code, NULL);
	code = say_flushed(code);
	mapbuild_release(&run.map);
	settings_free(&run.set);
	return code;
}
