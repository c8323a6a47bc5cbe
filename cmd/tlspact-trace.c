/*
 * tlspact-trace: the way that mails took, hop by hop: which was encrypted, who
 * says so, and whether he can be believed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "clock.h"
#include "common.h"
#include "digest.h"
#include "err.h"
#include "json.h"
#include "logrecord.h"
#include "mails.h"
#include "mem.h"
#include "num.h"
#include "options.h"
#include "postconf.h"
#include "process.h"
#include "quote.h"
#include "registry.h"
#include "registry_slip.h"
#include "say.h"
#include "settings.h"
#include "trace.h"

#define SCHEMA "tlspact.trace.v1"

#define LEGS_MAX 512 /* between two writes */
#define HOST_SIZE 256
#define WIDTH 80 /* columns */

struct run {
	struct options opt;
	const char *partner, *ours, *provider;
	bool record;
	struct settings set;
	struct registry *registry;
	struct logrecord *recorder;
	struct trace_ask ask;
	const char **our_host, **provider_host;
	struct trace trace;
	/* What waits to be recorded; its digests. */
	struct evidence_leg leg[LEGS_MAX];
	char mail[LEGS_MAX][DIGEST_HEX];
	char protocol[LEGS_MAX][RECEIVED_PROTOCOL_MAX];
	size_t nlegs;
	uint64_t mails, hops, count[RECEIVED_LOCAL + 1], cut;
	struct err failed;
	bool has_failed;
};

static const struct options_row rows[] = {
    {0, "partner", "PARTNER", "whose mail it is (a name, or a domain)",
	OPTIONS_WORD, .at = offsetof(struct run, partner)},
    {0, "ours", "HOST,...", "our hosts (else what main.cf says)", OPTIONS_WORD,
	.at = offsetof(struct run, ours)},
    {0, "provider", "HOST,...", "hosts of the partner's provider, too",
	OPTIONS_WORD, .at = offsetof(struct run, provider)},
    {0, "record", NULL, "count each partner's legs into the evidence",
	OPTIONS_FLAG, .at = offsetof(struct run, record)},
    OPTIONS_JSON("print a line of JSON for each mail"),
    OPTIONS_SETTINGS,
    OPTIONS_POSTFIX("DIR", "configuration of Postfix, for our hosts"),
    OPTIONS_VERBOSE("also addresses, and what hosts called themselves"),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-trace",
    .synopsis = "[-jv] [-C FILE] [-c DIR] [-o NAME=VALUE]...\n"
		" [--ours HOST,...] [--partner PARTNER] [--provider HOST,...]\n"
		" [--record] [FILE | MAILDIR | MBOX | -]...\n",
    .about = "Show which hops of a mail's way were encrypted.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .max = -1,
};

/* --- Words ---------------------------------------------------------------- */

static const char *
leg_words(enum leg l)
{
	static const char *const words[] = {[LEG_TO_US] = "to us",
	    [LEG_FROM_US] = "from us",
	    [LEG_TO_PROVIDER] = "to its provider",
	    [LEG_FROM_PROVIDER] = "from its provider",
	    [LEG_IN_PARTNER] = "within the partner",
	    [LEG_IN_PROVIDER] = "within its provider",
	    [LEG_IN_OURS] = "within ours",
	    [LEG_NONE] = ""};

	return words[l];
}

static const char *
tls_words(enum received_tls t)
{
	static const char *const words[] = {[RECEIVED_UNKNOWN] = "not said",
	    [RECEIVED_CLEAR] = "CLEAR",
	    [RECEIVED_ENCRYPTED] = "encrypted",
	    [RECEIVED_LOCAL] = "same host"};

	return words[t];
}

static const char *
party_name(enum trace_party p)
{
	static const char *const name[] = {[TRACE_OTHER] = "other",
	    [TRACE_OURS] = "ours",
	    [TRACE_PARTNER] = "partner",
	    [TRACE_PROVIDER] = "provider"};

	return name[p];
}

/* The sending host, by the best name there is. */
static struct span
from_host(const struct received *r)
{
	return r->name.n > 0	   ? r->name
	       : r->greeting.n > 0 ? r->greeting
				   : r->address;
}

static const char *
shown(char buf[HOST_SIZE], struct span s)
{
	if (s.n == 0)
		return "-";
	quote_show(buf, HOST_SIZE, s.p, s.n);
	return buf;
}

/* --- For people ----------------------------------------------------------- */

