/*
 * author.h: who runs this program.
 */
#ifndef AUTHOR_H
#define AUTHOR_H

#define AUTHOR_MAX 64 /* bytes of a name, NUL included; longer ones are cut */

struct author {
	char login[AUTHOR_MAX];	    /* of the terminal, else of the user id */
	char sudo_user[AUTHOR_MAX]; /* who called sudo(8), "" */
};

/*
 * Bytes that a name cannot hold become '?': what stands here is put into
 * records. It names, it proves nothing: SUDO_USER is what the environment
 * says.
 */
void author_get(struct author *a);

#endif
