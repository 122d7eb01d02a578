#include "procedure/overlay.h"

#include "procedure/parser.h"

#include <assert.h>
#include <string.h>

struct overlay {
	struct arena *arena;
	struct error *err;
	const struct yaml_node *root; // the overlay
	const struct yaml_node *base; // with its parties renamed
	const struct yaml_node *drop; // may be NULL
	const struct yaml_node *add;  // may be NULL
	// Steps that need a place: the new ones, and those of the base that are moved.
	struct placed {
		const struct yaml_node *step; // with `before` or `after`
		const struct yaml_node *at;   // what errors are about
		bool done;
	} * placed;
	size_t placed_count;
};

static const char *const step_words[] = {"before", "title", "about", "by", "does", "approve",
        "tell", "within", "else", "wait", "after", "undo", "point-of-no-return", "waive", NULL};

static enum result no_memory(struct overlay *o)
{
	return error_set(o->err, RESULT_MEMORY, "%s: no memory for it", o->root->file);
}

// --- Trees

// An empty list or map with room for so many, where `like` is.
static struct yaml_node *node_new(
        struct overlay *o, enum yaml_kind kind, const struct yaml_node *like, size_t room)
{
	struct yaml_node *node = arena_alloc(o->arena, sizeof *node);
	if (node == NULL)
		return NULL;
	*node = (struct yaml_node){
	        .kind = kind, .file = like->file, .line = like->line, .column = like->column};
	node->items = arena_array(o->arena, room + 1, sizeof *node->items);
	node->keys = arena_array(o->arena, room + 1, sizeof *node->keys);
	return node->items != NULL && node->keys != NULL ? node : NULL;
}

static void put(struct yaml_node *map, const struct yaml_node *key, const struct yaml_node *value)
{
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		if (strcmp(map->keys[i]->text, key->text) == 0) {
			map->keys[i] = key;
			map->items[i] = value;
			return;
		}
	map->keys[map->count] = key;
	map->items[map->count++] = value;
}

static const struct yaml_node *key_of(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->keys[i];
	return NULL;
}

static void take_out(struct yaml_node *map, const char *key)
{
	size_t kept = 0;
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->keys[i]->text, key) != 0) {
			map->keys[kept] = map->keys[i];
			map->items[kept++] = map->items[i];
		}
	map->count = kept;
}

static bool is_text(const struct yaml_node *node, const char *text)
{
	return node != NULL && node->kind == YAML_SCALAR && strcmp(node->text, text) == 0;
}

static const char *id_of(const struct yaml_node *step)
{
	const struct yaml_node *id = yaml_get(step, "id");
	return id != NULL && id->kind == YAML_SCALAR ? id->text : "";
}

// --- Steps of the base

// The steps of the main line are number 0, those of the branches follow.
static const struct yaml_node *line_of(const struct yaml_node *base, size_t number)
{
	const struct yaml_node *branches = yaml_get(base, "branches");
	if (number == 0)
		return yaml_get(base, "steps");
	return branches != NULL && number <= branches->count
	               ? yaml_get(branches->items[number - 1], "steps")
	               : NULL;
}

static const struct yaml_node *find_step(const struct yaml_node *base, const char *id)
{
	const struct yaml_node *line;
	for (size_t n = 0; (line = line_of(base, n)) != NULL; n++)
		for (size_t i = 0; i < line->count; i++)
			if (strcmp(id_of(line->items[i]), id) == 0)
				return line->items[i];
	return NULL;
}

static enum result unknown_step(struct overlay *o, const struct yaml_node *at, const char *id)
{
	const char *ids[PROCEDURE_MAX_STEPS + 1];
	const struct yaml_node *line;
	size_t count = 0;
	for (size_t n = 0; (line = line_of(o->base, n)) != NULL; n++)
		for (size_t i = 0; i < line->count && count < PROCEDURE_MAX_STEPS; i++)
			ids[count++] = id_of(line->items[i]);
	ids[count] = NULL;
	const char *near = yaml_nearest(id, ids);
	return yaml_error(at, o->err, "%s has no step '%.60s', expected %s%s%s", o->base->file, id,
	        near != NULL ? "'" : "one of its steps", near != NULL ? near : "",
	        near != NULL ? "'?" : "");
}

static enum result need_step(struct overlay *o, const struct yaml_node *at)
{
	const char *id;
	enum result result = yaml_text(at, "a step", &id, o->err);
	if (result != RESULT_OK)
		return result;
	return find_step(o->base, id) != NULL ? RESULT_OK : unknown_step(o, at, id);
}

