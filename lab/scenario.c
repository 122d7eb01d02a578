// Reading scenario files.
#include "scenario.h"

#include "shape.h"
#include "signer.h"

#include "base/clock.h"
#include "base/file.h"

#include <string.h>

static const char *const resolver_word[LAB_RESOLVERS + 1] = {
        "unbound", "bind", "kresd", "forwarded", NULL};

static int scenario_word(const char *text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

static enum result scenario_ttl(
        const struct yaml_node *node, struct scenario *scenario, struct error *err)
{
	const char *words[LAB_TTL_COUNT + 1] = {NULL};
	for (int i = 0; i < LAB_TTL_COUNT; i++)
		words[i] = lab_ttl_word((enum lab_ttl)i);
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_known_keys(node, "ttl", words, err);
	for (int i = 0; i < LAB_TTL_COUNT && result == RESULT_OK; i++) {
		int64_t ms;
		const struct yaml_node *value = yaml_get(node, words[i]);
		if (value == NULL)
			continue;
		result = yaml_duration(value, words[i], &ms, err);
		if (result == RESULT_OK && (ms % SECOND_MS != 0 || ms > LAB_TTL_MAX_S * SECOND_MS))
			result = yaml_error(
			        value, err, "a TTL is a whole number of seconds up to 1d");
		if (result == RESULT_OK)
			scenario->ttl_s[i] = (uint32_t)(ms / SECOND_MS);
	}
	return result;
}

static enum result scenario_shape(
        const struct yaml_node *node, struct scenario *scenario, struct error *err)
{
	const char *text;
	enum result result = yaml_text(node, "shape", &text, err);
	if (result != RESULT_OK)
		return result;
	scenario->shape = shape_find(text);
	return scenario->shape != NULL ? RESULT_OK
	                               : yaml_error(node, err, "no lab has the shape '%s'", text);
}

static enum result scenario_answers(const struct yaml_node *node, bool *minimal, struct error *err)
{
	static const char *const words[] = {"full", "minimal", NULL};
	const char *text;
	enum result result = yaml_text(node, "answers", &text, err);
	if (result != RESULT_OK)
		return result;
	int index = scenario_word(text, words);
	if (index < 0)
		return yaml_error(node, err, "expected 'full' or 'minimal'");
	*minimal = index == 1;
	return RESULT_OK;
}

void scenario_lab_options(const struct scenario *scenario, struct lab_options *options)
{
	memcpy(options->ttl_s, scenario->ttl_s, sizeof(options->ttl_s));
	options->minimal_answers = scenario->minimal_answers;
	options->names = (unsigned)scenario->names;
	memcpy(options->signer, scenario->signer, sizeof(options->signer));
	options->shape = scenario->shape->name;
	options->follow_anchors = scenario->follow_anchors;
}

static enum result scenario_anchors(
        const struct yaml_node *node, struct scenario *scenario, struct error *err)
{
	bool *follow = &scenario->follow_anchors;
	static const char *const words[] = {"fixed", "followed", NULL};
	const char *text;
	enum result result = yaml_text(node, "anchors", &text, err);
	if (result != RESULT_OK)
		return result;
	int word = scenario_word(text, words);
	if (word < 0)
		return yaml_error(node, err, "unknown word '%s', expected fixed or followed", text);
	*follow = word == 1;
	return !*follow || scenario->shape == shape_find(NULL)
	               ? RESULT_OK
	               : yaml_error(node, err, "anchors are followed in a lab of the usual shape");
}

static enum result scenario_probe(
        const struct yaml_node *node, struct prober_options *options, struct error *err)
{
	static const char *const words[] = {"rate", "timeout", NULL};
	int64_t value;
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_known_keys(node, "probe", words, err);
	if (result == RESULT_OK && yaml_get(node, "rate") != NULL) {
		result = yaml_integer(yaml_get(node, "rate"), "rate", 1, 500, &value, err);
		if (result == RESULT_OK)
			options->rate = (unsigned)value;
	}
	if (result == RESULT_OK && yaml_get(node, "timeout") != NULL) {
		result = yaml_duration(yaml_get(node, "timeout"), "timeout", &value, err);
		if (result == RESULT_OK && (value < 100 || value > MINUTE_MS))
			result = yaml_error(yaml_get(node, "timeout"), err,
			        "a timeout is between 100ms and 1m");
		if (result == RESULT_OK)
			options->timeout_ms = value;
	}
	return result;
}

static enum result scenario_party(const struct yaml_node *node, const struct scenario *scenario,
        int *party, struct error *err)
{
	const char *text, *words[LAB_PARTIES + 1] = {NULL};
	enum result result = yaml_text(node, "party", &text, err);
	if (result != RESULT_OK)
		return result;
	for (int i = 0; i < LAB_PARTIES; i++)
		words[i] = scenario->shape->plan.party[i].id;
	*party = scenario_word(text, words);
	if (*party < 0)
		return yaml_error(node, err, "unknown party '%s', expected %s, %s or %s", text,
		        words[0], words[1], words[2]);
	return RESULT_OK;
}

static enum result scenario_one_of(const struct yaml_node *node, const char *what,
        const char *const *words, const char **text, struct error *err)
{
	enum result result = yaml_text(node, what, text, err);
	if (result == RESULT_OK && scenario_word(*text, words) < 0)
		return yaml_error(node, err, "unknown %s '%s'", what, *text);
	return result;
}

// A signer's name, or a mapping with what else is to be of it.
static enum result scenario_signer(
        const struct yaml_node *node, struct lab_signer *signer, struct error *err)
{
	static const char *const words[] = {"software", "keys", "new-algorithm", NULL};
	static const char *const keys[] = {"split", "single", NULL};
	static const char *const algorithms[] = {
	        "rsasha256", "ecdsap256sha256", "ecdsap384sha384", "ed25519", NULL};
	const struct yaml_node *software = node, *value;
	const char *text;
	enum result result = RESULT_OK;
	if (node->kind == YAML_MAP) {
		result = yaml_known_keys(node, "signer", words, err);
		software = yaml_get(node, "software");
	}
	if (result == RESULT_OK && software != NULL) {
		result = yaml_text(software, "signer", &signer->software, err);
		if (result == RESULT_OK && signer_find(signer->software) == NULL)
			return yaml_error(software, err, "unknown signer '%s', expected %s",
			        signer->software, signer_names());
	}
	if (result != RESULT_OK || node->kind != YAML_MAP)
		return result;
	if ((value = yaml_get(node, "keys")) != NULL) {
		result = scenario_one_of(value, "keys", keys, &text, err);
		signer->single_key = result == RESULT_OK && strcmp(text, "single") == 0;
	}
	if (result == RESULT_OK && (value = yaml_get(node, "new-algorithm")) != NULL)
		result = scenario_one_of(
		        value, "new-algorithm", algorithms, &signer->new_algorithm, err);
	return result;
}

static enum result scenario_signers(
        const struct yaml_node *map, struct scenario *scenario, struct error *err)
{
	static const char *const words[] = {"losing", "gaining", NULL};
	enum result result = yaml_known_keys(map, "signers", words, err);
	if (result == RESULT_OK && !scenario->shape->any_signer)
		result = yaml_error(map, err, "a lab of the shape '%s' has signers of its own",
		        scenario->shape->name);
	for (size_t i = 0; i < map->count && result == RESULT_OK; i++) {
		int party;
		result = scenario_party(map->keys[i], scenario, &party, err);
		if (result == RESULT_OK)
			result = scenario_signer(map->items[i], &scenario->signer[party], err);
	}
	return result;
}

static enum result scenario_required(
        const struct yaml_node *map, const char *key, const char **text, struct error *err)
{
	const struct yaml_node *node = yaml_get(map, key);
	if (node == NULL)
		return yaml_error(map, err, "'%s' is missing", key);
	return yaml_text(node, key, text, err);
}

static enum result scenario_within(const struct yaml_node *map, int64_t *time_ms, struct error *err)
{
	const struct yaml_node *node = yaml_get(map, "within");
	return node == NULL ? RESULT_OK : yaml_duration(node, "within", time_ms, err);
}

static enum result scenario_wait(
        const struct yaml_node *map, struct scenario_step *step, struct error *err)
{
	static const char *const words[] = {"at", "name", "type", "is", "gone", "within", NULL};
	struct lab_condition *condition = &step->condition;
	enum result result = yaml_known_keys(map, "wait", words, err);
	if (result == RESULT_OK)
		result = scenario_required(map, "at", &condition->address, err);
	if (result == RESULT_OK)
		result = scenario_required(map, "name", &condition->name, err);
	if (result == RESULT_OK)
		result = scenario_required(map, "type", &condition->type, err);
	if (result == RESULT_OK && yaml_get(map, "is") != NULL)
		result = scenario_required(map, "is", &condition->rdata, err);
	if (result == RESULT_OK && yaml_get(map, "gone") != NULL)
		result = yaml_bool(yaml_get(map, "gone"), "gone", &condition->absent, err);
	return result == RESULT_OK ? scenario_within(map, &step->time_ms, err) : result;
}

static enum result scenario_words(struct arena *arena, const struct yaml_node *list,
        struct scenario_step *step, struct error *err)
{
	enum result result = yaml_expect(list, "run", YAML_LIST, err);
	if (result != RESULT_OK)
		return result;
	if (list->count == 0 || list->count > SCENARIO_MAX_WORDS)
		return yaml_error(list, err, "expected 1 to %d words", SCENARIO_MAX_WORDS);
	step->words = arena_array(arena, list->count + 1, sizeof(*step->words));
	if (step->words == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	for (size_t i = 0; i < list->count && result == RESULT_OK; i++)
		result = yaml_text(list->items[i], "word", &step->words[i], err);
	return result;
}

static bool scenario_is_beside(const char *file)
{
	size_t length = strlen(file);
	return file[0] != '/' && strstr(file, "..") == NULL && length > 5 &&
	       strcmp(file + length - 5, ".yaml") == 0;
}

static enum result scenario_play(struct arena *arena, const struct yaml_node *value,
        struct scenario_step *step, struct error *err)
{
	const char *file;
	struct play *play;
	enum result result = yaml_text(value, "timeline", &file, err);
	if (result != RESULT_OK)
		return result;
	if (!scenario_is_beside(file))
		return yaml_error(
		        value, err, "expected a file in the folder of the scenario, NAME.yaml");
	const char *path = file_path_beside(arena, value->file, file);
	result = path != NULL ? play_load(arena, path, &play, err)
	                      : error_set(err, RESULT_MEMORY, "out of memory");
	if (result == RESULT_OK)
		step->play = play;
	else if (result == RESULT_SYSTEM || result == RESULT_NOT_FOUND)
		result = yaml_error(value, err, "cannot read the timeline '%.200s'", path);
	return result;
}

static enum result scenario_change(
        const struct yaml_node *map, struct scenario_step *step, struct error *err)
{
	enum result result = scenario_required(map, "change", &step->change, err);
	step->time_ms = 170 * SECOND_MS;
	if (result == RESULT_OK && strchr(step->change, '/') != NULL)
		return yaml_error(map, err, "expected the name of a change of lab/changes");
	const struct {
		const char *word, **to;
	} end[] = {{"undo-after", &step->undo_after}, {"refused", &step->refused},
	        {"missing", &step->missing}, {"stops-at", &step->stops_at}};
	size_t ends = 0;
	for (size_t i = 0; i < sizeof(end) / sizeof(end[0]); i++)
		if (result == RESULT_OK && yaml_get(map, end[i].word) != NULL) {
			result = scenario_required(map, end[i].word, end[i].to, err);
			ends++;
		}
	if (result == RESULT_OK && ends > 1)
		return yaml_error(map, err,
		        "'undo-after', 'refused', 'missing' and 'stops-at' exclude each other");
	if (result == RESULT_OK && yaml_get(map, "saying") != NULL)
		result = scenario_required(map, "saying", &step->saying, err);
	if (result == RESULT_OK && step->saying != NULL && step->stops_at == NULL)
		return yaml_error(map, err, "'saying' needs 'stops-at'");
	return result == RESULT_OK ? scenario_within(map, &step->time_ms, err) : result;
}

static enum result scenario_register(const struct yaml_node *node, const struct scenario *scenario,
        struct scenario_step *step, struct error *err)
{
	int64_t rate = 0;
	if (!scenario->shape->delegations)
		return yaml_error(node, err, "registrations need a lab of the shape 'tld'");
	if (node->kind == YAML_SCALAR && strcmp(node->text, "end") == 0)
		return RESULT_OK;
	enum result result = yaml_integer(node, "register", 1, REGISTRAR_RATE_MAX, &rate, err);
	step->rate = (unsigned)rate;
	return result;
}

static enum result scenario_step(struct arena *arena, const struct scenario *scenario,
        const struct yaml_node *map, struct scenario_step *step, struct error *err)
{
	static const char *const actions[] = {"sleep", "mark", "update", "wait", "run", "restart",
	        "play", "change", "register", NULL};
	static const char *const words[][8] = {{"sleep", NULL}, {"mark", NULL},
	        {"update", "script", NULL}, {"wait", NULL}, {"run", "within", NULL},
	        {"restart", NULL}, {"play", NULL},
	        {"change", "undo-after", "refused", "missing", "stops-at", "saying", "within",
	                NULL},
	        {"register", NULL}};
	enum result result = yaml_expect(map, "step", YAML_MAP, err);
	if (result != RESULT_OK)
		return result;
	int action = map->count > 0 ? scenario_word(map->keys[0]->text, actions) : -1;
	if (action < 0)
		return yaml_error(map, err,
		        "a step begins with sleep, mark, update, wait, run, restart, play, "
		        "change or register");
	result = yaml_known_keys(map, "step", words[action], err);
	if (result != RESULT_OK)
		return result;
	const struct yaml_node *value = map->items[0];
	*step = (struct scenario_step){.action = (enum scenario_action)action, .node = map};
	step->time_ms = 30 * SECOND_MS;
	switch (step->action) {
	case SCENARIO_SLEEP:
		return yaml_duration(value, "sleep", &step->time_ms, err);
	case SCENARIO_MARK:
		return yaml_text(value, "mark", &step->mark, err);
	case SCENARIO_RESTART:
		return yaml_text(value, "server", &step->server, err);
	case SCENARIO_UPDATE:
		result = scenario_party(value, scenario, &step->party, err);
		return result != RESULT_OK ? result
		                           : scenario_required(map, "script", &step->script, err);
	case SCENARIO_WAIT:
		return scenario_wait(value, step, err);
	case SCENARIO_RUN:
		result = scenario_words(arena, value, step, err);
		return result != RESULT_OK ? result : scenario_within(map, &step->time_ms, err);
	case SCENARIO_PLAY:
		return scenario_play(arena, value, step, err);
	case SCENARIO_CHANGE:
		return scenario_change(map, step, err);
	case SCENARIO_REGISTER:
		return scenario_register(value, scenario, step, err);
	}
	return RESULT_OK;
}

// The lab gets the TTLs of the timeline that it plays.
static enum result scenario_take_play(
        struct scenario *scenario, const struct scenario_step *step, struct error *err)
{
	if (scenario->play != NULL)
		return yaml_error(step->node, err, "only one timeline can be played");
	if (scenario->shape != shape_find(NULL))
		return yaml_error(
		        step->node, err, "timelines are played in a lab of the usual shape");
	scenario->play = step->play;
	if (step->play->of_root && !scenario->follow_anchors)
		return yaml_error(step->node, err,
		        "a timeline of the root needs 'anchors: followed' at the top");
	for (int i = 0; i < LAB_TTL_COUNT; i++)
		if (step->play->ttl_s[i] != 0)
			scenario->ttl_s[i] = step->play->ttl_s[i];
	return RESULT_OK;
}

static enum result scenario_steps(struct arena *arena, const struct yaml_node *list,
        struct scenario *scenario, struct error *err)
{
	size_t marks = 0;
	enum result result = yaml_expect(list, "steps", YAML_LIST, err);
	if (result == RESULT_OK && list->count > SCENARIO_MAX_STEPS)
		result = yaml_error(list, err, "more than %d steps", SCENARIO_MAX_STEPS);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		result = scenario_step(arena, scenario, list->items[i], &scenario->step[i], err);
		scenario->steps = i + 1;
		marks += scenario->step[i].action == SCENARIO_MARK ||
		         scenario->step[i].action == SCENARIO_PLAY;
		if (result == RESULT_OK && scenario->step[i].action == SCENARIO_PLAY)
			result = scenario_take_play(scenario, &scenario->step[i], err);
	}
	if (result == RESULT_OK && marks > SCENARIO_MAX_MARKS)
		result = yaml_error(list, err, "more than %d marks", SCENARIO_MAX_MARKS);
	return result;
}

static enum result scenario_resolver(const struct yaml_node *node, int *index, struct error *err)
{
	const char *text;
	enum result result = yaml_text(node, "validator", &text, err);
	if (result != RESULT_OK)
		return result;
	*index = scenario_word(text, resolver_word);
	return *index >= 0 ? RESULT_OK
	                   : yaml_error(node, err,
	                             "unknown validator '%s', expected unbound, bind, kresd or "
	                             "forwarded",
	                             text);
}

static enum result scenario_failing(
        const struct yaml_node *list, struct scenario_expect *expect, struct error *err)
{
	enum result result = yaml_expect(list, "failing", YAML_LIST, err);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		int index;
		result = scenario_resolver(list->items[i], &index, err);
		if (result == RESULT_OK)
			expect->failing[index] = expect->any_failing = true;
	}
	return result;
}

