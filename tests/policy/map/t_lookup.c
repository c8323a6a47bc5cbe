/* t_lookup.c: the map, asked by every spelling, before and after an end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lookup.h"
#include "memmap.h"

#define END 1795444200 /* 2026-11-23T14:30:00Z */

static const char *const rows[] = {"acme.example",
    "secure match=mx.acme.example protocols=>=TLSv1.2", ".acme.example",
    "secure match=mx.acme.example", "open.example", "may",
    "xn--mnchen-3ya.example", "secure match=a", "m\xc3\xbcnchen.example",
    "secure match=a", "[mx.example]:25", "encrypt", "low.example", "encrypt",
    " d:low.example",
    "partner=low inbound=require level=encrypt until=2026-11-23T14:30:00Z "
    "{ full = secure match=mx.low.example }",
    "odd.example", "may", " d:odd.example",
    "partner=odd inbound=require action=reject level=secure", "broken.example",
    "may", " d:broken.example", "what", " g:mx.provider.example",
    "partner=p inbound=warn level=secure", " g:.cloud.example",
    "partner=c inbound=require level=secure", "far.example",
    "secure match=nexthop:dot-nexthop", ".deep.example", "secure match=x",
    " d:norow.far.example", "partner=n inbound=off level=opportunistic",
    " d:warn.example", "partner=w inbound=warn level=opportunistic", NULL};

static struct memmap m;
static struct lookup all, plain;

static int
set_up(void **state)
{
	(void)state;
	memmap_make(&m, rows);
	all = (struct lookup){.map = m.map, .lowered = true};
	plain = (struct lookup){.map = m.map};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	memmap_free(&m);
	return 0;
}

static void
asks(const struct lookup *l, const char *key, time_t now, const char *want)
{
	const char *text;
	size_t len;
	char *hold;
	enum lookup_answer rc =
	    lookup_policy(l, key, strlen(key), now, &text, &len, &hold);

	if (want == NULL) {
		assert_int_equal(rc, LOOKUP_NOTFOUND);
	} else {
		assert_int_equal(rc, LOOKUP_FOUND);
		assert_int_equal(len, strlen(want));
		assert_memory_equal(text, want, len);
	}
	free(hold);
}

static void
finds_policies(void **state)
{
	const struct lookup *l = &plain;

	(void)state;
	asks(l, "acme.example", 0, rows[1]);
	asks(l, "Acme.EXAMPLE", 0, rows[1]);
	asks(l, ".acme.example", 0, rows[3]);
	asks(l, "x.acme.example", 0, NULL);
	asks(l, "acme.example.", 0, NULL);
	asks(l, "m\xc3\xbcnchen.example", 0, "secure match=a");
	asks(l, "M\xc3\x9cNCHEN.example", 0, "secure match=a");
	asks(l, "XN--mnchen-3ya.example", 0, "secure match=a");
	asks(l, "[MX.example]:25", 0, "encrypt");
	asks(l, "[mx.example]", 0, NULL);
	asks(l, "", 0, NULL);
	asks(l, " d:low.example", 0, NULL);
	asks(l, "\xff\xff", 0, NULL);
	asks(l, "\xc3\xa4_\xc3\xa4", 0, NULL);
}

static void
ends_downgrades(void **state)
{
	(void)state;
	asks(&all, "low.example", END - 1, "encrypt");
	asks(&all, "low.example", END, "secure match=mx.low.example");
	asks(&all, "LOW.example", END + 99999, "secure match=mx.low.example");
	asks(&all, "odd.example", END, "may");
	/* Without a header that says so nobody looks. */
	asks(&plain, "low.example", END, "encrypt");
}

static void
tells_damage(void **state)
{
	const char *text;
	size_t len;
	char *hold;
	struct lookup_rule r;

	(void)state;
	assert_int_equal(
	    lookup_policy(&all, "broken.example", 14, 0, &text, &len, &hold),
	    LOOKUP_BROKEN);
	assert_int_equal(
	    lookup_domain(&all, "broken.example", 14, 0, &r), LOOKUP_BROKEN);
}

static void
rule(enum lookup_answer (*fn)(const struct lookup *, const char *, size_t,
	 time_t, struct lookup_rule *),
    const char *name, const char *want, enum inbound inbound)
{
	struct lookup_rule r;
	enum lookup_answer rc = fn(&all, name, strlen(name), END - 1, &r);

	if (want == NULL) {
		if (rc != LOOKUP_NOTFOUND)
			fail_msg("%s: found", name);
		return;
	}
	if (rc != LOOKUP_FOUND)
		fail_msg("%s: not found", name);
	assert_string_equal(r.key, want + (*want == '.'));
	assert_int_equal(r.suffix, *want == '.');
	assert_int_equal(r.record.inbound, inbound);
	lookup_release(&r);
}

