/*
 * reaches: policy/registry/import.c:import_text
 * policy/registry/import_postfix.c:take_attr
 * policy/registry/import_postfix.c:put_keys
 * policy/registry/import_csv.c:take_row
 * policy/registry/import_json.c:put_policy
 * policy/registry/import_destinations.c:end_section
 * policy/registry/import.c:put_statement
 *
 * The first byte picks the format; the rest is what is imported. Whatever it
 * is, what comes out is a registry without errors, of printable text, with a
 * partner for each row that was carried over.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "err.h"
#include "import.h"
#include "lines.h"
#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool good)
{
	if (!good)
		abort();
}

static void
check(const struct import *im)
{
	struct diags d = {0};
	struct registry *r;

	need(im->left + im->partly <= im->rows);
	if (im->out.len == 0)
		return;
	need(lines_bad_byte(im->out.data, im->out.len) == -1);
	r = registry_parse("r", im->out.data, im->out.len, 0, &d);
	need(d.errors == 0);
	need(r->npartners <= im->rows - im->left);
	registry_free(r);
	diag_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import im = {.file = "t"};
	struct err e;
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	need(text != NULL);
	memcpy(text, data + 1, size - 1);
	if (import_text(&im, data[0] % 4u, text, size - 1, &e) == -1)
		need(e.code != 0 && e.text[0] != '\0');
	check(&im);
	import_release(&im);
	free(text);
	return 0;
}
