#include "serve/search_list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../runner.h"
#include "base/err.h"

/* The domains that the text says, separated by blanks. */
static const char *domains(const char *text)
{
    static struct search_list list;
    static char out[8192];
    char name[NAME_MAX_TEXT];
    char *exact = malloc(strlen(text) + 1); /* without a NUL, for AddressSanitizer */
    memcpy(exact, text, strlen(text));
    search_list_parse("resolv.conf", exact, strlen(text), &list);
    free(exact);
    out[0] = '\0';
    for (size_t i = 0; i < list.count; i++) {
        strcat(out, i > 0 ? " " : "");
        strcat(out, name_to_text(list.domains[i], name));
    }
    return out;
}

static void test_lines(void)
{
    static const struct {
        const char *text, *domains;
    } cases[] = {
        {"", ""},
        {"\n\n", ""},
        {"nameserver 10.0.0.1\nsearch a.Example b.example\noptions ndots:5\n", "a.example. b.example."},
        {"search a b", "a. b."},
        {"\tsearch\ta.\v b\r\n", "a. b."},
        {"search a b\nsearch c", "c."},
        {"search a b\ndomain c d", "c."},
        {"domain c\nsearch a b", "a. b."},
        {"search a\nsearch", ""},
        {"search a\ndomain\n", ""},
        {"search .", "."},
        {"searching a\nSEARCH b\n#search c\n; search d\n", ""},
        {"search # a",
         "#. a."}, /* no comments behind words, as in CoreDNS; glibc takes it for a domain too */
        {"search a..b c", "c."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_STRING_EQUAL(domains(cases[i].text), cases[i].domains);
}

static void test_limit(void)
{
    char text[1024] = "search";
    for (unsigned i = 0; i < SEARCH_LIST_MAX + 5; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), " d%u", i);
    const char *found = domains(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(found, "d31."));
    CU_ASSERT_PTR_NULL(strstr(found, "d32."));
}

static void test_file(void)
{
    struct search_list list;
    char path[] = "/tmp/seamark-search-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, "search a b\n", 11), 11);
    close(fd);
    CU_ASSERT_EQUAL(search_list_read(path, &list), ERR_OK);
    CU_ASSERT_EQUAL(list.count, 2);
    unlink(path);
    CU_ASSERT_NOT_EQUAL(search_list_read(path, &list), ERR_OK);
    CU_ASSERT_EQUAL(list.count, 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the last search or domain line counts", test_lines},
        {"a list has its limit", test_limit},
        {"a file, and one that is not there", test_file},
    };
    return run_suite("search_list", tests, sizeof tests / sizeof tests[0]);
}
