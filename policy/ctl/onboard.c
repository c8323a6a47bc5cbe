#include "onboard.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "compile.h"
#include "ctlfacts.h"
#include "err.h"
#include "fakepeer.h"
#include "fdio.h"
#include "json.h"
#include "ledger.h"
#include "mem.h"
#include "num.h"
#include "process.h"
#include "program.h"
#include "registry.h"
#include "settings.h"
#include "target.h"
#include "throwaway.h"

#define PROBE_TALK (16u << 20) /* bytes of its report */
#define MAIL_SECONDS 30	       /* for the mails of the test */

static const struct {
	const char *name, *words;
} steps[] = {[ONBOARD_IPV4] = {"probe-ipv4", "probe by IPv4"},
    [ONBOARD_IPV6] = {"probe-ipv6", "probe by IPv6"},
    [ONBOARD_REFUSAL] = {"refusal", "refusal"},
    [ONBOARD_OUT] = {"mail-out", "mail to them"},
    [ONBOARD_IN] = {"mail-in", "mail from them"},
    [ONBOARD_BACK] = {"way-back", "the way back"},
    [ONBOARD_CONTACT] = {"contact", "contact"},
    [ONBOARD_AGREEMENT] = {"agreement", "agreement"},
    [ONBOARD_REVIEW] = {"review", "review"}};

static const char *const states[] = {[ONBOARD_DONE] = "done",
    [ONBOARD_OPEN] = "open",
    [ONBOARD_SPARED] = "spared"};

/* What is said of a peer. */
static const char *const peer_words[] = {[FAKEPEER_GOOD] = "a good certificate",
    [FAKEPEER_WRONG_NAME] = "another name",
    [FAKEPEER_EXPIRED] = "an expired certificate",
    [FAKEPEER_UNKNOWN_CA] = "an unknown CA",
    [FAKEPEER_NO_STARTTLS] = "no STARTTLS"};

static void __attribute__((format(printf, 4, 5))) set(struct onboard *o,
    enum onboard_id id, enum onboard_state state, const char *fmt, ...)
{
	struct onboard_step *s = &o->step[id];
	va_list ap;

	s->name = steps[id].name;
	s->words = steps[id].words;
	s->state = state;
	s->state_name = states[state];
	s->unproven = false;
	va_start(ap, fmt);
	(void)vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
}

/* Open for want of a proof: nothing that was found is otherwise than agreed. */
static void
set_unproven(struct onboard *o, enum onboard_id id)
{
	o->step[id].unproven = true;
}

/* --- The gateways -------------------------------------------------------- */

/* What tlspact-probe prints, whatever its verdict; NULL with *e set. */
static json_t *
probe(const struct ctl *c, const char *name, struct err *e)
{
	const char *const ask[] = {"--json", "--no-record", name, NULL};
	const char **argv =
	    program_argv(program_beside("tlspact-probe"), ask, c->again);
	struct buf said = {0};
	json_t *j = NULL;
	int out[2], status;
	pid_t pid = -1;

	if (pipe2(out, O_CLOEXEC) == 0) {
		pid = program_start(argv, -1, out[1], -1, e);
		(void)close(out[1]);
		if (pid != -1 && fdio_read(out[0], PROBE_TALK, &said))
			j = json_loads(said.len == 0 ? "" : said.data, 0, NULL);
		(void)close(out[0]);
	}
	if (pid != -1)
		(void)waitpid(pid, &status, 0);
	if (j == NULL)
		(void)err_set(e, EX_UNAVAILABLE,
		    "tlspact-probe has no answer; run tlspact-probe --as "
		    "enforced %s",
		    name);
	buf_free(&said);
	program_argv_free(argv);
	return j;
}

/* The gateways of one address family. */
static void
judge_family(
    struct onboard *o, enum onboard_id id, const char *partner, json_t *report)
{
	const char *family = id == ONBOARD_IPV6 ? "IPv6" : "IPv4", *address;
	const char *worst = NULL;
	size_t i, n = 0, bad = 0;
	json_t *g;

