/*
 * tlspact-verify: a certificate chain, judged by a partner's rules.
 *
 * From a file, or as one host shows it; and, with --rehearse, the chains
 * that the evidence has kept against a CA bundle before it is installed.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "buf.h"
#include "clock.h"
#include "columns.h"
#include "common.h"
#include "err.h"
#include "file.h"
#include "dname.h"
#include "judge.h"
#include "evidence.h"
#include "json.h"
#include "life.h"
#include "mem.h"
#include "options.h"
#include "probeplan.h"
#include "proberecord.h"
#include "probereport.h"
#include "proberun.h"
#include "quote.h"
#include "registry.h"
#include "registry_slip.h"
#include "rehearse.h"
#include "say.h"
#include "settings.h"
#include "step.h"
#include "smtpclient.h"

#define SHOWN 5 /* names in a sentence of a rehearsal, unless -v */

struct run {
	struct options opt;
	const char *host, *bundle;
	const char *named; /* partner or domain; by its name of now: */
	char *renamed;	   /* owned; NULL: it is as it was given */
	time_t at;
	struct settings set;
	struct registry *registry;
	struct judge *judge;
	struct proberecord *record; /* NULL for a rehearsal */
	const struct partner *partner;
	struct nexthop nexthop; /* that mail is sent to; name is "" if none */
	bool colour, wide;
	size_t columns;
	struct buf out;
	json_t *results;
	json_t *sum; /* of a rehearsal, or NULL */
	bool failed;
	struct event_base *base;
};

/* --at, for those who can only call a function. */
static time_t the_time;

static const struct options_row rows[] = {
    {0, "at", "TIME", "as of that time (YYYY-MM-DD or RFC 3339)", OPTIONS_TIME,
	.at = offsetof(struct run, at)},
    {0, "host", "HOST", "look at a host instead of a file", OPTIONS_WORD,
	.at = offsetof(struct run, host)},
    {0, "rehearse", "FILE", "who would break if FILE were the CA bundle?",
	OPTIONS_WORD, .at = offsetof(struct run, bundle)},
    {0, "wide", NULL, "lines of any length", OPTIONS_FLAG,
	.at = offsetof(struct run, wide)},
    OPTIONS_SETTINGS,
    OPTIONS_VERBOSE("rehearsal: a line for each gateway"),
    OPTIONS_JSON(NULL),
    OPTIONS_ABOUT,
};

static const struct options_table table = {
    .program = "tlspact-verify",
    .synopsis = "[options] PARTNER CHAIN.pem [GATEWAY]\n"
		"[options] PARTNER --host HOST[:PORT]\n"
		"[options] --rehearse NEW-BUNDLE.pem\n",
    .about = "Judge a certificate by a partner's rules, or all partners by a "
	     "new CA bundle.",
    .row = rows,
    .nrows = sizeof(rows) / sizeof(rows[0]),
    .max = 3,
};

static void
read_options(int argc, char *argv[], struct run *run)
{
	const struct options *o = &run->opt;
	const char *wrong = NULL;

	run->at = time(NULL);
	options_read(&table, argc, argv, run);
	if (run->bundle != NULL && (o->n > 0 || run->host != NULL))
		wrong = "--rehearse is of all partners: name none, and no host";
	else if (run->bundle == NULL && run->host != NULL && o->n != 1)
		wrong = "--host goes with one partner, and no file";
	else if (run->bundle == NULL && run->host == NULL && o->n < 2)
		wrong = o->n == 0
			    ? "a partner and the file of a chain are missing"
			    : "the file of a chain is missing; or say --host, "
			      "to look at a gateway";
	if (wrong != NULL)
		options_misused(&table, run, "%s", wrong);
	the_time = run->at;
}

static time_t
the_clock(void)
{
	return the_time;
}