static void
print_hop(const struct run *run, const struct trace_hop *h, size_t number)
{
	char from[HOST_SIZE], by[HOST_SIZE], word[HOST_SIZE], span[CLOCK_MAX];
	const struct received *r = &h->field;
	const char *giver = shown(from, from_host(r)),
		   *taker = shown(by, r->by),
		   *leg = h->believed ? leg_words(h->leg) : "claimed";

	(void)printf("%3zu  %s%s-> %s\n", number, giver,
	    strlen(giver) + strlen(taker) > WIDTH - 9 ? "\n     " : " ", taker);
	(void)printf("     %s%s%s%s%s\n", tls_words(r->tls),
	    *r->protocol == '\0' ? "" : " ", r->protocol,
	    r->cipher.n + r->with.n == 0 ? "" : " ",
	    r->cipher.n + r->with.n == 0
		? ""
		: shown(word, r->cipher.n > 0 ? r->cipher : r->with));
	if (*leg != '\0' || h->timed)
		(void)printf(
		    "     %s%s", leg, *leg != '\0' && h->timed ? ", " : "");
	if (h->timed)
		(void)printf("%s%s later", h->delay < 0 ? "-" : "",
		    clock_span(h->delay < 0 ? -h->delay : h->delay, span));
	if (*leg != '\0' || h->timed)
		(void)printf("\n");
	if (run->opt.verbose)
		(void)printf("     address %s, called itself %s%s\n",
		    shown(from, r->address), shown(by, r->greeting),
		    r->broken ? "; not a field that can be understood" : "");
}

static void
print_legs(const struct run *run)
{
	const struct partner *p = run->trace.partner;
	const struct trace_leg *l;
	size_t i;

	for (i = 0; i < LEG_NONE; i++) {
		l = &run->trace.leg[i];
		if (l->n > 0)
			(void)printf("  %-20s %s\n", leg_words((enum leg)i),
			    tls_words(l->tls));
	}
	if (p != NULL && p->provider != REGISTRY_NONE &&
	    run->trace.leg[LEG_TO_PROVIDER].n +
		    run->trace.leg[LEG_FROM_PROVIDER].n ==
		0)
		(void)printf("  %-20s not seen\n", "behind its provider");
}

static void
print_mail(const struct run *run, const struct mail *m)
{
	const struct trace *t = &run->trace;
	char path[HOST_SIZE];
	size_t i;

	if (run->mails > 1)
		(void)putchar('\n');
	(void)printf("%s", shown(path, span_of(m->path)));
	if (m->number > 1)
		(void)printf(", mail %" PRIu64, m->number);
	(void)printf(": %zu hop%s, oldest first", t->n, num_plural(t->n));
	if (t->partner != NULL)
		(void)printf("; partner %s", t->partner->name);
	(void)printf("\n");
	for (i = t->n; i-- > 0;)
		print_hop(run, &t->hop[i], t->n - i);
	print_legs(run);
	if (m->cut)
		(void)printf("  more than can be read: this is not all of "
			     "it\n");
}

/* --- JSON ----------------------------------------------------------------- */

static json_t *
json_hop(const struct trace_hop *h)
{
	const struct received *r = &h->field;

	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:s, s:s, "
	    "s:o, s:b}",
	    "from", json_span(from_host(r)), "name", json_span(r->name),
	    "greeting", json_span(r->greeting), "address",
	    json_span(r->address), "by", json_span(r->by), "tls",
	    received_tls_names[r->tls], "with", json_span(r->with), "protocol",
	    json_text(r->protocol), "cipher", json_span(r->cipher), "time",
	    json_time(r->time), "believed", h->believed, "from_party",
	    party_name(h->from), "by_party", party_name(h->by), "leg",
	    json_text(leg_name(h->leg)), "understood", !r->broken);
}

static void
print_json(const struct run *run, const struct mail *m)
{
	const struct trace *t = &run->trace;
	json_t *hops = json_array(), *legs = json_object(), *hop;
	size_t i;

	for (i = t->n; i-- > 0;) {
		hop = json_hop(&t->hop[i]);
		if (hop != NULL)
			(void)json_object_set_new(hop, "delay",
			    t->hop[i].timed ? json_integer(t->hop[i].delay)
					    : json_null());
		if (json_array_append_new(hops, hop) == -1)
			abort();
	}
	for (i = 0; i < LEG_NONE; i++)
		if (t->leg[i].n > 0 &&
		    json_object_set_new(legs, leg_name((enum leg)i),
			json_string(received_tls_names[t->leg[i].tls])) == -1)
			abort();
	json_print_line(json_pack("{s:s, s:o, s:I, s:s?, s:b, s:o, s:o}",
	    "schema", SCHEMA, "file", json_bytes(m->path, strlen(m->path)),
	    "mail", (json_int_t)m->number, "partner",
	    t->partner == NULL ? NULL : t->partner->name, "cut", m->cut, "hops",
	    hops, "legs", legs));
}

