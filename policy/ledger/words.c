#include "words.h"

#include <string.h>

#include "arena.h"
#include "buf.h"
#include "registry.h"

const char *const *
words_split(struct arena *a, const char *text, const char *between, size_t min,
    size_t *n)
{
	size_t max = strlen(text) / min + 1, len;
	const char **v = arena_alloc(a, max * sizeof(*v));

	text += strspn(text, between);
	for (*n = 0; *text != '\0' && *n < max; text += len) {
		len = strcspn(text, between);
		v[(*n)++] = arena_copy(a, text, len);
		len += strspn(text + len, between);
	}
	return v;
}

char *
words_join(const char *const *v, size_t n, const char *between)
{
	struct buf text = {0};
	size_t i;

	for (i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : between, v[i]);
	return text.data;
}

struct strs *
words_list(struct arena *a, const char *const *v, size_t n)
{
	struct strs *list = arena_alloc(a, sizeof(*list) + n * sizeof(v[0]));

	list->n = n;
	memcpy(list->v, v, n * sizeof(v[0]));
	return list;
}
