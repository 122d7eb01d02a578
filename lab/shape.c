#include "shape_all.h"

#include <string.h>

// The first one is the usual one.
static const struct shape *const shapes[] = {&shape_domain, &shape_tld};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

const struct shape *shape_nth(size_t n)
{
	return n < SHAPES ? shapes[n] : NULL;
}

const struct shape *shape_find(const char *name)
{
	if (name == NULL)
		return shapes[0];
	for (size_t i = 0; i < SHAPES; i++)
		if (strcmp(shapes[i]->name, name) == 0)
			return shapes[i];
	return NULL;
}
