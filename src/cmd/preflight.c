// baton preflight: the technical checks of a delegation, present or future.
#include "cmd/preflight.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/yaml.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "observe/discover.h"

static const char about[] =
        "Asks every address of every name server of a zone, and says what a registry would refuse, "
        "and why: whether\n"
        "the servers can be reached, serve the same zone with authority, are where the delegation "
        "says, and whether\n"
        "the zone validates with the DS set. With --ns and --ds it judges a delegation that is "
        "still to come.";

static const char more[] =
        "examples:\n"
        "  baton preflight example.net\n"
        "  baton preflight example.net --ns ns1.example.org --ns "
        "ns2.example.net=192.0.2.1,2001:db8::1 \\\n"
        "      --ds \"12345 13 2 49FD…\" --networks networks.txt\n\n"
        "exit status:\n"
        "  0  nothing fails that is not waived\n"
        "  1  something fails\n"
        "  2  the options cannot be used, or there is no delegation to be judged";

enum { RESOLV_CONF_MAX = 64 << 10, LIST_MAX = 64 };

struct waiver {
	const struct technical_check *check;
	const char *reason;
};

struct preflight {
	const char *zone;
	const char *ns[TECHNICAL_MAX_SERVERS], *ds[TECHNICAL_MAX_DS],
	        *resolvers[TECHNICAL_MAX_RESOLVERS], *parents[TECHNICAL_MAX_PARENTS],
	        *only[LIST_MAX], *waive[LIST_MAX];
	size_t ns_count, ds_count, resolver_count, parent_count, only_count, waive_count;
	const char *networks, *prohibited, *head_room, *tolerance;
	bool json, no_ds;

	struct arena *arena;
	struct technical_options options;
	struct technical_rules rules;
	struct waiver waivers[LIST_MAX];
	bool wanted[LIST_MAX]; // by the place in the table of checks
	const struct technical_facts *facts;
};

// ---- Words of the command line --------------------------------------------------------------

static enum result no_memory(struct error *err)
{
	return error_set(err, RESULT_MEMORY, "out of memory");
}

// The piece before the next comma; *text goes on behind it.
static char *next_piece(struct arena *arena, const char **text)
{
	size_t n = strcspn(*text, ",");
	char *piece = arena_strndup(arena, *text, n);
	*text += n + ((*text)[n] == ',');
	return piece;
}

// "NAME" or "NAME=ADDRESS,ADDRESS".
static enum result read_ns(
        struct preflight *p, const char *word, struct technical_given *given, struct error *err)
{
	size_t n = strcspn(word, "=");
	struct address *list = arena_array(p->arena, TECHNICAL_MAX_ADDRESSES, sizeof *list);
	struct error inner = {0};
	struct dns_name name;
	given->name = arena_strndup(p->arena, word, n);
	given->addresses = list;
	if (given->name == NULL || list == NULL)
		return no_memory(err);
	if (dns_name_parse(given->name, &name, &inner) != RESULT_OK)
		return error_set(err, RESULT_INPUT, "--ns '%.80s': %s", word, inner.text);
	const char *rest = word[n] == '=' ? word + n + 1 : "";
	if (word[n] == '=' && *rest == '\0')
		return error_set(err, RESULT_INPUT,
		        "--ns '%.80s': expected an address behind the '='", word);
	while (*rest != '\0') {
		const char *piece = next_piece(p->arena, &rest);
		if (piece == NULL)
			return no_memory(err);
		if (given->address_count == TECHNICAL_MAX_ADDRESSES)
			return error_set(err, RESULT_INPUT, "--ns '%.80s': more than %d addresses",
			        word, TECHNICAL_MAX_ADDRESSES);
		if (address_parse(piece, 53, &list[given->address_count++], &inner) != RESULT_OK)
			return error_set(err, RESULT_INPUT, "--ns '%.80s': %s", word, inner.text);
	}
	return RESULT_OK;
}