const struct play_forecast *scenario_forecast(const struct scenario *scenario, int resolver)
{
	bool forwarded = resolver == LAB_RESOLVERS - 1;
	return &scenario->play->forecast[forwarded ? SAFETY_FORWARDER : SAFETY_DIRECT];
}

// Nobody is left out for whom the model foretells failures, nobody is in for whom it does not.
static enum result scenario_check_predicted(
        const struct yaml_node *map, const struct scenario *scenario, struct error *err)
{
	for (int i = 0; i < LAB_RESOLVERS; i++) {
		bool named = scenario->expect.failing[i] || scenario->expect.recovering[i] != NULL;
		bool foretold = scenario_forecast(scenario, i)->word >= SAFETY_BOGUS;
		if (named != foretold)
			return yaml_error(map, err, "the model foretells %s for '%s'",
			        foretold ? "failures" : "no failure", resolver_word[i]);
		if (scenario->expect.failing[i] && scenario->expect.recovering[i] != NULL)
			return yaml_error(map, err, "'%s' is in both lists", resolver_word[i]);
	}
	return RESULT_OK;
}

static enum result scenario_predicted(
        const struct yaml_node *map, struct scenario *scenario, struct error *err)
{
	static const char *const words[] = {"failing", "may-recover", NULL};
	struct scenario_expect *expect = &scenario->expect;
	enum result result = yaml_known_keys(map, "predicted", words, err);
	if (result == RESULT_OK && scenario->play == NULL)
		result = yaml_error(map, err, "'predicted' needs a step 'play'");
	if (result == RESULT_OK && yaml_get(map, "failing") != NULL)
		result = scenario_failing(yaml_get(map, "failing"), expect, err);
	const struct yaml_node *excused = yaml_get(map, "may-recover");
	if (result == RESULT_OK && excused != NULL)
		result = yaml_expect(excused, "may-recover", YAML_MAP, err);
	for (size_t i = 0; excused != NULL && result == RESULT_OK && i < excused->count; i++) {
		int index;
		result = scenario_resolver(excused->keys[i], &index, err);
		if (result == RESULT_OK)
			result = yaml_text(
			        excused->items[i], "reason", &expect->recovering[index], err);
	}
	expect->predicted = true;
	return result == RESULT_OK ? scenario_check_predicted(map, scenario, err) : result;
}

