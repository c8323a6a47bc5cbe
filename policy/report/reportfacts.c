#include "reportfacts.h"

#include <string.h>

#include "num.h"
#include "reading.h"
#include "registry.h"

/* In the order in which auditors count them. */
enum {
	FACT_AGREEMENT,
	FACT_CONTACTS,
	FACT_RULES,
	FACT_MAIL,
	FACT_KEPT,
	FACT_PROTOCOL,
	FACT_CIPHER,
	FACT_GROUP,
	FACT_PROOF,
	FACT_NAMES,
	FACT_RESOLVER,
	FACT_TLSA,
	FACT_MTA_STS,
	FACT_TLSRPT,
	FACT_ISSUER,
	FACT_EXPIRY,
	FACT_NEGATIVE,
	FACT_DOWNGRADES,
	FACT_FAILURES,
	FACT_OURS,
	FACT_LEGS,
	FACT_GAPS,
	FACT_INTEGRITY,
	FACT_PRIVACY,
	FACT_TOLD,
	FACT_LIST,
};

/* What is never looked at here has its reason, and no place. */
static const struct report_fact facts[REPORT_FACTS] = {
    {"agreement with each partner: mode, ticket, review date", 0, "partners",
	""},
    {"contacts of both sides", 0, "partners", ""},
    {"the rule in force, and every change of it", 0, "rules", ""},
    {"messages by direction: clear, encrypted, trusted, verified", 0, "mail",
	""},
    {"required and preferred, kept and failed, as of that day", 0, "mail", ""},
    {"protocol versions", 0, "mail", ""},
    {"ciphers, with forward secrecy", 0, "mail", ""},
    {"key-exchange groups and signatures, post-quantum share", 0, "mail", ""},
    {"by what servers were authenticated", 0, "mail", ""},
    {"how the names of gateways are known", 0, "partners", ""},
    {"our resolver validates DNSSEC", 0, "gateways", ""},
    {"TLSA records there, used, failed", 0, "gateways", ""},
    {"MTA-STS policy, mode, MX matched", 0, "",
	"not looked at: Postfix does not use it"},
    {"TLS reports sent, received, evaluated", 0, "", "not looked at"},
    {"issuing CA of each gateway", 0, "gateways", ""},
    {"expiry, life and purposes of the whole chain", 0, "gateways", ""},
    {"negative test: Enforced refuses a wrong server", 0, "partners",
	"not looked at"},
    {"each downgrade: who, why, how long, and mail under it", 0, "downgrades",
	""},
    {"failures by class, and how long mail waited", 0, "failures", ""},
    {"our own side: certificate, protocols, TLSA, reports", 0, "ours",
	"not looked at: tlspact-setup check --record"},
    {"the legs behind a partner's outsourcer", 0, "partners", ""},
    {"gaps: hours and hosts without a log; no mail", 0, "gaps", ""},
    {"integrity: head of the chain, how to verify", 0, "record", ""},
    {"no personal data; how long rows are kept", 0, "record", ""},
    {"who was told what, and when", 0, "notices", ""},
    {"list of partners, and what each meets", 0, "partners", ""},
};

static void
fact(struct report *r, unsigned which, bool shown, bool whole, const char *why)
{
	struct report_fact *f = &r->fact[which];

	f->state = !shown ? REPORT_OPEN : whole ? REPORT_GOOD : REPORT_WATCH;
	if (!shown || !whole)
		f->text = why;
}

static void
facts_of_partners(struct reading *g)
{
	struct report *r = g->r;
	size_t i, unreviewed = 0, silent = 0, alone = 0;
	const struct report_partner *p;
	bool any = r->npartners > 0;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->p == NULL || !reading_is_enforced(p))
			continue;
		unreviewed += p->p->attributes->review == 0 ||
			      p->p->attributes->ticket == NULL;
		silent += p->p->contact == NULL;
		alone += p->ngateways == 0;
	}
	fact(r, FACT_AGREEMENT, any, unreviewed == 0,
	    any ? reading_printf(g,
		      "%s enforced partner%s without ticket or review date",
		      reading_count(g, unreviewed).s, num_plural(unreviewed))
		: "no partner");
	fact(r, FACT_CONTACTS, any, silent == 0,
	    any ? reading_printf(g, "%s enforced partner%s without a contact",
		      reading_count(g, silent).s, num_plural(silent))
		: "no partner");
	fact(r, FACT_NAMES, any, true, "no partner");
	fact(r, FACT_LIST, any, true, "no partner");
	fact(r, FACT_ISSUER, r->ngateways > 0, alone == 0,
	    "not every enforced partner was looked at: tlspact-probe");
	fact(r, FACT_EXPIRY, r->ngateways > 0, alone == 0,
	    "not every enforced partner was looked at: tlspact-probe");
}

/* Of enforced partners, those that were tried; of those with a provider, those
 * whose legs a traced mail told. */
