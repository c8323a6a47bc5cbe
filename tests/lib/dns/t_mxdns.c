/*
 * t_mxdns.c: next-hops looked up at a real name server (nsd), which serves
 * tests/dns/root.zone as a signed root. Skipped where nsd is missing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/event.h>

#include "buf.h"
#include "err.h"
#include "mxdns.h"
#include "dname.h"

#define ZONES "tests/dns"
#define TIMEOUT_MS 20000 /* far more than any answer takes */

static const struct mxdns_how with_tlsa = {.tlsa = true};

static char dir[] = "/tmp/t_mxdns.XXXXXX";
static char resolver[64];
static pid_t nsd_pid = -1;

/*
 * What is expected of a lookup: the answer in one line, as print_result
 * writes it. Hosts follow each other with " | "; an answer is its kind and
 * "+" if secure.
 */
static const struct test {
	const char *nexthop;
	const char *want;
} tests[] = {
    {"good.example",
	"ok mx=found+ | mx1.good.example/10 a=found+ aaaa=found+"
	" 192.0.2.1:25 2001:db8::1:25"
	" tlsa=found+@mx1.good.example 3-1-1/32"
	" | mx2.good.example/20 a=found+ aaaa=no-data+"
	" 192.0.2.2:25 192.0.2.3:25 tlsa=no-name+@mx2.good.example"},
    {"GOOD.Example.",
	"ok mx=found+ | mx1.good.example/10 a=found+ aaaa=found+"
	" 192.0.2.1:25 2001:db8::1:25"
	" tlsa=found+@mx1.good.example 3-1-1/32"
	" | mx2.good.example/20 a=found+ aaaa=no-data+"
	" 192.0.2.2:25 192.0.2.3:25 tlsa=no-name+@mx2.good.example"},
    {"[mx1.good.example]:2525",
	"ok mx=not-asked | mx1.good.example/0 a=found+ aaaa=found+"
	" 192.0.2.1:2525 2001:db8::1:2525 tlsa=no-name+@mx1.good.example"},
    {"implicit.example",
	"ok mx=no-data+ | implicit.example/0 a=found+ aaaa=no-data+"
	" 192.0.2.4:25 tlsa=no-name+@implicit.example"},
    {"six.example", "ok mx=no-data+ | six.example/0 a=no-data+ aaaa=found+"
		    " 2001:db8::6:25 tlsa=no-name+@six.example"},
    {"nothing.example",
	"no-address mx=no-data+ |"
	" nothing.example/0 a=no-data+ aaaa=no-data+ tlsa=not-asked"},
    {"absent.example", "no-domain mx=no-name+"},
    {"[absent.example]",
	"no-domain mx=not-asked |"
	" absent.example/0 a=no-name+ aaaa=no-name+ tlsa=not-asked"},
    {"null.example", "null-mx mx=found+"},
    {"nullplus.example",
	"ok mx=found+ | mx1.good.example/10 a=found+ aaaa=found+"
	" 192.0.2.1:25 2001:db8::1:25"
	" tlsa=found+@mx1.good.example 3-1-1/32"},
    {"alias.example",
	"ok mx=found+ | cn.example/10 a=found+>mx1.good.example"
	" aaaa=found+>mx1.good.example 192.0.2.1:25 2001:db8::1:25"
	" tlsa=found+@mx1.good.example 3-1-1/32"},
    {"alias2.example", "ok mx=found+ | cn2.example/10 a=found+>mx2.good.example"
		       " aaaa=no-data+ 192.0.2.2:25 192.0.2.3:25"
		       " tlsa=found+@cn2.example 2-0-1/32"},
    /* RFC 7672, 2.2.2: a secure alias to an insecure address. */
    {"out.example", "ok mx=found+ | cnout.example/10 a=found>mx.insecure"
		    " aaaa=no-data 192.0.2.20:25"
		    " tlsa=found+@cnout.example 3-1-1/32 alias=found+"},
    {"in.example", "ok mx=found+ | cn.insecure/10 a=found>mx.insecure"
		   " aaaa=no-data 192.0.2.20:25 tlsa=not-asked alias=found"},
    {"dcn.example",
	"ok mx=found+>good.example"
	" | mx1.good.example/10 a=found+ aaaa=found+"
	" 192.0.2.1:25 2001:db8::1:25"
	" tlsa=found+@mx1.good.example 3-1-1/32"
	" | mx2.good.example/20 a=found+ aaaa=no-data+"
	" 192.0.2.2:25 192.0.2.3:25 tlsa=no-name+@mx2.good.example"},
    {"gone.example",
	"no-address mx=found+ |"
	" absent.example/10 a=no-name+ aaaa=no-name+ tlsa=not-asked"},
    {"half.example",
	"ok mx=found+ |"
	" absent.example/10 a=no-name+ aaaa=no-name+ tlsa=not-asked"
	" | mx1.good.example/20 a=found+ aaaa=found+"
	" 192.0.2.1:25 2001:db8::1:25"
	" tlsa=found+@mx1.good.example 3-1-1/32"},
    {"strange.example",
	"dns-failed mx=found+ | (bad name)/10 a=broken(not a host name)"
	" aaaa=broken(not a host name) tlsa=not-asked"},
    {"forged.example", "dns-failed mx=bogus(why)"},
    {"forgeda.example",
	"dns-failed mx=found+ | fa.example/10 a=bogus(why) aaaa=no-data+"
	" tlsa=not-asked"},
    {"insecure", "ok mx=found | mx.insecure/10 a=found aaaa=no-data"
		 " 192.0.2.20:25 tlsa=not-asked"},
    {"mail.lost", "dns-failed mx=servfail"},
    {"192.0.2.7", "ok mx=not-asked | 192.0.2.7/0 a=not-asked aaaa=not-asked"
		  " 192.0.2.7:25 tlsa=not-asked"},
    {"[2001:DB8::7]:26",
	"ok mx=not-asked | 2001:db8::7/0 a=not-asked aaaa=not-asked"
	" 2001:db8::7:26 tlsa=not-asked"},
    {"[IPv6:2001:db8::7]",
	"ok mx=not-asked | 2001:db8::7/0 a=not-asked aaaa=not-asked"
	" 2001:db8::7:25 tlsa=not-asked"},
    {"[mx1.good.example", "bad-nexthop mx=not-asked"},
    {"", "bad-nexthop mx=not-asked"},
    {"good example", "bad-nexthop mx=not-asked"},
};

