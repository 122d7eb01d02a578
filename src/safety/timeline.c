// Reading timeline files.
#include "safety/timeline.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "safety/internal.h"

// What one publisher serves at the instant that is being read.
struct state {
	uint64_t content[SAFETY_KINDS], signers;
	bool has[SAFETY_KINDS], has_signers;
	int64_t signed_from_ms, signed_until_ms;
};

struct reader {
	struct arena *arena;
	struct timeline *tl;
	struct error *err;
	struct state state[SAFETY_MAX_PUBLISHERS];
	const char *group[SAFETY_MAX_PUBLISHERS];
	const char *key[SAFETY_MAX_KEYS];
	uint32_t ttl_s[SAFETY_TTLS];
	uint32_t largest_s[SAFETY_TTLS];
	bool has_ds_none;
	int64_t lag_parent_ms, lag_child_ms, last_event_ms;
};

static enum result read_ttl_s(
        const struct yaml_node *node, const char *what, uint32_t *ttl_s, struct error *err)
{
	int64_t ms;
	enum result result = yaml_duration(node, what, &ms, err);
	if (result != RESULT_OK)
		return result;
	if (!duration_is_ttl(ms))
		return yaml_error(node, err,
		        "'%s' must be whole seconds, at most 2^31-1 (RFC 2181 section 8)", what);
	*ttl_s = (uint32_t)(ms / SECOND_MS);
	return RESULT_OK;
}

static enum result read_ttls(struct reader *r, const struct yaml_node *map, bool all)
{
	enum result result = yaml_known_keys(map, "ttl", safety_ttl_words, r->err);
	for (int k = 0; result == RESULT_OK && k < SAFETY_TTLS; k++) {
		const struct yaml_node *node = yaml_get(map, safety_ttl_words[k]);
		if (node != NULL)
			result = read_ttl_s(node, safety_ttl_words[k], &r->ttl_s[k], r->err);
		else if (all && k != SAFETY_TTL_DS_NONE)
			result = yaml_error(map, r->err, "ttl lacks '%s'", safety_ttl_words[k]);
		if (k == SAFETY_TTL_DS_NONE && node != NULL)
			r->has_ds_none = true;
	}
	if (!r->has_ds_none)
		r->ttl_s[SAFETY_TTL_DS_NONE] = r->ttl_s[SAFETY_TTL_DS];
	for (int k = 0; k < SAFETY_TTLS; k++)
		if (r->ttl_s[k] > r->largest_s[k])
			r->largest_s[k] = r->ttl_s[k];
	return result;
}

static enum result read_lag(struct reader *r, const struct yaml_node *map)
{
	static const char *const known[] = {"parent", "child", NULL};
	if (map == NULL)
		return RESULT_OK;
	enum result result = yaml_known_keys(map, "lag", known, r->err);
	int64_t *to[] = {&r->lag_parent_ms, &r->lag_child_ms};
	for (int i = 0; result == RESULT_OK && i < 2; i++) {
		const struct yaml_node *node = yaml_get(map, known[i]);
		uint32_t lag_s = 0;
		if (node != NULL)
			result = read_ttl_s(node, known[i], &lag_s, r->err);
		*to[i] = (int64_t)lag_s * SECOND_MS;
	}
	return result;
}

static bool is_name(const char *text, size_t n)
{
	if (n == 0 || n >= SAFETY_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && strchr("_.-", text[i]) == NULL)
			return false;
	return true;
}

