#include "bulk/definition.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/template.h"
#include "base/yaml.h"

// The name of a file has 255 octets at most; ".journal.private-journal" comes behind the zone's.
enum { ZONE_ARENA_MAX = 64 << 20, LIMIT_MAX = 1000000, MAX_NAME = 230 };

struct loader {
	struct arena *arena;
	struct bulk_definition *b;
	const struct yaml_node *root;
	struct error *err;
};

static enum result too_large(struct loader *l)
{
	return error_set(l->err, RESULT_LIMIT, "%s: too large", l->b->file);
}

static const char *path_beside(struct loader *l, const char *path)
{
	return file_path_beside(l->arena, l->b->file, path);
}

static enum result need_text(struct loader *l, const char *key, const char **text)
{
	const struct yaml_node *node = yaml_get(l->root, key);
	return node != NULL ? yaml_text(node, key, text, l->err)
	                    : yaml_error(l->root, l->err, "a bulk lacks '%s'", key);
}

static enum result read_count(struct loader *l, const struct yaml_node *map, const char *key,
        int64_t max, unsigned *value)
{
	const struct yaml_node *node = yaml_get(map, key);
	int64_t number;
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_integer(node, key, 1, max, &number, l->err);
	if (result == RESULT_OK)
		*value = (unsigned)number;
	return result;
}

static enum result read_duration(
        struct loader *l, const struct yaml_node *map, const char *key, int64_t *ms)
{
	const struct yaml_node *node = yaml_get(map, key);
	return node == NULL ? RESULT_OK : yaml_duration(node, key, ms, l->err);
}

static enum result read_id(struct loader *l)
{
	enum result result = need_text(l, "bulk", &l->b->id);
	if (result != RESULT_OK)
		return result;
	size_t n = strlen(l->b->id);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)l->b->id[i]) && strchr("-_.", l->b->id[i]) == NULL)
			n = 0;
	return n > 0 && n <= 64 && l->b->id[0] != '.'
	               ? RESULT_OK
	               : yaml_error(yaml_get(l->root, "bulk"), l->err,
	                         "'bulk' names the bulk: letters, digits, - _ ., at most 64");
}

// ---- Zones -----------------------------------------------------------------------------------

static enum result read_columns(struct loader *l)
{
	const struct yaml_node *list = yaml_get(l->root, "columns");
	if (list == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(list, "columns", YAML_LIST, l->err);
	if (result == RESULT_OK && list->count > BULK_MAX_COLUMNS)
		return yaml_error(list, l->err, "more than %d columns", BULK_MAX_COLUMNS);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		const char *name;
		result = yaml_text(list->items[i], "columns", &name, l->err);
		if (result != RESULT_OK)
			return result;
		size_t n = strlen(name);
		for (size_t k = 0; k < n; k++)
			if (!isalnum((unsigned char)name[k]) && name[k] != '_')
				n = 0;
		if (n == 0 || n > 60 || strcmp(name, "ZONE") == 0 || strcmp(name, "NUMBER") == 0)
			return yaml_error(list->items[i], l->err,
			        "'%.60s' cannot name a column: letters, digits and _, and not ZONE "
			        "or NUMBER, which are there anyway",
			        name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(l->b->columns[k], name) == 0)
				return yaml_error(list->items[i], l->err,
				        "column '%.60s' is there twice", name);
		l->b->columns[i] = name;
		l->b->column_count = i + 1;
	}
	return result;
}

static enum result read_zone_list(struct loader *l, const struct yaml_node *list)
{
	struct bulk_definition *b = l->b;
	if (list->count > BULK_MAX_ZONES)
		return yaml_error(list, l->err, "more than %d zones", BULK_MAX_ZONES);
	if (b->column_count > 0)
		return yaml_error(list, l->err,
		        "zones with columns stand in a file of their own, one in a line: "
		        "'zones: FILE'");
	b->zones = arena_array(l->arena, list->count + 1, sizeof *b->zones);
	if (b->zones == NULL)
		return too_large(l);
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		const char *name;
		char where[200];
		result = yaml_text(list->items[i], "zones", &name, l->err);
		snprintf(where, sizeof where, "%.150s:%d", b->file, list->items[i]->line);
		if (result == RESULT_OK)
			result =
			        bulk_zone_set(l->arena, where, name, NULL, 0, &b->zones[i], l->err);
		b->zones[i].line = list->items[i]->line;
		b->zone_count = i + 1;
	}
	return result;
}

