#include "cmd/zone_input.h"

#include "base/clock.h"
#include "base/file.h"
#include "dns/tsig.h"
#include "zone/read.h"
#include "zone/transfer.h"

#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 4096

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

// The key of --key, or NULL without one.
static int read_key(const char *path, struct dns_tsig_key **key)
{
	char *text;
	size_t length;
	struct error err = {0};
	struct arena *arena = arena_new(1 << 16);
	if (path == NULL || arena == NULL) {
		arena_free(arena);
		return path == NULL ? 0 : usage_error("no memory");
	}
	enum result result = file_read(arena, path, KEY_FILE_MAX, &text, &length, &err);
	if (result == RESULT_OK) {
		text[strcspn(text, "\r\n")] = '\0';
		result = dns_tsig_key_parse(text, key, &err);
		explicit_bzero(text, length);
		if (result != RESULT_OK)
			error_prefix(&err, "%.200s: ", path);
	}
	arena_free(arena);
	return result == RESULT_OK ? 0 : usage_error("--key: %s", err.text);
}

static void show_octets(void *ctx, uint64_t octets)
{
	zone_progress_show(ctx, octets, 0, "MB");
}

static int transfer(const struct zone_transfer *what, struct zone **zone)
{
	struct zone_transfer t = *what;
	struct error err = {0};
	struct zone_progress progress = zone_progress("transferring");
	t.progress = show_octets;
	t.ctx = &progress;
	t.random = random_system();
	enum result result = loop_new(&t.loop, &err);
	if (result == RESULT_OK)
		result = zone_transfer(&t, zone, &err);
	loop_free(t.loop);
	zone_progress_end(&progress);
	return result == RESULT_OK ? 0 : usage_error("%s", err.text);
}

// "500M": K, M and G are 1024 of the one before.
static bool read_size(const char *text, size_t *octets)
{
	static const char units[] = "KMG";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] != '\0' ? strchr(units, text[digits]) : NULL;
	unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
	if (digits == 0 || digits > 18 || (text[digits] != '\0' && unit == NULL) ||
	        (unit != NULL && text[digits + 1] != '\0'))
		return false;
	unsigned long long number = strtoull(text, NULL, 10);
	if (number == 0 || number > ZONE_MAX_OCTETS >> shift)
		return false;
	*octets = (size_t)number << shift;
	return true;
}

static int read_limits(const struct zone_input *input, struct zone_transfer *t)
{
	struct error err = {0};
	if (input->timeout != NULL &&
	        duration_parse(input->timeout, &t->timeout_ms, &err) != RESULT_OK)
		return usage_error("--timeout: %s", err.text);
	if (input->within != NULL && duration_parse(input->within, &t->total_ms, &err) != RESULT_OK)
		return usage_error("--within: %s", err.text);
	if (input->max != NULL && !read_size(input->max, &t->max_octets))
		return usage_error(
		        "--max: '%.40s' is no size from 1 to 64G, as in 500M or 8G", input->max);
	return 0;
}

static int read_server(const struct zone_input *input, const char *url, struct zone **zone)
{
	struct zone_transfer t = {0};
	struct dns_tsig_key *key = NULL;
	struct zone *base = NULL;
	struct error err = {0};
	int status = read_limits(input, &t);
	if (status != 0)
		return status;
	if (zone_transfer_parse(url, &t, &err) != RESULT_OK)
		return usage_error("%s", err.text);
	if (t.incremental && input->base == NULL)
		return usage_error("%.100s: an earlier version is needed: --base", url);
	status = read_key(input->key, &key);
	if (status == 0 && t.incremental)
		status = read_file(input, input->base, &base);
	t.key = key;
	t.base = base;
	if (status == 0)
		status = transfer(&t, zone);
	zone_free(base);
	dns_tsig_key_free(key);
	return status;
}

int zone_input_read(const struct zone_input *input, const char *what, struct zone **zone)
{
	return zone_transfer_is_url(what) ? read_server(input, what, zone)
	                                  : read_file(input, what, zone);
}

bool zone_option_number(const char *text, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 18 || text[digits] != '\0')
		return false;
	*number = strtoull(text, NULL, 10);
	return true;
}
