/* t_logrecord.c: the recorder beside the reader, and which names it knows. */
#include "ledgerlab.h"

#include "logrecord.h"

#define PARTNER(name) \
	"partner " name " mode=opportunistic domain=" name ".example\n"
#define TRIES 100 /* of 100 ms */

static time_t
now(void)
{
	return T0;
}

static int
add(struct logrecord *r, const char *partner)
{
	const struct evidence_count c = {.day = "2026-11-23",
	    .partner = partner,
	    .protocol = "TLSv1.3",
	    .cipher = "x",
	    .result = "sent",
	    .n = 1};

	return logrecord_add(
	    r, &(struct evidence_batch){.count = &c, .ncounts = 1}, &err);
}

static bool
show_count(const struct evidence_count *c, void *arg)
{
	return gather(arg, "%s %llu\n", c->partner, (unsigned long long)c->n);
}

/* A partner that comes while it runs is known soon; nobody is forgotten. */
static void
t_new_partner(void **state)
{
	char *registry = check_path(dir, "registry");
	const struct logrecord_settings set = {
	    .evidence = seen, .ledger = file, .registry = registry, .now = now};
	struct gathered g = {0};
	struct logrecord *r;
	int rv = -1, i;

	(void)state;
	check_puts(registry, PARTNER("acme"));
	/* Before there is an open database, as SQLite wants it of a fork. */
	ledger_close(led);
	evidence_close(evi);
	led = NULL;
	r = logrecord_start(&set, &err);
	if (r == NULL)
		fail_msg("%s", err.text);
	well("known", add(r, "acme"));
	check_int("not known", add(r, "globex"), -1);
	check_int("not known", err.code, EX_DATAERR);
	check_has("not known", err.text, "partner");
	check_puts(registry, PARTNER("acme") PARTNER("globex"));
	for (i = 0; rv != 0 && i < TRIES; i++) {
		usleep(100000);
		rv = add(r, "globex");
	}
	well("known now", rv);
	/* Who cannot read the registry goes by the one before. */
	check_puts(registry, "nonsense\n");
	well("still", add(r, "acme"));
	logrecord_end(r);
	evi = must_see(EVIDENCE_READ);
	well("counts", evidence_counts(evi, NULL, "2026-11-23", "2026-11-23",
			   show_count, &g, &err));
	check_str("counts", g.text, "acme 2\nglobex 1\n");
	(void)unlink(registry);
	free(registry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_new_partner),
	};

	return cmocka_run_group_tests_name("logrecord", tests, NULL, NULL);
}
