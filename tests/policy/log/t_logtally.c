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
	logtally_free(t);
}

static bool
show_rule(const struct evidence_count *c, void *arg)
{
	return gather(arg, "%s %s %s %llu\n", c->required, c->proof, c->fault,
	    (unsigned long long)c->n);
}

/* Each rule, proof and fault has a sum of its own. */
static void
t_rules(void **state)
{
	static const struct {
		const char *required, *proof;
		enum fault fault;
	} rows[] = {{"key", "key", FAULT_OK}, {"secure", "ca", FAULT_OK},
	    {"key", "key", FAULT_OK}, {"secure", "dane", FAULT_OK},
	    {"secure", "dane", FAULT_EXPIRED}, {"secure", "key", FAULT_OK},
	    {NULL, NULL, FAULT_OK}};
	struct logtally *t = tally();
	struct gathered g = {0};
	struct attempt a;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		a = (struct attempt){.time = T0,
		    .direction = EVIDENCE_OUT,
		    .level = EVIDENCE_VERIFIED,
		    .result = SPAN("sent"),
		    .required = rows[i].required,
		    .proof = rows[i].proof,
		    .fault = rows[i].fault};
		well("add", logtally_add(t, &a, "acme", "acme.example", &err));
	}
	well("write", logtally_write(t, NULL, &err));
	well("counts",
	    evidence_counts(evi, NULL, DAY, DAY, show_rule, &g, &err));
	check_str("by rule", g.text,
	    "  ok 1\nkey key ok 2\nsecure ca ok 1\nsecure dane expired 1\n"
	    "secure dane ok 1\nsecure key ok 1\n");
	logtally_free(t);
}

/* What is alike is one sum, however much of it there is. */
static void
t_sums(void **state)
{
	struct attempt a = {.time = T0,
	    .direction = EVIDENCE_OUT,
	    .result = SPAN("sent"),
	    .required = "key",
	    .downgrade = 256};
	struct logtally *t = tally();
	unsigned i;

	(void)state;
	for (i = 0; i <= LOGTALLY_SUMS_MAX; i++)
		well("add", logtally_add(t, &a, "acme", "acme.example", &err));
	check_true("one sum", !logtally_full(t));
	for (i = 0; i < LOGTALLY_SUMS_MAX; i++) {
		a.downgrade = (int64_t)i;
		well("add", logtally_add(t, &a, "acme", "acme.example", &err));
	}
	check_true("one for each downgrade", logtally_full(t));
	logtally_free(t);
}

/* One line of a message to acme, unless the domain is another one. */
static void
step(struct logtally *t, time_t when, const char *id, const char *domain,
    const char *result, enum fault fault)
{
	struct attempt a = {.time = T0 + when,
	    .direction = EVIDENCE_OUT,
	    .queue_id = SPAN(id),
	    .logger = SPAN("gw"),
	    .result = SPAN(result),
	    .fault = fault};
	bool partner = strcmp(domain, "acme.example") == 0;

	well(id, logtally_add(t, &a, partner ? "acme" : NULL, domain, &err));
}

static bool
show_wait(const struct evidence_wait *w, void *arg)
{
	return gather(arg, "%s %s %s +%lld\n", w->queue_id, w->partner,
	    w->fault, (long long)(w->since - T0));
}

static bool
show_waited(const struct evidence_waited *w, void *arg)
{
	return gather(arg, "%s %s %s %llu %llu\n", w->partner, w->fault,
	    w->result, (unsigned long long)w->n,
	    (unsigned long long)w->seconds);
}

static void
check_waits(
    struct logtally **t, const char *row, const char *waits, const char *waited)
{
	struct gathered g = {0};

	/* By another process. */
	well("write", logtally_write(*t, NULL, &err));
	logtally_free(*t);
	*t = tally();
	well(row, evidence_waits(evi, show_wait, &g, &err));
	check_str(row, g.text, waits);
	g = (struct gathered){0};
	well(row, evidence_waited(evi, NULL, "", "", show_waited, &g, &err));
	check_str(row, g.text, waited);
}

