#include "mapevent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "author.h"
#include "buf.h"
#include "cdbmap.h"
#include "day.h"
#include "digest.h"
#include "err.h"
#include "json.h"
#include "ledger.h"
#include "mapchange.h"
#include "maptable.h"
#include "mem.h"
#include "names.h"
#include "num.h"
#include "quote.h"
#include "registry.h"
#include "settings.h"

#define KIND MAPEVENT_KIND
#define KIND_FAILED "map-failed"
#define KIND_FOUND "map-found"
#define KIND_UNRECORDED "map-unrecorded"

#define ROW_SHOWN 512	   /* bytes of a row's text that an event keeps */
#define NAMED_BYTES 40000  /* of all rows that an event names */
#define OTHERS_BYTES 20000 /* of the partners of the other rows */
#define TEXT_NAMED 3	   /* rows in the text for people */

/* SHA-256 of the file, "" if there is none. */
static int
digest_file(const char *path, char out[DIGEST_HEX], struct err *e)
{
	char block[65536];
	struct digest *g;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	out[0] = '\0';
	if (fd == -1)
		return errno == ENOENT ? 0
				       : err_sys(e, err_code_input(errno),
					     "cannot read %s", quotes(path).s);
	g = digest_new();
	while ((n = read(fd, block, sizeof(block))) > 0)
		digest_add(g, block, (size_t)n);
	digest_hex(g, out);
	if (n == -1)
		(void)err_sys(e, EX_IOERR, "cannot read %s", quotes(path).s);
	(void)close(fd);
	return n == -1 ? -1 : 0;
}

/* The last event about a map. */
struct last {
	const char *file;
	int64_t seq; /* 0: there is none */
	char kind[32];
	char before[DIGEST_HEX], after[DIGEST_HEX];
};

static void
copy_digest(char out[DIGEST_HEX], const json_t *data, const char *name)
{
	const char *s = json_string_value(json_object_get(data, name));

	out[0] = '\0';
	if (s != NULL && strlen(s) == DIGEST_HEX - 1)
		memcpy(out, s, DIGEST_HEX);
}

static bool
is_last(const struct ledger_event *ev, void *arg)
{
	struct last *last = arg;
	const char *file;
	json_t *data;

	if (strcmp(ev->kind, KIND) != 0 && strcmp(ev->kind, KIND_FAILED) != 0 &&
	    strcmp(ev->kind, KIND_FOUND) != 0 &&
	    strcmp(ev->kind, KIND_UNRECORDED) != 0)
		return true;
	data = json_loads(ev->data, 0, NULL);
	file = json_string_value(json_object_get(data, "file"));
	if (file != NULL && strcmp(file, last->file) == 0) {
		last->seq = ev->seq;
		(void)stpncpy(last->kind, ev->kind, sizeof(last->kind) - 1);
		copy_digest(last->before, data, "before");
		copy_digest(last->after, data, "after");
	}
	json_decref(data);
	return last->seq == 0;
}

/* A key or a row's text, which in a map by other hands may be anything. */
static json_t *
json_shown(const char *p, size_t len)
{
	if (len > ROW_SHOWN)
		for (len = ROW_SHOWN; len > 0 && (p[len] & 0xc0) == 0x80; len--)
			;
	return json_bytes(p, len);
}

static void
count(json_t *o, const char *kind, size_t n)
{
	json_object_set_new(o, kind, json_integer((json_int_t)n));
}

static json_t *
json_levels(const struct mapchanges *c)
{
	json_t *o = json_object();
	unsigned i;

	for (i = LEVEL_OPPORTUNISTIC; i <= LEVEL_SECURE; i++)
		count(o, level_name((enum level)i), c->level[i]);
	return o;
}

static void
add_counts(json_t *data, const struct mapchanges *c)
{
	json_t *changes = json_object(), *by = json_object();
	unsigned i;

	for (i = 0; i < MAPCAUSES; i++)
		if (c->cause[i] > 0)
			count(by, mapcause_name((enum mapcause)i), c->cause[i]);
	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		count(changes, change_name((enum change)i), c->count[i]);
	json_object_set_new(data, "causes", by);
	json_object_set_new(data, "changes", changes);
	json_object_set_new(data, "levels", json_levels(c));
}

