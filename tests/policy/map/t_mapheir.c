/* Who is gone, and another one has his domain: is it the same partner? */
#include "check.h"

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "ledger.h"
#include "ledger_rename.h"
#include "mapheir.h"
#include "registry.h"

#define NOW 1795392000 /* 2026-11-23T00:00:00Z */

static struct registry *
parse(const char *text)
{
	struct diags d = {0};
	struct registry *r =
	    registry_parse("registry", text, strlen(text), NOW, &d);

	check_int(text, d.errors, 0);
	diag_free(&d);
	return r;
}

static void
check_heirs(const char *name, const struct mapheirs *h, const char *want)
{
	struct buf out = {0};
	size_t i;

	buf_puts(&out, "");
	for (i = 0; i < h->n; i++)
		buf_printf(&out, "%s %s %s\n", h->v[i].from, h->v[i].to,
		    h->v[i].domain);
	check_str(name, out.data, want);
	buf_free(&out);
}

#define A "partner a domain=a.example,a.test\n"
#define Z "partner z domain=z.example\n"

static const struct {
	const char *name, *was, *is;
	const char *found;
	const char *then; /* the registry later; NULL: is */
	const char *from; /* a rename that is recorded; it has 2 names */
	const char *to;
	const char *left; /* of what was found */
} row[] = {
    {"all as it was", A Z, A Z, "", NULL, NULL, NULL, ""},
    {"another name", A Z, "partner b domain=a.example,a.test\n" Z,
	"a b a.example\n", NULL, NULL, NULL, "a b a.example\n"},
    {"that is said", A, "partner b domain=a.example former=a\n", "", NULL, NULL,
	NULL, ""},
    {"removed", A Z, Z, "", NULL, NULL, NULL, ""},
    {"one that stays gives a domain away", A Z,
	"partner a domain=a.test\n"
	"partner z domain=z.example,a.example\n",
	"", NULL, NULL, NULL, ""},
    {"said later", A, "partner b domain=a.example\n", "a b a.example\n",
	"partner b domain=a.example former=a\n", NULL, NULL, ""},
    {"it is back", A, "partner b domain=a.example\n", "a b a.example\n", A,
	NULL, NULL, ""},
    {"the domain is others'", A, "partner b domain=a.example\n",
	"a b a.example\n", "partner b domain=b.example\n" Z, NULL, NULL, ""},
    {"once more another name", A, "partner b domain=a.example\n",
	"a b a.example\n", "partner c domain=a.example former=b\n", "b", "c",
	"a c a.example\n"},
};

static void
t_heirs(void **state)
{
	struct mapheirs found, left;
	struct registry *was, *is, *then;
	struct ledger *l;
	struct err e;
	char *dir = check_folder(), *path;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		found = left = (struct mapheirs){0};
		was = parse(row[i].was);
		is = parse(row[i].is);
		then = parse(row[i].then == NULL ? row[i].is : row[i].then);
		mapheirs_find(was, is, &found);
		check_heirs(row[i].name, &found, row[i].found);
		assert_int_not_equal(asprintf(&path, "%s/%zu.db", dir, i), -1);
		l = ledger_open(path, LEDGER_WRITE, &e);
		assert_non_null(l);
		check_int(
		    row[i].name, mapheirs_record(l, &found, "me", NOW, &e), 0);
		if (row[i].from != NULL)
			check_int(row[i].name,
			    ledger_rename(
				l, row[i].from, row[i].to, "me", NOW, &e),
			    1);
		check_int(
		    row[i].name, mapheirs_read(l, then, NOW, &left, &e), 0);
		check_heirs(row[i].name, &left, row[i].left);
		mapheirs_release(&left);
		check_int(
		    row[i].name, mapheirs_read(l, then, NOW + 1, &left, &e), 0);
		check_heirs("longer ago", &left, "");
		mapheirs_release(&left);
		mapheirs_release(&found);
		ledger_close(l);
		registry_free(was);
		registry_free(is);
		registry_free(then);
		free(path);
	}
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_heirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
