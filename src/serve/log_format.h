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

/* False where it has placeholders that only a request can fill: {local} and {/label}. */
bool log_format_is_plain(const struct log_format *f);

/* What a line says. Borrowed from the request, or from who answered without one. */
struct log_facts {
    const struct request *request; /* NULL: there is none; for plain formats alone */
    const uint8_t *name;           /* lower case */
    size_t name_len;               /* 0: there was none */
    const union address *client;
    uint16_t id, qtype, qclass;
    uint16_t flags;    /* of the question */
    uint16_t size;     /* octets of it */
    uint16_t udp_size; /* of its OPT; 512 without */
    bool dnssec_ok;
    bool tcp;
    uint16_t rcode;
    uint16_t answer_flags; /* as answer_flags() */
    size_t answer_size;    /* as answer_raw_size() */
    uint64_t took_ns;
};

/* Those of a request with its answer in r->reply, not finished yet, which took from received_ns to
 * answered_ns. In the worker's thread. */
void log_facts_of(const struct request *r, struct log_facts *out);

/* Writes the line without newline, cut at `cap` octets; returns its length. Control characters of the format
 * are kept, those of names are escaped. */
size_t log_format_write(const struct log_format *f, const struct log_facts *facts, char *out, size_t cap);

#endif
