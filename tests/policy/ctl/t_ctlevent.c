/* t_ctlevent.c: which events of the map are about a partner. */
#include "check.h"

#include "buf.h"
#include "ctlevent.h"
#include "ledger.h"

#define ROW(key, cause) "{\"key\":\"" key "\",\"cause\":\"" cause "\"}"

#define NAMED(is, was)                                                 \
	"{\"key\":\"k\",\"partner\":\"" is "\",\"partner_was\":\"" was \
	"\",\"cause\":\"registry\"}"

#define OTHERS(names) "{\"rest\":{\"n\":2,\"partners\":[" names "]}}"

static bool
is_acme(const struct ctlevent_row *row, void *arg)
{
	(void)arg;
	return span_is(row->key, "acme") || span_is(row->partner, "acme") ||
	       span_is(row->partner_was, "acme");
}

static void
t_changes(void **state)
{
	static const struct {
		const char *name, *kind, *data;
		bool changes;
	} rows[] = {
	    {"an edit", "map", ROW("acme", "registry"), true},
	    {"by its name", "map", NAMED("acme", "x"), true},
	    {"by the name it had", "map",
		ROW("y", "registry") NAMED("x", "acme"), true},
	    {"by no other name", "map", NAMED("x", "acmex"), false},
	    {"the name of the next row", "map",
		ROW("x", "end") "{\"key\":\"y\",\"partner\":\"acme\","
				"\"cause\":\"end\"}",
		false},
	    {"the second row", "map",
		ROW("x", "registry") ROW("acme", "settings"), true},
	    {"of another one", "map", ROW("acmex", "registry"), false},
	    {"a downgrade", "map", ROW("acme", "downgrade"), false},
	    {"its end", "map", ROW("acme", "end"), false},
	    {"another row of a downgrade", "map",
		ROW("x", "end") ROW("acme", "registry"), true},
	    {"a row that is not named", "map",
		ROW("x", "registry") OTHERS("\"y\",\"acme\""), true},
	    {"none is", "map", OTHERS("\"acme\""), true},
	    {"those of others", "map", OTHERS("\"acmex\",\"y\""), false},
	    {"of nobody", "map", OTHERS(""), false},
	    {"cut off there", "map", "{\"rest\":{\"partners\":[\"acme", false},
	    {"no map", "map-found", ROW("acme", "registry"), false},
	    {"no rows", "map", "{}", false},
	    {"nothing", "map", "", false},
	    {"cut off", "map", "{\"key\":\"acme", false},
	    {"a text that looks so", "map",
		"\"was\":\"\\\"key\\\":\\\"acme\\\",\\\"cause\\\":\\\"x\\\"\"",
		false},
	};
	struct ledger_event ev = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		ev.kind = rows[i].kind;
		ev.data = rows[i].data;
		check_int(rows[i].name, ctlevent_changes(&ev, is_acme, NULL),
		    rows[i].changes);
	}
}

#define DEMAND(key, change, cause, was, is)                           \
	"{\"key\":\"" key "\",\"partner\":null,\"change\":\"" change  \
	"\",\"cause\":\"" cause "\",\"was\":\"" was "\",\"is\":\"" is \
	"\",\"was_words\":\"match=a\",\"is_words\":\"match=.b\"}"
#define ROWS(rows, unnamed) \
	"{\"rows\":[" rows "],\"rest\":{\"n\":" #unnamed "}}"

/* What made somebody weaker, and acme. */
static void
t_weakens(void **state)
{
	static const struct {
		const char *kind, *data;
		bool anybody, acme;
	} rows[] = {
	    {"downgrade-begin", "", true, true},
	    {"downgrade-extend", "", true, true},
	    {"downgrade-close", "", false, false},
	    {"map",
		ROWS(DEMAND("acme", "weaker", "registry", "secure", "encrypt"),
		    0),
		true, true},
	    {"map",
		ROWS(DEMAND("acme", "weaker", "settings", "secure", "secure"),
		    0),
		true, true},
	    {"map",
		ROWS(DEMAND("acme", "stronger", "registry", "encrypt",
			 "secure") "," DEMAND("x", "removed", "registry",
			 "encrypt", "nothing"),
		    0),
		true, false},
	    {"map",
		ROWS(DEMAND("acme", "weaker", "downgrade", "secure",
			 "encrypt (full: secure)"),
		    0),
		false, false},
	    {"map",
		ROWS(DEMAND("acme", "removed", "registry", "opportunistic",
			 "nothing"),
		    0),
		false, false},
	    {"map", "{}", false, false},
	    {"map", "", false, false},
	    {"map-found",
		ROWS(DEMAND("acme", "weaker", "registry", "secure", "encrypt"),
		    0),
		false, false},
	};
	struct ledger_event ev = {0};
	json_t *data;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		ev.kind = rows[i].kind;
		ev.data = rows[i].data;
		data = json_loads(ev.data, 0, NULL);
		check_int(ev.data, ctlevent_weakens(&ev, data, NULL, NULL),
		    rows[i].anybody);
		check_int(ev.data, ctlevent_weakens(&ev, data, is_acme, NULL),
		    rows[i].acme);
		json_decref(data);
	}
}

/* Each row, of all or of acme. */
static void
t_rows(void **state)
{
	static const struct {
		const char *data;
		bool all;
		const char *text;
	} rows[] = {
	    {ROWS(DEMAND("x", "weaker", "registry", "secure",
		      "encrypt") "," DEMAND("acme", "weaker", "end", "s",
		      "s") "," DEMAND("y", "added", "registry", "nothing", "s"),
		 0),
		true,
		"registry, end: 2 weaker (x secure match=a -> encrypt "
		"match=.b; "
		"acme s match=a -> s match=.b), 1 added (y nothing match=a -> "
		"s "
		"match=.b)"},
	    {ROWS(DEMAND("x", "weaker", "registry", "secure",
		      "encrypt") "," DEMAND("acme", "weaker", "settings", "s",
		      "s"),
		 7),
		false,
		"settings: 1 weaker (acme s match=a -> s match=.b); and 7 rows "
		"of which no name is on record"},
	    {ROWS(DEMAND("x", "weaker", "registry", "secure", "encrypt"), 7),
		false, ""},
	    {"{}", true, ""},
	};
	struct buf text = {0};
	json_t *data;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&text);
		buf_puts(&text, "");
		data = json_loads(rows[i].data, 0, NULL);
		check_int(rows[i].data,
		    ctlevent_rows(
			data, rows[i].all ? NULL : is_acme, NULL, &text),
		    *rows[i].text != '\0');
		check_str(rows[i].data, text.data, rows[i].text);
		json_decref(data);
	}
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(t_changes),
	    cmocka_unit_test(t_weakens), cmocka_unit_test(t_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
