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

/* Duplicates at the start, the end, and beside each other. */
static void
t_add_all(void **state)
{
	static const uint32_t twin[] = {
	    1, 2, 3, 15, 16, 17, 18, 40, 50000, MANY - 2, MANY - 1};
	char **v = many();
	struct strmap m;
	static uint32_t hash[MANY];
	uint32_t from = 0, have;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(twin); i++)
		(void)strcpy(v[twin[i]], v[0]);
	for (i = 0; i < MANY; i++)
		hash[i] = strmap_hash(v[i], strlen(v[i]));
	strmap_init(&m, name_of);
	for (i = 0;
	     (have = strmap_add_all(&m, v, hash, MANY, &from)) != STRMAP_NONE;
	     i++) {
		assert_true(i < COUNT(twin));
		assert_int_equal(have, 0);
		assert_int_equal(from, twin[i]);
		from++;
	}
	assert_int_equal(i, COUNT(twin));
	assert_int_equal(from, MANY);
	assert_int_equal(m.n, MANY - COUNT(twin));
	assert_int_equal(strmap_find(&m, v, v[4], strlen(v[4])), 4);
	/* Nothing more to add. */
	assert_int_equal(strmap_add_all(&m, v, hash, MANY, &from), STRMAP_NONE);
	strmap_free(&m);

	/* In two goes, as when an array has grown. */
	strmap_init(&m, name_of);
	strmap_reserve(&m, 10);
	from = 20;
	while (strmap_add_all(&m, v, hash, 30000, &from) != STRMAP_NONE)
		from++;
	assert_int_equal(from, 30000);
	while (strmap_add_all(&m, v, hash, MANY, &from) != STRMAP_NONE)
		from++;
	for (i = 51; i < 49000; i++)
		assert_int_equal(strmap_find(&m, v, v[i], strlen(v[i])), i);
	strmap_free(&m);

	from = 0;
	strmap_init(&m, name_of);
	assert_int_equal(strmap_add_all(&m, v, hash, 0, &from), STRMAP_NONE);
	strmap_free(&m);
	many_free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_few),
	    cmocka_unit_test(t_many),
	    cmocka_unit_test(t_add_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
