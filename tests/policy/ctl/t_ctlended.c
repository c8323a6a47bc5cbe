/* t_ctlended.c: what became of a downgrade, in the words of history. */
#include "check.h"

#include "buf.h"
#include "ctlended.h"
#include "ledger_downgrade.h"

#define DAY 864000 /* 1970-01-11 */
#define NOW (DAY + 86400)

/* The newest first. */
static const struct ledger_downgrade rows[] = {
    {.id = 9,
	.partner = "bolt",
	.begin = DAY + 50,
	.end = DAY + 99999,
	.closed = DAY + 60,
	.closed_by = "root (jo)",
	.closed_why = "fixed",
	.direction = DIRECTION_INBOUND},
    {.id = 7,
	.partner = "bolt",
	.begin = DAY + 10,
	.end = NOW,
	.closed_by = "",
	.closed_why = ""},
    {.id = 6,
	.partner = "acme",
	.begin = DAY + 40,
	.end = NOW + 1,
	.closed_by = "",
	.closed_why = ""},
    {.id = 5,
	.partner = "acme",
	.begin = DAY + 20,
	.end = DAY + 99999,
	.closed = DAY + 40,
	.closed_by = "tlspactd",
	.closed_why = "another one"},
    {.id = 2,
	.partner = "acme",
	.begin = DAY + 1,
	.end = DAY + 5,
	.closed = DAY + 5,
	.closed_by = "tlspact",
	.closed_why = "end"},
};

static void
t_ended(void **state)
{
	static const struct {
		int64_t id;
		const char *became, *text, *back;
	} want[] = {
	    {2, "ended 1970-01-11 00:00:05 by its time", "its time was up",
		"restored to secure: its time was up"},
	    {5, "ended 1970-01-11 00:00:40 by tlspactd", "another one",
		"ended: another one"},
	    {6, "holds until 1970-01-12 00:00:01", NULL, NULL},
	    {7, "ended 1970-01-12 00:00:00 by its time", "restored",
		"restored to secure"},
	    {9, "ended 1970-01-11 00:01:00 by root (jo)", "fixed",
		"ended: fixed"},
	    {1, NULL, NULL, NULL},
	    {8, NULL, NULL, NULL},
	    {10, NULL, NULL, NULL},
	};
	struct ctlended x = {.now = NOW};
	const struct ctlended_one *o;
	struct ledger_downgrade d;
	struct buf text = {0};
	char name[24];
	size_t i;

	(void)state;
	assert_null(ctlended_find(&x, 1));
	for (i = 0; i < COUNT(rows); i++) {
		d = rows[i];
		d.before = LEVEL_SECURE;
		check_true(d.partner, ctlended_take(&d, &x));
	}
	for (i = 0; i < COUNT(want); i++) {
		(void)snprintf(name, sizeof(name), "%d", (int)want[i].id);
		o = ctlended_find(&x, want[i].id);
		check_int(name, o != NULL, want[i].became != NULL);
		if (o == NULL)
			continue;
		buf_clear(&text);
		ctlended_put(o, &text);
		check_str(name, text.data, want[i].became);
		if (want[i].text == NULL)
			continue;
		buf_clear(&text);
		ctlended_put_back(&x, o, false, want[i].text, &text);
		check_str(name, text.data, want[i].back);
	}
	buf_free(&text);
	ctlended_release(&x);
}

/* Of mail from them alone the level stays as it was. */
static void
t_inbound(void **state)
{
	struct ctlended x = {.now = NOW};
	struct buf text = {0};

	(void)state;
	check_true("taken", ctlended_take(&rows[0], &x));
	ctlended_put_back(&x, ctlended_find(&x, 9), false, "fixed", &text);
	check_str("inbound", text.data, "mail from it needs TLS again: fixed");
	buf_clear(&text);
	ctlended_put_back(&x, ctlended_find(&x, 9), true, "fixed", &text);
	check_str("by certificate", text.data,
	    "mail from it needs TLS and their certificate again: fixed");
	buf_free(&text);
	ctlended_release(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_ended), cmocka_unit_test(t_inbound)};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
