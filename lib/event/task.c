#include "task.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "mem.h"

#define CHUNK 65536

/* The first byte of what the child writes. */
#define GOOD '+'
#define BAD '-'

struct task {
	struct event *ev;
	task_done *done;
	void *arg;
	struct buf got;
	pid_t pid;
	int fd;
};

static void
write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = write(fd, p, len)) <= 0)
			return;
}

static void __attribute__((noreturn)) child(int fd, task_work *work, void *arg)
{
	static const int sigs[] = {SIGHUP, SIGINT, SIGTERM, SIGCHLD};
	struct err e = {.code = EX_SOFTWARE};
	struct buf out = {0};
	size_t i;

	/* The parent's handlers would tell the parent. */
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)signal(sigs[i], SIG_DFL);
	buf_putc(&out, GOOD);
	if (work(arg, &out, &e) == -1) {
		buf_clear(&out);
		buf_putc(&out, BAD);
		buf_puts(&out, e.text);
	}
	write_all(fd, out.data, out.len);
	_exit(0);
}

void
task_cancel(struct task *t)
{
	if (t == NULL)
		return;
	event_free(t->ev);
	close(t->fd);
	(void)kill(t->pid, SIGKILL);
	while (waitpid(t->pid, NULL, 0) == -1 && errno == EINTR)
		;
	buf_free(&t->got);
	free(t);
}

static void
on_result(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;
	struct task ended;
	struct err e;
	ssize_t n;

	(void)what;
	n = read(fd, buf_room(&t->got, CHUNK), CHUNK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		t->got.len += (size_t)n;
		if (t->got.len <= TASK_MAX)
			return;
		t->got.len = 0;
	}
	ended = *t;
	t->got = (struct buf){0};
	task_cancel(t);
	if (ended.got.len > 0 && ended.got.data[0] == GOOD) {
		ended.done(
		    ended.arg, ended.got.data + 1, ended.got.len - 1, NULL);
	} else {
		if (ended.got.len > 0)
			err_set(&e, EX_UNAVAILABLE, "%.*s",
			    (int)ended.got.len - 1, ended.got.data + 1);
		else
			err_set(&e, EX_UNAVAILABLE, "a child has failed");
		ended.done(ended.arg, NULL, 0, &e);
	}
	buf_free(&ended.got);
}

struct task *
task_start(struct event_base *base, task_work *work, task_done *done, void *arg,
    struct err *e)
{
	struct task *t;
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1) {
		err_sys(e, EX_OSERR, "cannot make a pipe");
		return NULL;
	}
	(void)fcntl(fd[1], F_SETFL, 0);
	if ((pid = fork()) == 0) {
		close(fd[0]);
		child(fd[1], work, arg);
	}
	close(fd[1]);
	if (pid == -1) {
		err_sys(e, EX_OSERR, "cannot start a child");
		close(fd[0]);
		return NULL;
	}
	t = mem_zero(1, sizeof(*t));
	*t = (struct task){.done = done, .arg = arg, .pid = pid, .fd = fd[0]};
	t->ev = event_new(base, fd[0], EV_READ | EV_PERSIST, on_result, t);
	(void)event_add(t->ev, NULL);
	return t;
}
