#include "zone/read.h"

#include "zone/build.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libzscanner/scanner.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_OCTETS   ((size_t)1 << 20) // of a text of unknown length
#define GIVE_BACK      ((size_t)8 << 20)
#define PROGRESS_STEPS 8192u // records between two calls
// What a record without a TTL gets from libzscanner; no TTL is that long (RFC 2181 8).
#define NO_TTL UINT32_MAX

// Anonymous memory, page by page, so that what was parsed can be given back.
struct text {
	char *octets;
	size_t length, mapped, given_back;
	bool owned;
};

struct reader {
	struct zone_builder *builder;
	const struct zone_read_options *options;
	const char *source;
	struct text *text;
	zs_scanner_t *scanner;
	struct error *err;
	uint32_t last_ttl_s;
	bool has_ttl;
	unsigned countdown; // records until the next progress call
};

static void text_free(struct text *text)
{
	if (text->mapped > 0)
		munmap(text->octets, text->mapped);
	*text = (struct text){0};
}

static enum result text_reserve(struct text *text, size_t octets, struct error *err)
{
	void *memory = text->mapped == 0
	                       ? mmap(NULL, octets, PROT_READ | PROT_WRITE,
	                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
	                       : mremap(text->octets, text->mapped, octets, MREMAP_MAYMOVE);
	if (memory == MAP_FAILED)
		return error_set(err, RESULT_MEMORY, "no memory for %zu octets of text", octets);
	text->octets = memory;
	text->mapped = octets;
	return RESULT_OK;
}

static enum result text_read(struct text *text, int fd, size_t max, struct error *err)
{
	for (;;) {
		enum result result = RESULT_OK;
		if (text->length == text->mapped)
			result = text_reserve(text, 2 * text->mapped, err);
		if (result != RESULT_OK)
			return result;
		ssize_t n = read(fd, text->octets + text->length, text->mapped - text->length);
		if (n == 0)
			return RESULT_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, "cannot be read");
		text->length += (size_t)n;
		if (text->length > max)
			return error_set(err, RESULT_LIMIT, "more than %zu octets", max);
	}
}

static enum result text_load(struct text *text, const char *path, size_t max, struct error *err)
{
	bool is_input = strcmp(path, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, "cannot be opened");
	struct stat stat;
	size_t expected = FIRST_OCTETS;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && (uint64_t)stat.st_size < max)
		expected = (size_t)stat.st_size + 1; // so that the end is seen without growing
	enum result result = text_reserve(text, expected, err);
	if (result == RESULT_OK)
		result = text_read(text, fd, max, err);
	if (!is_input)
		close(fd);
	return result;
}

static enum result fail(const struct reader *r, enum result code, const char *what)
{
	return error_set(r->err, code, "%.200s:%llu: %s", r->source,
	        (unsigned long long)r->scanner->line_counter, what);
}

// Gives the memory of the text that is parsed back to the system.
static void give_back(struct text *text, size_t parsed)
{
	if (!text->owned || parsed - text->given_back < GIVE_BACK)
		return;
	size_t whole = (parsed - text->given_back) / GIVE_BACK * GIVE_BACK;
	madvise(text->octets + text->given_back, whole, MADV_DONTNEED);
	text->given_back += whole;
}

static void advance(struct reader *r)
{
	if (r->countdown-- > 0)
		return;
	r->countdown = PROGRESS_STEPS;
	size_t parsed =
	        r->text->length - (size_t)(r->scanner->input.end - r->scanner->input.current);
	give_back(r->text, parsed);
	if (r->options->progress != NULL)
		r->options->progress(r->options->ctx, parsed, r->text->length);
}

// RFC 1035 5.1: a TTL that is left out is the one that was stated last.
static bool find_ttl(struct reader *r, uint32_t *ttl_s)
{
	*ttl_s = r->scanner->r_ttl;
	if (*ttl_s == NO_TTL) {
		*ttl_s = r->last_ttl_s;
		return r->has_ttl;
	}
	r->last_ttl_s = *ttl_s;
	r->has_ttl = true;
	return true;
}