	json_array_foreach(json_object_get(report, "gateways"), i, g)
	{
		address = json_string_value(json_object_get(g, "address"));
		if (address == NULL ? id == ONBOARD_IPV6
				    : (strchr(address, ':') != NULL) !=
					  (id == ONBOARD_IPV6))
			continue;
		n++;
		if (json_is_true(json_object_get(g, "would_pass_enforced")))
			continue;
		bad++;
		worst = json_string_value(json_object_get(g, "fault"));
		if (worst == NULL)
			worst = json_string_value(json_object_get(
			    json_object_get(g, "certificate"), "fault"));
	}
	if (bad > 0)
		set(o, id, ONBOARD_OPEN,
		    "%zu of %zu gateway%s would not pass (%s): tlspact-probe "
		    "--as enforced %s",
		    bad, n, num_plural(n), worst == NULL ? "?" : worst,
		    partner);
	else if (n > 0)
		set(o, id, ONBOARD_DONE, "%zu gateway%s would pass", n,
		    num_plural(n));
	else
		set(o, id, ONBOARD_SPARED, "no gateway has an %s address here",
		    family);
}

static void
measure_gateways(
    const struct ctl *c, const struct partner *p, struct onboard *o)
{
	struct err e;
	json_t *report = probe(c, p->name, &e);

	if (report == NULL) {
		set(o, ONBOARD_IPV4, ONBOARD_OPEN, "%s", e.text);
		set(o, ONBOARD_IPV6, ONBOARD_OPEN, "%s", e.text);
		return;
	}
	judge_family(o, ONBOARD_IPV4, p->name, report);
	judge_family(o, ONBOARD_IPV6, p->name, report);
	/* Nobody at all is no pass. */
	if (o->step[ONBOARD_IPV4].state == ONBOARD_SPARED &&
	    o->step[ONBOARD_IPV6].state == ONBOARD_SPARED)
		set(o, ONBOARD_IPV4, ONBOARD_OPEN, "no gateway was found");
	json_decref(report);
}

/* --- The refusal --------------------------------------------------------- */

/* One element of match=. */
static void
put_name(struct buf *out, const char *s, size_t n, const char *domain)
{
	struct span name = {s, n};

	if (span_is(name, "nexthop"))
		buf_puts(out, domain);
	else if (span_is(name, "dot-nexthop"))
		buf_printf(out, ".%s", domain);
	else if (span_is(name, "hostname"))
		buf_printf(out, "mx.%s", domain);
	else
		buf_add(out, s, n);
}

static void
put_names(struct buf *out, const char *list, const char *domain, char **name)
{
	size_t from = out->len, n;

	for (;; list += n + 1) {
		n = strcspn(list, ":");
		put_name(out, list, n, domain);
		if (*name == NULL)
			*name = mem_printf("%s%s",
			    out->data[from] == '.' ? "mx" : "",
			    out->data + from);
		if (list[n] == '\0')
			break;
		buf_putc(out, ':');
	}
}

char *
onboard_policy(const char *policy, const char *domain, char **name)
{
	bool pins = strncmp(policy, "fingerprint", 11) == 0;
	char *copy = mem_dup(policy), *rest = copy, *word;
	struct buf out = {0};

	*name = NULL;
	while ((word = strsep(&rest, " ")) != NULL) {
		if (out.len > 0)
			buf_putc(&out, ' ');
		if (!pins && strncmp(word, "match=", 6) == 0) {
			buf_puts(&out, "match=");
			put_names(&out, word + 6, domain, name);
		} else if (strncmp(word, "tafile=", 7) == 0) {
			buf_puts(&out, "tafile=" THROWAWAY_CA);
		} else if (strcmp(word, "servername=hostname") == 0 ||
			   strcmp(word, "servername=nexthop") == 0) {
			buf_printf(&out, "servername=%s", domain);
		} else {
			buf_puts(&out, word);
		}
	}
	free(copy);
	if (*name == NULL)
		*name = mem_printf("mx.%s", domain);
	return buf_take(&out);
}

