#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"

static void what_is_appended_stands_there_and_ends_in_nul(void)
{
    struct bytes b;
    bytes_init(&b, 1000);
    CU_ASSERT_EQUAL(bytes_append(&b, "ab\0c", 4), ERR_OK);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "de"), ERR_OK);
    CU_ASSERT_EQUAL(bytes_printf(&b, "%d-%s", 7, "f"), ERR_OK);
    CU_ASSERT_EQUAL(b.len, 9);
    CU_ASSERT_EQUAL(memcmp(b.data, "ab\0cde7-f", 10), 0);
    bytes_free(&b);
}

static void growth_keeps_what_was_there(void)
{
    struct bytes b;
    char expected[5000];
    bytes_init(&b, sizeof expected);
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (char)('a' + i % 26);
        CU_ASSERT_EQUAL_FATAL(bytes_append(&b, &expected[i], 1), ERR_OK);
    }
    CU_ASSERT_EQUAL(b.len, sizeof expected);
    CU_ASSERT_EQUAL(memcmp(b.data, expected, sizeof expected), 0);
    bytes_free(&b);
}

static void it_holds_its_maximum_and_not_one_octet_more(void)
{
    struct bytes b;
    bytes_init(&b, 10);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "0123456789"), ERR_OK);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "x"), ERR_LIMIT);
    CU_ASSERT_STRING_EQUAL(b.data, "0123456789");
    bytes_free(&b);
    bytes_init(&b, 10);
    CU_ASSERT_EQUAL(bytes_printf(&b, "%s", "0123456789a"), ERR_LIMIT);
    CU_ASSERT_EQUAL(b.len, 0);
    bytes_free(&b);
    bytes_init(&b, 10);
    CU_ASSERT_PTR_NULL(bytes_reserve(&b, SIZE_MAX)); /* a sum that overflows must not look small */
    CU_ASSERT_EQUAL(b.error, ERR_LIMIT);
    bytes_free(&b);
}

static void the_first_failure_sticks_until_it_is_reset(void)
{
    struct bytes b;
    bytes_init(&b, 4);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "abcde"), ERR_LIMIT);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "a"), ERR_LIMIT);
    CU_ASSERT_EQUAL(bytes_printf(&b, "%c", 'a'), ERR_LIMIT);
    CU_ASSERT_PTR_NULL(bytes_reserve(&b, 0));
    bytes_reset(&b);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "abcd"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(b.data, "abcd");
    bytes_free(&b);
}

static void what_was_reserved_counts_once_it_is_added_to_the_length(void)
{
    struct bytes b;
    bytes_init(&b, 100);
    bytes_append_str(&b, "ab");
    char *at = bytes_reserve(&b, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    memcpy(at, "cde", 3);
    CU_ASSERT_EQUAL(b.len, 2);
    b.len += 3;
    bytes_append_str(&b, "f");
    CU_ASSERT_STRING_EQUAL(b.data, "abcdef");
    bytes_free(&b);
}

static void octets_are_dropped_from_the_front(void)
{
    struct bytes b;
    bytes_init(&b, 100);
    bytes_consume(&b, 5); /* nothing there: no harm */
    CU_ASSERT_EQUAL(b.len, 0);
    bytes_append_str(&b, "abcdef");
    bytes_consume(&b, 2);
    CU_ASSERT_STRING_EQUAL(b.data, "cdef");
    bytes_consume(&b, 99);
    CU_ASSERT_EQUAL(b.len, 0);
    bytes_free(&b);
}

static void a_freed_buffer_is_usable_and_keeps_its_maximum(void)
{
    struct bytes b;
    bytes_init(&b, 3);
    bytes_append_str(&b, "abcd");
    bytes_free(&b);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "abc"), ERR_OK);
    CU_ASSERT_EQUAL(bytes_append_str(&b, "d"), ERR_LIMIT);
    bytes_free(&b);
    bytes_free(&b);
}

static const struct unit_test tests[] = {
    {"what is appended stands there and ends in NUL", what_is_appended_stands_there_and_ends_in_nul},
    {"growth keeps what was there", growth_keeps_what_was_there},
    {"it holds its maximum and not one octet more", it_holds_its_maximum_and_not_one_octet_more},
    {"the first failure sticks until it is reset", the_first_failure_sticks_until_it_is_reset},
    {"what was reserved counts once it is added to the length",
     what_was_reserved_counts_once_it_is_added_to_the_length},
    {"octets are dropped from the front", octets_are_dropped_from_the_front},
    {"a freed buffer is usable and keeps its maximum", a_freed_buffer_is_usable_and_keeps_its_maximum},
};

int main(void)
{
    return run_suite("bytes", tests, sizeof tests / sizeof tests[0]);
}
