/*
 * postconf.h: a Postfix configuration, as postconf(1) tells it.
 */
#ifndef POSTCONF_H
#define POSTCONF_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct err;

/* A service of master.cf. */
struct postconf_service {
	char *name;    /* "smtp/unix" */
	char *command; /* "smtp" */
	char chroot;   /* 'y', 'n', '-' */
};

struct postconf {
	const char *dir; /* as given; NULL: the default one; borrowed */
	char *text[3];	 /* of postconf(1), which all but service.name is in */
	/* Of main.cf, and "service/type/name" for -o of master.cf. */
	char **name, **value;
	size_t n, cap;
	struct postconf_service *service;
	size_t nservices, service_cap;
	char *tables; /* of `postconf -m`; NULL: nobody asked */
};

/*
 * What a program of Postfix prints about the configuration folder dir (NULL:
 * the default one), as program_read() does it. flags and the words behind
 * them, NULL-terminated, may be NULL.
 */
char *postfix_read(const char *program, const char *dir, const char *flags,
    const char *const args[], size_t max, int timeout_ms, struct err *e);

/* One line of postconf(1); the caller frees it. NULL with *e set. */
char *postconf_ask(
    const char *dir, const char *flags, const char *name, struct err *e);

/*
 * Read the configuration in dir (NULL: the default one): all parameters that
 * this Postfix has, and all of master.cf. Values are expanded. plain: main.cf
 * alone, as it is written there, for values that are to be written back. 0, or
 * -1 with *e set, 69 or 66. The caller releases c in either case.
 */
int postconf_read(
    struct postconf *c, const char *dir, bool plain, struct err *e);

/*
 * Sort out, behind what c has already, texts of postconf(1) that c->text has:
 * of -x, -Px and -M; NULL: none. They are cut up.
 */
void postconf_parse(struct postconf *c);

/*
 * The value for a service ("smtp/unix"; NULL: main.cf alone), its -o option
 * before main.cf; NULL if there is no such parameter.
 */
const char *postconf_get(
    const struct postconf *c, const char *service, const char *name);

/* The same; "" if there is no such parameter. */
const char *postconf_text(
    const struct postconf *c, const char *service, const char *name);

/* True if the service has an -o option of its own for it in master.cf. */
bool postconf_overrides(
    const struct postconf *c, const char *service, const char *name);

/* What the service ("smtp/unix") runs; NULL if master.cf does not have it. */
const char *postconf_command(const struct postconf *c, const char *service);

/* The next service that runs the command, from *at = 0 on; NULL: no more. */
const struct postconf_service *postconf_next(
    const struct postconf *c, size_t *at, const char *command);

void postconf_release(struct postconf *c);

/* The next element of a list, braces kept together; false at its end. */
bool postconf_word(struct span *list, struct span *word);

#endif
