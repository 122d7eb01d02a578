// Steps, branches, and what must hold between them.
#include "procedure/parser.h"

#include <string.h>

static enum result no_memory(struct parser *parser)
{
	return error_set(parser->err, RESULT_MEMORY, "%s: no memory for it", parser->p->file);
}

static enum result parse_by(struct parser *parser, const struct yaml_node *node,
        const struct procedure_step *step, int *by)
{
	if (node != NULL)
		return parse_party(parser, node, "by", by);
	*by = step->by;
	return RESULT_OK;
}

static enum result parse_undo_map(struct parser *parser, const struct yaml_node *node,
        const struct procedure_step *step, struct procedure_undo *undo)
{
	static const char *const known[] = {"does", "by", "says", "none", "nothing", NULL};
	const struct yaml_node *does = yaml_get(node, "does"), *none = yaml_get(node, "none"),
	                       *nothing = yaml_get(node, "nothing"), *says = yaml_get(node, "says");
	enum result result = yaml_known_keys(node, "undo", known, parser->err);
	if (result != RESULT_OK)
		return result;
	if ((does != NULL) + (none != NULL) + (nothing != NULL) != 1)
		return yaml_error(node, parser->err,
		        "'undo' needs one of: does (acts), none (why there is no way back), "
		        "nothing (why "
		        "nothing has to be undone)");
	result = parse_by(parser, yaml_get(node, "by"), step, &undo->by);
	if (result == RESULT_OK && says != NULL)
		result = yaml_text(says, "says", &undo->text, parser->err);
	if (result != RESULT_OK)
		return result;
	undo->kind = does != NULL   ? PROCEDURE_UNDO_ACTS
	             : none != NULL ? PROCEDURE_UNDO_NONE
	                            : PROCEDURE_UNDO_NOTHING;
	if (does != NULL)
		return parse_acts(parser, does, "does", &undo->acts, &undo->act_count);
	result = yaml_text(none != NULL ? none : nothing, "undo", &undo->text, parser->err);
	if (result == RESULT_OK && undo->text[0] == '\0')
		return yaml_error(none != NULL ? none : nothing, parser->err,
		        "'undo' says no reason, expected a sentence");
	return result;
}

static enum result parse_undo(struct parser *parser, const struct yaml_node *node,
        const struct procedure_step *step, struct procedure_undo *undo)
{
	enum result result;
	undo->by = step->by;
	undo->text = "";
	if (node->kind == YAML_MAP) {
		result = parse_undo_map(parser, node, step, undo);
	} else if (node->kind == YAML_SCALAR && strcmp(node->text, "none") == 0) {
		return yaml_error(node, parser->err,
		        "'none' without a reason, expected 'undo: {none: why there is no way "
		        "back}'");
	} else if (node->kind == YAML_SCALAR && strcmp(node->text, "nothing") == 0) {
		undo->kind = PROCEDURE_UNDO_NOTHING;
		result = RESULT_OK;
	} else {
		undo->kind = PROCEDURE_UNDO_ACTS;
		result = parse_acts(parser, node, "undo", &undo->acts, &undo->act_count);
	}
	if (result == RESULT_OK && undo->kind == PROCEDURE_UNDO_NOTHING &&
	        procedure_acts_have_effect(step->acts, step->act_count))
		return yaml_error(node, parser->err,
		        "the step changes the zone, so its undo cannot be 'nothing', expected acts "
		        "or "
		        "'none: why'");
	return result;
}

static enum result parse_else(
        struct parser *parser, const struct yaml_node *node, struct procedure_step *step)
{
	static const char *const words[] = {"ask", "skip"};
	const struct procedure *p = parser->p;
	const char *text;
	enum result result = yaml_text(node, "else", &text, parser->err);
	if (result != RESULT_OK)
		return result;
	for (int i = 0; i < 2; i++)
		if (strcmp(text, words[i]) == 0) {
			step->otherwise = (enum procedure_otherwise)(PROCEDURE_ELSE_ASK + i);
			return RESULT_OK;
		}
	for (size_t i = 1; i < p->line_count; i++)
		if (strcmp(text, p->lines[i].id) == 0) {
			step->otherwise = PROCEDURE_ELSE_BRANCH;
			step->branch = (int)i;
			return (int)i != step->line_of
			               ? RESULT_OK
			               : yaml_error(node, parser->err,
			                         "branch '%s' cannot lead into itself", text);
		}
	return yaml_error(node, parser->err,
	        "unknown branch '%.60s', expected ask, skip or one of 'branches'", text);
}