static enum result read_delegation(struct preflight *p, struct error *err)
{
	struct technical_given *given = arena_array(p->arena, p->ns_count, sizeof *given);
	struct dns_ds *ds = arena_array(p->arena, p->ds_count, sizeof *ds);
	enum result result = given != NULL && ds != NULL ? RESULT_OK : no_memory(err);
	for (size_t i = 0; result == RESULT_OK && i < p->ns_count; i++)
		result = read_ns(p, p->ns[i], &given[i], err);
	for (size_t i = 0; result == RESULT_OK && i < p->ds_count; i++) {
		result = dns_ds_parse(p->ds[i], &ds[i], err);
		if (result != RESULT_OK)
			error_prefix(err, "--ds '%.80s': ", p->ds[i]);
	}
	p->options.servers = given;
	p->options.server_count = p->ns_count;
	p->options.ds = ds;
	p->options.ds_count = p->ds_count;
	p->options.no_ds = p->no_ds;
	return result;
}

static enum result read_addresses(struct arena *arena, const char *option, const char **words,
        size_t count, const struct address **list, struct error *err)
{
	struct address *made = arena_array(arena, count, sizeof *made);
	struct error inner = {0};
	if (made == NULL)
		return no_memory(err);
	for (size_t i = 0; i < count; i++)
		if (address_parse(words[i], 53, &made[i], &inner) != RESULT_OK)
			return error_set(err, RESULT_INPUT, "%s: %s", option, inner.text);
	*list = made;
	return RESULT_OK;
}

static enum result read_helpers(struct preflight *p, struct error *err)
{
	enum result result = read_addresses(p->arena, "--resolver", p->resolvers, p->resolver_count,
	        &p->options.resolvers, err);
	if (result == RESULT_OK)
		result = read_addresses(p->arena, "--parent", p->parents, p->parent_count,
		        &p->options.parents, err);
	p->options.resolver_count = p->resolver_count;
	p->options.parent_count = p->parent_count;
	return result;
}

// Where no resolver is given, those of the machine; none is no error as long as nobody needs one.
static enum result find_resolvers(struct preflight *p, struct error *err)
{
	struct address *found = arena_array(p->arena, DISCOVER_MAX_RESOLVERS, sizeof *found);
	char *text;
	size_t length;
	if (found == NULL)
		return no_memory(err);
	if (p->resolver_count == 0 && file_read(p->arena, "/etc/resolv.conf", RESOLV_CONF_MAX,
	                                      &text, &length, NULL) == RESULT_OK) {
		p->options.resolvers = found;
		p->options.resolver_count = discover_resolvers(text, found, DISCOVER_MAX_RESOLVERS);
	}
	if (p->options.resolver_count == 0 && p->parent_count == 0 && p->ns_count == 0)
		return error_set(err, RESULT_INPUT,
		        "no resolver is known to find the delegation with: give one with "
		        "--resolver, or the name servers with --ns");
	return RESULT_OK;
}

static enum result check_named(const char *option, const char *name,
        const struct technical_check **check, struct error *err)
{
	const char *names[LIST_MAX + 1] = {0};
	*check = technical_check_find(name);
	if (*check != NULL)
		return RESULT_OK;
	for (size_t i = 0; i < technical_check_count; i++)
		names[i] = technical_checks[i].name;
	const char *nearest = yaml_nearest(name, names);
	if (nearest != NULL)
		return error_set(err, RESULT_INPUT,
		        "%s: there is no check '%.60s', did you mean '%s'?", option, name, nearest);
	return error_set(err, RESULT_INPUT,
	        "%s: there is no check '%.60s'; baton-preflight(1) lists them", option, name);
}

static enum result read_only(struct preflight *p, struct error *err)
{
	const struct technical_check *check;
	for (size_t i = 0; i < technical_check_count; i++)
		p->wanted[i] = p->only_count == 0;
	for (size_t i = 0; i < p->only_count; i++) {
		const char *rest = p->only[i];
		do {
			const char *piece = next_piece(p->arena, &rest);
			if (piece == NULL)
				return no_memory(err);
			if (check_named("--only", piece, &check, err) != RESULT_OK)
				return err->code;
			p->wanted[check - technical_checks] = true;
		} while (*rest != '\0');
	}
	return RESULT_OK;
}

