#include "compileimport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "common.h"
#include "diag.h"
#include "err.h"
#include "file.h"
#include "import.h"
#include "json.h"
#include "num.h"
#include "postmap.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "settings.h"

#define SCHEMA_IMPORT "tlspact.import.v1"
#define IMPORT_MAX (256u * 1024 * 1024) /* bytes */

/* Or -1. */
static int
format_index(const char *name)
{
	int i;

	for (i = 0; import_formats[i] != NULL; i++)
		if (strcmp(import_formats[i]->name, name) == 0)
			return i;
	return -1;
}

bool
compileimport_format(const char *name)
{
	return format_index(name) != -1;
}

/* A table as main.cf names it: TYPE:NAME, where no file has that name. */
static bool
is_table(const char *from)
{
	size_t n = strspn(from, "abcdefghijklmnopqrstuvwxyz_0123456789");

	return n > 0 && from[n] == ':' && access(from, F_OK) == -1;
}

static char *
read_all(const char *from, bool ask, size_t *len, struct err *e)
{
	char *text;

	if (!ask)
		return file_slurp(strcmp(from, "-") == 0 ? "/dev/stdin" : from,
		    IMPORT_MAX, len, NULL, e);
	text = postmap_ask(NULL, from, NULL, e);
	/* As Postfix has it, where a type of table is for questions only. */
	if (text == NULL && strstr(e->text, "sequence operation") != NULL)
		(void)err_set(e, EX_DATAERR,
		    "%s: Postfix cannot list tables of this type; use its "
		    "text, or hash:",
		    quotes(from).s);
	*len = text == NULL ? 0 : strlen(text);
	return text;
}

/* The registry, as it is printed. */
static void
put_import(const struct import *im, const char *format, struct buf *out)
{
	buf_printf(
	    out, "# Imported from %s (%s).\n", quotes(im->file).s, format);
	if (strcmp(format, "csv") != 0)
		buf_puts(out,
		    "# inbound=off: it says nothing of mail that comes "
		    "in. Take that away where\n# the agreement is for "
		    "both directions, and name a contact=.\n");
	buf_printf(out, "\n%s", im->out.len == 0 ? "" : im->out.data);
}

/* What became of a row, and why. */
static json_t *
json_imported(const struct import_row *row)
{
	json_t *notes = json_array();
	const char *p, *end;

	for (p = row->notes; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		json_array_append_new(notes, json_bytes(p, (size_t)(end - p)));
	}
	return json_pack("{s:o, s:o, s:s?, s:s, s:o}", "line",
	    row->line == 0 ? json_null() : json_integer(row->line), "key",
	    json_text(row->domain), "partner", row->partner, "taken",
	    row->left	  ? "no"
	    : row->partly ? "in part"
			  : "yes",
	    "notes", notes);
}

static json_t *
json_import(const struct import *im, const char *format, struct buf *registry)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < im->rows; i++)
		json_array_append_new(list, json_imported(&im->row[i]));
	return json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "file",
	    json_text(im->file), "format", format, "whole",
	    (json_int_t)(im->rows - im->partly - im->left), "partly",
	    (json_int_t)im->partly, "left_out", (json_int_t)im->left,
	    "unread_ca", (json_int_t)im->unread, "rows", list, "registry",
	    json_bytes(registry->data, registry->len));
}

/* A listed table has neither, and its text may still be there. */
static void
tell_source(const struct import *im)
{
	const char *text = im->file + strcspn(im->file, ":") + 1;

	if (im->listed && access(text, R_OK) == 0)
		say("listed by name, without order and lines; if %s is its "
		    "text: --import postfix %s",
		    quotes(text).s, quotes(text).s);
}

static int
tell_import(const struct import *im)
{
	const size_t whole = im->rows - im->partly - im->left;

	char unread[64] = "", had[64] = "";

	if (im->had > 0)
		(void)snprintf(
		    had, sizeof(had), "; %zu in the registry already", im->had);
	if (im->unread > 0)
		(void)snprintf(unread, sizeof(unread),
		    "; %zu with a CA file that cannot be read", im->unread);
	say("%zu row%s: %zu carried over, %zu in part, %zu left out%s%s%s",
	    im->rows, num_plural(im->rows), whole, im->partly, im->left, unread,
	    had,
	    whole == im->rows && im->unread + im->had == 0
		? ""
		: "; the comments say why");
	if (im->left == im->rows)
		return EX_DATAERR;
	return whole == im->rows ? EX_OK : 1;
}

/* json: one object, with what was said in it. */
static int
finish_import(const struct import *im, const char *format, bool json)
{
	struct buf registry = {0};
	int code;

	put_import(im, format, &registry);
	if (!json)
		(void)fputs(registry.data, stdout);
	tell_source(im);
	code = tell_import(im);
	if (!json && im->left < im->rows)
		say("next, with that in the registry: tlspact-compile -n%s",
		    strcmp(format, import_formats[0]->name) != 0
			? ""
			: "; against the old table: --diff -o map=OLD.cdb");
	if (json)
		common_answer(SCHEMA_IMPORT, time(NULL), code,
		    json_import(im, format, &registry));
	buf_free(&registry);
	return code;
}

static int
no_import(bool json, int code)
{
	if (json)
		common_answer(SCHEMA_IMPORT, time(NULL), code, NULL);
	return code;
}

/* The registry as it is, if there is one; of its faults its compile tells. */
static struct registry *
load_have(struct settings_options *from)
{
	struct registry *r = NULL;
	struct settings set;
	struct diags d = {0};
	struct err ignored;

	if (settings_load(&set, from, SYSCONFDIR SETTINGS_FILE, &d, &ignored) ==
		0 &&
	    d.errors == 0)
		r = registry_load(set.registry, time(NULL), &d, &ignored);
	diag_free(&d);
	settings_free(&set);
	return r;
}

int
compileimport(const char *name, const char *from, bool json,
    struct settings_options *settings)
{
	const int index = format_index(name);
	const bool ask = index == 0 && is_table(from);
	struct import im = {
	    .file = strcmp(from, "-") == 0 ? "stdin" : from, .listed = ask};
	struct registry *have;
	struct err e;
	size_t len;
	char *text;
	int code;

	if (index == -1) {
		say("--import: %s is no format; there are postfix, csv, json "
		    "and destinations",
		    quotes(name).s);
		return no_import(json, EX_USAGE);
	}
	if ((text = read_all(from, ask, &len, &e)) == NULL)
		return no_import(json, common_failed(&e));
	im.have = have = load_have(settings);
	if (import_text(&im, (unsigned)index, text, len, &e) == -1) {
		if (e.file == NULL)
			e.file = im.file;
		code = no_import(json, common_failed(&e));
	} else {
		code = finish_import(&im, name, json);
	}
	import_release(&im);
	registry_free(have);
	free(text);
	return code;
}
