// baton plan: a procedure as a calendar.
#include <stdio.h>
#include <string.h>

#include "change/library.h"
#include "cmd/commands.h"
#include "cmd/observe_zone.h"
#include "cmd/options.h"
#include "cmd/scenario_options.h"
#include "procedure/render.h"

enum { OUTPUT_MAX = 64 << 20 };

static const char about[] = "Turns a procedure and a zone's TTLs into an ordered calendar: when "
                            "each step may happen, who acts, what it\n"
                            "waits for (the cached record that makes it wait), what can be undone "
                            "and until when. PROCEDURE is a file,\n"
                            "an overlay over one, or the name of one in the library "
                            "(operator-change).";

static const char more[] =
        "TTLs and lags that are not given are those that the zone is observed to have (with "
        "--zone), those that the\n"
        "procedure assumes, or ds 1d, parent-ns 2d, child-ns 1d, dnskey 2d, data 3d, lags 6h.\n\n"
        "exit status:\n"
        "  0  every step has its instant, and the plan is safe, or insecure where the procedure\n"
        "     expects it\n"
        "  1  it is not: some step is never safe or comes too early, as in a published text with\n"
        "     waits of its own; one sentence says why, on standard error where the output is not "
        "text\n"
        "  2  unusable input\n\n"
        "examples:\n"
        "  baton plan operator-change --ttl ds=1d,parent-ns=2d,child-ns=1h,dnskey=1h,data=1d --lag "
        "parent=1h\n"
        "  baton plan operator-change --zone example.net --start 2027-03-01T08:00:00Z --ics > "
        "move.ics";

struct plan_options {
	bool json, ics, svg;
	const char *ttls, *lags, *start, *branch;
	struct zone_who who;
};

static enum result load_procedure(
        struct arena *arena, const char *name, const struct procedure **p, struct error *err)
{
	const struct yaml_node *root;
	const char *path;
	enum result result = library_path(arena, name, &path, err);
	if (result == RESULT_OK)
		result = library_read(arena, path, &root, err);
	return result == RESULT_OK ? procedure_from_yaml(arena, root, p, err) : result;
}

// Which TTLs the options name, and whether the options can be read, before anything is observed.
static enum result find_given(const struct procedure *p, const struct plan_options *o,
        bool given[PROCEDURE_TTLS], struct error *err)
{
	static struct scenario probe;
	scenario_init(&probe, p);
	for (int i = 0; i <= PROCEDURE_MAX_PARTIES; i++)
		for (int kind = 0; kind < PROCEDURE_TTLS; kind++)
			probe.ttl_ms[i][kind] = -1;
	enum result result = scenario_take_options(&probe, p, o->ttls, o->lags, err);
	for (int kind = 0; kind < PROCEDURE_TTLS; kind++)
		given[kind] = probe.ttl_ms[0][kind] >= 0 || probe.ttl_ms[1][kind] >= 0;
	return result;
}

static enum result fill_scenario(const struct procedure *p, const struct plan_options *o,
        struct scenario *s, struct error *err)
{
	scenario_init(s, p);
	bool given[PROCEDURE_TTLS];
	enum result result = find_given(p, o, given, err);
	if (result == RESULT_OK && o->who.zone != NULL)
		result = observe_zone_ttls(&o->who, s, given, err);
	if (result == RESULT_OK)
		result = scenario_take_options(s, p, o->ttls, o->lags, err);
	bool needs_date = o->start != NULL || o->ics || o->who.zone != NULL;
	if (result == RESULT_OK && needs_date) {
		struct clock clock = clock_system();
		s->relative = false;
		s->start_ms = clock_now_ms(&clock) / SECOND_MS * SECOND_MS;
		if (o->start != NULL)
			result = time_parse(o->start, &s->start_ms, err);
		if (result != RESULT_OK)
			error_prefix(err, "--start: ");
	}
	return result;
}

static bool leads_into(
        const struct procedure *p, const struct procedure_route *route, const char *branch)
{
	for (size_t i = 0; i < route->turns; i++)
		if (route->turn[i] < route->count) {
			const struct procedure_step *first =
			        &p->steps[route->steps[route->turn[i]]];
			if (strcmp(p->lines[first->line_of].id, branch) == 0)
				return true;
		}
	return false;
}

static enum result find_route(struct arena *arena, const struct procedure *p, const char *branch,
        const struct procedure_route **route, struct error *err)
{
	const struct procedure_route *routes;
	size_t count;
	*route = NULL;
	if (branch == NULL)
		return RESULT_OK;
	enum result result = procedure_routes(arena, p, &routes, &count, err);
	for (size_t i = 0; result == RESULT_OK && i < count; i++)
		if (leads_into(p, &routes[i], branch)) {
			*route = &routes[i];
			return RESULT_OK;
		}
	return result != RESULT_OK ? result
	                           : error_set(err, RESULT_NOT_FOUND,
	                                     "procedure '%s' has no branch '%s'", p->id, branch);
}