static int
load(struct run *run)
{
	int code = options_settings(&run->opt, &run->set);
	struct err e = {0};
	bool kept;

	if (code == EX_OK)
		code = common_registry_kept(
		    &run->set, time(NULL), "judged", &run->registry, &kept);
	if (code != EX_OK)
		return code;
	run->judge = judge_new(run->set.ca_file);
	if (!run->opt.json)
		judge_local(run->judge);
	if (run->bundle != NULL)
		return EX_OK;
	run->record = proberecord_open(
	    run->set.evidence, run->set.ledger, EVIDENCE_READ, &e);
	if (e.code != 0)
		say("nothing is known of earlier looks: %s", e.text);
	return EX_OK;
}

static int
find_partner(struct run *run)
{
	uint32_t i;

	run->opt.arg[0] = common_address(run->opt.arg[0], NULL);
	run->renamed =
	    common_renamed(&run->set, run->registry, run->opt.arg[0]);
	run->named = run->renamed != NULL ? run->renamed : run->opt.arg[0];
	i = probeplan_partner(run->registry, run->named);
	if (i == REGISTRY_NONE) {
		say("%s is neither a partner nor a partner's domain%s",
		    quotes(run->named).s,
		    registry_near(run->registry, run->named).s);
		return EX_NOINPUT;
	}
	run->partner = &run->registry->partner[i];
	return EX_OK;
}

/* The key that passed last at that gateway of a partner, or NULL. */
static const char *
last_key(const struct probetarget *t, const char *host, void *arg)
{
	struct run *run = arg;

	return proberecord_last_key(run->record, t, host);
}

static void
put_result(struct run *run, const struct probereport_rules *r)
{
	if (r->fault != FAULT_OK)
		run->failed = true;
	if (run->opt.json) {
		json_array_append_new(run->results, probereport_rules_json(r));
		return;
	}
	if (run->out.len > 0)
		buf_putc(&run->out, '\n');
	probereport_rules(r, run->colour, run->columns, &run->out);
}

static struct probereport_rules
result_of(const struct run *run, const char *what)
{
	return (struct probereport_rules){.partner = run->partner->name,
	    .what = what,
	    .opportunistic =
		run->partner->attributes->mode == MODE_OPPORTUNISTIC};
}

/* --- A file ----------------------------------------------------------- */

/* The domain that `nexthop` stands for: the one named, or the first. */
static bool
find_nexthop(const struct run *run, struct nexthop *n)
{
	const struct domain *d =
	    &run->registry->domain[run->partner->first_domain];
	uint32_t i;

	if (strcmp(run->named, run->partner->name) != 0)
		return probeplan_name(run->named, n) == 0;
	for (i = 0; i < run->partner->ndomains; i++)
		if (d[i].name[0] != '.')
			return nexthop_parse(d[i].name, n) == 0;
	return false;
}

/* Do the rules speak of the domain that mail is sent to? */
static bool
needs_nexthop(const struct partner *p)
{
	size_t i;

	if (p->attributes->verify != VERIFY_NAME &&
	    p->attributes->common_name != COMMON_NAME_GATEWAY)
		return false;
	for (i = 0; i < p->gateway->n; i++)
		if (attribute_is_token(p->gateway->v[i]) &&
		    strcmp(p->gateway->v[i], "hostname") != 0)
			return true;
	return false;
}

static int
take_nexthop(struct run *run)
{
	if (find_nexthop(run, &run->nexthop))
		return EX_OK;
	run->nexthop = (struct nexthop){.name = ""};
	if (!needs_nexthop(run->partner))
		return EX_OK;
	say("partner %s has no domain that stands for itself; name one below "
	    "its %s",
	    run->partner->name,
	    run->registry->domain[run->partner->first_domain].name);
	return EX_USAGE;
}

