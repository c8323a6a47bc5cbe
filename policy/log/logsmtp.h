/*
 * logsmtp.h: why smtp(8) does not deliver, in its own words. Pure.
 */
#ifndef LOGSMTP_H
#define LOGSMTP_H

#include <stdbool.h>

/*
 * Is it for TLS that mail waits? reason: as log and queue have it, behind the
 * status.
 */
bool logsmtp_holds_for_tls(const char *reason);

#endif
