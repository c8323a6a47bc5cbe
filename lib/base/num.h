/*
 * num.h: numbers, durations and times from text, bounded and strict.
 *
 * No leading blanks, no sign, no octal, no trailing bytes: what is not
 * wholly a number is refused, never cut.
 */
#ifndef NUM_H
#define NUM_H

#include <stdint.h>
#include <time.h>

/* "s" behind a noun, but for one of it. */
static inline const char *
num_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* The value of a hex digit, or -1. */
static inline int
num_hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Decimal digits only, min to max. 0, or -1 (*out untouched). */
int num_parse(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/*
 * A duration in seconds: digits and one of Postfix's units s m h d w
 * (postconf(5), "time units"); no unit means seconds. At most max seconds.
 * 0, or -1 (*out untouched).
 */
int num_duration(const char *s, uint64_t max, uint64_t *out);

/*
 * The letter of that unit behind digits alone, whether or not it is one: 'm'
 * of "1m", which of days is a slip, as who types it means a month. '\0': none,
 * or there is more.
 */
char num_unit(const char *s);

/*
 * Seconds as the shortest text that num_duration reads back to the same:
 * "4h", "90m", "59s". buf holds at least NUM_DURATION_MAX bytes; returns buf.
 */
#define NUM_DURATION_MAX 24
char *num_duration_text(uint64_t seconds, char *buf);

/*
 * A date or time: YYYY-MM-DD (its first second, UTC) or RFC 3339 with Z or
 * an offset, `YYYY-MM-DDTHH:MM:SSZ`. Years 1970 to 9999. 0, or -1.
 */
int num_time(const char *s, time_t *out);

/* 12300 as "12,300", for people. Use as num_count(n).s. */
struct num_count {
	char s[32];
};
struct num_count num_count(uint64_t n);

/* A time as RFC 3339 UTC, YYYY-MM-DDTHH:MM:SSZ. Returns buf. */
#define NUM_TIME_MAX 32
char *num_time_text(time_t t, char *buf);

#endif
