/*
 * mkyear: registry, map, ledger and evidence of a year that never was.
 *
 *	mkyear [-wx] [-p PARTNERS] [-d DAYS] [-m MAILS] [-l LOOKS] [-e DAY] DIR
 *
 * A folder as the programs leave it behind, by the project's own functions:
 * DIR/tlspact.conf names the files. PARTNERS (40) of them had MAILS (4000) a
 * day, on DAYS (365) up to the day before DAY (2026-12-01): with downgrades,
 * faults, certificates that were renewed or were not, partners that became
 * Enforced, mail in clear, and hours without log. Gateways were looked at on
 * the last LOOKS (400) days. With -x who can write something wrote markup, with
 * -w what no terminal should get, and wide characters; names are of 60. The
 * same arguments make the same year, but for keys.
 */
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "err.h"
#include "evidence_log.h"
#include "evidence_own.h"
#include "fault.h"
#include "ledger_downgrade.h"
#include "mapbuild.h"
#include "mem.h"
#include "mkcert.h"
#include "num.h"
#include "registry.h"
#include "settings.h"
#include "x509.h"

#define DAY 86400
#define HOUR 3600
#define GATEWAYS 2
#define ROWS 40 /* counts of a partner and day, at most */
#define STRANGERS 60

enum becomes { ALWAYS, LATER, NEVER };

struct gateway {
	char host[96], address[64], key[EVIDENCE_KEY];
	EVP_PKEY *pkey;
	char *chain, *old; /* old: shown while it is expired */
	time_t ends, old_ends;
	int life;	/* days */
	bool forgotten; /* nobody renews it */
};

struct partner_year {
	char name[64];
	enum becomes becomes;
	int enforced_day; /* first day, if LATER */
	double weight;	  /* of all mail */
	double clear;	  /* share of it, while nothing is demanded */
	bool inbound;	  /* TLS is required of what comes in */
	bool shows;	  /* a certificate, when it sends */
	struct gateway gateway[GATEWAYS];
	/* What goes wrong now. */
	enum fault fault;
	int until_day; /* when it is repaired */
	time_t since;
	int64_t lowered; /* the downgrade, 0: none */
	time_t end;	 /* of it */
	enum level level;
};

struct year {
	char dir[4096];
	size_t npartners;
	int ndays, looks;
	double mails;
	time_t from;
	struct partner_year *partner;
	struct settings set;
	struct ledger *ledger;
	struct evidence *evidence;
	struct mk_cert ca[3];
	char day[32];
	/* Of one day. */
	struct evidence_count *count;
	size_t ncounts;
	struct evidence_exchange *exchange;
	size_t nexchanges;
};

static const char *const ca_name[] = {
    "Sample CA R11", "Sample TLS RSA 2026", "Trust Services E6"};

/* -x, -w: what others write, if not what they should. */
static const char *evil;
static bool wide;
#define MARKUP "<script>evil=1</script>\"' onload='evil=1' \xe2\x80\xae&lt;"
/* Hebrew, an override, Chinese, a combining accent, a picture. */
#define WIDE                                                          \
	"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae|=x "           \
	"\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97 e\xcc\x81 " \
	"\xf0\x9f\x98\x80"

static const char *
written(const char *text)
{
	return evil != NULL ? evil : text;
}

static void
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "mkyear: %s: %s\n", what, e->text);
	exit(1);
}

/* From 0 up to below 1; the same each time. */
static double
chance(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (double)(x >> 11) / 9007199254740992.0;
}

static int
between(int from, int to)
{
	return from + (int)(chance() * (to - from + 1));
}

/* About so many. */
static uint64_t
about(double n)
{
	double x = n * (0.8 + 0.4 * chance());

	return x < 1 ? chance() < x : (uint64_t)x;
}

/* --- Who there is --------------------------------------------------------- */

