#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "quote.h"

extern char **environ;

pid_t
child_start(const char *const argv[], struct err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	int rc;

	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_addopen(
	    &files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(
	    &files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	(void)sigfillset(&set);
	(void)posix_spawnattr_setsigdefault(&attr, &set);
	(void)sigemptyset(&set);
	(void)posix_spawnattr_setsigmask(&attr, &set);
	/* argv is not changed: the interface is older than const. */
	rc = posix_spawn(&pid, argv[0], &files, &attr,
	    (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	if (rc == 0)
		return pid;
	errno = rc;
	return err_sys(e, EX_UNAVAILABLE, "cannot run %s", quotes(argv[0]).s);
}
