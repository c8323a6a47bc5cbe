#include "reportbrief.h"

#include <stdlib.h>

#include "mem.h"
#include "report.h"

#define DOWNGRADES 3
#define NOTES 2

bool
report_brief_partner(const struct report *r, const struct report_recipient *x)
{
	return (size_t)(x - r->clear) < r->clear_partners;
}

uint64_t
report_brief_moved(const struct report_downgrade *d, uint64_t *clear)
{
	uint64_t n = 0;
	unsigned w, s;

	*clear = d->moved[EVIDENCE_IN][EVIDENCE_CLEAR] +
		 d->moved[EVIDENCE_OUT][EVIDENCE_CLEAR];
	for (w = 0; w < REPORT_WAYS; w++)
		for (s = 0; s < REPORT_SEEN; s++)
			n += d->moved[w][s];
	return n;
}

static void
take_clear(struct report_brief *b, const struct report *r, bool each)
{
	size_t i, at;
	bool partner;

	b->clear = mem_zero(r->nclear + 1, sizeof(*b->clear));
	for (i = 0; i < r->nclear; i++) {
		partner = i < r->clear_partners;
		at = partner ? i : i - r->clear_partners;
		if (each || at < (partner ? REPORT_PARTNERS_NAMED
					  : REPORT_DOMAINS_NAMED))
			b->clear[b->nclear++] = &r->clear[i];
	}
	b->left += r->nclear - b->nclear;
}

static void
take_downgrades(struct report_brief *b, const struct report *r, bool each)
{
	const size_t max = each ? r->ndowngrades : DOWNGRADES;
	size_t i, pass;

	b->downgrade = mem_zero(r->ndowngrades + 1, sizeof(*b->downgrade));
	for (pass = 0; pass < 2; pass++)
		for (i = r->ndowngrades; i > 0 && b->ndowngrades < max; i--)
			if (r->downgrade[i - 1].open == (pass == 0))
				b->downgrade[b->ndowngrades++] =
				    &r->downgrade[i - 1];
	b->left += r->ndowngrades - b->ndowngrades;
}

static void
take_notes(struct report_brief *b, const struct report *r, bool each)
{
	size_t i;

	b->note = mem_zero(r->nnotes + 1, sizeof(*b->note));
	for (i = 0; i < r->nnotes; i++) {
		if (r->note[i].now && !r->going_on) {
			b->now++;
			continue;
		}
		if (each || b->notes < NOTES)
			b->note[b->nnotes++] = &r->note[i];
		b->notes++;
	}
	b->left += b->notes - b->nnotes;
}

void
report_brief_of(struct report_brief *b, const struct report *r, bool each)
{
	*b = (struct report_brief){0};
	take_clear(b, r, each);
	take_downgrades(b, r, each);
	take_notes(b, r, each);
}

void
report_brief_release(struct report_brief *b)
{
	free(b->clear);
	free(b->downgrade);
	free(b->note);
}
