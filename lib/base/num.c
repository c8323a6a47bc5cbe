#include "num.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Digits at *s; *s is moved behind them. -1 if none, or over max. */
static int
digits(const char **s, uint64_t max, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned d = (unsigned)(*p - '0');

		if (v > (max - d) / 10 || d > max)
			return -1;
		v = v * 10 + d;
	}
	*s = p;
	*out = v;
	return 0;
}

int
num_parse(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (digits(&s, max, &v) == -1 || *s != '\0' || v < min)
		return -1;
	*out = v;
	return 0;
}

static const struct {
	char letter;
	uint64_t seconds;
} units[] = {
    {'w', 604800},
    {'d', 86400},
    {'h', 3600},
    {'m', 60},
    {'s', 1},
};

#define NUNITS (sizeof(units) / sizeof(units[0]))

int
num_duration(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v, unit = 1;
	size_t i;

	if (digits(&s, max, &v) == -1)
		return -1;
	if (*s != '\0') {
		for (i = 0; i < NUNITS && units[i].letter != *s; i++)
			;
		if (i == NUNITS || s[1] != '\0')
			return -1;
		unit = units[i].seconds;
	}
	if (v > max / unit)
		return -1;
	*out = v * unit;
	return 0;
}

char
num_unit(const char *s)
{
	s += strspn(s, "0123456789");
	return *s != '\0' && s[1] == '\0' ? *s : '\0';
}

char *
num_duration_text(uint64_t seconds, char *buf)
{
	size_t i;

	/* Weeks are read but not written: "14d" is what people say. */
	for (i = 1; i < NUNITS - 1; i++)
		if (seconds != 0 && seconds % units[i].seconds == 0)
			break;
	(void)snprintf(buf, NUM_DURATION_MAX, "%" PRIu64 "%c",
	    seconds / units[i].seconds, units[i].letter);
	return buf;
}

/* Exactly n digits of a value from min to max. */
static int
field(const char **s, int n, int min, int max, int *out)
{
	int i, v = 0;

	for (i = 0; i < n; i++) {
		if ((*s)[i] < '0' || (*s)[i] > '9')
			return -1;
		v = v * 10 + ((*s)[i] - '0');
	}
	if (v < min || v > max)
		return -1;
	*s += n;
	*out = v;
	return 0;
}

static int
expect(const char **s, char c)
{
	if (**s != c)
		return -1;
	(*s)++;
	return 0;
}

static bool
leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && leap(year) ? 29 : days[month - 1];
}

int
num_time(const char *s, time_t *out)
{
	struct tm tm = {0};
	int year, month, day, oh = 0, om = 0, sign = 0;

	if (field(&s, 4, 1970, 9999, &year) == -1 || expect(&s, '-') == -1 ||
	    field(&s, 2, 1, 12, &month) == -1 || expect(&s, '-') == -1 ||
	    field(&s, 2, 1, days_in(year, month), &day) == -1)
		return -1;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	if (*s != '\0') {
		if ((expect(&s, 'T') == -1 && expect(&s, 't') == -1) ||
		    field(&s, 2, 0, 23, &tm.tm_hour) == -1 ||
		    expect(&s, ':') == -1 ||
		    field(&s, 2, 0, 59, &tm.tm_min) == -1 ||
		    expect(&s, ':') == -1 ||
		    field(&s, 2, 0, 59, &tm.tm_sec) == -1)
			return -1;
		if (*s == 'Z' || *s == 'z') {
			s++;
		} else {
			sign = *s == '+' ? 1 : *s == '-' ? -1 : 0;
			if (sign == 0)
				return -1;
			s++;
			if (field(&s, 2, 0, 23, &oh) == -1 ||
			    expect(&s, ':') == -1 ||
			    field(&s, 2, 0, 59, &om) == -1)
				return -1;
		}
		if (*s != '\0')
			return -1;
	}
	*out = timegm(&tm) - sign * (oh * 3600 + om * 60);
	return 0;
}

char *
num_time_text(time_t t, char *buf)
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, NUM_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(buf, NUM_TIME_MAX, "%lld", (long long)t);
	return buf;
}

struct num_count
num_count(uint64_t n)
{
	struct num_count c;
	char text[24];
	size_t len, i, to = 0;

	len = (size_t)snprintf(text, sizeof(text), "%" PRIu64, n);
	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			c.s[to++] = ',';
		c.s[to++] = text[i];
	}
	c.s[to] = '\0';
	return c;
}
