#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "diag.h"
#include "err.h"
#include "probeplan.h"
#include "prober.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "smtpclient.h"
#include "target.h"

int
common_failed(const struct err *e)
{
	say_err(e);
	return e->code;
}

int
common_registry(
    const char *path, time_t now, const char *done, struct registry **r)
{
	struct diags d = {0};
	struct err e;
	int code = EX_OK;

	if ((*r = registry_load(path, now, &d, &e)) == NULL) {
		code = common_failed(&e);
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

/* "" is what others call NULL. */
static const char *
said(const char *s)
{
	return *s == '\0' ? NULL : s;
}

void
common_prober(const struct settings *s, struct smtpclients *clients,
    struct probeplan *plan, struct prober_settings *p)
{
	char *line, *rest;

	smtpclients_read(clients, plan, s->helo_name, s->ca_file,
	    s->opportunistic_level != OPPORTUNISTIC_MAIN_CF);
	for (rest = clients->unlike.data; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0')
			say("%s", line);
	*p = (struct prober_settings){.resolver = said(s->resolver),
	    .trust_anchor = said(s->trust_anchor),
	    .port = (uint16_t)s->smtp_port,
	    .timeout_ms = (unsigned)s->probe_timeout * 1000,
	    .parallel = (unsigned)s->probe_parallel,
	    .target = plan->target,
	    .n = plan->n};
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