static enum result take_record(struct reader *r)
{
	const zs_scanner_t *s = r->scanner;
	uint64_t line = s->line_counter;
	struct zone_record record = {
	        .owner = s->r_owner,
	        .owner_length = s->r_owner_length,
	        .type = s->r_type,
	        .rclass = s->r_class,
	        .line = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line,
	        .rdata = {s->r_data, (uint16_t)s->r_data_length},
	};
	if (!find_ttl(r, &record.ttl_s))
		return fail(r, RESULT_INPUT,
		        "a record without a TTL, and none was stated before: add $TTL");
	advance(r);
	return zone_builder_add(r->builder, &record, r->err);
}

static enum result scan_error(const struct reader *r)
{
	if (r->scanner->error.code == ZS_ENOMEM)
		return fail(r, RESULT_MEMORY, "no memory");
	return fail(r, RESULT_INPUT, zs_strerror(r->scanner->error.code));
}

static enum result scan(struct reader *r)
{
	enum result result = RESULT_OK;
	while (result == RESULT_OK && zs_parse_record(r->scanner) == 0) {
		switch (r->scanner->state) {
		case ZS_STATE_DATA:
			result = take_record(r);
			break;
		case ZS_STATE_EOF:
			return RESULT_OK;
		case ZS_STATE_INCLUDE:
			return fail(
			        r, RESULT_INPUT, "$INCLUDE is refused: give the zone as one file");
		case ZS_STATE_NONE:
		case ZS_STATE_ERROR:
		case ZS_STATE_STOP:
		default:
			return scan_error(r);
		}
	}
	return result != RESULT_OK ? result : scan_error(r);
}

static enum result parse(struct reader *r)
{
	char origin[DNS_NAME_TEXT] = ".";
	if (r->options->origin != NULL)
		dns_name_text(r->options->origin, origin);
	if (zs_init(r->scanner, origin, DNS_CLASS_IN, NO_TTL) != 0)
		return scan_error(r);
	enum result result = RESULT_OK;
	// libzscanner refuses a text of no octets.
	if (r->text->length > 0) {
		if (zs_set_input_string(r->scanner, r->text->octets, r->text->length) != 0)
			result = scan_error(r);
		else
			result = scan(r);
	}
	zs_deinit(r->scanner);
	return result;
}

static enum result read_zone(const char *source, struct text *text,
        const struct zone_read_options *options, struct zone **zone, struct error *err)
{
	struct reader r = {.options = options, .source = source, .text = text, .err = err};
	r.builder = zone_builder_new(source);
	r.scanner = malloc(sizeof *r.scanner); // some 200 KiB
	if (r.builder == NULL || r.scanner == NULL) {
		zone_builder_free(r.builder);
		free(r.scanner);
		return error_set(err, RESULT_MEMORY, "no memory for a zone");
	}
	enum result result = parse(&r);
	free(r.scanner);
	if (text->owned)
		text_free(text);
	if (result == RESULT_OK)
		return zone_builder_finish(r.builder, zone, err);
	zone_builder_free(r.builder);
	return result;
}

static size_t max_octets(const struct zone_read_options *options)
{
	return options->max_octets > 0 ? options->max_octets : ZONE_MAX_TEXT;
}

enum result zone_read(const char *path, const struct zone_read_options *options, struct zone **zone,
        struct error *err)
{
	const char *source = strcmp(path, "-") == 0 ? "standard input" : path;
	struct text text = {.owned = true};
	enum result result = text_load(&text, path, max_octets(options), err);
	if (result != RESULT_OK)
		error_prefix(err, "%.200s: ", source);
	else
		result = read_zone(source, &text, options, zone, err);
	text_free(&text);
	return result;
}

enum result zone_read_text(const char *source, const char *text, size_t length,
        const struct zone_read_options *options, struct zone **zone, struct error *err)
{
	if (length > max_octets(options))
		return error_set(err, RESULT_LIMIT, "%.200s: more than %zu octets", source,
		        max_octets(options));
	// Never written to: it is not owned.
	struct text whole = {.octets = (char *)(uintptr_t)text, .length = length};
	return read_zone(source, &whole, options, zone, err);
}