static void
print_answer(struct buf *b, const char *name, const struct mxdns_answer *a)
{
	buf_printf(b, " %s=%s%s", name, mxdns_kind_names[a->kind],
	    a->secure ? "+" : "");
	/* The words of libunbound are its own affair. */
	if (a->kind == MXDNS_BOGUS)
		buf_puts(b, a->why != NULL && *a->why != '\0' ? "(why)" : "");
	else if (a->why != NULL)
		buf_printf(b, "(%s)", a->why);
	if (a->canon != NULL)
		buf_printf(b, ">%s", a->canon);
}

static void
print_host(struct buf *b, const struct mxdns_host *h)
{
	char text[INET6_ADDRSTRLEN];
	size_t i;

	buf_printf(b, " | %s/%u", h->name, h->pref);
	print_answer(b, "a", &h->a);
	print_answer(b, "aaaa", &h->aaaa);
	for (i = 0; i < h->naddr; i++) {
		const struct sockaddr_storage *ss = &h->addr[i].sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;

		memcpy(&v4, ss, sizeof(v4));
		memcpy(&v6, ss, sizeof(v6));
		if (ss->ss_family == AF_INET)
			(void)inet_ntop(
			    AF_INET, &v4.sin_addr, text, sizeof(text));
		else
			(void)inet_ntop(
			    AF_INET6, &v6.sin6_addr, text, sizeof(text));
		buf_printf(b, " %s:%u", text,
		    ntohs(
			ss->ss_family == AF_INET ? v4.sin_port : v6.sin6_port));
	}
	print_answer(b, "tlsa", &h->tlsa);
	if (h->tlsa_base != NULL)
		buf_printf(b, "@%s", h->tlsa_base);
	for (i = 0; i < h->ntlsa; i++)
		buf_printf(b, " %u-%u-%u/%zu", h->tlsa_rr[i].usage,
		    h->tlsa_rr[i].selector, h->tlsa_rr[i].matching,
		    h->tlsa_rr[i].len);
	if (h->alias.kind != MXDNS_NOT_ASKED)
		print_answer(b, "alias", &h->alias);
}