// "CHECK=REASON": a waiver is somebody's word, so there has to be one.
static enum result read_waiver(
        struct preflight *p, const char *word, struct waiver *waiver, struct error *err)
{
	size_t n = strcspn(word, "=");
	const char *name = arena_strndup(p->arena, word, n);
	const char *reason = word[n] == '=' ? word + n + 1 : "";
	if (name == NULL)
		return no_memory(err);
	if (check_named("--waive", name, &waiver->check, err) != RESULT_OK)
		return err->code;
	if (reason[strspn(reason, " \t")] == '\0')
		return error_set(err, RESULT_INPUT,
		        "--waive '%.80s': expected CHECK=REASON, with a reason", word);
	for (const char *c = reason; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return error_set(err, RESULT_INPUT,
			        "--waive '%.80s': a control character in the reason", word);
	waiver->reason = reason;
	return RESULT_OK;
}

static enum result read_rules(struct preflight *p, struct error *err)
{
	int64_t head_room_ms = 7 * DAY_MS;
	unsigned long tolerance = 100;
	char *end = NULL;
	if (p->head_room != NULL && duration_parse(p->head_room, &head_room_ms, err) != RESULT_OK) {
		error_prefix(err, "--head-room: ");
		return err->code;
	}
	if (p->tolerance != NULL) {
		size_t n = strspn(p->tolerance, "0123456789");
		tolerance = strtoul(p->tolerance, &end, 10);
		if (n == 0 || n > 10 || p->tolerance[n] != '\0' || tolerance > INT32_MAX)
			return error_set(err, RESULT_INPUT,
			        "--serial-tolerance '%.40s': expected a number up to %d",
			        p->tolerance, INT32_MAX);
	}
	p->rules.head_room_s = head_room_ms / SECOND_MS;
	p->rules.serial_tolerance = (uint32_t)tolerance;
	return technical_rules_load(p->arena, p->networks, p->prohibited, &p->rules, err);
}

static enum result read_words(struct preflight *p, struct error *err)
{
	struct dns_name zone;
	enum result result = dns_name_parse(p->zone, &zone, err);
	if (result == RESULT_OK)
		result = read_delegation(p, err);
	if (result == RESULT_OK)
		result = read_helpers(p, err);
	if (result == RESULT_OK)
		result = read_only(p, err);
	for (size_t i = 0; result == RESULT_OK && i < p->waive_count; i++)
		result = read_waiver(p, p->waive[i], &p->waivers[i], err);
	if (result == RESULT_OK)
		result = read_rules(p, err);
	if (result == RESULT_OK)
		result = find_resolvers(p, err);
	return result;
}

// ---- Judgement ------------------------------------------------------------------------------

static const char *waiver_of(const struct preflight *p, const struct technical_check *check)
{
	for (size_t i = 0; i < p->waive_count; i++)
		if (p->waivers[i].check == check)
			return p->waivers[i].reason;
	return NULL;
}

static enum result show(const struct preflight *p, const struct technical_result *results,
        size_t count, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < p->facts->note_count; i++)
		fprintf(stderr, "baton: note: %s\n", p->facts->notes[i]);
	if (!p->json)
		preflight_begin(p->facts);
	for (size_t i = 0; result == RESULT_OK && i < count; i++) {
		if (p->json)
			result = preflight_json(&results[i], err);
		else
			preflight_text(&results[i]);
	}
	if (!p->json)
		preflight_end(results, count);
	return result;
}

static enum result judge(const struct preflight *p, bool *fails, struct error *err)
{
	struct technical_result results[LIST_MAX];
	size_t count = 0;
	*fails = false;
	for (size_t i = 0; i < technical_check_count; i++) {
		const struct technical_check *check = &technical_checks[i];
		if (!p->wanted[i])
			continue;
		enum result result = technical_judge(p->arena, check, p->facts, &p->rules,
		        waiver_of(p, check), &results[count], err);
		if (result != RESULT_OK)
			return result;
		*fails |= results[count++].verdict == TECHNICAL_FAIL;
	}
	return show(p, results, count, err);
}

// ---- The run --------------------------------------------------------------------------------

static void gathered(void *ctx, const struct technical_facts *facts)
{
	struct preflight *p = ctx;
	p->facts = facts;
}

