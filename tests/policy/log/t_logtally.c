/* t_logtally.c: under whose name mail is counted, and which failures stay. */
#include "ledgerlab.h"

#include "logjoin.h"
#include "logtally.h"

#define SPAN(s) ((struct span){(s), strlen(s)})
#define DAY "2026-11-23"

static struct logtally *
tally(void)
{
	return logtally_new(evi, NULL);
}

static void
add(struct logtally *t, const char *partner, const char *domain,
    enum fault fault)
{
	struct attempt a = {.time = T0,
	    .direction = EVIDENCE_OUT,
	    .result = SPAN("sent"),
	    .fault = fault};

	well(domain, logtally_add(t, &a, partner, domain, &err));
}

struct seen_as {
	size_t names, others, sum;
};

static bool
count_names(const struct evidence_count *c, void *arg)
{
	struct seen_as *s = arg;

	s->names += strchr(c->partner, '.') != NULL;
	s->others += strcmp(c->partner, "other") == 0 ? c->n : 0;
	s->sum += c->n;
	return true;
}

static void
check_names(const char *row, size_t names, size_t others, size_t sum)
{
	struct seen_as s = {0};

	well(row, evidence_counts(evi, NULL, DAY, DAY, count_names, &s, &err));
	check_int(row, s.names, names);
	check_int(row, s.others, others);
	check_int(row, s.sum, sum);
}

/* Domains can be invented: only so many strangers a day have a name. */
static void
t_strangers(void **state)
{
	struct logtally *t = tally();
	char name[32];
	unsigned i, round;

	(void)state;
	for (i = 0; i < LOGTALLY_STRANGERS_MAX + 2; i++) {
		(void)snprintf(name, sizeof(name), "d%u.example", i);
		add(t, NULL, name, FAULT_OK);
	}
	add(t, NULL, "nodot", FAULT_OK);
	add(t, "acme", "acme.example", FAULT_OK);
	well("write", logtally_write(t, NULL, &err));
	check_names(
	    "first", LOGTALLY_STRANGERS_MAX, 3, LOGTALLY_STRANGERS_MAX + 4);
	/* Who has a name keeps it, also after a restart; others get none. */
	for (round = 1; round <= 2; round++) {
		add(t, NULL, "d0.example", FAULT_OK);
		add(t, NULL, "new.example", FAULT_OK);
		well("write", logtally_write(t, NULL, &err));
		check_names("again", LOGTALLY_STRANGERS_MAX, 3 + round,
		    LOGTALLY_STRANGERS_MAX + 4 + 2 * round);
		logtally_free(t);
		t = tally();
	}
	logtally_free(t);
}

static bool
show_failure(const struct evidence_failure *f, void *arg)
{
	return gather(arg, "%s %s\n", f->partner, f->fault);
}

/* All of a partner's; of strangers what TLS has to do with. */
static void
t_failures(void **state)
{
	struct logtally *t = tally();
	struct gathered g = {0};

	(void)state;
	add(t, "acme", "acme.example", FAULT_OK);
	add(t, "acme", "acme.example", FAULT_EXPIRED);
	add(t, "acme", "acme.example", FAULT_CONNECT_REFUSED);
	add(t, NULL, "x.example", FAULT_EXPIRED);
	add(t, NULL, "x.example", FAULT_CONNECT_REFUSED);
	well("write", logtally_write(t, NULL, &err));
	well("failures", evidence_failures(evi, 0, show_failure, &g, &err));
	check_str("kept", g.text,
	    "acme expired\nacme connect-refused\nx.example expired\n");
	check_true("all is written", logtally_empty(t));
	logtally_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_strangers),
	    CASE(t_failures),
	};

	return cmocka_run_group_tests_name("logtally", tests, NULL, NULL);
}
