/* Mail of a partner that is not as agreed: what a letter to them is made of. */
#include "ledgerlab.h"

#include "arena.h"
#include "proberefused.h"

#define DAY 86400
#define CAME(when, level, lacks, m)                                          \
	{                                                                    \
		.day = when, .partner = "acme", .direction = EVIDENCE_IN,    \
		.seen = EVIDENCE_##level, .protocol = "", .cipher = "",      \
		.result = "received", .required = "encrypt", .downgrade = 1, \
		.proof = "", .fault = lacks, .n = m                          \
	}

/* What is found of these; received: when the last came as agreed. */
static void
found(const char *name, const struct evidence_count *count, size_t n,
    time_t received, struct proberefused *r, struct arena *a)
{
	struct evidence_count good = CAME("2026-11-10", ENCRYPTED, "ok", 1);
	struct evidence_batch b = {.count = count, .ncounts = n};

	*r = (struct proberefused){.partner = "acme"};
	well(name, evidence_log_add(evi, &b, &err));
	good.downgrade = 0;
	good.last = received;
	b = (struct evidence_batch){.count = &good, .ncounts = 1};
	if (received != 0)
		well(name, evidence_log_add(evi, &b, &err));
	well(name, proberefused_find(r, evi, file, T0 - DAY, a, &err));
}

static void
t_let_in(void **state)
{
	struct evidence_count clear[] = {CAME("2026-10-20", CLEAR,
					     "no-starttls",
					     9), /* too long ago */
	    CAME("2026-11-11", CLEAR, "no-starttls", 2),
	    CAME("2026-11-22", CLEAR, "no-starttls", 1)},
			      over_tls[] = {CAME("2026-11-23", ENCRYPTED,
				  "no-certificate", 4)};
	struct ledger_downgrade d = lowering;
	struct proberefused r;
	struct arena a = {0};
	int64_t id;

	(void)state;
	d.direction = DIRECTION_INBOUND;
	d.after = d.before;
	well("let in", ledger_downgrade_begin(led, &d, T0, &id, &err));
	check_int("its number", (long)id, 1);
	found("in clear", clear, COUNT(clear), T0 - 5 * DAY, &r, &a);
	check_int("none refused", (long)r.at, 0);
	check_int("in clear", (long)r.let_in, 3);
	check_true("in clear", r.clear);
	check_str("first", r.first, "2026-11-11");
	check_str("last", r.day, "2026-11-22");
	check_int("its end", (long)r.until, (long)d.end);
	/* The last day tells what they have to mend. */
	found("over TLS", over_tls, 1, 0, &r, &a);
	check_int("over TLS", (long)r.let_in, 7);
	check_true("over TLS", !r.clear);
	well("closed",
	    ledger_downgrade_close(led, id, "me", "mended", T0 + 9, &err));
	found("closed", over_tls, 0, 0, &r, &a);
	check_int("when it was closed", (long)r.until, T0 + 9);
	/* On the same day nobody knows which came later. */
	found("the same day", over_tls, 0, T0, &r, &a);
	check_int("the same day", (long)r.let_in, 7);
	found("as agreed since", over_tls, 0, T0 + DAY, &r, &a);
	check_int("as agreed since", (long)r.let_in, 0);
	arena_free(&a);
}

/* What was refused is told, and no more. */
static void
t_refused(void **state)
{
	const struct evidence_failure failure = {.time = T0 - 60,
	    .partner = "acme",
	    .direction = EVIDENCE_IN,
	    .fault = "no-certificate",
	    .domain = "acme.example",
	    .host = "mx1",
	    .address = "192.0.2.1",
	    .queue_id = "NOQUEUE",
	    .text = ""};
	const struct evidence_batch b = {.failure = &failure, .nfailures = 1};
	struct evidence_count clear = CAME("2026-11-22", CLEAR, "no-start", 1);
	struct proberefused r;
	struct arena a = {0};

	(void)state;
	well("refused", evidence_log_add(evi, &b, &err));
	found("refused", &clear, 1, 0, &r, &a);
	check_int("refused", (long)r.at, T0 - 60);
	check_int("none let in", (long)r.let_in, 0);
	found("mended", &clear, 0, T0, &r, &a);
	check_int("mended", (long)r.at, 0);
	arena_free(&a);
}

/* What came in by an exception since is told in its stead. */
static void
t_let_in_since(void **state)
{
	static const struct {
		const char *name, *day;
		time_t refused;
		bool let_in;
	} cases[] = {
	    {"begun since", "2026-11-23", T0 - 60, true},
	    {"begun before", "2026-11-23", T0 + 60, false},
	    {"the day after", "2026-11-24", T0 + 60, true},
	    {"the day before", "2026-11-22", T0 - 60, false},
	};
	struct evidence_failure failure = {.partner = "acme",
	    .direction = EVIDENCE_IN,
	    .fault = "no-starttls",
	    .domain = "acme.example",
	    .host = "mx1",
	    .address = "192.0.2.1",
	    .queue_id = "NOQUEUE",
	    .text = ""};
	const struct evidence_batch b = {.failure = &failure, .nfailures = 1};
	struct evidence_count clear = CAME("", CLEAR, "no-starttls", 2);
	struct ledger_downgrade d = lowering;
	struct proberefused r;
	struct arena a = {0};
	int64_t id;
	size_t i;

	d.direction = DIRECTION_INBOUND;
	d.after = d.before;
	for (i = 0; i < COUNT(cases); i++) {
		if (i > 0)
			(void)(teardown(state) + setup(state));
		well("let in", ledger_downgrade_begin(led, &d, T0, &id, &err));
		failure.time = cases[i].refused;
		well("refused", evidence_log_add(evi, &b, &err));
		clear.day = cases[i].day;
		found(cases[i].name, &clear, 1, 0, &r, &a);
		check_int(
		    cases[i].name, (long)r.let_in, cases[i].let_in ? 2 : 0);
		check_int(cases[i].name, (long)r.at,
		    cases[i].let_in ? 0 : cases[i].refused);
		if (cases[i].let_in)
			check_int(cases[i].name, (long)r.until, (long)d.end);
	}
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(t_let_in), CASE(t_refused), CASE(t_let_in_since)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
