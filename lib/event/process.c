#include "process.h"

#include <grp.h>
#include <stdbool.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "err.h"
#include "quote.h"

#define GROUPS_MAX 1024

static int
become(const char *user, bool keep, struct err *e)
{
	const struct passwd *pw;
	static gid_t had[GROUPS_MAX], now[GROUPS_MAX];
	int nhad, n, i;

	if (geteuid() != 0)
		return 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return err_set(
		    e, EX_CONFIG, "there is no user %s", quotes(user).s);
	nhad = keep ? getgroups(GROUPS_MAX, had) : 0;
	if (nhad == -1 || initgroups(pw->pw_name, pw->pw_gid) == -1 ||
	    (n = getgroups(GROUPS_MAX, now)) == -1)
		goto fail;
	for (i = 0; i < nhad && n < GROUPS_MAX; i++)
		if (had[i] != 0)
			now[n++] = had[i];
	if ((nhad > 0 && setgroups((size_t)n, now) == -1) ||
	    setgid(pw->pw_gid) == -1 || setuid(pw->pw_uid) == -1)
		goto fail;
	return 0;
fail:
	return err_sys(e, EX_OSERR, "cannot become user %s", quotes(user).s);
}

int
process_become(const char *user, struct err *e)
{
	return become(user, false, e);
}

int
process_become_here(const char *user, struct err *e)
{
	return become(user, true, e);
}

int
process_group(const char *name, gid_t *gid, struct err *e)
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
