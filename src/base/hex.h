// Octets as hexadecimal digits, and back.
//
//     char text[2 * sizeof hash + 1];
//     printf("%s\n", hex_lower(hash, sizeof hash, text));        // "5f2c…"
//     if (!hex_read(text, hash, sizeof hash)) …
//
// Memory is the caller's. There are no errors but that a text is not the digits that are wanted;
// what was expected is for the caller to say.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// buf has 2 * n + 1 octets of room. Both return buf.
char *hex_lower(const void *octets, size_t n, char *buf);
char *hex_upper(const void *octets, size_t n, char *buf);

// Exactly n octets from exactly 2 * n digits, in either case, or in lower case only. The octets are
// untouched where the text is anything else.
bool hex_read(const char *text, uint8_t *octets, size_t n);
bool hex_read_lower(const char *text, uint8_t *octets, size_t n);