static void
make_names(struct year *y)
{
	static const char *const word[] = {"acme", "globex", "initech",
	    "umbrella", "hooli", "stark", "wayne", "tyrell", "cyberdyne",
	    "soylent", "wonka", "aperture", "blackmesa", "oscorp", "dynamo",
	    "vandelay", "dunder", "piedpiper", "sterling", "nakatomi",
	    "weyland", "gringotts", "duff", "monarch", "virtucon", "zorg",
	    "octan", "spectre", "bluth", "gekko", "prestige", "contoso",
	    "fabrikam", "northwind", "adatum", "litware", "tailspin",
	    "woodgrove", "proseware", "lucerne"};
	const size_t n = sizeof(word) / sizeof(word[0]);
	size_t i;

	for (i = 0; i < y->npartners; i++)
		if (wide) {
			memset(y->partner[i].name, '0', 58);
			memcpy(y->partner[i].name, word[i % n],
			    strlen(word[i % n]));
			y->partner[i].name[58] = (char)('a' + i / 26 % 26);
			y->partner[i].name[59] = (char)('a' + i % 26);
		} else if (i < n)
			(void)snprintf(y->partner[i].name,
			    sizeof(y->partner[i].name), "%s", word[i]);
		else
			(void)snprintf(y->partner[i].name,
			    sizeof(y->partner[i].name), "%s-%zu", word[i % n],
			    i / n + 1);
}

static void
make_partners(struct year *y)
{
	struct partner_year *p;
	double sum = 0;
	size_t i, k;

	y->partner = mem_zero(y->npartners, sizeof(*y->partner));
	make_names(y);
	for (i = 0; i < y->npartners; i++) {
		p = &y->partner[i];
		p->becomes = i % 5 == 3 ? NEVER : i % 6 == 4 ? LATER : ALWAYS;
		p->enforced_day = between(y->ndays / 8, y->ndays * 9 / 10);
		p->weight = pow(1 + (double)(i * 7 % y->npartners), -0.8);
		p->clear = i % 2 == 1 ? .1 * chance() : 0;
		p->inbound = i % 3 != 2;
		p->shows = i % 4 == 1;
		p->level = LEVEL_SECURE;
		sum += p->weight;
		for (k = 0; k < GATEWAYS; k++) {
			struct gateway *g = &p->gateway[k];

			(void)snprintf(g->host, sizeof(g->host),
			    "mx%zu.%s.example", k + 1, p->name);
			(void)snprintf(g->address, sizeof(g->address),
			    "198.18.%zu.%zu", i % 250, k + 1 + i / 250 * 2);
			g->life = i % 3 == 0 ? 90 : i % 3 == 1 ? 200 : 390;
		}
	}
	for (i = 0; i < y->npartners; i++)
		y->partner[i].weight /= sum;
}

static bool
is_enforced(const struct partner_year *p, int day)
{
	return p->becomes == ALWAYS ||
	       (p->becomes == LATER && day >= p->enforced_day);
}

/* --- What is decided ------------------------------------------------------ */

static void
write_registry(struct year *y, int day)
{
	const struct partner_year *p;
	char path[4200];
	size_t i;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/registry", y->dir);
	f = fopen(path, "w");
	mk_want(f != NULL, path);
	(void)fprintf(f,
	    "default min-tls=TLSv1.2 operator=postmaster@ours.example"
	    " { note = %s }\n\n",
	    wide ? WIDE : written("agreed in 2025"));
	for (i = 0; i < y->npartners; i++) {
		p = &y->partner[i];
		(void)fprintf(f,
		    "partner %s mode=%s domain=%s.example,.%s.example\n"
		    "\tgateway=%s,%s contact=postmaster@%s.example\n"
		    "\tticket=SEC-%zu review=2031-%02zu-01%s\n",
		    p->name, is_enforced(p, day) ? "enforced" : "opportunistic",
		    p->name, p->name, p->gateway[0].host, p->gateway[1].host,
		    p->name, 4000 + i, i % 12 + 1,
		    p->inbound && is_enforced(p, day) ? " inbound=require"
						      : "");
	}
	mk_want(fclose(f) == 0, path);
}

/* It was looked at before it became Enforced. */
static void
onboard(struct year *y, const struct partner_year *p, time_t now)
{
	struct ledger_event ev = {.time = now,
	    .kind = "onboard",
	    .partner = p->name,
	    .author = "root",
	    .text = written("ready for mode=enforced"),
	    .data = "{\"steps\":{\"refusal\":\"done\"}}"};
	struct err e;

	if (ledger_event_add(y->ledger, &ev, &e) != 0)
		die(p->name, &e);
}

/* As the timer does it. */
static void
build_map(struct year *y, time_t now, const char *by)
{
	const struct mapbuild_options opt = {
	    .quiet = true, .accept_weaker = true, .by = by};
	struct mapbuild b = {0};

	mk_want(mapbuild_run(&b, &y->set, &opt, now) == 0, "compile");
	mapbuild_release(&b);
}