static int
judge_file(struct run *run)
{
	const char *path = run->opt.arg[1];
	const char *arg = run->opt.n == 3 ? run->opt.arg[2] : NULL;
	struct probereport_rules r = result_of(run, path);
	struct judge_gateway g = {.attributes = run->partner->attributes,
	    .gateway = run->partner->gateway,
	    .level = LEVEL_OPPORTUNISTIC, /* the enforced rules, in any case */
	    .warn_days = LIFE_WARN_DAYS,
	    .at = run->at,
	    .alone = true};
	const struct probetarget whose = {
	    .partner = run->partner, .name = run->partner->name};
	static struct judgement j;
	static struct x509_info leaf;
	STACK_OF(X509) * c;
	struct err e = {0};
	struct nexthop host;
	size_t len;
	char *pem;
	int rv;

	if (run->partner->attributes->verify == VERIFY_DANE) {
		say("partner %s is verified by TLSA records of its gateways; "
		    "use --host HOST",
		    run->partner->name);
		return EX_USAGE;
	}
	if (arg != NULL && probeplan_name(arg, &host) == -1) {
		say("%s is not the name of a gateway", quotes(arg).s);
		return EX_USAGE;
	}
	if (*run->nexthop.name != '\0')
		g.nexthop = run->nexthop.name;
	g.host = arg == NULL ? NULL : host.name;
	if (arg != NULL)
		g.last_key = last_key(&whose, host.name, run);
	if ((pem = file_slurp(path, X509_MAX_PEM, &len, NULL, &e)) == NULL)
		return common_failed(&e);
	if ((c = x509_chain_parse(pem, len, &e)) == NULL) {
		say("%s: %s", path, e.text);
		free(pem);
		return e.code;
	}
	free(pem);
	/* It may be that of any of them. */
	x509_info(sk_X509_value(c, 0), &leaf);
	if (arg == NULL)
		g.last_key = proberecord_any_key(
		    run->record, run->partner->name, leaf.spki_sha256);
	rv = judge_chain(run->judge, &g, c, &j, &e);
	sk_X509_pop_free(c, X509_free);
	if (rv == -1)
		return common_failed(&e);
	r.nexthop = g.nexthop;
	r.gateway = g.host;
	r.alone = true;
	r.fault = j.fault;
	r.v = &j.v;
	put_result(run, &r);
	return EX_OK;
}

/* --- A host ----------------------------------------------------------- */

struct looked {
	const char *host;
	bool found;
};

static bool
take_gateway(const struct evidence_gateway *x, void *arg)
{
	struct looked *k = arg;

	k->found |= strcmp(x->last.host, k->host) == 0;
	return !k->found;
}

/*
 * Has the partner that gateway, by its gateway= or by the looks that are on
 * record? If not, it is one that it is to have.
 */
static bool
has_gateway(const struct run *run, const char *host)
{
	const struct strs *list = run->partner->gateway;
	struct looked k = {.host = host};
	struct evidence *v;
	struct err ignored;
	size_t i, n, len = strlen(host);

	for (i = 0; i < list->n; i++) {
		n = strlen(list->v[i]);
		if (strcmp(list->v[i], host) == 0 ||
		    (*list->v[i] == '.' && n < len &&
			strcmp(list->v[i], host + len - n) == 0))
			return true;
	}
	v = evidence_open(
	    run->set.evidence, run->set.ledger, EVIDENCE_READ, &ignored);
	if (v != NULL)
		(void)evidence_gateways(
		    v, run->partner->name, 0, take_gateway, &k, &ignored);
	evidence_close(v);
	return k.found;
}

