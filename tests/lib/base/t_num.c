#include "check.h"

#include <inttypes.h>
#include <time.h>

#include "num.h"

static const struct {
	const char *text;
	uint64_t min, max;
	int want;
	uint64_t value;
} numbers[] = {
    {"0", 0, 10, 0, 0},
    {"10", 0, 10, 0, 10},
    {"11", 0, 10, -1, 0},
    {"1", 2, 10, -1, 0},
    {"2", 2, 10, 0, 2},
    {"", 0, 10, -1, 0},
    {"-1", 0, 10, -1, 0},
    {"+1", 0, 10, -1, 0},
    {" 1", 0, 10, -1, 0},
    {"1 ", 0, 10, -1, 0},
    {"1x", 0, 10, -1, 0},
    {"0x1", 0, 10, -1, 0},
    {"1.0", 0, 10, -1, 0},
    {"007", 0, 10, 0, 7},
    {"9", 0, 5, -1, 0},
    {"5", 0, 0, -1, 0},
    {"0", 0, 0, 0, 0},
    {"255", 0, 255, 0, 255},
    {"256", 0, 255, -1, 0},
    {"1000", 0, 255, -1, 0},
    {"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
    {"18446744073709551616", 0, UINT64_MAX, -1, 0},
    {"99999999999999999999999999", 0, UINT64_MAX, -1, 0},
    {"18446744073709551615", 0, UINT64_MAX - 1, -1, 0},
};

static void
t_parse(void **state)
{
	uint64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(numbers); i++) {
		got = 77;
		check_int(numbers[i].text,
		    num_parse(
			numbers[i].text, numbers[i].min, numbers[i].max, &got),
		    numbers[i].want);
		check_true(numbers[i].text,
		    got == (numbers[i].want == 0 ? numbers[i].value : 77));
	}
}

static const struct {
	const char *text;
	uint64_t max;
	int want;
	uint64_t value;
} durations[] = {
    {"0", 100, 0, 0},
    {"5", 100, 0, 5},
    {"5s", 100, 0, 5},
    {"5m", 300, 0, 300},
    {"5m", 299, -1, 0},
    {"4h", 86400, 0, 14400},
    {"1d", 86400, 0, 86400},
    {"1d", 86399, -1, 0},
    {"2w", UINT64_MAX, 0, 1209600},
    {"", 100, -1, 0},
    {"s", 100, -1, 0},
    {"5x", 100, -1, 0},
    {"5M", 1000, -1, 0},
    {"5 m", 1000, -1, 0},
    {"5ms", 1000, -1, 0},
    {"1h30m", 100000, -1, 0},
    {"-5m", 1000, -1, 0},
    {"30500568904943w", UINT64_MAX, 0, UINT64_C(18446744073709526400)},
    {"30500568904944w", UINT64_MAX, -1, 0},
    {"18446744073709551615w", UINT64_MAX, -1, 0},
};

static void
t_duration(void **state)
{
	uint64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(durations); i++) {
		got = 77;
		check_int(durations[i].text,
		    num_duration(durations[i].text, durations[i].max, &got),
		    durations[i].want);
		check_true(durations[i].text,
		    got == (durations[i].want == 0 ? durations[i].value : 77));
	}
}

static void
t_unit(void **state)
{
	static const struct {
		const char *text;
		char want;
	} rows[] = {
	    {"1m", 'm'},
	    {"30s", 's'},
	    {"12h", 'h'},
	    {"4w", 'w'},
	    {"1x", 'x'},
	    {"30", '\0'},
	    {"", '\0'},
	    {"1m1", '\0'},
	    {"soon", '\0'},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_int(rows[i].text, num_unit(rows[i].text), rows[i].want);
}

static const struct {
	uint64_t seconds;
	const char *want;
} duration_texts[] = {
    {0, "0s"},
    {1, "1s"},
    {59, "59s"},
    {60, "1m"},
    {61, "61s"},
    {5400, "90m"},
    {3600, "1h"},
    {14400, "4h"},
    {86400, "1d"},
    {129600, "36h"},
    {1209600, "14d"},
    {UINT64_MAX, "18446744073709551615s"},
};

static void
t_duration_text(void **state)
{
	char buf[NUM_DURATION_MAX];
	uint64_t back;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(duration_texts); i++) {
		check_str(duration_texts[i].want,
		    num_duration_text(duration_texts[i].seconds, buf),
		    duration_texts[i].want);
		check_int(duration_texts[i].want,
		    num_duration(buf, UINT64_MAX, &back), 0);
		check_true(
		    duration_texts[i].want, back == duration_texts[i].seconds);
	}
}