static const struct yaml_node *dropped(const struct overlay *o, const char *id)
{
	if (is_text(o->drop, id))
		return o->drop;
	for (size_t i = 0; o->drop != NULL && i < o->drop->count; i++)
		if (is_text(o->drop->items[i], id))
			return o->drop->items[i];
	return NULL;
}

// "ttl(parent.ds) after exchange-ds seen": does a step wait for this one?
static bool waits_for(const struct yaml_node *wait, const char *id)
{
	static const char word[] = "after ";
	if (wait == NULL)
		return false;
	for (size_t i = 0; wait->kind != YAML_SCALAR && i < wait->count; i++)
		if (waits_for(wait->items[i], id))
			return true;
	for (const char *at = wait->kind == YAML_SCALAR ? wait->text : "";
	        (at = strstr(at, word)) != NULL;) {
		at += strlen(word);
		size_t length = strcspn(at, " ,");
		if (strlen(id) == length && strncmp(at, id, length) == 0)
			return true;
	}
	return false;
}

static bool comes_after(const struct yaml_node *after, const char *id)
{
	for (size_t i = 0; after != NULL && after->kind == YAML_LIST && i < after->count; i++)
		if (is_text(after->items[i], id))
			return true;
	return is_text(after, id);
}

// A step that stays must not speak of one that goes.
static enum result check_mentions(struct overlay *o, const struct yaml_node *step)
{
	const struct yaml_node *line;
	for (size_t n = 0; (line = line_of(o->base, n)) != NULL; n++)
		for (size_t i = 0; i < line->count; i++) {
			const char *id = id_of(line->items[i]);
			const struct yaml_node *at = dropped(o, id);
			const char *how = comes_after(yaml_get(step, "after"), id) ? "after"
			                  : waits_for(yaml_get(step, "wait"), id)  ? "wait"
			                                                           : NULL;
			if (at != NULL && how != NULL)
				return yaml_error(at, o->err,
				        "step '%s' cannot go: '%s' of '%s' names it (%s:%d), "
				        "expected that to be changed under 'steps' as well",
				        id, how, id_of(step), step->file, step->line);
		}
	return RESULT_OK;
}

// --- Changed steps

static enum result change_member(struct overlay *o, struct yaml_node *step,
        const struct yaml_node *key, const struct yaml_node *value)
{
	static const char *const needed[] = {"by", "does", "undo", NULL};
	for (int i = 0; needed[i] != NULL; i++)
		if (strcmp(key->text, needed[i]) == 0 && is_text(value, "none"))
			return yaml_error(value, o->err,
			        "a step needs '%s', expected another one, or 'drop' for the step",
			        key->text);
	if (!is_text(value, "none")) {
		put(step, key, value);
		return RESULT_OK;
	}
	take_out(step, key->text);
	if (strcmp(key->text, "within") == 0)
		take_out(step, "else");
	return RESULT_OK;
}

static enum result change_step(struct overlay *o, const struct yaml_node *key,
        const struct yaml_node *changes, const struct yaml_node *before,
        const struct yaml_node **step)
{
	struct yaml_node *after =
	        node_new(o, YAML_MAP, key, before->count + sizeof step_words / sizeof *step_words);
	if (after == NULL)
		return no_memory(o);
	for (size_t i = 0; i < before->count; i++)
		put(after, before->keys[i], before->items[i]);
	enum result result = RESULT_OK;
	for (size_t i = 0; i < changes->count && result == RESULT_OK; i++)
		result = change_member(o, after, changes->keys[i], changes->items[i]);
	*step = after;
	return result;
}

