#include "base/rune.h"

#include <string.h>

#include "../runner.h"

static void test_reading(void)
{
    static const struct {
        const char *text;
        int32_t rune;
        unsigned width;
    } cases[] = {
        {"a", 'a', 1},
        {"\x7f", 0x7f, 1},
        {"\xc3\xa9", 0xe9, 2},
        {"\xe2\x82\xac", 0x20ac, 3},
        {"\xf0\x9f\x98\x80", 0x1f600, 4},
        {"\x80", RUNE_ERROR, 1},             /* begins nothing */
        {"\xc3", RUNE_ERROR, 1},             /* cut */
        {"\xc3(", RUNE_ERROR, 1},            /* not gone on with */
        {"\xc0\x80", RUNE_ERROR, 1},         /* too long for what it is */
        {"\xe0\x80\xaf", RUNE_ERROR, 1},     /* the same */
        {"\xed\xa0\x80", RUNE_ERROR, 1},     /* half of a pair */
        {"\xf4\x90\x80\x80", RUNE_ERROR, 1}, /* beyond the last character */
        {"\xff", RUNE_ERROR, 1},
    };
    unsigned width;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(rune_read(cases[i].text, cases[i].text + strlen(cases[i].text), &width),
                        cases[i].rune);
        CU_ASSERT_EQUAL(width, cases[i].width);
    }
    CU_ASSERT_EQUAL(rune_read("", "", &width), RUNE_END);
    CU_ASSERT_EQUAL(width, 0);
}

static void test_what_is_written_is_read(void)
{
    char octets[4];
    unsigned width;
    for (int32_t c = 0; c <= RUNE_MAX; c += c < 0x900 ? 1 : 37) {
        bool half = c >= 0xd800 && c <= 0xdfff;
        unsigned len = rune_write(c, octets);
        CU_ASSERT_EQUAL_FATAL(rune_read(octets, octets + len, &width), half ? RUNE_ERROR : c);
        CU_ASSERT_EQUAL_FATAL(width, len);
    }
    CU_ASSERT_EQUAL(rune_write(-5, octets), 3);
    CU_ASSERT_EQUAL(rune_count("a\xc3\xa9\xff", 4), 3);
}

static void test_letters(void)
{
    CU_ASSERT(rune_is_word('a') && rune_is_word('_') && rune_is_word('7') && rune_is_word(0xe9) &&
              rune_is_word(0x4e2d));
    CU_ASSERT(!rune_is_word('-') && !rune_is_word(' ') && !rune_is_word(0x201c) && !rune_is_word(0xd7));
    CU_ASSERT(!rune_is_word(RUNE_END) && !rune_is_word(RUNE_ERROR) && !rune_is_word(0x1f600));
    CU_ASSERT(rune_is_print('a') && rune_is_print(0xe9) && rune_is_print(0x201c));
    CU_ASSERT(!rune_is_print('\n') && !rune_is_print(0x7f) && !rune_is_print(0x200b) && !rune_is_print(0xad));
}

static void test_quoting(void)
{
    static const char text[] = "a\"b\\\n\x01\xc3\xa9\xff\xe2\x80\x8b";
    struct bytes out;
    bytes_init(&out, 1000);
    rune_quote_text(&out, text, sizeof text - 1, false);
    CU_ASSERT_STRING_EQUAL(out.data, "\"a\\\"b\\\\\\n\\x01\xc3\xa9\\xff\\u200b\"");
    bytes_reset(&out);
    rune_quote_text(&out, text, sizeof text - 1, true);
    CU_ASSERT_STRING_EQUAL(out.data, "\"a\\\"b\\\\\\n\\x01\\u00e9\\xff\\u200b\"");
    bytes_reset(&out);
    rune_quote(&out, '\'', false);
    rune_quote(&out, 0x1f600, true);
    CU_ASSERT_STRING_EQUAL(out.data, "'\\'''\\U0001f600'");
    bytes_free(&out);
}

static const struct unit_test tests[] = {
    {"UTF-8 is read, and what is none is told", test_reading},
    {"what is written is read again", test_what_is_written_is_read},
    {"letters and signs are told apart", test_letters},
    {"text is quoted as Go quotes it", test_quoting},
};

int main(void)
{
    return run_suite("rune", tests, sizeof tests / sizeof *tests);
}
