#include "cmd/zone_input.h"

#include "base/clock.h"
#include "zone/read.h"

#include <stdlib.h>
#include <string.h>

static void show(void *ctx, uint64_t done, uint64_t all)
{
	zone_progress_show(ctx, done, all, "MB");
}

static int read_file(const struct zone_input *input, const char *path, struct zone **zone)
{
	struct dns_name origin;
	struct error err = {0};
	struct zone_progress progress = zone_progress("reading");
	struct zone_read_options options = {.progress = show, .ctx = &progress};
	if (input->origin != NULL) {
		if (dns_name_parse(input->origin, &origin, &err) != RESULT_OK)
			return usage_error("--origin: %s", err.text);
		options.origin = origin.wire;
	}
	enum result result = zone_read(path, &options, zone, &err);
	zone_progress_end(&progress);
	return result == RESULT_OK ? 0 : usage_error("%s", err.text);
}

int zone_input_read(const struct zone_input *input, const char *what, struct zone **zone)
{
	return read_file(input, what, zone);
}

bool zone_option_number(const char *text, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 18 || text[digits] != '\0')
		return false;
	*number = strtoull(text, NULL, 10);
	return true;
}
