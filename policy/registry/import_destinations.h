/*
 * import_destinations.h: the destination controls of Cisco Secure Email, as
 * its destconfig exports them.
 */
#ifndef IMPORT_DESTINATIONS_H
#define IMPORT_DESTINATIONS_H

struct import_format;

/*
 * A section a domain, `[DEFAULT]` for all others, and in it `table_tls = off,
 * on, required, on_verify, require_verify` or its number.
 */
extern const struct import_format import_destinations;

#endif