static void
print_result(const struct mxdns_result *r, void *arg)
{
	struct buf *b = arg;
	size_t i;

	buf_puts(b, mxdns_status_names[r->status]);
	print_answer(b, "mx", &r->mx);
	if (r->no_root)
		buf_puts(b, " no-root");
	for (i = 0; i < r->nhost; i++)
		print_host(b, &r->host[i]);
}

static uint16_t
free_port(void)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static void
wait_listening(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int tries, fd;

	for (tries = 0; tries < 500; tries++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
			close(fd);
			return;
		}
		close(fd);
		usleep(20000);
	}
	fail_msg("nsd does not listen");
}

static const char *
nsd_path(void)
{
	static const char *const paths[] = {
	    "/usr/sbin/nsd", "/usr/local/sbin/nsd", "/sbin/nsd"};
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static int
start_nsd(void **state)
{
	char here[1024], conf[64];
	uint16_t port;
	FILE *f;

	(void)state;
	if (nsd_path() == NULL)
		return 0;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_non_null(mkdtemp(dir));
	(void)snprintf(conf, sizeof(conf), "%s/nsd.conf", dir);
	port = free_port();
	assert_non_null(f = fopen(conf, "w"));
	fprintf(f,
	    "server:\n ip-address: 127.0.0.1@%u\n zonesdir: \"%s/" ZONES
	    "\"\n database: \"\"\n username: \"\"\n chroot: \"\"\n"
	    " pidfile: \"\"\n zonelistfile: \"%s/zones\"\n"
	    " xfrdfile: \"%s/xfrd\"\n logfile: \"%s/log\"\n"
	    "remote-control:\n control-enable: no\n"
	    "zone:\n name: .\n zonefile: root.zone\n"
	    "zone:\n name: insecure\n zonefile: insecure.zone\n"
	    "zone:\n name: lost\n zonefile: lost.zone\n",
	    port, here, dir, dir, dir);
	assert_int_equal(fclose(f), 0);
	if ((nsd_pid = fork()) == 0) {
		setpgid(0, 0);
		execl(nsd_path(), "nsd", "-d", "-c", conf, (char *)NULL);
		_exit(127);
	}
	setpgid(nsd_pid, nsd_pid);
	wait_listening(port);
	(void)snprintf(resolver, sizeof(resolver), "127.0.0.1@%u", port);
	return 0;
}

static int
stop_nsd(void **state)
{
	char cmd[64];

	(void)state;
	if (nsd_pid == -1)
		return 0;
	kill(-nsd_pid, SIGTERM);
	waitpid(nsd_pid, NULL, 0);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct mxdns *
open_dns(struct event_base *base, const char *anchor, unsigned timeout_ms)
{
	struct mxdns_settings s = {.resolver = resolver,
	    .trust_anchor = anchor,
	    .timeout_ms = timeout_ms};
	struct err err = {0};
	struct mxdns *d = mxdns_new(base, &s, &err);

	if (d == NULL)
		fail_msg("%s", err.text);
	return d;
}

static void
answers(void **state)
{
	const size_t n = sizeof(tests) / sizeof(tests[0]);
	struct event_base *base = event_base_new();
	struct buf got[sizeof(tests) / sizeof(tests[0])] = {{0}};
	struct mxdns *d;
	int bad = 0;
	size_t i;

	(void)state;
	if (nsd_pid == -1)
		skip();
	d = open_dns(base, ZONES "/root.ds", TIMEOUT_MS);
	for (i = 0; i < n; i++)
		mxdns_lookup(
		    d, tests[i].nexthop, 25, &with_tlsa, print_result, &got[i]);
	event_base_dispatch(base);
	for (i = 0; i < n; i++) {
		if (got[i].data == NULL ||
		    strcmp(got[i].data, tests[i].want) != 0) {
			print_error("%s:\n got %s\nwant %s\n", tests[i].nexthop,
			    got[i].data, tests[i].want);
			bad++;
		}
		buf_free(&got[i]);
	}
	mxdns_free(d);
	event_base_free(base);
	assert_int_equal(bad, 0);
}

static void
one(const char *nexthop, const char *anchor, bool tlsa, struct buf *b)
{
	struct event_base *base = event_base_new();
	struct mxdns *d = open_dns(base, anchor, TIMEOUT_MS);

	mxdns_lookup(d, nexthop, 25, tlsa ? &with_tlsa : NULL, print_result, b);
	assert_null(b->data); /* never called from inside */
	event_base_dispatch(base);
	assert_non_null(b->data);
	mxdns_free(d);
	event_base_free(base);
}

/* What getaddrinfo(3) knows; names that only it knows: maincf.t. */
static void
native(void **state)
{
	static const struct {
		const char *name, *nexthop;
		struct mxdns_how how;
		const char *want, *why;
	} rows[] = {
	    {"instead", "[localhost]:26", {.no_host = true, .native = true},
		"ok mx=not-asked | localhost/0 a=found aaaa=found",
		" 127.0.0.1:26"},
	    {"DNS first", "[implicit.example]", {.native = true},
		"ok mx=not-asked | implicit.example/0 a=found+", " 192.0.2.4"},
	    {"without MX", "localhost",
		{.no_mx = true, .no_host = true, .native = true},
		"ok mx=not-asked | localhost/0 a=found", " 127.0.0.1:25"},
	    {"neither", "[no.such.invalid]", {.no_host = true, .native = true},
		"no.such.invalid/0 a=", NULL},
	};
	struct event_base *base;
	struct mxdns *d;
	struct buf b = {0};
	size_t i;

	(void)state;
	if (nsd_pid == -1)
		skip();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		base = event_base_new();
		d = open_dns(base, ZONES "/root.ds", TIMEOUT_MS);
		buf_clear(&b);
		mxdns_lookup(
		    d, rows[i].nexthop, 25, &rows[i].how, print_result, &b);
		event_base_dispatch(base);
		if (strstr(b.data, rows[i].want) == NULL ||
		    (rows[i].why != NULL &&
			strstr(b.data, rows[i].why) == NULL))
			fail_msg("%s: %s", rows[i].name, b.data);
		/* With a question under way. */
		mxdns_lookup(
		    d, "[localhost]", 25, &rows[0].how, print_result, NULL);
		mxdns_free(d);
		event_base_free(base);
	}
	buf_free(&b);
}

/* Without a trust anchor nothing is secure, and nothing is bogus. */
static void
no_anchor(void **state)
{
	struct buf b = {0};

	(void)state;
	if (nsd_pid == -1)
		skip();
	one("forgeda.example", NULL, true, &b);
	assert_string_equal(b.data,
	    "ok mx=found | fa.example/10 a=found aaaa=no-data"
	    " 192.0.2.67:25 tlsa=not-asked");
	buf_free(&b);
}

/* A resolver that has no signatures for us fails for the root as well. */
static void
no_dnssec(void **state)
{
	char anchor[sizeof(dir) + 16];
	struct buf b = {0};
	FILE *f;

	(void)state;
	if (nsd_pid == -1)
		skip();
	(void)snprintf(anchor, sizeof(anchor), "%s/other.ds", dir);
	f = fopen(anchor, "w");
	assert_non_null(f);
	(void)fputs(". 3600 IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D0845"
		    "8E880409BBC683457104237C7F8EC8D\n",
	    f);
	(void)fclose(f);
	one("good.example", anchor, true, &b);
	assert_string_equal(b.data, "dns-failed mx=bogus(why) no-root");
	buf_free(&b);
	one("[mx1.good.example]", anchor, true, &b);
	assert_non_null(strstr(b.data, "dns-failed"));
	assert_non_null(strstr(b.data, "no-root"));
	buf_free(&b);
	(void)unlink(anchor);
}

static void
no_tlsa_unless_asked(void **state)
{
	struct buf b = {0};

	(void)state;
	if (nsd_pid == -1)
		skip();
	one("[mx1.good.example]", ZONES "/root.ds", false, &b);
	assert_string_equal(b.data,
	    "ok mx=not-asked | mx1.good.example/0 a=found+ aaaa=found+"
	    " 192.0.2.1:25 2001:db8::1:25 tlsa=not-asked");
	buf_free(&b);
}

static void
count_hosts(const struct mxdns_result *r, void *arg)
{
	size_t *n = arg;

	assert_int_equal(r->status, MXDNS_OK);
	assert_string_equal(r->host[0].name, "m10.many.example");
	assert_string_equal(r->host[r->nhost - 1].name, "m73.many.example");
	*n = r->nhost;
}

static void
many_hosts_are_cut(void **state)
{
	struct event_base *base = event_base_new();
	struct mxdns *d;
	size_t n = 0;

	(void)state;
	if (nsd_pid == -1)
		skip();
	d = open_dns(base, ZONES "/root.ds", TIMEOUT_MS);
	mxdns_lookup(d, "many.example", 25, NULL, count_hosts, &n);
	event_base_dispatch(base);
	assert_int_equal(n, MXDNS_MAX_HOSTS);
	mxdns_free(d);
	event_base_free(base);
}

/* A socket that takes questions and answers none. */
static int
mute_resolver(void)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	(void)snprintf(
	    resolver, sizeof(resolver), "127.0.0.1@%u", ntohs(sa.sin_port));
	return fd;
}

