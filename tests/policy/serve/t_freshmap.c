/* t_freshmap.c: when the map has run out, and what is done about it. */
#include "check.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sysexits.h>

#include "buf.h"
#include "freshmap.h"
#include "maprecord.h"
#include "memmap.h"
#include "service.h"

#define DEADLINE 2000 /* steps of 10 ms */

/* Until what runs has ended. */
static int
reap(struct recompile *r, struct err *e)
{
	int rv = 0, i;

	for (i = 0; rv == 0 && i < DEADLINE; i++) {
		usleep(10000);
		rv = recompile_reap(r, e);
	}
	return rv;
}

static void
runs(struct recompile *r, const char *program)
{
	static const char *const none[] = {NULL};

	*r = (struct recompile){0};
	recompile_init(r, program, none);
}

static void
t_pause(void **state)
{
	static const struct {
		const char *name, *program;
		int end; /* as recompile_reap() tells it */
	} rows[] = {
	    {"it works", "/bin/true", 1},
	    {"it fails", "/bin/false", -1},
	};
	const time_t at = 1000;
	struct recompile r;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		runs(&r, rows[i].program);
		check_int(rows[i].name, recompile_start(&r, at, &e), 1);
		check_int(
		    "one at a time", recompile_start(&r, at + 9000, &e), 0);
		check_int(rows[i].name, reap(&r, &e), rows[i].end);
		check_int(rows[i].name, r.failed, rows[i].end != 1);
		check_int("not at once",
		    recompile_start(&r, at + RECOMPILE_AGAIN - 1, &e), 0);
		check_int("but then",
		    recompile_start(&r, at + RECOMPILE_AGAIN, &e), 1);
		check_int(rows[i].name, reap(&r, &e), rows[i].end);
		recompile_release(&r);
	}
}

static void
write_map(const char *path, time_t expires)
{
	struct mapheader h = {.format = MAPHEADER_FORMAT,
	    .time = 1000,
	    .expires = expires,
	    .postfix = 3007,
	    .registry = "00000000000000000000000000000000"
			"00000000000000000000000000000000"};
	const char *kv[] = {MAPHEADER_KEY, NULL, NULL};
	struct buf text = {0};
	int fd;

	mapheader_print(&h, &text);
	kv[1] = text.data;
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	memmap_write(fd, kv);
	close(fd);
	buf_free(&text);
}

/* The compile is started in the second in which the row ends, not later. */
static void
t_expired(void **state)
{
	const time_t now = time(NULL);
	const struct {
		const char *name;
		time_t expires;
		bool want;
	} rows[] = {
	    {"never", 0, false},
	    {"in an hour", now + 3600, false},
	    {"now", now, true},
	    {"an hour ago", now - 3600, true},
	};
	struct event_base *base = event_base_new();
	char *dir = check_folder(), *path = check_path(dir, "map");
	struct service s;
	struct freshmap k;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		write_map(path, rows[i].expires);
		k = (struct freshmap){0};
		s = (struct service){.contact = ""};
		runs(&k.recompile, "/bin/true");
		check_int(
		    rows[i].name, freshmap_start(&k, path, &s, base), EX_OK);
		check_int(rows[i].name, freshmap_expired(&k), rows[i].want);
		freshmap_tick(&k, 5000);
		check_int(rows[i].name, k.recompile.pid != 0, rows[i].want);
		if (k.recompile.pid != 0)
			check_int(rows[i].name, reap(&k.recompile, &e), 1);
		freshmap_release(&k);
	}
	event_base_free(base);
	free(path);
	check_folder_end(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_pause),
	    cmocka_unit_test(t_expired),
	};

	return cmocka_run_group_tests_name("freshmap", tests, NULL, NULL);
}