/* The last line: of all mails. */
static void
print_json_end(const struct run *run, int code)
{
	json_print_line(common_object(SCHEMA, time(NULL), code,
	    json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "sum", "mails",
		(json_int_t)run->mails, "hops", (json_int_t)run->hops,
		"encrypted", (json_int_t)run->count[RECEIVED_ENCRYPTED],
		"clear", (json_int_t)run->count[RECEIVED_CLEAR], "unknown",
		(json_int_t)run->count[RECEIVED_UNKNOWN], "local",
		(json_int_t)run->count[RECEIVED_LOCAL])));
}

/* --- Recording ------------------------------------------------------------ */

static int
write_legs(struct run *run)
{
	const struct evidence_batch b = {.leg = run->leg, .nlegs = run->nlegs};
	int rv = run->nlegs == 0
		     ? 0
		     : logrecord_add(run->recorder, &b, &run->failed);

	run->nlegs = 0;
	return rv;
}

/* The newest field, which is our own and holds our queue id, tells mails apart.
 */
static void
keep_legs(struct run *run, const struct mail *m)
{
	struct digest *g = digest_new();
	char id[DIGEST_HEX];
	size_t i;

	digest_add(g, m->received[0].p, m->received[0].n);
	digest_hex(g, id);
	for (i = 0; i < LEG_NONE; i++) {
		const struct trace_leg *l = &run->trace.leg[i];
		size_t n = run->nlegs;

		if (l->n == 0)
			continue;
		memcpy(run->mail[n], id, sizeof(id));
		(void)snprintf(run->protocol[n], sizeof(run->protocol[n]), "%s",
		    l->protocol);
		run->leg[n] = (struct evidence_leg){.mail = run->mail[n],
		    .time = l->time != 0 ? l->time : time(NULL),
		    .partner = run->trace.partner->name,
		    .leg = (enum leg)i,
		    .tls = received_tls_names[l->tls],
		    .protocol = run->protocol[n]};
		run->nlegs++;
	}
	if (run->nlegs + LEG_NONE > LEGS_MAX)
		run->has_failed = write_legs(run) == -1;
}

static time_t
the_time(void)
{
	return time(NULL);
}

/* --- All ------------------------------------------------------------------ */

static bool
take_mail(const struct mail *m, void *arg)
{
	struct run *run = arg;
	size_t i;

	run->mails++;
	run->cut += m->cut;
	trace_mail(&run->trace, m, &run->ask);
	run->hops += run->trace.n;
	for (i = 0; i <= RECEIVED_LOCAL; i++)
		run->count[i] += run->trace.count[i];
	if (run->opt.json)
		print_json(run, m);
	else
		print_mail(run, m);
	if (run->record && run->trace.partner != NULL && m->n > 0)
		keep_legs(run, m);
	return !run->has_failed;
}

/* The words of a list, parted by commas; cut in place. */
static const char **
split(char *list, size_t *n)
{
	const char **v = NULL;
	size_t cap = 0;
	char *word;

	for (*n = 0; (word = strsep(&list, ", ")) != NULL;)
		if (*word != '\0') {
			v = mem_grow(v, *n, &cap, sizeof(*v));
			v[(*n)++] = word;
		}
	return v;
}

/* Our hosts, as they are named in text of main.cf; "" if it cannot be asked. */
static char *
ask_hosts(const struct settings *set)
{
	const char *dir = settings_postfix(set);
	char *host, *domain, *list;
	struct err e;

	host = postconf_ask(dir, "-hx", "myhostname", &e);
	domain = postconf_ask(dir, "-hx", "mydomain", &e);
	if (host == NULL || domain == NULL) {
		say_err(&e);
		say("our own hosts are not known: --ours HOST,... says them");
	}
	/* Of mail.com the domain is com: that is not ours. */
	list = domain != NULL && strchr(domain, '.') != NULL
		   ? mem_printf(
			 "%s,%s,.%s", host == NULL ? "" : host, domain, domain)
		   : mem_dup(host == NULL ? "" : host);
	free(host);
	free(domain);
	return list;
}

