#include "check.h"

#include "mem.h"

static void
t_grow(void **state)
{
	uint32_t *v = NULL;
	size_t n, cap = 0, moves = 0, was;

	(void)state;
	for (n = 0; n < 2000000; n++) {
		was = cap;
		v = mem_grow(v, n, &cap, sizeof(*v));
		moves += cap != was;
		assert_true(cap > n);
		v[n] = (uint32_t)n;
	}
	/* By half each time, so the number of moves is a logarithm. */
	assert_in_range(moves, 10, 40);
	for (n = 0; n < 2000000; n++)
		assert_int_equal(v[n], n);
	free(v);
}

static void
t_reserve(void **state)
{
	static const size_t more[] = {0, 1, 15, 16, 100, 3, 5000000, 0, 7};
	unsigned char *v = NULL;
	size_t n = 0, cap = 0, i;

	(void)state;
	for (i = 0; i < COUNT(more); i++) {
		v = mem_reserve(v, n, more[i], &cap, 3);
		assert_true(cap >= n + more[i]);
		if (n > 0)
			assert_int_equal(v[3 * n - 1], (unsigned char)(i - 1));
		if (more[i] > 0)
			memset(v + 3 * n, (int)i, 3 * more[i]);
		else if (n > 0)
			v[3 * n - 1] = (unsigned char)i;
		n += more[i];
	}
	free(v);
	assert_null(mem_reserve(NULL, 0, 0, &(size_t){0}, 8));
}

static void
t_blocks(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 5u << 20};
	unsigned char *p, *z;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		p = mem_alloc(sizes[i]);
		z = mem_zero(sizes[i], 1);
		memset(p, 1, sizes[i]);
		for (j = 0; j < sizes[i]; j += 511)
			assert_int_equal(z[j], 0);
		free(p);
		free(z);
	}
	free(mem_zero(0, 0));
}

static void
t_strings(void **state)
{
	char *s = mem_dup("abc"), *f = mem_printf("%s-%d", s, 7);

	(void)state;
	assert_string_equal(s, "abc");
	assert_string_equal(f, "abc-7");
	free(s);
	free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_grow),
	    cmocka_unit_test(t_reserve),
	    cmocka_unit_test(t_blocks),
	    cmocka_unit_test(t_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