static enum result read_zones(struct loader *l)
{
	struct bulk_definition *b = l->b;
	const struct yaml_node *node = yaml_get(l->root, "zones");
	const char *name, *path = b->zones_file = b->file;
	char *text;
	size_t length;
	if (node != NULL && node->kind == YAML_LIST) {
		enum result result = read_zone_list(l, node);
		return result == RESULT_OK
		               ? bulk_zones_check(l->arena, path, b->zones, b->zone_count, l->err)
		               : result;
	}
	enum result result = need_text(l, "zones", &name);
	if (result == RESULT_OK && (path = path_beside(l, name)) == NULL)
		result = too_large(l);
	if (result == RESULT_OK)
		result = file_read(l->arena, b->zones_file = path, BULK_MAX_ZONES_OCTETS, &text,
		        &length, l->err);
	if (result == RESULT_OK)
		result = bulk_zones_parse(l->arena, path, text, length, b->column_count, &b->zones,
		        &b->zone_count, l->err);
	return result == RESULT_OK
	               ? bulk_zones_check(l->arena, path, b->zones, b->zone_count, l->err)
	               : result;
}

// ---- Waves -----------------------------------------------------------------------------------

static size_t left_of(const struct bulk_definition *b)
{
	size_t placed = 0;
	for (size_t i = 0; i < b->wave_count; i++)
		placed += b->waves[i].count;
	return b->zone_count - placed;
}

// A wave of nobody is none.
static void add_wave(struct bulk_definition *b, size_t count)
{
	size_t left = left_of(b);
	count = count < left ? count : left;
	if (count == 0)
		return;
	b->waves[b->wave_count++] =
	        (struct bulk_wave){.first = b->zone_count - left, .count = count};
}

static size_t place_of(const struct bulk_definition *b, const char *name)
{
	size_t n = strlen(name);
	n -= n > 0 && name[n - 1] == '.';
	size_t i = 0;
	while (i < b->zone_count &&
	        (strncasecmp(b->zones[i].name, name, n) != 0 || b->zones[i].name[n] != '\0'))
		i++;
	return i;
}

// The named ones first; the others keep their order.
static enum result read_canaries(struct loader *l, const struct yaml_node *list)
{
	struct bulk_definition *b = l->b;
	for (size_t i = 0; i < list->count; i++) {
		const char *name;
		enum result result = yaml_text(list->items[i], "canary", &name, l->err);
		if (result != RESULT_OK)
			return result;
		size_t at = place_of(b, name);
		if (at == b->zone_count)
			return yaml_error(list->items[i], l->err,
			        "'%.100s' is none of the zones of this bulk", name);
		if (at < i)
			return yaml_error(list->items[i], l->err, "'%.100s' is there twice", name);
		struct bulk_zone zone = b->zones[at];
		memmove(&b->zones[i + 1], &b->zones[i], (at - i) * sizeof zone);
		b->zones[i] = zone;
	}
	add_wave(b, list->count);
	return RESULT_OK;
}

static enum result read_canary(struct loader *l)
{
	struct bulk_definition *b = l->b;
	const struct yaml_node *node = yaml_get(l->root, "canary");
	const struct yaml_node *soak = yaml_get(l->root, "soak");
	unsigned count = 0;
	enum result result = RESULT_OK;
	if (node != NULL && node->kind == YAML_LIST)
		result = read_canaries(l, node);
	else if (node != NULL) {
		result = read_count(l, l->root, "canary", BULK_MAX_ZONES, &count);
		add_wave(b, count);
	}
	b->has_canary = b->wave_count > 0;
	if (result == RESULT_OK && soak != NULL && !b->has_canary)
		return yaml_error(soak, l->err,
		        "'soak' is the time after the canary, and there is no 'canary'");
	return result == RESULT_OK ? read_duration(l, l->root, "soak", &b->soak_ms) : result;
}

