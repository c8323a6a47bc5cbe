#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"
#include "num.h"
#include "owned.h"
#include "quote.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* The path of a UNIX address, or NULL. */
static const char *
unix_path(const char *address)
{
	if (strncmp(address, "unix:", 5) == 0)
		address += 5;
	return *address == '/' ? address : NULL;
}

/* Host (owned by the caller) and port of `inet:host:port`; false if not. */
static bool
inet_parts(const char *address, char **host, const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t n;

	if (strncmp(address, "inet:", 5) != 0 || colon < address + 5)
		return false;
	address += 5;
	n = (size_t)(colon - address);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	} else if (memchr(address, ':', n) != NULL) {
		return false;
	}
	*host = mem_printf("%.*s", (int)n, address);
	*port = colon + 1;
	return true;
}

const char *
listener_check(const char *text)
{
	const char *path = unix_path(text), *port, *bad = NULL;
	uint64_t v;
	char *host;

	if (path != NULL)
		return strlen(path) <
			       sizeof(((struct sockaddr_un *)0)->sun_path)
			   ? NULL
			   : "is too long for a socket (107 bytes)";
	if (!inet_parts(text, &host, &port))
		return "is not /path, unix:/path or inet:host:port";
	if (*host == '\0')
		bad = "has no host; all of this machine is inet:[::]:port";
	else if (num_parse(port, 1, 65535, &v) == -1)
		bad = "has no port from 1 to 65535";
	free(host);
	return bad;
}

static void
clear(struct listener *l)
{
	*l = (struct listener){.fd = -1, .lock = -1};
}

/* Its addresses, or NULL with *rc set for gai_strerror(3). */
static struct addrinfo *
resolve(const char *address, int *rc)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	const char *port;
	char *host;

	*rc = EAI_NONAME;
	if (!inet_parts(address, &host, &port))
		return NULL;
	*rc = getaddrinfo(host, port, &hints, &list);
	free(host);
	return *rc == 0 ? list : NULL;
}

static int
open_inet(struct listener *l, const char *address, struct err *e)
{
	struct addrinfo *list;
	const int on = 1;
	int rc, rv = 0;

	if ((list = resolve(address, &rc)) == NULL)
		return err_set(e, EX_UNAVAILABLE, "cannot listen on %s: %s",
		    quotes(address).s, gai_strerror(rc));
	l->inet = true;
	l->fd = socket(
	    list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd != -1)
		(void)setsockopt(
		    l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (l->fd == -1 || bind(l->fd, list->ai_addr, list->ai_addrlen) == -1 ||
	    listen(l->fd, LISTENER_BACKLOG) == -1)
		rv = err_sys(e,
		    errno == EADDRINUSE ? EX_TEMPFAIL : EX_UNAVAILABLE,
		    "cannot listen on %s", quotes(address).s);
	freeaddrinfo(list);
	return rv;
}

/*
 * Give the folder that root made to whoever is to serve it: a lock of root's
 * in it would keep him out from then on.
 */
static int
give_directory(const struct owned *at, const struct listener_file *file,
    gid_t group, struct err *e)
{
	const struct passwd *pw;

	if (geteuid() != 0 || at->uid != 0 || *file->user == '\0')
		return 0;
	if ((pw = getpwnam(file->user)) == NULL)
		return err_set(
		    e, EX_CONFIG, "there is no user %s", quotes(file->user).s);
	if (group == (gid_t)-1)
		group = pw->pw_gid;
	if (fchownat(at->dir, at->name, pw->pw_uid, group,
		AT_SYMLINK_NOFOLLOW) == -1 ||
	    fchmodat(at->dir, at->name, 02750, 0) == -1)
		return err_sys(e, err_code_output(errno),
		    "cannot give %s to user %s", quotes(at->path).s,
		    quotes(file->user).s);
	return 0;
}

static int
make_directory(struct listener *l, const char *path,
    const struct listener_file *file, gid_t group, struct err *e)
{
	char *copy = mem_dup(path), *dir = dirname(copy);
	struct owned at;
	int rv;

	if ((rv = owned_find(&at, dir, true, e)) == 0) {
		rv = owned_enter(&at, e);
		if (rv == 0 && mkdirat(at.dir, at.name, 0755) == 0)
			l->made_directory = true;
		else if (rv == 0 && errno != EEXIST)
			rv = err_sys(e, err_code_output(errno),
			    "cannot make the directory %s", quotes(dir).s);
		owned_leave(&at);
		if (l->made_directory)
			rv = give_directory(&at, file, group, e);
		owned_release(&at);
	}
	free(copy);
	return rv;
}

/*
 * Whoever holds the lock may replace the socket file: two that start at
 * once cannot take it from each other.
 */
static int
lock_path(
    struct listener *l, const struct owned *at, const char *path, struct err *e)
{
	l->lock = owned_lock_file(at, ".lock", e);
	if (l->lock == -1)
		return -1;
	if (flock(l->lock, LOCK_EX | LOCK_NB) == -1)
		return err_set(e, EX_TEMPFAIL,
		    "another process serves %s already", quotes(path).s);
	return 0;
}

/* Does anybody listen there? A file that is no socket counts as well. */
static bool
is_served(const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd == -1)
		return true;
	rc = connect(fd, (const struct sockaddr *)to, sizeof(*to));
	/* A full queue is served too. */
	if (rc == -1 && (errno == ECONNREFUSED || errno == ENOENT)) {
		struct stat st;

		close(fd);
		return lstat(to->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode);
	}
	close(fd);
	return true;
}

