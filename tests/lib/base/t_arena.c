#include "check.h"

#include <stdalign.h>

#include "arena.h"

static void
t_copy(void **state)
{
	struct arena a = {0};
	char *p, *q, *empty;

	(void)state;
	p = arena_copy(&a, "hello world", 5);
	q = arena_copy(&a, "again", 5);
	empty = arena_copy(&a, "", 0);
	assert_string_equal(p, "hello");
	assert_string_equal(q, "again");
	assert_string_equal(empty, "");
	arena_free(&a);
	/* Ready for more. */
	assert_string_equal(arena_copy(&a, "x", 1), "x");
	arena_free(&a);
	arena_free(&a);
}

/* Blocks of all sizes are aligned, writable, and apart from each other. */
static void
t_apart(void **state)
{
	enum { N = 3000 };
	static unsigned char *block[N];
	static size_t size[N];
	struct arena a = {0};
	size_t i, j;

	(void)state;
	for (i = 0; i < N; i++) {
		/* Small ones, with some far over what a chunk holds. */
		size[i] = i % 100 == 99 ? i * 100 : i * 7 % 129;
		block[i] = i % 3 == 0 ? (unsigned char *)arena_copy(&a, "", 0)
				      : arena_alloc(&a, size[i]);
		if (i % 3 == 0)
			size[i] = 1;
		else
			check_int("aligned",
			    (uintptr_t)block[i] % alignof(long long), 0);
		memset(block[i], (int)(i & 255), size[i]);
	}
	for (i = 0; i < N; i++)
		for (j = 0; j < size[i]; j++)
			assert_int_equal(block[i][j], i & 255);
	arena_free(&a);
}

static void
t_first_is_big(void **state)
{
	struct arena a = {0};
	char *p, *q;

	(void)state;
	p = arena_alloc(&a, 1000000);
	q = arena_alloc(&a, 10);
	memset(p, 'p', 1000000);
	memset(q, 'q', 10);
	assert_int_equal(p[999999], 'p');
	assert_int_equal(q[0], 'q');
	assert_non_null(arena_alloc(&a, 0));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_copy),
	    cmocka_unit_test(t_apart),
	    cmocka_unit_test(t_first_is_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
