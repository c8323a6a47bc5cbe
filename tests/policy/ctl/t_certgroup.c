/* Which rows of certificates are told as one, and how they are counted. */
#include "check.h"

#include "certgroup.h"

#define T0 1800000000
#define DAY 86400

static const struct cert_row base = {.partner = "a",
    .gateway = "mx.hosting.example",
    .issuer = "CA",
    .fault = "ok",
    .begins = T0 - DAY,
    .ends = T0 + DAY,
    .seen = T0,
    .state = CERT_OK,
    .level = LEVEL_SECURE};

static struct cert_row row[6];
static struct certs certs;

/* As many partners, a to f, at one gateway. */
static void
begin(size_t n)
{
	static const char *const name[] = {"a", "b", "c", "d", "e", "f"};
	size_t i;

	for (i = 0; i < n; i++) {
		row[i] = base;
		row[i].partner = name[i];
	}
	certs = (struct certs){.v = row, .n = n};
}

static void
one(void)
{
	begin(1);
}

static void
two(void)
{
	begin(2);
	row[1].seen = T0 + 60;
}

static void
four(void)
{
	begin(4);
}

static void
hosts(void)
{
	begin(2);
	row[1].gateway = "mx.other.example";
}

static void
one_partner(void)
{
	hosts();
	row[1].partner = "a";
}

static void
dates(void)
{
	begin(2);
	row[1].ends += DAY;
}

static void
issuers(void)
{
	begin(2);
	row[1].issuer = "other";
}

static void
levels(void)
{
	begin(2);
	row[1].level = LEVEL_OPPORTUNISTIC;
}

static void
faults(void)
{
	begin(2);
	row[1].fault = "untrusted-issuer";
	row[1].state = CERT_FAILS;
}

static void
by_log(void)
{
	begin(2);
	row[1].failed = T0;
}

static void
never(void)
{
	begin(3);
	row[1].gateway = row[2].gateway = "";
	row[1].state = row[2].state = CERT_UNSEEN;
}

static void
ours(void)
{
	begin(4);
	row[1].ours = row[2].ours = row[3].ours = "server certificate";
	row[1].gateway = row[2].gateway = "/ours.pem";
	row[3].unread = "hidden";
}

static const struct {
	const char *name;
	void (*make)(void);
	size_t n, gateways, partners, ours, never, ok;
	bool shared;
	const char *first;
} rows[] = {
    {"one", one, 1, 1, 1, 0, 0, 1, false, "a"},
    {"two", two, 1, 1, 2, 0, 0, 1, true, "2 partners: a, b"},
    {"four", four, 1, 1, 4, 0, 0, 1, true, "4 partners: a, b and 2 more"},
    {"two hosts", hosts, 2, 2, 2, 0, 0, 2, false, "a"},
    {"of one partner", one_partner, 2, 2, 1, 0, 0, 2, false, "a"},
    {"two dates", dates, 2, 1, 2, 0, 0, 2, true, "a"},
    {"two issuers", issuers, 2, 1, 2, 0, 0, 2, true, "a"},
    {"one that need not be valid", levels, 2, 1, 2, 0, 0, 2, true, "a"},
    {"one fails", faults, 2, 1, 2, 0, 0, 1, true, "a"},
    {"one by the log", by_log, 2, 1, 2, 0, 0, 2, true, "a"},
    {"two without a look", never, 3, 1, 1, 0, 2, 1, false, "a"},
    {"ours, but what is unread", ours, 3, 1, 1, 2, 0, 3, false, "a"},
};

static void
t_groups(void **state)
{
	struct certgroups g;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		rows[i].make();
		certgroup_make(&certs, &g);
		check_int(rows[i].name, g.n, rows[i].n);
		check_int(rows[i].name, g.gateways, rows[i].gateways);
		check_int(rows[i].name, g.partners, rows[i].partners);
		check_int(rows[i].name, g.ours, rows[i].ours);
		check_int(rows[i].name, g.never, rows[i].never);
		check_int(rows[i].name, g.count[CERT_OK], rows[i].ok);
		check_int(rows[i].name, g.shared, rows[i].shared);
		check_str(rows[i].name, g.v[0].row.partner, rows[i].first);
		certgroup_release(&g);
	}
	two();
	certgroup_make(&certs, &g);
	check_int("seen last", g.v[0].row.seen, T0 + 60);
	certgroup_release(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