static void
no_answer_is_a_timeout(void **state)
{
	struct event_base *base = event_base_new();
	char saved[sizeof(resolver)];
	struct mxdns *d;
	struct buf a = {0}, b = {0};
	int fd;

	(void)state;
	memcpy(saved, resolver, sizeof(saved));
	fd = mute_resolver();
	d = open_dns(base, NULL, 100);
	mxdns_lookup(d, "good.example", 25, &with_tlsa, print_result, &a);
	mxdns_lookup(d, "[good.example]", 25, &with_tlsa, print_result, &b);
	event_base_dispatch(base);
	assert_string_equal(a.data, "dns-failed mx=timeout");
	assert_string_equal(b.data,
	    "dns-failed mx=not-asked | good.example/0 a=timeout aaaa=timeout"
	    " tlsa=not-asked");
	mxdns_free(d);
	event_base_free(base);
	close(fd);
	buf_free(&a);
	buf_free(&b);
	memcpy(resolver, saved, sizeof(saved));
}

/* More than may be under way at once; freed in between. */
static void
many_queries(void **state)
{
	struct event_base *base = event_base_new();
	struct buf got[300] = {{0}};
	struct mxdns *d;
	size_t i;

	(void)state;
	if (nsd_pid == -1)
		skip();
	d = open_dns(base, ZONES "/root.ds", TIMEOUT_MS);
	for (i = 0; i < 300; i++)
		mxdns_lookup(
		    d, "implicit.example", 25, NULL, print_result, &got[i]);
	event_base_dispatch(base);
	for (i = 0; i < 300; i++) {
		assert_string_equal(got[i].data,
		    "ok mx=no-data+ |"
		    " implicit.example/0 a=found+ aaaa=no-data+"
		    " 192.0.2.4:25 tlsa=not-asked");
		buf_free(&got[i]);
	}
	mxdns_lookup(d, "good.example", 25, NULL, print_result, got);
	mxdns_free(d); /* with a question under way */
	assert_null(got[0].data);
	event_base_free(base);
}

