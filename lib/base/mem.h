/*
 * mem.h: allocation that does not fail.
 *
 * Out of memory ends the process with abort(3): every program here can be
 * started again, and half a policy is worse than none.
 */
#ifndef MEM_H
#define MEM_H

#include <stdarg.h>
#include <stddef.h>

/* malloc(3), calloc(3), strdup(3); never NULL. Free with free(3). */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zero(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
char *mem_dup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 0)));

/*
 * Make room for so many more elements in the array v of *cap elements of the
 * given size, n of them in use. Returns the array, perhaps moved; it grows by
 * a share of itself, so that appending is linear. NULL may stay NULL if there
 * are no more.
 */
void *mem_reserve(void *v, size_t n, size_t more, size_t *cap, size_t size);

/* The same for one more. */
static inline void *
mem_grow(void *v, size_t n, size_t *cap, size_t size)
{
	return n < *cap ? v : mem_reserve(v, n, 1, cap, size);
}

#endif