static int find(const char *const *names, int count, const char *name, size_t n)
{
	for (int i = 0; i < count; i++)
		if (names[i] != NULL && strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
			return i;
	return -1;
}

// "/8" or "@4" behind a key's name: a number from 0 to 255.
static bool read_number(const char **text, char mark, uint8_t *number)
{
	if (**text != mark)
		return true;
	char *end;
	unsigned long n = strtoul(*text + 1, &end, 10);
	if (!isdigit((unsigned char)(*text)[1]) || n > 255)
		return false;
	*number = (uint8_t)n;
	*text = end;
	return true;
}

static enum result key_get(struct reader *r, const struct yaml_node *node, const char *name,
        size_t n, uint8_t algorithm, int *key)
{
	struct safety_history *h = &r->tl->history;
	*key = find(r->key, h->keys, name, n);
	if (*key >= 0 && h->key_algorithm[*key] != algorithm)
		return yaml_error(node, r->err, "key '%.*s' has algorithm %u here and %u before",
		        (int)n, name, algorithm, h->key_algorithm[*key]);
	if (*key >= 0)
		return RESULT_OK;
	char *copy = arena_strndup(r->arena, name, n);
	*key = copy == NULL ? -1 : safety_key_add(h, copy, algorithm);
	if (*key < 0)
		return yaml_error(node, r->err, "more than the %d keys allowed", SAFETY_MAX_KEYS);
	r->key[*key] = copy;
	return RESULT_OK;
}

// A key, "Kb/8", or in a DS set "Kb/8@4": its bit in the key or DS table.
static enum result read_key(
        struct reader *r, const struct yaml_node *node, bool is_ds, uint64_t *bit)
{
	const char *text;
	enum result result = yaml_text(node, is_ds ? "DS record" : "key", &text, r->err);
	if (result != RESULT_OK)
		return result;
	uint8_t algorithm = 13, digest = 2;
	size_t n = strcspn(text, "/@");
	const char *rest = text + n;
	bool ok = is_name(text, n) && read_number(&rest, '/', &algorithm);
	if (ok && is_ds)
		ok = read_number(&rest, '@', &digest);
	if (!ok || *rest != '\0')
		return yaml_error(node, r->err, "'%.60s' is not a %s, expected a name such as %s",
		        text, is_ds ? "DS record" : "key",
		        is_ds ? "Ka, Ka/8 or Ka/8@4" : "Ka or Ka/8");
	int key;
	result = key_get(r, node, text, n, algorithm, &key);
	if (result != RESULT_OK)
		return result;
	int number = is_ds ? safety_ds_add(&r->tl->history, key, digest) : key;
	if (number < 0)
		return yaml_error(
		        node, r->err, "more than the %d DS records allowed", SAFETY_MAX_DS);
	*bit = UINT64_C(1) << number;
	return RESULT_OK;
}

static enum result read_group(struct reader *r, const struct yaml_node *node, uint64_t *bit)
{
	const char *text;
	enum result result = yaml_text(node, "group", &text, r->err);
	if (result != RESULT_OK)
		return result;
	int group = find(r->group, r->tl->history.publishers, text, strlen(text));
	if (group < 1)
		return yaml_error(node, r->err,
		        "unknown group '%.60s', expected one that 'start' describes", text);
	*bit = UINT64_C(1) << group;
	return RESULT_OK;
}

enum list_of { GROUPS, KEYS, DS_RECORDS };

static enum result read_list(struct reader *r, const struct yaml_node *list, const char *what,
        enum list_of of, uint64_t *bits)
{
	enum result result = yaml_expect(list, what, YAML_LIST, r->err);
	uint64_t all = 0;
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		uint64_t bit = 0;
		result = of == GROUPS ? read_group(r, list->items[i], &bit)
		                      : read_key(r, list->items[i], of == DS_RECORDS, &bit);
		if (result == RESULT_OK && (all & bit) != 0)
			result = yaml_error(list->items[i], r->err, "'%.60s' is in the list twice",
			        list->items[i]->text);
		all |= bit;
	}
	if (result == RESULT_OK)
		*bits = all;
	return result;
}

static const char *const parent_words[] = {"ds", "ns", "signatures-from", "signatures-until", NULL};
static const char *const group_words[] = {"ns", "dnskey", "dnskey-signers", "data-signers",
        "serving", "signatures-from", "signatures-until", NULL};

static enum result read_word(
        struct reader *r, struct state *s, const char *word, const struct yaml_node *node)
{
	enum result result;
	bool serves = true;
	if (strcmp(word, "signatures-from") == 0)
		return yaml_duration(node, word, &s->signed_from_ms, r->err);
	if (strcmp(word, "signatures-until") == 0)
		return yaml_duration(node, word, &s->signed_until_ms, r->err);
	if (strcmp(word, "dnskey-signers") == 0) {
		s->has_signers = true;
		return read_list(r, node, word, KEYS, &s->signers);
	}
	enum safety_kind kind = strcmp(word, "ds") == 0             ? SAFETY_DS
	                        : strcmp(word, "ns") == 0           ? SAFETY_NS
	                        : strcmp(word, "dnskey") == 0       ? SAFETY_DNSKEY
	                        : strcmp(word, "data-signers") == 0 ? SAFETY_DATA
	                                                            : SAFETY_SERVING;
	s->has[kind] = true;
	if (kind == SAFETY_SERVING) {
		result = yaml_bool(node, word, &serves, r->err);
		s->content[kind] = serves;
		return result;
	}
	return read_list(r, node, word,
	        kind == SAFETY_NS   ? GROUPS
	        : kind == SAFETY_DS ? DS_RECORDS
	                            : KEYS,
	        &s->content[kind]);
}