static enum result check_changes(struct overlay *o)
{
	const struct yaml_node *steps = yaml_get(o->root, "steps");
	if (steps == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(steps, "steps", YAML_MAP, o->err);
	for (size_t i = 0; result == RESULT_OK && i < steps->count; i++) {
		const struct yaml_node *key = steps->keys[i];
		result = need_step(o, key);
		if (result == RESULT_OK && dropped(o, key->text) != NULL)
			return yaml_error(key, o->err,
			        "step '%s' is dropped and changed, expected one of both",
			        key->text);
		if (result == RESULT_OK)
			result = yaml_expect(steps->items[i], key->text, YAML_MAP, o->err);
		if (result == RESULT_OK)
			result = yaml_known_keys(steps->items[i], key->text, step_words, o->err);
	}
	return result;
}

// --- Added steps

// Where a new step goes: `before` a step, or behind the last of those that it comes `after`.
static const char *place_of(const struct yaml_node *step, bool *behind)
{
	const struct yaml_node *before = yaml_get(step, "before"), *after = yaml_get(step, "after");
	*behind = before == NULL;
	if (*behind && after != NULL && after->kind == YAML_LIST && after->count > 0)
		after = after->items[after->count - 1];
	const struct yaml_node *at = *behind ? after : before;
	return at != NULL && at->kind == YAML_SCALAR ? at->text : "";
}

static bool is_placed(const struct overlay *o, const char *id)
{
	for (size_t i = 0; i < o->placed_count; i++)
		if (strcmp(id_of(o->placed[i].step), id) == 0)
			return true;
	return false;
}

static enum result check_place(struct overlay *o, const struct yaml_node *step)
{
	bool behind;
	const char *place = place_of(step, &behind);
	if (place[0] == '\0')
		return yaml_error(step, o->err,
		        "where does this step go? expected 'before' or 'after' and a step");
	const struct yaml_node *at = yaml_get(step, behind ? "after" : "before");
	if (find_step(o->base, place) == NULL && !is_placed(o, place))
		return unknown_step(o, at, place);
	if (dropped(o, place) != NULL)
		return yaml_error(at, o->err, "step '%s' is dropped, expected another one", place);
	return RESULT_OK;
}

static void place_later(struct overlay *o, const struct yaml_node *step, const struct yaml_node *at)
{
	o->placed[o->placed_count++] = (struct placed){.step = step, .at = at};
}

static enum result read_added(struct overlay *o)
{
	if (o->add == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(o->add, "add", YAML_LIST, o->err);
	if (result == RESULT_OK && o->add->count > PROCEDURE_MAX_STEPS)
		return yaml_error(o->add, o->err, "%zu steps, expected at most %d", o->add->count,
		        PROCEDURE_MAX_STEPS);
	for (size_t i = 0; result == RESULT_OK && i < o->add->count; i++) {
		const struct yaml_node *step = o->add->items[i];
		result = yaml_expect(step, "a step", YAML_MAP, o->err);
		if (result == RESULT_OK && find_step(o->base, id_of(step)) != NULL)
			return yaml_error(yaml_get(step, "id"), o->err,
			        "%s has a step '%s', expected another name, or changes under "
			        "'steps'",
			        o->base->file, id_of(step));
		if (result == RESULT_OK)
			place_later(o, step, step);
	}
	return result;
}

// Is the step listed at or behind this one, so that this one has to move to come after it?
static bool is_listed_later(const struct overlay *o, const char *id, const char *than)
{
	const struct yaml_node *line;
	bool seen = false;
	for (size_t n = 0; (line = line_of(o->base, n)) != NULL; n++)
		for (size_t i = 0; i < line->count; i++) {
			seen = seen || strcmp(id_of(line->items[i]), than) == 0;
			if (strcmp(id_of(line->items[i]), id) == 0)
				return seen;
		}
	return true; // a new one, whose place is not known yet
}

// Steps of the base with another place: `before` another one, or `after` one that is listed later.
static enum result read_moved(struct overlay *o)
{
	const struct yaml_node *steps = yaml_get(o->root, "steps"), *step;
	enum result result = RESULT_OK;
	for (size_t i = 0; steps != NULL && i < steps->count && result == RESULT_OK; i++) {
		const struct yaml_node *key = steps->keys[i], *changes = steps->items[i];
		bool behind;
		const char *place = place_of(changes, &behind);
		if (place[0] == '\0' || is_text(yaml_get(changes, "after"), "none") ||
		        (behind && (strcmp(place, "start") == 0 ||
		                           !is_listed_later(o, place, key->text))))
			continue;
		result = change_step(o, key, changes, find_step(o->base, key->text), &step);
		if (result == RESULT_OK)
			place_later(o, step, key);
	}
	return result;
}

static enum result read_places(struct overlay *o)
{
	size_t most = (size_t)2 * PROCEDURE_MAX_STEPS;
	o->placed = arena_array(o->arena, most, sizeof *o->placed);
	if (o->placed == NULL)
		return no_memory(o);
	enum result result = read_added(o);
	if (result == RESULT_OK)
		result = read_moved(o);
	for (size_t i = 0; i < o->placed_count && result == RESULT_OK; i++)
		result = check_place(o, o->placed[i].step);
	return result;
}

// The new step as the language has it: without its place.
static const struct yaml_node *without_place(struct overlay *o, const struct yaml_node *step)
{
	const struct yaml_node *after = yaml_get(step, "after");
	struct yaml_node *copy = node_new(o, YAML_MAP, step, step->count);
	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < step->count; i++)
		put(copy, step->keys[i], step->items[i]);
	take_out(copy, "before");
	// Behind that step is after it.
	if (after != NULL && after->kind == YAML_SCALAR && yaml_get(step, "before") == NULL)
		take_out(copy, "after");
	return copy;
}

static enum result put_placed(
        struct overlay *o, struct yaml_node *line, const char *id, bool behind)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < o->placed_count && result == RESULT_OK; i++) {
		struct placed *placed = &o->placed[i];
		bool this_behind;
		const char *place = place_of(placed->step, &this_behind);
		if (placed->done || this_behind != behind || strcmp(place, id) != 0)
			continue;
		placed->done = true;
		const struct yaml_node *plain = without_place(o, placed->step);
		if (plain == NULL)
			return no_memory(o);
		result = put_placed(o, line, id_of(plain), false);
		if (result == RESULT_OK)
			result = check_mentions(o, plain);
		if (result != RESULT_OK)
			return result;
		line->items[line->count++] = plain;
		result = put_placed(o, line, id_of(plain), true);
	}
	return result;
}

