// How much of a step is seen: at the first address, and at all of them.
#include "change/decide_internal.h"

static const struct {
	enum procedure_attribute attribute;
	enum safety_kind kind;
} kinds[] = {
        {PROCEDURE_DS, SAFETY_DS},
        {PROCEDURE_NS, SAFETY_NS},
        {PROCEDURE_DNSKEY, SAFETY_DNSKEY},
        {PROCEDURE_DNSKEY_SIGNERS, SAFETY_DNSKEY},
        {PROCEDURE_DATA_SIGNERS, SAFETY_DATA},
        {PROCEDURE_SERVING, SAFETY_SERVING},
        // Whoever copies another party's zone serves all of it.
        {PROCEDURE_COPIES, SAFETY_NS},
        {PROCEDURE_COPIES, SAFETY_DNSKEY},
        {PROCEDURE_COPIES, SAFETY_DATA},
};

struct search {
	const struct decide_input *in;
	struct shown *shown;
};

static bool changes_publisher(const struct safety_effect *effect, int publisher)
{
	for (size_t i = 0; i < effect->count; i++)
		if (effect->changes[i].publisher == publisher)
			return true;
	return false;
}

static bool is_everywhere(
        const struct search *s, const struct procedure_act *act, int publisher, int64_t *since_ms)
{
	const struct observe_view *view = s->in->view;
	*since_ms = TIME_EVER_MS;
	if (changes_publisher(&s->shown->left, publisher))
		return false;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		int64_t since = TIME_EVER_MS;
		if (kinds[k].attribute != act->attribute)
			continue;
		if (!observe_view_everywhere(view, publisher, kinds[k].kind, NULL, NULL, &since))
			return false;
		if (since > *since_ms)
			*since_ms = since;
	}
	return true;
}

enum result shown_find(const struct decide_input *input, const struct procedure_binding *binding,
        const struct procedure_act *acts, size_t count, struct shown *shown, struct error *err)
{
	const struct change_definition *d = input->definition;
	uint32_t missing = 0;
	enum result result = procedure_effect(
	        d->procedure, acts, count, &input->world->history, binding, &shown->left, err);
	if (result != RESULT_OK)
		return result;
	shown->touched = 0;
	shown->since_ms = TIME_EVER_MS;
	struct search s = {input, shown};
	for (size_t i = 0; i < count; i++) {
		int64_t since_ms;
		if (acts[i].kind != PROCEDURE_EFFECT)
			continue;
		int publisher = change_publisher(d, acts[i].party);
		shown->touched |= UINT32_C(1) << publisher;
		bool everywhere = is_everywhere(&s, &acts[i], publisher, &since_ms);
		if (!everywhere || since_ms > input->world->now_ms)
			missing |= UINT32_C(1) << publisher;
		if (everywhere && since_ms > shown->since_ms)
			shown->since_ms = since_ms;
	}
	shown->everywhere = shown->touched & ~missing;
	return RESULT_OK;
}
