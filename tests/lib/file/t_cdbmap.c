#include "check.h"

#include <fcntl.h>
#include <sysexits.h>

#include "cdbmap.h"
#include "err.h"

struct pair {
	const char *key;
	size_t klen;
	const char *value;
	size_t vlen;
};

#define PAIR(k, v)                                 \
	{                                          \
		k, sizeof(k) - 1, v, sizeof(v) - 1 \
	}

static const struct pair pairs[] = {
    PAIR("acme.example", "secure match=mx1.acme.example"),
    PAIR(".acme.example", "encrypt"),
    PAIR("[mx.acme.example]:25", "may"),
    PAIR(" header", "format=1"),
    PAIR("", "the empty key"),
    PAIR("empty", ""),
    PAIR("nul\0inside", "a\0b"),
};

static void
write_pairs(const char *path, const struct pair *v, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct cdbmap_writer *w;
	struct err e;
	size_t i;

	assert_true(fd != -1);
	w = cdbmap_create(fd);
	for (i = 0; i < n; i++)
		assert_int_equal(cdbmap_add(w, v[i].key, v[i].klen, v[i].value,
				     v[i].vlen, &e),
		    0);
	assert_int_equal(cdbmap_finish(w, &e), 0);
	close(fd);
}

static void
t_round_trip(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	const char *key, *value;
	size_t klen, vlen, i;
	struct cdbmap *m;
	struct err e;
	unsigned pos = 0;

	(void)state;
	write_pairs(path, pairs, COUNT(pairs));
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	for (i = 0; i < COUNT(pairs); i++) {
		check_int(pairs[i].key,
		    cdbmap_get(m, pairs[i].key, pairs[i].klen, &value, &vlen),
		    CDBMAP_FOUND);
		check_int(pairs[i].key, vlen, pairs[i].vlen);
		assert_memory_equal(value, pairs[i].value, vlen);
	}
	/* Without and with a NUL a key is two keys. */
	assert_int_equal(
	    cdbmap_get(m, "acme.example", 13, &value, &vlen), CDBMAP_NOTFOUND);
	assert_int_equal(
	    cdbmap_get(m, "acme.exampl", 11, &value, &vlen), CDBMAP_NOTFOUND);
	assert_int_equal(
	    cdbmap_get(m, "none", 4, &value, &vlen), CDBMAP_NOTFOUND);
	/* In the order of writing. */
	for (i = 0;
	     cdbmap_next(m, &pos, &key, &klen, &value, &vlen) == CDBMAP_FOUND;
	     i++) {
		assert_true(i < COUNT(pairs));
		assert_int_equal(klen, pairs[i].klen);
		assert_memory_equal(key, pairs[i].key, klen);
		assert_int_equal(vlen, pairs[i].vlen);
		assert_memory_equal(value, pairs[i].value, vlen);
	}
	assert_int_equal(i, COUNT(pairs));
	cdbmap_close(m);
	cdbmap_close(NULL);
	free(path);
	check_folder_end(dir);
}

static void
t_empty(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	const char *key, *value;
	size_t klen, vlen;
	struct cdbmap *m;
	struct err e;
	unsigned pos = 0;

	(void)state;
	write_pairs(path, NULL, 0);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	assert_int_equal(cdbmap_get(m, "a", 1, &value, &vlen), CDBMAP_NOTFOUND);
	assert_int_equal(
	    cdbmap_next(m, &pos, &key, &klen, &value, &vlen), CDBMAP_NOTFOUND);
	cdbmap_close(m);
	free(path);
	check_folder_end(dir);
}

static char *
slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *data = malloc(1 << 20);

	assert_non_null(f);
	*len = fread(data, 1, 1 << 20, f);
	(void)fclose(f);
	return data;
}

/* Everything that can be asked of a map, which may hold anything. */
static void
exercise(const char *path)
{
	static const char *const keys[] = {
	    "acme.example", ".acme.example", "", "none", " header"};
	const char *key, *value;
	size_t klen, vlen, i, sum = 0, steps = 0;
	struct cdbmap *m;
	unsigned pos = 0;
	struct err e = {0};

	m = cdbmap_open(path, &e);
	if (m == NULL) {
		assert_int_equal(e.code, EX_DATAERR);
		return;
	}
	for (i = 0; i < COUNT(keys); i++)
		if (cdbmap_get(m, keys[i], strlen(keys[i]), &value, &vlen) ==
		    CDBMAP_FOUND)
			while (vlen > 0)
				sum += (unsigned char)value[--vlen];
	while (
	    cdbmap_next(m, &pos, &key, &klen, &value, &vlen) == CDBMAP_FOUND) {
		while (klen > 0)
			sum += (unsigned char)key[--klen];
		while (vlen > 0)
			sum += (unsigned char)value[--vlen];
		assert_true(++steps < 100000);
	}
	assert_true(sum != 1);
	cdbmap_close(m);
}

static void
t_truncated(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb"), *data;
	struct err e = {0};
	size_t len, n;

	(void)state;
	write_pairs(path, pairs, COUNT(pairs));
	data = slurp(path, &len);
	for (n = 0; n < len; n++) {
		check_write(path, data, n);
		assert_null(cdbmap_open(path, &e));
		assert_int_equal(e.code, EX_DATAERR);
	}
	/* One byte more is no map of ours either. */
	data[len] = 'x';
	check_write(path, data, len + 1);
	assert_null(cdbmap_open(path, &e));
	free(data);
	free(path);
	check_folder_end(dir);
}

