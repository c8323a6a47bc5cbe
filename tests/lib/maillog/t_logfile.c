#include "check.h"

#include <fcntl.h>
#include <time.h>

#include "buf.h"
#include "err.h"
#include "logfile.h"

static char *folder;

static char *
path_of(const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

static void
append(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

/* All lines there are now, each with a '|' behind it. */
static void
read_lines(struct logfile *f, struct buf *out)
{
	struct span line;
	struct err e;

	while (logfile_next(f, &line, &e) == LOGFILE_LINE) {
		buf_add(out, line.p, line.n);
		buf_putc(out, '|');
	}
}

/* A log that grows by every possible cut. */
static void
t_grows(void **state)
{
	static const char text[] = "one\n\ntwo\nthree\n\n\nfour";
	char *path = path_of("grows"), first[DIGEST_HEX], again[DIGEST_HEX];
	struct buf out = {0};
	struct logfile *f;
	struct span rest;
	struct err e;
	size_t cut, i;

	(void)state;
	for (cut = 1; cut < sizeof(text); cut++) {
		unlink(path);
		append(path, text, 0);
		f = logfile_open(path, &e);
		assert_non_null(f);
		assert_false(logfile_marks(f, first, NULL));
		for (i = 0; i < sizeof(text) - 1; i += cut) {
			size_t n = sizeof(text) - 1 - i;

			append(path, text + i, n < cut ? n : cut);
			read_lines(f, &out);
		}
		check_str("lines", out.data, "one||two|three|||");
		assert_int_equal(f->offset, sizeof(text) - 5);
		assert_true(logfile_marks(f, first, NULL));
		assert_true(cut == 1 || strcmp(first, again) == 0);
		memcpy(again, first, sizeof(again));
		assert_true(logfile_goes_on(f));
		assert_true(logfile_rest(f, &rest));
		assert_int_equal(rest.n, 4);
		assert_false(logfile_rest(f, &rest));
		buf_clear(&out);
		/* From the line at or behind any byte. */
		assert_int_equal(logfile_seek(f, 6, true, &e), 0);
		read_lines(f, &out);
		check_str("from 6", out.data, "three|||");
		buf_clear(&out);
		assert_int_equal(logfile_seek(f, 5, true, &e), 0);
		read_lines(f, &out);
		check_str("from 5", out.data, "two|three|||");
		buf_clear(&out);
		assert_int_equal(truncate(path, 2), 0);
		assert_false(logfile_goes_on(f));
		/* The same first line, and as long, but other text. */
		append(path, "e\n\nTWO\nthree\n\n\nfour", 20);
		assert_false(logfile_goes_on(f));
		assert_int_equal(truncate(path, 2), 0);
		append(path, "another first line, and longer\n\n", 32);
		assert_false(logfile_goes_on(f));
		logfile_close(f);
	}
	buf_free(&out);
	free(path);
}

static void
t_long(void **state)
{
	static const size_t sizes[] = {LOGFILE_LINE_MAX - 1, LOGFILE_LINE_MAX,
	    LOGFILE_LINE_MAX + 1, 256 * 1024, 1000000};
	char *path = path_of("long"), *text = malloc(1000001);
	struct buf out = {0};
	struct logfile *f;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		bool fits = sizes[i] <= LOGFILE_LINE_MAX;

		unlink(path);
		memset(text, 'x', sizes[i]);
		text[sizes[i]] = '\n';
		append(path, "a\n", 2);
		append(path, text, sizes[i] + 1);
		append(path, "b\n", 2);
		f = logfile_open(path, &e);
		assert_non_null(f);
		read_lines(f, &out);
		assert_int_equal(out.len, 4 + (fits ? sizes[i] + 1 : 0));
		assert_int_equal(f->too_long, !fits);
		assert_int_equal(f->offset, sizes[i] + 5);
		buf_clear(&out);
		logfile_close(f);
	}
	buf_free(&out);
	free(text);
	free(path);
}

static void
t_errors(void **state)
{
	struct err e;
	char *path = path_of("none");

	(void)state;
	assert_null(logfile_open(path, &e));
	assert_int_equal(e.code, 66);
	assert_null(logfile_open(folder, &e));
	assert_int_equal(e.code, 66);
	logfile_close(NULL);
	free(path);
}

static void
t_rotated(void **state)
{
	static const char *const names[] = {"mail.log", "mail.log.1",
	    "mail.log.2.gz", "mail.log-20261123", "mail.log.old", "mail.logs",
	    "mail.err", "mail.log.10"};
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char **v;
	char *path;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		path = path_of(names[i]);
		append(path, "x\n", 2);
		/* All of the same age but one, which is older. */
		times[1].tv_sec = i == 3 ? 500 : 1000;
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		free(path);
	}
	path = path_of("mail.log");
	n = logfile_rotated(path, &v);
	assert_int_equal(n, 4);
	check_has("oldest", v[0], "mail.log-20261123");
	check_has("then", v[1], "mail.log.10");
	check_has("then", v[2], "mail.log.2.gz");
	check_has("newest", v[3], "mail.log.1");
	free(v);
	free(path);
	/* Dates count the other way. */
	for (i = 0; i < 2; i++) {
		path = path_of(i == 0 ? "d.log.20261123" : "d.log.20261122");
		append(path, "x\n", 2);
		times[1].tv_sec = 2000 - (time_t)i;
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		free(path);
	}
	path = path_of("d.log");
	n = logfile_rotated(path, &v);
	assert_int_equal(n, 2);
	check_has("newest", v[1], "d.log.20261123");
	free(v);
	free(path);
	/* What a restore made of the times: the numbers count. */
	times[1].tv_sec = 100;
	path = path_of("mail.log.1");
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	free(path);
	path = path_of("mail.log");
	n = logfile_rotated(path, &v);
	assert_int_equal(n, 4);
	check_has("oldest", v[0], "mail.log-20261123");
	check_has("then", v[2], "mail.log.2.gz");
	check_has("newest", v[3], "mail.log.1");
	free(v);
	free(path);
	n = logfile_rotated("/nowhere/mail.log", &v);
	assert_int_equal(n, 0);
	free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_grows),
	    cmocka_unit_test(t_long),
	    cmocka_unit_test(t_errors),
	    cmocka_unit_test(t_rotated),
	};
	int rc;

	folder = check_folder();
	rc = cmocka_run_group_tests(tests, NULL, NULL) != 0;
	check_folder_end(folder);
	return rc;
}
