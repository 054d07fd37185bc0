/* A template: parsed, and executed where it is one. It keeps its limits, and says why where it fails. */
#include <stdlib.h>

#include "../unit/gotemplate/template_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tpl_run *run;
    struct errtext e = {0};
    struct tpl *t = NULL;
    const char *out;
    size_t len;
    if (run == NULL && tpl_run_new(&run) != ERR_OK)
        return 0;
    int ret = tpl_parse("answer", (const char *)data, size, data_functions, 1, &t, &e);
    if ((ret == ERR_OK) != (e.text[0] == '\0') || (ret == ERR_OK) != (t != NULL))
        abort();
    if (ret != ERR_OK)
        return 0;
    ret = tpl_execute(t, run, &data_dot, &out, &len, &e);
    if ((ret == ERR_OK) != (e.text[0] == '\0') ||
        (ret == ERR_OK && (len > TPL_OUTPUT_MAX || out[len] != '\0')))
        abort();
    tpl_free(t);
    return 0;
}
