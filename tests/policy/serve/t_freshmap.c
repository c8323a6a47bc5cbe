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
#include "settings.h"

#define DEADLINE 2000 /* steps of 10 ms */

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

/* A world with a map that runs out at that time. */
struct world {
	char *dir, *path;
	struct event_base *base;
	struct settings set;
	struct service s;
	struct freshmap f;
};

static void
begin(struct world *w, const char *name, time_t expires, char *program)
{
	static const char *const none[] = {NULL};

	*w = (struct world){.dir = check_folder(),
	    .base = event_base_new(),
	    .s.contact = "",
	    .set.compile_command = program};
	w->set.map = w->path = check_path(w->dir, "map");
	write_map(w->path, expires);
	check_int(
	    name, freshmap_start(&w->f, &w->set, none, &w->s, w->base), EX_OK);
}

/* Until what runs has ended. */
static void
wait_for(struct world *w)
{
	int i;

	for (i = 0; w->f.compiling && i < DEADLINE; i++) {
		usleep(10000);
		(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	check_int("it has ended", w->f.compiling, false);
}

static void
end(struct world *w)
{
	wait_for(w);
	freshmap_release(&w->f);
	event_base_free(w->base);
	(void)unlink(w->path);
	free(w->path);
	check_folder_end(w->dir);
}

static void
t_pause(void **state)
{
	static struct {
		const char *name;
		char program[16];
		bool fails;
	} rows[] = {
	    {"it works", "/bin/true", false},
	    {"it fails", "/bin/false", true},
	};
	const time_t at = 1000;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&w, rows[i].name, 1, rows[i].program);
		freshmap_tick(&w.f, at);
		freshmap_tick(&w.f, at + 9000); /* one at a time */
		wait_for(&w);
		check_int(rows[i].name, w.f.compile_failed, rows[i].fails);
		freshmap_tick(&w.f, at + FRESHMAP_AGAIN - 1);
		check_int("not at once", w.f.compiling, false);
		check_int("nor", w.f.compile_failed, rows[i].fails);
		freshmap_tick(&w.f, at + FRESHMAP_AGAIN);
		wait_for(&w);
		check_int("but then", w.f.compile_failed, 2 * rows[i].fails);
		end(&w);
	}
}

/* The compile is started in the second in which the row ends, not later. */
static void
t_expired(void **state)
{
	static char program[] = "/bin/true";
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
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		begin(&w, rows[i].name, rows[i].expires, program);
		check_int(rows[i].name, freshmap_expired(&w.f), rows[i].want);
		freshmap_tick(&w.f, 5000);
		check_int(rows[i].name, w.f.compiling, rows[i].want);
		end(&w);
	}
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