/* Those whose time is up by then, each with a map when it is. */
static void
end_lowered(struct year *y, time_t now)
{
	struct partner_year *p, *first;
	struct err e;
	size_t i;

	for (;;) {
		first = NULL;
		for (i = 0; i < y->npartners; i++) {
			p = &y->partner[i];
			if (p->lowered != 0 && p->end <= now &&
			    (first == NULL || p->end < first->end))
				first = p;
		}
		if (first == NULL)
			return;
		if (ledger_downgrade_settle(y->ledger, first->end, &e) != 0)
			die(first->name, &e);
		first->lowered = 0;
		first->level = LEVEL_SECURE;
		build_map(y, first->end, "tlspactd");
	}
}

static void
fault_event(
    struct year *y, const struct partner_year *p, const char *kind, time_t now)
{
	char data[48];
	struct ledger_event ev = {.time = now,
	    .kind = kind,
	    .partner = p->name,
	    .author = "tlspactd",
	    .text = fault_text(p->fault),
	    .data = data};
	struct err e;

	end_lowered(y, now);
	(void)snprintf(
	    data, sizeof(data), "{\"at\":%lld}", (long long)p->since);
	if (ledger_event_add(y->ledger, &ev, &e) != 0)
		die(kind, &e);
}

static void
lower(struct year *y, struct partner_year *p, time_t now)
{
	static int incident = 20400;
	char own[96], below[96], ticket[32];
	const char *const domain[] = {below, own};
	bool automatic = chance() < .4;
	struct ledger_downgrade d = {.partner = p->name,
	    .before = LEVEL_SECURE,
	    .after = p->fault == FAULT_NO_STARTTLS ? LEVEL_OPPORTUNISTIC
						   : LEVEL_ENCRYPT,
	    .begin = now,
	    .end = now + between(8, 48) * HOUR,
	    .reason = written(fault_description(p->fault)),
	    .author = automatic ? "tlspactd" : "root",
	    .sudo_user = automatic	 ? ""
			 : chance() < .5 ? "jo"
					 : "kim",
	    .cause = automatic ? LEDGER_AUTOMATIC : LEDGER_MANUAL,
	    .fault = fault_text(p->fault),
	    .domains = domain,
	    .ndomains = 2,
	    .ticket = automatic ? "" : written(ticket)};
	struct err e;

	end_lowered(y, now);
	(void)snprintf(own, sizeof(own), "%s.example", p->name);
	(void)snprintf(below, sizeof(below), ".%s.example", p->name);
	(void)snprintf(ticket, sizeof(ticket), "INC-%d", incident += 7);
	if (ledger_downgrade_begin(y->ledger, &d, now, &p->lowered, &e) != 0)
		die(p->name, &e);
	p->end = d.end;
	p->level = d.after;
	build_map(y, now, d.author);
}

static void
restore(struct year *y, struct partner_year *p, time_t now)
{
	struct err e;

	if (ledger_downgrade_close(y->ledger, p->lowered, "tlspactd",
		written("two probes passed"), now, &e) != 0)
		die(p->name, &e);
	p->lowered = 0;
	p->level = LEVEL_SECURE;
	build_map(y, now, "tlspactd");
}

/* --- What is seen of gateways --------------------------------------------- */

/* What it shows with a certificate by ca, made then, for its key. */
static char *
chain_of(
    const struct gateway *g, const struct mk_cert *ca, time_t then, X509 **x)
{
	char san[120], *chain = NULL;
	struct mk m = {.cn = g->host, .san = san, .to = g->life};

	(void)snprintf(san, sizeof(san), "DNS:%s", g->host);
	*x = mk_sign(&m, g->pkey, ca, then);
	mk_pem(*x, &chain);
	mk_pem(ca->x, &chain);
	return chain;
}

/* A new certificate, and once in a while a new key or another CA. */
static void
renew(struct year *y, struct gateway *g, time_t now)
{
	const struct mk_cert *ca = &y->ca[g->life == 90 ? 0 : between(1, 2)];
	struct x509_info info;
	X509 *x;

	EVP_PKEY_free(g->pkey);
	g->pkey = mk_key(MK_P256);
	free(g->chain);
	g->chain = chain_of(g, ca, now, &x);
	x509_info(x, &info);
	(void)snprintf(g->key, sizeof(g->key), "%s", info.spki_sha256);
	g->ends = now + (time_t)g->life * DAY;
	X509_free(x);
}

