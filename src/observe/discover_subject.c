// What was found, as a subject; and who the resolvers of this machine are.
#include "observe/discover_internal.h"

#include <stdio.h>
#include <string.h>

static enum result list_add(struct observe_subject *subject, int publisher,
        const struct found_list *list, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		const struct found_server *server = &list->servers[i];
		char name[DNS_NAME_TEXT];
		dns_name_text(server->name.wire, name);
		result = observe_subject_server(subject, publisher, name, NULL, err);
		for (size_t a = 0; result == RESULT_OK && a < server->address_count; a++)
			result = observe_subject_server(
			        subject, publisher, name, &server->addresses[a], err);
	}
	return result;
}

// The name that the NS sets have for an address.
static const uint8_t *name_of(const struct discover *d, const struct address *address)
{
	for (size_t i = 0; i < d->child_list.count; i++)
		for (size_t a = 0; a < d->child_list.servers[i].address_count; a++)
			if (address_equal_ip(&d->child_list.servers[i].addresses[a], address))
				return d->child_list.servers[i].name.wire;
	return NULL;
}

static enum result given_add(
        const struct discover *d, struct observe_subject *subject, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < d->given_count; i++) {
		const struct given_server *given = &d->given[i];
		char name[DNS_NAME_TEXT];
		int group = observe_subject_find(subject, given->publisher);
		const uint8_t *wire =
		        given->is_named ? given->name.wire : name_of(d, &given->address);
		if (wire != NULL)
			dns_name_text(wire, name);
		else
			snprintf(name, sizeof name, DISCOVER_UNNAMED "%zu.invalid.", i + 1);
		if (group < 0)
			result = observe_subject_group(subject, given->publisher, 0, &group, err);
		if (result == RESULT_OK)
			result = observe_subject_server(subject, group, name, &given->address, err);
	}
	return result;
}

enum result discover_subject(
        const struct discover *d, struct observe_subject **subject, struct error *err)
{
	char zone[DNS_NAME_TEXT], parent[DNS_NAME_TEXT];
	struct observe_subject *made;
	int group;
	enum result result = observe_subject_new(dns_name_text(d->zone.wire, zone),
	        dns_name_text(d->parent.wire, parent), &made, err);
	if (result != RESULT_OK)
		return result;
	result = list_add(made, 0, &d->parent_list, err);
	if (result == RESULT_OK && d->child_given)
		result = given_add(d, made, err);
	else if (result == RESULT_OK) {
		result = observe_subject_group(made, "child", 0, &group, err);
		if (result == RESULT_OK)
			result = list_add(made, group, &d->child_list, err);
	}
	if (result != RESULT_OK)
		observe_subject_free(made);
	else
		*subject = made;
	return result;
}

size_t discover_resolvers(const char *text, struct address *resolvers, size_t max)
{
	static const char word[] = "nameserver";
	size_t count = 0;
	for (const char *line = text; *line != '\0' && count < max;) {
		size_t n = strcspn(line, "\n");
		size_t at = sizeof word - 1;
		if (n > at && memcmp(line, word, at) == 0 &&
		        (line[at] == ' ' || line[at] == '\t')) {
			char address[ADDRESS_TEXT];
			at += strspn(line + at, " \t");
			size_t length = strcspn(line + at, " \t\r\n");
			snprintf(address, sizeof address, "%.*s", (int)(length < 55 ? length : 55),
			        line + at);
			if (strchr(address, '@') == NULL &&
			        address_parse(address, 53, &resolvers[count], NULL) == RESULT_OK)
				count++;
		}
		line += n + (line[n] == '\n');
	}
	return count;
}