static enum result parse_deadline(
        struct parser *parser, const struct yaml_node *node, struct procedure_step *step)
{
	const struct yaml_node *within = yaml_get(node, "within"),
	                       *otherwise = yaml_get(node, "else");
	step->within_ms = -1;
	step->branch = -1;
	if (within == NULL && otherwise == NULL)
		return RESULT_OK;
	if (within == NULL || otherwise == NULL)
		return yaml_error(within != NULL ? within : otherwise, parser->err,
		        within != NULL ? "'within' needs 'else', expected ask, skip or a branch"
		                       : "'else' needs 'within', expected a duration such as 7d");
	enum result result = yaml_duration(within, "within", &step->within_ms, parser->err);
	if (result == RESULT_OK && step->within_ms > PROCEDURE_MAX_DAYS * DAY_MS)
		return yaml_error(within, parser->err, "'within' is too long, expected at most %dd",
		        PROCEDURE_MAX_DAYS);
	return result == RESULT_OK ? parse_else(parser, otherwise, step) : result;
}

static int find_earlier(const struct parser *parser, int first, int count, const char *id)
{
	for (int i = first; i < first + count; i++)
		if (strcmp(parser->steps[i].id, id) == 0)
			return i;
	return -1;
}

static enum result parse_after(struct parser *parser, const struct yaml_node *node, int first,
        int count, struct procedure_step *step)
{
	const struct yaml_node *const one[] = {node};
	bool list = node != NULL && node->kind == YAML_LIST;
	bool start = node != NULL && node->kind == YAML_SCALAR && strcmp(node->text, "start") == 0;
	if (start)
		return RESULT_OK;
	size_t n = node == NULL ? (count > 0) : list ? node->count : 1;
	int *after = arena_array(parser->arena, n, sizeof *after);
	if (after == NULL && n > 0)
		return no_memory(parser);
	for (size_t i = 0; i < n; i++) {
		if (node == NULL) {
			after[i] = first + count - 1;
			continue;
		}
		const struct yaml_node *item = list ? node->items[i] : one[i];
		const char *id;
		enum result result = yaml_text(item, "after", &id, parser->err);
		if (result != RESULT_OK)
			return result;
		after[i] = find_earlier(parser, first, count, id);
		if (after[i] < 0)
			return yaml_error(item, parser->err,
			        "unknown step '%.60s', expected 'start' or a step listed before "
			        "this one",
			        id);
	}
	step->after = after;
	step->after_count = n;
	return RESULT_OK;
}

static enum result parse_waive(
        struct parser *parser, const struct yaml_node *node, struct procedure_step *step)
{
	static const char *const known[] = {"ds-without-key", "approval", NULL};
	step->waive_why = "";
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(node, "waive", YAML_MAP, parser->err);
	if (result == RESULT_OK)
		result = yaml_known_keys(node, "waive", known, parser->err);
	for (unsigned i = 0; i < 2 && result == RESULT_OK; i++) {
		const struct yaml_node *why = yaml_get(node, known[i]);
		if (why == NULL)
			continue;
		result = yaml_text(why, known[i], &step->waive_why, parser->err);
		if (result == RESULT_OK && step->waive_why[0] == '\0')
			return yaml_error(why, parser->err,
			        "'%s' says no reason, expected a sentence", known[i]);
		step->waives |= 1u << i;
	}
	return result;
}

// A title for people, from the acts where the procedure has none.
static enum result make_title(struct parser *parser, struct procedure_step *step)
{
	if (step->title[0] != '\0')
		return RESULT_OK;
	struct buffer title = buffer_init(2000);
	for (size_t i = 0; i < step->act_count; i++) {
		if (i > 0)
			buffer_puts(&title, i + 1 < step->act_count ? ", " : " and ");
		procedure_act_describe(parser->p, &step->acts[i], &title);
	}
	step->title = title.failed ? step->id : arena_strdup(parser->arena, buffer_text(&title));
	buffer_free(&title);
	return step->title != NULL ? RESULT_OK : no_memory(parser);
}

static enum result optional_text(
        struct parser *parser, const struct yaml_node *node, const char *key, const char **text)
{
	const struct yaml_node *value = yaml_get(node, key);
	*text = "";
	return value == NULL ? RESULT_OK : yaml_text(value, key, text, parser->err);
}

static enum result parse_step_texts(
        struct parser *parser, const struct yaml_node *node, struct procedure_step *step)
{
	const struct yaml_node *id = yaml_get(node, "id");
	if (id == NULL)
		return yaml_error(node, parser->err, "a step needs 'id', expected a short name");
	enum result result = parse_name(parser, id, "id", PROCEDURE_MAX_ID, &step->id);
	if (result == RESULT_OK &&
	        find_earlier(parser, 0, (int)parser->p->step_count, step->id) >= 0)
		return yaml_error(id, parser->err,
		        "step '%s' is there twice, expected a name of its own (branches included)",
		        step->id);
	if (result == RESULT_OK)
		result = optional_text(parser, node, "title", &step->title);
	return result == RESULT_OK ? optional_text(parser, node, "about", &step->about) : result;
}

