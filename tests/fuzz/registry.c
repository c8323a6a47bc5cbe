/*
 * reaches: policy/registry/registry.c:registry_parse
 * policy/registry/registry.c:take_partner
 *   policy/registry/registry.c:take_provider
 * policy/registry/registry.c:take_attr
 * policy/registry/registry_slip.c:blank_in_front
 * policy/registry/registry_slip.c:cut_short
 * policy/registry/registry_slip.c:lacks_equals
 * policy/registry/registry_slip.c:needs_braces
 * policy/registry/attributes.c:attribute_take
 * policy/registry/attributes.c:take_list
 * policy/registry/attributes.c:key_element
 * policy/registry/attributes.c:attributes_inherit
 *   policy/registry/registry_check.c:check_parents policy/map/compile.c:compile
 *   policy/map/compile.c:add_unicode policy/map/compile.c:render_policy
 *   policy/map/compile.c:add_gateways policy/core/strength.c:strength_compare
 *
 * The first byte picks the Postfix version; the rest is a registry. One
 * without errors is compiled, once as it stands and once with its first
 * partner lowered, and the rows must be fit for Postfix.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "diag.h"
#include "ledger_downgrade.h"
#include "maprecord.h"
#include "strength.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1795392000

static void
need(bool good)
{
	if (!good)
		abort();
}

static void
check_diags(const struct diags *d)
{
	size_t i, j;

	need(d->errors + d->warnings == d->n);
	for (i = 0; i < d->n; i++)
		for (j = 0; d->v[i].text[j] != '\0'; j++)
			need((unsigned char)d->v[i].text[j] >= 0x20);
}

static void
check_row(const struct maprow *row)
{
	const char *text = row->text;
	struct maprecord rec;
	enum level level;
	const char *p;

	for (p = text; *p != '\0'; p++)
		need((unsigned char)*p >= 0x20 && *p != 0x7f);
	if (maprow_is_record(row)) {
		need(row->key[0] == ' ');
		need(maprecord_parse(&rec, text, strlen(text)));
		maprecord_release(&rec);
		return;
	}
	for (p = row->key; *p != '\0'; p++)
		need((unsigned char)*p > 0x20 && *p != 0x7f &&
		     (*p < 'A' || *p > 'Z'));
	need(strength_level(text, strlen(text), &level));
	need(level == (enum level)row->level);
}

static void
check_compiled(const struct registry *r, const struct target *t)
{
	struct downgrade lower = {.partner = r->partner[0].name,
	    .level = LEVEL_ENCRYPT,
	    .begin = NOW - 1,
	    .end = NOW + 60};
	struct downgrades none = {0}, one = {&lower, 1};
	struct compiled a, b;
	struct diags d = {0};
	const char *was, *is;
	size_t i, j;
	enum change c;

	compile(r, &none, NOW, t, &a, &d);
	compile(r, &one, NOW, t, &b, &d);
	check_diags(&d);
	for (i = 0; i < a.table.n; i++)
		check_row(&a.table.row[i]);
	for (i = j = 0; i < a.table.n && j < b.table.n; i++, j++) {
		while (i < a.table.n && maprow_is_record(&a.table.row[i]))
			i++;
		while (j < b.table.n && maprow_is_record(&b.table.row[j]))
			j++;
		if (i == a.table.n || j == b.table.n)
			break;
		need(strcmp(a.table.row[i].key, b.table.row[j].key) == 0);
		/* A downgrade never makes anything stronger. */
		was = a.table.row[i].text;
		is = b.table.row[j].text;
		c = strength_compare(was, strlen(was), is, strlen(is));
		need(c ==
		     (b.table.row[j].lowered ? CHANGE_WEAKER : CHANGE_NONE));
	}
	for (i = 0; i < b.table.n; i++)
		check_row(&b.table.row[i]);
	maptable_release(&a.table);
	maptable_release(&b.table);
	diag_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned versions[] = {2011, 3003, 3005, 3006, 3011};
	struct target t = {.sha256 = true};
	struct diags d = {0};
	struct registry *r;

	if (size < 1)
		return 0;
	t.version = versions[data[0] % 5];
	t.opportunistic =
	    data[0] & 0x80 ? OPPORTUNISTIC_DANE : OPPORTUNISTIC_MAY;
	r = registry_parse("r", (const char *)data + 1, size - 1, NOW, &d);
	diag_sort(&d);
	check_diags(&d);
	if (d.errors == 0 && r->npartners > 0)
		check_compiled(r, &t);
	(void)registry_find(r, "acme.example");
	diag_free(&d);
	registry_free(r);
	return 0;
}
