// What a procedure is planned for: TTLs, lags, keys.
#include "procedure/plan.h"

#include <stdio.h>
#include <string.h>

void scenario_set_ttl(struct scenario *s, enum procedure_ttl kind, int64_t ttl_ms)
{
	for (int i = 0; i <= PROCEDURE_MAX_PARTIES; i++)
		s->ttl_ms[i][kind] = ttl_ms;
}

static void set_lags(struct scenario *s, int64_t parent_ms, int64_t child_ms)
{
	s->lag_ms[0] = parent_ms;
	for (int i = 1; i <= PROCEDURE_MAX_PARTIES; i++)
		s->lag_ms[i] = child_ms;
}

void scenario_init(struct scenario *s, const struct procedure *procedure)
{
	static const int64_t usual[PROCEDURE_TTLS] = {[PROCEDURE_TTL_DS] = DAY_MS,
	        [PROCEDURE_TTL_DS_NONE] = -1,
	        [PROCEDURE_TTL_PARENT_NS] = 2 * DAY_MS,
	        [PROCEDURE_TTL_CHILD_NS] = DAY_MS,
	        [PROCEDURE_TTL_DNSKEY] = 2 * DAY_MS,
	        [PROCEDURE_TTL_DATA] = 3 * DAY_MS};
	const struct procedure_assume *assume = &procedure->assume;
	memset(s, 0, sizeof *s);
	for (int i = 0; i < PROCEDURE_TTLS; i++)
		scenario_set_ttl(s, (enum procedure_ttl)i,
		        assume->ttl_ms[i] >= 0 ? assume->ttl_ms[i] : usual[i]);
	if (s->ttl_ms[0][PROCEDURE_TTL_DS_NONE] < 0)
		scenario_set_ttl(s, PROCEDURE_TTL_DS_NONE, s->ttl_ms[0][PROCEDURE_TTL_DS]);
	set_lags(s, assume->lag_parent_ms >= 0 ? assume->lag_parent_ms : 6 * HOUR_MS,
	        assume->lag_child_ms >= 0 ? assume->lag_child_ms : 6 * HOUR_MS);
	for (size_t i = 0; i < PROCEDURE_MAX_KEYS; i++)
		s->keys[i] = (struct scenario_keys){
		        .algorithm = assume->algorithm[i] != 0 ? assume->algorithm[i] : 13,
		        .digest = assume->digest[i] != 0 ? assume->digest[i] : 2,
		        .rsa_bits = assume->rsa_bits[i] != 0 ? assume->rsa_bits[i] : 2048};
	s->single_key = assume->single_key;
	s->relative = true;
	s->name_octets = PLAN_NAME_OCTETS;
	s->signed_until_ms = TIME_NEVER_MS;
	s->readers = safety_all_readers;
}

// Calls `set` for each "name=duration" of a list with commas.
static enum result each_pair(const char *text, void *ctx,
        enum result (*set)(void *ctx, const char *name, int64_t ms, struct error *err),
        struct error *err)
{
	while (*text != '\0') {
		char pair[120];
		size_t length = strcspn(text, ",");
		if (length >= sizeof pair)
			return error_set(err, RESULT_INPUT,
			        "'%.40s…' is too long, expected name=duration", text);
		memcpy(pair, text, length);
		pair[length] = '\0';
		char *equals = strchr(pair, '=');
		if (equals == NULL)
			return error_set(err, RESULT_INPUT,
			        "'%.80s', expected name=duration such as ds=1d", pair);
		*equals = '\0';
		int64_t ms;
		enum result result = duration_parse(equals + 1, &ms, err);
		if (result == RESULT_OK)
			result = set(ctx, pair, ms, err);
		if (result != RESULT_OK)
			return result;
		text += length + (text[length] == ',');
	}
	return RESULT_OK;
}

struct ttl_setter {
	struct scenario *s;
	unsigned named; // bits over enum procedure_ttl
};

// "ds, ds-none, … or data"
static const char *ttl_word_list(char *text, size_t size)
{
	size_t length = 0;
	for (int i = 0; i < SAFETY_TTLS; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s",
		        i == 0                 ? ""
		        : i + 1 == SAFETY_TTLS ? " or "
		                               : ", ",
		        safety_ttl_words[i]);
	return text;
}

// The last one would count, and the others be dropped without a word.
static enum result named_twice(const char *name, struct error *err)
{
	return error_set(
	        err, RESULT_INPUT, "'%.60s' is named twice, expected one duration for it", name);
}

