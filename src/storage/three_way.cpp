#include "three_way.h"

#include "../boundary/spi.h"
#include "../core/version.h"
#include "history.h"

namespace crm {

namespace {

// Stands for a value that is too large for jsonb, and so differs from every other.
constexpr std::string_view too_large_here = "too large here";

struct Compared
{
    ThreeWay *items;
    int count;

    ThreeWays
    all() const
    {
        return {items, static_cast<std::size_t>(count)};
    }
};

Compared
compare_unknown_base(const AttachedTable &table, const core::Request &request, Fields fields, const ReadableCustomer &customer)
{
    Compared compared = {static_cast<ThreeWay *>(palloc((fields.size() + 1) * sizeof(ThreeWay))), 0};
    if (request.status)
        compared.items[compared.count++] = {get_attname(table.customers, table.status, false), nullptr, std::nullopt,
                                            request.status, customer.status};
    for (const Field &field : fields)
        compared.items[compared.count++] = {field.name, &field, std::nullopt, field.json,
                                            value_in(customer.row, field.name).value_or(too_large_here)};
    return compared;
}

Datum
text_array(Datum *texts, int count)
{
    return PointerGetDatum(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum
names_of(Fields fields)
{
    Datum *names = static_cast<Datum *>(palloc(fields.size() * sizeof(Datum)));
    int count = 0;
    for (const Field &field : fields)
        names[count++] = text_datum(field.name);
    return text_array(names, count);
}

Datum
column_names(const AttachedTable &table)
{
    Relation relation = table_open(table.customers, NoLock);
    const TupleDesc columns = RelationGetDescr(relation);
    Datum *names = static_cast<Datum *>(palloc(columns->natts * sizeof(Datum)));
    int count = 0;
    for (int i = 0; i < columns->natts; i++)
        if (!TupleDescAttr(columns, i)->attisdropped)
            names[count++] = text_datum(NameStr(TupleDescAttr(columns, i)->attname));
    const Datum array = text_array(names, count);
    table_close(relation, NoLock);
    return array;
}

}  // namespace

ThreeWays
compare(const AttachedTable &table, const core::Request &request, Fields fields, const ReadableCustomer &customer)
{
    return compare_unknown_base(table, request, fields, customer).all();
}

ThreeWays
compare_with_current(const AttachedTable &table, const core::Request &request, Fields fields,
                     const ReadableCustomer &customer)
{
    const Compared compared = compare_unknown_base(table, request, fields, customer);
    for (int i = 0; i < compared.count; i++)
        compared.items[i].was = compared.items[i].theirs;
    return compared.all();
}

ThreeWays
compare_with_base(AttachedTable &table, const Key &key, const core::Request &request, Fields fields,
                  const ReadableCustomer &customer)
{
    const Compared compared = compare_unknown_base(table, request, fields, customer);
    const std::optional<FirstChange> first = first_change(table, key, request.base);
    const bool is_followed = is_base_followed(table, key, request.base);
    for (int i = 0; i < compared.count; i++)
    {
        ThreeWay &item = compared.items[i];
        if (item.field == nullptr)
            item.was = first ? first->status_from : std::nullopt;
        else if (is_followed)
            item.was = item.theirs;
    }
    if (fields.empty())
        return compared.all();

    const std::uint64_t rows = read_changed_since(table, key, request.base, names_of(fields));
    for (std::uint64_t row = 0; row < rows; row++)
        for (int i = 0; i < compared.count; i++)
        {
            ThreeWay &item = compared.items[i];
            if (item.field == nullptr || result_text(row, 0) != item.name)
                continue;
            item.was = result_is_null(row, 1) ? std::nullopt : value_of(result_datum(row, 1));
        }
    return compared.all();
}

bool
can_be_merged(AttachedTable &table, const Key &key, core::Timestamp base, core::Timestamp current)
{
    const std::optional<ChainHead> head = chain_head(table, key);
    return head && head->version == current && is_base_followed(table, key, base) &&
           are_updates_of(table, key, base, column_names(table));
}

}  // namespace crm
