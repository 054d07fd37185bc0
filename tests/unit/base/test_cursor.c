#include "base/cursor.h"

#include <stdlib.h>

#include "../runner.h"

static void numbers_are_read_in_network_order(void)
{
    uint8_t data[] = {0x01, 0x02, 0x03, 0xff, 0xfe, 0xfd, 0xfc};
    struct cursor c = cursor_of(data, sizeof data);
    CU_ASSERT_EQUAL(cursor_u8(&c), 0x01);
    CU_ASSERT_EQUAL(cursor_u16(&c), 0x0203);
    CU_ASSERT_EQUAL(cursor_u32(&c), 0xfffefdfc);
    CU_ASSERT_EQUAL(cursor_left(&c), 0);
    CU_ASSERT_FALSE(c.failed);
}

static void numbers_are_written_in_network_order(void)
{
    uint8_t data[9] = {0};
    struct cursor c = cursor_of(data, sizeof data);
    cursor_put_u8(&c, 0x80);
    cursor_put_u16(&c, 0x0102);
    cursor_put_u32(&c, 0x80000003);
    cursor_put(&c, "ab", 2);
    CU_ASSERT_FALSE(c.failed);
    CU_ASSERT_EQUAL(memcmp(data, "\x80\x01\x02\x80\0\0\3ab", 9), 0);
    CU_ASSERT_EQUAL(wire_u16(data + 1), 0x0102);
    CU_ASSERT_EQUAL(wire_u32(data + 3), 0x80000003);
}

/* The buffer is exactly as long as it says, so that AddressSanitizer sees an octet beyond it. */
static void nothing_is_read_beyond_the_end(void)
{
    for (size_t len = 0; len < 4; len++) {
        uint8_t *data = malloc(len + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        memset(data, 0xff, len + 1);
        data = realloc(data, len > 0 ? len : 1);
        struct cursor c = cursor_of(data, len);
        CU_ASSERT_EQUAL(cursor_u32(&c), 0);
        CU_ASSERT_TRUE(c.failed);
        CU_ASSERT_EQUAL(cursor_u8(&c), 0); /* the failure stays, even where there is an octet left */
        CU_ASSERT_EQUAL(cursor_left(&c), len);
        free(data);
    }
}

static void nothing_is_written_beyond_the_end(void)
{
    uint8_t data[4] = {1, 2, 3, 4};
    struct cursor c = cursor_of(data, 3);
    cursor_put_u32(&c, 0);
    CU_ASSERT_TRUE(c.failed);
    cursor_put_u8(&c, 0);
    cursor_put(&c, "", 0);
    CU_ASSERT_EQUAL(memcmp(data, "\1\2\3\4", 4), 0);
}

static void a_length_that_would_wrap_is_refused(void)
{
    uint8_t data[4] = {0};
    struct cursor c = cursor_of(data, sizeof data);
    CU_ASSERT_PTR_NULL(cursor_take(&c, SIZE_MAX));
    CU_ASSERT_TRUE(c.failed);
}

static void nothing_may_be_taken_at_the_end(void)
{
    uint8_t data[2] = {0};
    struct cursor c = cursor_of(data, sizeof data);
    CU_ASSERT_PTR_EQUAL(cursor_take(&c, 2), data);
    CU_ASSERT_PTR_EQUAL(cursor_take(&c, 0), data + 2);
    CU_ASSERT_FALSE(c.failed);
    CU_ASSERT_PTR_NULL(cursor_take(&c, 1));
}

static const struct unit_test tests[] = {
    {"numbers are read in network order", numbers_are_read_in_network_order},
    {"numbers are written in network order", numbers_are_written_in_network_order},
    {"nothing is read beyond the end", nothing_is_read_beyond_the_end},
    {"nothing is written beyond the end", nothing_is_written_beyond_the_end},
    {"a length that would wrap is refused", a_length_that_would_wrap_is_refused},
    {"nothing may be taken at the end", nothing_may_be_taken_at_the_end},
};

int main(void)
{
    return run_suite("cursor", tests, sizeof tests / sizeof tests[0]);
}