static bool scenario_has_mark(const struct scenario *scenario, const char *name)
{
	for (size_t i = 0; i < scenario->steps; i++)
		if (scenario->step[i].action == SCENARIO_MARK &&
		        strcmp(scenario->step[i].mark, name) == 0)
			return true;
	return false;
}

// A mark that a step sets.
static enum result scenario_mark(const struct yaml_node *map, const char *key,
        const struct scenario *scenario, const char **mark, struct error *err)
{
	enum result result = scenario_required(map, key, mark, err);
	if (result == RESULT_OK && !scenario_has_mark(scenario, *mark))
		return yaml_error(yaml_get(map, key), err, "no step sets the mark '%s'", *mark);
	return result;
}

static enum result scenario_tolerate(
        const struct yaml_node *map, struct scenario *scenario, struct error *err)
{
	static const char *const words[] = {"failures", "from", "until", NULL};
	struct scenario_expect *expect = &scenario->expect;
	enum result result = yaml_known_keys(map, "tolerate", words, err);
	if (result == RESULT_OK && yaml_get(map, "failures") == NULL)
		return yaml_error(map, err, "'failures' is missing");
	if (result == RESULT_OK)
		result = yaml_integer(yaml_get(map, "failures"), "failures", 1, LAB_NAMES_MAX,
		        &expect->tolerate, err);
	if (result == RESULT_OK)
		result = scenario_mark(map, "from", scenario, &expect->from, err);
	if (result == RESULT_OK)
		result = scenario_mark(map, "until", scenario, &expect->until, err);
	if (result == RESULT_OK && !expect->every_secure)
		result = yaml_error(map, err, "'tolerate' needs 'every: secure'");
	return result;
}