/* The first of its domains that is one. */
static const char *
first_domain(const struct ctl *c, const struct partner *p)
{
	const struct domain *d = &c->registry->domain[p->first_domain];
	uint32_t i;

	for (i = 0; i < p->ndomains; i++)
		if (!dname_is_nexthop(d[i].name))
			return d[i].name + (d[i].name[0] == '.');
	return "partner.invalid";
}

/* Its policy as enforced; NULL with *e set. The caller frees it. */
static char *
enforced_policy(const struct ctl *c, const struct partner *p, struct err *e)
{
	struct attributes as = *p->attributes;
	struct partner enforced = *p;
	enum level level = attributes_enforced_level(&as);
	struct buf out = {0};
	struct target target;
	const char *bad;

	as.mode = MODE_ENFORCED;
	enforced.attributes = &as;
	if (settings_target(&c->set, level == LEVEL_KEY ? SETTINGS_DIGEST : 0,
		&target, e) == -1)
		return NULL;
	bad = render_policy(&enforced, level, as.key, &target, &out);
	if (bad == NULL)
		return buf_take(&out);
	buf_free(&out);
	(void)err_set(e, EX_DATAERR, "%s", bad);
	return NULL;
}

/* The key as smtp(8) compares it: AA:BB:... */
static void
put_pin(struct buf *out, const char *hex)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
		buf_printf(out, "%c%c%s", toupper((unsigned char)hex[0]),
		    toupper((unsigned char)hex[1]), hex[2] == '\0' ? "" : ":");
}

/*
 * The policy for the control: what nobody else has, their key or their TLSA
 * records, is replaced by what our good peer has. NULL: there is no need.
 */
static char *
control_policy(const struct attributes *t, const char *policy, const char *name,
    const char *pin)
{
	char *copy = mem_dup(policy), *rest = copy, *word;
	struct buf out = {0};

	while ((word = strsep(&rest, " ")) != NULL) {
		if (out.len > 0)
			buf_putc(&out, ' ');
		if (t->verify == VERIFY_DANE && strcmp(word, "dane-only") == 0)
			buf_printf(&out, "secure match=%s", name);
		else if (t->verify == VERIFY_KEY &&
			 strncmp(word, "match=", 6) == 0) {
			buf_puts(&out, "match=");
			put_pin(&out, pin);
		} else
			buf_puts(&out, word);
	}
	free(copy);
	return buf_take(&out);
}

/* May a peer of that kind get mail? */
static bool
may_get(const struct attributes *t, enum fakepeer kind)
{
	if (t->verify == VERIFY_NONE)
		return kind != FAKEPEER_NO_STARTTLS;
	/* Nobody has their key, or their TLSA records. */
	return t->verify == VERIFY_NAME && kind == FAKEPEER_GOOD;
}

/* What is wrong with what became of a peer's mail; NULL: nothing. */
static const char *
wrong_fate(const struct throwaway_mail *m, bool may)
{
	if (!m->known)
		return "was not tried in time";
	if (m->sent != may)
		return may ? "is refused" : "GETS MAIL";
	return NULL;
}

static void
judge_refusal(const struct attributes *t, const struct throwaway_mail *mail,
    struct onboard *o)
{
	struct buf refused = {0};
	const char *wrong;
	size_t k;

	/* A Postfix that sends nothing at all would refuse as well. */
	if ((wrong = wrong_fate(&mail[FAKEPEER_CONTROL], true)) != NULL) {
		set(o, ONBOARD_REFUSAL, ONBOARD_OPEN,
		    "a control that should get mail %s: %s", wrong,
		    mail[FAKEPEER_CONTROL].reason);
		return;
	}
	for (k = 0; k < FAKEPEER_CONTROL; k++) {
		const char *what = peer_words[k];
		bool may = may_get(t, (enum fakepeer)k);

		if ((wrong = wrong_fate(&mail[k], may)) != NULL) {
			set(o, ONBOARD_REFUSAL, ONBOARD_OPEN,
			    "a peer with %s %s: %s", what, wrong,
			    mail[k].reason);
			break;
		}
		if (!may)
			buf_printf(&refused, "%s%s",
			    refused.len == 0 ? "" : ", ", what);
	}
	if (k == FAKEPEER_CONTROL)
		set(o, ONBOARD_REFUSAL, ONBOARD_DONE,
		    t->verify == VERIFY_KEY ? "no peer without their key gets "
					      "mail (tried: %s); a control "
					      "whose key is pinned does"
		    : t->verify == VERIFY_DANE
			? "no peer without their TLSA records gets mail "
			  "(tried: %s); a control that is verified by CA and "
			  "name does"
			: "no peer with %s gets mail; a good one does",
		    refused.data);
	buf_free(&refused);
}

