#include "check.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "buf.h"
#include "err.h"
#include "mails.h"

static char dir[] = "/tmp/t_mails.XXXXXX";

static const char *
at(const char *name)
{
	static char path[4][256];
	static unsigned next;
	char *out = path[next++ % 4];

	(void)snprintf(out, sizeof(path[0]), "%s/%s", dir, name);
	return out;
}

static void
put(const char *name, const char *text, size_t len)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1 && write(fd, text, len) == (ssize_t)len);
	(void)close(fd);
}

/* What was told, a line each. */
static bool
tell(const struct mail *m, void *arg)
{
	struct buf *out = arg;
	size_t i;

	buf_printf(out, "%s#%u%s", strrchr(m->path, '/') + 1,
	    (unsigned)m->number, m->cut ? " cut" : "");
	for (i = 0; i < m->n; i++)
		buf_printf(out, " <%.*s>", SPAN_ARG(m->received[i]));
	buf_printf(
	    out, " s=%.*s a=%.*s\n", SPAN_ARG(m->sender), SPAN_ARG(m->author));
	return true;
}

static void
t_files(void **state)
{
	static const struct {
		const char *row, *text, *want;
	} file[] = {
	    {"one",
		"Return-Path: <u@a>\nReceived: one\n\ttwo\nX: Received: y\n"
		"received : three\r\nFrom: A <a@b>\r\n\r\nReceived: body\n",
		"f#1 < one \ttwo> < three> s= <u@a> a= A <a@b>\n"},
	    {"CR and LF as they come",
		"Received: a\r\r\n b\r\n\r\n\r\nReceived: body\n",
		"f#1 < a  b> s= a=\n"},
	    {"no body", "Received: a", "f#1 < a> s= a=\n"},
	    {"no header", "\nReceived: a\n", "f#1 s= a=\n"},
	    {"empty", "", ""},
	    {"From in a body of one",
		"Received: a\n\nFrom u Sat 10:00:00\n\n"
		"From u Sat 10:00:00\nReceived: b\n",
		"f#1 < a> s= a=\n"},
	    {"mbox",
		"From u@a Sat Nov 28 10:00:00 2026\nReceived: a\n\nbody\n"
		"From here on 10:00:00\n\nFrom no time\n>From u 10:00\n\n"
		"From v Sat Nov 28 10:00:00 2026\r\nReceived: b\r\n\r\n\r\n"
		"From w Sat Nov 28 10:00:00 2026\nReceived: c\n",
		"f#1 < a> s= a=\nf#2 < b> s= a=\nf#3 < c> s= a=\n"},
	    {"a field of no value", "Received:\nReceived: a\n",
		"f#1 <> < a> s= a=\n"},
	    {"the first one counts", "From: a\nFrom: b\n\n", "f#1 s= a= a\n"},
	    {"a continuation of nothing", " x\nReceived: a\n",
		"f#1 < a> s= a=\n"},
	};
	struct buf out = {0};
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(file); i++) {
		put("f", file[i].text, strlen(file[i].text));
		buf_clear(&out);
		buf_puts(&out, "");
		check_int(file[i].row, mails_read(at("f"), tell, &out, &e), 0);
		check_str(
		    file[i].row, out.len == 0 ? "" : out.data, file[i].want);
	}
	buf_free(&out);
}

static void
t_folders(void **state)
{
	struct buf out = {0};
	struct err e;

	(void)state;
	assert_int_equal(mails_read(at("none"), tell, &out, &e), -1);
	assert_int_equal(e.code, EX_NOINPUT);
	(void)mkdir(at("m"), 0700);
	assert_int_equal(mails_read(at("m"), tell, &out, &e), -1);
	assert_int_equal(e.code, EX_DATAERR);
	(void)mkdir(at("m/new"), 0700);
	(void)mkdir(at("m/cur"), 0700);
	(void)mkdir(at("m/tmp"), 0700);
	put("m/new/b", "Received: b\n", 12);
	put("m/new/a", "Received: a\n", 12);
	put("m/cur/c:2,S", "Received: c\n", 12);
	put("m/tmp/t", "Received: t\n", 12);
	put("m/new/.hidden", "Received: h\n", 12);
	assert_int_equal(symlink("/etc/passwd", at("m/new/link")), 0);
	assert_int_equal(mkfifo(at("m/new/pipe"), 0600), 0);
	(void)mkdir(at("m/new/folder"), 0700);
	assert_int_equal(mails_read(at("m"), tell, &out, &e), 0);
	assert_string_equal(out.data, "c:2,S#1 < c> s= a=\n"
				      "a#1 < a> s= a=\nb#1 < b> s= a=\n");
	buf_free(&out);
}

