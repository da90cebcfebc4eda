#include "access_path.h"

#include "../boundary/direct.h"
#include "../boundary/role.h"
#include "../tables/statements.h"

namespace crm {

namespace {

constexpr SqlStatement select_customer_by_key{"SELECT 1 FROM {customers} WHERE {key} OPERATOR(pg_catalog.=) $1",
                                              As::owner, Part::customers};

}  // namespace

bool
can_be_direct(const AttachedTable &table)
{
    const TableDescription &known = *table;
    return known.customers.is_plain && known.comments.is_plain &&
           !(known.customers.policies.is_enabled && is_under_row_security(known.customers.oid)) &&
           !(known.comments.policies.is_enabled && is_under_row_security(known.comments.oid));
}

const AccessPath &
access_path(const AttachedTable &table)
{
    if (!may_go_direct() || !can_be_direct(table))
        return spi_access_path();
    return direct_access_path();
}

void
require_may_read(const AttachedTable &table)
{
    require_column_rights(table->customers.oid,
                          {table->customers.key, table->customers.version, table->customers.status}, ACL_SELECT);
}

void
require_update_right(const AttachedTable &table)
{
    if (table->customers.has_status())
        require_column_rights(table->customers.oid, {table->customers.status}, ACL_UPDATE);
    else if (!has_right_on_any_column(table->customers.oid, ACL_UPDATE))
        deny_table(table->customers.oid, ACL_UPDATE);
}

AttrNumber
touched_column(const AttachedTable &table)
{
    const Customers &customers = table->customers;
    if (customers.has_status())
        return customers.status;
    for (int i = 0; i < table->columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(table->columns, i);
        if (!column->attisdropped && column->attgenerated == '\0' && column->attidentity != ATTRIBUTE_IDENTITY_ALWAYS &&
            column->attnum != customers.key && column->attnum != customers.version &&
            has_column_right(customers.oid, column->attnum, ACL_UPDATE))
            return column->attnum;
    }
    require_column_rights(customers.oid, {customers.version}, ACL_UPDATE);
    return customers.version;
}

bool
are_in_unique_index(const AttachedTable &table, Fields fields)
{
    if (fields.empty())
        return false;
    Relation relation = table_open(table->customers.oid, NoLock);
    const Bitmapset *columns = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
    table_close(relation, NoLock);
    return std::any_of(fields.begin(), fields.end(), [columns](const Field &field) {
        return bms_is_member(field.column - FirstLowInvalidHeapAttributeNumber, columns);
    });
}

bool
customer_exists(const AttachedTable &table, const Key &key)
{
    return execute_latest(table, select_customer_by_key, arguments_of(key)) > 0;
}

bool
customer_is_in_snapshot(const AttachedTable &table, const Key &key)
{
    return execute(table, select_customer_by_key, arguments_of(key)) > 0;
}

}  // namespace crm
