// fuzz: links dep_procedure
// Any octets as an overlay over a procedure: refused with a place, or a document that can be
// written out and read again as the same.
#include <stdlib.h>
#include <string.h>

#include "procedure/overlay.h"
#include "procedure/procedure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char base_text[] =
        "procedure: base\n"
        "parties:\n"
        "  op: {is: operator}\n"
        "  reg: {is: registrar}\n"
        "  up: {is: parent}\n"
        "start: {sponsor: reg}\n"
        "requires: [no rollover in progress at op]\n"
        "steps:\n"
        "- {id: tell, by: op, does: announce it to reg, undo: nothing}\n"
        "- {id: publish, by: op, does: [op.dnskey + op.ksk.new], undo: op.dnskey - op.ksk.new}\n"
        "- {id: swap, by: reg, does: parent.ds + op.ksk.new, undo: parent.ds - op.ksk.new,\n"
        "   within: 7d, else: help, wait: ttl(op.dnskey) after publish seen}\n"
        "- {id: last, by: op, after: [publish, swap], does: announce, undo: nothing}\n"
        "branches:\n"
        "  help: {steps: [{id: call, by: op, does: announce, undo: nothing}]}\n";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_written(struct arena *arena, const struct yaml_node *merged, bool is_procedure)
{
	const struct yaml_node *again;
	const struct procedure *p;
	struct error err = {0};
	struct buffer out = buffer_init(YAML_MAX_OCTETS), twice = buffer_init(YAML_MAX_OCTETS);
	overlay_write(merged, &out);
	if (!out.failed) {
		enum result result =
		        yaml_parse(arena, "again", buffer_text(&out), out.length, &again, &err);
		require(result == RESULT_OK || result == RESULT_LIMIT || result == RESULT_MEMORY);
		if (result == RESULT_OK) {
			overlay_write(again, &twice);
			require(strcmp(buffer_text(&out), buffer_text(&twice)) == 0);
			result = procedure_from_yaml(arena, again, &p, &err);
			require((result == RESULT_OK) == is_procedure || result == RESULT_MEMORY ||
			        result == RESULT_LIMIT);
		}
	}
	buffer_free(&out);
	buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(32 << 20);
	const struct yaml_node *overlay, *base, *merged;
	const struct procedure *p;
	const char *name;
	struct error err = {0};
	if (arena == NULL)
		return 0;
	require(yaml_parse(arena, "base", base_text, strlen(base_text), &base, &err) == RESULT_OK);
	if (yaml_parse(arena, "over", (const char *)data, size, &overlay, &err) == RESULT_OK &&
	        overlay_is_one(overlay) && overlay_base(overlay, &name, &err) == RESULT_OK) {
		if (overlay_apply(arena, overlay, base, &merged, &err) == RESULT_OK) {
			enum result result = procedure_from_yaml(arena, merged, &p, &err);
			require(result == RESULT_OK || err.text[0] != '\0');
			check_written(arena, merged, result == RESULT_OK);
		} else {
			require(err.text[0] != '\0');
		}
	}
	arena_free(arena);
	return 0;
}