struct sizes {
	size_t n, bytes, mails;
	bool cut;
};

static bool
measure(const struct mail *m, void *arg)
{
	struct sizes *s = arg;
	size_t i;

	s->mails++;
	s->n = m->n;
	s->cut = m->cut;
	for (s->bytes = i = 0; i < m->n; i++)
		s->bytes += m->received[i].n;
	return true;
}

static void
check_large(const char *row, struct buf *b, size_t n, bool cut)
{
	struct sizes s = {0};
	struct err e;

	put("f", b->data, b->len);
	check_int(row, mails_read(at("f"), measure, &s, &e), 0);
	check_int(row, s.mails, 1);
	check_int(row, s.n, n);
	check_int(row, s.cut, cut);
	check_true(row, s.bytes <= MAILS_HEADER_MAX);
	/* Half of a field is none. */
	check_true(row, !cut || n > 1 || s.bytes == 0);
	buf_clear(b);
}

static void
t_large(void **state)
{
	struct buf b = {0};
	int i;

	(void)state;
	buf_puts(&b, "Received: from a");
	for (i = 0; i < 10000; i++)
		buf_puts(&b, "\n\t(folded)");
	check_large("10,000 folded lines", &b, 1, false);
	for (i = 0; i < 1000; i++)
		buf_puts(&b, "Received: by x\n");
	check_large("1,000 hops", &b, 1000, false);
	for (i = 0; i < 5000; i++)
		buf_puts(&b, "Received: by x\n");
	check_large("more hops than fit", &b, MAILS_HOPS_MAX, true);
	buf_puts(&b, "Received: ");
	for (i = 0; i < 300000; i++)
		buf_puts(&b, "0123456789");
	check_large("a field that does not fit", &b, 1, true);
	for (i = 0; i < 100000; i++)
		buf_puts(&b, "X: a header that nobody asked for\n");
	buf_puts(&b, "Received: by x\n");
	check_large("other fields", &b, 1, false);
	buf_free(&b);
}

static bool
stop_at_second(const struct mail *m, void *arg)
{
	(void)arg;
	return m->number < 2;
}

/* 100 MB: the process grows by no more than its buffers. */
static void
t_flat(void **state)
{
	static const char head[] =
	    "From u@a Sat Nov 28 10:00:00 2026\nReceived: by x\n\n";
	struct rusage before, after;
	struct sizes s = {0};
	char block[65536];
	struct err e;
	int fd, i;

	(void)state;
	fd = open(at("big"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	memset(block, 'x', sizeof(block));
	for (i = 0; i < 1600; i++) {
		/* Every other one has a body of a single line. */
		if (i % 2 == 0)
			assert_true(write(fd, head, sizeof(head) - 1) > 0);
		block[sizeof(block) - 1] = block[sizeof(block) - 2] =
		    i % 2 == 0 ? 'x' : '\n';
		assert_true(write(fd, block, sizeof(block)) > 0);
	}
	(void)close(fd);
	(void)getrusage(RUSAGE_SELF, &before);
	assert_int_equal(mails_read(at("big"), measure, &s, &e), 0);
	(void)getrusage(RUSAGE_SELF, &after);
	assert_int_equal(s.mails, 800);
	assert_true(after.ru_maxrss - before.ru_maxrss < 2048);
	assert_int_equal(mails_read(at("big"), stop_at_second, NULL, &e), 0);
	(void)unlink(at("big"));
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_files),
	    cmocka_unit_test(t_folders),
	    cmocka_unit_test(t_large),
	    cmocka_unit_test(t_flat),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
