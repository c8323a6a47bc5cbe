/*
 * wiring.h: is Postfix set up so that the map is obeyed, both ways?
 *
 * Pure: what postconf(1), the map and the file system say comes in, faults
 * with their fixes come out.
 */
#ifndef WIRING_H
#define WIRING_H

#include <stdbool.h>

struct findings;
struct map_facts;
struct postconf;

/*
 * Tells why a file cannot be read: 0, or an errno. With owner, the name of
 * a user, it is that user who wants to read it, else root.
 */
typedef int readable_fn(const char *path, const char *owner);

/* Do both files say the same? */
typedef bool same_fn(const char *a, const char *b);

/*
 * Tells why that user cannot connect to a UNIX socket: an errno, or 0 if he
 * can, or that is not known. path is as main.cf has it: below root, which
 * Postfix goes to first, or absolute.
 */
typedef int opens_fn(const char *root, const char *path, const char *user);

/*
 * Judge the configuration; readable is asked for CA files, inside and
 * outside the chroot, opens for our sockets that are asked at. The caller
 * releases out.
 */
void wiring_check(const struct postconf *c, const struct map_facts *map,
    readable_fn *readable, same_fn *same, opens_fn *opens,
    struct findings *out);

#endif