/*
 * The account of the folder need not be a member of the group. Root is, but
 * gives it to a socket of that account and to nothing else, whatever lies
 * there by now.
 */
static int
set_group(const struct owned *at, gid_t group)
{
	struct stat st;
	int fd, rv = -1;

	fd = openat(at->dir, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	errno = EPERM;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    (at->uid == 0 || st.st_uid == at->uid))
		rv = st.st_gid == group
			 ? 0
			 : fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH);
	close(fd);
	return rv;
}

static int
find_group(const char *name, gid_t *gid, struct err *e)
{
	char bytes[65536];
	struct group gr, *found = NULL;

	if (getgrnam_r(name, &gr, bytes, sizeof(bytes), &found) != 0 ||
	    found == NULL)
		return err_set(
		    e, EX_CONFIG, "there is no group %s", quotes(name).s);
	*gid = found->gr_gid;
	return 0;
}

/* As the account of the folder. */
static int
bind_unix(struct listener *l, const struct owned *at, const char *path,
    const struct sockaddr_un *to, mode_t mode, struct err *e)
{
	mode_t mask;
	int rc;

	if (is_served(to))
		return err_set(e, EX_TEMPFAIL,
		    "%s is served by another process, or is no socket",
		    quotes(path).s);
	(void)unlinkat(at->dir, at->name, 0);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Nobody gets in before owner and mode are right. */
	mask = umask(0777);
	rc = l->fd == -1
		 ? -1
		 : bind(l->fd, (const struct sockaddr *)to, sizeof(*to));
	(void)umask(mask);
	if (rc == -1)
		return err_sys(e, err_code_output(errno), "cannot listen on %s",
		    quotes(path).s);
	l->path = mem_dup(path);
	if (fchmodat(at->dir, at->name, mode, 0) == -1)
		return err_sys(e, err_code_output(errno),
		    "cannot set the mode of %s", quotes(path).s);
	return 0;
}

static int
open_at(struct listener *l, const struct owned *at, const char *path,
    mode_t mode, gid_t group, struct err *e)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int rv;

	(void)strcpy(to.sun_path, path);
	if (lock_path(l, at, path, e) == -1 || owned_enter(at, e) == -1)
		return -1;
	rv = bind_unix(l, at, path, &to, mode, e);
	owned_leave(at);
	if (rv == -1)
		return -1;
	if (group != (gid_t)-1 && set_group(at, group) == -1)
		return err_sys(e, err_code_output(errno),
		    "cannot set the group of %s", quotes(path).s);
	if (listen(l->fd, LISTENER_BACKLOG) == -1)
		return err_sys(
		    e, EX_OSERR, "cannot listen on %s", quotes(path).s);
	return 0;
}

static int
open_unix(struct listener *l, const char *path,
    const struct listener_file *file, gid_t group, struct err *e)
{
	struct owned at;
	int rv;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(e, EX_CONFIG, "%s is too long for a socket",
		    quotes(path).s);
	if (make_directory(l, path, file, group, e) == -1 ||
	    owned_find(&at, path, false, e) == -1)
		return -1;
	rv = open_at(l, &at, path, file->mode, group, e);
	owned_release(&at);
	return rv;
}