/* What one has and the other has not; "" if nothing. */
static json_t *
json_words(const struct mapdemand *d, const struct mapdemand *other)
{
	struct buf words = {0};
	json_t *s;

	buf_puts(&words, "");
	mapdemand_words(d, other, &words);
	s = json_shown(words.data, words.len);
	buf_free(&words);
	return s;
}

/*
 * Whose it is by that registry, which knows also who has no row, as nothing is
 * demanded of him; or by the record of the row. null if unknown.
 */
static json_t *
json_whose(const struct registry *r, const struct mapchange *c,
    const struct mapdemand *d)
{
	char key[DNAME_NEXTHOP_MAX + 1];
	json_t *name = NULL;
	struct maprecord rec;
	uint32_t i;

	if (c->client && d->record != NULL &&
	    maprecord_parse(&rec, d->record, d->recordlen)) {
		name = json_text(rec.partner);
		maprecord_release(&rec);
	}
	if (c->client || r == NULL || c->keylen >= sizeof(key))
		return name == NULL ? json_null() : name;
	span_keep(key, sizeof(key), (struct span){c->key, c->keylen});
	i = registry_domain(r, key);
	return i == REGISTRY_NONE
		   ? json_null()
		   : json_string(r->partner[r->domain[i].partner].name);
}

static json_t *
json_row(const struct mapchange *c, const struct mapevent_made *of)
{
	struct buf was = {0}, is = {0};
	json_t *o;

	mapdemand_print(&c->was, c->client, &was);
	mapdemand_print(&c->is, c->client, &is);
	/* ctlevent.h looks for the names between key and cause. */
	o = json_pack("{s:o, s:o, s:o, s:b, s:s, s:s, s:s, s:s, s:o, s:o}",
	    "key", json_shown(c->key, c->keylen), "partner",
	    json_whose(of->is, c, &c->is), "partner_was",
	    json_whose(of->was, c, &c->was), "client", c->client, "change",
	    change_name(c->change), "cause", mapcause_name(c->cause), "was",
	    was.data, "is", is.data, "was_row",
	    json_shown(c->was.row, c->was.rowlen), "is_row",
	    json_shown(c->is.row, c->is.rowlen));
	if (c->in_full || strcmp(was.data, is.data) == 0)
		json_object_update_new(
		    o, json_pack("{s:o, s:o}", "was_words",
			   json_words(&c->was, &c->is), "is_words",
			   json_words(&c->is, &c->was)));
	buf_free(&was);
	buf_free(&is);
	return o;
}

static void
add_text(struct digest *g, const char *p, size_t len, char end)
{
	digest_add(g, p, len);
	digest_add(g, &end, 1);
}

/* Has its partner less by it, and not by a downgrade or its end? */
static bool
takes(const struct mapchange *c)
{
	return (c->change == CHANGE_WEAKER || c->change == CHANGE_REMOVED) &&
	       (c->cause == MAPCAUSE_REGISTRY || c->cause == MAPCAUSE_SETTINGS);
}

static void
add_named(const json_t *rows, struct names *out)
{
	const char *s;
	size_t i;

	for (i = 0; i < json_array_size(rows); i++) {
		s = json_string_value(
		    json_object_get(json_array_get(rows, i), "partner_was"));
		if (s != NULL)
			(void)names_add(out, s, strlen(s));
	}
}

/*
 * Whose those rows were that are not named and lost something, as far as names
 * fit: each partner once, and not where a row names it.
 */
static void
add_others(json_t *rest, const json_t *rows, const struct mapevent_made *of,
    const struct mapchange *const *v, size_t n)
{
	json_t *list = json_array(), *whose;
	struct names seen = {0}, losers = {0};
	size_t i, lost = 0, bytes = 0;
	uint32_t named, had;
	const char *s;

	add_named(rows, &seen);
	add_named(rows, &losers);
	named = seen.n;
	for (i = 0; i < n; i++) {
		lost += v[i]->lost;
		if (!takes(v[i]))
			continue;
		whose = json_whose(of->was, v[i], &v[i]->was);
		s = json_string_value(whose);
		had = seen.n;
		if (s != NULL && names_add(&seen, s, strlen(s)) == had &&
		    bytes < OTHERS_BYTES) {
			bytes += strlen(s) + 3;
			json_array_append(list, whose);
		}
		if (s != NULL && v[i]->lost)
			(void)names_add(&losers, s, strlen(s));
		json_decref(whose);
	}
	json_object_update_new(
	    rest, json_pack("{s:I, s:I, s:I, s:o}", "lost", (json_int_t)lost,
		      "partners_lost", (json_int_t)(losers.n - named),
		      "partners_more",
		      (json_int_t)(seen.n - named - json_array_size(list)),
		      "partners", list));
	names_free(&losers);
	names_free(&seen);
}

