/*
 * t_freshmap.c: which files are served, and what is done about a map that has
 * run out.
 */
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
make_world(struct world *w, char *program)
{
	*w = (struct world){.dir = check_folder(),
	    .base = event_base_new(),
	    .s.contact = "",
	    .set.compile_command = program};
	w->set.map = w->path = check_path(w->dir, "map");
}

static void
begin(struct world *w, const char *name, time_t expires, char *program)
{
	static const char *const none[] = {NULL};

	make_world(w, program);
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

#define HEADER                                                              \
	" header",                                                          \
	    "format=1 time=2026-11-23T12:00:00Z expires=never postfix=3.7 " \
	    "partners=1 domains=1 enforced=1 lowered=0 registry=sha256:"    \
	    "0000000000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *name;
	const char *kv[9];
	const char *why; /* NULL: it is good */
} files[] = {
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

/* Start with the file; what is logged goes to `said`. */
static int
load(struct world *w, int said)
{
	static const char *const none[] = {NULL};
	const int before = dup(STDERR_FILENO);
	int code;

	(void)dup2(said, STDERR_FILENO);
	code = freshmap_start(&w->f, &w->set, none, &w->s, w->base);
	(void)dup2(before, STDERR_FILENO);
	(void)close(before);
	return code;
}

/* Which files are taken over, and which are refused. */
static void
t_taken(void **state)
{
	static char program[] = "/bin/true";
	char *dir = check_folder(), *path = check_path(dir, "said");
	char said[1024];
	struct world w;
	ssize_t n;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < COUNT(files); i++) {
		make_world(&w, program);
		fd = open(w.path, O_RDWR | O_CREAT, 0600);
		memmap_write(fd, files[i].kv);
		(void)close(fd);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		check_int(files[i].name, load(&w, fd),
		    files[i].why == NULL ? EX_OK : EX_DATAERR);
		if ((n = pread(fd, said, sizeof(said) - 1, 0)) < 0)
			n = 0;
		said[n] = '\0';
		(void)close(fd);
		if (files[i].why == NULL) {
			check_true(files[i].name, w.f.served->current);
			check_int(files[i].name, w.f.served->header.domains, 1);
		} else {
			check_has(files[i].name, said, files[i].why);
			check_true(files[i].name, w.f.served->map == NULL);
		}
		end(&w);
	}
	(void)unlink(path);
	free(path);
	check_folder_end(dir);
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
		freshmap_tick(&w.f, at, false);
		freshmap_tick(&w.f, at + 9000, false); /* one at a time */
		wait_for(&w);
		check_int(rows[i].name, w.f.compile_failed, rows[i].fails);
		freshmap_tick(&w.f, at + FRESHMAP_AGAIN - 1, false);
		check_int("not at once", w.f.compiling, false);
		check_int("nor", w.f.compile_failed, rows[i].fails);
		freshmap_tick(&w.f, at + FRESHMAP_AGAIN, false);
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
		freshmap_tick(&w.f, 5000, false);
		check_int(rows[i].name, w.f.compiling, rows[i].want);
		end(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_taken),
	    cmocka_unit_test(t_pause),
	    cmocka_unit_test(t_expired),
	};

	return cmocka_run_group_tests_name("freshmap", tests, NULL, NULL);
}
