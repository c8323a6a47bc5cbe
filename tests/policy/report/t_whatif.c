/*
 * What another registry would have made of each mail.
 */
#include "reportlab.h"

#include "mkcert.h"
#include "whatif.h"

#define WAS                                                 \
	"partner acme mode=enforced domain=acme.example"    \
	" gateway=mx.acme.example contact=a@acme.example\n" \
	"partner old domain=renamed.example\n"              \
	"partner part domain=part.example,gone.example\n"   \
	"partner split domain=left.example,moved.example\n"
#define WOULD                                                         \
	"partner acme mode=enforced domain=acme.example"              \
	" gateway=mx.acme.example contact=a@acme.example\n"           \
	"partner any mode=enforced verify=none domain=any.example"    \
	" contact=a@any.example\n"                                    \
	"partner other mode=enforced domain=other.example"            \
	" gateway=mx.acme.example contact=a@acme.example\n"           \
	"partner dane mode=enforced verify=dane domain=dane.example"  \
	" contact=a@dane.example\n"                                   \
	"partner part mode=enforced verify=none domain=part.example"  \
	" contact=a@part.example\n"                                   \
	"partner took mode=enforced verify=none domain=moved.example" \
	" contact=a@moved.example\n"                                  \
	"partner free domain=free.example\n"                          \
	"partner shut domain=shut.example inbound=require\n"          \
	"partner new mode=enforced verify=none domain=.new.example,"  \
	"renamed.example contact=a@new.example\n"

static struct registry *would;
static struct whatif w;

/* Mail of acme's or other's gateways is held against these. */
enum chain { NO_CHAIN, GOOD, BAD_NAME, ENDED };

static const char *
show(const char *partner, const char *host, enum chain which, time_t when)
{
	static struct mk_cert root;
	static char *pem[ENDED + 1];
	const struct mk of[] = {[GOOD] = {.cn = "mx",
				    .san = "DNS:mx.acme.example",
				    .from = -90,
				    .to = 90},
	    [BAD_NAME] = {.cn = "mx",
		.san = "DNS:mx.other.example",
		.from = -90,
		.to = 90},
	    [ENDED] = {.cn = "mx",
		.san = "DNS:mx.acme.example",
		.from = -90,
		.to = -5}};
	const struct mk ca = {.cn = "CA", .ca = true, .from = -200, .to = 200};
	struct mk_cert c;
	char *text = NULL, key[EVIDENCE_KEY];

	if (root.x == NULL)
		root = mk_cert(&ca, NULL, T0);
	if (set.ca_file == NULL)
		set.ca_file = check_path(dir, "ca.pem");
	mk_pem(root.x, &text);
	check_puts(set.ca_file, text);
	free(text);
	if (which != NO_CHAIN && pem[which] == NULL) {
		c = mk_cert(&of[which], &root, T0);
		mk_pem(c.x, &pem[which]);
		mk_free(&c);
	}
	(void)snprintf(key, sizeof(key), "%064d", (int)which);
	if (which != NO_CHAIN)
		well("probe", evidence_probe_add(evi,
				  &(struct evidence_probe){.time = when,
				      .partner = partner,
				      .nexthop = "acme.example",
				      .host = host,
				      .address = "192.0.2.1",
				      .port = 25,
				      .fault = "ok",
				      .key = key,
				      .chain = pem[which]},
				  NULL, &err));
	return pem[which];
}