/* An old one comes back, as from a backup, and ended just then. */
static void
comes_back(struct year *y, struct gateway *g, time_t ended)
{
	X509 *x;

	free(g->old);
	g->old_ends = ended;
	g->old = chain_of(g, &y->ca[g->life == 90 ? 0 : 1],
	    ended - (time_t)g->life * DAY, &x);
	X509_free(x);
}

static void
look(struct year *y, struct partner_year *p, int day, time_t now)
{
	struct evidence_probe r = {.time = now,
	    .partner = p->name,
	    .port = 25,
	    .protocol = "TLSv1.3",
	    .cipher = "TLS_AES_256_GCM_SHA384",
	    .dnssec = p->shows ? "secure" : "insecure",
	    .tlsa = "none",
	    .requiretls = "no"};
	char nexthop[80];
	struct gateway *g;
	struct err e;
	size_t k;
	bool old;

	(void)snprintf(nexthop, sizeof(nexthop), "%s.example", p->name);
	for (k = 0; k < GATEWAYS; k++) {
		g = &p->gateway[k];
		/* Those who let it expire renew it when that is repaired. */
		if (g->ends - now < (time_t)g->life * DAY / 3 &&
		    p->fault != FAULT_EXPIRED && !g->forgotten)
			renew(y, g, now);
		if (day < y->ndays - y->looks)
			continue;
		r.nexthop = nexthop;
		r.host = g->host;
		r.address = g->address;
		r.fault = k == 0 ? fault_text(p->fault) : "ok";
		r.kex =
		    day * 2 > y->ndays && k == 0 ? "X25519MLKEM768" : "X25519";
		old = k == 0 && p->fault == FAULT_EXPIRED;
		r.not_after = old ? g->old_ends : g->ends;
		r.begins = r.not_after - (time_t)g->life * DAY;
		r.key = g->key;
		r.chain = old ? g->old : g->chain;
		r.judged = strcmp(r.fault, "ok") == 0 ? EVIDENCE_BY_CA
						      : EVIDENCE_FAILED;
		if (evidence_probe_add(y->evidence, &r, NULL, &e) != 0)
			die(g->host, &e);
	}
}

/* --- What the log says ---------------------------------------------------- */

static struct evidence_count *
add(struct year *y, const char *partner, enum evidence_direction way,
    enum evidence_seen seen, const char *protocol, uint64_t n)
{
	struct evidence_count *c = &y->count[y->ncounts];

	if (n == 0)
		return c;
	y->ncounts++;
	*c = (struct evidence_count){.day = y->day,
	    .partner = partner,
	    .direction = way,
	    .seen = seen,
	    .protocol = seen == EVIDENCE_CLEAR ? "" : protocol,
	    .cipher = seen == EVIDENCE_CLEAR ? ""
		      : strcmp(protocol, "TLSv1.3") == 0
			  ? "TLS_AES_256_GCM_SHA384"
			  : "ECDHE-RSA-AES256-GCM-SHA384",
	    .result = way == EVIDENCE_OUT ? "sent" : "received",
	    .required = "opportunistic",
	    .proof = seen == EVIDENCE_VERIFIED ? "ca" : "",
	    .fault = "ok",
	    .n = n};
	return c;
}

static void
add_exchange(struct year *y, const char *partner, enum evidence_direction way,
    int day, uint64_t n)
{
	double passed = (double)day / y->ndays;
	const struct {
		const char *exchange, *signature;
		double share;
	} kind[] = {
	    {"X25519MLKEM768", "ECDSA (P-256)", .05 + .4 * passed},
	    {"X25519", "RSA-PSS (2048 bits)", .85 - .4 * passed},
	    {"ECDHE (P-256)", "RSA-PSS (2048 bits)", .1},
	};
	uint64_t left = n, some;
	size_t i;

	for (i = 0; i < 3; i++) {
		some = i == 2 ? left : (uint64_t)(kind[i].share * (double)n);
		left -= some;
		if (some > 0)
			y->exchange[y->nexchanges++] =
			    (struct evidence_exchange){.day = y->day,
				.partner = partner,
				.direction = way,
				.exchange = kind[i].exchange,
				.signature = kind[i].signature,
				.n = some};
	}
}

