#include "ctlact_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "ctl.h"
#include "err.h"
#include "json.h"
#include "mapbuild.h"
#include "mem.h"
#include "num.h"
#include "program.h"
#include "quote.h"
#include "say.h"

#define PROBE_MS 120000 /* patience with tlspact-probe, at least */
#define PROBE_TALK (1024 * 1024)

FILE *
ctl_talk(const struct ctl *c)
{
	return c->json ? stderr : stdout;
}

int
ctl_end(const struct ctl *c, const struct ctl_lower *lower, time_t *end)
{
	char max[NUM_DURATION_MAX];
	uint64_t span;

	if ((lower->span == NULL) == (lower->until == NULL)) {
		say("a downgrade needs an end: --for 4h, or --until 17:30");
		return EX_USAGE;
	}
	if (lower->span != NULL) {
		if (num_duration(lower->span, UINT32_MAX, &span) == -1 ||
		    span == 0) {
			say("--for %s is no time such as 30m, 4h or 2d",
			    quotes(lower->span).s);
			return EX_USAGE;
		}
		*end = c->now + (time_t)span;
	} else if (clock_parse(lower->until, c->now, end) == -1) {
		say("--until %s is no time such as 17:30, "
		    "2026-11-24 08:00 or 2026-11-24T07:00:00Z",
		    quotes(lower->until).s);
		return EX_USAGE;
	}
	if (*end <= c->now) {
		say("the end has passed already");
		return EX_USAGE;
	}
	if ((uint64_t)(*end - c->now) <= c->set.max_downgrade)
		return EX_OK;
	say("the end is further away than max_downgrade = %s allows; take "
	    "less, and extend it when the time comes",
	    num_duration_text(c->set.max_downgrade, max));
	return EX_USAGE;
}

int
ctl_confirm(const struct ctl *c, const char *question)
{
	char *line = NULL;
	size_t cap = 0;
	bool yes;

	if (c->yes)
		return EX_OK;
	if (isatty(STDIN_FILENO) == 0) {
		say("nobody is here to confirm it; --yes does without");
		return EX_USAGE;
	}
	say_to(ctl_talk(c), "%s [y/N] ", question);
	(void)fflush(ctl_talk(c));
	yes = getline(&line, &cap, stdin) != -1 &&
	      (line[0] == 'y' || line[0] == 'Y');
	free(line);
	if (yes)
		return EX_OK;
	say("nothing was changed");
	return 1;
}

char *
ctl_author(const struct ctl *c)
{
	const struct author *a = &c->author;

	if (*a->sudo_user == '\0' || strcmp(a->login, a->sudo_user) == 0)
		return mem_dup(a->login);
	return mem_printf("%s (%s)", a->login, a->sudo_user);
}

int
ctl_compile(struct ctl *c, const char *recorded, bool *written)
{
	struct mapbuild_options opt = {.quiet = true};
	struct mapbuild b = {0};
	int code;

	code = mapbuild_run(&b, &c->set, &opt, time(NULL));
	*written = b.written;
	mapbuild_release(&b);
	if (code != EX_OK)
		say("%s IS RECORDED, BUT POSTFIX DOES NOT KNOW: the map was "
		    "not brought up to date. Mend what is said above and run "
		    "tlspact-compile",
		    recorded);
	return code;
}

int
ctl_raise(struct ctl *c, const struct ctl_facts *f, bool *written)
{
	char *author = ctl_author(c);
	struct mapbuild_options opt = {
	    .quiet = true, .without = f->name, .by = author};
	struct mapbuild b = {0};
	int code;

	code = mapbuild_run(&b, &c->set, &opt, time(NULL));
	*written = b.written || b.raise == MAPBUILD_RAISED ||
		   b.raise == MAPBUILD_SPARED;
	mapbuild_release(&b);
	free(author);
	return code;
}

void
ctl_settle(struct ctl *c)
{
	static const struct mapbuild_options opt = {.quiet = true};
	struct mapbuild b = {0};

	if (c->dry || !ctl_map_remembers(c))
		return;
	(void)mapbuild_run(&b, &c->set, &opt, time(NULL));
	mapbuild_release(&b);
}

struct theirs {
	const struct ctl *c;
	const struct ctl_facts *f;
};

static bool
match_theirs(const char *domain, void *arg)
{
	const struct theirs *t = arg;

	return ctl_is_theirs(t->c->registry, t->f->partner, domain);
}

static bool
has_id(const struct waiting *w, const char *id)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->id[i], id) == 0)
			return true;
	return false;
}

