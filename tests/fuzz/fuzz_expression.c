/* An expression: compiled, and evaluated where it is one. It keeps its limits, and says why where it fails.
 */
#include <stdlib.h>

#include "../unit/exprlang/expression_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct expr_run *run;
    static char text[EXPR_TEXT_MAX + 2];
    struct errtext e = {0};
    struct expr *x = NULL;
    struct tpl_value out;
    if (size > EXPR_TEXT_MAX + 1 || (run == NULL && expr_run_new(&run) != ERR_OK))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    int ret = expr_compile(text, &names_env, &x, &e);
    if ((ret == ERR_OK) != (e.text[0] == '\0') || (ret == ERR_OK) != (x != NULL))
        abort();
    if (ret != ERR_OK)
        return 0;
    expr_run_reset(run);
    ret = expr_evaluate(x, run, NULL, names_values(), &out);
    if ((ret == ERR_OK) != (expr_run_why(run)[0] == '\0'))
        abort();
    if (ret == ERR_OK) { /* what has come out of it can be shown */
        struct bytes shown;
        bytes_init(&shown, 1 << 22);
        tpl_format_value(&shown, &out);
        bytes_free(&shown);
    }
    expr_free(x);
    return 0;
}
