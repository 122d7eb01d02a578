// fuzz: links dep_change dep_base
// fuzz: seeds lab/changes
// Definitions of changes, and procedures: the input is a definition, or, divided by a line of three
// hyphens, a definition and a procedure.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "change/definition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed_procedure[] =
        "procedure: p\n"
        "title: P\n"
        "parties:\n"
        "  gaining: {is: operator}\n"
        "  losing: {is: operator}\n"
        "  registrar: {is: registrar}\n"
        "  registry: {is: parent}\n"
        "start: {parent.ns: losing.ns, parent.ds: losing.ksk}\n"
        "requires: [same data at losing and gaining, contacts have answered]\n"
        "steps:\n"
        "  - {id: one, by: gaining, does: gaining.dnskey + losing.zsk, undo: gaining.dnskey - "
        "losing.zsk}\n";

static void parse(struct arena *arena, const char *text, const char *procedure)
{
	const struct change_definition *d = NULL;
	struct error err = {0};
	enum result result = change_definition_parse(arena, "fuzz.yaml", text, strlen(text),
	        "procedure.yaml", procedure, strlen(procedure), &d, &err);
	if ((result == RESULT_OK) != (d != NULL) || (result != RESULT_OK && err.text[0] == '\0'))
		abort();
	if (d == NULL)
		return;
	// Whatever is taken can be asked for by every party.
	for (int by = 0; by < (int)d->procedure->party_count; by++)
		if (change_ways_of(d, by, PROCEDURE_PARENT) == NULL)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	char *text = arena != NULL ? arena_strndup(arena, (const char *)data, size) : NULL;
	if (text != NULL) {
		char *divide = strstr(text, "\n---\n");
		if (divide != NULL)
			divide[1] = '\0';
		parse(arena, text, divide != NULL ? divide + 5 : fixed_procedure);
	}
	arena_free(arena);
	return 0;
}