static void
t_mails(void **state)
{
	static const struct {
		const char *name;
		const char *partner;
		enum evidence_direction way;
		enum evidence_seen seen;
		const char *protocol;
		enum chain first, second; /* of two gateways */
		enum chain later;	  /* of the first one, at noon */
		char want;		  /* go, wait, not known */
		enum fault why;
	} row[] = {
	    {"clear", "any", EVIDENCE_OUT, EVIDENCE_CLEAR, "", 0, 0, 0, 'w',
		FAULT_NO_STARTTLS},
	    {"encrypted", "any", EVIDENCE_OUT, EVIDENCE_ENCRYPTED, "TLSv1.2", 0,
		0, 0, 'g', 0},
	    {"too old", "any", EVIDENCE_OUT, EVIDENCE_ENCRYPTED, "TLSv1.1", 0,
		0, 0, 'w', FAULT_PROTOCOL_TOO_OLD},
	    {"no protocol", "any", EVIDENCE_OUT, EVIDENCE_ENCRYPTED, "", 0, 0,
		0, 'n', 0},
	    {"of a domain that it has no more, or not", "part", EVIDENCE_OUT,
		EVIDENCE_CLEAR, "", 0, 0, 0, 'n', 0},
	    {"encrypted in either case", "part", EVIDENCE_OUT,
		EVIDENCE_ENCRYPTED, "TLSv1.3", 0, 0, 0, 'g', 0},
	    {"of the domain that another has, or not", "split", EVIDENCE_OUT,
		EVIDENCE_CLEAR, "", 0, 0, 0, 'n', 0},
	    {"good", "other", EVIDENCE_OUT, EVIDENCE_ENCRYPTED, "TLSv1.3", GOOD,
		GOOD, 0, 'g', 0},
	    {"clear, good", "other", EVIDENCE_OUT, EVIDENCE_CLEAR, "", GOOD, 0,
		0, 'w', FAULT_NO_STARTTLS},
	    {"name", "other", EVIDENCE_OUT, EVIDENCE_TRUSTED, "TLSv1.3",
		BAD_NAME, BAD_NAME, 0, 'w', FAULT_NAME_MISMATCH},
	    {"ended", "other", EVIDENCE_OUT, EVIDENCE_TRUSTED, "TLSv1.3", ENDED,
		0, 0, 'w', FAULT_EXPIRED},
	    {"no look", "other", EVIDENCE_OUT, EVIDENCE_TRUSTED, "TLSv1.3", 0,
		0, 0, 'n', 0},
	    {"two ways", "other", EVIDENCE_OUT, EVIDENCE_TRUSTED, "TLSv1.3",
		GOOD, BAD_NAME, 0, 'n', 0},
	    {"changed that day", "other", EVIDENCE_OUT, EVIDENCE_TRUSTED,
		"TLSv1.3", GOOD, 0, BAD_NAME, 'n', 0},
	    {"passed then", "acme", EVIDENCE_OUT, EVIDENCE_VERIFIED, "TLSv1.3",
		0, 0, 0, 'g', 0},
	    {"passed lowered", "acme", EVIDENCE_OUT, EVIDENCE_VERIFIED,
		"TLSv1.3", 0, 0, 0, 'n', 0},
	    {"did not", "acme", EVIDENCE_OUT, EVIDENCE_TRUSTED, "TLSv1.3", 0, 0,
		0, 'n', 0},
	    {"no TLSA records", "dane", EVIDENCE_OUT, EVIDENCE_ENCRYPTED,
		"TLSv1.3", GOOD, 0, 0, 'n', 0},
	    {"nothing demanded", "free", EVIDENCE_OUT, EVIDENCE_CLEAR, "", 0, 0,
		0, 'g', 0},
	    {"nobody's", "x.example", EVIDENCE_OUT, EVIDENCE_CLEAR, "", 0, 0, 0,
		'g', 0},
	    {"a stranger's", "a.new.example", EVIDENCE_OUT, EVIDENCE_CLEAR, "",
		0, 0, 0, 'w', FAULT_NO_STARTTLS},
	    {"renamed", "old", EVIDENCE_OUT, EVIDENCE_CLEAR, "", 0, 0, 0, 'w',
		FAULT_NO_STARTTLS},
	    {"in", "shut", EVIDENCE_IN, EVIDENCE_CLEAR, "", 0, 0, 0, 'w',
		FAULT_NO_STARTTLS},
	    {"in, encrypted", "shut", EVIDENCE_IN, EVIDENCE_ENCRYPTED,
		"TLSv1.3", 0, 0, 0, 'g', 0},
	    {"in, free", "free", EVIDENCE_IN, EVIDENCE_CLEAR, "", 0, 0, 0, 'g',
		0},
	};
	struct whatif_ask ask = {
	    .set = &set, .from = MIDNIGHT - 7 * DAY, .to = MIDNIGHT + DAY};
	struct diags d = {0};
	size_t i;

	(void)state;
	have_registry(WAS);
	would = registry_parse("would", WOULD, strlen(WOULD), T0, &d);
	check_int("would", d.errors, 0);
	diag_free(&d);
	ask.was = reg;
	ask.would = would;
	set.ledger = file;
	set.evidence = seen;
	for (i = 0; i < COUNT(row); i++) {
		struct evidence_count c = {.day = "2026-11-23",
		    .partner = row[i].partner,
		    .direction = row[i].way,
		    .seen = row[i].seen,
		    .protocol = row[i].protocol,
		    .downgrade =
			strcmp(row[i].name, "passed lowered") == 0 ? 7 : 0,
		    .result = row[i].way == EVIDENCE_OUT ? "sent" : "received",
		    .n = 3};

		by_hand_in(seen, "DELETE FROM log_count; DELETE FROM probe;"
				 "DELETE FROM gateway");
		well("add",
		    evidence_log_add(evi,
			&(struct evidence_batch){.count = &c, .ncounts = 1},
			&err));
		c.result = "deferred";
		well("add",
		    evidence_log_add(evi,
			&(struct evidence_batch){.count = &c, .ncounts = 1},
			&err));
		(void)show(
		    row[i].partner, "mx.acme.example", row[i].first, NOON(-20));
		(void)show(row[i].partner, "mx2.acme.example", row[i].second,
		    NOON(-20));
		(void)show(row[i].partner, "mx.acme.example", row[i].later, T0);
		well(row[i].name, whatif_read(&w, &ask, &err));
		check_int(row[i].name, w.mails, 3);
		check_int(row[i].name, w.waits, row[i].want == 'w' ? 3 : 0);
		check_int(row[i].name, w.unknown, row[i].want == 'n' ? 3 : 0);
		check_int(row[i].name, w.waiting, row[i].want == 'w');
		if (row[i].want == 'w')
			check_int(row[i].name, w.v[0].why[row[i].why], 3);
		whatif_free(&w);
	}
	registry_free(would);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    REPORT_CASE(t_mails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
