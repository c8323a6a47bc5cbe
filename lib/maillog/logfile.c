#include "logfile.h"

#include <archive.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "quote.h"

#define BLOCK (256 * 1024) /* bytes read at once; over LOGFILE_LINE_MAX */
#define PIECE (32 * 1024)  /* bytes unpacked at once */
#define MAGIC_MAX 6

static ssize_t
read_fd(int fd, void *to, size_t n)
{
	ssize_t got;

	do
		got = read(fd, to, n);
	while (got == -1 && errno == EINTR);
	return got;
}

static bool
is_packed(const char *p, size_t n)
{
	static const struct {
		const char *bytes;
		size_t n;
	} magic[] = {
	    {"\x1f\x8b", 2},
	    {"\x28\xb5\x2f\xfd", 4},
	    {"\xfd"
	     "7zXZ",
		5},
	    {"BZh", 3},
	    {"\x04\x22\x4d\x18", 4},
	};
	size_t i;

	for (i = 0; i < sizeof(magic) / sizeof(magic[0]); i++)
		if (n >= magic[i].n &&
		    memcmp(p, magic[i].bytes, magic[i].n) == 0)
			return true;
	return false;
}

/* For libarchive: first what was read already, then the file. */
static la_ssize_t
feed(struct archive *a, void *arg, const void **out)
{
	struct logfile *f = arg;
	ssize_t got = (ssize_t)f->packed;
	char *block = f->data + BLOCK; /* the second half is for this */

	(void)a;
	*out = block;
	if (got > 0) {
		f->packed = 0;
		return got;
	}
	got = read_fd(f->fd, block, BLOCK);
	if (got == -1)
		archive_set_error(a, errno, "read error");
	return got;
}