static void
bad_settings(void **state)
{
	static const struct {
		struct mxdns_settings s;
		const char *want;
	} bad[] = {
	    {{.resolver = "nonsense"}, "resolver \"nonsense\""},
	    {{.resolver = "127.0.0.1", .trust_anchor = "/nonexistent"},
		"cannot read the trust anchor \"/nonexistent\": No such"},
	    {{.resolver = "127.0.0.1",
		 .trust_anchor = "tests/lib/dns/t_mxdns.c"},
		"trust anchor \"tests/lib/dns/t_mxdns.c\""},
	};
	struct event_base *base = event_base_new();
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_null(mxdns_new(base, &bad[i].s, &err));
		assert_non_null(strstr(err.text, bad[i].want));
	}
	event_base_free(base);
}

static void
nexthops(void **state)
{
	static const struct {
		const char *in;
		const char *name; /* NULL: refused */
		uint16_t port;
		bool direct;
	} cases[] = {
	    {"a.Example", "a.example", 0, false},
	    {"a.example.", "a.example", 0, false},
	    {"a.example:26", "a.example", 26, false},
	    {"a.example:smtp", "a.example", 25, false},
	    {"[A.example]", "a.example", 0, true},
	    {"[a.example]:587", "a.example", 587, true},
	    {"[::1]", "::1", 0, true},
	    {"::1", "::1", 0, true},
	    {"127.0.0.1:25", "127.0.0.1", 25, true},
	    {"a_b.example", "a_b.example", 0, false},
	    {".", NULL, 0, false},
	    {"a..example", NULL, 0, false},
	    {"-a.example", NULL, 0, false},
	    {"a-.example", NULL, 0, false},
	    {"a.example:", NULL, 0, false},
	    {"a.example:0", NULL, 0, false},
	    {"a.example:65536", NULL, 0, false},
	    {"a.example:no-such-service", NULL, 0, false},
	    {"[a.example]x", NULL, 0, false},
	    {"[a.example]:", NULL, 0, false},
	    {"[]", NULL, 0, false},
	    {"[ipv6:1.2.3.4]", "1.2.3.4", 0, true},
	    {"[ipv6:a.example]", NULL, 0, false},
	    {"m\xc3\xbcnchen.example", NULL, 0, false},
	};
	struct nexthop n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (nexthop_parse(cases[i].in, &n) == -1) {
			if (cases[i].name != NULL)
				fail_msg("%s refused", cases[i].in);
			continue;
		}
		if (cases[i].name == NULL ||
		    strcmp(n.name, cases[i].name) != 0 ||
		    n.port != cases[i].port || n.direct != cases[i].direct)
			fail_msg("%s: %s %u %d", cases[i].in, n.name, n.port,
			    n.direct);
	}
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(nexthops),
	    cmocka_unit_test(bad_settings),
	    cmocka_unit_test(no_answer_is_a_timeout),
	    cmocka_unit_test(answers),
	    cmocka_unit_test(native),
	    cmocka_unit_test(no_anchor),
	    cmocka_unit_test(no_dnssec),
	    cmocka_unit_test(no_tlsa_unless_asked),
	    cmocka_unit_test(many_hosts_are_cut),
	    cmocka_unit_test(many_queries),
	};

	return cmocka_run_group_tests(all, start_nsd, stop_nsd) != 0;
}
