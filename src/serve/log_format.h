/*
 * CoreDNS's format of a query's log line: text with placeholders such as {remote}, {>rflags}. Parsed once,
 * immutable; written from any thread.
 */
#ifndef SEAMARK_SERVE_LOG_FORMAT_H
#define SEAMARK_SERVE_LOG_FORMAT_H

#include "serve/request.h"

#define LOG_FORMAT_COMMON                                                                                    \
    "{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" {rcode} {>rflags} "   \
    "{rsize} {duration}"
#define LOG_FORMAT_COMBINED LOG_FORMAT_COMMON " \"{>opcode}\""

struct log_format;

/* Parses a format; {common} and {combined} stand for the two above, what is no placeholder stays as it is.
 * {/label} is what another plugin knows (serve/metadata.h), "-" where none does. NULL without memory; formats
 * over 64 KiB count as that. */
struct log_format *log_format_new(const char *text);
void log_format_free(struct log_format *f); /* NULL allowed */

/* Writes the line for a request with its answer in r->reply, not finished yet, without newline; cut at `cap`
 * octets. Its time is that from received_ns to answered_ns. Returns its length. Control characters of the
 * format are kept, those of names are escaped. */
size_t log_format_write(const struct log_format *f, const struct request *r, char *out, size_t cap);

#endif
