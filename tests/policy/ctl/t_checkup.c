/* All that can be wrong, one after the other: state and words of each. */
#include "check.h"

#include "checkup.h"
#include "diag.h"
#include "mapgone.h"
#include "registry.h"

#define T0 1795435200 /* 2026-11-23T12:00:00Z */
#define DAY 86400
#define FINE "0123456789abcdef"

static const char text[] = "partner acme mode=enforced domain=acme.example"
			   " contact=p@acme.example\n"
			   "partner soft inbound=require domain=soft.example"
			   " contact=s@soft.example\n";

static struct registry *reg;
static struct diags diags;
static struct ctl_facts partner[2];
static struct evidence_gateway gateway[2];
static struct step_gateway step[2];
static struct checkup_facts facts;

static int
setup(void **state)
{
	(void)state;
	reg = registry_parse("registry", text, strlen(text), T0, &diags);
	assert_int_equal(diags.errors, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	diag_free(&diags);
	registry_free(reg);
	return 0;
}

/* All is well with acme, its two gateways and all the rest. */
static void
begin(void)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		gateway[i] = (struct evidence_gateway){
		    .last = {.time = T0 - 60,
			.host = i == 0 ? "mx1" : "mx2",
			.begins = T0 - 30 * DAY,
			.not_after = T0 + 60 * DAY}};
		step[i] = (struct step_gateway){.nexthop = "acme.example",
		    .host = gateway[i].last.host,
		    .time = T0 - 60,
		    .fault = FAULT_OK};
	}
	partner[0] = (struct ctl_facts){.name = "acme",
	    .partner = &reg->partner[0],
	    .full = LEVEL_SECURE,
	    .in_map = true,
	    .map_level = LEVEL_SECURE,
	    .gateway = gateway,
	    .step = step,
	    .n = 2,
	    .probed = T0 - 60};
	partner[1] =
	    (struct ctl_facts){.name = "soft", .partner = &reg->partner[1]};
	facts = (struct checkup_facts){.now = T0,
	    .partner = partner,
	    .npartners = 2,
	    .digest = FINE,
	    .registry_written = T0 - DAY,
	    .header = {.time = T0 - DAY, .domains = 2, .registry = FINE},
	    .warden = CHECKUP_ANSWERS,
	    .log_read = T0 - 30,
	    .log_written = T0 - 20,
	    .newest = T0 - 60,
	    .events = 7,
	    .file = {{"ledger.db", 1000, 1 << 30, true},
		{"evidence.db", 1000, 1 << 30, true}}};
}

static void
lower(void)
{
	partner[0].low = (struct ctl_low){.rows = 1,
	    .level = LEVEL_ENCRYPT,
	    .full = LEVEL_SECURE,
	    .end = T0 + 3600};
	partner[0].lowered = (struct ledger_downgrade){
	    .id = 3, .after = LEVEL_ENCRYPT, .end = T0 + 3600, .author = "jo"};
	partner[0].map_level = LEVEL_ENCRYPT;
}

static struct mapgone_change change;

static void
gone(void)
{
	static const char *names[] = {"bolt", "cog"};
	static const struct mapgone all = {.v = &change, .n = 1};

	change = (struct mapgone_change){
	    .time = T0 - 3600, .name = names, .n = 2, .together = 2};
	facts.gone = &all;
}

static void
gone_many(void)
{
	gone();
	change.together = 3;
	change.before = "/old";
}

static void
gone_as_agreed(void)
{
	gone_many();
	change.agreed = "edit";
}

static void
changed(void)
{
	static enum ctl_basis before[] = {
	    CTL_BY_RULE_BEFORE, CTL_BY_RULE_BEFORE};

	partner[0].basis = before;
}

static void
unsure(void)
{
	partner[0].unsure = true;
}

static void
waits(void)
{
	static char why[] = "Server certificate not trusted";
	static char who[] = "acme, soft";
	static const char *of[] = {"acme", "soft"};

	facts.waiting = (struct ctl_waiting){.all = {.messages = 4},
	    .tls = {.messages = 3, .oldest = T0 - 7200, .reason = why},
	    .tls_who = who,
	    .tls_of = of,
	    .ntls = 2};
}

static void both_fail(void);

static void
waits_at_the_second(void)
{
	static const char *of[] = {"soft", "acme"};

	waits();
	both_fail();
	facts.waiting.tls_of = of;
}

static void
waits_else(void)
{
	static char who[] = "soft";

	facts.waiting = (struct ctl_waiting){
	    .all = {.messages = 1, .deferred = 1, .oldest = T0 - 7200},
	    .who = who};
}

static void
kept_out(void)
{
	partner[1].refused =
	    (struct evidence_failure){.time = T0 - 600, .fault = "no-starttls"};
	partner[1].refusals = 3;
}

static void
kept_out_once(void)
{
	kept_out();
	partner[1].refusals = 1;
}

static void
kept_out_before(void)
{
	kept_out();
	partner[1].encrypted_since = true;
}