/* Since when, for what, and what became of it, from one run to the next. */
static void
t_waits(void **state)
{
	struct logtally *t = tally();
	const enum fault ok = FAULT_OK, tls = FAULT_EXPIRED;

	(void)state;
	step(t, 0, "4A", "acme.example", "deferred", ok);
	step(t, 10, "4A", "acme.example", "deferred", FAULT_CONNECT_REFUSED);
	step(t, 20, "4A", "acme.example", "deferred", tls);
	step(t, 30, "4A", "acme.example", "deferred", FAULT_NO_STARTTLS);
	step(t, 40, "4B", "acme.example", "skipped", tls);
	step(t, 40, "4B", "acme.example", "sent", ok);
	step(t, 50, "4C", "x.example", "deferred", ok);
	step(t, 50, "4C", "y.example", "deferred", tls);
	step(t, 60, "4D", "acme.example", "deferred", tls);
	step(t, 99, "4D", "acme.example", "sent", ok);
	check_waits(&t, "first",
	    "4A acme expired +20\n4C y.example expired +50\n",
	    "acme expired sent 1 39\n");
	step(t, 70, "4E", "acme.example", "deferred", tls);
	step(t, 100, "4A", "x.example", "sent", ok);
	step(t, 3620, "4A", "acme.example", "bounced", ok);
	check_waits(&t, "then",
	    "4C y.example expired +50\n4E acme expired +70\n",
	    "acme expired bounced 1 3600\nacme expired sent 1 39\n");
	/* Nobody remembers for which domains. */
	step(t, 170, "4E", "", "expired", ok);
	step(t, 170, "4F", "", "expired", ok);
	check_waits(&t, "then", "4C y.example expired +50\n",
	    "acme expired bounced 1 3600\nacme expired expired 1 100\n"
	    "acme expired sent 1 39\n");
	/* Somebody else has counted it. */
	step(t, 170, "4C", "y.example", "sent", ok);
	logtally_drop(t);
	step(t, 250, "4C", "y.example", "sent", ok);
	check_waits(&t, "dropped", "",
	    "acme expired bounced 1 3600\nacme expired expired 1 100\n"
	    "acme expired sent 1 39\ny.example expired sent 1 200\n");
	logtally_free(t);
}

static bool
show_hour(const struct evidence_hour *h, void *arg)
{
	return gather(arg, "+%lld %s %llu\n", (long long)(h->hour - T0),
	    h->host, (unsigned long long)h->n);
}

static void
t_hours(void **state)
{
	struct logtally *t = tally();
	struct gathered g = {0};
	char host[8];
	unsigned i;

	(void)state;
	logtally_hour(t, T0 + 5, SPAN("gw"));
	logtally_hour(t, T0 + 3599, SPAN("gw2"));
	logtally_hour(t, T0 + 3599, SPAN("gw"));
	logtally_hour(t, T0 + 3600, SPAN("gw"));
	well("write", logtally_write(t, NULL, &err));
	logtally_hour(t, T0 + 3600, SPAN("gw"));
	well("write", logtally_write(t, NULL, &err));
	well("hours", evidence_hours(evi, 0, 0, show_hour, &g, &err));
	check_str("hours", g.text, "+0 gw 2\n+0 gw2 1\n+3600 gw 2\n");
	/* Hosts can be invented, too. */
	for (i = 0; i < 80; i++) {
		(void)snprintf(host, sizeof(host), "h%u", i);
		logtally_hour(t, T0 + 7200, SPAN(host));
	}
	well("write", logtally_write(t, NULL, &err));
	g = (struct gathered){0};
	well("hours", evidence_hours(evi, T0 + 7200, 0, show_hour, &g, &err));
	check_int("hosts", g.n, 63);
	check_has("the rest", g.text, "other 18\n");
	logtally_free(t);
}

static bool
show_received(const char *partner, time_t last, void *arg)
{
	return gather(arg, "%s +%lld\n", partner, (long long)(last - T0));
}

/* Of mail that came in over TLS the time of the last one stays. */
static void
t_received(void **state)
{
	static const time_t at[] = {T0 + 4, T0 + 6, T0 + 5};
	struct logtally *t = tally();
	struct attempt a = {.direction = EVIDENCE_IN,
	    .level = EVIDENCE_ENCRYPTED,
	    .result = SPAN("received")};
	struct gathered g = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(at); i++) {
		a.time = at[i];
		well("add", logtally_add(t, &a, "acme", "acme.example", &err));
	}
	well("write", logtally_write(t, NULL, &err));
	well("read", evidence_received(evi, NULL, show_received, &g, &err));
	check_str("last", g.text, "acme +6\n");
	logtally_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_strangers),
	    CASE(t_failures),
	    CASE(t_rules),
	    CASE(t_sums),
	    CASE(t_waits),
	    CASE(t_hours),
	    CASE(t_received),
	};

	return cmocka_run_group_tests_name("logtally", tests, NULL, NULL);
}
