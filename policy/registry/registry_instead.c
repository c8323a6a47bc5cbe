#include "registry_instead.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static struct instead {
	const char *path, *copy;
} * instead;
static size_t ninstead, instead_cap;

void
registry_instead(const char *path, const char *copy)
{
	if (path == NULL) {
		free(instead);
		instead = NULL;
		ninstead = instead_cap = 0;
		return;
	}
	instead = mem_grow(instead, ninstead, &instead_cap, sizeof(*instead));
	instead[ninstead++] = (struct instead){path, copy};
}

const char *
registry_instead_of(const char *path)
{
	size_t i;

	for (i = 0; i < ninstead; i++)
		if (strcmp(path, instead[i].path) == 0)
			return instead[i].copy;
	return path;
}
