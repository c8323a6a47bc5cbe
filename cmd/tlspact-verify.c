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
#include "common.h"
#include "err.h"
#include "file.h"
#include "dname.h"
#include "judge.h"
#include "evidence.h"
#include "json.h"
#include "life.h"
#include "num.h"
#include "options.h"
#include "probeplan.h"
#include "probereport.h"
#include "proberun.h"
#include "quote.h"
#include "registry.h"
#include "rehearse.h"
#include "say.h"
#include "settings.h"
#include "smtpclient.h"

struct run {
	struct options opt;
	const char *host, *bundle;
	time_t at;
	struct settings set;
	struct registry *registry;
	struct judge *judge;
	const struct partner *partner;
	struct nexthop nexthop; /* that mail is sent to; name is "" if none */
	bool colour;
	struct buf out;
	json_t *results;
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
    OPTIONS_SETTINGS,
    OPTIONS_VERBOSE("rehearsal: all gateways, not only those that break"),
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
	bool good;

	run->at = time(NULL);
	options_read(&table, argc, argv, run);
	if (run->bundle != NULL)
		good = o->n == 0 && run->host == NULL;
	else if (run->host != NULL)
		good = o->n == 1;
	else
		good = o->n >= 2;
	if (!good)
		options_misused(&table, run);
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

	if (code == EX_OK)
		code = common_registry(
		    run->set.registry, time(NULL), "judged", &run->registry);
	if (code == EX_OK)
		run->judge = judge_new(run->set.ca_file);
	return code;
}

static int
find_partner(struct run *run)
{
	uint32_t i = probeplan_partner(run->registry, run->opt.arg[0]);

	if (i == REGISTRY_NONE) {
		say("%s is neither a partner nor a partner's domain",
		    quotes(run->opt.arg[0]).s);
		return EX_USAGE;
	}
	run->partner = &run->registry->partner[i];
	return EX_OK;
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
	probereport_rules(r, run->colour, &run->out);
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
	const char *arg = run->opt.arg[0];
	uint32_t i;

	if (strcmp(arg, run->partner->name) != 0)
		return probeplan_name(arg, n) == 0;
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
	static struct judgement j;
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
	if ((pem = file_slurp(path, X509_MAX_PEM, &len, NULL, &e)) == NULL)
		return common_failed(&e);
	if ((c = x509_chain_parse(pem, len, &e)) == NULL) {
		say("%s: %s", path, e.text);
		free(pem);
		return e.code;
	}
	free(pem);
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

static void
on_result(struct proberow *row, const struct starttls_result *s,
    const struct judgement *j, void *arg)
{
	struct run *run = arg;
	struct probereport_rules r;
	struct buf what = {0};

	(void)s;
	buf_printf(&what, "%s[%s]:%u", probereport_gateway(row),
	    row->seen.address, row->seen.port);
	r = result_of(run, what.data);
	r.nexthop = row->target->domain;
	r.gateway = row->seen.host;
	r.fault = row->fault;
	/* The table says it of the certificate. */
	if (j == NULL || !j->has_cert || row->fault != row->cert_fault)
		r.detail = row->seen.detail;
	if (j != NULL && j->has_cert)
		r.v = &j->v;
	put_result(run, &r);
	buf_free(&what);
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

static void
rehearsal_row(struct run *run, const struct rehearsal_row *r)
{
	char when[NUM_TIME_MAX];
	size_t from;

	if (run->opt.json) {
		json_array_append_new(run->results,
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}",
			"partner", r->partner, "nexthop", r->nexthop, "gateway",
			r->host, "issuer_cn", r->issuer, "seen",
			num_time_text(r->seen, when), "fault_now",
			fault_text(r->now), "fault_then", fault_text(r->then),
			"breaks", r->breaks, "mends", r->mends));
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
	    num_time_text(r->seen, when));
	quote_since(&run->out, from);
}

static void
put_names(struct run *run, const char *const *name, size_t n)
{
	size_t i;

	for (i = 0; i < n && (i < 5 || run->opt.verbose); i++)
		buf_printf(&run->out, "%s%s", i == 0 ? "" : ", ", name[i]);
	if (i < n)
		buf_printf(&run->out, " and %zu more", n - i);
}

static void
rehearsal_summary(struct run *run, const struct rehearsal *r)
{
	buf_printf(&run->out, "%zu of %zu gateways would break with %s",
	    r->breaks, r->n, run->bundle);
	if (r->mends > 0)
		buf_printf(&run->out, ", %zu would be mended", r->mends);
	buf_puts(&run->out, ".\n");
	if (r->own > 0)
		buf_printf(&run->out,
		    "%zu enforced partner%s not rely on the bundle.\n", r->own,
		    r->own == 1 ? " does" : "s do");
	if (r->nnear > 0) {
		buf_puts(&run->out,
		    "Files of their own, which the same update may change and "
		    "which were not judged: ");
		put_names(run, r->near, r->nnear);
		buf_puts(&run->out, ".\n");
	}
	if (r->nnever == 0)
		return;
	buf_puts(&run->out, "No certificate seen yet, so not known: ");
	put_names(run, r->never, r->nnever);
	buf_puts(&run->out, " (see tlspact-probe).\n");
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
	size_t i;

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
	if (rehearse(v, run->registry, run->judge, after, run->at, &r, &e) ==
	    -1) {
		say_err(&e);
		code = e.code;
	} else {
		for (i = 0; i < r.n; i++)
			if (r.row[i].breaks || run->opt.verbose ||
			    run->opt.json)
				rehearsal_row(run, &r.row[i]);
		if (!run->opt.json)
			rehearsal_summary(run, &r);
		run->failed = r.breaks > 0;
	}
	rehearsal_release(&r);
	evidence_close(v);
	judge_free(after);
	return code;
}

/* ---------------------------------------------------------------------- */

static void
print_json(struct run *run, int code)
{
	char at[NUM_TIME_MAX];
	json_t *root = json_pack("{s:s, s:s, s:i, s:b, s:O}", "schema",
	    "tlspact.verify.v1", "time", num_time_text(run->at, at),
	    "exit_code", code, "passed", !run->failed,
	    run->bundle != NULL ? "gateways" : "results", run->results);

	json_object_set_new(root, "partner",
	    json_text(run->partner == NULL ? NULL : run->partner->name));
	json_print(root);
}

static int
run_verify(struct run *run)
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
	if (code != EX_OK)
		return code;
	code = run->failed ? 1 : EX_OK;
	if (run->opt.json)
		print_json(run, code);
	else if (run->out.len > 0)
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
	(void)signal(SIGPIPE, SIG_IGN);
	run.colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	run.results = json_array();
	code = run_verify(&run);
	json_decref(run.results);
	buf_free(&run.out);
	judge_free(run.judge);
	registry_free(run.registry);
	settings_free(&run.set);
	return code;
}