static void
goes_up_from_a_sender(void **state)
{
	(void)state;
	rule(lookup_domain, "acme.example", "acme.example", INBOUND_REQUIRE);
	rule(lookup_domain, "ACME.example.", "acme.example", INBOUND_REQUIRE);
	rule(lookup_domain, "a.acme.example", ".acme.example", INBOUND_REQUIRE);
	rule(lookup_domain, "b.a.acme.example", ".acme.example",
	    INBOUND_REQUIRE);
	rule(lookup_domain, "a_b.ACME.example", ".acme.example",
	    INBOUND_REQUIRE);
	rule(lookup_domain, "\xff.acme.example", ".acme.example",
	    INBOUND_REQUIRE);
	rule(lookup_domain, "m\xc3\x9cnchen.example", "xn--mnchen-3ya.example",
	    INBOUND_REQUIRE);
	rule(lookup_domain, "odd.example", "odd.example", INBOUND_REQUIRE);
	rule(lookup_domain, "open.example", "open.example", INBOUND_OFF);
	rule(lookup_domain, "x.open.example", NULL, INBOUND_OFF);
	rule(lookup_domain, "deep.example", NULL, INBOUND_OFF);
	rule(lookup_domain, "notacme.example", NULL, INBOUND_OFF);
	rule(lookup_domain, "example", NULL, INBOUND_OFF);
	rule(lookup_domain, "[mx.example]:25", NULL, INBOUND_OFF);
	rule(lookup_domain, ".", NULL, INBOUND_OFF);
	rule(lookup_domain, "..", NULL, INBOUND_OFF);
	rule(lookup_domain, "", NULL, INBOUND_OFF);
}

static void
goes_up_from_a_client(void **state)
{
	char lengthy[3000];

	(void)state;
	rule(lookup_client, "mx.provider.example", "mx.provider.example",
	    INBOUND_WARN);
	rule(lookup_client, "out.cloud.example", ".cloud.example",
	    INBOUND_REQUIRE);
	rule(lookup_client, "MX1.Far.example", "far.example", INBOUND_REQUIRE);
	rule(lookup_client, "far.example", "far.example", INBOUND_REQUIRE);
	rule(lookup_client, "a.b.far.example", "far.example", INBOUND_REQUIRE);
	rule(lookup_client, "x.deep.example", ".deep.example", INBOUND_REQUIRE);
	rule(lookup_client, "deep.example", NULL, INBOUND_OFF);
	/* A record without a row: Postfix has none, the rule is there. */
	rule(lookup_client, "mx.norow.far.example", "norow.far.example",
	    INBOUND_OFF);
	rule(lookup_domain, "warn.example", "warn.example", INBOUND_WARN);
	rule(lookup_client, "mx2.provider.example", NULL, INBOUND_OFF);
	rule(lookup_client, "cloud.example", NULL, INBOUND_OFF);
	memset(lengthy, 'a', sizeof(lengthy));
	(void)strcpy(lengthy + sizeof(lengthy) - 14, ".acme.example");
	rule(lookup_domain, lengthy, ".acme.example", INBOUND_REQUIRE);
	rule(lookup_client, lengthy, ".acme.example", INBOUND_REQUIRE);
}

static void
knows_what_holds(void **state)
{
	struct lookup_rule r;

	(void)state;
	assert_int_equal(
	    lookup_domain(&all, "low.example", 11, END - 1, &r), LOOKUP_FOUND);
	assert_true(r.lowered);
	lookup_release(&r);
	assert_int_equal(
	    lookup_domain(&all, "low.example", 11, END, &r), LOOKUP_FOUND);
	assert_false(r.lowered);
	assert_int_equal(r.policy_len, strlen("secure match=mx.low.example"));
	lookup_release(&r);
}

/* With the filter the answers are the same, and most looks are spared. */
static void
believes_the_filter(void **state)
{
	static uint64_t none[LOOKUP_FILTER / 64];
	struct lookup l = {.map = m.map, .filter = none, .lowered = true};
	uint32_t h = cdbmap_hash(" d:low.example", 14) % LOOKUP_FILTER;

	(void)state;
	asks(&l, "low.example", END, "encrypt");
	none[h / 64] |= UINT64_C(1) << h % 64;
	asks(&l, "low.example", END, "secure match=mx.low.example");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_policies),
	    cmocka_unit_test(ends_downgrades),
	    cmocka_unit_test(tells_damage),
	    cmocka_unit_test(goes_up_from_a_sender),
	    cmocka_unit_test(goes_up_from_a_client),
	    cmocka_unit_test(knows_what_holds),
	    cmocka_unit_test(believes_the_filter),
	};

	return cmocka_run_group_tests_name("lookup", tests, set_up, tear_down);
}
