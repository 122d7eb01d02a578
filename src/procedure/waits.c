// Explicit waits: "ttl(parent.ds) + lag(parent) after add-new-ds seen".
#include "procedure/parser.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 8, MAX_PARTS = 12 };

static enum result parse_sum(struct cursor *c, int depth, const struct procedure_expression **out);

static struct procedure_expression *expression_new(
        struct cursor *c, enum procedure_expression_kind kind)
{
	struct procedure_expression *e = arena_alloc(c->parser->arena, sizeof *e);
	if (e == NULL)
		error_set(c->parser->err, RESULT_MEMORY, "%s: no memory for it", c->node->file);
	else
		e->kind = kind;
	return e;
}

static enum result set_parts(struct cursor *c, struct procedure_expression *e,
        const struct procedure_expression **parts, size_t count)
{
	e->parts = arena_memdup(c->parser->arena, parts, count * sizeof *parts);
	e->count = count;
	return e->parts != NULL ? RESULT_OK
	                        : error_set(c->parser->err, RESULT_MEMORY, "no memory for a wait");
}

static enum result expect_sign(struct cursor *c, char sign)
{
	if (!cursor_is_sign(c, sign))
		return cursor_error(c, "expected '%c', here is %s", sign, cursor_token_text(c));
	return cursor_advance(c);
}

// The TTL of "ds", "ds-none" or "ns" at the parent, of "ns", "dnskey" or "data" at a party: the
// model's words without "parent-" and "child-". SAFETY_TTLS where there is none.
static int find_ttl(const char *word, bool parent)
{
	static const char *const prefixes[] = {"parent-", "child-"};
	int ttl = parent ? SAFETY_TTL_DS : SAFETY_TTL_CHILD_NS;
	int end = parent ? SAFETY_TTL_CHILD_NS : SAFETY_TTLS;
	for (; ttl < end; ttl++) {
		const char *name = safety_ttl_words[ttl];
		for (int i = 0; i < 2; i++)
			if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
				name += strlen(prefixes[i]);
		if (strcmp(name, word) == 0)
			return ttl;
	}
	return SAFETY_TTLS;
}

// "parent.ds", "losing.data" as the current token: what has a TTL.
static enum result parse_ttl_name(struct cursor *c, struct procedure_expression *e)
{
	const char *parts[2] = {"", ""};
	size_t n = c->token == TOKEN_WORD ? split_dots(c->parser, c->text, parts, 2) : 0;
	bool parent = n == 2 && strcmp(parts[0], "parent") == 0;
	int party = n == 2 && !parent ? procedure_party_find(c->parser->p, parts[0]) : -1;
	if (!parent && !procedure_party_publishes(c->parser->p, party))
		return cursor_error(c,
		        "expected something with a TTL, such as parent.ds or an operator's dnskey, "
		        "here is %s",
		        cursor_token_text(c));
	int ttl = find_ttl(parts[1], parent);
	if (ttl == SAFETY_TTLS)
		return cursor_error(c, "'%.60s' has no TTL to wait for, expected %s", c->text,
		        parent ? "parent.ds, parent.ds-none or parent.ns"
		               : "a party's ns, dnskey or data");
	e->party = parent ? PROCEDURE_PARENT : party;
	e->ttl = ttl;
	return cursor_advance(c);
}

static enum result parse_lag_name(struct cursor *c, struct procedure_expression *e)
{
	e->party = PROCEDURE_PARENT;
	if (cursor_is_word(c, "parent"))
		return cursor_advance(c);
	struct cursor where = *c;
	enum result result = cursor_party(c, &e->party);
	if (result == RESULT_OK && !procedure_party_publishes(c->parser->p, e->party))
		return cursor_error(&where,
		        "'%s' publishes nothing, expected parent, an operator or a host",
		        where.text);
	return result;
}

static enum result parse_choice(struct cursor *c, int depth, struct procedure_expression *e)
{
	const struct procedure_expression *parts[MAX_PARTS];
	size_t n = 0;
	for (;;) {
		if (n == MAX_PARTS)
			return cursor_error(c, "too many values, expected at most %d", MAX_PARTS);
		enum result result = parse_sum(c, depth + 1, &parts[n]);
		if (result != RESULT_OK)
			return result;
		n++;
		if (!cursor_is_sign(c, ','))
			return set_parts(c, e, parts, n);
		result = cursor_advance(c);
		if (result != RESULT_OK)
			return result;
	}
}

