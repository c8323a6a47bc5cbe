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
#include "num.h"
#include "quote.h"
#include "settings.h"

#define KIND "map"
#define KIND_FAILED "map-failed"
#define KIND_FOUND "map-found"
#define KIND_UNRECORDED "map-unrecorded"

#define ROW_SHOWN 512	  /* bytes of a row's text that an event keeps */
#define NAMED_BYTES 48000 /* of all rows that an event names */
#define TEXT_NAMED 3	  /* rows in the text for people */

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
	json_t *changes = json_object(), *causes = json_object();
	unsigned i;

	for (i = 0; i < MAPCAUSES; i++)
		if (c->cause[i] > 0)
			count(causes, mapcause_name((enum mapcause)i),
			    c->cause[i]);
	for (i = CHANGE_ADDED; i <= CHANGE_OTHER; i++)
		count(changes, change_name((enum change)i), c->count[i]);
	json_object_set_new(data, "causes", causes);
	json_object_set_new(data, "changes", changes);
	json_object_set_new(data, "levels", json_levels(c));
}

static json_t *
json_row(const struct mapchange *c)
{
	struct buf was = {0}, is = {0};
	json_t *o;

	mapdemand_print(&c->was, c->client, &was);
	mapdemand_print(&c->is, c->client, &is);
	o = json_pack("{s:o, s:b, s:s, s:s, s:s, s:s, s:o, s:o}", "key",
	    json_shown(c->key, c->keylen), "client", c->client, "change",
	    change_name(c->change), "cause", mapcause_name(c->cause), "was",
	    was.data, "is", is.data, "was_row",
	    json_shown(c->was.row, c->was.rowlen), "is_row",
	    json_shown(c->is.row, c->is.rowlen));
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
add_rows(json_t *data, const struct mapchange **v, size_t n)
{
	json_t *rows = json_array(), *row;
	size_t i, bytes = 0;

	for (i = 0; i < n && i < MAPEVENT_NAMED; i++) {
		row = json_row(v[i]);
		/* In JSON a byte can take six. */
		bytes += json_dumpb(row, NULL, 0, JSON_COMPACT);
		if (bytes > NAMED_BYTES) {
			json_decref(row);
			break;
		}
		json_array_append_new(rows, row);
	}
	json_object_set_new(data, "rows", rows);
	json_object_set_new(data, "rest", json_rest(v + i, n - i));
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
		mapdemand_print(&v[i]->was, v[i]->client, out);
		buf_puts(out, " -> ");
		mapdemand_print(&v[i]->is, v[i]->client, out);
	}
	buf_puts(out, i < n ? "; ...)" : ")");
}

/* "registry: 1 weaker (a.example secure -> opportunistic), 1 added". */
static void
print_text(const struct mapchanges *c, const struct mapchange *const *v,
    const char *first, struct buf *out)
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
		buf_printf(out, "%s%zu %s", between, n, change_name(order[i]));
		between = ", ";
		if (order[i] == CHANGE_WEAKER || order[i] == CHANGE_REMOVED)
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
    const char *fresh, time_t now, struct err *e)
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
	add_counts(data, c);
	v = mapchanges_ranked(c, &n);
	print_text(c, v,
	    !c->first	      ? NULL
	    : *before == '\0' ? "the first map"
			      : "in place of a damaged map",
	    &text);
	add_rows(data, v, n);
	rv = append(l, KIND, text.data, data, now, e);
	free(v);
	buf_free(&text);
	ledger_close(l);
	return rv;
}
