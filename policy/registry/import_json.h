/*
 * import_json.h: lists of policies as JSON, such as that of STARTTLS
 * Everywhere, and MTA-STS policies (RFC 8461) of several domains.
 */
#ifndef IMPORT_JSON_H
#define IMPORT_JSON_H

struct import_format;

/*
 * `policies` is an object by domain, or a list of objects with `domain`; or
 * such an object or list is all there is. A policy has `mode` and `mx` or
 * `mxs`.
 */
extern const struct import_format import_json;

#endif