static void
kept_out_long_ago(void)
{
	kept_out();
	partner[1].refused.time = T0 - 2 * DAY;
}

static void
lets_in(void)
{
	lower();
	partner[0].low.direction = partner[0].lowered.direction =
	    DIRECTION_CERTIFICATE;
	partner[0].moved.let_in = 2;
}

static void
lowered_lets_in(void)
{
	lower();
	partner[0].moved.let_in = 1;
}

static void
no_queue(void)
{
	static char why[] = "no postqueue";

	facts.waiting = (struct ctl_waiting){.fault = why};
}

static void
over(void)
{
	lower();
	partner[0].low.end = partner[0].lowered.end = T0;
}

static void
unknown(void)
{
	lower();
	partner[0].partner = NULL;
}

static void
unregistered(void)
{
	unknown();
	partner[0].unregistered = true;
	facts.registry_fault = "registry:3: no";
}

static void
not_in_force(void)
{
	partner[0].map_level = LEVEL_OPPORTUNISTIC;
}

/* Of mail from them alone; nobody compiled since. */
static void
let_in_and_over(void)
{
	partner[0].low = (struct ctl_low){.rows = 1,
	    .level = LEVEL_SECURE,
	    .full = LEVEL_SECURE,
	    .direction = DIRECTION_INBOUND,
	    .end = T0};
}

static void
let_in_and_ended(void)
{
	let_in_and_over();
	partner[0].low.direction = DIRECTION_CERTIFICATE;
	partner[0].low.end = T0 + 3600;
}

static void
let_in_and_more(void)
{
	let_in_and_ended();
	partner[0].lowered = (struct ledger_downgrade){.id = 3,
	    .after = LEVEL_SECURE,
	    .direction = DIRECTION_INBOUND,
	    .end = T0 + 3600,
	    .author = "jo"};
}

static void
other_end(void)
{
	lower();
	partner[0].lowered.end += 3600;
}

/* What the ledger does not tell must not make the map good. */
static void
no_ledger_to_read(void)
{
	partner[0].ledger_fault = facts.ledger_fault = "Permission denied";
	partner[0].map_level = LEVEL_ENCRYPT;
}

static void
no_map(void)
{
	facts.map_fault = partner[0].map_fault = partner[1].map_fault =
	    "no such file";
}

static void
hidden_map(void)
{
	no_map();
	facts.map_hidden = true;
}

static void
beside(void)
{
	facts.beside = "policy-inbound.cdb";
}

static void
newer(void)
{
	facts.digest = "another";
	facts.changed = 1;
	facts.changes = "a.example weaker";
	facts.registry_written = T0 - 10;
}

static void
newer_for_long(void)
{
	newer();
	facts.registry_written = T0 - 3600;
}

static void
newer_for_nothing(void)
{
	newer_for_long();
	facts.changed = 0;
	facts.changes = "";
}

static void
newer_and_not_known(void)
{
	newer();
	facts.guard_fault = "no target";
}

static void
broken(void)
{
	facts.registry_fault = "registry:3: no";
	facts.registry_errors = 2;
}

/* What is live is known by the copy of the last good one. */
static void
broken_and_kept(void)
{
	broken();
	facts.kept = true;
	step[0].fault = step[1].fault = FAULT_EXPIRED;
}

static void
refused(void)
{
	facts.refused = true;
	facts.lost = 30;
	facts.lost_rows = "a.example removed and 29 more";
	facts.allowed = 2;
}

/* Partners, who can be put back. */
static void
refused_and_left(void)
{
	refused();
	facts.leaving = "1 partner would be gone: a";
}

static void
newer_and_left(void)
{
	newer();
	facts.leaving = "1 partner would be gone: a";
}

static void
newer_and_many_left(void)
{
	newer_and_left();
	facts.leaving_many = true;
}

/* What stops the guard is no work for a compile. */
static void
newer_and_refused(void)
{
	newer();
	refused();
}

static void
one_fails(void)
{
	step[1].fault = FAULT_EXPIRED;
}

static void
blind(void)
{
	step[0].blind = step[1].blind = T0 - 30;
}

static void
blind_and_expired(void)
{
	blind();
	step[0].fault = step[1].fault = FAULT_EXPIRED;
}

static void
both_fail(void)
{
	step[0].fault = step[1].fault = FAULT_EXPIRED;
}

static void
lowered_enough(void)
{
	both_fail();
	lower();
}

static void
lowered_too_little(void)
{
	step[0].fault = step[1].fault = FAULT_NO_STARTTLS;
	lower();
}

static void
lowered_and_blind(void)
{
	lowered_enough();
	blind();
}

/* They renewed it, with another key. */
static void
lowered_and_renewed(void)
{
	static const char *const pin[] = {"A"};

	lower();
	step[0].key = step[1].key = "b";
	partner[0].lowered.keys = pin;
	partner[0].lowered.nkeys = 1;
	partner[0].lowered.after = partner[0].low.level = LEVEL_KEY;
	partner[0].map_level = LEVEL_KEY;
}

