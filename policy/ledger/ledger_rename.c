#include "ledger_rename.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "db.h"
#include "err.h"
#include "json.h"
#include "ledger_downgrade.h"
#include "mem.h"

/* By an index of its own, which wants the kind in these very words. */
#define RENAMES "kind = '" LEDGER_RENAMED "'"

/* A name of the event's data; "" if there is none. */
static const char *
name_in(struct arena *a, const json_t *data, const char *which)
{
	const char *s = json_string_value(json_object_get(data, which));

	return s == NULL ? "" : arena_copy(a, s, strlen(s));
}

int
ledger_names_read(struct ledger *l, struct ledger_names *out, struct err *e)
{
	struct ledger_renamed *x;
	struct db_stmt *s;
	size_t cap = 0;
	json_t *data;
	int rv;

	*out = (struct ledger_names){0};
	s = db_sql(l->db,
	    "SELECT seq, time, data FROM event WHERE " RENAMES " ORDER BY seq");
	while ((rv = db_step(s, e)) == 1) {
		data = json_loads(db_col_text(s, 2), 0, NULL);
		out->v = mem_grow(out->v, out->n, &cap, sizeof(*out->v));
		x = &out->v[out->n];
		*x = (struct ledger_renamed){.seq = db_col_int(s, 0),
		    .time = db_col_int(s, 1),
		    .from = name_in(&out->arena, data, "from"),
		    .to = name_in(&out->arena, data, "to")};
		out->n += *x->from != '\0' && *x->to != '\0';
		json_decref(data);
	}
	if (db_done(s, rv) == 0)
		return 0;
	ledger_names_release(out);
	return -1;
}

void
ledger_names_release(struct ledger_names *n)
{
	free(n->v);
	arena_free(&n->arena);
	*n = (struct ledger_names){0};
}

const char *
ledger_name_now(
    const struct ledger_names *n, const char *name, int64_t seq, time_t at)
{
	const struct ledger_renamed *x;
	size_t i;

	for (i = 0; i < n->n; i++) {
		x = &n->v[i];
		if ((seq != 0 ? x->seq > seq : x->time >= at) &&
		    strcmp(x->from, name) == 0) {
			name = x->to;
			seq = x->seq;
		}
	}
	return name;
}

int
ledger_rename_due(struct ledger *l, const char *from, struct err *e)
{
	int64_t last = 0;
	struct ledger_names names;
	size_t i;
	int rv;

	if (db_ask(l->db, e, &last,
		"SELECT coalesce(max(seq), 0) FROM event WHERE partner = ?",
		DB_TEXT(from)) == -1 ||
	    ledger_names_read(l, &names, e) == -1)
		return -1;
	rv = 1;
	for (i = 0; i < names.n; i++)
		if (names.v[i].seq > last && strcmp(names.v[i].from, from) == 0)
			rv = 0;
	ledger_names_release(&names);
	return rv;
}

static int
append(struct ledger *l, const char *from, const char *to, const char *author,
    time_t now, struct err *e)
{
	char *text = mem_printf("%s is %s from now on", from, to);
	char *data =
	    json_compact(json_pack("{s:s, s:s}", "from", from, "to", to));
	const struct ledger_event ev = {.time = now,
	    .kind = LEDGER_RENAMED,
	    .partner = to,
	    .author = author,
	    .text = text,
	    .data = data};
	int rv = ledger_event_append(l, &ev, 0, e);

	free(text);
	free(data);
	return rv;
}

static int
rename_due(struct ledger *l, const char *from, const char *to,
    const char *author, time_t now, struct err *e)
{
	int rv = ledger_rename_due(l, from, e);

	if (rv != 1)
		return rv;
	/* What is told of the old name comes before. */
	if (ledger_downgrade_move(l, from, to, author, now, e) == -1 ||
	    ledger_notice_move(l, from, to, e) == -1 ||
	    append(l, from, to, author, now, e) == -1)
		return -1;
	return 1;
}

int
ledger_rename(struct ledger *l, const char *from, const char *to,
    const char *author, time_t now, struct err *e)
{
	if (*from == '\0' || *to == '\0' || strcmp(from, to) == 0)
		return err_set(e, EX_DATAERR,
		    "ledger: a rename needs two names that differ");
	if (ledger_need_time("time", now, e) == -1)
		return -1;
	return db_within(
	    l->db, true, e, rename_due(l, from, to, author, now, e));
}