/* Mail that was encrypted, by protocols, under one rule. */
static uint64_t
add_tls(struct year *y, const char *partner, enum evidence_direction way,
    enum evidence_seen seen, int day, uint64_t n, const char *required,
    int64_t downgrade)
{
	double new = .7 + .25 * day / y->ndays;
	uint64_t part = (uint64_t)(new *(double)n);
	size_t i = y->ncounts;

	(void)add(y, partner, way, seen, "TLSv1.3", part);
	(void)add(y, partner, way, seen, "TLSv1.2", n - part);
	for (; i < y->ncounts; i++) {
		y->count[i].required = required;
		y->count[i].downgrade = downgrade;
	}
	return n;
}

static void
mail_out(struct year *y, struct partner_year *p, int day, uint64_t n)
{
	bool enforced = is_enforced(p, day);
	uint64_t clear = 0, some;
	struct evidence_count *c;

	if (!enforced)
		clear = about((double)n * p->clear);
	clear = clear > n ? n : clear;
	(void)add(y, p->name, EVIDENCE_OUT, EVIDENCE_CLEAR, "", clear);
	n -= clear;
	if (!enforced) {
		some = n * 6 / 10;
		add_tls(y, p->name, EVIDENCE_OUT, EVIDENCE_TRUSTED, day, some,
		    "opportunistic", 0);
		add_tls(y, p->name, EVIDENCE_OUT, EVIDENCE_ENCRYPTED, day,
		    n - some, "opportunistic", 0);
	} else if (p->lowered != 0) {
		some = n * 3 / 10;
		add_tls(y, p->name, EVIDENCE_OUT, EVIDENCE_ENCRYPTED, day, some,
		    level_name(p->level), p->lowered);
		add_tls(y, p->name, EVIDENCE_OUT, EVIDENCE_VERIFIED, day,
		    n - some, "secure", 0);
	} else
		add_tls(y, p->name, EVIDENCE_OUT, EVIDENCE_VERIFIED, day, n,
		    "secure", 0);
	add_exchange(y, p->name, EVIDENCE_OUT, day, n);
	if (p->fault != FAULT_OK && enforced) {
		c = add(y, p->name, EVIDENCE_OUT, EVIDENCE_CLEAR, "", n / 10);
		c->result = "deferred";
		c->required = "secure";
		c->fault = fault_text(p->fault);
	}
}

static void
mail_in(struct year *y, struct partner_year *p, int day, uint64_t n)
{
	bool required = p->inbound && is_enforced(p, day);
	uint64_t clear = required ? 0 : about((double)n * p->clear / 2);

	clear = clear > n ? n : clear;
	(void)add(y, p->name, EVIDENCE_IN, EVIDENCE_CLEAR, "", clear);
	/* Some show a certificate of their own when they send. */
	add_tls(y, p->name, EVIDENCE_IN,
	    p->shows ? EVIDENCE_TRUSTED : EVIDENCE_ENCRYPTED, day, n - clear,
	    required ? "encrypt" : "opportunistic", 0);
	add_exchange(y, p->name, EVIDENCE_IN, day, n - clear);
}

/* With whom nothing is agreed: less and less in clear. */
static void
mail_others(struct year *y, int day, double busy)
{
	static char name[STRANGERS][32];
	double all = y->mails * 3 * busy, part;
	uint64_t n, clear;
	int i, way;

	for (i = 0; i <= STRANGERS; i++)
		for (way = EVIDENCE_IN; way <= EVIDENCE_OUT; way++) {
			if (i < STRANGERS)
				(void)snprintf(name[i], sizeof(name[i]),
				    "%sshop%02d.example.net",
				    evil != NULL ? "<b1>" : "", i);
			part = i == STRANGERS ? .5 : .5 / STRANGERS;
			n = about(all * part / 2);
			clear = about((double)n * (.08 - .04 * day / y->ndays) *
				      (i % 7 == 2 ? 6 : .4));
			clear = clear > n ? n : clear;
			(void)add(y, i == STRANGERS ? "other" : name[i], way,
			    EVIDENCE_CLEAR, "", clear);
			add_tls(y, i == STRANGERS ? "other" : name[i], way,
			    way == EVIDENCE_OUT ? EVIDENCE_TRUSTED
						: EVIDENCE_ENCRYPTED,
			    day, n - clear, "opportunistic", 0);
			(void)add(y, i == STRANGERS ? "other" : name[i], way,
			    EVIDENCE_ENCRYPTED, "TLSv1",
			    i % 20 == 5 ? about(2) : 0);
		}
}

