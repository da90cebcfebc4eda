#include "transaction.h"

namespace crm {

namespace {

std::uint64_t number = 0;

void
transaction_ended(XactEvent event, void *)
{
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        number++;
}

}  // namespace

void
watch_transactions()
{
    RegisterXactCallback(transaction_ended, nullptr);
}

std::uint64_t
transaction_number()
{
    return number;
}

void
require_writable(const char *function)
{
    PreventCommandIfReadOnly(function);
    PreventCommandIfParallelMode(function);
}

}  // namespace crm