static const struct {
	const char *text;
	int want;
	time_t value;
} times[] = {
    {"1970-01-01", 0, 0},
    {"1970-01-01T00:00:01Z", 0, 1},
    {"2026-11-23", 0, 1795392000},
    {"2026-11-23T11:02:03Z", 0, 1795431723},
    {"2026-11-23t11:02:03z", 0, 1795431723},
    {"2026-11-23T12:02:03+01:00", 0, 1795431723},
    {"2026-11-23T05:32:03-05:30", 0, 1795431723},
    {"2000-02-29", 0, 951782400},
    {"2024-02-29", 0, 1709164800},
    {"2100-02-28", 0, 4107456000},
    {"9999-12-31T23:59:59Z", 0, 253402300799},
    {"2038-01-19T03:14:08Z", 0, 2147483648},
    {"2026-02-29", -1, 0},
    {"2100-02-29", -1, 0},
    {"2026-04-31", -1, 0},
    {"2026-00-10", -1, 0},
    {"2026-13-10", -1, 0},
    {"2026-01-00", -1, 0},
    {"2026-01-32", -1, 0},
    {"1969-12-31", -1, 0},
    {"26-11-23", -1, 0},
    {"2026-1-23", -1, 0},
    {"2026-11-2", -1, 0},
    {"2026/11/23", -1, 0},
    {"20261123", -1, 0},
    {"", -1, 0},
    {" 2026-11-23", -1, 0},
    {"2026-11-23 ", -1, 0},
    {"2026-11-23T", -1, 0},
    {"2026-11-23 11:02:03Z", -1, 0},
    {"2026-11-23T11:02Z", -1, 0},
    {"2026-11-23T11:02:03", -1, 0},
    {"2026-11-23T24:00:00Z", -1, 0},
    {"2026-11-23T11:60:00Z", -1, 0},
    {"2026-11-23T11:02:60Z", -1, 0},
    {"2026-11-23T11:02:03.5Z", -1, 0},
    {"2026-11-23T11:02:03Zx", -1, 0},
    {"2026-11-23T11:02:03+1:00", -1, 0},
    {"2026-11-23T11:02:03+24:00", -1, 0},
    {"2026-11-23T11:02:03+01:60", -1, 0},
    {"2026-11-23T11:02:03+0100", -1, 0},
    {"2026-11-23T11:02:03+01:00x", -1, 0},
};

static void
t_time(void **state)
{
	time_t got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		got = 77;
		check_int(times[i].text, num_time(times[i].text, &got),
		    times[i].want);
		check_int(times[i].text, got,
		    times[i].want == 0 ? times[i].value : 77);
	}
}

static void
t_time_text(void **state)
{
	char buf[NUM_TIME_MAX];
	time_t back, t;

	(void)state;
	assert_string_equal(num_time_text(0, buf), "1970-01-01T00:00:00Z");
	assert_string_equal(
	    num_time_text(1795431723, buf), "2026-11-23T11:02:03Z");
	assert_string_equal(
	    num_time_text(253402300799, buf), "9999-12-31T23:59:59Z");
	/* A prime number of seconds, so that every field changes. */
	for (t = 0; t < 253402300799; t += 86028121) {
		num_time_text(t, buf);
		check_int(buf, num_time(buf, &back), 0);
		check_int(buf, back, t);
	}
	/* Nothing that fits: still a text. */
	assert_non_null(num_time_text(INT64_MAX, buf));
	assert_true(strlen(buf) < sizeof(buf));
}

static void
t_count(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} rows[] = {
	    {0, "0"},
	    {999, "999"},
	    {1000, "1,000"},
	    {12300, "12,300"},
	    {1234567, "1,234,567"},
	    {UINT64_MAX, "18,446,744,073,709,551,615"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		check_str(rows[i].want, num_count(rows[i].n).s, rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_parse),
	    cmocka_unit_test(t_duration),
	    cmocka_unit_test(t_unit),
	    cmocka_unit_test(t_duration_text),
	    cmocka_unit_test(t_time),
	    cmocka_unit_test(t_time_text),
	    cmocka_unit_test(t_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