/*
 * List and retry once; count those that are not among `before`. 0, or -1
 * with *e set.
 */
static int
retry_once(struct ctl *c, struct ctl_facts *f, const struct waiting *before,
    size_t *tried, struct err *e)
{
	struct theirs t = {.c = c, .f = f};
	struct waiting *w = &f->waiting;
	size_t n, i;
	int rv;

	if (flush_list(w, settings_postfix(&c->set), match_theirs, &t, e) == -1)
		return -1;
	rv = flush_retry(w, settings_postfix(&c->set), &n, e);
	for (i = 0; i < n; i++)
		*tried += !has_id(before, w->id[i]);
	return rv;
}

size_t
ctl_retry(struct ctl *c, struct ctl_facts *f, bool *known)
{
	struct waiting *w = &f->waiting, first = {0};
	const char *dir = settings_postfix(&c->set);
	struct err e;
	size_t tried = 0;
	int rv;

	*known = false;
	flush_release(w);
	if (f->partner == NULL)
		return 0;
	rv = retry_once(c, f, &first, &tried, &e);
	/* What was under way met the old policy, and waits from now on. */
	if (rv == 0 && w->messages > w->deferred && tried < FLUSH_MAX) {
		first = *w;
		*w = (struct waiting){0};
		sleep(1);
		rv = retry_once(c, f, &first, &tried, &e);
		flush_release(&first);
	}
	if (rv == -1) {
		say("warning: waiting mail is not tried again now: %s; "
		    "Postfix does so in its own time, or by postqueue%s%s -f",
		    e.text, dir == NULL ? "" : " -c ", dir == NULL ? "" : dir);
		return tried;
	}
	*known = true;
	if (w->deferred > w->n)
		say("warning: %zu more waiting mails go in Postfix's own time, "
		    "or by postqueue%s%s -f",
		    w->deferred - w->n, dir == NULL ? "" : " -c ",
		    dir == NULL ? "" : dir);
	return tried;
}

static void
json_done(const struct ctl_facts *f, const char *verb, bool written, time_t end,
    const size_t *retried)
{
	json_print(json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o}", "schema",
	    CTL_SCHEMA, "verb", verb, "partner", f->name, "written", written,
	    "end", json_time(end), "retried",
	    retried == NULL ? json_null() : json_integer((json_int_t)*retried),
	    "requiretls_waiting",
	    f->requiretls < 0 ? json_null() : json_integer(f->requiretls)));
}

void
ctl_done(const struct ctl *c, const struct ctl_facts *f, const char *verb,
    bool written, time_t end, const size_t *retried)
{
	char when[CLOCK_MAX];

	if (c->json) {
		json_done(f, verb, written, end, retried);
		return;
	}
	(void)printf(
	    "done: %s", written ? "map written" : "the map says so already");
	if (retried != NULL)
		(void)printf(", %zu waiting mail%s retried", *retried,
		    *retried == 1 ? "" : "s");
	if (end != 0)
		(void)printf(". It ends by itself at %s",
		    end - c->now < 600 ? clock_text_seconds(end, c->now, when)
				       : clock_text(end, c->now, when));
	(void)printf(".\n");
}

/* The program of that name beside this one, else as PATH finds it. */
static char *
sibling(const char *name)
{
	char self[PATH_MAX], *slash, *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		path = mem_printf("%.*s/%s", (int)(slash - self), self, name);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return mem_dup(name);
}

int
ctl_probe(struct ctl *c, struct ctl_facts *f)
{
	char *path = sibling("tlspact-probe"), *out;
	int ms = PROBE_MS, code;
	const char **argv;
	struct err e = {0};
	size_t n = 0;

	if (c->set.probe_timeout * 4000 > PROBE_MS)
		ms = (int)c->set.probe_timeout * 4000;
	while (c->again[n] != NULL)
		n++;
	argv = mem_zero(n + 3, sizeof(*argv));
	argv[0] = path;
	memcpy(argv + 1, c->again, n * sizeof(*argv));
	argv[n + 1] = f->name;
	/* It ends with 1 where a gateway fails: the ledger tells, not that. */
	out = program_read(argv, PROBE_TALK, ms, &e);
	if (out != NULL)
		e.text[0] = '\0';
	free(out);
	free(path);
	free(argv);
	code = ctl_facts_kept(c, f, 1);
	if (code == EX_OK)
		code = f->evidence_code;
	if (code == EX_OK && f->probed < c->now)
		say("the gateways were not looked at now: %s",
		    *e.text == '\0' ? "tlspact-probe recorded nothing"
				    : e.text);
	return code;
}