static enum result read_wave(struct loader *l, const struct yaml_node *node, bool is_last)
{
	struct bulk_definition *b = l->b;
	const char *text;
	enum result result = yaml_text(node, "waves", &text, l->err);
	if (result != RESULT_OK)
		return result;
	if (strcmp(text, "rest") == 0) {
		if (!is_last)
			return yaml_error(node, l->err, "'rest' can only be the last wave");
		add_wave(b, b->zone_count);
		return RESULT_OK;
	}
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	bool percent = end[0] == '%' && end[1] == '\0';
	if (!isdigit((unsigned char)text[0]) || strlen(text) > 9 || number == 0 ||
	        (*end != '\0' && !percent) || (percent && number > 100))
		return yaml_error(node, l->err,
		        "a wave is a number of zones, a percentage of all of them (10%%), or "
		        "'rest', not '%.40s'",
		        text);
	add_wave(b, percent ? (b->zone_count * number + 99) / 100 : number);
	return RESULT_OK;
}

static enum result read_waves(struct loader *l)
{
	struct bulk_definition *b = l->b;
	const struct yaml_node *list = yaml_get(l->root, "waves");
	if (list == NULL) {
		add_wave(b, b->zone_count);
		return RESULT_OK;
	}
	enum result result = yaml_expect(list, "waves", YAML_LIST, l->err);
	if (result == RESULT_OK && list->count > BULK_MAX_WAVES - 1)
		return yaml_error(list, l->err, "more than %d waves", BULK_MAX_WAVES - 1);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++)
		result = read_wave(l, list->items[i], i + 1 == list->count);
	if (result == RESULT_OK && left_of(b) > 0)
		return yaml_error(list, l->err,
		        "%zu of the %zu zones are in no wave; let the last one be 'rest'",
		        left_of(b), b->zone_count);
	return result;
}

