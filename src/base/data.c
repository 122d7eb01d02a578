#include "base/data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum result data_path(struct arena *arena, const char *name, const char **path, struct error *err)
{
	const char *folders[] = {getenv("BATON_DATA"), BATON_SOURCE_FOLDER, BATON_DATA_FOLDER};
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if (folders[i] == NULL || folders[i][0] == '\0')
			continue;
		char *candidate = arena_printf(arena, "%s/%s", folders[i], name);
		if (candidate == NULL)
			return error_set(err, RESULT_MEMORY, "no memory for a path");
		if (access(candidate, R_OK) == 0) {
			*path = candidate;
			return RESULT_OK;
		}
	}
	return error_set(err, RESULT_NOT_FOUND,
	        "%s: not among the files that come with Baton (in %s)", name, folders[2]);
}
