#include "ctlonboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "ctlfacts.h"
#include "ctlprint.h"
#include "err.h"
#include "json.h"
#include "num.h"
#include "onboard.h"
#include "quote.h"
#include "registry.h"
#include "say.h"

#define WORDS 60 /* columns of a step's text */

/* Broken at blanks, each line behind as many columns as the first. */
static void
print_text(const char *text)
{
	size_t n, i;

	for (;; text += n + 1) {
		n = strlen(text);
		for (i = WORDS; n > WORDS && i > 0; i--)
			if (text[i] == ' ')
				n = i;
		say_to(stdout, "%.*s\n", (int)n, text);
		if (text[n] == '\0')
			return;
		(void)printf("%20s", "");
	}
}

static void
print(const struct ctl *c, const struct partner *p, const struct onboard *o)
{
	const struct onboard_step *s;
	size_t i;

	(void)printf("%s: towards mode=enforced\n", p->name);
	for (i = 0; i < ONBOARD_STEPS; i++) {
		s = &o->step[i];
		(void)printf("%-5s%-15s",
		    s->state == ONBOARD_DONE   ? "ok"
		    : s->state == ONBOARD_OPEN ? "OPEN"
					       : "-",
		    s->words);
		print_text(s->text);
	}
	if (o->open > 0)
		(void)printf("%zu step%s open.\n", o->open,
		    o->open == 1 ? " is" : "s are");
	else if (p->attributes->mode == MODE_ENFORCED)
		(void)printf("Nothing is open; it is enforced.\n");
	else
		say_to(stdout,
		    "Nothing is open. To enforce it, change at %s:%u\n",
		    partner_file(c->registry, p), p->line);
	if (o->open == 0 && p->attributes->mode != MODE_ENFORCED)
		(void)printf("    partner %s  mode=opportunistic\n"
			     "to\n"
			     "    partner %s  mode=enforced\n",
		    p->name, p->name);
}

static void
print_json(const struct ctl *c, const struct partner *p,
    const struct onboard *o, bool recorded)
{
	json_t *steps = json_array();
	size_t i;

	for (i = 0; i < ONBOARD_STEPS; i++)
		if (json_array_append_new(steps,
			json_pack("{s:s, s:s, s:o}", "step", o->step[i].name,
			    "state", o->step[i].state_name, "text",
			    json_text(o->step[i].text))) == -1)
			abort();
	json_print(json_pack("{s:s, s:s, s:b, s:b, s:b, s:s, s:i, s:o}",
	    "schema", CTL_SCHEMA, "partner", p->name, "ready", o->open == 0,
	    "enforced", p->attributes->mode == MODE_ENFORCED, "recorded",
	    recorded, "file", partner_file(c->registry, p), "line",
	    (int)p->line, "steps", steps));
}

int
ctlonboard(const struct ctl *c, const struct partner *p, bool json, bool dry)
{
	struct onboard o;
	struct err e;
	bool recorded = onboard_measure(c, p, dry, &o, &e) == 0;
	int code = o.open > 0;

	if (!recorded) {
		code = common_failed(&e);
		say("this is not on record");
	}
	if (json)
		print_json(c, p, &o, recorded && !dry);
	else
		print(c, p, &o);
	return code;
}
