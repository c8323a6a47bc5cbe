/*
 * What Postfix does while tlspactd does not answer: the restriction classes
 * that look into the inbound table, inboundmap.h.
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "inboundmap.h"
#include "mem.h"
#include "target.h"
#include "wiring_dead.h"
#include "wiring_priv.h"

#define CLASSES "smtpd_restriction_classes"

/*
 * The whole address comes first, so that "=domain" is found, or not, before
 * Postfix goes up from the domain.
 */
static char *
class_value(const struct map_facts *map, bool expanded)
{
	char *table = wiring_table_of(map->inbound_map), *value;
	const char *d = expanded ? "$" : "$$";

	value = mem_printf("check_sender_access unionmap:{%s, "
			   "pipemap:{regexp:{{/@([^@]+)%s/ =%s1}}, %s}}",
	    table, d, d, table);
	free(table);
	return value;
}

static char *
bounce_value(const struct map_facts *map, bool expanded)
{
	char *table = wiring_table_of(map->inbound_map), *value;

	value = mem_printf(
	    "check_client_access pipemap:{regexp:{{/(.+)/ g=%s1}}, %s}",
	    expanded ? "$" : "$$", table);
	free(table);
	return value;
}

static bool
has_word(const char *list, const char *want)
{
	bool found = false;
	char *word;

	while (*list != '\0' && !found) {
		word = wiring_first_word(list, &list);
		found = strcmp(word, want) == 0;
		free(word);
	}
	return found;
}

/* The list of classes with ours at its end; the caller frees it. */
static char *
classes_with_ours(const char *have)
{
	static const char *const ours[] = {INBOUNDMAP_CLASS, INBOUNDMAP_BOUNCE};
	struct buf out = {0};
	size_t i;

	buf_puts(&out, have);
	for (i = 0; i < 2; i++)
		if (!has_word(have, ours[i]))
			buf_printf(
			    &out, "%s%s", out.len == 0 ? "" : ", ", ours[i]);
	return buf_take(&out);
}

bool
wiring_can_close(unsigned version)
{
	/* Regular expressions in main.cf itself. */
	return version >= TARGET_VERSION(3, 7);
}

void
wiring_dead_want(
    const char *classes, const struct map_facts *map, struct dead_lines *out)
{
	*out = (struct dead_lines){
	    .line = {
		{CLASSES, classes_with_ours(classes == NULL ? "" : classes)},
		{INBOUNDMAP_CLASS, class_value(map, false)},
		{INBOUNDMAP_BOUNCE, bounce_value(map, false)}}};
}

void
wiring_dead_release(struct dead_lines *d)
{
	size_t i;

	for (i = 0; i < DEAD_LINES; i++)
		free(d->line[i].value);
}

/* Its value begins with ours; what an admin adds behind is his. */
static bool
is_defined(const struct client *k, const char *class, char *want)
{
	const char *value = wiring_get(k, class);
	bool defined = strncmp(value, want, strlen(want)) == 0 &&
		       has_word(wiring_get(k, CLASSES), class);

	free(want);
	return defined;
}

void
wiring_check_dead(struct client *k, const char *list)
{
	struct dead_lines d;
	struct buf fix = {0};
	size_t i;
	int why;

	if (!is_defined(k, INBOUNDMAP_CLASS, class_value(k->map, true)) ||
	    !is_defined(k, INBOUNDMAP_BOUNCE, bounce_value(k->map, true))) {
		wiring_dead_want(wiring_get(k, CLASSES), k->map, &d);
		buf_puts(&fix, "postconf -e");
		for (i = 0; i < DEAD_LINES; i++)
			buf_printf(&fix, " '%s = %s'", d.line[i].name,
			    d.line[i].value);
		wiring_found(k, FINDING_FAULT, list, fix.data,
		    "default_action=%s, and that restriction class is not in "
		    "main.cf as tlspact-setup writes it: while tlspactd is "
		    "down mail is refused from everybody or let in",
		    INBOUNDMAP_CLASS);
		buf_free(&fix);
		wiring_dead_release(&d);
	}
	if ((why = k->readable(k->map->inbound_map, NULL)) != 0)
		wiring_found(k, FINDING_FAULT, k->map->inbound_map,
		    "run tlspact-compile, which makes it",
		    "the table for mail that comes in while tlspactd is down: "
		    "%s",
		    strerror(why));
}
