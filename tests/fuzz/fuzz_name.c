/* Names and rdata of a message: two octets of offset, two of a type, two of a length, the message. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/err.h"
#include "dns/rr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const uint8_t *name)
{
    char text[NAME_MAX_TEXT];
    uint8_t again[NAME_MAX_LEN], lname[NAME_MAX_LEN];
    size_t len = name_len(name);
    name_to_text(name, text);
    if (name_check(name, len) != (int)len || name_from_text(text, strlen(text), again) != (int)len ||
        memcmp(name, again, len) != 0 || name_lower(lname, name) != len || name_compare(lname, name) != 0 ||
        !name_equal(lname, name) || !name_in(name, lname) || name_hash(lname, len) != name_hash(lname, len))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t rdata[RDATA_MAX], name[NAME_MAX_LEN];
    static struct rr_storage storage;
    if (size < 6)
        return 0;
    uint16_t at = wire_u16(data), type = wire_u16(data + 2), rdlen = wire_u16(data + 4);
    data += 6;
    size -= 6;
    int taken = name_unpack(data, size, at, name);
    if (taken >= 0) {
        if (taken == 0 || (size_t)taken > size - at)
            abort();
        check_name(name);
    }
    if (name_check(data, size) >= 0)
        check_name(data);
    int len = rdata_unpack(data, size, at, rdlen, type, rdata);
    if (len < 0 || len > RDATA_MAX || type == 0)
        return 0;
    struct bytes text;
    struct rr again, rr = {.owner = (const uint8_t *)"", .type = type, .class = CLASS_IN, .rdata = rdata};
    rr.rdlen = (uint16_t)len;
    bytes_init(&text, 1 << 20);
    if (rr_to_text(&rr, &text) == ERR_OK &&
        (rr_from_text(text.data, text.len, &storage, &again) != ERR_OK || rr_compare(&rr, &again) != 0))
        abort();
    bytes_free(&text);
    return 0;
}
