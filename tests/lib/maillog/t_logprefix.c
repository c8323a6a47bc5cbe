#include "check.h"

#include <time.h>

#include "buf.h"
#include "logprefix.h"

#define SPAN(s) ((struct span){(s), strlen(s)})

static char *
text_of(struct span s)
{
	return strndup(s.n == 0 ? "" : s.p, s.n);
}

static const struct {
	const char *line;
	int want; /* 0, or -1 */
	const char *host, *tag, *program;
	unsigned pid;
	const char *text;
} shapes[] = {
    {"Nov  3 11:50:36 gw postfix/smtp[12]: a: b", 0, "gw", "postfix/smtp",
	"smtp", 12, "a: b"},
    {"Nov 03 11:50:36 gw postfix/submission/smtpd[12]: a", 0, "gw",
	"postfix/submission/smtpd", "smtpd", 12, "a"},
    {"Nov  3 11:50:36 postfix/smtp[12]: a", 0, "", "postfix/smtp", "smtp", 12,
	"a"},
    {"Nov  3 11:50:36 gw x/y[a1]: a", -1, "", "", "", 0, ""},
    {"Nov  3 2026 11:50:36 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"<22>Nov  3 11:50:36 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"Nov  3 11:50:36 gw kernel: a", 0, "gw", "kernel", "kernel", 0, "a"},
    {"Nov  3 11:50:36 gw x/y[1]: [ID 1 mail.info] a", 0, "gw", "x/y", "y", 1,
	"a"},
    {"2026-11-03T11:50:36Z gw x/y[1]: a\r", 0, "gw", "x/y", "y", 1, "a"},
    {"2026-11-03T11:50:36.1+01:00 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"<22>1 2026-11-03T11:50:36Z gw x/y 1 - - a", 0, "gw", "x/y", "y", 1, "a"},
    {"<22>1 - - x/y - - [a b=\"c\"] \xef\xbb\xbf"
     "a",
	0, "", "x/y", "y", 0, "a"},
    {"<22>1 - - x/y - - [a b=\"c\"", -1, "", "", "", 0, ""},
    {"<22>1 - - x/y - - x a", -1, "", "", "", 0, ""},
    {"<22222>Nov  3 11:50:36 gw x/y[1]: a", -1, "", "", "", 0, ""},
    {"mail-1  | Nov  3 11:50:36 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"\033[36mm |\033[0m | \033[0mNov  3 11:50:36 gw x/y[1]: a", 0, "gw", "x/y",
	"y", 1, "a"},
    {"2026-11-03T11:50:36Z stdout F Nov  3 11:50:36 gw x/y[1]: a", 0, "gw",
	"x/y", "y", 1, "a"},
    {"Tue 2026-11-03 11:50:36 CET gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"{\"MESSAGE\":\"a\\u00e4\\n\\\"\\ud83d\",\"SYSLOG_IDENTIFIER\":\"x/y\","
     "\"_PID\":\"7\"}",
	0, "", "x/y", "y", 7, "a\xc3\xa4\n\"\xef\xbf\xbd"},
    {"{\"MESSAGE\":[97,255],\"SYSLOG_IDENTIFIER\":\"x/y\"}", 0, "", "x/y", "y",
	0, "a\xff"},
    {"{\"MESSAGE\":[97,256],\"SYSLOG_IDENTIFIER\":\"x/y\"}", -1, "", "", "", 0,
	""},
    {"{\"MESSAGE\":\"a\"}", -1, "", "", "", 0, ""},
    {"{\"MESSAGE\":\"a\",\"SYSLOG_IDENTIFIER\":\"x/y\"", -1, "", "", "", 0, ""},
    {"{\"MESSAGE\":\"a\\\",\"SYSLOG_IDENTIFIER\":\"x/y\"}", -1, "", "", "", 0,
	""},
    {"{\"MESSAGE\":\"a\\q\",\"SYSLOG_IDENTIFIER\":\"x/y\"}", -1, "", "", "", 0,
	""},
    /* What syslog daemons and container platforms make of it. */
    {"Nov  3 11:50:36 host docker/mail[9]: Nov  3 12:50:36 gw x/y[1]: a", 0,
	"gw", "x/y", "y", 1, "a"},
    {"Nov  3 11:50:36 host postfix/y[9]: Nov  3 12:50:36 gw x/y[1]: a", 0,
	"host", "postfix/y", "y", 9, "Nov  3 12:50:36 gw x/y[1]: a"},
    {"{\"message\":\"Nov  3 11:50:36 gw x/y[1]: a\",\"@timestamp\":\"x\"}", 0,
	"gw", "x/y", "y", 1, "a"},
    {"Nov  3 11:50:36 gw last message repeated 3 times", 0, "gw", "last",
	"last", 0, "message repeated 3 times"},
    {"Nov 3 11:50:36 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"Nov  3 11:50:36.123456 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"1795434636.123456 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"<22>2026-11-03T11:50:36Z gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"Nov  3 11:50:36 gw mail.info x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"2026-11-03 11:50:36,123 INFO    x/y[1]: a", 0, "INFO", "x/y", "y", 1,
	"a"},
    {"2026-11-03T11:50:36Z stdout F 2026-11-03T12:50:36+01:00 gw x/y[1]: a", 0,
	"gw", "x/y", "y", 1, "a"},
    {"2026-11-03T11:50:36.123Z Nov  3 11:50:36 gw x/y[1]: a", 0, "gw", "x/y",
	"y", 1, "a"},
    {"2026-11-03T11:50:36Z stdout P Nov  3 11:50:36 gw x/y[1]: a", -1, "", "",
	"", 0, ""},
    {"[pod/mx-0/x] Nov  3 11:50:36 gw x/y[1]: a", 0, "gw", "x/y", "y", 1, "a"},
    {"Nov  3 11:50:36 h mailu-smtp[840]: Nov  3 11:50:37 gw x/y[1]: a", 0, "gw",
	"x/y", "y", 1, "a"},
    {"<30>1 2026-11-03T11:50:36Z h mailu 8 - - 2026-11-03T11:50:36Z gw "
     "x/y[1]: a",
	0, "gw", "x/y", "y", 1, "a"},
    {"{\"MESSAGE\":\"Nov  3 11:50:36 gw x/y[1]: a\",\"SYSLOG_IDENTIFIER\":"
     "\"0123456789ab\"}",
	0, "gw", "x/y", "y", 1, "a"},
    {"{\"log\":\"Nov  3 11:50:36 gw x/y[1]: a\\n\",\"stream\":\"stdout\"}", 0,
	"gw", "x/y", "y", 1, "a"},
    {"{\"log\":\"a\\n\",\"stream\":\"stdout\"}", -1, "", "", "", 0, ""},
    {"{\"log\":7}", -1, "", "", "", 0, ""},
    /* Only whole lines, and none inside those of Postfix. */
    {"Nov  3 11:50:36 h a[8]: Nov  3 11:50:37 gw b[1]: a", 0, "h", "a", "a", 8,
	"Nov  3 11:50:37 gw b[1]: a"},
    {"Nov  3 11:50:36 h a/b[8]: Nov  3 11:50:37 gw x/y[1]: a", 0, "h", "a/b",
	"b", 8, "Nov  3 11:50:37 gw x/y[1]: a"},
    {"Nov  3 11:50:36 h a[8]: x Nov  3 11:50:37 gw x/y[1]: a", 0, "h", "a", "a",
	8, "x Nov  3 11:50:37 gw x/y[1]: a"},
    {"{}", -1, "", "", "", 0, ""},
    {"", -1, "", "", "", 0, ""},
    {"\r", -1, "", "", "", 0, ""},
    {"hello", -1, "", "", "", 0, ""},
    {"Nov  3 11:50:36", -1, "", "", "", 0, ""},
    {"Nov  3 11:50:36 ", -1, "", "", "", 0, ""},
    {"Nov  3 11:50:36 gw", -1, "", "", "", 0, ""},
    {"Nov  3 11:50:36 gw x/y[1] a", -1, "", "", "", 0, ""},
    {"Nov  3 11:50:36 gw x/y[1x]: a", -1, "", "", "", 0, ""},
    {"Nov  3 11:50:36 gw x/y[9999999999]: a", -1, "", "", "", 0, ""},
    {"Nov  3 11:50:36 gw [1]: a", -1, "", "", "", 0, ""},
    {"2026-11-03", -1, "", "", "", 0, ""},
};

static void
t_shapes(void **state)
{
	struct buf scratch = {0};
	struct logprefix p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(shapes); i++) {
		const char *row = shapes[i].line;
		struct span line = {row, strlen(row)};
		char *host, *tag, *program, *text;

		check_int(
		    row, logprefix_parse(line, &scratch, &p), shapes[i].want);
		if (shapes[i].want == -1)
			continue;
		host = text_of(p.host);
		tag = text_of(p.tag);
		program = text_of(p.program);
		text = text_of(p.text);
		check_str(row, host, shapes[i].host);
		check_str(row, tag, shapes[i].tag);
		check_str(row, program, shapes[i].program);
		check_str(row, text, shapes[i].text);
		check_int(row, p.pid, shapes[i].pid);
		free(host);
		free(tag);
		free(program);
		free(text);
	}
	buf_free(&scratch);
}

static bool
hides(const char *text)
{
	struct logprefix_reader r = {.next = 0};
	struct span line = {text, strlen(text)};
	struct logprefix p = {.hides = false};

	(void)logprefix_take(&r, &line, &p);
	logprefix_release(&r);
	return p.hides;
}

static void
t_hidden(void **state)
{
	static const struct {
		const char *line;
		bool want;
	} rows[] = {
	    {"[2026/11/03] mx postfix/smtp[1]: a", true},
	    {"x=postfix/ postfix/smtpd[1]: a", true},
	    {"x postfix-out/smtp[1]: a", false},
	    {"fail2ban [postfix/sasl] a", false},
	    {"postfix/", false},
	    {"postfix/[", false},
	    {"postfix/smtp", false},
	    {"", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_true(rows[i].line, hides(rows[i].line) == rows[i].want);
}

/* 2026-11-23 12:00:00 UTC and so on. */
#define NOV23 1795435200
#define DAY 86400

static const struct {
	const char *stamp;
	enum logprefix_stamp kind;
	time_t now;
	time_t want; /* -1: none */
} times[] = {
    {"Nov 23 11:50:36", LOGPREFIX_BSD, NOV23, NOV23 - 564},
    {"Nov 24 11:50:36", LOGPREFIX_BSD, NOV23, NOV23 - 564 + DAY},
    {"Nov 25 11:50:36", LOGPREFIX_BSD, NOV23,
	NOV23 - 564 + 2 * DAY - 365 * DAY},
    {"Jan  1 00:00:00", LOGPREFIX_BSD, NOV23, 1767225600},
    /* Over New Year: now is 2027-01-05, and 2026-12-31. */
    {"Dec 31 23:59:59", LOGPREFIX_BSD, 1799150400, 1798761599},
    {"Jan  1 00:00:01", LOGPREFIX_BSD, 1799150400, 1798761601},
    {"Jan  1 00:00:01", LOGPREFIX_BSD, 1798761000, 1798761601},
    {"Dec 31 23:59:59", LOGPREFIX_BSD, 1798761000, 1798761599},
    /* The last leap day before 2026 was in 2024. */
    {"Feb 29 00:00:00", LOGPREFIX_BSD, NOV23, 1709164800},
    {"Feb 30 00:00:00", LOGPREFIX_BSD, NOV23, -1},
    {"Foo 10 00:00:00", LOGPREFIX_BSD, NOV23, -1},
    {"Nov 10 24:00:00", LOGPREFIX_BSD, NOV23, -1},
    {"Nov 10 23:60:00", LOGPREFIX_BSD, NOV23, -1},
    {"Nov 10 23:59:61", LOGPREFIX_BSD, NOV23, -1},
    {"Nov 23 2025 11:50:36", LOGPREFIX_BSD_YEAR, NOV23, 1763898636},
    {"2026-11-23T11:50:36Z", LOGPREFIX_ISO, 0, NOV23 - 564},
    {"2026-11-23T11:50:36.999z", LOGPREFIX_ISO, 0, NOV23 - 564},
    {"2026-11-23T12:50:36+01:00", LOGPREFIX_ISO, 0, NOV23 - 564},
    {"2026-11-23T12:50:36+0100", LOGPREFIX_ISO, 0, NOV23 - 564},
    {"2026-11-23T12:50:36+01", LOGPREFIX_ISO, 0, NOV23 - 564},
    {"2026-11-23T05:20:36.5-06:30", LOGPREFIX_ISO, 0, NOV23 - 564},
    {"2026-11-23T11:50:36", LOGPREFIX_ISO, 0, NOV23 - 564},
    {"2026-13-23T11:50:36Z", LOGPREFIX_ISO, 0, -1},
    {"1969-01-23T11:50:36Z", LOGPREFIX_ISO, 0, -1},
    {"1795434636123456", LOGPREFIX_MICRO, 0, NOV23 - 564},
    {"999999999999999999", LOGPREFIX_MICRO, 0, -1},
    {"17954346361x3456", LOGPREFIX_MICRO, 0, -1},
    {"1795434636", LOGPREFIX_UNIX, 0, NOV23 - 564},
    {"Nov 3 11:50:36", LOGPREFIX_BSD, NOV23, NOV23 - 564 - 20 * DAY},
    {"Jan 1 00:00:00", LOGPREFIX_BSD, NOV23, 1767225600},
    {"", LOGPREFIX_NO_TIME, NOV23, -1},
};

static void
t_times(void **state)
{
	size_t i;
	int again;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		struct logprefix p = {.kind = times[i].kind,
		    .stamp = {times[i].stamp, strlen(times[i].stamp)}};
		struct logprefix_clock clock = {0};
		time_t got;

		/* The second time it is remembered. */
		for (again = 0; again < 2; again++) {
			got = -1;
			check_int(times[i].stamp,
			    logprefix_time(&clock, &p, times[i].now, &got),
			    times[i].want == -1 ? -1 : 0);
			check_int(times[i].stamp, got, times[i].want);
		}
	}
}

/* The minute that is remembered is one of a zone. */
static void
t_zones(void **state)
{
	static const char *const stamp[] = {"2026-11-23T11:50:36Z",
	    "2026-11-23T11:50:36+01:00", "2026-11-23T11:50:36+02:00",
	    "2026-11-23T11:50:36"};
	static const time_t want[] = {
	    NOV23 - 564, NOV23 - 564 - 3600, NOV23 - 564 - 7200, NOV23 - 564};
	struct logprefix_clock clock = {0};
	time_t got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(stamp); i++) {
		struct logprefix p = {.kind = LOGPREFIX_ISO,
		    .stamp = {stamp[i], strlen(stamp[i])}};

		got = -1;
		(void)logprefix_time(&clock, &p, NOV23, &got);
		check_int(stamp[i], got, want[i]);
	}
}

/* Parts of the lines of several containers, cut anywhere, in any order. */
#define SOURCES 5
static const char *const source[SOURCES][2] = {
    {"2026-11-03T11:50:36.1Z stdout ", ""},
    {"2026-11-03T11:50:36.2Z stderr ", ""},
    {"[pod/a/mail] 2026-11-03T11:50:36Z stdout ", ""},
    {"[pod/b/mail] 2026-11-03T11:50:36Z stdout ", ""},
    {"{\"log\":\"", "\",\"stream\":\"stdout\"}"},
};

static void
t_parts(void **state)
{
	struct logprefix_reader r = {.next = 0};
	struct buf line = {0};
	size_t at[SOURCES] = {0}, n;
	char text[SOURCES][128];
	unsigned i, k, whole = 0;
	struct logprefix p;
	struct span s;

	(void)state;
	srandom(7);
	for (i = 0; i < 20000; i++) {
		k = (unsigned)random() % SOURCES;
		if (at[k] == 0)
			(void)snprintf(text[k], sizeof(text[k]),
			    "Nov  3 11:50:36 gw postfix/smtp[%u]: %u %s", k + 1,
			    i, "abcdefghijklmnopqrstuvwxyz");
		n = (size_t)random() % (strlen(text[k] + at[k]) + 1);
		buf_clear(&line);
		buf_printf(&line, "%s%s%.*s", source[k][0],
		    k == SOURCES - 1		   ? ""
		    : at[k] + n == strlen(text[k]) ? "F "
						   : "P ",
		    (int)n, text[k] + at[k]);
		at[k] += n;
		if (k == SOURCES - 1)
			buf_printf(&line, "%s%s",
			    at[k] == strlen(text[k]) ? "\\n" : "",
			    source[k][1]);
		s = (struct span){line.data, line.len};
		if (logprefix_take(&r, &s, &p) == LOGPREFIX_PART) {
			check_true(text[k], at[k] < strlen(text[k]));
			continue;
		}
		check_int(text[k], at[k], strlen(text[k]));
		check_int(text[k], p.pid, k + 1);
		check_true(text[k], span_ends(p.text, "xyz"));
		check_int(text[k], p.text.n,
		    strlen(strstr(text[k], "]: ") + sizeof("]: ") - 1));
		at[k] = 0;
		whole++;
	}
	assert_true(whole > 1000);
	/* What never ends is not kept for ever. */
	for (i = 0; i < 100000; i++) {
		s = SPAN(
		    "2026-11-03T11:50:36.1Z stdout P xxxxxxxxxxxxxxxxxxxx");
		check_true(
		    "a part", logprefix_take(&r, &s, &p) == LOGPREFIX_PART);
	}
	s = SPAN("2026-11-03T11:50:36.1Z stdout F end");
	check_true("whole", logprefix_take(&r, &s, &p) != LOGPREFIX_PART);
	check_true("bounded", s.n < LOGPREFIX_WHOLE_MAX);
	s = SPAN("{\"log\":\"\",\"stream\":");
	check_true(
	    "nothing at all", logprefix_take(&r, &s, &p) == LOGPREFIX_PART);
	logprefix_release(&r);
	buf_free(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_shapes),
	    cmocka_unit_test(t_hidden),
	    cmocka_unit_test(t_times),
	    cmocka_unit_test(t_zones),
	    cmocka_unit_test(t_parts),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
