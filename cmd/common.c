#include "common.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "diag.h"
#include "err.h"
#include "registry.h"
#include "say.h"

int
common_registry(
    const char *path, time_t now, const char *done, struct registry **r)
{
	struct diags d = {0};
	struct err e;
	int code = EX_OK;

	if ((*r = registry_load(path, now, &d, &e)) == NULL) {
		say_err(&e);
		code = e.code;
	} else if (d.errors > 0) {
		diag_sort(&d);
		say_diags(&d, false);
		if (done != NULL)
			say("the registry has errors; nothing was %s", done);
		code = EX_DATAERR;
	}
	/* Their places borrow from it. */
	diag_free(&d);
	if (code != EX_OK) {
		registry_free(*r);
		*r = NULL;
	}
	return code;
}

int
common_confirm(FILE *to, bool yes, const char *question)
{
	char *line = NULL;
	size_t cap = 0;

	if (yes)
		return EX_OK;
	if (isatty(STDIN_FILENO) == 0) {
		say("nobody is here to confirm it; --yes does without");
		return EX_USAGE;
	}
	say_to(to, "%s [y/N] ", question);
	(void)fflush(to);
	yes = getline(&line, &cap, stdin) != -1 &&
	      (line[0] == 'y' || line[0] == 'Y');
	free(line);
	if (yes)
		return EX_OK;
	say("nothing was changed");
	return 1;
}
