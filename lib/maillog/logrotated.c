#include "logrotated.h"

#include <dirent.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"

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

/* Older first; of the same age, NAME.2 before NAME.1. */
static int
compare(const void *a, const void *b)
{
	const struct logrotated *x = a, *y = b;

	if (x->mtime.tv_sec != y->mtime.tv_sec)
		return x->mtime.tv_sec < y->mtime.tv_sec ? -1 : 1;
	if (x->mtime.tv_nsec != y->mtime.tv_nsec)
		return x->mtime.tv_nsec < y->mtime.tv_nsec ? -1 : 1;
	return -strverscmp(x->path, y->path);
}

size_t
logrotated_list(const char *path, struct logrotated **out)
{
	char *for_dir = mem_dup(path), *for_base = mem_dup(path);
	const char *dir = dirname(for_dir), *base = basename(for_base);
	struct logrotated *v = NULL;
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
		v[n++] = (struct logrotated){full, st.st_mtim};
	}
	if (handle != NULL)
		(void)closedir(handle);
	if (n > 0)
		qsort(v, n, sizeof(*v), compare);
	if (n > LOGROTATED_MAX) {
		size_t i, drop = n - LOGROTATED_MAX;

		for (i = 0; i < drop; i++)
			free(v[i].path);
		memmove(v, v + drop, LOGROTATED_MAX * sizeof(*v));
		n = LOGROTATED_MAX;
	}
	free(for_dir);
	free(for_base);
	*out = v;
	return n;
}

void
logrotated_free(struct logrotated *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(v[i].path);
	free(v);
}