/* For mail from them alone: mail to them waits. */
static void
lowered_inbound(void)
{
	lowered_enough();
	partner[0].low.direction = partner[0].lowered.direction =
	    DIRECTION_INBOUND;
	partner[0].low.level = partner[0].map_level = LEVEL_SECURE;
}

static void
lowered_and_over(void)
{
	both_fail();
	over();
}

/* The looks passed, and then mail failed there. */
static void
fails_by_log(void)
{
	step[0].fault = step[1].fault = FAULT_EXPIRED;
	step[0].failed_with = step[1].failed_with = FAULT_EXPIRED;
	step[0].failed = T0 - 30;
	step[1].failed = T0 - 20;
}

static void
one_by_log(void)
{
	fails_by_log();
	step[0].failed = 0;
	step[0].fault = FAULT_OK;
}

static void
nobody_answers(void)
{
	step[0].fault = step[1].fault = FAULT_CONNECT_TIMEOUT;
}

static void
by_turns(void)
{
	step[0].turns = (struct turns){true, 3, 8, FAULT_NO_STARTTLS};
}

static void
soft_fails(void)
{
	partner[1].gateway = gateway;
	partner[1].step = step;
	partner[1].n = 2;
	partner[0].n = 1;
	step[1].fault = FAULT_NO_STARTTLS;
	step[0].nexthop = "acme.example";
}

static void
never_probed(void)
{
	partner[0].n = 0;
	partner[0].probed = 0;
}

static void
probed_long_ago(void)
{
	partner[0].probed = T0 - 3 * 3600;
}

/* And another one never. */
static void
probed_and_never(void)
{
	probed_long_ago();
	partner[1] = partner[0];
	partner[1].name = "globex";
	partner[1].n = 0;
	partner[1].probed = 0;
}

static void
no_evidence(void)
{
	facts.evidence_fault = "damaged";
}

static void
ends_soon(void)
{
	gateway[1].last.not_after = T0 + 5 * DAY;
}

static void
ends_now(void)
{
	gateway[1].last.not_after = T0 + DAY / 2;
}

/* As the last probe saw it, it was good. */
static void
has_ended(void)
{
	gateway[1].last.not_after = T0 - DAY;
}

static void
ended_and_lowered(void)
{
	has_ended();
	lower();
}

/* Nobody demands that it be valid. */
static void
ended_in_vain(void)
{
	has_ended();
	gateway[1].last.begins = 0;
}

static void
all_in_vain(void)
{
	ended_in_vain();
	gateway[0].last.begins = 0;
	gateway[0].last.not_after = T0 - DAY;
}

/* Postfix shows it to others. */
static struct checkup_own ours;

static void
ours_well(void)
{
	ours = (struct checkup_own){.what = "server certificate",
	    .name = "/etc/ours.pem",
	    .begins = T0 - 30 * DAY,
	    .ends = T0 + 40 * DAY};
	facts.own = &ours;
	facts.nown = 1;
}

static void
ours_soon(void)
{
	ours_well();
	ours.ends = T0 + 5 * DAY;
}

static void
ours_now(void)
{
	ours_well();
	ours.ends = T0 + DAY / 2;
}

static void
ours_over(void)
{
	ours_well();
	ours.ends = T0 - 2 * DAY;
}

/* One for six days. */
static void
ours_short(void)
{
	ours_well();
	ours.begins = T0 - DAY;
	ours.ends = T0 + 5 * DAY;
}

static void
ours_hidden(void)
{
	ours_well();
	ours.begins = ours.ends = 0;
	ours.fault = "not looked at: Permission denied";
}

static void
ours_none(void)
{
	ours_hidden();
	ours.fault = "there is no certificate in it";
	ours.bad = true;
}

/* Six days are the whole life of some. */
static void
lives_short(void)
{
	gateway[1].last.begins = T0 - DAY;
	gateway[1].last.not_after = T0 + 5 * DAY;
}

static char *fault[] = {(char *)(uintptr_t) "main.cf: it is not there"};

static void
unwired(void)
{
	facts.postfix = fault;
	facts.npostfix = 1;
}

static void
unasked_table(void)
{
	facts.postfix_unasked =
	    "where \"ldap:x\" sends mail is not known: no answer";
}

static void
no_postfix(void)
{
	facts.postfix_fault = "postconf failed";
}

static void
dead(void)
{
	facts.socket[0] = (struct checkup_socket){
	    .answer = CHECKUP_SILENT, .why = "connection refused"};
}

static void
forbidden(void)
{
	facts.socket[0] = (struct checkup_socket){
	    .answer = CHECKUP_HIDDEN, .why = "Permission denied"};
}

static void
barred(void)
{
	facts.asker = "root";
	facts.socket[0] = (struct checkup_socket){.answer = CHECKUP_ANSWERS,
	    .barred = "Postfix (user postfix) may not open \"/p\": no"};
}

