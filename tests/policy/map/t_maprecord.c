#include "check.h"

#include "buf.h"
#include "maprecord.h"

#define UNTIL 1795431723 /* 2026-11-23T11:02:03Z */

static const struct {
	size_t n;
	const char *v[2];
} two_names = {2, {"mx.acme.example", ".acme.example"}},
  one_key = {1, {"AA:BB"}}, nothing = {0};

#define NAMES ((const struct strs *)(const void *)&two_names)
#define KEYS ((const struct strs *)(const void *)&one_key)
#define NONE ((const struct strs *)(const void *)&nothing)

static const struct {
	const char *name;
	struct maprecord record;
	const char *want;
} cases[] = {
    {"plain",
	{"acme", 0, INBOUND_REQUIRE, INBOUND_NONE, ACTION_DEFER, NONE, NONE,
	    LEVEL_SECURE, 0, 0, 0, "", NULL, 0, false},
	"partner=acme inbound=require level=secure"},
    {"all of it",
	{"acme", 3, INBOUND_WARN, INBOUND_NAME, ACTION_REJECT, NAMES, KEYS,
	    LEVEL_KEY, UNTIL, UNTIL - 60, 17, "secure match=a:b ciphers=high",
	    NULL, REQUIRETLS_STARTTLS, false},
	"partner=acme more=3 inbound=warn verify=name action=reject "
	"names=mx.acme.example,.acme.example keys=AA:BB "
	"requiretls=opportunistic+starttls level=key "
	"until=2026-11-23T11:02:03Z begin=2026-11-23T11:01:03Z id=17 "
	"{ full = secure match=a:b ciphers=high }"},
    {"key",
	{"x", 0, INBOUND_OFF, INBOUND_KEY, ACTION_DEFER, NONE, KEYS,
	    LEVEL_OPPORTUNISTIC, 0, 0, 0, "", NULL, 0, false},
	"partner=x inbound=off verify=key keys=AA:BB level=opportunistic"},
    {"mail from them is let in",
	{"acme", 0, INBOUND_REQUIRE, INBOUND_NONE, ACTION_DEFER, NONE, NONE,
	    LEVEL_SECURE, UNTIL, UNTIL - 60, 17, "secure", NULL, 0, true},
	"partner=acme inbound=require level=secure "
	"until=2026-11-23T11:02:03Z begin=2026-11-23T11:01:03Z id=17 "
	"direction=inbound { full = secure }"},
    {"over TLS alone",
	{"acme", 0, INBOUND_REQUIRE, INBOUND_KEY, ACTION_DEFER, NONE, KEYS,
	    LEVEL_SECURE, UNTIL, UNTIL - 60, 17, "secure", NULL, 0,
	    DIRECTION_CERTIFICATE},
	"partner=acme inbound=require verify=key keys=AA:BB level=secure "
	"until=2026-11-23T11:02:03Z begin=2026-11-23T11:01:03Z id=17 "
	"direction=inbound-certificate { full = secure }"},
};

static void
t_print(void **state)
{
	const struct maprecord *r;
	struct maprecord back;
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		r = &cases[i].record;
		buf_clear(&b);
		maprecord_print(r, &b);
		check_str(cases[i].name, b.data, cases[i].want);
		check_true(
		    cases[i].name, maprecord_parse(&back, b.data, b.len));
		check_str(cases[i].name, back.partner, r->partner);
		check_int(cases[i].name, back.more, r->more);
		check_int(cases[i].name, back.direction, r->direction);
		check_int(cases[i].name, back.inbound, r->inbound);
		check_int(cases[i].name, back.verify, r->verify);
		check_int(cases[i].name, back.action, r->action);
		check_int(cases[i].name, back.names->n, r->names->n);
		check_int(cases[i].name, back.keys->n, r->keys->n);
		if (r->names->n == 2)
			check_str(
			    cases[i].name, back.names->v[1], ".acme.example");
		if (r->keys->n == 1)
			check_str(cases[i].name, back.keys->v[0], "AA:BB");
		check_int(cases[i].name, back.requiretls, r->requiretls);
		check_int(cases[i].name, back.level, r->level);
		check_int(cases[i].name, back.until, r->until);
		check_int(cases[i].name, back.begin, r->begin);
		check_int(cases[i].name, back.id, r->id);
		check_str(cases[i].name, back.full, r->full);
		maprecord_release(&back);
		maprecord_release(&back);
	}
	buf_free(&b);
}

