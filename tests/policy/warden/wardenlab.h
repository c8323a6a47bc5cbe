/*
 * wardenlab.h: the warden around a real ledger, with a clock and calls of
 * our own. Static, as each test is one program.
 */
#ifndef WARDENLAB_H
#define WARDENLAB_H

#include "ledgerlab.h"

#include "buf.h"
#include "conf.h"
#include "diag.h"
#include "logline.h"
#include "mem.h"
#include "settings.h"
#include "warden.h"

/* What the calls were asked to do, in words; and what the gateways show. */
static struct buf done;
static struct settings set;
static struct warden *k;
static char asked[16][64];
static size_t nasked;
static unsigned told_contact; /* letters to others than our operator */
static char letter_json[8192];
static char letter_text[2][8192];
static int64_t letter;
static enum evidence_judged ok_by; /* what passes, passes by that */
static time_t life;		   /* seconds, of what is shown */

static inline void
do_probe(void *ctx, const char *partner)
{
	(void)ctx;
	buf_printf(&done, "probe %s;", partner);
	if (nasked < COUNT(asked))
		(void)snprintf(asked[nasked++], 64, "%s", partner);
}

static inline void
do_sweep(void *ctx)
{
	(void)ctx;
	buf_puts(&done, "sweep;");
}

static inline void
do_compile(void *ctx)
{
	(void)ctx;
	buf_puts(&done, "compile;");
}

static inline void
do_flush(void *ctx, const char *partner)
{
	(void)ctx;
	buf_printf(&done, "flush %s;", partner);
}

static inline void
do_send(void *ctx, const struct warden_letter *l)
{
	size_t i;

	(void)ctx;
	buf_puts(&done, "send");
	(void)snprintf(letter_json, sizeof(letter_json), "%s",
	    l->json == NULL ? "" : l->json);
	for (i = 0; i < l->nmails; i++) {
		buf_printf(&done, " %s", l->mail[i].to);
		told_contact +=
		    strcmp(l->mail[i].to, "postmaster@ours.example") != 0;
		(void)snprintf(letter_text[i], sizeof(letter_text[i]), "%s",
		    l->mail[i].text);
	}
	buf_putc(&done, ';');
	letter = l->id;
}

static const struct warden_calls calls = {.probe = do_probe,
    .sweep = do_sweep,
    .compile = do_compile,
    .flush = do_flush,
    .send = do_send};

/* What was done since the last call. */
static inline char *
did(void)
{
	static char words[4096];

	(void)snprintf(
	    words, sizeof(words), "%s", done.data == NULL ? "" : done.data);
	buf_clear(&done);
	return words;
}

static inline void
write_only(const char *text)
{
	char *path = check_path(dir, "registry");
	FILE *f = fopen(path, "w");

	(void)fputs(text, f);
	(void)fclose(f);
	free(path);
}

static inline void
write_registry(const char *more)
{
	char *text = mem_printf(
	    "partner acme mode=enforced domain=acme.example\n"
	    "\tgateway=mx1.acme.example on-failure=drop drop-to=encrypt\n"
	    "\tdrop-after=2/1m drop-for=5m contact=it@partners.example\n"
	    "\tnotify-contact=yes\n"
	    "partner globex mode=enforced domain=globex.example\n"
	    "\tgateway=mx1.globex.example on-failure=hold\n"
	    "\tdrop-after=2/1m contact=it@globex.example\n"
	    "\tnotify-contact=yes\n%s",
	    more);
	write_only(text);
	free(text);
}

static inline void
start(time_t now)
{
	k = warden_new(&set, &calls);
	if (warden_start(k, now, &err) == -1)
		fail_msg("warden_start: %s", err.text);
}

static inline void
probed(const char *partner, time_t now)
{
	warden_take(k,
	    &(struct warden_news){.what = WARDEN_PROBED, .partner = partner},
	    now);
}

/* why: NULL: it went well, here and below. */
static inline void
compiled(const char *why, time_t now)
{
	warden_take(
	    k, &(struct warden_news){.what = WARDEN_COMPILED, .why = why}, now);
}

static inline void
letter_sent(int64_t id, const char *why, time_t now)
{
	warden_take(k,
	    &(struct warden_news){.what = WARDEN_SENT, .id = id, .why = why},
	    now);
}

static inline int
begin(void **state)
{
	struct settings_options o = {0};
	static char options[4][512];
	struct diags d = {0};
	static const char *const others[] = {"postfix_version=3.7.11",
	    "fingerprint_digest=sha256", "operator=postmaster@ours.example",
	    "keep=100d"};
	size_t i;

	(void)setup(state);
	write_registry("");
	logline_init("t_warden", (enum logline_level)0, true);
	(void)snprintf(options[0], 512, "registry=%s/registry", dir);
	(void)snprintf(options[1], 512, "ledger=%s", file);
	(void)snprintf(options[2], 512, "map=%s/policy.cdb", dir);
	(void)snprintf(options[3], 512, "evidence=%s", seen);
	for (i = 0; i < 4; i++) {
		settings_option(&o, options[i]);
		settings_option(&o, others[i]);
	}
	if (settings_load(&set, &o, "/nowhere/tlspact.conf", &d, &err) == -1)
		return -1;
	diag_free(&d);
	nasked = told_contact = 0;
	letter = 0;
	ok_by = EVIDENCE_BY_CA;
	life = 365 * 86400;
	return 0;
}

