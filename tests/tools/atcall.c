/*
 * atcall: run a program and do something to it at its Nth system call.
 *
 *	atcall [-s] [-k SIGNAL | -x COMMAND] [-f NAME] N PROGRAM [ARG...]
 *	atcall -l FILE 0 PROGRAM [ARG...]
 *
 * Calls are counted on their way in and on their way out, from 1. With -f
 * the count begins at the first flock or openat call (`-f flock`, `-f open`).
 * With -s only those count, on their way in, that open, read, sync, move or
 * remove a file: of the others SQLite makes hundreds, and between two of these
 * nothing changes but what it writes and a sync then ends.
 * At the Nth stop the program gets the signal (a number), or waits while the
 * shell command runs. Then it goes on undisturbed.
 *
 * With -l each path that is opened becomes a line of FILE.
 *
 * Exits as the program did; 128 + signal if a signal ended it; 200 if it
 * made fewer calls than that, and so was left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_ALONE 200

static void
die(const char *what)
{
	perror(what);
	exit(99);
}

struct plan {
	int signal;
	const char *command;
	long from;  /* system call that the count begins with; -1: any */
	bool files; /* count no other calls */
	long n;
	FILE *list; /* or NULL */
};

static pid_t
start(char *argv[])
{
	pid_t pid = fork();

	if (pid == -1)
		die("atcall: fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			die("atcall: ptrace");
		(void)raise(SIGSTOP);
		(void)execv(argv[0], argv);
		die(argv[0]);
	}
	return pid;
}

/* The path at that address, cut at what can be read in one piece. */
static void
note_path(FILE *list, pid_t pid, unsigned long address)
{
	char path[256] = "";
	struct iovec here = {path, sizeof(path) - 1}, there;
	size_t page = 4096 - address % 4096;

	there.iov_base = (void *)address;
	there.iov_len = here.iov_len < page ? here.iov_len : page;
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) > 0)
		(void)fprintf(list, "%s\n", path);
}

/* The call that begins; its number is -1 on the way out. */
static struct ptrace_syscall_info
call_of(const struct plan *p, pid_t pid)
{
	struct ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		info.entry.nr = (uint64_t)-1;
	else if (p->list != NULL && info.entry.nr == SYS_openat)
		note_path(p->list, pid, info.entry.args[1]);
	return info;
}

/* A folder that is opened on the way to a file is not counted. */
static bool
is_of_files(const struct ptrace_syscall_info *call)
{
	static const uint64_t calls[] = {SYS_read, SYS_fsync, SYS_fdatasync,
	    SYS_ftruncate, SYS_rename, SYS_renameat, SYS_renameat2, SYS_unlink,
	    SYS_unlinkat, SYS_link, SYS_linkat, SYS_fchmod, SYS_fchown,
	    SYS_flock};
	size_t i;

	if (call->entry.nr == SYS_openat)
		return (call->entry.args[2] & (O_PATH | O_DIRECTORY)) == 0;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (call->entry.nr == calls[i])
			return true;
	return false;
}

static void
act(const struct plan *p, pid_t pid)
{
	if (p->command != NULL) {
		if (system(p->command) == -1)
			die("atcall: system");
	} else if (kill(pid, p->signal) == -1) {
		die("atcall: kill");
	}
}

static int
follow(const struct plan *p, pid_t pid)
{
	bool counting = p->from == -1, done = false, enters;
	struct ptrace_syscall_info call;
	int status, deliver = 0;
	long count = 0;

	for (;;) {
		/* What was killed may be gone already: wait tells. */
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)deliver);
		deliver = 0;
		if (waitpid(pid, &status, 0) == -1)
			die("atcall: waitpid");
		if (WIFEXITED(status))
			return done || p->list != NULL ? WEXITSTATUS(status)
						       : EXIT_ALONE;
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			if (WSTOPSIG(status) != SIGTRAP)
				deliver = WSTOPSIG(status);
			continue;
		}
		call = call_of(p, pid);
		enters = call.entry.nr != (uint64_t)-1;
		counting =
		    counting || (enters && (long)call.entry.nr == p->from);
		if (counting && !done &&
		    (!p->files || (enters && is_of_files(&call))) &&
		    ++count == p->n) {
			done = true;
			act(p, pid);
		}
	}
}

int
main(int argc, char *argv[])
{
	struct plan p = {.signal = SIGKILL, .from = -1};
	int ch, status;
	pid_t pid;

	while ((ch = getopt(argc, argv, "+sk:x:f:l:")) != -1)
		switch (ch) {
		case 's':
			p.files = true;
			break;
		case 'k':
			p.signal = atoi(optarg);
			break;
		case 'x':
			p.command = optarg;
			break;
		case 'l':
			if ((p.list = fopen(optarg, "we")) == NULL)
				die(optarg);
			break;
		case 'f':
			p.from = strcmp(optarg, "flock") == 0 ? SYS_flock
							      : SYS_openat;
			break;
		default:
			return 64;
		}
	if (argc - optind < 2)
		return 64;
	p.n = atol(argv[optind]);
	pid = start(argv + optind + 1);
	if (waitpid(pid, &status, 0) == -1 || !WIFSTOPPED(status))
		die("atcall: no start");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		(void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) ==
	    -1)
		die("atcall: ptrace");
	status = follow(&p, pid);
	return p.list == NULL || fclose(p.list) == 0 ? status : 99;
}