static const struct {
	const char *name;
	const char *text;
	bool want;
} parses[] = {
    {"the least", "inbound=off", true},
    {"words of a later version", "inbound=off colour=blue", true},
    {"no rule", "partner=acme level=secure", false},
    {"nothing", "", false},
    {"a bad rule", "inbound=maybe", false},
    {"an empty rule", "inbound=", false},
    {"a bad verify", "inbound=off verify=x", false},
    {"a bad action", "inbound=off action=x", false},
    {"a bad level", "inbound=off level=may", false},
    {"a bad time", "inbound=off until=soon { full = may }", false},
    {"a bad number", "inbound=off more=x", false},
    {"a bad direction", "inbound=off direction=sideways", false},
    {"an end without a way back", "inbound=off until=2026-11-23T11:02:03Z",
	false},
    {"a way back without an end", "inbound=off { full = may }", false},
    {"names twice: the first", "inbound=off names=a names=b", true},
    {"a bare word", "inbound=off x", false},
    {"cut in the brace", "inbound=off { full = secure", false},
};

static void
t_parse(void **state)
{
	struct maprecord r;
	size_t i, n;
	char *copy;

	(void)state;
	for (i = 0; i < COUNT(parses); i++) {
		n = strlen(parses[i].text);
		copy = memcpy(malloc(n + 1), parses[i].text, n);
		copy[n] = 'Z'; /* it is not NUL-terminated */
		check_int(parses[i].name, maprecord_parse(&r, copy, n),
		    parses[i].want);
		free(copy);
		maprecord_release(&r);
	}
	assert_false(maprecord_parse(&r, "inbound=off\0", 12));
}

/* A record cut anywhere must never read as a milder rule. */
static void
t_cut(void **state)
{
	static const char text[] =
	    "partner=acme inbound=require verify=name action=reject "
	    "names=mx.acme.example level=secure";
	struct maprecord r;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text); n++)
		if (maprecord_parse(&r, text, n)) {
			assert_int_equal(r.inbound, INBOUND_REQUIRE);
			maprecord_release(&r);
		}
}

static const struct {
	const char *policy;
	enum level level;
	enum inbound inbound;
} plain[] = {
    {"may", LEVEL_OPPORTUNISTIC, INBOUND_OFF},
    {"dane", LEVEL_OPPORTUNISTIC, INBOUND_OFF},
    {"encrypt ciphers=high", LEVEL_ENCRYPT, INBOUND_REQUIRE},
    {"fingerprint match=AA", LEVEL_KEY, INBOUND_REQUIRE},
    {"secure match=a", LEVEL_SECURE, INBOUND_REQUIRE},
    {"dane-only", LEVEL_SECURE, INBOUND_REQUIRE},
    {"what", LEVEL_SECURE, INBOUND_REQUIRE},
    {"", LEVEL_SECURE, INBOUND_REQUIRE},
};

static void
t_of_policy(void **state)
{
	struct maprecord r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(plain); i++) {
		maprecord_of_policy(
		    &r, plain[i].policy, strlen(plain[i].policy));
		check_int(plain[i].policy, r.level, plain[i].level);
		check_int(plain[i].policy, r.inbound, plain[i].inbound);
		check_int(plain[i].policy, r.until, 0);
		check_int(plain[i].policy, r.names->n, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_print),
	    cmocka_unit_test(t_parse),
	    cmocka_unit_test(t_cut),
	    cmocka_unit_test(t_of_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
