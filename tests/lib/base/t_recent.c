/* t_recent.c: against a plain list that is kept in order. */
#include "check.h"

#include "recent.h"

enum { PLACES = 13, NAMES = 40, ROUNDS = 200000 };

struct element {
	char name[8];
	int of; /* what is behind the name stays with it */
};

/* The names from the newest to the oldest. */
static char list[PLACES + 1][8];
static size_t n;

static size_t
in_list(const char *name)
{
	size_t i;

	for (i = 0; i < n && strcmp(list[i], name) != 0; i++)
		;
	return i;
}

static void
to_front(size_t i, const char *name)
{
	memmove(list[1], list[0], i * sizeof(list[0]));
	memcpy(list[0], name, sizeof(list[0]));
}

static void
take_out(struct recent *r, struct element *e)
{
	size_t at = in_list(e->name);

	assert_true(at < n);
	recent_remove(r, e);
	assert_int_equal(e->name[0], '\0');
	assert_ptr_equal(recent_place(r), e);
	n--;
	memmove(list[at], list[at + 1], (n - at) * sizeof(list[0]));
}

static void
put_in(struct recent *r, const char *name)
{
	struct element *e = recent_place(r);

	if (e->name[0] != '\0') {
		assert_int_equal(n, PLACES);
		assert_string_equal(e->name, list[n - 1]);
		take_out(r, e);
	}
	memcpy(e->name, name, sizeof(e->name));
	e->of = atoi(name + 1);
	recent_add(r, e);
	to_front(n++, name);
}

static void
t_model(void **state)
{
	struct recent r;
	struct element *e;
	char name[8];
	unsigned round;
	size_t at;

	(void)state;
	srandom(7);
	recent_init(&r, PLACES, sizeof(*e));
	for (round = 0; round < ROUNDS; round++) {
		memset(name, 0, sizeof(name));
		(void)snprintf(
		    name, sizeof(name), "n%u", (unsigned)random() % NAMES);
		e = recent_find(&r, name, strlen(name));
		at = in_list(name);
		assert_int_equal(e == NULL, at == n);
		if (e == NULL) {
			put_in(&r, name);
			continue;
		}
		assert_string_equal(e->name, name);
		assert_int_equal(e->of, atoi(name + 1));
		to_front(at, name);
		if (random() % 4 == 0)
			take_out(&r, e);
	}
	recent_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
