#include "check.h"

#include "strmap.h"

static const char *
name_of(const void *array, uint32_t i)
{
	return ((const char *const *)array)[i];
}

static void
t_few(void **state)
{
	static const char *const v[] = {
	    "", "a", "ab", "abcdefgh", "abcdefghi", "abcdefgh\xff", "A"};
	struct strmap m;
	uint32_t i;

	(void)state;
	strmap_init(&m, name_of);
	assert_int_equal(strmap_find(&m, v, "a", 1), STRMAP_NONE);
	for (i = 0; i < COUNT(v); i++)
		check_int(v[i], strmap_add(&m, v, v[i], strlen(v[i]), i),
		    STRMAP_NONE);
	for (i = 0; i < COUNT(v); i++)
		check_int(v[i], strmap_find(&m, v, v[i], strlen(v[i])), i);
	assert_int_equal(strmap_find(&m, v, "abc", 3), STRMAP_NONE);
	assert_int_equal(strmap_find(&m, v, "abc", 2), 2);
	assert_int_equal(strmap_add(&m, v, "ab", 2, 99), 2);
	assert_int_equal(strmap_find(&m, v, "ab", 2), 2);
	assert_int_equal(m.n, COUNT(v));
	/* A name from a foreign file may hold a NUL: it is another name. */
	assert_int_equal(strmap_find(&m, v, "ab\0x", 4), STRMAP_NONE);
	strmap_free(&m);
	assert_int_equal(strmap_find(&m, v, "a", 1), STRMAP_NONE);
	strmap_free(&m);
}

enum { MANY = 100000 };

static char **
many(void)
{
	char **v = calloc(MANY, sizeof(*v));
	size_t i;

	for (i = 0; i < MANY; i++)
		if (asprintf(&v[i], "d%zu.example", i * 7919) < 0)
			abort();
	return v;
}

static void
many_free(char **v)
{
	size_t i;

	for (i = 0; i < MANY; i++)
		free(v[i]);
	free(v);
}

static void
t_many(void **state)
{
	char **v = many();
	struct strmap m;
	uint32_t i;

	(void)state;
	strmap_init(&m, name_of);
	for (i = 0; i < MANY; i++)
		assert_int_equal(
		    strmap_add(&m, v, v[i], strlen(v[i]), i), STRMAP_NONE);
	for (i = 0; i < MANY; i++)
		assert_int_equal(strmap_find(&m, v, v[i], strlen(v[i])), i);
	for (i = 0; i < MANY; i++)
		assert_int_equal(
		    strmap_add(&m, v, v[i], strlen(v[i]), MANY + i), i);
	for (i = 0; i < MANY; i++)
		assert_int_equal(
		    strmap_find(&m, v, v[i], strlen(v[i]) - 1), STRMAP_NONE);
	strmap_free(&m);
	many_free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_few),
	    cmocka_unit_test(t_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
