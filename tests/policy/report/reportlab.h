/*
 * reportlab.h: what the tests of reports share: a registry, what was counted
 * and seen, and a report of it.
 */
#ifndef REPORTLAB_H
#define REPORTLAB_H

#include "ledgerlab.h"

#include "diag.h"
#include "registry.h"
#include "report.h"
#include "settings.h"

#define DAY 86400
#define NOON(n) (T0 + (n)*DAY) /* of the n-th day from 2026-11-23 on */
#define MIDNIGHT (T0 - DAY / 2)

static struct report rep;
static struct registry *reg;
static struct settings set;

static inline void
have_registry(const char *text)
{
	struct diags d = {0};

	registry_free(reg);
	reg = registry_parse("registry", text, strlen(text), T0, &d);
	check_int(text, d.errors, 0);
	diag_free(&d);
}

static inline void
count_proof(const char *day, const char *partner, enum evidence_direction way,
    enum evidence_seen what, const char *required, int64_t downgrade,
    const char *proof, uint64_t n)
{
	const struct evidence_count c = {.day = day,
	    .partner = partner,
	    .direction = way,
	    .seen = what,
	    .protocol = what == EVIDENCE_CLEAR ? "" : "TLSv1.3",
	    .cipher = what == EVIDENCE_CLEAR ? "" : "TLS_AES_256_GCM_SHA384",
	    .result = way == EVIDENCE_OUT ? "sent" : "received",
	    .required = required,
	    .downgrade = downgrade,
	    .proof = proof,
	    .fault = *required == '\0' ? "" : "ok",
	    .n = n};

	well(partner,
	    evidence_log_add(evi,
		&(struct evidence_batch){.count = &c, .ncounts = 1}, &err));
}

static inline void
count(const char *day, const char *partner, enum evidence_direction way,
    enum evidence_seen what, const char *required, int64_t downgrade,
    uint64_t n)
{
	count_proof(day, partner, way, what, required, downgrade,
	    what == EVIDENCE_VERIFIED ? "ca" : "", n);
}

static bool brief, grouped; /* as it is asked */

/* Of the days from..to, in UTC, of one partner or all (NULL). 0 or -1. */
static inline int
try_report(time_t from, time_t to, time_t now, const char *one)
{
	struct report_ask ask = {.set = &set,
	    .registry = reg,
	    .from = from,
	    .to = to,
	    .now = now,
	    .partner = &one,
	    .npartners = one != NULL,
	    .check = true,
	    .brief = brief,
	    .grouped = grouped};

	report_free(&rep);
	set.ledger = file;
	set.evidence = seen;
	if (set.map == NULL)
		set.map = check_path(dir, "policy.cdb");
	if (set.ca_file == NULL)
		set.ca_file = check_path(dir, "ca.pem");
	set.probe_timeout = 60;
	return report_read(&rep, &ask, &err);
}

/* As many days up to that of T0, at noon. */
static inline void
read_days(unsigned days)
{
	well("report", try_report(MIDNIGHT - (time_t)(days - 1) * DAY,
			   MIDNIGHT + DAY, T0, NULL));
}

static inline const struct report_partner *
partner(const char *name)
{
	size_t i;

	for (i = 0; i < rep.npartners; i++)
		if (strcmp(rep.partner[i].name, name) == 0)
			return &rep.partner[i];
	fail_msg("no partner %s", name);
	return NULL;
}

static inline const struct report_answer *
answer(const char *question)
{
	size_t i;

	for (i = 0; i < rep.nanswers; i++)
		if (strstr(rep.answer[i].question, question) != NULL)
			return &rep.answer[i];
	fail_msg("nobody asks %s", question);
	return NULL;
}

/* All notes, a line each. */
static inline const char *
notes(void)
{
	static struct gathered g;
	size_t i;

	g = (struct gathered){0};
	for (i = 0; i < rep.nnotes; i++)
		(void)gather(&g, "%s %s: %s\n",
		    report_state_name(rep.note[i].state), rep.note[i].partner,
		    rep.note[i].text);
	return g.text;
}

static inline int
report_teardown(void **state)
{
	report_free(&rep);
	rep = (struct report){0};
	registry_free(reg);
	reg = NULL;
	free(set.map);
	free(set.ca_file);
	set = (struct settings){0};
	return teardown(state);
}

#define REPORT_CASE(f) \
	cmocka_unit_test_setup_teardown(f, setup, report_teardown)

#endif