static enum result read_publisher(struct reader *r, int publisher, const struct yaml_node *map)
{
	enum result result = yaml_known_keys(map, publisher == 0 ? "parent" : "a group",
	        publisher == 0 ? parent_words : group_words, r->err);
	for (size_t i = 0; result == RESULT_OK && i < map->count; i++)
		result = read_word(r, &r->state[publisher], map->keys[i]->text, map->items[i]);
	return result;
}

static enum result check_complete(struct reader *r, int publisher, const struct yaml_node *map)
{
	const struct state *s = &r->state[publisher];
	const char *lacks = NULL;
	if (publisher == 0)
		lacks = !s->has[SAFETY_DS] ? "ds" : !s->has[SAFETY_NS] ? "ns" : NULL;
	else if (s->content[SAFETY_SERVING] != 0)
		lacks = !s->has[SAFETY_NS]       ? "ns"
		        : !s->has[SAFETY_DNSKEY] ? "dnskey"
		        : !s->has_signers        ? "dnskey-signers"
		        : !s->has[SAFETY_DATA]   ? "data-signers"
		                                 : NULL;
	return lacks == NULL ? RESULT_OK
	                     : yaml_error(map, r->err,
	                               "'start' lacks '%s' here (write [] for nothing)", lacks);
}

static enum result add_groups(struct reader *r, const struct yaml_node *start)
{
	if (yaml_get(start, "parent") == NULL)
		return yaml_error(start, r->err, "'start' lacks 'parent'");
	r->group[0] = "parent";
	for (size_t i = 0; i < start->count; i++) {
		const struct yaml_node *key = start->keys[i];
		if (strcmp(key->text, "parent") == 0)
			continue;
		if (!is_name(key->text, strlen(key->text)) || strcmp(key->text, "at") == 0 ||
		        strcmp(key->text, "ttl") == 0)
			return yaml_error(
			        key, r->err, "'%.60s' cannot be the name of a group", key->text);
		int group = safety_group_add(&r->tl->history, key->text, r->lag_child_ms);
		if (group < 0)
			return yaml_error(key, r->err, "more than the %d groups allowed",
			        SAFETY_MAX_PUBLISHERS - 1);
		r->group[group] = key->text;
	}
	return RESULT_OK;
}

static struct safety_change change_of(const struct reader *r, int publisher, enum safety_kind kind)
{
	const struct state *s = &r->state[publisher];
	bool is_signed = kind == SAFETY_DS || kind == SAFETY_DNSKEY || kind == SAFETY_DATA;
	return (struct safety_change){.publisher = (uint8_t)publisher,
	        .kind = (uint8_t)kind,
	        .content = s->content[kind],
	        .signers = kind == SAFETY_DNSKEY ? s->signers : 0,
	        .ttl_s = kind == SAFETY_SERVING
	                         ? 0
	                         : r->ttl_s[safety_ttl_of(publisher, kind, s->content[kind] == 0)],
	        .signed_from_ms = is_signed ? s->signed_from_ms : TIME_EVER_MS,
	        .signed_until_ms = is_signed ? s->signed_until_ms : TIME_NEVER_MS};
}

static enum result publish_state(struct reader *r, const struct yaml_node *node, int64_t at_ms)
{
	for (int p = 0; p < r->tl->history.publishers; p++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++) {
			bool of_parent = kind == SAFETY_DS || kind == SAFETY_NS;
			if (p == 0 ? !of_parent : kind == SAFETY_DS)
				continue;
			struct safety_change change = change_of(r, p, (enum safety_kind)kind);
			enum result result = safety_publish(&r->tl->history, &change, at_ms);
			if (result != RESULT_OK)
				return yaml_error(node, r->err, "too many events");
		}
	return RESULT_OK;
}

static enum result read_start(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *start = yaml_get(root, "start");
	if (start == NULL)
		return yaml_error(root, r->err,
		        "a timeline needs 'start': what is served since long before 0s");
	enum result result = yaml_expect(start, "start", YAML_MAP, r->err);
	if (result == RESULT_OK)
		result = add_groups(r, start);
	r->tl->history.lag_s[0] = (uint32_t)(r->lag_parent_ms / SECOND_MS);
	for (int p = 0; result == RESULT_OK && p < r->tl->history.publishers; p++) {
		const struct yaml_node *map = yaml_get(start, r->group[p]);
		r->state[p].signed_from_ms = TIME_EVER_MS;
		r->state[p].signed_until_ms = TIME_NEVER_MS;
		r->state[p].content[SAFETY_SERVING] = 1;
		result = read_publisher(r, p, map);
		if (result == RESULT_OK)
			result = check_complete(r, p, map);
	}
	return result == RESULT_OK ? publish_state(r, start, TIME_EVER_MS) : result;
}