/*
 * Those that are not named: how many, and SHA-256 over a line for each, by
 * key: KEY, change, row before, row after, between tabs.
 */
static json_t *
json_rest(const struct mapchange **v, size_t n)
{
	char hex[DIGEST_HEX] = "";
	const char *name;
	struct digest *g;
	size_t i;

	if (n > 0) {
		qsort(v, n, sizeof(*v), mapchange_by_key);
		g = digest_new();
		for (i = 0; i < n; i++) {
			name = change_name(v[i]->change);
			add_text(g, v[i]->key, v[i]->keylen, '\t');
			add_text(g, name, strlen(name), '\t');
			add_text(g, v[i]->was.row, v[i]->was.rowlen, '\t');
			add_text(g, v[i]->is.row, v[i]->is.rowlen, '\n');
		}
		digest_hex(g, hex);
	}
	return json_pack("{s:I, s:s}", "n", (json_int_t)n, "sha256", hex);
}

/* The rows by name, weaker ones first, and then the rest. */
static void
add_rows(json_t *data, const struct mapevent_made *of,
    const struct mapchange **v, size_t n)
{
	json_t *rows = json_array(), *row, *rest;
	size_t i, bytes = 0;

	for (i = 0; i < n && i < MAPEVENT_NAMED; i++) {
		row = json_row(v[i], of);
		/* In JSON a byte can take six. */
		bytes += json_dumpb(row, NULL, 0, JSON_COMPACT);
		if (bytes > NAMED_BYTES) {
			json_decref(row);
			break;
		}
		json_array_append_new(rows, row);
	}
	rest = json_rest(v + i, n - i);
	if (i < n)
		add_others(rest, rows, of, v + i, n - i);
	json_object_set_new(data, "rows", rows);
	json_object_set_new(data, "rest", rest);
}

static json_t *
json_author(const struct author *a)
{
	return json_pack("{s:s, s:s, s:s}", "login", a->login, "sudo_user",
	    a->sudo_user, "unit", a->unit);
}

/* " (a.example secure -> opportunistic, ...)": the first n of v. */
static void
print_some(const struct mapchange *const *v, size_t n, struct buf *out)
{
	char key[300];
	size_t i;

	for (i = 0; i < n && i < TEXT_NAMED; i++) {
		quote_show(key, sizeof(key), v[i]->key, v[i]->keylen);
		buf_printf(out, "%s%s ", i == 0 ? " (" : "; ", key);
		mapchange_print(v[i], out);
	}
	buf_puts(out, i < n ? "; ...)" : ")");
}

/* Of which of n rows that are removed the partner stays. */
static size_t
count_opened(
    const struct mapchange *const *v, size_t n, const struct registry *r)
{
	size_t i, opened = 0;

	for (i = 0; r != NULL && i < n; i++)
		opened += mapchange_stays(v[i], r);
	return opened;
}

/* "1 removed"; of those that stay "1 opportunistic now", as compile says it. */
static void
print_change(const struct mapchange *const *v, size_t n, enum change change,
    const struct registry *r, struct buf *out)
{
	const size_t opened =
	    change == CHANGE_REMOVED ? count_opened(v, n, r) : 0;

	buf_printf(out, "%zu %s", n,
	    opened == n ? MAPEVENT_OPENED : change_name(change));
	if (opened > 0 && opened < n)
		buf_printf(out, ", %zu of them " MAPEVENT_OPENED, opened);
}

/* "registry: 1 weaker (a.example secure -> opportunistic), 1 added". */
static void
print_text(const struct mapchanges *c, const struct mapchange *const *v,
    const struct registry *r, const char *first, struct buf *out)
{
	/* As they are ranked. */
	static const enum change order[] = {CHANGE_WEAKER, CHANGE_REMOVED,
	    CHANGE_OTHER, CHANGE_STRONGER, CHANGE_ADDED};
	const char *between = "";
	size_t i, n;

	if (first != NULL) {
		buf_printf(
		    out, "%s, %zu row%s", first, c->rows, num_plural(c->rows));
		return;
	}
	for (i = 0; i < MAPCAUSES; i++)
		if (c->cause[i] > 0) {
			buf_printf(out, "%s%s", between,
			    mapcause_name((enum mapcause)i));
			between = ", ";
		}
	if (*between == '\0')
		buf_puts(out, "no row is demanded otherwise");
	between = ": ";
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if ((n = c->count[order[i]]) == 0)
			continue;
		buf_puts(out, between);
		print_change(v, n, order[i], r, out);
		between = ", ";
		print_some(v, n, out);
		v += n;
	}
}