static enum result judge_what_came(const struct preflight *p, bool *fails, struct error *err)
{
	if (p->facts == NULL)
		return error_set(err, RESULT_NETWORK, "the questions did not come to an end");
	if (p->facts->server_count == 0)
		return error_set(err, RESULT_NOT_FOUND, "no delegation of %.200s was found%s%s",
		        p->zone, p->facts->note_count > 0 ? ": " : "",
		        p->facts->note_count > 0 ? p->facts->notes[0] : "");
	return judge(p, fails, err);
}

static enum result run(struct preflight *p, bool *fails, struct error *err)
{
	struct loop *loop = NULL;
	struct query_engine *engine = NULL;
	struct technical_gather *gather = NULL;
	struct random random = random_system();
	signal(SIGPIPE, SIG_IGN);
	enum result result = loop_new(&loop, err);
	if (result == RESULT_OK)
		result = query_engine_new(loop, &random, NULL, &engine, err);
	if (result == RESULT_OK)
		result = technical_gather_start(
		        loop, engine, &random, p->zone, &p->options, gathered, p, &gather, err);
	if (result == RESULT_OK) {
		loop_run(loop, TIME_NEVER_MS);
		result = judge_what_came(p, fails, err);
	}
	technical_gather_free(gather);
	query_engine_free(engine);
	loop_free(loop);
	return result;
}

static int preflight(struct preflight *p)
{
	struct error err = {0};
	bool fails = false;
	if ((p->arena = arena_new(PREFIX_TABLE_ARENA)) == NULL)
		return usage_error("out of memory");
	enum result result = read_words(p, &err);
	if (result == RESULT_OK)
		result = run(p, &fails, &err);
	arena_free(p->arena);
	if (result != RESULT_OK)
		return usage_error("%s", err.text);
	return output_end(fails ? EXIT_NO : EXIT_SAFE);
}

int cmd_preflight(int argc, char **argv)
{
	struct preflight p = {0};
	const struct option_spec specs[] = {
	        {"--ns", "NAME[=ADDRESS,...]",
	                "a name server of the delegation to come, with its glue; default: the\n"
	                "                           parent's",
	                .list = p.ns, .list_max = TECHNICAL_MAX_SERVERS, .list_count = &p.ns_count},
	        {"--ds", "RECORD",
	                "a DS record to come, 'TAG ALGORITHM TYPE DIGEST'; default: the parent's",
	                .list = p.ds, .list_max = TECHNICAL_MAX_DS, .list_count = &p.ds_count},
	        {"--no-ds", NULL, "the delegation to come has no DS record", .flag = &p.no_ds},
	        {"--resolver", "ADDRESS",
	                "who helps to find parent and addresses; default: those of\n"
	                "                           /etc/resolv.conf",
	                .list = p.resolvers, .list_max = TECHNICAL_MAX_RESOLVERS,
	                .list_count = &p.resolver_count},
	        {"--parent", "ADDRESS", "an address of the parent's servers; default: found",
	                .list = p.parents, .list_max = TECHNICAL_MAX_PARENTS,
	                .list_count = &p.parent_count},
	        {"--networks", "FILE", "which prefix is in which network: lines PREFIX NETWORK",
	                .text = &p.networks},
	        {"--prohibited", "FILE",
	                "prefixes without name servers; default: special-purpose networks",
	                .text = &p.prohibited},
	        {"--only", "CHECK,...", "these checks only", .list = p.only, .list_max = LIST_MAX,
	                .list_count = &p.only_count},
	        {"--waive", "CHECK=REASON", "accept that a check fails, and say why",
	                .list = p.waive, .list_max = LIST_MAX, .list_count = &p.waive_count},
	        {"--head-room", "TIME", "that long signatures must be valid still; default 7d",
	                .text = &p.head_room},
	        {"--serial-tolerance", "N", "so far apart serial numbers may be; default 100",
	                .text = &p.tolerance},
	        {"--json", NULL, "print one JSON object a check", .flag = &p.json},
	        {0},
	};
	const struct command_help help = {"baton preflight [OPTION…] ZONE", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("preflight: expected one zone; --help explains");
	if (p.no_ds && p.ds_count > 0)
		return usage_error("preflight: --ds and --no-ds exclude each other");
	p.zone = argv[0];
	return preflight(&p);
}
