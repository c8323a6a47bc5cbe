/*
 * A log reader in hostile hands: what may not be said is not recorded.
 */
#include "check.h"

#include <sysexits.h>

#include "buf.h"
#include "err.h"
#include "logrecord.h"
#include "netstring.h"

#define NOW 1795000000 /* 2026-11-18 */
#define FIRST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static bool
known(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "acme") == 0;
}

static int
parse(struct logrecord_taken *w, const char *const *field, struct err *e)
{
	struct buf item = {0}, all = {0};
	int rv;

	for (; *field != NULL; field++)
		fields_put(&item, *field);
	netstring_put(&all, item.data, item.len, NULL, 0);
	rv = logrecord_parse(w, all.data, all.len, NOW, known, NULL, e);
	buf_free(&item);
	buf_free(&all);
	return rv;
}

#define COUNTED(day, partner, dir, seen, n)                                    \
	{                                                                      \
		"C", day, partner, dir, seen, "TLSv1.3", "X", "sent", "", "0", \
		    "", "", n, "1895000000"                                    \
	}
#define RULED(required, downgrade, fault)                                    \
	{                                                                    \
		"C", "2026-11-18", "acme", "1", "3", "TLSv1.3", "X", "sent", \
		    required, downgrade, "ca", fault, "7", "0"               \
	}
#define WAITED(partner, fault, since, until)                                \
	{                                                                   \
		"W", "mx", "4X", "d.example", partner, fault, since, until, \
		    "sent"                                                  \
	}
#define FAILED(time, partner, fault, host, text)                   \
	{                                                          \
		"F", time, partner, "1", fault, "d.example", host, \
		    "192.0.2.1", "4X", text                        \
	}

static const struct {
	const char *name;
	const char *field[16];
	const char *want; /* the field that is wrong; NULL: well */
} rows[] = {
    {"count", COUNTED("2026-11-18", "acme", "1", "3", "7"), NULL},
    {"stranger", COUNTED("2026-11-18", "d.example", "0", "0", "7"), NULL},
    {"other", COUNTED("2026-11-18", "other", "0", "0", "7"), NULL},
    {"nobody", COUNTED("2026-11-18", "acme2", "1", "3", "7"), "partner"},
    {"no name", COUNTED("2026-11-18", "", "1", "3", "7"), "partner"},
    {"a partner and more", COUNTED("2026-11-18", "acme\n", "1", "3", "7"),
	"partner"},
    {"no day", COUNTED("2026-11", "acme", "1", "3", "7"), "day"},
    {"a day and more", COUNTED("2026-11-18x", "acme", "1", "3", "7"), "day"},
    {"a direction", COUNTED("2026-11-18", "acme", "2", "3", "7"), "direction"},
    {"a level", COUNTED("2026-11-18", "acme", "1", "4", "7"), "level"},
    {"a number", COUNTED("2026-11-18", "acme", "1", "3", "-7"), "number"},
    {"a huge number", COUNTED("2026-11-18", "acme", "1", "3", "4294967296"),
	"number"},
    {"a rule", RULED("secure", "4", "ok"), NULL},
    {"no rule", RULED("verify", "4", "ok"), "rule"},
    {"no downgrade", RULED("secure", "-4", "ok"), "downgrade"},
    {"no word for a fault", RULED("secure", "0", "bad"), "fault"},
    {"hour", {"H", "1794999601", "mx", "7"}, NULL},
    {"an hour of a host with controls", {"H", "1794999600", "m\nx", "7"},
	"host"},
    {"wait", WAITED("acme", "expired", "1794999000", "0"), NULL},
    {"of one that is gone", WAITED("gone", "expired", "1794999000", "0"), NULL},
    {"a wait for nothing", WAITED("acme", "bad", "1794999000", "0"), "fault"},
    {"a wait since ever", WAITED("acme", "ok", "-1", "0"), "since"},
    {"exchange", {"X", "2026-11-18", "acme", "1", "X25519", "", "7"}, NULL},
    {"nobody's exchange", {"X", "2026-11-18", "acme2", "1", "X25519", "", "7"},
	"partner"},
    {"an exchange with controls",
	{"X", "2026-11-18", "acme", "1", "X\033", "", "7"}, "exchange"},
    {"failure", FAILED("1794999000", "acme", "expired", "mx", "x"), NULL},
    {"long before", FAILED("0", "acme", "expired", "mx", "x"), NULL},
    {"no time", FAILED("", "acme", "expired", "mx", "x"), "time"},
    {"no fault", FAILED("1794999000", "acme", "passed", "mx", "x"), "fault"},
    {"well", FAILED("1794999000", "acme", "ok", "mx", "x"), "fault"},
    {"controls", FAILED("1794999000", "acme", "expired", "m\033x", "x"),
	"host"},
    {"long", FAILED("1794999000", "acme", "expired", LONG LONG LONG LONG, "x"),
	"host"},
    {"position", {"P", "/var/log/mail.log", "1", "2", FIRST, "77", FIRST},
	NULL},
    {"from another", {"P", "/x", "1", "2", FIRST, "77", "", "1", "3", "7"},
	NULL},
    {"no first line", {"P", "/var/log/mail.log", "1", "2", "", "77", ""},
	"first line"},
    {"a short one", {"P", "/var/log/mail.log", "1", "2", "ab", "77", ""},
	"first line"},
    {"a short tail", {"P", "/x", "1", "2", FIRST, "77", "ab"}, "tail"},
    {"an offset", {"P", "/x", "1", "2", FIRST, "9223372036854775808", ""},
	"offset"},
    {"half of another", {"P", "/x", "1", "2", FIRST, "77", "", "1", "3"},
	"old offset"},
    {"more", {"P", "/x", "1", "2", FIRST, "7", "", "1", "3", "7", "x"}, "end"},
    {"less", {"P", "/x", "1", "2", FIRST}, "offset"},
    {"leg", {"L", FIRST, "1794999000", "acme", "to-us", "clear", ""}, NULL},
    {"nobody's leg", {"L", FIRST, "1794999000", "acme2", "to-us", "clear", ""},
	"partner"},
    {"no leg", {"L", FIRST, "1794999000", "acme", "to-them", "clear", ""},
	"leg"},
    {"a leg that is what", {"L", FIRST, "1794999000", "acme", "to-us", "x", ""},
	"tls"},
    {"a leg of no mail", {"L", "", "1794999000", "acme", "to-us", "clear", ""},
	"mail"},
    {"a leg with controls",
	{"L", FIRST, "1794999000", "acme", "to-us", "clear", "\033"},
	"protocol"},
    {"passed", {"G", "acme", "passed"}, "letter"},
};