static enum result parse_function(
        struct cursor *c, int depth, const struct procedure_expression **out)
{
	static const char *const names[] = {"ttl", "lag", "max", "min", NULL};
	static const enum procedure_expression_kind kinds[] = {
	        PROCEDURE_TTL, PROCEDURE_LAG, PROCEDURE_MAX, PROCEDURE_MIN};
	int which = 0;
	while (names[which] != NULL && !cursor_is_word(c, names[which]))
		which++;
	if (names[which] == NULL)
		return cursor_error(c,
		        "expected ttl(…), lag(…), max(…), min(…) or a duration such as 7d, here is "
		        "%s",
		        cursor_token_text(c));
	struct procedure_expression *e = expression_new(c, kinds[which]);
	enum result result = e != NULL ? cursor_advance(c) : RESULT_MEMORY;
	if (result == RESULT_OK)
		result = expect_sign(c, '(');
	if (result != RESULT_OK)
		return result;
	if (which == 0)
		result = parse_ttl_name(c, e);
	else
		result = which == 1 ? parse_lag_name(c, e) : parse_choice(c, depth, e);
	*out = e;
	return result == RESULT_OK ? expect_sign(c, ')') : result;
}

static enum result parse_times(
        struct cursor *c, int depth, const struct procedure_expression **out);

static enum result parse_number(
        struct cursor *c, int depth, const struct procedure_expression **out)
{
	bool factor = strspn(c->text, "0123456789") == strlen(c->text);
	struct procedure_expression *e =
	        expression_new(c, factor ? PROCEDURE_TIMES : PROCEDURE_DURATION);
	if (e == NULL)
		return RESULT_MEMORY;
	*out = e;
	if (!factor) {
		struct error inner = {0};
		if (duration_parse(c->text, &e->duration_ms, &inner) != RESULT_OK)
			return cursor_error(c, "%s", inner.text);
		if (e->duration_ms > PROCEDURE_MAX_DAYS * DAY_MS)
			return cursor_error(c, "'%.60s' is too long, expected at most %dd", c->text,
			        PROCEDURE_MAX_DAYS);
		return cursor_advance(c);
	}
	if (strlen(c->text) > 3)
		return cursor_error(
		        c, "'%.60s' is too large, expected a factor below 1000", c->text);
	e->duration_ms = strtol(c->text, NULL, 10);
	struct cursor number = *c;
	enum result result = cursor_advance(c);
	if (result == RESULT_OK && !cursor_is_sign(c, '*'))
		return cursor_error(&number,
		        "'%s' without a unit, expected a duration such as %sd, or '*'", number.text,
		        number.text);
	if (result == RESULT_OK)
		result = cursor_advance(c);
	const struct procedure_expression *part;
	if (result == RESULT_OK)
		result = parse_times(c, depth + 1, &part);
	return result == RESULT_OK ? set_parts(c, e, &part, 1) : result;
}

static enum result parse_times(struct cursor *c, int depth, const struct procedure_expression **out)
{
	if (depth > MAX_DEPTH)
		return cursor_error(c, "nested too deeply");
	if (c->token == TOKEN_NUMBER)
		return parse_number(c, depth, out);
	if (!cursor_is_sign(c, '('))
		return parse_function(c, depth, out);
	enum result result = cursor_advance(c);
	if (result == RESULT_OK)
		result = parse_sum(c, depth + 1, out);
	return result == RESULT_OK ? expect_sign(c, ')') : result;
}

static enum result parse_sum(struct cursor *c, int depth, const struct procedure_expression **out)
{
	const struct procedure_expression *parts[MAX_PARTS];
	size_t n = 0;
	for (;;) {
		if (n == MAX_PARTS)
			return cursor_error(c, "too many terms, expected at most %d", MAX_PARTS);
		enum result result = parse_times(c, depth, &parts[n]);
		if (result != RESULT_OK)
			return result;
		n++;
		if (!cursor_is_sign(c, '+'))
			break;
		result = cursor_advance(c);
		if (result != RESULT_OK)
			return result;
	}
	*out = parts[0];
	if (n == 1)
		return RESULT_OK;
	struct procedure_expression *e = expression_new(c, PROCEDURE_SUM);
	if (e == NULL)
		return RESULT_MEMORY;
	*out = e;
	return set_parts(c, e, parts, n);
}

// "after STEP [done|seen|everywhere]". Steps are those of the same line, listed before this one.
static enum result parse_event(struct cursor *c, int first, int count, struct procedure_wait *wait)
{
	static const char *const events[] = {"done", "seen", "everywhere"};
	enum result result = cursor_advance(c);
	if (result != RESULT_OK)
		return result;
	for (int i = first; i < first + count; i++)
		if (cursor_is_word(c, c->parser->steps[i].id))
			wait->step = i;
	if (wait->step < 0)
		return cursor_error(c, "expected a step listed before this one, here is %s",
		        cursor_token_text(c));
	result = cursor_advance(c);
	if (result != RESULT_OK || c->token == TOKEN_END)
		return result;
	for (int i = 0; i < 3; i++)
		if (cursor_is_word(c, events[i])) {
			wait->event = (enum procedure_event)i;
			result = cursor_advance(c);
			return result == RESULT_OK ? cursor_expect_end(c, "the end") : result;
		}
	return cursor_error(
	        c, "expected done, seen or everywhere, here is %s", cursor_token_text(c));
}

