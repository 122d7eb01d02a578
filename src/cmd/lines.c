#include "cmd/lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { WIDTH_DEFAULT = 100, WIDTH_MIN = 50, STAMP_DATE = 11, STAMP_SECONDS = 19 };

struct lines_look lines_look_of(FILE *out)
{
	struct winsize size;
	const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
	int fd = fileno(out);
	struct lines_look look = {0};
	if (fd < 0 || isatty(fd) == 0 || kind == NULL || strcmp(kind, "dumb") == 0)
		return look;
	look.terminal = true;
	look.colour = no_colour == NULL || no_colour[0] == '\0';
	look.width = WIDTH_DEFAULT;
	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return look;
	look.width = size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
	look.height = size.ws_row;
	return look;
}

const char *lines_colour(const struct lines_look *look, enum lines_colour colour)
{
	static const char *const sequences[] = {[LINES_PLAIN] = "\033[0m",
	        [LINES_BOLD] = "\033[1m",
	        [LINES_DIM] = "\033[2m",
	        [LINES_RED] = "\033[31m",
	        [LINES_GREEN] = "\033[32m",
	        [LINES_YELLOW] = "\033[33m"};
	return look->colour ? sequences[colour] : "";
}

int lines_columns(const char *text, size_t octets)
{
	int columns = 0;
	for (size_t i = 0; i < octets; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

// The length of a stamp such as 2026-11-21T19:47:13.268Z at the beginning of text; 0: none.
static size_t stamp_length(const char *text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	size_t n = 0;
	for (; shape[n] != '\0'; n++)
		if (shape[n] == 'd' ? !isdigit((unsigned char)text[n]) : text[n] != shape[n])
			return 0;
	if (text[n] == '.')
		for (n++; isdigit((unsigned char)text[n]);)
			n++;
	return text[n] == 'Z' ? n + 1 : 0;
}

void lines_short_times(const char *text, int64_t now_ms, struct buffer *out)
{
	char today[TIME_TEXT];
	time_format(now_ms, today);
	for (const char *p = text; *p != '\0';) {
		size_t n = stamp_length(p);
		if (n == 0) {
			buffer_add(out, p++, 1);
			continue;
		}
		if (memcmp(p, today, STAMP_DATE) != 0) {
			buffer_add(out, p, STAMP_DATE - 1);
			buffer_puts(out, " ");
		}
		buffer_add(out, p + STAMP_DATE, STAMP_SECONDS - STAMP_DATE);
		p += n;
	}
}

static void new_line(struct buffer *out, int indent, int *column)
{
	buffer_printf(out, "\n%*s", indent, "");
	*column = indent;
}

void lines_wrap(struct buffer *out, const char *text, int column, int indent, int width)
{
	bool first = true; // of its line
	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, " \n");
		int columns = lines_columns(p, n);
		if (n > 0 && !first && width > 0 && column + 1 + columns > width) {
			new_line(out, indent, &column);
			first = true;
		}
		if (n > 0 && !first) {
			buffer_puts(out, " ");
			column++;
		}
		buffer_add(out, p, n);
		column += columns;
		first = first && n == 0;
		p += n;
		if (*p == '\n' && p[1] != '\0') {
			new_line(out, indent, &column);
			first = true;
		}
		p += *p != '\0';
	}
	buffer_puts(out, "\n");
}

void lines_cut(struct buffer *out, const char *text, int width)
{
	size_t octets = strlen(text);
	bool cut = width > 0 && lines_columns(text, octets) >= width;
	while (cut && octets > 0 && lines_columns(text, octets) + 1 >= width)
		octets--;
	while (cut && octets > 0 && ((unsigned char)text[octets] & 0xc0) == 0x80)
		octets--;
	buffer_add(out, text, octets);
	buffer_puts(out, cut ? "\u2026" : "");
}