/* Element i of the list in LISTEN_FDNAMES; is it name? */
static bool
is_named(unsigned i, const char *name)
{
	const char *list = getenv("LISTEN_FDNAMES");
	size_t n;

	for (; list != NULL && i > 0; i--)
		list = strchr(list, ':') == NULL ? NULL : strchr(list, ':') + 1;
	if (list == NULL)
		return false;
	n = strcspn(list, ":");
	return n == strlen(name) && memcmp(list, name, n) == 0;
}

static bool
is_bound_to(int fd, const char *address)
{
	struct sockaddr_storage at = {0};
	socklen_t len = sizeof(at);
	const char *path = unix_path(address);
	struct addrinfo *list, *a;
	bool found = false;
	int rc;

	if (getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		return false;
	if (path != NULL)
		return at.ss_family == AF_UNIX &&
		       strcmp(((struct sockaddr_un *)&at)->sun_path, path) == 0;
	if ((list = resolve(address, &rc)) == NULL)
		return false;
	for (a = list; a != NULL && !found; a = a->ai_next)
		found =
		    a->ai_addrlen == len && memcmp(a->ai_addr, &at, len) == 0;
	freeaddrinfo(list);
	return found;
}

/* Take over the socket that systemd handed over for it, if there is one. */
static bool
inherit(struct listener *l, const char *address, const char *name)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n, v;
	unsigned i;
	int fd, type, domain;
	socklen_t len;

	if (pid == NULL || fds == NULL ||
	    num_parse(pid, 1, INT32_MAX, &v) == -1 || (pid_t)v != getpid() ||
	    num_parse(fds, 1, 1024, &n) == -1)
		return false;
	for (i = 0; i < n; i++) {
		fd = FIRST_FD + (int)i;
		if (!is_named(i, name) && !is_bound_to(fd, address))
			continue;
		len = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &type, &len) ==
			-1 ||
		    type == 0 ||
		    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1)
			continue;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		l->fd = fd;
		l->inet = domain != AF_UNIX;
		l->inherited = true;
		return true;
	}
	return false;
}

int
listener_open(struct listener *l, const char *address, const char *name,
    const struct listener_file *file, struct err *e)
{
	const char *path = unix_path(address);
	gid_t group = (gid_t)-1;
	int rv;

	clear(l);
	if (*file->group != '\0' && find_group(file->group, &group, e) == -1)
		return -1;
	if (inherit(l, address, name))
		return 0;
	rv = path != NULL ? open_unix(l, path, file, group, e)
			  : open_inet(l, address, e);
	if (rv == -1)
		listener_close(l);
	return rv;
}

static int
connect_to(
    const struct sockaddr *to, socklen_t len, const struct timeval *patience)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), why;

	if (fd == -1)
		return -1;
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, patience, sizeof(*patience));
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_SNDTIMEO, patience, sizeof(*patience));
	if (connect(fd, to, len) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

int
listener_connect(const char *address, int timeout_ms, struct err *e)
{
	const struct timeval patience = {.tv_sec = timeout_ms / 1000,
	    .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const char *path = unix_path(address);
	struct addrinfo *list;
	int fd = -1, rc;

	if (path != NULL && strlen(path) < sizeof(un.sun_path)) {
		(void)strcpy(un.sun_path, path);
		fd = connect_to((struct sockaddr *)&un, sizeof(un), &patience);
	} else if ((list = resolve(address, &rc)) != NULL) {
		fd = connect_to(list->ai_addr, list->ai_addrlen, &patience);
		rc = errno;
		freeaddrinfo(list);
		errno = rc;
	} else {
		return err_set(e, EX_UNAVAILABLE, "%s: %s", quotes(address).s,
		    path != NULL ? "too long for a socket" : gai_strerror(rc));
	}
	if (fd != -1)
		return fd;
	return err_sys(e,
	    errno == ENOENT || errno == EACCES ? err_code_input(errno)
					       : EX_UNAVAILABLE,
	    "%s", quotes(address).s);
}

void
listener_close(struct listener *l)
{
	if (l->path != NULL)
		(void)unlink(l->path);
	free(l->path);
	if (l->fd != -1)
		close(l->fd);
	if (l->lock != -1)
		close(l->lock);
	clear(l);
}