static int
append(struct ledger *l, const char *kind, const char *text, json_t *data,
    time_t now, struct err *e)
{
	struct ledger_event ev = {.time = now, .kind = kind, .text = text};
	char who[AUTHOR_TEXT], *dump;
	struct author a;
	int rv;

	author_get(&a);
	ev.author = author_text(&a, who);
	json_object_set_new(data, "author", json_author(&a));
	ev.data = dump = json_compact(data);
	rv = ledger_event_add(l, &ev, e);
	free(dump);
	return rv;
}

static json_t *
json_map(const struct settings *set, const char *before, const char *after)
{
	return json_pack("{s:o, s:s, s:s}", "file",
	    json_bytes(set->map, strlen(set->map)), "before", before, "after",
	    after);
}

static int
read_last(struct ledger *l, const struct settings *set, struct last *last,
    struct err *e)
{
	struct ledger_event_query q = {.newest_first = true};

	*last = (struct last){.file = set->map};
	return ledger_events(l, &q, is_last, last, e);
}

/* What is in place was put there without us: what it says, as far as known. */
static int
append_found(struct ledger *l, const struct settings *set,
    const struct last *last, const char *live, time_t now, struct err *e)
{
	const bool failed =
	    strcmp(last->kind, KIND) == 0 && strcmp(live, last->before) == 0;
	json_t *data = json_map(set, last->after, live);
	struct mapchanges c = {0};
	struct maptable t = {0};
	struct buf text = {0};
	struct cdbmap *m;
	struct err ignored;
	int rv;

	if ((m = cdbmap_open(set->map, &ignored)) != NULL) {
		(void)maptable_read(&t, m, &ignored);
		mapchanges(&c, NULL, &t, false);
	}
	if (failed)
		buf_printf(&text,
		    "the map of event %lld is not in place, but the one "
		    "before it: it was never put there, or taken back by hand",
		    (long long)last->seq);
	else if (*live == '\0')
		buf_printf(&text, "the map of event %lld is gone",
		    (long long)last->seq);
	else if (last->seq == 0)
		buf_puts(&text, "the map in place was made before maps were "
				"recorded, or by others");
	else
		buf_printf(&text,
		    "the map was changed without a record: it is not that of "
		    "event %lld",
		    (long long)last->seq);
	if (m != NULL) {
		buf_printf(&text, "; %zu row%s, %zu of them enforced", c.rows,
		    num_plural(c.rows), c.rows - c.level[LEVEL_OPPORTUNISTIC]);
		json_object_set_new(data, "levels", json_levels(&c));
		json_object_set_new(
		    data, "registry", json_string(c.is.registry));
	} else if (*live != '\0') {
		buf_puts(&text, "; it is damaged");
	}
	rv = append(l,
	    failed	     ? KIND_FAILED
	    : last->seq == 0 ? KIND_FOUND
			     : KIND_UNRECORDED,
	    text.data, data, now, e);
	buf_free(&text);
	mapchanges_release(&c);
	maptable_release(&t);
	cdbmap_close(m);
	return rv;
}

/* Append what was found in place, if it is news. live gets its digest. */
static int
look(struct ledger *l, const struct settings *set, char live[DIGEST_HEX],
    time_t now, struct err *e)
{
	struct last last;

	if (digest_file(set->map, live, e) == -1 ||
	    read_last(l, set, &last, e) == -1)
		return -1;
	if (strcmp(live, last.after) == 0)
		return 0;
	return append_found(l, set, &last, live, now, e);
}

int
mapevent_look(const struct settings *set, time_t now, struct err *e)
{
	char live[DIGEST_HEX];
	struct ledger *l;
	int rv;

	if (access(set->ledger, F_OK) == -1 && errno == ENOENT)
		return 0;
	if ((l = ledger_open(set->ledger, LEDGER_WRITE, e)) == NULL)
		return -1;
	rv = look(l, set, live, now, e);
	if (rv == 0)
		rv = day_run(l, set, now, e);
	ledger_close(l);
	return rv;
}