static enum result digest(struct loader *l)
{
	struct bulk_definition *b = l->b;
	uint8_t sha256[32];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	for (size_t w = 0; w < b->wave_count; w++)
		for (size_t i = 0; good && i < b->waves[w].count; i++) {
			struct bulk_zone *zone = &b->zones[b->waves[w].first + i];
			char number[24];
			int n = snprintf(number, sizeof number, " %zu\n", w);
			zone->wave = (unsigned)w;
			good = EVP_DigestUpdate(ctx, zone->name, strlen(zone->name)) == 1 &&
			       EVP_DigestUpdate(ctx, number, (size_t)n) == 1;
		}
	good = good && EVP_DigestFinal_ex(ctx, sha256, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return error_set(l->err, RESULT_MEMORY, "out of memory");
	hex_lower(sha256, sizeof sha256, b->digest);
	return RESULT_OK;
}

// ---- Limits ----------------------------------------------------------------------------------

static enum result read_limit(
        struct loader *l, const struct yaml_node *name, const struct yaml_node *map)
{
	static const char *const known[] = {"effects", "per", "zones", NULL};
	struct bulk_limit *limit = &l->b->limits[l->b->limit_count++];
	*limit = (struct bulk_limit){.party = name->text, .line = name->line, .per_ms = MINUTE_MS};
	enum result result = yaml_known_keys(map, "a rate", known, l->err);
	if (result == RESULT_OK)
		result = read_count(l, map, "effects", BULK_MAX_EFFECTS, &limit->effects);
	if (result == RESULT_OK)
		result = read_duration(l, map, "per", &limit->per_ms);
	if (result == RESULT_OK && limit->per_ms <= 0)
		return yaml_error(
		        yaml_get(map, "per"), l->err, "'per' must be longer than nothing");
	if (result == RESULT_OK)
		result = read_count(l, map, "zones", LIMIT_MAX, &limit->zones);
	if (result == RESULT_OK && limit->effects == 0 && limit->zones == 0)
		return yaml_error(map, l->err,
		        "the rate of '%.60s' limits nothing: it has 'effects', 'zones', or both",
		        name->text);
	return result;
}

static enum result read_rate(struct loader *l)
{
	const struct yaml_node *map = yaml_get(l->root, "rate");
	if (map == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(map, "rate", YAML_MAP, l->err);
	if (result == RESULT_OK && map->count > BULK_MAX_LIMITS)
		return yaml_error(map, l->err, "more than %d parties", BULK_MAX_LIMITS);
	for (size_t i = 0; result == RESULT_OK && i < map->count; i++)
		result = read_limit(l, map->keys[i], map->items[i]);
	return result;
}

static enum result read_queries(struct loader *l)
{
	static const char *const known[] = {"each-server", "in-all", NULL};
	const struct yaml_node *map = yaml_get(l->root, "queries");
	if (map == NULL)
		return RESULT_OK;
	enum result result = yaml_known_keys(map, "queries", known, l->err);
	if (result == RESULT_OK)
		result = read_count(l, map, "each-server", 100000, &l->b->queries_each);
	return result == RESULT_OK ? read_count(l, map, "in-all", 1000000, &l->b->queries_all)
	                           : result;
}

static enum result read_preflight(struct loader *l)
{
	static const char *const known[] = {"within", "failure", NULL};
	const struct yaml_node *map = yaml_get(l->root, "preflight");
	const char *text = "halt";
	if (map == NULL)
		return RESULT_OK;
	enum result result = yaml_known_keys(map, "preflight", known, l->err);
	if (result == RESULT_OK)
		result = read_duration(l, map, "within", &l->b->preflight_ms);
	const struct yaml_node *node = yaml_get(map, "failure");
	if (result == RESULT_OK && node != NULL)
		result = yaml_text(node, "failure", &text, l->err);
	if (result == RESULT_OK && strcmp(text, "halt") != 0 && strcmp(text, "skip") != 0)
		return yaml_error(
		        node, l->err, "'failure' is '%.40s', expected halt or skip", text);
	l->b->skip_preflight = strcmp(text, "skip") == 0;
	return result;
}

static enum result read_settings(struct loader *l)
{
	enum result result = read_rate(l);
	if (result == RESULT_OK)
		result = read_queries(l);
	if (result == RESULT_OK)
		result = read_preflight(l);
	if (result == RESULT_OK)
		result = read_count(l, l->root, "zones-at-once", LIMIT_MAX, &l->b->at_once);
	if (result == RESULT_OK)
		result = read_count(l, l->root, "halt-after", LIMIT_MAX, &l->b->halt_after);
	return result;
}

static enum result read_template(struct loader *l)
{
	struct bulk_definition *b = l->b;
	const char *text;
	char *template;
	size_t length;
	enum result result = need_text(l, "template", &text);
	if (result == RESULT_OK && (b->template_path = path_beside(l, text)) == NULL)
		result = too_large(l);
	if (result == RESULT_OK)
		result = file_read(
		        l->arena, b->template_path, YAML_MAX_OCTETS, &template, &length, l->err);
	if (result != RESULT_OK)
		return result;
	if (strlen(template) != length)
		return error_set(
		        l->err, RESULT_INPUT, "%s: there is a NUL in it", b->template_path);
	b->template_text = template;
	return RESULT_OK;
}

static enum result read_journals(struct loader *l)
{
	struct bulk_definition *b = l->b;
	enum result result = RESULT_OK;
	const char *text = arena_printf(l->arena, "%s.journals", b->id);
	if (text != NULL && yaml_get(l->root, "journals") != NULL)
		result = need_text(l, "journals", &text);
	if (result == RESULT_OK)
		b->journals = text != NULL ? path_beside(l, text) : NULL;
	if (result == RESULT_OK && b->journals != NULL)
		b->ledger = arena_printf(l->arena, "%s/bulk.ledger", b->journals);
	return result == RESULT_OK && b->ledger == NULL ? too_large(l) : result;
}

// ---- The change of each zone -------------------------------------------------------------------

static enum result put_in(struct arena *arena, const struct bulk_definition *b,
        const struct bulk_zone *zone, char **text, struct error *err)
{
	struct template_vars *vars = template_vars_new(arena);
	template_set(vars, "ZONE", zone->name);
	template_setf(vars, "NUMBER", "%zu", (size_t)(zone - b->zones) + 1);
	for (size_t i = 0; i < b->column_count; i++)
		template_set(vars, b->columns[i], zone->values[i]);
	return template_expand(vars, arena, b->template_path, b->template_text, text, err);
}

enum result bulk_definition_zone(struct arena *arena, const struct bulk_definition *bulk,
        const struct bulk_zone *zone, const struct change_definition **out, struct error *err)
{
	const struct change_definition *parsed;
	struct change_definition *d;
	struct dns_name name;
	struct error inner = {0};
	char *text;
	enum result result = put_in(arena, bulk, zone, &text, &inner);
	if (result == RESULT_OK)
		result = change_definition_parse(arena, bulk->template_path, text, strlen(text),
		        NULL, NULL, 0, &parsed, &inner);
	if (result == RESULT_OK && (dns_name_parse(zone->name, &name, NULL) != RESULT_OK ||
	                                   !dns_name_equal(name.wire, parsed->zone.wire)))
		result = error_set(&inner, RESULT_INPUT, "%s: the line 'zone' has to be '${ZONE}'",
		        bulk->template_path);
	if (result != RESULT_OK)
		return error_set(err, result, "%s (for zone %s)", inner.text, zone->name);
	d = arena_memdup(arena, parsed, sizeof *parsed);
	if (d == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too large", bulk->template_path);
	d->journal_path = zone->journal;
	*out = d;
	return RESULT_OK;
}

static bool is_parent(const struct change_definition *d, int party)
{
	return party == d->parent;
}

static enum result find_lane(
        struct loader *l, const struct change_definition *d, size_t limit, uint16_t *lane)
{
	struct bulk_definition *b = l->b;
	int party = procedure_party_find(d->procedure, b->limits[limit].party);
	char parent[DNS_NAME_TEXT] = "";
	if (party < 0)
		return error_set(l->err, RESULT_INPUT,
		        "%s:%d: 'rate' names '%.60s', and procedure '%s' has no such party",
		        b->file, b->limits[limit].line, b->limits[limit].party, d->procedure->id);
	if (is_parent(d, party))
		dns_name_text(d->parent_zone.wire, parent);
	// Neighbours are mostly alike: the newest first.
	for (size_t i = b->lane_count; i-- > 0;)
		if (b->lanes[i].limit == limit && strcasecmp(b->lanes[i].parent, parent) == 0) {
			*lane = (uint16_t)i;
			return RESULT_OK;
		}
	if (b->lane_count == BULK_MAX_LANES)
		return error_set(l->err, RESULT_LIMIT, "%s: the zones have more than %d parents",
		        b->file, BULK_MAX_LANES);
	struct bulk_lane *new = &b->lanes[b->lane_count];
	new->limit = (unsigned)limit;
	new->parent = arena_strdup(l->arena, parent);
	new->name = parent[0] == '\0'
	                    ? b->limits[limit].party
	                    : arena_printf(l->arena, "%s of %s", b->limits[limit].party, parent);
	if (new->parent == NULL || new->name == NULL)
		return too_large(l);
	*lane = (uint16_t)b->lane_count++;
	return RESULT_OK;
}

static enum result take_zone(
        struct loader *l, struct bulk_zone *zone, struct arena *scratch, const char **change)
{
	const struct change_definition *d;
	uint16_t *lanes = arena_array(l->arena, l->b->limit_count + 1, sizeof *lanes);
	char *journal = arena_printf(l->arena, "%s/%s.journal", l->b->journals, zone->name);
	if (lanes == NULL || journal == NULL)
		return too_large(l);
	// RFC 2317 gives zones names such as 0/25.2.0.192.in-addr.arpa; no name has a comma in it.
	for (char *c = journal + strlen(l->b->journals) + 1; *c != '\0'; c++)
		*c = *c == '/' ? ',' : *c;
	if (strlen(zone->name) > MAX_NAME)
		return error_set(l->err, RESULT_INPUT,
		        "%s:%d: the name of zone %s is longer than the %d octets that the name of "
		        "a journal has room for: `baton run` can change it, with a journal of "
		        "another name",
		        l->b->zones_file, zone->line, zone->name, MAX_NAME);
	zone->journal = journal;
	zone->lanes = lanes;
	enum result result = bulk_definition_zone(scratch, l->b, zone, &d, l->err);
	for (size_t i = 0; result == RESULT_OK && i < l->b->limit_count; i++)
		result = find_lane(l, d, i, &lanes[i]);
	if (result == RESULT_OK) {
		*change = arena_strdup(l->arena, d->id);
		if (l->b->procedure == NULL)
			l->b->procedure = arena_strdup(l->arena, d->procedure->id);
		if (*change == NULL || l->b->procedure == NULL)
			result = too_large(l);
	}
	return result;
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

static enum result check_ids(struct loader *l, const char **ids)
{
	size_t n = l->b->zone_count;
	qsort(ids, n, sizeof *ids, by_text);
	for (size_t i = 1; i < n; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			return error_set(l->err, RESULT_INPUT,
			        "%s: the changes of two zones are both called '%s'; let 'change' "
			        "have ${ZONE} or ${NUMBER} in it",
			        l->b->template_path, ids[i]);
	return RESULT_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct bulk_zone *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static enum result sort_zones(struct loader *l)
{
	struct bulk_definition *b = l->b;
	b->by_name = arena_array(l->arena, b->zone_count + 1, sizeof *b->by_name);
	if (b->by_name == NULL)
		return too_large(l);
	for (size_t i = 0; i < b->zone_count; i++)
		b->by_name[i] = &b->zones[i];
	qsort(b->by_name, b->zone_count, sizeof *b->by_name, by_name);
	return RESULT_OK;
}

static enum result take_zones(struct loader *l)
{
	struct bulk_definition *b = l->b;
	const char **ids = arena_array(l->arena, b->zone_count + 1, sizeof *ids);
	enum result result = RESULT_OK;
	b->lanes = arena_array(l->arena, BULK_MAX_LANES, sizeof *b->lanes);
	if (ids == NULL || b->lanes == NULL)
		return too_large(l);
	for (size_t i = 0; result == RESULT_OK && i < b->zone_count; i++) {
		struct arena *scratch = arena_new(ZONE_ARENA_MAX);
		result = scratch == NULL ? error_set(l->err, RESULT_MEMORY, "out of memory")
		                         : take_zone(l, &b->zones[i], scratch, &ids[i]);
		arena_free(scratch);
	}
	return result == RESULT_OK ? check_ids(l, ids) : result;
}

typedef enum result (*load_part)(struct loader *l);

static enum result load(struct arena *arena, const char *path, const load_part *parts,
        const struct bulk_definition **out, struct error *err)
{
	static const char *const known[] = {"bulk", "template", "zones", "columns", "canary",
	        "soak", "waves", "rate", "queries", "preflight", "zones-at-once", "halt-after",
	        "journals", NULL};
	struct bulk_definition *b = arena_alloc(arena, sizeof *b);
	if (b == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too large", path);
	*b = (struct bulk_definition){.file = path,
	        .at_once = 500,
	        .halt_after = 1,
	        .preflight_ms = 10 * MINUTE_MS,
	        .queries_each = 50,
	        .queries_all = 300};
	struct loader l = {.arena = arena, .b = b, .err = err};
	enum result result = yaml_load(arena, path, &l.root, err);
	if (result == RESULT_OK)
		result = yaml_known_keys(l.root, "a bulk", known, err);
	for (size_t i = 0; result == RESULT_OK && parts[i] != NULL; i++)
		result = parts[i](&l);
	if (result == RESULT_OK)
		*out = b;
	return result;
}

enum result bulk_definition_load(struct arena *arena, const char *path,
        const struct bulk_definition **out, struct error *err)
{
	static const load_part parts[] = {read_id, read_template, read_journals, read_columns,
	        read_zones, read_canary, read_waves, digest, sort_zones, read_settings, take_zones,
	        NULL};
	return load(arena, path, parts, out, err);
}

enum result bulk_definition_load_zones(struct arena *arena, const char *path,
        const struct bulk_definition **out, struct error *err)
{
	static const load_part parts[] = {read_id, read_journals, read_columns, read_zones,
	        read_canary, read_waves, digest, sort_zones, NULL};
	return load(arena, path, parts, out, err);
}

int bulk_zone_find(const struct bulk_definition *bulk, const char *name)
{
	char text[DNS_NAME_TEXT];
	struct dns_name wire;
	const struct bulk_zone key = {.name = text}, *one = &key;
	if (dns_name_parse(name, &wire, NULL) != RESULT_OK)
		return -1;
	dns_name_lower(&wire, wire.wire);
	dns_name_text(wire.wire, text);
	text[strlen(text) - 1] = '\0';
	const struct bulk_zone **found =
	        bsearch(&one, bulk->by_name, bulk->zone_count, sizeof *bulk->by_name, by_name);
	return found != NULL ? (int)(*found - bulk->zones) : -1;
}

int bulk_limit_find(const struct bulk_definition *bulk, const char *party)
{
	for (size_t i = 0; i < bulk->limit_count; i++)
		if (strcmp(bulk->limits[i].party, party) == 0)
			return (int)i;
	return -1;
}
