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

#define BULK ((size_t)256 * 1024) /* bytes; smaller blocks get no hint */

/*
 * Huge pages would be fewer, but on virtual machines these are often the
 * host's to find first, at several times the price.
 */
void
mem_populate(void *p, size_t size)
{
	const uintptr_t page = 4096;
	uintptr_t begin = ((uintptr_t)p + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)p + size) & ~(page - 1);

	/* A hint: failure, as before Linux 5.14, changes nothing. */
	if (size >= BULK)
		(void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

void *
mem_table(size_t n, size_t size)
{
	void *p = mem_zero(n, size);

	mem_populate(p, n * size);
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
mem_reserve(void *v, size_t n, size_t more, size_t *cap, size_t size)
{
	size_t want;

	if (more <= *cap - n)
		return v;
	/* Of a large array not much is to be made in vain. */
	want = *cap < 16		 ? 16
	       : *cap < 16 * BULK / size ? *cap + *cap / 2
					 : *cap + *cap / 8;
	if (want < n + more)
		want = n + more;
	if (want > SIZE_MAX / size)
		out_of_memory();
	v = realloc(v, want * size);
	if (v == NULL)
		out_of_memory();
	mem_populate((char *)v + *cap * size, (want - *cap) * size);
	*cap = want;
	return v;
}
