/*
 * check.h: cmocka, and assertions that name the row of the table that
 * failed.
 */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define check_true(row, cond)                                      \
	do {                                                       \
		if (!(cond))                                       \
			fail_msg("[%s] not true: %s", row, #cond); \
	} while (0)

#define check_int(row, got, want)                                              \
	do {                                                                   \
		long long got_ = (long long)(got), want_ = (long long)(want);  \
                                                                               \
		if (got_ != want_)                                             \
			fail_msg("[%s] %s is %lld, not %lld", row, #got, got_, \
			    want_);                                            \
	} while (0)

/* Strings, either of which may be NULL. */
#define check_str(row, got, want)                                             \
	do {                                                                  \
		const char *got_ = (got), *want_ = (want);                    \
                                                                              \
		if (got_ == NULL || want_ == NULL ? got_ != want_             \
						  : strcmp(got_, want_) != 0) \
			fail_msg("[%s] %s is\n  %s, not\n  %s", row, #got,    \
			    got_ == NULL ? "NULL" : got_,                     \
			    want_ == NULL ? "NULL" : want_);                  \
	} while (0)

/* want is somewhere in got. */
#define check_has(row, got, want)                                              \
	do {                                                                   \
		const char *got_ = (got), *want_ = (want);                     \
                                                                               \
		if (got_ == NULL || strstr(got_, want_) == NULL)               \
			fail_msg("[%s] %s is\n  %s, without\n  %s", row, #got, \
			    got_ == NULL ? "NULL" : got_, want_);              \
	} while (0)

/* A private folder under TMPDIR; the caller frees the path. */
static inline char *
check_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = NULL;

	if (asprintf(&path, "%s/tlspact-unit.XXXXXX",
		tmp == NULL || *tmp == '\0' ? "/tmp" : tmp) < 0 ||
	    mkdtemp(path) == NULL)
		fail_msg("no folder for the test");
	return path;
}

/* Remove the folder with all that is in it, and free path. */
static inline void
check_folder_end(char *path)
{
	char *command = NULL;

	if (asprintf(&command, "rm -rf '%s'", path) < 0 || system(command) != 0)
		fail_msg("cannot remove %s", path);
	free(command);
	free(path);
}

/* DIR/NAME; the caller frees it. */
static inline char *
check_path(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	return path;
}

static inline void
check_write(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		fail_msg("cannot write %s", path);
}

static inline void
check_puts(const char *path, const char *text)
{
	check_write(path, text, strlen(text));
}

#endif
