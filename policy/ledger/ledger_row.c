#include "ledger_row.h"

#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "json.h"
#include "ledger.h"
#include "mem.h"
#include "quote.h"

json_t *
ledger_row_json(struct db_stmt *s)
{
	json_t *o = json_object(), *v;
	const char *name, *p;
	int64_t n;
	size_t len;
	int i;

	for (i = 0; (name = db_col_name(s, i)) != NULL; i++) {
		n = db_col_int(s, i);
		p = db_col_bytes(s, i, &len);
		if (strcmp(name, "id") == 0)
			v = json_integer(n);
		else if (strcmp(name, "begin") != 0 &&
			 strcmp(name, "end") != 0 &&
			 strcmp(name, "closed") != 0)
			v = json_bytes(p, len);
		else if (n < 0 || n > LEDGER_TIME_MAX) /* edited */
			v = json_integer(n);
		else
			v = json_time(n);
		if (json_object_set_new(o, name, v) == -1)
			abort();
	}
	return o;
}

json_t *
ledger_row_said(const char *data)
{
	json_t *o =
	    json_loads(data, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

bool
ledger_row_differs(const json_t *row, const json_t *said, const char *name)
{
	const json_t *was = json_object_get(said, name);
	const json_t *is = json_object_get(row, name);

	/* Columns that came later are not in older events: they are empty. */
	if (was == NULL)
		return !json_is_string(is) || json_string_length(is) > 0;
	return !json_equal(is, was);
}

/* A value of a column for a sentence. */
static char *
show(const json_t *v)
{
	if (json_is_string(v))
		return mem_dup(
		    quote(json_string_value(v), json_string_length(v)).s);
	if (v == NULL || json_is_null(v))
		return mem_dup("not set");
	return json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
}

char *
ledger_row_edit(const json_t *row, const json_t *said, const char *name,
    int64_t seq, char **was, char **is)
{
	*is = show(json_object_get(row, name));
	*was = show(json_object_get(said, name));
	return mem_printf("%s is %s, and event %lld says %s", name, *is,
	    (long long)seq, *was);
}
