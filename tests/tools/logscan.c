/*
 * logscan: the least that any reader must do, for comparison: read a file,
 * find the ends of lines, count those that have a word.
 *
 *	logscan FILE WORD
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	static char data[256 * 1024];
	size_t n = 0, start;
	unsigned long lines = 0, hits = 0;
	ssize_t got;
	char *nl;
	int fd;

	if (argc != 3 || (fd = open(argv[1], O_RDONLY)) == -1)
		return 64;
	while ((got = read(fd, data + n, sizeof(data) - n)) > 0) {
		n += (size_t)got;
		for (start = 0;
		     (nl = memchr(data + start, '\n', n - start)) != NULL;
		     start = (size_t)(nl + 1 - data)) {
			lines++;
			hits +=
			    memmem(data + start, (size_t)(nl - data) - start,
				argv[2], strlen(argv[2])) != NULL;
		}
		memmove(data, data + start, n - start);
		n -= start;
	}
	(void)printf("%lu lines, %lu with %s\n", lines, hits, argv[2]);
	(void)close(fd);
	return 0;
}
