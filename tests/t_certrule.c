/* Certificate rules: every shape of certificate against its verdict. */
#include "certrule.h"
#include "err.h"
#include "shapemake.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define AT 1795392000 /* 2026-11-23 */

static struct shape_world *world;

static int
setup(void **state)
{
	(void)state;
	world = shape_world(AT);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	shape_world_free(world);
	return 0;
}

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* What must hold for any verdict. */
static void
check_verdict(const struct certverdict *v)
{
	enum fault worst = FAULT_OK;
	size_t i;

	for (i = 0; i < CERTRULE_COUNT; i++) {
		const struct certrule_result *r = &v->rule[i];

		assert_true(is_plain(r->observed));
		assert_true(is_plain(r->sentence));
		assert_true(strlen(r->sentence) > 10);
		assert_int_equal(
		    r->state == CERTRULE_FAIL, r->fault != FAULT_OK);
		worst = fault_worse(worst, r->fault);
	}
	assert_int_equal(worst, v->fault);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
judge(const struct shape *s, const struct shape_made *m,
    const struct certrules *rules, struct certverdict *v)
{
	struct x509_chain *c;
	struct err err = {0};

	c = x509_chain_parse(m->chain, strlen(m->chain), &err);
	if (c == NULL)
		fail_msg("%s: %s", s->name, err.text);
	assert_int_equal(certrule_judge(c, rules, v, &err), 0);
	x509_chain_free(c);
}

static struct x509_store *
store_of(const struct shape_made *m)
{
	struct err err = {0};
	struct x509_store *s;

	s = (m->is_ta ? x509_store_parse_ta : x509_store_parse_ca)(
	    m->trust, strlen(m->trust), "test", &err);
	if (s == NULL)
		fail_msg("%s", err.text);
	return s;
}

static void
test_shapes(void **state)
{
	struct certverdict v;
	struct shape_made m;
	struct certrules r;
	struct x509_store *store;
	const char *pin;
	int bad = 0;
	size_t i;

	(void)state;
	for (i = 0; i < NSHAPES; i++) {
		const struct shape *s = &shapes[i];

		shape_make(s, world, &m);
		store = store_of(&m);
		shape_rules(s, &m, store, &pin, AT, &r);
		judge(s, &m, &r, &v);
		check_verdict(&v);
		if (v.fault != s->fault || v.delivers != shape_delivers(s)) {
			print_error("%s: %s (want %s), delivers %d\n", s->name,
			    fault_text(v.fault), fault_text(s->fault),
			    v.delivers);
			bad++;
		}
		x509_store_free(store);
		shape_free(&m);
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, setup, teardown) != 0;
}