/* "cdb:/x/policy" for /x/policy.cdb; freed by the caller. */
static char *
postfix_name(const char *path)
{
	struct span s = span_of(path);

	if (span_ends(s, ".cdb"))
		s.n -= strlen(".cdb");
	return mem_printf("cdb:%.*s", SPAN_ARG(s));
}

static int
try_peers(const struct ctl *c, const struct partner *p, struct onboard *o,
    struct err *e)
{
	struct throwaway_mail mail[FAKEPEER_KINDS] = {{.port = 0}};
	char *row = enforced_policy(c, p, e), *policy, *name, *map,
	     *control = NULL;
	struct throwaway_place place = {.socket = c->set.socketmap_socket};
	struct fakepeers peers;
	struct apart servers;
	struct err ignored;
	size_t k;
	int rv = -1;

	if (row == NULL)
		return -1;
	policy = onboard_policy(row, first_domain(c, p), &name);
	place.map = map = postfix_name(c->set.map);
	if (apart_start(&servers, c->set.probe_user, fakepeer_main, name, e) ==
	    0) {
		rv = fakepeer_ready(servers.fd, &peers, e);
		for (k = 0; k < FAKEPEER_KINDS && rv == 0; k++)
			mail[k] = (struct throwaway_mail){
			    .port = peers.port[k], .policy = policy};
		if (rv == 0) {
			control = control_policy(
			    p->attributes, policy, name, peers.pin);
			mail[FAKEPEER_CONTROL].policy = control;
			rv = throwaway_run(settings_postfix(&c->set), &place,
			    peers.ca, mail, FAKEPEER_KINDS, MAIL_SECONDS, e);
		}
		(void)apart_end(&servers, true, "the test's servers", &ignored);
	}
	if (rv == 0)
		judge_refusal(p->attributes, mail, o);
	free(control);
	free(policy);
	free(map);
	free(name);
	free(row);
	return rv;
}

/* --- Mail ---------------------------------------------------------------- */

struct sums {
	uint64_t good[2], clear[2]; /* by enum evidence_direction */
	uint64_t let_in;	    /* over TLS, by a downgrade alone */
	char day[2][16];
	uint64_t leg[LEG_NONE][2]; /* encrypted, and not */
};

static bool
add_count(const struct evidence_count *x, void *arg)
{
	struct sums *s = arg;
	unsigned d = x->direction;

	if (strcmp(x->result, d == EVIDENCE_OUT ? "sent" : "received") != 0)
		return true;
	if (x->seen >= EVIDENCE_ENCRYPTED && !evidence_let_in(x)) {
		s->good[d] += x->n;
	} else if (x->seen >= EVIDENCE_ENCRYPTED) {
		s->let_in += x->n;
		if (s->clear[d] == 0)
			(void)snprintf(
			    s->day[d], sizeof(s->day[d]), "%s", x->day);
	} else {
		s->clear[d] += x->n;
		(void)snprintf(s->day[d], sizeof(s->day[d]), "%s", x->day);
	}
	return true;
}

static bool
add_leg(const struct evidence_leg *l, void *arg)
{
	struct sums *s = arg;

	if (l->leg != LEG_NONE)
		s->leg[l->leg][strcmp(l->tls, "encrypted") != 0] += l->n;
	return true;
}

static void
judge_mail(const struct sums *s, enum evidence_direction d, enum onboard_id id,
    struct onboard *o)
{
	const uint64_t let_in = d == EVIDENCE_IN ? s->let_in : 0;
	const uint64_t n = s->good[d] + s->clear[d] + let_in;

