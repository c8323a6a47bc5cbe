#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "err.h"
#include "file.h"

static void
t_slurp(void **state)
{
	static const size_t sizes[] = {0, 1, 8191, 8192, 8193, 1000000};
	char *dir = check_folder(), *path = check_path(dir, "f");
	char *text = malloc(1000000), *got;
	struct err e = {0};
	struct stat st;
	size_t i, len;

	(void)state;
	memset(text, 'x', 1000000);
	for (i = 0; i < COUNT(sizes); i++) {
		check_write(path, text, sizes[i]);
		got = file_slurp(path, 1000000, &len, &st, &e);
		assert_non_null(got);
		assert_int_equal(len, sizes[i]);
		assert_int_equal(st.st_size, sizes[i]);
		assert_memory_equal(got, text, len);
		assert_int_equal(got[len], '\0');
		got[len + 1] = 'y'; /* promised: room for one more */
		free(got);
	}
	/* At the limit, and one over it. */
	got = file_slurp(path, 1000000, &len, NULL, &e);
	assert_non_null(got);
	free(got);
	assert_null(file_slurp(path, 999999, &len, NULL, &e));
	assert_int_equal(e.code, EX_DATAERR);
	check_has("too large", e.text, "is larger than 999999 bytes");
	free(text);
	free(path);
	check_folder_end(dir);
}

static void
t_missing(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "none");
	struct err e = {0};
	size_t len;

	(void)state;
	assert_null(file_slurp(path, 100, &len, NULL, &e));
	assert_int_equal(e.code, EX_NOINPUT);
	check_has("missing", e.text, "No such file");
	assert_null(file_slurp(dir, 1 << 20, &len, NULL, &e));
	assert_int_equal(e.code, EX_NOINPUT);
	check_has("a folder", e.text, "Is a directory");
	free(path);
	path = check_path(dir, "loop");
	assert_int_equal(symlink("loop", path), 0);
	assert_null(file_slurp(path, 100, &len, NULL, &e));
	assert_int_equal(e.code, EX_NOINPUT);
	free(path);
	check_folder_end(dir);
}

struct feed {
	const char *path;
	size_t len;
};

static void *
feed(void *arg)
{
	const struct feed *f = arg;
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);
	size_t i;

	for (i = 0; fd != -1 && i < f->len; i++)
		if (write(fd, "z", 1) != 1)
			break;
	if (fd != -1)
		close(fd);
	return NULL;
}

/* A pipe has no size, and is never called changed. */
static void
t_pipe(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "pipe"), *got;
	struct feed f = {path, 20000};
	struct err e = {0};
	pthread_t writer;
	size_t len;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pthread_create(&writer, NULL, feed, &f), 0);
	got = file_slurp(path, 20000, &len, NULL, &e);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_non_null(got);
	assert_int_equal(len, 20000);
	free(got);
	/* No size to warn of it, but a limit all the same. */
	f.len = 20000;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pthread_create(&writer, NULL, feed, &f), 0);
	got = file_slurp(path, 19999, &len, NULL, &e);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_null(got);
	assert_int_equal(e.code, EX_DATAERR);
	free(path);
	check_folder_end(dir);
}

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
		assert_int_equal(stat(from, &st), 0);
		check_int(
		    modes[i].name, file_replace(to, "text", 4, &st, &e), 0);
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
	assert_int_equal(file_replace(path, "new", 3, NULL, &e), 0);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(access(temp, F_OK), -1);
	free(path);
	path = check_path(dir, "no/f");
	assert_int_equal(file_replace(path, "new", 3, NULL, &e), -1);
	check_has("no folder", e.text, "cannot write");
	free(path);
	free(temp);
	free(other);
	check_folder_end(dir);
}

/* Root that replaced /dev/null would leave the machine without one. */
static void
t_special(void **state)
{
	static const char *const name[] = {"pipe", "link", "folder"};
	char *dir = check_folder(), *path, *pipe = check_path(dir, "pipe"),
	     *folder = check_path(dir, "folder"), *to = check_path(dir, "link");
	struct stat before, after;
	struct err e;
	size_t i;

	(void)state;
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(symlink("pipe", to), 0);
	for (i = 0; i < COUNT(name); i++) {
		path = check_path(dir, name[i]);
		check_int(name[i], lstat(path, &before), 0);
		check_int(name[i], file_replace(path, "new", 3, NULL, &e), -1);
		check_int(name[i], e.code, EX_CANTCREAT);
		check_has(name[i], e.text, "is not a regular file");
		check_int(name[i], lstat(path, &after), 0);
		check_int(name[i], after.st_ino, before.st_ino);
		free(path);
	}
	free(pipe);
	free(folder);
	free(to);
	check_folder_end(dir);
}

/* What is shared is nobody's, and what another file is locked by no matter. */
static void
t_lock_holder(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "f");
	int fd, other;

	(void)state;
	assert_int_equal(file_lock_holder(path), 0);
	check_write(path, "x", 1);
	assert_int_equal(file_lock_holder(path), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	other = open(dir, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_int_equal(file_lock_holder(path), 0);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(file_lock_holder(path), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(file_lock_holder(path), getpid());
	close(fd);
	assert_int_equal(file_lock_holder(path), 0);
	close(other);
	free(path);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_slurp),
	    cmocka_unit_test(t_missing),
	    cmocka_unit_test(t_pipe),
	    cmocka_unit_test(t_copy),
	    cmocka_unit_test(t_replace),
	    cmocka_unit_test(t_special),
	    cmocka_unit_test(t_lock_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
