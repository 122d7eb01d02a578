// The ways through a procedure.
#include "procedure/plan.h"

#include <string.h>

struct builder {
	struct arena *arena;
	const struct procedure *p;
	struct procedure_route *routes;
	size_t count;
	bool full;
};

static struct procedure_route *route_add(
        struct builder *b, const struct procedure_route *like, const char *label)
{
	if (b->count == PROCEDURE_MAX_ROUTES || label == NULL) {
		b->full = true;
		return NULL;
	}
	struct procedure_route *r = &b->routes[b->count++];
	*r = *like;
	r->label = label;
	return r;
}

static void append_line(struct procedure_route *r, const struct procedure_line *line)
{
	for (size_t i = 0; i < line->count && r->count < PROCEDURE_MAX_STEPS; i++)
		r->steps[r->count++] = line->first + (int)i;
}

static void take_expect(struct procedure_route *r, const struct procedure_line *line)
{
	r->has_expect = line->has_expect;
	memcpy(r->expect, line->expect, sizeof r->expect);
}

// Every deadline of the line that the route ends with, from position `from` on, leads into a route
// of its own.
static void add_branches(struct builder *b, size_t route, size_t from)
{
	for (size_t i = from; i < b->routes[route].count; i++) {
		const struct procedure_route *base = &b->routes[route];
		const struct procedure_step *late = &b->p->steps[base->steps[i]];
		if (late->otherwise != PROCEDURE_ELSE_BRANCH || base->turns == PROCEDURE_MAX_TURNS)
			continue;
		const struct procedure_line *line = &b->p->lines[late->branch];
		size_t number = b->count;
		struct procedure_route *r = route_add(b, base,
		        arena_printf(b->arena, "%s%s%s passes its deadline: %s", base->label,
		                base->label[0] != '\0' ? ", then " : "", late->id, line->id));
		if (r == NULL)
			return;
		r->count = r->turn[r->turns] = i;
		r->late[r->turns++] = late->index;
		append_line(r, line);
		take_expect(r, line);
		add_branches(b, number, i);
	}
}

static void remove_step(struct procedure_route *r, size_t position)
{
	memmove(&r->steps[position], &r->steps[position + 1],
	        (r->count - position - 1) * sizeof *r->steps);
	r->count--;
	r->skipped++;
}

static void add_skips(struct builder *b)
{
	size_t skippable = 0;
	for (size_t i = 0; i < b->routes[0].count; i++) {
		const struct procedure_step *step = &b->p->steps[b->routes[0].steps[i]];
		if (step->otherwise != PROCEDURE_ELSE_SKIP)
			continue;
		skippable++;
		struct procedure_route *r =
		        route_add(b, &b->routes[0], arena_printf(b->arena, "without %s", step->id));
		if (r == NULL)
			return;
		remove_step(r, i);
	}
	if (skippable < 2)
		return;
	struct procedure_route *r =
	        route_add(b, &b->routes[0], "without any step that can be skipped");
	for (size_t i = r != NULL ? r->count : 0; i-- > 0;)
		if (b->p->steps[r->steps[i]].otherwise == PROCEDURE_ELSE_SKIP)
			remove_step(r, i);
}

enum result procedure_routes(struct arena *arena, const struct procedure *procedure,
        const struct procedure_route **routes, size_t *count, struct error *err)
{
	struct builder b = {.arena = arena, .p = procedure};
	b.routes = arena_array(arena, PROCEDURE_MAX_ROUTES, sizeof *b.routes);
	if (b.routes == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for the ways through a procedure");
	struct procedure_route *main = &b.routes[b.count++];
	main->label = "";
	append_line(main, &procedure->lines[0]);
	take_expect(main, &procedure->lines[0]);
	add_branches(&b, 0, 0);
	add_skips(&b);
	if (b.full)
		return error_set(err, RESULT_LIMIT,
		        "%s: more than %d ways through the procedure; fewer branches, please",
		        procedure->file, PROCEDURE_MAX_ROUTES);
	*routes = b.routes;
	*count = b.count;
	return RESULT_OK;
}
