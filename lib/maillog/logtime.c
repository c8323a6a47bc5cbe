#include "logtime.h"

#include <stdint.h>

#include "logprefix.h"

#define FUTURE 86400 /* seconds that a clock or a zone may be ahead of us */
#define LAST INT64_C(253402300799) /* of the year 9999 */
#define LEAP_CYCLE 8 /* the longest time between two 29ths of February */

static int
two(const char *p)
{
	return (p[0] == ' ' ? 0 : p[0] - '0') * 10 + p[1] - '0';
}

/* 1 to 12, or 0. */
static int
month(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int i;

	for (i = 0; i < 12; i++)
		if (memcmp(p, names + 3 * i, 3) == 0)
			return i + 1;
	return 0;
}

static bool
valid_date(int year, int mon, int day)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (mon < 1 || mon > 12 || day < 1 || year < 1970)
		return false;
	return day <= days[mon - 1] + (mon == 2 && leap);
}

/* The first second of a minute; local time, or UTC. 0, or -1. */
static int
minute_time(
    int year, int mon, int day, const char *clock, bool utc, time_t *out)
{
	struct tm tm = {.tm_year = year - 1900,
	    .tm_mon = mon - 1,
	    .tm_mday = day,
	    .tm_hour = two(clock),
	    .tm_min = two(clock + 3),
	    .tm_isdst = -1};

	if (!valid_date(year, mon, day) || tm.tm_hour > 23 || tm.tm_min > 59)
		return -1;
	*out = utc ? timegm(&tm) : mktime(&tm);
	return *out == (time_t)-1 ? -1 : 0;
}

/* "Nov  3 11:50:36", the year being what fits now. */
static int
bsd_minute(const struct logtime *t, const char *p, time_t *out)
{
	struct tm tm;
	time_t limit = t->now + FUTURE;
	int year, tries;

	if (localtime_r(&limit, &tm) == NULL)
		return -1;
	year = tm.tm_year + 1900;
	for (tries = 0; tries <= LEAP_CYCLE; tries++, year--)
		if (minute_time(
			year, month(p), two(p + 4), p + 7, false, out) == 0 &&
		    *out <= limit)
			return 0;
	return -1;
}

static int
iso_minute(struct span s, size_t zone, time_t *out)
{
	const char *p = s.p;
	int offset = 0;
	bool utc = zone < s.n;

	if (minute_time(two(p) * 100 + two(p + 2), two(p + 5), two(p + 8),
		p + 11, utc, out) == -1)
		return -1;
	if (utc && (p[zone] == '+' || p[zone] == '-')) {
		struct span z = span_skip(s, zone + 1);

		/* +hh, +hhmm or +hh:mm */
		if (z.n != 2 && z.n != 4 && z.n != 5)
			return -1;
		offset = two(z.p) * 3600;
		if (z.n > 2)
			offset += two(z.p + z.n - 2) * 60;
		*out += p[zone] == '+' ? -offset : offset;
	}
	return 0;
}

/* Where the zone of an ISO stamp begins; its length if it has none. */
static size_t
zone_at(struct span s)
{
	size_t i;

	for (i = 19; i < s.n; i++)
		if (s.p[i] == 'Z' || s.p[i] == 'z' || s.p[i] == '+' ||
		    s.p[i] == '-' || s.p[i] == ' ')
			break;
	return i;
}

static int
micro(struct span s, time_t *out)
{
	int64_t v = 0;
	size_t i;

	if (s.n < 7 || s.n > 18)
		return -1;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + s.p[i] - '0';
	}
	if (v / 1000000 > LAST)
		return -1;
	*out = (time_t)(v / 1000000);
	return 0;
}

void
logtime_set(struct logtime *t, time_t now)
{
	t->now = now;
	t->n = 0;
}

int
logtime_read(struct logtime *t, const struct logprefix *p, time_t *out)
{
	struct span s = p->stamp;
	size_t n = 0, zone = 0, seconds;
	char key[sizeof(t->minute)];
	time_t base;
	int rc;

	switch (p->kind) {
	case LOGPREFIX_NO_TIME:
		return -1;
	case LOGPREFIX_MICRO:
		return micro(s, out);
	case LOGPREFIX_BSD:
		n = 12;
		break;
	case LOGPREFIX_BSD_YEAR:
		n = 17;
		break;
	case LOGPREFIX_ISO:
		n = 16;
		zone = zone_at(s);
		break;
	}
	/* Two digits of seconds and a colon follow what is kept. */
	seconds = (size_t)two(s.p + n + 1);
	if (seconds > 60)
		return -1;
	memcpy(key, s.p, n);
	if (zone != 0 && s.n - zone <= 6) {
		memcpy(key + n, s.p + zone, s.n - zone);
		n += s.n - zone;
	}
	if (n == t->n && memcmp(key, t->minute, n) == 0) {
		*out = t->base + (time_t)seconds;
		return 0;
	}
	if (p->kind == LOGPREFIX_BSD)
		rc = bsd_minute(t, s.p, &base);
	else if (p->kind == LOGPREFIX_BSD_YEAR)
		rc = minute_time(two(s.p + 7) * 100 + two(s.p + 9), month(s.p),
		    two(s.p + 4), s.p + 12, false, &base);
	else
		rc = iso_minute(s, zone, &base);
	if (rc == -1)
		return -1;
	memcpy(t->minute, key, n);
	t->n = n;
	t->base = base;
	*out = base + (time_t)seconds;
	return 0;
}