static void
on_result(struct proberow *row, const struct starttls_result *s,
    const struct judgement *j, void *arg)
{
	struct run *run = arg;
	struct probereport_rules r;
	struct buf what = {0};
	char *why = NULL;

	(void)s;
	if (*row->seen.address == '\0')
		buf_puts(&what, probereport_gateway(row));
	else
		buf_printf(&what, "%s[%s]:%u", probereport_gateway(row),
		    row->seen.address, row->seen.port);
	r = result_of(run, what.data);
	r.nexthop = row->target->domain;
	r.gateway = row->seen.host;
	r.fault = row->fault;
	/* The table says it of the certificate. */
	if (j == NULL || !j->has_cert || row->fault != row->cert_fault)
		r.detail = row->seen.detail;
	/* Said of a domain, it would be of its gateways. */
	if (*row->seen.address == '\0' && row->fault == FAULT_NO_MX)
		r.detail = why =
		    mem_printf("The host has no address that mail could go to. "
			       "(%s)",
			row->seen.detail);
	if (j != NULL && j->has_cert)
		r.v = &j->v;
	r.planned = r.fault != FAULT_OK && !has_gateway(run, r.gateway);
	if (run->partner->provider != REGISTRY_NONE)
		(void)registry_provider(
		    run->registry, run->partner->provider, &r.provider);
	put_result(run, &r);
	buf_free(&what);
	free(why);
}

static void
on_done(void *arg)
{
	struct run *run = arg;

	(void)event_base_loopbreak(run->base);
}

/* Look, and print what was seen. */
static int
look_at(struct run *run, struct proberun_settings *p, struct err *e)
{
	struct proberun *probe = proberun_start(p, e);
	int rv;

	if (probe == NULL)
		return -1;
	proberun_listen(probe, run->base);
	(void)event_base_dispatch(run->base);
	rv = proberun_end(probe, NULL, NULL, e);
	proberun_free(probe);
	return rv;
}

static int
judge_host_now(struct run *run)
{
	struct settings *s = &run->set;
	struct smtpclients clients = {0};
	struct proberun_settings p = {
	    .user = s->probe_user,
	    .judge = run->judge,
	    .warn_days = LIFE_WARN_DAYS,
	    .now = the_clock,
	    .last_key = last_key,
	    .result = on_result,
	    .done = on_done,
	    .arg = run,
	};
	struct probeplan plan;
	struct err e = {0};

	probeplan_init(&plan, run->registry, true);
	run->base = event_base_new();
	if (run->base == NULL)
		(void)err_set(&e, EX_OSERR, "cannot make an event loop");
	else if (probeplan_host(&plan,
		     (uint32_t)(run->partner - run->registry->partner),
		     run->host, &e) == 0) {
		if (*run->nexthop.name != '\0')
			plan.target[0].domain = run->nexthop.name;
		common_prober(s, &clients, &plan, &p.prober);
		(void)look_at(run, &p, &e);
	}
	if (e.code != 0)
		say_err(&e);
	if (run->base != NULL)
		event_base_free(run->base);
	probeplan_release(&plan);
	smtpclients_release(&clients);
	return e.code;
}

/* --- A new bundle ----------------------------------------------------- */

/* Break the text that was put since `from`, a line, to fit. */
static void
fit(struct run *run, size_t from)
{
	char *line = mem_dup(run->out.data + from);

	line[strcspn(line, "\n")] = '\0';
	run->out.len = from;
	columns_wrap(&run->out, line, 0, "    ", run->columns);
	buf_putc(&run->out, '\n');
	free(line);
}

static void
rehearsal_row(struct run *run, const struct rehearsal_row *r)
{
	char seen[CLOCK_MAX];
	size_t from;

	if (run->opt.json) {
		json_array_append_new(run->results,
		    json_pack(
			"{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b}",
			"partner", r->partner, "nexthop", r->nexthop, "gateway",
			r->host, "issuer_cn", r->issuer, "ca_now",
			json_text(r->ca), "seen", json_time(r->seen),
			"fault_now", fault_json(r->now), "fault_then",
			fault_json(r->then), "breaks", r->breaks, "mends",
			r->mends));
		return;
	}
	from = run->out.len;
	buf_printf(&run->out, "%s %s of %s: %s: %s", r->partner, r->host,
	    r->nexthop,
	    r->breaks  ? "WOULD BREAK"
	    : r->mends ? "would be mended"
		       : "as before",
	    fault_text(r->now));
	if (r->now != r->then)
		buf_printf(&run->out, " now, %s then", fault_text(r->then));
	buf_printf(&run->out, " (issued by \"%s\", seen %s)\n", r->issuer,
	    clock_text(r->seen, 0, seen));
	quote_since(&run->out, from);
	fit(run, from);
}

