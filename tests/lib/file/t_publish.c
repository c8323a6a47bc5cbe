#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include "err.h"
#include "publish.h"

struct place {
	char *dir, *path, *temp, *lock;
};

static void
place(struct place *p)
{
	p->dir = check_folder();
	p->path = check_path(p->dir, "map");
	p->temp = check_path(p->dir, "map.tmp");
	p->lock = check_path(p->dir, "map.lock");
}

static void
place_end(struct place *p)
{
	free(p->path);
	free(p->temp);
	free(p->lock);
	check_folder_end(p->dir);
}

static int
put(const char *path, const char *text, struct err *e)
{
	struct publish *p = publish_lock(path, 0, e);
	int rv = -1, fd;

	if (p == NULL)
		return -1;
	fd = publish_open(p, e);
	if (fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		rv = publish_commit(p, e);
	publish_free(p);
	return rv;
}

static void
check_file(const char *path, const char *want)
{
	char got[256];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	(void)fclose(f);
	check_str(path, got, want);
}

static void
t_commit(void **state)
{
	struct place at;
	struct err e = {0};
	struct stat st;
	mode_t mask = umask(077);

	(void)state;
	place(&at);
	assert_int_equal(put(at.path, "one", &e), 0);
	check_file(at.path, "one");
	/* Not the umask: Postfix has to read it. */
	assert_int_equal(stat(at.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, PUBLISH_MODE);
	assert_int_equal(access(at.temp, F_OK), -1);
	assert_int_equal(put(at.path, "two", &e), 0);
	check_file(at.path, "two");
	(void)umask(mask);
	place_end(&at);
}

/* A second file beside the first, and the one over the other. */
static void
t_beside(void **state)
{
	struct place at;
	struct err e = {0};
	struct publish *p;
	struct stat st;
	char *beside;

	(void)state;
	place(&at);
	beside = check_path(at.dir, "map.full");
	assert_int_equal(put(at.path, "one", &e), 0);
	assert_int_equal(chmod(at.path, 0640), 0);
	p = publish_lock(at.path, 0, &e);
	assert_non_null(p);
	assert_int_equal(publish_take_beside(p, ".full", &e), -1);
	check_file(at.path, "one");
	assert_int_equal(write(publish_open(p, &e), "two", 3), 3);
	assert_int_equal(
	    publish_commit_beside(p, ".full", PUBLISH_MODE, &e), 0);
	check_file(at.path, "one");
	check_file(beside, "two");
	assert_int_equal(stat(beside, &st), 0);
	check_int("the mode of the target", st.st_mode & 07777, 0640);
	/* Another one, given up: the lock stays. */
	assert_int_equal(write(publish_open(p, &e), "three", 5), 5);
	publish_abandon(p);
	assert_int_equal(access(at.temp, F_OK), -1);
	assert_null(publish_lock(at.path, 0, &e));
	assert_int_equal(write(publish_open(p, &e), "four", 4), 4);
	assert_int_equal(publish_commit(p, &e), 0);
	check_file(at.path, "four");
	check_file(beside, "two");
	assert_int_equal(publish_take_beside(p, ".full", &e), 0);
	check_file(at.path, "two");
	assert_int_equal(access(beside, F_OK), -1);
	publish_free(p);
	free(beside);
	place_end(&at);
}

/* The file that was there stays under another name when a new one comes. */
static void
t_link_beside(void **state)
{
	static const char *const all[] = {"one", "two", "three"};
	struct place at;
	struct err e = {0};
	struct publish *p;
	char *beside, *old;
	size_t i;

	(void)state;
	place(&at);
	beside = check_path(at.dir, "map.copy");
	old = check_path(at.dir, "map.copy.old");
	p = publish_lock(at.path, 0, &e);
	assert_non_null(p);
	for (i = 0; i < COUNT(all); i++) {
		check_int(all[i], publish_link_beside(p, ".copy", ".copy.old"),
		    i > 0);
		assert_int_equal(
		    write(publish_open(p, &e), all[i], strlen(all[i])),
		    strlen(all[i]));
		assert_int_equal(
		    publish_commit_beside(p, ".copy", 0600, &e), 0);
		check_file(beside, all[i]);
		if (i == 0)
			assert_int_equal(access(old, F_OK), -1);
		else
			check_file(old, all[i - 1]);
	}
	/* Nothing stands in for what is not there. */
	publish_remove_beside(p, ".copy");
	assert_false(publish_link_beside(p, ".copy", ".copy.old"));
	check_file(old, "two");
	publish_rename_beside(p, ".copy", ".copy.old");
	check_file(old, "two");
	publish_rename_beside(p, ".copy.old", ".copy");
	check_file(beside, "two");
	assert_int_equal(access(old, F_OK), -1);
	publish_free(p);
	free(old);
	free(beside);
	place_end(&at);
}

static const struct {
	const char *name;
	mode_t mode, want;
} modes[] = {{"0444", 0444, 0444}, {"0640", 0640, 0640}, {"0600", 0600, 0600},
    /* Nobody else writes or runs it, whatever somebody gave them. */
    {"0664", 0664, 0644}, {"07777", 07777, 0644}, {"02755", 02755, 0644}};

static void
t_mode_kept(void **state)
{
	struct place at;
	struct err e = {0};
	struct stat st;
	size_t i;

	(void)state;
	place(&at);
	check_puts(at.path, "old");
	for (i = 0; i < COUNT(modes); i++) {
		assert_int_equal(chmod(at.path, modes[i].mode), 0);
		assert_int_equal(put(at.path, "new", &e), 0);
		assert_int_equal(stat(at.path, &st), 0);
		check_int(modes[i].name, st.st_mode & 07777, modes[i].want);
	}
	if (geteuid() == 0) {
		assert_int_equal(chown(at.path, 12, 34), 0);
		assert_int_equal(put(at.path, "newer", &e), 0);
		assert_int_equal(stat(at.path, &st), 0);
		assert_int_equal(st.st_uid, 12);
		assert_int_equal(st.st_gid, 34);
	}
	place_end(&at);
}

static void
t_abandon(void **state)
{
	struct place at;
	struct err e = {0};
	struct publish *p;
	int fd;

	(void)state;
	place(&at);
	check_puts(at.path, "old");
	p = publish_lock(at.path, 0, &e);
	assert_non_null(p);
	publish_free(p);
	p = publish_lock(at.path, 0, &e);
	assert_non_null(p);
	fd = publish_open(p, &e);
	assert_true(fd != -1);
	assert_string_equal(publish_temp(p), at.temp);
	assert_int_equal(access(at.temp, F_OK), 0);
	assert_int_equal(write(fd, "new", 3), 3);
	check_file(at.path, "old");
	publish_free(p);
	check_file(at.path, "old");
	assert_int_equal(access(at.temp, F_OK), -1);
	publish_free(NULL);
	place_end(&at);
}

static void
t_lock(void **state)
{
	struct place at;
	struct err e = {0};
	struct publish *p, *q;
	struct timespec a, b;
	int fd;

	(void)state;
	place(&at);
	p = publish_lock(at.path, 0, &e);
	assert_non_null(p);
	assert_null(publish_lock(at.path, 0, &e));
	assert_int_equal(e.code, EX_TEMPFAIL);
	check_has("locked", e.text, "is being written by another process");
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_null(publish_lock(at.path, 100, &e));
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(
	    (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec >=
	    100 * 1000000L);
	publish_free(p);
	q = publish_lock(at.path, 0, &e);
	assert_non_null(q);
	publish_free(q);
	/* The lock file is not followed elsewhere. */
	assert_int_equal(unlink(at.lock), 0);
	assert_int_equal(symlink("/dev/null", at.lock), 0);
	assert_null(publish_lock(at.path, 0, &e));
	assert_int_equal(e.code, EX_CANTCREAT);
	assert_int_equal(unlink(at.lock), 0);
	/* Nor is it made in a folder that is not there. */
	free(at.path);
	at.path = check_path(at.dir, "no/map");
	assert_null(publish_lock(at.path, 0, &e));
	assert_int_equal(e.code, EX_CANTCREAT);
	fd = open(at.lock, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd, -1);
	place_end(&at);
}

static void
t_symlink(void **state)
{
	struct place at;
	struct err e = {0};
	struct stat st;
	char *sub, *real;

	(void)state;
	place(&at);
	sub = check_path(at.dir, "sub");
	real = check_path(sub, "real");
	assert_int_equal(mkdir(sub, 0700), 0);
	check_puts(real, "old");
	assert_int_equal(symlink("sub/real", at.path), 0);
	assert_int_equal(put(at.path, "new", &e), 0);
	assert_int_equal(lstat(at.path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	check_file(real, "new");
	free(sub);
	free(real);
	place_end(&at);
}

/* The owner is that of the folder, and of nothing else. */
static void
check_owner(const char *row, const char *path, uid_t uid)
{
	struct stat st;

	check_int(row, lstat(path, &st), 0);
	check_int(row, st.st_uid, uid);
}

/* Root goes by another user's link as that user, and in his folder, too. */
static void
t_foreign(void **state)
{
	struct place at, roots;
	struct err e = {0};
	char *map;

	(void)state;
	if (geteuid() != 0)
		skip();
	place(&at);
	place(&roots);
	check_puts(roots.path, "precious");
	assert_int_equal(chmod(roots.dir, 0755), 0);
	assert_int_equal(chmod(at.dir, 0755), 0);
	/* A link of nobody's in a folder of root's. */
	assert_int_equal(symlink(roots.path, at.path), 0);
	assert_int_equal(lchown(at.path, 65534, 65534), 0);
	assert_int_equal(put(at.path, "evil", &e), -1);
	check_int("a link of another", e.code, EX_NOPERM);
	check_file(roots.path, "precious");
	/* One of root's own is root's will. */
	assert_int_equal(lchown(at.path, 0, 0), 0);
	assert_int_equal(put(at.path, "by root", &e), 0);
	check_file(roots.path, "by root");
	check_owner("by root", roots.path, 0);
	assert_int_equal(unlink(roots.lock), 0);

	/* In nobody's folder. */
	assert_int_equal(chown(at.dir, 65534, 65534), 0);
	assert_int_equal(put(at.path, "evil", &e), -1);
	check_file(roots.path, "by root");
	assert_int_equal(access(roots.lock, F_OK), -1);
	assert_int_equal(unlink(at.path), 0);
	assert_int_equal(put(at.path, "one", &e), 0);
	check_owner("made", at.path, 65534);
	check_owner("lock", at.lock, 65534);
	assert_int_equal(lchown(at.path, 0, 0), 0);
	assert_int_equal(put(at.path, "two", &e), 0);
	check_owner("root's before", at.path, 65534);
	assert_int_equal(unlink(at.lock), 0);
	assert_int_equal(symlink(roots.path, at.lock), 0);
	assert_int_equal(put(at.path, "three", &e), -1);
	assert_int_equal(unlink(at.lock), 0);
	assert_int_equal(geteuid(), 0);

	/* A folder of nobody's that leads to one of root's. */
	free(at.path);
	at.path = check_path(at.dir, "link/map");
	map = check_path(at.dir, "link");
	assert_int_equal(symlink(roots.dir, map), 0);
	assert_int_equal(put(at.path, "evil", &e), -1);
	check_file(roots.path, "by root");
	assert_int_equal(access(roots.lock, F_OK), -1);
	free(map);
	place_end(&roots);
	place_end(&at);
}

/* What a killed writer left is removed, be it a file or a trap. */
static void
t_stale(void **state)
{
	struct place at;
	struct err e = {0};
	char *other;

	(void)state;
	place(&at);
	other = check_path(at.dir, "other");
	check_puts(at.temp, "half of a map");
	assert_int_equal(put(at.path, "one", &e), 0);
	check_file(at.path, "one");
	check_puts(other, "precious");
	assert_int_equal(symlink("other", at.temp), 0);
	assert_int_equal(put(at.path, "two", &e), 0);
	check_file(at.path, "two");
	check_file(other, "precious");
	/* It cannot be removed: an error, and the old file stays. */
	assert_int_equal(mkdir(at.temp, 0700), 0);
	assert_int_equal(put(at.path, "three", &e), -1);
	assert_int_equal(e.code, EX_CANTCREAT);
	check_file(at.path, "two");
	free(other);
	place_end(&at);
}

/* The path became a folder: rename fails, and no temporary file stays. */
static void
t_rename_fails(void **state)
{
	struct place at;
	struct publish *p;
	struct err e = {0};

	(void)state;
	place(&at);
	p = publish_lock(at.path, 0, &e);
	assert_non_null(p);
	assert_int_not_equal(publish_open(p, &e), -1);
	assert_int_equal(mkdir(at.path, 0700), 0);
	assert_int_equal(publish_commit(p, &e), -1);
	publish_free(p);
	check_has("rename", e.text, "cannot rename");
	assert_int_equal(access(at.temp, F_OK), -1);
	place_end(&at);
}

/* A folder, a pipe, a link to nothing: nobody is told to replace these. */
static void
t_no_file(void **state)
{
	struct place at;
	struct err e = {0};
	char *device;

	(void)state;
	place(&at);
	assert_int_equal(mkdir(at.path, 0700), 0);
	assert_int_equal(put(at.path, "one", &e), -1);
	assert_int_equal(e.code, EX_CANTCREAT);
	check_has("folder", e.text, "is not a regular file");
	assert_int_equal(rmdir(at.path), 0);

	device = check_path(at.dir, "pipe");
	assert_int_equal(mkfifo(device, 0600), 0);
	assert_int_equal(symlink("pipe", at.path), 0);
	assert_int_equal(put(at.path, "one", &e), -1);
	check_has("link to a pipe", e.text, "is not a regular file");
	assert_int_equal(unlink(device), 0);

	assert_int_equal(put(at.path, "one", &e), -1);
	check_has("dangles", e.text, "a file that does not exist");
	assert_int_equal(access(device, F_OK), -1);
	assert_int_equal(unlink(at.path), 0);
	free(device);
	place_end(&at);
}

static void
t_long_path(void **state)
{
	char path[5000];
	struct err e = {0};

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_null(publish_lock(path, 0, &e));
	assert_int_equal(e.code, EX_CANTCREAT);
}

static const struct {
	const char *name;
	int sig;
} signals[] = {{"HUP", SIGHUP}, {"INT", SIGINT}, {"TERM", SIGTERM},
    {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"ALRM", SIGALRM}, {"USR1", SIGUSR1},
    {"USR2", SIGUSR2}, {"XCPU", SIGXCPU}};

/* A signal ends the process, as it would have, and the file with it. */
static void
t_signal(void **state)
{
	struct place at;
	struct err e = {0};
	size_t i;
	pid_t pid;
	int status;

	(void)state;
	for (i = 0; i < COUNT(signals); i++) {
		place(&at);
		check_puts(at.path, "old");
		pid = fork();
		if (pid == 0) {
			const struct rlimit no_core = {0, 0};
			static struct publish *p; /* not lost */

			(void)setrlimit(RLIMIT_CORE, &no_core);
			(void)signal(signals[i].sig, SIG_DFL);
			p = publish_lock(at.path, 0, &e);
			if (p == NULL || publish_open(p, &e) == -1 ||
			    access(at.temp, F_OK) == -1)
				_exit(1);
			(void)raise(signals[i].sig);
			_exit(2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		check_true(signals[i].name, WIFSIGNALED(status));
		check_int(signals[i].name, WTERMSIG(status), signals[i].sig);
		check_int(signals[i].name, access(at.temp, F_OK), -1);
		check_file(at.path, "old");
		place_end(&at);
	}
}

/* A signal that is ignored stays so: nohup(1) means it. */
static void
t_ignored(void **state)
{
	struct place at;
	struct err e = {0};
	pid_t pid;
	int status;

	(void)state;
	place(&at);
	pid = fork();
	if (pid == 0) {
		struct publish *p;

		(void)signal(SIGHUP, SIG_IGN);
		p = publish_lock(at.path, 0, &e);
		if (p == NULL || publish_open(p, &e) == -1)
			_exit(1);
		(void)raise(SIGHUP);
		_exit(publish_commit(p, &e) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_file(at.path, "");
	place_end(&at);
}

/* A limit on the size of files is an error like a full disk. */
static void
t_limit(void **state)
{
	struct place at;
	struct err e = {0};
	pid_t pid;
	int status;

	(void)state;
	place(&at);
	check_puts(at.path, "old");
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = {4, 4};

		(void)setrlimit(RLIMIT_FSIZE, &limit);
		_exit(put(at.path, "longer than that", &e) == -1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_file(at.path, "old");
	assert_int_equal(access(at.temp, F_OK), -1);
	place_end(&at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(t_commit),
	    cmocka_unit_test(t_beside),
	    cmocka_unit_test(t_link_beside),
	    cmocka_unit_test(t_mode_kept),
	    cmocka_unit_test(t_abandon),
	    cmocka_unit_test(t_lock),
	    cmocka_unit_test(t_symlink),
	    cmocka_unit_test(t_foreign),
	    cmocka_unit_test(t_stale),
	    cmocka_unit_test(t_rename_fails),
	    cmocka_unit_test(t_no_file),
	    cmocka_unit_test(t_long_path),
	    cmocka_unit_test(t_signal),
	    cmocka_unit_test(t_ignored),
	    cmocka_unit_test(t_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
