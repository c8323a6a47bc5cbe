/*
 * author.h: who runs this program.
 */
#ifndef AUTHOR_H
#define AUTHOR_H

#define AUTHOR_MAX 64 /* bytes of a name, NUL included; longer ones are cut */

struct author {
	char login[AUTHOR_MAX];	    /* of the terminal, else of the user id */
	char sudo_user[AUTHOR_MAX]; /* who called sudo(8), "" */
	char unit[AUTHOR_MAX];	    /* of systemd, that runs it; "" */
};

/*
 * Bytes that a name cannot hold become '?': what stands here is put into
 * records. It names, it proves nothing: SUDO_USER is what the environment
 * says.
 */
void author_get(struct author *a);

/*
 * The service in the text of /proc/self/cgroup (cgroups(7)): the last part
 * of a path in it that ends in ".service"; "" if there is none.
 */
void author_unit(const char *cgroup, char out[AUTHOR_MAX]);

/* "jo", "root for jo", "tlspact-compile.service". */
#define AUTHOR_TEXT (2 * AUTHOR_MAX + 8)
const char *author_text(const struct author *a, char out[AUTHOR_TEXT]);

#endif