static void
put_names(struct run *run, const char *const *name, size_t n)
{
	size_t i;

	for (i = 0; i < n && (i < SHOWN || run->opt.verbose); i++)
		buf_printf(&run->out, "%s%s", i == 0 ? "" : ", ", name[i]);
	if (i < n)
		buf_printf(&run->out, " and %zu more", n - i);
}

/* A CA that the new bundle lacks, and who rests on it. */
static void
rehearsal_ca(
    struct run *run, const struct rehearsal *r, const struct rehearsal_ca *ca)
{
	size_t from = run->out.len, i, n = 0;
	const struct rehearsal_row *row;

	if (*ca->name != '\0')
		buf_printf(&run->out, "Without \"%s\" ", ca->name);
	else
		buf_puts(&run->out, "Without a CA that has no Common Name ");
	buf_printf(
	    &run->out, "%zu break%s: ", ca->breaks, ca->breaks == 1 ? "s" : "");
	for (i = 0; i < r->n && n < SHOWN; i++) {
		row = &r->row[i];
		if (row->breaks && strcmp(row->ca, ca->name) == 0)
			buf_printf(&run->out, "%s%s %s", n++ == 0 ? "" : ", ",
			    row->partner, row->host);
	}
	if (n < ca->breaks)
		buf_printf(&run->out, " and %zu more%s", ca->breaks - n,
		    run->opt.verbose ? "" : " (-v: all)");
	buf_puts(&run->out, ".\n");
	quote_since(&run->out, from);
	fit(run, from);
}

/* How many, and for want of what. */
static void
rehearsal_sum(struct run *run, const struct rehearsal *r)
{
	size_t from = run->out.len, i;

	buf_printf(&run->out, "%zu of %zu gateways would break with %s",
	    r->breaks, r->n, run->bundle);
	if (r->mends > 0)
		buf_printf(&run->out, ", %zu would be mended", r->mends);
	buf_puts(&run->out, ".\n");
	fit(run, from);
	if (r->failing > 0) {
		from = run->out.len;
		buf_printf(&run->out,
		    "%zu fail%s already with the present one (ca_file %s).\n",
		    r->failing, r->failing == 1 ? "s" : "", run->set.ca_file);
		fit(run, from);
	}
	if (r->none)
		buf_puts(&run->out, "No gateway passes with the new one.\n");
	for (i = 0; i < r->ncas; i++)
		rehearsal_ca(run, r, &r->ca[i]);
}

static void
rehearsal_rest(struct run *run, const struct rehearsal *r)
{
	size_t from;

	if (r->own > 0)
		buf_printf(&run->out,
		    "%zu enforced partner%s not rely on the bundle.\n", r->own,
		    r->own == 1 ? " does" : "s do");
	if (r->nnear > 0) {
		from = run->out.len;
		buf_puts(&run->out,
		    "Files of their own, which the same update may change and "
		    "which were not judged: ");
		put_names(run, r->near, r->nnear);
		buf_puts(&run->out, ".\n");
		fit(run, from);
	}
	if (r->nnever == 0)
		return;
	from = run->out.len;
	buf_puts(&run->out, "No certificate seen yet, so not known: ");
	put_names(run, r->never, r->nnever);
	buf_puts(&run->out, " (see tlspact-probe).\n");
	fit(run, from);
}

