// The ways to act of a change's parties: whose count for an act, and can they be used?
#include "change/definition.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "dns/tsig.h"

enum { KEY_FILE_MAX = 4096 };

bool change_exec_does(const struct change_exec *exec, int step)
{
	return exec->is_set && (exec->steps == NULL || exec->steps[step]);
}

static enum result ddns_usable(const struct change_ddns *ddns, struct error *err)
{
	char *text;
	size_t length;
	struct dns_tsig_key *key = NULL;
	struct arena *arena = arena_new(1 << 16);
	struct error inner = {0};
	enum result result =
	        arena == NULL ? error_set(&inner, RESULT_MEMORY, "no memory")
	                      : file_read(arena, ddns->key, KEY_FILE_MAX, &text, &length, &inner);
	if (result == RESULT_OK) {
		text[strcspn(text, "\r\n")] = '\0';
		result = dns_tsig_key_parse(text, &key, &inner);
		dns_tsig_key_free(key);
		explicit_bzero(text, length);
		if (result != RESULT_OK)
			error_prefix(&inner, "%s: ", ddns->key);
	}
	arena_free(arena);
	return result == RESULT_OK ? RESULT_OK : error_set(err, RESULT_NOT_FOUND, "%s", inner.text);
}

static enum result ways_usable(const struct change_ways *ways, struct error *err)
{
	enum result result = ways->ddns.is_set ? ddns_usable(&ways->ddns, err) : RESULT_OK;
	if (result == RESULT_OK && ways->exec.is_set && access(ways->exec.command[0], X_OK) != 0)
		return error_set(err, RESULT_NOT_FOUND, "%s is no program that can be run",
		        ways->exec.command[0]);
	return result;
}

enum result change_definition_usable(const struct change_definition *definition, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < definition->procedure->party_count; i++) {
		result = ways_usable(&definition->parties[i].ways, err);
		if (result == RESULT_OK)
			result = ways_usable(&definition->parties[i].at_parent, err);
	}
	return result;
}

const struct change_ways *change_ways_of(
        const struct change_definition *definition, int by, int publisher)
{
	if (publisher != PROCEDURE_PARENT && publisher != definition->parent) {
		bool signs = by >= 0 && definition->procedure->parties[by].role == PROCEDURE_SIGNER;
		const struct change_ways *own = signs ? &definition->parties[by].ways : NULL;
		if (own != NULL && (own->ddns.is_set || own->exec.is_set))
			return own;
		return &definition->parties[publisher].ways;
	}
	if (by >= 0) {
		const struct change_ways *own = &definition->parties[by].at_parent;
		if (own->ddns.is_set || own->exec.is_set)
			return own;
	}
	return &definition->parties[definition->parent].ways;
}
