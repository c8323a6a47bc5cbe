#include "check.h"

#include <errno.h>
#include <sys/stat.h>

#include "err.h"
#include "replace.h"

static const struct {
	const char *name;
	mode_t mode, want;
} modes[] = {{"0600", 0600, 0600}, {"0644", 0644, 0644}, {"0666", 0666, 0644},
    {"07777", 07777, 0644}};

/* A copy is no more than a file to read, and a link is replaced, not it. */
static void
t_copy(void **state)
{
	char *dir = check_folder(), *from = check_path(dir, "from"),
	     *to = check_path(dir, "to");
	struct err e = {0};
	struct stat st;
	size_t i;

	(void)state;
	check_puts(from, "text");
	assert_int_equal(symlink("from", to), 0);
	for (i = 0; i < COUNT(modes); i++) {
		assert_int_equal(chmod(from, modes[i].mode), 0);
		check_int(modes[i].name, replace_by_copy(from, to, &e), 0);
		check_int(modes[i].name, lstat(to, &st), 0);
		check_true(modes[i].name, S_ISREG(st.st_mode));
		check_int(modes[i].name, st.st_mode & 07777, modes[i].want);
		check_int(modes[i].name, st.st_size, 4);
	}
	free(from);
	free(to);
	check_folder_end(dir);
}

static void
t_replace(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "f"),
	     *temp = check_path(dir, "f.tmp"), *other = check_path(dir, "o");
	struct err e = {0};
	struct stat st;

	(void)state;
	check_puts(other, "precious");
	/* Another name of a file must not be written through. */
	assert_int_equal(link(other, temp), 0);
	assert_int_equal(replace_file(path, "new", 3, &e), 0);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(access(temp, F_OK), -1);
	free(path);
	path = check_path(dir, "no/f");
	assert_int_equal(replace_file(path, "new", 3, &e), -1);
	check_has("no folder", e.text, "cannot write");
	free(path);
	free(temp);
	free(other);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_copy),
	    cmocka_unit_test(t_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
