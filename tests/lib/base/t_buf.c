#include "check.h"

#include "buf.h"

static void
t_add(void **state)
{
	struct buf b = {0};
	char *s;

	(void)state;
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_add(&b, "d\0e", 3);
	buf_add(&b, "", 0);
	buf_printf(&b, "%d%s", 12, "f");
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.data, "abcd\0e12f", 10);
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_puts(&b, "x");
	s = buf_take(&b);
	assert_string_equal(s, "x");
	assert_null(b.data);
	free(s);
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_free(&b);
	buf_clear(&b);
	assert_null(b.data);
}

/* Text behind text at every size around a power of two. */
static void
t_grow(void **state)
{
	char text[600];
	struct buf b;
	size_t n, i;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (n = 0; n < sizeof(text); n++) {
		b = (struct buf){0};
		buf_add(&b, text, n);
		buf_printf(&b, "%.*s", (int)n, text);
		assert_int_equal(b.len, 2 * n);
		assert_int_equal(strlen(b.data), 2 * n);
		assert_true(b.cap > b.len);
		buf_free(&b);
	}
	b = (struct buf){0};
	for (i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(strlen(b.data), 100000);
	assert_int_equal(b.data[27], 'b');
	buf_free(&b);
}

static void
t_room(void **state)
{
	struct buf b = {0};
	char *p;

	(void)state;
	p = buf_room(&b, 100);
	memset(p, 'y', 100);
	b.len += 100;
	buf_putc(&b, 'z');
	assert_int_equal(b.len, 101);
	assert_string_equal(b.data + 99, "yz");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_add),
	    cmocka_unit_test(t_grow),
	    cmocka_unit_test(t_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
