/* textfile: pieces are whole logical lines, small and large files alike. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "check.h"

#include "buf.h"
#include "digest.h"
#include "err.h"
#include "lines.h"
#include "mem.h"
#include "textfile.h"

static char path[64];

static void
write_file(const struct buf *b)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
}

/* A line each: number and text of the logical line. */
static void
put_lines(struct buf *out, char *text, size_t len, unsigned no)
{
	struct lines in;
	struct line line;

	lines_init(&in, text, len, no);
	while (lines_next(&in, &line))
		buf_printf(out, "%u:%s;", line.no, line.text);
}

static const struct {
	const char *what;
	size_t lines;
	size_t length; /* of most lines */
	size_t every;  /* so many are continued ... */
	size_t by;     /* ... by so many lines */
} files[] = {
    {"empty", 0, 0, 0, 0},
    {"one line", 1, 10, 0, 0},
    {"small", 1000, 40, 7, 3},
    {"a few pieces", 60000, 60, 5, 2},
    {"read ahead", 200000, 60, 9, 1},
    {"lines longer than a piece", 12, 700000, 0, 0},
    {"one that is continued over many pieces", 90000, 60, 90001, 89999},
};

static void
make(struct buf *b, size_t i)
{
	size_t n, left = 0;
	char *fill = mem_zero(1, files[i].length + 1);

	memset(fill, 'x', files[i].length);
	for (n = 0; n < files[i].lines; n++) {
		if (left > 0) {
			left--;
			buf_puts(b, n % 3 == 0 ? "# note\n" : "  more");
		} else if (files[i].every > 0 && n % files[i].every == 0) {
			left = files[i].by;
		}
		buf_printf(b, "%zu%s\n", n, fill);
	}
	free(fill);
}

static void
t_pieces(void **state)
{
	struct buf text = {0}, want = {0}, got = {0};
	char is[DIGEST_HEX], should[DIGEST_HEX];
	struct textfile_piece piece = {0};
	struct textfile *t;
	struct digest *g;
	struct stat st;
	struct err e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		buf_clear(&text);
		buf_clear(&want);
		buf_clear(&got);
		buf_puts(&text, "");
		make(&text, i);
		write_file(&text);
		t = textfile_open(path, 1 << 30, &st, &e);
		assert_non_null(t);
		assert_int_equal(st.st_size, text.len);
		while ((rc = textfile_next(t, &piece, &e)) == 1)
			put_lines(&got, piece.text, piece.len, piece.line);
		assert_int_equal(rc, 0);
		textfile_close(t, is);
		g = digest_new();
		digest_add(g, text.data, text.len);
		digest_hex(g, should);
		assert_string_equal(is, should);
		put_lines(&want, text.data, text.len, 1);
		assert_int_equal(want.len, got.len);
		if (want.len > 0)
			assert_memory_equal(want.data, got.data, want.len);
	}
	textfile_piece_free(&piece);
	buf_free(&text);
	buf_free(&want);
	buf_free(&got);
}

static void
t_faults(void **state)
{
	struct buf text = {0};
	struct textfile_piece piece = {0};
	struct textfile *t;
	struct stat st;
	struct err e;
	int fd;

	(void)state;
	assert_null(textfile_open("/nonexistent/x", 10, &st, &e));
	assert_int_equal(e.code, EX_NOINPUT);
	buf_puts(&text, "0123456789\n");
	write_file(&text);
	assert_null(textfile_open(path, 10, &st, &e));
	assert_int_equal(e.code, EX_DATAERR);
	/* What grows behind our back is not read as if it were whole. */
	t = textfile_open(path, 1000, &st, &e);
	assert_non_null(t);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "more\n", 5), 5);
	close(fd);
	assert_int_equal(textfile_next(t, &piece, &e), -1);
	assert_int_equal(e.code, EX_TEMPFAIL);
	textfile_close(t, NULL);
	textfile_piece_free(&piece);
	buf_free(&text);
}

/* Sizes around those that room is made for. */
static void
t_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 63, 64, 65, 524286, 524287,
	    524288, 524289, 655359, 655360, 655361, 1048575, 1048576, 1048577,
	    262143, 262144, 262145, 327679, 327680, 327681};
	struct textfile_piece piece = {0};
	struct textfile *t;
	struct buf text;
	struct stat st;
	struct err e;
	size_t i, j, got;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		text = (struct buf){0};
		for (j = 0; j < sizes[i]; j++)
			buf_putc(&text, j % 32 == 31 ? '\n' : 'x');
		write_file(&text);
		t = textfile_open(path, 1 << 22, &st, &e);
		assert_non_null(t);
		got = 0;
		while ((rc = textfile_next(t, &piece, &e)) == 1) {
			assert_memory_equal(
			    piece.text, text.data + got, piece.len);
			got += piece.len;
			piece.text[piece.len] = '\0';
		}
		assert_int_equal(rc, 0);
		assert_int_equal(got, sizes[i]);
		textfile_close(t, NULL);
		buf_free(&text);
	}
	textfile_piece_free(&piece);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_pieces),
	    cmocka_unit_test(t_faults),
	    cmocka_unit_test(t_sizes),
	};
	int fd, rc;

	(void)snprintf(path, sizeof(path), "/tmp/t_textfile.XXXXXX");
	fd = mkstemp(path);
	if (fd == -1)
		return 1;
	close(fd);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	return rc != 0;
}
