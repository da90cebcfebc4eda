#include "access_path.h"

#include "../boundary/role.h"
#include "../boundary/settings.h"

namespace crm {

bool
can_be_direct(const AttachedTable &table)
{
    return table.is_plain && !is_under_row_security(table.customers) && !is_under_row_security(table.comments);
}

const AccessPath &
access_path(const AttachedTable &table)
{
    if (settings::access_path() == settings::access_path_spi || !can_be_direct(table))
        return spi_access_path();
    return direct_access_path();
}

bool
are_in_unique_index(const AttachedTable &table, Fields fields)
{
    if (fields.empty())
        return false;
    Relation relation = table_open(table.customers, NoLock);
    const Bitmapset *columns = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
    table_close(relation, NoLock);
    return std::any_of(fields.begin(), fields.end(), [columns](const Field &field) {
        return bms_is_member(field.column - FirstLowInvalidHeapAttributeNumber, columns);
    });
}

}  // namespace crm
