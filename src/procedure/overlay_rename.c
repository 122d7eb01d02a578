// Renaming parties in a procedure's tree: only where the language means a party.
#include "procedure/overlay.h"

#include <ctype.h>
#include <string.h>

struct renamer {
	struct arena *arena;
	const struct yaml_node *names; // a map, old name to new
	bool failed;                   // no memory
};

// What a text is to the language.
enum place {
	PLACE_NONE,  // for people, or no names in it
	PLACE_WORDS, // names anywhere: effects, conditions, sets, lists of parties
	PLACE_ACT,   // an act: words, or a verb and free words
	PLACE_WAIT,  // words, but for the step behind `after`
	PLACE_SETS,  // words that have a dot, as keys of the start
};

static bool is_name_character(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '-' || c == '_';
}

static const char *new_name(const struct renamer *r, const char *word, size_t length)
{
	for (size_t i = 0; i < r->names->count; i++) {
		const char *old = r->names->keys[i]->text;
		if (strlen(old) == length && strncmp(old, word, length) == 0)
			return r->names->items[i]->text;
	}
	return NULL;
}

static bool is_word(const char *word, size_t length, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == length && strncmp(*words, word, length) == 0)
			return true;
	return false;
}

// Acts whose words are for people: there a name is a party only behind one of these.
static bool has_free_words(const char *act)
{
	static const char *const verbs[] = {
	        "announce", "confirm", "check", "attest", "sign-off", "synchronise", NULL};
	return is_word(act, strcspn(act, " "), verbs);
}

static bool may_be_party(enum place place, const char *before, size_t length)
{
	static const char *const leading[] = {"to", "from", "by", "and", NULL}, *const after[] = {
	                                                                                "after",
	                                                                                NULL};
	if (place == PLACE_ACT)
		return is_word(before, length, leading);
	return place != PLACE_WAIT || !is_word(before, length, after);
}

static const char *rename_text(struct renamer *r, const char *text, enum place place)
{
	struct buffer out = buffer_init(YAML_MAX_OCTETS);
	const char *before = "";
	size_t before_length = 0;
	if (place == PLACE_ACT && !has_free_words(text))
		place = PLACE_WORDS;
	for (const char *at = text; *at != '\0';) {
		size_t length = 0;
		while (is_name_character(at[length]))
			length++;
		if (length == 0) {
			buffer_add(&out, at++, 1);
			continue;
		}
		bool second = at > text && at[-1] == '.'; // ".dnskey", ".ksk.new"
		const char *name = second || !may_be_party(place, before, before_length)
		                           ? NULL
		                           : new_name(r, at, length);
		if (name != NULL)
			buffer_puts(&out, name);
		else
			buffer_add(&out, at, length);
		before = at;
		before_length = length;
		at += length;
	}
	const char *renamed = arena_strdup(r->arena, buffer_text(&out));
	r->failed = r->failed || out.failed || renamed == NULL;
	buffer_free(&out);
	return renamed;
}

static enum place place_of(const char *key, enum place around)
{
	static const char *const words[] = {"parties", "start", "requires", "single-key",
	        "algorithms", "digests", "rsa-bits", "by", "approve", "tell", NULL};
	static const char *const acts[] = {"does", "undo", NULL};
	static const char *const people[] = {"title", "about", "source", "says", "none", "nothing",
	        "is", "waive", "within", "else", "id", "after", NULL};
	size_t length = strlen(key);
	if (is_word(key, length, people))
		return PLACE_NONE;
	if (strcmp(key, "wait") == 0)
		return PLACE_WAIT;
	return is_word(key, length, words)  ? PLACE_WORDS
	       : is_word(key, length, acts) ? PLACE_ACT
	                                    : around;
}

static enum place keys_of(const char *key)
{
	static const char *const maps[] = {"parties", "algorithms", "digests", "rsa-bits", NULL};
	return strcmp(key, "start") == 0         ? PLACE_SETS
	       : is_word(key, strlen(key), maps) ? PLACE_WORDS
	                                         : PLACE_NONE;
}

static bool is_left_alone(const struct yaml_node *node, enum place place)
{
	return node->kind == YAML_SCALAR &&
	       (place == PLACE_NONE || (place == PLACE_SETS && strchr(node->text, '.') == NULL));
}

// keys: where the keys of the map are names or sets, what they are; otherwise PLACE_NONE.
static const struct yaml_node *rename_node(
        struct renamer *r, const struct yaml_node *node, enum place place, enum place keys)
{
	if (r->failed || is_left_alone(node, place) ||
	        (node->kind != YAML_SCALAR && node->count == 0))
		return node;
	struct yaml_node *copy = arena_memdup(r->arena, node, sizeof *node);
	r->failed = r->failed || copy == NULL;
	if (r->failed)
		return node;
	if (node->kind == YAML_SCALAR) {
		copy->text = rename_text(r, node->text, place);
		return copy;
	}
	copy->items = arena_array(r->arena, node->count, sizeof *copy->items);
	copy->keys = arena_array(r->arena, node->count, sizeof *copy->keys);
	r->failed = r->failed || copy->items == NULL || copy->keys == NULL;
	for (size_t i = 0; i < node->count && !r->failed; i++) {
		bool words = node->kind == YAML_MAP && keys == PLACE_NONE;
		const char *key = node->kind == YAML_MAP ? node->keys[i]->text : "";
		copy->items[i] = rename_node(r, node->items[i],
		        words ? place_of(key, place) : place, words ? keys_of(key) : PLACE_NONE);
		if (node->kind == YAML_MAP)
			copy->keys[i] = rename_node(r, node->keys[i], keys, PLACE_NONE);
	}
	return copy;
}

enum result overlay_rename(struct arena *arena, const struct yaml_node *base,
        const struct yaml_node *names, const struct yaml_node **renamed, struct error *err)
{
	struct renamer r = {.arena = arena, .names = names};
	const struct yaml_node *root = rename_node(&r, base, PLACE_NONE, PLACE_NONE);
	if (r.failed)
		return error_set(err, RESULT_MEMORY, "%s: no memory for it", base->file);
	*renamed = root;
	return RESULT_OK;
}