static enum result parse_wait(struct parser *parser, const struct yaml_node *node, int first,
        int count, struct procedure_wait *wait)
{
	struct cursor c = {.token = TOKEN_END};
	enum result result = yaml_text(node, "wait", &wait->text, parser->err);
	if (result == RESULT_OK)
		result = cursor_open(&c, parser, node);
	wait->step = -1;
	wait->event = PROCEDURE_EVERYWHERE;
	if (result == RESULT_OK)
		result = parse_sum(&c, 0, &wait->expression);
	if (result != RESULT_OK || c.token == TOKEN_END)
		return result;
	if (cursor_is_word(&c, "after"))
		return parse_event(&c, first, count, wait);
	return cursor_error(
	        &c, "%s is too much, expected '+', 'after' or the end", cursor_token_text(&c));
}

enum result parse_waits(struct parser *parser, const struct yaml_node *node, int line_first,
        int step_count, struct procedure_step *step)
{
	const struct yaml_node *const one[] = {node};
	bool list = node->kind == YAML_LIST;
	size_t n = list ? node->count : 1;
	if (node->kind == YAML_MAP || n == 0 || n > PROCEDURE_MAX_WAITS)
		return yaml_error(node, parser->err, "expected a wait, or a list of at most %d",
		        PROCEDURE_MAX_WAITS);
	struct procedure_wait *waits = arena_array(parser->arena, n, sizeof *waits);
	if (waits == NULL)
		return error_set(parser->err, RESULT_MEMORY, "%s: no memory for it", node->file);
	enum result result = RESULT_OK;
	for (size_t i = 0; i < n && result == RESULT_OK; i++)
		result = parse_wait(
		        parser, list ? node->items[i] : one[i], line_first, step_count, &waits[i]);
	step->waits = waits;
	step->wait_count = n;
	return result;
}

static int64_t ttl_now_ms(const struct procedure_expression *e,
        const struct safety_history *history, const struct procedure_binding *binding)
{
	int publisher = e->party == PROCEDURE_PARENT ? 0 : binding->publisher[e->party];
	int64_t largest = binding->ttl_s[e->party + 1][e->ttl];
	bool seen = false;
	for (size_t i = 0; i < history->count; i++) {
		const struct safety_edition *edition = &history->editions[i];
		enum safety_kind kind = (enum safety_kind)edition->kind;
		if (edition->publisher != publisher || kind == SAFETY_SERVING ||
		        safety_ttl_of(publisher, kind, edition->content == 0) !=
		                (enum safety_ttl)e->ttl)
			continue;
		if (!seen || edition->ttl_s > largest)
			largest = edition->ttl_s;
		seen = true;
	}
	return largest * SECOND_MS;
}

int64_t procedure_expression_ms(const struct procedure_expression *e,
        const struct safety_history *history, const struct procedure_binding *binding)
{
	int64_t value = 0;
	switch (e->kind) {
	case PROCEDURE_DURATION:
		return e->duration_ms;
	case PROCEDURE_TTL:
		return ttl_now_ms(e, history, binding);
	case PROCEDURE_LAG:
		return history->lag_s[e->party == PROCEDURE_PARENT ? 0
		                                                   : binding->publisher[e->party]] *
		       SECOND_MS;
	case PROCEDURE_TIMES:
		value = procedure_expression_ms(e->parts[0], history, binding);
		return value > TIME_NEVER_MS / 1000 ? TIME_NEVER_MS : value * e->duration_ms;
	case PROCEDURE_SUM:
	case PROCEDURE_MAX:
	case PROCEDURE_MIN:
	default:
		break;
	}
	for (size_t i = 0; i < e->count; i++) {
		int64_t part = procedure_expression_ms(e->parts[i], history, binding);
		if (e->kind == PROCEDURE_SUM)
			value = time_add(value, part);
		else if (i == 0 || (e->kind == PROCEDURE_MAX ? part > value : part < value))
			value = part;
	}
	return value;
}

int64_t procedure_waits_over_ms(const struct procedure_step *step,
        const struct safety_history *history, const struct procedure_binding *binding,
        const struct procedure_times *times, int64_t ready_ms)
{
	int64_t over = TIME_EVER_MS;
	for (size_t i = 0; i < step->wait_count; i++) {
		const struct procedure_wait *wait = &step->waits[i];
		int64_t from = ready_ms;
		if (wait->step >= 0 && times[wait->step].is_done)
			from = wait->event == PROCEDURE_DONE   ? times[wait->step].done_ms
			       : wait->event == PROCEDURE_SEEN ? times[wait->step].seen_ms
			                                       : times[wait->step].everywhere_ms;
		int64_t length = procedure_expression_ms(wait->expression, history, binding);
		if (length > PROCEDURE_MAX_DAYS * DAY_MS)
			length = PROCEDURE_MAX_DAYS * DAY_MS;
		int64_t until = time_add(from, length);
		if (until > over)
			over = until;
	}
	return over;
}
