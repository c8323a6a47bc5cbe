/*
 * wiring.h: is Postfix set up so that the map is obeyed, both ways?
 *
 * Pure: what postconf(1), the map and the file system say comes in, faults
 * with their fixes come out.
 */
#ifndef WIRING_H
#define WIRING_H

#include <stdbool.h>
#include <stddef.h>

struct map_facts;
struct postconf;

enum finding_kind {
	FINDING_FAULT, /* mail is not protected, or not delivered */
	FINDING_NOTE,  /* worth knowing */
};

struct finding {
	enum finding_kind kind;
	char *where; /* parameter, service or file */
	char *what;
	char *fix;
};

struct findings {
	const struct postconf *c;
	const char *service; /* that is looked at; NULL: none alone */
	struct finding *v;
	size_t n, cap;
	size_t faults;
};

/*
 * Add a finding; if it is there already, of another service, that one's name.
 * A fix "postconf -e 'NAME = VALUE'" for what the service has an -o option
 * of its own for becomes one by postconf -P.
 */
void findings_add(struct findings *f, enum finding_kind kind, const char *where,
    const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

void findings_release(struct findings *f);

/*
 * Tells why a file cannot be read: 0, or an errno. With owner, the name of
 * a user, it is that user who wants to read it, else root.
 */
typedef int readable_fn(const char *path, const char *owner);

/* Do both files say the same? */
typedef bool same_fn(const char *a, const char *b);

/*
 * Judge the configuration; readable is asked for CA files, inside and
 * outside the chroot. The caller releases out.
 */
void wiring_check(const struct postconf *c, const struct map_facts *map,
    readable_fn *readable, same_fn *same, struct findings *out);

#endif
