/*
 * reaches: policy/core/settings.c:settings_load lib/file/conf.c:conf_read
 *   lib/file/conf.c:set
 * lib/file/conf.c:conf_print lib/base/num.c:num_duration
 * lib/base/num.c:num_parse
 *
 * The input is a settings file; its first line is an -o as well. Settings
 * without errors, printed and read again, are the same settings.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "diag.h"
#include "err.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool good)
{
	if (!good)
		abort();
}

/* The settings in the text, printed to out; false if it has errors. */
static bool
load(const void *text, size_t size, const char *override, struct buf *out)
{
	struct settings_options o = {0};
	struct settings s;
	struct diags d = {0};
	struct err e;
	char path[64];
	bool good;
	int fd = memfd_create("settings", MFD_CLOEXEC);

	need(fd != -1 && write(fd, text, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	o.file = path;
	if (override != NULL)
		settings_option(&o, override);
	good = settings_load(&s, &o, "/nonexistent", &d, &e) == 0;
	need(good == (d.errors == 0) && d.warnings == 0);
	conf_print(&s.conf, out);
	settings_free(&s);
	diag_free(&d);
	close(fd);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf a = {0}, b = {0}, c = {0};
	char *line;

	if (size > CONF_FILE_MAX)
		return 0;
	line = malloc(size + 1);
	if (size > 0)
		memcpy(line, data, size);
	line[size] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (load(data, size, NULL, &a)) {
		need(load(a.data, a.len, NULL, &b));
		need(strcmp(a.data, b.data) == 0);
	}
	(void)load(data, size, line, &c);
	free(line);
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	return 0;
}
