#include "support.h"

#include "base/clock.h"
#include "base/file.h"

int make_arena(void **state)
{
	*state = arena_new(64 << 20);
	return *state == NULL ? -1 : 0;
}

int free_arena(void **state)
{
	arena_free(*state);
	return 0;
}

void must(enum result result, const struct error *err)
{
	if (result != RESULT_OK)
		fail_msg("%s: %s", result_text(result), err->text);
}

const uint8_t *name(struct arena *arena, const char *text)
{
	struct dns_name parsed;
	struct error err = {0};
	must(dns_name_parse(text, &parsed, &err), &err);
	return arena_memdup(arena, parsed.wire, dns_name_length(parsed.wire));
}

struct dns_rdata rdata(struct arena *arena, uint16_t type, const char *text)
{
	struct dns_rdata found;
	struct error err = {0};
	must(dns_rdata_parse(arena, type, text, NULL, &found, &err), &err);
	return found;
}

struct dns_key *key(struct arena *arena, const char *owner, const char *text)
{
	struct dns_key *found;
	struct error err = {0};
	must(dns_key_parse(name(arena, owner), text, &found, &err), &err);
	return found;
}

struct dns_ds ds(const char *text)
{
	struct dns_ds found;
	struct error err = {0};
	must(dns_ds_parse(text, &found, &err), &err);
	return found;
}

int64_t seconds(const char *text)
{
	int64_t at_ms;
	struct error err = {0};
	must(time_parse(text, &at_ms, &err), &err);
	return at_ms / SECOND_MS;
}

char *fixture(struct arena *arena, const char *file, size_t *length)
{
	char *data;
	struct error err = {0};
	must(file_read(arena, arena_printf(arena, "%s/%s", FIXTURES, file), 1 << 20, &data, length,
	             &err),
	        &err);
	return data;
}

uint8_t *unhex(struct arena *arena, const char *text, size_t *length)
{
	*length = strlen(text) / 2;
	uint8_t *octets = arena_alloc(arena, *length);
	for (size_t i = 0; i < *length; i++) {
		const char digits[3] = {text[2 * i], text[2 * i + 1]};
		octets[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return octets;
}

static char **split(struct arena *arena, char *line)
{
	char **words = arena_array(arena, 16, sizeof *words), *rest = line;
	for (size_t n = 0; n < 15; n++)
		words[n] = strtok_r(rest, " ", &rest);
	return words;
}

char **fixture_words(struct arena *arena, const char *file, const char *label, size_t n)
{
	size_t length;
	char *rest = fixture(arena, file, &length), *line;
	while ((line = strtok_r(rest, "\n", &rest)) != NULL) {
		if (*line == '#')
			continue;
		char **words = split(arena, line);
		if (label != NULL ? strcmp(words[0], label) == 0 : n-- == 0)
			return words;
	}
	return NULL;
}

static struct dns_rrset *set_of(struct zone *zone, const struct dns_record *record, uint16_t type)
{
	struct dns_rrset *set = zone_find(zone, record->owner, type);
	if (set != NULL)
		return set;
	assert_in_range(zone->count, 0, 63);
	set = &zone->set[zone->count++];
	*set = (struct dns_rrset){.owner = record->owner, .type = type, .rclass = record->rclass};
	return set;
}

static const struct dns_rdata *grow(struct arena *arena, const struct dns_rdata *list, size_t count,
        const struct dns_rdata *more)
{
	struct dns_rdata *longer = arena_array(arena, count + 1, sizeof *longer);
	if (count > 0)
		memcpy(longer, list, count * sizeof *longer);
	longer[count].octets = arena_memdup(arena, more->octets, more->length);
	longer[count].length = more->length;
	return longer;
}

static void load_record(struct arena *arena, struct zone *zone, const struct dns_record *record)
{
	if (record->type == DNS_TYPE_RRSIG) {
		const uint8_t *rrsig = record->rdata.octets;
		struct dns_rrset *set = set_of(zone, record, (uint16_t)(rrsig[0] << 8 | rrsig[1]));
		set->signatures =
		        grow(arena, set->signatures, set->signature_count++, &record->rdata);
		return;
	}
	struct dns_rrset *set = set_of(zone, record, record->type);
	set->ttl_s = set->ttl_max_s = record->ttl_s;
	set->rdata = grow(arena, set->rdata, set->count++, &record->rdata);
}

void load_zone(struct arena *arena, const char *text, size_t length, struct zone *zone)
{
	const char *end = text + length;
	struct dns_record record;
	struct error err = {0};
	zone->count = 0;
	for (const char *line = text, *next; line < end; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		if (next == line || *line == ';')
			continue;
		const char *copy = arena_strndup(arena, line, (size_t)(next - line));
		must(dns_record_parse(arena, copy, NULL, &record, &err), &err);
		load_record(arena, zone, &record);
	}
}

bool same_octets(const uint8_t *a, const uint8_t *b)
{
	size_t n = dns_name_length(a);
	return n == dns_name_length(b) && memcmp(a, b, n) == 0;
}

struct dns_rrset *zone_find(struct zone *zone, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < zone->count; i++) {
		if (zone->set[i].type == type && dns_name_equal(zone->set[i].owner, owner))
			return &zone->set[i];
	}
	return NULL;
}
