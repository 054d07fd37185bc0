/* What comes to the socket from which a NOTIFY was sent: an answer to it or anything else. */
#include <stdlib.h>

#include "base/cursor.h"
#include "base/err.h"
#include "dns/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t zone[] = "\7cluster\5local";
    int ret = notify_read_answer(data, size, 7, zone);
    if (ret != ERR_MALFORMED && (ret < 0 || ret > 15 || size < 12 || wire_u16(data) != 7))
        abort();
    return 0;
}