/* Mail that could not be delivered on that day, and what became of it. */
static void
failures(struct year *y, const struct partner_year *p, time_t noon)
{
	enum { MOST = 12 };
	char id[MOST][16], domain[80];
	struct evidence_failure f[MOST];
	struct evidence_wait w[MOST];
	struct evidence_batch b = {.failure = f, .wait = w};
	int n = between(2, MOST), i;
	struct err e;

	(void)snprintf(domain, sizeof(domain), "%s.example", p->name);
	for (i = 0; i < n; i++) {
		(void)snprintf(id[i], sizeof(id[i]), "4Q%03dT%05d", i,
		    (int)(noon / DAY) % 100000);
		f[i] = (struct evidence_failure){.time = noon + i * 300,
		    .partner = p->name,
		    .direction = EVIDENCE_OUT,
		    .fault = fault_text(p->fault),
		    .domain = domain,
		    .host = p->gateway[0].host,
		    .address = p->gateway[0].address,
		    .queue_id = id[i],
		    .text = fault_description(p->fault)};
		w[i] = (struct evidence_wait){.host = "gw1",
		    .queue_id = id[i],
		    .domain = domain,
		    .partner = p->name,
		    .fault = fault_text(p->fault),
		    .since = noon + i * 300,
		    .until = noon + i * 300 + between(1, 20) * HOUR / 2,
		    .result = i == 11 ? "expired" : "sent"};
	}
	b.nfailures = b.nwaits = (size_t)n;
	if (evidence_log_add(y->evidence, &b, &e) != 0)
		die("failures", &e);
}

/* Mails of a partner with a provider, traced once a month: one leg is in clear
 * up to the middle of the year. */
static void
traced(struct year *y, int day, time_t noon)
{
	struct evidence_leg leg[] = {
	    {.leg = LEG_TO_US, .tls = "encrypted"}, {.leg = LEG_TO_PROVIDER}};
	const struct evidence_batch b = {.leg = leg, .nlegs = 2};
	char mail[EVIDENCE_KEY];
	struct err e;
	size_t i, k;

	for (i = 2; i < y->npartners; i += 10) {
		(void)snprintf(mail, sizeof(mail), "%032zx%032x", i, day);
		for (k = 0; k < 2; k++) {
			leg[k].mail = mail;
			leg[k].time = noon;
			leg[k].partner = y->partner[i].name;
			leg[k].protocol = "TLSv1.3";
		}
		leg[1].tls =
		    i == 2 && day < y->ndays / 2 ? "clear" : "encrypted";
		if (evidence_log_add(y->evidence, &b, &e) != 0)
			die("legs", &e);
	}
}

/* Our own side, each week; our certificate is renewed each 60 days. */
static void
own(struct year *y, int day, time_t noon)
{
	struct evidence_own rows[] = {
	    {.what = "server certificate",
		.name = "/etc/postfix/ours.pem",
		.state = "good",
		.text = "CN gw1.ours.example, DNS:gw1.ours.example; issued by "
			"Fine CA; EC prime256v1; its key fits",
		.begins = noon - day % 60 * DAY,
		.ends = noon + (90 - day % 60) * DAY},
	    {.what = "client certificate",
		.state = "open",
		.text = "none is shown"},
	    {.what = "protocols",
		.name = "smtpd",
		.state = "good",
		.text = "security level may; protocols >=TLSv1.2; ciphers "
			"medium"},
	    {.what = "TLSA",
		.name = "gw1.ours.example",
		.state = "good",
		.text = "2, and each certificate matches"},
	    {.what = "MTA-STS",
		.name = "ours.example",
		.state = "watch",
		.text = "none"},
	};
	struct err e;

	if (evidence_own_set(y->evidence, noon, rows,
		sizeof(rows) / sizeof(rows[0]), &e) != 0)
		die("own", &e);
}