int
mapevent_announce(const struct settings *set, const struct mapchanges *c,
    const struct mapevent_made *of, const char *fresh, time_t now,
    struct err *e)
{
	char before[DIGEST_HEX], after[DIGEST_HEX];
	const struct mapchange **v;
	struct buf text = {0};
	struct ledger *l;
	json_t *data;
	size_t n;
	int rv;

	if ((l = ledger_open(set->ledger, LEDGER_WRITE, e)) == NULL)
		return -1;
	if (look(l, set, before, now, e) == -1 ||
	    digest_file(fresh, after, e) == -1) {
		ledger_close(l);
		return -1;
	}
	data = json_map(set, before, after);
	json_object_set_new(data, "registry",
	    json_pack("{s:s, s:s}", "before", c->was.registry, "after",
		c->is.registry));
	if (of->agreed != NULL)
		json_object_set_new(data, "agreed", json_string(of->agreed));
	add_counts(data, c);
	v = mapchanges_ranked(c, &n);
	print_text(c, v, of->is,
	    !c->first	      ? NULL
	    : *before == '\0' ? "the first map"
			      : "in place of a damaged map",
	    &text);
	add_rows(data, of, v, n);
	rv = append(l, KIND, text.data, data, now, e);
	free(v);
	buf_free(&text);
	ledger_close(l);
	return rv;
}

/* --- Read back ------------------------------------------------------------ */

static const char *
text_of(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s == NULL ? "" : s;
}

/* Is it of mail from a partner alone? Of a lowered row what holds without that
 * may differ. */
static bool
is_inbound(const json_t *row)
{
	const char *was = json_string_value(json_object_get(row, "was_row")),
		   *is = json_string_value(json_object_get(row, "is_row"));

	return json_is_true(json_object_get(row, "client")) ||
	       (was != NULL && is != NULL && strcmp(was, is) == 0 &&
		   strstr(text_of(row, "was"), "(full: ") == NULL &&
		   strstr(text_of(row, "is"), "(full: ") == NULL);
}

static void
read_row(const struct ledger_event *ev, json_t *row, mapevent_changed_fn *fn,
    void *arg)
{
	const char *key, *cause;

	if (!is_inbound(row) &&
	    json_unpack(row, "{s:s, s:s}", "key", &key, "cause", &cause) == 0 &&
	    strcmp(cause, mapcause_name(MAPCAUSE_DOWNGRADE)) != 0 &&
	    strcmp(cause, mapcause_name(MAPCAUSE_END)) != 0)
		fn(key, ev->time, arg);
}

void
mapevent_changed(
    const struct ledger_event *ev, mapevent_changed_fn *fn, void *arg)
{
	json_t *data, *rows;
	const char *before;
	json_int_t more;
	size_t i;

	if (strncmp(ev->kind, KIND, strlen(KIND)) != 0)
		return;
	data = json_loads(ev->data, 0, NULL);
	if (strcmp(ev->kind, KIND) != 0 ||
	    json_unpack(data, "{s:s, s:o, s:{s:I}}", "before", &before, "rows",
		&rows, "rest", "n", &more) == -1 ||
	    *before == '\0' || more > 0)
		fn(NULL, ev->time, arg);
	else
		for (i = 0; i < json_array_size(rows); i++)
			read_row(ev, json_array_get(rows, i), fn, arg);
	json_decref(data);
}

static void
read_owner(const struct ledger_event *ev, json_t *row, mapevent_owner_fn *fn,
    void *arg)
{
	const char *key, *is = NULL, *was = NULL;
	int client = 0;

	(void)json_unpack(row, "{s:s}", "partner", &is);
	(void)json_unpack(row, "{s:s}", "partner_was", &was);
	if (json_unpack(row, "{s:s, s:b}", "key", &key, "client", &client) ==
		0 &&
	    client == 0)
		fn(ev, key, is, was, arg);
}

bool
mapevent_opens(const json_t *row)
{
	const char *change = json_string_value(json_object_get(row, "change"));

	return change != NULL &&
	       strcmp(change, change_name(CHANGE_REMOVED)) == 0 &&
	       json_is_string(json_object_get(row, "partner"));
}