static enum result scenario_expect(
        const struct yaml_node *map, struct scenario *scenario, struct error *err)
{
	static const char *const words[] = {"every", "insecure", "fresh", "registered", "tolerate",
	        "failing", "after", "within", "predicted", NULL};
	struct scenario_expect *expect = &scenario->expect;
	const char *every = NULL, *insecure = NULL;
	enum result result = yaml_known_keys(map, "expect", words, err);
	if (result == RESULT_OK && yaml_get(map, "every") != NULL)
		result = scenario_required(map, "every", &every, err);
	if (result == RESULT_OK && every != NULL && strcmp(every, "secure") != 0)
		result = yaml_error(yaml_get(map, "every"), err, "expected 'secure'");
	expect->every_secure = every != NULL;
	if (result == RESULT_OK && yaml_get(map, "insecure") != NULL)
		result = scenario_required(map, "insecure", &insecure, err);
	if (result == RESULT_OK && insecure != NULL && strcmp(insecure, "as-planned") != 0)
		result = yaml_error(yaml_get(map, "insecure"), err, "expected 'as-planned'");
	expect->insecure_as_planned = insecure != NULL;
	if (result == RESULT_OK && yaml_get(map, "fresh") != NULL)
		result = yaml_integer(
		        yaml_get(map, "fresh"), "fresh", 0, LAB_NAMES_MAX, &expect->fresh, err);
	if (result == RESULT_OK && yaml_get(map, "registered") != NULL)
		result = yaml_integer(yaml_get(map, "registered"), "registered", 1,
		        REGISTRAR_RATE_MAX, &expect->registered, err);
	if (result == RESULT_OK && yaml_get(map, "tolerate") != NULL)
		result = scenario_tolerate(yaml_get(map, "tolerate"), scenario, err);
	if (result == RESULT_OK && yaml_get(map, "failing") != NULL)
		result = scenario_failing(yaml_get(map, "failing"), expect, err);
	if (result == RESULT_OK && yaml_get(map, "predicted") != NULL) {
		if (expect->any_failing || expect->every_secure || expect->insecure_as_planned ||
		        yaml_get(map, "after") != NULL)
			return yaml_error(map, err,
			        "'predicted' stands without 'every', 'insecure', 'failing' and "
			        "'after'");
		return scenario_predicted(yaml_get(map, "predicted"), scenario, err);
	}
	if (result == RESULT_OK && yaml_get(map, "after") != NULL)
		result = scenario_mark(map, "after", scenario, &expect->after, err);
	if (result == RESULT_OK &&
	        expect->every_secure + expect->any_failing + expect->insecure_as_planned != 1)
		result = yaml_error(map, err,
		        "expected one of 'every: secure', 'insecure: as-planned' and 'failing'");
	if (result == RESULT_OK && yaml_get(map, "within") != NULL && expect->after == NULL)
		result = yaml_error(map, err, "'within' needs 'after'");
	return result == RESULT_OK ? scenario_within(map, &expect->within_ms, err) : result;
}