static void
t_random(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	char *data, *copy;
	size_t len, i, n, broken = 0;
	unsigned pos;
	const char *key, *value;
	size_t klen, vlen;
	struct cdbmap *m;
	struct err e;
	enum cdbmap_answer a;

	(void)state;
	srandom(20261123);
	write_pairs(path, pairs, COUNT(pairs));
	data = slurp(path, &len);
	copy = malloc(len);
	for (i = 0; i < 3000; i++) {
		memcpy(copy, data, len);
		for (n = (size_t)random() % 8; n-- > 0;)
			copy[(size_t)random() % len] = (char)random();
		check_write(path, copy, len);
		exercise(path);
	}
	/* Records of any length, between tables that are well. */
	for (i = 2048; i < len - 200; i++) {
		memcpy(copy, data, len);
		copy[i] = (char)0xff;
		check_write(path, copy, len);
		exercise(path);
		if ((m = cdbmap_open(path, &e)) == NULL)
			continue;
		pos = 0;
		while ((a = cdbmap_next(m, &pos, &key, &klen, &value, &vlen)) ==
		       CDBMAP_FOUND)
			;
		broken += a == CDBMAP_BROKEN;
		cdbmap_close(m);
	}
	assert_true(broken > 10);
	for (i = 0; i < 300; i++) {
		for (n = 0; n < len; n++)
			copy[n] = (char)random();
		check_write(path, copy, (size_t)random() % len);
		exercise(path);
	}
	free(copy);
	free(data);
	free(path);
	check_folder_end(dir);
}

/* A record that is damaged is not a key that is missing. */
static void
t_broken(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb"), *data;
	const char *value;
	size_t len, vlen;
	struct cdbmap *m;
	struct err e;

	(void)state;
	write_pairs(path, pairs, 1);
	data = slurp(path, &len);
	memset(data + 2048 + 4, 0xff, 4); /* the length of the value */
	check_write(path, data, len);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	assert_int_equal(
	    cdbmap_get(m, pairs[0].key, pairs[0].klen, &value, &vlen),
	    CDBMAP_BROKEN);
	assert_int_equal(
	    cdbmap_get(m, "none", 4, &value, &vlen), CDBMAP_NOTFOUND);
	cdbmap_close(m);
	free(data);
	free(path);
	check_folder_end(dir);
}

static void
t_no_map(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "none.cdb");
	struct err e = {0};

	(void)state;
	assert_null(cdbmap_open(path, &e));
	assert_int_equal(e.code, EX_NOINPUT);
	assert_null(cdbmap_open(dir, &e));
	assert_int_equal(e.code, EX_DATAERR);
	assert_null(cdbmap_open("/dev/null", &e));
	assert_int_equal(e.code, EX_DATAERR);
	check_puts(path, "acme.example secure\n");
	assert_null(cdbmap_open(path, &e));
	assert_int_equal(e.code, EX_DATAERR);
	free(path);
	check_folder_end(dir);
}

/* /dev/full: the error shows when adding or when finishing, never later. */
static void
t_full(void **state)
{
	struct cdbmap_writer *w;
	struct err e = {0};
	int fd = open("/dev/full", O_RDWR | O_CLOEXEC), rc = 0, i;

	(void)state;
	assert_true(fd != -1);
	w = cdbmap_create(fd);
	for (i = 0; rc == 0 && i < 100000; i++)
		rc = cdbmap_add(w, "key", 3, "value", 5, &e);
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, EX_IOERR);
	cdbmap_abandon(w);
	w = cdbmap_create(fd);
	assert_int_equal(cdbmap_add(w, "key", 3, "value", 5, &e), 0);
	assert_int_equal(cdbmap_finish(w, &e), -1);
	assert_int_equal(e.code, EX_IOERR);
	w = cdbmap_create(fd);
	assert_int_equal(cdbmap_add(w, "key", 3, "value", 5, &e), 0);
	cdbmap_abandon(w);
	cdbmap_abandon(NULL);
	close(fd);
}

/* Enough to make the disk begin early. */
static void
t_large(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "m.cdb");
	char key[32];
	static char value[1000];
	const char *got;
	struct cdbmap_writer *w;
	struct cdbmap *m;
	struct err e;
	size_t vlen;
	int fd, i, n;

	(void)state;
	memset(value, 'v', sizeof(value));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	w = cdbmap_create(fd);
	for (i = 0; i < 20000; i++) {
		n = snprintf(key, sizeof(key), "d%d.example", i);
		assert_int_equal(cdbmap_add(w, key, (size_t)n, value,
				     (size_t)(i % 1000), &e),
		    0);
	}
	assert_int_equal(cdbmap_finish(w, &e), 0);
	close(fd);
	m = cdbmap_open(path, &e);
	assert_non_null(m);
	for (i = 0; i < 20000; i++) {
		n = snprintf(key, sizeof(key), "d%d.example", i);
		assert_int_equal(
		    cdbmap_get(m, key, (size_t)n, &got, &vlen), CDBMAP_FOUND);
		assert_int_equal(vlen, i % 1000);
	}
	cdbmap_close(m);
	free(path);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_round_trip),
	    cmocka_unit_test(t_empty),
	    cmocka_unit_test(t_truncated),
	    cmocka_unit_test(t_random),
	    cmocka_unit_test(t_broken),
	    cmocka_unit_test(t_no_map),
	    cmocka_unit_test(t_full),
	    cmocka_unit_test(t_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