/* With a row that demands nothing, or without one. */
static bool
is_opened(const json_t *row)
{
	const char *is = json_string_value(json_object_get(row, "is"));

	return mapevent_weakens(row) &&
	       json_is_string(json_object_get(row, "partner")) &&
	       (mapevent_opens(row) ||
		   (is != NULL &&
		       strcmp(is, level_name(LEVEL_OPPORTUNISTIC)) == 0));
}

/* Those rows of which of() holds; NULL: all. */
static void
read_owners(const struct ledger_event *ev, bool (*of)(const json_t *row),
    mapevent_owner_fn *fn, void *arg)
{
	json_t *data, *rows, *row;
	size_t i;

	if (strcmp(ev->kind, KIND) != 0)
		return;
	data = json_loads(ev->data, 0, NULL);
	rows = json_object_get(data, "rows");
	for (i = 0; i < json_array_size(rows); i++) {
		row = json_array_get(rows, i);
		if (of == NULL || of(row))
			read_owner(ev, row, fn, arg);
	}
	json_decref(data);
}

void
mapevent_owners(const struct ledger_event *ev, mapevent_owner_fn *fn, void *arg)
{
	read_owners(ev, NULL, fn, arg);
}

void
mapevent_losses(const struct ledger_event *ev, mapevent_owner_fn *fn, void *arg)
{
	read_owners(ev, mapevent_weakens, fn, arg);
}

void
mapevent_opened(const struct ledger_event *ev, mapevent_owner_fn *fn, void *arg)
{
	read_owners(ev, is_opened, fn, arg);
}

bool
mapevent_registry_was(const struct ledger_event *ev, char digest[DIGEST_HEX])
{
	json_t *data = json_loads(ev->data, 0, NULL);
	const char *was;
	const bool told =
	    json_unpack(data, "{s:{s:s}}", "registry", "before", &was) == 0;

	if (told)
		(void)snprintf(digest, DIGEST_HEX, "%s", was);
	json_decref(data);
	return told;
}

const char *
mapevent_agreed(const struct ledger_event *ev)
{
	static const char *const ways[] = {MAPEVENT_EDIT, MAPEVENT_ACCEPTED};
	json_t *data = json_loads(ev->data, 0, NULL);
	const char *agreed = json_string_value(json_object_get(data, "agreed")),
		   *way = NULL;
	size_t i;

	for (i = 0; agreed != NULL && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(agreed, ways[i]) == 0)
			way = ways[i];
	json_decref(data);
	return way;
}

static struct mapevent_rest
read_rest(const json_t *data)
{
	json_t *rest = json_object_get(data, "rest");
	json_int_t n = 0, lost = 0, losers = 0, more = 0;
	bool counted;

	(void)json_unpack(rest, "{s:I}", "n", &n);
	counted = n == 0 ||
		  json_unpack(rest, "{s:I, s:I, s:I}", "lost", &lost,
		      "partners_lost", &losers, "partners_more", &more) == 0;
	return (struct mapevent_rest){.rows = n < 0 ? 0 : (uint64_t)n,
	    .counted = counted,
	    .lost = (uint64_t)lost,
	    .losers = (uint64_t)losers,
	    .partners = (uint64_t)more};
}

bool
mapevent_rest(const struct ledger_event *ev, mapevent_other_fn *fn, void *arg,
    struct mapevent_rest *out)
{
	json_t *data, *names;
	const char *name;
	size_t i;

	*out = (struct mapevent_rest){0};
	if (strcmp(ev->kind, KIND) != 0)
		return false;
	data = json_loads(ev->data, 0, NULL);
	*out = read_rest(data);
	names = json_object_get(json_object_get(data, "rest"), "partners");
	for (i = 0; fn != NULL && i < json_array_size(names); i++)
		if ((name = json_string_value(json_array_get(names, i))) !=
		    NULL)
			fn(ev, name, arg);
	json_decref(data);
	return out->rows > 0;
}

static struct mapdemand
demand_of(const char *row)
{
	return (struct mapdemand){.row = row, .rowlen = strlen(row)};
}

static const char *const sides[][3] = {
    {"was", "was_words", "was_row"}, {"is", "is_words", "is_row"}};

/* What differs, where what was demanded and what is look alike. */
static void
put_words(const json_t *row, bool is, struct buf *out)
{
	struct mapdemand d, other;

	if (json_object_get(row, sides[true][1]) != NULL) {
		buf_puts(out, text_of(row, sides[is][1]));
	} else if (strcmp(text_of(row, "was"), text_of(row, "is")) == 0) {
		d = demand_of(text_of(row, sides[is][2]));
		other = demand_of(text_of(row, sides[!is][2]));
		mapdemand_words(&d, &other, out);
	}
}