static enum result read_event(struct reader *r, const struct yaml_node *event)
{
	enum result result = yaml_expect(event, "event", YAML_MAP, r->err);
	for (size_t i = 0; result == RESULT_OK && i < event->count; i++) {
		const char *word = event->keys[i]->text;
		if (strcmp(word, "at") == 0)
			continue;
		if (strcmp(word, "ttl") == 0) {
			result = read_ttls(r, event->items[i], false);
			continue;
		}
		int publisher = find(r->group, r->tl->history.publishers, word, strlen(word));
		if (publisher < 0)
			return yaml_error(event->keys[i], r->err,
			        "unknown group '%.60s', expected 'at', 'ttl', 'parent' or a group "
			        "of 'start'",
			        word);
		result = read_publisher(r, publisher, event->items[i]);
	}
	return result;
}

static enum result read_at(struct reader *r, const struct yaml_node *event, int64_t *at_ms)
{
	const struct yaml_node *at = yaml_get(event, "at");
	if (at == NULL)
		return yaml_error(event, r->err, "an event needs 'at'");
	enum result result = yaml_duration(at, "at", at_ms, r->err);
	if (result == RESULT_OK && *at_ms < r->last_event_ms)
		return yaml_error(at, r->err, "events must be in order of time");
	return result;
}

static enum result read_events(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *events = yaml_get(root, "events");
	if (events == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(events, "events", YAML_LIST, r->err);
	if (result == RESULT_OK && events->count > TIMELINE_MAX_EVENTS)
		return yaml_error(
		        events, r->err, "more than the %d events allowed", TIMELINE_MAX_EVENTS);
	for (size_t i = 0; result == RESULT_OK && i < events->count; i++) {
		int64_t at_ms = 0;
		result = read_at(r, events->items[i], &at_ms);
		// Events at one instant are one change: what was before them is published once.
		if (result == RESULT_OK && i > 0 && at_ms > r->last_event_ms)
			result = publish_state(r, events->items[i - 1], r->last_event_ms);
		r->last_event_ms = at_ms;
		if (result == RESULT_OK)
			result = read_event(r, events->items[i]);
		if (result == RESULT_OK && i + 1 == events->count)
			result = publish_state(r, events->items[i], at_ms);
	}
	return result;
}

static enum result choose(struct reader *r, const struct yaml_node *node, const char *what,
        const char *const *words, int *choice)
{
	const char *text;
	enum result result = yaml_text(node, what, &text, r->err);
	if (result != RESULT_OK)
		return result;
	char all[160] = "";
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], text) == 0) {
			*choice = i;
			return RESULT_OK;
		}
		strcat(strcat(all, i > 0 ? ", " : ""), words[i]);
	}
	return yaml_error(node, r->err, "'%s' is '%.60s', expected one of: %s", what, text, all);
}

static enum result read_readers(struct reader *r, const struct yaml_node *map)
{
	static const char *const known[] = {"ns", "algorithms", "ttl-floor", NULL};
	static const char *const ns[] = {
	        "default", "child-centric", "parent-centric", "sticky", NULL};
	static const char *const algorithms[] = {"default", "strict", "lenient", NULL};
	if (map == NULL)
		return RESULT_OK;
	enum result result = yaml_known_keys(map, "readers", known, r->err);
	int choice = 0;
	const struct yaml_node *node = yaml_get(map, "ns");
	if (result == RESULT_OK && node != NULL) {
		result = choose(r, node, "ns", ns, &choice);
		r->tl->readers.ns = (enum safety_ns)choice;
	}
	node = yaml_get(map, "algorithms");
	choice = 0;
	if (result == RESULT_OK && node != NULL) {
		result = choose(r, node, "algorithms", algorithms, &choice);
		r->tl->readers.algorithms = (enum safety_algorithms)choice;
	}
	node = yaml_get(map, "ttl-floor");
	if (result == RESULT_OK && node != NULL)
		result = read_ttl_s(node, "ttl-floor", &r->tl->readers.ttl_floor_s, r->err);
	return result;
}

