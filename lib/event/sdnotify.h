/*
 * sdnotify.h: tell systemd how we are, sd_notify(3) without libsystemd.
 */
#ifndef SDNOTIFY_H
#define SDNOTIFY_H

#include <stdint.h>

/*
 * Send state, such as "READY=1\nSTATUS=text", to $NOTIFY_SOCKET; nothing
 * happens if there is none.
 */
void sdnotify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Seconds between two WATCHDOG=1, half of what systemd waits; 0: none. */
uint64_t sdnotify_watchdog(void);

#endif
