#include "dns/rr_ldns.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "dns/rr.h"

/* libldns reads a token into a buffer of this size; it knows no longer ones. */
#define TEXT_MAX LDNS_MAX_LINELEN

/* Types left to the general form, since libldns 1.8 loses memory where it refuses their text. */
static bool leaks(uint16_t type)
{
    return type == LDNS_RR_TYPE_CERT || type == LDNS_RR_TYPE_IPSECKEY;
}

/* libldns 1.8 ends the process over octets above ASCII in the parameters of these types. */
static bool kills(uint16_t type, const uint8_t *rdata, uint16_t rdlen)
{
    if (type != RR_SVCB && type != RR_HTTPS)
        return false;
    for (uint16_t i = 0; i < rdlen; i++)
        if (rdata[i] > 0x7f)
            return true;
    return false;
}

static bool knows(uint16_t type)
{
    const ldns_rr_descriptor *d = ldns_rr_descript(type);
    return d != NULL && d->_type == type && d->_name != NULL && strncmp(d->_name, "TYPE", 4) != 0 &&
           !leaks(type);
}

static int rdata_of(const ldns_rr *rr, uint8_t *out)
{
    ldns_buffer *wire = ldns_buffer_new(LDNS_MIN_BUFLEN);
    if (wire == NULL)
        return -ENOMEM;
    int ret = ERR_MALFORMED;
    if (ldns_rr_rdata2buffer_wire(wire, rr) == LDNS_STATUS_OK && ldns_buffer_position(wire) <= RDATA_MAX) {
        ret = (int)ldns_buffer_position(wire);
        memcpy(out, ldns_buffer_begin(wire), (size_t)ret);
    }
    ldns_buffer_free(wire);
    return ret;
}

int rr_ldns_read(uint16_t type, const char *text, size_t len, uint8_t *out)
{
    if (!knows(type))
        return ERR_UNSUPPORTED;
    if (len >= TEXT_MAX || memchr(text, '\0', len) != NULL)
        return ERR_MALFORMED;
    struct bytes line;
    bytes_init(&line, TEXT_MAX + 64);
    bytes_printf(&line, ".\t0\tIN\t%s\t", ldns_rr_descript(type)->_name);
    bytes_append(&line, text, len);
    int ret = line.error;
    ldns_rr *rr = NULL;
    if (ret == ERR_OK && ldns_rr_new_frm_str(&rr, line.data, 0, NULL, NULL) != LDNS_STATUS_OK)
        ret = ERR_MALFORMED;
    if (ret == ERR_OK)
        ret = ldns_rr_get_type(rr) == type ? rdata_of(rr, out) : ERR_MALFORMED;
    ldns_rr_free(rr);
    bytes_free(&line);
    return ret;
}

/* The record with an owner of the root, as it stands in a message. */
static uint8_t *wire_record(uint16_t type, const uint8_t *rdata, uint16_t rdlen, size_t *len)
{
    *len = 11u + rdlen;
    uint8_t *wire = malloc(*len);
    if (wire == NULL)
        return NULL;
    struct cursor c = cursor_of(wire, *len);
    cursor_put_u8(&c, 0);
    cursor_put_u16(&c, type);
    cursor_put_u16(&c, CLASS_IN);
    cursor_put_u32(&c, 0);
    cursor_put_u16(&c, rdlen);
    cursor_put(&c, rdata, rdlen);
    return wire;
}

static char *text_of(const ldns_rr *rr)
{
    ldns_buffer *text = ldns_buffer_new(LDNS_MIN_BUFLEN);
    char *out = NULL;
    if (text == NULL)
        return NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < ldns_rr_rd_count(rr); i++) {
        if (i > 0)
            ldns_buffer_printf(text, " ");
        ok = ldns_rdf2buffer_str(text, ldns_rr_rdf(rr, i)) == LDNS_STATUS_OK;
    }
    if (ok)
        out = ldns_buffer_export2str(text);
    ldns_buffer_free(text);
    return out;
}

int rr_ldns_write(uint16_t type, const uint8_t *rdata, uint16_t rdlen, struct bytes *out)
{
    if (!knows(type) || rdlen == 0 || kills(type, rdata, rdlen))
        return ERR_UNSUPPORTED;
    size_t len, at = 0;
    uint8_t *wire = wire_record(type, rdata, rdlen, &len);
    if (wire == NULL)
        return -ENOMEM;
    int ret = ERR_UNSUPPORTED;
    ldns_rr *rr = NULL;
    char *text = NULL;
    if (ldns_wire2rr(&rr, wire, len, &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK && at == len)
        text = text_of(rr);
    if (text != NULL && text[0] != '\0' && strpbrk(text, "\n\r") == NULL)
        ret = bytes_append_str(out, text);
    free(text);
    ldns_rr_free(rr);
    free(wire);
    return ret;
}
