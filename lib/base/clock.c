#include "clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "num.h"

#define SECOND INT64_C(1000000000)
#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY CLOCK_DAY

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

void
clock_start(struct clock *c)
{
	c->offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
}

time_t
clock_now(const struct clock *c)
{
	int64_t wall = read_clock(CLOCK_REALTIME);
	int64_t at_least = read_clock(CLOCK_BOOTTIME) + c->offset;

	return (wall > at_least ? wall : at_least) / SECOND;
}

uint64_t
clock_ns(void)
{
	return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

static char *
text(time_t t, time_t now, bool seconds, char *buf)
{
	struct tm now_tm, tm;
	size_t n = 0;

	if (localtime_r(&t, &tm) == NULL || localtime_r(&now, &now_tm) == NULL)
		return num_time_text(t, buf);
	/* The date is left out for today. */
	if (tm.tm_yday != now_tm.tm_yday || tm.tm_year != now_tm.tm_year)
		n = strftime(buf, CLOCK_MAX, "%Y-%m-%d ", &tm);
	if (seconds)
		(void)strftime(buf + n, CLOCK_MAX - n, "%H:%M:%S", &tm);
	else
		(void)strftime(buf + n, CLOCK_MAX - n, "%H:%M", &tm);
	return buf;
}

char *
clock_text(time_t t, time_t now, char buf[CLOCK_MAX])
{
	return text(t, now, false, buf);
}

char *
clock_text_seconds(time_t t, time_t now, char buf[CLOCK_MAX])
{
	return text(t, now, true, buf);
}

char *
clock_span(time_t seconds, char buf[CLOCK_MAX])
{
	long long s = seconds < 0 ? 0 : (long long)seconds;

	if (s < MINUTE)
		(void)snprintf(buf, CLOCK_MAX, "%lld s", s);
	else if (s < HOUR && s % MINUTE != 0 && s < 10 * MINUTE)
		(void)snprintf(
		    buf, CLOCK_MAX, "%lld min %lld s", s / MINUTE, s % MINUTE);
	else if (s < HOUR)
		(void)snprintf(buf, CLOCK_MAX, "%lld min", s / MINUTE);
	else if (s < DAY && s % HOUR / MINUTE == 0)
		(void)snprintf(buf, CLOCK_MAX, "%lld h", s / HOUR);
	else if (s < DAY)
		(void)snprintf(buf, CLOCK_MAX, "%lld h %lld min", s / HOUR,
		    s % HOUR / MINUTE);
	else if (s % DAY / HOUR == 0)
		(void)snprintf(buf, CLOCK_MAX, "%lld d", s / DAY);
	else
		(void)snprintf(
		    buf, CLOCK_MAX, "%lld d %lld h", s / DAY, s % DAY / HOUR);
	return buf;
}

/* "HH:MM" at s, and nothing behind it. */
static bool
hour_minute(const char *s, struct tm *tm)
{
	int i;

	for (i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return false;
	if (s[5] != '\0')
		return false;
	tm->tm_hour = (s[0] - '0') * 10 + s[1] - '0';
	tm->tm_min = (s[3] - '0') * 10 + s[4] - '0';
	tm->tm_sec = 0;
	tm->tm_isdst = -1;
	return tm->tm_hour < 24 && tm->tm_min < 60;
}

int
clock_parse(const char *s, time_t now, time_t *out)
{
	struct tm tm;
	char day[11];
	time_t t;

	if (localtime_r(&now, &tm) == NULL)
		return -1;
	if (hour_minute(s, &tm)) {
		t = mktime(&tm);
		if (t <= now) {
			tm.tm_mday++;
			tm.tm_isdst = -1;
			t = mktime(&tm);
		}
		*out = t;
		return 0;
	}
	if (strlen(s) == 16 && (s[10] == ' ' || s[10] == 'T')) {
		memcpy(day, s, 10);
		day[10] = '\0';
		/* Checked as a date, then read again in local time. */
		if (num_time(day, &t) == -1 || gmtime_r(&t, &tm) == NULL ||
		    !hour_minute(s + 11, &tm))
			return -1;
		*out = mktime(&tm);
		return 0;
	}
	return num_time(s, out);
}

/* Words for days, as long as the part of YYYY-MM-DD that tells which. */
static const struct day_word {
	const char *word;
	size_t len;
	int back;
} day_words[] = {{"today", 10, 0}, {"yesterday", 10, 1}, {"this-month", 7, 0},
    {"last-month", 7, 1}, {"this-year", 4, 0}, {"last-year", 4, 1}, {0}};

const char *
clock_day_word(size_t i)
{
	return day_words[i].word;
}

/* What that many bytes of YYYY-MM-DD end in. */
static int *
day_part(struct tm *tm, size_t len)
{
	return len == 4 ? &tm->tm_year : len == 7 ? &tm->tm_mon : &tm->tm_mday;
}

int
clock_days(const char *s, time_t now, bool local, time_t *begin, time_t *end)
{
	const struct day_word *word = day_words;
	size_t len = strlen(s);
	char first[] = "YYYY-01-01";
	struct tm tm, after;
	time_t t = now;

	while (word->word != NULL && strcmp(word->word, s) != 0)
		word++;
	if (word->word != NULL) {
		len = word->len;
	} else if (len == 4 || len == 7 || len == sizeof(first) - 1) {
		memcpy(first, s, len);
		if (num_time(first, &t) == -1)
			return -1;
	} else {
		return -1;
	}
	/*
	 * A date that was typed is read again in local time, if it is that. Who
	 * asks on the first of a month means the month before that.
	 */
	if ((word->word != NULL && (local || len < sizeof(first) - 1)
		    ? localtime_r(&t, &tm)
		    : gmtime_r(&t, &tm)) == NULL)
		return -1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	if (len < sizeof(first) - 1)
		tm.tm_mday = 1;
	if (len == 4)
		tm.tm_mon = 0;
	*day_part(&tm, len) -= word->back;
	after = tm;
	*day_part(&after, len) += 1;
	*begin = local ? mktime(&tm) : timegm(&tm);
	*end = local ? mktime(&after) : timegm(&after);
	return 0;
}

int
clock_ago(const char *s, time_t now, time_t *out)
{
	uint64_t span;

	if (now < 0 || s[strspn(s, "0123456789")] == '\0' ||
	    num_duration(s, (uint64_t)now, &span) == -1)
		return -1;
	*out = now - (time_t)span;
	return 0;
}
