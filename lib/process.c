#include "process.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "logline.h"
#include "quote.h"

int
process_become(const char *user, struct err *e)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return err_set(
		    e, EX_CONFIG, "there is no user %s", quotes(user).s);
	if (initgroups(pw->pw_name, pw->pw_gid) == -1 ||
	    setgid(pw->pw_gid) == -1 || setuid(pw->pw_uid) == -1)
		return err_sys(
		    e, EX_OSERR, "cannot become user %s", quotes(user).s);
	return 0;
}

uint64_t
process_files(uint64_t want)
{
	struct rlimit r, more;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return 0;
	if (r.rlim_cur >= want)
		return r.rlim_cur;
	more.rlim_cur = want;
	more.rlim_max = r.rlim_max < want ? want : r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return want;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	return r.rlim_cur;
}

uint64_t
process_clients(uint64_t clients, uint64_t spare)
{
	uint64_t n = process_files(clients + spare);

	if (n >= clients + spare)
		return clients;
	clients = n > 2 * spare ? n - spare : 1;
	logline(LOGLINE_WARNING,
	    "no more than %" PRIu64 " files may be open: max_clients is "
	    "%" PRIu64,
	    n, clients);
	return clients;
}