static enum result set_ttl(void *ctx, const char *name, int64_t ms, struct error *err)
{
	struct ttl_setter *setter = ctx;
	if (!duration_is_ttl(ms))
		return error_set(err, RESULT_INPUT,
		        "'%.60s' is no TTL, expected whole seconds, at most 2147483647s", name);
	for (int i = 0; i < PROCEDURE_TTLS; i++)
		if (strcmp(safety_ttl_words[i], name) == 0) {
			if (setter->named >> i & 1)
				return named_twice(name, err);
			scenario_set_ttl(setter->s, (enum procedure_ttl)i, ms);
			setter->named |= 1u << i;
			return RESULT_OK;
		}
	char words[120];
	return error_set(err, RESULT_INPUT, "unknown TTL '%.60s', expected %s", name,
	        ttl_word_list(words, sizeof words));
}

enum result scenario_parse_ttls(struct scenario *scenario, const char *text, struct error *err)
{
	struct scenario s = *scenario;
	struct ttl_setter setter = {.s = &s};
	enum result result = each_pair(text, &setter, set_ttl, err);
	if (result != RESULT_OK)
		return result;
	bool ds = setter.named >> PROCEDURE_TTL_DS & 1;
	if (ds && !(setter.named >> PROCEDURE_TTL_DS_NONE & 1))
		scenario_set_ttl(&s, PROCEDURE_TTL_DS_NONE, s.ttl_ms[0][PROCEDURE_TTL_DS]);
	*scenario = s;
	return RESULT_OK;
}

struct lag_setter {
	struct scenario *s;
	const struct procedure *procedure;
	bool parent, child;
	uint32_t parties; // bits over those that are named
};

// A party that is named by itself keeps its own lag, before or after `child`.
static void set_child_lags(struct lag_setter *setter, int64_t ms)
{
	for (int party = 0; party < PROCEDURE_MAX_PARTIES; party++)
		if ((setter->parties >> party & 1) == 0)
			setter->s->lag_ms[party + 1] = ms;
}

static enum result set_lag(void *ctx, const char *name, int64_t ms, struct error *err)
{
	struct lag_setter *setter = ctx;
	int party = procedure_party_find(setter->procedure, name);
	if (ms > 10000 * DAY_MS)
		return error_set(err, RESULT_INPUT, "lag of '%s' is too long", name);
	bool parent = strcmp(name, "parent") == 0, child = strcmp(name, "child") == 0;
	bool known = parent || child || procedure_party_publishes(setter->procedure, party);
	if (!known)
		return error_set(err, RESULT_INPUT,
		        "unknown lag '%.60s', expected parent, child or a party that answers for "
		        "the zone",
		        name);
	if (parent ? setter->parent : child ? setter->child : setter->parties >> party & 1)
		return named_twice(name, err);
	if (child) {
		set_child_lags(setter, ms);
	} else {
		setter->s->lag_ms[parent ? 0 : party + 1] = ms;
		setter->parties |= parent ? 0 : UINT32_C(1) << party;
	}
	setter->parent |= parent;
	setter->child |= child;
	return RESULT_OK;
}

enum result scenario_parse_lags(struct scenario *scenario, const struct procedure *procedure,
        const char *text, struct error *err)
{
	struct scenario s = *scenario;
	struct lag_setter setter = {.s = &s, .procedure = procedure};
	enum result result = each_pair(text, &setter, set_lag, err);
	if (result == RESULT_OK)
		*scenario = s;
	return result;
}

static bool says_what_it_assumes(const struct procedure *procedure)
{
	for (int i = 0; i < PROCEDURE_TTLS; i++)
		if (procedure->assume.ttl_ms[i] >= 0)
			return true;
	return false;
}

bool scenario_profile(
        struct scenario *s, const struct procedure *procedure, size_t number, const char **name)
{
	static const struct {
		const char *name;
		enum procedure_ttl largest;
	} profiles[] = {{"long DS TTL", PROCEDURE_TTL_DS},
	        {"long NS TTL at the parent", PROCEDURE_TTL_PARENT_NS},
	        {"long NS TTL in the zone", PROCEDURE_TTL_CHILD_NS},
	        {"long DNSKEY TTL", PROCEDURE_TTL_DNSKEY},
	        {"long TTLs of other data", PROCEDURE_TTL_DATA}};
	enum { LARGEST = sizeof profiles / sizeof *profiles };
	scenario_init(s, procedure);
	if (number == 0) {
		*name = "usual TTLs";
		return true;
	}
	if (says_what_it_assumes(procedure))
		return false;
	if (number == 1) {
		set_lags(s, 0, 0);
		*name = "usual TTLs, no propagation delay";
		return true;
	}
	if (number >= 2 + LARGEST)
		return false;
	for (int i = 0; i < PROCEDURE_TTLS; i++)
		scenario_set_ttl(s, (enum procedure_ttl)i, HOUR_MS);
	scenario_set_ttl(s, profiles[number - 2].largest, 4 * DAY_MS);
	set_lags(s, 10 * MINUTE_MS, 5 * MINUTE_MS);
	*name = profiles[number - 2].name;
	return true;
}
