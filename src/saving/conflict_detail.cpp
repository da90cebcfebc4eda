#include "conflict_detail.h"

#include "../boundary/clock.h"
#include "../core/base_diagnosis.h"
#include "../core/version.h"
#include "../records/comments.h"
#include "../records/history.h"
#include "../tables/status.h"
#include "three_way.h"

namespace crm {

namespace {

// Why the base is no version of the customer; empty when it was one.
std::optional<core::BaseProblem>
find_base_problem(const AttachedTable &table, const Key &key, const ChangesSince &changes, core::Timestamp current)
{
    const core::Timestamp base = changes.base;
    if (!core::is_finite(base))
        return core::BaseProblem::infinite;
    if (changes.is_base_followed() || changes.base_recorded_at)
        return std::nullopt;

    constexpr std::size_t limit = 1000;
    core::Timestamp *versions = static_cast<core::Timestamp *>(palloc((limit + 2) * sizeof(core::Timestamp)));
    std::size_t count = nearby_versions(table, key, base, versions, limit);
    versions[count++] = current;
    if (changes.first && changes.first->previous)
        versions[count++] = *changes.first->previous;

    core::KnownVersions known = {{versions, count}, std::nullopt};
    const std::optional<OldestChange> oldest = oldest_change(table, key);
    if (!oldest)
        known.oldest_kept = current;
    else if (oldest->previous)
        known.oldest_kept = oldest->previous;
    return core::diagnose(base, known, clock_now());
}

// The status is text; of a field, its value as JSON.
void
add_value(JsonBuilder &json, const ThreeWay &item, const core::Value &value)
{
    if (item.field != nullptr)
        json.jsonb(jsonb_of(value));
    else
        json.optional_text(value);
}

// The names of the columns that merge as one.
void
add_group(JsonBuilder &json, const AttachedTable &table, MergeGroup group)
{
    json.key("group");
    json.open_array();
    for (const AttrNumber column : group)
        if (const char *name = get_attname(table->customers.oid, column, true))
            json.text(name);
    json.close_array();
}

void
add_collisions(JsonBuilder &json, const AttachedTable &table, ThreeWays items, const ReadableCustomer &customer)
{
    json.key("conflicts");
    json.open_array();
    for (const ThreeWay &item : items)
    {
        const bool can_be_told = item.is_readable && (item.is_asked || item.was);
        if (item.merged() != core::Merge::collide || !can_be_told)
            continue;
        json.open_object();
        json.key("field");
        json.text(item.name);
        json.key("was");
        add_value(json, item, item.was.value_or(core::Value{}));
        json.key("mine");
        if (item.field != nullptr && item.is_asked)
            json.jsonb(item.field->shown);
        else
            add_value(json, item, item.mine);
        json.key("theirs");
        if (item.field != nullptr)
            json.jsonb(value_shown_in(customer.row.object, item.name));
        else
            json.optional_text(item.theirs);
        if (!item.group.empty())
            add_group(json, table, item.group);
        json.close_object();
    }
    json.close_array();
}

}  // namespace

ConflictDetail
conflict_detail(const AttachedTable &table, const Key &key, const core::Request &request, Fields watched,
                ConflictContext context, std::optional<std::int64_t> own_comment, const std::optional<EditLock> &lock)
{
    read_visible(table, key, context.snapshot, context.changes);
    const ReadableCustomer &customer = context.customer;
    const ChangesSince &changes = context.changes;
    ConflictDetail detail = {};
    JsonBuilder json;

    json.open_object();
    json.key("key");
    json.text(key_text(key));
    json.key("current");
    json.jsonb(customer.row.object);

    if (lock)
    {
        json.key("lock");
        add_edit_lock(json, *lock);
    }
    add_changes(json, changes);
    detail.changes = changes.total;
    detail.last_author = changes.last_author;

    const bool is_history_known = changes.readable == Readable::everything;
    if (is_history_known)
        detail.base_problem = find_base_problem(table, key, changes, customer.version);
    if (detail.base_problem)
    {
        json.key("expected_ts_problem");
        json.open_object();
        json.key("code");
        json.text(core::code(*detail.base_problem));
        json.key("hint");
        json.text(core::hint(*detail.base_problem));
        json.close_object();
    }
    const Fields fields = asked_fields(watched);
    add_collisions(json, table,
                   core::same_version(request.base, customer.version)
                       ? compare_with_current(table, request, fields, customer)
                   : is_history_known ? compare_with_base(table, request, watched, customer, changes)
                                      : compare(table, request, fields, customer),
                   customer);
    if (context.superseded)
    {
        json.key("superseded");
        json.jsonb(*context.superseded);
        detail.is_superseded = true;
    }
    if (may_read_comments(table))
    {
        json.key("comments");
        const core::Timestamp since = changes.base_recorded_at.value_or(request.base);
        const std::int64_t total = list_comments(table, key, since, own_comment, context.snapshot, json);
        json.key("comments_total");
        json.number(total);
    }
    json.close_object();
    detail.json = json.finish();
    return detail;
}

Datum
merge_detail(const Key &key, const ChangesSince &changes, const ReadableCustomer &customer)
{
    JsonBuilder json;
    json.open_object();
    json.key("key");
    json.text(key_text(key));
    json.key("current");
    json.jsonb(customer.row.object);
    add_changes(json, changes);
    json.close_object();
    return json.finish();
}

}  // namespace crm