static void
put_rehearsal(struct run *run, const struct rehearsal *r)
{
	json_t *cas;
	size_t i;

	if (!run->opt.json)
		rehearsal_sum(run, r);
	for (i = 0; i < r->n; i++)
		if (run->opt.verbose || run->opt.json)
			rehearsal_row(run, &r->row[i]);
	run->failed = r->breaks > 0 || r->none;
	if (!run->opt.json) {
		rehearsal_rest(run, r);
		return;
	}
	cas = json_array();
	for (i = 0; i < r->ncas; i++)
		json_array_append_new(
		    cas, json_pack("{s:o, s:I}", "ca", json_text(r->ca[i].name),
			     "breaks", (json_int_t)r->ca[i].breaks));
	run->sum = json_pack("{s:s, s:I, s:I, s:I, s:o}", "ca_file",
	    run->set.ca_file, "would_break", (json_int_t)r->breaks,
	    "would_mend", (json_int_t)r->mends, "fail_already",
	    (json_int_t)r->failing, "missing_cas", cas);
}

static int
rehearse_bundle(struct run *run)
{
	struct judge *after = judge_new(run->bundle);
	struct evidence *v;
	struct rehearsal r = {0};
	struct x509_store *s;
	struct err e = {0};
	int code = EX_OK;

	/* Said before any chain is looked at, and if there is none. */
	if ((s = x509_store_load(X509_ROOTS, run->bundle, &e)) == NULL) {
		say_err(&e);
		judge_free(after);
		return e.code;
	}
	x509_store_free(s);
	v = evidence_open(
	    run->set.evidence, run->set.ledger, EVIDENCE_READ, &e);
	if (v == NULL) {
		say_err(&e);
		judge_free(after);
		return e.code;
	}
	if (rehearse(v, run->registry, run->judge, after, run->at,
		step_span(run->set.probe_timeout), &r, &e) == -1) {
		say_err(&e);
		code = e.code;
	} else
		put_rehearsal(run, &r);
	rehearsal_release(&r);
	evidence_close(v);
	judge_free(after);
	return code;
}

/* ---------------------------------------------------------------------- */

static void
print_json(struct run *run, int code)
{
	bool judged = code == EX_OK || code == 1;
	json_t *more = json_pack("{s:o, s:o, s:O}", "passed",
	    judged ? json_boolean(!run->failed) : json_null(), "partner",
	    json_text(run->partner == NULL ? NULL : run->partner->name),
	    run->bundle != NULL ? "gateways" : "results", run->results);

	if (run->sum != NULL)
		json_object_update(more, run->sum);
	common_answer("tlspact.verify.v1", run->at, code, more);
}

static int
judge(struct run *run)
{
	int code;

	if ((code = load(run)) != EX_OK)
		return code;
	if (run->bundle != NULL)
		code = rehearse_bundle(run);
	else if ((code = find_partner(run)) == EX_OK &&
		 (code = take_nexthop(run)) == EX_OK)
		code =
		    run->host != NULL ? judge_host_now(run) : judge_file(run);
	return code == EX_OK && run->failed ? 1 : code;
}

static int
run_verify(struct run *run)
{
	int code = judge(run);

	if (run->opt.json)
		print_json(run, code);
	else if (run->out.len > 0 && (code == EX_OK || code == 1))
		(void)fwrite(run->out.data, 1, run->out.len, stdout);
	return say_flushed(EX_OK) == EX_OK ? code : EX_IOERR;
}

int
main(int argc, char *argv[])
{
	struct run run = {0};
	int code;

	say_init(table.program);
	read_options(argc, argv, &run);
	if (run.opt.json)
		say_keep();
	(void)signal(SIGPIPE, SIG_IGN);
	run.colour = columns_colour(STDOUT_FILENO);
	run.columns = run.wide ? COLUMNS_ANY : columns_of(STDOUT_FILENO);
	run.results = json_array();
	code = run_verify(&run);
	json_decref(run.results);
	json_decref(run.sum);
	buf_free(&run.out);
	proberecord_close(run.record);
	free(run.renamed);
	judge_free(run.judge);
	registry_free(run.registry);
	settings_free(&run.set);
	return code;
}
