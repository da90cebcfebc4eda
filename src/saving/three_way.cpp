#include "three_way.h"

namespace crm {

namespace {

// Stands for a value that is too large for jsonb, and so differs from every other.
constexpr std::string_view too_large_here = "too large here";

struct Compared
{
    ThreeWay *items;
    int count;

    ThreeWays all() const { return {items, static_cast<std::size_t>(count)}; }
};

core::Value
theirs(const ReadableCustomer &customer, const char *name)
{
    ListCell *cell;
    foreach (cell, customer.row.omitted)
        if (std::strcmp(static_cast<const char *>(lfirst(cell)), name) == 0)
            return too_large_here;
    return value_in(customer.row.object, name);
}

Compared
compare_unknown_base(const AttachedTable &table, const core::Request &request, Fields fields,
                     const ReadableCustomer &customer)
{
    Compared compared = {static_cast<ThreeWay *>(palloc((fields.size() + 1) * sizeof(ThreeWay))), 0};
    if (request.status)
        compared.items[compared.count++] = {get_attname(table->customers.oid, table->customers.status, false), nullptr,
                                            std::nullopt, request.status, customer.status};
    for (const Field &field : fields)
        compared.items[compared.count++] = {field.name, &field, std::nullopt, field.json, theirs(customer, field.name)};
    return compared;
}

}  // namespace

core::Merge
ThreeWay::merged() const
{
    if (field == nullptr || !field->is_there() || getBaseType(field->type) != JSONOID)
        return core::merge(was, mine, theirs);
    return core::merge(was ? std::optional{meaning_of_json(*was)} : std::nullopt, meaning_of_json(mine),
                       meaning_of_json(theirs));
}

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
compare_with_base(const AttachedTable &table, const core::Request &request, Fields fields,
                  const ReadableCustomer &customer, const ChangesSince &changes)
{
    const Compared compared = compare_unknown_base(table, request, fields, customer);
    for (ThreeWay &item : std::span(compared.items, compared.count))
    {
        if (item.field == nullptr)
        {
            item.was = changes.first ? changes.first->status_from : std::nullopt;
            continue;
        }
        const FieldWas &field = changes.fields[item.field - fields.data()];
        if (field.is_changed)
            item.was = field.was ? std::optional<core::Value>{value_of(*field.was)} : std::nullopt;
        else if (changes.is_base_followed())
            item.was = item.theirs;
    }
    return compared.all();
}

}  // namespace crm
