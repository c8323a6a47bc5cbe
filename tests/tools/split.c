/*
 * split: the least that any compiler of a table has to do, to compare with.
 * Reads the file, cuts each line into its key and its text, writes them to
 * another file and syncs it.
 *
 *	split FROM TO
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
slurp(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;
	ssize_t n;

	if (fd == -1 || fstat(fd, &st) == -1)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	for (*len = 0; text != NULL && *len < (size_t)st.st_size;
	     *len += (size_t)n)
		if ((n = read(fd, text + *len, (size_t)st.st_size - *len)) <= 0)
			return NULL;
	(void)close(fd);
	return text;
}

int
main(int argc, char *argv[])
{
	char *text, *p, *nl, *tab;
	size_t len;
	FILE *to;

	if (argc != 3)
		return 64;
	text = slurp(argv[1], &len);
	to = fopen(argv[2], "w");
	if (text == NULL || to == NULL)
		return 66;
	for (p = text; p < text + len; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(text + len - p));
		if (nl == NULL)
			return 65;
		tab = memchr(p, '\t', (size_t)(nl - p));
		if (tab == NULL)
			return 65;
		(void)fwrite(p, 1, (size_t)(tab - p), to);
		(void)fputc('\0', to);
		(void)fwrite(tab + 1, 1, (size_t)(nl - tab - 1), to);
		(void)fputc('\0', to);
	}
	if (fflush(to) == EOF || fsync(fileno(to)) == -1 || fclose(to) == EOF)
		return 74;
	free(text);
	return 0;
}
