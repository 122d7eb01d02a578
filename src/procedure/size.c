// How large the answer to a question for a DNSKEY set becomes.
//
// The answer holds the set and one RRSIG record for each key that signs it, owner names compressed,
// and an OPT record without options: what a validator gets from an authoritative server
// (RFC 1035 section 4.1, RFC 4034 sections 2.1 and 3.1, RFC 6891 section 6.1.2).
#include "procedure/plan.h"

enum {
	HEADER = 12,
	QUESTION = 4, // type and class, behind the name
	OPT = 11,
	POINTER = 2,     // a compressed name; the root's is shorter as it is
	RR = 10,         // type, class, TTL, length
	DNSKEY_HEAD = 4, // flags, protocol, algorithm
	RRSIG_HEAD = 18, // up to the signer's name, which is not compressed
	RSA_EXPONENT = 4 // length and 65537, which practically all keys have
};

struct sizes {
	int key, signature; // octets; 0 where the algorithm is not known
};

static struct sizes sizes_of(uint8_t algorithm, uint16_t rsa_bits)
{
	switch (algorithm) {
	case 5:
	case 7:
	case 8:
	case 10: // RFC 3110
		return (struct sizes){RSA_EXPONENT + (rsa_bits + 7) / 8, (rsa_bits + 7) / 8};
	case 13: // RFC 6605
		return (struct sizes){64, 64};
	case 14:
		return (struct sizes){96, 96};
	case 15: // RFC 8080
		return (struct sizes){32, 64};
	case 16:
		return (struct sizes){57, 114};
	default:
		return (struct sizes){0, 0};
	}
}

int procedure_dnskey_octets(const struct safety_history *history, uint64_t keys, uint64_t signers,
        const uint16_t rsa_bits[SAFETY_MAX_KEYS], int name_octets)
{
	int owner = name_octets < POINTER ? name_octets : POINTER;
	int octets = HEADER + name_octets + QUESTION + OPT;
	for (uint64_t rest = keys; rest != 0; rest &= rest - 1) {
		int key = __builtin_ctzll(rest);
		struct sizes sizes = sizes_of(history->key_algorithm[key], rsa_bits[key]);
		if (sizes.key == 0)
			return -1;
		octets += owner + RR + DNSKEY_HEAD + sizes.key;
		if (signers >> key & 1)
			octets += owner + RR + RRSIG_HEAD + name_octets + sizes.signature;
	}
	return octets;
}