static void
log_day(struct year *y, int day, time_t midnight)
{
	/* The year begins on a Monday; weekends are quiet. */
	static const double weekday[] = {1.1, 1.1, 1, 1.05, .9, .15, .1};
	double busy = weekday[day % 7] * (1 + .2 * sin(day / 58.0)), share;
	struct evidence_hour hour[48];
	struct evidence_batch b = {.hour = hour};
	struct partner_year *p;
	struct err e;
	size_t i;
	int h;

	y->ncounts = y->nexchanges = 0;
	for (i = 0; i < y->npartners; i++) {
		p = &y->partner[i];
		/* Some have no mail at all. */
		if (i % 29 == 20)
			continue;
		share = y->mails * busy * p->weight;
		mail_out(y, p, day, about(share * .6));
		mail_in(y, p, day, about(share * .4));
	}
	mail_others(y, day, busy);
	for (h = 0; h < 48; h++) {
		/* A night without its log, and a weekend of one host. */
		if ((day % 150 == 100 && h < 7) ||
		    (day % 150 >= 48 && day % 150 < 50 && h % 2 == 1))
			continue;
		hour[b.nhours++] = (struct evidence_hour){
		    .hour = midnight + h / 2 * (time_t)HOUR,
		    .host = h % 2 == 0 ? "gw1" : "gw2",
		    .n = 100 + about(900 * busy)};
	}
	b.count = y->count;
	b.ncounts = y->ncounts;
	b.exchange = y->exchange;
	b.nexchanges = y->nexchanges;
	if (evidence_log_add(y->evidence, &b, &e) != 0)
		die("log", &e);
}

/* --- The year ------------------------------------------------------------- */

/* Something breaks at one partner, and somebody does something about it. */
static void
breaks(struct year *y, int day, time_t midnight)
{
	static const enum fault kinds[] = {FAULT_EXPIRED, FAULT_NAME_MISMATCH,
	    FAULT_UNTRUSTED_ISSUER, FAULT_SELF_SIGNED, FAULT_NO_STARTTLS,
	    FAULT_CONNECT_TIMEOUT};
	struct partner_year *p =
	    &y->partner[(size_t)(chance() * (double)y->npartners)];

	if (p->fault != FAULT_OK || !is_enforced(p, day))
		return;
	p->fault = kinds[day / 12 % 6];
	p->until_day = day + between(1, 4);
	p->since = midnight + between(6, 10) * HOUR;
	if (p->fault == FAULT_EXPIRED)
		comes_back(y, &p->gateway[0], p->since);
	fault_event(y, p, "fault-new", p->since + 900);
	if (fault_is_tls(p->fault) && chance() < .75)
		lower(y, p, p->since + between(1, 4) * HOUR);
}

static void
goes_on(struct year *y, int day, time_t midnight)
{
	struct partner_year *p;
	size_t i;

	for (i = 0; i < y->npartners; i++) {
		p = &y->partner[i];
		if (p->fault == FAULT_OK)
			continue;
		if (day < p->until_day && !is_enforced(p, day))
			continue;
		if (day < p->until_day) {
			failures(y, p, midnight + 12 * HOUR);
			continue;
		}
		fault_event(y, p, "fault-gone", midnight + 5 * HOUR);
		if (p->lowered != 0)
			restore(y, p, midnight + 5 * HOUR + 60);
		p->fault = FAULT_OK;
	}
}

/* Where it stood when the year began. */
static void
stands(struct year *y)
{
	time_t to = y->from + (time_t)y->ndays * DAY;
	struct gateway *g;
	size_t i, k;

	for (i = 0; i < y->npartners; i++)
		for (k = 0; k < GATEWAYS; k++) {
			g = &y->partner[i].gateway[k];
			g->forgotten = i % 40 == 8 && k == 1;
			renew(y, g,
			    g->forgotten
				? to + 4 * DAY - (time_t)g->life * DAY
				: y->from -
				      (time_t)(chance() * g->life * .6) * DAY);
		}
	/* With one of those who are not Enforced it is like that all year. */
	for (i = 13; i < y->npartners; i += 40) {
		y->partner[i].fault = FAULT_SELF_SIGNED;
		y->partner[i].until_day = y->ndays;
	}
}