	if (n == 0) {
		set(o, id, ONBOARD_OPEN, "none in %d days", ONBOARD_DAYS);
		set_unproven(o, id);
	} else if (s->clear[d] > 0)
		set(o, id, ONBOARD_OPEN,
		    "%" PRIu64 " of %" PRIu64 " in %d days in the clear, last "
		    "on %s",
		    s->clear[d], n, ONBOARD_DAYS, s->day[d]);
	else if (let_in > 0)
		set(o, id, ONBOARD_OPEN,
		    "%" PRIu64 " of %" PRIu64 " in %d days let in without "
		    "their certificate, last on %s",
		    let_in, n, ONBOARD_DAYS, s->day[d]);
	else
		set(o, id, ONBOARD_DONE,
		    "%" PRIu64 " in %d days, all encrypted", n, ONBOARD_DAYS);
}

static void
judge_back(const struct partner *p, const struct sums *s, struct onboard *o)
{
	static const enum leg leg[] = {LEG_TO_PROVIDER, LEG_TO_US};
	size_t i;

	if (p->provider == REGISTRY_NONE) {
		set(o, ONBOARD_BACK, ONBOARD_SPARED,
		    "there is no provider on it");
		return;
	}
	for (i = 0; i < 2; i++) {
		const char *what = i == 0
				       ? "from their own host to the provider"
				       : "from the provider to us";
		const uint64_t *n = s->leg[leg[i]];

		if (n[1] > 0)
			set(o, ONBOARD_BACK, ONBOARD_OPEN,
			    "%" PRIu64 " of %" PRIu64 " mails traced in %d "
			    "days were not encrypted %s",
			    n[1], n[0] + n[1], ONBOARD_DAYS, what);
		else if (n[0] == 0) {
			set(o, ONBOARD_BACK, ONBOARD_OPEN,
			    "no mail was traced %s in %d days: tlspact-trace "
			    "--record --partner %s",
			    what, ONBOARD_DAYS, p->name);
			set_unproven(o, ONBOARD_BACK);
		}
		if (*o->step[ONBOARD_BACK].text != '\0')
			return;
	}
	set(o, ONBOARD_BACK, ONBOARD_DONE,
	    "%" PRIu64 " mails traced in %d days, encrypted on both sides of "
	    "the provider",
	    s->leg[LEG_TO_PROVIDER][0], ONBOARD_DAYS);
}

static void
measure_mail(const struct ctl *c, const struct partner *p, struct onboard *o)
{
	struct sums s = {.good = {0}};
	char from[NUM_TIME_MAX];
	struct evidence *v;
	struct err e;
	bool well;

	num_time_text(c->now - (time_t)ONBOARD_DAYS * CLOCK_DAY,
	    from)[sizeof("YYYY-MM-DD") - 1] = '\0';
	v = evidence_open(c->set.evidence, c->set.ledger, EVIDENCE_READ, &e);
	well =
	    v != NULL
		? evidence_counts(v, p->name, from, "", add_count, &s, &e) ==
			  0 &&
		      evidence_legs(v, p->name, from, "", add_leg, &s, &e) == 0
		: e.code == EX_NOINPUT;
	evidence_close(v);
	judge_mail(&s, EVIDENCE_OUT, ONBOARD_OUT, o);
	judge_mail(&s, EVIDENCE_IN, ONBOARD_IN, o);
	judge_back(p, &s, o);
	if (well)
		return;
	set(o, ONBOARD_OUT, ONBOARD_OPEN, "%s", e.text);
	set(o, ONBOARD_IN, ONBOARD_OPEN, "%s", e.text);
	if (o->step[ONBOARD_BACK].state != ONBOARD_SPARED)
		set(o, ONBOARD_BACK, ONBOARD_OPEN, "%s", e.text);
}

/* --- Paper, and all ------------------------------------------------------ */

