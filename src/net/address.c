#include "net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool port_parse(const char *text, uint16_t *port)
{
	unsigned value = 0;
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 5 || text[n] != '\0' || text[0] == '0')
		return false;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (unsigned)(text[i] - '0');
	if (value > 65535)
		return false;
	*port = (uint16_t)value;
	return true;
}

enum result address_parse(
        const char *text, uint16_t default_port, struct address *address, struct error *err)
{
	assert(text != NULL && address != NULL);
	struct address parsed = {.port = default_port};
	char ip[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "@");
	if (n == 0 || n >= sizeof ip)
		return error_set(err, RESULT_INPUT, "'%.60s' is not an IP address", text);
	memcpy(ip, text, n);
	ip[n] = '\0';
	if (inet_pton(AF_INET, ip, parsed.octets) == 1)
		parsed.family = 4;
	else if (inet_pton(AF_INET6, ip, parsed.octets) == 1)
		parsed.family = 6;
	else
		return error_set(err, RESULT_INPUT, "'%.60s' is not an IP address", text);
	if (text[n] == '@' && !port_parse(text + n + 1, &parsed.port))
		return error_set(err, RESULT_INPUT,
		        "'%.60s': expected a port from 1 to 65535 behind the '@'", text);
	*address = parsed;
	return RESULT_OK;
}

char *address_format_ip(const struct address *address, char *buf)
{
	int family = address->family == 4 ? AF_INET : AF_INET6;
	if (address->family == 0)
		strcpy(buf, "none");
	else
		inet_ntop(family, address->octets, buf, INET6_ADDRSTRLEN);
	return buf;
}

char *address_format(const struct address *address, char *buf)
{
	address_format_ip(address, buf);
	if (address->family != 0) {
		size_t n = strlen(buf);
		snprintf(buf + n, ADDRESS_TEXT - n, "@%u", (unsigned)address->port);
	}
	return buf;
}

struct address address_from_octets(const uint8_t *octets, size_t octets_count, uint16_t port)
{
	assert(octets_count == 4 || octets_count == 16);
	struct address address = {.family = octets_count == 4 ? 4 : 6, .port = port};
	memcpy(address.octets, octets, octets_count);
	return address;
}

struct address address_any(uint8_t family, uint16_t port)
{
	assert(family == 4 || family == 6);
	return (struct address){.family = family, .port = port};
}

bool address_equal_ip(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->port == b->port && address_equal_ip(a, b);
}

int address_compare(const struct address *a, const struct address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	int order = memcmp(a->octets, b->octets, sizeof a->octets);
	if (order != 0)
		return order;
	return (a->port > b->port) - (a->port < b->port);
}

// The finalizer of MurmurHash3: every input bit reaches every output bit.
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
	return h ^ (h >> 33);
}

uint64_t address_hash(const struct address *address, uint64_t key)
{
	uint64_t words[2];
	memcpy(words, address->octets, sizeof words);
	uint64_t h = mix(key ^ ((uint64_t)address->family << 16 | address->port));
	h = mix(h + words[0]);
	return mix(h + words[1] + key);
}

socklen_t address_to_sockaddr(const struct address *address, struct sockaddr_storage *storage)
{
	if (address->family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
		memcpy(&in.sin_addr, address->octets, 4);
		memcpy(storage, &in, sizeof in);
		return sizeof in;
	}
	if (address->family == 6) {
		struct sockaddr_in6 in6 = {
		        .sin6_family = AF_INET6, .sin6_port = htons(address->port)};
		memcpy(&in6.sin6_addr, address->octets, 16);
		memcpy(storage, &in6, sizeof in6);
		return sizeof in6;
	}
	return 0;
}

struct address address_from_sockaddr(const struct sockaddr_storage *storage)
{
	struct address address = {0};
	if (storage->ss_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, storage, sizeof in);
		address.family = 4;
		address.port = ntohs(in.sin_port);
		memcpy(address.octets, &in.sin_addr, 4);
	} else if (storage->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, storage, sizeof in6);
		address.family = 6;
		address.port = ntohs(in6.sin6_port);
		memcpy(address.octets, &in6.sin6_addr, 16);
	}
	return address;
}