static int
open_archive(struct logfile *f, struct err *e)
{
	struct archive_entry *entry;

	f->data = realloc(f->data, 2 * BLOCK);
	if (f->data == NULL)
		abort();
	memcpy(f->data + BLOCK, f->data, f->end);
	f->packed = f->end;
	f->start = f->end = 0;
	f->at_end = f->plain = false;
	free(f->first);
	f->first = NULL;
	f->archive = archive_read_new();
	if (f->archive == NULL)
		abort();
	if (archive_read_support_filter_gzip(f->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(f->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(f->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(f->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_lz4(f->archive) != ARCHIVE_OK ||
	    archive_read_support_format_raw(f->archive) != ARCHIVE_OK ||
	    archive_read_open(f->archive, f, NULL, feed, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(f->archive, &entry) != ARCHIVE_OK)
		return err_set(e, EX_DATAERR, "cannot unpack %s: %s",
		    quotes(f->path).s, archive_error_string(f->archive));
	/* The raw format takes anything, packed or not. */
	if (archive_filter_count(f->archive) < 2)
		return err_set(e, EX_DATAERR,
		    "cannot unpack %s: the header is damaged",
		    quotes(f->path).s);
	return 0;
}

/* The first line, as far as it counts, as soon as that is there. */
static void
keep_first(struct logfile *f)
{
	const char *nl = memchr(f->data, '\n', f->end);
	size_t n = nl == NULL ? f->end : (size_t)(nl - f->data);

	if (nl == NULL && n < LOGFILE_FIRST_MAX)
		return;
	f->nfirst = n < LOGFILE_FIRST_MAX ? n : LOGFILE_FIRST_MAX;
	f->first = mem_alloc(f->nfirst + 1);
	memcpy(f->first, f->data, f->nfirst);
}

/* Read more behind what is there. Bytes, 0 at the end (for now), or -1. */
static ssize_t
fill(struct logfile *f, struct err *e)
{
	size_t keep = f->start < LOGFILE_TAIL_MAX ? f->start : LOGFILE_TAIL_MAX;
	ssize_t got;

	/* What was read last stays before it. */
	if (f->start > keep) {
		memmove(f->data, f->data + f->start - keep,
		    f->end - f->start + keep);
		f->end -= f->start - keep;
		f->start = keep;
	}
	if (f->archive != NULL) {
		/* In small pieces: of one with an error nothing comes. */
		got = archive_read_data(f->archive, f->data + f->end,
		    BLOCK - f->end < PIECE ? BLOCK - f->end : PIECE);
		if (got < 0)
			return err_set(e, EX_DATAERR, "cannot unpack %s: %s",
			    quotes(f->path).s,
			    archive_error_string(f->archive));
	} else {
		got = read_fd(f->fd, f->data + f->end, BLOCK - f->end);
		if (got == -1 && errno == EAGAIN)
			return 0;
		if (got == -1)
			return err_sys(
			    e, EX_IOERR, "cannot read %s", quotes(f->path).s);
	}
	if (got == 0 && (f->pipe || f->archive != NULL))
		f->at_end = true;
	f->end += (size_t)got;
	if (f->first == NULL && f->offset == 0 && !f->pipe)
		keep_first(f);
	return got;
}

struct logfile *
logfile_open(const char *path, struct err *e)
{
	struct logfile *f = mem_zero(1, sizeof(*f));

	f->path = mem_dup(path);
	f->data = mem_alloc(BLOCK);
	if (strcmp(path, "-") == 0)
		f->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (f->fd == -1 || fstat(f->fd, &f->st) == -1) {
		err_sys(
		    e, err_code_input(errno), "cannot open %s", quotes(path).s);
		goto fail;
	}
	if (S_ISDIR(f->st.st_mode)) {
		err_set(e, EX_NOINPUT, "%s is a directory", quotes(path).s);
		goto fail;
	}
	f->pipe = !S_ISREG(f->st.st_mode);
	f->plain = !f->pipe;
	/* Standard input may be a file that somebody read a part of. */
	if (!f->pipe && strcmp(path, "-") == 0)
		(void)lseek(f->fd, 0, SEEK_SET);
	/* A pipe that is slow to begin is waited for here. */
	do
		if (fill(f, e) == -1)
			goto fail;
	while (f->pipe && !f->at_end && f->end < MAGIC_MAX);
	if (is_packed(f->data, f->end) && open_archive(f, e) == -1)
		goto fail;
	return f;
fail:
	logfile_close(f);
	return NULL;
}

static bool
readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, LOGFILE_WAIT_MS) == 1;
}

/* What is left of a line without an end goes away, but is counted. */
static void
drop_long(struct logfile *f)
{
	f->offset += f->end - f->start;
	f->start = f->end;
	if (!f->skipping)
		f->too_long++;
	f->skipping = true;
}

enum logfile_status
logfile_next(struct logfile *f, struct span *line, struct err *e)
{
	size_t seen = 0;
	ssize_t got;
	char *p, *nl;

	for (;;) {
		p = f->data + f->start;
		nl = memchr(p + seen, '\n', f->end - f->start - seen);
		if (nl != NULL) {
			size_t n = (size_t)(nl - p);

			f->start += n + 1;
			f->offset += n + 1;
			if (f->skipping || n > LOGFILE_LINE_MAX) {
				f->too_long += !f->skipping;
				f->skipping = false;
				seen = 0;
				continue;
			}
			*line = (struct span){p, n};
			return LOGFILE_LINE;
		}
		if (f->end - f->start > LOGFILE_LINE_MAX || f->skipping)
			drop_long(f);
		seen = f->end - f->start;
		if (f->at_end)
			return LOGFILE_END;
		if (f->pipe && f->archive == NULL && !readable(f->fd))
			return LOGFILE_AGAIN;
		got = fill(f, e);
		if (got == -1)
			return LOGFILE_ERROR;
		if (got == 0)
			return f->at_end ? LOGFILE_END : LOGFILE_AGAIN;
	}
}

bool
logfile_rest(struct logfile *f, struct span *line)
{
	if (f->start == f->end || f->skipping)
		return false;
	*line = (struct span){f->data + f->start, f->end - f->start};
	f->offset += line->n;
	f->start = f->end;
	return true;
}

/* Read up to the offset, as there is no other way. */
static int
read_away(struct logfile *f, uint64_t offset, struct err *e)
{
	while (f->offset < offset) {
		size_t n = f->end - f->start;
		ssize_t got;

		if (n > offset - f->offset)
			n = (size_t)(offset - f->offset);
		f->start += n;
		f->offset += n;
		if (f->offset == offset)
			break;
		if ((got = fill(f, e)) == -1)
			return -1;
		if (got == 0)
			break;
	}
	return 0;
}

static void
hash(const char *p, size_t n, char hex[DIGEST_HEX])
{
	struct digest *g = digest_new();

	digest_add(g, p, n);
	digest_hex(g, hex);
}

/* As soon as it is complete. */
static void
look_at_first(struct logfile *f)
{
	struct err e;

	while (
	    f->first == NULL && f->offset == 0 && !f->pipe && fill(f, &e) > 0)
		;
}

static void
hash_tail(const struct logfile *f, char tail[DIGEST_HEX])
{
	size_t n = f->start < LOGFILE_TAIL_MAX ? f->start : LOGFILE_TAIL_MAX;

	hash(f->data + f->start - n, n, tail);
}

bool
logfile_marks(struct logfile *f, char first[DIGEST_HEX], char tail[DIGEST_HEX])
{
	if (tail != NULL)
		hash_tail(f, tail);
	look_at_first(f);
	if (f->first == NULL)
		return false;
	hash(f->first, f->nfirst, first);
	return true;
}

static int
go_to(struct logfile *f, uint64_t offset, struct err *e)
{
	uint64_t from;

	/* The first line is looked at while it is here. */
	look_at_first(f);
	if (!f->plain)
		return read_away(f, offset, e);
	from = offset - (offset < LOGFILE_TAIL_MAX ? offset : LOGFILE_TAIL_MAX);
	if (lseek(f->fd, (off_t)from, SEEK_SET) == -1)
		return err_sys(e, EX_IOERR, "cannot go to byte %llu of %s",
		    (unsigned long long)offset, quotes(f->path).s);
	f->start = f->end = 0;
	f->offset = from;
	f->skipping = false;
	return read_away(f, offset, e);
}

int
logfile_seek(struct logfile *f, uint64_t offset, bool line, struct err *e)
{
	struct span rest;

	if (!line || offset == 0)
		return go_to(f, offset, e);
	/* From the byte before, so that a line that begins there is found. */
	if (go_to(f, offset - 1, e) == -1)
		return -1;
	return logfile_next(f, &rest, e) == LOGFILE_ERROR ? -1 : 0;
}

bool
logfile_has(const struct logfile *f, uint64_t offset, const char *tail)
{
	char now[LOGFILE_TAIL_MAX], hex[DIGEST_HEX];
	size_t n = offset < sizeof(now) ? (size_t)offset : sizeof(now);
	struct stat st;

	if (*tail == '\0')
		return fstat(f->fd, &st) == 0 && (uint64_t)st.st_size >= offset;
	if (pread(f->fd, now, n, (off_t)(offset - n)) != (ssize_t)n)
		return false;
	hash(now, n, hex);
	return strcmp(hex, tail) == 0;
}

bool
logfile_goes_on(const struct logfile *f)
{
	char now[LOGFILE_FIRST_MAX], tail[DIGEST_HEX];

	if (!f->plain)
		return true;
	hash_tail(f, tail);
	return logfile_has(f, f->offset + (f->end - f->start), "") &&
	       logfile_has(f, f->offset, tail) &&
	       (f->first == NULL ||
		   (pread(f->fd, now, f->nfirst, 0) == (ssize_t)f->nfirst &&
		       memcmp(now, f->first, f->nfirst) == 0));
}

void
logfile_close(struct logfile *f)
{
	if (f == NULL)
		return;
	if (f->archive != NULL)
		(void)archive_read_free(f->archive);
	if (f->fd != -1)
		(void)close(f->fd);
	free(f->first);
	free(f->data);
	free(f->path);
	free(f);
}

/* --- rotated files ---------------------------------------------------- */

/* "mail.log.1", "mail.log-20261123.gz" for the base "mail.log". */
static bool
named_after(const char *name, const char *base)
{
	size_t n = strlen(base);

	if (strncmp(name, base, n) != 0)
		return false;
	name += n;
	return (*name == '.' || *name == '-') && name[1] >= '0' &&
	       name[1] <= '9';
}

struct rotated {
	char *path;
	struct timespec mtime;
};

static int
compare_names(const void *a, const void *b)
{
	const struct rotated *x = a, *y = b;

	return -strverscmp(x->path, y->path);
}

/*
 * NAME.1 is younger than NAME.2, whatever somebody who restored or touched
 * them made of their times.
 */
static void
mend_times(struct rotated *v, size_t n, size_t name_length)
{
	struct timespec last = {0};
	size_t i;

	qsort(v, n, sizeof(*v), compare_names);
	for (i = 0; i < n; i++) {
		const char *suffix = v[i].path + name_length;

		/* Not a date, which counts the other way. */
		if (*suffix != '.' || strspn(suffix + 1, "0123456789") > 4)
			continue;
		if (v[i].mtime.tv_sec < last.tv_sec ||
		    (v[i].mtime.tv_sec == last.tv_sec &&
			v[i].mtime.tv_nsec < last.tv_nsec))
			v[i].mtime = last;
		last = v[i].mtime;
	}
}

/* Older first; of the same age, NAME.2 before NAME.1. */
static int
compare(const void *a, const void *b)
{
	const struct rotated *x = a, *y = b;

	if (x->mtime.tv_sec != y->mtime.tv_sec)
		return x->mtime.tv_sec < y->mtime.tv_sec ? -1 : 1;
	if (x->mtime.tv_nsec != y->mtime.tv_nsec)
		return x->mtime.tv_nsec < y->mtime.tv_nsec ? -1 : 1;
	return -strverscmp(x->path, y->path);
}

/* All paths in one block, which frees v. */
static char **
paths_of(struct rotated *v, size_t n)
{
	size_t i, size = 0;
	char **out, *p;

	for (i = 0; i < n; i++)
		size += sizeof(*out) + strlen(v[i].path) + 1;
	out = mem_alloc(size);
	for (i = 0, p = (char *)(out + n); i < n; i++) {
		out[i] = strcpy(p, v[i].path);
		p += strlen(p) + 1;
		free(v[i].path);
	}
	free(v);
	return out;
}

size_t
logfile_rotated(const char *path, char ***out)
{
	char *for_dir = mem_dup(path), *for_base = mem_dup(path);
	const char *dir = dirname(for_dir), *base = basename(for_base);
	struct rotated *v = NULL;
	size_t n = 0, cap = 0;
	struct dirent *d;
	struct stat st;
	DIR *handle = opendir(dir);

	/* cppcheck-suppress readdirCalled ; the handle is our own */
	while (handle != NULL && (d = readdir(handle)) != NULL) {
		char *full;

		if (!named_after(d->d_name, base))
			continue;
		full = mem_printf("%s/%s", dir, d->d_name);
		if (stat(full, &st) == -1 || !S_ISREG(st.st_mode)) {
			free(full);
			continue;
		}
		v = mem_grow(v, n, &cap, sizeof(*v));
		v[n++] = (struct rotated){full, st.st_mtim};
	}
	if (handle != NULL)
		(void)closedir(handle);
	if (n > 0) {
		mend_times(v, n, strlen(dir) + 1 + strlen(base));
		qsort(v, n, sizeof(*v), compare);
	}
	free(for_dir);
	free(for_base);
	*out = paths_of(v, n);
	return n;
}