static enum result write_plan(const struct plan *plan, const struct plan_options *o,
        struct buffer *out, struct error *err)
{
	struct clock clock = clock_system();
	struct render_context context = {
	        .zone = o->who.zone != NULL ? o->who.zone : "", .stamp_ms = clock_now_ms(&clock)};
	enum result result = RESULT_OK;
	if (o->json)
		result = plan_write_json(plan, &context, out, err);
	else if (o->ics)
		result = plan_write_ics(plan, &context, out, err);
	else if (o->svg)
		plan_write_svg(plan, &context, out);
	else
		plan_write_text(plan, &context, out);
	return result == RESULT_OK && out->failed
	               ? error_set(err, RESULT_LIMIT, "the plan is too large to print")
	               : result;
}

// The text says it itself; a program, a calendar or a picture leaves it to standard error.
static void say_objection(const struct plan *plan, const struct plan_options *o)
{
	if (plan->objection != NULL && (o->json || o->ics || o->svg))
		fprintf(stderr, "baton: %s: this plan is not safe: %s\n", plan->procedure->id,
		        plan->objection);
}

static enum result make_plan(struct arena *arena, const char *name, const struct plan_options *o,
        bool *ok, struct error *err)
{
	const struct procedure *p;
	const struct procedure_route *route = NULL;
	static struct scenario s;
	struct plan *plan;
	enum result result = load_procedure(arena, name, &p, err);
	if (result == RESULT_OK)
		result = find_route(arena, p, o->branch, &route, err);
	if (result == RESULT_OK)
		result = fill_scenario(p, o, &s, err);
	if (result == RESULT_OK)
		result = plan_make(arena, p, &s, route, &plan, err);
	if (result != RESULT_OK)
		return result;
	struct buffer out = buffer_init(OUTPUT_MAX);
	result = plan_judge_undo(arena, plan, err);
	if (result == RESULT_OK)
		result = write_plan(plan, o, &out, err);
	if (result == RESULT_OK) {
		fwrite(out.data, 1, out.length, stdout);
		say_objection(plan, o);
		*ok = plan->objection == NULL;
	}
	buffer_free(&out);
	plan_free(plan);
	return result;
}

int cmd_plan(int argc, char **argv)
{
	struct plan_options o = {0};
	const struct option_spec specs[] = {
	        {"--ttl", "LIST", "ds=1d,ds-none=1h,parent-ns=2d,child-ns=1h,dnskey=1h,data=1d",
	                .text = &o.ttls},
	        {"--lag", "LIST",
	                "propagation to all addresses: parent=6h,child=10m, or a party's name",
	                .text = &o.lags},
	        {"--zone", "ZONE", "observe this zone's TTLs now", .text = &o.who.zone},
	        {"--server", "NAME=ADDRESS", "with --zone: as for `baton watch`",
	                .list = o.who.servers, .list_max = ZONE_MAX_SERVERS,
	                .list_count = &o.who.server_count},
	        {"--resolver", "ADDRESS", "with --zone: as for `baton watch`",
	                .list = o.who.resolvers, .list_max = DISCOVER_MAX_RESOLVERS,
	                .list_count = &o.who.resolver_count},
	        {"--start", "TIME",
	                "when it begins, 2027-03-01T08:00:00Z; default now, or 0s without a date",
	                .text = &o.start},
	        {"--branch", "ID", "the way through this branch, from its party's deadline on",
	                .text = &o.branch},
	        {"--json", NULL, "print JSON", .flag = &o.json},
	        {"--ics", NULL, "print iCalendar", .flag = &o.ics},
	        {"--svg", NULL, "print a picture", .flag = &o.svg},
	        {0},
	};
	const struct command_help help = {"baton plan [OPTION…] PROCEDURE", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("plan: expected one procedure; --help explains");
	if (o.who.zone == NULL && o.who.server_count + o.who.resolver_count > 0)
		return usage_error("--server and --resolver are for --zone, which is not given");
	if (o.json + o.ics + o.svg > 1)
		return usage_error("--json, --ics and --svg are three forms of one output, "
		                   "expected one of them");
	struct arena *arena = arena_new(256u << 20);
	struct error err = {0};
	bool ok = false;
	enum result result = arena == NULL ? error_set(&err, RESULT_MEMORY, "out of memory")
	                                   : make_plan(arena, argv[0], &o, &ok, &err);
	arena_free(arena);
	if (result != RESULT_OK)
		return usage_error("%s", err.text);
	return output_end(ok ? EXIT_SAFE : EXIT_NO);
}