// --- Lines

static enum result put_step(
        struct overlay *o, struct yaml_node *line, const struct yaml_node *before)
{
	const struct yaml_node *changes = yaml_get(o->root, "steps"), *step = before;
	const char *id = id_of(before);
	const struct yaml_node *key = changes != NULL ? key_of(changes, id) : NULL;
	if (dropped(o, id) != NULL || is_placed(o, id))
		return RESULT_OK;
	enum result result = put_placed(o, line, id, false);
	if (result == RESULT_OK && key != NULL)
		result = change_step(o, key, yaml_get(changes, id), before, &step);
	if (result == RESULT_OK)
		result = check_mentions(o, step);
	if (result != RESULT_OK)
		return result;
	line->items[line->count++] = step;
	return put_placed(o, line, id, true);
}

static enum result merge_line(
        struct overlay *o, const struct yaml_node *before, const struct yaml_node **after)
{
	struct yaml_node *line = node_new(o, YAML_LIST, before, before->count + o->placed_count);
	enum result result = line != NULL ? RESULT_OK : no_memory(o);
	for (size_t i = 0; i < before->count && result == RESULT_OK; i++)
		result = put_step(o, line, before->items[i]);
	if (result == RESULT_OK && line->count == 0)
		return yaml_error(
		        o->drop, o->err, "no step is left of %s:%d", before->file, before->line);
	*after = line;
	return result;
}

static bool leads_into(const struct yaml_node *steps, const char *branch)
{
	for (size_t i = 0; steps != NULL && i < steps->count; i++)
		if (is_text(yaml_get(steps->items[i], "else"), branch))
			return true;
	return false;
}

// A branch into which no step leads any more is gone.
static bool drop_unused_branch(const struct yaml_node *root, struct yaml_node *branches)
{
	for (size_t i = 0; i < branches->count; i++) {
		const char *name = branches->keys[i]->text;
		bool used = leads_into(yaml_get(root, "steps"), name);
		for (size_t k = 0; k < branches->count; k++)
			used = used || leads_into(yaml_get(branches->items[k], "steps"), name);
		if (!used) {
			take_out(branches, name);
			return true;
		}
	}
	return false;
}

static enum result merge_branches(struct overlay *o, struct yaml_node *root)
{
	const struct yaml_node *before = yaml_get(o->base, "branches");
	if (before == NULL)
		return RESULT_OK;
	struct yaml_node *after = node_new(o, YAML_MAP, before, before->count);
	enum result result = after != NULL ? RESULT_OK : no_memory(o);
	for (size_t i = 0; i < before->count && result == RESULT_OK; i++) {
		const struct yaml_node *branch = before->items[i], *steps;
		struct yaml_node *copy = node_new(o, YAML_MAP, branch, branch->count);
		if (copy == NULL)
			return no_memory(o);
		for (size_t k = 0; k < branch->count; k++)
			put(copy, branch->keys[k], branch->items[k]);
		result = merge_line(o, yaml_get(branch, "steps"), &steps);
		if (result == RESULT_OK)
			put(copy, key_of(branch, "steps"), steps);
		put(after, before->keys[i], copy);
	}
	while (result == RESULT_OK && drop_unused_branch(root, after))
		continue;
	take_out(root, "branches");
	if (result == RESULT_OK && after->count > 0)
		put(root, key_of(o->base, "branches"), after);
	return result;
}

