// Private to src/dns: what a signature covers.
#pragma once

#include "dns/verify.h"

// The octets that an RRSIG signs (RFC 4034 3.1.8.1): its own RDATA without the signature, then each
// record with the name that the labels field asks for and the original TTL. rdata is canonical.
// labels must not exceed the owner's. In the arena.
enum result dns_signed_octets(struct arena *arena, const struct dns_rrset *rrset,
        const struct dns_rdata *rdata, size_t count, const struct dns_rdata *signature,
        const struct dns_rrsig *rrsig, uint8_t **octets, size_t *length, struct error *err);
