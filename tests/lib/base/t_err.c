#include "check.h"

#include <errno.h>
#include <sysexits.h>

#include "err.h"

static void
t_set(void **state)
{
	struct err e = {.line = 3, .file = "x"};
	char text[2000];

	(void)state;
	assert_int_equal(err_set(&e, EX_DATAERR, "a %d", 5), -1);
	assert_int_equal(e.code, EX_DATAERR);
	assert_string_equal(e.text, "a 5");
	assert_null(e.file);
	assert_int_equal(e.line, 0);
	errno = ENOENT;
	assert_int_equal(err_sys(&e, EX_NOINPUT, "cannot open %s", "f"), -1);
	assert_string_equal(e.text, "cannot open f: No such file or directory");
	assert_int_equal(errno, ENOENT);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(err_sys(&e, EX_NOINPUT, "%s", text), -1);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

static const struct {
	const char *name;
	int errnum, input, output;
} codes[] = {
    {"ENOENT", ENOENT, EX_NOINPUT, EX_CANTCREAT},
    {"ENOTDIR", ENOTDIR, EX_NOINPUT, EX_CANTCREAT},
    {"EISDIR", EISDIR, EX_NOINPUT, EX_CANTCREAT},
    {"ELOOP", ELOOP, EX_NOINPUT, EX_CANTCREAT},
    {"EACCES", EACCES, EX_NOPERM, EX_NOPERM},
    {"EPERM", EPERM, EX_NOPERM, EX_NOPERM},
    {"EROFS", EROFS, EX_IOERR, EX_CANTCREAT},
    {"ENOSPC", ENOSPC, EX_IOERR, EX_IOERR},
    {"EDQUOT", EDQUOT, EX_IOERR, EX_IOERR},
    {"EFBIG", EFBIG, EX_IOERR, EX_IOERR},
    {"EIO", EIO, EX_IOERR, EX_IOERR},
};

static void
t_codes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(codes); i++) {
		check_int(codes[i].name, err_code_input(codes[i].errnum),
		    codes[i].input);
		check_int(codes[i].name, err_code_output(codes[i].errnum),
		    codes[i].output);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_set),
	    cmocka_unit_test(t_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