static void
no_warden(void)
{
	facts.warden = CHECKUP_SILENT;
}

static void
no_warden_to_drop(void)
{
	no_warden();
	facts.drops = true;
}

static void
never_read(void)
{
	facts.log_read = 0;
}

static void
behind(void)
{
	facts.log_read = T0 - 3600;
}

static void
lost(void)
{
	facts.log_read = T0 - 2 * DAY;
}

/* Nothing was written since: there was nothing to read. */
static void
quiet(void)
{
	lost();
	facts.log_written = T0 - 2 * DAY;
}

static void
flawed(void)
{
	facts.flaws = 1;
	facts.flaw = "event 3 was edited";
}

static void
no_record(void)
{
	facts.no_ledger = true;
	facts.header.time = T0 - 60;
}

static void
no_record_nor_map(void)
{
	facts.no_ledger = true;
	facts.header.time = 0;
}

static void
record_gone(void)
{
	facts.no_ledger = true;
}

static void
untold(void)
{
	facts.notices = 2;
}

static void
little_room(void)
{
	facts.file[1].room = 100 << 20;
}

static void
no_room(void)
{
	facts.file[0].room = 1 << 20;
}

static void
ahead(void)
{
	facts.newest = T0 + 3600;
}

static void
well(void)
{
}

/* What is made of it, and what is told: one finding of that check. */
static const struct {
	const char *name;
	void (*make)(void);
	enum checkup check;
	enum checkup_state state;
	const char *text, *next;
} row[] = {
    {"well", well, CHECKUP_MAP, CHECKUP_OK, "2 domains", NULL},
    {"well", well, CHECKUP_GATEWAYS, CHECKUP_OK,
	"all 2 of 1 enforced partner pass", NULL},
    {"well", well, CHECKUP_CERTIFICATES, CHECKUP_OK, "in 60 days", NULL},
    {"no sockets", well, CHECKUP_DAEMON, CHECKUP_OK, "by the settings", NULL},
    {"lowered", lower, CHECKUP_LOWERED, CHECKUP_WARNING,
	"acme is lowered to encrypt until 13:00, by jo",
	"tlspactctl status acme"},
    {"lowered as it should be", lower, CHECKUP_MAP, CHECKUP_OK, "", NULL},
    {"over", over, CHECKUP_LOWERED, CHECKUP_CRITICAL,
	"acme IS STILL LOWERED to encrypt: its time is up",
	"tlspactctl restore acme"},
    {"of nobody", unknown, CHECKUP_LOWERED, CHECKUP_CRITICAL,
	"it is not in the registry", "tlspactctl restore acme"},
    {"of an unknown", unregistered, CHECKUP_LOWERED, CHECKUP_WARNING,
	"acme is lowered to encrypt", "tlspactctl status acme"},
    {"not in force", not_in_force, CHECKUP_MAP, CHECKUP_CRITICAL,
	"acme is not in force: the map says opportunistic, registry and "
	"ledger secure",
	"tlspact-compile; tlspactctl status acme"},
    {"let in, and over", let_in_and_over, CHECKUP_MAP, CHECKUP_CRITICAL,
	"acme is not in force: the map lets in mail from it without TLS, by a "
	"downgrade that is over",
	"tlspact-compile; tlspactctl status acme"},
    {"let in, and ended", let_in_and_ended, CHECKUP_MAP, CHECKUP_CRITICAL,
	"the map lets in mail from it without their certificate, by a "
	"downgrade that is not open in the ledger",
	"tlspact-compile; tlspactctl status acme"},
    {"let in by more", let_in_and_more, CHECKUP_MAP, CHECKUP_CRITICAL,
	"the map lowers it to no certificate inbound, the ledger to no TLS "
	"inbound",
	"tlspact-compile; tlspactctl status acme"},
    {"another end", other_end, CHECKUP_MAP, CHECKUP_CRITICAL,
	"the map lowers it until 13:00, the ledger until 14:00",
	"tlspact-compile; tlspactctl status acme"},
    {"no ledger to read", no_ledger_to_read, CHECKUP_MAP, CHECKUP_CRITICAL,
	"the map says encrypt", "tlspact-compile; tlspactctl status acme"},
    {"no ledger to read", no_ledger_to_read, CHECKUP_RECORD, CHECKUP_UNKNOWN,
	"Permission denied", "tlspactctl history --check"},
    {"no map", no_map, CHECKUP_MAP, CHECKUP_CRITICAL,
	"no such file: Postfix defers all mail", "tlspact-compile"},
    {"no map", no_map, CHECKUP_LOWERED, CHECKUP_UNKNOWN, "", NULL},
    {"hidden map", hidden_map, CHECKUP_MAP, CHECKUP_UNKNOWN, "no such file",
	NULL},
    {"beside", beside, CHECKUP_MAP, CHECKUP_WARNING, "policy-inbound.cdb",
	"tlspact-compile"},
    {"gone", gone, CHECKUP_MAP, CHECKUP_WARNING,
	"2 partners are no longer in the map since 11:00: bolt, cog",
	"tlspactctl history --since 2026-11-23T11:00:00Z"},
    {"many enforced ones gone", gone_many, CHECKUP_MAP, CHECKUP_CRITICAL,
	"since 11:00: bolt, cog; see tlspactctl history --since "
	"2026-11-23T11:00:00Z; if that was meant, this goes by itself after a "
	"day; if not, put them back",
	"tlspact-compile --lost bolt cog"},
    {"many, as agreed", gone_as_agreed, CHECKUP_MAP, CHECKUP_WARNING,
	"since 11:00: bolt, cog", "tlspact-compile --lost bolt cog"},
    {"newer", newer, CHECKUP_REGISTRY, CHECKUP_WARNING,
	"newer than the map: written 11:59, not live: a.example weaker",
	"tlspact-compile"},
    {"newer, which changes nothing", newer_for_nothing, CHECKUP_REGISTRY,
	CHECKUP_OK, "newer than the map: nothing that is demanded would change",
	NULL},
    {"newer, and what changes is not known", newer_and_not_known,
	CHECKUP_REGISTRY, CHECKUP_WARNING, "not live", "tlspact-compile"},
    {"newer for long", newer_for_long, CHECKUP_REGISTRY, CHECKUP_CRITICAL,
	"newer than the map", "tlspact-compile"},
    {"broken", broken, CHECKUP_REGISTRY, CHECKUP_CRITICAL,
	"refused, the last good map stays: registry:3: no; and more",
	"tlspact-compile -n"},
    {"broken", broken, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN, "", NULL},
    {"broken, with a copy", broken_and_kept, CHECKUP_REGISTRY, CHECKUP_CRITICAL,
	"refused, the last good map stays", "tlspact-compile -n"},
    {"broken, with a copy", broken_and_kept, CHECKUP_GATEWAYS, CHECKUP_CRITICAL,
	"acme has no gateway that passes", "tlspactctl status acme"},
    {"broken, with a copy", broken_and_kept, CHECKUP_CERTIFICATES, CHECKUP_OK,
	"in 60 days", NULL},
    {"refused", refused, CHECKUP_GUARD, CHECKUP_CRITICAL,
	"30 rows of enforced domains would be removed or weakened, "
	"max_weakened allows 2",
	"tlspact-compile --diff"},
    {"refused and left", refused_and_left, CHECKUP_GUARD, CHECKUP_CRITICAL,
	"refuses the registry: 30 rows of enforced domains would be removed or "
	"weakened, max_weakened allows 2: a.example removed and 29 more; see "
	"tlspact-compile --diff; if that was not meant, put them back",
	"tlspact-compile --lost"},
    {"newer, and somebody leaves", newer_and_left, CHECKUP_REGISTRY,
	CHECKUP_WARNING,
	"newer than the map: written 11:59, not live: 1 partner would be gone: "
	"a; see tlspact-compile --diff; if that was not meant, put them back",
	"tlspact-compile --lost"},
    {"newer, and many leave", newer_and_many_left, CHECKUP_REGISTRY,
	CHECKUP_CRITICAL, "not live: 1 partner would be gone",
	"tlspact-compile --lost"},
    {"newer and refused", newer_and_refused, CHECKUP_REGISTRY, CHECKUP_WARNING,
	"not live: a.example weaker", "tlspact-compile --diff"},
    {"newer and refused", newer_and_refused, CHECKUP_GUARD, CHECKUP_CRITICAL,
	"allows 2: a.example removed and 29 more", "tlspact-compile --diff"},
    {"one fails", one_fails, CHECKUP_GATEWAYS, CHECKUP_WARNING,
	"acme passes at 1 of 2 gateways (expired); mail moves",
	"tlspactctl status acme"},
    {"both fail", both_fail, CHECKUP_GATEWAYS, CHECKUP_CRITICAL,
	"acme has no gateway that passes (expired), probe of 1",
	"tlspactctl status acme"},
    {"both fail, and it is lowered", lowered_enough, CHECKUP_GATEWAYS,
	CHECKUP_WARNING,
	"acme is lowered to encrypt until 13:00, mail moves; the fault: "
	"expired at 2 of 2 gateways, probe of 1",
	"tlspactctl status acme"},
    {"and too little", lowered_too_little, CHECKUP_GATEWAYS, CHECKUP_CRITICAL,
	"until 13:00, AND MAIL STILL WAITS; the fault: no-starttls at 2 of 2",
	"tlspactctl status acme"},
    {"and our side fails", lowered_and_blind, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN,
	"until 13:00, whether mail moves is not known; the fault: expired",
	"tlspact-probe acme"},
    {"and renewed", lowered_and_renewed, CHECKUP_GATEWAYS, CHECKUP_CRITICAL,
	"acme passes with another key than the one that it is lowered to: MAIL "
	"WAITS, probe of 1",
	"tlspactctl restore acme"},
    {"for their mail alone", lowered_inbound, CHECKUP_GATEWAYS,
	CHECKUP_CRITICAL, "acme has no gateway that passes",
	"tlspactctl status acme"},
    {"and its time is up", lowered_and_over, CHECKUP_GATEWAYS, CHECKUP_CRITICAL,
	"acme has no gateway that passes", "tlspactctl status acme"},
    {"both fail by the log", fails_by_log, CHECKUP_GATEWAYS, CHECKUP_CRITICAL,
	"acme has no gateway that passes (expired), by the log of 1",
	"tlspactctl status acme"},
    {"one fails by the log", one_by_log, CHECKUP_GATEWAYS, CHECKUP_WARNING,
	"(expired); mail moves, by the log of 1", "tlspactctl status acme"},
    {"nobody answers", nobody_answers, CHECKUP_GATEWAYS, CHECKUP_CRITICAL,
	"has no gateway that passes (connect-timeout)",
	"tlspactctl status acme"},
    {"our side fails", blind, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN,
	"our own resolver or network failed at 11:59: whether mail moves is "
	"not known of 1 enforced partner, whose gateways stay as last seen",
	"tlspact-probe --all"},
    {"our side fails, theirs did before", blind_and_expired, CHECKUP_GATEWAYS,
	CHECKUP_CRITICAL, "acme has no gateway that passes (expired)",
	"tlspactctl status acme"},
    {"by turns", by_turns, CHECKUP_GATEWAYS, CHECKUP_WARNING,
	"mx1 fails by turns: 3 of the last 8 looks no-starttls",
	"tlspactctl status acme"},
    {"of one that is opportunistic", soft_fails, CHECKUP_GATEWAYS, CHECKUP_OK,
	"all 1 of 1", NULL},
    {"never probed", never_probed, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN,
	"no gateway was ever looked at", "tlspact-probe --all"},
    {"never probed", never_probed, CHECKUP_CERTIFICATES, CHECKUP_UNKNOWN,
	"no certificate was ever seen", "tlspact-probe --all"},
    {"never probed", never_probed, CHECKUP_PROBES, CHECKUP_WARNING,
	"never looked at: acme", "tlspact-probe --all"},
    {"probed long ago", probed_long_ago, CHECKUP_PROBES, CHECKUP_WARNING,
	"not looked at for more than 2 h: acme", "tlspact-probe --all"},
    {"and another never", probed_and_never, CHECKUP_PROBES, CHECKUP_WARNING,
	"not looked at for more than 2 h: acme; never looked at: globex",
	"tlspact-probe --all"},
    {"no evidence", no_evidence, CHECKUP_GATEWAYS, CHECKUP_UNKNOWN, "damaged",
	NULL},
    {"no evidence", no_evidence, CHECKUP_INBOUND, CHECKUP_UNKNOWN, "damaged",
	NULL},
    {"no evidence", no_evidence, CHECKUP_LOG, CHECKUP_UNKNOWN, "damaged", NULL},
    {"ours is well", ours_well, CHECKUP_CERTIFICATES, CHECKUP_OK,
	"the first in 60 days; ours in 40 days", NULL},
    {"ours lives short", ours_short, CHECKUP_CERTIFICATES, CHECKUP_OK,
	"; ours in 5 days", NULL},
    {"ours ends soon", ours_soon, CHECKUP_CERTIFICATES, CHECKUP_WARNING,
	"our server certificate /etc/ours.pem ends in 5 days",
	"renew it, then postfix reload"},
    {"ours ends now", ours_now, CHECKUP_CERTIFICATES, CHECKUP_CRITICAL,
	"our server certificate /etc/ours.pem ends in 0 days",
	"renew it, then postfix reload"},
    {"ours is over", ours_over, CHECKUP_CERTIFICATES, CHECKUP_CRITICAL,
	"our server certificate /etc/ours.pem ended 2 days ago",
	"renew it, then postfix reload"},
    {"ours is hidden", ours_hidden, CHECKUP_CERTIFICATES, CHECKUP_UNKNOWN,
	"our server certificate /etc/ours.pem: not looked at: Permission",
	"tlspact-setup check -v"},
    {"ours is none", ours_none, CHECKUP_CERTIFICATES, CHECKUP_CRITICAL,
	"our server certificate /etc/ours.pem: there is no certificate",
	"tlspact-setup check -v"},
    {"ends soon", ends_soon, CHECKUP_CERTIFICATES, CHECKUP_WARNING,
	"acme mx2: the certificate ends in 5 days",
	"tlspactctl certificates acme"},
    {"ends now", ends_now, CHECKUP_CERTIFICATES, CHECKUP_CRITICAL,
	"mx2: the certificate ends in 0 days", "tlspactctl certificates acme"},
    {"has ended", has_ended, CHECKUP_CERTIFICATES, CHECKUP_CRITICAL,
	"mx2: the certificate ended 1 day ago", "tlspactctl certificates acme"},
    {"ended, and it is lowered", ended_and_lowered, CHECKUP_CERTIFICATES,
	CHECKUP_WARNING,
	"acme mx2: the certificate ended 1 day ago, which stops no mail while "
	"it is lowered",
	"tlspactctl certificates acme"},
    {"ended in vain", ended_in_vain, CHECKUP_CERTIFICATES, CHECKUP_OK,
	"the first in 60 days", NULL},
    {"all in vain", all_in_vain, CHECKUP_CERTIFICATES, CHECKUP_OK,
	"none whose end would stop mail", NULL},
    {"lives short", lives_short, CHECKUP_CERTIFICATES, CHECKUP_OK,
	"the first in 5 days", NULL},
    {"unwired", unwired, CHECKUP_POSTFIX, CHECKUP_CRITICAL,
	"main.cf: it is not there", "tlspact-setup check"},
    {"a table that cannot be asked", unasked_table, CHECKUP_POSTFIX,
	CHECKUP_UNKNOWN, "where \"ldap:x\" sends mail is not known: no answer",
	"tlspact-setup check"},
    {"no Postfix", no_postfix, CHECKUP_POSTFIX, CHECKUP_UNKNOWN,
	"postconf failed", "tlspact-setup check"},
    {"dead", dead, CHECKUP_DAEMON, CHECKUP_CRITICAL,
	"tlspactd does not answer: connection refused",
	"systemctl status tlspactd"},
    {"forbidden", forbidden, CHECKUP_DAEMON, CHECKUP_UNKNOWN,
	"no right to ask tlspactd: Permission denied",
	"run this as root or in the socket's group"},
    {"barred", barred, CHECKUP_DAEMON, CHECKUP_CRITICAL,
	"tlspactd answers root, but Postfix (user postfix) may not open \"/p\"",
	"set socket_group in tlspact.conf (SocketGroup= where systemd makes "
	"the socket), then restart tlspactd"},
    {"no warden", no_warden, CHECKUP_WARDEN, CHECKUP_WARNING, "none runs",
	"systemctl status tlspactd-warden"},
    {"no warden to drop", no_warden_to_drop, CHECKUP_WARDEN, CHECKUP_CRITICAL,
	"though on-failure=drop is asked for",
	"systemctl status tlspactd-warden"},
    {"never read", never_read, CHECKUP_LOG, CHECKUP_WARNING, "never read",
	"tlspact-log"},
    {"behind", behind, CHECKUP_LOG, CHECKUP_WARNING,
	"not read for 1 h, and written since", "systemctl status tlspact-log"},
    {"lost", lost, CHECKUP_LOG, CHECKUP_CRITICAL, "not read for 2 d",
	"systemctl status tlspact-log"},
    {"quiet", quiet, CHECKUP_LOG, CHECKUP_OK, "read 2 d ago", NULL},
    {"flawed", flawed, CHECKUP_RECORD, CHECKUP_CRITICAL,
	"NOT WHOLE, 1 flaw: event 3 was edited", "tlspactctl history --check"},
    {"no record", no_record, CHECKUP_RECORD, CHECKUP_WARNING,
	"there is no ledger", "tlspact-compile"},
    {"nor a map", no_record_nor_map, CHECKUP_RECORD, CHECKUP_WARNING,
	"there is no ledger", "tlspact-compile"},
    {"the record is gone", record_gone, CHECKUP_RECORD, CHECKUP_CRITICAL,
	"THE LEDGER IS GONE: the map is of ",
	"restore it from a backup; else tlspact-compile"},
    {"the rule is newer than the look", changed, CHECKUP_GATEWAYS,
	CHECKUP_UNKNOWN,
	"acme may not pass: the rule was changed, or a mail failed, after the "
	"probe of ",
	"tlspact-probe acme"},
    {"passes by a rule that is not in force", unsure, CHECKUP_GATEWAYS,
	CHECKUP_UNKNOWN,
	"1 enforced partner is judged by the registry, which is not in the "
	"map yet",
	"tlspact-compile --diff"},
    {"mail waits for TLS", waits, CHECKUP_QUEUE, CHECKUP_CRITICAL,
	"3 mails to acme, soft wait for TLS, the oldest for 2 h: \"Server "
	"certificate not trusted\"",
	"tlspactctl explain acme"},
    {"of two one has a fault", waits_at_the_second, CHECKUP_QUEUE,
	CHECKUP_CRITICAL,
	"3 mails to acme, soft wait for TLS, the oldest for 2 h: \"Server "
	"certificate not trusted\"",
	"tlspactctl explain acme"},
    {"for something else", waits_else, CHECKUP_QUEUE, CHECKUP_OK,
	"no mail to a partner waits for TLS; 1 mail to soft waits for "
	"something else, the oldest for 2 h",
	NULL},
    {"queue not known", no_queue, CHECKUP_QUEUE, CHECKUP_UNKNOWN,
	"what waits is not known: no postqueue", NULL},
    {"mail from it is refused", kept_out, CHECKUP_INBOUND, CHECKUP_WARNING,
	"mail from soft is refused: 3 mails, the last with no-starttls, 11:50",
	"tlspactctl explain soft"},
    {"once", kept_out_once, CHECKUP_INBOUND, CHECKUP_WARNING,
	"mail from soft is refused: no-starttls, 11:50",
	"tlspactctl explain soft"},
    {"and came over TLS since", kept_out_before, CHECKUP_INBOUND, CHECKUP_OK,
	"no mail from a partner is refused", NULL},
    {"two days ago", kept_out_long_ago, CHECKUP_INBOUND, CHECKUP_OK,
	"no mail from a partner is refused", NULL},
    {"let in", lets_in, CHECKUP_INBOUND, CHECKUP_OK,
	"no mail from a partner is refused; let in by a downgrade: acme (2 "
	"mails)",
	NULL},
    {"let in by one of both", lowered_lets_in, CHECKUP_INBOUND, CHECKUP_OK,
	"no mail from a partner is refused; let in by a downgrade: acme (1 "
	"mail)",
	NULL},
    {"lowered, and all came as agreed", lower, CHECKUP_INBOUND, CHECKUP_OK,
	"no mail from a partner is refused", NULL},
    {"untold", untold, CHECKUP_NOTICES, CHECKUP_WARNING,
	"2 notices could not be sent and wait",
	"journalctl -u tlspactd-warden"},
    {"little room", little_room, CHECKUP_DISK, CHECKUP_WARNING,
	"100 MiB left for evidence.db", "df"},
    {"no room", no_room, CHECKUP_DISK, CHECKUP_CRITICAL,
	"1 MiB left for ledger.db", "df"},
    {"ahead", ahead, CHECKUP_CLOCK, CHECKUP_CRITICAL,
	"behind what is on record of 13:00", "date"},
};

