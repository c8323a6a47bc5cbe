#include "override.h"

#include <stdlib.h>
#include <string.h>

#include "registry.h"

static int
compare(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

bool
override_covers(const struct override *o, const char *name)
{
	return o->domains == NULL ||
	       bsearch(name, o->domains->v, o->domains->n,
		   sizeof(o->domains->v[0]), compare) != NULL;
}
