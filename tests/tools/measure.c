/*
 * measure: run a program; print its time, its memory, and its processor time.
 *
 *	measure FILE PROGRAM [ARG...]
 *
 * Appends "SECONDS KBYTES SECONDS" to FILE: elapsed, largest resident set, and
 * user and system together. Exits as the program did. Small itself, because
 * what a process held before exec(2) counts for the peak.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int
main(int argc, char *argv[])
{
	struct timespec a, b;
	struct rusage use;
	int status;
	pid_t pid;
	FILE *to;

	if (argc < 3 || (to = fopen(argv[1], "a")) == NULL)
		return 64;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	pid = vfork();
	if (pid == 0) {
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid == -1 || wait4(pid, &status, 0, &use) == -1)
		return 71;
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	(void)fprintf(to, "%.6f %ld %.6f\n",
	    (double)(b.tv_sec - a.tv_sec) +
		(double)(b.tv_nsec - a.tv_nsec) / 1e9,
	    use.ru_maxrss, seconds(use.ru_utime) + seconds(use.ru_stime));
	if (fclose(to) != 0)
		return 74;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
