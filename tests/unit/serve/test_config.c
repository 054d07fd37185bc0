#include "serve/config.h"

#include "../runner.h"
#include "fake_plugins.h"

static struct errtext e;
static struct config *config;

static int build(const char *text)
{
    config = NULL;
    fake_setups = fake_frees = fake_starts = fake_stops = 0;
    return fake_config(text, &config, &e);
}

static void let_go(void)
{
    config_unref(config);
    CU_ASSERT_EQUAL(fake_frees, fake_setups);
}

static void stages_stand_in_the_order_of_the_table(void)
{
    CU_ASSERT_EQUAL_FATAL(build("test {\n lower\n middle b\n upper\n middle a\n}\n"), ERR_OK);
    const struct block *b = &config->blocks[0];
    CU_ASSERT_EQUAL_FATAL(b->nstages, 4);
    static const char *const expected[] = {"upper", "middle-b", "middle-a", "lower"};
    for (unsigned i = 0; i < 4; i++) {
        char text[32];
        const struct fake_state *s = b->stages[i].state;
        snprintf(text, sizeof text, "%s%s", s->name, s->argument);
        CU_ASSERT_STRING_EQUAL(text, expected[i]);
    }
    CU_ASSERT_TRUE(b->serves);
    let_go();
}

static void a_block_of_directives_that_answer_nothing_serves_nothing(void)
{
    CU_ASSERT_EQUAL_FATAL(build("test {\n silent\n}\nother {\n}\n"), ERR_OK);
    CU_ASSERT_FALSE(config->blocks[0].serves);
    CU_ASSERT_FALSE(config->blocks[1].serves);
    let_go();
}

static void what_is_wrong_names_file_and_line_and_leaves_nothing(void)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"test {\n nonsense\n}\n", "Corefile:2 - Unknown directive 'nonsense'"},
        {"test {\n upper\n route53 a b\n}\n",
         "Corefile:3 - plugin 'route53' is CoreDNS's but not built into Seamark yet"},
        {"test {\n upper\n lower\n\n upper\n}\n",
         "Corefile:5 - plugin/upper: this plugin can only be used once per Server Block (the other one is at "
         "Corefile:2)"},
        {"test {\n upper\n}\nother {\n upper\n lower wrong\n}\n", "Corefile:6 - plugin/lower: wrong"},
        {"test {\n upper\n}\nTEST {\n upper\n}\n",
         "Corefile:4 - cannot serve test. on dns://:5300 - it is already defined by the block at Corefile:1"},
        {"tls://test {\n upper\n}\n",
         "Corefile:1 - serving over tls://, quic://, grpc:// or https:// is not built into Seamark yet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(build(cases[i].text), ERR_CONFIG);
        CU_ASSERT_STRING_EQUAL(e.text, cases[i].said);
        CU_ASSERT_PTR_NULL(config);
        CU_ASSERT_EQUAL(fake_frees, fake_setups);
    }
}

static void a_block_has_no_more_stages_than_there_is_room_for(void)
{
    struct bytes text;
    bytes_init(&text, 1 << 16);
    bytes_append_str(&text, "test {\n");
    for (unsigned i = 0; i < STAGES_MAX; i++)
        bytes_append_str(&text, " middle\n");
    size_t len = text.len;
    bytes_append_str(&text, "}\n");
    CU_ASSERT_EQUAL(build(text.data), ERR_OK);
    CU_ASSERT_EQUAL(config->blocks[0].nstages, STAGES_MAX);
    let_go();
    text.len = len;
    bytes_append_str(&text, " middle\n}\n");
    CU_ASSERT_EQUAL(build(text.data), ERR_CONFIG);
    char said[80];
    snprintf(said, sizeof said, "Corefile:%d - more than %d directives in one block", STAGES_MAX + 2,
             STAGES_MAX);
    CU_ASSERT_STRING_EQUAL(e.text, said);
    CU_ASSERT_EQUAL(fake_frees, fake_setups);
    bytes_free(&text);
}

static void all_stages_are_started_or_none(void)
{
    CU_ASSERT_EQUAL_FATAL(build("test {\n upper\n middle\n}\nother {\n upper\n lower nostart\n}\n"), ERR_OK);
    CU_ASSERT_EQUAL(config_start(config, &e), ERR_CONFIG);
    CU_ASSERT_STRING_EQUAL(e.text, "cannot start");
    CU_ASSERT_EQUAL(fake_starts, 3);
    CU_ASSERT_EQUAL(fake_stops, 3);
    let_go();
    CU_ASSERT_EQUAL_FATAL(build("test {\n upper\n middle\n}\n"), ERR_OK);
    CU_ASSERT_EQUAL(config_start(config, &e), ERR_OK);
    config_stop(config);
    CU_ASSERT_EQUAL(fake_starts, 2);
    CU_ASSERT_EQUAL(fake_stops, 2);
    let_go();
}

static void the_last_reference_frees(void)
{
    CU_ASSERT_EQUAL_FATAL(build("test {\n upper\n}\n"), ERR_OK);
    CU_ASSERT_PTR_EQUAL(config_ref(config), config);
    config_unref(config);
    CU_ASSERT_EQUAL(fake_frees, 0);
    let_go();
    config_unref(NULL);
}

static const struct unit_test tests[] = {
    {"stages stand in the order of the table", stages_stand_in_the_order_of_the_table},
    {"a block of directives that answer nothing serves nothing",
     a_block_of_directives_that_answer_nothing_serves_nothing},
    {"what is wrong names file and line and leaves nothing",
     what_is_wrong_names_file_and_line_and_leaves_nothing},
    {"a block has no more stages than there is room for", a_block_has_no_more_stages_than_there_is_room_for},
    {"all stages are started or none", all_stages_are_started_or_none},
    {"the last reference frees", the_last_reference_frees},
};

int main(void)
{
    return run_suite("config", tests, sizeof tests / sizeof tests[0]);
}
