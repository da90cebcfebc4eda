#include "../boundary/guard.h"
#include "../core/partition.h"
#include "arguments.h"

namespace crm {

namespace {

Datum
partition_number(FunctionCallInfo fcinfo)
{
    const int partitions = PG_GETARG_INT32(1);
    if (!core::is_partition_count(partitions))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("partitions must be a power of two"),
                        errdetail("It is %d.", partitions),
                        errhint("Pass how many partitions there are, as each of them and the proxy have it.")));
    const std::string_view key = *text_argument(fcinfo, 0);
    // It is itself where it is in UTF-8 already.
    const unsigned char *bytes = reinterpret_cast<const unsigned char *>(key.data());
    const char *utf8 = reinterpret_cast<const char *>(pg_do_encoding_conversion(
        const_cast<unsigned char *>(bytes), static_cast<int>(key.size()), GetDatabaseEncoding(), PG_UTF8));
    const bool is_converted = utf8 != key.data();
    return Int32GetDatum(core::partition_of(is_converted ? std::string_view(utf8) : key, partitions));
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_partition_of)
{
    return crm::partition_number(fcinfo);
}