static enum result need(struct parser *parser, const struct yaml_node *node,
        const struct procedure_step *step, const char *key, const char *expected,
        const struct yaml_node **value)
{
	*value = yaml_get(node, key);
	if (*value != NULL)
		return RESULT_OK;
	return yaml_error(
	        node, parser->err, "step '%s' needs '%s', expected %s", step->id, key, expected);
}

// Every step of a procedure says what undoing it means; only a published text may be silent.
static enum result parse_step_undo(
        struct parser *parser, const struct yaml_node *node, struct procedure_step *step)
{
	const struct yaml_node *undo = yaml_get(node, "undo");
	if (undo == NULL && parser->p->as_written) {
		step->undo = (struct procedure_undo){
		        .kind = PROCEDURE_UNDO_UNSAID, .by = step->by, .text = ""};
		return RESULT_OK;
	}
	enum result result = need(parser, node, step, "undo",
	        "acts, 'nothing', or '{none: why there is no way back}'", &undo);
	return result == RESULT_OK ? parse_undo(parser, undo, step, &step->undo) : result;
}

static enum result parse_step_acts(
        struct parser *parser, const struct yaml_node *node, struct procedure_step *step)
{
	const struct yaml_node *by, *does, *flag = yaml_get(node, "point-of-no-return");
	enum result result = need(parser, node, step, "by", "a party", &by);
	if (result == RESULT_OK)
		result = need(
		        parser, node, step, "does", "an effect, an act, or a list of them", &does);
	if (result == RESULT_OK)
		result = parse_party(parser, by, "by", &step->by);
	if (result == RESULT_OK)
		result = parse_acts(parser, does, "does", &step->acts, &step->act_count);
	if (result == RESULT_OK)
		result = parse_step_undo(parser, node, step);
	if (result == RESULT_OK && flag != NULL)
		result = yaml_bool(flag, "point-of-no-return", &step->no_return, parser->err);
	if (step->undo.kind == PROCEDURE_UNDO_NONE)
		step->no_return = true;
	return result;
}

static enum result parse_step(struct parser *parser, const struct yaml_node *node, int line_of,
        int first, int count, struct procedure_step *step)
{
	static const char *const known[] = {"id", "title", "about", "by", "does", "approve", "tell",
	        "within", "else", "wait", "after", "undo", "point-of-no-return", "waive", NULL};
	const struct yaml_node *approve = yaml_get(node, "approve"), *tell = yaml_get(node, "tell"),
	                       *wait = yaml_get(node, "wait");
	step->line_of = line_of;
	step->index = first + count;
	step->file = node->file;
	step->line = node->line;
	step->column = node->column;
	enum result result = yaml_expect(node, "steps", YAML_MAP, parser->err);
	if (result == RESULT_OK)
		result = yaml_known_keys(node, "step", known, parser->err);
	if (result == RESULT_OK)
		result = parse_step_texts(parser, node, step);
	if (result == RESULT_OK)
		result = parse_step_acts(parser, node, step);
	if (result == RESULT_OK && approve != NULL)
		result = parse_party_set(parser, approve, "approve", &step->approve);
	if (result == RESULT_OK && tell != NULL)
		result = parse_party_set(parser, tell, "tell", &step->tell);
	if (result == RESULT_OK)
		result = parse_deadline(parser, node, step);
	if (result == RESULT_OK)
		result = parse_after(parser, yaml_get(node, "after"), first, count, step);
	if (result == RESULT_OK && wait != NULL)
		result = parse_waits(parser, wait, first, count, step);
	if (result == RESULT_OK)
		result = parse_waive(parser, yaml_get(node, "waive"), step);
	return result == RESULT_OK ? make_title(parser, step) : result;
}

static enum result expect_word(
        struct parser *parser, const struct yaml_node *node, enum safety_word *word)
{
	const char *text;
	enum result result = yaml_text(node, "expect", &text, parser->err);
	if (result != RESULT_OK)
		return result;
	for (int i = SAFETY_SAFE; i <= SAFETY_UNREACHABLE; i++)
		if (strcmp(safety_word_text((enum safety_word)i), text) == 0) {
			*word = (enum safety_word)i;
			return RESULT_OK;
		}
	return yaml_error(node, parser->err,
	        "unknown verdict '%.60s', expected safe, insecure, bogus or unreachable", text);
}

