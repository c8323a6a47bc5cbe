#include "diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static void __attribute__((format(printf, 5, 0)))
add(struct diags *d, enum diag_kind kind, const char *file, unsigned line,
    const char *fmt, va_list ap)
{
	struct diag *g;

	d->v = mem_grow(d->v, d->n, &d->cap, sizeof(*d->v));
	g = &d->v[d->n++];
	g->kind = kind;
	g->file = file;
	g->line = line;
	if (vasprintf(&g->text, fmt, ap) < 0)
		abort();
	if (kind == DIAG_ERROR)
		d->errors++;
	else
		d->warnings++;
}

void
diag_error(
    struct diags *d, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DIAG_ERROR, file, line, fmt, ap);
	va_end(ap);
}

void
diag_warning(
    struct diags *d, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DIAG_WARNING, file, line, fmt, ap);
	va_end(ap);
}

struct place {
	size_t file_rank;
	size_t seq;
	struct diag diag;
};

static int
by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->file_rank != y->file_rank)
		return x->file_rank < y->file_rank ? -1 : 1;
	if (x->diag.line != y->diag.line)
		return x->diag.line < y->diag.line ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct first {
	const char *file;
	size_t seq;
};

static int
by_file(const void *a, const void *b)
{
	const struct first *x = a, *y = b;
	int c = strcmp(x->file, y->file);

	return c != 0 ? c : x->seq < y->seq ? -1 : x->seq > y->seq;
}

void
diag_sort(struct diags *d)
{
	struct place *p = mem_zero(d->n, sizeof(*p));
	struct first *f = mem_zero(d->n, sizeof(*f));
	size_t i, rank = 0;

	/* Rank of a file: where it was first complained about. */
	for (i = 0; i < d->n; i++) {
		f[i].file = d->v[i].file == NULL ? "" : d->v[i].file;
		f[i].seq = i;
	}
	qsort(f, d->n, sizeof(*f), by_file);
	for (i = 0; i < d->n; i++) {
		if (i == 0 || strcmp(f[i].file, f[i - 1].file) != 0)
			rank = f[i].seq;
		p[f[i].seq].file_rank = rank;
	}
	for (i = 0; i < d->n; i++) {
		p[i].seq = i;
		p[i].diag = d->v[i];
	}
	qsort(p, d->n, sizeof(*p), by_place);
	for (i = 0; i < d->n; i++)
		d->v[i] = p[i].diag;
	free(p);
	free(f);
}

void
diag_move(struct diags *d, struct diags *from)
{
	if (from->n == 0)
		return;
	d->v = mem_reserve(d->v, d->n, from->n, &d->cap, sizeof(*d->v));
	memcpy(d->v + d->n, from->v, from->n * sizeof(*d->v));
	d->n += from->n;
	d->errors += from->errors;
	d->warnings += from->warnings;
	free(from->v);
	*from = (struct diags){0};
}

void
diag_free(struct diags *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		free(d->v[i].text);
	free(d->v);
	*d = (struct diags){0};
}
