/* t_livemap.c: which files are taken over, and which are refused. */
#include "check.h"

#include <fcntl.h>
#include <sysexits.h>

#include "buf.h"
#include "livemap.h"
#include "memmap.h"

#define HEADER                                                              \
	" header",                                                          \
	    "format=1 time=2026-11-23T12:00:00Z expires=never postfix=3.7 " \
	    "partners=1 domains=1 enforced=1 lowered=0 registry=sha256:"    \
	    "0000000000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *name;
	const char *kv[9];
	const char *why; /* NULL: it is good */
} rows[] = {
    {"a map", {HEADER, "a.example", "may", NULL}, NULL},
    {"a key of a later version", {HEADER, " x:1", "?", NULL}, NULL},
    {"no header", {"a.example", "may", NULL}, "no header"},
    {"another header", {" header", "format=9", NULL}, "the record of "},
    {"a key twice", {HEADER, "a.example", "may", "a.example", "may", NULL},
	"the record of \"a.example\""},
    {"a key twice, not the same",
	{HEADER, "a.example", "secure", "a.example", "may", NULL},
	"the record of \"a.example\""},
    {"the header twice", {HEADER, HEADER, NULL}, "the record of \" header\""},
    {"no level", {HEADER, "a.example", "nonsense", NULL}, "a.example"},
    {"an empty row", {HEADER, "a.example", "", NULL}, "a.example"},
    {"a control character", {HEADER, "a.example", "may\n", NULL}, "a.example"},
    {"an odd record", {HEADER, " d:a.example", "level=odd", NULL},
	"d:a.example"},
};

static enum livemap_event
load(struct livemap *lm, struct err *e)
{
	enum livemap_event ev = livemap_look(lm, true, e);

	while (ev == LIVEMAP_BUSY)
		ev = livemap_step(lm, 1000000, e);
	return ev;
}

static void
t_taken(void **state)
{
	char *dir = check_folder(), *path = check_path(dir, "map");
	struct livemap *lm;
	struct err e = {0};
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		(void)unlink(path);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		memmap_write(fd, rows[i].kv);
		close(fd);
		lm = livemap_new(path);
		check_int(rows[i].name, load(lm, &e),
		    rows[i].why == NULL ? LIVEMAP_NEW : LIVEMAP_REFUSED);
		if (rows[i].why == NULL) {
			check_true(rows[i].name, livemap_served(lm)->current);
			check_int(rows[i].name,
			    livemap_served(lm)->header.domains, 1);
		} else {
			check_has(rows[i].name, e.text, rows[i].why);
			check_int(rows[i].name, e.code, EX_DATAERR);
			check_true(
			    rows[i].name, livemap_served(lm)->map == NULL);
		}
		livemap_free(lm);
	}
	free(path);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_taken),
	};

	return cmocka_run_group_tests_name("livemap", tests, NULL, NULL);
}