static void
measure_words(const struct ctl *c, const struct partner *p, struct onboard *o)
{
	const struct attributes *t = p->attributes;
	char day[NUM_TIME_MAX];

	if (p->contact == NULL)
		set(o, ONBOARD_CONTACT, ONBOARD_OPEN,
		    "nobody to tell: contact=");
	else
		set(o, ONBOARD_CONTACT, ONBOARD_DONE, "%s", p->contact);
	if (t->ticket == NULL)
		set(o, ONBOARD_AGREEMENT, ONBOARD_OPEN, "not on file: ticket=");
	else
		set(o, ONBOARD_AGREEMENT, ONBOARD_DONE, "%s", t->ticket);
	num_time_text(t->review, day)[sizeof("YYYY-MM-DD") - 1] = '\0';
	if (t->review == 0)
		set(o, ONBOARD_REVIEW, ONBOARD_OPEN, "no date: review=");
	else if (t->review < c->now)
		set(o, ONBOARD_REVIEW, ONBOARD_OPEN, "overdue since %s", day);
	else
		set(o, ONBOARD_REVIEW, ONBOARD_DONE, "on %s", day);
	set_unproven(o, ONBOARD_CONTACT);
	set_unproven(o, ONBOARD_AGREEMENT);
	set_unproven(o, ONBOARD_REVIEW);
}

char *
onboard_verdict(const struct onboard *o)
{
	char failing[48] = "";

	if (!o->enforced)
		return o->open == 0
			   ? mem_dup("ready for mode=enforced")
			   : mem_printf("not ready for mode=enforced: %zu of "
					"%d steps open",
				 o->open, ONBOARD_STEPS);
	if (o->failing > 0)
		(void)snprintf(failing, sizeof(failing), ", but %zu step%s",
		    o->failing, o->failing == 1 ? " FAILS" : "s FAIL");
	return mem_printf("enforced%s; %zu of %zu steps proven", failing,
	    o->done, o->done + o->open);
}

int
onboard_record(const struct ctl *c, const struct partner *p,
    const struct onboard *o, time_t when, struct err *e)
{
	struct ledger *l = ledger_open(c->set.ledger, LEDGER_WRITE, e);
	char who[AUTHOR_TEXT], *data, *text;
	json_t *found = json_object();
	size_t i;
	int rv;

	for (i = 0; i < ONBOARD_STEPS; i++)
		(void)json_object_set_new(
		    found, o->step[i].name, json_string(o->step[i].state_name));
	data = json_compact(json_pack("{s:o}", "steps", found));
	text = onboard_verdict(o);
	rv = l == NULL ? -1
		       : ledger_event_add(l,
			     &(struct ledger_event){.time = when,
				 .kind = "onboard",
				 .partner = p->name,
				 .author = author_text(&c->author, who),
				 .text = text,
				 .data = data},
			     e);
	ledger_close(l);
	free(text);
	free(data);
	return rv;
}

void
onboard_measure(const struct ctl *c, const struct partner *p, const char *past,
    struct onboard *o)
{
	struct err e;
	size_t i;

	*o = (struct onboard){.enforced = p->attributes->mode == MODE_ENFORCED};
	measure_gateways(c, p, o);
	if (try_peers(c, p, o, &e) == -1)
		set(o, ONBOARD_REFUSAL, ONBOARD_OPEN, "not tried: %s", e.text);
	/* The row refuses, and is not asked. */
	if (past != NULL && o->step[ONBOARD_REFUSAL].state == ONBOARD_DONE)
		set(o, ONBOARD_REFUSAL, ONBOARD_OPEN,
		    "mail goes past the row, run tlspact-setup check: %s",
		    past);
	measure_mail(c, p, o);
	measure_words(c, p, o);
	for (i = 0; i < ONBOARD_STEPS; i++) {
		o->done += o->step[i].state == ONBOARD_DONE;
		o->open += o->step[i].state == ONBOARD_OPEN;
		o->step[i].fails =
		    o->step[i].state == ONBOARD_OPEN && !o->step[i].unproven;
		o->failing += o->step[i].fails;
	}
	o->ready = o->enforced ? o->failing == 0 : o->open == 0;
}
