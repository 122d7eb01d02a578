// Starting what signs for an operator: signer.h.
#include "boot_internal.h"
#include "signer.h"

#include "base/data.h"
#include "base/file.h"
#include "dns/key.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// What a key of the next generation is, as the signer's script wrote it down; NULL where there is
// none of the kind.
static enum result signer_read_key(
        struct boot *boot, const struct lab_party *party, const char *kind, const char **key)
{
	char name[64];
	snprintf(name, sizeof(name), "keys/%s-%s-new", party->id, kind);
	return access(boot_path(boot, name), F_OK) == 0 ? boot_read_line(boot, name, key)
	                                                : RESULT_OK;
}

static enum result signer_ds(struct boot *boot, struct lab_party *party)
{
	uint8_t zone[KNOT_DNAME_MAXLEN];
	struct dns_key *key;
	struct dns_ds ds;
	char text[DNS_DS_TEXT];
	if (party->ksk_new == NULL)
		return error_set(&boot->err, RESULT_SYSTEM,
		        "no new keys of the %s operator; see log/keys.log", party->id);
	if (knot_dname_from_str(zone, party->zone, sizeof(zone)) == NULL)
		return error_set(&boot->err, RESULT_INPUT, "unusable name %s", party->zone);
	enum result result = dns_key_parse(zone, party->ksk_new, &key, &boot->err);
	if (result != RESULT_OK)
		return result;
	result = dns_ds_from_key(key, DNS_DIGEST_SHA256, &ds, &boot->err);
	dns_key_unref(key);
	party->ds_new =
	        result == RESULT_OK ? arena_strdup(boot->arena, dns_ds_text(&ds, text)) : NULL;
	return result;
}

// How both servers of an operator are ended, as when it switches its machines off.
static enum result signer_stop(
        struct boot *boot, const struct lab_party *party, const struct signer *signer)
{
	static const char secondary[] = "nsd-control -c '${DIR}/${SECONDARY}.conf' stop\n"
	                                "exit 0\n"; // a second time they are stopped already
	char name[64], *script;
	snprintf(name, sizeof(name), "stop-%s", party->id);
	const char *text = arena_printf(boot->arena, "%s\n%s", signer->stop, secondary);
	const char *path = boot_path(boot, name);
	if (text == NULL || path == NULL)
		return error_set(&boot->err, RESULT_MEMORY, "out of memory");
	enum result result =
	        template_expand(boot->vars, boot->arena, name, text, &script, &boot->err);
	return result == RESULT_OK ? file_replace(path, script, strlen(script), &boot->err)
	                           : result;
}

static void signer_vars(struct boot *boot, int index, const char *home)
{
	const struct lab_party *party = &boot->info.party[index];
	const struct lab_server *primary = &party->server[0], *secondary = &party->server[1];
	const struct lab_signer *wish = &boot->options->signer[index];
	bool losing = index == LAB_LOSING;
	template_set(boot->vars, "ID", primary->id);
	template_set(boot->vars, "V4", primary->v4);
	template_set(boot->vars, "V6", primary->v6);
	template_set(boot->vars, "PARTY", party->id);
	template_set(boot->vars, "HOME", home);
	template_set(boot->vars, "SECONDARY", secondary->id);
	template_set(boot->vars, "SECONDARY_V4", secondary->v4);
	template_set(boot->vars, "UPDATE_SECRET", party->tsig_secret);
	template_set(boot->vars, "TRANSFER_NAME", losing ? "transfer-a." : "transfer-b.");
	template_set(boot->vars, "TRANSFER_SECRET",
	        template_get(boot->vars, losing ? "TRANSFER_A_SECRET" : "TRANSFER_B_SECRET"));
	template_set(boot->vars, "SINGLE_KEY", wish->single_key ? "yes" : "no");
	template_set(boot->vars, "POLICY", wish->single_key ? "single" : "zone");
	template_set(boot->vars, "NEW_ALGORITHM",
	        wish->new_algorithm != NULL ? wish->new_algorithm : "ecdsap256sha256");
}

enum result boot_signer_keys(struct boot *boot, int index, const char *home)
{
	struct lab_party *party = &boot->info.party[index];
	const struct signer *signer = signer_find(party->server[0].software);
	char from[64], to[64];
	if (signer == NULL)
		return error_set(
		        &boot->err, RESULT_INPUT, "unknown signer '%s'", party->server[0].software);
	snprintf(from, sizeof(from), "%s-signer.sh", signer->name);
	snprintf(to, sizeof(to), "%s.sh", party->server[0].id);
	signer_vars(boot, index, home);
	enum result result = boot_script(boot, from, to, "log/keys.log");
	if (result == RESULT_OK)
		result = signer_read_key(boot, party, "ksk", &party->ksk_new);
	if (result == RESULT_OK)
		result = signer_read_key(boot, party, "zsk", &party->zsk_new);
	if (result == RESULT_OK)
		result = signer_ds(boot, party);
	return result == RESULT_OK ? signer_stop(boot, party, signer) : result;
}

enum result boot_signer_conf(struct boot *boot, int index, const char *home)
{
	const struct lab_server *server = boot->info.party[index].server;
	char from[64], to[64];
	snprintf(from, sizeof(from), "%s-signer.conf", server->software);
	snprintf(to, sizeof(to), "%s.conf", server->id);
	signer_vars(boot, index, home);
	return boot_template(boot, from, to);
}

enum result boot_signer_start(struct boot *boot, int index)
{
	const struct lab_server *server = boot->info.party[index].server;
	return boot_start(boot, server->id, signer_find(server->software)->start);
}

const char *boot_signer_title(const struct boot *boot, int index)
{
	const struct signer *signer = signer_find(boot->info.party[index].server[0].software);
	return signer != NULL ? signer->title : "?";
}

// What makes the operators' changes is in the lab's folder, as it would be in an operator's.
enum result boot_adapters(struct boot *boot)
{
	static const char *const name[] = {"signer.sh", "knot-keys", "bind-keys", "powerdns-keys"};
	enum result result = RESULT_OK;
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]) && result == RESULT_OK; i++) {
		const char *from, *to = boot_path(boot, name[i]);
		char *text;
		size_t length;
		result = data_path(boot->arena,
		        arena_printf(boot->arena, "lab/adapters/%s", name[i]), &from, &boot->err);
		if (result == RESULT_OK)
			result = file_read(boot->arena, from, 1u << 20, &text, &length, &boot->err);
		if (result == RESULT_OK)
			result = file_replace(to, text, length, &boot->err);
	}
	return result;
}
