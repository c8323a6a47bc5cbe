#include "common.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "columns.h"
#include "diag.h"
#include "err.h"
#include "inforce.h"
#include "json.h"
#include "ledger_rename.h"
#include "mapowner.h"
#include "mem.h"
#include "probeplan.h"
#include "prober.h"
#include "quote.h"
#include "registry.h"
#include "say.h"
#include "settings.h"
#include "smtpclient.h"
#include "target.h"

json_t *
common_messages(void)
{
	const char *s = say_kept(), *end;
	json_t *list = json_array();

	for (; *s != '\0'; s = end + 1) {
		end = s + strcspn(s, "\n");
		(void)json_array_append_new(
		    list, json_bytes(s, (size_t)(end - s)));
	}
	return list;
}

json_t *
common_object(const char *schema, time_t now, int code, json_t *more)
{
	json_t *root = json_pack("{s:s, s:o, s:i, s:o}", "schema", schema,
	    "time", json_time(now), "exit_code", code, "messages",
	    common_messages());

	if (root == NULL ||
	    (more != NULL && json_object_update(root, more) == -1))
		abort();
	json_decref(more);
	return root;
}

void
common_answer(const char *schema, time_t now, int code, json_t *more)
{
	json_print(common_object(schema, now, code, more));
}

int
common_failed(const struct err *e)
{
	say_err(e);
	return e->code;
}

static void
say_undone(int code, const char *done)
{
	if (code == EX_DATAERR && done != NULL)
		say("the registry has errors; nothing was %s", done);
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
		code = EX_DATAERR;
		say_undone(code, done);
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
common_registry_kept(const struct settings *s, time_t now, const char *done,
    struct registry **r, bool *kept)
{
	struct registry *given;
	int code = common_registry(s->registry, now, NULL, &given);
	struct inforce in;

	inforce_find(&in, given, s, now);
	if (in.why != NULL)
		say("%s", in.why);
	free(in.why);
	*r = in.registry;
	*kept = in.kept;
	if (*r != NULL)
		return EX_OK;
	say_undone(code, done);
	return code;
}

/* The name that the record has for it now; NULL: none, or it is not known. */
static char *
name_by_record(const char *ledger, const char *name)
{
	struct ledger_names names;
	struct ledger *l;
	const char *now;
	char *found = NULL;
	struct err ignored;

	l = ledger_open(ledger, LEDGER_READ, &ignored);
	if (l != NULL && ledger_names_read(l, &names, &ignored) == 0) {
		now = ledger_name_now(&names, name, 0, 0);
		if (strcmp(now, name) != 0)
			found = mem_dup(now);
		ledger_names_release(&names);
	}
	ledger_close(l);
	return found;
}

char *
common_renamed(
    const struct settings *s, const struct registry *r, const char *name)
{
	uint32_t i = REGISTRY_NONE;
	char *now;

	if (r != NULL && registry_find(r, name) != REGISTRY_NONE)
		return NULL;
	now = name_by_record(s->ledger, name);
	/* The registry may not be compiled yet. */
	if (now == NULL && r != NULL)
		i = registry_former(r, name);
	if (i != REGISTRY_NONE)
		now = mem_dup(r->partner[i].name);
	if (now != NULL)
		say("%s is now %s", quotes(name).s, quotes(now).s);
	return now;
}

/* Without the one dot that a name in DNS ends with. */
static char *
undotted(char *s)
{
	size_t len = strlen(s);

	if (len > 1 && s[len - 1] == '.' && s[len - 2] != '.')
		s[len - 1] = '\0';
	return s;
}

char *
common_address(char *s, const char **mailbox)
{
	char *at = strrchr(s, '@'), *open;

	if (at == NULL)
		return undotted(s);
	*at++ = '\0';
	if (at == s + 1)
		return undotted(at);
	if (strncmp(s, "mailto:", strlen("mailto:")) == 0)
		s += strlen("mailto:");
	open = strrchr(s, '<');
	if (mailbox != NULL)
		*mailbox = open == NULL ? s : open + 1;
	at[strcspn(at, ">")] = '\0';
	return undotted(at);
}

static bool
take_any(const struct ledger_event *ev, void *arg)
{
	(void)ev;
	*(bool *)arg = false;
	return false;
}

void
common_tell_lost(const struct settings *s, const struct registry *r,
    const struct partner *p, bool domains)
{
	struct mapowners owners = {0};
	const struct ledger_event_query own = {.partner = p->name, .limit = 1};
	const char *domain, *name = NULL, *with = NULL;
	bool alone = domains;
	struct ledger *l;
	struct err ignored;

	l = ledger_open(s->ledger, LEDGER_READ, &ignored);
	if (l != NULL &&
	    ledger_events(l, &own, take_any, &alone, &ignored) == 0 &&
	    mapowners_read(l, alone, &owners, &ignored) == 0) {
		name = mapowners_lost(&owners, r, p, alone, &domain);
		with = alone ? mapowners_merged(&owners, r, p) : NULL;
	}
	if (name != NULL && domain == NULL)
		say("the record of %s was handed on to %s, which is no "
		    "partner: if %s is the same one, say former=%s in the "
		    "registry",
		    p->name, name, p->name, name);
	else if (name != NULL)
		say("%s was %s's, by the record, and %s is no partner: if %s "
		    "is the same one, say former=%s in the registry",
		    domain, name, name, p->name, name);
	else if (with != NULL)
		say("what was on record of %s went on as %s's, and stays "
		    "there: tlspactctl history %s",
		    p->name, with, with);
	mapowners_release(&owners);
	ledger_close(l);
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

/* What is kept for JSON is not broken. */
static void
tell(FILE *to, const char *text, const char *end)
{
	struct buf safe = {0}, out = {0};

	if (to == stderr) {
		say_to(to, "%s%s", text, end);
		return;
	}
	buf_puts(&safe, "");
	quote_put(&safe, text, strlen(text));
	columns_wrap(&out, safe.data, 0, "  ", columns_of(fileno(to)));
	buf_puts(&out, end);
	(void)fputs(out.data, to);
	buf_free(&out);
	buf_free(&safe);
}

void
common_tell(FILE *to, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	tell(to, text, "\n");
	free(text);
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
	tell(to, question, " [y/N] ");
	(void)fflush(to);
	yes = getline(&line, &cap, stdin) != -1 &&
	      (line[0] == 'y' || line[0] == 'Y');
	free(line);
	if (yes)
		return EX_OK;
	say("nothing was changed");
	return 1;
}
