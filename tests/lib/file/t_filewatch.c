#include "check.h"

#include <poll.h>
#include <time.h>

#include "filewatch.h"

#define LONG 60000 /* ms: a wait lasts that if a change goes unseen */

static void
write_to(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	assert_non_null(f);
	assert_int_equal(fputs("x", f), 1);
	assert_int_equal(fclose(f), 0);
}

/* Until anything happens, or not for ever. */
static void
wait_for(struct filewatch *w, int ms)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};

	(void)poll(&p, 1, ms);
	(void)filewatch_read(w);
}

/* What is written to a file, also after it was moved. */
static void
t_inside(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "watched"),
	     *moved = check_path(dir, "moved");
	struct filewatch *w = filewatch_new(path);
	struct timespec a, b;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &a);
	write_to(path, "a");
	wait_for(w, LONG);
	filewatch_inside(w, NULL);
	write_to(path, "a");
	wait_for(w, LONG);
	assert_int_equal(rename(path, moved), 0);
	filewatch_inside(w, moved);
	write_to(moved, "a");
	wait_for(w, LONG);
	wait_for(w, 1);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(b.tv_sec - a.tv_sec < LONG / 2000);
	filewatch_free(w);
	free(path);
	free(moved);
	check_folder_end(dir);
}

/* Something happened in the folder: was it the file? */
static bool
is_ours(struct filewatch *w)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, LONG), 1);
	return filewatch_read(w);
}

/* Nothing is looked at before it is whole, and nothing of others. */
static void
t_replaced(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "map"),
	     *other = check_path(dir, "map.tmp");
	struct filewatch *w = filewatch_new(path);
	FILE *f;

	(void)state;
	write_to(other, "w");
	assert_false(is_ours(w));
	assert_int_equal(rename(other, path), 0);
	assert_true(is_ours(w));
	assert_int_equal(unlink(path), 0);
	assert_true(is_ours(w));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_false(is_ours(w));
	assert_int_equal(fclose(f), 0);
	assert_true(is_ours(w));
	filewatch_free(w);
	filewatch_free(NULL);
	free(path);
	free(other);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(t_inside),
	    cmocka_unit_test(t_replaced),
	};

	return cmocka_run_group_tests_name("filewatch", all, NULL, NULL) != 0;
}
