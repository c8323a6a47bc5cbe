#include "timeslip.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "meant.h"
#include "num.h"

static const struct unit {
	const char *word;
	char letter;
} units[] = {{"s", 's'}, {"sec", 's'}, {"second", 's'}, {"min", 'm'},
    {"minute", 'm'}, {"h", 'h'}, {"hr", 'h'}, {"hour", 'h'}, {"d", 'd'},
    {"day", 'd'}, {"w", 'w'}, {"wk", 'w'}, {"week", 'w'}};

/* The letter of "hour", "Hours"; '\0': that is no unit. */
static char
letter_of(const char *word)
{
	size_t i, len;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		len = strlen(units[i].word);
		if (strncasecmp(word, units[i].word, len) == 0 &&
		    (word[len] == '\0' ||
			(len > 1 && strcasecmp(word + len, "s") == 0)))
			return units[i].letter;
	}
	return '\0';
}

const char *
timeslip_span(const char *s, const char *next, char buf[CLOCK_MAX])
{
	const size_t digits = strspn(s, "0123456789");
	const char *word = s + digits + strspn(s + digits, " ");
	char letter;

	if (*word == '\0' && next != NULL)
		word = next;
	letter = letter_of(word);
	/* Of "4h" nothing is wrong. */
	if (digits == 0 || digits > 9 || letter == '\0' ||
	    num_unit(s) == letter)
		return NULL;
	(void)snprintf(buf, CLOCK_MAX, "%.*s%c", (int)digits, s, letter);
	return buf;
}

const char *
timeslip_day(const char *s)
{
	struct meant m = meant(s);
	const char *word;
	size_t i;

	for (i = 0; (word = clock_day_word(i)) != NULL; i++)
		meant_try(&m, word);
	return m.name;
}

/* "would be minutes"; false: it has no unit that nobody means. */
static bool
small_unit(const char *s, const char *such, bool minutes, struct timeslip *t)
{
	const char unit = num_unit(s);

	if (*s < '0' || *s > '9' || (unit != 's' && (unit != 'm' || minutes)))
		return false;
	(void)snprintf(t->s, sizeof(t->s), "would be %s; say %s",
	    unit == 'm' ? "minutes, not months" : "seconds", such);
	return true;
}

static bool
no_unit(const char *s)
{
	return *s != '\0' && strlen(s) < 10 &&
	       s[strspn(s, "0123456789")] == '\0';
}

struct timeslip
timeslip_past(const char *s, const char *more)
{
	const char *word = timeslip_day(s);
	struct timeslip t;
	char buf[CLOCK_MAX];

	if (small_unit(s, "30d or last-month", false, &t))
		return t;
	if (word == NULL)
		word = timeslip_span(s, NULL, buf);
	if (word != NULL)
		(void)snprintf(
		    t.s, sizeof(t.s), "is no time; did you mean %s?", word);
	else if (no_unit(s))
		(void)snprintf(
		    t.s, sizeof(t.s), "has no unit; did you mean %.9sd?", s);
	else
		(void)snprintf(t.s, sizeof(t.s),
		    "is no time: say 30d (so long ago), 2026, 2026-11, "
		    "2026-11-30, today, yesterday, this-month, last-month, "
		    "this-year or last-year%s",
		    more);
	return t;
}

struct timeslip
timeslip_ahead(const char *s, const char *such, bool minutes)
{
	struct timeslip t;
	const char *word;
	char buf[CLOCK_MAX];

	if (small_unit(s, such, minutes, &t))
		return t;
	if (no_unit(s))
		(void)snprintf(
		    t.s, sizeof(t.s), "has no unit, such as %s", such);
	else if ((word = timeslip_span(s, NULL, buf)) != NULL)
		(void)snprintf(
		    t.s, sizeof(t.s), "is no time; did you mean %s?", word);
	else
		(void)snprintf(t.s, sizeof(t.s), "is no time such as %s", such);
	return t;
}