static void
t_findings(void **state)
{
	const struct checkup_finding *x;
	struct checkup_list l;
	size_t i, k, n;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		begin();
		row[i].make();
		checkup_all(&facts, &l);
		for (k = n = 0; k < l.n; k++) {
			x = &l.v[k];
			if (x->check != row[i].check)
				continue;
			n++;
			check_int(row[i].name, x->state, row[i].state);
			check_has(row[i].name, x->text, row[i].text);
			check_str(row[i].name, x->next, row[i].next);
			if (x->check == CHECKUP_DISK)
				check_str(row[i].name, x->text, row[i].text);
		}
		check_int(row[i].name, n, 1);
		check_int(row[i].name, l.state[row[i].check], row[i].state);
		checkup_release(&l);
	}
}

/* Whatever fails, each check says something, and nothing more than once. */
static void
t_alone(void **state)
{
	struct checkup_list l;
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(row); i++) {
		size_t n[CHECKUPS] = {0}, sum = 0;

		begin();
		row[i].make();
		checkup_all(&facts, &l);
		for (k = 0; k < l.n; k++)
			n[l.v[k].check]++;
		for (k = 0; k < CHECKUPS; k++)
			check_true(checkup_names[k], n[k] > 0);
		for (k = 0; k < CHECKUP_STATES; k++)
			sum += l.count[k];
		check_int(row[i].name, sum, l.n);
		check_true(row[i].name, checkup_worst(&l) >= row[i].state ||
					    row[i].state == CHECKUP_OK);
		checkup_release(&l);
	}
	begin();
	checkup_all(&facts, &l);
	check_int("well", checkup_worst(&l), CHECKUP_OK);
	checkup_release(&l);
}