static void
facts_of_tests(struct reading *g)
{
	const struct report_partner *p;
	struct report *r = g->r;
	size_t i, k, all = 0, tried = 0, behind = 0, traced = 0;

	for (i = 0; i < r->npartners; i++) {
		p = &r->partner[i];
		if (p->p == NULL || !reading_is_enforced(p))
			continue;
		all++;
		for (k = 0; k < r->nonboards; k++)
			if (r->onboard[k].partner == p->name)
				tried +=
				    strcmp(r->onboard[k].refusal, "done") == 0;
		if (p->p->provider == REGISTRY_NONE)
			continue;
		behind++;
		for (k = 0; k < r->nlegs; k++)
			if (r->leg[k].partner == p->name)
				break;
		traced += k < r->nlegs;
	}
	fact(r, FACT_NEGATIVE, tried > 0, tried == all,
	    tried == 0
		? "not looked at: tlspactctl onboard"
		: reading_printf(g, "%s of %s enforced partners",
		      reading_count(g, tried).s, reading_count(g, all).s));
	fact(r, FACT_LEGS, traced > 0 || r->nlegs > 0, traced == behind,
	    r->nlegs == 0
		? "not looked at: tlspact-trace --record"
		: reading_printf(g, "%s of %s with a provider",
		      reading_count(g, traced).s, reading_count(g, behind).s));
}

/* What DNS said when gateways were looked at. */
static void
facts_of_dns(struct reading *g)
{
	struct report *r = g->r;
	size_t i, looked = 0, secure = 0, asked = 0;

	for (i = 0; i < r->ngateways; i++) {
		looked += *r->gateway[i].dnssec != '\0';
		secure += strcmp(r->gateway[i].dnssec, "secure") == 0;
		asked += *r->gateway[i].tlsa != '\0';
	}
	fact(r, FACT_RESOLVER, secure > 0, true,
	    looked > 0 ? "no signed name was met; tlspact-setup check asks it"
		       : "not looked at; tlspact-setup check asks it");
	fact(r, FACT_TLSA, asked > 0, asked == r->ngateways,
	    asked > 0 ? "not of every gateway" : "not looked at");
}

static void
facts_of_mail(struct report *r)
{
	const struct report_way *in = &r->all[EVIDENCE_IN];
	const struct report_way *out = &r->all[EVIDENCE_OUT];
	bool mail = report_mails(&in->mail) + report_mails(&out->mail) > 0;
	bool tls = in->protocol.n + out->protocol.n > 0;
	size_t i;

	fact(r, FACT_MAIL, mail, true, "no mail was counted");
	fact(r, FACT_KEPT, mail, r->rule_unknown == 0,
	    mail ? "of some mail the rule of its time is not known"
		 : "no mail was counted");
	fact(r, FACT_PROTOCOL, tls, true, "no mail was encrypted");
	fact(r, FACT_CIPHER, tls, in->secret_unknown + out->secret_unknown == 0,
	    tls ? "of some mail the cipher is not known"
		: "no mail was encrypted");
	fact(r, FACT_GROUP, in->exchange.n + out->exchange.n > 0, true,
	    "the log does not tell: smtp_tls_loglevel = 1 of Postfix 3.4");
	fact(r, FACT_PROOF, out->proof.n > 0, true, "no mail was verified");
	for (i = 0; i < out->proof.n; i++)
		if (*out->proof.v[i].name == '\0')
			fact(r, FACT_PROOF, true, false,
			    "of some mail it is not known");
}

/* What the record tells, of as much of the period as is on it. */
static void
recorded(struct report *r, unsigned which, bool whole, const char *why)
{
	fact(r, which, r->recorded, *r->unrecorded == '\0' && whole,
	    *r->unrecorded == '\0' ? why : r->unrecorded);
}

static void
facts_of_record(struct reading *g)
{
	struct report *r = g->r;
	bool record = r->head.count > 0, moved = true;
	size_t i;

	for (i = 0; i < r->ndowngrades; i++)
		moved = moved && r->downgrade[i].moved_known;
	recorded(r, FACT_RULES, r->rules_more == 0,
	    reading_printf(g, "%s change%s that the record only counts",
		reading_count(g, r->rules_more).s, num_plural(r->rules_more)));
	recorded(r, FACT_DOWNGRADES, moved,
	    "of some the mail under it was not counted");
	fact(r, FACT_FAILURES, r->hours_read > 0, true, "no log was read");
	fact(r, FACT_GAPS, r->hours_known, true,
	    "the hours read are not on record");
	fact(r, FACT_INTEGRITY, record, r->flaws == 0 && *r->unsealed == '\0',
	    !record	   ? "there is no record yet"
	    : r->flaws > 0 ? "the record is not whole"
			   : r->unsealed);
	fact(r, FACT_PRIVACY, true, true, "");
	recorded(r, FACT_TOLD, true, "");
}

/* Of each thing a look that is not old. */
static void
facts_of_ours(struct reading *g)
{
	struct report *r = g->r;
	size_t i, open = 0;
	char day[NUM_TIME_MAX];

	for (i = 0; i < r->nown; i++)
		open += r->own[i].state == REPORT_OPEN;
	if (r->nown == 0)
		return;
	fact(r, FACT_OURS, true, open == 0 && !r->own_old,
	    r->own_old
		? reading_printf(g,
		      "looked at last on %.10s: tlspact-setup "
		      "check --record",
		      num_time_text(r->own_time, day))
		: reading_printf(g, "%s of %s not known",
		      reading_count(g, open).s, reading_count(g, r->nown).s));
}

void
reading_facts(struct reading *g)
{
	memcpy(g->r->fact, facts, sizeof(facts));
	facts_of_partners(g);
	facts_of_dns(g);
	facts_of_tests(g);
	facts_of_ours(g);
	facts_of_mail(g->r);
	facts_of_record(g);
}
