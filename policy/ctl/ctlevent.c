#include "ctlevent.h"

#include <string.h>

#include "buf.h"
#include "ledger.h"
#include "mapchange.h"
#include "mapevent.h"
#include "num.h"

/*
 * The text behind `"name":"`, up to the next quote, which stands before end;
 * an empty one if there is none. Inside of a JSON string quotes have a
 * backslash: no text can look so.
 */
static struct span
find_text(const char *p, const char *end, const char *name)
{
	p = strstr(p, name);
	if (p == NULL || p >= end)
		return span_of("");
	p += strlen(name);
	return (struct span){p, strcspn(p, "\"")};
}

/* Whose the rows were that the event does not name, as far as it says so. */
static bool
is_of_others(const char *data, ctlevent_row_fn *is_theirs, void *arg)
{
	static const char list[] = "\"partners\":[";
	struct ctlevent_row row = {.key = span_of(""), .partner = span_of("")};
	const char *p = strstr(data, list);

	if (p == NULL)
		return false;
	for (p += sizeof(list) - 1; *p == '"'; p += *p == ',') {
		row.partner_was = (struct span){p + 1, strcspn(p + 1, "\"")};
		p += 1 + row.partner_was.n;
		if (*p++ != '"')
			return false;
		if (is_theirs(&row, arg))
			return true;
	}
	return false;
}

bool
ctlevent_changes(
    const struct ledger_event *ev, ctlevent_row_fn *is_theirs, void *arg)
{
	const char *p = ev->data, *end = p + strlen(p);
	struct ctlevent_row row;
	struct span cause;

	if (strcmp(ev->kind, "map") != 0)
		return false;
	for (;; p = cause.p) {
		row.key = find_text(p, end, "\"key\":\"");
		if (row.key.n == 0)
			break;
		cause = find_text(row.key.p, end, "\"cause\":\"");
		if (cause.n == 0)
			break;
		row.partner = find_text(row.key.p, cause.p, "\"partner\":\"");
		row.partner_was =
		    find_text(row.key.p, cause.p, "\"partner_was\":\"");
		if (!span_is(cause, "downgrade") && !span_is(cause, "end") &&
		    is_theirs(&row, arg))
			return true;
	}
	return is_of_others(ev->data, is_theirs, arg);
}

/* --- Of data that was parsed --------------------------------------------- */

static struct span
span_in(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return span_of(s == NULL ? "" : s);
}

static bool
is_asked(const json_t *row, ctlevent_row_fn *is_theirs, void *arg)
{
	const struct ctlevent_row r = {.key = span_in(row, "key"),
	    .partner = span_in(row, "partner"),
	    .partner_was = span_in(row, "partner_was")};

	return is_theirs == NULL || is_theirs(&r, arg);
}

bool
ctlevent_weakens(const struct ledger_event *ev, const json_t *data,
    ctlevent_row_fn *is_theirs, void *arg)
{
	const json_t *rows, *row;
	size_t i;

	if (strcmp(ev->kind, "downgrade-begin") == 0 ||
	    strcmp(ev->kind, "downgrade-extend") == 0)
		return true;
	if (strcmp(ev->kind, MAPEVENT_KIND) != 0)
		return false;
	rows = json_object_get(data, "rows");
	for (i = 0; i < json_array_size(rows); i++) {
		row = json_array_get(rows, i);
		if (mapevent_weakens(row) && is_asked(row, is_theirs, arg))
			return true;
	}
	return false;
}

/* One kind of change after the other, as the event has them. */
struct rows {
	struct buf text;
	struct buf some; /* of the kind that is read */
	struct span change;
	size_t n;
	bool cause[MAPCAUSES];
};

static void
end_kind(struct rows *r)
{
	if (r->n > 0)
		buf_printf(&r->text, "%s%zu %.*s (%s)",
		    r->text.len == 0 ? "" : ", ", r->n, SPAN_ARG(r->change),
		    r->some.data);
	buf_clear(&r->some);
	r->n = 0;
}

static void
take_row(struct rows *r, const json_t *row)
{
	const struct span change = mapevent_opens(row)
				       ? span_of(MAPEVENT_OPENED)
				       : span_in(row, "change"),
			  cause = span_in(row, "cause"),
			  key = span_in(row, "key");
	unsigned i;

	if (r->n > 0 && !span_same(change, r->change))
		end_kind(r);
	r->change = change;
	for (i = 0; i < MAPCAUSES; i++)
		if (span_same(cause, span_of(mapcause_name((enum mapcause)i))))
			r->cause[i] = true;
	buf_printf(&r->some, "%s%.*s ", r->n++ == 0 ? "" : "; ", SPAN_ARG(key));
	mapevent_demand(row, false, &r->some);
	buf_puts(&r->some, " -> ");
	mapevent_demand(row, true, &r->some);
}

bool
ctlevent_rows(
    const json_t *data, ctlevent_row_fn *is_theirs, void *arg, struct buf *out)
{
	const size_t unnamed = mapevent_unnamed(data, is_theirs != NULL);
	const json_t *rows = json_object_get(data, "rows");
	const char *between = "";
	struct rows r = {0};
	bool any;
	size_t i;

	for (i = 0; i < json_array_size(rows); i++)
		if (is_asked(json_array_get(rows, i), is_theirs, arg))
			take_row(&r, json_array_get(rows, i));
	end_kind(&r);
	if ((any = r.text.len > 0)) {
		for (i = 0; i < MAPCAUSES; i++)
			if (r.cause[i]) {
				buf_printf(out, "%s%s", between,
				    mapcause_name((enum mapcause)i));
				between = ", ";
			}
		buf_printf(out, ": %s", r.text.data);
		if (unnamed > 0)
			buf_printf(out,
			    "; and %zu row%s of which no name is "
			    "on record",
			    unnamed, num_plural(unnamed));
	}
	buf_free(&r.text);
	buf_free(&r.some);
	return any;
}