/* The same of ours. */
static void
t_own_end(void **state)
{
	static const struct {
		const char *name;
		void (*make)(void);
		time_t end;
	} ends[] = {
	    {"none", well, 0},
	    {"well", ours_well, T0 + 40 * DAY},
	    {"over", ours_over, T0 - 2 * DAY},
	    {"not known", ours_hidden, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ends); i++) {
		begin();
		ends[i].make();
		check_int(ends[i].name, checkup_own_end(&facts), ends[i].end);
	}
}

/* The number beside what is said of certificates. */
static void
t_first_end(void **state)
{
	static const struct {
		const char *name;
		void (*make)(void);
		time_t end;
	} ends[] = {
	    {"well", well, T0 + 60 * DAY},
	    {"soon", ends_soon, T0 + 5 * DAY},
	    {"over", has_ended, T0 - DAY},
	    {"one in vain", ended_in_vain, T0 + 60 * DAY},
	    {"all in vain", all_in_vain, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ends); i++) {
		begin();
		ends[i].make();
		check_int(ends[i].name, checkup_first_end(&partner[0], T0),
		    ends[i].end);
	}
	begin();
	partner[1].gateway = gateway;
	partner[1].step = step;
	partner[1].n = 2;
	check_int("asked of nobody", checkup_first_end(&partner[1], T0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_findings),
	    cmocka_unit_test(t_alone),
	    cmocka_unit_test(t_first_end),
	    cmocka_unit_test(t_own_end),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, setup, teardown);
}