static inline int
finish(void **state)
{
	char *path;

	warden_free(k);
	k = NULL;
	buf_free(&done);
	settings_free(&set);
	path = check_path(dir, "registry");
	(void)unlink(path);
	free(path);
	return teardown(state);
}

static inline void
failure(const char *partner, const char *fault, const char *id, time_t t)
{
	char *domain = mem_printf("%s.example", partner);
	struct evidence_failure f = {.time = t,
	    .partner = partner,
	    .direction = EVIDENCE_OUT,
	    .fault = fault,
	    .domain = domain,
	    .host = "mx1",
	    .queue_id = id};
	struct evidence_batch b = {.failure = &f, .nfailures = 1};

	well("failure", evidence_log_add(evi, &b, &err));
	free(domain);
}

static inline void
shows_at(const char *address, const char *partner, const char *fault,
    const char *key, time_t t, time_t not_after)
{
	char *domain = mem_printf("%s.example", partner);
	char *host = mem_printf("mx1.%s.example", partner);
	struct evidence_probe p = {.time = t,
	    .partner = partner,
	    .nexthop = domain,
	    .host = host,
	    .address = address,
	    .port = 25,
	    .fault = fault,
	    .key = key,
	    .begins = life == 0 ? 0 : not_after - life,
	    .not_after = not_after,
	    .judged = strcmp(fault, "ok") == 0 ? ok_by : EVIDENCE_FAILED};

	well("probe", evidence_probe_add(evi, &p, NULL, &err));
	free(host);
	free(domain);
}

static inline void
shows(const char *partner, const char *fault, const char *key, time_t t,
    time_t not_after)
{
	shows_at("192.0.2.1", partner, fault, key, t, not_after);
}

/* Both passed yesterday. */
static inline void
all_well(void)
{
	shows("acme", "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
	shows("globex", "ok", KEY_B, T0 - 3600, T0 + 90 * 86400);
	start(T0);
	check_str("start", did(), "compile;");
	compiled(NULL, T0);
}

/* All letters on their way; how many there were. */
static inline int
send_all(time_t now)
{
	int n = 0;

	while (letter != 0) {
		int64_t id = letter;

		letter = 0;
		n++;
		letter_sent(id, NULL, now);
		warden_tick(k, now);
	}
	return n;
}

struct open {
	size_t open, all;
	char after[20], keys[80];
};

static inline bool
count_low(const struct ledger_downgrade *d, void *arg)
{
	struct open *o = arg;

	o->all++;
	if (d->closed == 0)
		o->open++;
	(void)snprintf(o->after, sizeof(o->after), "%s", level_name(d->after));
	(void)snprintf(
	    o->keys, sizeof(o->keys), "%s", d->nkeys == 1 ? d->keys[0] : "");
	return true;
}

static inline struct open
lows(void)
{
	struct open o = {0};

	well("lows", ledger_downgrades(led, NULL, 0, count_low, &o, &err));
	return o;
}

static inline void
lower_acme(const char *fault, const char *key)
{
	failure("acme", fault, "A1", T0 + 10);
	failure("acme", fault, "A2", T0 + 11);
	warden_tick(k, T0 + 11);
	shows("acme", fault, key, T0 + 11, T0 + 86400 * 60);
	shows("globex", "ok", KEY_B, T0 + 11, T0 + 90 * 86400);
	probed("acme", T0 + 11);
	probed("globex", T0 + 11);
	warden_tick(k, T0 + 11);
}

/* Partners p1 to pN, each with a contact, whose gateways all pass, or not. */
static inline void
many_partners(unsigned n, bool passed, int max)
{
	struct buf b = {0};
	char name[8];
	unsigned i;

	for (i = 1; i <= n; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		buf_printf(&b,
		    "partner %s mode=enforced domain=%s.example\n"
		    "\ton-failure=drop drop-after=2/1m contact=a@b.example\n"
		    "\tnotify-contact=yes\n",
		    name, name);
		if (passed)
			shows(name, "ok", KEY_A, T0 - 3600, T0 + 90 * 86400);
	}
	write_only(b.data);
	buf_free(&b);
	set.drop_max_partners = max;
	start(T0);
	(void)did();
	compiled(NULL, T0);
}

/* Whoever is asked to probe sees that fault. */
static inline void
all_see(const char *fault, time_t from, time_t to)
{
	time_t t;

	for (t = from; t <= to; t++) {
		while (nasked > 0) {
			char name[64];

			(void)snprintf(
			    name, sizeof(name), "%s", asked[--nasked]);
			shows(name, fault, KEY_A, t, T0 + 90 * 86400);
			probed(name, t);
		}
		warden_tick(k, t);
		(void)send_all(t);
	}
}

#define WARDEN_TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, finish)

#endif
