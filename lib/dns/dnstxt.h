/*
 * dnstxt.h: TXT records of which one is wanted, known by the version that it
 * begins with, such as those of MTA-STS (RFC 8461) and of TLS reports
 * (RFC 8460). No network.
 */
#ifndef DNSTXT_H
#define DNSTXT_H

#include <stddef.h>

#define DNSTXT_MAX 256 /* bytes of a text with NUL; longer ones are cut */

/*
 * The number of records that say that version, alone or before a semicolon;
 * those who read them want just one. data and len are as in a struct ub_result.
 * text is then the last of them, fit to be shown; else "".
 */
size_t dnstxt_find(char *const *data, const int *len, const char *version,
    char text[DNSTXT_MAX]);

#endif
