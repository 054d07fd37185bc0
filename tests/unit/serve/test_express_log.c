/* The lines of `log` for questions that go the short way, beside those of the chain. */
#include "base/clock.h"
#include "served_fixture.h"

#include "express_questions.h"

#include "both_ways.h"

#define ROUNDS 10000 /* questions to each configuration */

static const union address clients[] = {
    {.in = {.sin_family = AF_INET, .sin_port = 0x1234, .sin_addr.s_addr = 0x0a0b0c0d}},
    {.in6 = {.sin6_family = AF_INET6, .sin6_port = 0xffff, .sin6_addr = {{{0x20, 1, 0xd, 0xb8, [15] = 7}}}}},
    {.in6 = {.sin6_family = AF_INET6, .sin6_port = 1, .sin6_addr = {{{[10] = 0xff, 0xff, 10, 0, 0, 9}}}}},
};

struct tally {
    struct both both;
    unsigned lines;
};

/* The line at *at, up to its last word, which is how long it took; steps over it. */
static size_t line_without_time(const char **at)
{
    const char *line = *at, *end = strchr(line, '\n');
    *at = end + 1;
    const char *last = memrchr(line, ' ', (size_t)(end - line));
    CU_ASSERT_EQUAL_FATAL(end[-1], 's');
    return (size_t)(last - line);
}

/* The lines that both wrote are the same, in the order of the questions. */
static void compare_lines(struct tally *t, const char *express, const char *chain)
{
    while (*express != '\0' && *chain != '\0') {
        const char *x = express, *y = chain;
        size_t len = line_without_time(&express), other = line_without_time(&chain);
        t->lines++;
        if (len != other || memcmp(x, y, len) != 0) {
            t->both.wrong++;
            fprintf(stderr, "express: %.*s\nchain:   %.*s\n", (int)len, x, (int)other, y);
        }
    }
    t->both.wrong += *express != '\0' || *chain != '\0';
}

static void ask_batch(struct worker *w, struct express_work *work, struct both *t)
{
    static struct batch b;
    static struct packet other;
    unsigned n = 1 + chance(EXPRESS_BATCH);
    for (b.n = 0; b.n < n; batch_add(&b, &clients[chance(3)]))
        make_question(&b.questions[b.n]);
    t->questions += n;
    t->answered += batch_serve(&b, w, work, clock_ns());
    char *express = strdup(fake_lines_take());
    for (unsigned i = 0; i < n; i++)
        if (b.answers[i].len != 0)
            ask_chain(w, &b.questions[i], b.datagrams[i].client, &other);
    compare_lines((struct tally *)t, express, fake_lines_take());
    free(express);
}

static struct tally tally_of(const char *corefile)
{
    struct tally t = {.both = {.ask = ask_batch, .rounds = ROUNDS}};
    ask_both_ways(corefile, &t.both);
    CU_ASSERT(t.both.answered > ROUNDS / 10);
    return t;
}

static void every_answer_has_the_line_of_the_chain(void)
{
    static const char *const corefiles[] = {
        ".:5300 {\n errors\n log\n kubernetes cluster.local in-addr.arpa {\n  pods insecure\n }\n prometheus "
        "\n cache 30\n loadbalance\n}\n",
        ".:5300 {\n bufsize 1232\n log . \"{>opcode} {class} {type} {name} {>do} {>bufsize} {rcode} {rsize} "
        "{duration}\"\n kubernetes cluster.local "
        "in-addr.arpa\n}\n",
    };
    for (size_t i = 0; i < sizeof corefiles / sizeof corefiles[0]; i++) {
        struct tally t = tally_of(corefiles[i]);
        CU_ASSERT_EQUAL(t.lines, t.both.answered);
    }
}

static void names_and_classes_choose_as_in_the_chain(void)
{
    static const char *const corefiles[] = {
        ".:5300 {\n log . {\n  class denial\n }\n kubernetes cluster.local in-addr.arpa\n}\n",
        ".:5300 {\n log . {\n  class success error\n }\n kubernetes cluster.local in-addr.arpa\n}\n",
        ".:5300 {\n log shop.svc.cluster.local \"{name} {duration}\"\n log empty.svc.cluster.local {\n  "
        "class "
        "error\n }\n log svc.cluster.local in-addr.arpa {\n  class denial\n }\n kubernetes cluster.local "
        "in-addr.arpa\n}\n",
    };
    for (size_t i = 0; i < sizeof corefiles / sizeof corefiles[0]; i++) {
        struct tally t = tally_of(corefiles[i]);
        CU_ASSERT(t.lines > 100 && t.lines < t.both.answered);
    }
}

static void of_errors_alone_there_is_nothing_to_tell(void)
{
    struct tally t = tally_of(
        ".:5300 {\n log . \"{local} {duration}\" {\n  class error\n }\n kubernetes cluster.local\n}\n");
    CU_ASSERT_EQUAL(t.lines, 0);
}

static const struct unit_test tests[] = {
    {"every answer has the line of the chain", every_answer_has_the_line_of_the_chain},
    {"names and classes choose as in the chain", names_and_classes_choose_as_in_the_chain},
    {"of errors alone there is nothing to tell", of_errors_alone_there_is_nothing_to_tell},
};

int main(void)
{
    return run_both_ways("express_log", tests, sizeof tests / sizeof tests[0], true);
}