static void
t_rows(void **state)
{
	struct logrecord_taken w;
	struct err e = {0};
	size_t i;
	int rv;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		e.text[0] = '\0';
		rv = parse(&w, rows[i].field, &e);
		check_int(rows[i].name, rv, rows[i].want == NULL ? 0 : -1);
		if (rows[i].want != NULL) {
			check_int(rows[i].name, e.code, EX_DATAERR);
			check_has(rows[i].name, e.text, rows[i].want);
		}
		logrecord_release(&w);
	}
}

/* What is said to have happened tomorrow has happened by now. */
static void
t_clock(void **state)
{
	static const char *const failed[] =
	    FAILED("1895000000", "acme", "expired", "mx", "x"),
				 *const counted[] = COUNTED(
				     "2031-01-01", "acme", "1", "3", "7");
	const char *field[16] = {NULL};
	struct logrecord_taken w;
	struct err e = {0};

	(void)state;
	memcpy(field, failed, sizeof(failed));
	assert_int_equal(parse(&w, field, &e), 0);
	assert_int_equal(w.batch.nfailures, 1);
	assert_int_equal(w.batch.failure[0].time, NOW);
	logrecord_release(&w);
	memset(field, 0, sizeof(field));
	memcpy(field, counted, sizeof(counted));
	assert_int_equal(parse(&w, field, &e), 0);
	assert_string_equal(w.batch.count[0].day, "2026-11-18");
	assert_int_equal(w.batch.count[0].last, NOW);
	logrecord_release(&w);
}

/* Not fields at all. */
static void
t_stream(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} bad[] = {{"x", 1}, {"3:abc", 5}, {"0:,", 3}, {"3:1:C,,", 7},
	    {"99999999999999999999999:", 24}, {"4:1:\0,,", 7}};
	struct logrecord_taken w;
	struct err e = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		assert_int_equal(logrecord_parse(&w, bad[i].text, bad[i].n, NOW,
				     known, NULL, &e),
		    -1);
		assert_int_equal(e.code, EX_DATAERR);
		logrecord_release(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_rows),
	    cmocka_unit_test(t_clock),
	    cmocka_unit_test(t_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
