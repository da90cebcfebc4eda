#include "three_way.h"

namespace crm {

namespace {

// These stand for a value that is too large for jsonb, and for one that the caller may not read: they differ from every other.
constexpr std::string_view too_large_here = "too large here";
constexpr std::string_view not_known_here = "not known here";

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

// The status where it is asked for, or in a merge group that is touched.
void
add_status(const AttachedTable &table, const core::Request &request, Fields fields, const ReadableCustomer &customer,
           Compared &compared)
{
    const AttrNumber status = table->customers.status;
    const MergeGroup group = table->merge_groups.of(status);
    const auto is_in_group = [group](const Field &field) {
        return std::ranges::find(group, field.column) != group.end();
    };
    if (!request.status && (group.empty() || std::ranges::none_of(fields, is_in_group)))
        return;
    compared.items[compared.count++] = {.name = get_attname(table->customers.oid, status, false),
                                        .field = nullptr,
                                        .was = std::nullopt,
                                        .mine = request.status,
                                        .theirs = customer.status,
                                        .group = group,
                                        .is_asked = request.status.has_value()};
}

Compared
compare_unknown_base(const AttachedTable &table, const core::Request &request, Fields fields,
                     const ReadableCustomer &customer)
{
    Compared compared = {static_cast<ThreeWay *>(palloc((fields.size() + 1) * sizeof(ThreeWay))), 0};
    add_status(table, request, fields, customer, compared);
    for (const Field &field : fields)
        compared.items[compared.count++] = {
            .name = field.name,
            .field = &field,
            .was = std::nullopt,
            .mine = field.json,
            .theirs = theirs(customer, field.name),
            .group = table->merge_groups.of(field.column),
            .is_asked = field.is_asked,
            .is_readable = field.is_asked || has_column_right(table->customers.oid, field.column, ACL_SELECT)};
    return compared;
}

// The values as they are compared: of json, what it means.
core::GroupColumn
compared_values(const ThreeWay &item)
{
    core::GroupColumn values = {item.was, std::nullopt, item.theirs};
    if (item.is_asked)
        values.mine = item.mine;
    if (item.field == nullptr || !item.field->is_there() || getBaseType(item.field->type) != JSONOID)
        return values;
    if (values.was)
        values.was = meaning_of_json(*values.was);
    if (values.mine)
        values.mine = meaning_of_json(*values.mine);
    values.theirs = meaning_of_json(values.theirs);
    return values;
}

// Finds out which groups collide.
void
compare_groups(Compared &compared)
{
    const std::span items(compared.items, compared.count);
    core::GroupColumn *columns = static_cast<core::GroupColumn *>(palloc(items.size() * sizeof(core::GroupColumn)));
    for (ThreeWay &item : items)
    {
        if (item.group.empty())
            continue;
        std::size_t count = 0;
        for (const ThreeWay &other : items)
            if (other.group.data() == item.group.data())
                columns[count++] = compared_values(other);
        item.group_collides = core::collide({columns, count});
    }
}

}  // namespace

core::Merge
ThreeWay::merged() const
{
    const core::GroupColumn values = compared_values(*this);
    if (group_collides && (values.is_changed_by_caller() || values.is_changed_by_others()))
        return core::Merge::collide;
    return is_asked ? core::merge(values.was, *values.mine, values.theirs) : core::Merge::leave;
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
compare_with_base(const AttachedTable &table, const core::Request &request, Fields watched,
                  const ReadableCustomer &customer, const ChangesSince &changes)
{
    Compared compared = compare_unknown_base(table, request, watched, customer);
    for (ThreeWay &item : std::span(compared.items, compared.count))
    {
        if (item.field == nullptr)
        {
            item.was = changes.first ? changes.first->status_from : std::nullopt;
            continue;
        }
        const FieldWas &field = changes.fields[item.field - watched.data()];
        if (field.is_changed)
            item.was = field.was ? std::optional<core::Value>{value_of(*field.was)} : std::nullopt;
        else if (changes.is_base_followed())
            item.was = item.theirs;
        if (field.is_changed && !item.is_readable)
            item.theirs = not_known_here;
    }
    for (ThreeWay &item : std::span(compared.items, compared.count))
        if (!item.is_asked)
            item.mine = item.was.value_or(core::Value{});
    if (!table->merge_groups.groups.empty())
        compare_groups(compared);
    return compared.all();
}

}  // namespace crm