// --- The rest of the document

// A map with the overlay's pairs over the base's; a list with the overlay's items behind them.
static enum result merge_member(
        struct overlay *o, struct yaml_node *root, const char *word, enum yaml_kind kind)
{
	const struct yaml_node *over = yaml_get(o->root, word), *below = yaml_get(root, word);
	if (over == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(over, word, kind, o->err);
	if (result == RESULT_OK && over->count > PROCEDURE_MAX_STEPS)
		return yaml_error(over, o->err, "%zu of them, expected at most %d", over->count,
		        PROCEDURE_MAX_STEPS);
	if (result != RESULT_OK)
		return result;
	struct yaml_node *both =
	        node_new(o, kind, over, over->count + (below != NULL ? below->count : 0));
	if (both == NULL)
		return no_memory(o);
	const struct yaml_node *const from[] = {below, over};
	for (int n = 0; n < 2; n++)
		for (size_t i = 0; from[n] != NULL && i < from[n]->count; i++)
			if (kind == YAML_MAP)
				put(both, from[n]->keys[i], from[n]->items[i]);
			else
				both->items[both->count++] = from[n]->items[i];
	put(root, key_of(o->root, word), both);
	return RESULT_OK;
}

static bool has_text(const struct yaml_node *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->kind == YAML_SCALAR && strcmp(list->items[i]->text, text) == 0)
			return true;
	return false;
}

// Each condition is named by its words, so that one that the base has reworded is noticed.
static enum result check_not_required(
        struct overlay *o, const struct yaml_node *drop, const struct yaml_node *all)
{
	enum result result = yaml_expect(drop, "not-required", YAML_LIST, o->err);
	if (result == RESULT_OK && drop->count > PROCEDURE_MAX_STEPS)
		return yaml_error(drop, o->err, "%zu of them, expected at most %d", drop->count,
		        PROCEDURE_MAX_STEPS);
	for (size_t i = 0; result == RESULT_OK && i < drop->count; i++) {
		const char *text;
		result = yaml_text(drop->items[i], "a condition", &text, o->err);
		if (result == RESULT_OK && (all == NULL || !has_text(all, text)))
			return yaml_error(drop->items[i], o->err, "%s does not require '%.100s'",
			        o->base->file, text);
	}
	return result;
}

static enum result drop_required(struct overlay *o, struct yaml_node *root)
{
	const struct yaml_node *drop = yaml_get(o->root, "not-required"),
	                       *all = yaml_get(o->base, "requires");
	if (drop == NULL)
		return RESULT_OK;
	enum result result = check_not_required(o, drop, all);
	if (result != RESULT_OK || all == NULL)
		return result;
	struct yaml_node *left = node_new(o, YAML_LIST, all, all->count);
	if (left == NULL)
		return no_memory(o);
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i]->kind != YAML_SCALAR || !has_text(drop, all->items[i]->text))
			left->items[left->count++] = all->items[i];
	put(root, key_of(o->base, "requires"), left);
	return RESULT_OK;
}

static enum result merge(struct overlay *o, const struct yaml_node **merged)
{
	static const char *const texts[] = {"procedure", "title", "source", "about", "expect"};
	static const char *const maps[] = {"parties", "start", "assume"};
	struct yaml_node *root = node_new(o, YAML_MAP, o->root, o->base->count + 12);
	const struct yaml_node *steps;
	if (root == NULL)
		return no_memory(o);
	for (size_t i = 0; i < o->base->count; i++)
		put(root, o->base->keys[i], o->base->items[i]);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (yaml_get(o->root, texts[i]) != NULL)
			put(root, key_of(o->root, texts[i]), yaml_get(o->root, texts[i]));
	enum result result = drop_required(o, root);
	if (result == RESULT_OK)
		result = merge_member(o, root, "requires", YAML_LIST);
	for (size_t i = 0; i < sizeof maps / sizeof *maps && result == RESULT_OK; i++)
		result = merge_member(o, root, maps[i], YAML_MAP);
	if (result == RESULT_OK)
		result = merge_line(o, yaml_get(o->base, "steps"), &steps);
	if (result == RESULT_OK) {
		put(root, key_of(o->base, "steps"), steps);
		result = merge_branches(o, root);
	}
	for (size_t i = 0; result == RESULT_OK && i < o->placed_count; i++)
		if (!o->placed[i].done)
			return yaml_error(o->placed[i].at, o->err,
			        "this step comes before or after itself, expected another step of "
			        "%s",
			        o->base->file);
	*merged = root;
	return result;
}

