/* Who runs a program, as far as it can be told. */
#include "check.h"

#include "author.h"

static const struct {
	const char *name, *cgroup, *want;
} units[] = {
    {"of the system", "0::/system.slice/tlspact-compile.service\n",
	"tlspact-compile.service"},
    {"below one", "0::/system.slice/cron.service/work\n", "cron.service"},
    {"a session", "0::/user.slice/user-0.slice/session-3.scope\n", ""},
    {"of a user",
	"0::/user.slice/user-1.slice/user@1.service/app.slice/x.service",
	"x.service"},
    {"version 1", "12:pids:/\n1:name=systemd:/system.slice/a.service\n0::/\n",
	"a.service"},
    {"none", "0::/\n", ""},
    {"nothing", "", ""},
    {"no name", "0::/.service\n", ""},
    {"a name that is none", "0::/a\x1b[2Jb.service\n", "a?[2Jb.service"},
    {"cut",
	"0::/"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaa.service",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
};

static void
t_unit(void **state)
{
	char out[AUTHOR_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(units); i++) {
		author_unit(units[i].cgroup, out);
		check_str(units[i].name, out, units[i].want);
	}
}

static void
t_text(void **state)
{
	char out[AUTHOR_TEXT];

	(void)state;
	check_str(
	    "login", author_text(&(struct author){.login = "jo"}, out), "jo");
	check_str("sudo",
	    author_text(
		&(struct author){.login = "root", .sudo_user = "jo"}, out),
	    "root for jo");
	check_str("unit",
	    author_text(
		&(struct author){.login = "root", .unit = "a.service"}, out),
	    "a.service");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_unit),
	    cmocka_unit_test(t_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