static void
live(struct year *y)
{
	char text[NUM_TIME_MAX];
	time_t midnight;
	size_t i;
	int day;

	stands(y);
	for (day = 0; day < y->ndays; day++) {
		midnight = y->from + (time_t)day * DAY;
		(void)snprintf(y->day, sizeof(y->day), "%.10s",
		    num_time_text(midnight, text));
		end_lowered(y, midnight + 5 * HOUR);
		goes_on(y, day, midnight);
		for (i = 0; i < y->npartners; i++)
			if (y->partner[i].becomes == LATER &&
			    y->partner[i].enforced_day == day)
				onboard(y, &y->partner[i],
				    midnight + 5 * HOUR + 900);
		for (i = 0; i < y->npartners; i++)
			if (day == 0 ||
			    (y->partner[i].becomes == LATER &&
				y->partner[i].enforced_day == day)) {
				write_registry(y, day);
				build_map(y, midnight + 5 * HOUR + 1800,
				    day % 2 == 0 ? "jo" : "kim");
				break;
			}
		if (day % 12 == 7 || day == y->ndays - 1)
			breaks(y, day, midnight);
		for (i = 0; i < y->npartners; i++)
			look(y, &y->partner[i], day, midnight + 12 * HOUR);
		log_day(y, day, midnight);
		/* Mail of that day moved under it. */
		end_lowered(y, midnight + 23 * HOUR);
		if (day % 30 == 12)
			traced(y, day, midnight + 12 * HOUR);
		if ((y->ndays - 1 - day) % 7 == 0)
			own(y, day, midnight + 12 * HOUR);
	}
}

static void
begin(struct year *y)
{
	struct settings_options o = {0};
	struct diags d = {0};
	char path[4200];
	struct mk m = {.ca = true, .to = 3650, .from = -900};
	struct err e = {0};
	size_t i;
	FILE *f;

	for (i = 0; i < 3; i++) {
		m.cn = written(ca_name[i]);
		m.org = written("Sample Trust");
		y->ca[i] = mk_cert(&m, NULL, y->from);
	}
	(void)snprintf(path, sizeof(path), "%s/tlspact.conf", y->dir);
	f = fopen(path, "w");
	mk_want(f != NULL, path);
	(void)fprintf(f,
	    "registry = %s/registry\nmap = %s/policy.cdb\n"
	    "ledger = %s/ledger.db\nevidence = %s/evidence.db\n"
	    "keep = 400d\npostfix_version = 3.7.11\n"
	    "fingerprint_digest = sha256\noperator = postmaster@ours.example\n",
	    y->dir, y->dir, y->dir, y->dir);
	mk_want(fclose(f) == 0, path);
	o.file = path;
	if (settings_load(&y->set, &o, path, &d, &e) != 0)
		die(path, &e);
	y->ledger = ledger_open(y->set.ledger, LEDGER_WRITE, &e);
	if (y->ledger == NULL)
		die(y->set.ledger, &e);
	y->evidence =
	    evidence_open(y->set.evidence, y->set.ledger, EVIDENCE_WRITE, &e);
	if (y->evidence == NULL)
		die(y->set.evidence, &e);
	i = (y->npartners + STRANGERS) * ROWS;
	y->count = mem_zero(i, sizeof(*y->count));
	y->exchange = mem_zero(i, sizeof(*y->exchange));
}

static void
end(struct year *y)
{
	struct gateway *g;
	size_t i;

	ledger_close(y->ledger);
	evidence_close(y->evidence);
	settings_free(&y->set);
	for (i = 0; i < y->npartners * GATEWAYS; i++) {
		g = &y->partner[i / GATEWAYS].gateway[i % GATEWAYS];
		EVP_PKEY_free(g->pkey);
		free(g->chain);
		free(g->old);
	}
	for (i = 0; i < 3; i++)
		mk_free(&y->ca[i]);
	free(y->partner);
	free(y->count);
	free(y->exchange);
}

int
main(int argc, char *argv[])
{
	struct year y = {
	    .npartners = 40, .ndays = 365, .looks = 400, .mails = 4000};
	time_t to = 1796083200; /* 2026-12-01 */
	int c;

	while ((c = getopt(argc, argv, "wxp:d:m:l:e:")) != -1)
		switch (c) {
		case 'x':
			evil = MARKUP;
			break;
		case 'w':
			evil = WIDE "\x1b[2J\r\n";
			wide = true;
			break;
		case 'p':
			y.npartners = strtoul(optarg, NULL, 10);
			break;
		case 'd':
			y.ndays = atoi(optarg);
			break;
		case 'm':
			y.mails = atof(optarg);
			break;
		case 'l':
			y.looks = atoi(optarg);
			break;
		case 'e':
			if (num_time(optarg, &to) != 0)
				return 64;
			break;
		default:
			return 64;
		}
	if (argc - optind != 1 || y.npartners == 0 || y.ndays < 1)
		return 64;
	(void)snprintf(y.dir, sizeof(y.dir), "%s", argv[optind]);
	y.from = to - (time_t)y.ndays * DAY;
	make_partners(&y);
	begin(&y);
	live(&y);
	end(&y);
	return 0;
}