void
mapevent_demand(const json_t *row, bool is, struct buf *out)
{
	struct buf words = {0};

	buf_puts(out, text_of(row, sides[is][0]));
	put_words(row, is, &words);
	if (words.len > 0)
		buf_printf(out, " %s", words.data);
	buf_free(&words);
}

/* The level of "secure" or, in full, of "opportunistic (full: secure)". */
static enum level
full_level(const char *demand)
{
	static const char full[] = "(full: ";
	enum level level = LEVEL_OPPORTUNISTIC;
	const char *p = strstr(demand, full);
	char word[32];

	p = p == NULL ? demand : p + sizeof(full) - 1;
	span_keep(word, sizeof(word), (struct span){p, strcspn(p, " ,)")});
	(void)level_parse(word, &level);
	return level;
}

/* The names of "match=a:b" alone; n is 0 if it is that not. */
static struct span
names_in(const struct buf *words)
{
	const struct span s = {words->data, words->len};

	return s.n > 6 && memcmp(s.p, "match=", 6) == 0 &&
		       memchr(s.p, ' ', s.n) == NULL
		   ? span_skip(s, 6)
		   : (struct span){NULL, 0};
}

/* Does a name stand for more than one host? */
static bool
is_broad(struct span name)
{
	return name.n == 0 || *name.p == '.' ||
	       span_same(name, span_of("hostname")) ||
	       span_same(name, span_of("dot-nexthop"));
}

/*
 * Is all that got weaker one more gateway or several, each by its name? Such is
 * what partners tell every other month.
 */
static bool
adds_gateways(const json_t *row)
{
	struct buf words[2] = {{0}, {0}};
	struct span was, is, name, left, old;
	bool yes, known;

	put_words(row, false, &words[0]);
	put_words(row, true, &words[1]);
	was = words[0].len == 0 ? span_of("nexthop:dot-nexthop")
				: names_in(&words[0]);
	is = names_in(&words[1]);
	/* What is cut off is not known. */
	yes = full_level(text_of(row, "was")) == LEVEL_SECURE &&
	      strcmp(text_of(row, "was"), text_of(row, "is")) == 0 &&
	      was.n > 0 && is.n > 0 && words[1].len < ROW_SHOWN - 3;
	while (yes && is.n > 0) {
		name = span_cut(&is, ':');
		known = false;
		for (left = was; left.n > 0 && !known;) {
			old = span_cut(&left, ':');
			known = span_same(name, old);
		}
		yes = known || !is_broad(name);
	}
	buf_free(&words[0]);
	buf_free(&words[1]);
	return yes;
}

bool
mapevent_weakens(const json_t *row)
{
	const char *change = text_of(row, "change"),
		   *cause = text_of(row, "cause");

	return (strcmp(change, change_name(CHANGE_WEAKER)) == 0 ||
		   strcmp(change, change_name(CHANGE_REMOVED)) == 0) &&
	       strcmp(cause, mapcause_name(MAPCAUSE_DOWNGRADE)) != 0 &&
	       strcmp(cause, mapcause_name(MAPCAUSE_END)) != 0 &&
	       full_level(text_of(row, "was")) > LEVEL_OPPORTUNISTIC &&
	       !adds_gateways(row);
}

size_t
mapevent_untold(const json_t *data, size_t *all)
{
	json_t *changes = json_object_get(data, "changes");
	void *i = json_object_iter(changes);
	size_t more = 0;
	json_int_t n;

	*all = 0;
	/* Of the first map the text has a number alone. */
	if (json_array_size(json_object_get(data, "rows")) == 0)
		return 0;
	for (; i != NULL; i = json_object_iter_next(changes, i)) {
		n = json_integer_value(json_object_iter_value(i));
		*all += (size_t)n;
		if (n > TEXT_NAMED)
			more += (size_t)n - TEXT_NAMED;
	}
	return more;
}

size_t
mapevent_unnamed(const json_t *data, bool anybody)
{
	const struct mapevent_rest rest = read_rest(data);

	return anybody && rest.counted && rest.partners == 0
		   ? 0
		   : (size_t)rest.rows;
}
