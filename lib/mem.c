#include "mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
out_of_memory(void)
{
	static const char text[] = "out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void
mem_tune(void)
{
	/* Left alone, glibc raises the threshold as blocks are freed. */
	(void)mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
}

void *
mem_alloc(size_t size)
{
	void *p = malloc(size == 0 ? 1 : size);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
mem_zero(size_t n, size_t size)
{
	void *p = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

	if (p == NULL)
		out_of_memory();
	return p;
}

#define HUGE_BLOCK (4u * 1024 * 1024) /* bytes; smaller ones get no hint */

/*
 * Ask for huge pages under a large block. Whole pages from its very first
 * on: a hint for only a part would cut the mapping in two, and realloc(3)
 * could then no longer grow it without copying.
 */
static void
huge(void *p, size_t size)
{
	const uintptr_t page = 4096;
	uintptr_t from = (uintptr_t)p & ~(page - 1);
	uintptr_t to = ((uintptr_t)p + size + page - 1) & ~(page - 1);

	/* A hint: failure changes nothing. */
	if (size >= HUGE_BLOCK)
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

void *
mem_bulk(size_t size)
{
	void *p = mem_alloc(size);

	huge(p, size);
	return p;
}

void *
mem_table(size_t n, size_t size)
{
	void *p = mem_zero(n, size);

	huge(p, n * size);
	return p;
}

char *
mem_dup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_alloc(n), s, n);
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return s;
}

void *
mem_grow(void *v, size_t n, size_t *cap, size_t size)
{
	size_t want;

	if (n < *cap)
		return v;
	want = *cap < 16 ? 16 : *cap + *cap / 2;
	if (want > SIZE_MAX / size)
		out_of_memory();
	v = realloc(v, want * size);
	if (v == NULL)
		out_of_memory();
	huge(v, want * size);
	*cap = want;
	return v;
}