static enum result parse_expect(
        struct parser *parser, const struct yaml_node *node, struct procedure_line *line)
{
	static const char *const known[] = {"direct", "forwarder", NULL};
	if (node == NULL)
		return RESULT_OK;
	line->has_expect = true;
	if (node->kind != YAML_MAP) {
		enum result result = expect_word(parser, node, &line->expect[SAFETY_DIRECT]);
		line->expect[SAFETY_FORWARDER] = line->expect[SAFETY_DIRECT];
		return result;
	}
	enum result result = yaml_known_keys(node, "expect", known, parser->err);
	for (int i = 0; i < SAFETY_PATHS && result == RESULT_OK; i++) {
		const struct yaml_node *value = yaml_get(node, known[i]);
		if (value == NULL)
			return yaml_error(node, parser->err,
			        "'expect' needs '%s', expected both direct and forwarder, or one "
			        "word",
			        known[i]);
		result = expect_word(parser, value, &line->expect[i]);
	}
	return result;
}

static enum result parse_line(struct parser *parser, const struct yaml_node *node, size_t number)
{
	struct procedure *p = parser->p;
	struct procedure_line *line = &p->lines[number];
	const struct yaml_node *steps = yaml_get(node, "steps");
	if (steps == NULL || steps->kind != YAML_LIST || steps->count == 0)
		return yaml_error(steps != NULL ? steps : node, parser->err,
		        "'steps' is missing or empty, expected a list of steps");
	line->first = (int)p->step_count;
	enum result result = parse_expect(parser, yaml_get(node, "expect"), line);
	for (size_t i = 0; i < steps->count && result == RESULT_OK; i++) {
		struct procedure_step *step = &parser->steps[p->step_count];
		result = parse_step(
		        parser, steps->items[i], (int)number, line->first, (int)line->count, step);
		p->step_count++;
		line->count++;
	}
	return result;
}

static size_t count_steps(const struct yaml_node *line)
{
	const struct yaml_node *steps = yaml_get(line, "steps");
	return steps != NULL && steps->kind == YAML_LIST ? steps->count : 0;
}

// Names of branches first, because steps refer to them.
static enum result parse_branch_names(
        struct parser *parser, const struct yaml_node *branches, size_t *steps)
{
	static const char *const known[] = {"title", "expect", "steps", NULL};
	struct procedure *p = parser->p;
	p->line_count = 1;
	p->lines[0].id = p->lines[0].title = "";
	if (branches == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(branches, "branches", YAML_MAP, parser->err);
	if (result == RESULT_OK && branches->count >= PROCEDURE_MAX_LINES)
		return yaml_error(branches, parser->err, "%zu branches, expected at most %d",
		        branches->count, PROCEDURE_MAX_LINES - 1);
	for (size_t i = 0; result == RESULT_OK && i < branches->count; i++) {
		struct procedure_line *line = &p->lines[p->line_count];
		const struct yaml_node *node = branches->items[i];
		result = parse_name(
		        parser, branches->keys[i], "branch", PROCEDURE_MAX_ID, &line->id);
		if (result == RESULT_OK &&
		        (strcmp(line->id, "ask") == 0 || strcmp(line->id, "skip") == 0))
			return yaml_error(branches->keys[i], parser->err,
			        "'%s' has a meaning of its own behind 'else', expected another "
			        "name",
			        line->id);
		if (result == RESULT_OK)
			result = yaml_expect(node, line->id, YAML_MAP, parser->err);
		if (result == RESULT_OK)
			result = yaml_known_keys(node, line->id, known, parser->err);
		if (result == RESULT_OK)
			result = optional_text(parser, node, "title", &line->title);
		*steps += count_steps(node);
		p->line_count++;
	}
	return result;
}

static enum result check_branches_used(struct parser *parser, const struct yaml_node *branches)
{
	const struct procedure *p = parser->p;
	for (size_t line = 1; line < p->line_count; line++) {
		bool used = false;
		for (size_t i = 0; i < p->step_count; i++)
			used = used || p->steps[i].branch == (int)line;
		if (!used)
			return yaml_error(branches->keys[line - 1], parser->err,
			        "no step leads into branch '%s', expected an 'else: %s'",
			        p->lines[line].id, p->lines[line].id);
	}
	return RESULT_OK;
}

enum result parse_lines(struct parser *parser, const struct yaml_node *root)
{
	struct procedure *p = parser->p;
	const struct yaml_node *branches = yaml_get(root, "branches");
	size_t total = count_steps(root);
	enum result result = parse_branch_names(parser, branches, &total);
	if (result != RESULT_OK)
		return result;
	if (total > PROCEDURE_MAX_STEPS)
		return yaml_error(root, parser->err, "%zu steps, expected at most %d", total,
		        PROCEDURE_MAX_STEPS);
	parser->steps = arena_array(parser->arena, total + 1, sizeof *parser->steps);
	if (parser->steps == NULL)
		return no_memory(parser);
	p->steps = parser->steps;
	result = parse_line(parser, root, 0);
	for (size_t i = 1; i < p->line_count && result == RESULT_OK; i++)
		result = parse_line(parser, branches->items[i - 1], i);
	return result == RESULT_OK ? check_branches_used(parser, branches) : result;
}