/* 0, or the exit code, everything being said. */
static int
find_partner(struct run *run)
{
	uint32_t i;
	char *now;
	int code;

	code = common_registry(
	    run->set.registry, time(NULL), NULL, &run->registry);
	if (code != EX_OK) {
		if (run->partner != NULL || run->record)
			return code;
		say("going on without partners");
		return EX_OK;
	}
	run->ask.registry = run->registry;
	if (run->partner == NULL)
		return EX_OK;
	now = common_renamed(&run->set, run->registry, run->partner);
	i = registry_find(run->registry, now != NULL ? now : run->partner);
	free(now);
	if (i == REGISTRY_NONE) {
		say("no partner %s in the registry%s", quotes(run->partner).s,
		    registry_near(run->registry, run->partner).s);
		return EX_NOINPUT;
	}
	run->ask.partner = &run->registry->partner[i];
	return EX_OK;
}

/*
 * From here on strangers are read: what was root's is given up, and what is
 * found goes to the recorder.
 */
static int
separate(struct run *run)
{
	const struct logrecord_settings set = {.evidence = run->set.evidence,
	    .ledger = run->set.ledger,
	    .registry = run->set.registry,
	    .now = the_time};
	struct err e;

	if (run->record && (run->recorder = logrecord_start(&set, &e)) == NULL)
		return common_failed(&e);
	if (*run->set.log_user != '\0' &&
	    process_become(run->set.log_user, false, &e) == -1)
		return common_failed(&e);
	return EX_OK;
}

static int
read_mails(struct run *run)
{
	static char standard[] = "-", *const none[] = {standard};
	char *const *path = run->opt.n == 0 ? none : run->opt.arg;
	int n = run->opt.n == 0 ? 1 : run->opt.n, code = EX_OK, i;
	struct err e;

	for (i = 0; i < n && !run->has_failed; i++)
		if (mails_read(path[i], take_mail, run, &e) == -1)
			code = common_failed(&e);
	if (run->recorder != NULL && !run->has_failed)
		run->has_failed = write_legs(run) == -1;
	return run->has_failed ? common_failed(&run->failed) : code;
}

/* 1 if a hop was in the clear; of no hop at all nothing is known. */
static int
conclude(const struct run *run)
{
	if (run->mails == 0) {
		say("there is no mail");
		return EX_DATAERR;
	}
	if (run->cut > 0)
		say("warning: %" PRIu64 " mail%s with more, or longer, "
		    "Received fields than can be read",
		    run->cut, num_plural(run->cut));
	if (!run->opt.json)
		(void)printf("\n%" PRIu64 " mail%s, %" PRIu64 " hop%s: %" PRIu64
			     " encrypted, %" PRIu64 " in the clear, %" PRIu64
			     " not said, %" PRIu64 " within a host\n",
		    run->mails, num_plural(run->mails), run->hops,
		    num_plural(run->hops), run->count[RECEIVED_ENCRYPTED],
		    run->count[RECEIVED_CLEAR], run->count[RECEIVED_UNKNOWN],
		    run->count[RECEIVED_LOCAL]);
	if (run->hops == 0) {
		say("there is no Received field: nothing is known of the way");
		return EX_DATAERR;
	}
	return run->count[RECEIVED_CLEAR] > 0;
}

int
main(int argc, char *argv[])
{
	static struct run run;
	char *ours = NULL, *provider = NULL;
	int code;

	say_init(table.program);
	options_read(&table, argc, argv, &run);
	if (run.opt.json)
		say_keep();
	code = options_settings(&run.opt, &run.set);
	if (code == EX_OK && (code = find_partner(&run)) == EX_OK) {
		ours =
		    run.ours == NULL ? ask_hosts(&run.set) : mem_dup(run.ours);
		provider = mem_dup(run.provider == NULL ? "" : run.provider);
		run.ask.ours = run.our_host = split(ours, &run.ask.nours);
		run.ask.provider = run.provider_host =
		    split(provider, &run.ask.nprovider);
		code = separate(&run);
	}
	if (code == EX_OK && (code = read_mails(&run)) == EX_OK)
		code = conclude(&run);
	if (run.opt.json)
		print_json_end(&run, code);
	code = say_flushed(code);
	logrecord_end(run.recorder);
	trace_free(&run.trace);
	registry_free(run.registry);
	settings_free(&run.set);
	free(run.our_host);
	free(run.provider_host);
	free(ours);
	free(provider);
	return code;
}