static enum result read_expect(struct reader *r, const struct yaml_node *node)
{
	static const char *const words[] = {"safe", "insecure", "bogus", "unreachable", NULL};
	static const char *const known[] = {"direct", "forwarder", NULL};
	if (node == NULL)
		return RESULT_OK;
	enum result result = RESULT_OK;
	if (node->kind == YAML_MAP)
		result = yaml_known_keys(node, "expect", known, r->err);
	for (int path = 0; result == RESULT_OK && path < SAFETY_PATHS; path++) {
		const struct yaml_node *word =
		        node->kind == YAML_MAP ? yaml_get(node, known[path]) : node;
		int choice = 0;
		if (word == NULL)
			continue;
		result = choose(r, word, "expect", words, &choice);
		r->tl->has_expect[path] = true;
		r->tl->expect[path] = (enum safety_word)choice;
	}
	return result;
}

// An `until` before the last event would hide what comes of that event.
static enum result read_given_until(struct reader *r, const struct yaml_node *node)
{
	enum result result = yaml_duration(node, "until", &r->tl->until_ms, r->err);
	if (result != RESULT_OK || r->tl->until_ms >= r->last_event_ms)
		return result;
	char until[DURATION_TEXT], last[DURATION_TEXT];
	return yaml_error(node, r->err,
	        "'until' is %s and the last event at %s, expected 'until' at that event or later: "
	        "what is never judged is never found",
	        duration_format(r->tl->until_ms, until), duration_format(r->last_event_ms, last));
}

static enum result read_until(struct reader *r, const struct yaml_node *node)
{
	if (node != NULL)
		return read_given_until(r, node);
	static const enum safety_ttl parts[] = {SAFETY_TTL_DS, SAFETY_TTL_PARENT_NS,
	        SAFETY_TTL_CHILD_NS, SAFETY_TTL_DNSKEY, SAFETY_TTL_DATA};
	int64_t lag_ms = r->lag_parent_ms > r->lag_child_ms ? r->lag_parent_ms : r->lag_child_ms;
	r->tl->until_ms = r->last_event_ms + 2 * lag_ms;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		uint32_t ttl_s = r->largest_s[parts[i]];
		if (ttl_s < r->tl->readers.ttl_floor_s)
			ttl_s = r->tl->readers.ttl_floor_s;
		r->tl->until_ms += (int64_t)ttl_s * SECOND_MS;
	}
	return RESULT_OK;
}

static enum result read_texts(struct reader *r, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "timeline");
	if (node == NULL)
		return yaml_error(root, r->err, "a timeline begins with 'timeline: NAME'");
	enum result result = yaml_text(node, "timeline", &r->tl->name, r->err);
	node = yaml_get(root, "about");
	r->tl->about = "";
	if (result == RESULT_OK && node != NULL)
		result = yaml_text(node, "about", &r->tl->about, r->err);
	return result;
}

static enum result read_all(struct reader *r, const struct yaml_node *root)
{
	static const char *const known[] = {"timeline", "about", "ttl", "lag", "readers", "start",
	        "events", "until", "expect", NULL};
	enum result result = yaml_known_keys(root, "a timeline", known, r->err);
	if (result == RESULT_OK)
		result = read_texts(r, root);
	const struct yaml_node *ttl = yaml_get(root, "ttl");
	if (result == RESULT_OK)
		result = ttl != NULL ? read_ttls(r, ttl, true)
		                     : yaml_error(root, r->err, "a timeline needs 'ttl'");
	if (result == RESULT_OK)
		result = read_lag(r, yaml_get(root, "lag"));
	if (result == RESULT_OK)
		result = read_readers(r, yaml_get(root, "readers"));
	if (result == RESULT_OK)
		result = read_start(r, root);
	if (result == RESULT_OK)
		result = read_events(r, root);
	if (result == RESULT_OK)
		result = read_expect(r, yaml_get(root, "expect"));
	return result == RESULT_OK ? read_until(r, yaml_get(root, "until")) : result;
}

enum result timeline_from_yaml(struct arena *arena, const struct yaml_node *root,
        struct timeline *timeline, struct error *err)
{
	struct timeline tl = {0};
	struct reader r = {.arena = arena, .tl = &tl, .err = err};
	safety_history_init(&tl.history);
	enum result result = read_all(&r, root);
	if (result == RESULT_OK)
		*timeline = tl;
	else
		timeline_free(&tl);
	return result;
}

enum result timeline_parse(struct arena *arena, const char *file, const char *data, size_t length,
        struct timeline *timeline, struct error *err)
{
	const struct yaml_node *root;
	enum result result = yaml_parse(arena, file, data, length, &root, err);
	return result == RESULT_OK ? timeline_from_yaml(arena, root, timeline, err) : result;
}

void timeline_free(struct timeline *timeline)
{
	safety_history_free(&timeline->history);
}