// --- Whole

static enum result check_names(
        struct overlay *o, const struct yaml_node *names, const struct yaml_node *parties)
{
	enum result result = yaml_expect(names, "rename", YAML_MAP, o->err);
	for (size_t i = 0; result == RESULT_OK && i < names->count; i++) {
		const struct yaml_node *old = names->keys[i], *now = names->items[i];
		const char *text;
		if (yaml_get(parties, old->text) == NULL)
			return yaml_error(old, o->err,
			        "%s has no party '%.60s', expected one of them", o->base->file,
			        old->text);
		result = yaml_text(now, old->text, &text, o->err);
		if (result == RESULT_OK && !name_is_valid(text, PROCEDURE_MAX_NAME))
			return yaml_error(now, o->err,
			        "'%.60s' is no name, expected at most %d lower-case letters, "
			        "digits and '-', beginning with a letter",
			        text, PROCEDURE_MAX_NAME);
		for (size_t k = 0; result == RESULT_OK && k < parties->count; k++) {
			const char *other = parties->keys[k]->text;
			const struct yaml_node *its = yaml_get(names, other);
			bool taken = strcmp(other, old->text) != 0 &&
			             (its != NULL ? is_text(its, text) : strcmp(other, text) == 0);
			if (taken)
				return yaml_error(now, o->err,
				        "'%s' is another party already, expected a name of its own",
				        text);
		}
	}
	return result;
}

static enum result rename_parties(struct overlay *o)
{
	const struct yaml_node *names = yaml_get(o->root, "rename"),
	                       *parties = yaml_get(o->base, "parties");
	if (names == NULL)
		return RESULT_OK;
	enum result result = check_names(o, names, parties);
	return result == RESULT_OK ? overlay_rename(o->arena, o->base, names, &o->base, o->err)
	                           : result;
}

static enum result check_dropped(struct overlay *o)
{
	if (o->drop == NULL || o->drop->kind == YAML_SCALAR)
		return o->drop != NULL ? need_step(o, o->drop) : RESULT_OK;
	enum result result = yaml_expect(o->drop, "drop", YAML_LIST, o->err);
	if (result == RESULT_OK && o->drop->count > PROCEDURE_MAX_STEPS)
		return yaml_error(o->drop, o->err, "%zu steps, expected at most %d", o->drop->count,
		        PROCEDURE_MAX_STEPS);
	for (size_t i = 0; result == RESULT_OK && i < o->drop->count; i++)
		result = need_step(o, o->drop->items[i]);
	return result;
}

bool overlay_is_one(const struct yaml_node *root)
{
	return yaml_get(root, "overlay") != NULL;
}

enum result overlay_base(const struct yaml_node *overlay, const char **name, struct error *err)
{
	const struct yaml_node *node = yaml_get(overlay, "overlay");
	assert(node != NULL);
	const char *text;
	enum result result = yaml_text(node, "overlay", &text, err);
	if (result != RESULT_OK)
		return result;
	if (text[0] == '\0')
		return yaml_error(node, err, "'overlay' is empty, expected a procedure");
	*name = text;
	return RESULT_OK;
}

enum result overlay_apply(struct arena *arena, const struct yaml_node *overlay,
        const struct yaml_node *base, const struct yaml_node **merged, struct error *err)
{
	static const char *const known[] = {"overlay", "procedure", "title", "source", "about",
	        "rename", "parties", "start", "requires", "not-required", "expect", "assume",
	        "steps", "add", "drop", NULL};
	struct overlay o = {.arena = arena, .err = err, .root = overlay, .base = base};
	enum result result = yaml_known_keys(overlay, "an overlay", known, err);
	if (result != RESULT_OK)
		return result;
	if (yaml_get(base, "procedure") == NULL)
		return yaml_error(yaml_get(overlay, "overlay"), err,
		        "%s is no procedure, which an overlay has to be over", base->file);
	o.drop = yaml_get(overlay, "drop");
	o.add = yaml_get(overlay, "add");
	result = rename_parties(&o);
	if (result == RESULT_OK)
		result = check_dropped(&o);
	if (result == RESULT_OK)
		result = check_changes(&o);
	if (result == RESULT_OK)
		result = read_places(&o);
	return result == RESULT_OK ? merge(&o, merged) : result;
}