static enum result scenario_read(struct arena *arena, const struct yaml_node *root,
        struct scenario *scenario, struct error *err)
{
	static const char *const words[] = {"scenario", "about", "shape", "ttl", "names", "answers",
	        "anchors", "signers", "probe", "steps", "expect", NULL};
	enum result result = yaml_known_keys(root, "scenario", words, err);
	if (result == RESULT_OK)
		result = scenario_required(root, "scenario", &scenario->name, err);
	if (result == RESULT_OK)
		result = scenario_required(root, "about", &scenario->about, err);
	if (result == RESULT_OK && yaml_get(root, "shape") != NULL)
		result = scenario_shape(yaml_get(root, "shape"), scenario, err);
	if (result == RESULT_OK)
		result = scenario_ttl(yaml_get(root, "ttl"), scenario, err);
	if (result == RESULT_OK && yaml_get(root, "names") != NULL)
		result = yaml_integer(
		        yaml_get(root, "names"), "names", 1, LAB_NAMES_MAX, &scenario->names, err);
	if (result == RESULT_OK && yaml_get(root, "answers") != NULL)
		result = scenario_answers(
		        yaml_get(root, "answers"), &scenario->minimal_answers, err);
	if (result == RESULT_OK && yaml_get(root, "anchors") != NULL)
		result = scenario_anchors(yaml_get(root, "anchors"), scenario, err);
	if (result == RESULT_OK && yaml_get(root, "signers") != NULL)
		result = scenario_signers(yaml_get(root, "signers"), scenario, err);
	if (result == RESULT_OK)
		result = scenario_probe(yaml_get(root, "probe"), &scenario->prober, err);
	if (result == RESULT_OK && yaml_get(root, "steps") == NULL)
		result = yaml_error(root, err, "'steps' is missing");
	if (result == RESULT_OK)
		result = scenario_steps(arena, yaml_get(root, "steps"), scenario, err);
	if (result == RESULT_OK && yaml_get(root, "expect") == NULL)
		result = yaml_error(root, err, "'expect' is missing");
	return result == RESULT_OK ? scenario_expect(yaml_get(root, "expect"), scenario, err)
	                           : result;
}

enum result scenario_parse(struct arena *arena, const char *file, const char *data, size_t length,
        struct scenario **out, struct error *err)
{
	const struct yaml_node *root;
	struct lab_options defaults = lab_options_default();
	struct scenario *scenario = arena_alloc(arena, sizeof(*scenario));
	if (scenario == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	scenario->file = file;
	scenario->shape = shape_find(NULL);
	scenario->prober = prober_options_default();
	memcpy(scenario->ttl_s, defaults.ttl_s, sizeof(scenario->ttl_s));
	enum result result = yaml_parse(arena, file, data, length, &root, err);
	if (result == RESULT_OK)
		result = scenario_read(arena, root, scenario, err);
	if (result == RESULT_OK)
		*out = scenario;
	return result;
}

enum result scenario_load(
        struct arena *arena, const char *path, struct scenario **out, struct error *err)
{
	char *data;
	size_t length;
	enum result result = file_read(arena, path, YAML_MAX_OCTETS, &data, &length, err);
	return result == RESULT_OK ? scenario_parse(arena, path, data, length, out, err) : result;
}
