#include "foreseen.h"

#include <stdio.h>

#include "common.h"
#include "ctllive.h"
#include "mapbuild.h"
#include "num.h"
#include "partnername.h"
#include "say.h"

#define SHOWN 10 /* partners */

struct telling {
	bool aside; /* to standard error, as what goes wrong */
	size_t n;
	char first[REGISTRY_NAME_MAX + 1];
};

static void
tell(const char *partner, const char *line, void *arg)
{
	struct telling *t = arg;

	if (t->n == 0)
		(void)snprintf(t->first, sizeof(t->first), "%s", partner);
	if (t->n++ >= SHOWN)
		return;
	if (t->aside)
		say("%s", line);
	else
		common_tell(stdout, "%s", line);
}

static void
foresee(const struct mapbuild *b, struct telling *t)
{
	char more[64];

	if (b->before == NULL)
		return;
	ctllive_foresee(b->set, b->before, b->registry, b->now, tell, t);
	if (t->n <= SHOWN)
		return;
	(void)snprintf(more, sizeof(more), "and gateways of %zu more partner%s",
	    t->n - SHOWN, num_plural(t->n - SHOWN));
	if (t->aside)
		say("%s", more);
	else
		common_tell(stdout, "%s", more);
}

void
foreseen_print(const struct mapbuild *b, bool probe)
{
	struct telling t = {0};

	foresee(b, &t);
	if (t.n > 0 && probe)
		common_tell(stdout,
		    "tlspact-probe %s looks again, by the edited registry",
		    t.first);
}

void
foreseen_say(const struct mapbuild *b)
{
	struct telling t = {.aside = true};

	foresee(b, &t);
	if (t.n > 0)
		say("this registry is in force now: mail waits where a gateway "
		    "fails; tlspact-probe %s looks again",
		    t.first);
}
