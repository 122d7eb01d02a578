// An IP address with a port, as value: copied, compared and hashed, never allocated.
//
//     struct address ns;
//     if (address_parse("2001:db8::1", 53, &ns, &err) != RESULT_OK) ...
//     char text[ADDRESS_TEXT];
//     puts(address_format(&ns, text));               // "2001:db8::1@53"
//
// The text form is the address, "@" and the port. Scoped addresses (fe80::1%eth0) and host names
// are refused: a name is not an address. An IPv4 address inside IPv6 (::ffff:192.0.2.1) stays IPv6
// and is never sent to over IPv4.
#pragma once

#include "base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

// All of it takes part in comparison; octets behind the first four are zero for IPv4.
struct address {
	uint8_t family; // 4, 6, or 0 for "none"
	uint16_t port;  // host byte order
	uint8_t octets[16];
};

// "192.0.2.1", "2001:db8::1", "192.0.2.1@5353"; without "@port" the port is default_port. Port 0
// is refused as text. RESULT_INPUT with a sentence, *address untouched.
enum result address_parse(
        const char *text, uint16_t default_port, struct address *address, struct error *err);

#define ADDRESS_TEXT 56
// "192.0.2.1@53", or "none"; buf has ADDRESS_TEXT octets. Returns buf.
char *address_format(const struct address *address, char *buf);
// The same without the port.
char *address_format_ip(const struct address *address, char *buf);

// From the 4 or 16 octets of an A or AAAA record; octets_count is 4 or 16.
struct address address_from_octets(const uint8_t *octets, size_t octets_count, uint16_t port);
// 0.0.0.0 or ::, for binding; family is 4 or 6.
struct address address_any(uint8_t family, uint16_t port);

bool address_equal(const struct address *a, const struct address *b);
// Equal but for the port.
bool address_equal_ip(const struct address *a, const struct address *b);
// IPv4 before IPv6, then by octets, then by port: <0, 0, >0.
int address_compare(const struct address *a, const struct address *b);
// Well mixed and keyed: a peer that does not know the key cannot choose colliding addresses.
uint64_t address_hash(const struct address *address, uint64_t key);

// To and from the kernel's form. The length of *storage is returned, 0 for "none"; from a family
// that is neither IPv4 nor IPv6 comes "none".
socklen_t address_to_sockaddr(const struct address *address, struct sockaddr_storage *storage);
struct address address_from_sockaddr(const struct sockaddr_storage *storage);
